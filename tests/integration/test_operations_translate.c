/* SPDX-License-Identifier: Apache-2.0 */
/* ConceptMap/$translate, and $diff of two resources in the body. */
#include <stdio.h>

#include "harness.h"

static const char map[] =
    "{\"resourceType\":\"ConceptMap\",\"id\":\"m\",\"url\":\"http://acme.org/m\",\"version\":\"1\","
    "\"status\":\"active\",\"sourceUri\":\"http://acme.org/vs/a\",\"targetUri\":"
    "\"http://acme.org/vs/b\",\"group\":[{\"source\":\"http://acme.org/a\",\"target\":"
    "\"http://acme.org/b\",\"element\":[{\"code\":\"cat\",\"target\":[{\"code\":\"feline\","
    "\"display\":\"Feline\",\"equivalence\":\"wider\",\"product\":[{\"property\":"
    "\"http://acme.org/legs\",\"system\":\"http://acme.org/"
    "n\",\"value\":\"4\"}]}]},{\"code\":\"dog\","
    "\"target\":[{\"code\":\"canine\",\"equivalence\":\"equivalent\",\"dependsOn\":[{\"property\":"
    "\"http://acme.org/size\",\"value\":\"big\"}]}]},{\"code\":\"fish\",\"target\":[{"
    "\"equivalence\":\"unmatched\"}]}],\"unmapped\":{\"mode\":\"other-map\",\"url\":"
    "\"http://acme.org/other\"}},{\"source\":\"http://acme.org/a\",\"target\":\"http://acme.org/"
    "c\","
    "\"element\":[{\"code\":\"cat\",\"target\":[{\"code\":\"pet\",\"equivalence\":\"inexact\"}]}]}]"
    "}";
static const char other[] =
    "{\"resourceType\":\"ConceptMap\",\"id\":\"o\",\"url\":\"http://acme.org/other\",\"status\":"
    "\"active\",\"group\":[{\"source\":\"http://acme.org/a\",\"target\":\"http://acme.org/d\","
    "\"element\":[{\"code\":\"x\"}],\"unmapped\":{\"mode\":\"fixed\",\"code\":\"thing\"}}]}";

static void setup_maps(void)
{
    setup_store();
    expect_http(ask("PUT", "ConceptMap/m", NULL, map), 201);
    expect_http(ask("PUT", "ConceptMap/o", NULL, other), 201);
}

static reply get(const char *url)
{
    return ask("GET", url, NULL, NULL);
}

#define IN_M "ConceptMap/m/$translate?system=http://acme.org/a&code="

START_TEST(translates)
{
    reply answer = get(IN_M "cat");
    expect_http(answer, 200);
    expect_text(answer, "parameter.0.name", "result");
    expect_text(answer, "parameter.0.valueBoolean", "true");
    expect_text(answer, "parameter.1.name", "match");
    expect_text(answer, "parameter.1.part.0.valueCode", "wider");
    expect_text(answer, "parameter.1.part.1.valueCoding.code", "feline");
    expect_text(answer, "parameter.1.part.1.valueCoding.system", "http://acme.org/b");
    expect_text(answer, "parameter.1.part.2.name", "product");
    expect_text(answer, "parameter.1.part.2.part.1.valueCoding.code", "4");
    expect_text(answer, "parameter.1.part.3.valueUri", "http://acme.org/m");
    expect_text(answer, "parameter.2.part.1.valueCoding.code", "pet");
    answer = get(IN_M "cat&targetsystem=http://acme.org/c");
    ck_assert_int_eq(items_at(&answer, "parameter"), 2);
    answer = get(IN_M "fish");
    expect_text(answer, "parameter.0.valueBoolean", "false");
    ck_assert(has_text(&answer, "unmatched"));
    /* What is not listed goes by the group's rule. */
    answer = get(IN_M "worm");
    expect_text(answer, "parameter.0.valueBoolean", "true");
    expect_text(answer, "parameter.1.part.1.valueCoding.code", "thing");
    expect_text(answer, "parameter.1.part.2.valueUri", "http://acme.org/other");
}
END_TEST

