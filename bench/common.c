/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "vfs/vfs.h"

const uint8_t bench_key[32] = {7, 1, 2, 3, 4, 5, 6, 7, 8};

double bench_now(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

void bench_add(bench_series *series, double seconds)
{
    if (series->count < MAX_ROUNDS) {
        series->seconds[series->count++] = seconds;
    }
}

static int compare_seconds(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double bench_median(const bench_series *series)
{
    double sorted[MAX_ROUNDS];
    memcpy(sorted, series->seconds, sizeof sorted);
    qsort(sorted, (size_t)series->count, sizeof sorted[0], compare_seconds);
    return sorted[series->count / 2];
}

static char *read_whole(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        bench_die(path, strerror(errno));
    }
    char *text = malloc((size_t)info.st_size + 1);
    if (text == NULL || fread(text, 1, (size_t)info.st_size, file) != (size_t)info.st_size) {
        bench_die(path, "cannot be read");
    }
    (void)fclose(file);
    text[info.st_size] = '\0';
    *len = (size_t)info.st_size;
    return text;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t suffix_len = strlen(suffix);
    return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static void add_document(bench_data *data, char *text, size_t len)
{
    if (data->count % 1024 == 0) {
        size_t capacity = data->count + 1024;
        data->texts = realloc(data->texts, capacity * sizeof *data->texts);
        data->lengths = realloc(data->lengths, capacity * sizeof *data->lengths);
        if (data->texts == NULL || data->lengths == NULL) {
            bench_die("data", "out of memory");
        }
    }
    data->texts[data->count] = text;
    data->lengths[data->count++] = len;
    data->bytes += len;
}

static void add_lines(bench_data *data, char *text)
{
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        add_document(data, strdup(line), strlen(line));
    }
    free(text);
}

void bench_load(const char *folder, bench_data *out)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        bench_die(folder, strerror(errno));
    }
    *out = (bench_data){0};
    for (int i = 0; i < count; i++) {
        char path[4096];
        size_t len;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (ends_with(path, ".json")) {
            char *text = read_whole(path, &len);
            add_document(out, text, len);
        } else if (ends_with(path, ".ndjson")) {
            add_lines(out, read_whole(path, &len));
        }
        free(entries[i]);
    }
    free(entries);
    if (out->count == 0) {
        bench_die(folder, "holds no .json or .ndjson files");
    }
}

void bench_path(const bench_options *options, const char *name, char out[4096])
{
    (void)snprintf(out, 4096, "%s/%s", options->folder, name);
    bench_remove(out);
}

void bench_remove(const char *path)
{
    char beside[4200];
    (void)unlink(path);
    (void)snprintf(beside, sizeof beside, "%s-wal", path);
    (void)unlink(beside);
    (void)snprintf(beside, sizeof beside, "%s-shm", path);
    (void)unlink(beside);
}

int64_t bench_file_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

void bench_row(const char *what, const char *figure, double ratio, const char *want)
{
    (void)printf("%-58s %-34s %6.2f  (%s)\n", what, figure, ratio, want);
}

int32_t bench_journal = FHIRSTORE_JOURNAL_OFF;
bool bench_durable = false;
int64_t bench_per_commit = 1000;

void bench_open(const char *path, bool encrypted, uint64_t cache_mib, bench_store *out)
{
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore_session_options operator_options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    options.flags = FHIRSTORE_OPEN_CREATE;
    options.flags |= bench_durable ? 0 : (uint32_t)FHIRSTORE_OPEN_SYNC_NORMAL;
    options.cache_bytes = cache_mib << 20;
    options.journal = bench_journal;
    if (encrypted) {
        options.key = bench_key;
        options.key_len = sizeof bench_key;
    } else {
        options.flags |= FHIRSTORE_OPEN_PLAINTEXT;
    }
    operator_options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    if (fhirstore_open(path, strlen(path), &options, &out->store, &error) < FHIRSTORE_OK ||
        fhirstore_session_open(out->store, &operator_options, &out->session, &error) <
            FHIRSTORE_OK) {
        bench_die(path, fhirstore_error_message(error));
    }
}

void bench_close(bench_store *opened)
{
    fhirstore_session_close(opened->session);
    fhirstore_close(opened->store);
}

int64_t bench_import(bench_store *opened, const bench_data *data)
{
    fhirstore_import *import;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    fhirstore_error *error = NULL;
    if (fhirstore_import_open(opened->session, NULL, &import, &error) < FHIRSTORE_OK) {
        bench_die("import", fhirstore_error_message(error));
    }
    for (size_t i = 0; i < data->count; i++) {
        if (fhirstore_import_add(import, "bench", 0, data->texts[i], data->lengths[i], &error) <
            FHIRSTORE_OK) {
            bench_die("import", fhirstore_error_message(error));
        }
    }
    if (fhirstore_import_finish(import, &totals, &error) < FHIRSTORE_OK) {
        bench_die("import", fhirstore_error_message(error));
    }
    if (totals.failed > 0) {
        bench_die("import", "some resources were refused");
    }
    fhirstore_import_close(import);
    return totals.resources;
}

void bare_exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        bench_die(sql, sqlite3_errmsg(db));
    }
}

sqlite3_stmt *bare_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
        bench_die(sql, sqlite3_errmsg(db));
    }
    return stmt;
}

void bare_open(const char *path, bool encrypted, uint64_t cache_mib, bool create, bare_db *out)
{
    char pragma[64];
    fhirstore_error *error = NULL;
    *out = (bare_db){0};
    if (encrypted) {
        fhs_vfs_options options = {
            .credential = {.raw_key = bench_key, .raw_key_len = sizeof bench_key},
            .create = create,
        };
        if (fhs_vfs_open(path, &options, &out->vfs, &error) < FHIRSTORE_OK) {
            bench_die(path, fhirstore_error_message(error));
        }
        if (sqlite3_open_v2(fhs_vfs_path(out->vfs), &out->db, fhs_vfs_sqlite_flags(out->vfs),
                            fhs_vfs_name(out->vfs)) != SQLITE_OK ||
            fhs_vfs_setup(out->vfs, out->db, &error) < FHIRSTORE_OK) {
            bench_die(path, "cannot be opened");
        }
    } else if (sqlite3_open_v2(path, &out->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                               "unix-excl") != SQLITE_OK) {
        bench_die(path, sqlite3_errmsg(out->db));
    }
    (void)snprintf(pragma, sizeof pragma, "PRAGMA cache_size=-%lld", (long long)(cache_mib << 10));
    bare_exec(out->db, "PRAGMA journal_mode=WAL");
    bare_exec(out->db, bench_durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    bare_exec(out->db, "PRAGMA wal_autocheckpoint=4000");
    bare_exec(out->db, "PRAGMA temp_store=MEMORY");
    bare_exec(out->db, pragma);
}

void bare_close(bare_db *bare)
{
    (void)sqlite3_close(bare->db);
    fhs_vfs_close(bare->vfs);
}
