/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters that come and go. A number belongs to one definition of a parameter: when that
 * changes, the old number gives its code up and keeps its rows until they have been dropped.
 */
#include <stdio.h>

#include "storage/storage_internal.h"

static const fhs_str add_sql = FHS_LIT_INIT("INSERT INTO param(type,code,state) VALUES(?1,?2,?3)");
static const fhs_str retire_sql = FHS_LIT_INIT("UPDATE param SET code=?2,state=?3 WHERE num=?1");
static const fhs_str state_sql = FHS_LIT_INIT("UPDATE param SET state=?2 WHERE num=?1");
static const fhs_str remove_sql = FHS_LIT_INIT("DELETE FROM param WHERE num=?1");
static const fhs_str find_sql = FHS_LIT_INIT(
    "SELECT num,state FROM param WHERE type=?1 AND code=?2");
static const fhs_str unready_sql = FHS_LIT_INIT("SELECT num,type,state FROM param ORDER BY num");
static const fhs_str count_after_sql = FHS_LIT_INIT(
    "SELECT count(*) FROM current_type WHERE type=?1 AND entity>?2");
static const fhs_str meta_remove_sql = FHS_LIT_INIT("DELETE FROM meta WHERE name=?1");
static const fhs_str meta_each_sql = FHS_LIT_INIT(
    "SELECT name FROM meta WHERE name>=?1 ORDER BY name");

/* Take the statement for a write. */
static fhirstore_status take_write(fhs_conn *conn, fhs_str sql, fhs_stmt **out,
                                   fhirstore_error **err)
{
    *out = NULL;
    fhirstore_status status = fhs_conn_check_write(conn, err);
    return status == FHIRSTORE_OK ? fhs_stmt_take(conn, sql, out, err) : status;
}

static fhirstore_status run_write(fhs_conn *conn, fhs_stmt *stmt, fhirstore_error **err)
{
    fhirstore_status status = fhs_stmt_step(stmt, err);
    fhs_stmt_give(stmt);
    return fhs_conn_spoil(conn, status == FHIRSTORE_DONE ? FHIRSTORE_OK : status);
}

fhirstore_status fhs_paramnum_add(fhs_conn *conn, int32_t type, fhs_str code, fhs_param_state state,
                                  uint32_t *number_out, fhirstore_error **err)
{
    fhs_stmt *stmt;
    *number_out = 0;
    fhirstore_status status = take_write(conn, add_sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_stmt_bind_int(stmt, 1, type);
    (void)fhs_stmt_bind_text(stmt, 2, code);
    (void)fhs_stmt_bind_int(stmt, 3, state);
    status = run_write(conn, stmt, err);
    if (status == FHIRSTORE_OK) {
        *number_out = (uint32_t)sqlite3_last_insert_rowid(conn->db);
    }
    return status;
}

fhirstore_status fhs_paramnum_find(fhs_conn *conn, int32_t type, fhs_str code, uint32_t *number_out,
                                   fhs_param_state *state_out, fhirstore_error **err)
{
    fhs_stmt *stmt;
    *number_out = 0;
    *state_out = FHS_PARAM_READY;
    fhirstore_status status = fhs_stmt_take(conn, find_sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_stmt_bind_int(stmt, 1, type);
    (void)fhs_stmt_bind_text(stmt, 2, code);
    status = fhs_stmt_step(stmt, err);
    if (status == FHIRSTORE_OK) {
        *number_out = (uint32_t)fhs_stmt_int(stmt, 0);
        *state_out = (fhs_param_state)fhs_stmt_int(stmt, 1);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_paramnum_retire(fhs_conn *conn, uint32_t number, fhirstore_error **err)
{
    char code[32];
    fhs_stmt *stmt;
    /* No parameter's code has a blank. */
    int len = snprintf(code, sizeof code, "dropped %u", number);
    fhirstore_status status = take_write(conn, retire_sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_stmt_bind_int(stmt, 1, number);
    (void)fhs_stmt_bind_text(stmt, 2, fhs_str_of(code, (size_t)len));
    (void)fhs_stmt_bind_int(stmt, 3, FHS_PARAM_DROPPED);
    return run_write(conn, stmt, err);
}

fhirstore_status fhs_paramnum_set_ready(fhs_conn *conn, uint32_t number, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = take_write(conn, state_sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_stmt_bind_int(stmt, 1, number);
    (void)fhs_stmt_bind_int(stmt, 2, FHS_PARAM_READY);
    return run_write(conn, stmt, err);
}

fhirstore_status fhs_paramnum_remove(fhs_conn *conn, uint32_t number, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = take_write(conn, remove_sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_stmt_bind_int(stmt, 1, number);
    return run_write(conn, stmt, err);
}

/* All numbers are looked at: in a damaged tree, whose pages lead in a circle, they do not ascend.
 */
fhirstore_status fhs_paramnum_unready(fhs_conn *conn,
                                      bool (*visit)(void *ctx, uint32_t number, int32_t type,
                                                    fhs_param_state state),
                                      void *ctx, fhirstore_error **err)
{
    fhs_stmt *stmt;
    int64_t last = 0;
    bool more = true;
    fhirstore_status status = fhs_stmt_take(conn, unready_sql, &stmt, err);
    while (more && status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        const int64_t number = fhs_stmt_int(stmt, 0);
        const fhs_param_state state = (fhs_param_state)fhs_stmt_int(stmt, 2);
        if (number <= last) {
            status = fhs_fail(err, FHIRSTORE_ERR_CORRUPT,
                              "the numbers of search parameters are out of order");
        } else if (state != FHS_PARAM_READY) {
            more = visit(ctx, (uint32_t)number, (int32_t)fhs_stmt_int(stmt, 1), state);
        }
        last = number;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_meta_remove(fhs_conn *conn, fhs_str name, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = take_write(conn, meta_remove_sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_stmt_bind_text(stmt, 1, name);
    return run_write(conn, stmt, err);
}

fhirstore_status fhs_meta_each(fhs_conn *conn, fhs_str prefix,
                               bool (*visit)(void *ctx, fhs_str name), void *ctx,
                               fhirstore_error **err)
{
    fhs_stmt *stmt;
    bool more = true;
    fhirstore_status status = fhs_stmt_take(conn, meta_each_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_text(stmt, 1, prefix);
    }
    while (more && status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        fhs_str name = fhs_stmt_text(stmt, 0);
        more = fhs_str_starts_with(name, prefix) && visit(ctx, fhs_str_from(name, prefix.len));
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_resource_count_after(fhs_conn *conn, int32_t type, fhs_entity after,
                                          int64_t *count_out, fhirstore_error **err)
{
    fhs_stmt *stmt;
    *count_out = 0;
    fhirstore_status status = fhs_stmt_take(conn, count_after_sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_stmt_bind_int(stmt, 1, type);
    (void)fhs_stmt_bind_int(stmt, 2, after);
    status = fhs_stmt_step(stmt, err);
    if (status == FHIRSTORE_OK) {
        *count_out = fhs_stmt_int(stmt, 0);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}
