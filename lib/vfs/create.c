/* SPDX-License-Identifier: Apache-2.0 */
/* A file is made: an empty store under its name at once, or a copy that is filled page by page. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "vfs/vfs_internal.h"

/* ---- an empty store ---- */

static fhirstore_status sync_folder(const char *path, fhirstore_error **err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? fhs_memdup(".", 1)
                                 : fhs_memdup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder == NULL) {
        return fhs_fail_memory(err);
    }
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fhs_free(folder);
    if (descriptor < 0) {
        return fhs_vfs_system_failure(err, "the folder cannot be opened", errno);
    }
    /* Some file systems know no sync of a folder; there is nothing more to be had there. */
    int failed = fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP ? errno : 0;
    (void)close(descriptor);
    return failed == 0 ? FHIRSTORE_OK
                       : fhs_vfs_system_failure(err, "the folder cannot be synced", failed);
}

/* Header block and page 1, which make a complete empty store, synced, under another name. Without
 * a page: a file that is going to be one. */
static fhirstore_status write_new_file(fhs_vfs *vfs, const char *path, const uint8_t *block,
                                       const uint8_t *page, fhirstore_error **err)
{
    const int flags = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                      SQLITE_OPEN_EXCLUSIVE;
    sqlite3_file *file = NULL;
    int granted = 0;
    fhirstore_status status = fhs_vfs_open_below(vfs, path, flags, &file, &granted, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int code = file->pMethods->xWrite(file, block, BLOCK_BYTES, 0);
    if (code == SQLITE_OK && page != NULL) {
        code = file->pMethods->xWrite(file, page, PAGE_BYTES, BLOCK_BYTES);
    }
    if (code == SQLITE_OK) {
        code = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
    }
    int closed = fhs_vfs_close_below(file);
    code = code == SQLITE_OK ? closed : code;
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_sqlite_failure(err, "the store cannot be written", code);
}

/*
 * Give the finished file its name, unless somebody else took that meanwhile; an empty file in its
 * place holds nothing and is replaced. File systems without links get a rename.
 */
fhirstore_status fhs_vfs_publish(const char *made, const char *path, bool replaces,
                                 fhirstore_error **err)
{
    if (chmod(made, S_IRUSR | S_IWUSR) != 0) { /* the log gets the same permissions */
        return fhs_vfs_system_failure(err, "the store's permissions cannot be set", errno);
    }
    if (!replaces && link(made, path) == 0) {
        (void)unlink(made);
        return sync_folder(path, err);
    }
    if (!replaces && errno == EEXIST) {
        return fhs_fail(err, FHIRSTORE_ERR_EXISTS, "the file exists already");
    }
    if (rename(made, path) != 0) {
        return fhs_vfs_system_failure(err, "the store cannot be named", errno);
    }
    return sync_folder(path, err);
}

static fhirstore_status seal_new_store(fhs_vfs *vfs, const fhs_vfs_options *options, uint8_t *block,
                                       uint8_t *page, fhirstore_error **err)
{
    uint8_t plain[PAGE_BYTES];
    fhirstore_status status = fhs_keys_create(&options->credential, options->kdf_cost,
                                              options->slot_label, NULL, block, &vfs->keys, err);
    if (status == FHIRSTORE_OK) {
        fhs_vfs_seal_init(vfs);
        fhs_vfs_first_page(plain);
        fhs_vfs_seal_page(vfs, 1, false, plain, page);
        fhs_keys_free(vfs->keys);
        vfs->keys = NULL;
    }
    return status;
}

/*
 * Crash-safe: until the name appears there is no store, and from then on there is a whole one. A
 * crash may leave a file "<name>.new-…" of 12 KiB without data, which nothing ever looks at.
 */
static fhirstore_status create_file(fhs_vfs *vfs, const fhs_vfs_options *options,
                                    bool replaces_empty, fhirstore_error **err)
{
    uint8_t store[BLOCK_BYTES + PAGE_BYTES];
    char id[FHS_UUID_LEN + 1];
    fhirstore_status status = seal_new_store(vfs, options, store, store + BLOCK_BYTES, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_uuid_new(id);
    char *name = sqlite3_mprintf("%s.new-%.8s", vfs->path, id);
    const char *made = name == NULL ? NULL : sqlite3_create_filename(name, "", "", 0, NULL);
    sqlite3_free(name);
    if (made == NULL) {
        return fhs_fail_memory(err);
    }
    status = write_new_file(vfs, made, store, store + BLOCK_BYTES, err);
    if (status == FHIRSTORE_OK) {
        /* A log of some earlier store of this name belongs to nobody. */
        (void)vfs->base->xDelete(vfs->base, vfs->wal_path, 0);
        status = fhs_vfs_publish(made, vfs->path, replaces_empty, err);
    }
    if (status != FHIRSTORE_OK) {
        (void)unlink(made);
    }
    sqlite3_free_filename(made);
    vfs->is_new = status == FHIRSTORE_OK;
    return status;
}

/* Somebody else has made it meanwhile: then it is opened, and there was no error. */
static fhirstore_status lose_race(fhirstore_error **err)
{
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_vfs_find_or_create(fhs_vfs *vfs, const fhs_vfs_options *options,
                                        fhirstore_error **err)
{
    struct stat found;
    bool exists = stat(vfs->path, &found) == 0;
    if (!exists && errno != ENOENT) {
        return fhs_vfs_system_failure(err, "the file cannot be looked up", errno);
    }
    bool is_empty = exists && S_ISREG(found.st_mode) && found.st_size == 0;
    if (!exists && !options->create) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "there is no such file");
    }
    if (!exists || (is_empty && options->create && !options->read_only)) {
        if (fhs_credential_is_empty(&options->credential)) {
            return fhs_fail_plain(err, FHIRSTORE_ERR_KEY_MISSING);
        }
        fhirstore_status status = create_file(vfs, options, is_empty, err);
        return status == FHIRSTORE_ERR_EXISTS && !options->exclusive ? lose_race(err) : status;
    }
    if (options->create && options->exclusive) {
        return fhs_fail(err, FHIRSTORE_ERR_EXISTS, "the file exists already");
    }
    if (!S_ISREG(found.st_mode)) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_A_STORE, "this is not a regular file");
    }
    return FHIRSTORE_OK;
}

