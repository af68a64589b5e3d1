/* SPDX-License-Identifier: Apache-2.0 */
/* memberOf() and subsumes() of invariants, on terms at hand. */
#include "validation/validation.h"

#include "terminology/terminology.h"

/* Not known here: nobody can say. */
static bool is_unknown(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_NOT_FOUND || status == FHIRSTORE_ERR_VALUE_SET ||
           status == FHIRSTORE_ERR_CODE_SYSTEM;
}

static fhirstore_status settle_unknown(fhirstore_status status, fhirstore_error *why,
                                       fhirstore_error **err)
{
    if (is_unknown(status)) {
        fhs_error_free(why);
        return FHIRSTORE_OK;
    }
    if (status < FHIRSTORE_OK && err != NULL) {
        fhs_error_free(*err);
        *err = why;
        return status;
    }
    fhs_error_free(why);
    return status;
}

/* A code alone is one of the set where the set has it in any system. */
static bool set_has(const fhs_code_set *set, fhs_str system, fhs_str code)
{
    if (system.len > 0) {
        return fhs_code_set_has(set, system, code, NULL);
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (!set->terms[i].is_out && fhs_str_eq(set->terms[i].code, code)) {
            return true;
        }
    }
    return false;
}

fhirstore_status fhs_validation_member_of(void *ctx, fhs_str value_set, fhs_str system,
                                          fhs_str code, fhs_fp_answer *answer_out,
                                          fhirstore_error **err)
{
    static const fhs_terms_ask ask = {.active_only = false};
    const fhs_json *json = NULL;
    const fhs_code_set *set = NULL;
    fhirstore_error *why = NULL;
    *answer_out = FHS_ANSWER_UNKNOWN;
    fhirstore_status status = fhs_terms_value_set(ctx, value_set, false, &json, &why);
    if (status >= FHIRSTORE_OK) {
        status = fhs_terms_expand(ctx, json, &ask, &set, &why);
    }
    if (status >= FHIRSTORE_OK) {
        *answer_out = set_has(set, system, code) ? FHS_ANSWER_YES : FHS_ANSWER_NO;
    }
    return settle_unknown(status, why, err);
}

fhirstore_status fhs_validation_subsumes(void *ctx, fhs_str system, fhs_str a, fhs_str b,
                                         fhs_fp_answer *answer_out, fhirstore_error **err)
{
    const fhs_code_system *codes = NULL;
    fhs_subsumption found = FHS_SUBSUMES_NOT;
    fhirstore_error *why = NULL;
    *answer_out = FHS_ANSWER_UNKNOWN;
    fhirstore_status status = fhs_terms_code_system(ctx, system, FHS_STR_NONE, &codes, &why);
    if (status < FHIRSTORE_OK || codes == NULL) {
        return settle_unknown(status, why, err);
    }
    uint32_t first = fhs_code_system_find(codes, a);
    uint32_t second = fhs_code_system_find(codes, b);
    if (first == FHS_CONCEPT_NONE || second == FHS_CONCEPT_NONE) {
        return FHIRSTORE_OK;
    }
    status = fhs_terms_subsumes(ctx, codes, first, second, &found, &why);
    if (status >= FHIRSTORE_OK) {
        *answer_out = found == FHS_SUBSUMES || found == FHS_SUBSUMES_BOTH ? FHS_ANSWER_YES
                                                                          : FHS_ANSWER_NO;
    }
    return settle_unknown(status, why, err);
}
