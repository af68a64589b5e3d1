/* SPDX-License-Identifier: Apache-2.0 */
/* Which codes value sets hold. */
#include "world.h"

#define VS(compose)    "{\"resourceType\":\"ValueSet\",\"compose\":{" compose "}}"
#define INCLUDE(parts) "\"include\":[" parts "]"
#define SYSTEM(more)   "{\"system\":\"" SYS "\"" more "}"
#define FILTER(p, o, v) \
    ",\"filter\":[{\"property\":\"" p "\",\"op\":\"" o "\",\"value\":\"" v "\"}]"
#define ONE(p, o, v) VS(INCLUDE(SYSTEM(FILTER(p, o, v))))

static const struct {
    const char *text;
    const char *codes;
} sets[] = {
    {VS(INCLUDE(SYSTEM(""))), "a b c d e f B"},
    {VS(INCLUDE(SYSTEM(",\"version\":\"1.9\""))), "a b c d e f B"},
    {VS(INCLUDE(SYSTEM(",\"version\":\"1.10-old\""))), "old"},
    {VS(INCLUDE(SYSTEM(",\"version\":\"3\""))), "[" SYS "]"},
    {VS(INCLUDE(SYSTEM(",\"concept\":[{\"code\":\"d\"},{\"code\":\"a\"},{\"code\":\"d\"}]"))),
     "d a"},
    {ONE("concept", "is-a", "b"), "b c d f"},
    {ONE("concept", "is-a", "e"), "d e"},
    {ONE("concept", "is-a", "nobody"), ""},
    {ONE("concept", "descendent-of", "b"), "c d f"},
    {ONE("concept", "is-not-a", "b"), "a e B"},
    {ONE("concept", "generalizes", "d"), "a b d e"},
    {ONE("concept", "child-of", "a"), "b e"},
    {ONE("concept", "descendent-leaf", "a"), "d f"},
    {ONE("concept", "in", "a, f,zz"), "a f"},
    {ONE("concept", "not-in", "a,f"), "b c d e B"},
    {ONE("code", "regex", "[a-c]"), "a b c"},
    {ONE("code", "=", "b"), "b"},
    {ONE("display", "regex", ".*ta"), "b"},
    {ONE("size", "=", "big"), "a"},
    {ONE("size", "in", "big,small"), "a b"},
    {ONE("size", "not-in", "big"), "b c d e f B"},
    {ONE("size", "exists", "true"), "a b"},
    {ONE("size", "exists", "false"), "c d e f B"},
    {ONE("parent", "=", "b"), "c d"},
    {ONE("child", "exists", "false"), "d f B"},
    {ONE("inactive", "=", "false"), "a b c d f B"},
    {VS("\"inactive\":false," INCLUDE(SYSTEM(""))), "a b c d f B"},
    {VS(INCLUDE(SYSTEM(FILTER("concept", "is-a", "a"))) ",\"exclude\":[" SYSTEM(
         FILTER("concept", "is-a", "b")) "]"),
     "a e"},
    {VS(INCLUDE(SYSTEM(",\"filter\":[{\"property\":\"concept\",\"op\":\"is-a\",\"value\":\"b\"},{"
                       "\"property\":\"code\",\"op\":\"regex\",\"value\":\"[cd]\"}]"))),
     "c d"},
    {VS(INCLUDE("{\"valueSet\":[\"urn:vs\"]}")), "a"},
    {VS(INCLUDE("{\"valueSet\":[\"urn:vs|2\"]}")), "b"},
    {VS(INCLUDE("{\"valueSet\":[\"urn:vs\"]},{\"valueSet\":[\"urn:vs|2\"]}")), "a b"},
    {VS(INCLUDE("{\"valueSet\":[\"urn:vs\",\"urn:vs|2\"]}")), ""},
    {VS(INCLUDE("{\"system\":\"" SYS "\",\"valueSet\":[\"urn:vs\"]}")), "a"},
    {VS(INCLUDE("{\"system\":\"urn:far\"}")), "[urn:far]"},
    {VS(INCLUDE("{\"system\":\"urn:some\"}")), "[urn:some]"},
    {VS(INCLUDE("{\"system\":\"urn:some\",\"concept\":[{\"code\":\"p\"},{\"code\":\"r\"}]}")),
     "p r"},
    {VS(INCLUDE("{\"system\":\"urn:far\"},{\"system\":\"urn:far\",\"concept\":[{\"code\":\"1\"}"
                "]}") ",\"exclude\":[{\"system\":\"urn:far\",\"concept\":[{\"code\":\"2\"}]}]"),
     "1 [urn:far]"},
    {VS(INCLUDE(
         "{\"system\":\"urn:far\",\"concept\":[{\"code\":\"1\"}]}") ",\"exclude\":[{\"system\":"
                                                                    "\"urn:far\"}]"),
     ""},
    {VS(INCLUDE("{\"system\":\"urn:far\",\"concept\":[{\"code\":\"1\"}],\"valueSet\":["
                "\"urn:whole\"]}")),
     "1"},
    {VS(INCLUDE("{\"system\":\"urn:ring\",\"filter\":[{\"property\":\"concept\",\"op\":\"is-a\","
                "\"value\":\"y\"}]}")),
     "x y z"},
    {VS(INCLUDE("{\"system\":\"urn:parts\",\"filter\":[{\"property\":\"concept\",\"op\":\"is-a\","
                "\"value\":\"car\"}]}")),
     "car"},
    /* An expansion counts where there is nothing else, or what there is cannot be carried out.
     */
    {"{\"resourceType\":\"ValueSet\",\"expansion\":{\"contains\":[{\"system\":\"urn:x\","
     "\"code\":"
     "\"1\",\"contains\":[{\"system\":\"urn:x\",\"code\":\"2\"}]},{\"display\":\"group\","
     "\"contains\":[{\"system\":\"urn:x\",\"code\":\"3\"}]}]}}",
     "1 2 3"},
    {"{\"resourceType\":\"ValueSet\",\"compose\":{\"include\":[{\"system\":\"urn:far\","
     "\"filter\":[{"
     "\"property\":\"concept\",\"op\":\"is-a\",\"value\":\"1\"}]}]},\"expansion\":{"
     "\"contains\":[{"
     "\"system\":\"urn:far\",\"code\":\"9\"}]}}",
     "9"},
};

