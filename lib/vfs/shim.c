/* SPDX-License-Identifier: Apache-2.0 */
/* The VFS itself: which files may be opened, and what may be asked of them. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vfs/vfs_internal.h"

static fhs_vfs *vfs_of(sqlite3_vfs *shim)
{
    return shim->pAppData;
}

/* Somebody may have put another file in place of the one that was claimed and unlocked. */
static bool is_same_file(const fhs_vfs *vfs)
{
    struct stat found;
    return stat(vfs->path, &found) == 0 && found.st_dev == vfs->device &&
           found.st_ino == vfs->inode;
}

/*
 * The file below is always opened for writing: "unix-excl" takes its lock of the process that way.
 * What may be written is for the flags given back to say.
 */
static int open_main(fhs_vfs_file *self, const char *name, int flags, int *out_flags)
{
    const int access = SQLITE_OPEN_READWRITE | SQLITE_OPEN_READONLY | SQLITE_OPEN_CREATE;
    sqlite3_int64 no_map = 0;
    if (!is_same_file(self->vfs)) {
        return SQLITE_CANTOPEN;
    }
    int code = fhs_vfs_open_file(self->vfs->base, name, self->real,
                                 (flags & ~access) | SQLITE_OPEN_READWRITE, out_flags);
    if (code != SQLITE_OK) {
        return code;
    }
    (void)self->real->pMethods->xFileControl(self->real, SQLITE_FCNTL_MMAP_SIZE, &no_map);
    bool is_read_only = self->vfs->read_only || (flags & SQLITE_OPEN_READONLY) != 0;
    if (is_read_only) {
        *out_flags = (*out_flags & ~access) | SQLITE_OPEN_READONLY;
    }
    self->main = self;
    self->sqlite.pMethods = &fhs_vfs_main_methods;
    return SQLITE_OK;
}

static int open_wal(fhs_vfs_file *self, const char *name, int flags, int *out_flags)
{
    self->main = fhs_vfs_file_of(sqlite3_database_file_object(name));
    int code = fhs_vfs_open_file(self->vfs->base, name, self->real, flags, out_flags);
    if (code != SQLITE_OK) {
        return code;
    }
    if (self->vfs->read_only) {
        *out_flags = (*out_flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
                     SQLITE_OPEN_READONLY;
    }
    self->sqlite.pMethods = &fhs_vfs_wal_methods;
    return SQLITE_OK;
}

/* What SQLite puts aside for a while. A file that is being made has a journal, too, that nobody
 * would ever play back: it is no more than that. */
static bool is_temporary(const fhs_vfs *vfs, const char *name, int flags)
{
    const int kinds = SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_TEMP_JOURNAL |
                      SQLITE_OPEN_SUBJOURNAL;
    return (name == NULL && (flags & kinds) != 0) ||
           (vfs->is_building && (flags & SQLITE_OPEN_MAIN_JOURNAL) != 0);
}

/* This store's file, its log, and temporary files. A store's journal is never needed. */
static int open_file(sqlite3_vfs *shim, const char *name, sqlite3_file *file, int flags,
                     int *out_flags)
{
    fhs_vfs *vfs = vfs_of(shim);
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    int ignored = 0;
    out_flags = out_flags == NULL ? &ignored : out_flags;
    memset(self, 0, sizeof *self);
    if (vfs->keys == NULL || fhs_vfs_is_forked(vfs)) {
        return SQLITE_CANTOPEN;
    }
    self->vfs = vfs;
    self->real = (sqlite3_file *)(void *)(self + 1);
    if (is_temporary(vfs, name, flags)) {
        return fhs_vfs_open_temp(self, flags, out_flags);
    }
    if (name == NULL) {
        return SQLITE_CANTOPEN;
    }
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && strcmp(name, vfs->path) == 0) {
        return open_main(self, name, flags, out_flags);
    }
    if ((flags & SQLITE_OPEN_WAL) != 0 && strcmp(name, vfs->wal_path) == 0) {
        return open_wal(self, name, flags, out_flags);
    }
    return SQLITE_CANTOPEN;
}

static int delete_file(sqlite3_vfs *shim, const char *name, int sync_folder)
{
    fhs_vfs *vfs = vfs_of(shim);
    if (vfs->is_building) {
        return SQLITE_OK; /* its journal, which has no name */
    }
    if (strcmp(name, vfs->wal_path) != 0 || vfs->read_only || fhs_vfs_is_forked(vfs)) {
        return SQLITE_IOERR_DELETE;
    }
    int code = fhs_vfs_give_up_log(vfs);
    if (code != SQLITE_OK) {
        return code;
    }
    fhs_vfs_forget_log(vfs);
    return vfs->base->xDelete(vfs->base, name, sync_folder);
}

/* A rollback journal beside the store can only be somebody's trap: it is not seen. */
static int access_file(sqlite3_vfs *shim, const char *name, int flags, int *out)
{
    fhs_vfs *vfs = vfs_of(shim);
    if (strcmp(name, vfs->path) != 0 && strcmp(name, vfs->wal_path) != 0) {
        *out = 0;
        return SQLITE_OK;
    }
    return vfs->base->xAccess(vfs->base, name, flags, out);
}

static int full_path(sqlite3_vfs *shim, const char *name, int size, char *out)
{
    fhs_vfs *vfs = vfs_of(shim);
    return vfs->base->xFullPathname(vfs->base, name, size, out);
}

