/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index rows: what the index tables hold, in one shape for all kinds, and the row list: the rows of
 * one resource as bytes, sorted, kept beside the resource. The list makes an update a merge of two
 * sorted lists (only differences touch the tables), gives sort keys and membership by resource
 * without a second set of tables, and is what verify compares with a fresh extraction.
 */
#ifndef FHS_STORAGE_ROWS_H
#define FHS_STORAGE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Numbers are part of the file format. */
typedef enum fhs_row_kind {
    FHS_ROW_TOKEN = 1,
    FHS_ROW_STRING = 2,
    FHS_ROW_DATE = 3,
    FHS_ROW_NUMBER = 4,
    FHS_ROW_QUANTITY = 5,
    FHS_ROW_REFERENCE = 6,
    FHS_ROW_URI = 7,
    FHS_ROW_COMPOSITE = 8,
    FHS_ROW_POSITION = 9,
} fhs_row_kind;
#define FHS_ROW_KIND_COUNT 10

/*
 *   kind       a             b        text                  extra
 *   TOKEN      system uri    0        code, ASCII-folded    the code as written, where it differs
 *   STRING     0             0        folded text           the text as written, where it differs
 *   DATE       lo tick       hi tick  –                     –
 *   NUMBER     0             0        low sort key          high sort key of an interval
 *   QUANTITY   unit          0        low sort key          high sort key of an interval
 *   REFERENCE  target entity 0        –                     version ("2"; canonical "|1.0" → "1.0")
 *   URI        0             0        the uri               –
 *   COMPOSITE  0             0        key (index/README)    –
 *   POSITION   latitude      longitude in 1e-9 degrees
 *
 * Numbers of systems, units, parameters and entities are the store's interned ones. A token without
 * a system has system 0; a token whose system is unknown to nobody does not exist.
 * A reference that has only an identifier is a TOKEN row of the same parameter.
 */
typedef struct fhs_row {
    uint8_t kind;
    uint32_t param;
    int64_t a;
    int64_t b;
    fhs_str text;
    fhs_str extra;
} fhs_row;

/* A date range wider than this is also kept in order of its high bound. */
#define FHS_DATE_NARROW_TICKS (INT64_C(86400) * INT64_C(10000000))

/* Append one encoded row. */
void fhs_row_encode(fhs_buf *list, const fhs_row *row);
/*
 * Sort the encoded rows in @a list and drop repeated ones, in place. ERR_NO_MEMORY, ERR_CORRUPT.
 */
fhirstore_status fhs_row_list_normalise(fhs_buf *list, fhirstore_error **err);

/* Walk a list; the row's views borrow it. */
typedef struct fhs_row_cursor {
    fhs_str rest;
} fhs_row_cursor;
/* OK with a row, DONE at the end, ERR_CORRUPT. *encoded_out (may be NULL): the row's own bytes. */
fhirstore_status fhs_row_next(fhs_row_cursor *cursor, fhs_row *row_out, fhs_str *encoded_out);

#endif
