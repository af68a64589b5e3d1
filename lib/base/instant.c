/* SPDX-License-Identifier: Apache-2.0 */
/* FHIR dates and times. Parsing and formatting are by hand: they run for every stored resource. */
#include "base/instant.h"

#include <string.h>

#define DAYS_PER_ERA     146097 /* 400 years */
#define DAYS_TO_0001     306    /* from 0000-03-01, where the eras begin */
#define SECONDS_PER_DAY  INT64_C(86400)
#define US_PER_SECOND    INT64_C(1000000)
#define US_PER_DAY       (SECONDS_PER_DAY * US_PER_SECOND)
#define DAYS_AT_EPOCH    719162 /* 1970-01-01 */
#define MAX_ZONE_MINUTES (14 * 60)
#define TICK_DIGITS      7

/* The microseconds of the years 0001 … 9999: what has a FHIR text. */
#define FIRST_US (INT64_C(-719162) * US_PER_DAY)
#define LAST_US  (INT64_C(2932897) * US_PER_DAY - 1)

int64_t fhs_days_from_civil(int32_t year, unsigned month, unsigned day)
{
    /* Years that begin in March put the leap day last; 153 days are five months from March on. */
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_0001;
}

void fhs_civil_from_days(int64_t days, int32_t *year, unsigned *month, unsigned *day)
{
    int64_t shifted = days + DAYS_TO_0001;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    unsigned day_of_era = (unsigned)(shifted - era * DAYS_PER_ERA);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned from_march = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = (int32_t)((int64_t)year_of_era + era * 400 + (*month <= 2));
}

static bool is_leap_year(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

unsigned fhs_days_in_month(int32_t year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : days[(month - 1) % 12];
}

/* What is left of the text under the reader. */
typedef struct scanner {
    const char *at;
    const char *end;
} scanner;

static bool scan_char(scanner *in, char c)
{
    if (in->at == in->end || *in->at != c) {
        return false;
    }
    in->at++;
    return true;
}

/* Exactly @a count digits with a value of at most @a max. */
static bool scan_number(scanner *in, int count, int max, int *out)
{
    int value = 0;
    if (in->end - in->at < count) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned)(unsigned char)in->at[i] - '0';
        if (digit > 9) {
            return false;
        }
        value = value * 10 + (int)digit;
    }
    in->at += count;
    *out = value;
    return value <= max;
}

/* "Z", "+hh:mm" or "-hh:mm" up to 14:00. */
static bool scan_zone(scanner *in, fhs_date *out)
{
    int hours;
    int minutes;
    out->has_zone = true;
    if (scan_char(in, 'Z')) {
        return true;
    }
    bool west = scan_char(in, '-');
    if ((!west && !scan_char(in, '+')) || !scan_number(in, 2, 14, &hours) || !scan_char(in, ':') ||
        !scan_number(in, 2, 59, &minutes)) {
        return false;
    }
    minutes += hours * 60;
    out->zone_minutes = (int16_t)(west ? -minutes : minutes);
    return minutes <= MAX_ZONE_MINUTES;
}

/* The digits behind the point, at least one; those past the seventh are checked and cut. */
static bool scan_fraction(scanner *in, fhs_date *out)
{
    int digits = 0;
    int32_t ticks = 0;
    for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
        if (digits < TICK_DIGITS) {
            ticks = ticks * 10 + (*in->at - '0');
        }
        digits += digits < UINT8_MAX;
    }
    for (int i = digits; i < TICK_DIGITS; i++) {
        ticks *= 10;
    }
    out->fraction_ticks = ticks;
    out->fraction_digits = (uint8_t)digits;
    out->precision = FHS_DATE_FRACTION;
    return digits > 0;
}

/* What follows the 'T', the zone included, as far as @a forms allow. */
static bool scan_time(scanner *in, unsigned forms, fhs_date *out)
{
    int number;
    if (!scan_number(in, 2, 23, &number)) {
        return false;
    }
    out->hour = (uint8_t)number;
    out->precision = FHS_DATE_HOUR;
    if (scan_char(in, ':')) {
        if (!scan_number(in, 2, 59, &number)) {
            return false;
        }
        out->minute = (uint8_t)number;
        out->precision = FHS_DATE_MINUTE;
        if (scan_char(in, ':')) {
            if (!scan_number(in, 2, 60, &number)) {
                return false;
            }
            out->second = (uint8_t)number;
            out->precision = FHS_DATE_SECOND;
            if (scan_char(in, '.') && !scan_fraction(in, out)) {
                return false;
            }
        }
    }
    unsigned finest_needed = FHS_DATE_SECOND;
    if ((forms & FHS_DATE_FORM_FHIRPATH) != 0) {
        finest_needed = FHS_DATE_HOUR;
    } else if ((forms & FHS_DATE_FORM_SEARCH) != 0) {
        finest_needed = FHS_DATE_MINUTE;
    }
    if (out->precision < finest_needed) {
        return false;
    }
    if (in->at == in->end) {
        return (forms & (FHS_DATE_FORM_SEARCH | FHS_DATE_FORM_FHIRPATH)) != 0;
    }
    return scan_zone(in, out) && in->at == in->end;
}

