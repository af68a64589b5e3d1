/* SPDX-License-Identifier: Apache-2.0 */
/* + - * / div mod, and the functions of mathematics. Decimals are exact as long as they can be. */
#include <math.h>
#include <stdio.h>

#include "fhirpath/functions.h"

/* Digits behind the point that quotients are carried to. */
#define DIVISION_SCALE 28
/* Roots and logarithms go through binary floating point: so many digits of it are meant. */
#define FLOAT_DIGITS 15

bool fhs_fp_to_decimal(const fhs_fp_item *value, fhs_decimal *out)
{
    if (value->kind == FHS_ITEM_INTEGER || value->kind == FHS_ITEM_LONG) {
        *out = fhs_decimal_from_i64(value->integer);
        return true;
    }
    if (value->kind == FHS_ITEM_DECIMAL) {
        *out = *value->decimal;
        return true;
    }
    return false;
}

bool fhs_fp_to_quantity(const fhs_fp_item *value, fhs_fp_quantity *out)
{
    if (value->kind == FHS_ITEM_QUANTITY) {
        *out = *value->quantity;
        return true;
    }
    *out = (fhs_fp_quantity){.unit = FHS_LIT("1")};
    return fhs_fp_to_decimal(value, &out->value);
}

static bool is_whole(const fhs_fp_item *value)
{
    return value->kind == FHS_ITEM_INTEGER || value->kind == FHS_ITEM_LONG;
}

/* An integer result in the operands' type: what does not fit is empty. */
static fhirstore_status push_whole(fhs_fhirpath_run *run, const fhs_decimal *value, bool is_long)
{
    int64_t number = 0;
    if (!fhs_decimal_to_i64(value, &number)) {
        return FHIRSTORE_OK;
    }
    if (is_long) {
        return fhs_fp_push_long(run, number);
    }
    return number > INT32_MAX || number < INT32_MIN ? FHIRSTORE_OK
                                                    : fhs_fp_push_integer(run, number);
}

static fhirstore_status push_number(fhs_fhirpath_run *run, const fhs_decimal *value,
                                    const fhs_fp_item *a, const fhs_fp_item *b)
{
    if (is_whole(a) && is_whole(b)) {
        return push_whole(run, value, a->kind == FHS_ITEM_LONG || b->kind == FHS_ITEM_LONG);
    }
    return fhs_fp_push_decimal(run, value);
}

static fhirstore_status number_arithmetic(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                          const fhs_fp_item *a, const fhs_fp_item *b)
{
    fhs_decimal x;
    fhs_decimal y;
    fhs_decimal result;
    fhs_decimal rest;
    fhs_fp_to_decimal(a, &x);
    fhs_fp_to_decimal(b, &y);
    bool fits = false;
    switch (op->op) {
    case FHS_OP_ADD:
        fits = fhs_decimal_add(&x, &y, &result);
        break;
    case FHS_OP_SUBTRACT:
        fits = fhs_decimal_sub(&x, &y, &result);
        break;
    case FHS_OP_MULTIPLY:
        fits = fhs_decimal_mul(&x, &y, &result);
        break;
    case FHS_OP_DIVIDE:
        if (!fhs_decimal_div(&x, &y, DIVISION_SCALE, &result)) {
            return FHIRSTORE_OK;
        }
        result = fhs_decimal_normalise(result);
        return fhs_fp_push_decimal(run, &result);
    case FHS_OP_DIV:
        fits = fhs_decimal_divmod(&x, &y, &result, &rest);
        break;
    default:
        fits = fhs_decimal_divmod(&x, &y, &rest, &result);
        break;
    }
    return fits ? push_number(run, &result, a, b) : FHIRSTORE_OK;
}

