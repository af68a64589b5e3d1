/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/find.h"

#include "base/mem.h"
#include "interact/interact.h"
#include "keys/keys.h"

/* Matches of a cursor are recorded in pages of this size, each before its first match is handed
 * out. */
#define AUDIT_PAGE 1000

static fhs_search_env make_env(const fhs_session *session, const fhs_params *params,
                               bool ready_only)
{
    const fhs_core *core = session->core;
    return (fhs_search_env){
        .fhir = fhs_params_fhir(params),
        .catalog = fhs_params_catalog(params),
        .indexer = fhs_params_indexer(params),
        .ready_only = ready_only || session->ready_only,
        .keys = core->token_keys,
        .base_url = core->base_url,
        .principal = session->who.name,
    };
}

static fhirstore_status parse_query(fhs_session *session, const fhs_params *params,
                                    fhs_arena *arena, fhs_type type, fhs_str text, bool lenient,
                                    fhs_query **out, fhirstore_error **err)
{
    const fhs_core *core = session->core;
    const fhs_query_options options = {
        .fhir = fhs_params_fhir(params),
        .base_url = core->base_url,
        .lenient = lenient,
        .now_us = fhs_core_now(core),
        .default_zone_minutes = core->default_zone_minutes,
    };
    return fhs_query_parse(arena, &options, type, text, out, err);
}

/* ---- one page, one count, one plan: searches that end within their call ---- */

typedef struct find_work {
    fhs_str text;
    bool lenient;
    bool ready_only;
    fhs_buf *out;
    fhirstore_status (*use)(fhs_call *call, struct find_work *work, fhs_search *search,
                            fhirstore_error **err);
} find_work;

