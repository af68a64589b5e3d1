/* SPDX-License-Identifier: Apache-2.0 */
/* Codes asked for by value set and by hierarchy: :in, :not-in, :above, :below. */
#include "store.h"

static store desk;

#define SYSTEM "http://acme.org/animals"

static const char *const shelf[] = {
    "{\"resourceType\":\"CodeSystem\",\"id\":\"animals\",\"url\":\"" SYSTEM "\","
    "\"status\":\"active\",\"content\":\"complete\",\"caseSensitive\":true,"
    "\"hierarchyMeaning\":\"is-a\",\"concept\":[{\"code\":\"animal\",\"concept\":["
    "{\"code\":\"mammal\",\"concept\":[{\"code\":\"cat\"},{\"code\":\"dog\",\"concept\":["
    "{\"code\":\"Poodle\"}]}]},{\"code\":\"bird\"}]},{\"code\":\"plant\"}]}",
    "{\"resourceType\":\"CodeSystem\",\"id\":\"partly\",\"url\":\"http://acme.org/partly\","
    "\"status\":\"active\",\"content\":\"fragment\",\"concept\":[{\"code\":\"x\"}]}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"pets\",\"url\":\"http://acme.org/vs/pets\","
    "\"version\":\"2\",\"status\":\"active\",\"compose\":{\"include\":[{\"system\":\"" SYSTEM "\","
    "\"filter\":[{\"property\":\"concept\",\"op\":\"is-a\",\"value\":\"mammal\"}]}],"
    "\"exclude\":[{\"system\":\"" SYSTEM "\",\"concept\":[{\"code\":\"cat\"}]}]}}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"loinc\",\"url\":\"http://acme.org/vs/loinc\","
    "\"status\":\"active\",\"compose\":{\"include\":[{\"system\":\"http://loinc.org\"}],"
    "\"exclude\":[{\"system\":\"http://loinc.org\",\"concept\":[{\"code\":\"1-8\"}]}]}}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"round\",\"url\":\"http://acme.org/vs/round\","
    "\"status\":\"active\",\"compose\":{\"include\":[{\"valueSet\":[\"http://acme.org/vs/round\"]}"
    "]}}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"snomed\",\"url\":\"http://acme.org/vs/snomed\","
    "\"status\":\"active\",\"compose\":{\"include\":[{\"system\":\"http://snomed.info/sct\","
    "\"filter\":[{\"property\":\"concept\",\"op\":\"is-a\",\"value\":\"1\"}]}]}}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"drugs\",\"url\":\"urn:vs:drugs\",\"status\":"
    "\"active\",\"compose\":{\"include\":[{\"system\":\"urn:drug\",\"concept\":[{\"code\":\"a\"}]}]"
    "}}",
    "{\"resourceType\":\"MedicationRequest\",\"id\":\"within\",\"status\":\"active\",\"intent\":"
    "\"order\",\"subject\":{\"reference\":\"Patient/p1\"},\"contained\":[{\"resourceType\":"
    "\"Medication\",\"id\":\"m\",\"code\":{\"coding\":[{\"system\":\"urn:drug\",\"code\":\"a\"}]}}]"
    ","
    "\"medicationReference\":{\"reference\":\"#m\"}}",
    "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"gender\":\"male\"}",
    "{\"resourceType\":\"Patient\",\"id\":\"p2\",\"gender\":\"female\"}",
    "{\"resourceType\":\"Patient\",\"id\":\"p3\"}",
    "{\"resourceType\":\"Observation\",\"id\":\"cat\",\"status\":\"final\",\"subject\":{"
    "\"reference\":\"Patient/p1\"},\"code\":{\"coding\":[{\"system\":\"" SYSTEM "\","
    "\"code\":\"cat\"}]}}",
    "{\"resourceType\":\"Observation\",\"id\":\"dog\",\"status\":\"final\",\"subject\":{"
    "\"reference\":\"Patient/p1\"},\"code\":{\"coding\":[{\"system\":\"" SYSTEM "\","
    "\"code\":\"dog\"}]}}",
    "{\"resourceType\":\"Observation\",\"id\":\"poodle\",\"status\":\"registered\",\"subject\":{"
    "\"reference\":\"Patient/p2\"},\"code\":{\"coding\":[{\"system\":\"" SYSTEM "\","
    "\"code\":\"Poodle\"}]}}",
    "{\"resourceType\":\"Observation\",\"id\":\"shout\",\"status\":\"final\",\"code\":{\"coding\":["
    "{\"system\":\"" SYSTEM "\",\"code\":\"POODLE\"}]}}",
    "{\"resourceType\":\"Observation\",\"id\":\"plant\",\"status\":\"amended\",\"code\":{"
    "\"coding\":[{\"system\":\"" SYSTEM "\",\"code\":\"plant\"}]}}",
    "{\"resourceType\":\"Observation\",\"id\":\"elsewhere\",\"status\":\"final\",\"code\":{"
    "\"coding\":[{\"system\":\"urn:other\",\"code\":\"dog\"}]}}",
    "{\"resourceType\":\"Observation\",\"id\":\"l1\",\"status\":\"final\",\"code\":{\"coding\":[{"
    "\"system\":\"http://loinc.org\",\"code\":\"1-8\"}]}}",
    "{\"resourceType\":\"Observation\",\"id\":\"l2\",\"status\":\"final\",\"code\":{\"coding\":[{"
    "\"system\":\"http://loinc.org\",\"code\":\"2-6\"}]}}",
    "{\"resourceType\":\"Observation\",\"id\":\"none\",\"status\":\"final\",\"code\":{\"text\":"
    "\"said\"}}",
};

