/* SPDX-License-Identifier: Apache-2.0 */
#include "patch/patch.h"

#include "base/limits.h"
#include "patch/internal.h"

fhirstore_status fhs_patch_fail(const fhs_patch *patch, uint32_t number, const fhs_json *operation,
                                fhirstore_status status, const char *why, fhirstore_error **err)
{
    uint32_t line;
    uint32_t column;
    (void)fhs_fail(err, status, "operation %u of the patch: %s", number, why);
    fhs_json_position(patch->text, operation->begin, &line, &column);
    fhs_error_at(err, operation->begin, line, column);
    return status;
}

fhirstore_status fhs_patch_read(fhs_arena *arena, fhs_patch_kind kind, fhs_str text, fhs_patch *out,
                                fhirstore_error **err)
{
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_RESOURCE_BYTES};
    *out = (fhs_patch){.kind = kind, .text = text};
    fhirstore_status status = fhs_json_read(arena, text, &limits, &out->root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    switch (kind) {
    case FHS_PATCH_JSON:
        return fhs_json_patch_check(out, err);
    case FHS_PATCH_MERGE:
        return FHIRSTORE_OK;
    case FHS_PATCH_FHIRPATH:
        return fhs_fp_patch_check(arena, out, err);
    }
    return fhs_fail_plain(err, FHIRSTORE_ERR_INTERNAL);
}

fhirstore_status fhs_patch_apply(fhs_arena *arena, const fhs_fhir *fhir, const fhs_patch *patch,
                                 fhs_str text, fhs_buf *out, fhirstore_error **err)
{
    const fhs_json *json;
    if (patch->kind == FHS_PATCH_FHIRPATH) {
        return fhs_fp_patch_apply(arena, fhir, patch, text, out, err);
    }
    fhirstore_status status = fhs_json_read(arena, text, NULL, &json, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_tree *root = fhs_tree_of(arena, json, text);
    if (root == NULL) {
        return fhs_fail_memory(err);
    }
    status = patch->kind == FHS_PATCH_JSON ? fhs_json_patch_apply(arena, patch, &root, err)
                                           : fhs_merge_patch_apply(arena, patch, &root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_tree_write(root, out);
    status = fhs_buf_status(out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}
