/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: an expression is run on the types alone, and leaves its trace in the trie. */
#include <string.h>

#include "index/compile.h"

#define MEMBER_NAME_MAX 128u
/* A set of alternatives (types of a choice, unions) larger than this is left to the engine. */
#define CURSORS_MAX 4096u

bool fhs_cursors_add(fhs_compiler *compiler, fhs_cursors *set, fhs_pnode *node)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i] == node) {
            return true;
        }
    }
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 8 : set->capacity * 2;
        if (capacity > CURSORS_MAX) {
            compiler->is_too_wide = true;
            return false;
        }
        fhs_pnode **items = fhs_arena_alloc(compiler->scratch, capacity * sizeof *items);
        if (items == NULL) {
            return false;
        }
        if (set->count > 0) {
            memcpy(items, set->items, set->count * sizeof *items);
        }
        set->items = items;
        set->capacity = capacity;
    }
    set->items[set->count++] = node;
    return true;
}

/* "value" and Quantity → "valueQuantity". */
static fhs_str choice_name(const fhs_fhir *fhir, const fhs_element *element, fhs_type type,
                           char out[MEMBER_NAME_MAX])
{
    fhs_str name = fhs_type_name(fhir, type);
    if (element->name.len + name.len > MEMBER_NAME_MAX || name.len == 0) {
        return FHS_STR_NONE;
    }
    memcpy(out, element->name.ptr, element->name.len);
    memcpy(out + element->name.len, name.ptr, name.len);
    char *first = out + element->name.len;
    if (*first >= 'a' && *first <= 'z') {
        *first = (char)(*first - 'a' + 'A');
    }
    return fhs_str_of(out, element->name.len + name.len);
}

/* The children of @a node called @a name, one for each type the element may have. */
static fhs_compiled step_node(fhs_compiler *compiler, fhs_pnode *node, fhs_str name,
                              fhs_cursors *out)
{
    fhs_element element;
    if (!fhs_element_find(compiler->fhir, node->type, name, &element, NULL)) {
        /* What a resource inside a Bundle has is known only when it is there. */
        bool is_open = fhs_type_is_abstract(compiler->fhir, node->type) &&
                       fhs_type_get_kind(compiler->fhir, node->type) == FHS_KIND_RESOURCE;
        return is_open ? FHS_NEEDS_ENGINE : FHS_COMPILED;
    }
    for (uint16_t i = 0; i < element.type_count; i++) {
        char buffer[MEMBER_NAME_MAX];
        fhs_str member = element.name;
        if ((element.flags & FHS_ELEMENT_CHOICE) != 0) {
            member = choice_name(compiler->fhir, &element, element.types[i], buffer);
        }
        if (member.len == 0) {
            continue;
        }
        fhs_pnode *child = fhs_pnode_child(&compiler->program->arena, node, member,
                                           element.types[i], element.binding);
        if (child == NULL || !fhs_cursors_add(compiler, out, child)) {
            return FHS_COMPILE_NO_MEMORY;
        }
    }
    return FHS_COMPILED;
}

static fhs_compiled step_all(fhs_compiler *compiler, const fhs_cursors *from, fhs_str name,
                             fhs_cursors *out)
{
    for (size_t i = 0; i < from->count; i++) {
        fhs_compiled result = step_node(compiler, from->items[i], name, out);
        if (result != FHS_COMPILED) {
            return result;
        }
    }
    return FHS_COMPILED;
}

static fhs_str source_of(const fhs_compiler *compiler, const fhs_fp_node *node)
{
    return fhs_str_of(compiler->text.ptr + node->begin, node->end - node->begin);
}

static fhs_compiled filter_node(fhs_compiler *compiler, fhs_pnode *node, const fhs_pred *pred,
                                fhs_str source, fhs_cursors *out)
{
    fhs_pnode *target = fhs_pnode_filter(&compiler->program->arena, node, pred, source);
    return target != NULL && fhs_cursors_add(compiler, out, target) ? FHS_COMPILED
                                                                    : FHS_COMPILE_NO_MEMORY;
}

/* Keep what is a @a type; for what is only known to be some resource, ask when it is there. */
static fhs_compiled keep_type(fhs_compiler *compiler, const fhs_cursors *from, fhs_type type,
                              fhs_cursors *out)
{
    const fhs_fhir *fhir = compiler->fhir;
    for (size_t i = 0; i < from->count; i++) {
        fhs_pnode *node = from->items[i];
        fhs_compiled result = FHS_COMPILED;
        if (fhs_type_is_a(fhir, node->type, type)) {
            result = fhs_cursors_add(compiler, out, node) ? FHS_COMPILED : FHS_COMPILE_NO_MEMORY;
        } else if (fhs_type_is_a(fhir, type, node->type) &&
                   fhs_type_is_abstract(fhir, node->type)) {
            fhs_pred *pred = fhs_arena_calloc(&compiler->program->arena, 1, sizeof *pred);
            if (pred == NULL) {
                return FHS_COMPILE_NO_MEMORY;
            }
            pred->op = FHS_PRED_RESOURCE;
            pred->type = type;
            result = filter_node(compiler, node, pred, fhs_type_name(fhir, type), out);
        }
        if (result != FHS_COMPILED) {
            return result;
        }
    }
    return FHS_COMPILED;
}

