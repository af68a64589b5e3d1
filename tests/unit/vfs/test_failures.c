/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation fails once, SQLite's and ours, and each call of the VFS below, in everything that
 * a store is taken through: what was committed stays, nothing leaks, and the next attempt does it.
 * Linked with --wrap for malloc, calloc and realloc; SQLite's allocator is replaced for the
 * program.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failing_malloc.h"
#include "fault_vfs.h"
#include "store.h"
#include "suite.h"
#include "vfs/vfs_internal.h"

#define ROWS 300

static const fhs_key_cost cheap = {.memory_kib = 64, .passes = 1};
static fault_vfs *fault;
static bool is_told_otherwise; /* an error that says another status; Check's asserts allocate */
static sqlite3_mem_methods real_methods;

static void *failing_sqlite_malloc(int size)
{
    return must_fail() ? NULL : real_methods.xMalloc(size);
}

static void *failing_sqlite_realloc(void *ptr, int size)
{
    return must_fail() ? NULL : real_methods.xRealloc(ptr, size);
}

/* ---- a store that is taken through something; what fails is told, all else is closed ---- */

static fhirstore_status begin_with(const char *path, const fhs_vfs_options *options, store *opened)
{
    *opened = (store){NULL, NULL};
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_vfs_open(path, options, &opened->vfs, &err);
    if (status == FHIRSTORE_OK) {
        int code = sqlite3_open_v2(path, &opened->db, fhs_vfs_sqlite_flags(opened->vfs),
                                   fhs_vfs_name(opened->vfs));
        status = code == SQLITE_OK ? fhs_vfs_setup(opened->vfs, opened->db, &err)
                                   : fhs_vfs_fail(opened->vfs, code, "open", &err);
    }
    is_told_otherwise |= err != NULL && fhs_error_status(err) != status;
    fhs_error_free(err);
    return status;
}

static fhirstore_status begin(const char *path, store *opened)
{
    const fhs_vfs_options options = {.credential = test_key, .base_vfs = "faulty"};
    return begin_with(path, &options, opened);
}

static fhirstore_status end(store *opened, fhirstore_status status)
{
    (void)sqlite3_close(opened->db);
    fhs_vfs_close(opened->vfs);
    return status;
}

static fhirstore_status run(const store *opened, const char *sql)
{
    return fhs_vfs_status(opened->vfs, try_sql(opened->db, sql));
}

/* A log of its own length; checkpoints, one of them beside a reader and so in two parts. */
static fhirstore_status write_and_checkpoint(const char *path)
{
    store opened;
    sqlite3 *reader = NULL;
    fhirstore_status status = begin(path, &opened);
    if (status == FHIRSTORE_OK) {
        status = run(&opened, "PRAGMA wal_autocheckpoint=0; UPDATE t SET body=zeroblob(301)");
    }
    if (status == FHIRSTORE_OK) {
        int code = sqlite3_open_v2(path, &reader, fhs_vfs_sqlite_flags(opened.vfs),
                                   fhs_vfs_name(opened.vfs));
        code = code == SQLITE_OK ? try_sql(reader, "BEGIN; SELECT count(*) FROM t") : code;
        status = fhs_vfs_status(opened.vfs, code);
    }
    if (status == FHIRSTORE_OK) {
        status = run(&opened, "UPDATE t SET name='n' || id WHERE id < 40;"
                              "PRAGMA wal_checkpoint(PASSIVE)");
    }
    (void)sqlite3_close(reader);
    if (status == FHIRSTORE_OK) {
        status = run(&opened, "PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET name='again'");
    }
    return end(&opened, status);
}

/* More frames than there is room for at first. */
static fhirstore_status write_much(const char *path)
{
    store opened;
    fhirstore_status status = begin(path, &opened);
    if (status == FHIRSTORE_OK) {
        status = run(&opened, "PRAGMA cache_size=50; BEGIN;"
                              "INSERT INTO t(id, body) VALUES(999999, zeroblob(4500000));"
                              "DELETE FROM t WHERE id=999999; COMMIT");
    }
    return end(&opened, status);
}

