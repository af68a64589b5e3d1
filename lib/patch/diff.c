/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FHIRPath Patch from one resource to another. Within an object what is new and what differs
 * comes first and what goes comes last, so that no object is empty on the way; likewise in lists.
 */
#include <string.h>

#include "base/limits.h"
#include "patch/element.h"
#include "patch/patch.h"

/* Lists whose product of lengths is above this are compared place by place. */
#define MAX_ALIGNMENT 250000u
/* Longer lists are not looked at for a new order. */
#define MAX_REORDERED 64u

/* One side of a comparison: a value and what stands beside it. Either may be NULL. */
typedef struct side {
    const fhs_json *value;
    const fhs_json *beside;
} side;

typedef struct differing {
    const fhs_fhir *fhir;
    fhs_arena *arena;
    fhs_str source; /* the text of the new resource */
    fhs_buf *out;
    fhs_buf path;
    fhs_type parameter_type;
    bool is_first;
    bool is_unknown; /* something differs that the definitions do not know */
    bool no_memory;
} differing;

/* What an element is, and what its path and its operations call it. */
typedef struct element_kind {
    fhs_type type;
    fhs_str name; /* without the type of a choice */
    bool is_list;
} element_kind;

static bool element_of(const differing *work, fhs_type type, fhs_str member, element_kind *out)
{
    fhs_property property;
    if (type == FHS_TYPE_NONE || !fhs_property_find(work->fhir, type, member, &property)) {
        return false;
    }
    *out = (element_kind){property.type, member, (property.flags & FHS_ELEMENT_LIST) != 0};
    if ((property.flags & FHS_ELEMENT_CHOICE) != 0) {
        out->name = fhs_element_at(work->fhir, property.owner, property.element).name;
    }
    return true;
}

static bool same_value(const fhs_json *a, const fhs_json *b)
{
    bool a_is_null = a == NULL || a->type == FHS_JSON_NULL;
    bool b_is_null = b == NULL || b->type == FHS_JSON_NULL;
    return a_is_null || b_is_null ? a_is_null && b_is_null : fhs_json_equal(a, b);
}

static bool same_side(side a, side b)
{
    return same_value(a.value, b.value) && same_value(a.beside, b.beside);
}

static bool is_nothing(const fhs_json *json)
{
    return json == NULL || json->type == FHS_JSON_NULL;
}

/* ---- writing values ---- */

static void write_value(differing *work, fhs_type type, side value, uint32_t depth);

static const fhs_json *member_beside(const fhs_json *object, fhs_str name)
{
    for (uint32_t i = 0; i < object->count; i++) {
        fhs_str member = object->members[i].name;
        if (member.len == name.len + 1 && member.ptr[0] == '_' &&
            memcmp(member.ptr + 1, name.ptr, name.len) == 0) {
            return &object->members[i].value;
        }
    }
    return NULL;
}

static bool is_beside_name(fhs_str name)
{
    return name.len > 1 && name.ptr[0] == '_';
}

/* The element that member number @a index begins; false: it was begun by the other one of a pair.
 */
static bool element_at(const fhs_json *object, uint32_t index, fhs_str *name_out, side *out)
{
    const fhs_json_member *member = &object->members[index];
    *name_out = member->name;
    if (!is_beside_name(member->name)) {
        *out = (side){&member->value, member_beside(object, member->name)};
        return true;
    }
    *name_out = fhs_str_from(member->name, 1);
    *out = (side){fhs_json_get(object, *name_out), &member->value};
    return out->value == NULL;
}

/* How many items a list has: that of the longer one of the pair. */
static uint32_t side_count(side list)
{
    uint32_t values = fhs_json_is(list.value, FHS_JSON_ARRAY) ? list.value->count : 0;
    uint32_t others = fhs_json_is(list.beside, FHS_JSON_ARRAY) ? list.beside->count : 0;
    return values > others ? values : others;
}

