/* SPDX-License-Identifier: Apache-2.0 */
/* batch and transaction: entries in the specification's order, on the same core as single requests.
 */
#include "interact/bundle.h"

#include "base/instant.h"
#include "interact/interact.h"

/* http.html#trules: deletes, creates, updates, then reads. */
static const fhs_interaction processing_order[][2] = {
    {FHS_DO_DELETE, FHS_DO_DELETE},
    {FHS_DO_CREATE, FHS_DO_CREATE},
    {FHS_DO_UPDATE, FHS_DO_UPDATE},
    {FHS_DO_READ, FHS_DO_VREAD},
};

/* What an entry answered, as text kept until all have answered. */
typedef struct entry_answer {
    size_t begin;
    size_t end;
} entry_answer;

typedef struct execution {
    fhs_call *outer;
    const fhs_bundle *bundle;
    const fhs_links *links;
    fhs_buf linked; /* the text of an entry whose links were rewritten */
    fhs_answer answer;
    int64_t stored;
    int64_t unchanged;
} execution;

static void write_response(fhs_buf *out, const fhs_core *core, const fhs_answer *answer)
{
    static const char *const reasons[] = {"200 OK", "201 Created", "204 No Content"};
    const char *line = answer->http == 201   ? reasons[1]
                       : answer->http == 204 ? reasons[2]
                                             : reasons[0];
    fhs_buf_add_char(out, '{');
    if (answer->body.len > 0) {
        fhs_buf_add_cstr(out, "\"resource\":");
        fhs_buf_add_str(out, fhs_buf_str(&answer->body));
        fhs_buf_add_char(out, ',');
    }
    fhs_buf_addf(out, "\"response\":{\"status\":\"%s\"", line);
    if (answer->version > 0) {
        fhs_str type = fhs_type_name(core->fhir, answer->type);
        fhs_buf_addf(out, ",\"location\":\"%.*s/%s/_history/%lld\",\"etag\":\"W/\\\"%lld\\\"\"",
                     FHS_STR_ARG(type), answer->id, (long long)answer->version,
                     (long long)answer->version);
        fhs_buf_add_cstr(out, ",\"lastModified\":\"");
        fhs_instant_write(answer->updated_us, out);
        fhs_buf_add_char(out, '"');
    }
    fhs_buf_add_cstr(out, "}}");
}

/* Read the entry's resource with its links rewritten. */
static fhirstore_status prepare_entry(execution *run, const fhs_bundle_entry *entry,
                                      fhs_prepared *out, fhirstore_error **err)
{
    fhs_session *session = run->outer->session;
    const fhs_core *core = session->core;
    bool changed = false;
    if (entry->resource.ptr == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "the entry has no resource");
    }
    fhirstore_status status = fhs_prepare(session, entry->route.type, entry->resource, out, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_buf_reset(&run->linked);
    status = fhs_links_rewrite(run->links, core->fhir, out->type, out->text, out->root,
                               &run->linked, &changed, err);
    if (status < FHIRSTORE_OK || !changed) {
        return status;
    }
    /* Valid before, valid after: a link takes the place of a link. Only the tree is read again. */
    out->text = fhs_buf_str(&run->linked);
    return fhs_json_read(&session->arena, out->text, NULL, &out->root, err);
}

static fhirstore_status read_condition(const fhs_bundle_entry *entry, fhs_condition *out,
                                       fhirstore_error **err)
{
    *out = (fhs_condition){0};
    if (entry->if_none_exist.len > 0) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "conditional create is not supported");
    }
    if (entry->if_match.len == 0) {
        return FHIRSTORE_OK;
    }
    /* As it stands in JSON: "W/\"1\"". */
    uint64_t version = 0;
    fhs_str tag = entry->if_match;
    if (!fhs_str_starts_with(tag, FHS_LIT("\"W/\\\"")) ||
        !fhs_str_ends_with(tag, FHS_LIT("\\\"\"")) || tag.len < 9 ||
        !fhs_str_to_u64(fhs_str_of(tag.ptr + 5, tag.len - 8), INT64_MAX, &version) ||
        version == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "ifMatch has the form W/\"1\"");
    }
    out->if_version = (int64_t)version;
    return FHIRSTORE_OK;
}

