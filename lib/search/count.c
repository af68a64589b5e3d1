/* SPDX-License-Identifier: Apache-2.0 */
/* How many: from an index where one tells, by looking where none does. */
#include "search/search_internal.h"

bool fhs_search_knows_count(const fhs_search *search, int64_t *count_out)
{
    if (!search->is_started || search->token.kind != FHS_PAGE_FIRST) {
        return false;
    }
    if (search->order == FHS_ORDER_SORTED) {
        *count_out = (int64_t)search->sorted.count;
        return !search->sorted.is_cut;
    }
    *count_out = (int64_t)search->source.item_count;
    return search->order == FHS_ORDER_ENTITY && !search->source.is_merge &&
           !search->plan.driver.is_list && search->plan.residual_count == 0;
}

/* Matches behind @a after, unless that costs more than looking at @a max rows of an index. */
static fhirstore_status count_by_looking(fhs_search *search, const fhs_plan *plan, fhs_entity after,
                                         int64_t max, int64_t *count_out, bool *exact_out)
{
    fhs_source source = {.scan = NULL};
    uint64_t visits = search->visits;
    uint64_t end = max == INT64_MAX ? UINT64_MAX : search->work + (uint64_t)max;
    *count_out = 0;
    search->skip_to = 0;
    fhirstore_status status = fhs_source_open(search, &plan->driver, after, &source);
    while (status == FHIRSTORE_OK && search->work < end) {
        fhs_candidate candidate = {.entity = 0};
        bool yes = true;
        status = fhs_source_next_from(search, &source, &candidate.entity);
        search->work++;
        if (status == FHIRSTORE_OK && (plan->residual_count > 0 || plan->driver.is_list)) {
            status = fhs_search_accepts(search, plan->residual, plan->residual_count,
                                        plan->driver.is_list, &candidate, &yes);
        }
        *count_out += status == FHIRSTORE_OK && yes ? 1 : 0;
    }
    fhs_source_close(&source);
    search->visits = visits;
    *exact_out = status == FHIRSTORE_DONE;
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status count_ranges(fhs_search *search, const fhs_scan *scan, int64_t *count_out)
{
    fhirstore_status status = FHIRSTORE_OK;
    *count_out = 0;
    for (size_t i = 0; i < scan->count && status == FHIRSTORE_OK; i++) {
        int64_t count;
        status = fhs_sql_count_entities(search, &scan->ranges[i], &count);
        *count_out += count;
    }
    return status;
}

/* What is not: all of the type less those that are. *done_out false: not that simple. */
static fhirstore_status count_negation(fhs_search *search, const fhs_plan *plan, int64_t *count_out,
                                       bool *done_out)
{
    fhs_scan scan = {.is_exact = true};
    bool usable = false;
    int64_t all = 0;
    *done_out = false;
    if (plan->driver_test != NULL || search->type == 0 || plan->residual_count != 1 ||
        plan->residual[0]->kind != FHS_TEST_NOT ||
        plan->residual[0]->children[0]->kind != FHS_TEST_ROW) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_scan_make(search, plan->residual[0]->children[0], &scan, &usable);
    if (status != FHIRSTORE_OK || !usable || scan.is_list || !scan.is_exact || scan.count > 1) {
        return status;
    }
    status = count_ranges(search, &plan->driver, &all);
    if (status == FHIRSTORE_OK) {
        status = count_ranges(search, &scan, count_out);
    }
    *count_out = all - *count_out;
    *done_out = status == FHIRSTORE_OK;
    return status;
}

/* Whether the ranges of the driver alone tell, and have no entity in common. */
static bool counts_by_index(const fhs_plan *plan)
{
    return plan->residual_count == 0 && !plan->driver.is_list &&
           (plan->driver.count <= 1 || plan->driver_test == NULL);
}

fhirstore_status fhs_search_count(fhs_search *search, int64_t *count_out, fhirstore_error **err)
{
    fhs_scan all = {.is_exact = true};
    fhs_plan better;
    const fhs_plan *plan = &search->plan;
    bool done = true;
    search->err = err;
    *count_out = 0;
    if (search->is_empty) {
        return FHIRSTORE_OK;
    }
    if (plan->is_rough) {
        fhirstore_status status = fhs_plan_exactly(search, &better);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        plan = &better;
    }
    if (counts_by_index(plan) && plan->driver_test != NULL) {
        return count_ranges(search, &plan->driver, count_out);
    }
    if (counts_by_index(plan)) {
        fhirstore_status status = fhs_scan_all(search, true, &all);
        return status == FHIRSTORE_OK ? count_ranges(search, &all, count_out) : status;
    }
    fhirstore_status status = count_negation(search, plan, count_out, &done);
    if (status != FHIRSTORE_OK || done) {
        return status;
    }
    return count_by_looking(search, plan, 0, INT64_MAX, count_out, &done);
}

fhirstore_status fhs_search_count_some(fhs_search *search, int64_t max, int64_t *count_out,
                                       bool *exact_out)
{
    const fhs_plan *plan = &search->plan;
    *exact_out = true;
    *count_out = 0;
    if (search->is_empty) {
        return FHIRSTORE_OK;
    }
    bool by_index = counts_by_index(plan) && plan->driver.count == 1;
    if (by_index || !fhs_scan_is_ordered(&plan->driver)) { /* nothing is known before all is read */
        int64_t rows;
        fhirstore_status status = fhs_scan_estimate(search, &plan->driver, max, &rows);
        *exact_out = rows < max;
        if (status != FHIRSTORE_OK || !*exact_out) {
            return status;
        }
    }
    if (!by_index) {
        /* What the page has looked at need not be looked at again. */
        bool goes_on = search->order == FHS_ORDER_ENTITY && search->token.kind == FHS_PAGE_FIRST;
        fhirstore_status status = count_by_looking(search, plan, goes_on ? search->looked_at : 0,
                                                   max, count_out, exact_out);
        *count_out += goes_on ? search->steps : 0;
        return status;
    }
    return count_ranges(search, &plan->driver, count_out);
}
