/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which resources the conditional entries of a transaction are about, and which its conditional
 * references. Both are searched in the transaction before anything of it is written (http.html:
 * identities are resolved first), so that no entry's outcome depends on the order of the others.
 */
#include "interact/criteria.h"
#include "interact/integrity.h"
#include "rest/bundle.h"

typedef struct resolution {
    fhs_call *outer;
    fhs_bundle *bundle;
    fhs_links *links;
    bool *is_told; /* the error names its entry */
} resolution;

/* One conditional entry under way. */
typedef struct aimed_entry {
    fhs_bundle_item *item;
    fhs_bundle_entry entry;
    fhs_route route;
    fhs_str key; /* "Patient?identifier=1": type and criteria */
} aimed_entry;

static fhs_str condition_key(const resolution *work, fhs_type type, fhs_str criteria)
{
    fhs_str name = fhs_type_name(work->outer->session->core->fhir, type);
    size_t len = name.len + 1 + criteria.len;
    char *key = fhs_arena_alloc(work->bundle->arena, len);
    if (key == NULL) {
        return FHS_STR_NONE;
    }
    memcpy(key, name.ptr, name.len);
    key[name.len] = '?';
    if (criteria.len > 0) {
        memcpy(key + name.len + 1, criteria.ptr, criteria.len);
    }
    return fhs_str_of(key, len);
}

static fhs_str id_of_address(fhs_str address)
{
    return fhs_str_from(address, fhs_str_find_char(address, '/', 0) + 1);
}

/* The id that an entry's own resource has; empty: none. */
static fhs_str own_id(fhs_arena *arena, const fhs_bundle_entry *entry)
{
    const fhs_json *root;
    fhs_str id = FHS_STR_NONE;
    if (entry->resource.ptr != NULL &&
        fhs_json_read(arena, entry->resource, NULL, &root, NULL) == FHIRSTORE_OK &&
        root->type == FHS_JSON_OBJECT) {
        (void)fhs_json_get_string(root, FHS_LIT("id"), &id);
    }
    return fhs_id_is_valid(id) ? id : FHS_STR_NONE;
}

static fhirstore_status remember(const resolution *work, aimed_entry *now, fhs_str id,
                                 fhirstore_error **err)
{
    fhirstore_status status = fhs_bundle_aim(work->outer->session->core, work->bundle, work->links,
                                             now->item, &now->route, id, now->entry.full_url, err);
    return status < FHIRSTORE_OK
               ? status
               : fhs_links_add(work->bundle->conditions, now->key, now->item->address, err);
}

static fhirstore_status aim_at_nothing(const resolution *work, aimed_entry *now,
                                       fhirstore_error **err)
{
    char uuid[FHS_UUID_LEN + 1];
    fhs_interaction interaction = (fhs_interaction)now->item->interaction;
    if (interaction == FHS_DO_PATCH) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "nothing matches the condition");
    }
    if (now->entry.if_match.len > 0) {
        return fhs_fail(err, FHIRSTORE_ERR_PRECONDITION,
                        "ifMatch asks for a version, but nothing matches the condition");
    }
    fhs_str id = interaction == FHS_DO_UPDATE ? own_id(&work->outer->session->arena, &now->entry)
                                              : FHS_STR_NONE;
    now->item->aim = id.len > 0 ? FHS_AIM_CHOSEN : FHS_AIM_NEW;
    if (id.len == 0) {
        fhs_uuid_new(uuid);
        id = fhs_str_of(uuid, FHS_UUID_LEN);
    }
    return remember(work, now, id, err);
}

/* Creates of the same condition are one: the first creates, the others find it. */
static fhirstore_status aim_at_same(const resolution *work, aimed_entry *now, fhs_str address,
                                    fhirstore_error **err)
{
    if (now->item->interaction != FHS_DO_CREATE) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "two entries change the same resource");
    }
    now->item->aim = FHS_AIM_FOUND;
    return fhs_bundle_aim(work->outer->session->core, work->bundle, work->links, now->item,
                          &now->route, id_of_address(address), now->entry.full_url, err);
}

