/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit record of a call. What happens inside a transaction is not true before the transaction
 * is decided, so the events of nested calls wait in the outermost one: they are told in order right
 * before the commit, or as failed after the rollback. Both when the commit itself is what fails.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "interact/core.h"
#include "interact/hooks.h"

struct fhs_held {
    fhs_held *next;
    uint32_t entry;        /* of its Bundle; 0: none */
    fhs_audit_event event; /* its id and query stand behind the struct */
};

static fhs_call *outermost(fhs_call *call)
{
    return call->root == NULL ? call : call->root;
}

static fhs_audit_event describe_event(const fhs_call *call, fhirstore_status outcome)
{
    const fhs_core *core = call->session->core;
    const fhs_principal *who = &call->session->who;
    return (fhs_audit_event){
        .action = call->action,
        .outcome = outcome,
        .time_us = fhs_core_now(core),
        .duration_us = call->started_us == 0 ? 0 : fhs_clock_monotonic_us() - call->started_us,
        .version_before = call->version_before,
        .version_after = call->version_after,
        .count = call->count,
        .total = call->total,
        .principal = who->name,
        .purpose = who->purpose,
        .request_id = who->request_id,
        .type = call->type == FHS_TYPE_NONE ? FHS_LIT("") : fhs_type_name(core->fhir, call->type),
        .id = call->id,
        .query = call->query,
    };
}

/* ---- what is held ---- */

static fhs_str copy_behind(char *place, fhs_str text)
{
    if (text.len > 0) {
        memcpy(place, text.ptr, text.len);
    }
    return fhs_str_of(place, text.len);
}

static fhirstore_status hold(fhs_call *root, const fhs_audit_event *event, fhirstore_error **err)
{
    fhs_held *held = fhs_alloc(sizeof *held + event->id.len + event->query.len);
    if (held == NULL) {
        return fhs_fail_memory(err);
    }
    char *place = (char *)(held + 1);
    held->next = NULL;
    held->entry = root->entry;
    held->event = *event;
    held->event.id = copy_behind(place, event->id);
    held->event.query = copy_behind(place + event->id.len, event->query);
    if (root->held_last == NULL) {
        root->held = held;
    } else {
        root->held_last->next = held;
    }
    root->held_last = held;
    return FHIRSTORE_OK;
}

fhs_held *fhs_call_mark(const fhs_call *call)
{
    return call->held_last;
}

void fhs_call_fail_held(fhs_call *call, fhs_held *mark, fhirstore_status status)
{
    const fhirstore_audit_hook *hook = fhs_hooks_audit(call->hooks);
    fhs_held *held = mark == NULL ? call->held : mark->next;
    fhs_arena arena;
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    while (held != NULL) {
        fhs_held *next = held->next;
        if (held->event.outcome >= FHIRSTORE_OK) {
            held->event.outcome = status;
            held->event.version_after = 0;
        }
        fhs_arena_reset(&arena);
        (void)fhs_audit_record(hook, &held->event, &arena, NULL);
        fhs_free(held);
        held = next;
    }
    fhs_arena_clear(&arena);
    call->held_last = mark;
    if (mark == NULL) {
        call->held = NULL;
    } else {
        mark->next = NULL;
    }
}

fhirstore_status fhs_call_tell_held(fhs_call *call, fhirstore_error **err)
{
    const fhirstore_audit_hook *hook = fhs_hooks_audit(call->hooks);
    fhirstore_status status = FHIRSTORE_OK;
    fhs_arena arena;
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    for (fhs_held *held = call->held; held != NULL && status >= FHIRSTORE_OK; held = held->next) {
        fhs_arena_reset(&arena);
        status = fhs_audit_record(hook, &held->event, &arena, err);
        if (status < FHIRSTORE_OK && held->entry > 0) {
            fhs_error_entry(err, held->entry);
        }
    }
    fhs_arena_clear(&arena);
    return status;
}

void fhs_call_forget_held(fhs_call *call)
{
    while (call->held != NULL) {
        fhs_held *next = call->held->next;
        fhs_free(call->held);
        call->held = next;
    }
    call->held_last = NULL;
}

/* ---- one event ---- */

fhirstore_status fhs_call_record(fhs_call *call, fhirstore_status outcome, fhirstore_error **err)
{
    const fhirstore_audit_hook *hook = fhs_hooks_audit(call->hooks);
    if (hook == NULL) {
        return FHIRSTORE_OK;
    }
    const fhs_audit_event event = describe_event(call, outcome);
    return call->is_nested ? hold(outermost(call), &event, err)
                           : fhs_audit_record(hook, &event, call->arena, err);
}

/* What the hook says to a failure cannot change anything any more. */
fhirstore_status fhs_call_refuse(fhs_call *call, fhirstore_status status)
{
    call->version_after = 0;
    if (!call->is_nested) {
        fhs_call_fail_held(call, NULL, status);
    }
    (void)fhs_call_record(call, status, NULL);
    return status;
}

fhirstore_status fhs_session_refuse(fhs_session *session, int32_t action, fhs_type type, fhs_str id,
                                    fhs_str query, fhirstore_status status)
{
    fhs_arena arena;
    fhs_call call = {.session = session,
                     .arena = &arena,
                     .action = action,
                     .type = type,
                     .id = id,
                     .query = query,
                     .total = -1};
    call.hooks = fhs_hooks_take(session->core);
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    (void)fhs_call_record(&call, status, NULL);
    fhs_arena_clear(&arena);
    fhs_hooks_give(session->core, call.hooks);
    return status;
}

/* ---- pages of resources ---- */

fhirstore_status fhs_call_hand_out(fhs_call *call, fhirstore_error **err)
{
    if (call->count % FHS_AUDIT_PAGE == 0) {
        fhirstore_status status = fhs_call_record(call, FHIRSTORE_OK, err);
        if (status < FHIRSTORE_OK) {
            return status;
        }
        call->recorded = call->count;
    }
    call->count++;
    return FHIRSTORE_OK;
}

void fhs_call_hand_out_rest(fhs_call *call)
{
    if (call->recorded < call->count) {
        call->recorded = call->count;
        (void)fhs_call_record(call, FHIRSTORE_OK, NULL);
    }
}
