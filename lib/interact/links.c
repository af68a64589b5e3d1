/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/links.h"

#include "base/limits.h"

#define FIRST_SLOTS 64u

typedef struct link_slot {
    fhs_str from; /* ptr NULL: free */
    fhs_str to;
} link_slot;

struct fhs_links {
    fhs_arena *arena;
    link_slot *slots;
    size_t slot_count; /* a power of two */
    size_t used;
};

/* FNV-1a. The keys are of one transaction; colliding on purpose only slows the one who does it. */
static size_t hash_text(fhs_str text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    }
    return (size_t)(hash ^ (hash >> 32));
}

static link_slot *slot_for(link_slot *slots, size_t count, fhs_str from)
{
    size_t at = hash_text(from) & (count - 1);
    while (slots[at].from.ptr != NULL && !fhs_str_eq(slots[at].from, from)) {
        at = (at + 1) & (count - 1);
    }
    return &slots[at];
}

/* At most three of four slots are in use. */
static bool is_full(size_t used, size_t slot_count)
{
    return used >= slot_count - slot_count / 4;
}

fhirstore_status fhs_links_new(fhs_arena *arena, size_t expected, fhs_links **out,
                               fhirstore_error **err)
{
    fhs_links *links = fhs_arena_calloc(arena, 1, sizeof *links);
    *out = NULL;
    if (links == NULL) {
        return fhs_fail_memory(err);
    }
    links->arena = arena;
    links->slot_count = FIRST_SLOTS;
    while (is_full(expected, links->slot_count)) {
        links->slot_count *= 2;
    }
    links->slots = fhs_arena_calloc(arena, links->slot_count, sizeof *links->slots);
    if (links->slots == NULL) {
        return fhs_fail_memory(err);
    }
    *out = links;
    return FHIRSTORE_OK;
}

static bool grow_slots(fhs_links *links)
{
    size_t count = links->slot_count * 2;
    link_slot *slots = fhs_arena_calloc(links->arena, count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < links->slot_count; i++) {
        if (links->slots[i].from.ptr != NULL) {
            *slot_for(slots, count, links->slots[i].from) = links->slots[i];
        }
    }
    links->slots = slots;
    links->slot_count = count;
    return true;
}

fhirstore_status fhs_links_add(fhs_links *links, fhs_str from, fhs_str to, fhirstore_error **err)
{
    if (is_full(links->used, links->slot_count) && !grow_slots(links)) {
        return fhs_fail_memory(err);
    }
    link_slot *slot = slot_for(links->slots, links->slot_count, from);
    if (slot->from.ptr != NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "two entries have the same fullUrl");
    }
    *slot = (link_slot){from, to};
    links->used++;
    return FHIRSTORE_OK;
}

fhs_str fhs_links_find(const fhs_links *links, fhs_str from)
{
    return slot_for(links->slots, links->slot_count, from)->to;
}

/* One rewriting: what has been copied so far, and where it goes. */
typedef struct rewriting {
    const fhs_links *links;
    const fhs_linked_text *resource;
    fhirstore_status failed; /* what resolving a reference failed with */
    fhirstore_error **err;
    const fhs_fhir *fhir;
    fhs_str text;
    size_t copied; /* bytes of text already in out */
    fhs_buf *out;
    fhs_str base; /* of the server that relative references speak of; empty: none is known */
    fhs_buf absolute;
    fhs_type reference_type;
    fhs_type uri_type;
    fhs_type canonical_type;
} rewriting;

static bool may_hold_link(const rewriting *work, fhs_type owner, fhs_type type, fhs_str name)
{
    if (type == FHS_TYPE_NONE) {
        return false;
    }
    if (owner == work->reference_type) {
        return fhs_str_eq(name, FHS_LIT("reference"));
    }
    return fhs_type_is_a(work->fhir, type, work->uri_type) &&
           !fhs_type_is_a(work->fhir, type, work->canonical_type);
}

/*
 * bundle.html#references: a relative reference in an entry that has an absolute fullUrl speaks of
 * the same server.
 */
static fhs_str find_relative(rewriting *work, fhs_str reference)
{
    if (work->base.len == 0 || fhs_str_find_char(reference, ':', 0) < reference.len) {
        return FHS_STR_NONE;
    }
    fhs_buf_reset(&work->absolute);
    fhs_buf_add_str(&work->absolute, work->base);
    fhs_buf_add_str(&work->absolute, reference);
    return fhs_links_find(work->links, fhs_buf_str(&work->absolute));
}

/* "Patient?identifier=1": whoever gave the resource knows how to search. */
static fhs_str find_conditional(rewriting *work, fhs_str reference)
{
    const fhs_linked_text *resource = work->resource;
    fhs_str to = FHS_STR_NONE;
    if (resource->resolve != NULL && work->failed >= FHIRSTORE_OK &&
        fhs_str_find_char(reference, '?', 0) < reference.len) {
        work->failed = resource->resolve(resource->resolve_ctx, reference, &to, work->err);
    }
    return to;
}

