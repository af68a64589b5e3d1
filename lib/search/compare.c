/* SPDX-License-Identifier: Apache-2.0 */
/* Does one index row match one value? The only place where the meaning of prefixes is written. */
#include "search/search_internal.h"

bool fhs_has_number(const int64_t *numbers, size_t count, int64_t number)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (numbers[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* Behind the last one there is nothing to be compared with. */
    return low < count && numbers[low] == number;
}

/*
 * Search interval [lo, hi], the resource's [row_lo, row_hi]: eq is containment; gt is overlap with
 * what lies above the search interval, ge that or containment.
 */
bool fhs_date_matches(uint8_t compare, int64_t lo, int64_t hi, int64_t row_lo, int64_t row_hi)
{
    switch ((fhs_compare)compare) {
    case FHS_CMP_EQ:
        return row_lo >= lo && row_hi <= hi;
    case FHS_CMP_NE:
        return row_lo < lo || row_hi > hi;
    case FHS_CMP_GT:
        return row_hi > hi;
    case FHS_CMP_LT:
        return row_lo < lo;
    case FHS_CMP_GE:
        return row_hi > hi || row_lo >= lo;
    case FHS_CMP_LE:
        return row_lo < lo || row_hi <= hi;
    case FHS_CMP_SA:
        return row_lo > hi;
    case FHS_CMP_EB:
        return row_hi < lo;
    case FHS_CMP_AP:
        return row_lo <= hi && row_hi >= lo;
    }
    return false;
}

/* Sort keys compare as their numbers. Implicit precision is [low, high), an approximation [low,
 * high]. */
static bool number_matches(const fhs_match *match, fhs_str low, fhs_str high)
{
    switch ((fhs_compare)match->compare) {
    case FHS_CMP_EQ:
        return fhs_str_compare(low, match->low_key) >= 0 &&
               fhs_str_compare(high, match->high_key) < 0;
    case FHS_CMP_NE:
        return fhs_str_compare(low, match->low_key) < 0 ||
               fhs_str_compare(high, match->high_key) >= 0;
    case FHS_CMP_GT:
        return fhs_str_compare(high, match->key) > 0;
    case FHS_CMP_LT:
        return fhs_str_compare(low, match->key) < 0;
    case FHS_CMP_GE:
        return fhs_str_compare(high, match->key) >= 0;
    case FHS_CMP_LE:
        return fhs_str_compare(low, match->key) <= 0;
    case FHS_CMP_SA:
        return fhs_str_compare(low, match->key) > 0;
    case FHS_CMP_EB:
        return fhs_str_compare(high, match->key) < 0;
    case FHS_CMP_AP:
        return fhs_str_compare(low, match->high_key) <= 0 &&
               fhs_str_compare(high, match->low_key) >= 0;
    }
    return false;
}

/* Whether @a upper is @a lower or a path below it. */
static bool is_below(fhs_str lower, fhs_str upper)
{
    return fhs_str_starts_with(upper, lower) &&
           (upper.len == lower.len || (lower.len > 0 && lower.ptr[lower.len - 1] == '/') ||
            upper.ptr[lower.len] == '/');
}

bool fhs_text_matches(uint8_t mode, fhs_str wanted, fhs_str text)
{
    switch ((fhs_text_mode)mode) {
    case FHS_TEXT_EXACT:
        return fhs_str_eq(text, wanted);
    case FHS_TEXT_PREFIX:
        return fhs_str_starts_with(text, wanted);
    case FHS_TEXT_CONTAINS:
        return fhs_str_find(text, wanted) <= text.len;
    case FHS_TEXT_BELOW:
        return is_below(wanted, text);
    case FHS_TEXT_ABOVE:
        return is_below(text, wanted);
    case FHS_TEXT_ENDS:
        return fhs_str_ends_with(text, wanted);
    case FHS_TEXT_COMPARE:
        return fhs_str_eq(text, wanted);
    }
    return false;
}

/* "1.2" is above "1.2.1". */
static bool is_version_below(fhs_str upper, fhs_str lower)
{
    return upper.len > 0 && fhs_str_starts_with(lower, upper) &&
           (lower.len == upper.len || lower.ptr[upper.len] == '.');
}

static bool version_matches(const fhs_match *match, fhs_str version)
{
    if (!match->has_version) {
        return true;
    }
    switch ((fhs_text_mode)match->version_mode) {
    case FHS_TEXT_BELOW:
        return is_version_below(match->version, version);
    case FHS_TEXT_ABOVE:
        return is_version_below(version, match->version);
    default:
        return fhs_str_eq(match->version, version);
    }
}

static fhs_str written_text(const fhs_row *row)
{
    return row->extra.len > 0 ? row->extra : row->text;
}

static fhirstore_status token_matches(fhs_search *search, const fhs_match *match,
                                      const fhs_row *row, bool *yes_out)
{
    if (match->codes != NULL) {
        *yes_out = fhs_codes_have(match->codes, row->a, row->text, written_text(row));
        return FHIRSTORE_OK;
    }
    *yes_out = (match->any_system || row->a == match->system) &&
               (match->any_code || fhs_text_matches(match->mode, match->text, row->text));
    if (!*yes_out || !match->has_letters) {
        return FHIRSTORE_OK;
    }
    bool is_exact;
    fhirstore_status status = fhs_system_is_exact(search, row->a, &is_exact);
    *yes_out = !is_exact || fhs_str_eq(written_text(row), match->written);
    return status;
}

/* Folded texts, byte by byte. */
static bool text_compares(uint8_t compare, fhs_str text, fhs_str wanted)
{
    int order = fhs_str_compare(text, wanted);
    switch ((fhs_compare)compare) {
    case FHS_CMP_NE:
        return order != 0;
    case FHS_CMP_GT:
    case FHS_CMP_SA:
        return order > 0;
    case FHS_CMP_LT:
    case FHS_CMP_EB:
        return order < 0;
    case FHS_CMP_GE:
        return order >= 0;
    case FHS_CMP_LE:
        return order <= 0;
    case FHS_CMP_EQ:
    case FHS_CMP_AP:
        break;
    }
    return order == 0;
}

static bool string_matches(const fhs_match *match, const fhs_row *row)
{
    if (match->mode == FHS_TEXT_COMPARE) {
        return text_compares(match->compare, row->text, match->text);
    }
    return fhs_text_matches(match->mode, match->text, row->text) &&
           (match->mode != FHS_TEXT_EXACT || fhs_str_eq(written_text(row), match->written));
}

/* Where a composite key has its codes as written. */
static fhs_str written_codes(fhs_str key, fhs_buf *scratch)
{
    fhs_row part;
    while (fhs_composite_next(&key, scratch, &part)) {
    }
    return key;
}

static fhirstore_status any_part_matches(fhs_search *search, const fhs_match *match, size_t at,
                                         const fhs_row *part, bool *yes_out)
{
    fhirstore_status status = FHIRSTORE_OK;
    *yes_out = match->part_counts[at] == 0; /* nothing is asked of it */
    for (size_t m = 0; m < match->part_counts[at] && !*yes_out && status == FHIRSTORE_OK; m++) {
        status = fhs_row_matches(search, &match->parts[at][m], part, yes_out);
    }
    return status;
}

static fhirstore_status composite_matches(fhs_search *search, const fhs_match *match,
                                          const fhs_row *row, bool *yes_out)
{
    fhs_buf scratch = FHS_BUF_INIT((size_t)1 << 24);
    fhs_buf code = FHS_BUF_INIT((size_t)1 << 24);
    fhs_str rest = row->text;
    fhs_str written = written_codes(row->text, &scratch);
    fhirstore_status status = FHIRSTORE_OK;
    *yes_out = true;
    for (size_t i = 0; i < match->part_count && *yes_out && status == FHIRSTORE_OK; i++) {
        fhs_row part;
        if (!fhs_composite_next(&rest, &scratch, &part)) {
            *yes_out = false;
            break;
        }
        if (part.kind == FHS_ROW_TOKEN) {
            (void)fhs_composite_next_written(&written, &code, &part.extra);
        }
        status = any_part_matches(search, match, i, &part, yes_out);
    }
    if (scratch.failed == FHIRSTORE_ERR_NO_MEMORY || code.failed == FHIRSTORE_ERR_NO_MEMORY) {
        status = fhs_search_no_memory(search);
    }
    fhs_buf_clear(&scratch);
    fhs_buf_clear(&code);
    return status;
}

static fhirstore_status value_matches(fhs_search *search, const fhs_match *match,
                                      const fhs_row *row, bool *yes_out)
{
    switch ((fhs_row_kind)row->kind) {
    case FHS_ROW_TOKEN:
        return token_matches(search, match, row, yes_out);
    case FHS_ROW_STRING:
        *yes_out = string_matches(match, row);
        break;
    case FHS_ROW_DATE:
        *yes_out = fhs_date_matches(match->compare, match->lo, match->hi, row->a, row->b);
        break;
    case FHS_ROW_NUMBER:
        *yes_out = number_matches(match, row->text, row->extra.len > 0 ? row->extra : row->text);
        break;
    case FHS_ROW_QUANTITY:
        *yes_out = fhs_has_number(match->numbers, match->number_count, row->a);
        if (!*yes_out && search->is_containing && match->unit_value != NULL) {
            fhirstore_status status = fhs_unit_is_meant(search, match, row->a, yes_out);
            if (status != FHIRSTORE_OK) {
                return status;
            }
        }
        *yes_out = *yes_out &&
                   number_matches(match, row->text, row->extra.len > 0 ? row->extra : row->text);
        break;
    case FHS_ROW_REFERENCE:
        *yes_out = fhs_has_number(match->numbers, match->number_count, row->a) &&
                   version_matches(match, row->extra);
        break;
    case FHS_ROW_URI:
        *yes_out = fhs_text_matches(match->mode, match->text, row->text);
        break;
    case FHS_ROW_COMPOSITE:
        return composite_matches(search, match, row, yes_out);
    case FHS_ROW_POSITION:
        *yes_out = fhs_near_matches(match, row);
        break;
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_row_matches(fhs_search *search, const fhs_match *match, const fhs_row *row,
                                 bool *yes_out)
{
    *yes_out = false;
    if (row->kind != match->kind) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = value_matches(search, match, row, yes_out);
    *yes_out = status == FHIRSTORE_OK && *yes_out != match->is_unequal;
    return status;
}
