/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal without memory, at each request for some: an error that says so and no record by
 * half; and, where patients have keys of their own, records that nobody can open any more.
 */
#include "audit/fields.h"
#include "audit/journal_internal.h"
#include "failing_arena.h"
#include "fixture.h"
#include "storage/patient.h"

#define ROUNDS_MAX 4000

static const uint8_t journal_key[FHS_JOURNAL_KEY_BYTES] = {5, 4, 3};
static fixture fix;
static fhs_journal *journal;
static fhirstore_error *error;
static fhs_entity patients[2];

static const fhs_audit_event events[] = {
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = 1000,
     .total = -1,
     .principal = FHS_LIT_INIT("Practitioner/7"),
     .type = FHS_LIT_INIT("Observation"),
     .id = FHS_LIT_INIT("o1"),
     .query = FHS_LIT_INIT("code=1"),
     .patients = FHS_LIT_INIT("p1 p2"),
     .resources = FHS_LIT_INIT("Device/d")},
    {.action = FHIRSTORE_ACTION_SEARCH,
     .time_us = 1001,
     .flags = FHIRSTORE_AUDIT_CLOCK_BACK,
     .type = FHS_LIT_INIT("Patient"),
     .query = FHS_LIT_INIT("name=x"),
     .restriction = FHS_LIT_INIT("Patient/p1 only")},
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = 1002,
     .type = FHS_LIT_INIT("Patient"),
     .id = FHS_LIT_INIT("ghost"),
     .patients = FHS_LIT_INIT("p1 ghost")},
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = 1003,
     .flags = FHIRSTORE_AUDIT_MORE_PATIENTS,
     .type = FHS_LIT_INIT("Device"),
     .id = FHS_LIT_INIT("d"),
     .patients = FHS_LIT_INIT("p1")},
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = 1004,
     .type = FHS_LIT_INIT("Device"),
     .id = FHS_LIT_INIT("d"),
     .resources = FHS_LIT_INIT("Device/e")},
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = 1005,
     .type = FHS_LIT_INIT("Device"),
     .id = FHS_LIT_INIT("d"),
     .resources = FHS_LIT_INIT("Binary/b")},
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = 1006,
     .outcome = FHIRSTORE_ERR_DENIED,
     .type = FHS_LIT_INIT("Device"),
     .id = FHS_LIT_INIT("d")},
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = 1007,
     .flags = FHIRSTORE_AUDIT_MORE_PATIENTS,
     .type = FHS_LIT_INIT("Device"),
     .id = FHS_LIT_INIT("d")},
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = 1008,
     .type = FHS_LIT_INIT("Binary"),
     .id = FHS_LIT_INIT("b")},
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = 1009,
     .type = FHS_LIT_INIT("Patient"),
     .id = FHS_LIT_INIT("x"),
     .patients = FHS_LIT_INIT(
         "an-id-that-is-longer-than-any-of-fhir-can-be-as-they-end-at-sixty-four")},
};

static fhs_conn *writer(void)
{
    fhs_conn *conn;
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    return conn;
}

static void commit(fhs_conn *conn)
{
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
}

static void meet_patients(void)
{
    int32_t type;
    fhs_conn *conn = writer();
    ck_assert_ok(fhs_typenum_intern(conn, FHS_LIT("Patient"), &type, &err));
    ck_assert_ok(fhs_entity_intern(conn, type, FHS_LIT("p1"), &patients[0], &err));
    ck_assert_ok(fhs_entity_intern(conn, type, FHS_LIT("p2"), &patients[1], &err));
    commit(conn);
}

static void open_journal(bool has_patient_keys)
{
    error = NULL;
    fixture_prepare(&fix);
    fix.options.patient_keys = has_patient_keys;
    fix.options.key = test_key;
    fix.options.plaintext = false;
    ck_assert_ok(fhs_storage_open(&fix.options, &fix.storage, &err));
    ck_assert_ok(fhs_journal_new(NULL, journal_key, &journal, &err));
    if (has_patient_keys) {
        meet_patients();
    }
}

static void close_journal(void)
{
    fhs_error_free(error);
    fhs_journal_free(journal);
    fixture_close(&fix);
}

static void block_of(fhs_buf *out)
{
    fhs_buf_init(out, (size_t)1 << 20);
    for (size_t i = 0; i < FHS_COUNT_OF(events); i++) {
        ck_assert_int_eq(fhs_block_add(out, &events[i]), FHIRSTORE_OK);
    }
}

