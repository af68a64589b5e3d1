/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to open, create and fail to open a store, and the key slots of an open one. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "store.h"
#include "suite.h"

static const fhs_key_cost cheap = {.memory_kib = 64, .passes = 1};

static fhirstore_status open_status(const char *path, const fhs_vfs_options *options)
{
    fhs_vfs *vfs = NULL;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_vfs_open(path, options, &vfs, &err);
    ck_assert_int_eq(fhs_error_status(err), status);
    ck_assert((vfs != NULL) == (status == FHIRSTORE_OK));
    fhs_vfs_close(vfs);
    fhs_error_free(err);
    return status;
}

static fhs_vfs_options with(fhs_credential key)
{
    return (fhs_vfs_options){.credential = key};
}

START_TEST(creates_and_opens_again)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    char uuid[37];
    char again[37];
    ck_assert(fhs_vfs_is_new(opened.vfs));
    fhs_vfs_uuid(opened.vfs, uuid);
    fill_store(opened.db, 100);
    close_store(&opened);
    ck_assert(!file_exists(wal_of(path)));
    struct stat found;
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_uint_eq(found.st_mode & 077, 0);

    opened = open_store(path);
    ck_assert(!fhs_vfs_is_new(opened.vfs));
    fhs_vfs_uuid(opened.vfs, again);
    ck_assert_str_eq(uuid, again);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 100);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
}
END_TEST

START_TEST(gives_each_failure_its_status)
{
    const char *path = in_folder("store");
    fhs_vfs_options options = with(test_key);
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_NOT_FOUND);
    options.create = true;
    options.credential = (fhs_credential){0};
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_KEY_MISSING);
    ck_assert(!file_exists(path));
    options.credential = test_key;
    options.page_size = 8192;
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_NOT_SUPPORTED);
    options.page_size = 4096;
    ck_assert_int_eq(open_status("", &options), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(open_status(in_folder("none/store"), &options), FHIRSTORE_ERR_IO);
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_OK);
    options.exclusive = true;
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_EXISTS);

    options = with(other_key);
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_KEY_WRONG);
    options = with((fhs_credential){.passphrase = "guess", .passphrase_len = 5});
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_KEY_WRONG);
    options = with((fhs_credential){0});
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_KEY_MISSING);
    options = with(test_key);
    ck_assert_int_eq(open_status(in_folder(""), &options), FHIRSTORE_ERR_NOT_A_STORE);
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_OK);
}
END_TEST

START_TEST(knows_files_that_are_no_stores)
{
    const char *path = in_folder("file");
    fhs_vfs_options options = with(test_key);
    options.create = true;
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    run_sql(db, "CREATE TABLE t(x)");
    (void)sqlite3_close(db);
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_PLAIN_STORE);
    options.credential = (fhs_credential){0};
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_PLAIN_STORE);
    options.credential = test_key;

    uint8_t bytes[20000];
    memset(bytes, 'x', sizeof bytes);
    save_bytes(path, bytes, sizeof bytes);
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_NOT_A_STORE);
    save_bytes(path, bytes, 3);
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_NOT_A_STORE);
    save_bytes(path, bytes, 0); /* holds nothing: made into a store, but only when asked */
    options.create = false;
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_TRUNCATED);
    options.create = true;
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_OK);
    options.create = false;
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_OK);
}
END_TEST

START_TEST(knows_a_newer_format)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    close_store(&opened);
    flip_byte(path, 16, 1 ^ 9);
    ck_assert_int_eq(try_store(path, test_key, NULL), FHIRSTORE_OK); /* one copy only: damage */
    flip_byte(path, 4096 + 16, 1 ^ 9);
    ck_assert_int_eq(try_store(path, test_key, NULL), FHIRSTORE_ERR_FORMAT);
}
END_TEST

