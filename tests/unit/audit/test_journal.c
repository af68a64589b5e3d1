/* SPDX-License-Identifier: Apache-2.0 */
/* What is written to the journal is read again, and whatever is done to it shows. */
#include "audit/journal.h"
#include "fixture.h"

static const uint8_t journal_key[FHS_JOURNAL_KEY_BYTES] = {5, 4, 3};
static fixture fix;
static fhs_journal *journal;

static void set_up(void)
{
    fixture_open(&fix);
    ck_assert_ok(fhs_journal_new(NULL, journal_key, &journal, &err));
}

static void tear_down(void)
{
    fhs_journal_free(journal);
    fixture_close(&fix);
}

static fhs_audit_event event_of(int64_t number)
{
    return (fhs_audit_event){
        .action = FHIRSTORE_ACTION_READ,
        .outcome = number % 7 == 0 ? FHIRSTORE_ERR_DENIED : FHIRSTORE_OK,
        .time_us = 1000000 + number,
        .version_after = number,
        .total = -1,
        .principal = FHS_LIT("Practitioner/7"),
        .purpose = FHS_LIT("TREAT"),
        .request_id = FHS_LIT("r"),
        .type = FHS_LIT("Patient"),
        .id = FHS_LIT("p1"),
        .query = FHS_LIT("name=x"),
        .patients = FHS_LIT("p1"),
    };
}

/* Append blocks of @a size records until there are @a count more. */
static void write_records(int64_t from, int64_t count, int64_t size)
{
    fhs_buf records = FHS_BUF_INIT((size_t)1024 * 1024);
    fhs_conn *conn;
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    for (int64_t at = 0; at < count; at += size) {
        fhs_buf_reset(&records);
        for (int64_t i = 0; i < size; i++) {
            const fhs_audit_event event = event_of(from + at + i);
            ck_assert_int_eq(fhs_block_add(&records, &event), FHIRSTORE_OK);
        }
        ck_assert_ok(fhs_journal_append(journal, conn, fhs_buf_str(&records), size,
                                        1000000 + from + at + size - 1, &err));
    }
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    fhs_buf_clear(&records);
}

static void run_sql(const char *sql)
{
    fhs_conn *conn;
    fhs_stmt *stmt;
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_stmt_take(conn, fhs_str_from_cstr(sql), &stmt, &err));
    ck_assert_int_eq(fhs_stmt_step(stmt, NULL), FHIRSTORE_DONE);
    fhs_stmt_give(stmt);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
}

typedef struct faults {
    int64_t count;
    int64_t number;
    char what[128];
} faults;

static void keep_first(void *ctx, int64_t number, const char *what)
{
    faults *found = ctx;
    if (found->count++ == 0) {
        found->number = number;
        (void)snprintf(found->what, sizeof found->what, "%s", what);
    }
}

static fhs_journal_report verify(const fhs_journal_anchor *anchor, faults *found)
{
    fhs_journal_report report;
    fhs_conn *conn;
    *found = (faults){0};
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_journal_verify(journal, conn, anchor, FHS_LIT("self"), keep_first, found,
                                    &report, &err));
    fhs_conn_release(conn);
    ck_assert_int_eq(report.faults, found->count);
    return report;
}

static fhs_journal_anchor take_anchor(void)
{
    fhs_journal_anchor anchor;
    fhs_conn *conn;
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_journal_get_anchor(conn, &anchor, &err));
    fhs_conn_release(conn);
    return anchor;
}

START_TEST(an_empty_journal_is_sound)
{
    faults found;
    fhs_journal_report report = verify(NULL, &found);
    ck_assert_int_eq(found.count, 0);
    ck_assert_int_eq(report.last, 0);
}
END_TEST

typedef struct expected {
    int64_t next;
    int64_t stop;
} expected;

static bool compare_event(void *ctx, int64_t number, const fhs_audit_event *event)
{
    expected *want = ctx;
    const fhs_audit_event written = event_of(number);
    ck_assert_int_eq(number, want->next++);
    ck_assert_int_eq(event->outcome, written.outcome);
    ck_assert_int_eq(event->time_us, written.time_us);
    ck_assert_int_eq(event->version_after, number);
    ck_assert_int_eq(event->total, -1);
    ck_assert_view_eq(event->principal, written.principal);
    ck_assert_view_eq(event->query, written.query);
    ck_assert_view_eq(event->patients, written.patients);
    return number != want->stop;
}