START_TEST(holds)
{
    fhs_terms *terms = NULL;
    const fhs_code_set *set = NULL;
    fhirstore_error *err = NULL;
    fhs_buf out = FHS_BUF_INIT(100000);
    ck_assert_int_eq(fhs_terms_new(fhs_fhir_get(FHS_FHIR_R4), &source, &terms, NULL), FHIRSTORE_OK);
    fhirstore_status status = expand_text(terms, sets[_i].text, false, &set, &err);
    ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", sets[_i].text, fhs_error_message(err));
    list_set(set, &out);
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&out), fhs_str_from_cstr(sets[_i].codes)),
                  "%s: got \"%.*s\", wanted \"%s\"", sets[_i].text, FHS_STR_ARG(fhs_buf_str(&out)),
                  sets[_i].codes);
    for (uint32_t i = 0; i < set->count; i++) {
        ck_assert(fhs_code_set_has(set, set->terms[i].system, set->terms[i].code, NULL) !=
                  set->terms[i].is_out);
    }
    fhs_buf_clear(&out);
    fhs_terms_free(terms);
}
END_TEST

static const struct {
    const char *text;
    bool is_listing;
    fhirstore_status status;
    const char *says;
} faults[] = {
    {"{}", false, FHIRSTORE_ERR_VALUE_SET, "no definition"},
    {"[]", false, FHIRSTORE_ERR_VALUE_SET, "not an object"},
    {VS(INCLUDE("{}")), false, FHIRSTORE_ERR_VALUE_SET, "neither"},
    {VS(INCLUDE("\"x\"")), false, FHIRSTORE_ERR_VALUE_SET, "neither"},
    {VS(INCLUDE("{\"valueSet\":[\"urn:none\"]}")), false, FHIRSTORE_ERR_VALUE_SET,
     "includes one that is not known"},
    {VS(INCLUDE("{\"valueSet\":[7]}")), false, FHIRSTORE_ERR_VALUE_SET, "not known"},
    {VS(INCLUDE("{\"valueSet\":[\"urn:loop1\"]}")), false, FHIRSTORE_ERR_VALUE_SET,
     "includes itself"},
    {VS(INCLUDE("{\"system\":\"urn:far\"}")), true, FHIRSTORE_ERR_VALUE_SET, "not all here"},
    {VS(INCLUDE("{\"system\":\"urn:some\"" FILTER("concept", "is-a", "p") "}")), false,
     FHIRSTORE_ERR_VALUE_SET, "not all here"},
    {VS(INCLUDE("{\"system\":\"http://snomed.info/sct\"" FILTER("concept", "is-a", "1") "}")),
     false, FHIRSTORE_ERR_VALUE_SET, "not all here"},
    {ONE("concept", "is-b", "a"), false, FHIRSTORE_ERR_VALUE_SET, "operator"},
    {ONE("", "=", "a"), false, FHIRSTORE_ERR_VALUE_SET, "lacks"},
    {ONE("size", "is-a", "a"), false, FHIRSTORE_ERR_VALUE_SET, "hierarchy"},
    {ONE("colour", "=", "red"), false, FHIRSTORE_ERR_VALUE_SET, "property"},
    {ONE("size", "exists", "yes"), false, FHIRSTORE_ERR_VALUE_SET, "true or false"},
    {ONE("code", "regex", "("), false, FHIRSTORE_ERR_VALUE_SET, "regular expression"},
    {VS(INCLUDE(SYSTEM(",\"concept\":[{\"code\":\"a\"}]" FILTER("code", "=", "a")))), false,
     FHIRSTORE_ERR_VALUE_SET, "in one part"},
    {VS(INCLUDE(SYSTEM(",\"concept\":[{}]"))), false, FHIRSTORE_ERR_VALUE_SET, "empty code"},
};

