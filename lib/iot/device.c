/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/device.h"

#include "base/limits.h"

/* One template under construction. */
typedef struct device_reader {
    const fhs_iot_document *document;
    fhs_iot_device_mapping *mapping;
    fhs_iot_template *now;
    const char *class_name;           /* as faults call it */
    fhs_expression_language language; /* of expressions that do not say theirs */
} device_reader;

static const struct {
    fhs_str name;
    fhs_iot_template_kind kind;
    const char *class_name;
} template_names[] = {
    {FHS_LIT_INIT("JsonPathContent"), FHS_IOT_JSON_PATH_CONTENT, "JsonPathContentTemplate"},
    {FHS_LIT_INIT("JsonPathContentTemplate"), FHS_IOT_JSON_PATH_CONTENT, "JsonPathContentTemplate"},
    {FHS_LIT_INIT("IotJsonPathContent"), FHS_IOT_HUB_CONTENT, "IotJsonPathContentTemplate"},
    {FHS_LIT_INIT("IotJsonPathContentTemplate"), FHS_IOT_HUB_CONTENT, "IotJsonPathContentTemplate"},
    {FHS_LIT_INIT("IotCentralJsonPathContent"), FHS_IOT_CENTRAL_CONTENT,
     "IotCentralJsonPathContentTemplate"},
    {FHS_LIT_INIT("CalculatedContent"), FHS_IOT_CALCULATED_CONTENT,
     "CalculatedFunctionContentTemplate"},
};

typedef enum device_member {
    MEMBER_TYPE_NAME,
    MEMBER_EXPRESSION,
    MEMBER_VALUES,
    MEMBER_LANGUAGE,
} device_member;

static const struct {
    fhs_str name;
    const char *told; /* how faults spell it */
    device_member member;
    int field;
    bool is_required;
} template_members[] = {
    {FHS_LIT_INIT("typeName"), "TypeName", MEMBER_TYPE_NAME, 0, true},
    {FHS_LIT_INIT("typeMatchExpression"), "TypeMatchExpression", MEMBER_EXPRESSION,
     FHS_IOT_FIELD_MATCH, true},
    {FHS_LIT_INIT("deviceIdExpression"), "DeviceIdExpression", MEMBER_EXPRESSION,
     FHS_IOT_FIELD_DEVICE, true},
    {FHS_LIT_INIT("timestampExpression"), "TimestampExpression", MEMBER_EXPRESSION,
     FHS_IOT_FIELD_TIME, true},
    {FHS_LIT_INIT("patientIdExpression"), "PatientIdExpression", MEMBER_EXPRESSION,
     FHS_IOT_FIELD_PATIENT, false},
    {FHS_LIT_INIT("encounterIdExpression"), "EncounterIdExpression", MEMBER_EXPRESSION,
     FHS_IOT_FIELD_ENCOUNTER, false},
    {FHS_LIT_INIT("correlationIdExpression"), "CorrelationIdExpression", MEMBER_EXPRESSION,
     FHS_IOT_FIELD_CORRELATION, false},
    {FHS_LIT_INIT("values"), "Values", MEMBER_VALUES, 0, false},
    {FHS_LIT_INIT("defaultExpressionLanguage"), "DefaultExpressionLanguage", MEMBER_LANGUAGE, 0,
     false},
};

#define MEMBER_COUNT FHS_COUNT_OF(template_members)

static fhs_iot_fault *template_fault(device_reader *reader, fhs_iot_fault *fault,
                                     const fhs_json *at)
{
    if (fault != NULL) {
        fault->template_index = reader->now->index;
        fault->type = reader->now->type;
    }
    return fhs_iot_fault_at(fault, reader->document, at);
}

#define DEVICE_FAULT(reader, at, kind, ...)                                                      \
    template_fault((reader), fhs_iot_fault_add((reader)->document->faults, (kind), __VA_ARGS__), \
                   (at))

static void missing(device_reader *reader, const fhs_json *object, const char *name)
{
    (void)DEVICE_FAULT(reader, object, FHS_IOT_INVALID_TEMPLATE,
                       "Required property '%s' not found in JSON.", name);
}

static void unknown_member(device_reader *reader, const fhs_json_member *member,
                           const char *class_name)
{
    (void)DEVICE_FAULT(reader, &member->value, FHS_IOT_INVALID_TEMPLATE,
                       "Could not find member '%.*s' on object of type '%s'.",
                       FHS_STR_ARG(member->name), class_name);
}

