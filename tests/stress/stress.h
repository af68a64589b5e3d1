/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the stress test share: the run, and calls that must answer. */
#ifndef FHS_STRESS_H
#define FHS_STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fhirstore/fhirstore.h>

#include "script.h"

#define MAX_WRITERS 8u
#define KEY_BYTES   32u

/* Stop the program, and so the test, unless @a what holds. */
#define MUST(what)                                                                               \
    do {                                                                                         \
        if (!(what)) {                                                                           \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what);      \
            abort();                                                                             \
        }                                                                                        \
    } while (0)

/* What a call may answer besides success. */
enum {
    MAY_BE_BUSY = 1,
    MAY_BE_CLOSED = 2,
    MAY_BE_CANCELLED = 4,
    MAY_BE_ABSENT = 8,
};

typedef struct run {
    fhirstore *store;
    uint64_t seed;
    unsigned steps;        /* of each writer; 0: until the store is closed */
    unsigned writers;      /* at work here … */
    unsigned first_writer; /* … from this number on */
    unsigned all_writers;  /* … of so many, in all processes */
    bool is_alone;         /* no other process has the store open */
    char path[4096];
    atomic_uint writing;   /* writers that have not ended */
    atomic_ulong calls;    /* that were answered */
    script scripts[MAX_WRITERS]; /* each is its writer's own until that has ended */
} run;

/* Abort unless the call went well or failed as it may; frees the error. */
fhirstore_status expect_status(fhirstore_status status, fhirstore_error *error, unsigned may,
                               const char *what);
/* One request; @a body_out NULL: not wanted, else freed by the caller. @a version_out as well. */
fhirstore_status ask(run *all, fhirstore_session *session, const char *method, const char *url,
                     const char *body, unsigned may, char **body_out, int64_t *version_out);
/* NULL when the store is closed. */
fhirstore_session *enter(run *all, const char *name);
/* Whether others should go on: a writer is at work and the store open. */
bool goes_on(run *all);

/* actors.c: each a thread's main, with the run. */
void *read_things(void *ctx);
void *search_things(void *ctx);
void *tend_index(void *ctx);
void *tend_keys(void *ctx);
void *make_copies(void *ctx);
void *come_and_go(void *ctx);

/* writer.c */
typedef struct writer {
    run *all;
    unsigned number; /* of those at work here */
} writer;
void *write_things(void *ctx);
/* Do @a next; CLOSED: it may or may not be done. */
fhirstore_status do_step(run *all, fhirstore_session *session, unsigned writer_number,
                         const step *next);
/* What the store has of a resource: false, it is not there. */
bool find_value(run *all, fhirstore_session *session, unsigned writer_number, unsigned resource,
                uint64_t *value_out);
/* The two places of a body where its value stands agree. */
bool value_of(const char *shown, size_t len, uint64_t *value_out);

#endif
