/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: criteria of where(), and expressions whose value is true or false. */
#include "index/compile.h"

static bool is_call(const fhs_fp_node *node, const char *name, uint32_t arg_count)
{
    return node->kind == FHS_FP_FUNCTION && node->arg_count == arg_count &&
           fhs_str_eq(node->text, fhs_str_from_cstr(name));
}

bool fhs_is_condition(const fhs_fp_node *node)
{
    switch (node->kind) {
    case FHS_FP_BINARY:
        return node->op == FHS_OP_AND || node->op == FHS_OP_OR || node->op == FHS_OP_EQUAL ||
               node->op == FHS_OP_NOT_EQUAL;
    case FHS_FP_FUNCTION:
        return is_call(node, "exists", 0) || is_call(node, "exists", 1) ||
               is_call(node, "empty", 0) || is_call(node, "not", 0) ||
               is_call(node, "hasExtension", 1);
    case FHS_FP_IS:
        return true;
    default:
        return false;
    }
}

static fhs_pred *new_pred(fhs_compiler *compiler, fhs_pred_op op)
{
    fhs_pred *pred = fhs_arena_calloc(&compiler->program->arena, 1, sizeof *pred);
    if (pred != NULL) {
        pred->op = (uint8_t)op;
    }
    return pred;
}

/* The little trie of a path inside a condition; its ends are collected. */
static fhs_compiled compile_inner_path(fhs_compiler *compiler, const fhs_fp_node *path,
                                       const fhs_pnode *focus, const fhs_pnode **out)
{
    fhs_pnode *start = fhs_pnode_new(&compiler->program->arena, focus->type, focus->binding);
    fhs_cursors from = {NULL, 0, 0};
    fhs_cursors ends = {NULL, 0, 0};
    if (start == NULL || !fhs_cursors_add(compiler, &from, start)) {
        return FHS_COMPILE_NO_MEMORY;
    }
    bool is_positional = compiler->is_positional;
    compiler->is_positional = false;
    fhs_compiled result = fhs_compile_path(compiler, path, &from, NULL, &ends);
    compiler->is_positional = is_positional;
    for (size_t i = 0; i < ends.count; i++) {
        ends.items[i]->is_collected = true;
    }
    *out = start;
    if (result == FHS_COMPILED && !fhs_pnode_freeze(&compiler->program->arena, start)) {
        return FHS_COMPILE_NO_MEMORY;
    }
    return result;
}

static fhs_compiled compile_on_path(fhs_compiler *compiler, fhs_pred_op op, const fhs_fp_node *path,
                                    const fhs_pnode *focus, fhs_pred **out)
{
    fhs_pred *pred = new_pred(compiler, op);
    if (pred == NULL) {
        return FHS_COMPILE_NO_MEMORY;
    }
    *out = pred;
    return path == NULL ? FHS_COMPILED : compile_inner_path(compiler, path, focus, &pred->path);
}

fhs_compiled fhs_compile_resource_has(fhs_compiler *compiler, const fhs_fp_node *path,
                                      fhs_pred **out)
{
    fhs_compiled result = compile_on_path(compiler, FHS_PRED_EXISTS, path, compiler->program->root,
                                          out);
    if (result == FHS_COMPILED) {
        (*out)->is_at_resource = true;
        compiler->program->needs_whole = true;
    }
    return result;
}

static bool is_literal(const fhs_fp_node *node)
{
    return node->kind == FHS_FP_STRING || node->kind == FHS_FP_BOOLEAN ||
           node->kind == FHS_FP_INTEGER || node->kind == FHS_FP_DECIMAL;
}

static fhs_compiled compile_equality(fhs_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_pnode *focus, const fhs_pred **out)
{
    const fhs_fp_node *path = is_literal(node->left) ? node->right : node->left;
    const fhs_fp_node *literal = is_literal(node->left) ? node->left : node->right;
    if (!is_literal(literal) || is_literal(path)) {
        return FHS_NEEDS_ENGINE;
    }
    fhs_pred *pred = NULL;
    fhs_compiled result = compile_on_path(
        compiler, node->op == FHS_OP_EQUAL ? FHS_PRED_EQUAL : FHS_PRED_NOT_EQUAL, path, focus,
        &pred);
    if (result != FHS_COMPILED) {
        return result;
    }
    pred->literal_kind = literal->kind;
    pred->literal = fhs_arena_dup(&compiler->program->arena, literal->text);
    *out = pred;
    return pred->literal.ptr == NULL ? FHS_COMPILE_NO_MEMORY : FHS_COMPILED;
}

