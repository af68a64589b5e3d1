/* SPDX-License-Identifier: Apache-2.0 */
/* Which profiles, tags and security labels resources of a type have. */
#ifndef FHS_SEARCH_LABELS_H
#define FHS_SEARCH_LABELS_H

#include "search/search.h"

/*
 * For each label that is in use, call @a visit with the first resource that has it, of those that
 * env.restriction lets the principal see. One resource may come several times.
 */
fhirstore_status fhs_labels_each(fhs_conn *conn, const fhs_search_env *env, fhs_type type,
                                 fhirstore_status (*visit)(void *ctx, fhs_version *version),
                                 void *ctx, fhirstore_error **err);

#endif
