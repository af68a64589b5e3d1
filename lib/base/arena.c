/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_BLOCK ((size_t)16 * 1024)
#define LARGE_BLOCK ((size_t)1024 * 1024)

struct fhs_arena_block {
    fhs_arena_block *older;
    size_t size; /* usable bytes behind the header */
    max_align_t data[];
};

void fhs_arena_init(fhs_arena *arena, size_t max_bytes)
{
    *arena = (fhs_arena){.budget = max_bytes, .max = max_bytes};
}

static void use_block(fhs_arena *arena, fhs_arena_block *block)
{
    arena->at = (char *)block->data;
    arena->end = arena->at + block->size;
}

static bool add_block(fhs_arena *arena, size_t needed)
{
    size_t size = arena->blocks == NULL ? FIRST_BLOCK : arena->blocks->size * 2;
    size_t total;
    if (size > LARGE_BLOCK) {
        size = LARGE_BLOCK;
    }
    if (size < needed) {
        size = needed;
    }
    if (size > arena->budget) {
        size = needed;
    }
    if (size > arena->budget || !fhs_size_add(size, sizeof(fhs_arena_block), &total)) {
        return false;
    }
    fhs_arena_block *block = fhs_alloc(total);
    if (block == NULL) {
        return false;
    }
    block->size = size;
    block->older = arena->blocks;
    arena->blocks = block;
    arena->budget -= size;
    use_block(arena, block);
    return true;
}

void *fhs_arena_alloc(fhs_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX - align) {
        return NULL;
    }
    size = size == 0 ? 1 : size; /* nothing has an address too; NULL means failure only */
    size = (size + align - 1) / align * align;
    if ((size_t)(arena->end - arena->at) < size && !add_block(arena, size)) {
        return NULL;
    }
    void *ptr = arena->at;
    arena->at += size;
    return ptr;
}

void *fhs_arena_calloc(fhs_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (!fhs_size_mul(count, size, &total)) {
        return NULL;
    }
    void *ptr = fhs_arena_alloc(arena, total);
    if (ptr != NULL) {
        memset(ptr, 0, total);
    }
    return ptr;
}

fhs_str fhs_arena_dup(fhs_arena *arena, fhs_str text)
{
    size_t size;
    char *copy = fhs_size_add(text.len, 1, &size) ? fhs_arena_alloc(arena, size) : NULL;
    if (copy == NULL) {
        return FHS_STR_NONE;
    }
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    return fhs_str_of(copy, text.len);
}

bool fhs_arena_dup_list(fhs_arena *arena, const fhs_str *items, size_t count, const fhs_str **out)
{
    fhs_str *copy = fhs_arena_calloc(arena, count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = fhs_arena_dup(arena, items[i]);
        if (copy[i].ptr == NULL) {
            return false;
        }
    }
    *out = copy;
    return copy != NULL;
}

static void free_blocks(fhs_arena_block *block, const fhs_arena_block *keep)
{
    while (block != NULL) {
        fhs_arena_block *older = block->older;
        if (block != keep) {
            fhs_free(block);
        }
        block = older;
    }
}

void fhs_arena_reset(fhs_arena *arena)
{
    fhs_arena_block *largest = arena->blocks;
    if (largest == NULL) {
        return;
    }
    for (fhs_arena_block *block = largest->older; block != NULL; block = block->older) {
        if (block->size > largest->size) {
            largest = block;
        }
    }
    free_blocks(arena->blocks, largest);
    if (largest->size > LARGE_BLOCK) {
        /* One oversized tree must not pin its memory for the life of the owner. */
        fhs_free(largest);
        fhs_arena_init(arena, arena->max);
        return;
    }
    largest->older = NULL;
    arena->blocks = largest;
    arena->budget = arena->max > largest->size ? arena->max - largest->size : 0;
    use_block(arena, largest);
}

void fhs_arena_rewind(fhs_arena *arena, fhs_arena_mark mark)
{
    while (arena->blocks != mark.block) {
        fhs_arena_block *newest = arena->blocks;
        arena->blocks = newest->older;
        arena->budget += newest->size;
        fhs_free(newest);
    }
    arena->at = mark.at;
    arena->end = mark.block == NULL ? NULL : (char *)mark.block->data + mark.block->size;
}

void fhs_arena_clear(fhs_arena *arena)
{
    free_blocks(arena->blocks, NULL);
    fhs_arena_init(arena, arena->max);
}
