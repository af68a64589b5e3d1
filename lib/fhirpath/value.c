/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes as System values, and values as text. */
#include "base/mem.h"
#include "fhirpath/internal.h"

fhs_fp_system fhs_fp_system_of(const fhs_fhir *fhir, fhs_type type)
{
    static const struct {
        const char *name;
        fhs_fp_system system;
    } systems[] = {
        {"boolean", FHS_ITEM_BOOLEAN},     {"integer", FHS_ITEM_INTEGER},
        {"unsignedInt", FHS_ITEM_INTEGER}, {"positiveInt", FHS_ITEM_INTEGER},
        {"integer64", FHS_ITEM_LONG},      {"decimal", FHS_ITEM_DECIMAL},
        {"date", FHS_ITEM_DATE},           {"dateTime", FHS_ITEM_DATETIME},
        {"instant", FHS_ITEM_DATETIME},    {"time", FHS_ITEM_TIME},
    };
    if (type == FHS_TYPE_NONE) {
        return FHS_ITEM_NODE;
    }
    if (fhs_type_get_kind(fhir, type) != FHS_KIND_PRIMITIVE) {
        fhs_type quantity = fhs_type_find(fhir, FHS_LIT("Quantity"));
        return quantity != FHS_TYPE_NONE && fhs_type_is_a(fhir, type, quantity) ? FHS_ITEM_QUANTITY
                                                                                : FHS_ITEM_NODE;
    }
    fhs_str name = fhs_type_name(fhir, type);
    for (size_t i = 0; i < FHS_COUNT_OF(systems); i++) {
        if (fhs_str_eq(name, fhs_str_from_cstr(systems[i].name))) {
            return systems[i].system;
        }
    }
    return FHS_ITEM_STRING;
}

fhirstore_status fhs_fp_systems_ready(fhs_fhirpath_run *run)
{
    fhs_fhir_version version = fhs_fhir_version_of(run->fhir);
    if (run->systems[version] != NULL) {
        return FHIRSTORE_OK;
    }
    size_t count = fhs_type_count(run->fhir);
    uint8_t *systems = fhs_calloc(count, 1);
    if (systems == NULL) {
        return fhs_fp_memory(run);
    }
    for (size_t i = 0; i < count; i++) {
        systems[i] = fhs_fp_system_of(run->fhir, (fhs_type)i);
    }
    run->systems[version] = systems;
    return FHIRSTORE_OK;
}

static fhs_fp_system system_of_item(const fhs_fhirpath_run *run, const fhs_fp_item *item)
{
    if (item->kind != FHS_ITEM_NODE) {
        return item->kind;
    }
    if (item->type == FHS_TYPE_NONE) {
        return FHS_ITEM_NODE;
    }
    return run->systems[fhs_fhir_version_of(run->fhir)][item->type];
}

bool fhs_fp_has_value(const fhs_fhirpath_run *run, const fhs_fp_item *item)
{
    if (item->kind != FHS_ITEM_NODE) {
        return item->kind != FHS_ITEM_TYPE;
    }
    (void)run;
    return item->node.json != NULL && item->node.json->type != FHS_JSON_OBJECT &&
           item->node.json->type != FHS_JSON_ARRAY && item->node.json->type != FHS_JSON_NULL;
}

bool fhs_fp_quantity_of(const fhs_json *json, fhs_fp_quantity *out)
{
    if (!fhs_json_is(json, FHS_JSON_OBJECT)) {
        return false;
    }
    const fhs_json *value = fhs_json_get(json, FHS_LIT("value"));
    *out = (fhs_fp_quantity){.unit = FHS_LIT("1")};
    if (!fhs_json_is(value, FHS_JSON_NUMBER) || !fhs_decimal_parse(value->text, &out->value)) {
        return false;
    }
    fhs_str system = FHS_STR_NONE;
    fhs_str code = FHS_STR_NONE;
    fhs_json_get_string(json, FHS_LIT("system"), &system);
    bool has_code = fhs_json_get_string(json, FHS_LIT("code"), &code);
    if (has_code && fhs_str_eq(system, FHS_LIT("http://unitsofmeasure.org"))) {
        out->unit = code;
        return true;
    }
    if (has_code && fhs_str_ends_with(system, FHS_LIT("/calendar-units")) &&
        fhs_fp_calendar_unit(code) >= 0) {
        out->unit = code;
        out->calendar = true;
        return true;
    }
    if (has_code || fhs_json_get_string(json, FHS_LIT("unit"), &code)) {
        out->unit = code;
        out->is_literal = true;
    }
    return true;
}

/* A number that is meant to be an integer. */
static bool integer_of(const fhs_json *json, int64_t *out)
{
    fhs_decimal value;
    return json->type == FHS_JSON_NUMBER && fhs_decimal_parse(json->text, &value) &&
           fhs_decimal_to_i64(&value, out);
}

static fhirstore_status decimal_of(fhs_fhirpath_run *run, const fhs_json *json, fhs_fp_item *out)
{
    fhs_decimal value;
    if (json->type != FHS_JSON_NUMBER || !fhs_decimal_parse(json->text, &value)) {
        return FHIRSTORE_OK;
    }
    fhs_decimal *copy = fhs_arena_alloc(&run->arena, sizeof(*copy));
    if (copy == NULL) {
        return fhs_fp_memory(run);
    }
    *copy = value;
    *out = (fhs_fp_item){.kind = FHS_ITEM_DECIMAL, .type = FHS_TYPE_NONE, .decimal = copy};
    return FHIRSTORE_OK;
}

