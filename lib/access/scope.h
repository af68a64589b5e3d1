/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMART App Launch scopes, versions 1 and 2: "patient/Observation.rs?category=laboratory",
 * "user/Patient.read". What concerns no resources ("openid", "launch/patient", "offline_access",
 * scopes of other systems) is kept or passed over; what looks like a resource scope and is none is
 * refused.
 */
#ifndef FHS_ACCESS_SCOPE_H
#define FHS_ACCESS_SCOPE_H

#include "base/arena.h"
#include "base/error.h"
#include "fhir/fhir.h"

typedef enum fhs_scope_context {
    FHS_SCOPE_PATIENT,
    FHS_SCOPE_USER,
    FHS_SCOPE_SYSTEM,
} fhs_scope_context;

typedef struct fhs_scope {
    fhs_scope_context context;
    fhs_str type;     /* "*": all */
    uint32_t actions; /* FHS_DATA_* */
    fhs_str params;   /* a search of the type; empty: every resource */
    fhs_str written;
    unsigned number; /* which of the scopes, counted from 1 */
} fhs_scope;

typedef struct fhs_scopes {
    const fhs_scope *items;
    size_t count;
    bool fhir_user;      /* "fhirUser" with "openid": the user's own resource may be read */
    bool launch_patient; /* "launch/patient" or "launch" */
} fhs_scopes;

/*
 * Read scopes separated by spaces into @a arena; the text is borrowed. ERR_POLICY names the place
 * (which scope, counted from 1) and the reason.
 */
fhirstore_status fhs_scopes_read(fhs_arena *arena, fhs_str text, fhs_scopes *out,
                                 fhirstore_error **err);
/*
 * Whether FHIR has the types and the parameters are searches of theirs: what no store could grant
 * is a mistake of whoever wrote it. ERR_POLICY as above.
 */
fhirstore_status fhs_scopes_check(const fhs_fhir *fhir, fhs_arena *arena, const fhs_scopes *scopes,
                                  fhirstore_error **err);

#endif
