/* SPDX-License-Identifier: Apache-2.0 */
/* What FHIR adds to FHIRPath, and the utility functions. */
#include "fhirpath/functions.h"

FHS_FP_CALL(children)
{
    (void)op;
    (void)scope;
    uint32_t end = run->top;
    for (uint32_t i = base; i < end; i++) {
        FHS_TRY(fhs_fp_push_children(run, &run->stack[i]));
    }
    fhs_fp_drop(run, base, end);
    return FHIRSTORE_OK;
}

FHS_FP_CALL(descendants)
{
    (void)op;
    (void)scope;
    uint32_t end = run->top;
    for (uint32_t i = base; i < run->top; i++) {
        FHS_TRY(fhs_fp_push_children(run, &run->stack[i]));
    }
    fhs_fp_drop(run, base, end);
    return FHIRSTORE_OK;
}

/* ---- primitives and extensions ---- */

FHS_FP_CALL(has_value)
{
    (void)op;
    (void)scope;
    bool has = run->top - base == 1 && fhs_fp_has_value(run, &run->stack[base]);
    run->top = base;
    return fhs_fp_push_boolean(run, has);
}

FHS_FP_CALL(get_value)
{
    (void)op;
    (void)scope;
    bool has = run->top - base == 1 && fhs_fp_has_value(run, &run->stack[base]);
    run->top = base;
    if (!has) {
        return FHIRSTORE_OK;
    }
    fhs_fp_item value;
    FHS_TRY(fhs_fp_value(run, &run->stack[base], &value));
    return value.kind == FHS_ITEM_NODE ? FHIRSTORE_OK : fhs_fp_push(run, &value);
}

/* Keep of [from, top) the extensions with (or without any of) the url. */
static void keep_extensions(fhs_fhirpath_run *run, uint32_t from, fhs_str url)
{
    uint32_t keep = from;
    for (uint32_t i = from; i < run->top; i++) {
        fhs_str own;
        if (run->stack[i].node.json != NULL &&
            fhs_json_is(run->stack[i].node.json, FHS_JSON_OBJECT) &&
            fhs_json_get_string(run->stack[i].node.json, FHS_LIT("url"), &own) &&
            fhs_str_eq(own, url)) {
            run->stack[keep++] = run->stack[i];
        }
    }
    run->top = keep;
}

FHS_FP_CALL(extension)
{
    fhs_str url;
    bool given = false;
    uint32_t end = run->top;
    FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &url, &given));
    for (uint32_t i = base; given && i < end; i++) {
        if (run->stack[i].kind == FHS_ITEM_NODE) {
            uint32_t from = run->top;
            FHS_TRY(fhs_fp_push_named(run, &run->stack[i], FHS_LIT("extension")));
            keep_extensions(run, from, url);
        }
    }
    fhs_fp_drop(run, base, end);
    return FHIRSTORE_OK;
}

FHS_FP_CALL(has_extension)
{
    FHS_TRY(fhs_fp_fn_extension(run, op, scope, base));
    bool has = run->top > base;
    run->top = base;
    return fhs_fp_push_boolean(run, has);
}

/* The input, unless an item has a modifier extension that is not among the arguments. */
FHS_FP_CALL(check_modifiers)
{
    uint32_t end = run->top;
    for (uint32_t i = base; i < end; i++) {
        if (run->stack[i].kind == FHS_ITEM_NODE) {
            FHS_TRY(fhs_fp_push_named(run, &run->stack[i], FHS_LIT("modifierExtension")));
        }
    }
    for (uint32_t i = end; i < run->top; i++) {
        fhs_str own = FHS_STR_NONE;
        bool known = false;
        if (fhs_json_is(run->stack[i].node.json, FHS_JSON_OBJECT)) {
            fhs_json_get_string(run->stack[i].node.json, FHS_LIT("url"), &own);
        }
        for (uint32_t j = 0; j < op->arg_count && !known; j++) {
            fhs_str url;
            bool given = false;
            FHS_TRY(fhs_fp_eval_string(run, op->args[j], scope, &url, &given));
            known = given && fhs_str_eq(url, own);
        }
        if (!known) {
            return fhs_fp_fail(run, op, "there is a modifier extension that is not allowed");
        }
    }
    run->top = end;
    return FHIRSTORE_OK;
}

/* ---- terminology ---- */

