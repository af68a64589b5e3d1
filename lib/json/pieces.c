/* SPDX-License-Identifier: Apache-2.0 */
/* What was read in pieces, gone through once more: item by item, never as a whole. */
#include "json/cursor.h"
#include "json/json_internal.h"

/* The next item of an array that is known to be valid; DONE behind the last one. */
static fhirstore_status next_item(fhs_arena *arena, fhs_json_cursor *cursor,
                                  const fhs_json_watch *watch, const fhs_json **item_out,
                                  fhirstore_error **err)
{
    fhs_str name;
    fhs_str value;
    fhirstore_status status = fhs_json_cursor_next(cursor, &name, &value, NULL, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_json_read(arena, value, NULL, item_out, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_json_tell(watch, cursor->at);
        return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : status;
    }
    return status;
}

fhirstore_status
fhs_json_each_item(fhs_arena *arena, const fhs_json_text *of, const fhs_json *array,
                   fhirstore_status (*visit)(void *ctx, const fhs_json *item, bool *keep),
                   void *ctx, fhirstore_error **err)
{
    fhs_json_cursor cursor;
    const fhs_json *item;
    fhirstore_status status = fhs_json_cursor_open(of->text, array->begin, &cursor, err);
    while (status == FHIRSTORE_OK) {
        fhs_arena_mark mark = fhs_arena_here(arena);
        bool keep = false;
        status = next_item(arena, &cursor, of->watch, &item, err);
        if (status == FHIRSTORE_OK) {
            status = visit(ctx, item, &keep);
        }
        if (!keep) {
            fhs_arena_rewind(arena, mark);
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* ---- equality ---- */

static fhirstore_status compare_item_lists(fhs_arena *arena, const fhs_json_text *a,
                                           const fhs_json *a_array, const fhs_json_text *b,
                                           const fhs_json *b_array, bool *equal_out,
                                           fhirstore_error **err)
{
    fhs_json_cursor a_cursor;
    fhs_json_cursor b_cursor;
    fhirstore_status status = fhs_json_cursor_open(a->text, a_array->begin, &a_cursor, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_json_cursor_open(b->text, b_array->begin, &b_cursor, err);
    }
    while (status == FHIRSTORE_OK && *equal_out) {
        const fhs_arena_mark mark = fhs_arena_here(arena);
        const fhs_json *a_item;
        const fhs_json *b_item;
        status = next_item(arena, &a_cursor, a->watch, &a_item, err);
        if (status == FHIRSTORE_OK) {
            status = next_item(arena, &b_cursor, b->watch, &b_item, err);
        }
        if (status == FHIRSTORE_OK) {
            *equal_out = fhs_json_equal(a_item, b_item);
        }
        fhs_arena_rewind(arena, mark);
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* One member of two roots, of which either may have been handed out. */
static fhirstore_status compare_member_values(fhs_arena *arena, const fhs_json_text *a,
                                              const fhs_json *a_value, const fhs_json_text *b,
                                              const fhs_json *b_value, bool *equal_out,
                                              fhirstore_error **err)
{
    if (a_value->type != b_value->type || a_value->count != b_value->count) {
        *equal_out = false;
        return FHIRSTORE_OK;
    }
    if (fhs_json_is_handed_out(a_value) || fhs_json_is_handed_out(b_value)) {
        return compare_item_lists(arena, a, a_value, b, b_value, equal_out, err);
    }
    *equal_out = fhs_json_equal(a_value, b_value);
    return FHIRSTORE_OK;
}

static bool is_name_of(fhs_str name, const fhs_str *names, size_t name_count)
{
    for (size_t i = 0; i < name_count; i++) {
        if (fhs_str_eq(name, names[i])) {
            return true;
        }
    }
    return false;
}

static uint32_t count_members(const fhs_json *root, const fhs_str *names, size_t name_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < root->count; i++) {
        count += is_name_of(root->members[i].name, names, name_count) ? 0 : 1;
    }
    return count;
}

fhirstore_status fhs_json_equal_texts(fhs_arena *arena, const fhs_json_text *a,
                                      const fhs_json_text *b, const fhs_str *names,
                                      size_t name_count, bool *equal_out, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_json_names finder = FHS_JSON_NAMES_INIT;
    uint32_t unused;
    *equal_out = count_members(a->root, names, name_count) ==
                 count_members(b->root, names, name_count);
    if (!*equal_out || b->root->count == 0) {
        return status;
    }
    if (!fhs_json_names_fill(&finder, b->root->members, b->root->count, &unused)) {
        return fhs_fail_memory(err);
    }
    for (uint32_t i = 0; i < a->root->count && status == FHIRSTORE_OK && *equal_out; i++) {
        const fhs_json_member *member = &a->root->members[i];
        if (is_name_of(member->name, names, name_count)) {
            continue;
        }
        const fhs_json_member *other = fhs_json_names_find(&finder, b->root->members, member->name);
        *equal_out = other != NULL;
        if (other != NULL) {
            status = compare_member_values(arena, a, &member->value, b, &other->value, equal_out,
                                           err);
        }
    }
    fhs_json_names_clear(&finder);
    return status;
}
