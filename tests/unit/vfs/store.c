/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "self.h"
#include "suite.h"

static const uint8_t key_bytes[32] = {0x51, 0x0F, 0x33};
static const uint8_t other_bytes[32] = {0x77};
const fhs_credential test_key = {.raw_key = key_bytes, .raw_key_len = sizeof key_bytes};
const fhs_credential other_key = {.raw_key = other_bytes, .raw_key_len = sizeof other_bytes};

static char folder[PATH_SIZE / 2];

void make_folder(void)
{
    /* In memory where that is possible: these tests sync thousands of times. */
    const char *root = getenv("TMPDIR");
    if (root == NULL) {
        root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    (void)snprintf(folder, sizeof folder, "%s/fhs-vfs-XXXXXX", root);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

void remove_folder(void)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    char path[PATH_SIZE * 2];
    ck_assert_ptr_nonnull(entries);
    while ((entry = readdir(entries)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') {
            (void)unlink(path);
        }
    }
    (void)closedir(entries);
    (void)rmdir(folder);
}

const char *in_folder(const char *name)
{
    static char paths[4][PATH_SIZE];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    return path;
}

const char *wal_of(const char *path)
{
    static char wal[PATH_SIZE + 8];
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    return wal;
}

store open_store_with(const char *path, const fhs_vfs_options *options)
{
    store opened = {NULL, NULL};
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_vfs_open(path, options, &opened.vfs, &err);
    ck_assert_msg(status == FHIRSTORE_OK, "%s", fhs_error_message(err));
    opened.db = connect(&opened);
    return opened;
}

store open_store(const char *path)
{
    fhs_vfs_options options = {.credential = test_key, .create = true};
    return open_store_with(path, &options);
}

sqlite3 *connect(const store *opened)
{
    sqlite3 *db = NULL;
    fhirstore_error *err = NULL;
    ck_assert_int_eq(sqlite3_open_v2(fhs_vfs_path(opened->vfs), &db,
                                     fhs_vfs_sqlite_flags(opened->vfs), fhs_vfs_name(opened->vfs)),
                     SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    fhirstore_status status = fhs_vfs_setup(opened->vfs, db, &err);
    ck_assert_msg(status == FHIRSTORE_OK, "%s", fhs_error_message(err));
    return db;
}

fhirstore_status try_store(const char *path, fhs_credential key, const char *base)
{
    fhs_vfs_options options = {.credential = key, .base_vfs = base};
    fhs_vfs *vfs = NULL;
    sqlite3 *db = NULL;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_vfs_open(path, &options, &vfs, &err);
    if (status == FHIRSTORE_OK) {
        int code = sqlite3_open_v2(fhs_vfs_path(vfs), &db, fhs_vfs_sqlite_flags(vfs),
                                   fhs_vfs_name(vfs));
        status = code == SQLITE_OK ? fhs_vfs_setup(vfs, db, &err)
                                   : fhs_vfs_fail(vfs, code, "open", &err);
    }
    ck_assert_int_eq(fhs_error_status(err), status);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    fhs_vfs_close(vfs);
    fhs_error_free(err);
    return status;
}

void close_store(store *opened)
{
    ck_assert_int_eq(sqlite3_close(opened->db), SQLITE_OK);
    fhs_vfs_close(opened->vfs);
    opened->vfs = NULL;
    opened->db = NULL;
}

int try_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

void run_sql(sqlite3 *db, const char *sql)
{
    int code = try_sql(db, sql);
    ck_assert_msg(code == SQLITE_OK, "%s: %d %s", sql, code, sqlite3_errmsg(db));
}

int64_t get_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    int code = sqlite3_step(statement);
    ck_assert_msg(code == SQLITE_ROW, "%s: %d %s", sql, code, sqlite3_errmsg(db));
    int64_t number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return number;
}

void expect_integrity(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL), 0);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(statement, 0), "ok");
    (void)sqlite3_finalize(statement);
}

const char *marker_text(void)
{
    return "Wilhelmina-Quackenbush";
}

void fill_store(sqlite3 *db, int rows)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA wal_autocheckpoint=0;"
                   "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, name TEXT, body BLOB);"
                   "CREATE INDEX IF NOT EXISTS i ON t(name);"
                   "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<%d)"
                   "INSERT INTO t(name, body) SELECT '%s ' || x, randomblob(300) FROM c",
                   rows, marker_text());
    run_sql(db, sql);
}

typedef struct flaw_count {
    uint64_t reported;
} flaw_count;

static fhirstore_status count_flaw(void *ctx, const fhs_vfs_damage *damage, uint64_t done,
                                   uint64_t total)
{
    (void)done;
    (void)total;
    ((flaw_count *)ctx)->reported += damage == NULL ? 0 : 1;
    return FHIRSTORE_OK;
}

uint64_t count_flaws(const store *opened, uint64_t *reported)
{
    flaw_count count = {0};
    fhs_vfs_verified verified;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_vfs_verify_pages(opened->vfs, count_flaw, &count, &verified,
                                                   &err);
    ck_assert_msg(status == FHIRSTORE_OK, "%s", fhs_error_message(err));
    if (reported != NULL) {
        *reported = count.reported;
    }
    return verified.flaws;
}

uint8_t *load_bytes(const char *path, size_t *size_out)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    rewind(file);
    uint8_t *bytes = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)size, file), (size_t)size);
    (void)fclose(file);
    *size_out = (size_t)size;
    return bytes;
}

void save_bytes(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

void flip_byte(const char *path, uint64_t offset, uint8_t mask)
{
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    int byte = fgetc(file);
    ck_assert_int_ne(byte, EOF);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    (void)fputc(byte ^ mask, file);
    ck_assert_int_eq(fclose(file), 0);
}

bool file_exists(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0;
}

void copy_files(const char *from, const char *to)
{
    size_t size = 0;
    char target[PATH_SIZE + 8];
    uint8_t *bytes = load_bytes(from, &size);
    save_bytes(to, bytes, size);
    free(bytes);
    (void)snprintf(target, sizeof target, "%s-wal", to);
    (void)unlink(target);
    if (file_exists(wal_of(from))) {
        bytes = load_bytes(wal_of(from), &size);
        save_bytes(target, bytes, size);
        free(bytes);
    }
}

bool holds_text(const char *path, const char *text)
{
    size_t size = 0;
    size_t length = strlen(text);
    uint8_t *bytes = load_bytes(path, &size);
    bool found = false;
    for (size_t i = 0; i + length <= size && !found; i++) {
        found = bytes[i] == (uint8_t)text[0] && memcmp(bytes + i, text, length) == 0;
    }
    free(bytes);
    return found;
}

int run_self(const char *verb, const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        (void)execl(self_path(), "self", verb, path, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        return -1;
    }
    return WEXITSTATUS(status);
}
