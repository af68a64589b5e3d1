/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of codes as conditions: :in, :not-in, and :above and :below on codes. */
#include <stdlib.h>

#include "base/fold.h"
#include "fhir/reference.h"
#include "search/search_internal.h"

/* Above so many ranges, or looks into the index to find them, whole code systems are read. */
#define RANGES_MAX  128u
#define LOOKS_MAX   512u
#define SYSTEMS_MAX 8u

/* ---- from value sets to the store's numbers ---- */

static int compare_entries(const void *a, const void *b)
{
    const fhs_code_entry *one = a;
    const fhs_code_entry *other = b;
    int order = fhs_str_compare(one->code, other->code);
    if (order != 0) {
        return order;
    }
    if (one->system != other->system) {
        return one->system < other->system ? -1 : 1;
    }
    return fhs_str_compare(one->written, other->written);
}

typedef struct entry_maker {
    fhs_search *search;
    fhs_str url; /* the code system looked at last … */
    int64_t system;
    bool is_exact;
} entry_maker;

static fhirstore_status enter_system(entry_maker *maker, fhs_str url)
{
    fhs_search *search = maker->search;
    if (maker->url.ptr != NULL && fhs_str_eq(maker->url, url)) {
        return FHIRSTORE_OK;
    }
    maker->url = url;
    maker->system = 0;
    maker->is_exact = false;
    fhirstore_status status = url.len == 0 ? FHIRSTORE_OK
                                           : fhs_system_number(search, url, &maker->system);
    return status == FHIRSTORE_OK && maker->system != 0
               ? fhs_system_is_exact(search, maker->system, &maker->is_exact)
               : status;
}

static fhirstore_status make_entry(entry_maker *maker, const fhs_term *term, fhs_code_entry *out)
{
    fhs_search *search = maker->search;
    fhs_buf_reset(&search->scratch);
    fhs_fold_ascii(term->code, &search->scratch);
    *out = (fhs_code_entry){
        .system = maker->system, .is_exact = maker->is_exact, .is_out = term->is_out};
    out->written = fhs_arena_dup(&search->arena, term->code);
    out->code = fhs_str_eq(fhs_buf_str(&search->scratch), term->code)
                    ? out->written
                    : fhs_arena_dup(&search->arena, fhs_buf_str(&search->scratch));
    return fhs_buf_status(&search->scratch) == FHIRSTORE_OK && out->written.ptr != NULL &&
                   out->code.ptr != NULL
               ? FHIRSTORE_OK
               : fhs_search_no_memory(search);
}

static fhirstore_status take_wholes(fhs_search *search, const fhs_code_set *set, fhs_codes *codes)
{
    int64_t *wholes = fhs_arena_calloc(&search->arena, (size_t)set->whole_count + 1,
                                       sizeof *wholes);
    if (wholes == NULL) {
        return fhs_search_no_memory(search);
    }
    codes->wholes = wholes;
    for (uint32_t i = 0; i < set->whole_count; i++) {
        int64_t number = 0;
        fhirstore_status status = fhs_system_number(search, set->wholes[i], &number);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (number != 0) {
            wholes[codes->whole_count++] = number;
        }
    }
    return FHIRSTORE_OK;
}

/* Codes of systems that the store has never seen match nothing and are left out. */
static fhirstore_status take_set(fhs_search *search, const fhs_code_set *set, fhs_codes *codes)
{
    entry_maker maker = {.search = search};
    fhs_code_entry *entries = fhs_arena_calloc(&search->arena, (size_t)set->count + 1,
                                               sizeof *entries);
    if (entries == NULL) {
        return fhs_search_no_memory(search);
    }
    fhirstore_status status = take_wholes(search, set, codes);
    for (uint32_t i = 0; i < set->count && status == FHIRSTORE_OK; i++) {
        status = enter_system(&maker, set->terms[i].system);
        if (status == FHIRSTORE_OK && maker.system != 0) {
            status = make_entry(&maker, &set->terms[i], &entries[codes->count++]);
        }
    }
    qsort(entries, codes->count, sizeof *entries, compare_entries);
    codes->entries = entries;
    return status;
}

