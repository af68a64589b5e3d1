/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import: documents one after the other, in transactions of many resources. Each document (each
 * transaction Bundle, each resource) stands or falls for itself: it works inside a savepoint, or
 * is refused before it writes anything.
 */
#include "bulk/bulk.h"

#include "base/mem.h"
#include "base/random.h"
#include "rest/bundle.h"

#define DEFAULT_PER_COMMIT 1000u
/* Tell the progress callback about every so many bytes. */
#define PROGRESS_STEP ((size_t)1 << 20)
/*
 * A transaction Bundle from this size on gets a transaction of its own: a savepoint would keep old
 * pages in memory for as long as it lasts.
 */
#define OWN_TRANSACTION_BYTES ((size_t)4 << 20)

struct fhs_import {
    fhs_session *session;
    fhs_import_options options;
    fhs_call call; /* one write transaction's call, while is_open */
    bool is_open;
    int64_t pending; /* resources since the last commit */
    fhs_arena arena; /* what a Bundle needs beside the session's own */
    fhirstore_import_totals totals;
    const char *name; /* of the document under way */
    uint64_t line;
    size_t document_bytes;
    size_t told; /* offset that the progress callback knows */
    fhs_str document;
    fhs_json_watch watch; /* on a resource that is the whole document */
};

static fhirstore_status tell_progress(void *ctx, size_t offset);

fhirstore_status fhs_import_open(fhs_session *session, const fhs_import_options *options,
                                 fhs_import **out, fhirstore_error **err)
{
    fhs_call call;
    *out = NULL;
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_IMPORT, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_STR_NONE);
    fhirstore_status status = fhs_call_ask(&call, err);
    if (status < FHIRSTORE_OK) {
        (void)fhs_call_refuse(&call, status);
    }
    fhs_call_end(&call);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_import *import = fhs_calloc(1, sizeof *import);
    if (import == NULL) {
        return fhs_fail_memory(err);
    }
    import->session = session;
    fhs_session_hold(session);
    import->options = *options;
    if (import->options.per_commit == 0) {
        import->options.per_commit = DEFAULT_PER_COMMIT;
    }
    fhs_arena_init(&import->arena, SIZE_MAX);
    import->watch = (fhs_json_watch){tell_progress, import};
    *out = import;
    return FHIRSTORE_OK;
}

const fhirstore_import_totals *fhs_import_totals(const fhs_import *import)
{
    return &import->totals;
}

