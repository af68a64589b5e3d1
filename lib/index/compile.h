/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two halves of the compiler: paths and conditions. */
#ifndef FHS_INDEX_COMPILE_H
#define FHS_INDEX_COMPILE_H

#include "index/program.h"

typedef enum fhs_compiled {
    FHS_COMPILED,
    FHS_NEEDS_ENGINE, /* the trie cannot express it */
    FHS_COMPILE_NO_MEMORY,
} fhs_compiled;

/* Nodes where an expression's value may be. */
typedef struct fhs_cursors {
    fhs_pnode **items;
    size_t count;
    size_t capacity;
} fhs_cursors;

typedef struct fhs_compiler {
    const fhs_fhir *fhir;
    fhs_program *program;
    fhs_arena *scratch; /* syntax trees and cursor sets, for the time of compiling */
    fhs_str text;       /* the expression being compiled */
    bool is_positional; /* paths from the resource's root, where [0] may be counted */
    bool saw_resource;  /* %resource was used */
    bool is_too_wide; /* a set had no room: the engine has to do it, it is not for want of memory */
} fhs_compiler;

bool fhs_cursors_add(fhs_compiler *compiler, fhs_cursors *set, fhs_pnode *node);
/* @a node evaluated with @a focus; @a resource is what %resource means (NULL: not available). */
fhs_compiled fhs_compile_path(fhs_compiler *compiler, const fhs_fp_node *node,
                              const fhs_cursors *focus, fhs_pnode *resource, fhs_cursors *out);
/* Whether the expression's value is a truth value. */
bool fhs_is_condition(const fhs_fp_node *node);
fhs_compiled fhs_compile_condition(fhs_compiler *compiler, const fhs_fp_node *node,
                                   const fhs_pnode *focus, const fhs_pred **out);
fhs_compiled fhs_compile_negation(fhs_compiler *compiler, const fhs_pred *inner,
                                  const fhs_pred **out);
/* Whether the resource itself has anything at @a path, wherever the condition is asked. */
fhs_compiled fhs_compile_resource_has(fhs_compiler *compiler, const fhs_fp_node *path,
                                      fhs_pred **out);

#endif