static side side_item(side list, uint32_t index)
{
    bool has_value = fhs_json_is(list.value, FHS_JSON_ARRAY) && index < list.value->count;
    bool has_other = fhs_json_is(list.beside, FHS_JSON_ARRAY) && index < list.beside->count;
    return (side){has_value ? &list.value->items[index] : NULL,
                  has_other ? &list.beside->items[index] : NULL};
}

static bool is_list_side(side value)
{
    return fhs_json_is(value.value, FHS_JSON_ARRAY) || fhs_json_is(value.beside, FHS_JSON_ARRAY);
}

static void write_value_part(differing *work, fhs_str name, fhs_type type, side value,
                             uint32_t depth, bool *is_first)
{
    fhs_buf_add_cstr(work->out, *is_first ? "{\"name\":" : ",{\"name\":");
    *is_first = false;
    fhs_json_write_string(work->out, name);
    write_value(work, type, value, depth);
    fhs_buf_add_char(work->out, '}');
}

/* An element without a place in value[x]: its members as parts. */
static void write_parts(differing *work, fhs_type type, const fhs_json *object, uint32_t depth)
{
    bool is_first = true;
    fhs_buf_add_cstr(work->out, ",\"part\":[");
    for (uint32_t i = 0; i < object->count && depth > 0; i++) {
        fhs_str name;
        side value;
        element_kind kind;
        if (!element_at(object, i, &name, &value)) {
            continue;
        }
        if (!element_of(work, type, name, &kind)) {
            work->is_unknown = true;
            return;
        }
        uint32_t count = is_list_side(value) ? side_count(value) : 1;
        for (uint32_t k = 0; k < count; k++) {
            write_value_part(work, name, kind.type,
                             is_list_side(value) ? side_item(value, k) : value, depth - 1,
                             &is_first);
        }
    }
    work->is_unknown = work->is_unknown || depth == 0;
    fhs_buf_add_char(work->out, ']');
}

/* "valueQuantity" where Parameters has it; ptr NULL: it has no such value. */
static fhs_str value_member(differing *work, fhs_type type, char *text, size_t room)
{
    fhs_property property;
    fhs_str name = type == FHS_TYPE_NONE ? FHS_STR_NONE : fhs_type_name(work->fhir, type);
    if (fhs_str_eq(name, FHS_LIT("xhtml"))) {
        name = FHS_LIT("string");
    }
    if (name.len == 0 || name.len + 5 > room) {
        return FHS_STR_NONE;
    }
    memcpy(text, "value", 5);
    memcpy(text + 5, name.ptr, name.len);
    if (text[5] >= 'a' && text[5] <= 'z') {
        text[5] = (char)(text[5] - 'a' + 'A');
    }
    fhs_str member = fhs_str_of(text, name.len + 5);
    return fhs_property_find(work->fhir, work->parameter_type, member, &property) ? member
                                                                                  : FHS_STR_NONE;
}

static void write_value_member(differing *work, const char *prefix, fhs_str name,
                               const fhs_json *value)
{
    if (!is_nothing(value)) {
        fhs_buf_add_cstr(work->out, prefix);
        fhs_buf_add_str(work->out, name);
        fhs_buf_add_cstr(work->out, "\":");
        fhs_json_write_compact(work->out, work->source, value);
    }
}

static void write_value(differing *work, fhs_type type, side value, uint32_t depth)
{
    char text[80];
    fhs_str member = value_member(work, type, text, sizeof text);
    if (fhs_json_is(value.value, FHS_JSON_OBJECT) &&
        fhs_json_get(value.value, FHS_LIT("resourceType")) != NULL) {
        write_value_member(work, ",\"", FHS_LIT("resource"), value.value);
    } else if (member.ptr != NULL) {
        write_value_member(work, ",\"", member, value.value);
        write_value_member(work, ",\"_", member, value.beside);
    } else if (fhs_json_is(value.value, FHS_JSON_OBJECT) && type != FHS_TYPE_NONE) {
        write_parts(work, type, value.value, depth);
    } else {
        work->is_unknown = true;
    }
}

