/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access.h"

#include "base/limits.h"
#include "base/mem.h"

/* What grows behind fhirstore_access_decision.grant while an authorizer decides. */
typedef struct growing_grant {
    fhs_arena *arena;
    const fhs_principal *principal;
    fhs_str any[FHS_LIMIT_ALTERNATIVES];
    size_t any_count;
    fhs_str except[FHS_LIMIT_ALTERNATIVES];
    size_t except_count;
    fhs_str hide[FHS_LIMIT_ALTERNATIVES];
    size_t hide_count;
    fhs_str keep[FHS_LIMIT_ALTERNATIVES];
    size_t keep_count;
    int64_t valid_us;
    bool is_for_type;
    bool has_failed; /* something could not be kept: deny */
} growing_grant;

fhirstore_status fhs_principal_read(fhs_principal *who, fhs_str document, fhs_arena *arena,
                                    fhirstore_error **err)
{
    who->document = fhs_arena_dup(arena, document);
    if (who->document.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    if (document.len == 0) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_claims_read(arena, who->document, &who->claims, err);
    return status == FHIRSTORE_OK ? fhs_scopes_read(arena, who->claims.scope, &who->scopes, err)
                                  : status;
}

fhirstore_status fhs_decision_add(fhirstore_access_decision *decision, fhs_str search,
                                  bool is_exception)
{
    growing_grant *grant = decision == NULL ? NULL : decision->grant;
    if (grant == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    /* Whoever goes on after a failure must not end up with more than was meant. */
    size_t *count = is_exception ? &grant->except_count : &grant->any_count;
    fhs_str *items = is_exception ? grant->except : grant->any;
    fhs_str copy = fhs_arena_dup(grant->arena, search);
    if (search.len == 0 || *count == FHS_LIMIT_ALTERNATIVES || copy.ptr == NULL) {
        grant->has_failed = grant->has_failed || is_exception || search.len == 0;
        return search.len == 0    ? FHIRSTORE_ERR_INVALID_ARG
               : copy.ptr == NULL ? FHIRSTORE_ERR_NO_MEMORY
                                  : FHIRSTORE_ERR_LIMIT;
    }
    items[(*count)++] = copy;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_decision_mask(fhirstore_access_decision *decision, fhs_str element,
                                   bool is_hidden)
{
    growing_grant *grant = decision == NULL ? NULL : decision->grant;
    if (grant == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    size_t *count = is_hidden ? &grant->hide_count : &grant->keep_count;
    fhs_str *items = is_hidden ? grant->hide : grant->keep;
    fhs_str copy = fhs_arena_dup(grant->arena, element);
    if (element.len == 0 || *count == FHS_LIMIT_ALTERNATIVES || copy.ptr == NULL) {
        grant->has_failed = true;
        return element.len == 0   ? FHIRSTORE_ERR_INVALID_ARG
               : copy.ptr == NULL ? FHIRSTORE_ERR_NO_MEMORY
                                  : FHIRSTORE_ERR_LIMIT;
    }
    items[(*count)++] = copy;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_decision_last(fhirstore_access_decision *decision, uint32_t ms,
                                   bool is_for_type)
{
    growing_grant *grant = decision == NULL ? NULL : decision->grant;
    if (grant == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    grant->valid_us = (int64_t)ms * 1000;
    grant->is_for_type = is_for_type;
    return FHIRSTORE_OK;
}

static bool fill_request(const fhs_principal *principal, const fhs_access_ask *ask,
                         fhs_arena *arena, fhirstore_access_request *out)
{
    fhs_str type = fhs_arena_dup(arena, ask->type);
    fhs_str id = fhs_arena_dup(arena, ask->id);
    fhs_str query = fhs_arena_dup(arena, ask->query);
    *out = (fhirstore_access_request){
        .struct_size = sizeof *out,
        .action = ask->action,
        .principal = principal->name.ptr,
        .principal_len = principal->name.len,
        .purpose = principal->purpose.ptr,
        .purpose_len = principal->purpose.len,
        .type = type.ptr,
        .type_len = type.len,
        .id = id.ptr,
        .id_len = id.len,
        .query = query.ptr,
        .query_len = query.len,
        .claims = principal->document.ptr,
        .claims_len = principal->document.len,
    };
    return type.ptr != NULL && id.ptr != NULL && query.ptr != NULL;
}

/* Nothing asks for what this version does not know. */
static bool is_plain(const fhirstore_access_decision *decision)
{
    bool is_zero = true;
    for (size_t i = 0; i < FHS_COUNT_OF(decision->reserved); i++) {
        is_zero = is_zero && decision->reserved[i] == 0;
    }
    return is_zero;
}

static bool is_granted(const fhirstore_access_decision *decision, const growing_grant *grant)
{
    if (!is_plain(decision) || decision->grant != grant || grant->has_failed) {
        return false;
    }
    return decision->answer == FHIRSTORE_ACCESS_ALLOW ||
           (decision->answer == FHIRSTORE_ACCESS_RESTRICT && grant->any_count > 0);
}

static fhs_str *copy_searches(fhs_arena *arena, const fhs_str *items, size_t count)
{
    fhs_str *copy = fhs_arena_calloc(arena, count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = items[i];
    }
    return copy;
}

static fhirstore_status take_grant(const fhirstore_access_decision *decision,
                                   const growing_grant *grant, fhs_grant *out,
                                   fhirstore_error **err)
{
    bool is_restricted = decision->answer == FHIRSTORE_ACCESS_RESTRICT;
    out->allowed = true;
    out->any_count = is_restricted ? grant->any_count : 0;
    out->any = copy_searches(grant->arena, grant->any, out->any_count);
    out->except_count = grant->except_count;
    out->except = copy_searches(grant->arena, grant->except, out->except_count);
    out->mask.hide_count = grant->hide_count;
    out->mask.hide = copy_searches(grant->arena, grant->hide, grant->hide_count);
    out->mask.keep_count = grant->keep_count;
    out->mask.keep = copy_searches(grant->arena, grant->keep, grant->keep_count);
    const bool is_whole = out->any != NULL && out->except != NULL && out->mask.hide != NULL &&
                          out->mask.keep != NULL;
    return is_whole ? FHIRSTORE_OK : fhs_fail_memory(err);
}

static bool is_built_in(const fhirstore_authorizer *authorizer);

static fhirstore_status ask_authorizer(const fhirstore_authorizer *authorizer,
                                       const fhirstore_access_request *request,
                                       growing_grant *grant, fhs_grant *out, fhirstore_error **err)
{
    fhirstore_access_decision decision = {
        .struct_size = sizeof decision, .answer = FHIRSTORE_ACCESS_DENY, .grant = grant};
    fhirstore_status status = authorizer->authorize(authorizer->ctx, request, &decision);
    if (status == FHIRSTORE_OK && !grant->has_failed) {
        out->valid_us = grant->valid_us;
        out->is_for_type = grant->is_for_type;
    }
    if (status == FHIRSTORE_ERR_NO_MEMORY && is_built_in(authorizer)) {
        return fhs_fail_memory(err);
    }
    return status == FHIRSTORE_OK && is_granted(&decision, grant)
               ? take_grant(&decision, grant, out, err)
               : fhs_fail_plain(err, FHIRSTORE_ERR_DENIED);
}

fhirstore_status fhs_access_check(const fhirstore_authorizer *authorizer,
                                  const fhs_principal *principal, const fhs_access_ask *ask,
                                  fhs_arena *arena, fhs_grant *grant_out, fhirstore_error **err)
{
    fhirstore_access_request request;
    *grant_out = (fhs_grant){.allowed = principal->allow_everything};
    if (principal->allow_everything) {
        return FHIRSTORE_OK;
    }
    if (authorizer == NULL) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_NO_POLICY);
    }
    growing_grant *grant = fhs_calloc(1, sizeof *grant);
    if (grant == NULL || !fill_request(principal, ask, arena, &request)) {
        fhs_free(grant);
        return fhs_fail_memory(err);
    }
    grant->arena = arena;
    grant->principal = principal;
    fhirstore_status status = ask_authorizer(authorizer, &request, grant, grant_out, err);
    fhs_free(grant);
    return status;
}

/* ---- the built-in policy as an authorizer ---- */

/* It depends on nothing but action, type and principal: until another one takes its place. */
#define POLICY_LASTS_MS 3600000u

typedef struct policy_box {
    fhs_arena arena;
    fhs_policy policy;
} policy_box;

static void free_policy(void *ctx)
{
    policy_box *box = ctx;
    fhs_arena_clear(&box->arena);
    fhs_free(box);
}

static fhirstore_status add_grant(const fhs_grant *granted, fhirstore_access_decision *decision)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < granted->any_count && status == FHIRSTORE_OK; i++) {
        status = fhs_decision_add(decision, granted->any[i], false);
    }
    for (size_t i = 0; i < granted->except_count && status == FHIRSTORE_OK; i++) {
        status = fhs_decision_add(decision, granted->except[i], true);
    }
    for (size_t i = 0; i < granted->mask.hide_count && status == FHIRSTORE_OK; i++) {
        status = fhs_decision_mask(decision, granted->mask.hide[i], true);
    }
    for (size_t i = 0; i < granted->mask.keep_count && status == FHIRSTORE_OK; i++) {
        status = fhs_decision_mask(decision, granted->mask.keep[i], false);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_decision_last(decision, POLICY_LASTS_MS, true);
    }
    if (status == FHIRSTORE_OK) {
        decision->answer = granted->any_count > 0 ? FHIRSTORE_ACCESS_RESTRICT
                                                  : FHIRSTORE_ACCESS_ALLOW;
    }
    return status;
}

/* Only the library calls it, so the claims are at hand as they were read. */
static fhirstore_status authorize_by_policy(void *ctx, const fhirstore_access_request *request,
                                            fhirstore_access_decision *decision)
{
    const policy_box *box = ctx;
    growing_grant *grant = decision->grant;
    const fhs_principal *who = grant->principal;
    fhs_grant granted;
    fhirstore_status status = fhs_policy_decide(
        &box->policy, &who->claims, &who->scopes, request->action,
        fhs_str_of(request->type, request->type_len), grant->arena, &granted, NULL);
    return status == FHIRSTORE_OK && granted.allowed ? add_grant(&granted, decision) : status;
}

fhirstore_status fhs_policy_authorizer(const fhs_fhir *fhir, const fhs_fhir *searched,
                                       fhs_str document, fhirstore_authorizer *out,
                                       fhirstore_error **err)
{
    policy_box *box = fhs_calloc(1, sizeof *box);
    if (box == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_arena_init(&box->arena, (size_t)64 * FHS_LIMIT_POLICY_BYTES);
    box->policy.fhir = fhir;
    fhirstore_status status = fhs_rules_read(&box->arena, searched,
                                             document.len == 0 ? fhs_rules_default() : document,
                                             &box->policy.rules, err);
    if (status != FHIRSTORE_OK) {
        free_policy(box);
        return status;
    }
    *out = (fhirstore_authorizer){.struct_size = sizeof *out,
                                  .ctx = box,
                                  .authorize = authorize_by_policy,
                                  .destroy = free_policy};
    return FHIRSTORE_OK;
}

bool fhs_access_may_mask(const fhirstore_authorizer *authorizer, const fhs_principal *principal)
{
    if (principal->allow_everything || authorizer == NULL) {
        return false;
    }
    if (!is_built_in(authorizer)) {
        return true;
    }
    const policy_box *box = authorizer->ctx;
    for (size_t i = 0; i < principal->claims.role_count; i++) {
        const fhs_role *role = fhs_rules_role(&box->policy.rules, principal->claims.roles[i]);
        if (role != NULL && role->hide_count + role->keep_count > 0) {
            return true;
        }
    }
    return false;
}

static bool is_built_in(const fhirstore_authorizer *authorizer)
{
    return authorizer->authorize == authorize_by_policy;
}

/* ---- why ---- */

fhs_str fhs_access_decider(const fhirstore_authorizer *authorizer, const fhs_principal *principal)
{
    return principal->allow_everything ? FHS_LIT("everything")
           : authorizer == NULL        ? FHS_LIT("none")
           : is_built_in(authorizer)   ? FHS_LIT("policy")
                                       : FHS_LIT("host");
}

fhirstore_status fhs_access_explain(const fhirstore_authorizer *authorizer,
                                    const fhs_principal *principal, const fhs_access_ask *ask,
                                    fhs_arena *arena, fhs_grant *out, fhirstore_error **err)
{
    if (!principal->allow_everything && authorizer != NULL && is_built_in(authorizer)) {
        const policy_box *box = authorizer->ctx;
        return fhs_policy_decide(&box->policy, &principal->claims, &principal->scopes, ask->action,
                                 ask->type, arena, out, err);
    }
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_access_check(authorizer, principal, ask, arena, out, &why);
    fhs_error_free(why);
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        return fhs_fail_memory(err);
    }
    out->reason = principal->allow_everything         ? FHS_LIT("the session may do everything")
                  : status == FHIRSTORE_ERR_NO_POLICY ? FHS_LIT("there is no policy")
                                                      : FHS_LIT("the host's authorizer");
    return FHIRSTORE_OK;
}
