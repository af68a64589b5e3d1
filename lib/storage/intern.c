/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and their numbers. A number once given stays for ever, so what a connection has seen
 * committed it may remember; what the writer adds is forgotten with its transaction.
 */
#include <string.h>

#include "base/mem.h"
#include "storage/storage_internal.h"

/* Tags in the connection's table of names; parameters add their type. */
enum {
    NAME_URI = 1,
    NAME_UNIT = 2,
    NAME_TYPE = 3,
    NAME_PARAM = 16,
};

#define UNIT_KEY_MAX 1024u

static fhirstore_status scratch_number(fhs_conn *conn, uint32_t tag, fhs_str text,
                                       int64_t *number_out, fhirstore_error **err)
{
    *number_out = fhs_scratch_add(conn->scratch, tag, text);
    return *number_out == 0 ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

/* Look a name up by the statement, which is bound; remember it when it is there. */
static fhirstore_status find_name(fhs_conn *conn, sqlite3_stmt *stmt, uint32_t tag, fhs_str text,
                                  int64_t *number_out, fhirstore_error **err)
{
    bool found;
    fhirstore_status status = fhs_core_int(conn, stmt, number_out, &found, err);
    if (status == FHIRSTORE_OK && found) {
        fhs_name_cache_add(&conn->names, tag, text, *number_out);
    }
    return status;
}

/* Insert by the statement, which is bound, and remember the new number. */
static fhirstore_status add_name(fhs_conn *conn, sqlite3_stmt *stmt, uint32_t tag, fhs_str text,
                                 int64_t *number_out, fhirstore_error **err)
{
    fhirstore_status status = fhs_conn_spoil(conn, fhs_core_run(conn, stmt, err));
    if (status == FHIRSTORE_OK) {
        *number_out = sqlite3_last_insert_rowid(conn->db);
        fhs_name_cache_add(&conn->names, tag, text, *number_out);
    }
    return status;
}

/* ---- uris ---- */

fhirstore_status fhs_uri_find(fhs_conn *conn, fhs_str uri, int64_t *number_out,
                              fhirstore_error **err)
{
    *number_out = 0;
    if (uri.len == 0 || fhs_name_cache_find(&conn->names, NAME_URI, uri, number_out)) {
        return FHIRSTORE_OK;
    }
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_URI_FIND, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_bind_str(stmt, 1, uri);
    status = find_name(conn, stmt, NAME_URI, uri, number_out, err);
    if (conn->scratch != NULL && status == FHIRSTORE_OK && *number_out == 0) {
        *number_out = fhs_scratch_find(conn->scratch, NAME_URI, uri);
    }
    return status;
}

fhirstore_status fhs_uri_intern(fhs_conn *conn, fhs_str uri, int64_t *number_out,
                                fhirstore_error **err)
{
    fhirstore_status status = fhs_uri_find(conn, uri, number_out, err);
    if (status != FHIRSTORE_OK || *number_out != 0 || uri.len == 0) {
        return status;
    }
    if (conn->scratch != NULL) {
        return scratch_number(conn, NAME_URI, uri, number_out, err);
    }
    sqlite3_stmt *stmt;
    status = fhs_conn_check_write(conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_core(conn, FHS_SQL_URI_ADD, &stmt, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_bind_str(stmt, 1, uri);
    return add_name(conn, stmt, NAME_URI, uri, number_out, err);
}

fhirstore_status fhs_uri_text(fhs_conn *conn, int64_t number, fhs_buf *out, fhirstore_error **err)
{
    if (number == 0) {
        return FHIRSTORE_OK;
    }
    uint32_t tag;
    fhs_str scratch;
    if (conn->scratch != NULL &&
        fhs_scratch_at(conn->scratch, number - FHS_SCRATCH_FIRST, &tag, &scratch)) {
        fhs_buf_add_str(out, scratch);
        return FHIRSTORE_OK;
    }
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_URI_TEXT, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 1, number);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        fhs_buf_add_str(out, fhs_column_str(stmt, 0));
        status = fhs_buf_status(out) == FHIRSTORE_OK ? FHIRSTORE_OK
                                                     : fhs_fail_plain(err, fhs_buf_status(out));
    } else if (rc == SQLITE_DONE) {
        status = fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "no uri has this number");
    } else {
        status = fhs_sql_fail(conn, rc, err);
    }
    (void)sqlite3_reset(stmt);
    return status;
}

/* ---- units ---- */

static size_t put_part(char *out, size_t at, fhs_str part)
{
    uint32_t len = (uint32_t)part.len;
    memcpy(out + at, &len, sizeof len);
    at += sizeof len;
    if (part.len > 0) {
        memcpy(out + at, part.ptr, part.len);
    }
    return at + part.len;
}

static fhs_str take_part(fhs_str *rest)
{
    uint32_t len = 0;
    memcpy(&len, rest->ptr, sizeof len);
    fhs_str part = fhs_str_of(rest->ptr + sizeof len, len);
    *rest = fhs_str_from(*rest, sizeof len + len);
    return part;
}

