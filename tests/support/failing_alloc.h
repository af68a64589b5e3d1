/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's allocations, one of which fails. Of a program linked with --wrap for fhs_alloc,
 * fhs_calloc and fhs_realloc; included once.
 */
#ifndef FHS_TEST_FAILING_ALLOC_H
#define FHS_TEST_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* This many from now on, and that one fails; 0: none does, or it has failed. */
static int64_t left_until_failure;

static bool must_fail(void)
{
    return left_until_failure > 0 && --left_until_failure == 0;
}

void *__real_fhs_alloc(size_t size);
void *__real_fhs_calloc(size_t count, size_t size);
void *__real_fhs_realloc(void *ptr, size_t size);
void *__wrap_fhs_alloc(size_t size);
void *__wrap_fhs_calloc(size_t count, size_t size);
void *__wrap_fhs_realloc(void *ptr, size_t size);

void *__wrap_fhs_alloc(size_t size)
{
    return must_fail() ? NULL : __real_fhs_alloc(size);
}

void *__wrap_fhs_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_fhs_calloc(count, size);
}

void *__wrap_fhs_realloc(void *ptr, size_t size)
{
    return must_fail() ? NULL : __real_fhs_realloc(ptr, size);
}

#endif
