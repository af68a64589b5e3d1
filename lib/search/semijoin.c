/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains and _has from the far end: the few resources that satisfy the inner condition are found
 * first, then what refers to them, or what they refer to. Too many of them, and the condition is
 * tested resource by resource instead.
 */
#include <stdlib.h>

#include "base/order.h"
#include "search/search_internal.h"

/* For _has the rows of each are read, for a chain their numbers are enough. */
#define ROWS_COST 4u

typedef struct entity_list {
    int64_t *items;
    size_t count;
    size_t capacity;
} entity_list;

static fhirstore_status push_entity(fhs_search *search, entity_list *list, int64_t entity)
{
    int64_t *items = fhs_search_grow(search, list->items, list->count, &list->capacity,
                                     sizeof(*items));
    if (items == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    list->items = items;
    items[list->count++] = entity;
    return FHIRSTORE_OK;
}

/* The best condition to begin with: the smallest of an AND's that an index can answer. */
static fhirstore_status inner_scan(fhs_search *search, const fhs_test *test, fhs_scan *scan,
                                   bool *usable_out)
{
    *scan = (fhs_scan){.is_exact = true};
    if (test->kind != FHS_TEST_AND) {
        return fhs_scan_make(search, test, scan, usable_out);
    }
    int64_t least = INT64_MAX;
    *usable_out = false;
    for (size_t i = 0; i < test->child_count; i++) {
        fhs_scan other = {.is_exact = true};
        bool usable;
        int64_t count = 0;
        fhirstore_status status = inner_scan(search, test->children[i], &other, &usable);
        if (status == FHIRSTORE_OK && usable) {
            status = fhs_scan_estimate(search, &other, (int64_t)search->inner_max, &count);
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (usable && count < least) {
            least = count;
            *scan = other;
            *usable_out = true;
        }
    }
    scan->is_exact = scan->is_exact && test->child_count == 1;
    return FHIRSTORE_OK;
}

static fhirstore_status all_of_type(fhs_search *search, int32_t type, fhs_scan *scan)
{
    *scan = (fhs_scan){.is_exact = false};
    fhs_range *range = fhs_scan_add(search, scan, FHS_RANGE_TYPE);
    if (range == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    range->arg_count = 1;
    range->args[0] = (fhs_arg){.kind = FHS_ARG_INT, .number = type};
    range->is_unique = true;
    return FHIRSTORE_OK;
}

/* Levels at the far end are those that no candidate at the near end uses at the same time. */
#define INNER_LEVEL (FHS_LOADER_DEPTH / 2)

static fhirstore_status test_inner(fhs_search *search, const fhs_test *test, int32_t type,
                                   const fhs_scan *scan, fhs_entity entity, bool *yes_out)
{
    fhs_candidate candidate = {.entity = entity};
    fhirstore_status status = fhs_search_visit(search);
    *yes_out = true;
    if (status == FHIRSTORE_OK &&
        scan->is_list) { /* what stands in an index is there, and of the parameter's type */
        status = fhs_candidate_head(search, &candidate, INNER_LEVEL);
        *yes_out = status == FHIRSTORE_OK && candidate.is_there && candidate.type == type;
    }
    if (status != FHIRSTORE_OK || !*yes_out || scan->is_exact) {
        return status;
    }
    candidate.known_type = type;
    return fhs_test_candidate(search, test, &candidate, INNER_LEVEL, yes_out);
}

/* Whether so much would have to be looked at that it is not worth beginning here. */
static fhirstore_status is_too_large(fhs_search *search, const fhs_scan *scan, size_t max,
                                     bool *yes_out)
{
    int64_t cap = (int64_t)(2 * max);
    int64_t count = 0;
    *yes_out = false;
    if (scan->is_exact && fhs_scan_is_ordered(scan)) {
        return FHIRSTORE_OK; /* it ends by itself when there are too many */
    }
    fhirstore_status status = fhs_scan_estimate(search, scan, cap, &count);
    *yes_out = count >= cap;
    return status;
}

fhirstore_status fhs_collect_test(fhs_search *search, const fhs_test *test, int32_t type,
                                  size_t max, int64_t **items_out, size_t *count_out,
                                  bool *fits_out)
{
    fhs_scan scan;
    bool usable;
    entity_list list = {NULL, 0, 0};
    fhs_source source = {.scan = NULL};
    fhs_entity entity;
    *fits_out = false;
    fhirstore_status status = inner_scan(search, test, &scan, &usable);
    if (status == FHIRSTORE_OK && !usable) {
        status = all_of_type(search, type, &scan);
    }
    if (status == FHIRSTORE_OK) {
        bool is_large;
        status = is_too_large(search, &scan, max, &is_large);
        if (status != FHIRSTORE_OK || is_large) {
            return status;
        }
        status = fhs_source_open(search, &scan, 0, &source);
    }
    while (status == FHIRSTORE_OK && list.count <= max) {
        bool yes;
        status = fhs_source_next(search, &source, &entity);
        if (status == FHIRSTORE_OK) {
            status = test_inner(search, test, type, &scan, entity, &yes);
        }
        if (status == FHIRSTORE_OK && yes) {
            status = push_entity(search, &list, entity);
        }
    }
    fhs_source_close(&source);
    *fits_out = status == FHIRSTORE_DONE && list.count <= max;
    *items_out = list.items;
    *count_out = list.count;
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_scan_chain(fhs_search *search, const fhs_test *test, fhs_scan *scan,
                                bool *usable_out)
{
    int64_t *items = NULL;
    size_t count = 0;
    fhirstore_status status = fhs_collect_test(search, test->children[0], test->target,
                                               search->inner_max, &items, &count, usable_out);
    if (status != FHIRSTORE_OK || !*usable_out) {
        return status;
    }
    for (size_t p = 0; p < test->param_count; p++) {
        for (size_t i = 0; i < count; i++) {
            fhs_range *range = fhs_scan_add(search, scan, FHS_RANGE_REFERENCE);
            if (range == NULL) {
                return FHIRSTORE_ERR_NO_MEMORY;
            }
            range->arg_count = 2;
            range->args[0] = (fhs_arg){.kind = FHS_ARG_INT, .number = test->params[p]};
            range->args[1] = (fhs_arg){.kind = FHS_ARG_INT, .number = items[i]};
        }
    }
    return FHIRSTORE_OK;
}

static bool refers_by(const fhs_test *test, const fhs_row *row)
{
    for (size_t i = 0; i < test->param_count; i++) {
        if (row->kind == FHS_ROW_REFERENCE && row->param == test->params[i]) {
            return true;
        }
    }
    return false;
}

/* Everything that @a entity refers to by the parameter. */
static fhirstore_status add_targets(fhs_search *search, const fhs_test *test, fhs_entity entity,
                                    entity_list *list)
{
    fhs_candidate candidate = {.entity = entity};
    fhs_row row;
    fhirstore_status status = fhs_candidate_rows(search, &candidate, INNER_LEVEL);
    fhs_row_cursor cursor = {candidate.rows};
    while (status == FHIRSTORE_OK) {
        status = fhs_row_next(&cursor, &row, NULL);
        if (status == FHIRSTORE_OK && refers_by(test, &row)) {
            status = push_entity(search, list, row.a);
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_scan_has(fhs_search *search, const fhs_test *test, fhs_scan *scan,
                              bool *usable_out)
{
    int64_t *items = NULL;
    size_t count = 0;
    entity_list list = {NULL, 0, 0};
    fhirstore_status status = fhs_collect_test(search, test->children[0], test->target,
                                               search->inner_max / ROWS_COST, &items, &count,
                                               usable_out);
    if (status != FHIRSTORE_OK || !*usable_out) {
        return status;
    }
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        status = add_targets(search, test, items[i], &list);
    }
    size_t kept = 0;
    if (list.count > 0) {
        qsort(list.items, list.count, sizeof(*list.items), fhs_compare_int64);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (kept == 0 || list.items[kept - 1] != list.items[i]) {
            list.items[kept++] = list.items[i];
        }
    }
    *usable_out = scan->count == 0 && !scan->is_list;
    scan->is_list = true;
    scan->list = list.items;
    scan->list_count = kept;
    return status;
}
