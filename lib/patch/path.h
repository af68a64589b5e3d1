/* SPDX-License-Identifier: Apache-2.0 */
/* What a path of a FHIRPath Patch names in the document as it now is. */
#ifndef FHS_PATCH_PATH_H
#define FHS_PATCH_PATH_H

#include "fhirpath/fhirpath.h"
#include "patch/element.h"
#include "patch/internal.h"

/* The document while operations change it. */
typedef struct fhs_draft {
    fhs_editor editor; /* its arena is that of the document as it was read last */
    fhs_tree *root;
    const fhs_json *json; /* what root was read as */
    bool is_changed;      /* since then */
    fhs_arena arenas[2];  /* in turn */
    fhs_buf texts[2];
    unsigned turn;
    fhs_fhirpath_run *run; /* made when it is needed */
} fhs_draft;

fhirstore_status fhs_draft_open(fhs_draft *draft, const fhs_fhir *fhir, fhs_str text,
                                fhirstore_error **err);
void fhs_draft_close(fhs_draft *draft);

/* What was found: where the first stands, and how many there are. */
typedef struct fhs_found {
    fhs_spot place;
    uint32_t count;
    bool is_one_list; /* all are items of the list of the first */
} fhs_found;

/*
 * Find what @a path names. ERR_FHIRPATH_… where it is no FHIRPath, ERR_PATCH where it names
 * something that is no element of the resource.
 */
fhirstore_status fhs_draft_find(fhs_draft *draft, fhs_str path, fhs_found *out,
                                fhirstore_error **err);

#endif
