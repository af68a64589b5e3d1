/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/stmt.h"

#include <string.h>

#include "base/mem.h"
#include "storage/storage_internal.h"

struct fhs_stmt {
    fhs_conn *conn;
    sqlite3_stmt *sqlite;
    fhs_stmt *next; /* most recently used first */
    uint32_t hash;
    bool is_taken;
    fhirstore_status unbound; /* a value that could not be bound: stepping would ask for NULL */
    size_t sql_len;
    char sql[];
};

static uint32_t hash_sql(fhs_str sql)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sql.len; i++) {
        hash = (hash ^ (unsigned char)sql.ptr[i]) * 16777619u;
    }
    return hash;
}

static void free_statement(fhs_stmt *stmt)
{
    (void)sqlite3_finalize(stmt->sqlite);
    fhs_free(stmt);
}

/* Drop the idle statement that was used longest ago, when there are too many. */
static void trim_statements(fhs_conn *conn)
{
    if (conn->statement_count <= FHS_IDLE_STATEMENTS) {
        return;
    }
    fhs_stmt **oldest = NULL;
    for (fhs_stmt **at = &conn->statements; *at != NULL; at = &(*at)->next) {
        if (!(*at)->is_taken) {
            oldest = at;
        }
    }
    if (oldest != NULL) {
        fhs_stmt *stmt = *oldest;
        *oldest = stmt->next;
        conn->statement_count--;
        free_statement(stmt);
    }
}

static fhs_stmt *find_idle(fhs_conn *conn, uint32_t hash, fhs_str sql)
{
    for (fhs_stmt **at = &conn->statements; *at != NULL; at = &(*at)->next) {
        fhs_stmt *stmt = *at;
        if (stmt->hash == hash && !stmt->is_taken && stmt->sql_len == sql.len &&
            memcmp(stmt->sql, sql.ptr, sql.len) == 0) {
            *at = stmt->next;
            return stmt;
        }
    }
    return NULL;
}

static fhirstore_status prepare_statement(fhs_conn *conn, uint32_t hash, fhs_str sql,
                                          fhs_stmt **out, fhirstore_error **err)
{
    if (sql.len > INT32_MAX) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_LIMIT);
    }
    fhs_stmt *stmt = fhs_calloc(1, sizeof *stmt + sql.len + 1);
    if (stmt == NULL) {
        return fhs_fail_memory(err);
    }
    stmt->conn = conn;
    stmt->hash = hash;
    stmt->sql_len = sql.len;
    memcpy(stmt->sql, sql.ptr, sql.len);
    int rc = sqlite3_prepare_v3(conn->db, stmt->sql, (int)sql.len, SQLITE_PREPARE_PERSISTENT,
                                &stmt->sqlite, NULL);
    if (rc != SQLITE_OK) {
        fhs_free(stmt);
        return fhs_sql_fail(conn, rc, err);
    }
    conn->statement_count++;
    *out = stmt;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_stmt_take(fhs_conn *conn, fhs_str sql, fhs_stmt **out, fhirstore_error **err)
{
    *out = NULL;
    uint32_t hash = hash_sql(sql);
    fhs_stmt *stmt = find_idle(conn, hash, sql);
    if (stmt == NULL) {
        fhirstore_status status = prepare_statement(conn, hash, sql, &stmt, err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    stmt->is_taken = true;
    stmt->unbound = FHIRSTORE_OK;
    stmt->next = conn->statements;
    conn->statements = stmt;
    *out = stmt;
    return FHIRSTORE_OK;
}

void fhs_stmt_reset(fhs_stmt *stmt)
{
    (void)sqlite3_reset(stmt->sqlite);
}

void fhs_stmt_give(fhs_stmt *stmt)
{
    if (stmt == NULL) {
        return;
    }
    /* Values that were bound must not outlive their use: they are the searcher's. */
    (void)sqlite3_reset(stmt->sqlite);
    (void)sqlite3_clear_bindings(stmt->sqlite);
    stmt->is_taken = false;
    trim_statements(stmt->conn);
}

void fhs_statements_free(fhs_conn *conn)
{
    while (conn->statements != NULL) {
        fhs_stmt *stmt = conn->statements;
        conn->statements = stmt->next;
        free_statement(stmt);
    }
    conn->statement_count = 0;
}

sqlite3_stmt *fhs_stmt_raw(fhs_stmt *stmt)
{
    return stmt->sqlite;
}

/* The failure sticks, so that a caller who only looks at the step is told as well. */
static fhirstore_status note_bound(fhs_stmt *stmt, int rc)
{
    fhirstore_status status = fhs_sqlite_status(rc);
    if (status != FHIRSTORE_OK) {
        stmt->unbound = status;
    }
    return status;
}

fhirstore_status fhs_stmt_bind_int(fhs_stmt *stmt, int index, int64_t value)
{
    return note_bound(stmt, sqlite3_bind_int64(stmt->sqlite, index, value));
}

fhirstore_status fhs_stmt_bind_text(fhs_stmt *stmt, int index, fhs_str value)
{
    return note_bound(stmt,
                      sqlite3_bind_text64(stmt->sqlite, index, value.ptr == NULL ? "" : value.ptr,
                                          value.len, SQLITE_TRANSIENT, SQLITE_UTF8));
}

fhirstore_status fhs_stmt_bind_blob(fhs_stmt *stmt, int index, fhs_str value)
{
    return note_bound(stmt,
                      sqlite3_bind_blob64(stmt->sqlite, index, value.ptr == NULL ? "" : value.ptr,
                                          value.len, SQLITE_TRANSIENT));
}

fhirstore_status fhs_stmt_step(fhs_stmt *stmt, fhirstore_error **err)
{
    fhs_conn *conn = stmt->conn;
    if (FHS_UNLIKELY(stmt->unbound != FHIRSTORE_OK)) {
        return fhs_fail_plain(err, stmt->unbound);
    }
    fhirstore_status status = fhs_conn_check_cancelled(conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_flush(conn, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int rc = sqlite3_step(stmt->sqlite);
    if (rc == SQLITE_DONE) {
        return FHIRSTORE_DONE;
    }
    return fhs_sql_fail(conn, rc, err);
}

int64_t fhs_stmt_int(fhs_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->sqlite, column);
}

fhs_str fhs_stmt_text(fhs_stmt *stmt, int column)
{
    const char *ptr = (const char *)sqlite3_column_text(stmt->sqlite, column);
    int len = sqlite3_column_bytes(stmt->sqlite, column);
    return ptr == NULL || len <= 0 ? FHS_STR_NONE : (fhs_str){ptr, (size_t)len};
}

fhs_str fhs_stmt_blob(fhs_stmt *stmt, int column)
{
    return fhs_column_str(stmt->sqlite, column);
}

bool fhs_stmt_is_null(fhs_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt->sqlite, column) == SQLITE_NULL;
}