START_TEST(cannot_be_expanded)
{
    fhs_terms *terms = NULL;
    const fhs_code_set *set = NULL;
    fhirstore_error *err = NULL;
    ck_assert_int_eq(fhs_terms_new(fhs_fhir_get(FHS_FHIR_R4), &source, &terms, NULL), FHIRSTORE_OK);
    fhirstore_status status = expand_text(terms, faults[_i].text, faults[_i].is_listing, &set,
                                          &err);
    ck_assert_msg(status == faults[_i].status, "%s: %s", faults[_i].text, fhs_status_name(status));
    ck_assert_msg(strstr(fhs_error_message(err), faults[_i].says) != NULL, "%s: %s",
                  faults[_i].text, fhs_error_message(err));
    ck_assert_int_eq(expand_text(terms, faults[_i].text, faults[_i].is_listing, &set, NULL),
                     faults[_i].status);
    fhs_error_free(err);
    fhs_terms_free(terms);
}
END_TEST

START_TEST(above_and_below)
{
    static const struct {
        const char *system, *code;
        bool is_above;
        const char *codes;
    } rows[] = {
        {SYS, "b", false, "b c d f"},       {SYS, "B", false, "B"},
        {SYS, "d", true, "a b d e"},        {SYS, "none", true, "none"},
        {"", "hubcap", true, "hubcap"},     {"urn:ring", "Y", true, "x y z"},
        {"urn:parts", "car", false, "car"}, {"", "male", false, "male male"},
    };
    fhs_buf out = FHS_BUF_INIT(100000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fhs_terms *terms = NULL;
        const fhs_code_set *set = NULL;
        ck_assert_int_eq(fhs_terms_new(fhs_fhir_get(FHS_FHIR_R4), &source, &terms, NULL),
                         FHIRSTORE_OK);
        ck_assert_int_eq(fhs_terms_kin(terms, fhs_str_from_cstr(rows[i].system),
                                       fhs_str_from_cstr(rows[i].code), rows[i].is_above, &set,
                                       NULL),
                         FHIRSTORE_OK);
        list_set(set, &out);
        ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(rows[i].codes));
        fhs_terms_free(terms);
    }
    fhs_buf_clear(&out);
}
END_TEST

START_TEST(kin_that_is_not_known)
{
    fhs_terms *terms = NULL;
    const fhs_code_set *set = NULL;
    ck_assert_int_eq(fhs_terms_new(fhs_fhir_get(FHS_FHIR_R4), &source, &terms, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_terms_kin(terms, FHS_LIT("urn:none"), FHS_LIT("a"), true, &set, NULL),
                     FHIRSTORE_ERR_NOT_FOUND);
    ck_assert_int_eq(fhs_terms_kin(terms, FHS_LIT("urn:some"), FHS_LIT("p"), true, &set, NULL),
                     FHIRSTORE_ERR_CODE_SYSTEM);
    ck_assert_int_eq(fhs_terms_kin(terms, FHS_LIT(""), FHS_LIT("no\"such"), true, &set, NULL),
                     FHIRSTORE_ERR_NOT_FOUND);
    fhs_terms_free(terms);
}
END_TEST

START_TEST(case_counts_where_it_is_said)
{
    static const struct {
        const char *body;
        uint8_t said;
    } rows[] = {{"{}", FHS_CASE_NOT_SAID},
                {"{\"concept\":[{\"caseSensitive\":true}]}", FHS_CASE_NOT_SAID},
                {"{\"concept\":[{\"code\":\"}\"}],\"caseSensitive\":true}", FHS_CASE_COUNTS},
                {"{\"caseSensitive\":false}", FHS_CASE_COUNTS_NOT}};
    uint8_t said;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(fhs_terms_read_case(fhs_str_from_cstr(rows[i].body), &said, NULL),
                         FHIRSTORE_OK);
        ck_assert_int_eq(said, rows[i].said);
    }
    ck_assert_int_lt(fhs_terms_read_case(FHS_LIT("{"), &said, NULL), FHIRSTORE_OK);
}
END_TEST

