/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an element to its children. A primitive is two things in JSON: its value under "name" and
 * its id and extensions under "_name"; lists of them run side by side.
 */
#include "fhirpath/internal.h"

fhs_fp_item fhs_fp_make_node(const fhs_fhir *fhir, const fhs_json *json, const fhs_json *sibling,
                             fhs_type type)
{
    /* Only the JSON itself tells which resource stands where "Resource" is allowed. */
    if (json != NULL && json->type == FHS_JSON_OBJECT &&
        (type == FHS_TYPE_NONE || (fhs_type_get_kind(fhir, type) == FHS_KIND_RESOURCE &&
                                   fhs_type_is_abstract(fhir, type)))) {
        fhs_str name;
        if (fhs_json_get_string(json, FHS_LIT("resourceType"), &name)) {
            type = fhs_type_find(fhir, name);
        }
    }
    return (fhs_fp_item){.kind = FHS_ITEM_NODE, .type = type, .node = {json, sibling}};
}

fhs_fp_item fhs_fp_item_of_json(const fhs_fhir *fhir, const fhs_json *json, fhs_type type)
{
    return fhs_fp_make_node(fhir, json, NULL, type);
}

static const fhs_json *object_or_null(const fhs_json *json)
{
    return fhs_json_is(json, FHS_JSON_OBJECT) ? json : NULL;
}

static const fhs_json *value_or_null(const fhs_json *json)
{
    return json == NULL || json->type == FHS_JSON_NULL ? NULL : json;
}

static fhirstore_status push_node(fhs_fhirpath_run *run, const fhs_json *json,
                                  const fhs_json *sibling, fhs_type type)
{
    json = value_or_null(json);
    sibling = object_or_null(sibling);
    if (json == NULL && sibling == NULL) {
        return FHIRSTORE_OK;
    }
    fhs_fp_item item = fhs_fp_make_node(run->fhir, json, sibling, type);
    return fhs_fp_push(run, &item);
}

/* One member with its sibling: an item, or as many as the longer of the two lists has. */
static fhirstore_status push_values(fhs_fhirpath_run *run, const fhs_json *json,
                                    const fhs_json *sibling, fhs_type type, uint32_t top_limit)
{
    bool list = fhs_json_is(json, FHS_JSON_ARRAY);
    bool sibling_list = fhs_json_is(sibling, FHS_JSON_ARRAY);
    if (!list && !sibling_list) {
        return push_node(run, json, sibling, type);
    }
    uint32_t count = list ? json->count : 0;
    if (sibling_list && sibling->count > count) {
        count = sibling->count;
    }
    for (uint32_t i = 0; i < count && run->top < top_limit; i++) {
        FHS_TRY(push_node(run, list && i < json->count ? &json->items[i] : NULL,
                          sibling_list && i < sibling->count ? &sibling->items[i] : NULL, type));
    }
    return FHIRSTORE_OK;
}

/* Find "name" and "_name" in one pass. */
static void find_pair(const fhs_json *object, fhs_str name, const fhs_json **json_out,
                      const fhs_json **sibling_out)
{
    *json_out = NULL;
    *sibling_out = NULL;
    for (uint32_t i = 0; i < object->count; i++) {
        const fhs_json_member *member = &object->members[i];
        size_t len = member->name.len;
        if (len == name.len) {
            if (memcmp(member->name.ptr, name.ptr, len) == 0) {
                *json_out = &member->value;
            }
        } else if (len == name.len + 1 && member->name.ptr[0] == '_' &&
                   memcmp(member->name.ptr + 1, name.ptr, name.len) == 0) {
            *sibling_out = &member->value;
        }
    }
}

/* A complex child: no sibling is looked for, and the first hit ends the search. */
static const fhs_json *find_plain(const fhs_json *object, fhs_str name)
{
    for (uint32_t i = 0; i < object->count; i++) {
        const fhs_json_member *member = &object->members[i];
        if (fhs_str_eq(member->name, name)) {
            return &member->value;
        }
    }
    return NULL;
}

static fhirstore_status push_typed(fhs_fhirpath_run *run, const fhs_json *object, fhs_str name,
                                   fhs_type type, uint32_t top_limit)
{
    const fhs_json *json = NULL;
    const fhs_json *sibling = NULL;
    if (type != FHS_TYPE_NONE && fhs_type_get_kind(run->fhir, type) != FHS_KIND_PRIMITIVE) {
        json = find_plain(object, name);
    } else {
        find_pair(object, name, &json, &sibling);
    }
    return push_values(run, json, sibling, type, top_limit);
}

/* value[x]: the members that begin with @a name and go on with a type. */
static fhirstore_status push_choice(fhs_fhirpath_run *run, const fhs_json *object, fhs_type type,
                                    fhs_str name, uint32_t top_limit)
{
    for (uint32_t i = 0; i < object->count; i++) {
        fhs_str member = object->members[i].name;
        bool underscore = member.len > 0 && member.ptr[0] == '_';
        if (underscore) {
            member = fhs_str_from(member, 1);
        }
        fhs_property property;
        if (member.len <= name.len || memcmp(member.ptr, name.ptr, name.len) != 0 ||
            member.ptr[name.len] < 'A' || member.ptr[name.len] > 'Z' ||
            !fhs_property_find(run->fhir, type, member, &property) ||
            (property.flags & FHS_ELEMENT_CHOICE) == 0) {
            continue;
        }
        if (!underscore) {
            return push_typed(run, object, member, property.type, top_limit);
        }
        if (find_plain(object, member) == NULL) {
            return push_values(run, NULL, &object->members[i].value, property.type, top_limit);
        }
    }
    return FHIRSTORE_OK;
}

