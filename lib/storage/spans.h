/* SPDX-License-Identifier: Apache-2.0 */
/* Stretches of one byte array, and a stable sort of them by their bytes. */
#ifndef FHS_STORAGE_SPANS_H
#define FHS_STORAGE_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fhs_span {
    uint64_t prefix; /* the first eight bytes as a big-endian number: settles most comparisons */
    uint32_t at;
    uint32_t len;
} fhs_span;

/* A span over base[at .. at + len). */
fhs_span fhs_span_make(const char *base, size_t at, size_t len);
/* Byte order; a prefix sorts before what it begins. */
int fhs_span_compare(const char *base, const fhs_span *a, const fhs_span *b);
/* Stable merge sort; @a scratch has room for @a count spans. */
void fhs_span_sort(const char *base, fhs_span *spans, fhs_span *scratch, size_t count);

#endif
