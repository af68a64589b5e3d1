/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the store sound? Four looks, each at what the one before cannot see: every page authenticates,
 * SQLite's structure holds, the tables of resources and versions agree with each other, and the
 * index tables hold exactly what the row lists say.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "storage/chain.h"
#include "storage/fulltext.h"
#include "storage/storage_internal.h"

/* After this many findings of one kind only their number is of interest. */
#define INTEGRITY_LINES "100"
/* Entity numbers looked at in one pass for repetitions, a bit for each. */
#define NUMBER_WINDOW (INT64_C(16) * 1024 * 1024)

void fhs_check_report(fhs_check *check, const char *area, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    check->findings++;
    check->mends |= check->mend;
    if (check->report != NULL) {
        check->report(check->ctx, area, text);
    }
}

void fhs_check_notice(fhs_check *check, const char *text)
{
    if (check->report != NULL) {
        check->report(check->ctx, "notice", text);
    }
}

/* ---- pages ---- */

static fhirstore_status note_page_flaw(void *ctx, const fhs_vfs_damage *damage, uint64_t done,
                                       uint64_t total)
{
    (void)done;
    (void)total;
    fhs_check *check = ctx;
    char text[200];
    if (damage == NULL) {
        return FHIRSTORE_OK;
    }
    fhs_vfs_describe(damage, text, sizeof text);
    if (damage->flaw == FHS_VFS_TORN_TAIL || damage->flaw == FHS_VFS_SUPERSEDED) {
        fhs_check_notice(check, text);
        return FHIRSTORE_OK;
    }
    check->mend = damage->place == FHS_VFS_HEADER ? FHS_MEND_HEADER : FHS_MEND_LOG;
    fhs_check_report(check, "pages", "%s", text);
    check->mend = 0;
    return FHIRSTORE_OK;
}

/*
 * Frames behind a bad one: what a crash leaves when the last writes reach the disk in another
 * order, or commits that were lost before they were safe. Nothing of what is left is wrong.
 */
static void tell_lost_tail(fhs_check *check, const fhs_vfs *vfs)
{
    char text[128];
    uint64_t frame;
    if (fhs_vfs_is_mended(vfs)) {
        fhs_check_notice(check,
                         "opening wrote a copy of the header anew that a crash had left torn");
    }
    if (fhs_vfs_lost_tail(vfs, &frame)) {
        (void)snprintf(text, sizeof text,
                       "opening dropped the end of the log, from frame %llu on: the last commits "
                       "before a crash may be lost",
                       (unsigned long long)frame);
        fhs_check_notice(check, text);
    }
}

static fhirstore_status check_pages(fhs_check *check, fhirstore_error **err)
{
    fhs_vfs_verified verified;
    struct fhs_vfs *vfs = check->conn->storage->vfs;
    if (vfs == NULL) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_vfs_verify_pages(vfs, note_page_flaw, check, &verified, err);
    /* While the log still has the frames, the look at them has told. */
    if (status == FHIRSTORE_OK && check->findings == 0) {
        tell_lost_tail(check, vfs);
    }
    return status;
}

/* SQLite writes what it could not look at among its findings; want of memory is none. */
static bool tells_of_memory(fhs_str line)
{
    static const fhs_str mark = FHS_LIT_INIT("error code=");
    size_t at = fhs_str_find(line, mark);
    uint64_t code = 0;
    if (at > line.len) {
        return false;
    }
    for (at += mark.len; at < line.len && line.ptr[at] >= '0' && line.ptr[at] <= '9'; at++) {
        code = code * 10 + (uint64_t)(line.ptr[at] - '0');
    }
    return code <= INT32_MAX && fhs_sqlite_status((int)code) == FHIRSTORE_ERR_NO_MEMORY;
}

