/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns become a tree. */
#include "base/compiler.h"
#include "base/utf8.h"
#include "fhirpath/regex_tree.h"

#define MAX_REGEX_DEPTH  64u
#define MAX_CLASS_RANGES 256u

static fhs_rx_node *parse_alternatives(fhs_rx_parser *parser);

fhs_rx_node *fhs_rx_refuse(fhs_rx_parser *parser, const char *problem)
{
    if (parser->problem == NULL && !parser->no_memory) {
        parser->problem = problem;
    }
    return NULL;
}

void *fhs_rx_alloc(fhs_rx_parser *parser, size_t count, size_t size)
{
    void *ptr = fhs_arena_calloc(parser->arena, count, size);
    if (ptr == NULL) {
        parser->no_memory = true;
    }
    return ptr;
}

static fhs_rx_node *rx_new(fhs_rx_parser *parser, fhs_rx_kind kind)
{
    fhs_rx_node *node = fhs_rx_alloc(parser, 1, sizeof(*node));
    if (node != NULL) {
        node->kind = kind;
    }
    return node;
}

static fhs_rx_node *rx_inst(fhs_rx_parser *parser, fhs_regex_code code, uint32_t x)
{
    fhs_rx_node *node = rx_new(parser, FHS_RX_TREE_INST);
    if (node != NULL) {
        node->inst = (fhs_regex_inst){(uint8_t)code, x, 0};
    }
    return node;
}

static bool rx_more(const fhs_rx_parser *parser)
{
    return parser->at < parser->text.len;
}

static char rx_peek(const fhs_rx_parser *parser)
{
    return (char)(rx_more(parser) ? parser->text.ptr[parser->at] : 0);
}

static bool rx_accept(fhs_rx_parser *parser, const char *text)
{
    fhs_str rest = fhs_str_from(parser->text, parser->at);
    fhs_str want = fhs_str_from_cstr(text);
    if (!fhs_str_starts_with(rest, want)) {
        return false;
    }
    parser->at += want.len;
    return true;
}

/* ---- classes ---- */

typedef struct rx_ranges {
    fhs_regex_range items[MAX_CLASS_RANGES];
    uint32_t count;
} rx_ranges;

static bool add_range(fhs_rx_parser *parser, rx_ranges *ranges, uint32_t low, uint32_t high)
{
    if (ranges->count == MAX_CLASS_RANGES) {
        fhs_rx_refuse(parser, "a character class is too long");
        return false;
    }
    ranges->items[ranges->count++] = (fhs_regex_range){low, high};
    return true;
}

