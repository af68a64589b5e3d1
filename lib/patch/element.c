/* SPDX-License-Identifier: Apache-2.0 */
#include "patch/element.h"

#include <string.h>

static const char out_of_memory[] = "out of memory";

static const char *fail_for_memory(bool *no_memory)
{
    *no_memory = true;
    return out_of_memory;
}

/* ---- where an element stands ---- */

/* What an object is: its declared type, or where that is abstract what its resourceType says. */
static fhs_type type_of_object(const fhs_editor *editor, const fhs_tree *object, fhs_type declared)
{
    fhs_str name = FHS_STR_NONE;
    if (declared != FHS_TYPE_NONE && !fhs_type_is_abstract(editor->fhir, declared)) {
        return declared;
    }
    if (!object->is_open) {
        (void)fhs_json_get_string(object->json, FHS_LIT("resourceType"), &name);
    } else {
        uint32_t index = fhs_tree_find(object, FHS_LIT("resourceType"));
        if (index < object->count && object->parts[index].value->type == FHS_JSON_STRING) {
            name = object->parts[index].value->json->text;
        }
    }
    return name.len == 0 ? declared : fhs_type_find(editor->fhir, name);
}

void fhs_spot_start(const fhs_editor *editor, fhs_tree *root, fhs_spot *place)
{
    place->root = root;
    place->depth = 0;
    place->root_type = root->type == FHS_JSON_OBJECT ? type_of_object(editor, root, FHS_TYPE_NONE)
                                                     : FHS_TYPE_NONE;
}

fhs_tree *fhs_spot_node(const fhs_spot *place)
{
    if (place->depth == 0) {
        return place->root;
    }
    const fhs_step *last = &place->steps[place->depth - 1];
    return last->container->parts[last->index].value;
}

static bool is_beside(fhs_str name)
{
    return name.len > 1 && name.ptr[0] == '_';
}

static fhs_str plain_name(fhs_str name)
{
    return is_beside(name) ? fhs_str_from(name, 1) : name;
}

fhs_type fhs_spot_type(const fhs_editor *editor, const fhs_spot *place)
{
    fhs_property property;
    if (place->depth == 0) {
        return place->root_type;
    }
    const fhs_step *last = &place->steps[place->depth - 1];
    fhs_type type = last->type;
    if (last->container->type == FHS_JSON_OBJECT) {
        fhs_str name = last->container->parts[last->index].name;
        if (type == FHS_TYPE_NONE ||
            !fhs_property_find(editor->fhir, type, plain_name(name), &property)) {
            return FHS_TYPE_NONE;
        }
        type = property.type;
    }
    fhs_tree *node = fhs_spot_node(place);
    return node->type == FHS_JSON_OBJECT ? type_of_object(editor, node, type) : type;
}

bool fhs_spot_step(const fhs_editor *editor, fhs_spot *place, uint32_t index)
{
    if (place->depth == FHS_LIMIT_JSON_DEPTH) {
        return false;
    }
    fhs_type type = fhs_spot_type(editor, place);
    fhs_tree *node = fhs_spot_node(place);
    place->steps[place->depth++] = (fhs_step){node, index, type};
    return true;
}

bool fhs_spot_is_item(const fhs_spot *place)
{
    return place->depth > 1 && place->steps[place->depth - 1].container->type == FHS_JSON_ARRAY;
}

/* The object that has the element, the member's plain name, and what the definitions say. */
typedef struct holder {
    fhs_tree *object;
    fhs_type type;
    fhs_str name;
    bool is_item;
    uint32_t index;
    uint32_t step; /* of the object in the place */
} holder;

static bool find_holder(const fhs_spot *place, holder *out)
{
    if (place->depth == 0) {
        return false;
    }
    out->is_item = fhs_spot_is_item(place);
    out->step = place->depth - 1 - out->is_item;
    const fhs_step *step = &place->steps[out->step];
    if (step->container->type != FHS_JSON_OBJECT) {
        return false;
    }
    out->object = step->container;
    out->type = step->type;
    out->name = plain_name(step->container->parts[step->index].name);
    out->index = place->steps[place->depth - 1].index;
    return true;
}

static fhs_str name_beside(const fhs_editor *editor, fhs_str name)
{
    char *text = fhs_arena_alloc(editor->arena, name.len + 1);
    if (text != NULL) {
        text[0] = '_';
        memcpy(text + 1, name.ptr, name.len);
    }
    return fhs_str_of(text, name.len + 1);
}

