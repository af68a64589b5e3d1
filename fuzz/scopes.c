/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes as a token has them. They are refused with a reason that repeats nothing of them, or each
 * is what it is read as by itself, however many blanks there are between them; and a principal's
 * document that has them as its member "scope" says the same.
 */
#include "access/access.h"
#include "access/policy.h"
#include "base/utf8.h"
#include "law.h"
#include "json/json.h"

#define MAX_MEMORY ((size_t)64 << 20)

static void check_error(fhirstore_status status, const fhirstore_error *err)
{
    FUZZ_LAW((status < FHIRSTORE_OK) == (err != NULL));
    FUZZ_LAW(err == NULL || fhs_error_message(err)[0] != '\0');
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_POLICY ||
             status == FHIRSTORE_ERR_LIMIT || status == FHIRSTORE_ERR_NO_MEMORY);
}

static void check_same(const fhs_scope *one, const fhs_scope *other)
{
    FUZZ_LAW(one->context == other->context && one->actions == other->actions);
    FUZZ_LAW(fhs_str_eq(one->type, other->type) && fhs_str_eq(one->params, other->params));
    FUZZ_LAW(fhs_str_eq(one->written, other->written));
}

/* Each alone, then all again with other blanks between them. */
static void check_again(fhs_arena *arena, const fhs_scopes *scopes)
{
    fhs_buf text = FHS_BUF_INIT(MAX_MEMORY);
    fhs_scopes again;
    for (size_t i = 0; i < scopes->count; i++) {
        const fhs_scope *scope = &scopes->items[i];
        FUZZ_LAW(scope->actions != 0 && (scope->actions & ~(uint32_t)FHS_DATA_ALL) == 0);
        FUZZ_LAW(scope->type.len > 0 && scope->written.len > scope->type.len);
        FUZZ_LAW(fhs_scopes_read(arena, scope->written, &again, NULL) == FHIRSTORE_OK);
        FUZZ_LAW(again.count == 1 && again.items[0].number == 1);
        check_same(scope, &again.items[0]);
        fhs_buf_add_cstr(&text, i % 2 == 0 ? "  " : " ");
        fhs_buf_add_str(&text, scope->written);
    }
    fhs_buf_add_char(&text, ' ');
    FUZZ_LAW(fhs_scopes_read(arena, fhs_buf_str(&text), &again, NULL) == FHIRSTORE_OK);
    FUZZ_LAW(again.count == scopes->count && !again.fhir_user && !again.launch_patient);
    for (size_t i = 0; i < scopes->count; i++) {
        check_same(&scopes->items[i], &again.items[i]);
        FUZZ_LAW(again.items[i].number == i + 1);
    }
    fhs_buf_clear(&text);
}

/* The other way in; and a scope allows nothing that it has no action for. */
static void check_document(fhs_arena *arena, fhs_str text, const fhs_scopes *scopes)
{
    fhs_buf document = FHS_BUF_INIT(MAX_MEMORY);
    fhs_principal who = {0};
    fhs_rules rules;
    fhs_grant grant;
    bool may_read = false;
    fhs_buf_add_cstr(&document, "{\"patient\":\"5\",\"scope\":");
    fhs_json_write_string(&document, text);
    fhs_buf_add_char(&document, '}');
    FUZZ_LAW(fhs_principal_read(&who, fhs_buf_str(&document), arena, NULL) == FHIRSTORE_OK);
    FUZZ_LAW(who.scopes.count == scopes->count && who.scopes.fhir_user == scopes->fhir_user);
    FUZZ_LAW(who.scopes.launch_patient == scopes->launch_patient && who.claims.has_scope);
    for (size_t i = 0; i < scopes->count; i++) {
        check_same(&scopes->items[i], &who.scopes.items[i]);
        may_read = may_read || (scopes->items[i].actions & FHS_DATA_READ) != 0;
    }
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    FUZZ_LAW(fhs_rules_read(arena, fhir, fhs_rules_default(), &rules, NULL) == FHIRSTORE_OK);
    const fhs_policy policy = {fhir, rules};
    FUZZ_LAW(fhs_policy_decide(&policy, &who.claims, &who.scopes, FHIRSTORE_ACTION_READ,
                               FHS_LIT("Observation"), arena, &grant, NULL) == FHIRSTORE_OK);
    FUZZ_LAW(!grant.allowed || may_read);
    fhs_buf_clear(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fhs_str text = fhs_str_of((const char *)data, size);
    fhs_arena arena;
    fhs_scopes scopes;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, MAX_MEMORY);
    fhirstore_status status = fhs_scopes_read(&arena, text, &scopes, &err);
    check_error(status, err);
    if (status == FHIRSTORE_OK) {
        check_again(&arena, &scopes);
        status = fhs_scopes_check(fhs_fhir_get(FHS_FHIR_R4), &arena, &scopes, &err);
        check_error(status, err);
    }
    /* What JSON can hold at all. */
    if (status == FHIRSTORE_OK && fhs_utf8_valid_prefix(text) == text.len &&
        fhs_str_find_char(text, '\0', 0) == text.len) {
        check_document(&arena, text, &scopes);
    }
    fhs_error_free(err);
    fhs_arena_clear(&arena);
    return 0;
}
