/* SPDX-License-Identifier: Apache-2.0 */
/* Failing I/O, full disks, killed processes, forks, threads: committed rows stay, nothing else. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "self.h"
#include "store.h"
#include "suite.h"

/* One transaction: the number goes up and as many rows with it. False: it did not commit. */
static bool commit_step(sqlite3 *db, int64_t step)
{
    char sql[400];
    (void)snprintf(sql, sizeof sql,
                   "BEGIN IMMEDIATE; UPDATE counter SET n=%lld;"
                   "INSERT INTO rows(step, body) VALUES(%lld, randomblob(900)),"
                   "(%lld, randomblob(2000)), (%lld, zeroblob(5000));"
                   "DELETE FROM rows WHERE step < %lld - 50; COMMIT",
                   (long long)step, (long long)step, (long long)step, (long long)step,
                   (long long)step);
    if (try_sql(db, sql) == SQLITE_OK) {
        return true;
    }
    if (!sqlite3_get_autocommit(db)) {
        (void)try_sql(db, "ROLLBACK");
    }
    return false;
}

static void make_counter(const char *path)
{
    store opened = open_store(path);
    run_sql(opened.db, "CREATE TABLE counter(n); INSERT INTO counter VALUES(0);"
                       "CREATE TABLE rows(id INTEGER PRIMARY KEY, step, body);"
                       "CREATE INDEX by_step ON rows(step)");
    for (int i = 1; i <= 20; i++) {
        ck_assert(commit_step(opened.db, i));
    }
    close_store(&opened);
}

/* Whole, and at @a least or the one step after that may have been on its way. */
static int64_t expect_counter(const char *path, int64_t least)
{
    store opened = open_store(path);
    int64_t step = get_number(opened.db, "SELECT n FROM counter");
    ck_assert_msg(step == least || step == least + 1, "%d instead of %d", (int)step, (int)least);
    ck_assert_int_eq(get_number(opened.db, "SELECT max(step) FROM rows"), step);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) % 3 FROM rows"), 0);
    expect_integrity(opened.db);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
    return step;
}

/* Some commits and a checkpoint, under faults; the last step that was committed for certain. */
static int64_t work_under_faults(const char *path, int64_t step)
{
    fhs_vfs_options options = {.credential = test_key, .base_vfs = "faulty"};
    fhs_vfs *vfs = NULL;
    sqlite3 *db = NULL;
    fhirstore_error *err = NULL;
    if (fhs_vfs_open(path, &options, &vfs, &err) == FHIRSTORE_OK &&
        sqlite3_open_v2(path, &db, fhs_vfs_sqlite_flags(vfs), fhs_vfs_name(vfs)) == SQLITE_OK &&
        fhs_vfs_setup(vfs, db, &err) == FHIRSTORE_OK) {
        (void)try_sql(db, "PRAGMA synchronous=FULL; PRAGMA cache_size=10");
        for (int i = 0; i < 4; i++) {
            if (!commit_step(db, step + 1)) {
                break;
            }
            step++;
            (void)try_sql(db,
                          i == 2 ? "PRAGMA wal_checkpoint(RESTART)" : "SELECT sum(id) FROM rows");
        }
    }
    fhs_vfs_verified verified;
    if (vfs != NULL) {
        (void)fhs_vfs_verify_pages(vfs, NULL, NULL, &verified, &err);
    }
    (void)sqlite3_close(db);
    fhs_vfs_close(vfs);
    fhs_error_free(err);
    return step;
}

static void fail_each(unsigned ops, bool for_ever, bool tears)
{
    const char *path = in_folder("store");
    fault_vfs *fault = fault_vfs_new("faulty", "unix-excl");
    int64_t step = 20;
    make_counter(path);
    fault_vfs_count(fault, ops);
    step = work_under_faults(path, step);
    uint64_t total = fault_vfs_seen(fault);
    fault_vfs_tear(fault, tears);
    ck_assert_uint_gt(total, 0);
    for (uint64_t k = 1; k <= total; k += 1 + total / 60) {
        fault_vfs_arm(fault, ops, k, for_ever);
        step = work_under_faults(path, step);
        fault_vfs_disarm(fault);
        step = expect_counter(path, step);
    }
    fault_vfs_free(fault);
}