/* ---- writing operations ---- */

static void begin_operation(differing *work, const char *verb)
{
    fhs_buf_add_cstr(work->out, work->is_first ? ",\"parameter\":[" : ",");
    work->is_first = false;
    fhs_buf_add_cstr(work->out,
                     "{\"name\":\"operation\",\"part\":[{\"name\":\"type\",\"valueCode\":\"");
    fhs_buf_add_cstr(work->out, verb);
    fhs_buf_add_cstr(work->out, "\"},{\"name\":\"path\",\"valueString\":");
    fhs_json_write_string(work->out, fhs_buf_str(&work->path));
    fhs_buf_add_char(work->out, '}');
}

static void end_operation(differing *work)
{
    fhs_buf_add_cstr(work->out, "]}");
}

static void say_number(differing *work, const char *name, uint32_t value)
{
    fhs_buf_addf(work->out, ",{\"name\":\"%s\",\"valueInteger\":%u}", name, value);
}

static void add_value(differing *work, fhs_type type, side value)
{
    fhs_buf_add_cstr(work->out, ",{\"name\":\"value\"");
    write_value(work, type, value, FHS_LIMIT_JSON_DEPTH / 3);
    fhs_buf_add_char(work->out, '}');
}

static void say_add(differing *work, const element_kind *kind, side value)
{
    begin_operation(work, "add");
    fhs_buf_add_cstr(work->out, ",{\"name\":\"name\",\"valueString\":");
    fhs_json_write_string(work->out, kind->name);
    fhs_buf_add_char(work->out, '}');
    add_value(work, kind->type, value);
    end_operation(work);
}

static void say_replace(differing *work, const element_kind *kind, side value)
{
    begin_operation(work, "replace");
    add_value(work, kind->type, value);
    end_operation(work);
}

static void say_delete(differing *work)
{
    begin_operation(work, "delete");
    end_operation(work);
}

/* Path work: what is added to the path is cut off again by its old length. */
static size_t path_down(differing *work, fhs_str name)
{
    size_t length = work->path.len;
    fhs_buf_add_char(&work->path, '.');
    fhs_buf_add_str(&work->path, name);
    return length;
}

static size_t path_item(differing *work, uint32_t index)
{
    size_t length = work->path.len;
    fhs_buf_addf(&work->path, "[%u]", index);
    return length;
}

static void path_up(differing *work, size_t length)
{
    work->path.len = length;
}

/* ---- comparing ---- */

static void diff_object(differing *work, fhs_type type, const fhs_json *a, const fhs_json *b,
                        const fhs_str *skip, size_t skip_count);

/* The same kind of thing on both sides: go into it; else replace it. */
static void diff_one(differing *work, const element_kind *kind, side a, side b)
{
    fhs_type type = kind->type;
    fhs_str a_name;
    fhs_str b_name;
    if (same_side(a, b)) {
        return;
    }
    bool both_are_objects = fhs_json_is(a.value, FHS_JSON_OBJECT) &&
                            fhs_json_is(b.value, FHS_JSON_OBJECT) && type != FHS_TYPE_NONE;
    if (both_are_objects && fhs_type_is_abstract(work->fhir, type)) {
        both_are_objects = fhs_json_get_string(a.value, FHS_LIT("resourceType"), &a_name) &&
                           fhs_json_get_string(b.value, FHS_LIT("resourceType"), &b_name) &&
                           fhs_str_eq(a_name, b_name);
        type = both_are_objects ? fhs_type_find(work->fhir, a_name) : type;
    }
    if (both_are_objects && b.value->count > 0) {
        diff_object(work, type, a.value, b.value, NULL, 0);
    } else {
        say_replace(work, kind, b);
    }
}

