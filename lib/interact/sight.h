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
/* The same for a version of which only the body is at hand. */
fhirstore_status fhs_sight_judge_body(fhs_call *call, fhs_type type, const fhs_version *version,
                                      bool *yes_out, fhirstore_error **err);

/*
 * Append what was granted of each type of which only a part may be seen: "Patient?active=true" for
 * each alternative, with a '!' before what is excepted, blanks between.
 */
void fhs_sight_write(const fhs_call *call, fhs_buf *out);

#endif