/* ---- expressions ---- */

static void compile_slot(device_reader *reader, fhs_expression_language language, fhs_str text,
                         const fhs_json *at, const char *field, fhs_iot_slot *out)
{
    fhirstore_error *why = NULL;
    fhs_iot_place(reader->document, at, &out->line, &out->column);
    fhirstore_status status = fhs_expression_compile(reader->document->arena, language, text,
                                                     &out->expression, &why);
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        reader->document->faults->no_memory = true;
    } else if (status < FHIRSTORE_OK) {
        for (uint32_t i = 0; i < fhs_error_issue_count(why); i++) {
            fhirstore_issue issue = {.struct_size = sizeof issue};
            if (!fhs_error_issue(why, i, &issue)) {
                continue;
            }
            fhs_iot_fault *fault = DEVICE_FAULT(
                reader, at, FHS_IOT_TEMPLATE_EXPRESSION,
                "%s: %s (character %llu of the expression)", field, issue.text,
                (unsigned long long)fhs_error_location(why).offset + 1);
            if (fault != NULL) {
                fault->field = fhs_str_from_cstr(field);
            }
        }
        out->expression = NULL;
    }
    fhs_error_free(why);
}

/* {"value": …, "language": …}: the text, and where it stands. False: a fault was told. */
static bool open_expression_object(device_reader *reader, const fhs_json *object,
                                   fhs_expression_language *language, fhs_str *text_out,
                                   const fhs_json **at_out)
{
    const fhs_json *named = fhs_iot_member(object, FHS_LIT("language"));
    fhs_str name;
    *at_out = fhs_iot_member(object, FHS_LIT("value"));
    if (named != NULL && named->type != FHS_JSON_NULL &&
        (!fhs_iot_scalar_text(named, &name) || !fhs_expression_language_find(name, language))) {
        (void)DEVICE_FAULT(reader, named, FHS_IOT_INVALID_TEMPLATE,
                           "The language of an expression is JsonPath or JmesPath.");
        return false;
    }
    if (!fhs_iot_scalar_text(*at_out, text_out)) {
        missing(reader, object, "Value");
        return false;
    }
    return true;
}

/* @a is_required: it must be there, and not be blank. */
static void read_expression(device_reader *reader, const fhs_json *object, const fhs_json *value,
                            const char *field, bool is_required, fhs_iot_slot *out)
{
    const bool is_calculated = reader->now->kind == FHS_IOT_CALCULATED_CONTENT;
    fhs_expression_language language = is_calculated ? reader->language : FHS_EXPRESSION_JSONPATH;
    const fhs_json *at = value;
    fhs_str text = FHS_STR_NONE;
    if (value == NULL || value->type == FHS_JSON_NULL) {
        if (is_required) {
            missing(reader, value == NULL ? object : value, field);
        }
        return;
    }
    if (is_calculated && value->type == FHS_JSON_OBJECT) {
        if (!open_expression_object(reader, value, &language, &text, &at)) {
            return;
        }
    } else if (!fhs_iot_scalar_text(value, &text)) {
        (void)DEVICE_FAULT(reader, value, FHS_IOT_INVALID_TEMPLATE,
                           "'%s' is an expression: expected a string", field);
        return;
    }
    if (!fhs_iot_is_blank(text)) {
        compile_slot(reader, language, text, at, field, out);
    } else if (is_required || is_calculated) {
        (void)DEVICE_FAULT(reader, at, FHS_IOT_INVALID_TEMPLATE,
                           "An expression must be set for [%s]", field);
    }
}

/* ---- values ---- */

