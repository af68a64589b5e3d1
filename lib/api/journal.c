/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/journal.h"

#include "api/handle.h"

fhirstore_status fhirstore_journal_read(fhirstore_session *session, int64_t from, int64_t max,
                                        fhirstore_buf *buf_out, int64_t *next_out,
                                        fhirstore_error **err_out)
{
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    int64_t next = 0;
    fhs_api_begin(err_out);
    if (buf_out == NULL || next_out == NULL || from < 0 || max <= 0) {
        return fhs_api_invalid(err_out, "buf_out, next_out, from or max");
    }
    *next_out = 0;
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_journal_read(session->inner, from, max, &out, &next, err_out);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&out, buf_out);
        *next_out = next;
    }
    fhs_buf_clear(&out);
    fhs_session_leave(session);
    return status;
}

fhirstore_status fhirstore_journal_verify(fhirstore_session *session, const char *anchor,
                                          size_t anchor_len, fhirstore_buf *buf_out,
                                          fhirstore_error **err_out)
{
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_str text;
    fhs_api_begin(err_out);
    if (buf_out == NULL || !fhs_api_text(anchor, anchor_len, &text)) {
        return fhs_api_invalid(err_out, "buf_out, or a NULL string with a length");
    }
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_journal_verify(session->inner, text, &out, err_out);
    if (status >= FHIRSTORE_OK || status == FHIRSTORE_ERR_TAMPERED) {
        fhs_buf_give(&out, buf_out);
    }
    fhs_buf_clear(&out);
    fhs_session_leave(session);
    return status;
}

fhirstore_status fhirstore_journal_anchor(fhirstore_session *session, fhirstore_buf *buf_out,
                                          fhirstore_error **err_out)
{
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_api_begin(err_out);
    if (buf_out == NULL) {
        return fhs_api_invalid(err_out, "buf_out is NULL");
    }
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_journal_anchor(session->inner, &out, err_out);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&out, buf_out);
    }
    fhs_buf_clear(&out);
    fhs_session_leave(session);
    return status;
}

fhirstore_status fhirstore_journal_retain(fhirstore_session *session, int64_t before_us,
                                          fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_interact_journal_retain(session->inner, before_us, err_out);
        fhs_session_leave(session);
    }
    return status;
}
