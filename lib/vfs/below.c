/* SPDX-License-Identifier: Apache-2.0 */
/* The files below: opened and closed through the base VFS, and asked what they hold. */
#include <sys/stat.h>

#include "base/mem.h"
#include "vfs/vfs_internal.h"

int fhs_vfs_open_file(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags,
                      int *granted)
{
    int ignored = 0;
    file->pMethods = NULL;
    int code = base->xOpen(base, name, file, flags, granted == NULL ? &ignored : granted);
    if (code != SQLITE_OK && file->pMethods != NULL) {
        (void)file->pMethods->xClose(file);
        file->pMethods = NULL;
    }
    return code;
}

int fhs_vfs_close_real(fhs_vfs_file *self)
{
    int code = self->real->pMethods->xClose(self->real);
    self->real->pMethods = NULL;
    return code;
}

/*
 * All access to the file goes through the base VFS: closing a descriptor of one's own would drop
 * the locks that the whole process holds on it.
 */
fhirstore_status fhs_vfs_open_below(fhs_vfs *vfs, const char *path, int flags, sqlite3_file **out,
                                    int *granted, fhirstore_error **err)
{
    *granted = 0;
    *out = fhs_calloc(1, (size_t)vfs->base->szOsFile);
    if (*out == NULL) {
        return fhs_fail_memory(err);
    }
    int code = fhs_vfs_open_file(vfs->base, path, *out, flags, granted);
    if (code == SQLITE_OK) {
        return FHIRSTORE_OK;
    }
    fhs_free(*out);
    *out = NULL;
    return fhs_vfs_sqlite_failure(err, "the file cannot be opened", code);
}

int fhs_vfs_close_below(sqlite3_file *file)
{
    int code = SQLITE_OK;
    if (file != NULL) {
        code = file->pMethods->xClose(file);
        fhs_free(file);
    }
    return code;
}

int fhs_vfs_count_pages(const fhs_vfs *vfs, uint32_t *pages_out)
{
    sqlite3_int64 size = 0;
    int code = vfs->anchor->pMethods->xFileSize(vfs->anchor, &size);
    *pages_out = size <= BLOCK_BYTES ? 0 : (uint32_t)((size - BLOCK_BYTES) / PAGE_BYTES);
    return code;
}

bool fhs_vfs_log_is_empty(const fhs_vfs *vfs)
{
    struct stat log;
    return stat(vfs->wal_path, &log) != 0 || log.st_size == 0;
}
