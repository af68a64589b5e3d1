/* SPDX-License-Identifier: Apache-2.0 */
/* transaction: entries in the specification's order, all or nothing. */
#include "rest/bundle.h"

#include "base/instant.h"
#include "interact/integrity.h"
#include "interact/patch.h"
#include "interact/sight.h"
#include "interact/view.h"
#include "operation/operation.h"
#include "rest/headers.h"

/* http.html#trules: deletes, creates (and other POSTs), updates, then reads. */
typedef enum pass {
    DELETING_PASS,
    CREATING_PASS,
    CHANGING_PASS,
    READING_PASS,
    PASS_COUNT,
} pass;

static pass pass_of(const fhs_bundle_item *item)
{
    switch ((fhs_interaction)item->interaction) {
    case FHS_DO_DELETE:
        return DELETING_PASS;
    case FHS_DO_CREATE:
        return CREATING_PASS;
    case FHS_DO_UPDATE:
    case FHS_DO_PATCH:
        return CHANGING_PASS;
    case FHS_DO_OPERATION:
        return item->is_get ? READING_PASS : CREATING_PASS;
    default:
        return READING_PASS;
    }
}

/*
 * What an entry's answer will be. What a write stored is read once more when the answers are
 * joined, so that a large Bundle is held once; answers of other kinds wait as text.
 */
typedef struct reply_place {
    size_t begin; /* in the text of answers … */
    size_t end;   /* … or 0: made of what follows, and of the item's address */
    int64_t version;
    int64_t updated_us;
    fhirstore_status status;
} reply_place;

typedef struct execution {
    fhs_call *outer;
    fhs_bundle *bundle;
    const fhs_links *links;
    const fhs_bundle_replies *replies;
    const fhs_bundle_watch *watch;
    fhs_bundle_counts *counts;
    fhs_buf texts; /* answers in the order of execution */
    reply_place *places;
    fhs_buf linked; /* the text of an entry whose links were rewritten */
    fhs_answer answer;
} execution;

/* One entry whose turn has come. */
typedef struct turn {
    fhs_bundle_entry entry;
    fhs_route route;
    fhs_str id;
    fhs_aim aim;
    bool is_conditional;
} turn;

int64_t fhs_bundle_instant(fhs_str text)
{
    fhs_date date;
    int64_t lo;
    int64_t hi;
    if (!fhs_date_parse(text, FHS_DATE_FORM_INSTANT, &date)) {
        return 0;
    }
    fhs_date_interval(&date, 0, &lo, &hi);
    return fhs_ticks_to_us(lo);
}

static const char *status_line(const fhs_answer *answer)
{
    switch (answer->http) {
    case 201:
        return "201 Created";
    case 204:
        return "204 No Content";
    case 304:
        return "304 Not Modified";
    default:
        return "200 OK";
    }
}

void fhs_bundle_write_reply(fhs_buf *out, const fhs_core *core, const fhs_answer *answer)
{
    bool failed = answer->status < FHIRSTORE_OK;
    fhs_buf_add_char(out, '{');
    if (answer->body.len > 0 && !answer->is_outcome) {
        fhs_buf_add_cstr(out, "\"resource\":");
        fhs_buf_add_str(out, fhs_buf_str(&answer->body));
        fhs_buf_add_char(out, ',');
    }
    fhs_buf_add_cstr(out, "\"response\":{\"status\":\"");
    if (failed) {
        fhs_buf_add_i64(out, answer->http);
    } else {
        fhs_buf_add_cstr(out, status_line(answer));
    }
    fhs_buf_add_char(out, '"');
    if (answer->version > 0) {
        fhs_str type = fhs_type_name(core->fhir, answer->type);
        fhs_buf_addf(out, ",\"location\":\"%.*s/%s/_history/%lld\",\"etag\":\"W/\\\"%lld\\\"\"",
                     FHS_STR_ARG(type), answer->id, (long long)answer->version,
                     (long long)answer->version);
        fhs_buf_add_cstr(out, ",\"lastModified\":\"");
        fhs_instant_write(answer->updated_us, out);
        fhs_buf_add_char(out, '"');
    }
    if (answer->body.len > 0 && answer->is_outcome) {
        fhs_buf_add_cstr(out, ",\"outcome\":");
        fhs_buf_add_str(out, fhs_buf_str(&answer->body));
    }
    fhs_buf_add_cstr(out, "}}");
}