static bool fits_below(uint32_t depth, const fhs_new_value *value)
{
    uint32_t height = value->value == NULL ? 0 : fhs_tree_height(value->value);
    uint32_t other = value->beside == NULL ? 0 : fhs_tree_height(value->beside);
    return depth + 2 + (height > other ? height : other) <= FHS_LIMIT_JSON_DEPTH;
}

/* ---- members ---- */

/* The value of member @a name, open; NULL: none (or no memory, see *no_memory). */
static fhs_tree *open_member(const fhs_editor *editor, fhs_tree *object, fhs_str name,
                             bool *no_memory)
{
    uint32_t index = fhs_tree_find(object, name);
    if (index == object->count) {
        return NULL;
    }
    fhs_tree *value = object->parts[index].value;
    if (!fhs_tree_open(editor->arena, value)) {
        *no_memory = true;
        return NULL;
    }
    return value;
}

static void drop_member(fhs_tree *object, fhs_str name)
{
    uint32_t index = fhs_tree_find(object, name);
    if (index < object->count) {
        fhs_tree_remove(object, index);
    }
}

/* Set or remove (@a value NULL) a member; a new one goes behind member @a after, or to the end. */
static bool set_member(const fhs_editor *editor, fhs_tree *object, fhs_str name, fhs_tree *value,
                       fhs_str after)
{
    uint32_t index = fhs_tree_find(object, name);
    if (value == NULL) {
        drop_member(object, name);
        return true;
    }
    if (index < object->count) {
        object->parts[index].value = value;
        return true;
    }
    uint32_t place = fhs_tree_find(object, after);
    return fhs_tree_insert(editor->arena, object, place < object->count ? place + 1 : object->count,
                           name, value);
}

/* ---- lists, and what runs beside them ---- */

/* A list of elements: values and what stands beside them are of one length while it is changed. */
typedef struct list_pair {
    fhs_tree *object;
    fhs_str name;
    fhs_str other_name;
    fhs_tree *values; /* NULL: there are none */
    fhs_tree *others;
    uint32_t count;
} list_pair;

static bool pad_list(const fhs_editor *editor, fhs_tree *list, uint32_t count)
{
    while (list->count < count) {
        if (!fhs_tree_insert(editor->arena, list, list->count, FHS_STR_NONE,
                             fhs_tree_new_null(editor->arena))) {
            return false;
        }
    }
    return true;
}

static bool open_list(const fhs_editor *editor, fhs_tree *object, fhs_str name, list_pair *out)
{
    bool no_memory = false;
    *out = (list_pair){.object = object, .name = name};
    out->other_name = name_beside(editor, name);
    if (out->other_name.ptr == NULL) {
        return false;
    }
    out->values = open_member(editor, object, name, &no_memory);
    out->others = open_member(editor, object, out->other_name, &no_memory);
    if (out->values != NULL && out->values->type != FHS_JSON_ARRAY) {
        out->values = NULL;
    }
    if (out->others != NULL && out->others->type != FHS_JSON_ARRAY) {
        out->others = NULL;
    }
    out->count = out->values == NULL ? 0 : out->values->count;
    if (out->others != NULL && out->others->count > out->count) {
        out->count = out->others->count;
    }
    return !no_memory && (out->values == NULL || pad_list(editor, out->values, out->count)) &&
           (out->others == NULL || pad_list(editor, out->others, out->count));
}

/* Make sure of a list that is about to get something. */
static bool need_list(const fhs_editor *editor, const list_pair *pair, fhs_str name, fhs_str after,
                      fhs_tree **list)
{
    if (*list != NULL) {
        return true;
    }
    *list = fhs_tree_new(editor->arena, FHS_JSON_ARRAY);
    return *list != NULL && pad_list(editor, *list, pair->count) &&
           set_member(editor, pair->object, name, *list, after);
}

static bool insert_in_one(const fhs_editor *editor, fhs_tree *list, uint32_t index, fhs_tree *value)
{
    return list == NULL ||
           fhs_tree_insert(editor->arena, list, index, FHS_STR_NONE,
                           value == NULL ? fhs_tree_new_null(editor->arena) : value);
}

