/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: system and code. */
#include "index/index_internal.h"

/* @a display is the coding's own, @a text the concept's. */
static void add_token_entry(fhs_convert *convert, fhs_str system, fhs_str code, fhs_str display,
                            fhs_str text)
{
    fhs_entry *entry = fhs_convert_add(convert, FHS_ROW_TOKEN);
    if (entry != NULL) {
        entry->system = system;
        entry->code = code;
        entry->display = display;
        entry->text = text;
    }
}

/* A coding; @a text is the concept's. */
static bool token_from_coding(fhs_convert *convert, const fhs_json *coding, fhs_str text)
{
    if (!fhs_json_is(coding, FHS_JSON_OBJECT)) {
        return false;
    }
    fhs_str system = fhs_member_text(coding, FHS_LIT("system"));
    fhs_str code = fhs_member_text(coding, FHS_LIT("code"));
    fhs_str display = fhs_member_text(coding, FHS_LIT("display"));
    if (system.len + code.len + display.len == 0) {
        return false;
    }
    add_token_entry(convert, system, code, display, text);
    return true;
}

/* A concept with text only still gives an (empty) token: it is not missing, and :text finds it. */
static void token_from_concept(fhs_convert *convert, const fhs_json *concept)
{
    if (!fhs_json_is(concept, FHS_JSON_OBJECT)) {
        return;
    }
    fhs_str text = fhs_member_text(concept, FHS_LIT("text"));
    const fhs_json *codings = fhs_json_get(concept, FHS_LIT("coding"));
    bool found = false;
    if (fhs_json_is(codings, FHS_JSON_ARRAY)) {
        for (uint32_t i = 0; i < codings->count; i++) {
            found |= token_from_coding(convert, &codings->items[i], text);
        }
    }
    if (!found && text.len > 0) {
        add_token_entry(convert, FHS_STR_NONE, FHS_STR_NONE, FHS_STR_NONE, text);
    }
}

/* For :of-type: the identifier's type and its value, as a composite under the same parameter. */
static void add_of_type(fhs_convert *convert, const fhs_json *type, fhs_str value)
{
    const fhs_json *codings = fhs_json_is(type, FHS_JSON_OBJECT)
                                  ? fhs_json_get(type, FHS_LIT("coding"))
                                  : NULL;
    if (!fhs_json_is(codings, FHS_JSON_ARRAY)) {
        return;
    }
    for (uint32_t i = 0; i < codings->count; i++) {
        const fhs_json *coding = &codings->items[i];
        if (!fhs_json_is(coding, FHS_JSON_OBJECT)) {
            continue;
        }
        fhs_entry *parts = fhs_arena_calloc(convert->arena, 2, sizeof *parts);
        fhs_entry *entry = parts == NULL ? NULL : fhs_convert_add(convert, FHS_ROW_COMPOSITE);
        if (entry == NULL) {
            convert->is_failed = true;
            return;
        }
        parts[0].kind = FHS_ROW_TOKEN;
        parts[0].param = FHS_SPARAM_NONE;
        parts[0].system = fhs_member_text(coding, FHS_LIT("system"));
        parts[0].code = fhs_member_text(coding, FHS_LIT("code"));
        parts[1].kind = FHS_ROW_TOKEN;
        parts[1].param = FHS_SPARAM_NONE;
        parts[1].code = value;
        entry->parts = parts;
        entry->part_count = 2;
    }
}

static void token_from_identifier(fhs_convert *convert, const fhs_json *identifier)
{
    if (!fhs_json_is(identifier, FHS_JSON_OBJECT)) {
        return;
    }
    fhs_str system = fhs_member_text(identifier, FHS_LIT("system"));
    fhs_str value = fhs_member_text(identifier, FHS_LIT("value"));
    const fhs_json *type = fhs_json_get(identifier, FHS_LIT("type"));
    if (system.len + value.len == 0) {
        return;
    }
    fhs_str text = fhs_json_is(type, FHS_JSON_OBJECT) ? fhs_member_text(type, FHS_LIT("text"))
                                                      : FHS_STR_NONE;
    add_token_entry(convert, system, value, FHS_STR_NONE, text);
    if (type != NULL && value.len > 0) {
        add_of_type(convert, type, value);
    }
}

/* Any primitive: its text is the code. */
static void token_from_primitive(fhs_convert *convert, fhs_str system, const fhs_json *value)
{
    switch (value->type) {
    case FHS_JSON_STRING:
    case FHS_JSON_NUMBER:
        if (value->text.len > 0) {
            add_token_entry(convert, system, value->text, FHS_STR_NONE, FHS_STR_NONE);
        }
        break;
    case FHS_JSON_TRUE:
        add_token_entry(convert, system, FHS_LIT("true"), FHS_STR_NONE, FHS_STR_NONE);
        break;
    case FHS_JSON_FALSE:
        add_token_entry(convert, system, FHS_LIT("false"), FHS_STR_NONE, FHS_STR_NONE);
        break;
    default:
        break;
    }
}

static void token_from_contact(fhs_convert *convert, const fhs_json *contact)
{
    fhs_str value = fhs_member_text(contact, FHS_LIT("value"));
    if (value.len > 0) {
        add_token_entry(convert, FHS_STR_NONE, value, FHS_STR_NONE, FHS_STR_NONE);
    }
}

static void token_from_quantity(fhs_convert *convert, const fhs_json *quantity)
{
    fhs_str system = fhs_member_text(quantity, FHS_LIT("system"));
    fhs_str code = fhs_member_text(quantity, FHS_LIT("code"));
    if (system.len + code.len > 0) {
        add_token_entry(convert, system, code, fhs_member_text(quantity, FHS_LIT("unit")),
                        FHS_STR_NONE);
    }
}

static void token_from_reference(fhs_convert *convert, const fhs_json *reference)
{
    const fhs_json *identifier = fhs_json_get(reference, FHS_LIT("identifier"));
    if (identifier != NULL) {
        token_from_identifier(convert, identifier);
    }
}

void fhs_convert_token(fhs_convert *convert, fhs_shape shape, uint16_t binding,
                       const fhs_json *value)
{
    if (value->type != FHS_JSON_OBJECT) {
        fhs_str system = FHS_STR_NONE;
        if (shape == FHS_SHAPE_CODE && binding != UINT16_MAX && value->type == FHS_JSON_STRING) {
            system = fhs_binding_system(convert->fhir, binding, value->text);
        }
        token_from_primitive(convert, system, value);
        return;
    }
    switch (shape) {
    case FHS_SHAPE_CODING:
        (void)token_from_coding(convert, value, FHS_STR_NONE);
        break;
    case FHS_SHAPE_CONCEPT:
        token_from_concept(convert, value);
        break;
    case FHS_SHAPE_CODEABLE_REFERENCE:
        token_from_concept(convert, fhs_json_get(value, FHS_LIT("concept")));
        break;
    case FHS_SHAPE_IDENTIFIER:
        token_from_identifier(convert, value);
        break;
    case FHS_SHAPE_CONTACT:
        token_from_contact(convert, value);
        break;
    case FHS_SHAPE_QUANTITY:
        token_from_quantity(convert, value);
        break;
    case FHS_SHAPE_REFERENCE:
        token_from_reference(convert, value);
        break;
    default:
        break;
    }
}
