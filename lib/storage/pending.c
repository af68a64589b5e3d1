/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "storage/cell.h"
#include "storage/rows_internal.h"
#include "storage/storage_internal.h"

/* More unwritten rows than this are written at once. */
#define PENDING_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define PENDING_MAX_ITEMS ((size_t)96 * 1024)
/* Capacity that is kept for the next transaction. */
#define PENDING_KEPT_BYTES ((size_t)8 * 1024 * 1024)
#define PENDING_HARD_BYTES ((size_t)1024 * 1024 * 1024)

#define OP_ADD    '+'
#define OP_DELETE '-'

void fhs_pending_init(fhs_pending *pending)
{
    *pending = (fhs_pending){.bytes = FHS_BUF_INIT(PENDING_HARD_BYTES)};
}

void fhs_pending_clear(fhs_pending *pending)
{
    fhs_buf_clear(&pending->bytes);
    fhs_free(pending->items);
    fhs_pending_init(pending);
}

static void set_number(fhs_pending_row *out, int64_t number)
{
    out->columns[out->column_count++] = (fhs_column){.type = SQLITE_INTEGER, .number = number};
}

static void set_text(fhs_pending_row *out, uint8_t type, fhs_str text)
{
    out->columns[out->column_count++] = (fhs_column){.type = type, .text = text};
}

static void set_interval(fhs_pending_row *out, const fhs_row *row)
{
    set_text(out, SQLITE_BLOB, row->text);
    set_text(out, SQLITE_BLOB, row->extra.len == 0 ? row->text : row->extra);
}

void fhs_pending_row_from(const fhs_row *row, int64_t entity, fhs_pending_row *out)
{
    out->kind = row->kind;
    out->column_count = 0;
    set_number(out, row->param);
    switch (row->kind) {
    case FHS_ROW_TOKEN:
        set_text(out, SQLITE_TEXT, row->text);
        set_number(out, row->a);
        set_text(out, SQLITE_TEXT, row->extra);
        break;
    case FHS_ROW_STRING:
        set_text(out, SQLITE_TEXT, row->text);
        set_text(out, SQLITE_TEXT, row->extra);
        break;
    case FHS_ROW_URI:
        set_text(out, SQLITE_TEXT, row->text);
        break;
    case FHS_ROW_COMPOSITE:
        set_text(out, SQLITE_BLOB, row->text);
        break;
    case FHS_ROW_POSITION:
        set_number(out, fhs_cell_of(row->a, row->b));
        set_number(out, row->a);
        set_number(out, row->b);
        break;
    case FHS_ROW_DATE:
        set_number(out, row->a);
        set_number(out, row->b);
        break;
    case FHS_ROW_NUMBER:
        set_interval(out, row);
        break;
    case FHS_ROW_QUANTITY:
        set_number(out, row->a);
        set_interval(out, row);
        break;
    case FHS_ROW_REFERENCE:
    default:
        set_number(out, row->a);
        break;
    }
    set_number(out, entity);
    if (row->kind == FHS_ROW_REFERENCE) {
        set_text(out, SQLITE_TEXT, row->extra);
    }
}

/* Rows of the tables without a row list: a count of signed numbers. */
static bool decode_numbers(fhs_str bytes, fhs_pending_row *out)
{
    out->kind = (uint8_t)bytes.ptr[0];
    out->column_count = 0;
    fhs_str rest = fhs_str_from(bytes, 1);
    while (rest.len > 0 && out->column_count < FHS_PENDING_COLUMNS) {
        int64_t number;
        if (!fhs_i64_read(&rest, &number)) {
            return false;
        }
        set_number(out, number);
    }
    return rest.len == 0;
}

bool fhs_pending_decode(fhs_str bytes, fhs_pending_row *out)
{
    if (bytes.len == 0) {
        return false;
    }
    unsigned char lead = (unsigned char)bytes.ptr[0];
    if (lead >= FHS_PENDING_DATE_HI && lead < FHS_PENDING_KINDS) {
        return decode_numbers(bytes, out);
    }
    fhs_row row;
    int64_t entity;
    if (!fhs_row_decode(&bytes, &row) || !fhs_i64_read(&bytes, &entity) || bytes.len != 0) {
        return false;
    }
    fhs_pending_row_from(&row, entity, out);
    return true;
}

