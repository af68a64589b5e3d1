/* SPDX-License-Identifier: Apache-2.0 */
/* Dates: always the interval of all moments they may mean. */
#include "base/instant.h"
#include "index/index_internal.h"

typedef struct date_span {
    int64_t lo, hi, end;
    bool is_set;
} date_span;

/* A time with a fraction of a second ends where it begins: it was measured, not rounded. */
static bool read_date_value(const fhs_convert *convert, const fhs_json *value, date_span *out)
{
    fhs_date date;
    if (!fhs_json_is(value, FHS_JSON_STRING) ||
        !fhs_date_parse(value->text,
                        FHS_DATE_FORM_DATE | FHS_DATE_FORM_DATETIME | FHS_DATE_FORM_INSTANT |
                            FHS_DATE_FORM_SEARCH,
                        &date)) {
        return false;
    }
    fhs_date_interval(&date, convert->zone_minutes, &out->lo, &out->hi);
    out->end = date.precision == FHS_DATE_FRACTION ? out->lo : out->hi;
    out->is_set = true;
    return true;
}

static void widen_span(date_span *span, const date_span *by)
{
    if (!span->is_set) {
        *span = *by;
    }
    if (by->lo < span->lo) {
        span->lo = by->lo;
    }
    if (by->hi > span->hi) {
        span->hi = by->hi;
    }
    if (by->end > span->end) {
        span->end = by->end;
    }
}

/* A missing end is open; a period with neither is nothing. */
static bool read_period(const fhs_convert *convert, const fhs_json *period, date_span *out)
{
    date_span first = {.lo = FHS_TICK_MIN};
    date_span last = {.hi = FHS_TICK_MAX, .end = FHS_TICK_MAX};
    if (!fhs_json_is(period, FHS_JSON_OBJECT)) {
        return false;
    }
    (void)read_date_value(convert, fhs_json_get(period, FHS_LIT("start")), &first);
    (void)read_date_value(convert, fhs_json_get(period, FHS_LIT("end")), &last);
    *out = (date_span){first.lo, last.hi, last.end, first.is_set || last.is_set};
    return out->is_set;
}

/* Only the outer limits of a schedule count: its events and the period that bounds its repetition.
 */
static void read_timing(const fhs_convert *convert, const fhs_json *timing, date_span *span)
{
    date_span part = {0, 0, 0, false};
    const fhs_json *events = fhs_json_get(timing, FHS_LIT("event"));
    if (fhs_json_is(events, FHS_JSON_ARRAY)) {
        for (uint32_t i = 0; i < events->count; i++) {
            if (read_date_value(convert, &events->items[i], &part)) {
                widen_span(span, &part);
            }
        }
    }
    const fhs_json *repeat = fhs_json_get(timing, FHS_LIT("repeat"));
    if (fhs_json_is(repeat, FHS_JSON_OBJECT) &&
        read_period(convert, fhs_json_get(repeat, FHS_LIT("boundsPeriod")), &part)) {
        widen_span(span, &part);
    }
}

void fhs_convert_date(fhs_convert *convert, fhs_shape shape, const fhs_json *value)
{
    date_span span = {0, 0, 0, false};
    /* A choice may hold a date as a string; what is none gives nothing. */
    if (shape == FHS_SHAPE_DATE || shape == FHS_SHAPE_STRING) {
        (void)read_date_value(convert, value, &span);
    } else if (shape == FHS_SHAPE_PERIOD) {
        (void)read_period(convert, value, &span);
    } else if (shape == FHS_SHAPE_TIMING && value->type == FHS_JSON_OBJECT) {
        read_timing(convert, value, &span);
    }
    fhs_entry *entry = span.is_set ? fhs_convert_add(convert, FHS_ROW_DATE) : NULL;
    if (entry != NULL) {
        entry->lo = span.lo;
        entry->hi = span.hi;
        entry->end = span.end;
    }
}
