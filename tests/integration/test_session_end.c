/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that is over, by its time or because it was revoked, answers nothing but its close:
 * whatever it is asked, whatever it has open, from whichever thread the end came.
 */
#include <pthread.h>
#include <stdio.h>

#include "harness.h"

static fhirstore_session *guest;
/* What the store's clock tells, and what happens at one of its looks. */
static int64_t ticking_us;
static int looks_left; /* 0: nothing happens */

static void *revoke_guest(void *ctx)
{
    (void)ctx;
    fhirstore_session_revoke(guest);
    return NULL;
}

static int64_t revoking_clock(void *ctx)
{
    pthread_t thread;
    (void)ctx;
    if (looks_left > 0 && --looks_left == 0) {
        ck_assert_int_eq(pthread_create(&thread, NULL, revoke_guest, NULL), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    return ticking_us;
}

static void enter_guest(int64_t expires_us, uint32_t search_ms)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    options.expires_us = expires_us;
    options.search_ms = search_ms;
    ck_assert_int_eq(fhirstore_session_open(store, &options, &guest, NULL), FHIRSTORE_OK);
}

static void set_up_end(void)
{
    fhirstore_open_options options = open_options();
    setup_folder();
    ticking_us = INT64_C(1700000000) * SECOND;
    looks_left = 0;
    options.clock = revoking_clock;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/tester");
    for (int i = 0; i < 200; i++) {
        char id[16];
        char body[128];
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"gender\":\"male\"}", id);
        expect_status(update("Patient", id, body), FHIRSTORE_CREATED);
        forget_replies();
    }
}

static void by_revocation(void)
{
    fhirstore_session_revoke(guest);
}

static void by_time(void)
{
    ticking_us += 60 * SECOND;
}

static void (*const ends[])(void) = {by_revocation, by_time};

static fhirstore_status ignore_resource(void *ctx, const char *type, const char *json, size_t len)
{
    (void)type;
    (void)json;
    (void)len;
    ++*(int *)ctx;
    return FHIRSTORE_OK;
}

#define PATIENT "{\"resourceType\":\"Patient\",\"id\":\"new\"}"

/* The call first, the error that it filled in after it. */
#define expect_over(call, error)                 \
    do {                                         \
        const fhirstore_status status_ = (call); \
        expect_end(status_, error);              \
    } while (0)

static void expect_end(fhirstore_status status, fhirstore_error *error)
{
    ck_assert_str_eq(fhirstore_status_name(status), "ERR_SESSION_EXPIRED");
    ck_assert_ptr_nonnull(error);
    ck_assert_str_eq(fhirstore_error_message(error), "the session has expired");
    fhirstore_error_free(error);
}

START_TEST(it_answers_nothing_any_more)
{
    static const char *const requests[][3] = {
        {"GET", "Patient/p1", NULL},
        {"GET", "Patient/none", NULL},
        {"GET", "Patient?name=x", NULL},
        {"GET", "Nothing/1", NULL},
        {"GET", "metadata", NULL},
        {"PUT", "Patient/new", PATIENT},
        {"POST", "Patient", PATIENT},
        {"DELETE", "Patient/p1", NULL},
        {"GET", "_history", NULL},
        {"BREW", "%%", NULL},
        {"GET", "ValueSet/$expand", NULL},
        {"POST", "", "{\"resourceType\":\"Bundle\"}"},
        {"POST", "Patient", "not even JSON"},
    };
    enter_guest(ticking_us + 30 * SECOND, 0);
    expect_http(ask_bytes(guest, "GET", "Patient/p1", NULL, NULL, 0), 200);
    ends[_i]();
    const char *before = strdup(state_of_store());
    const char *body = NULL;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *text = requests[i][2];
        const reply answer = ask_bytes(guest, requests[i][0], requests[i][1], NULL, text,
                                       text == NULL ? 0 : strlen(text));
        expect_http(answer, 401);
        expect_refusal(&answer, FHIRSTORE_ERR_SESSION_EXPIRED, "expired", NULL);
        ck_assert(body == NULL || strcmp(body, answer.body) == 0);
        body = answer.body;
    }
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    expect_over(
        fhirstore_read(guest, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("p1"), &response, &error),
        error);
    ck_assert_ptr_null(response);
    int64_t count = 7;
    error = NULL;
    expect_over(
        fhirstore_search_count(guest, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""), &count, &error),
        error);
    ck_assert_int_eq(count, 0);
    error = NULL;
    int handed_out = 0;
    expect_over(fhirstore_export(guest, NULL, ignore_resource, &handed_out, NULL, &error), error);
    ck_assert_int_eq(handed_out, 0);
    ck_assert_str_eq(before, state_of_store());
    free((void *)(uintptr_t)before);
    fhirstore_session_close(guest);
    expect_sound(store);
}
END_TEST