/* A block of so many times the events. */
static void append_block(int64_t times)
{
    fhs_buf records;
    fhs_conn *conn = writer();
    block_of(&records);
    for (int64_t i = 1; i < times; i++) {
        for (size_t k = 0; k < FHS_COUNT_OF(events); k++) {
            ck_assert_int_eq(fhs_block_add(&records, &events[k]), FHIRSTORE_OK);
        }
    }
    ck_assert_ok(fhs_journal_append(journal, conn, fhs_buf_str(&records),
                                    times * (int64_t)FHS_COUNT_OF(events), 2000, &err));
    commit(conn);
    fhs_buf_clear(&records);
}

/* ---- what is tried ---- */

static fhs_conn *conn_at_work;
static fhs_buf block_at_work;
static int64_t visited;

static bool count_visit(void *ctx, int64_t number, const fhs_audit_event *event)
{
    (void)ctx;
    (void)number;
    (void)event;
    visited++;
    return true;
}

static fhirstore_status try_append(void)
{
    return fhs_journal_append(journal, conn_at_work, fhs_buf_str(&block_at_work),
                              (int64_t)FHS_COUNT_OF(events), 3000, &error);
}

static fhirstore_status try_read(void)
{
    visited = 0;
    return fhs_journal_read(journal, conn_at_work, 1, count_visit, NULL, &error);
}

static fhirstore_status try_read_back(void)
{
    visited = 0;
    return fhs_journal_read_back(journal, conn_at_work, INT64_MAX, count_visit, NULL, &error);
}

static fhirstore_status try_verify(void)
{
    fhs_journal_report report;
    const fhirstore_status status = fhs_journal_verify(journal, conn_at_work, NULL, FHS_LIT("self"),
                                                       NULL, NULL, &report, &error);
    /* Want of memory is no fault of the journal's. */
    ck_assert_int_eq(report.faults, 0);
    ck_assert(status != FHIRSTORE_OK || report.waiting_since_us == 77);
    return status;
}

static fhirstore_status try_retain(void)
{
    return fhs_journal_retain(journal, conn_at_work, (int64_t)FHS_COUNT_OF(events) + 1, &error);
}

static fhirstore_status try_waiting(void)
{
    return fhs_journal_set_waiting(conn_at_work, FHS_LIT("other"), 77, &error);
}

static fhirstore_status try_new(void)
{
    fhs_journal *made;
    const fhirstore_status status = fhs_journal_new(NULL, journal_key, &made, &error);
    ck_assert((made != NULL) == (status == FHIRSTORE_OK));
    fhs_journal_free(made);
    return status;
}

static const struct {
    const char *name;
    fhirstore_status (*call)(void);
    bool writes;
} calls[] = {{"append", try_append, true},   {"read", try_read, false},
             {"back", try_read_back, false}, {"verify", try_verify, false},
             {"retain", try_retain, true},   {"waiting", try_waiting, true},
             {"new", try_new, false}};

static void begin_try(bool writes)
{
    fhs_error_free(error);
    error = NULL;
    if (writes) {
        conn_at_work = writer();
    } else {
        ck_assert_ok(fhs_storage_reader(fix.storage, &conn_at_work, &err));
    }
}

START_TEST(each_request_for_memory_may_fail)
{
    const size_t which = (size_t)_i / 2;
    bool failed = true;
    const int64_t blocks = calls[which].call == try_append ? 102 : 103;
    open_journal(_i % 2 == 1);
    append_block(1);
    append_block(101);
    if (blocks == 103) {
        append_block(1); /* goes past what is to be signed */
    }
    begin_try(true);
    ck_assert_int_eq(try_waiting(), FHIRSTORE_OK);
    commit(conn_at_work);
    block_of(&block_at_work);
    for (int64_t k = 1; failed && k < ROUNDS_MAX; k++) {
        begin_try(calls[which].writes);
        arm_arena(k);
        const fhirstore_status status = calls[which].call();
        disarm_arena();
        failed = has_failed_arena();
        ck_assert_msg(status == (failed ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_OK), "%s, %lld: %s",
                      calls[which].name, (long long)k, fhs_status_name(status));
        ck_assert_int_eq(fhs_error_status(error), status);
        fhs_conn_release(conn_at_work); /* a write is undone */
    }
    ck_assert(!failed);
    begin_try(false);
    ck_assert_int_eq(try_read(), FHIRSTORE_OK);
    ck_assert_int_eq(visited, blocks * (int64_t)FHS_COUNT_OF(events));
    ck_assert_int_eq(try_verify(), FHIRSTORE_OK);
    fhs_conn_release(conn_at_work);
    fhs_buf_clear(&block_at_work);
    close_journal();
}
END_TEST

