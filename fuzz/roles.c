/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A role document, a line "---", and a principal's document. Each is refused with a reason, or read
 * the same twice; then every decision is the same twice and by both ways to it, its reasons fit it,
 * and who has neither role nor scope gets nothing. A mask never leaves hidden what it has taken
 * out.
 */
#include "access/access.h"
#include "law.h"

#define MAX_MEMORY ((size_t)64 << 20)

static const int32_t actions[] = {
    FHIRSTORE_ACTION_READ,        FHIRSTORE_ACTION_SEARCH,      FHIRSTORE_ACTION_CREATE,
    FHIRSTORE_ACTION_UPDATE,      FHIRSTORE_ACTION_DELETE,      FHIRSTORE_ACTION_HISTORY,
    FHIRSTORE_ACTION_EVERYTHING,  FHIRSTORE_ACTION_TRANSACTION, FHIRSTORE_ACTION_AUDIT,
    FHIRSTORE_ACTION_HARD_DELETE, FHIRSTORE_ACTION_OPERATION,   999,
};
static const char *const types[] = {"Patient", "Observation", "SearchParameter", "Binary", ""};

static void check_error(fhirstore_status status, const fhirstore_error *err)
{
    FUZZ_LAW((status < FHIRSTORE_OK) == (err != NULL));
    FUZZ_LAW(err == NULL || fhs_error_message(err)[0] != '\0');
}

static void check_same_list(const fhs_str *one, size_t count, const fhs_str *other,
                            size_t other_count)
{
    FUZZ_LAW(count == other_count);
    for (size_t i = 0; i < count; i++) {
        FUZZ_LAW(fhs_str_eq(one[i], other[i]));
    }
}

/* What restricts is a search, which may still be none of that type: then it lets nothing through.
 */
static void check_searches(fhs_arena *arena, fhs_type type, const fhs_str *searches, size_t count)
{
    const fhs_query_options options = {.fhir = fhs_fhir_get(FHS_FHIR_R4),
                                       .now_us = INT64_C(1600000000000000)};
    for (size_t i = 0; i < count && type != FHS_TYPE_NONE; i++) {
        fhs_query *query = NULL;
        fhirstore_error *err = NULL;
        const fhirstore_status status = fhs_query_parse(arena, &options, type, searches[i], &query,
                                                        &err);
        check_error(status, err);
        fhs_error_free(err);
    }
}

static void check_decision(const fhs_policy *policy, const fhirstore_authorizer *authorizer,
                           const fhs_principal *who, const fhs_access_ask *ask)
{
    fhs_arena arena;
    fhs_grant one;
    fhs_grant two;
    fhs_grant other;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, MAX_MEMORY);
    fhirstore_status status = fhs_policy_decide(policy, &who->claims, &who->scopes, ask->action,
                                                ask->type, &arena, &one, &err);
    check_error(status, err);
    if (status == FHIRSTORE_OK) {
        FUZZ_LAW(fhs_policy_decide(policy, &who->claims, &who->scopes, ask->action, ask->type,
                                   &arena, &two, NULL) == FHIRSTORE_OK);
        FUZZ_LAW(one.allowed == two.allowed && one.reason.len > 0);
        check_same_list(one.any, one.any_count, two.any, two.any_count);
        check_same_list(one.except, one.except_count, two.except, two.except_count);
        FUZZ_LAW(!one.allowed || who->claims.role_count > 0 || who->claims.has_scope);
        const fhirstore_status asked = fhs_access_check(authorizer, who, ask, &arena, &other, NULL);
        FUZZ_LAW(one.allowed == (asked == FHIRSTORE_OK));
        FUZZ_LAW(one.allowed || asked == FHIRSTORE_ERR_DENIED);
        if (one.allowed) {
            check_same_list(one.any, one.any_count, other.any, other.any_count);
            check_same_list(one.except, one.except_count, other.except, other.except_count);
        }
        FUZZ_LAW(fhs_access_explain(authorizer, who, ask, &arena, &other, NULL) == FHIRSTORE_OK);
        FUZZ_LAW(other.allowed == one.allowed);
        const fhs_type type = fhs_type_find(policy->fhir, ask->type);
        check_searches(&arena, type, one.any, one.any_count);
        check_searches(&arena, type, one.except, one.except_count);
    }
    fhs_error_free(err);
    fhs_arena_clear(&arena);
}

static void check_decisions(const fhs_policy *policy, const fhirstore_authorizer *authorizer,
                            const fhs_principal *who)
{
    for (size_t i = 0; i < FHS_COUNT_OF(actions) * FHS_COUNT_OF(types); i++) {
        const fhs_access_ask ask = {.action = actions[i / FHS_COUNT_OF(types)],
                                    .type = fhs_str_from_cstr(types[i % FHS_COUNT_OF(types)]),
                                    .id = FHS_LIT("a"),
                                    .query = FHS_LIT("")};
        check_decision(policy, authorizer, who, &ask);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_str roles = fhs_str_of((const char *)data, size);
    fhs_str claims = FHS_LIT("{\"roles\":[\"a\"],\"patient\":\"5\",\"attributes\":{\"x\":\"1\"}}");
    const size_t end = fhs_str_find(roles, FHS_LIT("\n---\n"));
    fhs_arena arena;
    fhs_policy policy = {.fhir = fhir};
    fhs_principal who = {
        .name = FHS_LIT("fuzz"), .purpose = FHS_LIT(""), .request_id = FHS_LIT("")};
    fhs_principal nobody = who;
    fhirstore_authorizer authorizer;
    fhirstore_error *err = NULL;
    if (end < roles.len) {
        claims = fhs_str_from(roles, end + 5);
        roles = fhs_str_of(roles.ptr, end);
    }
    fhs_arena_init(&arena, MAX_MEMORY);
    const fhirstore_status read = fhs_rules_read(&arena, fhir, roles, &policy.rules, &err);
    check_error(read, err);
    fhs_error_free(err);
    err = NULL;
    const fhirstore_status told = fhs_principal_read(&who, claims, &arena, &err);
    check_error(told, err);
    fhs_error_free(err);
    if (read == FHIRSTORE_OK && told == FHIRSTORE_OK && roles.len > 0) {
        FUZZ_LAW(fhs_policy_authorizer(fhir, fhir, roles, &authorizer, NULL) == FHIRSTORE_OK);
        check_decisions(&policy, &authorizer, &who);
        check_decisions(&policy, &authorizer, &nobody);
        authorizer.destroy(authorizer.ctx);
    } else if (read != FHIRSTORE_OK && roles.len > 0) {
        FUZZ_LAW(fhs_policy_authorizer(fhir, fhir, roles, &authorizer, NULL) == read);
    }
    fhs_arena_clear(&arena);
    return 0;
}
