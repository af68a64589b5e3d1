/* SPDX-License-Identifier: Apache-2.0 */
/* Resources: the point read, one version, and the write that keeps all tables in step. */
#include "base/limits.h"
#include "storage/chain.h"
#include "storage/patient_internal.h"
#include "storage/rows_internal.h"
#include "storage/storage_internal.h"

/* Columns that every statement here begins with. */
enum {
    COLUMN_ENTITY,
    COLUMN_TYPE,
    COLUMN_VERSION,
    COLUMN_SEQ,
    COLUMN_UPDATED,
    COLUMN_DELETED,
    COLUMN_ID,
    COLUMN_BODY,
    COLUMN_MORE, /* the row list, or the method */
};

static void fill_version(sqlite3_stmt *stmt, fhs_version *out)
{
    out->entity = sqlite3_column_int64(stmt, COLUMN_ENTITY);
    out->type = sqlite3_column_int(stmt, COLUMN_TYPE);
    out->version = sqlite3_column_int64(stmt, COLUMN_VERSION);
    out->seq = sqlite3_column_int64(stmt, COLUMN_SEQ);
    out->updated_us = sqlite3_column_int64(stmt, COLUMN_UPDATED);
    out->is_deleted = sqlite3_column_int(stmt, COLUMN_DELETED) != 0;
    out->method = out->is_deleted ? (uint8_t)FHS_METHOD_DELETE : 0;
    out->is_current = true;
    out->id = fhs_column_str(stmt, COLUMN_ID);
    out->body = fhs_column_str(stmt, COLUMN_BODY);
    out->is_large = out->body.ptr == NULL && !out->is_deleted;
    out->is_shredded = false;
    out->rows = FHS_STR_NONE;
}

/* Read a large body into @a keep, which lends it. */
static fhirstore_status lend_large(fhs_conn *conn, fhs_version *out, fhs_buf *keep,
                                   fhirstore_error **err)
{
    fhirstore_status status = fhs_parts_read(conn, out->seq, keep, err);
    out->body = fhs_buf_str(keep);
    return status;
}

/* Lend out the row to which a step with @a rc led, a large body only when it is wanted. */
static fhirstore_status lend_stepped(fhs_conn *conn, sqlite3_stmt *stmt, int rc, bool wants_large,
                                     fhs_version *out, fhirstore_error **err)
{
    if (FHS_LIKELY(rc == SQLITE_ROW)) {
        fill_version(stmt, out);
        conn->row = stmt;
        if (FHS_UNLIKELY(fhs_body_is_sealed(out->body))) {
            return fhs_body_open(conn, out, &conn->opened, err);
        }
        return FHS_UNLIKELY(out->is_large) && wants_large ? lend_large(conn, out, &conn->large, err)
                                                          : FHIRSTORE_OK;
    }
    *out = (fhs_version){0};
    fhirstore_status status = rc == SQLITE_DONE ? fhs_fail_plain(err, FHIRSTORE_ERR_NOT_FOUND)
                                                : fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    return status;
}

/* Step to the single row and lend it out. */
static fhirstore_status lend_row(fhs_conn *conn, sqlite3_stmt *stmt, bool wants_large,
                                 fhs_version *out, fhirstore_error **err)
{
    return lend_stepped(conn, stmt, sqlite3_step(stmt), wants_large, out, err);
}

static fhirstore_status take_read(fhs_conn *conn, fhs_sql which, int32_t type, fhs_str id,
                                  sqlite3_stmt **stmt_out, fhirstore_error **err)
{
    fhs_conn_drop_row(conn);
    fhirstore_status status = fhs_conn_check_cancelled(conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_core(conn, which, stmt_out, err);
    }
    if (status == FHIRSTORE_OK) {
        (void)sqlite3_bind_int(*stmt_out, 1, type);
        (void)fhs_bind_str(*stmt_out, 2, id);
    }
    return status;
}

/* Rows stepped over before a descent from the root costs less. */
#define STEPS_ON 4

/* Whether @a entity comes soon behind the row that is lent out, in a snapshot that stays. */
static bool comes_soon(const fhs_conn *conn, fhs_entity entity)
{
    return conn->in_read && conn->row != NULL && entity > conn->row_entity &&
           entity - conn->row_entity <= STEPS_ON;
}

/*
 * Who reads in the order in which resources are stored reads on where the last one stood. The
 * statement stays where it is for as long as its row is the one that is lent out.
 */
