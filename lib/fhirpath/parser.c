/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Precedence climbing over the tokens. Two counters bound the tree: `depth` is how deep brackets
 * and prefix operators nest (the parser recurses that far), `height` of a node is how many levels
 * stand below it (whoever walks the tree recurses that far; "a.b.c…" and "1+1+1…" grow it).
 */
#include "base/limits.h"
#include "base/utf8.h"
#include "fhirpath/ast.h"
#include "fhirpath/lexer.h"

#define MAX_ARGUMENTS 64u

typedef struct path_parser {
    fhs_fp_lexer lexer;
    uint32_t depth;
    fhirstore_error **err;
} path_parser;

typedef struct binary_operator {
    const char *text;
    uint8_t op;
    uint8_t precedence;
} binary_operator;

enum {
    PRECEDENCE_TYPE = 8,
    PRECEDENCE_PREFIX = 11
};

/* From the loosest to the tightest, as the grammar orders its alternatives. */
static const binary_operator binary_operators[] = {
    {"implies", FHS_OP_IMPLIES, 1},
    {"or", FHS_OP_OR, 2},
    {"xor", FHS_OP_XOR, 2},
    {"and", FHS_OP_AND, 3},
    {"in", FHS_OP_IN, 4},
    {"contains", FHS_OP_CONTAINS, 4},
    {"=", FHS_OP_EQUAL, 5},
    {"~", FHS_OP_EQUIVALENT, 5},
    {"!=", FHS_OP_NOT_EQUAL, 5},
    {"!~", FHS_OP_NOT_EQUIVALENT, 5},
    {"<=", FHS_OP_LESS_EQUAL, 6},
    {"<", FHS_OP_LESS, 6},
    {">", FHS_OP_GREATER, 6},
    {">=", FHS_OP_GREATER_EQUAL, 6},
    {"|", FHS_OP_UNION, 7},
    {"is", FHS_OP_NONE, PRECEDENCE_TYPE},
    {"as", FHS_OP_NONE, PRECEDENCE_TYPE},
    {"+", FHS_OP_ADD, 9},
    {"-", FHS_OP_SUBTRACT, 9},
    {"&", FHS_OP_CONCATENATE, 9},
    {"*", FHS_OP_MULTIPLY, 10},
    {"/", FHS_OP_DIVIDE, 10},
    {"div", FHS_OP_DIV, 10},
    {"mod", FHS_OP_MOD, 10},
};

static const char *const calendar_words[] = {
    "year", "years", "month",  "months",  "week",   "weeks",   "day",         "days",
    "hour", "hours", "minute", "minutes", "second", "seconds", "millisecond", "milliseconds",
};

static const char *const operator_words[] = {"implies", "or", "xor", "and", "div", "mod"};

static fhirstore_status parse_expression(path_parser *parser, unsigned min_precedence,
                                         fhs_fp_node **out);

static bool is_word(fhs_str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fhs_str_eq(text, fhs_str_from_cstr(words[i]))) {
            return true;
        }
    }
    return false;
}

static fhirstore_status next_token(path_parser *parser)
{
    return fhs_fp_next(&parser->lexer, parser->err);
}

static fhirstore_status expected(const path_parser *parser, const char *what)
{
    (void)fhs_fp_syntax_error(&parser->lexer, parser->lexer.token.begin, what, parser->err);
    return FHIRSTORE_ERR_FHIRPATH_SYNTAX;
}

static bool at_symbol(const path_parser *parser, char c)
{
    const fhs_fp_token *token = &parser->lexer.token;
    return token->kind == FHS_TOKEN_SYMBOL && token->text.len == 1 && token->text.ptr[0] == c;
}

static bool at_name(const path_parser *parser)
{
    return parser->lexer.token.kind == FHS_TOKEN_NAME ||
           parser->lexer.token.kind == FHS_TOKEN_DELIMITED;
}

