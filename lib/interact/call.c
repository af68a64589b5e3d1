/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of every interaction: ask, work, record, and undo what must not stay. */
#include "base/clock.h"
#include "interact/core.h"
#include "interact/hooks.h"
#include "interact/integrity.h"
#include "interact/ledger.h"
#include "interact/provenance.h"
#include "interact/sight.h"
#include "interact/touched.h"

static void start(fhs_call *call, fhs_session *session, int32_t action, fhs_type type, fhs_str id,
                  fhs_str query)
{
    *call = (fhs_call){.session = session,
                       .arena = &session->arena,
                       .action = action,
                       .type = type,
                       .id = id,
                       .query = query,
                       .total = -1,
                       .cancels = atomic_load(&session->cancels)};
}

static void listen(fhs_call *call)
{
    call->is_heard = fhs_hooks_audit(call->hooks) != NULL || call->session->core->ledger != NULL;
    if (call->is_heard) {
        call->started_us = fhs_clock_monotonic_us();
    }
}

void fhs_call_begin(fhs_call *call, fhs_session *session, int32_t action, fhs_type type, fhs_str id,
                    fhs_str query)
{
    start(call, session, action, type, id, query);
    fhs_arena_reset(&session->arena);
    call->hooks = fhs_hooks_take(session->core);
    listen(call);
}

void fhs_call_nest(fhs_call *call, fhs_call *outer, int32_t action, fhs_type type, fhs_str id,
                   fhs_str query)
{
    start(call, outer->session, action, type, id, query);
    call->hooks = outer->hooks;
    call->conn = outer->conn;
    call->arena = outer->arena;
    call->root = outer->root == NULL ? outer : outer->root;
    call->is_nested = true;
    listen(call);
}

/* A cancellation from before the call had its connection is made up for. */
void fhs_call_watch(fhs_call *call)
{
    fhs_session *session = call->session;
    (void)pthread_mutex_lock(&session->watch_lock);
    call->watch_next = session->watched;
    session->watched = call;
    call->is_watched = true;
    if (atomic_load(&session->cancels) != call->cancels) {
        fhs_conn_interrupt(call->conn);
    }
    (void)pthread_mutex_unlock(&session->watch_lock);
}

/* Afterwards nobody interrupts the connection on behalf of the call. */
static void unwatch(fhs_call *call)
{
    fhs_session *session = call->session;
    if (!call->is_watched) {
        return;
    }
    (void)pthread_mutex_lock(&session->watch_lock);
    fhs_call **at = &session->watched;
    while (*at != call) {
        at = &(*at)->watch_next;
    }
    *at = call->watch_next;
    (void)pthread_mutex_unlock(&session->watch_lock);
    call->is_watched = false;
}

void fhs_call_end(fhs_call *call)
{
    if (!call->is_nested) {
        unwatch(call);
        fhs_params_drop(call->params);
        fhs_buf_clear(&call->held);
        fhs_integrity_forget(call);
        fhs_buf_clear(&call->targets);
        fhs_ledger_forget(call);
        fhs_conn_release(call->conn);
        fhs_hooks_give(call->session->core, call->hooks);
    }
    fhs_sight_drop(call);
    fhs_touched_drop(call);
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
    fhirstore_status status = fhs_session_check(call->session, err);
    if (status < FHIRSTORE_OK || call->is_allowed) {
        return status;
    }
    fhs_grant grant;
    status = fhs_call_decide(call, &ask, &grant, err);
    if (status == FHIRSTORE_OK && call->type != FHS_TYPE_NONE) {
        status = fhs_sight_keep(call, call->type, &grant, err);
    } else if (status == FHIRSTORE_OK && grant.any_count + grant.except_count > 0) {
        /* A search of one type restricts nothing at system level: each type is asked for. */
        status = fhs_fail_plain(err, FHIRSTORE_ERR_DENIED);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_call_announce(call, err);
    }
    call->is_allowed = status == FHIRSTORE_OK;
    return status;
}

fhirstore_status fhs_call_ask_again(fhs_call *call, fhs_str id, fhirstore_error **err)
{
    call->id = id;
    call->is_allowed = false;
    fhs_sight_drop(call);
    return fhs_call_ask(call, err);
}

/* ---- the frame ---- */

fhirstore_status fhs_call_read(fhs_call *call, fhs_work_fn work, void *ctx, fhirstore_error **err)
{
    fhirstore_status status = fhs_call_ask(call, err);
    if (status == FHIRSTORE_OK && call->conn == NULL) {
        status = fhs_storage_reader(call->session->core->storage, &call->conn, err);
        if (status == FHIRSTORE_OK) {
            fhs_call_watch(call);
        }
    }
    if (status >= FHIRSTORE_OK) {
        status = work(call, ctx, err);
    }
    status = fhs_session_verdict(call->session, status, err);
    if (status < FHIRSTORE_OK) {
        return fhs_call_refuse(call, status);
    }
    fhirstore_status recorded = call->is_nested ? FHIRSTORE_OK : fhs_call_release_held(call, err);
    if (recorded >= FHIRSTORE_OK) {
        recorded = fhs_call_record(call, status, err);
    }
    return recorded < FHIRSTORE_OK ? fhs_call_refuse(call, recorded) : status;
}

static fhirstore_status open_transaction(fhs_call *call, fhirstore_error **err)
{
    fhs_core *core = call->session->core;
    if (core->read_only) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY);
    }
    fhirstore_status status = fhs_storage_writer(core->storage, &call->conn, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_call_watch(call);
    return fhs_conn_begin_write(call->conn, err);
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
    if (status >= FHIRSTORE_OK && call->session->provenance.len > 0) {
        fhirstore_status stored = fhs_provenance_note(call, err);
        if (stored >= FHIRSTORE_OK && !call->is_nested && call->targets.len > 0) {
            stored = fhs_provenance_store(call, err);
        }
        status = stored < FHIRSTORE_OK ? stored : status;
    }
    if (status >= FHIRSTORE_OK && !call->is_nested) {
        fhirstore_status settled = fhs_integrity_settle(call, err);
        status = settled < FHIRSTORE_OK ? settled : status;
    }
    if (status >= FHIRSTORE_OK) {
        fhirstore_status recorded = fhs_call_tell_held(call, err);
        if (recorded >= FHIRSTORE_OK) {
            recorded = fhs_call_record(call, status, err);
        }
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
    return fhs_call_refuse(call, fhs_session_verdict(call->session, status, err));
}
