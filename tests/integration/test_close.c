/* SPDX-License-Identifier: Apache-2.0 */
/* A store is closed while others work on it, and while their children go. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "harness.h"

#define WORKERS 6
#define ROUNDS  40
#define SEEDS   50

/* One thread's work on a store that another thread closes. */
typedef struct worker {
    pthread_t thread;
    fhirstore *store;
    fhirstore_session *session;
    unsigned dice;
    atomic_int *has_begun;
} worker;

static unsigned roll(worker *self, unsigned sides)
{
    self->dice = self->dice * 1103515245u + 12345u;
    return (self->dice >> 16) % sides;
}

/* While the store is open, or closing, nothing else may come back. */
static void expect_open_or_closed(fhirstore_status status, fhirstore_error *error)
{
    ck_assert_msg(status >= FHIRSTORE_OK || status == FHIRSTORE_ERR_CLOSED ||
                      status == FHIRSTORE_ERR_BUSY,
                  "%s: %s", fhirstore_status_name(status), fhirstore_error_message(error));
    fhirstore_error_free(error);
}

static bool work_with_a_cursor(worker *self)
{
    fhirstore_search *search;
    fhirstore_error *error;
    fhirstore_status status = fhirstore_search_open(self->session, FHIRSTORE_LIT("Patient"),
                                                    FHIRSTORE_LIT(""), &search, &error);
    expect_open_or_closed(status, error);
    for (unsigned i = roll(self, SEEDS); status == FHIRSTORE_OK && i > 0; i--) {
        status = fhirstore_search_next(search, &error);
        expect_open_or_closed(status, error);
        (void)fhirstore_search_version(search);
    }
    bool is_closed = status == FHIRSTORE_ERR_CLOSED;
    fhirstore_search_close(search);
    return !is_closed;
}

static bool work_with_an_import(worker *self)
{
    static const char patient[] = "{\"resourceType\":\"Patient\",\"active\":true}";
    fhirstore_import *import;
    fhirstore_error *error;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    fhirstore_status status = fhirstore_import_open(self->session, NULL, &import, &error);
    expect_open_or_closed(status, error);
    for (unsigned i = roll(self, 3); status == FHIRSTORE_OK && i > 0; i--) {
        status = fhirstore_import_add(import, "a", 0, FHIRSTORE_LIT(patient), &error);
        expect_open_or_closed(status, error);
    }
    if (status == FHIRSTORE_OK && roll(self, 2) == 0) {
        status = fhirstore_import_finish(import, &totals, &error);
        expect_open_or_closed(status, error);
    }
    fhirstore_import_close(import);
    return status != FHIRSTORE_ERR_CLOSED;
}

static bool work_with_a_session(worker *self)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *another;
    fhirstore_response *response;
    fhirstore_error *error;
    options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    fhirstore_status status = fhirstore_session_open(self->store, &options, &another, &error);
    expect_open_or_closed(status, error);
    if (status == FHIRSTORE_OK) {
        status = fhirstore_read(another, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("p1"), &response,
                                &error);
        expect_open_or_closed(status, error);
        fhirstore_response_free(response);
    }
    fhirstore_session_close(another);
    return status != FHIRSTORE_ERR_CLOSED;
}

static void *work(void *ctx)
{
    worker *self = ctx;
    bool goes_on = true;
    atomic_fetch_add(self->has_begun, 1);
    while (goes_on) {
        switch (roll(self, 3)) {
        case 0:
            goes_on = work_with_a_cursor(self);
            break;
        case 1:
            goes_on = work_with_an_import(self);
            break;
        default:
            goes_on = work_with_a_session(self);
            break;
        }
    }
    fhirstore_session_close(self->session);
    return NULL;
}

static fhirstore *open_seeded(void)
{
    fhirstore_open_options options = open_options();
    options.busy_timeout_ms = 20;
    options.max_readers = 4;
    fhirstore *opened = must_open(store_path, &options);
    fhirstore_session *seeder = must_enter(opened, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "seeder");
    for (int i = 0; i < SEEDS; i++) {
        char id[16];
        char body[80];
        fhirstore_response *response;
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)snprintf(body, sizeof body, "{\"resourceType\":\"Patient\",\"id\":\"%s\"}", id);
        fhirstore_status status = fhirstore_update(seeder, FHIRSTORE_LIT("Patient"), id, strlen(id),
                                                   body, strlen(body), NULL, &response, NULL);
        ck_assert_msg(status >= FHIRSTORE_OK, "%s", fhirstore_status_name(status));
        fhirstore_response_free(response);
    }
    fhirstore_session_close(seeder);
    return opened;
}

