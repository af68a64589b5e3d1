/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a small store's two files, and the store made of such bytes. Included once by a
 * target that is after what they are made of.
 */
#ifndef FHS_FUZZ_STORE_IMAGE_H
#define FHS_FUZZ_STORE_IMAGE_H

#include <sqlite3.h>

#include "own_folder.h"
#include "vfs/vfs.h"

static const uint8_t raw_key[FHS_KEYS_KEY_BYTES] = {7, 7, 7};
static char path[sizeof folder];
static char log_path[sizeof folder];

typedef struct image {
    uint8_t bytes[128 * 1024];
    size_t size;
} image;

static void name_files(void)
{
    make_folder();
    (void)snprintf(path, sizeof path, "%.4000s/store", folder);
    (void)snprintf(log_path, sizeof log_path, "%.4000s/store-wal", folder);
}

static void load(const char *name, image *out)
{
    FILE *file = fopen(name, "rb");
    FUZZ_LAW(file != NULL);
    out->size = fread(out->bytes, 1, sizeof out->bytes, file);
    (void)fclose(file);
    FUZZ_LAW(out->size > 0 && out->size < sizeof out->bytes);
}

static void save(const char *name, const image *bytes)
{
    FILE *file = fopen(name, "wb");
    FUZZ_LAW(file != NULL && fwrite(bytes->bytes, 1, bytes->size, file) == bytes->size);
    FUZZ_LAW(fclose(file) == 0);
}

static fhirstore_status open_both(bool create, fhs_vfs **vfs, sqlite3 **db)
{
    fhs_vfs_options options = {.credential = {.raw_key = raw_key, .raw_key_len = sizeof raw_key},
                               .create = create};
    *db = NULL;
    fhirstore_status status = fhs_vfs_open(path, &options, vfs, NULL);
    if (status == FHIRSTORE_OK) {
        int code = sqlite3_open_v2(fhs_vfs_path(*vfs), db, fhs_vfs_sqlite_flags(*vfs),
                                   fhs_vfs_name(*vfs));
        status = code == SQLITE_OK ? fhs_vfs_setup(*vfs, *db, NULL) : fhs_vfs_status(*vfs, code);
    }
    return status;
}

static void close_both(fhs_vfs *vfs, sqlite3 *db)
{
    FUZZ_LAW(sqlite3_close(db) == SQLITE_OK);
    fhs_vfs_close(vfs);
}

#endif
