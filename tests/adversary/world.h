/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an adversary has: copies of a store's file and log from several moments, and those of other
 * stores. He changes bytes of them; then the store is opened, verified and read.
 */
#ifndef FHS_TEST_ADVERSARY_WORLD_H
#define FHS_TEST_ADVERSARY_WORLD_H

#include "harness.h"

enum {
    COPY_BYTES = 4096,
    BLOCK_BYTES = 2 * COPY_BYTES,
    PAGE_BYTES = 4096,
    LOG_HEADER = 128,
    FRAME_BYTES = 64 + PAGE_BYTES,
};

typedef struct bytes {
    uint8_t *data;
    size_t len;
} bytes;

/* A store at one moment; log.len 0: it is closed. */
typedef struct moment {
    bytes file;
    bytes log;
    char *answer; /* everything it holds, as it answers */
} moment;

typedef struct world {
    moment older;   /* closed, before some changes */
    moment closed;  /* closed, after them */
    moment earlier; /* running before them, with a log … */
    moment crashed; /* … and after them, with the log of another process */
    moment other;   /* another store under the same key */
    moment other_running;
    moment plain;  /* one that is not encrypted */
    moment phrase; /* one that a passphrase opens */
    char *anchor;  /* of closed */
} world;

extern world now;

void make_world(void);
void free_world(void);

bytes copy_of(bytes from);
/* Copy @a len bytes at @a from of @a source to @a at of @a target. */
void put_bytes(bytes target, size_t at, bytes source, size_t from, size_t len);
void resize(bytes *target, size_t len);
size_t pages_in(bytes file);
size_t page_at(size_t page); /* offset; pages count from 1 */
size_t frames_in(bytes log);
size_t frame_at(size_t frame);
/* Compute the unkeyed checksum of a header copy anew, as somebody without the key can. */
void fix_checksum(bytes file, size_t copy);
/* The header copy in force: 0 or 1. */
size_t copy_in_force(bytes file);

typedef struct sight {
    fhirstore_status opened;
    fhirstore_status verified;
    int64_t findings;
    int notices;
    fhirstore_status read;
    char *answer; /* NULL: none; else freed by the caller */
    char said[256];
} sight;

typedef enum lock_kind {
    BY_KEY,
    BY_PHRASE,
    IN_PLAIN
} lock_kind;

/* Lay file and log out, open, verify, read, close. @a anchor NULL: none. */
sight look_at(bytes file, bytes log, lock_kind kind, const char *anchor);

bool is_long_run(void);
/* FHS_TEST_SEED, or one that is told. */
uint64_t seed_of_run(void);
uint32_t pick(uint32_t below);

#endif
