/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be known before anything is evaluated: the types along a path. Only what is certain is
 * refused; where a type is open (a choice, a contained resource) the run decides.
 */
#include <stdarg.h>
#include <stdio.h>

#include "fhirpath/internal.h"

fhirstore_status fhs_fp_refuse(const fhs_fp_compiler *compiler, const fhs_fp_node *node,
                               const char *format, ...)
{
    char text[200];
    uint32_t line = 0;
    uint32_t column = 0;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fhirstore_status status = fhs_fail(compiler->err, FHIRSTORE_ERR_FHIRPATH_SEMANTIC,
                                       "FHIRPath: %s at offset %u", text, node->at);
    fhs_json_position(compiler->path->text, node->at, &line, &column);
    fhs_error_at(compiler->err, node->at, line, column);
    return status;
}

/* A type whose items may be of types that it does not name. */
static bool is_open(const fhs_fhir *fhir, fhs_type type)
{
    return fhs_type_is_abstract(fhir, type) && fhs_type_get_kind(fhir, type) != FHS_KIND_BACKBONE;
}

static fhs_fp_static of_fhir(const fhs_fhir *fhir, fhs_type type)
{
    fhs_fp_static out = {.fhir = type};
    if (type == FHS_TYPE_NONE || is_open(fhir, type)) {
        out.fhir = FHS_TYPE_NONE;
    } else {
        out.system = fhs_fp_system_of(fhir, type);
    }
    return out;
}

fhirstore_status fhs_fp_check_member(const fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_fp_static *input, fhs_fp_step *op,
                                     fhs_fp_static *out)
{
    const fhs_fhir *fhir = compiler->options.fhir;
    *out = (fhs_fp_static){.fhir = FHS_TYPE_NONE, .unordered = input->unordered};
    if (input->fhir == FHS_TYPE_NONE) {
        return FHIRSTORE_OK;
    }
    fhs_property property;
    fhs_element element;
    bool unordered = out->unordered;
    if (fhs_property_find(fhir, input->fhir, op->text, &property)) {
        if ((property.flags & FHS_ELEMENT_CHOICE) != 0) {
            return fhs_fp_refuse(compiler, node,
                                 "a choice of types goes by its own name, without the type");
        }
        op->static_type = input->fhir;
        op->property = property;
        op->is_complex = fhs_type_get_kind(fhir, property.type) != FHS_KIND_PRIMITIVE;
        *out = of_fhir(fhir, property.type);
    } else if (fhs_element_find(fhir, input->fhir, op->text, &element, NULL)) {
        *out = of_fhir(fhir, element.type_count == 1 ? element.types[0] : FHS_TYPE_NONE);
    } else if (compiler->options.strict &&
               !(fhs_type_get_kind(fhir, input->fhir) == FHS_KIND_PRIMITIVE &&
                 fhs_str_eq(op->text, FHS_LIT("value")))) {
        return fhs_fp_refuse(compiler, node, "%.*s has no element %.*s",
                             FHS_STR_ARG(fhs_type_name(fhir, input->fhir)), FHS_STR_ARG(op->text));
    }
    out->unordered = unordered;
    return FHIRSTORE_OK;
}

/* Certain to be no string, and not convertible to one. */
static bool is_no_string(const fhs_fp_compiler *compiler, const fhs_fp_static *type)
{
    return type->fhir != FHS_TYPE_NONE &&
           fhs_type_get_kind(compiler->options.fhir, type->fhir) != FHS_KIND_PRIMITIVE;
}

static bool is_named(const fhs_fp_step *op, const char *name)
{
    return strcmp(op->function->name, name) == 0;
}

static bool same_static(const fhs_fp_static *a, const fhs_fp_static *b)
{
    return a->fhir == b->fhir && a->system == b->system;
}

