/* SPDX-License-Identifier: Apache-2.0 */
/* What is stopped: by another thread, by the time it takes, by what it looks at. */
#include <pthread.h>
#include <stdio.h>

#include "harness.h"

#define PATIENTS 300

/* The store's clock: each look at it takes a while, and at one of them something happens. */
static int64_t now_us;
static int64_t step_us;
static int looks_left; /* 0: nothing happens */
static void (*at_last_look)(void);

static int64_t eventful_clock(void *ctx)
{
    (void)ctx;
    now_us += step_us;
    if (looks_left > 0 && --looks_left == 0) {
        at_last_look();
    }
    return now_us;
}

static void *cancel_session(void *ctx)
{
    fhirstore_session_cancel(ctx);
    return NULL;
}

/* From a thread of its own, while this one is inside a call. */
static void cancel_elsewhere(void)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_session, session), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void enter_limited(uint32_t ms, uint64_t resources)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    options.search_ms = ms;
    options.search_resources = resources;
    fhirstore_session_close(session);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &session, NULL), FHIRSTORE_OK);
}

static void setup_patients(void)
{
    fhirstore_open_options options = open_options();
    setup_folder();
    now_us = INT64_C(1700000000) * SECOND;
    step_us = 0;
    looks_left = 0;
    options.clock = eventful_clock;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/tester");
    for (int i = 0; i < PATIENTS; i++) {
        char id[16];
        char body[160];
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"gender\":\"%s\",\"name\":[{"
                       "\"family\":\"Name%d\"}]}",
                       id, i % 2 == 0 ? "male" : "female", i);
        expect_status(update("Patient", id, body), FHIRSTORE_CREATED);
        forget_replies();
    }
}

START_TEST(a_search_is_cancelled_from_another_thread)
{
    enter_limited(1000000, 0); /* so that the clock is looked at while the search runs */
    at_last_look = cancel_elsewhere;
    for (int at = 1; at <= 4; at++) {
        looks_left = at;
        reply page = search_page("Patient", "gender:not=male&name:contains=9");
        /* The second look is at the beginning of the work; a later one may be at its end. */
        ck_assert_msg(page.status == FHIRSTORE_ERR_CANCELLED ||
                          (page.status == FHIRSTORE_OK && at != 2),
                      "at look %d: %s", at, fhirstore_status_name(page.status));
        looks_left = 0;
        expect_status(search_page("Patient", "name:contains=9"), FHIRSTORE_OK);
    }
    fhirstore_session_cancel(session); /* nothing is under way */
    ck_assert_int_eq(count_of("Patient", "gender=male"), PATIENTS / 2);
    fhirstore_session_cancel(NULL);
}
END_TEST

START_TEST(a_cancelled_search_is_an_outcome)
{
    enter_limited(1000000, 0);
    at_last_look = cancel_elsewhere;
    looks_left = 2;
    reply page = ask("GET", "Patient?gender:not=male", NULL, NULL);
    expect_http(page, 408);
    expect_refusal(&page, FHIRSTORE_ERR_CANCELLED, "timeout", NULL);
}
END_TEST

START_TEST(cursors_end_at_their_next_step)
{
    fhirstore_search *searches[2];
    fhirstore_error *error = NULL;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(fhirstore_search_open(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""),
                                               &searches[i], NULL),
                         FHIRSTORE_OK);
        ck_assert_int_eq(fhirstore_search_next(searches[i], NULL), FHIRSTORE_OK);
    }
    cancel_elsewhere();
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(fhirstore_search_next(searches[i], &error), FHIRSTORE_ERR_CANCELLED);
        fhirstore_error_free(error);
        ck_assert_int_eq(fhirstore_search_next(searches[i], NULL), FHIRSTORE_ERR_CANCELLED);
        ck_assert_str_eq(fhirstore_search_id(searches[i], NULL), "");
    }
    ck_assert_int_eq(count_of("Patient", ""), PATIENTS);
    fhirstore_search_close(searches[0]);
    fhirstore_search_close(searches[1]);
    expect_status(read_one("Patient", "p1"), FHIRSTORE_OK);
}
END_TEST

