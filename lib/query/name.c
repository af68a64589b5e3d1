/* SPDX-License-Identifier: Apache-2.0 */
/* Names: parameter, chain, _has. Each name and value becomes one node. */
#include "query/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

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

/* The same within a _filter, which says where. */
static fhirstore_status fail_in_filter(fhs_query_parser *parser, fhirstore_status status,
                                       const char *what)
{
    const fhs_filter *filter = parser->filter;
    const bool is_named = fhs_param_name_is_plain(parser->name);
    size_t place = 1;
    for (size_t i = 0; i < filter->mark && i < filter->text.len; i++) {
        place += ((unsigned char)filter->text.ptr[i] & 0xC0) != 0x80 ? 1 : 0;
    }
    return fhs_fail(parser->err, status, "search parameter '_filter' at character %zu%s%.*s%s %s",
                    place, is_named ? ": '" : "", is_named ? (int)parser->name.len : 0,
                    is_named ? parser->name.ptr : "", is_named ? "'" : "", what);
}

fhirstore_status fhs_query_fail(fhs_query_parser *parser, fhirstore_status status, const char *what)
{
    if (parser->filter != NULL) {
        return fail_in_filter(parser, status, what);
    }
    return fhs_param_name_is_plain(parser->name)
               ? fhs_fail(parser->err, status, "search parameter '%.*s' %s",
                          FHS_STR_ARG(parser->name), what)
               : fhs_fail(parser->err, status, "a search parameter %s", what);
}

fhirstore_status fhs_query_fail_limit(fhs_query_parser *parser, unsigned most, const char *of)
{
    char what[160];
    (void)snprintf(what, sizeof(what), "expects at most %u %s", most, of);
    return fhs_query_fail(parser, FHIRSTORE_ERR_LIMIT, what);
}

fhirstore_status fhs_query_fail_nodes(fhs_query_parser *parser)
{
    return fhs_query_fail_limit(
        parser, FHS_LIMIT_QUERY_NODES,
        "conditions (FHS_LIMIT_QUERY_NODES); a chain that names its types, as in "
        "subject:Patient.name, has fewer");
}

/* A name too long to be shown is shown as far as its first link, which was understood. */
static fhirstore_status fail_depth(fhs_query_parser *parser)
{
    const fhs_str name = parser->name;
    fhs_str rest;
    if (!fhs_param_name_is_plain(name) && !fhs_str_split(name, '.', &parser->name, &rest)) {
        parser->name = fhs_str_starts_with(name, FHS_LIT("_has:")) ? FHS_LIT("_has") : name;
    }
    fhirstore_status status = fhs_query_fail_limit(parser, FHS_LIMIT_CHAIN_DEPTH,
                                                   "links in a chain (FHS_LIMIT_CHAIN_DEPTH)");
    parser->name = name;
    return status;
}

fhs_node *fhs_node_group(fhs_arena *arena, fhs_node_kind kind, fhs_type type, size_t room)
{
    fhs_node *node = fhs_arena_calloc(arena, 1, sizeof *node);
    fhs_node **children = fhs_arena_calloc(arena, room + 1, sizeof(fhs_node *));
    if (node == NULL || children == NULL) {
        return NULL;
    }
    *node = (fhs_node){.kind = kind,
                       .type = type,
                       .param = FHS_SPARAM_NONE,
                       .target = FHS_TYPE_NONE,
                       .children = children};
    return node;
}