static void diff_item(differing *work, const element_kind *kind, uint32_t place, side a, side b)
{
    size_t length = path_item(work, place);
    diff_one(work, kind, a, b);
    path_up(work, length);
}

/* Put an item before the one at @a place of a list of @a count; the path is that of the list. */
static void insert_item(differing *work, const element_kind *kind, uint32_t place, side item)
{
    begin_operation(work, "insert");
    say_number(work, "index", place);
    add_value(work, kind->type, item);
    end_operation(work);
}

static void delete_item(differing *work, uint32_t place)
{
    size_t length = path_item(work, place);
    say_delete(work);
    path_up(work, length);
}

/* A run of items that differ, between others that do not. */
static void diff_run(differing *work, const element_kind *kind, side a, uint32_t a_at,
                     uint32_t a_end, side b, uint32_t b_at, uint32_t b_end)
{
    uint32_t place = b_at; /* all before it is as it is to be */
    while (a_at < a_end && b_at < b_end) {
        diff_item(work, kind, place++, side_item(a, a_at++), side_item(b, b_at++));
    }
    while (b_at < b_end) {
        insert_item(work, kind, place++, side_item(b, b_at++));
    }
    for (uint32_t left = a_end - a_at; left > 0; left--) {
        delete_item(work, place);
    }
}

/* lengths[i * (m + 1) + k]: the longest common rest of a[i…] and b[k…]. */
static uint32_t *common_rests(differing *work, side a, uint32_t n, side b, uint32_t m,
                              uint32_t from)
{
    size_t width = (size_t)m + 1;
    uint32_t *lengths = fhs_arena_calloc(work->arena, ((size_t)n + 1) * width, sizeof *lengths);
    for (uint32_t i = n; lengths != NULL && i > 0; i--) {
        for (uint32_t k = m; k > 0; k--) {
            uint32_t *here = &lengths[(i - 1) * width + (k - 1)];
            uint32_t down = lengths[i * width + (k - 1)];
            uint32_t right = lengths[(i - 1) * width + k];
            bool same = same_side(side_item(a, from + i - 1), side_item(b, from + k - 1));
            *here = same ? lengths[i * width + k] + 1 : down > right ? down : right;
        }
    }
    work->no_memory = work->no_memory || lengths == NULL;
    return lengths;
}

static void diff_aligned(differing *work, const element_kind *kind, side a, uint32_t n, side b,
                         uint32_t m, uint32_t from)
{
    size_t width = (size_t)m + 1;
    uint32_t i = 0;
    uint32_t k = 0;
    uint32_t run_i = 0;
    uint32_t run_k = 0;
    const uint32_t *lengths = common_rests(work, a, n, b, m, from);
    while (lengths != NULL && i < n && k < m) {
        if (same_side(side_item(a, from + i), side_item(b, from + k))) {
            diff_run(work, kind, a, from + run_i, from + i, b, from + run_k, from + k);
            run_i = ++i;
            run_k = ++k;
        } else if (lengths[(i + 1) * width + k] >= lengths[i * width + k + 1]) {
            i++;
        } else {
            k++;
        }
    }
    diff_run(work, kind, a, from + run_i, from + n, b, from + run_k, from + m);
}

/* The same items in another order: moves. False: they are not the same. */
static bool diff_order(differing *work, side a, side b, uint32_t from, uint32_t count)
{
    uint32_t order[MAX_REORDERED];
    bool taken[MAX_REORDERED] = {false};
    if (count > MAX_REORDERED) {
        return false;
    }
    /* order[k]: which item of a comes k-th. */
    for (uint32_t k = 0; k < count; k++) {
        uint32_t i = 0;
        while (i < count &&
               (taken[i] || !same_side(side_item(a, from + i), side_item(b, from + k)))) {
            i++;
        }
        if (i == count) {
            return false;
        }
        taken[i] = true;
        order[k] = i;
    }
    for (uint32_t k = 0; k < count; k++) {
        if (order[k] == k) {
            continue;
        }
        begin_operation(work, "move");
        say_number(work, "source", from + order[k]);
        say_number(work, "destination", from + k);
        end_operation(work);
        /* What stood between has moved up by one; the rest is counted from there. */
        for (uint32_t later = k + 1; later < count; later++) {
            order[later] += order[later] < order[k];
        }
    }
    return true;
}

