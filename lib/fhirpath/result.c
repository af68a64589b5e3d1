/* SPDX-License-Identifier: Apache-2.0 */
/* Items as JSON and as text. */
#include "fhirpath/result.h"

#include "base/limits.h"

fhs_str fhs_fp_item_type(const fhs_fhir *fhir, const fhs_fp_item *item)
{
    static const fhs_str names[] = {
        [FHS_ITEM_NODE] = FHS_LIT_INIT("Element"),
        [FHS_ITEM_BOOLEAN] = FHS_LIT_INIT("boolean"),
        [FHS_ITEM_INTEGER] = FHS_LIT_INIT("integer"),
        [FHS_ITEM_LONG] = FHS_LIT_INIT("integer64"),
        [FHS_ITEM_DECIMAL] = FHS_LIT_INIT("decimal"),
        [FHS_ITEM_STRING] = FHS_LIT_INIT("string"),
        [FHS_ITEM_DATE] = FHS_LIT_INIT("date"),
        [FHS_ITEM_DATETIME] = FHS_LIT_INIT("dateTime"),
        [FHS_ITEM_TIME] = FHS_LIT_INIT("time"),
        [FHS_ITEM_QUANTITY] = FHS_LIT_INIT("Quantity"),
        [FHS_ITEM_TYPE] = FHS_LIT_INIT("SimpleTypeInfo"),
    };
    if (item->kind != FHS_ITEM_NODE || item->type == FHS_TYPE_NONE) {
        return names[item->kind];
    }
    /* Elements with children of their own have no type that others could name. */
    if (fhs_type_get_kind(fhir, item->type) == FHS_KIND_BACKBONE) {
        fhs_str resource = fhs_type_name(fhir, item->type);
        resource.len = fhs_str_find_char(resource, '.', 0);
        fhs_type owner = fhs_type_find(fhir, resource);
        return owner != FHS_TYPE_NONE && fhs_type_get_kind(fhir, owner) == FHS_KIND_RESOURCE
                   ? FHS_LIT("BackboneElement")
                   : FHS_LIT("Element");
    }
    return fhs_type_name(fhir, item->type);
}

void fhs_fp_write_json(const fhs_json *json, fhs_buf *out)
{
    switch (json->type) {
    case FHS_JSON_STRING:
        fhs_json_write_string(out, json->text);
        return;
    case FHS_JSON_NUMBER:
        fhs_buf_add_str(out, json->text);
        return;
    case FHS_JSON_TRUE:
    case FHS_JSON_FALSE:
        fhs_buf_add_cstr(out, json->type == FHS_JSON_TRUE ? "true" : "false");
        return;
    case FHS_JSON_ARRAY:
    case FHS_JSON_OBJECT:
        break;
    default:
        fhs_buf_add_cstr(out, "null");
        return;
    }
    /* The reader has bounded the depth. */
    bool object = json->type == FHS_JSON_OBJECT;
    fhs_buf_add_char(out, object ? '{' : '[');
    for (uint32_t i = 0; i < json->count; i++) {
        if (i > 0) {
            fhs_buf_add_char(out, ',');
        }
        if (object) {
            fhs_json_write_string(out, json->members[i].name);
            fhs_buf_add_char(out, ':');
        }
        fhs_fp_write_json(object ? &json->members[i].value : &json->items[i], out);
    }
    fhs_buf_add_char(out, object ? '}' : ']');
}

/* A primitive as it stands in the resource, dates and times marked as such. */
static bool write_primitive(const fhs_fhir *fhir, const fhs_fp_item *item, fhs_buf *out)
{
    const fhs_json *json = item->node.json;
    if (json == NULL || json->type == FHS_JSON_OBJECT || json->type == FHS_JSON_ARRAY ||
        json->type == FHS_JSON_NULL) {
        return false;
    }
    if (json->type == FHS_JSON_TRUE || json->type == FHS_JSON_FALSE) {
        fhs_buf_add_cstr(out, json->type == FHS_JSON_TRUE ? "true" : "false");
        return true;
    }
    fhs_fp_system system = fhs_fp_system_of(fhir, item->type);
    if (system == FHS_ITEM_DATE || system == FHS_ITEM_DATETIME) {
        fhs_buf_add_char(out, '@');
    } else if (system == FHS_ITEM_TIME) {
        fhs_buf_add_cstr(out, "@T");
    }
    fhs_buf_add_str(out, json->text);
    return true;
}

bool fhs_fp_item_write_text(const fhs_fhir *fhir, const fhs_fp_item *item, fhs_buf *out)
{
    fhs_fp_quantity quantity;
    switch (item->kind) {
    case FHS_ITEM_NODE:
        if (fhs_fp_system_of(fhir, item->type) == FHS_ITEM_QUANTITY &&
            fhs_fp_quantity_of(item->node.json, &quantity)) {
            fhs_fp_item value = {.kind = FHS_ITEM_QUANTITY, .quantity = &quantity};
            return fhs_fp_write_value(&value, out);
        }
        return write_primitive(fhir, item, out);
    case FHS_ITEM_DATE:
    case FHS_ITEM_DATETIME:
        fhs_buf_add_char(out, '@');
        return fhs_fp_write_value(item, out);
    case FHS_ITEM_TIME:
        fhs_buf_add_cstr(out, "@T");
        return fhs_fp_write_value(item, out);
    default:
        return fhs_fp_write_value(item, out);
    }
}

static void write_complex(const fhs_fp_item *item, fhs_buf *out)
{
    if (item->kind == FHS_ITEM_TYPE) {
        fhs_buf_add_cstr(out, "{\"namespace\":");
        fhs_json_write_string(out, item->info->space);
        fhs_buf_add_cstr(out, ",\"name\":");
        fhs_json_write_string(out, item->info->name);
        fhs_buf_add_char(out, '}');
    } else if (item->node.json != NULL) {
        fhs_fp_write_json(item->node.json, out);
    } else {
        fhs_buf_add_cstr(out, "null");
    }
}

static bool is_complex_node(const fhs_fp_item *item)
{
    return item->kind == FHS_ITEM_TYPE ||
           (item->kind == FHS_ITEM_NODE &&
            (item->node.json == NULL || item->node.json->type == FHS_JSON_OBJECT ||
             item->node.json->type == FHS_JSON_ARRAY));
}

void fhs_fhirpath_write_result(const fhs_fhir *fhir, const fhs_fp_item *items, size_t count,
                               fhs_buf *out)
{
    fhs_buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? "{\"type\":" : ",{\"type\":");
        fhs_json_write_string(out, fhs_fp_item_type(fhir, &items[i]));
        fhs_buf_add_cstr(out, ",\"value\":");
        if (is_complex_node(&items[i])) {
            write_complex(&items[i], out);
        } else {
            fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
            fhs_fp_item_write_text(fhir, &items[i], &text);
            fhs_json_write_string(out, fhs_buf_str(&text));
            fhs_buf_clear(&text);
        }
        fhs_buf_add_char(out, '}');
    }
    fhs_buf_add_char(out, ']');
}