static fhirstore_status open_import_transaction(fhs_import *import, fhirstore_error **err)
{
    fhs_call *call = &import->call;
    if (import->is_open) {
        return FHIRSTORE_OK;
    }
    fhs_call_begin(call, import->session, FHIRSTORE_ACTION_IMPORT, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_STR_NONE);
    fhirstore_status status = fhs_call_ask(call, err);
    if (status >= FHIRSTORE_OK && import->session->core->read_only) {
        status = fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_storage_writer(import->session->core->storage, &call->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_call_watch(call);
        status = fhs_conn_begin_write(call->conn, err);
    }
    if (status < FHIRSTORE_OK) {
        (void)fhs_call_refuse(call, status);
        fhs_call_end(call);
        return status;
    }
    import->is_open = true;
    import->pending = 0;
    return FHIRSTORE_OK;
}

/* @a status is what the transaction failed with; its events are told so. */
static void abandon_transaction(fhs_import *import, fhirstore_status status)
{
    if (!import->is_open) {
        return;
    }
    fhs_conn_rollback(import->call.conn);
    (void)fhs_call_refuse(&import->call, status);
    fhs_call_end(&import->call);
    import->is_open = false;
}

static fhirstore_status commit(fhs_import *import, fhirstore_error **err)
{
    if (!import->is_open) {
        return FHIRSTORE_OK;
    }
    import->call.count = import->pending;
    fhirstore_status status = fhs_call_tell_held(&import->call, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_record(&import->call, FHIRSTORE_OK, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_commit(&import->call, err);
    }
    if (status < FHIRSTORE_OK) {
        abandon_transaction(import, status);
        return status;
    }
    fhs_call_end(&import->call);
    import->is_open = false;
    return FHIRSTORE_OK;
}

/* What the store itself cannot get over ends the import; what a document did only refuses it. */
static bool stops_import(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_NO_MEMORY || status == FHIRSTORE_ERR_CANCELLED ||
           status == FHIRSTORE_ERR_CLOSED || status == FHIRSTORE_ERR_AUDIT_REFUSED ||
           status == FHIRSTORE_ERR_NO_POLICY || status == FHIRSTORE_ERR_SESSION_EXPIRED ||
           status == FHIRSTORE_ERR_INTERNAL || (status <= -200 && status > -400) || status <= -900;
}

static fhirstore_status refuse(fhs_import *import, uint32_t entry, fhirstore_status status,
                               fhirstore_error **reason, fhirstore_error **err)
{
    if (stops_import(status)) {
        if (err != NULL) {
            fhs_error_free(*err);
            *err = *reason;
            *reason = NULL;
        }
        return status;
    }
    import->totals.failed++;
    (void)fhs_session_refuse(import->session, FHIRSTORE_ACTION_IMPORT, FHS_TYPE_NONE, FHS_STR_NONE,
                             FHS_STR_NONE, status);
    if (import->options.refused != NULL) {
        fhirstore_location location = fhs_error_location(*reason);
        uint64_t line = import->line;
        if (location.line > 0) {
            line = line == 0 ? location.line : line + location.line - 1;
        }
        import->options.refused(import->options.ctx, import->name, line,
                                entry == 0 ? location.entry : entry, *reason);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status tell_progress(void *ctx, size_t offset)
{
    fhs_import *import = ctx;
    if (offset < import->told) {
        import->told = 0; /* another pass has begun */
    }
    if (import->options.progress == NULL ||
        (offset < import->told + PROGRESS_STEP && offset < import->document_bytes)) {
        return FHIRSTORE_OK;
    }
    import->told = offset;
    fhirstore_status status = import->options.progress(import->options.ctx, offset,
                                                       import->document_bytes);
    return status == FHIRSTORE_OK ? FHIRSTORE_OK : FHIRSTORE_ERR_CANCELLED;
}

/* Store one resource under its own id, or under a new one when it has none. */
static fhirstore_status store_one(fhs_import *import, fhs_str text, fhirstore_error **err)
{
    static const fhs_condition anything = {0};
    char id[FHS_UUID_LEN + 1];
    fhs_prepared prepared;
    fhs_answer answer;
    fhs_answer_init(&answer);
    import->session->watch = text.ptr == import->document.ptr ? &import->watch : NULL;
    /* First the transaction: beginning its call forgets what is in the session's arena. */
    fhirstore_status status = open_import_transaction(import, err);
    fhs_held_mark mark = fhs_call_mark(&import->call);
    fhs_arena_reset(&import->session->arena);
    if (status >= FHIRSTORE_OK) {
        status = fhs_prepare(import->session, FHS_TYPE_NONE, text, &prepared, err);
    }
    if (status >= FHIRSTORE_OK && prepared.id.len == 0) {
        fhs_uuid_new(id);
        status = fhs_interact_create_in(&import->call, &prepared, fhs_str_of(id, FHS_UUID_LEN),
                                        false, &answer, err);
    } else if (status >= FHIRSTORE_OK) {
        status = fhs_interact_update_in(&import->call, &prepared, prepared.id, &anything, false,
                                        &answer, err);
    }
    if (status >= FHIRSTORE_OK) {
        import->totals.resources += answer.is_changed;
        import->totals.unchanged += !answer.is_changed;
        import->pending++;
    } else if (import->is_open) {
        fhs_call_fail_held(&import->call, mark, status);
    }
    fhs_answer_clear(&answer);
    import->session->watch = NULL;
    return status;
}

static fhirstore_status commit_if_full(fhs_import *import, fhirstore_error **err)
{
    return import->pending >= import->options.per_commit ? commit(import, err) : FHIRSTORE_OK;
}

/* A resource by itself. */
static fhirstore_status add_resource(fhs_import *import, fhs_str text, fhirstore_error **err)
{
    fhirstore_error *reason = NULL;
    fhirstore_status status = store_one(import, text, &reason);
    if (status < FHIRSTORE_OK) {
        status = refuse(import, 0, status, &reason, err);
    } else {
        status = commit_if_full(import, err);
    }
    fhs_error_free(reason);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

/* ---- Bundles ---- */

static fhirstore_status run_planned(fhs_import *import, fhs_bundle *bundle, fhs_links *links,
                                    fhirstore_error **err)
{
    static const fhs_bundle_replies nobody = {NULL, FHS_RETURN_MINIMAL, false};
    const fhs_bundle_watch watch = {tell_progress, import};
    fhs_bundle_counts counts = {0, 0};
    fhirstore_status status = fhs_bundle_execute(&import->call, bundle, links, &nobody, &watch,
                                                 &counts, err);
    if (status >= FHIRSTORE_OK) {
        import->totals.resources += counts.stored;
        import->totals.unchanged += counts.unchanged;
        import->pending += counts.stored + counts.unchanged;
    }
    return status;
}

/* Inside a savepoint of the transaction that is open. */
static fhirstore_status run_in_savepoint(fhs_import *import, fhs_bundle *bundle, fhs_links *links,
                                         fhirstore_error **err)
{
    fhs_held_mark mark = fhs_call_mark(&import->call);
    fhirstore_status status = fhs_conn_savepoint(import->call.conn, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = run_planned(import, bundle, links, err);
    if (status < FHIRSTORE_OK) {
        fhs_conn_savepoint_rollback(import->call.conn);
        fhs_call_fail_held(&import->call, mark, status);
        fhirstore_status restored = fhs_call_restore_params(&import->call, NULL);
        return restored < FHIRSTORE_OK ? fhs_fail_plain(err, restored) : status;
    }
    return fhs_conn_savepoint_release(import->call.conn, err);
}

/* In a transaction of its own; what was pending before is committed first. */
static fhirstore_status run_alone(fhs_import *import, fhs_bundle *bundle, fhs_links *links,
                                  fhirstore_error **err)
{
    fhirstore_status status = commit(import, err);
    if (status >= FHIRSTORE_OK) {
        status = open_import_transaction(import, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = run_planned(import, bundle, links, err);
        if (status < FHIRSTORE_OK) {
            abandon_transaction(import, status);
        }
    }
    return status < FHIRSTORE_OK ? status : commit(import, err);
}

/* A transaction stands or falls as a whole. */
static fhirstore_status execute_transaction(fhs_import *import, fhs_bundle *bundle,
                                            fhirstore_error **err)
{
    fhs_links *links;
    fhs_session *session = import->session;
    const fhs_bundle_watch watch = {tell_progress, import};
    fhs_arena_reset(&import->arena);
    fhirstore_status status = fhs_bundle_plan(session->core, &import->arena, &session->arena,
                                              bundle, &watch, &links, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (import->document_bytes >= OWN_TRANSACTION_BYTES && bundle->kind == FHS_BUNDLE_TRANSACTION) {
        return run_alone(import, bundle, links, err);
    }
    status = open_import_transaction(import, err);
    if (status >= FHIRSTORE_OK) {
        status = run_in_savepoint(import, bundle, links, err);
    }
    return status >= FHIRSTORE_OK ? commit_if_full(import, err) : status;
}

/* Reads in a batch have nobody to answer to. */
static bool is_read_entry(const fhs_bundle_entry *entry)
{
    return fhs_str_eq(entry->method, FHS_LIT("GET")) || fhs_str_eq(entry->method, FHS_LIT("HEAD"));
}

/* An entry that is refused does not keep the others out. */
static fhirstore_status refuse_import_entry(fhs_import *import, size_t index,
                                            fhirstore_status status, fhirstore_error **reason,
                                            fhirstore_error **err)
{
    if (status < FHIRSTORE_OK) {
        status = refuse(import, (uint32_t)index + 1, status, reason, err);
    }
    fhs_error_free(*reason);
    *reason = NULL;
    return status;
}

/* A batch: each entry for itself. */
static fhirstore_status execute_batch(fhs_import *import, const fhs_bundle *bundle,
                                      fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_session *session = import->session;
    for (size_t i = 0; status >= FHIRSTORE_OK && i < bundle->count; i++) {
        fhirstore_error *reason = NULL;
        fhs_bundle_entry entry;
        fhs_bundle one = *bundle;
        one.items = &bundle->items[i];
        one.count = 1;
        one.first = i;
        fhs_arena_reset(&session->arena);
        status = fhs_bundle_entry_at(session->core, bundle, i, &session->arena, &entry, &reason);
        if (status >= FHIRSTORE_OK && !is_read_entry(&entry)) {
            status = execute_transaction(import, &one, &reason);
        }
        status = refuse_import_entry(import, i, status, &reason, err);
    }
    return status;
}

/* "Patient/1" of a history's deletion. */
static fhirstore_status delete_entry(fhs_import *import, const fhs_bundle_entry *entry,
                                     fhirstore_error **err)
{
    static const fhs_condition anything = {0};
    const fhs_core *core = import->session->core;
    fhs_route route;
    fhs_answer answer;
    fhirstore_status status = fhs_route_parse(core->fhir, core->base_url, entry->method, entry->url,
                                              &route, err);
    if (status < FHIRSTORE_OK || route.interaction != FHS_DO_DELETE) {
        return status;
    }
    fhs_answer_init(&answer);
    fhs_held_mark mark = fhs_call_mark(&import->call);
    status = fhs_interact_delete_in(&import->call, route.type, route.id, &anything, &answer, err);
    if (status >= FHIRSTORE_OK) {
        import->totals.resources += answer.is_changed;
        import->totals.unchanged += !answer.is_changed;
        import->pending++;
    } else {
        fhs_call_fail_held(&import->call, mark, status);
    }
    fhs_answer_clear(&answer);
    return status;
}

/* An entry of a searchset or history: a resource, or a deletion, or nothing. */
static fhirstore_status unpack_entry(fhs_import *import, const fhs_bundle *bundle, size_t index,
                                     fhirstore_error **err)
{
    fhs_bundle_entry entry;
    fhirstore_error *reason = NULL;
    fhs_arena *arena = &import->arena;
    fhs_arena_reset(arena);
    fhirstore_status status = fhs_bundle_entry_at(import->session->core, bundle, index, arena,
                                                  &entry, &reason);
    if (status >= FHIRSTORE_OK && entry.resource.ptr != NULL) {
        status = store_one(import, entry.resource, &reason);
        if (status < FHIRSTORE_OK) {
            fhs_bundle_place(bundle->text, entry.resource_offset, &reason);
        }
    } else if (status >= FHIRSTORE_OK && fhs_str_eq(entry.method, FHS_LIT("DELETE"))) {
        status = open_import_transaction(import, &reason);
        if (status >= FHIRSTORE_OK) {
            status = delete_entry(import, &entry, &reason);
        }
    }
    fhs_error_entry(&reason, (uint32_t)index + 1);
    if (status >= FHIRSTORE_OK) {
        status = commit_if_full(import, &reason);
    }
    status = refuse_import_entry(import, index, status, &reason, err);
    return status < FHIRSTORE_OK ? status : tell_progress(import, entry.end);
}

/* A history lists the newest version first; each resource ends as its newest version says. */
static fhirstore_status unpack(fhs_import *import, const fhs_bundle *bundle, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    bool backwards = bundle->kind == FHS_BUNDLE_HISTORY;
    for (size_t i = 0; status >= FHIRSTORE_OK && i < bundle->count; i++) {
        status = unpack_entry(import, bundle, backwards ? bundle->count - 1 - i : i, err);
    }
    return status;
}

static fhirstore_status add_bundle(fhs_import *import, fhs_str text, fhirstore_error **err)
{
    fhs_bundle bundle;
    fhirstore_error *reason = NULL;
    const fhs_session *session = import->session;
    const fhs_bundle_watch watch = {tell_progress, import};
    fhirstore_status status = fhs_bundle_scan(session->core, &import->arena, text, &watch, &bundle,
                                              &reason);
    if (status >= FHIRSTORE_OK && bundle.kind == FHS_BUNDLE_TRANSACTION) {
        status = execute_transaction(import, &bundle, &reason);
    } else if (status >= FHIRSTORE_OK && bundle.kind == FHS_BUNDLE_UNKNOWN) {
        /* Stored as a document it would look imported, and nothing in it would be there. */
        status = fhs_fail(&reason, FHIRSTORE_ERR_BUNDLE, "Bundle.type is none that FHIR defines");
        fhs_error_expression(&reason, FHS_LIT("Bundle.type"));
    }
    if (status < FHIRSTORE_OK) {
        status = refuse(import, 0, status, &reason, err);
    } else if (bundle.kind == FHS_BUNDLE_BATCH) {
        status = execute_batch(import, &bundle, err);
    } else if (bundle.kind == FHS_BUNDLE_SEARCHSET || bundle.kind == FHS_BUNDLE_HISTORY) {
        status = unpack(import, &bundle, err);
    } else if (bundle.kind == FHS_BUNDLE_OTHER) {
        status = add_resource(import, text, err);
    }
    fhs_error_free(reason);
    fhs_bundle_clear(&bundle);
    return status;
}

/* A session that is over is told so, whatever the document would do. */
static fhirstore_status enter_session(fhs_import *import, fhirstore_error **err)
{
    fhirstore_status status = fhs_session_check(import->session, err);
    if (status < FHIRSTORE_OK && !import->is_open) {
        (void)fhs_session_refuse(import->session, FHIRSTORE_ACTION_IMPORT, FHS_TYPE_NONE,
                                 FHS_STR_NONE, FHS_STR_NONE, status);
    }
    return status;
}

fhirstore_status fhs_import_add(fhs_import *import, const char *name, uint64_t line, fhs_str text,
                                fhirstore_error **err)
{
    import->name = name;
    import->line = line;
    import->document = text;
    import->document_bytes = text.len;
    import->told = 0;
    import->totals.documents++;
    import->totals.bytes += (int64_t)text.len;
    fhs_arena_reset(&import->arena);
    fhirstore_status status = enter_session(import, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_bundle_sniff(text) ? add_bundle(import, text, err)
                                        : add_resource(import, text, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = tell_progress(import, text.len);
    }
    status = fhs_session_verdict(import->session, status, err);
    if (status < FHIRSTORE_OK && err != NULL && *err == NULL) {
        (void)fhs_fail_plain(err, status);
    }
    if (status < FHIRSTORE_OK) {
        abandon_transaction(import, status);
    }
    return status;
}

fhirstore_status fhs_import_finish(fhs_import *import, fhirstore_error **err)
{
    fhirstore_status status = enter_session(import, err);
    if (status < FHIRSTORE_OK) {
        abandon_transaction(import, status);
        return status;
    }
    return fhs_session_verdict(import->session, commit(import, err), err);
}

void fhs_import_close(fhs_import *import)
{
    if (import == NULL) {
        return;
    }
    abandon_transaction(import, FHIRSTORE_ERR_CANCELLED);
    fhs_session_drop(import->session);
    fhs_arena_clear(&import->arena);
    fhs_free(import);
}
