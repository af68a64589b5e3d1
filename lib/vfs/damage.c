/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, remembered without a lock, and said in the library's own statuses. */
#include <stdio.h>

#include "vfs/vfs_internal.h"

#define NUMBER_BITS 56
#define NUMBER_MASK (((uint64_t)1 << NUMBER_BITS) - 1)

/* place: 3 bits, flaw: 5 bits, number: 56 bits (all ones: the log's header). */
void fhs_vfs_note(fhs_vfs *vfs, fhs_vfs_place place, fhs_vfs_flaw flaw, uint64_t number)
{
    uint64_t packed = ((uint64_t)place << 61) | ((uint64_t)flaw << NUMBER_BITS);
    atomic_store(&vfs->damage, packed | (number & NUMBER_MASK));
}

bool fhs_vfs_last_damage(const fhs_vfs *vfs, fhs_vfs_damage *damage_out)
{
    uint64_t packed = atomic_load(&vfs->damage);
    uint64_t number = packed & NUMBER_MASK;
    damage_out->place = (fhs_vfs_place)(packed >> 61);
    damage_out->flaw = (fhs_vfs_flaw)((packed >> NUMBER_BITS) & 0x1F);
    damage_out->number = number == NUMBER_MASK ? FHS_VFS_WAL_HEADER : number;
    return packed != 0;
}

bool fhs_vfs_is_mended(const fhs_vfs *vfs)
{
    return vfs->is_mended;
}

bool fhs_vfs_lost_tail(const fhs_vfs *vfs, uint64_t *first_bad_frame_out)
{
    uint64_t lost = atomic_load(&vfs->lost_tail);
    *first_bad_frame_out = lost == 0 ? 0 : lost - 1;
    return lost != 0;
}

static const char *flaw_text(fhs_vfs_flaw flaw)
{
    switch (flaw) {
    case FHS_VFS_DAMAGED:
        return "does not authenticate";
    case FHS_VFS_MISSING:
        return "is missing: the file ends before it";
    case FHS_VFS_TORN_TAIL:
        return "is unfinished, as a crash leaves it";
    case FHS_VFS_LOST_TAIL:
        return "is bad though valid frames follow: commits may be lost";
    case FHS_VFS_SUPERSEDED:
        return "does not authenticate, but the log holds a newer copy";
    case FHS_VFS_STALE:
        return "is not of one piece: something old was put back";
    case FHS_VFS_OVERWRITTEN:
        return "did not authenticate when the store was opened, and was written anew since";
    case FHS_VFS_SOUND:
    default:
        return "is sound";
    }
}

void fhs_vfs_describe(const fhs_vfs_damage *damage, char *out, size_t size)
{
    static const char *const places[] = {"", "header copy", "page", "log frame", "file of size"};
    const char *flaw = flaw_text(damage->flaw);
    if (damage->place == FHS_VFS_WAL && damage->number == FHS_VFS_WAL_HEADER) {
        (void)snprintf(out, size, "log header %s", flaw);
        return;
    }
    (void)snprintf(out, size, "%s %llu %s",
                   (size_t)damage->place < FHS_COUNT_OF(places) ? places[damage->place] : "",
                   (unsigned long long)damage->number, flaw);
}

static fhirstore_status data_status(const fhs_vfs *vfs)
{
    fhs_vfs_damage damage;
    (void)fhs_vfs_last_damage(vfs, &damage);
    return damage.flaw == FHS_VFS_MISSING ? FHIRSTORE_ERR_TRUNCATED : FHIRSTORE_ERR_TAMPERED;
}

fhirstore_status fhs_sqlite_status(int sqlite_code)
{
    if (sqlite_code == SQLITE_IOERR_NOMEM) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    switch (sqlite_code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return FHIRSTORE_OK;
    case SQLITE_NOMEM:
        return FHIRSTORE_ERR_NO_MEMORY;
    case SQLITE_FULL:
        return FHIRSTORE_ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return FHIRSTORE_ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT:
    case SQLITE_FORMAT:
        return FHIRSTORE_ERR_CORRUPT;
    case SQLITE_NOTADB:
        return FHIRSTORE_ERR_NOT_A_STORE;
    case SQLITE_READONLY:
        return FHIRSTORE_ERR_READ_ONLY;
    case SQLITE_INTERRUPT:
        return FHIRSTORE_ERR_CANCELLED;
    case SQLITE_TOOBIG:
        return FHIRSTORE_ERR_LIMIT;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOLFS:
        return FHIRSTORE_ERR_IO;
    default:
        return FHIRSTORE_ERR_INTERNAL;
    }
}

fhirstore_status fhs_vfs_status(const fhs_vfs *vfs, int sqlite_code)
{
    int primary = sqlite_code & 0xFF;
    if (primary != SQLITE_OK && primary != SQLITE_ROW && primary != SQLITE_DONE &&
        fhs_vfs_is_forked(vfs)) {
        return FHIRSTORE_ERR_FORKED;
    }
    if (sqlite_code == SQLITE_IOERR_DATA) {
        return data_status(vfs);
    }
    /* Whose header block opened is a store: what SQLite cannot read inside is damaged. */
    return primary == SQLITE_NOTADB ? FHIRSTORE_ERR_CORRUPT : fhs_sqlite_status(sqlite_code);
}

fhirstore_status fhs_vfs_fail(const fhs_vfs *vfs, int sqlite_code, const char *what,
                              fhirstore_error **err)
{
    char reason[128];
    fhs_vfs_damage damage;
    fhirstore_status status = fhs_vfs_status(vfs, sqlite_code);
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        return fhs_fail_memory(err);
    }
    if (sqlite_code == SQLITE_IOERR_DATA && fhs_vfs_last_damage(vfs, &damage)) {
        fhs_vfs_describe(&damage, reason, sizeof reason);
    } else {
        (void)snprintf(reason, sizeof reason, "%s", fhs_status_text(status));
    }
    (void)fhs_fail(err, status, "%s: %s", what, reason);
    fhs_error_cause(err, sqlite_code);
    return status;
}
