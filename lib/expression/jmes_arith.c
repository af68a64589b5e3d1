/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JMESPath: arithmetic and what device data needs. Two integers make an integer, which wraps at 64
 * bits where the function has no other word for it; any double makes a double.
 */
#include <math.h>
#include <string.h>

#include "base/instant.h"
#include "base/utf8.h"
#include "expression/jmes_internal.h"

/* The first double that is too large for int64. */
#define INT64_LIMIT 9223372036854775808.0

typedef struct operands {
    bool are_integers;
    int64_t left, right;
    double left_double, right_double;
} operands;

static operands read_operands(const fhs_jmes_argument *arguments)
{
    operands out = {.are_integers = false};
    out.are_integers = fhs_expression_integer(arguments[0].value, &out.left) &&
                       fhs_expression_integer(arguments[1].value, &out.right);
    fhs_expression_double(arguments[0].value, &out.left_double);
    fhs_expression_double(arguments[1].value, &out.right_double);
    return out;
}

static const fhs_json *made_integer(fhs_jmes_run *run, int64_t value)
{
    return fhs_jmes_made(run, fhs_expression_make_integer(run->run->arena, value));
}

static const fhs_json *made_double(fhs_jmes_run *run, double value)
{
    return fhs_jmes_made(run, fhs_expression_make_double(run->run->arena, value));
}

/* Two's complement, as the processor would. */
static int64_t wrap_integer(uint64_t value)
{
    int64_t out;
    memcpy(&out, &value, sizeof out);
    return out;
}

FHS_JMES_BODY(fhs_jmes_add)
{
    operands of = read_operands(arguments);
    (void)call;
    (void)count;
    return of.are_integers ? made_integer(run, wrap_integer((uint64_t)of.left + (uint64_t)of.right))
                           : made_double(run, of.left_double + of.right_double);
}

FHS_JMES_BODY(fhs_jmes_subtract)
{
    operands of = read_operands(arguments);
    (void)call;
    (void)count;
    return of.are_integers ? made_integer(run, wrap_integer((uint64_t)of.left - (uint64_t)of.right))
                           : made_double(run, of.left_double - of.right_double);
}

FHS_JMES_BODY(fhs_jmes_multiply)
{
    operands of = read_operands(arguments);
    (void)call;
    (void)count;
    return of.are_integers ? made_integer(run, wrap_integer((uint64_t)of.left * (uint64_t)of.right))
                           : made_double(run, of.left_double * of.right_double);
}

FHS_JMES_BODY(fhs_jmes_divide)
{
    operands of = read_operands(arguments);
    (void)count;
    if (!of.are_integers) {
        /* Division by zero is an infinity here; the processor's rule, said in C. */
        return made_double(run, of.right_double != 0 ? of.left_double / of.right_double
                                : of.left_double == 0 || isnan(of.left_double)
                                    ? (double)NAN
                                    : copysign(HUGE_VAL, of.left_double) *
                                          copysign(1.0, of.right_double));
    }
    if (of.right == 0) {
        return fhs_jmes_refuse(run, call, "an integer is divided by 0");
    }
    if (of.left == INT64_MIN && of.right == -1) {
        return fhs_jmes_refuse(run, call, "the result is no 64-bit integer");
    }
    return made_integer(run, of.left / of.right);
}

FHS_JMES_BODY(fhs_jmes_pow)
{
    operands of = read_operands(arguments);
    double result = pow(of.left_double, of.right_double);
    (void)count;
    if (!of.are_integers) {
        return made_double(run, result);
    }
    result = nearbyint(result); /* halves go to the even neighbour */
    if (!(result >= -INT64_LIMIT && result < INT64_LIMIT)) {
        return fhs_jmes_refuse(run, call, "the result is no 64-bit integer");
    }
    return made_integer(run, (int64_t)result);
}

FHS_JMES_BODY(fhs_jmes_abs)
{
    int64_t integer = 0;
    double number = 0;
    (void)count;
    if (!fhs_expression_integer(arguments[0].value, &integer)) {
        fhs_expression_double(arguments[0].value, &number);
        return made_double(run, fabs(number));
    }
    if (integer == INT64_MIN) {
        return fhs_jmes_refuse(run, call, "the result is no 64-bit integer");
    }
    return integer < 0 ? made_integer(run, -integer) : arguments[0].value;
}

