/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All allocations of a program, one of which fails, or each from one on. Linked with --wrap for malloc, calloc and
 * realloc; included once.
 */
#ifndef FHS_TEST_FAILING_MALLOC_H
#define FHS_TEST_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static uint64_t failing; /* from 1; 0: none */
static uint64_t seen;    /* since it was armed */
static bool is_for_ever;
static bool is_armed;

static bool must_fail(void)
{
    return is_armed && (++seen == failing || (is_for_ever && failing != 0 && seen > failing));
}

/* From now on the @a kth fails; 0: they are only counted. */
static inline void arm(uint64_t kth)
{
    failing = kth;
    seen = 0;
    is_for_ever = false;
    is_armed = true;
}

/* All from the @a kth on. */
static inline void arm_for_ever(uint64_t kth)
{
    arm(kth);
    is_for_ever = true;
}

static void disarm(void)
{
    is_armed = false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return must_fail() ? NULL : __real_realloc(ptr, size);
}

#endif