/* The unit as one name; empty when it is too long to be remembered. */
static fhs_str unit_name(const fhs_unit_key *key, char out[UNIT_KEY_MAX])
{
    if (key->system.len > UNIT_KEY_MAX || key->code.len > UNIT_KEY_MAX ||
        key->unit.len > UNIT_KEY_MAX ||
        key->system.len + key->code.len + key->unit.len + 16 > UNIT_KEY_MAX) {
        return FHS_STR_NONE;
    }
    size_t at = 0;
    out[at++] = key->canonical ? 1 : 0;
    at = put_part(out, at, key->system);
    at = put_part(out, at, key->code);
    at = put_part(out, at, key->unit);
    return (fhs_str){out, at};
}

/* The same of any length, on the heap. */
static fhirstore_status scratch_unit(fhs_conn *conn, const fhs_unit_key *key, int64_t *number_out,
                                     fhirstore_error **err)
{
    size_t len = key->system.len + key->code.len + key->unit.len + 16;
    char *bytes = fhs_alloc(len);
    if (bytes == NULL) {
        return fhs_fail_memory(err);
    }
    size_t at = 0;
    bytes[at++] = key->canonical ? 1 : 0;
    at = put_part(bytes, at, key->system);
    at = put_part(bytes, at, key->code);
    at = put_part(bytes, at, key->unit);
    fhirstore_status status = scratch_number(conn, NAME_UNIT, fhs_str_of(bytes, at), number_out,
                                             err);
    fhs_free(bytes);
    return status;
}

static bool visit_scratch_units(const fhs_scratch *scratch,
                                bool (*visit)(void *ctx, int64_t number, const fhs_unit_key *key),
                                void *ctx)
{
    bool more = true;
    uint32_t tag;
    fhs_str text;
    for (int64_t i = 0; more && fhs_scratch_at(scratch, i, &tag, &text); i++) {
        if (tag == NAME_UNIT) {
            fhs_unit_key key = {.canonical = text.ptr[0] != 0};
            text = fhs_str_from(text, 1);
            key.system = take_part(&text);
            key.code = take_part(&text);
            key.unit = take_part(&text);
            more = visit(ctx, FHS_SCRATCH_FIRST + i, &key);
        }
    }
    return more;
}

static fhirstore_status bind_unit(fhs_conn *conn, fhs_sql which, const fhs_unit_key *key,
                                  sqlite3_stmt **stmt_out, fhirstore_error **err)
{
    fhirstore_status status = fhs_core(conn, which, stmt_out, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_bind_str(*stmt_out, 1, key->system);
        (void)fhs_bind_str(*stmt_out, 2, key->code);
        (void)fhs_bind_str(*stmt_out, 3, key->unit);
        (void)sqlite3_bind_int(*stmt_out, 4, key->canonical ? 1 : 0);
    }
    return status;
}

