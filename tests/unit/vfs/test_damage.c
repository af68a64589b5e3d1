/* SPDX-License-Identifier: Apache-2.0 */
/* An adversary with the file and no key: each thing he can do, and what comes of it. */
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

static const char query[] = "SELECT sum(length(name)) + sum(length(body)) FROM t";

/* A closed store of some pages at "store". */
static int64_t make_closed(int rows)
{
    store opened = open_store(in_folder("store"));
    fill_store(opened.db, rows);
    int64_t sum = get_number(opened.db, query);
    close_store(&opened);
    return sum;
}

/* A store at "store" that a crash left with commits in its log. */
static int64_t make_crashed(int rows)
{
    store opened = open_store(in_folder("live"));
    fill_store(opened.db, rows / 2);
    run_sql(opened.db, "PRAGMA wal_checkpoint(TRUNCATE)");
    fill_store(opened.db, rows - rows / 2);
    copy_files(in_folder("live"), in_folder("store"));
    int64_t sum = get_number(opened.db, query);
    close_store(&opened);
    return sum;
}

typedef struct outcome {
    fhirstore_status status; /* of opening, or of the query */
    int64_t sum;
    uint64_t flaws;
    uint64_t reported;
    bool lost_tail;
} outcome;

static outcome examine(const char *path)
{
    fhs_vfs_options options = {.credential = test_key};
    outcome found = {0};
    store opened = {NULL, NULL};
    sqlite3_stmt *statement = NULL;
    fhirstore_error *err = NULL;
    uint64_t frame = 0;
    found.status = fhs_vfs_open(path, &options, &opened.vfs, &err);
    if (found.status == FHIRSTORE_OK) {
        (void)sqlite3_open_v2(path, &opened.db, fhs_vfs_sqlite_flags(opened.vfs),
                              fhs_vfs_name(opened.vfs));
        found.status = fhs_vfs_setup(opened.vfs, opened.db, &err);
    }
    if (opened.vfs != NULL) {
        found.flaws = count_flaws(&opened, &found.reported);
        found.lost_tail = fhs_vfs_lost_tail(opened.vfs, &frame);
    }
    if (found.status == FHIRSTORE_OK) {
        int code = sqlite3_prepare_v2(opened.db, query, -1, &statement, NULL);
        code = code == SQLITE_OK ? sqlite3_step(statement) : code;
        if (code == SQLITE_ROW) {
            found.sum = sqlite3_column_int64(statement, 0);
        } else {
            found.status = fhs_vfs_fail(opened.vfs, code, "query", &err);
        }
        (void)sqlite3_finalize(statement);
    }
    ck_assert_int_eq(fhs_error_status(err), found.status);
    fhs_error_free(err);
    (void)sqlite3_close(opened.db);
    fhs_vfs_close(opened.vfs);
    return found;
}

/* Flip, look, flip back: examining may not write (the log, if any, is copied each time). */
static outcome examine_flipped(const char *suffix, uint64_t offset)
{
    char victim[PATH_SIZE];
    char file[PATH_SIZE + 8];
    (void)snprintf(victim, sizeof victim, "%s", in_folder("victim"));
    (void)snprintf(file, sizeof file, "%s%s", victim, suffix);
    copy_files(in_folder("store"), victim);
    flip_byte(file, offset, (uint8_t)(1u << (offset % 8)));
    return examine(victim);
}

START_TEST(finds_each_flipped_byte_of_the_header)
{
    int64_t sum = make_closed(50);
    for (uint64_t at = 0; at < HEADER; at += at % 4096 < 160 ? 1 : 61) {
        outcome found = examine_flipped("", at);
        ck_assert_msg(found.status == FHIRSTORE_OK, "byte %u: %d", (unsigned)at, found.status);
        ck_assert_int_eq(found.sum, sum);
        ck_assert_uint_eq(found.flaws, 1);
    }
}
END_TEST

START_TEST(finds_each_flipped_byte_of_page_one)
{
    (void)make_closed(50);
    for (uint64_t at = HEADER; at < HEADER + PAGE; at += at < HEADER + 200 ? 1 : 31) {
        outcome found = examine_flipped("", at);
        ck_assert_msg(found.status == FHIRSTORE_ERR_TAMPERED, "byte %u: %d", (unsigned)at,
                      found.status);
    }
    for (uint64_t at = HEADER + PAGE - 48; at < HEADER + PAGE; at++) {
        ck_assert_int_eq(examine_flipped("", at).status, FHIRSTORE_ERR_TAMPERED);
    }
}
END_TEST

