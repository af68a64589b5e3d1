/* SPDX-License-Identifier: Apache-2.0 */
#include "search/late.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "index/custom.h"

#define LATE_BYTES_MAX ((size_t)1 << 30)

/* The late rows of one resource, and what one of them refers to. */
typedef struct late_item {
    fhs_entity entity;
    size_t at;
    size_t len;
} late_item;

typedef struct late_link {
    fhs_entity target;
    fhs_entity entity;
    uint32_t param;
} late_link;

struct fhs_late {
    fhs_type *types; /* those that have been read */
    size_t type_count;
    size_t type_capacity;
    late_item *items; /* ascending by entity when is_sorted */
    size_t count;
    size_t capacity;
    late_link *links; /* ascending by target */
    size_t link_count;
    size_t link_capacity;
    fhs_buf rows;
};

void fhs_late_free(fhs_late *late)
{
    if (late == NULL) {
        return;
    }
    fhs_buf_clear(&late->rows);
    fhs_free(late->types);
    fhs_free(late->items);
    fhs_free(late->links);
    fhs_free(late);
}

/* Room for one more item at the end of a heap array; NULL: no memory, the array is as it was. */
static void *push_late(void **items, size_t *count, size_t *capacity, size_t size)
{
    if (*count == *capacity) {
        size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
        void *grown = fhs_realloc(*items, wanted * size);
        if (grown == NULL) {
            return NULL;
        }
        *items = grown;
        *capacity = wanted;
    }
    return (char *)*items + size * (*count)++;
}

/* ---- reading ---- */

typedef struct late_reader {
    fhs_search *search;
    fhs_late *late;
    fhs_type type;
    fhs_arena arena;
    fhs_buf list; /* all rows of one resource */
} late_reader;

static bool keep_link(fhs_late *late, const fhs_row *row, fhs_entity entity)
{
    if (row->kind != FHS_ROW_REFERENCE) {
        return true;
    }
    void *links = late->links;
    late_link *link = push_late(&links, &late->link_count, &late->link_capacity, sizeof *link);
    late->links = links;
    if (link != NULL) {
        *link = (late_link){row->a, entity, row->param};
    }
    return link != NULL;
}

static fhirstore_status keep_rows(late_reader *reader, fhs_entity entity)
{
    fhs_late *late = reader->late;
    fhs_row_cursor cursor = {fhs_buf_str(&reader->list)};
    fhs_row row;
    fhs_str encoded;
    size_t at = late->rows.len;
    fhirstore_status status;
    while ((status = fhs_row_next(&cursor, &row, &encoded)) == FHIRSTORE_OK) {
        if (!fhs_catalog_is_late(reader->search->env.catalog, row.param)) {
            continue;
        }
        fhs_buf_add_str(&late->rows, encoded);
        if (!keep_link(late, &row, entity)) {
            return fhs_search_no_memory(reader->search);
        }
    }
    if (status != FHIRSTORE_DONE || late->rows.len == at) {
        return status == FHIRSTORE_DONE
                   ? FHIRSTORE_OK
                   : fhs_fail(reader->search->err, status, "a list of index rows is malformed");
    }
    void *items = late->items;
    late_item *item = push_late(&items, &late->count, &late->capacity, sizeof *item);
    late->items = items;
    if (item == NULL || fhs_buf_status(&late->rows) != FHIRSTORE_OK) {
        return fhs_search_no_memory(reader->search);
    }
    *item = (late_item){entity, at, late->rows.len - at};
    return FHIRSTORE_OK;
}

