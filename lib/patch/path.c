/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain paths ("Patient.contact[0].name") are walked in the draft itself; for all others the draft
 * is written, read again and given to FHIRPath, and what that finds is looked up by its place.
 */
#include "patch/path.h"

#include "base/limits.h"

static fhirstore_status read_draft(fhs_draft *draft, fhs_str text, fhirstore_error **err)
{
    fhs_arena *arena = &draft->arenas[draft->turn];
    fhirstore_status status = fhs_json_read(arena, text, NULL, &draft->json, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    draft->editor.arena = arena;
    draft->is_changed = false;
    draft->root = fhs_tree_of(arena, draft->json, text);
    return draft->root == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

fhirstore_status fhs_draft_open(fhs_draft *draft, const fhs_fhir *fhir, fhs_str text,
                                fhirstore_error **err)
{
    *draft = (fhs_draft){.editor = {.fhir = fhir}};
    for (size_t i = 0; i < 2; i++) {
        fhs_arena_init(&draft->arenas[i], (size_t)2 * FHS_LIMIT_RESOURCE_BYTES);
        fhs_buf_init(&draft->texts[i], FHS_LIMIT_RESOURCE_BYTES);
    }
    return read_draft(draft, text, err);
}

void fhs_draft_close(fhs_draft *draft)
{
    for (size_t i = 0; i < 2; i++) {
        fhs_arena_clear(&draft->arenas[i]);
        fhs_buf_clear(&draft->texts[i]);
    }
    fhs_fhirpath_run_free(draft->run);
}

/* The draft as a tree of what it is now. */
static fhirstore_status refresh_draft(fhs_draft *draft, fhirstore_error **err)
{
    if (!draft->is_changed) {
        return FHIRSTORE_OK;
    }
    unsigned next = 1 - draft->turn;
    fhs_buf_reset(&draft->texts[next]);
    fhs_tree_write(draft->root, &draft->texts[next]);
    fhirstore_status status = fhs_buf_status(&draft->texts[next]);
    if (status < FHIRSTORE_OK) {
        return fhs_fail_plain(err, status);
    }
    fhs_arena_reset(&draft->arenas[next]);
    draft->turn = next;
    return read_draft(draft, fhs_buf_str(&draft->texts[next]), err);
}

/* ---- plain paths ---- */

typedef enum walk_end {
    WALK_FOUND,
    WALK_NOTHING,
    WALK_UNSURE, /* FHIRPath is to say */
    WALK_NO_MEMORY
} walk_end;

static bool is_path_char(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (!is_first && c >= '0' && c <= '9');
}

/* Cut "name" or "name[3]" and the dot behind it from *path. False: something else stands there. */
static bool cut_segment(fhs_str *path, fhs_str *name, bool *has_index, uint64_t *index)
{
    size_t at = 0;
    while (at < path->len && is_path_char(path->ptr[at], at == 0)) {
        at++;
    }
    *name = fhs_str_of(path->ptr, at);
    *has_index = at < path->len && path->ptr[at] == '[';
    if (*has_index) {
        size_t end = fhs_str_find_char(*path, ']', at);
        if (end == path->len ||
            !fhs_str_to_u64(fhs_str_of(path->ptr + at + 1, end - at - 1), UINT32_MAX, index)) {
            return false;
        }
        at = end + 1;
    }
    bool is_last = at == path->len;
    if (name->len == 0 || (!is_last && (path->ptr[at] != '.' || at + 1 == path->len))) {
        return false;
    }
    *path = is_last ? FHS_STR_NONE : fhs_str_from(*path, at + 1);
    return true;
}

/* The member that holds element @a name of an object; *found_out false: none does. */
static walk_end find_element(const fhs_draft *draft, const fhs_tree *object, fhs_type type,
                             fhs_str name, uint32_t *index_out)
{
    const fhs_fhir *fhir = draft->editor.fhir;
    walk_end end = WALK_NOTHING;
    for (uint32_t i = 0; i < object->count; i++) {
        fhs_str member = object->parts[i].name;
        fhs_property property;
        bool is_beside = member.len > 1 && member.ptr[0] == '_';
        fhs_str plain = is_beside ? fhs_str_from(member, 1) : member;
        bool is_it = fhs_str_eq(plain, name);
        if (!is_it && plain.len > name.len && fhs_str_starts_with(plain, name) &&
            fhs_property_find(fhir, type, plain, &property) &&
            (property.flags & FHS_ELEMENT_CHOICE) != 0) {
            is_it = fhs_str_eq(fhs_element_at(fhir, property.owner, property.element).name, name);
        }
        if (!is_it) {
            continue;
        }
        if (is_beside) {
            /* Only where the value itself is not there: that is for FHIRPath. */
            end = end == WALK_FOUND ? WALK_FOUND : WALK_UNSURE;
        } else {
            *index_out = i;
            end = WALK_FOUND;
        }
    }
    return end;
}

/* Into the list that the place leads to. */
static walk_end pick_item(const fhs_draft *draft, fhs_found *found, bool has_index, uint64_t index,
                          bool is_last)
{
    fhs_tree *list = fhs_spot_node(&found->place);
    if (!fhs_tree_open(draft->editor.arena, list)) {
        return WALK_NO_MEMORY;
    }
    if (list->count == 0 || (has_index && index >= list->count)) {
        return WALK_NOTHING;
    }
    if (!has_index && !is_last && list->count > 1) {
        return WALK_UNSURE;
    }
    found->count = has_index ? 1 : list->count;
    found->is_one_list = true;
    return fhs_spot_step(&draft->editor, &found->place, has_index ? (uint32_t)index : 0)
               ? WALK_FOUND
               : WALK_UNSURE;
}

static walk_end walk_segment(const fhs_draft *draft, fhs_found *found, fhs_str name, bool has_index,
                             uint64_t index, bool is_last)
{
    fhs_tree *object = fhs_spot_node(&found->place);
    fhs_type type = fhs_spot_type(&draft->editor, &found->place);
    uint32_t member = 0;
    if (object->type != FHS_JSON_OBJECT || type == FHS_TYPE_NONE) {
        return WALK_UNSURE;
    }
    if (!fhs_tree_open(draft->editor.arena, object)) {
        return WALK_NO_MEMORY;
    }
    walk_end end = find_element(draft, object, type, name, &member);
    if (end != WALK_FOUND) {
        /* A name that is no element is an error, which FHIRPath tells. */
        return WALK_UNSURE;
    }
    if (!fhs_spot_step(&draft->editor, &found->place, member)) {
        return WALK_UNSURE;
    }
    found->count = 1;
    found->is_one_list = false;
    fhs_tree *value = fhs_spot_node(&found->place);
    if (value->type == FHS_JSON_ARRAY) {
        end = pick_item(draft, found, has_index, index, is_last);
    } else if (has_index && index > 0) {
        end = WALK_NOTHING;
    }
    if (end == WALK_FOUND && fhs_spot_node(&found->place)->type == FHS_JSON_NULL) {
        return WALK_UNSURE;
    }
    return end;
}

static walk_end walk_plain(const fhs_draft *draft, fhs_str path, fhs_found *found)
{
    fhs_str name;
    bool has_index;
    uint64_t index = 0;
    fhs_spot_start(&draft->editor, draft->root, &found->place);
    found->count = 1;
    found->is_one_list = false;
    fhs_type type = found->place.root_type;
    if (type == FHS_TYPE_NONE) {
        return WALK_UNSURE;
    }
    fhs_str root_name = fhs_type_name(draft->editor.fhir, type);
    if (fhs_str_eq(path, root_name)) {
        return WALK_FOUND;
    }
    if (fhs_str_starts_with(path, root_name) && path.len > root_name.len + 1 &&
        path.ptr[root_name.len] == '.') {
        path = fhs_str_from(path, root_name.len + 1);
    }
    walk_end end = WALK_FOUND;
    while (end == WALK_FOUND && path.len > 0) {
        end = cut_segment(&path, &name, &has_index, &index)
                  ? walk_segment(draft, found, name, has_index, index, path.len == 0)
                  : WALK_UNSURE;
    }
    if (end == WALK_NOTHING) {
        found->count = 0;
    }
    return end;
}

/* ---- FHIRPath ---- */

/* The way to a value of the tree that the draft was read as; false: it is none. */
static bool locate(const fhs_draft *draft, const fhs_json *wanted, fhs_spot *place, bool *no_memory)
{
    fhs_spot_start(&draft->editor, draft->root, place);
    for (;;) {
        fhs_tree *at = fhs_spot_node(place);
        uint32_t i = 0;
        if (at->json == wanted) {
            return true;
        }
        if (!fhs_tree_open(draft->editor.arena, at)) {
            *no_memory = true;
            return false;
        }
        while (i < at->count && (at->parts[i].value->json->begin > wanted->begin ||
                                 at->parts[i].value->json->end < wanted->end)) {
            i++;
        }
        if (!fhs_tree_is_container(at) || i == at->count ||
            !fhs_spot_step(&draft->editor, place, i)) {
            return false;
        }
    }
}

static fhirstore_status locate_items(const fhs_draft *draft, const fhs_fp_item *items, size_t count,
                                     fhs_found *out, fhirstore_error **err)
{
    const fhs_json *list = NULL;
    out->count = (uint32_t)count;
    out->is_one_list = false;
    for (size_t i = 0; i < count; i++) {
        const fhs_json *wanted = items[i].kind != FHS_ITEM_NODE ? NULL
                                 : items[i].node.json != NULL   ? items[i].node.json
                                                                : items[i].node.sibling;
        bool no_memory = false;
        if (wanted == NULL || (i == 0 && !locate(draft, wanted, &out->place, &no_memory))) {
            return no_memory ? fhs_fail_memory(err)
                             : fhs_fail(err, FHIRSTORE_ERR_PATCH,
                                        "the path names something that is no element of the "
                                        "resource");
        }
        if (i == 0) {
            out->is_one_list = fhs_spot_is_item(&out->place);
            list = out->is_one_list ? out->place.steps[out->place.depth - 1].container->json : NULL;
        }
        out->is_one_list = list != NULL && out->is_one_list && wanted->begin >= list->begin &&
                           wanted->end <= list->end;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status evaluate_path(fhs_draft *draft, fhs_str path, fhs_found *out,
                                      fhirstore_error **err)
{
    fhs_fhirpath *compiled = NULL;
    const fhs_fp_item *items = NULL;
    size_t count = 0;
    const fhs_fhirpath_options options = {.fhir = draft->editor.fhir,
                                          .context_type = FHS_TYPE_NONE};
    fhirstore_status status = refresh_draft(draft, err);
    if (status >= FHIRSTORE_OK && draft->run == NULL) {
        draft->run = fhs_fhirpath_run_new(0);
        status = draft->run == NULL ? fhs_fail_memory(err) : status;
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_fhirpath_compile(&options, path, &compiled, err);
    }
    if (status >= FHIRSTORE_OK) {
        const fhs_fhirpath_input input = {.resource = draft->json};
        status = fhs_fhirpath_evaluate(compiled, draft->run, &input, &items, &count, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = locate_items(draft, items, count, out, err);
    }
    fhs_fhirpath_free(compiled);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

fhirstore_status fhs_draft_find(fhs_draft *draft, fhs_str path, fhs_found *out,
                                fhirstore_error **err)
{
    switch (walk_plain(draft, path, out)) {
    case WALK_FOUND:
    case WALK_NOTHING:
        return FHIRSTORE_OK;
    case WALK_NO_MEMORY:
        return fhs_fail_memory(err);
    case WALK_UNSURE:
        break;
    }
    return evaluate_path(draft, path, out, err);
}
