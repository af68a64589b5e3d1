/* SPDX-License-Identifier: Apache-2.0 */
/* JMESPath: tokens become a tree, by operator precedence. */
#include "base/limits.h"
#include "expression/jmes_internal.h"

/* How strongly a token binds what stands before it. */
enum {
    BIND_NOTHING = 0,
    BIND_PIPE = 1,
    BIND_OR = 2,
    BIND_AND = 3,
    BIND_COMPARE = 5,
    BIND_FLATTEN = 9,
    /* What binds less ends a projection. */
    BIND_PROJECTION = 10,
    BIND_STAR = 20,
    BIND_FILTER = 21,
    BIND_DOT = 40,
    BIND_NOT = 45,
    BIND_BRACKET = 55,
    BIND_CALL = 60,
};

typedef struct jmes_parser {
    fhs_jmes_lexer lexer;
    fhs_jmes_token token; /* the one to be looked at */
    fhs_jmes_token ahead; /* the one behind it */
    uint32_t depth;
    fhs_jmes_node *calls; /* in the order of the text */
    fhs_jmes_node *last_call;
    fhirstore_error **err;
    fhirstore_status status;
} jmes_parser;

static fhs_jmes_node *parse_binding(jmes_parser *parser, uint32_t least);
static fhs_jmes_node *parse_projected(jmes_parser *parser, uint32_t least);

static fhs_jmes_node *refuse_jmes_at(jmes_parser *parser, size_t at, const char *problem)
{
    if (parser->status == FHIRSTORE_OK) {
        parser->status = fhs_fail(parser->err, FHIRSTORE_ERR_EXPRESSION,
                                  "the JMESPath is malformed at offset %zu: %s", at, problem);
        fhs_error_at(parser->err, at, 1, (uint32_t)at + 1);
    }
    return NULL;
}

/* The token to be looked at is not what may stand here. */
static fhs_jmes_node *refuse_jmes(jmes_parser *parser, const char *problem)
{
    if (parser->token.kind != FHS_JMES_BAD) {
        return refuse_jmes_at(parser, parser->token.at,
                              parser->token.kind == FHS_JMES_END ? "it ends too early" : problem);
    }
    if (parser->lexer.problem == NULL && parser->status == FHIRSTORE_OK) {
        parser->status = fhs_fail_memory(parser->err);
    }
    return refuse_jmes_at(parser, parser->token.at,
                          parser->lexer.problem == NULL ? "" : parser->lexer.problem);
}

static void advance_token(jmes_parser *parser)
{
    parser->token = parser->ahead;
    if (parser->ahead.kind != FHS_JMES_BAD) {
        fhs_jmes_next_token(&parser->lexer, &parser->ahead);
    }
}

static bool accept_token(jmes_parser *parser, fhs_jmes_token_kind kind)
{
    if (parser->token.kind != kind) {
        return false;
    }
    advance_token(parser);
    return true;
}

static bool deep_enough(jmes_parser *parser, uint32_t depth, uint32_t max, const char *limit)
{
    if (depth > max && parser->status == FHIRSTORE_OK) {
        parser->status = fhs_fail(parser->err, FHIRSTORE_ERR_LIMIT,
                                  "the JMESPath nests more than %u levels (%s)", max, limit);
    }
    return parser->status == FHIRSTORE_OK;
}

static uint32_t depth_of(const fhs_jmes_node *node)
{
    return node == NULL ? 0 : node->depth;
}

