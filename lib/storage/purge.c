/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking versions out for good: bodies, the change log, rows. Numbers of entities stay, because
 * others refer to them; sequences and stamps go on above what is gone.
 */
#include "base/limits.h"
#include "storage/chain.h"
#include "storage/patient_internal.h"

static const fhs_str old_versions_sql = FHS_LIT_INIT(
    "SELECT seq FROM version_of WHERE entity=?1 AND version<=?2 ORDER BY version");

/* ?1: a sequence */
static const fhs_str version_statements[] = {
    FHS_LIT_INIT("DELETE FROM old_body WHERE seq=?1"),
    FHS_LIT_INIT("DELETE FROM body_part WHERE seq=?1"),
    FHS_LIT_INIT("DELETE FROM version WHERE seq=?1"),
};

/* ?1: an entity */
static const fhs_str forget_old_sql = FHS_LIT_INIT("DELETE FROM version_of WHERE entity=?1");
static const fhs_str resource_statements[] = {
    FHS_LIT_INIT("DELETE FROM version_of WHERE entity=?1"),
    FHS_LIT_INIT("DELETE FROM entries WHERE entity=?1"),
    FHS_LIT_INIT("DELETE FROM resource WHERE entity=?1"),
};

static fhirstore_status delete_where(fhs_conn *conn, fhs_str sql, int64_t number,
                                     fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_stmt_bind_int(stmt, 1, number);
    status = status == FHIRSTORE_OK ? fhs_stmt_step(stmt, err) : fhs_fail_plain(err, status);
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* Out of the lists of those whom its body is sealed for. */
static fhirstore_status leave_patients(fhs_conn *conn, int64_t seq, fhirstore_error **err)
{
    fhs_entity owners[FHS_LIMIT_BODY_PATIENTS];
    size_t count = 0;
    fhirstore_status status = fhs_patient_owners(conn, seq, owners, &count, err);
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        const int64_t numbers[] = {owners[i], seq};
        status = fhs_pending_add(conn, FHS_PENDING_PATIENT_BODY, numbers, 2, false, err);
    }
    return status;
}

/* One version out of all tables but version_of. */
static fhirstore_status remove_version(fhs_conn *conn, int32_t type, int64_t seq,
                                       fhirstore_error **err)
{
    const int64_t by_type[] = {type, seq};
    fhirstore_status status = fhs_chain_keep(conn, seq, err);
    if (status == FHIRSTORE_OK && conn->storage->has_patient_keys) {
        status = leave_patients(conn, seq, err);
    }
    for (size_t i = 0; i < FHS_COUNT_OF(version_statements) && status == FHIRSTORE_OK; i++) {
        status = delete_where(conn, version_statements[i], seq, err);
    }
    return status == FHIRSTORE_OK
               ? fhs_pending_add(conn, FHS_PENDING_VERSION_TYPE, by_type, 2, false, err)
               : status;
}

static fhirstore_status remove_old_versions(fhs_conn *conn, int32_t type, fhs_entity entity,
                                            int64_t last, int64_t *count_out, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, old_versions_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_int(stmt, 1, entity);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_int(stmt, 2, last);
    }
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        status = remove_version(conn, type, fhs_stmt_int(stmt, 0), err);
        *count_out += 1;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* What is overwritten is overwritten with zeros, whatever SQLite was built with. */
static fhirstore_status begin_purge(fhs_conn *conn, fhirstore_error **err)
{
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status == FHIRSTORE_OK) {
        fhs_conn_drop_row(conn);
        conn->keeps_floor = true;
        status = fhs_exec(conn, "PRAGMA secure_delete=ON", err);
    }
    return status;
}

fhirstore_status fhs_resource_purge_old(fhs_conn *conn, int32_t type, fhs_entity entity,
                                        int64_t *count_out, fhirstore_error **err)
{
    *count_out = 0;
    fhirstore_status status = begin_purge(conn, err);
    if (status == FHIRSTORE_OK) {
        status = remove_old_versions(conn, type, entity, INT64_MAX, count_out, err);
    }
    if (status == FHIRSTORE_OK && *count_out > 0) {
        status = delete_where(conn, forget_old_sql, entity, err);
    }
    return fhs_conn_spoil(conn, status);
}

static fhirstore_status forget_to(fhs_conn *conn, fhs_entity entity, int64_t last,
                                  fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(
        conn, FHS_LIT("DELETE FROM version_of WHERE entity=?1 AND version<=?2"), &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, entity);
        (void)fhs_stmt_bind_int(stmt, 2, last);
        status = fhs_stmt_step(stmt, err);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_resource_purge_to(fhs_conn *conn, int32_t type, fhs_entity entity,
                                       int64_t last, int64_t *count_out, fhirstore_error **err)
{
    *count_out = 0;
    fhirstore_status status = begin_purge(conn, err);
    if (status == FHIRSTORE_OK) {
        status = remove_old_versions(conn, type, entity, last, count_out, err);
    }
    if (status == FHIRSTORE_OK && *count_out > 0) {
        status = forget_to(conn, entity, last, err);
    }
    return fhs_conn_spoil(conn, status);
}

static fhirstore_status leave_lists(fhs_conn *conn, const fhs_version *current,
                                    fhirstore_error **err)
{
    const int64_t by_type[] = {current->type, current->entity};
    const int64_t by_time[] = {current->type, current->updated_us, current->entity};
    if (current->is_deleted) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_pending_add(conn, FHS_PENDING_CURRENT_TYPE, by_type, 2, false,
                                              err);
    if (status == FHIRSTORE_OK) {
        status = fhs_pending_add(conn, FHS_PENDING_CURRENT_UPDATED, by_time, 3, false, err);
    }
    return status == FHIRSTORE_OK
               ? fhs_rows_change(conn, current->entity, current->rows, FHS_STR_NONE, err)
               : status;
}

fhirstore_status fhs_resource_purge(fhs_conn *conn, const fhs_version *current, int64_t *count_out,
                                    fhirstore_error **err)
{
    *count_out = 1;
    fhirstore_status status = begin_purge(conn, err);
    if (status == FHIRSTORE_OK) {
        status = leave_lists(conn, current, err);
    }
    if (status == FHIRSTORE_OK) {
        status = remove_old_versions(conn, current->type, current->entity, INT64_MAX, count_out,
                                     err);
    }
    if (status == FHIRSTORE_OK) {
        status = remove_version(conn, current->type, current->seq, err);
    }
    for (size_t i = 0; i < FHS_COUNT_OF(resource_statements) && status == FHIRSTORE_OK; i++) {
        status = delete_where(conn, resource_statements[i], current->entity, err);
    }
    return fhs_conn_spoil(conn, status);
}