fhirstore_status fhs_query_new_node(fhs_query_parser *parser, fhs_node_kind kind, fhs_type type,
                                    fhs_node **out)
{
    if (parser->nodes_left == 0) {
        return fhs_query_fail_nodes(parser);
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

fhirstore_status fhs_query_only_child(fhs_query_parser *parser, fhs_node *parent, fhs_node *child)
{
    parent->children = fhs_arena_alloc(parser->arena, sizeof(fhs_node *));
    if (parent->children == NULL) {
        return fhs_fail_memory(parser->err);
    }
    parent->children[0] = child;
    parent->child_count = 1;
    return FHIRSTORE_OK;
}

bool fhs_query_can_search(const fhs_sparam_def *def)
{
    bool is_near = def->type == FHS_SP_SPECIAL && fhs_str_eq(def->code, FHS_LIT("near"));
    return def->expression.len > 0 && (def->type != FHS_SP_SPECIAL || is_near) &&
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
        if (!fhs_query_can_search(def)) {
            param = FHS_SPARAM_NONE;
        }
    }
    return param;
}

fhirstore_status fhs_query_unknown_param(fhs_query_parser *parser, fhs_type type)
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
bool fhs_query_may_target(const fhs_fhir *fhir, const fhs_sparam_def *def, fhs_type type)
{
    return fhs_sparam_may_target(fhir, def, type);
}

fhs_type fhs_query_resource_type(const fhs_fhir *fhir, fhs_str name)
{
    fhs_type type = fhs_type_find(fhir, name);
    return type != FHS_TYPE_NONE && fhs_type_is_resource(fhir, type) ? type : FHS_TYPE_NONE;
}

/* The texts beside the codes, asked for the same values; what has no word in it finds none. */
static fhirstore_status read_code_texts(fhs_query_parser *parser, const fhs_node *leaf,
                                        fhs_node *texts)
{
    fhirstore_error **err = parser->err;
    *texts = *leaf;
    texts->modifier = FHS_MOD_TEXT;
    texts->value_count = 0;
    texts->values = fhs_arena_calloc(parser->arena, leaf->value_count, sizeof(*texts->values));
    if (texts->values == NULL) {
        return fhs_fail_memory(err);
    }
    for (size_t i = 0; i < leaf->value_count; i++) {
        parser->err = NULL;
        fhirstore_status status = fhs_query_any_value(
            parser, texts, FHS_SP_TOKEN, leaf->values[i].text, &texts->values[texts->value_count]);
        parser->err = err;
        if (status == FHIRSTORE_ERR_NO_MEMORY) {
            return fhs_fail_memory(err);
        }
        texts->value_count += status == FHIRSTORE_OK ? 1 : 0;
    }
    return FHIRSTORE_OK;
}

/* :code-text finds the beginning of a code, and of what is shown for it. */
static fhirstore_status add_code_texts(fhs_query_parser *parser, fhs_node *leaf, fhs_node **out)
{
    fhs_node *either = NULL;
    fhs_node *texts = NULL;
    fhirstore_status status = fhs_query_new_node(parser, FHS_NODE_OR, leaf->type, &either);
    if (status == FHIRSTORE_OK) {
        status = fhs_query_new_node(parser, FHS_NODE_LEAF, leaf->type, &texts);
    }
    if (status == FHIRSTORE_OK) {
        status = read_code_texts(parser, leaf, texts);
    }
    if (status != FHIRSTORE_OK || texts->value_count == 0) {
        *out = leaf;
        return status;
    }
    either->children = fhs_arena_alloc(parser->arena, 2 * sizeof(fhs_node *));
    if (either->children == NULL) {
        return fhs_fail_memory(parser->err);
    }
    either->children[0] = leaf;
    either->children[1] = texts;
    either->child_count = 2;
    either->modifier = leaf->modifier;
    *out = either;
    return FHIRSTORE_OK;
}

/* :not becomes a NOT around the plain node, :not-in around one with :in. */
fhirstore_status fhs_query_wrap(fhs_query_parser *parser, fhs_node *node, fhs_node **out)
{
    fhs_node *outer = NULL;
    if (node->modifier == FHS_MOD_CODE_TEXT && node->kind == FHS_NODE_LEAF &&
        node->param_type == FHS_SP_TOKEN) {
        return add_code_texts(parser, node, out);
    }
    if (fhs_query_is_phonetic(parser, node)) {
        return fhs_query_phonetic(parser, node, out);
    }
    if (node->modifier != FHS_MOD_NOT && node->modifier != FHS_MOD_NOT_IN) {
        *out = node;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_query_new_node(parser, FHS_NODE_NOT, node->type, &outer);
    if (status == FHIRSTORE_OK) {
        status = fhs_query_only_child(parser, outer, node);
    }
    node->modifier = node->modifier == FHS_MOD_NOT_IN ? FHS_MOD_IN : FHS_MOD_NONE;
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

fhirstore_status fhs_query_new_leaf(fhs_query_parser *parser, fhs_type type, fhs_str code,
                                    fhs_sparam_def *def, fhs_node **out)
{
    fhs_node *leaf = NULL;
    fhs_sparam param = fhs_query_find_param(parser, type, code, def);
    if (param == FHS_SPARAM_NONE) {
        return fhs_query_unknown_param(parser, type);
    }
    fhirstore_status status = fhs_query_new_node(parser, kind_of_leaf(code), type, &leaf);
    if (status == FHIRSTORE_OK) {
        leaf->param = param;
        leaf->param_type = leaf->kind == FHS_NODE_ID ? FHS_SP_STRING : (fhs_sparam_type)def->type;
        leaf->code = code;
        *out = leaf;
    }
    return status;
}

/* "subject._type=Patient,Group": at the end of a chain the type is known, so it is true or false.
 */
static fhirstore_status read_chained_type(fhs_query_parser *parser, fhs_type type, fhs_str value,
                                          fhs_node **out)
{
    bool is_named = false;
    bool more = true;
    while (more) {
        fhs_str item;
        more = fhs_query_split(value, ',', &item, &value);
        fhs_type named = fhs_query_resource_type(parser->options->fhir, item);
        if (named == FHS_TYPE_NONE) {
            return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "expects resource types");
        }
        is_named = is_named || named == type;
    }
    return fhs_query_new_node(parser, is_named ? FHS_NODE_TRUE : FHS_NODE_OR, type, out);
}

static fhirstore_status read_leaf(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                  fhs_str value, fhs_node **out)
{
    fhs_str code;
    fhs_str modifier;
    fhs_sparam_def def;
    fhs_node *leaf = NULL;
    bool has_modifier = fhs_str_split(name, ':', &code, &modifier);
    if (has_modifier && fhs_str_eq(code, FHS_LIT("_filter"))) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              "has a modifier that does not apply; it takes none");
    }
    if (type != FHS_TYPE_NONE && fhs_str_eq(name, FHS_LIT("_type"))) {
        return read_chained_type(parser, type, value, out);
    }
    if (fhs_query_is_membership(has_modifier ? code : name)) {
        return fhs_query_membership(parser, type, name, value, out);
    }
    if (fhs_query_is_words(has_modifier ? code : name)) {
        return fhs_query_words_leaf(parser, type, name, value, out);
    }
    fhirstore_status status = fhs_query_new_leaf(parser, type, has_modifier ? code : name, &def,
                                                 &leaf);
    if (status == FHIRSTORE_OK && has_modifier) {
        status = fhs_query_modifier(parser, &def, modifier, leaf);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_query_values(parser, leaf, value);
    }
    return status == FHIRSTORE_OK ? fhs_query_wrap(parser, leaf, out) : status;
}