START_TEST(refuses_a_second_user)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    fhs_vfs_options options = with(test_key);
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_IN_USE);
    ck_assert_int_eq(run_self("open", path), -FHIRSTORE_ERR_IN_USE - 100);
    fill_store(opened.db, 10);
    ck_assert_int_eq(run_self("open", path), -FHIRSTORE_ERR_IN_USE - 100);
    close_store(&opened);
    ck_assert_int_eq(run_self("open", path), 0);
    char link_path[PATH_SIZE];
    (void)snprintf(link_path, sizeof link_path, "%s", in_folder("alias"));
    ck_assert_int_eq(symlink(path, link_path), 0);
    opened = open_store(path);
    ck_assert_int_eq(open_status(link_path, &options), FHIRSTORE_ERR_IN_USE);
    close_store(&opened);
    opened = open_store(link_path);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 10);
    close_store(&opened);
}
END_TEST

/* A copy renamed over an open store is another file: no connection may join the two. */
START_TEST(notices_a_replaced_file)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    fill_store(opened.db, 10);
    copy_files(path, in_folder("copy"));
    ck_assert_int_eq(rename(in_folder("copy"), path), 0);
    sqlite3 *db = NULL;
    ck_assert_int_eq(
        sqlite3_open_v2(path, &db, fhs_vfs_sqlite_flags(opened.vfs), fhs_vfs_name(opened.vfs)),
        SQLITE_CANTOPEN);
    (void)sqlite3_close(db);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 10);
    close_store(&opened);
}
END_TEST

START_TEST(shares_between_processes_when_asked)
{
    const char *path = in_folder("store");
    fhs_vfs_options options = {.credential = test_key, .create = true, .multi_process = true};
    store opened = open_store_with(path, &options);
    fill_store(opened.db, 50);
    ck_assert_int_eq(run_self("share", path), 0);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 51);
    run_sql(opened.db, "PRAGMA wal_checkpoint(TRUNCATE); DELETE FROM t WHERE id <= 10");
    ck_assert_int_eq(run_self("share", path), 0);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 42);
    expect_integrity(opened.db);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    ck_assert_int_eq(run_self("open", path), -FHIRSTORE_ERR_IN_USE - 100);
    close_store(&opened);
    opened = open_store(path);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 42);
    close_store(&opened);
}
END_TEST

START_TEST(opens_read_only)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    fill_store(opened.db, 20);
    copy_files(path, in_folder("copy")); /* with a log that needs recovery */
    close_store(&opened);
    const char *paths[] = {path, in_folder("copy")};
    for (size_t i = 0; i < 2; i++) {
        size_t size_before = 0;
        size_t size_after = 0;
        uint8_t *before = load_bytes(paths[i], &size_before);
        fhs_vfs_options options = with(test_key);
        options.read_only = true;
        opened = open_store_with(paths[i], &options);
        ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 20);
        ck_assert_int_eq(try_sql(opened.db, "DELETE FROM t"), SQLITE_READONLY);
        uint32_t id = 0;
        ck_assert_int_eq(fhs_vfs_slot_add(opened.vfs, &other_key, cheap, FHS_STR_NONE, &id, NULL),
                         FHIRSTORE_ERR_READ_ONLY);
        close_store(&opened);
        uint8_t *after = load_bytes(paths[i], &size_after);
        ck_assert_uint_eq(size_before, size_after);
        ck_assert_mem_eq(before, after, size_before);
        free(before);
        free(after);
    }
}
END_TEST

