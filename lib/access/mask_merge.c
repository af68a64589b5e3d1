/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change by somebody who does not see all of a resource: what is hidden stays as it is stored.
 * Of a list the stored items that are sent as they were shown keep what is hidden in them; to leave
 * one out or to change it would take that with it, and is refused whether there is anything hidden
 * in it or not: the refusal tells nothing.
 */
#include "access/mask.h"
#include "base/limits.h"

typedef struct merging {
    const fhs_masks *masks;
    fhs_arena *arena;
    fhs_str stored;
    fhs_str sent;
    fhs_buf *out;
    fhirstore_status failed;
    fhirstore_error **err;
} merging;

static void merge_object(merging *work, fhs_type type, const fhs_json *stored, const fhs_json *sent,
                         const fhs_mask_paths *paths, uint32_t depth);

static void refuse_change(merging *work, const char *why)
{
    if (work->failed >= FHIRSTORE_OK) {
        work->failed = fhs_fail(work->err, FHIRSTORE_ERR_DENIED, "%s", why);
    }
}

static void out_of_memory(merging *work)
{
    if (work->failed >= FHIRSTORE_OK) {
        work->failed = fhs_fail_memory(work->err);
    }
}

static void copy_json(merging *work, fhs_str source, const fhs_json *value)
{
    fhs_buf_add(work->out, source.ptr + value->begin, value->end - value->begin);
}

static void begin_member(merging *work, bool *is_first, fhs_str name)
{
    fhs_buf_add_cstr(work->out, *is_first ? "" : ",");
    fhs_json_write_string(work->out, name);
    fhs_buf_add_char(work->out, ':');
    *is_first = false;
}

static void drop_behind(merging *work, size_t mark)
{
    if (fhs_buf_status(work->out) == FHIRSTORE_OK && work->out->ptr != NULL) {
        work->out->len = mark;
        work->out->ptr[mark] = '\0';
    }
}

static fhs_mask_paths hidden_paths_of(const merging *work, const fhs_json *item,
                                      const fhs_mask_paths *paths)
{
    fhs_str name;
    if (!fhs_json_is(item, FHS_JSON_OBJECT) ||
        !fhs_json_get_string(item, FHS_LIT("resourceType"), &name)) {
        return *paths;
    }
    fhs_type type = fhs_type_find(work->masks->fhir, name);
    const fhs_mask *mask = type == FHS_TYPE_NONE ? NULL : work->masks->of(work->masks->ctx, type);
    return mask == NULL ? (fhs_mask_paths){NULL, 0}
                        : (fhs_mask_paths){mask->hide, mask->hide_count};
}

/* Resources within these stand too deep for their hidden parts to be told apart. */
static bool is_collection(const merging *work, fhs_type type)
{
    const fhs_str name = type == FHS_TYPE_NONE ? FHS_STR_NONE
                                               : fhs_type_name(work->masks->fhir, type);
    return fhs_str_eq(name, FHS_LIT("Bundle")) || fhs_str_eq(name, FHS_LIT("Parameters"));
}

static fhs_type type_of_item(const merging *work, const fhs_json *item, fhs_type declared)
{
    fhs_str name;
    return fhs_json_is(item, FHS_JSON_OBJECT) &&
                   fhs_json_get_string(item, FHS_LIT("resourceType"), &name)
               ? fhs_type_find(work->masks->fhir, name)
               : declared;
}

/* What is hidden of a member; without the memory to tell, the merge fails. */
static bool is_hidden_member(merging *work, fhs_type type, const fhs_mask_paths *paths,
                             fhs_str name, fhs_mask_paths *inner_out)
{
    bool whole;
    if (fhs_mask_select(work->arena, work->masks->fhir, type, paths, name, &whole, inner_out) !=
        FHIRSTORE_OK) {
        out_of_memory(work);
    }
    return whole;
}

/* ---- lists ---- */

/* A stored item as it was shown; NULL: nothing of it was. */
static const fhs_json *as_shown(merging *work, fhs_type type, const fhs_json *item,
                                const fhs_mask_paths *paths)
{
    const fhs_json *shown = NULL;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    const bool is_seen = fhs_mask_write_value(work->masks, work->arena, type, work->stored, item,
                                              paths, &text);
    fhs_str copy = fhs_buf_status(&text) < FHIRSTORE_OK
                       ? FHS_STR_NONE
                       : fhs_arena_dup(work->arena, fhs_buf_str(&text));
    fhs_buf_clear(&text);
    if (copy.ptr == NULL ||
        (is_seen && fhs_json_read(work->arena, copy, NULL, &shown, NULL) < FHIRSTORE_OK)) {
        out_of_memory(work);
    }
    return shown;
}

