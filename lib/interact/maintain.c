/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What new search parameters have not reached and what old ones left behind: the resources of each
 * type concerned are walked in entity order, some in each transaction, which also keeps where the
 * walk stands. A walk that ends makes the type's new parameters ready and its old ones gone.
 */
#include "base/clock.h"
#include "interact/ledger.h"
#include "interact/params.h"
#include "interact/shred.h"
#include "interact/words.h"

#define DEFAULT_STEP 500u
#define NUMBERS_MAX  4096u

typedef struct maintenance {
    fhs_core *core;
    const fhs_maintain_options *options;
    fhs_conn *conn;
    fhs_params *params;
    fhs_arena arena;
    fhs_buf rows;
    int64_t deadline_us; /* 0: none */
    int64_t done;
    int64_t total;
    int64_t words_done; /* changes that went into the full-text index */
    /* the step under way */
    int32_t type;
    fhs_type fhir_type;
    fhs_entity last;
    uint32_t count;
    bool is_cut; /* there are more resources behind `last` */
    fhirstore_error **err;
} maintenance;

/* ---- what there is to do ---- */

typedef struct unready_list {
    int32_t type; /* 0: take the first one's */
    uint32_t numbers[NUMBERS_MAX];
    uint8_t states[NUMBERS_MAX];
    size_t count;
    bool is_stuck; /* one of them stays as it was */
} unready_list;

static bool take_unready(void *ctx, uint32_t number, int32_t type, fhs_param_state state)
{
    unready_list *list = ctx;
    list->type = list->type == 0 ? type : list->type;
    if (type == list->type) {
        list->numbers[list->count] = number;
        list->states[list->count++] = (uint8_t)state;
    }
    return list->count < NUMBERS_MAX;
}

typedef struct work_total {
    fhs_conn *conn;
    int32_t types[1024];
    size_t type_count;
} work_total;

static bool note_type(void *ctx, uint32_t number, int32_t type, fhs_param_state state)
{
    work_total *total = ctx;
    (void)number;
    (void)state;
    for (size_t i = 0; i < total->type_count; i++) {
        if (total->types[i] == type) {
            return true;
        }
    }
    total->types[total->type_count++] = type;
    return total->type_count < FHS_COUNT_OF(total->types);
}

