/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of a whole store, sealed anew, and its compaction. A copy is one read transaction over a
 * connection of its own, so readers and the writer go on meanwhile; SQLite writes it table by table
 * into a file without a name, which gets its name when it is complete and on disk.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/random.h"
#include "storage/storage_internal.h"

/* Steps of SQLite's machine between two calls of the progress callback: some milliseconds. */
#define STEPS_BETWEEN_PROGRESS 10000

typedef struct copy_work {
    fhs_storage *storage;
    const fhs_copy_options *options;
    char *made;     /* the copy's name while it is made */
    fhs_vfs *built; /* NULL for a plain one */
    fhs_conn conn;  /* the source, seen by nobody else */
    fhirstore_status stopped;
    int64_t total;
} copy_work;

static int tell_copied(void *ctx)
{
    copy_work *work = ctx;
    struct stat found;
    int64_t done = stat(work->made, &found) == 0 ? (int64_t)found.st_size : 0;
    work->stopped = work->options->progress(work->options->ctx, done, work->total);
    return work->stopped != FHIRSTORE_OK;
}

/* ---- the source ---- */

static int open_copy_source(copy_work *work)
{
    const fhs_storage *storage = work->storage;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_URI;
    flags |= storage->options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc = sqlite3_open_v2(storage->path, &work->conn.db, flags, storage->vfs_name);
    if (rc == SQLITE_OK) {
        rc = sqlite3_busy_timeout(work->conn.db, 5000);
    }
    return rc;
}

/* A plain page has no room for a seal: SQLite is told to leave some in what it writes. */
static int reserve_room(copy_work *work)
{
    int reserve = (int)FHS_KEYS_PAGE_RESERVE;
    if (work->storage->vfs != NULL || work->built == NULL) {
        return SQLITE_OK;
    }
    return sqlite3_file_control(work->conn.db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
}

static fhirstore_status prepare_copy_source(copy_work *work, fhirstore_error **err)
{
    work->conn.storage = work->storage;
    fhirstore_status status = fhs_sql_fail(&work->conn, open_copy_source(work), err);
    if (status == FHIRSTORE_OK && work->storage->vfs != NULL) {
        status = fhs_vfs_setup(work->storage->vfs, work->conn.db, err);
    }
    /* Reading once before: SQLite knows the page size and its reserve only then. */
    sqlite3_stmt *stmt = NULL;
    bool found;
    if (status == FHIRSTORE_OK) {
        int rc = sqlite3_prepare_v2(work->conn.db, "PRAGMA page_count", -1, &stmt, NULL);
        status = fhs_sql_fail(&work->conn, rc, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_core_int(&work->conn, stmt, &work->total, &found, err);
        work->total *= FHS_KEYS_PAGE_SIZE;
    }
    (void)sqlite3_finalize(stmt);
    if (status == FHIRSTORE_OK) {
        status = fhs_exec(&work->conn, "SELECT count(*) FROM sqlite_schema", err);
    }
    return status == FHIRSTORE_OK ? fhs_sql_fail(&work->conn, reserve_room(work), err) : status;
}

/* ---- the target ---- */

/* "file:" with every byte that means something there written as %XX. */
static char *target_uri(const copy_work *work)
{
    static const char digits[] = "0123456789ABCDEF";
    fhs_buf uri = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_buf_add_cstr(&uri, "file:");
    const char *path = work->built != NULL ? fhs_vfs_path(work->built) : work->made;
    for (const char *c = path; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte <= 0x20 || byte >= 0x7F || strchr("%?#", *c) != NULL) {
            fhs_buf_add_char(&uri, '%');
            fhs_buf_add_char(&uri, digits[byte >> 4]);
            fhs_buf_add_char(&uri, digits[byte & 0x0F]);
        } else {
            fhs_buf_add_char(&uri, *c);
        }
    }
    const char *base = work->storage->options.base_vfs;
    base = base == NULL ? "unix-excl" : base;
    fhs_buf_addf(&uri, "?vfs=%s", work->built != NULL ? fhs_vfs_name(work->built) : base);
    char *text = fhs_buf_status(&uri) == FHIRSTORE_OK ? sqlite3_mprintf("%s", uri.ptr) : NULL;
    fhs_buf_clear(&uri);
    return text;
}

static fhirstore_status begin_target(copy_work *work, fhirstore_error **err)
{
    char id[FHS_UUID_LEN + 1];
    struct stat found;
    if (!work->options->replaces && stat(work->options->path, &found) == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_EXISTS, "the file exists already");
    }
    fhs_uuid_new(id);
    work->made = sqlite3_mprintf("%s.new-%.8s", work->options->path, id);
    if (work->made == NULL) {
        return fhs_fail_memory(err);
    }
    if (work->options->plaintext) {
        return FHIRSTORE_OK;
    }
    const fhs_vfs_options sealed = {.credential = *work->options->credential,
                                    .kdf_cost = work->options->kdf_cost,
                                    .slot_label = work->options->label,
                                    .base_vfs = work->storage->options.base_vfs};
    return fhs_vfs_build(work->made, &sealed, work->options->journal_key, &work->built, err);
}

