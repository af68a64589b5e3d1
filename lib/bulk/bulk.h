/* SPDX-License-Identifier: Apache-2.0 */
/* Many resources in, many resources out. The public contract is fhirstore/bulk.h. */
#ifndef FHS_BULK_BULK_H
#define FHS_BULK_BULK_H

#include "fhirstore/bulk.h"
#include "interact/interact.h"

typedef struct fhs_import fhs_import;

typedef struct fhs_import_options {
    uint32_t per_commit; /* 0: 1000 */
    fhirstore_import_refused_fn refused;
    fhirstore_import_progress_fn progress;
    void *ctx;
} fhs_import_options;

fhirstore_status fhs_import_open(fhs_session *session, const fhs_import_options *options,
                                 fhs_import **out, fhirstore_error **err);
fhirstore_status fhs_import_add(fhs_import *import, const char *name, uint64_t line, fhs_str text,
                                fhirstore_error **err);
const fhirstore_import_totals *fhs_import_totals(const fhs_import *import);
/* Commit what is pending; the next document begins another transaction. */
fhirstore_status fhs_import_finish(fhs_import *import, fhirstore_error **err);
void fhs_import_close(fhs_import *import);

fhirstore_status fhs_export(fhs_session *session, fhs_type type, int64_t since_us,
                            fhirstore_export_fn take, void *ctx, int64_t *count_out,
                            fhirstore_error **err);

#endif
