/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources that stand within others. No index knows them: a resource that has any is read, what it
 * contains is extracted as if it stood for itself, and the conditions are tested on those rows.
 * What only the store knows of a resource (who refers to it, its words, its time of change) nothing
 * contained has; its id is the one within.
 */
#include "base/limits.h"
#include "search/search_internal.h"
#include "json/json.h"

#define CONTAINED_ROWS_MAX ((size_t)1 << 30)

typedef fhirstore_status (*contained_visit)(void *ctx, const fhs_contained *item);

fhirstore_status fhs_contained_prepare(fhs_search *search)
{
    if (search->env.indexer == NULL) {
        return fhs_fail(search->err, FHIRSTORE_ERR_NOT_SUPPORTED,
                        "this search cannot look into resources");
    }
    return fhs_conn_allow_scratch(search->conn, search->err);
}

/* One resource that may contain others, while it is looked through. */
typedef struct container {
    fhs_search *search;
    const fhs_test *test;
    size_t level;
    fhs_arena arena;
    fhs_str body;
    contained_visit visit;
    void *ctx;
} container;

static fhirstore_status test_item(container *within, const fhs_json *resource, fhs_str id,
                                  bool *yes_out)
{
    fhs_search *search = within->search;
    fhs_entries entries = {NULL, 0, 0};
    fhs_buf rows = FHS_BUF_INIT(CONTAINED_ROWS_MAX);
    fhs_candidate item = {.is_contained = true,
                          .contained_id = id,
                          .known_type = within->test->target,
                          .type = within->test->target,
                          .has_head = true,
                          .has_rows = true};
    fhirstore_status status = fhs_index_extract(search->env.indexer, search->env.base_url, resource,
                                                &within->arena, &entries, search->err);
    if (status == FHIRSTORE_OK) {
        status = fhs_index_rows(search->env.catalog, search->conn, within->test->node->target,
                                &entries, &rows, search->err);
    }
    if (status == FHIRSTORE_OK) {
        item.rows = fhs_buf_str(&rows);
        search->is_containing = true;
        status = fhs_test_candidate(search, within->test->children[0], &item, within->level,
                                    yes_out);
        search->is_containing = false;
    }
    fhs_buf_clear(&rows);
    return status;
}

static fhirstore_status visit_items(container *within, const fhs_json *items)
{
    const fhs_str wanted = fhs_type_name(within->search->env.fhir, within->test->node->target);
    for (uint32_t i = 0; i < items->count; i++) {
        const fhs_json *resource = &items->items[i];
        fhs_str type;
        fhs_contained item = {FHS_STR_NONE, FHS_STR_NONE};
        bool yes = false;
        if (!fhs_json_is(resource, FHS_JSON_OBJECT) ||
            !fhs_json_get_string(resource, FHS_LIT("resourceType"), &type) ||
            !fhs_str_eq(type, wanted)) {
            continue;
        }
        (void)fhs_json_get_string(resource, FHS_LIT("id"), &item.id);
        fhirstore_status status = test_item(within, resource, item.id, &yes);
        if (status == FHIRSTORE_OK && yes) {
            item.text = fhs_str_of(within->body.ptr + resource->begin,
                                   resource->end - resource->begin);
            status = within->visit(within->ctx, &item);
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* The visit's answer where it ends the looking. */
static fhirstore_status look_through(container *within, fhs_entity entity)
{
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_RESOURCE_BYTES};
    const fhs_str member = FHS_LIT("\"contained\"");
    fhs_search *search = within->search;
    fhs_version version;
    const fhs_json *root = NULL;
    fhirstore_status status = fhs_resource_read_entity(search->conn, entity, &version, search->err);
    if (status != FHIRSTORE_OK || fhs_str_find(version.body, member) > version.body.len ||
        (search->env.mask != NULL &&
         search->env.mask->hides(search->env.restriction_ctx,
                                 fhs_catalog_type_back(search->env.catalog, version.type),
                                 FHS_LIT("contained")))) {
        return status;
    }
    fhs_arena_init(&within->arena, (size_t)8 * FHS_LIMIT_RESOURCE_BYTES);
    within->body = fhs_arena_dup(&within->arena, version.body);
    status = within->body.ptr == NULL
                 ? fhs_search_no_memory(search)
                 : fhs_json_read(&within->arena, within->body, &limits, &root, search->err);
    const fhs_json *items = status == FHIRSTORE_OK ? fhs_json_get(root, FHS_LIT("contained"))
                                                   : NULL;
    if (fhs_json_is(items, FHS_JSON_ARRAY)) {
        status = visit_items(within, items);
    }
    fhs_arena_clear(&within->arena);
    return status;
}

static fhirstore_status stop_at_one(void *ctx, const fhs_contained *item)
{
    (void)item;
    *(bool *)ctx = true;
    return FHIRSTORE_DONE;
}

static fhirstore_status test_direct(fhs_search *search, const fhs_test *test,
                                    fhs_candidate *candidate, size_t level, bool *yes_out)
{
    *yes_out = false;
    if (test->child_count < 2) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_candidate_head(search, candidate, level);
    if (status != FHIRSTORE_OK || !candidate->is_there || candidate->type != test->target) {
        return status;
    }
    return fhs_test_candidate(search, test->children[1], candidate, level, yes_out);
}

fhirstore_status fhs_contained_test(fhs_search *search, const fhs_test *test,
                                    fhs_candidate *candidate, size_t level, bool *yes_out)
{
    fhirstore_status status = test_direct(search, test, candidate, level, yes_out);
    if (status != FHIRSTORE_OK || *yes_out) {
        return status;
    }
    container within = {
        .search = search, .test = test, .level = level, .visit = stop_at_one, .ctx = yes_out};
    status = look_through(&within, candidate->entity);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_contained_is_direct(fhs_search *search, fhs_entity entity, bool *yes_out)
{
    fhs_candidate candidate = {.entity = entity};
    return test_direct(search, search->contained, &candidate, 0, yes_out);
}

fhirstore_status fhs_contained_each(fhs_search *search, fhs_entity entity, contained_visit visit,
                                    void *ctx)
{
    container within = {.search = search, .test = search->contained, .visit = visit, .ctx = ctx};
    return look_through(&within, entity);
}
