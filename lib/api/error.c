/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/error.h"

#include "api/handle.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

/* From here on a status means that the handle takes nothing but its close. */
#define FIRST_FATAL      (-900)
#define ISSUE_V1_SIZE    FHS_ABI_SIZE(fhirstore_issue, expression)
#define LOCATION_V1_SIZE FHS_ABI_SIZE(fhirstore_location, entry)

FHS_ABI_HEAD(fhirstore_issue);
FHS_ABI_HEAD(fhirstore_location);

void fhirstore_buf_clear(fhirstore_buf *buf)
{
    if (buf != NULL) {
        fhs_free(buf->ptr);
        *buf = (fhirstore_buf){0};
    }
}

const char *fhirstore_status_name(fhirstore_status status)
{
    return fhs_status_name(status);
}

int32_t fhirstore_status_http(fhirstore_status status)
{
    return fhs_status_http(status);
}

int32_t fhirstore_status_is_fatal(fhirstore_status status)
{
    return status <= FIRST_FATAL;
}

void fhirstore_error_free(fhirstore_error *error)
{
    fhs_error_free(error);
}

fhirstore_status fhirstore_error_status(const fhirstore_error *error)
{
    return fhs_error_status(error);
}

const char *fhirstore_error_message(const fhirstore_error *error)
{
    return fhs_error_message(error);
}

fhirstore_status fhirstore_error_location(const fhirstore_error *error,
                                          fhirstore_location *location_out)
{
    const fhirstore_location location = fhs_error_location(error);
    if (location_out == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    return fhs_abi_give(location_out, &location, sizeof location, LOCATION_V1_SIZE);
}

int32_t fhirstore_error_cause(const fhirstore_error *error)
{
    return fhs_error_get_cause(error);
}

uint32_t fhirstore_error_issue_count(const fhirstore_error *error)
{
    return fhs_error_issue_count(error);
}

fhirstore_status fhirstore_error_issue(const fhirstore_error *error, uint32_t index,
                                       fhirstore_issue *issue_out)
{
    fhirstore_issue issue;
    if (issue_out == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    bool is_there = fhs_error_issue(error, index, &issue);
    fhirstore_status status = fhs_abi_give(issue_out, &issue, sizeof issue, ISSUE_V1_SIZE);
    return status >= FHIRSTORE_OK && !is_there ? FHIRSTORE_ERR_NOT_FOUND : status;
}

fhirstore_status fhirstore_error_outcome(const fhirstore_error *error, fhirstore_buf *buf_out)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    if (buf_out == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    fhs_error_write_outcome(error, &text);
    fhirstore_status status = fhs_buf_status(&text);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&text, buf_out);
    }
    fhs_buf_clear(&text);
    return status;
}