START_TEST(an_open_cursor_ends)
{
    fhirstore_search *search = NULL;
    fhirstore_error *error = NULL;
    enter_guest(ticking_us + 30 * SECOND, 0);
    ck_assert_int_eq(
        fhirstore_search_open(guest, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""), &search, NULL),
        FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_OK);
    ends[_i]();
    for (int i = 0; i < 2; i++) {
        error = NULL;
        const fhirstore_status status = fhirstore_search_next(search, &error);
        expect_over(status, error);
        ck_assert_str_eq(fhirstore_search_id(search, NULL), "");
    }
    fhirstore_search_close(search);
    fhirstore_session_close(guest);
    expect_status(read_one("Patient", "p1"), FHIRSTORE_OK);
}
END_TEST

START_TEST(an_import_under_way_leaves_nothing)
{
    static const char document[] = PATIENT;
    fhirstore_import *import = NULL;
    fhirstore_error *error = NULL;
    enter_guest(ticking_us + 30 * SECOND, 0);
    ck_assert_int_eq(fhirstore_import_open(guest, NULL, &import, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_import_add(import, "a", 0, document, strlen(document), NULL),
                     FHIRSTORE_OK);
    ends[_i]();
    expect_over(fhirstore_import_add(import, "b", 0, document, strlen(document), &error), error);
    error = NULL;
    expect_over(fhirstore_import_finish(import, NULL, &error), error);
    fhirstore_import_close(import);
    fhirstore_session_close(guest);
    expect_status(read_one("Patient", "new"), FHIRSTORE_ERR_NOT_FOUND);
    expect_sound(store);
}
END_TEST

START_TEST(an_unfinished_import_leaves_nothing)
{
    static const char document[] = PATIENT;
    fhirstore_import *import = NULL;
    fhirstore_error *error = NULL;
    enter_guest(ticking_us + 30 * SECOND, 0);
    ck_assert_int_eq(fhirstore_import_open(guest, NULL, &import, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_import_add(import, "a", 0, document, strlen(document), NULL),
                     FHIRSTORE_OK);
    ends[_i]();
    expect_over(fhirstore_import_finish(import, NULL, &error), error);
    fhirstore_import_close(import);
    fhirstore_session_close(guest);
    expect_status(read_one("Patient", "new"), FHIRSTORE_ERR_NOT_FOUND);
}
END_TEST

/* Wherever in a search the revocation comes, there is no half of an answer. */
START_TEST(a_running_search_is_revoked)
{
    int revoked = 0;
    for (int at = 1; at <= 4; at++) {
        enter_guest(0, 1000000); /* so that the clock is looked at while the search runs */
        looks_left = at;
        const reply page = ask_bytes(guest, "GET", "Patient?gender:not=female&_count=50", NULL,
                                     NULL, 0);
        revoked += page.http == 401;
        ck_assert_msg(page.http == 401 || (page.http == 200 && at != 2), "at look %d: %d %s", at,
                      page.http, page.body);
        ck_assert(page.http != 401 || !has_text(&page, "Patient"));
        looks_left = 0;
        fhirstore_session_close(guest);
    }
    ck_assert_int_ge(revoked, 1);
}
END_TEST

START_TEST(a_running_write_is_revoked)
{
    int revoked = 0;
    for (int at = 1; at <= 6; at++) {
        enter_guest(0, 0);
        looks_left = at;
        const reply written = ask_bytes(guest, "PUT", "Patient/new", NULL, PATIENT,
                                        strlen(PATIENT));
        looks_left = 0;
        fhirstore_session_close(guest);
        if (written.http == 401) {
            revoked++;
            expect_status(read_one("Patient", "new"), FHIRSTORE_ERR_NOT_FOUND);
        } else {
            expect_http(written, 201);
            break;
        }
    }
    ck_assert_int_ge(revoked, 1);
    expect_sound(store);
}
END_TEST

START_TEST(options_are_checked)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    options.expires_us = ticking_us - 1;
    expect_over(fhirstore_session_open(store, &options, &guest, &error), error);
    ck_assert_ptr_null(guest);
    options.expires_us = -1;
    ck_assert_int_eq(fhirstore_session_open(store, &options, &guest, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    fhirstore_session_revoke(NULL);
    enter_guest(0, 0);
    ticking_us += INT64_C(1000000) * SECOND;
    expect_http(ask_bytes(guest, "GET", "Patient/p1", NULL, NULL, 0), 200);
    fhirstore_session_close(guest);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("session_end");
    TCase *tests = tcase_create("session_end");
    const int ways = sizeof ends / sizeof *ends;
    tcase_add_checked_fixture(tests, set_up_end, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, it_answers_nothing_any_more, 0, ways);
    tcase_add_loop_test(tests, an_open_cursor_ends, 0, ways);
    tcase_add_loop_test(tests, an_import_under_way_leaves_nothing, 0, ways);
    tcase_add_loop_test(tests, an_unfinished_import_leaves_nothing, 0, ways);
    tcase_add_test(tests, a_running_search_is_revoked);
    tcase_add_test(tests, a_running_write_is_revoked);
    tcase_add_test(tests, options_are_checked);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