static void open_desk(void)
{
    store_open(&desk);
    desk.env.indexer = desk.indexer;
    store_begin(&desk);
    for (size_t i = 0; i < sizeof shelf / sizeof *shelf; i++) {
        store_put(&desk, shelf[i]);
    }
    store_commit(&desk);
}

static void close_desk(void)
{
    store_close(&desk);
}

/* The ids found, in the order of their storing. */
static void list_ids(const char *type, const char *text, fhs_buf *out)
{
    found f;
    fhs_version version;
    fhirstore_error *err = NULL;
    fhirstore_status status = found_try(&desk, type, text, false, &f, &err);
    ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", text, fhs_error_message(err));
    while ((status = fhs_search_next(f.search, &version, NULL)) == FHIRSTORE_OK) {
        fhs_buf_add_cstr(out, out->len == 0 ? "" : " ");
        fhs_buf_add_str(out, version.id);
    }
    ck_assert_int_eq(status, FHIRSTORE_DONE);
    found_close(&f);
}

static const struct {
    const char *type;
    const char *text;
    const char *ids;
} answers[] = {
    {"Observation", "code:in=http://acme.org/vs/pets", "dog poodle"},
    {"Observation", "code:in=http://acme.org/vs/pets|2", "dog poodle"},
    {"Observation", "code:in=ValueSet/pets", "dog poodle"},
    {"Observation", "code:in=" BASE_URL "/ValueSet/pets", "dog poodle"},
    {"Observation", "code:in=ValueSet/pets,http://acme.org/vs/loinc", "dog poodle l2"},
    {"Observation", "code:in=http://acme.org/vs/loinc", "l2"},
    {"Observation", "code:not-in=ValueSet/pets", "cat shout plant elsewhere l1 l2 none"},
    {"Observation",
     "code:not-in=ValueSet/pets&status:in=http://hl7.org/fhir/ValueSet/"
     "observation-status&code:missing=false",
     "cat shout plant elsewhere l1 l2 none"},
    {"Observation", "code:below=" SYSTEM "|mammal", "cat dog poodle"},
    {"Observation", "code:below=" SYSTEM "|dog", "dog poodle"},
    {"Observation", "code:below=mammal", "cat dog poodle"},
    {"Observation", "code:above=" SYSTEM "|Poodle", "dog poodle"},
    {"Observation", "code:above=" SYSTEM "|Poodle," SYSTEM "|plant", "dog poodle plant"},
    {"Observation", "code:below=" SYSTEM "|nonsense", ""},
    {"Observation", "status:below=http://hl7.org/fhir/observation-status|amended", "plant"},
    {"Observation", "status:above=final", "cat dog shout elsewhere l1 l2 none"},
    {"Observation", "code=" SYSTEM "|poodle", ""},
    {"Observation", "code=" SYSTEM "|Poodle", "poodle"},
    {"Observation", "_filter=code in http://acme.org/vs/pets", "dog poodle"},
    {"Observation", "_filter=code ni ValueSet/pets and code pr true",
     "cat shout plant elsewhere l1 l2 none"},
    {"Observation", "_filter=code ss " SYSTEM "|dog or code sb " SYSTEM "|cat", "cat dog poodle"},
    {"Patient", "_has:Observation:subject:code:in=ValueSet/pets", "p1 p2"},
    {"Patient",
     "_has:Observation:subject:code:above=" SYSTEM "|Poodle&gender:in="
     "http://hl7.org/fhir/ValueSet/administrative-gender",
     "p1 p2"},
    {"Observation", "subject:Patient.gender:in=http://hl7.org/fhir/ValueSet/administrative-gender",
     "cat dog poodle"},
    {"Medication", "code:in=urn:vs:drugs&_contained=true", "within"},
    {"Medication", "code:not-in=urn:vs:drugs&_contained=true", ""},
    {"Patient", "gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender", "p3"},
};

