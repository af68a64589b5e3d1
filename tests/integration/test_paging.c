/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages while others write: what nobody touched since the first page comes exactly once. Cursors
 * read one snapshot. When nobody writes, the total is what the pages deliver.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "harness.h"

#define QUIET  150 /* patients that nobody touches */
#define BUSY   60  /* those that the writer changes, deletes and brings back */
#define OTHERS 40  /* resources of other types that nobody touches */
#define FRESH  4000
#define FAMILY 7

static char *patient_text(const char *prefix, int i, unsigned draw)
{
    static _Thread_local char text[512];
    char birth[48] = "";
    if (draw % 5 != 0) {
        (void)snprintf(birth, sizeof birth, ",\"birthDate\":\"19%02u-0%u\"", 60 + draw % 9,
                       1 + draw % 7);
    }
    (void)snprintf(text, sizeof text,
                   "{\"resourceType\":\"Patient\",\"id\":\"%s%d\",\"active\":%s,\"name\":[{"
                   "\"family\":\"F%u\"},{\"family\":\"f%u\"}]%s}",
                   prefix, i, draw % 3 == 0 ? "false" : "true", draw % FAMILY, draw / 7 % FAMILY,
                   birth);
    return text;
}

static fhirstore_status put_patient(fhirstore_session *with, const char *prefix, int i,
                                    unsigned draw)
{
    char id[24];
    fhirstore_response *response = NULL;
    int len = snprintf(id, sizeof id, "%s%d", prefix, i);
    const char *text = patient_text(prefix, i, draw);
    fhirstore_status status = fhirstore_update(with, "Patient", 7, id, (size_t)len, text,
                                               strlen(text), NULL, &response, NULL);
    fhirstore_response_free(response);
    return status;
}

static void setup_patients(void)
{
    setup_store();
    unsigned draw = 12345;
    for (int i = 0; i < QUIET + BUSY; i++) {
        draw = draw * 1664525u + 1013904223u;
        const bool is_busy = i % 7 == 3 && i / 7 < BUSY;
        ck_assert_int_ge(put_patient(session, is_busy ? "b" : "q", i, draw >> 8), FHIRSTORE_OK);
        if (i % 5 == 0 && i / 5 < OTHERS) {
            static const char *const types[] = {"Practitioner", "Person", "Device"};
            const char *type = types[i % 3];
            char body[128];
            char id[24];
            (void)snprintf(id, sizeof id, "q%d", QUIET + BUSY + i / 5);
            (void)snprintf(body, sizeof body, "{\"resourceType\":\"%s\",\"id\":\"%s\"}", type, id);
            expect_http(update(type, id, body), 201);
        }
    }
}

/* ---- a writer beside ---- */

typedef struct writer {
    pthread_t thread;
    fhirstore_session *session;
    atomic_bool is_over;
    atomic_int writes;
} writer;

static void *write_on(void *ctx)
{
    writer *self = ctx;
    unsigned draw = 99;
    int fresh = 0;
    while (!atomic_load(&self->is_over)) {
        draw = draw * 1664525u + 1013904223u;
        int victim = (int)(draw >> 8) % BUSY * 7 + 3;
        fhirstore_status status;
        if (draw >> 28 < 4 && fresh < FRESH) {
            status = put_patient(self->session, "n", fresh++, draw >> 8);
        } else if (draw >> 28 < 7) {
            char id[24];
            fhirstore_response *response = NULL;
            int len = snprintf(id, sizeof id, "b%d", victim);
            status = fhirstore_delete(self->session, "Patient", 7, id, (size_t)len, NULL, &response,
                                      NULL);
            fhirstore_response_free(response);
            status = status == FHIRSTORE_ERR_NOT_FOUND ? FHIRSTORE_OK : status;
        } else {
            status = put_patient(self->session, "b", victim, draw >> 8);
        }
        if (status < FHIRSTORE_OK) {
            return self; /* anything but NULL fails the test */
        }
        atomic_fetch_add(&self->writes, 1);
    }
    return NULL;
}

static void start_writer(writer *self)
{
    self->session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Writer/1");
    ck_assert_int_eq(pthread_create(&self->thread, NULL, write_on, self), 0);
}

static void stop_writer(writer *self)
{
    void *failed = NULL;
    atomic_store(&self->is_over, true);
    ck_assert_int_eq(pthread_join(self->thread, &failed), 0);
    ck_assert_ptr_null(failed);
    fhirstore_session_close(self->session);
}

/* The writer has done something since @a before. */
static int wait_for_writes(writer *self, int before)
{
    const struct timespec moment = {.tv_nsec = 200000};
    while (self != NULL && atomic_load(&self->writes) <= before) {
        (void)nanosleep(&moment, NULL);
    }
    return self == NULL ? 0 : atomic_load(&self->writes);
}

/* ---- following links ---- */

static const char *link_of(const reply *page, const char *relation)
{
    for (int i = 0; i < items_at(page, "link"); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "link.%d.relation", i);
        if (strcmp(text_at(page, path), relation) == 0) {
            (void)snprintf(path, sizeof path, "link.%d.url", i);
            return text_at(page, path);
        }
    }
    return NULL;
}

typedef struct tally {
    int quiet[QUIET + BUSY + OTHERS];
    int64_t all;
    int64_t pages;
} tally;

