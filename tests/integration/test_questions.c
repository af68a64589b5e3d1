/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an authorizer is asked, with what, and how long its answers last: each type that an
 * interaction touches is a question of its own, and anything but a clear yes is no.
 */
#include <stdio.h>

#include "harness.h"

#define QUESTIONS_MAX 256

typedef struct question {
    int32_t action;
    char type[40];
    char id[72];
    char query[160];
    char purpose[16];
    char principal[24];
} question;

static question asked[QUESTIONS_MAX];
static size_t asked_count;
static fhirstore_session *guest;

/* How the authorizer answers. */
static int32_t answer_with;          /* FHIRSTORE_ACCESS_*, or something else */
static fhirstore_status return_with; /* what its function returns */
static const char *denied_type;      /* NULL: none */
static uint32_t valid_ms;
static int32_t valid_reach;

static void copy_into(char *to, size_t size, const char *from, size_t len)
{
    (void)snprintf(to, size, "%.*s", (int)len, from);
    ck_assert_int_eq(from[len], '\0');
}

static fhirstore_status note_question(void *ctx, const fhirstore_access_request *request,
                                      fhirstore_access_decision *decision)
{
    question *into = &asked[asked_count < QUESTIONS_MAX ? asked_count : QUESTIONS_MAX - 1];
    (void)ctx;
    asked_count++;
    into->action = request->action;
    copy_into(into->type, sizeof into->type, request->type, request->type_len);
    copy_into(into->id, sizeof into->id, request->id, request->id_len);
    copy_into(into->query, sizeof into->query, request->query, request->query_len);
    copy_into(into->purpose, sizeof into->purpose, request->purpose, request->purpose_len);
    copy_into(into->principal, sizeof into->principal, request->principal, request->principal_len);
    const bool is_denied = denied_type != NULL && strcmp(into->type, denied_type) == 0;
    decision->answer = is_denied ? FHIRSTORE_ACCESS_DENY : answer_with;
    if (valid_ms > 0) {
        ck_assert_int_eq(fhirstore_access_valid(decision, valid_ms, valid_reach), FHIRSTORE_OK);
    }
    return return_with;
}

static void set_up_questions(void)
{
    const fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer,
                                             .authorize = note_question};
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    static const char *const bodies[][3] = {
        {"Organization", "org",
         "{\"resourceType\":\"Organization\",\"id\":\"org\",\"name\":\"Clinic\"}"},
        {"Practitioner", "doc", "{\"resourceType\":\"Practitioner\",\"id\":\"doc\"}"},
        {"Patient", "A",
         "{\"resourceType\":\"Patient\",\"id\":\"A\",\"managingOrganization\":{\"reference\":"
         "\"Organization/org\"},\"generalPractitioner\":[{\"reference\":\"Practitioner/doc\"}]}"},
        {"Observation", "o",
         "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":"
         "\"x\"},"
         "\"subject\":{\"reference\":\"Patient/A\"}}"},
    };
    setup_clocked_store();
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        ck_assert_int_ge(update(bodies[i][0], bodies[i][1], bodies[i][2]).status, FHIRSTORE_OK);
    }
    answer_with = FHIRSTORE_ACCESS_ALLOW;
    return_with = FHIRSTORE_OK;
    denied_type = NULL;
    valid_ms = 0;
    valid_reach = FHIRSTORE_ACCESS_QUESTION;
    asked_count = 0;
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    options.principal = "Practitioner/doc";
    options.principal_len = strlen(options.principal);
    options.purpose = "TREAT";
    options.purpose_len = strlen(options.purpose);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &guest, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(asked_count, 0);
}

static void tear_down_questions(void)
{
    fhirstore_session_close(guest);
    teardown();
}

static reply send(const char *method, const char *url, const char *body)
{
    asked_count = 0;
    return ask_bytes(guest, method, url, NULL, body, body == NULL ? 0 : strlen(body));
}

static const question *find_question(int32_t action, const char *type)
{
    for (size_t i = 0; i < asked_count && i < QUESTIONS_MAX; i++) {
        if (asked[i].action == action && strcmp(asked[i].type, type) == 0) {
            return &asked[i];
        }
    }
    return NULL;
}

