/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which condition drives. Each condition that an index can answer is counted a little way; the one
 * that ends first wins, so planning costs no more than the best of them. The others are asked of
 * their own index, where that answers exactly and in entity order, or tested on the row lists of
 * what comes.
 *
 * For a page it is enough to find some: what would have to be gathered whole before the first match
 * is known does not drive when it is large, and chains begin at their far end only when few satisfy
 * the inner condition. If the page does not fill soon, the plan is made again for the whole.
 */
#include "search/search_internal.h"

/* A driver this small is not worth looking for a better one behind a chain. */
#define SMALL_ENOUGH INT64_C(256)
#define CAP_FIRST    INT64_C(64)
#define CAP_STEP     INT64_C(16)
/* For one page it hardly matters which of two large drivers is the larger. */
#define CAP_PAGE (CAP_FIRST * CAP_STEP)
#define CAP_ALL  (CAP_PAGE * CAP_STEP * CAP_STEP * CAP_STEP * CAP_STEP)
/* For one page no more rows than these are gathered before the first match. */
#define GATHER_PAGE INT64_C(16384)
/* Resources of the type that are counted; beyond, all there ever were are a good enough guess. */
#define COUNT_TYPE INT64_C(8192)
/* Matches that are sorted without further thought. */
#define FEW_MATCHES INT64_C(256)
/* Resources at the far end of a chain from which a search for one page, or for all, may begin. */
#define INNER_PAGE   2048u
#define INNER_SORTED 4096u
#define INNER_ALL    65536u

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
        fhirstore_status status = fhs_sql_reading(search, &scan->ranges[i], cap - *count_out,
                                                  &count);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        *count_out += count;
    }
    return FHIRSTORE_OK;
}

