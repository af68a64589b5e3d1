/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals: comparison and arithmetic, on intermediates of twice the width. */
#include <string.h>

#include "base/decimal_internal.h"

/*
 * Two full coefficients side by side need 16 limbs; an exact sum that fits after its trailing zeros
 * are dropped, or a dividend with its rounding digit, needs 17; division normalises into one more.
 */
#define WIDE_LIMBS  18u
#define WIDE_DIGITS 153 /* 17 limbs */

typedef struct wide {
    uint32_t limbs[WIDE_LIMBS];
    size_t count;
} wide;

static const uint32_t powers_of_ten[FHS_LIMB_DIGITS] = {1,      10,      100,      1000,     10000,
                                                        100000, 1000000, 10000000, 100000000};

static void wide_trim(wide *w)
{
    while (w->count > 0 && w->limbs[w->count - 1] == 0) {
        w->count--;
    }
}

static wide wide_from(const fhs_decimal *value)
{
    wide w;
    memset(&w, 0, sizeof w);
    memcpy(w.limbs, value->limbs, value->limb_count * sizeof w.limbs[0]);
    w.count = value->limb_count;
    return w;
}

static int limb_digits(uint32_t limb)
{
    int digits = 0;
    while (limb != 0) {
        limb /= 10;
        digits++;
    }
    return digits;
}

static int count_digits(const uint32_t *limbs, size_t count)
{
    return count == 0 ? 0 : (int)(count - 1) * (int)FHS_LIMB_DIGITS + limb_digits(limbs[count - 1]);
}

static int wide_digits(const wide *w)
{
    return count_digits(w->limbs, w->count);
}

static void wide_mul_small(wide *w, uint32_t factor)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < w->count; i++) {
        carry += (uint64_t)w->limbs[i] * factor;
        w->limbs[i] = (uint32_t)(carry % FHS_LIMB_BASE);
        carry /= FHS_LIMB_BASE;
    }
    if (carry != 0) {
        w->limbs[w->count++] = (uint32_t)carry;
    }
}

/* Divide by a small number; returns the remainder. */
static uint32_t wide_div_small(wide *w, uint32_t divisor)
{
    uint64_t rest = 0;
    for (size_t i = w->count; i > 0; i--) {
        rest = rest * FHS_LIMB_BASE + w->limbs[i - 1];
        w->limbs[i - 1] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    wide_trim(w);
    return (uint32_t)rest;
}

/* Times 10^@a power. The caller knows that it stays within WIDE_DIGITS. */
static void wide_shift_up(wide *w, int power)
{
    size_t whole = (size_t)power / FHS_LIMB_DIGITS;
    if (w->count == 0 || power == 0) {
        return;
    }
    wide_mul_small(w, powers_of_ten[(size_t)power % FHS_LIMB_DIGITS]);
    if (whole > 0) {
        memmove(w->limbs + whole, w->limbs, w->count * sizeof w->limbs[0]);
        memset(w->limbs, 0, whole * sizeof w->limbs[0]);
        w->count += whole;
    }
}

static int wide_compare(const wide *a, const wide *b)
{
    if (a->count != b->count) {
        return a->count < b->count ? -1 : 1;
    }
    for (size_t i = a->count; i > 0; i--) {
        if (a->limbs[i - 1] != b->limbs[i - 1]) {
            return a->limbs[i - 1] < b->limbs[i - 1] ? -1 : 1;
        }
    }
    return 0;
}

static void wide_add(wide *a, const wide *b)
{
    uint32_t carry = 0;
    for (size_t i = 0; i < b->count || carry != 0; i++) {
        uint32_t sum = carry + (i < a->count ? a->limbs[i] : 0) + (i < b->count ? b->limbs[i] : 0);
        carry = sum >= FHS_LIMB_BASE;
        a->limbs[i] = carry != 0 ? sum - FHS_LIMB_BASE : sum;
        a->count = i < a->count ? a->count : i + 1;
    }
}

/* a - b, where b is not greater than a. */
static void wide_sub(wide *a, const wide *b)
{
    uint32_t borrow = 0;
    for (size_t i = 0; i < b->count || borrow != 0; i++) {
        uint32_t take = borrow + (i < b->count ? b->limbs[i] : 0);
        borrow = a->limbs[i] < take;
        a->limbs[i] = borrow != 0 ? a->limbs[i] + FHS_LIMB_BASE - take : a->limbs[i] - take;
    }
    wide_trim(a);
}

/* One digit of the quotient in schoolbook division: subtract q × v from u at @a at, return q. */
static uint32_t divide_step(uint32_t *u, const wide *v, size_t at)
{
    size_t n = v->count;
    uint64_t top = (uint64_t)u[at + n] * FHS_LIMB_BASE + u[at + n - 1];
    uint64_t q = top / v->limbs[n - 1];
    uint64_t rest = top % v->limbs[n - 1];
    while (q >= FHS_LIMB_BASE || (n > 1 && rest < FHS_LIMB_BASE &&
                                  q * v->limbs[n - 2] > rest * FHS_LIMB_BASE + u[at + n - 2])) {
        q--;
        rest += v->limbs[n - 1];
    }
    int64_t borrow = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t left = (int64_t)u[at + i] - borrow - (int64_t)(q * v->limbs[i] % FHS_LIMB_BASE);
        borrow = (int64_t)(q * v->limbs[i] / FHS_LIMB_BASE);
        while (left < 0) {
            left += FHS_LIMB_BASE;
            borrow++;
        }
        u[at + i] = (uint32_t)left;
    }
    if ((int64_t)u[at + n] >= borrow) {
        u[at + n] = (uint32_t)((int64_t)u[at + n] - borrow);
        return (uint32_t)q;
    }
    /* The estimate was one too high: add the divisor back. */
    uint32_t carry = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t sum = u[at + i] + v->limbs[i] + carry;
        carry = sum >= FHS_LIMB_BASE;
        u[at + i] = carry != 0 ? sum - FHS_LIMB_BASE : sum;
    }
    u[at + n] = 0;
    return (uint32_t)(q - 1);
}

