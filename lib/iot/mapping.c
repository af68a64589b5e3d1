/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/mapping.h"

#include "base/limits.h"
#include "base/mem.h"

fhirstore_status fhs_iot_mapping_new(bool is_fhir, fhs_str text, unsigned flags,
                                     fhs_iot_mapping **out, fhirstore_error **err)
{
    fhs_iot_mapping *mapping = fhs_calloc(1, sizeof *mapping);
    *out = NULL;
    if (mapping == NULL) {
        return fhs_fail_memory(err);
    }
    mapping->is_fhir = is_fhir;
    fhs_arena_init(&mapping->arena, SIZE_MAX);
    fhs_iot_faults_init(&mapping->faults, &mapping->arena);
    mapping->faults.is_fhir = is_fhir;
    fhirstore_status status =
        is_fhir
            ? fhs_iot_fhir_load(&mapping->arena, text, flags, &mapping->faults, &mapping->fhir, err)
            : fhs_iot_device_load(&mapping->arena, text, &mapping->faults, &mapping->device, err);
    if (status < FHIRSTORE_OK) {
        fhs_iot_mapping_free(mapping);
        return status;
    }
    *out = mapping;
    return FHIRSTORE_OK;
}

void fhs_iot_mapping_free(fhs_iot_mapping *mapping)
{
    if (mapping != NULL) {
        fhs_arena_clear(&mapping->arena);
        fhs_free(mapping);
    }
}

fhirstore_status fhs_iot_mapping_fail(const fhs_iot_mapping *mapping, fhirstore_error **err)
{
    const fhs_iot_fault *fault = mapping->faults.first;
    if (fault == NULL) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_IOT_MAPPING, "%s, line %u: %.*s",
                                       fault->kind, fault->line, FHS_STR_ARG(fault->message));
    fhs_error_at(err, 0, fault->line, fault->column);
    for (fault = fault->next; fault != NULL; fault = fault->next) {
        if (!fhs_error_add_issue(err, FHS_SEVERITY_ERROR, NULL, FHS_STR_NONE, "%s, line %u: %.*s",
                                 fault->kind, fault->line, FHS_STR_ARG(fault->message))) {
            break;
        }
    }
    return status;
}