static bool has_wish(const fhs_search *search, uint32_t wish)
{
    return (search->env.wish & wish) != 0;
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

bool fhs_test_passes_through(const fhs_test *test)
{
    if (test->kind == FHS_TEST_CHAIN || test->kind == FHS_TEST_HAS) {
        return true;
    }
    for (size_t i = 0; i < test->child_count; i++) {
        if (fhs_test_passes_through(test->children[i])) {
            return true;
        }
    }
    return false;
}

static fhirstore_status make_scans(fhs_search *search, bool others)
{
    for (size_t i = 0; i < search->test_count; i++) {
        if (fhs_test_passes_through(search->tests[i]) != others || search->is_usable[i]) {
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

/* Those that are lists, whose count is known, or the others; none further than the smallest. */
static fhirstore_status count_some_scans(fhs_search *search, bool lists, int64_t cap, size_t *best)
{
    for (size_t i = 0; i < search->test_count; i++) {
        if (!search->is_usable[i] || search->scans[i].is_list != lists) {
            continue;
        }
        const bool has_best = *best < search->test_count;
        const int64_t least = has_best ? search->counts[*best] : cap;
        fhirstore_status status = fhs_scan_estimate(search, &search->scans[i],
                                                    least < 1     ? 1
                                                    : least < cap ? least
                                                                  : cap,
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

/* Count all usable scans up to @a cap; the smallest is *best. */
static fhirstore_status count_scans(fhs_search *search, int64_t cap, size_t *best)
{
    fhirstore_status status = count_some_scans(search, true, cap, best);
    return status == FHIRSTORE_OK ? count_some_scans(search, false, cap, best) : status;
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
static fhirstore_status make_all_scans(fhs_search *search, size_t inner_max)
{
    int64_t least = SMALL_ENOUGH;
    search->inner_max = has_wish(search, FHS_WISH_FAR) ? INNER_ALL : inner_max;
    bool has_others = false;
    fhirstore_status status = make_scans(search, false);
    for (size_t i = 0; i < search->test_count; i++) {
        has_others = has_others || fhs_test_passes_through(search->tests[i]);
    }
    for (size_t i = 0; has_others && i < search->test_count && status == FHIRSTORE_OK; i++) {
        int64_t count = SMALL_ENOUGH;
        if (search->is_usable[i]) {
            status = fhs_scan_estimate(search, &search->scans[i], SMALL_ENOUGH, &count);
        }
        least = count < least ? count : least;
    }
    bool is_worth_it = least >= SMALL_ENOUGH || has_wish(search, FHS_WISH_FAR);
    is_worth_it = is_worth_it && !has_wish(search, FHS_WISH_NEAR);
    return status == FHIRSTORE_OK && has_others && is_worth_it ? make_scans(search, true) : status;
}

/* Everything of the type, or of the store, is looked at. */
static fhirstore_status drive_by_all(fhs_search *search, fhs_plan *plan)
{
    plan->driver = (fhs_scan){.is_exact = true};
    plan->driver_test = NULL;
    plan->estimate = -1;
    return fhs_scan_all(search, false, &plan->driver);
}

/* The smallest of those that need not be gathered, as far as they were counted. */
static size_t best_ordered(const fhs_search *search)
{
    size_t best = search->test_count;
    for (size_t i = 0; i < search->test_count; i++) {
        if (search->is_usable[i] && fhs_scan_is_ordered(&search->scans[i]) &&
            (best == search->test_count || search->counts[i] < search->counts[best])) {
            best = i;
        }
    }
    return best;
}

/* For one page: whether *best would have to be gathered, and is large; then another drives. */
static fhirstore_status avoid_gathering(fhs_search *search, size_t *best, fhs_plan *plan)
{
    int64_t count = plan->estimate;
    if (*best == search->test_count || fhs_scan_is_ordered(&search->scans[*best])) {
        return FHIRSTORE_OK;
    }
    if (count < 0 || plan->is_rough) {
        fhirstore_status status = fhs_scan_estimate(search, &search->scans[*best], GATHER_PAGE,
                                                    &count);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    if (count < GATHER_PAGE) {
        plan->estimate = count;
        return FHIRSTORE_OK;
    }
    *best = best_ordered(search);
    plan->estimate = *best < search->test_count ? search->counts[*best] : -1;
    plan->is_passed = true;
    plan->is_rough = true;
    return FHIRSTORE_OK;
}

/* Those that the indexes answer first; an index answers sooner than a row list. */
static fhirstore_status set_residual(fhs_search *search, size_t best, fhs_plan *plan)
{
    size_t probed = 0;
    plan->residual = fhs_arena_calloc(&search->arena, search->test_count + 1,
                                      sizeof(*plan->residual));
    if (plan->residual == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < search->test_count; i++) {
        const fhs_test *test = search->tests[i];
        if (i == best && plan->driver.is_exact) {
            continue;
        }
        fhirstore_status status = i == best || has_wish(search, FHS_WISH_ROWS)
                                      ? FHIRSTORE_OK
                                      : fhs_probe_prepare(search, test);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        plan->residual[plan->residual_count++] = test;
        if (test->memo != NULL && test->memo->probe != NULL) {
            plan->residual[plan->residual_count - 1] = plan->residual[probed];
            plan->residual[probed++] = test;
        }
    }
    return FHIRSTORE_OK;
}

static size_t wished_driver(const fhs_search *search)
{
    size_t best = search->test_count;
    for (size_t i = 0; i < search->test_count && has_wish(search, FHS_WISH_LAST); i++) {
        best = search->is_usable[i] ? i : best;
    }
    return best;
}

static fhirstore_status make_plan(fhs_search *search, int64_t last_cap, bool for_page,
                                  fhs_plan *plan)
{
    size_t best;
    *plan = (fhs_plan){.estimate = -1};
    fhirstore_status status = pick_smallest(search, last_cap, &best, plan);
    if (status == FHIRSTORE_OK && for_page) {
        status = avoid_gathering(search, &best, plan);
    }
    if (has_wish(search, FHS_WISH_ALL | FHS_WISH_LAST)) {
        best = wished_driver(search);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (best < search->test_count) {
        plan->driver = search->scans[best];
        plan->driver_test = search->tests[best];
    } else {
        status = drive_by_all(search, plan);
    }
    return status == FHIRSTORE_OK ? set_residual(search, best, plan) : status;
}

/* Whether a chain could not begin at its far end because too many satisfy the inner condition. */
static bool has_waiting_chain(const fhs_search *search)
{
    for (size_t i = 0; i < search->test_count; i++) {
        if (!search->is_usable[i] && fhs_test_passes_through(search->tests[i])) {
            return true;
        }
    }
    return false;
}

fhirstore_status fhs_plan_exactly(fhs_search *search, fhs_plan *plan)
{
    fhirstore_status status = make_plan(search, CAP_ALL, false, plan);
    if (status != FHIRSTORE_OK || !has_waiting_chain(search) || has_wish(search, FHS_WISH_NEAR)) {
        return status;
    }
    /* It costs about as much to judge a resource at one end as at the other. */
    int64_t count;
    status = fhs_scan_estimate(search, &plan->driver, INNER_ALL, &count);
    if (status != FHIRSTORE_OK || count <= (int64_t)search->inner_max) {
        return status;
    }
    search->inner_max = (size_t)count;
    status = make_scans(search, true);
    return status == FHIRSTORE_OK ? make_plan(search, CAP_ALL, false, plan) : status;
}

static fhirstore_status plan_page(fhs_search *search)
{
    fhirstore_status status = make_all_scans(search, INNER_PAGE);
    if (status == FHIRSTORE_OK) {
        status = make_plan(search, CAP_PAGE, true, &search->plan);
    }
    search->plan.is_rough = search->plan.is_rough || has_waiting_chain(search);
    return status;
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
    /* Times of change are there for each type, other keys for one type only. */
    return search->sort_count == 1 && (search->type != 0 || search->sort[0].is_updated) &&
           fhs_sql_can_walk(&search->sort[0]);
}

/*
 * Gathering costs one look at each of m matches; walking the order of n resources costs n / m looks
 * for each match of the page. They are even where m² = n × page.
 */
static int64_t even_size(const fhs_search *search, int64_t resources)
{
    return square_root((resources + 1) * ((int64_t)search->query->count + 1));
}

/*
 * All there ever were are a first guess at the resources of the type, and good enough where few or
 * very many match; in between they are counted, as far as that is cheap.
 */
static fhirstore_status refine_even(fhs_search *search, int64_t matches, int64_t *even)
{
    int64_t resources = 0;
    fhs_scan all = {.is_exact = true};
    if (matches >= *even || matches < FEW_MATCHES) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_scan_all(search, true, &all);
    if (status == FHIRSTORE_OK) {
        status = fhs_scan_estimate(search, &all, COUNT_TYPE, &resources);
    }
    if (resources < COUNT_TYPE) {
        *even = even_size(search, resources);
    }
    return status;
}

static fhirstore_status plan_sorted(fhs_search *search)
{
    int64_t even = 0;
    int64_t resources = 0;
    fhs_plan *plan = &search->plan;
    fhirstore_status status = fhs_conn_last_seq(search->conn, &resources, search->err);
    if (status == FHIRSTORE_OK) {
        even = even_size(search, resources);
        status = make_plan(search, even, false, plan);
    }
    if (status == FHIRSTORE_OK && plan->estimate < 0 && !plan->driver.is_list) {
        status = fhs_scan_estimate(search, &plan->driver, even, &plan->estimate);
    }
    if (status == FHIRSTORE_OK) {
        status = refine_even(search, plan->estimate, &even);
    }
    bool walks = !plan->driver.is_list && plan->estimate >= even;
    walks = (walks || has_wish(search, FHS_WISH_WALK)) && !has_wish(search, FHS_WISH_SORTED);
    search->order = walks ? FHS_ORDER_WALK : FHS_ORDER_SORTED;
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
    if (search->sort_count == 0) {
        search->order = FHS_ORDER_ENTITY;
        return plan_page(search);
    }
    /* Whoever sorts looks at everything. */
    status = make_all_scans(search, INNER_SORTED);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    search->order = FHS_ORDER_SORTED;
    return can_walk(search) ? plan_sorted(search) : fhs_plan_exactly(search, &search->plan);
}
