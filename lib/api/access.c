/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/access.h"

#include "api/handle.h"
#include "audit/words.h"
#include "interact/explain.h"

/* The type of a question: "" is the system level. */
static fhirstore_status find_asked_type(const fhirstore_session *session, fhs_str name,
                                        fhs_type *out, fhirstore_error **err)
{
    *out = FHS_TYPE_NONE;
    return name.len == 0 ? FHIRSTORE_OK : fhs_resource_type(session->store->core, name, out, err);
}

fhirstore_status fhirstore_access_introspect(fhirstore_session *session, const char *type,
                                             size_t type_len, fhirstore_buf *buf_out,
                                             fhirstore_error **err_out)
{
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_str name;
    fhs_type known;
    fhs_api_begin(err_out);
    if (buf_out == NULL || !fhs_api_text(type, type_len, &name)) {
        return fhs_api_invalid(err_out, "buf_out, or a NULL string with a length");
    }
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = find_asked_type(session, name, &known, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_interact_introspect(session->inner, known, &out, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&out, buf_out);
    }
    fhs_buf_clear(&out);
    fhs_session_leave(session);
    return status;
}

fhirstore_status fhirstore_access_explain(fhirstore_session *session, int32_t action,
                                          const char *type, size_t type_len, const char *id,
                                          size_t id_len, fhirstore_buf *buf_out,
                                          fhirstore_error **err_out)
{
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_str name;
    fhs_str text;
    fhs_type known;
    fhs_api_begin(err_out);
    if (buf_out == NULL || !fhs_api_text(type, type_len, &name) ||
        !fhs_api_text(id, id_len, &text)) {
        return fhs_api_invalid(err_out, "buf_out, or a NULL string with a length");
    }
    if (fhs_audit_action_name(action).len == 0 || (text.len > 0 && name.len == 0)) {
        return fhs_api_invalid(err_out, "action is no FHIRSTORE_ACTION_*, or an id has no type");
    }
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = find_asked_type(session, name, &known, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_interact_explain(session->inner, action, known, text, &out, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&out, buf_out);
    }
    fhs_buf_clear(&out);
    fhs_session_leave(session);
    return status;
}
