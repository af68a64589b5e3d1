/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that the host registers. */
#include <stdio.h>

#include "harness.h"

static char name_of_ctx[] = "ctx";
static int calls;
static int destroyed;
static char seen[4096];
static int32_t http = 200;
static const char *answer_text;
static fhirstore_status result;

static fhirstore_status note(void *ctx, const fhirstore_operation_request *request,
                             fhirstore_operation_reply *to)
{
    calls++;
    (void)snprintf(seen, sizeof seen, "%s %d %s/%s$%s %s %s %s", (const char *)ctx,
                   (int)request->level, request->type, request->id, request->name,
                   request->principal, request->parameters, request->resource);
    if (answer_text != NULL) {
        ck_assert_int_eq(fhirstore_operation_answer(to, http, answer_text, strlen(answer_text)),
                         FHIRSTORE_OK);
        /* Once is enough. */
        ck_assert_int_eq(fhirstore_operation_answer(to, 200, answer_text, strlen(answer_text)),
                         FHIRSTORE_ERR_INVALID_ARG);
    }
    return result;
}

/* Reads with a session of its own. */
static fhirstore_status count_patients(void *ctx, const fhirstore_operation_request *request,
                                       fhirstore_operation_reply *to)
{
    char text[256];
    int64_t count = 0;
    fhirstore_session *own = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "host");
    (void)ctx;
    (void)request;
    ck_assert_int_eq(fhirstore_search_count(own, "Patient", 7, "", 0, &count, NULL), FHIRSTORE_OK);
    fhirstore_session_close(own);
    (void)snprintf(text, sizeof text,
                   "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"count\","
                   "\"valueInteger\":%d}]}",
                   (int)count);
    return fhirstore_operation_answer(to, 200, text, strlen(text));
}

static void forget(void *ctx)
{
    ck_assert_str_eq(ctx, "ctx");
    destroyed++;
}

static fhirstore_status add(const char *name, const char *type, uint32_t levels, uint32_t flags,
                            fhirstore_operation_fn run)
{
    const fhirstore_operation operation = {.struct_size = sizeof operation,
                                           .flags = flags,
                                           .name = name,
                                           .name_len = strlen(name),
                                           .type = type,
                                           .type_len = strlen(type),
                                           .levels = levels,
                                           .definition = "http://acme.org/op/how-many",
                                           .definition_len = run == count_patients ? 27 : 0,
                                           .ctx = name_of_ctx,
                                           .run = run,
                                           .destroy = forget};
    return fhirstore_operation_register(store, &operation, NULL);
}

#define ALL_LEVELS \
    (FHIRSTORE_OPERATION_ON_SYSTEM | FHIRSTORE_OPERATION_ON_TYPE | FHIRSTORE_OPERATION_ON_INSTANCE)

static void setup_host(void)
{
    setup_store();
    calls = destroyed = 0;
    http = 200;
    result = FHIRSTORE_OK;
    answer_text = "{\"resourceType\":\"Basic\",\"id\":\"x\",\"n\":1.10}";
    ck_assert_int_eq(add("note", "", ALL_LEVELS, 0, note), FHIRSTORE_OK);
    ck_assert_int_eq(add("change", "Patient", FHIRSTORE_OPERATION_ON_INSTANCE,
                         FHIRSTORE_OPERATION_CHANGES, note),
                     FHIRSTORE_OK);
    ck_assert_int_eq(add("how-many", "Patient", FHIRSTORE_OPERATION_ON_TYPE, 0, count_patients),
                     FHIRSTORE_OK);
    expect_http(ask("PUT", "Patient/a", NULL, "{\"resourceType\":\"Patient\",\"id\":\"a\"}"), 201);
}

static reply get(const char *url)
{
    return ask("GET", url, NULL, NULL);
}

