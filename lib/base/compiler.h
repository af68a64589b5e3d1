/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that names compiler extensions. */
#ifndef FHS_BASE_COMPILER_H
#define FHS_BASE_COMPILER_H

#if defined(__GNUC__)
#define FHS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define FHS_LIKELY(x)         __builtin_expect(!!(x), 1)
#define FHS_UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define FHS_MUST_CHECK        __attribute__((warn_unused_result))
#define FHS_NOINLINE          __attribute__((noinline))
/* Number of zero bits below the lowest one bit; x is not 0. */
#define FHS_CTZ64(x) ((unsigned)__builtin_ctzll(x))
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FHS_LITTLE_ENDIAN 1
#endif
#else
#define FHS_PRINTF(fmt, args)
#define FHS_LIKELY(x)   (x)
#define FHS_UNLIKELY(x) (x)
#define FHS_MUST_CHECK
#define FHS_NOINLINE
#define FHS_CTZ64(x) fhs_ctz64(x)
static inline unsigned fhs_ctz64(unsigned long long x)
{
    unsigned n = 0;
    while ((x >> n & 1) == 0) {
        n++;
    }
    return n;
}
#endif
#ifndef FHS_LITTLE_ENDIAN
#define FHS_LITTLE_ENDIAN 0
#endif

#define FHS_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
