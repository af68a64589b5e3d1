/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as a host sees it: what is in it, what shows after a crash, and what was done to it.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "harness.h"

#define PATIENT "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"family\":\"SECRETNAME\"}]}"

/* All records of @a which, as one text; freed at the end of the program. */
static const char *records_of(fhirstore_session *which)
{
    static char all[1 << 20];
    fhirstore_buf page = {0};
    fhirstore_error *error = NULL;
    int64_t from = 1;
    size_t len = 0;
    while (from > 0) {
        fhirstore_status status = fhirstore_journal_read(which, from, 7, &page, &from, &error);
        ck_assert_msg(status == FHIRSTORE_OK, "%s",
                      error == NULL ? "" : fhirstore_error_message(error));
        ck_assert_uint_lt(len + page.len, sizeof all);
        memcpy(all + len, page.ptr, page.len);
        len += page.len;
    }
    all[len] = '\0';
    fhirstore_buf_clear(&page);
    return all;
}

static int count_in(const char *text, const char *needle)
{
    int count = 0;
    for (const char *at = strstr(text, needle); at != NULL; at = strstr(at + 1, needle)) {
        count++;
    }
    return count;
}

/* The report of a verification; freed at the end of the program. */
static const char *verified(fhirstore_session *which, const char *anchor, fhirstore_status want)
{
    static char text[1 << 16];
    fhirstore_buf report = {0};
    fhirstore_status status = fhirstore_journal_verify(
        which, anchor, anchor == NULL ? 0 : strlen(anchor), &report, NULL);
    ck_assert_uint_lt(report.len, sizeof text);
    if (report.len > 0) {
        memcpy(text, report.ptr, report.len);
    }
    text[report.len] = '\0';
    fhirstore_buf_clear(&report);
    ck_assert_msg(status == want, "%s: %s", fhirstore_status_name(status), text);
    return text;
}

static int64_t early_clock(void *ctx)
{
    (void)ctx;
    return 1000 * SECOND;
}

START_TEST(every_access_is_a_record_without_content)
{
    expect_status(update("Patient", "p", PATIENT), FHIRSTORE_CREATED);
    expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
    expect_status(read_one("Patient", "none"), FHIRSTORE_ERR_NOT_FOUND);
    expect_status(search_page("Patient", "family=x"), FHIRSTORE_OK);
    expect_status(delete_one("Patient", "p"), FHIRSTORE_NO_CONTENT);
    const char *records = records_of(session);
    ck_assert_int_eq(count_in(records, "\"action\":\"update\""), 1);
    ck_assert_int_eq(count_in(records, "\"action\":\"read\""), 2);
    ck_assert_int_eq(count_in(records, "\"outcome\":\"ERR_NOT_FOUND\""), 1);
    ck_assert_int_eq(count_in(records, "\"query\":\"family=x\""), 1);
    ck_assert_int_eq(count_in(records, "\"versionBefore\":1,\"versionAfter\":2"), 1);
    ck_assert_ptr_null(strstr(records, "SECRETNAME"));
    const char *report = verified(session, NULL, FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(report, "\"sound\":true"));
    ck_assert_ptr_null(strstr(report, "readsMayBeMissingSince"));
    expect_sound(store);
}
END_TEST

START_TEST(refusals_are_recorded)
{
    fhirstore_session *nobody = must_enter(store, 0, "nobody");
    expect_http(ask_bytes(nobody, "GET", "Patient/p", NULL, NULL, 0), 403);
    fhirstore_buf page = {0};
    int64_t next;
    ck_assert_int_eq(fhirstore_journal_read(nobody, 1, 10, &page, &next, NULL),
                     FHIRSTORE_ERR_NO_POLICY);
    fhirstore_session_close(nobody);
    /* Somebody who does not even get in. */
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.principal = "intruder";
    options.principal_len = 8;
    options.claims = "{\"scope\":\"patient/Patient.sr\"}";
    options.claims_len = strlen(options.claims);
    ck_assert_int_lt(fhirstore_session_open(store, &options, &nobody, NULL), FHIRSTORE_OK);
    const char *records = records_of(session);
    ck_assert_int_eq(count_in(records, "\"principal\":\"intruder\""), 1);
    ck_assert_int_eq(count_in(records, "\"outcome\":\"ERR_NO_POLICY\",\"principal\":\"nobody\""),
                     2);
}
END_TEST