static bool insert_in_list(const fhs_editor *editor, list_pair *pair, uint32_t index,
                           fhs_tree *value, fhs_tree *other)
{
    if ((value != NULL && !need_list(editor, pair, pair->name, pair->other_name, &pair->values)) ||
        (other != NULL && !need_list(editor, pair, pair->other_name, pair->name, &pair->others))) {
        return false;
    }
    pair->count++;
    return insert_in_one(editor, pair->values, index, value) &&
           insert_in_one(editor, pair->others, index, other);
}

static bool has_content(const fhs_tree *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->parts[i].value->type != FHS_JSON_NULL) {
            return true;
        }
    }
    return false;
}

/* A list that holds nothing (any more) is no member. */
static void drop_empty_lists(list_pair *pair)
{
    bool has_values = pair->values != NULL && has_content(pair->values);
    bool has_others = pair->others != NULL && has_content(pair->others);
    if (pair->values != NULL && !has_values && !has_others) {
        drop_member(pair->object, pair->name);
    }
    if (pair->others != NULL && !has_others) {
        drop_member(pair->object, pair->other_name);
    }
}

static void remove_from_list(list_pair *pair, uint32_t index)
{
    if (pair->values != NULL) {
        fhs_tree_remove(pair->values, index);
    }
    if (pair->others != NULL) {
        fhs_tree_remove(pair->others, index);
    }
    pair->count--;
}

/* ---- adding ---- */

/* The JSON member that a value of this type makes of element @a name. */
static const char *resolve_member(const fhs_editor *editor, fhs_type type, fhs_str name,
                                  fhs_str value_type, fhs_str *member_out, fhs_property *property,
                                  bool *no_memory)
{
    static const fhs_str marker = FHS_LIT_INIT("[x]");
    fhs_element element;
    if (fhs_str_ends_with(name, marker)) {
        name = fhs_str_of(name.ptr, name.len - marker.len);
    }
    *member_out = name;
    if (type == FHS_TYPE_NONE || name.len == 0) {
        return "nothing is known of the element's type";
    }
    if (fhs_property_find(editor->fhir, type, name, property)) {
        return NULL;
    }
    if (!fhs_element_find(editor->fhir, type, name, &element, NULL) ||
        (element.flags & FHS_ELEMENT_CHOICE) == 0) {
        return "there is no element of that name";
    }
    char *text = fhs_arena_alloc(editor->arena, name.len + value_type.len + 1);
    if (text == NULL) {
        return fail_for_memory(no_memory);
    }
    memcpy(text, name.ptr, name.len);
    if (value_type.len > 0) {
        memcpy(text + name.len, value_type.ptr, value_type.len);
    }
    *member_out = fhs_str_of(text, name.len + value_type.len);
    return fhs_property_find(editor->fhir, type, *member_out, property)
               ? NULL
               : "the element takes no value of that type";
}

static bool is_same_element(const fhs_property *a, const fhs_property *b)
{
    return a->owner == b->owner && a->element == b->element;
}

/* Whether the object has the element already, in whatever type. */
static bool has_element(const fhs_editor *editor, const fhs_tree *object, fhs_type type,
                        const fhs_property *wanted)
{
    for (uint32_t i = 0; i < object->count; i++) {
        fhs_property property;
        if (fhs_property_find(editor->fhir, type, plain_name(object->parts[i].name), &property) &&
            is_same_element(&property, wanted)) {
            return true;
        }
    }
    return false;
}

static const char *add_to_object(const fhs_editor *editor, fhs_tree *object, fhs_type type,
                                 fhs_str name, const fhs_new_value *value, uint32_t levels,
                                 bool *no_memory);

