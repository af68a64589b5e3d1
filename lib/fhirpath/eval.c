/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evaluator walks the program; collections are ranges of one stack of items. Whatever is
 * evaluated pushes its items; operators and functions replace the ranges they used.
 */
#include "base/limits.h"
#include "fhirpath/internal.h"

/* ---- single values ---- */

fhirstore_status fhs_fp_single(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                               fhs_fp_item *out, bool *found)
{
    uint32_t count = run->top - base;
    run->top = base;
    *found = count == 1;
    if (count == 0) {
        return FHIRSTORE_OK;
    }
    if (count > 1) {
        return fhs_fp_fail(run, op, "a single item is needed here, there are several");
    }
    return fhs_fp_value(run, &run->stack[base], out);
}

fhirstore_status fhs_fp_single_string(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                      fhs_str *out, bool *found)
{
    fhs_fp_item item;
    FHS_TRY(fhs_fp_single(run, op, base, &item, found));
    if (!*found) {
        return FHIRSTORE_OK;
    }
    if (item.kind == FHS_ITEM_STRING) {
        *out = item.text;
        return FHIRSTORE_OK;
    }
    /* A primitive with nothing but extensions has no value: empty. */
    if (item.kind == FHS_ITEM_NODE && item.node.json == NULL) {
        *found = false;
        return FHIRSTORE_OK;
    }
    return fhs_fp_fail(run, op, "a string is needed here");
}

fhirstore_status fhs_fp_eval_single(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_scope *scope, fhs_fp_item *out, bool *found)
{
    uint32_t base = run->top;
    FHS_TRY(fhs_fp_eval_apart(run, op, scope, 2));
    return fhs_fp_single(run, op, base, out, found);
}

fhirstore_status fhs_fp_eval_string(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_scope *scope, fhs_str *out, bool *found)
{
    uint32_t base = run->top;
    FHS_TRY(fhs_fp_eval_apart(run, op, scope, 2));
    return fhs_fp_single_string(run, op, base, out, found);
}

fhirstore_status fhs_fp_eval_integer(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, int64_t *out, bool *found)
{
    fhs_fp_item item;
    FHS_TRY(fhs_fp_eval_single(run, op, scope, &item, found));
    if (*found && item.kind != FHS_ITEM_INTEGER && item.kind != FHS_ITEM_LONG) {
        return fhs_fp_fail(run, op, "an integer is needed here");
    }
    if (*found) {
        *out = item.integer;
    }
    return FHIRSTORE_OK;
}

