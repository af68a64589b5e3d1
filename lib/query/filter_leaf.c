/* SPDX-License-Identifier: Apache-2.0 */
/* One comparison of a _filter as a leaf: which operators a type takes, and what they become. */
#include <stdio.h>

#include "query/filter.h"

#define OP(op)      (1u << FHS_OP_##op)
#define ORDERED_OPS (OP(EQ) | OP(NE) | OP(GT) | OP(LT) | OP(GE) | OP(LE) | OP(PR))
#define RANGE_OPS   (ORDERED_OPS | OP(SA) | OP(EB) | OP(AP))
#define TEXT_OPS    (OP(EQ) | OP(NE) | OP(CO) | OP(SW) | OP(EW) | OP(PR))

static const struct {
    unsigned ops;
    const char *takes;
} op_rules[] = {
    [FHS_SP_NUMBER] = {RANGE_OPS, "has an operator that does not apply; a number takes eq, ne, gt, "
                                  "lt, ge, le, sa, eb, ap or pr"},
    [FHS_SP_DATE] = {RANGE_OPS | OP(PO),
                     "has an operator that does not apply; a date takes eq, ne, "
                     "gt, lt, ge, le, sa, eb, ap, po or pr"},
    [FHS_SP_STRING] = {ORDERED_OPS | OP(CO) | OP(SW) | OP(EW),
                       "has an operator that does not apply; a string takes "
                       "eq, ne, co, sw, ew, gt, lt, ge, le or pr"},
    [FHS_SP_TOKEN] = {TEXT_OPS | OP(SS) | OP(SB) | OP(IN) | OP(NI),
                      "has an operator that does not apply; a token takes eq, ne, co, sw, ew, ss, "
                      "sb, in, ni or pr"},
    [FHS_SP_REFERENCE] =
        {OP(EQ) | OP(NE) | OP(RE) | OP(PR),
         "has an operator that does not apply; a reference takes eq, ne, re or pr"},
    [FHS_SP_COMPOSITE] = {OP(EQ) | OP(PR),
                          "has an operator that does not apply; a composite takes eq or pr"},
    [FHS_SP_QUANTITY] = {RANGE_OPS, "has an operator that does not apply; a quantity takes eq, ne, "
                                    "gt, lt, ge, le, sa, eb, ap or pr"},
    [FHS_SP_URI] = {TEXT_OPS, "has an operator that does not apply; a uri takes eq, ne, co, sw, ew "
                              "or pr"},
    [FHS_SP_SPECIAL] = {0, "cannot be used in a filter"},
};

#define ID_OPS (OP(EQ) | OP(NE) | OP(PR))

static const char prefixes[][3] = {"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"};

static bool has_prefixes(fhs_sparam_type type)
{
    return type == FHS_SP_NUMBER || type == FHS_SP_DATE || type == FHS_SP_QUANTITY;
}

static fhs_modifier text_modifier(fhs_sparam_type type, fhs_filter_op op)
{
    switch (op) {
    case FHS_OP_CO:
        return type == FHS_SP_TOKEN ? FHS_MOD_CODE_PART : FHS_MOD_CONTAINS;
    case FHS_OP_SW:
        return type == FHS_SP_STRING ? FHS_MOD_NONE : FHS_MOD_STARTS;
    case FHS_OP_EW:
        return FHS_MOD_ENDS;
    default:
        return type == FHS_SP_STRING ? FHS_MOD_COMPARE : FHS_MOD_NONE;
    }
}

/* Operators that the modifiers of a URL mean too. */
static const char *named_modifier(fhs_filter_op op)
{
    switch (op) {
    case FHS_OP_SS:
        return "below";
    case FHS_OP_SB:
        return "above";
    case FHS_OP_IN:
        return "in";
    case FHS_OP_NI:
        return "not-in";
    default:
        return NULL;
    }
}

static fhirstore_status read_presence(fhs_query_parser *parser, fhs_node *leaf, fhs_str value)
{
    leaf->modifier = FHS_MOD_MISSING;
    leaf->missing = fhs_str_eq(value, FHS_LIT("false"));
    return leaf->missing || fhs_str_eq(value, FHS_LIT("true"))
               ? FHIRSTORE_OK
               : fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                "is asked for by pr, which expects true or false");
}

