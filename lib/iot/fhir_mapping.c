/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/fhir_mapping.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "iot/fhir_reader.h"

void fhs_iot_reader_fault(fhs_iot_fhir_reader *reader, const fhs_json *at, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fhs_iot_fault *fault = fhs_iot_fault_add(reader->document->faults, FHS_IOT_INVALID_TEMPLATE,
                                             "%s", text);
    if (fault != NULL) {
        fault->template_index = reader->now->index;
        fault->type = reader->now->type;
    }
    (void)fhs_iot_fault_at(fault, reader->document, at);
}

void fhs_iot_reader_missing(fhs_iot_fhir_reader *reader, const fhs_json *object, const char *name)
{
    fhs_iot_reader_fault(reader, object, "Required property '%s' not found in JSON.", name);
}

void fhs_iot_reader_text(fhs_iot_fhir_reader *reader, const fhs_json *object, const char *name,
                         fhs_str *out)
{
    const fhs_json *value = fhs_iot_member(object, fhs_str_from_cstr(name));
    *out = FHS_STR_NONE;
    if (value == NULL || value->type == FHS_JSON_NULL) {
        return;
    }
    if (!fhs_iot_scalar_text(value, out)) {
        fhs_iot_reader_fault(reader, value, "'%s' is a string", name);
    } else if (fhs_iot_is_blank(*out)) {
        *out = FHS_STR_NONE;
    }
}

static bool is_among(fhs_str name, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (fhs_str_eq_ascii_case(name, fhs_str_from_cstr(names[i]))) {
            return true;
        }
    }
    return false;
}

/* Each member must be one of @a names. */
static void check_names(fhs_iot_fhir_reader *reader, const fhs_json *object,
                        const char *const *names, const char *class_name)
{
    for (uint32_t i = 0; i < object->count; i++) {
        if (!is_among(object->members[i].name, names)) {
            fhs_iot_reader_fault(reader, &object->members[i].value,
                                 "Could not find member '%.*s' on object of type '%s'.",
                                 FHS_STR_ARG(object->members[i].name), class_name);
        }
    }
}

/* Room for the items of @a list; NULL where it has none, is no array (a fault), or for no memory.
 */
static void *room_for(fhs_iot_fhir_reader *reader, const fhs_json *list, const char *name,
                      size_t size)
{
    if (list == NULL || list->type == FHS_JSON_NULL) {
        return NULL;
    }
    if (list->type != FHS_JSON_ARRAY) {
        fhs_iot_reader_fault(reader, list, "'%s' is an array", name);
        return NULL;
    }
    void *room = fhs_arena_calloc(reader->document->arena, (size_t)list->count + 1, size);
    reader->document->faults->no_memory |= room == NULL;
    return room;
}

/* ---- codes ---- */

void fhs_iot_reader_codes(fhs_iot_fhir_reader *reader, const fhs_json *object, bool is_required,
                          bool is_lenient, fhs_iot_concept *out)
{
    static const char *const names[] = {"code", "system", "display", NULL};
    const fhs_json *list = fhs_iot_member(object, FHS_LIT("codes"));
    if (is_required && (list == NULL || list->type == FHS_JSON_NULL)) {
        fhs_iot_reader_missing(reader, object, "Codes");
        return;
    }
    fhs_iot_code *codes = room_for(reader, list, "Codes", sizeof *codes);
    if (codes == NULL) {
        return;
    }
    out->codes = codes;
    for (uint32_t i = 0; i < list->count; i++) {
        const fhs_json *item = &list->items[i];
        if (item->type != FHS_JSON_OBJECT) {
            fhs_iot_reader_fault(reader, item, "Expected an object in 'Codes'");
            continue;
        }
        if (!is_lenient) {
            check_names(reader, item, names, "FhirCode");
        }
        fhs_iot_code *code = &codes[out->count];
        fhs_iot_reader_text(reader, item, "code", &code->code);
        fhs_iot_reader_text(reader, item, "system", &code->system);
        fhs_iot_reader_text(reader, item, "display", &code->display);
        /* A code without anything in it says nothing, and FHIR has no empty elements. */
        out->count += code->code.len > 0 || code->system.len > 0 || code->display.len > 0;
    }
}

static void read_fhir_concept(fhs_iot_fhir_reader *reader, const fhs_json *object,
                              const char *class_name, fhs_iot_concept *out)
{
    static const char *const names[] = {"text", "codes", NULL};
    if (object->type != FHS_JSON_OBJECT) {
        fhs_iot_reader_fault(reader, object, "Expected an object with 'text' and 'codes'");
        return;
    }
    check_names(reader, object, names, class_name);
    fhs_iot_reader_text(reader, object, "text", &out->text);
    fhs_iot_reader_codes(reader, object, false, false, out);
}

