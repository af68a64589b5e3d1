/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Patch, RFC 6902, with the pointers of RFC 6901. */
#include <string.h>

#include "base/limits.h"
#include "patch/internal.h"

typedef enum patch_verb {
    VERB_ADD,
    VERB_REMOVE,
    VERB_REPLACE,
    VERB_MOVE,
    VERB_COPY,
    VERB_TEST,
    VERB_NONE
} patch_verb;

/* One operation under way. */
typedef struct json_operation {
    fhs_arena *arena;
    const fhs_patch *patch;
    uint32_t number;
    const fhs_json *json;
    patch_verb verb;
    fhs_str path;
    fhs_str from;
    const fhs_json *value;
    uint32_t *copied; /* nodes, by all operations so far */
} json_operation;

/* Where a pointer leads: a part of a container, there or not yet; container NULL: the root. */
typedef struct pointer_target {
    fhs_tree *container;
    uint32_t index;
    fhs_str name;
    bool exists;
    uint32_t depth; /* levels above what stands there */
} pointer_target;

static patch_verb find_verb(fhs_str name)
{
    static const fhs_str verbs[] = {FHS_LIT_INIT("add"),     FHS_LIT_INIT("remove"),
                                    FHS_LIT_INIT("replace"), FHS_LIT_INIT("move"),
                                    FHS_LIT_INIT("copy"),    FHS_LIT_INIT("test")};
    size_t i = 0;
    while (i < FHS_COUNT_OF(verbs) && !fhs_str_eq(name, verbs[i])) {
        i++;
    }
    return (patch_verb)i;
}

/* "" or "/…", where each tilde is one of "~0" and "~1". */
static bool is_pointer(fhs_str text)
{
    if (text.len > 0 && text.ptr[0] != '/') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool is_escape = text.ptr[i] == '~';
        if (is_escape &&
            (i + 1 == text.len || (text.ptr[i + 1] != '0' && text.ptr[i + 1] != '1'))) {
            return false;
        }
    }
    return true;
}

static bool points_below(fhs_str path, fhs_str above)
{
    return fhs_str_starts_with(path, above) && path.len > above.len && path.ptr[above.len] == '/';
}

/* NULL: well formed; else what is wrong. */
static const char *read_operation(json_operation *operation)
{
    fhs_str name;
    if (operation->json->type != FHS_JSON_OBJECT) {
        return "an object is expected";
    }
    if (!fhs_json_get_string(operation->json, FHS_LIT("op"), &name) ||
        (operation->verb = find_verb(name)) == VERB_NONE) {
        return "\"op\" is to be one of add, remove, replace, move, copy and test";
    }
    if (!fhs_json_get_string(operation->json, FHS_LIT("path"), &operation->path) ||
        !is_pointer(operation->path)) {
        return "\"path\" is to be a JSON Pointer";
    }
    bool needs_value = operation->verb == VERB_ADD || operation->verb == VERB_REPLACE ||
                       operation->verb == VERB_TEST;
    operation->value = fhs_json_get(operation->json, FHS_LIT("value"));
    if (needs_value && operation->value == NULL) {
        return "\"value\" is missing";
    }
    if (operation->verb != VERB_MOVE && operation->verb != VERB_COPY) {
        return NULL;
    }
    if (!fhs_json_get_string(operation->json, FHS_LIT("from"), &operation->from) ||
        !is_pointer(operation->from)) {
        return "\"from\" is to be a JSON Pointer";
    }
    return operation->verb == VERB_MOVE && points_below(operation->path, operation->from)
               ? "nothing can be moved into itself"
               : NULL;
}

