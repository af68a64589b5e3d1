/* SPDX-License-Identifier: Apache-2.0 */
/* A set of included resources: an array in order of arrival, and a table of hashes over it. */
#include <stdlib.h>

#include "base/mem.h"
#include "search/include.h"

int fhs_included_compare(const fhs_included *a, const fhs_included *b)
{
    if (a->entity != b->entity) {
        return a->entity < b->entity ? -1 : 1;
    }
    return a->version < b->version ? -1 : a->version > b->version;
}

static int compare_included(const void *a, const void *b)
{
    return fhs_included_compare(a, b);
}

/* The slot of @a item, or the free one where it would be. The table is never full. */
static uint32_t *included_slot(const fhs_included_set *set, const fhs_included *item)
{
    uint64_t hash = ((uint64_t)item->entity * UINT64_C(0x9E3779B97F4A7C15)) ^
                    ((uint64_t)item->version * UINT64_C(0xC2B2AE3D27D4EB4F));
    size_t at = (size_t)(hash >> 20) & (set->slot_count - 1);
    while (set->slots[at] != 0 &&
           fhs_included_compare(&set->items[set->slots[at] - 1], item) != 0) {
        at = (at + 1) & (set->slot_count - 1);
    }
    return &set->slots[at];
}

bool fhs_included_has(const fhs_included_set *set, const fhs_included *item)
{
    return set->slot_count > 0 && *included_slot(set, item) != 0;
}

static void fill_slots(fhs_included_set *set)
{
    memset(set->slots, 0, set->slot_count * sizeof(*set->slots));
    for (size_t i = 0; i < set->count; i++) {
        *included_slot(set, &set->items[i]) = (uint32_t)(i + 1);
    }
}

/* Twice as many slots as items at least. */
static bool grow_set(fhs_included_set *set)
{
    size_t capacity = set->capacity == 0 ? 64 : set->capacity * 2;
    if (capacity > UINT32_MAX / 2) {
        return false;
    }
    fhs_included *items = fhs_realloc(set->items, capacity * sizeof(*items));
    if (items == NULL) {
        return false;
    }
    set->items = items;
    uint32_t *slots = fhs_calloc(capacity * 2, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    fhs_free(set->slots);
    set->slots = slots;
    set->slot_count = capacity * 2;
    set->capacity = capacity;
    fill_slots(set);
    return true;
}

bool fhs_included_add(fhs_included_set *set, const fhs_included *item)
{
    if (set->count == set->capacity && !grow_set(set)) {
        return false;
    }
    set->items[set->count] = *item;
    *included_slot(set, item) = (uint32_t)++set->count;
    return true;
}

void fhs_included_cut(fhs_included_set *set, size_t count)
{
    if (set->count == 0) {
        return;
    }
    qsort(set->items, set->count, sizeof(*set->items), compare_included);
    set->count = set->count < count ? set->count : count;
    fill_slots(set);
}

void fhs_included_clear(fhs_included_set *set)
{
    fhs_free(set->items);
    fhs_free(set->slots);
    *set = (fhs_included_set){.items = NULL};
}