static int fill_random(sqlite3_vfs *shim, int size, char *out)
{
    fhs_vfs *vfs = vfs_of(shim);
    return vfs->base->xRandomness(vfs->base, size, out);
}

static int sleep_us(sqlite3_vfs *shim, int microseconds)
{
    fhs_vfs *vfs = vfs_of(shim);
    return vfs->base->xSleep(vfs->base, microseconds);
}

static int last_error(sqlite3_vfs *shim, int size, char *out)
{
    fhs_vfs *vfs = vfs_of(shim);
    return vfs->base->xGetLastError == NULL ? 0 : vfs->base->xGetLastError(vfs->base, size, out);
}

static int current_time(sqlite3_vfs *shim, double *out)
{
    fhs_vfs *vfs = vfs_of(shim);
    return vfs->base->xCurrentTime(vfs->base, out);
}

static int current_time_ms(sqlite3_vfs *shim, sqlite3_int64 *out)
{
    fhs_vfs *vfs = vfs_of(shim);
    return vfs->base->xCurrentTimeInt64(vfs->base, out);
}

void fhs_vfs_init_shim(fhs_vfs *vfs)
{
    vfs->shim = (sqlite3_vfs){
        .iVersion = vfs->base->iVersion >= 2 ? 2 : 1,
        .szOsFile = (int)sizeof(fhs_vfs_file) + vfs->base->szOsFile,
        .mxPathname = vfs->base->mxPathname,
        .zName = vfs->name,
        .pAppData = vfs,
        .xOpen = open_file,
        .xDelete = delete_file,
        .xAccess = access_file,
        .xFullPathname = full_path,
        .xRandomness = fill_random,
        .xSleep = sleep_us,
        .xCurrentTime = current_time,
        .xGetLastError = last_error,
        .xCurrentTimeInt64 = current_time_ms,
    };
}

/* ---- what may be asked of the database file ---- */

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sqlite3_stricmp(word, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Would this pragma take the store off its ground? A pragma without a value only asks. */
static bool is_forbidden_pragma(const char *name, const char *value)
{
    static const char *const keyed[] = {"key",      "rekey",   "hexkey",
                                        "hexrekey", "textkey", "textrekey"};
    if (is_one_of(name, keyed, FHS_COUNT_OF(keyed))) {
        return true;
    }
    if (value == NULL) {
        return false;
    }
    if (sqlite3_stricmp(name, "journal_mode") == 0) {
        return sqlite3_stricmp(value, "wal") != 0;
    }
    if (sqlite3_stricmp(name, "page_size") == 0) {
        return atoi(value) != PAGE_BYTES;
    }
    if (sqlite3_stricmp(name, "mmap_size") == 0) {
        return strcmp(value, "0") != 0;
    }
    return sqlite3_stricmp(name, "temp_store_directory") == 0 ||
           sqlite3_stricmp(name, "data_store_directory") == 0;
}

/* words[0] takes a message, words[1] is the name, words[2] the value or NULL. */
static int filter_pragma(fhs_vfs_file *self, char **words)
{
    if (is_forbidden_pragma(words[1], words[2])) {
        words[0] = sqlite3_mprintf("an encrypted store does not allow this pragma");
        return SQLITE_ERROR;
    }
    return self->real->pMethods->xFileControl(self->real, SQLITE_FCNTL_PRAGMA, words);
}

static int hint_size(fhs_vfs_file *self, const sqlite3_int64 *size)
{
    sqlite3_int64 stored = *size + BLOCK_BYTES;
    return self->real->pMethods->xFileControl(self->real, SQLITE_FCNTL_SIZE_HINT, &stored);
}

static int name_vfs(fhs_vfs_file *self, char **name)
{
    char *below = NULL;
    (void)self->real->pMethods->xFileControl(self->real, SQLITE_FCNTL_VFSNAME, &below);
    *name = sqlite3_mprintf("%s/%z", "fhirstore", below);
    return *name == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

int fhs_vfs_control_main(sqlite3_file *file, int op, void *arg)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    switch (op) {
    case SQLITE_FCNTL_CKPT_START:
    case SQLITE_FCNTL_CKPT_DONE:
        self->is_passing = op == SQLITE_FCNTL_CKPT_START;
        self->has_passed = false;
        self->has_begun = false;
        break; /* the VFS below may care too */
    case SQLITE_FCNTL_PRAGMA:
        return filter_pragma(self, arg);
    case SQLITE_FCNTL_SIZE_HINT:
        return hint_size(self, arg);
    case SQLITE_FCNTL_CHUNK_SIZE:
        return SQLITE_OK; /* would leave bytes in the file that no page owns */
    case SQLITE_FCNTL_MMAP_SIZE:
        *(sqlite3_int64 *)arg = 0;
        return SQLITE_OK;
    case SQLITE_FCNTL_POWERSAFE_OVERWRITE:
        *(int *)arg = 1;
        return SQLITE_OK;
    case SQLITE_FCNTL_BEGIN_ATOMIC_WRITE:
    case SQLITE_FCNTL_COMMIT_ATOMIC_WRITE:
    case SQLITE_FCNTL_ROLLBACK_ATOMIC_WRITE:
        return SQLITE_NOTFOUND;
    case SQLITE_FCNTL_VFSNAME:
        return name_vfs(self, arg);
    default:
        break;
    }
    return self->real->pMethods->xFileControl(self->real, op, arg);
}
