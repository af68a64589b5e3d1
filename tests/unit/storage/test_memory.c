/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation fails once, SQLite's and ours: the answer is an error, nothing leaks, and the
 * store is as it was. Linked with --wrap for malloc, calloc and realloc, which catches the library;
 * SQLite's allocator is replaced for this program.
 */
#include <sqlite3.h>

#include "churn.h"
#include "dice.h"
#include "failing_malloc.h"

static sqlite3_mem_methods real_methods;

static void *failing_malloc(int size)
{
    return must_fail() ? NULL : real_methods.xMalloc(size);
}

static void *failing_realloc(void *ptr, int size)
{
    return must_fail() ? NULL : real_methods.xRealloc(ptr, size);
}

static fhirstore_status walk_nothing(void *ctx, const fhs_version *version)
{
    (void)ctx;
    (void)version;
    return FHIRSTORE_OK;
}

/* Everything that reads. */
static fhirstore_status read_all(fhs_storage *storage)
{
    fhs_conn *conn;
    fhs_version version;
    fhs_history *history;
    fhs_storage_stats stats;
    fhs_history_query query = {.type = 1, .since_us = 5};
    fhirstore_status status = fhs_storage_reader(storage, &conn, NULL);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_resource_read(conn, 1, FHS_LIT("r1"), &version, NULL);
    if (status == FHIRSTORE_OK) {
        status = fhs_resource_vread(conn, 1, FHS_LIT("r1"), 1, &version, NULL);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_history_open(conn, &query, &history, NULL);
    }
    if (status == FHIRSTORE_OK) {
        while ((status = fhs_history_next(history, &version, NULL)) == FHIRSTORE_OK) {
        }
        fhs_history_close(history);
        status = status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_resource_each(conn, 1, 0, walk_nothing, NULL, NULL);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_storage_get_stats(conn, &stats, NULL);
    }
    fhs_conn_release(conn);
    return status;
}

static int acknowledged;

static fhirstore_status write_and_read(fixture *fix)
{
    fhs_storage *storage = NULL;
    int64_t findings;
    fhirstore_status status = fhs_storage_open(&fix->options, &storage, NULL);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    for (int i = 1; i <= 2 && status == FHIRSTORE_OK; i++) {
        status = churn_generation(storage, i);
        acknowledged = status == FHIRSTORE_OK ? i : acknowledged;
    }
    if (status == FHIRSTORE_OK) {
        status = read_all(storage);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_storage_verify(storage, NULL, NULL, &findings, NULL);
    }
    fhs_storage_close(storage);
    return status;
}

START_TEST(each_allocation_may_fail)
{
    fixture fix;
    dice d = dice_new("memory");
    fixture_prepare(&fix);
    fix.options.cache_bytes = 256 * 1024;
    arm(0);
    ck_assert_int_eq(write_and_read(&fix), FHIRSTORE_OK);
    disarm();
    uint64_t total = seen;
    fixture_remove_files(&fix);
    uint64_t stride = total / 400 + 1;
    int refused = 0;
    for (uint64_t k = 1 + dice_below(&d, (uint32_t)stride); k <= total; k += stride) {
        fixture_prepare(&fix);
        acknowledged = 0;
        arm(k);
        fhirstore_status status = write_and_read(&fix);
        disarm();
        /* Some allocations may fail without harm: caches, an error's text. */
        ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY ||
                          status == FHIRSTORE_ERR_IO,
                      "%s at %llu", fhs_status_name(status), (unsigned long long)k);
        refused += status == FHIRSTORE_OK ? 0 : 1;
        ck_assert_ok(fhs_storage_open(&fix.options, &fix.storage, &err));
        ck_assert_int_ge(churn_held(fix.storage), acknowledged);
        fixture_verify(&fix);
        fixture_close(&fix);
    }
    ck_assert_int_gt(refused, 50);
}
END_TEST

int main(void)
{
    sqlite3_mem_methods methods;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    methods = real_methods;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("storage_memory");
    TCase *cases = tcase_create("memory");
    tcase_set_timeout(cases, 600);
    tcase_add_test(cases, each_allocation_may_fail);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
