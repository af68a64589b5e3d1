/* SPDX-License-Identifier: Apache-2.0 */
/* The queries that clients call by name: a list that only grows, until the store is closed. */
#include "base/mem.h"
#include "interact/params.h"

/* A query with its texts behind it. */
typedef struct named_item {
    fhs_named_query query;
    char text[];
} named_item;

const fhs_named_query *fhs_core_named_queries(fhs_core *core)
{
    (void)pthread_mutex_lock(&core->hooks_lock);
    const fhs_named_query *named = core->named;
    (void)pthread_mutex_unlock(&core->hooks_lock);
    return named;
}

void fhs_core_free_named(fhs_core *core)
{
    while (core->named != NULL) {
        const fhs_named_query *next = core->named->next;
        fhs_free((void *)(uintptr_t)core->named);
        core->named = next;
    }
}

static fhirstore_status check_named(fhs_core *core, const fhs_named_query *named,
                                    fhirstore_error **err)
{
    fhs_arena arena;
    (void)pthread_mutex_lock(&core->hooks_lock);
    fhs_params *params = fhs_params_hold(core->params);
    (void)pthread_mutex_unlock(&core->hooks_lock);
    const fhs_query_options options = {.fhir = fhs_params_fhir(params),
                                       .base_url = core->base_url,
                                       .now_us = fhs_core_now(core),
                                       .default_zone_minutes = core->default_zone_minutes};
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_named_query_check(&arena, &options, named, err);
    fhs_arena_clear(&arena);
    fhs_params_drop(params);
    return status;
}

/* The lock is held. */
static fhirstore_status enlist_named(fhs_core *core, named_item *item, fhirstore_error **err)
{
    for (const fhs_named_query *other = core->named; other != NULL; other = other->next) {
        if (other->type == item->query.type && fhs_str_eq(other->name, item->query.name)) {
            return fhs_fail(err, FHIRSTORE_ERR_EXISTS, "the type has a query of this name");
        }
    }
    if (core->named_count == FHS_LIMIT_NAMED_QUERIES) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the store exceeds FHS_LIMIT_NAMED_QUERIES");
    }
    item->query.next = core->named;
    core->named = &item->query;
    core->named_count++;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_core_name_query(fhs_core *core, fhs_type type, fhs_str name, fhs_str text,
                                     fhirstore_error **err)
{
    if (name.len + text.len > FHS_LIMIT_URL_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the query exceeds FHS_LIMIT_URL_BYTES");
    }
    named_item *item = fhs_calloc(1, sizeof *item + name.len + text.len + 1);
    if (item == NULL) {
        return fhs_fail_memory(err);
    }
    if (name.len > 0) {
        memcpy(item->text, name.ptr, name.len);
    }
    if (text.len > 0) {
        memcpy(item->text + name.len, text.ptr, text.len);
    }
    item->query.type = type;
    item->query.name = fhs_str_of(item->text, name.len);
    item->query.text = fhs_str_of(item->text + name.len, text.len);
    fhirstore_status status = check_named(core, &item->query, err);
    if (status >= FHIRSTORE_OK) {
        (void)pthread_mutex_lock(&core->hooks_lock);
        status = enlist_named(core, item, err);
        (void)pthread_mutex_unlock(&core->hooks_lock);
    }
    if (status < FHIRSTORE_OK) {
        fhs_free(item);
    }
    return status;
}
