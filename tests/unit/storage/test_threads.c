/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer, many readers. Each transaction gives every resource the same new body, so a reader
 * that sees two different bodies in one transaction has seen two snapshots.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "fixture.h"

#define RESOURCES 10
#define READERS   4
#define ROUNDS    150

typedef struct stage {
    fixture fix;
    atomic_bool done;
    atomic_int mixed;
    atomic_int failed;
    atomic_int looked;
} stage;

static fhs_str name_of(int number, char out[16])
{
    (void)snprintf(out, 16, "r%d", number);
    return fhs_str_from_cstr(out);
}

static void write_round(fhs_conn *conn, int round)
{
    char id[16];
    char body[16];
    (void)snprintf(body, sizeof body, "{%d}", round);
    for (int i = 0; i < RESOURCES; i++) {
        (void)put_resource(conn, 1, name_of(i, id), fhs_str_from_cstr(body), FHS_STR_NONE);
    }
}

/* One look at everything in a single transaction. */
static void look(stage *s, fhs_conn *conn)
{
    char id[16];
    char first[16] = "";
    fhs_version version;
    int64_t seq = 0;
    if (fhs_conn_begin_read(conn, NULL) != FHIRSTORE_OK) {
        atomic_fetch_add(&s->failed, 1);
        return;
    }
    for (int i = 0; i < RESOURCES; i++) {
        if (fhs_resource_read(conn, 1, name_of(i, id), &version, NULL) != FHIRSTORE_OK ||
            version.body.len >= sizeof first) {
            atomic_fetch_add(&s->failed, 1);
            break;
        }
        if (i == 0) {
            memcpy(first, version.body.ptr, version.body.len);
            first[version.body.len] = '\0';
        } else if (!fhs_str_eq(version.body, fhs_str_from_cstr(first))) {
            atomic_fetch_add(&s->mixed, 1);
        }
    }
    if (fhs_conn_last_seq(conn, &seq, NULL) != FHIRSTORE_OK || seq % RESOURCES != 0) {
        atomic_fetch_add(&s->mixed, 1);
    }
    fhs_conn_end_read(conn);
    atomic_fetch_add(&s->looked, 1);
}

static void *run_reader(void *ctx)
{
    stage *s = ctx;
    while (!atomic_load(&s->done)) {
        fhs_conn *conn;
        if (fhs_storage_reader(s->fix.storage, &conn, NULL) != FHIRSTORE_OK) {
            atomic_fetch_add(&s->failed, 1);
            break;
        }
        look(s, conn);
        fhs_conn_release(conn);
    }
    return NULL;
}

static void *run_writer(void *ctx)
{
    stage *s = ctx;
    for (int round = 0; round < ROUNDS; round++) {
        fhs_conn *conn;
        if (fhs_storage_writer(s->fix.storage, &conn, NULL) != FHIRSTORE_OK ||
            fhs_conn_begin_write(conn, NULL) != FHIRSTORE_OK) {
            atomic_fetch_add(&s->failed, 1);
            break;
        }
        write_round(conn, round);
        if (round % 7 == 3) {
            fhs_conn_rollback(conn);
        } else if (fhs_conn_commit(conn, NULL) != FHIRSTORE_OK) {
            atomic_fetch_add(&s->failed, 1);
        }
        fhs_conn_release(conn);
    }
    return NULL;
}

START_TEST(readers_see_whole_transactions)
{
    static stage s;
    pthread_t readers[READERS];
    pthread_t writers[2];
    fhs_conn *conn;
    int32_t type;
    fixture_prepare(&s.fix);
    s.fix.options.max_readers = READERS - 1;
    ck_assert_ok(fhs_storage_open(&s.fix.options, &s.fix.storage, &err));
    ck_assert_ok(fhs_storage_writer(s.fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_typenum_intern(conn, FHS_LIT("Patient"), &type, &err));
    write_round(conn, -1);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    for (int i = 0; i < READERS; i++) {
        ck_assert_int_eq(pthread_create(&readers[i], NULL, run_reader, &s), 0);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&writers[i], NULL, run_writer, &s), 0);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(writers[i], NULL), 0);
    }
    atomic_store(&s.done, true);
    for (int i = 0; i < READERS; i++) {
        ck_assert_int_eq(pthread_join(readers[i], NULL), 0);
    }
    ck_assert_int_eq(atomic_load(&s.mixed), 0);
    ck_assert_int_eq(atomic_load(&s.failed), 0);
    ck_assert_int_gt(atomic_load(&s.looked), 0);
    fixture_verify(&s.fix);
    fixture_close(&s.fix);
}
END_TEST

