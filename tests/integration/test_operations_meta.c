/* SPDX-License-Identifier: Apache-2.0 */
/* $meta, $meta-add, $meta-delete, $versions, and how operations are called. */
#include <stdio.h>

#include "harness.h"

static const char *const stored[][2] = {
    {"Patient/a",
     "{\"resourceType\":\"Patient\",\"id\":\"a\",\"meta\":{\"profile\":[\"http://acme.org/p\"],"
     "\"security\":[{\"system\":\"http://acme.org/s\",\"code\":\"HIV\",\"display\":\"Hidden\"}],"
     "\"source\":\"http://acme.org/from\"},\"birthDate\":\"1970\",\"extension\":[{\"url\":"
     "\"http://acme.org/weight\",\"valueDecimal\":1.10}],\"active\":true}"},
    {"Patient/b", "{\"resourceType\":\"Patient\",\"id\":\"b\",\"meta\":{\"tag\":[{\"system\":"
                  "\"http://acme.org/t\",\"code\":\"New\",\"display\":\"New one\"}]}}"},
    {"Observation/o",
     "{\"resourceType\":\"Observation\",\"id\":\"o\",\"meta\":{\"tag\":[{\"system\":"
     "\"http://acme.org/t\",\"code\":\"new\"},{\"code\":\"bare\"}]},\"status\":\"final\",\"code\":"
     "{\"text\":\"x\"}}"},
};

static void setup_labels(void)
{
    setup_clocked_store();
    clock_us = INT64_C(1700000000000000);
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        expect_http(ask("PUT", stored[i][0], NULL, stored[i][1]), 201);
    }
}

static reply get(const char *url)
{
    return ask("GET", url, NULL, NULL);
}

#define META(json) \
    "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"meta\",\"valueMeta\":" json "}]}"
#define VALUE "parameter.0.valueMeta."

static const char two_tags[] = META(
    "{\"tag\":[{\"system\":\"http://acme.org/t\",\"code\":\"x\",\"display\":\"X\"},{"
    "\"system\":\"http://acme.org/t\",\"code\":\"x\",\"version\":\"2\"}],\"profile\":["
    "\"http://acme.org/p\",\"http://acme.org/q|1\"],\"lastUpdated\":\"1999-01-01T00:00:00Z\"}");

START_TEST(tells_of_resources_and_versions)
{
    const reply answer = get("Patient/a/$meta");
    expect_http(answer, 200);
    expect_text(answer, "resourceType", "Parameters");
    expect_text(answer, "parameter.0.name", "return");
    expect_text(answer, VALUE "versionId", "1");
    expect_text(answer, VALUE "source", "http://acme.org/from");
    expect_text(answer, VALUE "security.0.display", "Hidden");
    expect_http(ask("PUT", "Patient/a", NULL, "{\"resourceType\":\"Patient\",\"id\":\"a\"}"), 200);
    expect_text(get("Patient/a/_history/1/$meta"), VALUE "profile.0", "http://acme.org/p");
    expect_nothing_at(get("Patient/a/$meta"), VALUE "profile");
    expect_text(ask("POST", "Patient/a/$meta", NULL, NULL), VALUE "versionId", "2");
    expect_http(get("Patient/z/$meta"), 404);
    expect_http(get("Patient/a/_history/9/$meta"), 404);
    expect_http(ask("DELETE", "Patient/a", NULL, NULL), 204);
    expect_http(get("Patient/a/$meta"), 410);
}
END_TEST

START_TEST(tells_what_is_in_use)
{
    const reply all = get("$meta");
    expect_http(all, 200);
    ck_assert_int_eq(items_at(&all, VALUE "profile"), 1);
    ck_assert_int_eq(items_at(&all, VALUE "security"), 1);
    /* "New" and "new" are two; what has no system is one as well. */
    ck_assert_int_eq(items_at(&all, VALUE "tag"), 3);
    expect_text(all, VALUE "tag.0.code", "New");
    expect_text(all, VALUE "tag.0.display", "New one");
    expect_text(all, VALUE "tag.2.code", "bare");
    expect_nothing_at(all, VALUE "versionId");
    const reply patients = get("Patient/$meta");
    ck_assert_int_eq(items_at(&patients, VALUE "tag"), 1);
    expect_nothing_at(get("Encounter/$meta"), VALUE "tag");
    expect_http(ask("DELETE", "Patient/b", NULL, NULL), 204);
    expect_nothing_at(get("Patient/$meta"), VALUE "tag");
}
END_TEST

