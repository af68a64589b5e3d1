/* SPDX-License-Identifier: Apache-2.0 */
/* A store's file is claimed and unlocked before SQLite sees any of it; and let go at the end. */
#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "vfs/vfs_internal.h"

/* ---- claiming ---- */

static fhirstore_status open_anchor(fhs_vfs *vfs, fhirstore_error **err)
{
    struct stat found;
    int granted = 0;
    fhirstore_status status = fhs_vfs_open_below(
        vfs, vfs->opened, SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READWRITE, &vfs->anchor, &granted, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if ((granted & SQLITE_OPEN_READWRITE) == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_READ_ONLY, "no permission to write the file");
    }
    if (stat(vfs->path, &found) != 0) {
        return fhs_vfs_system_failure(err, "the file cannot be looked up", errno);
    }
    vfs->device = found.st_dev;
    vfs->inode = found.st_ino;
    return FHIRSTORE_OK;
}

/*
 * A process holds its file locks as one, so they say nothing about a second store object in the
 * same process. SQLite's own list of VFSs does: ours is named after the file's identity.
 */
static fhirstore_status claim_in_process(fhs_vfs *vfs, fhirstore_error **err)
{
    vfs->name = sqlite3_mprintf("fhirstore-%llx-%llx", (unsigned long long)vfs->device,
                                (unsigned long long)vfs->inode);
    if (vfs->name == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_vfs_init_shim(vfs);
    sqlite3_mutex *mutex = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP3);
    sqlite3_mutex_enter(mutex);
    vfs->is_registered = sqlite3_vfs_find(vfs->name) == NULL;
    if (vfs->is_registered) {
        (void)sqlite3_vfs_register(&vfs->shim, 0); /* fails only before SQLite has started */
    }
    sqlite3_mutex_leave(mutex);
    return vfs->is_registered
               ? FHIRSTORE_OK
               : fhs_fail(err, FHIRSTORE_ERR_IN_USE, "this process has the store open already");
}

fhirstore_status fhs_vfs_hold(fhs_vfs *vfs, fhirstore_error **err)
{
    fhirstore_status status = open_anchor(vfs, err);
    return status == FHIRSTORE_OK ? claim_in_process(vfs, err) : status;
}

/*
 * "unix-excl" takes the process's lock with the first shared lock of any file object and keeps it
 * until the last one is closed; the anchor is that last one. "unix" only shows whether somebody
 * holds the file for himself, and a closing store does so for a moment.
 */
static fhirstore_status claim_from_others(fhs_vfs *vfs, fhirstore_error **err)
{
    const int attempts = vfs->multi_process ? 50 : 1;
    int code = SQLITE_BUSY;
    for (int i = 0; i < attempts && code == SQLITE_BUSY; i++) {
        if (i > 0) {
            (void)vfs->base->xSleep(vfs->base, 10000);
        }
        code = vfs->anchor->pMethods->xLock(vfs->anchor, SQLITE_LOCK_SHARED);
    }
    if (code == SQLITE_BUSY) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_IN_USE);
    }
    if (code == SQLITE_OK) {
        code = vfs->anchor->pMethods->xUnlock(vfs->anchor, SQLITE_LOCK_NONE);
    }
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_sqlite_failure(err, "the file cannot be locked", code);
}

/* ---- unlocking ---- */

static fhirstore_status read_block(fhs_vfs *vfs, uint8_t *block, sqlite3_int64 *size_out,
                                   fhirstore_error **err)
{
    const sqlite3_io_methods *io = vfs->anchor->pMethods;
    int code = io->xFileSize(vfs->anchor, size_out);
    memset(block, 0, BLOCK_BYTES);
    if (code == SQLITE_OK) {
        code = io->xRead(vfs->anchor, block, BLOCK_BYTES, 0);
        code = code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
    }
    if (code != SQLITE_OK) {
        return fhs_vfs_sqlite_failure(err, "the header cannot be read", code);
    }
    size_t len = *size_out < BLOCK_BYTES ? (size_t)*size_out : BLOCK_BYTES;
    return fhs_keys_classify(block, len, err);
}

