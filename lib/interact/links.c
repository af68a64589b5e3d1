/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/links.h"

#include <string.h>

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

/* A value that was replaced: where it stood, and how many bytes more it takes now. */
typedef struct replacement {
    uint32_t begin;
    int64_t growth;
} replacement;

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
    fhs_type xhtml_type;
    fhs_buf composed; /* an address with its fragment, a narrative */
    fhs_buf replaced; /* replacements, in the order of the text; only with resource->arena */
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
    if (work->base.len == 0 || reference.len == 0 ||
        fhs_str_find_char(reference, ':', 0) < reference.len) {
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

/* Where an address without a fragment leads. */
static fhs_str find_address(rewriting *work, fhs_str address, bool may_be_relative)
{
    fhs_str to = fhs_links_find(work->links, address);
    return to.ptr == NULL && may_be_relative ? find_relative(work, address) : to;
}

/* The part before '#', and *fragment_out from there on; the whole where there is none. */
static fhs_str before_fragment(fhs_str address, fhs_str *fragment_out)
{
    size_t at = fhs_str_find_char(address, '#', 0);
    at = at < address.len ? at : address.len;
    *fragment_out = fhs_str_from(address, at);
    return fhs_str_of(address.ptr, at);
}

/* Where a link leads, its fragment included. */
static fhs_str find_link(rewriting *work, fhs_str link, bool may_be_relative)
{
    fhs_str fragment;
    fhs_str to = find_address(work, link, may_be_relative);
    if (to.ptr != NULL) {
        return to;
    }
    fhs_str address = before_fragment(link, &fragment);
    if (fragment.len == 0 || address.len == 0) {
        return FHS_STR_NONE;
    }
    to = find_address(work, address, may_be_relative);
    if (to.ptr == NULL) {
        return FHS_STR_NONE;
    }
    fhs_buf_reset(&work->composed);
    fhs_buf_add_str(&work->composed, to);
    fhs_buf_add_str(&work->composed, fragment);
    return fhs_buf_str(&work->composed);
}

/* The tree is the caller's own, in its arena: the value may become what it now says. */
static void change_tree(rewriting *work, const fhs_json *value, fhs_str to, size_t written)
{
    fhs_arena *arena = work->resource->arena;
    if (arena == NULL) {
        return;
    }
    fhs_json *changed = (fhs_json *)(uintptr_t)value;
    const replacement entry = {value->begin, (int64_t)written - (value->end - value->begin)};
    changed->text = fhs_arena_dup(arena, to);
    fhs_buf_add(&work->replaced, (const char *)&entry, sizeof entry);
    if (changed->text.ptr == NULL) {
        work->failed = fhs_fail_memory(work->err);
    }
}

static void write_instead(rewriting *work, const fhs_json *value, fhs_str to)
{
    fhs_buf_add(work->out, work->text.ptr + work->copied, value->begin - work->copied);
    size_t before = work->out->len;
    fhs_json_write_string(work->out, to);
    work->copied = value->end;
    change_tree(work, value, to, work->out->len - before);
}

static void replace_value(rewriting *work, const fhs_json *value, bool is_reference)
{
    fhs_str to = find_link(work, value->text, is_reference);
    if (to.ptr == NULL && is_reference) {
        to = find_conditional(work, value->text);
    }
    if (to.ptr != NULL) {
        write_instead(work, value, to);
    }
}

/* ---- narratives ---- */

static bool is_xml_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * The next value of an href or src attribute from *at on, and *at behind it. The narrative is known
 * to be well-formed enough to be looked at; where it is not, less is found.
 */
static bool next_address(fhs_str html, size_t *at, fhs_str *value_out)
{
    static const fhs_str names[] = {FHS_LIT_INIT("href"), FHS_LIT_INIT("src")};
    for (size_t i = *at; i + 1 < html.len; i++) {
        if (!is_xml_blank(html.ptr[i])) {
            continue;
        }
        fhs_str rest = fhs_str_from(html, i + 1);
        for (size_t k = 0; k < FHS_COUNT_OF(names); k++) {
            size_t p = names[k].len;
            if (!fhs_str_starts_with(rest, names[k])) {
                continue;
            }
            for (; p < rest.len && is_xml_blank(rest.ptr[p]); p++) {
            }
            if (p >= rest.len || rest.ptr[p] != '=') {
                continue;
            }
            for (p++; p < rest.len && is_xml_blank(rest.ptr[p]); p++) {
            }
            char quote = p < rest.len ? rest.ptr[p] : '\0';
            size_t end = fhs_str_find_char(rest, quote, p + 1);
            if ((quote == '"' || quote == '\'') && end < rest.len) {
                *value_out = fhs_str_of(rest.ptr + p + 1, end - p - 1);
                *at = i + 1 + end;
                return true;
            }
        }
    }
    return false;
}

/* Addresses that are links have nothing to escape; one with "&amp;" is looked up with its '&'. */
static fhs_str unescape_ampersands(rewriting *work, fhs_str escaped)
{
    static const fhs_str entity = FHS_LIT_INIT("&amp;");
    fhs_arena *arena = work->resource->arena;
    if (arena == NULL || fhs_str_find(escaped, entity) >= escaped.len) {
        return escaped;
    }
    char *plain = fhs_arena_alloc(arena, escaped.len);
    size_t len = 0;
    for (size_t i = 0; plain != NULL && i < escaped.len; i++) {
        plain[len++] = escaped.ptr[i];
        i += fhs_str_starts_with(fhs_str_from(escaped, i), entity) ? entity.len - 1 : 0;
    }
    return plain == NULL ? escaped : fhs_str_of(plain, len);
}

/* Addresses of the store, and the fragments that stay, need no escapes that they do not have. */
static void rewrite_narrative(rewriting *work, const fhs_json *value)
{
    fhs_buf html = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    const fhs_str text = value->text;
    fhs_str address;
    size_t copied = 0;
    for (size_t at = 0; next_address(text, &at, &address);) {
        fhs_str fragment;
        fhs_str plain = before_fragment(address, &fragment);
        fhs_str to = find_address(work, unescape_ampersands(work, plain), true);
        if (to.ptr != NULL && plain.len > 0) {
            size_t begin = (size_t)(address.ptr - text.ptr);
            fhs_buf_add(&html, text.ptr + copied, begin - copied);
            fhs_buf_add_str(&html, to);
            copied = begin + plain.len;
        }
    }
    if (copied > 0) {
        fhs_buf_add_str(&html, fhs_str_from(text, copied));
        write_instead(work, value, fhs_buf_str(&html));
    }
    if (fhs_buf_status(&html) < FHIRSTORE_OK && work->failed >= FHIRSTORE_OK) {
        work->failed = fhs_fail_plain(work->err, fhs_buf_status(&html));
    }
    fhs_buf_clear(&html);
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
    } else if (value->type == FHS_JSON_STRING && property->type == work->xhtml_type) {
        rewrite_narrative(work, value);
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

/* ---- the tree of the new text ---- */

typedef struct tree_shift {
    const replacement *next;
    const replacement *end;
    int64_t shift;
} tree_shift;

static uint32_t shifted(tree_shift *at, uint32_t offset)
{
    while (at->next < at->end && at->next->begin < offset) {
        at->shift += at->next++->growth;
    }
    return (uint32_t)((int64_t)offset + at->shift);
}

/* In the order of the text. Depth is bounded: the tree came through the reader. */
static void shift_value(tree_shift *at, const fhs_json *value)
{
    fhs_json *changed = (fhs_json *)(uintptr_t)value;
    changed->begin = shifted(at, value->begin);
    for (uint32_t i = 0; value->type == FHS_JSON_OBJECT && i < value->count; i++) {
        shift_value(at, &value->members[i].value);
    }
    for (uint32_t i = 0; value->type == FHS_JSON_ARRAY && i < value->count; i++) {
        shift_value(at, &value->items[i]);
    }
    changed->end = shifted(at, value->end);
}

static void shift_tree(rewriting *work, size_t out_begin)
{
    fhs_str entries = fhs_buf_str(&work->replaced);
    const replacement *first = (const replacement *)(const void *)entries.ptr;
    tree_shift at = {first, first + entries.len / sizeof *first,
                     (int64_t)out_begin - work->resource->root->begin};
    shift_value(&at, work->resource->root);
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
        .xhtml_type = fhs_type_find(fhir, FHS_LIT("xhtml")),
        .composed = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES),
        .replaced = FHS_BUF_INIT(SIZE_MAX / 2),
    };
    size_t before = out->len;
    rewrite_object(&work, resource->type, resource->root);
    *changed_out = out->len > before;
    if (*changed_out) {
        fhs_buf_add(out, work.text.ptr + work.copied, resource->root->end - work.copied);
    }
    fhirstore_status status = fhs_buf_status(out);
    const fhs_buf *const others[] = {&work.absolute, &work.composed, &work.replaced};
    for (size_t i = 0; status >= FHIRSTORE_OK && i < FHS_COUNT_OF(others); i++) {
        status = fhs_buf_status(others[i]);
    }
    if (status >= FHIRSTORE_OK && *changed_out && resource->arena != NULL) {
        shift_tree(&work, before);
    }
    fhs_buf_clear(&work.absolute);
    fhs_buf_clear(&work.composed);
    fhs_buf_clear(&work.replaced);
    if (work.failed < FHIRSTORE_OK) {
        return work.failed;
    }
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}
