/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/audit.h"

/* What the hook sees: texts have a NUL behind them. False: no memory. */
static bool fill_event(const fhs_audit_event *event, int32_t phase, fhs_arena *arena,
                       fhirstore_audit_event *out)
{
    const fhs_str type = fhs_arena_dup(arena, event->type);
    const fhs_str id = fhs_arena_dup(arena, event->id);
    const fhs_str query = fhs_arena_dup(arena, event->query);
    const fhs_str patients = fhs_arena_dup(arena, event->patients);
    const fhs_str resources = fhs_arena_dup(arena, event->resources);
    const fhs_str restriction = fhs_arena_dup(arena, event->restriction);
    *out = (fhirstore_audit_event){
        .struct_size = sizeof *out,
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
        .phase = phase,
        .flags = event->flags,
        .entry = event->entry,
        .patients = patients.ptr,
        .patients_len = patients.len,
        .resources = resources.ptr,
        .resources_len = resources.len,
        .restriction = restriction.ptr,
        .restriction_len = restriction.len,
    };
    return type.ptr != NULL && id.ptr != NULL && query.ptr != NULL && patients.ptr != NULL &&
           resources.ptr != NULL && restriction.ptr != NULL;
}

static fhirstore_status tell_phase(const fhirstore_audit_hook *hook, fhirstore_audit_fn function,
                                   int32_t phase, const fhs_audit_event *event, fhs_arena *arena,
                                   fhirstore_error **err)
{
    fhirstore_audit_event told;
    if (!fill_event(event, phase, arena, &told)) {
        return fhs_fail_memory(err);
    }
    return function(hook->ctx, &told) == FHIRSTORE_OK
               ? FHIRSTORE_OK
               : fhs_fail_plain(err, FHIRSTORE_ERR_AUDIT_REFUSED);
}

fhirstore_status fhs_audit_record(const fhirstore_audit_hook *hook, const fhs_audit_event *event,
                                  fhs_arena *arena, fhirstore_error **err)
{
    return hook == NULL ? FHIRSTORE_OK
                        : tell_phase(hook, hook->record, FHIRSTORE_AUDIT_AFTER, event, arena, err);
}

fhirstore_status fhs_audit_before(const fhirstore_audit_hook *hook, const fhs_audit_event *event,
                                  fhs_arena *arena, fhirstore_error **err)
{
    return hook == NULL || hook->before == NULL
               ? FHIRSTORE_OK
               : tell_phase(hook, hook->before, FHIRSTORE_AUDIT_BEFORE, event, arena, err);
}
