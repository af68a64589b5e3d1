/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and counts. */
#include "storage/storage_internal.h"

static fhirstore_status ask_count(fhs_conn *conn, const char *sql, int64_t *value_out,
                                  fhirstore_error **err)
{
    fhs_stmt *stmt;
    *value_out = 0;
    fhirstore_status status = fhs_stmt_take(conn, fhs_str_from_cstr(sql), &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK) {
        *value_out = fhs_stmt_int(stmt, 0);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static int64_t open_file_size(fhs_conn *conn, int what)
{
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    if (sqlite3_file_control(conn->db, "main", what, &file) == SQLITE_OK && file != NULL &&
        file->pMethods != NULL && file->pMethods->xFileSize(file, &size) == SQLITE_OK) {
        return size;
    }
    return 0;
}

fhirstore_status fhs_storage_get_stats(fhs_conn *conn, fhs_storage_stats *out,
                                       fhirstore_error **err)
{
    *out = (fhs_storage_stats){0};
    const struct {
        const char *sql;
        int64_t *value;
    } counts[] = {
        {"SELECT count(*) FROM current_type", &out->resources},
        {"SELECT count(*) FROM resource WHERE deleted=1", &out->deleted},
        {"SELECT count(*) FROM version", &out->versions},
        {"SELECT max(seq) FROM version", &out->last_seq},
        {"PRAGMA page_count", &out->page_count},
        {"PRAGMA freelist_count", &out->free_pages},
        {"SELECT count(*) FROM idx_token", &out->row_count[FHS_ROW_TOKEN]},
        {"SELECT count(*) FROM idx_string", &out->row_count[FHS_ROW_STRING]},
        {"SELECT count(*) FROM idx_date", &out->row_count[FHS_ROW_DATE]},
        {"SELECT count(*) FROM idx_number", &out->row_count[FHS_ROW_NUMBER]},
        {"SELECT count(*) FROM idx_quantity", &out->row_count[FHS_ROW_QUANTITY]},
        {"SELECT count(*) FROM idx_reference", &out->row_count[FHS_ROW_REFERENCE]},
        {"SELECT count(*) FROM idx_uri", &out->row_count[FHS_ROW_URI]},
        {"SELECT count(*) FROM idx_composite", &out->row_count[FHS_ROW_COMPOSITE]},
        {"SELECT count(*) FROM idx_position", &out->row_count[FHS_ROW_POSITION]},
    };
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < FHS_COUNT_OF(counts) && status == FHIRSTORE_OK; i++) {
        status = ask_count(conn, counts[i].sql, counts[i].value, err);
    }
    out->file_bytes = open_file_size(conn, SQLITE_FCNTL_FILE_POINTER) +
                      (conn->storage->vfs != NULL ? (int64_t)FHS_KEYS_BLOCK_BYTES : 0);
    out->wal_bytes = open_file_size(conn, SQLITE_FCNTL_JOURNAL_POINTER);
    return status;
}

fhirstore_status fhs_storage_type_counts(fhs_conn *conn,
                                         bool (*visit)(void *ctx, fhs_str type, int64_t count),
                                         void *ctx, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(
        conn,
        FHS_LIT(
            "SELECT t.name,c.n FROM (SELECT type,count(*) AS n FROM current_type GROUP BY type) "
            "AS c JOIN type t ON t.num=c.type ORDER BY t.name"),
        &stmt, err);
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        if (!visit(ctx, fhs_stmt_text(stmt, 0), fhs_stmt_int(stmt, 1))) {
            break;
        }
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}
