/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the core of own_core.h, in which one allocation may fail. Included once. */
#ifndef FHS_TEST_FAILING_REQUEST_H
#define FHS_TEST_FAILING_REQUEST_H

#include "failing_alloc.h"
#include "own_core.h"
#include "rest/rest.h"

typedef struct sent {
    fhirstore_status status;
    int32_t http;    /* also where there was no answer */
    bool has_failed; /* the allocation was reached */
    char body[512];  /* its beginning */
} sent;

/* @a fail_at 0: no allocation fails. */
static sent send_failing(const char *method, const char *url, const char *body, int64_t fail_at)
{
    sent out = {0};
    fhs_answer answer;
    fhirstore_error *err = NULL;
    const fhs_request request = {.method = fhs_str_from_cstr(method),
                                 .url = fhs_str_from_cstr(url),
                                 .body = fhs_str_from_cstr(body)};
    fhs_answer_init(&answer);
    left_until_failure = fail_at;
    out.status = fhs_request_run(session, &request, &answer, &err);
    out.has_failed = fail_at > 0 && left_until_failure == 0;
    left_until_failure = 0;
    out.http = out.status < FHIRSTORE_OK ? fhs_status_http(out.status) : answer.http;
    (void)snprintf(out.body, sizeof out.body, "%.*s", FHS_STR_ARG(fhs_buf_str(&answer.body)));
    fhs_error_free(err);
    fhs_answer_clear(&answer);
    return out;
}

#endif
