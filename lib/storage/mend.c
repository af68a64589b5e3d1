/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making anew what other tables say: never the change log, bodies, the chain or the journal. All of
 * it is one write transaction of the caller's, so a crash leaves what was there before.
 */
#include "storage/storage_internal.h"

static const char lists_sql[] =
    "DELETE FROM current_type;"
    "INSERT INTO current_type(type,entity) SELECT type,entity FROM resource WHERE deleted=0 "
    "ORDER BY type,entity;"
    "DELETE FROM current_updated;"
    "INSERT INTO current_updated(type,updated,entity) SELECT type,updated,entity FROM resource "
    "WHERE deleted=0 ORDER BY type,updated,entity;"
    "DELETE FROM version_type;"
    "INSERT INTO version_type(type,seq) SELECT type,seq FROM version ORDER BY type,seq;"
    "DELETE FROM version_of;"
    "INSERT INTO version_of(entity,version,seq) SELECT v.entity,v.version,v.seq FROM version v "
    "JOIN resource r ON r.entity=v.entity WHERE r.seq<>v.seq ORDER BY 1,2,3;";

/* Names of what is stored go by the resource; what else has one of their numbers gets another. */
static const char names_sql[] =
    "DELETE FROM entity WHERE num<1 OR EXISTS(SELECT 1 FROM resource r WHERE r.entity=entity.num "
    "AND (r.type<>entity.type OR r.id<>entity.id));"
    "INSERT OR REPLACE INTO entity(type,id,num) SELECT type,id,entity FROM resource;"
    "INSERT INTO meta(name,value) SELECT 'next_entity',1+max(num) FROM entity WHERE true "
    "ON CONFLICT(name) DO UPDATE SET value=max(coalesce(value,1),excluded.value);";

static const char rows_sql[] =
    "DELETE FROM idx_token;DELETE FROM idx_string;DELETE FROM idx_date;DELETE FROM idx_date_hi;"
    "DELETE FROM idx_number;DELETE FROM idx_quantity;DELETE FROM idx_reference;"
    "DELETE FROM idx_uri;DELETE FROM idx_composite;DELETE FROM idx_position;"
    "DELETE FROM entries WHERE entity NOT IN (SELECT entity FROM resource WHERE deleted=0);";

/* What the connection remembers of numbers may not be what the tables say. */
static fhirstore_status forget_numbers(fhs_conn *conn, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    bool found;
    int64_t next = 0;
    fhs_storage *storage = conn->storage;
    (void)pthread_mutex_lock(&storage->mutex);
    storage->numbering++;
    (void)pthread_mutex_unlock(&storage->mutex);
    fhs_name_cache_clear(&conn->names);
    fhs_name_cache_clear(&conn->entities);
    fhirstore_status status = fhs_core(conn, FHS_SQL_META_GET, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_bind_str(stmt, 1, FHS_LIT("next_entity"));
        status = fhs_core_int(conn, stmt, &next, &found, err);
    }
    if (status == FHIRSTORE_OK && next > conn->counters.next_entity) {
        conn->counters.next_entity = next;
    }
    return status;
}

fhirstore_status fhs_storage_mend(fhs_conn *conn, unsigned which, fhirstore_error **err)
{
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    switch (which) {
    case FHS_MEND_STRUCTURE:
        status = fhs_exec(conn, "REINDEX", err);
        break;
    case FHS_MEND_SCHEMA:
        status = fhs_schema_restore(conn, err);
        break;
    case FHS_MEND_NAMES:
        status = fhs_exec(conn, names_sql, err);
        break;
    case FHS_MEND_LISTS:
        status = fhs_exec(conn, lists_sql, err);
        break;
    case FHS_MEND_ROWS:
        status = fhs_exec(conn, rows_sql, err);
        break;
    default:
        return fhs_fail(err, FHIRSTORE_ERR_INTERNAL, "nothing that could be mended here");
    }
    if (status == FHIRSTORE_OK) {
        status = forget_numbers(conn, err);
    }
    return fhs_conn_spoil(conn, status);
}

fhirstore_status fhs_storage_mend_header(fhs_storage *storage, fhirstore_error **err)
{
    return storage->vfs == NULL ? FHIRSTORE_OK : fhs_vfs_mend_header(storage->vfs, err);
}
