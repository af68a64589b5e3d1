/* SPDX-License-Identifier: Apache-2.0 */
/* A SearchParameter resource as a definition. */
#include "index/custom.h"

#include <stdio.h>

#define CODE_MAX       64u
#define COMPONENTS_MAX 8u

typedef struct custom_reader {
    const fhs_fhir *fhir;
    fhs_arena *arena;
    const fhs_json *resource;
    fhs_custom *out;
    fhirstore_error **err;
} custom_reader;

static fhirstore_status refuse_element(const custom_reader *reader, const char *element,
                                       const char *code, const char *text)
{
    char path[80];
    (void)snprintf(path, sizeof path, "SearchParameter.%s", element);
    fhirstore_status status = fhs_fail(reader->err, FHIRSTORE_ERR_INVARIANT, "%s %s", path, text);
    fhs_error_expression(reader->err, fhs_str_from_cstr(path));
    fhs_error_code(reader->err, code);
    return status;
}

/* A string member, copied; empty when it is not there. */
static fhirstore_status read_text(const custom_reader *reader, const fhs_json *object,
                                  const char *name, fhs_str *out)
{
    fhs_str text = FHS_STR_NONE;
    *out = FHS_STR_NONE;
    if (!fhs_json_get_string(object, fhs_str_from_cstr(name), &text) || text.len == 0) {
        return FHIRSTORE_OK;
    }
    *out = fhs_arena_dup(reader->arena, text);
    return out->ptr == NULL ? fhs_fail_memory(reader->err) : FHIRSTORE_OK;
}

static bool is_param_code(fhs_str code)
{
    for (size_t i = 0; i < code.len; i++) {
        char c = fhs_ascii_lower(code.ptr[i]);
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_other = (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!is_letter && (i == 0 || !is_other)) {
            return false;
        }
    }
    return code.len > 0 && code.len <= CODE_MAX;
}

