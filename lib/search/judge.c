/* SPDX-License-Identifier: Apache-2.0 */
/* Does this one state of a resource satisfy a node? */
#include "search/search_internal.h"

fhirstore_status fhs_search_judge(fhs_conn *conn, const fhs_search_env *env, fhs_type type,
                                  const fhs_node *node, const fhs_version *version, fhs_str rows,
                                  bool *yes_out, fhirstore_error **err)
{
    static fhs_node everything = {.kind = FHS_NODE_AND, .type = FHS_TYPE_NONE};
    const fhs_query query = {.type = type, .root = &everything};
    fhs_search_env judging = *env;
    fhs_search *search;
    *yes_out = false;
    judging.restriction = node;
    fhirstore_status status = fhs_search_prepare(conn, &judging, &query, &search, err);
    if (status == FHIRSTORE_OK && !search->is_empty) {
        fhs_candidate candidate = {
            .entity = version->entity,
            .has_rows = rows.ptr != NULL,
            .has_head = true,
            .is_there = true,
            .rows = rows,
            .type = version->type,
            .updated_us = version->updated_us,
            .seq = version->seq,
        };
        status = fhs_test_candidate(search, search->root, &candidate, 0, yes_out);
    }
    fhs_search_close(search);
    return status;
}