bool fhs_date_parse(fhs_str text, unsigned forms, fhs_date *out)
{
    const unsigned partial_forms = FHS_DATE_FORM_DATE | FHS_DATE_FORM_DATETIME |
                                   FHS_DATE_FORM_SEARCH | FHS_DATE_FORM_FHIRPATH;
    scanner in = {text.ptr, text.ptr == NULL ? NULL : text.ptr + text.len};
    int number;
    memset(out, 0, sizeof *out);
    if (!scan_number(&in, 4, 9999, &number) || number == 0) {
        return false;
    }
    out->year = number;
    out->precision = FHS_DATE_YEAR;
    if (scan_char(&in, '-')) {
        if (!scan_number(&in, 2, 12, &number) || number == 0) {
            return false;
        }
        out->month = (uint8_t)number;
        out->precision = FHS_DATE_MONTH;
        if (scan_char(&in, '-')) {
            if (!scan_number(&in, 2, (int)fhs_days_in_month(out->year, out->month), &number) ||
                number == 0) {
                return false;
            }
            out->day = (uint8_t)number;
            out->precision = FHS_DATE_DAY;
            if (scan_char(&in, 'T')) {
                return (forms & ~(unsigned)FHS_DATE_FORM_DATE) != 0 && scan_time(&in, forms, out);
            }
        }
    }
    return in.at == in.end && (forms & partial_forms) != 0;
}

/* Days from 0001-01-01 to the day behind the last one that the date may mean. */
static int64_t day_behind(const fhs_date *date, int64_t first_day)
{
    switch (date->precision) {
    case FHS_DATE_YEAR:
        return first_day + (is_leap_year(date->year) ? 366 : 365);
    case FHS_DATE_MONTH:
        return first_day + fhs_days_in_month(date->year, date->month);
    default:
        return first_day + 1;
    }
}

/* How many ticks a time of this precision covers. */
static int64_t time_width(const fhs_date *date)
{
    switch (date->precision) {
    case FHS_DATE_HOUR:
        return 3600 * FHS_TICKS_PER_SECOND;
    case FHS_DATE_MINUTE:
        return 60 * FHS_TICKS_PER_SECOND;
    case FHS_DATE_SECOND:
        return FHS_TICKS_PER_SECOND;
    default:
        break;
    }
    int64_t width = 1;
    for (unsigned i = date->fraction_digits; i < TICK_DIGITS; i++) {
        width *= 10;
    }
    return width;
}

void fhs_date_interval(const fhs_date *date, int default_zone_minutes, int64_t *lo, int64_t *hi)
{
    int64_t zone = date->has_zone ? date->zone_minutes : default_zone_minutes;
    int64_t first_day = fhs_days_from_civil(date->year,
                                            date->precision < FHS_DATE_MONTH ? 1 : date->month,
                                            date->precision < FHS_DATE_DAY ? 1 : date->day);
    int64_t midnight = (first_day * SECONDS_PER_DAY - zone * 60) * FHS_TICKS_PER_SECOND;
    if (date->precision <= FHS_DATE_DAY) {
        int64_t days = day_behind(date, first_day) - first_day;
        *lo = midnight;
        *hi = midnight + days * SECONDS_PER_DAY * FHS_TICKS_PER_SECOND - 1;
        return;
    }
    int64_t seconds = (date->hour * INT64_C(60) + date->minute) * 60 + date->second;
    *lo = midnight + seconds * FHS_TICKS_PER_SECOND + date->fraction_ticks;
    *hi = *lo + time_width(date) - 1;
}