static fhs_compiled keep_named_type(fhs_compiler *compiler, const fhs_cursors *from, fhs_str space,
                                    fhs_str name, fhs_cursors *out)
{
    fhs_type type = fhs_type_find(compiler->fhir, name);
    if (type == FHS_TYPE_NONE || (space.len > 0 && !fhs_str_eq(space, FHS_LIT("FHIR")))) {
        return FHS_NEEDS_ENGINE;
    }
    return keep_type(compiler, from, type, out);
}

static fhs_compiled keep_where(fhs_compiler *compiler, const fhs_cursors *from,
                               const fhs_fp_node *criteria, fhs_cursors *out)
{
    for (size_t i = 0; i < from->count; i++) {
        const fhs_pred *pred = NULL;
        fhs_compiled result = fhs_compile_condition(compiler, criteria, from->items[i], &pred);
        if (result == FHS_COMPILED) {
            result = filter_node(compiler, from->items[i], pred, source_of(compiler, criteria),
                                 out);
        }
        if (result != FHS_COMPILED) {
            return result;
        }
    }
    return FHS_COMPILED;
}

static fhs_compiled keep_extension(fhs_compiler *compiler, const fhs_cursors *from,
                                   const fhs_fp_node *url, fhs_cursors *out)
{
    fhs_cursors extensions = {NULL, 0, 0};
    if (url->kind != FHS_FP_STRING) {
        return FHS_NEEDS_ENGINE;
    }
    fhs_compiled result = step_all(compiler, from, FHS_LIT("extension"), &extensions);
    fhs_pred *pred = fhs_arena_calloc(&compiler->program->arena, 1, sizeof *pred);
    if (result != FHS_COMPILED || pred == NULL) {
        return result != FHS_COMPILED ? result : FHS_COMPILE_NO_MEMORY;
    }
    pred->op = FHS_PRED_URL;
    pred->literal = fhs_arena_dup(&compiler->program->arena, url->text);
    for (size_t i = 0; i < extensions.count && result == FHS_COMPILED; i++) {
        result = filter_node(compiler, extensions.items[i], pred, source_of(compiler, url), out);
    }
    return pred->literal.ptr == NULL ? FHS_COMPILE_NO_MEMORY : result;
}

/* Counting works where the values come in order: one path from the resource's root. */
static fhs_compiled keep_position(fhs_compiler *compiler, const fhs_cursors *from, uint32_t number,
                                  const fhs_fp_node *node, fhs_cursors *out)
{
    if (!compiler->is_positional || from->count != 1) {
        return from->count == 0 ? FHS_COMPILED : FHS_NEEDS_ENGINE;
    }
    fhs_pred *pred = fhs_arena_calloc(&compiler->program->arena, 1, sizeof *pred);
    if (pred == NULL) {
        return FHS_COMPILE_NO_MEMORY;
    }
    pred->op = FHS_PRED_POSITION;
    pred->number = number;
    pred->counter = compiler->program->counter_count++;
    return filter_node(compiler, from->items[0], pred, source_of(compiler, node), out);
}

static fhs_compiled trace_function(fhs_compiler *compiler, const fhs_fp_node *node,
                                   const fhs_cursors *from, fhs_cursors *out)
{
    fhs_str space = FHS_STR_NONE;
    fhs_str name = FHS_STR_NONE;
    if (node->arg_count == 1) {
        if (fhs_str_eq(node->text, FHS_LIT("where"))) {
            return keep_where(compiler, from, node->args[0], out);
        }
        if (fhs_str_eq(node->text, FHS_LIT("extension"))) {
            return keep_extension(compiler, from, node->args[0], out);
        }
        if ((fhs_str_eq(node->text, FHS_LIT("as")) || fhs_str_eq(node->text, FHS_LIT("ofType"))) &&
            fhs_fhirpath_type_specifier(node->args[0], &space, &name)) {
            return keep_named_type(compiler, from, space, name, out);
        }
    }
    if (node->arg_count == 0 && fhs_str_eq(node->text, FHS_LIT("first"))) {
        return keep_position(compiler, from, 0, node, out);
    }
    return FHS_NEEDS_ENGINE;
}

/* A path may begin with the name of a type: then it speaks of resources of that type only. */
static fhs_compiled trace_member(fhs_compiler *compiler, const fhs_fp_node *node,
                                 const fhs_cursors *from, fhs_cursors *out)
{
    char first = node->text.len > 0 ? node->text.ptr[0] : '\0';
    if (node->left != NULL || first < 'A' || first > 'Z') {
        return step_all(compiler, from, node->text, out);
    }
    fhs_type type = fhs_type_find(compiler->fhir, node->text);
    return type == FHS_TYPE_NONE ? FHS_COMPILED : keep_type(compiler, from, type, out);
}

