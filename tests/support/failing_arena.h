/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever asks for memory, in a tree of its own or on the heap: one of the requests fails. Of a
 * program linked with --wrap for fhs_alloc, fhs_calloc, fhs_realloc, fhs_arena_alloc,
 * fhs_arena_calloc and fhs_arena_dup; included once.
 */
#ifndef FHS_TEST_FAILING_ARENA_H
#define FHS_TEST_FAILING_ARENA_H

#include <stdint.h>

#include "base/arena.h"

static int64_t asked;      /* since it was armed */
static int64_t fails_at;   /* this one, from 1; 0: none */
static bool counts_memory; /* between arm_arena() and disarm_arena() */

static inline void arm_arena(int64_t kth)
{
    asked = 0;
    fails_at = kth;
    counts_memory = true;
}

static inline void disarm_arena(void)
{
    counts_memory = false;
}

/* Whether the one that was to fail has been asked for. */
static inline bool has_failed_arena(void)
{
    return fails_at > 0 && asked >= fails_at;
}

static bool must_fail_now(void)
{
    return counts_memory && ++asked == fails_at;
}

void *__real_fhs_alloc(size_t size);
void *__real_fhs_calloc(size_t count, size_t size);
void *__real_fhs_realloc(void *ptr, size_t size);
void *__real_fhs_arena_alloc(fhs_arena *arena, size_t size);
void *__real_fhs_arena_calloc(fhs_arena *arena, size_t count, size_t size);
fhs_str __real_fhs_arena_dup(fhs_arena *arena, fhs_str text);
void *__wrap_fhs_alloc(size_t size);
void *__wrap_fhs_calloc(size_t count, size_t size);
void *__wrap_fhs_realloc(void *ptr, size_t size);
void *__wrap_fhs_arena_alloc(fhs_arena *arena, size_t size);
void *__wrap_fhs_arena_calloc(fhs_arena *arena, size_t count, size_t size);
fhs_str __wrap_fhs_arena_dup(fhs_arena *arena, fhs_str text);

void *__wrap_fhs_alloc(size_t size)
{
    return must_fail_now() ? NULL : __real_fhs_alloc(size);
}

void *__wrap_fhs_calloc(size_t count, size_t size)
{
    return must_fail_now() ? NULL : __real_fhs_calloc(count, size);
}

void *__wrap_fhs_realloc(void *ptr, size_t size)
{
    return must_fail_now() ? NULL : __real_fhs_realloc(ptr, size);
}

void *__wrap_fhs_arena_alloc(fhs_arena *arena, size_t size)
{
    return must_fail_now() ? NULL : __real_fhs_arena_alloc(arena, size);
}

void *__wrap_fhs_arena_calloc(fhs_arena *arena, size_t count, size_t size)
{
    return must_fail_now() ? NULL : __real_fhs_arena_calloc(arena, count, size);
}

fhs_str __wrap_fhs_arena_dup(fhs_arena *arena, fhs_str text)
{
    return must_fail_now() ? FHS_STR_NONE : __real_fhs_arena_dup(arena, text);
}

#endif
