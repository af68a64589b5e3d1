/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of ValueSet and CodeSystem, through the request entry. */
#include <stdio.h>

#include "harness.h"

#define ANIMALS "http://acme.org/animals"

static const char code_system[] =
    "{\"resourceType\":\"CodeSystem\",\"id\":\"animals\",\"url\":\"" ANIMALS "\",\"version\":\"1\","
    "\"name\":\"Animals\",\"status\":\"active\",\"content\":\"complete\",\"caseSensitive\":true,"
    "\"concept\":[{\"code\":\"mammal\",\"display\":\"Mammal\",\"property\":[{\"code\":"
    "\"notSelectable\",\"valueBoolean\":true}],\"concept\":[{\"code\":\"cat\",\"display\":\"Cat\","
    "\"designation\":[{\"language\":\"de\",\"value\":\"Katze\"}]},{\"code\":\"dog\",\"display\":"
    "\"Dog\",\"definition\":\"Barks\"},{\"code\":\"dodo\",\"display\":\"Dodo\",\"property\":[{"
    "\"code\":\"status\",\"valueCode\":\"retired\"},{\"code\":\"legs\",\"valueInteger\":2}]}]}]}";

static const char value_set[] =
    "{\"resourceType\":\"ValueSet\",\"id\":\"mammals\",\"url\":\"http://acme.org/vs/mammals\","
    "\"version\":\"7\",\"status\":\"active\",\"compose\":{\"include\":[{\"system\":\"" ANIMALS "\","
    "\"filter\":[{\"property\":\"concept\",\"op\":\"is-a\",\"value\":\"mammal\"}]}]}}";

static void setup_terms(void)
{
    setup_clocked_store();
    clock_us = INT64_C(1700000000000000);
    expect_http(ask("PUT", "CodeSystem/animals", NULL, code_system), 201);
    expect_http(ask("PUT", "ValueSet/mammals", NULL, value_set), 201);
}

static reply get(const char *url)
{
    return ask("GET", url, NULL, NULL);
}

/* A parameter of the answer by its name: "valueString" and the like. */
static const char *parameter(const reply *answer, const char *name)
{
    static const char *const types[] = {"valueBoolean", "valueString", "valueCode", "valueUri"};
    for (int i = 0; i < items_at(answer, "parameter"); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "parameter.%d.name", i);
        const char *got = text_at(answer, path);
        if (got == NULL || strcmp(got, name) != 0) {
            continue;
        }
        for (size_t t = 0; t < 4; t++) {
            (void)snprintf(path, sizeof path, "parameter.%d.%s", i, types[t]);
            if (text_at(answer, path) != NULL) {
                return text_at(answer, path);
            }
        }
    }
    return "(none)";
}

START_TEST(expands)
{
    reply answer = get("ValueSet/$expand?url=http://acme.org/vs/mammals");
    expect_http(answer, 200);
    expect_text(answer, "resourceType", "ValueSet");
    expect_text(answer, "url", "http://acme.org/vs/mammals");
    expect_text(answer, "expansion.total", "4");
    expect_text(answer, "expansion.timestamp", "2023-11-14T22:13:20.000Z");
    ck_assert_int_eq(items_at(&answer, "expansion.contains"), 4);
    expect_text(answer, "expansion.contains.0.code", "mammal");
    expect_text(answer, "expansion.contains.0.abstract", "true");
    expect_text(answer, "expansion.contains.1.system", ANIMALS);
    expect_text(answer, "expansion.contains.1.version", "1");
    expect_text(answer, "expansion.contains.1.display", "Cat");
    expect_nothing_at(answer, "expansion.contains.1.designation");
    expect_text(answer, "expansion.contains.3.inactive", "true");
    answer = get("ValueSet/mammals/$expand?activeOnly=true&excludeNotForUI=true&"
                 "includeDesignations=true");
    expect_text(answer, "expansion.total", "2");
    expect_text(answer, "expansion.contains.0.designation.0.value", "Katze");
    answer = get("ValueSet/$expand?url=http://acme.org/vs/mammals%7C7&filter=D%20O");
    expect_text(answer, "expansion.total", "2");
    answer = get("ValueSet/mammals/$expand?displayLanguage=de&filter=kat");
    expect_text(answer, "expansion.contains.0.display", "Katze");
    answer = get("ValueSet/mammals/$expand?offset=1&count=2");
    expect_text(answer, "expansion.total", "4");
    expect_text(answer, "expansion.offset", "1");
    ck_assert_int_eq(items_at(&answer, "expansion.contains"), 2);
    expect_text(answer, "expansion.contains.0.code", "cat");
    answer = get("ValueSet/mammals/$expand?count=0");
    expect_text(answer, "expansion.total", "4");
    expect_nothing_at(answer, "expansion.contains");
}
END_TEST

