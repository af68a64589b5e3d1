/* SPDX-License-Identifier: Apache-2.0 */
/* Where a search looks: in the whole store, at one type, or in a compartment. */
#ifndef FHS_INTERACT_PLACE_H
#define FHS_INTERACT_PLACE_H

#include "base/buf.h"
#include "base/error.h"
#include "query/query.h"

typedef struct fhs_place {
    fhs_type type; /* FHS_TYPE_NONE: all types */
    bool has_focus;
    fhs_focus focus; /* borrows its id */
} fhs_place;

/*
 * "", "Observation", "Patient/1/Observation", and all types of a compartment with a star as type.
 * ERR_UNKNOWN_TYPE, or ERR_NOT_FOUND for what has no compartment or another form.
 */
fhirstore_status fhs_place_parse(const fhs_fhir *fhir, fhs_str text, fhs_place *out,
                                 fhirstore_error **err);
/* The compartment of @a focus_type/@a id, searched for @a type_name ("*": all types). */
fhirstore_status fhs_place_in(const fhs_fhir *fhir, fhs_type focus_type, fhs_str id,
                              fhs_str type_name, fhs_place *out, fhirstore_error **err);
/* What stands between base URL and '?'. */
void fhs_place_write_path(const fhs_fhir *fhir, const fhs_place *place, fhs_buf *out);
/* The query as the authorizer and the audit hook see it: it begins with the compartment. */
void fhs_place_write_query(const fhs_place *place, fhs_str query, fhs_buf *out);

#endif
