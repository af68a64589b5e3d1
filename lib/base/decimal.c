/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals: reading, writing, conversion and sort keys. The arithmetic is in decimal_math.c.
 */
#include "base/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal_internal.h"

/* Zeros that plain notation may add in front of or behind the digits. */
#define PLAIN_ZEROS 72

/*
 * A sort key is one byte for sign and magnitude, then two digits a byte. With E such that
 * value = 0.d1d2d3… × 10^E and d1 not 0, a positive value starts with KEY_ZERO + 1 (E too small for
 * one byte, three bytes follow), KEY_ZERO + 2 … KEY_LARGE - 1 (E itself) or KEY_LARGE (three bytes
 * follow). A pair of digits is stored plus one, so that no byte is 0. Negative values are the
 * complement of all that, closed by KEY_END, which sorts behind every complemented pair.
 */
#define KEY_ZERO     0x80u
#define KEY_SMALL    0x81u
#define KEY_LARGE    0xFFu
#define KEY_BIAS     62 /* E = -62 … 62 take one byte */
#define KEY_END      0xFFu
#define KEY_FAR_BIAS 0x800000

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void fhs_decimal_set_u64(fhs_decimal *out, uint64_t coefficient)
{
    out->limb_count = 0;
    while (coefficient != 0) {
        out->limbs[out->limb_count++] = (uint32_t)(coefficient % FHS_LIMB_BASE);
        coefficient /= FHS_LIMB_BASE;
    }
}

/* Set the coefficient from @a count digits, the first of which is not zero. */
static void set_digits(fhs_decimal *out, const char *digits, size_t count)
{
    out->limb_count = 0;
    while (count > 0) {
        size_t take = count < FHS_LIMB_DIGITS ? count : FHS_LIMB_DIGITS;
        uint32_t limb = 0;
        for (size_t i = count - take; i < count; i++) {
            limb = limb * 10 + (uint32_t)(digits[i] - '0');
        }
        out->limbs[out->limb_count++] = limb;
        count -= take;
    }
}

/* The digits behind 'e'; huge ones saturate, for the range check to refuse. */
static bool read_exponent(fhs_str text, size_t at, int64_t *out)
{
    bool negative = false;
    if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-')) {
        negative = text.ptr[at] == '-';
        at++;
    }
    if (at == text.len) {
        return false;
    }
    int64_t value = 0;
    for (; at < text.len; at++) {
        if (!is_digit(text.ptr[at])) {
            return false;
        }
        if (value <= FHS_DECIMAL_EXPONENT_MAX * INT64_C(10)) {
            value = value * 10 + (text.ptr[at] - '0');
        }
    }
    *out = negative ? -value : value;
    return true;
}

/* What a JSON number is made of, before it is known to fit. */
typedef struct number_parts {
    char digits[FHS_DECIMAL_DIGITS]; /* significant digits, leading zeros left out */
    size_t digit_count;
    int64_t exponent; /* of the last digit kept */
    bool fits;        /* no digit but zero was left out behind them */
} number_parts;

static void take_digit(number_parts *parts, char c, bool is_fraction)
{
    if (parts->digit_count == 0 && c == '0') {
        parts->exponent -= is_fraction ? 1 : 0;
    } else if (parts->digit_count < FHS_DECIMAL_DIGITS) {
        parts->digits[parts->digit_count++] = c;
        parts->exponent -= is_fraction ? 1 : 0;
    } else {
        parts->fits = parts->fits && c == '0';
        parts->exponent += is_fraction ? 0 : 1;
    }
}

static bool read_number(fhs_str text, size_t at, number_parts *parts)
{
    size_t start = at;
    parts->digit_count = 0;
    parts->exponent = 0;
    parts->fits = true;
    while (at < text.len && is_digit(text.ptr[at])) {
        take_digit(parts, text.ptr[at++], false);
    }
    if (at == start || (at > start + 1 && text.ptr[start] == '0')) {
        return false;
    }
    if (at < text.len && text.ptr[at] == '.') {
        start = ++at;
        while (at < text.len && is_digit(text.ptr[at])) {
            take_digit(parts, text.ptr[at++], true);
        }
        if (at == start) {
            return false;
        }
    }
    int64_t exponent = 0;
    if (at < text.len) {
        if ((text.ptr[at] != 'e' && text.ptr[at] != 'E') ||
            !read_exponent(text, at + 1, &exponent)) {
            return false;
        }
    }
    parts->exponent += exponent;
    return parts->fits;
}

bool fhs_decimal_parse(fhs_str text, fhs_decimal *out)
{
    number_parts parts;
    memset(out, 0, sizeof *out);
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (!read_number(text, negative ? 1 : 0, &parts) ||
        !fhs_decimal_exponent_fits(parts.exponent)) {
        return false;
    }
    set_digits(out, parts.digits, parts.digit_count);
    out->exponent = (int32_t)parts.exponent;
    out->negative = negative && out->limb_count > 0;
    return true;
}

