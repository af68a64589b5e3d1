/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema against one that is made beside it, in memory, by the same steps. What is missing and
 * holds nothing that is not stored elsewhere, too, can be made anew.
 */
#include <string.h>

#include "storage/storage_internal.h"

static const fhs_str listed_sql = FHS_LIT_INIT(
    "SELECT name,coalesce(sql,'') FROM sqlite_schema ORDER BY rowid");
static const fhs_str find_schema_sql = FHS_LIT_INIT(
    "SELECT coalesce(sql,'') FROM sqlite_schema WHERE name=?1");

static const struct {
    const char *prefix;
    unsigned mends;
} derived[] = {
    {"idx_", FHS_MEND_ROWS},          {"entries", FHS_MEND_ROWS},
    {"current_type", FHS_MEND_LISTS}, {"current_updated", FHS_MEND_LISTS},
    {"version_type", FHS_MEND_LISTS}, {"version_of", FHS_MEND_LISTS},
    {"fulltext", FHS_MEND_WORDS},
};

/* What fills it again; 0: nothing can. */
static unsigned mends_for(fhs_str name)
{
    for (size_t i = 0; i < FHS_COUNT_OF(derived); i++) {
        if (fhs_str_starts_with(name, fhs_str_from_cstr(derived[i].prefix))) {
            return derived[i].mends;
        }
    }
    return 0;
}

typedef fhirstore_status (*schema_fn)(void *ctx, fhs_str name, fhs_str sql, bool is_there,
                                      fhirstore_error **err);

/* Call @a visit for each table or index that is missing in @a conn, or another than it should be.
 */
static fhirstore_status each_difference(fhs_conn *conn, fhs_conn *reference, schema_fn visit,
                                        void *ctx, fhirstore_error **err)
{
    fhs_stmt *listed;
    fhirstore_status status = fhs_stmt_take(reference, listed_sql, &listed, err);
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(listed, err)) == FHIRSTORE_OK) {
        fhs_stmt *find;
        fhs_str name = fhs_stmt_text(listed, 0);
        fhs_str sql = fhs_stmt_text(listed, 1);
        status = fhs_stmt_take(conn, find_schema_sql, &find, err);
        if (status == FHIRSTORE_OK) {
            (void)fhs_stmt_bind_text(find, 1, name);
            status = fhs_stmt_step(find, err);
        }
        bool is_there = status == FHIRSTORE_OK;
        bool is_same = is_there && fhs_str_eq(fhs_stmt_text(find, 0), sql);
        fhs_stmt_give(find);
        status = status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
        if (status == FHIRSTORE_OK && !is_same) {
            status = visit(ctx, name, sql, is_there, err);
        }
    }
    fhs_stmt_give(listed);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status tell_difference(void *ctx, fhs_str name, fhs_str sql, bool is_there,
                                        fhirstore_error **err)
{
    fhs_check *check = ctx;
    unsigned mends = mends_for(name);
    (void)sql;
    (void)err;
    check->mend = mends == 0 || is_there ? 0 : mends | FHS_MEND_SCHEMA;
    fhs_check_report(check, "schema", "%.*s is %s", FHS_STR_ARG(name),
                     is_there ? "not as this library makes it" : "missing");
    check->mend = 0;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_check_schema(fhs_check *check, fhirstore_error **err)
{
    fhs_conn *reference;
    fhirstore_status status = fhs_conn_new_reference(check->conn->storage, &reference, err);
    if (status == FHIRSTORE_OK) {
        status = each_difference(check->conn, reference, tell_difference, check, err);
    }
    fhs_conn_free(reference);
    return status;
}

/* Tables of the full-text index come with it, and automatic indexes with their tables. */
static fhirstore_status make_again(void *ctx, fhs_str name, fhs_str sql, bool is_there,
                                   fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(4096);
    bool is_shadow = fhs_str_starts_with(name, FHS_LIT("fulltext_")) &&
                     !fhs_str_starts_with(sql, FHS_LIT("CREATE VIRTUAL"));
    if (is_there || is_shadow || sql.len == 0 || mends_for(name) == 0) {
        return FHIRSTORE_OK;
    }
    fhs_buf_add_str(&text, sql);
    fhs_buf_add_char(&text, '\0');
    fhirstore_status status = fhs_buf_status(&text) == FHIRSTORE_OK ? fhs_exec(ctx, text.ptr, err)
                                                                    : fhs_fail_memory(err);
    fhs_buf_clear(&text);
    return status;
}

fhirstore_status fhs_schema_restore(fhs_conn *conn, fhirstore_error **err)
{
    fhs_conn *reference;
    fhirstore_status status = fhs_conn_new_reference(conn->storage, &reference, err);
    if (status == FHIRSTORE_OK) {
        status = each_difference(conn, reference, make_again, conn, err);
    }
    fhs_conn_free(reference);
    return fhs_conn_spoil(conn, status);
}