START_TEST(finds_each_flipped_byte_of_a_page)
{
    int64_t sum = make_closed(200);
    size_t size = 0;
    free(load_bytes(in_folder("store"), &size));
    for (uint64_t at = HEADER + 3 * PAGE; at < HEADER + 4 * PAGE; at += 13) {
        outcome found = examine_flipped("", at);
        ck_assert(found.status == FHIRSTORE_ERR_TAMPERED || found.sum == sum);
        ck_assert_uint_eq(found.flaws, 1);
    }
    for (uint64_t at = HEADER + PAGE; at < size; at += PAGE) { /* a byte of every page */
        outcome found = examine_flipped("", at + at / PAGE * 7 % PAGE);
        ck_assert(found.status == FHIRSTORE_ERR_TAMPERED || found.sum == sum);
        ck_assert_uint_eq(found.flaws, 1);
    }
}
END_TEST

/* What is copied from elsewhere is authentic there, and nowhere else. */
START_TEST(finds_pages_moved_zeroed_or_taken_from_another_store)
{
    int64_t sum = make_closed(200);
    size_t size = 0;
    size_t other_size = 0;
    char victim[PATH_SIZE];
    (void)snprintf(victim, sizeof victim, "%s", in_folder("victim"));
    store opened = open_store(in_folder("other"));
    fill_store(opened.db, 200);
    close_store(&opened);
    uint8_t *other = load_bytes(in_folder("other"), &other_size);
    for (int attack = 0; attack < 4; attack++) {
        for (uint64_t page = 0; page < 12; page++) {
            uint8_t *bytes = load_bytes(in_folder("store"), &size);
            uint8_t *target = bytes + HEADER + page * PAGE;
            if (attack == 0) {
                memcpy(target, bytes + HEADER + (page + 1) * PAGE, PAGE);
            } else if (attack == 1) {
                memset(target, 0, PAGE);
            } else if (attack == 2) {
                memcpy(target, other + HEADER + page * PAGE, PAGE);
            } else {
                memset(target + PAGE - 48, 0, 48);
            }
            save_bytes(victim, bytes, size);
            free(bytes);
            outcome found = examine(victim);
            ck_assert(found.status == FHIRSTORE_ERR_TAMPERED ||
                      (found.status == FHIRSTORE_OK && found.sum == sum));
            ck_assert(found.flaws == 1 || (page == 0 && found.flaws == 0));
        }
    }
    free(other);
}
END_TEST

/* The header of one store before the pages of another opens, and then nothing authenticates. */
START_TEST(refuses_a_header_of_another_store)
{
    (void)make_closed(50);
    size_t size = 0;
    size_t other_size = 0;
    store opened = open_store(in_folder("other"));
    fill_store(opened.db, 50);
    close_store(&opened);
    uint8_t *bytes = load_bytes(in_folder("store"), &size);
    uint8_t *other = load_bytes(in_folder("other"), &other_size);
    memcpy(bytes, other, HEADER);
    save_bytes(in_folder("victim"), bytes, size);
    ck_assert_int_eq(examine(in_folder("victim")).status, FHIRSTORE_ERR_TAMPERED);
    free(bytes);
    free(other);
}
END_TEST

/* An old copy of any page, authentic as it is, put back in its own place: reading may not notice,
 * verify does. */