static void read_value(device_reader *reader, const fhs_json *item, fhs_iot_value_slot *out)
{
    const fhs_json *name = fhs_iot_member(item, FHS_LIT("valueName"));
    const fhs_json *expression = fhs_iot_member(item, FHS_LIT("valueExpression"));
    const fhs_json *required = fhs_iot_member(item, FHS_LIT("required"));
    if (!fhs_json_is(item, FHS_JSON_OBJECT)) {
        (void)DEVICE_FAULT(reader, item, FHS_IOT_INVALID_TEMPLATE,
                           "Expected an object in 'Values'");
        return;
    }
    fhs_iot_place(reader->document, item, &out->line, &out->column);
    for (uint32_t i = 0; i < item->count; i++) {
        const fhs_json_member *member = &item->members[i];
        if (!fhs_str_eq_ascii_case(member->name, FHS_LIT("valueName")) &&
            !fhs_str_eq_ascii_case(member->name, FHS_LIT("valueExpression")) &&
            !fhs_str_eq_ascii_case(member->name, FHS_LIT("required"))) {
            unknown_member(reader, member, "ValueExpression");
        }
    }
    if (!fhs_iot_scalar_text(name, &out->name)) {
        missing(reader, item, "ValueName");
    }
    if (required != NULL && required->type != FHS_JSON_NULL &&
        !fhs_iot_scalar_bool(required, &out->is_required)) {
        (void)DEVICE_FAULT(reader, required, FHS_IOT_INVALID_TEMPLATE,
                           "'Required' is true or false");
    }
    read_expression(reader, item, expression, "ValueExpression", true, &out->slot);
}

static void read_values(device_reader *reader, const fhs_json *list)
{
    fhs_iot_template *template = reader->now;
    if (list == NULL || list->type == FHS_JSON_NULL) {
        return;
    }
    if (list->type != FHS_JSON_ARRAY) {
        (void)DEVICE_FAULT(reader, list, FHS_IOT_INVALID_TEMPLATE, "'Values' is an array");
        return;
    }
    template->values = fhs_arena_calloc(reader->document->arena, (size_t)list->count + 1,
                                        sizeof *template->values);
    if (template->values == NULL) {
        reader->document->faults->no_memory = true;
        return;
    }
    template->value_count = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        read_value(reader, &list->items[i], &template->values[i]);
    }
}

/* ---- templates ---- */

/* The row of a member, MEMBER_COUNT for one that the template does not have. */
static size_t member_row(const device_reader *reader, fhs_str name)
{
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if (fhs_str_eq_ascii_case(name, template_members[i].name)) {
            bool is_language = template_members[i].member == MEMBER_LANGUAGE;
            return is_language && reader->now->kind != FHS_IOT_CALCULATED_CONTENT ? MEMBER_COUNT
                                                                                  : i;
        }
    }
    return MEMBER_COUNT;
}

/* Templates for Azure's hubs know where these stand; what the mapping says of them is ignored. */
static bool is_fixed(const fhs_iot_template *template, size_t row)
{
    bool is_hub = template->kind == FHS_IOT_HUB_CONTENT ||
                  template->kind == FHS_IOT_CENTRAL_CONTENT;
    return is_hub && template_members[row].member == MEMBER_EXPRESSION &&
           (template_members[row].field == FHS_IOT_FIELD_DEVICE ||
            template_members[row].field == FHS_IOT_FIELD_TIME);
}

static void fix_expressions(device_reader *reader, const fhs_json *content)
{
    fhs_iot_template *now = reader->now;
    fhs_iot_slot *device = &now->fields[FHS_IOT_FIELD_DEVICE];
    fhs_iot_slot *time = &now->fields[FHS_IOT_FIELD_TIME];
    if (now->kind == FHS_IOT_HUB_CONTENT) {
        compile_slot(reader, FHS_EXPRESSION_JSONPATH,
                     FHS_LIT("$.SystemProperties.iothub-connection-device-id"), content,
                     "DeviceIdExpression", device);
        compile_slot(reader, FHS_EXPRESSION_JSONPATH,
                     FHS_LIT("$.Properties.iothub-creation-time-utc"), content,
                     "TimestampExpression", time);
        compile_slot(reader, FHS_EXPRESSION_JSONPATH,
                     FHS_LIT("$.SystemProperties.iothub-enqueuedtime"), content,
                     "TimestampExpression", &now->second_time);
    } else if (now->kind == FHS_IOT_CENTRAL_CONTENT) {
        compile_slot(reader, FHS_EXPRESSION_JSONPATH, FHS_LIT("$.deviceId"), content,
                     "DeviceIdExpression", device);
        compile_slot(reader, FHS_EXPRESSION_JSONPATH, FHS_LIT("$.enqueuedTime"), content,
                     "TimestampExpression", time);
    }
}