/* The children of a primitive live in its sibling; its value can be asked for as "value". */
static fhirstore_status push_of_primitive(fhs_fhirpath_run *run, const fhs_fp_item *item,
                                          fhs_str name, uint32_t top_limit)
{
    if (fhs_str_eq(name, FHS_LIT("value")) && fhs_fp_has_value(run, item)) {
        fhs_fp_item value;
        FHS_TRY(fhs_fp_value(run, item, &value));
        return value.kind == FHS_ITEM_NODE ? FHIRSTORE_OK : fhs_fp_push(run, &value);
    }
    fhs_property property;
    if (item->node.sibling == NULL || item->type == FHS_TYPE_NONE ||
        !fhs_property_find(run->fhir, item->type, name, &property)) {
        return FHIRSTORE_OK;
    }
    return push_typed(run, item->node.sibling, name, property.type, top_limit);
}

/* What type() gives has two children of its own. */
static fhirstore_status push_of_info(fhs_fhirpath_run *run, const fhs_fp_item *item, fhs_str name)
{
    if (item->kind == FHS_ITEM_TYPE && fhs_str_eq(name, FHS_LIT("namespace"))) {
        return fhs_fp_push_string(run, item->info->space);
    }
    if (item->kind == FHS_ITEM_TYPE && fhs_str_eq(name, FHS_LIT("name"))) {
        return fhs_fp_push_string(run, item->info->name);
    }
    if (item->kind == FHS_ITEM_QUANTITY && fhs_str_eq(name, FHS_LIT("value"))) {
        return fhs_fp_push_decimal(run, &item->quantity->value);
    }
    if (item->kind == FHS_ITEM_QUANTITY &&
        (fhs_str_eq(name, FHS_LIT("unit")) || fhs_str_eq(name, FHS_LIT("code")))) {
        return fhs_fp_push_string(run, item->quantity->unit);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status push_found(fhs_fhirpath_run *run, const fhs_fp_item *item, fhs_str name,
                                   uint32_t top_limit)
{
    if (item->kind != FHS_ITEM_NODE) {
        return push_of_info(run, item, name);
    }
    const fhs_json *object = item->node.json;
    if (!fhs_json_is(object, FHS_JSON_OBJECT)) {
        return push_of_primitive(run, item, name, top_limit);
    }
    if (item->type == FHS_TYPE_NONE) {
        return push_typed(run, object, name, FHS_TYPE_NONE, top_limit);
    }
    fhs_property property;
    if (fhs_property_find(run->fhir, item->type, name, &property)) {
        /* A choice goes by its own name, not by that of its JSON member. */
        return (property.flags & FHS_ELEMENT_CHOICE) != 0
                   ? FHIRSTORE_OK
                   : push_typed(run, object, name, property.type, top_limit);
    }
    fhs_element element;
    if (!fhs_element_find(run->fhir, item->type, name, &element, NULL)) {
        return FHIRSTORE_OK;
    }
    return push_choice(run, object, item->type, name, top_limit);
}

fhirstore_status fhs_fp_push_named(fhs_fhirpath_run *run, const fhs_fp_item *item, fhs_str name)
{
    fhs_fp_item copy = *item;
    return push_found(run, &copy, name, UINT32_MAX);
}

fhirstore_status fhs_fp_push_member(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_item *item, uint32_t base, uint32_t limit)
{
    fhs_fp_item copy = *item;
    uint32_t top_limit = limit > UINT32_MAX - base ? UINT32_MAX : base + limit;
    if (copy.kind == FHS_ITEM_NODE && copy.type == op->static_type && copy.type != FHS_TYPE_NONE &&
        fhs_json_is(copy.node.json, FHS_JSON_OBJECT)) {
        const fhs_json *json = NULL;
        const fhs_json *sibling = NULL;
        if (op->is_complex) {
            json = find_plain(copy.node.json, op->text);
        } else {
            find_pair(copy.node.json, op->text, &json, &sibling);
        }
        return push_values(run, json, sibling, op->property.type, top_limit);
    }
    return push_found(run, &copy, op->text, top_limit);
}

static fhirstore_status push_all_of(fhs_fhirpath_run *run, const fhs_json *object, fhs_type type)
{
    for (uint32_t i = 0; i < object->count; i++) {
        fhs_str name = object->members[i].name;
        const fhs_json *json = &object->members[i].value;
        const fhs_json *sibling = NULL;
        if (name.len > 0 && name.ptr[0] == '_') {
            name = fhs_str_from(name, 1);
            if (find_plain(object, name) != NULL) {
                continue; /* comes with its value */
            }
            sibling = json;
            json = NULL;
        } else if (fhs_str_eq(name, FHS_LIT("resourceType"))) {
            continue;
        } else {
            find_pair(object, name, &json, &sibling);
        }
        fhs_property property = {.type = FHS_TYPE_NONE};
        if (type != FHS_TYPE_NONE && !fhs_property_find(run->fhir, type, name, &property)) {
            property.type = FHS_TYPE_NONE;
        }
        FHS_TRY(push_values(run, json, sibling, property.type, UINT32_MAX));
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fp_push_children(fhs_fhirpath_run *run, const fhs_fp_item *item)
{
    fhs_fp_item copy = *item;
    if (copy.kind != FHS_ITEM_NODE) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(fhs_fp_work(run, 1));
    if (fhs_json_is(copy.node.json, FHS_JSON_OBJECT)) {
        return push_all_of(run, copy.node.json, copy.type);
    }
    return copy.node.sibling == NULL ? FHIRSTORE_OK
                                     : push_all_of(run, copy.node.sibling, copy.type);
}
