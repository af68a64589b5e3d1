/* SPDX-License-Identifier: Apache-2.0 */
/* Every (type, id) that is stored or referenced has a number. */
#include "storage/patient_internal.h"

/* Beside the other names a reader makes up, which have small tags. */
static uint32_t scratch_tag(int32_t type)
{
    return UINT32_C(0x80000000) | (uint32_t)type;
}

static fhirstore_status bind_entity(fhs_conn *conn, fhs_sql which, int32_t type, fhs_str id,
                                    sqlite3_stmt **stmt_out, fhirstore_error **err)
{
    fhirstore_status status = fhs_core(conn, which, stmt_out, err);
    if (status == FHIRSTORE_OK) {
        (void)sqlite3_bind_int(*stmt_out, 1, type);
        (void)fhs_bind_str(*stmt_out, 2, id);
    }
    return status;
}

fhirstore_status fhs_entity_find(fhs_conn *conn, int32_t type, fhs_str id, fhs_entity *entity_out,
                                 fhirstore_error **err)
{
    bool found;
    sqlite3_stmt *stmt;
    *entity_out = 0;
    if (fhs_name_cache_find(&conn->entities, (uint32_t)type, id, entity_out)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = bind_entity(conn, FHS_SQL_ENTITY_FIND, type, id, &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_core_int(conn, stmt, entity_out, &found, err);
    }
    if (status == FHIRSTORE_OK && found) {
        fhs_name_cache_add(&conn->entities, (uint32_t)type, id, *entity_out);
    } else if (conn->scratch != NULL && status == FHIRSTORE_OK) {
        *entity_out = fhs_scratch_find(conn->scratch, scratch_tag(type), id);
    }
    return status;
}

/* A reader's own number for what the store does not know. */
static fhirstore_status make_up_entity(fhs_conn *conn, int32_t type, fhs_str id,
                                       fhs_entity *entity_out, fhirstore_error **err)
{
    fhirstore_status status = fhs_entity_find(conn, type, id, entity_out, err);
    if (status == FHIRSTORE_OK && *entity_out == 0) {
        *entity_out = fhs_scratch_add(conn->scratch, scratch_tag(type), id);
        status = *entity_out == 0 ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    return status;
}

fhirstore_status fhs_entity_intern(fhs_conn *conn, int32_t type, fhs_str id, fhs_entity *entity_out,
                                   fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    *entity_out = 0;
    if (fhs_name_cache_find(&conn->entities, (uint32_t)type, id, entity_out)) {
        return FHIRSTORE_OK;
    }
    if (conn->scratch != NULL) {
        return make_up_entity(conn, type, id, entity_out, err);
    }
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status == FHIRSTORE_OK) {
        status = bind_entity(conn, FHS_SQL_ENTITY_ADD, type, id, &stmt, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    /* Most that are not remembered are new: try to add it first, one descent in place of two. */
    (void)sqlite3_bind_int64(stmt, 3, conn->counters.next_entity);
    status = fhs_conn_spoil(conn, fhs_core_run(conn, stmt, err));
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (sqlite3_changes(conn->db) == 0) {
        return fhs_entity_find(conn, type, id, entity_out, err);
    }
    *entity_out = conn->counters.next_entity++;
    fhs_name_cache_add(&conn->entities, (uint32_t)type, id, *entity_out);
    return fhs_patient_meet(conn, type, *entity_out, err);
}

/* Step a statement about @a entity to its only row; *stmt_out NULL: there is none. */
static fhirstore_status step_to_entity(fhs_conn *conn, fhs_sql which, fhs_entity entity,
                                       sqlite3_stmt **stmt_out, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    *stmt_out = NULL;
    fhirstore_status status = fhs_core(conn, which, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 1, entity);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *stmt_out = stmt;
        return FHIRSTORE_OK;
    }
    status = rc == SQLITE_DONE ? FHIRSTORE_OK : fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    return status;
}

fhirstore_status fhs_entity_name(fhs_conn *conn, fhs_entity entity, int32_t *type_out,
                                 fhs_buf *id_out, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    *type_out = 0;
    fhirstore_status status = step_to_entity(conn, FHS_SQL_ENTITY_NAME, entity, &stmt, err);
    if (stmt != NULL) {
        *type_out = sqlite3_column_int(stmt, 0);
        fhs_buf_add_str(id_out, fhs_column_str(stmt, 1));
        (void)sqlite3_reset(stmt);
    }
    return status == FHIRSTORE_OK && fhs_buf_status(id_out) < 0 ? fhs_fail_memory(err) : status;
}

fhirstore_status fhs_entity_rows(fhs_conn *conn, fhs_entity entity, fhs_buf *rows_out,
                                 fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = step_to_entity(conn, FHS_SQL_ENTRIES, entity, &stmt, err);
    if (stmt != NULL) {
        fhs_buf_add_str(rows_out, fhs_column_str(stmt, 0));
        (void)sqlite3_reset(stmt);
    }
    return status == FHIRSTORE_OK && fhs_buf_status(rows_out) < 0 ? fhs_fail_memory(err) : status;
}
