/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document that is being edited. What nobody touches stays as it was read: a node is closed, a
 * slice of its text, until something in it changes, and closed nodes are written byte for byte (but
 * for white space between tokens). Nodes live in an arena and are never released one by one.
 */
#ifndef FHS_PATCH_TREE_H
#define FHS_PATCH_TREE_H

#include "base/arena.h"
#include "base/buf.h"
#include "json/json.h"

typedef struct fhs_tree fhs_tree;

/* A member (with its decoded name) or an item (without). */
typedef struct fhs_tree_part {
    fhs_str name;
    fhs_tree *value;
} fhs_tree_part;

struct fhs_tree {
    const fhs_json *json; /* what was read; NULL: made here */
    fhs_str source;       /* the text that json was read from */
    fhs_tree_part *parts; /* of an open container */
    uint32_t count;
    uint32_t capacity;
    uint8_t type; /* fhs_json_type */
    bool is_open; /* parts are the truth, not json */
};

/* Nodes; NULL: no memory. */
fhs_tree *fhs_tree_of(fhs_arena *arena, const fhs_json *json, fhs_str source);
fhs_tree *fhs_tree_new(fhs_arena *arena, fhs_json_type container);
fhs_tree *fhs_tree_new_null(fhs_arena *arena);
/* The same once more: changing one of them leaves the other. */
fhs_tree *fhs_tree_copy(fhs_arena *arena, const fhs_tree *node);
/* Make the parts of a container reachable; false: no memory. Scalars are open in this sense. */
bool fhs_tree_open(fhs_arena *arena, fhs_tree *node);

/* Of an open container. The member's index, or count. */
uint32_t fhs_tree_find(const fhs_tree *object, fhs_str name);
/* Put a part before the one at @a index (at most count); false: no memory. */
bool fhs_tree_insert(fhs_arena *arena, fhs_tree *container, uint32_t index, fhs_str name,
                     fhs_tree *value);
void fhs_tree_remove(fhs_tree *container, uint32_t index);

static inline bool fhs_tree_is_container(const fhs_tree *node)
{
    return node->type == FHS_JSON_ARRAY || node->type == FHS_JSON_OBJECT;
}

/* How many nodes a copy makes. */
uint32_t fhs_tree_count(const fhs_tree *node);
/* Levels of containers, itself counted: 0 for a scalar. */
uint32_t fhs_tree_height(const fhs_tree *node);
/*
 * Equal as JSON: member order does not matter, strings compare decoded, numbers by their value.
 * False with *no_memory set where opening a node failed.
 */
bool fhs_tree_equal(fhs_arena *arena, fhs_tree *a, fhs_tree *b, bool *no_memory);
/* Append it compactly. */
void fhs_tree_write(const fhs_tree *node, fhs_buf *out);

#endif