static fhirstore_status date_of(fhs_fhirpath_run *run, const fhs_json *json, fhs_fp_system system,
                                fhs_fp_item *out)
{
    fhs_date value;
    if (json->type != FHS_JSON_STRING ||
        !fhs_fp_date_parse(json->text, (fhs_fp_item_kind)system, &value)) {
        return FHIRSTORE_OK;
    }
    fhs_date *copy = fhs_arena_alloc(&run->arena, sizeof(*copy));
    if (copy == NULL) {
        return fhs_fp_memory(run);
    }
    *copy = value;
    *out = (fhs_fp_item){.kind = system, .type = FHS_TYPE_NONE, .date = copy};
    return FHIRSTORE_OK;
}

static fhirstore_status quantity_item(fhs_fhirpath_run *run, const fhs_json *json, fhs_fp_item *out)
{
    fhs_fp_quantity value;
    if (!fhs_fp_quantity_of(json, &value)) {
        return FHIRSTORE_OK;
    }
    fhs_fp_quantity *copy = fhs_arena_alloc(&run->arena, sizeof(*copy));
    if (copy == NULL) {
        return fhs_fp_memory(run);
    }
    *copy = value;
    *out = (fhs_fp_item){.kind = FHS_ITEM_QUANTITY, .type = FHS_TYPE_NONE, .quantity = copy};
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fp_value(fhs_fhirpath_run *run, const fhs_fp_item *item, fhs_fp_item *out)
{
    fhs_fp_system system = system_of_item(run, item);
    const fhs_json *json = item->node.json;
    fhs_fp_item copy = *item;
    *out = copy;
    if (copy.kind != FHS_ITEM_NODE || json == NULL) {
        return FHIRSTORE_OK;
    }
    switch (system) {
    case FHS_ITEM_STRING:
        if (json->type == FHS_JSON_STRING) {
            *out = fhs_fp_item_of_string(json->text);
        }
        return FHIRSTORE_OK;
    case FHS_ITEM_BOOLEAN:
        if (json->type == FHS_JSON_TRUE || json->type == FHS_JSON_FALSE) {
            *out = fhs_fp_item_of_boolean(json->type == FHS_JSON_TRUE);
        }
        return FHIRSTORE_OK;
    case FHS_ITEM_INTEGER:
    case FHS_ITEM_LONG: {
        int64_t value = 0;
        /* integer64 is a JSON string. */
        fhs_json number = *json;
        number.type = json->type == FHS_JSON_STRING && system == FHS_ITEM_LONG ? FHS_JSON_NUMBER
                                                                               : json->type;
        if (integer_of(&number, &value)) {
            *out = (fhs_fp_item){.kind = system, .type = FHS_TYPE_NONE, .integer = value};
        }
        return FHIRSTORE_OK;
    }
    case FHS_ITEM_DECIMAL:
        return decimal_of(run, json, out);
    case FHS_ITEM_DATE:
    case FHS_ITEM_DATETIME:
    case FHS_ITEM_TIME:
        return date_of(run, json, system, out);
    case FHS_ITEM_QUANTITY:
        return quantity_item(run, json, out);
    default:
        break;
    }
    /* Elements that the definitions do not know: JSON says what it can. */
    if (copy.type == FHS_TYPE_NONE && json->type == FHS_JSON_STRING) {
        *out = fhs_fp_item_of_string(json->text);
    } else if (copy.type == FHS_TYPE_NONE &&
               (json->type == FHS_JSON_TRUE || json->type == FHS_JSON_FALSE)) {
        *out = fhs_fp_item_of_boolean(json->type == FHS_JSON_TRUE);
    } else if (copy.type == FHS_TYPE_NONE && json->type == FHS_JSON_NUMBER) {
        return decimal_of(run, json, out);
    }
    return FHIRSTORE_OK;
}

bool fhs_fp_write_value(const fhs_fp_item *value, fhs_buf *out)
{
    switch (value->kind) {
    case FHS_ITEM_BOOLEAN:
        fhs_buf_add_cstr(out, value->boolean ? "true" : "false");
        return true;
    case FHS_ITEM_INTEGER:
    case FHS_ITEM_LONG:
        fhs_buf_add_i64(out, value->integer);
        return true;
    case FHS_ITEM_DECIMAL:
        fhs_decimal_write(value->decimal, out);
        return true;
    case FHS_ITEM_STRING:
        fhs_buf_add_str(out, value->text);
        return true;
    case FHS_ITEM_DATE:
    case FHS_ITEM_DATETIME:
    case FHS_ITEM_TIME:
        fhs_fp_date_write(value->date, (fhs_fp_item_kind)value->kind, out);
        return true;
    case FHS_ITEM_QUANTITY:
        fhs_decimal_write(&value->quantity->value, out);
        fhs_buf_add_char(out, ' ');
        if (value->quantity->calendar) {
            fhs_buf_add_str(out, value->quantity->unit);
        } else {
            fhs_buf_add_char(out, '\'');
            fhs_buf_add_str(out, value->quantity->unit);
            fhs_buf_add_char(out, '\'');
        }
        return true;
    default:
        return false;
    }
}

fhs_fp_item fhs_fp_item_of_string(fhs_str text)
{
    return (fhs_fp_item){.kind = FHS_ITEM_STRING, .type = FHS_TYPE_NONE, .text = text};
}

fhs_fp_item fhs_fp_item_of_boolean(bool value)
{
    return (fhs_fp_item){.kind = FHS_ITEM_BOOLEAN, .type = FHS_TYPE_NONE, .boolean = value};
}

fhs_fp_item fhs_fp_item_of_integer(int64_t value)
{
    return (fhs_fp_item){.kind = value > INT32_MAX || value < INT32_MIN ? FHS_ITEM_LONG
                                                                        : FHS_ITEM_INTEGER,
                         .type = FHS_TYPE_NONE,
                         .integer = value};
}
