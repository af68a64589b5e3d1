/* SPDX-License-Identifier: Apache-2.0 */
/* References: Type/id below the base URL are the store's own; everything else is kept as what it
 * is. */
#include "fhir/reference.h"
#include "index/index_internal.h"

static void add_reference_entry(fhs_convert *convert, fhs_str text)
{
    fhs_reference reference;
    if (!fhs_reference_parse(convert->fhir, convert->base_url, text, &reference)) {
        return;
    }
    fhs_entry *entry = fhs_convert_add(convert, FHS_ROW_REFERENCE);
    if (entry == NULL) {
        return;
    }
    entry->text = text;
    entry->ref_local = reference.is_local;
    entry->ref_type = reference.type;
    entry->ref_id = reference.is_local ? reference.id : FHS_STR_NONE;
    entry->ref_version = reference.version;
    entry->ref_url = reference.url;
}

/*
 * Its text, and its identifier as a token of the same parameter (for :identifier, or when it is all
 * there is). With nothing but a display it still is not missing: an empty token says so.
 */
static void reference_from_object(fhs_convert *convert, const fhs_json *value)
{
    if (!fhs_json_is(value, FHS_JSON_OBJECT)) {
        return;
    }
    size_t before = convert->out->count;
    add_reference_entry(convert, fhs_member_text(value, FHS_LIT("reference")));
    const fhs_json *identifier = fhs_json_get(value, FHS_LIT("identifier"));
    if (fhs_json_is(identifier, FHS_JSON_OBJECT)) {
        fhs_convert_token(convert, FHS_SHAPE_IDENTIFIER, UINT16_MAX, identifier);
    }
    fhs_str display = fhs_member_text(value, FHS_LIT("display"));
    if (display.len == 0) {
        return;
    }
    if (convert->out->count > before) {
        convert->out->items[before].display = display;
        return;
    }
    fhs_entry *entry = fhs_convert_add(convert, FHS_ROW_TOKEN);
    if (entry != NULL) {
        entry->display = display;
    }
}

/* A resource inside a Bundle. */
static void reference_from_resource(fhs_convert *convert, const fhs_json *resource)
{
    fhs_str id = fhs_member_text(resource, FHS_LIT("id"));
    fhs_type type = fhs_type_find(convert->fhir,
                                  fhs_member_text(resource, FHS_LIT("resourceType")));
    if (type == FHS_TYPE_NONE || !fhs_type_is_resource(convert->fhir, type) ||
        !fhs_id_is_valid(id)) {
        return;
    }
    fhs_entry *entry = fhs_convert_add(convert, FHS_ROW_REFERENCE);
    if (entry != NULL) {
        entry->ref_local = true;
        entry->ref_type = type;
        entry->ref_id = id;
    }
}

void fhs_convert_reference(fhs_convert *convert, fhs_shape shape, const fhs_json *value)
{
    if (value->type == FHS_JSON_STRING) {
        add_reference_entry(convert, value->text);
        return;
    }
    if (value->type != FHS_JSON_OBJECT) {
        return;
    }
    switch (shape) {
    case FHS_SHAPE_REFERENCE:
        reference_from_object(convert, value);
        break;
    case FHS_SHAPE_CODEABLE_REFERENCE:
        reference_from_object(convert, fhs_json_get(value, FHS_LIT("reference")));
        break;
    case FHS_SHAPE_ATTACHMENT:
        add_reference_entry(convert, fhs_member_text(value, FHS_LIT("url")));
        break;
    case FHS_SHAPE_RESOURCE:
        reference_from_resource(convert, value);
        break;
    default:
        break;
    }
}
