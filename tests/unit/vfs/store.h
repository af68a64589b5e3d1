/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs here share: a folder, a store in it, SQL against it, bytes of its files. */
#ifndef FHS_TEST_VFS_STORE_H
#define FHS_TEST_VFS_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "vfs/vfs.h"

#define PATH_SIZE 256

typedef struct store {
    fhs_vfs *vfs;
    sqlite3 *db;
} store;

extern const fhs_credential test_key;
extern const fhs_credential other_key;

/* Check's fixtures: a folder of the test's own, removed with everything in it. */
void make_folder(void);
void remove_folder(void);
/* A path in that folder; borrowed until the fourth next call. */
const char *in_folder(const char *name);

/* Create or open; aborts the test on failure. */
store open_store(const char *path);
store open_store_with(const char *path, const fhs_vfs_options *options);
/* All the way to a first query; the failing status, everything closed again. */
fhirstore_status try_store(const char *path, fhs_credential key, const char *base);
void close_store(store *opened);
sqlite3 *connect(const store *opened);

void run_sql(sqlite3 *db, const char *sql);
int try_sql(sqlite3 *db, const char *sql);
int64_t get_number(sqlite3 *db, const char *sql);
void expect_integrity(sqlite3 *db);
/* A table of @a rows with text that says marker_text(), without a checkpoint. */
void fill_store(sqlite3 *db, int rows);
const char *marker_text(void);
/* Flaws that verify counts; *reported also has those it does not. */
uint64_t count_flaws(const store *opened, uint64_t *reported);

/* Files. */
uint8_t *load_bytes(const char *path, size_t *size_out);
void save_bytes(const char *path, const uint8_t *bytes, size_t size);
void flip_byte(const char *path, uint64_t offset, uint8_t mask);
/* The store and its log as a crash at this moment would leave them. */
void copy_files(const char *from, const char *to);
bool file_exists(const char *path);
bool holds_text(const char *path, const char *text);
const char *wal_of(const char *path);

/* Run this program again with @a verb and @a path: its exit status, or -1. */
int run_self(const char *verb, const char *path);

#endif
