/* SPDX-License-Identifier: Apache-2.0 */
/* A store under work: what SQLite does to it comes out right, and nothing of it is readable. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store.h"
#include "suite.h"
#include "vfs/vfs_internal.h"

START_TEST(recovers_what_a_crash_leaves)
{
    const char *path = in_folder("store");
    const char *copy = in_folder("copy");
    store opened = open_store(path);
    fill_store(opened.db, 500);
    run_sql(opened.db, "UPDATE t SET body=randomblob(200) WHERE id%3=0");
    run_sql(opened.db, "BEGIN; DELETE FROM t"); /* never committed */
    copy_files(path, copy);
    run_sql(opened.db, "ROLLBACK");
    int64_t sum = get_number(opened.db, "SELECT sum(length(body)) FROM t");
    close_store(&opened);
    opened = open_store(copy);
    ck_assert_int_eq(get_number(opened.db, "SELECT sum(length(body)) FROM t"), sum);
    expect_integrity(opened.db);
    uint64_t frame = 0;
    fhs_vfs_damage damage;
    ck_assert(!fhs_vfs_lost_tail(opened.vfs, &frame));
    ck_assert(!fhs_vfs_last_damage(opened.vfs, &damage));
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    run_sql(opened.db, "DELETE FROM t WHERE id>100");
    close_store(&opened);
    opened = open_store(copy);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 100);
    close_store(&opened);
}
END_TEST

/* A cache far too small: frames are written, read back and changed again before the commit. */
START_TEST(handles_transactions_larger_than_the_cache)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    run_sql(opened.db, "PRAGMA cache_size=8; PRAGMA cache_spill=4");
    fill_store(opened.db, 1000);
    run_sql(opened.db, "BEGIN");
    for (int i = 0; i < 5; i++) {
        run_sql(opened.db, "UPDATE t SET body=randomblob(250) WHERE id%2=0;"
                           "SAVEPOINT s; UPDATE t SET name=name||'x' WHERE id%5=0;"
                           "DELETE FROM t WHERE id%7=3; ROLLBACK TO s; RELEASE s;"
                           "INSERT INTO t(name,body) SELECT name, randomblob(90) FROM t LIMIT 99");
    }
    int64_t sum = get_number(opened.db, "SELECT sum(length(body)) FROM t");
    run_sql(opened.db, "COMMIT");
    expect_integrity(opened.db);
    copy_files(path, in_folder("copy"));
    run_sql(opened.db, "PRAGMA wal_checkpoint(TRUNCATE)");
    ck_assert_int_eq(get_number(opened.db, "SELECT sum(length(body)) FROM t"), sum);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
    opened = open_store(in_folder("copy"));
    ck_assert_int_eq(get_number(opened.db, "SELECT sum(length(body)) FROM t"), sum);
    expect_integrity(opened.db);
    close_store(&opened);
}
END_TEST

START_TEST(isolates_several_connections)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    sqlite3 *reader = connect(&opened);
    sqlite3 *other = connect(&opened);
    fill_store(opened.db, 200);
    run_sql(reader, "BEGIN");
    ck_assert_int_eq(get_number(reader, "SELECT count(*) FROM t"), 200);
    run_sql(opened.db, "DELETE FROM t WHERE id>100; PRAGMA wal_checkpoint(PASSIVE)");
    run_sql(other, "INSERT INTO t(name) VALUES('one more')");
    ck_assert_int_eq(get_number(reader, "SELECT count(*) FROM t"), 200);
    ck_assert_int_eq(get_number(reader, "SELECT sum(length(body)) FROM t"), 200 * 300);
    run_sql(reader, "COMMIT");
    ck_assert_int_eq(get_number(reader, "SELECT count(*) FROM t"), 101);
    for (int i = 0; i < 50; i++) { /* the log starts over, with new salts, under everybody */
        run_sql(i % 2 == 0 ? other : opened.db, "INSERT INTO t(name) VALUES('again')");
        run_sql(i % 3 == 0 ? reader : other, "PRAGMA wal_checkpoint(RESTART)");
        run_sql(opened.db, "UPDATE t SET body=randomblob(500) WHERE id%4=1");
        ck_assert_int_eq(get_number(reader, "SELECT count(*) FROM t"), 102 + i);
    }
    expect_integrity(reader);
    ck_assert_int_eq(sqlite3_close(reader), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
}
END_TEST

