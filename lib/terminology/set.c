/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of codes: those that are listed, and code systems that belong as a whole. */
#include "terminology/terminology_internal.h"

static bool is_same_term(const fhs_term *a, const fhs_term *b)
{
    return fhs_str_eq(a->system, b->system) &&
           (a->is_case_sensitive || b->is_case_sensitive ? fhs_str_eq(a->code, b->code)
                                                         : fhs_str_eq_ascii_case(a->code, b->code));
}

static uint32_t term_hash(const fhs_term *term)
{
    return fhs_terms_hash(term->code, fhs_terms_hash(term->system, 0));
}

fhs_term *fhs_set_find(const fhs_set_draft *set, const fhs_term *key)
{
    if (set->slot_count == 0) {
        return NULL;
    }
    uint32_t mask = set->slot_count - 1;
    for (uint32_t at = term_hash(key) & mask; set->slots[at] != 0; at = (at + 1) & mask) {
        fhs_term *known = &set->items[set->slots[at] - 1];
        if (is_same_term(known, key)) {
            return known;
        }
    }
    return NULL;
}

static void put_term_slot(fhs_set_draft *set, uint32_t number)
{
    uint32_t mask = set->slot_count - 1;
    uint32_t at = term_hash(&set->items[number]) & mask;
    while (set->slots[at] != 0) {
        at = (at + 1) & mask;
    }
    set->slots[at] = number + 1;
}

static fhirstore_status make_term_room(fhs_set_draft *set, fhirstore_error **err)
{
    if (set->count >= FHS_LIMIT_VALUE_SET_CODES) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT,
                        "the value set exceeds FHS_LIMIT_VALUE_SET_CODES");
    }
    fhs_term *items = fhs_terms_grow(set->terms, set->items, set->count, &set->capacity,
                                     sizeof *items, err);
    if (items == NULL) {
        return set->terms->failed;
    }
    set->items = items;
    if ((set->count + 1) * 2 <= set->slot_count) {
        return FHIRSTORE_OK;
    }
    uint32_t slot_count = fhs_terms_slots((uint32_t)set->capacity);
    uint32_t *slots = fhs_terms_alloc(set->terms, slot_count, sizeof *slots, err);
    if (slots == NULL) {
        return set->terms->failed;
    }
    set->slots = slots;
    set->slot_count = slot_count;
    for (uint32_t i = 0; i < set->count; i++) {
        put_term_slot(set, i);
    }
    return FHIRSTORE_OK;
}

/* Add or change: @a is_out as it is to be from now on. */
static fhirstore_status put_term(fhs_set_draft *set, const fhs_term *term, bool is_out,
                                 fhirstore_error **err)
{
    fhs_term *known = fhs_set_find(set, term);
    if (known != NULL) {
        if (known->is_out && !is_out) {
            *known = *term;
        }
        known->is_out = is_out;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = make_term_room(set, err);
    if (status == FHIRSTORE_OK) {
        set->items[set->count] = *term;
        set->items[set->count].is_out = is_out;
        put_term_slot(set, set->count++);
    }
    return status;
}

fhirstore_status fhs_set_add(fhs_set_draft *set, const fhs_term *term, fhirstore_error **err)
{
    return put_term(set, term, false, err);
}

static bool has_whole(const fhs_str *wholes, uint32_t count, fhs_str system)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fhs_str_eq(wholes[i], system)) {
            return true;
        }
    }
    return false;
}

fhirstore_status fhs_set_add_whole(fhs_set_draft *set, fhs_str system, fhirstore_error **err)
{
    if (has_whole(set->wholes, set->whole_count, system)) {
        return FHIRSTORE_OK;
    }
    fhs_str *wholes = fhs_terms_grow(set->terms, set->wholes, set->whole_count,
                                     &set->whole_capacity, sizeof *wholes, err);
    if (wholes == NULL) {
        return set->terms->failed;
    }
    set->wholes = wholes;
    set->wholes[set->whole_count++] = system;
    return FHIRSTORE_OK;
}