static fhirstore_status change_entry(execution *run, const fhs_bundle_entry *entry,
                                     fhirstore_error **err)
{
    fhs_prepared prepared;
    fhs_condition condition;
    fhirstore_status status = read_condition(entry, &condition, err);
    if (status >= FHIRSTORE_OK && entry->route.interaction == FHS_DO_DELETE) {
        return fhs_interact_delete_in(run->outer, entry->route.type, entry->id, &condition,
                                      &run->answer, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = prepare_entry(run, entry, &prepared, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (entry->route.interaction == FHS_DO_CREATE) {
        return fhs_interact_create_in(run->outer, &prepared, entry->id, false, &run->answer, err);
    }
    return fhs_interact_update_in(run->outer, &prepared, entry->id, &condition, false, &run->answer,
                                  err);
}

static fhirstore_status execute_entry(execution *run, const fhs_bundle_entry *entry,
                                      fhirstore_error **err)
{
    fhirstore_status status;
    fhs_arena_reset(&run->outer->session->arena);
    fhs_answer_clear(&run->answer);
    fhs_answer_init(&run->answer);
    switch (entry->route.interaction) {
    case FHS_DO_CREATE:
    case FHS_DO_UPDATE:
    case FHS_DO_DELETE:
        status = change_entry(run, entry, err);
        run->stored += run->answer.is_new_version;
        run->unchanged += !run->answer.is_new_version;
        return status;
    case FHS_DO_READ:
        return fhs_interact_read_in(run->outer, entry->route.type, entry->id, &run->answer, err);
    default:
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE,
                        "this interaction cannot stand in a transaction");
    }
}

static bool is_in_pass(fhs_interaction interaction, size_t pass)
{
    return interaction == processing_order[pass][0] || interaction == processing_order[pass][1];
}

/* Positions in an entry's resource become positions in the Bundle. */
static void place_error(const fhs_bundle *bundle, size_t index, fhirstore_error **err)
{
    fhs_error_entry(err, (uint32_t)index + 1);
    if (err == NULL || *err == NULL) {
        return;
    }
    fhirstore_location location = fhs_error_location(*err);
    if (location.line > 0) {
        uint32_t line;
        uint32_t column;
        size_t offset = bundle->entries[index].resource_offset + (size_t)location.offset;
        fhs_json_position(bundle->text, offset, &line, &column);
        fhs_error_at(err, offset, line, column);
    }
}

static fhirstore_status execute_pass(execution *run, size_t pass, fhs_buf *texts,
                                     entry_answer *answers, fhs_bundle_progress_fn progress,
                                     void *ctx, fhirstore_error **err)
{
    const fhs_bundle *bundle = run->bundle;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < bundle->count; i++) {
        const fhs_bundle_entry *entry = &bundle->entries[i];
        if (!is_in_pass(entry->route.interaction, pass)) {
            continue;
        }
        status = execute_entry(run, entry, err);
        if (status < FHIRSTORE_OK) {
            place_error(bundle, i, err);
            return status;
        }
        if (texts != NULL) {
            answers[i].begin = texts->len;
            write_response(texts, run->outer->session->core, &run->answer);
            answers[i].end = texts->len;
        }
        if (progress != NULL) {
            status = progress(ctx, (size_t)(entry->text.ptr - bundle->text.ptr) + entry->text.len);
            if (status < FHIRSTORE_OK) {
                return fhs_fail_plain(err, status);
            }
        }
    }
    return FHIRSTORE_OK;
}

/* What no pass takes (history, search, capabilities) is refused before anything is written. */
static fhirstore_status check_entries(const fhs_bundle *bundle, fhirstore_error **err)
{
    for (size_t i = 0; i < bundle->count; i++) {
        bool known = false;
        for (size_t pass = 0; pass < FHS_COUNT_OF(processing_order); pass++) {
            known = known || is_in_pass(bundle->entries[i].route.interaction, pass);
        }
        if (!known) {
            fhirstore_status status = fhs_fail(
                err, FHIRSTORE_ERR_NOT_SUPPORTED,
                "a transaction holds create, read, update and delete, nothing else");
            fhs_error_entry(err, (uint32_t)i + 1);
            return status;
        }
    }
    return FHIRSTORE_OK;
}

static void join_responses(fhs_buf *out, const fhs_buf *texts, const entry_answer *answers,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            fhs_buf_add_char(out, ',');
        }
        fhs_buf_add(out, texts->ptr + answers[i].begin, answers[i].end - answers[i].begin);
    }
}

