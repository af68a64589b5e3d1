/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections are taken from the store and given back; between, they carry at most one transaction.
 *
 * A write transaction keeps beside SQLite's own: the counters (next entity, last sequence), the
 * names it has interned and the index rows it has not written yet. Each savepoint remembers where
 * all three stood (fhs_level), so that rolling back returns to exactly that.
 */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "storage/chain.h"
#include "storage/patient_internal.h"
#include "storage/storage_internal.h"

#define DEFAULT_READERS         8u
#define DEFAULT_BUSY_TIMEOUT_MS 5000

static const fhs_str meta_next_entity = FHS_LIT_INIT("next_entity");
static const fhs_str meta_last_seq = FHS_LIT_INIT("last_seq");
static const fhs_str meta_last_time = FHS_LIT_INIT("last_time");

/* ---- the pool ---- */

static struct timespec busy_deadline(const fhs_storage *storage)
{
    int32_t timeout = storage->options.busy_timeout_ms;
    timeout = timeout < 0 ? 0 : timeout == 0 ? DEFAULT_BUSY_TIMEOUT_MS : timeout;
    struct timespec deadline = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeout / 1000;
    deadline.tv_nsec += (timeout % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_nsec -= 1000000000;
        deadline.tv_sec++;
    }
    return deadline;
}

static fhirstore_status open_reader(fhs_storage *storage, fhs_conn **conn_out,
                                    fhirstore_error **err)
{
    fhirstore_status status = fhs_conn_new(storage, false, false, conn_out, err);
    if (status != FHIRSTORE_OK) {
        (void)pthread_mutex_lock(&storage->mutex);
        storage->reader_count--;
        (void)pthread_cond_broadcast(&storage->changed);
        (void)pthread_mutex_unlock(&storage->mutex);
    }
    return status;
}

fhirstore_status fhs_storage_reader(fhs_storage *storage, fhs_conn **conn_out,
                                    fhirstore_error **err)
{
    uint32_t max = storage->options.max_readers == 0 ? DEFAULT_READERS
                                                     : storage->options.max_readers;
    struct timespec deadline = {0, 0};
    *conn_out = NULL;
    (void)pthread_mutex_lock(&storage->mutex);
    while (storage->idle == NULL && storage->reader_count >= max && !storage->is_shut) {
        if (deadline.tv_sec == 0) {
            deadline = busy_deadline(storage);
        }
        if (pthread_cond_timedwait(&storage->changed, &storage->mutex, &deadline) == ETIMEDOUT &&
            storage->idle == NULL && storage->reader_count >= max) {
            (void)pthread_mutex_unlock(&storage->mutex);
            return fhs_fail(err, FHIRSTORE_ERR_BUSY, "all reader connections are in use");
        }
    }
    if (storage->is_shut) {
        (void)pthread_mutex_unlock(&storage->mutex);
        return fhs_fail_plain(err, FHIRSTORE_ERR_CLOSED);
    }
    if (storage->is_suspended) {
        (void)pthread_mutex_unlock(&storage->mutex);
        fhirstore_status woken = fhs_storage_wake(storage, err);
        return woken == FHIRSTORE_OK ? fhs_storage_reader(storage, conn_out, err) : woken;
    }
    fhs_conn *conn = storage->idle;
    const uint32_t numbering = storage->numbering;
    if (conn != NULL) {
        storage->idle = conn->next;
        conn->next = NULL;
    } else {
        storage->reader_count++;
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    if (conn != NULL && conn->numbering != numbering) {
        fhs_name_cache_clear(&conn->names);
        fhs_name_cache_clear(&conn->entities);
        conn->numbering = numbering;
    }
    if (conn == NULL) {
        return open_reader(storage, conn_out, err);
    }
    fhs_patient_catch_up(conn);
    *conn_out = conn;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_storage_writer(fhs_storage *storage, fhs_conn **conn_out,
                                    fhirstore_error **err)
{
    *conn_out = NULL;
    if (storage->options.read_only) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY);
    }
    struct timespec deadline = {0, 0};
    (void)pthread_mutex_lock(&storage->mutex);
    while (storage->writer_taken) {
        if (deadline.tv_sec == 0) {
            deadline = busy_deadline(storage);
        }
        if (pthread_cond_timedwait(&storage->changed, &storage->mutex, &deadline) == ETIMEDOUT &&
            storage->writer_taken) {
            (void)pthread_mutex_unlock(&storage->mutex);
            return fhs_fail(err, FHIRSTORE_ERR_BUSY, "another writer is at work");
        }
    }
    if (storage->is_shut) {
        (void)pthread_mutex_unlock(&storage->mutex);
        return fhs_fail_plain(err, FHIRSTORE_ERR_CLOSED);
    }
    if (storage->is_suspended) {
        (void)pthread_mutex_unlock(&storage->mutex);
        fhirstore_status woken = fhs_storage_wake(storage, err);
        return woken == FHIRSTORE_OK ? fhs_storage_writer(storage, conn_out, err) : woken;
    }
    storage->writer_taken = true;
    (void)pthread_mutex_unlock(&storage->mutex);
    fhs_patient_catch_up(storage->writer);
    *conn_out = storage->writer;
    return FHIRSTORE_OK;
}

