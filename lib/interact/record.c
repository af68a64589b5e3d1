/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit record of a call. What happens inside a transaction is not true before the transaction
 * is decided, so the events of nested calls wait in the outermost one: they are told in order right
 * before the commit, or as failed after the rollback. Both when the commit itself is what fails.
 */
#include <string.h>

#include "base/clock.h"
#include "interact/core.h"
#include "interact/hooks.h"
#include "interact/ledger.h"
#include "interact/sight.h"
#include "interact/touched.h"

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

/* What the hook answered stands, unless the store goes on without it: then that is recorded. */
static fhirstore_status weigh(fhs_call *call, const fhs_audit_event *event, fhirstore_status status,
                              fhirstore_error **err)
{
    if (status != FHIRSTORE_ERR_AUDIT_REFUSED || !call->session->core->audit_best_effort) {
        return status;
    }
    fhs_audit_event failure = *event;
    failure.outcome = FHIRSTORE_ERR_AUDIT_REFUSED;
    failure.flags |= FHIRSTORE_AUDIT_HOOK_FAILED;
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    return fhs_ledger_note(call, &failure, err);
}

/*
 * A write's record goes with it if the hook refuses, so it is noted first. That of a read stays, so
 * the hook is heard before anything is noted as done. What failed is noted whatever the hook says.
 */
