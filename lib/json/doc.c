/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node is a cJSON item. cJSON's own parser, printer and lookups are not used: they change
 * numbers, cut strings and compare names without regard to case. Strings are made with cJSON's
 * allocator, whatever the host set it to, because cJSON_Delete() releases them with it.
 */
#include "json/doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "json/json_internal.h"

static fhs_doc *as_doc(cJSON *item)
{
    return (fhs_doc *)(void *)item;
}

static cJSON *as_item(fhs_doc *node)
{
    return (cJSON *)(void *)node;
}

static const cJSON *as_const_item(const fhs_doc *node)
{
    return (const cJSON *)(const void *)node;
}

/* ---- making ---- */

/* A copy for an item to own; NULL also for text that C could not see to its end. */
static char *copy_doc_text(fhs_str text)
{
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
        return NULL;
    }
    char *copy = text.len == SIZE_MAX ? NULL : cJSON_malloc(text.len + 1);
    if (copy != NULL) {
        if (text.len > 0) {
            memcpy(copy, text.ptr, text.len);
        }
        copy[text.len] = '\0';
    }
    return copy;
}

/* The host's release function may not care for NULL. */
static void release_text(char *text)
{
    if (text != NULL) {
        cJSON_free(text);
    }
}

static fhs_doc *new_doc_text(int type, fhs_str text)
{
    cJSON *item = cJSON_CreateNull();
    if (item == NULL) {
        return NULL;
    }
    item->type = type;
    item->valuestring = copy_doc_text(text);
    if (item->valuestring == NULL) {
        cJSON_Delete(item);
        return NULL;
    }
    return as_doc(item);
}

fhs_doc *fhs_doc_new_object(void)
{
    return as_doc(cJSON_CreateObject());
}

fhs_doc *fhs_doc_new_array(void)
{
    return as_doc(cJSON_CreateArray());
}

fhs_doc *fhs_doc_new_string(fhs_str text)
{
    return new_doc_text(cJSON_String, text);
}

fhs_doc *fhs_doc_new_number(fhs_str lexeme)
{
    return new_doc_text(cJSON_Raw, lexeme);
}

fhs_doc *fhs_doc_new_int(int64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    return fhs_doc_new_number(fhs_str_of(digits, (size_t)length));
}

fhs_doc *fhs_doc_new_bool(bool value)
{
    return as_doc(cJSON_CreateBool(value));
}

fhs_doc *fhs_doc_new_null(void)
{
    return as_doc(cJSON_CreateNull());
}

void fhs_doc_free(fhs_doc *root)
{
    /* Edits may nest without bound, so children move up into the list instead of being recursed
     * into. */
    cJSON *item = as_item(root);
    while (item != NULL) {
        if (item->child != NULL) {
            item->child->prev->next = item->next; /* the first child's prev is the last one */
            item->next = item->child;
            item->child = NULL;
        }
        cJSON *next = item->next;
        item->next = NULL;
        cJSON_Delete(item);
        item = next;
    }
}

fhs_doc *fhs_doc_copy(const fhs_doc *node)
{
    if (!fhs_doc_is_within_depth(node, FHS_JSON_DEPTH_MAX)) {
        return NULL;
    }
    cJSON *copy = cJSON_Duplicate(as_const_item(node), true);
    if (copy != NULL) {
        release_text(copy->string); /* a root has no name */
        copy->string = NULL;
    }
    return as_doc(copy);
}

/* ---- reading and writing ---- */

/* Copy the parts of @a value into @a doc; recursion is as deep as the reader allowed. */
static bool copy_parts(const fhs_json *value, fhs_doc *doc)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < value->count; i++) {
        if (value->type == FHS_JSON_OBJECT) {
            const fhs_json_member *member = &value->members[i];
            ok = fhs_doc_add(doc, member->name, fhs_doc_from_json(&member->value));
        } else {
            ok = fhs_doc_push(doc, fhs_doc_from_json(&value->items[i]));
        }
    }
    return ok;
}

fhs_doc *fhs_doc_from_json(const fhs_json *value)
{
    fhs_doc *doc = NULL;
    switch ((fhs_json_type)value->type) {
    case FHS_JSON_NULL:
        return fhs_doc_new_null();
    case FHS_JSON_FALSE:
    case FHS_JSON_TRUE:
        return fhs_doc_new_bool(value->type == FHS_JSON_TRUE);
    case FHS_JSON_NUMBER:
        return fhs_doc_new_number(value->text);
    case FHS_JSON_STRING:
        return fhs_doc_new_string(value->text);
    case FHS_JSON_ARRAY:
        doc = fhs_doc_new_array();
        break;
    case FHS_JSON_OBJECT:
        doc = fhs_doc_new_object();
        break;
    }
    if (doc != NULL && !copy_parts(value, doc)) {
        fhs_doc_free(doc);
        doc = NULL;
    }
    return doc;
}