/* The same random script against a plain database: the same rows. */
START_TEST(answers_as_plain_sqlite_does)
{
    static const char *const steps[] = {
        "INSERT INTO t(name, body) SELECT 'name '||value, zeroblob(value*37) FROM numbers",
        "UPDATE t SET body=zeroblob(length(body)+100) WHERE id%7=2",
        "DELETE FROM t WHERE id%5=1",
        "UPDATE t SET name=name||'!' WHERE id%3=0",
        "PRAGMA wal_checkpoint(PASSIVE)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "VACUUM",
        "REINDEX",
        "PRAGMA secure_delete=OFF",
        "PRAGMA secure_delete=ON",
        "BEGIN; DELETE FROM t WHERE id%2=0; ROLLBACK",
        "CREATE TABLE IF NOT EXISTS big AS SELECT * FROM t",
        "DROP TABLE IF EXISTS big",
        "PRAGMA cache_size=5",
        "PRAGMA cache_size=500",
    };
    static const char schema[] =
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, body BLOB); CREATE INDEX i ON t(name);"
        "CREATE TABLE numbers(value); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c"
        " WHERE x<40) INSERT INTO numbers SELECT x FROM c";
    const char *path = in_folder("store");
    store opened = open_store(path);
    sqlite3 *plain = NULL;
    ck_assert_int_eq(sqlite3_open(in_folder("plain"), &plain), SQLITE_OK);
    run_sql(plain, "PRAGMA journal_mode=WAL; PRAGMA temp_store=MEMORY;"
                   "PRAGMA synchronous=OFF");
    run_sql(plain, schema);
    run_sql(opened.db, schema);
    uint32_t seed = 12345;
    for (int i = 0; i < 400; i++) {
        seed = seed * 1664525u + 1013904223u;
        const char *step = steps[(seed >> 16) % FHS_COUNT_OF(steps)];
        run_sql(plain, step);
        run_sql(opened.db, step);
        if (i % 40 == 0) {
            static const char digest[] =
                "SELECT coalesce(sum(id*31+length(name)*7+length(body)),0)+count(*) FROM t";
            ck_assert_int_eq(get_number(plain, digest), get_number(opened.db, digest));
            ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
        }
    }
    expect_integrity(opened.db);
    (void)sqlite3_close(plain);
    close_store(&opened);
}
END_TEST

START_TEST(writes_no_plaintext)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    fill_store(opened.db, 2000);
    for (int i = 0; i < 3; i++) {
        ck_assert(!holds_text(path, marker_text()));
        ck_assert(!holds_text(path, "SQLite format"));
        ck_assert(!holds_text(path, "CREATE TABLE"));
        if (file_exists(wal_of(path))) {
            ck_assert(!holds_text(wal_of(path), marker_text()));
            ck_assert(!holds_text(wal_of(path), "CREATE INDEX"));
        }
        run_sql(opened.db, i == 0 ? "UPDATE t SET body=name; SELECT * FROM t ORDER BY body DESC;"
                                    "PRAGMA wal_checkpoint(TRUNCATE)"
                                  : "VACUUM; INSERT INTO t(name) SELECT name FROM t");
    }
    ck_assert(!file_exists(in_folder("store-journal")));
    ck_assert(!file_exists(in_folder("store-shm")));
    close_store(&opened);
    ck_assert(!holds_text(path, marker_text()));
}
END_TEST

