/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search in the compartment of one resource: one condition more, an OR over the parameters that
 * place a resource there. The resource itself is in its compartment too.
 */
#include "query/query_internal.h"

static bool is_focus_type(const fhs_query_parser *parser, fhs_type type)
{
    const fhs_focus *focus = parser->options->focus;
    return fhs_str_eq(fhs_type_name(parser->options->fhir, type),
                      fhs_compartment_name(focus->compartment));
}

static bool is_in_compartment(const fhs_query_parser *parser, fhs_type type)
{
    const fhs_str *codes;
    const fhs_fhir *fhir = parser->options->fhir;
    return fhs_type_is_resource(fhir, type) &&
           (is_focus_type(parser, type) ||
            fhs_compartment_params(fhir, parser->options->focus->compartment, type, &codes) > 0);
}

/* A node with the focus as its only value. */
static fhs_node *new_focus_node(fhs_query_parser *parser, fhs_node_kind kind, fhs_type type)
{
    const fhs_focus *focus = parser->options->focus;
    fhs_node *node = fhs_arena_calloc(parser->arena, 1, sizeof(*node));
    fhs_value *value = fhs_arena_calloc(parser->arena, 1, sizeof(*value));
    if (node == NULL || value == NULL) {
        return NULL;
    }
    parser->nodes_left -= parser->nodes_left > 0;
    node->kind = kind;
    node->type = type;
    node->param = FHS_SPARAM_NONE;
    node->target = FHS_TYPE_NONE;
    node->values = value;
    node->value_count = 1;
    value->text = focus->id;
    value->ref_id = focus->id;
    value->ref_type = fhs_type_find(parser->options->fhir,
                                    fhs_compartment_name(focus->compartment));
    return node;
}

static fhirstore_status push_focus_node(fhs_query_parser *parser, fhs_query_list *list,
                                        fhs_node *node)
{
    fhs_node **slot = node == NULL ? NULL : fhs_query_push(parser, list, sizeof(fhs_node *));
    if (slot == NULL) {
        return fhs_fail_memory(parser->err);
    }
    *slot = node;
    return FHIRSTORE_OK;
}

/* What places resources of one type in the compartment. */
static fhirstore_status add_type_nodes(fhs_query_parser *parser, fhs_type type,
                                       fhs_query_list *list)
{
    const fhs_str *codes;
    fhirstore_status status = FHIRSTORE_OK;
    size_t count = fhs_compartment_params(parser->options->fhir,
                                          parser->options->focus->compartment, type, &codes);
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_sparam_def def;
        fhs_sparam param = fhs_query_find_param(parser, type, codes[i], &def);
        if (param == FHS_SPARAM_NONE || def.type != FHS_SP_REFERENCE) {
            continue;
        }
        fhs_node *leaf = new_focus_node(parser, FHS_NODE_LEAF, type);
        status = push_focus_node(parser, list, leaf);
        if (status == FHIRSTORE_OK) {
            leaf->param = param;
            leaf->param_type = FHS_SP_REFERENCE;
            leaf->code = codes[i];
            leaf->is_place = true;
        }
    }
    if (status == FHIRSTORE_OK && is_focus_type(parser, type)) {
        fhs_node *self = new_focus_node(parser, FHS_NODE_ID, type);
        status = push_focus_node(parser, list, self);
        if (status == FHIRSTORE_OK) {
            self->code = FHS_LIT("_id");
            self->param_type = FHS_SP_STRING;
        }
    }
    return status;
}

/* Of a search over all types: those of the compartment, or of them those that _type names. */
static fhirstore_status find_compartment_types(fhs_query_parser *parser, fhs_query_draft *draft)
{
    const fhs_type *named = draft->types.items;
    size_t count = fhs_type_count(parser->options->fhir);
    for (size_t i = 0; i < draft->types.count; i++) {
        if (!is_in_compartment(parser, named[i])) {
            parser->name = FHS_LIT("_type");
            return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                  "expects types that the compartment can hold");
        }
    }
    for (size_t i = 0; !draft->types_are_named && i < count; i++) {
        if (!is_in_compartment(parser, (fhs_type)i)) {
            continue;
        }
        fhs_type *slot = fhs_query_push(parser, &draft->types, sizeof(*slot));
        if (slot == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        *slot = (fhs_type)i;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status name_place(fhs_query_parser *parser, fhs_query_draft *draft)
{
    const fhs_focus *focus = parser->options->focus;
    fhs_buf place = FHS_BUF_INIT((size_t)1024);
    fhs_buf_add_str(&place, fhs_compartment_name(focus->compartment));
    fhs_buf_add_char(&place, '/');
    fhs_buf_add_str(&place, focus->id);
    draft->query->place = fhs_arena_dup(parser->arena, fhs_buf_str(&place));
    bool failed = draft->query->place.ptr == NULL || fhs_buf_status(&place) != FHIRSTORE_OK;
    fhs_buf_clear(&place);
    return failed ? fhs_fail_memory(parser->err) : FHIRSTORE_OK;
}

fhirstore_status fhs_query_take_focus(fhs_query_parser *parser, fhs_query_draft *draft)
{
    const fhs_type type = draft->query->type;
    fhs_query_list nodes = {.items = NULL};
    if (parser->options->focus == NULL) {
        return FHIRSTORE_OK;
    }
    if (type != FHS_TYPE_NONE && !is_in_compartment(parser, type)) {
        fhs_str name = fhs_compartment_name(parser->options->focus->compartment);
        fhs_str wrong = fhs_type_name(parser->options->fhir, type);
        return fhs_fail(parser->err, FHIRSTORE_ERR_QUERY,
                        "the %.*s compartment holds no resources of type %.*s", FHS_STR_ARG(name),
                        FHS_STR_ARG(wrong));
    }
    fhirstore_status status = name_place(parser, draft);
    if (status == FHIRSTORE_OK && type == FHS_TYPE_NONE) {
        status = find_compartment_types(parser, draft);
    }
    if (status == FHIRSTORE_OK && type != FHS_TYPE_NONE) {
        status = add_type_nodes(parser, type, &nodes);
    }
    for (size_t i = 0; type == FHS_TYPE_NONE && i < draft->types.count && status == FHIRSTORE_OK;
         i++) {
        status = add_type_nodes(parser, ((const fhs_type *)draft->types.items)[i], &nodes);
    }
    fhs_node *any = fhs_arena_calloc(parser->arena, 1, sizeof(*any));
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (any == NULL) {
        return fhs_fail_memory(parser->err);
    }
    *any = (fhs_node){.kind = FHS_NODE_OR,
                      .type = type,
                      .param = FHS_SPARAM_NONE,
                      .target = FHS_TYPE_NONE,
                      .children = nodes.items,
                      .child_count = nodes.count};
    return push_focus_node(parser, &draft->conditions, any);
}
