/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system refuses what is asked of it beside SQLite's files, and libraries that cannot start:
 * each number of errno.h becomes the status that fits it, and nothing is left lying about.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"
#include "suite.h"
#include "vfs/vfs_internal.h"

static const fhs_key_cost cheap = {.memory_kib = 64, .passes = 1};

/* ---- what the system and the libraries answer ---- */

typedef enum system_call {
    CALL_NONE,
    CALL_OPEN,
    CALL_FCNTL,
    CALL_STAT,
    CALL_LINK,
    CALL_RENAME,
    CALL_CHMOD,
    CALL_FSYNC,
    CALL_MMAP,
    CALL_MADVISE,
    CALL_SODIUM,
    CALL_SQLITE,
    CALL_DB_CONFIG,
    CALL_COUNT,
} system_call;

static struct {
    int fail_at; /* this one, from 1; 0: none */
    int number;  /* errno then */
    int seen;
} calls[CALL_COUNT];
static bool link_races;     /* … as somebody else gives the name before */
static bool takes_any_word; /* madvise says yes to everything, as emulators do */
static bool is_elsewhere;   /* stat finds each file on another device */

static void all_is_well(void)
{
    memset(calls, 0, sizeof calls);
    link_races = takes_any_word = is_elsewhere = false;
}

static void refuse(system_call call, int at, int number)
{
    calls[call].fail_at = at;
    calls[call].number = number;
    calls[call].seen = 0;
}

static bool is_refused(system_call call)
{
    bool fails = ++calls[call].seen == calls[call].fail_at;
    errno = fails ? calls[call].number : errno;
    return fails;
}

#define WRAP(call, type, name, parameters, arguments)                 \
    type __real_##name parameters;                                    \
    type __wrap_##name parameters;                                    \
    type __wrap_##name parameters                                     \
    {                                                                 \
        return is_refused(call) ? (type)-1 : __real_##name arguments; \
    }

/* clang-format off */
WRAP(CALL_OPEN, int, open, (const char *path, int flags, ...), (path, flags))
WRAP(CALL_OPEN, int, open64, (const char *path, int flags, ...), (path, flags))
WRAP(CALL_FCNTL, int, fcntl, (int file, int op, void *range), (file, op, range))
WRAP(CALL_FCNTL, int, fcntl64, (int file, int op, void *range), (file, op, range))
WRAP(CALL_RENAME, int, rename, (const char *from, const char *to), (from, to))
WRAP(CALL_CHMOD, int, chmod, (const char *path, mode_t mode), (path, mode))
WRAP(CALL_FSYNC, int, fsync, (int file), (file))
WRAP(CALL_MMAP, void *, mmap, (void *at, size_t len, int how, int flags, int file, off_t from),
     (at, len, how, flags, file, from))
WRAP(CALL_MMAP, void *, mmap64, (void *at, size_t len, int how, int flags, int file, off_t from),
     (at, len, how, flags, file, from))
WRAP(CALL_SODIUM, int, sodium_init, (void), ())
/* clang-format on */

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __real_stat(const char *path, struct stat *out);
int __wrap_stat(const char *path, struct stat *out);
int __real_stat64(const char *path, struct stat *out);
int __wrap_stat64(const char *path, struct stat *out);
int __real_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice);
int __real_sqlite3_initialize(void);
int __wrap_sqlite3_initialize(void);
int __wrap_sqlite3_db_config(sqlite3 *db, int option, int value, int *out);

int __wrap_link(const char *from, const char *to)
{
    if (link_races) {
        (void)__real_link(from, to);
    }
    return is_refused(CALL_LINK) ? -1 : __real_link(from, to);
}

static int stat_with(int (*real)(const char *, struct stat *), const char *path, struct stat *out)
{
    int result = is_refused(CALL_STAT) ? -1 : real(path, out);
    if (is_elsewhere && result == 0) {
        out->st_dev++;
    }
    return result;
}

int __wrap_stat(const char *path, struct stat *out)
{
    return stat_with(__real_stat, path, out);
}

int __wrap_stat64(const char *path, struct stat *out)
{
    return stat_with(__real_stat64, path, out);
}