/* One link of a chain, to one target type. */
static fhirstore_status read_link(fhs_query_parser *parser, const fhs_node *link, fhs_type target,
                                  const fhs_query_rest *rest, unsigned depth, fhs_node **out)
{
    fhs_node *child = NULL;
    fhs_node *node = NULL;
    fhirstore_status status = rest->read(parser, rest, target, depth + 1, &child);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_query_new_node(parser, link->kind, link->type, &node);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    *node = *link;
    node->target = target;
    *out = node;
    return fhs_query_only_child(parser, node, child);
}

static bool is_fault_of_type(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_UNKNOWN_PARAM || status == FHIRSTORE_ERR_MODIFIER ||
           status == FHIRSTORE_ERR_PARAM_VALUE || status == FHIRSTORE_ERR_QUERY;
}

/*
 * Keep the fault that tells most: a bad value or modifier before a parameter that is not known, for
 * only then has a type understood the name.
 */
static void keep_fault(fhirstore_error **err, fhirstore_error *fault, fhirstore_status status,
                       fhirstore_status *kept)
{
    bool is_better = *kept == FHIRSTORE_OK || (*kept == FHIRSTORE_ERR_UNKNOWN_PARAM &&
                                               status != FHIRSTORE_ERR_UNKNOWN_PARAM);
    if (is_better) {
        *kept = status;
        if (err != NULL) {
            fhs_error_free(*err);
            *err = fault;
        }
    } else {
        fhs_error_free(fault);
    }
}

/*
 * An untyped chain stands for all target types to which the rest makes sense. Only when there is
 * none is it an error: that of the first type that knows the rest, or of the first.
 */
