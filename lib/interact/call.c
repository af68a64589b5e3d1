/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of every interaction: ask, work, record, and undo what must not stay. */
#include "base/clock.h"
#include "interact/core.h"
#include "interact/hooks.h"

static void start(fhs_call *call, fhs_session *session, int32_t action, fhs_type type, fhs_str id,
                  fhs_str query)
{
    *call = (fhs_call){
        .session = session, .action = action, .type = type, .id = id, .query = query, .total = -1};
}

void fhs_call_begin(fhs_call *call, fhs_session *session, int32_t action, fhs_type type, fhs_str id,
                    fhs_str query)
{
    start(call, session, action, type, id, query);
    fhs_arena_reset(&session->arena);
    call->hooks = fhs_hooks_take(session->core);
    if (fhs_hooks_audit(call->hooks) != NULL) {
        call->started_us = fhs_clock_monotonic_us();
    }
}

void fhs_call_nest(fhs_call *call, fhs_call *outer, int32_t action, fhs_type type, fhs_str id,
                   fhs_str query)
{
    start(call, outer->session, action, type, id, query);
    call->hooks = outer->hooks;
    call->conn = outer->conn;
    call->root = outer->root == NULL ? outer : outer->root;
    call->is_nested = true;
    if (fhs_hooks_audit(call->hooks) != NULL) {
        call->started_us = fhs_clock_monotonic_us();
    }
}

void fhs_call_end(fhs_call *call)
{
    if (!call->is_nested) {
        fhs_params_drop(call->params);
        fhs_conn_release(call->conn);
        fhs_hooks_give(call->session->core, call->hooks);
    }
    call->params = NULL;
    call->conn = NULL;
    call->hooks = NULL;
}

static fhs_str type_name(const fhs_call *call)
{
    return call->type == FHS_TYPE_NONE ? FHS_LIT("")
                                       : fhs_type_name(call->session->core->fhir, call->type);
}

fhirstore_status fhs_call_ask(fhs_call *call, fhirstore_error **err)
{
    const fhs_access_ask ask = {call->action, type_name(call), call->id, call->query};
    if (call->is_allowed) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_access_check(
        fhs_hooks_authorizer(call->hooks), &call->session->who, &ask, &call->session->arena, err);
    call->is_allowed = status == FHIRSTORE_OK;
    return status;
}

fhirstore_status fhs_call_record(fhs_call *call, fhirstore_status outcome, fhirstore_error **err)
{
    const fhirstore_audit_hook *hook = fhs_hooks_audit(call->hooks);
    if (hook == NULL || call->is_unaudited) {
        return FHIRSTORE_OK;
    }
    const fhs_principal *who = &call->session->who;
    const fhs_audit_event event = {
        .action = call->action,
        .outcome = outcome,
        .time_us = fhs_core_now(call->session->core),
        .duration_us = fhs_clock_monotonic_us() - call->started_us,
        .version_before = call->version_before,
        .version_after = call->version_after,
        .count = call->count,
        .total = call->total,
        .principal = who->name,
        .purpose = who->purpose,
        .request_id = who->request_id,
        .type = type_name(call),
        .id = call->id,
        .query = call->query,
    };
    return fhs_audit_record(hook, &event, &call->session->arena, err);
}

/* What the hook says to a failure cannot change anything any more. */
fhirstore_status fhs_call_refuse(fhs_call *call, fhirstore_status status)
{
    call->version_after = 0;
    (void)fhs_call_record(call, status, NULL);
    return status;
}

fhirstore_status fhs_call_read(fhs_call *call, fhs_work_fn work, void *ctx, fhirstore_error **err)
{
    fhirstore_status status = fhs_call_ask(call, err);
    if (status == FHIRSTORE_OK && call->conn == NULL) {
        status = fhs_storage_reader(call->session->core->storage, &call->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = work(call, ctx, err);
    }
    if (status < FHIRSTORE_OK) {
        return fhs_call_refuse(call, status);
    }
    fhirstore_status recorded = fhs_call_record(call, status, err);
    return recorded < FHIRSTORE_OK ? fhs_call_refuse(call, recorded) : status;
}

static fhirstore_status open_transaction(fhs_call *call, fhirstore_error **err)
{
    fhs_core *core = call->session->core;
    if (core->read_only) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY);
    }
    fhirstore_status status = fhs_storage_writer(core->storage, &call->conn, err);
    return status < FHIRSTORE_OK ? status : fhs_conn_begin_write(call->conn, err);
}

fhirstore_status fhs_call_write(fhs_call *call, fhs_work_fn work, void *ctx, fhirstore_error **err)
{
    fhirstore_status status = fhs_call_ask(call, err);
    if (status == FHIRSTORE_OK && !call->is_nested) {
        status = open_transaction(call, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = work(call, ctx, err);
    }
    if (status >= FHIRSTORE_OK) {
        fhirstore_status recorded = fhs_call_record(call, status, err);
        status = recorded < FHIRSTORE_OK ? recorded : status;
    }
    if (status >= FHIRSTORE_OK && !call->is_nested) {
        fhirstore_status committed = fhs_call_commit(call, err);
        status = committed < FHIRSTORE_OK ? committed : status;
    }
    if (status >= FHIRSTORE_OK) {
        return status;
    }
    if (!call->is_nested && call->conn != NULL) {
        fhs_conn_rollback(call->conn);
    }
    return fhs_call_refuse(call, status);
}
