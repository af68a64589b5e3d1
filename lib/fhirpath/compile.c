/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the tree to the program: names of functions and types are looked up, literals become
 * values, and where the type of a path is known, so are its elements.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "fhirpath/internal.h"

/* An expression of the greatest length needs less. */
#define MAX_PROGRAM_BYTES ((size_t)64 * 1024 * 1024)

static fhirstore_status compile_step(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_fp_static *focus, const fhs_fp_step **out,
                                     fhs_fp_static *type);

static const fhs_fp_static unknown_static = {.fhir = FHS_TYPE_NONE};

static void *compiler_alloc(fhs_fp_compiler *compiler, size_t count, size_t size)
{
    void *ptr = fhs_arena_calloc(&compiler->path->arena, count, size);
    if (ptr == NULL) {
        fhs_fail_memory(compiler->err);
    }
    return ptr;
}

/* ---- literals ---- */

static fhirstore_status decimal_literal(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                        fhs_decimal *out)
{
    fhs_str text = node->text;
    while (text.len > 1 && text.ptr[0] == '0' && text.ptr[1] != '.') {
        text = fhs_str_from(text, 1);
    }
    if (!fhs_decimal_parse(text, out)) {
        return fhs_fp_refuse(compiler, node, "the number has too many digits");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status number_literal(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                       fhs_fp_step *op)
{
    fhs_decimal value;
    int64_t number = 0;
    FHS_TRY(decimal_literal(compiler, node, &value));
    if (node->kind == FHS_FP_DECIMAL) {
        fhs_decimal *copy = compiler_alloc(compiler, 1, sizeof(*copy));
        if (copy == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        *copy = value;
        op->constant = (fhs_fp_item){
            .kind = FHS_ITEM_DECIMAL, .type = FHS_TYPE_NONE, .decimal = copy};
        return FHIRSTORE_OK;
    }
    if (!fhs_decimal_to_i64(&value, &number)) {
        return fhs_fp_refuse(compiler, node, "the number does not fit its type");
    }
    op->constant = fhs_fp_item_of_integer(number);
    if (node->kind == FHS_FP_LONG) {
        op->constant.kind = FHS_ITEM_LONG;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status quantity_literal(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                         fhs_fp_step *op)
{
    fhs_fp_quantity *value = compiler_alloc(compiler, 1, sizeof(*value));
    if (value == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    FHS_TRY(decimal_literal(compiler, node, &value->value));
    value->unit = node->unit;
    /* A calendar word in quotes is still one. */
    value->calendar = fhs_fp_calendar_unit(node->unit) >= 0;
    op->constant = (fhs_fp_item){
        .kind = FHS_ITEM_QUANTITY, .type = FHS_TYPE_NONE, .quantity = value};
    return FHIRSTORE_OK;
}

static fhirstore_status date_literal(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                     fhs_fp_step *op)
{
    fhs_date *value = compiler_alloc(compiler, 1, sizeof(*value));
    if (value == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    fhs_fp_item_kind kind = node->kind == FHS_FP_DATE       ? FHS_ITEM_DATE
                            : node->kind == FHS_FP_DATETIME ? FHS_ITEM_DATETIME
                                                            : FHS_ITEM_TIME;
    fhs_str text = node->text;
    size_t zone = kind == FHS_ITEM_TIME ? fhs_str_find_char(text, 'Z', 0) : text.len;
    if (kind == FHS_ITEM_TIME && zone == text.len && text.len > 6 &&
        (text.ptr[text.len - 6] == '+' || text.ptr[text.len - 6] == '-')) {
        zone = text.len - 6;
    }
    if (zone < text.len) {
        return FHIRSTORE_OK; /* no constant: the evaluator refuses it */
    }
    if (!fhs_fp_date_parse(text, kind, value)) {
        return fhs_fp_refuse(compiler, node, "there is no such date or time");
    }
    op->constant = (fhs_fp_item){.kind = (uint8_t)kind, .type = FHS_TYPE_NONE, .date = value};
    return FHIRSTORE_OK;
}

static fhirstore_status compile_literal(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                        fhs_fp_step *op, fhs_fp_static *type)
{
    fhirstore_status status = FHIRSTORE_OK;
    switch (node->kind) {
    case FHS_FP_BOOLEAN:
        op->constant = fhs_fp_item_of_boolean(fhs_str_eq(node->text, FHS_LIT("true")));
        break;
    case FHS_FP_STRING:
        op->constant = fhs_fp_item_of_string(node->text);
        break;
    case FHS_FP_INTEGER:
    case FHS_FP_LONG:
    case FHS_FP_DECIMAL:
        status = number_literal(compiler, node, op);
        break;
    case FHS_FP_QUANTITY:
        status = quantity_literal(compiler, node, op);
        break;
    default:
        status = date_literal(compiler, node, op);
        break;
    }
    type->system = op->constant.kind;
    return status;
}

/* ---- steps ---- */

/* A name where a path begins may be that of the type of the focus. */
static fhirstore_status compile_start(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                      const fhs_fp_static *focus, fhs_fp_step *op,
                                      fhs_fp_static *type)
{
    const fhs_fhir *fhir = compiler->options.fhir;
    fhs_type named = fhs_type_find(fhir, node->text);
    bool capital = node->text.len > 0 && node->text.ptr[0] >= 'A' && node->text.ptr[0] <= 'Z';
    if (named == FHS_TYPE_NONE || !capital) {
        return fhs_fp_check_member(compiler, node, focus, op, type);
    }
    op->is_type_name = true;
    op->spec = (fhs_fp_type_spec){.known = true, .fhir = named};
    if (focus->fhir != FHS_TYPE_NONE && fhs_type_is_a(fhir, focus->fhir, named)) {
        *type = *focus;
        return FHIRSTORE_OK;
    }
    if (focus->fhir != FHS_TYPE_NONE) {
        return fhs_fp_check_member(compiler, node, focus, op, type);
    }
    /* Whatever comes through is of this type, unless it is an element of an unknown one. */
    if (fhs_type_is_resource(fhir, named)) {
        type->fhir = named;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status compile_member(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                       const fhs_fp_static *focus, fhs_fp_step *op,
                                       fhs_fp_static *type)
{
    if (node->left == NULL) {
        return compile_start(compiler, node, focus, op, type);
    }
    fhs_fp_static input;
    FHS_TRY(compile_step(compiler, node->left, focus, &op->left, &input));
    return fhs_fp_check_member(compiler, node, &input, op, type);
}

/* The argument of ofType(), is(), as(). */
static fhirstore_status compile_type_argument(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                              fhs_fp_step *op)
{
    fhs_str space;
    fhs_str name;
    if (!fhs_fhirpath_type_specifier(node->args[0], &space, &name)) {
        return fhs_fp_refuse(compiler, node->args[0], "%s() takes the name of a type",
                             op->function->name);
    }
    op->spec = fhs_fp_type_find(compiler->options.fhir, space, name);
    /* The run-time error points at the argument. */
    fhs_fp_step *arg = compiler_alloc(compiler, 1, sizeof(*arg));
    const fhs_fp_step **args = compiler_alloc(compiler, 1, sizeof(const fhs_fp_step *));
    if (arg == NULL || args == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    arg->kind = FHS_FP_EMPTY;
    arg->at = node->args[0]->at;
    args[0] = arg;
    op->args = args;
    op->arg_count = 1;
    return FHIRSTORE_OK;
}

static fhirstore_status compile_arguments(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                          const fhs_fp_static *focus, fhs_fp_step *op,
                                          fhs_fp_static *types)
{
    if (node->arg_count == 0) {
        return FHIRSTORE_OK;
    }
    const fhs_fp_step **args = compiler_alloc(compiler, node->arg_count,
                                              sizeof(const fhs_fp_step *));
    if (args == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    op->args = args;
    op->arg_count = node->arg_count;
    for (uint32_t i = 0; i < node->arg_count; i++) {
        FHS_TRY(
            compile_step(compiler, node->args[i], focus, &args[i], i < 3 ? &types[i] : &types[3]));
    }
    return FHIRSTORE_OK;
}

/* A pattern that is written out is compiled once; a bad one is an error at once. */
static fhirstore_status compile_pattern(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                        fhs_fp_step *op)
{
    bool full = fhs_str_eq(node->text, FHS_LIT("matchesFull"));
    bool replace = fhs_str_eq(node->text, FHS_LIT("replaceMatches"));
    if ((!full && !replace && !fhs_str_eq(node->text, FHS_LIT("matches"))) ||
        node->args[0]->kind != FHS_FP_STRING || node->arg_count > (replace ? 2u : 1u)) {
        return FHIRSTORE_OK;
    }
    const char *problem = NULL;
    op->regex = fhs_regex_compile(&compiler->path->arena, node->args[0]->text,
                                  full ? FHS_REGEX_WHOLE : 0u, &problem);
    if (op->regex != NULL) {
        return FHIRSTORE_OK;
    }
    return problem == NULL
               ? fhs_fail_memory(compiler->err)
               : fhs_fp_refuse(compiler, node->args[0], "regular expression: %s", problem);
}

static fhirstore_status compile_function(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                         const fhs_fp_static *focus, fhs_fp_step *op,
                                         fhs_fp_static *type)
{
    fhs_fp_static input = *focus;
    fhs_fp_static types[4] = {unknown_static, unknown_static, unknown_static, unknown_static};
    if (node->left != NULL) {
        FHS_TRY(compile_step(compiler, node->left, focus, &op->left, &input));
    }
    op->function = fhs_fp_function_find(node->text);
    if (op->function == NULL) {
        return fhs_fp_refuse(compiler, node, "there is no function %.*s()",
                             FHS_STR_ARG(node->text));
    }
    if (node->arg_count < op->function->min_args || node->arg_count > op->function->max_args) {
        return fhs_fp_refuse(compiler, node, "%s() takes %u to %u arguments", op->function->name,
                             op->function->min_args, op->function->max_args);
    }
    if ((op->function->flags & FHS_FN_TYPE) != 0) {
        FHS_TRY(compile_type_argument(compiler, node, op));
    } else {
        fhs_fp_static inner = (op->function->flags & FHS_FN_SCOPED) != 0 ? input : *focus;
        inner.unordered = false;
        FHS_TRY(compile_arguments(compiler, node, &inner, op, types));
        FHS_TRY(compile_pattern(compiler, node, op));
    }
    return fhs_fp_check_function(compiler, node, op, &input, types, type);
}

/* ---- operators ---- */

static fhirstore_status compile_binary(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                       const fhs_fp_static *focus, fhs_fp_step *op,
                                       fhs_fp_static *type)
{
    fhs_fp_static left;
    fhs_fp_static right;
    FHS_TRY(compile_step(compiler, node->left, focus, &op->left, &left));
    FHS_TRY(compile_step(compiler, node->right, focus, &op->right, &right));
    return fhs_fp_check_binary(compiler, node, &left, &right, type);
}

static fhirstore_status compile_type_test(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                          const fhs_fp_static *focus, fhs_fp_step *op,
                                          fhs_fp_static *type)
{
    fhs_fp_static input;
    FHS_TRY(compile_step(compiler, node->left, focus, &op->left, &input));
    op->spec = fhs_fp_type_find(compiler->options.fhir, node->unit, node->text);
    if (node->kind == FHS_FP_IS) {
        type->system = FHS_ITEM_BOOLEAN;
    } else if (op->spec.fhir != FHS_TYPE_NONE &&
               !fhs_type_is_abstract(compiler->options.fhir, op->spec.fhir)) {
        type->fhir = op->spec.fhir;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status compile_indexer(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                        const fhs_fp_static *focus, fhs_fp_step *op,
                                        fhs_fp_static *type)
{
    fhs_fp_static ignored;
    FHS_TRY(compile_step(compiler, node->left, focus, &op->left, type));
    if (type->unordered && compiler->options.strict) {
        return fhs_fp_refuse(compiler, node, "[] depends on an order that is not defined");
    }
    return compile_step(compiler, node->right, focus, &op->right, &ignored);
}

static fhirstore_status compile_instance(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                         const fhs_fp_static *focus, fhs_fp_step *op,
                                         fhs_fp_static *type)
{
    fhs_fp_static types[4];
    op->spec = fhs_fp_type_find(compiler->options.fhir, node->unit, node->text);
    if (op->spec.fhir == FHS_TYPE_NONE ||
        fhs_type_is_abstract(compiler->options.fhir, op->spec.fhir)) {
        return fhs_fp_refuse(compiler, node, "there is no such type to make an instance of");
    }
    type->fhir = op->spec.fhir;
    return compile_arguments(compiler, node, focus, op, types);
}

/* $this, with or without a path before it. */
static fhirstore_status compile_this(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_fp_static *focus, fhs_fp_step *op,
                                     fhs_fp_static *type)
{
    *type = *focus;
    return node->left == NULL ? FHIRSTORE_OK
                              : compile_step(compiler, node->left, focus, &op->left, type);
}

static fhirstore_status compile_kind(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_fp_static *focus, fhs_fp_step *op,
                                     fhs_fp_static *type)
{
    switch (node->kind) {
    case FHS_FP_EMPTY:
    case FHS_FP_EXTERNAL:
    case FHS_FP_INDEX:
    case FHS_FP_TOTAL:
        return FHIRSTORE_OK;
    case FHS_FP_THIS:
        return compile_this(compiler, node, focus, op, type);
    case FHS_FP_MEMBER:
        return compile_member(compiler, node, focus, op, type);
    case FHS_FP_FUNCTION:
        return compile_function(compiler, node, focus, op, type);
    case FHS_FP_INDEXER:
        return compile_indexer(compiler, node, focus, op, type);
    case FHS_FP_POLARITY:
    case FHS_FP_ELEMENT:
        return compile_step(compiler, node->left, focus, &op->left, type);
    case FHS_FP_BINARY:
        return compile_binary(compiler, node, focus, op, type);
    case FHS_FP_IS:
    case FHS_FP_AS:
        return compile_type_test(compiler, node, focus, op, type);
    case FHS_FP_INSTANCE:
        return compile_instance(compiler, node, focus, op, type);
    default:
        return compile_literal(compiler, node, op, type);
    }
}

/* The parser has bounded the height of the tree, and so this recursion. */
static fhirstore_status compile_step(fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_fp_static *focus, const fhs_fp_step **out,
                                     fhs_fp_static *type)
{
    fhs_fp_step *op = compiler_alloc(compiler, 1, sizeof(*op));
    if (op == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    op->kind = node->kind;
    op->op = node->op;
    op->flags = node->flags;
    op->at = node->at;
    op->text = node->text;
    op->unit = node->unit;
    op->static_type = FHS_TYPE_NONE;
    *out = op;
    *type = unknown_static;
    return compile_kind(compiler, node, focus, op, type);
}

/* ---- the whole ---- */

static fhirstore_status compile_text(fhs_fp_compiler *compiler, fhs_str text)
{
    const fhs_fp_node *root = NULL;
    fhs_fp_static type;
    fhs_fp_static focus = unknown_static;
    fhs_fhirpath *path = compiler->path;
    if (text.len > FHS_LIMIT_EXPRESSION_BYTES) {
        return fhs_fail(compiler->err, FHIRSTORE_ERR_LIMIT,
                        "FHIRPath: the expression exceeds FHS_LIMIT_EXPRESSION_BYTES");
    }
    path->text = fhs_arena_dup(&path->arena, text);
    if (path->text.ptr == NULL) {
        return fhs_fail_memory(compiler->err);
    }
    FHS_TRY(fhs_fhirpath_parse(&path->arena, path->text, &root, compiler->err));
    fhs_type context = compiler->options.context_type;
    if (context != FHS_TYPE_NONE && !fhs_type_is_abstract(path->fhir, context)) {
        focus.fhir = context;
        focus.system = fhs_fp_system_of(path->fhir, context);
    }
    return compile_step(compiler, root, &focus, &path->root, &type);
}

fhirstore_status fhs_fhirpath_compile(const fhs_fhirpath_options *options, fhs_str text,
                                      fhs_fhirpath **out, fhirstore_error **err)
{
    *out = NULL;
    fhs_fhirpath *path = fhs_calloc(1, sizeof(*path));
    if (path == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_arena_init(&path->arena, MAX_PROGRAM_BYTES);
    path->fhir = options->fhir;
    fhs_fp_compiler compiler = {path, *options, err};
    fhirstore_status status = compile_text(&compiler, text);
    if (status != FHIRSTORE_OK) {
        fhs_fhirpath_free(path);
        return status;
    }
    *out = path;
    return FHIRSTORE_OK;
}

void fhs_fhirpath_free(fhs_fhirpath *path)
{
    if (path != NULL) {
        fhs_arena_clear(&path->arena);
        fhs_free(path);
    }
}
