/* SPDX-License-Identifier: Apache-2.0 */
/* Why a JMESPath gives nothing: the part of it that does, and what comes before that part. */
#include "base/limits.h"
#include "expression/jmes_internal.h"

/* What the rest of @a node's text is applied to; NULL: it does not begin with something else. */
static const fhs_jmes_node *node_before(const fhs_jmes_node *node)
{
    if (node->split == 0 || node->left == NULL ||
        (node->kind != FHS_JMES_THEN && node->kind != FHS_JMES_EACH_ITEM &&
         node->kind != FHS_JMES_EACH_VALUE && node->kind != FHS_JMES_EACH_WHERE)) {
        return NULL;
    }
    /* [] and slices are two nodes of one piece of text. */
    bool is_inner = node->kind == FHS_JMES_EACH_ITEM && node->left->split == 0 &&
                    (node->left->kind == FHS_JMES_FLATTENED || node->left->kind == FHS_JMES_THEN);
    return is_inner ? node->left->left : node->left;
}

static bool gives_nothing(const fhs_json *value)
{
    return value->type == FHS_JSON_NULL || (value->type == FHS_JSON_ARRAY && value->count == 0);
}

/* Where the search for the part that gives nothing has come to. */
typedef struct explain_place {
    const fhs_jmes_node *node; /* it gives nothing of ... */
    const fhs_json *scope;     /* ... this, which is what the text up to ... */
    size_t scope_end;          /* ... here gives; 0: the root */
    size_t end;                /* of the node's text */
} explain_place;

/* "Body.data" gives an array, but "[?x]" gives nothing of it. */
static void add_explanation(const fhs_jmespath *expression, const explain_place *place,
                            const fhs_json *value, fhs_buf *out)
{
    fhs_str before = fhs_str_of(expression->text.ptr, place->scope_end);
    fhs_str rest = fhs_str_of(expression->text.ptr + place->scope_end,
                              place->end - place->scope_end);
    before = place->scope_end == 0 ? FHS_LIT("@") : fhs_str_trim(before);
    fhs_buf_addf(out, "\"%.*s\" gives %s, but \"%.*s\" gives %s of it", FHS_STR_ARG(before),
                 fhs_expression_type_words(place->scope), FHS_STR_ARG(fhs_str_trim(rest)),
                 value->type == FHS_JSON_NULL ? "nothing" : "an empty array");
}

bool fhs_jmespath_explain(const fhs_jmespath *expression, fhs_expression_run *run,
                          const fhs_json *root, fhs_buf *out)
{
    fhs_jmes_run evaluation = {.run = run, .status = FHIRSTORE_OK};
    explain_place place = {expression->root, root, 0, expression->text.len};
    const fhs_json *value = fhs_jmes_eval(&evaluation, place.node, root);
    if (value == NULL || !gives_nothing(value)) {
        return false;
    }
    while (true) {
        const fhs_jmes_node *before = node_before(place.node);
        if (before == NULL) {
            add_explanation(expression, &place, value, out);
            return true;
        }
        const fhs_json *given = fhs_jmes_eval(&evaluation, before, place.scope);
        if (given == NULL) {
            return false;
        }
        if (gives_nothing(given)) {
            place.end = place.node->split;
            place.node = before;
            value = given;
            continue;
        }
        place.scope = given;
        place.scope_end = place.node->split;
        if (place.node->kind != FHS_JMES_THEN || node_before(place.node->right) == NULL) {
            add_explanation(expression, &place, value, out);
            return true;
        }
        place.node = place.node->right; /* a.b[0] is a, then b[0] */
    }
}
