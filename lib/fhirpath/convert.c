/* SPDX-License-Identifier: Apache-2.0 */
/* toX() and convertsToX(): one conversion each; convertsToX() asks whether it gave anything. */
#include "base/limits.h"
#include "fhirpath/functions.h"

/* Converts @a value and pushes the result, or pushes nothing. */
typedef fhirstore_status (*conversion)(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                       const fhs_fp_scope *scope, const fhs_fp_item *value);

static fhirstore_status convert(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                const fhs_fp_scope *scope, uint32_t base, conversion how, bool test)
{
    fhs_fp_item value;
    bool found = false;
    FHS_TRY(fhs_fp_single(run, op, base, &value, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(how(run, op, scope, &value));
    if (!test) {
        return FHIRSTORE_OK;
    }
    bool converts = run->top > base;
    run->top = base;
    return fhs_fp_push_boolean(run, converts);
}

#define FHS_FP_CONVERSION(name, how)                      \
    FHS_FP_CALL(to_##name)                                \
    {                                                     \
        return convert(run, op, scope, base, how, false); \
    }                                                     \
    FHS_FP_CALL(converts_to_##name)                       \
    {                                                     \
        return convert(run, op, scope, base, how, true);  \
    }

/* ---- Boolean ---- */

static int boolean_of_text(fhs_str text)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "1", "1.0"};
    static const char *const no[] = {"false", "f", "no", "n", "0", "0.0"};
    for (size_t i = 0; i < FHS_COUNT_OF(yes); i++) {
        if (fhs_str_eq_ascii_case(text, fhs_str_from_cstr(yes[i]))) {
            return 1;
        }
        if (fhs_str_eq_ascii_case(text, fhs_str_from_cstr(no[i]))) {
            return 0;
        }
    }
    return -1;
}

static fhirstore_status convert_boolean(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                        const fhs_fp_scope *scope, const fhs_fp_item *value)
{
    (void)op;
    (void)scope;
    int answer = -1;
    fhs_decimal number;
    if (value->kind == FHS_ITEM_BOOLEAN) {
        answer = value->boolean;
    } else if (value->kind == FHS_ITEM_STRING) {
        answer = boolean_of_text(value->text);
    } else if (fhs_fp_to_decimal(value, &number)) {
        fhs_decimal one = fhs_decimal_from_i64(1);
        answer = fhs_decimal_is_zero(&number)              ? 0
                 : fhs_decimal_compare(&number, &one) == 0 ? 1
                                                           : -1;
    }
    return answer < 0 ? FHIRSTORE_OK : fhs_fp_push_boolean(run, answer == 1);
}

FHS_FP_CONVERSION(boolean, convert_boolean)

/* ---- numbers ---- */

/* (+|-)?digits, with a fraction where @a fraction: false for anything else. */
static bool number_of_text(fhs_str text, bool fraction, fhs_decimal *out)
{
    size_t at = 0;
    if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-')) {
        at++;
    }
    bool negative = at == 1 && text.ptr[0] == '-';
    size_t from = at;
    size_t point = text.len;
    for (; at < text.len; at++) {
        if (text.ptr[at] == '.' && point == text.len && at > from && at + 1 < text.len &&
            fraction) {
            point = at;
        } else if (text.ptr[at] < '0' || text.ptr[at] > '9') {
            return false;
        }
    }
    /* JSON numbers have no leading zeros. */
    while (from + 1 < point && text.ptr[from] == '0') {
        from++;
    }
    if (from == text.len || !fhs_decimal_parse(fhs_str_from(text, from), out)) {
        return false;
    }
    *out = negative ? fhs_decimal_negate(*out) : *out;
    return true;
}

/* A whole number within @a min and @a max; false: not convertible. */
static bool whole_of(const fhs_fp_item *value, int64_t min, int64_t max, int64_t *out)
{
    fhs_decimal number;
    if (value->kind == FHS_ITEM_BOOLEAN) {
        *out = value->boolean;
        return true;
    }
    if (value->kind == FHS_ITEM_INTEGER || value->kind == FHS_ITEM_LONG) {
        *out = value->integer;
    } else if (value->kind != FHS_ITEM_STRING || !number_of_text(value->text, false, &number) ||
               !fhs_decimal_to_i64(&number, out)) {
        return false;
    }
    return *out >= min && *out <= max;
}

static fhirstore_status convert_integer(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                        const fhs_fp_scope *scope, const fhs_fp_item *value)
{
    (void)op;
    (void)scope;
    int64_t number = 0;
    return whole_of(value, INT32_MIN, INT32_MAX, &number) ? fhs_fp_push_integer(run, number)
                                                          : FHIRSTORE_OK;
}

FHS_FP_CONVERSION(integer, convert_integer)

static fhirstore_status convert_long(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, const fhs_fp_item *value)
{
    (void)op;
    (void)scope;
    int64_t number = 0;
    return whole_of(value, INT64_MIN, INT64_MAX, &number) ? fhs_fp_push_long(run, number)
                                                          : FHIRSTORE_OK;
}

FHS_FP_CONVERSION(long, convert_long)

static bool decimal_of_value(const fhs_fp_item *value, fhs_decimal *out)
{
    if (value->kind == FHS_ITEM_BOOLEAN) {
        return fhs_decimal_parse(value->boolean ? FHS_LIT("1.0") : FHS_LIT("0.0"), out);
    }
    return fhs_fp_to_decimal(value, out) ||
           (value->kind == FHS_ITEM_STRING && number_of_text(value->text, true, out));
}

static fhirstore_status convert_decimal(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                        const fhs_fp_scope *scope, const fhs_fp_item *value)
{
    (void)op;
    (void)scope;
    fhs_decimal number;
    return decimal_of_value(value, &number) ? fhs_fp_push_decimal(run, &number) : FHIRSTORE_OK;
}

FHS_FP_CONVERSION(decimal, convert_decimal)

/* ---- Quantity ---- */

static bool is_white_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* number, then 'code' or a calendar word or nothing. */
static bool quantity_of_text(fhs_str text, fhs_fp_quantity *out)
{
    size_t at = 0;
    while (at < text.len && !is_white_space(text.ptr[at]) && text.ptr[at] != '\'' &&
           (text.ptr[at] < 'A' || text.ptr[at] > 'z')) {
        at++;
    }
    if (!number_of_text(fhs_str_of(text.ptr, at), true, &out->value)) {
        return false;
    }
    while (at < text.len && is_white_space(text.ptr[at])) {
        at++;
    }
    fhs_str unit = fhs_str_from(text, at);
    out->unit = FHS_LIT("1");
    if (unit.len == 0) {
        return true;
    }
    if (unit.len > 2 && unit.ptr[0] == '\'' && unit.ptr[unit.len - 1] == '\'') {
        out->unit = fhs_str_of(unit.ptr + 1, unit.len - 2);
        out->calendar = fhs_fp_calendar_unit(out->unit) >= 0;
        return fhs_str_find_char(out->unit, '\'', 0) == out->unit.len;
    }
    out->unit = unit;
    out->calendar = true;
    return fhs_fp_calendar_unit(unit) >= 0;
}

static bool quantity_of_value(const fhs_fp_item *value, fhs_fp_quantity *out)
{
    *out = (fhs_fp_quantity){.unit = FHS_LIT("1")};
    if (value->kind == FHS_ITEM_BOOLEAN) {
        return decimal_of_value(value, &out->value);
    }
    return fhs_fp_to_quantity(value, out) ||
           (value->kind == FHS_ITEM_STRING && quantity_of_text(value->text, out));
}

static fhirstore_status convert_quantity(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                         const fhs_fp_scope *scope, const fhs_fp_item *value)
{
    fhs_fp_quantity quantity;
    fhs_str unit = FHS_STR_NONE;
    bool given = false;
    bool converts = quantity_of_value(value, &quantity);
    if (op->arg_count > 0) {
        FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &unit, &given));
    }
    if (converts && given) {
        fhs_fp_quantity target;
        converts = fhs_fp_quantity_convert(&quantity, unit, &target);
        quantity = target;
    }
    return converts ? fhs_fp_push_quantity(run, &quantity) : FHIRSTORE_OK;
}