/* A node over what may be NULL where the kind has no such part. */
static fhs_jmes_node *new_jmes_node(jmes_parser *parser, fhs_jmes_kind kind, size_t at,
                                    fhs_jmes_node *left, fhs_jmes_node *right)
{
    fhs_jmes_node *node = fhs_arena_calloc(parser->lexer.arena, 1, sizeof *node);
    if (node == NULL) {
        parser->status = parser->status == FHIRSTORE_OK ? fhs_fail_memory(parser->err)
                                                        : parser->status;
        return NULL;
    }
    node->kind = kind;
    node->at = at;
    node->left = left;
    node->right = right;
    node->depth = 1 + (depth_of(left) > depth_of(right) ? depth_of(left) : depth_of(right));
    return deep_enough(parser, node->depth, FHS_LIMIT_EXPRESSION_CHAIN,
                       "FHS_LIMIT_EXPRESSION_CHAIN")
               ? node
               : NULL;
}

/* The same over parts that must be there. */
static fhs_jmes_node *join_nodes(jmes_parser *parser, fhs_jmes_kind kind, size_t at,
                                 fhs_jmes_node *left, fhs_jmes_node *right)
{
    return left == NULL || right == NULL ? NULL : new_jmes_node(parser, kind, at, left, right);
}

static fhs_jmes_node *current_node(jmes_parser *parser)
{
    return new_jmes_node(parser, FHS_JMES_CURRENT, parser->token.at, NULL, NULL);
}

static fhs_jmes_node *name_node(jmes_parser *parser)
{
    fhs_jmes_node *node = new_jmes_node(parser, FHS_JMES_FIELD, parser->token.at, NULL, NULL);
    if (node != NULL) {
        node->name = parser->token.text;
    }
    advance_token(parser);
    return node;
}

/* ---- lists, hashes, arguments ---- */

/* Keep @a part behind the others of @a owner. */
static bool add_part(jmes_parser *parser, fhs_jmes_node *owner, fhs_jmes_node **last,
                     fhs_jmes_node *part)
{
    if (part == NULL) {
        return false;
    }
    if (*last == NULL) {
        owner->parts = part;
    } else {
        (*last)->next = part;
    }
    *last = part;
    owner->part_count++;
    owner->depth = owner->depth > part->depth ? owner->depth : part->depth + 1;
    return deep_enough(parser, owner->depth, FHS_LIMIT_EXPRESSION_CHAIN,
                       "FHS_LIMIT_EXPRESSION_CHAIN");
}

/* Expressions with commas between them, up to @a close; the opening is behind us. */
static fhs_jmes_node *parse_jmes_parts(jmes_parser *parser, fhs_jmes_node *owner,
                                       fhs_jmes_token_kind close, const char *problem)
{
    fhs_jmes_node *last = NULL;
    if (owner == NULL) {
        return NULL;
    }
    do {
        if (!add_part(parser, owner, &last, parse_binding(parser, BIND_NOTHING))) {
            return NULL;
        }
    } while (accept_token(parser, FHS_JMES_COMMA));
    return accept_token(parser, close) ? owner : refuse_jmes(parser, problem);
}

static fhs_jmes_node *parse_list(jmes_parser *parser)
{
    return parse_jmes_parts(parser,
                            new_jmes_node(parser, FHS_JMES_LIST, parser->token.at, NULL, NULL),
                            FHS_JMES_CLOSE_BRACKET, "\",\" or \"]\" is expected");
}

static fhs_jmes_node *parse_hash(jmes_parser *parser)
{
    fhs_jmes_node *hash = new_jmes_node(parser, FHS_JMES_HASH, parser->token.at, NULL, NULL);
    fhs_jmes_node *last = NULL;
    if (hash == NULL) {
        return NULL;
    }
    do {
        fhs_str name = parser->token.text;
        if (parser->token.kind != FHS_JMES_NAME && parser->token.kind != FHS_JMES_QUOTED) {
            return refuse_jmes(parser, "a name is expected");
        }
        advance_token(parser);
        if (!accept_token(parser, FHS_JMES_COLON)) {
            return refuse_jmes(parser, "\":\" is expected");
        }
        /* The name stands in a node of its own: the expression may use its own name. */
        fhs_jmes_node *value = parse_binding(parser, BIND_NOTHING);
        fhs_jmes_node *part = value == NULL
                                  ? NULL
                                  : new_jmes_node(parser, FHS_JMES_THEN, value->at, value, NULL);
        if (part != NULL) {
            part->name = name;
        }
        if (!add_part(parser, hash, &last, part)) {
            return NULL;
        }
    } while (accept_token(parser, FHS_JMES_COMMA));
    return accept_token(parser, FHS_JMES_CLOSE_BRACE)
               ? hash
               : refuse_jmes(parser, "\",\" or \"}\" is expected");
}

