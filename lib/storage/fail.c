/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite answers, as our statuses. The extended code goes along as the cause. */
#include <string.h>

#include "storage/storage_internal.h"

/* Our SQL is our own: what it does not find in the schema was taken out of the file. */
static bool is_schema_damaged(fhs_conn *conn, int extended)
{
    static const char missing[] = "no such ";
    return extended == SQLITE_ERROR && conn->db != NULL &&
           strncmp(sqlite3_errmsg(conn->db), missing, sizeof missing - 1) == 0;
}

static fhirstore_status make_sql_error(fhs_conn *conn, int rc, fhirstore_error **err)
{
    int extended = rc;
    if (conn->db != NULL && (sqlite3_extended_errcode(conn->db) & 0xFF) == (rc & 0xFF)) {
        extended = sqlite3_extended_errcode(conn->db);
    }
    if (is_schema_damaged(conn, extended)) {
        (void)fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "the store is damaged: a table is missing");
        fhs_error_cause(err, extended);
        return FHIRSTORE_ERR_CORRUPT;
    }
    if (conn->storage->vfs != NULL) {
        return fhs_vfs_fail(conn->storage->vfs, extended, "the store", err);
    }
    fhirstore_status status = fhs_sqlite_status(extended);
    (void)fhs_fail_plain(err, status);
    fhs_error_cause(err, extended);
    return status;
}

/* An error may have ended the transaction under us; nothing may be written outside of one. */
static void note_lost_transaction(fhs_conn *conn, fhirstore_status status)
{
    if (conn->in_write && conn->failed == FHIRSTORE_OK && sqlite3_get_autocommit(conn->db) != 0) {
        conn->failed = status;
    }
}

fhirstore_status fhs_sql_fail(fhs_conn *conn, int rc, fhirstore_error **err)
{
    if (FHS_LIKELY(rc == SQLITE_ROW || rc == SQLITE_DONE || rc == SQLITE_OK)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = FHIRSTORE_OK;
    if (conn->stopped != FHIRSTORE_OK && (rc & 0xFF) == SQLITE_INTERRUPT) {
        status = fhs_fail_plain(err, conn->stopped);
        conn->stopped = FHIRSTORE_OK;
    } else {
        status = make_sql_error(conn, rc, err);
    }
    if (status == FHIRSTORE_ERR_CANCELLED) {
        atomic_store(&conn->cancelled, false);
    }
    note_lost_transaction(conn, status);
    return status;
}

fhirstore_status fhs_conn_spoil(fhs_conn *conn, fhirstore_status status)
{
    if (status < 0 && conn->in_write && conn->failed == FHIRSTORE_OK) {
        conn->failed = status;
    }
    return status;
}

fhirstore_status fhs_conn_check_cancelled(fhs_conn *conn, fhirstore_error **err)
{
    if (FHS_LIKELY(!atomic_load_explicit(&conn->cancelled, memory_order_relaxed))) {
        return FHIRSTORE_OK;
    }
    atomic_store(&conn->cancelled, false);
    return fhs_fail_plain(err, FHIRSTORE_ERR_CANCELLED);
}

fhirstore_status fhs_conn_check_write(fhs_conn *conn, fhirstore_error **err)
{
    if (FHS_LIKELY(conn->in_write && conn->failed == FHIRSTORE_OK)) {
        return fhs_conn_check_cancelled(conn, err);
    }
    if (!conn->in_write) {
        return fhs_fail(err, FHIRSTORE_ERR_INTERNAL, "a write outside a write transaction");
    }
    return fhs_fail(err, conn->failed, "an earlier error has ended this transaction");
}