START_TEST(is_called)
{
    reply answer = get("$note?a=1&a=2&b=x%20y");
    expect_http(answer, 200);
    ck_assert_str_eq(answer.body, answer_text); /* byte for byte */
    ck_assert_str_eq(seen, "ctx 4 /$note Practitioner/tester "
                           "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":"
                           "\"a\",\"valueString\":\"1\"},{\"name\":\"a\",\"valueString\":\"2\"},{"
                           "\"name\":\"b\",\"valueString\":\"x y\"}]} ");
    expect_http(get("Observation/$note"), 200);
    answer = ask("POST", "Patient/a/$note?q=1", NULL,
                 "{\"resourceType\":\"Parameters\", \"parameter\":[{\"name\":\"d\", "
                 "\"valueDecimal\":1.10},{\"name\":\"p\",\"part\":[{\"name\":\"s\"}]}]}");
    expect_http(answer, 200);
    ck_assert_msg(strstr(seen,
                         "ctx 2 Patient/a$note Practitioner/tester "
                         "{\"resourceType\":\"Parameters\",\"parameter\":[{"
                         "\"name\":\"q\",\"valueString\":\"1\"},{\"name\":\"d\",\"valueDecimal\":"
                         "1.10},{\"name\":\"p\",\"part\":[{\"name\":\"s\"}]}]} {\"resourceType\":"
                         "\"Patient\"") != NULL,
                  "%s", seen);
    expect_http(ask("POST", "$note", NULL, "{\"resourceType\":\"Patient\"}"), 200);
    ck_assert(strstr(seen, "{\"name\":\"resource\",\"resource\":{\"resourceType\":\"Patient\"}}") !=
              NULL);
    answer_text = NULL;
    expect_http(get("$note"), 204);
    expect_text(get("Patient/$how-many"), "parameter.0.valueInteger", "1");
    expect_text(ask("POST", "", NULL,
                    "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{"
                    "\"method\":\"GET\",\"url\":\"Patient/$how-many\"}}]}"),
                "entry.0.resource.parameter.0.valueInteger", "1");
}
END_TEST