static fhirstore_status read_all(const char *path)
{
    store opened;
    fhirstore_status status = begin(path, &opened);
    return end(&opened,
               status == FHIRSTORE_OK ? run(&opened, "SELECT sum(length(body)) FROM t") : status);
}

static fhirstore_status verify_all(const char *path)
{
    store opened;
    fhs_vfs_verified verified;
    fhirstore_status status = begin(path, &opened);
    if (status == FHIRSTORE_OK) {
        status = fhs_vfs_verify_pages(opened.vfs, NULL, NULL, &verified, NULL);
    }
    return end(&opened, status);
}

static fhirstore_status suspend_and_resume(const char *path)
{
    store opened;
    fhirstore_status status = begin(path, &opened);
    if (status == FHIRSTORE_OK) {
        (void)sqlite3_close(opened.db);
        opened.db = NULL;
        fhs_vfs_suspend(opened.vfs);
        status = fhs_vfs_resume(opened.vfs, NULL);
    }
    if (status == FHIRSTORE_OK) {
        int code = sqlite3_open_v2(path, &opened.db, fhs_vfs_sqlite_flags(opened.vfs),
                                   fhs_vfs_name(opened.vfs));
        status = code == SQLITE_OK ? fhs_vfs_setup(opened.vfs, opened.db, NULL)
                                   : fhs_vfs_status(opened.vfs, code);
    }
    return end(&opened, status == FHIRSTORE_OK ? run(&opened, "DELETE FROM t WHERE id=0") : status);
}

/* More than the cache holds is put aside: sorted, and undone. */
static fhirstore_status put_aside(const char *path)
{
    store opened;
    fhirstore_status status = begin(path, &opened);
    if (status == FHIRSTORE_OK) {
        status = run(&opened, "PRAGMA cache_size=5; PRAGMA temp.cache_size=5;"
                              "CREATE TEMP TABLE x AS SELECT id, name, randomblob(3000) AS body "
                              "FROM t; SELECT count(*) FROM (SELECT name FROM x ORDER BY body)");
    }
    if (status == FHIRSTORE_OK) {
        status = run(&opened, "BEGIN; SAVEPOINT s; UPDATE x SET body=zeroblob(2500);"
                              "ROLLBACK TO s; DELETE FROM x WHERE id > 4; COMMIT;"
                              "SELECT count(*) FROM x");
    }
    return end(&opened, status);
}

/* A new data key: a failing step is done once more in the same process, as fhirstore_maintain is.
 */