int __wrap_madvise(void *at, size_t len, int advice)
{
    if (is_refused(CALL_MADVISE)) {
        return -1;
    }
    return takes_any_word ? 0 : __real_madvise(at, len, advice);
}

int __wrap_sqlite3_initialize(void)
{
    return is_refused(CALL_SQLITE) ? SQLITE_NOMEM : __real_sqlite3_initialize();
}

/* The library asks for switches of this shape only. */
int __real_sqlite3_db_config(sqlite3 *db, int option, ...);
int __wrap_sqlite3_db_config(sqlite3 *db, int option, int value, int *out)
{
    return is_refused(CALL_DB_CONFIG) ? SQLITE_ERROR
                                      : __real_sqlite3_db_config(db, option, value, out);
}

/* ---- making a store ---- */

static int count_files(void)
{
    DIR *entries = opendir(in_folder(""));
    int count = 0;
    ck_assert_ptr_nonnull(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    (void)closedir(entries);
    return count;
}

static fhirstore_status make_store(const char *path, bool exclusive, bool *is_new_out,
                                   int32_t *cause_out)
{
    const fhs_vfs_options options = {
        .credential = test_key, .create = true, .exclusive = exclusive};
    fhs_vfs *vfs = NULL;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_vfs_open(path, &options, &vfs, &err);
    *is_new_out = vfs != NULL && fhs_vfs_is_new(vfs);
    *cause_out = fhs_error_get_cause(err);
    ck_assert_int_eq(fhs_error_status(err), status);
    ck_assert((vfs != NULL) == (status == FHIRSTORE_OK));
    fhs_vfs_close(vfs);
    fhs_error_free(err);
    return status;
}

/* EACCES is 13, as SQLITE_FULL is, and ENOMEM 12, as SQLITE_NOTFOUND: the two are kept apart. */
START_TEST(says_why_no_store_was_made)
{
    static const struct {
        system_call call;
        int at, number;
        fhirstore_status status;
        int files; /* then in the folder: a name that was given stays */
    } rows[] = {
        {CALL_CHMOD, 1, EPERM, FHIRSTORE_ERR_IO, 0},
        {CALL_CHMOD, 1, EACCES, FHIRSTORE_ERR_IO, 0},
        {CALL_CHMOD, 1, ENOSPC, FHIRSTORE_ERR_FULL, 0},
        {CALL_CHMOD, 1, EDQUOT, FHIRSTORE_ERR_FULL, 0},
        {CALL_CHMOD, 1, ENOMEM, FHIRSTORE_ERR_NO_MEMORY, 0},
        {CALL_STAT, 1, EACCES, FHIRSTORE_ERR_IO, 0},
        {CALL_STAT, 2, EIO, FHIRSTORE_ERR_IO, 1},
        {CALL_LINK, 1, EPERM, FHIRSTORE_OK, 1}, /* no links here: renamed */
        {CALL_LINK, 1, EEXIST, FHIRSTORE_ERR_EXISTS, 0},
        {CALL_OPEN, 1, EACCES, FHIRSTORE_ERR_IO, 1},
        {CALL_FSYNC, 1, EIO, FHIRSTORE_ERR_IO, 1},
        {CALL_FSYNC, 1, ENOSPC, FHIRSTORE_ERR_FULL, 1},
        {CALL_FSYNC, 1, EINVAL, FHIRSTORE_OK, 1}, /* a folder that cannot be synced */
        {CALL_FSYNC, 1, ENOTSUP, FHIRSTORE_OK, 1},
        {CALL_SODIUM, 1, 0, FHIRSTORE_ERR_INTERNAL, 0},
        {CALL_SQLITE, 1, 0, FHIRSTORE_ERR_INTERNAL, 0},
    };
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s", in_folder("store"));
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        bool is_new = false;
        int32_t cause = 0;
        refuse(rows[i].call, rows[i].at, rows[i].number);
        fhirstore_status status = make_store(path, true, &is_new, &cause);
        ck_assert_msg(status == rows[i].status, "row %zu: %d", i, status);
        ck_assert(is_new == (status == FHIRSTORE_OK));
        bool has_cause = status != FHIRSTORE_OK && status != FHIRSTORE_ERR_EXISTS;
        ck_assert_int_eq(cause, has_cause ? rows[i].number : 0);
        all_is_well();
        ck_assert_msg(count_files() == rows[i].files, "row %zu: %d files", i, count_files());
        status = make_store(path, false, &is_new, &cause);
        ck_assert_msg(status == FHIRSTORE_OK, "row %zu: %d", i, status);
        (void)unlink(path);
    }
    refuse(CALL_LINK, 1, EPERM);
    refuse(CALL_RENAME, 1, EACCES);
    bool is_new = true;
    int32_t cause = 0;
    ck_assert_int_eq(make_store(path, true, &is_new, &cause), FHIRSTORE_ERR_IO);
    ck_assert_int_eq(cause, EACCES);
    ck_assert_int_eq(count_files(), 0);
}
END_TEST

