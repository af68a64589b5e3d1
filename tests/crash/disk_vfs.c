/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk as SQLite's "unix-excl" and as the system calls that the library makes itself, which the
 * linker sends here (--wrap). What "unix-excl" does is done: a log and a journal are made with the
 * folder synced at their first sync, and the wal-index is kept on the heap.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "disk.h"

#define FOLDER_DESCRIPTOR 1000000

static disk *present;
int64_t disk_clock_us = INT64_C(1700000000000000);

typedef struct disk_handle {
    sqlite3_file sqlite;
    disk_file *file;
    int level;
    bool syncs_folder; /* with its next sync */
    unsigned readers;  /* bits: locks of the wal-index that this handle shares, or has alone */
    unsigned writers;
} disk_handle;

static disk_handle *handle_of(sqlite3_file *file)
{
    return (disk_handle *)(void *)file;
}

void disk_vfs_use(disk *d)
{
    present = d;
}

static bool is_ours(const char *path)
{
    return path != NULL && strncmp(path, DISK_FOLDER, sizeof DISK_FOLDER - 1) == 0;
}

/* ---- files ---- */

static int close_on_disk(sqlite3_file *file)
{
    disk_handle *self = handle_of(file);
    (void)file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    disk_release(present, self->file);
    return SQLITE_OK;
}

static int read_on_disk(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset)
{
    const disk_file *data = handle_of(file)->file;
    size_t there = (size_t)offset >= data->size ? 0 : data->size - (size_t)offset;
    size_t wanted = (size_t)amount;
    size_t some = there < wanted ? there : wanted;
    if (some > 0) {
        memcpy(out, data->bytes + offset, some);
    }
    memset((char *)out + some, 0, wanted - some);
    return some == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int write_on_disk(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset)
{
    disk_write(present, handle_of(file)->file, bytes, (size_t)amount, (uint64_t)offset);
    return SQLITE_OK;
}

static int truncate_on_disk(sqlite3_file *file, sqlite3_int64 size)
{
    disk_truncate(present, handle_of(file)->file, (uint64_t)size);
    return SQLITE_OK;
}

static int sync_on_disk(sqlite3_file *file, int flags)
{
    disk_handle *self = handle_of(file);
    (void)flags;
    disk_sync(present, self->file);
    if (self->syncs_folder) {
        disk_sync_folder(present);
        self->syncs_folder = false;
    }
    return SQLITE_OK;
}

static int size_on_disk(sqlite3_file *file, sqlite3_int64 *size_out)
{
    *size_out = (sqlite3_int64)handle_of(file)->file->size;
    return SQLITE_OK;
}

/* ---- locks, between the handles of one process ---- */

static int lock_on_disk(sqlite3_file *file, int level)
{
    disk_handle *self = handle_of(file);
    disk_file *data = self->file;
    if (level <= self->level) {
        return SQLITE_OK;
    }
    bool is_others = data->reserved != NULL && data->reserved != self;
    if (self->level == SQLITE_LOCK_NONE) {
        if (is_others && handle_of(data->reserved)->level > SQLITE_LOCK_RESERVED) {
            return SQLITE_BUSY;
        }
        data->shared++;
        self->level = SQLITE_LOCK_SHARED;
    }
    if (level == SQLITE_LOCK_SHARED) {
        return SQLITE_OK;
    }
    if (is_others) {
        return SQLITE_BUSY;
    }
    data->reserved = self;
    self->level = SQLITE_LOCK_RESERVED;
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        self->level = SQLITE_LOCK_PENDING;
        if (data->shared > 1) {
            return SQLITE_BUSY;
        }
        self->level = SQLITE_LOCK_EXCLUSIVE;
    }
    return SQLITE_OK;
}

static int unlock_on_disk(sqlite3_file *file, int level)
{
    disk_handle *self = handle_of(file);
    if (level >= self->level) {
        return SQLITE_OK;
    }
    if (self->file->reserved == self) {
        self->file->reserved = NULL;
    }
    if (level == SQLITE_LOCK_NONE) {
        self->file->shared--;
    }
    self->level = level;
    return SQLITE_OK;
}

static int check_lock_on_disk(sqlite3_file *file, int *is_reserved_out)
{
    *is_reserved_out = handle_of(file)->file->reserved != NULL;
    return SQLITE_OK;
}

/* ---- the wal-index ---- */

static int map_on_disk(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    disk_file *data = handle_of(file)->file;
    *out = NULL;
    if (region >= DISK_REGIONS) {
        return SQLITE_IOERR_SHMMAP;
    }
    if (data->regions[region] == NULL && extend) {
        data->regions[region] = calloc(1, (size_t)size);
    }
    *out = data->regions[region];
    return SQLITE_OK;
}