static fhirstore_status write_target(copy_work *work, fhirstore_error **err)
{
    sqlite3_stmt *stmt = NULL;
    char *uri = target_uri(work);
    if (uri == NULL) {
        return fhs_fail_memory(err);
    }
    if (work->options->progress != NULL) {
        sqlite3_progress_handler(work->conn.db, STEPS_BETWEEN_PROGRESS, tell_copied, work);
    }
    (void)sqlite3_limit(work->conn.db, SQLITE_LIMIT_ATTACHED, 1);
    int rc = sqlite3_prepare_v2(work->conn.db, "VACUUM INTO ?1", -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_text(stmt, 1, uri, -1, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    /* The file is ours and empty: SQLite takes it for another's when its size cannot be told. */
    rc = rc == SQLITE_ERROR ? SQLITE_IOERR_FSTAT : rc;
    fhirstore_status status = (rc & 0xFF) == SQLITE_INTERRUPT && work->stopped != FHIRSTORE_OK
                                  ? fhs_fail_plain(err, FHIRSTORE_ERR_CANCELLED)
                                  : fhs_sql_fail(&work->conn, rc, err);
    (void)sqlite3_finalize(stmt);
    sqlite3_free(uri);
    return status;
}

/* The plain copy of a sealed journal keeps the key that reads it; a plain store has no secrets. */
static fhirstore_status give_plain_key(copy_work *work, fhirstore_error **err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    if (work->options->journal_key == NULL || work->storage->vfs == NULL) {
        return FHIRSTORE_OK;
    }
    int rc = sqlite3_open_v2(work->made, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE,
                             "unix-excl");
    if (rc == SQLITE_OK) {
        rc = sqlite3_prepare_v2(db,
                                "INSERT OR REPLACE INTO meta(name,value) VALUES('journal_key',?1)",
                                -1, &stmt, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_blob(stmt, 1, work->options->journal_key, (int)FHS_KEYS_KEY_BYTES,
                               SQLITE_STATIC);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return rc == SQLITE_DONE ? FHIRSTORE_OK : fhs_fail_plain(err, fhs_sqlite_status(rc));
}

/*
 * The copy's table of keys is emptied before the copy is complete: no file that opens ever has it.
 * SQLite overwrites what it deletes, and in a table that was just filled nothing has moved.
 */
static fhirstore_status drop_patient_keys(copy_work *work, fhirstore_error **err)
{
    fhs_conn target = {.storage = work->storage};
    if (!work->options->leaves_patient_keys || !work->storage->has_patient_keys) {
        return FHIRSTORE_OK;
    }
    const char *base = work->storage->options.base_vfs;
    const char *path = work->built != NULL ? fhs_vfs_path(work->built) : work->made;
    const char *vfs = work->built != NULL ? fhs_vfs_name(work->built)
                      : base == NULL      ? "unix-excl"
                                          : base;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path, &target.db, flags, vfs);
    fhirstore_status status = fhs_sql_fail(&target, rc, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_exec(&target, "PRAGMA secure_delete=ON;DELETE FROM patient_key", err);
    }
    (void)sqlite3_close(target.db);
    return status;
}

static fhirstore_status finish_target(copy_work *work, fhirstore_error **err)
{
    fhirstore_status status = drop_patient_keys(work, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = work->built != NULL ? fhs_vfs_build_finish(work->built, err)
                                 : give_plain_key(work, err);
    fhs_vfs_close(work->built);
    work->built = NULL;
    if (status == FHIRSTORE_OK && work->options->before_publish != NULL) {
        status = work->options->before_publish(work->options->ctx, err);
    }
    return status == FHIRSTORE_OK
               ? fhs_vfs_publish(work->made, work->options->path, work->options->replaces, err)
               : status;
}

fhirstore_status fhs_storage_copy(fhs_storage *storage, const fhs_copy_options *options,
                                  fhirstore_error **err)
{
    copy_work work = {.storage = storage, .options = options};
    fhirstore_status status = fhs_storage_wake(storage, err);
    if (status == FHIRSTORE_OK) {
        status = begin_target(&work, err);
    }
    if (status == FHIRSTORE_OK) {
        status = prepare_copy_source(&work, err);
    }
    if (status == FHIRSTORE_OK) {
        status = write_target(&work, err);
    }
    (void)sqlite3_close(work.conn.db);
    if (status == FHIRSTORE_OK) {
        status = finish_target(&work, err);
    }
    fhs_vfs_close(work.built);
    if (status != FHIRSTORE_OK && work.made != NULL) {
        (void)unlink(work.made);
    }
    sqlite3_free(work.made);
    return status;
}

/* ---- compaction ---- */

/*
 * In place: SQLite writes the compact form to a temporary file and back through the log, so a crash
 * leaves the store as it was.
 */
fhirstore_status fhs_storage_compact(fhs_storage *storage, fhirstore_error **err)
{
    fhs_conn *conn;
    fhirstore_status status = fhs_storage_writer(storage, &conn, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (storage->vfs == NULL) {
        status = fhs_exec(conn, "PRAGMA temp_store=FILE", err);
    }
    (void)sqlite3_limit(conn->db, SQLITE_LIMIT_ATTACHED, 1);
    if (status == FHIRSTORE_OK) {
        status = fhs_exec(conn, "VACUUM", err);
    }
    (void)sqlite3_limit(conn->db, SQLITE_LIMIT_ATTACHED, 0);
    if (storage->vfs == NULL) {
        (void)fhs_exec(conn, "PRAGMA temp_store=MEMORY", NULL);
    }
    if (status == FHIRSTORE_OK) {
        int rc = sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        /* A reader may still need what was there: the file shrinks with a later checkpoint. */
        status = (rc & 0xFF) == SQLITE_BUSY ? FHIRSTORE_OK : fhs_sql_fail(conn, rc, err);
    }
    fhs_conn_release(conn);
    return status;
}