/* a = quotient × b + remainder; b is not zero. */
static void wide_divide(const wide *a, const wide *b, wide *quotient, wide *remainder)
{
    memset(quotient, 0, sizeof *quotient);
    *remainder = *a;
    if (wide_compare(a, b) < 0) {
        return;
    }
    if (b->count == 1) {
        *quotient = *a;
        uint32_t rest = wide_div_small(quotient, b->limbs[0]);
        memset(remainder, 0, sizeof *remainder);
        remainder->limbs[0] = rest;
        remainder->count = rest != 0;
        return;
    }
    wide divisor = *b;
    uint32_t scale = FHS_LIMB_BASE / (b->limbs[b->count - 1] + 1);
    size_t steps = a->count - b->count + 1;
    wide_mul_small(remainder, scale);
    wide_mul_small(&divisor, scale);
    if (remainder->count == a->count) {
        remainder->limbs[a->count] = 0;
    }
    for (size_t i = steps; i > 0; i--) {
        quotient->limbs[i - 1] = divide_step(remainder->limbs, &divisor, i - 1);
    }
    quotient->count = steps;
    wide_trim(quotient);
    remainder->count = b->count;
    wide_trim(remainder);
    (void)wide_div_small(remainder, scale);
}

/* Store @a w × 10^@a exponent, giving up trailing zeros where it is too long. */
static bool wide_store(wide *w, bool negative, int64_t exponent, fhs_decimal *out)
{
    int excess = wide_digits(w) - (int)FHS_DECIMAL_DIGITS;
    memset(out, 0, sizeof *out);
    while (excess > 0) {
        int step = excess < 8 ? excess : 8;
        if (wide_div_small(w, powers_of_ten[step]) != 0) {
            return false;
        }
        excess -= step;
        exponent += step;
    }
    if (!fhs_decimal_exponent_fits(exponent)) {
        return false;
    }
    memcpy(out->limbs, w->limbs, w->count * sizeof w->limbs[0]);
    out->limb_count = (uint8_t)w->count;
    out->negative = negative && w->count > 0;
    out->exponent = (int32_t)exponent;
    return true;
}

/* Bring both to the lower exponent; false when that would be too long. */
static bool align(const fhs_decimal *a, const fhs_decimal *b, wide *wa, wide *wb, int32_t *exponent)
{
    *wa = wide_from(a);
    *wb = wide_from(b);
    *exponent = a->exponent < b->exponent ? a->exponent : b->exponent;
    int64_t up_a = (int64_t)a->exponent - *exponent;
    int64_t up_b = (int64_t)b->exponent - *exponent;
    if ((wa->count > 0 && up_a + wide_digits(wa) >= WIDE_DIGITS) ||
        (wb->count > 0 && up_b + wide_digits(wb) >= WIDE_DIGITS)) {
        return false;
    }
    wide_shift_up(wa, wa->count > 0 ? (int)up_a : 0);
    wide_shift_up(wb, wb->count > 0 ? (int)up_b : 0);
    return true;
}

