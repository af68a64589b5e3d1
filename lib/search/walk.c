/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the sort key's own index. Times of change are kept type by type; a search over several
 * types reads them side by side.
 */
#include "search/search_internal.h"

static fhirstore_status read_lane(fhs_search *search, fhs_walk_lane *lane)
{
    fhs_row unused;
    fhirstore_status status = fhs_stmt_step(lane->stmt, search->err);
    if (status == FHIRSTORE_OK) {
        lane->entity = fhs_sql_walk_row(&search->sort[0], lane->stmt, &unused, &lane->updated);
    }
    return status;
}

/* A lane at its end makes room for the last one. */
static void drop_lane(fhs_search *search, size_t at)
{
    fhs_stmt_give(search->lanes[at].stmt);
    search->lanes[at] = search->lanes[--search->lane_count];
}

static fhirstore_status open_lanes(fhs_search *search, const fhs_sort_plan *sort,
                                   const fhs_row *from, fhs_entity entity)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (search->lanes == NULL) {
        search->lanes = fhs_arena_calloc(&search->arena, search->type_count + 1,
                                         sizeof(*search->lanes));
    }
    if (search->lanes == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < search->type_count && status == FHIRSTORE_OK; i++) {
        fhs_walk_lane *lane = &search->lanes[search->lane_count];
        *lane = (fhs_walk_lane){.stmt = NULL};
        status = fhs_sql_walk(search, sort, search->types[i], from, entity, &lane->stmt);
        search->lane_count += lane->stmt != NULL;
        if (status == FHIRSTORE_OK) {
            status = read_lane(search, lane);
        }
        if (status == FHIRSTORE_DONE) {
            drop_lane(search, search->lane_count - 1);
            status = FHIRSTORE_OK;
        }
    }
    return status;
}

fhirstore_status fhs_walk_open(fhs_search *search, const fhs_sort_plan *sort, const fhs_row *from,
                               fhs_entity entity)
{
    fhs_walk_close(search);
    search->walk_is_down = sort->descending;
    return search->type == 0
               ? open_lanes(search, sort, from, entity)
               : fhs_sql_walk(search, sort, search->type, from, entity, &search->walk);
}

static bool is_first_lane(const fhs_search *search, const fhs_walk_lane *a, const fhs_walk_lane *b)
{
    bool is_less = a->updated != b->updated ? a->updated < b->updated : a->entity < b->entity;
    return is_less != search->walk_is_down;
}

static fhirstore_status next_of_lanes(fhs_search *search)
{
    if (search->walk != NULL) {
        search->walk = NULL;
        fhirstore_status status = read_lane(search, &search->lanes[search->lane_at]);
        if (status == FHIRSTORE_DONE) {
            drop_lane(search, search->lane_at);
        } else if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    if (search->lane_count == 0) {
        return FHIRSTORE_DONE;
    }
    search->lane_at = 0;
    for (size_t i = 1; i < search->lane_count; i++) {
        if (is_first_lane(search, &search->lanes[i], &search->lanes[search->lane_at])) {
            search->lane_at = i;
        }
    }
    search->walk = search->lanes[search->lane_at].stmt;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_walk_next(fhs_search *search)
{
    return search->type == 0 ? next_of_lanes(search) : fhs_stmt_step(search->walk, search->err);
}

void fhs_walk_close(fhs_search *search)
{
    if (search->type != 0) {
        fhs_stmt_give(search->walk);
    }
    while (search->lane_count > 0) {
        drop_lane(search, search->lane_count - 1);
    }
    search->walk = NULL;
}
