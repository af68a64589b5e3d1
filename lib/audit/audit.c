/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/audit.h"

fhirstore_status fhs_audit_record(const fhirstore_audit_hook *hook, const fhs_audit_event *event,
                                  fhs_arena *arena, fhirstore_error **err)
{
    if (hook == NULL) {
        return FHIRSTORE_OK;
    }
    fhs_str type = fhs_arena_dup(arena, event->type);
    fhs_str id = fhs_arena_dup(arena, event->id);
    fhs_str query = fhs_arena_dup(arena, event->query);
    if (type.ptr == NULL || id.ptr == NULL || query.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_audit_event told = {
        .struct_size = sizeof told,
        .action = event->action,
        .outcome = event->outcome,
        .time_us = event->time_us,
        .duration_us = event->duration_us,
        .version_before = event->version_before,
        .version_after = event->version_after,
        .count = event->count,
        .total = event->total,
        .principal = event->principal.ptr,
        .principal_len = event->principal.len,
        .purpose = event->purpose.ptr,
        .purpose_len = event->purpose.len,
        .request_id = event->request_id.ptr,
        .request_id_len = event->request_id.len,
        .type = type.ptr,
        .type_len = type.len,
        .id = id.ptr,
        .id_len = id.len,
        .query = query.ptr,
        .query_len = query.len,
    };
    if (hook->record(hook->ctx, &told) != FHIRSTORE_OK) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_AUDIT_REFUSED);
    }
    return FHIRSTORE_OK;
}
