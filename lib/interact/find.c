/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/find.h"

#include <stdint.h>

#include "base/mem.h"
#include "interact/criteria.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "interact/trail.h"
#include "interact/words.h"

#define QUERY_TEXT_MAX ((size_t)4 * FHS_LIMIT_URL_BYTES)

static fhirstore_status stop_at_first(void *ctx, const fhs_version *version)
{
    (void)version;
    *(bool *)ctx = true;
    return FHIRSTORE_DONE;
}

/* Is there a resource of @a type? */
static fhirstore_status holds_type(fhs_call *call, fhs_type type, bool *yes_out,
                                   fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    int32_t number = fhs_type_is_resource(core->fhir, type) ? fhs_catalog_type(core->catalog, type)
                                                            : 0;
    *yes_out = false;
    return number == 0 ? FHIRSTORE_OK
                       : fhs_resource_each(call->conn, number, 0, stop_at_first, yes_out, err);
}

/*
 * At system level: each type with what may be seen of it. Without any restriction there is nothing
 * to add.
 */
static fhirstore_status restrict_types(fhs_call *call, fhs_arena *arena, const fhs_query *query,
                                       fhs_search_env *env, fhirstore_error **err)
{
    bool is_partial = false;
    fhs_node *any = fhs_arena_calloc(arena, 1, sizeof *any);
    fhs_node *all = fhs_arena_calloc(arena, query->type_count + 1, sizeof *all);
    fhs_node **children = fhs_arena_calloc(arena, query->type_count + 1, sizeof(fhs_node *));
    if (any == NULL || all == NULL || children == NULL) {
        return fhs_fail_memory(err);
    }
    *any = (fhs_node){.kind = FHS_NODE_OR, .type = FHS_TYPE_NONE, .children = children};
    for (size_t i = 0; i < query->type_count; i++) {
        const fhs_node *node;
        fhirstore_status status = fhs_sight_node(call, query->types[i], &node, err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        all[i] = (fhs_node){.kind = FHS_NODE_TRUE, .type = query->types[i]};
        is_partial = is_partial || node != NULL;
        children[any->child_count++] = node == NULL ? &all[i] : (fhs_node *)(uintptr_t)node;
    }
    if (is_partial || query->type_count == 0) {
        env->restriction = any;
    }
    return FHIRSTORE_OK;
}

/*
 * A search at system level goes over the types that may be seen: those that _type names, or that
 * the store holds. Nobody is asked about others, and what is not asked for is not searched.
 */
static fhirstore_status narrow_types(fhs_call *call, fhs_arena *arena, fhs_query *query,
                                     fhs_search_env *env, fhirstore_error **err)
{
    /* Of a compartment's types most may not be there. */
    const bool are_named = query->type_count > 0 && query->place.len == 0;
    const bool are_given = query->type_count > 0;
    size_t max = are_given ? query->type_count : fhs_type_count(call->session->core->fhir);
    fhirstore_status status = FHIRSTORE_OK;
    size_t count = 0;
    if (call->session->who.allow_everything) {
        return FHIRSTORE_OK;
    }
    if (query->type != FHS_TYPE_NONE) {
        return fhs_sight_node(call, query->type, &env->restriction, err);
    }
    fhs_type *types = fhs_arena_calloc(arena, max, sizeof *types);
    if (types == NULL) {
        return fhs_fail_memory(err);
    }
    for (size_t i = 0; i < max && status >= FHIRSTORE_OK; i++) {
        fhs_type type = are_given ? query->types[i] : (fhs_type)i;
        bool is_held = true;
        if (!are_named) {
            status = holds_type(call, type, &is_held, err);
        }
        if (status >= FHIRSTORE_OK && is_held && fhs_call_sees(call, type)) {
            types[count++] = type;
        }
    }
    query->types = types;
    query->type_count = count;
    return status < FHIRSTORE_OK ? status : restrict_types(call, arena, query, env, err);
}

/* Whether nothing that the store holds is hidden from the call, as a whole or in part. */
static fhirstore_status sees_everything(fhs_call *call, bool *yes_out, fhirstore_error **err)
{
    const size_t count = fhs_type_count(call->session->core->fhir);
    fhirstore_status status = FHIRSTORE_OK;
    *yes_out = true;
    for (size_t i = 0; i < count && *yes_out && status >= FHIRSTORE_OK; i++) {
        bool is_held = false;
        status = holds_type(call, (fhs_type)i, &is_held, err);
        if (status >= FHIRSTORE_OK && is_held) {
            const fhs_mask *mask = fhs_sight_mask(call, (fhs_type)i);
            *yes_out = fhs_call_sees(call, (fhs_type)i) &&
                       !fhs_sight_is_partial(call, (fhs_type)i) &&
                       (mask == NULL || mask->hide_count == 0);
        }
    }
    return status;
}

/*
 * How well words fit depends on how often they stand anywhere, also in what is hidden: whoever does
 * not see all is not told, nor given the matches in that order.
 */
static fhirstore_status hide_score(fhs_call *call, fhs_query *query, fhirstore_error **err)
{
    bool yes = true;
    size_t kept = 0;
    if (call->session->who.allow_everything || !query->has_fulltext) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = sees_everything(call, &yes, err);
    if (status < FHIRSTORE_OK || yes) {
        return status;
    }
    query->hides_score = true;
    for (size_t i = 0; i < query->sort_count; i++) {
        if (!query->sort[i].is_score) {
            query->sort[kept++] = query->sort[i];
        }
    }
    query->sort_count = kept;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_find_open(fhs_call *call, const fhs_params *params, bool ready_only,
                               fhs_arena *arena, fhs_query *query, fhs_search_env *env,
                               fhs_search **out, fhirstore_error **err)
{
    *env = fhs_find_env(call, params, ready_only);
    fhirstore_status status = narrow_types(call, arena, query, env, err);
    if (status >= FHIRSTORE_OK) {
        status = hide_score(call, query, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_search_open(call->conn, env, query, out, err);
    }
    return status < FHIRSTORE_OK ? status : fhs_call_seen_well(call, err);
}

fhirstore_status fhs_find_parse(fhs_session *session, const fhs_params *params, fhs_arena *arena,
                                const fhs_place *place, fhs_str text, bool lenient, fhs_query **out,
                                fhirstore_error **err)
{
    const fhs_core *core = session->core;
    const fhs_query_options options = {
        .fhir = fhs_params_fhir(params),
        .base_url = core->base_url,
        .link_base = session->link_base,
        .lenient = lenient,
        .now_us = fhs_core_now(core),
        .default_zone_minutes = core->default_zone_minutes,
        .focus = place->has_focus ? &place->focus : NULL,
        .named = fhs_core_named_queries(session->core),
    };
    return fhs_query_parse(arena, &options, place->type, text, out, err);
}

/* ---- one page, one count, one plan: searches that end within their call ---- */

typedef struct find_work {
    const fhs_place *place;
    fhs_str text;
    bool lenient;
    bool ready_only;
    fhs_buf *out;
    fhs_criteria *criteria; /* NULL: an ordinary search */
    fhirstore_status (*use)(fhs_call *call, struct find_work *work, fhs_search *search,
                            fhirstore_error **err);
} find_work;

static fhirstore_status find_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    find_work *work = ctx;
    fhs_session *session = call->session;
    fhs_params *params = NULL;
    fhs_search_env env;
    fhs_query *query;
    fhs_search *search = NULL;
    fhirstore_status status = FHIRSTORE_OK;
    if (!call->is_nested) {
        status = fhs_words_prepare(call, work->text, err);
    }
    if (!call->is_nested && status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_read(call->conn, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_find_parse(session, params, &session->arena, work->place, work->text,
                                work->lenient, &query, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_criteria_check(work->criteria, query, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_find_open(call, params, work->ready_only, &session->arena, query, &env,
                               &search, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = work->use(call, work, search, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_touched_settle(call, err); /* as the snapshot has it */
    }
    fhs_search_close(search);
    if (!call->is_nested) {
        fhs_conn_end_read(call->conn);
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

static fhirstore_status find(fhs_session *session, find_work *work, int64_t *total_out,
                             fhirstore_error **err)
{
    fhs_call call;
    fhs_buf told = FHS_BUF_INIT(QUERY_TEXT_MAX);
    fhs_place_write_query(work->place, work->text, &told);
    *total_out = -1;
    if (fhs_buf_status(&told) != FHIRSTORE_OK) {
        fhs_buf_clear(&told);
        return fhs_session_refuse(session, FHIRSTORE_ACTION_SEARCH, work->place->type, FHS_STR_NONE,
                                  FHS_STR_NONE, fhs_fail_memory(err));
    }
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_SEARCH, work->place->type, FHS_STR_NONE,
                   fhs_buf_str(&told));
    fhirstore_status status = fhs_call_read(&call, find_run, work, err);
    *total_out = call.total;
    fhs_call_end(&call);
    fhs_buf_clear(&told);
    return status;
}

static fhirstore_status use_page(fhs_call *call, find_work *work, fhs_search *search,
                                 fhirstore_error **err)
{
    fhs_buf path = FHS_BUF_INIT((size_t)1024);
    fhs_place_write_path(call->session->core->fhir, work->place, &path);
    fhs_buf_reset(work->out);
    fhirstore_status status = fhs_buf_status(&path) == FHIRSTORE_OK
                                  ? fhs_search_write_bundle(search, fhs_buf_str(&path), work->out,
                                                            err)
                                  : fhs_fail_memory(err);
    fhs_search_told(search, &call->count, &call->total);
    fhs_buf_clear(&path);
    /* What is included may be of types that nobody has asked about before. */
    return status < FHIRSTORE_OK ? status : fhs_call_seen_well(call, err);
}

fhirstore_status fhs_interact_search_stored(fhs_session *session, const fhs_place *place,
                                            fhs_str query, bool lenient, bool ready_only,
                                            fhs_answer *answer, fhirstore_error **err)
{
    find_work work = {place, query, lenient, ready_only, &answer->body, NULL, use_page};
    int64_t unused;
    answer->status = FHIRSTORE_OK;
    answer->http = fhs_status_http(FHIRSTORE_OK);
    return find(session, &work, &unused, err);
}

fhirstore_status fhs_interact_search_bundle(fhs_session *session, const fhs_place *place,
                                            fhs_str query, bool lenient, bool ready_only,
                                            fhs_answer *answer, fhirstore_error **err)
{
    return fhs_trail_is_open(session, place->type)
               ? fhs_trail_search(session, place, query, lenient, ready_only, answer, err)
               : fhs_interact_search_stored(session, place, query, lenient, ready_only, answer,
                                            err);
}

fhirstore_status fhs_interact_search_in(fhs_call *outer, const fhs_place *place, fhs_str query,
                                        bool lenient, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    fhs_buf told = FHS_BUF_INIT(QUERY_TEXT_MAX);
    find_work work = {.place = place,
                      .text = query,
                      .lenient = lenient,
                      .ready_only = !lenient,
                      .out = &answer->body,
                      .use = use_page};
    answer->status = FHIRSTORE_OK;
    answer->http = fhs_status_http(FHIRSTORE_OK);
    fhs_place_write_query(place, query, &told);
    fhirstore_status status = fhs_buf_status(&told);
    if (status < FHIRSTORE_OK) {
        fhs_buf_clear(&told);
        return fhs_fail_memory(err);
    }
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_SEARCH, place->type, FHS_STR_NONE,
                  fhs_buf_str(&told));
    status = fhs_call_read(&call, find_run, &work, err);
    fhs_call_end(&call);
    fhs_buf_clear(&told);
    return status;
}

static fhirstore_status use_count(fhs_call *call, find_work *work, fhs_search *search,
                                  fhirstore_error **err)
{
    (void)work;
    return fhs_search_count(search, &call->total, err);
}

fhirstore_status fhs_interact_search_total(fhs_session *session, const fhs_place *place,
                                           fhs_str query, int64_t *count_out, fhirstore_error **err)
{
    find_work work = {place, query, false, false, NULL, NULL, use_count};
    fhirstore_status status = find(session, &work, count_out, err);
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

fhirstore_status fhs_interact_search_plan(fhs_session *session, const fhs_place *place,
                                          fhs_str query, fhs_buf *out, fhirstore_error **err)
{
    find_work work = {place, query, false, false, out, NULL, use_plan};
    int64_t unused;
    return find(session, &work, &unused, err);
}

/* ---- criteria of a conditional interaction ---- */

static fhirstore_status use_matches(fhs_call *call, find_work *work, fhs_search *search,
                                    fhirstore_error **err)
{
    fhs_criteria *criteria = work->criteria;
    fhs_version match;
    fhirstore_status status = FHIRSTORE_OK;
    size_t room = criteria->wanted + !criteria->takes_first;
    criteria->ids = fhs_arena_calloc(&call->session->arena, room, sizeof *criteria->ids);
    if (criteria->ids == NULL) {
        return fhs_fail_memory(err);
    }
    while (criteria->count < room &&
           (status = fhs_search_next(search, &match, err)) == FHIRSTORE_OK) {
        fhs_touch(call, &match);
        fhs_str id = fhs_arena_dup(&call->session->arena, match.id);
        if (id.ptr == NULL) {
            return fhs_fail_memory(err);
        }
        criteria->ids[criteria->count++] = id;
    }
    call->count = (int64_t)criteria->count;
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

fhirstore_status fhs_criteria_find(fhs_call *outer, fhs_type type, fhs_criteria *criteria,
                                   fhirstore_error **err)
{
    fhs_call call;
    const fhs_place place = {.type = type};
    find_work work = {
        .place = &place, .text = criteria->text, .criteria = criteria, .use = use_matches};
    if (fhs_criteria_is_empty(criteria)) {
        return fhs_criteria_fail_empty(criteria, err);
    }
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_SEARCH, type, FHS_STR_NONE, criteria->text);
    fhirstore_status status = fhs_call_read(&call, find_run, &work, err);
    fhs_call_end(&call);
    return status;
}

/* ---- the cursor ---- */

struct fhs_search_cursor {
    fhs_call call; /* its audit record counts what was handed out */
    fhs_arena arena;
    fhs_arena scratch; /* of its call: the session's own serves other calls meanwhile */
    fhs_place place;
    fhs_str text;
    fhs_search_env env;
    fhs_query *query;
    fhs_search *search;
    fhs_version match;
    fhs_buf shown;         /* of the match, where something is hidden in it */
    fhirstore_status last; /* what the last step answered: it stays the answer once it is the end */
};

void fhs_search_cursor_close(fhs_search_cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    /* What left since the last event; nothing can be undone any more. */
    if (cursor->search != NULL) {
        fhs_call_hand_out_rest(&cursor->call);
    }
    fhs_search_close(cursor->search);
    if (cursor->call.conn != NULL) {
        fhs_conn_end_read(cursor->call.conn);
    }
    fhs_call_end(&cursor->call);
    fhs_session_drop(cursor->call.session);
    fhs_arena_clear(&cursor->arena);
    fhs_arena_clear(&cursor->scratch);
    fhs_buf_clear(&cursor->shown);
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
        fhs_call_watch(call);
        status = fhs_words_prepare(call, cursor->text, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_read(call->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_params(call, &params, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_find_parse(call->session, params, &cursor->arena, &cursor->place, cursor->text,
                                false, &cursor->query, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_find_open(call, params, false, &cursor->arena, cursor->query, &cursor->env,
                               &cursor->search, err);
    }
    status = fhs_session_verdict(call->session, status, err);
    return status < FHIRSTORE_OK ? fhs_call_refuse(call, status) : FHIRSTORE_OK;
}

/* The cursor's own copies of what it was asked; *told_out: as others see it. */
static fhirstore_status keep_question(fhs_search_cursor *cursor, const fhs_place *place,
                                      fhs_str query, fhs_str *told_out, fhirstore_error **err)
{
    fhs_buf told = FHS_BUF_INIT(QUERY_TEXT_MAX);
    cursor->place = *place;
    cursor->place.focus.id = fhs_arena_dup(&cursor->arena, place->focus.id);
    cursor->text = fhs_arena_dup(&cursor->arena, query);
    fhs_place_write_query(place, query, &told);
    *told_out = fhs_arena_dup(&cursor->arena, fhs_buf_str(&told));
    bool failed = fhs_buf_status(&told) != FHIRSTORE_OK || cursor->place.focus.id.ptr == NULL ||
                  cursor->text.ptr == NULL || told_out->ptr == NULL;
    fhs_buf_clear(&told);
    return failed ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

fhirstore_status fhs_search_cursor_open(fhs_session *session, const fhs_place *place, fhs_str query,
                                        fhs_search_cursor **out, fhirstore_error **err)
{
    fhs_str told;
    fhs_search_cursor *cursor = fhs_calloc(1, sizeof *cursor);
    *out = NULL;
    if (cursor == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_arena_init(&cursor->arena, FHS_LIMIT_RESOURCE_BYTES);
    fhs_arena_init(&cursor->scratch, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&cursor->shown, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = keep_question(cursor, place, query, &told, err);
    fhs_session_hold(session);
    fhs_call_begin(&cursor->call, session, FHIRSTORE_ACTION_SEARCH, place->type, FHS_STR_NONE,
                   told);
    cursor->call.arena = &cursor->scratch;
    if (status >= FHIRSTORE_OK) {
        status = start_cursor(cursor, err);
    }
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
        cursor->call.recorded = cursor->call.count;
        (void)fhs_call_refuse(&cursor->call, status);
    }
    return status;
}

static fhirstore_status show_match(fhs_search_cursor *cursor, fhirstore_error **err)
{
    fhs_call *call = &cursor->call;
    fhs_version *match = &cursor->match;
    const fhs_type type = fhs_catalog_type_back(call->session->core->catalog, match->type);
    if (!fhs_sight_may_mask(call, type, match->body)) {
        return fhs_call_seen_well(call, err);
    }
    fhs_buf_reset(&cursor->shown);
    fhirstore_status status = fhs_sight_show(call, type, match->body, &cursor->shown, err);
    match->body = fhs_buf_str(&cursor->shown);
    return status;
}

fhirstore_status fhs_search_cursor_next(fhs_search_cursor *cursor, fhirstore_error **err)
{
    fhs_call *call = &cursor->call;
    fhirstore_status status = fhs_session_check(call->session, err);
    if (status < FHIRSTORE_OK) {
        return cursor->last == status ? status : end_cursor(cursor, status);
    }
    if (cursor->last != FHIRSTORE_OK) {
        return cursor->last < FHIRSTORE_OK ? fhs_fail_plain(err, cursor->last) : cursor->last;
    }
    if (call->count % FHS_AUDIT_PAGE == 0) {
        status = fhs_touched_settle(call, err); /* while nothing is lent out */
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_session_verdict(call->session,
                                     fhs_search_next(cursor->search, &cursor->match, err), err);
    }
    if (status < FHIRSTORE_OK) {
        return end_cursor(cursor, status);
    }
    fhs_arena_reset(&cursor->scratch);
    if (status == FHIRSTORE_OK) {
        status = show_match(cursor, err);
    }
    if (status < FHIRSTORE_OK) {
        return end_cursor(cursor, status);
    }
    fhirstore_status recorded = status == FHIRSTORE_DONE ? fhs_call_record(call, FHIRSTORE_OK, err)
                                                         : fhs_call_hand_out(call, err);
    if (recorded < FHIRSTORE_OK) {
        return end_cursor(cursor, recorded);
    }
    if (status == FHIRSTORE_DONE) {
        call->recorded = call->count;
        return end_cursor(cursor, status);
    }
    fhs_touch(call, &cursor->match);
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
