/* SPDX-License-Identifier: Apache-2.0 */
/*
 * _filter, its grammar: comparisons joined by and and or from left to right, not(…), parentheses,
 * and paths that lead through references, each link of which may have a filter in brackets. It
 * becomes the tree that parameters become.
 */
#include "query/filter.h"

#include "base/limits.h"

fhirstore_status fhs_filter_expects(fhs_filter *filter, const char *what)
{
    filter->mark = filter->at;
    filter->parser->name = FHS_STR_NONE;
    return fhs_query_fail(filter->parser, FHIRSTORE_ERR_QUERY, what);
}

static fhirstore_status too_deep(fhs_filter *filter)
{
    filter->mark = filter->at;
    filter->parser->name = FHS_STR_NONE;
    return fhs_query_fail_limit(filter->parser, FHS_LIMIT_FILTER_DEPTH,
                                "levels of groups (FHS_LIMIT_FILTER_DEPTH)");
}

/* ---- groups ---- */

/* What a run of comparisons has become so far. */
typedef struct filter_run {
    fhs_node *node;
    fhs_node *open; /* the group that the last operator made, which the same one goes on with */
    fhs_query_list children;
    unsigned height;
} filter_run;

static fhirstore_status join_next(fhs_filter *filter, filter_run *run, fhs_node_kind kind,
                                  fhs_node *next)
{
    fhs_query_parser *parser = filter->parser;
    unsigned height = filter->height + 1;
    if (run->open == NULL || run->open->kind != kind) {
        fhs_node *group = NULL;
        fhirstore_status status = fhs_query_new_node(parser, kind, next->type, &group);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        run->children = (fhs_query_list){NULL, 0, 0};
        fhs_node **first = fhs_query_push(parser, &run->children, sizeof(fhs_node *));
        if (first == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        *first = run->node;
        run->node = run->open = group;
        run->height++;
    }
    fhs_node **slot = fhs_query_push(parser, &run->children, sizeof(fhs_node *));
    if (slot == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    *slot = next;
    run->open->children = run->children.items;
    run->open->child_count = run->children.count;
    run->height = height > run->height ? height : run->height;
    return run->height > FHS_LIMIT_FILTER_DEPTH ? too_deep(filter) : FHIRSTORE_OK;
}

static fhirstore_status read_filter_term(fhs_filter *filter, fhs_type type, unsigned depth,
                                         fhs_node **out);

/* Comparisons up to the end, or up to @a close, which is not taken. */
static fhirstore_status read_run(fhs_filter *filter, fhs_type type, unsigned depth, char close,
                                 fhs_node **out)
{
    filter_run run = {NULL, NULL, {NULL, 0, 0}, 0};
    if (++filter->depth > FHS_LIMIT_FILTER_DEPTH) {
        return too_deep(filter);
    }
    fhirstore_status status = read_filter_term(filter, type, depth, &run.node);
    run.height = filter->height;
    while (status == FHIRSTORE_OK) {
        fhs_node *next = NULL;
        fhs_filter_skip_blanks(filter);
        if (filter->at == filter->text.len ||
            (close != '\0' && filter->text.ptr[filter->at] == close)) {
            break;
        }
        bool is_and = fhs_filter_take_word(filter, "and");
        if (!is_and && !fhs_filter_take_word(filter, "or")) {
            return fhs_filter_expects(filter, close == ')'   ? "expects and, or or )"
                                              : close == ']' ? "expects and, or or ]"
                                                             : "expects and or or");
        }
        status = read_filter_term(filter, type, depth, &next);
        if (status == FHIRSTORE_OK) {
            status = join_next(filter, &run, is_and ? FHS_NODE_AND : FHS_NODE_OR, next);
        }
    }
    filter->depth--;
    filter->height = run.height;
    *out = run.node;
    return status;
}

static fhirstore_status read_parentheses(fhs_filter *filter, fhs_type type, unsigned depth,
                                         fhs_node **out)
{
    fhirstore_status status = read_run(filter, type, depth, ')', out);
    if (status == FHIRSTORE_OK && !fhs_filter_take(filter, ')')) {
        return fhs_filter_expects(filter, "expects )");
    }
    return status;
}

/* ---- paths ---- */

typedef struct filter_link {
    fhs_filter *filter;
    size_t bracket; /* behind the '[', or 0 */
    size_t path;    /* behind the '.', where there is no bracket */
    size_t end;     /* behind the comparison, when it was read for some type */
} filter_link;

static fhirstore_status read_comparison(fhs_filter *filter, fhs_type type, unsigned depth,
                                        fhs_node **out);

static fhirstore_status join_bracket(fhs_filter *filter, fhs_node *inner, fhs_node *rest,
                                     fhs_node **out)
{
    fhs_node *both = NULL;
    fhirstore_status status = fhs_query_new_node(filter->parser, FHS_NODE_AND, rest->type, &both);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    both->children = fhs_arena_calloc(filter->parser->arena, 2, sizeof(fhs_node *));
    if (both->children == NULL) {
        return fhs_fail_memory(filter->parser->err);
    }
    both->children[0] = inner;
    both->children[1] = rest;
    both->child_count = 2;
    *out = both;
    return FHIRSTORE_OK;
}

/* What stands behind a link, read for one type that it may lead to. */
static fhirstore_status read_behind(fhs_query_parser *parser, const fhs_query_rest *rest,
                                    fhs_type target, unsigned depth, fhs_node **out)
{
    filter_link *link = rest->ctx;
    fhs_filter *filter = link->filter;
    const unsigned open = filter->depth;
    fhs_node *inner = NULL;
    fhs_node *node = NULL;
    fhirstore_status status = FHIRSTORE_OK;
    unsigned height = 0;
    filter->at = link->path;
    if (link->bracket > 0) {
        filter->at = link->bracket;
        status = read_run(filter, target, depth, ']', &inner);
        height = filter->height + 1;
        if (status == FHIRSTORE_OK &&
            (!fhs_filter_take(filter, ']') || !fhs_filter_take(filter, '.'))) {
            status = fhs_filter_expects(filter, "expects ] and . with the rest of the path");
        }
    }
    if (status == FHIRSTORE_OK) {
        status = read_comparison(filter, target, depth, &node);
    }
    filter->depth = open; /* also behind a failure, which another type may make good */
    if (status != FHIRSTORE_OK) {
        return status;
    }
    link->end = filter->at;
    filter->height = height > filter->height ? height : filter->height;
    if (inner != NULL) {
        return join_bracket(filter, inner, node, out);
    }
    (void)parser;
    *out = node;
    return FHIRSTORE_OK;
}

static fhirstore_status read_link_path(fhs_filter *filter, fhs_type type, fhs_str head,
                                       unsigned depth, filter_link *link, fhs_node **out)
{
    static const fhs_str has = FHS_LIT_INIT("_has:");
    const fhs_query_rest rest = {.read = read_behind, .ctx = link};
    fhs_str type_name;
    fhs_str code;
    fhs_str tail;
    fhirstore_status status;
    if (fhs_str_starts_with(head, has)) {
        if (!fhs_query_split_has(head, &type_name, &code, &tail)) {
            return fhs_query_fail(filter->parser, FHIRSTORE_ERR_QUERY,
                                  "expects _has:Type:reference:parameter");
        }
        link->bracket = 0;
        link->path = (size_t)(tail.ptr - filter->text.ptr);
        status = fhs_query_has(filter->parser, type, type_name, code, &rest, depth, out);
    } else {
        status = fhs_query_chain(filter->parser, type, head, &rest, depth, out);
    }
    filter->at = link->end;
    filter->height += 2;
    return status;
}

/* "path op value". */
static fhirstore_status read_comparison(fhs_filter *filter, fhs_type type, unsigned depth,
                                        fhs_node **out)
{
    fhs_query_parser *parser = filter->parser;
    filter_link link = {filter, 0, 0, 0};
    fhs_filter_op op;
    fhs_str value;
    if (depth > FHS_LIMIT_CHAIN_DEPTH) {
        return fhs_query_fail_limit(parser, FHS_LIMIT_CHAIN_DEPTH,
                                    "links in a chain (FHS_LIMIT_CHAIN_DEPTH)");
    }
    const size_t mark = filter->at;
    fhs_str name = fhs_filter_take_name(filter);
    if (name.len == 0) {
        return fhs_filter_expects(filter, "expects a search parameter, not(…) or (…)");
    }
    filter->mark = mark;
    parser->name = name;
    filter->height = 1;
    if (fhs_filter_take(filter, '[')) {
        bool is_composite;
        fhirstore_status status = fhs_filter_composite(filter, type, name, &is_composite, out);
        if (status != FHIRSTORE_OK || is_composite) {
            return status;
        }
        link.bracket = filter->at;
        return read_link_path(filter, type, name, depth, &link, out);
    }
    if (fhs_filter_take(filter, '.') || fhs_str_starts_with(name, FHS_LIT("_has:"))) {
        link.path = filter->at;
        return read_link_path(filter, type, name, depth, &link, out);
    }
    /* Before the value is read, which may be long: this happens once for each type of a link. */
    fhirstore_status status = fhs_filter_knows(parser, type, name);
    if (status == FHIRSTORE_OK) {
        status = fhs_filter_take_test(filter, &op, &value);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    filter->mark = mark;
    parser->name = name;
    return fhs_filter_leaf(parser, type, name, op, value, out);
}

static fhirstore_status read_filter_term(fhs_filter *filter, fhs_type type, unsigned depth,
                                         fhs_node **out)
{
    fhs_node *inner = NULL;
    fhs_filter_skip_blanks(filter);
    if (fhs_filter_take(filter, '(')) {
        return read_parentheses(filter, type, depth, out);
    }
    const size_t start = filter->at;
    if (fhs_filter_take_word(filter, "not")) {
        fhs_filter_skip_blanks(filter);
        if (fhs_filter_take(filter, '(')) {
            fhirstore_status status = read_parentheses(filter, type, depth, &inner);
            if (status == FHIRSTORE_OK) {
                status = fhs_query_new_node(filter->parser, FHS_NODE_NOT, type, out);
            }
            if (status == FHIRSTORE_OK && ++filter->height > FHS_LIMIT_FILTER_DEPTH) {
                status = too_deep(filter);
            }
            return status == FHIRSTORE_OK ? fhs_query_only_child(filter->parser, *out, inner)
                                          : status;
        }
        filter->at = start;
    }
    return read_comparison(filter, type, depth, out);
}

fhirstore_status fhs_query_filter(fhs_query_parser *parser, fhs_type type, fhs_str text,
                                  unsigned depth, fhs_node **out)
{
    fhs_filter filter = {.parser = parser, .text = text};
    const fhs_str name = parser->name;
    fhs_filter_skip_blanks(&filter);
    if (filter.at == text.len) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "has no value");
    }
    parser->filter = &filter;
    fhirstore_status status = read_run(&filter, type, depth, '\0', out);
    parser->filter = NULL;
    parser->name = name;
    return status;
}