/* The arguments of the function called @a name; the parenthesis is behind us. */
static fhs_jmes_node *parse_call(jmes_parser *parser, const fhs_jmes_node *name)
{
    fhs_jmes_node *call = new_jmes_node(parser, FHS_JMES_CALL, name->at, NULL, NULL);
    if (call == NULL) {
        return NULL;
    }
    call->name = name->name;
    if (parser->last_call == NULL) {
        parser->calls = call;
    } else {
        parser->last_call->next_call = call;
    }
    parser->last_call = call;
    return accept_token(parser, FHS_JMES_CLOSE_PAREN)
               ? call
               : parse_jmes_parts(parser, call, FHS_JMES_CLOSE_PAREN, "\",\" or \")\" is expected");
}

/* ---- brackets ---- */

/* The rest of a slice, at its first colon; @a start is what stood before it. */
static fhs_jmes_node *parse_slice_node(jmes_parser *parser, size_t at, bool has_start,
                                       int32_t start)
{
    fhs_jmes_node *slice = new_jmes_node(parser, FHS_JMES_SLICE, at, NULL, NULL);
    if (slice == NULL) {
        return NULL;
    }
    slice->slice.has_start = has_start;
    slice->slice.start = start;
    slice->slice.step = 1;
    advance_token(parser);
    if (parser->token.kind == FHS_JMES_NUMBER) {
        slice->slice.has_end = true;
        slice->slice.end = parser->token.number;
        advance_token(parser);
    }
    if (accept_token(parser, FHS_JMES_COLON) && parser->token.kind == FHS_JMES_NUMBER) {
        slice->slice.step = parser->token.number;
        if (slice->slice.step == 0) {
            return refuse_jmes(parser, "the step of a slice is 0");
        }
        advance_token(parser);
    }
    return accept_token(parser, FHS_JMES_CLOSE_BRACKET)
               ? slice
               : refuse_jmes(parser, "a number, \":\" or \"]\" is expected");
}

/* [1] or [1:2:3] of @a left; the bracket is behind us. */
static fhs_jmes_node *parse_position(jmes_parser *parser, fhs_jmes_node *left)
{
    size_t at = parser->token.at;
    int32_t number = parser->token.number;
    bool has_number = accept_token(parser, FHS_JMES_NUMBER);
    if (left == NULL) {
        return NULL;
    }
    if (parser->token.kind == FHS_JMES_COLON) {
        fhs_jmes_node *slice = parse_slice_node(parser, at, has_number, number);
        fhs_jmes_node *sliced = join_nodes(parser, FHS_JMES_THEN, at, left, slice);
        return sliced == NULL ? NULL
                              : join_nodes(parser, FHS_JMES_EACH_ITEM, at, sliced,
                                           parse_projected(parser, BIND_STAR));
    }
    if (!accept_token(parser, FHS_JMES_CLOSE_BRACKET)) {
        return refuse_jmes(parser, "\":\" or \"]\" is expected");
    }
    fhs_jmes_node *index = new_jmes_node(parser, FHS_JMES_INDEX, at, NULL, NULL);
    if (index != NULL) {
        index->index = number;
    }
    return left->kind == FHS_JMES_CURRENT ? index
                                          : join_nodes(parser, FHS_JMES_THEN, at, left, index);
}

