/* SPDX-License-Identifier: Apache-2.0 */
/* JSONPath: text becomes steps. */
#include <string.h>

#include "base/limits.h"
#include "expression/number.h"
#include "expression/path_internal.h"

typedef struct path_parser {
    fhs_arena *arena;
    fhs_str text;
    size_t at;
    uint32_t parts; /* steps and terms so far, those within filters included */
    uint32_t depth; /* of filters within filters */
    fhirstore_error **err;
    fhirstore_status status;
} path_parser;

/* Steps or names while they are collected. */
typedef struct step_list {
    fhs_path_step *first;
    fhs_path_step *last;
} step_list;

static bool parse_steps(path_parser *parser, size_t start, bool in_filter, step_list *steps);

static bool refuse_path_at(path_parser *parser, size_t at, const char *problem)
{
    if (parser->status == FHIRSTORE_OK) {
        parser->status = fhs_fail(parser->err, FHIRSTORE_ERR_EXPRESSION,
                                  "the JSONPath is malformed at offset %zu: %s", at, problem);
        fhs_error_at(parser->err, at, 1, (uint32_t)at + 1);
    }
    return false;
}

static bool refuse_path(path_parser *parser, const char *problem)
{
    return refuse_path_at(parser, parser->at, problem);
}

static void *path_alloc(path_parser *parser, size_t size)
{
    void *ptr = fhs_arena_calloc(parser->arena, 1, size);
    if (ptr == NULL && parser->status == FHIRSTORE_OK) {
        parser->status = fhs_fail_memory(parser->err);
    }
    return ptr;
}

static bool count_part(path_parser *parser)
{
    if (++parser->parts > FHS_LIMIT_EXPRESSION_CHAIN && parser->status == FHIRSTORE_OK) {
        parser->status = fhs_fail(
            parser->err, FHIRSTORE_ERR_LIMIT,
            "the JSONPath has more than %u steps (FHS_LIMIT_EXPRESSION_CHAIN)",
            FHS_LIMIT_EXPRESSION_CHAIN);
    }
    return parser->status == FHIRSTORE_OK;
}

static bool has_char(const path_parser *parser)
{
    return parser->at < parser->text.len;
}

static char peek_char(const path_parser *parser)
{
    return (char)(has_char(parser) ? parser->text.ptr[parser->at] : '\0');
}

static void skip_spaces(path_parser *parser)
{
    while (peek_char(parser) == ' ') {
        parser->at++;
    }
}

static bool accept_word(path_parser *parser, const char *word)
{
    if (!fhs_str_starts_with(fhs_str_from(parser->text, parser->at), fhs_str_from_cstr(word))) {
        return false;
    }
    parser->at += strlen(word);
    return true;
}

static fhs_path_step *add_step(path_parser *parser, step_list *steps, fhs_path_kind kind)
{
    fhs_path_step *step = count_part(parser) ? path_alloc(parser, sizeof(fhs_path_step)) : NULL;
    if (step != NULL) {
        step->kind = kind;
        if (steps->last != NULL) {
            steps->last->next = step;
        } else {
            steps->first = step;
        }
        steps->last = step;
    }
    return step;
}

static bool add_path_name(path_parser *parser, step_list *steps, fhs_str name, bool scan)
{
    if (fhs_str_eq(name, FHS_LIT("*"))) {
        return add_step(parser, steps, scan ? FHS_PATH_SCAN_ALL : FHS_PATH_ALL_FIELDS) != NULL;
    }
    fhs_path_step *step = add_step(parser, steps, scan ? FHS_PATH_SCAN_FIELDS : FHS_PATH_FIELDS);
    fhs_str *names = step == NULL ? NULL : path_alloc(parser, sizeof(fhs_str));
    if (names == NULL) {
        return false;
    }
    names[0] = name;
    step->names = names;
    step->count = 1;
    return true;
}

/* ---- what stands in brackets ---- */

static bool unescape_char(path_parser *parser, char *out)
{
    static const char from[] = "btnfr\"'/\\";
    static const char to[] = "\b\t\n\f\r\"'/\\";
    const char *known = memchr(from, peek_char(parser), sizeof from - 1);
    if (!has_char(parser) || known == NULL) {
        return refuse_path(parser, "an escape that is not known");
    }
    *out = to[known - from];
    return true;
}