START_TEST(adds_and_deletes)
{
    reply answer = ask("POST", "Patient/a/$meta-add", NULL, two_tags);
    expect_http(answer, 200);
    expect_text(answer, VALUE "versionId", "2");
    ck_assert_int_eq(items_at(&answer, VALUE "tag"), 1);
    ck_assert_int_eq(items_at(&answer, VALUE "profile"), 2);
    expect_text(answer, VALUE "security.0.code", "HIV");
    ck_assert_str_eq(header_of(&answer, "ETag"), "W/\"2\"");
    ck_assert_ptr_null(header_of(&answer, "Content-Location"));
    ck_assert_int_eq(count_of("Patient", "_tag=http://acme.org/t|x&_profile=http://acme.org/q"), 1);
    /* Everything else is as it was. */
    answer = get("Patient/a");
    ck_assert(has_text(&answer, "\"birthDate\":\"1970\",\"extension\":[{\"url\":\"http://acme.org/"
                                "weight\",\"valueDecimal\":1.10}],\"active\":true}"));
    /* Again: nothing new, no version. */
    expect_text(ask("POST", "Patient/a/$meta-add", NULL, two_tags), VALUE "versionId", "2");
    answer = ask("POST", "Patient/a/$meta-delete", NULL, two_tags);
    expect_http(answer, 200);
    expect_text(answer, VALUE "versionId", "3");
    expect_nothing_at(answer, VALUE "tag");
    expect_nothing_at(answer, VALUE "profile");
    expect_text(answer, VALUE "source", "http://acme.org/from");
    ck_assert_int_eq(count_of("Patient", "_tag=http://acme.org/t|x"), 0);
    ck_assert_int_eq(count_of("Patient", "_profile=http://acme.org/p"), 0);
    expect_text(ask("POST", "Patient/a/$meta-delete", NULL, two_tags), VALUE "versionId", "3");
    expect_text(get("Patient/a/_history/2/$meta"), VALUE "tag.0.code", "x");
    expect_sound(store);
}
END_TEST

START_TEST(keeps_what_stands_beside_profiles)
{
    expect_http(ask("PUT", "Patient/c", NULL,
                    "{\"resourceType\":\"Patient\",\"id\":\"c\",\"meta\":{\"profile\":["
                    "\"http://acme.org/1\",\"http://acme.org/2\"],\"_profile\":[null,{\"id\":"
                    "\"second\"}]}}"),
                201);
    const reply answer = ask("POST", "Patient/c/$meta-delete", NULL,
                             META("{\"profile\":[\"http://acme.org/1\"]}"));
    expect_http(answer, 200);
    expect_text(answer, VALUE "_profile.0.id", "second");
    expect_nothing_at(
        ask("POST", "Patient/c/$meta-delete", NULL, META("{\"profile\":[\"http://acme.org/2\"]}")),
        VALUE "_profile");
}
END_TEST

static const char *const bad[][5] = {
    {"GET", "Patient/a/$meta-add", NULL, "not allowed", "405"},
    {"GET", "Patient/a/$meta-delete", NULL, "not allowed", "405"},
    {"POST", "Patient/a/$meta-add", NULL, "'meta' is missing", "400"},
    {"POST", "Patient/a/$meta-add", "{\"resourceType\":\"Parameters\"}", "'meta' is missing",
     "400"},
    {"POST", "Patient/a/$meta-add?meta=x", NULL, "'meta'", "400"},
    {"POST", "Patient/a/$meta-add", META("\"x\""), "'meta'", "400"},
    {"POST", "Patient/a/$meta-add", META("{\"tag\":{\"code\":\"x\"}}"), "'meta'", "400"},
    {"POST", "Patient/a/$meta-add", META("{\"tag\":[\"x\"]}"), "'meta'", "400"},
    {"POST", "Patient/a/$meta-add", META("{\"tag\":[{\"display\":\"x\"}]}"), "'meta'", "400"},
    {"POST", "Patient/a/$meta-add", META("{\"profile\":[1]}"), "'meta'", "400"},
    {"POST", "Patient/a/$meta-add",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"meta\",\"valueMeta\":{}},{"
     "\"name\":\"meta\",\"valueMeta\":{}}]}",
     "'meta' is there more than once", "400"},
    {"POST", "Patient/a/$meta-add", "{\"resourceType\":\"Patient\"}", "Parameters", "400"},
    {"POST", "Patient/a/$meta-add", "[]", "Parameters", "400"},
    {"POST", "Patient/a/$meta-add", "{\"resourceType\":", "", "400"},
    {"POST", "Patient/a/$meta-add", "{\"resourceType\":\"Parameters\",\"parameter\":{}}", "list",
     "400"},
    {"POST", "Patient/a/$meta-add",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"meta\"}]}", "'meta'", "400"},
    {"POST", "Patient/a/$meta-add", "{\"resourceType\":\"Parameters\",\"parameter\":[{}]}", "name",
     "400"},
    {"POST", "Patient/z/$meta-add", META("{\"tag\":[{\"code\":\"x\"}]}"), "not found", "404"},
    {"POST", "Patient/a/_history/1/$meta-add", META("{\"tag\":[{\"code\":\"x\"}]}"), "no such",
     "404"},
    {"POST", "Patient/$meta-add", META("{\"tag\":[{\"code\":\"x\"}]}"), "no such", "404"},
    {"GET", "Patient/a/$meta?x=1", NULL, "'x' is not known here", "400"},
    {"PUT", "Patient/a/$meta", "{}", "not allowed", "405"},
    {"GET", "Patient/a/_history/1/$x/y", NULL, "", "404"},
    {"GET", "Patient/a/b/c/$meta", NULL, "", "404"},
};