START_TEST(expands_what_comes_with_the_request)
{
    static const char body[] =
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"valueSet\",\"resource\":{"
        "\"resourceType\":\"ValueSet\",\"status\":\"draft\",\"compose\":{\"include\":[{"
        "\"valueSet\":[\"http://acme.org/vs/mammals\"]}],\"exclude\":[{\"system\":\"" ANIMALS "\","
        "\"concept\":[{\"code\":\"dog\"}]}]}}},{\"name\":\"count\",\"valueInteger\":10}]}";
    reply answer = ask("POST", "ValueSet/$expand", NULL, body);
    expect_http(answer, 200);
    expect_text(answer, "expansion.total", "3");
    expect_text(answer, "status", "draft");
    /* The resource alone will do. */
    answer = ask("POST", "ValueSet/$expand", "Content-Type: application/fhir+json", value_set);
    expect_http(answer, 200);
    expect_text(answer, "expansion.total", "4");
}
END_TEST

START_TEST(expands_definitions)
{
    reply answer = get("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender");
    expect_http(answer, 200);
    expect_text(answer, "expansion.total", "4");
    expect_text(answer, "expansion.contains.0.code", "male");
    expect_text(answer, "expansion.contains.0.display", "Male");
    answer = get("ValueSet/$expand?url=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode&"
                 "filter=imp");
    expect_http(answer, 200);
    expect_text(answer, "expansion.contains.0.code", "IMP");
}
END_TEST

START_TEST(validates_codes_of_value_sets)
{
    reply answer = get(
        "ValueSet/$validate-code?url=http://acme.org/vs/mammals&code=dog&system=" ANIMALS);
    expect_http(answer, 200);
    ck_assert_str_eq(parameter(&answer, "result"), "true");
    ck_assert_str_eq(parameter(&answer, "display"), "Dog");
    answer = get("ValueSet/mammals/$validate-code?code=DOG&system=" ANIMALS);
    ck_assert_str_eq(parameter(&answer, "result"), "false");
    ck_assert_str_eq(parameter(&answer, "message"), "the code is not in the value set");
    answer = get("ValueSet/mammals/$validate-code?code=dog");
    ck_assert_str_eq(parameter(&answer, "result"), "true");
    ck_assert_str_eq(parameter(&answer, "system"), ANIMALS);
    answer = get("ValueSet/mammals/$validate-code?code=dog&display=Wolf&system=" ANIMALS);
    ck_assert_str_eq(parameter(&answer, "result"), "false");
    ck_assert_str_eq(parameter(&answer, "display"), "Dog");
    answer = get("ValueSet/mammals/$validate-code?code=cat&display=katze&system=" ANIMALS);
    ck_assert_str_eq(parameter(&answer, "result"), "true");
    answer = get("ValueSet/mammals/$validate-code?code=mammal&abstract=false&system=" ANIMALS);
    ck_assert_str_eq(parameter(&answer, "result"), "false");
    answer = ask("POST", "ValueSet/mammals/$validate-code", NULL,
                 "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"codeableConcept\","
                 "\"valueCodeableConcept\":{\"coding\":[{\"system\":\"urn:x\",\"code\":\"1\"},{"
                 "\"system\":\"" ANIMALS "\",\"code\":\"cat\"}]}}]}");
    ck_assert_str_eq(parameter(&answer, "result"), "true");
    ck_assert_str_eq(parameter(&answer, "code"), "cat");
}
END_TEST

START_TEST(validates_codes_of_code_systems)
{
    reply answer = get("CodeSystem/$validate-code?url=" ANIMALS "&code=cat&display=Cat");
    expect_http(answer, 200);
    ck_assert_str_eq(parameter(&answer, "result"), "true");
    answer = get("CodeSystem/animals/$validate-code?code=unicorn");
    ck_assert_str_eq(parameter(&answer, "result"), "false");
    answer = ask("POST", "CodeSystem/$validate-code", NULL,
                 "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"coding\","
                 "\"valueCoding\":{\"system\":\"http://hl7.org/fhir/observation-status\",\"code\":"
                 "\"final\"}}]}");
    ck_assert_str_eq(parameter(&answer, "result"), "true");
    ck_assert_str_eq(parameter(&answer, "display"), "Final");
}
END_TEST