START_TEST(what_was_written_is_read)
{
    expected want = {.next = 25, .stop = 60};
    fhs_conn *conn;
    faults found;
    write_records(1, 3000, 10);
    fhs_journal_report report = verify(NULL, &found);
    ck_assert_int_eq(found.count, 0);
    ck_assert_int_eq(report.first, 1);
    ck_assert_int_eq(report.last, 3000);
    ck_assert_int_eq(report.marks, 2);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_journal_read(journal, conn, 25, compare_event, &want, &err));
    fhs_conn_release(conn);
    ck_assert_int_eq(want.next, 61);
}
END_TEST

static bool compare_back(void *ctx, int64_t number, const fhs_audit_event *event)
{
    expected *want = ctx;
    ck_assert_int_eq(number, want->next--);
    ck_assert_int_eq(event->version_after, number);
    return number != want->stop;
}

START_TEST(it_is_read_from_its_end_too)
{
    expected want = {.next = 2995, .stop = 2};
    fhs_conn *conn;
    write_records(1, 3000, 10);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_journal_read_back(journal, conn, 2995, compare_back, &want, &err));
    ck_assert_int_eq(want.next, 1);
    want = (expected){.next = 3000, .stop = 0};
    ck_assert_ok(fhs_journal_read_back(journal, conn, INT64_MAX, compare_back, &want, &err));
    ck_assert_int_eq(want.next, 0);
    fhs_conn_release(conn);
}
END_TEST

/* Record n is of the time 1000000 + n. */
START_TEST(blocks_are_found_by_time)
{
    fhs_journal_block block;
    fhs_conn *conn;
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_journal_find_time(conn, 0, &block, &err));
    ck_assert_int_eq(block.count, 0);
    fhs_conn_release(conn);
    write_records(1, 3000, 10);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    for (int64_t number = -5; number <= 3000; number++) {
        ck_assert_ok(fhs_journal_find_time(conn, 1000000 + number, &block, &err));
        ck_assert_int_eq(block.first, number <= 0 ? 1 : (number - 1) / 10 * 10 + 1);
    }
    ck_assert_ok(fhs_journal_find_time(conn, 1003001, &block, &err));
    ck_assert_int_eq(block.count, 0);
    fhs_conn_release(conn);
}
END_TEST

static const struct {
    const char *sql;
    int64_t number;
    const char *what;
} edits[] = {
    {"UPDATE journal SET sealed=substr(sealed,1,40)||x'00'||substr(sealed,42) WHERE first=101", 101,
     "the chain is broken"},
    {"UPDATE journal SET sealed=(SELECT sealed FROM journal WHERE first=101) WHERE first=111", 111,
     "the chain is broken"},
    {"UPDATE journal SET time=time+1 WHERE first=101", 101, "the chain is broken"},
    {"UPDATE journal SET count=9 WHERE first=101", 101, "the chain is broken"},
    {"UPDATE journal SET link=x'00' WHERE first=101", 101, "a block has no link"},
    {"UPDATE journal SET link=zeroblob(32) WHERE first=101", 101, "the chain is broken"},
    {"DELETE FROM journal WHERE first=101", 101, "records are missing from here on"},
    {"DELETE FROM journal WHERE first=1", 1, "records are missing from here on"},
    {"DELETE FROM journal WHERE first=2991", 2991, "the journal is cut off here"},
    {"DELETE FROM journal WHERE first>=2001", 2001, "records that were signed are missing"},
    {"DELETE FROM journal", 1, "records that were signed are missing"},
    {"UPDATE journal SET first=first+10 WHERE first=2991", 2991, "records are missing"},
    {"UPDATE journal_mark SET signature=zeroblob(64) WHERE last=1030", 1030,
     "a signature is not the owner's"},
    {"UPDATE journal_mark SET last=1040 WHERE last=1030", 1040, "a signature is not the owner's"},
    {"DELETE FROM journal_mark WHERE last=1030", 1030,
     "the signature behind this record is missing"},
    {"DELETE FROM journal_mark", 1030, "the signature behind this record is missing"},
    {"UPDATE journal_mark SET signature=x'00' WHERE last=1030", 1030, "a signature is cut off"},
    {"UPDATE journal_mark SET link=x'00' WHERE last=1030", 1030, "a signature is cut off"},
    {"UPDATE journal_mark SET last=1025 WHERE last=1030", 1025, "a signature is not the owner's"},
    {"UPDATE journal SET sealed=x'00' WHERE first=101", 101, "the chain is broken"},
    {"UPDATE journal SET count=0 WHERE first=2991", 2991, "records are missing"},
    {"UPDATE meta SET value=substr(value,1,20) WHERE name='journal_head'", 0,
     "the head of the journal"},
    {"UPDATE journal SET sealed=substr(sealed,1,length(sealed)-1) WHERE first=101", 101,
     "the chain is broken"},
    {"UPDATE meta SET value='00' WHERE name='journal_head'", 0, "the head of the journal"},
    {"DELETE FROM meta WHERE name='journal_head'", 0, "the head of the journal"},
    {"INSERT INTO meta(name,value) VALUES('journal_start','00')", 0, "where the journal begins"},
    {"INSERT INTO journal SELECT 3001,count,time,sealed,link FROM journal WHERE first=2991", 3001,
     "the chain is broken"},
};

