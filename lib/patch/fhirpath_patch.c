/* SPDX-License-Identifier: Apache-2.0 */
/* FHIRPath Patch: reading its operations, and carrying them out one after the other. */
#include "base/limits.h"
#include "patch/path.h"

typedef enum fp_verb {
    FP_ADD,
    FP_INSERT,
    FP_DELETE,
    FP_REPLACE,
    FP_MOVE,
    FP_NONE
} fp_verb;

typedef struct fhs_fp_operation {
    const fhs_json *json;
    const fhs_json *value; /* the parameter called so */
    fp_verb verb;
    fhs_str path;
    fhs_str name;
    int64_t index; /* below 0: not given */
    int64_t source;
    int64_t destination;
} fhs_fp_operation;

static fp_verb find_fp_verb(fhs_str name)
{
    static const fhs_str verbs[] = {FHS_LIT_INIT("add"), FHS_LIT_INIT("insert"),
                                    FHS_LIT_INIT("delete"), FHS_LIT_INIT("replace"),
                                    FHS_LIT_INIT("move")};
    size_t i = 0;
    while (i < FHS_COUNT_OF(verbs) && !fhs_str_eq(name, verbs[i])) {
        i++;
    }
    return (fp_verb)i;
}

/* The primitive value of a part, whatever its type. */
static const fhs_json *part_value(const fhs_json *part, fhs_json_type type)
{
    for (uint32_t i = 0; i < part->count; i++) {
        const fhs_json_member *member = &part->members[i];
        if (fhs_str_starts_with(member->name, FHS_LIT("value")) && member->value.type == type) {
            return &member->value;
        }
    }
    return NULL;
}

static bool read_part_text(const fhs_json *part, fhs_str *out)
{
    const fhs_json *value = part_value(part, FHS_JSON_STRING);
    *out = value == NULL ? FHS_STR_NONE : value->text;
    return out->len > 0;
}