/*
 * Without a log the file must be whole in itself. With one, only its recovery can tell what the
 * file should hold, and SQLite's reads will.
 */
static fhirstore_status check_first_page(fhs_vfs *vfs, sqlite3_int64 size, fhirstore_error **err)
{
    uint8_t sealed[PAGE_BYTES];
    uint8_t plain[PAGE_BYTES];
    if (size < BLOCK_BYTES + PAGE_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_TRUNCATED, "the file ends before its first page");
    }
    if (!fhs_vfs_log_is_empty(vfs)) {
        return FHIRSTORE_OK;
    }
    int code = vfs->anchor->pMethods->xRead(vfs->anchor, sealed, PAGE_BYTES, BLOCK_BYTES);
    if (code != SQLITE_OK) {
        return fhs_vfs_sqlite_failure(err, "the first page cannot be read", code);
    }
    bool is_sound = fhs_vfs_open_page(vfs, 1, sealed, plain);
    bool counts = fhs_get_be32(plain + 24) == fhs_get_be32(plain + 92);
    sqlite3_int64 pages = counts ? fhs_get_be32(plain + 28) : 0;
    sodium_memzero(plain, sizeof plain);
    if (!is_sound) {
        fhs_vfs_note(vfs, FHS_VFS_PAGE, FHS_VFS_DAMAGED, 1);
        return fhs_fail(err, FHIRSTORE_ERR_TAMPERED, "page 1 does not authenticate");
    }
    if (size < BLOCK_BYTES + pages * PAGE_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_TRUNCATED, "the file ends before its last page");
    }
    return FHIRSTORE_OK;
}

/*
 * A log that holds something was left by a crash, which may have torn a header copy: it is written
 * anew. So is one that a change of the data key has left as it was, which needs no log beside it.
 * Any other bad copy is damage, and for verify to tell, also when it was overwritten since.
 */
static fhirstore_status mend_header(fhs_vfs *vfs, const uint8_t *block, fhirstore_error **err)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    const uint32_t spare = fhs_keys_spare(vfs->keys);
    const uint8_t *copy = block + (size_t)spare * FHS_KEYS_COPY_BYTES;
    if (vfs->multi_process || fhs_keys_copy_is_valid(vfs->keys, copy)) {
        return FHIRSTORE_OK;
    }
    bool is_from_crash = fhs_keys_is_half_renewed(vfs->keys, copy) ||
                         (!fhs_vfs_log_is_empty(vfs) && fhs_keys_is_tear(vfs->keys, copy));
    if (!is_from_crash) {
        vfs->bad_copy = spare + 1;
    }
    return is_from_crash && !vfs->read_only ? fhs_keys_mend(vfs->keys, &io, &vfs->is_mended, err)
                                            : FHIRSTORE_OK;
}

/* The file is ours alone, or shared as was asked; and nobody changes the header from here on. */
static fhirstore_status claim_file(fhs_vfs *vfs, uint8_t *block, sqlite3_int64 *size_out,
                                   fhirstore_error **err)
{
    fhirstore_status status = claim_in_process(vfs, err);
    if (status == FHIRSTORE_OK) {
        status = claim_from_others(vfs, err);
    }
    return status == FHIRSTORE_OK ? read_block(vfs, block, size_out, err) : status;
}

/* With the keys at hand: what a crash has left is put right, and the file is looked at. */
static fhirstore_status recover(fhs_vfs *vfs, const uint8_t *block, sqlite3_int64 size,
                                fhirstore_error **err)
{
    fhs_vfs_seal_init(vfs);
    fhirstore_status status = fhs_vfs_renew_recover(vfs, err);
    if (status == FHIRSTORE_OK) {
        status = check_first_page(vfs, size, err);
    }
    return status == FHIRSTORE_OK ? mend_header(vfs, block, err) : status;
}