/* [*] of @a left; the bracket is behind us and the star is next. */
static fhs_jmes_node *parse_all_items(jmes_parser *parser, fhs_jmes_node *left)
{
    size_t at = parser->token.at;
    advance_token(parser);
    if (!accept_token(parser, FHS_JMES_CLOSE_BRACKET)) {
        return refuse_jmes(parser, "\"]\" is expected");
    }
    return join_nodes(parser, FHS_JMES_EACH_ITEM, at, left, parse_projected(parser, BIND_STAR));
}

/* [?condition] of @a left; the opening is behind us. */
static fhs_jmes_node *parse_where(jmes_parser *parser, fhs_jmes_node *left)
{
    size_t at = parser->token.at;
    fhs_jmes_node *condition = parse_binding(parser, BIND_NOTHING);
    if (condition == NULL) {
        return NULL;
    }
    if (!accept_token(parser, FHS_JMES_CLOSE_BRACKET)) {
        return refuse_jmes(parser, "\"]\" is expected");
    }
    fhs_jmes_node *right = parser->token.kind == FHS_JMES_FLATTEN
                               ? current_node(parser)
                               : parse_projected(parser, BIND_FILTER);
    fhs_jmes_node *node = join_nodes(parser, FHS_JMES_EACH_WHERE, at, left, right);
    if (node != NULL) {
        node->condition = condition;
        node->depth = node->depth > condition->depth ? node->depth : condition->depth + 1;
    }
    return node;
}

/* [] of @a left; the brackets are behind us. */
static fhs_jmes_node *parse_flattened(jmes_parser *parser, fhs_jmes_node *left)
{
    size_t at = parser->token.at;
    fhs_jmes_node *flat = left == NULL ? NULL
                                       : new_jmes_node(parser, FHS_JMES_FLATTENED, at, left, NULL);
    return flat == NULL ? NULL
                        : join_nodes(parser, FHS_JMES_EACH_ITEM, at, flat,
                                     parse_projected(parser, BIND_FLATTEN));
}

/* A list, or what brackets without anything before them mean; the bracket is behind us. */
static fhs_jmes_node *parse_bracket_prefix(jmes_parser *parser)
{
    if (parser->token.kind == FHS_JMES_NUMBER || parser->token.kind == FHS_JMES_COLON) {
        return parse_position(parser, current_node(parser));
    }
    if (parser->token.kind == FHS_JMES_STAR && parser->ahead.kind == FHS_JMES_CLOSE_BRACKET) {
        return parse_all_items(parser, current_node(parser));
    }
    return parse_list(parser);
}

/* ---- expressions ---- */

/* What may follow a dot. */
static fhs_jmes_node *parse_behind_dot(jmes_parser *parser, uint32_t least)
{
    switch (parser->token.kind) {
    case FHS_JMES_NAME:
    case FHS_JMES_QUOTED:
    case FHS_JMES_STAR:
        return parse_binding(parser, least);
    case FHS_JMES_OPEN_BRACKET:
        advance_token(parser);
        return parse_list(parser);
    case FHS_JMES_OPEN_BRACE:
        advance_token(parser);
        return parse_hash(parser);
    default:
        return refuse_jmes(parser, "a name, \"*\", \"[\" or \"{\" is expected");
    }
}

static uint32_t binding_of(fhs_jmes_token_kind kind)
{
    switch (kind) {
    case FHS_JMES_PIPE:
        return BIND_PIPE;
    case FHS_JMES_OR:
        return BIND_OR;
    case FHS_JMES_AND:
        return BIND_AND;
    case FHS_JMES_EQUAL:
    case FHS_JMES_NOT_EQUAL:
    case FHS_JMES_LESS:
    case FHS_JMES_LESS_OR_EQUAL:
    case FHS_JMES_GREATER:
    case FHS_JMES_GREATER_OR_EQUAL:
        return BIND_COMPARE;
    case FHS_JMES_FLATTEN:
        return BIND_FLATTEN;
    case FHS_JMES_STAR:
        return BIND_STAR;
    case FHS_JMES_OPEN_FILTER:
        return BIND_FILTER;
    case FHS_JMES_DOT:
        return BIND_DOT;
    case FHS_JMES_NOT:
        return BIND_NOT;
    case FHS_JMES_OPEN_BRACKET:
        return BIND_BRACKET;
    case FHS_JMES_OPEN_PAREN:
        return BIND_CALL;
    default:
        return BIND_NOTHING;
    }
}

