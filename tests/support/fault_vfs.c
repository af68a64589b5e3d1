/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_vfs.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct fault_vfs {
    sqlite3_vfs vfs; /* pAppData points back here */
    sqlite3_vfs *base;
    char *name;
    _Atomic unsigned ops;
    _Atomic uint64_t kth; /* 0: never */
    _Atomic bool for_ever;
    _Atomic bool tears;
    _Atomic int answer;
    _Atomic bool fired;
    _Atomic uint64_t seen;
    _Atomic uint64_t space;
};

typedef struct fault_file {
    sqlite3_file sqlite;
    fault_vfs *fault;
    sqlite3_file *real;
} fault_file;

static fault_file *fault_file_of(sqlite3_file *file)
{
    return (fault_file *)(void *)file;
}

static bool should_fail(fault_vfs *fault, unsigned op)
{
    if ((atomic_load(&fault->ops) & op) == 0) {
        return false;
    }
    uint64_t seen = atomic_fetch_add(&fault->seen, 1) + 1;
    uint64_t kth = atomic_load(&fault->kth);
    bool fails = kth != 0 && (seen == kth || (seen > kth && atomic_load(&fault->for_ever)));
    if (fails) {
        atomic_store(&fault->fired, true);
    }
    return fails;
}

/* The answer that was asked for, or @a usual. */
static int answer_of(fault_vfs *fault, int usual)
{
    int code = atomic_load(&fault->answer);
    return code == 0 ? usual : code;
}

static int close_faulty(sqlite3_file *file)
{
    fault_file *self = fault_file_of(file);
    return self->real->pMethods->xClose(self->real);
}

static int read_faulty(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset)
{
    fault_file *self = fault_file_of(file);
    if (!should_fail(self->fault, FAULT_READ)) {
        return self->real->pMethods->xRead(self->real, out, amount, offset);
    }
    if (!atomic_load(&self->fault->tears)) {
        return SQLITE_IOERR_READ;
    }
    int code = self->real->pMethods->xRead(self->real, out, amount, offset);
    memset((char *)out + amount / 2, 0, (size_t)(amount - amount / 2));
    return code == SQLITE_OK ? SQLITE_IOERR_SHORT_READ : code;
}

/* Only what makes a file longer takes space. */
static bool take_space(fault_file *self, int amount, sqlite3_int64 offset)
{
    sqlite3_int64 size = 0;
    uint64_t space = atomic_load(&self->fault->space);
    if (space == UINT64_MAX || self->real->pMethods->xFileSize(self->real, &size) != SQLITE_OK ||
        offset + amount <= size) {
        return true;
    }
    uint64_t growth = (uint64_t)(offset + amount - size);
    if (growth > space) {
        return false;
    }
    atomic_fetch_sub(&self->fault->space, growth);
    return true;
}

static int write_faulty(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset)
{
    fault_file *self = fault_file_of(file);
    if (should_fail(self->fault, FAULT_WRITE)) {
        if (atomic_load(&self->fault->tears)) {
            (void)self->real->pMethods->xWrite(self->real, bytes, amount / 2, offset);
        }
        return answer_of(self->fault, SQLITE_IOERR_WRITE);
    }
    if (!take_space(self, amount, offset)) {
        atomic_store(&self->fault->fired, true);
        return SQLITE_FULL;
    }
    return self->real->pMethods->xWrite(self->real, bytes, amount, offset);
}

static int truncate_faulty(sqlite3_file *file, sqlite3_int64 size)
{
    fault_file *self = fault_file_of(file);
    if (should_fail(self->fault, FAULT_TRUNCATE)) {
        return answer_of(self->fault, SQLITE_IOERR_TRUNCATE);
    }
    return self->real->pMethods->xTruncate(self->real, size);
}

static int sync_faulty(sqlite3_file *file, int flags)
{
    fault_file *self = fault_file_of(file);
    if (should_fail(self->fault, FAULT_SYNC)) {
        return SQLITE_IOERR_FSYNC;
    }
    return self->real->pMethods->xSync(self->real, flags);
}