/* "ValueSet/1", or the same below the store's own address: *id_out. Else a canonical url. */
static bool is_own_value_set(const fhs_search *search, fhs_str text, fhs_str *id_out)
{
    fhs_reference reference;
    fhs_type type = fhs_type_find(search->env.fhir, FHS_LIT("ValueSet"));
    bool is_own = fhs_reference_parse(search->env.fhir, search->env.base_url, text, &reference) &&
                  reference.is_local && reference.type == type && reference.version.len == 0;
    *id_out = reference.id;
    return is_own;
}

static fhirstore_status value_set_codes(fhs_terms *terms, const fhs_search *search, fhs_str text,
                                        const fhs_code_set **out, fhirstore_error **err)
{
    static const fhs_terms_ask ask = {false, false};
    const fhs_json *value_set = NULL;
    fhs_str id;
    bool is_id = is_own_value_set(search, text, &id);
    fhirstore_status status = fhs_terms_value_set(terms, is_id ? id : text, is_id, &value_set, err);
    if (status == FHIRSTORE_ERR_NOT_FOUND && is_id) {
        /* It may be the canonical url of one under another id. */
        fhs_error_free(*err);
        *err = NULL;
        status = fhs_terms_value_set(terms, text, false, &value_set, err);
    }
    return status == FHIRSTORE_OK ? fhs_terms_expand(terms, value_set, &ask, out, err) : status;
}

static const char *modifier_word(const fhs_node *node)
{
    return node->modifier == FHS_MOD_IN      ? ":in or :not-in"
           : node->modifier == FHS_MOD_ABOVE ? ":above"
                                             : ":below";
}

/* What the terms could not answer is a fault of the parameter. */
static fhirstore_status tell_fault(const fhs_search *search, const fhs_node *node,
                                   fhirstore_status status, fhirstore_error **reason)
{
    if (status == FHIRSTORE_ERR_NOT_FOUND || status == FHIRSTORE_ERR_VALUE_SET ||
        status == FHIRSTORE_ERR_CODE_SYSTEM) {
        status = fhs_fail(search->err, FHIRSTORE_ERR_PARAM_VALUE,
                          "search parameter '%.*s' has the modifier %s, but %s",
                          FHS_STR_ARG(node->code), modifier_word(node), fhs_error_message(*reason));
    } else if (status < FHIRSTORE_OK) {
        status = fhs_fail(search->err, status, "%s", fhs_error_message(*reason));
    }
    fhs_error_free(*reason);
    *reason = NULL;
    return status;
}