START_TEST(finds_its_maps)
{
    static const char body[] =
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"codeableConcept\","
        "\"valueCodeableConcept\":{\"coding\":[{\"system\":\"http://acme.org/z\",\"code\":\"1\"},{"
        "\"system\":\"http://acme.org/a\",\"code\":\"dog\"}]}},{\"name\":\"dependency\",\"part\":[{"
        "\"name\":\"element\",\"valueUri\":\"http://acme.org/size\"},{\"name\":\"concept\","
        "\"valueCodeableConcept\":{\"coding\":[{\"code\":\"big\"}]}}]},{\"name\":\"source\","
        "\"valueUri\":\"http://acme.org/vs/a\"}]}";
    reply answer = ask("POST", "ConceptMap/$translate", NULL, body);
    expect_http(answer, 200);
    expect_text(answer, "parameter.0.valueBoolean", "true");
    expect_text(answer, "parameter.1.part.1.valueCoding.code", "canine");
    /* Without what it depends on it does not count. */
    answer = get(IN_M "dog");
    expect_text(answer, "parameter.0.valueBoolean", "false");
    ck_assert(has_text(&answer, "depend"));
    answer = get("ConceptMap/$translate?url=http://acme.org/m&conceptMapVersion=1&code=cat&"
                 "system=http://acme.org/a&target=http://acme.org/vs/b");
    expect_text(answer, "parameter.0.valueBoolean", "true");
    answer = get("ConceptMap/$translate?url=http://acme.org/m&sourceCode=cat&"
                 "system=http://acme.org/a&targetScope=http://acme.org/vs/q");
    expect_text(answer, "parameter.0.valueBoolean", "false");
    expect_http(get("ConceptMap/$translate?url=http://acme.org/m%7C9&code=cat&system=s"), 404);
    answer = get("ConceptMap/$translate?code=1&system=http://acme.org/none");
    expect_text(answer, "parameter.0.valueBoolean", "false");
    char given[4096];
    (void)snprintf(given, sizeof given,
                   "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"conceptMap\","
                   "\"resource\":%s},{\"name\":\"coding\",\"valueCoding\":{\"system\":"
                   "\"http://acme.org/a\",\"code\":\"y\"}}]}",
                   other);
    answer = ask("POST", "ConceptMap/$translate", NULL, given);
    expect_text(answer, "parameter.1.part.1.valueCoding.code", "thing");
}
END_TEST

START_TEST(translates_back)
{
    reply answer = get("ConceptMap/$translate?code=feline&system=http://acme.org/b&reverse=true");
    expect_http(answer, 200);
    expect_text(answer, "parameter.1.part.0.valueCode", "narrower");
    expect_text(answer, "parameter.1.part.1.valueCoding.code", "cat");
    answer = get("ConceptMap/m/$translate?targetCode=pet&system=http://acme.org/c");
    expect_text(answer, "parameter.1.part.1.valueCoding.system", "http://acme.org/a");
}
END_TEST

static const char *const bad[][3] = {
    {"ConceptMap/$translate", "'code'", "400"},
    {"ConceptMap/$translate?code=x", "'system'", "400"},
    {"ConceptMap/$translate?code=x&code=y&system=s", "'code'", "400"},
    {"ConceptMap/$translate?code=x&sourceCode=y&system=s", "'sourceCode'", "400"},
    {"ConceptMap/$translate?coding=x", "'coding'", "400"},
    {"ConceptMap/$translate?codeableConcept=x", "'codeableConcept'", "400"},
    {"ConceptMap/m/$translate?url=u&code=x&system=s", "'url'", "400"},
    {"ConceptMap/$translate?code=x&system=s&source=a&sourceScope=b", "'sourceScope'", "400"},
    {"ConceptMap/$translate?code=x&system=s&reverse=2", "'reverse'", "400"},
    {"ConceptMap/$translate?conceptMap=x&code=x&system=s", "'conceptMap'", "400"},
    {"ConceptMap/$translate?to=x&code=x&system=s", "'to'", "400"},
    {"ConceptMap/z/$translate?code=x&system=s", "not found", "404"},
    {"$translate?code=x&system=s", "ConceptMap/$translate", "404"},
};