fhs_conn *fhs_storage_try_writer(fhs_storage *storage)
{
    fhs_conn *conn = NULL;
    (void)pthread_mutex_lock(&storage->mutex);
    if (!storage->options.read_only && !storage->writer_taken && !storage->is_shut &&
        !storage->is_suspended) {
        storage->writer_taken = true;
        conn = storage->writer;
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    if (conn != NULL) {
        fhs_patient_catch_up(conn);
    }
    return conn;
}

void fhs_conn_release(fhs_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    if (conn->in_write) {
        fhs_conn_rollback(conn);
    }
    fhs_conn_end_read(conn);
    atomic_store(&conn->cancelled, false);
    fhs_conn_watch(conn, NULL, NULL);
    fhs_storage *storage = conn->storage;
    (void)pthread_mutex_lock(&storage->mutex);
    if (conn->is_writer) {
        storage->writer_taken = false;
    } else {
        conn->next = storage->idle;
        storage->idle = conn;
    }
    (void)pthread_cond_broadcast(&storage->changed);
    (void)pthread_mutex_unlock(&storage->mutex);
}

void fhs_conn_interrupt(fhs_conn *conn)
{
    atomic_store(&conn->cancelled, true);
    sqlite3_interrupt(conn->db);
}

/* Steps of SQLite's machine: about a millisecond. */
#define STEPS_BETWEEN_ASKING 20000

static int ask_to_go_on(void *ctx)
{
    fhs_conn *conn = ctx;
    conn->stopped = conn->ask(conn->ask_ctx);
    return conn->stopped != FHIRSTORE_OK;
}

void fhs_conn_watch(fhs_conn *conn, fhirstore_status (*ask)(void *ctx), void *ctx)
{
    conn->ask = ask;
    conn->ask_ctx = ctx;
    sqlite3_progress_handler(conn->db, ask == NULL ? 0 : STEPS_BETWEEN_ASKING,
                             ask == NULL ? NULL : ask_to_go_on, conn);
}

void fhs_conn_drop_row(fhs_conn *conn)
{
    if (conn->row != NULL) {
        (void)sqlite3_reset(conn->row);
        conn->row = NULL;
    }
    if (FHS_UNLIKELY(conn->large.ptr != NULL)) {
        fhs_buf_clear(&conn->large);
    }
}

/* Run one of the statements that steer transactions. */
static fhirstore_status steer(fhs_conn *conn, fhs_sql which, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, which, &stmt, err);
    return status == FHIRSTORE_OK ? fhs_core_run(conn, stmt, err) : status;
}

/*
 * A transaction that could not be undone for want of memory is still open in SQLite, though nobody
 * is in it any more: it is undone before another begins.
 */
static fhirstore_status begin_anew(fhs_conn *conn, fhs_sql which, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (FHS_UNLIKELY(sqlite3_get_autocommit(conn->db) == 0)) {
        status = steer(conn, FHS_SQL_ROLLBACK, err);
    }
    return status == FHIRSTORE_OK ? steer(conn, which, err) : status;
}

/* ---- reading ---- */

fhirstore_status fhs_conn_begin_read(fhs_conn *conn, fhirstore_error **err)
{
    fhs_conn_drop_row(conn);
    if (conn->in_write || conn->in_read) {
        return fhs_fail(err, FHIRSTORE_ERR_INTERNAL, "a transaction is open already");
    }
    fhs_patient_catch_up(conn);
    fhirstore_status status = begin_anew(conn, FHS_SQL_BEGIN_READ, err);
    conn->in_read = status == FHIRSTORE_OK;
    return status;
}

void fhs_conn_end_read(fhs_conn *conn)
{
    fhs_conn_drop_row(conn);
    fhs_scratch_free(conn->scratch);
    conn->scratch = NULL;
    if (conn->in_read) {
        conn->in_read = false;
        if (sqlite3_get_autocommit(conn->db) == 0) {
            (void)steer(conn, FHS_SQL_ROLLBACK, NULL);
        }
    }
}

bool fhs_conn_is_writer(const fhs_conn *conn)
{
    return conn->is_writer;
}

