/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/scratch.h"

#include "base/mem.h"

#define SCRATCH_BYTES_MAX ((size_t)1 << 30)
#define FIRST_SLOTS       64u

typedef struct scratch_name {
    fhs_str text;
    uint32_t tag;
    uint32_t hash;
} scratch_name;

struct fhs_scratch {
    fhs_arena arena;
    scratch_name *names;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* index + 1; open addressing */
    size_t slot_count;
};

fhs_scratch *fhs_scratch_new(void)
{
    fhs_scratch *scratch = fhs_calloc(1, sizeof *scratch);
    if (scratch != NULL) {
        fhs_arena_init(&scratch->arena, SCRATCH_BYTES_MAX);
    }
    return scratch;
}

void fhs_scratch_free(fhs_scratch *scratch)
{
    if (scratch == NULL) {
        return;
    }
    fhs_arena_clear(&scratch->arena);
    fhs_free(scratch->names);
    fhs_free(scratch->slots);
    fhs_free(scratch);
}

static uint32_t hash_of(uint32_t tag, fhs_str text)
{
    uint32_t hash = 2166136261u ^ tag;
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * 16777619u;
    }
    return hash;
}

/* The slot that holds the name, or the free one where it belongs. */
static size_t slot_of(const fhs_scratch *scratch, uint32_t tag, fhs_str text, uint32_t hash)
{
    size_t at = hash & (scratch->slot_count - 1);
    for (; scratch->slots[at] != 0; at = (at + 1) & (scratch->slot_count - 1)) {
        const scratch_name *name = &scratch->names[scratch->slots[at] - 1];
        if (name->hash == hash && name->tag == tag && fhs_str_eq(name->text, text)) {
            break;
        }
    }
    return at;
}

int64_t fhs_scratch_find(const fhs_scratch *scratch, uint32_t tag, fhs_str text)
{
    if (scratch->slot_count == 0) {
        return 0;
    }
    uint32_t index = scratch->slots[slot_of(scratch, tag, text, hash_of(tag, text))];
    return index == 0 ? 0 : FHS_SCRATCH_FIRST + index - 1;
}

static bool make_room(fhs_scratch *scratch)
{
    if (scratch->count < scratch->capacity) {
        return true;
    }
    size_t slot_count = scratch->slot_count == 0 ? FIRST_SLOTS : scratch->slot_count * 2;
    uint32_t *slots = fhs_calloc(slot_count, sizeof *slots);
    scratch_name *names = fhs_realloc(scratch->names, slot_count / 2 * sizeof *names);
    if (names != NULL) {
        scratch->names = names;
    }
    if (slots == NULL || names == NULL) {
        fhs_free(slots);
        return false;
    }
    fhs_free(scratch->slots);
    scratch->slots = slots;
    scratch->slot_count = slot_count;
    scratch->capacity = slot_count / 2;
    for (size_t i = 0; i < scratch->count; i++) {
        const scratch_name *name = &names[i];
        slots[slot_of(scratch, name->tag, name->text, name->hash)] = (uint32_t)i + 1;
    }
    return true;
}

int64_t fhs_scratch_add(fhs_scratch *scratch, uint32_t tag, fhs_str text)
{
    int64_t found = fhs_scratch_find(scratch, tag, text);
    if (found != 0) {
        return found;
    }
    fhs_str kept = fhs_arena_dup(&scratch->arena, text);
    if (kept.ptr == NULL || scratch->count >= UINT32_MAX / 4 || !make_room(scratch)) {
        return 0;
    }
    uint32_t hash = hash_of(tag, text);
    scratch->slots[slot_of(scratch, tag, text, hash)] = (uint32_t)scratch->count + 1;
    scratch->names[scratch->count++] = (scratch_name){kept, tag, hash};
    return FHS_SCRATCH_FIRST + (int64_t)scratch->count - 1;
}

bool fhs_scratch_at(const fhs_scratch *scratch, int64_t index, uint32_t *tag_out, fhs_str *text_out)
{
    if (index < 0 || (uint64_t)index >= scratch->count) {
        return false;
    }
    *tag_out = scratch->names[index].tag;
    *text_out = scratch->names[index].text;
    return true;
}
