/* SPDX-License-Identifier: Apache-2.0 */
/* "_name" beside a primitive "name": its id and extensions. */
#include "validation/validation_internal.h"

/* The value of "_name". */
static const fhs_json *find_sibling(const fhs_json *object, fhs_str name)
{
    for (uint32_t i = 0; i < object->count; i++) {
        fhs_str other = object->members[i].name;
        if (other.len > 0 && other.ptr[0] == '_' && fhs_str_eq(fhs_str_from(other, 1), name)) {
            return &object->members[i].value;
        }
    }
    return NULL;
}

/* Whether @a values, NULL or an array, has more than null at @a index. */
static bool has_item_at(const fhs_json *values, uint32_t index)
{
    return fhs_json_is(values, FHS_JSON_ARRAY) && index < values->count &&
           values->items[index].type != FHS_JSON_NULL;
}

/* The id and extensions of one primitive; @a has_value says whether it has a value too. */
static void check_sibling_value(fhs_check *check, const fhs_place *at, const fhs_json *value,
                                bool has_value)
{
    if (value->type != FHS_JSON_OBJECT) {
        fhs_str name = fhs_place_name(at);
        fhs_check_fault(check, at, "structure", "_%.*s must hold objects with id or extension",
                        FHS_STR_ARG(name));
        return;
    }
    if (!has_value && fhs_json_get(value, FHS_LIT("extension")) == NULL) {
        fhs_str name = fhs_place_name(at);
        fhs_check_fault(check, at, "structure", "%.*s has neither a value nor an extension",
                        FHS_STR_ARG(name));
    }
    fhs_check_members(check, at, at->property->type, value, false);
}

static void check_sibling_array(fhs_check *check, fhs_place *at, const fhs_json *siblings,
                                const fhs_json *values)
{
    fhs_str name = fhs_place_name(at);
    if (siblings->type != FHS_JSON_ARRAY || siblings->count == 0) {
        fhs_check_fault(check, at, "structure", "_%.*s must be an array with items",
                        FHS_STR_ARG(name));
        return;
    }
    if (values != NULL && values->type == FHS_JSON_ARRAY && values->count != siblings->count) {
        fhs_check_fault(check, at, "structure", "%.*s and _%.*s differ in length",
                        FHS_STR_ARG(name), FHS_STR_ARG(name));
        return;
    }
    for (uint32_t i = 0; i < siblings->count && !check->is_full; i++) {
        bool has_value = has_item_at(values, i);
        at->index = i;
        if (siblings->items[i].type != FHS_JSON_NULL) {
            check_sibling_value(check, at, &siblings->items[i], has_value);
        } else if (values == NULL) {
            fhs_check_fault(check, at, "structure", "%.*s has neither a value nor an extension",
                            FHS_STR_ARG(name));
        }
    }
}

void fhs_check_sibling(fhs_check *check, fhs_place *at, const fhs_json *sibling,
                       const fhs_json *value)
{
    if ((at->property->flags & FHS_ELEMENT_LIST) != 0) {
        check_sibling_array(check, at, sibling, value);
    } else {
        check_sibling_value(check, at, sibling, value != NULL && value->type != FHS_JSON_NULL);
    }
}

void fhs_check_nulls(fhs_check *check, fhs_place *at, const fhs_json *values,
                     const fhs_json *object)
{
    fhs_str name = fhs_place_name(at);
    bool is_primitive = fhs_check_is_primitive(check, at->property->type);
    const fhs_json *siblings = is_primitive ? find_sibling(object, name) : NULL;
    for (uint32_t i = 0; i < values->count && !check->is_full; i++) {
        at->index = i;
        if (values->items[i].type != FHS_JSON_NULL || has_item_at(siblings, i)) {
            continue;
        }
        if (is_primitive) {
            fhs_check_fault(check, at, "structure", "%.*s has null without _%.*s beside it",
                            FHS_STR_ARG(name), FHS_STR_ARG(name));
        } else {
            fhs_check_fault(check, at, "structure", "%.*s must not hold null", FHS_STR_ARG(name));
        }
    }
}