static fhirstore_status resolve_in_turn(void *ctx, fhs_str reference, fhs_str *to_out,
                                        fhirstore_error **err)
{
    execution *run = ctx;
    return fhs_bundle_resolve_reference(run->outer, run->bundle, reference, to_out, err);
}

/* Read the entry's resource with its links rewritten. */
static fhirstore_status prepare_entry(execution *run, const turn *now, fhs_prepared *out,
                                      fhirstore_error **err)
{
    fhs_session *session = run->outer->session;
    bool changed = false;
    if (now->entry.resource.ptr == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "the entry has no resource");
    }
    fhirstore_status status = fhs_prepare(session, now->route.type, now->entry.resource, out, err);
    if (status < FHIRSTORE_OK) {
        fhs_bundle_place(run->bundle->text, now->entry.resource_offset, err);
        return status;
    }
    if (out->text.len >= FHS_LARGE_BODY_BYTES) {
        /* Links may be anywhere: what was read in pieces is needed whole. */
        status = fhs_json_read(&session->arena, out->text, NULL, &out->root, err);
        if (status < FHIRSTORE_OK) {
            return status;
        }
    }
    const fhs_linked_text resource = {.type = out->type,
                                      .text = out->text,
                                      .root = out->root,
                                      .full_url = now->entry.full_url,
                                      .resolve = resolve_in_turn,
                                      .resolve_ctx = run,
                                      .arena = &session->arena};
    fhs_buf_reset(&run->linked);
    status = fhs_links_rewrite(run->links, session->core->fhir, &resource, &run->linked, &changed,
                               err);
    if (status >= FHIRSTORE_OK && changed) {
        /* Valid before, valid after: a link takes the place of a link. */
        out->text = fhs_buf_str(&run->linked);
    }
    return status;
}

static fhirstore_status read_condition(const execution *run, const turn *now, fhs_condition *out,
                                       fhirstore_error **err)
{
    const fhs_bundle_entry *entry = &now->entry;
    bool is_update = now->route.interaction == FHS_DO_UPDATE;
    fhs_str criteria;
    *out = (fhs_condition){.is_aimed = now->is_conditional,
                           .if_absent = now->aim == FHS_AIM_CHOSEN,
                           .is_hard = now->route.is_hard,
                           .is_fresh_id = now->aim == FHS_AIM_NEW};
    if (is_update && entry->if_none_match.len > 0) {
        if (!fhs_str_eq(entry->if_none_match, FHS_LIT("*"))) {
            return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "an update takes ifNoneMatch: * only");
        }
        out->if_none = true;
    }
    if (now->route.interaction == FHS_DO_DELETE) {
        fhirstore_status status = fhs_integrity_take_cascade(
            run->outer->session->core, &run->outer->session->arena, now->route.query, &criteria,
            &out->cascades, err);
        if (status < FHIRSTORE_OK) {
            return status;
        }
    }
    return entry->if_match.len == 0 ? FHIRSTORE_OK : fhs_if_match_parse(entry->if_match, out, err);
}

/* The entry failed before its own call began: let that call ask and tell all the same. */
static fhirstore_status refuse_turn(execution *run, const turn *now, fhirstore_status status,
                                    fhirstore_error **err)
{
    fhs_call call;
    fhs_call_nest(&call, run->outer,
                  now->route.interaction == FHS_DO_CREATE   ? FHIRSTORE_ACTION_CREATE
                  : now->route.interaction == FHS_DO_UPDATE ? FHIRSTORE_ACTION_UPDATE
                  : now->route.interaction == FHS_DO_PATCH  ? FHIRSTORE_ACTION_PATCH
                  : now->route.is_hard                      ? FHIRSTORE_ACTION_HARD_DELETE
                                                            : FHIRSTORE_ACTION_DELETE,
                  now->route.type, now->id, FHS_STR_NONE);
    fhirstore_status allowed = fhs_call_ask(&call, NULL);
    if (allowed < FHIRSTORE_OK) {
        status = fhs_fail_plain(err, allowed);
    }
    (void)fhs_call_refuse(&call, status);
    fhs_call_end(&call);
    return status;
}

