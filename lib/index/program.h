/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled form of all search parameters of one resource type: a trie over JSON member names.
 * Types are resolved when it is built (a choice element is one child for each of its types), so
 * walking only follows names and runs what hangs at a node.
 */
#ifndef FHS_INDEX_PROGRAM_H
#define FHS_INDEX_PROGRAM_H

#include "fhirpath/ast.h"
#include "index/engine.h"
#include "index/index_internal.h"

#define FHS_NO_SLOT UINT32_MAX

typedef struct fhs_pnode fhs_pnode;
typedef struct fhs_pred fhs_pred;

/* Convert the value for parameters of type @a kind. */
typedef struct fhs_pemit {
    struct fhs_pemit *next; /* those of one kind stand together */
    uint8_t kind;           /* fhs_sparam_type */
    fhs_sparam param;
    uint32_t slot; /* FHS_NO_SLOT: a result; else kept there for a composite */
} fhs_pemit;

/* The same value, but only where a condition holds. */
typedef struct fhs_pfilter {
    struct fhs_pfilter *next;
    const fhs_pred *pred;
    fhs_str source; /* what the condition was compiled from: equal text, equal condition */
    fhs_pnode *node;
} fhs_pfilter;

/* The value is the root of a composite: its slots are collected below it, then combined. */
typedef struct fhs_proot {
    struct fhs_proot *next;
    fhs_sparam param;
    uint32_t slot; /* the first of `count` */
    uint32_t count;
    const fhs_sparam_component *components;
    /* By component: where its path starts at the resource (%resource), that trie; else NULL. */
    fhs_pnode **from_resource;
} fhs_proot;

typedef struct fhs_pchild {
    struct fhs_pchild *next;
    fhs_str name;
    uint32_t hash;
    fhs_pnode *node;
} fhs_pchild;

struct fhs_pnode {
    fhs_type type;
    uint16_t binding;  /* required binding of the element that led here */
    bool is_collected; /* the end of a path inside a condition */
    uint32_t child_count;
    uint32_t mask; /* size of `table` minus one */
    fhs_pchild *children;
    const fhs_pchild **table; /* open addressing by hash; NULL without children */
    fhs_pemit *emits;
    fhs_pfilter *filters;
    fhs_proot *roots;
};

typedef enum fhs_pred_op {
    FHS_PRED_AND,
    FHS_PRED_OR,
    FHS_PRED_NOT,
    FHS_PRED_EXISTS,
    FHS_PRED_EQUAL, /* the path's only value equals the literal */
    FHS_PRED_NOT_EQUAL,
    FHS_PRED_TRUTH,    /* the path's only value is true */
    FHS_PRED_RESOLVES, /* the reference found by the path (or the value itself) points at `type` */
    FHS_PRED_POSITION, /* the value is the `number`th that comes here */
    FHS_PRED_RESOURCE, /* the value is a resource of `type` */
    FHS_PRED_URL,      /* the value's url is the literal (an extension) */
} fhs_pred_op;

struct fhs_pred {
    uint8_t op;           /* fhs_pred_op */
    uint8_t literal_kind; /* fhs_fp_kind */
    bool is_at_resource;  /* the path starts at the resource, not at the value */
    fhs_type type;
    uint32_t counter; /* POSITION: which counter */
    uint32_t number;
    fhs_str literal;
    const fhs_pnode *path; /* NULL: the value itself */
    const fhs_pred *left;
    const fhs_pred *right;
};

/* A parameter whose expression is a truth value. */
typedef struct fhs_ptruth {
    struct fhs_ptruth *next;
    fhs_sparam param;
    uint8_t kind;
    const fhs_pred *pred;
} fhs_ptruth;

/* A parameter that the trie cannot express: the engine evaluates it. */
typedef struct fhs_pfallback {
    struct fhs_pfallback *next;
    fhs_sparam param;
    fhs_engine_param *engine;
} fhs_pfallback;

typedef struct fhs_program {
    fhs_arena arena;
    fhs_type type;
    fhs_pnode *root;
    fhs_ptruth *truths;
    fhs_pfallback *fallbacks;
    uint32_t slot_count;
    uint32_t counter_count;
    bool needs_whole; /* a condition looks at more than the value it is about */
    bool resolves;    /* a condition asks what a reference leads to, within the resource perhaps */
} fhs_program;

/* Compile all parameters of resource type @a type. */
fhirstore_status fhs_program_new(const fhs_fhir *fhir, fhs_type type, fhs_program **program_out,
                                 fhirstore_error **err);
void fhs_program_free(fhs_program *program);

/* ---- building (program.c) ---- */

fhs_pnode *fhs_pnode_new(fhs_arena *arena, fhs_type type, uint16_t binding);
/* The child for member @a name, made when there is none. NULL: no memory. */
fhs_pnode *fhs_pnode_child(fhs_arena *arena, fhs_pnode *node, fhs_str name, fhs_type type,
                           uint16_t binding);
/* The node behind condition @a pred, known by @a source. */
fhs_pnode *fhs_pnode_filter(fhs_arena *arena, fhs_pnode *node, const fhs_pred *pred,
                            fhs_str source);
bool fhs_pnode_emit(fhs_arena *arena, fhs_pnode *node, uint8_t kind, fhs_sparam param,
                    uint32_t slot);
/* Make the tables by which children are found, for @a node and everything below. */
bool fhs_pnode_freeze(fhs_arena *arena, fhs_pnode *node);
uint32_t fhs_pnode_hash(fhs_str name);

static inline const fhs_pnode *fhs_pnode_find(const fhs_pnode *node, fhs_str name)
{
    uint32_t hash = fhs_pnode_hash(name);
    for (uint32_t at = hash & node->mask; node->table[at] != NULL; at = (at + 1) & node->mask) {
        const fhs_pchild *child = node->table[at];
        if (child->hash == hash && fhs_str_eq(child->name, name)) {
            return child->node;
        }
    }
    return NULL;
}

/* ---- walking ---- */

typedef struct fhs_slot {
    const fhs_entry **items;
    uint32_t count;
    uint32_t capacity;
    bool is_done; /* filled from the resource once */
} fhs_slot;

typedef struct fhs_walk {
    fhs_convert convert;
    const fhs_program *program;
    const fhs_json *resource;
    const fhs_json_text *text; /* where items that were handed out are found */
    const fhs_entry_taker *taker; /* who gets their entries, some at a time; or NULL */
    fhirstore_error **err;
    fhirstore_status status; /* the first thing that went wrong with them */
    fhs_slot *slots;
    uint32_t *counters;
    /* Inside a condition: where found values go, and how many there were. */
    const fhs_json **found;
    size_t found_count;
    fhs_entries scratch; /* conversions that only composites use */
} fhs_walk;

/* At most this many values are kept by a path in a condition; all are counted. */
#define FHS_FOUND_MAX 8u

/* Run what hangs at @a node for @a value and everything below. */
void fhs_walk_node(fhs_walk *walk, const fhs_pnode *node, const fhs_json *value);
/* 1, 0 or -1 (empty). */
int fhs_pred_holds(fhs_walk *walk, const fhs_pred *pred, const fhs_json *value);

#endif