static void pause_ms(unsigned ms)
{
    const struct timespec time = {.tv_nsec = (long)ms * 1000000};
    (void)nanosleep(&time, NULL);
}

START_TEST(a_store_closes_under_threads_that_work)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        atomic_int has_begun = 0;
        worker workers[WORKERS];
        fhirstore *opened = open_seeded();
        for (unsigned i = 0; i < WORKERS; i++) {
            workers[i] = (worker){
                .store = opened,
                .session = must_enter(opened, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "worker"),
                .dice = round * WORKERS + i,
                .has_begun = &has_begun};
            ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        }
        while (atomic_load(&has_begun) < WORKERS) {
            pause_ms(1);
        }
        pause_ms(round % 8);
        fhirstore_close(opened);
        for (unsigned i = 0; i < WORKERS; i++) {
            (void)pthread_join(workers[i].thread, NULL);
        }
    }
    const fhirstore_open_options options = open_options();
    fhirstore *opened = must_open(store_path, &options);
    expect_sound(opened);
    fhirstore_close(opened);
}
END_TEST

/* What a thread closes while another closes the store. */
typedef struct children {
    fhirstore_search *searches[4];
    fhirstore_import *import;
    fhirstore_session *session;
    atomic_bool may_go;
} children;

static void *close_children(void *ctx)
{
    children *them = ctx;
    while (!atomic_load(&them->may_go)) {
    }
    fhirstore_import_close(them->import);
    for (size_t i = 0; i < 4; i++) {
        fhirstore_search_close(them->searches[i]);
    }
    fhirstore_session_close(them->session);
    return NULL;
}

START_TEST(children_close_while_the_store_does)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        children them = {.may_go = false};
        pthread_t thread;
        fhirstore *opened = open_seeded();
        them.session = must_enter(opened, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "parent");
        ck_assert_int_eq(fhirstore_import_open(them.session, NULL, &them.import, NULL),
                         FHIRSTORE_OK);
        ck_assert_int_eq(fhirstore_import_add(them.import, "a", 0,
                                              FHIRSTORE_LIT("{\"resourceType\":\"Patient\"}"),
                                              NULL),
                         FHIRSTORE_OK);
        for (size_t i = 0; i < 4; i++) {
            ck_assert_int_eq(fhirstore_search_open(them.session, FHIRSTORE_LIT("Patient"),
                                                   FHIRSTORE_LIT(""), &them.searches[i], NULL),
                             FHIRSTORE_OK);
            ck_assert_int_eq(fhirstore_search_next(them.searches[i], NULL), FHIRSTORE_OK);
        }
        ck_assert_int_eq(pthread_create(&thread, NULL, close_children, &them), 0);
        atomic_store(&them.may_go, true);
        fhirstore_close(opened);
        (void)pthread_join(thread, NULL);
    }
}
END_TEST

START_TEST(children_outlive_their_store)
{
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    fhirstore *opened = open_seeded();
    fhirstore_session *parent = must_enter(opened, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "parent");
    fhirstore_search *search;
    fhirstore_import *import;
    size_t len = 7;
    ck_assert_int_eq(
        fhirstore_search_open(parent, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""), &search, NULL),
        FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_import_open(parent, NULL, &import, NULL), FHIRSTORE_OK);
    fhirstore_close(opened);
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_ERR_CLOSED);
    ck_assert_str_eq(fhirstore_search_body(search, &len), "");
    ck_assert_uint_eq(len, 0);
    ck_assert_int_eq(fhirstore_import_flush(import, NULL), FHIRSTORE_ERR_CLOSED);
    totals.documents = 5;
    ck_assert_int_eq(fhirstore_import_get_totals(import, &totals), FHIRSTORE_ERR_CLOSED);
    ck_assert_int_eq(totals.documents, 0);
    fhirstore_session_close(parent);
    fhirstore_import_close(import);
    fhirstore_search_close(search);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("close", setup_folder, a_store_closes_under_threads_that_work,
              children_close_while_the_store_does, children_outlive_their_store),
    };
    return run_groups("close", groups, 1);
}