static fhirstore_status unlock_store(fhs_vfs *vfs, const fhs_credential *credential,
                                     fhirstore_error **err)
{
    uint8_t block[BLOCK_BYTES];
    sqlite3_int64 size = 0;
    fhirstore_status status = read_block(vfs, block, &size, err);
    if (status == FHIRSTORE_OK && fhs_credential_is_empty(credential)) {
        status = fhs_fail_plain(err, FHIRSTORE_ERR_KEY_MISSING);
    }
    if (status == FHIRSTORE_OK) {
        status = claim_file(vfs, block, &size, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_keys_open(block, credential, &vfs->keys, err);
    }
    return status == FHIRSTORE_OK ? recover(vfs, block, size, err) : status;
}

/* ---- the whole ---- */

static fhirstore_status resolve_paths(fhs_vfs *vfs, const char *path, fhirstore_error **err)
{
    int size = vfs->base->mxPathname + 1;
    vfs->path = fhs_calloc(1, (size_t)size);
    if (vfs->path == NULL) {
        return fhs_fail_memory(err);
    }
    int code = vfs->base->xFullPathname(vfs->base, path, size, vfs->path);
    if ((code & 0xFF) != SQLITE_OK) { /* OK_SYMLINK is fine */
        return fhs_vfs_sqlite_failure(err, "the path cannot be resolved", code);
    }
    vfs->wal_path = sqlite3_mprintf("%s-wal", vfs->path);
    if (vfs->wal_path == NULL) {
        return fhs_fail_memory(err);
    }
    vfs->opened = sqlite3_create_filename(vfs->path, "", vfs->wal_path, 0, NULL);
    return vfs->opened == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

static fhirstore_status find_base(fhs_vfs *vfs, const fhs_vfs_options *options,
                                  fhirstore_error **err)
{
    const char *name = options->multi_process ? "unix" : "unix-excl";
    vfs->base = sqlite3_vfs_find(options->base_vfs == NULL ? name : options->base_vfs);
    if (vfs->base == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "SQLite has no VFS for this mode here");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status check_vfs_options(const char *path, const fhs_vfs_options *options,
                                          fhirstore_error **err)
{
    if (path == NULL || path[0] == '\0') {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "no path given");
    }
    if (options->page_size != 0 && options->page_size != PAGE_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "the page size is %d", PAGE_BYTES);
    }
    if (sqlite3_initialize() != SQLITE_OK || sodium_init() < 0) {
        return fhs_fail(err, FHIRSTORE_ERR_INTERNAL, "SQLite or libsodium cannot start");
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_vfs_new(const char *path, const fhs_vfs_options *options, fhs_vfs **out,
                             fhirstore_error **err)
{
    *out = NULL;
    fhirstore_status status = check_vfs_options(path, options, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_vfs *vfs = fhs_calloc(1, sizeof *vfs);
    if (vfs == NULL) {
        return fhs_fail_memory(err);
    }
    (void)pthread_mutex_init(&vfs->header_lock, NULL);
    vfs->header_file = -1;
    (void)pthread_mutex_init(&vfs->log_lock, NULL);
    fhs_vfs_mark_process(vfs);
    fhs_vfs_forget_log(vfs);
    vfs->read_only = options->read_only;
    vfs->multi_process = options->multi_process;
    status = find_base(vfs, options, err);
    if (status == FHIRSTORE_OK) {
        status = resolve_paths(vfs, path, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_vfs_close(vfs);
        return status;
    }
    *out = vfs;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_vfs_open(const char *path, const fhs_vfs_options *options, fhs_vfs **vfs_out,
                              fhirstore_error **err)
{
    fhs_vfs *vfs;
    *vfs_out = NULL;
    fhirstore_status status = fhs_vfs_new(path, options, &vfs, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_vfs_find_or_create(vfs, options, err);
    if (status == FHIRSTORE_OK) {
        status = open_anchor(vfs, err);
    }
    if (status == FHIRSTORE_OK) {
        status = unlock_store(vfs, &options->credential, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_vfs_close(vfs);
        return status;
    }
    *vfs_out = vfs;
    return FHIRSTORE_OK;
}

/* ---- letting go for a while ---- */

void fhs_vfs_suspend(fhs_vfs *vfs)
{
    if (vfs->is_registered) {
        (void)sqlite3_vfs_unregister(&vfs->shim);
        vfs->is_registered = false;
    }
    (void)fhs_vfs_close_below(vfs->anchor);
    fhs_vfs_close_header(vfs);
    vfs->anchor = NULL;
    sqlite3_free(vfs->name);
    vfs->name = NULL;
    fhs_vfs_pass_end(vfs);
    vfs->log.database = 0;
    vfs->has_generation = false;
    fhs_vfs_forget_log(vfs);
}

static fhirstore_status take_up(fhs_vfs *vfs, fhirstore_error **err)
{
    uint8_t block[BLOCK_BYTES];
    sqlite3_int64 size = 0;
    fhirstore_status status = open_anchor(vfs, err);
    if (status == FHIRSTORE_OK) {
        status = claim_file(vfs, block, &size, err);
    }
    if (status == FHIRSTORE_OK && !fhs_keys_reload(vfs->keys, block)) {
        status = fhs_fail(err, FHIRSTORE_ERR_KEY_WRONG,
                          "the file is another store now, or has another data key");
    }
    return status == FHIRSTORE_OK ? recover(vfs, block, size, err) : status;
}

fhirstore_status fhs_vfs_resume(fhs_vfs *vfs, fhirstore_error **err)
{
    struct stat found;
    if (fhs_vfs_is_forked(vfs)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_FORKED);
    }
    if (stat(vfs->path, &found) != 0) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "there is no such file");
    }
    fhirstore_status status = take_up(vfs, err);
    if (status != FHIRSTORE_OK) {
        fhs_vfs_suspend(vfs);
    }
    return status;
}

void fhs_vfs_close(fhs_vfs *vfs)
{
    if (vfs == NULL) {
        return;
    }
    if (vfs->keys != NULL && vfs->anchor != NULL && fhs_keys_is_torn(vfs->keys) &&
        !fhs_vfs_is_forked(vfs)) {
        const fhs_keys_io io = fhs_vfs_header_io(vfs);
        (void)fhs_keys_mend(vfs->keys, &io, &vfs->is_mended, NULL);
    }
    if (vfs->is_registered) {
        (void)sqlite3_vfs_unregister(&vfs->shim);
    }
    (void)fhs_vfs_close_below(vfs->anchor);
    fhs_vfs_close_header(vfs);
    fhs_keys_free(vfs->keys);
    fhs_vfs_unmark_process(vfs);
    (void)pthread_mutex_destroy(&vfs->header_lock);
    (void)pthread_mutex_destroy(&vfs->log_lock);
    fhs_vfs_pass_end(vfs);
    fhs_free(vfs->log.pages);
    sqlite3_free(vfs->name);
    sqlite3_free(vfs->wal_path);
    sqlite3_free_filename(vfs->opened);
    fhs_free(vfs->path);
    fhs_free(vfs);
}

const char *fhs_vfs_name(const fhs_vfs *vfs)
{
    return vfs->name;
}

const char *fhs_vfs_path(const fhs_vfs *vfs)
{
    return vfs->path;
}

fhs_keys *fhs_vfs_keys(const fhs_vfs *vfs)
{
    return vfs->keys;
}

bool fhs_vfs_is_new(const fhs_vfs *vfs)
{
    return vfs->is_new;
}

int fhs_vfs_sqlite_flags(const fhs_vfs *vfs)
{
    return SQLITE_OPEN_NOMUTEX | (vfs->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
}

void fhs_vfs_uuid(const fhs_vfs *vfs, char out[37])
{
    fhs_keys_uuid_text(vfs->keys, out);
}