static const fhs_regex_range digit_ranges[] = {{'0', '9'}};
static const fhs_regex_range word_ranges[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const fhs_regex_range space_ranges[] = {
    {'\t', '\r'},     {' ', ' '},       {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
    {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
/* Letters: the scripts' blocks, good enough for names; digits and marks are left out. */
static const fhs_regex_range letter_ranges[] = {
    {'A', 'Z'},       {'a', 'z'},       {0xAA, 0xAA},     {0xB5, 0xB5},     {0xBA, 0xBA},
    {0xC0, 0xD6},     {0xD8, 0xF6},     {0xF8, 0x2C1},    {0x370, 0x373},   {0x376, 0x377},
    {0x37B, 0x37D},   {0x37F, 0x37F},   {0x386, 0x386},   {0x388, 0x481},   {0x48A, 0x556},
    {0x561, 0x587},   {0x5D0, 0x5EA},   {0x620, 0x64A},   {0x671, 0x6D3},   {0x904, 0x939},
    {0xE01, 0xE30},   {0x10A0, 0x10FA}, {0x1100, 0x11FF}, {0x1E00, 0x1FBC}, {0x3041, 0x3096},
    {0x30A1, 0x30FA}, {0x3400, 0x4DB5}, {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3}, {0x20000, 0x2FA1D},
};
static const fhs_regex_range upper_ranges[] = {
    {'A', 'Z'}, {0xC0, 0xD6}, {0xD8, 0xDE}, {0x391, 0x3AB}, {0x400, 0x42F}};
static const fhs_regex_range lower_ranges[] = {
    {'a', 'z'}, {0xDF, 0xF6}, {0xF8, 0xFF}, {0x3AC, 0x3CE}, {0x430, 0x45F}};

/* Add @a from, or all that is not in it (it is sorted). */
static bool add_ranges(fhs_rx_parser *parser, rx_ranges *ranges, const fhs_regex_range *from,
                       size_t count, bool negated)
{
    uint32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        if (!negated) {
            if (!add_range(parser, ranges, from[i].low, from[i].high)) {
                return false;
            }
        } else if (from[i].low > next && !add_range(parser, ranges, next, from[i].low - 1)) {
            return false;
        }
        next = from[i].high + 1;
    }
    return !negated || add_range(parser, ranges, next, 0x10FFFF);
}

/* \p{Name}: the braces follow. */
static bool add_property(fhs_rx_parser *parser, rx_ranges *ranges, bool negated)
{
    static const struct {
        const char *name;
        const fhs_regex_range *ranges;
        size_t count;
    } properties[] = {
        {"{L}", letter_ranges, FHS_COUNT_OF(letter_ranges)},
        {"{Letter}", letter_ranges, FHS_COUNT_OF(letter_ranges)},
        {"{Lu}", upper_ranges, FHS_COUNT_OF(upper_ranges)},
        {"{Ll}", lower_ranges, FHS_COUNT_OF(lower_ranges)},
        {"{N}", digit_ranges, FHS_COUNT_OF(digit_ranges)},
        {"{Nd}", digit_ranges, FHS_COUNT_OF(digit_ranges)},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(properties); i++) {
        if (rx_accept(parser, properties[i].name)) {
            return add_ranges(parser, ranges, properties[i].ranges, properties[i].count, negated);
        }
    }
    fhs_rx_refuse(parser, "this character property is not supported");
    return false;
}

/* A class escape (\d and the like) whose letter is next; false when it is none. */
static bool class_escape(fhs_rx_parser *parser, rx_ranges *ranges)
{
    char c = rx_peek(parser);
    if (c == '\0' || strchr("dDwWsSpP", c) == NULL) {
        return false;
    }
    parser->at++;
    switch (c) {
    case 'd':
    case 'D':
        return add_ranges(parser, ranges, digit_ranges, FHS_COUNT_OF(digit_ranges), c == 'D');
    case 'w':
    case 'W':
        return add_ranges(parser, ranges, word_ranges, FHS_COUNT_OF(word_ranges), c == 'W');
    case 's':
    case 'S':
        return add_ranges(parser, ranges, space_ranges, FHS_COUNT_OF(space_ranges), c == 'S');
    default:
        return add_property(parser, ranges, c == 'P');
    }
}

static bool read_hex(fhs_rx_parser *parser, uint32_t digits, bool braces, uint32_t *out)
{
    uint32_t code = 0;
    uint32_t count = 0;
    while (count < digits) {
        char c = fhs_ascii_lower(rx_peek(parser));
        if (c >= '0' && c <= '9') {
            code = code * 16 + (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            code = code * 16 + (uint32_t)(c - 'a') + 10;
        } else {
            break;
        }
        parser->at++;
        count++;
    }
    if (count == 0 || (!braces && count < digits) || code > 0x10FFFF ||
        (braces && !rx_accept(parser, "}"))) {
        fhs_rx_refuse(parser, "a character code is malformed");
        return false;
    }
    *out = code;
    return true;
}

/* An escape that stands for one character; the backslash is behind us. */
static bool char_escape(fhs_rx_parser *parser, uint32_t *out)
{
    if (!rx_more(parser)) {
        fhs_rx_refuse(parser, "the pattern ends in a backslash");
        return false;
    }
    uint32_t c = fhs_utf8_next(parser->text, &parser->at);
    static const char from[] = "ntrfvae0";
    static const char to[] = {'\n', '\t', '\r', '\f', '\v', '\a', 27, 0};
    const char *known = c < 128 && c != 0 ? strchr(from, (int)c) : NULL;
    if (known != NULL) {
        *out = (uint32_t)(unsigned char)to[known - from];
        return true;
    }
    if (c == 'x') {
        bool braces = rx_accept(parser, "{");
        return read_hex(parser, braces ? 6 : 2, braces, out);
    }
    if (c == 'u') {
        return read_hex(parser, 4, false, out);
    }
    if ((c >= '1' && c <= '9') || c == 'k') {
        fhs_rx_refuse(parser, "back references are not supported");
        return false;
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        fhs_rx_refuse(parser, "this escape is not supported");
        return false;
    }
    *out = c;
    return true;
}

static fhs_rx_node *class_node(fhs_rx_parser *parser, const rx_ranges *ranges, bool negated)
{
    fhs_regex *regex = parser->regex;
    if (regex->class_count == parser->class_capacity) {
        uint32_t capacity = parser->class_capacity == 0 ? 8 : parser->class_capacity * 2;
        fhs_regex_class *classes = fhs_rx_alloc(parser, capacity, sizeof(*classes));
        if (classes == NULL) {
            return NULL;
        }
        for (uint32_t i = 0; i < regex->class_count; i++) {
            classes[i] = regex->classes[i];
        }
        regex->classes = classes;
        parser->class_capacity = capacity;
    }
    fhs_regex_range *copy = fhs_rx_alloc(parser, ranges->count + 1, sizeof(*copy));
    if (copy == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < ranges->count; i++) {
        copy[i] = ranges->items[i];
    }
    regex->classes[regex->class_count] = (fhs_regex_class){copy, ranges->count, negated};
    return rx_inst(parser, FHS_RX_CLASS, regex->class_count++);
}

/* One character of a class, or a class escape (then *is_char is false). */
static bool class_char(fhs_rx_parser *parser, rx_ranges *ranges, uint32_t *out, bool *is_char)
{
    *is_char = true;
    if (!rx_accept(parser, "\\")) {
        *out = fhs_utf8_next(parser->text, &parser->at);
        return true;
    }
    uint32_t before = ranges->count;
    if (class_escape(parser, ranges)) {
        *is_char = false;
        return true;
    }
    if (parser->problem != NULL || ranges->count != before) {
        return false;
    }
    if (rx_accept(parser, "b")) {
        *out = '\b';
        return true;
    }
    return char_escape(parser, out);
}

static fhs_rx_node *parse_class(fhs_rx_parser *parser)
{
    rx_ranges ranges = {.count = 0};
    bool negated = rx_accept(parser, "^");
    bool first = true;
    while (first || rx_peek(parser) != ']') {
        if (!rx_more(parser)) {
            return fhs_rx_refuse(parser, "a character class has no end");
        }
        first = false;
        uint32_t low = 0;
        bool is_char = false;
        if (!class_char(parser, &ranges, &low, &is_char)) {
            return NULL;
        }
        if (!is_char) {
            continue;
        }
        uint32_t high = low;
        if (rx_peek(parser) == '-' && parser->at + 1 < parser->text.len &&
            parser->text.ptr[parser->at + 1] != ']') {
            parser->at++;
            if (!class_char(parser, &ranges, &high, &is_char)) {
                return NULL;
            }
            if (!is_char || high < low) {
                return fhs_rx_refuse(parser, "a range of characters is malformed");
            }
        }
        if (!add_range(parser, &ranges, low, high)) {
            return NULL;
        }
    }
    parser->at++;
    return class_node(parser, &ranges, negated);
}

/* ---- the rest ---- */

static fhs_rx_node *parse_escape(fhs_rx_parser *parser)
{
    if (rx_accept(parser, "b")) {
        return rx_inst(parser, FHS_RX_WORD_EDGE, 0);
    }
    if (rx_accept(parser, "B")) {
        return rx_inst(parser, FHS_RX_NOT_WORD_EDGE, 0);
    }
    if (rx_accept(parser, "A")) {
        return rx_inst(parser, FHS_RX_TEXT_BEGIN, 0);
    }
    if (rx_accept(parser, "z")) {
        return rx_inst(parser, FHS_RX_TEXT_END, 0);
    }
    if (rx_accept(parser, "Z")) {
        return rx_inst(parser, FHS_RX_TEXT_END_BREAK, 0);
    }
    rx_ranges ranges = {.count = 0};
    if (class_escape(parser, &ranges)) {
        return class_node(parser, &ranges, false);
    }
    uint32_t c = 0;
    if (parser->problem != NULL || !char_escape(parser, &c)) {
        return NULL;
    }
    return rx_inst(parser, FHS_RX_CHAR, c);
}

static bool group_name(fhs_rx_parser *parser, fhs_str *out)
{
    size_t end = fhs_str_find_char(parser->text, '>', parser->at);
    if (end >= parser->text.len || end == parser->at) {
        fhs_rx_refuse(parser, "the name of a group is malformed");
        return false;
    }
    *out = fhs_str_of(parser->text.ptr + parser->at, end - parser->at);
    parser->at = end + 1;
    return true;
}

/* "(" is behind us. */
static fhs_rx_node *parse_group(fhs_rx_parser *parser)
{
    fhs_str name = FHS_STR_NONE;
    uint32_t number = 0;
    bool captures = true;
    if (rx_accept(parser, "?:")) {
        captures = false;
    } else if (rx_accept(parser, "?=") || rx_accept(parser, "?!") || rx_accept(parser, "?<=") ||
               rx_accept(parser, "?<!") || rx_accept(parser, "?>")) {
        return fhs_rx_refuse(parser, "look-around is not supported");
    } else if (rx_accept(parser, "?<") || rx_accept(parser, "?P<")) {
        if (!group_name(parser, &name)) {
            return NULL;
        }
    } else if (rx_peek(parser) == '?') {
        return fhs_rx_refuse(parser, "this kind of group is not supported");
    }
    if (captures) {
        if (parser->regex->group_count == FHS_REGEX_GROUPS) {
            return fhs_rx_refuse(parser, "there are too many groups");
        }
        number = parser->regex->group_count++;
        parser->regex->names[number] = name;
    }
    if (parser->depth >= MAX_REGEX_DEPTH) {
        return fhs_rx_refuse(parser, "groups are nested too deeply");
    }
    parser->depth++;
    fhs_rx_node *inner = parse_alternatives(parser);
    parser->depth--;
    if (inner == NULL) {
        return NULL;
    }
    if (!rx_accept(parser, ")")) {
        return fhs_rx_refuse(parser, "a group has no end");
    }
    fhs_rx_node *node = rx_new(parser, FHS_RX_TREE_GROUP);
    if (node != NULL) {
        node->left = inner;
        node->inst.x = number;
    }
    return node;
}

static fhs_rx_node *parse_atom(fhs_rx_parser *parser)
{
    bool lines = (parser->flags & FHS_REGEX_MULTILINE) != 0;
    if (rx_accept(parser, "(")) {
        return parse_group(parser);
    }
    if (rx_accept(parser, "[")) {
        return parse_class(parser);
    }
    if (rx_accept(parser, ".")) {
        rx_ranges breaks = {.items = {{'\n', '\n'}}, .count = 1};
        return (parser->flags & FHS_REGEX_DOT_IN_LINE) != 0 ? class_node(parser, &breaks, true)
                                                            : rx_inst(parser, FHS_RX_ANY, 0);
    }
    if (rx_accept(parser, "^")) {
        return rx_inst(parser, lines ? FHS_RX_LINE_BEGIN : FHS_RX_TEXT_BEGIN, 0);
    }
    if (rx_accept(parser, "$")) {
        return rx_inst(parser, lines ? FHS_RX_LINE_END : FHS_RX_TEXT_END_BREAK, 0);
    }
    if (rx_accept(parser, "\\")) {
        return parse_escape(parser);
    }
    char c = rx_peek(parser);
    if (c == '*' || c == '+' || c == '?') {
        return fhs_rx_refuse(parser, "there is nothing to repeat");
    }
    return rx_inst(parser, FHS_RX_CHAR, fhs_utf8_next(parser->text, &parser->at));
}

static bool read_repeat_count(fhs_rx_parser *parser, uint32_t *out)
{
    uint32_t value = 0;
    size_t from = parser->at;
    while (rx_peek(parser) >= '0' && rx_peek(parser) <= '9') {
        value = value * 10 + (uint32_t)(rx_peek(parser) - '0');
        parser->at++;
        if (value > FHS_RX_REPEAT_MAX) {
            fhs_rx_refuse(parser, "a repetition count is too large");
            return false;
        }
    }
    *out = value;
    return parser->at > from;
}

/* {n}, {n,} or {n,m}: false when the brace is a plain character. */
static bool read_braces(fhs_rx_parser *parser, uint32_t *min, uint32_t *max)
{
    size_t from = parser->at;
    if (!rx_accept(parser, "{")) {
        return false;
    }
    if (read_repeat_count(parser, min)) {
        *max = *min;
        if (rx_accept(parser, ",")) {
            *max = FHS_RX_NO_MAX;
            uint32_t count = 0;
            if (read_repeat_count(parser, &count)) {
                *max = count;
            }
        }
        if (parser->problem == NULL && rx_accept(parser, "}")) {
            if (*max < *min) {
                fhs_rx_refuse(parser, "a repetition count is malformed");
            }
            return true;
        }
    }
    parser->at = from;
    return false;
}

static fhs_rx_node *parse_repeat(fhs_rx_parser *parser)
{
    fhs_rx_node *node = parse_atom(parser);
    while (node != NULL) {
        uint32_t min = 0;
        uint32_t max = FHS_RX_NO_MAX;
        if (rx_accept(parser, "+")) {
            min = 1;
        } else if (rx_accept(parser, "?")) {
            max = 1;
        } else if (!rx_accept(parser, "*") && !read_braces(parser, &min, &max)) {
            break;
        }
        if (parser->problem != NULL) {
            return NULL;
        }
        fhs_rx_node *repeat = rx_new(parser, FHS_RX_TREE_REPEAT);
        if (repeat == NULL) {
            return NULL;
        }
        repeat->left = node;
        repeat->min = min;
        repeat->max = max;
        repeat->lazy = rx_accept(parser, "?");
        if (!repeat->lazy && rx_peek(parser) == '+') {
            return fhs_rx_refuse(parser, "possessive repetition is not supported");
        }
        node = repeat;
        if (++parser->depth > MAX_REGEX_DEPTH) {
            return fhs_rx_refuse(parser, "repetitions are nested too deeply");
        }
    }
    return node;
}

static fhs_rx_node *rx_pair(fhs_rx_parser *parser, fhs_rx_kind kind, fhs_rx_node *left,
                            fhs_rx_node *right)
{
    fhs_rx_node *node = rx_new(parser, kind);
    if (node != NULL) {
        node->left = left;
        node->right = right;
    }
    return node;
}

/*
 * Atoms side by side. The chain grows to the left and code generation follows it in a loop, so
 * the length of a pattern costs no recursion.
 */
static fhs_rx_node *parse_sequence(fhs_rx_parser *parser)
{
    fhs_rx_node *node = rx_new(parser, FHS_RX_TREE_EMPTY);
    while (node != NULL && rx_more(parser) && rx_peek(parser) != '|' && rx_peek(parser) != ')') {
        uint32_t depth = parser->depth;
        fhs_rx_node *next = parse_repeat(parser);
        parser->depth = depth;
        node = next == NULL ? NULL : rx_pair(parser, FHS_RX_TREE_CAT, node, next);
    }
    return parser->problem != NULL ? NULL : node;
}

static fhs_rx_node *parse_alternatives(fhs_rx_parser *parser)
{
    fhs_rx_node *node = parse_sequence(parser);
    while (node != NULL && rx_accept(parser, "|")) {
        fhs_rx_node *next = parse_sequence(parser);
        node = next == NULL ? NULL : rx_pair(parser, FHS_RX_TREE_ALT, node, next);
    }
    return node;
}

static void read_flags(fhs_rx_parser *parser)
{
    while (rx_accept(parser, "(?i)") || rx_accept(parser, "(?m)") || rx_accept(parser, "(?s)")) {
        char flag = parser->text.ptr[parser->at - 2];
        parser->flags |= flag == 'i' ? FHS_REGEX_IGNORE_CASE : 0u;
        parser->flags |= flag == 'm' ? FHS_REGEX_MULTILINE : 0u;
        parser->flags &= flag == 's' ? ~(unsigned)FHS_REGEX_DOT_IN_LINE : ~0u;
    }
}

const fhs_regex *fhs_regex_compile(fhs_arena *arena, fhs_str pattern, unsigned flags,
                                   const char **problem_out)
{
    *problem_out = NULL;
    fhs_rx_parser parser = {.arena = arena, .text = pattern, .flags = flags};
    parser.regex = fhs_rx_alloc(&parser, 1, sizeof(*parser.regex));
    if (parser.regex == NULL) {
        return NULL;
    }
    parser.regex->group_count = 1;
    read_flags(&parser);
    fhs_rx_node *root = parse_alternatives(&parser);
    if (root != NULL && rx_more(&parser)) {
        fhs_rx_refuse(&parser, "a group ends that did not begin");
    } else if (root != NULL && parser.problem == NULL) {
        fhs_rx_emit(&parser, root);
    }
    if (parser.problem != NULL || parser.no_memory) {
        *problem_out = parser.no_memory ? NULL : parser.problem;
        return NULL;
    }
    parser.regex->ignore_case = (parser.flags & FHS_REGEX_IGNORE_CASE) != 0;
    return parser.regex;
}

uint32_t fhs_regex_group_count(const fhs_regex *regex)
{
    return regex->group_count;
}

uint32_t fhs_regex_group_find(const fhs_regex *regex, fhs_str name)
{
    for (uint32_t i = 1; i < regex->group_count; i++) {
        if (regex->names[i].len > 0 && fhs_str_eq(regex->names[i], name)) {
            return i;
        }
    }
    return 0;
}