/* ---- a copy in the making ---- */

fhirstore_status fhs_vfs_build(const char *path, const fhs_vfs_options *options,
                               const uint8_t *journal_key, fhs_vfs **vfs_out, fhirstore_error **err)
{
    uint8_t block[BLOCK_BYTES];
    fhs_vfs *vfs;
    *vfs_out = NULL;
    fhirstore_status status = fhs_vfs_new(path, options, &vfs, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    vfs->is_building = true;
    status = fhs_keys_create(&options->credential, options->kdf_cost, options->slot_label,
                             journal_key, block, &vfs->keys, err);
    if (status == FHIRSTORE_OK) {
        fhs_vfs_seal_init(vfs);
        status = write_new_file(vfs, vfs->opened, block, NULL, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_vfs_hold(vfs, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_vfs_close(vfs);
        return status;
    }
    *vfs_out = vfs;
    return FHIRSTORE_OK;
}

/* SQLite made it as a database with a rollback journal; a store is one with a log. */
fhirstore_status fhs_vfs_build_finish(fhs_vfs *vfs, fhirstore_error **err)
{
    uint8_t sealed[PAGE_BYTES];
    uint8_t plain[PAGE_BYTES];
    const sqlite3_io_methods *io = vfs->anchor->pMethods;
    int code = io->xRead(vfs->anchor, sealed, PAGE_BYTES, BLOCK_BYTES);
    if (code == SQLITE_OK && !fhs_vfs_open_page(vfs, 1, sealed, plain)) {
        code = SQLITE_IOERR_DATA;
    }
    if (code == SQLITE_OK) {
        plain[18] = 2;
        plain[19] = 2;
        fhs_vfs_seal_page(vfs, 1, false, plain, sealed);
        code = io->xWrite(vfs->anchor, sealed, PAGE_BYTES, BLOCK_BYTES);
    }
    sodium_memzero(plain, sizeof plain);
    if (code == SQLITE_OK) {
        code = io->xSync(vfs->anchor, SQLITE_SYNC_FULL);
    }
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_sqlite_failure(err, "the copy cannot be completed", code);
}