fhirstore_status fhs_unit_intern(fhs_conn *conn, const fhs_unit_key *key, int64_t *number_out,
                                 fhirstore_error **err)
{
    char bytes[UNIT_KEY_MAX];
    fhs_str name = unit_name(key, bytes);
    sqlite3_stmt *stmt;
    *number_out = 0;
    if (name.len > 0 && fhs_name_cache_find(&conn->names, NAME_UNIT, name, number_out)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = bind_unit(conn, FHS_SQL_UNIT_FIND, key, &stmt, err);
    bool found = false;
    if (status == FHIRSTORE_OK) {
        status = fhs_core_int(conn, stmt, number_out, &found, err);
    }
    if (conn->scratch != NULL && status == FHIRSTORE_OK && !found) {
        return scratch_unit(conn, key, number_out, err);
    }
    if (status == FHIRSTORE_OK && !found) {
        status = fhs_conn_check_write(conn, err);
        if (status == FHIRSTORE_OK) {
            status = bind_unit(conn, FHS_SQL_UNIT_ADD, key, &stmt, err);
        }
        if (status == FHIRSTORE_OK) {
            status = fhs_conn_spoil(conn, fhs_core_run(conn, stmt, err));
            *number_out = sqlite3_last_insert_rowid(conn->db);
        }
    }
    if (status == FHIRSTORE_OK && name.len > 0) {
        fhs_name_cache_add(&conn->names, NAME_UNIT, name, *number_out);
    }
    return status;
}

fhirstore_status fhs_unit_each(fhs_conn *conn,
                               bool (*visit)(void *ctx, int64_t number, const fhs_unit_key *key),
                               void *ctx, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_UNIT_EACH, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int rc = SQLITE_DONE;
    bool more = true;
    while (more && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        fhs_unit_key key = {fhs_column_str(stmt, 1), fhs_column_str(stmt, 2),
                            fhs_column_str(stmt, 3), sqlite3_column_int(stmt, 4) != 0};
        more = visit(ctx, sqlite3_column_int64(stmt, 0), &key);
    }
    status = fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    if (more && conn->scratch != NULL) {
        (void)visit_scratch_units(conn->scratch, visit, ctx);
    }
    return status;
}

/* ---- types and parameters ---- */

fhirstore_status fhs_typenum_find(fhs_conn *conn, fhs_str name, int32_t *number_out,
                                  fhirstore_error **err)
{
    int64_t number = 0;
    fhirstore_status status = FHIRSTORE_OK;
    if (!fhs_name_cache_find(&conn->names, NAME_TYPE, name, &number)) {
        sqlite3_stmt *stmt;
        status = fhs_core(conn, FHS_SQL_TYPE_FIND, &stmt, err);
        if (status == FHIRSTORE_OK) {
            (void)fhs_bind_str(stmt, 1, name);
            status = find_name(conn, stmt, NAME_TYPE, name, &number, err);
        }
    }
    *number_out = (int32_t)number;
    return status;
}

fhirstore_status fhs_typenum_intern(fhs_conn *conn, fhs_str name, int32_t *number_out,
                                    fhirstore_error **err)
{
    int64_t number = 0;
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_typenum_find(conn, name, number_out, err);
    if (status != FHIRSTORE_OK || *number_out != 0) {
        return status;
    }
    status = fhs_conn_check_write(conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_core(conn, FHS_SQL_TYPE_ADD, &stmt, err);
    }
    if (status == FHIRSTORE_OK) {
        (void)fhs_bind_str(stmt, 1, name);
        status = add_name(conn, stmt, NAME_TYPE, name, &number, err);
    }
    *number_out = (int32_t)number;
    return status;
}

static fhirstore_status bind_param(fhs_conn *conn, fhs_sql which, int32_t type, fhs_str code,
                                   sqlite3_stmt **stmt_out, fhirstore_error **err)
{
    fhirstore_status status = fhs_core(conn, which, stmt_out, err);
    if (status == FHIRSTORE_OK) {
        (void)sqlite3_bind_int(*stmt_out, 1, type);
        (void)fhs_bind_str(*stmt_out, 2, code);
    }
    return status;
}

fhirstore_status fhs_paramnum_intern(fhs_conn *conn, int32_t type, fhs_str code,
                                     uint32_t *number_out, fhirstore_error **err)
{
    uint32_t tag = NAME_PARAM + (uint32_t)type;
    int64_t number = 0;
    sqlite3_stmt *stmt;
    *number_out = 0;
    fhirstore_status status = FHIRSTORE_OK;
    if (!fhs_name_cache_find(&conn->names, tag, code, &number)) {
        status = bind_param(conn, FHS_SQL_PARAM_FIND, type, code, &stmt, err);
        if (status == FHIRSTORE_OK) {
            status = find_name(conn, stmt, tag, code, &number, err);
        }
    }
    if (status == FHIRSTORE_OK && number == 0) {
        status = fhs_conn_check_write(conn, err);
        if (status == FHIRSTORE_OK) {
            status = bind_param(conn, FHS_SQL_PARAM_ADD, type, code, &stmt, err);
        }
        if (status == FHIRSTORE_OK) {
            status = add_name(conn, stmt, tag, code, &number, err);
        }
    }
    *number_out = (uint32_t)number;
    return status;
}

fhirstore_status fhs_paramnum_each(fhs_conn *conn, int32_t type,
                                   bool (*visit)(void *ctx, fhs_str code, uint32_t number),
                                   void *ctx, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_PARAM_EACH, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int(stmt, 1, type);
    int rc = SQLITE_DONE;
    bool more = true;
    while (more && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        more = visit(ctx, fhs_column_str(stmt, 0), (uint32_t)sqlite3_column_int64(stmt, 1));
    }
    status = fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    return status;
}

/* ---- named values ---- */

fhirstore_status fhs_meta_get(fhs_conn *conn, fhs_str name, fhs_buf *value_out, bool *found_out,
                              fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    *found_out = false;
    fhirstore_status status = fhs_core(conn, FHS_SQL_META_GET, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_bind_str(stmt, 1, name);
    int rc = sqlite3_step(stmt);
    status = fhs_sql_fail(conn, rc, err);
    if (rc == SQLITE_ROW) {
        *found_out = true;
        if (sqlite3_column_type(stmt, 0) == SQLITE_INTEGER) {
            fhs_buf_add_i64(value_out, sqlite3_column_int64(stmt, 0));
        } else {
            fhs_buf_add_str(value_out, fhs_column_str(stmt, 0));
        }
        if (fhs_buf_status(value_out) != FHIRSTORE_OK) {
            status = fhs_fail_plain(err, fhs_buf_status(value_out));
        }
    }
    (void)sqlite3_reset(stmt);
    return status;
}

fhirstore_status fhs_meta_set(fhs_conn *conn, fhs_str name, fhs_str value, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_core(conn, FHS_SQL_META_SET, &stmt, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_bind_str(stmt, 1, name);
    (void)fhs_bind_bytes(stmt, 2, value);
    return fhs_conn_spoil(conn, fhs_core_run(conn, stmt, err));
}
