/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to a store, step by step, and what the store is after each step. A step is one
 * acknowledged call. Its state is that of every page as SQLite sees it, the key slots, and how the
 * file is opened; a model beside the store says whether that state is right.
 */
#ifndef FHS_TEST_SCRIPT_H
#define FHS_TEST_SCRIPT_H

#include "disk.h"

#include <fhirstore/fhirstore.h>

enum {
    STATE_DIGEST_BYTES = 32,
    STEP_PARTS_MAX = 64,
    COPIES_MAX = 16
};

#define STORE_PATH DISK_FOLDER "store"

typedef struct store_state {
    int key; /* which one opens it; 0: it is not encrypted */
    uint8_t image[STATE_DIGEST_BYTES];
    uint8_t slots[STATE_DIGEST_BYTES];
} store_state;

typedef struct script_step {
    const char *name;
    bool has_parts; /* several transactions, each of which may be the last one */
    store_state after;
    store_state parts[STEP_PARTS_MAX];
    size_t part_count;
    size_t begun;        /* in the log: where the step begins … */
    size_t acknowledged; /* … and the first op after its end */
} script_step;

/* A backup that a step has made. */
typedef struct script_copy {
    char path[DISK_NAME_BYTES];
    size_t step;
    store_state state;
} script_copy;

typedef struct script {
    disk *log;
    script_step *steps;
    size_t step_count;
    script_copy copies[COPIES_MAX];
    size_t copy_count;
} script;

/* Do @a steps steps, chosen by @a seed, and check each against the model. */
script *script_record(size_t steps, uint64_t seed);
void script_free(script *recorded);

/* ---- looking ---- */

/* Say why and end the program: there is nothing to go on with. */
void script_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

struct fhs_storage *script_storage_of(const fhirstore *store);
fhirstore_open_options script_options(int key);
/* The state of an open store that was opened with @a key. False: it cannot be read. */
bool script_look(fhirstore *store, int key, store_state *out);
bool script_same(const store_state *one, const store_state *other);
/*
 * Page by page; what is wrong goes to @a out. @a header_was_written: the spare copy of the header
 * may be torn.
 */
bool script_pages_are_sound(fhirstore *store, bool header_was_written, char *out, size_t size);
/* fhirstore_verify() finds nothing. */
bool script_is_sound(fhirstore *store, char *out, size_t size);

#endif