static void replace_value(rewriting *work, const fhs_json *value, bool is_reference)
{
    fhs_str to = fhs_links_find(work->links, value->text);
    if (to.ptr == NULL && is_reference) {
        to = find_relative(work, value->text);
    }
    if (to.ptr == NULL && is_reference) {
        to = find_conditional(work, value->text);
    }
    if (to.ptr == NULL) {
        return;
    }
    fhs_buf_add(work->out, work->text.ptr + work->copied, value->begin - work->copied);
    fhs_json_write_string(work->out, to);
    work->copied = value->end;
}

static void rewrite_object(rewriting *work, fhs_type type, const fhs_json *object);

static void rewrite_value(rewriting *work, const fhs_property *property, fhs_str name,
                          const fhs_json *value)
{
    if (value->type == FHS_JSON_ARRAY) {
        for (uint32_t i = 0; i < value->count; i++) {
            rewrite_value(work, property, name, &value->items[i]);
        }
    } else if (value->type == FHS_JSON_OBJECT) {
        rewrite_object(work, property->type, value);
    } else if (value->type == FHS_JSON_STRING &&
               may_hold_link(work, property->owner, property->type, name)) {
        replace_value(work, value, property->owner == work->reference_type);
    }
}

/* The type of a resource inside another one stands in the resource itself. */
static fhs_type actual_type(const rewriting *work, fhs_type declared, const fhs_json *object)
{
    fhs_str name;
    if (declared != FHS_TYPE_NONE && !fhs_type_is_abstract(work->fhir, declared)) {
        return declared;
    }
    return fhs_json_get_string(object, FHS_LIT("resourceType"), &name)
               ? fhs_type_find(work->fhir, name)
               : declared;
}

/* Depth is bounded: the tree came through the reader. */
static void rewrite_object(rewriting *work, fhs_type type, const fhs_json *object)
{
    type = actual_type(work, type, object);
    for (uint32_t i = 0; i < object->count && type != FHS_TYPE_NONE; i++) {
        const fhs_json_member *member = &object->members[i];
        fhs_str name = member->name;
        fhs_property property;
        bool is_sibling = name.len > 0 && name.ptr[0] == '_';
        if (is_sibling) {
            name = fhs_str_from(name, 1);
        }
        if (fhs_property_find(work->fhir, type, name, &property)) {
            rewrite_value(work, &property, name, &member->value);
        }
    }
}

/* "http://server/fhir/" of "http://server/fhir/Patient/1"; empty for anything else. */
static fhs_str server_of(fhs_str full_url, const fhs_fhir *fhir, fhs_type type)
{
    fhs_str name = fhs_type_name(fhir, type);
    size_t id_at = full_url.len;
    if (!fhs_str_starts_with(full_url, FHS_LIT("http"))) {
        return FHS_STR_NONE;
    }
    while (id_at > 0 && full_url.ptr[id_at - 1] != '/') {
        id_at--;
    }
    if (id_at < name.len + 2) {
        return FHS_STR_NONE;
    }
    size_t name_at = id_at - 1 - name.len;
    bool fits = memcmp(full_url.ptr + name_at, name.ptr, name.len) == 0 &&
                full_url.ptr[name_at - 1] == '/';
    return fits ? fhs_str_of(full_url.ptr, name_at) : FHS_STR_NONE;
}

fhirstore_status fhs_links_rewrite(const fhs_links *links, const fhs_fhir *fhir,
                                   const fhs_linked_text *resource, fhs_buf *out, bool *changed_out,
                                   fhirstore_error **err)
{
    rewriting work = {
        .links = links,
        .resource = resource,
        .err = err,
        .fhir = fhir,
        .text = resource->text,
        .copied = resource->root->begin,
        .out = out,
        .base = server_of(resource->full_url, fhir, resource->type),
        .absolute = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES),
        .reference_type = fhs_type_find(fhir, FHS_LIT("Reference")),
        .uri_type = fhs_type_find(fhir, FHS_LIT("uri")),
        .canonical_type = fhs_type_find(fhir, FHS_LIT("canonical")),
    };
    size_t before = out->len;
    rewrite_object(&work, resource->type, resource->root);
    *changed_out = out->len > before;
    if (*changed_out) {
        fhs_buf_add(out, work.text.ptr + work.copied, resource->root->end - work.copied);
    }
    fhirstore_status status = fhs_buf_status(out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_buf_status(&work.absolute);
    }
    fhs_buf_clear(&work.absolute);
    if (work.failed < FHIRSTORE_OK) {
        return work.failed;
    }
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}
