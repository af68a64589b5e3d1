/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random resources, random queries: what the indexes find is what looking at everything finds, and
 * the order is the one that was asked for, whatever the plan. FHS_SEED repeats a run.
 */
#include "naive.h"

#include <time.h>

#define SIZE    240
#define QUERIES 600

static store lab;
static naive_world world;
static fhs_arena world_arena;
static uint64_t random_state;
static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static const char *pick(const char *const *list, size_t count)
{
    return list[draw((uint32_t)count)];
}
#define PICK(list) pick(list, sizeof(list) / sizeof((list)[0]))

static const char *const families[] = {
    "M\xC3\xBCller",          "Muller",     "MULLER",    "Mu", "Smith", "smithe", "O'Neil",
    "\xC3\x85ngstr\xC3\xB6m", "Zo\xC3\xAB", "de la Cruz"};
static const char *const dates[] = {"1970",
                                    "1970-05",
                                    "1970-05-01",
                                    "1969-12-31",
                                    "1971",
                                    "1970-05-01T10:00:00Z",
                                    "1970-05-01T10:00:00.5Z",
                                    "1970-05-01T23:30:00-02:00",
                                    "1970-04-30",
                                    "1970-06"};
static const char *const codes[] = {"8480-6", "8462-4", "BP", "bp", "Bp", "a|b"};
static const char *const systems[] = {"http://loinc.org", "urn:local",
                                      "http://hl7.org/fhir/administrative-gender"};
static const char *const values[] = {"100", "100.0", "0.1", "99.5", "1e2", "120", "-3", "0"};
static const char *const units[] = {"mg/L", "g/L", "kg/m3", "mm[Hg]", "Cel", "drops"};
static const char *const uris[] = {"http://a.org", "http://a.org/x", "http://a.org/x/y",
                                   "http://a.org/xy", "urn:oid:1.2"};
static const char *const prefixes[] = {"", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"};

/* ---- resources ---- */

static void add_coding(fhs_buf *out)
{
    fhs_buf_addf(out, "{\"code\":\"%s\"", PICK(codes));
    if (draw(4) != 0) {
        fhs_buf_addf(out, ",\"system\":\"%s\"", PICK(systems));
    }
    fhs_buf_add_char(out, '}');
}

static void add_date(fhs_buf *out, const char *stem)
{
    if (draw(3) == 0) {
        const char *start = PICK(dates);
        fhs_buf_addf(out, ",\"%sPeriod\":{", stem);
        bool has_start = draw(4) != 0;
        if (has_start) {
            fhs_buf_addf(out, "\"start\":\"%s\"", start);
        }
        if (!has_start || draw(3) != 0) {
            fhs_buf_addf(out, "%s\"end\":\"19%u\"", has_start ? "," : "", 71 + draw(3));
        }
        fhs_buf_add_char(out, '}');
    } else if (draw(5) != 0) {
        fhs_buf_addf(out, ",\"%sDateTime\":\"%s\"", stem, PICK(dates));
    }
}

static void add_quantity(fhs_buf *out)
{
    const char *unit = PICK(units);
    static const char *const comparators[] = {"<", "<=", ">", ">="};
    fhs_buf_addf(out, ",\"valueQuantity\":{\"value\":%s", PICK(values));
    if (draw(5) == 0) {
        fhs_buf_addf(out, ",\"comparator\":\"%s\"", PICK(comparators));
    }
    if (draw(6) != 0) {
        fhs_buf_addf(out, ",\"unit\":\"%s\"", unit);
    }
    if (strcmp(unit, "drops") != 0) {
        fhs_buf_addf(out, ",\"system\":\"http://unitsofmeasure.org\",\"code\":\"%s\"", unit);
    }
    fhs_buf_add_char(out, '}');
}

static void add_reference(fhs_buf *out, const char *name)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "Patient/p%u", draw(SIZE));
    if (draw(3) == 0) {
        switch (draw(4)) {
        case 0:
            (void)snprintf(text, sizeof(text), "http://example.org/fhir/Patient/p%u", draw(SIZE));
            break;
        case 1:
            (void)snprintf(text, sizeof(text), "http://other.org/Patient/p%u", draw(SIZE));
            break;
        case 2:
            (void)snprintf(text, sizeof(text), "Patient/p%u/_history/2", draw(SIZE));
            break;
        default:
            (void)snprintf(text, sizeof(text), "Group/p%u", draw(SIZE));
            break;
        }
    }
    fhs_buf_addf(out, ",\"%s\":{\"reference\":\"%s\"}", name, text);
}

