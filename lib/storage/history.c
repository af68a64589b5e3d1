/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History: the change log, newest first or oldest first. Stamps rise with sequences, so every bound
 * in time is turned into a bound in sequence before the walk begins.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "storage/patient_internal.h"

/* The versions of one resource are in two places; the others come from one statement. */
enum {
    WALK_FIRST,
    WALK_SECOND,
    WALK_ALL,
    WALK_ENDED,
};

struct fhs_history {
    fhs_conn *conn;
    fhs_stmt *stmt;
    fhs_buf opened; /* a body that was sealed for a patient */
    fhs_history_query query;
    int64_t low_seq;  /* at or above this */
    int64_t high_seq; /* at or below this */
    int64_t at_seq;   /* the newest at at_us: older ones count when they were current then */
    uint32_t given;
    int walk;
};

#define COLUMNS "v.entity,v.type,v.version,v.seq,v.updated,v.method,r.id"
#define BOUNDS  " v.seq<=?2 AND v.seq>=?3 "

/*
 * The version that followed @a v, when it came after ?4: the one was current then. Versions of a
 * resource count without gaps, the newest is in resource and the others in version_of.
 */
#define WAS_CURRENT                                                                               \
    "AND (v.seq>?4 OR CASE WHEN r.version=v.version THEN 1 "                                      \
    "WHEN r.version=v.version+1 THEN r.seq>?4 "                                                   \
    "ELSE (SELECT n.seq FROM version_of n WHERE n.entity=v.entity AND n.version=v.version+1)>?4 " \
    "END) "

#define FROM_CURRENT \
    "FROM resource r CROSS JOIN version v ON v.seq=r.seq WHERE r.entity=?1 AND" BOUNDS
#define FROM_OLD                                                                   \
    "FROM version_of o CROSS JOIN version v ON v.seq=o.seq CROSS JOIN resource r " \
    "ON r.entity=o.entity LEFT JOIN old_body b ON b.seq=o.seq "                    \
    "WHERE o.entity=?1 AND o.seq<=?2 AND o.seq>=?3 "
#define FROM_TYPE                                                                    \
    "FROM version_type t CROSS JOIN version v ON v.seq=t.seq CROSS JOIN resource r " \
    "ON r.entity=v.entity LEFT JOIN old_body b ON b.seq=v.seq "                      \
    "WHERE t.type=?1 AND t.seq<=?2 AND t.seq>=?3 "
#define FROM_STORE                                               \
    "FROM version v CROSS JOIN resource r ON r.entity=v.entity " \
    "LEFT JOIN old_body b ON b.seq=v.seq WHERE ?1=0 AND" BOUNDS
#define EITHER_BODY ",CASE WHEN r.seq=v.seq THEN r.body ELSE b.body END,r.seq=v.seq "

/* The three that give several rows, in one of the two orders. */
#define ORDERED(order)                                                                          \
    {                                                                                           \
        {FHS_LIT_INIT("SELECT " COLUMNS ",r.body,1 " FROM_CURRENT),                             \
         FHS_LIT_INIT("SELECT " COLUMNS ",r.body,1 " FROM_CURRENT WAS_CURRENT)},                \
            {FHS_LIT_INIT("SELECT " COLUMNS ",b.body,0 " FROM_OLD "ORDER BY o.version " order), \
             FHS_LIT_INIT("SELECT " COLUMNS ",b.body,0 " FROM_OLD WAS_CURRENT                   \
                          "ORDER BY o.version " order)},                                        \
            {FHS_LIT_INIT("SELECT " COLUMNS EITHER_BODY FROM_TYPE "ORDER BY t.seq " order),     \
             FHS_LIT_INIT("SELECT " COLUMNS EITHER_BODY FROM_TYPE WAS_CURRENT                   \
                          "ORDER BY t.seq " order)},                                            \
            {FHS_LIT_INIT("SELECT " COLUMNS EITHER_BODY FROM_STORE "ORDER BY v.seq " order),    \
             FHS_LIT_INIT("SELECT " COLUMNS EITHER_BODY FROM_STORE WAS_CURRENT                  \
                          "ORDER BY v.seq " order)},                                            \
    }

/* [whether oldest first][which][whether at_us matters] */
static const fhs_str history_sql[2][4][2] = {ORDERED("DESC"), ORDERED("ASC")};

