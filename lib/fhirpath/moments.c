/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of dates and times: now, components, boundaries, precision, intervals. */
#include <stdlib.h>

#include "fhirpath/functions.h"

/* Finest boundaries that are given. */
#define MAX_DECIMAL_SCALE 31

FHS_FP_CALL(now)
{
    (void)op;
    (void)scope;
    fhs_date date;
    run->top = base;
    FHS_TRY(fhs_fp_now(run, &date));
    return fhs_fp_push_date(run, FHS_ITEM_DATETIME, &date);
}

static fhirstore_status push_date_part(fhs_fhirpath_run *run, const fhs_date *date)
{
    fhs_date part = {.year = date->year, .month = date->month, .day = date->day};
    part.precision = date->precision > FHS_DATE_DAY ? FHS_DATE_DAY : date->precision;
    return fhs_fp_push_date(run, FHS_ITEM_DATE, &part);
}

static fhirstore_status push_time_part(fhs_fhirpath_run *run, const fhs_date *date)
{
    fhs_date part = *date;
    part.year = 0;
    part.month = 0;
    part.day = 0;
    part.has_zone = false;
    part.zone_minutes = 0;
    return fhs_fp_push_date(run, FHS_ITEM_TIME, &part);
}

FHS_FP_CALL(today)
{
    (void)op;
    (void)scope;
    fhs_date date;
    run->top = base;
    FHS_TRY(fhs_fp_now(run, &date));
    return push_date_part(run, &date);
}

FHS_FP_CALL(time_of_day)
{
    (void)op;
    (void)scope;
    fhs_date date;
    run->top = base;
    FHS_TRY(fhs_fp_now(run, &date));
    return push_time_part(run, &date);
}

/* ---- components ---- */

static fhirstore_status component(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                  fhs_date_precision which)
{
    fhs_fp_item item;
    bool found = false;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    bool timed = item.kind == FHS_ITEM_DATETIME || item.kind == FHS_ITEM_TIME;
    bool dated = item.kind == FHS_ITEM_DATETIME || item.kind == FHS_ITEM_DATE;
    if (!found || !(which <= FHS_DATE_DAY ? dated : timed) || item.date->precision < which) {
        return FHIRSTORE_OK;
    }
    const fhs_date *date = item.date;
    const int values[] = {[FHS_DATE_YEAR] = date->year,
                          [FHS_DATE_MONTH] = date->month,
                          [FHS_DATE_DAY] = date->day,
                          [FHS_DATE_HOUR] = date->hour,
                          [FHS_DATE_MINUTE] = date->minute,
                          [FHS_DATE_SECOND] = date->second,
                          [FHS_DATE_FRACTION] = date->fraction_ticks / 10000};
    return fhs_fp_push_integer(run, values[which]);
}

#define FHS_FP_COMPONENT(name, which)           \
    FHS_FP_CALL(name)                           \
    {                                           \
        (void)scope;                            \
        return component(run, op, base, which); \
    }

FHS_FP_COMPONENT(year_of, FHS_DATE_YEAR)
FHS_FP_COMPONENT(month_of, FHS_DATE_MONTH)
FHS_FP_COMPONENT(day_of, FHS_DATE_DAY)
FHS_FP_COMPONENT(hour_of, FHS_DATE_HOUR)
FHS_FP_COMPONENT(minute_of, FHS_DATE_MINUTE)
FHS_FP_COMPONENT(second_of, FHS_DATE_SECOND)
FHS_FP_COMPONENT(millisecond_of, FHS_DATE_FRACTION)

FHS_FP_CALL(offset_of)
{
    (void)scope;
    fhs_fp_item item;
    bool found = false;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    if (!found || item.kind != FHS_ITEM_DATETIME || !item.date->has_zone) {
        return FHIRSTORE_OK;
    }
    fhs_decimal minutes = fhs_decimal_from_i64(item.date->zone_minutes);
    fhs_decimal sixty = fhs_decimal_from_i64(60);
    fhs_decimal hours;
    if (!fhs_decimal_div(&minutes, &sixty, 4, &hours)) {
        return FHIRSTORE_OK;
    }
    hours = fhs_decimal_normalise(hours);
    if (hours.exponent >= 0 && fhs_decimal_round(&hours, 1, FHS_ROUND_DOWN, &minutes)) {
        hours = minutes;
    }
    return fhs_fp_push_decimal(run, &hours);
}