/* A conditional delete searches again at its turn; here it only keeps others away. */
static fhirstore_status aim_deletion(const resolution *work, const fhs_criteria *found,
                                     aimed_entry *now, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (found->count > 1 && !found->takes_first) {
        return fhs_fail(err, FHIRSTORE_ERR_MULTIPLE_MATCHES,
                        "several resources match: _count says how many may be deleted");
    }
    for (size_t i = 0; status >= FHIRSTORE_OK && i < found->count; i++) {
        status = fhs_bundle_aim(work->outer->session->core, work->bundle, work->links, now->item,
                                &now->route, found->ids[i], FHS_STR_NONE, err);
    }
    now->item->address = FHS_STR_NONE;
    return status;
}

static fhirstore_status aim_entry(const resolution *work, aimed_entry *now, fhirstore_error **err)
{
    fhs_interaction interaction = (fhs_interaction)now->item->interaction;
    fhs_str text = interaction == FHS_DO_CREATE ? now->entry.if_none_exist : now->route.query;
    fhs_criteria criteria = fhs_criteria_of(work->outer->session, now->route.type, text);
    now->key = condition_key(work, now->route.type, criteria.text);
    if (now->key.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_str same = fhs_links_find(work->bundle->conditions, now->key);
    if (same.ptr != NULL && interaction != FHS_DO_DELETE) {
        return aim_at_same(work, now, same, err);
    }
    if (interaction == FHS_DO_DELETE || interaction == FHS_DO_PATCH) {
        criteria.if_empty = FHIRSTORE_ERR_PRECONDITION;
    }
    criteria.takes_count = interaction == FHS_DO_DELETE;
    bool cascades = false; /* said again when the entry's turn has come */
    fhirstore_status status = interaction != FHS_DO_DELETE
                                  ? FHIRSTORE_OK
                                  : fhs_integrity_take_cascade(work->outer->session->core,
                                                               work->outer->arena, criteria.text,
                                                               &criteria.text, &cascades, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_criteria_find(work->outer, now->route.type, &criteria, err);
    }
    if (status < FHIRSTORE_OK || interaction == FHS_DO_DELETE) {
        return status < FHIRSTORE_OK ? status : aim_deletion(work, &criteria, now, err);
    }
    if (criteria.count > 1) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_MULTIPLE_MATCHES);
    }
    if (criteria.count == 0) {
        return aim_at_nothing(work, now, err);
    }
    now->item->aim = FHS_AIM_FOUND;
    return remember(work, now, criteria.ids[0], err);
}

/* The criteria as they came: of a create in ifNoneExist, else behind the address. */
static fhs_str *criteria_of(aimed_entry *now)
{
    return now->item->interaction == FHS_DO_CREATE ? &now->entry.if_none_exist : &now->route.query;
}

static fhirstore_status read_aimed(const resolution *work, size_t index, aimed_entry *now,
                                   fhirstore_error **err)
{
    const fhs_core *core = work->outer->session->core;
    fhs_arena *arena = &work->outer->session->arena;
    *now = (aimed_entry){.item = &work->bundle->items[index]};
    fhs_arena_reset(arena);
    fhirstore_status status = fhs_bundle_entry_at(core, work->bundle, index, arena, &now->entry,
                                                  err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_route_parse(core->fhir, core->base_url, now->entry.method, now->entry.url,
                                 &now->route, err);
    }
    return status < FHIRSTORE_OK ? status : fhs_route_take_switches(arena, &now->route, err);
}

static fhirstore_status resolve_item(const resolution *work, size_t index, unsigned depth,
                                     fhirstore_error **err);

/*
 * First those that the criteria name by their fullUrls; each may bring others, and uses the arena
 * that this entry is read into.
 */
static fhirstore_status settle_named(const resolution *work, size_t index, unsigned depth,
                                     aimed_entry *now, fhirstore_error **err)
{
    fhirstore_status status = read_aimed(work, index, now, err);
    while (status >= FHIRSTORE_OK) {
        size_t named = fhs_bundle_awaited(&work->outer->session->arena, work->bundle,
                                          *criteria_of(now));
        if (named == SIZE_MAX) {
            break;
        }
        if (work->bundle->items[named].resolution == FHS_RESOLVING) {
            return fhs_fail(err, FHIRSTORE_ERR_BUNDLE,
                            "conditions name each other's entries in a circle");
        }
        status = resolve_item(work, named, depth + 1, err);
        if (status < FHIRSTORE_OK) {
            return status;
        }
        status = read_aimed(work, index, now, err);
    }
    return status;
}