static fhirstore_status read_late_resource(void *ctx, const fhs_version *version)
{
    late_reader *reader = ctx;
    fhs_search *search = reader->search;
    fhs_entity entity = version->entity;
    fhs_entries entries = {0};
    fhs_arena_reset(&reader->arena);
    fhs_buf_reset(&reader->list);
    fhirstore_status status = fhs_search_visit(search);
    if (status == FHIRSTORE_OK) {
        status = fhs_index_extract_body(search->env.indexer, search->env.base_url, version->body,
                                        &reader->arena, &entries, search->err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_index_rows(search->env.catalog, search->conn, reader->type, &entries,
                                &reader->list, search->err);
    }
    return status == FHIRSTORE_OK ? keep_rows(reader, entity) : status;
}

static int compare_late_items(const void *a, const void *b)
{
    fhs_entity x = ((const late_item *)a)->entity;
    fhs_entity y = ((const late_item *)b)->entity;
    return x < y ? -1 : x > y;
}

static int compare_late_links(const void *a, const void *b)
{
    fhs_entity x = ((const late_link *)a)->target;
    fhs_entity y = ((const late_link *)b)->target;
    return x < y ? -1 : x > y;
}

static fhirstore_status read_late_type(fhs_search *search, fhs_type type)
{
    late_reader reader = {.search = search, .late = search->late, .type = type};
    int32_t number = fhs_catalog_type(search->env.catalog, type);
    fhs_entity after = 0;
    fhs_arena_init(&reader.arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&reader.list, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_params_read_cursor(search->conn, number, &after, search->err);
    if (status == FHIRSTORE_OK) {
        status = fhs_resource_each(search->conn, number, after, read_late_resource, &reader,
                                   search->err);
    }
    fhs_buf_clear(&reader.list);
    fhs_arena_clear(&reader.arena);
    if (search->late->count > 0) {
        qsort(search->late->items, search->late->count, sizeof(late_item), compare_late_items);
    }
    if (search->late->link_count > 0) {
        qsort(search->late->links, search->late->link_count, sizeof(late_link), compare_late_links);
    }
    return status;
}

/* ---- asking ---- */

static bool is_read_already(const fhs_late *late, fhs_type type)
{
    for (size_t i = 0; i < late->type_count; i++) {
        if (late->types[i] == type) {
            return true;
        }
    }
    return false;
}

static fhirstore_status need_type(fhs_search *search, fhs_type type)
{
    if (search->late == NULL) {
        search->late = fhs_calloc(1, sizeof *search->late);
        if (search->late == NULL) {
            return fhs_search_no_memory(search);
        }
        fhs_buf_init(&search->late->rows, LATE_BYTES_MAX);
    }
    if (is_read_already(search->late, type)) {
        return FHIRSTORE_OK;
    }
    void *types = search->late->types;
    fhs_type *place = push_late(&types, &search->late->type_count, &search->late->type_capacity,
                                sizeof *place);
    search->late->types = types;
    if (place == NULL) {
        return fhs_search_no_memory(search);
    }
    *place = type;
    fhirstore_status status = fhs_conn_allow_scratch(search->conn, search->err);
    return status == FHIRSTORE_OK ? read_late_type(search, type) : status;
}

fhirstore_status fhs_late_prepare_param(fhs_search *search, fhs_type type, uint32_t number,
                                        fhs_str code, bool *late_out)
{
    if (!fhs_catalog_is_late(search->env.catalog, number)) {
        return FHIRSTORE_OK;
    }
    *late_out = true;
    if (search->env.ready_only) {
        return fhs_fail(search->err, FHIRSTORE_ERR_NOT_READY,
                        "search parameter '%.*s' is still being indexed", FHS_STR_ARG(code));
    }
    return need_type(search, type);
}

fhirstore_status fhs_late_prepare(fhs_search *search, const fhs_node *node, fhs_test *test)
{
    size_t count = node->type != FHS_TYPE_NONE ? 1 : search->type_count;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        uint32_t number = 0;
        fhs_type type = node->type != FHS_TYPE_NONE
                            ? node->type
                            : fhs_catalog_type_back(search->env.catalog, search->types[i]);
        status = fhs_catalog_param(search->env.catalog, search->conn, type, node->param, &number,
                                   search->err);
        if (status == FHIRSTORE_OK) {
            status = fhs_late_prepare_param(search, type, number, node->code, &test->is_late);
        }
    }
    return status;
}

fhs_str fhs_late_rows(const fhs_search *search, fhs_entity entity)
{
    const fhs_late *late = search->late;
    size_t low = 0;
    size_t high = late == NULL ? 0 : late->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (late->items[middle].entity < entity) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (late == NULL || low >= late->count || late->items[low].entity != entity) {
        return FHS_STR_NONE;
    }
    return fhs_str_of(late->rows.ptr + late->items[low].at, late->items[low].len);
}

static bool is_by(const fhs_test *test, uint32_t param)
{
    for (size_t i = 0; i < test->param_count; i++) {
        if (test->params[i] == param) {
            return true;
        }
    }
    return false;
}

fhirstore_status fhs_late_referring(const fhs_search *search, const fhs_test *test,
                                    fhs_entity target,
                                    fhirstore_status (*visit)(void *ctx, fhs_entity entity),
                                    void *ctx)
{
    const fhs_late *late = search->late;
    fhirstore_status status = FHIRSTORE_OK;
    size_t low = 0;
    size_t high = late == NULL ? 0 : late->link_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (late->links[middle].target < target) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; late != NULL && status == FHIRSTORE_OK && low < late->link_count &&
           late->links[low].target == target;
         low++) {
        if (is_by(test, late->links[low].param)) {
            status = visit(ctx, late->links[low].entity);
        }
    }
    return status;
}