static fhirstore_status quantity_arithmetic(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                            const fhs_fp_item *a, const fhs_fp_item *b)
{
    fhs_fp_quantity x;
    fhs_fp_quantity y;
    fhs_fp_quantity result;
    bool found = false;
    if (!fhs_fp_to_quantity(a, &x) || !fhs_fp_to_quantity(b, &y) || op->op == FHS_OP_DIV ||
        op->op == FHS_OP_MOD) {
        return fhs_fp_fail(run, op, "the operator does not apply to these types");
    }
    if (op->op == FHS_OP_MULTIPLY || op->op == FHS_OP_DIVIDE) {
        FHS_TRY(fhs_fp_quantity_multiply(run, &x, &y, op->op == FHS_OP_DIVIDE, &result, &found));
    } else {
        FHS_TRY(fhs_fp_quantity_add(run, &x, &y, op->op == FHS_OP_SUBTRACT, &result, &found));
    }
    return found ? fhs_fp_push_quantity(run, &result) : FHIRSTORE_OK;
}

static fhirstore_status join_strings(fhs_fhirpath_run *run, fhs_str a, fhs_str b)
{
    FHS_TRY(fhs_fp_work(run, 1 + (a.len + b.len) / 64));
    char *text = fhs_arena_alloc(&run->arena, a.len + b.len + 1);
    if (text == NULL) {
        return fhs_fp_memory(run);
    }
    if (a.len > 0) {
        memcpy(text, a.ptr, a.len);
    }
    if (b.len > 0) {
        memcpy(text + a.len, b.ptr, b.len);
    }
    return fhs_fp_push_string(run, fhs_str_of(text, a.len + b.len));
}

fhirstore_status fhs_fp_arithmetic(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                   const fhs_fp_item *a, const fhs_fp_item *b)
{
    fhs_decimal ignored;
    bool sum = op->op == FHS_OP_ADD || op->op == FHS_OP_SUBTRACT;
    if (fhs_fp_to_decimal(a, &ignored) && fhs_fp_to_decimal(b, &ignored)) {
        return number_arithmetic(run, op, a, b);
    }
    if (op->op == FHS_OP_ADD && a->kind == FHS_ITEM_STRING && b->kind == FHS_ITEM_STRING) {
        return join_strings(run, a->text, b->text);
    }
    if (sum && b->kind == FHS_ITEM_QUANTITY &&
        (a->kind == FHS_ITEM_DATE || a->kind == FHS_ITEM_DATETIME || a->kind == FHS_ITEM_TIME)) {
        return fhs_fp_date_add(run, op, a, b->quantity, op->op == FHS_OP_SUBTRACT);
    }
    if (a->kind == FHS_ITEM_QUANTITY || b->kind == FHS_ITEM_QUANTITY) {
        return quantity_arithmetic(run, op, a, b);
    }
    return fhs_fp_fail(run, op, "the operator does not apply to these types");
}

fhirstore_status fhs_fp_negate(fhs_fhirpath_run *run, const fhs_fp_step *op, const fhs_fp_item *a)
{
    fhs_decimal value;
    if (a->kind == FHS_ITEM_QUANTITY) {
        fhs_fp_quantity quantity = *a->quantity;
        quantity.value = op->op == FHS_OP_ADD ? quantity.value : fhs_decimal_negate(quantity.value);
        return fhs_fp_push_quantity(run, &quantity);
    }
    if (!fhs_fp_to_decimal(a, &value)) {
        return fhs_fp_fail(run, op, "only numbers and quantities have a sign");
    }
    if (op->op == FHS_OP_ADD) {
        return fhs_fp_push(run, a);
    }
    value = fhs_decimal_negate(value);
    return push_number(run, &value, a, a);
}

/* ---- functions ---- */

/* The input of a function of mathematics: a number, or a quantity where @a quantity is not NULL. */
static fhirstore_status number_input(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                     fhs_fp_item *item, fhs_decimal *out, bool quantity,
                                     bool *found)
{
    *out = (fhs_decimal){.limb_count = 0};
    FHS_TRY(fhs_fp_single(run, op, base, item, found));
    if (!*found || fhs_fp_to_decimal(item, out)) {
        return FHIRSTORE_OK;
    }
    if (quantity && item->kind == FHS_ITEM_QUANTITY) {
        *out = item->quantity->value;
        return FHIRSTORE_OK;
    }
    if (item->kind == FHS_ITEM_NODE && item->node.json == NULL) {
        *found = false;
        return FHIRSTORE_OK;
    }
    return fhs_fp_fail(run, op, "a number is needed here");
}

