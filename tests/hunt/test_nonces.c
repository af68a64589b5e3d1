/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nonce audit. A VFS below the encrypting one sees each record as it is written and notes the
 * nonce and the tag of each: of pages, frame headers, the log's header, key slots. A nonce that
 * comes again must come with the tag it had, for then it is the same record written once more (a
 * checkpoint copies records, a header copy keeps its slots). That is asked of all records together,
 * under whatever key: of many processes, of forks of one process, of copies of one file that go on
 * apart.
 *
 * Nonces of temporary files are never written. The generator of random bytes is watched for these:
 * each chunk written must have been preceded by a draw of its own, and no draw may come twice.
 *
 *     FHIRSTORE_TEST_LONG=1    ten million records; else NONCE_RECORDS, or some 120,000
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"
#include "suite.h"
#include "watch_vfs.h"

enum {
    SHORT_RECORDS = 120000,
    LONG_RECORDS = 10000000,
    NONCE = 24,
    TAG = 16,
    PAGE = 4096,
    PAGE_NONCE_AT = 4048,
    FRAME = 4160,
    FRAME_TAG_AT = 48,
    LOG_HEADER = 128,
    COPY = 4096,
    EPOCHS_AT = 128,
    SLOTS_AT = 640,
    SLOT = 128,
    SLOT_COUNT = 24,
    JOURNAL_KEY_AT = 3712,
    THREADS = 4,
    CHILDREN = 6,
    ROWS = 2000,
};

typedef struct seen_nonce {
    uint8_t nonce[16]; /* of 24; that so much of two is the same by chance cannot happen either */
    uint64_t tag;
} seen_nonce;

/* In memory that forked children share. */
typedef struct audit {
    atomic_flag lock;
    _Atomic uint64_t records; /* sealed and written: pages, frames, headers, chunks */
    _Atomic uint64_t copies;  /* of them written again as they were */
    _Atomic uint64_t reused;
    _Atomic uint64_t draws;
    _Atomic uint64_t chunks; /* of temporary files */
    _Atomic uint64_t undrawn;
    _Atomic uint64_t unknown; /* writes of no known shape */
    uint64_t room;
    uint64_t used;
    seen_nonce seen[];
} audit;

static audit *book;
static _Thread_local int drawn;

/* ---- the book ---- */

static void note_nonce(const uint8_t *nonce, const uint8_t *tag)
{
    uint64_t at;
    uint64_t said = 0;
    memcpy(&at, nonce, sizeof at);
    memcpy(&said, tag, sizeof said);
    while (atomic_flag_test_and_set(&book->lock)) {
    }
    seen_nonce *slot = &book->seen[at % book->room];
    while (!sodium_is_zero(slot->nonce, sizeof slot->nonce) &&
           memcmp(slot->nonce, nonce, sizeof slot->nonce) != 0) {
        slot = slot + 1 == book->seen + book->room ? book->seen : slot + 1;
    }
    if (sodium_is_zero(slot->nonce, sizeof slot->nonce)) {
        memcpy(slot->nonce, nonce, sizeof slot->nonce);
        slot->tag = said;
        book->used++;
    } else if (slot->tag == said) {
        atomic_fetch_add(&book->copies, 1);
    } else {
        atomic_fetch_add(&book->reused, 1);
    }
    bool is_full = book->used > book->room / 10 * 9;
    atomic_flag_clear(&book->lock);
    ck_assert_msg(!is_full, "the book is full");
}

static void note_record(const uint8_t *nonce, const uint8_t *tag)
{
    static const uint8_t none[NONCE];
    if (memcmp(nonce, none, NONCE) != 0) {
        note_nonce(nonce, tag);
        atomic_fetch_add(&book->records, 1);
    } else {
        atomic_fetch_add(&book->reused, 1); /* no record has a nonce of zeros */
    }
}

static void note_header(const uint8_t *copy)
{
    for (int i = 0; i < SLOT_COUNT; i++) {
        const uint8_t *slot = copy + SLOTS_AT + i * SLOT;
        if (slot[0] == 1 || slot[0] == 2 || slot[0] == 4) {
            note_nonce(slot + 48, slot + 104);
        }
    }
    if (copy[25] == 2) {
        const uint8_t *old = copy + EPOCHS_AT + SLOT + 40;
        note_nonce(old, old + NONCE + 32);
    }
    if (!sodium_is_zero(copy + JOURNAL_KEY_AT, 72)) {
        note_nonce(copy + JOURNAL_KEY_AT, copy + JOURNAL_KEY_AT + NONCE + 32);
    }
    atomic_fetch_add(&book->records, 1);
}

