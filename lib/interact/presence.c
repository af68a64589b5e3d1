/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/presence.h"

#include "interact/sight.h"

void fhs_presence_begin(fhs_presence *presence, fhs_call *call)
{
    fhs_call_nest(&presence->probe, call, FHIRSTORE_ACTION_READ, FHS_TYPE_NONE, FHS_STR_NONE,
                  FHS_STR_NONE);
}

void fhs_presence_end(fhs_presence *presence)
{
    fhs_call_end(&presence->probe);
}

static bool is_absent(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_NOT_FOUND || status == FHIRSTORE_ERR_DENIED;
}

/* The current version's row, if it may be seen. */
static fhirstore_status look_at_current(fhs_call *probe, fhs_type type, fhs_str id,
                                        fhs_version *out, fhirstore_error **err)
{
    const int32_t number = fhs_catalog_type(probe->session->core->catalog, type);
    bool yes = true;
    fhirstore_status status = fhs_resource_read_rows(probe->conn, number, id, out, err);
    if (status >= FHIRSTORE_OK && out->is_deleted) {
        return FHIRSTORE_ERR_NOT_FOUND;
    }
    if (status >= FHIRSTORE_OK && fhs_sight_is_partial(probe, type)) {
        const fhs_version version = *out;
        status = fhs_sight_judge(probe, type, &version, FHS_STR_NONE, &yes, err);
    }
    return status >= FHIRSTORE_OK && !yes ? FHIRSTORE_ERR_NOT_FOUND : status;
}

fhirstore_status fhs_presence_has(fhs_presence *presence, fhs_type type, fhs_str id, bool *yes_out,
                                  fhirstore_error **err)
{
    fhs_call *probe = &presence->probe;
    fhs_version version;
    fhirstore_error *why = NULL;
    fhirstore_status status = FHIRSTORE_ERR_NOT_FOUND;
    if (fhs_call_sees(probe, type)) {
        status = look_at_current(probe, type, id, &version, &why);
    } else if (fhs_call_seen_well(probe, &why) < FHIRSTORE_OK) {
        status = FHIRSTORE_ERR_NO_MEMORY;
    }
    *yes_out = status >= FHIRSTORE_OK;
    if (is_absent(status)) {
        fhs_error_free(why);
        return FHIRSTORE_OK;
    }
    if (status < FHIRSTORE_OK && err != NULL) {
        fhs_error_free(*err);
        *err = why;
        why = NULL;
    }
    fhs_error_free(why);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

fhirstore_status fhs_presence_read(fhs_presence *presence, fhs_type type, fhs_str id, fhs_buf *out,
                                   fhirstore_error **err)
{
    const fhs_core *core = presence->probe.session->core;
    fhs_version version;
    bool yes = false;
    fhirstore_status status = fhs_presence_has(presence, type, id, &yes, err);
    if (status < FHIRSTORE_OK || !yes) {
        return status;
    }
    status = fhs_resource_read(presence->probe.conn, fhs_catalog_type(core->catalog, type), id,
                               &version, err);
    return status < FHIRSTORE_OK ? status
                                 : fhs_sight_take_body(&presence->probe, type, &version, out, err);
}
