/* SPDX-License-Identifier: Apache-2.0 */
/* Who refers to a resource: the reference rows of every parameter, one after the other. */
#include "storage/storage_internal.h"

static bool is_found_referrer(const fhs_entity *list, size_t count, fhs_entity entity)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == entity) {
            return true;
        }
    }
    return false;
}

/* Those by one parameter. */
static fhirstore_status add_referrers(fhs_conn *conn, int64_t param, fhs_entity target,
                                      fhs_entity *out, size_t room, size_t *count,
                                      fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_REFERRERS, &stmt, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 1, param);
    (void)sqlite3_bind_int64(stmt, 2, target);
    int rc = SQLITE_ROW;
    while (*count < room && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const fhs_entity entity = sqlite3_column_int64(stmt, 0);
        if (!is_found_referrer(out, *count, entity)) {
            out[(*count)++] = entity;
        }
    }
    status = fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    return status;
}

/* The parameter behind @a after that has reference rows; 0: there is none. */
static fhirstore_status next_param(fhs_conn *conn, int64_t after, int64_t *out,
                                   fhirstore_error **err)
{
    bool found = false;
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_REFERENCE_PARAM, &stmt, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 1, after);
    status = fhs_core_int(conn, stmt, out, &found, err);
    *out = found ? *out : 0;
    return status;
}

fhirstore_status fhs_referrers(fhs_conn *conn, fhs_entity target, fhs_entity *out, size_t room,
                               size_t *count_out, fhirstore_error **err)
{
    int64_t param = 0;
    *count_out = 0;
    fhirstore_status status = fhs_conn_flush(conn, err);
    if (status >= FHIRSTORE_OK) {
        status = next_param(conn, 0, &param, err);
    }
    while (status >= FHIRSTORE_OK && param > 0 && *count_out < room) {
        status = add_referrers(conn, param, target, out, room, count_out, err);
        if (status >= FHIRSTORE_OK) {
            status = next_param(conn, param, &param, err);
        }
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}