/* The items [base, top) as one Boolean: any single item that is no Boolean counts as true. */
static fhirstore_status take_boolean(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                     int *out)
{
    fhs_fp_item item;
    bool found = false;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    *out = !found ? -1 : item.kind == FHS_ITEM_BOOLEAN ? item.boolean : 1;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fp_eval_boolean(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, int *out)
{
    uint32_t base = run->top;
    FHS_TRY(fhs_fp_eval_apart(run, op, scope, 2));
    return take_boolean(run, op, base, out);
}

/* ---- operators ---- */

static fhirstore_status push_answer(fhs_fhirpath_run *run, int answer)
{
    return answer < 0 ? FHIRSTORE_OK : fhs_fp_push_boolean(run, answer != 0);
}

static fhirstore_status eval_logic(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                   const fhs_fp_scope *scope)
{
    int a = 0;
    int b = 0;
    FHS_TRY(fhs_fp_eval_boolean(run, op->left, scope, &a));
    if ((op->op == FHS_OP_AND && a == 0) || (op->op == FHS_OP_OR && a == 1)) {
        return fhs_fp_push_boolean(run, a == 1);
    }
    if (op->op == FHS_OP_IMPLIES && a == 0) {
        return fhs_fp_push_boolean(run, true);
    }
    FHS_TRY(fhs_fp_eval_boolean(run, op->right, scope, &b));
    switch (op->op) {
    case FHS_OP_AND:
        return push_answer(run, b == 0 ? 0 : (a < 0 || b < 0) ? -1 : 1);
    case FHS_OP_OR:
        return push_answer(run, b == 1 ? 1 : (a < 0 || b < 0) ? -1 : 0);
    case FHS_OP_XOR:
        return push_answer(run, a < 0 || b < 0 ? -1 : a != b);
    default: /* implies, a is true or empty */
        return push_answer(run, b == 1 ? 1 : a == 1 ? b : -1);
    }
}

/* = ~ != !~ over whole collections. */
static fhirstore_status eval_equality(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                      const fhs_fp_scope *scope)
{
    uint32_t base = run->top;
    FHS_TRY(fhs_fp_eval_apart(run, op->left, scope, FHS_FP_ALL));
    uint32_t middle = run->top;
    FHS_TRY(fhs_fp_eval_apart(run, op->right, scope, FHS_FP_ALL));
    int answer = 0;
    bool strict = op->op == FHS_OP_EQUAL || op->op == FHS_OP_NOT_EQUAL;
    FHS_TRY(strict ? fhs_fp_equal_ranges(run, base, middle, &answer)
                   : fhs_fp_equivalent_ranges(run, base, middle, &answer));
    run->top = base;
    if (answer >= 0 && (op->op == FHS_OP_NOT_EQUAL || op->op == FHS_OP_NOT_EQUIVALENT)) {
        answer = !answer;
    }
    return push_answer(run, answer);
}

/* in, contains: @a one must give a single item, @a many is searched for it. */
static fhirstore_status eval_membership(fhs_fhirpath_run *run, const fhs_fp_step *one,
                                        const fhs_fp_step *many, const fhs_fp_scope *scope)
{
    uint32_t base = run->top;
    FHS_TRY(fhs_fp_eval_apart(run, one, scope, 2));
    if (run->top - base > 1) {
        return fhs_fp_fail(run, one, "a single item is needed here, there are several");
    }
    if (run->top == base) {
        return FHIRSTORE_OK;
    }
    fhs_fp_item item = run->stack[base];
    FHS_TRY(fhs_fp_eval_apart(run, many, scope, FHS_FP_ALL));
    bool inside = false;
    FHS_TRY(fhs_fp_contains(run, base + 1, run->top, &item, &inside));
    run->top = base;
    return fhs_fp_push_boolean(run, inside);
}

/* Both operands as single System values; *found is false when either is empty. */
static fhirstore_status eval_operands(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                      const fhs_fp_scope *scope, fhs_fp_item *a, fhs_fp_item *b,
                                      bool *found)
{
    bool has_a = false;
    bool has_b = false;
    FHS_TRY(fhs_fp_eval_single(run, op->left, scope, a, &has_a));
    FHS_TRY(fhs_fp_eval_single(run, op->right, scope, b, &has_b));
    *found = has_a && has_b;
    return FHIRSTORE_OK;
}

static fhirstore_status eval_comparison(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                        const fhs_fp_scope *scope)
{
    fhs_fp_item a;
    fhs_fp_item b;
    bool found = false;
    FHS_TRY(eval_operands(run, op, scope, &a, &b, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    int order = 0;
    bool known = false;
    FHS_TRY(fhs_fp_order(run, op, &a, &b, &order, &known));
    if (!known) {
        return FHIRSTORE_OK;
    }
    switch (op->op) {
    case FHS_OP_LESS:
        return fhs_fp_push_boolean(run, order < 0);
    case FHS_OP_LESS_EQUAL:
        return fhs_fp_push_boolean(run, order <= 0);
    case FHS_OP_GREATER:
        return fhs_fp_push_boolean(run, order > 0);
    default:
        return fhs_fp_push_boolean(run, order >= 0);
    }
}

static fhirstore_status eval_arithmetic(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                        const fhs_fp_scope *scope)
{
    fhs_fp_item a;
    fhs_fp_item b;
    bool found = false;
    FHS_TRY(eval_operands(run, op, scope, &a, &b, &found));
    return found ? fhs_fp_arithmetic(run, op, &a, &b) : FHIRSTORE_OK;
}

static fhirstore_status eval_concatenation(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                           const fhs_fp_scope *scope)
{
    fhs_str a = FHS_STR_NONE;
    fhs_str b = FHS_STR_NONE;
    bool found = false;
    FHS_TRY(fhs_fp_eval_string(run, op->left, scope, &a, &found));
    FHS_TRY(fhs_fp_eval_string(run, op->right, scope, &b, &found));
    FHS_TRY(fhs_fp_work(run, 1 + (a.len + b.len) / 64));
    char *text = fhs_arena_alloc(&run->arena, a.len + b.len + 1);
    if (text == NULL) {
        return fhs_fp_memory(run);
    }
    if (a.len > 0) {
        memcpy(text, a.ptr, a.len);
    }
    if (b.len > 0) {
        memcpy(text + a.len, b.ptr, b.len);
    }
    return fhs_fp_push_string(run, fhs_str_of(text, a.len + b.len));
}

static fhirstore_status eval_union(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                   const fhs_fp_scope *scope)
{
    uint32_t base = run->top;
    FHS_TRY(fhs_fp_eval_apart(run, op->left, scope, FHS_FP_ALL));
    FHS_TRY(fhs_fp_eval_apart(run, op->right, scope, FHS_FP_ALL));
    return fhs_fp_unite(run, base, base);
}

static fhirstore_status eval_binary(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_scope *scope)
{
    switch (op->op) {
    case FHS_OP_AND:
    case FHS_OP_OR:
    case FHS_OP_XOR:
    case FHS_OP_IMPLIES:
        return eval_logic(run, op, scope);
    case FHS_OP_EQUAL:
    case FHS_OP_NOT_EQUAL:
    case FHS_OP_EQUIVALENT:
    case FHS_OP_NOT_EQUIVALENT:
        return eval_equality(run, op, scope);
    case FHS_OP_IN:
        return eval_membership(run, op->left, op->right, scope);
    case FHS_OP_CONTAINS:
        return eval_membership(run, op->right, op->left, scope);
    case FHS_OP_LESS:
    case FHS_OP_LESS_EQUAL:
    case FHS_OP_GREATER:
    case FHS_OP_GREATER_EQUAL:
        return eval_comparison(run, op, scope);
    case FHS_OP_UNION:
        return eval_union(run, op, scope);
    case FHS_OP_CONCATENATE:
        return eval_concatenation(run, op, scope);
    default:
        return eval_arithmetic(run, op, scope);
    }
}

/* ---- terms and steps ---- */

static fhirstore_status push_items(fhs_fhirpath_run *run, const fhs_fp_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        FHS_TRY(fhs_fp_push(run, &items[i]));
    }
    return FHIRSTORE_OK;
}

static fhirstore_status push_resource(fhs_fhirpath_run *run, const fhs_json *json)
{
    if (json == NULL) {
        return FHIRSTORE_OK;
    }
    fhs_fp_item item = fhs_fp_make_node(run->fhir, json, NULL, FHS_TYPE_NONE);
    return fhs_fp_push(run, &item);
}

/* %vs-name and %ext-name stand for canonical URLs. */
static fhirstore_status push_canonical(fhs_fhirpath_run *run, const char *prefix, fhs_str name)
{
    fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_EXPRESSION_BYTES);
    fhs_buf_add_cstr(&buf, prefix);
    fhs_buf_add_str(&buf, fhs_str_from(name, fhs_str_find_char(name, '-', 0) + 1));
    return fhs_fp_push_buf(run, &buf);
}

static fhirstore_status eval_environment(fhs_fhirpath_run *run, const fhs_fp_step *op, bool *found)
{
    fhs_str name = op->text;
    *found = true;
    if (fhs_str_eq(name, FHS_LIT("context"))) {
        return run->has_context ? fhs_fp_push(run, &run->context) : FHIRSTORE_OK;
    }
    if (fhs_str_eq(name, FHS_LIT("resource"))) {
        return push_resource(run, run->input->resource);
    }
    if (fhs_str_eq(name, FHS_LIT("rootResource"))) {
        return push_resource(run, run->root);
    }
    if (fhs_str_eq(name, FHS_LIT("ucum"))) {
        return fhs_fp_push_string(run, FHS_LIT("http://unitsofmeasure.org"));
    }
    if (fhs_str_eq(name, FHS_LIT("sct"))) {
        return fhs_fp_push_string(run, FHS_LIT("http://snomed.info/sct"));
    }
    if (fhs_str_eq(name, FHS_LIT("loinc"))) {
        return fhs_fp_push_string(run, FHS_LIT("http://loinc.org"));
    }
    if (fhs_str_starts_with(name, FHS_LIT("vs-"))) {
        return push_canonical(run, "http://hl7.org/fhir/ValueSet/", name);
    }
    if (fhs_str_starts_with(name, FHS_LIT("ext-"))) {
        return push_canonical(run, "http://hl7.org/fhir/StructureDefinition/", name);
    }
    *found = false;
    return FHIRSTORE_OK;
}

static fhirstore_status eval_external(fhs_fhirpath_run *run, const fhs_fp_step *op)
{
    for (uint32_t i = run->defined_count; i > 0; i--) {
        const fhs_fp_defined *defined = &run->defined[i - 1];
        if (fhs_str_eq(defined->name, op->text)) {
            return push_items(run, defined->items, defined->count);
        }
    }
    for (size_t i = 0; i < run->input->variable_count; i++) {
        const fhs_fhirpath_variable *variable = &run->input->variables[i];
        if (fhs_str_eq(variable->name, op->text)) {
            return push_items(run, variable->items, variable->count);
        }
    }
    bool found = false;
    FHS_TRY(eval_environment(run, op, &found));
    return found ? FHIRSTORE_OK : fhs_fp_fail(run, op, "this variable is not defined");
}

static fhirstore_status eval_input(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                   const fhs_fp_scope *scope, uint32_t limit)
{
    if (op->left != NULL) {
        return fhs_fp_eval(run, op->left, scope, limit);
    }
    if (scope->many != NULL) {
        return push_items(run, scope->many, scope->many_count);
    }
    return scope->has_self ? fhs_fp_push(run, &scope->self) : FHIRSTORE_OK;
}

static fhirstore_status eval_member(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_scope *scope, uint32_t limit)
{
    if (op->left == NULL && scope->many == NULL) {
        if (!scope->has_self) {
            return FHIRSTORE_OK;
        }
        if (op->is_type_name && fhs_fp_item_is(run, &scope->self, &op->spec)) {
            return fhs_fp_push(run, &scope->self);
        }
        return fhs_fp_push_member(run, op, &scope->self, run->top, limit);
    }
    uint32_t base = run->top;
    FHS_TRY(eval_input(run, op, scope, FHS_FP_ALL));
    uint32_t end = run->top;
    for (uint32_t i = base; i < end && run->top - end < limit; i++) {
        FHS_TRY(fhs_fp_push_member(run, op, &run->stack[i], end, limit));
    }
    FHS_TRY(fhs_fp_work(run, end - base));
    fhs_fp_drop(run, base, end);
    return FHIRSTORE_OK;
}

static fhirstore_status eval_function(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                      const fhs_fp_scope *scope, uint32_t limit)
{
    const fhs_fp_function *function = op->function;
    uint32_t base = run->top;
    uint32_t wanted = op->arg_count == 0 && function->input_limit > 0 ? function->input_limit
                                                                      : FHS_FP_ALL;
    FHS_TRY(eval_input(run, op, scope, wanted));
    run->limit = limit;
    return function->call(run, op, scope, base);
}

static fhirstore_status eval_indexer(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope)
{
    uint32_t base = run->top;
    int64_t index = 0;
    bool found = false;
    bool constant = op->right->kind == FHS_FP_INTEGER && op->right->constant.integer < 1000;
    uint32_t wanted = constant ? (uint32_t)op->right->constant.integer + 1 : FHS_FP_ALL;
    FHS_TRY(fhs_fp_eval(run, op->left, scope, wanted));
    FHS_TRY(fhs_fp_eval_integer(run, op->right, scope, &index, &found));
    uint32_t count = run->top - base;
    if (!found || index < 0 || index >= (int64_t)count) {
        run->top = base;
        return FHIRSTORE_OK;
    }
    run->stack[base] = run->stack[base + (uint32_t)index];
    run->top = base + 1;
    return FHIRSTORE_OK;
}

/* "is" and "as" as operators; the functions share this. */
static fhirstore_status eval_type_test(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                       const fhs_fp_scope *scope)
{
    uint32_t base = run->top;
    FHS_TRY(fhs_fp_eval_apart(run, op->left, scope, FHS_FP_ALL));
    if (!op->spec.known) {
        return fhs_fp_fail(run, op, "the type is not known");
    }
    uint32_t count = run->top - base;
    run->top = base;
    if (count > 1) {
        return fhs_fp_fail(run, op, "a single item is needed here, there are several");
    }
    if (count == 0) {
        return FHIRSTORE_OK;
    }
    fhs_fp_item item = run->stack[base];
    if (op->kind == FHS_FP_IS) {
        return fhs_fp_push_boolean(run, fhs_fp_item_is(run, &item, &op->spec));
    }
    return fhs_fp_item_as(run, &item, &op->spec) ? fhs_fp_push(run, &item) : FHIRSTORE_OK;
}

static fhirstore_status eval_polarity(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                      const fhs_fp_scope *scope)
{
    fhs_fp_item item;
    bool found = false;
    FHS_TRY(fhs_fp_eval_single(run, op->left, scope, &item, &found));
    return found ? fhs_fp_negate(run, op, &item) : FHIRSTORE_OK;
}

fhirstore_status fhs_fp_eval(fhs_fhirpath_run *run, const fhs_fp_step *op,
                             const fhs_fp_scope *scope, uint32_t limit)
{
    FHS_TRY(fhs_fp_work(run, 1));
    switch (op->kind) {
    case FHS_FP_EMPTY:
        return FHIRSTORE_OK;
    case FHS_FP_EXTERNAL:
        return eval_external(run, op);
    case FHS_FP_THIS:
        return eval_input(run, op, scope, limit);
    case FHS_FP_INDEX:
        return fhs_fp_push_integer(run, scope->index);
    case FHS_FP_TOTAL:
        return scope->has_total ? push_items(run, scope->total, scope->total_count)
                                : fhs_fp_fail(run, op, "$total is only known inside aggregate()");
    case FHS_FP_MEMBER:
        return eval_member(run, op, scope, limit);
    case FHS_FP_FUNCTION:
        return eval_function(run, op, scope, limit);
    case FHS_FP_INDEXER:
        return eval_indexer(run, op, scope);
    case FHS_FP_POLARITY:
        return eval_polarity(run, op, scope);
    case FHS_FP_BINARY:
        return eval_binary(run, op, scope);
    case FHS_FP_IS:
    case FHS_FP_AS:
        return eval_type_test(run, op, scope);
    case FHS_FP_INSTANCE:
        return fhs_fp_build_instance(run, op, scope);
    case FHS_FP_TIME:
        if (op->constant.kind != FHS_ITEM_TIME) {
            return fhs_fp_fail(run, op, "a time of day has no zone");
        }
        return fhs_fp_push(run, &op->constant);
    default:
        return fhs_fp_push(run, &op->constant);
    }
}

fhirstore_status fhs_fp_eval_apart(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                   const fhs_fp_scope *scope, uint32_t limit)
{
    uint32_t defined = run->defined_count;
    fhirstore_status status = fhs_fp_eval(run, op, scope, limit);
    run->defined_count = defined;
    return status;
}