START_TEST(finds_each_old_page_put_back)
{
    (void)make_closed(100);
    size_t size = 0;
    size_t new_size = 0;
    int replayed = 0;
    uint8_t *old = load_bytes(in_folder("store"), &size);
    store opened = open_store(in_folder("store"));
    run_sql(opened.db, "UPDATE t SET body=randomblob(300)");
    close_store(&opened);
    uint8_t *bytes = load_bytes(in_folder("store"), &new_size);
    for (size_t at = HEADER; at + PAGE <= size && at + PAGE <= new_size; at += PAGE) {
        uint8_t kept[PAGE];
        if (memcmp(bytes + at, old + at, PAGE) == 0) {
            continue;
        }
        memcpy(kept, bytes + at, PAGE);
        memcpy(bytes + at, old + at, PAGE);
        save_bytes(in_folder("victim"), bytes, new_size);
        memcpy(bytes + at, kept, PAGE);
        opened = open_store(in_folder("victim"));
        ck_assert_msg(count_flaws(&opened, NULL) > 0, "page at %zu", at);
        close_store(&opened);
        (void)unlink(in_folder("victim"));
        replayed++;
    }
    ck_assert_int_gt(replayed, 5);
    /* Nor does the old header make the old page look right. */
    memcpy(bytes, old, HEADER);
    memcpy(bytes + HEADER + 4 * PAGE, old + HEADER + 4 * PAGE, PAGE);
    save_bytes(in_folder("victim"), bytes, new_size);
    outcome found = examine(in_folder("victim"));
    ck_assert(found.status != FHIRSTORE_OK || found.flaws > 0);
    free(old);
    free(bytes);
}
END_TEST

/* The same while a log is there, as a crash leaves it, in the midst of a checkpoint or not. */
START_TEST(finds_old_pages_beside_a_log)
{
    store opened = open_store(in_folder("live"));
    fill_store(opened.db, 100);
    run_sql(opened.db, "PRAGMA wal_checkpoint(TRUNCATE)");
    size_t size = 0;
    uint8_t *old = load_bytes(in_folder("live"), &size);
    run_sql(opened.db, "UPDATE t SET body=randomblob(300); PRAGMA wal_checkpoint(TRUNCATE);"
                       "UPDATE t SET name='changed' WHERE id=1");
    for (int round = 0; round < 2; round++) {
        copy_files(in_folder("live"), in_folder("victim"));
        size_t new_size = 0;
        uint8_t *bytes = load_bytes(in_folder("victim"), &new_size);
        size_t last = (new_size - HEADER) / PAGE - 1;
        size_t page = last < (size - HEADER) / PAGE ? last : (size - HEADER) / PAGE - 1;
        while (memcmp(bytes + HEADER + page * PAGE, old + HEADER + page * PAGE, PAGE) == 0) {
            page--;
        }
        memcpy(bytes + HEADER + page * PAGE, old + HEADER + page * PAGE, PAGE);
        save_bytes(in_folder("victim"), bytes, new_size);
        ck_assert_uint_gt(examine(in_folder("victim")).flaws, 0);
        free(bytes);
        ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
        run_sql(opened.db, "PRAGMA wal_checkpoint(PASSIVE)");
    }
    close_store(&opened);
    free(old);
}
END_TEST

START_TEST(knows_a_truncated_file)
{
    (void)make_closed(200);
    size_t size = 0;
    uint8_t *bytes = load_bytes(in_folder("store"), &size);
    const size_t sizes[] = {size - 1,      size - PAGE, size / 2, HEADER + 2 * PAGE,
                            HEADER + PAGE, HEADER + 7,  HEADER,   HEADER - 1,
                            4096,          100,         1,        0};
    for (size_t i = 0; i < FHS_COUNT_OF(sizes); i++) {
        save_bytes(in_folder("victim"), bytes, sizes[i]);
        outcome found = examine(in_folder("victim"));
        ck_assert_msg(found.status == FHIRSTORE_ERR_TRUNCATED, "%zu: %d", sizes[i], found.status);
    }
    free(bytes);
}
END_TEST

START_TEST(reports_bytes_added_to_the_file)
{
    int64_t sum = make_closed(100);
    size_t size = 0;
    uint8_t *bytes = load_bytes(in_folder("store"), &size);
    bytes = realloc(bytes, size + 5000);
    memset(bytes + size, 0, 5000);
    save_bytes(in_folder("victim"), bytes, size + 5000);
    outcome found = examine(in_folder("victim"));
    ck_assert_int_eq(found.status, FHIRSTORE_OK);
    ck_assert_int_eq(found.sum, sum);
    ck_assert_uint_eq(found.flaws, 2);
    free(bytes);
}
END_TEST

