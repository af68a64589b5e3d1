/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever code systems and value sets say: an array of resources, of which the first is expanded
 * and the others are what is stored. A set or a reason, the same twice, and nothing of the input in
 * the reason.
 */
#include "base/limits.h"
#include "law.h"
#include "terminology/terminology.h"

#define MAX_TREE ((size_t)64 << 20)

typedef struct shelf {
    fhs_str text;
    const fhs_json *root;
} shelf;

static fhirstore_status show(const shelf *all, fhs_str member, fhs_str value,
                             fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (uint32_t i = 1; i < all->root->count && status == FHIRSTORE_OK; i++) {
        const fhs_json *item = &all->root->items[i];
        fhs_str known;
        if (member.len == 0 ||
            (fhs_json_get_string(item, member, &known) && fhs_str_eq(known, value))) {
            status = take(taker, fhs_str_of(all->text.ptr + item->begin, item->end - item->begin),
                          i, err);
        }
    }
    return status;
}

static fhirstore_status show_url(void *ctx, fhs_terms_kind kind, fhs_str url,
                                 fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    (void)kind;
    return show(ctx, FHS_LIT("url"), url, take, taker, err);
}

static fhirstore_status show_id(void *ctx, fhs_terms_kind kind, fhs_str id, fhs_terms_take_fn take,
                                void *taker, fhirstore_error **err)
{
    (void)kind;
    return show(ctx, FHS_LIT("id"), id, take, taker, err);
}

static fhirstore_status show_all(void *ctx, fhs_terms_kind kind, fhs_terms_take_fn take,
                                 void *taker, fhirstore_error **err)
{
    (void)kind;
    return show(ctx, FHS_STR_NONE, FHS_STR_NONE, take, taker, err);
}

static void check_status(fhirstore_status status)
{
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_VALUE_SET ||
             status == FHIRSTORE_ERR_CODE_SYSTEM || status == FHIRSTORE_ERR_LIMIT ||
             status == FHIRSTORE_ERR_NOT_FOUND || status == FHIRSTORE_ERR_JSON);
}

static void check_set(const fhs_code_set *set)
{
    for (uint32_t i = 0; i < set->count && i < 1000; i++) {
        const fhs_term *term = &set->terms[i];
        const fhs_term *found = NULL;
        FUZZ_LAW(fhs_code_set_has(set, term->system, term->code, &found) == !found->is_out);
    }
}

/* Above and below of what the set has. */
static void check_kin(fhs_terms *terms, const fhs_code_set *set)
{
    for (uint32_t i = 0; i < set->count && i < 3; i++) {
        const fhs_code_set *kin = NULL;
        const fhs_term *term = &set->terms[i];
        fhirstore_status status = fhs_terms_kin(terms, term->system, term->code, i % 2 == 0, &kin,
                                                NULL);
        check_status(status);
        if (status == FHIRSTORE_OK) {
            check_set(kin);
            FUZZ_LAW(term->system.len == 0 ||
                     fhs_code_set_has(kin, term->system, term->code, NULL) || kin->count > 0);
        }
    }
}

static fhirstore_status expand_first(shelf *all, uint32_t *count_out)
{
    const fhs_terms_source source = {all, show_url, show_id, show_all};
    const fhs_terms_ask ask = {false, false};
    fhs_terms *terms = NULL;
    const fhs_code_set *set = NULL;
    fhirstore_error *err = NULL;
    *count_out = 0;
    FUZZ_LAW(fhs_terms_new(fhs_fhir_get(FHS_FHIR_R4), &source, &terms, NULL) == FHIRSTORE_OK);
    fhirstore_status status = fhs_terms_expand(terms, &all->root->items[0], &ask, &set, &err);
    check_status(status);
    FUZZ_LAW((status == FHIRSTORE_OK) == (err == NULL) && (set != NULL) == (err == NULL));
    if (set != NULL) {
        *count_out = set->count;
        check_set(set);
        check_kin(terms, set);
    }
    fhs_error_free(err);
    fhs_terms_free(terms);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_arena arena;
    shelf all = {.text = fhs_str_of((const char *)data, size)};
    uint32_t first;
    uint32_t second;
    fhs_arena_init(&arena, MAX_TREE);
    if (fhs_json_read(&arena, all.text, NULL, &all.root, NULL) == FHIRSTORE_OK &&
        fhs_json_is(all.root, FHS_JSON_ARRAY) && all.root->count > 0) {
        fhirstore_status status = expand_first(&all, &first);
        FUZZ_LAW(expand_first(&all, &second) == status && first == second);
    }
    fhs_arena_clear(&arena);
    return 0;
}