START_TEST(looks_up)
{
    reply answer = get("CodeSystem/$lookup?code=dodo&system=" ANIMALS);
    expect_http(answer, 200);
    ck_assert_str_eq(parameter(&answer, "name"), "Animals");
    ck_assert_str_eq(parameter(&answer, "version"), "1");
    ck_assert_str_eq(parameter(&answer, "display"), "Dodo");
    ck_assert(has_text(&answer, "{\"name\":\"code\",\"valueCode\":\"parent\"},{\"name\":\"value\","
                                "\"valueCode\":\"mammal\"}"));
    ck_assert(has_text(&answer, "{\"name\":\"code\",\"valueCode\":\"legs\"},{\"name\":\"value\","
                                "\"valueInteger\":2}"));
    answer = get("CodeSystem/$lookup?code=mammal&property=child&system=" ANIMALS);
    ck_assert(has_text(&answer, "\"valueCode\":\"dog\""));
    ck_assert(!has_text(&answer, "inactive"));
    answer = get("CodeSystem/$lookup?code=dog&system=" ANIMALS);
    ck_assert_str_eq(parameter(&answer, "definition"), "Barks");
}
END_TEST

START_TEST(subsumes)
{
    static const struct {
        const char *a, *b, *outcome;
    } rows[] = {{"mammal", "cat", "subsumes"},
                {"cat", "mammal", "subsumed-by"},
                {"cat", "cat", "equivalent"},
                {"cat", "dog", "not-subsumed"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char url[256];
        (void)snprintf(url, sizeof url, "CodeSystem/$subsumes?system=" ANIMALS "&codeA=%s&codeB=%s",
                       rows[i].a, rows[i].b);
        reply answer = get(url);
        expect_http(answer, 200);
        ck_assert_str_eq(parameter(&answer, "outcome"), rows[i].outcome);
    }
    reply answer = get("CodeSystem/animals/$subsumes?codeA=mammal&codeB=dog");
    ck_assert_str_eq(parameter(&answer, "outcome"), "subsumes");
}
END_TEST

/* ---- what is refused ---- */

static const struct {
    const char *method;
    const char *url;
    const char *body;
    int http;
    const char *says;
} faults[] = {
    {"GET", "ValueSet/$expand", NULL, 400, "expects one of 'url'"},
    {"GET", "ValueSet/$expand?url=http://acme.org/none", NULL, 404, "not known here"},
    {"GET", "ValueSet/none/$expand", NULL, 404, ""},
    {"GET", "ValueSet/mammals/$expand?url=http://acme.org/none", NULL, 400, "expects one of"},
    {"GET", "ValueSet/mammals/$expand?count=-1", NULL, 400, "operation parameter 'count'"},
    {"GET", "ValueSet/mammals/$expand?count=10001", NULL, 400, "'count'"},
    {"GET", "ValueSet/mammals/$expand?activeOnly=maybe", NULL, 400, "'activeOnly' expects true"},
    {"GET", "ValueSet/mammals/$expand?context=x", NULL, 400, "'context' is not known here"},
    {"GET", "ValueSet/mammals/$expand?filter=%zz", NULL, 400, "percent-encoding"},
    {"GET", "ValueSet/mammals/$nothing", NULL, 404, "no such operation"},
    {"GET", "Patient/$expand", NULL, 404, "no such operation"},
    {"GET", "Nonsense/$expand", NULL, 404, ""},
    {"DELETE", "ValueSet/$expand", NULL, 405, ""},
    {"PUT", "ValueSet/mammals/$expand", NULL, 405, ""},
    {"POST", "ValueSet/$expand", "[1]", 400, "Parameters"},
    {"POST", "ValueSet/$expand", "{", 400, ""},
    {"POST", "ValueSet/$expand", "{\"resourceType\":\"Patient\"}", 400, "Parameters"},
    {"POST", "ValueSet/$expand",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"valueUri\":\"x\"}]}", 400, "has a name"},
    {"POST", "ValueSet/$expand",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"url\"}]}", 400, "has no value"},
    {"POST", "ValueSet/$expand",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"url\",\"valueCoding\":{}}]}", 400,
     "expects a primitive value"},
    {"POST", "ValueSet/$expand",
     "{\"resourceType\":\"ValueSet\",\"compose\":{\"include\":[{\"system\":\"http://"
     "loinc.org\"}]}}",
     422, "not all here"},
    {"POST", "ValueSet/$expand", "{\"resourceType\":\"ValueSet\",\"compose\":{\"include\":[{}]}}",
     422, "neither"},
    {"POST", "ValueSet/$expand", "{\"resourceType\":\"ValueSet\"}", 422, "no definition"},
    {"POST", "ValueSet/$expand",
     "{\"resourceType\":\"ValueSet\",\"compose\":{\"include\":[{\"system\":\"" ANIMALS "\","
     "\"filter\":[{\"property\":\"concept\",\"op\":\"regex\",\"value\":\"(\"}]}]}}",
     422, "regular expression"},
    {"GET", "ValueSet/mammals/$validate-code", NULL, 400, "expects one of 'code'"},
    {"GET", "CodeSystem/$lookup?code=x", NULL, 400, "'system' is missing"},
    {"GET", "CodeSystem/$lookup?code=x&system=urn:none", NULL, 404, "not known here"},
    {"GET", "CodeSystem/$lookup?code=x&system=" ANIMALS, NULL, 404, "no such code"},
    {"GET", "CodeSystem/$lookup?code=x&system=http://snomed.info/sct", NULL, 422, "not all here"},
    {"GET", "CodeSystem/$validate-code?code=x", NULL, 400, "'url' is missing"},
    {"GET", "CodeSystem/$subsumes?codeA=cat&system=" ANIMALS, NULL, 400, "'codeB' is missing"},
    {"GET", "CodeSystem/$subsumes?codeA=cat&codeB=x&system=" ANIMALS, NULL, 422, "'codeB'"},
};

START_TEST(refuses)
{
    reply answer = ask(faults[_i].method, faults[_i].url, NULL, faults[_i].body);
    ck_assert_msg(answer.http == faults[_i].http, "%s: HTTP %d, %s", faults[_i].url,
                  (int)answer.http, answer.body);
    expect_text(answer, "resourceType", "OperationOutcome");
    ck_assert_msg(has_text(&answer, faults[_i].says), "%s: %s", faults[_i].url, answer.body);
}
END_TEST

/* ---- who may, and what is recorded ---- */

/* Static: the store lets go of them in the teardown, after the test. */
static const char *denied_type;
static int asked;
static fhirstore_status journal_answer;
static int32_t last_action;
static fhirstore_status last_outcome;
static char last_type[32];

static fhirstore_status decide(void *ctx, const fhirstore_access_request *request,
                               fhirstore_access_decision *decision)
{
    (void)ctx;
    asked++;
    decision->answer = strcmp(request->type, denied_type) == 0 ? FHIRSTORE_ACCESS_DENY
                                                               : FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

static fhirstore_status write_down(void *ctx, const fhirstore_audit_event *event)
{
    (void)ctx;
    last_action = event->action;
    last_outcome = event->outcome;
    (void)snprintf(last_type, sizeof last_type, "%s", event->type);
    return journal_answer;
}

static void become_watched(void)
{
    const fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer, .authorize = decide};
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .record = write_down};
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.principal = "Practitioner/7";
    options.principal_len = 14;
    denied_type = "Nothing";
    journal_answer = FHIRSTORE_OK;
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &session, NULL), FHIRSTORE_OK);
}