START_TEST(finds)
{
    fhs_buf out = FHS_BUF_INIT(10000);
    list_ids(answers[_i].type, answers[_i].text, &out);
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&out), fhs_str_from_cstr(answers[_i].ids)),
                  "%s: got \"%.*s\", wanted \"%s\"", answers[_i].text,
                  FHS_STR_ARG(fhs_buf_str(&out)), answers[_i].ids);
    fhs_buf_clear(&out);
}
END_TEST

static const struct {
    const char *text;
    fhirstore_status status;
    const char *says;
} faults[] = {
    {"code:in=http://acme.org/vs/none", FHIRSTORE_ERR_PARAM_VALUE,
     "search parameter 'code' has the modifier :in or :not-in, but the value set is not known "
     "here"},
    {"code:in=http://acme.org/vs/pets|3", FHIRSTORE_ERR_PARAM_VALUE, "is not known here"},
    {"code:not-in=ValueSet/none", FHIRSTORE_ERR_PARAM_VALUE, "is not known here"},
    {"code:in=ValueSet/round", FHIRSTORE_ERR_PARAM_VALUE, "includes itself"},
    {"code:in=ValueSet/snomed", FHIRSTORE_ERR_PARAM_VALUE, "not all here"},
    {"code:in=", FHIRSTORE_ERR_PARAM_VALUE, "'code:in'"},
    {"code:below=http://snomed.info/sct|1", FHIRSTORE_ERR_PARAM_VALUE,
     "search parameter 'code' has the modifier :below, but the codes of the code system are not "
     "all "
     "here"},
    {"code:below=urn:nobody|1", FHIRSTORE_ERR_PARAM_VALUE, "the code system is not known here"},
    {"code:above=http://acme.org/partly|x", FHIRSTORE_ERR_PARAM_VALUE, "are not all here"},
    {"code:below=no-such-code-anywhere", FHIRSTORE_ERR_PARAM_VALUE, "no code system"},
    {"code:below=" SYSTEM "|", FHIRSTORE_ERR_PARAM_VALUE, "expects system|code or code"},
    {"code:below=|dog", FHIRSTORE_ERR_PARAM_VALUE, "expects system|code or code"},
    {"_id:in=ValueSet/pets", FHIRSTORE_ERR_MODIFIER, "'_id:in'"},
    {"date:in=ValueSet/pets", FHIRSTORE_ERR_MODIFIER, "'date:in'"},
    {"subject:in=ValueSet/pets", FHIRSTORE_ERR_MODIFIER, "'subject:in'"},
    {"code-value-quantity:in=ValueSet/pets", FHIRSTORE_ERR_MODIFIER, "composite"},
};