START_TEST(changes_by_post_alone)
{
    const reply answer = get("Patient/a/$change");
    expect_http(answer, 405);
    ck_assert_str_eq(header_of(&answer, "Allow"), "POST");
    expect_http(ask("POST", "Patient/a/$change", NULL, NULL), 200);
    ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(refuses_in_its_own_words)
{
    answer_text =
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":"
        "\"business-rule\"}]}";
    http = 422;
    const reply answer = get("$note");
    expect_http(answer, 422);
    ck_assert_str_eq(answer.body, answer_text);
}
END_TEST

static const struct {
    const char *text;
    int32_t http;
    fhirstore_status result;
} broken[] = {
    {"{", 200, FHIRSTORE_OK},
    {"[]", 200, FHIRSTORE_OK},
    {"{\"a\":1}", 200, FHIRSTORE_OK},
    {"{\"resourceType\":\"Nothing\"}", 200, FHIRSTORE_OK},
    {"{\"resourceType\":\"Patient\",\"x\":01}", 200, FHIRSTORE_OK},
    {"{\"resourceType\":\"Patient\"}", 404, FHIRSTORE_OK},
    {"{\"resourceType\":\"Patient\"}", 200, FHIRSTORE_ERR_IO},
    {NULL, 200, FHIRSTORE_ERR_NO_MEMORY},
};

START_TEST(breaks)
{
    const char *before = state_of_store();
    answer_text = broken[_i].text;
    http = broken[_i].http;
    result = broken[_i].result;
    const reply answer = ask("POST", "Patient/a/$change", NULL, NULL);
    expect_http(answer, 500);
    expect_text(answer, "resourceType", "OperationOutcome");
    expect_text(answer, "issue.0.code", "exception");
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(is_not_there)
{
    expect_http(get("Patient/z/$note"), 404);
    expect_http(ask("DELETE", "Patient/a", NULL, NULL), 204);
    expect_http(get("Patient/a/$note"), 410);
    expect_http(get("Patient/$change"), 404);
    expect_http(get("Observation/$how-many"), 404);
    expect_http(ask("POST", "$note", NULL, "{\"resourceType\":"), 400);
    expect_http(ask("POST", "$note", NULL, "[]"), 400);
    ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(is_registered_well)
{
    const fhirstore_operation short_one = {.struct_size = 4};
    int before = destroyed;
    ck_assert_int_eq(add("note", "", ALL_LEVELS, 0, note), FHIRSTORE_ERR_EXISTS);
    ck_assert_int_eq(add("note", "Patient", FHIRSTORE_OPERATION_ON_TYPE, 0, note),
                     FHIRSTORE_ERR_EXISTS);
    ck_assert_int_eq(add("everything", "Patient", FHIRSTORE_OPERATION_ON_TYPE, 0, note),
                     FHIRSTORE_ERR_EXISTS);
    ck_assert_int_eq(add("", "", ALL_LEVELS, 0, note), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(add("9", "", ALL_LEVELS, 0, note), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(add("a/b", "", ALL_LEVELS, 0, note), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(add("ok", "", 0, 0, note), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(add("ok", "", 8, 0, note), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(add("ok", "Patient", ALL_LEVELS, 0, note), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(add("ok", "", ALL_LEVELS, 2, note), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(add("ok", "", ALL_LEVELS, 0, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(add("ok", "Nothing", FHIRSTORE_OPERATION_ON_TYPE, 0, note),
                     FHIRSTORE_ERR_UNKNOWN_TYPE);
    ck_assert_int_eq(destroyed - before, 12);
    ck_assert_int_eq(fhirstore_operation_register(store, NULL, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_operation_register(store, &short_one, NULL), FHIRSTORE_ERR_ABI);
    ck_assert_int_eq(fhirstore_operation_register(NULL, NULL, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_operation_answer(NULL, 200, "", 0), FHIRSTORE_ERR_INVALID_ARG);
    const reply told = get("metadata");
    ck_assert(has_text(&told, "{\"name\":\"note\",\"definition\":"));
    ck_assert(
        has_text(&told, "{\"name\":\"how-many\",\"definition\":\"http://acme.org/op/how-many\"}"));
    /* The same name elsewhere is another operation. */
    ck_assert_int_eq(add("everything", "", FHIRSTORE_OPERATION_ON_SYSTEM, 0, note), FHIRSTORE_OK);
    expect_http(get("$everything"), 200);
    before = destroyed;
    reopen_store();
    ck_assert_int_eq(destroyed - before, 4);
    expect_http(get("$note"), 404);
}
END_TEST

/* ---- who ---- */

static reply ask_as(const char *claims, const char *method, const char *url)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *with = NULL;
    options.principal = "tester";
    options.principal_len = 6;
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &with, NULL), FHIRSTORE_OK);
    const reply answer = ask_bytes(with, method, url, NULL, NULL, 0);
    fhirstore_session_close(with);
    return answer;
}

START_TEST(asks_who_may)
{
    static const char policy[] =
        "{\"roles\":{\"reader\":{\"allow\":[{\"actions\":[\"read\",\"search\",\"everything\"]}]},"
        "\"caller\":{\"allow\":[{\"actions\":[\"operation\"]}]},"
        "\"some\":{\"allow\":[{\"actions\":[\"operation\"],\"types\":[\"Patient\"],\"where\":"
        "\"_id=a\"}]}}}";
    expect_http(ask("PUT", "Patient/b", NULL, "{\"resourceType\":\"Patient\",\"id\":\"b\"}"), 201);
    expect_http(ask_as("{\"roles\":[\"caller\"]}", "GET", "$note"), 403); /* no policy */
    ck_assert_int_eq(fhirstore_set_policy(store, policy, sizeof policy - 1, NULL), FHIRSTORE_OK);
    expect_http(ask_as("{\"roles\":[\"reader\"]}", "GET", "Patient/a/$note"), 403);
    expect_http(ask_as("{\"scope\":\"user/*.cruds\"}", "GET", "$note"), 403);
    ck_assert_int_eq(calls, 0);
    expect_http(ask_as("{\"roles\":[\"caller\"]}", "GET", "$note"), 200);
    ck_assert(strstr(seen, " tester ") != NULL);
    expect_http(ask_as("{\"roles\":[\"some\"]}", "GET", "Patient/a/$note"), 200);
    ck_assert_int_eq(calls, 2);
    const reply hidden = ask_as("{\"roles\":[\"some\"]}", "GET", "Patient/b/$note");
    const reply absent = ask_as("{\"roles\":[\"some\"]}", "GET", "Patient/z/$note");
    expect_http(hidden, 404);
    ck_assert_str_eq(hidden.body, absent.body);
    expect_http(ask_as("{\"roles\":[\"some\"]}", "GET", "Patient/$note"), 403);
    ck_assert_int_eq(calls, 2);
}
END_TEST

static char told[256];

static fhirstore_status record(void *ctx, const fhirstore_audit_event *event)
{
    (void)ctx;
    (void)snprintf(told, sizeof told, "%d %d %.*s/%.*s %.*s", (int)event->action,
                   (int)event->outcome, (int)event->type_len, event->type, (int)event->id_len,
                   event->id, (int)event->query_len, event->query);
    return FHIRSTORE_OK;
}

START_TEST(is_recorded)
{
    char want[128];
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .record = record};
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    expect_http(get("Patient/a/$note?x=1"), 200);
    (void)snprintf(want, sizeof want, "%d 0 Patient/a $note?x=1", FHIRSTORE_ACTION_OPERATION);
    ck_assert_str_eq(told, want);
    result = FHIRSTORE_ERR_IO;
    expect_http(get("Patient/a/$note"), 500);
    (void)snprintf(want, sizeof want, "%d %d Patient/a $note", FHIRSTORE_ACTION_OPERATION,
                   (int)FHIRSTORE_ERR_OPERATION);
    ck_assert_str_eq(told, want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("operations_host");
    TCase *tests = tcase_create("host");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup_host, teardown);
    tcase_add_test(tests, is_called);
    tcase_add_test(tests, changes_by_post_alone);
    tcase_add_test(tests, refuses_in_its_own_words);
    tcase_add_loop_test(tests, breaks, 0, (int)(sizeof broken / sizeof *broken));
    tcase_add_test(tests, is_not_there);
    tcase_add_test(tests, is_registered_well);
    tcase_add_test(tests, asks_who_may);
    tcase_add_test(tests, is_recorded);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