FHS_FP_CALL(date_of)
{
    (void)scope;
    fhs_fp_item item;
    bool found = false;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    if (!found || (item.kind != FHS_ITEM_DATETIME && item.kind != FHS_ITEM_DATE)) {
        return FHIRSTORE_OK;
    }
    return push_date_part(run, item.date);
}

FHS_FP_CALL(time_of)
{
    (void)scope;
    fhs_fp_item item;
    bool found = false;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    if (!found || item.kind != FHS_ITEM_DATETIME || item.date->precision < FHS_DATE_HOUR) {
        return FHIRSTORE_OK;
    }
    return push_time_part(run, item.date);
}

/* ---- precision ---- */

/* Digits that a date of each precision has; a time has eight fewer. */
static const int date_digits[] = {
    [FHS_DATE_YEAR] = 4,  [FHS_DATE_MONTH] = 6,   [FHS_DATE_DAY] = 8,
    [FHS_DATE_HOUR] = 10, [FHS_DATE_MINUTE] = 12, [FHS_DATE_SECOND] = 14};

FHS_FP_CALL(precision)
{
    (void)scope;
    fhs_fp_item item;
    fhs_decimal value;
    bool found = false;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    if (item.kind == FHS_ITEM_DATE || item.kind == FHS_ITEM_DATETIME ||
        item.kind == FHS_ITEM_TIME) {
        int digits = item.date->precision == FHS_DATE_FRACTION
                         ? date_digits[FHS_DATE_SECOND] + item.date->fraction_digits
                         : date_digits[item.date->precision];
        return fhs_fp_push_integer(run, item.kind == FHS_ITEM_TIME ? digits - 8 : digits);
    }
    if (item.kind == FHS_ITEM_QUANTITY) {
        value = item.quantity->value;
    } else if (!fhs_fp_to_decimal(&item, &value)) {
        return fhs_fp_fail(run, op, "only decimals, dates and times have a precision");
    }
    return fhs_fp_push_integer(run, value.exponent < 0 ? -value.exponent : 0);
}

/* ---- boundaries ---- */

/* A decimal stands for all that round to it: half a unit of its last digit to either side. */
static bool decimal_boundary(const fhs_decimal *value, int64_t digits, bool high, fhs_decimal *out)
{
    fhs_decimal half = {.limbs = {5}, .limb_count = 1};
    half.exponent = value->exponent < 0 ? value->exponent - 1 : -1;
    if (digits < 0 || digits > MAX_DECIMAL_SCALE ||
        !(high ? fhs_decimal_add(value, &half, out) : fhs_decimal_sub(value, &half, out))) {
        return false;
    }
    /* Cut towards the value on the inner side, to the nearest on the outer one. */
    bool outward = high != out->negative;
    return fhs_decimal_round(out, (int32_t)digits, outward ? FHS_ROUND_HALF_UP : FHS_ROUND_DOWN,
                             out);
}

static void fill_date(fhs_date *date, bool high)
{
    if (date->precision < FHS_DATE_MONTH) {
        date->month = high ? 12 : 1;
    }
    if (date->precision < FHS_DATE_DAY) {
        date->day = high ? (uint8_t)fhs_days_in_month(date->year, date->month) : 1;
    }
}

static void fill_time(fhs_date *date, bool high)
{
    if (date->precision < FHS_DATE_HOUR) {
        date->hour = high ? 23 : 0;
    }
    if (date->precision < FHS_DATE_MINUTE) {
        date->minute = high ? 59 : 0;
    }
    if (date->precision < FHS_DATE_SECOND) {
        date->second = high ? 59 : 0;
    }
    /* Fractions: all that are not written, up to milliseconds. */
    uint8_t digits = date->precision < FHS_DATE_FRACTION ? 0 : date->fraction_digits;
    static const int32_t units[] = {1000, 100, 10, 1};
    if (digits < 3) {
        date->fraction_ticks += high ? (units[digits] - 1) * 10000 : 0;
        date->fraction_digits = 3;
    }
}

/* Cut to what @a digits of a dateTime show; false for counts that no precision has. */
static bool cut_date(fhs_date *date, int64_t digits)
{
    if (digits == 17) {
        date->precision = FHS_DATE_FRACTION;
        date->fraction_ticks -= date->fraction_ticks % 10000;
        date->fraction_digits = 3;
        return true;
    }
    for (unsigned i = FHS_DATE_YEAR; i <= FHS_DATE_SECOND; i++) {
        if (date_digits[i] == digits) {
            date->precision = (uint8_t)i;
            date->fraction_ticks = 0;
            return true;
        }
    }
    return false;
}