START_TEST(refuses)
{
    found f;
    fhirstore_error *err = NULL;
    fhirstore_status status = found_try(&desk, "Observation", faults[_i].text, false, &f, &err);
    ck_assert_msg(status == faults[_i].status, "%s: %s", faults[_i].text, fhs_status_name(status));
    ck_assert_msg(strstr(fhs_error_message(err), faults[_i].says) != NULL, "%s: %s",
                  faults[_i].text, fhs_error_message(err));
    fhs_error_free(err);
    found_close(&f);
}
END_TEST

/* ---- who may see what ---- */

static const char *hidden_type;

static const fhs_node *hide_type(void *ctx, fhs_type type)
{
    static const fhs_node all = {.kind = FHS_NODE_TRUE, .type = FHS_TYPE_NONE};
    const store *s = ctx;
    return fhs_str_eq(fhs_type_name(s->fhir, type), fhs_str_from_cstr(hidden_type)) ? NULL : &all;
}

START_TEST(hidden_resources_are_not_known)
{
    static const char *const queries[] = {
        "code:in=ValueSet/pets", "code:in=http://acme.org/vs/pets", "code:below=" SYSTEM "|mammal"};
    static const char *const hidden[] = {"ValueSet", "ValueSet", "CodeSystem"};
    found f;
    desk.env.restriction_of = hide_type;
    desk.env.restriction_ctx = &desk;
    for (size_t i = 0; i < 3; i++) {
        hidden_type = hidden[i];
        ck_assert_int_eq(found_try(&desk, "Observation", queries[i], false, &f, NULL),
                         FHIRSTORE_ERR_PARAM_VALUE);
        found_close(&f);
    }
    /* What a hidden code system says about case does not count either. */
    fhs_buf out = FHS_BUF_INIT(10000);
    hidden_type = "CodeSystem";
    list_ids("Observation", "code=" SYSTEM "|poodle", &out);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("poodle shout"));
    fhs_buf_clear(&out);
    desk.env.restriction_of = NULL;
}
END_TEST

/* ---- many codes ---- */

static void put_large_set(int count)
{
    fhs_buf json = FHS_BUF_INIT((size_t)1 << 24);
    fhs_buf_addf(&json,
                 "{\"resourceType\":\"ValueSet\",\"id\":\"large\",\"status\":\"active\",\"url\":"
                 "\"http://acme.org/vs/large\",\"compose\":{\"include\":[{\"system\":\"urn:n\","
                 "\"concept\":[");
    for (int i = 0; i < count; i++) {
        fhs_buf_addf(&json, "%s{\"code\":\"N%06d\"}", i == 0 ? "" : ",", i * 2);
    }
    fhs_buf_add_cstr(&json, "]}]}}");
    ck_assert_int_eq(fhs_buf_status(&json), FHIRSTORE_OK);
    store_put(&desk, json.ptr);
    fhs_buf_clear(&json);
}

static void put_numbered(int from, int to)
{
    for (int i = from; i < to; i++) {
        char json[256];
        (void)snprintf(json, sizeof json,
                       "{\"resourceType\":\"Observation\",\"id\":\"n%d\",\"status\":\"final\","
                       "\"code\":{\"coding\":[{\"system\":\"urn:n\",\"code\":\"n%06d\"}]}}",
                       i, i);
        store_put(&desk, json);
    }
}

static int64_t count_of_type(const char *type, const char *text)
{
    found f;
    int64_t count = -1;
    ck_assert_ok(found_try(&desk, type, text, false, &f, &err));
    ck_assert_ok(fhs_search_count(f.search, &count, &err));
    found_close(&f);
    return count;
}

static int64_t count_of(const char *text)
{
    return count_of_type("Observation", text);
}

START_TEST(large_sets)
{
    store_begin(&desk);
    put_large_set(5000);
    put_numbered(0, 100);
    store_commit(&desk);
    ck_assert_int_eq(count_of("code:in=ValueSet/large"), 50);
    store_begin(&desk);
    put_numbered(100, 2000);
    store_commit(&desk);
    ck_assert_int_eq(count_of("code:in=ValueSet/large"), 1000);
    ck_assert_int_eq(count_of("code:not-in=ValueSet/large"), 1000 + 9);
    ck_assert_int_eq(count_of("code:in=ValueSet/large&_id=n4,n5"), 1);
}
END_TEST