static fhirstore_status read_untyped(fhs_query_parser *parser, const fhs_sparam_def *def,
                                     const fhs_node *link, const fhs_query_rest *rest,
                                     unsigned depth, fhs_node **out)
{
    const fhs_fhir *fhir = parser->options->fhir;
    fhirstore_error **err = parser->err;
    fhs_node *any = NULL;
    fhirstore_status status = fhs_query_new_node(parser, FHS_NODE_OR, link->type, &any);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    size_t type_count = fhs_type_count(fhir);
    any->children = fhs_arena_alloc(parser->arena, type_count * sizeof(fhs_node *));
    if (any->children == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status first = FHIRSTORE_OK;
    size_t tried = 0;
    for (size_t i = 0; i < type_count; i++) {
        fhs_type target = (fhs_type)i;
        if (!fhs_type_is_resource(fhir, target) || !fhs_query_may_target(fhir, def, target)) {
            continue;
        }
        fhirstore_error *fault = NULL;
        tried++;
        parser->err = err != NULL ? &fault : NULL;
        status = read_link(parser, link, target, rest, depth, &any->children[any->child_count]);
        parser->err = err;
        if (status == FHIRSTORE_OK) {
            any->child_count++;
        } else if (!is_fault_of_type(status)) {
            if (status == FHIRSTORE_ERR_NO_MEMORY) {
                fhs_error_free(fault);
                return fhs_fail_memory(err);
            }
            if (err != NULL) {
                fhs_error_free(*err);
                *err = fault;
            }
            return status;
        } else {
            keep_fault(err, fault, status, &first);
        }
    }
    if (any->child_count == 0 && first == FHIRSTORE_ERR_UNKNOWN_PARAM && tried > 1) {
        if (err != NULL) {
            fhs_error_free(*err);
            *err = NULL;
        }
        return fhs_query_fail(parser, first, "is not known for any type the reference may have");
    }
    if (any->child_count == 0) {
        return first == FHIRSTORE_OK ? fhs_query_unknown_param(parser, link->type) : first;
    }
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    *out = any->child_count == 1 ? any->children[0] : any;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_query_chain(fhs_query_parser *parser, fhs_type type, fhs_str head,
                                 const fhs_query_rest *rest, unsigned depth, fhs_node **out)
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
        return fhs_query_unknown_param(parser, type);
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
        return read_untyped(parser, &def, &link, rest, depth, out);
    }
    fhs_type target = fhs_query_resource_type(parser->options->fhir, modifier);
    if (target == FHS_TYPE_NONE || !fhs_query_may_target(parser->options->fhir, &def, target)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              "expects, behind the ':' of a chain, a type the reference may have");
    }
    return read_link(parser, &link, target, rest, depth, out);
}

fhirstore_status fhs_query_has(fhs_query_parser *parser, fhs_type type, fhs_str type_name,
                               fhs_str code, const fhs_query_rest *rest, unsigned depth,
                               fhs_node **out)
{
    const fhs_fhir *fhir = parser->options->fhir;
    fhs_sparam_def def;
    fhs_type source = fhs_query_resource_type(fhir, type_name);
    if (source == FHS_TYPE_NONE) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                              "names a resource type that does not exist");
    }
    fhs_sparam param = fhs_query_find_param(parser, source, code, &def);
    if (param == FHS_SPARAM_NONE) {
        return fhs_query_unknown_param(parser, source);
    }
    if (def.type != FHS_SP_REFERENCE ||
        (type != FHS_TYPE_NONE && !fhs_query_may_target(fhir, &def, type))) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                              "expects a reference parameter that can refer to the searched type");
    }
    fhs_node link = {.kind = FHS_NODE_HAS,
                     .type = type,
                     .param = param,
                     .code = code,
                     .param_type = FHS_SP_REFERENCE,
                     .target = source};
    return read_link(parser, &link, source, rest, depth, out);
}

bool fhs_query_split_has(fhs_str name, fhs_str *type_out, fhs_str *code_out, fhs_str *rest_out)
{
    fhs_str tail = fhs_str_from(name, FHS_LIT("_has:").len);
    return fhs_str_split(tail, ':', type_out, &tail) && fhs_str_split(tail, ':', code_out, &tail) &&
           (*rest_out = tail).len > 0;
}

static fhirstore_status read_name(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                  fhs_str value, unsigned depth, fhs_node **out);

/* What stands behind a link in the name of a parameter: a name again, with the value at its end. */
static fhirstore_status read_rest(fhs_query_parser *parser, const fhs_query_rest *rest,
                                  fhs_type target, unsigned depth, fhs_node **out)
{
    return read_name(parser, target, rest->name, rest->value, depth, out);
}

static fhirstore_status read_name(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                  fhs_str value, unsigned depth, fhs_node **out)
{
    fhs_query_rest rest = {.read = read_rest, .value = value};
    fhs_str head;
    fhs_str code;
    if (depth > FHS_LIMIT_CHAIN_DEPTH) {
        return fail_depth(parser);
    }
    if (fhs_str_starts_with(name, FHS_LIT("_has:"))) {
        return fhs_query_split_has(name, &head, &code, &rest.name)
                   ? fhs_query_has(parser, type, head, code, &rest, depth, out)
                   : fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                                    "expects _has:Type:reference:parameter");
    }
    if (fhs_str_split(name, '.', &head, &rest.name)) {
        return fhs_query_chain(parser, type, head, &rest, depth, out);
    }
    if (fhs_str_eq(name, FHS_LIT("_filter"))) {
        return fhs_query_filter(parser, type, value, depth, out);
    }
    return read_leaf(parser, type, name, value, out);
}

fhirstore_status fhs_query_node(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                fhs_str value, fhs_node **out)
{
    return read_name(parser, type, name, value, 0, out);
}