/* What is done with each value of a projection. */
static fhs_jmes_node *parse_projected(jmes_parser *parser, uint32_t least)
{
    if (binding_of(parser->token.kind) < BIND_PROJECTION) {
        return parser->token.kind == FHS_JMES_BAD ? refuse_jmes(parser, "") : current_node(parser);
    }
    if (parser->token.kind == FHS_JMES_OPEN_BRACKET || parser->token.kind == FHS_JMES_OPEN_FILTER) {
        return parse_binding(parser, least);
    }
    if (accept_token(parser, FHS_JMES_DOT)) {
        return parse_behind_dot(parser, least);
    }
    return refuse_jmes(parser, "\".\" or \"[\" is expected");
}

/* "*" without anything before it; it is behind us. */
static fhs_jmes_node *parse_star(jmes_parser *parser, size_t at)
{
    fhs_jmes_node *current = current_node(parser);
    return join_nodes(parser, FHS_JMES_EACH_VALUE, at, current,
                      parser->token.kind == FHS_JMES_CLOSE_BRACKET
                          ? current_node(parser)
                          : parse_projected(parser, BIND_STAR));
}

static fhs_jmes_node *parse_unary(jmes_parser *parser, fhs_jmes_kind kind, uint32_t least)
{
    size_t at = parser->token.at;
    advance_token(parser);
    fhs_jmes_node *inner = parse_binding(parser, least);
    return inner == NULL ? NULL : new_jmes_node(parser, kind, at, inner, NULL);
}

static fhs_jmes_node *parse_group_node(jmes_parser *parser)
{
    fhs_jmes_node *inner = parse_binding(parser, BIND_NOTHING);
    if (inner == NULL) {
        return NULL;
    }
    return accept_token(parser, FHS_JMES_CLOSE_PAREN) ? inner
                                                      : refuse_jmes(parser, "\")\" is expected");
}

static fhs_jmes_node *literal_node(jmes_parser *parser)
{
    fhs_jmes_node *node = new_jmes_node(parser, FHS_JMES_LITERAL, parser->token.at, NULL, NULL);
    if (node != NULL) {
        node->literal = parser->token.value;
    }
    advance_token(parser);
    return node;
}

/* An expression's beginning. */
static fhs_jmes_node *parse_jmes_prefix(jmes_parser *parser)
{
    size_t at = parser->token.at;
    switch (parser->token.kind) {
    case FHS_JMES_VALUE:
        return literal_node(parser);
    case FHS_JMES_NAME:
        return name_node(parser);
    case FHS_JMES_QUOTED:
        if (parser->ahead.kind == FHS_JMES_OPEN_PAREN) {
            return refuse_jmes(parser, "the name of a function has no quotes");
        }
        return name_node(parser);
    case FHS_JMES_STAR:
        advance_token(parser);
        return parse_star(parser, at);
    case FHS_JMES_OPEN_FILTER:
        advance_token(parser);
        return parse_where(parser, current_node(parser));
    case FHS_JMES_FLATTEN:
        advance_token(parser);
        return parse_flattened(parser, current_node(parser));
    case FHS_JMES_OPEN_BRACKET:
        advance_token(parser);
        return parse_bracket_prefix(parser);
    case FHS_JMES_OPEN_BRACE:
        advance_token(parser);
        return parse_hash(parser);
    case FHS_JMES_OPEN_PAREN:
        advance_token(parser);
        return parse_group_node(parser);
    case FHS_JMES_AT:
        advance_token(parser);
        return new_jmes_node(parser, FHS_JMES_CURRENT, at, NULL, NULL);
    case FHS_JMES_NOT:
        return parse_unary(parser, FHS_JMES_NEGATE, BIND_NOT);
    case FHS_JMES_AMPERSAND:
        return parse_unary(parser, FHS_JMES_REFERENCE, BIND_NOTHING);
    default:
        return refuse_jmes(parser, "an expression is expected");
    }
}

