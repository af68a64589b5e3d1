/* SPDX-License-Identifier: Apache-2.0 */
#include "access/policy.h"

#include "access/template.h"
#include "base/limits.h"
#include "fhirstore/access.h"
#include "query/query.h"

/* A union of searches while it grows. "All" swallows everything else. */
typedef struct search_union {
    fhs_str *items;
    fhs_str *reasons; /* of each item the first rule that gave it */
    size_t count;
    bool is_all;
    fhs_str reason; /* of the first that contributed, or why none did */
} search_union;

typedef struct decision {
    const fhs_policy *policy;
    const fhs_claims *claims;
    uint32_t action;
    fhs_str type;
    fhs_arena *arena;
    fhirstore_error **err;
} decision;

uint32_t fhs_policy_data_action(int32_t action)
{
    static const uint32_t bits[] = {
        [FHIRSTORE_ACTION_READ] = FHS_DATA_READ,
        [FHIRSTORE_ACTION_VREAD] = FHS_DATA_READ,
        [FHIRSTORE_ACTION_SEARCH] = FHS_DATA_SEARCH,
        [FHIRSTORE_ACTION_CREATE] = FHS_DATA_CREATE,
        [FHIRSTORE_ACTION_UPDATE] = FHS_DATA_UPDATE,
        [FHIRSTORE_ACTION_DELETE] = FHS_DATA_DELETE,
        [FHIRSTORE_ACTION_HISTORY] = FHS_DATA_HISTORY,
        [FHIRSTORE_ACTION_IMPORT] = FHS_DATA_IMPORT,
        [FHIRSTORE_ACTION_EXPORT] = FHS_DATA_EXPORT,
        [FHIRSTORE_ACTION_PATCH] = FHS_DATA_UPDATE,
        [FHIRSTORE_ACTION_AUDIT] = FHS_DATA_AUDIT,
        [FHIRSTORE_ACTION_VALIDATE] = FHS_DATA_VALIDATE,
        [FHIRSTORE_ACTION_EVERYTHING] = FHS_DATA_EVERYTHING,
        [FHIRSTORE_ACTION_HARD_DELETE] = FHS_DATA_HARD_DELETE,
        [FHIRSTORE_ACTION_REINDEX] = FHS_DATA_REINDEX,
        [FHIRSTORE_ACTION_CONVERT] = FHS_DATA_CONVERT,
        [FHIRSTORE_ACTION_OPERATION] = FHS_DATA_OPERATION,
        [FHIRSTORE_ACTION_SHRED] = FHS_DATA_SHRED,
    };
    uint32_t bit = action >= 0 && (size_t)action < FHS_COUNT_OF(bits) ? bits[action] : 0;
    return bit == 0 ? FHS_DATA_UNKNOWN : bit;
}

/* Of these each part is asked for by itself, or there is nothing to hide. */
static bool is_open_to_all(int32_t action)
{
    return action == FHIRSTORE_ACTION_CAPABILITIES || action == FHIRSTORE_ACTION_TRANSACTION ||
           action == FHIRSTORE_ACTION_BATCH;
}

static fhirstore_status unite(const decision *d, search_union *to, fhs_str item, fhs_str reason)
{
    if (to->reason.len == 0 || (to->count == 0 && !to->is_all)) {
        to->reason = reason;
    }
    if (item.len == 0) {
        to->reason = to->is_all ? to->reason : reason;
        to->is_all = true;
        return FHIRSTORE_OK;
    }
    if (to->items == NULL) {
        to->items = fhs_arena_calloc(d->arena, FHS_LIMIT_ALTERNATIVES, sizeof *to->items);
        to->reasons = fhs_arena_calloc(d->arena, FHS_LIMIT_ALTERNATIVES, sizeof *to->reasons);
        if (to->items == NULL || to->reasons == NULL) {
            return fhs_fail_memory(d->err);
        }
    }
    for (size_t i = 0; i < to->count; i++) {
        if (fhs_str_eq(to->items[i], item)) {
            return FHIRSTORE_OK;
        }
    }
    if (to->count == FHS_LIMIT_ALTERNATIVES) {
        return fhs_fail(d->err, FHIRSTORE_ERR_LIMIT,
                        "the principal's rights exceed FHS_LIMIT_ALTERNATIVES");
    }
    to->reasons[to->count] = reason;
    to->items[to->count++] = item;
    return FHIRSTORE_OK;
}