START_TEST(changes_slots_of_an_open_store)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    fhs_credential spoken = {.passphrase = "correct horse", .passphrase_len = 13};
    fhs_key_slot slot;
    uint32_t id = 0;
    fill_store(opened.db, 10);
    ck_assert_int_eq(fhs_vfs_slot_add(opened.vfs, &spoken, cheap, FHS_LIT("desk"), &id, NULL), 0);
    ck_assert_uint_eq(fhs_vfs_slot_count(opened.vfs), 2);
    ck_assert(fhs_vfs_slot_get(opened.vfs, 1, &slot));
    ck_assert_str_eq(slot.label, "desk");
    close_store(&opened);
    ck_assert_int_eq(try_store(path, spoken, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(try_store(path, test_key, NULL), FHIRSTORE_OK);

    fhs_vfs_options options = with(spoken);
    opened = open_store_with(path, &options);
    ck_assert_int_eq(fhs_vfs_slot_remove(opened.vfs, 1, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_vfs_slot_remove(opened.vfs, id, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 10);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
    ck_assert_int_eq(try_store(path, test_key, NULL), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_store(path, spoken, NULL), FHIRSTORE_OK);
}
END_TEST

START_TEST(survives_failing_slot_changes)
{
    const char *path = in_folder("store");
    fault_vfs *fault = fault_vfs_new("faulty", "unix-excl");
    store opened = open_store(path);
    close_store(&opened);
    for (unsigned op = FAULT_READ; op <= FAULT_SYNC; op *= 2) {
        for (uint64_t k = 1; k <= 4; k++) {
            fhs_vfs_options options = {.credential = test_key, .base_vfs = "faulty"};
            uint32_t id = 0;
            fhirstore_error *err = NULL;
            opened = open_store_with(path, &options);
            fault_vfs_tear(fault, k % 2 == 0);
            fault_vfs_arm(fault, op, k, false);
            fhirstore_status status = fhs_vfs_slot_add(opened.vfs, &other_key, cheap, FHS_STR_NONE,
                                                       &id, &err);
            if (status == FHIRSTORE_OK) {
                status = fhs_vfs_slot_remove(opened.vfs, id, &err);
            }
            bool fired = fault_vfs_has_fired(fault);
            ck_assert_int_eq(status == FHIRSTORE_OK, !fired);
            fault_vfs_disarm(fault);
            fhs_error_free(err);
            close_store(&opened);
            ck_assert_int_eq(try_store(path, test_key, NULL), FHIRSTORE_OK);
        }
    }
    fault_vfs_free(fault);
}
END_TEST

/* Killed between the two header copies, with no log beside the file to tell of it. */
START_TEST(mends_the_header_of_a_half_renewed_store)
{
    const size_t seq = 48; /* the lowest byte of a number that is small yet */
    const char *path = in_folder("store");
    const fhs_vfs_options options = with(_i == 0 ? other_key : test_key);
    store opened = open_store(path);
    uint32_t id = 0;
    size_t size = 0;
    size_t renewed_size = 0;
    fill_store(opened.db, 20);
    close_store(&opened);
    uint8_t *before = load_bytes(path, &size);
    opened = open_store(path);
    ck_assert_int_eq(fhs_vfs_renew(opened.vfs, &other_key, cheap, FHS_LIT("new"), &id, NULL),
                     FHIRSTORE_OK);
    uint8_t *renewed = load_bytes(path, &renewed_size);
    close_store(&opened);
    const bool is_first = renewed[seq] < renewed[FHS_KEYS_COPY_BYTES + seq];
    const size_t at = is_first ? 0 : FHS_KEYS_COPY_BYTES;
    memcpy(before + at, renewed + at, FHS_KEYS_COPY_BYTES);
    (void)unlink(in_folder("store-renew"));
    save_bytes(path, before, size);
    free(before);
    free(renewed);
    for (int round = 0; round < 2; round++) {
        opened = open_store_with(path, &options);
        ck_assert(fhs_vfs_is_mended(opened.vfs) == (round == 0));
        ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
        ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 20);
        close_store(&opened);
    }
}
END_TEST

/* A crash between the emptying of a batch and its deletion leaves an empty file beside the store.
 */
START_TEST(clears_away_what_is_left_of_a_batch)
{
    const char *path = in_folder("store");
    const char *batch = in_folder("store-renew");
    const fhs_vfs_options options = with(other_key);
    store opened = open_store(path);
    uint32_t id = 0;
    fill_store(opened.db, 20);
    run_sql(opened.db, "BEGIN IMMEDIATE");
    ck_assert_int_eq(fhs_vfs_renew(opened.vfs, &other_key, cheap, FHS_LIT("new"), &id, NULL),
                     FHIRSTORE_OK);
    run_sql(opened.db, "COMMIT");
    close_store(&opened);
    save_bytes(batch, (const uint8_t *)"", 0);
    opened = open_store_with(path, &options);
    ck_assert(!file_exists(batch));
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 20);
    close_store(&opened);
}
END_TEST

/* Creation that fails anywhere leaves no store, or a whole one, and never stands in its own way. */
START_TEST(creates_whole_or_not_at_all)
{
    const char *path = in_folder("store");
    fault_vfs *fault = fault_vfs_new("faulty", "unix-excl");
    for (uint64_t k = 1; k < 40; k++) {
        fhs_vfs_options options = {.credential = test_key, .create = true, .base_vfs = "faulty"};
        fault_vfs_tear(fault, k % 2 == 0);
        fault_vfs_arm(fault, FAULT_ANY, k, k % 3 == 0);
        fhirstore_status status = open_status(path, &options);
        bool fired = fault_vfs_has_fired(fault);
        fault_vfs_disarm(fault);
        ck_assert(status == FHIRSTORE_OK || fired);
        if (file_exists(path)) {
            ck_assert_int_eq(try_store(path, test_key, NULL), FHIRSTORE_OK);
        }
        ck_assert_int_eq(open_status(path, &options), FHIRSTORE_OK);
        (void)unlink(path);
        if (!fired) {
            break;
        }
    }
    fault_vfs_limit_space(fault, 10000);
    fhs_vfs_options options = {.credential = test_key, .create = true, .base_vfs = "faulty"};
    ck_assert_int_eq(open_status(path, &options), FHIRSTORE_ERR_FULL);
    ck_assert(!file_exists(path));
    fault_vfs_free(fault);
}
END_TEST

/* What another process does: exit 0, or the status made positive and small. */
static int act(const char *verb, const char *path)
{
    fhs_vfs_options options = with(test_key);
    options.multi_process = strcmp(verb, "share") == 0;
    fhs_vfs *vfs = NULL;
    sqlite3 *db = NULL;
    fhirstore_status status = fhs_vfs_open(path, &options, &vfs, NULL);
    if (status == FHIRSTORE_OK && options.multi_process) {
        int code = sqlite3_open_v2(path, &db, fhs_vfs_sqlite_flags(vfs), fhs_vfs_name(vfs));
        status = code == SQLITE_OK ? fhs_vfs_setup(vfs, db, NULL) : FHIRSTORE_ERR_IO;
        if (status == FHIRSTORE_OK &&
            try_sql(db, "INSERT INTO t(name) VALUES('from outside')") != SQLITE_OK) {
            status = FHIRSTORE_ERR_IO;
        }
        (void)sqlite3_close(db);
    }
    fhs_vfs_close(vfs);
    return status == FHIRSTORE_OK ? 0 : -status - 100;
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        return act(argv[1], argv[2]);
    }
    Suite *suite = suite_create("vfs open");
    TCase *tcase = tcase_create("open");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, creates_and_opens_again);
    tcase_add_test(tcase, gives_each_failure_its_status);
    tcase_add_test(tcase, knows_files_that_are_no_stores);
    tcase_add_test(tcase, knows_a_newer_format);
    tcase_add_test(tcase, refuses_a_second_user);
    tcase_add_test(tcase, notices_a_replaced_file);
    tcase_add_test(tcase, shares_between_processes_when_asked);
    tcase_add_test(tcase, opens_read_only);
    tcase_add_test(tcase, changes_slots_of_an_open_store);
    tcase_add_test(tcase, survives_failing_slot_changes);
    tcase_add_loop_test(tcase, mends_the_header_of_a_half_renewed_store, 0, 2);
    tcase_add_test(tcase, clears_away_what_is_left_of_a_batch);
    tcase_add_test(tcase, creates_whole_or_not_at_all);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
