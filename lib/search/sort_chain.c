/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sort keys that lead through references: the best value of all that a resource leads to. What may
 * not be seen leads no further.
 */
#include "search/late.h"
#include "search/search_internal.h"

static fhirstore_status compile_sort_step(fhs_search *search, const fhs_sort_link *link,
                                          fhs_sort_step *step, bool *late_out)
{
    const fhs_search_env *env = &search->env;
    bool is_late = false;
    step->target = fhs_catalog_type(env->catalog, link->target);
    fhirstore_status status = fhs_catalog_param(env->catalog, search->conn, link->type, link->param,
                                                &step->param, search->err);
    if (status == FHIRSTORE_OK && step->param != 0) {
        status = fhs_late_prepare_param(search, link->type, step->param,
                                        fhs_sparam_get(env->fhir, link->param).code, &is_late);
    }
    *late_out = *late_out || is_late;
    return status == FHIRSTORE_OK
               ? fhs_compile_restriction(search, link->target, &step->restriction)
               : status;
}

static fhirstore_status compile_way(fhs_search *search, const fhs_sort_path *path,
                                    fhs_sort_way *way, bool *late_out)
{
    const fhs_search_env *env = &search->env;
    fhs_type last = path->links[path->link_count - 1].target;
    bool is_late = false;
    fhs_sort_step *steps = fhs_arena_calloc(&search->arena, path->link_count, sizeof(*steps));
    if (steps == NULL) {
        return fhs_search_no_memory(search);
    }
    way->steps = steps;
    way->step_count = path->link_count;
    fhirstore_status status = fhs_catalog_param(env->catalog, search->conn, last, path->param,
                                                &way->param, search->err);
    if (status == FHIRSTORE_OK && way->param != 0) {
        status = fhs_late_prepare_param(search, last, way->param,
                                        fhs_sparam_get(env->fhir, path->param).code, &is_late);
    }
    *late_out = *late_out || is_late;
    for (size_t i = 0; i < path->link_count && status == FHIRSTORE_OK; i++) {
        status = compile_sort_step(search, &path->links[i], &steps[i], late_out);
    }
    return status;
}

fhirstore_status fhs_sort_chain_compile(fhs_search *search, const fhs_sort_key *key,
                                        fhs_sort_plan *plan)
{
    fhs_sort_way *ways = fhs_arena_calloc(&search->arena, key->path_count, sizeof(*ways));
    if (ways == NULL) {
        return fhs_search_no_memory(search);
    }
    plan->ways = ways;
    plan->way_count = key->path_count;
    for (size_t i = 0; i < key->path_count; i++) {
        fhirstore_status status = compile_way(search, &key->paths[i], &ways[i], &plan->is_late);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

typedef struct way_walk {
    fhs_search *search;
    const fhs_sort_plan *sort;
    const fhs_sort_way *way;
    fhs_sort_best *best;
    fhs_buf *key;
} way_walk;

static fhirstore_status walk_step(way_walk *walk, const fhs_candidate *candidate, size_t step);

static fhirstore_status walk_target(way_walk *walk, fhs_entity entity, size_t step)
{
    const fhs_sort_step *link = &walk->way->steps[step];
    fhs_candidate target = {.entity = entity};
    bool yes = true;
    fhirstore_status status = fhs_candidate_head(walk->search, &target, step + 1);
    if (status != FHIRSTORE_OK || !target.is_there || target.type != link->target) {
        return status;
    }
    if (link->restriction != NULL) {
        status = fhs_test_candidate(walk->search, link->restriction, &target, step + 1, &yes);
    }
    if (status == FHIRSTORE_OK && yes) {
        status = fhs_candidate_rows(walk->search, &target, step + 1);
    }
    return status == FHIRSTORE_OK && yes ? walk_step(walk, &target, step + 1) : status;
}

/* The depth of the walk is that of the key. */
static fhirstore_status walk_step(way_walk *walk, const fhs_candidate *candidate, size_t step)
{
    const fhs_sort_way *way = walk->way;
    fhs_row_cursor cursor = {candidate->rows};
    fhs_row row;
    fhirstore_status status = FHIRSTORE_OK;
    if (step == way->step_count) {
        return fhs_sort_take_rows(walk->search, walk->sort, way->param, candidate->rows, walk->best,
                                  walk->key);
    }
    while (status == FHIRSTORE_OK) {
        status = fhs_row_next(&cursor, &row, NULL);
        if (status == FHIRSTORE_OK && row.kind == FHS_ROW_REFERENCE &&
            row.param == way->steps[step].param && row.param != 0) {
            status = walk_target(walk, row.a, step);
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_sort_chain_key(fhs_search *search, const fhs_sort_plan *sort,
                                    fhs_candidate *candidate, fhs_sort_best *best, fhs_buf *key)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < sort->way_count && status == FHIRSTORE_OK; i++) {
        way_walk walk = {search, sort, &sort->ways[i], best, key};
        status = walk_step(&walk, candidate, 0);
    }
    return status;
}
