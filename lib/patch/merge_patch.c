/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Merge Patch, RFC 7396: null removes, objects merge, anything else replaces. */
#include "patch/internal.h"

typedef struct merging {
    fhs_arena *arena;
    fhs_str text;
} merging;

static fhs_tree *merge_value(const merging *work, fhs_tree *old, const fhs_json *patch);

static bool merge_member(const merging *work, fhs_tree *object, const fhs_json_member *member)
{
    uint32_t index = fhs_tree_find(object, member->name);
    bool exists = index < object->count;
    if (member->value.type == FHS_JSON_NULL) {
        if (exists) {
            fhs_tree_remove(object, index);
        }
        return true;
    }
    fhs_tree *value = merge_value(work, exists ? object->parts[index].value : NULL, &member->value);
    if (value == NULL) {
        return false;
    }
    if (exists) {
        object->parts[index].value = value;
        return true;
    }
    return fhs_tree_insert(work->arena, object, index, member->name, value);
}

/* Depth is that of the patch, which came through the reader. */
static fhs_tree *merge_value(const merging *work, fhs_tree *old, const fhs_json *patch)
{
    if (patch->type != FHS_JSON_OBJECT) {
        return fhs_tree_of(work->arena, patch, work->text);
    }
    if (old == NULL || old->type != FHS_JSON_OBJECT) {
        old = fhs_tree_new(work->arena, FHS_JSON_OBJECT);
    }
    if (old == NULL || !fhs_tree_open(work->arena, old)) {
        return NULL;
    }
    for (uint32_t i = 0; i < patch->count; i++) {
        if (!merge_member(work, old, &patch->members[i])) {
            return NULL;
        }
    }
    return old;
}

fhirstore_status fhs_merge_patch_apply(fhs_arena *arena, const fhs_patch *patch, fhs_tree **root,
                                       fhirstore_error **err)
{
    const merging work = {arena, patch->text};
    *root = merge_value(&work, *root, patch->root);
    return *root == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
}