/* A torn first page: SQLite must come to read the log, where the page is whole. */
START_TEST(recovers_a_torn_first_page_from_the_log)
{
    store opened = open_store(in_folder("live"));
    fill_store(opened.db, 100);
    int64_t sum = get_number(opened.db, query);
    run_sql(opened.db, "PRAGMA wal_checkpoint(PASSIVE)");
    copy_files(in_folder("live"), in_folder("store"));
    close_store(&opened);
    size_t size = 0;
    uint8_t *bytes = load_bytes(in_folder("store"), &size);
    memset(bytes + HEADER + 512, 0xEE, PAGE - 512);
    memset(bytes + HEADER + 3 * PAGE, 0, PAGE);
    save_bytes(in_folder("store"), bytes, size);
    free(bytes);
    outcome found = examine(in_folder("store"));
    ck_assert_int_eq(found.status, FHIRSTORE_OK);
    ck_assert_int_eq(found.sum, sum);
    ck_assert_uint_eq(found.flaws, 0);
    ck_assert_uint_eq(found.reported, 2); /* superseded */
    found = examine(in_folder("store"));  /* closing wrote the pages anew */
    ck_assert_int_eq(found.sum, sum);
    ck_assert_uint_eq(found.reported, 0);
}
END_TEST

/* A torn first page and no log to mend it from is damage. */
START_TEST(refuses_a_torn_first_page_without_a_log)
{
    (void)make_crashed(100);
    flip_byte(in_folder("store"), HEADER + 50, 1);
    (void)unlink(wal_of(in_folder("store")));
    ck_assert_int_eq(examine(in_folder("store")).status, FHIRSTORE_ERR_TAMPERED);
}
END_TEST

START_TEST(drops_a_torn_end_of_the_log)
{
    store opened = open_store(in_folder("live"));
    fill_store(opened.db, 100);
    run_sql(opened.db, "PRAGMA synchronous=NORMAL");
    int64_t before = get_number(opened.db, query);
    size_t whole = 0;
    size_t size = 0;
    free(load_bytes(wal_of(in_folder("live")), &whole));
    run_sql(opened.db, "UPDATE t SET name='later' WHERE id=50");
    copy_files(in_folder("live"), in_folder("store"));
    close_store(&opened);
    char log_path[PATH_SIZE + 8];
    (void)snprintf(log_path, sizeof log_path, "%s", wal_of(in_folder("store")));
    uint8_t *log = load_bytes(log_path, &size);
    ck_assert_uint_gt(size, whole);
    for (size_t cut = 1; cut < size - whole; cut += 1 + cut) {
        save_bytes(log_path, log, size - cut);
        copy_files(in_folder("store"), in_folder("victim"));
        outcome found = examine(in_folder("victim"));
        ck_assert_int_eq(found.status, FHIRSTORE_OK);
        ck_assert_int_eq(found.sum, before);
        ck_assert_uint_eq(found.flaws, 0);
        ck_assert(!found.lost_tail);
    }
    free(log);
}
END_TEST

/* With synchronous=FULL each commit is on the disk before the next begins: no crash explains a bad
 * frame before a later commit. */
START_TEST(refuses_a_log_damaged_before_synced_commits)
{
    store opened = open_store(in_folder("live"));
    run_sql(opened.db, "PRAGMA synchronous=FULL");
    fill_store(opened.db, 60);
    for (int i = 0; i < 10; i++) {
        run_sql(opened.db, "UPDATE t SET body=randomblob(100) WHERE id=7");
    }
    copy_files(in_folder("live"), in_folder("store"));
    int64_t sum = get_number(opened.db, query);
    close_store(&opened);
    size_t size = 0;
    free(load_bytes(wal_of(in_folder("store")), &size));
    for (uint64_t at = 0; at < size; at += at < FIRST_FRAME + FRAME ? 37 : 1039) {
        outcome found = examine_flipped("-wal", at);
        bool is_end = at >= size - FRAME; /* the last frame: as torn */
        bool is_padding = at >= 72 && at < FIRST_FRAME;
        if (is_padding) {
            ck_assert_int_eq(found.sum, sum);
            ck_assert_uint_eq(found.flaws, 1);
        } else if (is_end) {
            ck_assert_int_eq(found.status, FHIRSTORE_OK);
            ck_assert_uint_eq(found.reported, 1);
        } else {
            ck_assert_msg(found.status == FHIRSTORE_ERR_TAMPERED, "byte %u: %d", (unsigned)at,
                          found.status);
            ck_assert_uint_ge(found.flaws, 1);
        }
    }
}
END_TEST

