/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs of this folder share. They see the library as a host does: public headers, the
 * shared library. Each test has a store of its own in a folder of its own.
 */
#ifndef FHS_TEST_HARNESS_H
#define FHS_TEST_HARNESS_H

#include <check.h>
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fhirstore/fhirstore.h>

#include "../support/self.h"

#define KEY_BYTES 32
#define SECOND    INT64_C(1000000)

extern const uint8_t the_key[KEY_BYTES];
extern const uint8_t another_key[KEY_BYTES];

/* The store under test and a session that may do everything. */
extern fhirstore *store;
extern fhirstore_session *session;
/* The folder of the test, and the store's path in it. */
extern char folder[64];
extern char store_path[96];
/* What the store's clock tells while use_clock() holds: set it freely. */
extern int64_t clock_us;

/* Check fixtures: a folder with an open, empty store; a folder alone; the same with the test's
 * clock.
 */
void setup_store(void);
void setup_folder(void);
void setup_clocked_store(void);
void teardown(void);
/* Free what replies and states hold so far, in tests that loop. */
void forget_replies(void);

/* A path in the folder; borrowed until the eighth next call. */
const char *in_folder(const char *name);
fhirstore_open_options open_options(void);
/* Open with @a options, or fail the test. */
fhirstore *must_open(const char *path, const fhirstore_open_options *options);
fhirstore_session *must_enter(fhirstore *into, uint32_t flags, const char *principal);
/* Close and open again what setup opened. */
void reopen_store(void);
/* Verify finds nothing. */
void expect_sound(fhirstore *which);

/* ---- files ---- */

char *load_file(const char *path, size_t *len_out);
void save_file(const char *path, const void *bytes, size_t len);
void flip_bits(const char *path, size_t offset, unsigned char mask);
size_t file_size(const char *path);
/* Run this very program again as "self VERB ARGUMENT"; its exit status. */
int run_self(const char *verb, const char *argument);

/* ---- asking ---- */

/* What a call answered; freed by the harness at the end of the test. */
typedef struct reply {
    fhirstore_status status;
    int32_t http;
    const char *body; /* ends in NUL; for a typed call that failed: its OperationOutcome */
    size_t body_len;
    fhirstore_response *response; /* NULL when the call failed */
    fhirstore_error *error;       /* NULL when it did not */
} reply;

reply take_reply(fhirstore_status status, fhirstore_response *response, fhirstore_error *error);

/* Typed calls. @a body and the like end in NUL. */
reply create(const char *type, const char *body);
reply update(const char *type, const char *id, const char *body);
reply update_if(const char *type, const char *id, const char *body, int64_t if_version);
reply read_one(const char *type, const char *id);
reply vread(const char *type, const char *id, int64_t version);
reply delete_one(const char *type, const char *id);
reply delete_if(const char *type, const char *id, int64_t if_version);
reply history(const char *type, const char *id, const char *query);
reply search_page(const char *type, const char *query);
/* The request entry. @a headers: "Name: value" lines, or NULL. @a body NULL: none. */
reply ask(const char *method, const char *url, const char *headers, const char *body);
reply ask_bytes(fhirstore_session *with, const char *method, const char *url, const char *headers,
                const char *body, size_t body_len);
/* Count in the session, strictly. */
int64_t count_of(const char *type, const char *query);

/* ---- looking ---- */

const char *header_of(const reply *answer, const char *name); /* NULL: there is none */
/* "entry.0.resource.id" in the body. Text of strings, numbers and booleans; NULL: not there. */
const char *text_at(const reply *answer, const char *path);
int items_at(const reply *answer, const char *path);
bool has_text(const reply *answer, const char *needle);
const char *id_of(const reply *answer);
/*
 * Everything there is in the store as one text: two equal texts, and nothing has happened between.
 * Sizes of files are left out.
 */
const char *state_of_store(void);

/* ---- expectations ---- */

#define expect_status(answer, want)                                                       \
    do {                                                                                  \
        const reply answer_ = (answer);                                                   \
        ck_assert_msg(answer_.status == (want), "status %s, wanted %s: %s",               \
                      fhirstore_status_name(answer_.status), fhirstore_status_name(want), \
                      answer_.body);                                                      \
    } while (0)
#define expect_http(answer, want)                                                          \
    do {                                                                                   \
        const reply answer_ = (answer);                                                    \
        ck_assert_msg(answer_.http == (want), "HTTP %d, wanted %d: %s", (int)answer_.http, \
                      (int)(want), answer_.body);                                          \
    } while (0)
#define expect_text(answer, path, want)                                                           \
    do {                                                                                          \
        const reply answer_ = (answer);                                                           \
        const char *got_ = text_at(&answer_, path);                                               \
        ck_assert_msg(got_ != NULL && strcmp(got_, (want)) == 0, "%s is %s, wanted %s: %s", path, \
                      got_ == NULL ? "(nothing)" : got_, (want), answer_.body);                   \
    } while (0)
#define expect_nothing_at(answer, path)                                                \
    do {                                                                               \
        const reply answer_ = (answer);                                                \
        ck_assert_msg(text_at(&answer_, path) == NULL && items_at(&answer_, path) < 0, \
                      "%s is there: %s", path, answer_.body);                          \
    } while (0)

/*
 * A refusal: status and HTTP status belong together, the body is an OperationOutcome whose first
 * issue has @a code and, where not NULL, @a expression. A typed call gives the status; a request
 * gives OK and the HTTP status.
 */
void expect_refusal(const reply *answer, fhirstore_status want, const char *code,
                    const char *expression);
/* The same, and nothing has changed since @a before was taken. */
void expect_no_trace(const reply *answer, fhirstore_status want, const char *code,
                     const char *expression, const char *before);

/* Run one suite of one case per fixture. */
typedef struct test_group {
    const char *name;
    void (*setup)(void);
    const TTest *const *tests;
    size_t count;
} test_group;
int run_groups(const char *name, const test_group *groups, size_t count);
#define GROUP(name, setup, ...)                                                 \
    {                                                                           \
        name, setup, (const TTest *const[]){__VA_ARGS__},                       \
            sizeof((const TTest *const[]){__VA_ARGS__}) / sizeof(const TTest *) \
    }

#endif
