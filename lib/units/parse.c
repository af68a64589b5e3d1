/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of UCUM: terms of components, multiplied up as they are read. */
#include <string.h>

#include "base/limits.h"
#include "units/units_internal.h"

#define MAX_FACTOR_DIGITS 18

typedef struct unit_parser {
    fhs_str code;
    size_t at;
    fhs_unit *unit; /* the product so far */
    unsigned depth; /* of parentheses */
    bool has_other; /* a component was read already: a linear unit may not join */
    fhirstore_error **err;
} unit_parser;

static fhirstore_status fail_unit(unit_parser *p, const char *text)
{
    fhirstore_status status = fhs_fail(p->err, FHIRSTORE_ERR_UNIT, "%s", text);
    fhs_error_at(p->err, p->at, 0, 0);
    return status;
}

static fhirstore_status fail_unit_limit(unit_parser *p, const char *text)
{
    return fhs_fail(p->err, FHIRSTORE_ERR_LIMIT, "%s", text);
}

static bool peek_byte(const unit_parser *p, char c)
{
    return p->at < p->code.len && p->code.ptr[p->at] == c;
}

static bool peek_digit(const unit_parser *p)
{
    return p->at < p->code.len && p->code.ptr[p->at] >= '0' && p->code.ptr[p->at] <= '9';
}

/* The sign and digits of an exponent, if there is one. */
static fhirstore_status read_power(unit_parser *p, int *power_out)
{
    bool negative = peek_byte(p, '-');
    bool has_sign = negative || peek_byte(p, '+');
    int power = 0;
    *power_out = 1;
    p->at += has_sign;
    if (!peek_digit(p)) {
        return has_sign ? fail_unit(p, "a unit's exponent has no digits") : FHIRSTORE_OK;
    }
    while (peek_digit(p)) {
        power = power * 10 + (p->code.ptr[p->at++] - '0');
        if (power > FHS_UNIT_POWER_MAX) {
            return fail_unit_limit(p, "a unit's exponent is too large");
        }
    }
    *power_out = negative ? -power : power;
    return FHIRSTORE_OK;
}

/* "{…}", which means nothing here. */
static fhirstore_status skip_annotation(unit_parser *p)
{
    if (!peek_byte(p, '{')) {
        return FHIRSTORE_OK;
    }
    for (p->at++; p->at < p->code.len; p->at++) {
        unsigned char c = (unsigned char)p->code.ptr[p->at];
        if (c == '}') {
            p->at++;
            return FHIRSTORE_OK;
        }
        if (c == '{' || c < ' ' || c == 0x7F) {
            break;
        }
    }
    return fail_unit(p, "a unit's annotation is not closed");
}

/* Where the symbol that starts at p->at ends; digits and operators count only outside brackets. */
static size_t find_symbol_end(const unit_parser *p)
{
    bool in_brackets = false;
    size_t at = p->at;
    for (; at < p->code.len; at++) {
        char c = p->code.ptr[at];
        if (c == '[') {
            in_brackets = true;
        } else if (c == ']') {
            in_brackets = false;
        } else if (!in_brackets && ((c >= '0' && c <= '9') || memchr("./()+-{}", c, 8) != NULL)) {
            break;
        }
    }
    return at;
}

static fhirstore_status apply_symbol(unit_parser *p, fhs_str symbol, int sign)
{
    fhs_unit atom;
    bool is_special;
    int power;
    if (!fhs_unit_find_atom(symbol, &atom, &is_special)) {
        return fail_unit(p, "there is no such UCUM unit");
    }
    if (is_special) {
        return fail_unit(p, "this special UCUM unit has no conversion");
    }
    p->at += symbol.len;
    fhirstore_status status = read_power(p, &power);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (atom.offset_atom != 0 || p->unit->offset_atom != 0) {
        if (p->has_other || sign < 0 || power != 1) {
            return fail_unit(p, "a unit with an offset stands only alone");
        }
        *p->unit = atom;
        return FHIRSTORE_OK;
    }
    if (!fhs_unit_apply(p->unit, &atom, sign * power)) {
        return fail_unit_limit(p, "the unit is too complex");
    }
    return FHIRSTORE_OK;
}

