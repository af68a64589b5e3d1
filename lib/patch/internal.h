/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this folder. */
#ifndef FHS_PATCH_INTERNAL_H
#define FHS_PATCH_INTERNAL_H

#include "patch/patch.h"
#include "patch/tree.h"

/* "operation 3: why", at the operation's place in the patch. @a number counts from 1. */
fhirstore_status fhs_patch_fail(const fhs_patch *patch, uint32_t number, const fhs_json *operation,
                                fhirstore_status status, const char *why, fhirstore_error **err);

/* *root is what was read at first, and what came of it afterwards. */
fhirstore_status fhs_json_patch_check(const fhs_patch *patch, fhirstore_error **err);
fhirstore_status fhs_json_patch_apply(fhs_arena *arena, const fhs_patch *patch, fhs_tree **root,
                                      fhirstore_error **err);
fhirstore_status fhs_merge_patch_apply(fhs_arena *arena, const fhs_patch *patch, fhs_tree **root,
                                       fhirstore_error **err);
fhirstore_status fhs_fp_patch_check(fhs_arena *arena, fhs_patch *patch, fhirstore_error **err);
fhirstore_status fhs_fp_patch_apply(fhs_arena *arena, const fhs_fhir *fhir, const fhs_patch *patch,
                                    fhs_str text, fhs_buf *out, fhirstore_error **err);

#endif
