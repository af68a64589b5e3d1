/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import: documents one after the other, in transactions of many resources. Each document (each
 * transaction Bundle, each resource) stands or falls for itself: it works inside a savepoint, or
 * is refused before it writes anything.
 */
#include "bulk/bulk.h"

#include "base/mem.h"
#include "base/random.h"
#include "interact/bundle.h"

#define DEFAULT_PER_COMMIT 1000u
/* Tell the progress callback about every so many bytes. */
#define PROGRESS_STEP ((size_t)1 << 20)

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
};

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
    *out = import;
    return FHIRSTORE_OK;
}

const fhirstore_import_totals *fhs_import_totals(const fhs_import *import)
{
    return &import->totals;
}

static fhirstore_status open_transaction(fhs_import *import, fhirstore_error **err)
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
    fhirstore_status status = fhs_call_record(&import->call, FHIRSTORE_OK, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_commit(import->call.conn, err);
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
           status == FHIRSTORE_ERR_NO_POLICY || (status <= -200 && status > -400) || status <= -900;
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
    /* First the transaction: beginning its call forgets what is in the session's arena. */
    fhirstore_status status = open_transaction(import, err);
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
        import->totals.resources += answer.is_new_version;
        import->totals.unchanged += !answer.is_new_version;
        import->pending++;
    }
    fhs_answer_clear(&answer);
    return status;
}

static fhirstore_status commit_if_full(fhs_import *import, fhirstore_error **err)
{
    return import->pending >= import->options.per_commit ? commit(import, err) : FHIRSTORE_OK;
}

/* A resource by itself, or an entry of a Bundle that is unpacked. */
static fhirstore_status add_resource(fhs_import *import, fhs_str text, uint32_t entry,
                                     fhirstore_error **err)
{
    fhirstore_error *reason = NULL;
    fhirstore_status status = store_one(import, text, &reason);
    if (status < FHIRSTORE_OK) {
        status = refuse(import, entry, status, &reason, err);
    } else {
        status = commit_if_full(import, err);
    }
    fhs_error_free(reason);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

/* A transaction stands or falls as a whole: inside a savepoint of the import's own transaction. */
static fhirstore_status execute_transaction(fhs_import *import, fhs_bundle *bundle,
                                            fhirstore_error **err)
{
    fhs_links *links;
    int64_t stored = 0;
    int64_t unchanged = 0;
    fhirstore_status status = fhs_bundle_plan(import->session->core, &import->arena, bundle, &links,
                                              err);
    if (status >= FHIRSTORE_OK) {
        status = open_transaction(import, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_savepoint(import->call.conn, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_bundle_execute(&import->call, bundle, links, NULL, &stored, &unchanged,
                                tell_progress, import, err);
    if (status < FHIRSTORE_OK) {
        fhs_conn_savepoint_rollback(import->call.conn);
        return status;
    }
    status = fhs_conn_savepoint_release(import->call.conn, err);
    if (status >= FHIRSTORE_OK) {
        import->totals.resources += stored;
        import->totals.unchanged += unchanged;
        import->pending += stored + unchanged;
        status = commit_if_full(import, err);
    }
    return status;
}

/* A read has nobody to answer to here. */
static bool is_read(const fhs_bundle_entry *entry)
{
    return fhs_str_eq(entry->method, FHS_LIT("GET")) || fhs_str_eq(entry->method, FHS_LIT("HEAD"));
}

/* A batch: each entry for itself. */
static fhirstore_status execute_batch(fhs_import *import, const fhs_bundle *bundle,
                                      fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; status >= FHIRSTORE_OK && i < bundle->count; i++) {
        fhirstore_error *reason = NULL;
        fhs_bundle one = {bundle->text, bundle->type, &bundle->entries[i], 1};
        if (is_read(&bundle->entries[i])) {
            continue;
        }
        fhirstore_status done = execute_transaction(import, &one, &reason);
        if (done < FHIRSTORE_OK) {
            status = refuse(import, (uint32_t)i + 1, done, &reason, err);
        }
        fhs_error_free(reason);
    }
    return status;
}

static fhirstore_status unpack(fhs_import *import, const fhs_bundle *bundle, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; status >= FHIRSTORE_OK && i < bundle->count; i++) {
        const fhs_bundle_entry *entry = &bundle->entries[i];
        if (entry->resource.ptr == NULL) {
            continue; /* a deletion in a history */
        }
        status = add_resource(import, entry->resource, (uint32_t)i + 1, err);
        if (status >= FHIRSTORE_OK) {
            status = tell_progress(import, entry->resource_offset + entry->resource.len);
        }
    }
    return status;
}

/* A history lists the newest version first; each resource goes in as its newest version says. */
static void reverse_entries(fhs_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count / 2; i++) {
        fhs_bundle_entry swapped = bundle->entries[i];
        bundle->entries[i] = bundle->entries[bundle->count - 1 - i];
        bundle->entries[bundle->count - 1 - i] = swapped;
    }
}

static fhirstore_status add_bundle(fhs_import *import, fhs_str text, fhs_str type,
                                   fhirstore_error **err)
{
    fhs_bundle bundle;
    fhirstore_error *reason = NULL;
    fhirstore_status status = fhs_bundle_scan(&import->arena, text, &bundle, &reason);
    bool is_whole = true; /* a failure is the whole document's */
    if (status >= FHIRSTORE_OK && fhs_str_eq(type, FHS_LIT("transaction"))) {
        status = execute_transaction(import, &bundle, &reason);
    } else if (status >= FHIRSTORE_OK) {
        is_whole = false;
        if (fhs_str_eq(type, FHS_LIT("batch"))) {
            status = execute_batch(import, &bundle, err);
        } else {
            if (fhs_str_eq(type, FHS_LIT("history"))) {
                reverse_entries(&bundle);
            }
            status = unpack(import, &bundle, err);
        }
    }
    if (status < FHIRSTORE_OK && is_whole) {
        status = refuse(import, 0, status, &reason, err);
    }
    fhs_error_free(reason);
    return status;
}

static bool is_executed_or_unpacked(fhs_str type)
{
    return fhs_str_eq(type, FHS_LIT("transaction")) || fhs_str_eq(type, FHS_LIT("batch")) ||
           fhs_str_eq(type, FHS_LIT("searchset")) || fhs_str_eq(type, FHS_LIT("history"));
}

fhirstore_status fhs_import_add(fhs_import *import, const char *name, uint64_t line, fhs_str text,
                                fhirstore_error **err)
{
    fhs_str type;
    import->name = name;
    import->line = line;
    import->document_bytes = text.len;
    import->told = 0;
    import->totals.documents++;
    import->totals.bytes += (int64_t)text.len;
    fhs_arena_reset(&import->arena);
    bool is_bundle = fhs_bundle_sniff(text, &type) && is_executed_or_unpacked(type);
    fhirstore_status status = is_bundle ? add_bundle(import, text, type, err)
                                        : add_resource(import, text, 0, err);
    if (status >= FHIRSTORE_OK) {
        status = tell_progress(import, text.len);
        if (status < FHIRSTORE_OK) {
            (void)fhs_fail_plain(err, status);
        }
    }
    if (status < FHIRSTORE_OK) {
        abandon_transaction(import, status);
    }
    return status;
}

fhirstore_status fhs_import_finish(fhs_import *import, fhirstore_error **err)
{
    return commit(import, err);
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
