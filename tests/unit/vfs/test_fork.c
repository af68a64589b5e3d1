/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child of fork() has the parent's descriptors, but none of its locks: whatever it calls through
 * what it inherited is refused, and not a byte of the store changes.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "store.h"
#include "suite.h"
#include "vfs/vfs_internal.h"

static const fhs_key_cost cheap = {.memory_kib = 64, .passes = 1};

static sqlite3_file *file_of(sqlite3 *db, const char *schema, int which)
{
    sqlite3_file *file = NULL;
    (void)sqlite3_file_control(db, schema, which, &file);
    return file;
}

/* Each answer that is not the one wanted leaves its line: the child's exit status. */
static int first_wrong;
#define EXPECT(is_right)                   \
    do {                                   \
        if (!(is_right) && !first_wrong) { \
            first_wrong = __LINE__ & 0xFF; \
        }                                  \
    } while (0)

static void use_files(const store *opened)
{
    static uint8_t bytes[FRAME_BYTES];
    sqlite3_file *main_file = file_of(opened->db, "main", SQLITE_FCNTL_FILE_POINTER);
    sqlite3_file *log = file_of(opened->db, "main", SQLITE_FCNTL_JOURNAL_POINTER);
    sqlite3_file *temporary = file_of(opened->db, "temp", SQLITE_FCNTL_FILE_POINTER);
    const int shared = SQLITE_SHM_LOCK | SQLITE_SHM_SHARED;
    EXPECT(main_file->pMethods->xLock(main_file, SQLITE_LOCK_SHARED) == SQLITE_MISUSE);
    EXPECT(main_file->pMethods->xShmLock(main_file, 3, 1, shared) == SQLITE_MISUSE);
    EXPECT(log->pMethods->xWrite(log, bytes, WAL_HEADER, 0) == SQLITE_IOERR_WRITE);
    EXPECT(temporary->pMethods->xWrite(temporary, bytes, PAGE_BYTES, 0) == SQLITE_IOERR_WRITE);
    /* As a checkpoint would copy a page of the log. */
    (void)main_file->pMethods->xFileControl(main_file, SQLITE_FCNTL_CKPT_START, NULL);
    EXPECT(log->pMethods->xRead(log, bytes, PAGE_BYTES, WAL_HEADER + FRAME_HEADER) == SQLITE_OK);
    EXPECT(main_file->pMethods->xWrite(main_file, bytes, PAGE_BYTES, 0) == SQLITE_IOERR_WRITE);
}

static void use_vfs(const store *opened)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(fhs_vfs_name(opened->vfs));
    sqlite3 *db = NULL;
    EXPECT(vfs->xDelete(vfs, opened->vfs->wal_path, 0) == SQLITE_IOERR_DELETE);
    EXPECT(sqlite3_open_v2(fhs_vfs_path(opened->vfs), &db, fhs_vfs_sqlite_flags(opened->vfs),
                           vfs->zName) == SQLITE_CANTOPEN);
    (void)sqlite3_close(db);
    EXPECT(try_sql(opened->db, "DELETE FROM t") != SQLITE_OK);
}

static void use_store(fhs_vfs *vfs)
{
    fhs_vfs_verified verified;
    uint32_t id = 0;
    const fhirstore_status forked = FHIRSTORE_ERR_FORKED;
    EXPECT(fhs_vfs_verify_pages(vfs, NULL, NULL, &verified, NULL) == forked);
    EXPECT(fhs_vfs_catch_up(vfs, NULL) == forked);
    EXPECT(fhs_vfs_mend_header(vfs, NULL) == forked);
    EXPECT(fhs_vfs_slot_add(vfs, &other_key, cheap, FHS_STR_NONE, &id, NULL) == forked);
    EXPECT(fhs_vfs_slot_remove(vfs, 1, NULL) == forked);
    EXPECT(fhs_vfs_slot_rotate(vfs, 1, &other_key, cheap, FHS_STR_NONE, &id, NULL) == forked);
    EXPECT(fhs_vfs_renew(vfs, &other_key, cheap, FHS_STR_NONE, &id, NULL) == forked);
    EXPECT(fhs_vfs_resume(vfs, NULL) == forked);
    EXPECT(fhs_vfs_lock_header(vfs, NULL) == FHIRSTORE_OK); /* among its own threads */
    fhs_vfs_unlock_header(vfs);
    EXPECT(fhs_vfs_status(vfs, SQLITE_IOERR_WRITE) == forked);
}