static fhirstore_status tell_listeners(fhs_call *call, const fhs_audit_event *event,
                                       fhs_arena *arena, fhirstore_error **err)
{
    const fhirstore_audit_hook *hook = fhs_hooks_audit(call->hooks);
    const fhs_call *root = outermost(call);
    const bool goes_with_write = root->conn != NULL && fhs_conn_is_writing(root->conn);
    const bool has_failed = event->outcome < FHIRSTORE_OK;
    fhirstore_status status = FHIRSTORE_OK;
    if (goes_with_write) {
        status = fhs_ledger_note(call, event, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = weigh(call, event, fhs_audit_record(hook, event, arena, err), err);
    }
    if (!goes_with_write && status >= FHIRSTORE_OK) {
        status = fhs_ledger_note(call, event, err);
    } else if (!goes_with_write && has_failed) {
        (void)fhs_ledger_note(call, event, NULL); /* the hook's answer stands */
    }
    return status;
}

/* What was granted, into @a out, which the event borrows. */
static void describe_restriction(const fhs_call *call, fhs_buf *out, fhs_audit_event *event)
{
    fhs_sight_write(call, out);
    event->restriction = fhs_buf_str(out);
    if (event->restriction.len > FHS_LIMIT_AUDIT_RESTRICTION) {
        event->restriction.len = FHS_LIMIT_AUDIT_RESTRICTION;
        while (event->restriction.len > 0 &&
               event->restriction.ptr[event->restriction.len] != ' ') {
            event->restriction.len--; /* whole searches only */
        }
        event->flags |= FHIRSTORE_AUDIT_MORE_RESTRICTION;
    }
}

/* ---- what is held: records as the journal has them ---- */

static fhirstore_status hold(fhs_call *root, fhs_audit_event *event, fhirstore_error **err)
{
    if (root->held.max == 0) {
        fhs_buf_init(&root->held, FHS_LIMIT_RESOURCE_BYTES);
    }
    event->entry = root->entry;
    fhirstore_status status = fhs_block_add(&root->held, event);
    root->held_count += status == FHIRSTORE_OK;
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(err, status);
}

fhs_held_mark fhs_call_mark(const fhs_call *call)
{
    return (fhs_held_mark){call->held.len, call->held_count};
}

/* The next record that is held; who it was stands with a NUL behind it in the session. */
static bool next_held(const fhs_call *call, fhs_str *rest, fhs_audit_event *event)
{
    const fhs_principal *who = &call->session->who;
    if (!fhs_block_next(rest, event)) {
        return false;
    }
    event->principal = who->name;
    event->purpose = who->purpose;
    event->request_id = who->request_id;
    return true;
}

void fhs_call_fail_held(fhs_call *call, fhs_held_mark mark, fhirstore_status status)
{
    fhs_str rest = fhs_str_from(fhs_buf_str(&call->held), mark.len);
    fhs_audit_event event;
    fhs_arena arena;
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    while (next_held(call, &rest, &event)) {
        if (event.outcome >= FHIRSTORE_OK) {
            event.outcome = status;
            event.version_after = 0;
        }
        fhs_arena_reset(&arena);
        (void)tell_listeners(call, &event, &arena, NULL);
    }
    fhs_arena_clear(&arena);
    call->held.len = mark.len;
    call->held_count = mark.count;
}

fhirstore_status fhs_call_release_held(fhs_call *call, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_str rest = fhs_buf_str(&call->held);
    fhs_audit_event event;
    fhs_arena arena;
    if (call->held_count == 0) {
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    while (status >= FHIRSTORE_OK && next_held(call, &rest, &event)) {
        fhs_arena_reset(&arena);
        status = tell_listeners(call, &event, &arena, err);
    }
    fhs_arena_clear(&arena);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_reset(&call->held);
        call->held_count = 0;
    }
    return status;
}

static fhirstore_status tell_hook(fhs_call *call, const fhirstore_audit_hook *hook,
                                  fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_str rest = fhs_buf_str(&call->held);
    fhs_audit_event event;
    fhs_arena arena;
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    while (status >= FHIRSTORE_OK && next_held(call, &rest, &event)) {
        fhs_arena_reset(&arena);
        status = weigh(call, &event, fhs_audit_record(hook, &event, &arena, err), err);
        if (status < FHIRSTORE_OK && event.entry > 0) {
            fhs_error_entry(err, event.entry);
        }
    }
    fhs_arena_clear(&arena);
    return status;
}

fhirstore_status fhs_call_tell_held(fhs_call *call, fhirstore_error **err)
{
    const fhirstore_audit_hook *hook = fhs_hooks_audit(call->hooks);
    return hook == NULL ? FHIRSTORE_OK : tell_hook(call, hook, err);
}

/* ---- one event ---- */

fhirstore_status fhs_call_record(fhs_call *call, fhirstore_status outcome, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_buf restriction = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    if (!call->is_heard) {
        return FHIRSTORE_OK;
    }
    fhs_audit_event event = describe_event(call, outcome);
    if (outcome >= FHIRSTORE_OK) {
        status = fhs_touched_settle(call, err);
    }
    fhs_ledger_stamp(call->session->core, &event);
    fhs_touched_tell(call, &event);
    describe_restriction(call, &restriction, &event);
    if (status >= FHIRSTORE_OK && fhs_buf_status(&restriction) < FHIRSTORE_OK) {
        status = fhs_fail_memory(err);
    }
    if (status >= FHIRSTORE_OK) {
        status = call->is_nested ? hold(outermost(call), &event, err)
                                 : tell_listeners(call, &event, call->arena, err);
    }
    fhs_buf_clear(&restriction);
    return status;
}

fhirstore_status fhs_call_announce(fhs_call *call, fhirstore_error **err)
{
    const fhirstore_audit_hook *hook = fhs_hooks_audit(call->hooks);
    fhs_buf restriction = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    if (hook == NULL || hook->before == NULL || call->is_announced) {
        return FHIRSTORE_OK;
    }
    fhs_audit_event event = describe_event(call, FHIRSTORE_OK);
    event.entry = outermost(call)->entry;
    describe_restriction(call, &restriction, &event);
    fhirstore_status status = fhs_buf_status(&restriction) < FHIRSTORE_OK ? fhs_fail_memory(err)
                                                                          : FHIRSTORE_OK;
    if (status >= FHIRSTORE_OK) {
        status = weigh(call, &event, fhs_audit_before(hook, &event, call->arena, err), err);
    }
    fhs_buf_clear(&restriction);
    return status;
}

/* What the hook says to a failure cannot change anything any more. */
fhirstore_status fhs_call_refuse(fhs_call *call, fhirstore_status status)
{
    call->version_after = 0;
    if (!call->is_nested) {
        fhs_ledger_forget(call);
        fhs_call_fail_held(call, (fhs_held_mark){0, 0}, status);
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
    call.is_heard = true;
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
        fhs_touched_forget(call);
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
