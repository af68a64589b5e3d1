/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patches: a text changed by JSON Patch (RFC 6902), JSON Merge Patch (RFC 7396) or FHIRPath Patch,
 * and the FHIRPath Patch that leads from one resource to another. Nothing here knows a store.
 */
#ifndef FHS_PATCH_PATCH_H
#define FHS_PATCH_PATCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "fhir/fhir.h"
#include "json/json.h"

typedef enum fhs_patch_kind {
    FHS_PATCH_JSON = 1,     /* application/json-patch+json */
    FHS_PATCH_MERGE = 2,    /* application/merge-patch+json */
    FHS_PATCH_FHIRPATH = 3, /* application/fhir+json: a Parameters resource */
} fhs_patch_kind;

/* A patch that was read and is well formed. Lives in an arena, borrows its text. */
typedef struct fhs_patch {
    fhs_patch_kind kind;
    fhs_str text;
    const fhs_json *root;
    const struct fhs_fp_operation *operations; /* FHIRPath Patch */
    uint32_t count;
} fhs_patch;

/*
 * Read @a text and look at each operation. ERR_JSON…, ERR_PATCH_DOCUMENT (which operation, and
 * where), ERR_LIMIT.
 */
fhirstore_status fhs_patch_read(fhs_arena *arena, fhs_patch_kind kind, fhs_str text, fhs_patch *out,
                                fhirstore_error **err);

/*
 * Append the JSON of @a text, patched, to @a out. What the patch does not touch stays byte for
 * byte, white space between tokens aside. ERR_PATCH where an operation cannot be applied, with its
 * number; ERR_FHIRPATH_…; ERR_LIMIT; nothing of @a out is to be used then. @a fhir may be NULL but
 * for FHIRPath Patch. Nothing is checked against FHIR's definitions but what a FHIRPath Patch
 * names.
 */
fhirstore_status fhs_patch_apply(fhs_arena *arena, const fhs_fhir *fhir, const fhs_patch *patch,
                                 fhs_str text, fhs_buf *out, fhirstore_error **err);

/*
 * Append the Parameters resource that turns resource @a from into @a to, which are of one type: a
 * FHIRPath Patch without "id" and the store's fields of "meta".
 */
fhirstore_status fhs_patch_diff(fhs_arena *arena, const fhs_fhir *fhir, fhs_str from, fhs_str to,
                                fhs_buf *out, fhirstore_error **err);

#endif
