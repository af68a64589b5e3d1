/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the vfs room in a build without it: only plaintext stores can be opened. */
#include "storage/storage_internal.h"

fhirstore_status fhs_vfs_open(const char *path, const fhs_vfs_options *options, fhs_vfs **vfs_out,
                              fhirstore_error **err)
{
    (void)path;
    (void)options;
    *vfs_out = NULL;
    return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "built without encrypted stores");
}

void fhs_vfs_close(fhs_vfs *vfs)
{
    (void)vfs;
}

const char *fhs_vfs_name(const fhs_vfs *vfs)
{
    (void)vfs;
    return "";
}

int fhs_vfs_sqlite_flags(const fhs_vfs *vfs)
{
    (void)vfs;
    return 0;
}

fhirstore_status fhs_vfs_setup(fhs_vfs *vfs, struct sqlite3 *db, fhirstore_error **err)
{
    (void)vfs;
    (void)db;
    return fhs_fail_plain(err, FHIRSTORE_ERR_NOT_SUPPORTED);
}

fhirstore_status fhs_vfs_fail(const fhs_vfs *vfs, int sqlite_code, const char *what,
                              fhirstore_error **err)
{
    (void)vfs;
    (void)sqlite_code;
    (void)what;
    return fhs_fail_plain(err, FHIRSTORE_ERR_NOT_SUPPORTED);
}

void fhs_vfs_describe(const fhs_vfs_damage *damage, char *out, size_t size)
{
    (void)damage;
    if (size > 0) {
        out[0] = '\0';
    }
}

fhirstore_status fhs_vfs_verify_pages(fhs_vfs *vfs, fhs_vfs_verify_fn report, void *ctx,
                                      fhs_vfs_verified *verified_out, fhirstore_error **err)
{
    (void)vfs;
    (void)report;
    (void)ctx;
    *verified_out = (fhs_vfs_verified){0, 0, 0};
    return fhs_fail_plain(err, FHIRSTORE_ERR_NOT_SUPPORTED);
}