START_TEST(asks_and_records)
{
    static const char url[] = "ValueSet/$expand?url=http://acme.org/vs/mammals";
    become_watched();
    asked = 0;
    expect_http(get(url), 200);
    ck_assert_int_gt(asked, 1);
    ck_assert_int_eq(last_action, FHIRSTORE_ACTION_SEARCH);
    ck_assert_int_eq(last_outcome, FHIRSTORE_OK);
    ck_assert_str_eq(last_type, "ValueSet");
    expect_http(get("ValueSet/mammals/$expand"), 200);
    ck_assert_int_eq(last_action, FHIRSTORE_ACTION_READ);
    denied_type = "ValueSet";
    expect_http(get(url), 403);
    ck_assert_int_eq(last_outcome, FHIRSTORE_ERR_DENIED);
    /* A hidden code system is as good as none. */
    denied_type = "CodeSystem";
    reply answer = get(url);
    expect_http(answer, 422);
    ck_assert(!has_text(&answer, "acme"));
    ck_assert_int_eq(last_outcome, FHIRSTORE_ERR_VALUE_SET);
    denied_type = "Nothing";
    journal_answer = FHIRSTORE_ERR_CALLBACK;
    answer = get(url);
    expect_http(answer, 403);
    ck_assert(!has_text(&answer, "Cat"));
    journal_answer = FHIRSTORE_OK;
}
END_TEST