/* 'text', at its opening quote. */
static bool parse_quoted(path_parser *parser, fhs_str *out)
{
    size_t start = parser->at++;
    size_t end = parser->at;
    size_t len = 0;
    while (end < parser->text.len && parser->text.ptr[end] != '\'') {
        end += parser->text.ptr[end] == '\\' ? 2 : 1;
    }
    char *text = path_alloc(parser, end - start);
    if (text == NULL) {
        return false;
    }
    for (; has_char(parser); parser->at++) {
        char c = peek_char(parser);
        if (c == '\'') {
            parser->at++;
            *out = fhs_str_of(text, len);
            return true;
        }
        if (c == '\\') {
            parser->at++;
            if (!unescape_char(parser, &c)) {
                return false;
            }
        }
        text[len++] = c;
    }
    return refuse_path_at(parser, start, "a string has no end");
}

static bool parse_names(path_parser *parser, char close, bool scan, step_list *steps)
{
    fhs_str *names = NULL;
    uint32_t count = 0;
    uint32_t capacity = 0;
    do {
        skip_spaces(parser);
        if (peek_char(parser) != '\'') {
            return refuse_path(parser, "a name in single quotes is expected");
        }
        if (count == capacity) {
            uint32_t more = capacity == 0 ? 1 : capacity * 4;
            fhs_str *grown = path_alloc(parser, more * sizeof(fhs_str));
            if (grown == NULL) {
                return false;
            }
            for (uint32_t i = 0; i < count; i++) {
                grown[i] = names[i];
            }
            names = grown;
            capacity = more;
        }
        if (!count_part(parser) || !parse_quoted(parser, &names[count++])) {
            return false;
        }
        skip_spaces(parser);
    } while (accept_word(parser, ","));
    if (peek_char(parser) != close) {
        return refuse_path(parser, "\",\" or the end of the brackets is expected");
    }
    parser->at++;
    fhs_path_step *step = add_step(parser, steps, scan ? FHS_PATH_SCAN_FIELDS : FHS_PATH_FIELDS);
    if (step != NULL) {
        step->names = names;
        step->count = count;
    }
    return step != NULL;
}

/* An index, or nothing where @a found says so. */
static bool parse_index(path_parser *parser, int32_t *out, bool *found)
{
    size_t start = parser->at;
    int64_t value = 0;
    while (peek_char(parser) == '-' || (peek_char(parser) >= '0' && peek_char(parser) <= '9')) {
        parser->at++;
    }
    *found = parser->at > start;
    if (*found && (!fhs_expression_read_integer(
                       fhs_str_of(parser->text.ptr + start, parser->at - start), &value) ||
                   value < INT32_MIN || value > INT32_MAX)) {
        return refuse_path_at(parser, start, "this is no index");
    }
    *out = (int32_t)value;
    skip_spaces(parser);
    return true;
}

/* The rest of [start:end:step], at its first colon. */
static bool parse_slice(path_parser *parser, int32_t start, bool has_start, step_list *steps)
{
    fhs_path_step *step = add_step(parser, steps, FHS_PATH_SLICE);
    bool has_step = false;
    if (step == NULL) {
        return false;
    }
    step->slice.start = start;
    step->slice.has_start = has_start;
    parser->at++;
    skip_spaces(parser);
    if (!parse_index(parser, &step->slice.end, &step->slice.has_end)) {
        return false;
    }
    if (accept_word(parser, ":")) {
        skip_spaces(parser);
        if (!parse_index(parser, &step->slice.step, &has_step)) {
            return false;
        }
    }
    step->slice.step = has_step ? step->slice.step : 1;
    return true;
}