FHS_FP_CONVERSION(quantity, convert_quantity)

/* ---- String ---- */

static fhirstore_status convert_string(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                       const fhs_fp_scope *scope, const fhs_fp_item *value)
{
    (void)op;
    (void)scope;
    if (value->kind == FHS_ITEM_STRING) {
        return fhs_fp_push(run, value);
    }
    fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
    return fhs_fp_write_value(value, &buf) ? fhs_fp_push_buf(run, &buf) : FHIRSTORE_OK;
}

FHS_FP_CONVERSION(string, convert_string)

/* ---- Date, DateTime, Time ---- */

static fhs_date cut_to_day(const fhs_date *date)
{
    fhs_date cut = {.year = date->year, .month = date->month, .day = date->day};
    cut.precision = date->precision > FHS_DATE_DAY ? FHS_DATE_DAY : date->precision;
    return cut;
}

/* The text of a string in the format that the first argument gives, or in the usual one. */
static fhirstore_status convert_text(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, fhs_str text, fhs_fp_item_kind kind)
{
    fhs_date date;
    fhs_str format;
    bool given = false;
    if (op->arg_count > 0) {
        FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &format, &given));
    }
    bool converts = given ? fhs_fp_date_parse_format(text, format, kind, &date)
                          : fhs_fp_date_parse(text, kind, &date);
    return converts ? fhs_fp_push_date(run, kind, &date) : FHIRSTORE_OK;
}

