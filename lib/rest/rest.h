/* SPDX-License-Identifier: Apache-2.0 */
/* The doors of FHIR's REST API: a request, a Bundle of them, and what the store says it can do. */
#ifndef FHS_REST_REST_H
#define FHS_REST_REST_H

#include "interact/interact.h"

/* ---- the request entry ---- */

typedef struct fhs_header {
    fhs_str name;
    fhs_str value;
} fhs_header;

typedef enum fhs_return_mode {
    FHS_RETURN_REPRESENTATION,
    FHS_RETURN_MINIMAL,
    FHS_RETURN_OUTCOME
} fhs_return_mode;

/* What headers say of every entry: Prefer, X-Provenance. */
typedef struct fhs_preferences {
    fhs_return_mode wanted;
    bool strict;
    fhs_str provenance; /* X-Provenance, for each entry of a batch */
} fhs_preferences;

typedef struct fhs_request {
    fhs_str method;
    fhs_str url;
    const fhs_header *headers;
    size_t header_count;
    fhs_str body;
    fhs_str full_url;             /* of the entry, where it is one */
    const fhs_preferences *outer; /* of the batch that this is an entry of; NULL: it is none */
} fhs_request;

/*
 * Answer a request. Refusals and failures are answers too: http and an OperationOutcome as body.
 * Returns an error only where no answer can be made.
 */
fhirstore_status fhs_request_run(fhs_session *session, const fhs_request *request,
                                 fhs_answer *answer, fhirstore_error **err);

/* ---- bundles ---- */

/*
 * Execute a batch or transaction Bundle: @a text is the whole Bundle. The answer's body is the
 * response Bundle. A transaction is all or nothing; the error then names the entry.
 */
fhirstore_status fhs_bundle_run(fhs_session *session, fhs_str text,
                                const fhs_preferences *preferences, fhs_answer *answer,
                                fhirstore_error **err);

/* ---- capabilities ---- */

/*
 * The CapabilityStatement, or what else the address's mode= asks for; NOT_MODIFIED where its tag is
 * among @a known (If-None-Match).
 */
fhirstore_status fhs_capabilities(fhs_session *session, fhs_str query, fhs_str known,
                                  fhs_answer *answer, fhirstore_error **err);
/* The same inside the transaction of an enclosing call. */
fhirstore_status fhs_capabilities_in(fhs_call *outer, fhs_str query, fhs_str known,
                                     fhs_answer *answer, fhirstore_error **err);

#endif
