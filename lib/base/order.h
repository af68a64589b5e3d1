/* SPDX-License-Identifier: Apache-2.0 */
/* Orders for qsort() and bsearch(). */
#ifndef FHS_BASE_ORDER_H
#define FHS_BASE_ORDER_H

#include <stdint.h>

static inline int fhs_compare_int64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

#endif
