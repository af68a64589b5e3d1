/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers from a seed that is printed, so that each failing run can be repeated. */
#ifndef FHS_TEST_STORAGE_DICE_H
#define FHS_TEST_STORAGE_DICE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

typedef struct dice {
    uint64_t state;
} dice;

static inline uint64_t dice_next(dice *d)
{
    d->state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = d->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint32_t dice_below(dice *d, uint32_t limit)
{
    return (uint32_t)(dice_next(d) % limit);
}

/* Seeded from FHS_TEST_SEED, else from the clock. */
static inline dice dice_new(const char *what)
{
    const char *given = getenv("FHS_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)fhs_clock_now_us();
    (void)fprintf(stderr, "# %s: FHS_TEST_SEED=%llu\n", what, (unsigned long long)seed);
    return (dice){seed};
}

#endif
