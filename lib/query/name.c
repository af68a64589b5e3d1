/* SPDX-License-Identifier: Apache-2.0 */
/* Names: parameter, modifier, chain, _has. Each name and value becomes one node. */
#include "query/query_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

#define MASK(type) (1u << (type))

typedef struct modifier_rule {
    fhs_str name;
    fhs_modifier modifier;
    unsigned kinds; /* MASK() of the parameter types it applies to */
} modifier_rule;

static const modifier_rule modifier_rules[] = {
    {FHS_LIT_INIT("missing"), FHS_MOD_MISSING, ~0u},
    {FHS_LIT_INIT("exact"), FHS_MOD_EXACT, MASK(FHS_SP_STRING)},
    {FHS_LIT_INIT("contains"), FHS_MOD_CONTAINS, MASK(FHS_SP_STRING) | MASK(FHS_SP_URI)},
    {FHS_LIT_INIT("not"), FHS_MOD_NOT, MASK(FHS_SP_TOKEN)},
    {FHS_LIT_INIT("code-text"), FHS_MOD_CODE_TEXT, MASK(FHS_SP_TOKEN)},
    {FHS_LIT_INIT("identifier"), FHS_MOD_IDENTIFIER, MASK(FHS_SP_REFERENCE)},
    {FHS_LIT_INIT("above"), FHS_MOD_ABOVE, MASK(FHS_SP_URI)},
    {FHS_LIT_INIT("below"), FHS_MOD_BELOW, MASK(FHS_SP_URI)},
};

/* What a parameter of each type takes, for messages. */
static const char *const modifiers_of[] = {
    [FHS_SP_NUMBER] = "has a modifier that does not apply; a number takes :missing",
    [FHS_SP_DATE] = "has a modifier that does not apply; a date takes :missing",
    [FHS_SP_STRING] = "has a modifier that does not apply; a string takes :missing, :exact or "
                      ":contains",
    [FHS_SP_TOKEN] = "has a modifier that does not apply; a token takes :missing, :not or "
                     ":code-text",
    [FHS_SP_REFERENCE] = "has a modifier that does not apply; a reference takes :missing, "
                         ":identifier or a type it may refer to",
    [FHS_SP_COMPOSITE] = "has a modifier that does not apply; a composite takes :missing",
    [FHS_SP_QUANTITY] = "has a modifier that does not apply; a quantity takes :missing",
    [FHS_SP_URI] = "has a modifier that does not apply; a uri takes :missing, :above, :below or "
                   ":contains",
    [FHS_SP_SPECIAL] = "has a modifier that does not apply; it takes none",
};

bool fhs_param_name_is_plain(fhs_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && (c < '0' || c > '9') && (c == '\0' || strchr("-_:.", c) == NULL)) {
            return false;
        }
    }
    return name.len > 0 && name.len <= FHS_SHOWN_NAME;
}

fhirstore_status fhs_query_fail(fhs_query_parser *parser, fhirstore_status status, const char *what)
{
    return fhs_param_name_is_plain(parser->name)
               ? fhs_fail(parser->err, status, "search parameter '%.*s' %s",
                          FHS_STR_ARG(parser->name), what)
               : fhs_fail(parser->err, status, "a search parameter %s", what);
}

fhirstore_status fhs_query_fail_limit(fhs_query_parser *parser, const char *limit)
{
    return fhs_fail(parser->err, FHIRSTORE_ERR_LIMIT, "the search exceeds %s", limit);
}

static fhirstore_status new_query_node(fhs_query_parser *parser, fhs_node_kind kind, fhs_type type,
                                       fhs_node **out)
{
    if (parser->nodes_left == 0) {
        return fhs_query_fail_limit(parser, "FHS_LIMIT_QUERY_NODES");
    }
    parser->nodes_left--;
    fhs_node *node = fhs_arena_calloc(parser->arena, 1, sizeof(*node));
    if (node == NULL) {
        return fhs_fail_memory(parser->err);
    }
    node->kind = kind;
    node->type = type;
    node->param = FHS_SPARAM_NONE;
    node->target = FHS_TYPE_NONE;
    *out = node;
    return FHIRSTORE_OK;
}

