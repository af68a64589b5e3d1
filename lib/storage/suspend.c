/* SPDX-License-Identifier: Apache-2.0 */
/* A store that nobody uses for a while: its memory is given back, or its file let go of. */
#include <string.h>

#include "storage/patient_internal.h"

/* The last connection to go checkpoints the log into the file. */
void fhs_storage_drop_connections(fhs_storage *storage)
{
    while (storage->idle != NULL) {
        fhs_conn *conn = storage->idle;
        storage->idle = conn->next;
        fhs_conn_free(conn);
    }
    storage->reader_count = 0;
    fhs_conn_free(storage->writer);
    storage->writer = NULL;
}

bool fhs_storage_is_at_rest(const fhs_storage *storage)
{
    uint32_t idle = 0;
    for (const fhs_conn *conn = storage->idle; conn != NULL; conn = conn->next) {
        idle++;
    }
    return idle == storage->reader_count && !storage->writer_taken;
}

fhirstore_status fhs_storage_close_connections(fhs_storage *storage, fhirstore_error **err)
{
    (void)pthread_mutex_lock(&storage->mutex);
    bool is_at_rest = fhs_storage_is_at_rest(storage);
    storage->is_shut = is_at_rest;
    (void)pthread_mutex_unlock(&storage->mutex);
    if (!is_at_rest) {
        return fhs_fail(err, FHIRSTORE_ERR_BUSY, "the store is in use");
    }
    fhs_storage_drop_connections(storage);
    return FHIRSTORE_OK;
}

/* ---- memory ---- */

void fhs_storage_trim(fhs_storage *storage)
{
    (void)pthread_mutex_lock(&storage->mutex);
    fhs_conn *idle = storage->idle;
    storage->idle = NULL;
    for (const fhs_conn *conn = idle; conn != NULL; conn = conn->next) {
        storage->reader_count--;
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    while (idle != NULL) {
        fhs_conn *conn = idle;
        idle = conn->next;
        fhs_conn_free(conn);
    }
    fhs_conn *writer = fhs_storage_try_writer(storage);
    if (writer != NULL) {
        fhs_statements_free(writer);
        fhs_name_cache_clear(&writer->names);
        fhs_name_cache_clear(&writer->entities);
        fhs_patient_forget(writer);
        (void)sqlite3_db_release_memory(writer->db);
        fhs_conn_release(writer);
    }
}

/* ---- the file ---- */

static fhirstore_status let_go(fhs_storage *storage, fhirstore_error **err)
{
    (void)pthread_mutex_lock(&storage->mutex);
    bool is_at_rest = fhs_storage_is_at_rest(storage);
    bool was_suspended = storage->is_suspended;
    storage->is_suspended = storage->is_suspended || is_at_rest;
    (void)pthread_mutex_unlock(&storage->mutex);
    if (!is_at_rest) {
        return fhs_fail(err, FHIRSTORE_ERR_BUSY, "the store is in use");
    }
    if (!was_suspended) {
        fhs_storage_drop_connections(storage);
        if (storage->vfs != NULL) {
            fhs_vfs_suspend(storage->vfs);
        }
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_storage_suspend(fhs_storage *storage, fhirstore_error **err)
{
    (void)pthread_mutex_lock(&storage->suspend_lock);
    fhirstore_status status = let_go(storage, err);
    (void)pthread_mutex_unlock(&storage->suspend_lock);
    return status;
}

static fhirstore_status take_up_again(fhs_storage *storage, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (storage->vfs != NULL) {
        status = fhs_vfs_resume(storage->vfs, err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        const char *name = fhs_vfs_name(storage->vfs);
        memcpy(storage->vfs_name, name, strlen(name) + 1);
    }
    status = fhs_conn_new(storage, true, false, &storage->writer, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_schema_prepare(storage->writer, false, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_conn_free(storage->writer);
        storage->writer = NULL;
        if (storage->vfs != NULL) {
            fhs_vfs_suspend(storage->vfs);
        }
    }
    return status == FHIRSTORE_ERR_BUSY ? fhs_fail_plain(err, FHIRSTORE_ERR_IN_USE) : status;
}

fhirstore_status fhs_storage_wake(fhs_storage *storage, fhirstore_error **err)
{
    (void)pthread_mutex_lock(&storage->suspend_lock);
    (void)pthread_mutex_lock(&storage->mutex);
    bool is_suspended = storage->is_suspended;
    (void)pthread_mutex_unlock(&storage->mutex);
    fhirstore_status status = is_suspended ? take_up_again(storage, err) : FHIRSTORE_OK;
    if (is_suspended && status == FHIRSTORE_OK) {
        (void)pthread_mutex_lock(&storage->mutex);
        storage->is_suspended = false;
        (void)pthread_cond_broadcast(&storage->changed);
        (void)pthread_mutex_unlock(&storage->mutex);
    }
    (void)pthread_mutex_unlock(&storage->suspend_lock);
    return status;
}
