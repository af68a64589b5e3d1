/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which condition drives. Each condition that an index can answer is counted a little way; the one
 * that ends first wins, so planning costs no more than the best of them. The others are tested on
 * the row lists of what comes.
 */
#include "search/search_internal.h"

/* A driver this small is not worth looking for a better one behind a chain. */
#define SMALL_ENOUGH INT64_C(256)
#define CAP_FIRST    INT64_C(64)
#define CAP_STEP     INT64_C(16)
#define CAP_LAST     INT64_C(1048576)

fhirstore_status fhs_scan_estimate(fhs_search *search, const fhs_scan *scan, int64_t cap,
                                   int64_t *count_out)
{
    *count_out = 0;
    if (scan->is_list) {
        *count_out = (int64_t)scan->list_count;
        return FHIRSTORE_OK;
    }
    for (size_t i = 0; i < scan->count && *count_out < cap; i++) {
        int64_t count;
        fhirstore_status status = fhs_sql_count(search, &scan->ranges[i], cap - *count_out, &count);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        *count_out += count;
    }
    return FHIRSTORE_OK;
}

/* ---- the conditions ---- */

typedef struct test_list {
    const fhs_test **items;
    size_t count;
    size_t capacity;
} test_list;

/* Nested ANDs become one list. Depth is bounded when the test is compiled. */
static fhirstore_status flatten(fhs_search *search, const fhs_test *test, test_list *list)
{
    if (test->kind == FHS_TEST_TRUE && (test->type == 0 || test->type == search->type)) {
        return FHIRSTORE_OK;
    }
    if (test->kind == FHS_TEST_AND && (test->type == 0 || test->type == search->type)) {
        for (size_t i = 0; i < test->child_count; i++) {
            fhirstore_status status = flatten(search, test->children[i], list);
            if (status != FHIRSTORE_OK) {
                return status;
            }
        }
        return FHIRSTORE_OK;
    }
    const fhs_test **items = fhs_search_grow(search, (void *)(uintptr_t)list->items, list->count,
                                             &list->capacity, sizeof(*items));
    if (items == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    list->items = items;
    items[list->count++] = test;
    search->is_empty = search->is_empty || test->kind == FHS_TEST_FALSE;
    return FHIRSTORE_OK;
}

typedef struct driver_choice {
    fhs_scan *scans; /* one a test; unusable ones have no ranges and no list */
    bool *is_usable;
    int64_t *counts;
    size_t best; /* index, or the number of tests */
} driver_choice;

static bool passes_through_others(const fhs_test *test)
{
    if (test->kind == FHS_TEST_CHAIN || test->kind == FHS_TEST_HAS) {
        return true;
    }
    for (size_t i = 0; i < test->child_count; i++) {
        if (passes_through_others(test->children[i])) {
            return true;
        }
    }
    return false;
}

static fhirstore_status make_scans(fhs_search *search, const test_list *list, bool others,
                                   driver_choice *choice)
{
    for (size_t i = 0; i < list->count; i++) {
        if (passes_through_others(list->items[i]) != others) {
            continue;
        }
        choice->scans[i] = (fhs_scan){.is_exact = true};
        fhirstore_status status = fhs_scan_make(search, list->items[i], &choice->scans[i],
                                                &choice->is_usable[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* Count all usable scans up to a cap that rises until one ends below it. */
static fhirstore_status pick_smallest(fhs_search *search, const test_list *list,
                                      driver_choice *choice)
{
    size_t usable = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (choice->is_usable[i]) {
            choice->best = i;
            usable++;
        }
    }
    for (int64_t cap = CAP_FIRST; usable > 1 && cap <= CAP_LAST; cap *= CAP_STEP) {
        for (size_t i = 0; i < list->count; i++) {
            if (!choice->is_usable[i]) {
                continue;
            }
            fhirstore_status status = fhs_scan_estimate(search, &choice->scans[i], cap,
                                                        &choice->counts[i]);
            if (status != FHIRSTORE_OK) {
                return status;
            }
            if (choice->counts[i] < choice->counts[choice->best] || i == choice->best) {
                choice->best = i;
            }
        }
        if (choice->counts[choice->best] < cap) {
            break;
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status choose_driver(fhs_search *search, const test_list *list,
                                      driver_choice *choice)
{
    choice->scans = fhs_arena_calloc(&search->arena, list->count + 1, sizeof(*choice->scans));
    choice->is_usable = fhs_arena_calloc(&search->arena, list->count + 1, sizeof(bool));
    choice->counts = fhs_arena_calloc(&search->arena, list->count + 1, sizeof(int64_t));
    choice->best = list->count;
    if (choice->scans == NULL || choice->is_usable == NULL || choice->counts == NULL) {
        return fhs_search_no_memory(search);
    }
    bool has_others = false;
    for (size_t i = 0; i < list->count; i++) {
        has_others = has_others || passes_through_others(list->items[i]);
    }
    fhirstore_status status = make_scans(search, list, false, choice);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (has_others) {
        int64_t small = SMALL_ENOUGH;
        for (size_t i = 0; i < list->count && status == FHIRSTORE_OK; i++) {
            int64_t count = SMALL_ENOUGH;
            if (choice->is_usable[i]) {
                status = fhs_scan_estimate(search, &choice->scans[i], SMALL_ENOUGH, &count);
            }
            small = count < small ? count : small;
        }
        if (status == FHIRSTORE_OK && small >= SMALL_ENOUGH) {
            status = make_scans(search, list, true, choice);
        }
    }
    return status == FHIRSTORE_OK ? pick_smallest(search, list, choice) : status;
}

/* ---- the order ---- */

static int64_t square_root(int64_t value)
{
    int64_t root = 1;
    while (root < value / root) {
        root *= 2;
    }
    int64_t low = root / 2;
    while (low + 1 < root) {
        int64_t middle = low + (root - low) / 2;
        if (middle <= value / middle) {
            low = middle;
        } else {
            root = middle;
        }
    }
    return low;
}

/*
 * Gathering costs one look at each of m matches; walking the order of n resources costs n / m looks
 * for each match of the page. They are even where m² = n × page.
 */
static fhirstore_status choose_order(fhs_search *search)
{
    search->order = FHS_ORDER_ENTITY;
    if (search->sort_count == 0) {
        return FHIRSTORE_OK;
    }
    search->order = FHS_ORDER_SORTED;
    if (search->sort_count != 1 || search->type == 0 || !fhs_sql_can_walk(&search->sort[0]) ||
        search->driver.is_list) {
        return FHIRSTORE_OK;
    }
    int64_t resources;
    fhirstore_status status = fhs_conn_last_seq(search->conn, &resources, search->err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int64_t even = square_root((resources + 1) * ((int64_t)search->query->count + 1));
    status = fhs_scan_estimate(search, &search->driver, even, &search->estimate);
    if (search->estimate >= even) {
        search->order = FHS_ORDER_WALK;
    }
    return status;
}

fhirstore_status fhs_search_plan(fhs_search *search)
{
    test_list list = {NULL, 0, 0};
    driver_choice choice = {NULL, NULL, NULL, 0};
    search->estimate = -1;
    fhirstore_status status = flatten(search, search->root, &list);
    if (status == FHIRSTORE_OK && !search->is_empty) {
        status = choose_driver(search, &list, &choice);
    }
    if (status != FHIRSTORE_OK || search->is_empty) {
        return status;
    }
    search->tests = list.items;
    search->test_count = list.count;
    search->residual = fhs_arena_calloc(&search->arena, list.count + 1, sizeof(*search->residual));
    if (search->residual == NULL) {
        return fhs_search_no_memory(search);
    }
    if (choice.best < list.count) {
        search->driver = choice.scans[choice.best];
        search->driver_test = list.items[choice.best];
        search->estimate = choice.counts[choice.best];
    } else {
        search->driver = (fhs_scan){.is_exact = true};
        status = fhs_scan_all(search, false, &search->driver);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (i != choice.best || !search->driver.is_exact) {
            search->residual[search->residual_count++] = list.items[i];
        }
    }
    return status == FHIRSTORE_OK ? choose_order(search) : status;
}