static void read_categories(fhs_iot_fhir_reader *reader, const fhs_json *content)
{
    const fhs_json *list = fhs_iot_member(content, FHS_LIT("category"));
    fhs_iot_concept *categories = room_for(reader, list, "Category", sizeof *categories);
    if (categories == NULL) {
        return;
    }
    reader->now->categories = categories;
    for (uint32_t i = 0; i < list->count; i++) {
        fhs_iot_concept *category = &categories[reader->now->category_count];
        read_fhir_concept(reader, &list->items[i], "FhirCodeableConcept", category);
        reader->now->category_count += category->text.len > 0 || category->count > 0;
    }
}

/* ---- members ---- */

static void read_interval(fhs_iot_fhir_reader *reader, const fhs_json *content)
{
    static const struct {
        const char *name;
        const char *number;
        int32_t interval;
    } intervals[] = {
        {"Single", "0", FHS_IOT_SINGLE},
        {"Hourly", "60", FHS_IOT_HOURLY},
        {"Daily", "1440", FHS_IOT_DAILY},
        {"CorrelationId", "-1", FHS_IOT_CORRELATION},
    };
    const fhs_json *value = fhs_iot_member(content, FHS_LIT("periodInterval"));
    fhs_str text = FHS_STR_NONE;
    if (value == NULL || value->type == FHS_JSON_NULL) {
        return;
    }
    (void)fhs_iot_scalar_text(value, &text);
    for (size_t i = 0; i < FHS_COUNT_OF(intervals); i++) {
        if (fhs_str_eq_ascii_case(text, fhs_str_from_cstr(intervals[i].name)) ||
            fhs_str_eq(text, fhs_str_from_cstr(intervals[i].number))) {
            reader->now->interval = intervals[i].interval;
            return;
        }
    }
    fhs_iot_reader_fault(reader, value,
                         "'PeriodInterval' is 0 (Single), 60 (Hourly), 1440 (Daily) or -1 "
                         "(CorrelationId)");
}

static void read_fhir_component(fhs_iot_fhir_reader *reader, const fhs_json *item,
                                fhs_iot_component *out)
{
    static const char *const names[] = {"codes", "value", NULL};
    if (item->type != FHS_JSON_OBJECT) {
        fhs_iot_reader_fault(reader, item, "Expected an object in 'Components'");
        return;
    }
    check_names(reader, item, names, "CodeValueMapping");
    fhs_iot_reader_codes(reader, item, true, false, &out->code);
    const fhs_json *value = fhs_iot_member(item, FHS_LIT("value"));
    if (value == NULL || value->type == FHS_JSON_NULL) {
        fhs_iot_reader_missing(reader, item, "Value");
    } else {
        fhs_iot_reader_value(reader, value, &out->value);
    }
}

static void read_fhir_components(fhs_iot_fhir_reader *reader, const fhs_json *content)
{
    const fhs_json *list = fhs_iot_member(content, FHS_LIT("components"));
    fhs_iot_component *components = room_for(reader, list, "Components", sizeof *components);
    if (components == NULL) {
        return;
    }
    reader->now->components = components;
    reader->now->component_count = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        read_fhir_component(reader, &list->items[i], &components[i]);
    }
}

/* A string, or several. */
static uint32_t read_strings(fhs_iot_fhir_reader *reader, const fhs_json *content, const char *name,
                             const fhs_str **out)
{
    const fhs_json *value = fhs_iot_member(content, fhs_str_from_cstr(name));
    const bool is_one = fhs_json_is(value, FHS_JSON_STRING);
    uint32_t count = 0;
    fhs_str *texts = is_one ? fhs_arena_calloc(reader->document->arena, 1, sizeof *texts)
                            : room_for(reader, value, name, sizeof *texts);
    if (texts == NULL) {
        reader->document->faults->no_memory |= is_one;
        return 0;
    }
    for (uint32_t i = 0; i < (is_one ? 1 : value->count); i++) {
        const fhs_json *item = is_one ? value : &value->items[i];
        if (item->type != FHS_JSON_STRING || fhs_iot_is_blank(item->text)) {
            fhs_iot_reader_fault(reader, item, "'%s' holds strings that are not blank", name);
        } else {
            texts[count++] = item->text;
        }
    }
    *out = texts;
    return count;
}

static bool read_extra_concept(fhs_iot_fhir_reader *reader, const fhs_json *content,
                               const char *name, fhs_iot_concept *out)
{
    const fhs_json *value = fhs_iot_member(content, fhs_str_from_cstr(name));
    if (value == NULL || value->type == FHS_JSON_NULL) {
        return false;
    }
    read_fhir_concept(reader, value, "FhirCodeableConcept", out);
    return out->text.len > 0 || out->count > 0;
}