/* What rounding made, as an integer where there is one. */
static const fhs_json *rounded(fhs_jmes_run *run, const fhs_json *value, double (*rounding)(double))
{
    double number = 0;
    if (fhs_expression_kind_of(value) != FHS_EXPRESSION_DOUBLE) {
        return value;
    }
    fhs_expression_double(value, &number);
    number = rounding(number);
    return number >= -INT64_LIMIT && number < INT64_LIMIT ? made_integer(run, (int64_t)number)
                                                          : made_double(run, number);
}

FHS_JMES_BODY(fhs_jmes_ceil)
{
    (void)call;
    (void)count;
    return rounded(run, arguments[0].value, ceil);
}

FHS_JMES_BODY(fhs_jmes_floor)
{
    (void)call;
    (void)count;
    return rounded(run, arguments[0].value, floor);
}

/* False: the integers do not fit, or some are none. */
static bool sum_integers(const fhs_json *list, int64_t *out)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        int64_t value = 0;
        if (!fhs_expression_integer(&list->items[i], &value) ||
            (value > 0 ? sum > INT64_MAX - value : sum < INT64_MIN - value)) {
            return false;
        }
        sum += value;
    }
    *out = sum;
    return true;
}

static double sum_doubles(const fhs_json *list)
{
    double sum = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        double value = 0;
        fhs_expression_double(&list->items[i], &value);
        sum += value;
    }
    return sum;
}

FHS_JMES_BODY(fhs_jmes_sum)
{
    int64_t sum = 0;
    (void)call;
    (void)count;
    return sum_integers(arguments[0].value, &sum)
               ? made_integer(run, sum)
               : made_double(run, sum_doubles(arguments[0].value));
}

FHS_JMES_BODY(fhs_jmes_avg)
{
    const fhs_json *list = arguments[0].value;
    (void)call;
    (void)count;
    return list->count == 0 ? fhs_jmes_null()
                            : made_double(run, sum_doubles(list) / (double)list->count);
}

/* The byte before which UTF-16 unit @a position stands; false: there is none, or within a pair. */
static bool find_position(fhs_str text, int64_t position, size_t *at_out)
{
    int64_t units = 0;
    size_t at = 0;
    while (units < position && at < text.len) {
        units += fhs_utf8_next(text, &at) > 0xFFFF ? 2 : 1;
    }
    *at_out = at;
    return units == position;
}

FHS_JMES_BODY(fhs_jmes_insert_string)
{
    fhs_str original = arguments[0].value->text;
    fhs_str inserted = arguments[1].value->text;
    int64_t position = 0;
    size_t at = 0;
    (void)count;
    if (!fhs_expression_integer(arguments[2].value, &position)) {
        return fhs_jmes_refuse(run, call, "the position must be an integer");
    }
    if (position < 0 || !find_position(original, position, &at)) {
        return fhs_jmes_refuse(run, call, "the position lies outside of the text");
    }
    char *text = fhs_jmes_alloc(run, original.len + inserted.len + 1);
    if (text == NULL) {
        return fhs_jmes_made(run, NULL);
    }
    memcpy(text, original.ptr, at);
    memcpy(text + at, inserted.ptr, inserted.len);
    memcpy(text + at + inserted.len, original.ptr + at, original.len - at);
    return fhs_jmes_made(run, fhs_expression_make_string(
                                  run->run->arena, fhs_str_of(text, original.len + inserted.len)));
}

/* An instant so many @a units of @a ticks after 1970. */
static const fhs_json *instant_of(fhs_jmes_run *run, const fhs_jmes_node *call,
                                  const fhs_json *value, int64_t ticks)
{
    /* The calendar goes from year 1 to year 9999. */
    const int64_t days = fhs_days_from_civil(9999, 12, 31) + 1;
    const int64_t last = days * 86400 * FHS_TICKS_PER_SECOND - 1;
    int64_t units = 0;
    if (!fhs_expression_integer(value, &units)) {
        return fhs_jmes_refuse(run, call, "the time must be an integer");
    }
    if (units < -FHS_TICKS_AT_EPOCH / ticks || units > (last - FHS_TICKS_AT_EPOCH) / ticks) {
        return fhs_jmes_refuse(run, call, "the time lies outside of the years 1 to 9999");
    }
    return fhs_jmes_made(
        run, fhs_expression_make_date(run->run->arena, FHS_TICKS_AT_EPOCH + units * ticks));
}

FHS_JMES_BODY(fhs_jmes_from_unix)
{
    (void)count;
    return instant_of(run, call, arguments[0].value, FHS_TICKS_PER_SECOND);
}

FHS_JMES_BODY(fhs_jmes_from_unix_ms)
{
    (void)count;
    return instant_of(run, call, arguments[0].value, FHS_TICKS_PER_SECOND / 1000);
}
