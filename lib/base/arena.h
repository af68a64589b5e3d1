/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for one short-lived tree: many small allocations, one release. A budget keeps hostile
 * input from growing it without end.
 */
#ifndef FHS_BASE_ARENA_H
#define FHS_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

typedef struct fhs_arena_block fhs_arena_block;

typedef struct fhs_arena {
    fhs_arena_block *blocks; /* newest first */
    char *at;                /* next free byte in the newest block */
    char *end;
    size_t budget; /* bytes that may still be taken from the heap */
    size_t max;
} fhs_arena;

void fhs_arena_init(fhs_arena *arena, size_t max_bytes);
/* Memory aligned for any object, or NULL when the heap or the budget is exhausted. */
void *fhs_arena_alloc(fhs_arena *arena, size_t size);
/* Zeroed memory for @a count objects of @a size bytes, or NULL. */
void *fhs_arena_calloc(fhs_arena *arena, size_t count, size_t size);
/* A copy with a NUL behind it; ptr is NULL on failure. */
fhs_str fhs_arena_dup(fhs_arena *arena, fhs_str text);
/* Copies of @a count texts, and the array of them; false on failure. */
bool fhs_arena_dup_list(fhs_arena *arena, const fhs_str *items, size_t count, const fhs_str **out);
/* Where the arena stands, to forget what came later. */
typedef struct fhs_arena_mark {
    fhs_arena_block *block;
    char *at;
} fhs_arena_mark;

static inline fhs_arena_mark fhs_arena_here(const fhs_arena *arena)
{
    return (fhs_arena_mark){arena->blocks, arena->at};
}

/* Forget what was allocated since @a mark; marks taken since then are void. */
void fhs_arena_rewind(fhs_arena *arena, fhs_arena_mark mark);
/* Release everything but the largest block, for the next tree. */
void fhs_arena_reset(fhs_arena *arena);
void fhs_arena_clear(fhs_arena *arena);

#endif
