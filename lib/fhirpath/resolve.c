/* SPDX-License-Identifier: Apache-2.0 */
/* resolve(): contained resources, entries of the Bundle at hand, then the host. pathname(). */
#include "base/limits.h"
#include "fhir/reference.h"
#include "fhirpath/functions.h"

/* The child of @a json that encloses byte @a at, and the member or index that leads to it. */
static const fhs_json *enclosing_child(const fhs_json *json, uint32_t at, fhs_str *name_out,
                                       uint32_t *index_out)
{
    for (uint32_t i = 0; i < json->count; i++) {
        const fhs_json *child = json->type == FHS_JSON_ARRAY ? &json->items[i]
                                                             : &json->members[i].value;
        if (child->begin <= at && at < child->end) {
            *name_out = json->type == FHS_JSON_ARRAY ? FHS_STR_NONE : json->members[i].name;
            *index_out = i;
            return child;
        }
    }
    return NULL;
}

static bool is_container(const fhs_json *json)
{
    return json->type == FHS_JSON_ARRAY || json->type == FHS_JSON_OBJECT;
}

/* The resource that a "#id" inside @a node means: contained ones belong to their container. */
static const fhs_json *containing_resource(const fhs_json *root, const fhs_json *node)
{
    const fhs_json *resource = root;
    const fhs_json *at = root;
    bool contained = false;
    while (at != NULL && at != node && is_container(at)) {
        fhs_str name = FHS_STR_NONE;
        uint32_t index = 0;
        at = enclosing_child(at, node->begin, &name, &index);
        contained = contained || fhs_str_eq(name, FHS_LIT("contained"));
        if (at != NULL && at->type == FHS_JSON_OBJECT && !contained &&
            fhs_json_get(at, FHS_LIT("resourceType")) != NULL) {
            resource = at;
        }
    }
    return at == node ? resource : root;
}

static const fhs_json *find_contained(const fhs_json *resource, fhs_str id)
{
    if (resource == NULL || id.len == 0) {
        return resource;
    }
    return fhs_json_find(fhs_json_get(resource, FHS_LIT("contained")), FHS_LIT("id"), id);
}

/* Whether a Bundle entry is what Type/id means: by fullUrl, or by type and id of its resource. */
static bool entry_matches(const fhs_json *entry, const fhs_json *resource, fhs_str type, fhs_str id)
{
    fhs_str own_type;
    fhs_str own_id;
    fhs_str full;
    if (fhs_json_get_string(resource, FHS_LIT("resourceType"), &own_type) &&
        fhs_json_get_string(resource, FHS_LIT("id"), &own_id) && fhs_str_eq(own_type, type) &&
        fhs_str_eq(own_id, id)) {
        return true;
    }
    if (!fhs_json_get_string(entry, FHS_LIT("fullUrl"), &full) ||
        full.len < type.len + id.len + 2 || !fhs_str_ends_with(full, id)) {
        return false;
    }
    full.len -= id.len + 1;
    return full.ptr[full.len] == '/' && fhs_str_ends_with(full, type) &&
           full.ptr[full.len - type.len - 1] == '/';
}

static const fhs_json *find_entry(const fhs_fhirpath_run *run, fhs_str reference)
{
    fhs_str type_name;
    fhs_reference parsed;
    if (!fhs_json_is(run->root, FHS_JSON_OBJECT) ||
        !fhs_json_get_string(run->root, FHS_LIT("resourceType"), &type_name) ||
        !fhs_str_eq(type_name, FHS_LIT("Bundle"))) {
        return NULL;
    }
    bool relative = fhs_reference_parse(run->fhir, FHS_STR_NONE, reference, &parsed) &&
                    parsed.type != FHS_TYPE_NONE && parsed.is_local;
    const fhs_json *entries = fhs_json_get(run->root, FHS_LIT("entry"));
    for (uint32_t i = 0; fhs_json_is(entries, FHS_JSON_ARRAY) && i < entries->count; i++) {
        const fhs_json *entry = &entries->items[i];
        const fhs_json *resource = entry->type == FHS_JSON_OBJECT
                                       ? fhs_json_get(entry, FHS_LIT("resource"))
                                       : NULL;
        fhs_str full;
        if (!fhs_json_is(resource, FHS_JSON_OBJECT)) {
            continue;
        }
        if (fhs_json_get_string(entry, FHS_LIT("fullUrl"), &full) && fhs_str_eq(full, reference)) {
            return resource;
        }
        if (relative &&
            entry_matches(entry, resource, fhs_type_name(run->fhir, parsed.type), parsed.id)) {
            return resource;
        }
    }
    return NULL;
}

