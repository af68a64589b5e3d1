/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index rows that a transaction has decided on but not yet written. They are gathered, sorted and
 * inserted table by table, because inserting in key order is several times faster than row by row;
 * whoever reads the tables inside the transaction has them written first (fhs_conn_flush).
 *
 * Savepoints: rows from before the innermost savepoint stay here after they were written, so that
 * rolling back to it makes them pending again.
 */
#ifndef FHS_STORAGE_PENDING_H
#define FHS_STORAGE_PENDING_H

#include <stdbool.h>

#include "storage/rows.h"
#include "storage/spans.h"

/* What is gathered besides the nine kinds of index rows. */
enum {
    FHS_PENDING_DATE_HI = 10,
    FHS_PENDING_VERSION_TYPE = 11,
    FHS_PENDING_CURRENT_TYPE = 12,
    FHS_PENDING_CURRENT_UPDATED = 13,
    FHS_PENDING_PATIENT_BODY = 14, /* in stores with keys of patients */
    FHS_PENDING_KINDS = 15,
};

#define FHS_PENDING_COLUMNS 5

/* A row of a table: what to bind, in the order of the table's columns. */
typedef struct fhs_column {
    uint8_t type; /* SQLITE_INTEGER, SQLITE_TEXT or SQLITE_BLOB */
    int64_t number;
    fhs_str text;
} fhs_column;

typedef struct fhs_pending_row {
    uint8_t kind;
    uint8_t column_count;
    fhs_column columns[FHS_PENDING_COLUMNS];
} fhs_pending_row;

typedef struct fhs_pending_item {
    uint32_t at;
    uint32_t len;
} fhs_pending_item;

typedef struct fhs_pending {
    fhs_buf bytes;
    fhs_pending_item *items; /* in the order they were decided */
    size_t count;
    size_t capacity;
    size_t written; /* items before this one are in the tables */
    size_t written_bytes;
    /* while one table is being fed */
    const fhs_span *feed;
    size_t feed_count;
} fhs_pending;

typedef struct fhs_pending_mark {
    size_t count;
    size_t bytes;
    size_t written;
    size_t written_bytes;
} fhs_pending_mark;

void fhs_pending_init(fhs_pending *pending);
void fhs_pending_clear(fhs_pending *pending);
/* Columns of one index row as its table has them. */
void fhs_pending_row_from(const fhs_row *row, int64_t entity, fhs_pending_row *out);
/* Decode item bytes (without the leading operation). */
bool fhs_pending_decode(fhs_str bytes, fhs_pending_row *out);

struct fhs_conn;
/* Note an index row (and its second order for wide dates) or a row of another table. */
fhirstore_status fhs_pending_add_row(struct fhs_conn *conn, fhs_str encoded, const fhs_row *row,
                                     int64_t entity, bool added, fhirstore_error **err);
fhirstore_status fhs_pending_add(struct fhs_conn *conn, uint8_t kind, const int64_t *numbers,
                                 size_t count, bool added, fhirstore_error **err);
/* Write all that is not written. */
fhirstore_status fhs_pending_flush(struct fhs_conn *conn, fhirstore_error **err);

fhs_pending_mark fhs_pending_get_mark(const fhs_pending *pending);
void fhs_pending_drop(fhs_pending *pending, fhs_pending_mark mark);
/* After a savepoint was released: forget what is written and no longer needed for one. */
void fhs_pending_settle(fhs_pending *pending, size_t keep_count, size_t keep_bytes);

#endif