/* The stored items as they were shown, those without anything to be seen left NULL. */
static const fhs_json **show_items(merging *work, fhs_type type, const fhs_json *stored,
                                   const fhs_mask_paths *paths)
{
    const size_t count = stored == NULL ? 0 : stored->count;
    const fhs_json **shown = fhs_arena_calloc(work->arena, count + 1, sizeof(const fhs_json *));
    if (shown == NULL) {
        out_of_memory(work);
        return NULL;
    }
    for (size_t i = 0; i < count && work->failed >= FHIRSTORE_OK; i++) {
        shown[i] = as_shown(work, type, &stored->items[i], paths);
    }
    return shown;
}

static void merge_item(merging *work, fhs_type type, const fhs_json *stored, const fhs_json **shown,
                       const fhs_json *item, const fhs_mask_paths *paths, uint32_t depth)
{
    for (uint32_t k = 0; stored != NULL && k < stored->count; k++) {
        if (shown[k] != NULL && fhs_json_equal(shown[k], item)) {
            shown[k] = NULL;
            copy_json(work, work->stored, &stored->items[k]);
            return;
        }
    }
    const fhs_mask_paths own = hidden_paths_of(work, item, paths);
    if (fhs_json_is(item, FHS_JSON_OBJECT)) {
        merge_object(work, type_of_item(work, item, type), NULL, item, &own, depth + 1);
    } else {
        copy_json(work, work->sent, item);
    }
}

/* Items that nobody was shown stay behind the others. */
static void merge_list(merging *work, fhs_type type, const fhs_json *stored, const fhs_json *sent,
                       const fhs_mask_paths *paths, uint32_t depth)
{
    const fhs_json **shown = show_items(work, type, stored, paths);
    const uint32_t stored_count = stored == NULL ? 0 : stored->count;
    bool *was_shown = fhs_arena_calloc(work->arena, (size_t)stored_count + 1, sizeof(bool));
    bool is_first = true;
    if (shown == NULL || was_shown == NULL || work->failed < FHIRSTORE_OK) {
        out_of_memory(work);
        return;
    }
    for (uint32_t i = 0; i < stored_count; i++) {
        was_shown[i] = shown[i] != NULL;
    }
    fhs_buf_add_char(work->out, '[');
    for (uint32_t i = 0; sent != NULL && i < sent->count; i++, is_first = false) {
        fhs_buf_add_cstr(work->out, is_first ? "" : ",");
        merge_item(work, type, stored, shown, &sent->items[i], paths, depth);
    }
    for (uint32_t i = 0; i < stored_count; i++) {
        const fhs_mask_paths own = hidden_paths_of(work, &stored->items[i], paths);
        if (own.count == 0) {
            continue; /* nothing in it is hidden: it goes as it was told to */
        }
        if (shown[i] != NULL) {
            refuse_change(work, "an item of a list with hidden elements may not be changed or "
                                "left out");
        } else if (!was_shown[i]) {
            fhs_buf_add_cstr(work->out, is_first ? "" : ",");
            copy_json(work, work->stored, &stored->items[i]);
            is_first = false;
        }
    }
    fhs_buf_add_char(work->out, ']');
}

/* ---- objects ---- */

static void merge_hidden_value(merging *work, fhs_type type, const fhs_json *stored,
                               const fhs_json *sent, const fhs_mask_paths *paths, uint32_t depth)
{
    if (depth > FHS_LIMIT_JSON_DEPTH) {
        work->out->failed = FHIRSTORE_ERR_LIMIT;
    } else if (stored != NULL && stored->type != sent->type) {
        refuse_change(work, "an element that holds hidden ones may not become another kind");
    } else if (sent->type == FHS_JSON_ARRAY) {
        merge_list(work, type, stored, sent, paths, depth);
    } else if (sent->type == FHS_JSON_OBJECT) {
        const fhs_mask_paths own = hidden_paths_of(work, sent, paths);
        merge_object(work, type_of_item(work, sent, type), stored, sent, &own, depth);
    } else {
        copy_json(work, work->sent, sent);
    }
}

/* The tags that were sent, without the one that says that not all was shown. */
static void merge_tags(merging *work, const fhs_json *sent, bool *is_first)
{
    bool is_first_tag = true;
    for (uint32_t i = 0; i < sent->count; i++) {
        if (fhs_mask_is_subsetted(&sent->items[i])) {
            continue;
        }
        if (is_first_tag) {
            begin_member(work, is_first, FHS_LIT("tag"));
            fhs_buf_add_char(work->out, '[');
        }
        fhs_buf_add_cstr(work->out, is_first_tag ? "" : ",");
        copy_json(work, work->sent, &sent->items[i]);
        is_first_tag = false;
    }
    fhs_buf_add_cstr(work->out, is_first_tag ? "" : "]");
}