static fhirstore_status resolve_text(fhs_fhirpath_run *run, fhs_str reference, const fhs_json *node,
                                     const fhs_json **out)
{
    *out = NULL;
    if (reference.len == 0) {
        return FHIRSTORE_OK;
    }
    if (reference.ptr[0] == '#') {
        const fhs_json *resource = run->root == NULL || node == NULL
                                       ? run->root
                                       : containing_resource(run->root, node);
        *out = find_contained(resource, fhs_str_from(reference, 1));
        return FHIRSTORE_OK;
    }
    *out = find_entry(run, reference);
    const fhs_fhirpath_hooks *hooks = run->input->hooks;
    if (*out == NULL && hooks != NULL && hooks->resolve != NULL) {
        return hooks->resolve(hooks->ctx, reference, out, run->err);
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(resolve)
{
    (void)op;
    (void)scope;
    uint32_t end = run->top;
    for (uint32_t i = base; i < end; i++) {
        fhs_fp_item item = run->stack[i];
        fhs_str reference = FHS_STR_NONE;
        const fhs_json *json = item.kind == FHS_ITEM_NODE ? item.node.json : NULL;
        if (item.kind == FHS_ITEM_STRING) {
            reference = item.text;
        } else if (fhs_json_is(json, FHS_JSON_STRING)) {
            reference = json->text;
        } else if (fhs_json_is(json, FHS_JSON_OBJECT)) {
            fhs_json_get_string(json, FHS_LIT("reference"), &reference);
        }
        const fhs_json *resource = NULL;
        FHS_TRY(fhs_fp_work(run, 1));
        FHS_TRY(resolve_text(run, reference, json, &resource));
        if (resource != NULL) {
            fhs_fp_item found = fhs_fp_make_node(run->fhir, resource, NULL, FHS_TYPE_NONE);
            FHS_TRY(fhs_fp_push(run, &found));
        }
    }
    fhs_fp_drop(run, base, end);
    return FHIRSTORE_OK;
}

/* ---- pathname() ---- */

/* The element that a JSON member belongs to: "valueQuantity" is "value". */
static fhs_str element_name(const fhs_fhir *fhir, fhs_type type, fhs_str member, fhs_property *out)
{
    out->type = FHS_TYPE_NONE;
    out->flags = FHS_ELEMENT_LIST;
    if (member.len > 0 && member.ptr[0] == '_') {
        member = fhs_str_from(member, 1);
    }
    if (type == FHS_TYPE_NONE || !fhs_property_find(fhir, type, member, out)) {
        return member;
    }
    return fhs_element_at(fhir, out->owner, out->element).name;
}

/* Write the steps from the root to @a node; false when it is not part of the root. */
static bool write_path(const fhs_fhirpath_run *run, const fhs_json *node, bool is_short,
                       fhs_buf *out)
{
    const fhs_json *at = run->root;
    fhs_type type = fhs_fp_make_node(run->fhir, at, NULL, FHS_TYPE_NONE).type;
    if (type == FHS_TYPE_NONE) {
        return at == node;
    }
    fhs_buf_add_str(out, fhs_type_name(run->fhir, type));
    while (at != NULL && at != node && is_container(at)) {
        fhs_str name = FHS_STR_NONE;
        uint32_t index = 0;
        fhs_property property;
        at = enclosing_child(at, node->begin, &name, &index);
        if (at == NULL) {
            break;
        }
        fhs_buf_add_char(out, '.');
        fhs_buf_add_str(out, element_name(run->fhir, type, name, &property));
        index = 0;
        if (at->type == FHS_JSON_ARRAY && at != node) {
            at = enclosing_child(at, node->begin, &name, &index);
        }
        if (!is_short || (property.flags & FHS_ELEMENT_LIST) != 0) {
            fhs_buf_addf(out, "[%u]", index);
        }
        type = at == NULL ? FHS_TYPE_NONE
                          : fhs_fp_make_node(run->fhir, at, NULL, property.type).type;
    }
    return at == node;
}

FHS_FP_CALL(pathname)
{
    int is_short = 0;
    uint32_t end = run->top;
    if (op->arg_count > 0) {
        FHS_TRY(fhs_fp_eval_boolean(run, op->args[0], scope, &is_short));
    }
    for (uint32_t i = base; i < end && run->root != NULL; i++) {
        const fhs_fp_item *item = &run->stack[i];
        const fhs_json *node = item->kind != FHS_ITEM_NODE ? NULL
                               : item->node.json != NULL   ? item->node.json
                                                           : item->node.sibling;
        fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
        if (node != NULL && write_path(run, node, is_short == 1, &buf)) {
            FHS_TRY(fhs_fp_push_buf(run, &buf));
        }
        fhs_buf_clear(&buf);
    }
    fhs_fp_drop(run, base, end);
    return FHIRSTORE_OK;
}