/* The rest of [1,2], behind its first index. */
static bool parse_indexes(path_parser *parser, int32_t first, step_list *steps)
{
    int32_t all[FHS_LIMIT_EXPRESSION_CHAIN + 1];
    uint32_t count = 1;
    all[0] = first;
    while (accept_word(parser, ",")) {
        bool found = false;
        skip_spaces(parser);
        if (!count_part(parser)) {
            return false;
        }
        if (!parse_index(parser, &all[count++], &found)) {
            return false;
        }
        if (!found) {
            return refuse_path(parser, "an index is expected");
        }
    }
    fhs_path_step *step = add_step(parser, steps, FHS_PATH_INDEXES);
    int32_t *indexes = step == NULL ? NULL : path_alloc(parser, count * sizeof(int32_t));
    if (indexes == NULL) {
        return false;
    }
    memcpy(indexes, all, count * sizeof(int32_t));
    step->indexes = indexes;
    step->count = count;
    return true;
}

static bool parse_positions(path_parser *parser, char close, step_list *steps)
{
    int32_t first = 0;
    bool found = false;
    if (accept_word(parser, "*")) {
        skip_spaces(parser);
        if (add_step(parser, steps, FHS_PATH_ALL_ITEMS) == NULL) {
            return false;
        }
    } else {
        if (!parse_index(parser, &first, &found)) {
            return false;
        }
        if (peek_char(parser) == ':') {
            if (!parse_slice(parser, first, found, steps)) {
                return false;
            }
        } else if (!found) {
            return refuse_path(parser,
                               "an index, \"*\", \"?(\" or a name in single quotes is expected");
        } else if (!parse_indexes(parser, first, steps)) {
            return false;
        }
    }
    if (peek_char(parser) != close) {
        return refuse_path(parser, "the end of the brackets is expected");
    }
    parser->at++;
    return true;
}

/* ---- filters ---- */

const fhs_regex *fhs_path_regex(fhs_arena *arena, fhs_str text, const char **problem_out)
{
    size_t end = text.len;
    unsigned flags = FHS_REGEX_DOT_IN_LINE;
    while (end > 0 && text.ptr[end - 1] != '/') {
        end--;
    }
    if (end < 2 || text.ptr[0] != '/') {
        *problem_out = "the pattern has no slashes";
        return NULL;
    }
    for (size_t i = end; i < text.len; i++) {
        flags |= text.ptr[i] == 'i' ? FHS_REGEX_IGNORE_CASE : 0u;
        flags |= text.ptr[i] == 'm' ? FHS_REGEX_MULTILINE : 0u;
        flags &= text.ptr[i] == 's' ? ~(unsigned)FHS_REGEX_DOT_IN_LINE : ~0u;
    }
    return fhs_regex_compile(arena, fhs_str_of(text.ptr + 1, end - 2), flags, problem_out);
}

static bool make_literal(path_parser *parser, fhs_json_type type, fhs_str text, fhs_path_side *side)
{
    fhs_json *literal = path_alloc(parser, sizeof(fhs_json));
    if (literal != NULL) {
        *literal = (fhs_json){.type = (uint8_t)type,
                              .begin = FHS_EXPRESSION_MADE,
                              .end = FHS_EXPRESSION_MADE,
                              .text = text};
        side->literal = literal;
    }
    return literal != NULL;
}

static bool parse_number_literal(path_parser *parser, fhs_path_side *side)
{
    size_t start = parser->at;
    int64_t integer;
    double number;
    while (has_char(parser) && peek_char(parser) != ' ' && peek_char(parser) != ')') {
        parser->at++;
    }
    fhs_str text = fhs_str_of(parser->text.ptr + start, parser->at - start);
    bool is_double = memchr(text.ptr, '.', text.len) != NULL ||
                     memchr(text.ptr, 'e', text.len) != NULL ||
                     memchr(text.ptr, 'E', text.len) != NULL;
    if (is_double ? !fhs_expression_read_double(text, &number)
                  : !fhs_expression_read_integer(text, &integer)) {
        return refuse_path_at(parser, start, "a number ends at a blank or \")\"");
    }
    return make_literal(parser, FHS_JSON_NUMBER, text, side);
}