static void diff_list(differing *work, const element_kind *kind, side a, side b)
{
    uint32_t n = side_count(a);
    uint32_t m = side_count(b);
    uint32_t from = 0;
    while (from < n && from < m && same_side(side_item(a, from), side_item(b, from))) {
        from++;
    }
    while (n > from && m > from && same_side(side_item(a, n - 1), side_item(b, m - 1))) {
        n--;
        m--;
    }
    n -= from;
    m -= from;
    if (n == m && n > 0 && diff_order(work, a, b, from, n)) {
        return;
    }
    if (n == m || n == 0 || m == 0 || (uint64_t)n * m > MAX_ALIGNMENT) {
        diff_run(work, kind, a, from, from + n, b, from, from + m);
    } else {
        diff_aligned(work, kind, a, n, b, m, from);
    }
}

static bool is_skipped(fhs_str name, const fhs_str *skip, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fhs_str_eq(name, skip[i])) {
            return true;
        }
    }
    return fhs_str_eq(name, FHS_LIT("resourceType"));
}

/* The element called @a name (a choice in any type) of an object. */
static side find_side(const differing *work, fhs_type type, const fhs_json *object, fhs_str name,
                      fhs_type *type_out)
{
    for (uint32_t i = 0; i < object->count; i++) {
        fhs_str member;
        side found;
        element_kind kind;
        if (element_at(object, i, &member, &found) && element_of(work, type, member, &kind) &&
            fhs_str_eq(kind.name, name)) {
            *type_out = kind.type;
            return found;
        }
    }
    return (side){NULL, NULL};
}

static bool has_side(side value)
{
    return value.value != NULL || value.beside != NULL;
}

/* What is in the new object: added or changed. */
static void diff_present(differing *work, fhs_type type, const fhs_json *a, fhs_str name, side b)
{
    element_kind kind;
    if (!element_of(work, type, name, &kind)) {
        const fhs_json *old = fhs_json_get(a, name);
        work->is_unknown = work->is_unknown || old == NULL ||
                           !same_side((side){old, NULL}, (side){b.value, NULL});
        return;
    }
    fhs_type old_type = kind.type;
    side old = find_side(work, type, a, kind.name, &old_type);
    if (!has_side(old)) {
        uint32_t count = is_list_side(b) ? side_count(b) : 1;
        for (uint32_t i = 0; i < count; i++) {
            say_add(work, &kind, is_list_side(b) ? side_item(b, i) : b);
        }
        return;
    }
    size_t length = path_down(work, kind.name);
    if (is_list_side(old) || is_list_side(b)) {
        diff_list(work, &kind, old, b);
    } else if (old_type != kind.type) {
        say_replace(work, &kind, b); /* a choice of another type */
    } else {
        diff_one(work, &kind, old, b);
    }
    path_up(work, length);
}

static void diff_absent(differing *work, fhs_type type, fhs_str name, side a)
{
    element_kind kind;
    if (!element_of(work, type, name, &kind)) {
        work->is_unknown = true;
        return;
    }
    size_t length = path_down(work, kind.name);
    if (!is_list_side(a)) {
        say_delete(work);
    }
    for (uint32_t left = is_list_side(a) ? side_count(a) : 0; left > 0; left--) {
        delete_item(work, left - 1);
    }
    path_up(work, length);
}

