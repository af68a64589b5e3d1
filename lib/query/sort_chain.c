/* SPDX-License-Identifier: Apache-2.0 */
/* Sort keys that lead through references: each way that "subject.name" may mean. */
#include "base/limits.h"
#include "query/query_internal.h"

/* Ways of one key. */
#define SORT_WAYS_MAX 64u

typedef struct sort_ways {
    fhs_query_parser *parser;
    fhs_query_list paths; /* fhs_sort_path */
    fhs_sort_link links[FHS_LIMIT_CHAIN_DEPTH];
    fhs_sparam_type type; /* of the values, when there is a way */
    bool is_mixed;        /* ways end in values of different types */
} sort_ways;

static fhirstore_status add_way(sort_ways *ways, size_t depth, fhs_sparam param,
                                fhs_sparam_type type)
{
    fhs_query_parser *parser = ways->parser;
    if (ways->paths.count == SORT_WAYS_MAX) {
        return fhs_query_fail_limit(
            parser, SORT_WAYS_MAX,
            "ways for a sort key; name the types of its chain, as in subject:Patient.name");
    }
    ways->is_mixed = ways->is_mixed || (ways->paths.count > 0 && ways->type != type);
    ways->type = type;
    fhs_sort_link *links = fhs_arena_calloc(parser->arena, depth, sizeof(*links));
    fhs_sort_path *path = links == NULL ? NULL
                                        : fhs_query_push(parser, &ways->paths, sizeof(*path));
    if (path == NULL) {
        return fhs_fail_memory(parser->err);
    }
    memcpy(links, ways->links, depth * sizeof(*links));
    *path = (fhs_sort_path){.links = links, .link_count = depth, .param = param};
    return FHIRSTORE_OK;
}

static fhirstore_status follow_sort(sort_ways *ways, fhs_type type, fhs_str text, size_t depth)
{
    const fhs_fhir *fhir = ways->parser->options->fhir;
    fhs_sparam_def def;
    fhs_str head;
    fhs_str rest;
    fhs_str code;
    fhs_str wanted;
    if (!fhs_str_split(text, '.', &head, &rest)) {
        fhs_sparam param = fhs_query_find_param(ways->parser, type, text, &def);
        bool is_key = param != FHS_SPARAM_NONE && def.type != FHS_SP_COMPOSITE &&
                      def.type != FHS_SP_SPECIAL && def.expression.len > 0 &&
                      !fhs_str_eq(text, FHS_LIT("_id")) &&
                      !fhs_str_eq(text, FHS_LIT("_lastUpdated"));
        return is_key ? add_way(ways, depth, param, (fhs_sparam_type)def.type) : FHIRSTORE_OK;
    }
    bool is_typed = fhs_str_split(head, ':', &code, &wanted);
    fhs_sparam param = fhs_query_find_param(ways->parser, type, is_typed ? code : head, &def);
    if (param == FHS_SPARAM_NONE || def.type != FHS_SP_REFERENCE) {
        return FHIRSTORE_OK;
    }
    if (depth == FHS_LIMIT_CHAIN_DEPTH) {
        return fhs_query_fail_limit(ways->parser, FHS_LIMIT_CHAIN_DEPTH,
                                    "links in a chain (FHS_LIMIT_CHAIN_DEPTH)");
    }
    fhs_type only = is_typed ? fhs_query_resource_type(fhir, wanted) : FHS_TYPE_NONE;
    size_t count = fhs_type_count(fhir);
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_type target = (fhs_type)i;
        if ((is_typed && target != only) || !fhs_type_is_resource(fhir, target) ||
            !fhs_query_may_target(fhir, &def, target)) {
            continue;
        }
        if (ways->parser->nodes_left == 0) {
            return fhs_query_fail_nodes(ways->parser);
        }
        ways->parser->nodes_left--;
        ways->links[depth] = (fhs_sort_link){type, param, target};
        status = follow_sort(ways, target, rest, depth + 1);
    }
    return status;
}

fhirstore_status fhs_query_sort_chain(fhs_query_parser *parser, fhs_type type, fhs_str text,
                                      fhs_sort_key *key, bool *known_out)
{
    sort_ways ways = {.parser = parser};
    fhirstore_status status = type == FHS_TYPE_NONE ? FHIRSTORE_OK
                                                    : follow_sort(&ways, type, text, 0);
    if (status == FHIRSTORE_OK && ways.is_mixed) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "has a chained sort key that means different kinds of values; it "
                              "expects a type behind a ':'");
    }
    *known_out = ways.paths.count > 0;
    key->paths = ways.paths.items;
    key->path_count = ways.paths.count;
    key->param_type = ways.type;
    return status;
}
