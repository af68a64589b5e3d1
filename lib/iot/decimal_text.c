/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as devices write them, as numbers that FHIR takes. */
#include "base/decimal.h"
#include "iot/observation.h"

#define NUMBER_MAX 96u
#define PLAIN_MAX  24u

/* The text without blanks, sign and separators. */
typedef struct plain_number {
    char digits[NUMBER_MAX];
    size_t len;
    bool is_negative;
    bool has_digit;
} plain_number;

static bool put_number_char(plain_number *number, char c)
{
    if (number->len + 2 >= sizeof number->digits) {
        return false;
    }
    number->digits[number->len++] = c;
    return true;
}

/* One sign, before or behind. */
static bool take_sign(fhs_str *text, bool *is_negative)
{
    char first = text->len > 0 ? text->ptr[0] : '\0';
    char last = text->len > 1 ? text->ptr[text->len - 1] : '\0';
    if (first == '+' || first == '-') {
        *is_negative = first == '-';
        *text = fhs_str_from(*text, 1);
    } else if (last == '+' || last == '-') {
        *is_negative = last == '-';
        text->len--;
    } else {
        *is_negative = false;
    }
    return text->len > 0;
}

static bool is_number_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits before the point; zeros in front and separators are left out. */
static bool take_whole(fhs_str text, size_t *at, plain_number *out)
{
    for (; *at < text.len; (*at)++) {
        char c = text.ptr[*at];
        if (is_number_digit(c)) {
            out->has_digit = true;
            if ((c != '0' || out->len > 0) && !put_number_char(out, c)) {
                return false;
            }
        } else if (c != ',' || !out->has_digit) {
            break;
        }
    }
    return out->len > 0 || put_number_char(out, '0');
}

static bool take_number_fraction(fhs_str text, size_t *at, plain_number *out)
{
    if (*at >= text.len || text.ptr[*at] != '.') {
        return true;
    }
    (*at)++;
    size_t start = out->len;
    if (!put_number_char(out, '.')) {
        return false;
    }
    for (; *at < text.len && is_number_digit(text.ptr[*at]); (*at)++) {
        out->has_digit = true;
        if (!put_number_char(out, text.ptr[*at])) {
            return false;
        }
    }
    out->len = out->len == start + 1 ? start : out->len; /* "5." */
    return true;
}

static bool take_number_exponent(fhs_str text, size_t *at, plain_number *out)
{
    if (*at >= text.len || (text.ptr[*at] != 'e' && text.ptr[*at] != 'E')) {
        return true;
    }
    for (; *at < text.len; (*at)++) {
        if (!put_number_char(out, text.ptr[*at])) {
            return false;
        }
    }
    return true;
}

/* Most numbers are plain as they come: digits that begin with no zero, and perhaps a fraction. */
static bool is_plain_already(fhs_str text)
{
    size_t at = text.len > 0 && text.ptr[0] == '-';
    const size_t first = at;
    while (at < text.len && is_number_digit(text.ptr[at])) {
        at++;
    }
    if (at == first || (text.ptr[first] == '0' && at > first + 1) || text.len > PLAIN_MAX) {
        return false;
    }
    if (at < text.len && text.ptr[at] == '.') {
        const size_t point = at++;
        while (at < text.len && is_number_digit(text.ptr[at])) {
            at++;
        }
        return at == text.len && at > point + 1;
    }
    return at == text.len;
}

bool fhs_iot_decimal_text(fhs_arena *arena, fhs_str text, bool with_exponent, fhs_str *out)
{
    plain_number number = {.len = 0};
    fhs_decimal value;
    fhs_buf plain = FHS_BUF_INIT(256);
    size_t at = 0;
    text = fhs_str_trim(text);
    *out = text;
    if (is_plain_already(text)) {
        return true;
    }
    *out = FHS_STR_NONE;
    /* The sign of an exponent is not that of the number: "1E-5". */
    if (!take_sign(&text, &number.is_negative) || !take_whole(text, &at, &number) ||
        !take_number_fraction(text, &at, &number) ||
        (with_exponent && !take_number_exponent(text, &at, &number)) || at < text.len ||
        !number.has_digit || !fhs_decimal_parse(fhs_str_of(number.digits, number.len), &value)) {
        return false;
    }
    value = number.is_negative ? fhs_decimal_negate(value) : value;
    fhs_decimal_write(&value, &plain);
    if (fhs_buf_status(&plain) == FHIRSTORE_OK) {
        *out = fhs_arena_dup(arena, fhs_buf_str(&plain));
    }
    fhs_buf_clear(&plain);
    return true; /* without memory *out stays empty */
}
