/* SPDX-License-Identifier: Apache-2.0 */
#include "expression/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No double needs more digits to be told from its neighbours; what follows only decides ties. */
#define DIGITS_MAX 780u
/* Decimals of this many digits survive the way to a double and back. */
#define EXACT_DIGITS 15u
#define EXPONENT_MAX 100000

/* digits × 10^exponent, without leading and trailing zeros; no digits: zero. */
typedef struct decimal_digits {
    bool negative;
    uint32_t count;
    int32_t exponent;
    char digits[DIGITS_MAX + 2];
} decimal_digits;

static bool is_decimal_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits at @a *at; @a scale: each of them stands behind the point. */
static bool take_number_digits(fhs_str text, size_t *at, bool behind_point, decimal_digits *out)
{
    size_t start = *at;
    for (; *at < text.len && is_decimal_digit(text.ptr[*at]); ++*at) {
        char c = text.ptr[*at];
        if (out->count == 0 && c == '0') {
            out->exponent -= behind_point;
        } else if (out->count < DIGITS_MAX) {
            out->digits[out->count++] = c;
            out->exponent -= behind_point;
        } else {
            /* One more digit says that there was something. */
            out->digits[DIGITS_MAX] = c > out->digits[DIGITS_MAX] ? c : out->digits[DIGITS_MAX];
            out->exponent += !behind_point;
        }
    }
    return *at > start;
}

static bool take_exponent(fhs_str text, size_t *at, int32_t *out)
{
    bool negative = false;
    int32_t value = 0;
    if (*at < text.len && (text.ptr[*at] == '+' || text.ptr[*at] == '-')) {
        negative = text.ptr[*at] == '-';
        ++*at;
    }
    size_t start = *at;
    for (; *at < text.len && is_decimal_digit(text.ptr[*at]); ++*at) {
        value = value > EXPONENT_MAX ? value : value * 10 + (text.ptr[*at] - '0');
    }
    *out = negative ? -value : value;
    return *at > start;
}

static bool read_digits(fhs_str text, decimal_digits *out)
{
    size_t at = 0;
    int32_t exponent = 0;
    out->negative = false;
    out->count = 0;
    out->exponent = 0;
    out->digits[DIGITS_MAX] = '0';
    if (text.len > EXPONENT_MAX) {
        return false;
    }
    if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+')) {
        out->negative = text.ptr[at++] == '-';
    }
    bool some = take_number_digits(text, &at, false, out);
    if (at < text.len && text.ptr[at] == '.') {
        at++;
        some = take_number_digits(text, &at, true, out) || some;
    }
    if (some && at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        some = take_exponent(text, &at, &exponent);
    }
    if (out->digits[DIGITS_MAX] != '0') {
        out->count = DIGITS_MAX + 1;
        out->exponent--;
    }
    while (out->count > 0 && out->digits[out->count - 1] == '0') {
        out->count--;
        out->exponent++;
    }
    out->exponent += exponent;
    return some && at == text.len;
}

static double digits_to_double(const decimal_digits *number)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double value = 0;
    if (number->count <= EXACT_DIGITS && number->exponent >= -22 && number->exponent <= 22) {
        /* Both are exact, so one rounding is all there is. */
        uint64_t mantissa = 0;
        for (uint32_t i = 0; i < number->count; i++) {
            mantissa = mantissa * 10 + (uint64_t)(number->digits[i] - '0');
        }
        value = number->exponent < 0 ? (double)mantissa / powers[-number->exponent]
                                     : (double)mantissa * powers[number->exponent];
    } else if (number->count > 0) {
        /* Without a point, strtod() reads the same in every locale. */
        char text[DIGITS_MAX + 16];
        memcpy(text, number->digits, number->count);
        (void)snprintf(text + number->count, 16, "e%d", (int)number->exponent);
        value = strtod(text, NULL);
    }
    return number->negative ? -value : value;
}

bool fhs_expression_read_double(fhs_str text, double *out)
{
    decimal_digits number;
    if (fhs_str_eq(text, FHS_LIT("NaN"))) {
        *out = (double)NAN;
        return true;
    }
    if (fhs_str_eq(text, FHS_LIT("Infinity")) || fhs_str_eq(text, FHS_LIT("-Infinity"))) {
        *out = text.ptr[0] == '-' ? -HUGE_VAL : HUGE_VAL;
        return true;
    }
    if (!read_digits(text, &number)) {
        return false;
    }
    *out = digits_to_double(&number);
    return true;
}