START_TEST(refuses)
{
    const char *before = state_of_store();
    const reply answer = ask(bad[_i][0], bad[_i][1], NULL, bad[_i][2]);
    ck_assert_msg(answer.http == atoi(bad[_i][4]), "%s %s: %d %s", bad[_i][0], bad[_i][1],
                  (int)answer.http, answer.body);
    ck_assert_msg(has_text(&answer, bad[_i][3]), "%s: %s", bad[_i][1], answer.body);
    expect_text(answer, "resourceType", "OperationOutcome");
    if (answer.http == 405 && strcmp(bad[_i][0], "GET") == 0) {
        ck_assert_str_eq(header_of(&answer, "Allow"), "POST");
    }
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(takes_conditions_and_forms)
{
    expect_http(ask("POST", "Patient/a/$meta-add", "If-Match: W/\"7\"",
                    META("{\"tag\":[{\"code\":\"x\"}]}")),
                412);
    expect_http(ask("POST", "Patient/a/$meta-add", "If-Match: W/\"1\"",
                    META("{\"tag\":[{\"code\":\"x\"}]}")),
                200);
    expect_http(ask("POST", "Patient/a/$everything",
                    "Content-Type: application/x-www-form-urlencoded", "_count=1&_type=Patient"),
                200);
    const reply answer = ask("POST", "Patient/a/$everything",
                             "Content-Type: application/x-www-form-urlencoded", "_count=x");
    expect_http(answer, 400);
    expect_http(ask("POST", "Patient/a/$everything", "Content-Type: text/csv", "_count=x"), 415);
}
END_TEST

START_TEST(is_an_entry_of_a_batch)
{
    const reply answer = ask(
        "POST", "", NULL,
        "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":"
        "\"GET\",\"url\":\"Patient/b/$meta\"}},{\"request\":{\"method\":\"POST\",\"url\":"
        "\"Patient/b/$meta-add\"},\"resource\":{\"resourceType\":\"Parameters\",\"parameter\":[{"
        "\"name\":\"meta\",\"valueMeta\":{\"tag\":[{\"code\":\"x\"}]}}]}}]}");
    expect_http(answer, 200);
    expect_text(answer, "entry.0.resource.parameter.0.valueMeta.tag.0.code", "New");
    expect_text(answer, "entry.1.resource.parameter.0.valueMeta.versionId", "2");
}
END_TEST

START_TEST(is_an_entry_of_a_transaction)
{
    static const char head[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"request\":{\"method\":"
        "\"POST\",\"url\":\"Patient/b/$meta-add\"},\"resource\":{\"resourceType\":\"Parameters\","
        "\"parameter\":[{\"name\":\"meta\",\"valueMeta\":{\"tag\":[{\"code\":\"x\"}]}}]}},{"
        "\"request\":"
        "{\"method\":\"POST\",\"url\":\"Patient/";
    static const char tail[] =
        "/$meta-delete\"},\"resource\":{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":"
        "\"meta\",\"valueMeta\":{\"profile\":[\"http://acme.org/p\"]}}]}}]}";
    char body[2048];
    const char *before = state_of_store();
    (void)snprintf(body, sizeof body, "%snone%s", head, tail);
    const reply failed = ask("POST", "", NULL, body);
    expect_http(failed, 404);
    ck_assert(has_text(&failed, "Bundle.entry[1]"));
    ck_assert_str_eq(before, state_of_store());
    (void)snprintf(body, sizeof body, "%sa%s", head, tail);
    expect_http(ask("POST", "", NULL, body), 200);
    ck_assert_int_eq(count_of("Patient", "_tag=x"), 1);
    ck_assert_int_eq(count_of("Patient", "_profile=http://acme.org/p"), 0);
}
END_TEST

static reply ask_as(const char *claims, const char *method, const char *url, const char *body)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *with = NULL;
    options.principal = "tester";
    options.principal_len = 6;
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &with, NULL), FHIRSTORE_OK);
    const reply answer = ask_bytes(with, method, url, NULL, body, body == NULL ? 0 : strlen(body));
    fhirstore_session_close(with);
    return answer;
}

