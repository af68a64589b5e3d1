/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/fulltext.h"

#include "storage/patient_internal.h"

static const fhs_str meta_fulltext_seq = FHS_LIT_INIT("fulltext_seq");
static const fhs_str meta_fulltext_meaning = FHS_LIT_INIT("fulltext_meaning");

static const fhs_str meta_fulltext_untidy = FHS_LIT_INIT("fulltext_untidy");

/* Pieces of at most a page each that are rewritten in no time. */
#define FEW_PIECES 1000

static const fhs_str pieces_sql = FHS_LIT_INIT(
    "SELECT count(*) FROM (SELECT 1 FROM fulltext_data LIMIT ?1)");
static const fhs_str get_number_sql = FHS_LIT_INIT("SELECT value FROM meta WHERE name=?1");
static const fhs_str set_number_sql = FHS_LIT_INIT(
    "INSERT INTO meta(name,value) VALUES(?1,?2) "
    "ON CONFLICT(name) DO UPDATE SET value=excluded.value");
static const fhs_str behind_sql = FHS_LIT_INIT(
    "SELECT count(*) FROM (SELECT 1 FROM version WHERE seq>?1 LIMIT ?2)");
static const fhs_str changes_sql = FHS_LIT_INIT(
    "SELECT seq,entity FROM version WHERE seq>?1 ORDER BY seq LIMIT ?2");
static const fhs_str body_at_sql = FHS_LIT_INIT(
    "SELECT o.seq,v.method,b.body FROM (SELECT seq FROM version_of WHERE entity=?1 AND seq<=?2 "
    "ORDER BY version DESC LIMIT 1) o CROSS JOIN version v ON v.seq=o.seq "
    "LEFT JOIN old_body b ON b.seq=o.seq");
static const fhs_str add_words_sql = FHS_LIT_INIT(
    "INSERT INTO fulltext(rowid,narrative,content) VALUES(?1,?2,?3)");
static const fhs_str remove_words_sql = FHS_LIT_INIT(
    "INSERT INTO fulltext(fulltext,rowid,narrative,content) VALUES('delete',?1,?2,?3)");
static const fhs_str clear_sql = FHS_LIT_INIT(
    "INSERT INTO fulltext(fulltext) VALUES('delete-all')");
static const fhs_str optimize_sql = FHS_LIT_INIT(
    "INSERT INTO fulltext(fulltext) VALUES('optimize')");
static const fhs_str check_sql = FHS_LIT_INIT(
    "INSERT INTO fulltext(fulltext) VALUES('integrity-check')");
static const fhs_str words_sql = FHS_LIT_INIT("SELECT term,doc,col,offset FROM fulltext_words");
static const fhs_str resources_sql = FHS_LIT_INIT("SELECT entity,seq FROM resource");

/* ---- where it stands ---- */

