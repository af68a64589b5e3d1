/* SPDX-License-Identifier: Apache-2.0 */
/* Who sees the journal as AuditEvents, one of them, and that nobody writes them. */
#include "interact/trail.h"

#include "interact/hooks.h"
#include "interact/ledger.h"

static bool is_audit_event(const fhs_core *core, fhs_type type)
{
    return type != FHS_TYPE_NONE &&
           fhs_str_eq(fhs_type_name(core->fhir, type), FHS_LIT("AuditEvent"));
}

fhs_audit_style fhs_trail_style(const fhs_core *core)
{
    return (fhs_audit_style){
        .is_r5 = fhs_storage_fhir_version(core->storage) == FHIRSTORE_FHIR_R5,
        .base_url = core->base_url,
    };
}

bool fhs_trail_has_id(const fhs_core *core, fhs_type type, fhs_str id)
{
    int64_t number;
    return is_audit_event(core, type) && fhs_audit_read_id(id, &number);
}

/* May all of it be seen? What is granted in part is not granted: the journal is not cut to fit. */
static fhirstore_status check_audited_type(const fhs_hooks *hooks, const fhs_principal *who,
                                           fhs_str type, fhs_arena *arena, fhirstore_error **err)
{
    const fhs_access_ask ask = {FHIRSTORE_ACTION_AUDIT, type, FHS_STR_NONE, FHS_STR_NONE};
    fhs_grant grant;
    fhirstore_status status = fhs_access_check(fhs_hooks_authorizer(hooks), who, &ask, arena,
                                               &grant, err);
    return status == FHIRSTORE_OK && grant.any_count + grant.except_count > 0
               ? fhs_fail_plain(err, FHIRSTORE_ERR_DENIED)
               : status;
}

fhirstore_status fhs_trail_check(fhs_call *call, fhirstore_error **err)
{
    return check_audited_type(call->hooks, &call->session->who, FHS_LIT("AuditEvent"), call->arena,
                              err);
}

bool fhs_trail_is_open(fhs_session *session, fhs_type type)
{
    fhs_core *core = session->core;
    fhs_arena arena;
    if (core->ledger == NULL || !is_audit_event(core, type)) {
        return false;
    }
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    fhs_hooks *hooks = fhs_hooks_take(core);
    const bool may = check_audited_type(hooks, &session->who, FHS_LIT(""), &arena, NULL) ==
                         FHIRSTORE_OK &&
                     check_audited_type(hooks, &session->who, FHS_LIT("AuditEvent"), &arena,
                                        NULL) == FHIRSTORE_OK;
    fhs_hooks_give(core, hooks);
    fhs_arena_clear(&arena);
    return may;
}

fhirstore_status fhs_trail_guard(const fhs_call *call, fhs_type type, fhs_str id,
                                 fhirstore_error **err)
{
    return fhs_trail_has_id(call->session->core, type, id)
               ? fhs_fail(
                     err, FHIRSTORE_ERR_METHOD,
                     "ids of this form belong to the store's own journal, which only it writes")
               : FHIRSTORE_OK;
}

typedef struct trail_call {
    fhs_work_fn work;
    void *ctx;
    fhs_type type;
} trail_call;

/* Everything that waits is written first, so that what is seen is all there is. */
static fhirstore_status run_trail(fhs_call *call, void *ctx, fhirstore_error **err)
{
    const trail_call *trail = ctx;
    call->type = trail->type; /* for the record */
    fhirstore_status status = fhs_trail_check(call, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_ledger_flush(call->session->core, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_read(call->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = trail->work(call, trail->ctx, err);
        fhs_conn_end_read(call->conn);
    }
    return status;
}

fhirstore_status fhs_trail_call(fhs_call *call, fhs_type type, fhs_work_fn work, void *ctx,
                                fhirstore_error **err)
{
    trail_call trail = {work, ctx, type};
    return fhs_call_read(call, run_trail, &trail, err);
}

/* ---- one of them ---- */

typedef struct trail_read {
    int64_t number;
    fhs_str id;
    fhs_type type;
    const fhs_unless *unless; /* NULL: in any case */
    fhs_answer *answer;
    fhs_audit_style style;
    bool found;
    bool is_known; /* to the client: nothing is sent */
} trail_read;

static bool take_record(void *ctx, int64_t number, const fhs_audit_event *event)
{
    trail_read *work = ctx;
    if (number == work->number) {
        const fhs_version version = {.id = work->id, .version = 1, .updated_us = event->time_us};
        fhs_answer_describe(work->answer, work->type, &version);
        work->found = true;
        work->is_known = fhs_unless_knows(work->unless, &version);
        if (!work->is_known) {
            fhs_audit_write_resource(&work->style, number, event, &work->answer->body);
        }
    }
    return false;
}

static fhirstore_status run_trail_read(fhs_call *call, void *ctx, fhirstore_error **err)
{
    trail_read *work = ctx;
    fhs_answer *answer = work->answer;
    fhs_buf_reset(&answer->body);
    fhirstore_status status = FHIRSTORE_OK;
    if (work->number > 0) {
        status = fhs_journal_read(fhs_ledger_journal(call->session->core->ledger), call->conn,
                                  work->number, take_record, work, err);
    }
    if (status >= FHIRSTORE_OK && !work->found) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_NOT_FOUND);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    call->count = work->is_known ? 0 : 1;
    answer->status = work->is_known ? FHIRSTORE_NOT_MODIFIED : FHIRSTORE_OK;
    answer->http = fhs_status_http(answer->status);
    status = fhs_buf_status(&answer->body);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : answer->status;
}

fhirstore_status fhs_trail_read(fhs_session *session, fhs_type type, fhs_str id, int64_t version,
                                const fhs_unless *unless, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    trail_read work = {.id = id,
                       .type = type,
                       .unless = unless,
                       .answer = answer,
                       .style = fhs_trail_style(session->core)};
    (void)fhs_audit_read_id(id, &work.number);
    if (version > 1) {
        work.number = 0; /* a record has one version */
    }
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_AUDIT, FHS_TYPE_NONE, id, FHS_STR_NONE);
    fhirstore_status status = fhs_trail_call(&call, type, run_trail_read, &work, err);
    fhs_call_end(&call);
    return status;
}