/* What of an operator stands in the values and not in their text. */
static void set_compare(fhs_node *leaf, fhs_filter_op op)
{
    const bool is_stored = op <= FHS_OP_LE && !has_prefixes(leaf->param_type) &&
                           leaf->kind == FHS_NODE_LEAF;
    for (size_t i = 0; i < leaf->value_count; i++) {
        if (op == FHS_OP_PO) {
            leaf->values[i].compare = FHS_CMP_AP; /* overlaps, and was not widened */
        } else if (is_stored) {
            leaf->values[i].compare = (fhs_compare)op;
        }
    }
}

static fhirstore_status read_operand(fhs_query_parser *parser, const fhs_sparam_def *def,
                                     fhs_filter_op op, fhs_str value, fhs_node *leaf)
{
    const char *named = named_modifier(op);
    const char *prefix = has_prefixes(leaf->param_type) && op <= FHS_OP_AP ? prefixes[op] : "";
    fhs_str text;
    fhirstore_status status = FHIRSTORE_OK;
    if (op == FHS_OP_PR) {
        return read_presence(parser, leaf, value);
    }
    if (named != NULL) {
        status = fhs_query_modifier(parser, def, fhs_str_from_cstr(named), leaf);
    } else if (leaf->kind == FHS_NODE_LEAF &&
               (op_rules[leaf->param_type].ops & TEXT_OPS) == TEXT_OPS) {
        leaf->modifier = text_modifier(leaf->param_type, op);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_filter_escape(parser, leaf->param_type, op == FHS_OP_PO ? "eq" : prefix, value,
                                   &text);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_query_values(parser, leaf, text);
    }
    if (status == FHIRSTORE_OK) {
        set_compare(leaf, op);
    }
    return status;
}

static fhirstore_status read_membership(fhs_query_parser *parser, fhs_type type, fhs_str code,
                                        fhs_filter_op op, fhs_str value, fhs_node **out)
{
    fhs_str text;
    if (op != FHS_OP_EQ && op != FHS_OP_RE) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              "has an operator that does not apply; it takes eq or re");
    }
    fhirstore_status status = fhs_filter_escape(parser, FHS_SP_REFERENCE, "", value, &text);
    return status == FHIRSTORE_OK ? fhs_query_membership(parser, type, code, text, out) : status;
}

fhirstore_status fhs_filter_knows(fhs_query_parser *parser, fhs_type type, fhs_str code)
{
    fhs_sparam_def unused;
    if (fhs_query_is_membership(code)) {
        return FHIRSTORE_OK;
    }
    if (fhs_str_find_char(code, ':', 0) < code.len) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              "has a modifier, in place of which a filter has operators");
    }
    return fhs_query_find_param(parser, type, code, &unused) != FHS_SPARAM_NONE
               ? FHIRSTORE_OK
               : fhs_query_unknown_param(parser, type);
}

fhirstore_status fhs_filter_leaf(fhs_query_parser *parser, fhs_type type, fhs_str code,
                                 fhs_filter_op op, fhs_str value, fhs_node **out)
{
    fhs_sparam_def def;
    fhs_node *leaf = NULL;
    fhs_node *outer = NULL;
    if (fhs_query_is_membership(code)) {
        return read_membership(parser, type, code, op, value, out);
    }
    fhirstore_status status = fhs_query_new_leaf(parser, type, code, &def, &leaf);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    const bool is_id = leaf->kind == FHS_NODE_ID;
    if (((is_id ? ID_OPS : op_rules[def.type].ops) & (1u << op)) == 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              is_id ? "has an operator that does not apply; it takes eq, ne or pr"
                                    : op_rules[def.type].takes);
    }
    status = read_operand(parser, &def, op, value, leaf);
    if (status != FHIRSTORE_OK || !is_id || op != FHS_OP_NE) {
        return status == FHIRSTORE_OK ? fhs_query_wrap(parser, leaf, out) : status;
    }
    status = fhs_query_new_node(parser, FHS_NODE_NOT, type, &outer);
    *out = outer;
    return status == FHIRSTORE_OK ? fhs_query_only_child(parser, outer, leaf) : status;
}

/* ---- composites ---- */

static fhirstore_status new_composite(fhs_query_parser *parser, fhs_node *leaf,
                                      const fhs_sparam_def *def)
{
    fhirstore_status status = fhs_query_new_values(parser, 1);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    leaf->values = fhs_arena_calloc(parser->arena, 1, sizeof(*leaf->values));
    fhs_value *parts = fhs_arena_calloc(parser->arena, def->component_count, sizeof(*parts));
    if (leaf->values == NULL || parts == NULL) {
        return fhs_fail_memory(parser->err);
    }
    for (size_t i = 0; i < def->component_count; i++) {
        parts[i].is_any = true;
    }
    leaf->value_count = 1;
    leaf->values[0].parts = parts;
    leaf->values[0].part_count = def->component_count;
    return FHIRSTORE_OK;
}