/* Labels hide resources from those without clearance; nobody labels his way around that. */
START_TEST(tells_which_fhir_is_spoken)
{
    const reply answer = get("$versions");
    expect_http(answer, 200);
    expect_text(answer, "resourceType", "Parameters");
    expect_text(answer, "parameter.0.name", "version");
    expect_text(answer, "parameter.0.valueCode", "4.0");
    expect_text(answer, "parameter.1.name", "default");
    expect_text(answer, "parameter.1.valueCode", "4.0");
    expect_text(ask("POST", "$versions", NULL, NULL), "parameter.0.valueCode", "4.0");
    expect_http(get("$versions?mode=full"), 400);
    expect_http(get("Patient/$versions"), 404);
    expect_http(ask("GET", "$versions", "Accept: application/fhir+xml", NULL), 406);
    expect_http(ask("PUT", "$versions", NULL, "{}"), 405);
}
END_TEST

START_TEST(labels_hold_before_and_after)
{
    static const char policy[] =
        "{\"roles\":{\"all\":{\"allow\":[{\"actions\":[\"*\"]}]},\"reader\":{\"allow\":[{"
        "\"actions\":[\"read\",\"search\"]}]}},\"labels\":{\"controlled\":["
        "\"http://acme.org/s|HIV\"],\"breakGlass\":[]}}";
    static const char label[] = META(
        "{\"security\":[{\"system\":\"http://acme.org/s\",\"code\":\"HIV\"}]}");
    static const char *const who = "{\"roles\":[\"all\"]}";
    ck_assert_int_eq(fhirstore_set_policy(store, policy, sizeof policy - 1, NULL), FHIRSTORE_OK);
    const char *before = state_of_store();
    const reply hidden = ask_as(who, "POST", "Patient/a/$meta-delete", label);
    const reply absent = ask_as(who, "POST", "Patient/z/$meta-delete", label);
    ck_assert_int_eq(hidden.http, 404);
    ck_assert_str_eq(hidden.body, absent.body);
    expect_http(ask_as(who, "GET", "Patient/a/$meta", NULL), 404);
    const reply after = ask_as(who, "POST", "Patient/b/$meta-add", label);
    ck_assert_msg(after.http == 403, "%d %s", (int)after.http, after.body);
    const reply used = ask_as(who, "GET", "$meta", NULL);
    expect_nothing_at(used, VALUE "security");
    expect_nothing_at(used, VALUE "profile");
    ck_assert_int_eq(items_at(&used, VALUE "tag"), 3);
    /* Reading is not writing. */
    expect_http(ask_as("{\"roles\":[\"reader\"]}", "POST", "Patient/b/$meta-add",
                       META("{\"tag\":[{\"code\":\"x\"}]}")),
                403);
    expect_http(ask_as("{\"roles\":[\"reader\"]}", "GET", "Patient/b/$meta", NULL), 200);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("operations_meta");
    TCase *tests = tcase_create("meta");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup_labels, teardown);
    tcase_add_test(tests, tells_of_resources_and_versions);
    tcase_add_test(tests, tells_what_is_in_use);
    tcase_add_test(tests, tells_which_fhir_is_spoken);
    tcase_add_test(tests, adds_and_deletes);
    tcase_add_test(tests, keeps_what_stands_beside_profiles);
    tcase_add_loop_test(tests, refuses, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tests, takes_conditions_and_forms);
    tcase_add_test(tests, is_an_entry_of_a_batch);
    tcase_add_test(tests, is_an_entry_of_a_transaction);
    tcase_add_test(tests, labels_hold_before_and_after);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