static fhirstore_status renew(const char *path)
{
    store opened;
    uint32_t id = 0;
    uint32_t done = 0;
    uint32_t total = 1;
    bool has_ended = false;
    fhirstore_status failed = FHIRSTORE_OK;
    fhirstore_status status = begin(path, &opened);
    if (status == FHIRSTORE_OK) {
        status = fhs_vfs_renew(opened.vfs, &test_key, cheap, FHS_LIT("new"), &id, NULL);
    }
    /* Nothing is sealed anew yet: that is no end. */
    if (status == FHIRSTORE_OK) {
        failed = fhs_vfs_renew_end(opened.vfs, &has_ended, NULL);
    }
    for (int round = 0; round < 8 && status == FHIRSTORE_OK && !has_ended; round++) {
        fhirstore_status step = run(&opened, "BEGIN IMMEDIATE");
        if (step == FHIRSTORE_OK) {
            step = fhs_vfs_renew_step(opened.vfs, &done, &total, NULL);
            (void)try_sql(opened.db, "COMMIT");
            (void)try_sql(opened.db, "ROLLBACK"); /* where that failed */
        }
        if (step == FHIRSTORE_OK && done == total) {
            step = run(&opened, "UPDATE t SET name='n' WHERE id=1");
        }
        if (step == FHIRSTORE_OK) { /* the log holds something: no end either */
            step = fhs_vfs_renew_end(opened.vfs, &has_ended, NULL);
        }
        if (step == FHIRSTORE_OK && done == total) {
            step = run(&opened, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        if (step == FHIRSTORE_OK && done == total) {
            step = fhs_vfs_renew_end(opened.vfs, &has_ended, NULL);
        }
        failed = step == FHIRSTORE_OK ? failed : step;
    }
    return end(&opened, status == FHIRSTORE_OK ? failed : status);
}

static fhirstore_status make_anew(const char *path)
{
    const fhs_vfs_options options = {.credential = test_key, .create = true, .base_vfs = "faulty"};
    store opened;
    (void)unlink(path);
    (void)unlink(wal_of(path));
    return end(&opened, begin_with(path, &options, &opened));
}

/* A copy, written page by page with a cache that does not hold it. */
static fhirstore_status build(const char *path)
{
    const fhs_vfs_options options = {.credential = test_key, .base_vfs = "faulty"};
    store built = {NULL, NULL};
    int reserve = RESERVE_BYTES;
    (void)unlink(path);
    (void)unlink(wal_of(path));
    fhirstore_status status = fhs_vfs_build(path, &options, NULL, &built.vfs, NULL);
    if (status == FHIRSTORE_OK) {
        int code = sqlite3_open_v2(path, &built.db, SQLITE_OPEN_READWRITE, fhs_vfs_name(built.vfs));
        if (code == SQLITE_OK) {
            code = sqlite3_file_control(built.db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
        }
        if (code == SQLITE_OK) {
            code = try_sql(built.db,
                           "PRAGMA cache_size=5; BEGIN; CREATE TABLE t(id INTEGER PRIMARY KEY, "
                           "name TEXT, body BLOB); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
                           "SELECT x+1 FROM c WHERE x<300) INSERT INTO t(name, body) "
                           "SELECT 'n' || x, randomblob(300) FROM c; COMMIT;"
                           "UPDATE t SET name='renamed'");
        }
        status = fhs_vfs_status(built.vfs, code);
        (void)sqlite3_close(built.db);
        built.db = NULL;
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_vfs_build_finish(built.vfs, NULL);
    }
    fhs_vfs_close(built.vfs);
    if (status != FHIRSTORE_OK) {
        (void)unlink(path); /* as a copy's maker does: it is no store */
    }
    return status;
}

/* ---- what each begins with ---- */

/* Closed, with all in the file; or as a crash would leave it, with much of it in the log. */
static void make_model(const char *path, bool is_crashed)
{
    char made[PATH_SIZE];
    (void)snprintf(made, sizeof made, "%s", in_folder("made"));
    store opened = open_store(made);
    fill_store(opened.db, ROWS);
    if (is_crashed) {
        run_sql(opened.db, "PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET body=randomblob(290)");
        copy_files(made, path);
    }
    close_store(&opened);
    if (!is_crashed) {
        copy_files(made, path);
    }
    (void)unlink(made);
}

static fhirstore_status renew_one_step(const char *path, uint64_t torn_write)
{
    store opened;
    uint32_t id = 0;
    uint32_t done = 0;
    uint32_t total = 0;
    ck_assert_int_eq(begin(path, &opened), FHIRSTORE_OK);
    fhirstore_status status = fhs_vfs_renew(opened.vfs, &test_key, cheap, FHS_LIT("new"), &id,
                                            NULL);
    ck_assert_int_eq(status, FHIRSTORE_OK);
    fault_vfs_arm(fault, FAULT_WRITE, torn_write, false);
    return end(&opened, fhs_vfs_renew_step(opened.vfs, &done, &total, NULL));
}

/* Cut short by a page that is torn in the file and whole only in the batch beside it. */
static void make_half_renewed(const char *path)
{
    char batch[PATH_SIZE + 8];
    char trial[PATH_SIZE];
    (void)snprintf(trial, sizeof trial, "%s", in_folder("trial"));
    (void)snprintf(batch, sizeof batch, "%s-renew", path);
    make_model(path, false);
    copy_files(path, trial);
    ck_assert_int_eq(renew_one_step(trial, 0), FHIRSTORE_OK);
    const uint64_t last_page = fault_vfs_seen(fault);
    fault_vfs_disarm(fault);
    fault_vfs_tear(fault, true);
    ck_assert_int_eq(renew_one_step(path, last_page - 2), FHIRSTORE_ERR_IO);
    fault_vfs_disarm(fault);
    fault_vfs_tear(fault, false);
    ck_assert(file_exists(batch));
    /* Without it the page is lost: so what follows would see a batch that was given up. */
    copy_files(path, trial);
    store opened = open_store(trial);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 1);
    close_store(&opened);
    (void)unlink(trial);
}

typedef enum beginning {
    NOTHING,
    CLOSED,
    CRASHED,
    HALF_RENEWED
} beginning;

typedef struct deed {
    const char *name;
    beginning from;
    fhirstore_status (*act)(const char *path);
    bool makes_the_file;
} deed;

static const deed deeds[] = {
    {"write and checkpoint", CLOSED, write_and_checkpoint, false},
    {"write much", CLOSED, write_much, false},
    {"recover", CRASHED, read_all, false},
    {"recover and write", CRASHED, write_and_checkpoint, false},
    {"verify", CRASHED, verify_all, false},
    {"suspend and resume", CRASHED, suspend_and_resume, false},
    {"put aside", CLOSED, put_aside, false},
    {"renew", CLOSED, renew, false},
    {"finish a batch", HALF_RENEWED, read_all, false},
    {"make", NOTHING, make_anew, true},
    {"build", NOTHING, build, true},
};

static void copy_batch(const char *from, const char *to)
{
    char source[PATH_SIZE + 8];
    char target[PATH_SIZE + 8];
    size_t size = 0;
    (void)snprintf(source, sizeof source, "%s-renew", from);
    (void)snprintf(target, sizeof target, "%s-renew", to);
    (void)unlink(target);
    if (file_exists(source)) {
        uint8_t *bytes = load_bytes(source, &size);
        save_bytes(target, bytes, size);
        free(bytes);
    }
}

static fhirstore_status act_on_copy(const deed *it, const char *model, const char *path)
{
    if (it->from != NOTHING) {
        copy_files(model, path);
        copy_batch(model, path);
    }
    return it->act(path);
}

static void expect_whole(const deed *it, const char *path, uint64_t k)
{
    char batch[PATH_SIZE + 8];
    size_t left = 0;
    if (it->makes_the_file && !file_exists(path)) {
        return;
    }
    store opened = open_store(path);
    (void)snprintf(batch, sizeof batch, "%s-renew", path);
    if (file_exists(batch)) { /* could be emptied, and not deleted */
        free(load_bytes(batch, &left));
    }
    ck_assert_msg(left == 0, "%s at %u", it->name, (unsigned)k);
    if (it->act != make_anew) {
        ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), ROWS);
    }
    expect_integrity(opened.db);
    uint64_t flaws = count_flaws(&opened, NULL);
    ck_assert_msg(flaws == 0, "%s at %u: %u flaws", it->name, (unsigned)k, (unsigned)flaws);
    close_store(&opened);
}