/* Without syncs a power cut may do the same: the rest is dropped as SQLite does, and it is told. */
START_TEST(reports_frames_beyond_a_bad_one)
{
    store opened = open_store(in_folder("live"));
    run_sql(opened.db, "PRAGMA synchronous=OFF");
    fill_store(opened.db, 60);
    int64_t before = get_number(opened.db, query);
    size_t size = 0;
    free(load_bytes(wal_of(in_folder("live")), &size));
    for (int i = 0; i < 10; i++) {
        run_sql(opened.db, "UPDATE t SET name=name||'?' WHERE id=7");
    }
    copy_files(in_folder("live"), in_folder("store"));
    close_store(&opened);
    outcome found = examine_flipped("-wal", size + 1000);
    ck_assert_int_eq(found.status, FHIRSTORE_OK);
    ck_assert_int_eq(found.sum, before);
    ck_assert(found.lost_tail);
    ck_assert_uint_eq(found.flaws, 1);
}
END_TEST

/* Killed while it wrote over what another transaction had left: half a frame, and nothing behind.
 */
START_TEST(a_frame_torn_by_a_kill_has_no_dead_ones_behind_it)
{
    const fhs_vfs_options options = {
        .credential = test_key, .create = true, .multi_process = _i == 1};
    size_t spilled = 0;
    size_t size = 0;
    uint64_t reported = 0;
    const char *path = in_folder("killed");
    const char *copy = in_folder("copy");
    store opened = open_store_with(path, &options);
    sqlite3 *other = connect(&opened);
    fill_store(opened.db, 20);
    free(load_bytes(wal_of(path), &size));
    const size_t frame = size; /* where the next one begins */
    run_sql(opened.db, "PRAGMA cache_size=10; BEGIN; UPDATE t SET body=randomblob(3000);"
                       "INSERT INTO t(body) SELECT randomblob(3000) FROM t; ROLLBACK");
    free(load_bytes(wal_of(path), &spilled));
    ck_assert_uint_gt(spilled, size + 20 * (size_t)FRAME);
    run_sql(other, "PRAGMA wal_autocheckpoint=0; UPDATE t SET name='x' WHERE id=1");
    copy_files(path, copy);
    uint8_t *log = load_bytes(wal_of(copy), &size);
    ck_assert_uint_lt(size, spilled);
    memset(log + frame + 2000, 0, FRAME - 2000);
    save_bytes(wal_of(copy), log, frame + FRAME);
    free(log);
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    close_store(&opened);
    opened = open_store_with(copy, &options);
    ck_assert_uint_eq(count_flaws(&opened, &reported), 0);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 20);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t WHERE name='x'"), 0);
    close_store(&opened);
}
END_TEST

/*
 * Killed while it wrote over a frame of its own transaction: the first ones, which the cache had no
 * room for, change again. Half of a frame is new then, and whole ones of the same use are behind.
 */
START_TEST(a_frame_torn_by_a_kill_may_have_its_own_transaction_behind_it)
{
    const fhs_vfs_options options = {
        .credential = test_key, .create = true, .multi_process = _i == 1};
    size_t size = 0;
    uint64_t reported = 0;
    const char *path = in_folder("killed");
    const char *copy = in_folder("copy");
    store opened = open_store_with(path, &options);
    fill_store(opened.db, 20);
    run_sql(opened.db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size=10; BEGIN;"
                       "UPDATE t SET body=randomblob(3000)");
    copy_files(path, copy);
    uint8_t *log = load_bytes(wal_of(copy), &size);
    ck_assert_uint_gt(size, FIRST_FRAME + 5 * (size_t)FRAME);
    memset(log + PAGE, 0x5A, FIRST_FRAME + FRAME - PAGE); /* up to where the system stopped */
    save_bytes(wal_of(copy), log, size);
    free(log);
    run_sql(opened.db, "ROLLBACK");
    close_store(&opened);
    outcome found = examine(copy);
    ck_assert_int_eq(found.status, FHIRSTORE_OK);
    ck_assert(!found.lost_tail);
    ck_assert_uint_eq(found.flaws, 0);
    opened = open_store_with(copy, &options);
    ck_assert_uint_eq(count_flaws(&opened, &reported), 0);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 20);
    run_sql(opened.db, "UPDATE t SET name='x' WHERE id=1");
    ck_assert_uint_eq(count_flaws(&opened, &reported), 0);
    close_store(&opened);
}
END_TEST