/* Two make the same store at once: the second opens what the first has made. */
START_TEST(loses_a_race_with_grace)
{
    const char *path = in_folder("store");
    bool is_new = true;
    int32_t cause = 0;
    link_races = true;
    ck_assert_int_eq(make_store(path, false, &is_new, &cause), FHIRSTORE_OK);
    ck_assert(!is_new);
    ck_assert_int_eq(count_files(), 1);
    ck_assert_int_eq(make_store(path, true, &is_new, &cause), FHIRSTORE_ERR_EXISTS);
    (void)unlink(path);
    const fhs_vfs_options options = {.credential = test_key, .create = true};
    fhs_vfs *vfs = NULL;
    ck_assert_int_eq(fhs_vfs_open(path, &options, &vfs, NULL), FHIRSTORE_OK);
    fhs_vfs_close(vfs);
    all_is_well();
    ck_assert_int_eq(try_store(path, test_key, NULL), FHIRSTORE_OK);
}
END_TEST

/* ---- several processes take turns at the header ---- */

static store open_shared(const char *path)
{
    const fhs_vfs_options options = {.credential = test_key, .create = true, .multi_process = true};
    return open_store_with(path, &options);
}

START_TEST(waits_for_the_header_through_signals)
{
    const char *path = in_folder("store");
    store opened = open_shared(path);
    uint32_t id = 0;
    calls[CALL_FCNTL].seen = 0;
    ck_assert_int_eq(fhs_vfs_slot_add(opened.vfs, &other_key, cheap, FHS_STR_NONE, &id, NULL), 0);
    const int usual = calls[CALL_FCNTL].seen;
    ck_assert_int_eq(usual, 2); /* locked and unlocked */
    refuse(CALL_FCNTL, 1, EINTR);
    ck_assert_int_eq(fhs_vfs_slot_remove(opened.vfs, id, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(calls[CALL_FCNTL].seen, usual + 1); /* asked for once more */
    close_store(&opened);
}
END_TEST

START_TEST(writes_nothing_without_the_lock)
{
    static const struct {
        system_call call;
        int number;
        fhirstore_status status;
    } rows[] = {
        {CALL_FCNTL, ENOLCK, FHIRSTORE_ERR_IO},
        {CALL_FCNTL, EACCES, FHIRSTORE_ERR_IO}, /* 13: the disk is not full */
        {CALL_FCNTL, ENOMEM, FHIRSTORE_ERR_NO_MEMORY},
        {CALL_OPEN, EACCES, FHIRSTORE_ERR_IO},
        {CALL_OPEN, EIO, FHIRSTORE_ERR_IO},
    };
    const char *path = in_folder("store");
    store opened = open_shared(path);
    fill_store(opened.db, 5);
    close_store(&opened);
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        uint32_t id = 9;
        fhirstore_error *err = NULL;
        opened = open_shared(path);
        refuse(rows[i].call, 1, rows[i].number);
        fhirstore_status status = fhs_vfs_slot_add(opened.vfs, &other_key, cheap, FHS_STR_NONE, &id,
                                                   &err);
        ck_assert_msg(status == rows[i].status, "row %zu: %d", i, status);
        ck_assert_int_eq(fhs_error_get_cause(err), rows[i].number);
        ck_assert_uint_eq(id, 0);
        fhs_error_free(err);
        refuse(rows[i].call, 1, rows[i].number);
        ck_assert_int_eq(fhs_vfs_catch_up(opened.vfs, NULL), rows[i].status);
        fhs_vfs_verified verified;
        refuse(rows[i].call, 1, rows[i].number);
        ck_assert_int_eq(fhs_vfs_verify_pages(opened.vfs, NULL, NULL, &verified, NULL),
                         rows[i].status);
        /* The first page that is written raises the generation in the header. */
        refuse(rows[i].call, 1, rows[i].number);
        int code = try_sql(opened.db, "DELETE FROM t");
        ck_assert_msg(fhs_vfs_status(opened.vfs, code) == rows[i].status, "row %zu: %d", i, code);
        all_is_well();
        ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 5);
        run_sql(opened.db, "UPDATE t SET name='x'");
        ck_assert_uint_eq(fhs_vfs_slot_count(opened.vfs), 1);
        close_store(&opened);
    }
}
END_TEST

