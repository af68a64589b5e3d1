/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/criteria.h"

static fhs_str without_base(fhs_str text, fhs_str base)
{
    return fhs_str_starts_with(text, base) && text.len > base.len && text.ptr[base.len] == '/'
               ? fhs_str_from(text, base.len + 1)
               : text;
}

fhs_criteria fhs_criteria_of(const fhs_session *session, fhs_type type, fhs_str text)
{
    fhs_str name = fhs_type_name(session->core->fhir, type);
    text = without_base(fhs_str_trim(text), session->core->base_url);
    text = without_base(text, session->link_base);
    if (fhs_str_starts_with(text, name) && text.len > name.len && text.ptr[name.len] == '?') {
        text = fhs_str_from(text, name.len);
    }
    if (text.len > 0 && text.ptr[0] == '?') {
        text = fhs_str_from(text, 1);
    }
    return (fhs_criteria){.text = text, .if_empty = FHIRSTORE_ERR_QUERY, .wanted = 1};
}

static fhirstore_status check_count(fhs_criteria *criteria, const fhs_query *query,
                                    fhirstore_error **err)
{
    if (!query->has_count) {
        return FHIRSTORE_OK;
    }
    if (!criteria->takes_count) {
        return fhs_fail(err, FHIRSTORE_ERR_QUERY, "_count means nothing to this condition");
    }
    if (query->count < 1 || query->count > FHS_LIMIT_DELETE_MATCHES) {
        return fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE,
                        "_count of a conditional delete expects 1 to %u (FHS_LIMIT_DELETE_MATCHES)",
                        FHS_LIMIT_DELETE_MATCHES);
    }
    criteria->wanted = query->count;
    criteria->takes_first = true;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_criteria_fail_empty(const fhs_criteria *criteria, fhirstore_error **err)
{
    return fhs_fail(err, criteria->if_empty,
                    "the condition is empty: expected search parameters with values");
}

fhirstore_status fhs_criteria_check(fhs_criteria *criteria, const fhs_query *query,
                                    fhirstore_error **err)
{
    if (criteria == NULL) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = check_count(criteria, query, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (query->sort_count > 0 || query->count_only || query->total != FHS_TOTAL_DEFAULT ||
        query->summary != FHS_SUMMARY_FALSE || query->element_count > 0 || query->page.len > 0 ||
        query->include_count > 0 || query->max_results > 0 ||
        query->contained != FHS_CONTAINED_FALSE) {
        return fhs_fail(err, FHIRSTORE_ERR_QUERY,
                        "a condition takes search parameters that resources match, none that "
                        "shape a result");
    }
    if (query->root->child_count == 0) {
        return fhs_criteria_fail_empty(criteria, err);
    }
    return FHIRSTORE_OK;
}

/* "identifier=" asks for nothing, just as no parameter at all does. */
bool fhs_criteria_is_empty(const fhs_criteria *criteria)
{
    fhs_str rest = criteria->text;
    fhs_str pair;
    while (fhs_str_next(&rest, '&', &pair)) {
        fhs_str name;
        fhs_str value;
        if (fhs_str_split(pair, '=', &name, &value) && value.len > 0) {
            return false;
        }
    }
    return true;
}

fhirstore_status fhs_criteria_find_one(fhs_call *outer, fhs_type type, fhs_criteria *criteria,
                                       fhs_str *id_out, fhirstore_error **err)
{
    *id_out = FHS_STR_NONE;
    fhirstore_status status = fhs_criteria_find(outer, type, criteria, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (criteria->count > 1) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_MULTIPLE_MATCHES);
    }
    *id_out = criteria->count == 1 ? criteria->ids[0] : FHS_STR_NONE;
    return FHIRSTORE_OK;
}