static fhirstore_status convert_date(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, const fhs_fp_item *value)
{
    if (value->kind == FHS_ITEM_DATE || value->kind == FHS_ITEM_DATETIME) {
        fhs_date cut = cut_to_day(value->date);
        return fhs_fp_push_date(run, FHS_ITEM_DATE, &cut);
    }
    if (value->kind != FHS_ITEM_STRING) {
        return FHIRSTORE_OK;
    }
    /* The date of a dateTime is taken, as for a DateTime item. */
    fhs_date date;
    if (op->arg_count == 0 && fhs_fp_date_parse(value->text, FHS_ITEM_DATETIME, &date) &&
        date.precision > FHS_DATE_DAY) {
        date = cut_to_day(&date);
        return fhs_fp_push_date(run, FHS_ITEM_DATE, &date);
    }
    return convert_text(run, op, scope, value->text, FHS_ITEM_DATE);
}

FHS_FP_CONVERSION(date, convert_date)

static fhirstore_status convert_datetime(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                         const fhs_fp_scope *scope, const fhs_fp_item *value)
{
    if (value->kind == FHS_ITEM_DATE || value->kind == FHS_ITEM_DATETIME) {
        return fhs_fp_push_date(run, FHS_ITEM_DATETIME, value->date);
    }
    return value->kind == FHS_ITEM_STRING
               ? convert_text(run, op, scope, value->text, FHS_ITEM_DATETIME)
               : FHIRSTORE_OK;
}

FHS_FP_CONVERSION(datetime, convert_datetime)

static fhirstore_status convert_time(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, const fhs_fp_item *value)
{
    if (value->kind == FHS_ITEM_TIME) {
        return fhs_fp_push(run, value);
    }
    if (value->kind != FHS_ITEM_STRING) {
        return FHIRSTORE_OK;
    }
    fhs_str text = value->text;
    if (text.len > 0 && text.ptr[0] == 'T') {
        text = fhs_str_from(text, 1);
    }
    return convert_text(run, op, scope, text, FHS_ITEM_TIME);
}

FHS_FP_CONVERSION(time, convert_time)
