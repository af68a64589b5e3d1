/* SPDX-License-Identifier: Apache-2.0 */
/* All parameters of a type into one program. */
#include "index/compile.h"

#include "base/mem.h"

#define PROGRAM_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define SCRATCH_BYTES_MAX ((size_t)64 * 1024 * 1024)

static fhs_compiled emit_at_all(fhs_compiler *compiler, const fhs_cursors *ends, uint8_t kind,
                                fhs_sparam param, uint32_t slot)
{
    for (size_t i = 0; i < ends->count; i++) {
        if (!fhs_pnode_emit(&compiler->program->arena, ends->items[i], kind, param, slot)) {
            return FHS_COMPILE_NO_MEMORY;
        }
    }
    return FHS_COMPILED;
}

static fhs_compiled parse_param_expression(fhs_compiler *compiler, fhs_str text,
                                           const fhs_fp_node **out)
{
    compiler->text = text;
    fhirstore_status status = fhs_fhirpath_parse(compiler->scratch, text, out, NULL);
    if (status == FHIRSTORE_OK) {
        return FHS_COMPILED;
    }
    return status == FHIRSTORE_ERR_NO_MEMORY ? FHS_COMPILE_NO_MEMORY : FHS_NEEDS_ENGINE;
}

/* One component of a composite whose root values are at @a root. */
static fhs_compiled compile_component(fhs_compiler *compiler, fhs_pnode *root,
                                      const fhs_sparam_component *component, uint32_t slot,
                                      fhs_pnode **from_resource)
{
    const fhs_fp_node *expression = NULL;
    fhs_cursors focus = {NULL, 0, 0};
    fhs_cursors ends = {NULL, 0, 0};
    fhs_compiled result = parse_param_expression(compiler, component->expression, &expression);
    if (result != FHS_COMPILED) {
        return result;
    }
    fhs_pnode *resource = fhs_pnode_new(&compiler->program->arena, compiler->program->type,
                                        UINT16_MAX);
    if (resource == NULL || !fhs_cursors_add(compiler, &focus, root)) {
        return FHS_COMPILE_NO_MEMORY;
    }
    compiler->is_positional = false;
    compiler->saw_resource = false;
    result = fhs_compile_path(compiler, expression, &focus, resource, &ends);
    compiler->is_positional = true;
    if (result != FHS_COMPILED) {
        return result;
    }
    *from_resource = compiler->saw_resource ? resource : NULL;
    compiler->program->needs_whole = compiler->program->needs_whole || compiler->saw_resource;
    fhs_sparam_def part = fhs_sparam_get(compiler->fhir, component->param);
    return emit_at_all(compiler, &ends, part.type, component->param, slot);
}

static fhs_compiled compile_composite_at(fhs_compiler *compiler, fhs_pnode *node, fhs_sparam param,
                                         const fhs_sparam_def *def)
{
    fhs_arena *arena = &compiler->program->arena;
    fhs_proot *root = fhs_arena_calloc(arena, 1, sizeof *root);
    if (root == NULL) {
        return FHS_COMPILE_NO_MEMORY;
    }
    root->param = param;
    root->count = def->component_count;
    root->components = def->components;
    root->slot = compiler->program->slot_count;
    root->from_resource = fhs_arena_calloc(arena, root->count, sizeof(fhs_pnode *));
    compiler->program->slot_count += root->count;
    if (root->from_resource == NULL) {
        return FHS_COMPILE_NO_MEMORY;
    }
    for (uint32_t i = 0; i < root->count; i++) {
        fhs_compiled result = compile_component(compiler, node, &def->components[i], root->slot + i,
                                                &root->from_resource[i]);
        if (result != FHS_COMPILED) {
            return result;
        }
    }
    root->next = node->roots;
    node->roots = root;
    return FHS_COMPILED;
}

static fhs_compiled compile_truth(fhs_compiler *compiler, const fhs_fp_node *expression,
                                  fhs_sparam param, uint8_t kind)
{
    fhs_ptruth *truth = fhs_arena_calloc(&compiler->program->arena, 1, sizeof *truth);
    if (truth == NULL) {
        return FHS_COMPILE_NO_MEMORY;
    }
    truth->param = param;
    truth->kind = kind;
    fhs_compiled result = fhs_compile_condition(compiler, expression, compiler->program->root,
                                                &truth->pred);
    if (result == FHS_COMPILED) {
        truth->next = compiler->program->truths;
        compiler->program->truths = truth;
    }
    return result;
}

