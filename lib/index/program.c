/* SPDX-License-Identifier: Apache-2.0 */
/* Building the trie. */
#include "index/program.h"

fhs_pnode *fhs_pnode_new(fhs_arena *arena, fhs_type type, uint16_t binding)
{
    fhs_pnode *node = fhs_arena_calloc(arena, 1, sizeof *node);
    if (node != NULL) {
        node->type = type;
        node->binding = binding;
    }
    return node;
}

/* Member names differ in length and ends; that is enough for tables this small. */
uint32_t fhs_pnode_hash(fhs_str name)
{
    uint32_t hash = (uint32_t)name.len * 0x9E3779B1u;
    if (name.len > 0) {
        hash ^= (uint32_t)(unsigned char)name.ptr[0] * 0x85EBCA6Bu;
        hash ^= (uint32_t)(unsigned char)name.ptr[name.len - 1] * 0xC2B2AE35u;
        hash ^= (uint32_t)(unsigned char)name.ptr[name.len / 2] * 0x27D4EB2Fu;
    }
    return hash ^ (hash >> 15);
}

fhs_pnode *fhs_pnode_child(fhs_arena *arena, fhs_pnode *node, fhs_str name, fhs_type type,
                           uint16_t binding)
{
    for (fhs_pchild *child = node->children; child != NULL; child = child->next) {
        if (fhs_str_eq(child->name, name)) {
            return child->node;
        }
    }
    fhs_pchild *child = fhs_arena_calloc(arena, 1, sizeof *child);
    fhs_pnode *target = fhs_pnode_new(arena, type, binding);
    if (child == NULL || target == NULL) {
        return NULL;
    }
    child->name = fhs_arena_dup(arena, name);
    if (child->name.ptr == NULL) {
        return NULL;
    }
    child->hash = fhs_pnode_hash(name);
    child->node = target;
    child->next = node->children;
    node->children = child;
    node->child_count++;
    return target;
}

fhs_pnode *fhs_pnode_filter(fhs_arena *arena, fhs_pnode *node, const fhs_pred *pred, fhs_str source)
{
    for (fhs_pfilter *filter = node->filters; filter != NULL; filter = filter->next) {
        if (fhs_str_eq(filter->source, source)) {
            return filter->node;
        }
    }
    fhs_pfilter *filter = fhs_arena_calloc(arena, 1, sizeof *filter);
    fhs_pnode *target = fhs_pnode_new(arena, node->type, node->binding);
    if (filter == NULL || target == NULL) {
        return NULL;
    }
    filter->pred = pred;
    filter->source = fhs_arena_dup(arena, source);
    filter->node = target;
    filter->next = node->filters;
    node->filters = filter;
    return filter->source.ptr == NULL ? NULL : target;
}

bool fhs_pnode_emit(fhs_arena *arena, fhs_pnode *node, uint8_t kind, fhs_sparam param,
                    uint32_t slot)
{
    fhs_pemit **at = &node->emits;
    while (*at != NULL && (*at)->kind <= kind) {
        const fhs_pemit *emit = *at;
        if (emit->kind == kind && emit->param == param && emit->slot == slot) {
            return true;
        }
        at = &(*at)->next;
    }
    fhs_pemit *emit = fhs_arena_calloc(arena, 1, sizeof *emit);
    if (emit == NULL) {
        return false;
    }
    emit->kind = kind;
    emit->param = param;
    emit->slot = slot;
    emit->next = *at;
    *at = emit;
    return true;
}

static bool freeze_children(fhs_arena *arena, fhs_pnode *node)
{
    uint32_t size = 4;
    while (size < node->child_count * 2) {
        size *= 2;
    }
    node->table = fhs_arena_calloc(arena, size, sizeof *node->table);
    if (node->table == NULL) {
        return false;
    }
    node->mask = size - 1;
    for (const fhs_pchild *child = node->children; child != NULL; child = child->next) {
        uint32_t at = child->hash & node->mask;
        while (node->table[at] != NULL) {
            at = (at + 1) & node->mask;
        }
        node->table[at] = child;
        if (!fhs_pnode_freeze(arena, child->node)) {
            return false;
        }
    }
    return true;
}

bool fhs_pnode_freeze(fhs_arena *arena, fhs_pnode *node)
{
    if (node->child_count > 0 && !freeze_children(arena, node)) {
        return false;
    }
    for (fhs_pfilter *filter = node->filters; filter != NULL; filter = filter->next) {
        if (!fhs_pnode_freeze(arena, filter->node)) {
            return false;
        }
    }
    for (fhs_proot *root = node->roots; root != NULL; root = root->next) {
        for (uint32_t i = 0; i < root->count; i++) {
            if (root->from_resource[i] != NULL &&
                !fhs_pnode_freeze(arena, root->from_resource[i])) {
                return false;
            }
        }
    }
    return true;
}