static int size_faulty(sqlite3_file *file, sqlite3_int64 *size_out)
{
    fault_file *self = fault_file_of(file);
    if (should_fail(self->fault, FAULT_SIZE)) {
        return SQLITE_IOERR_FSTAT;
    }
    return self->real->pMethods->xFileSize(self->real, size_out);
}

static int lock_faulty(sqlite3_file *file, int level)
{
    fault_file *self = fault_file_of(file);
    if (should_fail(self->fault, FAULT_LOCK)) {
        return answer_of(self->fault, SQLITE_IOERR_LOCK);
    }
    return self->real->pMethods->xLock(self->real, level);
}

static int unlock_faulty(sqlite3_file *file, int level)
{
    fault_file *self = fault_file_of(file);
    return self->real->pMethods->xUnlock(self->real, level);
}

static int check_lock_faulty(sqlite3_file *file, int *is_reserved_out)
{
    fault_file *self = fault_file_of(file);
    return self->real->pMethods->xCheckReservedLock(self->real, is_reserved_out);
}

static int control_faulty(sqlite3_file *file, int op, void *arg)
{
    fault_file *self = fault_file_of(file);
    return self->real->pMethods->xFileControl(self->real, op, arg);
}

static int sector_faulty(sqlite3_file *file)
{
    fault_file *self = fault_file_of(file);
    return self->real->pMethods->xSectorSize(self->real);
}

static int traits_faulty(sqlite3_file *file)
{
    fault_file *self = fault_file_of(file);
    return self->real->pMethods->xDeviceCharacteristics(self->real);
}

static int map_faulty(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    fault_file *self = fault_file_of(file);
    return self->real->pMethods->xShmMap(self->real, region, size, extend, out);
}

/* Letting go never fails: SQLite does not look at the answer. */
static int shm_lock_faulty(sqlite3_file *file, int offset, int count, int flags)
{
    fault_file *self = fault_file_of(file);
    if ((flags & SQLITE_SHM_LOCK) != 0 && should_fail(self->fault, FAULT_LOCK)) {
        return SQLITE_IOERR_SHMLOCK;
    }
    return self->real->pMethods->xShmLock(self->real, offset, count, flags);
}

static void barrier_faulty(sqlite3_file *file)
{
    fault_file *self = fault_file_of(file);
    self->real->pMethods->xShmBarrier(self->real);
}

static int unmap_faulty(sqlite3_file *file, int should_delete)
{
    fault_file *self = fault_file_of(file);
    return self->real->pMethods->xShmUnmap(self->real, should_delete);
}

static const sqlite3_io_methods faulty_methods = {
    .iVersion = 2,
    .xClose = close_faulty,
    .xRead = read_faulty,
    .xWrite = write_faulty,
    .xTruncate = truncate_faulty,
    .xSync = sync_faulty,
    .xFileSize = size_faulty,
    .xLock = lock_faulty,
    .xUnlock = unlock_faulty,
    .xCheckReservedLock = check_lock_faulty,
    .xFileControl = control_faulty,
    .xSectorSize = sector_faulty,
    .xDeviceCharacteristics = traits_faulty,
    .xShmMap = map_faulty,
    .xShmLock = shm_lock_faulty,
    .xShmBarrier = barrier_faulty,
    .xShmUnmap = unmap_faulty,
};

/* Only for reading; or it fails and leaves the file open, which is the caller's to close then. */
static bool opens_all_the_same(fault_vfs *fault)
{
    return atomic_load(&fault->tears) || atomic_load(&fault->answer) == SQLITE_READONLY;
}