bool fhs_conn_is_writing(const fhs_conn *conn)
{
    return conn->in_write;
}

fhirstore_status fhs_conn_allow_scratch(fhs_conn *conn, fhirstore_error **err)
{
    if (conn->in_write || conn->scratch != NULL) {
        return FHIRSTORE_OK;
    }
    conn->scratch = fhs_scratch_new();
    return conn->scratch == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

/* ---- writing ---- */

static fhirstore_status read_counter(fhs_conn *conn, fhs_str name, int64_t *value_out,
                                     fhirstore_error **err)
{
    bool found;
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_META_GET, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_bind_str(stmt, 1, name);
    return fhs_core_int(conn, stmt, value_out, &found, err);
}

static fhirstore_status write_counter(fhs_conn *conn, fhs_str name, int64_t value,
                                      fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_META_SET, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_bind_str(stmt, 1, name);
    (void)sqlite3_bind_int64(stmt, 2, value);
    return fhs_core_run(conn, stmt, err);
}

/* Where the file stands: at the first transaction, and at each one when others may write too. */
static fhirstore_status load_counters(fhs_conn *conn, fhirstore_error **err)
{
    fhs_counters counters = {.next_entity = 1};
    fhirstore_status status = read_counter(conn, meta_next_entity, &counters.next_entity, err);
    if (status == FHIRSTORE_OK) {
        status = read_counter(conn, meta_last_time, &counters.last_time_us, err);
    }
    if (status == FHIRSTORE_OK) {
        status = read_counter(conn, meta_last_seq, &counters.last_seq, err);
    }
    sqlite3_stmt *stmt = NULL;
    if (status == FHIRSTORE_OK) {
        status = fhs_core(conn, FHS_SQL_LAST_VERSION, &stmt, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        int64_t stamped = sqlite3_column_int64(stmt, 1);
        int64_t seq = sqlite3_column_int64(stmt, 0);
        counters.last_seq = seq > counters.last_seq ? seq : counters.last_seq;
        counters.last_time_us = stamped > counters.last_time_us ? stamped : counters.last_time_us;
    }
    status = fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    if (status == FHIRSTORE_OK) {
        status = fhs_chain_load(conn, &counters, err);
    }
    if (counters.next_entity < 1) {
        counters.next_entity = 1;
    }
    conn->saved = counters;
    conn->counters_known = status == FHIRSTORE_OK && !conn->storage->options.multi_process;
    return status;
}

static fhs_level level_now(const fhs_conn *conn)
{
    return (fhs_level){fhs_name_cache_mark(&conn->names), fhs_name_cache_mark(&conn->entities),
                       conn->counters, fhs_pending_get_mark(&conn->pending)};
}

static void return_to_level(fhs_conn *conn, const fhs_level *level)
{
    fhs_name_cache_drop(&conn->names, level->names);
    fhs_name_cache_drop(&conn->entities, level->entities);
    conn->counters = level->counters;
    fhs_pending_drop(&conn->pending, level->pending);
    fhs_patient_forget(conn);
}

static int64_t stamp_now(const fhs_conn *conn)
{
    const fhs_storage_options *options = &conn->storage->options;
    int64_t now = options->now_us != NULL ? options->now_us(options->now_ctx) : fhs_clock_now_us();
    return now > conn->counters.last_time_us ? now : conn->counters.last_time_us + 1;
}

fhirstore_status fhs_conn_begin_write(fhs_conn *conn, fhirstore_error **err)
{
    fhs_conn_drop_row(conn);
    if (!conn->is_writer || conn->in_write || conn->in_read) {
        return fhs_fail(err, FHIRSTORE_ERR_INTERNAL,
                        "a write transaction needs the writer, without a transaction");
    }
    fhirstore_status status = begin_anew(conn, FHS_SQL_BEGIN_WRITE, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    conn->in_write = true;
    fhs_patient_catch_up(conn);
    conn->shreds = false;
    conn->keeps_floor = false;
    conn->failed = FHIRSTORE_OK;
    conn->depth = 0;
    conn->counters = conn->saved;
    conn->levels[0] = level_now(conn);
    if (!conn->counters_known) {
        status = load_counters(conn, err);
        conn->counters = conn->saved;
        conn->levels[0].counters = conn->saved;
    }
    if (status != FHIRSTORE_OK) {
        fhs_conn_rollback(conn);
        return status;
    }
    conn->time_us = stamp_now(conn);
    conn->changes_at_begin = sqlite3_total_changes64(conn->db);
    return FHIRSTORE_OK;
}

int64_t fhs_conn_time(const fhs_conn *conn)
{
    return conn->time_us;
}

fhirstore_status fhs_conn_flush(fhs_conn *conn, fhirstore_error **err)
{
    if (FHS_LIKELY(conn->pending.count == conn->pending.written)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_conn_check_write(conn, err);
    return status == FHIRSTORE_OK ? fhs_pending_flush(conn, err) : status;
}

static fhirstore_status save_counters(fhs_conn *conn, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (conn->counters.next_entity != conn->saved.next_entity) {
        status = write_counter(conn, meta_next_entity, conn->counters.next_entity, err);
    }
    bool changed = sqlite3_total_changes64(conn->db) != conn->changes_at_begin;
    if (changed) {
        conn->counters.last_time_us = conn->time_us;
    }
    if (status == FHIRSTORE_OK && conn->keeps_floor) {
        status = write_counter(conn, meta_last_seq, conn->counters.last_seq, err);
    }
    /* Where versions were written, the last of them carries the stamp, if it is still there. */
    if (status == FHIRSTORE_OK && changed &&
        (conn->keeps_floor || conn->counters.last_seq == conn->saved.last_seq)) {
        status = write_counter(conn, meta_last_time, conn->time_us, err);
    }
    return status;
}

fhirstore_status fhs_conn_commit(fhs_conn *conn, fhirstore_error **err)
{
    fhs_conn_drop_row(conn);
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_pending_flush(conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = save_counters(conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = steer(conn, FHS_SQL_COMMIT, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_conn_rollback(conn);
        return status;
    }
    if (conn->shreds) {
        atomic_fetch_add(&conn->storage->shredded, 1);
    }
    conn->saved = conn->counters;
    conn->in_write = false;
    fhs_pending_drop(&conn->pending, (fhs_pending_mark){0, 0, 0, 0});
    return FHIRSTORE_OK;
}

void fhs_conn_rollback(fhs_conn *conn)
{
    fhs_conn_drop_row(conn);
    if (!conn->in_write) {
        return;
    }
    /* Some errors have rolled back already. */
    if (sqlite3_get_autocommit(conn->db) == 0) {
        (void)steer(conn, FHS_SQL_ROLLBACK, NULL);
    }
    return_to_level(conn, &conn->levels[0]);
    conn->in_write = false;
    conn->failed = FHIRSTORE_OK;
    conn->depth = 0;
}

/* ---- savepoints ---- */

fhirstore_status fhs_conn_savepoint(fhs_conn *conn, fhirstore_error **err)
{
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (conn->depth == FHS_SAVEPOINT_DEPTH) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "more than %u nested savepoints",
                        FHS_SAVEPOINT_DEPTH);
    }
    status = steer(conn, FHS_SQL_SAVEPOINT, err);
    if (status == FHIRSTORE_OK) {
        conn->depth++;
        conn->levels[conn->depth] = level_now(conn);
    }
    return status;
}

fhirstore_status fhs_conn_savepoint_release(fhs_conn *conn, fhirstore_error **err)
{
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (conn->depth == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_INTERNAL, "no savepoint is open");
    }
    status = fhs_conn_spoil(conn, steer(conn, FHS_SQL_SAVEPOINT_RELEASE, err));
    if (status == FHIRSTORE_OK) {
        conn->depth--;
        const fhs_pending_mark *keep = &conn->levels[conn->depth].pending;
        fhs_pending_settle(&conn->pending, keep->count, keep->bytes);
    }
    return status;
}

void fhs_conn_savepoint_rollback(fhs_conn *conn)
{
    fhs_conn_drop_row(conn);
    if (!conn->in_write || conn->depth == 0) {
        return;
    }
    return_to_level(conn, &conn->levels[conn->depth]);
    conn->depth--;
    if (sqlite3_get_autocommit(conn->db) != 0) {
        /* The whole transaction is gone already: it stays failed. */
        (void)fhs_conn_spoil(conn, FHIRSTORE_ERR_INTERNAL);
        return;
    }
    fhirstore_status status = steer(conn, FHS_SQL_SAVEPOINT_ROLLBACK, NULL);
    if (status == FHIRSTORE_OK) {
        status = steer(conn, FHS_SQL_SAVEPOINT_RELEASE, NULL);
    }
    /* What failed inside the savepoint is undone; what failed before it was refused at its start.
     */
    conn->failed = status;
}

fhirstore_status fhs_conn_last_seq(fhs_conn *conn, int64_t *seq_out, fhirstore_error **err)
{
    if (conn->in_write) {
        *seq_out = conn->counters.last_seq;
        return FHIRSTORE_OK;
    }
    bool found;
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_LAST_VERSION, &stmt, err);
    return status == FHIRSTORE_OK ? fhs_core_int(conn, stmt, seq_out, &found, err) : status;
}