/* ---- which process is this? ---- */

START_TEST(knows_a_child_without_a_mark)
{
    for (int round = 0; round < 3; round++) {
        const char *path = in_folder("store");
        if (round == 0) {
            refuse(CALL_MMAP, 1, ENOMEM);
        } else if (round == 1) {
            takes_any_word = true;
        } else {
            refuse(CALL_MADVISE, 2, EINVAL);
        }
        store opened = open_store(path);
        all_is_well();
        ck_assert(opened.vfs->fork_mark == NULL);
        ck_assert(!fhs_vfs_is_forked(opened.vfs));
        run_sql(opened.db, "CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES(1)");
        pid_t child = fork();
        if (child == 0) {
            _exit(fhs_vfs_is_forked(opened.vfs) && try_sql(opened.db, "DELETE FROM t") != SQLITE_OK
                      ? 0
                      : 1);
        }
        int status = 0;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(WEXITSTATUS(status), 0);
        ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), round + 1);
        close_store(&opened);
    }
}
END_TEST

/* ---- a connection ---- */

START_TEST(sets_up_no_connection_that_is_not_safe)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    for (int k = 1; k <= 3; k++) {
        sqlite3 *db = NULL;
        ck_assert_int_eq(
            sqlite3_open_v2(path, &db, fhs_vfs_sqlite_flags(opened.vfs), fhs_vfs_name(opened.vfs)),
            SQLITE_OK);
        refuse(CALL_DB_CONFIG, k, 0);
        ck_assert_int_eq(fhs_vfs_setup(opened.vfs, db, NULL), FHIRSTORE_ERR_INTERNAL);
        ck_assert_int_eq(calls[CALL_DB_CONFIG].seen, k);
        (void)sqlite3_close(db);
    }
    all_is_well();
    close_store(&opened);
}
END_TEST

/* Another file under the same name, or none that can be looked at: no connection joins the two. */
START_TEST(connects_to_the_same_file_only)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    for (int round = 0; round < 2; round++) {
        sqlite3 *db = NULL;
        is_elsewhere = round == 0;
        refuse(CALL_STAT, round == 0 ? 0 : 1, EACCES);
        ck_assert_int_eq(
            sqlite3_open_v2(path, &db, fhs_vfs_sqlite_flags(opened.vfs), fhs_vfs_name(opened.vfs)),
            SQLITE_CANTOPEN);
        (void)sqlite3_close(db);
        all_is_well();
    }
    run_sql(opened.db, "CREATE TABLE t(x)");
    close_store(&opened);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vfs system");
    TCase *tcase = tcase_create("system");
    tcase_add_checked_fixture(tcase, all_is_well, all_is_well);
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, says_why_no_store_was_made);
    tcase_add_test(tcase, loses_a_race_with_grace);
    tcase_add_test(tcase, waits_for_the_header_through_signals);
    tcase_add_test(tcase, writes_nothing_without_the_lock);
    tcase_add_test(tcase, knows_a_child_without_a_mark);
    tcase_add_test(tcase, sets_up_no_connection_that_is_not_safe);
    tcase_add_test(tcase, connects_to_the_same_file_only);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