static fhs_compiled compile_both(fhs_compiler *compiler, const fhs_fp_node *node,
                                 const fhs_pnode *focus, const fhs_pred **out)
{
    fhs_pred *pred = new_pred(compiler, node->op == FHS_OP_AND ? FHS_PRED_AND : FHS_PRED_OR);
    if (pred == NULL) {
        return FHS_COMPILE_NO_MEMORY;
    }
    fhs_compiled result = fhs_compile_condition(compiler, node->left, focus, &pred->left);
    if (result == FHS_COMPILED) {
        result = fhs_compile_condition(compiler, node->right, focus, &pred->right);
    }
    *out = pred;
    return result;
}

/* resolve() is Patient; with or without a path before resolve(). */
static fhs_compiled compile_is(fhs_compiler *compiler, const fhs_fp_node *node,
                               const fhs_pnode *focus, const fhs_pred **out)
{
    fhs_type type = fhs_type_find(compiler->fhir, node->text);
    if (type == FHS_TYPE_NONE || node->left == NULL || !is_call(node->left, "resolve", 0)) {
        return FHS_NEEDS_ENGINE;
    }
    fhs_pred *pred = NULL;
    fhs_compiled result = compile_on_path(compiler, FHS_PRED_RESOLVES, node->left->left, focus,
                                          &pred);
    if (result == FHS_COMPILED) {
        pred->type = type;
        *out = pred;
        compiler->program->resolves = true;
    }
    return result;
}

fhs_compiled fhs_compile_negation(fhs_compiler *compiler, const fhs_pred *inner,
                                  const fhs_pred **out)
{
    fhs_pred *pred = new_pred(compiler, FHS_PRED_NOT);
    if (pred == NULL) {
        return FHS_COMPILE_NO_MEMORY;
    }
    pred->left = inner;
    *out = pred;
    return FHS_COMPILED;
}

/* path.where(criteria) or path.extension(url): what exists(criteria) and hasExtension(url) ask for.
 */
static fhs_fp_node *as_step(fhs_compiler *compiler, const fhs_fp_node *node, fhs_str name)
{
    fhs_fp_node *step = fhs_arena_alloc(compiler->scratch, sizeof *step);
    if (step != NULL) {
        *step = *node;
        step->text = name;
    }
    return step;
}

static fhs_compiled compile_call(fhs_compiler *compiler, const fhs_fp_node *node,
                                 const fhs_pnode *focus, const fhs_pred **out)
{
    const fhs_fp_node *path = node->left;
    fhs_pred *pred = NULL;
    fhs_compiled result = FHS_COMPILED;
    if (is_call(node, "not", 0)) {
        if (path == NULL) {
            return FHS_NEEDS_ENGINE;
        }
        result = fhs_compile_condition(compiler, path, focus, out);
        return result == FHS_COMPILED ? fhs_compile_negation(compiler, *out, out) : result;
    }
    if (node->arg_count == 1) {
        bool is_exists = is_call(node, "exists", 1);
        path = as_step(compiler, node, is_exists ? FHS_LIT("where") : FHS_LIT("extension"));
        if (path == NULL) {
            return FHS_COMPILE_NO_MEMORY;
        }
    }
    result = compile_on_path(compiler, FHS_PRED_EXISTS, path, focus, &pred);
    if (result != FHS_COMPILED) {
        return result;
    }
    *out = pred;
    return is_call(node, "empty", 0) ? fhs_compile_negation(compiler, pred, out) : FHS_COMPILED;
}

fhs_compiled fhs_compile_condition(fhs_compiler *compiler, const fhs_fp_node *node,
                                   const fhs_pnode *focus, const fhs_pred **out)
{
    if (node->kind == FHS_FP_BINARY && (node->op == FHS_OP_AND || node->op == FHS_OP_OR)) {
        return compile_both(compiler, node, focus, out);
    }
    if (node->kind == FHS_FP_BINARY && fhs_is_condition(node)) {
        return compile_equality(compiler, node, focus, out);
    }
    if (node->kind == FHS_FP_IS) {
        return compile_is(compiler, node, focus, out);
    }
    if (fhs_is_condition(node)) {
        return compile_call(compiler, node, focus, out);
    }
    if (node->kind != FHS_FP_MEMBER) {
        return FHS_NEEDS_ENGINE;
    }
    fhs_pred *pred = NULL;
    fhs_compiled result = compile_on_path(compiler, FHS_PRED_TRUTH, node, focus, &pred);
    *out = pred;
    return result;
}
