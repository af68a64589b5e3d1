/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prepared statements for search/sql.c, which may not see sqlite3.h. Statements are kept by the
 * connection under their text and reused; values are always bound, never written into the text.
 */
#ifndef FHS_STORAGE_STMT_H
#define FHS_STORAGE_STMT_H

#include "storage/storage.h"

typedef struct fhs_stmt fhs_stmt;

/* Take a statement: prepared, or an idle one of the same text from the connection's cache. */
fhirstore_status fhs_stmt_take(fhs_conn *conn, fhs_str sql, fhs_stmt **out, fhirstore_error **err);
/* Reset it and give it back to the cache. NULL is a no-op. */
void fhs_stmt_give(fhs_stmt *stmt);

/* Ready to be stepped from the beginning again; what is bound stays bound. */
void fhs_stmt_reset(fhs_stmt *stmt);

/* Parameters count from 1. Text and blobs are copied unless bound as static. */
fhirstore_status fhs_stmt_bind_int(fhs_stmt *stmt, int index, int64_t value);
fhirstore_status fhs_stmt_bind_text(fhs_stmt *stmt, int index, fhs_str value);
fhirstore_status fhs_stmt_bind_blob(fhs_stmt *stmt, int index, fhs_str value);
/* OK with a row, DONE, or an error (ERR_CANCELLED when interrupted). */
fhirstore_status fhs_stmt_step(fhs_stmt *stmt, fhirstore_error **err);
/* Columns count from 0; views are borrowed until the next step. */
int64_t fhs_stmt_int(fhs_stmt *stmt, int column);
fhs_str fhs_stmt_text(fhs_stmt *stmt, int column);
fhs_str fhs_stmt_blob(fhs_stmt *stmt, int column);
bool fhs_stmt_is_null(fhs_stmt *stmt, int column);
/*
 * SQL functions every connection has, so that filters and sort keys can come from a row list:
 *   fhs_rows_min(rows, param, kind), fhs_rows_max(rows, param, kind): the smallest or largest value
 *     of that parameter (date: lo; string, token, uri: text; number, quantity: low key; reference:
 *     target), NULL when it has none;
 *   fhs_rows_has(rows, param, kind): 1 or 0;
 *   fhs_rows_date(rows, param, op, lo, hi): whether some date of it stands in that relation, op as
 *     enum fhs_compare in query/query.h by number;
 *   fhs_cell(latitude, longitude): the place of a position in idx_position (cell.h).
 */

#endif
