/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a tree: members, positions, equality. */
#include "json/json.h"

#include "json/json_internal.h"
#include "json/scan.h"

const fhs_json *fhs_json_get(const fhs_json *object, fhs_str name)
{
    if (!fhs_json_is(object, FHS_JSON_OBJECT)) {
        return NULL;
    }
    for (uint32_t i = 0; i < object->count; i++) {
        if (fhs_str_eq(object->members[i].name, name)) {
            return &object->members[i].value;
        }
    }
    return NULL;
}

bool fhs_json_get_string(const fhs_json *object, fhs_str name, fhs_str *out)
{
    const fhs_json *value = fhs_json_get(object, name);
    if (!fhs_json_is(value, FHS_JSON_STRING)) {
        return false;
    }
    *out = value->text;
    return true;
}

const fhs_json *fhs_json_find(const fhs_json *list, fhs_str name, fhs_str value)
{
    for (uint32_t i = 0; fhs_json_is(list, FHS_JSON_ARRAY) && i < list->count; i++) {
        fhs_str own;
        if (list->items[i].type == FHS_JSON_OBJECT &&
            fhs_json_get_string(&list->items[i], name, &own) && fhs_str_eq(own, value)) {
            return &list->items[i];
        }
    }
    return NULL;
}

void fhs_json_position(fhs_str text, size_t offset, uint32_t *line_out, uint32_t *column_out)
{
    size_t end = offset < text.len ? offset : text.len;
    size_t line_begin = 0;
    uint32_t line = 1;
    for (;;) {
        size_t newline = fhs_str_find_char(fhs_str_of(text.ptr, end), '\n', line_begin);
        if (newline >= end) {
            break;
        }
        line_begin = newline + 1;
        line++;
    }
    *line_out = line;
    *column_out = (uint32_t)(end - line_begin) + 1;
}

uint32_t fhs_json_name_offset(fhs_str source, uint32_t object_begin, const fhs_json_member *members,
                              uint32_t index)
{
    const char *end = source.ptr + source.len;
    /* Behind the bracket, or behind the value before and its comma. */
    uint32_t from = index == 0 ? object_begin : members[index - 1].value.end;
    const char *p = source.ptr + from;
    p = skip_json_blanks(p, end);
    p = skip_json_blanks(p + 1, end);
    return (uint32_t)(p - source.ptr);
}

/* ---- equality ---- */

/* Finds members of one object, asked for mostly in the order they have. */
typedef struct member_finder {
    const fhs_json *object;
    fhs_json_names names;
    bool has_names;
} member_finder;

static const fhs_json *find_equal_member(const member_finder *finder, uint32_t guess, fhs_str name)
{
    const fhs_json *object = finder->object;
    if (guess < object->count && fhs_str_eq(object->members[guess].name, name)) {
        return &object->members[guess].value;
    }
    if (!finder->has_names) {
        return fhs_json_get(object, name);
    }
    const fhs_json_member *found = fhs_json_names_find(&finder->names, object->members, name);
    return found == NULL ? NULL : &found->value;
}

static bool has_same_order(const fhs_json *a, const fhs_json *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (!fhs_str_eq(a->members[i].name, b->members[i].name)) {
            return false;
        }
    }
    return true;
}

static bool is_left_out(fhs_str name, const fhs_str *names, size_t name_count)
{
    for (size_t i = 0; i < name_count; i++) {
        if (fhs_str_eq(name, names[i])) {
            return true;
        }
    }
    return false;
}

bool fhs_json_equal_but(const fhs_json *a, const fhs_json *b, const fhs_str *names,
                        size_t name_count)
{
    uint32_t left = 0; /* members of b that a must have as well */
    for (uint32_t i = 0; i < b->count; i++) {
        left += is_left_out(b->members[i].name, names, name_count) ? 0 : 1;
    }
    member_finder finder = {.object = b, .names = FHS_JSON_NAMES_INIT};
    if (b->count > FHS_JSON_FEW_MEMBERS && !has_same_order(a, b)) {
        /* Without memory the members are found one by one: slower, but the same answer. */
        uint32_t repeated;
        finder.has_names = fhs_json_names_fill(&finder.names, b->members, b->count, &repeated);
    }
    bool equal = true;
    for (uint32_t i = 0; equal && i < a->count; i++) {
        if (is_left_out(a->members[i].name, names, name_count)) {
            continue;
        }
        const fhs_json *other = find_equal_member(&finder, i, a->members[i].name);
        /* As deep as the tree, which the reader's depth limit bounds. */
        equal = other != NULL && left > 0 && fhs_json_equal(&a->members[i].value, other);
        left--;
    }
    fhs_json_names_clear(&finder.names);
    return equal && left == 0;
}

static bool equal_objects(const fhs_json *a, const fhs_json *b)
{
    return fhs_json_equal_but(a, b, NULL, 0);
}

bool fhs_json_equal(const fhs_json *a, const fhs_json *b)
{
    if (a->type != b->type || a->count != b->count) {
        return false;
    }
    switch (a->type) {
    case FHS_JSON_NUMBER:
    case FHS_JSON_STRING:
        return fhs_str_eq(a->text, b->text);
    case FHS_JSON_OBJECT:
        return equal_objects(a, b);
    case FHS_JSON_ARRAY:
        for (uint32_t i = 0; i < a->count; i++) {
            if (!fhs_json_equal(&a->items[i], &b->items[i])) {
                return false;
            }
        }
        return true;
    default:
        return true;
    }
}