/* /pattern/flags, at its first slash; it is a string that only =~ understands. */
static bool parse_regex_literal(path_parser *parser, fhs_path_side *side)
{
    size_t start = parser->at++;
    while (has_char(parser) && peek_char(parser) != '/') {
        parser->at += peek_char(parser) == '\\' && parser->at + 1 < parser->text.len ? 2 : 1;
    }
    if (!has_char(parser)) {
        return refuse_path_at(parser, start, "a pattern has no end");
    }
    parser->at++;
    while ((peek_char(parser) >= 'a' && peek_char(parser) <= 'z') ||
           (peek_char(parser) >= 'A' && peek_char(parser) <= 'Z')) {
        parser->at++;
    }
    return make_literal(parser, FHS_JSON_STRING,
                        fhs_str_of(parser->text.ptr + start, parser->at - start), side);
}

static bool parse_literal(path_parser *parser, fhs_path_side *side)
{
    fhs_str text;
    char c = peek_char(parser);
    if (c == '\'') {
        return parse_quoted(parser, &text) && make_literal(parser, FHS_JSON_STRING, text, side);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return parse_number_literal(parser, side);
    }
    if (c == '/') {
        return parse_regex_literal(parser, side);
    }
    if (accept_word(parser, "true")) {
        return make_literal(parser, FHS_JSON_TRUE, FHS_STR_NONE, side);
    }
    if (accept_word(parser, "false")) {
        return make_literal(parser, FHS_JSON_FALSE, FHS_STR_NONE, side);
    }
    if (accept_word(parser, "null")) {
        return make_literal(parser, FHS_JSON_NULL, FHS_STR_NONE, side);
    }
    return refuse_path(
        parser,
        "a filter compares \"@\", \"$\", 'text', numbers, true, false, null and /patterns/");
}

static bool parse_side(path_parser *parser, fhs_path_side *side)
{
    skip_spaces(parser);
    char c = peek_char(parser);
    if (c != '@' && c != '$') {
        if (!parse_literal(parser, side)) {
            return false;
        }
    } else {
        step_list steps = {NULL, NULL};
        parser->at++;
        if ((c == '$' && add_step(parser, &steps, FHS_PATH_ROOT) == NULL) ||
            !parse_steps(parser, parser->at, true, &steps)) {
            return false;
        }
        side->steps = steps.first;
    }
    skip_spaces(parser);
    return has_char(parser) || refuse_path(parser, "the filter has no end");
}

static bool parse_operator(path_parser *parser, fhs_path_operator *out)
{
    /* Longer ones first. */
    static const struct {
        const char *text;
        fhs_path_operator op;
    } operators[] = {
        {"===", FHS_PATH_SAME},
        {"==", FHS_PATH_EQUAL},
        {"=~", FHS_PATH_MATCHES},
        {"!==", FHS_PATH_NOT_SAME},
        {"!=", FHS_PATH_NOT_EQUAL},
        {"<>", FHS_PATH_NOT_EQUAL},
        {"<=", FHS_PATH_LESS_OR_EQUAL},
        {"<", FHS_PATH_LESS},
        {">=", FHS_PATH_GREATER_OR_EQUAL},
        {">", FHS_PATH_GREATER},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(operators); i++) {
        if (accept_word(parser, operators[i].text)) {
            *out = operators[i].op;
            return true;
        }
    }
    return refuse_path(parser, "a comparison is expected: == != === !== < <= > >= =~");
}

static bool compile_path_pattern(path_parser *parser, fhs_path_filter *term, size_t at)
{
    const char *problem = NULL;
    if (term->right.literal == NULL || term->right.literal->type != FHS_JSON_STRING) {
        return true; /* it is looked at when there is a text to match */
    }
    term->regex = fhs_path_regex(parser->arena, term->right.literal->text, &problem);
    if (term->regex == NULL && problem == NULL) {
        parser->status = fhs_fail_memory(parser->err);
        return false;
    }
    return term->regex != NULL || refuse_path_at(parser, at, problem);
}

/* Whether a comparison needs a member of the tested token. */
static bool wants_object(const fhs_path_side *side)
{
    return side->literal == NULL && side->steps != NULL && side->steps->kind == FHS_PATH_FIELDS;
}

