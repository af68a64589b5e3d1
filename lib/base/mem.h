/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's one door to the heap. Sizes are computed with overflow checks; NULL means out of
 * memory and is always reported as FHIRSTORE_ERR_NO_MEMORY by whoever sees it.
 */
#ifndef FHS_BASE_MEM_H
#define FHS_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

void *fhs_alloc(size_t size);
/* Zeroed memory for @a count objects of @a size bytes. */
void *fhs_calloc(size_t count, size_t size);
void *fhs_realloc(void *ptr, size_t size);
void fhs_free(void *ptr);
/* A copy of @a len bytes with a NUL behind them. */
char *fhs_memdup(const char *ptr, size_t len);

/* Size arithmetic: false, with *out untouched, where the result would not fit. */
bool fhs_size_add(size_t a, size_t b, size_t *out);
bool fhs_size_mul(size_t a, size_t b, size_t *out);

#endif
