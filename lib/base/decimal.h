/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact decimals. A value is sign × coefficient × 10^exponent with a coefficient of up to
 * FHS_DECIMAL_DIGITS digits; "1.10" and "1.1" are equal but keep their own scale (digits behind the
 * point). What does not fit is refused, never rounded, unless an operation says how it rounds.
 */
#ifndef FHS_BASE_DECIMAL_H
#define FHS_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define FHS_DECIMAL_LIMBS  8u  /* of nine digits each, least significant first */
#define FHS_DECIMAL_DIGITS 72u
/* Bound of the exponent, both ways: "1e999999" fits, "1e1000000" is refused. */
#define FHS_DECIMAL_EXPONENT_MAX 999999
/* Longest sortable key, in bytes. */
#define FHS_DECIMAL_KEY_MAX 48u

typedef struct fhs_decimal {
    uint32_t limbs[FHS_DECIMAL_LIMBS];
    uint8_t limb_count; /* 0: the value is zero */
    bool negative;
    int32_t exponent; /* value = limbs × 10^exponent; the scale is -exponent when that is positive */
} fhs_decimal;

/* Parse a JSON number (RFC 8259: "-1.50", "2e-3"), keeping trailing zeros in the exponent. */
bool fhs_decimal_parse(fhs_str text, fhs_decimal *out);
fhs_decimal fhs_decimal_from_i64(int64_t value);
/* False when it has a fraction or does not fit. */
bool fhs_decimal_to_i64(const fhs_decimal *value, int64_t *out);
double fhs_decimal_to_double(const fhs_decimal *value);
/* -1, 0, 1; scale does not matter. */
int fhs_decimal_compare(const fhs_decimal *a, const fhs_decimal *b);
bool fhs_decimal_is_zero(const fhs_decimal *value);
fhs_decimal fhs_decimal_negate(fhs_decimal value);

/* False when the exact result does not fit. */
bool fhs_decimal_add(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *out);
bool fhs_decimal_sub(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *out);
bool fhs_decimal_mul(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *out);
/* Quotient rounded half up (away from zero) to @a scale digits behind the point; false for b = 0 or no room. */
bool fhs_decimal_div(const fhs_decimal *a, const fhs_decimal *b, int32_t scale, fhs_decimal *out);
/* Integer quotient towards zero and its remainder (sign of @a a); false for b = 0. */
bool fhs_decimal_divmod(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *quotient,
                        fhs_decimal *remainder);

typedef enum fhs_rounding {
    FHS_ROUND_HALF_UP, /* away from zero */
    FHS_ROUND_DOWN,    /* towards zero */
    FHS_ROUND_FLOOR,
    FHS_ROUND_CEILING,
} fhs_rounding;
/*
 * To @a scale digits behind the point (negative: to tens, hundreds …). A value with fewer digits is
 * extended with zeros where there is room ("1.5" to 3 is "1.500"). @a out may be @a value.
 */
bool fhs_decimal_round(const fhs_decimal *value, int32_t scale, fhs_rounding how, fhs_decimal *out);
/* Drop trailing zeros of the fraction. */
fhs_decimal fhs_decimal_normalise(fhs_decimal value);

/* Plain notation with its scale kept ("1.10"); exponents are written out up to 72 zeros, else "1e100". */
void fhs_decimal_write(const fhs_decimal *value, fhs_buf *out);

/*
 * A key whose bytewise order (memcmp, shorter first) is the numeric order; equal values give equal
 * keys. Returns its length, at most FHS_DECIMAL_KEY_MAX.
 */
size_t fhs_decimal_sort_key(const fhs_decimal *value, uint8_t out[FHS_DECIMAL_KEY_MAX]);
/* The other way. False for bytes that are no key. */
bool fhs_decimal_from_sort_key(const uint8_t *key, size_t len, fhs_decimal *out);

/*
 * The interval that a search value of this precision covers: [value - half, value + half) where half
 * is five units of the first digit that was not written ("100" → 99.5 … 100.5, "1e2" → 50 … 150).
 */
bool fhs_decimal_precision_range(const fhs_decimal *value, fhs_decimal *low, fhs_decimal *high);

#endif
