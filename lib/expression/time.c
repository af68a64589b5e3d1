/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as devices write them. */
#include <stdio.h>

#include "base/instant.h"
#include "expression/value.h"

#define TICKS_PER_MINUTE (60 * FHS_TICKS_PER_SECOND)
#define ZONE_MINUTES_MAX (14 * 60)

typedef struct time_scan {
    fhs_str text;
    size_t at;
} time_scan;

static bool time_char(time_scan *scan, char c)
{
    if (scan->at < scan->text.len && scan->text.ptr[scan->at] == c) {
        scan->at++;
        return true;
    }
    return false;
}

/* A number of @a least to @a most digits. */
static bool time_digits(time_scan *scan, unsigned least, unsigned most, unsigned *out)
{
    unsigned value = 0;
    unsigned count = 0;
    while (count < most && scan->at < scan->text.len) {
        unsigned digit = (unsigned)(unsigned char)scan->text.ptr[scan->at] - '0';
        if (digit > 9) {
            break;
        }
        value = value * 10 + digit;
        scan->at++;
        count++;
    }
    *out = value;
    return count >= least;
}

/* Digits behind the seconds' point as ticks; the eighth and later ones are cut. */
static bool time_fraction(time_scan *scan, int64_t *ticks)
{
    int64_t unit = FHS_TICKS_PER_SECOND / 10;
    size_t start = scan->at;
    while (scan->at < scan->text.len && scan->text.ptr[scan->at] >= '0' &&
           scan->text.ptr[scan->at] <= '9') {
        *ticks += unit * (scan->text.ptr[scan->at++] - '0');
        unit /= 10;
    }
    return scan->at > start;
}

/* HH:mm[:ss[.f]]; 24:00:00 is the end of the day. */
static bool time_of_day(time_scan *scan, int64_t *ticks)
{
    unsigned hour;
    unsigned minute;
    unsigned second = 0;
    int64_t fraction = 0;
    if (!time_digits(scan, 2, 2, &hour) || !time_char(scan, ':') ||
        !time_digits(scan, 2, 2, &minute)) {
        return false;
    }
    if (time_char(scan, ':') && (!time_digits(scan, 2, 2, &second) ||
                                 (time_char(scan, '.') && !time_fraction(scan, &fraction)))) {
        return false;
    }
    if (hour > 24 || minute > 59 || second > 59 ||
        (hour == 24 && (minute > 0 || second > 0 || fraction > 0))) {
        return false;
    }
    *ticks += ((int64_t)hour * 60 + minute) * TICKS_PER_MINUTE + second * FHS_TICKS_PER_SECOND +
              fraction;
    return true;
}

/* Z, ±HH, ±HHmm, ±HH:mm or nothing, which is UTC. */
static bool time_zone(time_scan *scan, int64_t *ticks)
{
    unsigned hours;
    unsigned minutes = 0;
    if (scan->at == scan->text.len || time_char(scan, 'Z') || time_char(scan, 'z')) {
        return true;
    }
    bool west = time_char(scan, '-');
    if (!west && !time_char(scan, '+')) {
        return false;
    }
    if (!time_digits(scan, 2, 2, &hours)) {
        return false;
    }
    if (scan->at < scan->text.len) {
        time_char(scan, ':');
        if (!time_digits(scan, 2, 2, &minutes)) {
            return false;
        }
    }
    if (minutes > 59 || hours * 60 + minutes > ZONE_MINUTES_MAX) {
        return false;
    }
    int64_t offset = (int64_t)(hours * 60 + minutes) * TICKS_PER_MINUTE;
    *ticks += west ? offset : -offset;
    return true;
}

static bool civil_to_ticks(unsigned year, unsigned month, unsigned day, int64_t *ticks)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > fhs_days_in_month((int32_t)year, month)) {
        return false;
    }
    *ticks = fhs_days_from_civil((int32_t)year, month, day) * 24 * 60 * TICKS_PER_MINUTE;
    return true;
}

/* yyyy-MM-dd, then a time behind "T" or blanks. */
static bool iso_time(time_scan *scan, int64_t *ticks)
{
    unsigned year;
    unsigned month;
    unsigned day;
    if (!time_digits(scan, 4, 4, &year) || !time_char(scan, '-') ||
        !time_digits(scan, 2, 2, &month) || !time_char(scan, '-') ||
        !time_digits(scan, 2, 2, &day) || !civil_to_ticks(year, month, day, ticks)) {
        return false;
    }
    if (scan->at == scan->text.len) {
        return true;
    }
    if (!time_char(scan, 'T') && !time_char(scan, 't') && !time_char(scan, ' ')) {
        return false;
    }
    if (!time_of_day(scan, ticks)) {
        return false;
    }
    time_char(scan, ' ');
    return time_zone(scan, ticks);
}

/* MM/dd/yyyy, then a time behind a blank. */
static bool american_time(time_scan *scan, int64_t *ticks)
{
    unsigned year;
    unsigned month;
    unsigned day;
    if (!time_digits(scan, 1, 2, &month) || !time_char(scan, '/') ||
        !time_digits(scan, 1, 2, &day) || !time_char(scan, '/') ||
        !time_digits(scan, 4, 4, &year) || !civil_to_ticks(year, month, day, ticks)) {
        return false;
    }
    if (scan->at == scan->text.len) {
        return true;
    }
    if (!time_char(scan, ' ') || !time_of_day(scan, ticks)) {
        return false;
    }
    time_char(scan, ' ');
    return time_zone(scan, ticks);
}

bool fhs_expression_parse_time(fhs_str text, int64_t *ticks_out)
{
    time_scan scan = {fhs_str_trim(text), 0};
    int64_t ticks = 0;
    int64_t epoch_us;
    bool known = iso_time(&scan, &ticks) && scan.at == scan.text.len;
    if (!known) {
        scan.at = 0;
        known = american_time(&scan, &ticks) && scan.at == scan.text.len;
    }
    if (!known && fhs_http_date_parse(scan.text, &epoch_us)) {
        ticks = fhs_ticks_from_us(epoch_us);
        known = true;
    }
    /* A zone may lead out of the calendar. */
    int64_t end = fhs_days_from_civil(9999, 12, 31) * 24 * 60 * TICKS_PER_MINUTE +
                  24 * 60 * TICKS_PER_MINUTE;
    *ticks_out = known && ticks >= 0 && ticks < end ? ticks : 0;
    return known && ticks >= 0 && ticks < end;
}

const fhs_json *fhs_expression_make_date(fhs_arena *arena, int64_t ticks)
{
    const int64_t ticks_per_day = 24 * 60 * TICKS_PER_MINUTE;
    char text[40];
    int32_t year;
    unsigned month;
    unsigned day;
    int64_t of_day = ticks % ticks_per_day;
    fhs_civil_from_days(ticks / ticks_per_day, &year, &month, &day);
    int64_t second = of_day / FHS_TICKS_PER_SECOND;
    int len = snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%07d", (int)year, month,
                       day, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60),
                       (int)(of_day % FHS_TICKS_PER_SECOND));
    while (text[len - 1] == '0') {
        len--;
    }
    len -= text[len - 1] == '.';
    text[len++] = 'Z';
    fhs_str copy = fhs_arena_dup(arena, fhs_str_of(text, (size_t)len));
    return copy.ptr == NULL ? NULL : fhs_expression_make_instant(arena, copy);
}