static fhirstore_status aim_with_links(const resolution *work, aimed_entry *now,
                                       fhirstore_error **err)
{
    fhs_str *criteria = criteria_of(now);
    const bool had_any = criteria->len > 0;
    *criteria = fhs_bundle_link_query(&work->outer->session->arena, work->links, *criteria);
    return criteria->ptr == NULL && had_any ? fhs_fail_memory(err) : aim_entry(work, now, err);
}

/* The error names the entry that it comes from. */
static fhirstore_status resolve_item(const resolution *work, size_t index, unsigned depth,
                                     fhirstore_error **err)
{
    aimed_entry now;
    fhs_bundle_item *item = &work->bundle->items[index];
    const uint32_t number = (uint32_t)(work->bundle->first + index + 1);
    const uint32_t outer_number = work->outer->entry;
    fhirstore_status status;
    if (!item->is_conditional || item->resolution == FHS_RESOLVED) {
        return FHIRSTORE_OK;
    }
    item->resolution = FHS_RESOLVING;
    work->outer->entry = number;
    status = depth > FHS_LIMIT_CONDITION_DEPTH
                 ? fhs_fail(err, FHIRSTORE_ERR_LIMIT,
                            "conditions name each other's entries: FHS_LIMIT_CONDITION_DEPTH")
                 : settle_named(work, index, depth, &now, err);
    if (status >= FHIRSTORE_OK) {
        work->outer->entry = number;
        status = aim_with_links(work, &now, err);
    }
    if (status < FHIRSTORE_OK) {
        if (!*work->is_told) {
            fhs_error_entry(err, number);
            *work->is_told = true;
        }
        return status;
    }
    item->resolution = FHS_RESOLVED;
    work->outer->entry = outer_number;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_bundle_resolve(fhs_call *outer, fhs_bundle *bundle, fhs_links *links,
                                    fhirstore_error **err)
{
    bool is_told = false;
    const resolution work = {outer, bundle, links, &is_told};
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; status >= FHIRSTORE_OK && i < bundle->count; i++) {
        status = resolve_item(&work, i, 0, err);
    }
    return status;
}

/* ---- conditional references ---- */

static bool split_reference(const fhs_core *core, fhs_str reference, fhs_type *type_out,
                            fhs_str *criteria_out)
{
    fhs_str name;
    if (!fhs_str_split(reference, '?', &name, criteria_out)) {
        return false;
    }
    *type_out = fhs_type_find(core->fhir, name);
    return *type_out != FHS_TYPE_NONE && fhs_type_is_resource(core->fhir, *type_out);
}

fhirstore_status fhs_bundle_resolve_reference(fhs_call *outer, fhs_bundle *bundle,
                                              fhs_str reference, fhs_str *address_out,
                                              fhirstore_error **err)
{
    const fhs_core *core = outer->session->core;
    const resolution work = {outer, bundle, NULL, NULL};
    fhs_type type;
    fhs_str text;
    fhs_str id;
    *address_out = FHS_STR_NONE;
    if (!split_reference(core, reference, &type, &text)) {
        return FHIRSTORE_OK;
    }
    *address_out = fhs_links_find(bundle->conditions, reference);
    if (address_out->ptr != NULL) {
        return FHIRSTORE_OK;
    }
    fhs_criteria criteria = fhs_criteria_of(outer->session, type, text);
    fhirstore_status status = fhs_criteria_find_one(outer, type, &criteria, &id, err);
    if (status == FHIRSTORE_ERR_MULTIPLE_MATCHES) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE,
                        "several resources match a conditional reference");
    }
    if (status >= FHIRSTORE_OK && id.len == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "nothing matches a conditional reference");
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_str key = condition_key(&work, type, text);
    *address_out = fhs_bundle_address(core, bundle->arena, type, id);
    if (key.ptr == NULL || address_out->ptr == NULL) {
        return fhs_fail_memory(err);
    }
    return fhs_links_add(bundle->conditions, key, *address_out, err);
}