START_TEST(keeps_sqlite_on_its_ground)
{
    static const char *const refused[] = {
        "PRAGMA journal_mode=DELETE",
        "PRAGMA journal_mode=MEMORY",
        "PRAGMA main.journal_mode=OFF",
        "PRAGMA page_size=8192",
        "PRAGMA mmap_size=1000000",
        "PRAGMA key='x'",
        "PRAGMA rekey='x'",
        "VACUUM INTO '/tmp/elsewhere.db'",
    };
    store opened = open_store(in_folder("store"));
    fill_store(opened.db, 50);
    for (size_t i = 0; i < FHS_COUNT_OF(refused); i++) {
        ck_assert_msg(try_sql(opened.db, refused[i]) != SQLITE_OK, "%s", refused[i]);
    }
    ck_assert_int_eq(get_number(opened.db, "PRAGMA mmap_size"), 0);
    run_sql(opened.db, "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA temp_store=MEMORY");
    int keep = 0;
    ck_assert_int_eq(
        sqlite3_file_control(opened.db, "main", SQLITE_FCNTL_POWERSAFE_OVERWRITE, &keep), 0);
    ck_assert_int_eq(keep, 1);
    char *name = NULL;
    ck_assert_int_eq(sqlite3_file_control(opened.db, "main", SQLITE_FCNTL_VFSNAME, &name), 0);
    ck_assert_str_eq(name, "fhirstore/unix-excl");
    sqlite3_free(name);
    ck_assert_ptr_ne(sqlite3_vfs_find(NULL), sqlite3_vfs_find(fhs_vfs_name(opened.vfs)));
    expect_integrity(opened.db);
    close_store(&opened);
}
END_TEST

typedef struct open_log {
    sqlite3_file *file;
    const sqlite3_io_methods *io;
} open_log;

