/* SPDX-License-Identifier: Apache-2.0 */
/* Open, step, next, count. */
#include "base/clock.h"
#include "base/mem.h"
#include "search/late.h"
#include "search/search_internal.h"

#define SEARCH_ARENA_MAX ((size_t)64 * 1024 * 1024)
#define SEARCH_TEXT_MAX  ((size_t)64 * 1024 * 1024)

/* ---- one candidate ---- */

static bool is_of_type(const fhs_search *search, int32_t type)
{
    for (size_t i = 0; i < search->type_count; i++) {
        if (search->types[i] == type) {
            return true;
        }
    }
    return false;
}

static int64_t search_clock(const fhs_search *search)
{
    return search->env.now_us != NULL ? search->env.now_us(search->env.now_ctx)
                                      : fhs_clock_monotonic_us();
}

void fhs_search_begin_time(fhs_search *search)
{
    if (search->env.max_us > 0) {
        search->deadline_us = search_clock(search) + search->env.max_us;
    }
}

static fhirstore_status is_in_time(void *ctx)
{
    const fhs_search *search = ctx;
    return search_clock(search) > search->deadline_us ? FHIRSTORE_ERR_TIMEOUT : FHIRSTORE_OK;
}

/* Looks between two looks at the clock. */
#define LOOKS_A_CLOCK 64u

fhirstore_status fhs_search_visit(fhs_search *search)
{
    search->visits++;
    if (search->env.max_us > 0 && search->visits % LOOKS_A_CLOCK == 0 &&
        is_in_time(search) != FHIRSTORE_OK) {
        return fhs_fail_plain(search->err, FHIRSTORE_ERR_TIMEOUT);
    }
    if (search->env.max_visits != 0 && search->visits > search->env.max_visits) {
        return fhs_fail(search->err, FHIRSTORE_ERR_TOO_COSTLY,
                        "the search looked at more resources than it may");
    }
    return FHIRSTORE_OK;
}

/* Rows that are at hand are looked at; otherwise the index, where it answers. */
static fhirstore_status test_or_probe(fhs_search *search, const fhs_test *test,
                                      fhs_candidate *candidate, bool *yes_out)
{
    fhs_probe *probe = test->memo == NULL || candidate->has_rows ? NULL : test->memo->probe;
    if (probe == NULL) {
        return fhs_test_candidate(search, test, candidate, 0, yes_out);
    }
    fhs_entity head;
    fhirstore_status status = fhs_probe_seek(search, probe, candidate->entity, &head);
    *yes_out = status == FHIRSTORE_OK && head == candidate->entity;
    if (status == FHIRSTORE_OK && head > search->skip_to) {
        search->skip_to = head;
    }
    return status;
}

fhirstore_status fhs_search_accepts(fhs_search *search, const fhs_test *const *tests, size_t count,
                                    bool is_listed, fhs_candidate *candidate, bool *yes_out)
{
    *yes_out = true;
    fhirstore_status status = fhs_search_visit(search);
    if (status == FHIRSTORE_OK && is_listed) {
        status = fhs_candidate_head(search, candidate, 0);
        *yes_out = candidate->is_there && is_of_type(search, candidate->type);
    }
    for (size_t i = 0; i < count && *yes_out && status == FHIRSTORE_OK; i++) {
        status = test_or_probe(search, tests[i], candidate, yes_out);
    }
    return status;
}

static bool goes_up_by_time(const fhs_search *search)
{
    for (size_t i = 0; i < search->sort_count; i++) {
        if (search->sort[i].is_updated && !search->sort[i].descending) {
            return true;
        }
    }
    return false;
}

/*
 * In an order that ascends by time of change, what changes meanwhile would come again, and for
 * ever; the pages end with what was there at the first.
 */
