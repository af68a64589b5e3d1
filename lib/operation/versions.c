/* SPDX-License-Identifier: Apache-2.0 */
/* $versions: which version of FHIR is spoken here. A store has one. */
#include "operation/operation.h"

static const fhs_str no_params[] = {FHS_LIT_INIT("")};

/* "4.0" of "4.0.1": clients name versions without the third number. */
static fhs_str short_number(fhs_str number)
{
    size_t first = fhs_str_find_char(number, '.', 0);
    return fhs_str_of(number.ptr, fhs_str_find_char(number, '.', first + 1));
}

static fhirstore_status run_versions(fhs_call *call, const fhs_operation *operation,
                                     fhs_answer *answer, fhirstore_error **err)
{
    const fhs_str number = short_number(fhs_fhir_version_number(call->session->core->fhir));
    (void)operation;
    fhs_buf_addf(&answer->body,
                 "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"version\","
                 "\"valueCode\":\"%.*s\"},{\"name\":\"default\",\"valueCode\":\"%.*s\"}]}",
                 FHS_STR_ARG(number), FHS_STR_ARG(number));
    fhirstore_status status = fhs_buf_status(&answer->body);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

const fhs_operation_def fhs_versions_operations[] = {
    {.name = FHS_LIT_INIT("versions"),
     .levels = FHS_ON_SYSTEM,
     .params = no_params,
     .run = run_versions,
     .action = FHIRSTORE_ACTION_CAPABILITIES},
};
const size_t fhs_versions_operation_count = FHS_COUNT_OF(fhs_versions_operations);
