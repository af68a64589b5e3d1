/* SPDX-License-Identifier: Apache-2.0 */
#include "stress.h"

fhirstore_status expect_status(fhirstore_status status, fhirstore_error *error, unsigned may,
                               const char *what)
{
    const bool is_fine = status >= FHIRSTORE_OK ||
                         (status == FHIRSTORE_ERR_BUSY && (may & MAY_BE_BUSY) != 0) ||
                         (status == FHIRSTORE_ERR_CLOSED && (may & MAY_BE_CLOSED) != 0) ||
                         (status == FHIRSTORE_ERR_CANCELLED && (may & MAY_BE_CANCELLED) != 0) ||
                         ((status == FHIRSTORE_ERR_NOT_FOUND || status == FHIRSTORE_ERR_DELETED) &&
                          (may & MAY_BE_ABSENT) != 0);
    if (!is_fine) {
        (void)fprintf(stderr, "%s: %s: %s\n", what, fhirstore_status_name(status),
                      fhirstore_error_message(error));
        abort();
    }
    fhirstore_error_free(error);
    return status;
}

/* What an answer comes to, as the typed calls would have told it. */
static fhirstore_status status_of(const fhirstore_response *response)
{
    switch (fhirstore_response_http(response)) {
    case 404:
        return FHIRSTORE_ERR_NOT_FOUND;
    case 410:
        return FHIRSTORE_ERR_DELETED;
    case 408:
        return FHIRSTORE_ERR_CANCELLED;
    case 503:
        return FHIRSTORE_ERR_BUSY;
    default:
        return fhirstore_response_http(response) < 400 ? FHIRSTORE_OK : FHIRSTORE_ERR_INTERNAL;
    }
}

fhirstore_status ask(run *all, fhirstore_session *session, const char *method, const char *url,
                     const char *body, unsigned may, char **body_out, int64_t *version_out)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_request(session, method, strlen(method), url, strlen(url),
                                                NULL, 0, body, strlen(body), &response, &error);
    if (status >= FHIRSTORE_OK) {
        size_t len = 0;
        const char *text = fhirstore_response_body(response, &len);
        status = status_of(response);
        if (status == FHIRSTORE_ERR_INTERNAL) {
            (void)fprintf(stderr, "%s %s: %d %.*s\n", method, url,
                          fhirstore_response_http(response), (int)len, text);
            abort();
        }
        if (body_out != NULL) {
            *body_out = calloc(1, len + 1);
            MUST(*body_out != NULL);
            memcpy(*body_out, text, len);
        }
        if (version_out != NULL) {
            *version_out = fhirstore_response_version(response);
        }
    }
    fhirstore_response_free(response);
    atomic_fetch_add(&all->calls, 1);
    return expect_status(status, error, may, url);
}

fhirstore_session *enter(run *all, const char *name)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *session = NULL;
    fhirstore_error *error = NULL;
    options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    options.principal = name;
    options.principal_len = strlen(name);
    const fhirstore_status status = fhirstore_session_open(all->store, &options, &session, &error);
    (void)expect_status(status, error, MAY_BE_CLOSED, "session open");
    return session;
}

bool goes_on(run *all)
{
    return atomic_load(&all->writing) > 0;
}
