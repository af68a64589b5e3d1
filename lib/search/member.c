/* SPDX-License-Identifier: Apache-2.0 */
/*
 * _list and _in: the List, Group or CareTeam is read when the search is compiled, and those that it
 * names become a list of entities. What may not be seen names nobody.
 */
#include <stdlib.h>

#include "base/instant.h"
#include "base/limits.h"
#include "base/order.h"
#include "fhir/reference.h"
#include "search/search_internal.h"
#include "json/json.h"

typedef struct member_list {
    fhs_search *search;
    int32_t type; /* of the members that are wanted; 0: any that is searched */
    int64_t now;  /* ticks */
    int64_t *items;
    size_t count;
    size_t capacity;
} member_list;

/* Where the members of each kind stand. */
typedef struct member_place {
    fhs_str type;
    fhs_str list;   /* the array of entries … */
    fhs_str member; /* … and the reference in one */
    fhs_str gone;   /* where this is true, the entry does not count */
} member_place;

static const member_place member_places[] = {
    {FHS_LIT_INIT("List"), FHS_LIT_INIT("entry"), FHS_LIT_INIT("item"), FHS_LIT_INIT("deleted")},
    {FHS_LIT_INIT("Group"), FHS_LIT_INIT("member"), FHS_LIT_INIT("entity"),
     FHS_LIT_INIT("inactive")},
    {FHS_LIT_INIT("CareTeam"), FHS_LIT_INIT("participant"), FHS_LIT_INIT("member"),
     FHS_LIT_INIT("")},
};

static bool is_member_type(const member_list *members, int32_t type)
{
    const fhs_search *search = members->search;
    for (size_t i = 0; members->type == 0 && i < search->type_count; i++) {
        if (search->types[i] == type) {
            return type != 0;
        }
    }
    return type != 0 && type == members->type;
}