static fhirstore_status only_child(fhs_query_parser *parser, fhs_node *parent, fhs_node *child)
{
    parent->children = fhs_arena_alloc(parser->arena, sizeof(fhs_node *));
    if (parent->children == NULL) {
        return fhs_fail_memory(parser->err);
    }
    parent->children[0] = child;
    parent->child_count = 1;
    return FHIRSTORE_OK;
}

/* Whether searches can use it at all: it has an expression and a kind with an index. */
static bool is_searchable(const fhs_sparam_def *def)
{
    return def->expression.len > 0 && def->type != FHS_SP_SPECIAL &&
           (def->type != FHS_SP_COMPOSITE || def->component_count > 0);
}

fhs_sparam fhs_query_find_param(fhs_query_parser *parser, fhs_type type, fhs_str code,
                                fhs_sparam_def *def)
{
    const fhs_fhir *fhir = parser->options->fhir;
    fhs_type home = type == FHS_TYPE_NONE ? parser->resource : type;
    fhs_sparam param = home == FHS_TYPE_NONE ? FHS_SPARAM_NONE : fhs_sparam_find(fhir, home, code);
    if (param != FHS_SPARAM_NONE) {
        *def = fhs_sparam_get(fhir, param);
        if (!is_searchable(def)) {
            param = FHS_SPARAM_NONE;
        }
    }
    return param;
}

static fhirstore_status unknown_param(fhs_query_parser *parser, fhs_type type)
{
    char what[96];
    if (type == FHS_TYPE_NONE) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_UNKNOWN_PARAM,
                              "is not one that all types have");
    }
    (void)snprintf(what, sizeof what, "is not known for %.*s",
                   FHS_STR_ARG(fhs_type_name(parser->options->fhir, type)));
    return fhs_query_fail(parser, FHIRSTORE_ERR_UNKNOWN_PARAM, what);
}

/* Whether a reference parameter may point at @a type; one that names no types may point anywhere.
 */
static bool may_target(const fhs_fhir *fhir, const fhs_sparam_def *def, fhs_type type)
{
    for (size_t i = 0; i < def->target_count; i++) {
        if (fhs_type_is_a(fhir, type, def->targets[i])) {
            return true;
        }
    }
    return def->target_count == 0;
}

static fhs_type find_resource_type(const fhs_fhir *fhir, fhs_str name)
{
    fhs_type type = fhs_type_find(fhir, name);
    return type != FHS_TYPE_NONE && fhs_type_is_resource(fhir, type) ? type : FHS_TYPE_NONE;
}

static fhirstore_status read_modifier(fhs_query_parser *parser, const fhs_sparam_def *def,
                                      fhs_str text, fhs_node *node)
{
    for (size_t i = 0; i < FHS_COUNT_OF(modifier_rules); i++) {
        if (fhs_str_eq(text, modifier_rules[i].name) &&
            (modifier_rules[i].kinds & MASK(def->type)) != 0) {
            node->modifier = modifier_rules[i].modifier;
            return FHIRSTORE_OK;
        }
    }
    fhs_type type = def->type == FHS_SP_REFERENCE ? find_resource_type(parser->options->fhir, text)
                                                  : FHS_TYPE_NONE;
    if (type == FHS_TYPE_NONE || !may_target(parser->options->fhir, def, type)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER, modifiers_of[def->type]);
    }
    node->modifier = FHS_MOD_TYPE;
    node->target = type;
    return FHIRSTORE_OK;
}