/* "search Patient" is a question that must have been asked; "!search Patient" must not. */
static const struct {
    const char *method, *url, *body;
    const char *questions[6];
} touching[] = {
    {"GET", "Patient/A", NULL, {"1 Patient"}},
    {"GET", "Patient/A/_history/1", NULL, {"2 Patient"}},
    {"GET", "Patient/A/_history", NULL, {"7 Patient"}},
    {"GET", "_history", NULL, {"7 ", "7 Patient", "7 Observation", "7 Organization", "!7 Device"}},
    {"GET", "Observation?code=x", NULL, {"3 Observation", "!3 Patient"}},
    {"GET",
     "Observation?subject:Patient.organization.name=Clinic",
     NULL,
     {"3 Observation", "3 Patient", "3 Organization"}},
    {"GET", "Observation?_sort=subject:Patient.birthdate", NULL, {"3 Observation", "3 Patient"}},
    {"GET",
     "Organization?_has:Patient:organization:_has:Observation:patient:code=x",
     NULL,
     {"3 Organization", "3 Patient", "3 Observation"}},
    {"GET",
     "Observation?_include=Observation:subject&_include:iterate=Patient:organization",
     NULL,
     {"3 Observation", "3 Patient", "3 Organization", "!3 Practitioner"}},
    {"GET",
     "Observation?_include=*&_include:iterate=*",
     NULL,
     {"3 Observation", "3 Patient", "3 Organization", "3 Practitioner"}},
    {"GET", "Patient?_revinclude=Observation:subject", NULL, {"3 Patient", "3 Observation"}},
    {"GET", "Patient?_revinclude=*", NULL, {"3 Patient", "3 Observation"}},
    {"GET", "?_type=Patient,Observation", NULL, {"3 ", "3 Patient", "3 Observation"}},
    {"GET", "Patient/A/*", NULL, {"3 ", "3 Patient", "3 Observation"}},
    {"GET", "Patient?_list=none", NULL, {"3 Patient"}},
    {"PUT", "Patient/B", "{\"resourceType\":\"Patient\",\"id\":\"B\"}", {"5 Patient"}},
    {"POST", "Patient", "{\"resourceType\":\"Patient\"}", {"4 Patient"}},
    {"DELETE", "Patient/none", NULL, {"6 Patient"}},
    {"DELETE", "Patient?name=nobody", NULL, {"6 Patient", "3 Patient"}},
    {"PUT", "Patient?name=nobody", "{\"resourceType\":\"Patient\"}", {"5 Patient", "3 Patient"}},
    {"POST",
     "",
     "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
     "{\"request\":{\"method\":\"GET\",\"url\":\"Organization/org\"}},"
     "{\"request\":{\"method\":\"GET\",\"url\":\"Observation?subject:Patient.name=x\"}},"
     "{\"resource\":{\"resourceType\":\"Device\"},\"request\":{\"method\":\"POST\",\"url\":"
     "\"Device\"}},"
     "{\"resource\":{\"resourceType\":\"Basic\",\"code\":{\"text\":\"x\"},\"subject\":{"
     "\"reference\":"
     "\"Practitioner?_id=doc\"}},\"request\":{\"method\":\"POST\",\"url\":\"Basic\"}}]}",
     {"9 ", "1 Organization", "3 Patient", "4 Device", "3 Practitioner"}},
    {"POST",
     "",
     "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":["
     "{\"request\":{\"method\":\"GET\",\"url\":\"Organization/org\"}},"
     "{\"request\":{\"method\":\"DELETE\",\"url\":\"Device/none\"}}]}",
     {"10 ", "1 Organization", "6 Device"}},
};

START_TEST(each_type_touched_is_a_question)
{
    const reply answer = send(touching[_i].method, touching[_i].url, touching[_i].body);
    ck_assert_msg(answer.http < 300, "%s: %s", touching[_i].url, answer.body);
    for (size_t k = 0; k < 6 && touching[_i].questions[k] != NULL; k++) {
        const char *wanted = touching[_i].questions[k];
        const bool is_there = wanted[0] != '!';
        wanted += !is_there;
        const char *type = strchr(wanted, ' ') + 1;
        const question *found = find_question(atoi(wanted), type);
        ck_assert_msg((found != NULL) == is_there, "%s: %s", touching[_i].url,
                      touching[_i].questions[k]);
        ck_assert(found == NULL || strcmp(found->purpose, "TREAT") == 0);
        ck_assert(found == NULL || strcmp(found->principal, "Practitioner/doc") == 0);
    }
}
END_TEST

START_TEST(questions_tell_id_and_parameters)
{
    (void)send("GET", "Patient/A", NULL);
    ck_assert_str_eq(find_question(FHIRSTORE_ACTION_READ, "Patient")->id, "A");
    (void)send("GET", "Observation?subject:Patient.name=x&_count=3", NULL);
    ck_assert_str_eq(find_question(FHIRSTORE_ACTION_SEARCH, "Observation")->query,
                     "subject:Patient.name=x&_count=3");
    ck_assert_str_eq(find_question(FHIRSTORE_ACTION_SEARCH, "Patient")->query,
                     "subject:Patient.name=x&_count=3");
    (void)send("GET", "Patient/A/Observation?code=x", NULL);
    ck_assert_str_eq(find_question(FHIRSTORE_ACTION_SEARCH, "Observation")->query,
                     "_compartment=Patient/A&code=x");
    (void)send("DELETE", "Patient?_id=A", NULL);
    ck_assert_str_eq(asked[0].id, "");
    ck_assert_str_eq(asked[0].query, "_id=A");
    ck_assert_str_eq(asked[asked_count - 1].id, "A");
}
END_TEST

static fhirstore_status count_exported(void *ctx, const char *type, const char *json, size_t len)
{
    (void)type;
    (void)json;
    (void)len;
    ++*(int *)ctx;
    return FHIRSTORE_OK;
}

START_TEST(import_and_export_ask_for_each)
{
    static const char body[] = "{\"resourceType\":\"Device\",\"id\":\"d\"}";
    fhirstore_import *import = NULL;
    int count = 0;
    ck_assert_int_eq(fhirstore_import_open(guest, NULL, &import, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_import_add(import, "x", 0, body, strlen(body), NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_import_finish(import, NULL, NULL), FHIRSTORE_OK);
    fhirstore_import_close(import);
    ck_assert_ptr_nonnull(find_question(FHIRSTORE_ACTION_IMPORT, ""));
    ck_assert_ptr_nonnull(find_question(FHIRSTORE_ACTION_UPDATE, "Device"));
    asked_count = 0;
    denied_type = "Patient";
    ck_assert_int_eq(fhirstore_export(guest, NULL, count_exported, &count, NULL, NULL),
                     FHIRSTORE_OK);
    ck_assert_ptr_nonnull(find_question(FHIRSTORE_ACTION_EXPORT, "Patient"));
    ck_assert_ptr_nonnull(find_question(FHIRSTORE_ACTION_EXPORT, "Observation"));
    ck_assert_int_eq(count, 4);
}
END_TEST

/* A denied type is as if there were nothing of it. */
START_TEST(a_denied_type_is_not_there)
{
    static const struct {
        const char *url, *hidden;
        int entries;
    } cases[] = {
        {"Observation?subject:Patient.organization.name=Clinic", "\"o\"", -1},
        {"Organization?_has:Patient:organization:_id=A", "Clinic", -1},
        {"Observation?_include=*&_include:iterate=*", "managing", 1},
        {"Organization?_revinclude=*", "managing", 1},
        {"?_type=Patient,Organization", "managing", 1},
        {"_history", "managing", 3},
    };
    denied_type = "Patient";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const reply answer = send("GET", cases[i].url, NULL);
        expect_http(answer, 200);
        ck_assert_msg(!has_text(&answer, cases[i].hidden), "%s", answer.body);
        ck_assert_msg(items_at(&answer, "entry") == cases[i].entries, "%s: %s", cases[i].url,
                      answer.body);
    }
}
END_TEST

START_TEST(anything_but_a_clear_yes_is_no)
{
    static const struct {
        int32_t answer;
        fhirstore_status status;
    } cases[] = {
        {FHIRSTORE_ACCESS_DENY, FHIRSTORE_OK},
        {FHIRSTORE_ACCESS_RESTRICT, FHIRSTORE_OK}, /* within nothing */
        {3, FHIRSTORE_OK},
        {-1, FHIRSTORE_OK},
        {INT32_MAX, FHIRSTORE_OK},
        {FHIRSTORE_ACCESS_ALLOW, FHIRSTORE_ERR_CALLBACK},
        {FHIRSTORE_ACCESS_ALLOW, FHIRSTORE_ERR_NO_MEMORY},
        {FHIRSTORE_ACCESS_ALLOW, FHIRSTORE_PASS},
        {FHIRSTORE_ACCESS_ALLOW, FHIRSTORE_DONE},
        {FHIRSTORE_ACCESS_ALLOW, 12345},
    };
    const char *before = strdup(state_of_store());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        answer_with = cases[i].answer;
        return_with = cases[i].status;
        const reply answer = send("GET", "Patient/A", NULL);
        ck_assert_msg(answer.http == 403, "%zu: %d", i, answer.http);
        expect_http(send("GET", "Patient?name=x", NULL), 403);
        expect_http(send("PUT", "Patient/A", "{\"resourceType\":\"Patient\",\"id\":\"A\"}"), 403);
    }
    ck_assert_str_eq(before, state_of_store());
    free((void *)(uintptr_t)before);
}
END_TEST

/* ---- decisions that last ---- */

static size_t questions_of(const char *url)
{
    expect_http(send("GET", url, NULL), 200);
    return asked_count;
}

START_TEST(by_default_each_question_is_asked)
{
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(questions_of("Patient/A"), 1);
    }
}
END_TEST