static int open_faulty(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *out_flags)
{
    fault_vfs *fault = vfs->pAppData;
    fault_file *self = fault_file_of(file);
    self->sqlite.pMethods = NULL;
    self->fault = fault;
    self->real = (sqlite3_file *)(void *)(self + 1);
    self->real->pMethods = NULL;
    bool fails = should_fail(fault, FAULT_OPEN);
    if (fails && !opens_all_the_same(fault)) {
        return answer_of(fault, SQLITE_CANTOPEN);
    }
    int code = fault->base->xOpen(fault->base, name, self->real, flags, out_flags);
    if (self->real->pMethods != NULL) {
        self->sqlite.pMethods = &faulty_methods;
    }
    if (!fails || code != SQLITE_OK) {
        return code;
    }
    if (atomic_load(&fault->answer) == SQLITE_READONLY && out_flags != NULL) {
        *out_flags = (*out_flags & ~SQLITE_OPEN_READWRITE) | SQLITE_OPEN_READONLY;
        return SQLITE_OK;
    }
    return answer_of(fault, SQLITE_CANTOPEN);
}

static int delete_faulty(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    fault_vfs *fault = vfs->pAppData;
    if (should_fail(fault, FAULT_DELETE)) {
        return SQLITE_IOERR_DELETE;
    }
    return fault->base->xDelete(fault->base, name, sync_folder);
}

static int access_faulty(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    fault_vfs *fault = vfs->pAppData;
    if (should_fail(fault, FAULT_ACCESS)) {
        return SQLITE_IOERR_ACCESS;
    }
    return fault->base->xAccess(fault->base, name, flags, out);
}

static int path_faulty(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    fault_vfs *fault = vfs->pAppData;
    return fault->base->xFullPathname(fault->base, name, size, out);
}

fault_vfs *fault_vfs_new(const char *name, const char *base)
{
    sqlite3_vfs *below = sqlite3_vfs_find(base);
    fault_vfs *fault = below == NULL ? NULL : calloc(1, sizeof *fault);
    char *copy = sqlite3_mprintf("%s", name);
    if (fault == NULL || copy == NULL) {
        free(fault);
        sqlite3_free(copy);
        return NULL;
    }
    fault->name = copy;
    fault->base = below;
    fault->vfs = *below;
    fault->vfs.iVersion = 2;
    fault->vfs.pNext = NULL;
    fault->vfs.zName = copy;
    fault->vfs.pAppData = fault;
    fault->vfs.szOsFile = (int)sizeof(fault_file) + below->szOsFile;
    fault->vfs.xOpen = open_faulty;
    fault->vfs.xDelete = delete_faulty;
    fault->vfs.xAccess = access_faulty;
    fault->vfs.xFullPathname = path_faulty;
    atomic_store(&fault->space, UINT64_MAX);
    (void)sqlite3_vfs_register(&fault->vfs, 0);
    return fault;
}

void fault_vfs_free(fault_vfs *fault)
{
    if (fault != NULL) {
        (void)sqlite3_vfs_unregister(&fault->vfs);
        sqlite3_free(fault->name);
        free(fault);
    }
}

void fault_vfs_arm(fault_vfs *fault, unsigned ops, uint64_t kth, bool for_ever)
{
    atomic_store(&fault->seen, 0);
    atomic_store(&fault->fired, false);
    atomic_store(&fault->kth, kth);
    atomic_store(&fault->for_ever, for_ever);
    atomic_store(&fault->ops, ops);
}

void fault_vfs_count(fault_vfs *fault, unsigned ops)
{
    fault_vfs_arm(fault, ops, 0, false);
}

void fault_vfs_disarm(fault_vfs *fault)
{
    atomic_store(&fault->ops, 0);
    atomic_store(&fault->kth, 0);
    atomic_store(&fault->space, UINT64_MAX);
}

bool fault_vfs_fails(fault_vfs *fault, unsigned op)
{
    return fault != NULL && should_fail(fault, op);
}

void fault_vfs_answer(fault_vfs *fault, int code)
{
    atomic_store(&fault->answer, code);
}

uint64_t fault_vfs_seen(const fault_vfs *fault)
{
    return atomic_load(&fault->seen);
}

bool fault_vfs_has_fired(const fault_vfs *fault)
{
    return atomic_load(&fault->fired);
}

void fault_vfs_tear(fault_vfs *fault, bool tears)
{
    atomic_store(&fault->tears, tears);
}

void fault_vfs_limit_space(fault_vfs *fault, uint64_t bytes)
{
    atomic_store(&fault->fired, false);
    atomic_store(&fault->space, bytes);
}