static fhirstore_status delete_entry_of(execution *run, const turn *now,
                                        const fhs_condition *condition, fhirstore_error **err)
{
    if (!now->is_conditional) {
        return fhs_interact_delete_in(run->outer, now->route.type, now->id, condition, &run->answer,
                                      err);
    }
    return fhs_interact_delete_where_in(run->outer, now->route.type, now->route.query, condition,
                                        &run->answer, err);
}

/* Writes that need no resource to be read first; *done_out false: this is none. */
static fhirstore_status change_without_body(execution *run, const turn *now,
                                            const fhs_condition *condition, bool with_body,
                                            bool *done_out, fhirstore_error **err)
{
    *done_out = true;
    if (now->route.interaction == FHS_DO_DELETE) {
        return delete_entry_of(run, now, condition, err);
    }
    if (now->route.interaction == FHS_DO_PATCH && now->entry.resource.ptr != NULL) {
        const fhs_patch_entry patch = {
            now->entry.resource, run->links, {.resolve = resolve_in_turn, .resolve_ctx = run}};
        return fhs_interact_patch_in(run->outer, now->route.type, now->id, &patch, condition,
                                     with_body, &run->answer, err);
    }
    if (now->route.interaction == FHS_DO_CREATE && now->aim == FHS_AIM_FOUND) {
        return fhs_interact_found_in(run->outer, now->route.type, now->id, with_body, &run->answer,
                                     err);
    }
    *done_out = false;
    return FHIRSTORE_OK;
}

static fhirstore_status change_entry(execution *run, const turn *now, fhirstore_error **err)
{
    fhs_prepared prepared;
    fhs_condition condition;
    bool is_done = false;
    const bool with_body = false; /* join_replies() brings it */
    fhirstore_status status = read_condition(run, now, &condition, err);
    if (status >= FHIRSTORE_OK) {
        status = change_without_body(run, now, &condition, with_body, &is_done, err);
    }
    if (is_done) {
        return status;
    }
    if (status >= FHIRSTORE_OK) {
        status = prepare_entry(run, now, &prepared, err);
    }
    if (status < FHIRSTORE_OK) {
        return refuse_turn(run, now, status, err);
    }
    if (now->route.interaction == FHS_DO_CREATE) {
        return fhs_interact_create_in(run->outer, &prepared, now->id, with_body, &run->answer, err);
    }
    return fhs_interact_update_in(run->outer, &prepared, now->id, &condition, with_body,
                                  &run->answer, err);
}

/* Of a read, what _summary and _elements ask for. */
static fhirstore_status read_in_part(execution *run, const turn *now, const fhs_unless *unless,
                                     fhirstore_error **err)
{
    const fhs_core *core = run->outer->session->core;
    fhs_view view;
    fhirstore_status status = fhs_view_parse(core, &run->outer->session->arena, now->route.query,
                                             &view, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_interact_read_in(run->outer, now->route.type, now->id, now->route.version,
                                      now->route.version == 0 ? unless : NULL, &run->answer, err);
    }
    return status < FHIRSTORE_OK ? status : fhs_view_cut(core, &view, &run->answer.body, err);
}

static fhirstore_status read_entry_of(execution *run, const turn *now, fhirstore_error **err)
{
    const fhs_bundle_entry *entry = &now->entry;
    const fhs_unless unless = {.tags = entry->if_none_match,
                               .modified_since_us = fhs_bundle_instant(entry->if_modified_since)};
    fhirstore_status status;
    if (now->route.interaction == FHS_DO_SEARCH) {
        status = now->route.form_search
                     ? fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED,
                                "a search in a transaction is a GET")
                     : fhs_interact_search_in(run->outer, &now->route.place, now->route.query,
                                              !run->replies->is_strict, &run->answer, err);
    } else if (now->route.interaction == FHS_DO_HISTORY) {
        status = fhs_interact_history_in(run->outer, now->route.type, now->route.id,
                                         now->route.query, !run->replies->is_strict, &run->answer,
                                         err);
    } else if (now->route.interaction == FHS_DO_CAPABILITIES) {
        status = fhs_capabilities_in(run->outer, now->route.query, unless.tags, &run->answer, err);
    } else if (entry->if_modified_since.len > 0 && unless.modified_since_us == 0) {
        status = fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "ifModifiedSince is an instant");
    } else {
        status = read_in_part(run, now, &unless, err);
    }
    if (now->route.is_head) {
        fhs_buf_reset(&run->answer.body);
    }
    return status;
}