fhirstore_status fhs_bundle_execute(fhs_call *outer, const fhs_bundle *bundle,
                                    const fhs_links *links, fhs_buf *responses, int64_t *stored_out,
                                    int64_t *unchanged_out, fhs_bundle_progress_fn progress,
                                    void *ctx, fhirstore_error **err)
{
    execution run = {.outer = outer, .bundle = bundle, .links = links};
    fhs_buf texts = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_arena arena;
    fhs_arena_init(&arena, SIZE_MAX);
    entry_answer *answers = fhs_arena_calloc(&arena, bundle->count, sizeof *answers);
    fhs_buf_init(&run.linked, FHS_LIMIT_RESOURCE_BYTES);
    fhs_answer_init(&run.answer);
    fhirstore_status status = answers == NULL ? fhs_fail_memory(err) : check_entries(bundle, err);
    for (size_t pass = 0; status >= FHIRSTORE_OK && pass < FHS_COUNT_OF(processing_order); pass++) {
        status = execute_pass(&run, pass, responses == NULL ? NULL : &texts, answers, progress, ctx,
                              err);
    }
    if (status >= FHIRSTORE_OK && responses != NULL) {
        join_responses(responses, &texts, answers, bundle->count);
        status = fhs_buf_status(&texts) < FHIRSTORE_OK ? fhs_fail_plain(err, fhs_buf_status(&texts))
                                                       : status;
    }
    *stored_out = run.stored;
    *unchanged_out = run.unchanged;
    fhs_buf_clear(&texts);
    fhs_buf_clear(&run.linked);
    fhs_answer_clear(&run.answer);
    fhs_arena_clear(&arena);
    return status;
}

typedef struct transaction_work {
    const fhs_bundle *bundle;
    const fhs_links *links;
    fhs_answer *answer;
} transaction_work;

static fhirstore_status transaction_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    transaction_work *work = ctx;
    int64_t unchanged;
    fhs_buf *out = &work->answer->body;
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Bundle\",\"type\":\"transaction-response\"");
    if (work->bundle->count > 0) {
        fhs_buf_add_cstr(out, ",\"entry\":[");
    }
    fhirstore_status status = fhs_bundle_execute(call, work->bundle, work->links, out, &call->count,
                                                 &unchanged, NULL, NULL, err);
    if (work->bundle->count > 0) {
        fhs_buf_add_char(out, ']');
    }
    fhs_buf_add_char(out, '}');
    return status;
}

static fhirstore_status run_transaction(fhs_session *session, fhs_arena *arena, fhs_bundle *bundle,
                                        fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    fhs_links *links;
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_TRANSACTION, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_STR_NONE);
    fhirstore_status status = fhs_call_ask(&call, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_bundle_plan(session->core, arena, bundle, &links, err);
    }
    if (status < FHIRSTORE_OK) {
        (void)fhs_call_refuse(&call, status);
    } else {
        transaction_work work = {bundle, links, answer};
        status = fhs_call_write(&call, transaction_run, &work, err);
    }
    fhs_call_end(&call);
    answer->status = FHIRSTORE_OK;
    answer->http = fhs_status_http(FHIRSTORE_OK);
    return status;
}

