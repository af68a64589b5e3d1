/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/spans.h"

#include <string.h>

/* Runs of this length are sorted by insertion before the merging begins. */
#define INSERTION_RUN 12u

fhs_span fhs_span_make(const char *base, size_t at, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)base + at;
    uint64_t prefix = 0;
    size_t taken = len < 8 ? len : 8;
    for (size_t i = 0; i < taken; i++) {
        prefix |= (uint64_t)bytes[i] << (56 - 8 * i);
    }
    return (fhs_span){prefix, (uint32_t)at, (uint32_t)len};
}

int fhs_span_compare(const char *base, const fhs_span *a, const fhs_span *b)
{
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix ? -1 : 1;
    }
    size_t shorter = a->len < b->len ? a->len : b->len;
    if (shorter > 8) {
        int order = memcmp(base + a->at + 8, base + b->at + 8, shorter - 8);
        if (order != 0) {
            return order;
        }
    }
    return a->len == b->len ? 0 : (a->len < b->len ? -1 : 1);
}

static void insert_spans(const char *base, fhs_span *spans, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        fhs_span moved = spans[i];
        size_t at = i;
        while (at > 0 && fhs_span_compare(base, &spans[at - 1], &moved) > 0) {
            spans[at] = spans[at - 1];
            at--;
        }
        spans[at] = moved;
    }
}

/* Merge from[0 .. half) and from[half .. count) into @a to. */
static void merge_spans(const char *base, const fhs_span *from, fhs_span *to, size_t half,
                        size_t count)
{
    size_t left = 0;
    size_t right = half;
    for (size_t out = 0; out < count; out++) {
        bool take_left = left < half &&
                         (right >= count || fhs_span_compare(base, &from[left], &from[right]) <= 0);
        to[out] = take_left ? from[left++] : from[right++];
    }
}

void fhs_span_sort(const char *base, fhs_span *spans, fhs_span *scratch, size_t count)
{
    for (size_t at = 0; at < count; at += INSERTION_RUN) {
        size_t run = count - at < INSERTION_RUN ? count - at : INSERTION_RUN;
        insert_spans(base, spans + at, run);
    }
    fhs_span *from = spans;
    fhs_span *to = scratch;
    for (size_t run = INSERTION_RUN; run < count; run *= 2) {
        for (size_t at = 0; at < count; at += 2 * run) {
            size_t both = count - at < 2 * run ? count - at : 2 * run;
            merge_spans(base, from + at, to + at, both < run ? both : run, both);
        }
        fhs_span *swap = from;
        from = to;
        to = swap;
    }
    if (from != spans) {
        memcpy(spans, from, count * sizeof *spans);
    }
}