static int shm_lock_on_disk(sqlite3_file *file, int offset, int count, int flags)
{
    disk_handle *self = handle_of(file);
    disk_file *data = self->file;
    bool is_shared = (flags & SQLITE_SHM_SHARED) != 0;
    for (int i = offset; i < offset + count && (flags & SQLITE_SHM_LOCK) != 0; i++) {
        bool is_free = !data->has_writer[i] && (is_shared || data->readers[i] == 0);
        if (!is_free) {
            return SQLITE_BUSY;
        }
    }
    for (int i = offset; i < offset + count; i++) {
        unsigned bit = 1u << i;
        if ((flags & SQLITE_SHM_LOCK) != 0 && is_shared) {
            data->readers[i]++;
            self->readers |= bit;
        } else if ((flags & SQLITE_SHM_LOCK) != 0) {
            data->has_writer[i] = true;
            self->writers |= bit;
        } else if (is_shared && (self->readers & bit) != 0) {
            data->readers[i]--;
            self->readers &= ~bit;
        } else if (!is_shared && (self->writers & bit) != 0) {
            data->has_writer[i] = false;
            self->writers &= ~bit;
        }
    }
    return SQLITE_OK;
}

static void barrier_on_disk(sqlite3_file *file)
{
    (void)file;
}

/* With the last connection that has it the wal-index goes. */
static int unmap_on_disk(sqlite3_file *file, int should_delete)
{
    disk_file *data = handle_of(file)->file;
    for (size_t i = 0; i < DISK_REGIONS && should_delete; i++) {
        free(data->regions[i]);
        data->regions[i] = NULL;
    }
    return SQLITE_OK;
}

static int control_on_disk(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    switch (op) {
    case SQLITE_FCNTL_VFSNAME:
        *(char **)arg = sqlite3_mprintf("disk");
        return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED:
    case SQLITE_FCNTL_PERSIST_WAL:
        *(int *)arg = 0;
        return SQLITE_OK;
    case SQLITE_FCNTL_SIZE_HINT:
        return SQLITE_OK;
    default:
        return SQLITE_NOTFOUND;
    }
}

