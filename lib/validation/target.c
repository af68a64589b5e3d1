/* SPDX-License-Identifier: Apache-2.0 */
/* References: may the element point to such a resource, and is there one? */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validation/validation_internal.h"

/* ---- the entries of a Bundle ---- */

/* Names of one entry: its fullUrl, the end of that, and what its resource is called. */
#define NAMES_PER_ENTRY 3u

static char name_char(const fhs_entry_name *name, size_t at)
{
    if (at < name->before.len) {
        return name->before.ptr[at];
    }
    return at == name->before.len ? '/' : name->id.ptr[at - name->before.len - 1];
}

static size_t name_len(const fhs_entry_name *name)
{
    return name->before.len + (name->id.len == 0 ? 0 : name->id.len + 1);
}

static int compare_names(const void *left, const void *right)
{
    const fhs_entry_name *a = left;
    const fhs_entry_name *b = right;
    size_t a_len = name_len(a);
    size_t b_len = name_len(b);
    for (size_t i = 0; i < a_len && i < b_len; i++) {
        int order = (int)(unsigned char)name_char(a, i) - (int)(unsigned char)name_char(b, i);
        if (order != 0) {
            return order;
        }
    }
    return a_len < b_len ? -1 : a_len > b_len;
}

/* "Patient/1" of "http://example.org/fhir/Patient/1". */
static fhs_str tail_of(fhs_str url)
{
    size_t slashes = 0;
    size_t at = url.len;
    while (at > 0 && slashes < 2) {
        slashes += url.ptr[--at] == '/';
    }
    return slashes == 2 ? fhs_str_from(url, at + 1) : FHS_STR_NONE;
}

static void index_entry(fhs_full_state *state, const fhs_json *entry)
{
    fhs_str full;
    fhs_str type;
    fhs_str id;
    const fhs_json *resource = fhs_json_is(entry, FHS_JSON_OBJECT)
                                   ? fhs_json_get(entry, FHS_LIT("resource"))
                                   : NULL;
    if (!fhs_json_is(resource, FHS_JSON_OBJECT)) {
        return;
    }
    if (fhs_json_get_string(entry, FHS_LIT("fullUrl"), &full) && full.len > 0) {
        fhs_str tail = tail_of(full);
        state->entries[state->entry_count++] = (fhs_entry_name){.before = full,
                                                                .resource = resource};
        if (tail.len > 0) {
            state->entries[state->entry_count++] = (fhs_entry_name){.before = tail,
                                                                    .resource = resource};
        }
    }
    if (fhs_json_get_string(resource, FHS_LIT("resourceType"), &type) &&
        fhs_json_get_string(resource, FHS_LIT("id"), &id) && id.len > 0) {
        state->entries[state->entry_count++] = (fhs_entry_name){type, id, resource};
    }
}

static bool index_bundle(fhs_check *check)
{
    fhs_full_state *state = check->state;
    fhs_str type;
    const fhs_json *entries = fhs_json_get(state->top, FHS_LIT("entry"));
    state->is_indexed = true;
    if (!fhs_json_get_string(state->top, FHS_LIT("resourceType"), &type) ||
        !fhs_str_eq(type, FHS_LIT("Bundle")) || !fhs_json_is(entries, FHS_JSON_ARRAY) ||
        entries->count == 0) {
        return true;
    }
    state->entries = fhs_calloc(entries->count, NAMES_PER_ENTRY * sizeof *state->entries);
    if (state->entries == NULL) {
        fhs_check_hindered(check, fhs_fail_memory(state->err));
        return false;
    }
    for (uint32_t i = 0; i < entries->count; i++) {
        index_entry(state, &entries->items[i]);
    }
    qsort(state->entries, state->entry_count, sizeof *state->entries, compare_names);
    return true;
}

const fhs_json *fhs_check_entry(fhs_check *check, fhs_str reference)
{
    fhs_full_state *state = check->state;
    if (!state->is_indexed && !index_bundle(check)) {
        return NULL;
    }
    if (state->entry_count == 0 || reference.len == 0) {
        return NULL;
    }
    const fhs_entry_name wanted = {.before = reference};
    const fhs_entry_name *found = bsearch(&wanted, state->entries, state->entry_count,
                                          sizeof wanted, compare_names);
    return found == NULL ? NULL : found->resource;
}

/* ---- one reference ---- */

static fhs_type type_of_target(const fhs_check *check, const fhs_json *resource)
{
    fhs_str name;
    return resource != NULL && fhs_json_get_string(resource, FHS_LIT("resourceType"), &name)
               ? fhs_type_find(check->fhir, name)
               : FHS_TYPE_NONE;
}

