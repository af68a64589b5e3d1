/* SPDX-License-Identifier: Apache-2.0 */
/* May this principal do this? Anything but a clear yes is no. */
#ifndef FHS_ACCESS_ACCESS_H
#define FHS_ACCESS_ACCESS_H

#include "access/policy.h"
#include "base/arena.h"
#include "base/error.h"
#include "fhirstore/access.h"

/* Who a session works for. Strings end in NUL and live as long as the session. */
typedef struct fhs_principal {
    fhs_str name;
    fhs_str purpose;
    fhs_str request_id;
    fhs_str document;  /* the claims as they came; "" when there were none */
    fhs_claims claims; /* read from it */
    fhs_scopes scopes;
    bool allow_everything; /* asked for by name when the session was opened */
} fhs_principal;

/* What is about to be done; views need no NUL. */
typedef struct fhs_access_ask {
    int32_t action; /* FHIRSTORE_ACTION_* */
    fhs_str type;   /* "" at system level */
    fhs_str id;
    fhs_str query;
} fhs_access_ask;

/* Read the principal's document into @a arena, which lives as long as @a who. */
fhirstore_status fhs_principal_read(fhs_principal *who, fhs_str document, fhs_arena *arena,
                                    fhirstore_error **err);

/*
 * OK with what is granted, ERR_DENIED, or ERR_NO_POLICY when there is neither an authorizer (NULL)
 * nor the permission for everything. The arena holds the NUL-terminated copies that the callback
 * sees, and the grant.
 */
fhirstore_status fhs_access_check(const fhirstore_authorizer *authorizer,
                                  const fhs_principal *principal, const fhs_access_ask *ask,
                                  fhs_arena *arena, fhs_grant *grant_out, fhirstore_error **err);

/* What an authorizer adds to its decision; see fhirstore_access_restrict(),
 * fhirstore_access_except(). */
fhirstore_status fhs_decision_add(fhirstore_access_decision *decision, fhs_str search,
                                  bool is_exception);

/* See fhirstore_access_hide(), fhirstore_access_keep(). */
fhirstore_status fhs_decision_mask(fhirstore_access_decision *decision, fhs_str element,
                                   bool is_hidden);

/* See fhirstore_access_valid(). */
fhirstore_status fhs_decision_last(fhirstore_access_decision *decision, uint32_t ms,
                                   bool is_for_type);

/*
 * The same question, to be told why: out->reason, and with the built-in policy a reason for each
 * alternative and exception. OK whatever the decision is.
 */
fhirstore_status fhs_access_explain(const fhirstore_authorizer *authorizer,
                                    const fhs_principal *principal, const fhs_access_ask *ask,
                                    fhs_arena *arena, fhs_grant *out, fhirstore_error **err);
/* Whether an answer to @a principal may hide elements; known of the built-in policy alone. */
bool fhs_access_may_mask(const fhirstore_authorizer *authorizer, const fhs_principal *principal);
/* "everything", "none", "policy" or "host": who decides. */
fhs_str fhs_access_decider(const fhirstore_authorizer *authorizer, const fhs_principal *principal);

/*
 * An authorizer that decides by roles and scopes. ERR_POLICY or ERR_JSON… for a document that is
 * none; empty: the default one. Its destroy frees it. @a fhir lives longer; @a searched, which may
 * have the store's own search parameters besides, is looked at only while the document is read.
 */
fhirstore_status fhs_policy_authorizer(const fhs_fhir *fhir, const fhs_fhir *searched,
                                       fhs_str document, fhirstore_authorizer *out,
                                       fhirstore_error **err);

#endif
