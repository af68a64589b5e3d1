/* SPDX-License-Identifier: Apache-2.0 */
/* Dates: always the interval of all moments they may mean. */
#include "base/instant.h"
#include "index/index_internal.h"

typedef struct date_span {
    int64_t lo, hi;
    bool is_set;
} date_span;

static bool read_date_value(const fhs_convert *convert, const fhs_json *value, int64_t *lo,
                            int64_t *hi)
{
    fhs_date date;
    if (!fhs_json_is(value, FHS_JSON_STRING) ||
        !fhs_date_parse(value->text,
                        FHS_DATE_FORM_DATE | FHS_DATE_FORM_DATETIME | FHS_DATE_FORM_INSTANT |
                            FHS_DATE_FORM_SEARCH,
                        &date)) {
        return false;
    }
    fhs_date_interval(&date, convert->zone_minutes, lo, hi);
    return true;
}

static void widen_span(date_span *span, int64_t lo, int64_t hi)
{
    if (!span->is_set || lo < span->lo) {
        span->lo = lo;
    }
    if (!span->is_set || hi > span->hi) {
        span->hi = hi;
    }
    span->is_set = true;
}

/* A missing end is open; a period with neither is nothing. */
static bool read_period(const fhs_convert *convert, const fhs_json *period, int64_t *lo,
                        int64_t *hi)
{
    if (!fhs_json_is(period, FHS_JSON_OBJECT)) {
        return false;
    }
    int64_t unused = 0;
    bool has_start = read_date_value(convert, fhs_json_get(period, FHS_LIT("start")), lo, &unused);
    bool has_end = read_date_value(convert, fhs_json_get(period, FHS_LIT("end")), &unused, hi);
    if (!has_start) {
        *lo = FHS_TICK_MIN;
    }
    if (!has_end) {
        *hi = FHS_TICK_MAX;
    }
    return has_start || has_end;
}

/* Only the outer limits of a schedule count: its events and the period that bounds its repetition.
 */
static void read_timing(const fhs_convert *convert, const fhs_json *timing, date_span *span)
{
    int64_t lo = 0;
    int64_t hi = 0;
    const fhs_json *events = fhs_json_get(timing, FHS_LIT("event"));
    if (fhs_json_is(events, FHS_JSON_ARRAY)) {
        for (uint32_t i = 0; i < events->count; i++) {
            if (read_date_value(convert, &events->items[i], &lo, &hi)) {
                widen_span(span, lo, hi);
            }
        }
    }
    const fhs_json *repeat = fhs_json_get(timing, FHS_LIT("repeat"));
    if (fhs_json_is(repeat, FHS_JSON_OBJECT) &&
        read_period(convert, fhs_json_get(repeat, FHS_LIT("boundsPeriod")), &lo, &hi)) {
        widen_span(span, lo, hi);
    }
}

void fhs_convert_date(fhs_convert *convert, fhs_shape shape, const fhs_json *value)
{
    date_span span = {0, 0, false};
    /* A choice may hold a date as a string; what is none gives nothing. */
    if (shape == FHS_SHAPE_DATE || shape == FHS_SHAPE_STRING) {
        span.is_set = read_date_value(convert, value, &span.lo, &span.hi);
    } else if (shape == FHS_SHAPE_PERIOD) {
        span.is_set = read_period(convert, value, &span.lo, &span.hi);
    } else if (shape == FHS_SHAPE_TIMING && value->type == FHS_JSON_OBJECT) {
        read_timing(convert, value, &span);
    }
    fhs_entry *entry = span.is_set ? fhs_convert_add(convert, FHS_ROW_DATE) : NULL;
    if (entry != NULL) {
        entry->lo = span.lo;
        entry->hi = span.hi;
    }
}