static fhirstore_status get_number(fhs_conn *conn, fhs_str name, int64_t *out,
                                   fhirstore_error **err)
{
    fhs_stmt *stmt;
    *out = 0;
    fhirstore_status status = fhs_stmt_take(conn, get_number_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_text(stmt, 1, name);
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK) {
        *out = fhs_stmt_int(stmt, 0);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_fulltext_state(fhs_conn *conn, int64_t *seq_out, int64_t *meaning_out,
                                    fhirstore_error **err)
{
    fhirstore_status status = get_number(conn, meta_fulltext_seq, seq_out, err);
    return status == FHIRSTORE_OK ? get_number(conn, meta_fulltext_meaning, meaning_out, err)
                                  : status;
}

/* Step a statement that gives nothing; what fails spoils the transaction. */
static fhirstore_status run_change(fhs_conn *conn, fhs_stmt *stmt, fhirstore_status status,
                                   fhirstore_error **err)
{
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    } else {
        status = fhs_fail_plain(err, status);
    }
    fhs_stmt_give(stmt);
    return fhs_conn_spoil(conn, status == FHIRSTORE_DONE ? FHIRSTORE_OK : status);
}

static fhirstore_status take_change(fhs_conn *conn, fhs_str sql, fhs_stmt **stmt_out,
                                    fhirstore_error **err)
{
    fhirstore_status status = fhs_conn_check_write(conn, err);
    *stmt_out = NULL;
    return status == FHIRSTORE_OK ? fhs_stmt_take(conn, sql, stmt_out, err) : status;
}

static fhirstore_status set_meta_number(fhs_conn *conn, fhs_str name, int64_t value,
                                        fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = take_change(conn, set_number_sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_stmt_bind_text(stmt, 1, name);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_int(stmt, 2, value);
    }
    return run_change(conn, stmt, status, err);
}

fhirstore_status fhs_fulltext_set_state(fhs_conn *conn, int64_t seq, int64_t meaning,
                                        fhirstore_error **err)
{
    fhirstore_status status = set_meta_number(conn, meta_fulltext_seq, seq, err);
    return status == FHIRSTORE_OK ? set_meta_number(conn, meta_fulltext_meaning, meaning, err)
                                  : status;
}

/* ---- what has changed ---- */

fhirstore_status fhs_fulltext_behind(fhs_conn *conn, int64_t seq, int64_t cap, int64_t *count_out,
                                     fhirstore_error **err)
{
    fhs_stmt *stmt;
    *count_out = 0;
    fhirstore_status status = fhs_stmt_take(conn, behind_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, seq);
        (void)fhs_stmt_bind_int(stmt, 2, cap);
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK) {
        *count_out = fhs_stmt_int(stmt, 0);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_fulltext_changes(fhs_conn *conn, int64_t after, int64_t limit,
                                      fhirstore_status (*visit)(void *ctx, int64_t seq,
                                                                fhs_entity entity),
                                      void *ctx, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, changes_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, after);
        (void)fhs_stmt_bind_int(stmt, 2, limit == 0 ? -1 : limit);
    }
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        status = visit(ctx, fhs_stmt_int(stmt, 0), fhs_stmt_int(stmt, 1));
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_fulltext_body_at(fhs_conn *conn, fhs_entity entity, int64_t seq, fhs_buf *out,
                                      bool *found_out, fhirstore_error **err)
{
    fhs_stmt *stmt;
    *found_out = false;
    fhirstore_status status = fhs_stmt_take(conn, body_at_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, entity);
        (void)fhs_stmt_bind_int(stmt, 2, seq);
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK && fhs_stmt_int(stmt, 1) != FHS_METHOD_DELETE) {
        *found_out = true;
        if (fhs_stmt_is_null(stmt, 2)) {
            status = fhs_parts_read(conn, fhs_stmt_int(stmt, 0), out, err);
        } else if (fhs_body_is_sealed(fhs_stmt_blob(stmt, 2))) {
            status = fhs_body_unseal(conn, fhs_stmt_int(stmt, 0), FHS_BODY_WHOLE,
                                     fhs_stmt_blob(stmt, 2), out, err);
        } else {
            fhs_buf_add_str(out, fhs_stmt_blob(stmt, 2));
        }
        if (status == FHIRSTORE_OK && fhs_buf_status(out) != FHIRSTORE_OK) {
            status = fhs_fail_plain(err, fhs_buf_status(out));
        }
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* ---- changing it ---- */

static fhirstore_status change_words(fhs_conn *conn, fhs_str sql, fhs_entity entity,
                                     fhs_str narrative, fhs_str content, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = take_change(conn, sql, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_stmt_bind_int(stmt, 1, entity);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_text(stmt, 2, narrative);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_text(stmt, 3, content);
    }
    return run_change(conn, stmt, status, err);
}

fhirstore_status fhs_fulltext_add(fhs_conn *conn, fhs_entity entity, fhs_str narrative,
                                  fhs_str content, fhirstore_error **err)
{
    return change_words(conn, add_words_sql, entity, narrative, content, err);
}

fhirstore_status fhs_fulltext_remove(fhs_conn *conn, fhs_entity entity, fhs_str narrative,
                                     fhs_str content, fhirstore_error **err)
{
    return change_words(conn, remove_words_sql, entity, narrative, content, err);
}

static fhirstore_status command(fhs_conn *conn, fhs_str sql, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = take_change(conn, sql, &stmt, err);
    return status == FHIRSTORE_OK ? run_change(conn, stmt, status, err) : status;
}

fhirstore_status fhs_fulltext_clear(fhs_conn *conn, fhirstore_error **err)
{
    return command(conn, clear_sql, err);
}

fhirstore_status fhs_fulltext_optimize(fhs_conn *conn, fhirstore_error **err)
{
    return command(conn, optimize_sql, err);
}

fhirstore_status fhs_fulltext_is_untidy(fhs_conn *conn, bool *yes_out, fhirstore_error **err)
{
    int64_t number;
    fhirstore_status status = get_number(conn, meta_fulltext_untidy, &number, err);
    *yes_out = status == FHIRSTORE_OK && number != 0;
    return status;
}

fhirstore_status fhs_fulltext_scrub(fhs_conn *conn, fhirstore_error **err)
{
    fhs_stmt *stmt;
    int64_t pieces = 0;
    fhirstore_status status = take_change(conn, pieces_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, FEW_PIECES);
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK) {
        pieces = fhs_stmt_int(stmt, 0);
    }
    fhs_stmt_give(stmt);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    return pieces < FEW_PIECES ? fhs_fulltext_optimize(conn, err)
                               : set_meta_number(conn, meta_fulltext_untidy, 1, err);
}

fhirstore_status fhs_fulltext_tidy(fhs_conn *conn, bool *done_out, fhirstore_error **err)
{
    fhirstore_status status = fhs_fulltext_is_untidy(conn, done_out, err);
    if (status != FHIRSTORE_OK || !*done_out) {
        return status;
    }
    status = fhs_fulltext_optimize(conn, err);
    return status == FHIRSTORE_OK ? set_meta_number(conn, meta_fulltext_untidy, 0, err) : status;
}

fhirstore_status fhs_fulltext_check(fhs_conn *conn, bool *sound_out, fhirstore_error **err)
{
    fhirstore_error *own = NULL;
    fhirstore_status status = command(conn, check_sql, &own);
    *sound_out = status == FHIRSTORE_OK;
    if (status == FHIRSTORE_ERR_CORRUPT) {
        status = FHIRSTORE_OK;
    } else if (status != FHIRSTORE_OK) {
        status = fhs_fail_plain(err, status);
    }
    fhs_error_free(own);
    return status;
}

/* ---- looking at it ---- */

/* The view of all words is a temporary table, which a reader may not make otherwise. */
static fhirstore_status open_words_view(fhs_conn *conn, fhirstore_error **err)
{
    static const char make[] = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.fulltext_words "
                               "USING fts5vocab(main,fulltext,instance)";
    if (conn->is_writer) {
        return fhs_exec(conn, make, err);
    }
    fhirstore_status status = fhs_exec(conn, "PRAGMA query_only=OFF", err);
    if (status == FHIRSTORE_OK) {
        status = fhs_exec(conn, make, err);
    }
    fhirstore_status closed = fhs_exec(conn, "PRAGMA query_only=ON", err);
    return status == FHIRSTORE_OK ? closed : status;
}

fhirstore_status fhs_fulltext_each_word(fhs_conn *conn,
                                        fhirstore_status (*visit)(void *ctx, fhs_str word,
                                                                  fhs_entity entity,
                                                                  bool is_narrative, int64_t place),
                                        void *ctx, fhirstore_error **err)
{
    fhs_stmt *stmt = NULL;
    fhirstore_status status = open_words_view(conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_take(conn, words_sql, &stmt, err);
    }
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        status = visit(ctx, fhs_stmt_text(stmt, 0), fhs_stmt_int(stmt, 1),
                       fhs_str_eq(fhs_stmt_text(stmt, 2), FHS_LIT("narrative")),
                       fhs_stmt_int(stmt, 3));
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_fulltext_each_resource(fhs_conn *conn,
                                            fhirstore_status (*visit)(void *ctx, fhs_entity entity,
                                                                      int64_t seq),
                                            void *ctx, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, resources_sql, &stmt, err);
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        status = visit(ctx, fhs_stmt_int(stmt, 0), fhs_stmt_int(stmt, 1));
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}
