/* SPDX-License-Identifier: Apache-2.0 */
/* JMESPath: functions that put values in order. */
#include <string.h>

#include "expression/jmes_internal.h"

/* A value and what it is ordered by. */
typedef struct sort_entry {
    const fhs_json *key;
    const fhs_json *item;
} sort_entry;

static int compare_keys(const fhs_json *a, const fhs_json *b)
{
    return a->type == FHS_JSON_NUMBER ? fhs_jmes_compare_numbers(a, b)
                                      : fhs_str_compare(a->text, b->text);
}

/* Items with themselves as keys, or with what @a reference says of them. NULL: failed. */
static sort_entry *collect_entries(fhs_jmes_run *run, const fhs_jmes_node *call,
                                   const fhs_json *list, const fhs_jmes_node *reference)
{
    sort_entry *entries = fhs_jmes_spend(run, list->count)
                              ? fhs_jmes_alloc(run, (size_t)list->count * sizeof *entries)
                              : NULL;
    if (entries == NULL) {
        fhs_jmes_made(run, NULL);
        return NULL;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const fhs_json *item = &list->items[i];
        const fhs_json *key = reference == NULL ? item : fhs_jmes_eval(run, reference, item);
        if (key == NULL) {
            return NULL;
        }
        if ((key->type != FHS_JSON_NUMBER && key->type != FHS_JSON_STRING) ||
            (i > 0 && key->type != entries[0].key->type)) {
            fhs_jmes_refuse(run, call, "the expression must say a number of each, or a string");
            return NULL;
        }
        entries[i] = (sort_entry){key, item};
    }
    return entries;
}

/* Merge two neighbouring runs of @a from into @a to; equal keys stay in order. */
static void merge_runs(const sort_entry *from, sort_entry *to, uint32_t begin, uint32_t middle,
                       uint32_t end)
{
    uint32_t left = begin;
    uint32_t right = middle;
    for (uint32_t i = begin; i < end; i++) {
        bool from_left = left < middle &&
                         (right >= end || compare_keys(from[left].key, from[right].key) <= 0);
        to[i] = from_left ? from[left++] : from[right++];
    }
}

/* Stable, in rounds of runs twice as long; returns the array that has the result. */
static sort_entry *sort_entries(sort_entry *entries, sort_entry *room, uint32_t count)
{
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t begin = 0; begin < count; begin += 2 * width) {
            uint64_t middle = begin + width < count ? begin + width : count;
            uint64_t end = begin + 2 * width < count ? begin + 2 * width : count;
            merge_runs(entries, room, (uint32_t)begin, (uint32_t)middle, (uint32_t)end);
        }
        sort_entry *sorted = room;
        room = entries;
        entries = sorted;
    }
    return entries;
}

/* Comparing each of them once, texts at worst to their end. */
static uint64_t cost_of_keys(const sort_entry *entries, uint32_t count)
{
    uint64_t cost = count;
    for (uint32_t i = 0; i < count && entries[i].key->type == FHS_JSON_STRING; i++) {
        cost += FHS_EXPRESSION_BYTES_COST(entries[i].key->text.len);
    }
    return cost;
}

static const fhs_json *sorted_array(fhs_jmes_run *run, const fhs_jmes_node *call,
                                    const fhs_json *list, const fhs_jmes_node *reference)
{
    sort_entry *entries = collect_entries(run, call, list, reference);
    fhs_json *items = entries == NULL ? NULL : fhs_jmes_items(run, list->count);
    sort_entry *room = items == NULL ? NULL
                                     : fhs_jmes_alloc(run, (size_t)list->count * sizeof *room);
    if (room == NULL) {
        return items == NULL ? NULL : fhs_jmes_made(run, NULL);
    }
    /* Each round compares every entry once. */
    uint64_t rounds = 1;
    for (uint64_t width = 1; width < list->count; width *= 2) {
        rounds++;
    }
    if (!fhs_jmes_spend(run, rounds * cost_of_keys(entries, list->count))) {
        return NULL;
    }
    entries = sort_entries(entries, room, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        items[i] = *entries[i].item;
    }
    return fhs_jmes_array(run, items, list->count);
}

/* The first of the greatest, or of the least; null of nothing. */
static const fhs_json *extreme_of(fhs_jmes_run *run, const fhs_jmes_node *call,
                                  const fhs_json *list, const fhs_jmes_node *reference, int sign)
{
    uint32_t best = 0;
    if (list->count == 0) {
        return fhs_jmes_null();
    }
    const sort_entry *entries = collect_entries(run, call, list, reference);
    if (entries != NULL && !fhs_jmes_spend(run, cost_of_keys(entries, list->count))) {
        return NULL;
    }
    for (uint32_t i = 1; entries != NULL && i < list->count; i++) {
        best = compare_keys(entries[i].key, entries[best].key) * sign > 0 ? i : best;
    }
    return entries == NULL ? NULL : entries[best].item;
}

FHS_JMES_BODY(fhs_jmes_sort)
{
    (void)count;
    return sorted_array(run, call, arguments[0].value, NULL);
}

FHS_JMES_BODY(fhs_jmes_sort_by)
{
    (void)count;
    return sorted_array(run, call, arguments[0].value, arguments[1].reference);
}

FHS_JMES_BODY(fhs_jmes_max)
{
    (void)count;
    return extreme_of(run, call, arguments[0].value, NULL, 1);
}

FHS_JMES_BODY(fhs_jmes_min)
{
    (void)count;
    return extreme_of(run, call, arguments[0].value, NULL, -1);
}

FHS_JMES_BODY(fhs_jmes_max_by)
{
    (void)count;
    return extreme_of(run, call, arguments[0].value, arguments[1].reference, 1);
}

FHS_JMES_BODY(fhs_jmes_min_by)
{
    (void)count;
    return extreme_of(run, call, arguments[0].value, arguments[1].reference, -1);
}