START_TEST(a_valid_decision_is_given_again)
{
    valid_ms = 1000;
    ck_assert_uint_eq(questions_of("Patient/A"), 1);
    ck_assert_uint_eq(questions_of("Patient/A"), 0);
    ck_assert_uint_eq(questions_of("Organization/org"), 1);     /* another type */
    ck_assert_uint_eq(questions_of("Patient/A/_history/1"), 1); /* another action */
    ck_assert_uint_eq(questions_of("Patient?_id=A"), 1);
    ck_assert_uint_eq(questions_of("Patient?_id=A"), 0);
    ck_assert_uint_eq(questions_of("Patient?_id=B"), 1); /* other parameters */
    clock_us += 1000 * 1000;
    ck_assert_uint_eq(questions_of("Patient/A"), 1);
    ck_assert_uint_eq(questions_of("Patient/A"), 0);
}
END_TEST

START_TEST(a_decision_may_reach_the_whole_type)
{
    valid_ms = 1000;
    valid_reach = FHIRSTORE_ACCESS_TYPE;
    ck_assert_uint_eq(questions_of("Patient?_id=A"), 1);
    ck_assert_uint_eq(questions_of("Patient?_id=B&_count=3"), 0);
    ck_assert_uint_eq(questions_of("Observation?subject:Patient._id=A"), 1);
    ck_assert_uint_eq(questions_of("Patient/A"), 1); /* another action */
}
END_TEST