static void make_observation(fhs_buf *out, unsigned i)
{
    fhs_buf_addf(out, "{\"resourceType\":\"Observation\",\"id\":\"b%u\",\"status\":\"%s\"", i,
                 draw(2) == 0 ? "final" : "amended");
    fhs_buf_add_cstr(out, ",\"code\":{\"coding\":[");
    for (uint32_t n = 1 + draw(2); n > 0; n--) {
        add_coding(out);
        fhs_buf_add_cstr(out, n > 1 ? "," : "");
    }
    fhs_buf_add_cstr(out, "]}");
    add_date(out, "effective");
    if (draw(4) != 0) {
        add_quantity(out);
    }
    if (draw(8) != 0) {
        add_reference(out, "subject");
    }
    fhs_buf_add_char(out, '}');
}

static void make_patient(fhs_buf *out, unsigned i)
{
    fhs_buf_addf(out, "{\"resourceType\":\"Patient\",\"id\":\"p%u\"", i);
    if (draw(3) == 0) {
        fhs_buf_addf(out, ",\"meta\":{\"profile\":[\"%s\"],\"tag\":[", PICK(uris));
        add_coding(out);
        fhs_buf_add_cstr(out, "]}");
    }
    if (draw(6) != 0) {
        fhs_buf_addf(out, ",\"name\":[{\"family\":\"%s\",\"given\":[\"%s\",\"%s\"]}]",
                     PICK(families), PICK(families), PICK(families));
    }
    if (draw(4) != 0) {
        fhs_buf_addf(out, ",\"gender\":\"%s\"", draw(2) == 0 ? "male" : "female");
    }
    if (draw(4) != 0) {
        fhs_buf_addf(out, ",\"birthDate\":\"%.10s\"", PICK(dates));
    }
    if (draw(4) == 0) {
        fhs_buf_addf(out,
                     ",\"link\":[{\"type\":\"seealso\",\"other\":{\"reference\":"
                     "\"Patient/p%u\"}}]",
                     draw(SIZE));
    }
    fhs_buf_add_char(out, '}');
}

static void make_risk(fhs_buf *out, unsigned i)
{
    fhs_buf_addf(out, "{\"resourceType\":\"RiskAssessment\",\"id\":\"r%u\",\"status\":\"final\"",
                 i);
    add_reference(out, "subject");
    fhs_buf_add_cstr(out, ",\"prediction\":[");
    for (uint32_t n = 1 + draw(2); n > 0; n--) {
        if (draw(2) == 0) {
            fhs_buf_addf(out, "{\"probabilityDecimal\":%s}", PICK(values));
        } else {
            fhs_buf_addf(out,
                         "{\"probabilityRange\":{\"low\":{\"value\":%s},\"high\":"
                         "{\"value\":%u}}}",
                         PICK(values), 121 + draw(9));
        }
        fhs_buf_add_cstr(out, n > 1 ? "," : "");
    }
    fhs_buf_add_cstr(out, "]}");
}

static void add_to_world(fhs_str json)
{
    const fhs_json *root = NULL;
    fhs_str name;
    naive_resource *resource = &world.items[world.count++];
    json = fhs_arena_dup(&world_arena, json);
    ck_assert_ok(fhs_json_read(&world_arena, json, NULL, &root, &err));
    ck_assert(fhs_json_get_string(root, FHS_LIT("resourceType"), &name));
    ck_assert(fhs_json_get_string(root, FHS_LIT("id"), &resource->id));
    resource->type = fhs_type_find(lab.fhir, name);
    ck_assert_ok(fhs_index_extract(lab.indexer, FHS_LIT(BASE_URL), root, &world_arena,
                                   &resource->entries, &err));
}

