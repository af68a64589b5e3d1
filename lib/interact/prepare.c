/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/write.h"

/* What the address says against what the body says. */
static fhirstore_status check_type(const fhs_core *core, fhs_type wanted, fhs_type found,
                                   fhirstore_error **err)
{
    if (wanted == FHS_TYPE_NONE || wanted == found) {
        return FHIRSTORE_OK;
    }
    fhs_str wanted_name = fhs_type_name(core->fhir, wanted);
    fhs_str found_name = fhs_type_name(core->fhir, found);
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                                       "resourceType is %.*s where the address says %.*s",
                                       FHS_STR_ARG(found_name), FHS_STR_ARG(wanted_name));
    fhs_error_expression(err, FHS_LIT("resourceType"));
    return status;
}

fhirstore_status fhs_prepare(fhs_session *session, fhs_type type, fhs_str text, fhs_prepared *out,
                             fhirstore_error **err)
{
    const fhs_core *core = session->core;
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_RESOURCE_BYTES};
    *out = (fhs_prepared){.text = text, .type = FHS_TYPE_NONE};
    fhirstore_status status = fhs_json_read(&session->arena, text, &limits, &out->root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_validate_resource(core->fhir, core->validation, out->root, &out->type, err);
    if (status >= FHIRSTORE_OK) {
        status = check_type(core, type, out->type, err);
    }
    if (status >= FHIRSTORE_OK) {
        (void)fhs_json_get_string(out->root, FHS_LIT("id"), &out->id);
    }
    return status;
}