/* Each of fifty value sets takes in the two before it: without care, billions of expansions. */
static fhirstore_status show_stairs(void *ctx, fhs_terms_kind kind, fhs_str url,
                                    fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    (void)ctx;
    char text[512];
    int n = 0;
    if (kind != FHS_TERMS_VALUE_SET || url.len < 5) {
        return FHIRSTORE_OK;
    }
    n = atoi(url.ptr + 4);
    (void)snprintf(text, sizeof text,
                   n == 0 ? "{\"url\":\"urn:0\",\"compose\":{\"include\":[{\"system\":\"urn:s\","
                            "\"concept\":[{\"code\":\"1\"}]}]}}"
                          : "{\"url\":\"urn:%d\",\"compose\":{\"include\":[{\"valueSet\":["
                            "\"urn:%d\"]},{\"valueSet\":[\"urn:%d\"]}]}}",
                   n, n - 1, n > 1 ? n - 2 : 0);
    return take(taker, fhs_str_from_cstr(text), 0, err);
}

START_TEST(depth_has_a_limit_and_width_costs_nothing)
{
    static const fhs_terms_source stairs = {NULL, show_stairs, show_id, show_each};
    const fhs_terms_ask ask = {false, true};
    fhs_terms *terms = NULL;
    const fhs_json *json = NULL;
    const fhs_code_set *set = NULL;
    ck_assert_int_eq(fhs_terms_new(fhs_fhir_get(FHS_FHIR_R4), &stairs, &terms, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_terms_value_set(terms, FHS_LIT("urn:15"), false, &json, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_terms_expand(terms, json, &ask, &set, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(set->count, 1);
    fhs_terms_free(terms);
    ck_assert_int_eq(fhs_terms_new(fhs_fhir_get(FHS_FHIR_R4), &stairs, &terms, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_terms_value_set(terms, FHS_LIT("urn:40"), false, &json, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_terms_expand(terms, json, &ask, &set, NULL), FHIRSTORE_ERR_LIMIT);
    fhs_terms_free(terms);
}
END_TEST

/* ---- random definitions, judged code by code ---- */

#define SYSTEMS 2u
#define CODES   6u
#define DEFINED 4u

typedef struct random_part {
    int system;     /* below 0: none */
    unsigned codes; /* a bit each; 0: the whole code system */
    int narrowed;   /* by this value set; below 0: by none */
} random_part;

typedef struct random_set {
    random_part include[3], exclude[2];
    unsigned include_count, exclude_count;
} random_set;

static random_set defined_sets[DEFINED];
static uint64_t random_state = 11;

static unsigned draw(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % below;
}

static bool set_has(const random_set *set, unsigned system, unsigned code);

static bool part_has(const random_part *part, unsigned system, unsigned code)
{
    return (part->system < 0 || ((unsigned)part->system == system &&
                                 (part->codes == 0 || (part->codes >> code & 1) != 0))) &&
           (part->narrowed < 0 || set_has(&defined_sets[part->narrowed], system, code));
}

static bool set_has(const random_set *set, unsigned system, unsigned code)
{
    bool yes = false;
    for (unsigned i = 0; i < set->include_count; i++) {
        yes = yes || part_has(&set->include[i], system, code);
    }
    for (unsigned i = 0; i < set->exclude_count; i++) {
        yes = yes && !part_has(&set->exclude[i], system, code);
    }
    return yes;
}

/* @a below: it may take in sets of lower number only. */
static random_part draw_part(unsigned below)
{
    random_part part = {(int)draw(SYSTEMS), draw(2) == 0 ? 0 : draw(1u << CODES), -1};
    if (below > 0 && draw(3) == 0) {
        part.narrowed = (int)draw(below);
        part.system = draw(2) == 0 ? -1 : part.system;
    }
    return part;
}

static void write_parts(const random_part *parts, unsigned count, fhs_buf *out)
{
    for (unsigned i = 0; i < count; i++) {
        fhs_buf_addf(out, "%s{\"x\":1", i == 0 ? "" : ",");
        if (parts[i].system >= 0) {
            fhs_buf_addf(out, ",\"system\":\"urn:s%d\"", parts[i].system);
        }
        for (unsigned c = 0, n = 0; c < CODES && parts[i].system >= 0 && parts[i].codes != 0; c++) {
            if ((parts[i].codes >> c & 1) != 0) {
                fhs_buf_addf(out, "%s{\"code\":\"%u\"}", n++ == 0 ? ",\"concept\":[" : ",", c);
            }
        }
        fhs_buf_add_cstr(out, parts[i].system >= 0 && parts[i].codes != 0 ? "]" : "");
        if (parts[i].narrowed >= 0) {
            fhs_buf_addf(out, ",\"valueSet\":[\"urn:d%d\"]", parts[i].narrowed);
        }
        fhs_buf_add_char(out, '}');
    }
}

static void write_set(unsigned number, fhs_buf *out)
{
    const random_set *set = &defined_sets[number];
    fhs_buf_reset(out);
    fhs_buf_addf(out, "{\"url\":\"urn:d%u\",\"compose\":{\"include\":[", number);
    write_parts(set->include, set->include_count, out);
    fhs_buf_add_cstr(out, "],\"exclude\":[");
    write_parts(set->exclude, set->exclude_count, out);
    fhs_buf_add_cstr(out, "]}}");
}

static void draw_sets(void)
{
    for (unsigned i = 0; i < DEFINED; i++) {
        random_set *set = &defined_sets[i];
        set->include_count = 1 + draw(3);
        set->exclude_count = draw(3);
        for (unsigned p = 0; p < set->include_count; p++) {
            set->include[p] = draw_part(i);
        }
        for (unsigned p = 0; p < set->exclude_count; p++) {
            set->exclude[p] = draw_part(i);
        }
    }
}

static fhirstore_status show_random(void *ctx, fhs_terms_kind kind, fhs_str url,
                                    fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    if (kind != FHS_TERMS_VALUE_SET || url.len != 6) {
        return FHIRSTORE_OK;
    }
    write_set((unsigned)(url.ptr[5] - '0'), ctx);
    return take(taker, fhs_buf_str(ctx), 0, err);
}

START_TEST(random_definitions)
{
    static const fhs_terms_ask ask = {false, false};
    fhs_buf text = FHS_BUF_INIT(100000);
    const fhs_terms_source drawn = {&text, show_random, show_id, show_each};
    for (unsigned round = 0; round < 3000; round++) {
        fhs_terms *terms = NULL;
        const fhs_json *json = NULL;
        const fhs_code_set *set = NULL;
        draw_sets();
        ck_assert_int_eq(fhs_terms_new(fhs_fhir_get(FHS_FHIR_R4), &drawn, &terms, NULL),
                         FHIRSTORE_OK);
        ck_assert_int_eq(fhs_terms_value_set(terms, FHS_LIT("urn:d3"), false, &json, NULL),
                         FHIRSTORE_OK);
        ck_assert_int_eq(fhs_terms_expand(terms, json, &ask, &set, NULL), FHIRSTORE_OK);
        for (unsigned i = 0; i < SYSTEMS * CODES; i++) {
            const char system[] = {'u', 'r', 'n', ':', 's', (char)('0' + i / CODES)};
            const char code = (char)('0' + i % CODES);
            bool want = set_has(&defined_sets[3], i / CODES, i % CODES);
            bool got = fhs_code_set_has(set, fhs_str_of(system, 6), fhs_str_of(&code, 1), NULL);
            write_set(3, &text);
            ck_assert_msg(want == got, "round %u, %u: %.*s", round, i,
                          FHS_STR_ARG(fhs_buf_str(&text)));
        }
        fhs_terms_free(terms);
    }
    fhs_buf_clear(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terminology/expand");
    TCase *tests = tcase_create("expand");
    tcase_add_loop_test(tests, holds, 0, (int)(sizeof sets / sizeof *sets));
    tcase_add_loop_test(tests, cannot_be_expanded, 0, (int)(sizeof faults / sizeof *faults));
    tcase_add_test(tests, above_and_below);
    tcase_add_test(tests, kin_that_is_not_known);
    tcase_add_test(tests, case_counts_where_it_is_said);
    tcase_add_test(tests, random_definitions);
    tcase_add_test(tests, depth_has_a_limit_and_width_costs_nothing);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