/* What the original does not have. */
static void read_extras(fhs_iot_fhir_reader *reader, const fhs_json *content)
{
    fhs_iot_fhir_template *now = reader->now;
    fhs_str effective;
    const fhs_json *value = fhs_iot_member(content, FHS_LIT("effective"));
    fhs_iot_reader_text(reader, content, "effective", &effective);
    now->is_date_time = fhs_str_eq_ascii_case(effective, FHS_LIT("dateTime"));
    if (effective.len > 0 && !now->is_date_time &&
        !fhs_str_eq_ascii_case(effective, FHS_LIT("Period"))) {
        fhs_iot_reader_fault(reader, value, "'effective' is dateTime or Period");
    }
    if (now->is_date_time && now->interval != FHS_IOT_SINGLE) {
        fhs_iot_reader_fault(reader, value,
                             "only a 'PeriodInterval' of 0 has an effective dateTime");
    }
    now->profile_count = read_strings(reader, content, "profile", &now->profiles);
    now->performer_count = read_strings(reader, content, "performer", &now->performers);
    now->has_body_site = read_extra_concept(reader, content, "bodySite", &now->body_site);
    now->has_method = read_extra_concept(reader, content, "method", &now->method);
}

static void check_type_name(fhs_iot_fhir_reader *reader, const fhs_json *content)
{
    const fhs_json *name = fhs_iot_member(content, FHS_LIT("typeName"));
    if (!fhs_iot_scalar_text(name, &reader->now->type)) {
        fhs_iot_reader_missing(reader, content, "TypeName");
    } else if (fhs_iot_is_blank(reader->now->type)) {
        fhs_iot_reader_fault(reader, name, "'TypeName' is blank");
    } else if (fhs_iot_fhir_find(reader->mapping, reader->now->type) != NULL) {
        fhs_iot_reader_fault(reader, name, "Duplicate template defined for type name: '%.*s'",
                             FHS_STR_ARG(reader->now->type));
    }
}

static void read_fhir_template(fhs_iot_fhir_reader *reader, const fhs_json *content)
{
    static const char *const own[] = {"typeName", "periodInterval", "category", "codes",
                                      "value",    "components",     NULL};
    static const char *const all[] = {"typeName",  "periodInterval", "category",  "codes",
                                      "value",     "components",     "effective", "profile",
                                      "performer", "bodySite",       "method",    NULL};
    const bool is_strict = (reader->flags & FHS_IOT_MAPPING_STRICT) != 0;
    const fhs_json *value = fhs_iot_member(content, FHS_LIT("value"));
    check_type_name(reader, content);
    check_names(reader, content, is_strict ? own : all, "CodeValueFhirTemplate");
    fhs_iot_reader_codes(reader, content, true, false, &reader->now->code);
    read_interval(reader, content);
    read_categories(reader, content);
    if (value != NULL && value->type != FHS_JSON_NULL) {
        reader->now->has_value = true;
        fhs_iot_reader_value(reader, value, &reader->now->value);
    }
    read_fhir_components(reader, content);
    if (!is_strict) {
        read_extras(reader, content);
    }
}

static bool take_fhir_template(void *ctx, const fhs_iot_entry *entry)
{
    fhs_iot_fhir_reader *reader = ctx;
    fhs_iot_faults *faults = reader->document->faults;
    fhs_iot_fhir_template *now = fhs_arena_calloc(reader->document->arena, 1, sizeof *now);
    const uint32_t before = faults->count;
    if (now == NULL) {
        return false;
    }
    now->index = entry->index;
    reader->now = now;
    fhs_iot_place(reader->document, entry->content, &now->line, &now->column);
    if (!fhs_str_eq_ascii_case(entry->type_name, FHS_LIT("CodeValueFhir")) &&
        !fhs_str_eq_ascii_case(entry->type_name, FHS_LIT("CodeValueFhirTemplate"))) {
        fhs_iot_reader_fault(reader, entry->content, "No match found for template type %.*s",
                             FHS_STR_ARG(entry->type_name));
    } else if (entry->content->type != FHS_JSON_OBJECT) {
        fhs_iot_reader_fault(reader, entry->content, "Expected an object as template");
    } else {
        read_fhir_template(reader, entry->content);
    }
    if (faults->count == before && before <= FHS_LIMIT_IOT_FAULTS) {
        if (reader->mapping->last == NULL) {
            reader->mapping->first = now;
        } else {
            reader->mapping->last->next = now;
        }
        reader->mapping->last = now;
        reader->mapping->count++;
    }
    return !faults->no_memory;
}

fhirstore_status fhs_iot_fhir_load(fhs_arena *arena, fhs_str text, unsigned flags,
                                   fhs_iot_faults *faults, fhs_iot_fhir_mapping *out,
                                   fhirstore_error **err)
{
    fhs_iot_document document;
    fhs_iot_fhir_reader reader = {.document = &document, .mapping = out, .flags = flags};
    const fhs_iot_collection collection = {FHS_LIT("CollectionFhir"), take_fhir_template, &reader};
    *out = (fhs_iot_fhir_mapping){.count = 0};
    fhirstore_status status = fhs_iot_document_read(arena, text, faults, &document, err);
    return status < FHIRSTORE_OK ? status : fhs_iot_collection_read(&document, &collection, err);
}

const fhs_iot_fhir_template *fhs_iot_fhir_find(const fhs_iot_fhir_mapping *mapping, fhs_str type)
{
    const fhs_iot_fhir_template *template = mapping->first;
    while (template != NULL && !fhs_str_eq_ascii_case(template->type, type)) {
        template = template->next;
    }
    return template;
}
