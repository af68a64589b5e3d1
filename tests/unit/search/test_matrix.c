/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What searches can ask, cell by cell: tests/data/search/matrix.json holds the rows and
 * docs/search.md is written from them. A row names what it stands for, the query, and what it must
 * find ("want") or how it must be refused ("status", "says").
 */
#include "store.h"

#define MAX_ROWS 1024

typedef struct matrix_row {
    const char *section;
    fhs_str on, query, want, status, says;
    bool is_bad;
    bool is_r5;
} matrix_row;

static store world;
static store world_r5;
static const char *folder;
static fhs_arena data;
static fhs_buf matrix_text;
static matrix_row rows[MAX_ROWS];
static int row_count;

static void read_whole(const char *name, fhs_buf *out)
{
    char path[512];
    char part[4096];
    size_t len;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    while ((len = fread(part, 1, sizeof part, file)) > 0) {
        fhs_buf_add(out, part, len);
    }
    (void)fclose(file);
}

static const char *text_cstr(fhs_str text)
{
    char *copy = fhs_arena_calloc(&data, text.len + 1, 1);
    if (copy != NULL && text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

static fhs_str text_member(const fhs_json *object, const char *name)
{
    fhs_str text = FHS_LIT("");
    (void)fhs_json_get_string(object, fhs_str_from_cstr(name), &text);
    return text;
}

static void read_rows(void)
{
    const fhs_json *root = NULL;
    fhs_arena_init(&data, (size_t)64 << 20);
    fhs_buf_init(&matrix_text, (size_t)1 << 24);
    read_whole("matrix.json", &matrix_text);
    if (fhs_json_read(&data, fhs_buf_str(&matrix_text), NULL, &root, NULL) != FHIRSTORE_OK) {
        (void)fprintf(stderr, "matrix.json is not JSON\n");
        exit(EXIT_FAILURE);
    }
    for (uint32_t s = 0; s < root->count; s++) {
        const fhs_json *section = &root->members[s].value;
        for (uint32_t i = 0; i < section->count && row_count < MAX_ROWS; i++) {
            const fhs_json *row = &section->items[i];
            rows[row_count++] = (matrix_row){
                .section = text_cstr(root->members[s].name),
                .on = text_member(row, "on"),
                .query = text_member(row, "query"),
                .want = text_member(row, "want"),
                .status = text_member(row, "status"),
                .says = text_member(row, "says"),
                .is_bad = fhs_json_get(row, FHS_LIT("want")) == NULL,
                .is_r5 = fhs_str_eq(text_member(row, "fhir"), FHS_LIT("R5")),
            };
        }
    }
}

static void fill_world(store *which, fhs_fhir_version version, const char *name)
{
    fhs_buf text = FHS_BUF_INIT((size_t)1 << 24);
    store_open_as(which, version);
    store_begin(which);
    read_whole(name, &text);
    fhs_str rest = fhs_buf_str(&text);
    fhs_str line;
    while (fhs_str_split(rest, '\n', &line, &rest)) {
        store_put(which, text_cstr(line));
    }
    fhs_buf_clear(&text);
    store_commit(which);
}

static void open_world(void)
{
    fill_world(&world, FHS_FHIR_R4, "r4.ndjson");
    fill_world(&world_r5, FHS_FHIR_R5, "r5.ndjson");
}

static void close_world(void)
{
    store_close(&world);
    store_close(&world_r5);
}

static void check_found(const matrix_row *row, const char *type, const char *query)
{
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    search_ids(row->is_r5 ? &world_r5 : &world, type, query, &out);
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&out), row->want),
                  "%s: %s?%s: got \"%.*s\", wanted \"%.*s\"", row->section, type, query,
                  FHS_STR_ARG(fhs_buf_str(&out)), FHS_STR_ARG(row->want));
    fhs_buf_clear(&out);
}

static void check_refused(const char *type, const char *query, fhs_str wanted, const char *says)
{
    found f;
    fhirstore_error *err = NULL;
    fhirstore_status status = found_try(&world, type, query, false, &f, &err);
    const char *name = fhs_status_name(status);
    ck_assert_msg(fhs_str_ends_with(fhs_str_from_cstr(name), wanted) && status < FHIRSTORE_OK,
                  "%s?%s: %s, wanted %.*s", type, query, name, FHS_STR_ARG(wanted));
    ck_assert_msg(strstr(fhs_error_message(err), says) != NULL, "%s?%s: \"%s\", wanted \"%s\"",
                  type, query, fhs_error_message(err), says);
    fhs_error_free(err);
    found_close(&f);
}

START_TEST(cells)
{
    const matrix_row *row = &rows[_i];
    const char *type = text_cstr(row->on);
    const char *query = text_cstr(row->query);
    if (row->is_bad) {
        check_refused(type, query, row->status, text_cstr(row->says));
    } else {
        check_found(row, type, query);
    }
}
END_TEST