static const unsigned fault_kinds[] = {FAULT_READ, FAULT_WRITE, FAULT_SYNC,   FAULT_TRUNCATE,
                                       FAULT_LOCK, FAULT_OPEN,  FAULT_DELETE, FAULT_SIZE};

START_TEST(survives_a_failing_operation)
{
    fail_each(fault_kinds[_i / 2], _i % 2 == 1, false);
}
END_TEST

START_TEST(survives_torn_reads_and_writes)
{
    fail_each(fault_kinds[_i / 2], _i % 2 == 1, true);
}
END_TEST

/* A commit whose sync fails leaves whole frames behind what the next, smaller one writes. */
START_TEST(what_a_failed_commit_left_is_no_part_of_the_log)
{
    const char *path = in_folder("store");
    fault_vfs *fault = fault_vfs_new("faulty", "unix-excl");
    const fhs_vfs_options options = {.credential = test_key, .base_vfs = "faulty"};
    make_counter(path);
    store opened = open_store_with(path, &options);
    run_sql(opened.db, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0");
    ck_assert(commit_step(opened.db, 21));
    fault_vfs_arm(fault, FAULT_SYNC, 1, false);
    ck_assert_int_ne(try_sql(opened.db,
                             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE "
                             "i<300) INSERT INTO rows(step, body) SELECT 0, zeroblob(4000) FROM n"),
                     SQLITE_OK);
    fault_vfs_disarm(fault);
    ck_assert(commit_step(opened.db, 22));
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    copy_files(path, in_folder("crashed"));
    ck_assert_int_eq(expect_counter(in_folder("crashed"), 22), 22);
    close_store(&opened);
    fault_vfs_free(fault);
}
END_TEST

START_TEST(survives_a_full_disk)
{
    const char *path = in_folder("store");
    fault_vfs *fault = fault_vfs_new("faulty", "unix-excl");
    int64_t step = 20;
    make_counter(path);
    for (uint64_t space = 0; space < 120000; space += 3001) {
        fhs_vfs_options options = {.credential = test_key, .base_vfs = "faulty"};
        store opened = open_store_with(path, &options);
        run_sql(opened.db, "PRAGMA wal_autocheckpoint=0");
        fault_vfs_limit_space(fault, space);
        bool has_failed = false;
        for (int i = 0; i < 20 && !has_failed; i++) {
            has_failed = !commit_step(opened.db, step + 1);
            step += has_failed ? 0 : 1;
        }
        if (has_failed) {
            int code = try_sql(opened.db, "INSERT INTO rows(body) VALUES(zeroblob(99999))");
            ck_assert_int_eq(fhs_vfs_status(opened.vfs, code), FHIRSTORE_ERR_FULL);
            ck_assert_int_eq(get_number(opened.db, "SELECT n FROM counter"), step);
        }
        fault_vfs_disarm(fault);
        close_store(&opened);
        step = expect_counter(path, step);
    }
    fault_vfs_free(fault);
}
END_TEST

/* Commits for ever, saying each; killed from outside. No test runs here, so nothing is asserted. */
static int write_until_killed(const char *path)
{
    fhs_vfs_options options = {.credential = test_key};
    fhs_vfs *vfs = NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    if (fhs_vfs_open(path, &options, &vfs, NULL) != FHIRSTORE_OK ||
        sqlite3_open_v2(path, &db, fhs_vfs_sqlite_flags(vfs), fhs_vfs_name(vfs)) != SQLITE_OK ||
        fhs_vfs_setup(vfs, db, NULL) != FHIRSTORE_OK ||
        try_sql(db, "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=25;"
                    "PRAGMA cache_size=20") != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT n FROM counter", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        return 1;
    }
    int64_t step = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    while (commit_step(db, ++step)) {
        if (write(STDOUT_FILENO, &step, sizeof step) != (ssize_t)sizeof step) {
            return 2;
        }
    }
    return 3;
}

static int64_t kill_a_writer(const char *path, long run_ms, int64_t step)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execl(self_path(), "self", "write", path, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    int64_t said = 0;
    struct timespec pause = {0, run_ms * 1000000};
    if (read(ends[0], &said, sizeof said) == (ssize_t)sizeof said) {
        step = said;
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(child, SIGKILL);
    while (read(ends[0], &said, sizeof said) == (ssize_t)sizeof said) {
        step = said;
    }
    (void)close(ends[0]);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    return step;
}

START_TEST(survives_being_killed)
{
    const char *text = getenv("FHS_KILL_CYCLES");
    int cycles = text == NULL ? 30 : atoi(text);
    const char *path = in_folder("store");
    int64_t step = 20;
    make_counter(path);
    for (int i = 0; i < cycles; i++) {
        step = kill_a_writer(path, 1 + (i * 37) % 40, step);
        step = expect_counter(path, step);
    }
    ck_assert_int_gt(step, 20 + cycles);
}
END_TEST

/* In a child of fork() the store answers errors, and closing it touches nothing. */
START_TEST(refuses_to_work_in_a_forked_child)
{
    const char *path = in_folder("store");
    make_counter(path);
    store opened = open_store(path);
    ck_assert(commit_step(opened.db, 21));
    pid_t child = fork();
    if (child == 0) {
        int wrong = commit_step(opened.db, 22) ? 1 : 0;
        wrong |= try_sql(opened.db, "SELECT * FROM rows") == SQLITE_OK ? 2 : 0;
        wrong |= fhs_vfs_status(opened.vfs, SQLITE_IOERR) != FHIRSTORE_ERR_FORKED ? 4 : 0;
        (void)sqlite3_close(opened.db);
        fhs_vfs_close(opened.vfs);
        _exit(wrong);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert(file_exists(wal_of(path)));
    ck_assert(commit_step(opened.db, 22));
    close_store(&opened);
    (void)expect_counter(path, 22);
}
END_TEST

typedef struct worker {
    const store *opened;
    pthread_t thread;
    int number;
    int failures;
} worker;

/* Odd ones write, even ones read a sum that every transaction leaves divisible. */
static void *work(void *argument)
{
    worker *self = argument;
    sqlite3 *db = NULL;
    fhs_vfs *vfs = self->opened->vfs;
    if (sqlite3_open_v2(fhs_vfs_path(vfs), &db, fhs_vfs_sqlite_flags(vfs), fhs_vfs_name(vfs)) !=
            SQLITE_OK ||
        sqlite3_busy_timeout(db, 10000) != SQLITE_OK ||
        fhs_vfs_setup(vfs, db, NULL) != FHIRSTORE_OK) {
        self->failures++;
        return NULL;
    }
    (void)try_sql(db, "PRAGMA wal_autocheckpoint=20; PRAGMA cache_size=20;"
                      "PRAGMA synchronous=NORMAL");
    sqlite3_stmt *statement = NULL;
    (void)sqlite3_prepare_v2(db, "SELECT count(*) % 3, sum(length(body)) FROM rows", -1, &statement,
                             NULL);
    for (int i = 0; i < 60; i++) {
        if (self->number % 2 == 1) {
            self->failures += commit_step(db, 1000 + i) ? 0 : 1;
        } else {
            bool is_right = sqlite3_step(statement) == SQLITE_ROW &&
                            sqlite3_column_int(statement, 0) == 0;
            self->failures += is_right ? 0 : 1;
            (void)sqlite3_reset(statement);
        }
    }
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return NULL;
}

START_TEST(serves_several_threads)
{
    const char *path = in_folder("store");
    make_counter(path);
    store opened = open_store(path);
    worker workers[5];
    for (int i = 0; i < 5; i++) {
        workers[i] = (worker){.opened = &opened, .number = i};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 5; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        ck_assert_int_eq(workers[i].failures, 0);
    }
    run_sql(opened.db, "BEGIN IMMEDIATE");
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    run_sql(opened.db, "COMMIT");
    expect_integrity(opened.db);
    close_store(&opened);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "write") == 0) {
        return write_until_killed(argv[2]);
    }
    Suite *suite = suite_create("vfs faults");
    TCase *tcase = tcase_create("faults");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, survives_a_failing_operation, 0, 2 * (int)FHS_COUNT_OF(fault_kinds));
    tcase_add_loop_test(tcase, survives_torn_reads_and_writes, 0, 4);
    tcase_add_test(tcase, survives_a_full_disk);
    tcase_add_test(tcase, what_a_failed_commit_left_is_no_part_of_the_log);
    tcase_add_test(tcase, survives_being_killed);
    tcase_add_test(tcase, refuses_to_work_in_a_forked_child);
    tcase_add_test(tcase, serves_several_threads);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
