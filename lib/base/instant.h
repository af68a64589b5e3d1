/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FHIR dates and times. A date of any precision is the closed interval [lo, hi] of ticks it may
 * mean; a tick is 100 ns counted from 0001-01-01T00:00:00Z, so int64 reaches past the year 9999.
 */
#ifndef FHS_BASE_INSTANT_H
#define FHS_BASE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define FHS_TICKS_PER_SECOND INT64_C(10000000)
#define FHS_TICKS_PER_US     INT64_C(10)
/* Bounds that stand for "since ever" and "for ever" (an open period). */
#define FHS_TICK_MIN INT64_MIN
#define FHS_TICK_MAX INT64_MAX
/* Ticks at 1970-01-01T00:00:00Z. */
#define FHS_TICKS_AT_EPOCH INT64_C(621355968000000000)

typedef enum fhs_date_precision {
    FHS_DATE_YEAR,
    FHS_DATE_MONTH,
    FHS_DATE_DAY,
    FHS_DATE_HOUR, /* FHIRPath only */
    FHS_DATE_MINUTE,
    FHS_DATE_SECOND,
    FHS_DATE_FRACTION, /* fraction_digits says how fine */
} fhs_date_precision;

/* A date as it was written. */
typedef struct fhs_date {
    int32_t year;                             /* 1 … 9999 */
    uint8_t month, day, hour, minute, second; /* 0 where the precision ends before */
    uint8_t precision;                        /* fhs_date_precision */
    uint8_t fraction_digits;                  /* as written, may exceed what ticks hold */
    bool has_zone;
    int16_t zone_minutes;   /* east of Greenwich */
    int32_t fraction_ticks; /* 0 … 9,999,999; digits past the seventh are cut */
} fhs_date;

/* Which forms fhs_date_parse() accepts, or'ed. */
enum {
    FHS_DATE_FORM_DATE = 1,     /* YYYY, YYYY-MM, YYYY-MM-DD */
    FHS_DATE_FORM_DATETIME = 2, /* … or with a time; FHIR's dateTime demands seconds and a zone */
    FHS_DATE_FORM_INSTANT = 4,  /* full time with zone */
    FHS_DATE_FORM_SEARCH = 8,   /* all of these, also without seconds, and without a zone */
    FHS_DATE_FORM_FHIRPATH = 16, /* all of these, also the hour alone ("2015-02-04T14") */
};

/*
 * Parse and check against the calendar (no 30 February, leap second 60 allowed in seconds; it is
 * the same ticks as the first second of the next minute).
 */
bool fhs_date_parse(fhs_str text, unsigned forms, fhs_date *out);
/* The interval it covers; a date or time without zone is taken at @a default_zone_minutes. */
void fhs_date_interval(const fhs_date *date, int default_zone_minutes, int64_t *lo, int64_t *hi);
/* Days from 0001-01-01 in the proleptic Gregorian calendar. */
int64_t fhs_days_from_civil(int32_t year, unsigned month, unsigned day);
void fhs_civil_from_days(int64_t days, int32_t *year, unsigned *month, unsigned *day);
unsigned fhs_days_in_month(int32_t year, unsigned month);

/*
 * Microseconds since 1970 (UTC) as a FHIR instant: 2024-01-02T03:04:05.678901Z, with 3 fraction
 * digits where they say it all, else 6. Years outside 0001 … 9999 become the nearest instant
 * inside.
 */
void fhs_instant_write(int64_t epoch_us, fhs_buf *out);
#define FHS_INSTANT_MAX 32u
/* The same into a caller's array, with a NUL behind it; returns the length. */
size_t fhs_instant_format(int64_t epoch_us, char out[FHS_INSTANT_MAX]);
/* Ticks ↔ microseconds since 1970; to ticks saturates, to microseconds rounds down. */
int64_t fhs_ticks_from_us(int64_t epoch_us);
int64_t fhs_ticks_to_us(int64_t ticks);
/* IMF-fixdate for Last-Modified: "Sun, 06 Nov 1994 08:49:37 GMT", and back. */
void fhs_http_date_write(int64_t epoch_us, fhs_buf *out);
bool fhs_http_date_parse(fhs_str text, int64_t *epoch_us_out);

#endif