static bool draft_has(const fhs_set_draft *set, const fhs_term *term)
{
    const fhs_term *known = fhs_set_find(set, term);
    return known != NULL ? !known->is_out : has_whole(set->wholes, set->whole_count, term->system);
}

fhirstore_status fhs_set_unite(fhs_set_draft *set, const fhs_set_draft *other,
                               fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    /* What is out of one whole may be in the other. */
    for (uint32_t i = 0; i < set->count && other->whole_count > 0; i++) {
        set->items[i].is_out = set->items[i].is_out && !draft_has(other, &set->items[i]);
    }
    for (uint32_t i = 0; i < other->count && status == FHIRSTORE_OK; i++) {
        const fhs_term *term = &other->items[i];
        status = put_term(set, term, term->is_out && !draft_has(set, term), err);
    }
    for (uint32_t i = 0; i < other->whole_count && status == FHIRSTORE_OK; i++) {
        status = fhs_set_add_whole(set, other->wholes[i], err);
    }
    return status;
}

/* Terms of @a a as they are in both sets. */
static fhirstore_status add_common(fhs_set_draft *out, const fhs_set_draft *a,
                                   const fhs_set_draft *b, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (uint32_t i = 0; i < a->count && status == FHIRSTORE_OK; i++) {
        const fhs_term *term = &a->items[i];
        bool is_in = !term->is_out && draft_has(b, term);
        if (is_in || has_whole(out->wholes, out->whole_count, term->system)) {
            status = put_term(out, term, !is_in, err);
        }
    }
    return status;
}

fhirstore_status fhs_set_intersect(const fhs_set_draft *a, const fhs_set_draft *b,
                                   fhs_set_draft *out, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    *out = (fhs_set_draft){.terms = a->terms};
    for (uint32_t i = 0; i < a->whole_count && status == FHIRSTORE_OK; i++) {
        if (has_whole(b->wholes, b->whole_count, a->wholes[i])) {
            status = fhs_set_add_whole(out, a->wholes[i], err);
        }
    }
    if (status == FHIRSTORE_OK) {
        status = add_common(out, a, b, err);
    }
    return status == FHIRSTORE_OK ? add_common(out, b, a, err) : status;
}

fhirstore_status fhs_set_subtract(fhs_set_draft *set, const fhs_set_draft *other,
                                  fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    /* Of a whole that goes, only what the other set leaves out stays. */
    for (uint32_t i = 0; i < other->count && status == FHIRSTORE_OK; i++) {
        const fhs_term *term = &other->items[i];
        if (draft_has(set, term)) {
            status = put_term(set, term, !term->is_out, err);
        }
    }
    for (uint32_t i = 0; i < set->count; i++) {
        set->items[i].is_out = set->items[i].is_out || draft_has(other, &set->items[i]);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->whole_count; i++) {
        if (!has_whole(other->wholes, other->whole_count, set->wholes[i])) {
            set->wholes[kept++] = set->wholes[i];
        }
    }
    set->whole_count = kept;
    return status;
}

fhirstore_status fhs_set_finish(fhs_set_draft *set, const fhs_code_set **out, fhirstore_error **err)
{
    fhs_code_set *done = fhs_terms_alloc(set->terms, 1, sizeof *done, err);
    *out = done;
    if (done == NULL) {
        return set->terms->failed;
    }
    *done = (fhs_code_set){set->items,      set->count,  set->slots,
                           set->slot_count, set->wholes, set->whole_count};
    return FHIRSTORE_OK;
}

bool fhs_code_set_has(const fhs_code_set *set, fhs_str system, fhs_str code,
                      const fhs_term **term_out)
{
    /* Whether case counts is what the listed term says. */
    const fhs_term key = {.system = system, .code = code};
    const fhs_set_draft view = {.items = (fhs_term *)(uintptr_t)set->terms,
                                .count = set->count,
                                .slots = (uint32_t *)(uintptr_t)set->slots,
                                .slot_count = set->slot_count};
    const fhs_term *known = fhs_set_find(&view, &key);
    if (term_out != NULL) {
        *term_out = known;
    }
    return known != NULL ? !known->is_out : has_whole(set->wholes, set->whole_count, system);
}
