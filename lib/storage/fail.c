/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite answers, as our statuses. The extended code goes along as the cause. */
#include "storage/storage_internal.h"

static fhirstore_status make_sql_error(fhs_conn *conn, int rc, fhirstore_error **err)
{
    int extended = rc;
    if (conn->db != NULL && (sqlite3_extended_errcode(conn->db) & 0xFF) == (rc & 0xFF)) {
        extended = sqlite3_extended_errcode(conn->db);
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
