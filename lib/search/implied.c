/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A restriction that the search itself asks for needs no second look: whoever is restricted to the
 * compartment of Patient/1 and searches "subject=Patient/1" finds nothing else anyway.
 */
#include "search/search_internal.h"

/* From where @a text begins to the end of the alternative that begins there. */
static fhs_str one_alternative(fhs_str text)
{
    int open = 0;
    size_t end = 0;
    for (; end < text.len && (open > 0 || text.ptr[end] != '|'); end++) {
        open += text.ptr[end] == '(';
        open -= text.ptr[end] == ')';
    }
    return fhs_str_trim(fhs_str_of(text.ptr, end));
}

/* The one alternative of an expression that speaks of @a type; false: there are none, or several.
 */
static bool own_alternative(const fhs_fhir *fhir, fhs_type type, fhs_str expression, fhs_str *out)
{
    const fhs_str name = fhs_type_name(fhir, type);
    size_t found = 0;
    for (size_t from = 0; from < expression.len;) {
        fhs_str rest = fhs_str_from(expression, from);
        const size_t at = fhs_str_find(rest, name);
        if (at > rest.len) {
            break;
        }
        from += at + name.len;
        const char before = at + (size_t)(rest.ptr - expression.ptr) == 0 ? ' ' : rest.ptr[at - 1];
        if (from >= expression.len || expression.ptr[from] != '.') {
            continue;
        }
        if (before != ' ' && before != '|') {
            return false; /* within something else */
        }
        *out = one_alternative(fhs_str_from(rest, at));
        found++;
    }
    return found == 1;
}

/* "Observation.subject" of "Observation.subject.where(resolve() is Patient)", for a Patient. */
static fhs_str without_target(const fhs_fhir *fhir, fhs_str expression, fhs_type target)
{
    static const fhs_str mark = FHS_LIT_INIT(".where(resolve() is ");
    const size_t at = fhs_str_find(expression, mark);
    if (at > expression.len) {
        return expression;
    }
    fhs_str rest = fhs_str_from(expression, at + mark.len);
    const fhs_str name = fhs_type_name(fhir, target);
    const bool is_it = rest.len == name.len + 1 && fhs_str_starts_with(rest, name) &&
                       rest.ptr[name.len] == ')';
    return is_it ? fhs_str_of(expression.ptr, at) : expression;
}

/* Whether both parameters find the same resources for a reference to @a target. */
static bool are_alike(const fhs_fhir *fhir, fhs_type type, fhs_sparam a, fhs_sparam b,
                      fhs_type target)
{
    fhs_str one;
    fhs_str other;
    return a == b ||
           (own_alternative(fhir, type, fhs_sparam_get(fhir, a).expression, &one) &&
            own_alternative(fhir, type, fhs_sparam_get(fhir, b).expression, &other) &&
            fhs_str_eq(without_target(fhir, one, target), without_target(fhir, other, target)));
}

/* The type of what is referred to; of an id alone the one that the parameter can refer to. */
static fhs_type referred_type(const fhs_search *search, const fhs_node *node,
                              const fhs_value *value)
{
    static const fhs_str mark = FHS_LIT_INIT(".where(resolve() is ");
    const fhs_fhir *fhir = search->env.fhir;
    fhs_str own;
    if (value->ref_type != FHS_TYPE_NONE ||
        !own_alternative(fhir, search->query->type, fhs_sparam_get(fhir, node->param).expression,
                         &own)) {
        return value->ref_type;
    }
    const size_t at = fhs_str_find(own, mark);
    return at > own.len || own.ptr[own.len - 1] != ')'
               ? FHS_TYPE_NONE
               : fhs_type_find(fhir,
                               fhs_str_of(own.ptr + at + mark.len, own.len - 1 - at - mark.len));
}

static bool is_plain_reference(const fhs_search *search, const fhs_node *node)
{
    if (node->kind != FHS_NODE_LEAF || node->param_type != FHS_SP_REFERENCE ||
        (node->modifier != FHS_MOD_NONE && node->modifier != FHS_MOD_TYPE)) {
        return false;
    }
    for (size_t i = 0; i < node->value_count; i++) {
        const fhs_value *value = &node->values[i];
        if (value->is_url || value->ref_version.len > 0 ||
            referred_type(search, node, value) == FHS_TYPE_NONE) {
            return false;
        }
    }
    return node->value_count > 0;
}

static bool has_reference(const fhs_node *node, fhs_type type, fhs_str id)
{
    for (size_t i = 0; i < node->value_count; i++) {
        if (node->values[i].ref_type == type && fhs_str_eq(node->values[i].ref_id, id)) {
            return true;
        }
    }
    return false;
}

static bool has_id(const fhs_node *node, fhs_str id)
{
    for (size_t i = 0; i < node->value_count; i++) {
        if (fhs_str_eq(node->values[i].text, id)) {
            return true;
        }
    }
    return false;
}

/* Whether whatever fits @a asked fits @a restriction, a leaf. */
static bool leaf_implies(const fhs_search *search, const fhs_node *asked,
                         const fhs_node *restriction)
{
    if (asked->kind == FHS_NODE_ID && restriction->kind == FHS_NODE_ID) {
        bool all = asked->modifier == FHS_MOD_NONE && restriction->modifier == FHS_MOD_NONE;
        for (size_t i = 0; i < asked->value_count && all; i++) {
            all = has_id(restriction, asked->values[i].text);
        }
        return all;
    }
    if (!is_plain_reference(search, asked) || !is_plain_reference(search, restriction)) {
        return false;
    }
    for (size_t i = 0; i < asked->value_count; i++) {
        const fhs_type type = referred_type(search, asked, &asked->values[i]);
        if (!has_reference(restriction, type, asked->values[i].ref_id) ||
            !are_alike(search->env.fhir, search->query->type, asked->param, restriction->param,
                       type)) {
            return false;
        }
    }
    return true;
}

bool fhs_restriction_is_implied(const fhs_search *search, const fhs_node *restriction)
{
    const fhs_node *root = search->query->root;
    if (search->query->type == FHS_TYPE_NONE) {
        return false;
    }
    if (restriction->kind == FHS_NODE_AND || restriction->kind == FHS_NODE_OR) {
        const bool is_and = restriction->kind == FHS_NODE_AND;
        for (size_t i = 0; i < restriction->child_count; i++) {
            if (fhs_restriction_is_implied(search, restriction->children[i]) != is_and) {
                return !is_and;
            }
        }
        return is_and;
    }
    for (size_t i = 0; root->kind == FHS_NODE_AND && i < root->child_count; i++) {
        if (leaf_implies(search, root->children[i], restriction)) {
            return true;
        }
    }
    return restriction->kind == FHS_NODE_TRUE;
}
