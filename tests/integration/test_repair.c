/* SPDX-License-Identifier: Apache-2.0 */
/* What verify finds in a store that somebody has been at, and what repair makes of it. */
#include <sqlite3.h>
#include <stdio.h>

#include "harness.h"

static char told[16384];

static void note_told(void *ctx, const char *area, const char *text)
{
    (void)ctx;
    size_t len = strlen(told);
    (void)snprintf(told + len, sizeof told - len, "%s: %s\n", area, text);
}

static void open_plain(void)
{
    fhirstore_open_options options = open_options();
    options.flags |= FHIRSTORE_OPEN_PLAINTEXT;
    options.key = NULL;
    options.key_len = 0;
    options.journal = FHIRSTORE_JOURNAL_BATCHED;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
}

static void leave(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static void make_filled(void)
{
    setup_folder();
    open_plain();
    for (int i = 0; i < 12; i++) {
        char body[200];
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"name\":[{\"family\":"
                       "\"Name%d\"}],\"birthDate\":\"1980-01-%02d\"}",
                       i % 10, i, i + 1);
        char id[8];
        (void)snprintf(id, sizeof id, "p%d", i % 10);
        ck_assert_int_ge(update("Patient", id, body).status, FHIRSTORE_OK);
    }
    ck_assert_int_ge(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_OK);
    forget_replies();
    leave();
}

static void damage(const char *sql)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(store_path, &db), SQLITE_OK);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    (void)sqlite3_close(db);
}

static const struct {
    const char *sql;
    const char *area;
} mendable[] = {
    {"DELETE FROM idx_string", "idx_string"},
    {"DROP TABLE idx_string", "schema"},
    {"INSERT INTO idx_date VALUES(1,2,3,4)", "idx_date"},
    {"UPDATE entries SET rows=x'' WHERE entity=2", "idx_string"},
    {"DELETE FROM entries WHERE entity=2", "resources"},
    {"DROP TABLE entries", "schema"},
    {"DELETE FROM current_type", "resources"},
    {"DROP TABLE current_updated", "schema"},
    {"DELETE FROM version_of", "versions"},
    {"DROP TABLE version_type", "schema"},
    {"DELETE FROM entity WHERE id='p3'", "resources"},
    {"UPDATE meta SET value=2 WHERE name='next_entity'", "names"},
    {"INSERT INTO fulltext(fulltext) VALUES('delete-all')", "fulltext"},
    {"DROP TABLE fulltext", "schema"},
};

START_TEST(what_can_be_derived_is_made_anew)
{
    int64_t findings = 0;
    int64_t left = -1;
    char area[32];
    make_filled();
    damage(mendable[_i].sql);
    open_plain();
    told[0] = '\0';
    ck_assert_int_eq(fhirstore_verify(store, note_told, NULL, &findings, NULL), FHIRSTORE_OK);
    ck_assert_int_gt(findings, 0);
    (void)snprintf(area, sizeof area, "%s: ", mendable[_i].area);
    ck_assert_msg(strstr(told, area) != NULL, "%s: %s", mendable[_i].sql, told);
    told[0] = '\0';
    fhirstore_status status = fhirstore_repair(session, note_told, NULL, &left, NULL);
    ck_assert_msg(status == FHIRSTORE_OK && left == 0, "%s: %s: %s", mendable[_i].sql,
                  fhirstore_status_name(status), told);
    ck_assert_ptr_nonnull(strstr(told, "repaired: "));
    expect_sound(store);
    ck_assert_int_eq(count_of("Patient", "name=Name"), 10);
    ck_assert_int_eq(count_of("Patient", "_content=name11"), 1);
    fhirstore_buf records = {0};
    int64_t next;
    ck_assert_int_ge(fhirstore_journal_read(session, 1, 1000, &records, &next, NULL), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(records.ptr, "\"repair\""));
    fhirstore_buf_clear(&records);
    leave();
    teardown();
}
END_TEST

static const char *const lost[] = {
    "UPDATE resource SET body='{\"resourceType\":\"Patient\",\"id\":\"p3\"}' WHERE id='p3'",
    "DELETE FROM old_body",
    "UPDATE version SET chain=zeroblob(64) WHERE seq=4",
    "DROP TABLE old_body",
};

START_TEST(what_cannot_is_told_and_left)
{
    int64_t left = 0;
    fhirstore_error *error = NULL;
    make_filled();
    damage(lost[_i]);
    damage("DELETE FROM current_type");
    open_plain();
    told[0] = '\0';
    ck_assert_int_eq(fhirstore_repair(session, note_told, NULL, &left, &error),
                     FHIRSTORE_ERR_CORRUPT);
    ck_assert_int_gt(left, 0);
    ck_assert_ptr_nonnull(strstr(told, "\nleft: "));
    ck_assert_ptr_nonnull(strstr(told, "\nrepaired: lists"));
    ck_assert_ptr_null(strstr(told, "left: resources: sequence 12: the resource is missing"));
    fhirstore_error_free(error);
    leave();
    teardown();
}
END_TEST

START_TEST(a_journal_that_is_gone_is_a_finding)
{
    int64_t findings = 0;
    fhirstore_buf report = {0};
    make_filled();
    damage("DROP TABLE journal");
    open_plain();
    told[0] = '\0';
    ck_assert_int_eq(fhirstore_verify(store, note_told, NULL, &findings, NULL), FHIRSTORE_OK);
    ck_assert_int_ge(findings, 2);
    ck_assert_ptr_nonnull(strstr(told, "schema: journal is missing"));
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL),
                     FHIRSTORE_ERR_TAMPERED);
    ck_assert_ptr_nonnull(strstr(report.ptr, "\"sound\":false"));
    fhirstore_buf_clear(&report);
    leave();
    teardown();
}
END_TEST

START_TEST(a_damaged_spare_header_is_written_anew)
{
    int64_t left = -1;
    setup_store();
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
    flip_bits(store_path, 1000, 1);
    const fhirstore_open_options options = open_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    told[0] = '\0';
    fhirstore_status status = fhirstore_repair(session, note_told, NULL, &left, NULL);
    ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", fhirstore_status_name(status), told);
    ck_assert_int_eq(left, 0);
    ck_assert_ptr_nonnull(strstr(told, "pages: header copy 0"));
    ck_assert_ptr_nonnull(strstr(told, "repaired: both copies of the header"));
    reopen_store();
    expect_sound(store);
    teardown();
}
END_TEST

START_TEST(who_may_not_repairs_nothing)
{
    make_filled();
    damage("DELETE FROM current_type");
    open_plain();
    fhirstore_session *guest = must_enter(store, 0, "guest");
    told[0] = '\0';
    ck_assert_int_eq(fhirstore_repair(guest, note_told, NULL, NULL, NULL), FHIRSTORE_ERR_NO_POLICY);
    ck_assert_str_eq(told, "");
    fhirstore_session_close(guest);
    leave();
    teardown();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repair");
    TCase *tests = tcase_create("repair");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, what_can_be_derived_is_made_anew, 0,
                        (int)(sizeof mendable / sizeof *mendable));
    tcase_add_loop_test(tests, what_cannot_is_told_and_left, 0, (int)(sizeof lost / sizeof *lost));
    tcase_add_test(tests, a_journal_that_is_gone_is_a_finding);
    tcase_add_test(tests, a_damaged_spare_header_is_written_anew);
    tcase_add_test(tests, who_may_not_repairs_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
