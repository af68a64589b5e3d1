/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intervals of the date, number and quantity indexes: which boxes of (low, high) a prefix means;
 * and intervals of times of change.
 */
#include "base/instant.h"
#include "search/search_internal.h"

/* ---- dates ---- */

typedef struct date_box {
    int64_t lo_from, lo_to, hi_from, hi_to;
} date_box;

static fhirstore_status add_box(fhs_search *search, uint32_t param, uint8_t shape, date_box box,
                                fhs_scan *scan)
{
    if (box.lo_from > box.lo_to || box.hi_from > box.hi_to) {
        return FHIRSTORE_OK;
    }
    fhs_range *range = fhs_scan_add_param(search, scan, shape, param);
    if (range == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    fhs_arg_int(range, box.lo_from);
    fhs_arg_int(range, box.lo_to);
    fhs_arg_int(range, box.hi_from);
    fhs_arg_int(range, box.hi_to);
    return FHIRSTORE_OK;
}

/* Ticks @a by before @a ticks, not beyond the first. */
static int64_t ticks_before(int64_t ticks, int64_t by)
{
    return ticks < FHS_TICK_MIN + by ? FHS_TICK_MIN : ticks - by;
}

/*
 * Rows whose high bound is at least @a hi_from while their low bound is at most @a lo_to: narrow
 * ones begin not long before, wide ones are in the order of their high bound as well.
 */
static fhirstore_status add_reaching(fhs_search *search, uint32_t param, int64_t hi_from,
                                     int64_t lo_to, fhs_scan *scan)
{
    date_box narrow = {ticks_before(hi_from, FHS_DATE_NARROW_TICKS), lo_to, hi_from, FHS_TICK_MAX};
    date_box wide = {FHS_TICK_MIN, lo_to, hi_from, FHS_TICK_MAX};
    fhirstore_status status = add_box(search, param, FHS_RANGE_DATE, narrow, scan);
    return status == FHIRSTORE_OK ? add_box(search, param, FHS_RANGE_DATE_HI, wide, scan) : status;
}

fhirstore_status fhs_ranges_date(fhs_search *search, uint32_t param, const fhs_match *match,
                                 fhs_scan *scan)
{
    const int64_t lo = match->lo;
    const int64_t hi = match->hi;
    const int64_t first = FHS_TICK_MIN;
    const int64_t last = FHS_TICK_MAX;
    const int64_t under_lo = lo == first ? first : lo - 1;
    const int64_t over_hi = hi == last ? last : hi + 1;
    fhirstore_status status = FHIRSTORE_OK;
    switch ((fhs_compare)match->compare) {
    case FHS_CMP_EQ:
        return add_box(search, param, FHS_RANGE_DATE, (date_box){lo, hi, first, hi}, scan);
    case FHS_CMP_NE:
        status = add_box(search, param, FHS_RANGE_DATE, (date_box){first, under_lo, first, last},
                         scan);
        return status != FHIRSTORE_OK ? status
                                      : add_box(search, param, FHS_RANGE_DATE,
                                                (date_box){lo, last, over_hi, last}, scan);
    case FHS_CMP_GT:
        return add_reaching(search, param, over_hi, last, scan);
    case FHS_CMP_GE:
        status = add_box(search, param, FHS_RANGE_DATE, (date_box){lo, last, first, last}, scan);
        return status != FHIRSTORE_OK ? status
                                      : add_reaching(search, param, over_hi, under_lo, scan);
    case FHS_CMP_LT:
        return add_box(search, param, FHS_RANGE_DATE, (date_box){first, under_lo, first, last},
                       scan);
    case FHS_CMP_LE:
        status = add_box(search, param, FHS_RANGE_DATE, (date_box){first, under_lo, first, last},
                         scan);
        return status != FHIRSTORE_OK
                   ? status
                   : add_box(search, param, FHS_RANGE_DATE, (date_box){lo, hi, first, hi}, scan);
    case FHS_CMP_SA:
        return add_box(search, param, FHS_RANGE_DATE, (date_box){over_hi, last, first, last}, scan);
    case FHS_CMP_EB:
        return add_box(search, param, FHS_RANGE_DATE, (date_box){first, under_lo, first, under_lo},
                       scan);
    case FHS_CMP_AP:
        return add_reaching(search, param, lo, hi, scan);
    }
    return status;
}

/* ---- numbers ---- */

/* Bounds on the keys: from inclusive, to exclusive; ptr NULL: none. */
typedef struct number_box {
    fhs_str lo_from, lo_to, hi_from, hi_to;
} number_box;

/* The first key above @a key. */
static fhs_str key_after(fhs_search *search, fhs_str key)
{
    char *bytes = fhs_arena_alloc(&search->arena, key.len + 1);
    if (bytes == NULL) {
        return FHS_STR_NONE;
    }
    memcpy(bytes, key.ptr, key.len);
    bytes[key.len] = '\0';
    return fhs_str_of(bytes, key.len + 1);
}

static void arg_bound(fhs_range *range, fhs_str key, bool is_upper)
{
    if (key.ptr == NULL && is_upper) {
        fhs_arg_top(range);
    } else {
        fhs_arg_blob(range, key);
    }
}

static void arg_number_box(fhs_range *range, const number_box *box)
{
    arg_bound(range, box->lo_from, false);
    arg_bound(range, box->lo_to, true);
    arg_bound(range, box->hi_from, false);
    arg_bound(range, box->hi_to, true);
}

static fhirstore_status add_number_box(fhs_search *search, uint32_t param, const fhs_match *match,
                                       number_box box, fhs_scan *scan)
{
    if (match->kind == FHS_ROW_NUMBER || match->any_unit) {
        fhs_range *range = fhs_scan_add_param(
            search, scan, match->kind == FHS_ROW_NUMBER ? FHS_RANGE_NUMBER : FHS_RANGE_QUANTITY_ANY,
            param);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        /* Canonical rows lie between the others. */
        scan->is_exact = scan->is_exact && match->kind == FHS_ROW_NUMBER;
        arg_number_box(range, &box);
        return FHIRSTORE_OK;
    }
    for (size_t i = 0; i < match->number_count; i++) {
        fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_QUANTITY, param);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        fhs_arg_int(range, match->numbers[i]);
        arg_number_box(range, &box);
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_ranges_number(fhs_search *search, uint32_t param, const fhs_match *match,
                                   fhs_scan *scan)
{
    const fhs_str none = FHS_STR_NONE;
    fhs_str after = key_after(search, match->key);
    number_box box = {none, none, none, none};
    fhirstore_status status;
    if (after.ptr == NULL) {
        return fhs_search_no_memory(search);
    }
    switch ((fhs_compare)match->compare) {
    case FHS_CMP_EQ:
        box = (number_box){match->low_key, match->high_key, none, match->high_key};
        break;
    case FHS_CMP_NE:
        box.lo_to = match->low_key;
        status = add_number_box(search, param, match, box, scan);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        box = (number_box){match->low_key, none, match->high_key, none};
        break;
    case FHS_CMP_GT:
        box.hi_from = after;
        break;
    case FHS_CMP_GE:
        box.hi_from = match->key;
        break;
    case FHS_CMP_LT:
        box.lo_to = match->key;
        break;
    case FHS_CMP_LE:
        box.lo_to = after;
        break;
    case FHS_CMP_SA:
        box.lo_from = after;
        break;
    case FHS_CMP_EB:
        box.lo_to = match->key;
        box.hi_to = match->key;
        break;
    case FHS_CMP_AP:
        box.lo_to = key_after(search, match->high_key);
        box.hi_from = match->low_key;
        if (box.lo_to.ptr == NULL) {
            return fhs_search_no_memory(search);
        }
        break;
    }
    return add_number_box(search, param, match, box, scan);
}

void fhs_arg_any_number(fhs_range *range)
{
    const number_box box = {FHS_STR_NONE, FHS_STR_NONE, FHS_STR_NONE, FHS_STR_NONE};
    arg_number_box(range, &box);
}

/* ---- _lastUpdated ---- */

#define US_SLACK INT64_C(20)

/* Microseconds a little too wide do no harm: what comes is tested. */
static void arg_updated(fhs_range *range, const fhs_match *match)
{
    fhs_compare compare = (fhs_compare)match->compare;
    bool is_open_below = compare == FHS_CMP_NE || compare == FHS_CMP_LT || compare == FHS_CMP_LE ||
                         compare == FHS_CMP_EB;
    bool is_open_above = compare == FHS_CMP_NE || compare == FHS_CMP_GT || compare == FHS_CMP_GE ||
                         compare == FHS_CMP_SA;
    is_open_below = is_open_below || match->lo < FHS_TICK_MIN + US_SLACK;
    is_open_above = is_open_above || match->hi > FHS_TICK_MAX - US_SLACK;
    fhs_arg_int(range, is_open_below ? INT64_MIN : fhs_ticks_to_us(match->lo - US_SLACK));
    fhs_arg_int(range, is_open_above ? INT64_MAX : fhs_ticks_to_us(match->hi + US_SLACK));
}

fhirstore_status fhs_scan_updated(fhs_search *search, const fhs_test *test, fhs_scan *scan)
{
    scan->is_exact = false;
    size_t type_count = test->type != 0 ? 1 : search->type_count;
    for (size_t t = 0; t < type_count; t++) {
        for (size_t i = 0; i < test->match_count; i++) {
            fhs_range *range = fhs_scan_add(search, scan, FHS_RANGE_UPDATED);
            if (range == NULL) {
                return FHIRSTORE_ERR_NO_MEMORY;
            }
            fhs_arg_int(range, test->type != 0 ? test->type : search->types[t]);
            arg_updated(range, &test->matches[i]);
            range->is_unique = true;
        }
    }
    return FHIRSTORE_OK;
}