/* An entry of a batch is a request of its own. */
static fhirstore_status run_batch_entry(fhs_session *session, const fhs_bundle_entry *entry,
                                        fhs_buf *out, fhirstore_error **err)
{
    fhs_answer answer;
    fhs_arena arena;
    fhs_header headers[3];
    size_t count = 0;
    fhs_arena_init(&arena, FHS_LIMIT_URL_BYTES);
    const struct {
        fhs_str name;
        fhs_str value; /* JSON */
    } tags[] = {{FHS_LIT("If-Match"), entry->if_match},
                {FHS_LIT("If-None-Match"), entry->if_none_match}};
    for (size_t i = 0; i < FHS_COUNT_OF(tags); i++) {
        const fhs_json *tag;
        if (tags[i].value.len > 0 &&
            fhs_json_read(&arena, tags[i].value, NULL, &tag, NULL) == FHIRSTORE_OK &&
            tag->type == FHS_JSON_STRING) {
            headers[count++] = (fhs_header){tags[i].name, tag->text};
        }
    }
    if (entry->if_none_exist.len > 0) {
        headers[count++] = (fhs_header){FHS_LIT("If-None-Exist"), entry->if_none_exist};
    }
    const fhs_request request = {entry->method, entry->url, headers, count, entry->resource};
    fhs_answer_init(&answer);
    fhirstore_status status = fhs_request_run(session, &request, &answer, err);
    if (status >= FHIRSTORE_OK && answer.status < FHIRSTORE_OK) {
        fhs_buf_addf(out, "{\"response\":{\"status\":\"%d\",\"outcome\":", (int)answer.http);
        fhs_buf_add_str(out, fhs_buf_str(&answer.body));
        fhs_buf_add_cstr(out, "}}");
    } else if (status >= FHIRSTORE_OK) {
        write_response(out, session->core, &answer);
    }
    fhs_answer_clear(&answer);
    fhs_arena_clear(&arena);
    return status;
}

static fhirstore_status run_batch(fhs_session *session, const fhs_bundle *bundle,
                                  fhs_answer *answer, fhirstore_error **err)
{
    fhs_buf *out = &answer->body;
    fhs_call call;
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_BATCH, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_STR_NONE);
    fhirstore_status status = fhs_call_ask(&call, err);
    status = status < FHIRSTORE_OK ? fhs_call_refuse(&call, status)
                                   : fhs_call_record(&call, status, err);
    fhs_call_end(&call);
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\"");
    for (size_t i = 0; status >= FHIRSTORE_OK && i < bundle->count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? ",\"entry\":[" : ",");
        status = run_batch_entry(session, &bundle->entries[i], out, err);
    }
    fhs_buf_add_cstr(out, bundle->count > 0 ? "]}" : "}");
    answer->status = FHIRSTORE_OK;
    answer->http = fhs_status_http(FHIRSTORE_OK);
    return status;
}

fhirstore_status fhs_bundle_run(fhs_session *session, fhs_str text, fhs_answer *answer,
                                fhirstore_error **err)
{
    fhs_bundle bundle;
    fhs_arena arena;
    fhs_arena_init(&arena, SIZE_MAX);
    fhirstore_status status = fhs_bundle_scan(&arena, text, &bundle, err);
    if (status >= FHIRSTORE_OK) {
        if (fhs_str_eq(bundle.type, FHS_LIT("transaction"))) {
            status = run_transaction(session, &arena, &bundle, answer, err);
        } else if (fhs_str_eq(bundle.type, FHS_LIT("batch"))) {
            status = run_batch(session, &bundle, answer, err);
        } else {
            status = fhs_fail(err, FHIRSTORE_ERR_BUNDLE,
                              "only Bundles of type batch or transaction can be executed");
        }
    }
    fhs_arena_clear(&arena);
    return status;
}
