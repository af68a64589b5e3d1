/* SPDX-License-Identifier: Apache-2.0 */
/* Which runs of which index hold what a test asks for. */
#include "base/instant.h"
#include "search/search_internal.h"

/* More systems than this under one code are read as one run. */
#define SYSTEMS_MAX 8u
/* More spellings than this of one code under one system are read as one run. */
#define SPELLINGS_MAX 4u

fhs_range *fhs_scan_add(fhs_search *search, fhs_scan *scan, uint8_t shape)
{
    fhs_range *ranges = fhs_search_grow(search, scan->ranges, scan->count, &scan->capacity,
                                        sizeof(*ranges));
    if (ranges == NULL) {
        return NULL;
    }
    scan->ranges = ranges;
    fhs_range *range = &ranges[scan->count++];
    *range = (fhs_range){.shape = shape};
    return range;
}

void fhs_arg_int(fhs_range *range, int64_t number)
{
    range->args[range->arg_count++] = (fhs_arg){.kind = FHS_ARG_INT, .number = number};
}

static void arg_text(fhs_range *range, fhs_str text)
{
    range->args[range->arg_count++] = (fhs_arg){.kind = FHS_ARG_TEXT, .text = text};
}

void fhs_arg_blob(fhs_range *range, fhs_str key)
{
    range->args[range->arg_count++] = (fhs_arg){.kind = FHS_ARG_BLOB, .text = key};
}

void fhs_arg_top(fhs_range *range)
{
    range->args[range->arg_count++] = (fhs_arg){.kind = FHS_ARG_TOP};
}

fhs_range *fhs_scan_add_param(fhs_search *search, fhs_scan *scan, uint8_t shape, uint32_t param)
{
    fhs_range *range = fhs_scan_add(search, scan, shape);
    if (range != NULL) {
        fhs_arg_int(range, param);
    }
    return range;
}

fhirstore_status fhs_arg_prefix(fhs_search *search, fhs_range *range, fhs_str prefix)
{
    size_t len = prefix.len;
    arg_text(range, prefix);
    while (len > 0 && (unsigned char)prefix.ptr[len - 1] == 0xFF) {
        len--;
    }
    if (len == 0) {
        fhs_arg_top(range);
        return FHIRSTORE_OK;
    }
    char *end = fhs_arena_alloc(&search->arena, len);
    if (end == NULL) {
        return fhs_search_no_memory(search);
    }
    memcpy(end, prefix.ptr, len);
    end[len - 1] = (char)((unsigned char)end[len - 1] + 1);
    arg_text(range, fhs_str_of(end, len));
    return FHIRSTORE_OK;
}

/* A text alone: from it to the least text above it. */
static fhirstore_status arg_only(fhs_search *search, fhs_range *range, fhs_str text)
{
    char *end = fhs_arena_alloc(&search->arena, text.len + 1);
    if (end == NULL) {
        return fhs_search_no_memory(search);
    }
    if (text.len > 0) {
        memcpy(end, text.ptr, text.len);
    }
    end[text.len] = '\0';
    arg_text(range, text);
    arg_text(range, fhs_str_of(end, text.len + 1));
    return FHIRSTORE_OK;
}

/* ---- tokens ---- */

/* One spelling of a code under one system: "" for the folded form itself. */
static fhirstore_status add_spelling(fhs_search *search, uint32_t param, const fhs_match *match,
                                     int64_t system, fhs_str exact, fhs_scan *scan)
{
    fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_TOKEN_EXACT, param);
    if (range == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    arg_text(range, match->text);
    fhs_arg_int(range, system);
    arg_text(range, exact);
    range->is_unique = true;
    return FHIRSTORE_OK;
}