static fhs_compiled trace_indexer(fhs_compiler *compiler, const fhs_fp_node *node,
                                  const fhs_cursors *from, fhs_cursors *out)
{
    uint64_t number = 0;
    if (node->right->kind != FHS_FP_INTEGER ||
        !fhs_str_to_u64(node->right->text, UINT32_MAX, &number)) {
        return FHS_NEEDS_ENGINE;
    }
    return keep_position(compiler, from, (uint32_t)number, node, out);
}

static fhs_compiled add_all(fhs_compiler *compiler, const fhs_cursors *from, fhs_cursors *out)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!fhs_cursors_add(compiler, out, from->items[i])) {
            return FHS_COMPILE_NO_MEMORY;
        }
    }
    return FHS_COMPILED;
}

static fhs_compiled trace_external(fhs_compiler *compiler, const fhs_fp_node *node,
                                   fhs_pnode *resource, fhs_cursors *out)
{
    if (resource == NULL || !fhs_str_eq(node->text, FHS_LIT("resource"))) {
        return FHS_NEEDS_ENGINE;
    }
    compiler->saw_resource = true;
    return fhs_cursors_add(compiler, out, resource) ? FHS_COMPILED : FHS_COMPILE_NO_MEMORY;
}

static fhs_compiled filter_all(fhs_compiler *compiler, const fhs_cursors *from,
                               const fhs_pred *pred, fhs_str source, fhs_cursors *out)
{
    fhs_compiled result = FHS_COMPILED;
    for (size_t i = 0; i < from->count && result == FHS_COMPILED; i++) {
        result = filter_node(compiler, from->items[i], pred, source, out);
    }
    return result;
}

/*
 * (a | b).first() is a.first(), and b.first() where the resource has no a: members may stand in any
 * order, so counting alone would not do.
 */
static fhs_compiled compile_first_of(fhs_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_fp_node *from_node, const fhs_cursors *focus,
                                     fhs_cursors *out)
{
    fhs_cursors values = {NULL, 0, 0};
    if (from_node->kind != FHS_FP_BINARY || from_node->op != FHS_OP_UNION) {
        fhs_compiled result = fhs_compile_path(compiler, from_node, focus, NULL, &values);
        return result == FHS_COMPILED ? keep_position(compiler, &values, 0, node, out) : result;
    }
    fhs_cursors firsts = {NULL, 0, 0};
    fhs_pred *has = NULL;
    const fhs_pred *has_not = NULL;
    fhs_compiled result = compile_first_of(compiler, node, from_node->left, focus, out);
    if (result == FHS_COMPILED) {
        result = compile_first_of(compiler, node, from_node->right, focus, &firsts);
    }
    if (result == FHS_COMPILED) {
        result = fhs_compile_resource_has(compiler, from_node->left, &has);
    }
    if (result == FHS_COMPILED) {
        result = fhs_compile_negation(compiler, has, &has_not);
    }
    return result == FHS_COMPILED
               ? filter_all(compiler, &firsts, has_not, source_of(compiler, from_node->left), out)
               : result;
}

static bool is_first_of_union(const fhs_compiler *compiler, const fhs_fp_node *node,
                              const fhs_cursors *focus)
{
    return compiler->is_positional && node->kind == FHS_FP_FUNCTION && node->arg_count == 0 &&
           node->left != NULL && node->left->kind == FHS_FP_BINARY && focus->count == 1 &&
           focus->items[0] == compiler->program->root && fhs_str_eq(node->text, FHS_LIT("first"));
}

/* Nesting is bounded by the parser (FHS_LIMIT_EXPRESSION_DEPTH and _CHAIN). */
fhs_compiled fhs_compile_path(fhs_compiler *compiler, const fhs_fp_node *node,
                              const fhs_cursors *focus, fhs_pnode *resource, fhs_cursors *out)
{
    if (node->kind == FHS_FP_BINARY) {
        if (node->op != FHS_OP_UNION) {
            return FHS_NEEDS_ENGINE;
        }
        fhs_compiled left = fhs_compile_path(compiler, node->left, focus, resource, out);
        return left != FHS_COMPILED ? left
                                    : fhs_compile_path(compiler, node->right, focus, resource, out);
    }
    if (is_first_of_union(compiler, node, focus)) {
        return compile_first_of(compiler, node, node->left, focus, out);
    }
    if (node->kind == FHS_FP_EXTERNAL) {
        return trace_external(compiler, node, resource, out);
    }
    fhs_cursors own = {NULL, 0, 0};
    const fhs_cursors *from = focus;
    if (node->left != NULL) {
        fhs_compiled left = fhs_compile_path(compiler, node->left, focus, resource, &own);
        if (left != FHS_COMPILED) {
            return left;
        }
        from = &own;
    }
    switch (node->kind) {
    case FHS_FP_THIS:
        return add_all(compiler, from, out);
    case FHS_FP_MEMBER:
        return trace_member(compiler, node, from, out);
    case FHS_FP_FUNCTION:
        return trace_function(compiler, node, from, out);
    case FHS_FP_INDEXER:
        return trace_indexer(compiler, node, from, out);
    case FHS_FP_AS:
        return keep_named_type(compiler, from, node->unit, node->text, out);
    default:
        return FHS_NEEDS_ENGINE;
    }
}
