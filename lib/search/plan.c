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
/* For one page it hardly matters which of two large drivers is the larger. */
#define CAP_PAGE (CAP_FIRST * CAP_STEP)
#define CAP_ALL  (CAP_PAGE * CAP_STEP * CAP_STEP * CAP_STEP * CAP_STEP)

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

static fhirstore_status make_scans(fhs_search *search, bool others)
{
    for (size_t i = 0; i < search->test_count; i++) {
        if (passes_through_others(search->tests[i]) != others) {
            continue;
        }
        search->scans[i] = (fhs_scan){.is_exact = true};
        fhirstore_status status = fhs_scan_make(search, search->tests[i], &search->scans[i],
                                                &search->is_usable[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* Count all usable scans up to @a cap; the smallest is *best. */
static fhirstore_status count_scans(fhs_search *search, int64_t cap, size_t *best)
{
    for (size_t i = 0; i < search->test_count; i++) {
        if (!search->is_usable[i]) {
            continue;
        }
        fhirstore_status status = fhs_scan_estimate(search, &search->scans[i], cap,
                                                    &search->counts[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (*best >= search->test_count || search->counts[i] < search->counts[*best]) {
            *best = i;
        }
    }
    return FHIRSTORE_OK;
}

/* The smallest usable scan, counted up to a cap that rises until one ends below it. */
static fhirstore_status pick_smallest(fhs_search *search, int64_t last_cap, size_t *best_out,
                                      fhs_plan *plan)
{
    size_t usable = 0;
    *best_out = search->test_count;
    for (size_t i = 0; i < search->test_count; i++) {
        if (search->is_usable[i]) {
            *best_out = i;
            usable++;
        }
    }
    int64_t cap = CAP_FIRST;
    while (usable > 1) {
        *best_out = search->test_count;
        fhirstore_status status = count_scans(search, cap, best_out);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        plan->estimate = search->counts[*best_out];
        plan->is_rough = plan->estimate >= cap;
        if (!plan->is_rough || cap >= last_cap) {
            break;
        }
        cap = cap * CAP_STEP < last_cap ? cap * CAP_STEP : last_cap;
    }
    return FHIRSTORE_OK;
}

/* Chains are worth starting from their far end unless another condition is small already. */
static fhirstore_status make_all_scans(fhs_search *search)
{
    int64_t least = SMALL_ENOUGH;
    bool has_others = false;
    fhirstore_status status = make_scans(search, false);
    for (size_t i = 0; i < search->test_count; i++) {
        has_others = has_others || passes_through_others(search->tests[i]);
    }
    for (size_t i = 0; has_others && i < search->test_count && status == FHIRSTORE_OK; i++) {
        int64_t count = SMALL_ENOUGH;
        if (search->is_usable[i]) {
            status = fhs_scan_estimate(search, &search->scans[i], SMALL_ENOUGH, &count);
        }
        least = count < least ? count : least;
    }
    return status == FHIRSTORE_OK && has_others && least >= SMALL_ENOUGH ? make_scans(search, true)
                                                                         : status;
}

static fhirstore_status make_plan(fhs_search *search, int64_t last_cap, fhs_plan *plan)
{
    size_t best;
    *plan = (fhs_plan){.estimate = -1};
    fhirstore_status status = pick_smallest(search, last_cap, &best, plan);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    plan->residual = fhs_arena_calloc(&search->arena, search->test_count + 1,
                                      sizeof(*plan->residual));
    if (plan->residual == NULL) {
        return fhs_search_no_memory(search);
    }
    if (best < search->test_count) {
        plan->driver = search->scans[best];
        plan->driver_test = search->tests[best];
    } else {
        plan->driver = (fhs_scan){.is_exact = true};
        status = fhs_scan_all(search, false, &plan->driver);
    }
    for (size_t i = 0; i < search->test_count; i++) {
        if (i != best || !plan->driver.is_exact) {
            plan->residual[plan->residual_count++] = search->tests[i];
        }
    }
    return status;
}

fhirstore_status fhs_plan_exactly(fhs_search *search, fhs_plan *plan)
{
    return make_plan(search, CAP_ALL, plan);
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

static bool can_walk(const fhs_search *search)
{
    return search->sort_count == 1 && search->type != 0 && fhs_sql_can_walk(&search->sort[0]);
}

/*
 * Gathering costs one look at each of m matches; walking the order of n resources costs n / m looks
 * for each match of the page. They are even where m² = n × page.
 */
static fhirstore_status even_size(fhs_search *search, int64_t *out)
{
    int64_t resources = 0;
    fhirstore_status status = fhs_conn_last_seq(search->conn, &resources, search->err);
    *out = square_root((resources + 1) * ((int64_t)search->query->count + 1));
    return status;
}

static fhirstore_status plan_sorted(fhs_search *search)
{
    int64_t even;
    fhs_plan *plan = &search->plan;
    fhirstore_status status = even_size(search, &even);
    if (status == FHIRSTORE_OK) {
        status = make_plan(search, even, plan);
    }
    if (status == FHIRSTORE_OK && plan->estimate < 0 && !plan->driver.is_list) {
        status = fhs_scan_estimate(search, &plan->driver, even, &plan->estimate);
    }
    search->order = !plan->driver.is_list && plan->estimate >= even ? FHS_ORDER_WALK
                                                                    : FHS_ORDER_SORTED;
    return status;
}

fhirstore_status fhs_search_plan(fhs_search *search)
{
    test_list list = {NULL, 0, 0};
    fhirstore_status status = flatten(search, search->root, &list);
    if (status != FHIRSTORE_OK || search->is_empty) {
        return status;
    }
    search->tests = list.items;
    search->test_count = list.count;
    search->scans = fhs_arena_calloc(&search->arena, list.count + 1, sizeof(*search->scans));
    search->is_usable = fhs_arena_calloc(&search->arena, list.count + 1, sizeof(bool));
    search->counts = fhs_arena_calloc(&search->arena, list.count + 1, sizeof(int64_t));
    if (search->scans == NULL || search->is_usable == NULL || search->counts == NULL) {
        return fhs_search_no_memory(search);
    }
    status = make_all_scans(search);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (can_walk(search)) {
        return plan_sorted(search);
    }
    search->order = search->sort_count == 0 ? FHS_ORDER_ENTITY : FHS_ORDER_SORTED;
    /* Whoever sorts looks at everything, whoever does not looks at one page's worth. */
    return make_plan(search, search->sort_count == 0 ? CAP_PAGE : CAP_ALL, &search->plan);
}