/* Whatever its spelling: a run for each that there is, so that each is in entity order. */
static fhirstore_status add_spellings(fhs_search *search, uint32_t param, const fhs_match *match,
                                      int64_t system, fhs_scan *scan)
{
    fhs_str spellings[SPELLINGS_MAX];
    size_t count = 0;
    bool found = true;
    while (count <= SPELLINGS_MAX) {
        fhs_str next;
        fhirstore_status status = fhs_sql_next_spelling(
            search, param, match->text, system, count == 0 ? FHS_STR_NONE : spellings[count - 1],
            count == 0, &next, &found);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (!found || count == SPELLINGS_MAX) {
            break;
        }
        spellings[count++] = next;
    }
    for (size_t i = 0; i < count && !found; i++) {
        fhirstore_status status = add_spelling(search, param, match, system, spellings[i], scan);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    if (found) {
        fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_TOKEN, param);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        arg_text(range, match->text);
        fhs_arg_int(range, system);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status add_code_of_system(fhs_search *search, uint32_t param,
                                           const fhs_match *match, int64_t system, fhs_scan *scan)
{
    bool is_exact = false;
    if (!match->has_letters) { /* there is only one way to write it */
        return add_spelling(search, param, match, system, FHS_LIT(""), scan);
    }
    fhirstore_status status = fhs_system_is_exact(search, system, &is_exact);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (!is_exact) {
        return add_spellings(search, param, match, system, scan);
    }
    bool is_folded = fhs_str_eq(match->text, match->written);
    return add_spelling(search, param, match, system, is_folded ? FHS_LIT("") : match->written,
                        scan);
}

fhirstore_status fhs_scan_add_code(fhs_search *search, uint32_t param, const fhs_code_entry *entry,
                                   fhs_scan *scan)
{
    const fhs_match match = {
        .kind = FHS_ROW_TOKEN,
        .has_letters = fhs_has_letters(entry->written),
        .system = entry->system,
        .text = entry->code,
        .written = entry->written,
    };
    return add_code_of_system(search, param, &match, entry->system, scan);
}

/* A code under whatever system, in one run. */
static fhirstore_status add_code_run(fhs_search *search, uint32_t param, const fhs_match *match,
                                     fhs_scan *scan)
{
    fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_TOKEN_CODES, param);
    if (range == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    scan->is_exact = scan->is_exact && !match->has_letters;
    return arg_only(search, range, match->text);
}

/* A code without a system: one run for each system that has it, so that each is in entity order. */
static fhirstore_status add_code_of_any(fhs_search *search, uint32_t param, const fhs_match *match,
                                        fhs_scan *scan)
{
    int64_t systems[SYSTEMS_MAX];
    size_t count = 0;
    int64_t last = -1;
    bool found = true;
    while (count <= SYSTEMS_MAX) {
        int64_t next = 0;
        fhirstore_status status = fhs_sql_next_system(search, param, match->text, last, &next,
                                                      &found);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (!found || count == SYSTEMS_MAX) {
            break;
        }
        systems[count++] = next;
        last = next;
    }
    for (size_t i = 0; i < count && !found; i++) {
        fhirstore_status status = add_code_of_system(search, param, match, systems[i], scan);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return found ? add_code_run(search, param, match, scan) : FHIRSTORE_OK;
}

static fhirstore_status add_token(fhs_search *search, uint32_t param, const fhs_match *match,
                                  fhs_scan *scan)
{
    if (match->codes != NULL) {
        return fhs_ranges_codes(search, param, match, scan);
    }
    if (match->any_code) {
        fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_TOKEN_SYSTEM, param);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        fhs_arg_int(range, match->system);
        return FHIRSTORE_OK;
    }
    if (match->mode == FHS_TEXT_PREFIX) {
        fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_TOKEN_CODES, param);
        scan->is_exact = scan->is_exact && match->any_system;
        return range == NULL ? FHIRSTORE_ERR_NO_MEMORY : fhs_arg_prefix(search, range, match->text);
    }
    return match->any_system ? add_code_of_any(search, param, match, scan)
                             : add_code_of_system(search, param, match, match->system, scan);
}

/* ---- texts ---- */

static fhirstore_status add_string(fhs_search *search, uint32_t param, const fhs_match *match,
                                   fhs_scan *scan)
{
    static const uint8_t shapes[] = {[FHS_TEXT_EXACT] = FHS_RANGE_STRING_EXACT,
                                     [FHS_TEXT_PREFIX] = FHS_RANGE_STRINGS,
                                     [FHS_TEXT_COMPARE] = FHS_RANGE_STRINGS,
                                     [FHS_TEXT_CONTAINS] = FHS_RANGE_STRING_PART};
    fhs_range *range = fhs_scan_add_param(search, scan, shapes[match->mode], param);
    if (range == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    if (match->mode == FHS_TEXT_PREFIX) {
        return fhs_arg_prefix(search, range, match->text);
    }
    if (match->mode == FHS_TEXT_COMPARE) {
        return arg_only(search, range, match->text);
    }
    arg_text(range, match->text);
    if (match->mode == FHS_TEXT_EXACT) {
        range->is_unique = true;
        bool is_folded = fhs_str_eq(match->text, match->written);
        arg_text(range, is_folded ? FHS_STR_NONE : match->written);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status add_one_uri(fhs_search *search, uint32_t param, fhs_str uri, fhs_scan *scan)
{
    fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_URI, param);
    if (range == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    range->is_unique = true;
    arg_text(range, uri);
    return FHIRSTORE_OK;
}

/* The uri itself and every path above it, with and without the slash at its end. */
static fhirstore_status add_uris_above(fhs_search *search, uint32_t param, fhs_str uri,
                                       fhs_scan *scan)
{
    fhirstore_status status = add_one_uri(search, param, uri, scan);
    for (size_t i = 0; i < uri.len && status == FHIRSTORE_OK; i++) {
        if (uri.ptr[i] == '/' && i > 0) {
            status = add_one_uri(search, param, fhs_str_of(uri.ptr, i), scan);
            if (status == FHIRSTORE_OK && i + 1 < uri.len) {
                status = add_one_uri(search, param, fhs_str_of(uri.ptr, i + 1), scan);
            }
        }
    }
    return status;
}

static fhirstore_status add_uri(fhs_search *search, uint32_t param, const fhs_match *match,
                                fhs_scan *scan)
{
    if (match->mode == FHS_TEXT_EXACT) {
        return add_one_uri(search, param, match->text, scan);
    }
    if (match->mode == FHS_TEXT_ABOVE) {
        return add_uris_above(search, param, match->text, scan);
    }
    bool is_prefix = match->mode == FHS_TEXT_BELOW || match->mode == FHS_TEXT_PREFIX;
    fhs_range *range = fhs_scan_add_param(search, scan,
                                          is_prefix ? FHS_RANGE_URIS : FHS_RANGE_URI_PART, param);
    if (range == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    if (is_prefix) {
        /* "…/a" is also the beginning of "…/ab", which is not below it. */
        scan->is_exact = scan->is_exact && match->mode == FHS_TEXT_PREFIX;
        return fhs_arg_prefix(search, range, match->text);
    }
    arg_text(range, match->text);
    return FHIRSTORE_OK;
}

/* ---- references, composites ---- */

static fhirstore_status add_reference(fhs_search *search, uint32_t param, const fhs_match *match,
                                      fhs_scan *scan)
{
    bool is_version = match->has_version && match->version_mode == FHS_TEXT_EXACT;
    scan->is_exact = scan->is_exact && is_version == match->has_version;
    for (size_t i = 0; i < match->number_count; i++) {
        fhs_range *range = fhs_scan_add_param(
            search, scan, is_version ? FHS_RANGE_REFERENCE_VERSION : FHS_RANGE_REFERENCE, param);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        fhs_arg_int(range, match->numbers[i]);
        if (is_version) {
            arg_text(range, match->version);
        }
    }
    return FHIRSTORE_OK;
}

/*
 * The first component, where it is a plain token, is a prefix of the key; the rest is tested. The
 * code stands before its system, so that a code alone is a prefix too.
 */
static fhirstore_status add_composite(fhs_search *search, uint32_t param, const fhs_match *match,
                                      fhs_scan *scan)
{
    const fhs_match *first = match->part_count > 0 ? match->parts[0] : NULL;
    fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_COMPOSITES, param);
    if (range == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    scan->is_exact = false;
    if (first == NULL || match->part_counts[0] != 1 || first->kind != FHS_ROW_TOKEN ||
        first->codes != NULL || first->any_code || first->mode != FHS_TEXT_EXACT) {
        fhs_arg_blob(range, FHS_LIT(""));
        fhs_arg_top(range);
        return FHIRSTORE_OK;
    }
    fhs_buf_reset(&search->scratch);
    fhs_composite_add_token(&search->scratch, first->system, first->text);
    fhs_str prefix = fhs_buf_str(&search->scratch);
    if (first->any_system && prefix.len > FHS_COMPOSITE_INTEGER) {
        prefix.len -= FHS_COMPOSITE_INTEGER;
    }
    fhs_str key = fhs_arena_dup(&search->arena, prefix);
    if (key.ptr == NULL || fhs_buf_status(&search->scratch) != FHIRSTORE_OK) {
        return fhs_search_no_memory(search);
    }
    fhirstore_status status = fhs_arg_prefix(search, range, key);
    range->args[1].kind = FHS_ARG_BLOB;
    range->args[2].kind = range->args[2].kind == FHS_ARG_TOP ? FHS_ARG_TOP : FHS_ARG_BLOB;
    return status;
}

/* ---- any leaf ---- */

/* All rows of one parameter in one of its tables. */
static fhirstore_status add_all_rows(fhs_search *search, uint32_t param, uint8_t kind,
                                     fhs_scan *scan)
{
    static const uint8_t shapes[FHS_ROW_KIND_COUNT] = {
        [FHS_ROW_TOKEN] = FHS_RANGE_TOKEN_CODES,
        [FHS_ROW_STRING] = FHS_RANGE_STRINGS,
        [FHS_ROW_DATE] = FHS_RANGE_DATE,
        [FHS_ROW_NUMBER] = FHS_RANGE_NUMBER,
        [FHS_ROW_QUANTITY] = FHS_RANGE_QUANTITY_ANY,
        [FHS_ROW_REFERENCE] = FHS_RANGE_REFERENCES,
        [FHS_ROW_URI] = FHS_RANGE_URIS,
        [FHS_ROW_COMPOSITE] = FHS_RANGE_COMPOSITES,
        [FHS_ROW_POSITION] = FHS_RANGE_POSITIONS,
    };
    fhs_range *range = fhs_scan_add_param(search, scan, shapes[kind], param);
    if (range == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    switch ((fhs_row_kind)kind) {
    case FHS_ROW_TOKEN:
    case FHS_ROW_STRING:
    case FHS_ROW_URI:
        return fhs_arg_prefix(search, range, FHS_LIT(""));
    case FHS_ROW_DATE:
        for (int i = 0; i < 4; i++) {
            fhs_arg_int(range, i % 2 == 0 ? FHS_TICK_MIN : FHS_TICK_MAX);
        }
        break;
    case FHS_ROW_NUMBER:
    case FHS_ROW_QUANTITY:
        fhs_arg_any_number(range);
        break;
    case FHS_ROW_COMPOSITE:
        fhs_arg_blob(range, FHS_LIT(""));
        fhs_arg_top(range);
        break;
    case FHS_ROW_REFERENCE:
    case FHS_ROW_POSITION:
        break;
    }
    return FHIRSTORE_OK;
}

/* Whether what matches stands together in the index: not what is unequal, nor ends in a text. */
static bool has_run(const fhs_match *match)
{
    return !match->is_unequal && match->mode != FHS_TEXT_ENDS &&
           (match->kind != FHS_ROW_TOKEN || match->mode != FHS_TEXT_CONTAINS) &&
           (match->mode != FHS_TEXT_COMPARE || match->compare == FHS_CMP_EQ);
}

static fhirstore_status add_match_ranges(fhs_search *search, uint32_t param, const fhs_match *match,
                                         fhs_scan *scan)
{
    if (!has_run(match)) {
        scan->is_exact = false;
        return add_all_rows(search, param, match->kind, scan);
    }
    switch ((fhs_row_kind)match->kind) {
    case FHS_ROW_TOKEN:
        return add_token(search, param, match, scan);
    case FHS_ROW_STRING:
        return add_string(search, param, match, scan);
    case FHS_ROW_DATE:
        return fhs_ranges_date(search, param, match, scan);
    case FHS_ROW_NUMBER:
    case FHS_ROW_QUANTITY:
        return fhs_ranges_number(search, param, match, scan);
    case FHS_ROW_REFERENCE:
        return add_reference(search, param, match, scan);
    case FHS_ROW_URI:
        return add_uri(search, param, match, scan);
    case FHS_ROW_COMPOSITE:
        return add_composite(search, param, match, scan);
    case FHS_ROW_POSITION:
        return fhs_near_ranges(search, param, match, scan);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status scan_leaf(fhs_search *search, const fhs_test *test, fhs_scan *scan)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t p = 0; p < test->param_count && status == FHIRSTORE_OK; p++) {
        if (test->kind == FHS_TEST_PRESENT) {
            status = add_all_rows(search, test->params[p], test->row_kind, scan);
            /* A reference with an identifier only is a token row; an identifier a composite too. */
            if (status == FHIRSTORE_OK && test->row_kind == FHS_ROW_REFERENCE) {
                status = add_all_rows(search, test->params[p], FHS_ROW_TOKEN, scan);
            }
            continue;
        }
        for (size_t i = 0; i < test->match_count && status == FHIRSTORE_OK; i++) {
            status = add_match_ranges(search, test->params[p], &test->matches[i], scan);
        }
    }
    return status;
}

/* ---- any test ---- */

/* Single resources among runs. */
static fhirstore_status add_entities(fhs_search *search, const fhs_test *test, fhs_scan *scan)
{
    for (size_t i = 0; i < test->entity_count; i++) {
        fhs_range *range = fhs_scan_add(search, scan, FHS_RANGE_ENTITY);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        range->is_unique = true;
        fhs_arg_int(range, test->entities[i]);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status scan_group(fhs_search *search, const fhs_test *test, fhs_scan *scan,
                                   bool *usable_out)
{
    for (size_t i = 0; i < test->child_count; i++) {
        const fhs_test *child = test->children[i];
        fhirstore_status status = child->kind == FHS_TEST_ENTITY && test->child_count > 1
                                      ? add_entities(search, child, scan)
                                      : fhs_scan_make(search, child, scan, usable_out);
        /* Lists do not join with runs. */
        if (status != FHIRSTORE_OK || !*usable_out || scan->is_list) {
            *usable_out = *usable_out && !scan->is_list;
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* Appends to @a scan; its is_exact starts as true. */
fhirstore_status fhs_scan_make(fhs_search *search, const fhs_test *test, fhs_scan *scan,
                               bool *usable_out)
{
    *usable_out = !test->is_late || test->kind == FHS_TEST_HAS;
    if (!*usable_out) {
        return FHIRSTORE_OK;
    }
    switch ((fhs_test_kind)test->kind) {
    case FHS_TEST_ROW:
    case FHS_TEST_PRESENT:
        return scan_leaf(search, test, scan);
    case FHS_TEST_ENTITY:
        *usable_out = scan->count == 0 && !scan->is_list;
        scan->is_list = true;
        scan->list = test->entities;
        scan->list_count = test->entity_count;
        return FHIRSTORE_OK;
    case FHS_TEST_UPDATED:
        return fhs_scan_updated(search, test, scan);
    case FHS_TEST_FALSE:
        return FHIRSTORE_OK;
    case FHS_TEST_OR:
        return scan_group(search, test, scan, usable_out);
    case FHS_TEST_AND:
        if (test->child_count == 1) {
            return fhs_scan_make(search, test->children[0], scan, usable_out);
        }
        break;
    case FHS_TEST_CHAIN:
        return fhs_scan_chain(search, test, scan, usable_out);
    case FHS_TEST_HAS:
        return fhs_scan_has(search, test, scan, usable_out);
    case FHS_TEST_TRUE:
    case FHS_TEST_NOT:
    case FHS_TEST_TEXT:
    case FHS_TEST_CONTAINED:
        break;
    }
    *usable_out = false;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_scan_all(fhs_search *search, bool for_count, fhs_scan *scan)
{
    if (search->type == 0 && search->query->type_count == 0 && !for_count) {
        fhs_range *range = fhs_scan_add(search, scan, FHS_RANGE_STORE);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        range->is_unique = true;
        return FHIRSTORE_OK;
    }
    for (size_t i = 0; i < search->type_count; i++) {
        fhs_range *range = fhs_scan_add(search, scan, FHS_RANGE_TYPE);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        range->is_unique = true;
        fhs_arg_int(range, search->types[i]);
    }
    return FHIRSTORE_OK;
}