static void prepare(const deed *it, const char *model)
{
    if (it->from == HALF_RENEWED) {
        make_half_renewed(model);
    } else if (it->from != NOTHING) {
        make_model(model, it->from == CRASHED);
    }
}

/* Most of them in turn; all where there are few. */
static uint64_t stride_of(uint64_t total)
{
    return 1 + total / 500;
}

START_TEST(outlives_each_failed_allocation)
{
    const deed *it = &deeds[_i];
    char model[PATH_SIZE];
    char path[PATH_SIZE];
    (void)snprintf(model, sizeof model, "%s", in_folder("model"));
    (void)snprintf(path, sizeof path, "%s", in_folder("store"));
    int refused = 0;
    prepare(it, model);
    arm(0);
    ck_assert_int_eq(act_on_copy(it, model, path), FHIRSTORE_OK);
    disarm();
    const uint64_t total = seen;
    for (uint64_t k = 1; k <= total; k += stride_of(total)) {
        if (it->from != NOTHING) {
            copy_files(model, path);
            copy_batch(model, path);
        }
        arm(k);
        fhirstore_status status = it->act(path);
        disarm();
        ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY, "%s at %u: %s",
                      it->name, (unsigned)k, fhs_status_text(status));
        ck_assert(!is_told_otherwise);
        refused += status == FHIRSTORE_OK ? 0 : 1;
        expect_whole(it, path, k);
    }
    ck_assert_int_gt(refused, 5);
}
END_TEST

