/* SPDX-License-Identifier: Apache-2.0 */
/* What decimal.c and decimal_math.c share. */
#ifndef FHS_BASE_DECIMAL_INTERNAL_H
#define FHS_BASE_DECIMAL_INTERNAL_H

#include "base/decimal.h"

#define FHS_LIMB_BASE   UINT32_C(1000000000)
#define FHS_LIMB_DIGITS 9u

static inline bool fhs_decimal_exponent_fits(int64_t exponent)
{
    return exponent >= -FHS_DECIMAL_EXPONENT_MAX && exponent <= FHS_DECIMAL_EXPONENT_MAX;
}

/* Set the coefficient only. */
void fhs_decimal_set_u64(fhs_decimal *out, uint64_t coefficient);
/* The coefficient's digits without leading zeros; none for zero. */
size_t fhs_decimal_digits(const fhs_decimal *value, char out[FHS_DECIMAL_DIGITS]);

#endif
