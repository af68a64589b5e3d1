/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file request.h  The whole FHIR REST API as one call.
 */
#ifndef FHIRSTORE_REQUEST_H
#define FHIRSTORE_REQUEST_H

#include "resource.h"

FHIRSTORE_BEGIN_DECLS

/**
 * One request header. This struct never changes: arrays of it are passed, so its size is part of the
 * binary interface.
 *
 * @since 0.1
 */
typedef struct fhirstore_header {
    const char *name;  /**< Any case. Borrowed for the call. */
    size_t name_len; /**< Bytes. */
    const char *value; /**< Borrowed for the call. */
    size_t value_len; /**< Bytes. */
} fhirstore_header;

/**
 * Answer one request as a FHIR server would.
 *
 * A refused or failed interaction is still an answer: *response_out then holds the HTTP status and
 * an OperationOutcome, and the function returns FHIRSTORE_OK. Only what keeps it from answering at all
 * (no memory, a closed store) is an error.
 *
 * @param      session       The session.
 * @param      method        GET, HEAD, POST, PUT, PATCH, DELETE.
 * @param      method_len    Bytes.
 * @param      url           Relative ("Patient/1?_summary=true"), or absolute below the base URL. "" or "/" is the root.
 * @param      url_len       Bytes.
 * @param      headers       @a header_count headers; NULL for none.
 * @param      header_count  How many.
 * @param      body          The request's body. Copied.
 * @param      body_len      Bytes.
 * @param[out] response_out  Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @par Threads  One at a time a session.
 * @par FHIR  http.html
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_request(fhirstore_session *session, const char *method,
                                                 size_t method_len, const char *url, size_t url_len,
                                                 const fhirstore_header *headers,
                                                 size_t header_count, const char *body,
                                                 size_t body_len,
                                                 fhirstore_response **response_out,
                                                 fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
