/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/request.h"

#include "api/handle.h"
#include "base/mem.h"
#include "rest/rest.h"

static bool copy_headers(const fhirstore_header *headers, size_t count, fhs_header *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!fhs_api_text(headers[i].name, headers[i].name_len, &out[i].name) ||
            !fhs_api_text(headers[i].value, headers[i].value_len, &out[i].value)) {
            return false;
        }
    }
    return true;
}

static fhirstore_status run_request(fhirstore_session *session, fhs_request *request,
                                    const fhirstore_header *headers,
                                    fhirstore_response **response_out, fhirstore_error **err)
{
    fhs_answer answer;
    fhs_header *copies = fhs_calloc(request->header_count, sizeof *copies);
    if (copies == NULL) {
        return fhs_fail_memory(err);
    }
    if (!copy_headers(headers, request->header_count, copies)) {
        fhs_free(copies);
        return fhs_session_refuse(session->inner, 0, FHS_TYPE_NONE, FHS_STR_NONE, FHS_STR_NONE,
                                  fhs_api_invalid(err, "a header with a NULL string"));
    }
    request->headers = copies;
    fhs_answer_init(&answer);
    fhirstore_status status = fhs_request_run(session->inner, request, &answer, err);
    status = fhs_response_new(session->inner, &answer, status, response_out, err);
    fhs_free(copies);
    return status;
}

fhirstore_status fhirstore_request(fhirstore_session *session, const char *method,
                                   size_t method_len, const char *url, size_t url_len,
                                   const fhirstore_header *headers, size_t header_count,
                                   const char *body, size_t body_len,
                                   fhirstore_response **response_out, fhirstore_error **err_out)
{
    fhs_request request = {.header_count = header_count};
    fhs_api_begin(err_out);
    if (response_out == NULL) {
        return fhs_api_invalid(err_out, "response_out is NULL");
    }
    *response_out = NULL;
    if (!fhs_api_text(method, method_len, &request.method) ||
        !fhs_api_text(url, url_len, &request.url) || !fhs_api_text(body, body_len, &request.body) ||
        (headers == NULL && header_count > 0)) {
        return fhs_api_invalid(err_out, "a NULL pointer with a length");
    }
    if (session == NULL || session->kind != FHS_KIND_SESSION) {
        return fhs_api_invalid(err_out, "session");
    }
    /* Not through the session: that it is over is an answer as well, with status and headers. */
    fhirstore_status status = fhs_store_enter(session->store, err_out);
    if (status >= FHIRSTORE_OK) {
        status = run_request(session, &request, headers, response_out, err_out);
        fhs_session_leave(session);
    }
    return status;
}