static void count_page(const reply *page, tally *seen)
{
    int count = items_at(page, "entry");
    seen->pages++;
    for (int i = 0; i < count; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "entry.%d.resource.id", i);
        const char *id = text_at(page, path);
        seen->all++;
        if (id[0] == 'q') {
            seen->quiet[atoi(id + 1)]++;
        }
    }
}

/* Follow @a relation from @a url to the end. */
static void follow(const char *url, const char *relation, writer *beside, tally *seen,
                   const char **last_out)
{
    static char link[8192];
    static char last[8192];
    int writes = 0;
    (void)snprintf(link, sizeof link, "%s", url);
    for (;;) {
        reply page = ask("GET", link, NULL, NULL);
        expect_http(page, 200);
        count_page(&page, seen);
        (void)snprintf(last, sizeof last, "%s", link);
        const char *next = link_of(&page, relation);
        if (next == NULL) {
            break;
        }
        (void)snprintf(link, sizeof link, "%s", next);
        forget_replies();
        writes = wait_for_writes(beside, writes);
        ck_assert_int_lt(seen->pages, 3000);
    }
    forget_replies();
    *last_out = last;
}

static const char *const orders[] = {
    "Patient?_count=7",
    "Patient?active=true&_count=5",
    "Patient?family=f&_count=11",
    "Patient?active:not=true&_count=4",
    "Patient?_sort=family&_count=9",
    "Patient?_sort=-family&_count=9",
    "Patient?_sort=birthdate&_count=8",
    "Patient?_sort=-birthdate&_count=8",
    "Patient?_sort=-birthdate,family&_count=8&active=true",
    "Patient?_sort=_lastUpdated&_count=10",
    "Patient?_sort=-_lastUpdated&_count=10",
    "Patient?_sort=_id&_count=13",
    "?_type=Patient&_count=9",
    "?_sort=-_lastUpdated&_count=12",
    "?_sort=_lastUpdated&_count=7",
    "?_type=Patient,Person,Basic,Device&_sort=-_lastUpdated&_count=5",
    "?_type=Patient,Person&_sort=_lastUpdated&_count=9&_id:missing=false",
};

#define ORDERS ((int)(sizeof orders / sizeof *orders))

static void expect_same(const char *query, const tally *calm, const tally *seen)
{
    for (int i = 0; i < QUIET + BUSY + OTHERS; i++) {
        ck_assert_msg(calm->quiet[i] <= 1, "%s: q%d came %d times", query, i, calm->quiet[i]);
        ck_assert_msg(seen->quiet[i] == calm->quiet[i], "%s: q%d came %d times, not %d", query, i,
                      seen->quiet[i], calm->quiet[i]);
    }
}

START_TEST(what_nobody_touches_comes_once)
{
    static writer beside;
    static tally calm;
    static tally seen;
    const char *last;
    calm = seen = (tally){.all = 0};
    beside = (writer){.session = NULL};
    follow(orders[_i], "next", NULL, &calm, &last);
    start_writer(&beside);
    follow(orders[_i], "next", &beside, &seen, &last);
    expect_same(orders[_i], &calm, &seen);
    /* And the whole way back. */
    char from[8192];
    (void)snprintf(from, sizeof from, "%s", last);
    seen = (tally){.all = 0};
    follow(from, "previous", &beside, &seen, &last);
    expect_same(orders[_i], &calm, &seen);
    stop_writer(&beside);
}
END_TEST

START_TEST(the_total_is_what_the_pages_deliver)
{
    static tally seen;
    const char *last;
    char query[256];
    seen = (tally){.all = 0};
    (void)snprintf(query, sizeof query, "%s&_total=accurate", orders[_i]);
    reply page = ask("GET", query, NULL, NULL);
    int64_t total = atoi(text_at(&page, "total"));
    follow(query, "next", NULL, &seen, &last);
    ck_assert_int_eq(seen.all, total);
    ck_assert_int_gt(total, 0);
}
END_TEST

START_TEST(a_cursor_reads_one_snapshot)
{
    static writer beside;
    beside = (writer){.session = NULL};
    const char *query = strchr(orders[_i], '?') + 1;
    int64_t total = count_of("Patient", strncmp(query, "_type", 5) == 0 ? "" : query);
    int64_t count = 0;
    int writes = 0;
    fhirstore_search *cursor;
    if (orders[_i][0] == '?') {
        return;
    }
    ck_assert_int_eq(
        fhirstore_search_open(session, "Patient", 7, query, strlen(query), &cursor, NULL),
        FHIRSTORE_OK);
    start_writer(&beside);
    while (fhirstore_search_next(cursor, NULL) == FHIRSTORE_OK) {
        ck_assert_int_eq(fhirstore_search_version(cursor), 1);
        if (count++ % 16 == 0) {
            writes = wait_for_writes(&beside, writes);
        }
    }
    ck_assert_int_eq(count, total);
    fhirstore_search_close(cursor);
    stop_writer(&beside);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("paging");
    TCase *tests = tcase_create("paging");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup_patients, teardown);
    tcase_add_loop_test(tests, what_nobody_touches_comes_once, 0, ORDERS);
    tcase_add_loop_test(tests, the_total_is_what_the_pages_deliver, 0, ORDERS);
    tcase_add_loop_test(tests, a_cursor_reads_one_snapshot, 0, ORDERS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
