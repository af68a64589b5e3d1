/* SPDX-License-Identifier: Apache-2.0 */
#include "expression/expression.h"

bool fhs_expression_language_find(fhs_str name, fhs_expression_language *language_out)
{
    bool is_jmespath = fhs_str_eq_ascii_case(name, FHS_LIT("JmesPath"));
    *language_out = is_jmespath ? FHS_EXPRESSION_JMESPATH : FHS_EXPRESSION_JSONPATH;
    return is_jmespath || fhs_str_eq_ascii_case(name, FHS_LIT("JsonPath"));
}

struct fhs_expression {
    fhs_str text;
    const fhs_jsonpath *path; /* or the next */
    const fhs_jmespath *jmes;
};

fhirstore_status fhs_expression_compile(fhs_arena *arena, fhs_expression_language language,
                                        fhs_str text, const fhs_expression **expression_out,
                                        fhirstore_error **err)
{
    fhirstore_status status;
    fhs_expression *expression = fhs_arena_calloc(arena, 1, sizeof *expression);
    *expression_out = NULL;
    if (expression == NULL) {
        return fhs_fail_memory(err);
    }
    expression->text = fhs_arena_dup(arena, text);
    if (expression->text.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    status = language == FHS_EXPRESSION_JMESPATH
                 ? fhs_jmespath_compile(arena, text, &expression->jmes, err)
                 : fhs_jsonpath_compile(arena, text, &expression->path, err);
    *expression_out = status == FHIRSTORE_OK ? expression : NULL;
    return status;
}

fhs_str fhs_expression_text(const fhs_expression *expression)
{
    return expression->text;
}

/* Room for pointers to @a count nodes, at least one. */
static const fhs_json **node_room(fhs_expression_run *run, uint32_t count, fhirstore_error **err,
                                  fhirstore_status *status)
{
    const fhs_json **items = fhs_arena_alloc(run->arena, (size_t)count * sizeof *items);
    *status = items == NULL ? fhs_expression_no_memory(run, (size_t)count * sizeof *items, err)
                            : FHIRSTORE_OK;
    return items;
}

fhirstore_status fhs_expression_select(const fhs_expression *expression, fhs_expression_run *run,
                                       const fhs_json *root, fhs_expression_nodes *nodes_out,
                                       fhirstore_error **err)
{
    fhs_jmespath_result result;
    fhirstore_status status;
    *nodes_out = (fhs_expression_nodes){NULL, 0};
    if (expression->path != NULL) {
        return fhs_jsonpath_select(expression->path, run, root, 0, nodes_out, err);
    }
    status = fhs_jmespath_evaluate(expression->jmes, run, root, &result, err);
    if (status != FHIRSTORE_OK || result.value->type == FHS_JSON_NULL) {
        return status;
    }
    uint32_t count = result.is_projection ? result.value->count : 1;
    const fhs_json **items = node_room(run, count, err, &status);
    for (uint32_t i = 0; items != NULL && i < count; i++) {
        items[i] = result.is_projection ? &result.value->items[i] : result.value;
    }
    *nodes_out = (fhs_expression_nodes){items, items == NULL ? 0 : count};
    return status;
}

fhirstore_status fhs_expression_find(const fhs_expression *expression, fhs_expression_run *run,
                                     const fhs_json *root, const fhs_json **value_out,
                                     fhirstore_error **err)
{
    fhs_expression_nodes nodes = {NULL, 0};
    fhs_jmespath_result result = {NULL, false};
    fhirstore_status status;
    *value_out = NULL;
    if (expression->path != NULL) {
        status = fhs_jsonpath_select(expression->path, run, root, 2, &nodes, err);
        *value_out = nodes.count == 1 ? nodes.items[0] : NULL;
    } else {
        status = fhs_jmespath_evaluate(expression->jmes, run, root, &result, err);
        bool is_null = status != FHIRSTORE_OK || result.value->type == FHS_JSON_NULL;
        bool is_empty = !is_null && result.is_projection && result.value->count == 0;
        nodes.count = !is_null && result.is_projection ? result.value->count : 0;
        *value_out = is_null || is_empty ? NULL : result.value;
    }
    if (status == FHIRSTORE_OK && nodes.count > 1) {
        *value_out = NULL;
        return fhs_fail(err, FHIRSTORE_ERR_EXPRESSION_DATA,
                        "the expression finds multiple tokens where one is expected");
    }
    return status;
}

bool fhs_expression_explain_select(const fhs_expression *expression, fhs_expression_run *run,
                                   const fhs_json *root, fhs_buf *out)
{
    return expression->path != NULL ? fhs_jsonpath_explain(expression->path, run, root, out)
                                    : fhs_jmespath_explain(expression->jmes, run, root, out);
}

const fhs_json *fhs_expression_with_match(fhs_arena *arena, const fhs_json *root,
                                          const fhs_json *match)
{
    fhs_str name = FHS_LIT("matchedToken");
    fhs_json *scope = fhs_arena_alloc(arena, sizeof *scope);
    fhs_json_member *members = fhs_arena_alloc(arena,
                                               ((size_t)root->count + 1) * sizeof(fhs_json_member));
    if (scope == NULL || members == NULL) {
        return NULL;
    }
    uint32_t place = root->count;
    for (uint32_t i = 0; i < root->count; i++) {
        members[i] = root->members[i];
        place = fhs_str_eq(members[i].name, name) ? i : place;
    }
    members[place] = (fhs_json_member){.name = name, .value = *match};
    *scope = (fhs_json){.type = FHS_JSON_OBJECT,
                        .count = place == root->count ? root->count + 1 : root->count,
                        .begin = FHS_EXPRESSION_MADE,
                        .end = FHS_EXPRESSION_MADE,
                        .members = members};
    return scope;
}