START_TEST(every_edit_is_found_with_its_place)
{
    faults found;
    write_records(1, 3000, 10);
    run_sql(edits[_i].sql);
    (void)verify(NULL, &found);
    ck_assert_msg(found.count > 0, "%s: not found", edits[_i].sql);
    ck_assert_msg(found.number == edits[_i].number && strstr(found.what, edits[_i].what) != NULL,
                  "%s: \"%s\" at %lld", edits[_i].sql, found.what, (long long)found.number);
}
END_TEST

START_TEST(another_key_finds_everything_wrong)
{
    static const uint8_t other[FHS_JOURNAL_KEY_BYTES] = {9};
    faults found;
    write_records(1, 100, 10);
    fhs_journal_free(journal);
    ck_assert_ok(fhs_journal_new(NULL, other, &journal, &err));
    (void)verify(NULL, &found);
    ck_assert_int_gt(found.count, 10);
}
END_TEST

/* Who has the key can rewrite all of it, but not what somebody else has kept. */
START_TEST(an_anchor_shows_a_journal_that_was_rewritten)
{
    faults found;
    write_records(1, 500, 10);
    fhs_journal_anchor anchor = take_anchor();
    write_records(501, 500, 10);
    (void)verify(&anchor, &found);
    ck_assert_int_eq(found.count, 0);
    run_sql("DELETE FROM journal");
    run_sql("DELETE FROM meta WHERE name='journal_head'");
    write_records(2, 1000, 10);
    (void)verify(NULL, &found);
    ck_assert_int_eq(found.count, 0);
    (void)verify(&anchor, &found);
    ck_assert_int_eq(found.number, 500);
}
END_TEST

START_TEST(a_journal_that_is_older_than_its_anchor_shows)
{
    faults found;
    write_records(1, 100, 10);
    fhs_journal_anchor anchor = take_anchor();
    anchor.last += 10;
    (void)verify(&anchor, &found);
    ck_assert_msg(strstr(found.what, "ends before the anchor") != NULL, "%s", found.what);
}
END_TEST

static bool count_record(void *ctx, int64_t number, const fhs_audit_event *event)
{
    (void)number;
    (void)event;
    ++*(int64_t *)ctx;
    return true;
}