static const unsigned failing_kinds[] = {FAULT_READ,     FAULT_WRITE, FAULT_SYNC,
                                         FAULT_TRUNCATE, FAULT_LOCK,  FAULT_OPEN,
                                         FAULT_DELETE,   FAULT_SIZE,  FAULT_ACCESS};

static void fail_each_call(const deed *it, const char *model, const char *path, unsigned kind)
{
    fault_vfs_count(fault, kind);
    ck_assert_int_eq(act_on_copy(it, model, path), FHIRSTORE_OK);
    fault_vfs_disarm(fault);
    const uint64_t total = fault_vfs_seen(fault);
    for (uint64_t k = 1; k <= total; k += 1 + total / 60) {
        fault_vfs_arm(fault, kind, k, false);
        fhirstore_status status = act_on_copy(it, model, path);
        fault_vfs_disarm(fault);
        ck_assert_int_ne(status, FHIRSTORE_ERR_INTERNAL);
        expect_whole(it, path, k);
    }
}

START_TEST(outlives_each_failed_call)
{
    const deed *it = &deeds[_i];
    char model[PATH_SIZE];
    char path[PATH_SIZE];
    (void)snprintf(model, sizeof model, "%s", in_folder("model"));
    (void)snprintf(path, sizeof path, "%s", in_folder("store"));
    prepare(it, model);
    for (size_t i = 0; i < FHS_COUNT_OF(failing_kinds); i++) {
        fail_each_call(it, model, path, failing_kinds[i]);
    }
    fault_vfs_tear(fault, true);
    fail_each_call(it, model, path, FAULT_READ);
    fail_each_call(it, model, path, FAULT_WRITE);
    fault_vfs_tear(fault, false);
}
END_TEST

/* ---- what else lies beside a store under its new key ---- */

static void make_renewing(const char *path)
{
    uint32_t id = 0;
    make_model(path, false);
    store opened = open_store(path);
    ck_assert_int_eq(fhs_vfs_renew(opened.vfs, &test_key, cheap, FHS_LIT("new"), &id, NULL),
                     FHIRSTORE_OK);
    close_store(&opened);
}

/* Too short, of another kind, of no pages, of too many, cut off, or of another key. */
START_TEST(plays_back_no_forged_batch)
{
    static const struct {
        size_t size;
        uint64_t count;
        const char *magic;
    } rows[] = {
        {20, 1, "FHSRENW1"},   {48, 0, "FHSRENW1"},   {5000, 1, "FHSRENW2"},
        {48, 257, "FHSRENW1"}, {4147, 1, "FHSRENW1"}, {4148, 1, "FHSRENW1"},
    };
    char path[PATH_SIZE];
    char batch[PATH_SIZE + 8];
    uint8_t bytes[5000] = {0};
    (void)snprintf(path, sizeof path, "%s", in_folder("store"));
    (void)snprintf(batch, sizeof batch, "%s-renew", path);
    make_renewing(path);
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        memcpy(bytes, rows[i].magic, 8);
        fhs_put_le(bytes + 8, 8, rows[i].count);
        save_bytes(batch, bytes, rows[i].size);
        store opened = open_store(path);
        ck_assert_msg(!file_exists(batch), "row %zu", i);
        ck_assert(fhs_vfs_is_renewing(opened.vfs));
        ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
        close_store(&opened);
    }
}
END_TEST