static void note_page(const uint8_t *page)
{
    note_record(page + PAGE_NONCE_AT, page + PAGE_NONCE_AT + NONCE);
}

static bool note_main(const uint8_t *bytes, int amount, int64_t offset)
{
    if (amount == COPY && (offset == 0 || offset == COPY)) {
        note_header(bytes);
        return true;
    }
    bool is_new = offset == 0 && amount == 2 * COPY + PAGE; /* a store comes into being */
    if (is_new || (offset == 0 && amount == 2 * COPY)) {
        note_header(bytes);
        note_header(bytes + COPY);
        if (is_new) {
            note_page(bytes + 2 * COPY);
        }
        return true;
    }
    if (amount == PAGE && offset >= 2 * COPY && offset % PAGE == 0) {
        note_page(bytes);
        return true;
    }
    return false;
}

static bool note_log(const uint8_t *bytes, int amount, int64_t offset)
{
    if (offset == 0 && amount == LOG_HEADER) {
        note_record(bytes, bytes + NONCE + 32);
        return true;
    }
    bool is_frame = offset >= LOG_HEADER && (offset - LOG_HEADER) % FRAME == 0;
    if (!is_frame || (amount != FRAME && amount != FRAME - PAGE)) {
        return false;
    }
    note_record(bytes, bytes + FRAME_TAG_AT);
    if (amount == FRAME) {
        note_page(bytes + FRAME - PAGE);
    }
    return true;
}

static void see_write(watch_file file, const uint8_t *bytes, int amount, int64_t offset)
{
    bool is_known = true;
    if (file == WATCH_MAIN) {
        is_known = note_main(bytes, amount, offset);
    } else if (file == WATCH_LOG) {
        is_known = note_log(bytes, amount, offset);
    } else if (file == WATCH_TEMP) {
        atomic_fetch_add(&book->records, 1);
        atomic_fetch_add(&book->chunks, 1);
        atomic_fetch_add(&book->undrawn, drawn == 0 ? 1 : 0);
    }
    drawn = 0;
    if (!is_known) {
        atomic_fetch_add(&book->unknown, 1);
    }
}

/* ---- the generator ---- */

static void draw(void *out, size_t size)
{
    static const uint8_t no_tag[TAG];
    randombytes_sysrandom_implementation.buf(out, size);
    /* Drawn nonces get the tag of nobody as long as they are in a temporary file only; the others
     * are looked at when they are written. */
    if (size == NONCE) {
        uint8_t marked[NONCE];
        memcpy(marked, out, NONCE);
        marked[0] ^= 0xFF; /* apart from those in records */
        note_nonce(marked, no_tag);
        drawn++;
        atomic_fetch_add(&book->draws, 1);
    }
}

static const char *draw_name(void)
{
    return "watched";
}

static uint32_t draw_number(void)
{
    return randombytes_sysrandom_implementation.random();
}

static void watch_generator(void)
{
    static randombytes_implementation watched;
    watched = randombytes_sysrandom_implementation;
    watched.implementation_name = draw_name;
    watched.random = draw_number;
    watched.buf = draw;
    ck_assert_int_eq(randombytes_set_implementation(&watched), 0);
    ck_assert_int_ge(sodium_init(), 0);
}

/* ---- what is written ---- */

static uint64_t wanted_records(void)
{
    const char *said = getenv("NONCE_RECORDS");
    if (said != NULL) {
        return strtoull(said, NULL, 10);
    }
    return getenv("FHIRSTORE_TEST_LONG") != NULL ? LONG_RECORDS : SHORT_RECORDS;
}

static void open_book(void)
{
    uint64_t room = wanted_records() * 3 + 1000000;
    size_t size = sizeof *book + room * sizeof book->seen[0];
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    book = shared;
    book->room = room;
    watch_generator();
    make_folder();
    ck_assert(watch_vfs_start("unix-excl", see_write));
}

static store open_watched_store(const char *name)
{
    fhs_vfs_options options = {.credential = test_key, .create = true, .base_vfs = "watch"};
    return open_store_with(in_folder(name), &options);
}