static fhirstore_status read_on(fhs_conn *conn, fhs_entity entity, bool wants_large,
                                fhs_version *out, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    int rc = SQLITE_ROW;
    fhirstore_status status = fhs_core(conn, FHS_SQL_READ_ON, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (conn->row != stmt) {
        fhs_conn_drop_row(conn);
        (void)sqlite3_bind_int64(stmt, 1, entity);
        rc = sqlite3_step(stmt);
    }
    conn->row = NULL;
    while (rc == SQLITE_ROW && sqlite3_column_int64(stmt, COLUMN_ENTITY) < entity) {
        rc = sqlite3_step(stmt);
    }
    if (rc == SQLITE_ROW && sqlite3_column_int64(stmt, COLUMN_ENTITY) != entity) {
        rc = SQLITE_DONE;
    }
    conn->row_entity = entity;
    return lend_stepped(conn, stmt, rc, wants_large, out, err);
}

static fhirstore_status read_by_entity(fhs_conn *conn, fhs_entity entity, bool wants_large,
                                       fhs_version *out, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_conn_check_cancelled(conn, err);
    if (status == FHIRSTORE_OK && comes_soon(conn, entity)) {
        return read_on(conn, entity, wants_large, out, err);
    }
    fhs_conn_drop_row(conn);
    if (status == FHIRSTORE_OK) {
        status = fhs_core(conn, FHS_SQL_READ_ENTITY, &stmt, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    conn->row_entity = entity;
    (void)sqlite3_bind_int64(stmt, 1, entity);
    return lend_row(conn, stmt, wants_large, out, err);
}

static fhirstore_status read_by_name(fhs_conn *conn, int32_t type, fhs_str id, bool wants_large,
                                     fhs_version *out, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhs_entity entity;
    /* A remembered number saves one of the two descents. */
    if (fhs_name_cache_find(&conn->entities, (uint32_t)type, id, &entity)) {
        return read_by_entity(conn, entity, wants_large, out, err);
    }
    fhirstore_status status = take_read(conn, FHS_SQL_READ, type, id, &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = lend_row(conn, stmt, wants_large, out, err);
    }
    if (status == FHIRSTORE_OK) {
        fhs_name_cache_add(&conn->entities, (uint32_t)type, id, out->entity);
    }
    return status;
}

fhirstore_status fhs_resource_read(fhs_conn *conn, int32_t type, fhs_str id, fhs_version *out,
                                   fhirstore_error **err)
{
    return read_by_name(conn, type, id, true, out, err);
}

fhirstore_status fhs_resource_read_entity(fhs_conn *conn, fhs_entity entity, fhs_version *out,
                                          fhirstore_error **err)
{
    return read_by_entity(conn, entity, true, out, err);
}

fhirstore_status fhs_resource_look(fhs_conn *conn, fhs_entity entity, fhs_version *out,
                                   fhirstore_error **err)
{
    return read_by_entity(conn, entity, false, out, err);
}

fhirstore_status fhs_resource_read_rows(fhs_conn *conn, int32_t type, fhs_str id, fhs_version *out,
                                        fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = take_read(conn, FHS_SQL_READ_ROWS, type, id, &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = lend_row(conn, stmt, false, out, err);
    }
    if (status == FHIRSTORE_OK) {
        out->rows = fhs_column_str(stmt, COLUMN_MORE);
    }
    return status;
}

fhirstore_status fhs_resource_vread(fhs_conn *conn, int32_t type, fhs_str id, int64_t version,
                                    fhs_version *out, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    /* The current one first: a write between the two statements can only move it to the old. */
    fhirstore_status status = read_by_name(conn, type, id, false, out, err);
    if (status == FHIRSTORE_OK && out->version == version && out->is_large) {
        return lend_large(conn, out, &conn->large, err);
    }
    if (status != FHIRSTORE_OK || out->version == version) {
        return status;
    }
    status = take_read(conn, FHS_SQL_READ_VERSION, type, id, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 3, version);
    status = lend_row(conn, stmt, true, out, err);
    if (status == FHIRSTORE_OK) {
        out->method = (uint8_t)sqlite3_column_int(stmt, COLUMN_MORE);
        out->is_current = false;
    }
    return status;
}

fhirstore_status fhs_resource_take_body(fhs_conn *conn, fhs_version *version, fhs_buf *out,
                                        fhirstore_error **err)
{
    bool is_lent = conn->large.ptr != NULL && version->body.ptr == conn->large.ptr;
    if (version->is_large && version->body.len == 0) {
        size_t begin = out->len;
        fhirstore_status status = fhs_parts_read(conn, version->seq, out, err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        version->body = fhs_str_from(fhs_buf_str(out), begin);
    } else if (is_lent && out->len == 0 && version->body.len <= out->max) {
        const size_t max = out->max;
        fhs_buf_clear(out);
        *out = conn->large;
        out->max = max;
        fhs_buf_init(&conn->large, FHS_LIMIT_RESOURCE_BYTES);
    } else {
        fhs_buf_add_str(out, version->body);
    }
    return fhs_buf_status(out) < 0 ? fhs_fail_plain(err, fhs_buf_status(out)) : FHIRSTORE_OK;
}

/* ---- writing ---- */

/* Step, reset; any failure spoils the transaction. */
static fhirstore_status write_row(fhs_conn *conn, sqlite3_stmt *stmt, fhirstore_error **err)
{
    return fhs_conn_spoil(conn, fhs_core_run(conn, stmt, err));
}

static void bind_body(sqlite3_stmt *stmt, int index, bool is_apart, fhs_str body)
{
    if (is_apart) {
        (void)sqlite3_bind_null(stmt, index);
    } else {
        (void)fhs_bind_bytes(stmt, index, body);
    }
}

static fhirstore_status keep_old_version(fhs_conn *conn, const fhs_write *write,
                                         fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_VERSION_OF_ADD, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 1, write->entity);
    (void)sqlite3_bind_int64(stmt, 2, write->old_version);
    (void)sqlite3_bind_int64(stmt, 3, write->old_seq);
    status = write_row(conn, stmt, err);
    if (status != FHIRSTORE_OK || write->old_deleted || write->old_large) {
        return status;
    }
    /* A sealed body is moved as it is. */
    bool moves = conn->storage->has_patient_keys;
    status = fhs_core(conn, moves ? FHS_SQL_OLD_BODY_MOVE : FHS_SQL_OLD_BODY_ADD, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 1, moves ? write->entity : write->old_seq);
    if (moves) {
        (void)sqlite3_bind_int64(stmt, 2, write->old_seq);
    } else {
        (void)fhs_bind_bytes(stmt, 2, write->old_body);
    }
    return write_row(conn, stmt, err);
}

static fhirstore_status set_current(fhs_conn *conn, const fhs_write *write, int64_t seq,
                                    fhs_str body, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    bool is_deleted = write->method == FHS_METHOD_DELETE;
    fhirstore_status status = fhs_core(
        conn, write->exists ? FHS_SQL_RESOURCE_SET : FHS_SQL_RESOURCE_ADD, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int at = 1;
    (void)sqlite3_bind_int64(stmt, at++, write->entity);
    if (!write->exists) {
        (void)sqlite3_bind_int(stmt, at++, write->type);
    }
    (void)sqlite3_bind_int64(stmt, at++, write->version);
    (void)sqlite3_bind_int64(stmt, at++, seq);
    (void)sqlite3_bind_int64(stmt, at++, conn->time_us);
    (void)sqlite3_bind_int(stmt, at++, is_deleted ? 1 : 0);
    if (!write->exists) {
        (void)fhs_bind_str(stmt, at++, write->id);
    }
    bind_body(stmt, at, is_deleted || fhs_write_is_large(write), body);
    status = write_row(conn, stmt, err);
    if (status == FHIRSTORE_OK && write->exists && sqlite3_changes(conn->db) != 1) {
        (void)fhs_conn_spoil(conn, FHIRSTORE_ERR_CORRUPT);
        status = fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "the version to be replaced is not there");
    }
    return status;
}

static fhirstore_status set_entries(fhs_conn *conn, fhs_entity entity, fhs_str rows,
                                    bool is_deleted, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(
        conn, is_deleted ? FHS_SQL_ENTRIES_DELETE : FHS_SQL_ENTRIES_ADD, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 1, entity);
    if (!is_deleted) {
        (void)fhs_bind_bytes(stmt, 2, rows);
    }
    return write_row(conn, stmt, err);
}

static fhirstore_status log_version(fhs_conn *conn, const fhs_write *write, int64_t seq,
                                    const uint8_t *chain, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_VERSION_ADD, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 1, seq);
    (void)sqlite3_bind_int64(stmt, 2, write->entity);
    (void)sqlite3_bind_int64(stmt, 3, write->version);
    (void)sqlite3_bind_int(stmt, 4, write->type);
    (void)sqlite3_bind_int(stmt, 5, write->method);
    (void)sqlite3_bind_int64(stmt, 6, conn->time_us);
    (void)fhs_bind_bytes(stmt, 7, fhs_str_of((const char *)chain, FHS_CHAIN_BYTES));
    status = write_row(conn, stmt, err);
    if (status == FHIRSTORE_OK) {
        const int64_t numbers[] = {write->type, seq};
        status = fhs_pending_add(conn, FHS_PENDING_VERSION_TYPE, numbers, 2, true, err);
    }
    return status;
}

/* The lists of what is current: by type, and by type and time. */
static fhirstore_status list_current(fhs_conn *conn, const fhs_write *write, fhirstore_error **err)
{
    bool was = write->exists && !write->old_deleted;
    bool is = write->method != FHS_METHOD_DELETE;
    const int64_t by_type[] = {write->type, write->entity};
    const int64_t before[] = {write->type, write->old_updated_us, write->entity};
    const int64_t after[] = {write->type, conn->time_us, write->entity};
    fhirstore_status status = FHIRSTORE_OK;
    if (was != is) {
        status = fhs_pending_add(conn, FHS_PENDING_CURRENT_TYPE, by_type, 2, is, err);
    }
    if (was && status == FHIRSTORE_OK) {
        status = fhs_pending_add(conn, FHS_PENDING_CURRENT_UPDATED, before, 3, false, err);
    }
    if (is && status == FHIRSTORE_OK) {
        status = fhs_pending_add(conn, FHS_PENDING_CURRENT_UPDATED, after, 3, true, err);
    }
    return status;
}

typedef struct row_change {
    fhs_conn *conn;
    fhs_entity entity;
    fhirstore_error **err;
} row_change;

static fhirstore_status note_row_change(void *ctx, fhs_str encoded, const fhs_row *row, bool added)
{
    row_change *change = ctx;
    return fhs_pending_add_row(change->conn, encoded, row, change->entity, added, change->err);
}

fhirstore_status fhs_rows_change(fhs_conn *conn, fhs_entity entity, fhs_str old_rows,
                                 fhs_str new_rows, fhirstore_error **err)
{
    row_change change = {conn, entity, err};
    fhirstore_status status = fhs_row_list_diff(old_rows, new_rows, note_row_change, &change);
    if (status == FHIRSTORE_ERR_CORRUPT && (err == NULL || *err == NULL)) {
        status = fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "a list of index rows is malformed");
    }
    return fhs_conn_spoil(conn, status);
}

/* List the version with its patients, and put what is stored in place of a body that is whole. */
static fhirstore_status seal_for_patients(fhs_conn *conn, const fhs_write *write, int64_t seq,
                                          fhs_str *body, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < write->patient_count && status == FHIRSTORE_OK; i++) {
        const int64_t numbers[] = {write->patients[i], seq};
        status = fhs_pending_add(conn, FHS_PENDING_PATIENT_BODY, numbers, 2, true, err);
    }
    if (status != FHIRSTORE_OK || fhs_write_is_large(write)) {
        return status;
    }
    fhs_buf_reset(&conn->sealed);
    status = fhs_body_seal(conn, seq, FHS_BODY_WHOLE, write, *body, &conn->sealed, err);
    *body = fhs_buf_str(&conn->sealed);
    return status;
}

