/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/shred.h"

#include "api/handle.h"
#include "fhir/reference.h"
#include "interact/shred.h"

static fhirstore_status check_shred(fhs_str id, uint32_t flags, fhirstore_error **err)
{
    if ((flags & ~(uint32_t)FHIRSTORE_SHRED_LATER) != 0) {
        return fhs_api_invalid(err, "flags has unknown bits");
    }
    return fhs_id_is_valid(id) ? FHIRSTORE_OK : fhs_api_invalid(err, "id");
}

fhirstore_status fhirstore_shred_patient(fhirstore_session *session, const char *id, size_t id_len,
                                         uint32_t flags, fhirstore_buf *buf_out,
                                         fhirstore_error **err_out)
{
    fhs_buf report = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_str text;
    fhs_api_begin(err_out);
    if (!fhs_api_text(id, id_len, &text)) {
        return fhs_api_invalid(err_out, "a NULL string with a length");
    }
    fhirstore_status status = check_shred(text, flags, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_session_enter(session, err_out);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_shred(session->inner, text, (flags & FHIRSTORE_SHRED_LATER) != 0, &report,
                                err_out);
    if (status >= FHIRSTORE_OK && buf_out != NULL) {
        fhs_buf_give(&report, buf_out);
    }
    fhs_buf_clear(&report);
    fhs_session_leave(session);
    return status;
}