fhirstore_status fhs_doc_parse(fhs_str text, const fhs_json_limits *limits, fhs_doc **root_out,
                               fhirstore_error **err)
{
    fhs_arena arena;
    const fhs_json *tree;
    *root_out = NULL;
    fhs_arena_init(&arena, SIZE_MAX);
    fhirstore_status status = fhs_json_read(&arena, text, limits, &tree, err);
    if (status == FHIRSTORE_OK) {
        *root_out = fhs_doc_from_json(tree);
        status = *root_out == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    fhs_arena_clear(&arena);
    return status;
}

static bool write_doc_item(const cJSON *item, fhs_buf *out, uint32_t levels_left);

static bool write_doc_parts(const cJSON *item, fhs_buf *out, uint32_t levels_left)
{
    bool is_object = cJSON_IsObject(item);
    bool ok = levels_left > 0;
    fhs_buf_add_char(out, is_object ? '{' : '[');
    for (const cJSON *part = item->child; ok && part != NULL; part = part->next) {
        if (part != item->child) {
            fhs_buf_add_char(out, ',');
        }
        if (is_object) {
            fhs_json_write_string(out, fhs_str_from_cstr(part->string));
            fhs_buf_add_char(out, ':');
        }
        ok = write_doc_item(part, out, levels_left - 1);
    }
    fhs_buf_add_char(out, is_object ? '}' : ']');
    return ok;
}

static bool write_doc_item(const cJSON *item, fhs_buf *out, uint32_t levels_left)
{
    switch (item->type & 0xFF) {
    case cJSON_False:
        fhs_buf_add_cstr(out, "false");
        return true;
    case cJSON_True:
        fhs_buf_add_cstr(out, "true");
        return true;
    case cJSON_Raw:
        fhs_buf_add_cstr(out, item->valuestring);
        return true;
    case cJSON_String:
        fhs_json_write_string(out, fhs_str_from_cstr(item->valuestring));
        return true;
    case cJSON_Array:
    case cJSON_Object:
        return write_doc_parts(item, out, levels_left);
    default:
        fhs_buf_add_cstr(out, "null");
        return true;
    }
}

fhirstore_status fhs_doc_write(const fhs_doc *node, fhs_buf *out, fhirstore_error **err)
{
    if (!write_doc_item(as_const_item(node), out, FHS_JSON_DEPTH_MAX)) {
        return fhs_fail(err, FHIRSTORE_ERR_JSON_DEPTH, "JSON is nested deeper than %u levels",
                        FHS_JSON_DEPTH_MAX);
    }
    fhirstore_status status = fhs_buf_status(out);
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(err, status);
}

static bool is_shallow_item(const cJSON *item, uint32_t levels_left)
{
    if (!cJSON_IsObject(item) && !cJSON_IsArray(item)) {
        return true;
    }
    bool ok = levels_left > 0;
    for (const cJSON *part = item->child; ok && part != NULL; part = part->next) {
        ok = is_shallow_item(part, levels_left - 1);
    }
    return ok;
}

bool fhs_doc_is_within_depth(const fhs_doc *node, uint32_t depth)
{
    return is_shallow_item(as_const_item(node),
                           depth < FHS_JSON_DEPTH_MAX ? depth : FHS_JSON_DEPTH_MAX);
}

/* ---- asking ---- */

fhs_json_type fhs_doc_type(const fhs_doc *node)
{
    switch (as_const_item(node)->type & 0xFF) {
    case cJSON_False:
        return FHS_JSON_FALSE;
    case cJSON_True:
        return FHS_JSON_TRUE;
    case cJSON_Raw:
        return FHS_JSON_NUMBER;
    case cJSON_String:
        return FHS_JSON_STRING;
    case cJSON_Array:
        return FHS_JSON_ARRAY;
    case cJSON_Object:
        return FHS_JSON_OBJECT;
    default:
        return FHS_JSON_NULL;
    }
}

fhs_str fhs_doc_text(const fhs_doc *node)
{
    return fhs_str_from_cstr(as_const_item(node)->valuestring);
}

fhs_str fhs_doc_name(const fhs_doc *node)
{
    return fhs_str_from_cstr(as_const_item(node)->string);
}

size_t fhs_doc_count(const fhs_doc *node)
{
    size_t count = 0;
    for (const cJSON *part = as_const_item(node)->child; part != NULL; part = part->next) {
        count++;
    }
    return count;
}

fhs_doc *fhs_doc_get(const fhs_doc *object, fhs_str name)
{
    const cJSON *item = as_const_item(object);
    if (item == NULL || !cJSON_IsObject(item)) {
        return NULL;
    }
    for (cJSON *part = item->child; part != NULL; part = part->next) {
        if (fhs_str_eq(fhs_str_from_cstr(part->string), name)) {
            return as_doc(part);
        }
    }
    return NULL;
}

fhs_doc *fhs_doc_at(const fhs_doc *container, size_t index)
{
    cJSON *part = as_const_item(container)->child;
    for (; part != NULL && index > 0; index--) {
        part = part->next;
    }
    return as_doc(part);
}

fhs_doc *fhs_doc_first(const fhs_doc *container)
{
    return as_doc(as_const_item(container)->child);
}

fhs_doc *fhs_doc_next(const fhs_doc *part)
{
    return as_doc(as_const_item(part)->next);
}

/* ---- building and editing ---- */

/* Give @a item the name it has in its new parent; an array's items have none. */
static bool rename_item(cJSON *item, fhs_str name)
{
    char *copy = name.ptr == NULL ? NULL : copy_doc_text(name);
    if (name.ptr != NULL && copy == NULL) {
        return false;
    }
    release_text(item->string);
    item->string = copy;
    return true;
}

/* Put @a child behind the parts of @a container. */
static bool append_doc_part(fhs_doc *container, fhs_str name, fhs_doc *child)
{
    if (container == NULL || child == NULL || !rename_item(as_item(child), name) ||
        !cJSON_AddItemToArray(as_item(container), as_item(child))) {
        fhs_doc_free(child);
        return false;
    }
    return true;
}

bool fhs_doc_add(fhs_doc *object, fhs_str name, fhs_doc *child)
{
    return append_doc_part(object, name.ptr == NULL ? FHS_LIT("") : name, child);
}

bool fhs_doc_add_string(fhs_doc *object, fhs_str name, fhs_str text)
{
    return fhs_doc_add(object, name, fhs_doc_new_string(text));
}

bool fhs_doc_push(fhs_doc *array, fhs_doc *child)
{
    return append_doc_part(array, FHS_STR_NONE, child);
}

fhs_doc *fhs_doc_add_object(fhs_doc *object, fhs_str name)
{
    fhs_doc *child = fhs_doc_new_object();
    return fhs_doc_add(object, name, child) ? child : NULL;
}

fhs_doc *fhs_doc_add_array(fhs_doc *object, fhs_str name)
{
    fhs_doc *child = fhs_doc_new_array();
    return fhs_doc_add(object, name, child) ? child : NULL;
}

fhs_doc *fhs_doc_push_object(fhs_doc *array)
{
    fhs_doc *child = fhs_doc_new_object();
    return fhs_doc_push(array, child) ? child : NULL;
}

bool fhs_doc_set(fhs_doc *object, fhs_str name, fhs_doc *child)
{
    fhs_doc *old = fhs_doc_get(object, name);
    return old == NULL ? fhs_doc_add(object, name, child) : fhs_doc_replace(object, old, child);
}

bool fhs_doc_insert(fhs_doc *array, size_t index, fhs_doc *child)
{
    fhs_doc *behind = fhs_doc_at(array, index);
    if (behind == NULL) {
        if (index == fhs_doc_count(array)) {
            return fhs_doc_push(array, child);
        }
        fhs_doc_free(child);
        return false;
    }
    if (child == NULL) {
        return false;
    }
    cJSON *item = as_item(child);
    cJSON *next = as_item(behind);
    (void)rename_item(item, FHS_STR_NONE);
    item->next = next;
    item->prev = next->prev; /* of the first item that is the last one, as it has to be */
    next->prev = item;
    if (index == 0) {
        as_item(array)->child = item;
    } else {
        item->prev->next = item;
    }
    return true;
}

bool fhs_doc_replace(fhs_doc *container, fhs_doc *part, fhs_doc *child)
{
    if (child == NULL) {
        return false;
    }
    cJSON *item = as_item(child);
    cJSON *old = as_item(part);
    release_text(item->string);
    item->string = old->string; /* the name moves over */
    old->string = NULL;
    cJSON *parent = as_item(container);
    item->next = old->next;
    item->prev = old->prev == old ? item : old->prev;
    if (item->next != NULL) {
        item->next->prev = item;
    }
    if (parent->child == old) {
        parent->child = item;
    } else {
        item->prev->next = item;
    }
    if (item->next == NULL) {
        parent->child->prev = item; /* the first one knows the last */
    }
    old->next = NULL;
    old->prev = NULL;
    fhs_doc_free(part);
    return true;
}

fhs_doc *fhs_doc_detach(fhs_doc *container, fhs_doc *part)
{
    cJSON *item = cJSON_DetachItemViaPointer(as_item(container), as_item(part));
    if (item != NULL) {
        (void)rename_item(item, FHS_STR_NONE);
    }
    return as_doc(item);
}

void fhs_doc_remove(fhs_doc *container, fhs_doc *part)
{
    fhs_doc_free(fhs_doc_detach(container, part));
}
