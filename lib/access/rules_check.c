/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a rule's search is one of its types, before anybody's rights depend on it. */
#include "access/rules.h"

#include <stdio.h>

#include "base/limits.h"

#define FAULT_MAX 512u

bool fhs_query_is_restriction(const fhs_query *query)
{
    return query->sort_count == 0 && !query->has_count && query->element_count == 0 &&
           query->include_count == 0 && !query->has_fulltext && query->page.len == 0 &&
           query->max_results == 0 && query->total == FHS_TOTAL_DEFAULT &&
           query->summary == FHS_SUMMARY_FALSE && query->contained == FHS_CONTAINED_FALSE;
}

static char *keep_reason(fhs_arena *arena, fhs_str type, const char *reason)
{
    char *text = fhs_arena_alloc(arena, FAULT_MAX);
    if (text != NULL) {
        (void)snprintf(text, FAULT_MAX, "a search of %.*s: %s", FHS_STR_ARG(type), reason);
    }
    return text;
}

/* The search with something in the place of each name, without compartments. */
static bool fill_sample(fhs_str where, fhs_str sample, fhs_buf *out, bool *compartments_fit)
{
    static const fhs_str mark = FHS_LIT_INIT("_compartment=");
    bool more = true;
    while (more) {
        fhs_str pair;
        fhs_str head;
        fhs_compartment compartment;
        more = fhs_str_split(where, '&', &pair, &where);
        pair = more ? pair : where;
        if (fhs_str_starts_with(pair, mark)) {
            fhs_str id;
            *compartments_fit = *compartments_fit &&
                                fhs_str_split(fhs_str_from(pair, mark.len), '/', &head, &id) &&
                                id.len > 0 && fhs_compartment_find(head, &compartment);
            continue;
        }
        fhs_buf_add_cstr(out, out->len > 0 ? "&" : "");
        while (fhs_str_split(pair, '{', &head, &pair)) {
            fhs_str name;
            fhs_buf_add_str(out, head);
            fhs_buf_add_str(out, sample);
            (void)fhs_str_split(pair, '}', &name, &pair);
        }
        fhs_buf_add_str(out, pair);
    }
    return fhs_buf_status(out) == FHIRSTORE_OK;
}

/* What kind of value a name stands for nobody knows: one of these has to fit, or none is refused.
 */
static const char *search_fault(const fhs_fhir *fhir, fhs_arena *arena, fhs_type type,
                                fhs_str where)
{
    static const fhs_str samples[] = {FHS_LIT_INIT("2000"), FHS_LIT_INIT("true")};
    const bool has_names = fhs_str_find_char(where, '{', 0) < where.len;
    const fhs_query_options options = {.fhir = fhir};
    const char *fault = NULL;
    for (size_t i = 0; i < FHS_COUNT_OF(samples); i++) {
        fhs_buf text = FHS_BUF_INIT((size_t)2 * FHS_LIMIT_URL_BYTES);
        fhirstore_error *why = NULL;
        fhs_query *query = NULL;
        bool compartments_fit = true;
        fhs_str copy = fill_sample(where, samples[i], &text, &compartments_fit)
                           ? fhs_arena_dup(arena, fhs_buf_str(&text))
                           : FHS_STR_NONE;
        fhs_buf_clear(&text);
        fhirstore_status status = fhs_query_parse(arena, &options, type, copy, &query, &why);
        fault = status >= FHIRSTORE_OK
                    ? NULL
                    : keep_reason(arena, fhs_type_name(fhir, type), fhs_error_message(why));
        fhs_error_free(why);
        if (!compartments_fit) {
            return "a compartment as _compartment=Patient/{patient}";
        }
        if (status >= FHIRSTORE_OK && !fhs_query_is_restriction(query)) {
            return "a search of conditions only, without words, includes, _contained, or what "
                   "shapes a result";
        }
        if (status >= FHIRSTORE_OK || (has_names && status == FHIRSTORE_ERR_PARAM_VALUE)) {
            fault = NULL;
            break;
        }
    }
    return fault;
}

const char *fhs_rule_fault(const fhs_fhir *fhir, fhs_arena *arena, const fhs_rule *rule)
{
    const bool is_for_all = rule->type_count == 0 || fhs_str_eq(rule->types[0], FHS_LIT("*"));
    const size_t count = is_for_all ? fhs_type_count(fhir) : rule->type_count;
    const char *fault = NULL;
    for (size_t i = 0; i < count; i++) {
        fhs_type type = is_for_all ? (fhs_type)i : fhs_type_find(fhir, rule->types[i]);
        if (type == FHS_TYPE_NONE || !fhs_type_is_resource(fhir, type)) {
            continue;
        }
        fault = search_fault(fhir, arena, type, rule->where);
        /* Of all types those remain that have such a search; of those named each has to. */
        if ((fault == NULL) == is_for_all) {
            return fault;
        }
    }
    return fault;
}
