/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a conditional interaction looks for: search parameters, always understood strictly, searched
 * in the write transaction that acts upon what they find, so that nothing can come between.
 */
#ifndef FHS_INTERACT_CRITERIA_H
#define FHS_INTERACT_CRITERIA_H

#include "interact/core.h"
#include "query/query.h"

typedef struct fhs_criteria {
    fhs_str text;              /* "identifier=…" */
    fhirstore_status if_empty; /* what it is to ask for nothing in particular */
    bool takes_count;          /* _count may say how many to take */

    /* Found: at most wanted; one more (so that "several" is known) unless takes_first. */
    size_t wanted;
    bool takes_first; /* _count was given */
    fhs_str *ids;     /* in the session's arena */
    size_t count;
} fhs_criteria;

/* Criteria as they come ("a=b", "?a=b", "Patient?a=b", with or without the base URL). */
fhs_criteria fhs_criteria_of(const fhs_session *session, fhs_type type, fhs_str text);
/* Whether no parameter has a value; ERR_… as criteria->if_empty says. */
bool fhs_criteria_is_empty(const fhs_criteria *criteria);
fhirstore_status fhs_criteria_fail_empty(const fhs_criteria *criteria, fhirstore_error **err);
/* Whether @a query is fit to be criteria; NULL: always. */
fhirstore_status fhs_criteria_check(fhs_criteria *criteria, const fhs_query *query,
                                    fhirstore_error **err);
/*
 * Search inside the write transaction of @a outer, as a call of its own: asked for as a search, and
 * recorded as one. What its principal may not see is not found.
 */
fhirstore_status fhs_criteria_find(fhs_call *outer, fhs_type type, fhs_criteria *criteria,
                                   fhirstore_error **err);
/* The one match: empty where there is none. ERR_MULTIPLE_MATCHES. */
fhirstore_status fhs_criteria_find_one(fhs_call *outer, fhs_type type, fhs_criteria *criteria,
                                       fhs_str *id_out, fhirstore_error **err);

#endif