/* An end asked for after a step that failed finishes what that has left, first. */
START_TEST(ends_no_renewal_over_a_torn_page)
{
    char path[PATH_SIZE];
    char batch[PATH_SIZE + 8];
    store opened;
    uint32_t id = 0;
    uint32_t done = 0;
    uint32_t total = 0;
    bool has_ended = true;
    (void)snprintf(path, sizeof path, "%s", in_folder("store"));
    (void)snprintf(batch, sizeof batch, "%s-renew", path);
    make_model(path, false);
    ck_assert_int_eq(begin(path, &opened), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_vfs_renew(opened.vfs, &test_key, cheap, FHS_LIT("new"), &id, NULL),
                     FHIRSTORE_OK);
    fault_vfs_tear(fault, true);
    fault_vfs_arm(fault, FAULT_WRITE, 10, false); /* behind the header and the batch */
    ck_assert_int_eq(fhs_vfs_renew_step(opened.vfs, &done, &total, NULL), FHIRSTORE_ERR_IO);
    ck_assert(file_exists(batch));
    fault_vfs_arm(fault, FAULT_READ, 1, false);
    ck_assert_int_eq(fhs_vfs_renew_end(opened.vfs, &has_ended, NULL), FHIRSTORE_ERR_IO);
    ck_assert(!has_ended && file_exists(batch));
    fault_vfs_disarm(fault);
    ck_assert_int_eq(fhs_vfs_renew_end(opened.vfs, &has_ended, NULL), FHIRSTORE_OK);
    ck_assert(has_ended && !file_exists(batch));
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
    fault_vfs_tear(fault, false);
}
END_TEST

/* Who may not write leaves it to others; and a data key is not replaced in company. */
START_TEST(renews_alone_and_for_writing)
{
    char path[PATH_SIZE];
    char batch[PATH_SIZE + 8];
    uint32_t id = 0;
    const fhs_vfs_options reading = {.credential = test_key, .read_only = true};
    const fhs_vfs_options sharing = {.credential = test_key, .multi_process = true};
    (void)snprintf(path, sizeof path, "%s", in_folder("store"));
    (void)snprintf(batch, sizeof batch, "%s-renew", path);
    make_half_renewed(path);
    store opened = open_store_with(path, &reading);
    ck_assert_int_eq(fhs_vfs_renew(opened.vfs, &test_key, cheap, FHS_STR_NONE, &id, NULL),
                     FHIRSTORE_ERR_READ_ONLY);
    close_store(&opened);
    ck_assert(file_exists(batch));
    opened = open_store_with(path, &sharing); /* the first one that may, does it */
    ck_assert(!file_exists(batch));
    ck_assert_int_eq(fhs_vfs_renew(opened.vfs, &test_key, cheap, FHS_STR_NONE, &id, NULL),
                     FHIRSTORE_ERR_NOT_SUPPORTED);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
}
END_TEST

static void set_up(void)
{
    make_folder();
    fault = fault_vfs_new("faulty", "unix-excl");
    ck_assert_ptr_nonnull(fault);
}

static void tear_down(void)
{
    fault_vfs_free(fault);
    remove_folder();
}

static bool catch_sqlite(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods) != SQLITE_OK) {
        return false;
    }
    sqlite3_mem_methods methods = real_methods;
    methods.xMalloc = failing_sqlite_malloc;
    methods.xRealloc = failing_sqlite_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
}

int main(void)
{
    if (!catch_sqlite()) {
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("vfs failures");
    TCase *tcase = tcase_create("failures");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, outlives_each_failed_allocation, 0, (int)FHS_COUNT_OF(deeds));
    tcase_add_loop_test(tcase, outlives_each_failed_call, 0, (int)FHS_COUNT_OF(deeds));
    tcase_add_test(tcase, plays_back_no_forged_batch);
    tcase_add_test(tcase, ends_no_renewal_over_a_torn_page);
    tcase_add_test(tcase, renews_alone_and_for_writing);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
