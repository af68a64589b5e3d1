/* SPDX-License-Identifier: Apache-2.0 */
/* What the measurements share: the data, the clock, medians, and stores of either kind. */
#ifndef FHS_BENCH_BENCH_H
#define FHS_BENCH_BENCH_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fhirstore/fhirstore.h"

#define MAX_ROUNDS 15

typedef struct bench_data {
    char **texts; /* the documents, whole */
    size_t *lengths;
    size_t count;
    size_t bytes;
} bench_data;

typedef struct bench_options {
    const char *data;   /* a folder of JSON or NDJSON files */
    const char *folder; /* where stores are made; emptied of them afterwards */
    int rounds;
    uint64_t cache_mib;
} bench_options;

/* One measurement of each kind per round; the medians are what counts. */
typedef struct bench_series {
    double seconds[MAX_ROUNDS];
    int count;
} bench_series;

double bench_now(void);
void bench_add(bench_series *series, double seconds);
double bench_median(const bench_series *series);
/* A row of the table: what, its figure, the ratio, and what is wanted of it. */
void bench_row(const char *what, const char *figure, double ratio, const char *want);
/* End the program with a message. */
void bench_die(const char *what, const char *why);

void bench_load(const char *folder, bench_data *out);
void bench_path(const bench_options *options, const char *name, char out[4096]);
void bench_remove(const char *path);
int64_t bench_file_bytes(const char *path);

extern const uint8_t bench_key[32];
/* FHIRSTORE_JOURNAL_* of the stores that are opened from now on: off unless it is what is measured.
 */
extern int32_t bench_journal;
/* Stores and bare databases that are opened from now on sync each commit (FULL): off likewise. */
extern bool bench_durable;
/* Resources in one transaction of ceiling_write(): 1,000 unless it is what is measured. */
extern int64_t bench_per_commit;
/* A store through the public door, for the local operator. */
typedef struct bench_store {
    fhirstore *store;
    fhirstore_session *session;
} bench_store;
void bench_open(const char *path, bool encrypted, uint64_t cache_mib, bench_store *out);
void bench_close(bench_store *opened);
/* Import everything, in transactions of 1,000 resources; returns the resources stored. */
int64_t bench_import(bench_store *opened, const bench_data *data);

/* ---- bare SQLite, on the stock VFS or on the library's ---- */

struct fhs_vfs;
typedef struct bare_db {
    sqlite3 *db;
    struct fhs_vfs *vfs; /* NULL: stock */
} bare_db;
void bare_open(const char *path, bool encrypted, uint64_t cache_mib, bool create, bare_db *out);
void bare_close(bare_db *bare);
void bare_exec(sqlite3 *db, const char *sql);
sqlite3_stmt *bare_prepare(sqlite3 *db, const char *sql);

/* The rows of a plain store, by resource, to be written again by bare SQLite. */
typedef struct ceiling ceiling;
ceiling *ceiling_load(const char *plain_store);
int64_t ceiling_row_count(const ceiling *loaded);
/* Write them into a new file, and return the seconds it took. */
double ceiling_write(const ceiling *loaded, const char *path, bool encrypted, uint64_t cache_mib);
void ceiling_free(ceiling *loaded);

#endif