/* What other members depend on: the language of expressions, and the type that faults tell. */
static void read_basics(device_reader *reader, const fhs_json *content)
{
    const fhs_json *type = fhs_iot_member(content, FHS_LIT("typeName"));
    const fhs_json *language = fhs_iot_member(content, FHS_LIT("defaultExpressionLanguage"));
    fhs_str name;
    reader->language = FHS_EXPRESSION_JSONPATH;
    if (fhs_iot_scalar_text(type, &reader->now->type) && fhs_iot_is_blank(reader->now->type)) {
        (void)DEVICE_FAULT(reader, type, FHS_IOT_INVALID_TEMPLATE, "'TypeName' is blank");
    }
    if (reader->now->kind == FHS_IOT_CALCULATED_CONTENT && language != NULL &&
        language->type != FHS_JSON_NULL &&
        (!fhs_iot_scalar_text(language, &name) ||
         !fhs_expression_language_find(name, &reader->language))) {
        (void)DEVICE_FAULT(reader, language, FHS_IOT_INVALID_TEMPLATE,
                           "'DefaultExpressionLanguage' is JsonPath or JmesPath");
    }
}

static void read_device_members(device_reader *reader, const fhs_json *content)
{
    const fhs_json *found[MEMBER_COUNT] = {NULL};
    for (uint32_t i = 0; i < content->count; i++) {
        size_t row = member_row(reader, content->members[i].name);
        if (row == MEMBER_COUNT) {
            unknown_member(reader, &content->members[i], reader->class_name);
        } else {
            found[row] = &content->members[i].value;
        }
    }
    for (size_t row = 0; row < MEMBER_COUNT; row++) {
        const char *told = template_members[row].told;
        if (is_fixed(reader->now, row)) {
            continue;
        }
        if (template_members[row].member == MEMBER_EXPRESSION) {
            read_expression(reader, content, found[row], told, template_members[row].is_required,
                            &reader->now->fields[template_members[row].field]);
        } else if (template_members[row].member == MEMBER_VALUES) {
            read_values(reader, found[row]);
        } else if (template_members[row].is_required &&
                   !fhs_iot_scalar_text(found[row], &reader->now->type)) {
            missing(reader, content, told);
        }
    }
    fix_expressions(reader, content);
}

static bool find_kind(device_reader *reader, const fhs_iot_entry *entry)
{
    for (size_t i = 0; i < FHS_COUNT_OF(template_names); i++) {
        if (fhs_str_eq_ascii_case(entry->type_name, template_names[i].name)) {
            reader->now->kind = template_names[i].kind;
            reader->class_name = template_names[i].class_name;
            return true;
        }
    }
    (void)DEVICE_FAULT(reader, entry->content, FHS_IOT_INVALID_TEMPLATE,
                       "No match found for template type %.*s", FHS_STR_ARG(entry->type_name));
    return false;
}

static void keep_template(fhs_iot_device_mapping *mapping, fhs_iot_template *template)
{
    if (mapping->last == NULL) {
        mapping->first = template;
    } else {
        mapping->last->next = template;
    }
    mapping->last = template;
    mapping->count++;
}

static bool take_device_template(void *ctx, const fhs_iot_entry *entry)
{
    device_reader *reader = ctx;
    fhs_iot_faults *faults = reader->document->faults;
    fhs_iot_template *template = fhs_arena_calloc(reader->document->arena, 1, sizeof *template);
    if (template == NULL) {
        return false;
    }
    const uint32_t before = faults->count;
    template->index = entry->index;
    reader->now = template;
    fhs_iot_place(reader->document, entry->content, &template->line, &template->column);
    if (find_kind(reader, entry)) {
        if (entry->content->type == FHS_JSON_OBJECT) {
            read_basics(reader, entry->content);
            read_device_members(reader, entry->content);
        } else {
            (void)DEVICE_FAULT(reader, entry->content, FHS_IOT_INVALID_TEMPLATE,
                               "Expected an object as template");
        }
    }
    if (faults->count == before && before <= FHS_LIMIT_IOT_FAULTS) {
        keep_template(reader->mapping, template);
    }
    return !faults->no_memory;
}

fhirstore_status fhs_iot_device_load(fhs_arena *arena, fhs_str text, fhs_iot_faults *faults,
                                     fhs_iot_device_mapping *out, fhirstore_error **err)
{
    fhs_iot_document document;
    device_reader reader = {.document = &document, .mapping = out};
    const fhs_iot_collection collection = {FHS_LIT("CollectionContent"), take_device_template,
                                           &reader};
    *out = (fhs_iot_device_mapping){.count = 0};
    fhirstore_status status = fhs_iot_document_read(arena, text, faults, &document, err);
    return status < FHIRSTORE_OK ? status : fhs_iot_collection_read(&document, &collection, err);
}
