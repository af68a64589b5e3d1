/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of an open store: read, written and synced through the file that is held. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "vfs/vfs_internal.h"

static fhirstore_status read_header(void *ctx, uint64_t offset, uint8_t *out, size_t len,
                                    fhirstore_error **err)
{
    fhs_vfs *vfs = ctx;
    int code = vfs->anchor->pMethods->xRead(vfs->anchor, out, (int)len, (sqlite3_int64)offset);
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_sqlite_failure(err, "the header cannot be read", code);
}

static fhirstore_status write_header(void *ctx, uint64_t offset, const uint8_t *bytes, size_t len,
                                     fhirstore_error **err)
{
    fhs_vfs *vfs = ctx;
    int code = vfs->anchor->pMethods->xWrite(vfs->anchor, bytes, (int)len, (sqlite3_int64)offset);
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_sqlite_failure(err, "the header cannot be written", code);
}

static fhirstore_status sync_header(void *ctx, fhirstore_error **err)
{
    fhs_vfs *vfs = ctx;
    int code = vfs->anchor->pMethods->xSync(vfs->anchor, SQLITE_SYNC_FULL);
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_sqlite_failure(err, "the header cannot be synced", code);
}

static void lock_threads(fhs_vfs *vfs)
{
    (void)pthread_mutex_lock(&vfs->header_lock);
}

static void unlock_threads(fhs_vfs *vfs)
{
    (void)pthread_mutex_unlock(&vfs->header_lock);
}

/*
 * A lock of the system's on the header block's bytes, which SQLite never locks. It needs a
 * descriptor of its own, kept open for as long as SQLite may hold locks of this process.
 */
static int lock_processes(fhs_vfs *vfs, short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = BLOCK_BYTES};
    if (vfs->header_file < 0) {
        vfs->header_file = open(vfs->path, O_RDWR | O_CLOEXEC);
    }
    if (vfs->header_file < 0) {
        return errno;
    }
    int failed = EINTR; /* a signal ends the wait without the lock */
    while (failed == EINTR) {
        failed = fcntl(vfs->header_file, F_SETLKW, &range) == 0 ? 0 : errno;
    }
    return failed;
}

fhirstore_status fhs_vfs_lock_header(fhs_vfs *vfs, fhirstore_error **err)
{
    lock_threads(vfs);
    int failed = vfs->multi_process && !fhs_vfs_is_forked(vfs) ? lock_processes(vfs, F_WRLCK) : 0;
    if (failed != 0) {
        unlock_threads(vfs);
        return fhs_vfs_system_failure(err, "the header cannot be locked", failed);
    }
    return FHIRSTORE_OK;
}

void fhs_vfs_unlock_header(fhs_vfs *vfs)
{
    if (vfs->header_file >= 0) {
        (void)lock_processes(vfs, F_UNLCK);
    }
    unlock_threads(vfs);
}

void fhs_vfs_close_header(fhs_vfs *vfs)
{
    if (vfs->header_file >= 0) {
        (void)close(vfs->header_file);
        vfs->header_file = -1;
    }
}

static fhirstore_status lock_for_keys(void *ctx, fhirstore_error **err)
{
    return fhs_vfs_lock_header(ctx, err);
}

static void unlock_for_keys(void *ctx)
{
    fhs_vfs_unlock_header(ctx);
}

fhs_keys_io fhs_vfs_header_io(fhs_vfs *vfs)
{
    return (fhs_keys_io){vfs,         read_header,   write_header,
                         sync_header, lock_for_keys, unlock_for_keys};
}

fhirstore_status fhs_vfs_check_may_write(const fhs_vfs *vfs, fhirstore_error **err)
{
    if (fhs_vfs_is_forked(vfs)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_FORKED);
    }
    return vfs->read_only ? fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY) : FHIRSTORE_OK;
}

fhirstore_status fhs_vfs_catch_up(fhs_vfs *vfs, fhirstore_error **err)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    if (fhs_vfs_is_forked(vfs)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_FORKED);
    }
    return vfs->multi_process && vfs->anchor != NULL ? fhs_keys_catch_up(vfs->keys, &io, err)
                                                     : FHIRSTORE_OK;
}

uint64_t fhs_vfs_generation(fhs_vfs *vfs)
{
    lock_threads(vfs);
    uint64_t generation = fhs_keys_generation(vfs->keys);
    unlock_threads(vfs);
    return generation;
}

uint32_t fhs_vfs_slot_count(fhs_vfs *vfs)
{
    lock_threads(vfs);
    uint32_t count = fhs_keys_slot_count(vfs->keys);
    unlock_threads(vfs);
    return count;
}

bool fhs_vfs_slot_get(fhs_vfs *vfs, uint32_t index, fhs_key_slot *slot_out)
{
    lock_threads(vfs);
    bool found = fhs_keys_slot_get(vfs->keys, index, slot_out);
    unlock_threads(vfs);
    return found;
}

fhirstore_status fhs_vfs_slot_add(fhs_vfs *vfs, const fhs_credential *credential, fhs_key_cost cost,
                                  fhs_str label, uint32_t *id_out, fhirstore_error **err)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    *id_out = 0;
    fhirstore_status status = fhs_vfs_check_may_write(vfs, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_keys_slot_add(vfs->keys, credential, cost, label, &io, id_out, err);
    }
    return status;
}

fhirstore_status fhs_vfs_slot_remove(fhs_vfs *vfs, uint32_t id, fhirstore_error **err)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    fhirstore_status status = fhs_vfs_check_may_write(vfs, err);
    return status == FHIRSTORE_OK ? fhs_keys_slot_remove(vfs->keys, id, &io, err) : status;
}

fhirstore_status fhs_vfs_slot_rotate(fhs_vfs *vfs, uint32_t id, const fhs_credential *credential,
                                     fhs_key_cost cost, fhs_str label, uint32_t *id_out,
                                     fhirstore_error **err)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    *id_out = 0;
    fhirstore_status status = fhs_vfs_check_may_write(vfs, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_keys_slot_rotate(vfs->keys, id, credential, cost, label, &io, id_out, err);
    }
    return status;
}

fhirstore_status fhs_vfs_mend_header(fhs_vfs *vfs, fhirstore_error **err)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    fhirstore_status status = fhs_vfs_check_may_write(vfs, err);
    for (int copy = 0; copy < 2 && status == FHIRSTORE_OK; copy++) {
        status = fhs_keys_write_again(vfs->keys, &io, err);
    }
    if (status == FHIRSTORE_OK) {
        vfs->bad_copy = 0;
    }
    return status;
}