static bool grow_items(fhs_pending *pending)
{
    size_t capacity = pending->capacity == 0 ? 256 : pending->capacity * 2;
    fhs_pending_item *items = fhs_realloc(pending->items, capacity * sizeof *items);
    if (items == NULL) {
        return false;
    }
    pending->items = items;
    pending->capacity = capacity;
    return true;
}

/* The item's bytes are in the buffer from @a at on; close it with its operation. */
static fhirstore_status add_item(fhs_conn *conn, size_t at, bool added, fhirstore_error **err)
{
    fhs_pending *pending = &conn->pending;
    size_t len = pending->bytes.len - at;
    fhs_buf_add_char(&pending->bytes, added ? OP_ADD : OP_DELETE);
    fhirstore_status status = fhs_buf_status(&pending->bytes);
    if (status != FHIRSTORE_OK || (pending->count == pending->capacity && !grow_items(pending))) {
        return fhs_fail_plain(
            err, fhs_conn_spoil(conn, status != FHIRSTORE_OK ? status : FHIRSTORE_ERR_NO_MEMORY));
    }
    pending->items[pending->count++] = (fhs_pending_item){(uint32_t)at, (uint32_t)len};
    if (pending->bytes.len - pending->written_bytes > PENDING_MAX_BYTES ||
        pending->count - pending->written > PENDING_MAX_ITEMS) {
        return fhs_pending_flush(conn, err);
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_pending_add(fhs_conn *conn, uint8_t kind, const int64_t *numbers, size_t count,
                                 bool added, fhirstore_error **err)
{
    char bytes[1 + 8 * FHS_PENDING_COLUMNS];
    size_t len = 0;
    bytes[len++] = (char)kind;
    for (size_t i = 0; i < count; i++) {
        len += fhs_i64_write(bytes + len, numbers[i]);
    }
    size_t at = conn->pending.bytes.len;
    fhs_buf_add(&conn->pending.bytes, bytes, len);
    return add_item(conn, at, added, err);
}

fhirstore_status fhs_pending_add_row(fhs_conn *conn, fhs_str encoded, const fhs_row *row,
                                     int64_t entity, bool added, fhirstore_error **err)
{
    char tail[8];
    fhs_pending *pending = &conn->pending;
    size_t at = pending->bytes.len;
    fhs_buf_add_str(&pending->bytes, encoded);
    fhs_buf_add(&pending->bytes, tail, fhs_i64_write(tail, entity));
    fhirstore_status status = add_item(conn, at, added, err);
    if (status == FHIRSTORE_OK && row->kind == FHS_ROW_DATE &&
        (uint64_t)row->b - (uint64_t)row->a > (uint64_t)FHS_DATE_NARROW_TICKS) {
        const int64_t numbers[] = {row->param, row->b, row->a, entity};
        status = fhs_pending_add(conn, FHS_PENDING_DATE_HI, numbers, 4, added, err);
    }
    return status;
}

/* ---- writing ---- */

static bool is_delete(const char *base, const fhs_span *span)
{
    return base[span->at + span->len] == OP_DELETE;
}

/*
 * Reduce the sorted spans to what is to be done: inserts to the front of @a spans, deletes to
 * @a deletes. Of several decisions about one row the first tells what the table holds and the last
 * what it shall hold; equal spans stand in the order in which they were decided.
 */
static void net_effect(const char *base, fhs_span *spans, size_t count, fhs_span *deletes,
                       size_t *insert_count, size_t *delete_count)
{
    size_t inserts = 0;
    size_t removed = 0;
    size_t at = 0;
    while (at < count) {
        size_t end = at + 1;
        while (end < count && fhs_span_compare(base, &spans[at], &spans[end]) == 0) {
            end++;
        }
        bool first_deletes = is_delete(base, &spans[at]);
        if (first_deletes == is_delete(base, &spans[end - 1])) {
            if (first_deletes) {
                deletes[removed++] = spans[at];
            } else {
                spans[inserts++] = spans[at];
            }
        }
        at = end;
    }
    *insert_count = inserts;
    *delete_count = removed;
}

static uint8_t pending_kind(const char *base, const fhs_span *span)
{
    return (uint8_t)(base[span->at] & 0x7F);
}

static fhirstore_status feed_inserts(fhs_conn *conn, const fhs_span *spans, size_t count,
                                     fhirstore_error **err)
{
    fhs_pending *pending = &conn->pending;
    const char *base = pending->bytes.ptr;
    fhirstore_status status = FHIRSTORE_OK;
    size_t at = 0;
    while (at < count && status == FHIRSTORE_OK) {
        uint8_t kind = pending_kind(base, &spans[at]);
        size_t end = at + 1;
        while (end < count && pending_kind(base, &spans[end]) == kind) {
            end++;
        }
        pending->feed = spans + at;
        pending->feed_count = end - at;
        sqlite3_stmt *stmt;
        status = fhs_core(conn, (fhs_sql)(FHS_SQL_INSERT_FIRST + kind), &stmt, err);
        if (status == FHIRSTORE_OK) {
            status = fhs_core_run(conn, stmt, err);
        }
        at = end;
    }
    pending->feed = NULL;
    pending->feed_count = 0;
    return status;
}

static fhirstore_status delete_row(fhs_conn *conn, fhs_str bytes, fhirstore_error **err)
{
    fhs_pending_row row;
    if (!fhs_pending_decode(bytes, &row)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_INTERNAL);
    }
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, (fhs_sql)(FHS_SQL_DELETE_FIRST + row.kind), &stmt,
                                       err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    for (int i = 0; i < row.column_count; i++) {
        const fhs_column *column = &row.columns[i];
        if (column->type == SQLITE_INTEGER) {
            (void)sqlite3_bind_int64(stmt, i + 1, column->number);
        } else if (column->type == SQLITE_TEXT) {
            (void)fhs_bind_str(stmt, i + 1, column->text);
        } else {
            (void)fhs_bind_bytes(stmt, i + 1, column->text);
        }
    }
    return fhs_core_run(conn, stmt, err);
}

static fhirstore_status write_pending(fhs_conn *conn, fhs_span *spans, size_t count,
                                      fhirstore_error **err)
{
    fhs_pending *pending = &conn->pending;
    const char *base = pending->bytes.ptr;
    for (size_t i = 0; i < count; i++) {
        const fhs_pending_item *item = &pending->items[pending->written + i];
        spans[i] = fhs_span_make(base, item->at, item->len);
    }
    size_t inserts;
    size_t deletes;
    fhs_span *deleted = spans + count;
    fhs_span_sort(base, spans, deleted, count);
    net_effect(base, spans, count, deleted, &inserts, &deletes);
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < deletes && status == FHIRSTORE_OK; i++) {
        status = delete_row(conn, fhs_str_of(base + deleted[i].at, deleted[i].len), err);
    }
    return status == FHIRSTORE_OK ? feed_inserts(conn, spans, inserts, err) : status;
}

