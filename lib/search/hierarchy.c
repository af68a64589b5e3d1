/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is above or below a resource of its own kind: Location.partOf and the like, followed from
 * resource to resource when the search is compiled. Each is visited once, so circles end.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/order.h"
#include "search/late.h"
#include "search/search_internal.h"

typedef struct hierarchy {
    fhs_search *search;
    const fhs_test *restriction; /* NULL: all of it may be seen */
    fhs_test link;               /* the parameter that leads upwards, as a test has it */
    uint32_t param;
    int32_t type;
    bool is_above;
    int64_t *items; /* in the order of their finding; those before @a at have been followed */
    size_t count;
    size_t capacity;
    size_t at;
    int64_t *slots; /* the same, hashed; 0: free */
    size_t slot_count;
} hierarchy;

static size_t kin_slot(const hierarchy *tree, int64_t entity)
{
    size_t at = (size_t)((uint64_t)entity * UINT64_C(0x9E3779B97F4A7C15) >> 32) &
                (tree->slot_count - 1);
    while (tree->slots[at] != 0 && tree->slots[at] != entity) {
        at = (at + 1) & (tree->slot_count - 1);
    }
    return at;
}

static fhirstore_status grow_kin(hierarchy *tree)
{
    size_t count = tree->slot_count == 0 ? 64 : tree->slot_count * 4;
    int64_t *slots = fhs_arena_calloc(&tree->search->arena, count, sizeof(*slots));
    if (slots == NULL) {
        return fhs_search_no_memory(tree->search);
    }
    tree->slots = slots;
    tree->slot_count = count;
    for (size_t i = 0; i < tree->count; i++) {
        slots[kin_slot(tree, tree->items[i])] = tree->items[i];
    }
    return FHIRSTORE_OK;
}

static fhirstore_status add_kin(hierarchy *tree, int64_t entity)
{
    fhs_search *search = tree->search;
    if (tree->count * 2 >= tree->slot_count) {
        fhirstore_status status = grow_kin(tree);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    size_t slot = kin_slot(tree, entity);
    if (tree->slots[slot] == entity) {
        return FHIRSTORE_OK;
    }
    if (tree->count == FHS_LIMIT_HIERARCHY) {
        return fhs_fail(search->err, FHIRSTORE_ERR_LIMIT,
                        "a hierarchy that the search follows exceeds FHS_LIMIT_HIERARCHY");
    }
    int64_t *items = fhs_search_grow(search, tree->items, tree->count, &tree->capacity,
                                     sizeof(*items));
    if (items == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    tree->items = items;
    items[tree->count++] = entity;
    tree->slots[slot] = entity;
    return FHIRSTORE_OK;
}

/* Whether @a candidate is there, of the type, and may be seen. */
static fhirstore_status is_kin(hierarchy *tree, fhs_candidate *candidate, bool *yes_out)
{
    fhirstore_status status = fhs_candidate_head(tree->search, candidate, 0);
    *yes_out = status == FHIRSTORE_OK && candidate->is_there && candidate->type == tree->type;
    if (*yes_out && tree->restriction != NULL) {
        status = fhs_test_candidate(tree->search, tree->restriction, candidate, 0, yes_out);
    }
    return status;
}

/* Everything that @a entity itself refers to. */
static fhirstore_status add_above(hierarchy *tree, fhs_entity entity)
{
    fhs_candidate candidate = {.entity = entity};
    fhs_row row;
    bool yes;
    fhirstore_status status = is_kin(tree, &candidate, &yes);
    if (status != FHIRSTORE_OK || !yes) {
        return status;
    }
    status = fhs_candidate_rows(tree->search, &candidate, 0);
    fhs_row_cursor cursor = {candidate.rows};
    while (status == FHIRSTORE_OK) {
        status = fhs_row_next(&cursor, &row, NULL);
        if (status == FHIRSTORE_OK && row.param == tree->param && row.kind == FHS_ROW_REFERENCE) {
            status = add_kin(tree, row.a);
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status add_child(void *ctx, fhs_entity entity)
{
    hierarchy *tree = ctx;
    fhs_candidate candidate = {.entity = entity};
    bool yes;
    fhirstore_status status = is_kin(tree, &candidate, &yes);
    return status == FHIRSTORE_OK && yes ? add_kin(tree, entity) : status;
}

/* Everything that refers to @a entity. */
static fhirstore_status add_below(hierarchy *tree, fhs_entity entity)
{
    fhs_range range = {.shape = FHS_RANGE_REFERENCE, .arg_count = 2};
    range.args[0].number = tree->param;
    range.args[1].number = entity;
    fhs_stmt *stmt = NULL;
    fhirstore_status status = fhs_sql_scan(tree->search, &range, 0, &stmt);
    while (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, tree->search->err);
        if (status == FHIRSTORE_OK) {
            status = add_child(tree, fhs_stmt_int(stmt, 0));
        }
    }
    fhs_stmt_give(stmt);
    if (status == FHIRSTORE_DONE) {
        status = tree->link.is_late
                     ? fhs_late_referring(tree->search, &tree->link, entity, add_child, tree)
                     : FHIRSTORE_OK;
    }
    return status;
}

fhirstore_status fhs_resolve_hierarchy(fhs_search *search, fhs_type type, fhs_sparam param,
                                       bool is_above, fhs_match *match)
{
    hierarchy tree = {.search = search,
                      .is_above = is_above,
                      .type = fhs_catalog_type(search->env.catalog, type)};
    fhirstore_status status = fhs_catalog_param(search->env.catalog, search->conn, type, param,
                                                &tree.param, search->err);
    if (status != FHIRSTORE_OK || tree.param == 0 || tree.type == 0) {
        return status;
    }
    tree.link = (fhs_test){.params = &tree.param, .param_count = 1};
    status = fhs_late_prepare_param(
        search, type, tree.param, fhs_sparam_get(search->env.fhir, param).code, &tree.link.is_late);
    if (status == FHIRSTORE_OK) {
        status = fhs_compile_restriction(search, type, &tree.restriction);
    }
    for (size_t i = 0; i < match->number_count && status == FHIRSTORE_OK; i++) {
        status = add_kin(&tree, match->numbers[i]);
    }
    while (tree.at < tree.count && status == FHIRSTORE_OK) {
        int64_t entity = tree.items[tree.at++];
        status = is_above ? add_above(&tree, entity) : add_below(&tree, entity);
    }
    if (tree.count > 1) {
        qsort(tree.items, tree.count, sizeof(*tree.items), fhs_compare_int64);
    }
    match->numbers = tree.items;
    match->number_count = tree.count;
    return status;
}