static void fill_lab(void)
{
    fhs_buf json = FHS_BUF_INIT((size_t)1 << 20);
    const char *text = getenv("FHS_SEED");
    seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
    random_state = seed * 2654435761u + 1;
    store_open(&lab);
    fhs_arena_init(&world_arena, (size_t)256 << 20);
    world = (naive_world){.fhir = lab.fhir};
    world.items = fhs_arena_calloc(&world_arena, 3 * SIZE, sizeof(*world.items));
    ck_assert_ptr_nonnull(world.items);
    store_begin(&lab);
    for (unsigned i = 0; i < SIZE; i++) {
        void (*const makers[])(fhs_buf *, unsigned) = {make_patient, make_observation, make_risk};
        for (size_t m = 0; m < 3; m++) {
            /* Twice, so that rows of an older version would show. */
            fhs_buf_reset(&json);
            makers[m](&json, i);
            store_put(&lab, json.ptr);
            if (draw(3) == 0) {
                fhs_buf_reset(&json);
                makers[m](&json, i);
                store_put(&lab, json.ptr);
            }
            add_to_world(fhs_buf_str(&json));
        }
        if (draw(10) == 0) {
            char id[16];
            (void)snprintf(id, sizeof(id), "p%u", i);
            store_delete(&lab, "Patient", id);
            world.items[world.count - 3].is_deleted = true;
        }
    }
    store_commit(&lab);
    fhs_buf_clear(&json);
}

static void drop_lab(void)
{
    store_close(&lab);
    fhs_arena_clear(&world_arena);
}

/* ---- queries ---- */

static void query_token(fhs_buf *out, const char *name)
{
    fhs_buf_addf(out, draw(5) == 0 ? "%s:not=" : "%s=", name);
    for (uint32_t n = 1 + draw(2); n > 0; n--) {
        switch (draw(5)) {
        case 0:
            fhs_buf_addf(out, "%s|", PICK(systems));
            break;
        case 1:
            fhs_buf_addf(out, "|%s", draw(2) == 0 ? "bp" : "8480-6");
            break;
        case 2:
            fhs_buf_addf(out, "%s|%s", PICK(systems), draw(2) == 0 ? "BP" : "8480-6");
            break;
        case 3:
            fhs_buf_add_cstr(out, "a\\|b");
            break;
        default:
            fhs_buf_add_cstr(out, draw(2) == 0 ? "Bp" : "8462-4");
            break;
        }
        fhs_buf_add_cstr(out, n > 1 ? "," : "");
    }
}

static void query_string(fhs_buf *out, const char *name)
{
    static const char *const mods[] = {"", "", ":exact", ":contains"};
    fhs_buf_addf(out, "%s%s=%s", name, PICK(mods), PICK(families));
    if (draw(3) == 0) {
        fhs_buf_addf(out, ",%s", draw(2) == 0 ? "m" : "Ang");
    }
}

static void query_date(fhs_buf *out, const char *name)
{
    fhs_buf_addf(out, "%s=%s%s", name, PICK(prefixes), PICK(dates));
}

static void query_quantity(fhs_buf *out)
{
    fhs_buf_addf(out, "value-quantity=%s%s", PICK(prefixes), PICK(values));
    switch (draw(4)) {
    case 0:
        fhs_buf_addf(out, "|http://unitsofmeasure.org|%s", PICK(units));
        break;
    case 1:
        fhs_buf_addf(out, "||%s", PICK(units));
        break;
    default:
        break;
    }
}

static void query_reference(fhs_buf *out, const char *name)
{
    static const char *const heads[] = {"", "Patient/", "http://example.org/fhir/Patient/",
                                        "http://other.org/Patient/", "Group/"};
    fhs_buf_addf(out, "%s=%sp%u", name, PICK(heads), draw(SIZE));
    if (draw(4) == 0) {
        fhs_buf_addf(out, ",Patient/p%u/_history/2", draw(SIZE));
    }
}

static void query_missing(fhs_buf *out, const char *name)
{
    fhs_buf_addf(out, "%s:missing=%s", name, draw(2) == 0 ? "true" : "false");
}