static fhirstore_status check_integrity(fhs_check *check, fhirstore_error **err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(check->conn->db, "PRAGMA integrity_check(" INTEGRITY_LINES ")", -1,
                                &stmt, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(stmt);
        if (rc != SQLITE_ROW) {
            break;
        }
        fhs_str line = fhs_column_str(stmt, 0);
        if (tells_of_memory(line)) {
            rc = SQLITE_NOMEM;
        } else if (!fhs_str_eq(line, FHS_LIT("ok"))) {
            fhs_check_report(check, "structure", "%.*s", FHS_STR_ARG(line));
        }
    }
    fhirstore_status status = fhs_sql_fail(check->conn, rc, err);
    (void)sqlite3_finalize(stmt);
    return status;
}

/* ---- tables against each other ---- */

typedef struct table_check {
    const char *area;
    unsigned mend;    /* what may mend it: FHS_MEND_*, 0: it can be had from nowhere else */
    const char *unit; /* what the number tells that comes from the statement */
    const char *text; /* what is wrong with it */
    const char *sql;
} table_check;

#define SEQ "sequence"
#define ENT "entity"

static const table_check table_checks[] = {
    {"resources", FHS_MEND_NAMES, SEQ, "the resource has no name of the same number",
     "SELECT r.seq FROM resource r LEFT JOIN entity e ON e.type=r.type AND e.id=r.id "
     "WHERE e.num IS NULL OR e.num<>r.entity"},
    {"resources", 0, SEQ, "the resource is not the version that the change log has for it",
     "SELECT r.seq FROM resource r LEFT JOIN version v ON v.seq=r.seq "
     "WHERE v.seq IS NULL OR v.entity<>r.entity OR v.version<>r.version OR v.type<>r.type "
     "OR v.updated<>r.updated OR (v.method=3)<>r.deleted"},
    {"resources", 0, SEQ, "the resource is deleted but has a body, or the other way round",
     "SELECT r.seq FROM resource r WHERE (r.body IS NULL AND NOT EXISTS(SELECT 1 FROM "
     "body_part p WHERE p.seq=r.seq))<>r.deleted"},
    {"resources", FHS_MEND_ROWS, SEQ,
     "the resource has no row list, or has one though it is deleted",
     "SELECT r.seq FROM resource r LEFT JOIN entries s ON s.entity=r.entity "
     "WHERE (s.entity IS NULL)<>r.deleted"},
    {"resources", FHS_MEND_ROWS, ENT, "the row list belongs to no resource",
     "SELECT s.entity FROM entries s LEFT JOIN resource r ON r.entity=s.entity "
     "WHERE r.entity IS NULL"},
    {"resources", FHS_MEND_LISTS, SEQ, "the resource is missing from the list of its type",
     "SELECT r.seq FROM resource r LEFT JOIN current_type c ON c.type=r.type "
     "AND c.entity=r.entity WHERE r.deleted=0 AND c.entity IS NULL"},
    {"resources", FHS_MEND_LISTS, ENT, "an entry in the list of a type is no current resource",
     "SELECT c.entity FROM current_type c LEFT JOIN resource r ON r.entity=c.entity "
     "WHERE r.entity IS NULL OR r.deleted<>0 OR r.type<>c.type"},
    {"resources", FHS_MEND_LISTS, SEQ, "the resource is missing from the list by time",
     "SELECT r.seq FROM resource r LEFT JOIN current_updated c ON c.type=r.type "
     "AND c.updated=r.updated AND c.entity=r.entity WHERE r.deleted=0 AND c.entity IS NULL"},
    {"resources", FHS_MEND_LISTS, ENT, "an entry in the list by time is no current resource",
     "SELECT c.entity FROM current_updated c LEFT JOIN resource r ON r.entity=c.entity "
     "WHERE r.entity IS NULL OR r.deleted<>0 OR r.type<>c.type OR r.updated<>c.updated"},
    {"versions", 0, SEQ, "the version belongs to no resource",
     "SELECT v.seq FROM version v LEFT JOIN resource r ON r.entity=v.entity "
     "WHERE r.entity IS NULL"},
    {"versions", FHS_MEND_LISTS, SEQ, "the old version is missing from the list of its resource",
     "SELECT v.seq FROM version v JOIN resource r ON r.entity=v.entity "
     "LEFT JOIN version_of o ON o.entity=v.entity AND o.version=v.version AND o.seq=v.seq "
     "WHERE r.seq<>v.seq AND o.seq IS NULL"},
    {"versions", FHS_MEND_LISTS, SEQ, "an entry in a list of old versions is not in the change log",
     "SELECT o.seq FROM version_of o LEFT JOIN version v ON v.seq=o.seq "
     "LEFT JOIN resource r ON r.entity=o.entity WHERE v.seq IS NULL OR v.entity<>o.entity "
     "OR v.version<>o.version OR r.entity IS NULL OR r.seq=o.seq OR o.version>=r.version"},
    {"versions", FHS_MEND_LISTS, SEQ, "the resource has gaps in its versions",
     "SELECT r.seq FROM resource r WHERE r.version<>coalesce("
     "(SELECT min(o.version)+count(*) FROM version_of o WHERE o.entity=r.entity),r.version)"},
    {"versions", 0, SEQ, "the old version has no body, or has one though it is a deletion",
     "SELECT o.seq FROM version_of o JOIN version v ON v.seq=o.seq "
     "LEFT JOIN old_body b ON b.seq=o.seq WHERE (b.seq IS NULL AND NOT EXISTS(SELECT 1 FROM "
     "body_part p WHERE p.seq=o.seq))<>(v.method=3)"},
    {"versions", 0, SEQ, "the large body is not whole",
     "SELECT seq FROM (SELECT seq,count(*) AS n,min(part) AS a,max(part) AS z FROM body_part "
     "GROUP BY seq) WHERE a<>0 OR z<>n-1"},
    {"versions", 0, SEQ, "the large body belongs to no version, or to one that has another body",
     "SELECT p.seq FROM (SELECT DISTINCT seq FROM body_part) p "
     "LEFT JOIN version v ON v.seq=p.seq LEFT JOIN resource r ON r.entity=v.entity "
     "AND r.seq=p.seq LEFT JOIN old_body b ON b.seq=p.seq "
     "WHERE v.seq IS NULL OR v.method=3 OR r.body IS NOT NULL OR b.seq IS NOT NULL"},
    {"versions", 0, SEQ, "the old body belongs to no old version",
     "SELECT b.seq FROM old_body b LEFT JOIN version v ON v.seq=b.seq "
     "LEFT JOIN resource r ON r.entity=v.entity WHERE v.seq IS NULL OR r.seq=b.seq"},
    {"versions", FHS_MEND_LISTS, SEQ, "the version is missing from the list of its type",
     "SELECT v.seq FROM version v LEFT JOIN version_type t ON t.type=v.type AND t.seq=v.seq "
     "WHERE t.seq IS NULL"},
    {"versions", FHS_MEND_LISTS, SEQ,
     "an entry in a list of versions by type is not in the change log",
     "SELECT t.seq FROM version_type t LEFT JOIN version v ON v.seq=t.seq "
     "WHERE v.seq IS NULL OR v.type<>t.type"},
    {"names", 0, SEQ, "the resource is of a type without a name",
     "SELECT r.seq FROM resource r LEFT JOIN type t ON t.num=r.type WHERE t.num IS NULL"},
    {"names", FHS_MEND_NAMES, ENT, "the number is at or above the next one to be given",
     "SELECT num FROM entity "
     "WHERE num>=(SELECT value FROM meta WHERE name='next_entity') OR num<1"},
    {"names", FHS_MEND_NAMES, ENT, "the next number to be given is not there",
     "SELECT 0 WHERE EXISTS(SELECT 1 FROM entity) AND NOT EXISTS(SELECT 1 FROM meta WHERE "
     "name='next_entity')"},
    {"fulltext", FHS_MEND_WORDS, SEQ, "the full-text index stands ahead of the change log",
     "SELECT value FROM meta WHERE name='fulltext_seq' AND value>(SELECT max("
     "coalesce((SELECT max(seq) FROM version),0),coalesce((SELECT max(seq) FROM purged),0),"
     "coalesce((SELECT value FROM meta WHERE name='last_seq'),0)))"},
};

