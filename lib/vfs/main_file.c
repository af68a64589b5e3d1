/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database file. Pages are read through the cipher; they are written only by checkpoints, and
 * those hand over what the log holds, sealed as it is. Whatever does not look like that is refused.
 */
#include <sodium.h>

#include "vfs/vfs_internal.h"

#define RENEW_ATTEMPTS 50

static int close_main(sqlite3_file *file)
{
    return fhs_vfs_close_real(fhs_vfs_file_of(file));
}

/* Stored page into scratch, then opened into @a plain. IOERR_DATA: it is not authentic. */
static int open_stored(fhs_vfs_file *self, uint32_t page, uint8_t *plain)
{
    sqlite3_int64 offset = BLOCK_BYTES + (sqlite3_int64)(page - 1) * PAGE_BYTES;
    int code = self->real->pMethods->xRead(self->real, self->scratch, PAGE_BYTES, offset);
    return code == SQLITE_OK && !fhs_vfs_open_page(self->vfs, page, self->scratch, plain)
               ? SQLITE_IOERR_DATA
               : code;
}

static int read_page(fhs_vfs_file *self, uint32_t page, uint8_t *plain)
{
    fhs_vfs *vfs = self->vfs;
    int code = open_stored(self, page, plain);
    if (code == SQLITE_IOERR_SHORT_READ && vfs->is_building) {
        memset(plain, 0, PAGE_BYTES); /* as far as it has come yet */
        return code;
    }
    if (code == SQLITE_IOERR_SHORT_READ) {
        fhs_vfs_note(vfs, FHS_VFS_PAGE, FHS_VFS_MISSING, page);
        return SQLITE_IOERR_DATA;
    }
    /* It may just be sealed anew: what was read is half of the one and half of the other. */
    int attempts = vfs->key_set->old_epoch == 0 ? 0 : RENEW_ATTEMPTS;
    for (int i = 0; i < attempts && code == SQLITE_IOERR_DATA; i++) {
        (void)vfs->base->xSleep(vfs->base, 1000);
        code = open_stored(self, page, plain);
    }
    if (code == SQLITE_IOERR_DATA) {
        fhs_vfs_note(vfs, FHS_VFS_PAGE, FHS_VFS_DAMAGED, page);
    }
    return code;
}

/*
 * Less than a page. SQLite reads the file's first 100 bytes before it looks for a log, so a page 1
 * that a checkpoint left torn must not stop it from finding the whole one there: for that read
 * alone a damaged page is answered by the header that every page 1 of ours has.
 */
static int read_slice(fhs_vfs_file *self, uint32_t page, size_t from, size_t amount, uint8_t *out)
{
    const size_t sqlite_header = 100;
    uint8_t plain[PAGE_BYTES];
    int code = read_page(self, page, plain);
    if (code == SQLITE_IOERR_DATA && page == 1 && from + amount <= sqlite_header) {
        fhs_vfs_first_page(plain);
        code = SQLITE_OK;
    }
    if (code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ) {
        memcpy(out, plain + from, amount);
    }
    sodium_memzero(plain, sizeof plain);
    return code;
}

static int read_main(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    size_t from = (size_t)(offset % PAGE_BYTES);
    uint32_t page = (uint32_t)(offset / PAGE_BYTES) + 1;
    if (amount == PAGE_BYTES && from == 0) {
        return read_page(self, page, out);
    }
    if (amount <= 0 || from + (size_t)amount > PAGE_BYTES) {
        return SQLITE_IOERR_READ;
    }
    return read_slice(self, page, from, (size_t)amount, out);
}

/* A file that is being made has no log and no reader: its pages are sealed as they come. */
static int build_page(fhs_vfs_file *self, const uint8_t *plain, int amount, sqlite3_int64 offset)
{
    uint32_t page = (uint32_t)(offset / PAGE_BYTES) + 1;
    if (amount != PAGE_BYTES || offset % PAGE_BYTES != 0 || fhs_vfs_is_forked(self->vfs) ||
        !fhs_vfs_is_storable(page, plain)) {
        return SQLITE_IOERR_WRITE;
    }
    fhs_vfs_seal_page(self->vfs, page, false, plain, self->scratch);
    return self->real->pMethods->xWrite(self->real, self->scratch, amount, offset + BLOCK_BYTES);
}