fhirstore_status fhs_pending_flush(fhs_conn *conn, fhirstore_error **err)
{
    fhs_pending *pending = &conn->pending;
    size_t count = pending->count - pending->written;
    if (count == 0) {
        return FHIRSTORE_OK;
    }
    fhs_span *spans = fhs_calloc(2 * count, sizeof *spans);
    if (spans == NULL) {
        (void)fhs_conn_spoil(conn, FHIRSTORE_ERR_NO_MEMORY);
        return fhs_fail_memory(err);
    }
    fhirstore_status status = write_pending(conn, spans, count, err);
    fhs_free(spans);
    if (status != FHIRSTORE_OK) {
        return fhs_conn_spoil(conn, status);
    }
    pending->written = pending->count;
    pending->written_bytes = pending->bytes.len;
    const fhs_pending_mark *keep = &conn->levels[conn->depth].pending;
    fhs_pending_settle(pending, keep->count, keep->bytes);
    return FHIRSTORE_OK;
}

/* ---- marks ---- */

fhs_pending_mark fhs_pending_get_mark(const fhs_pending *pending)
{
    return (fhs_pending_mark){pending->count, pending->bytes.len, pending->written,
                              pending->written_bytes};
}

void fhs_pending_drop(fhs_pending *pending, fhs_pending_mark mark)
{
    pending->count = mark.count;
    pending->bytes.len = mark.bytes;
    pending->bytes.failed = FHIRSTORE_OK;
    pending->written = mark.written;
    pending->written_bytes = mark.written_bytes;
    if (mark.count == 0 && pending->bytes.capacity > PENDING_KEPT_BYTES) {
        fhs_pending_clear(pending);
    }
}

void fhs_pending_settle(fhs_pending *pending, size_t keep_count, size_t keep_bytes)
{
    if (pending->written == pending->count && pending->count > keep_count) {
        pending->count = keep_count;
        pending->bytes.len = keep_bytes;
        pending->written = keep_count;
        pending->written_bytes = keep_bytes;
    }
}
