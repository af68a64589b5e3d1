/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call may see of each type: nothing, all, or what fits a restriction. The authorizer is
 * asked once for each type and call; a restriction becomes a node when it is first needed.
 */
#ifndef FHS_INTERACT_SIGHT_H
#define FHS_INTERACT_SIGHT_H

#include "interact/core.h"
#include "query/query.h"
#include "search/search.h"

/* The elements of @a type that the call does not see or may not change; NULL: none. */
const fhs_mask *fhs_sight_mask(fhs_call *call, fhs_type type);
/* The same for a search, whose restriction_ctx is the call. */
const fhs_search_mask *fhs_sight_search_mask(void);

/* Keep what was granted for the call's own type, or forget what was kept when NULL. */
fhirstore_status fhs_sight_keep(fhs_call *call, fhs_type type, const fhs_grant *grant,
                                fhirstore_error **err);
void fhs_sight_drop(fhs_call *call);

/* Whether what may be seen of @a type is only a part of it. */
bool fhs_sight_is_partial(fhs_call *call, fhs_type type);
/*
 * The restriction of @a type: NULL node where all may be seen. The call's connection must be in a
 * transaction. ERR_DENIED: nothing may be seen.
 */
fhirstore_status fhs_sight_node(fhs_call *call, fhs_type type, const fhs_node **node_out,
                                fhirstore_error **err);

/*
 * May the call see this state of a resource? @a rows: its row list, or none for what is stored now
 * as its current version. @a version: entity, type, seq and updated_us count.
 */
fhirstore_status fhs_sight_judge(fhs_call *call, fhs_type type, const fhs_version *version,
                                 fhs_str rows, bool *yes_out, fhirstore_error **err);
/*
 * Under a restriction: is there a current resource that the call may see? ERR_NOT_FOUND, the same
 * for what is hidden, deleted, or was never there. Without one always OK.
 */
fhirstore_status fhs_sight_find(fhs_call *call, fhs_type type, fhs_str id, fhirstore_error **err);
/* Whether any decision may hide elements or keep them from being changed. */
bool fhs_sight_has_masks(const fhs_call *call);
/* Whether there may be something to hide in @a body. */
bool fhs_sight_may_mask(fhs_call *call, fhs_type type, fhs_str body);
/* Append @a body without what the call does not see of it. */
fhirstore_status fhs_sight_show(fhs_call *call, fhs_type type, fhs_str body, fhs_buf *out,
                                fhirstore_error **err);
/* The same with a resource that fills @a body. */
fhirstore_status fhs_sight_cut(fhs_call *call, fhs_type type, fhs_buf *body, fhirstore_error **err);
/* fhs_resource_take_body() of what is shown to the principal. */
fhirstore_status fhs_sight_take_body(fhs_call *call, fhs_type type, fhs_version *version,
                                     fhs_buf *out, fhirstore_error **err);
/* The current version of a resource, as the principal sees it. ERR_NOT_FOUND, ERR_DELETED. */
fhirstore_status fhs_sight_take_current(fhs_call *call, fhs_type type, fhs_str id, fhs_buf *out,
                                        fhirstore_error **err);
/*
 * What is to be stored where the call wants @a sent in the place of @a stored (ptr NULL: nothing is
 * there): hidden elements stay, kept ones must. *out is @a sent itself, or a text in @a arena.
 * ERR_DENIED.
 */
fhirstore_status fhs_sight_merge(fhs_call *call, fhs_type type, fhs_str stored, fhs_str sent,
                                 fhs_arena *arena, fhs_str *out, fhirstore_error **err);
/* The same for a version of which only the body is at hand. */
fhirstore_status fhs_sight_judge_body(fhs_call *call, fhs_type type, const fhs_version *version,
                                      bool *yes_out, fhirstore_error **err);

/*
 * Append what was granted of each type of which only a part may be seen: "Patient?active=true" for
 * each alternative, with a '!' before what is excepted, "!Patient.birthDate" for what is hidden,
 * "=Patient.identifier" for what is kept, blanks between.
 */
void fhs_sight_write(const fhs_call *call, fhs_buf *out);

#endif