static void make_rows(sqlite3 *db)
{
    run_sql(db, "PRAGMA synchronous=NORMAL; PRAGMA cache_size=100;"
                "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, body BLOB);"
                "CREATE INDEX IF NOT EXISTS i ON t(body)");
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<%d)"
                   "INSERT OR IGNORE INTO t SELECT x, randomblob(500) FROM c",
                   ROWS);
    run_sql(db, sql);
}

/* Transactions of a few pages, and now and then one that spills and one that rolls back. */
static void write_until(sqlite3 *db, uint64_t records, unsigned seed)
{
    char sql[256];
    for (unsigned i = seed; atomic_load(&book->records) < records; i++) {
        (void)snprintf(sql, sizeof sql,
                       "UPDATE t SET body=randomblob(500) WHERE id BETWEEN %u AND %u + %d",
                       i * 7919u % ROWS + 1, i * 7919u % ROWS + 1, i % 64 == 0 ? 500 : 3);
        if (i % 128 == 3) {
            run_sql(db, "BEGIN");
            run_sql(db, sql);
            run_sql(db, "UPDATE t SET body=randomblob(499)");
            run_sql(db, "ROLLBACK");
        } else {
            run_sql(db, sql);
        }
    }
}

static uint64_t share(int percent)
{
    return wanted_records() / 100 * (uint64_t)percent;
}

static void expect_clean(const char *what)
{
    (void)fprintf(stderr,
                  "# %s: %llu records so far, %llu of them copies, %llu chunks of temporary files, "
                  "%llu draws, "
                  "%llu nonces used twice\n",
                  what, (unsigned long long)book->records, (unsigned long long)book->copies,
                  (unsigned long long)book->chunks, (unsigned long long)book->draws,
                  (unsigned long long)book->reused);
    ck_assert_uint_eq(book->reused, 0);
    ck_assert_uint_eq(book->undrawn, 0);
    ck_assert_uint_eq(book->unknown, 0);
}

/* ---- the cases ---- */

static void sort_aside(sqlite3 *db)
{
    run_sql(db, "PRAGMA cache_size=10; PRAGMA temp_store=FILE;"
                "CREATE TEMP TABLE aside AS SELECT a.id, a.body FROM t a, (SELECT 1 FROM t LIMIT "
                "4) ORDER BY a.body;"
                "DROP TABLE aside; PRAGMA cache_size=100");
}

static void change_keys(const store *opened, uint32_t *slot)
{
    const fhs_key_cost cost = {0};
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(fhs_vfs_slot_rotate(opened->vfs, *slot,
                                             i % 2 == 0 ? &other_key : &test_key, cost,
                                             FHS_LIT("next"), slot, NULL),
                         FHIRSTORE_OK);
    }
}

/* A new data key: pages are sealed anew in place. */
static void renew_keys(const store *opened, uint32_t *slot)
{
    const fhs_key_cost cost = {0};
    bool has_ended = false;
    uint32_t done = 0;
    uint32_t total = 0;
    ck_assert_int_eq(fhs_vfs_renew(opened->vfs, &test_key, cost, FHS_LIT("new"), slot, NULL),
                     FHIRSTORE_OK);
    for (int i = 0; i < 1000 && !has_ended; i++) {
        run_sql(opened->db, "BEGIN IMMEDIATE");
        ck_assert_int_eq(fhs_vfs_renew_step(opened->vfs, &done, &total, NULL), FHIRSTORE_OK);
        run_sql(opened->db, "COMMIT");
        if (done == total) {
            run_sql(opened->db, "PRAGMA wal_checkpoint(TRUNCATE); BEGIN IMMEDIATE");
            ck_assert_int_eq(fhs_vfs_renew_end(opened->vfs, &has_ended, NULL), FHIRSTORE_OK);
            run_sql(opened->db, "COMMIT");
        }
    }
    ck_assert(has_ended);
}

START_TEST(no_nonce_twice_in_one_thread)
{
    store opened = open_watched_store("one");
    fhs_key_slot slot;
    ck_assert(fhs_vfs_slot_get(opened.vfs, 0, &slot));
    make_rows(opened.db);
    for (int i = 1; i <= 10; i++) {
        write_until(opened.db, share(4 * i), (unsigned)i);
        sort_aside(opened.db);
        change_keys(&opened, &slot.id);
        if (i % 5 == 0) {
            renew_keys(&opened, &slot.id);
        }
    }
    close_store(&opened);
    ck_assert_uint_gt(book->chunks, 0);
    expect_clean("one thread, keys changed and renewed");
}
END_TEST