/* Keep what was written: a search that is cut off would be another one. */
static fhirstore_status keep_search(const decision *d, fhs_buf *text, fhs_str *out)
{
    const fhirstore_status status = fhs_buf_status(text);
    *out = fhs_arena_dup(d->arena, fhs_buf_str(text));
    fhs_buf_clear(text);
    if (status == FHIRSTORE_ERR_LIMIT) {
        return fhs_fail(d->err, status, "the principal's restriction exceeds FHS_LIMIT_URL_BYTES");
    }
    return status != FHIRSTORE_OK || out->ptr == NULL ? fhs_fail_memory(d->err) : FHIRSTORE_OK;
}

/* A reason may be short of what was written; who has no memory for it is told @a what at least. */
static fhs_str keep_why(const decision *d, fhs_buf *text, const char *what)
{
    const fhs_str out = fhs_arena_dup(d->arena, fhs_buf_str(text));
    fhs_buf_clear(text);
    return out.len > 0 ? out : fhs_str_from_cstr(what);
}

static fhs_str describe(const decision *d, const char *what, fhs_str name)
{
    fhs_buf text = FHS_BUF_INIT(1024);
    fhs_buf_addf(&text, "%s %.*s", what, FHS_STR_ARG(name));
    return keep_why(d, &text, what);
}

static fhs_str describe_rule(const decision *d, const fhs_role *role, const char *kind,
                             size_t index)
{
    fhs_buf text = FHS_BUF_INIT(1024);
    fhs_buf_addf(&text, "role %.*s, %s rule %zu", FHS_STR_ARG(role->name), kind, index + 1);
    return keep_why(d, &text, kind);
}

/* ---- roles ---- */

/* A search parameter changes what everybody finds: writing one takes a right of its own besides. */
static bool is_parameter_write(const decision *d)
{
    const uint32_t writes = FHS_DATA_CREATE | FHS_DATA_UPDATE | FHS_DATA_DELETE;
    return (d->action & writes) != 0 && fhs_str_eq(d->type, FHS_LIT("SearchParameter"));
}

static bool allow_covers(const decision *d, const fhs_rule *rule)
{
    return fhs_rule_covers(rule, d->action, d->type) &&
           (!is_parameter_write(d) ||
            fhs_rule_covers(rule, FHS_DATA_MANAGE_SEARCH_PARAMETERS, d->type));
}

static bool deny_covers(const decision *d, const fhs_rule *rule)
{
    return fhs_rule_covers(rule, d->action, d->type) ||
           (is_parameter_write(d) &&
            fhs_rule_covers(rule, FHS_DATA_MANAGE_SEARCH_PARAMETERS, d->type));
}

