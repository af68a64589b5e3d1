/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each byte of a small store and its log is changed, one at a time, and each change is found. In
 * the short form it is one bit of each byte of the header, page 1, one more page, the log's header
 * and its last frame, and of some in other places; in the long one every bit of all there is.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store.h"
#include "suite.h"

enum {
    HEADER = 8192,
    PAGE = 4096,
    FRAME = 64 + 4096,
    FIRST_FRAME = 128,
};

static uint64_t chance;

static uint32_t pick(uint32_t below)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)((chance >> 20) % below);
}

static bool is_long_run(void)
{
    const char *value = getenv("FHIRSTORE_TEST_LONG");
    return value != NULL && value[0] != '\0' && value[0] != '0';
}

static void begin_chance(void)
{
    const char *given = getenv("FHS_TEST_SEED");
    const uint64_t seed = given == NULL ? 20241107u : strtoull(given, NULL, 0);
    chance = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15);
    (void)fprintf(stderr, "# FHS_TEST_SEED=%llu\n", (unsigned long long)seed);
}

/* Closed, or as a crash leaves it: some pages checkpointed, more in the log than that. */
static void make_store(bool with_log)
{
    store opened = open_store(in_folder("live"));
    run_sql(opened.db, "PRAGMA synchronous=FULL");
    fill_store(opened.db, 30);
    run_sql(opened.db, "PRAGMA wal_checkpoint(TRUNCATE)");
    if (with_log) {
        run_sql(opened.db, "UPDATE t SET body=randomblob(200) WHERE id<4");
        run_sql(opened.db, "PRAGMA wal_checkpoint(PASSIVE)");
        for (int i = 0; i < 3; i++) {
            run_sql(opened.db, "INSERT INTO t(name,body) VALUES('later',randomblob(900))");
        }
        copy_files(in_folder("live"), in_folder("store"));
    }
    close_store(&opened);
    if (!with_log) {
        copy_files(in_folder("live"), in_folder("store"));
    }
}

/* Opening refuses, or verify finds at least one flaw. */
static bool is_found(const char *path)
{
    fhs_vfs_options options = {.credential = test_key, .read_only = true};
    fhs_vfs *vfs = NULL;
    fhs_vfs_verified verified = {0};
    fhirstore_status status = fhs_vfs_open(path, &options, &vfs, NULL);
    if (status != FHIRSTORE_OK) {
        return status == FHIRSTORE_ERR_TAMPERED;
    }
    ck_assert_int_eq(fhs_vfs_verify_pages(vfs, NULL, NULL, &verified, NULL), FHIRSTORE_OK);
    fhs_vfs_close(vfs);
    return verified.flaws > 0;
}

static void change_byte(int file, off_t at, uint8_t mask)
{
    uint8_t byte;
    ck_assert_int_eq(pread(file, &byte, 1, at), 1);
    byte ^= mask;
    ck_assert_int_eq(pwrite(file, &byte, 1, at), 1);
}

/* Every @a step-th byte; in the long form each of them. */
static void flip_range(const char *suffix, uint64_t from, uint64_t to, uint64_t step)
{
    char path[PATH_SIZE + 8];
    (void)snprintf(path, sizeof path, "%s%s", in_folder("store"), suffix);
    int file = open(path, O_RDWR);
    ck_assert_int_ge(file, 0);
    for (uint64_t at = from + pick((uint32_t)step); at < to; at += step) {
        const unsigned first = is_long_run() ? 0 : pick(9);
        const unsigned last = is_long_run() ? 8 : first;
        for (unsigned bit = first; bit <= last; bit++) {
            uint8_t mask = (uint8_t)(bit == 8 ? 0xFFu : 1u << bit);
            change_byte(file, (off_t)at, mask);
            ck_assert_msg(is_found(in_folder("store")), "%s byte %llu, mask %02X", suffix,
                          (unsigned long long)at, mask);
            change_byte(file, (off_t)at, mask);
        }
    }
    (void)close(file);
    ck_assert(!is_found(in_folder("store")));
}

static uint64_t size_of_file(const char *path)
{
    size_t size = 0;
    free(load_bytes(path, &size));
    return size;
}

#ifdef __SANITIZE_ADDRESS__
#define SHORT_STEP 5 /* the same bytes are gone through where it is fast */
#else
#define SHORT_STEP 1
#endif

static void flip_file(uint64_t step)
{
    uint64_t size = size_of_file(in_folder("store"));
    ck_assert(!is_found(in_folder("store")));
    if (is_long_run()) {
        flip_range("", 0, size, 1);
        return;
    }
    uint64_t other = 1 + pick((uint32_t)((size - HEADER) / PAGE - 1));
    flip_range("", 0, HEADER + PAGE, step);
    flip_range("", HEADER + other * PAGE, HEADER + (other + 1) * PAGE, step);
}

START_TEST(each_byte_of_a_closed_store)
{
    begin_chance();
    make_store(false);
    flip_file(SHORT_STEP);
}
END_TEST

START_TEST(each_byte_of_a_file_with_a_log)
{
    begin_chance();
    make_store(true);
    flip_file(8 * SHORT_STEP);
}
END_TEST

START_TEST(each_byte_of_a_log)
{
    begin_chance();
    make_store(true);
    uint64_t size = size_of_file(wal_of(in_folder("store")));
    ck_assert_uint_eq((size - FIRST_FRAME) % FRAME, 0);
    if (is_long_run()) {
        flip_range("-wal", 0, size, 1);
        return;
    }
    flip_range("-wal", 0, FIRST_FRAME, SHORT_STEP);
    flip_range("-wal", FIRST_FRAME, FIRST_FRAME + FRAME, 8 * SHORT_STEP);
    flip_range("-wal", size - FRAME, size, SHORT_STEP);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flips");
    TCase *tcase = tcase_create("flips");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, is_long_run() ? 7200 : 280);
    tcase_add_test(tcase, each_byte_of_a_closed_store);
    tcase_add_test(tcase, each_byte_of_a_file_with_a_log);
    tcase_add_test(tcase, each_byte_of_a_log);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