static fhirstore_status add_member(member_list *members, fhs_str text)
{
    fhs_search *search = members->search;
    fhs_reference reference;
    fhs_entity entity = 0;
    if (!fhs_reference_parse(search->env.fhir, search->env.base_url, text, &reference) ||
        !reference.is_local) {
        return FHIRSTORE_OK;
    }
    int32_t type = fhs_catalog_type(search->env.catalog, reference.type);
    fhirstore_status status = is_member_type(members, type)
                                  ? fhs_entity_find(search->conn, type, reference.id, &entity,
                                                    search->err)
                                  : FHIRSTORE_OK;
    if (status != FHIRSTORE_OK || entity == 0) {
        return status;
    }
    int64_t *items = fhs_search_grow(search, members->items, members->count, &members->capacity,
                                     sizeof(*items));
    if (items == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    members->items = items;
    items[members->count++] = entity;
    return FHIRSTORE_OK;
}

/* One end of a period, in ticks; false: there is none. */
static bool period_end(const fhs_json *period, fhs_str name, bool is_end, int64_t *out)
{
    fhs_str text;
    fhs_date date;
    int64_t lo;
    int64_t hi;
    if (!fhs_json_get_string(period, name, &text) ||
        !fhs_date_parse(text, FHS_DATE_FORM_DATETIME | FHS_DATE_FORM_DATE, &date)) {
        return false;
    }
    fhs_date_interval(&date, 0, &lo, &hi);
    *out = is_end ? hi : lo;
    return true;
}

/* Whether an entry counts now: not marked as gone, and within its period. */
static bool is_active(const member_list *members, const member_place *place, const fhs_json *entry)
{
    const fhs_json *gone = fhs_json_get(entry, place->gone);
    const fhs_json *period = fhs_json_get(entry, FHS_LIT("period"));
    if (period == NULL) {
        period = fhs_json_get(entry, FHS_LIT("coveragePeriod")); /* CareTeam in R5 */
    }
    int64_t tick;
    if (gone != NULL && gone->type == FHS_JSON_TRUE) {
        return false;
    }
    if (!fhs_json_is(period, FHS_JSON_OBJECT)) {
        return true;
    }
    if (period_end(period, FHS_LIT("start"), false, &tick) && tick > members->now) {
        return false;
    }
    return !period_end(period, FHS_LIT("end"), true, &tick) || tick >= members->now;
}

static fhirstore_status add_entries(member_list *members, const member_place *place,
                                    const fhs_json *resource)
{
    const fhs_json *entries = fhs_json_get(resource, place->list);
    fhirstore_status status = FHIRSTORE_OK;
    if (!fhs_json_is(entries, FHS_JSON_ARRAY)) {
        return FHIRSTORE_OK;
    }
    for (uint32_t i = 0; i < entries->count && status == FHIRSTORE_OK; i++) {
        const fhs_json *entry = &entries->items[i];
        const fhs_json *member = fhs_json_is(entry, FHS_JSON_OBJECT)
                                     ? fhs_json_get(entry, place->member)
                                     : NULL;
        fhs_str text;
        if (fhs_json_is(member, FHS_JSON_OBJECT) && is_active(members, place, entry) &&
            fhs_json_get_string(member, FHS_LIT("reference"), &text)) {
            status = add_member(members, text);
        }
    }
    return status;
}

static fhirstore_status may_be_seen(fhs_search *search, fhs_type type, fhs_entity entity,
                                    bool *yes_out)
{
    const fhs_test *restriction = NULL;
    fhs_candidate candidate = {.entity = entity};
    fhirstore_status status = fhs_compile_restriction(search, type, &restriction);
    if (status == FHIRSTORE_OK) {
        status = fhs_candidate_head(search, &candidate, 0);
    }
    *yes_out = status == FHIRSTORE_OK && candidate.is_there;
    return status == FHIRSTORE_OK && *yes_out && restriction != NULL
               ? fhs_test_candidate(search, restriction, &candidate, 0, yes_out)
               : status;
}

static fhirstore_status read_members(member_list *members, const member_place *place,
                                     fhs_entity entity)
{
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_RESOURCE_BYTES};
    fhs_search *search = members->search;
    fhs_version version;
    const fhs_json *root = NULL;
    fhs_arena arena;
    fhirstore_status status = fhs_resource_read_entity(search->conn, entity, &version, search->err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_str body = fhs_arena_dup(&arena, version.body);
    status = body.ptr == NULL ? fhs_search_no_memory(search)
                              : fhs_json_read(&arena, body, &limits, &root, search->err);
    if (status == FHIRSTORE_OK) {
        status = add_entries(members, place, root);
    }
    fhs_arena_clear(&arena);
    return status;
}

static fhirstore_status add_members_of(member_list *members, const member_place *place, fhs_str id)
{
    fhs_search *search = members->search;
    fhs_type type = fhs_type_find(search->env.fhir, place->type);
    int32_t number = type == FHS_TYPE_NONE ? 0 : fhs_catalog_type(search->env.catalog, type);
    fhs_entity entity = 0;
    bool yes = false;
    fhirstore_status status = number == 0
                                  ? FHIRSTORE_OK
                                  : fhs_entity_find(search->conn, number, id, &entity, search->err);
    if (status == FHIRSTORE_OK && entity != 0) {
        status = may_be_seen(search, type, entity, &yes);
    }
    return status == FHIRSTORE_OK && yes ? read_members(members, place, entity) : status;
}

fhirstore_status fhs_resolve_members(fhs_search *search, const fhs_node *node, fhs_test *test)
{
    member_list members = {.search = search, .type = test->type};
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t v = 0; v < node->value_count && status == FHIRSTORE_OK; v++) {
        const fhs_value *value = &node->values[v];
        members.now = value->lo;
        for (size_t i = 0; i < FHS_COUNT_OF(member_places) && status == FHIRSTORE_OK; i++) {
            if (value->ref_type == FHS_TYPE_NONE ||
                fhs_str_eq(fhs_type_name(search->env.fhir, value->ref_type),
                           member_places[i].type)) {
                status = add_members_of(&members, &member_places[i], value->ref_id);
            }
        }
    }
    size_t kept = 0;
    if (members.count > 0) {
        qsort(members.items, members.count, sizeof(*members.items), fhs_compare_int64);
    }
    for (size_t i = 0; i < members.count; i++) {
        if (kept == 0 || members.items[kept - 1] != members.items[i]) {
            members.items[kept++] = members.items[i];
        }
    }
    test->kind = FHS_TEST_ENTITY;
    test->entities = members.items;
    test->entity_count = kept;
    return status;
}