static fhs_jmes_node *parse_comparison(jmes_parser *parser, fhs_jmes_node *left,
                                       const fhs_jmes_token *token)
{
    fhs_jmes_node *node = join_nodes(parser, FHS_JMES_COMPARE, token->at, left,
                                     parse_binding(parser, BIND_COMPARE));
    if (node != NULL) {
        node->comparison = token->kind;
    }
    return node;
}

/* What follows @a left; its first token, @a token, is behind us. */
static fhs_jmes_node *parse_infix(jmes_parser *parser, fhs_jmes_node *left,
                                  const fhs_jmes_token *token)
{
    switch (token->kind) {
    case FHS_JMES_DOT:
        if (accept_token(parser, FHS_JMES_STAR)) {
            return join_nodes(parser, FHS_JMES_EACH_VALUE, token->at, left,
                              parse_projected(parser, BIND_DOT));
        }
        return join_nodes(parser, FHS_JMES_THEN, token->at, left,
                          parse_behind_dot(parser, BIND_DOT));
    case FHS_JMES_PIPE:
        return join_nodes(parser, FHS_JMES_THEN, token->at, left, parse_binding(parser, BIND_PIPE));
    case FHS_JMES_OR:
        return join_nodes(parser, FHS_JMES_OR_ELSE, token->at, left,
                          parse_binding(parser, BIND_OR));
    case FHS_JMES_AND:
        return join_nodes(parser, FHS_JMES_AND_THEN, token->at, left,
                          parse_binding(parser, BIND_AND));
    case FHS_JMES_OPEN_PAREN:
        return left->kind == FHS_JMES_FIELD
                   ? parse_call(parser, left)
                   : refuse_jmes_at(parser, token->at, "only a name can be called");
    case FHS_JMES_OPEN_FILTER:
        return parse_where(parser, left);
    case FHS_JMES_FLATTEN:
        return parse_flattened(parser, left);
    case FHS_JMES_OPEN_BRACKET:
        if (parser->token.kind == FHS_JMES_NUMBER || parser->token.kind == FHS_JMES_COLON) {
            return parse_position(parser, left);
        }
        return parser->token.kind == FHS_JMES_STAR
                   ? parse_all_items(parser, left)
                   : refuse_jmes(parser, "a number, \":\" or \"*\" is expected");
    case FHS_JMES_STAR:
    case FHS_JMES_NOT:
        return refuse_jmes_at(parser, token->at, "an operator is expected before this");
    default:
        return parse_comparison(parser, left, token);
    }
}

/* An expression of all that binds more than @a least. */
static fhs_jmes_node *parse_binding(jmes_parser *parser, uint32_t least)
{
    if (!deep_enough(parser, ++parser->depth, FHS_LIMIT_EXPRESSION_DEPTH,
                     "FHS_LIMIT_EXPRESSION_DEPTH")) {
        return NULL;
    }
    fhs_jmes_node *left = parse_jmes_prefix(parser);
    while (left != NULL && binding_of(parser->token.kind) > least) {
        fhs_jmes_token token = parser->token;
        advance_token(parser);
        left = parse_infix(parser, left, &token);
        if (left != NULL) {
            left->split = token.at;
        }
    }
    parser->depth--;
    return left;
}

/* ---- checks ---- */

