/* SPDX-License-Identifier: Apache-2.0 */
/* Making a SQLite connection the way this library wants it, and unmaking it. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "keys/box.h"
#include "storage/patient_internal.h"

#define DEFAULT_CACHE_BYTES  ((size_t)16 * 1024 * 1024)
#define AUTOCHECKPOINT_PAGES 4000
#define WAL_KEPT_BYTES       ((uint64_t)64 * 1024 * 1024)
/* What is remembered beside pages, with a page cache of the usual size or a larger one. The writer
 * looks up every reference of what is imported; a reader what it is asked for. */
#define NAMES           8192u
#define NAME_TEXT       128u
#define WRITER_ENTITIES 32768u
#define READER_ENTITIES 8192u
#define ENTITY_TEXT     64u

static size_t cache_bytes_of(const fhs_storage *storage)
{
    size_t bytes = storage->options.cache_bytes;
    return bytes == 0 ? DEFAULT_CACHE_BYTES : bytes;
}

/* Who gives less to pages wants less in all: the same part of each, down to a sixteenth. */
static void init_name_caches(fhs_conn *conn)
{
    size_t wanted = cache_bytes_of(conn->storage);
    uint32_t part = 1;
    while (part < 16 && wanted * part < DEFAULT_CACHE_BYTES) {
        part *= 2;
    }
    const uint32_t names = NAMES / part;
    const uint32_t entities = (conn->is_writer ? WRITER_ENTITIES : READER_ENTITIES) / part;
    fhs_name_cache_init(&conn->names, names, names * NAME_TEXT);
    fhs_name_cache_init(&conn->entities, entities, entities * ENTITY_TEXT);
}

static fhirstore_status set_cache(fhs_conn *conn, fhirstore_error **err)
{
    char sql[64];
    size_t bytes = cache_bytes_of(conn->storage);
    size_t kib = bytes / 1024 > INT32_MAX ? INT32_MAX : bytes / 1024;
    (void)sqlite3_snprintf(sizeof sql, sql, "PRAGMA cache_size=-%lld", (long long)kib);
    return fhs_exec(conn, sql, err);
}

static int harden(sqlite3 *db)
{
    int rc = sqlite3_extended_result_codes(db, 1);
    static const int switches[][2] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(switches) && rc == SQLITE_OK; i++) {
        rc = sqlite3_db_config(db, switches[i][0], switches[i][1], NULL);
    }
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    return rc;
}

static fhirstore_status set_up_plain(fhs_conn *conn, fhirstore_error **err)
{
    return fhs_exec(conn,
                    "PRAGMA temp_store=MEMORY;"
                    "PRAGMA cell_size_check=ON;"
                    "PRAGMA mmap_size=0",
                    err);
}

static fhirstore_status limit_log(fhs_conn *conn, uint64_t bytes, fhirstore_error **err)
{
    char sql[64];
    uint64_t kept = bytes == 0 ? WAL_KEPT_BYTES : bytes;
    uint64_t pages = bytes == 0 ? AUTOCHECKPOINT_PAGES : bytes / FHS_KEYS_PAGE_SIZE;
    (void)sqlite3_snprintf(sizeof sql, sql, "PRAGMA journal_size_limit=%llu",
                           (unsigned long long)kept);
    (void)sqlite3_wal_autocheckpoint(conn->db, pages > INT32_MAX ? INT32_MAX : (int)pages);
    return fhs_exec(conn, sql, err);
}