static void query_patient(fhs_buf *out)
{
    static const char *const names[] = {"family", "given", "name", "birthdate", "gender", "_tag"};
    switch (draw(9)) {
    case 0:
    case 1:
        query_string(out, draw(2) == 0 ? "family" : "name");
        break;
    case 2:
        query_date(out, "birthdate");
        break;
    case 3:
        query_token(out, "_tag");
        break;
    case 4:
        fhs_buf_addf(out, "gender=%s", draw(2) == 0 ? "male" : "female,Male");
        break;
    case 5:
        query_missing(out, PICK(names));
        break;
    case 6:
        fhs_buf_addf(out, "_profile%s=%s",
                     draw(3) == 0   ? ":below"
                     : draw(2) == 0 ? ":above"
                                    : "",
                     PICK(uris));
        break;
    case 7:
        fhs_buf_addf(out, "_id=p%u,p%u", draw(SIZE), draw(SIZE));
        break;
    default:
        fhs_buf_add_cstr(out, "_has:Observation:patient:");
        query_token(out, "code");
        break;
    }
}

static void query_observation(fhs_buf *out)
{
    static const char *const names[] = {"code", "date", "subject", "value-quantity"};
    switch (draw(9)) {
    case 0:
    case 1:
        query_token(out, "code");
        break;
    case 2:
    case 3:
        query_date(out, "date");
        break;
    case 4:
        query_quantity(out);
        break;
    case 5:
        query_reference(out, draw(2) == 0 ? "subject" : "patient");
        break;
    case 6:
        query_missing(out, PICK(names));
        break;
    case 7:
        fhs_buf_addf(out, "status=%s", draw(2) == 0 ? "final" : "amended");
        break;
    default:
        fhs_buf_add_cstr(out, draw(2) == 0 ? "subject:Patient." : "patient.");
        query_patient(out);
        break;
    }
}

static void query_risk(fhs_buf *out)
{
    switch (draw(3)) {
    case 0:
        query_missing(out, "probability");
        break;
    case 1:
        query_reference(out, "subject");
        break;
    default:
        fhs_buf_addf(out, "probability=%s%s", PICK(prefixes), PICK(values));
        break;
    }
}

static const char *make_query(fhs_buf *out)
{
    static const char *const types[] = {"Patient", "Observation", "Observation", "RiskAssessment"};
    static const char *const patient_sorts[] = {"birthdate",    "-birthdate",        "family",
                                                "-family",      "gender,-birthdate", "_id",
                                                "-_lastUpdated"};
    static const char *const observation_sorts[] = {"date", "-date", "code",
                                                    "-value-quantity,date"};
    static const char *const risk_sorts[] = {"probability", "-probability"};
    const char *type = PICK(types);
    fhs_buf_reset(out);
    for (uint32_t n = 1 + draw(3); n > 0; n--) {
        if (type[0] == 'P') {
            query_patient(out);
        } else if (type[0] == 'O') {
            query_observation(out);
        } else {
            query_risk(out);
        }
        fhs_buf_add_cstr(out, n > 1 ? "&" : "");
    }
    if (draw(2) == 0) {
        fhs_buf_addf(out, "&_sort=%s",
                     type[0] == 'P'   ? PICK(patient_sorts)
                     : type[0] == 'O' ? PICK(observation_sorts)
                                      : PICK(risk_sorts));
    }
    return type;
}

/* ---- the comparison ---- */

static naive_resource *find_resource(fhs_type type, fhs_str id)
{
    for (size_t i = 0; i < world.count; i++) {
        if (world.items[i].type == type && fhs_str_eq(world.items[i].id, id)) {
            return &world.items[i];
        }
    }
    return NULL;
}

/* Plans that are forced; what they find is the same. */
static const uint32_t wishes[] = {0,
                                  FHS_WISH_ALL,
                                  FHS_WISH_ALL | FHS_WISH_ROWS | FHS_WISH_NEAR,
                                  FHS_WISH_LAST | FHS_WISH_FAR,
                                  FHS_WISH_ROWS | FHS_WISH_FAR,
                                  FHS_WISH_LAST | FHS_WISH_NEAR | FHS_WISH_WALK,
                                  FHS_WISH_SORTED,
                                  FHS_WISH_WALK | FHS_WISH_ROWS};
#define WISHES (sizeof(wishes) / sizeof(wishes[0]))

/* The ids in the order they came in with the first plan, to compare those of others with. */
static size_t first_order[3 * SIZE];