/* One more fault of a call: the first makes the error, the others are issues of it. */
static void report_call(jmes_parser *parser, const fhs_jmes_node *call, const char *problem)
{
    int name_len = (int)(call->name.len < 64 ? call->name.len : 64);
    if (parser->status == FHIRSTORE_OK) {
        parser->status = fhs_fail(parser->err, FHIRSTORE_ERR_EXPRESSION, "%.*s() at offset %zu: %s",
                                  name_len, call->name.ptr, call->at, problem);
        fhs_error_at(parser->err, call->at, 1, (uint32_t)call->at + 1);
    } else {
        fhs_error_add_issue(parser->err, FHS_SEVERITY_ERROR, NULL, FHS_STR_NONE,
                            "%.*s() at offset %zu: %s", name_len, call->name.ptr, call->at,
                            problem);
    }
}

static void check_call(jmes_parser *parser, fhs_jmes_node *call)
{
    const fhs_jmes_function *function = fhs_jmes_function_find(call->name);
    uint32_t index = 0;
    if (function == NULL) {
        report_call(parser, call, "there is no such function");
        return;
    }
    if (call->part_count < function->count ||
        (call->part_count > function->count && !function->variadic)) {
        report_call(parser, call, "the number of arguments is wrong");
        return;
    }
    for (const fhs_jmes_node *part = call->parts; part != NULL; part = part->next) {
        uint32_t slot = index < function->count ? index : function->count - 1;
        bool wants = (function->types[slot] & FHS_JMES_TYPE_REFERENCE) != 0;
        if (wants != (part->kind == FHS_JMES_REFERENCE)) {
            report_call(parser, call,
                        wants ? "an argument must be an expression, \"&…\""
                              : "an argument is an expression where a value is expected");
        }
        index++;
    }
    call->function = function;
}

static bool ends_in_projection(const fhs_jmes_node *node)
{
    while (node->kind == FHS_JMES_THEN && node->right != NULL) {
        node = node->right;
    }
    return node->kind == FHS_JMES_EACH_ITEM || node->kind == FHS_JMES_EACH_VALUE ||
           node->kind == FHS_JMES_EACH_WHERE;
}

fhirstore_status fhs_jmespath_compile(fhs_arena *arena, fhs_str text,
                                      const fhs_jmespath **expression_out, fhirstore_error **err)
{
    jmes_parser parser = {.err = err, .status = FHIRSTORE_OK};
    *expression_out = NULL;
    if (text.len > FHS_LIMIT_EXPRESSION_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT,
                        "the JMESPath is longer than %zu bytes (FHS_LIMIT_EXPRESSION_BYTES)",
                        FHS_LIMIT_EXPRESSION_BYTES);
    }
    parser.lexer = (fhs_jmes_lexer){.arena = arena, .text = fhs_arena_dup(arena, text)};
    fhs_jmespath *expression = fhs_arena_calloc(arena, 1, sizeof *expression);
    if (expression == NULL || parser.lexer.text.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    size_t valid = fhs_expression_text_prefix(text);
    if (valid < text.len) {
        refuse_jmes_at(&parser, valid, "this is no text in UTF-8");
        return parser.status;
    }
    fhs_jmes_next_token(&parser.lexer, &parser.ahead);
    advance_token(&parser);
    const fhs_jmes_node *root = parse_binding(&parser, BIND_NOTHING);
    if (root != NULL && parser.token.kind != FHS_JMES_END) {
        refuse_jmes(&parser, "the expression should end here");
    }
    if (parser.status != FHIRSTORE_OK) {
        return parser.status;
    }
    for (fhs_jmes_node *call = parser.calls; call != NULL; call = call->next_call) {
        check_call(&parser, call);
    }
    if (parser.status != FHIRSTORE_OK) {
        return parser.status;
    }
    expression->root = root;
    expression->text = parser.lexer.text;
    expression->is_projection = ends_in_projection(root);
    *expression_out = expression;
    return FHIRSTORE_OK;
}