static fhirstore_status expect_symbol(path_parser *parser, char c, const char *what)
{
    return at_symbol(parser, c) ? next_token(parser) : expected(parser, what);
}

static fhirstore_status new_node(path_parser *parser, fhs_fp_kind kind, fhs_fp_node **out)
{
    fhs_fp_node *node = fhs_arena_calloc(parser->lexer.arena, 1, sizeof(*node));
    if (node == NULL) {
        (void)fhs_fail_memory(parser->err);
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    node->kind = (uint8_t)kind;
    node->begin = parser->lexer.token.begin;
    node->end = parser->lexer.token.end;
    node->at = parser->lexer.token.begin;
    node->text = parser->lexer.token.text;
    node->height = 1;
    *out = node;
    return FHIRSTORE_OK;
}

static fhirstore_status limit_reached(const path_parser *parser, const char *name)
{
    (void)fhs_fail(parser->err, FHIRSTORE_ERR_LIMIT, "FHIRPath: the expression exceeds %s", name);
    fhs_error_at(parser->err, parser->lexer.token.begin, 0, 0);
    return FHIRSTORE_ERR_LIMIT;
}

/* Hang @a child under @a node, which grows. */
static fhirstore_status adopt(path_parser *parser, fhs_fp_node *node, const fhs_fp_node *child)
{
    if (child->height >= node->height) {
        node->height = child->height + 1;
    }
    if (node->height > FHS_LIMIT_EXPRESSION_CHAIN) {
        return limit_reached(parser, "FHS_LIMIT_EXPRESSION_CHAIN");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status adopt_args(path_parser *parser, fhs_fp_node *node,
                                   const fhs_fp_node *const *args, uint32_t count)
{
    if (count == 0) {
        return FHIRSTORE_OK;
    }
    const fhs_fp_node **copy = fhs_arena_calloc(parser->lexer.arena, count,
                                                sizeof(const fhs_fp_node *));
    if (copy == NULL) {
        return fhs_fail_memory(parser->err);
    }
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = args[i];
        fhirstore_status status = adopt(parser, node, args[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    node->args = copy;
    node->arg_count = count;
    return FHIRSTORE_OK;
}

/* The number stands in @a node; a unit may follow it. */
static fhirstore_status parse_unit(path_parser *parser, fhs_fp_node *node)
{
    const fhs_fp_token *token = &parser->lexer.token;
    bool word = token->kind == FHS_TOKEN_NAME &&
                is_word(token->text, calendar_words, FHS_COUNT_OF(calendar_words));
    if ((!word && token->kind != FHS_TOKEN_STRING) || node->kind == FHS_FP_LONG) {
        return FHIRSTORE_OK;
    }
    node->kind = FHS_FP_QUANTITY;
    node->flags = word ? FHS_FP_CALENDAR : 0;
    node->unit = token->text;
    node->end = token->end;
    return next_token(parser);
}

static fhirstore_status parse_number(path_parser *parser, fhs_fp_node **out)
{
    static const fhs_fp_kind kinds[] = {[FHS_TOKEN_INTEGER] = FHS_FP_INTEGER,
                                        [FHS_TOKEN_LONG] = FHS_FP_LONG,
                                        [FHS_TOKEN_DECIMAL] = FHS_FP_DECIMAL};
    fhirstore_status status = new_node(parser, kinds[parser->lexer.token.kind], out);
    if (status == FHIRSTORE_OK) {
        status = next_token(parser);
    }
    return status == FHIRSTORE_OK ? parse_unit(parser, *out) : status;
}

/* A literal that is one token. */
static fhirstore_status parse_token(path_parser *parser, fhs_fp_kind kind, fhs_fp_node **out)
{
    fhirstore_status status = new_node(parser, kind, out);
    return status == FHIRSTORE_OK ? next_token(parser) : status;
}

static fhirstore_status parse_external(path_parser *parser, fhs_fp_node **out)
{
    uint32_t begin = parser->lexer.token.begin;
    fhirstore_status status = next_token(parser);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (!at_name(parser) && parser->lexer.token.kind != FHS_TOKEN_STRING) {
        return expected(parser, "the name of a variable");
    }
    bool plain = parser->lexer.token.kind == FHS_TOKEN_NAME;
    status = parse_token(parser, FHS_FP_EXTERNAL, out);
    if (status == FHIRSTORE_OK) {
        (*out)->begin = begin;
        (*out)->at = begin;
        (*out)->flags = plain ? 0 : FHS_FP_DELIMITED;
    }
    return status;
}

static fhirstore_status parse_special(path_parser *parser, fhs_fp_node **out)
{
    fhs_str name = parser->lexer.token.text;
    if (fhs_str_eq(name, FHS_LIT("this"))) {
        return parse_token(parser, FHS_FP_THIS, out);
    }
    if (fhs_str_eq(name, FHS_LIT("index"))) {
        return parse_token(parser, FHS_FP_INDEX, out);
    }
    if (fhs_str_eq(name, FHS_LIT("total"))) {
        return parse_token(parser, FHS_FP_TOTAL, out);
    }
    return expected(parser, "$this, $index or $total");
}

/* "asc" or "desc" behind an argument of sort(). */
static fhirstore_status parse_direction(path_parser *parser, fhs_fp_node *arg)
{
    if (parser->lexer.token.kind != FHS_TOKEN_NAME) {
        return FHIRSTORE_OK;
    }
    if (fhs_str_eq(parser->lexer.token.text, FHS_LIT("desc"))) {
        arg->flags |= FHS_FP_DESCENDING;
        return next_token(parser);
    }
    if (fhs_str_eq(parser->lexer.token.text, FHS_LIT("asc"))) {
        return next_token(parser);
    }
    return FHIRSTORE_OK;
}

/* The arguments of @a node, from "(" to ")". */
static fhirstore_status parse_arguments(path_parser *parser, fhs_fp_node *node)
{
    const fhs_fp_node *args[MAX_ARGUMENTS];
    uint32_t count = 0;
    bool sorting = fhs_str_eq(node->text, FHS_LIT("sort"));
    fhirstore_status status = next_token(parser);
    if (status == FHIRSTORE_OK && !at_symbol(parser, ')')) {
        for (;;) {
            fhs_fp_node *arg = NULL;
            status = parse_expression(parser, 1, &arg);
            if (status == FHIRSTORE_OK && sorting) {
                status = parse_direction(parser, arg);
            }
            if (status != FHIRSTORE_OK) {
                return status;
            }
            args[count++] = arg;
            if (!at_symbol(parser, ',')) {
                break;
            }
            if (count == MAX_ARGUMENTS) {
                return expected(parser, "\")\" (a call takes 64 arguments at most)");
            }
            status = next_token(parser);
            if (status != FHIRSTORE_OK) {
                return status;
            }
        }
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    node->end = parser->lexer.token.end;
    status = expect_symbol(parser, ')', "\",\" or \")\"");
    return status == FHIRSTORE_OK ? adopt_args(parser, node, args, count) : status;
}

static fhirstore_status parse_element(path_parser *parser, fhs_fp_node **out)
{
    if (!at_name(parser)) {
        return expected(parser, "the name of an element");
    }
    fhirstore_status status = parse_token(parser, FHS_FP_ELEMENT, out);
    if (status == FHIRSTORE_OK) {
        status = expect_symbol(parser, ':', "\":\"");
    }
    fhs_fp_node *value = NULL;
    if (status == FHIRSTORE_OK) {
        status = parse_expression(parser, 1, &value);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (*out)->left = value;
    (*out)->end = value->end;
    return adopt(parser, *out, value);
}

/* Type { element: value, … }: @a node holds the name, the current token is "{". */
static fhirstore_status parse_instance(path_parser *parser, fhs_fp_node *node)
{
    const fhs_fp_node *elements[MAX_ARGUMENTS];
    uint32_t count = 0;
    fhs_str name = node->text;
    fhs_str space = FHS_STR_NONE;
    if (!fhs_fhirpath_type_specifier(node, &space, &name)) {
        return expected(parser, "an operator");
    }
    node->kind = FHS_FP_INSTANCE;
    node->text = name;
    node->unit = space;
    node->left = NULL;
    node->height = 1;
    fhirstore_status status = next_token(parser);
    if (status == FHIRSTORE_OK && at_symbol(parser, ':')) {
        status = next_token(parser);
    } else {
        while (status == FHIRSTORE_OK) {
            fhs_fp_node *element = NULL;
            if (count == MAX_ARGUMENTS) {
                return expected(parser, "\"}\" (64 elements at most)");
            }
            status = parse_element(parser, &element);
            elements[count++] = element;
            if (status != FHIRSTORE_OK || !at_symbol(parser, ',')) {
                break;
            }
            status = next_token(parser);
        }
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    node->end = parser->lexer.token.end;
    status = expect_symbol(parser, '}', "\",\" or \"}\"");
    return status == FHIRSTORE_OK ? adopt_args(parser, node, elements, count) : status;
}

/* A name, a call or an instance selector; @a input is what stands before the dot, or NULL. */
static fhirstore_status parse_named(path_parser *parser, const fhs_fp_node *input,
                                    fhs_fp_node **out)
{
    bool delimited = parser->lexer.token.kind == FHS_TOKEN_DELIMITED;
    fhs_fp_node *node = NULL;
    fhirstore_status status = parse_token(parser, FHS_FP_MEMBER, &node);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    *out = node;
    node->flags = delimited ? FHS_FP_DELIMITED : 0;
    if (input != NULL) {
        node->left = input;
        node->begin = input->begin;
        status = adopt(parser, node, input);
    }
    if (status == FHIRSTORE_OK && at_symbol(parser, '(')) {
        node->kind = FHS_FP_FUNCTION;
        return parse_arguments(parser, node);
    }
    if (status == FHIRSTORE_OK && at_symbol(parser, '{')) {
        return parse_instance(parser, node);
    }
    return status;
}

static fhirstore_status parse_braces(path_parser *parser, fhs_fp_node **out)
{
    fhirstore_status status = parse_token(parser, FHS_FP_EMPTY, out);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (*out)->end = parser->lexer.token.end;
    (*out)->text = FHS_STR_NONE;
    return expect_symbol(parser, '}', "\"}\"");
}

static fhirstore_status parse_parenthesis(path_parser *parser, fhs_fp_node **out)
{
    fhirstore_status status = next_token(parser);
    if (status == FHIRSTORE_OK) {
        status = parse_expression(parser, 1, out);
    }
    return status == FHIRSTORE_OK ? expect_symbol(parser, ')', "an operator or \")\"") : status;
}

static fhirstore_status parse_term(path_parser *parser, fhs_fp_node **out)
{
    const fhs_fp_token *token = &parser->lexer.token;
    switch (token->kind) {
    case FHS_TOKEN_NAME:
        if (fhs_str_eq(token->text, FHS_LIT("true")) || fhs_str_eq(token->text, FHS_LIT("false"))) {
            return parse_token(parser, FHS_FP_BOOLEAN, out);
        }
        if (is_word(token->text, operator_words, FHS_COUNT_OF(operator_words))) {
            return expected(parser, "an operand");
        }
        return parse_named(parser, NULL, out);
    case FHS_TOKEN_DELIMITED:
        return parse_named(parser, NULL, out);
    case FHS_TOKEN_STRING:
        return parse_token(parser, FHS_FP_STRING, out);
    case FHS_TOKEN_INTEGER:
    case FHS_TOKEN_LONG:
    case FHS_TOKEN_DECIMAL:
        return parse_number(parser, out);
    case FHS_TOKEN_DATE:
        return parse_token(parser, FHS_FP_DATE, out);
    case FHS_TOKEN_DATETIME:
        return parse_token(parser, FHS_FP_DATETIME, out);
    case FHS_TOKEN_TIME:
        return parse_token(parser, FHS_FP_TIME, out);
    case FHS_TOKEN_SPECIAL:
        return parse_special(parser, out);
    default:
        break;
    }
    if (at_symbol(parser, '(')) {
        return parse_parenthesis(parser, out);
    }
    if (at_symbol(parser, '{')) {
        return parse_braces(parser, out);
    }
    if (at_symbol(parser, '%')) {
        return parse_external(parser, out);
    }
    return expected(parser, "an operand");
}

/* What stands behind a dot. */
static fhirstore_status parse_invocation(path_parser *parser, const fhs_fp_node *input,
                                         fhs_fp_node **out)
{
    fhirstore_status status = next_token(parser);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (at_name(parser)) {
        return parse_named(parser, input, out);
    }
    if (parser->lexer.token.kind != FHS_TOKEN_SPECIAL) {
        return expected(parser, "the name of an element or function");
    }
    status = parse_special(parser, out);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (*out)->left = input;
    (*out)->begin = input->begin;
    return adopt(parser, *out, input);
}

static fhirstore_status parse_indexer(path_parser *parser, const fhs_fp_node *input,
                                      fhs_fp_node **out)
{
    fhirstore_status status = parse_token(parser, FHS_FP_INDEXER, out);
    fhs_fp_node *index = NULL;
    if (status == FHIRSTORE_OK) {
        status = parse_expression(parser, 1, &index);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_fp_node *node = *out;
    node->begin = input->begin;
    node->end = parser->lexer.token.end;
    node->text = FHS_STR_NONE;
    node->left = input;
    node->right = index;
    status = expect_symbol(parser, ']', "an operator or \"]\"");
    if (status == FHIRSTORE_OK) {
        status = adopt(parser, node, input);
    }
    return status == FHIRSTORE_OK ? adopt(parser, node, index) : status;
}

/* A term with its steps and indexers. */
static fhirstore_status parse_path(path_parser *parser, fhs_fp_node **out)
{
    fhirstore_status status = parse_term(parser, out);
    while (status == FHIRSTORE_OK) {
        if (at_symbol(parser, '.')) {
            status = parse_invocation(parser, *out, out);
        } else if (at_symbol(parser, '[')) {
            status = parse_indexer(parser, *out, out);
        } else {
            break;
        }
    }
    return status;
}

static fhirstore_status parse_prefix(path_parser *parser, fhs_fp_node **out)
{
    if (!at_symbol(parser, '+') && !at_symbol(parser, '-')) {
        return parse_path(parser, out);
    }
    fhs_fp_node *node = NULL;
    bool minus = at_symbol(parser, '-');
    fhirstore_status status = parse_token(parser, FHS_FP_POLARITY, &node);
    fhs_fp_node *operand = NULL;
    if (status == FHIRSTORE_OK) {
        status = parse_expression(parser, PRECEDENCE_PREFIX, &operand);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    node->op = minus ? FHS_OP_SUBTRACT : FHS_OP_ADD;
    node->left = operand;
    node->end = operand->end;
    *out = node;
    return adopt(parser, node, operand);
}

/* The type behind "is" or "as": names joined by dots, the first one the namespace. */
static fhirstore_status parse_type(path_parser *parser, fhs_fp_node *node)
{
    if (!at_name(parser)) {
        return expected(parser, "the name of a type");
    }
    node->text = parser->lexer.token.text;
    node->end = parser->lexer.token.end;
    fhirstore_status status = next_token(parser);
    if (status != FHIRSTORE_OK || !at_symbol(parser, '.')) {
        return status;
    }
    status = next_token(parser);
    if (status == FHIRSTORE_OK && !at_name(parser)) {
        status = expected(parser, "the name of a type");
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    node->unit = node->text;
    node->text = parser->lexer.token.text;
    node->end = parser->lexer.token.end;
    return next_token(parser);
}

static const binary_operator *current_operator(const path_parser *parser)
{
    const fhs_fp_token *token = &parser->lexer.token;
    if (token->kind != FHS_TOKEN_NAME && token->kind != FHS_TOKEN_SYMBOL) {
        return NULL;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(binary_operators); i++) {
        if (fhs_str_eq(token->text, fhs_str_from_cstr(binary_operators[i].text))) {
            return &binary_operators[i];
        }
    }
    return NULL;
}

/* One operator with its right operand, @a left being parsed already. */
static fhirstore_status parse_binary(path_parser *parser, const binary_operator *which,
                                     const fhs_fp_node *left, fhs_fp_node **out)
{
    bool testing = fhs_str_eq(parser->lexer.token.text, FHS_LIT("is"));
    fhs_fp_node *node = NULL;
    fhirstore_status status = parse_token(parser, FHS_FP_BINARY, &node);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    *out = node;
    node->begin = left->begin;
    node->left = left;
    node->text = FHS_STR_NONE;
    node->op = which->op;
    if (which->precedence == PRECEDENCE_TYPE) {
        node->kind = testing ? FHS_FP_IS : FHS_FP_AS;
        status = parse_type(parser, node);
        return status == FHIRSTORE_OK ? adopt(parser, node, left) : status;
    }
    fhs_fp_node *right = NULL;
    status = parse_expression(parser, which->precedence + 1u, &right);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    node->right = right;
    node->end = right->end;
    status = adopt(parser, node, left);
    return status == FHIRSTORE_OK ? adopt(parser, node, right) : status;
}

static fhirstore_status parse_expression(path_parser *parser, unsigned min_precedence,
                                         fhs_fp_node **out)
{
    if (parser->depth >= FHS_LIMIT_EXPRESSION_DEPTH) {
        return limit_reached(parser, "FHS_LIMIT_EXPRESSION_DEPTH");
    }
    parser->depth++;
    fhirstore_status status = parse_prefix(parser, out);
    while (status == FHIRSTORE_OK) {
        const binary_operator *which = current_operator(parser);
        if (which == NULL || which->precedence < min_precedence) {
            break;
        }
        status = parse_binary(parser, which, *out, out);
    }
    parser->depth--;
    return status;
}

fhirstore_status fhs_fhirpath_parse(fhs_arena *arena, fhs_str text, const fhs_fp_node **root_out,
                                    fhirstore_error **err)
{
    *root_out = NULL;
    path_parser parser = {.lexer = {.arena = arena, .text = text}, .depth = 0, .err = err};
    if (text.len > FHS_LIMIT_EXPRESSION_BYTES) {
        return limit_reached(&parser, "FHS_LIMIT_EXPRESSION_BYTES");
    }
    size_t valid = fhs_utf8_valid_prefix(text);
    if (valid < text.len) {
        return fhs_fp_syntax_error(&parser.lexer, valid, "valid UTF-8", err);
    }
    fhs_fp_node *root = NULL;
    fhirstore_status status = next_token(&parser);
    if (status == FHIRSTORE_OK) {
        status = parse_expression(&parser, 1, &root);
    }
    if (status == FHIRSTORE_OK && parser.lexer.token.kind != FHS_TOKEN_END) {
        status = expected(&parser, "an operator or the end of the expression");
    }
    if (status == FHIRSTORE_OK) {
        *root_out = root;
    }
    return status;
}

bool fhs_fhirpath_type_specifier(const fhs_fp_node *node, fhs_str *space_out, fhs_str *name_out)
{
    *space_out = FHS_STR_NONE;
    if (node->kind != FHS_FP_MEMBER) {
        return false;
    }
    if (node->left != NULL) {
        if (node->left->kind != FHS_FP_MEMBER || node->left->left != NULL) {
            return false;
        }
        *space_out = node->left->text;
    }
    *name_out = node->text;
    return true;
}
