/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instance selectors: Coding { system: 'x', code: 'y' }. The instance is written as JSON and read
 * back, so that it is a node like any other.
 */
#include "base/limits.h"
#include "fhirpath/result.h"

static bool is_text_kind(uint8_t kind)
{
    return kind == FHS_ITEM_STRING || kind == FHS_ITEM_DATE || kind == FHS_ITEM_DATETIME ||
           kind == FHS_ITEM_TIME;
}

static void write_quantity(const fhs_fp_quantity *quantity, fhs_buf *out)
{
    fhs_buf_add_cstr(out, "{\"value\":");
    fhs_decimal_write(&quantity->value, out);
    fhs_buf_add_cstr(out, ",\"unit\":");
    fhs_json_write_string(out, quantity->unit);
    if (!quantity->is_literal) {
        fhs_buf_add_cstr(out, ",\"system\":");
        fhs_json_write_string(
            out, quantity->calendar ? FHS_LIT("http://hl7.org/fhirpath/CodeSystem/calendar-units")
                                    : FHS_LIT("http://unitsofmeasure.org"));
        fhs_buf_add_cstr(out, ",\"code\":");
        fhs_json_write_string(out, quantity->unit);
    }
    fhs_buf_add_char(out, '}');
}

/* One value as JSON; @a as_text: the element wants a string. */
static void write_item(const fhs_fp_item *item, bool as_text, fhs_buf *out)
{
    if (item->kind == FHS_ITEM_NODE) {
        if (item->node.json == NULL) {
            fhs_buf_add_cstr(out, "null");
        } else {
            fhs_fp_write_json(item->node.json, out);
        }
        return;
    }
    if (item->kind == FHS_ITEM_QUANTITY) {
        write_quantity(item->quantity, out);
        return;
    }
    if (!as_text && !is_text_kind(item->kind)) {
        fhs_fp_write_value(item, out);
        return;
    }
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
    fhs_fp_write_value(item, &text);
    fhs_json_write_string(out, fhs_buf_str(&text));
    fhs_buf_clear(&text);
}

/* The JSON member for an element: a choice is named after the type of the value. */
static bool member_name(const fhs_fhirpath_run *run, const fhs_fp_step *op, fhs_str name,
                        const fhs_fp_item *item, fhs_buf *out, fhs_property *property)
{
    fhs_element element;
    if (fhs_property_find(run->fhir, op->spec.fhir, name, property)) {
        fhs_buf_add_str(out, name);
        return true;
    }
    if (!fhs_element_find(run->fhir, op->spec.fhir, name, &element, NULL)) {
        return false;
    }
    fhs_str type = fhs_fp_item_type(run->fhir, item);
    fhs_buf_add_str(out, name);
    bool small = type.ptr[0] >= 'a' && type.ptr[0] <= 'z';
    fhs_buf_add_char(out, (char)(small ? type.ptr[0] - 32 : type.ptr[0]));
    fhs_buf_add_str(out, fhs_str_from(type, 1));
    return fhs_property_find(run->fhir, op->spec.fhir, fhs_buf_str(out), property);
}

/* Write one element with the items [from, top) of the stack. */
static fhirstore_status write_element(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                      const fhs_fp_step *element, uint32_t from, fhs_buf *out)
{
    fhs_property property;
    fhs_buf name = FHS_BUF_INIT(FHS_LIMIT_EXPRESSION_BYTES);
    bool found = member_name(run, op, element->text, &run->stack[from], &name, &property);
    bool list = found && (property.flags & FHS_ELEMENT_LIST) != 0;
    if (!found || (!list && run->top - from > 1)) {
        fhs_buf_clear(&name);
        return fhs_fp_fail(run, element,
                           found ? "the element takes one value" : "the type has no such element");
    }
    bool as_text = fhs_fp_system_of(run->fhir, property.type) == FHS_ITEM_STRING;
    if (out->ptr[out->len - 1] != '{') {
        fhs_buf_add_char(out, ',');
    }
    fhs_json_write_string(out, fhs_buf_str(&name));
    fhs_buf_clear(&name);
    fhs_buf_add_cstr(out, list ? ":[" : ":");
    for (uint32_t i = from; i < run->top; i++) {
        if (i > from) {
            fhs_buf_add_char(out, ',');
        }
        write_item(&run->stack[i], as_text, out);
    }
    if (list) {
        fhs_buf_add_char(out, ']');
    }
    return FHIRSTORE_OK;
}

static fhirstore_status write_elements(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                       const fhs_fp_scope *scope, fhs_buf *out)
{
    bool primitive = fhs_type_get_kind(run->fhir, op->spec.fhir) == FHS_KIND_PRIMITIVE;
    if (!primitive) {
        fhs_buf_add_char(out, '{');
    }
    if (fhs_type_is_resource(run->fhir, op->spec.fhir)) {
        fhs_buf_add_cstr(out, "\"resourceType\":");
        fhs_json_write_string(out, fhs_type_name(run->fhir, op->spec.fhir));
    }
    for (uint32_t i = 0; i < op->arg_count; i++) {
        const fhs_fp_step *element = op->args[i];
        uint32_t from = run->top;
        FHS_TRY(fhs_fp_eval_apart(run, element->left, scope, FHS_FP_ALL));
        if (run->top == from) {
            continue;
        }
        if (!primitive) {
            FHS_TRY(write_element(run, op, element, from, out));
        } else if (fhs_str_eq(element->text, FHS_LIT("value")) && out->len == 0) {
            write_item(&run->stack[from],
                       fhs_fp_system_of(run->fhir, op->spec.fhir) == FHS_ITEM_STRING, out);
        }
        run->top = from;
    }
    if (!primitive) {
        fhs_buf_add_char(out, '}');
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fp_build_instance(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                       const fhs_fp_scope *scope)
{
    fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
    fhirstore_status status = write_elements(run, op, scope, &buf);
    if (status == FHIRSTORE_OK && fhs_buf_status(&buf) != FHIRSTORE_OK) {
        status = fhs_fp_memory(run);
    }
    fhs_str text = FHS_STR_NONE;
    if (status == FHIRSTORE_OK && buf.len > 0) {
        text = fhs_arena_dup(&run->arena, fhs_buf_str(&buf));
        status = text.ptr == NULL ? fhs_fp_memory(run) : FHIRSTORE_OK;
    }
    fhs_buf_clear(&buf);
    if (status != FHIRSTORE_OK || text.len == 0) {
        return status;
    }
    const fhs_json *json = NULL;
    status = fhs_json_read(&run->arena, text, NULL, &json, NULL);
    if (status != FHIRSTORE_OK) {
        return status == FHIRSTORE_ERR_NO_MEMORY
                   ? fhs_fp_memory(run)
                   : fhs_fp_fail(run, op, "the instance cannot be built");
    }
    fhs_fp_item item = fhs_fp_make_node(run->fhir, json, NULL, op->spec.fhir);
    return fhs_fp_push(run, &item);
}