START_TEST(searches_by_value_set)
{
    become_watched();
    expect_http(ask("PUT", "Observation/o", NULL,
                    "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{"
                    "\"coding\":[{\"system\":\"" ANIMALS "\",\"code\":\"cat\"}]}}"),
                201);
    reply answer = get("Observation?code:in=ValueSet/mammals&_total=accurate");
    expect_http(answer, 200);
    expect_text(answer, "total", "1");
    denied_type = "ValueSet";
    answer = get("Observation?code:in=ValueSet/mammals");
    expect_http(answer, 400);
    ck_assert(has_text(&answer, "search parameter 'code'"));
    denied_type = "Nothing";
    answer = get("Observation?code:below=" ANIMALS "|mammal&_total=accurate");
    expect_text(answer, "total", "1");
}
END_TEST

/* Within a restriction a value set that does not fit it is not there, by whatever address. */
START_TEST(restrictions_hold)
{
    static const char claims[] =
        "{\"id\":\"app\",\"scope\":\"system/Observation.rs system/CodeSystem.rs "
        "system/ValueSet.rs?status=draft\"}";
    static const char *const hidden[] = {"ValueSet/mammals/$expand",
                                         "ValueSet/$expand?url=http://acme.org/vs/mammals"};
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    expect_http(ask("PUT", "Observation/o", NULL,
                    "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{"
                    "\"coding\":[{\"system\":\"" ANIMALS "\",\"code\":\"cat\"}]}}"),
                201);
    expect_http(ask("PUT", "ValueSet/open", NULL,
                    "{\"resourceType\":\"ValueSet\",\"id\":\"open\",\"status\":\"draft\",\"url\":"
                    "\"http://acme.org/vs/open\",\"compose\":{\"include\":[{\"system\":\"" ANIMALS
                    "\"}]}}"),
                201);
    ck_assert_int_eq(fhirstore_set_policy(store, NULL, 0, NULL), FHIRSTORE_OK);
    options.claims = claims;
    options.claims_len = sizeof claims - 1;
    fhirstore_session_close(session);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &session, NULL), FHIRSTORE_OK);
    for (size_t i = 0; i < 2; i++) {
        reply refused = get(hidden[i]);
        ck_assert_msg(refused.http == 404, "%s: %s", hidden[i], refused.body);
    }
    expect_http(get("ValueSet/open/$expand"), 200);
    expect_http(get("Observation?code:in=http://acme.org/vs/mammals"), 400);
    reply answer = get("Observation?code:in=http://acme.org/vs/open&_total=accurate");
    expect_text(answer, "total", "1");
}
END_TEST

START_TEST(runs_in_a_batch)
{
    reply answer = ask("POST", "", NULL,
                       "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{"
                       "\"method\":\"GET\",\"url\":\"CodeSystem/$lookup?code=cat&system=" ANIMALS
                       "\"}},{\"request\":{\"method\":\"GET\",\"url\":\"ValueSet/$expand\"}}]}");
    expect_http(answer, 200);
    expect_text(answer, "entry.0.resource.resourceType", "Parameters");
    expect_text(answer, "entry.1.response.status", "400");
}
END_TEST

START_TEST(capabilities_tell)
{
    reply answer = get("metadata");
    ck_assert(has_text(&answer, "{\"name\":\"expand\",\"definition\":"
                                "\"http://hl7.org/fhir/OperationDefinition/ValueSet-expand\"}"));
    ck_assert(has_text(&answer, "OperationDefinition/CodeSystem-subsumes"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terms");
    TCase *tests = tcase_create("terms");
    tcase_add_checked_fixture(tests, setup_terms, teardown);
    tcase_add_test(tests, expands);
    tcase_add_test(tests, expands_what_comes_with_the_request);
    tcase_add_test(tests, expands_definitions);
    tcase_add_test(tests, validates_codes_of_value_sets);
    tcase_add_test(tests, validates_codes_of_code_systems);
    tcase_add_test(tests, looks_up);
    tcase_add_test(tests, subsumes);
    tcase_add_loop_test(tests, refuses, 0, (int)(sizeof faults / sizeof *faults));
    tcase_add_test(tests, asks_and_records);
    tcase_add_test(tests, searches_by_value_set);
    tcase_add_test(tests, restrictions_hold);
    tcase_add_test(tests, runs_in_a_batch);
    tcase_add_test(tests, capabilities_tell);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