/* ---- keys of patients ---- */

typedef struct kept {
    char ids[4][80];
    char patients[4][80];
    char queries[4][80];
} kept;

static bool keep_event(void *ctx, int64_t number, const fhs_audit_event *event)
{
    kept *told = ctx;
    const size_t at = (size_t)number - 1;
    if (at < 4) {
        (void)snprintf(told->ids[at], 80, "%.*s", FHS_STR_ARG(event->id));
        (void)snprintf(told->patients[at], 80, "%.*s", FHS_STR_ARG(event->patients));
        (void)snprintf(told->queries[at], 80, "%.*s", FHS_STR_ARG(event->query));
    }
    return true;
}

START_TEST(a_record_ends_with_its_patients)
{
    kept told;
    bool stays;
    open_journal(true);
    append_block(1);
    begin_try(false);
    ck_assert_ok(fhs_journal_read(journal, conn_at_work, 1, keep_event, &told, &err));
    fhs_conn_release(conn_at_work);
    ck_assert_str_eq(told.ids[0], "o1");
    ck_assert_str_eq(told.patients[0], "p1 p2");
    ck_assert_str_eq(told.queries[0], "code=1");
    ck_assert_int_eq(told.queries[1][0], '~'); /* of nobody: a digest */
    ck_assert_str_eq(told.patients[2], "p1");
    ck_assert_int_eq(told.ids[2][0], '~');
    ck_assert_str_eq(told.patients[3], "p1");
    fhs_conn *conn = writer();
    ck_assert_ok(fhs_patient_destroy(conn, patients[0], &stays, &err));
    commit(conn);
    fixture_reopen(&fix);
    begin_try(false);
    ck_assert_ok(fhs_journal_read(journal, conn_at_work, 1, keep_event, &told, &err));
    fhs_conn_release(conn_at_work);
    ck_assert_str_eq(told.ids[0], "");
    ck_assert_str_eq(told.patients[0], "p2");
    ck_assert_str_eq(told.queries[0], "");
    ck_assert_str_eq(told.patients[3], "");
    close_journal();
}
END_TEST

/* With the journal's key somebody can write lists that are none: what does not open is empty. */
static const struct {
    const char *list;
    size_t len;
} lists[] = {
    {"", 0},
    {"\1\0\0\0\0\0\0\0", 8},                            /* no length */
    {"\1\0\0\0\0\0\0\0\50", 9},                         /* nothing behind it */
    {"\1\0\0\0\0\0\0\0\4abcd", 13},                     /* too short for a box */
    {"\377\377\377\377\377\377\377\377\1a", 10},        /* nobody */
    {"\1\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\4abcdxxx", 25} /* and a rest */
};

START_TEST(hostile_lists_of_patients_are_empty)
{
    fhs_buf records = FHS_BUF_INIT(4096);
    fhs_buf out = FHS_BUF_INIT(4096);
    fhs_audit_event told;
    const fhs_audit_event event = {.id = FHS_LIT("boxed"),
                                   .type = FHS_LIT("Patient"),
                                   .patients = fhs_str_of(lists[_i].list, lists[_i].len)};
    open_journal(true);
    ck_assert_int_eq(fhs_block_add_sealed(&records, &event, true), FHIRSTORE_OK);
    begin_try(false);
    ck_assert_ok(fhs_fields_open(conn_at_work, fhs_buf_str(&records), &out, &err));
    fhs_str rest = fhs_buf_str(&out);
    ck_assert(fhs_block_next(&rest, &told));
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_uint_eq(told.id.len, 0);
    ck_assert_uint_eq(told.patients.len, 0);
    ck_assert_view_eq(told.type, FHS_LIT("Patient"));
    fhs_buf_add_char(&records, 9); /* no record's form */
    ck_assert_int_eq(fhs_fields_open(conn_at_work, fhs_buf_str(&records), &out, &error),
                     FHIRSTORE_ERR_CORRUPT);
    fhs_conn_release(conn_at_work);
    fhs_buf_clear(&records);
    fhs_buf_clear(&out);
    close_journal();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit_memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, each_request_for_memory_may_fail, 0, 2 * (int)FHS_COUNT_OF(calls));
    tcase_add_test(tests, a_record_ends_with_its_patients);
    tcase_add_loop_test(tests, hostile_lists_of_patients_are_empty, 0, (int)FHS_COUNT_OF(lists));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
