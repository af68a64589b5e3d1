/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in policy: roles and SMART scopes decide what a principal may do with a type, and
 * within which restriction. Several roles unite, several scopes unite, roles and scopes intersect,
 * and what is denied anywhere is denied.
 */
#ifndef FHS_ACCESS_POLICY_H
#define FHS_ACCESS_POLICY_H

#include "access/claims.h"
#include "access/mask.h"
#include "access/rules.h"
#include "access/scope.h"
#include "fhir/fhir.h"

/* The answer about one action on one type. */
typedef struct fhs_grant {
    bool allowed;
    const fhs_str *any; /* searches of the type: one of them must hold; none: no restriction */
    size_t any_count;
    const fhs_str *except; /* what fits one of these is as if it were not there */
    size_t except_count;
    fhs_mask mask;  /* elements that are hidden, or not to be changed */
    int64_t valid_us; /* how long the answer may be given again; 0: this once */
    bool is_for_type; /* … for every id and query of the action and type */
    const fhs_str *any_reasons; /* the rule or scope behind each; NULL: not known */
    const fhs_str *except_reasons;
    fhs_str reason; /* which rule or scope decided, for explanations; never patient data */
} fhs_grant;

typedef struct fhs_policy {
    const fhs_fhir *fhir; /* for compartments */
    fhs_rules rules;
} fhs_policy;

/* The data action (FHS_DATA_*) that a FHIRSTORE_ACTION_* asks for; FHS_DATA_UNKNOWN for others. */
uint32_t fhs_policy_data_action(int32_t action);
/*
 * May @a claims do @a action on @a type ("": at system level, where the question is whether there
 * is any type at all)? @a scopes are those of the claims. Everything is taken from @a arena.
 */
fhirstore_status fhs_policy_decide(const fhs_policy *policy, const fhs_claims *claims,
                                   const fhs_scopes *scopes, int32_t action, fhs_str type,
                                   fhs_arena *arena, fhs_grant *out, fhirstore_error **err);

#endif