static fhs_path_filter *parse_path_term(path_parser *parser)
{
    fhs_path_filter *term = count_part(parser) ? path_alloc(parser, sizeof(fhs_path_filter)) : NULL;
    if (term == NULL || !parse_side(parser, &term->left)) {
        return NULL;
    }
    term->only_objects = wants_object(&term->left);
    if (peek_char(parser) == ')' || peek_char(parser) == '&' || peek_char(parser) == '|') {
        term->op = FHS_PATH_EXISTS;
        return term;
    }
    if (!parse_operator(parser, &term->op)) {
        return NULL;
    }
    size_t at = parser->at;
    if (!parse_side(parser, &term->right)) {
        return NULL;
    }
    term->only_objects = term->only_objects || wants_object(&term->right);
    return term->op != FHS_PATH_MATCHES || compile_path_pattern(parser, term, at) ? term : NULL;
}

/* A group whose last term is being looked for. */
typedef struct open_group {
    fhs_path_filter *group;
    fhs_path_filter *last;
} open_group;

static void append_term(open_group *open, fhs_path_filter *term)
{
    if (open->last == NULL) {
        open->group->first = term;
    } else {
        open->last->next = term;
    }
    open->last = term;
}

/*
 * Terms up to ")". There is no precedence: where && changes to || or back, what follows is one
 * group, a term of the group before it.
 */
static const fhs_path_filter *parse_terms(path_parser *parser)
{
    fhs_path_filter *root = NULL;
    open_group open = {NULL, NULL};
    while (true) {
        fhs_path_filter *term = parse_path_term(parser);
        if (term == NULL) {
            return NULL;
        }
        bool ends = peek_char(parser) == ')';
        bool is_and = !ends && accept_word(parser, "&&");
        if (!ends && !is_and && !accept_word(parser, "||")) {
            refuse_path(parser, "\"&&\", \"||\" or \")\" is expected");
            return NULL;
        }
        fhs_path_operator op = is_and ? FHS_PATH_AND : FHS_PATH_OR;
        if (!ends && (open.group == NULL || open.group->op != op)) {
            fhs_path_filter *group = path_alloc(parser, sizeof(fhs_path_filter));
            if (group == NULL) {
                return NULL;
            }
            group->op = op;
            if (open.group != NULL) {
                append_term(&open, group);
            }
            root = root == NULL ? group : root;
            open = (open_group){group, NULL};
        }
        if (open.group == NULL) {
            return term;
        }
        append_term(&open, term);
        if (ends) {
            return root;
        }
    }
}

/* Whether nothing but an object can pass. */
static bool settle_group(const fhs_path_filter *filter)
{
    if (filter->op != FHS_PATH_AND && filter->op != FHS_PATH_OR) {
        return filter->only_objects;
    }
    bool all = true;
    bool any = false;
    for (const fhs_path_filter *term = filter->first; term != NULL; term = term->next) {
        bool only_objects = settle_group(term);
        all = all && only_objects;
        any = any || only_objects;
    }
    return filter->op == FHS_PATH_AND ? any : all;
}

/* ?(filter), at its question mark. */
static bool parse_filter(path_parser *parser, char close, bool scan, step_list *steps)
{
    parser->at++;
    if (!accept_word(parser, "(")) {
        return refuse_path(parser, "a filter begins with \"?(\"");
    }
    if (++parser->depth > FHS_LIMIT_EXPRESSION_DEPTH) {
        parser->status = fhs_fail(
            parser->err, FHIRSTORE_ERR_LIMIT,
            "the JSONPath nests more than %u filters (FHS_LIMIT_EXPRESSION_DEPTH)",
            FHS_LIMIT_EXPRESSION_DEPTH);
        return false;
    }
    const fhs_path_filter *filter = parse_terms(parser);
    if (filter == NULL) {
        return false;
    }
    parser->depth--;
    parser->at++;
    skip_spaces(parser);
    if (peek_char(parser) != close) {
        return refuse_path(parser, "the end of the brackets is expected");
    }
    parser->at++;
    fhs_path_step *step = add_step(parser, steps, scan ? FHS_PATH_SCAN_FILTER : FHS_PATH_FILTER);
    if (step != NULL) {
        step->filter = filter;
        step->only_objects = settle_group(filter);
    }
    return step != NULL;
}

static bool parse_brackets(path_parser *parser, bool scan, step_list *steps)
{
    char close = peek_char(parser) == '[' ? ']' : ')';
    parser->at++;
    skip_spaces(parser);
    if (peek_char(parser) == '\'') {
        return parse_names(parser, close, scan, steps);
    }
    if (peek_char(parser) == '?') {
        return parse_filter(parser, close, scan, steps);
    }
    return parse_positions(parser, close, steps);
}