static bool is_nothing_but_subsetted(const fhs_json *tags)
{
    for (uint32_t i = 0; tags->type == FHS_JSON_ARRAY && i < tags->count; i++) {
        if (!fhs_mask_is_subsetted(&tags->items[i])) {
            return false;
        }
    }
    return tags->type == FHS_JSON_ARRAY;
}

static void merge_sent_member(merging *work, fhs_type type, const fhs_json *stored,
                              const fhs_json_member *member, const fhs_mask_paths *paths,
                              bool *is_first, uint32_t depth)
{
    const fhs_fhir *fhir = work->masks->fhir;
    const fhs_json *value = &member->value;
    const bool is_tag = type != FHS_TYPE_NONE && fhs_json_is(value, FHS_JSON_ARRAY) &&
                        fhs_str_eq(member->name, FHS_LIT("tag")) &&
                        fhs_str_eq(fhs_type_name(fhir, type), FHS_LIT("Meta"));
    fhs_mask_paths inner;
    fhs_property property = {.type = FHS_TYPE_NONE};
    if (is_hidden_member(work, type, paths, member->name, &inner)) {
        if (!fhs_mask_is_placeholder(value) && !(is_tag && is_nothing_but_subsetted(value))) {
            refuse_change(work, "the change sets an element that is hidden");
        }
        return;
    }
    if (is_tag) {
        merge_tags(work, value, is_first);
        return;
    }
    const fhs_json *old = stored == NULL ? NULL : fhs_json_get(stored, member->name);
    const bool is_known = type != FHS_TYPE_NONE &&
                          fhs_property_find(fhir, type, member->name, &property);
    const bool holds_resources = is_known &&
                                 fhs_type_get_kind(fhir, property.type) == FHS_KIND_RESOURCE;
    const bool is_meta = depth == 0 && fhs_str_eq(member->name, FHS_LIT("meta"));
    begin_member(work, is_first, member->name);
    if (inner.count > 0 || holds_resources || is_meta) {
        merge_hidden_value(work, property.type, old, value, &inner, depth + 1);
    } else {
        copy_json(work, work->sent, value);
    }
}

/* What is stored of a member that was not sent, as far as nobody was shown it. */
static void merge_stored_member(merging *work, fhs_type type, const fhs_json_member *member,
                                const fhs_json *sent, const fhs_mask_paths *paths, bool *is_first,
                                uint32_t depth)
{
    const fhs_fhir *fhir = work->masks->fhir;
    fhs_mask_paths inner;
    fhs_property property = {.type = FHS_TYPE_NONE};
    if (is_hidden_member(work, type, paths, member->name, &inner)) {
        begin_member(work, is_first, member->name);
        copy_json(work, work->stored, &member->value);
        return;
    }
    const bool is_known = type != FHS_TYPE_NONE &&
                          fhs_property_find(fhir, type, member->name, &property);
    const bool holds_resources = is_known &&
                                 fhs_type_get_kind(fhir, property.type) == FHS_KIND_RESOURCE;
    if ((inner.count == 0 && !holds_resources) ||
        (sent != NULL && fhs_json_get(sent, member->name) != NULL)) {
        return;
    }
    const size_t mark = work->out->len;
    const bool was_first = *is_first;
    begin_member(work, is_first, member->name);
    const size_t begin = work->out->len;
    if (member->value.type == FHS_JSON_ARRAY && !holds_resources) {
        merge_list(work, property.type, &member->value, NULL, &inner, depth + 1);
    } else if (member->value.type == FHS_JSON_OBJECT && !holds_resources) {
        merge_object(work, property.type, &member->value, NULL, &inner, depth + 1);
    }
    if (work->out->len <= begin + 2) { /* "{}", "[]" or nothing */
        drop_behind(work, mark);
        *is_first = was_first;
    }
}

static void merge_object(merging *work, fhs_type type, const fhs_json *stored, const fhs_json *sent,
                         const fhs_mask_paths *paths, uint32_t depth)
{
    bool is_first = true;
    if (depth > FHS_LIMIT_JSON_DEPTH) {
        work->out->failed = FHIRSTORE_ERR_LIMIT;
        return;
    }
    fhs_buf_add_char(work->out, '{');
    for (uint32_t i = 0; sent != NULL && i < sent->count && work->failed >= FHIRSTORE_OK; i++) {
        merge_sent_member(work, type, stored, &sent->members[i], paths, &is_first, depth);
    }
    for (uint32_t i = 0; stored != NULL && i < stored->count && work->failed >= FHIRSTORE_OK; i++) {
        merge_stored_member(work, type, &stored->members[i], sent, paths, &is_first, depth);
    }
    fhs_buf_add_char(work->out, '}');
}

