/* SPDX-License-Identifier: Apache-2.0 */
/* The disk fails, fills up, or the process is killed: what was committed stays, the rest is gone.
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "churn.h"
#include "dice.h"
#include "fault_vfs.h"
#include "self.h"

#define GENERATIONS 6
#define PROBES      50

typedef struct outcome {
    int acknowledged; /* the last generation whose commit was answered with OK */
    int tried;
    fhirstore_status status; /* the first error */
} outcome;

static outcome run_script(fixture *fix)
{
    outcome out = {0, 0, FHIRSTORE_OK};
    fhs_storage *storage = NULL;
    out.status = fhs_storage_open(&fix->options, &storage, NULL);
    if (out.status != FHIRSTORE_OK) {
        return out;
    }
    for (int i = 1; i <= GENERATIONS; i++) {
        out.tried = i;
        fhirstore_status status = churn_generation(storage, i);
        if (status == FHIRSTORE_OK) {
            out.acknowledged = i;
        } else if (out.status == FHIRSTORE_OK) {
            out.status = status;
        }
        if (i % 2 == 0) {
            status = fhs_storage_checkpoint(storage, NULL);
            out.status = out.status == FHIRSTORE_OK ? status : out.status;
        }
    }
    fhs_storage_close(storage);
    return out;
}

/* Open what is left and look whether it is what it must be. */
static void check_left(fixture *fix, const outcome *out)
{
    ck_assert_ok(fhs_storage_open(&fix->options, &fix->storage, &err));
    int held = churn_held(fix->storage);
    ck_assert_int_ge(held, out->acknowledged);
    ck_assert_int_le(held, out->tried);
    fixture_verify(fix);
    ck_assert_int_eq(churn_generation(fix->storage, GENERATIONS + 1), FHIRSTORE_OK);
    ck_assert_int_eq(churn_held(fix->storage), GENERATIONS + 1);
    fixture_verify(fix);
    fhs_storage_close(fix->storage);
    fix->storage = NULL;
}

static bool is_fault_status(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_IO || status == FHIRSTORE_ERR_FULL ||
           status == FHIRSTORE_ERR_BUSY || status == FHIRSTORE_ERR_IN_USE ||
           status == FHIRSTORE_ERR_NO_MEMORY || status == FHIRSTORE_ERR_CORRUPT ||
           status == FHIRSTORE_ERR_TAMPERED || status == FHIRSTORE_ERR_NOT_A_STORE ||
           status == FHIRSTORE_ERR_TRUNCATED || status == FHIRSTORE_ERR_READ_ONLY ||
           status == FHIRSTORE_ERR_NOT_FOUND || status == FHIRSTORE_ERR_FATAL;
}

static void prepare_faulty(fixture *fix, fault_vfs *fault)
{
    (void)fault;
    fixture_prepare(fix);
    fix->options.base_vfs = "faulty";
    fix->options.sync_normal = false;
    fix->options.cache_bytes = 64 * 1024;
    fix->options.busy_timeout_ms = -1;
}

static void fail_each(unsigned ops, bool for_ever, bool tears)
{
    fixture fix;
    dice d = dice_new("faults");
    fault_vfs *fault = fault_vfs_new("faulty", "unix-excl");
    ck_assert_ptr_nonnull(fault);
    prepare_faulty(&fix, fault);
    fault_vfs_count(fault, ops);
    outcome clean = run_script(&fix);
    ck_assert_int_eq(clean.status, FHIRSTORE_OK);
    uint64_t total = fault_vfs_seen(fault);
    uint64_t stride = total / PROBES + 1;
    fixture_remove_files(&fix);
    for (uint64_t k = 1 + dice_below(&d, (uint32_t)stride); k <= total; k += stride) {
        prepare_faulty(&fix, fault);
        fault_vfs_tear(fault, tears);
        fault_vfs_arm(fault, ops, k, for_ever);
        outcome out = run_script(&fix);
        fault_vfs_disarm(fault);
        fault_vfs_tear(fault, false);
        ck_assert_msg(out.status == FHIRSTORE_OK || is_fault_status(out.status), "%s at %llu",
                      fhs_status_name(out.status), (unsigned long long)k);
        check_left(&fix, &out);
        fixture_remove_files(&fix);
    }
    fault_vfs_free(fault);
}

