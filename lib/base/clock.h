/* SPDX-License-Identifier: Apache-2.0 */
/* The system's time. Whoever needs a clock that tests can set takes one as an option. */
#ifndef FHS_BASE_CLOCK_H
#define FHS_BASE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970-01-01T00:00:00Z. */
int64_t fhs_clock_now_us(void);
/* Microseconds on a clock that never steps; only differences mean something. */
int64_t fhs_clock_monotonic_us(void);

#endif
