/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that names compiler extensions. */
#ifndef FHS_BASE_COMPILER_H
#define FHS_BASE_COMPILER_H

#if defined(__GNUC__)
#define FHS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define FHS_LIKELY(x)         __builtin_expect(!!(x), 1)
#define FHS_UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define FHS_MUST_CHECK        __attribute__((warn_unused_result))
#else
#define FHS_PRINTF(fmt, args)
#define FHS_LIKELY(x)   (x)
#define FHS_UNLIKELY(x) (x)
#define FHS_MUST_CHECK
#endif

#define FHS_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
