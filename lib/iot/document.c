/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/document.h"

#include "base/limits.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

/* ---- what people write into mappings, made plain JSON of the same length ---- */

static size_t end_of_string(const char *text, size_t len, size_t at)
{
    for (at++; at < len && text[at] != '"'; at++) {
        at += text[at] == '\\';
    }
    return at < len ? at + 1 : len;
}

static size_t end_of_comment(const char *text, size_t len, size_t at)
{
    bool is_line = text[at + 1] == '/';
    for (at += 2; at < len; at++) {
        if (is_line ? text[at] == '\n' : text[at] == '*' && at + 1 < len && text[at + 1] == '/') {
            return is_line ? at : at + 2;
        }
    }
    return len;
}

static void blank_out(char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (text[i] != '\n' && text[i] != '\r') {
            text[i] = ' ';
        }
    }
}

static bool is_blank_byte(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Comments and commas before a closing bracket become blanks, so every place stays where it was. */
static void make_plain(char *text, size_t len)
{
    size_t comma = len; /* the last byte that counted was this comma */
    for (size_t at = 0; at < len;) {
        char c = text[at];
        if (c == '/' && at + 1 < len && (text[at + 1] == '/' || text[at + 1] == '*')) {
            size_t end = end_of_comment(text, len, at);
            blank_out(text, at, end);
            at = end;
            continue;
        }
        if ((c == ']' || c == '}') && comma < len) {
            text[comma] = ' ';
        }
        if (!is_blank_byte(c)) {
            comma = c == ',' ? at : len;
        }
        at = c == '"' ? end_of_string(text, len, at) : at + 1;
    }
}

static bool index_lines(fhs_iot_document *document)
{
    uint32_t count = 1;
    for (size_t i = 0; i < document->text.len; i++) {
        count += document->text.ptr[i] == '\n';
    }
    uint32_t *starts = fhs_arena_calloc(document->arena, count, sizeof *starts);
    if (starts == NULL) {
        return false;
    }
    uint32_t line = 1;
    for (size_t i = 0; i < document->text.len; i++) {
        if (document->text.ptr[i] == '\n') {
            starts[line++] = (uint32_t)i + 1;
        }
    }
    document->line_starts = starts;
    document->line_count = count;
    return true;
}

static void fault_of_reading(fhs_iot_document *document, const fhirstore_error *why)
{
    fhirstore_location location = fhs_error_location(why);
    fhs_iot_fault *fault = fhs_iot_fault_add(document->faults, FHS_IOT_INVALID_TEMPLATE,
                                             "the mapping is not JSON: %s", fhs_error_message(why));
    if (fault != NULL) {
        fault->line = location.line;
        fault->column = location.column;
    }
}

fhirstore_status fhs_iot_document_read(fhs_arena *arena, fhs_str text, fhs_iot_faults *faults,
                                       fhs_iot_document *out, fhirstore_error **err)
{
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_IOT_MAPPING_BYTES};
    *out = (fhs_iot_document){.arena = arena, .faults = faults};
    if (fhs_str_starts_with(text, FHS_LIT(BYTE_ORDER_MARK))) {
        text = fhs_str_from(text, sizeof BYTE_ORDER_MARK - 1);
    }
    if (text.len > FHS_LIMIT_IOT_MAPPING_BYTES) {
        (void)fhs_iot_fault_add(faults, FHS_IOT_LIMIT_REACHED,
                                "the mapping is larger than FHS_LIMIT_IOT_MAPPING_BYTES");
        return faults->no_memory ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    char *copy = fhs_arena_alloc(arena, text.len + 1);
    if (copy == NULL) {
        return fhs_fail_memory(err);
    }
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    make_plain(copy, text.len);
    out->text = fhs_str_of(copy, text.len);
    if (!index_lines(out)) {
        return fhs_fail_memory(err);
    }
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_json_read(arena, out->text, &limits, &out->root, &why);
    if (status < FHIRSTORE_OK && status != FHIRSTORE_ERR_NO_MEMORY) {
        fault_of_reading(out, why);
    }
    fhs_error_free(why);
    bool is_short = status == FHIRSTORE_ERR_NO_MEMORY || faults->no_memory;
    return is_short ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

void fhs_iot_place(const fhs_iot_document *document, const fhs_json *value, uint32_t *line_out,
                   uint32_t *column_out)
{
    uint32_t low = 0;
    uint32_t high = document->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (document->line_starts[middle] <= value->begin) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *line_out = low + 1;
    *column_out = value->begin - document->line_starts[low] + 1;
}

fhs_iot_fault *fhs_iot_fault_at(fhs_iot_fault *fault, const fhs_iot_document *document,
                                const fhs_json *value)
{
    if (fault != NULL && value != NULL) {
        fhs_iot_place(document, value, &fault->line, &fault->column);
    }
    return fault;
}

/* ---- asking ---- */

const fhs_json *fhs_iot_member(const fhs_json *object, fhs_str name)
{
    const fhs_json *exact = fhs_json_get(object, name);
    if (exact != NULL || !fhs_json_is(object, FHS_JSON_OBJECT)) {
        return exact;
    }
    for (uint32_t i = 0; i < object->count; i++) {
        if (fhs_str_eq_ascii_case(object->members[i].name, name)) {
            return &object->members[i].value;
        }
    }
    return NULL;
}

bool fhs_iot_scalar_text(const fhs_json *value, fhs_str *out)
{
    *out = FHS_STR_NONE;
    switch (value == NULL ? FHS_JSON_NULL : value->type) {
    case FHS_JSON_STRING:
    case FHS_JSON_NUMBER:
        *out = value->text;
        return true;
    case FHS_JSON_TRUE:
        *out = FHS_LIT("True");
        return true;
    case FHS_JSON_FALSE:
        *out = FHS_LIT("False");
        return true;
    default:
        return false;
    }
}

bool fhs_iot_scalar_bool(const fhs_json *value, bool *out)
{
    fhs_str text = FHS_STR_NONE;
    (void)fhs_iot_scalar_text(value, &text);
    *out = fhs_str_eq_ascii_case(text, FHS_LIT("true"));
    return *out || fhs_str_eq_ascii_case(text, FHS_LIT("false"));
}

bool fhs_iot_is_blank(fhs_str text)
{
    return fhs_str_trim(text).len == 0;
}

/* ---- collections ---- */

static bool is_collection_of(fhs_str type, fhs_str name)
{
    fhs_str head = fhs_str_of(type.ptr, type.len < name.len ? type.len : name.len);
    fhs_str rest = fhs_str_from(type, name.len);
    return fhs_str_eq_ascii_case(head, name) &&
           (rest.len == 0 || fhs_str_eq_ascii_case(rest, FHS_LIT("Template")));
}

static bool check_frame(const fhs_iot_document *document, const fhs_iot_collection *collection,
                        const fhs_json **list_out)
{
    const fhs_json *root = document->root;
    fhs_str type = FHS_STR_NONE;
    if (!fhs_json_is(root, FHS_JSON_OBJECT)) {
        (void)fhs_iot_fault_at(fhs_iot_fault_add(document->faults, FHS_IOT_INVALID_TEMPLATE,
                                                 "Expected an object with templateType and "
                                                 "template"),
                               document, root);
        return false;
    }
    const fhs_json *type_value = fhs_iot_member(root, FHS_LIT("templateType"));
    *list_out = fhs_iot_member(root, FHS_LIT("template"));
    (void)fhs_iot_scalar_text(type_value, &type);
    if (!is_collection_of(type, collection->name)) {
        (void)fhs_iot_fault_at(fhs_iot_fault_add(document->faults, FHS_IOT_INVALID_TEMPLATE,
                                                 "Expected TemplateType value %.*sTemplate, "
                                                 "actual %.*s",
                                                 FHS_STR_ARG(collection->name), FHS_STR_ARG(type)),
                               document, type_value == NULL ? root : type_value);
        return false;
    }
    if (!fhs_json_is(*list_out, FHS_JSON_ARRAY)) {
        (void)fhs_iot_fault_at(fhs_iot_fault_add(document->faults, FHS_IOT_INVALID_TEMPLATE,
                                                 "Expected an array for the template property "
                                                 "value for template type %.*sTemplate",
                                                 FHS_STR_ARG(collection->name)),
                               document, *list_out == NULL ? root : *list_out);
        return false;
    }
    return true;
}

static bool entry_fault(const fhs_iot_document *document, const fhs_json *item, int32_t index,
                        const char *what)
{
    fhs_iot_fault *fault = fhs_iot_fault_at(
        fhs_iot_fault_add(document->faults, FHS_IOT_INVALID_TEMPLATE, "%s", what), document, item);
    if (fault != NULL) {
        fault->template_index = index;
    }
    return !document->faults->no_memory;
}

static bool take_entry(const fhs_iot_document *document, const fhs_iot_collection *collection,
                       const fhs_json *item, int32_t index)
{
    fhs_iot_entry entry = {.index = index};
    if (!fhs_json_is(item, FHS_JSON_OBJECT)) {
        return entry_fault(document, item, index, "Expected an object as template");
    }
    const fhs_json *type = fhs_iot_member(item, FHS_LIT("templateType"));
    entry.content = fhs_iot_member(item, FHS_LIT("template"));
    if (!fhs_iot_scalar_text(type, &entry.type_name)) {
        return entry_fault(document, item, index,
                           "Required property 'TemplateType' not found in JSON.");
    }
    if (entry.content == NULL || entry.content->type == FHS_JSON_NULL) {
        return entry_fault(document, item, index,
                           "Required property 'Template' not found in JSON.");
    }
    return collection->take(collection->ctx, &entry);
}

fhirstore_status fhs_iot_collection_read(const fhs_iot_document *document,
                                         const fhs_iot_collection *collection,
                                         fhirstore_error **err)
{
    const fhs_json *list = NULL;
    bool goes_on = document->root != NULL && check_frame(document, collection, &list);
    for (uint32_t i = 0; goes_on && i < list->count; i++) {
        if (!take_entry(document, collection, &list->items[i], (int32_t)i)) {
            return fhs_fail_memory(err);
        }
    }
    return document->faults->no_memory ? fhs_fail_memory(err) : FHIRSTORE_OK;
}