fhirstore_status fhs_json_patch_check(const fhs_patch *patch, fhirstore_error **err)
{
    if (patch->root->type != FHS_JSON_ARRAY) {
        return fhs_fail(err, FHIRSTORE_ERR_PATCH_DOCUMENT,
                        "a JSON Patch is an array of operations");
    }
    for (uint32_t i = 0; i < patch->root->count; i++) {
        json_operation operation = {.json = &patch->root->items[i]};
        const char *wrong = read_operation(&operation);
        if (wrong != NULL) {
            return fhs_patch_fail(patch, i + 1, operation.json, FHIRSTORE_ERR_PATCH_DOCUMENT, wrong,
                                  err);
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status refuse_operation(const json_operation *operation, const char *why,
                                         fhirstore_error **err)
{
    return fhs_patch_fail(operation->patch, operation->number, operation->json, FHIRSTORE_ERR_PATCH,
                          why, err);
}

static fhirstore_status no_such_place(const json_operation *operation, fhirstore_error **err)
{
    return refuse_operation(operation, "the path leads nowhere", err);
}

/* The token between slashes with its escapes resolved. */
static bool decode_token(fhs_arena *arena, fhs_str token, fhs_str *out)
{
    size_t len = 0;
    *out = token;
    if (fhs_str_find_char(token, '~', 0) == token.len) {
        return true;
    }
    char *text = fhs_arena_alloc(arena, token.len);
    for (size_t i = 0; text != NULL && i < token.len; i++) {
        bool is_escape = token.ptr[i] == '~';
        text[len++] = !is_escape ? token.ptr[i] : token.ptr[i + 1] == '0' ? '~' : '/';
        i += is_escape;
    }
    *out = fhs_str_of(text, len);
    return text != NULL;
}

/* An array index: digits without leading zeros; "-" is the place behind the last item. */
static bool read_index(fhs_str token, uint32_t count, uint32_t *index_out)
{
    uint64_t index;
    if (fhs_str_eq(token, FHS_LIT("-"))) {
        *index_out = count;
        return true;
    }
    bool has_zero = token.len > 1 && token.ptr[0] == '0';
    if (has_zero || !fhs_str_to_u64(token, count, &index)) {
        return false;
    }
    *index_out = (uint32_t)index;
    return true;
}

/* The part of @a container that @a token names. False: there is no such place. */
static bool aim(fhs_tree *container, fhs_str token, pointer_target *target)
{
    target->container = container;
    target->name = FHS_STR_NONE;
    if (container->type == FHS_JSON_OBJECT) {
        target->name = token;
        target->index = fhs_tree_find(container, token);
    } else if (!read_index(token, container->count, &target->index)) {
        return false;
    }
    target->exists = target->index < container->count;
    return true;
}

/* Follow @a pointer; all but its last step must be there. */
static fhirstore_status follow_pointer(const json_operation *operation, fhs_tree *root,
                                       fhs_str pointer, pointer_target *target,
                                       fhirstore_error **err)
{
    fhs_tree *at = root;
    *target = (pointer_target){.exists = true};
    while (pointer.len > 0) {
        fhs_str token;
        size_t end = fhs_str_find_char(pointer, '/', 1);
        if (!target->exists || !fhs_tree_is_container(at)) {
            return no_such_place(operation, err);
        }
        if (!fhs_tree_open(operation->arena, at) ||
            !decode_token(operation->arena, fhs_str_of(pointer.ptr + 1, end - 1), &token)) {
            return fhs_fail_memory(err);
        }
        if (!aim(at, token, target)) {
            return no_such_place(operation, err);
        }
        target->depth++;
        at = target->exists ? at->parts[target->index].value : at;
        pointer = fhs_str_from(pointer, end);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status follow_to_value(const json_operation *operation, fhs_tree *root,
                                        fhs_str pointer, pointer_target *target,
                                        fhirstore_error **err)
{
    fhirstore_status status = follow_pointer(operation, root, pointer, target, err);
    return status >= FHIRSTORE_OK && !target->exists ? no_such_place(operation, err) : status;
}

static fhs_tree *value_at(fhs_tree *root, const pointer_target *target)
{
    return target->container == NULL ? root : target->container->parts[target->index].value;
}

static fhirstore_status check_depth(const json_operation *operation, const pointer_target *target,
                                    const fhs_tree *value, fhirstore_error **err)
{
    if (target->depth + fhs_tree_height(value) > FHS_LIMIT_JSON_DEPTH) {
        return refuse_operation(operation, "the result would exceed FHS_LIMIT_JSON_DEPTH", err);
    }
    return FHIRSTORE_OK;
}

/* Add or replace: an item is put before the one that stands there, a member takes its place. */
static fhirstore_status put(const json_operation *operation, fhs_tree **root, bool is_replacement,
                            fhs_tree *value, fhirstore_error **err)
{
    pointer_target target;
    fhirstore_status status = is_replacement
                                  ? follow_to_value(operation, *root, operation->path, &target, err)
                                  : follow_pointer(operation, *root, operation->path, &target, err);
    if (status >= FHIRSTORE_OK) {
        status = value == NULL ? fhs_fail_memory(err) : check_depth(operation, &target, value, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (target.container == NULL) {
        *root = value;
    } else if (target.exists && (is_replacement || target.container->type == FHS_JSON_OBJECT)) {
        target.container->parts[target.index].value = value;
    } else if (!fhs_tree_insert(operation->arena, target.container, target.index, target.name,
                                value)) {
        return fhs_fail_memory(err);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status cut_out(const json_operation *operation, fhs_tree **root, fhs_str pointer,
                                fhs_tree **value_out, fhirstore_error **err)
{
    pointer_target target;
    fhirstore_status status = follow_to_value(operation, *root, pointer, &target, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    *value_out = value_at(*root, &target);
    if (target.container == NULL) {
        *root = fhs_tree_new_null(operation->arena);
        return *root == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    fhs_tree_remove(target.container, target.index);
    return FHIRSTORE_OK;
}

static fhirstore_status test_value(const json_operation *operation, fhs_tree *root,
                                   fhs_tree *wanted, fhirstore_error **err)
{
    pointer_target target;
    bool no_memory = false;
    fhirstore_status status = follow_to_value(operation, root, operation->path, &target, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    bool same = wanted != NULL &&
                fhs_tree_equal(operation->arena, value_at(root, &target), wanted, &no_memory);
    if (wanted == NULL || no_memory) {
        return fhs_fail_memory(err);
    }
    return same ? FHIRSTORE_OK : refuse_operation(operation, "the test found something else", err);
}

static fhirstore_status move_value(const json_operation *operation, fhs_tree **root,
                                   fhirstore_error **err)
{
    pointer_target target;
    fhs_tree *value = NULL;
    if (fhs_str_eq(operation->from, operation->path)) {
        return follow_to_value(operation, *root, operation->from, &target, err);
    }
    fhirstore_status status = cut_out(operation, root, operation->from, &value, err);
    return status < FHIRSTORE_OK ? status : put(operation, root, false, value, err);
}

static fhirstore_status copy_value(const json_operation *operation, fhs_tree **root,
                                   fhirstore_error **err)
{
    pointer_target target;
    fhirstore_status status = follow_to_value(operation, *root, operation->from, &target, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_tree *value = value_at(*root, &target);
    uint32_t count = fhs_tree_count(value);
    if (count > FHS_LIMIT_PATCH_NODES - *operation->copied) {
        return fhs_patch_fail(operation->patch, operation->number, operation->json,
                              FHIRSTORE_ERR_LIMIT, "the patch exceeds FHS_LIMIT_PATCH_NODES", err);
    }
    *operation->copied += count;
    return put(operation, root, false, fhs_tree_copy(operation->arena, value), err);
}

static fhirstore_status apply_operation(const json_operation *operation, fhs_tree **root,
                                        fhirstore_error **err)
{
    fhs_tree *value = NULL;
    if (operation->value != NULL) {
        value = fhs_tree_of(operation->arena, operation->value, operation->patch->text);
        if (value == NULL) {
            return fhs_fail_memory(err);
        }
    }
    switch (operation->verb) {
    case VERB_ADD:
    case VERB_REPLACE:
        return put(operation, root, operation->verb == VERB_REPLACE, value, err);
    case VERB_REMOVE:
        return cut_out(operation, root, operation->path, &value, err);
    case VERB_MOVE:
        return move_value(operation, root, err);
    case VERB_COPY:
        return copy_value(operation, root, err);
    case VERB_TEST:
        return test_value(operation, *root, value, err);
    case VERB_NONE:
        break;
    }
    return fhs_fail_plain(err, FHIRSTORE_ERR_INTERNAL);
}

fhirstore_status fhs_json_patch_apply(fhs_arena *arena, const fhs_patch *patch, fhs_tree **root,
                                      fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    uint32_t copied = 0;
    for (uint32_t i = 0; status >= FHIRSTORE_OK && i < patch->root->count; i++) {
        json_operation operation = {.copied = &copied,
                                    .arena = arena,
                                    .patch = patch,
                                    .number = i + 1,
                                    .json = &patch->root->items[i]};
        (void)read_operation(&operation);
        status = apply_operation(&operation, root, err);
    }
    return status;
}