bool fhs_expression_read_integer(fhs_str text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t at = negative || (text.len > 0 && text.ptr[0] == '+') ? 1 : 0;
    uint64_t max = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;
    if (at == text.len) {
        return false;
    }
    for (; at < text.len; at++) {
        uint64_t digit = (uint64_t)(unsigned char)text.ptr[at] - '0';
        if (digit > 9 || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool fhs_expression_is_double(fhs_str lexeme)
{
    for (size_t i = 0; i < lexeme.len; i++) {
        char c = lexeme.ptr[i];
        if (!is_decimal_digit(c) && c != '-') {
            return true;
        }
    }
    return false;
}

int fhs_expression_compare_integers(fhs_str a, fhs_str b)
{
    bool a_negative = a.len > 0 && a.ptr[0] == '-';
    bool b_negative = b.len > 0 && b.ptr[0] == '-';
    fhs_str a_digits = fhs_str_from(a, a_negative);
    fhs_str b_digits = fhs_str_from(b, b_negative);
    int order = a_digits.len != b_digits.len ? (a_digits.len < b_digits.len ? -1 : 1)
                                             : fhs_str_compare(a_digits, b_digits);
    if (a_negative != b_negative) {
        bool both_zero = fhs_str_eq(a_digits, FHS_LIT("0")) && fhs_str_eq(b_digits, FHS_LIT("0"));
        return both_zero ? 0 : (a_negative ? -1 : 1);
    }
    return a_negative ? -order : order;
}

/* ---- out ---- */

/* @a count digits of which the first stands before the point of the scientific form. */
static size_t lay_out(bool negative, const char *digits, uint32_t count, int32_t exponent,
                      char out[FHS_EXPRESSION_NUMBER_MAX])
{
    size_t len = 0;
    if (negative) {
        out[len++] = '-';
    }
    if (count == 0) {
        out[len++] = '0';
    } else if (exponent >= 15 || exponent < -4) {
        out[len++] = digits[0];
        if (count > 1) {
            out[len++] = '.';
            memcpy(out + len, digits + 1, count - 1);
            len += count - 1;
        }
        int written = snprintf(out + len, FHS_EXPRESSION_NUMBER_MAX - len, "E%c%02d",
                               exponent < 0 ? '-' : '+', abs((int)exponent));
        return len + (size_t)written;
    } else if (exponent < 0) {
        out[len++] = '0';
        out[len++] = '.';
        for (int32_t i = exponent + 1; i < 0; i++) {
            out[len++] = '0';
        }
        memcpy(out + len, digits, count);
        len += count;
    } else {
        for (int32_t i = 0; i <= exponent || i < (int32_t)count; i++) {
            if (i == exponent + 1) {
                out[len++] = '.';
            }
            out[len++] = i < (int32_t)count ? digits[i] : '0';
        }
    }
    out[len] = '\0';
    return len;
}

/* The digits of a finite number with @a precision of them; whether they say which double it is. */
static bool round_to_digits(double number, int precision, char digits[20], int32_t *exponent)
{
    char text[40];
    decimal_digits back = {.negative = number < 0};
    uint32_t count = 0;
    /* The character behind the first digit is the locale's. */
    int length = snprintf(text, sizeof text, "%.*e", precision - 1, number);
    const char *e = memchr(text, 'e', (size_t)length);
    for (const char *p = text; p < e; p++) {
        if (is_decimal_digit(*p)) {
            digits[count++] = *p;
        }
    }
    *exponent = (int32_t)strtol(e + 1, NULL, 10);
    memcpy(back.digits, digits, count);
    back.count = count;
    back.exponent = *exponent - (int32_t)count + 1;
    return digits_to_double(&back) == number;
}

size_t fhs_expression_format_double(double number, char out[FHS_EXPRESSION_NUMBER_MAX])
{
    char digits[20] = "";
    int32_t exponent = 0;
    bool negative = signbit(number) != 0;
    if (isnan(number) || isinf(number)) {
        const char *text = isnan(number) ? "NaN" : (negative ? "-Infinity" : "Infinity");
        memcpy(out, text, strlen(text) + 1);
        return strlen(text);
    }
    if (number == 0) {
        return lay_out(negative, digits, 0, 0, out);
    }
    /* Below the normal range fewer than 15 digits may do; elsewhere zeros at the end are cut. */
    int precision = fabs(number) < 2.3e-308 ? 1 : (int)EXACT_DIGITS;
    while (!round_to_digits(number, precision, digits, &exponent) && precision < 17) {
        precision++;
    }
    uint32_t count = (uint32_t)precision;
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    return lay_out(negative, digits, count, exponent, out);
}

size_t fhs_expression_format_lexeme(fhs_str lexeme, char out[FHS_EXPRESSION_NUMBER_MAX])
{
    decimal_digits number;
    double value;
    if (read_digits(lexeme, &number) && number.count <= EXACT_DIGITS && number.exponent > -300 &&
        number.exponent < 290) {
        return lay_out(number.negative, number.digits, number.count,
                       number.exponent + (int32_t)number.count - 1, out);
    }
    return fhs_expression_read_double(lexeme, &value) ? fhs_expression_format_double(value, out)
                                                      : lay_out(false, "", 0, 0, out);
}