START_TEST(a_clock_set_back_ends_it)
{
    valid_ms = 1000;
    ck_assert_uint_eq(questions_of("Patient/A"), 1);
    clock_us -= 5 * SECOND;
    ck_assert_uint_eq(questions_of("Patient/A"), 1);
}
END_TEST

START_TEST(another_authorizer_ends_it)
{
    const fhirstore_authorizer again = {.struct_size = sizeof again, .authorize = note_question};
    valid_ms = 100000;
    ck_assert_uint_eq(questions_of("Patient/A"), 1);
    ck_assert_uint_eq(questions_of("Patient/A"), 0);
    ck_assert_int_eq(fhirstore_set_authorizer(store, &again, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(questions_of("Patient/A"), 1);
    ck_assert_int_eq(fhirstore_set_authorizer(store, NULL, NULL), FHIRSTORE_OK);
    expect_http(send("GET", "Patient/A", NULL), 403);
    ck_assert_int_eq(fhirstore_set_policy(store, NULL, 0, NULL), FHIRSTORE_OK);
    expect_http(send("GET", "Patient/A", NULL), 403);
}
END_TEST

START_TEST(a_denial_lasts_as_well)
{
    valid_ms = 1000;
    denied_type = "Patient";
    expect_http(send("GET", "Patient/A", NULL), 403);
    denied_type = NULL;
    expect_http(send("GET", "Patient/A", NULL), 403);
    ck_assert_uint_eq(asked_count, 0);
    clock_us += SECOND;
    expect_http(send("GET", "Patient/A", NULL), 200);
}
END_TEST

START_TEST(another_session_asks_for_itself)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    valid_ms = 100000;
    ck_assert_uint_eq(questions_of("Patient/A"), 1);
    fhirstore_session_close(guest);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &guest, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(questions_of("Patient/A"), 1);
    fhirstore_session_revoke(guest);
    expect_http(send("GET", "Patient/A", NULL), 401);
    ck_assert_uint_eq(asked_count, 0);
}
END_TEST

START_TEST(only_so_many_are_kept)
{
    valid_ms = 1000;
    for (int i = 0; i < 80; i++) {
        char url[32];
        (void)snprintf(url, sizeof url, "Patient?_id=x%d", i);
        ck_assert_uint_eq(questions_of(url), 1);
        ck_assert_uint_eq(questions_of(url), 0);
        forget_replies();
    }
    ck_assert_uint_eq(questions_of("Patient?_id=x0"), 1);
    ck_assert_int_eq(fhirstore_access_valid(NULL, 1, 0), FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("questions");
    TCase *tests = tcase_create("questions");
    tcase_add_checked_fixture(tests, set_up_questions, tear_down_questions);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, each_type_touched_is_a_question, 0,
                        (int)(sizeof touching / sizeof *touching));
    tcase_add_test(tests, questions_tell_id_and_parameters);
    tcase_add_test(tests, import_and_export_ask_for_each);
    tcase_add_test(tests, a_denied_type_is_not_there);
    tcase_add_test(tests, anything_but_a_clear_yes_is_no);
    tcase_add_test(tests, by_default_each_question_is_asked);
    tcase_add_test(tests, a_valid_decision_is_given_again);
    tcase_add_test(tests, a_decision_may_reach_the_whole_type);
    tcase_add_test(tests, a_clock_set_back_ends_it);
    tcase_add_test(tests, another_authorizer_ends_it);
    tcase_add_test(tests, a_denial_lasts_as_well);
    tcase_add_test(tests, another_session_asks_for_itself);
    tcase_add_test(tests, only_so_many_are_kept);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
