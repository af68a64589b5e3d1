/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a principal, as a JSON document:
 *
 *   {"id":"Practitioner/7","fhirUser":"Practitioner/7","roles":["globalReader"],
 *    "scope":"patient/Observation.rs","patient":"123","purpose":"TREAT","clearance":["HIV"],
 *    "attributes":{"org":"Organization/1","ward":["a","b"]}}
 *
 * Every member may be missing. A member that is not of these, or of another kind, is refused: who
 * mistypes "roles" must not get the rights of somebody without roles, be they more or less.
 */
#ifndef FHS_ACCESS_CLAIMS_H
#define FHS_ACCESS_CLAIMS_H

#include "base/arena.h"
#include "base/error.h"

/* An attribute with its values: texts, at least one. */
typedef struct fhs_claim {
    fhs_str name;
    const fhs_str *values;
    size_t count;
} fhs_claim;

typedef struct fhs_claims {
    fhs_str id;
    fhs_str fhir_user; /* "Practitioner/7", also where it was an absolute URL */
    fhs_str patient;   /* the id alone, of "123" as of "Patient/123" */
    fhs_str purpose;
    fhs_str scope;
    bool has_scope; /* an empty scope grants nothing; none leaves the roles alone */
    const fhs_str *roles;
    size_t role_count;
    const fhs_str *clearance; /* labels as "system|code" or "code" */
    size_t clearance_count;
    const fhs_claim *attributes;
    size_t attribute_count;
} fhs_claims;

/*
 * Read @a text into @a arena; the claims are copies. ERR_POLICY with offset, line and column for
 * what is not such a document, ERR_JSON… for what is not JSON.
 */
fhirstore_status fhs_claims_read(fhs_arena *arena, fhs_str text, fhs_claims *out,
                                 fhirstore_error **err);
/*
 * The values that "{name}" stands for in a rule: those of the attribute, or one of id, fhirUser,
 * patient, purpose. 0: the principal has none.
 */
size_t fhs_claims_values(const fhs_claims *claims, fhs_str name, const fhs_str **values_out);

#endif
