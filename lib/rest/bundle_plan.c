/* SPDX-License-Identifier: Apache-2.0 */
/* What each entry of a transaction will do, and where it goes, before anything is written. */
#include <stdio.h>

#include "base/random.h"
#include "rest/bundle.h"

typedef struct plan {
    const fhs_core *core;
    fhs_bundle *bundle;
    fhs_links *links;
} plan;

static bool is_write(fhs_interaction interaction)
{
    return interaction == FHS_DO_CREATE || interaction == FHS_DO_UPDATE ||
           interaction == FHS_DO_PATCH || interaction == FHS_DO_DELETE;
}

static bool is_read(fhs_interaction interaction)
{
    return interaction == FHS_DO_READ || interaction == FHS_DO_VREAD ||
           interaction == FHS_DO_SEARCH || interaction == FHS_DO_HISTORY ||
           interaction == FHS_DO_OPERATION || interaction == FHS_DO_CAPABILITIES;
}

fhs_str fhs_bundle_address(const fhs_core *core, fhs_arena *arena, fhs_type type, fhs_str id)
{
    fhs_str name = fhs_type_name(core->fhir, type);
    size_t len = name.len + 1 + id.len;
    char *address = fhs_arena_alloc(arena, len);
    if (address == NULL) {
        return FHS_STR_NONE;
    }
    memcpy(address, name.ptr, name.len);
    address[name.len] = '/';
    memcpy(address + name.len + 1, id.ptr, id.len);
    return fhs_str_of(address, len);
}

/* Nobody else may change it. New ids are nobody else's; what a create only finds is not changed. */
static fhirstore_status claim(const fhs_bundle *bundle, const fhs_bundle_item *item,
                              fhirstore_error **err)
{
    bool is_taken = fhs_links_find(bundle->targets, item->address).ptr != NULL;
    if (item->interaction == FHS_DO_CREATE && (item->aim != FHS_AIM_FOUND || !is_taken)) {
        return FHIRSTORE_OK;
    }
    if (is_taken) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "two entries change the same resource");
    }
    return fhs_links_add(bundle->targets, item->address, item->address, err);
}

fhirstore_status fhs_bundle_aim(const fhs_core *core, fhs_bundle *bundle, fhs_links *links,
                                fhs_bundle_item *item, const fhs_route *route, fhs_str id,
                                fhs_str full_url, fhirstore_error **err)
{
    item->address = fhs_bundle_address(core, bundle->arena, route->type, id);
    if (item->address.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = claim(bundle, item, err);
    if (status < FHIRSTORE_OK || route->interaction == FHS_DO_DELETE || full_url.len == 0) {
        return status;
    }
    full_url = fhs_arena_dup(bundle->arena, full_url);
    return full_url.ptr == NULL ? fhs_fail_memory(err)
                                : fhs_links_add(links, full_url, item->address, err);
}

/* Where it leads is known when the condition is resolved; others may have to wait for that. */
static fhirstore_status await_url(plan *work, fhs_str full_url, const fhs_bundle_item *item,
                                  fhirstore_error **err)
{
    char number[24];
    if (full_url.len == 0) {
        return FHIRSTORE_OK;
    }
    int len = snprintf(number, sizeof number, "%zu", (size_t)(item - work->bundle->items));
    full_url = fhs_arena_dup(work->bundle->arena, full_url);
    fhs_str text = fhs_arena_dup(work->bundle->arena, fhs_str_of(number, (size_t)len));
    return full_url.ptr == NULL || text.ptr == NULL
               ? fhs_fail_memory(err)
               : fhs_links_add(work->bundle->awaited, full_url, text, err);
}

static fhirstore_status plan_write(plan *work, const fhs_route *route,
                                   const fhs_bundle_entry *entry, fhs_bundle_item *item,
                                   fhirstore_error **err)
{
    char uuid[FHS_UUID_LEN + 1];
    fhs_str id = route->id;
    const bool is_create = route->interaction == FHS_DO_CREATE;
    item->is_conditional = is_create ? entry->if_none_exist.ptr != NULL : id.len == 0;
    if (item->is_conditional) {
        return await_url(work, entry->full_url, item, err);
    }
    if (is_create) {
        fhs_uuid_new(uuid);
        id = fhs_str_of(uuid, FHS_UUID_LEN);
    }
    return fhs_bundle_aim(work->core, work->bundle, work->links, item, route, id, entry->full_url,
                          err);
}

static fhirstore_status plan_entry(plan *work, const fhs_bundle_entry *entry, fhs_bundle_item *item,
                                   fhirstore_error **err)
{
    fhs_route route;
    if (entry->method.len == 0 || entry->url.len == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "the request needs method and url");
    }
    fhirstore_status status = fhs_route_parse(work->core->fhir, work->core->base_url, entry->method,
                                              entry->url, &route, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    item->interaction = (uint8_t)route.interaction;
    item->is_get = route.is_get;
    status = fhs_bundle_check_url(entry->full_url, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (is_write(route.interaction)) {
        return plan_write(work, &route, entry, item, err);
    }
    if (!is_read(route.interaction)) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED,
                        "a transaction holds no Bundle to execute");
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_bundle_plan(const fhs_core *core, fhs_arena *arena, fhs_arena *scratch,
                                 fhs_bundle *bundle, const fhs_bundle_watch *watch,
                                 fhs_links **links_out, fhirstore_error **err)
{
    plan work = {.core = core, .bundle = bundle};
    fhirstore_status status = fhs_links_new(arena, bundle->count, &work.links, err);
    bundle->arena = arena;
    if (status >= FHIRSTORE_OK) {
        status = fhs_links_new(arena, 0, &bundle->targets, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_links_new(arena, 0, &bundle->conditions, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_links_new(arena, 0, &bundle->awaited, err);
    }
    for (size_t i = 0; status >= FHIRSTORE_OK && i < bundle->count; i++) {
        fhs_bundle_entry entry;
        fhs_arena_reset(scratch);
        status = fhs_bundle_entry_at(core, bundle, i, scratch, &entry, err);
        if (status >= FHIRSTORE_OK) {
            status = plan_entry(&work, &entry, &bundle->items[i], err);
        }
        if (status < FHIRSTORE_OK) {
            fhs_error_entry(err, (uint32_t)(bundle->first + i + 1));
        } else {
            status = fhs_bundle_tell(watch, entry.end, err);
        }
    }
    *links_out = work.links;
    return status;
}