static bool was_current(const fhs_write *write)
{
    return write->exists && !write->old_deleted;
}

/* The body, the version before it, and the digest of what is now there. */
static fhirstore_status write_new_body(fhs_conn *conn, const fhs_write *write, int64_t seq,
                                       uint8_t digest[FHS_DIGEST_BYTES], fhirstore_error **err)
{
    const bool is_deleted = write->method == FHS_METHOD_DELETE;
    fhs_str body = is_deleted ? FHS_STR_NONE : write->body;
    fhirstore_status status = FHIRSTORE_OK;
    if (!is_deleted && fhs_write_is_sealed(conn, write)) {
        status = seal_for_patients(conn, write, seq, &body, err);
    }
    if (status == FHIRSTORE_OK && write->exists) {
        status = keep_old_version(conn, write, err);
    }
    if (status == FHIRSTORE_OK) {
        status = set_current(conn, write, seq, body, err);
    }
    if (status == FHIRSTORE_OK && !is_deleted && fhs_write_is_large(write)) {
        return fhs_parts_write(conn, seq, write, digest, err);
    }
    fhs_chain_hash_body(conn, body, digest);
    return status;
}

/* Nothing is listed twice: what was deleted has no entries, and equal rows have them already. */
static fhirstore_status change_entries(fhs_conn *conn, const fhs_write *write,
                                       fhirstore_error **err)
{
    const bool is_deleted = write->method == FHS_METHOD_DELETE;
    if (was_current(write) ? !is_deleted && fhs_str_eq(write->old_rows, write->rows) : is_deleted) {
        return FHIRSTORE_OK;
    }
    return set_entries(conn, write->entity, write->rows, is_deleted, err);
}

