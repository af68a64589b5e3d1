/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/owners.h"

#include "fhir/reference.h"
#include "interact/binary.h"
#include "storage/patient.h"

fhirstore_status fhs_patient_params_find(fhs_call *call, fhs_type type, fhs_patient_params *out,
                                         fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    const fhs_str *codes;
    size_t count = fhs_compartment_params(core->fhir, FHS_COMPARTMENT_PATIENT, type, &codes);
    fhirstore_status status = FHIRSTORE_OK;
    out->count = 0;
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        uint32_t number = 0;
        fhs_sparam param = fhs_sparam_find(core->fhir, type, codes[i]);
        if (param != FHS_SPARAM_NONE && out->count < FHS_COUNT_OF(out->numbers)) {
            status = fhs_catalog_param(core->catalog, call->conn, type, param, &number, err);
        }
        if (number != 0) {
            out->numbers[out->count++] = number;
        }
    }
    return status;
}

bool fhs_patient_params_have(const fhs_patient_params *params, uint32_t number)
{
    for (size_t i = 0; i < params->count; i++) {
        if (params->numbers[i] == number) {
            return true;
        }
    }
    return false;
}

static void add_owner(fhs_owners *owners, fhs_entity entity)
{
    for (size_t i = 0; i < owners->count; i++) {
        if (owners->items[i] == entity) {
            return;
        }
    }
    if (owners->count < FHS_COUNT_OF(owners->items)) {
        owners->items[owners->count++] = entity;
    }
}

/* Every Patient has a key from the moment it was first named, and nothing else has one. */
static fhirstore_status add_if_patient(fhs_call *call, fhs_entity entity, fhs_owners *owners,
                                       fhirstore_error **err)
{
    bool yes = false;
    fhirstore_status status = fhs_patient_has_key(call->conn, entity, &yes, err);
    if (yes) {
        add_owner(owners, entity);
    }
    return status;
}

static fhirstore_status add_referenced_patients(fhs_call *call, fhs_type type, fhs_str rows,
                                                fhs_owners *owners, fhirstore_error **err)
{
    fhs_patient_params params;
    fhs_row row;
    fhs_row_cursor cursor = {rows};
    const fhs_str *codes;
    const bool is_known = fhs_compartment_params(call->session->core->fhir, FHS_COMPARTMENT_PATIENT,
                                                 type, &codes) > 0;
    fhirstore_status status = fhs_patient_params_find(call, type, &params, err);
    while (status == FHIRSTORE_OK && fhs_row_next(&cursor, &row, NULL) == FHIRSTORE_OK) {
        if (row.kind == FHS_ROW_REFERENCE &&
            (!is_known || fhs_patient_params_have(&params, row.param))) {
            status = add_if_patient(call, row.a, owners, err);
        }
    }
    return status;
}

/* The patients of what is stored under @a type and @a id. */
static fhirstore_status add_those_of(fhs_call *call, int32_t type, fhs_str id, fhs_owners *owners,
                                     fhirstore_error **err)
{
    fhs_version version;
    fhs_entity entity;
    fhirstore_status status = fhs_entity_find(call->conn, type, id, &entity, err);
    if (status != FHIRSTORE_OK || entity == 0) {
        return status;
    }
    fhirstore_error *why = NULL;
    status = fhs_resource_look(call->conn, entity, &version, &why);
    fhs_error_free(why);
    if (status == FHIRSTORE_ERR_NOT_FOUND) {
        return FHIRSTORE_OK;
    }
    return status < FHIRSTORE_OK
               ? fhs_fail_plain(err, status)
               : fhs_patient_owners(call->conn, version.seq, owners->items, &owners->count, err);
}

static fhirstore_status add_by_context(fhs_call *call, const fhs_prepared *prepared,
                                       fhs_owners *owners, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    const fhs_json *context = fhs_json_get(prepared->root, FHS_LIT("securityContext"));
    fhs_str text = FHS_STR_NONE;
    fhs_reference parsed;
    fhs_entity entity;
    if (fhs_json_is(context, FHS_JSON_OBJECT)) {
        (void)fhs_json_get_string(context, FHS_LIT("reference"), &text);
    }
    if (text.len == 0 || !fhs_reference_parse(core->fhir, core->base_url, text, &parsed) ||
        !parsed.is_local || parsed.type == FHS_TYPE_NONE) {
        return FHIRSTORE_OK;
    }
    int32_t type = fhs_catalog_type(core->catalog, parsed.type);
    if (!fhs_str_eq(fhs_type_name(core->fhir, parsed.type), FHS_LIT("Patient"))) {
        return add_those_of(call, type, parsed.id, owners, err);
    }
    fhirstore_status status = fhs_entity_intern(call->conn, type, parsed.id, &entity, err);
    return status == FHIRSTORE_OK ? add_if_patient(call, entity, owners, err) : status;
}

fhirstore_status fhs_owners_find(fhs_call *call, const fhs_prepared *prepared, fhs_entity entity,
                                 fhs_str rows, fhs_owners *out, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    out->count = 0;
    if (FHS_LIKELY(!fhs_storage_has_patient_keys(core->storage))) {
        return FHIRSTORE_OK;
    }
    if (fhs_str_eq(fhs_type_name(core->fhir, prepared->type), FHS_LIT("Patient"))) {
        return add_if_patient(call, entity, out, err);
    }
    fhirstore_status status = add_referenced_patients(call, prepared->type, rows, out, err);
    return status == FHIRSTORE_OK && fhs_type_is_binary(core, prepared->type)
               ? add_by_context(call, prepared, out, err)
               : status;
}