static char *put_digits(char *at, unsigned value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

/* Split into a civil day and the microseconds of that day; years outside 1 … 9999 are clamped. */
static int64_t split_instant(int64_t epoch_us, int64_t *us_of_day)
{
    int64_t us = epoch_us < FIRST_US ? FIRST_US : (epoch_us > LAST_US ? LAST_US : epoch_us);
    us -= FIRST_US;
    *us_of_day = us % US_PER_DAY;
    return us / US_PER_DAY;
}

size_t fhs_instant_format(int64_t epoch_us, char out[FHS_INSTANT_MAX])
{
    int64_t us_of_day;
    int32_t year;
    unsigned month;
    unsigned day;
    fhs_civil_from_days(split_instant(epoch_us, &us_of_day), &year, &month, &day);
    unsigned second = (unsigned)(us_of_day / US_PER_SECOND);
    unsigned micros = (unsigned)(us_of_day % US_PER_SECOND);
    char *at = put_digits(out, (unsigned)year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at++ = 'T';
    at = put_digits(at, second / 3600, 2);
    *at++ = ':';
    at = put_digits(at, second / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, second % 60, 2);
    *at++ = '.';
    at = micros % 1000 == 0 ? put_digits(at, micros / 1000, 3) : put_digits(at, micros, 6);
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

void fhs_instant_write(int64_t epoch_us, fhs_buf *out)
{
    char text[FHS_INSTANT_MAX];
    fhs_buf_add(out, text, fhs_instant_format(epoch_us, text));
}

int64_t fhs_ticks_from_us(int64_t epoch_us)
{
    if (epoch_us > (FHS_TICK_MAX - FHS_TICKS_AT_EPOCH) / FHS_TICKS_PER_US) {
        return FHS_TICK_MAX;
    }
    if (epoch_us < FHS_TICK_MIN / FHS_TICKS_PER_US) {
        return FHS_TICK_MIN;
    }
    return epoch_us * FHS_TICKS_PER_US + FHS_TICKS_AT_EPOCH;
}

int64_t fhs_ticks_to_us(int64_t ticks)
{
    int64_t us = ticks / FHS_TICKS_PER_US - (ticks % FHS_TICKS_PER_US < 0);
    return us - FHS_TICKS_AT_EPOCH / FHS_TICKS_PER_US;
}

static const char weekday_names[] = "MonTueWedThuFriSatSun"; /* 0001-01-01 is a Monday */
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void fhs_http_date_write(int64_t epoch_us, fhs_buf *out)
{
    char text[] = "Mon, 00 Jan 0000 00:00:00 GMT";
    int64_t us_of_day;
    int32_t year;
    unsigned month;
    unsigned day;
    int64_t days = split_instant(epoch_us, &us_of_day);
    unsigned second = (unsigned)(us_of_day / US_PER_SECOND);
    fhs_civil_from_days(days, &year, &month, &day);
    memcpy(text, weekday_names + days % 7 * 3, 3);
    (void)put_digits(text + 5, day, 2);
    memcpy(text + 8, month_names + (month - 1) * 3, 3);
    (void)put_digits(text + 12, (unsigned)year, 4);
    (void)put_digits(text + 17, second / 3600, 2);
    (void)put_digits(text + 20, second / 60 % 60, 2);
    (void)put_digits(text + 23, second % 60, 2);
    fhs_buf_add(out, text, sizeof text - 1);
}

/* One of the three-letter names in @a names, counted from 0. */
static bool scan_name(scanner *in, const char *names, int *out)
{
    if (in->end - in->at < 3) {
        return false;
    }
    for (int i = 0; names[i * 3] != '\0'; i++) {
        if (memcmp(in->at, names + i * 3, 3) == 0) {
            in->at += 3;
            *out = i;
            return true;
        }
    }
    return false;
}

bool fhs_http_date_parse(fhs_str text, int64_t *epoch_us_out)
{
    scanner in = {text.ptr, text.ptr == NULL ? NULL : text.ptr + text.len};
    int weekday;
    int day;
    int month;
    int year;
    int hour;
    int minute;
    int second;
    *epoch_us_out = 0;
    if (!scan_name(&in, weekday_names, &weekday) || !scan_char(&in, ',') || !scan_char(&in, ' ') ||
        !scan_number(&in, 2, 31, &day) || !scan_char(&in, ' ') ||
        !scan_name(&in, month_names, &month) || !scan_char(&in, ' ') ||
        !scan_number(&in, 4, 9999, &year) || !scan_char(&in, ' ') ||
        !scan_number(&in, 2, 23, &hour) || !scan_char(&in, ':') ||
        !scan_number(&in, 2, 59, &minute) || !scan_char(&in, ':') ||
        !scan_number(&in, 2, 60, &second) ||
        !fhs_str_eq(fhs_str_of(in.at, (size_t)(in.end - in.at)), FHS_LIT(" GMT"))) {
        return false;
    }
    if (year == 0 || day == 0 || (unsigned)day > fhs_days_in_month(year, (unsigned)month + 1)) {
        return false;
    }
    int64_t days = fhs_days_from_civil(year, (unsigned)month + 1, (unsigned)day);
    if (days % 7 != weekday) {
        return false;
    }
    int64_t seconds = (days - DAYS_AT_EPOCH) * SECONDS_PER_DAY + (hour * 60 + minute) * 60 + second;
    *epoch_us_out = seconds * US_PER_SECOND;
    return true;
}