static int sector_on_disk(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

static int traits_on_disk(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods disk_methods = {
    .iVersion = 2,
    .xClose = close_on_disk,
    .xRead = read_on_disk,
    .xWrite = write_on_disk,
    .xTruncate = truncate_on_disk,
    .xSync = sync_on_disk,
    .xFileSize = size_on_disk,
    .xLock = lock_on_disk,
    .xUnlock = unlock_on_disk,
    .xCheckReservedLock = check_lock_on_disk,
    .xFileControl = control_on_disk,
    .xSectorSize = sector_on_disk,
    .xDeviceCharacteristics = traits_on_disk,
    .xShmMap = map_on_disk,
    .xShmLock = shm_lock_on_disk,
    .xShmBarrier = barrier_on_disk,
    .xShmUnmap = unmap_on_disk,
};

/* ---- the VFS ---- */

static int open_on_disk(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *out_flags)
{
    disk_handle *self = handle_of(file);
    const int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    (void)vfs;
    memset(self, 0, sizeof *self);
    disk_file *found = name == NULL ? NULL : disk_find(present, name);
    bool creates = (flags & SQLITE_OPEN_CREATE) != 0;
    if (name != NULL && ((found == NULL && !creates) ||
                         (found != NULL && creates && (flags & SQLITE_OPEN_EXCLUSIVE) != 0))) {
        return SQLITE_CANTOPEN;
    }
    if (found == NULL) {
        found = disk_create(present, name);
    }
    self->syncs_folder = name != NULL && creates && (flags & journals) != 0;
    self->file = found;
    disk_hold(found);
    self->sqlite.pMethods = &disk_methods;
    if (out_flags != NULL) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

static int delete_on_disk(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    if (!disk_unlink(present, name)) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    if (sync_folder) {
        disk_sync_folder(present);
    }
    return SQLITE_OK;
}

static int access_on_disk(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    const disk_file *file = disk_find(present, name);
    (void)vfs;
    *out = file != NULL && (flags != SQLITE_ACCESS_EXISTS || file->size > 0);
    return SQLITE_OK;
}

static int path_on_disk(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

static int random_on_disk(sqlite3_vfs *vfs, int size, char *out)
{
    static uint64_t dice = 1;
    (void)vfs;
    for (int i = 0; i < size; i++) {
        out[i] = (char)disk_throw(&dice);
    }
    return size;
}

static int sleep_on_disk(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    disk_clock_us += microseconds;
    return microseconds;
}

static int time_on_disk(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    *out = INT64_C(210866760000000) + disk_clock_us / 1000;
    return SQLITE_OK;
}

static int day_on_disk(sqlite3_vfs *vfs, double *out)
{
    sqlite3_int64 ms = 0;
    (void)time_on_disk(vfs, &ms);
    *out = (double)ms / 86400000.0;
    return SQLITE_OK;
}

static int last_error_on_disk(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    if (size > 0) {
        out[0] = '\0';
    }
    return 0;
}

static sqlite3_vfs disk_vfs = {
    .iVersion = 2,
    .szOsFile = (int)sizeof(disk_handle),
    .mxPathname = 512,
    .zName = "unix-excl",
    .xOpen = open_on_disk,
    .xDelete = delete_on_disk,
    .xAccess = access_on_disk,
    .xFullPathname = path_on_disk,
    .xRandomness = random_on_disk,
    .xSleep = sleep_on_disk,
    .xCurrentTime = day_on_disk,
    .xGetLastError = last_error_on_disk,
    .xCurrentTimeInt64 = time_on_disk,
};

void disk_vfs_register(void)
{
    (void)sqlite3_vfs_register(&disk_vfs, 1);
}

/* ---- system calls of the library's own ---- */

int __real_stat64(const char *path, struct stat *out);
int __real_stat(const char *path, struct stat *out);
int __real_open64(const char *path, int flags, int mode);
int __real_open(const char *path, int flags, int mode);
int __real_unlink(const char *path);
int __real_link(const char *path, const char *to);
int __real_rename(const char *path, const char *to);
int __real_chmod(const char *path, mode_t mode);
int __real_fsync(int descriptor);
int __real_close(int descriptor);
int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_stat64(const char *path, struct stat *out);
int __wrap_stat(const char *path, struct stat *out);
int __wrap_open64(const char *path, int flags, int mode);
int __wrap_open(const char *path, int flags, int mode);
int __wrap_unlink(const char *path);
int __wrap_link(const char *path, const char *to);
int __wrap_rename(const char *path, const char *to);
int __wrap_chmod(const char *path, mode_t mode);
int __wrap_fsync(int descriptor);
int __wrap_close(int descriptor);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

static int fail_with(int code)
{
    errno = code;
    return -1;
}

static int stat_on_disk(const char *path, struct stat *out)
{
    const disk_file *file = disk_find(present, path);
    memset(out, 0, sizeof *out);
    if (file == NULL) {
        return fail_with(ENOENT);
    }
    out->st_mode = S_IFREG | S_IRUSR | S_IWUSR;
    out->st_dev = 1;
    out->st_ino = file->id + 1;
    out->st_size = (off_t)file->size;
    return 0;
}

int __wrap_stat64(const char *path, struct stat *out)
{
    return is_ours(path) ? stat_on_disk(path, out) : __real_stat64(path, out);
}

int __wrap_stat(const char *path, struct stat *out)
{
    return is_ours(path) ? stat_on_disk(path, out) : __real_stat(path, out);
}

static bool is_folder(const char *path)
{
    return path != NULL && strcmp(path, "/crash") == 0;
}

int __wrap_open64(const char *path, int flags, int mode)
{
    return is_folder(path) ? FOLDER_DESCRIPTOR : __real_open64(path, flags, mode);
}

int __wrap_open(const char *path, int flags, int mode)
{
    return is_folder(path) ? FOLDER_DESCRIPTOR : __real_open(path, flags, mode);
}

int __wrap_unlink(const char *path)
{
    if (!is_ours(path)) {
        return __real_unlink(path);
    }
    return disk_unlink(present, path) ? 0 : fail_with(ENOENT);
}

int __wrap_link(const char *path, const char *to)
{
    if (!is_ours(path)) {
        return __real_link(path, to);
    }
    return disk_link(present, path, to) ? 0 : fail_with(disk_find(present, to) ? EEXIST : ENOENT);
}

int __wrap_rename(const char *path, const char *to)
{
    if (!is_ours(path)) {
        return __real_rename(path, to);
    }
    return disk_rename(present, path, to) ? 0 : fail_with(ENOENT);
}

int __wrap_chmod(const char *path, mode_t mode)
{
    return is_ours(path) ? 0 : __real_chmod(path, mode);
}

int __wrap_fsync(int descriptor)
{
    if (descriptor != FOLDER_DESCRIPTOR) {
        return __real_fsync(descriptor);
    }
    disk_sync_folder(present);
    return 0;
}

int __wrap_close(int descriptor)
{
    return descriptor == FOLDER_DESCRIPTOR ? 0 : __real_close(descriptor);
}

/* Time passes by being looked at, so that a run can be repeated. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    (void)clock;
    disk_clock_us += 7;
    out->tv_sec = (time_t)(disk_clock_us / 1000000);
    out->tv_nsec = (long)(disk_clock_us % 1000000) * 1000;
    return 0;
}

double disk_real_seconds(void)
{
    struct timespec now = {0, 0};
    (void)__real_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
