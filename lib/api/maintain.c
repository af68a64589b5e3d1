/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/maintain.h"

#include "api/handle.h"

#define MAINTAIN_V1_SIZE FHS_ABI_SIZE(fhirstore_maintain_options, per_commit)

FHS_ABI_HEAD(fhirstore_maintain_options);

fhirstore_status fhirstore_maintain_options_init(fhirstore_maintain_options *options,
                                                 size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, MAINTAIN_V1_SIZE);
}

fhirstore_status fhirstore_maintain(fhirstore *store, const fhirstore_maintain_options *options,
                                    fhirstore_error **err_out)
{
    static const fhirstore_maintain_options defaults = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    fhirstore_maintain_options known;
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, MAINTAIN_V1_SIZE,
                                           options == NULL ? &defaults : options, err_out);
    if (status >= FHIRSTORE_OK && (known.flags != 0 || known.max_resources < 0)) {
        status = fhs_api_invalid(err_out, "options: unknown flags, or a negative number");
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_store_enter(store, err_out);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_maintain_options inner = {.max_ms = known.max_ms,
                                        .max_resources = known.max_resources,
                                        .per_commit = known.per_commit,
                                        .progress = known.progress,
                                        .ctx = known.ctx};
    status = fhs_core_maintain(store->core, &inner, err_out);
    fhs_store_leave(store);
    return status;
}

fhirstore_status fhirstore_repair(fhirstore_session *session, fhirstore_finding_fn report,
                                  void *ctx, int64_t *left_out, fhirstore_error **err_out)
{
    int64_t left = 0;
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_interact_repair(session->inner, report, ctx, &left, err_out);
        fhs_session_leave(session);
    }
    if (left_out != NULL) {
        *left_out = left;
    }
    return status;
}