START_TEST(writes_fail)
{
    fail_each(FAULT_WRITE | FAULT_TRUNCATE, _i == 1, _i == 2);
}
END_TEST

START_TEST(syncs_fail)
{
    fail_each(FAULT_SYNC, _i == 1, false);
}
END_TEST

START_TEST(reads_fail)
{
    fail_each(FAULT_READ, _i == 1, false);
}
END_TEST

START_TEST(anything_fails)
{
    fail_each(FAULT_ANY, _i == 1, false);
}
END_TEST

START_TEST(the_disk_fills_up)
{
    fixture fix;
    fault_vfs *fault = fault_vfs_new("faulty", "unix-excl");
    int was_full = 0;
    for (uint64_t room = 4096; room < 2000000; room += room / 4) {
        prepare_faulty(&fix, fault);
        fault_vfs_limit_space(fault, room);
        outcome out = run_script(&fix);
        fault_vfs_limit_space(fault, UINT64_MAX);
        ck_assert_msg(out.status == FHIRSTORE_OK || out.status == FHIRSTORE_ERR_FULL ||
                          (out.tried == 0 && is_fault_status(out.status)),
                      "%s", fhs_status_name(out.status));
        was_full += out.status == FHIRSTORE_ERR_FULL ? 1 : 0;
        check_left(&fix, &out);
        fixture_remove_files(&fix);
    }
    ck_assert_int_gt(was_full, 3);
    fault_vfs_free(fault);
}
END_TEST

static void write_until_killed(fixture *fix, int from, int acknowledge)
{
    fhs_storage *storage;
    if (fhs_storage_open(&fix->options, &storage, NULL) != FHIRSTORE_OK) {
        _exit(1);
    }
    for (int i = from;; i++) {
        if (churn_generation(storage, i) != FHIRSTORE_OK ||
            write(acknowledge, &i, sizeof i) != (ssize_t)sizeof i) {
            _exit(1);
        }
        if (i % 16 == 0 && fhs_storage_checkpoint(storage, NULL) != FHIRSTORE_OK) {
            _exit(1);
        }
    }
}

START_TEST(a_kill_loses_nothing_that_was_committed)
{
    fixture fix;
    dice d = dice_new("kill");
    int acknowledged = 0;
    fixture_prepare(&fix);
    fix.options.cache_bytes = 256 * 1024;
    for (int cycle = 0; cycle < 30; cycle++) {
        int ends[2];
        int result;
        int last;
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            (void)close(ends[0]);
            write_until_killed(&fix, acknowledged + 1, ends[1]);
        }
        (void)close(ends[1]);
        long ms = (long)(5 + dice_below(&d, 60)) * self_slowness();
        struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &result, 0), child);
        ck_assert(WIFSIGNALED(result));
        while (read(ends[0], &last, sizeof last) == (ssize_t)sizeof last) {
            acknowledged = last;
        }
        (void)close(ends[0]);
        ck_assert_ok(fhs_storage_open(&fix.options, &fix.storage, &err));
        int held = churn_held(fix.storage);
        ck_assert_int_ge(held, acknowledged);
        ck_assert_int_le(held, acknowledged + 1);
        acknowledged = held;
        fixture_verify(&fix);
        fhs_storage_close(fix.storage);
        fix.storage = NULL;
    }
    ck_assert_int_gt(acknowledged, 0);
    fixture_remove_files(&fix);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage_faults");
    TCase *cases = tcase_create("faults");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, writes_fail, 0, 3);
    tcase_add_loop_test(cases, syncs_fail, 0, 2);
    tcase_add_loop_test(cases, reads_fail, 0, 2);
    tcase_add_loop_test(cases, anything_fails, 0, 2);
    tcase_add_test(cases, the_disk_fills_up);
    tcase_add_test(cases, a_kill_loses_nothing_that_was_committed);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