static int compare_magnitudes(const fhs_decimal *a, const fhs_decimal *b)
{
    wide wa;
    wide wb;
    int32_t exponent;
    if (a->limb_count == 0 || b->limb_count == 0) {
        return (a->limb_count != 0) - (b->limb_count != 0);
    }
    int32_t top_a = a->exponent + count_digits(a->limbs, a->limb_count);
    int32_t top_b = b->exponent + count_digits(b->limbs, b->limb_count);
    if (top_a != top_b) {
        return top_a < top_b ? -1 : 1;
    }
    /* With equal tops the exponents differ by less than 72 digits: there is always room. */
    (void)align(a, b, &wa, &wb, &exponent);
    return wide_compare(&wa, &wb);
}

int fhs_decimal_compare(const fhs_decimal *a, const fhs_decimal *b)
{
    if (a->negative != b->negative) {
        return a->negative ? -1 : 1;
    }
    int order = compare_magnitudes(a, b);
    return a->negative ? -order : order;
}

/* Zero plus something: that something, at the finer of the two scales where there is room. */
static bool add_to_zero(const fhs_decimal *value, int32_t exponent, fhs_decimal *out)
{
    wide w = wide_from(value);
    int64_t up = (int64_t)value->exponent - exponent;
    if (up <= 0 || (w.count > 0 && up + wide_digits(&w) > (int)FHS_DECIMAL_DIGITS)) {
        *out = *value;
        return true;
    }
    wide_shift_up(&w, w.count > 0 ? (int)up : 0);
    return wide_store(&w, value->negative, exponent, out);
}

bool fhs_decimal_add(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *out)
{
    wide wa;
    wide wb;
    int32_t exponent;
    if (a->limb_count == 0) {
        return add_to_zero(b, a->exponent, out);
    }
    if (b->limb_count == 0) {
        return add_to_zero(a, b->exponent, out);
    }
    if (!align(a, b, &wa, &wb, &exponent)) {
        memset(out, 0, sizeof *out);
        return false;
    }
    bool negative = a->negative;
    if (a->negative == b->negative) {
        wide_add(&wa, &wb);
    } else if (wide_compare(&wa, &wb) >= 0) {
        wide_sub(&wa, &wb);
    } else {
        wide_sub(&wb, &wa);
        wa = wb;
        negative = b->negative;
    }
    return wide_store(&wa, negative, exponent, out);
}

bool fhs_decimal_sub(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *out)
{
    fhs_decimal minus_b = fhs_decimal_negate(*b);
    return fhs_decimal_add(a, &minus_b, out);
}

bool fhs_decimal_mul(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *out)
{
    wide product;
    memset(&product, 0, sizeof product);
    for (size_t i = 0; i < a->limb_count; i++) {
        uint64_t carry = 0;
        for (size_t k = 0; k < b->limb_count; k++) {
            carry += (uint64_t)a->limbs[i] * b->limbs[k] + product.limbs[i + k];
            product.limbs[i + k] = (uint32_t)(carry % FHS_LIMB_BASE);
            carry /= FHS_LIMB_BASE;
        }
        product.limbs[i + b->limb_count] = (uint32_t)carry;
    }
    product.count = (size_t)a->limb_count + b->limb_count;
    wide_trim(&product);
    return wide_store(&product, a->negative != b->negative, (int64_t)a->exponent + b->exponent,
                      out);
}

/*
 * Scale dividend and divisor so that the integer quotient counts units of 10^-scale. A dividend
 * that would be too long means a quotient without room (false); a divisor that would be too long
 * is so much the greater that *is_tiny is set instead.
 */
static bool scale_for_division(const fhs_decimal *a, const fhs_decimal *b, int64_t scale, wide *wa,
                               wide *wb, bool *is_tiny)
{
    int64_t up = (int64_t)a->exponent - b->exponent + scale;
    *wa = wide_from(a);
    *wb = wide_from(b);
    *is_tiny = false;
    if (wa->count == 0) {
        return true;
    }
    if (up >= 0) {
        if (up + wide_digits(wa) > WIDE_DIGITS) {
            return false;
        }
        wide_shift_up(wa, (int)up);
    } else if (wide_digits(wb) - up > wide_digits(wa) + 1) {
        *is_tiny = true;
    } else {
        wide_shift_up(wb, (int)-up);
    }
    return true;
}