static fhirstore_status find_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    find_work *work = ctx;
    fhs_session *session = call->session;
    fhs_params *params = NULL;
    fhs_query *query;
    fhs_search *search = NULL;
    fhirstore_status status = call->is_nested ? FHIRSTORE_OK : fhs_conn_begin_read(call->conn, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        status = parse_query(session, params, &session->arena, call->type, work->text,
                             work->lenient, &query, err);
    }
    if (status >= FHIRSTORE_OK) {
        const fhs_search_env env = make_env(session, params, work->ready_only);
        status = fhs_search_open(call->conn, &env, query, &search, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = work->use(call, work, search, err);
    }
    fhs_search_close(search);
    if (!call->is_nested) {
        fhs_conn_end_read(call->conn);
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

static fhirstore_status find(fhs_session *session, fhs_type type, find_work *work,
                             int64_t *total_out, fhirstore_error **err)
{
    fhs_call call;
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_SEARCH, type, FHS_STR_NONE, work->text);
    fhirstore_status status = fhs_call_read(&call, find_run, work, err);
    *total_out = call.total;
    fhs_call_end(&call);
    return status;
}

static fhirstore_status use_page(fhs_call *call, find_work *work, fhs_search *search,
                                 fhirstore_error **err)
{
    fhs_str path = call->type == FHS_TYPE_NONE
                       ? FHS_LIT("")
                       : fhs_type_name(call->session->core->fhir, call->type);
    fhs_buf_reset(work->out);
    fhirstore_status status = fhs_search_write_bundle(search, path, work->out, err);
    fhs_search_told(search, &call->count, &call->total);
    return status;
}

fhirstore_status fhs_interact_search_bundle(fhs_session *session, fhs_type type, fhs_str query,
                                            bool lenient, bool ready_only, fhs_answer *answer,
                                            fhirstore_error **err)
{
    find_work work = {query, lenient, ready_only, &answer->body, use_page};
    int64_t unused;
    answer->status = FHIRSTORE_OK;
    answer->http = fhs_status_http(FHIRSTORE_OK);
    return find(session, type, &work, &unused, err);
}

static fhirstore_status use_count(fhs_call *call, find_work *work, fhs_search *search,
                                  fhirstore_error **err)
{
    (void)work;
    return fhs_search_count(search, &call->total, err);
}

fhirstore_status fhs_interact_search_total(fhs_session *session, fhs_type type, fhs_str query,
                                           int64_t *count_out, fhirstore_error **err)
{
    find_work work = {query, false, false, NULL, use_count};
    fhirstore_status status = find(session, type, &work, count_out, err);
    if (status < FHIRSTORE_OK) {
        *count_out = 0;
    }
    return status;
}

static fhirstore_status use_plan(fhs_call *call, find_work *work, fhs_search *search,
                                 fhirstore_error **err)
{
    (void)call;
    fhs_search_explain(search, true, work->out);
    fhirstore_status status = fhs_buf_status(work->out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

fhirstore_status fhs_interact_search_plan(fhs_session *session, fhs_type type, fhs_str query,
                                          fhs_buf *out, fhirstore_error **err)
{
    find_work work = {query, false, false, out, use_plan};
    int64_t unused;
    return find(session, type, &work, &unused, err);
}

/* ---- the cursor ---- */

struct fhs_search_cursor {
    fhs_call call; /* its audit record counts what was handed out */
    fhs_arena arena;
    fhs_str text;
    fhs_search_env env;
    fhs_query *query;
    fhs_search *search;
    fhs_version match;
    int64_t recorded;      /* matches that an audit event tells of */
    fhirstore_status last; /* what the last step answered: it stays the answer once it is the end */
};

void fhs_search_cursor_close(fhs_search_cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    /* What left since the last event; nothing can be undone any more. */
    if (cursor->search != NULL && cursor->recorded < cursor->call.count) {
        (void)fhs_call_record(&cursor->call, FHIRSTORE_OK, NULL);
    }
    fhs_search_close(cursor->search);
    if (cursor->call.conn != NULL) {
        fhs_conn_end_read(cursor->call.conn);
    }
    fhs_call_end(&cursor->call);
    fhs_session_drop(cursor->call.session);
    fhs_arena_clear(&cursor->arena);
    fhs_free(cursor);
}

static fhirstore_status start_cursor(fhs_search_cursor *cursor, fhirstore_error **err)
{
    fhs_call *call = &cursor->call;
    fhirstore_status status = fhs_call_ask(call, err);
    fhs_params *params = NULL;
    if (status >= FHIRSTORE_OK) {
        status = fhs_storage_reader(call->session->core->storage, &call->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_read(call->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_params(call, &params, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = parse_query(call->session, params, &cursor->arena, call->type, cursor->text, false,
                             &cursor->query, err);
    }
    if (status >= FHIRSTORE_OK) {
        cursor->env = make_env(call->session, params, false);
        status = fhs_search_open(call->conn, &cursor->env, cursor->query, &cursor->search, err);
    }
    return status < FHIRSTORE_OK ? fhs_call_refuse(call, status) : FHIRSTORE_OK;
}

fhirstore_status fhs_search_cursor_open(fhs_session *session, fhs_type type, fhs_str query,
                                        fhs_search_cursor **out, fhirstore_error **err)
{
    fhs_search_cursor *cursor = fhs_calloc(1, sizeof *cursor);
    *out = NULL;
    if (cursor == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_arena_init(&cursor->arena, FHS_LIMIT_RESOURCE_BYTES);
    cursor->text = fhs_arena_dup(&cursor->arena, query);
    fhs_session_hold(session);
    fhs_call_begin(&cursor->call, session, FHIRSTORE_ACTION_SEARCH, type, FHS_STR_NONE,
                   cursor->text);
    fhirstore_status status = cursor->text.ptr == NULL ? fhs_fail_memory(err)
                                                       : start_cursor(cursor, err);
    if (status < FHIRSTORE_OK) {
        fhs_search_cursor_close(cursor);
        return status;
    }
    *out = cursor;
    return FHIRSTORE_OK;
}

/* The cursor is over: nothing under it, and every further step answers the same. */
static fhirstore_status end_cursor(fhs_search_cursor *cursor, fhirstore_status status)
{
    cursor->match = (fhs_version){0};
    cursor->last = status;
    if (status < FHIRSTORE_OK) {
        cursor->recorded = cursor->call.count;
        (void)fhs_call_refuse(&cursor->call, status);
    }
    return status;
}

fhirstore_status fhs_search_cursor_next(fhs_search_cursor *cursor, fhirstore_error **err)
{
    fhs_call *call = &cursor->call;
    if (cursor->last != FHIRSTORE_OK) {
        return cursor->last < FHIRSTORE_OK ? fhs_fail_plain(err, cursor->last) : cursor->last;
    }
    fhirstore_status status = fhs_search_next(cursor->search, &cursor->match, err);
    if (status < FHIRSTORE_OK) {
        return end_cursor(cursor, status);
    }
    /* A page is recorded before its first match leaves; the event counts what left before it. */
    if (call->count % AUDIT_PAGE == 0 || status == FHIRSTORE_DONE) {
        fhirstore_status recorded = fhs_call_record(call, FHIRSTORE_OK, err);
        if (recorded < FHIRSTORE_OK) {
            return end_cursor(cursor, recorded);
        }
        cursor->recorded = call->count;
    }
    if (status == FHIRSTORE_DONE) {
        return end_cursor(cursor, status);
    }
    call->count++;
    return status;
}

const fhs_version *fhs_search_cursor_match(const fhs_search_cursor *cursor)
{
    return &cursor->match;
}

fhs_str fhs_search_cursor_type(const fhs_search_cursor *cursor)
{
    const fhs_core *core = cursor->call.session->core;
    return fhs_type_name(core->fhir, fhs_catalog_type_back(core->catalog, cursor->match.type));
}