fhirstore_status fhs_mask_merge(const fhs_masks *masks, fhs_arena *arena, fhs_str stored,
                                fhs_str sent, fhs_buf *out, fhirstore_error **err)
{
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_RESOURCE_BYTES};
    const fhs_json *old = NULL;
    const fhs_json *new = NULL;
    merging work = {masks, arena, stored, sent, out, FHIRSTORE_OK, err};
    fhirstore_status status = fhs_json_read(arena, stored, &limits, &old, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_json_read(arena, sent, &limits, &new, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!fhs_json_is(old, FHS_JSON_OBJECT) || !fhs_json_is(new, FHS_JSON_OBJECT)) {
        return fhs_fail(err, FHIRSTORE_ERR_DENIED, "only a resource takes the place of another");
    }
    const fhs_mask_paths nothing = {NULL, 0};
    const fhs_mask_paths paths = hidden_paths_of(&work, old, &nothing);
    const fhs_type type = type_of_item(&work, old, FHS_TYPE_NONE);
    if (is_collection(&work, type) && fhs_mask_is_any(masks, old)) {
        refuse_change(&work, "what holds resources with hidden elements may not be changed");
    } else {
        merge_object(&work, type, old, new, &paths, 0);
    }
    if (work.failed < FHIRSTORE_OK) {
        return work.failed;
    }
    status = fhs_buf_status(out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : status;
}

/* ---- what is kept ---- */

typedef struct comparing {
    fhs_arena *arena;
    const fhs_fhir *fhir;
    bool out_of_memory;
} comparing;

/* Whether the values at one path are the same in both; either may be NULL. */
static bool same_at(comparing *work, fhs_type type, const fhs_json *before, const fhs_json *after,
                    const fhs_mask_paths *path, uint32_t depth);

static bool member_agrees(comparing *work, fhs_type type, const fhs_json_member *member,
                          const fhs_json *other, const fhs_mask_paths *path, uint32_t depth)
{
    const fhs_json *same = fhs_json_is(other, FHS_JSON_OBJECT) ? fhs_json_get(other, member->name)
                                                               : NULL;
    bool whole;
    fhs_mask_paths inner;
    fhs_property property = {.type = FHS_TYPE_NONE};
    if (fhs_mask_select(work->arena, work->fhir, type, path, member->name, &whole, &inner) !=
        FHIRSTORE_OK) {
        work->out_of_memory = true;
        return false;
    }
    if (whole) {
        return same != NULL && fhs_json_equal(&member->value, same);
    }
    if (inner.count == 0) {
        return true;
    }
    (void)fhs_property_find(work->fhir, type, member->name, &property);
    return same_at(work, property.type, &member->value, same, &inner, depth + 1);
}

/* Each member of @a of that the path names is the same in @a other. */
static bool members_agree(comparing *work, fhs_type type, const fhs_json *of, const fhs_json *other,
                          const fhs_mask_paths *path, uint32_t depth)
{
    for (uint32_t i = 0; fhs_json_is(of, FHS_JSON_OBJECT) && i < of->count; i++) {
        if (!member_agrees(work, type, &of->members[i], other, path, depth)) {
            return false;
        }
    }
    return true;
}

static bool same_at(comparing *work, fhs_type type, const fhs_json *before, const fhs_json *after,
                    const fhs_mask_paths *path, uint32_t depth)
{
    const bool was_list = fhs_json_is(before, FHS_JSON_ARRAY);
    const bool is_list = fhs_json_is(after, FHS_JSON_ARRAY);
    if (depth > FHS_LIMIT_JSON_DEPTH) {
        return false;
    }
    if (!was_list && !is_list) {
        return members_agree(work, type, before, after, path, depth) &&
               members_agree(work, type, after, before, path, depth);
    }
    if ((!was_list && before != NULL) || (!is_list && after != NULL)) {
        return false; /* what holds something kept became another kind */
    }
    const uint32_t old_count = was_list ? before->count : 0;
    const uint32_t new_count = is_list ? after->count : 0;
    for (uint32_t i = 0; i < old_count || i < new_count; i++) {
        if (!same_at(work, type, i < old_count ? &before->items[i] : NULL,
                     i < new_count ? &after->items[i] : NULL, path, depth + 1)) {
            return false;
        }
    }
    return true;
}

fhirstore_status fhs_mask_check_kept(const fhs_mask *mask, const fhs_fhir *fhir, fhs_type type,
                                     fhs_arena *arena, const fhs_json *before,
                                     const fhs_json *after, fhirstore_error **err)
{
    const fhs_mask_paths kept = {mask->keep, mask->keep_count};
    comparing work = {arena, fhir, false};
    if (same_at(&work, type, before, after, &kept, 0)) {
        return FHIRSTORE_OK;
    }
    return work.out_of_memory ? fhs_fail_memory(err)
                              : fhs_fail(err, FHIRSTORE_ERR_DENIED,
                                         "the change touches an element that is read-only here");
}