static int write_main(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    if (self->vfs->is_building) {
        return build_page(self, bytes, amount, offset);
    }
    const uint8_t *sealed = bytes;
    bool is_passed = self->is_passing && self->has_passed && amount == PAGE_BYTES &&
                     offset % PAGE_BYTES == 0 &&
                     memcmp(sealed + PAGE_NONCE, self->passed, sizeof self->passed) == 0;
    self->has_passed = false;
    if (!is_passed || self->vfs->read_only || fhs_vfs_is_forked(self->vfs)) {
        return SQLITE_IOERR_WRITE;
    }
    int code = self->has_begun ? SQLITE_OK : fhs_vfs_pass_begin(self->vfs);
    self->has_begun = code == SQLITE_OK;
    if (code == SQLITE_OK) {
        code = self->real->pMethods->xWrite(self->real, bytes, amount, offset + BLOCK_BYTES);
    }
    if (code == SQLITE_OK) {
        fhs_vfs_pass_wrote(self->vfs, (uint32_t)(offset / PAGE_BYTES) + 1, sealed);
    }
    return code;
}

static int truncate_main(sqlite3_file *file, sqlite3_int64 size)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    if ((size < PAGE_BYTES && !self->vfs->is_building) || size % PAGE_BYTES != 0 ||
        self->vfs->read_only) {
        return SQLITE_IOERR_TRUNCATE;
    }
    return self->real->pMethods->xTruncate(self->real, size + BLOCK_BYTES);
}

static int sync_main(sqlite3_file *file, int flags)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    self->is_passing = false;
    return self->real->pMethods->xSync(self->real, flags);
}

/* A file without a page 1 was cut off: SQLite would take it for an empty one and start afresh. */
static int size_main(sqlite3_file *file, sqlite3_int64 *size_out)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    sqlite3_int64 stored = 0;
    int code = self->real->pMethods->xFileSize(self->real, &stored);
    bool is_cut = stored < BLOCK_BYTES + PAGE_BYTES && !self->vfs->is_building;
    if (code == SQLITE_OK && is_cut) {
        fhs_vfs_note(self->vfs, FHS_VFS_FILE, FHS_VFS_MISSING, (uint64_t)stored);
        return SQLITE_IOERR_DATA;
    }
    *size_out = stored - BLOCK_BYTES;
    return code;
}

static int lock_main(sqlite3_file *file, int level)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    if (fhs_vfs_is_forked(self->vfs)) {
        return SQLITE_MISUSE;
    }
    return self->real->pMethods->xLock(self->real, level);
}

static int unlock_main(sqlite3_file *file, int level)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    self->is_passing = false;
    return self->real->pMethods->xUnlock(self->real, level);
}

static int check_lock_main(sqlite3_file *file, int *is_reserved_out)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    return self->real->pMethods->xCheckReservedLock(self->real, is_reserved_out);
}

static int sector_main(sqlite3_file *file)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    return self->real->pMethods->xSectorSize(self->real);
}

/*
 * A stored page is not the page SQLite believes to write, so no promise of atomic writes holds;
 * and without POWERSAFE_OVERWRITE it would pad and split what must stay whole.
 */
static int traits_main(sqlite3_file *file)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    int traits = self->real->pMethods->xDeviceCharacteristics(self->real);
    return (traits & SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN) | SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int map_shm_main(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    return self->real->pMethods->xShmMap(self->real, region, size, extend, out);
}

#define WRITE_LOCK 0 /* the lock of the log's one writer (SQLite's WAL_WRITE_LOCK) */

/* Each transaction begins with a lock here: what several processes share is read again after it. */
static int lock_shm_main(sqlite3_file *file, int offset, int count, int flags)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    if (fhs_vfs_is_forked(self->vfs)) {
        return SQLITE_MISUSE;
    }
    self->salt_is_fresh = false;
    int code = self->real->pMethods->xShmLock(self->real, offset, count, flags);
    if (offset == WRITE_LOCK && (flags & SQLITE_SHM_EXCLUSIVE) != 0) {
        self->has_to_write = code == SQLITE_OK && (flags & SQLITE_SHM_LOCK) != 0;
    }
    return code;
}

static void barrier_main(sqlite3_file *file)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    self->real->pMethods->xShmBarrier(self->real);
}

static int unmap_shm_main(sqlite3_file *file, int should_delete)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    return self->real->pMethods->xShmUnmap(self->real, should_delete);
}

/* Version 2: no xFetch, so nothing is ever mapped into memory unopened. */
const sqlite3_io_methods fhs_vfs_main_methods = {
    .iVersion = 2,
    .xClose = close_main,
    .xRead = read_main,
    .xWrite = write_main,
    .xTruncate = truncate_main,
    .xSync = sync_main,
    .xFileSize = size_main,
    .xLock = lock_main,
    .xUnlock = unlock_main,
    .xCheckReservedLock = check_lock_main,
    .xFileControl = fhs_vfs_control_main,
    .xSectorSize = sector_main,
    .xDeviceCharacteristics = traits_main,
    .xShmMap = map_shm_main,
    .xShmLock = lock_shm_main,
    .xShmBarrier = barrier_main,
    .xShmUnmap = unmap_shm_main,
};