fhs_decimal fhs_decimal_from_i64(int64_t value)
{
    fhs_decimal out;
    memset(&out, 0, sizeof out);
    out.negative = value < 0;
    fhs_decimal_set_u64(&out, value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value);
    return out;
}

bool fhs_decimal_is_zero(const fhs_decimal *value)
{
    return value->limb_count == 0;
}

fhs_decimal fhs_decimal_negate(fhs_decimal value)
{
    value.negative = !value.negative && value.limb_count > 0;
    return value;
}

size_t fhs_decimal_digits(const fhs_decimal *value, char out[FHS_DECIMAL_DIGITS])
{
    size_t count = 0;
    for (size_t i = value->limb_count; i > 0; i--) {
        uint32_t limb = value->limbs[i - 1];
        char part[FHS_LIMB_DIGITS];
        for (size_t k = FHS_LIMB_DIGITS; k > 0; k--) {
            part[k - 1] = (char)('0' + limb % 10);
            limb /= 10;
        }
        size_t skip = 0;
        while (count == 0 && skip < FHS_LIMB_DIGITS && part[skip] == '0') {
            skip++;
        }
        memcpy(out + count, part + skip, FHS_LIMB_DIGITS - skip);
        count += FHS_LIMB_DIGITS - skip;
    }
    return count;
}