static fhirstore_status date_boundary(fhs_fhirpath_run *run, const fhs_fp_item *item, bool given,
                                      int64_t digits, bool high)
{
    fhs_date date = *item->date;
    bool time = item->kind == FHS_ITEM_TIME;
    if (!given) {
        digits = item->kind == FHS_ITEM_DATE ? 8 : 17;
    } else if (time) {
        digits += 8;
    }
    if ((item->kind == FHS_ITEM_DATE && digits > 8) || (time && digits < 10)) {
        return FHIRSTORE_OK;
    }
    if (!time) {
        fill_date(&date, high);
    }
    fill_time(&date, high);
    if (!cut_date(&date, digits)) {
        return FHIRSTORE_OK;
    }
    if (date.precision < FHS_DATE_HOUR) {
        date.has_zone = false;
    } else if (!time && !date.has_zone) {
        /* Earliest on earth, or latest. */
        date.has_zone = true;
        date.zone_minutes = high ? -12 * 60 : 14 * 60;
    }
    return fhs_fp_push_date(run, (fhs_fp_item_kind)item->kind, &date);
}

static fhirstore_status boundary(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                 const fhs_fp_scope *scope, uint32_t base, bool high)
{
    fhs_fp_item item;
    fhs_fp_quantity quantity;
    fhs_decimal value;
    bool found = false;
    bool given = false;
    int64_t digits = 8;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    if (op->arg_count > 0) {
        FHS_TRY(fhs_fp_eval_integer(run, op->args[0], scope, &digits, &given));
    }
    if (!found) {
        return FHIRSTORE_OK;
    }
    if (item.kind == FHS_ITEM_DATE || item.kind == FHS_ITEM_DATETIME ||
        item.kind == FHS_ITEM_TIME) {
        return date_boundary(run, &item, given, digits, high);
    }
    if (!fhs_fp_to_quantity(&item, &quantity)) {
        return item.kind == FHS_ITEM_NODE && item.node.json == NULL
                   ? FHIRSTORE_OK
                   : fhs_fp_fail(run, op, "only decimals, quantities, dates and times have bounds");
    }
    if (!decimal_boundary(&quantity.value, digits, high, &value)) {
        return FHIRSTORE_OK;
    }
    quantity.value = value;
    return item.kind == FHS_ITEM_QUANTITY ? fhs_fp_push_quantity(run, &quantity)
                                          : fhs_fp_push_decimal(run, &value);
}

FHS_FP_CALL(low_boundary)
{
    return boundary(run, op, scope, base, false);
}

FHS_FP_CALL(high_boundary)
{
    return boundary(run, op, scope, base, true);
}

/* ---- duration and difference ---- */

static int64_t day_number(const fhs_date *date)
{
    return fhs_days_from_civil(date->year, date->month == 0 ? 1 : date->month,
                               date->day == 0 ? 1 : date->day);
}

static int64_t ticks_of_day(const fhs_date *date)
{
    return ((date->hour * INT64_C(60) + date->minute) * 60 + date->second) * FHS_TICKS_PER_SECOND +
           date->fraction_ticks;
}

static const int64_t precision_ticks[] = {
    [FHS_CAL_WEEK] = INT64_C(7) * 86400 * FHS_TICKS_PER_SECOND,
    [FHS_CAL_DAY] = 86400 * FHS_TICKS_PER_SECOND,
    [FHS_CAL_HOUR] = 3600 * FHS_TICKS_PER_SECOND,
    [FHS_CAL_MINUTE] = 60 * FHS_TICKS_PER_SECOND,
    [FHS_CAL_SECOND] = FHS_TICKS_PER_SECOND,
    [FHS_CAL_MILLISECOND] = 1000 * FHS_TICKS_PER_US,
};

/* Ticks since year 1; zones count from hours on, and only where both have one. */
static int64_t absolute_ticks(const fhs_date *date, bool zones)
{
    int64_t ticks = date->year == 0 ? 0 : day_number(date) * precision_ticks[FHS_CAL_DAY];
    ticks += ticks_of_day(date);
    return zones ? ticks - date->zone_minutes * precision_ticks[FHS_CAL_MINUTE] : ticks;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && a < 0);
}