static bool read_part_number(const fhs_json *part, int64_t *out)
{
    const fhs_json *value = part_value(part, FHS_JSON_NUMBER);
    uint64_t number;
    if (value == NULL || !fhs_str_to_u64(value->text, INT32_MAX, &number)) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

static const char *read_part(fhs_fp_operation *operation, const fhs_json *part)
{
    fhs_str name;
    fhs_str type;
    if (part->type != FHS_JSON_OBJECT || !fhs_json_get_string(part, FHS_LIT("name"), &name)) {
        return "a part is to be an object with a name";
    }
    if (fhs_str_eq(name, FHS_LIT("type"))) {
        operation->verb = read_part_text(part, &type) ? find_fp_verb(type) : FP_NONE;
        return operation->verb == FP_NONE
                   ? "\"type\" is to be one of add, insert, delete, replace and move"
                   : NULL;
    }
    if (fhs_str_eq(name, FHS_LIT("path"))) {
        return read_part_text(part, &operation->path) ? NULL : "\"path\" is to be a FHIRPath";
    }
    if (fhs_str_eq(name, FHS_LIT("name"))) {
        return read_part_text(part, &operation->name) ? NULL
                                                      : "\"name\" is to be an element's name";
    }
    if (fhs_str_eq(name, FHS_LIT("value"))) {
        operation->value = part;
        return NULL;
    }
    int64_t *number = fhs_str_eq(name, FHS_LIT("index"))         ? &operation->index
                      : fhs_str_eq(name, FHS_LIT("source"))      ? &operation->source
                      : fhs_str_eq(name, FHS_LIT("destination")) ? &operation->destination
                                                                 : NULL;
    return number == NULL || read_part_number(part, number)
               ? NULL
               : "index, source and destination are to be integers, 0 or more";
}

static const char *check_completeness(const fhs_fp_operation *operation)
{
    if (operation->path.len == 0) {
        return "\"path\" is missing";
    }
    switch (operation->verb) {
    case FP_ADD:
        return operation->name.len > 0 && operation->value != NULL ? NULL
                                                                   : "add needs name and value";
    case FP_INSERT:
        return operation->index >= 0 && operation->value != NULL ? NULL
                                                                 : "insert needs index and value";
    case FP_REPLACE:
        return operation->value != NULL ? NULL : "replace needs a value";
    case FP_MOVE:
        return operation->source >= 0 && operation->destination >= 0
                   ? NULL
                   : "move needs source and destination";
    case FP_DELETE:
        return NULL;
    case FP_NONE:
        break;
    }
    return "\"type\" is missing";
}

static const char *read_fp_operation(const fhs_json *json, fhs_fp_operation *out)
{
    fhs_str name;
    const char *wrong = NULL;
    *out = (fhs_fp_operation){
        .json = json, .verb = FP_NONE, .index = -1, .source = -1, .destination = -1};
    if (json->type != FHS_JSON_OBJECT || !fhs_json_get_string(json, FHS_LIT("name"), &name) ||
        !fhs_str_eq(name, FHS_LIT("operation"))) {
        return "a parameter called \"operation\" is expected";
    }
    const fhs_json *parts = fhs_json_get(json, FHS_LIT("part"));
    if (!fhs_json_is(parts, FHS_JSON_ARRAY)) {
        return "\"part\" is missing";
    }
    for (uint32_t i = 0; wrong == NULL && i < parts->count; i++) {
        wrong = read_part(out, &parts->items[i]);
    }
    return wrong != NULL ? wrong : check_completeness(out);
}

/* Where in the Parameters an error belongs. */
static void name_operation(uint32_t number, fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_buf_addf(&text, "Parameters.parameter[%u]", number - 1);
    if (fhs_buf_status(&text) >= FHIRSTORE_OK) {
        fhs_error_expression(err, fhs_buf_str(&text));
    }
    fhs_buf_clear(&text);
}

static fhirstore_status refuse_fp_operation(const fhs_patch *patch, uint32_t number,
                                            const fhs_json *json, fhirstore_status status,
                                            const char *why, fhirstore_error **err)
{
    (void)fhs_patch_fail(patch, number, json, status, why, err);
    name_operation(number, err);
    return status;
}

fhirstore_status fhs_fp_patch_check(fhs_arena *arena, fhs_patch *patch, fhirstore_error **err)
{
    fhs_str name = FHS_STR_NONE;
    const fhs_json *list = fhs_json_get(patch->root, FHS_LIT("parameter"));
    if (patch->root->type != FHS_JSON_OBJECT ||
        !fhs_json_get_string(patch->root, FHS_LIT("resourceType"), &name) ||
        !fhs_str_eq(name, FHS_LIT("Parameters"))) {
        return fhs_fail(err, FHIRSTORE_ERR_PATCH_DOCUMENT,
                        "a FHIRPath Patch is a Parameters resource");
    }
    if (list != NULL && list->type != FHS_JSON_ARRAY) {
        return fhs_fail(err, FHIRSTORE_ERR_PATCH_DOCUMENT, "\"parameter\" is to be a list");
    }
    patch->count = list == NULL ? 0 : list->count;
    fhs_fp_operation *operations = fhs_arena_calloc(arena, patch->count + 1u, sizeof *operations);
    if (operations == NULL) {
        return fhs_fail_memory(err);
    }
    patch->operations = operations;
    for (uint32_t i = 0; i < patch->count; i++) {
        const char *wrong = read_fp_operation(&list->items[i], &operations[i]);
        if (wrong != NULL) {
            return refuse_fp_operation(patch, i + 1, &list->items[i], FHIRSTORE_ERR_PATCH_DOCUMENT,
                                       wrong, err);
        }
    }
    return FHIRSTORE_OK;
}

/* ---- carrying out ---- */

/* Insert into a list that is not there yet: "X.name" where X is. */
static fhirstore_status insert_first(fhs_draft *draft, const fhs_fp_operation *operation,
                                     const fhs_new_value *value, fhs_found *found, const char **why,
                                     bool *no_memory, fhirstore_error **err)
{
    size_t dot = operation->path.len;
    while (dot > 0 && operation->path.ptr[dot - 1] != '.') {
        dot--;
    }
    *why = "the path finds no list";
    if (dot < 2 || fhs_str_find_char(operation->path, ')', dot) < operation->path.len) {
        return FHIRSTORE_OK;
    }
    if (operation->index > 0) {
        *why = "the index is greater than the number of elements";
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_draft_find(draft, fhs_str_of(operation->path.ptr, dot - 1), found,
                                             err);
    if (status >= FHIRSTORE_OK && found->count == 1) {
        *why = fhs_element_add(&draft->editor, &found->place, fhs_str_from(operation->path, dot),
                               value, no_memory);
    }
    return status;
}

static const char *change_found(const fhs_draft *draft, const fhs_fp_operation *operation,
                                const fhs_found *found, const fhs_new_value *value, bool *no_memory)
{
    const fhs_editor *editor = &draft->editor;
    bool is_of_list = operation->verb == FP_INSERT || operation->verb == FP_MOVE;
    if (found->count == 0) {
        return operation->verb == FP_DELETE ? NULL : "the path finds nothing";
    }
    if (is_of_list && !found->is_one_list) {
        return "the path is to be that of one list";
    }
    if (!is_of_list && found->count > 1) {
        return "the path finds more than one element";
    }
    switch (operation->verb) {
    case FP_ADD:
        return fhs_element_add(editor, &found->place, operation->name, value, no_memory);
    case FP_INSERT:
        return fhs_element_insert(editor, &found->place, (uint32_t)operation->index, value,
                                  no_memory);
    case FP_DELETE:
        return fhs_element_delete(editor, &found->place, no_memory);
    case FP_REPLACE:
        return fhs_element_replace(editor, &found->place, value, no_memory);
    case FP_MOVE:
        return fhs_element_move(editor, &found->place, (uint32_t)operation->source,
                                (uint32_t)operation->destination, no_memory);
    case FP_NONE:
        break;
    }
    return "the operation is not known";
}

/* @a found is the caller's: it is large. */
static fhirstore_status run_fp_operation(fhs_draft *draft, const fhs_patch *patch, uint32_t number,
                                         fhs_found *found, fhirstore_error **err)
{
    const fhs_fp_operation *operation = &patch->operations[number - 1];
    fhs_new_value value = {.value = NULL};
    const char *why = NULL;
    bool no_memory = false;
    fhirstore_status status = fhs_draft_find(draft, operation->path, found, err);
    if (status >= FHIRSTORE_OK && operation->value != NULL) {
        why = fhs_new_value_read(&draft->editor, operation->value, patch->text, &value, &no_memory);
    }
    if (status >= FHIRSTORE_OK && why == NULL) {
        if (operation->verb == FP_INSERT && found->count == 0) {
            status = insert_first(draft, operation, &value, found, &why, &no_memory, err);
        } else {
            why = change_found(draft, operation, found, &value, &no_memory);
        }
        draft->is_changed = true;
    }
    if (no_memory) {
        return fhs_fail_memory(err);
    }
    if (status < FHIRSTORE_OK) {
        name_operation(number, err);
        return status;
    }
    return why == NULL
               ? FHIRSTORE_OK
               : refuse_fp_operation(patch, number, operation->json, FHIRSTORE_ERR_PATCH, why, err);
}

fhirstore_status fhs_fp_patch_apply(fhs_arena *arena, const fhs_fhir *fhir, const fhs_patch *patch,
                                    fhs_str text, fhs_buf *out, fhirstore_error **err)
{
    fhs_draft draft;
    fhs_found *found = fhs_arena_alloc(arena, sizeof *found);
    if (found == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = fhs_draft_open(&draft, fhir, text, err);
    for (uint32_t i = 0; status >= FHIRSTORE_OK && i < patch->count; i++) {
        status = run_fp_operation(&draft, patch, i + 1, found, err);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_tree_write(draft.root, out);
        status = fhs_buf_status(out);
        if (status < FHIRSTORE_OK) {
            (void)fhs_fail_plain(err, status);
        }
    }
    fhs_draft_close(&draft);
    return status;
}