START_TEST(refuses)
{
    const char *before = state_of_store();
    const reply answer = get(bad[_i][0]);
    ck_assert_msg(answer.http == atoi(bad[_i][2]), "%s: %d %s", bad[_i][0], (int)answer.http,
                  answer.body);
    ck_assert_msg(has_text(&answer, bad[_i][1]), "%s: %s", bad[_i][0], answer.body);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

#define PAIR(from, to)                                                                        \
    "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"from\"," from "},{\"name\":" \
    "\"to\"," to "}]}"

START_TEST(tells_the_difference_of_what_is_given)
{
    reply answer = ask(
        "POST", "$diff", NULL,
        PAIR("\"resource\":{\"resourceType\":\"Patient\",\"active\":true,\"gender\":\"male\"}",
             "\"resource\":{\"resourceType\":\"Patient\",\"active\":false}"));
    expect_http(answer, 200);
    expect_text(answer, "resourceType", "Parameters");
    ck_assert_int_eq(items_at(&answer, "parameter"), 2);
    ck_assert(has_text(&answer, "Patient.gender"));
    /* One of them may be stored. */
    answer = ask("POST", "$diff", NULL,
                 PAIR("\"valueString\":\"ConceptMap/o\"",
                      "\"resource\":{\"resourceType\":\"ConceptMap\",\"id\":\"o\",\"status\":"
                      "\"draft\"}"));
    expect_http(answer, 200);
    ck_assert(has_text(&answer, "ConceptMap.status"));
    expect_http(ask("POST", "$diff", NULL,
                    PAIR("\"resource\":{\"resourceType\":\"Patient\"}",
                         "\"resource\":{\"resourceType\":\"Device\"}")),
                400);
    answer = ask("POST", "$diff", NULL,
                 PAIR("\"resource\":{\"resourceType\":\"Thing\"}",
                      "\"resource\":{\"resourceType\":\"Thing\"}"));
    expect_http(answer, 400);
    ck_assert(has_text(&answer, "'from'"));
    expect_http(ask("POST", "$diff", NULL, PAIR("\"valueString\":\"x\"", "\"valueString\":\"x\"")),
                400);
    expect_http(ask("POST", "$diff", NULL,
                    PAIR("\"resource\":{\"resourceType\":\"Patient\",\"nothing\":1}",
                         "\"resource\":{\"resourceType\":\"Patient\"}")),
                400);
}
END_TEST

/* A map that may not be seen translates nothing. */
START_TEST(knows_what_may_be_seen)
{
    static const char policy[] =
        "{\"roles\":{\"some\":{\"allow\":[{\"actions\":[\"search\",\"read\"],\"types\":["
        "\"ConceptMap\"],\"where\":\"url=http://acme.org/m\"}]}}}";
    static const char claims[] = "{\"roles\":[\"some\"]}";
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *with = NULL;
    options.principal = "tester";
    options.principal_len = 6;
    options.claims = claims;
    options.claims_len = sizeof claims - 1;
    ck_assert_int_eq(fhirstore_set_policy(store, policy, sizeof policy - 1, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &with, NULL), FHIRSTORE_OK);
    expect_text(ask_bytes(with, "GET", IN_M "worm", NULL, NULL, 0), "parameter.0.valueBoolean",
                "false");
    expect_text(ask_bytes(with, "GET", IN_M "cat", NULL, NULL, 0), "parameter.0.valueBoolean",
                "true");
    expect_http(ask_bytes(with, "GET", "ConceptMap/o/$translate?code=y&system=http://acme.org/a",
                          NULL, NULL, 0),
                404);
    fhirstore_session_close(with);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("operations_translate");
    TCase *tests = tcase_create("translate");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup_maps, teardown);
    tcase_add_test(tests, translates);
    tcase_add_test(tests, finds_its_maps);
    tcase_add_test(tests, translates_back);
    tcase_add_loop_test(tests, refuses, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tests, knows_what_may_be_seen);
    tcase_add_test(tests, tells_the_difference_of_what_is_given);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
