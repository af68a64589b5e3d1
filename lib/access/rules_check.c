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

static const char *keep_reason(fhs_arena *arena, fhs_str type, const char *reason)
{
    char *text = fhs_arena_alloc(arena, FAULT_MAX);
    if (text == NULL) {
        return "a search of the type";
    }
    (void)snprintf(text, FAULT_MAX, "a search of %.*s: %s", FHS_STR_ARG(type), reason);
    return text;
}

/* The search with something in the place of each name, without compartments. */
static fhirstore_status fill_sample(fhs_str where, fhs_str sample, fhs_buf *out,
                                    bool *compartments_fit)
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
    return fhs_buf_status(out);
}

/* The search with @a sample for each name, parsed; *fault_out: what it lacks. */
static fhirstore_status try_sample(const fhs_fhir *fhir, fhs_arena *arena, fhs_type type,
                                   fhs_str where, fhs_str sample, const char **fault_out)
{
    const fhs_query_options options = {.fhir = fhir};
    fhs_buf text = FHS_BUF_INIT((size_t)2 * FHS_LIMIT_URL_BYTES);
    fhirstore_error *why = NULL;
    fhs_query *query = NULL;
    bool compartments_fit = true;
    fhirstore_status status = fill_sample(where, sample, &text, &compartments_fit);
    const fhs_str copy = fhs_arena_dup(arena, fhs_buf_str(&text));
    fhs_buf_clear(&text);
    if (status == FHIRSTORE_OK && copy.ptr == NULL) {
        status = FHIRSTORE_ERR_NO_MEMORY;
    }
    if (status != FHIRSTORE_OK) {
        *fault_out = "a search of at most FHS_LIMIT_URL_BYTES";
        return status;
    }
    status = fhs_query_parse(arena, &options, type, copy, &query, &why);
    *fault_out = NULL;
    if (!compartments_fit) {
        status = FHIRSTORE_ERR_POLICY; /* whatever the rest is */
        *fault_out = "a compartment as _compartment=Patient/{patient}";
    } else if (status < FHIRSTORE_OK) {
        *fault_out = keep_reason(arena, fhs_type_name(fhir, type), fhs_error_message(why));
    } else if (!fhs_query_is_restriction(query)) {
        *fault_out = "a search of conditions only, without words, includes, _contained, or what "
                     "shapes a result";
    }
    fhs_error_free(why);
    return status;
}

/* What kind of value a name stands for nobody knows: one of these has to fit, or none is refused.
 */
static fhirstore_status search_fault(const fhs_fhir *fhir, fhs_arena *arena, fhs_type type,
                                     fhs_str where, const char **fault_out)
{
    static const fhs_str samples[] = {FHS_LIT_INIT("2000"), FHS_LIT_INIT("true")};
    const bool has_names = fhs_str_find_char(where, '{', 0) < where.len;
    for (size_t i = 0; i < FHS_COUNT_OF(samples); i++) {
        const fhirstore_status status = try_sample(fhir, arena, type, where, samples[i], fault_out);
        if (status == FHIRSTORE_ERR_NO_MEMORY) {
            return status;
        }
        if (has_names && status == FHIRSTORE_ERR_PARAM_VALUE) {
            *fault_out = NULL;
        }
        if (*fault_out == NULL || status >= FHIRSTORE_OK) {
            break;
        }
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_rule_fault(const fhs_fhir *fhir, fhs_arena *arena, const fhs_rule *rule,
                                const char **fault_out)
{
    const bool is_for_all = rule->type_count == 0 || fhs_str_eq(rule->types[0], FHS_LIT("*"));
    const size_t count = is_for_all ? fhs_type_count(fhir) : rule->type_count;
    fhirstore_status status = FHIRSTORE_OK;
    *fault_out = NULL;
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_type type = is_for_all ? (fhs_type)i : fhs_type_find(fhir, rule->types[i]);
        if (type == FHS_TYPE_NONE || !fhs_type_is_resource(fhir, type)) {
            continue;
        }
        status = search_fault(fhir, arena, type, rule->where, fault_out);
        /* Of all types those remain that have such a search; of those named each has to. */
        if ((*fault_out == NULL) == is_for_all) {
            break;
        }
    }
    return status;
}