/* A number: a factor, or the ten of "10*3". */
static fhirstore_status apply_number(unit_parser *p, int sign)
{
    size_t start = p->at;
    int64_t value = 0;
    while (peek_digit(p)) {
        if (p->at - start == MAX_FACTOR_DIGITS) {
            return fail_unit_limit(p, "a number in the unit is too large");
        }
        value = value * 10 + (p->code.ptr[p->at++] - '0');
    }
    if (value == 10 && p->at - start == 2 && (peek_byte(p, '*') || peek_byte(p, '^'))) {
        p->at = start;
        return apply_symbol(p, fhs_str_of(p->code.ptr + start, 3), sign);
    }
    if (value == 0) {
        return fail_unit(p, "a unit has no factor 0");
    }
    int32_t zeros = 0;
    for (; value % 10 == 0; value /= 10) {
        zeros++;
    }
    fhs_unit factor;
    fhs_unit_set_one(&factor);
    factor.numerator = fhs_decimal_from_i64(value);
    factor.numerator.exponent = zeros;
    if (p->unit->offset_atom != 0) {
        return fail_unit(p, "a unit with an offset stands only alone");
    }
    return fhs_unit_apply(p->unit, &factor, sign) ? FHIRSTORE_OK
                                                  : fail_unit_limit(p, "the unit is too complex");
}

static fhirstore_status read_term(unit_parser *p, int sign, bool divides);

static fhirstore_status read_unit_component(unit_parser *p, int sign)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (peek_byte(p, '(')) {
        if (++p->depth > FHS_LIMIT_UNIT_DEPTH) {
            return fail_unit_limit(p, "the unit is nested too deeply");
        }
        p->at++;
        status = read_term(p, sign, false);
        if (status == FHIRSTORE_OK && !peek_byte(p, ')')) {
            return fail_unit(p, "a parenthesis in the unit is not closed");
        }
        p->at++;
        p->depth--;
    } else if (peek_digit(p)) {
        status = apply_number(p, sign);
    } else if (!peek_byte(p, '{')) {
        size_t end = find_symbol_end(p);
        if (end == p->at) {
            return fail_unit(p, "a unit was expected");
        }
        status = apply_symbol(p, fhs_str_of(p->code.ptr + p->at, end - p->at), sign);
    }
    p->has_other = true;
    return status == FHIRSTORE_OK ? skip_annotation(p) : status;
}

/*
 * Components joined by "." and "/", each with the sign of its own operator; the first one's is
 * @a divides. Inside a divided parenthesis @a sign is -1 and turns all of them round.
 */
static fhirstore_status read_term(unit_parser *p, int sign, bool divides)
{
    fhirstore_status status = read_unit_component(p, divides ? -sign : sign);
    while (status == FHIRSTORE_OK && (peek_byte(p, '.') || peek_byte(p, '/'))) {
        divides = peek_byte(p, '/');
        if (p->unit->offset_atom != 0) {
            return fail_unit(p, "a unit with an offset stands only alone");
        }
        p->at++;
        status = read_unit_component(p, divides ? -sign : sign);
    }
    return status;
}

fhirstore_status fhs_unit_parse(fhs_str code, fhs_unit *out, fhirstore_error **err)
{
    unit_parser p = {code, 0, out, 0, false, err};
    fhs_unit_set_one(out);
    if (code.len > FHS_LIMIT_UNIT_BYTES) {
        return fail_unit_limit(&p, "the unit is too long");
    }
    bool divides = peek_byte(&p, '/');
    p.at += divides;
    p.has_other = divides;
    fhirstore_status status = read_term(&p, 1, divides);
    if (status == FHIRSTORE_OK && p.at < code.len) {
        status = fail_unit(&p, "\".\" or \"/\" was expected between units");
    }
    if (status != FHIRSTORE_OK) {
        fhs_unit_set_one(out);
        return status;
    }
    fhs_unit_cancel(out);
    return FHIRSTORE_OK;
}
