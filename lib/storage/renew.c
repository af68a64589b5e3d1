/* SPDX-License-Identifier: Apache-2.0 */
/* A new data key for the store, step by step, between the transactions of others. */
#include "storage/storage_internal.h"

/* The writer, in a write transaction that writes nothing: nobody commits or checkpoints meanwhile.
 */
static fhirstore_status hold_writer(fhs_storage *storage, fhs_conn **conn_out,
                                    fhirstore_error **err)
{
    fhirstore_status status = fhs_storage_writer(storage, conn_out, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_begin_write(*conn_out, err);
    }
    return status;
}

fhirstore_status fhs_storage_renew(fhs_storage *storage, const fhs_credential *credential,
                                   fhs_key_cost cost, fhs_str label, uint32_t *slot_out,
                                   fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    *slot_out = 0;
    if (storage->vfs == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "the store is not encrypted");
    }
    fhirstore_status status = hold_writer(storage, &conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_vfs_renew(storage->vfs, credential, cost, label, slot_out, err);
    }
    fhs_conn_release(conn);
    return status;
}

/* The log is emptied, and if nothing of the old key is left, it goes. */
static fhirstore_status end_renewal(fhs_storage *storage, bool *ended_out, fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    fhirstore_status status = fhs_storage_writer(storage, &conn, err);
    if (status == FHIRSTORE_OK) {
        int rc = sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        /* A reader that keeps its snapshot keeps the log: the next call will do. */
        status = (rc & 0xFF) == SQLITE_BUSY ? FHIRSTORE_OK : fhs_sql_fail(conn, rc, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_begin_write(conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_vfs_renew_end(storage->vfs, ended_out, err);
    }
    fhs_conn_release(conn);
    return status;
}

bool fhs_storage_is_renewing(const fhs_storage *storage)
{
    return storage->vfs != NULL && fhs_vfs_is_renewing(storage->vfs);
}

fhirstore_status fhs_storage_renew_step(fhs_storage *storage, uint32_t *done_out,
                                        uint32_t *total_out, bool *ended_out, fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    *ended_out = false;
    fhirstore_status status = hold_writer(storage, &conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_vfs_renew_step(storage->vfs, done_out, total_out, err);
    }
    fhs_conn_release(conn);
    return status == FHIRSTORE_OK && *done_out >= *total_out ? end_renewal(storage, ended_out, err)
                                                             : status;
}