/* The result in the kind of the input: a quantity keeps its unit. */
static fhirstore_status push_like(fhs_fhirpath_run *run, const fhs_fp_item *item,
                                  const fhs_decimal *value)
{
    if (item->kind == FHS_ITEM_QUANTITY) {
        fhs_fp_quantity quantity = *item->quantity;
        quantity.value = *value;
        return fhs_fp_push_quantity(run, &quantity);
    }
    return push_number(run, value, item, item);
}

FHS_FP_CALL(abs)
{
    (void)scope;
    fhs_fp_item item;
    fhs_decimal value;
    bool found = false;
    FHS_TRY(number_input(run, op, base, &item, &value, true, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    value = value.negative ? fhs_decimal_negate(value) : value;
    return push_like(run, &item, &value);
}

static fhirstore_status to_whole(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                 fhs_rounding how)
{
    fhs_fp_item item;
    fhs_decimal value;
    bool found = false;
    FHS_TRY(number_input(run, op, base, &item, &value, true, &found));
    if (!found || !fhs_decimal_round(&value, 0, how, &value)) {
        return FHIRSTORE_OK;
    }
    if (item.kind == FHS_ITEM_QUANTITY) {
        return push_like(run, &item, &value);
    }
    return push_whole(run, &value, item.kind == FHS_ITEM_LONG);
}

FHS_FP_CALL(ceiling)
{
    (void)scope;
    return to_whole(run, op, base, FHS_ROUND_CEILING);
}

FHS_FP_CALL(floor)
{
    (void)scope;
    return to_whole(run, op, base, FHS_ROUND_FLOOR);
}

FHS_FP_CALL(truncate)
{
    (void)scope;
    return to_whole(run, op, base, FHS_ROUND_DOWN);
}

FHS_FP_CALL(round)
{
    fhs_fp_item item;
    fhs_decimal value;
    bool found = false;
    int64_t digits = 0;
    FHS_TRY(number_input(run, op, base, &item, &value, true, &found));
    if (op->arg_count > 0) {
        bool given = false;
        FHS_TRY(fhs_fp_eval_integer(run, op->args[0], scope, &digits, &given));
        if (given && digits < 0) {
            return fhs_fp_fail(run, op->args[0], "the precision must not be negative");
        }
        found = found && given;
    }
    if (!found) {
        return FHIRSTORE_OK;
    }
    int32_t scale = digits > 100 ? 100 : (int32_t)digits;
    /* Rounding never adds digits. */
    if (value.exponent < -scale && !fhs_decimal_round(&value, scale, FHS_ROUND_HALF_UP, &value)) {
        return FHIRSTORE_OK;
    }
    if (item.kind == FHS_ITEM_QUANTITY) {
        return push_like(run, &item, &value);
    }
    return fhs_fp_push_decimal(run, &value);
}

/* A double as decimal of the digits that it really has; false: no number. */
static bool decimal_of_double(double number, fhs_decimal *out)
{
    char text[64];
    if (!isfinite(number)) {
        return false;
    }
    int len = snprintf(text, sizeof(text), "%.*e", FLOAT_DIGITS - 1, number);
    /* printf follows the locale's decimal point, the parser does not. */
    for (int i = 0; i < len; i++) {
        if (text[i] == ',') {
            text[i] = '.';
        }
    }
    if (!fhs_decimal_parse(fhs_str_of(text, (size_t)len), out)) {
        return false;
    }
    *out = fhs_decimal_normalise(*out);
    return out->exponent > -100 && out->exponent < 100;
}

static fhirstore_status push_double(fhs_fhirpath_run *run, double number)
{
    fhs_decimal value;
    return decimal_of_double(number, &value) ? fhs_fp_push_decimal(run, &value) : FHIRSTORE_OK;
}

FHS_FP_CALL(exp)
{
    (void)scope;
    fhs_fp_item item;
    fhs_decimal value;
    bool found = false;
    FHS_TRY(number_input(run, op, base, &item, &value, false, &found));
    return found ? push_double(run, exp(fhs_decimal_to_double(&value))) : FHIRSTORE_OK;
}

FHS_FP_CALL(ln)
{
    (void)scope;
    fhs_fp_item item;
    fhs_decimal value;
    bool found = false;
    FHS_TRY(number_input(run, op, base, &item, &value, false, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    double number = fhs_decimal_to_double(&value);
    return number > 0 ? push_double(run, log(number)) : FHIRSTORE_OK;
}

/* The number that an argument gives. */
static fhirstore_status number_argument(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                        const fhs_fp_scope *scope, fhs_decimal *out, bool *found)
{
    fhs_fp_item item;
    FHS_TRY(fhs_fp_eval_single(run, op, scope, &item, found));
    return !*found || fhs_fp_to_decimal(&item, out)
               ? FHIRSTORE_OK
               : fhs_fp_fail(run, op, "a number is needed here");
}

FHS_FP_CALL(log)
{
    fhs_fp_item item;
    fhs_decimal value;
    fhs_decimal to;
    bool found = false;
    bool given = false;
    FHS_TRY(number_input(run, op, base, &item, &value, false, &found));
    FHS_TRY(number_argument(run, op->args[0], scope, &to, &given));
    if (!found || !given) {
        return FHIRSTORE_OK;
    }
    double x = fhs_decimal_to_double(&value);
    double y = fhs_decimal_to_double(&to);
    if (x <= 0 || y <= 0) {
        return fhs_fp_fail(run, op, "logarithms are of positive numbers");
    }
    return push_double(run, log(x) / log(y));
}

/* Exact for whole exponents of moderate size; false: the result does not fit. */
static bool whole_power(const fhs_decimal *value, int64_t exponent, fhs_decimal *out)
{
    fhs_decimal result = fhs_decimal_from_i64(1);
    for (int64_t i = 0; i < (exponent < 0 ? -exponent : exponent); i++) {
        if (!fhs_decimal_mul(&result, value, &result)) {
            return false;
        }
    }
    if (exponent < 0) {
        fhs_decimal one = fhs_decimal_from_i64(1);
        if (!fhs_decimal_div(&one, &result, DIVISION_SCALE, &result)) {
            return false;
        }
        result = fhs_decimal_normalise(result);
    }
    *out = result;
    return true;
}

FHS_FP_CALL(power)
{
    fhs_fp_item item;
    fhs_decimal value;
    fhs_decimal exponent;
    bool found = false;
    bool given = false;
    int64_t whole = 0;
    FHS_TRY(number_input(run, op, base, &item, &value, false, &found));
    FHS_TRY(number_argument(run, op->args[0], scope, &exponent, &given));
    if (!found || !given) {
        return FHIRSTORE_OK;
    }
    if (fhs_decimal_to_i64(&exponent, &whole) && whole <= 256 && whole >= -256 &&
        whole_power(&value, whole, &value)) {
        return fhs_fp_push_decimal(run, &value);
    }
    return push_double(run, pow(fhs_decimal_to_double(&value), fhs_decimal_to_double(&exponent)));
}

FHS_FP_CALL(sqrt)
{
    (void)scope;
    fhs_fp_item item;
    fhs_decimal value;
    bool found = false;
    FHS_TRY(number_input(run, op, base, &item, &value, false, &found));
    double number = found ? fhs_decimal_to_double(&value) : -1;
    return number >= 0 ? push_double(run, sqrt(number)) : FHIRSTORE_OK;
}