/* Depth is bounded: both trees came through the reader. */
static void diff_object(differing *work, fhs_type type, const fhs_json *a, const fhs_json *b,
                        const fhs_str *skip, size_t skip_count)
{
    fhs_str name;
    side value;
    element_kind kind;
    fhs_type unused;
    for (uint32_t i = 0; i < b->count; i++) {
        if (element_at(b, i, &name, &value) && !is_skipped(name, skip, skip_count)) {
            diff_present(work, type, a, name, value);
        }
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (!element_at(a, i, &name, &value) || is_skipped(name, skip, skip_count)) {
            continue;
        }
        bool is_kept = element_of(work, type, name, &kind)
                           ? has_side(find_side(work, type, b, kind.name, &unused))
                           : fhs_json_get(b, name) != NULL;
        if (!is_kept) {
            diff_absent(work, type, name, value);
        }
    }
}

/* "meta" without what the store owns of it. */
static void diff_meta(differing *work, fhs_type type, const fhs_json *a, const fhs_json *b)
{
    static const fhs_str own[] = {FHS_LIT_INIT("versionId"), FHS_LIT_INIT("lastUpdated")};
    static const fhs_json empty = {.type = FHS_JSON_OBJECT};
    element_kind kind;
    bool are_objects = (a == NULL || a->type == FHS_JSON_OBJECT) &&
                       (b == NULL || b->type == FHS_JSON_OBJECT);
    if (!are_objects || !element_of(work, type, FHS_LIT("meta"), &kind) ||
        fhs_json_equal_but(a == NULL ? &empty : a, b == NULL ? &empty : b, own,
                           FHS_COUNT_OF(own))) {
        return;
    }
    if (a == NULL) {
        say_add(work, &kind, (side){b, NULL});
        return;
    }
    size_t length = path_down(work, kind.name);
    diff_object(work, kind.type, a, b == NULL ? &empty : b, own, FHS_COUNT_OF(own));
    path_up(work, length);
}

static fhirstore_status check_pair(const fhs_json *a, const fhs_json *b, fhs_str *name,
                                   fhirstore_error **err)
{
    fhs_str other;
    if (!fhs_json_get_string(a, FHS_LIT("resourceType"), name) ||
        !fhs_json_get_string(b, FHS_LIT("resourceType"), &other) || !fhs_str_eq(*name, other)) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                        "a difference is that of two resources of one type");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status diff_end(differing *work, fhirstore_error **err)
{
    fhirstore_status status = fhs_buf_status(work->out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_buf_status(&work->path);
    }
    if (work->no_memory) {
        return fhs_fail_memory(err);
    }
    if (status >= FHIRSTORE_OK && work->is_unknown) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED,
                        "the resources differ in an element that FHIR's definitions do not know");
    }
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

fhirstore_status fhs_patch_diff(fhs_arena *arena, const fhs_fhir *fhir, fhs_str from, fhs_str to,
                                fhs_buf *out, fhirstore_error **err)
{
    static const fhs_str own[] = {FHS_LIT_INIT("id"), FHS_LIT_INIT("meta")};
    const fhs_json *a;
    const fhs_json *b = NULL;
    fhs_str name = FHS_STR_NONE;
    fhirstore_status status = fhs_json_read(arena, from, NULL, &a, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_json_read(arena, to, NULL, &b, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = check_pair(a, b, &name, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    differing work = {.fhir = fhir,
                      .arena = arena,
                      .source = to,
                      .out = out,
                      .path = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES),
                      .parameter_type = fhs_type_find(fhir, FHS_LIT("Parameters.parameter")),
                      .is_first = true};
    fhs_type type = fhs_type_find(fhir, name);
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Parameters\"");
    fhs_buf_add_str(&work.path, name);
    diff_meta(&work, type, fhs_json_get(a, own[1]), fhs_json_get(b, own[1]));
    diff_object(&work, type, a, b, own, FHS_COUNT_OF(own));
    fhs_buf_add_cstr(out, work.is_first ? "}" : "]}");
    status = diff_end(&work, err);
    fhs_buf_clear(&work.path);
    return status;
}