/* "code op value" of one component; *missing_out: "code pr false", which negates the whole. */
static fhirstore_status read_part_test(fhs_filter *filter, const fhs_sparam_def *def,
                                       const fhs_node *leaf, bool may_be_missing, bool *missing_out)
{
    fhs_query_parser *parser = filter->parser;
    fhs_filter_op op;
    fhs_str value;
    fhs_str text;
    fhs_filter_skip_blanks(filter);
    const size_t mark = filter->at;
    fhs_str name = fhs_filter_take_name(filter);
    size_t at = 0;
    fhs_sparam_def part = {.type = FHS_SP_SPECIAL};
    for (; at < def->component_count; at++) {
        part = fhs_sparam_get(parser->options->fhir, def->components[at].param);
        if (fhs_str_eq(part.code, name)) {
            break;
        }
    }
    fhirstore_status status = fhs_filter_take_test(filter, &op, &value);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    filter->mark = mark;
    parser->name = name;
    if (at == def->component_count || !leaf->values[0].parts[at].is_any) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                              "is not a component of the composite, or is there twice");
    }
    const bool is_ordered = has_prefixes((fhs_sparam_type)part.type);
    if (op == FHS_OP_PR && may_be_missing) {
        *missing_out = fhs_str_eq(value, FHS_LIT("false"));
        return *missing_out || fhs_str_eq(value, FHS_LIT("true"))
                   ? FHIRSTORE_OK
                   : fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                    "is asked for by pr, which expects true or false");
    }
    if (is_ordered ? op > FHS_OP_AP : op != (part.type == FHS_SP_STRING ? FHS_OP_SW : FHS_OP_EQ)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              part.type == FHS_SP_STRING
                                  ? "has an operator that does not apply to a component; a string "
                                    "takes sw"
                                  : "has an operator that does not apply to a component; numbers, "
                                    "dates and quantities take eq, ne, gt, lt, ge, le, sa, eb or "
                                    "ap, others eq");
    }
    status = fhs_filter_escape(parser, (fhs_sparam_type)part.type, is_ordered ? prefixes[op] : "",
                               value, &text);
    leaf->values[0].parts[at].is_any = false;
    return status == FHIRSTORE_OK ? fhs_query_any_value(parser, leaf, (fhs_sparam_type)part.type,
                                                        text, &leaf->values[0].parts[at])
                                  : status;
}

fhirstore_status fhs_filter_composite(fhs_filter *filter, fhs_type type, fhs_str code,
                                      bool *taken_out, fhs_node **out)
{
    fhs_query_parser *parser = filter->parser;
    fhs_sparam_def def;
    fhs_node *leaf = NULL;
    fhs_node *outer = NULL;
    bool is_missing = false;
    fhs_sparam param = fhs_query_find_param(parser, type, code, &def);
    *taken_out = param != FHS_SPARAM_NONE && def.type == FHS_SP_COMPOSITE;
    if (!*taken_out) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_query_new_leaf(parser, type, code, &def, &leaf);
    if (status == FHIRSTORE_OK) {
        status = new_composite(parser, leaf, &def);
    }
    do {
        if (status == FHIRSTORE_OK) {
            status = read_part_test(filter, &def, leaf, false, &is_missing);
        }
        fhs_filter_skip_blanks(filter);
    } while (status == FHIRSTORE_OK && fhs_filter_take_word(filter, "and"));
    if (status == FHIRSTORE_OK &&
        (!fhs_filter_take(filter, ']') || !fhs_filter_take(filter, '.'))) {
        return fhs_filter_expects(filter, "expects and, or ] and . with another component");
    }
    if (status == FHIRSTORE_OK) {
        status = read_part_test(filter, &def, leaf, true, &is_missing);
    }
    *out = leaf;
    if (status != FHIRSTORE_OK || !is_missing) {
        return status;
    }
    status = fhs_query_new_node(parser, FHS_NODE_NOT, type, &outer);
    *out = outer;
    return status == FHIRSTORE_OK ? fhs_query_only_child(parser, outer, leaf) : status;
}
