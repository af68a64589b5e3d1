/* SPDX-License-Identifier: Apache-2.0 */
/* $purge-history: all versions of a resource but the current one are removed for good. */
#include "interact/purge.h"

#include "operation/operation.h"

static fhirstore_status purge_history_operation(fhs_call *call, const fhs_operation *operation,
                                                fhs_answer *answer, fhirstore_error **err)
{
    return fhs_interact_purge_history_in(call, operation->route->id, answer, err);
}

static const fhs_str purge_params[] = {FHS_LIT_INIT("")};

const fhs_operation_def fhs_purge_operations[] = {
    {.name = FHS_LIT_INIT("purge-history"),
     .type = FHS_LIT_INIT(""),
     .levels = FHS_ON_INSTANCE,
     .resource = FHS_LIT_INIT(""),
     .params = purge_params,
     .run = purge_history_operation,
     .action = FHIRSTORE_ACTION_HARD_DELETE,
     .changes = true},
};
const size_t fhs_purge_operation_count = FHS_COUNT_OF(fhs_purge_operations);