/* A parameter of each type, for every modifier that is not in its cells. */
static const struct {
    const char *kind, *type, *code;
} samples[] = {
    {"number", "RiskAssessment", "probability"},
    {"date", "Patient", "birthdate"},
    {"string", "Patient", "family"},
    {"token", "Patient", "identifier"},
    {"reference", "Encounter", "location"},
    {"composite", "Observation", "code-value-quantity"},
    {"quantity", "Observation", "value-quantity"},
    {"uri", "ValueSet", "url"},
    {"special", "Location", "near"},
};

static const char *const modifiers[] = {
    "missing", "exact",   "contains",   "not",       "text",          "in",      "not-in", "above",
    "below",   "of-type", "identifier", "code-text", "text-advanced", "iterate", "type",
};

static bool has_cell(const char *name, const char *key, const char *kind, const char *wanted)
{
    const fhs_json *root = NULL;
    fhs_arena arena;
    bool is_there = false;
    fhs_arena_init(&arena, (size_t)64 << 20);
    ck_assert_ok(fhs_json_read(&arena, fhs_buf_str(&matrix_text), NULL, &root, &err));
    const fhs_json *section = fhs_json_get(root, fhs_str_from_cstr(name));
    for (uint32_t i = 0; i < section->count && !is_there; i++) {
        is_there = fhs_str_eq(text_member(&section->items[i], "type"), fhs_str_from_cstr(kind)) &&
                   fhs_str_eq(text_member(&section->items[i], key), fhs_str_from_cstr(wanted));
    }
    fhs_arena_clear(&arena);
    return is_there;
}

START_TEST(what_does_not_apply_is_refused)
{
    for (size_t m = 0; m < sizeof modifiers / sizeof *modifiers; m++) {
        char query[128];
        char says[128];
        if (has_cell("modifiers", "modifier", samples[_i].kind, modifiers[m])) {
            continue;
        }
        const char *name = strcmp(modifiers[m], "type") == 0 ? "Patient" : modifiers[m];
        (void)snprintf(query, sizeof query, "%s:%s=x", samples[_i].code, name);
        (void)snprintf(says, sizeof says,
                       "'%s:%s' has a modifier that does not apply; a %s takes "
                       ":missing",
                       samples[_i].code, name, samples[_i].kind);
        check_refused(samples[_i].type, query, FHS_LIT("ERR_MODIFIER"), says);
    }
}
END_TEST

START_TEST(operators_that_do_not_apply_are_refused)
{
    static const char *const ops[] = {"eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "sa",
                                      "eb", "ap", "po", "ss", "sb", "in", "ni", "re", "pr"};
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
        char query[128];
        char says[128];
        if (has_cell("filter", "op", samples[_i].kind, ops[o])) {
            continue;
        }
        (void)snprintf(query, sizeof query, "_filter=%s %s x", samples[_i].code, ops[o]);
        (void)snprintf(says, sizeof says, "'_filter' at character 1: '%s' ", samples[_i].code);
        check_refused(samples[_i].type, query, FHS_LIT("ERR_MODIFIER"), says);
    }
}
END_TEST

/* A prefix means something to numbers, dates and quantities only; elsewhere it is part of a text.
 */
START_TEST(prefixes_elsewhere_are_text)
{
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    search_ids(&world, "Patient", "family=gemuller", &out);
    ck_assert_uint_eq(out.len, 0);
    search_ids(&world, "Patient", "gender=nemale", &out);
    ck_assert_uint_eq(out.len, 0);
    search_ids(&world, "Observation", "subject=gep1", &out);
    ck_assert_uint_eq(out.len, 0);
    search_ids(&world, "ValueSet", "url=nehttp://acme.org/fhir", &out);
    ck_assert_uint_eq(out.len, 0);
    check_refused("Location", "near=ge47.4|8.5|10", FHS_LIT("ERR_PARAM_VALUE"), "'near' ");
    fhs_buf_clear(&out);
}
END_TEST

/* Whether @a id stands in a list of ids with blanks between. */
static bool lists_id(fhs_str list, fhs_str id)
{
    bool more = true;
    while (more) {
        fhs_str head = list;
        more = fhs_str_split(list, ' ', &head, &list);
        if (fhs_str_eq(head, id)) {
            return true;
        }
    }
    return false;
}