static fhirstore_status take_terms(fhs_search *search, fhs_terms **out)
{
    if (search->terms == NULL) {
        fhs_stored_terms_init(&search->stored, search->conn, &search->env, search->restricting > 0);
        fhirstore_status status = fhs_terms_new(search->env.fhir, &search->stored.source,
                                                &search->terms, search->err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    *out = search->terms;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_resolve_codes(fhs_search *search, const fhs_node *node, const fhs_value *value,
                                   const fhs_codes **out)
{
    fhs_terms *terms = NULL;
    const fhs_code_set *set = NULL;
    fhirstore_error *reason = NULL;
    fhs_codes *codes = fhs_arena_calloc(&search->arena, 1, sizeof *codes);
    *out = codes;
    if (codes == NULL) {
        return fhs_search_no_memory(search);
    }
    fhirstore_status status = take_terms(search, &terms);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = node->modifier == FHS_MOD_IN
                 ? value_set_codes(terms, search, value->text, &set, &reason)
                 : fhs_terms_kin(terms, value->system, value->code, node->modifier == FHS_MOD_ABOVE,
                                 &set, &reason);
    return status == FHIRSTORE_OK ? take_set(search, set, codes)
                                  : tell_fault(search, node, status, &reason);
}

/* ---- one row ---- */

/* The first entry that is not below @a code. */
static size_t first_entry(const fhs_codes *codes, size_t from, fhs_str code)
{
    size_t low = from;
    size_t high = codes->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fhs_str_compare(codes->entries[middle].code, code) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_of_whole(const fhs_codes *codes, int64_t system)
{
    for (size_t i = 0; i < codes->whole_count; i++) {
        if (codes->wholes[i] == system) {
            return true;
        }
    }
    return false;
}

bool fhs_codes_have(const fhs_codes *codes, int64_t system, fhs_str code, fhs_str written)
{
    for (size_t i = first_entry(codes, 0, code); i < codes->count; i++) {
        const fhs_code_entry *entry = &codes->entries[i];
        if (!fhs_str_eq(entry->code, code)) {
            break;
        }
        if (entry->system == system && (!entry->is_exact || fhs_str_eq(entry->written, written))) {
            return !entry->is_out;
        }
    }
    return is_of_whole(codes, system);
}

/* ---- ranges ---- */

/* Reads whole code systems, or every code of the parameter; each candidate is tested. */
static fhirstore_status add_all_systems(fhs_search *search, uint32_t param, const fhs_codes *codes,
                                        fhs_scan *scan)
{
    int64_t systems[SYSTEMS_MAX];
    size_t count = 0;
    scan->is_exact = false;
    for (size_t i = 0; i < codes->count && count <= SYSTEMS_MAX; i++) {
        size_t at = 0;
        while (at < count && systems[at] != codes->entries[i].system) {
            at++;
        }
        if (at == count && count == SYSTEMS_MAX) {
            fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_TOKEN_CODES, param);
            return range == NULL ? FHIRSTORE_ERR_NO_MEMORY
                                 : fhs_arg_prefix(search, range, FHS_LIT(""));
        }
        if (at == count) {
            systems[count++] = codes->entries[i].system;
        }
    }
    for (size_t i = 0; i < count; i++) {
        fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_TOKEN_SYSTEM, param);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        fhs_arg_int(range, systems[i]);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status add_wholes(fhs_search *search, uint32_t param, const fhs_codes *codes,
                                   fhs_scan *scan)
{
    for (size_t i = 0; i < codes->whole_count; i++) {
        fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_TOKEN_SYSTEM, param);
        if (range == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        fhs_arg_int(range, codes->wholes[i]);
    }
    for (size_t i = 0; i < codes->count && codes->whole_count > 0; i++) {
        scan->is_exact = scan->is_exact && !codes->entries[i].is_out;
    }
    return FHIRSTORE_OK;
}

/*
 * Codes of the set that the parameter has in the store: the set and the index are walked side by
 * side, each leaping to where the other stands. *found_out false: there are too many.
 */
static fhirstore_status add_listed(fhs_search *search, uint32_t param, const fhs_codes *codes,
                                   fhs_scan *scan, bool *found_out)
{
    size_t begin = scan->count;
    size_t i = 0;
    *found_out = true;
    for (size_t looks = 0; i < codes->count; looks++) {
        fhs_str next;
        bool more = false;
        if (looks == LOOKS_MAX || scan->count - begin > RANGES_MAX) {
            scan->count = begin;
            *found_out = false;
            return FHIRSTORE_OK;
        }
        fhirstore_status status = fhs_sql_next_code(search, param, codes->entries[i].code, &next,
                                                    &more);
        if (status != FHIRSTORE_OK || !more) {
            return status;
        }
        i = first_entry(codes, i, next);
        for (; i < codes->count && fhs_str_eq(codes->entries[i].code, next); i++) {
            if (codes->entries[i].is_out) {
                continue;
            }
            status = fhs_scan_add_code(search, param, &codes->entries[i], scan);
            if (status != FHIRSTORE_OK) {
                return status;
            }
        }
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_ranges_codes(fhs_search *search, uint32_t param, const fhs_match *match,
                                  fhs_scan *scan)
{
    bool found = true;
    fhirstore_status status = add_wholes(search, param, match->codes, scan);
    if (status == FHIRSTORE_OK) {
        status = add_listed(search, param, match->codes, scan, &found);
    }
    return status == FHIRSTORE_OK && !found ? add_all_systems(search, param, match->codes, scan)
                                            : status;
}
