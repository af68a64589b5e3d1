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
    const char *records = records_of(session);
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
              an_anchor_shows_an_older_copy),
        GROUP("clock", setup_clocked_store, old_records_go_and_the_rest_is_sound),
    };
    return run_groups("journal", groups, sizeof groups / sizeof groups[0]);
}