/* How many resources are still to be walked. */
static fhirstore_status count_work(maintenance *work)
{
    fhs_conn *conn = NULL;
    work_total total = {.type_count = 0};
    fhirstore_status status = fhs_storage_reader(work->core->storage, &conn, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_read(conn, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_paramnum_unready(conn, note_type, &total, work->err);
    }
    for (size_t i = 0; i < total.type_count && status >= FHIRSTORE_OK; i++) {
        int64_t count = 0;
        fhs_entity after;
        status = fhs_params_read_cursor(conn, total.types[i], &after, work->err);
        if (status >= FHIRSTORE_OK) {
            status = fhs_resource_count_after(conn, total.types[i], after, &count, work->err);
        }
        work->total += count;
    }
    fhs_conn_release(conn);
    return status;
}

/* ---- one resource ---- */

static bool is_over(const maintenance *work)
{
    return (work->deadline_us != 0 && fhs_clock_monotonic_us() >= work->deadline_us) ||
           (work->options->max_resources != 0 &&
            work->done + work->words_done >= work->options->max_resources);
}

static fhirstore_status index_again(maintenance *work, const fhs_version *version)
{
    fhs_entries entries = {0};
    fhs_version stored;
    fhs_arena_reset(&work->arena);
    fhs_buf_reset(&work->rows);
    fhirstore_status status = fhs_index_extract_body(fhs_params_indexer(work->params),
                                                     work->core->base_url, version->body,
                                                     &work->arena, &entries, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_index_rows(fhs_params_catalog(work->params), work->conn, work->fhir_type,
                                &entries, &work->rows, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_read_rows(work->conn, version->type, version->id, &stored, work->err);
    }
    if (status < FHIRSTORE_OK || fhs_str_eq(stored.rows, fhs_buf_str(&work->rows))) {
        return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
    }
    fhs_str old_rows = fhs_arena_dup(&work->arena, stored.rows);
    if (old_rows.ptr == NULL) {
        return fhs_fail_memory(work->err);
    }
    return fhs_rows_replace(work->conn, version->entity, old_rows, fhs_buf_str(&work->rows),
                            work->err);
}

static fhirstore_status walk_resource(void *ctx, const fhs_version *version)
{
    maintenance *work = ctx;
    uint32_t most = work->options->per_commit == 0 ? DEFAULT_STEP : work->options->per_commit;
    if (work->count >= most || (work->count > 0 && is_over(work))) {
        work->is_cut = true;
        return FHIRSTORE_DONE;
    }
    fhs_entity entity = version->entity;
    fhirstore_status status = index_again(work, version);
    if (status >= FHIRSTORE_OK) {
        work->last = entity;
        work->count++;
        work->done++;
    }
    return status;
}

/* ---- one transaction ---- */

/* A damaged store may take a number's new state and tell the old one: it would never be done. */
static bool is_done_with(void *ctx, uint32_t number, int32_t type, fhs_param_state state)
{
    unready_list *list = ctx;
    (void)type;
    (void)state;
    for (size_t i = 0; i < list->count; i++) {
        list->is_stuck = list->is_stuck || list->numbers[i] == number;
    }
    return !list->is_stuck;
}

static fhirstore_status check_done(maintenance *work, unready_list *list)
{
    fhirstore_status status = fhs_paramnum_unready(work->conn, is_done_with, list, work->err);
    if (status >= FHIRSTORE_OK && list->is_stuck) {
        return fhs_fail(work->err, FHIRSTORE_ERR_CORRUPT,
                        "the state of a search parameter cannot be changed");
    }
    return status;
}

/* The walk over a type is over: what was being built is ready, what was dropped has no rows. */
static fhirstore_status finish_type(maintenance *work, unready_list *list)
{
    fhirstore_status status = fhs_params_set_cursor(work->conn, work->type, 0, work->err);
    for (size_t i = 0; i < list->count && status >= FHIRSTORE_OK; i++) {
        status = list->states[i] == FHS_PARAM_BUILDING
                     ? fhs_paramnum_set_ready(work->conn, list->numbers[i], work->err)
                     : fhs_paramnum_remove(work->conn, list->numbers[i], work->err);
    }
    status = status < FHIRSTORE_OK ? status : check_done(work, list);
    return status < FHIRSTORE_OK ? status : fhs_params_new_generation(work->conn, work->err);
}

static fhirstore_status walk_type(maintenance *work, unready_list *list)
{
    fhs_entity after = 0;
    work->type = list->type;
    work->fhir_type = fhs_catalog_type_back(work->core->catalog, list->type);
    work->count = 0;
    work->is_cut = false;
    fhirstore_status status = fhs_params_read_cursor(work->conn, list->type, &after, work->err);
    work->last = after;
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_each(work->conn, list->type, after, walk_resource, work, work->err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    return work->is_cut ? fhs_params_set_cursor(work->conn, work->type, work->last, work->err)
                        : finish_type(work, list);
}

static fhirstore_status commit_step(maintenance *work)
{
    fhs_params *params = NULL;
    fhirstore_status status = FHIRSTORE_OK;
    if (!work->is_cut) {
        status = fhs_params_load(work->core->own_params, work->conn, &params, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_commit(work->conn, work->err);
    }
    if (status >= FHIRSTORE_OK && params != NULL) {
        fhs_core_set_params(work->core, params);
    }
    fhs_params_drop(params);
    return status;
}

static fhirstore_status do_step(maintenance *work, unready_list *list)
{
    fhirstore_status status = fhs_conn_begin_write(work->conn, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_core_take_params(work->core, work->conn, true, &work->params, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_paramnum_unready(work->conn, take_unready, list, work->err);
    }
    if (status >= FHIRSTORE_OK && list->count > 0) {
        status = walk_type(work, list);
        if (status >= FHIRSTORE_OK) {
            status = commit_step(work);
        }
    }
    fhs_params_drop(work->params);
    work->params = NULL;
    return status;
}

/* One transaction; *more_out false: there was nothing to do. */
static fhirstore_status step(maintenance *work, unready_list *list, bool *more_out)
{
    list->type = 0;
    list->count = 0;
    fhirstore_status status = fhs_storage_writer(work->core->storage, &work->conn, work->err);
    if (status >= FHIRSTORE_OK) {
        status = do_step(work, list);
    }
    fhs_conn_release(work->conn);
    work->conn = NULL;
    *more_out = list->count > 0;
    return status;
}

static fhirstore_status tell(maintenance *work, int64_t done)
{
    if (work->options->progress == NULL) {
        return FHIRSTORE_OK;
    }
    work->total = work->total < done ? done : work->total;
    fhirstore_status status = work->options->progress(work->options->ctx, done, work->total);
    return status == FHIRSTORE_OK ? FHIRSTORE_OK
                                  : fhs_fail_plain(work->err, FHIRSTORE_ERR_CANCELLED);
}

/* Where there is nothing else to do, the words are what is told of. */
static fhirstore_status count_words(maintenance *work, bool *tells_out)
{
    fhs_conn *conn = NULL;
    *tells_out = work->total == 0 && work->done == 0;
    fhirstore_status status = fhs_storage_reader(work->core->storage, &conn, work->err);
    if (status >= FHIRSTORE_OK && *tells_out) {
        status = fhs_words_behind(conn, INT64_MAX, &work->total, work->err);
    }
    fhs_conn_release(conn);
    return status;
}

/* DONE: the full-text index is up to date. */
static fhirstore_status run_words(maintenance *work)
{
    uint32_t most = work->options->per_commit == 0 ? DEFAULT_STEP : work->options->per_commit;
    bool tells;
    fhirstore_status status = count_words(work, &tells);
    while (status >= FHIRSTORE_OK) {
        uint32_t count = 0;
        status = fhs_words_step(work->core, most, &count, work->err);
        work->words_done += count;
        if (status < FHIRSTORE_OK || count == 0) {
            break;
        }
        status = tell(work, work->done + (tells ? work->words_done : 0));
        if (status >= FHIRSTORE_OK && count < most) {
            break;
        }
        if (status >= FHIRSTORE_OK && is_over(work)) {
            return FHIRSTORE_OK;
        }
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_words_tidy(work->core, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        bool is_tidy;
        status = fhs_shred_tidy(work->core, &is_tidy, work->err);
        if (status >= FHIRSTORE_OK && !is_tidy) {
            return FHIRSTORE_OK;
        }
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_DONE;
}

/*
 * DONE: no page is sealed with a data key that was replaced. What the log held from before comes
 * into the file when the first walk empties it, so there is a second one. OK also while a reader
 * keeps the log, and where other processes may hold the file: pages are sealed anew by one alone.
 */
static fhirstore_status run_renewal(maintenance *work)
{
    const int most_walks = 2;
    fhs_storage *storage = work->core->storage;
    fhirstore_status status = FHIRSTORE_OK;
    int walks = 0;
    if (fhs_storage_is_shared(storage) && fhs_storage_is_renewing(storage)) {
        return FHIRSTORE_OK;
    }
    while (status >= FHIRSTORE_OK && fhs_storage_is_renewing(storage)) {
        uint32_t done = 0;
        uint32_t total = 0;
        bool is_ended;
        status = fhs_storage_renew_step(storage, &done, &total, &is_ended, work->err);
        work->total = total;
        status = status < FHIRSTORE_OK ? status : tell(work, done);
        walks += done >= total ? 1 : 0;
        if (status >= FHIRSTORE_OK && !is_ended && (walks == most_walks || is_over(work))) {
            return FHIRSTORE_OK;
        }
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_DONE;
}

static fhirstore_status run_steps(maintenance *work)
{
    unready_list list = {.count = 0};
    bool more = true;
    fhirstore_status status = count_work(work);
    while (status >= FHIRSTORE_OK) {
        status = step(work, &list, &more);
        if (status < FHIRSTORE_OK || !more) {
            break;
        }
        status = tell(work, work->done);
        if (status >= FHIRSTORE_OK && is_over(work)) {
            return FHIRSTORE_OK;
        }
    }
    if (status >= FHIRSTORE_OK) {
        status = run_words(work);
    }
    return status == FHIRSTORE_DONE ? run_renewal(work) : status;
}

fhirstore_status fhs_core_maintain(fhs_core *core, const fhs_maintain_options *options,
                                   fhirstore_error **err)
{
    maintenance work = {.core = core, .options = options, .err = err};
    if (core->read_only) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY);
    }
    if (options->max_ms > 0) {
        work.deadline_us = fhs_clock_monotonic_us() + (int64_t)options->max_ms * 1000;
    }
    /* Records of reads that nobody came to write. */
    fhirstore_status status = fhs_ledger_flush(core, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_arena_init(&work.arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&work.rows, FHS_LIMIT_RESOURCE_BYTES);
    status = run_steps(&work);
    fhs_buf_clear(&work.rows);
    fhs_arena_clear(&work.arena);
    return status;
}