/* ---- steps ---- */

static bool ends_steps(char c, bool in_filter)
{
    return c == ']' || c == ')' || c == ' ' ||
           (in_filter && c != '\0' && strchr("=<!>|&", c) != NULL);
}

/*
 * Steps from here to the end of the text, a closing bracket, a blank, or what else ends a path in
 * a filter. The name that is being read began at @a start.
 */
static bool parse_steps(path_parser *parser, size_t start, bool in_filter, step_list *steps)
{
    bool scan = false;
    bool behind_brackets = false;
    bool behind_dot = false;
    while (has_char(parser) && !ends_steps(peek_char(parser), in_filter)) {
        char c = peek_char(parser);
        if (c != '.' && c != '[' && c != '(') {
            if (behind_brackets) {
                return refuse_path(parser,
                                   "behind brackets only \".\", \"[\" or the end may follow");
            }
            parser->at++;
            continue;
        }
        if (parser->at > start) {
            if (!add_path_name(parser, steps,
                               fhs_str_of(parser->text.ptr + start, parser->at - start), scan)) {
                return false;
            }
            steps->last->end = parser->at;
            scan = false;
        }
        if (c == '.') {
            parser->at++;
            scan = accept_word(parser, ".") || scan;
        } else {
            if (!parse_brackets(parser, scan, steps)) {
                return false;
            }
            steps->last->end = parser->at;
            scan = false;
        }
        start = parser->at;
        behind_brackets = c != '.';
        behind_dot = c == '.';
    }
    if (parser->at > start) {
        if (!add_path_name(parser, steps, fhs_str_of(parser->text.ptr + start, parser->at - start),
                           scan)) {
            return false;
        }
        steps->last->end = parser->at;
        return true;
    }
    return !behind_dot || (has_char(parser) && !in_filter) ||
           refuse_path(parser, "a name is expected");
}

static bool parse_whole_path(path_parser *parser, step_list *steps, size_t *from)
{
    skip_spaces(parser);
    fhs_str rest = fhs_str_from(parser->text, parser->at);
    if (rest.len == 0 || fhs_str_eq(fhs_str_trim(rest), FHS_LIT("$"))) {
        return true;
    }
    if (fhs_str_starts_with(rest, FHS_LIT("$.")) || fhs_str_starts_with(rest, FHS_LIT("$["))) {
        parser->at++;
    }
    *from = parser->at;
    if (!parse_steps(parser, parser->at, false, steps)) {
        return false;
    }
    size_t end = parser->at;
    skip_spaces(parser);
    return !has_char(parser) ||
           refuse_path_at(parser, end,
                          peek_char(parser) == ']' || peek_char(parser) == ')'
                              ? "a bracket closes that was not opened"
                              : "blanks stand only in brackets and at the ends");
}

fhirstore_status fhs_jsonpath_compile(fhs_arena *arena, fhs_str text, const fhs_jsonpath **path_out,
                                      fhirstore_error **err)
{
    path_parser parser = {.arena = arena, .err = err, .status = FHIRSTORE_OK};
    step_list steps = {NULL, NULL};
    *path_out = NULL;
    if (text.len > FHS_LIMIT_EXPRESSION_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT,
                        "the JSONPath is longer than %zu bytes (FHS_LIMIT_EXPRESSION_BYTES)",
                        FHS_LIMIT_EXPRESSION_BYTES);
    }
    parser.text = fhs_arena_dup(arena, text);
    fhs_jsonpath *path = path_alloc(&parser, sizeof(fhs_jsonpath));
    if (path == NULL || parser.text.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    size_t valid = fhs_expression_text_prefix(text);
    if (valid < text.len) {
        refuse_path_at(&parser, valid, "this is no text in UTF-8");
        return parser.status;
    }
    if (!parse_whole_path(&parser, &steps, &path->from)) {
        return parser.status;
    }
    path->steps = steps.first;
    path->text = parser.text;
    *path_out = path;
    return FHIRSTORE_OK;
}