/* Of one kind each is told up to here; the rest is counted. */
#define TOLD_OF_A_KIND 100

static fhirstore_status run_table_check(fhs_check *check, const table_check *what,
                                        fhirstore_error **err)
{
    fhs_stmt *stmt;
    int64_t count = 0;
    fhirstore_status status = fhs_stmt_take(check->conn, fhs_str_from_cstr(what->sql), &stmt, err);
    check->mend = what->mend;
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        if (++count <= TOLD_OF_A_KIND) {
            fhs_check_report(check, what->area, "%s %lld: %s", what->unit,
                             (long long)fhs_stmt_int(stmt, 0), what->text);
        }
    }
    fhs_stmt_give(stmt);
    if (count > TOLD_OF_A_KIND) {
        fhs_check_report(check, what->area, "%lld more of this kind: %s",
                         (long long)(count - TOLD_OF_A_KIND), what->text);
        check->findings += count - TOLD_OF_A_KIND - 1;
    }
    check->mend = 0;
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/*
 * What a check cannot read does not end the others. Where nothing has told of the damage yet, that
 * is a finding.
 */
static fhirstore_status go_on_after(fhs_check *check, fhirstore_status status, const char *what,
                                    fhirstore_error **err)
{
    char text[128];
    bool is_damage = status == FHIRSTORE_ERR_CORRUPT || status == FHIRSTORE_ERR_TAMPERED ||
                     status == FHIRSTORE_ERR_TRUNCATED;
    if (!is_damage) {
        return status;
    }
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    if (check->findings == 0) {
        fhs_check_report(check, "structure", "%s cannot be read to its end", what);
    } else if (!check->is_blind) {
        (void)snprintf(text, sizeof text, "what is damaged is not looked at further: %s", what);
        fhs_check_notice(check, text);
    }
    check->is_blind = true;
    return FHIRSTORE_OK;
}

