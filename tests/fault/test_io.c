/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk fails below every public function: the k-th read, write, sync, truncation, lock, opening
 * or removal, once or from then on; reads that are short and writes that are torn; a disk that is
 * full; permission that is lost; names that cannot be given. Afterwards the store opens, verify
 * finds nothing, and it is as it was before or as it should be after.
 *
 * Short form: one moment of each kind in each call, which FHS_TEST_SEED chooses.
 * FHIRSTORE_TEST_LONG=1: every one. ./dev fault runs either.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "campaign.h"
#include "fault_vfs.h"

static fault_vfs *fault;

/* ---- what the system is asked for beside SQLite's files ---- */

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_chmod(const char *path, mode_t mode);
int __wrap_chmod(const char *path, mode_t mode);
int __real_fsync(int file);
int __wrap_fsync(int file);
int __real_stat(const char *path, struct stat *out);
int __wrap_stat(const char *path, struct stat *out);

static bool is_refused(int cause)
{
    bool fails = fault_vfs_fails(fault, FAULT_NAME);
    errno = fails ? cause : errno;
    return fails;
}

int __wrap_link(const char *from, const char *to)
{
    return is_refused(EACCES) ? -1 : __real_link(from, to);
}

int __wrap_rename(const char *from, const char *to)
{
    return is_refused(EACCES) ? -1 : __real_rename(from, to);
}

int __wrap_chmod(const char *path, mode_t mode)
{
    return is_refused(EPERM) ? -1 : __real_chmod(path, mode);
}

int __wrap_fsync(int file)
{
    return is_refused(EIO) ? -1 : __real_fsync(file);
}

int __wrap_stat(const char *path, struct stat *out)
{
    return is_refused(EIO) ? -1 : __real_stat(path, out);
}

/* ---- the loop ---- */

static const struct {
    const char *name;
    unsigned ops;
    int code; /* 0: what fits the operation */
    bool tears;
    bool only_for_ever;
} kinds[] = {
    {"read", FAULT_READ, 0, false, false},
    {"short read", FAULT_READ, 0, true, false},
    {"write", FAULT_WRITE, 0, false, false},
    {"torn write", FAULT_WRITE, 0, true, false},
    {"sync", FAULT_SYNC, 0, false, false},
    {"truncation", FAULT_TRUNCATE, 0, false, false},
    {"lock", FAULT_LOCK, 0, false, false},
    {"opening", FAULT_OPEN, 0, false, false},
    {"removal", FAULT_DELETE, 0, false, false},
    {"size", FAULT_SIZE, 0, false, false},
    {"name", FAULT_NAME, 0, false, false},
    {"full disk", FAULT_WRITE, SQLITE_FULL, false, true},
    {"permission lost", FAULT_WRITE | FAULT_OPEN | FAULT_TRUNCATE | FAULT_DELETE, SQLITE_PERM,
     false, true},
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

static bool is_disk_status(const public_call *call, fhirstore_status status)
{
    static const fhirstore_status known[] = {
        FHIRSTORE_ERR_IO,        FHIRSTORE_ERR_FULL,        FHIRSTORE_ERR_BUSY,
        FHIRSTORE_ERR_IN_USE,    FHIRSTORE_ERR_NO_MEMORY,   FHIRSTORE_ERR_CORRUPT,
        FHIRSTORE_ERR_TAMPERED,  FHIRSTORE_ERR_NOT_A_STORE, FHIRSTORE_ERR_TRUNCATED,
        FHIRSTORE_ERR_READ_ONLY, FHIRSTORE_ERR_NOT_FOUND,   FHIRSTORE_ERR_FATAL};
    bool is_known = status >= FHIRSTORE_OK ||
                    (status == FHIRSTORE_ERR_DENIED && (call->traits & CALL_MAY_DENY) != 0);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        is_known = is_known || status == known[i];
    }
    return is_known;
}

static void fail_one(const public_call *call, size_t kind, uint64_t k, bool for_ever,
                     const char *before, const char *after)
{
    char what[64];
    (void)snprintf(what, sizeof what, "%s %llu%s", kinds[kind].name, (unsigned long long)k,
                   for_ever ? " and on" : "");
    restore_template();
    open_fixed();
    fault_vfs_tear(fault, kinds[kind].tears);
    fault_vfs_answer(fault, kinds[kind].code);
    fault_vfs_arm(fault, kinds[kind].ops, k, for_ever);
    fhirstore_status status = call->run();
    fault_vfs_disarm(fault);
    fault_vfs_tear(fault, false);
    fault_vfs_answer(fault, 0);
    ck_assert_msg(is_disk_status(call, status), "%s, %s: %s", call->name, what,
                  fhirstore_status_name(status));
    close_fixed();
    check_left(call, what, status, before, after, true);
}

static uint64_t count_operations(const public_call *call, size_t kind)
{
    restore_template();
    open_fixed();
    fault_vfs_count(fault, kinds[kind].ops);
    fhirstore_status status = call->run();
    const uint64_t total = fault_vfs_seen(fault);
    fault_vfs_disarm(fault);
    ck_assert_msg(status >= FHIRSTORE_OK, "%s: %s", call->name, fhirstore_status_name(status));
    close_fixed();
    return total;
}

static void fail_kind(const public_call *call, size_t kind, const char *before, const char *after)
{
    /* SQLite takes a short read for the end of the file; only a sealed page shows that it is none.
     */
    if ((call->traits & CALL_PLAIN_FILE) != 0 && kinds[kind].tears &&
        kinds[kind].ops == FAULT_READ) {
        return;
    }
    const uint64_t total = count_operations(call, kind);
    const uint64_t stride = is_campaign_long() || total == 0 ? 1 : total;
    for (uint64_t k = 1; k <= total; k += stride) {
        const uint64_t at = k + throw_campaign_dice((uint32_t)stride);
        const bool for_ever = kinds[kind].only_for_ever || throw_campaign_dice(2) == 1;
        fail_one(call, kind, at, for_ever, before, after);
        if (is_campaign_long() && !kinds[kind].only_for_ever) {
            fail_one(call, kind, at, !for_ever, before, after);
        }
    }
}

START_TEST(each_operation_may_fail)
{
    const public_call *call = call_at((size_t)_i);
    if (!is_call_wanted(call)) {
        return;
    }
    take_campaign_seed(call->name);
    fault = fault_vfs_new("unix-excl", "unix-excl");
    ck_assert_ptr_nonnull(fault);
    restore_template();
    open_fixed();
    char *before = state_of_call(call);
    close_fixed();
    restore_template();
    open_fixed();
    ck_assert_int_ge(call->run(), FHIRSTORE_OK);
    close_fixed();
    char *after = state_left(call);
    /* In the short form half of the kinds for each call, so that all of them come round. */
    for (size_t kind = 0; kind < KIND_COUNT; kind++) {
        if (is_campaign_long() || throw_campaign_dice(2) == 0) {
            fail_kind(call, kind, before, after);
        }
    }
    free(before);
    free(after);
    fault_vfs_free(fault);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault/io");
    TCase *tests = tcase_create("io");
    tcase_set_timeout(tests, is_campaign_long() ? 36000 : 120);
    tcase_add_checked_fixture(tests, setup_template, teardown_template);
    tcase_add_loop_test(tests, each_operation_may_fail, 0, (int)call_count());
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
