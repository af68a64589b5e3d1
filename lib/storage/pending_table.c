/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fhs_pending: a table-valued function over the rows that fhs_pending_flush() is feeding, so that
 * one INSERT … SELECT writes all rows of a table without a statement for each.
 */
#include "base/mem.h"
#include "storage/storage_internal.h"

typedef struct feed_table {
    sqlite3_vtab base;
    fhs_conn *conn;
} feed_table;

typedef struct feed_cursor {
    sqlite3_vtab_cursor base;
    size_t at;
    fhs_pending_row row;
} feed_cursor;

static int feed_connect(sqlite3 *db, void *ctx, int argc, const char *const *argv,
                        sqlite3_vtab **vtab_out, char **message_out)
{
    (void)argc;
    (void)argv;
    (void)message_out;
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(c0,c1,c2,c3,c4)");
    if (rc != SQLITE_OK) {
        return rc;
    }
    feed_table *table = fhs_calloc(1, sizeof *table);
    if (table == NULL) {
        return SQLITE_NOMEM;
    }
    table->conn = ctx;
    *vtab_out = &table->base;
    return SQLITE_OK;
}

static int feed_disconnect(sqlite3_vtab *vtab)
{
    fhs_free(vtab);
    return SQLITE_OK;
}

static int feed_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    (void)vtab;
    info->estimatedCost = 1.0;
    return SQLITE_OK;
}

static int feed_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor_out)
{
    (void)vtab;
    feed_cursor *cursor = fhs_calloc(1, sizeof *cursor);
    if (cursor == NULL) {
        return SQLITE_NOMEM;
    }
    *cursor_out = &cursor->base;
    return SQLITE_OK;
}

static int feed_close(sqlite3_vtab_cursor *base)
{
    fhs_free(base);
    return SQLITE_OK;
}

static const fhs_pending *feed_of(sqlite3_vtab_cursor *base)
{
    return &((feed_table *)base->pVtab)->conn->pending;
}

static int feed_load(sqlite3_vtab_cursor *base)
{
    feed_cursor *cursor = (feed_cursor *)base;
    const fhs_pending *pending = feed_of(base);
    if (cursor->at >= pending->feed_count) {
        return SQLITE_OK;
    }
    const fhs_span *span = &pending->feed[cursor->at];
    fhs_str bytes = {pending->bytes.ptr + span->at, span->len};
    return fhs_pending_decode(bytes, &cursor->row) ? SQLITE_OK : SQLITE_INTERNAL;
}

static int feed_filter(sqlite3_vtab_cursor *base, int plan, const char *plan_text, int argc,
                       sqlite3_value **argv)
{
    (void)plan;
    (void)plan_text;
    (void)argc;
    (void)argv;
    ((feed_cursor *)base)->at = 0;
    return feed_load(base);
}

static int feed_next(sqlite3_vtab_cursor *base)
{
    ((feed_cursor *)base)->at++;
    return feed_load(base);
}

static int feed_eof(sqlite3_vtab_cursor *base)
{
    return ((feed_cursor *)base)->at >= feed_of(base)->feed_count;
}

static int feed_column(sqlite3_vtab_cursor *base, sqlite3_context *result, int index)
{
    const feed_cursor *cursor = (const feed_cursor *)base;
    if (index < 0 || index >= cursor->row.column_count) {
        return SQLITE_OK;
    }
    /* The bytes stay where they are until the statement has ended. */
    const fhs_column *column = &cursor->row.columns[index];
    const char *ptr = column->text.ptr == NULL ? "" : column->text.ptr;
    if (column->type == SQLITE_INTEGER) {
        sqlite3_result_int64(result, column->number);
    } else if (column->type == SQLITE_TEXT) {
        sqlite3_result_text(result, ptr, (int)column->text.len, SQLITE_STATIC);
    } else {
        sqlite3_result_blob(result, ptr, (int)column->text.len, SQLITE_STATIC);
    }
    return SQLITE_OK;
}

static int feed_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid_out)
{
    *rowid_out = (sqlite3_int64)((feed_cursor *)base)->at;
    return SQLITE_OK;
}

static const sqlite3_module feed_module = {
    .xConnect = feed_connect,
    .xBestIndex = feed_best_index,
    .xDisconnect = feed_disconnect,
    .xOpen = feed_open,
    .xClose = feed_close,
    .xFilter = feed_filter,
    .xNext = feed_next,
    .xEof = feed_eof,
    .xColumn = feed_column,
    .xRowid = feed_rowid,
};

int fhs_pending_table_register(fhs_conn *conn)
{
    return sqlite3_create_module(conn->db, "fhs_pending", &feed_module, conn);
}
