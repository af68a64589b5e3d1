/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of an open store: read, written and synced through the file that is held. */
#include "vfs/vfs_internal.h"

static fhirstore_status read_header(void *ctx, uint64_t offset, uint8_t *out, size_t len,
                                    fhirstore_error **err)
{
    fhs_vfs *vfs = ctx;
    int code = vfs->anchor->pMethods->xRead(vfs->anchor, out, (int)len, (sqlite3_int64)offset);
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_io_failure(err, "the header cannot be read", code);
}

static fhirstore_status write_header(void *ctx, uint64_t offset, const uint8_t *bytes, size_t len,
                                     fhirstore_error **err)
{
    fhs_vfs *vfs = ctx;
    int code = vfs->anchor->pMethods->xWrite(vfs->anchor, bytes, (int)len, (sqlite3_int64)offset);
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_io_failure(err, "the header cannot be written", code);
}

static fhirstore_status sync_header(void *ctx, fhirstore_error **err)
{
    fhs_vfs *vfs = ctx;
    int code = vfs->anchor->pMethods->xSync(vfs->anchor, SQLITE_SYNC_FULL);
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_io_failure(err, "the header cannot be synced", code);
}

static void lock_header_block(void *ctx)
{
    (void)pthread_mutex_lock(&((fhs_vfs *)ctx)->header_lock);
}

static void unlock_header_block(void *ctx)
{
    (void)pthread_mutex_unlock(&((fhs_vfs *)ctx)->header_lock);
}

fhs_keys_io fhs_vfs_header_io(fhs_vfs *vfs)
{
    return (fhs_keys_io){vfs,         read_header,       write_header,
                         sync_header, lock_header_block, unlock_header_block};
}

fhirstore_status fhs_vfs_check_may_write(const fhs_vfs *vfs, fhirstore_error **err)
{
    if (fhs_vfs_is_forked(vfs)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_FORKED);
    }
    return vfs->read_only ? fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY) : FHIRSTORE_OK;
}

uint64_t fhs_vfs_generation(fhs_vfs *vfs)
{
    lock_header_block(vfs);
    uint64_t generation = fhs_keys_generation(vfs->keys);
    unlock_header_block(vfs);
    return generation;
}

uint32_t fhs_vfs_slot_count(fhs_vfs *vfs)
{
    lock_header_block(vfs);
    uint32_t count = fhs_keys_slot_count(vfs->keys);
    unlock_header_block(vfs);
    return count;
}

bool fhs_vfs_slot_get(fhs_vfs *vfs, uint32_t index, fhs_key_slot *slot_out)
{
    lock_header_block(vfs);
    bool found = fhs_keys_slot_get(vfs->keys, index, slot_out);
    unlock_header_block(vfs);
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
