/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/chain.h"

#include "base/random.h"

static const fhs_str chain_key_name = FHS_LIT_INIT(FHS_CHAIN_KEY_NAME);
/* Sequences are those of versions and of what was purged, never of both. */
static const fhs_str last_link_sql = FHS_LIT_INIT(
    "SELECT chain,seq FROM (SELECT * FROM (SELECT chain,seq FROM version ORDER BY seq DESC LIMIT "
    "1) "
    "UNION ALL SELECT * FROM (SELECT chain,seq FROM purged ORDER BY seq DESC LIMIT 1)) "
    "ORDER BY seq DESC LIMIT 1");
static const fhs_str link_at_sql = FHS_LIT_INIT(
    "SELECT chain FROM version WHERE seq=?1 UNION ALL SELECT chain FROM purged WHERE seq=?1");
static const fhs_str keep_sql = FHS_LIT_INIT(
    "INSERT INTO purged(seq,chain) SELECT seq,chain FROM version WHERE seq=?1");

/* ---- making it ---- */

fhirstore_status fhs_chain_create(fhs_conn *conn, fhirstore_error **err)
{
    uint8_t key[FHS_DIGEST_BYTES];
    sqlite3_stmt *stmt;
    fhs_random_bytes(key, sizeof key);
    fhirstore_status status = fhs_core(conn, FHS_SQL_META_SET, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_bind_str(stmt, 1, chain_key_name);
        (void)fhs_bind_bytes(stmt, 2, fhs_str_of((const char *)key, sizeof key));
        status = fhs_core_run(conn, stmt, err);
    }
    return status;
}

static fhirstore_status load_key(fhs_conn *conn, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    fhirstore_status status = fhs_core(conn, FHS_SQL_META_GET, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_bind_str(stmt, 1, chain_key_name);
    int rc = sqlite3_step(stmt);
    fhs_str key = rc == SQLITE_ROW ? fhs_column_str(stmt, 0) : FHS_STR_NONE;
    status = fhs_sql_fail(conn, rc, err);
    if (status == FHIRSTORE_OK && key.len != sizeof conn->chain_key) {
        status = fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "the store has no key for its chain");
    }
    if (status == FHIRSTORE_OK) {
        memcpy(conn->chain_key, key.ptr, key.len);
    }
    (void)sqlite3_reset(stmt);
    return status;
}

/* The link in a row's chain; false: it has none. */
static bool take_link(fhs_str chain, uint8_t out[FHS_DIGEST_BYTES])
{
    if (chain.len != FHS_CHAIN_BYTES) {
        memset(out, 0, FHS_DIGEST_BYTES);
        return false;
    }
    memcpy(out, chain.ptr + FHS_DIGEST_BYTES, FHS_DIGEST_BYTES);
    return true;
}