static fhirstore_status check_tables(fhs_check *check, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < FHS_COUNT_OF(table_checks) && status == FHIRSTORE_OK; i++) {
        status = run_table_check(check, &table_checks[i], err);
        status = go_on_after(check, status, table_checks[i].area, err);
    }
    return status;
}

/* Stamps never go back along the change log. */
static fhirstore_status check_stamps(fhs_check *check, fhirstore_error **err)
{
    fhs_stmt *stmt;
    int64_t before = INT64_MIN;
    int64_t back = 0;
    fhirstore_status status = fhs_stmt_take(
        check->conn, FHS_LIT("SELECT updated FROM version ORDER BY seq"), &stmt, err);
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        back += fhs_stmt_int(stmt, 0) < before ? 1 : 0;
        before = fhs_stmt_int(stmt, 0);
    }
    fhs_stmt_give(stmt);
    if (back > 0) {
        fhs_check_report(check, "versions", "%lld stamps are earlier than the one before",
                         (long long)back);
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* One pass over the names: repeated numbers in [from, from + NUMBER_WINDOW). */
static fhirstore_status count_repeats(fhs_check *check, int64_t from, uint8_t *bits,
                                      int64_t *repeats, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(
        check->conn, FHS_LIT("SELECT num FROM entity WHERE num>=?1 AND num<?2"), &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, from);
        (void)fhs_stmt_bind_int(stmt, 2, from + NUMBER_WINDOW);
    }
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        uint64_t at = (uint64_t)(fhs_stmt_int(stmt, 0) - from);
        uint8_t bit = (uint8_t)(1u << (at % 8));
        *repeats += (bits[at / 8] & bit) != 0 ? 1 : 0;
        bits[at / 8] |= bit;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status read_next_entity(fhs_check *check, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(
        check->conn, FHS_LIT("SELECT value FROM meta WHERE name='next_entity'"), &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    check->next_entity = status == FHIRSTORE_OK ? fhs_stmt_int(stmt, 0) : 1;
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status check_numbers(fhs_check *check, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    int64_t repeats = 0;
    int64_t end = check->next_entity;
    for (int64_t from = 0; from < end && status == FHIRSTORE_OK; from += NUMBER_WINDOW) {
        uint8_t *bits = fhs_calloc((size_t)NUMBER_WINDOW / 8, 1);
        if (bits == NULL) {
            return fhs_fail_memory(err);
        }
        status = count_repeats(check, from, bits, &repeats, err);
        fhs_free(bits);
    }
    check->mend = FHS_MEND_NAMES;
    if (repeats > 0) {
        fhs_check_report(check, "names", "%lld entity numbers are given twice", (long long)repeats);
    }
    return status;
}

typedef fhirstore_status (*check_fn)(fhs_check *check, fhirstore_error **err);

static fhirstore_status run_checks(fhs_check *check, fhirstore_error **err)
{
    static const struct {
        check_fn run;
        const char *what;
    } checks[] = {
        {fhs_check_schema, "the schema"},     {read_next_entity, "the counters"},
        {check_tables, "the tables"},         {check_stamps, "the stamps of the versions"},
        {check_numbers, "the names"},         {fhs_check_chain, "the chain"},
        {fhs_check_rows, "the index tables"},
    };
    fhirstore_status status = FHIRSTORE_OK;
    if (check->findings == 0) { /* what does not authenticate is no news to SQLite */
        check->mend = FHS_MEND_STRUCTURE;
        status = go_on_after(check, check_integrity(check, err), "the structure", err);
        check->mend = 0;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(checks) && status == FHIRSTORE_OK; i++) {
        status = go_on_after(check, checks[i].run(check, err), checks[i].what, err);
        check->mend = 0;
    }
    return status;
}

static fhirstore_status begin_reading(fhs_check *check, fhs_storage *storage, fhirstore_error **err)
{
    fhirstore_status status = fhs_storage_reader(storage, &check->conn, err);
    return status == FHIRSTORE_OK ? fhs_conn_begin_read(check->conn, err) : status;
}

/* With the writer, so that no checkpoint moves pages meanwhile; a read-only store has only readers.
 */
static fhirstore_status look_at_pages(fhs_check *check, fhs_storage *storage, fhirstore_error **err)
{
    fhirstore_status status;
    if (storage->options.read_only) {
        status = begin_reading(check, storage, err);
    } else {
        status = fhs_storage_writer(storage, &check->conn, err);
        if (status == FHIRSTORE_OK) {
            status = fhs_conn_begin_write(check->conn, err);
        }
    }
    if (status == FHIRSTORE_OK) {
        status = check_pages(check, err);
    }
    if (status == FHIRSTORE_OK && check->findings == 0 && !storage->options.read_only) {
        bool is_sound = true;
        status = fhs_fulltext_check(check->conn, &is_sound, err);
        if (!is_sound && status == FHIRSTORE_OK) {
            check->mend = FHS_MEND_WORDS;
            fhs_check_report(check, "fulltext", "the full-text index is damaged");
            check->mend = 0;
        }
        status = go_on_after(check, status, "the full-text index", err);
    }
    fhs_conn_release(check->conn);
    check->conn = NULL;
    return status;
}

/* Nobody has to wait for this: all is of one snapshot. */
static fhirstore_status look_inside(fhs_check *check, fhs_storage *storage, fhirstore_error **err)
{
    fhirstore_status status = begin_reading(check, storage, err);
    if (status == FHIRSTORE_OK) {
        status = run_checks(check, err);
    }
    fhs_conn_release(check->conn);
    check->conn = NULL;
    return status;
}

fhirstore_status fhs_storage_examine(fhs_storage *storage, fhs_finding_fn report, void *ctx,
                                     fhs_examined *out, fhirstore_error **err)
{
    fhs_check check = {.report = report, .ctx = ctx, .next_entity = 1};
    fhirstore_status status = look_at_pages(&check, storage, err);
    status = go_on_after(&check, status, "the file", err);
    if (status == FHIRSTORE_OK) {
        status = go_on_after(&check, look_inside(&check, storage, err), "the store", err);
    }
    out->findings = check.findings;
    out->mends = check.mends;
    return status;
}

fhirstore_status fhs_storage_verify(fhs_storage *storage, fhs_finding_fn report, void *ctx,
                                    int64_t *findings_out, fhirstore_error **err)
{
    fhs_examined found = {0};
    fhirstore_status status = fhs_storage_examine(storage, report, ctx, &found, err);
    *findings_out = found.findings;
    return status;
}
