/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FHIR elements in a document under edit: where one stands, and what adding, taking out and
 * replacing means in JSON, where a primitive's id and extensions stand in a member of their own
 * ("_birthDate") and lists of primitives in two that run side by side.
 */
#ifndef FHS_PATCH_ELEMENT_H
#define FHS_PATCH_ELEMENT_H

#include "base/limits.h"
#include "fhir/fhir.h"
#include "patch/tree.h"

/* One step from a container to a part of it. */
typedef struct fhs_step {
    fhs_tree *container;
    uint32_t index;
    fhs_type type; /* of what the container is, or of what the list's items are */
} fhs_step;

/* The way from the root to an element. */
typedef struct fhs_spot {
    fhs_tree *root;
    fhs_type root_type;
    uint32_t depth;
    fhs_step steps[FHS_LIMIT_JSON_DEPTH + 1];
} fhs_spot;

/* What an operation works with. */
typedef struct fhs_editor {
    const fhs_fhir *fhir;
    fhs_arena *arena;
} fhs_editor;

/* A value that comes into the document. */
typedef struct fhs_new_value {
    fhs_tree *value;       /* NULL: none, only what stands beside it */
    fhs_tree *beside;      /* what goes into "_name"; NULL: nothing */
    fhs_str type_name;     /* "Quantity" of "valueQuantity"; empty: not said */
    const fhs_json *parts; /* an element without a type of its own: its members as parameters */
    fhs_str source;
} fhs_new_value;

/* At the root of a resource of the type that its resourceType says. */
void fhs_spot_start(const fhs_editor *editor, fhs_tree *root, fhs_spot *place);
/* The node that the place leads to, and its type (FHS_TYPE_NONE: not known). */
fhs_tree *fhs_spot_node(const fhs_spot *place);
fhs_type fhs_spot_type(const fhs_editor *editor, const fhs_spot *place);
/* One step down, to part @a index of the node, which is open; false: too deep. */
bool fhs_spot_step(const fhs_editor *editor, fhs_spot *place, uint32_t index);
/* Whether the place is an item of a list. */
bool fhs_spot_is_item(const fhs_spot *place);

/* NULL: done; else why not. *no_memory is set where that is the reason. */
const char *fhs_element_add(const fhs_editor *editor, const fhs_spot *place, fhs_str name,
                            const fhs_new_value *value, bool *no_memory);
const char *fhs_element_insert(const fhs_editor *editor, const fhs_spot *item, uint32_t index,
                               const fhs_new_value *value, bool *no_memory);
const char *fhs_element_delete(const fhs_editor *editor, const fhs_spot *place, bool *no_memory);
const char *fhs_element_replace(const fhs_editor *editor, const fhs_spot *place,
                                const fhs_new_value *value, bool *no_memory);
const char *fhs_element_move(const fhs_editor *editor, const fhs_spot *item, uint32_t from,
                             uint32_t to, bool *no_memory);

/* The value of a parameter: value[x] with what stands beside it, resource, or parts. */
const char *fhs_new_value_read(const fhs_editor *editor, const fhs_json *parameter, fhs_str source,
                               fhs_new_value *out, bool *no_memory);

#endif