/* The date that counts for an order by it; false: none. */
static bool sort_date(const naive_resource *resource, fhs_sparam param, bool descending,
                      int64_t *out)
{
    bool has_any = false;
    for (size_t i = 0; i < resource->entries.count; i++) {
        const fhs_entry *entry = &resource->entries.items[i];
        if (entry->param != param || entry->kind != FHS_ROW_DATE) {
            continue;
        }
        if (!has_any || (descending ? entry->lo > *out : entry->lo < *out)) {
            *out = entry->lo;
        }
        has_any = true;
    }
    return has_any;
}

static void check_order(const found *f, const naive_resource *before, const naive_resource *after)
{
    const fhs_sort_key *key = f->query->sort;
    if (before == NULL || f->query->sort_count == 0 || key->param_type != FHS_SP_DATE ||
        key->is_updated || key->is_id) {
        return;
    }
    int64_t first = 0;
    int64_t second = 0;
    bool has_first = sort_date(before, key->param, key->descending, &first);
    bool has_second = sort_date(after, key->param, key->descending, &second);
    ck_assert(has_first || !has_second);
    if (has_first && has_second) {
        ck_assert(key->descending ? first >= second : first <= second);
    }
}

static void compare_query(const char *type, const char *text, uint32_t wish)
{
    found f;
    fhirstore_error *error = NULL;
    fhs_version version;
    bool seen[3 * SIZE] = {false};
    int64_t count = 0;
    int64_t wanted = 0;
    fhs_type number = fhs_type_find(lab.fhir, fhs_str_from_cstr(type));
    naive_resource *before = NULL;
    size_t place = 0;
    lab.env.wish = wish;
    fhirstore_status status = found_try(&lab, type, text, false, &f, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s?%s: %s (seed %llu)", type, text,
                  fhs_error_message(error), (unsigned long long)seed);
    ck_assert_ok(fhs_search_count(f.search, &count, &err));
    while ((status = fhs_search_next(f.search, &version, &error)) == FHIRSTORE_OK) {
        naive_resource *resource = find_resource(number, version.id);
        ck_assert_ptr_nonnull(resource);
        size_t at = (size_t)(resource - world.items);
        ck_assert_msg(!seen[at], "%s?%s: %.*s twice (seed %llu)", type, text,
                      FHS_STR_ARG(resource->id), (unsigned long long)seed);
        seen[at] = true;
        check_order(&f, before, resource);
        ck_assert_msg(wish == 0 || first_order[place] == at,
                      "%s?%s: %.*s in place %zu with plan %u (seed %llu)", type, text,
                      FHS_STR_ARG(resource->id), place, wish, (unsigned long long)seed);
        first_order[place++] = at;
        before = resource;
    }
    ck_assert_int_eq(status, FHIRSTORE_DONE);
    for (size_t i = 0; i < world.count; i++) {
        bool want = world.items[i].type == number && !world.items[i].is_deleted &&
                    naive_holds(&world, &world.items[i], f.query->root);
        wanted += want ? 1 : 0;
        ck_assert_msg(want == seen[i], "%s?%s: %.*s %s with plan %u (seed %llu)", type, text,
                      FHS_STR_ARG(world.items[i].id), want ? "is missing" : "should not be there",
                      wish, (unsigned long long)seed);
    }
    ck_assert_msg(count == wanted, "%s?%s: count %lld, not %lld with plan %u (seed %llu)", type,
                  text, (long long)count, (long long)wanted, wish, (unsigned long long)seed);
    found_close(&f);
}

START_TEST(indexes_find_what_looking_finds)
{
    fhs_buf text = FHS_BUF_INIT((size_t)1 << 16);
    for (int i = 0; i < QUERIES; i++) {
        fhs_buf encoded = FHS_BUF_INIT((size_t)1 << 16);
        const char *type = make_query(&text);
        for (size_t c = 0; c < text.len; c++) {
            if (strchr("&=", text.ptr[c]) != NULL) {
                fhs_buf_add_char(&encoded, text.ptr[c]);
            } else {
                fhs_url_encode(&encoded, fhs_str_of(text.ptr + c, 1));
            }
        }
        for (size_t w = 0; w < WISHES; w++) {
            compare_query(type, encoded.ptr, wishes[w]);
        }
        fhs_buf_clear(&encoded);
    }
    fhs_buf_clear(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search/property");
    TCase *tests = tcase_create("property");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, fill_lab, drop_lab);
    tcase_add_test(tests, indexes_find_what_looking_finds);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
