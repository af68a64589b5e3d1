/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditional interactions: what none, one and many matches mean to each, conditions that are no
 * conditions, who may ask, and two writers at once.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define TAGGED(tag)                                                        \
    "{\"resourceType\":\"Patient\",\"identifier\":[{\"system\":\"urn:s\"," \
    "\"value\":\"" tag "\"}]}"
#define TAGGED_ID(id, tag)                                                                     \
    "{\"resourceType\":\"Patient\",\"id\":\"" id "\",\"identifier\":[{\"system\":\"urn:s\",\"" \
    "value\":\"" tag "\"}]}"
#define WITH_ID(id) "{\"resourceType\":\"Patient\",\"id\":\"" id "\",\"active\":true}"

static void check_header(const reply *answer, const char *name, const char *want)
{
    const char *got = header_of(answer, name);
    bool fits = want == NULL || got == NULL ? got == want : strcmp(got, want) == 0;
    ck_assert_msg(fits, "%s is %s, wanted %s", name, got == NULL ? "(none)" : got,
                  want == NULL ? "(none)" : want);
}
#define expect_header(answer, name, want) check_header(&(answer), name, want)
#define NONE                              NULL

/* "one" is the tag of one Patient, "two" that of two. */
static void put_three(void)
{
    expect_status(update("Patient", "a", TAGGED_ID("a", "one")), FHIRSTORE_CREATED);
    expect_status(update("Patient", "b", TAGGED_ID("b", "two")), FHIRSTORE_CREATED);
    expect_status(update("Patient", "c", TAGGED_ID("c", "two")), FHIRSTORE_CREATED);
}

/* ---- the table ---- */

START_TEST(create_where)
{
    put_three();
    reply answer = ask("POST", "Patient", "If-None-Exist: identifier=urn:s|none", TAGGED("none"));
    expect_http(answer, 201);
    ck_assert_ptr_nonnull(header_of(&answer, "Location"));
    const char *before = state_of_store();
    answer = ask("POST", "Patient", "If-None-Exist: identifier=urn:s|one", TAGGED("other"));
    expect_http(answer, 200);
    expect_text(answer, "id", "a");
    expect_text(answer, "identifier.0.value", "one");
    expect_header(answer, "ETag", "W/\"1\"");
    expect_header(answer, "Location", "http://localhost/fhir/Patient/a/_history/1");
    answer = ask("POST", "Patient",
                 "If-None-Exist: Patient?identifier=urn:s|one\nPrefer: return=minimal",
                 TAGGED("other"));
    expect_http(answer, 200);
    ck_assert_uint_eq(answer.body_len, 0);
    /* Some clients say where, too. */
    answer = ask("POST", "Patient",
                 "If-None-Exist: http://localhost/fhir/Patient?identifier=urn:s|one",
                 TAGGED("other"));
    expect_http(answer, 200);
    expect_http(ask("POST", "Patient",
                    "If-None-Exist: http://elsewhere/fhir/Patient?identifier=urn:s|one",
                    TAGGED("other")),
                400);
    answer = ask("POST", "Patient", "If-None-Exist: identifier=urn:s|two", TAGGED("other"));
    expect_no_trace(&answer, FHIRSTORE_ERR_MULTIPLE_MATCHES, "multiple-matches", NULL, before);
    ck_assert_int_eq(answer.http, 412);
    static const char *const empty[] = {
        "If-None-Exist:", "If-None-Exist: ?", "If-None-Exist: Patient?",
        "If-None-Exist: identifier=", "If-None-Exist: _format=json"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        answer = ask("POST", "Patient", empty[i], TAGGED("other"));
        expect_no_trace(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL, before);
        ck_assert_int_eq(answer.http, 400);
    }
}
END_TEST