/* The clock is looked at for the stamp, inside the transaction. */
START_TEST(a_cancelled_write_leaves_nothing)
{
    static const char body[] = "{\"resourceType\":\"Patient\",\"id\":\"new\"}";
    int refused = 0;
    at_last_look = cancel_elsewhere;
    for (int at = 1; at <= 6; at++) {
        looks_left = at;
        reply written = update("Patient", "new", body);
        looks_left = 0;
        if (written.status == FHIRSTORE_ERR_CANCELLED) {
            refused++;
            expect_status(read_one("Patient", "new"), FHIRSTORE_ERR_NOT_FOUND);
        } else {
            ck_assert_int_ge(written.status, FHIRSTORE_OK);
            expect_status(delete_one("Patient", "new"), FHIRSTORE_NO_CONTENT);
            break;
        }
    }
    ck_assert_int_ge(refused, 1);
    expect_sound(store);
}
END_TEST

START_TEST(a_search_that_takes_long_ends)
{
    enter_limited(5, 0);
    expect_status(search_page("Patient", "gender:not=male"), FHIRSTORE_OK);
    step_us = 10000; /* each look at the clock is 10 ms later than the last */
    reply page = ask("GET", "Patient?gender:not=male&gender:not=female", NULL, NULL);
    expect_http(page, 503);
    expect_refusal(&page, FHIRSTORE_ERR_TIMEOUT, "timeout", NULL);
    expect_status(search_page("Patient", "gender:not=female&gender:not=male"),
                  FHIRSTORE_ERR_TIMEOUT);
    int64_t count = 7;
    ck_assert_int_eq(fhirstore_search_count(session, FHIRSTORE_LIT("Patient"),
                                            FHIRSTORE_LIT("gender:not=male&gender:not=female"),
                                            &count, NULL),
                     FHIRSTORE_ERR_TIMEOUT);
    ck_assert_int_eq(count, 0);
    /* What looks at little is done before anybody looks at the clock again. */
    expect_status(search_page("Patient", "_id=p7"), FHIRSTORE_OK);
    expect_status(read_one("Patient", "p7"), FHIRSTORE_OK);
}
END_TEST

START_TEST(each_step_of_a_cursor_has_its_own_time)
{
    fhirstore_search *search;
    int count = 0;
    enter_limited(5, 0);
    step_us = 4000;
    ck_assert_int_eq(fhirstore_search_open(session, FHIRSTORE_LIT("Patient"),
                                           FHIRSTORE_LIT("gender:not=male"), &search, NULL),
                     FHIRSTORE_OK);
    while (fhirstore_search_next(search, NULL) == FHIRSTORE_OK) {
        count++;
    }
    ck_assert_int_eq(count, PATIENTS / 2);
    fhirstore_search_close(search);
}
END_TEST

START_TEST(a_search_that_looks_at_much_ends)
{
    enter_limited(0, 20);
    reply page = ask("GET", "Patient?gender:not=male&gender:not=female", NULL, NULL);
    expect_http(page, 403);
    expect_refusal(&page, FHIRSTORE_ERR_TOO_COSTLY, "too-costly", NULL);
    expect_status(search_page("Patient", "name=name7&gender=female"), FHIRSTORE_OK);
    ck_assert_int_eq(count_of("Patient", "gender=male"), PATIENTS / 2);
}
END_TEST

START_TEST(options_grow)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *opened = NULL;
    fhirstore_error *error = NULL;
    options.reserved0 = 1;
    ck_assert_int_eq(fhirstore_session_open(store, &options, &opened, &error),
                     FHIRSTORE_ERR_INVALID_ARG);
    fhirstore_error_free(error);
    ck_assert_ptr_null(opened);
    /* A program from before the limits has a shorter struct. */
    options.struct_size = (uint32_t)offsetof(fhirstore_session_options, search_ms);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &opened, NULL), FHIRSTORE_OK);
    fhirstore_session_close(opened);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("stop", setup_patients, a_search_is_cancelled_from_another_thread,
              a_cancelled_search_is_an_outcome, cursors_end_at_their_next_step,
              a_cancelled_write_leaves_nothing, a_search_that_takes_long_ends,
              each_step_of_a_cursor_has_its_own_time, a_search_that_looks_at_much_ends,
              options_grow),
    };
    return run_groups("stop", groups, 1);
}