/* ---- random value sets against what they hold ---- */

#define CODES        60
#define OBSERVATIONS 250
#define SETS         120

typedef struct random_coding {
    char system[16];
    char code[16];
} random_coding;

static random_coding codings[OBSERVATIONS][2];
static uint64_t random_state;

static unsigned draw(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % below;
}

/* Of which case does not count: the same code in two ways. */
static const char *random_code(void)
{
    static char code[4][16];
    static unsigned at;
    at = (at + 1) % 4;
    (void)snprintf(code[at], sizeof code[at], "%s%u", draw(2) == 0 ? "x" : "X", draw(CODES));
    return code[at];
}

static const char *random_system(void)
{
    static const char *const systems[] = {"urn:h", "urn:h", "urn:h", "urn:far", "urn:new"};
    return systems[draw(5)];
}

static void put_tree(void)
{
    fhs_buf json = FHS_BUF_INIT(100000);
    fhs_buf_add_cstr(&json, "{\"resourceType\":\"CodeSystem\",\"id\":\"h\",\"url\":\"urn:h\","
                            "\"status\":\"active\",\"content\":\"complete\",\"concept\":[");
    for (unsigned i = 0; i < CODES; i++) {
        fhs_buf_addf(&json, "%s{\"code\":\"x%u\"", i == 0 ? "" : ",", i);
        if (i > 0) {
            fhs_buf_addf(&json, ",\"property\":[{\"code\":\"parent\",\"valueCode\":\"x%u\"}]",
                         draw(i));
        }
        fhs_buf_add_char(&json, '}');
    }
    fhs_buf_add_cstr(&json, "]}");
    store_put(&desk, json.ptr);
    fhs_buf_clear(&json);
}

static void put_coded(unsigned i)
{
    fhs_buf json = FHS_BUF_INIT(1000);
    fhs_buf_addf(&json,
                 "{\"resourceType\":\"Condition\",\"id\":\"c%u\",\"subject\":{\"reference\":"
                 "\"Patient/p1\"},\"code\":{\"coding\":[",
                 i);
    for (unsigned c = 0; c < 2; c++) {
        random_coding *coding = &codings[i][c];
        (void)snprintf(coding->system, sizeof coding->system, "%s", random_system());
        (void)snprintf(coding->code, sizeof coding->code, "%s", random_code());
        fhs_buf_addf(&json, "%s{\"system\":\"%s\",\"code\":\"%s\"}", c == 0 ? "" : ",",
                     coding->system, coding->code);
    }
    fhs_buf_add_cstr(&json, "]}}");
    store_put(&desk, json.ptr);
    fhs_buf_clear(&json);
}

static void add_random_part(fhs_buf *json)
{
    static const char *const ops[] = {"is-a", "descendent-of", "is-not-a", "generalizes"};
    unsigned kind = draw(4);
    if (kind == 0) {
        fhs_buf_addf(json,
                     "{\"system\":\"urn:h\",\"filter\":[{\"property\":\"concept\",\"op\":\"%s\","
                     "\"value\":\"%s\"}]}",
                     ops[draw(4)], random_code());
        return;
    }
    fhs_buf_addf(json, "{\"system\":\"%s\"", random_system());
    for (unsigned i = 0, count = kind == 1 ? 0 : 1 + draw(8); i < count; i++) {
        fhs_buf_addf(json, "%s{\"code\":\"%s\"}%s", i == 0 ? ",\"concept\":[" : ",", random_code(),
                     i + 1 == count ? "]" : "");
    }
    fhs_buf_add_char(json, '}');
}