static const fhs_str count_sql[4][2] = {
    {FHS_LIT_INIT("SELECT count(*) " FROM_CURRENT),
     FHS_LIT_INIT("SELECT count(*) " FROM_CURRENT WAS_CURRENT)},
    {FHS_LIT_INIT("SELECT count(*) " FROM_OLD),
     FHS_LIT_INIT("SELECT count(*) " FROM_OLD WAS_CURRENT)},
    {FHS_LIT_INIT("SELECT count(*) FROM version_type t "
                  "WHERE t.type=?1 AND t.seq<=?2 AND t.seq>=?3"),
     FHS_LIT_INIT("SELECT count(*) " FROM_TYPE WAS_CURRENT)},
    {FHS_LIT_INIT("SELECT count(*) FROM version v WHERE ?1=0 AND" BOUNDS),
     FHS_LIT_INIT("SELECT count(*) " FROM_STORE WAS_CURRENT)},
};

enum {
    SQL_CURRENT,
    SQL_OLD,
    SQL_TYPE,
    SQL_STORE,
};

/* Sequence and stamp of the newest version at or below @a seq; 0 when there is none. */
static fhirstore_status seq_at_or_below(fhs_conn *conn, int64_t seq, int64_t *found_out,
                                        int64_t *updated_out, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_SEQ_AT_OR_BEFORE, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    *found_out = 0;
    *updated_out = INT64_MIN;
    (void)sqlite3_bind_int64(stmt, 1, seq);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *found_out = sqlite3_column_int64(stmt, 0);
        *updated_out = sqlite3_column_int64(stmt, 1);
    }
    status = fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    return status;
}

/* The newest sequence stamped at or before @a time_us, by bisection; 0: none. */
static fhirstore_status seq_at_time(fhs_conn *conn, int64_t time_us, int64_t *seq_out,
                                    fhirstore_error **err)
{
    int64_t low = 0;
    int64_t high = 0;
    int64_t updated = 0;
    *seq_out = 0;
    fhirstore_status status = seq_at_or_below(conn, INT64_MAX, &high, &updated, err);
    if (status == FHIRSTORE_OK && updated <= time_us) {
        *seq_out = high;
        return status;
    }
    /* Everything at or below low is stamped in time, high is not. */
    while (status == FHIRSTORE_OK && high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        int64_t found = 0;
        status = seq_at_or_below(conn, middle, &found, &updated, err);
        if (found == 0 || updated <= time_us) {
            low = middle;
            *seq_out = found;
        } else {
            high = found;
        }
    }
    return status;
}

static fhirstore_status resolve_times(fhs_conn *conn, fhs_history *history, fhirstore_error **err)
{
    const fhs_history_query *query = &history->query;
    int64_t seq;
    fhirstore_status status = FHIRSTORE_OK;
    history->low_seq = 0;
    history->high_seq = INT64_MAX;
    history->at_seq = 0;
    if (query->since_us != 0) {
        status = seq_at_time(conn, query->since_us - 1, &seq, err);
        history->low_seq = seq + 1;
    }
    if (status == FHIRSTORE_OK && query->at_end_us != 0) {
        status = seq_at_time(conn, query->at_end_us, &seq, err);
        history->high_seq = seq < history->high_seq ? seq : history->high_seq;
    }
    if (status == FHIRSTORE_OK && query->before_us != 0) {
        status = seq_at_time(conn, query->before_us - 1, &seq, err);
        history->high_seq = seq < history->high_seq ? seq : history->high_seq;
    }
    if (status == FHIRSTORE_OK && query->at_us != 0) {
        status = seq_at_time(conn, query->at_us, &history->at_seq, err);
    }
    if (query->top_seq != 0 && query->top_seq < history->high_seq) {
        history->high_seq = query->top_seq;
    }
    return status;
}

static fhirstore_status bind_history(fhs_history *history, int which, bool counts,
                                     fhirstore_error **err)
{
    const fhs_history_query *query = &history->query;
    int at = query->at_us != 0 ? 1 : 0;
    fhs_str sql = counts ? count_sql[which][at]
                         : history_sql[query->is_ascending ? 1 : 0][which][at];
    int64_t subject = which == SQL_TYPE ? query->type : which == SQL_STORE ? 0 : query->entity;
    fhirstore_status status = fhs_stmt_take(history->conn, sql, &history->stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_stmt_bind_int(history->stmt, 1, subject);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_int(history->stmt, 2, history->high_seq);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_int(history->stmt, 3, history->low_seq);
    }
    if (status == FHIRSTORE_OK && at != 0) {
        status = fhs_stmt_bind_int(history->stmt, 4, history->at_seq);
    }
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(err, status);
}

