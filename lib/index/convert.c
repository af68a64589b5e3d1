/* SPDX-License-Identifier: Apache-2.0 */
/* From a value of some data type to the entries of some parameter type: the tables of FHIR's search
 * page. */
#include <string.h>

#include "index/index_internal.h"

#define ENTRIES_FIRST 32u
/* An extension's value may be an extension's only by mistake; no deeper than this. */
#define EXTENSION_NESTING_MAX 2

bool fhs_entries_reserve(fhs_arena *arena, fhs_entries *entries, size_t more)
{
    if (entries->capacity - entries->count >= more) {
        return true;
    }
    size_t capacity = entries->capacity < ENTRIES_FIRST ? ENTRIES_FIRST : entries->capacity * 2;
    while (capacity - entries->count < more) {
        capacity *= 2;
    }
    fhs_entry *items = fhs_arena_alloc(arena, capacity * sizeof *items);
    if (items == NULL) {
        return false;
    }
    if (entries->count > 0) {
        memcpy(items, entries->items, entries->count * sizeof *items);
    }
    entries->items = items;
    entries->capacity = capacity;
    return true;
}

fhs_entry *fhs_convert_add(fhs_convert *convert, fhs_row_kind kind)
{
    if (!fhs_entries_reserve(convert->arena, convert->out, 1)) {
        convert->is_failed = true;
        return NULL;
    }
    fhs_entry *entry = &convert->out->items[convert->out->count++];
    memset(entry, 0, sizeof *entry);
    entry->kind = (uint8_t)kind;
    entry->param = FHS_SPARAM_NONE;
    entry->ref_type = FHS_TYPE_NONE;
    return entry;
}

fhs_str fhs_member_text(const fhs_json *object, fhs_str name)
{
    fhs_str text = FHS_STR_NONE;
    return fhs_json_get_string(object, name, &text) ? text : FHS_STR_NONE;
}

/* The value[x] of an extension. */
static const fhs_json *extension_value(const fhs_fhir *fhir, fhs_type extension,
                                       const fhs_json *value, fhs_type *type_out)
{
    for (uint32_t i = 0; i < value->count; i++) {
        const fhs_json_member *member = &value->members[i];
        fhs_property property;
        if (fhs_str_starts_with(member->name, FHS_LIT("value")) &&
            fhs_property_find(fhir, extension, member->name, &property)) {
            *type_out = property.type;
            return &member->value;
        }
    }
    return NULL;
}

void fhs_convert_value(fhs_convert *convert, uint8_t kind, fhs_type type, uint16_t binding,
                       const fhs_json *value)
{
    fhs_shape shape = convert->shapes[type];
    for (int i = 0; i < EXTENSION_NESTING_MAX && shape == FHS_SHAPE_EXTENSION; i++) {
        if (!fhs_json_is(value, FHS_JSON_OBJECT)) {
            return;
        }
        value = extension_value(convert->fhir, type, value, &type);
        if (value == NULL) {
            return;
        }
        shape = convert->shapes[type];
        binding = UINT16_MAX;
    }
    /* In a lenient store a value may be of another form than its type's. */
    if (shape != FHS_SHAPE_NONE &&
        (shape >= FHS_SHAPE_PERIOD) != (value->type == FHS_JSON_OBJECT)) {
        return;
    }
    switch (kind) {
    case FHS_SP_TOKEN:
        fhs_convert_token(convert, shape, binding, value);
        break;
    case FHS_SP_STRING:
        fhs_convert_string(convert, shape, value);
        break;
    case FHS_SP_URI:
        fhs_convert_uri(convert, shape, value);
        break;
    case FHS_SP_DATE:
        fhs_convert_date(convert, shape, value);
        break;
    case FHS_SP_NUMBER:
        fhs_convert_number(convert, shape, value);
        break;
    case FHS_SP_QUANTITY:
        fhs_convert_quantity(convert, shape, value);
        break;
    case FHS_SP_REFERENCE:
        fhs_convert_reference(convert, shape, value);
        break;
    case FHS_SP_SPECIAL:
        if (shape == FHS_SHAPE_POSITION) {
            fhs_convert_position(convert, value);
        } else if (shape == FHS_SHAPE_NARRATIVE) {
            fhs_convert_string(convert, shape, value);
        }
        break;
    default:
        break;
    }
}