/* Look at the entry once more: what it says and where it goes was found good when it was planned.
 */
static fhirstore_status take_turn(execution *run, const fhs_bundle_item *item, turn *out,
                                  fhirstore_error **err)
{
    const fhs_core *core = run->outer->session->core;
    fhs_arena *arena = &run->outer->session->arena;
    size_t index = (size_t)(item - run->bundle->items);
    fhs_arena_reset(arena);
    fhirstore_status status = fhs_bundle_entry_at(core, run->bundle, index, arena, &out->entry,
                                                  err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_route_parse(core->fhir, core->base_url, out->entry.method, out->entry.url,
                                 &out->route, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_route_take_switches(arena, &out->route, err);
    }
    if (status >= FHIRSTORE_OK && (item->is_conditional || pass_of(item) == READING_PASS) &&
        out->route.query.len > 0) {
        out->route.query = fhs_bundle_link_query(arena, run->links, out->route.query);
        status = out->route.query.ptr == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    if (status >= FHIRSTORE_OK) {
        size_t slash = fhs_str_find_char(item->address, '/', 0);
        out->id = item->address.len > 0 ? fhs_str_from(item->address, slash + 1) : out->route.id;
        out->aim = (fhs_aim)item->aim;
        out->is_conditional = item->is_conditional;
    }
    return status;
}

static fhirstore_status run_operation_entry(execution *run, const turn *now, fhirstore_error **err)
{
    const fhs_str body = now->entry.resource;
    fhs_operation_ask ask = {.route = &now->route, .body = body.ptr == NULL ? FHS_LIT("") : body};
    fhirstore_status status = read_condition(run, now, &ask.condition, err);
    return status < FHIRSTORE_OK ? status
                                 : fhs_operation_run_in(run->outer, &ask, &run->answer, err);
}

static fhirstore_status execute_entry(execution *run, const fhs_bundle_item *item,
                                      fhirstore_error **err)
{
    turn now;
    fhs_answer_clear(&run->answer);
    fhs_answer_init(&run->answer);
    fhirstore_status status = take_turn(run, item, &now, err);
    const bool is_operation = item->interaction == FHS_DO_OPERATION;
    if (status >= FHIRSTORE_OK && is_operation) {
        status = run_operation_entry(run, &now, err);
    } else if (status >= FHIRSTORE_OK && pass_of(item) != READING_PASS) {
        status = change_entry(run, &now, err);
        run->counts->stored += run->answer.is_changed;
        run->counts->unchanged += !run->answer.is_changed;
        if (run->replies->wanted == FHS_RETURN_OUTCOME) {
            fhs_error_write_outcome(NULL, &run->answer.body);
            run->answer.is_outcome = true;
        }
    } else if (status >= FHIRSTORE_OK) {
        status = read_entry_of(run, &now, err);
    }
    return status < FHIRSTORE_OK ? status : fhs_bundle_tell(run->watch, now.entry.end, err);
}

/* What is not to be read again from the store is told at once: deletions, reads, operations. */
static void keep_reply(execution *run, const fhs_bundle_item *item, reply_place *place)
{
    const fhs_answer *answer = &run->answer;
    if (item->interaction == FHS_DO_CREATE || item->interaction == FHS_DO_UPDATE ||
        item->interaction == FHS_DO_PATCH) {
        *place = (reply_place){
            .version = answer->version, .updated_us = answer->updated_us, .status = answer->status};
        return;
    }
    place->begin = run->texts.len;
    fhs_bundle_write_reply(&run->texts, run->outer->session->core, answer);
    place->end = run->texts.len;
}

static fhirstore_status execute_pass(execution *run, pass now, fhirstore_error **err)
{
    const fhs_bundle *bundle = run->bundle;
    for (size_t i = 0; i < bundle->count; i++) {
        if (pass_of(&bundle->items[i]) != now) {
            continue;
        }
        run->outer->entry = (uint32_t)(bundle->first + i + 1);
        fhirstore_status status = execute_entry(run, &bundle->items[i], err);
        if (status < FHIRSTORE_OK) {
            fhs_error_entry(err, (uint32_t)(bundle->first + i + 1));
            return status;
        }
        if (run->replies->out != NULL) {
            keep_reply(run, &bundle->items[i], &run->places[i]);
        }
    }
    return FHIRSTORE_OK;
}

/* As the decision about the write has it, which was announced and is recorded already. */
static fhirstore_status show_kept(execution *run, const fhs_bundle_item *item, fhs_type type,
                                  fhs_version *version, fhirstore_error **err)
{
    fhs_call call;
    const int32_t action = item->interaction == FHS_DO_CREATE  ? FHIRSTORE_ACTION_CREATE
                           : item->interaction == FHS_DO_PATCH ? FHIRSTORE_ACTION_PATCH
                                                               : FHIRSTORE_ACTION_UPDATE;
    fhs_call_nest(&call, run->outer, action, type, version->id, FHS_STR_NONE);
    call.is_announced = true;
    fhirstore_status status = fhs_call_ask(&call, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_take_body(&call, type, version, &run->answer.body, err);
    }
    fhs_call_end(&call);
    return status;
}

/* The answer of a write, with what it left in the store: nobody has changed that since. */
static fhirstore_status write_kept(execution *run, const fhs_bundle_item *item,
                                   const reply_place *place, fhirstore_error **err)
{
    const fhs_core *core = run->outer->session->core;
    size_t slash = fhs_str_find_char(item->address, '/', 0);
    fhs_type type = fhs_type_find(core->fhir, fhs_str_of(item->address.ptr, slash));
    fhs_str id = fhs_str_from(item->address, slash + 1);
    fhirstore_status status = FHIRSTORE_OK;
    fhs_answer *answer = &run->answer;
    fhs_version version = {.id = id, .version = place->version, .updated_us = place->updated_us};
    fhs_answer_clear(answer);
    fhs_answer_init(answer);
    fhs_answer_describe(answer, type, &version);
    answer->status = place->status;
    answer->http = fhs_status_http(place->status);
    if (run->replies->wanted == FHS_RETURN_REPRESENTATION) {
        status = fhs_resource_read(run->outer->conn, fhs_catalog_type(core->catalog, type), id,
                                   &version, err);
        if (status >= FHIRSTORE_OK) {
            status = show_kept(run, item, type, &version, err);
        }
    } else if (run->replies->wanted == FHS_RETURN_OUTCOME) {
        fhs_error_write_outcome(NULL, &answer->body);
        answer->is_outcome = true;
    }
    fhs_bundle_write_reply(run->replies->out, core, answer);
    return status;
}

/* The answers, in the order of the entries. */
static fhirstore_status join_replies(execution *run, fhirstore_error **err)
{
    fhs_buf *out = run->replies->out;
    fhirstore_status status = fhs_buf_status(&run->texts);
    if (status < FHIRSTORE_OK) {
        return fhs_fail_plain(err, status);
    }
    for (size_t i = 0; status >= FHIRSTORE_OK && i < run->bundle->count; i++) {
        const reply_place *place = &run->places[i];
        if (i > 0) {
            fhs_buf_add_char(out, ',');
        }
        if (place->end == 0) {
            status = write_kept(run, &run->bundle->items[i], place, err);
        } else {
            fhs_buf_add(out, run->texts.ptr + place->begin, place->end - place->begin);
        }
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_buf_status(out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

fhirstore_status fhs_bundle_execute(fhs_call *outer, fhs_bundle *bundle, fhs_links *links,
                                    const fhs_bundle_replies *replies,
                                    const fhs_bundle_watch *watch, fhs_bundle_counts *counts,
                                    fhirstore_error **err)
{
    execution run = {.outer = outer,
                     .bundle = bundle,
                     .links = links,
                     .replies = replies,
                     .watch = watch,
                     .counts = counts,
                     .texts = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES),
                     .linked = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES)};
    fhirstore_status status = FHIRSTORE_OK;
    fhs_arena arena;
    fhs_arena_init(&arena, SIZE_MAX);
    fhs_answer_init(&run.answer);
    if (replies->out != NULL) {
        run.places = fhs_arena_calloc(&arena, bundle->count + 1, sizeof *run.places);
        status = run.places == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_bundle_resolve(outer, bundle, links, err);
    }
    for (int i = 0; status >= FHIRSTORE_OK && i < PASS_COUNT; i++) {
        status = execute_pass(&run, (pass)i, err);
    }
    outer->entry = 0;
    if (status >= FHIRSTORE_OK && replies->out != NULL) {
        status = join_replies(&run, err);
    }
    fhs_buf_clear(&run.texts);
    fhs_buf_clear(&run.linked);
    fhs_answer_clear(&run.answer);
    fhs_arena_clear(&arena);
    return status;
}

/* ---- as a call of its own ---- */

typedef struct transaction_work {
    fhs_bundle *bundle;
    fhs_links *links;
    const fhs_preferences *preferences;
    fhs_answer *answer;
} transaction_work;

static fhirstore_status transaction_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    transaction_work *work = ctx;
    fhs_bundle_counts counts = {0, 0};
    fhs_buf *out = &work->answer->body;
    const fhs_bundle_replies replies = {out, work->preferences->wanted, work->preferences->strict};
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Bundle\",\"type\":\"transaction-response\"");
    if (work->bundle->count > 0) {
        fhs_buf_add_cstr(out, ",\"entry\":[");
    }
    fhirstore_status status = fhs_bundle_execute(call, work->bundle, work->links, &replies, NULL,
                                                 &counts, err);
    fhs_buf_add_cstr(out, work->bundle->count > 0 ? "]}" : "}");
    call->count = counts.stored + counts.unchanged;
    work->answer->status = FHIRSTORE_OK;
    work->answer->http = fhs_status_http(FHIRSTORE_OK);
    return status;
}

static fhirstore_status run_transaction(fhs_call *call, fhs_bundle *bundle,
                                        const fhs_preferences *preferences, fhs_answer *answer,
                                        fhirstore_error **err)
{
    fhs_arena arena;
    transaction_work work = {bundle, NULL, preferences, answer};
    fhs_links *links;
    fhs_arena_init(&arena, SIZE_MAX);
    fhirstore_status status = fhs_bundle_plan(call->session->core, &arena, &call->session->arena,
                                              bundle, NULL, &links, err);
    if (status < FHIRSTORE_OK) {
        (void)fhs_call_refuse(call, status);
    } else {
        work.links = links;
        status = fhs_call_write(call, transaction_run, &work, err);
    }
    fhs_arena_clear(&arena);
    return status;
}

/* The call stands for the Bundle as a whole from the first byte on, so that a refusal is recorded.
 */
static fhirstore_status scan_as_call(fhs_call *call, fhs_str text, fhs_bundle *bundle,
                                     fhirstore_error **err)
{
    fhs_session *session = call->session;
    fhirstore_status status = fhs_bundle_scan(session->core, &session->arena, text, NULL, bundle,
                                              err);
    call->action = bundle->kind == FHS_BUNDLE_BATCH ? FHIRSTORE_ACTION_BATCH
                                                    : FHIRSTORE_ACTION_TRANSACTION;
    fhirstore_status allowed = fhs_call_ask(call, status < FHIRSTORE_OK ? NULL : err);
    if (allowed < FHIRSTORE_OK) {
        return status < FHIRSTORE_OK ? fhs_fail_plain(err, allowed) : allowed;
    }
    if (status >= FHIRSTORE_OK && bundle->kind != FHS_BUNDLE_BATCH &&
        bundle->kind != FHS_BUNDLE_TRANSACTION) {
        status = fhs_fail(err, FHIRSTORE_ERR_BUNDLE,
                          "only Bundles of type batch or transaction can be executed");
        fhs_error_expression(err, FHS_LIT("Bundle.type"));
    }
    return status;
}

fhirstore_status fhs_bundle_run(fhs_session *session, fhs_str text,
                                const fhs_preferences *preferences, fhs_answer *answer,
                                fhirstore_error **err)
{
    fhs_call call;
    fhs_bundle bundle;
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_TRANSACTION, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_STR_NONE);
    fhirstore_status status = scan_as_call(&call, text, &bundle, err);
    bool is_batch = bundle.kind == FHS_BUNDLE_BATCH;
    if (status < FHIRSTORE_OK) {
        (void)fhs_call_refuse(&call, status);
    } else if (!is_batch) {
        status = run_transaction(&call, &bundle, preferences, answer, err);
    } else {
        status = fhs_call_record(&call, FHIRSTORE_OK, err);
        if (status < FHIRSTORE_OK) {
            (void)fhs_call_refuse(&call, status);
        }
    }
    fhs_call_end(&call);
    if (status >= FHIRSTORE_OK && is_batch) {
        status = fhs_bundle_run_batch(session, &bundle, preferences, answer, err);
    }
    fhs_bundle_clear(&bundle);
    return status;
}