static fhirstore_status unite_rule(const decision *d, const fhs_rule *rule, bool covers,
                                   fhs_str reason, search_union *to, bool *applies_out)
{
    fhs_str where = FHS_STR_NONE;
    *applies_out = covers;
    if (*applies_out && rule->where.len > 0 && d->type.len > 0) {
        fhirstore_status status = fhs_template_fill(d->arena, rule->where, d->claims, &where,
                                                    applies_out, d->err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return *applies_out ? unite(d, to, where, reason) : FHIRSTORE_OK;
}

static fhirstore_status ask_role(const decision *d, const fhs_role *role, search_union *any,
                                 search_union *except, bool *denied_out)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_str reason;
    bool applies;
    for (size_t i = 0; i < role->deny_count && status == FHIRSTORE_OK; i++) {
        const fhs_rule *rule = &role->deny[i];
        /* At system level a denial of some types or resources does not deny the whole. */
        if (d->type.len == 0 && (rule->type_count > 0 || rule->where.len > 0)) {
            continue;
        }
        bool covers = deny_covers(d, rule);
        reason = covers ? describe_rule(d, role, "deny", i) : FHS_STR_NONE;
        status = unite_rule(d, rule, covers, reason, except, &applies);
        /* What cannot be filled in must not turn a denial into a permission. */
        if (except->is_all || (covers && !applies)) {
            except->reason = *denied_out ? except->reason : reason;
            *denied_out = true;
        }
    }
    if (role->within_scopes && !d->claims->has_scope) {
        return status;
    }
    for (size_t i = 0; i < role->allow_count && status == FHIRSTORE_OK; i++) {
        const fhs_rule *rule = &role->allow[i];
        bool covers = allow_covers(d, rule);
        reason = covers ? describe_rule(d, role, "allow", i) : FHS_STR_NONE;
        status = unite_rule(d, rule, covers, reason, any, &applies);
    }
    return status;
}

static fhirstore_status ask_roles(const decision *d, search_union *any, search_union *except,
                                  bool *denied_out)
{
    for (size_t i = 0; i < d->claims->role_count; i++) {
        const fhs_role *role = fhs_rules_role(&d->policy->rules, d->claims->roles[i]);
        if (role == NULL) {
            continue;
        }
        fhirstore_status status = ask_role(d, role, any, except, denied_out);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    if (*denied_out) {
        any->reason = except->reason;
    } else if (any->reason.len == 0) {
        any->reason = FHS_LIT("no role allows it");
    }
    return FHIRSTORE_OK;
}

/* ---- scopes ---- */

static fhirstore_status and_both(const decision *d, fhs_str a, fhs_str b, fhs_str *out)
{
    fhs_buf text = FHS_BUF_INIT(2 * FHS_LIMIT_URL_BYTES);
    fhs_buf_add_str(&text, a);
    fhs_buf_add_cstr(&text, a.len > 0 && b.len > 0 ? "&" : "");
    fhs_buf_add_str(&text, b);
    return keep_search(d, &text, out);
}

static fhirstore_status in_compartment(const decision *d, fhs_str *out)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_buf_add_cstr(&text, "_compartment=Patient/");
    fhs_template_add_value(&text, d->claims->patient);
    return keep_search(d, &text, out);
}

static bool is_in_patient_compartment(const decision *d)
{
    const fhs_str *codes;
    fhs_type type = fhs_type_find(d->policy->fhir, d->type);
    return fhs_str_eq(d->type, FHS_LIT("Patient")) ||
           (type != FHS_TYPE_NONE &&
            fhs_compartment_params(d->policy->fhir, FHS_COMPARTMENT_PATIENT, type, &codes) > 0);
}

static fhirstore_status unite_patient_scope(const decision *d, const fhs_scope *scope,
                                            fhs_str reason, search_union *any)
{
    const uint32_t looks = FHS_DATA_READ | FHS_DATA_SEARCH | FHS_DATA_HISTORY | FHS_DATA_EVERYTHING;
    if (d->claims->patient.len == 0) {
        any->reason = any->count == 0 && !any->is_all
                          ? FHS_LIT("a patient/ scope without a patient in context")
                          : any->reason;
        return FHIRSTORE_OK;
    }
    if (d->type.len == 0) {
        return unite(d, any, FHS_STR_NONE, reason);
    }
    if (is_in_patient_compartment(d)) {
        fhs_str both;
        fhirstore_status status = in_compartment(d, &both);
        if (status == FHIRSTORE_OK) {
            status = and_both(d, both, scope->params, &both);
        }
        return status == FHIRSTORE_OK ? unite(d, any, both, reason) : status;
    }
    /* What belongs to no patient can be looked at where the scope names it, never changed. */
    if (!d->policy->rules.shared_types || !fhs_str_eq(scope->type, d->type) ||
        (d->action & looks) == 0) {
        return FHIRSTORE_OK;
    }
    return unite(d, any, scope->params, reason);
}

/* "fhirUser" with "openid": the user's own resource, and no more. */
static fhirstore_status unite_own(const decision *d, const fhs_scopes *scopes, search_union *any)
{
    fhs_str type;
    fhs_str id;
    if (!scopes->fhir_user || (d->action & FHS_DATA_READ) == 0 || d->type.len == 0 ||
        !fhs_str_split(d->claims->fhir_user, '/', &type, &id) || !fhs_str_eq(type, d->type)) {
        return FHIRSTORE_OK;
    }
    fhs_str own;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_buf_add_cstr(&text, "_id=");
    fhs_template_add_value(&text, id);
    const fhirstore_status status = keep_search(d, &text, &own);
    return status == FHIRSTORE_OK ? unite(d, any, own, FHS_LIT("scope fhirUser")) : status;
}

static fhirstore_status ask_scopes(const decision *d, const fhs_scopes *scopes, search_union *any)
{
    for (size_t i = 0; i < scopes->count; i++) {
        const fhs_scope *scope = &scopes->items[i];
        bool is_type = d->type.len == 0 || fhs_str_eq(scope->type, FHS_LIT("*")) ||
                       fhs_str_eq(scope->type, d->type);
        if (!is_type || (scope->actions & d->action) == 0) {
            continue;
        }
        fhs_str reason = describe(d, "scope", scope->written);
        fhirstore_status status =
            scope->context == FHS_SCOPE_PATIENT
                ? unite_patient_scope(d, scope, reason, any)
                : unite(d, any, d->type.len == 0 ? FHS_STR_NONE : scope->params, reason);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    fhirstore_status status = unite_own(d, scopes, any);
    if (status == FHIRSTORE_OK && any->reason.len == 0) {
        any->reason = FHS_LIT("no scope allows it");
    }
    return status;
}

/* ---- labels ---- */

static bool has_text(const fhs_str *texts, size_t count, fhs_str text)
{
    for (size_t i = 0; i < count; i++) {
        if (fhs_str_eq(texts[i], text)) {
            return true;
        }
    }
    return false;
}

/* Labels hide what they mark from who has not the clearance, unless the glass is broken. */
static fhirstore_status except_labels(const decision *d, search_union *except)
{
    const fhs_rules *rules = &d->policy->rules;
    if (d->type.len == 0 ||
        has_text(rules->break_glass, rules->break_glass_count, d->claims->purpose)) {
        return FHIRSTORE_OK;
    }
    for (size_t i = 0; i < rules->controlled_count; i++) {
        if (has_text(d->claims->clearance, d->claims->clearance_count, rules->controlled[i])) {
            continue;
        }
        fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
        fhs_str reason = describe(d, "security label", rules->controlled[i]);
        fhs_buf_add_cstr(&text, "_security=");
        fhs_url_encode(&text, rules->controlled[i]);
        fhs_str label;
        fhirstore_status status = keep_search(d, &text, &label);
        if (status == FHIRSTORE_OK) {
            status = unite(d, except, label, reason);
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* ---- elements ---- */

static bool mask_is_of(const fhs_role_mask *mask, fhs_str type)
{
    return mask->type_count == 0 || has_text(mask->types, mask->type_count, type);
}

/* Of masks for all types those elements count that this type has. */
static fhirstore_status unite_elements(const decision *d, const fhs_role_mask *masks, size_t count,
                                       const fhs_str **items, size_t *item_count)
{
    const fhs_type type = fhs_type_find(d->policy->fhir, d->type);
    for (size_t m = 0; m < count && type != FHS_TYPE_NONE; m++) {
        for (size_t i = 0; mask_is_of(&masks[m], d->type) && i < masks[m].element_count; i++) {
            fhs_str element = masks[m].elements[i];
            if (fhs_mask_fault(d->policy->fhir, type, element) != NULL ||
                has_text(*items, *item_count, element)) {
                continue;
            }
            fhs_str *own = (fhs_str *)(uintptr_t)*items;
            own = own != NULL ? own
                              : fhs_arena_calloc(d->arena, FHS_LIMIT_ALTERNATIVES, sizeof *own);
            if (own == NULL) {
                return fhs_fail_memory(d->err);
            }
            if (*item_count == FHS_LIMIT_ALTERNATIVES) {
                return fhs_fail(d->err, FHIRSTORE_ERR_LIMIT,
                                "the roles' elements exceed FHS_LIMIT_ALTERNATIVES");
            }
            own[(*item_count)++] = element;
            *items = own;
        }
    }
    return FHIRSTORE_OK;
}

/* What one role hides no other shows, and what one keeps no other lets change. */
static fhirstore_status mask_elements(const decision *d, fhs_mask *out)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < d->claims->role_count && status == FHIRSTORE_OK; i++) {
        const fhs_role *role = fhs_rules_role(&d->policy->rules, d->claims->roles[i]);
        if (role == NULL) {
            continue;
        }
        status = unite_elements(d, role->hide, role->hide_count, &out->hide, &out->hide_count);
        if (status == FHIRSTORE_OK) {
            status = unite_elements(d, role->keep, role->keep_count, &out->keep, &out->keep_count);
        }
    }
    return status;
}

/* ---- together ---- */

static fhs_str join_reasons(const decision *d, fhs_str a, fhs_str b)
{
    fhs_buf text = FHS_BUF_INIT(4096);
    fhs_buf_addf(&text, "%.*s, and %.*s", FHS_STR_ARG(a), FHS_STR_ARG(b));
    return keep_why(d, &text, "a role and a scope");
}

/* What lies in both: every pair, unless one of them is all. */
static fhirstore_status intersect(const decision *d, const search_union *a, const search_union *b,
                                  search_union *out)
{
    const bool has_a = a->is_all || a->count > 0;
    *out = (search_union){.reason = has_a ? b->reason : a->reason};
    if (a->is_all || b->is_all) {
        const search_union *other = a->is_all ? b : a;
        *out = *other;
        if (a->is_all && b->is_all) {
            out->reason = join_reasons(d, a->reason, b->reason);
        }
        return FHIRSTORE_OK;
    }
    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; k < b->count; k++) {
            fhs_str both;
            fhirstore_status status = and_both(d, a->items[i], b->items[k], &both);
            if (status == FHIRSTORE_OK) {
                status = unite(d, out, both, join_reasons(d, a->reasons[i], b->reasons[k]));
            }
            if (status != FHIRSTORE_OK) {
                return status;
            }
        }
    }
    return FHIRSTORE_OK;
}

static void give_grant(const search_union *any, const search_union *except, bool denied,
                       fhs_grant *out)
{
    out->allowed = !denied && (any->is_all || any->count > 0);
    out->any = any->items;
    out->any_count = any->is_all ? 0 : any->count;
    out->any_reasons = any->reasons;
    out->except_reasons = except->reasons;
    out->except = except->items;
    out->except_count = except->count;
    out->reason = denied ? except->reason : any->reason;
}

fhirstore_status fhs_policy_decide(const fhs_policy *policy, const fhs_claims *claims,
                                   const fhs_scopes *scopes, int32_t action, fhs_str type,
                                   fhs_arena *arena, fhs_grant *out, fhirstore_error **err)
{
    const decision d = {policy, claims, fhs_policy_data_action(action), type, arena, err};
    search_union by_roles = {0};
    search_union by_scopes = {0};
    search_union any = {0};
    search_union except = {0};
    bool denied = false;
    *out = (fhs_grant){.reason = FHS_LIT("the principal has neither roles nor scopes")};
    if (claims->role_count == 0 && !claims->has_scope) {
        return FHIRSTORE_OK;
    }
    if (is_open_to_all(action)) {
        out->allowed = true;
        out->reason = FHS_LIT("each part is asked for by itself");
        return FHIRSTORE_OK;
    }
    fhirstore_status status = FHIRSTORE_OK;
    if (claims->role_count > 0) {
        status = ask_roles(&d, &by_roles, &except, &denied);
        any = by_roles;
    }
    if (status == FHIRSTORE_OK && claims->has_scope) {
        status = ask_scopes(&d, scopes, &by_scopes);
        any = by_scopes;
    }
    if (status == FHIRSTORE_OK && claims->role_count > 0 && claims->has_scope) {
        status = intersect(&d, &by_roles, &by_scopes, &any);
    }
    if (status == FHIRSTORE_OK) {
        status = except_labels(&d, &except);
    }
    if (status == FHIRSTORE_OK) {
        give_grant(&any, &except, denied, out);
        status = mask_elements(&d, &out->mask);
    }
    return status;
}