static fhirstore_status check_code(const custom_reader *reader)
{
    fhs_str code = reader->out->def.code;
    if (!is_param_code(code)) {
        return refuse_element(reader, "code", code.len == 0 ? "required" : "value",
                              "must be a letter, then up to 63 letters, digits, '-' and '_'");
    }
    if (reader->out->def.url.len == 0) {
        return refuse_element(reader, "url", "required", "is missing");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status read_type(const custom_reader *reader)
{
    fhs_str name = FHS_STR_NONE;
    (void)fhs_json_get_string(reader->resource, FHS_LIT("type"), &name);
    for (int i = FHS_SP_NUMBER; i <= FHS_SP_SPECIAL; i++) {
        if (fhs_str_eq(name, fhs_sparam_type_name((fhs_sparam_type)i))) {
            reader->out->def.type = (uint8_t)i;
            return FHIRSTORE_OK;
        }
    }
    return refuse_element(reader, "type", name.len == 0 ? "required" : "code-invalid",
                          "must be number, date, string, token, reference, composite, quantity, "
                          "uri or special");
}

/* A list of resource types. */
static fhirstore_status read_types(const custom_reader *reader, const char *name, bool is_lenient,
                                   const fhs_type **out, uint16_t *count_out)
{
    const fhs_json *list = fhs_json_get(reader->resource, fhs_str_from_cstr(name));
    size_t count = fhs_json_is(list, FHS_JSON_ARRAY) ? list->count : 0;
    fhs_type *types = fhs_arena_calloc(reader->arena, count + 1, sizeof *types);
    *count_out = 0;
    if (types == NULL) {
        return fhs_fail_memory(reader->err);
    }
    for (size_t i = 0; i < count && i < UINT16_MAX; i++) {
        char element[40];
        fhs_type type = fhs_json_is(&list->items[i], FHS_JSON_STRING)
                            ? fhs_type_find(reader->fhir, list->items[i].text)
                            : FHS_TYPE_NONE;
        if (type != FHS_TYPE_NONE && fhs_type_get_kind(reader->fhir, type) == FHS_KIND_RESOURCE) {
            types[(*count_out)++] = type;
        } else if (!is_lenient) {
            (void)snprintf(element, sizeof element, "%s[%zu]", name, i);
            return refuse_element(reader, element, "code-invalid",
                                  "is no resource type of this FHIR version");
        }
    }
    *out = types;
    return FHIRSTORE_OK;
}

static fhirstore_status read_component(const custom_reader *reader, const fhs_json *component,
                                       size_t at, fhs_str *url_out)
{
    char element[48];
    fhs_str version;
    fhs_sparam_component *part = &reader->out->parts[at];
    part->param = FHS_SPARAM_NONE;
    fhirstore_status status = read_text(reader, component, "definition", url_out);
    if (status == FHIRSTORE_OK) {
        status = read_text(reader, component, "expression", &part->expression);
    }
    if (status != FHIRSTORE_OK || (url_out->len > 0 && part->expression.len > 0)) {
        (void)fhs_str_split(*url_out, '|', url_out, &version);
        return status;
    }
    (void)snprintf(element, sizeof element, "component[%zu].%s", at,
                   url_out->len == 0 ? "definition" : "expression");
    return refuse_element(reader, element, "required", "is missing");
}

static fhirstore_status read_components(const custom_reader *reader)
{
    fhs_custom *out = reader->out;
    const fhs_json *list = fhs_json_get(reader->resource, FHS_LIT("component"));
    size_t count = fhs_json_is(list, FHS_JSON_ARRAY) ? list->count : 0;
    if (out->def.type != FHS_SP_COMPOSITE) {
        return FHIRSTORE_OK;
    }
    if (count == 0 || count > COMPONENTS_MAX) {
        return refuse_element(reader, "component", count == 0 ? "required" : "too-costly",
                              "must be 1 to 8 for a composite");
    }
    out->parts = fhs_arena_calloc(reader->arena, count, sizeof *out->parts);
    fhs_str *urls = fhs_arena_calloc(reader->arena, count, sizeof *urls);
    if (out->parts == NULL || urls == NULL) {
        return fhs_fail_memory(reader->err);
    }
    out->part_urls = urls;
    out->def.components = out->parts;
    out->def.component_count = (uint16_t)count;
    for (size_t i = 0; i < count; i++) {
        fhirstore_status status = read_component(reader, &list->items[i], i, &urls[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status read_texts(const custom_reader *reader)
{
    fhs_sparam_def *def = &reader->out->def;
    fhirstore_status status = read_text(reader, reader->resource, "id", &reader->out->id);
    if (status == FHIRSTORE_OK) {
        status = read_text(reader, reader->resource, "code", &def->code);
    }
    if (status == FHIRSTORE_OK) {
        status = read_text(reader, reader->resource, "url", &def->url);
    }
    if (status == FHIRSTORE_OK) {
        status = read_text(reader, reader->resource, "expression", &def->expression);
    }
    return status;
}

/* What an active one needs. */
static fhirstore_status check_definition_complete(const custom_reader *reader)
{
    const fhs_sparam_def *def = &reader->out->def;
    fhirstore_status status = check_code(reader);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (def->type == FHS_SP_SPECIAL) {
        return refuse_element(reader, "type", "not-supported",
                              "special needs rules that no definition can give");
    }
    if (def->base_count == 0) {
        return refuse_element(reader, "base", "required", "is missing");
    }
    if (def->expression.len == 0) {
        return refuse_element(reader, "expression", "required", "is missing");
    }
    return FHIRSTORE_OK;
}

/* FHIR publishes its own parameters as resources too. */
static bool is_of_fhir(const fhs_fhir *fhir, const fhs_sparam_def *def)
{
    fhs_sparam same = fhs_sparam_find_url(fhir, def->url);
    if (same == FHS_SPARAM_NONE) {
        return false;
    }
    fhs_sparam_def own = fhs_sparam_get(fhir, same);
    return own.type == def->type && fhs_str_eq(own.code, def->code) &&
           fhs_str_eq(own.expression, def->expression);
}

fhirstore_status fhs_custom_read(const fhs_fhir *fhir, fhs_arena *arena, const fhs_json *resource,
                                 fhs_custom *out, fhirstore_error **err)
{
    const custom_reader reader = {fhir, arena, resource, out, err};
    fhs_str state = FHS_STR_NONE;
    *out = (fhs_custom){.id = FHS_STR_NONE};
    (void)fhs_json_get_string(resource, FHS_LIT("status"), &state);
    fhirstore_status status = read_texts(&reader);
    if (status == FHIRSTORE_OK) {
        status = read_type(&reader);
    }
    if (status == FHIRSTORE_OK) {
        status = read_types(&reader, "base", false, &out->def.bases, &out->def.base_count);
    }
    if (status == FHIRSTORE_OK) {
        /* Types of other versions among the targets only cannot be found here. */
        status = read_types(&reader, "target", true, &out->def.targets, &out->def.target_count);
    }
    if (status == FHIRSTORE_OK) {
        out->is_published = is_of_fhir(fhir, &out->def);
        out->is_active = fhs_str_eq(state, FHS_LIT("active")) && !out->is_published;
    }
    if (status == FHIRSTORE_OK && out->is_active) {
        status = check_definition_complete(&reader);
        status = status == FHIRSTORE_OK ? read_components(&reader) : status;
    }
    return status;
}

bool fhs_custom_applies(const fhs_fhir *fhir, const fhs_custom *custom, fhs_type type)
{
    for (size_t i = 0; i < custom->def.base_count; i++) {
        if (fhs_type_is_a(fhir, type, custom->def.bases[i])) {
            return true;
        }
    }
    return false;
}

bool fhs_custom_is_same(const fhs_custom *a, const fhs_custom *b)
{
    if (a->def.type != b->def.type || a->def.component_count != b->def.component_count ||
        !fhs_str_eq(a->def.code, b->def.code) ||
        !fhs_str_eq(a->def.expression, b->def.expression)) {
        return false;
    }
    for (size_t i = 0; i < a->def.component_count; i++) {
        if (!fhs_str_eq(a->part_urls[i], b->part_urls[i]) ||
            !fhs_str_eq(a->parts[i].expression, b->parts[i].expression)) {
            return false;
        }
    }
    return true;
}