/* Whole periods from a to b. */
static int64_t whole_periods(const fhs_date *a, const fhs_date *b, int unit, bool zones)
{
    if (unit > FHS_CAL_MONTH) {
        return (absolute_ticks(b, zones) - absolute_ticks(a, zones)) / precision_ticks[unit];
    }
    int64_t months = (b->year - a->year) * INT64_C(12) + b->month - a->month;
    int64_t rest_a = a->day * precision_ticks[FHS_CAL_DAY] + ticks_of_day(a);
    int64_t rest_b = b->day * precision_ticks[FHS_CAL_DAY] + ticks_of_day(b);
    months -= months > 0 && rest_b < rest_a;
    months += months < 0 && rest_b > rest_a;
    return unit == FHS_CAL_YEAR ? months / 12 : months;
}

/* Boundaries between a and b; weeks begin on Sunday. */
static int64_t boundaries_crossed(const fhs_date *a, const fhs_date *b, int unit, bool zones)
{
    if (unit == FHS_CAL_YEAR) {
        return b->year - a->year;
    }
    if (unit == FHS_CAL_MONTH) {
        return (b->year - a->year) * INT64_C(12) + b->month - a->month;
    }
    if (unit == FHS_CAL_WEEK || unit == FHS_CAL_DAY) {
        /* 0001-01-01 was a Monday. */
        int64_t width = unit == FHS_CAL_WEEK ? 7 : 1;
        return floor_div(day_number(b) + 1, width) - floor_div(day_number(a) + 1, width);
    }
    int64_t ticks = precision_ticks[unit];
    return floor_div(absolute_ticks(b, zones), ticks) - floor_div(absolute_ticks(a, zones), ticks);
}

/* The precision that a value must have for a unit. */
static bool is_precise_enough(const fhs_date *date, int unit)
{
    static const uint8_t needed[] = {FHS_DATE_YEAR,   FHS_DATE_MONTH, FHS_DATE_DAY,
                                     FHS_DATE_DAY,    FHS_DATE_HOUR,  FHS_DATE_MINUTE,
                                     FHS_DATE_SECOND, FHS_DATE_SECOND};
    return date->precision >= needed[unit];
}

static bool is_moment(const fhs_fp_item *item)
{
    return item->kind == FHS_ITEM_DATE || item->kind == FHS_ITEM_DATETIME ||
           item->kind == FHS_ITEM_TIME;
}

static fhirstore_status interval(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                 const fhs_fp_scope *scope, uint32_t base,
                                 int64_t (*how)(const fhs_date *, const fhs_date *, int, bool))
{
    fhs_fp_item a;
    fhs_fp_item b;
    fhs_str word;
    bool found = false;
    bool has_b = false;
    bool has_word = false;
    FHS_TRY(fhs_fp_single(run, op, base, &a, &found));
    FHS_TRY(fhs_fp_eval_single(run, op->args[0], scope, &b, &has_b));
    FHS_TRY(fhs_fp_eval_string(run, op->args[1], scope, &word, &has_word));
    if (!found || !has_b || !has_word) {
        return FHIRSTORE_OK;
    }
    if (!is_moment(&a) || !is_moment(&b) ||
        (a.kind == FHS_ITEM_TIME) != (b.kind == FHS_ITEM_TIME)) {
        return fhs_fp_fail(run, op, "two dates or two times are needed here");
    }
    int unit = fhs_fp_calendar_unit(word);
    bool dates = a.kind == FHS_ITEM_DATE && b.kind == FHS_ITEM_DATE;
    if (unit < 0 || (a.kind == FHS_ITEM_TIME && unit < FHS_CAL_HOUR) ||
        (dates && unit > FHS_CAL_DAY)) {
        return fhs_fp_fail(run, op->args[1], "this precision does not apply here");
    }
    if (!is_precise_enough(a.date, unit) || !is_precise_enough(b.date, unit)) {
        return FHIRSTORE_OK;
    }
    bool zones = unit >= FHS_CAL_HOUR && a.date->has_zone && b.date->has_zone;
    return fhs_fp_push_integer(run, how(a.date, b.date, unit, zones));
}

FHS_FP_CALL(duration)
{
    return interval(run, op, scope, base, whole_periods);
}

FHS_FP_CALL(difference)
{
    return interval(run, op, scope, base, boundaries_crossed);
}