static fhirstore_status was_there(fhs_search *search, fhs_candidate *candidate, bool *yes_out)
{
    *yes_out = true;
    if (search->token.kind == FHS_PAGE_FIRST || !goes_up_by_time(search)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_candidate_head(search, candidate, 0);
    *yes_out = candidate->seq <= search->high_seq;
    return status;
}

/* ---- entity order ---- */

/* The entity of a key in entity order, or @a other. */
static int64_t key_entity(fhs_str key, int64_t other)
{
    uint64_t bits = 0;
    if (key.len != 8) {
        return other;
    }
    for (size_t i = 0; i < 8; i++) {
        bits = (bits << 8) | (unsigned char)key.ptr[i];
    }
    return (int64_t)(bits ^ (UINT64_C(1) << 63));
}

static fhirstore_status open_source(fhs_search *search, fhs_entity bound)
{
    const fhs_scan *driver = &search->plan.driver;
    return search->is_down ? fhs_source_open_down(search, driver, bound, &search->source)
                           : fhs_source_open(search, driver, bound, &search->source);
}

/* What looking may cost without filling a page before the choice of the driver is reconsidered. */
#define ROUGH_WORK (1000u * FHS_LOOK_WORK)

/* The driver was the best of a rough guess, and takes long: count to the end, go on with the best.
 */
static fhirstore_status plan_better(fhs_search *search)
{
    fhs_source_close(&search->source);
    fhirstore_status status = fhs_plan_exactly(search, &search->plan);
    search->plan.is_rough = false;
    return status == FHIRSTORE_OK ? open_source(search, search->looked_at) : status;
}

static fhirstore_status step_entity(fhs_search *search)
{
    for (;;) {
        fhs_candidate candidate = {.entity = 0};
        bool yes;
        fhirstore_status status = FHIRSTORE_OK;
        if (search->plan.is_rough && search->work > ROUGH_WORK) {
            status = plan_better(search);
        }
        if (status == FHIRSTORE_OK) {
            status = fhs_source_next_from(search, &search->source, &candidate.entity);
            search->looked_at = candidate.entity;
        }
        if (status == FHIRSTORE_OK) {
            status = fhs_search_accepts(search, search->plan.residual, search->plan.residual_count,
                                        search->plan.driver.is_list, &candidate, &yes);
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (yes) {
            search->last = candidate.entity;
            fhs_buf_reset(&search->key);
            fhs_sort_key_entity(search, candidate.entity, &search->key);
            return FHIRSTORE_OK;
        }
    }
}

/* ---- sorted ---- */

/* Whether search->key lies beyond @a bound; going back, no bound is the end of all. */
static bool lies_beyond(const fhs_search *search, fhs_str bound)
{
    int order = fhs_str_compare(fhs_buf_str(&search->key), bound);
    return search->is_down ? bound.len == 0 || order < 0 : order > 0;
}

static fhirstore_status sort_candidate(fhs_search *search, fhs_candidate *candidate, fhs_str bound)
{
    bool yes;
    fhirstore_status status = fhs_search_accepts(search, search->plan.residual,
                                                 search->plan.residual_count,
                                                 search->plan.driver.is_list, candidate, &yes);
    if (status == FHIRSTORE_OK && yes) {
        status = was_there(search, candidate, &yes);
    }
    if (status != FHIRSTORE_OK || !yes) {
        return status;
    }
    fhs_buf_reset(&search->key);
    status = fhs_sort_key_of(search, candidate, &search->key);
    if (status != FHIRSTORE_OK || !lies_beyond(search, bound)) {
        return status;
    }
    return fhs_sorted_add(search, &search->sorted, fhs_buf_str(&search->key), candidate->entity);
}

/* All matches beyond @a bound, or as many of the first as the window holds. */
static fhirstore_status fill_window(fhs_search *search, fhs_str bound)
{
    fhs_sorted_reset(&search->sorted);
    search->sorted.is_down = search->is_down;
    fhirstore_status status = fhs_source_open(search, &search->plan.driver, 0, &search->source);
    while (status == FHIRSTORE_OK) {
        fhs_candidate candidate = {.entity = 0};
        status = fhs_source_next_from(search, &search->source, &candidate.entity);
        if (status == FHIRSTORE_OK) {
            status = sort_candidate(search, &candidate, bound);
        }
    }
    fhs_source_close(&search->source);
    fhs_sorted_finish(&search->sorted);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status step_sorted(fhs_search *search)
{
    fhs_sorted *sorted = &search->sorted;
    if (sorted->at >= sorted->count) {
        if (!sorted->is_cut) {
            return FHIRSTORE_DONE;
        }
        fhs_str last = fhs_arena_dup(&search->arena, fhs_buf_str(&search->key));
        fhirstore_status status = last.ptr == NULL ? fhs_search_no_memory(search)
                                                   : fill_window(search, last);
        if (status != FHIRSTORE_OK || sorted->count == 0) {
            return status == FHIRSTORE_OK ? FHIRSTORE_DONE : status;
        }
    }
    const fhs_sorted_item *item = &sorted->items[sorted->at++];
    search->last = item->entity;
    fhs_buf_reset(&search->key);
    fhs_buf_add(&search->key, sorted->keys.ptr + item->at, item->len);
    return fhs_buf_status(&search->key);
}

/* ---- walking the order ---- */

/* Those without the sort value, in entity order, beyond @a entity (0 or less: from the first). */
static fhirstore_status start_rest(fhs_search *search, fhs_entity entity)
{
    search->walk_rest = true;
    fhs_walk_close(search);
    if (search->sort[0].descending != search->is_down) {
        return fhs_sql_type_down(search, entity == 0 ? INT64_MAX : entity, &search->walk);
    }
    fhs_range range = {.shape = FHS_RANGE_TYPE, .arg_count = 1};
    range.args[0] = (fhs_arg){.kind = FHS_ARG_INT, .number = search->type};
    return fhs_sql_scan(search, &range, entity, &search->walk);
}

/* Rows of the sort key's index beyond @a from, in the direction of the search. */
static fhirstore_status start_rows(fhs_search *search, const fhs_row *from, fhs_entity entity)
{
    fhs_sort_plan sort = search->sort[0];
    sort.descending = sort.descending != search->is_down;
    search->walk_rest = false;
    return fhs_walk_open(search, &sort, from, entity);
}

static fhirstore_status start_walk(fhs_search *search)
{
    fhs_row row;
    int64_t updated = 0;
    bool missing = false;
    fhs_entity entity = 0;
    const fhs_row *from = NULL;
    fhs_str bound = fhs_buf_str(search->is_down ? &search->before : &search->after);
    if (bound.len > 0) {
        if (!fhs_sort_key_read(search, bound, &search->scratch, &row, &updated, &missing,
                               &entity)) {
            return fhs_fail_plain(search->err,
                                  fhs_buf_status(&search->scratch) == FHIRSTORE_ERR_NO_MEMORY
                                      ? FHIRSTORE_ERR_NO_MEMORY
                                      : FHIRSTORE_ERR_PAGE_TOKEN);
        }
        from = &row;
    } else {
        missing = search->is_down && !search->sort[0].is_updated;
    }
    return missing ? start_rest(search, entity) : start_rows(search, from, entity);
}

/* What comes when the rows, or those without a value, are at their end. *more_out false: nothing.
 */
static fhirstore_status continue_walk(fhs_search *search, bool *more_out)
{
    *more_out = search->walk_rest == search->is_down && !search->sort[0].is_updated;
    if (!*more_out) {
        return FHIRSTORE_DONE;
    }
    return search->is_down ? start_rows(search, NULL, 0) : start_rest(search, 0);
}

/*
 * A resource stands at its best value only: rows of its other values are passed over. The full key
 * is left in search->key.
 */
static fhirstore_status is_its_place(fhs_search *search, fhs_candidate *candidate,
                                     const fhs_row *row, int64_t updated, bool *yes_out)
{
    const fhs_sort_plan *sort = &search->sort[0];
    fhs_buf_reset(&search->key);
    if (sort->is_updated) {
        fhs_sort_key_row(sort, row, updated, &search->key);
        fhs_sort_key_entity(search, candidate->entity, &search->key);
        *yes_out = true;
        return fhs_buf_status(&search->key);
    }
    fhirstore_status status = fhs_sort_key_of(search, candidate, &search->key);
    fhs_buf_reset(&search->probe);
    fhs_sort_key_row(sort, row, updated, &search->probe);
    fhs_sort_key_entity(search, candidate->entity, &search->probe);
    *yes_out = fhs_str_eq(fhs_buf_str(&search->key), fhs_buf_str(&search->probe));
    return status;
}

static fhirstore_status walk_candidate(fhs_search *search, fhs_candidate *candidate, bool *yes_out)
{
    fhs_row row = {.kind = 0};
    int64_t updated = 0;
    fhirstore_status status = FHIRSTORE_OK;
    if (search->walk_rest) {
        candidate->entity = fhs_stmt_int(search->walk, 0);
        fhs_buf_reset(&search->key);
        status = fhs_sort_key_of(search, candidate, &search->key);
        *yes_out = status == FHIRSTORE_OK && search->key.ptr[0] == 1;
    } else {
        candidate->entity = fhs_sql_walk_row(&search->sort[0], search->walk, &row, &updated);
        /* One text in two spellings gives two rows. */
        *yes_out = candidate->entity != search->last;
        if (*yes_out) {
            status = is_its_place(search, candidate, &row, updated, yes_out);
        }
    }
    if (status == FHIRSTORE_OK && *yes_out) {
        status = fhs_search_accepts(search, search->tests, search->test_count, false, candidate,
                                    yes_out);
    }
    if (status == FHIRSTORE_OK && *yes_out) {
        status = was_there(search, candidate, yes_out);
    }
    return status;
}

static fhirstore_status step_walk(fhs_search *search)
{
    for (;;) {
        fhs_candidate candidate = {.entity = 0};
        bool yes = false;
        fhirstore_status status = fhs_walk_next(search);
        if (status == FHIRSTORE_DONE) {
            bool more;
            status = continue_walk(search, &more);
            if (status == FHIRSTORE_OK && more) {
                continue;
            }
        }
        if (status == FHIRSTORE_OK) {
            status = walk_candidate(search, &candidate, &yes);
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (yes) {
            search->last = candidate.entity;
            return FHIRSTORE_OK;
        }
    }
}

/* ---- stepping ---- */

static fhirstore_status start_search(fhs_search *search)
{
    fhs_str bound = fhs_buf_str(search->is_down ? &search->before : &search->after);
    search->is_started = true;
    switch (search->order) {
    case FHS_ORDER_ENTITY:
        /* A better plan goes on from here, even before the first look. */
        search->looked_at = key_entity(bound, search->is_down ? INT64_MAX : 0);
        return open_source(search, search->looked_at);
    case FHS_ORDER_SORTED:
        return fill_window(search, bound);
    case FHS_ORDER_WALK:
        return start_walk(search);
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_search_step(fhs_search *search)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (search->is_peeked) {
        search->is_peeked = false;
        return FHIRSTORE_OK;
    }
    if (search->failed < FHIRSTORE_OK) {
        return fhs_fail_plain(search->err, search->failed);
    }
    if (search->is_done || search->is_empty) {
        return FHIRSTORE_DONE;
    }
    if (!search->is_started) {
        status = start_search(search);
    }
    if (status == FHIRSTORE_OK) {
        switch (search->order) {
        case FHS_ORDER_ENTITY:
            status = step_entity(search);
            break;
        case FHS_ORDER_SORTED:
            status = step_sorted(search);
            break;
        case FHS_ORDER_WALK:
            status = step_walk(search);
            break;
        }
    }
    search->is_done = status == FHIRSTORE_DONE;
    search->failed = status;
    search->steps += status == FHIRSTORE_OK ? 1 : 0;
    return status;
}

void fhs_search_unstep(fhs_search *search)
{
    search->is_peeked = true;
}

void fhs_search_rewind(fhs_search *search)
{
    fhs_source_close(&search->source);
    fhs_sorted_reset(&search->sorted);
    fhs_walk_close(search);
    search->walk_rest = false;
    search->is_started = false;
    search->is_done = false;
    search->is_peeked = false;
    search->last = 0;
    search->looked_at = 0;
    search->skip_to = 0;
    search->steps = 0;
}

void fhs_search_in_one_piece(fhs_search *search)
{
    search->is_one_piece = true;
}

fhirstore_status fhs_search_next(fhs_search *search, fhs_version *out, fhirstore_error **err)
{
    search->err = err;
    if (search->is_started && !search->is_one_piece) {
        fhs_search_begin_time(search);
    }
    if (search->query->max_results > 0 && search->steps >= (int64_t)search->query->max_results &&
        !search->is_peeked) {
        return FHIRSTORE_DONE;
    }
    fhirstore_status status = fhs_search_step(search);
    return status == FHIRSTORE_OK ? fhs_resource_read_entity(search->conn, search->last, out, err)
                                  : status;
}

/* ---- life ---- */

fhirstore_status fhs_search_prepare(fhs_conn *conn, const fhs_search_env *env,
                                    const fhs_query *query, fhs_search **search_out,
                                    fhirstore_error **err)
{
    *search_out = NULL;
    fhs_search *search = fhs_calloc(1, sizeof(*search));
    if (search == NULL) {
        return fhs_fail_memory(err);
    }
    search->conn = conn;
    search->env = *env;
    search->query = query;
    search->err = err;
    search->total = -1;
    if (env->max_us > 0) {
        fhs_search_begin_time(search);
        fhs_conn_watch(conn, is_in_time, search);
    }
    fhs_arena_init(&search->arena, SEARCH_ARENA_MAX);
    fhs_buf_init(&search->key, SEARCH_TEXT_MAX);
    fhs_buf_init(&search->probe, SEARCH_TEXT_MAX);
    fhs_buf_init(&search->after, SEARCH_TEXT_MAX);
    fhs_buf_init(&search->before, SEARCH_TEXT_MAX);
    fhs_buf_init(&search->until, SEARCH_TEXT_MAX);
    fhs_buf_init(&search->scratch, SEARCH_TEXT_MAX);
    fhirstore_status status = fhs_search_compile(search);
    if (status != FHIRSTORE_OK) {
        fhs_search_close(search);
        return status;
    }
    *search_out = search;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_search_open(fhs_conn *conn, const fhs_search_env *env, const fhs_query *query,
                                 fhs_search **search_out, fhirstore_error **err)
{
    fhs_search *search;
    *search_out = NULL;
    fhirstore_status status = fhs_search_prepare(conn, env, query, &search, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_sort_compile(search);
    if (status == FHIRSTORE_OK) {
        status = fhs_page_token_read(search);
    }
    if (status == FHIRSTORE_OK && !search->is_empty) {
        status = fhs_search_plan(search);
    }
    if (status == FHIRSTORE_OK && search->token.kind == FHS_PAGE_BACK) {
        status = fhs_search_step_back(search);
    }
    if (status != FHIRSTORE_OK) {
        fhs_search_close(search);
        return status;
    }
    *search_out = search;
    return FHIRSTORE_OK;
}

void fhs_search_close(fhs_search *search)
{
    if (search == NULL) {
        return;
    }
    if (search->env.max_us > 0) {
        fhs_conn_watch(search->conn, NULL, NULL);
    }
    fhs_source_close(&search->source);
    fhs_sorted_clear(&search->sorted);
    fhs_walk_close(search);
    fhs_loaders_close(search);
    fhs_probes_close(search);
    fhs_links_close(search);
    fhs_late_free(search->late);
    fhs_terms_free(search->terms);
    fhs_text_free(search);
    fhs_buf_clear(&search->key);
    fhs_buf_clear(&search->probe);
    fhs_buf_clear(&search->after);
    fhs_buf_clear(&search->before);
    fhs_buf_clear(&search->until);
    fhs_buf_clear(&search->scratch);
    fhs_arena_clear(&search->arena);
    fhs_free(search);
}
