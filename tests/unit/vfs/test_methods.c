/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of files and of the VFS, called as SQLite never does, or when it is too late to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "store.h"
#include "suite.h"
#include "vfs/vfs_internal.h"

static sqlite3_file *file_of(sqlite3 *db, const char *schema, int which)
{
    sqlite3_file *file = NULL;
    ck_assert_int_eq(sqlite3_file_control(db, schema, which, &file), SQLITE_OK);
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(file->pMethods);
    return file;
}

static sqlite3_file *main_of(const store *opened)
{
    return file_of(opened->db, "main", SQLITE_FCNTL_FILE_POINTER);
}

static sqlite3_file *log_of(const store *opened)
{
    return file_of(opened->db, "main", SQLITE_FCNTL_JOURNAL_POINTER);
}

/* Only what a checkpoint has just read from the log goes into the file, in its place. */
START_TEST(takes_pages_of_the_log_only)
{
    store opened = open_store(in_folder("store"));
    uint8_t page[PAGE_BYTES];
    fill_store(opened.db, 40);
    sqlite3_file *file = main_of(&opened);
    sqlite3_file *log = log_of(&opened);
    const sqlite3_io_methods *io = file->pMethods;
    const sqlite3_int64 at = WAL_HEADER + FRAME_HEADER;
    static const struct {
        int amount;
        int offset;
        bool is_changed;
    } rows[] = {{100, 0, false}, {PAGE_BYTES, 100, false}, {PAGE_BYTES, 0, true}};
    ck_assert_int_eq(io->xFileControl(file, SQLITE_FCNTL_CKPT_START, NULL), SQLITE_NOTFOUND);
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        ck_assert_int_eq(log->pMethods->xRead(log, page, PAGE_BYTES, at), SQLITE_OK);
        page[PAGE_TAG] ^= rows[i].is_changed ? 1 : 0;
        ck_assert_int_eq(io->xWrite(file, page, rows[i].amount, rows[i].offset),
                         SQLITE_IOERR_WRITE);
    }
    ck_assert_int_eq(io->xWrite(file, page, PAGE_BYTES, 0), SQLITE_IOERR_WRITE); /* only once */
    ck_assert_int_eq(
        log->pMethods->xRead(log, page, PAGE_BYTES, at + (sqlite3_int64)100000 * FRAME_BYTES),
        SQLITE_IOERR_DATA); /* behind the end */
    ck_assert_int_eq(io->xFileControl(file, SQLITE_FCNTL_CKPT_DONE, NULL), SQLITE_NOTFOUND);
    expect_integrity(opened.db);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
}
END_TEST