/* Of one resource there are two walks, and the current version is the newest. */
static int first_sql(const fhs_history_query *query)
{
    int of_one = query->is_ascending ? SQL_OLD : SQL_CURRENT;
    return query->entity > 0 ? of_one : query->type > 0 ? SQL_TYPE : SQL_STORE;
}

fhirstore_status fhs_history_open(fhs_conn *conn, const fhs_history_query *query, fhs_history **out,
                                  fhirstore_error **err)
{
    *out = NULL;
    fhs_history *history = fhs_calloc(1, sizeof *history);
    if (history == NULL) {
        return fhs_fail_memory(err);
    }
    history->conn = conn;
    history->query = *query;
    fhs_buf_init(&history->opened, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = resolve_times(conn, history, err);
    if (query->before_seq != 0 && query->before_seq - 1 < history->high_seq) {
        history->high_seq = query->before_seq - 1;
    }
    if (query->after_seq != 0 && query->after_seq + 1 > history->low_seq) {
        history->low_seq = query->after_seq + 1;
    }
    history->walk = query->entity > 0 ? WALK_FIRST : WALK_ALL;
    if (status == FHIRSTORE_OK) {
        status = bind_history(history, first_sql(query), false, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_history_close(history);
        return status;
    }
    *out = history;
    return FHIRSTORE_OK;
}

static void fill_from_history(fhs_history *history, fhs_version *out)
{
    fhs_stmt *stmt = history->stmt;
    out->entity = fhs_stmt_int(stmt, 0);
    out->type = (int32_t)fhs_stmt_int(stmt, 1);
    out->version = fhs_stmt_int(stmt, 2);
    out->seq = fhs_stmt_int(stmt, 3);
    out->updated_us = fhs_stmt_int(stmt, 4);
    out->method = (uint8_t)fhs_stmt_int(stmt, 5);
    out->is_deleted = out->method == FHS_METHOD_DELETE;
    out->id = fhs_stmt_text(stmt, 6);
    out->body = fhs_stmt_blob(stmt, 7);
    out->is_current = fhs_stmt_int(stmt, 8) != 0;
    out->is_large = out->body.ptr == NULL && !out->is_deleted;
    out->rows = FHS_STR_NONE;
}

fhirstore_status fhs_history_next(fhs_history *history, fhs_version *out, fhirstore_error **err)
{
    *out = (fhs_version){0};
    if (history->walk == WALK_ENDED ||
        (history->query.limit != 0 && history->given == history->query.limit)) {
        return FHIRSTORE_DONE;
    }
    fhirstore_status status = fhs_stmt_step(history->stmt, err);
    if (status == FHIRSTORE_DONE && history->walk == WALK_FIRST) {
        fhs_stmt_give(history->stmt);
        history->stmt = NULL;
        history->walk = WALK_SECOND;
        status = bind_history(history, history->query.is_ascending ? SQL_CURRENT : SQL_OLD, false,
                              err);
        if (status == FHIRSTORE_OK) {
            status = fhs_stmt_step(history->stmt, err);
        }
    }
    if (status != FHIRSTORE_OK) {
        history->walk = WALK_ENDED;
        return status;
    }
    history->given++;
    fill_from_history(history, out);
    return FHS_UNLIKELY(fhs_body_is_sealed(out->body))
               ? fhs_body_open(history->conn, out, &history->opened, err)
               : FHIRSTORE_OK;
}

void fhs_history_close(fhs_history *history)
{
    if (history != NULL) {
        fhs_stmt_give(history->stmt);
        fhs_buf_clear(&history->opened);
        fhs_free(history);
    }
}

fhirstore_status fhs_history_count(fhs_conn *conn, const fhs_history_query *query,
                                   int64_t *count_out, fhirstore_error **err)
{
    fhs_history history = {.conn = conn, .query = *query};
    *count_out = 0;
    fhirstore_status status = resolve_times(conn, &history, err);
    int first = query->entity > 0 ? SQL_CURRENT : first_sql(query);
    int last = query->entity > 0 ? SQL_OLD : first;
    for (int which = first; which <= last && status == FHIRSTORE_OK; which++) {
        status = bind_history(&history, which, true, err);
        if (status == FHIRSTORE_OK) {
            status = fhs_stmt_step(history.stmt, err);
        }
        if (status == FHIRSTORE_OK) {
            *count_out += fhs_stmt_int(history.stmt, 0);
        }
        fhs_stmt_give(history.stmt);
        history.stmt = NULL;
    }
    return status;
}