bool fhs_decimal_div(const fhs_decimal *a, const fhs_decimal *b, int32_t scale, fhs_decimal *out)
{
    wide wa;
    wide wb;
    wide quotient;
    wide remainder;
    bool is_tiny = false;
    bool negative = a->negative != b->negative;
    bool fits = b->limb_count > 0 && fhs_decimal_exponent_fits(scale) &&
                scale_for_division(a, b, scale, &wa, &wb, &is_tiny);
    memset(out, 0, sizeof *out); /* not before the last look at a and b: it may be one of them */
    if (!fits) {
        return false;
    }
    out->exponent = -scale;
    if (is_tiny) {
        return true;
    }
    wide_divide(&wa, &wb, &quotient, &remainder);
    wide twice = remainder;
    wide_add(&twice, &remainder);
    if (wide_compare(&twice, &wb) >= 0) {
        const wide one = {{1}, 1};
        wide_add(&quotient, &one);
    }
    return wide_store(&quotient, negative, -(int64_t)scale, out);
}

bool fhs_decimal_divmod(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *quotient,
                        fhs_decimal *remainder)
{
    wide wa;
    wide wb;
    wide q;
    wide r;
    bool is_tiny;
    fhs_decimal dividend = *a; /* copies: the outputs may be the inputs */
    fhs_decimal divisor = *b;
    memset(quotient, 0, sizeof *quotient);
    memset(remainder, 0, sizeof *remainder);
    if (divisor.limb_count == 0 ||
        !scale_for_division(&dividend, &divisor, 0, &wa, &wb, &is_tiny)) {
        return false;
    }
    if (is_tiny) {
        *remainder = dividend;
        return true;
    }
    wide_divide(&wa, &wb, &q, &r);
    int32_t low = dividend.exponent < divisor.exponent ? dividend.exponent : divisor.exponent;
    return wide_store(&q, dividend.negative != divisor.negative, 0, quotient) &&
           wide_store(&r, dividend.negative, low, remainder);
}

/* Does cutting off a rest compared to one half as @a half_order mean a step away from zero? */
static bool rounds_away(fhs_rounding how, bool negative, bool has_rest, int half_order)
{
    switch (how) {
    case FHS_ROUND_HALF_UP:
        return half_order >= 0;
    case FHS_ROUND_FLOOR:
        return has_rest && negative;
    case FHS_ROUND_CEILING:
        return has_rest && !negative;
    case FHS_ROUND_DOWN:
        break;
    }
    return false;
}

bool fhs_decimal_round(const fhs_decimal *value, int32_t scale, fhs_rounding how, fhs_decimal *out)
{
    fhs_decimal in = *value;
    memset(out, 0, sizeof *out);
    if (!fhs_decimal_exponent_fits(scale)) {
        return false;
    }
    int64_t drop = -(int64_t)scale - in.exponent;
    if (drop <= 0) {
        return add_to_zero(&in, -scale, out);
    }
    wide w = wide_from(&in);
    const wide one = {{1}, 1};
    bool negative = in.negative;
    int half_order = -1;
    bool has_rest = w.count > 0;
    if (drop > wide_digits(&w)) {
        memset(&w, 0, sizeof w);
    } else {
        wide unit = one;
        wide quotient;
        wide rest;
        wide_shift_up(&unit, (int)drop);
        wide_divide(&w, &unit, &quotient, &rest);
        has_rest = rest.count > 0;
        wide twice = rest;
        wide_add(&twice, &rest);
        half_order = wide_compare(&twice, &unit);
        w = quotient;
    }
    if (rounds_away(how, negative, has_rest, half_order)) {
        wide_add(&w, &one);
    }
    return wide_store(&w, negative, -(int64_t)scale, out);
}

bool fhs_decimal_precision_range(const fhs_decimal *value, fhs_decimal *low, fhs_decimal *high)
{
    fhs_decimal middle = *value;
    fhs_decimal half = fhs_decimal_from_i64(5);
    half.exponent = middle.exponent - 1;
    memset(low, 0, sizeof *low);
    memset(high, 0, sizeof *high);
    return fhs_decimal_exponent_fits(half.exponent) && fhs_decimal_sub(&middle, &half, low) &&
           fhs_decimal_add(&middle, &half, high);
}
