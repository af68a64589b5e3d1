/* SPDX-License-Identifier: Apache-2.0 */
/* Collections without repetition. Many texts go through a hash table; all else is compared. */
#include "base/mem.h"
#include "fhirpath/internal.h"

/* Fewer are compared sooner than hashed. */
#define FEW_ITEMS 32u
#define NO_ITEM   UINT32_MAX

typedef struct text_table {
    uint32_t *slots; /* index on the stack, or NO_ITEM */
    uint32_t mask;
} text_table;

/* What equality sees of an item, where that is a text. */
static bool text_of_item(fhs_fhirpath_run *run, uint32_t at, fhs_str *out)
{
    fhs_fp_item value;
    if (fhs_fp_value(run, &run->stack[at], &value) < FHIRSTORE_OK ||
        value.kind != FHS_ITEM_STRING) {
        return false;
    }
    *out = value.text;
    return true;
}

static bool are_texts(fhs_fhirpath_run *run, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const fhs_fp_item *item = &run->stack[i];
        fhs_str text;
        bool is_candidate = item->kind == FHS_ITEM_STRING ||
                            (item->kind == FHS_ITEM_NODE &&
                             fhs_json_is(item->node.json, FHS_JSON_STRING));
        if (!is_candidate || !text_of_item(run, i, &text)) {
            return false;
        }
    }
    return true;
}

/* FNV-1a with a last stir: the low bits choose the slot. */
static uint32_t hash_of_text(fhs_str text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    }
    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot that now holds item @a at, or NO_ITEM: a text like its own is in the table. */
static fhirstore_status enter_text(fhs_fhirpath_run *run, text_table *table, uint32_t at,
                                   uint32_t *slot_out)
{
    fhs_str text = FHS_STR_NONE;
    fhs_str other = FHS_STR_NONE;
    (void)text_of_item(run, at, &text);
    uint32_t slot = hash_of_text(text) & table->mask;
    *slot_out = NO_ITEM;
    while (table->slots[slot] != NO_ITEM) {
        fhirstore_status status = fhs_fp_work(run, 1);
        if (status < FHIRSTORE_OK) {
            return status;
        }
        (void)text_of_item(run, table->slots[slot], &other);
        if (fhs_str_eq(text, other)) {
            return FHIRSTORE_OK;
        }
        slot = (slot + 1) & table->mask;
    }
    table->slots[slot] = at;
    *slot_out = slot;
    return FHIRSTORE_OK;
}

static fhirstore_status unite_texts(fhs_fhirpath_run *run, text_table *table, uint32_t base,
                                    uint32_t from)
{
    uint32_t keep = from;
    for (uint32_t i = base; i < run->top; i++) {
        uint32_t slot = NO_ITEM;
        fhirstore_status status = fhs_fp_work(run, 1);
        if (status >= FHIRSTORE_OK) {
            status = enter_text(run, table, i, &slot);
        }
        if (status < FHIRSTORE_OK) {
            return status;
        }
        if (i >= from && slot != NO_ITEM) {
            table->slots[slot] = keep; /* what moves down stays findable */
            run->stack[keep++] = run->stack[i];
        }
    }
    run->top = keep;
    return FHIRSTORE_OK;
}

static fhirstore_status unite_by_comparing(fhs_fhirpath_run *run, uint32_t base, uint32_t from)
{
    uint32_t keep = from;
    for (uint32_t i = from; i < run->top; i++) {
        fhs_fp_item item = run->stack[i];
        bool present = false;
        fhirstore_status status = fhs_fp_contains(run, base, keep, &item, &present);
        if (status < FHIRSTORE_OK) {
            return status;
        }
        if (!present) {
            run->stack[keep++] = item;
        }
    }
    run->top = keep;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fp_unite(fhs_fhirpath_run *run, uint32_t base, uint32_t from)
{
    const uint32_t count = run->top - base;
    if (count <= FEW_ITEMS || !are_texts(run, base, run->top)) {
        return unite_by_comparing(run, base, from);
    }
    text_table table = {NULL, 2 * FEW_ITEMS};
    while (table.mask < 2 * (uint64_t)count) {
        table.mask *= 2;
    }
    table.slots = fhs_alloc((size_t)table.mask * sizeof *table.slots);
    if (table.slots == NULL) {
        return fhs_fp_memory(run);
    }
    memset(table.slots, 0xff, (size_t)table.mask * sizeof *table.slots);
    table.mask--;
    fhirstore_status status = unite_texts(run, &table, base, from);
    fhs_free(table.slots);
    return status;
}