/* Who has the key can write blocks that hold less, or more, than they say. */
START_TEST(a_block_that_says_too_much_shows)
{
    static const int64_t said[] = {3, 1, INT64_C(1) << 40};
    fhs_buf records = FHS_BUF_INIT(4096);
    fhs_conn *conn;
    faults found;
    int64_t visited = 0;
    const fhs_audit_event event = event_of(1);
    ck_assert_int_eq(fhs_block_add(&records, &event), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_block_add(&records, &event), FHIRSTORE_OK);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_journal_append(journal, conn, FHS_STR_NONE, 0, 5, &err)); /* nothing */
    ck_assert_ok(fhs_journal_append(journal, conn, fhs_buf_str(&records), said[_i], 5, &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    (void)verify(NULL, &found);
    ck_assert_int_gt(found.count, 0);
    ck_assert_msg(strstr(found.what, "does not hold the records") != NULL, "%s", found.what);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    const fhirstore_status wanted = said[_i] > 2 ? FHIRSTORE_ERR_CORRUPT : FHIRSTORE_OK;
    ck_assert_int_eq(fhs_journal_read(journal, conn, 1, count_record, &visited, NULL), wanted);
    ck_assert_int_eq(fhs_journal_read_back(journal, conn, INT64_MAX, count_record, &visited, NULL),
                     wanted);
    fhs_journal_report report;
    ck_assert_ok(fhs_journal_verify(journal, conn, NULL, FHS_LIT("self"), NULL, NULL, &report,
                                    &err)); /* told to nobody, counted all the same */
    ck_assert_int_eq(report.faults, found.count);
    fhs_conn_release(conn);
    fhs_buf_clear(&records);
}
END_TEST

START_TEST(an_anchor_within_a_block_or_of_nothing)
{
    faults found;
    fhs_journal_anchor anchor = take_anchor();
    ck_assert_int_eq(anchor.last, 0);
    write_records(1, 100, 10);
    (void)verify(&anchor, &found);
    ck_assert_int_eq(found.count, 0);
    anchor = take_anchor();
    anchor.last = 95;
    (void)verify(&anchor, &found);
    ck_assert_int_eq(found.number, 95);
    anchor.last = 100;
    anchor.link[0] ^= 1;
    (void)verify(&anchor, &found);
    ck_assert_int_eq(found.number, 100);
}
END_TEST

/* A block without a link ends what retention may cut: the chain could not begin behind it. */
START_TEST(retention_stops_at_a_block_without_a_link)
{
    fhs_conn *conn;
    faults found;
    write_records(1, 100, 10);
    run_sql("UPDATE journal SET link=x'00' WHERE first=1");
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_journal_retain(journal, conn, 51, &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    ck_assert_int_eq(verify(NULL, &found).first, 1);
    ck_assert_int_gt(found.count, 0);
}
END_TEST

START_TEST(a_clock_set_back_shows)
{
    faults found;
    write_records(100000000, 10, 10);
    write_records(1, 10, 10);
    (void)verify(NULL, &found);
    ck_assert_int_eq(found.count, 1);
    ck_assert_int_eq(found.number, 11);
}
END_TEST

START_TEST(retention_cuts_without_breaking_the_chain)
{
    fhs_conn *conn;
    faults found;
    write_records(1, 3000, 10);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_journal_retain(journal, conn, 1505, &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    fhs_journal_report report = verify(NULL, &found);
    ck_assert_msg(found.count == 0, "%s at %lld", found.what, (long long)found.number);
    ck_assert_int_eq(report.first, 1501);
    ck_assert_int_eq(report.marks, 1);
    write_records(3001, 10, 10);
    (void)verify(NULL, &found);
    ck_assert_int_eq(found.count, 0);
    run_sql("DELETE FROM journal WHERE first=1501");
    (void)verify(NULL, &found);
    ck_assert_int_eq(found.number, 1501);
}
END_TEST

START_TEST(what_waits_in_memory_leaves_a_trace)
{
    fhs_conn *conn;
    faults found;
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_journal_set_waiting(conn, FHS_LIT("other"), 77, &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    ck_assert_int_eq(verify(NULL, &found).waiting_since_us, 77);
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_journal_set_waiting(conn, FHS_LIT("self"), 5, &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    ck_assert_int_eq(verify(NULL, &found).waiting_since_us, 77);
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_journal_set_waiting(conn, FHS_LIT("other"), 0, &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    ck_assert_int_eq(verify(NULL, &found).waiting_since_us, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit_journal");
    TCase *tests = tcase_create("journal");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_empty_journal_is_sound);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, it_is_read_from_its_end_too);
    tcase_add_test(tests, blocks_are_found_by_time);
    tcase_add_loop_test(tests, every_edit_is_found_with_its_place, 0, (int)FHS_COUNT_OF(edits));
    tcase_add_test(tests, another_key_finds_everything_wrong);
    tcase_add_test(tests, an_anchor_shows_a_journal_that_was_rewritten);
    tcase_add_test(tests, a_journal_that_is_older_than_its_anchor_shows);
    tcase_add_loop_test(tests, a_block_that_says_too_much_shows, 0, 3);
    tcase_add_test(tests, an_anchor_within_a_block_or_of_nothing);
    tcase_add_test(tests, retention_stops_at_a_block_without_a_link);
    tcase_add_test(tests, a_clock_set_back_shows);
    tcase_add_test(tests, retention_cuts_without_breaking_the_chain);
    tcase_add_test(tests, what_waits_in_memory_leaves_a_trace);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
