/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a resource along the trie. Its depth is that of the expressions, not of the input. */
#include <string.h>

#include "index/program.h"

/* A composite root gives no more combinations than this. */
#define COMBINATIONS_MAX 4096u
#define SLOT_FIRST       4u

static void slot_add(fhs_walk *walk, fhs_slot *slot, const fhs_entry *entry)
{
    if (slot->count == slot->capacity) {
        uint32_t capacity = slot->capacity == 0 ? SLOT_FIRST : slot->capacity * 2;
        const fhs_entry **items = fhs_arena_alloc(walk->convert.arena, capacity * sizeof *items);
        if (items == NULL) {
            walk->convert.is_failed = true;
            return;
        }
        if (slot->count > 0) {
            memcpy(items, slot->items, slot->count * sizeof *items);
        }
        slot->items = items;
        slot->capacity = capacity;
    }
    slot->items[slot->count++] = entry;
}

/*
 * Give the entries [first, first + count) to one emit. Entries never move in the arena (a longer
 * list is a copy), so a slot may keep pointers to them.
 */
static void deliver(fhs_walk *walk, const fhs_pemit *emit, const fhs_entry *first, size_t count)
{
    if (emit->slot != FHS_NO_SLOT) {
        fhs_slot *slot = &walk->slots[emit->slot];
        for (size_t i = 0; i < count; i++) {
            if (first[i].kind != FHS_ROW_COMPOSITE) {
                slot_add(walk, slot, &first[i]);
            }
        }
        return;
    }
    fhs_entries *entries = walk->convert.out;
    if (!fhs_entries_reserve(walk->convert.arena, entries, count)) {
        walk->convert.is_failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        fhs_entry *entry = &entries->items[entries->count++];
        *entry = first[i];
        entry->param = emit->param;
    }
}

/* Emits of one kind share one conversion; returns the first emit of another kind. */
static const fhs_pemit *emit_kind(fhs_walk *walk, const fhs_pnode *node, const fhs_pemit *emit,
                                  const fhs_json *value)
{
    fhs_entries *entries = walk->convert.out;
    uint8_t kind = emit->kind;
    bool is_direct = emit->slot == FHS_NO_SLOT;
    if (!is_direct) {
        walk->convert.out = &walk->scratch;
    }
    size_t before = walk->convert.out->count;
    fhs_convert_value(&walk->convert, kind, node->type, node->binding, value);
    size_t count = walk->convert.out->count - before;
    const fhs_entry *first = walk->convert.out->items == NULL ? NULL
                                                              : walk->convert.out->items + before;
    walk->convert.out = entries;
    if (is_direct) {
        for (size_t i = 0; i < count; i++) {
            entries->items[before + i].param = emit->param;
        }
        emit = emit->next;
    }
    for (; emit != NULL && emit->kind == kind; emit = emit->next) {
        if (count > 0) {
            deliver(walk, emit, first, count);
        }
    }
    return emit;
}

static void begin_root(fhs_walk *walk, const fhs_proot *root)
{
    for (uint32_t i = 0; i < root->count; i++) {
        if (root->from_resource[i] == NULL) {
            walk->slots[root->slot + i].count = 0;
        }
    }
}

/* A component that starts at the resource is collected once, when first asked for. */
static void fill_from_resource(fhs_walk *walk, const fhs_proot *root)
{
    for (uint32_t i = 0; i < root->count; i++) {
        fhs_slot *slot = &walk->slots[root->slot + i];
        if (root->from_resource[i] != NULL && !slot->is_done) {
            slot->is_done = true;
            fhs_walk_node(walk, root->from_resource[i], walk->resource);
        }
    }
}

static void add_combination(fhs_walk *walk, const fhs_proot *root, size_t number)
{
    fhs_entry *parts = fhs_arena_alloc(walk->convert.arena, root->count * sizeof *parts);
    fhs_entry *entry = parts == NULL ? NULL : fhs_convert_add(&walk->convert, FHS_ROW_COMPOSITE);
    if (entry == NULL) {
        walk->convert.is_failed = true;
        return;
    }
    for (uint32_t i = root->count; i-- > 0;) {
        const fhs_slot *slot = &walk->slots[root->slot + i];
        parts[i] = *slot->items[number % slot->count];
        parts[i].param = root->components[i].param;
        number /= slot->count;
    }
    entry->param = root->param;
    entry->parts = parts;
    entry->part_count = root->count;
}

