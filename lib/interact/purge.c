/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes for good: old versions, or a resource with all of them. Their words leave the full-text
 * index in the same transaction, before the texts they were taken from.
 */
#include "interact/purge.h"

#include "index/fulltext.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "interact/trail.h"
#include "storage/fulltext.h"

fhirstore_status fhs_purge_words(fhs_call *call, const fhs_version *current, bool whole,
                                 fhirstore_error **err)
{
    fhs_version version = *current;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = FHIRSTORE_OK;
    if (version.is_large) {
        version.body = FHS_STR_NONE;
        status = fhs_resource_take_body(call->conn, &version, &text, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_fulltext_forget(call->conn, &version, whole, err);
    }
    fhs_buf_clear(&text);
    return status;
}

/* Who removes for good must be allowed to delete as well. */
static fhirstore_status ask_to_delete(fhs_call *call, fhs_str id, fhirstore_error **err)
{
    fhs_call inner;
    fhs_call_nest(&inner, call, FHIRSTORE_ACTION_DELETE, call->type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_ask(&inner, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_find(&inner, call->type, id, err);
    }
    fhs_call_end(&inner);
    return status;
}

fhirstore_status fhs_purge_resource(fhs_call *call, const fhs_version *current,
                                    fhirstore_error **err)
{
    int64_t count;
    fhirstore_status status = ask_to_delete(call, current->id, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_purge_words(call, current, true, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_purge(call->conn, current, &count, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_fulltext_scrub(call->conn, err);
    }
    call->version_before = current->is_deleted ? 0 : current->version;
    return status;
}

fhirstore_status fhs_purge_replaced(fhs_call *call, fhs_type type, const fhs_version *replaced,
                                    fhirstore_error **err)
{
    int64_t count;
    const int32_t number = fhs_catalog_type(call->session->core->catalog, type);
    return fhs_resource_purge_old(call->conn, number, replaced->entity, &count, err);
}

fhirstore_status fhs_purge_forget_words(fhs_call *call, const fhs_version *replaced,
                                        fhirstore_error **err)
{
    return fhs_purge_words(call, replaced, true, err);
}

/* ---- $purge-history ---- */

/* What is there now, copied out of the connection into the session. */
static fhirstore_status read_state(fhs_call *call, int32_t type, fhs_str id, fhs_version *out,
                                   fhirstore_error **err)
{
    fhs_buf *body = &call->session->old_body;
    fhirstore_status status = fhs_resource_read_rows(call->conn, type, id, out, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_buf_reset(body);
    fhs_buf_add_str(body, out->body);
    out->body = fhs_buf_str(body);
    out->id = id;
    out->rows = FHS_STR_NONE;
    return fhs_buf_status(body) < FHIRSTORE_OK ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

fhirstore_status fhs_purge_history(fhs_call *call, fhs_type type, fhs_str id, int64_t *count_out,
                                   fhirstore_error **err)
{
    fhs_version current;
    const int32_t number = fhs_catalog_type(call->session->core->catalog, type);
    *count_out = 0;
    fhirstore_status status = fhs_trail_guard(call, type, id, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_find(call, type, id, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = ask_to_delete(call, id, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = read_state(call, number, id, &current, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_touch_body(call, type, &current, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_purge_words(call, &current, false, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_purge_old(call->conn, number, current.entity, count_out, err);
    }
    if (status >= FHIRSTORE_OK && *count_out > 0) {
        status = fhs_fulltext_scrub(call->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        call->version_before = current.version;
        call->version_after = current.version;
        call->count = *count_out;
    }
    return status;
}

fhirstore_status fhs_interact_purge_history_in(fhs_call *call, fhs_str id, fhs_answer *answer,
                                               fhirstore_error **err)
{
    int64_t count;
    fhirstore_status status = fhs_purge_history(call, call->type, id, &count, err);
    answer->status = FHIRSTORE_NO_CONTENT;
    answer->http = fhs_status_http(FHIRSTORE_NO_CONTENT);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_NO_CONTENT;
}

typedef struct purge_work {
    fhs_str id;
    fhs_answer *answer;
} purge_work;

static fhirstore_status purge_history_work(fhs_call *call, void *ctx, fhirstore_error **err)
{
    const purge_work *work = ctx;
    return fhs_interact_purge_history_in(call, work->id, work->answer, err);
}

fhirstore_status fhs_interact_purge_history(fhs_session *session, fhs_type type, fhs_str id,
                                            fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    purge_work work = {id, answer};
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_HARD_DELETE, type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_write(&call, purge_history_work, &work, err);
    fhs_call_end(&call);
    return status;
}