static fhirstore_status find_chain_link(fhs_conn *conn, fhs_str sql, int64_t seq,
                                        uint8_t link[FHS_DIGEST_BYTES], int64_t *seq_out,
                                        fhirstore_error **err)
{
    fhs_stmt *stmt;
    *seq_out = 0;
    memset(link, 0, FHS_DIGEST_BYTES);
    fhirstore_status status = fhs_stmt_take(conn, sql, &stmt, err);
    if (status == FHIRSTORE_OK && seq > 0) {
        status = fhs_stmt_bind_int(stmt, 1, seq);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK && take_link(fhs_stmt_blob(stmt, 0), link)) {
        *seq_out = seq > 0 ? seq : fhs_stmt_int(stmt, 1);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_chain_load(fhs_conn *conn, fhs_counters *counters, fhirstore_error **err)
{
    int64_t seq;
    fhirstore_status status = load_key(conn, err);
    return status == FHIRSTORE_OK
               ? find_chain_link(conn, last_link_sql, 0, counters->link, &seq, err)
               : status;
}

void fhs_chain_hash_body(const fhs_conn *conn, fhs_str body, uint8_t out[FHS_DIGEST_BYTES])
{
    fhs_digest digest;
    fhs_digest_begin(&digest, conn->chain_key);
    fhs_digest_add(&digest, body.ptr, body.len);
    fhs_digest_end(&digest, out);
}

void fhs_chain_add(const fhs_conn *conn, const fhs_chain_entry *entry,
                   const uint8_t before[FHS_DIGEST_BYTES], uint8_t out[FHS_CHAIN_BYTES])
{
    fhs_digest digest;
    fhs_digest_begin(&digest, conn->chain_key);
    fhs_digest_add(&digest, "item", 4);
    fhs_digest_number(&digest, entry->seq);
    fhs_digest_number(&digest, entry->type);
    fhs_digest_number(&digest, entry->version);
    fhs_digest_number(&digest, entry->method);
    fhs_digest_number(&digest, (int64_t)entry->id.len);
    fhs_digest_add(&digest, entry->id.ptr, entry->id.len);
    fhs_digest_add(&digest, entry->body, FHS_DIGEST_BYTES);
    fhs_digest_end(&digest, out);
    fhs_digest_begin(&digest, conn->chain_key);
    fhs_digest_add(&digest, "link", 4);
    fhs_digest_add(&digest, before, FHS_DIGEST_BYTES);
    fhs_digest_add(&digest, out, FHS_DIGEST_BYTES);
    fhs_digest_end(&digest, out + FHS_DIGEST_BYTES);
}

fhirstore_status fhs_chain_keep(fhs_conn *conn, int64_t seq, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, keep_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_int(stmt, 1, seq);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* ---- what others keep of it ---- */

fhirstore_status fhs_chain_head(fhs_conn *conn, int64_t *seq_out, uint8_t *link_out,
                                fhirstore_error **err)
{
    return find_chain_link(conn, last_link_sql, 0, link_out, seq_out, err);
}

fhirstore_status fhs_chain_at(fhs_conn *conn, int64_t seq, bool *found_out, uint8_t *link_out,
                              fhirstore_error **err)
{
    int64_t found = 0;
    fhirstore_status status = find_chain_link(conn, link_at_sql, seq, link_out, &found, err);
    *found_out = status == FHIRSTORE_OK && found == seq;
    return status;
}

/* ---- verification ---- */

static const fhs_str walk_sql = FHS_LIT_INIT(
    "SELECT v.seq,v.chain,v.type,v.version,v.method,r.id,"
    "CASE WHEN r.seq=v.seq THEN r.body ELSE b.body END "
    "FROM version v LEFT JOIN resource r ON r.entity=v.entity LEFT JOIN old_body b ON b.seq=v.seq "
    "UNION ALL SELECT seq,chain,0,0,0,NULL,NULL FROM purged ORDER BY 1");

typedef struct chain_walk {
    fhs_check *check;
    uint8_t link[FHS_DIGEST_BYTES];
    int64_t seq; /* of the row before; 0: the chain has not begun */
    int64_t changed;
    int64_t unlinked;
    int64_t gaps;
    int64_t first_bad;
} chain_walk;

static void note_bad(chain_walk *walk, int64_t *count, int64_t seq)
{
    (*count)++;
    walk->first_bad = walk->first_bad == 0 ? seq : walk->first_bad;
}

/* A body in parts, hashed as it is read. */
static fhirstore_status hash_parts(fhs_conn *conn, int64_t seq, uint8_t out[FHS_DIGEST_BYTES],
                                   fhirstore_error **err)
{
    fhs_digest digest;
    sqlite3_stmt *stmt;
    int rc;
    fhirstore_status status = fhs_core(conn, FHS_SQL_PARTS, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_digest_begin(&digest, conn->chain_key);
    (void)sqlite3_bind_int64(stmt, 1, seq);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        fhs_str part = fhs_column_str(stmt, 0);
        fhs_digest_add(&digest, part.ptr, part.len);
    }
    fhs_digest_end(&digest, out);
    status = fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    return status;
}

/* What the row's chain must be, from what the row says. */
static fhirstore_status expect_chain(chain_walk *walk, fhs_stmt *stmt, fhs_str stored,
                                     uint8_t out[FHS_CHAIN_BYTES], fhirstore_error **err)
{
    fhs_conn *conn = walk->check->conn;
    fhs_chain_entry entry = {.seq = fhs_stmt_int(stmt, 0),
                             .type = fhs_stmt_int(stmt, 2),
                             .version = fhs_stmt_int(stmt, 3),
                             .method = fhs_stmt_int(stmt, 4),
                             .id = fhs_stmt_text(stmt, 5)};
    fhs_str body = fhs_stmt_blob(stmt, 6);
    fhirstore_status status = FHIRSTORE_OK;
    if (body.ptr == NULL && entry.method != FHS_METHOD_DELETE && entry.method != 0) {
        status = hash_parts(conn, entry.seq, entry.body, err);
    } else {
        fhs_chain_hash_body(conn, body, entry.body);
    }
    fhs_chain_add(conn, &entry, walk->link, out);
    if (entry.method == 0) { /* purged: only the link can be made again */
        fhs_digest digest;
        memcpy(out, stored.ptr, FHS_DIGEST_BYTES);
        fhs_digest_begin(&digest, conn->chain_key);
        fhs_digest_add(&digest, "link", 4);
        fhs_digest_add(&digest, walk->link, FHS_DIGEST_BYTES);
        fhs_digest_add(&digest, out, FHS_DIGEST_BYTES);
        fhs_digest_end(&digest, out + FHS_DIGEST_BYTES);
    }
    return status;
}

static fhirstore_status walk_row(chain_walk *walk, fhs_stmt *stmt, fhirstore_error **err)
{
    uint8_t expected[FHS_CHAIN_BYTES];
    int64_t seq = fhs_stmt_int(stmt, 0);
    fhs_str stored = fhs_stmt_blob(stmt, 1);
    if (stored.len != FHS_CHAIN_BYTES) {
        if (walk->seq != 0 || stored.len != 0) { /* versions from before there was a chain */
            note_bad(walk, &walk->unlinked, seq);
        }
        return FHIRSTORE_OK;
    }
    if (walk->seq != 0 && seq != walk->seq + 1) {
        note_bad(walk, &walk->gaps, seq);
    }
    fhirstore_status status = expect_chain(walk, stmt, stored, expected, err);
    if (status == FHIRSTORE_OK && memcmp(expected, stored.ptr, FHS_DIGEST_BYTES) != 0) {
        note_bad(walk, &walk->changed, seq);
    } else if (status == FHIRSTORE_OK && memcmp(expected, stored.ptr, FHS_CHAIN_BYTES) != 0) {
        note_bad(walk, &walk->unlinked, seq);
    }
    (void)take_link(stored, walk->link);
    walk->seq = seq;
    return status;
}

static void tell_walk(const chain_walk *walk)
{
    const struct {
        int64_t count;
        const char *text;
    } kinds[] = {
        {walk->changed, "versions are not what the chain says they were"},
        {walk->unlinked, "versions do not follow the one before in the chain"},
        {walk->gaps, "gaps are in the chain of changes"},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(kinds); i++) {
        if (kinds[i].count > 0) {
            fhs_check_report(walk->check, "chain",
                             "%lld %s (the first finding is at sequence %lld)",
                             (long long)kinds[i].count, kinds[i].text, (long long)walk->first_bad);
        }
    }
}

fhirstore_status fhs_check_chain(fhs_check *check, fhirstore_error **err)
{
    fhs_stmt *stmt;
    chain_walk walk = {.check = check};
    fhirstore_status status = load_key(check->conn, err);
    if (status == FHIRSTORE_ERR_CORRUPT) {
        if (err != NULL) { /* a finding, and no failure */
            fhs_error_free(*err);
            *err = NULL;
        }
        fhs_check_report(check, "chain", "the key of the chain is not there");
        return FHIRSTORE_OK;
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_take(check->conn, walk_sql, &stmt, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        status = walk_row(&walk, stmt, err);
    }
    fhs_stmt_give(stmt);
    tell_walk(&walk);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}