/* "a and b", "a or b" and their negations, judged on what a and b find by themselves. */
static void check_joined(const char *type, fhs_str all, const matrix_row *a, const matrix_row *b,
                         int way)
{
    static const char *const forms[][3] = {
        {"", " and ", ""}, {"", " or ", ""}, {"not(", ") and not (", ")"}, {"", " or not(", ")"}};
    char query[1024];
    fhs_str one = fhs_str_from(a->query, strlen("_filter="));
    fhs_str two = fhs_str_from(b->query, strlen("_filter="));
    fhs_buf want = FHS_BUF_INIT((size_t)1 << 16);
    bool more = all.len > 0;
    while (more) {
        fhs_str id = all;
        more = fhs_str_split(all, ' ', &id, &all);
        bool in_a = lists_id(a->want, id);
        bool in_b = lists_id(b->want, id);
        bool yes = way == 0   ? in_a && in_b
                   : way == 1 ? in_a || in_b
                   : way == 2 ? !in_a && !in_b
                              : in_a || !in_b;
        if (yes) {
            fhs_buf_add_cstr(&want, want.len > 0 ? " " : "");
            fhs_buf_add_str(&want, id);
        }
    }
    (void)snprintf(query, sizeof query, "_filter=%s%.*s%s%.*s%s", forms[way][0], FHS_STR_ARG(one),
                   forms[way][1], FHS_STR_ARG(two), forms[way][2]);
    const matrix_row row = {.section = "joined", .want = fhs_buf_str(&want)};
    check_found(&row, type, query);
    fhs_buf_clear(&want);
}

START_TEST(filters_join_as_sets)
{
    static const char *const types[] = {"Patient", "Observation", "RiskAssessment", "ValueSet"};
    const char *type = types[_i / 4];
    fhs_buf all = FHS_BUF_INIT((size_t)1 << 16);
    int pairs = 0;
    search_ids(&world, type, "", &all);
    for (int i = 0; i < row_count; i++) {
        for (int j = 0; j < row_count; j++) {
            bool fits = strcmp(rows[i].section, "filter") == 0 &&
                        strcmp(rows[j].section, "filter") == 0 &&
                        fhs_str_eq(rows[i].on, fhs_str_from_cstr(type)) &&
                        fhs_str_eq(rows[j].on, fhs_str_from_cstr(type));
            if (fits) {
                check_joined(type, fhs_buf_str(&all), &rows[i], &rows[j], _i % 4);
                pairs++;
            }
        }
    }
    ck_assert_int_gt(pairs, 30);
    fhs_buf_clear(&all);
}
END_TEST

static const fhs_node *hide_one_type(void *ctx, fhs_type type)
{
    static const fhs_node all = {.kind = FHS_NODE_TRUE, .type = FHS_TYPE_NONE};
    return type == *(const fhs_type *)ctx ? NULL : &all;
}

START_TEST(what_may_not_be_seen_leads_nowhere)
{
    static const struct {
        const char *hidden, *type, *query, *want;
    } cases[] = {
        {"List", "Patient", "_list=li1", ""},
        {"Group", "Patient", "_in=g1", ""},
        {"CareTeam", "Patient", "_in=Group/g1", "p1 p4"},
        {"Location", "Encounter", "location:below=l1", "e2"},
        {"Location", "Encounter", "location:above=l3", "e1"},
        {"Organization", "Patient", "organization:below=Organization/o1", "p1"},
        {"Patient", "Observation", "_sort=-subject:Patient.birthdate,_id", "b1 b2 b3 b4 b5 b6 b7"},
        {"Patient", "Observation", "_filter=subject.family sw mul", ""},
        {"Patient", "Observation", "_filter=subject[gender pr true]._id eq p1", ""},
    };
    fhs_type hidden = fhs_type_find(world.fhir, fhs_str_from_cstr(cases[_i].hidden));
    world.env.restriction_of = hide_one_type;
    world.env.restriction_ctx = &hidden;
    const matrix_row row = {.section = "hidden", .want = fhs_str_from_cstr(cases[_i].want)};
    check_found(&row, cases[_i].type, cases[_i].query);
    world.env.restriction_of = NULL;
}
END_TEST

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: test_search_matrix tests/data/search\n");
        return EXIT_FAILURE;
    }
    folder = argv[1];
    read_rows();
    Suite *suite = suite_create("search/matrix");
    TCase *tests = tcase_create("matrix");
    /* Nothing changes the world, so one serves all. */
    tcase_add_unchecked_fixture(tests, open_world, close_world);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, cells, 0, row_count);
    tcase_add_loop_test(tests, what_does_not_apply_is_refused, 0,
                        (int)(sizeof samples / sizeof *samples));
    tcase_add_loop_test(tests, operators_that_do_not_apply_are_refused, 0,
                        (int)(sizeof samples / sizeof *samples));
    tcase_add_test(tests, prefixes_elsewhere_are_text);
    tcase_add_loop_test(tests, filters_join_as_sets, 0, 16);
    tcase_add_loop_test(tests, what_may_not_be_seen_leads_nowhere, 0, 9);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* a store does not live through a fork */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    fhs_buf_clear(&matrix_text);
    fhs_arena_clear(&data);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
