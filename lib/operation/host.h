/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of the host: a list that only grows, until the store is closed. */
#ifndef FHS_OPERATION_HOST_H
#define FHS_OPERATION_HOST_H

#include "fhirstore/operation.h"
#include "operation/operation.h"

typedef struct fhs_host_operation fhs_host_operation;
struct fhs_host_operation {
    fhs_operation_def def; /* what there is to know of every operation */
    fhs_host_operation *next;
    fhs_str definition; /* its canonical URL; empty: none */
    void *ctx;
    fhirstore_operation_fn run;
    void (*destroy)(void *ctx);
    char text[];
};

/* The list as it is now; what is in it stays. */
const fhs_host_operation *fhs_host_operations(fhs_core *core);
/* The next one; more may have come. */
const fhs_host_operation *fhs_host_operation_next(fhs_core *core, const fhs_host_operation *of);
/* The canonical URL of one of the host's; empty: it has none, or is none of the host's. */
fhs_str fhs_host_definition(const fhs_operation_def *def);
/* ERR_INVALID_ARG, ERR_EXISTS, ERR_UNKNOWN_TYPE, ERR_LIMIT. On failure destroy is not called. */
fhirstore_status fhs_host_operation_add(fhs_core *core, const fhirstore_operation *operation,
                                        fhirstore_error **err);

/* fhirstore_operation_answer(). */
fhirstore_status fhs_host_answer(fhirstore_operation_reply *reply, int32_t http, fhs_str resource);

#endif
