/* SPDX-License-Identifier: Apache-2.0 */
#include "patch/tree.h"

#include <string.h>

#include "base/decimal.h"

#define FIRST_PARTS 8u

static const fhs_json null_json = {.type = FHS_JSON_NULL, .begin = 0, .end = 4};

fhs_tree *fhs_tree_of(fhs_arena *arena, const fhs_json *json, fhs_str source)
{
    fhs_tree *node = fhs_arena_calloc(arena, 1, sizeof *node);
    if (node != NULL) {
        node->json = json;
        node->source = source;
        node->type = json->type;
    }
    return node;
}

fhs_tree *fhs_tree_new(fhs_arena *arena, fhs_json_type container)
{
    fhs_tree *node = fhs_arena_calloc(arena, 1, sizeof *node);
    if (node != NULL) {
        node->type = (uint8_t)container;
        node->is_open = true;
    }
    return node;
}

fhs_tree *fhs_tree_new_null(fhs_arena *arena)
{
    return fhs_tree_of(arena, &null_json, FHS_LIT("null"));
}

/* Depth is bounded: whoever puts a part somewhere looks at the height first. */
fhs_tree *fhs_tree_copy(fhs_arena *arena, const fhs_tree *node)
{
    fhs_tree *copy = fhs_arena_calloc(arena, 1, sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    *copy = *node;
    if (!node->is_open || node->count == 0) {
        copy->parts = NULL;
        copy->capacity = 0;
        return copy;
    }
    copy->capacity = node->count;
    copy->parts = fhs_arena_calloc(arena, node->count, sizeof *copy->parts);
    for (uint32_t i = 0; copy->parts != NULL && i < node->count; i++) {
        copy->parts[i].name = node->parts[i].name;
        copy->parts[i].value = fhs_tree_copy(arena, node->parts[i].value);
        if (copy->parts[i].value == NULL) {
            return NULL;
        }
    }
    return copy->parts == NULL ? NULL : copy;
}

bool fhs_tree_open(fhs_arena *arena, fhs_tree *node)
{
    const fhs_json *json = node->json;
    if (node->is_open || !fhs_tree_is_container(node)) {
        return true;
    }
    if (json->count > 0) {
        fhs_tree *values = fhs_arena_calloc(arena, json->count, sizeof *values);
        node->parts = fhs_arena_calloc(arena, json->count, sizeof *node->parts);
        if (values == NULL || node->parts == NULL) {
            return false;
        }
        for (uint32_t i = 0; i < json->count; i++) {
            bool is_member = json->type == FHS_JSON_OBJECT;
            const fhs_json *value = is_member ? &json->members[i].value : &json->items[i];
            values[i].json = value;
            values[i].source = node->source;
            values[i].type = value->type;
            node->parts[i].name = is_member ? json->members[i].name : FHS_STR_NONE;
            node->parts[i].value = &values[i];
        }
    }
    node->count = json->count;
    node->capacity = json->count;
    node->is_open = true;
    return true;
}

uint32_t fhs_tree_find(const fhs_tree *object, fhs_str name)
{
    uint32_t i = 0;
    while (i < object->count && !fhs_str_eq(object->parts[i].name, name)) {
        i++;
    }
    return i;
}

bool fhs_tree_insert(fhs_arena *arena, fhs_tree *container, uint32_t index, fhs_str name,
                     fhs_tree *value)
{
    if (value == NULL) {
        return false;
    }
    if (container->count == container->capacity) {
        uint32_t larger = container->capacity < FIRST_PARTS ? FIRST_PARTS : container->capacity * 2;
        fhs_tree_part *parts = fhs_arena_calloc(arena, larger, sizeof *parts);
        if (parts == NULL) {
            return false;
        }
        if (container->count > 0) {
            memcpy(parts, container->parts, container->count * sizeof *parts);
        }
        container->parts = parts;
        container->capacity = larger;
    }
    memmove(&container->parts[index + 1], &container->parts[index],
            (container->count - index) * sizeof *container->parts);
    container->parts[index] = (fhs_tree_part){name, value};
    container->count++;
    return true;
}

void fhs_tree_remove(fhs_tree *container, uint32_t index)
{
    container->count--;
    memmove(&container->parts[index], &container->parts[index + 1],
            (container->count - index) * sizeof *container->parts);
}

uint32_t fhs_tree_count(const fhs_tree *node)
{
    uint32_t count = 1;
    for (uint32_t i = 0; node->is_open && i < node->count; i++) {
        count += fhs_tree_count(node->parts[i].value);
    }
    return count;
}

static uint32_t json_height(const fhs_json *json)
{
    uint32_t most = 0;
    if (json->type != FHS_JSON_ARRAY && json->type != FHS_JSON_OBJECT) {
        return 0;
    }
    for (uint32_t i = 0; i < json->count; i++) {
        const fhs_json *part = json->type == FHS_JSON_OBJECT ? &json->members[i].value
                                                             : &json->items[i];
        uint32_t height = json_height(part);
        most = height > most ? height : most;
    }
    return most + 1;
}

uint32_t fhs_tree_height(const fhs_tree *node)
{
    uint32_t most = 0;
    if (!fhs_tree_is_container(node)) {
        return 0;
    }
    if (!node->is_open) {
        return json_height(node->json);
    }
    for (uint32_t i = 0; i < node->count; i++) {
        uint32_t height = fhs_tree_height(node->parts[i].value);
        most = height > most ? height : most;
    }
    return most + 1;
}

/* By value: 1 equals 1.0. Numbers that no decimal holds are equal only as they are written. */
static bool equal_numbers(fhs_str a, fhs_str b)
{
    fhs_decimal first;
    fhs_decimal second;
    return fhs_str_eq(a, b) || (fhs_decimal_parse(a, &first) && fhs_decimal_parse(b, &second) &&
                                fhs_decimal_compare(&first, &second) == 0);
}

bool fhs_tree_equal(fhs_arena *arena, fhs_tree *a, fhs_tree *b, bool *no_memory)
{
    if (a->type != b->type) {
        return false;
    }
    if (a->type == FHS_JSON_NUMBER) {
        return equal_numbers(a->json->text, b->json->text);
    }
    if (!fhs_tree_is_container(a)) {
        return a->type != FHS_JSON_STRING || fhs_str_eq(a->json->text, b->json->text);
    }
    if (!fhs_tree_open(arena, a) || !fhs_tree_open(arena, b)) {
        *no_memory = true;
        return false;
    }
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        uint32_t other = i;
        if (a->type == FHS_JSON_OBJECT && !fhs_str_eq(a->parts[i].name, b->parts[i].name)) {
            other = fhs_tree_find(b, a->parts[i].name);
        }
        same = other < b->count &&
               fhs_tree_equal(arena, a->parts[i].value, b->parts[other].value, no_memory);
    }
    return same;
}

void fhs_tree_write(const fhs_tree *node, fhs_buf *out)
{
    if (!node->is_open) {
        fhs_json_write_compact(out, node->source, node->json);
        return;
    }
    const bool is_object = node->type == FHS_JSON_OBJECT;
    fhs_buf_add_char(out, is_object ? '{' : '[');
    for (uint32_t i = 0; i < node->count && out->failed >= FHIRSTORE_OK; i++) {
        if (i > 0) {
            fhs_buf_add_char(out, ',');
        }
        if (is_object) {
            fhs_json_write_string(out, node->parts[i].name);
            fhs_buf_add_char(out, ':');
        }
        fhs_tree_write(node->parts[i].value, out);
    }
    fhs_buf_add_char(out, is_object ? '}' : ']');
}