/* An element whose parts are parameters becomes an object. */
static const char *build_element(const fhs_editor *editor, fhs_type type, fhs_new_value *value,
                                 uint32_t levels, bool *no_memory)
{
    const fhs_json *parts = value->parts;
    if (parts == NULL) {
        return NULL;
    }
    if (levels == 0) {
        return "the value is nested too deeply";
    }
    value->value = fhs_tree_new(editor->arena, FHS_JSON_OBJECT);
    if (value->value == NULL) {
        return fail_for_memory(no_memory);
    }
    value->parts = NULL;
    for (uint32_t i = 0; i < parts->count; i++) {
        fhs_new_value part;
        fhs_str name;
        if (!fhs_json_get_string(&parts->items[i], FHS_LIT("name"), &name)) {
            return "a part of the value has no name";
        }
        const char *why = fhs_new_value_read(editor, &parts->items[i], value->source, &part,
                                             no_memory);
        if (why == NULL) {
            why = add_to_object(editor, value->value, type, name, &part, levels - 1, no_memory);
        }
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

/* A value member is set only where there is a value: a primitive may have extensions alone. */
static bool set_element(const fhs_editor *editor, fhs_tree *object, fhs_str name,
                        const fhs_new_value *value)
{
    fhs_str beside = name_beside(editor, name);
    return beside.ptr != NULL && set_member(editor, object, name, value->value, beside) &&
           set_member(editor, object, beside, value->beside, name);
}

static const char *add_to_object(const fhs_editor *editor, fhs_tree *object, fhs_type type,
                                 fhs_str name, const fhs_new_value *given, uint32_t levels,
                                 bool *no_memory)
{
    fhs_property property;
    list_pair list;
    fhs_new_value value = *given;
    const char *why = resolve_member(editor, type, name, value.type_name, &name, &property,
                                     no_memory);
    if (why == NULL) {
        why = build_element(editor, property.type, &value, levels, no_memory);
    }
    if (why != NULL) {
        return why;
    }
    if ((property.flags & FHS_ELEMENT_LIST) == 0) {
        if (has_element(editor, object, type, &property)) {
            return "the element exists already and does not repeat";
        }
        return set_element(editor, object, name, &value) ? NULL : fail_for_memory(no_memory);
    }
    if (!open_list(editor, object, name, &list) ||
        !insert_in_list(editor, &list, list.count, value.value, value.beside)) {
        return fail_for_memory(no_memory);
    }
    return NULL;
}

/* The object beside a primitive, where its id and extensions stand; made where there is none. */
static fhs_tree *object_beside(const fhs_editor *editor, const holder *at)
{
    bool no_memory = false;
    list_pair list;
    fhs_tree *made = fhs_tree_new(editor->arena, FHS_JSON_OBJECT);
    fhs_tree **found = &made;
    if (made == NULL) {
        return NULL;
    }
    if (at->is_item) {
        if (!open_list(editor, at->object, at->name, &list) ||
            !need_list(editor, &list, list.other_name, list.name, &list.others)) {
            return NULL;
        }
        found = &list.others->parts[at->index].value;
    } else {
        fhs_str name = name_beside(editor, at->name);
        fhs_tree *there = name.ptr == NULL ? NULL
                                           : open_member(editor, at->object, name, &no_memory);
        if (name.ptr == NULL || no_memory ||
            (there == NULL && !set_member(editor, at->object, name, made, at->name))) {
            return NULL;
        }
        return there == NULL ? made : there;
    }
    if ((*found)->type != FHS_JSON_OBJECT) {
        *found = made;
    }
    return fhs_tree_open(editor->arena, *found) ? *found : NULL;
}

const char *fhs_element_add(const fhs_editor *editor, const fhs_spot *place, fhs_str name,
                            const fhs_new_value *value, bool *no_memory)
{
    fhs_tree *node = fhs_spot_node(place);
    fhs_type type = fhs_spot_type(editor, place);
    holder at;
    if (!fits_below(place->depth, value)) {
        return "the result would exceed FHS_LIMIT_JSON_DEPTH";
    }
    const uint32_t levels = FHS_LIMIT_JSON_DEPTH - place->depth - 2;
    if (node->type != FHS_JSON_OBJECT) {
        if (!find_holder(place, &at)) {
            return "nothing can be added there";
        }
        type = fhs_type_find(editor->fhir, FHS_LIT("Element"));
        node = object_beside(editor, &at);
    } else if (place->depth > 0 && find_holder(place, &at) &&
               is_beside(at.object->parts[place->steps[at.step].index].name)) {
        type = fhs_type_find(editor->fhir, FHS_LIT("Element"));
    }
    if (node == NULL || !fhs_tree_open(editor->arena, node)) {
        return fail_for_memory(no_memory);
    }
    return add_to_object(editor, node, type, name, value, levels, no_memory);
}

/* ---- the others ---- */

/* What the element's definition says; false: it is not known. */
static bool property_of(const fhs_editor *editor, const holder *at, fhs_property *out)
{
    return at->type != FHS_TYPE_NONE && fhs_property_find(editor->fhir, at->type, at->name, out);
}

const char *fhs_element_insert(const fhs_editor *editor, const fhs_spot *item, uint32_t index,
                               const fhs_new_value *given, bool *no_memory)
{
    holder at;
    list_pair list;
    fhs_property property;
    fhs_new_value value = *given;
    if (!find_holder(item, &at) || !at.is_item) {
        return "the path is not that of a list";
    }
    if (!fits_below(item->depth, &value)) {
        return "the result would exceed FHS_LIMIT_JSON_DEPTH";
    }
    const char *why = build_element(
        editor, property_of(editor, &at, &property) ? property.type : FHS_TYPE_NONE, &value,
        FHS_LIMIT_JSON_DEPTH - item->depth - 1, no_memory);
    if (why != NULL) {
        return why;
    }
    if (!open_list(editor, at.object, at.name, &list)) {
        return fail_for_memory(no_memory);
    }
    if (index > list.count) {
        return "the index is greater than the number of elements";
    }
    return insert_in_list(editor, &list, index, value.value, value.beside)
               ? NULL
               : fail_for_memory(no_memory);
}

/* Whether the step is into a list that runs beside one of primitives: its items keep their places.
 */
static bool is_list_beside(const fhs_spot *place, uint32_t steps)
{
    if (steps < 2 || place->steps[steps - 1].container->type != FHS_JSON_ARRAY) {
        return false;
    }
    const fhs_step *above = &place->steps[steps - 2];
    return is_beside(above->container->parts[above->index].name);
}

/* Objects and lists that are empty now go as well: FHIR has neither. */
static const char *prune(const fhs_editor *editor, const fhs_spot *place, uint32_t steps,
                         bool *no_memory)
{
    for (; steps > 0; steps--) {
        const fhs_step *step = &place->steps[steps - 1];
        fhs_tree_part *part = step->index < step->container->count
                                  ? &step->container->parts[step->index]
                                  : NULL;
        if (part == NULL || !fhs_tree_is_container(part->value) || !part->value->is_open ||
            part->value->count > 0) {
            return NULL;
        }
        if (!is_list_beside(place, steps)) {
            fhs_tree_remove(step->container, step->index);
            continue;
        }
        part->value = fhs_tree_new_null(editor->arena);
        if (part->value == NULL) {
            return fail_for_memory(no_memory);
        }
        if (has_content(step->container)) {
            return NULL;
        }
        step->container->count = 0;
    }
    return NULL;
}

const char *fhs_element_delete(const fhs_editor *editor, const fhs_spot *place, bool *no_memory)
{
    holder at;
    list_pair list;
    if (!find_holder(place, &at)) {
        return "the resource itself cannot be deleted by a patch";
    }
    if (at.is_item) {
        if (!open_list(editor, at.object, at.name, &list)) {
            return fail_for_memory(no_memory);
        }
        remove_from_list(&list, at.index);
        drop_empty_lists(&list);
    } else {
        fhs_str beside = name_beside(editor, at.name);
        if (beside.ptr == NULL) {
            return fail_for_memory(no_memory);
        }
        drop_member(at.object, at.name);
        drop_member(at.object, beside);
    }
    return prune(editor, place, at.step, no_memory);
}

/* A choice whose new value has another type gets another name, at the same place. */
static const char *rename_choice(const fhs_editor *editor, const holder *at,
                                 const fhs_new_value *value, fhs_str *name_out, bool *no_memory)
{
    fhs_property property;
    fhs_property renamed;
    *name_out = at->name;
    if (!property_of(editor, at, &property) || (property.flags & FHS_ELEMENT_CHOICE) == 0 ||
        value->type_name.len == 0) {
        return NULL;
    }
    fhs_element element = fhs_element_at(editor->fhir, property.owner, property.element);
    return resolve_member(editor, at->type, element.name, value->type_name, name_out, &renamed,
                          no_memory);
}

static const char *replace_member(const fhs_editor *editor, const holder *at,
                                  const fhs_new_value *value, bool *no_memory)
{
    fhs_str name;
    const char *why = rename_choice(editor, at, value, &name, no_memory);
    if (why != NULL) {
        return why;
    }
    if (!fhs_str_eq(name, at->name)) {
        fhs_str beside = name_beside(editor, at->name);
        if (beside.ptr == NULL) {
            return fail_for_memory(no_memory);
        }
        drop_member(at->object, beside);
        uint32_t index = fhs_tree_find(at->object, at->name);
        if (index < at->object->count) {
            at->object->parts[index].name = name;
        }
    }
    return set_element(editor, at->object, name, value) ? NULL : fail_for_memory(no_memory);
}

const char *fhs_element_replace(const fhs_editor *editor, const fhs_spot *place,
                                const fhs_new_value *given, bool *no_memory)
{
    holder at;
    list_pair list;
    fhs_property property;
    fhs_new_value value = *given;
    if (!find_holder(place, &at)) {
        return "the resource itself cannot be replaced by a patch";
    }
    if (!fits_below(place->depth, &value)) {
        return "the result would exceed FHS_LIMIT_JSON_DEPTH";
    }
    const char *why = build_element(
        editor, property_of(editor, &at, &property) ? property.type : FHS_TYPE_NONE, &value,
        FHS_LIMIT_JSON_DEPTH - place->depth - 1, no_memory);
    if (why != NULL) {
        return why;
    }
    if (!at.is_item) {
        return replace_member(editor, &at, &value, no_memory);
    }
    if (!open_list(editor, at.object, at.name, &list)) {
        return fail_for_memory(no_memory);
    }
    remove_from_list(&list, at.index);
    if (!insert_in_list(editor, &list, at.index, value.value, value.beside)) {
        return fail_for_memory(no_memory);
    }
    drop_empty_lists(&list);
    return NULL;
}

static void move_in_one(fhs_tree *list, uint32_t from, uint32_t to)
{
    if (list == NULL) {
        return;
    }
    const fhs_tree_part part = list->parts[from];
    fhs_tree_remove(list, from);
    memmove(&list->parts[to + 1], &list->parts[to], (list->count - to) * sizeof *list->parts);
    list->parts[to] = part;
    list->count++;
}

const char *fhs_element_move(const fhs_editor *editor, const fhs_spot *item, uint32_t from,
                             uint32_t to, bool *no_memory)
{
    holder at;
    list_pair list;
    if (!find_holder(item, &at) || !at.is_item) {
        return "the path is not that of a list";
    }
    if (!open_list(editor, at.object, at.name, &list)) {
        return fail_for_memory(no_memory);
    }
    if (from >= list.count || to >= list.count) {
        return "source and destination are to be less than the number of elements";
    }
    move_in_one(list.values, from, to);
    move_in_one(list.others, from, to);
    return NULL;
}

/* ---- values ---- */

const char *fhs_new_value_read(const fhs_editor *editor, const fhs_json *parameter, fhs_str source,
                               fhs_new_value *out, bool *no_memory)
{
    static const fhs_str value_name = FHS_LIT_INIT("value");
    static const fhs_str beside_name = FHS_LIT_INIT("_value");
    *out = (fhs_new_value){.source = source, .type_name = FHS_STR_NONE};
    if (parameter->type != FHS_JSON_OBJECT) {
        return "a parameter is to be an object";
    }
    for (uint32_t i = 0; i < parameter->count; i++) {
        const fhs_json_member *member = &parameter->members[i];
        fhs_tree **slot = NULL;
        if (fhs_str_starts_with(member->name, value_name) && member->name.len > value_name.len) {
            slot = &out->value;
            out->type_name = fhs_str_from(member->name, value_name.len);
        } else if (fhs_str_starts_with(member->name, beside_name) &&
                   member->name.len > beside_name.len) {
            slot = &out->beside;
            out->type_name = fhs_str_from(member->name, beside_name.len);
        } else if (fhs_str_eq(member->name, FHS_LIT("resource"))) {
            slot = &out->value;
        } else if (fhs_str_eq(member->name, FHS_LIT("part"))) {
            out->parts = &member->value;
        }
        if (slot != NULL && *slot != NULL) {
            return "a parameter has two values";
        }
        if (slot != NULL) {
            *slot = fhs_tree_of(editor->arena, &member->value, source);
            if (*slot == NULL) {
                return fail_for_memory(no_memory);
            }
        }
    }
    if (out->parts != NULL && (out->parts->type != FHS_JSON_ARRAY || out->parts->count == 0)) {
        return "\"part\" is to be a list";
    }
    bool has_value = out->value != NULL || out->beside != NULL;
    return has_value != (out->parts != NULL) ? NULL : "a value or parts are expected";
}