START_TEST(ignores_the_log_of_another_store)
{
    int64_t sum = make_closed(80);
    store opened = open_store(in_folder("live"));
    fill_store(opened.db, 300);
    size_t size = 0;
    uint8_t *log = load_bytes(wal_of(in_folder("live")), &size);
    save_bytes(wal_of(in_folder("store")), log, size);
    close_store(&opened);
    outcome found = examine(in_folder("store"));
    ck_assert_int_eq(found.status, FHIRSTORE_OK);
    ck_assert_int_eq(found.sum, sum);
    free(log);
}
END_TEST

/* Frames of an earlier use of the log, put over those of the present one under a running store. */
START_TEST(refuses_frames_of_an_earlier_use)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    size_t old_size = 0;
    fill_store(opened.db, 100);
    uint8_t *old = load_bytes(wal_of(path), &old_size);
    run_sql(opened.db, "PRAGMA wal_checkpoint(RESTART); UPDATE t SET body=randomblob(300)");
    sqlite3 *reader = connect(&opened);
    size_t size = 0;
    uint8_t *log = load_bytes(wal_of(path), &size);
    size_t shorter = old_size < size ? old_size : size;
    memcpy(log + FIRST_FRAME, old + FIRST_FRAME, shorter - FIRST_FRAME);
    FILE *file = fopen(wal_of(path), "r+b");
    ck_assert_uint_eq(fwrite(log, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(try_sql(reader, query), SQLITE_IOERR_DATA);
    ck_assert_int_eq(fhs_vfs_status(opened.vfs, SQLITE_IOERR_DATA), FHIRSTORE_ERR_TAMPERED);
    (void)sqlite3_close(reader);
    free(old);
    free(log);
    (void)sqlite3_db_config(opened.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    close_store(&opened);
}
END_TEST

/* Frames that a connection reads for itself, after the log was recovered or written. */
START_TEST(refuses_damage_of_a_running_log)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    fill_store(opened.db, 100);
    const uint64_t places[] = {5, FIRST_FRAME + 70, FIRST_FRAME + 3, FIRST_FRAME + FRAME - 2};
    for (size_t i = 0; i < FHS_COUNT_OF(places); i++) {
        sqlite3 *reader = connect(&opened);
        ck_assert_int_eq(try_sql(reader, "PRAGMA cache_size=1; SELECT count(*) FROM t"), 0);
        flip_byte(wal_of(path), places[i], 1);
        int expected = places[i] == 5 ? SQLITE_OK : SQLITE_IOERR_DATA; /* the salt is known */
        int code = SQLITE_OK;
        for (int frame = 0; frame < 3 && code == SQLITE_OK; frame++) {
            code = try_sql(reader, "SELECT count(*), sum(length(body)) FROM t;"
                                   "SELECT * FROM sqlite_schema");
        }
        ck_assert(code == expected || (code == SQLITE_OK && i > 0));
        flip_byte(wal_of(path), places[i], 1);
        (void)sqlite3_close(reader);
    }
    expect_integrity(opened.db);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
}
END_TEST

/* Cut off below its first page while it is open, a store is not taken for an empty one. */
START_TEST(knows_a_file_cut_off_under_it)
{
    const char *path = in_folder("store");
    (void)make_closed(50);
    store opened = open_store(path);
    ck_assert_int_eq(truncate(path, HEADER), 0);
    sqlite3 *db = NULL;
    ck_assert_int_eq(
        sqlite3_open_v2(path, &db, fhs_vfs_sqlite_flags(opened.vfs), fhs_vfs_name(opened.vfs)),
        SQLITE_OK);
    ck_assert_int_eq(fhs_vfs_setup(opened.vfs, db, NULL), FHIRSTORE_ERR_TRUNCATED);
    (void)sqlite3_close(db);
    ck_assert_uint_ge(count_flaws(&opened, NULL), 1);
    (void)sqlite3_close(opened.db);
    fhs_vfs_close(opened.vfs);
    ck_assert_int_eq(examine(path).status, FHIRSTORE_ERR_TRUNCATED);
}
END_TEST

/* A header of zeros before frames that are ours: dropped as after a power cut, and told. */
START_TEST(reports_a_log_without_its_header)
{
    (void)make_crashed(60);
    size_t size = 0;
    uint8_t *log = load_bytes(wal_of(in_folder("store")), &size);
    memset(log, 0, FIRST_FRAME);
    save_bytes(wal_of(in_folder("store")), log, size);
    free(log);
    outcome found = examine(in_folder("store"));
    ck_assert_int_eq(found.status, FHIRSTORE_OK);
    ck_assert(found.lost_tail);
    ck_assert_uint_ge(found.flaws, 1);
}
END_TEST

/* The header is synced before the first frame comes: what a crash leaves of it alone is no damage.
 */
START_TEST(forgives_a_log_that_never_began)
{
    static const uint8_t zeros[FIRST_FRAME];
    int64_t sum = make_closed(60);
    for (size_t size = 1; size <= FIRST_FRAME;
         size += size < FIRST_FRAME - 1 ? FIRST_FRAME - 2 : 1) {
        save_bytes(wal_of(in_folder("store")), zeros, size);
        outcome found = examine(in_folder("store"));
        ck_assert_int_eq(found.status, FHIRSTORE_OK);
        ck_assert_int_eq(found.sum, sum);
        ck_assert(!found.lost_tail);
        ck_assert_uint_eq(found.flaws, 0);
    }
}
END_TEST

/* Damage under a running store: the log's committed frames are known, so each flip is a flaw. */
START_TEST(verifies_the_log_of_a_running_store)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    fill_store(opened.db, 100);
    size_t size = 0;
    free(load_bytes(wal_of(path), &size));
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    for (uint64_t at = 3; at < size; at += 499) {
        flip_byte(wal_of(path), at, 0x20);
        ck_assert_msg(count_flaws(&opened, NULL) >= 1, "byte %u", (unsigned)at);
        flip_byte(wal_of(path), at, 0x20);
    }
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vfs damage");
    TCase *tcase = tcase_create("damage");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, finds_each_flipped_byte_of_the_header);
    tcase_add_test(tcase, finds_each_flipped_byte_of_page_one);
    tcase_add_test(tcase, finds_each_flipped_byte_of_a_page);
    tcase_add_test(tcase, finds_pages_moved_zeroed_or_taken_from_another_store);
    tcase_add_test(tcase, refuses_a_header_of_another_store);
    tcase_add_test(tcase, finds_each_old_page_put_back);
    tcase_add_test(tcase, finds_old_pages_beside_a_log);
    tcase_add_test(tcase, knows_a_truncated_file);
    tcase_add_test(tcase, reports_bytes_added_to_the_file);
    tcase_add_test(tcase, recovers_a_torn_first_page_from_the_log);
    tcase_add_test(tcase, refuses_a_torn_first_page_without_a_log);
    tcase_add_test(tcase, drops_a_torn_end_of_the_log);
    tcase_add_test(tcase, refuses_a_log_damaged_before_synced_commits);
    tcase_add_test(tcase, reports_frames_beyond_a_bad_one);
    tcase_add_loop_test(tcase, a_frame_torn_by_a_kill_has_no_dead_ones_behind_it, 0, 2);
    tcase_add_loop_test(tcase, a_frame_torn_by_a_kill_may_have_its_own_transaction_behind_it, 0, 2);
    tcase_add_test(tcase, ignores_the_log_of_another_store);
    tcase_add_test(tcase, refuses_frames_of_an_earlier_use);
    tcase_add_test(tcase, refuses_damage_of_a_running_log);
    tcase_add_test(tcase, knows_a_file_cut_off_under_it);
    tcase_add_test(tcase, reports_a_log_without_its_header);
    tcase_add_test(tcase, forgives_a_log_that_never_began);
    tcase_add_test(tcase, verifies_the_log_of_a_running_store);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
