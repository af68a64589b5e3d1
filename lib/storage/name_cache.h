/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded table from bytes to a number, with marks: dropping back to a mark forgets exactly what
 * was added since, so that a rolled back transaction leaves nothing behind. When it is full it
 * forgets everything and begins again.
 */
#ifndef FHS_STORAGE_NAME_CACHE_H
#define FHS_STORAGE_NAME_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct fhs_name_entry {
    int64_t value;
    uint32_t hash;
    uint32_t next; /* index + 1 of the next entry in the same chain, 0: none */
    uint32_t text_at;
    uint32_t text_len;
} fhs_name_entry;

typedef struct fhs_name_cache {
    fhs_name_entry *entries;
    uint32_t *heads; /* index + 1 of each chain's newest entry */
    char *texts;
    uint32_t count;
    uint32_t max_count; /* a power of two; the number of chains as well */
    uint32_t capacity;
    uint32_t text_len;
    uint32_t text_capacity;
    uint32_t max_text;
    uint32_t epoch; /* rises whenever everything is forgotten */
} fhs_name_cache;

typedef struct fhs_name_mark {
    uint32_t count;
    uint32_t epoch;
} fhs_name_mark;

void fhs_name_cache_init(fhs_name_cache *cache, uint32_t max_count, uint32_t max_text);
void fhs_name_cache_clear(fhs_name_cache *cache);
/* A key is a tag and a text, so that several kinds of names share one table. */
bool fhs_name_cache_find(const fhs_name_cache *cache, uint32_t tag, fhs_str text,
                         int64_t *value_out);
/* Remember; want of memory or room only means that it is not remembered. */
void fhs_name_cache_add(fhs_name_cache *cache, uint32_t tag, fhs_str text, int64_t value);
fhs_name_mark fhs_name_cache_mark(const fhs_name_cache *cache);
void fhs_name_cache_drop(fhs_name_cache *cache, fhs_name_mark mark);

#endif