static fhs_fp_static function_result(const fhs_fp_compiler *compiler, const fhs_fp_step *op,
                                     const fhs_fp_static *input, const fhs_fp_static *args)
{
    const fhs_fhir *fhir = compiler->options.fhir;
    fhs_fp_static out = {.fhir = FHS_TYPE_NONE, .system = op->function->result};
    if ((op->function->flags & FHS_FN_SAME) != 0) {
        return *input;
    }
    if (is_named(op, "select") || is_named(op, "repeat") || is_named(op, "repeatAll")) {
        out = args[0];
        out.unordered = out.unordered || input->unordered;
        return out;
    }
    if (is_named(op, "ofType") || is_named(op, "as")) {
        out = of_fhir(fhir, op->spec.fhir);
        out.system = op->spec.fhir == FHS_TYPE_NONE ? op->spec.system : out.system;
        /* A name of both worlds tells nothing. */
        if (op->spec.fhir != FHS_TYPE_NONE && op->spec.system != FHS_ITEM_NODE) {
            out.system = FHS_ITEM_NODE;
        }
        out.unordered = input->unordered;
        return out;
    }
    if (is_named(op, "extension")) {
        return of_fhir(fhir, fhs_type_find(fhir, FHS_LIT("Extension")));
    }
    if ((is_named(op, "union") || is_named(op, "combine")) && same_static(input, &args[0])) {
        return *input;
    }
    if (is_named(op, "iif") && op->arg_count == 3 && same_static(&args[1], &args[2])) {
        return args[1];
    }
    return out;
}

fhirstore_status fhs_fp_check_function(const fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                       const fhs_fp_step *op, const fhs_fp_static *input,
                                       const fhs_fp_static *args, fhs_fp_static *out)
{
    uint8_t flags = op->function->flags;
    if ((flags & FHS_FN_STRING) != 0 && is_no_string(compiler, input)) {
        return fhs_fp_refuse(compiler, node, "%s() works on strings", op->function->name);
    }
    if ((flags & FHS_FN_ORDER) != 0 && input->unordered && compiler->options.strict) {
        return fhs_fp_refuse(compiler, node, "%s() depends on an order that is not defined",
                             op->function->name);
    }
    /* A value that is certain not to be a Boolean says nothing as a condition. */
    if (is_named(op, "iif") && args[0].fhir == FHS_TYPE_NONE && args[0].system != FHS_ITEM_NODE &&
        args[0].system != FHS_ITEM_BOOLEAN) {
        return fhs_fp_refuse(compiler, node->args[0], "the condition of iif() must be a Boolean");
    }
    *out = function_result(compiler, op, input, args);
    out->unordered = out->unordered || (flags & FHS_FN_UNORDERED) != 0;
    return FHIRSTORE_OK;
}

static bool is_date_type(fhs_fp_system system)
{
    return system == FHS_ITEM_DATE || system == FHS_ITEM_DATETIME || system == FHS_ITEM_TIME;
}

static bool is_number_type(fhs_fp_system system)
{
    return system == FHS_ITEM_INTEGER || system == FHS_ITEM_LONG || system == FHS_ITEM_DECIMAL;
}

static fhs_fp_system arithmetic_type(fhs_fp_system a, fhs_fp_system b)
{
    if (is_date_type(a) || a == b) {
        return a;
    }
    if (is_number_type(a) && is_number_type(b)) {
        return a == FHS_ITEM_DECIMAL || b == FHS_ITEM_DECIMAL ? FHS_ITEM_DECIMAL : FHS_ITEM_LONG;
    }
    return FHS_ITEM_NODE;
}

fhirstore_status fhs_fp_check_binary(const fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_fp_static *left, const fhs_fp_static *right,
                                     fhs_fp_static *out)
{
    *out = (fhs_fp_static){.fhir = FHS_TYPE_NONE, .system = FHS_ITEM_BOOLEAN};
    switch (node->op) {
    case FHS_OP_UNION:
        out->system = FHS_ITEM_NODE;
        if (same_static(left, right)) {
            *out = *left;
        }
        out->unordered = left->unordered || right->unordered;
        return FHIRSTORE_OK;
    case FHS_OP_CONCATENATE:
        out->system = FHS_ITEM_STRING;
        return FHIRSTORE_OK;
    case FHS_OP_ADD:
    case FHS_OP_SUBTRACT:
        if (is_date_type(left->system) && is_number_type(right->system)) {
            return fhs_fp_refuse(compiler, node, "only a duration can be added to a date or time");
        }
        out->system = arithmetic_type(left->system, right->system);
        return FHIRSTORE_OK;
    case FHS_OP_DIVIDE:
        out->system = is_number_type(left->system) && is_number_type(right->system)
                          ? FHS_ITEM_DECIMAL
                          : FHS_ITEM_NODE;
        return FHIRSTORE_OK;
    case FHS_OP_MULTIPLY:
    case FHS_OP_DIV:
    case FHS_OP_MOD:
        out->system = is_number_type(left->system) && is_number_type(right->system)
                          ? arithmetic_type(left->system, right->system)
                          : FHS_ITEM_NODE;
        return FHIRSTORE_OK;
    default:
        return FHIRSTORE_OK;
    }
}