/* Ask about one code; @a any becomes YES when it is in, UNKNOWN stays when nobody knows. */
static fhirstore_status ask_member(fhs_fhirpath_run *run, fhs_str value_set, fhs_str system,
                                   fhs_str code, fhs_fp_answer *any)
{
    const fhs_fhirpath_hooks *hooks = run->input->hooks;
    fhs_fp_answer answer = FHS_ANSWER_UNKNOWN;
    if (hooks != NULL && hooks->member_of != NULL) {
        FHS_TRY(hooks->member_of(hooks->ctx, value_set, system, code, &answer, run->err));
    }
    if (answer == FHS_ANSWER_YES || *any == FHS_ANSWER_NO) {
        *any = answer;
    }
    return FHIRSTORE_OK;
}

static bool read_coding(const fhs_json *json, fhs_str *system, fhs_str *code)
{
    *system = FHS_STR_NONE;
    fhs_json_get_string(json, FHS_LIT("system"), system);
    return fhs_json_get_string(json, FHS_LIT("code"), code);
}

FHS_FP_CALL(member_of)
{
    fhs_fp_item item;
    fhs_str value_set;
    fhs_str system = FHS_STR_NONE;
    fhs_str code;
    bool found = false;
    bool given = false;
    fhs_fp_answer answer = FHS_ANSWER_NO;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &value_set, &given));
    if (!found || !given) {
        return FHIRSTORE_OK;
    }
    if (item.kind == FHS_ITEM_STRING) {
        FHS_TRY(ask_member(run, value_set, system, item.text, &answer));
    } else if (item.kind == FHS_ITEM_NODE && fhs_json_is(item.node.json, FHS_JSON_OBJECT)) {
        const fhs_json *codings = fhs_json_get(item.node.json, FHS_LIT("coding"));
        uint32_t count = fhs_json_is(codings, FHS_JSON_ARRAY) ? codings->count : 0;
        for (uint32_t i = 0; i < count && answer != FHS_ANSWER_YES; i++) {
            if (codings->items[i].type == FHS_JSON_OBJECT &&
                read_coding(&codings->items[i], &system, &code)) {
                FHS_TRY(ask_member(run, value_set, system, code, &answer));
            }
        }
        if (codings == NULL && read_coding(item.node.json, &system, &code)) {
            FHS_TRY(ask_member(run, value_set, system, code, &answer));
        }
    } else {
        return fhs_fp_fail(run, op, "a code, Coding or CodeableConcept is needed here");
    }
    return answer == FHS_ANSWER_UNKNOWN ? FHIRSTORE_OK
                                        : fhs_fp_push_boolean(run, answer == FHS_ANSWER_YES);
}

/* Whether the coding at @a a subsumes that at @a b. */
static fhirstore_status ask_subsumes(fhs_fhirpath_run *run, const fhs_fp_item *a,
                                     const fhs_fp_item *b)
{
    fhs_str system_a;
    fhs_str system_b;
    fhs_str code_a;
    fhs_str code_b;
    const fhs_fhirpath_hooks *hooks = run->input->hooks;
    fhs_fp_answer answer = FHS_ANSWER_UNKNOWN;
    if (a->kind != FHS_ITEM_NODE || b->kind != FHS_ITEM_NODE ||
        !fhs_json_is(a->node.json, FHS_JSON_OBJECT) ||
        !fhs_json_is(b->node.json, FHS_JSON_OBJECT) ||
        !read_coding(a->node.json, &system_a, &code_a) ||
        !read_coding(b->node.json, &system_b, &code_b)) {
        return FHIRSTORE_OK;
    }
    if (!fhs_str_eq(system_a, system_b)) {
        answer = FHS_ANSWER_NO;
    } else if (fhs_str_eq(code_a, code_b)) {
        answer = FHS_ANSWER_YES;
    } else if (hooks != NULL && hooks->subsumes != NULL) {
        FHS_TRY(hooks->subsumes(hooks->ctx, system_a, code_a, code_b, &answer, run->err));
    }
    return answer == FHS_ANSWER_UNKNOWN ? FHIRSTORE_OK
                                        : fhs_fp_push_boolean(run, answer == FHS_ANSWER_YES);
}

static fhirstore_status subsumption(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_scope *scope, uint32_t base, bool reverse)
{
    fhs_fp_item item;
    fhs_fp_item other;
    bool found = false;
    bool given = false;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    FHS_TRY(fhs_fp_eval_single(run, op->args[0], scope, &other, &given));
    if (!found || !given) {
        return FHIRSTORE_OK;
    }
    return reverse ? ask_subsumes(run, &other, &item) : ask_subsumes(run, &item, &other);
}