static fhirstore_status change_lists(fhs_conn *conn, const fhs_write *write, fhirstore_error **err)
{
    fhirstore_status status = list_current(conn, write, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_rows_change(
            conn, write->entity, was_current(write) ? write->old_rows : FHS_STR_NONE,
            write->method == FHS_METHOD_DELETE ? FHS_STR_NONE : write->rows, err);
    }
    return status;
}

fhirstore_status fhs_resource_write(fhs_conn *conn, const fhs_write *write, int64_t *seq_out,
                                    fhirstore_error **err)
{
    *seq_out = 0;
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (write->body.len > FHS_LIMIT_RESOURCE_BYTES || write->rows.len > FHS_LIMIT_RESOURCE_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "a resource exceeds FHS_LIMIT_RESOURCE_BYTES");
    }
    uint8_t chain[FHS_CHAIN_BYTES];
    fhs_chain_entry entry = {.seq = conn->counters.last_seq + 1,
                             .type = write->type,
                             .version = write->version,
                             .method = write->method,
                             .id = write->id};
    status = write_new_body(conn, write, entry.seq, entry.body, err);
    if (status == FHIRSTORE_OK) {
        status = change_entries(conn, write, err);
    }
    if (status == FHIRSTORE_OK) {
        fhs_chain_add(conn, &entry, conn->counters.link, chain);
        status = log_version(conn, write, entry.seq, chain, err);
    }
    if (status == FHIRSTORE_OK) {
        status = change_lists(conn, write, err);
    }
    if (status == FHIRSTORE_OK) {
        conn->counters.last_seq = entry.seq;
        memcpy(conn->counters.link, chain + FHS_DIGEST_BYTES, FHS_DIGEST_BYTES);
        *seq_out = entry.seq;
    }
    return fhs_conn_spoil(conn, status);
}