static void put_random_set(fhs_buf *json)
{
    fhs_buf_reset(json);
    fhs_buf_add_cstr(json, "{\"resourceType\":\"ValueSet\",\"id\":\"r\",\"url\":\"urn:r\","
                           "\"status\":\"active\",\"compose\":{\"include\":[");
    for (unsigned i = 0, count = 1 + draw(3); i < count; i++) {
        fhs_buf_add_cstr(json, i == 0 ? "" : ",");
        add_random_part(json);
    }
    fhs_buf_add_cstr(json, "]");
    for (unsigned i = 0, count = draw(3); i < count; i++) {
        fhs_buf_add_cstr(json, i == 0 ? ",\"exclude\":[" : ",");
        add_random_part(json);
        fhs_buf_add_cstr(json, i + 1 == count ? "]" : "");
    }
    fhs_buf_add_cstr(json, "}}");
    store_begin(&desk);
    store_put(&desk, json->ptr);
    store_commit(&desk);
}

/* The ids that the set, asked code by code, finds, and those that it does not. */
static void filter_by_hand(const fhs_code_set *set, fhs_buf *in, fhs_buf *out)
{
    fhs_buf_reset(in);
    fhs_buf_reset(out);
    for (unsigned i = 0; i < OBSERVATIONS; i++) {
        bool yes = false;
        for (unsigned c = 0; c < 2; c++) {
            yes = yes || fhs_code_set_has(set, fhs_str_from_cstr(codings[i][c].system),
                                          fhs_str_from_cstr(codings[i][c].code), NULL);
        }
        fhs_buf *list = yes ? in : out;
        fhs_buf_addf(list, "%sc%u", list->len == 0 ? "" : " ", i);
    }
}

static void compare_with_hand(const char *text, const fhs_buf *want, const fhs_buf *set)
{
    fhs_buf got = FHS_BUF_INIT(100000);
    list_ids("Condition", text, &got);
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&got), fhs_buf_str(want)),
                  "%s of %.*s: got %.*s, not %.*s", text, FHS_STR_ARG(fhs_buf_str(set)),
                  FHS_STR_ARG(fhs_buf_str(&got)), FHS_STR_ARG(fhs_buf_str(want)));
    fhs_buf_clear(&got);
}

START_TEST(random_sets)
{
    static const fhs_terms_ask ask = {false, false};
    fhs_buf json = FHS_BUF_INIT(100000);
    fhs_buf in = FHS_BUF_INIT(100000);
    fhs_buf out = FHS_BUF_INIT(100000);
    random_state = 7;
    store_begin(&desk);
    put_tree();
    for (unsigned i = 0; i < OBSERVATIONS; i++) {
        put_coded(i);
    }
    store_commit(&desk);
    for (unsigned i = 0; i < SETS; i++) {
        found f;
        fhs_stored_terms stored;
        fhs_terms *terms = NULL;
        const fhs_json *value_set = NULL;
        const fhs_code_set *set = NULL;
        put_random_set(&json);
        ck_assert_ok(found_try(&desk, "Condition", "", false, &f, &err));
        fhs_stored_terms_init(&stored, f.conn, &desk.env, false);
        ck_assert_ok(fhs_terms_new(desk.fhir, &stored.source, &terms, &err));
        ck_assert_ok(fhs_terms_value_set(terms, FHS_LIT("urn:r"), false, &value_set, &err));
        ck_assert_ok(fhs_terms_expand(terms, value_set, &ask, &set, &err));
        filter_by_hand(set, &in, &out);
        fhs_terms_free(terms);
        found_close(&f);
        compare_with_hand("code:in=urn:r", &in, &json);
        compare_with_hand("code:not-in=ValueSet/r", &out, &json);
        compare_with_hand("code:in=urn:r&subject=Patient/p1", &in, &json);
        ck_assert_int_eq(count_of_type("Condition", "code:in=urn:r") +
                             count_of_type("Condition", "code:not-in=urn:r"),
                         OBSERVATIONS);
    }
    fhs_buf_clear(&json);
    fhs_buf_clear(&in);
    fhs_buf_clear(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search/terms");
    TCase *tests = tcase_create("terms");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, open_desk, close_desk);
    tcase_add_loop_test(tests, finds, 0, (int)(sizeof answers / sizeof *answers));
    tcase_add_loop_test(tests, refuses, 0, (int)(sizeof faults / sizeof *faults));
    tcase_add_test(tests, hidden_resources_are_not_known);
    tcase_add_test(tests, large_sets);
    tcase_add_test(tests, random_sets);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