START_TEST(writes_nothing_where_it_may_only_read)
{
    const char *path = in_folder("store");
    const fhs_vfs_options reading = {.credential = test_key, .read_only = true};
    uint8_t bytes[PAGE_BYTES] = {0};
    store opened = open_store(path);
    fill_store(opened.db, 5);
    run_sql(opened.db, "PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET name='in the log'");
    copy_files(path, in_folder("copy"));
    close_store(&opened);
    opened = open_store_with(in_folder("copy"), &reading);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t WHERE name='in the log'"), 5);
    sqlite3_file *file = main_of(&opened);
    sqlite3_file *log = log_of(&opened);
    ck_assert_int_eq(file->pMethods->xTruncate(file, PAGE_BYTES), SQLITE_IOERR_TRUNCATE);
    ck_assert_int_eq(file->pMethods->xWrite(file, bytes, PAGE_BYTES, 0), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(log->pMethods->xTruncate(log, 0), SQLITE_IOERR_TRUNCATE);
    ck_assert_int_eq(log->pMethods->xWrite(log, bytes, WAL_HEADER, 0), SQLITE_IOERR_WRITE);
    sqlite3_vfs *vfs = sqlite3_vfs_find(fhs_vfs_name(opened.vfs));
    ck_assert_int_eq(vfs->xDelete(vfs, opened.vfs->wal_path, 0), SQLITE_IOERR_DELETE);
    close_store(&opened);
}
END_TEST

/* Another shape, and what could not be read back rightly. */
START_TEST(builds_of_whole_pages_only)
{
    const fhs_vfs_options options = {.credential = test_key};
    const char *path = in_folder("copy");
    store built = {NULL, NULL};
    uint8_t page[PAGE_BYTES];
    ck_assert_int_eq(fhs_vfs_build(path, &options, NULL, &built.vfs, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(
        sqlite3_open_v2(path, &built.db, SQLITE_OPEN_READWRITE, fhs_vfs_name(built.vfs)),
        SQLITE_OK);
    fhs_vfs_first_page(page);
    sqlite3_file *file = main_of(&built);
    const sqlite3_io_methods *io = file->pMethods;
    ck_assert_int_eq(io->xWrite(file, page, 100, 0), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(io->xWrite(file, page, PAGE_BYTES, 100), SQLITE_IOERR_WRITE);
    page[PAGE_BYTES - 1] = 1; /* in the reserve */
    ck_assert_int_eq(io->xWrite(file, page, PAGE_BYTES, 0), SQLITE_IOERR_WRITE);
    page[PAGE_BYTES - 1] = 0;
    page[20] = 0; /* another reserve */
    ck_assert_int_eq(io->xWrite(file, page, PAGE_BYTES, 0), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(io->xRead(file, page, 100, 0), SQLITE_IOERR_SHORT_READ);
    /* A first page that is none makes no store. */
    ck_assert_int_eq(fhs_vfs_build_finish(built.vfs, NULL), FHIRSTORE_ERR_IO);
    close_store(&built);
}
END_TEST

/* Several processes read the log's header anew in each transaction. */
START_TEST(misses_a_log_that_others_have_spoilt)
{
    const fhs_vfs_options options = {.credential = test_key, .create = true, .multi_process = true};
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s", in_folder("store"));
    store opened = open_store_with(path, &options);
    fill_store(opened.db, 40);
    copy_files(path, in_folder("whole"));
    flip_byte(wal_of(path), 30, 0x10);
    int code = try_sql(opened.db, "PRAGMA cache_size=0; SELECT sum(length(body)) FROM t");
    ck_assert_int_eq(fhs_vfs_status(opened.vfs, code), FHIRSTORE_ERR_TAMPERED);
    ck_assert_int_eq(truncate(wal_of(path), 20), 0);
    code = try_sql(opened.db, "SELECT sum(length(body)) FROM t");
    ck_assert_int_eq(fhs_vfs_status(opened.vfs, code), FHIRSTORE_ERR_TRUNCATED);
    close_store(&opened);
    opened = open_store(in_folder("whole"));
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 40);
    close_store(&opened);
}
END_TEST

/* Nothing but its header is left of a log, and that is changed where nothing should stand. */
START_TEST(reports_what_stands_behind_the_header_of_a_log)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s", in_folder("copy"));
    store opened = open_store(in_folder("store"));
    fill_store(opened.db, 5);
    run_sql(opened.db, "PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET name='in the log'");
    copy_files(in_folder("store"), path);
    close_store(&opened);
    ck_assert_int_eq(truncate(wal_of(path), SLOT_WAL_HEADER), 0);
    flip_byte(wal_of(path), SLOT_WAL_HEADER - 1, 0x10);
    fhs_vfs *vfs = NULL;
    fhs_vfs_verified verified;
    const fhs_vfs_options options = {.credential = test_key};
    ck_assert_int_eq(fhs_vfs_open(path, &options, &vfs, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_vfs_verify_pages(vfs, NULL, NULL, &verified, NULL), FHIRSTORE_OK);
    ck_assert_uint_ge(verified.flaws, 1);
    fhs_vfs_close(vfs);
}
END_TEST

/* Far behind the end, cut within a chunk, at the end of what there is room for, and when it fails.
 */
START_TEST(cuts_temporary_files_anywhere)
{
    const fhs_vfs_options options = {.credential = test_key, .create = true, .base_vfs = "faulty"};
    fault_vfs *fault = fault_vfs_new("faulty", "unix-excl");
    uint8_t bytes[PAGE_BYTES];
    uint8_t found[PAGE_BYTES];
    sqlite3_int64 size = 0;
    memset(bytes, 0x5A, sizeof bytes);
    store opened = open_store_with(in_folder("store"), &options);
    run_sql(opened.db, "PRAGMA temp.cache_size=2; CREATE TEMP TABLE x(body);"
                       "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<30)"
                       "INSERT INTO x SELECT zeroblob(3000) FROM c");
    sqlite3_file *file = file_of(opened.db, "temp", SQLITE_FCNTL_FILE_POINTER);
    const sqlite3_io_methods *io = file->pMethods;
    const sqlite3_int64 last = (sqlite3_int64)1000 * PAGE_BYTES; /* the room ends behind it */
    ck_assert_int_eq(io->xWrite(file, bytes, PAGE_BYTES, last), SQLITE_OK);
    ck_assert_int_eq(io->xTruncate(file, last + 10), SQLITE_OK);
    ck_assert_int_eq(io->xRead(file, found, 20, last), SQLITE_IOERR_SHORT_READ);
    ck_assert_mem_eq(found, bytes, 10);
    ck_assert_int_eq(found[10], 0);
    static const unsigned failing[] = {FAULT_READ, FAULT_WRITE, FAULT_TRUNCATE};
    for (size_t i = 0; i < FHS_COUNT_OF(failing); i++) {
        fault_vfs_arm(fault, failing[i], 1, false);
        ck_assert_int_ne(io->xTruncate(file, last + 5), SQLITE_OK);
        fault_vfs_disarm(fault);
        ck_assert_int_eq(io->xFileSize(file, &size), SQLITE_OK);
        ck_assert_int_eq(size, last + 10);
    }
    ck_assert_int_eq(io->xTruncate(file, last + 5), SQLITE_OK);
    ck_assert_int_eq(io->xTruncate(file, 0), SQLITE_OK);
    close_store(&opened);
    fault_vfs_free(fault);
}
END_TEST

START_TEST(answers_for_its_own_files_only)
{
    store opened = open_store(in_folder("store"));
    sqlite3_vfs *vfs = sqlite3_vfs_find(fhs_vfs_name(opened.vfs));
    int exists = 1;
    ck_assert_int_eq(vfs->xAccess(vfs, in_folder("store-journal"), SQLITE_ACCESS_EXISTS, &exists),
                     SQLITE_OK);
    ck_assert_int_eq(exists, 0);
    ck_assert_int_eq(vfs->xAccess(vfs, fhs_vfs_path(opened.vfs), SQLITE_ACCESS_EXISTS, &exists),
                     SQLITE_OK);
    ck_assert_int_eq(exists, 1);
    ck_assert_int_eq(vfs->xDelete(vfs, fhs_vfs_path(opened.vfs), 0), SQLITE_IOERR_DELETE);
    ck_assert_int_eq(vfs->xGetLastError(vfs, 0, NULL), vfs->xGetLastError(vfs, 0, NULL));
    ck_assert_int_ne(try_sql(opened.db, "PRAGMA temp_store_directory='/tmp'"), SQLITE_OK);
    ck_assert_int_ne(try_sql(opened.db, "PRAGMA data_store_directory='/tmp'"), SQLITE_OK);
    close_store(&opened);
}
END_TEST

START_TEST(opens_nothing_without_a_name_or_a_system)
{
    const fhs_vfs_options elsewhere = {
        .credential = test_key, .create = true, .base_vfs = "there is none"};
    const fhs_vfs_options reading = {.credential = test_key, .create = true, .read_only = true};
    const fhs_vfs_options options = {.credential = test_key, .create = true};
    const char *path = in_folder("store");
    fhs_vfs *vfs = NULL;
    ck_assert_int_eq(fhs_vfs_open(NULL, &options, &vfs, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhs_vfs_open("", &options, &vfs, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhs_vfs_open(path, &elsewhere, &vfs, NULL), FHIRSTORE_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(fhs_vfs_build("", &options, NULL, &vfs, NULL), FHIRSTORE_ERR_INVALID_ARG);
    save_bytes(path, (const uint8_t *)"", 0); /* an empty file becomes a store, but for writing */
    ck_assert_int_lt(fhs_vfs_open(path, &reading, &vfs, NULL), FHIRSTORE_OK);
    ck_assert_ptr_null(vfs);
    ck_assert_int_eq(fhs_vfs_open(path, &options, &vfs, NULL), FHIRSTORE_OK);
    fhs_vfs_close(vfs);
    ck_assert_int_eq(fhs_sqlite_status(SQLITE_IOERR_NOMEM), FHIRSTORE_ERR_NO_MEMORY);
}
END_TEST

/* Let go of, a store has no header that others could have changed. */
START_TEST(catches_up_with_nobody_while_it_rests)
{
    const fhs_vfs_options options = {.credential = test_key, .create = true, .multi_process = true};
    store opened = open_store_with(in_folder("store"), &options);
    ck_assert_int_eq(fhs_vfs_catch_up(opened.vfs, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(sqlite3_close(opened.db), SQLITE_OK);
    fhs_vfs_suspend(opened.vfs);
    ck_assert_int_eq(fhs_vfs_catch_up(opened.vfs, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_vfs_resume(opened.vfs, NULL), FHIRSTORE_OK);
    fhs_vfs_close(opened.vfs);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vfs methods");
    TCase *tcase = tcase_create("methods");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, takes_pages_of_the_log_only);
    tcase_add_test(tcase, writes_nothing_where_it_may_only_read);
    tcase_add_test(tcase, builds_of_whole_pages_only);
    tcase_add_test(tcase, misses_a_log_that_others_have_spoilt);
    tcase_add_test(tcase, reports_what_stands_behind_the_header_of_a_log);
    tcase_add_test(tcase, cuts_temporary_files_anywhere);
    tcase_add_test(tcase, answers_for_its_own_files_only);
    tcase_add_test(tcase, opens_nothing_without_a_name_or_a_system);
    tcase_add_test(tcase, catches_up_with_nobody_while_it_rests);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
