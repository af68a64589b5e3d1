/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches and what is hidden within resources: whoever may not see an element finds nothing out by
 * searching, sorting or following it. Such a query is refused; what the search looks at by itself
 * (compartments, wildcards) leaves it out.
 */
#include "search/search_internal.h"

bool fhs_search_is_hidden(const fhs_search *search, fhs_type type, fhs_sparam param)
{
    const fhs_search_env *env = &search->env;
    return env->mask != NULL && search->restricting == 0 && type != FHS_TYPE_NONE &&
           env->mask->reads(env->restriction_ctx, type, param);
}

/* Of one type, or at system level of any that is searched. */
static bool is_hidden_of(const fhs_search *search, fhs_type type, fhs_sparam param)
{
    bool is_hidden = false;
    if (type != FHS_TYPE_NONE) {
        return fhs_search_is_hidden(search, type, param);
    }
    for (size_t i = 0; i < search->type_count && !is_hidden; i++) {
        is_hidden = fhs_search_is_hidden(
            search, fhs_catalog_type_back(search->env.catalog, search->types[i]), param);
    }
    return is_hidden;
}

static fhirstore_status refuse_hidden(const fhs_search *search, fhs_str code)
{
    return fhs_param_name_is_plain(code)
               ? fhs_fail(search->err, FHIRSTORE_ERR_DENIED,
                          "parameter '%.*s' reads an element that is hidden here",
                          FHS_STR_ARG(code))
               : fhs_fail(search->err, FHIRSTORE_ERR_DENIED,
                          "a parameter reads an element that is hidden here");
}

/* Lists, groups and care teams are read for what they name. */
static bool is_member_hidden(const fhs_search *search, const fhs_node *node)
{
    static const struct {
        fhs_str type;
        fhs_str element;
    } places[] = {
        {FHS_LIT_INIT("List"), FHS_LIT_INIT("entry")},
        {FHS_LIT_INIT("Group"), FHS_LIT_INIT("member")},
        {FHS_LIT_INIT("CareTeam"), FHS_LIT_INIT("participant")},
    };
    const fhs_search_env *env = &search->env;
    for (size_t v = 0; v < node->value_count; v++) {
        for (size_t i = 0; i < FHS_COUNT_OF(places); i++) {
            fhs_type type = fhs_type_find(env->fhir, places[i].type);
            const bool is_meant = node->values[v].ref_type == FHS_TYPE_NONE ||
                                  node->values[v].ref_type == type;
            if (is_meant && type != FHS_TYPE_NONE &&
                env->mask->hides(env->restriction_ctx, type, places[i].element)) {
                return true;
            }
        }
    }
    return false;
}

/* Depth is bounded by the parser. */
static fhirstore_status check_hidden_node(const fhs_search *search, const fhs_node *node)
{
    fhirstore_status status = FHIRSTORE_OK;
    bool is_hidden = false;
    switch (node->kind) {
    case FHS_NODE_LEAF:
        /* What the search makes of a compartment is passed over, not refused. */
        is_hidden = !node->is_place && is_hidden_of(search, node->type, node->param);
        break;
    case FHS_NODE_CHAIN:
        is_hidden = is_hidden_of(search, node->type, node->param);
        break;
    case FHS_NODE_HAS:
        is_hidden = is_hidden_of(search, node->target, node->param);
        break;
    case FHS_NODE_FULLTEXT:
        is_hidden = is_hidden_of(search, node->type, FHS_SPARAM_NONE);
        break;
    case FHS_NODE_MEMBER:
        is_hidden = is_member_hidden(search, node);
        break;
    case FHS_NODE_AND:
    case FHS_NODE_OR:
    case FHS_NODE_NOT:
    case FHS_NODE_ID:
    case FHS_NODE_UPDATED:
    case FHS_NODE_CONTAINED:
    case FHS_NODE_TRUE:
        break;
    }
    if (is_hidden) {
        return refuse_hidden(search, node->code);
    }
    for (size_t i = 0; i < node->child_count && status == FHIRSTORE_OK; i++) {
        status = check_hidden_node(search, node->children[i]);
    }
    return status;
}

static bool is_hidden_path(const fhs_search *search, const fhs_sort_path *path)
{
    fhs_type type = FHS_TYPE_NONE;
    for (size_t i = 0; i < path->link_count; i++) {
        if (is_hidden_of(search, path->links[i].type, path->links[i].param)) {
            return true;
        }
        type = path->links[i].target;
    }
    return type != FHS_TYPE_NONE && path->param != FHS_SPARAM_NONE &&
           fhs_search_is_hidden(search, type, path->param);
}

static fhirstore_status check_hidden_sort(const fhs_search *search, const fhs_sort_key *key)
{
    bool is_hidden = key->param != FHS_SPARAM_NONE &&
                     is_hidden_of(search, search->query->type, key->param);
    for (size_t i = 0; i < key->path_count && !is_hidden; i++) {
        is_hidden = is_hidden_path(search, &key->paths[i]);
    }
    return is_hidden ? refuse_hidden(search, key->code) : FHIRSTORE_OK;
}

fhirstore_status fhs_search_check_hidden(const fhs_search *search)
{
    const fhs_query *query = search->query;
    if (search->env.mask == NULL) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = check_hidden_node(search, query->root);
    for (size_t i = 0; i < query->sort_count && status == FHIRSTORE_OK; i++) {
        status = check_hidden_sort(search, &query->sort[i]);
    }
    for (size_t i = 0; i < query->include_count && status == FHIRSTORE_OK; i++) {
        const fhs_include *include = &query->includes[i];
        if (include->param != FHS_SPARAM_NONE &&
            is_hidden_of(search, include->source, include->param)) {
            status = refuse_hidden(search, fhs_sparam_get(search->env.fhir, include->param).code);
        }
    }
    return status;
}

fhirstore_status fhs_search_show(const fhs_search *search, fhs_type type, fhs_str body,
                                 fhs_buf *out, bool *shown_out)
{
    const fhs_search_env *env = &search->env;
    *shown_out = env->mask != NULL && env->mask->may_mask(env->restriction_ctx, type, body);
    return *shown_out ? env->mask->write(env->restriction_ctx, type, body, out, search->err)
                      : FHIRSTORE_OK;
}
