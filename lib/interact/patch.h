/* SPDX-License-Identifier: Apache-2.0 */
/* patch as an interaction, and the forms in which a patch comes. */
#ifndef FHS_INTERACT_PATCH_H
#define FHS_INTERACT_PATCH_H

#include "interact/links.h"
#include "interact/write.h"
#include "patch/patch.h"

/*
 * ERR_NOT_FOUND, ERR_DELETED; ERR_PATCH_DOCUMENT for what is no patch, ERR_PATCH for one that
 * cannot be applied, or makes of the resource what it cannot be.
 */
fhirstore_status fhs_interact_patch(fhs_session *session, fhs_type type, fhs_str id,
                                    fhs_patch_kind kind, fhs_str text,
                                    const fhs_condition *condition, fhs_answer *answer,
                                    fhirstore_error **err);
/* Of the one resource that matches: ERR_NOT_FOUND, ERR_MULTIPLE_MATCHES; empty: ERR_PRECONDITION.
 */
fhirstore_status fhs_interact_patch_where(fhs_session *session, fhs_type type, fhs_str criteria,
                                          fhs_patch_kind kind, fhs_str text,
                                          const fhs_condition *condition, fhs_answer *answer,
                                          fhirstore_error **err);
/* Inside a transaction: what the patch brings may link to the other entries. */
typedef struct fhs_patch_entry {
    fhs_str resource; /* a Binary or Parameters */
    const fhs_links *links;
    fhs_linked_text linking; /* how to rewrite; type, text and root are set here */
} fhs_patch_entry;
fhirstore_status fhs_interact_patch_in(fhs_call *outer, fhs_type type, fhs_str id,
                                       const fhs_patch_entry *entry, const fhs_condition *condition,
                                       bool with_body, fhs_answer *answer, fhirstore_error **err);

/* A change of the store's own making: the text of the current version becomes that of the next. */
typedef struct fhs_rewrite {
    fhirstore_status (*rewrite)(void *ctx, fhs_str old_text, fhs_buf *new_text,
                                fhirstore_error **err);
    void *ctx;
} fhs_rewrite;
/*
 * Inside the write transaction of @a call, which is about the resource: read it, rewrite it, check
 * and store it as a patch is. The answer's body is the resource.
 */
fhirstore_status fhs_rewrite_resource(fhs_call *call, const fhs_rewrite *rewrite,
                                      const fhs_condition *condition, fhs_answer *answer,
                                      fhirstore_error **err);

/* What a media type says of a patch; without one, what @a text looks like. ERR_MEDIA_TYPE. */
fhirstore_status fhs_patch_kind_of(fhs_str media_type, fhs_str text, fhs_patch_kind *out,
                                   fhirstore_error **err);
/* The patch in an entry's resource, appended to @a out. */
fhirstore_status fhs_patch_of_entry(fhs_arena *arena, fhs_str resource, fhs_patch_kind *kind_out,
                                    fhs_buf *out, fhirstore_error **err);

#endif
