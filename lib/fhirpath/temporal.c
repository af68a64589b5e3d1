/* SPDX-License-Identifier: Apache-2.0 */
/* Dates, dateTimes and times of day: reading, writing, order, now. */
#include <stdlib.h>

#include "base/clock.h"
#include "fhirpath/internal.h"

#define TICKS_PER_MINUTE (60 * FHS_TICKS_PER_SECOND)
#define TICKS_PER_HOUR   (60 * TICKS_PER_MINUTE)
#define TICKS_PER_DAY    (24 * TICKS_PER_HOUR)
/* A time without zone may mean any zone on earth. */
#define EASTMOST_HOURS 14
#define WESTMOST_HOURS 12

/* @a count digits at @a *at, led by @a lead unless that is NUL. */
static bool take_digits(fhs_str text, size_t *at, size_t count, char lead, unsigned *out)
{
    size_t from = *at;
    if (lead != '\0') {
        if (from >= text.len || text.ptr[from] != lead) {
            return false;
        }
        from++;
    }
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) {
        if (from + i >= text.len || text.ptr[from + i] < '0' || text.ptr[from + i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(text.ptr[from + i] - '0');
    }
    *at = from + count;
    *out = value;
    return true;
}

static void take_fraction(fhs_str text, size_t *at, fhs_date *out)
{
    unsigned digit = 0;
    size_t from = *at;
    if (!take_digits(text, &from, 1, '.', &digit)) {
        return;
    }
    int32_t unit = (int32_t)(FHS_TICKS_PER_SECOND / 10);
    unsigned digits = 0;
    do {
        out->fraction_ticks += (int32_t)digit * unit;
        unit /= 10;
        digits++;
        *at = from;
    } while (digits < 200 && take_digits(text, &from, 1, '\0', &digit));
    out->precision = FHS_DATE_FRACTION;
    out->fraction_digits = (uint8_t)digits;
}

/* hh[:mm[:ss[.f…]]] */
static bool take_time(fhs_str text, size_t *at, fhs_date *out)
{
    unsigned value = 0;
    if (!take_digits(text, at, 2, '\0', &value) || value > 23) {
        return false;
    }
    out->hour = (uint8_t)value;
    out->precision = FHS_DATE_HOUR;
    if (!take_digits(text, at, 2, ':', &value)) {
        return true;
    }
    out->minute = (uint8_t)value;
    out->precision = FHS_DATE_MINUTE;
    if (value > 59) {
        return false;
    }
    if (!take_digits(text, at, 2, ':', &value)) {
        return true;
    }
    out->second = (uint8_t)value;
    out->precision = FHS_DATE_SECOND;
    take_fraction(text, at, out);
    return value <= 60;
}

static bool take_zone(fhs_str text, size_t *at, fhs_date *out)
{
    if (*at < text.len && text.ptr[*at] == 'Z') {
        (*at)++;
        out->has_zone = true;
        return true;
    }
    unsigned hours = 0;
    unsigned minutes = 0;
    size_t from = *at;
    if (from >= text.len) {
        return true;
    }
    char sign = text.ptr[from];
    if ((sign != '+' && sign != '-') || !take_digits(text, &from, 2, sign, &hours) ||
        !take_digits(text, &from, 2, ':', &minutes) || hours > 14 || minutes > 59) {
        return false;
    }
    *at = from;
    out->has_zone = true;
    out->zone_minutes = (int16_t)(hours * 60 + minutes);
    if (sign == '-') {
        out->zone_minutes = (int16_t)-out->zone_minutes;
    }
    return true;
}

static bool take_date(fhs_str text, size_t *at, fhs_date *out)
{
    unsigned value = 0;
    if (!take_digits(text, at, 4, '\0', &value) || value == 0) {
        return false;
    }
    out->year = (int32_t)value;
    out->precision = FHS_DATE_YEAR;
    if (!take_digits(text, at, 2, '-', &value)) {
        return true;
    }
    out->month = (uint8_t)value;
    out->precision = FHS_DATE_MONTH;
    if (value < 1 || value > 12) {
        return false;
    }
    if (!take_digits(text, at, 2, '-', &value)) {
        return true;
    }
    out->day = (uint8_t)value;
    out->precision = FHS_DATE_DAY;
    return value >= 1 && value <= fhs_days_in_month(out->year, out->month);
}

bool fhs_fp_date_parse(fhs_str text, fhs_fp_item_kind kind, fhs_date *out)
{
    *out = (fhs_date){0};
    size_t at = 0;
    if (kind == FHS_ITEM_TIME) {
        return take_time(text, &at, out) && at == text.len;
    }
    if (!take_date(text, &at, out)) {
        return false;
    }
    if (at == text.len) {
        return true;
    }
    if (kind != FHS_ITEM_DATETIME || text.ptr[at] != 'T') {
        return false;
    }
    at++;
    if (at == text.len) {
        return true;
    }
    /* A time needs a whole date before it. */
    return out->precision == FHS_DATE_DAY && take_time(text, &at, out) &&
           take_zone(text, &at, out) && at == text.len;
}

static void add_padded(fhs_buf *out, const char *lead, unsigned value, unsigned width)
{
    fhs_buf_addf(out, "%s%0*u", lead, (int)width, value);
}

static void write_time(const fhs_date *date, fhs_buf *out)
{
    add_padded(out, "", date->hour, 2);
    if (date->precision >= FHS_DATE_MINUTE) {
        add_padded(out, ":", date->minute, 2);
    }
    if (date->precision >= FHS_DATE_SECOND) {
        add_padded(out, ":", date->second, 2);
    }
    if (date->precision == FHS_DATE_FRACTION) {
        char digits[16];
        int32_t rest = date->fraction_ticks;
        int32_t unit = (int32_t)(FHS_TICKS_PER_SECOND / 10);
        fhs_buf_add_char(out, '.');
        for (unsigned i = 0; i < date->fraction_digits; i++) {
            int32_t digit = unit == 0 ? 0 : rest / unit;
            digits[0] = (char)('0' + digit);
            rest = unit == 0 ? 0 : rest % unit;
            unit /= 10;
            fhs_buf_add_char(out, digits[0]);
        }
    }
}

void fhs_fp_date_write(const fhs_date *date, fhs_fp_item_kind kind, fhs_buf *out)
{
    if (kind == FHS_ITEM_TIME) {
        write_time(date, out);
        return;
    }
    add_padded(out, "", (unsigned)date->year, 4);
    if (date->precision >= FHS_DATE_MONTH) {
        add_padded(out, "-", date->month, 2);
    }
    if (date->precision >= FHS_DATE_DAY) {
        add_padded(out, "-", date->day, 2);
    }
    if (date->precision >= FHS_DATE_HOUR) {
        fhs_buf_add_char(out, 'T');
        write_time(date, out);
    }
    if (date->has_zone && date->zone_minutes == 0) {
        fhs_buf_add_char(out, 'Z');
    } else if (date->has_zone) {
        int zone = date->zone_minutes;
        fhs_buf_addf(out, "%c%02d:%02d", zone < 0 ? '-' : '+', abs(zone) / 60, abs(zone) % 60);
    }
}

/* ---- order ---- */

/* First and last tick that the value may mean, in its own zone or none. */
static void tick_span(const fhs_date *date, int64_t *low, int64_t *high)
{
    unsigned month = date->month == 0 ? 1 : date->month;
    unsigned day = date->day == 0 ? 1 : date->day;
    int64_t days = date->year == 0 ? 0 : fhs_days_from_civil(date->year, month, day);
    *low = days * TICKS_PER_DAY + date->hour * TICKS_PER_HOUR + date->minute * TICKS_PER_MINUTE +
           date->second * FHS_TICKS_PER_SECOND + date->fraction_ticks;
    if (date->has_zone) {
        *low -= date->zone_minutes * TICKS_PER_MINUTE;
    }
    int64_t width = 1;
    switch (date->precision) {
    case FHS_DATE_YEAR:
        width = (fhs_days_from_civil(date->year + 1, 1, 1) - days) * TICKS_PER_DAY;
        break;
    case FHS_DATE_MONTH:
        width = (int64_t)fhs_days_in_month(date->year, month) * TICKS_PER_DAY;
        break;
    case FHS_DATE_DAY:
        width = TICKS_PER_DAY;
        break;
    case FHS_DATE_HOUR:
        width = TICKS_PER_HOUR;
        break;
    case FHS_DATE_MINUTE:
        width = TICKS_PER_MINUTE;
        break;
    default:
        break;
    }
    *high = *low + width - 1;
}

bool fhs_fp_date_same_precision(const fhs_date *a, const fhs_date *b)
{
    return a->precision == b->precision ||
           (a->precision >= FHS_DATE_SECOND && b->precision >= FHS_DATE_SECOND);
}

int fhs_fp_date_order(const fhs_date *a, const fhs_date *b, bool *known)
{
    int64_t a_low = 0;
    int64_t a_high = 0;
    int64_t b_low = 0;
    int64_t b_high = 0;
    tick_span(a, &a_low, &a_high);
    tick_span(b, &b_low, &b_high);
    *known = true;
    if (a->has_zone == b->has_zone && fhs_fp_date_same_precision(a, b)) {
        return a_low < b_low ? -1 : a_low > b_low;
    }
    if (a->has_zone && !b->has_zone) {
        b_low -= EASTMOST_HOURS * TICKS_PER_HOUR;
        b_high += WESTMOST_HOURS * TICKS_PER_HOUR;
    } else if (b->has_zone && !a->has_zone) {
        a_low -= EASTMOST_HOURS * TICKS_PER_HOUR;
        a_high += WESTMOST_HOURS * TICKS_PER_HOUR;
    }
    if (a_high < b_low) {
        return -1;
    }
    if (b_high < a_low) {
        return 1;
    }
    *known = false;
    return 0;
}

/* ---- now ---- */

fhirstore_status fhs_fp_now(fhs_fhirpath_run *run, fhs_date *out)
{
    if (!run->has_now) {
        const fhs_fhirpath_hooks *hooks = run->input->hooks;
        run->now_us = hooks != NULL && hooks->now_us != NULL ? hooks->now_us(hooks->ctx)
                                                             : fhs_clock_now_us();
        run->has_now = true;
    }
    char text[FHS_INSTANT_MAX];
    int64_t milliseconds = run->now_us / 1000 - (run->now_us % 1000 < 0);
    size_t len = fhs_instant_format(milliseconds * 1000, text);
    if (!fhs_fp_date_parse(fhs_str_of(text, len), FHS_ITEM_DATETIME, out)) {
        return fhs_fail_plain(run->err, FHIRSTORE_ERR_INTERNAL);
    }
    return FHIRSTORE_OK;
}

/* ---- arithmetic ---- */

/* The unit as a step of the calendar; years and months only where they are calendar words. */
static int arithmetic_unit(const fhs_fp_quantity *quantity)
{
    if (quantity->calendar) {
        return fhs_fp_calendar_unit(quantity->unit);
    }
    int unit = quantity->is_literal ? -1 : fhs_fp_calendar_code(quantity->unit);
    return unit == FHS_CAL_YEAR || unit == FHS_CAL_MONTH ? -1 : unit;
}

static bool whole_number(const fhs_decimal *value, int64_t *out)
{
    fhs_decimal rounded;
    return fhs_decimal_round(value, 0, FHS_ROUND_DOWN, &rounded) &&
           fhs_decimal_to_i64(&rounded, out);
}

/* Weeks to milliseconds as ticks. Fractions count for seconds and milliseconds only. */
static bool duration_ticks(const fhs_decimal *value, int unit, int64_t *out)
{
    static const int64_t unit_ticks[] = {
        [FHS_CAL_WEEK] = 7 * TICKS_PER_DAY,      [FHS_CAL_DAY] = TICKS_PER_DAY,
        [FHS_CAL_HOUR] = TICKS_PER_HOUR,         [FHS_CAL_MINUTE] = TICKS_PER_MINUTE,
        [FHS_CAL_SECOND] = FHS_TICKS_PER_SECOND, [FHS_CAL_MILLISECOND] = 1000 * FHS_TICKS_PER_US,
    };
    int64_t count = 0;
    if (unit >= FHS_CAL_SECOND) {
        fhs_decimal factor = fhs_decimal_from_i64(unit_ticks[unit]);
        fhs_decimal ticks;
        return fhs_decimal_mul(value, &factor, &ticks) && whole_number(&ticks, out) &&
               *out > -FHS_TICK_MAX / 4 && *out < FHS_TICK_MAX / 4;
    }
    if (!whole_number(value, &count) || count > FHS_TICK_MAX / 4 / unit_ticks[unit] ||
        count < -FHS_TICK_MAX / 4 / unit_ticks[unit]) {
        return false;
    }
    *out = count * unit_ticks[unit];
    return true;
}

static bool add_months(fhs_date *date, int64_t months)
{
    if (months > INT64_C(120000) || months < -INT64_C(120000)) {
        return false;
    }
    int64_t total = (int64_t)date->year * 12 + months;
    if (date->precision == FHS_DATE_YEAR) {
        total = ((int64_t)date->year + months / 12) * 12;
    } else {
        total += date->month - 1;
    }
    int64_t year = total / 12;
    if (total < 12 || year > 9999) {
        return false;
    }
    date->year = (int32_t)year;
    if (date->precision >= FHS_DATE_MONTH) {
        date->month = (uint8_t)(total % 12 + 1);
    }
    if (date->precision >= FHS_DATE_DAY) {
        unsigned last = fhs_days_in_month(date->year, date->month);
        date->day = date->day > last ? (uint8_t)last : date->day;
    }
    return true;
}

static void set_day_ticks(fhs_date *date, int64_t ticks)
{
    date->hour = (uint8_t)(ticks / TICKS_PER_HOUR);
    date->minute = (uint8_t)(ticks / TICKS_PER_MINUTE % 60);
    date->second = (uint8_t)(ticks / FHS_TICKS_PER_SECOND % 60);
    date->fraction_ticks = (int32_t)(ticks % FHS_TICKS_PER_SECOND);
}

/* A fraction that came up must be visible. */
static void widen_fraction(fhs_date *date)
{
    int32_t unit = (int32_t)FHS_TICKS_PER_SECOND;
    uint8_t digits = 0;
    while (date->fraction_ticks % unit != 0) {
        unit /= 10;
        digits++;
    }
    if (digits > date->fraction_digits) {
        date->fraction_digits = digits < 3 ? 3 : digits;
        date->precision = FHS_DATE_FRACTION;
    }
}

static bool add_ticks(fhs_date *date, fhs_fp_item_kind kind, int64_t ticks)
{
    static const int64_t steps[] = {[FHS_DATE_YEAR] = 365 * TICKS_PER_DAY,
                                    [FHS_DATE_MONTH] = 30 * TICKS_PER_DAY,
                                    [FHS_DATE_DAY] = TICKS_PER_DAY,
                                    [FHS_DATE_HOUR] = TICKS_PER_HOUR,
                                    [FHS_DATE_MINUTE] = TICKS_PER_MINUTE,
                                    [FHS_DATE_SECOND] = 1,
                                    [FHS_DATE_FRACTION] = 1};
    int64_t step = steps[date->precision];
    /* What is finer than the value counts in whole steps of its precision. */
    ticks = ticks / step * step;
    if (date->precision <= FHS_DATE_MONTH) {
        int64_t count = ticks / step;
        return add_months(date, date->precision == FHS_DATE_YEAR ? count * 12 : count);
    }
    fhs_date plain = *date;
    plain.has_zone = false;
    int64_t low = 0;
    int64_t high = 0;
    tick_span(&plain, &low, &high);
    low += ticks;
    if (kind == FHS_ITEM_TIME) {
        low = (low % TICKS_PER_DAY + TICKS_PER_DAY) % TICKS_PER_DAY;
    }
    int64_t days = low / TICKS_PER_DAY;
    if (low < 0 || days >= fhs_days_from_civil(10000, 1, 1)) {
        return false;
    }
    if (kind != FHS_ITEM_TIME) {
        unsigned month = 0;
        unsigned day = 0;
        fhs_civil_from_days(days, &date->year, &month, &day);
        date->month = (uint8_t)month;
        date->day = (uint8_t)day;
    }
    set_day_ticks(date, low % TICKS_PER_DAY);
    widen_fraction(date);
    return true;
}

fhirstore_status fhs_fp_date_add(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                 const fhs_fp_item *date, const fhs_fp_quantity *quantity,
                                 bool subtract)
{
    int unit = arithmetic_unit(quantity);
    if (unit < 0 || (date->kind == FHS_ITEM_TIME && unit < FHS_CAL_HOUR)) {
        return fhs_fp_fail(run, op, "this unit cannot be added to a date or time");
    }
    fhs_decimal value = subtract ? fhs_decimal_negate(quantity->value) : quantity->value;
    fhs_date result = *date->date;
    int64_t count = 0;
    bool fits = false;
    if (unit <= FHS_CAL_MONTH) {
        fits = whole_number(&value, &count) && count < 200000 && count > -200000 &&
               add_months(&result, unit == FHS_CAL_YEAR ? count * 12 : count);
    } else {
        fits = duration_ticks(&value, unit, &count) &&
               add_ticks(&result, (fhs_fp_item_kind)date->kind, count);
    }
    if (!fits) {
        return fhs_fp_fail(run, op, "the resulting date is out of range");
    }
    return fhs_fp_push_date(run, (fhs_fp_item_kind)date->kind, &result);
}