/* Every combination of what the components found; none where one found nothing. */
static void finish_root(fhs_walk *walk, const fhs_proot *root)
{
    fill_from_resource(walk, root);
    size_t combinations = 1;
    for (uint32_t i = 0; i < root->count; i++) {
        combinations *= walk->slots[root->slot + i].count;
        if (combinations > COMBINATIONS_MAX) {
            combinations = COMBINATIONS_MAX;
        }
    }
    for (size_t i = 0; i < combinations; i++) {
        add_combination(walk, root, i);
    }
}

/* So many entries are kept at once where somebody takes them. */
#define TAKEN_AT_ONCE 2048u

typedef struct item_walk {
    fhs_walk *walk;
    const fhs_pnode *node;
    fhs_arena_mark begin; /* everything from here on goes when the entries are taken */
    fhirstore_status status;
} item_walk;

/* Hand the entries over; composites may still point to them, so their memory is not used again. */
static void take_entries(item_walk *at)
{
    fhs_walk *walk = at->walk;
    at->status = walk->taker->take(walk->taker->ctx, walk->convert.out, walk->err);
    *walk->convert.out = (fhs_entries){0};
}

/* Entries are views of the item: it stays while it has some. */
static fhirstore_status walk_item(void *ctx, const fhs_json *item, bool *keep)
{
    item_walk *at = ctx;
    fhs_walk *walk = at->walk;
    size_t before = walk->convert.out->count;
    fhs_walk_node(walk, at->node, item);
    *keep = walk->convert.out->count > before;
    if (walk->taker != NULL && walk->convert.out->count >= TAKEN_AT_ONCE &&
        !walk->convert.is_failed) {
        take_entries(at);
        fhs_arena_rewind(walk->convert.arena, at->begin);
        *keep = true;
    }
    return walk->convert.is_failed ? FHIRSTORE_ERR_NO_MEMORY : at->status;
}

static void walk_handed_out(fhs_walk *walk, const fhs_pnode *node, const fhs_json *array)
{
    item_walk at = {.walk = walk, .node = node, .status = FHIRSTORE_OK};
    if (walk->taker != NULL) {
        take_entries(&at);
    }
    at.begin = fhs_arena_here(walk->convert.arena);
    if (at.status >= FHIRSTORE_OK) {
        at.status = walk->text == NULL ? FHIRSTORE_ERR_INTERNAL
                                       : fhs_json_each_item(walk->convert.arena, walk->text, array,
                                                            walk_item, &at, walk->err);
    }
    if (at.status < FHIRSTORE_OK && walk->status >= FHIRSTORE_OK) {
        walk->status = at.status;
    }
}

static void walk_members(fhs_walk *walk, const fhs_pnode *node, const fhs_json *object)
{
    for (uint32_t i = 0; i < object->count; i++) {
        const fhs_json_member *member = &object->members[i];
        const fhs_pnode *child = fhs_pnode_find(node, member->name);
        if (child == NULL) {
            continue;
        }
        const fhs_json *value = &member->value;
        if (value->type != FHS_JSON_ARRAY) {
            fhs_walk_node(walk, child, value);
            continue;
        }
        if (FHS_UNLIKELY(fhs_json_is_handed_out(value))) {
            walk_handed_out(walk, child, value);
            continue;
        }
        for (uint32_t k = 0; k < value->count; k++) {
            fhs_walk_node(walk, child, &value->items[k]);
        }
    }
}

static void note_found(fhs_walk *walk, const fhs_json *value)
{
    if (walk->found_count < FHS_FOUND_MAX) {
        walk->found[walk->found_count] = value;
    }
    walk->found_count++;
}

void fhs_walk_node(fhs_walk *walk, const fhs_pnode *node, const fhs_json *value)
{
    /* A null in an array of primitives has only extensions; lists of lists do not exist in FHIR. */
    if (value->type == FHS_JSON_NULL || value->type == FHS_JSON_ARRAY) {
        return;
    }
    if (node->is_collected) {
        note_found(walk, value);
    }
    for (const fhs_proot *root = node->roots; root != NULL; root = root->next) {
        begin_root(walk, root);
    }
    for (const fhs_pfilter *filter = node->filters; filter != NULL; filter = filter->next) {
        if (fhs_pred_holds(walk, filter->pred, value) == 1) {
            fhs_walk_node(walk, filter->node, value);
        }
    }
    const fhs_pemit *emit = node->emits;
    while (emit != NULL) {
        emit = emit_kind(walk, node, emit, value);
    }
    if (node->child_count > 0 && value->type == FHS_JSON_OBJECT) {
        walk_members(walk, node, value);
    }
    for (const fhs_proot *root = node->roots; root != NULL; root = root->next) {
        finish_root(walk, root);
    }
}
