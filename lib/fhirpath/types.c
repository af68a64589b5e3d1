/* SPDX-License-Identifier: Apache-2.0 */
/* Types: specifiers, is, as, ofType(), type(), conformsTo(). */
#include "fhirpath/functions.h"

static const char *const system_names[] = {
    [FHS_ITEM_NODE] = "Any",
    [FHS_ITEM_BOOLEAN] = "Boolean",
    [FHS_ITEM_INTEGER] = "Integer",
    [FHS_ITEM_LONG] = "Long",
    [FHS_ITEM_DECIMAL] = "Decimal",
    [FHS_ITEM_STRING] = "String",
    [FHS_ITEM_DATE] = "Date",
    [FHS_ITEM_DATETIME] = "DateTime",
    [FHS_ITEM_TIME] = "Time",
    [FHS_ITEM_QUANTITY] = "Quantity",
    [FHS_ITEM_TYPE] = "SimpleTypeInfo",
};

fhs_fp_type_spec fhs_fp_type_find(const fhs_fhir *fhir, fhs_str space, fhs_str name)
{
    fhs_fp_type_spec spec = {.fhir = FHS_TYPE_NONE};
    bool any_space = space.len == 0;
    if (any_space || fhs_str_eq(space, FHS_LIT("System"))) {
        for (unsigned i = FHS_ITEM_BOOLEAN; i < FHS_ITEM_TYPE; i++) {
            if (fhs_str_eq(name, fhs_str_from_cstr(system_names[i]))) {
                spec.system = (fhs_fp_system)i;
            }
        }
        spec.is_any = fhs_str_eq(name, FHS_LIT("Any"));
        /* In the System namespace an unknown name is a type that nothing has. */
        spec.known = !any_space || spec.is_any || spec.system != FHS_ITEM_NODE;
    }
    if (any_space || fhs_str_eq(space, FHS_LIT("FHIR"))) {
        spec.fhir = fhs_type_find(fhir, name);
        spec.known = spec.known || spec.fhir != FHS_TYPE_NONE;
    }
    return spec;
}

bool fhs_fp_item_is(const fhs_fhirpath_run *run, const fhs_fp_item *item,
                    const fhs_fp_type_spec *spec)
{
    if (spec->is_any) {
        return true;
    }
    if (item->kind != FHS_ITEM_NODE) {
        return item->kind == spec->system;
    }
    return spec->fhir != FHS_TYPE_NONE && item->type != FHS_TYPE_NONE &&
           (item->type == spec->fhir || fhs_type_is_a(run->fhir, item->type, spec->fhir));
}

bool fhs_fp_item_as(const fhs_fhirpath_run *run, const fhs_fp_item *item,
                    const fhs_fp_type_spec *spec)
{
    if (!fhs_fp_item_is(run, item, spec)) {
        return false;
    }
    return item->kind != FHS_ITEM_NODE || spec->is_any || item->type == spec->fhir ||
           fhs_type_get_kind(run->fhir, spec->fhir) != FHS_KIND_PRIMITIVE;
}

static fhirstore_status known_type(fhs_fhirpath_run *run, const fhs_fp_step *op)
{
    return op->spec.known ? FHIRSTORE_OK : fhs_fp_fail(run, op->args[0], "the type is not known");
}

FHS_FP_CALL(is)
{
    (void)scope;
    FHS_TRY(known_type(run, op));
    FHS_TRY(fhs_fp_fn_single(run, op, scope, base));
    if (run->top == base) {
        return FHIRSTORE_OK;
    }
    bool answer = fhs_fp_item_is(run, &run->stack[base], &op->spec);
    run->top = base;
    return fhs_fp_push_boolean(run, answer);
}

FHS_FP_CALL(of_type)
{
    (void)scope;
    FHS_TRY(known_type(run, op));
    uint32_t keep = base;
    for (uint32_t i = base; i < run->top; i++) {
        if (fhs_fp_item_as(run, &run->stack[i], &op->spec)) {
            run->stack[keep++] = run->stack[i];
        }
    }
    run->top = keep;
    return FHIRSTORE_OK;
}

FHS_FP_CALL(as)
{
    FHS_TRY(known_type(run, op));
    FHS_TRY(fhs_fp_fn_single(run, op, scope, base));
    return fhs_fp_fn_of_type(run, op, scope, base);
}

FHS_FP_CALL(type)
{
    (void)op;
    (void)scope;
    for (uint32_t i = base; i < run->top; i++) {
        fhs_fp_item item = run->stack[i];
        fhs_fp_type_info *info = fhs_arena_alloc(&run->arena, sizeof(*info));
        if (info == NULL) {
            return fhs_fp_memory(run);
        }
        if (item.kind != FHS_ITEM_NODE) {
            info->space = FHS_LIT("System");
            info->name = fhs_str_from_cstr(system_names[item.kind]);
        } else {
            info->space = FHS_LIT("FHIR");
            info->name = fhs_fp_item_type(run->fhir, &item);
        }
        run->stack[i] = (fhs_fp_item){.kind = FHS_ITEM_TYPE, .type = FHS_TYPE_NONE, .info = info};
    }
    return FHIRSTORE_OK;
}

/* Base definitions are answered here, profiles by the host. */
FHS_FP_CALL(conforms_to)
{
    fhs_str url;
    bool given = false;
    FHS_TRY(fhs_fp_fn_single(run, op, scope, base));
    bool found = run->top > base;
    fhs_fp_item item = found ? run->stack[base] : (fhs_fp_item){.kind = FHS_ITEM_NODE};
    run->top = base;
    FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &url, &given));
    if (!found || !given) {
        return FHIRSTORE_OK;
    }
    fhs_str prefix = FHS_LIT("http://hl7.org/fhir/StructureDefinition/");
    if (fhs_str_starts_with(url, prefix)) {
        fhs_type type = fhs_type_find(run->fhir, fhs_str_from(url, prefix.len));
        if (type != FHS_TYPE_NONE) {
            fhs_fp_type_spec spec = {.known = true, .fhir = type};
            return fhs_fp_push_boolean(run, fhs_fp_item_is(run, &item, &spec));
        }
    }
    fhs_fp_answer answer = FHS_ANSWER_UNKNOWN;
    const fhs_fhirpath_hooks *hooks = run->input->hooks;
    if (hooks != NULL && hooks->conforms_to != NULL) {
        FHS_TRY(hooks->conforms_to(hooks->ctx, url, &item, &answer, run->err));
    }
    return answer == FHS_ANSWER_UNKNOWN ? fhs_fp_fail(run, op, "the profile is not known")
                                        : fhs_fp_push_boolean(run, answer == FHS_ANSWER_YES);
}