static fhs_compiled compile_param(fhs_compiler *compiler, fhs_sparam param,
                                  const fhs_sparam_def *def)
{
    const fhs_fp_node *expression = NULL;
    fhs_cursors focus = {NULL, 0, 0};
    fhs_cursors ends = {NULL, 0, 0};
    fhs_compiled result = parse_param_expression(compiler, def->expression, &expression);
    if (result != FHS_COMPILED) {
        return result;
    }
    if (fhs_is_condition(expression)) {
        return compile_truth(compiler, expression, param, def->type);
    }
    fhs_pnode *root = compiler->program->root;
    if (!fhs_cursors_add(compiler, &focus, root)) {
        return FHS_COMPILE_NO_MEMORY;
    }
    result = fhs_compile_path(compiler, expression, &focus, root, &ends);
    if (result != FHS_COMPILED || def->type != FHS_SP_COMPOSITE) {
        return result != FHS_COMPILED ? result
                                      : emit_at_all(compiler, &ends, def->type, param, FHS_NO_SLOT);
    }
    for (size_t i = 0; i < ends.count && result == FHS_COMPILED; i++) {
        result = compile_composite_at(compiler, ends.items[i], param, def);
    }
    return result;
}

/* _id, _lastUpdated and _in are answered by the resource table itself. */
static bool is_stored_elsewhere(const fhs_sparam_def *def)
{
    return fhs_str_eq(def->code, FHS_LIT("_id")) || fhs_str_eq(def->code, FHS_LIT("_in")) ||
           fhs_str_eq(def->code, FHS_LIT("_lastUpdated"));
}

/* An expression that not even the engine takes gives nothing; custom ones are checked on write. */
static fhs_compiled add_fallback(fhs_compiler *compiler, fhs_sparam param)
{
    fhs_program *program = compiler->program;
    fhs_pfallback *fallback = fhs_arena_calloc(&program->arena, 1, sizeof *fallback);
    if (fallback == NULL) {
        return FHS_COMPILE_NO_MEMORY;
    }
    fhirstore_status status = fhs_engine_param_new(compiler->fhir, program->type, param,
                                                   &fallback->engine, NULL);
    if (status != FHIRSTORE_OK) {
        return status == FHIRSTORE_ERR_NO_MEMORY ? FHS_COMPILE_NO_MEMORY : FHS_COMPILED;
    }
    fallback->param = param;
    fallback->next = program->fallbacks;
    program->fallbacks = fallback;
    return FHS_COMPILED;
}

static fhs_compiled compile_all(fhs_compiler *compiler)
{
    const fhs_sparam *list = NULL;
    size_t count = fhs_sparam_list(compiler->fhir, compiler->program->type, &list);
    for (size_t i = 0; i < count; i++) {
        fhs_sparam_def def = fhs_sparam_get(compiler->fhir, list[i]);
        if (def.expression.len == 0 || is_stored_elsewhere(&def)) {
            continue;
        }
        compiler->is_too_wide = false;
        fhs_compiled result = compile_param(compiler, list[i], &def);
        if (result == FHS_NEEDS_ENGINE || compiler->is_too_wide) {
            result = add_fallback(compiler, list[i]);
        }
        if (result != FHS_COMPILED) {
            return result;
        }
        fhs_arena_reset(compiler->scratch);
    }
    return FHS_COMPILED;
}

fhirstore_status fhs_program_new(const fhs_fhir *fhir, fhs_type type, fhs_program **program_out,
                                 fhirstore_error **err)
{
    *program_out = NULL;
    fhs_program *program = fhs_calloc(1, sizeof *program);
    if (program == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_arena scratch;
    fhs_arena_init(&scratch, SCRATCH_BYTES_MAX);
    fhs_arena_init(&program->arena, PROGRAM_BYTES_MAX);
    program->type = type;
    program->root = fhs_pnode_new(&program->arena, type, UINT16_MAX);
    fhs_compiler compiler = {
        .fhir = fhir, .program = program, .scratch = &scratch, .is_positional = true};
    bool is_done = program->root != NULL && compile_all(&compiler) == FHS_COMPILED &&
                   fhs_pnode_freeze(&program->arena, program->root);
    fhs_arena_clear(&scratch);
    if (!is_done) {
        fhs_program_free(program);
        return fhs_fail_memory(err);
    }
    *program_out = program;
    return FHIRSTORE_OK;
}

void fhs_program_free(fhs_program *program)
{
    if (program == NULL) {
        return;
    }
    for (fhs_pfallback *at = program->fallbacks; at != NULL; at = at->next) {
        fhs_engine_param_free(at->engine);
    }
    fhs_arena_clear(&program->arena);
    fhs_free(program);
}