FHS_FP_CALL(subsumes)
{
    return subsumption(run, op, scope, base, false);
}

FHS_FP_CALL(subsumed_by)
{
    return subsumption(run, op, scope, base, true);
}

/* ---- utility ---- */

FHS_FP_CALL(trace)
{
    fhs_str name;
    bool given = false;
    uint32_t end = run->top;
    const fhs_fhirpath_hooks *hooks = run->input->hooks;
    FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &name, &given));
    uint32_t from = base;
    if (op->arg_count > 1) {
        from = end;
        for (uint32_t i = base; i < end; i++) {
            fhs_fp_scope inner = fhs_fp_scope_of(scope, &run->stack[i], i - base);
            FHS_TRY(fhs_fp_eval_apart(run, op->args[1], &inner, FHS_FP_ALL));
        }
    }
    if (hooks != NULL && hooks->trace != NULL && given) {
        hooks->trace(hooks->ctx, name, run->stack + from, run->top - from);
    }
    run->top = end;
    return FHIRSTORE_OK;
}

static bool is_reserved(fhs_str name)
{
    static const char *const names[] = {"context", "resource",      "rootResource", "ucum",   "sct",
                                        "loinc",   "terminologies", "server",       "factory"};
    for (size_t i = 0; i < FHS_COUNT_OF(names); i++) {
        if (fhs_str_eq(name, fhs_str_from_cstr(names[i]))) {
            return true;
        }
    }
    return fhs_str_starts_with(name, FHS_LIT("vs-")) || fhs_str_starts_with(name, FHS_LIT("ext-"));
}

static bool is_defined(const fhs_fhirpath_run *run, fhs_str name)
{
    for (uint32_t i = 0; i < run->defined_count; i++) {
        if (fhs_str_eq(run->defined[i].name, name)) {
            return true;
        }
    }
    for (size_t i = 0; i < run->input->variable_count; i++) {
        if (fhs_str_eq(run->input->variables[i].name, name)) {
            return true;
        }
    }
    return is_reserved(name);
}

FHS_FP_CALL(define_variable)
{
    fhs_str name;
    bool given = false;
    uint32_t end = run->top;
    uint32_t from = base;
    FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &name, &given));
    if (!given || is_defined(run, name)) {
        return fhs_fp_fail(run, op,
                           given ? "the variable is defined already" : "a variable needs a name");
    }
    if (op->arg_count > 1) {
        /* The value is seen from the whole input, as the next step of the path would be. */
        fhs_fp_scope inner = *scope;
        fhs_fp_item *input = fhs_arena_calloc(&run->arena, end - base + 1u, sizeof(*input));
        if (input == NULL) {
            return fhs_fp_memory(run);
        }
        memcpy(input, run->stack + base, (end - base) * sizeof(*input));
        inner.many = input;
        inner.many_count = end - base;
        from = end;
        FHS_TRY(fhs_fp_eval_apart(run, op->args[1], &inner, FHS_FP_ALL));
    }
    uint32_t count = run->top - from;
    fhs_fp_item *items = fhs_arena_calloc(&run->arena, count + 1, sizeof(*items));
    if (items == NULL) {
        return fhs_fp_memory(run);
    }
    memcpy(items, run->stack + from, count * sizeof(*items));
    run->top = end;
    if (run->defined_count == FHS_FP_MAX_DEFINED) {
        return fhs_fp_limit(run, "the number of variables");
    }
    run->defined[run->defined_count++] = (fhs_fp_defined){name, items, count};
    return FHIRSTORE_OK;
}

FHS_FP_CALL(comparable)
{
    fhs_fp_item a;
    fhs_fp_item b;
    fhs_fp_quantity x;
    fhs_fp_quantity y;
    bool found = false;
    bool given = false;
    FHS_TRY(fhs_fp_single(run, op, base, &a, &found));
    FHS_TRY(fhs_fp_eval_single(run, op->args[0], scope, &b, &given));
    if (!found || !given || !fhs_fp_to_quantity(&a, &x) || !fhs_fp_to_quantity(&b, &y)) {
        return FHIRSTORE_OK;
    }
    return fhs_fp_push_boolean(run, fhs_fp_quantity_comparable(&x, &y));
}