/* :not becomes a NOT around the plain node. */
static fhirstore_status wrap_not(fhs_query_parser *parser, fhs_node *node, fhs_node **out)
{
    fhs_node *outer = NULL;
    if (node->modifier != FHS_MOD_NOT) {
        *out = node;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = new_query_node(parser, FHS_NODE_NOT, node->type, &outer);
    if (status == FHIRSTORE_OK) {
        status = only_child(parser, outer, node);
    }
    node->modifier = FHS_MOD_NONE;
    *out = outer;
    return status;
}

/* _id and _lastUpdated are columns of the store, not index rows. */
static fhs_node_kind kind_of_leaf(fhs_str code)
{
    if (fhs_str_eq(code, FHS_LIT("_id"))) {
        return FHS_NODE_ID;
    }
    return fhs_str_eq(code, FHS_LIT("_lastUpdated")) ? FHS_NODE_UPDATED : FHS_NODE_LEAF;
}

static fhirstore_status read_leaf(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                  fhs_str value, fhs_node **out)
{
    fhs_str code;
    fhs_str modifier;
    fhs_sparam_def def;
    fhs_node *leaf = NULL;
    if (!fhs_str_split(name, ':', &code, &modifier)) {
        code = name;
        modifier = FHS_STR_NONE;
    }
    fhs_sparam param = fhs_query_find_param(parser, type, code, &def);
    if (param == FHS_SPARAM_NONE) {
        return unknown_param(parser, type);
    }
    fhirstore_status status = new_query_node(parser, kind_of_leaf(code), type, &leaf);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    leaf->param = param;
    leaf->param_type = leaf->kind == FHS_NODE_ID ? FHS_SP_STRING : (fhs_sparam_type)def.type;
    leaf->code = code;
    if (code.len < name.len) {
        status = read_modifier(parser, &def, modifier, leaf);
        if (status == FHIRSTORE_OK && leaf->kind == FHS_NODE_ID &&
            leaf->modifier == FHS_MOD_CODE_TEXT) {
            status = fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER, modifiers_of[FHS_SP_TOKEN]);
        }
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_query_values(parser, leaf, value);
    }
    return status == FHIRSTORE_OK ? wrap_not(parser, leaf, out) : status;
}

static fhirstore_status read_name(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                  fhs_str value, unsigned depth, fhs_node **out);

/* One link of a chain, to one target type. */
static fhirstore_status read_link(fhs_query_parser *parser, const fhs_node *link, fhs_type target,
                                  fhs_str rest, fhs_str value, unsigned depth, fhs_node **out)
{
    fhs_node *child = NULL;
    fhs_node *node = NULL;
    fhirstore_status status = read_name(parser, target, rest, value, depth + 1, &child);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = new_query_node(parser, link->kind, link->type, &node);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    *node = *link;
    node->target = target;
    *out = node;
    return only_child(parser, node, child);
}

static bool is_fault_of_type(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_UNKNOWN_PARAM || status == FHIRSTORE_ERR_MODIFIER ||
           status == FHIRSTORE_ERR_PARAM_VALUE || status == FHIRSTORE_ERR_QUERY;
}

/*
 * An untyped chain stands for all target types to which the rest makes sense. Only when there is
 * none is it an error: that of the first type.
 */
