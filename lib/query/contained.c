/* SPDX-License-Identifier: Apache-2.0 */
/* _contained and _containedType: a search for resources that stand within others. */
#include "query/query_internal.h"

fhirstore_status fhs_query_take_contained(fhs_query_parser *parser, fhs_query_draft *draft,
                                          fhs_str name, fhs_str value, bool *taken_out)
{
    fhs_query *query = draft->query;
    const bool is_kind = fhs_str_eq(name, FHS_LIT("_containedType"));
    *taken_out = is_kind || fhs_str_eq(name, FHS_LIT("_contained"));
    if (!*taken_out) {
        return FHIRSTORE_OK;
    }
    if (is_kind) {
        query->contained_alone = fhs_str_eq(value, FHS_LIT("contained"));
        if (!query->contained_alone && !fhs_str_eq(value, FHS_LIT("container"))) {
            return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                  "expects container or contained");
        }
    } else if (fhs_str_eq(value, FHS_LIT("true"))) {
        query->contained = FHS_CONTAINED_TRUE;
    } else if (fhs_str_eq(value, FHS_LIT("both"))) {
        query->contained = FHS_CONTAINED_BOTH;
    } else if (fhs_str_eq(value, FHS_LIT("false"))) {
        query->contained = FHS_CONTAINED_FALSE;
    } else {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "expects true, false or both");
    }
    fhs_query_add_self(draft, name, value);
    return FHIRSTORE_OK;
}

static fhirstore_status check_contained(fhs_query_parser *parser, const fhs_query *query)
{
    parser->name = FHS_LIT("_contained");
    if (query->type == FHS_TYPE_NONE || query->place.len > 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                              "expects a search of one type, outside of compartments");
    }
    for (size_t i = 0; i < query->sort_count; i++) {
        if (!query->sort[i].is_id && !query->sort[i].is_updated) {
            return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                                  "goes with _sort by _id and _lastUpdated only, those of what "
                                  "contains");
        }
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_query_finish_contained(fhs_query_parser *parser, fhs_query *query)
{
    fhs_node *node = NULL;
    if (query->contained == FHS_CONTAINED_FALSE) {
        query->contained_alone = false;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = check_contained(parser, query);
    if (status == FHIRSTORE_OK) {
        status = fhs_query_new_node(parser, FHS_NODE_CONTAINED, FHS_TYPE_NONE, &node);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    node->children = fhs_arena_calloc(parser->arena, 2, sizeof(fhs_node *));
    if (node->children == NULL) {
        return fhs_fail_memory(parser->err);
    }
    node->code = FHS_LIT("_contained");
    node->target = query->type;
    node->children[0] = query->root;
    node->children[1] = query->root;
    node->child_count = query->contained == FHS_CONTAINED_BOTH ? 2 : 1;
    query->root = node;
    query->type = FHS_TYPE_NONE;
    return FHIRSTORE_OK;
}
