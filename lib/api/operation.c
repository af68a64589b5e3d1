/* SPDX-License-Identifier: Apache-2.0 */
/* operation.h: operations of the host. */
#include "fhirstore/operation.h"
#include "api/handle.h"
#include "operation/host.h"

FHS_ABI_HEAD(fhirstore_operation);
FHS_ABI_HEAD(fhirstore_operation_request);

#define OPERATION_V1_SIZE FHS_ABI_SIZE(fhirstore_operation, destroy)

static fhirstore_status check_texts(const fhirstore_operation *given, fhirstore_error **err)
{
    fhs_str text;
    return fhs_api_text(given->name, given->name_len, &text) &&
                   fhs_api_text(given->type, given->type_len, &text) &&
                   fhs_api_text(given->definition, given->definition_len, &text)
               ? FHIRSTORE_OK
               : fhs_api_invalid(err, "a NULL string with a length");
}

fhirstore_status fhirstore_operation_register(fhirstore *store,
                                              const fhirstore_operation *operation,
                                              fhirstore_error **err_out)
{
    fhirstore_operation known = {0};
    fhs_api_begin(err_out);
    fhirstore_status status = operation == NULL
                                  ? fhs_api_invalid(err_out, "no operation")
                                  : fhs_abi_copy(&known, sizeof known, OPERATION_V1_SIZE, operation,
                                                 err_out);
    if (status >= FHIRSTORE_OK) {
        status = check_texts(&known, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_store_enter(store, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_host_operation_add(store->core, &known, err_out);
        fhs_store_leave(store);
    }
    if (status < FHIRSTORE_OK && known.destroy != NULL) {
        known.destroy(known.ctx);
    }
    return status;
}

fhirstore_status fhirstore_operation_answer(fhirstore_operation_reply *reply, int32_t http,
                                            const char *resource, size_t resource_len)
{
    fhs_str text;
    return fhs_api_text(resource, resource_len, &text) ? fhs_host_answer(reply, http, text)
                                                       : FHIRSTORE_ERR_INVALID_ARG;
}