static fhirstore_status read_untyped(fhs_query_parser *parser, const fhs_sparam_def *def,
                                     const fhs_node *link, fhs_str rest, fhs_str value,
                                     unsigned depth, fhs_node **out)
{
    const fhs_fhir *fhir = parser->options->fhir;
    fhirstore_error **err = parser->err;
    fhs_node *any = NULL;
    fhirstore_status status = new_query_node(parser, FHS_NODE_OR, link->type, &any);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    size_t type_count = fhs_type_count(fhir);
    any->children = fhs_arena_alloc(parser->arena, type_count * sizeof(fhs_node *));
    if (any->children == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status first = FHIRSTORE_OK;
    for (size_t i = 0; i < type_count; i++) {
        fhs_type target = (fhs_type)i;
        if (!fhs_type_is_resource(fhir, target) || !may_target(fhir, def, target)) {
            continue;
        }
        parser->err = first == FHIRSTORE_OK ? err : NULL;
        status = read_link(parser, link, target, rest, value, depth,
                           &any->children[any->child_count]);
        parser->err = err;
        if (status == FHIRSTORE_OK) {
            any->child_count++;
        } else if (!is_fault_of_type(status)) {
            return status == FHIRSTORE_ERR_NO_MEMORY
                       ? fhs_fail_memory(err)
                       : fhs_query_fail_limit(parser,
                                              "the number of types an untyped chain may mean");
        } else if (first == FHIRSTORE_OK) {
            first = status;
        }
    }
    if (any->child_count == 0) {
        return first == FHIRSTORE_OK ? unknown_param(parser, link->type) : first;
    }
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    *out = any->child_count == 1 ? any->children[0] : any;
    return FHIRSTORE_OK;
}

/* "subject:Patient.name" with @a head "subject:Patient" and @a rest "name". */
static fhirstore_status read_chain(fhs_query_parser *parser, fhs_type type, fhs_str head,
                                   fhs_str rest, fhs_str value, unsigned depth, fhs_node **out)
{
    fhs_sparam_def def;
    fhs_str code = head;
    fhs_str modifier = FHS_STR_NONE;
    bool is_typed = fhs_str_split(head, ':', &code, &modifier);
    if (!is_typed) {
        code = head;
    }
    fhs_sparam param = fhs_query_find_param(parser, type, code, &def);
    if (param == FHS_SPARAM_NONE) {
        return unknown_param(parser, type);
    }
    if (def.type != FHS_SP_REFERENCE) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                              "chains through something that is not a reference");
    }
    fhs_node link = {.kind = FHS_NODE_CHAIN,
                     .type = type,
                     .param = param,
                     .code = code,
                     .param_type = FHS_SP_REFERENCE,
                     .target = FHS_TYPE_NONE};
    if (!is_typed) {
        return read_untyped(parser, &def, &link, rest, value, depth, out);
    }
    fhs_type target = find_resource_type(parser->options->fhir, modifier);
    if (target == FHS_TYPE_NONE || !may_target(parser->options->fhir, &def, target)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              "expects, behind the ':' of a chain, a type the reference may have");
    }
    return read_link(parser, &link, target, rest, value, depth, out);
}

/* "_has:Observation:patient:code" with @a rest "Observation:patient:code". */
static fhirstore_status read_has(fhs_query_parser *parser, fhs_type type, fhs_str rest,
                                 fhs_str value, unsigned depth, fhs_node **out)
{
    const fhs_fhir *fhir = parser->options->fhir;
    fhs_str type_name;
    fhs_str code;
    fhs_str tail;
    fhs_sparam_def def;
    if (!fhs_str_split(rest, ':', &type_name, &tail) || !fhs_str_split(tail, ':', &code, &tail) ||
        tail.len == 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY, "expects _has:Type:reference:parameter");
    }
    fhs_type source = find_resource_type(fhir, type_name);
    if (source == FHS_TYPE_NONE) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                              "names a resource type that does not exist");
    }
    fhs_sparam param = fhs_query_find_param(parser, source, code, &def);
    if (param == FHS_SPARAM_NONE) {
        return unknown_param(parser, source);
    }
    if (def.type != FHS_SP_REFERENCE || (type != FHS_TYPE_NONE && !may_target(fhir, &def, type))) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                              "expects a reference parameter that can refer to the searched type");
    }
    fhs_node link = {.kind = FHS_NODE_HAS,
                     .type = type,
                     .param = param,
                     .code = code,
                     .param_type = FHS_SP_REFERENCE,
                     .target = source};
    return read_link(parser, &link, source, tail, value, depth, out);
}

static fhirstore_status read_name(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                  fhs_str value, unsigned depth, fhs_node **out)
{
    static const fhs_str has = FHS_LIT_INIT("_has:");
    fhs_str head;
    fhs_str rest;
    if (depth > FHS_LIMIT_CHAIN_DEPTH) {
        return fhs_query_fail_limit(parser, "FHS_LIMIT_CHAIN_DEPTH");
    }
    if (fhs_str_starts_with(name, has)) {
        return read_has(parser, type, fhs_str_from(name, has.len), value, depth, out);
    }
    if (fhs_str_split(name, '.', &head, &rest)) {
        return read_chain(parser, type, head, rest, value, depth, out);
    }
    return read_leaf(parser, type, name, value, out);
}

fhirstore_status fhs_query_node(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                fhs_str value, fhs_node **out)
{
    return read_name(parser, type, name, value, 0, out);
}