typedef struct writer {
    const store *opened;
    unsigned seed;
} writer;

static void *write_in_thread(void *arg)
{
    const writer *self = arg;
    sqlite3 *db = connect(self->opened);
    run_sql(db, "PRAGMA synchronous=NORMAL; PRAGMA cache_size=100");
    (void)sqlite3_busy_timeout(db, 600000);
    write_until(db, share(60), self->seed);
    (void)sqlite3_close(db);
    return NULL;
}

START_TEST(no_nonce_twice_between_threads)
{
    store opened = open_watched_store("threads");
    pthread_t threads[THREADS];
    writer writers[THREADS];
    make_rows(opened.db);
    for (unsigned i = 0; i < THREADS; i++) {
        writers[i] = (writer){&opened, i * 1000};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_in_thread, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    close_store(&opened);
    expect_clean("four threads");
}
END_TEST

/* What a child does with the name it is given; all start from the same memory. */
static void run_children(const char *stem, uint64_t records)
{
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s%d", stem, i);
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            store opened = open_watched_store(name);
            make_rows(opened.db);
            write_until(opened.db, records, 1);
            close_store(&opened);
            _exit(0);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
}

/* Copies of one store, each with the key and pages of the others, go on in children with equal
 * memory. */
START_TEST(no_nonce_twice_after_fork)
{
    store opened = open_watched_store("parent");
    make_rows(opened.db);
    for (int i = 0; i < CHILDREN; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "child%d", i);
        copy_files(in_folder("parent"), in_folder(name));
    }
    run_children("child", share(75));
    /* A child that keeps the parent's store gets nothing written. */
    pid_t child = fork();
    if (child == 0) {
        _exit(try_sql(opened.db, "UPDATE t SET body=randomblob(10)") == SQLITE_OK ? 1 : 0);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    write_until(opened.db, share(80), 1);
    close_store(&opened);
    expect_clean("six forks on copies of one store, and their parent");
}
END_TEST

/* The same file is put back again and again, with its log, and written on. */
START_TEST(no_nonce_twice_in_restored_copies)
{
    store opened = open_watched_store("origin");
    make_rows(opened.db);
    run_sql(opened.db, "UPDATE t SET body=randomblob(100) WHERE id < 50");
    copy_files(in_folder("origin"), in_folder("kept"));
    close_store(&opened);
    for (int i = 1; i <= 20; i++) {
        copy_files(in_folder("kept"), in_folder("origin"));
        opened = open_watched_store("origin");
        run_sql(opened.db, "PRAGMA synchronous=NORMAL; PRAGMA cache_size=100");
        write_until(opened.db, share(80 + i), 1); /* the same transactions each time */
        if (i % 2 == 0) {
            run_sql(opened.db, "PRAGMA wal_checkpoint(PASSIVE)");
        }
        close_store(&opened);
    }
    ck_assert_uint_ge(book->records, wanted_records() / 100 * 100);
    expect_clean("twenty times the same copy, put back and written on");
}
END_TEST

/* The audit itself: a nonce that comes again with another tag is counted. */
START_TEST(a_nonce_used_twice_is_seen)
{
    uint8_t page[PAGE];
    randombytes_buf(page, sizeof page);
    uint64_t copies = book->copies;
    ck_assert(note_main(page, PAGE, 2 * COPY));
    ck_assert(note_main(page, PAGE, 3 * COPY));
    ck_assert_uint_eq(book->copies, copies + 1);
    ck_assert_uint_eq(book->reused, 0);
    page[PAGE_NONCE_AT + NONCE] ^= 1;
    ck_assert(note_main(page, PAGE, 4 * COPY));
    ck_assert_uint_eq(book->reused, 1);
    atomic_store(&book->reused, 0);
    ck_assert(!note_main(page, 100, 2 * COPY));
    ck_assert(!note_log(page, 100, LOG_HEADER));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nonces");
    TCase *tcase = tcase_create("nonces");
    tcase_add_unchecked_fixture(tcase, open_book, remove_folder);
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, a_nonce_used_twice_is_seen);
    tcase_add_test(tcase, no_nonce_twice_in_one_thread);
    tcase_add_test(tcase, no_nonce_twice_between_threads);
    tcase_add_test(tcase, no_nonce_twice_after_fork);
    tcase_add_test(tcase, no_nonce_twice_in_restored_copies);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* one book for all */
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