START_TEST(a_long_write_holds_nobody_up)
{
    fixture fix;
    fhs_conn *writer;
    fhs_conn *reader;
    fhs_version version;
    char id[16];
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &writer, &err));
    ck_assert_ok(fhs_conn_begin_write(writer, &err));
    write_round(writer, 1);
    ck_assert_ok(fhs_conn_commit(writer, &err));
    ck_assert_ok(fhs_storage_reader(fix.storage, &reader, &err));
    ck_assert_ok(fhs_conn_begin_read(reader, &err));
    ck_assert_ok(fhs_resource_read(reader, 1, name_of(0, id), &version, &err));
    ck_assert_ok(fhs_conn_begin_write(writer, &err));
    write_round(writer, 2);
    /* While it is open, and after it is committed, the snapshot stays. */
    ck_assert_ok(fhs_resource_read(reader, 1, name_of(3, id), &version, &err));
    ck_assert_view_eq(version.body, FHS_LIT("{1}"));
    ck_assert_ok(fhs_conn_commit(writer, &err));
    ck_assert_ok(fhs_resource_read(reader, 1, name_of(4, id), &version, &err));
    ck_assert_view_eq(version.body, FHS_LIT("{1}"));
    fhs_conn_end_read(reader);
    ck_assert_ok(fhs_resource_read(reader, 1, name_of(4, id), &version, &err));
    ck_assert_view_eq(version.body, FHS_LIT("{2}"));
    fhs_conn_release(reader);
    fhs_conn_release(writer);
    fixture_close(&fix);
}
END_TEST

START_TEST(waiting_has_an_end)
{
    fixture fix;
    fhs_conn *writer;
    fhs_conn *readers[2];
    fhs_conn *none;
    fixture_prepare(&fix);
    fix.options.max_readers = 2;
    fix.options.busy_timeout_ms = 30;
    ck_assert_ok(fhs_storage_open(&fix.options, &fix.storage, &err));
    ck_assert_ok(fhs_storage_writer(fix.storage, &writer, &err));
    ck_assert_int_eq(fhs_storage_writer(fix.storage, &none, NULL), FHIRSTORE_ERR_BUSY);
    ck_assert_ptr_null(none);
    ck_assert_ok(fhs_storage_reader(fix.storage, &readers[0], &err));
    ck_assert_ok(fhs_storage_reader(fix.storage, &readers[1], &err));
    ck_assert_int_eq(fhs_storage_reader(fix.storage, &none, NULL), FHIRSTORE_ERR_BUSY);
    fhs_conn_release(readers[0]);
    ck_assert_ok(fhs_storage_reader(fix.storage, &readers[0], &err));
    fhs_conn_release(readers[0]);
    fhs_conn_release(readers[1]);
    fhs_conn_release(writer);
    fixture_close(&fix);
}
END_TEST

static void *interrupt_soon(void *ctx)
{
    struct timespec pause = {0, 20000000};
    (void)nanosleep(&pause, NULL);
    fhs_conn_interrupt(ctx);
    return NULL;
}

START_TEST(an_interrupt_stops_what_runs)
{
    fixture fix;
    fhs_conn *conn;
    fhs_stmt *stmt;
    pthread_t thread;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_stmt_take(
        conn,
        FHS_LIT("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<4000000000) "
                "SELECT count(*) FROM n"),
        &stmt, &err));
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_soon, conn), 0);
    ck_assert_int_eq(fhs_stmt_step(stmt, NULL), FHIRSTORE_ERR_CANCELLED);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    fhs_stmt_give(stmt);
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

static fhirstore_status refuse_to_go_on(void *ctx)
{
    ++*(int *)ctx;
    return *(int *)ctx < 3 ? FHIRSTORE_OK : FHIRSTORE_ERR_TIMEOUT;
}

START_TEST(who_watches_stops_what_runs)
{
    fixture fix;
    fhs_conn *conn;
    fhs_stmt *stmt;
    int asked = 0;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    fhs_conn_watch(conn, refuse_to_go_on, &asked);
    ck_assert_ok(fhs_stmt_take(
        conn,
        FHS_LIT("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<4000000000) "
                "SELECT count(*) FROM n"),
        &stmt, &err));
    ck_assert_int_eq(fhs_stmt_step(stmt, NULL), FHIRSTORE_ERR_TIMEOUT);
    ck_assert_int_eq(asked, 3);
    fhs_stmt_give(stmt);
    fhs_conn_watch(conn, NULL, NULL);
    ck_assert_ok(fhs_stmt_take(conn, FHS_LIT("SELECT 1"), &stmt, &err));
    ck_assert_ok(fhs_stmt_step(stmt, &err));
    fhs_stmt_give(stmt);
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage_threads");
    TCase *cases = tcase_create("threads");
    tcase_set_timeout(cases, 180);
    tcase_add_test(cases, readers_see_whole_transactions);
    tcase_add_test(cases, a_long_write_holds_nobody_up);
    tcase_add_test(cases, waiting_has_an_end);
    tcase_add_test(cases, an_interrupt_stops_what_runs);
    tcase_add_test(cases, who_watches_stops_what_runs);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
