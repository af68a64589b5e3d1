/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repair: verify says what is wrong, and what of it can be made anew from what is stored beside it
 * is, in one transaction that is recorded like any other write. Bodies, the change log, the chain
 * and the journal are never touched: what is wrong with them stays, and is told at the end.
 */
#include <stdio.h>
#include <string.h>

#include "index/fulltext.h"
#include "interact/interact.h"
#include "interact/params.h"
#include "storage/fulltext.h"

#define REPAIR_STEP 500u

typedef struct repair_work {
    fhs_core *core;
    fhs_conn *conn;
    fhs_params *params;
    fhs_finding_fn report;
    void *ctx;
    unsigned mends;
    unsigned done;
    bool is_chain_bad; /* ids and bodies are not what they were: names cannot go by them */
    int64_t resources; /* whose rows were made anew */
    int64_t unread;    /* whose body cannot be read: their rows stay */
    fhs_arena arena;
    fhs_buf rows;
    fhirstore_error **err;
} repair_work;

static void tell_repair(const repair_work *work, const char *area, const char *text)
{
    if (work->report != NULL) {
        work->report(work->ctx, area, text);
    }
}

/* ---- before and after ---- */

static void note_before_repair(void *ctx, const char *area, const char *text)
{
    repair_work *work = ctx;
    work->is_chain_bad |= strcmp(area, "chain") == 0;
    tell_repair(work, area, text);
}

static void note_after_repair(void *ctx, const char *area, const char *text)
{
    char line[320];
    if (strcmp(area, "notice") != 0) {
        (void)snprintf(line, sizeof line, "%s: %s", area, text);
        tell_repair(ctx, "left", line);
    }
}

/* ---- rows ---- */

/* The rows of the body, or, where that cannot be read, those that are stored. */
static fhirstore_status take_rows_again(repair_work *work, const fhs_version *version)
{
    fhs_entries entries = {0};
    fhs_type type = fhs_catalog_type_back(work->core->catalog, version->type);
    fhs_arena_reset(&work->arena);
    fhs_buf_reset(&work->rows);
    if (version->is_shredded) { /* nothing opens its body: what stands there stays */
        return fhs_entity_rows(work->conn, version->entity, &work->rows, work->err);
    }
    fhirstore_status status = fhs_index_extract_body(fhs_params_indexer(work->params),
                                                     work->core->base_url, version->body,
                                                     &work->arena, &entries, NULL);
    if (status >= FHIRSTORE_OK) {
        work->resources++;
        return fhs_index_rows(fhs_params_catalog(work->params), work->conn, type, &entries,
                              &work->rows, work->err);
    }
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        return fhs_fail_memory(work->err);
    }
    work->unread++;
    return fhs_entity_rows(work->conn, version->entity, &work->rows, work->err);
}

static fhirstore_status mend_resource_rows(void *ctx, const fhs_version *version)
{
    repair_work *work = ctx;
    fhirstore_status status = take_rows_again(work, version);
    return status < FHIRSTORE_OK ? status
                                 : fhs_rows_replace(work->conn, version->entity, FHS_STR_NONE,
                                                    fhs_buf_str(&work->rows), work->err);
}

