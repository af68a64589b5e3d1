/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, remembered without a lock, and said in the library's own statuses. */
#include <errno.h>
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

static const char *const places[] = {"", "header copy", "page", "log frame", "file of size"};
static const char *const flaws[] = {
    [FHS_VFS_SOUND] = "is sound",
    [FHS_VFS_DAMAGED] = "does not authenticate",
    [FHS_VFS_MISSING] = "is missing: the file ends before it",
    [FHS_VFS_TORN_TAIL] = "is unfinished, as a crash leaves it",
    [FHS_VFS_LOST_TAIL] = "is bad though valid frames follow: commits may be lost",
    [FHS_VFS_SUPERSEDED] = "does not authenticate, but the log holds a newer copy",
    [FHS_VFS_STALE] = "is not of one piece: something old was put back",
    [FHS_VFS_OVERWRITTEN] = ("did not authenticate when the store was opened, and was written anew "
                             "since"),
};

void fhs_vfs_describe(const fhs_vfs_damage *damage, char *out, size_t size)
{
    if (damage->place == FHS_VFS_WAL && damage->number == FHS_VFS_WAL_HEADER) {
        (void)snprintf(out, size, "log header %s", flaws[damage->flaw]);
        return;
    }
    (void)snprintf(out, size, "%s %llu %s", places[damage->place],
                   (unsigned long long)damage->number, flaws[damage->flaw]);
}

/* ---- statuses ---- */

static fhirstore_status data_status(const fhs_vfs *vfs)
{
    fhs_vfs_damage damage;
    (void)fhs_vfs_last_damage(vfs, &damage);
    return damage.flaw == FHS_VFS_MISSING ? FHIRSTORE_ERR_TRUNCATED : FHIRSTORE_ERR_TAMPERED;
}

fhirstore_status fhs_sqlite_status(int sqlite_code)
{
    static const struct {
        int code; /* primary */
        fhirstore_status status;
    } rows[] = {
        {SQLITE_OK, FHIRSTORE_OK},
        {SQLITE_ROW, FHIRSTORE_OK},
        {SQLITE_DONE, FHIRSTORE_OK},
        {SQLITE_NOMEM, FHIRSTORE_ERR_NO_MEMORY},
        {SQLITE_FULL, FHIRSTORE_ERR_FULL},
        {SQLITE_BUSY, FHIRSTORE_ERR_BUSY},
        {SQLITE_LOCKED, FHIRSTORE_ERR_BUSY},
        {SQLITE_PROTOCOL, FHIRSTORE_ERR_BUSY},
        {SQLITE_CORRUPT, FHIRSTORE_ERR_CORRUPT},
        {SQLITE_CONSTRAINT, FHIRSTORE_ERR_CORRUPT},
        {SQLITE_FORMAT, FHIRSTORE_ERR_CORRUPT},
        {SQLITE_NOTADB, FHIRSTORE_ERR_NOT_A_STORE},
        {SQLITE_READONLY, FHIRSTORE_ERR_READ_ONLY},
        {SQLITE_INTERRUPT, FHIRSTORE_ERR_CANCELLED},
        {SQLITE_TOOBIG, FHIRSTORE_ERR_LIMIT},
        {SQLITE_IOERR, FHIRSTORE_ERR_IO},
        {SQLITE_CANTOPEN, FHIRSTORE_ERR_IO},
        {SQLITE_PERM, FHIRSTORE_ERR_IO},
        {SQLITE_AUTH, FHIRSTORE_ERR_IO},
        {SQLITE_NOLFS, FHIRSTORE_ERR_IO},
    };
    if (sqlite_code == SQLITE_IOERR_NOMEM) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        if (rows[i].code == (sqlite_code & 0xFF)) {
            return rows[i].status;
        }
    }
    return FHIRSTORE_ERR_INTERNAL;
}

fhirstore_status fhs_vfs_status(const fhs_vfs *vfs, int sqlite_code)
{
    fhirstore_status status = fhs_sqlite_status(sqlite_code);
    if (status != FHIRSTORE_OK && fhs_vfs_is_forked(vfs)) {
        return FHIRSTORE_ERR_FORKED;
    }
    if (sqlite_code == SQLITE_IOERR_DATA) {
        return data_status(vfs);
    }
    /* Whose header block opened is a store: what SQLite cannot read inside is damaged. */
    return status == FHIRSTORE_ERR_NOT_A_STORE ? FHIRSTORE_ERR_CORRUPT : status;
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

/* ---- what fails before SQLite is there to tell, or beside it ---- */

static fhirstore_status tell_io_failure(fhirstore_error **err, fhirstore_status status,
                                        const char *what, int cause)
{
    (void)fhs_fail(err, status, "%s: %s", what, fhs_status_text(status));
    fhs_error_cause(err, cause);
    return status;
}

fhirstore_status fhs_vfs_sqlite_failure(fhirstore_error **err, const char *what, int sqlite_code)
{
    fhirstore_status status = fhs_sqlite_status(sqlite_code);
    bool is_told = status == FHIRSTORE_ERR_FULL || status == FHIRSTORE_ERR_NO_MEMORY;
    return tell_io_failure(err, is_told ? status : FHIRSTORE_ERR_IO, what, sqlite_code);
}

fhirstore_status fhs_vfs_system_failure(fhirstore_error **err, const char *what, int number)
{
    bool is_full = number == ENOSPC || number == EDQUOT;
    fhirstore_status status = is_full            ? FHIRSTORE_ERR_FULL
                              : number == ENOMEM ? FHIRSTORE_ERR_NO_MEMORY
                                                 : FHIRSTORE_ERR_IO;
    return tell_io_failure(err, status, what, number);
}

int fhs_vfs_sqlite_code(fhirstore_status status)
{
    switch (status) {
    case FHIRSTORE_OK:
        return SQLITE_OK;
    case FHIRSTORE_ERR_FULL:
        return SQLITE_FULL;
    case FHIRSTORE_ERR_NO_MEMORY:
        return SQLITE_IOERR_NOMEM;
    default:
        return SQLITE_IOERR_WRITE;
    }
}