/* A second log object of the connection's own, as SQLite would open it. */
static open_log open_log_of(const store *opened)
{
    open_log log = {NULL, NULL};
    sqlite3_vfs *vfs = sqlite3_vfs_find(fhs_vfs_name(opened->vfs));
    const char *name = sqlite3_filename_wal(sqlite3_db_filename(opened->db, "main"));
    log.file = calloc(1, (size_t)vfs->szOsFile);
    ck_assert_int_eq(vfs->xOpen(vfs, name, log.file, SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    log.io = log.file->pMethods;
    return log;
}

/* Sizes that SQLite asks for are in its own bytes; the log keeps whole frames. */
START_TEST(cuts_the_log_at_whole_frames)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    run_sql(opened.db, "PRAGMA journal_size_limit=100000");
    fill_store(opened.db, 500);
    run_sql(opened.db, "PRAGMA wal_checkpoint(RESTART); UPDATE t SET name='x' WHERE id=1");
    size_t size = 0;
    free(load_bytes(wal_of(path), &size));
    ck_assert_uint_lt(size, 110000);
    ck_assert_uint_eq((size - 128) % 4160, 0);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    open_log log = open_log_of(&opened);
    sqlite3_int64 logical = 0;
    ck_assert_int_eq(log.io->xTruncate(log.file, 32), SQLITE_OK);
    ck_assert_int_eq(log.io->xFileSize(log.file, &logical), SQLITE_OK);
    ck_assert_int_eq(logical, 32);
    ck_assert_int_eq(log.io->xTruncate(log.file, 0), SQLITE_OK);
    ck_assert_int_eq(log.io->xFileSize(log.file, &logical), SQLITE_OK);
    ck_assert_int_eq(logical, 0);
    ck_assert_int_eq(log.io->xClose(log.file), SQLITE_OK);
    free(log.file);
    (void)sqlite3_db_config(opened.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    close_store(&opened);
    opened = open_store(path);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 500);
    expect_integrity(opened.db);
    close_store(&opened);
}
END_TEST

START_TEST(answers_what_is_asked_of_its_files)
{
    store opened = open_store(in_folder("store"));
    fill_store(opened.db, 10);
    sqlite3_file *file = NULL;
    ck_assert_int_eq(sqlite3_file_control(opened.db, "main", SQLITE_FCNTL_FILE_POINTER, &file), 0);
    const sqlite3_io_methods *io = file->pMethods;
    open_log log = open_log_of(&opened);
    sqlite3_int64 number = 1000000;
    int small = 65536;
    ck_assert_int_eq(io->xFileControl(file, SQLITE_FCNTL_MMAP_SIZE, &number), SQLITE_OK);
    ck_assert_int_eq(number, 0);
    ck_assert_int_eq(io->xFileControl(file, SQLITE_FCNTL_CHUNK_SIZE, &small), SQLITE_OK);
    ck_assert_int_eq(io->xFileControl(file, SQLITE_FCNTL_SIZE_HINT, &number), SQLITE_OK);
    const int atomic[] = {SQLITE_FCNTL_BEGIN_ATOMIC_WRITE, SQLITE_FCNTL_COMMIT_ATOMIC_WRITE,
                          SQLITE_FCNTL_ROLLBACK_ATOMIC_WRITE};
    for (size_t i = 0; i < FHS_COUNT_OF(atomic); i++) {
        ck_assert_int_eq(io->xFileControl(file, atomic[i], NULL), SQLITE_NOTFOUND);
    }
    ck_assert_int_gt(io->xSectorSize(file), 0);
    ck_assert_int_gt(log.io->xSectorSize(log.file), 0);
    ck_assert_int_eq(log.io->xDeviceCharacteristics(log.file), SQLITE_IOCAP_POWERSAFE_OVERWRITE);
    ck_assert_int_eq(log.io->xFileControl(log.file, SQLITE_FCNTL_SIZE_HINT, &number),
                     SQLITE_NOTFOUND);
    int is_reserved = 1;
    ck_assert_int_eq(log.io->xLock(log.file, SQLITE_LOCK_SHARED), SQLITE_OK);
    ck_assert_int_eq(log.io->xUnlock(log.file, SQLITE_LOCK_NONE), SQLITE_OK);
    ck_assert_int_eq(log.io->xCheckReservedLock(log.file, &is_reserved), SQLITE_OK);
    ck_assert_int_eq(is_reserved, 0);
    ck_assert_int_eq(io->xCheckReservedLock(file, &is_reserved), SQLITE_OK);
    ck_assert_int_eq(log.io->xClose(log.file), SQLITE_OK);
    free(log.file);
    sqlite3_vfs *vfs = sqlite3_vfs_find(fhs_vfs_name(opened.vfs));
    double day = 0;
    char bytes[16];
    ck_assert_int_eq(vfs->xCurrentTime(vfs, &day), SQLITE_OK);
    ck_assert_int_eq(vfs->xCurrentTimeInt64(vfs, &number), SQLITE_OK);
    ck_assert_int_gt((int64_t)day, 2440587);
    ck_assert_int_eq(vfs->xRandomness(vfs, sizeof bytes, bytes), sizeof bytes);
    ck_assert_int_eq(vfs->xDelete(vfs, in_folder("store"), 0), SQLITE_IOERR_DELETE);
    close_store(&opened);
}
END_TEST

/* Journals are refused; what has no name is a temporary file. */
START_TEST(refuses_other_files)
{
    store opened = open_store(in_folder("store"));
    sqlite3_vfs *vfs = sqlite3_vfs_find(fhs_vfs_name(opened.vfs));
    sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    const int kinds[] = {SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_SUPER_JOURNAL, SQLITE_OPEN_WAL,
                         SQLITE_OPEN_MAIN_DB};
    for (size_t i = 0; i < FHS_COUNT_OF(kinds); i++) {
        int flags = kinds[i] | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
        ck_assert_int_eq(vfs->xOpen(vfs, NULL, file, flags, NULL), SQLITE_CANTOPEN);
        ck_assert_int_eq(vfs->xOpen(vfs, in_folder("store-journal"), file, flags, NULL),
                         SQLITE_CANTOPEN);
        ck_assert_ptr_null(file->pMethods);
    }
    free(file);
    int exists = 1;
    save_bytes(in_folder("store-journal"), (const uint8_t *)"trap", 4);
    ck_assert_int_eq(vfs->xAccess(vfs, in_folder("store-journal"), SQLITE_ACCESS_EXISTS, &exists),
                     SQLITE_OK);
    ck_assert_int_eq(exists, 0);
    expect_integrity(opened.db);
    close_store(&opened);
}
END_TEST

/* Random reads, writes and cuts of a temporary file against the same in memory. */
START_TEST(serves_temporary_files)
{
    enum {
        ROOM = 70000
    };
    store opened = open_store(in_folder("store"));
    sqlite3_vfs *vfs = sqlite3_vfs_find(fhs_vfs_name(opened.vfs));
    sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    uint8_t *model = calloc(1, ROOM);
    uint8_t *seen = malloc(ROOM);
    sqlite3_int64 size = 0;
    uint32_t dice = 7;
    const int flags = SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                      SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_DELETEONCLOSE;
    ck_assert_int_eq(vfs->xOpen(vfs, NULL, file, flags, NULL), SQLITE_OK);
    for (int round = 0; round < 2000; round++) {
        dice = dice * 1664525u + 1013904223u;
        sqlite3_int64 at = (dice >> 8) % (ROOM - 9000);
        int len = 1 + (int)((dice >> 4) % 9000);
        sqlite3_int64 found = 0;
        if (dice % 7 == 0) {
            ck_assert_int_eq(file->pMethods->xTruncate(file, at), SQLITE_OK);
            if (at < size) {
                memset(model + at, 0, (size_t)(size - at));
                size = at;
            }
        } else if (dice % 2 == 0) {
            memset(seen, (int)(dice >> 16), (size_t)len);
            memcpy(model + at, seen, (size_t)len);
            ck_assert_int_eq(file->pMethods->xWrite(file, seen, len, at), SQLITE_OK);
            size = at + len > size ? at + len : size;
        }
        int code = file->pMethods->xRead(file, seen, len, at);
        ck_assert_int_eq(code, at + len > size ? SQLITE_IOERR_SHORT_READ : SQLITE_OK);
        ck_assert_mem_eq(seen, model + at, (size_t)len);
        ck_assert_int_eq(file->pMethods->xFileSize(file, &found), SQLITE_OK);
        ck_assert_int_eq(found, size);
    }
    ck_assert_int_eq(file->pMethods->xClose(file), SQLITE_OK);
    free(model);
    free(seen);
    free(file);
    close_store(&opened);
}
END_TEST

/* What this process has open and deleted, searched for the text of the rows. */
static bool deleted_files_hold(const char *text, int *count_out)
{
    bool found = false;
    *count_out = 0;
    for (int descriptor = 3; descriptor < 200; descriptor++) {
        char link[64];
        char path[PATH_SIZE];
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t len = readlink(link, path, sizeof path - 1);
        if (len <= 0) {
            continue;
        }
        path[len] = '\0';
        if (strstr(path, "(deleted)") != NULL) {
            (*count_out)++;
            found |= holds_text(link, text);
        }
    }
    return found;
}

/* A sort and a transient table that spill: to files, and nothing of them can be read there. */
START_TEST(seals_what_spills)
{
    store opened = open_store(in_folder("store"));
    sqlite3_stmt *stmt = NULL;
    int files = 0;
    fill_store(opened.db, 3000);
    run_sql(opened.db, "PRAGMA cache_size=10;"
                       "CREATE TEMP TABLE aside AS SELECT name || hex(body) AS text FROM t;"
                       "INSERT INTO aside SELECT name || hex(body) FROM t");
    ck_assert_int_eq(sqlite3_prepare_v2(opened.db,
                                        "SELECT a.text FROM aside a, (SELECT 1 UNION SELECT 2) "
                                        "ORDER BY substr(a.text,9), random()",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    ck_assert(!deleted_files_hold(marker_text(), &files));
    ck_assert_int_gt(files, 0);
    int rows = 1;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        rows++;
    }
    ck_assert_int_eq(rows, 12000);
    (void)sqlite3_finalize(stmt);
    close_store(&opened);
}
END_TEST

START_TEST(refuses_a_backup_from_a_plain_database)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    sqlite3 *plain = NULL;
    fill_store(opened.db, 100);
    ck_assert_int_eq(sqlite3_open(in_folder("plain"), &plain), SQLITE_OK);
    run_sql(plain, "PRAGMA page_size=4096; CREATE TABLE evil(x); INSERT INTO evil VALUES(1)");
    sqlite3_backup *backup = sqlite3_backup_init(opened.db, "main", plain, "main");
    ck_assert_ptr_nonnull(backup);
    ck_assert_int_ne(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    ck_assert_int_ne(sqlite3_backup_finish(backup), SQLITE_OK);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 100);
    expect_integrity(opened.db);
    close_store(&opened);
    (void)sqlite3_close(plain);
    opened = open_store(path);
    ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM t"), 100);
    expect_integrity(opened.db);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
}
END_TEST

/* The accesses that SQLite never makes get an error, and change nothing. */
START_TEST(refuses_other_accesses)
{
    store opened = open_store(in_folder("store"));
    fill_store(opened.db, 100);
    sqlite3_file *file = NULL;
    uint8_t bytes[8192] = {0};
    ck_assert_int_eq(sqlite3_file_control(opened.db, "main", SQLITE_FCNTL_FILE_POINTER, &file), 0);
    const sqlite3_io_methods *main_io = file->pMethods;
    ck_assert_int_eq(main_io->iVersion, 2);
    ck_assert_int_eq(main_io->xRead(file, bytes, 8192, 0), SQLITE_IOERR_READ);
    ck_assert_int_eq(main_io->xRead(file, bytes, 100, 4050), SQLITE_IOERR_READ);
    ck_assert_int_eq(main_io->xRead(file, bytes, 0, 0), SQLITE_IOERR_READ);
    ck_assert_int_eq(main_io->xWrite(file, bytes, 4096, 0), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(main_io->xTruncate(file, 0), SQLITE_IOERR_TRUNCATE);
    ck_assert_int_eq(main_io->xTruncate(file, 5000), SQLITE_IOERR_TRUNCATE);
    ck_assert_int_eq(main_io->xRead(file, bytes, 4096, (sqlite3_int64)4096 * 100000),
                     SQLITE_IOERR_DATA);
    ck_assert_int_eq(fhs_vfs_status(opened.vfs, SQLITE_IOERR_DATA), FHIRSTORE_ERR_TRUNCATED);
    ck_assert_int_eq(main_io->xDeviceCharacteristics(file) & ~SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN,
                     SQLITE_IOCAP_POWERSAFE_OVERWRITE);
    ck_assert_int_eq(main_io->xRead(file, bytes, 16, 24), SQLITE_OK); /* the change counter */
    ck_assert_int_eq(main_io->xRead(file, bytes, 4096, 0), SQLITE_OK);
    ck_assert_mem_eq(bytes, "SQLite format 3", 16);
    ck_assert_int_eq(bytes[20], 48);
    expect_integrity(opened.db);
    close_store(&opened);
}
END_TEST

START_TEST(refuses_other_accesses_to_the_log)
{
    store opened = open_store(in_folder("store"));
    fill_store(opened.db, 100);
    open_log log = open_log_of(&opened);
    uint8_t frame[4120];
    uint8_t page[4096];
    sqlite3_int64 size = 0;
    ck_assert_int_eq(log.io->xFileSize(log.file, &size), SQLITE_OK);
    ck_assert_int_eq((size - 32) % 4120, 0);
    ck_assert_int_eq(log.io->xRead(log.file, frame, 4120, 32), SQLITE_OK);
    ck_assert_int_eq(log.io->xRead(log.file, page, 4096, 56), SQLITE_OK);
    ck_assert_mem_eq(page, frame + 24, 4096);
    ck_assert_int_eq(log.io->xRead(log.file, page, 24, 32), SQLITE_OK);
    ck_assert_mem_eq(page, frame, 24);
    ck_assert_int_eq(log.io->xRead(log.file, page, 8, 48), SQLITE_OK);
    ck_assert_mem_eq(page, frame + 16, 8);
    ck_assert_int_eq(log.io->xRead(log.file, page, 9, 48), SQLITE_IOERR_READ);
    ck_assert_int_eq(log.io->xRead(log.file, page, 512, 56), SQLITE_IOERR_READ);
    ck_assert_int_eq(log.io->xRead(log.file, page, 16, 0), SQLITE_IOERR_READ);
    ck_assert_int_eq(log.io->xWrite(log.file, page, 512, 56), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(log.io->xWrite(log.file, frame, 4120, 32), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(log.io->xWrite(log.file, page, 8, 24), SQLITE_IOERR_WRITE);
    /* a header without its page is not written, nor lost unnoticed */
    ck_assert_int_eq(log.io->xWrite(log.file, frame, 24, size), SQLITE_OK);
    ck_assert_int_eq(log.io->xSync(log.file, SQLITE_SYNC_NORMAL), SQLITE_IOERR_FSYNC);
    /* salt of another use, page 1 with another reserve, bytes in the reserve */
    frame[8] ^= 1;
    ck_assert_int_eq(log.io->xWrite(log.file, frame, 24, size), SQLITE_IOERR_DATA);
    frame[8] ^= 1;
    fhs_put_be32(frame, 1);
    memset(page, 0, sizeof page);
    ck_assert_int_eq(log.io->xWrite(log.file, frame, 24, size), SQLITE_OK);
    ck_assert_int_eq(log.io->xWrite(log.file, page, 4096, size + 24), SQLITE_IOERR_WRITE);
    fhs_put_be32(frame, 2);
    page[4090] = 1;
    ck_assert_int_eq(log.io->xWrite(log.file, frame, 24, size), SQLITE_OK);
    ck_assert_int_eq(log.io->xWrite(log.file, page, 4096, size + 24), SQLITE_IOERR_WRITE);
    /* a page behind the end, without a header */
    ck_assert_int_eq(log.io->xWrite(log.file, page, 4096, size + 24), SQLITE_IOERR_DATA);
    ck_assert_int_eq(log.io->xClose(log.file), SQLITE_OK);
    free(log.file);
    expect_integrity(opened.db);
    ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
    close_store(&opened);
}
END_TEST

static int compare_nonces(const void *a, const void *b)
{
    return memcmp(a, b, NONCE_BYTES);
}

/* 10^5 seals, of pages and of frame headers: no nonce comes twice. */
START_TEST(never_repeats_a_nonce)
{
    enum {
        SEALS = 100000
    };
    store opened = open_store(in_folder("store"));
    uint8_t *nonces = malloc((size_t)SEALS * NONCE_BYTES);
    uint8_t frame[SEALED_FRAME];
    uint8_t header[FRAME_HEADER] = {0, 0, 0, 2};
    uint8_t page[PAGE_BYTES] = {0};
    ck_assert_ptr_nonnull(nonces);
    for (size_t i = 0; i < SEALS; i += 2) {
        fhs_vfs_seal_both(opened.vfs, 7, header, false, page, frame);
        memcpy(nonces + i * NONCE_BYTES, frame, NONCE_BYTES);
        memcpy(nonces + (i + 1) * NONCE_BYTES, frame + SEALED_FRAME_HEADER + PAGE_NONCE,
               NONCE_BYTES);
    }
    qsort(nonces, SEALS, NONCE_BYTES, compare_nonces);
    for (size_t i = 1; i < SEALS; i++) {
        ck_assert_mem_ne(nonces + (i - 1) * NONCE_BYTES, nonces + i * NONCE_BYTES, NONCE_BYTES);
    }
    free(nonces);
    close_store(&opened);
}
END_TEST

/* The pages of a file, opened by the primitives alone, as docs/file-format.md tells. */
START_TEST(seals_pages_as_the_format_says)
{
    const char *path = in_folder("store");
    store opened = open_store(path);
    fill_store(opened.db, 20);
    size_t size = 0;
    uint8_t *log = load_bytes(wal_of(path), &size);
    uint8_t plain[PAGE_BYTES];
    uint8_t header[FRAME_HEADER];
    const uint8_t *frame = log + 128;
    ck_assert(fhs_vfs_open_frame(opened.vfs, 0, frame, frame + 64 + 4072, header));
    uint32_t page = fhs_get_be32(header);
    ck_assert(!fhs_vfs_open_frame(opened.vfs, 1, frame, frame + 64 + 4072, header));
    ck_assert(fhs_vfs_open_page(opened.vfs, page, frame + 64, plain));
    ck_assert(!fhs_vfs_open_page(opened.vfs, page + 1, frame + 64, plain));
    ck_assert_uint_eq(frame[64 + 4088], 1);        /* epoch */
    ck_assert_uint_eq(frame[64 + 4089] & 0x7F, 1); /* kind */
    ck_assert_uint_eq(frame[64 + 4090], 2);        /* generation: the header has the same */
    ck_assert_uint_eq(fhs_keys_generation(fhs_vfs_keys(opened.vfs)), 2);
    free(log);
    close_store(&opened);
}
END_TEST

/*
 * Known answers: a store of format 1 with a log that was never checkpointed, under a raw key and a
 * passphrase. It stays here for ever and must open for ever.
 */
START_TEST(opens_the_stores_of_each_format)
{
    uint8_t key[32];
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)i;
    }
    const fhs_credential credentials[] = {
        {.raw_key = key, .raw_key_len = sizeof key},
        {.passphrase = "a known passphrase", .passphrase_len = 18},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(credentials); i++) {
        const char *path = in_folder("known");
        copy_files(KNOWN_STORES "/format-1.store", path);
        fhs_vfs_options options = {.credential = credentials[i]};
        store opened = open_store_with(path, &options);
        char uuid[37];
        fhs_vfs_uuid(opened.vfs, uuid);
        ck_assert_str_eq(uuid, "d2248cc9-f008-4639-9d4a-46c5fcd5acc0");
        ck_assert_int_eq(get_number(opened.db, "SELECT sum(length(text)) FROM known"), 40 * 26);
        ck_assert_int_eq(get_number(opened.db, "SELECT count(*) FROM known WHERE text LIKE 'new%'"),
                         10);
        expect_integrity(opened.db);
        ck_assert_uint_eq(count_flaws(&opened, NULL), 0);
        close_store(&opened);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vfs data");
    TCase *tcase = tcase_create("data");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, recovers_what_a_crash_leaves);
    tcase_add_test(tcase, handles_transactions_larger_than_the_cache);
    tcase_add_test(tcase, isolates_several_connections);
    tcase_add_test(tcase, answers_as_plain_sqlite_does);
    tcase_add_test(tcase, writes_no_plaintext);
    tcase_add_test(tcase, keeps_sqlite_on_its_ground);
    tcase_add_test(tcase, cuts_the_log_at_whole_frames);
    tcase_add_test(tcase, answers_what_is_asked_of_its_files);
    tcase_add_test(tcase, opens_the_stores_of_each_format);
    tcase_add_test(tcase, refuses_other_files);
    tcase_add_test(tcase, serves_temporary_files);
    tcase_add_test(tcase, seals_what_spills);
    tcase_add_test(tcase, refuses_a_backup_from_a_plain_database);
    tcase_add_test(tcase, refuses_other_accesses);
    tcase_add_test(tcase, refuses_other_accesses_to_the_log);
    tcase_add_test(tcase, never_repeats_a_nonce);
    tcase_add_test(tcase, seals_pages_as_the_format_says);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
