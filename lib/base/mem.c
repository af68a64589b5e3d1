/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *fhs_alloc(size_t size)
{
    return malloc(size == 0 ? 1 : size);
}

void *fhs_calloc(size_t count, size_t size)
{
    return calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
}

void *fhs_realloc(void *ptr, size_t size)
{
    return realloc(ptr, size == 0 ? 1 : size);
}

void fhs_free(void *ptr)
{
    free(ptr);
}

char *fhs_memdup(const char *ptr, size_t len)
{
    size_t size;
    if (!fhs_size_add(len, 1, &size)) {
        return NULL;
    }
    char *copy = fhs_alloc(size);
    if (copy == NULL) {
        return NULL;
    }
    if (len > 0) {
        memcpy(copy, ptr, len);
    }
    copy[len] = '\0';
    return copy;
}

bool fhs_size_add(size_t a, size_t b, size_t *out)
{
    if (b > SIZE_MAX - a) {
        return false;
    }
    *out = a + b;
    return true;
}

bool fhs_size_mul(size_t a, size_t b, size_t *out)
{
    if (a != 0 && b > SIZE_MAX / a) {
        return false;
    }
    *out = a * b;
    return true;
}