static fhirstore_status configure_connection(fhs_conn *conn, fhirstore_error **err)
{
    const fhs_storage_options *options = &conn->storage->options;
    int rc = harden(conn->db);
    if (rc != SQLITE_OK) {
        return fhs_sql_fail(conn, rc, err);
    }
    int32_t timeout = options->busy_timeout_ms;
    (void)sqlite3_busy_timeout(conn->db, timeout < 0 ? 0 : timeout == 0 ? 5000 : timeout);
    fhirstore_status status = conn->storage->vfs != NULL
                                  ? fhs_vfs_setup(conn->storage->vfs, conn->db, err)
                                  : set_up_plain(conn, err);
    if (status == FHIRSTORE_OK) {
        status = set_cache(conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_exec(
            conn, options->sync_normal ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL",
            err);
    }
    if (status == FHIRSTORE_OK && conn->is_writer) {
        status = limit_log(conn, options->wal_bytes, err);
    } else if (status == FHIRSTORE_OK) {
        (void)sqlite3_wal_autocheckpoint(conn->db, 0);
        status = fhs_exec(conn, "PRAGMA query_only=ON", err);
    }
    return status;
}

static int register_own(fhs_conn *conn)
{
    int rc = fhs_functions_register(conn->db);
    if (rc == SQLITE_OK && conn->is_writer) {
        rc = fhs_pending_table_register(conn);
    }
    return rc;
}

static fhirstore_status open_database(fhs_conn *conn, bool create, fhirstore_error **err)
{
    const fhs_storage *storage = conn->storage;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
    if (storage->vfs != NULL) {
        flags |= fhs_vfs_sqlite_flags(storage->vfs);
    } else if (storage->options.read_only) {
        flags |= SQLITE_OPEN_READONLY;
    } else {
        flags |= SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    }
    int rc = sqlite3_open_v2(storage->path, &conn->db, flags, storage->vfs_name);
    if (rc != SQLITE_OK) {
        return fhs_sql_fail(conn, rc, err);
    }
    fhirstore_status status = configure_connection(conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_sql_fail(conn, register_own(conn), err);
    }
    return status;
}

fhirstore_status fhs_conn_new(fhs_storage *storage, bool is_writer, bool create,
                              fhs_conn **conn_out, fhirstore_error **err)
{
    *conn_out = NULL;
    fhs_conn *conn = fhs_calloc(1, sizeof *conn);
    if (conn == NULL) {
        return fhs_fail_memory(err);
    }
    conn->storage = storage;
    conn->is_writer = is_writer;
    atomic_init(&conn->cancelled, false);
    init_name_caches(conn);
    fhs_pending_init(&conn->pending);
    fhs_buf_init(&conn->large, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&conn->opened, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&conn->sealed, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = open_database(conn, create, err);
    if (status != FHIRSTORE_OK) {
        fhs_conn_free(conn);
        return status;
    }
    *conn_out = conn;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_conn_new_reference(fhs_storage *storage, fhs_conn **conn_out,
                                        fhirstore_error **err)
{
    *conn_out = NULL;
    fhs_conn *conn = fhs_calloc(1, sizeof *conn);
    if (conn == NULL) {
        return fhs_fail_memory(err);
    }
    conn->storage = storage;
    fhs_name_cache_init(&conn->names, 1, 1);
    fhs_name_cache_init(&conn->entities, 1, 1);
    fhs_pending_init(&conn->pending);
    fhs_buf_init(&conn->large, 1);
    int rc = sqlite3_open_v2(":memory:", &conn->db,
                             SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                             NULL);
    rc = rc == SQLITE_OK ? fhs_functions_register(conn->db) : rc;
    fhirstore_status status = fhs_sql_fail(conn, rc, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_schema_migrate(conn, 0, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_conn_free(conn);
        return status;
    }
    *conn_out = conn;
    return FHIRSTORE_OK;
}

void fhs_conn_free(fhs_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    fhs_statements_free(conn);
    for (size_t i = 0; i < FHS_SQL_COUNT; i++) {
        (void)sqlite3_finalize(conn->core[i]);
    }
    (void)sqlite3_close(conn->db);
    fhs_name_cache_clear(&conn->names);
    fhs_name_cache_clear(&conn->entities);
    fhs_pending_clear(&conn->pending);
    fhs_buf_clear(&conn->large);
    fhs_buf_clear(&conn->opened);
    fhs_buf_clear(&conn->sealed);
    fhs_guarded_free(conn->patients);
    fhs_scratch_free(conn->scratch);
    fhs_free(conn);
}