fhirstore_status fhs_rows_replace(fhs_conn *conn, fhs_entity entity, fhs_str old_rows,
                                  fhs_str new_rows, fhirstore_error **err)
{
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status == FHIRSTORE_OK) {
        status = set_entries(conn, entity, new_rows, false, err);
    }
    return status == FHIRSTORE_OK ? fhs_rows_change(conn, entity, old_rows, new_rows, err) : status;
}

/* ---- all of them ---- */

static const fhs_str each_sql = FHS_LIT_INIT(
    "SELECT entity,type,version,seq,updated,deleted,id,body FROM resource "
    "WHERE entity>?1 AND deleted=0 ORDER BY entity");
static const fhs_str each_of_type_sql = FHS_LIT_INIT(
    "SELECT r.entity,r.type,r.version,r.seq,r.updated,r.deleted,r.id,r.body "
    "FROM current_type c CROSS JOIN resource r ON r.entity=c.entity "
    "WHERE c.entity>?1 AND c.type=?2 ORDER BY c.entity");

static fhirstore_status note_shredded(fhs_version *version, fhirstore_error **err)
{
    version->is_shredded = true;
    version->body = FHS_STR_NONE;
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    return FHIRSTORE_OK;
}

/* @a any: also those whose bodies no key opens. */
static fhirstore_status visit_each(fhs_conn *conn, int32_t type, fhs_entity after, bool any,
                                   fhirstore_status (*visit)(void *ctx, const fhs_version *version),
                                   void *ctx, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhs_version version;
    fhs_buf large = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf opened = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_stmt_take(conn, type == 0 ? each_sql : each_of_type_sql, &stmt,
                                            err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_int(stmt, 1, after);
    }
    if (status == FHIRSTORE_OK && type != 0) {
        status = fhs_stmt_bind_int(stmt, 2, type);
    }
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        fill_version(fhs_stmt_raw(stmt), &version);
        if (version.is_large) {
            status = lend_large(conn, &version, &large, err);
        } else if (fhs_body_is_sealed(version.body)) {
            status = fhs_body_open(conn, &version, &opened, err);
        }
        if (status == FHIRSTORE_ERR_SHREDDED && any) {
            status = note_shredded(&version, err);
        }
        status = status == FHIRSTORE_OK ? visit(ctx, &version) : status;
        fhs_buf_clear(&large);
    }
    fhs_buf_clear(&opened);
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_resource_each(fhs_conn *conn, int32_t type, fhs_entity after,
                                   fhirstore_status (*visit)(void *ctx, const fhs_version *version),
                                   void *ctx, fhirstore_error **err)
{
    return visit_each(conn, type, after, false, visit, ctx, err);
}

fhirstore_status fhs_resource_each_any(fhs_conn *conn,
                                       fhirstore_status (*visit)(void *ctx,
                                                                 const fhs_version *version),
                                       void *ctx, fhirstore_error **err)
{
    return visit_each(conn, 0, 0, true, visit, ctx, err);
}