START_TEST(update_where)
{
    put_three();
    reply answer = ask("PUT", "Patient?identifier=urn:s|none", NULL, TAGGED("none"));
    expect_http(answer, 201);
    expect_text(answer, "meta.versionId", "1");
    answer = ask("PUT", "Patient?identifier=urn:s|chosen", NULL, TAGGED_ID("chosen", "chosen"));
    expect_http(answer, 201);
    expect_text(answer, "id", "chosen");
    answer = ask("PUT", "Patient?identifier=urn:s|one", NULL,
                 "{\"resourceType\":\"Patient\",\"active\":true,\"identifier\":[{\"system\":"
                 "\"urn:s\",\"value\":\"one\"}]}");
    expect_http(answer, 200);
    expect_text(answer, "id", "a");
    expect_text(answer, "meta.versionId", "2");
    answer = ask("PUT", "Patient?identifier=urn:s|one", NULL, TAGGED_ID("a", "one"));
    expect_http(answer, 200);
    expect_text(answer, "meta.versionId", "3");
    answer = ask("PUT", "Patient?identifier=urn:s|one", NULL, TAGGED("one"));
    expect_http(answer, 200);
    expect_text(answer, "meta.versionId", "3");
    const char *before = state_of_store();
    answer = ask("PUT", "Patient?identifier=urn:s|one", NULL, TAGGED_ID("b", "one"));
    expect_no_trace(&answer, FHIRSTORE_ERR_ID_MISMATCH, "invalid", "Resource.id", before);
    ck_assert_int_eq(answer.http, 400);
    answer = ask("PUT", "Patient?identifier=urn:s|gone", NULL, TAGGED_ID("b", "gone"));
    expect_no_trace(&answer, FHIRSTORE_ERR_CONFLICT, "conflict", NULL, before);
    answer = ask("PUT", "Patient?identifier=urn:s|two", NULL, TAGGED("two"));
    expect_no_trace(&answer, FHIRSTORE_ERR_MULTIPLE_MATCHES, "multiple-matches", NULL, before);
    answer = ask("PUT", "Patient?", NULL, TAGGED("two"));
    expect_no_trace(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL, before);
    answer = ask("PUT", "Patient?identifier=", NULL, TAGGED("two"));
    expect_no_trace(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL, before);
    answer = ask("PUT", "Patient?identifier=urn:s|none2", NULL,
                 "{\"resourceType\":\"Patient\",\"id\":\"a_b\"}");
    ck_assert_int_eq(answer.http, 400);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(update_where_with_versions)
{
    put_three();
    const char *before = state_of_store();
    reply answer = ask("PUT", "Patient?identifier=urn:s|one", "If-Match: W/\"2\"",
                       TAGGED_ID("a", "one2"));
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("PUT", "Patient?identifier=urn:s|none", "If-Match: W/\"1\"", TAGGED("none"));
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("PUT", "Patient?identifier=urn:s|one", "If-None-Match: *", TAGGED("one2"));
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    expect_http(
        ask("PUT", "Patient?identifier=urn:s|one", "If-Match: W/\"1\"", TAGGED_ID("a", "one2")),
        200);
    expect_http(ask("PUT", "Patient?identifier=urn:s|none", "If-None-Match: *", TAGGED("none")),
                201);
}
END_TEST

START_TEST(delete_where)
{
    put_three();
    const char *before = state_of_store();
    expect_http(ask("DELETE", "Patient?identifier=urn:s|none", NULL, NULL), 204);
    ck_assert_str_eq(before, state_of_store());
    reply answer = ask("DELETE", "Patient?identifier=urn:s|two", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_MULTIPLE_MATCHES, "multiple-matches", NULL, before);
    static const char *const empty[] = {"Patient", "Patient?",
                                        "Patient?identifier=", "Patient?_count=5"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        answer = ask("DELETE", empty[i], NULL, NULL);
        expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
        ck_assert_int_eq(answer.http, 412);
    }
    static const char *const bad_counts[] = {"0", "101", "10001", "-1", "x"};
    for (size_t i = 0; i < sizeof bad_counts / sizeof *bad_counts; i++) {
        char url[80];
        (void)snprintf(url, sizeof url, "Patient?identifier=urn:s|two&_count=%s", bad_counts[i]);
        answer = ask("DELETE", url, NULL, NULL);
        expect_no_trace(&answer, FHIRSTORE_ERR_PARAM_VALUE, "invalid", NULL, before);
    }
    answer = ask("DELETE", "Patient?identifier=urn:s|one", "If-Match: W/\"9\"", NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("DELETE", "Patient?identifier=urn:s|two&_count=2", "If-Match: W/\"1\"", NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL, before);
    answer = ask("DELETE", "Patient?identifier=urn:s|one", "If-Match: W/\"1\"", NULL);
    expect_http(answer, 204);
    expect_header(answer, "ETag", "W/\"2\"");
    expect_status(read_one("Patient", "a"), FHIRSTORE_ERR_DELETED);
    expect_http(ask("DELETE", "Patient?identifier=urn:s|two&_count=1", NULL, NULL), 204);
    ck_assert_int_eq(count_of("Patient", "identifier=urn:s|two"), 1);
    expect_http(ask("DELETE", "Patient?identifier=urn:s|two&_count=100", NULL, NULL), 204);
    ck_assert_int_eq(count_of("Patient", ""), 0);
    expect_sound(store);
}
END_TEST

START_TEST(several_are_deleted_or_none)
{
    for (int i = 0; i < 120; i++) {
        expect_status(create("Patient", TAGGED("many")), FHIRSTORE_CREATED);
        forget_replies();
    }
    reply answer = ask("DELETE", "Patient?identifier=many&_count=100", NULL, NULL);
    expect_http(answer, 204);
    expect_header(answer, "ETag", NONE);
    ck_assert_int_eq(count_of("Patient", ""), 20);
    expect_http(ask("DELETE", "Patient?identifier=many&_count=100", NULL, NULL), 204);
    ck_assert_int_eq(count_of("Patient", ""), 0);
    expect_sound(store);
}
END_TEST

START_TEST(read_unless)
{
    fhirstore_read_options options = FHIRSTORE_READ_OPTIONS_INIT;
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    put_three();
    reply answer = ask("GET", "Patient/a", "If-None-Match: W/\"7\", W/\"1\"", NULL);
    expect_http(answer, 304);
    expect_header(answer, "ETag", "W/\"1\"");
    ck_assert_uint_eq(answer.body_len, 0);
    expect_http(ask("GET", "Patient/a", "If-None-Match: W/\"7\", W/\"2\"", NULL), 200);
    expect_http(ask("HEAD", "Patient/a", "If-None-Match: *", NULL), 304);
    expect_http(ask("GET", "Patient/a", "If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT", NULL),
                200);
    expect_http(ask("GET", "Patient/a", "If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT", NULL),
                304);
    /* The tag decides where both are there. */
    expect_http(ask("GET", "Patient/a",
                    "If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT\nIf-None-Match: W/\"2\"",
                    NULL),
                200);
    options.if_none_version = 1;
    fhirstore_status status = fhirstore_read_if(session, "Patient", 7, "a", 1, &options, &response,
                                                &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_NOT_MODIFIED);
    options.if_none_version = 2;
    status = fhirstore_read_if(session, "Patient", 7, "a", 1, &options, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_OK);
    options.if_none_version = 0;
    options.if_modified_since = INT64_C(4102444800000000);
    status = fhirstore_read_if(session, "Patient", 7, "a", 1, &options, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_NOT_MODIFIED);
    options.if_modified_since = -1;
    status = fhirstore_read_if(session, "Patient", 7, "a", 1, &options, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_INVALID_ARG);
    status = fhirstore_read_if(session, "Patient", 7, "a", 1, NULL, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_OK);
    status = fhirstore_read_if(session, "Patient", 7, "z", 1, &options, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

/* ---- what is no condition ---- */

START_TEST(conditions_are_always_strict)
{
    static const struct {
        const char *criteria;
        fhirstore_status status;
    } cases[] = {
        {"nonsense=1", FHIRSTORE_ERR_UNKNOWN_PARAM},
        {"identifier=urn:s|one&nonsense=1", FHIRSTORE_ERR_UNKNOWN_PARAM},
        {"identifier:nonsense=1", FHIRSTORE_ERR_MODIFIER},
        {"birthdate=yesterday", FHIRSTORE_ERR_PARAM_VALUE},
        {"identifier=urn:s|one&_sort=name", FHIRSTORE_ERR_QUERY},
        {"identifier=urn:s|one&_maxresults=1", FHIRSTORE_ERR_QUERY},
        {"identifier=urn:s|one&_contained=both", FHIRSTORE_ERR_QUERY},
        {"identifier=urn:s|one&_contained=true&_containedType=contained", FHIRSTORE_ERR_QUERY},
        {"identifier=urn:s|one&_summary=count", FHIRSTORE_ERR_QUERY},
        {"identifier=urn:s|one&_elements=id", FHIRSTORE_ERR_QUERY},
        {"identifier=urn:s|one&_total=accurate", FHIRSTORE_ERR_QUERY},
        {"identifier=%zz", FHIRSTORE_ERR_QUERY},
    };
    put_three();
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[160];
        (void)snprintf(text, sizeof text, "If-None-Exist: %s", cases[i].criteria);
        reply answer = ask("POST", "Patient", text, TAGGED("x"));
        expect_no_trace(&answer, cases[i].status, text_at(&answer, "issue.0.code"), NULL, before);
        (void)snprintf(text, sizeof text, "Patient?%s", cases[i].criteria);
        answer = ask("PUT", text, "Prefer: handling=lenient", TAGGED("x"));
        expect_no_trace(&answer, cases[i].status, text_at(&answer, "issue.0.code"), NULL, before);
        answer = ask("DELETE", text, NULL, NULL);
        expect_no_trace(&answer, cases[i].status, text_at(&answer, "issue.0.code"), NULL, before);
    }
    reply answer = ask("POST", "Patient", "If-None-Exist: identifier=urn:s|one&_count=1",
                       TAGGED("x"));
    expect_no_trace(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL, before);
}
END_TEST

START_TEST(typed_calls)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    static const char body[] = TAGGED("t");
    static const char where[] = "identifier=urn:s|t";
    fhirstore_status status = fhirstore_create_if_none(
        session, "Patient", 7, where, sizeof where - 1, body, sizeof body - 1, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_CREATED);
    status = fhirstore_create_if_none(session, "Patient", 7, where, sizeof where - 1, body,
                                      sizeof body - 1, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_OK);
    status = fhirstore_update_where(session, "Patient", 7, where, sizeof where - 1, body,
                                    sizeof body - 1, NULL, &response, &error);
    reply answer = take_reply(status, response, error);
    expect_status(answer, FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_response_version(answer.response), 1);
    fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
    options.flags = FHIRSTORE_WRITE_IF_NONE;
    status = fhirstore_update_where(session, "Patient", 7, where, sizeof where - 1, body,
                                    sizeof body - 1, &options, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_PRECONDITION);
    status = fhirstore_delete_where(session, "Patient", 7, where, sizeof where - 1, &options,
                                    &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_INVALID_ARG);
    status = fhirstore_delete_where(session, "Patient", 7, NULL, 4, NULL, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_INVALID_ARG);
    status = fhirstore_delete_where(session, "Patient", 7, "", 0, NULL, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_PRECONDITION);
    status = fhirstore_delete_where(session, "Patient", 7, where, sizeof where - 1, NULL, &response,
                                    &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_NO_CONTENT);
    status = fhirstore_create_if_none(session, "Patient", 7, where, sizeof where - 1, body,
                                      sizeof body - 1, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_CREATED);
}
END_TEST

/* ---- who may ask ---- */

typedef struct guarding {
    int32_t denied_action;
    const char *denied_id;
    int asked;
    char told[2048];
} guarding;

static fhirstore_status guard_by_id(void *ctx, const fhirstore_access_request *request,
                                    fhirstore_access_decision *decision)
{
    guarding *self = ctx;
    self->asked++;
    bool denied = request->action == self->denied_action &&
                  (self->denied_id == NULL || strcmp(self->denied_id, request->id) == 0);
    decision->answer = denied ? FHIRSTORE_ACCESS_DENY : FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

static fhirstore_status write_down(void *ctx, const fhirstore_audit_event *event)
{
    guarding *self = ctx;
    size_t at = strlen(self->told);
    (void)snprintf(self->told + at, sizeof self->told - at, "%d %s/%s?%s=%d;", (int)event->action,
                   event->type, event->id, event->query, (int)event->outcome);
    return FHIRSTORE_OK;
}

static guarding watcher;

static void guard_store(int32_t denied_action, const char *denied_id)
{
    const fhirstore_authorizer authorizer = {
        .struct_size = sizeof authorizer, .ctx = &watcher, .authorize = guard_by_id};
    watcher = (guarding){.denied_action = denied_action, .denied_id = denied_id};
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    session = must_enter(store, 0, "Practitioner/7");
}

START_TEST(a_condition_needs_the_right_to_search)
{
    put_three();
    const char *before = state_of_store();
    guard_store(FHIRSTORE_ACTION_SEARCH, NULL);
    static const char *const urls[] = {"Patient?identifier=urn:s|one",
                                       "Patient?identifier=urn:s|none"};
    for (size_t i = 0; i < 2; i++) {
        /* Matching or not: the answer is the same. */
        char header[80];
        (void)snprintf(header, sizeof header, "If-None-Exist: %s", urls[i]);
        expect_http(ask("POST", "Patient", header, TAGGED("x")), 403);
        expect_http(ask("PUT", urls[i], NULL, TAGGED("x")), 403);
        expect_http(ask("DELETE", urls[i], NULL, NULL), 403);
    }
    fhirstore_session_close(session);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "tester");
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(what_is_found_is_asked_for_by_its_id)
{
    put_three();
    guard_store(FHIRSTORE_ACTION_DELETE, "a");
    expect_http(ask("DELETE", "Patient?identifier=urn:s|one", NULL, NULL), 403);
    expect_http(ask("DELETE", "Patient?identifier=urn:s|one,urn:s|two&_count=3", NULL, NULL), 403);
    ck_assert_int_eq(count_of("Patient", ""), 3);
    expect_http(ask("DELETE", "Patient?identifier=urn:s|two&_count=3", NULL, NULL), 204);
    ck_assert_int_eq(count_of("Patient", ""), 1);
    watcher.denied_action = FHIRSTORE_ACTION_UPDATE;
    expect_http(ask("PUT", "Patient?identifier=urn:s|one", NULL, TAGGED("one")), 403);
    expect_http(ask("PUT", "Patient?identifier=urn:s|none", NULL, TAGGED("none")), 201);
}
END_TEST

START_TEST(the_search_is_recorded_too)
{
    const fhirstore_audit_hook hook = {
        .struct_size = sizeof hook, .ctx = &watcher, .record = write_down};
    put_three();
    watcher = (guarding){0};
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    expect_http(ask("DELETE", "Patient?identifier=urn:s|one", NULL, NULL), 204);
    ck_assert_str_eq(watcher.told, "3 Patient/?identifier=urn:s|one=0;"
                                   "6 Patient/a?identifier=urn:s|one=4;");
    watcher.told[0] = '\0';
    expect_http(ask("DELETE", "Patient?identifier=two&_count=9", NULL, NULL), 204);
    ck_assert_ptr_nonnull(strstr(watcher.told, "6 Patient/b?=4;"));
    ck_assert_ptr_nonnull(strstr(watcher.told, "6 Patient/c?=4;"));
    ck_assert_ptr_nonnull(strstr(watcher.told, "6 Patient/?identifier=two&_count=9=4;"));
    watcher.told[0] = '\0';
    expect_http(ask("DELETE", "Patient", NULL, NULL), 412);
    ck_assert_str_eq(watcher.told, "6 Patient/?=-604;");
}
END_TEST

/* ---- two at once ---- */

#define RACERS 4
#define ROUNDS 25

static void *race(void *ctx)
{
    fhirstore_session *mine = ctx;
    for (int i = 0; i < ROUNDS; i++) {
        char body[160];
        char where[64];
        fhirstore_response *response = NULL;
        fhirstore_error *error = NULL;
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"identifier\":[{\"value\":\"r%d\"}]}", i);
        (void)snprintf(where, sizeof where, "identifier=r%d", i);
        fhirstore_status status =
            i % 2 == 0 ? fhirstore_create_if_none(mine, "Patient", 7, where, strlen(where), body,
                                                  strlen(body), &response, &error)
                       : fhirstore_update_where(mine, "Patient", 7, where, strlen(where), body,
                                                strlen(body), NULL, &response, &error);
        fhirstore_response_free(response);
        fhirstore_error_free(error);
        if (status < FHIRSTORE_OK) {
            return ctx;
        }
    }
    return NULL;
}

START_TEST(racing_threads_create_one_of_each)
{
    pthread_t threads[RACERS];
    fhirstore_session *sessions[RACERS];
    for (int i = 0; i < RACERS; i++) {
        sessions[i] = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "racer");
        ck_assert_int_eq(pthread_create(&threads[i], NULL, race, sessions[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        void *failed;
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
        fhirstore_session_close(sessions[i]);
    }
    ck_assert_int_eq(count_of("Patient", ""), ROUNDS);
    for (int i = 0; i < ROUNDS; i++) {
        char where[64];
        (void)snprintf(where, sizeof where, "identifier=r%d", i);
        ck_assert_int_eq(count_of("Patient", where), 1);
    }
    expect_sound(store);
}
END_TEST

/* In a process of its own, where Check does not work. */
static int race_in_process(const char *path)
{
    fhirstore *mine = NULL;
    fhirstore_session *racer = NULL;
    fhirstore_session_options who = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_open_options options = open_options();
    options.flags |= FHIRSTORE_OPEN_MULTI_PROCESS;
    who.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    if (fhirstore_open(path, strlen(path), &options, &mine, NULL) != FHIRSTORE_OK ||
        fhirstore_session_open(mine, &who, &racer, NULL) != FHIRSTORE_OK) {
        return 3;
    }
    void *failed = race(racer);
    fhirstore_session_close(racer);
    fhirstore_close(mine);
    return failed == NULL ? 0 : 1;
}

START_TEST(racing_processes_create_one_of_each)
{
    pid_t racers[2];
    fhirstore_open_options options = open_options();
    options.flags |= FHIRSTORE_OPEN_MULTI_PROCESS;
    const char *path = in_folder("shared");
    fhirstore_close(must_open(path, &options));
    for (int i = 0; i < 2; i++) {
        racers[i] = fork();
        ck_assert_int_ge(racers[i], 0);
        if (racers[i] == 0) {
            (void)execl(self_path(), "self", "race", path, (char *)NULL);
            _exit(127);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(racers[i], &status, 0), racers[i]);
        ck_assert_int_eq(status, 0);
    }
    fhirstore *both = must_open(path, &options);
    fhirstore_session *own = session;
    session = must_enter(both, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "tester");
    ck_assert_int_eq(count_of("Patient", ""), ROUNDS);
    expect_sound(both);
    fhirstore_session_close(session);
    fhirstore_close(both);
    session = own;
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "race") == 0) {
        return race_in_process(argv[2]);
    }
    const test_group groups[] = {
        GROUP("table", setup_store, create_where, update_where, update_where_with_versions,
              delete_where, several_are_deleted_or_none, read_unless),
        GROUP("conditions", setup_store, conditions_are_always_strict, typed_calls),
        GROUP("access", setup_store, a_condition_needs_the_right_to_search,
              what_is_found_is_asked_for_by_its_id, the_search_is_recorded_too),
        GROUP("races", setup_store, racing_threads_create_one_of_each,
              racing_processes_create_one_of_each),
    };
    return run_groups("conditional", groups, sizeof groups / sizeof *groups);
}