static int wait_for(pid_t child)
{
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

typedef struct snapshot {
    uint8_t *bytes[2];
    size_t sizes[2];
} snapshot;

static snapshot take_snapshot(const char *path)
{
    snapshot taken;
    taken.bytes[0] = load_bytes(path, &taken.sizes[0]);
    taken.bytes[1] = load_bytes(wal_of(path), &taken.sizes[1]);
    return taken;
}

static void expect_same(const char *path, snapshot *before)
{
    snapshot now = take_snapshot(path);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(now.sizes[i], before->sizes[i]);
        ck_assert_mem_eq(now.bytes[i], before->bytes[i], now.sizes[i]);
        free(now.bytes[i]);
        free(before->bytes[i]);
    }
}

/* Alone and with others: the header of a shared store is locked by the system as well. */
START_TEST(refuses_every_call)
{
    const fhs_vfs_options options = {
        .credential = test_key, .create = true, .multi_process = _i == 1};
    const char *path = in_folder("store");
    store opened = open_store_with(path, &options);
    fill_store(opened.db, 50);
    run_sql(opened.db, "PRAGMA temp.cache_size=5; CREATE TEMP TABLE x AS SELECT body FROM t");
    run_sql(opened.db, "INSERT INTO x SELECT randomblob(3000) FROM t");
    snapshot before = take_snapshot(path);
    pid_t child = fork();
    if (child == 0) {
        use_files(&opened);
        use_vfs(&opened);
        use_store(opened.vfs);
        (void)sqlite3_close(opened.db);
        fhs_vfs_close(opened.vfs);
        exit(first_wrong);
    }
    ck_assert_int_eq(wait_for(child), 0);
    expect_same(path, &before);
    run_sql(opened.db, "DELETE FROM t WHERE id > 40");
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
}
END_TEST

/* What the parent left half written is for the parent to mend. */
START_TEST(leaves_a_torn_header_to_its_parent)
{
    const fhs_vfs_options options = {.credential = test_key, .create = true, .base_vfs = "faulty"};
    const char *path = in_folder("store");
    fault_vfs *fault = fault_vfs_new("faulty", "unix-excl");
    store opened = open_store_with(path, &options);
    uint32_t id = 0;
    fill_store(opened.db, 5);
    fault_vfs_tear(fault, true);
    fault_vfs_arm(fault, FAULT_WRITE, 1, false);
    ck_assert_int_eq(fhs_vfs_slot_add(opened.vfs, &other_key, cheap, FHS_STR_NONE, &id, NULL),
                     FHIRSTORE_ERR_IO);
    fault_vfs_disarm(fault);
    ck_assert(fhs_keys_is_torn(fhs_vfs_keys(opened.vfs)));
    snapshot before = take_snapshot(path);
    pid_t child = fork();
    if (child == 0) {
        fhs_vfs_close(opened.vfs);
        exit(0);
    }
    ck_assert_int_eq(wait_for(child), 0);
    expect_same(path, &before);
    close_store(&opened);
    opened = open_store(path);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
    fault_vfs_free(fault);
}
END_TEST

/* A copy that is being made is no store yet, and no child's either. */
START_TEST(goes_on_with_no_copy)
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
    sqlite3_file *file = file_of(built.db, "main", SQLITE_FCNTL_FILE_POINTER);
    ck_assert_int_eq(file->pMethods->xWrite(file, page, PAGE_BYTES, 0), SQLITE_OK);
    pid_t child = fork();
    if (child == 0) {
        EXPECT(file->pMethods->xWrite(file, page, PAGE_BYTES, 0) == SQLITE_IOERR_WRITE);
        exit(first_wrong);
    }
    ck_assert_int_eq(wait_for(child), 0);
    close_store(&built);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vfs fork");
    TCase *tcase = tcase_create("fork");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, refuses_every_call, 0, 2);
    tcase_add_test(tcase, leaves_a_torn_header_to_its_parent);
    tcase_add_test(tcase, goes_on_with_no_copy);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