bool fhs_decimal_to_i64(const fhs_decimal *value, int64_t *out)
{
    fhs_decimal whole;
    *out = 0;
    if (!fhs_decimal_round(value, 0, FHS_ROUND_DOWN, &whole) ||
        fhs_decimal_compare(value, &whole) != 0) {
        return false;
    }
    char digits[FHS_DECIMAL_DIGITS];
    size_t count = fhs_decimal_digits(&whole, digits);
    uint64_t limit = (uint64_t)INT64_MAX + (whole.negative ? 1 : 0);
    uint64_t sum = 0;
    if (whole.exponent < 0 || whole.exponent > 18) {
        return count == 0;
    }
    for (size_t i = 0; i < count + (size_t)whole.exponent; i++) {
        uint64_t digit = i < count ? (uint64_t)(digits[i] - '0') : 0;
        if (sum > (limit - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *out = whole.negative ? (int64_t)((uint64_t)0 - sum) : (int64_t)sum;
    return true;
}

double fhs_decimal_to_double(const fhs_decimal *value)
{
    static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (value->limb_count <= 1 && value->exponent >= -22 && value->exponent <= 22) {
        /* Both operands are exact, so the one rounding is the right one. */
        double coefficient = value->limb_count == 0 ? 0 : (double)value->limbs[0];
        double magnitude = value->exponent < 0 ? coefficient / exact_powers[-value->exponent]
                                               : coefficient * exact_powers[value->exponent];
        return value->negative ? -magnitude : magnitude;
    }
    /* Without a point, strtod() reads the same in every locale. */
    char text[FHS_DECIMAL_DIGITS + 16];
    char digits[FHS_DECIMAL_DIGITS];
    size_t count = fhs_decimal_digits(value, digits);
    if (count == 0) {
        return 0;
    }
    (void)snprintf(text, sizeof text, "%s%.*se%d", value->negative ? "-" : "", (int)count, digits,
                   (int)value->exponent);
    return strtod(text, NULL);
}

fhs_decimal fhs_decimal_normalise(fhs_decimal value)
{
    if (value.limb_count == 0) {
        value.exponent = value.exponent < 0 ? 0 : value.exponent;
        return value;
    }
    if (value.exponent >= 0 || value.limbs[0] % 10 != 0) {
        return value;
    }
    char digits[FHS_DECIMAL_DIGITS];
    size_t count = fhs_decimal_digits(&value, digits);
    while (value.exponent < 0 && digits[count - 1] == '0') {
        count--;
        value.exponent++;
    }
    set_digits(&value, digits, count);
    return value;
}

static void add_zeros(fhs_buf *out, size_t count)
{
    while (count-- > 0) {
        fhs_buf_add_char(out, '0');
    }
}

void fhs_decimal_write(const fhs_decimal *value, fhs_buf *out)
{
    char digits[FHS_DECIMAL_DIGITS];
    size_t count = fhs_decimal_digits(value, digits);
    int32_t exponent = value->exponent;
    if (count == 0) {
        digits[count++] = '0';
        exponent = exponent > 0 ? 0 : exponent;
    }
    if (value->negative) {
        fhs_buf_add_char(out, '-');
    }
    int32_t point = (int32_t)count + exponent; /* digits in front of the point */
    if (exponent > PLAIN_ZEROS || point < -PLAIN_ZEROS) {
        fhs_buf_add(out, digits, count);
        fhs_buf_add_char(out, 'e');
        fhs_buf_add_i64(out, exponent);
    } else if (exponent >= 0) {
        fhs_buf_add(out, digits, count);
        add_zeros(out, (size_t)exponent);
    } else if (point > 0) {
        fhs_buf_add(out, digits, (size_t)point);
        fhs_buf_add_char(out, '.');
        fhs_buf_add(out, digits + point, count - (size_t)point);
    } else {
        fhs_buf_add(out, "0.", 2);
        add_zeros(out, (size_t)-point);
        fhs_buf_add(out, digits, count);
    }
}

/* The head of a positive key; returns its length. */
static size_t key_head(int32_t magnitude, uint8_t *out)
{
    if (magnitude >= -KEY_BIAS && magnitude <= KEY_BIAS) {
        out[0] = (uint8_t)(KEY_SMALL + 1 + (uint32_t)(magnitude + KEY_BIAS));
        return 1;
    }
    uint32_t biased = (uint32_t)(magnitude + KEY_FAR_BIAS);
    out[0] = magnitude < 0 ? KEY_SMALL : KEY_LARGE;
    out[1] = (uint8_t)(biased >> 16);
    out[2] = (uint8_t)(biased >> 8);
    out[3] = (uint8_t)biased;
    return 4;
}

size_t fhs_decimal_sort_key(const fhs_decimal *value, uint8_t out[FHS_DECIMAL_KEY_MAX])
{
    char digits[FHS_DECIMAL_DIGITS];
    size_t count = fhs_decimal_digits(value, digits);
    if (count == 0) {
        out[0] = KEY_ZERO;
        return 1;
    }
    size_t len = key_head((int32_t)count + value->exponent, out);
    while (digits[count - 1] == '0') {
        count--;
    }
    for (size_t i = 0; i < count; i += 2) {
        int pair = (digits[i] - '0') * 10 + (i + 1 < count ? digits[i + 1] - '0' : 0);
        out[len++] = (uint8_t)(pair + 1);
    }
    if (value->negative) {
        for (size_t i = 0; i < len; i++) {
            out[i] = (uint8_t)~out[i];
        }
        out[len++] = KEY_END;
    }
    return len;
}

/* Read the head of a key (complemented back by @a flip); returns its length, 0 when it is none. */
static size_t read_key_head(const uint8_t *key, size_t len, uint8_t flip, int32_t *magnitude_out)
{
    uint8_t head = key[0] ^ flip;
    if (head > KEY_SMALL && head < KEY_LARGE) {
        *magnitude_out = (int32_t)(head - KEY_SMALL - 1) - KEY_BIAS;
        return 1;
    }
    if (len < 4 || head < KEY_SMALL) {
        return 0;
    }
    uint32_t biased = (uint32_t)(uint8_t)(key[1] ^ flip) << 16 |
                      (uint32_t)(uint8_t)(key[2] ^ flip) << 8 | (uint32_t)(uint8_t)(key[3] ^ flip);
    int32_t magnitude = (int32_t)biased - KEY_FAR_BIAS;
    bool far = head == KEY_SMALL ? magnitude < -KEY_BIAS : magnitude > KEY_BIAS;
    *magnitude_out = magnitude;
    return far ? 4 : 0;
}

bool fhs_decimal_from_sort_key(const uint8_t *key, size_t len, fhs_decimal *out)
{
    memset(out, 0, sizeof *out);
    if (len == 0 || len > FHS_DECIMAL_KEY_MAX) {
        return false;
    }
    if (key[0] == KEY_ZERO) {
        return len == 1;
    }
    uint8_t flip = key[0] < KEY_ZERO ? 0xFF : 0;
    if (flip != 0 && key[--len] != KEY_END) {
        return false;
    }
    int32_t magnitude = 0;
    size_t at = len == 0 ? 0 : read_key_head(key, len, flip, &magnitude);
    if (at == 0 || at == len || len - at > FHS_DECIMAL_DIGITS / 2) {
        return false;
    }
    char digits[FHS_DECIMAL_DIGITS];
    size_t count = 0;
    for (; at < len; at++) {
        uint8_t pair = (uint8_t)((key[at] ^ flip) - 1);
        if (pair > 99 || (count == 0 && pair < 10) || (at + 1 == len && pair == 0)) {
            return false;
        }
        digits[count++] = (char)('0' + pair / 10);
        digits[count++] = (char)('0' + pair % 10);
    }
    if (digits[count - 1] == '0') {
        count--;
    }
    out->exponent = magnitude - (int32_t)count;
    out->negative = flip != 0;
    while (out->exponent > FHS_DECIMAL_EXPONENT_MAX && count < FHS_DECIMAL_DIGITS) {
        digits[count++] = '0'; /* it was "10e999999", say */
        out->exponent--;
    }
    set_digits(out, digits, count);
    return fhs_decimal_exponent_fits(out->exponent);
}