START_TEST(what_failed_as_a_whole_is_recorded_as_failed)
{
    static const char bundle[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":" PATIENT
        ",\"request\":{\"method\":\"PUT\",\"url\":\"Patient/p\"}},{\"request\":{\"method\":"
        "\"DELETE\",\"url\":\"Nothing/1\"}}]}";
    ck_assert_int_ge(ask("POST", "", NULL, bundle).http, 400);
    const char *records = records_of(session);
    ck_assert_int_eq(count_in(records, "\"action\":\"update\",\"outcome\":\"OK\""), 0);
    ck_assert_ptr_nonnull(strstr(records, "\"action\":\"transaction\""));
    (void)verified(session, NULL, FHIRSTORE_OK);
}
END_TEST

static fhirstore_open_options with_journal(int32_t mode)
{
    fhirstore_open_options options = open_options();
    options.journal = mode;
    return options;
}

START_TEST(a_store_without_a_journal_says_so)
{
    fhirstore_open_options options = with_journal(FHIRSTORE_JOURNAL_OFF);
    fhirstore *other = must_open(in_folder("off"), &options);
    fhirstore_session *as = must_enter(other, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    fhirstore_buf report = {0};
    ck_assert_int_eq(fhirstore_journal_verify(as, NULL, 0, &report, NULL),
                     FHIRSTORE_ERR_NOT_SUPPORTED);
    fhirstore_session_close(as);
    fhirstore_close(other);
}
END_TEST

/* The files as a pulled plug leaves them: a copy of what is on disk now. */
static const char *crashed_copy(const char *path, const char *name)
{
    const char *copy = in_folder(name);
    char from[160];
    char to[160];
    size_t len;
    char *bytes = load_file(path, &len);
    save_file(copy, bytes, len);
    free(bytes);
    (void)snprintf(from, sizeof from, "%s-wal", path);
    (void)snprintf(to, sizeof to, "%s-wal", copy);
    bytes = load_file(from, &len);
    save_file(to, bytes, len);
    free(bytes);
    return copy;
}

START_TEST(a_crash_leaves_what_was_promised)
{
    static const struct {
        int32_t mode;
        int reads;
    } cases[] = {{FHIRSTORE_JOURNAL_STRICT, 3}, {FHIRSTORE_JOURNAL_BATCHED, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fhirstore_open_options options = with_journal(cases[i].mode);
        char name[16];
        (void)snprintf(name, sizeof name, "live%zu", i);
        char path[160];
        (void)snprintf(path, sizeof path, "%s", in_folder(name));
        fhirstore *live = must_open(path, &options);
        fhirstore_session *as = must_enter(live, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
        (void)ask_bytes(as, "PUT", "Patient/p", NULL, PATIENT, sizeof PATIENT - 1);
        for (int k = 0; k < 3; k++) {
            expect_http(ask_bytes(as, "GET", "Patient/p", NULL, NULL, 0), 200);
        }
        (void)snprintf(name, sizeof name, "dead%zu", i);
        const char *copy = crashed_copy(path, name);
        fhirstore *dead = must_open(copy, &options);
        fhirstore_session *heir = must_enter(dead, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
        const char *report = verified(heir, NULL, FHIRSTORE_OK);
        ck_assert_msg(strstr(report, "readsMayBeMissingSince") != NULL, "%s", report);
        const char *records = records_of(heir);
        ck_assert_int_eq(count_in(records, "\"action\":\"update\""), 1);
        if (cases[i].reads >= 0) {
            ck_assert_int_eq(count_in(records, "\"action\":\"read\""), cases[i].reads);
        }
        fhirstore_session_close(heir);
        fhirstore_close(dead);
        fhirstore_session_close(as);
        fhirstore_close(live);
    }
}
END_TEST

START_TEST(a_store_closed_in_order_lacks_nothing)
{
    expect_status(update("Patient", "p", PATIENT), FHIRSTORE_CREATED);
    for (int i = 0; i < 20; i++) {
        expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
    }
    reopen_store();
    const char *report = verified(session, NULL, FHIRSTORE_OK);
    ck_assert_ptr_null(strstr(report, "readsMayBeMissingSince"));
    ck_assert_int_eq(count_in(records_of(session), "\"action\":\"read\""), 20);
}
END_TEST

/* Who can write the file as a database: possible only where it is not encrypted. */
static void edit(const char *path, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s", why);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static const char *const edits[] = {
    "UPDATE journal SET sealed=zeroblob(length(sealed)) WHERE first=(SELECT min(first) FROM "
    "journal)",
    "DELETE FROM journal WHERE first=(SELECT max(first) FROM journal)",
    "DELETE FROM journal WHERE first=(SELECT min(first) FROM journal)",
    "DELETE FROM journal",
    "UPDATE journal SET time=time-1000000 WHERE first=(SELECT max(first) FROM journal)",
    "DELETE FROM meta WHERE name='journal_head'",
};

static void edit_shows(const char *sql, const char *name)
{
    fhirstore_open_options options = with_journal(FHIRSTORE_JOURNAL_BATCHED);
    options.flags |= FHIRSTORE_OPEN_PLAINTEXT;
    options.key = NULL;
    options.key_len = 0;
    char path[160];
    (void)snprintf(path, sizeof path, "%s", in_folder(name));
    fhirstore *plain = must_open(path, &options);
    fhirstore_session *as = must_enter(plain, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    (void)ask_bytes(as, "PUT", "Patient/p", NULL, PATIENT, sizeof PATIENT - 1);
    expect_http(ask_bytes(as, "GET", "Patient/p", NULL, NULL, 0), 200);
    (void)ask_bytes(as, "DELETE", "Patient/p", NULL, NULL, 0);
    (void)verified(as, NULL, FHIRSTORE_OK);
    fhirstore_session_close(as);
    fhirstore_close(plain);
    edit(path, sql);
    plain = must_open(path, &options);
    as = must_enter(plain, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    const char *report = verified(as, NULL, FHIRSTORE_ERR_TAMPERED);
    ck_assert_ptr_nonnull(strstr(report, "\"sound\":false"));
    ck_assert_ptr_nonnull(strstr(report, "\"what\":"));
    /* What is written afterwards does not hide it. */
    (void)ask_bytes(as, "PUT", "Patient/p", NULL, PATIENT, sizeof PATIENT - 1);
    (void)verified(as, NULL, FHIRSTORE_ERR_TAMPERED);
    fhirstore_session_close(as);
    fhirstore_close(plain);
}

START_TEST(an_edit_of_the_journal_shows)
{
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "plain%zu", i);
        edit_shows(edits[i], name);
    }
}
END_TEST

/* ---- every bit of it ---- */

static fhirstore_open_options plain_options(void)
{
    fhirstore_open_options options = with_journal(FHIRSTORE_JOURNAL_STRICT);
    options.flags |= FHIRSTORE_OPEN_PLAINTEXT;
    options.key = NULL;
    options.key_len = 0;
    return options;
}

/* What verification says of the store in @a path, and which record it names first. */
static void expect_tampered(const char *path, const char *what, bool is_plain)
{
    const fhirstore_open_options options = is_plain ? plain_options() : open_options();
    fhirstore *opened = NULL;
    fhirstore_buf report = {0};
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_open(path, strlen(path), &options, &opened, &error);
    if (status < FHIRSTORE_OK) {
        ck_assert_msg(!is_plain || status == FHIRSTORE_ERR_CORRUPT, "%s: %s", what,
                      fhirstore_status_name(status));
        fhirstore_error_free(error);
        return;
    }
    fhirstore_session *as = must_enter(opened, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    status = fhirstore_journal_verify(as, NULL, 0, &report, NULL);
    ck_assert_msg(status < FHIRSTORE_OK, "%s: not found", what);
    if (is_plain) {
        ck_assert_msg(status == FHIRSTORE_ERR_TAMPERED, "%s: %s", what,
                      fhirstore_status_name(status));
        ck_assert_msg(report.len > 0 && strstr(report.ptr, "{\"record\":") != NULL, "%s: no place",
                      what);
    }
    fhirstore_buf_clear(&report);
    fhirstore_session_close(as);
    fhirstore_close(opened);
}

/* A store with a journal of several blocks; closed. */
static void make_journal(const char *path, bool is_plain)
{
    const fhirstore_open_options options = is_plain ? plain_options() : open_options();
    fhirstore *made = must_open(path, &options);
    fhirstore_session *as = must_enter(made, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    (void)ask_bytes(as, "PUT", "Patient/p", NULL, PATIENT, sizeof PATIENT - 1);
    for (int i = 0; i < 4; i++) {
        expect_http(ask_bytes(as, "GET", "Patient/p", NULL, NULL, 0), 200);
    }
    fhirstore_session_close(as);
    fhirstore_close(made);
}

static void copy_file(const char *from, const char *to)
{
    size_t len;
    char *bytes = load_file(from, &len);
    save_file(to, bytes, len);
    free(bytes);
}

/* Flip one bit of a column of one row; false: there is no such row or byte. */
static bool flip_in_row(const char *path, const char *column, int row, int byte)
{
    char sql[256];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    bool flipped = false;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    (void)snprintf(sql, sizeof sql, "SELECT first,%s FROM journal ORDER BY first LIMIT 1 OFFSET %d",
                   column, row);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    if (sqlite3_step(stmt) == SQLITE_ROW && byte < sqlite3_column_bytes(stmt, 1)) {
        unsigned char bytes[4096];
        const int len = sqlite3_column_bytes(stmt, 1);
        const sqlite3_int64 first = sqlite3_column_int64(stmt, 0);
        ck_assert_int_lt(len, (int)sizeof bytes);
        memcpy(bytes, sqlite3_column_blob(stmt, 1), (size_t)len);
        bytes[byte] ^= (unsigned char)(1u << (byte % 8));
        sqlite3_finalize(stmt);
        (void)snprintf(sql, sizeof sql, "UPDATE journal SET %s=?1 WHERE first=?2", column);
        ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        sqlite3_bind_blob(stmt, 1, bytes, len, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, first);
        ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
        flipped = true;
    }
    sqlite3_finalize(stmt);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    return flipped;
}

START_TEST(every_flipped_bit_shows)
{
    static const char *const columns[] = {"sealed", "link"};
    char original[160];
    char copy[160];
    int flips = 0;
    (void)snprintf(original, sizeof original, "%s", in_folder("original"));
    (void)snprintf(copy, sizeof copy, "%s", in_folder("flipped"));
    make_journal(original, true);
    for (size_t column = 0; column < 2; column++) {
        for (int row = 0; row < 6; row++) {
            for (int byte = 0; byte < 4096; byte += 29) {
                copy_file(original, copy);
                if (!flip_in_row(copy, columns[column], row, byte)) {
                    break;
                }
                expect_tampered(copy, columns[column], true);
                flips++;
            }
        }
    }
    ck_assert_int_gt(flips, 20);
}
END_TEST

/* Rows swapped, put elsewhere, repeated, taken from an older copy: by who can write the database.
 */
START_TEST(rows_that_are_moved_show)
{
    static const char *const moves[] = {
        "UPDATE journal SET first=-first WHERE first IN(2,3);"
        "UPDATE journal SET first=5+first WHERE first<0",
        "UPDATE journal SET sealed=(SELECT sealed FROM journal WHERE first=3) WHERE first=2",
        "UPDATE journal SET sealed=(SELECT sealed FROM journal WHERE first=3),link=(SELECT link "
        "FROM journal WHERE first=3) WHERE first=2",
        "DELETE FROM journal WHERE first=2;UPDATE journal SET first=first-1 WHERE first=3",
        "DELETE FROM journal WHERE first=3",
        "DELETE FROM journal WHERE first>=4",
        "UPDATE journal SET count=2 WHERE first=4;DELETE FROM journal WHERE first=5",
        "UPDATE journal SET count=0 WHERE first=3",
        "INSERT INTO journal SELECT max(first)+1,1,time,sealed,link FROM journal",
        "UPDATE journal SET link=x'00' WHERE first=5",
        "DELETE FROM meta WHERE name='journal_head'",
        "UPDATE meta SET value=replace(value,'a','b') WHERE name='journal_head'",
        "ATTACH 'older' AS old;DELETE FROM main.journal;INSERT INTO main.journal SELECT * FROM "
        "old.journal",
    };
    char original[160];
    char copy[160];
    char sql[1024];
    (void)snprintf(original, sizeof original, "%s", in_folder("original"));
    (void)snprintf(copy, sizeof copy, "%s", in_folder("moved"));
    make_journal(original, true);
    copy_file(original, in_folder("older"));
    const fhirstore_open_options options = plain_options();
    fhirstore *again = must_open(original, &options);
    fhirstore_session *as = must_enter(again, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    expect_http(ask_bytes(as, "GET", "Patient/p", NULL, NULL, 0), 200);
    (void)verified(as, NULL, FHIRSTORE_OK);
    fhirstore_session_close(as);
    fhirstore_close(again);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        copy_file(original, copy);
        const char *attach = strstr(moves[i], "ATTACH 'older'");
        ck_assert_uint_lt(strlen(moves[i]), sizeof sql);
        memcpy(sql, moves[i], strlen(moves[i]) + 1);
        if (attach != NULL) {
            (void)snprintf(sql, sizeof sql, "ATTACH '%s' AS old;%s", in_folder("older"),
                           attach + strlen("ATTACH 'older' AS old;"));
        }
        edit(copy, sql);
        expect_tampered(copy, moves[i], true);
    }
}
END_TEST

/* Nobody without the key can write the database of an encrypted store: pages do not open. */
START_TEST(an_encrypted_journal_shows_every_flip_of_its_file)
{
    char original[160];
    char copy[160];
    size_t len;
    (void)snprintf(original, sizeof original, "%s", in_folder("original"));
    (void)snprintf(copy, sizeof copy, "%s", in_folder("flipped"));
    make_journal(original, false);
    char *bytes = load_file(original, &len);
    int found = 0;
    for (size_t at = 5000; at < len; at += 4099) {
        save_file(copy, bytes, len);
        flip_bits(copy, at, (unsigned char)(1u << (at % 8)));
        const fhirstore_open_options options = open_options();
        fhirstore *opened = NULL;
        int64_t findings = 0;
        fhirstore_status status = fhirstore_open(copy, strlen(copy), &options, &opened, NULL);
        if (status >= FHIRSTORE_OK) {
            status = fhirstore_verify(opened, NULL, NULL, &findings, NULL);
        }
        fhirstore_close(opened);
        ck_assert_msg(status < FHIRSTORE_OK || findings > 0, "byte %zu: not found", at);
        found++;
    }
    free(bytes);
    ck_assert_int_gt(found, 10);
}
END_TEST

START_TEST(an_anchor_shows_an_older_copy)
{
    fhirstore_buf anchor = {0};
    char kept[128];
    expect_status(update("Patient", "p", PATIENT), FHIRSTORE_CREATED);
    (void)verified(session, NULL, FHIRSTORE_OK);
    char old[160];
    (void)snprintf(old, sizeof old, "%s", crashed_copy(store_path, "old"));
    expect_status(delete_one("Patient", "p"), FHIRSTORE_NO_CONTENT);
    ck_assert_int_eq(fhirstore_journal_anchor(session, &anchor, NULL), FHIRSTORE_OK);
    ck_assert_uint_lt(anchor.len, sizeof kept);
    memcpy(kept, anchor.ptr, anchor.len);
    kept[anchor.len] = '\0';
    fhirstore_buf_clear(&anchor);
    (void)verified(session, kept, FHIRSTORE_OK);
    fhirstore_open_options options = open_options();
    fhirstore *copy = must_open(old, &options);
    fhirstore_session *as = must_enter(copy, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    const char *report = verified(as, kept, FHIRSTORE_ERR_TAMPERED);
    ck_assert_ptr_nonnull(strstr(report, "ends before the anchor"));
    fhirstore_session_close(as);
    fhirstore_close(copy);
    fhirstore_buf none = {0};
    ck_assert_int_eq(fhirstore_journal_verify(session, "12:zz", 5, &none, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

/* Somebody sets the clock back: times stay where they were, and it is noted. */
START_TEST(a_clock_set_back_is_noted)
{
    clock_us = 5000 * SECOND;
    expect_status(update("Patient", "p", PATIENT), FHIRSTORE_CREATED);
    clock_us = 4995 * SECOND; /* an adjustment is nothing to speak of */
    expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
    ck_assert_int_eq(count_in(records_of(session), "\"clockSetBack\":true"), 0);
    clock_us = 1000 * SECOND;
    expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
    expect_status(delete_one("Patient", "p"), FHIRSTORE_NO_CONTENT);
    /* Also where the store was closed meanwhile. */
    fhirstore_session_close(session);
    fhirstore_close(store);
    fhirstore_open_options options = open_options();
    options.clock = early_clock;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    expect_status(read_one("Patient", "p"), FHIRSTORE_ERR_DELETED);
    const char *records = records_of(session);
    ck_assert_int_ge(count_in(records, "\"clockSetBack\":true"), 3);
    ck_assert_ptr_null(strstr(records, "\"time\":\"1970-01-01T00:16:40"));
    ck_assert_int_ge(count_in(records, "\"time\":\"1970-01-01T01:23:20"), 4);
    const char *report = verified(session, NULL, FHIRSTORE_OK);
    ck_assert_msg(strstr(report, "\"sound\":true") != NULL, "%s", report);
    ck_assert_msg(strstr(report, "\"clockSetBackAt\":") != NULL, "%s", report);
}
END_TEST

START_TEST(maintenance_writes_what_waits)
{
    expect_status(update("Patient", "p", PATIENT), FHIRSTORE_CREATED);
    for (int i = 0; i < 3; i++) {
        expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
    }
    ck_assert_int_ge(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_OK);
    const char *copy = crashed_copy(store_path, "copy");
    fhirstore_open_options options = open_options();
    fhirstore *dead = must_open(copy, &options);
    fhirstore_session *heir = must_enter(dead, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    ck_assert_int_eq(count_in(records_of(heir), "\"action\":\"read\""), 3);
    fhirstore_session_close(heir);
    fhirstore_close(dead);
}
END_TEST

static fhirstore_status count_event(void *ctx, const fhirstore_audit_event *event)
{
    (void)event;
    ++*(int *)ctx;
    return FHIRSTORE_OK;
}

START_TEST(a_store_that_is_only_read_has_the_hook_alone)
{
    int events = 0;
    expect_status(update("Patient", "p", PATIENT), FHIRSTORE_CREATED);
    fhirstore_session_close(session);
    fhirstore_close(store);
    fhirstore_open_options options = open_options();
    options.flags = (options.flags & ~(uint32_t)FHIRSTORE_OPEN_CREATE) | FHIRSTORE_OPEN_READ_ONLY;
    options.journal = FHIRSTORE_JOURNAL_STRICT;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
    const fhirstore_audit_hook hook = {
        .struct_size = sizeof hook, .ctx = &events, .record = count_event};
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
    ck_assert_int_eq(events, 1);
    fhirstore_buf report = {0};
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL),
                     FHIRSTORE_ERR_NOT_SUPPORTED);
}
END_TEST

START_TEST(old_records_go_and_the_rest_is_sound)
{
    clock_us = 1000 * SECOND;
    expect_status(update("Patient", "p", PATIENT), FHIRSTORE_CREATED);
    clock_us = 5000 * SECOND;
    expect_status(delete_one("Patient", "p"), FHIRSTORE_NO_CONTENT);
    ck_assert_int_eq(fhirstore_journal_retain(session, 2000 * SECOND, NULL), FHIRSTORE_OK);
    const char *records = records_of(session);
    ck_assert_int_eq(count_in(records, "\"action\":\"update\""), 0);
    ck_assert_int_eq(count_in(records, "\"action\":\"delete\""), 1);
    ck_assert_int_eq(count_in(records, "\"query\":\"retain\""), 1);
    (void)verified(session, NULL, FHIRSTORE_OK);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("journal", setup_store, every_access_is_a_record_without_content,
              refusals_are_recorded, what_failed_as_a_whole_is_recorded_as_failed,
              a_store_without_a_journal_says_so, a_crash_leaves_what_was_promised,
              a_store_closed_in_order_lacks_nothing, an_edit_of_the_journal_shows,
              every_flipped_bit_shows, rows_that_are_moved_show,
              an_encrypted_journal_shows_every_flip_of_its_file, an_anchor_shows_an_older_copy,
              maintenance_writes_what_waits, a_store_that_is_only_read_has_the_hook_alone),
        GROUP("clock", setup_clocked_store, old_records_go_and_the_rest_is_sound,
              a_clock_set_back_is_noted),
    };
    return run_groups("journal", groups, sizeof groups / sizeof groups[0]);
}