static fhirstore_status mend_rows(repair_work *work)
{
    fhirstore_status status = fhs_storage_mend(work->conn, FHS_MEND_ROWS, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_core_take_params(work->core, work->conn, true, &work->params, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_each(work->conn, 0, 0, mend_resource_rows, work, work->err);
    }
    fhs_params_drop(work->params);
    work->params = NULL;
    return status;
}

static fhirstore_status mend_words(repair_work *work)
{
    uint32_t count = REPAIR_STEP;
    fhirstore_status status = fhs_fulltext_clear(work->conn, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_fulltext_set_state(work->conn, 0, 0, work->err);
    }
    while (status >= FHIRSTORE_OK && count == REPAIR_STEP) {
        status = fhs_fulltext_step(work->conn, REPAIR_STEP, &count, work->err);
    }
    return status;
}

/* ---- the transaction ---- */

static fhirstore_status mend_one(repair_work *work, unsigned which)
{
    switch (which) {
    case FHS_MEND_ROWS:
        return mend_rows(work);
    case FHS_MEND_WORDS:
        return mend_words(work);
    default:
        return fhs_storage_mend(work->conn, which, work->err);
    }
}

/* Each for itself: what damage keeps from being mended does not keep the rest. */
static fhirstore_status try_to_mend(repair_work *work, unsigned which)
{
    fhirstore_status status = fhs_conn_savepoint(work->conn, work->err);
    if (status >= FHIRSTORE_OK) {
        status = mend_one(work, which);
        if (status >= FHIRSTORE_OK) {
            work->done |= which;
            return fhs_conn_savepoint_release(work->conn, work->err);
        }
        fhs_conn_savepoint_rollback(work->conn);
    }
    bool is_damage = status == FHIRSTORE_ERR_CORRUPT || status == FHIRSTORE_ERR_TAMPERED ||
                     status == FHIRSTORE_ERR_TRUNCATED;
    if (is_damage && work->err != NULL) {
        fhs_error_free(*work->err);
        *work->err = NULL;
    }
    return is_damage ? FHIRSTORE_OK : status;
}

static fhirstore_status run_repair(fhs_call *call, void *ctx, fhirstore_error **err)
{
    static const unsigned order[] = {FHS_MEND_SCHEMA, FHS_MEND_STRUCTURE, FHS_MEND_NAMES,
                                     FHS_MEND_LISTS,  FHS_MEND_ROWS,      FHS_MEND_WORDS};
    repair_work *work = ctx;
    fhirstore_status status = FHIRSTORE_OK;
    work->conn = call->conn;
    work->err = err;
    for (size_t i = 0; i < FHS_COUNT_OF(order) && status >= FHIRSTORE_OK; i++) {
        bool may = order[i] != FHS_MEND_NAMES || !work->is_chain_bad;
        if ((work->mends & order[i]) != 0 && may) {
            status = try_to_mend(work, order[i]);
        }
    }
    call->count = work->resources;
    return status;
}

/* Outside of a transaction: what lies beside the pages that SQLite knows of. */
static fhirstore_status mend_file(repair_work *work, fhirstore_error **err)
{
    fhs_storage *storage = work->core->storage;
    fhirstore_status status = FHIRSTORE_OK;
    if ((work->mends & FHS_MEND_HEADER) != 0) {
        status = fhs_storage_mend_header(storage, err);
        work->done |= status >= FHIRSTORE_OK ? FHS_MEND_HEADER : 0;
    }
    /* Where the copy in force was lost, the one before knows a sum that only holds with its log. */
    if ((work->mends & (FHS_MEND_LOG | FHS_MEND_HEADER)) != 0 && status >= FHIRSTORE_OK &&
        fhs_storage_checkpoint(storage, NULL) >= FHIRSTORE_OK) {
        work->done |= work->mends & FHS_MEND_LOG;
    }
    return status;
}

static void tell_repairs(const repair_work *work)
{
    static const struct {
        unsigned mend;
        const char *text;
    } texts[] = {
        {FHS_MEND_HEADER, "both copies of the header were written anew"},
        {FHS_MEND_LOG, "the log was written back into the file, and ended"},
        {FHS_MEND_SCHEMA, "tables that were missing were made anew"},
        {FHS_MEND_STRUCTURE, "SQLite's own indexes were made anew"},
        {FHS_MEND_NAMES, "names and the next number were made anew from the resources"},
        {FHS_MEND_LISTS, "lists of resources and versions were made anew from the change log"},
        {FHS_MEND_WORDS, "the full-text index was made anew from the resources"},
    };
    char line[160];
    for (size_t i = 0; i < FHS_COUNT_OF(texts); i++) {
        if ((work->done & texts[i].mend) != 0) {
            tell_repair(work, "repaired", texts[i].text);
        }
    }
    if ((work->done & FHS_MEND_ROWS) != 0) {
        (void)snprintf(line, sizeof line,
                       "the index rows of %lld resources were made anew from their bodies",
                       (long long)work->resources);
        tell_repair(work, "repaired", line);
    }
    if (work->unread > 0) {
        (void)snprintf(line, sizeof line,
                       "%lld bodies cannot be read: their index rows were left as they were",
                       (long long)work->unread);
        tell_repair(work, "notice", line);
    }
}

static fhirstore_status mend_all(fhs_call *call, repair_work *work, fhirstore_error **err)
{
    fhs_examined found = {0};
    fhirstore_status status = fhs_core_examine(work->core, note_before_repair, work, &found, err);
    if (status < FHIRSTORE_OK) {
        return fhs_call_refuse(call, status);
    }
    work->mends = found.mends;
    status = fhs_call_write(call, run_repair, work, err);
    return status;
}

static fhirstore_status check_may_repair(const fhs_core *core, fhirstore_error **err)
{
    if (core->read_only) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY);
    }
    if (core->multi_process) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED,
                        "a store is repaired by one process alone");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status look_again(repair_work *work, int64_t *left_out, fhirstore_error **err)
{
    fhs_examined left = {0};
    fhirstore_status status = fhs_core_examine(work->core, note_after_repair, work, &left, err);
    *left_out = left.findings;
    if (status >= FHIRSTORE_OK && left.findings > 0) {
        return fhs_fail(err, FHIRSTORE_ERR_CORRUPT,
                        "%lld findings are left that nothing in the store can mend",
                        (long long)left.findings);
    }
    return status;
}

fhirstore_status fhs_interact_repair(fhs_session *session, fhs_finding_fn report, void *ctx,
                                     int64_t *left_out, fhirstore_error **err)
{
    fhs_call call;
    repair_work work = {.core = session->core, .report = report, .ctx = ctx};
    *left_out = 0;
    fhirstore_status status = check_may_repair(session->core, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_arena_init(&work.arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&work.rows, FHS_LIMIT_RESOURCE_BYTES);
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_REINDEX, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_LIT("repair"));
    status = fhs_call_ask(&call, err);
    status = status < FHIRSTORE_OK ? fhs_call_refuse(&call, status) : mend_all(&call, &work, err);
    fhs_call_end(&call);
    if (status >= FHIRSTORE_OK) {
        status = mend_file(&work, err);
        tell_repairs(&work);
    }
    if (status >= FHIRSTORE_OK) {
        status = look_again(&work, left_out, err);
    }
    fhs_buf_clear(&work.rows);
    fhs_arena_clear(&work.arena);
    return status;
}