/* What "#id" means here; ref-1 says so where it means nothing. */
static const fhs_json *find_contained_target(const fhs_check *check, fhs_str id)
{
    const fhs_json *root = check->state->root;
    return id.len == 0 ? root
                       : fhs_json_find(fhs_json_get(root, FHS_LIT("contained")), FHS_LIT("id"), id);
}

/* Reference.type: a name, or the url of a base definition. */
static fhs_type stated_type(const fhs_check *check, const fhs_json *value)
{
    static const fhs_str base = FHS_LIT_INIT("http://hl7.org/fhir/StructureDefinition/");
    fhs_str name;
    if (!fhs_json_get_string(value, FHS_LIT("type"), &name)) {
        return FHS_TYPE_NONE;
    }
    name = fhs_str_starts_with(name, base) ? fhs_str_from(name, base.len) : name;
    fhs_type type = fhs_type_find(check->fhir, name);
    return type != FHS_TYPE_NONE && fhs_type_is_resource(check->fhir, type) ? type : FHS_TYPE_NONE;
}

/* The element that says what may be pointed to: of a CodeableReference, the one that has it. */
static const fhs_property *targeting_property(const fhs_check *check, const fhs_place *at)
{
    const fhs_type concept = fhs_type_find(check->fhir, FHS_LIT("CodeableReference"));
    const fhs_property *property = at->property;
    if (property != NULL && concept != FHS_TYPE_NONE && property->owner == concept) {
        return at->up->property;
    }
    return property;
}

static void check_target_type(fhs_check *check, const fhs_place *at, fhs_type type)
{
    if (check->is_presence_only) {
        return;
    }
    const fhs_type *types = NULL;
    const fhs_property *property = targeting_property(check, at);
    size_t count = property == NULL ? 0
                                    : fhs_element_targets(check->fhir, property->owner,
                                                          property->element, &types);
    for (size_t i = 0; i < count; i++) {
        if (fhs_type_is_a(check->fhir, type, types[i])) {
            return;
        }
    }
    if (count > 0) {
        fhs_str name = fhs_place_name(at);
        fhs_str type_name = fhs_type_name(check->fhir, type);
        fhs_check_issue(check, at, FHS_SEVERITY_ERROR, "invalid", "%.*s must not refer to %.*s",
                        FHS_STR_ARG(name), FHS_STR_ARG(type_name));
    }
}

static void check_is_there(fhs_check *check, const fhs_place *at, const fhs_reference *parsed)
{
    const fhs_full_check *full = check->full;
    const bool is_inside = check->state->root != check->state->top;
    bool yes = true;
    if (full->exists == NULL || (is_inside && !check->state->asks_entries) ||
        (full->errors_only && full->if_missing > FHS_SEVERITY_ERROR)) {
        return;
    }
    fhirstore_status status = full->exists(full->ctx, parsed->type, parsed->id, &yes,
                                           check->state->err);
    if (status < FHIRSTORE_OK) {
        fhs_check_hindered(check, status);
    } else if (!yes) {
        fhs_str name = fhs_place_name(at);
        fhs_check_issue(check, at, full->if_missing, "not-found",
                        "%.*s refers to a resource that is not in the store", FHS_STR_ARG(name));
    }
}

void fhs_check_reference(fhs_check *check, const fhs_place *at, const fhs_json *value)
{
    fhs_reference parsed = {.type = FHS_TYPE_NONE};
    const fhs_json *found = NULL;
    fhs_str text = FHS_STR_NONE;
    const fhs_type stated = stated_type(check, value);
    (void)fhs_json_get_string(value, FHS_LIT("reference"), &text);
    if (fhs_reference_parse(check->fhir, check->full->base_url, text, &parsed)) {
        found = parsed.is_fragment ? find_contained_target(check, fhs_str_from(text, 1))
                                   : fhs_check_entry(check, text);
    }
    fhs_type type = found != NULL ? type_of_target(check, found) : parsed.type;
    if (type != FHS_TYPE_NONE && stated != FHS_TYPE_NONE && type != stated &&
        !check->is_presence_only) {
        fhs_check_issue(check, at, FHS_SEVERITY_ERROR, "invalid",
                        "Reference.type is not the type of what is referred to");
    }
    type = type == FHS_TYPE_NONE ? stated : type;
    if (type != FHS_TYPE_NONE) {
        check_target_type(check, at, type);
    }
    if (found == NULL && parsed.is_local && !check->is_full) {
        check_is_there(check, at, &parsed);
    }
}
