/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns become a tree, the tree a program for the machine in regex_match.c. */
#include "base/compiler.h"
#include "base/utf8.h"
#include "fhirpath/regex_internal.h"

#define MAX_REGEX_DEPTH  64u
#define MAX_REGEX_INSTS  20000u
#define MAX_REGEX_REPEAT 1000u
#define MAX_CLASS_RANGES 256u
#define NO_MAXIMUM       UINT32_MAX

typedef enum rx_kind {
    RX_EMPTY,
    RX_INST,
    RX_CAT,
    RX_ALT,
    RX_REPEAT,
    RX_GROUP
} rx_kind;

typedef struct rx_node rx_node;
struct rx_node {
    rx_kind kind;
    fhs_regex_inst inst; /* INST; GROUP: x is its number, 0 when it does not capture */
    rx_node *left;
    rx_node *right;
    uint32_t min;
    uint32_t max;
    bool lazy;
};

typedef struct rx_parser {
    fhs_arena *arena;
    fhs_str text;
    size_t at;
    unsigned flags;
    uint32_t depth;
    const char *problem;
    bool no_memory;
    fhs_regex *regex;
    uint32_t class_capacity;
    uint32_t emitted; /* nodes; repeating what is empty emits no instruction */
} rx_parser;

static rx_node *parse_alternatives(rx_parser *parser);

static rx_node *rx_refuse(rx_parser *parser, const char *problem)
{
    if (parser->problem == NULL && !parser->no_memory) {
        parser->problem = problem;
    }
    return NULL;
}

static void *rx_alloc(rx_parser *parser, size_t count, size_t size)
{
    void *ptr = fhs_arena_calloc(parser->arena, count, size);
    if (ptr == NULL) {
        parser->no_memory = true;
    }
    return ptr;
}

static rx_node *rx_new(rx_parser *parser, rx_kind kind)
{
    rx_node *node = rx_alloc(parser, 1, sizeof(*node));
    if (node != NULL) {
        node->kind = kind;
    }
    return node;
}

static rx_node *rx_inst(rx_parser *parser, fhs_regex_code code, uint32_t x)
{
    rx_node *node = rx_new(parser, RX_INST);
    if (node != NULL) {
        node->inst = (fhs_regex_inst){(uint8_t)code, x, 0};
    }
    return node;
}

static bool rx_more(const rx_parser *parser)
{
    return parser->at < parser->text.len;
}

static char rx_peek(const rx_parser *parser)
{
    return (char)(rx_more(parser) ? parser->text.ptr[parser->at] : 0);
}

static bool rx_accept(rx_parser *parser, const char *text)
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

static bool add_range(rx_parser *parser, rx_ranges *ranges, uint32_t low, uint32_t high)
{
    if (ranges->count == MAX_CLASS_RANGES) {
        rx_refuse(parser, "a character class is too long");
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
static bool add_ranges(rx_parser *parser, rx_ranges *ranges, const fhs_regex_range *from,
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
static bool add_property(rx_parser *parser, rx_ranges *ranges, bool negated)
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
    rx_refuse(parser, "this character property is not supported");
    return false;
}

/* A class escape (\d and the like) whose letter is next; false when it is none. */
static bool class_escape(rx_parser *parser, rx_ranges *ranges)
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

static bool read_hex(rx_parser *parser, uint32_t digits, bool braces, uint32_t *out)
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
        rx_refuse(parser, "a character code is malformed");
        return false;
    }
    *out = code;
    return true;
}

/* An escape that stands for one character; the backslash is behind us. */
static bool char_escape(rx_parser *parser, uint32_t *out)
{
    if (!rx_more(parser)) {
        rx_refuse(parser, "the pattern ends in a backslash");
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
        rx_refuse(parser, "back references are not supported");
        return false;
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        rx_refuse(parser, "this escape is not supported");
        return false;
    }
    *out = c;
    return true;
}

static rx_node *class_node(rx_parser *parser, const rx_ranges *ranges, bool negated)
{
    fhs_regex *regex = parser->regex;
    if (regex->class_count == parser->class_capacity) {
        uint32_t capacity = parser->class_capacity == 0 ? 8 : parser->class_capacity * 2;
        fhs_regex_class *classes = rx_alloc(parser, capacity, sizeof(*classes));
        if (classes == NULL) {
            return NULL;
        }
        for (uint32_t i = 0; i < regex->class_count; i++) {
            classes[i] = regex->classes[i];
        }
        regex->classes = classes;
        parser->class_capacity = capacity;
    }
    fhs_regex_range *copy = rx_alloc(parser, ranges->count + 1, sizeof(*copy));
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
static bool class_char(rx_parser *parser, rx_ranges *ranges, uint32_t *out, bool *is_char)
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

static rx_node *parse_class(rx_parser *parser)
{
    rx_ranges ranges = {.count = 0};
    bool negated = rx_accept(parser, "^");
    bool first = true;
    while (first || rx_peek(parser) != ']') {
        if (!rx_more(parser)) {
            return rx_refuse(parser, "a character class has no end");
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
                return rx_refuse(parser, "a range of characters is malformed");
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

static rx_node *parse_escape(rx_parser *parser)
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

static bool group_name(rx_parser *parser, fhs_str *out)
{
    size_t end = fhs_str_find_char(parser->text, '>', parser->at);
    if (end >= parser->text.len || end == parser->at) {
        rx_refuse(parser, "the name of a group is malformed");
        return false;
    }
    *out = fhs_str_of(parser->text.ptr + parser->at, end - parser->at);
    parser->at = end + 1;
    return true;
}

/* "(" is behind us. */
static rx_node *parse_group(rx_parser *parser)
{
    fhs_str name = FHS_STR_NONE;
    uint32_t number = 0;
    bool captures = true;
    if (rx_accept(parser, "?:")) {
        captures = false;
    } else if (rx_accept(parser, "?=") || rx_accept(parser, "?!") || rx_accept(parser, "?<=") ||
               rx_accept(parser, "?<!") || rx_accept(parser, "?>")) {
        return rx_refuse(parser, "look-around is not supported");
    } else if (rx_accept(parser, "?<") || rx_accept(parser, "?P<")) {
        if (!group_name(parser, &name)) {
            return NULL;
        }
    } else if (rx_peek(parser) == '?') {
        return rx_refuse(parser, "this kind of group is not supported");
    }
    if (captures) {
        if (parser->regex->group_count == FHS_REGEX_GROUPS) {
            return rx_refuse(parser, "there are too many groups");
        }
        number = parser->regex->group_count++;
        parser->regex->names[number] = name;
    }
    if (parser->depth >= MAX_REGEX_DEPTH) {
        return rx_refuse(parser, "groups are nested too deeply");
    }
    parser->depth++;
    rx_node *inner = parse_alternatives(parser);
    parser->depth--;
    if (inner == NULL) {
        return NULL;
    }
    if (!rx_accept(parser, ")")) {
        return rx_refuse(parser, "a group has no end");
    }
    rx_node *node = rx_new(parser, RX_GROUP);
    if (node != NULL) {
        node->left = inner;
        node->inst.x = number;
    }
    return node;
}

static rx_node *parse_atom(rx_parser *parser)
{
    bool lines = (parser->flags & FHS_REGEX_MULTILINE) != 0;
    if (rx_accept(parser, "(")) {
        return parse_group(parser);
    }
    if (rx_accept(parser, "[")) {
        return parse_class(parser);
    }
    if (rx_accept(parser, ".")) {
        return rx_inst(parser, FHS_RX_ANY, 0);
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
        return rx_refuse(parser, "there is nothing to repeat");
    }
    return rx_inst(parser, FHS_RX_CHAR, fhs_utf8_next(parser->text, &parser->at));
}

static bool read_repeat_count(rx_parser *parser, uint32_t *out)
{
    uint32_t value = 0;
    size_t from = parser->at;
    while (rx_peek(parser) >= '0' && rx_peek(parser) <= '9') {
        value = value * 10 + (uint32_t)(rx_peek(parser) - '0');
        parser->at++;
        if (value > MAX_REGEX_REPEAT) {
            rx_refuse(parser, "a repetition count is too large");
            return false;
        }
    }
    *out = value;
    return parser->at > from;
}

/* {n}, {n,} or {n,m}: false when the brace is a plain character. */
static bool read_braces(rx_parser *parser, uint32_t *min, uint32_t *max)
{
    size_t from = parser->at;
    if (!rx_accept(parser, "{")) {
        return false;
    }
    if (read_repeat_count(parser, min)) {
        *max = *min;
        if (rx_accept(parser, ",")) {
            *max = NO_MAXIMUM;
            uint32_t count = 0;
            if (read_repeat_count(parser, &count)) {
                *max = count;
            }
        }
        if (parser->problem == NULL && rx_accept(parser, "}")) {
            if (*max < *min) {
                rx_refuse(parser, "a repetition count is malformed");
            }
            return true;
        }
    }
    parser->at = from;
    return false;
}

static rx_node *parse_repeat(rx_parser *parser)
{
    rx_node *node = parse_atom(parser);
    while (node != NULL) {
        uint32_t min = 0;
        uint32_t max = NO_MAXIMUM;
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
        rx_node *repeat = rx_new(parser, RX_REPEAT);
        if (repeat == NULL) {
            return NULL;
        }
        repeat->left = node;
        repeat->min = min;
        repeat->max = max;
        repeat->lazy = rx_accept(parser, "?");
        if (!repeat->lazy && rx_peek(parser) == '+') {
            return rx_refuse(parser, "possessive repetition is not supported");
        }
        node = repeat;
        if (++parser->depth > MAX_REGEX_DEPTH) {
            return rx_refuse(parser, "repetitions are nested too deeply");
        }
    }
    return node;
}

static rx_node *rx_pair(rx_parser *parser, rx_kind kind, rx_node *left, rx_node *right)
{
    rx_node *node = rx_new(parser, kind);
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
static rx_node *parse_sequence(rx_parser *parser)
{
    rx_node *node = rx_new(parser, RX_EMPTY);
    while (node != NULL && rx_more(parser) && rx_peek(parser) != '|' && rx_peek(parser) != ')') {
        uint32_t depth = parser->depth;
        rx_node *next = parse_repeat(parser);
        parser->depth = depth;
        node = next == NULL ? NULL : rx_pair(parser, RX_CAT, node, next);
    }
    return parser->problem != NULL ? NULL : node;
}

static rx_node *parse_alternatives(rx_parser *parser)
{
    rx_node *node = parse_sequence(parser);
    while (node != NULL && rx_accept(parser, "|")) {
        rx_node *next = parse_sequence(parser);
        node = next == NULL ? NULL : rx_pair(parser, RX_ALT, node, next);
    }
    return node;
}

/* ---- code generation ---- */

static bool emit_node(rx_parser *parser, const rx_node *node);

static bool emit(rx_parser *parser, fhs_regex_code code, uint32_t x, uint32_t y)
{
    fhs_regex *regex = parser->regex;
    if (regex->inst_count == MAX_REGEX_INSTS) {
        rx_refuse(parser, "the pattern is too large");
        return false;
    }
    /* Grown by doubling inside the arena: sizes 64, 128, … */
    if ((regex->inst_count & (regex->inst_count - 1)) == 0 &&
        (regex->inst_count == 0 || regex->inst_count >= 64)) {
        uint32_t capacity = regex->inst_count == 0 ? 64 : regex->inst_count * 2;
        fhs_regex_inst *insts = rx_alloc(parser, capacity, sizeof(*insts));
        if (insts == NULL) {
            return false;
        }
        for (uint32_t i = 0; i < regex->inst_count; i++) {
            insts[i] = regex->insts[i];
        }
        regex->insts = insts;
    }
    regex->insts[regex->inst_count++] = (fhs_regex_inst){(uint8_t)code, x, y};
    return true;
}

/* A split whose way out is patched later. */
static void set_split(rx_parser *parser, uint32_t at, uint32_t body, uint32_t out, bool lazy)
{
    parser->regex->insts[at].x = lazy ? out : body;
    parser->regex->insts[at].y = lazy ? body : out;
}

static bool emit_star(rx_parser *parser, const rx_node *node)
{
    uint32_t split = parser->regex->inst_count;
    if (!emit(parser, FHS_RX_SPLIT, 0, 0) || !emit_node(parser, node->left) ||
        !emit(parser, FHS_RX_JUMP, split, 0)) {
        return false;
    }
    set_split(parser, split, split + 1, parser->regex->inst_count, node->lazy);
    return true;
}

static bool emit_repeat(rx_parser *parser, const rx_node *node)
{
    for (uint32_t i = 0; i < node->min; i++) {
        if (!emit_node(parser, node->left)) {
            return false;
        }
    }
    if (node->max == NO_MAXIMUM) {
        return emit_star(parser, node);
    }
    /* x{0,3} is (x(x(x)?)?)?: all ways out lead behind the last. */
    uint32_t splits[MAX_REGEX_REPEAT];
    uint32_t count = node->max - node->min;
    for (uint32_t i = 0; i < count; i++) {
        splits[i] = parser->regex->inst_count;
        if (!emit(parser, FHS_RX_SPLIT, 0, 0) || !emit_node(parser, node->left)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        set_split(parser, splits[i], splits[i] + 1, parser->regex->inst_count, node->lazy);
    }
    return true;
}

/* A left-grown chain of @a kind, first link first. */
static bool emit_chain(rx_parser *parser, const rx_node *node)
{
    uint32_t length = 0;
    for (const rx_node *at = node; at->kind == RX_CAT; at = at->left) {
        length++;
    }
    const rx_node **links = rx_alloc(parser, length + 1, sizeof(const rx_node *));
    if (links == NULL) {
        return false;
    }
    for (uint32_t i = length; i > 0; i--) {
        links[i - 1] = node->right;
        node = node->left;
    }
    for (uint32_t i = 0; i < length; i++) {
        if (!emit_node(parser, links[i])) {
            return false;
        }
    }
    return true;
}

static bool emit_alternatives(rx_parser *parser, const rx_node *node)
{
    uint32_t length = 1;
    const rx_node *first = node;
    for (; first->kind == RX_ALT; first = first->left) {
        length++;
    }
    const rx_node **links = rx_alloc(parser, length, sizeof(const rx_node *));
    uint32_t *jumps = rx_alloc(parser, length, sizeof(*jumps));
    if (links == NULL || jumps == NULL) {
        return false;
    }
    for (uint32_t i = length - 1; i > 0; i--) {
        links[i] = node->right;
        node = node->left;
    }
    links[0] = first;
    for (uint32_t i = 0; i < length; i++) {
        uint32_t split = parser->regex->inst_count;
        bool last = i + 1 == length;
        if ((!last && !emit(parser, FHS_RX_SPLIT, split + 1, 0)) || !emit_node(parser, links[i])) {
            return false;
        }
        jumps[i] = parser->regex->inst_count;
        if (!last) {
            if (!emit(parser, FHS_RX_JUMP, 0, 0)) {
                return false;
            }
            parser->regex->insts[split].y = parser->regex->inst_count;
        }
    }
    for (uint32_t i = 0; i + 1 < length; i++) {
        parser->regex->insts[jumps[i]].x = parser->regex->inst_count;
    }
    return true;
}

static bool emit_node(rx_parser *parser, const rx_node *node)
{
    if (++parser->emitted > 10 * MAX_REGEX_INSTS) {
        rx_refuse(parser, "the pattern is too large");
        return false;
    }
    switch (node->kind) {
    case RX_EMPTY:
        return true;
    case RX_INST:
        return emit(parser, node->inst.code, node->inst.x, 0);
    case RX_CAT:
        return emit_chain(parser, node);
    case RX_ALT:
        return emit_alternatives(parser, node);
    case RX_REPEAT:
        return emit_repeat(parser, node);
    case RX_GROUP:
        if (node->inst.x == 0) {
            return emit_node(parser, node->left);
        }
        return emit(parser, FHS_RX_SAVE, 2 * node->inst.x, 0) && emit_node(parser, node->left) &&
               emit(parser, FHS_RX_SAVE, 2 * node->inst.x + 1, 0);
    }
    return false;
}

static void read_flags(rx_parser *parser)
{
    while (rx_accept(parser, "(?i)") || rx_accept(parser, "(?m)") || rx_accept(parser, "(?s)")) {
        char flag = parser->text.ptr[parser->at - 2];
        parser->flags |= flag == 'i' ? FHS_REGEX_IGNORE_CASE : 0u;
        parser->flags |= flag == 'm' ? FHS_REGEX_MULTILINE : 0u;
    }
}

static bool emit_program(rx_parser *parser, const rx_node *node)
{
    bool whole = (parser->flags & FHS_REGEX_WHOLE) != 0;
    return (!whole || emit(parser, FHS_RX_TEXT_BEGIN, 0, 0)) && emit(parser, FHS_RX_SAVE, 0, 0) &&
           emit_node(parser, node) && emit(parser, FHS_RX_SAVE, 1, 0) &&
           (!whole || emit(parser, FHS_RX_TEXT_END, 0, 0)) && emit(parser, FHS_RX_MATCH, 0, 0);
}

const fhs_regex *fhs_regex_compile(fhs_arena *arena, fhs_str pattern, unsigned flags,
                                   const char **problem_out)
{
    *problem_out = NULL;
    rx_parser parser = {.arena = arena, .text = pattern, .flags = flags};
    parser.regex = rx_alloc(&parser, 1, sizeof(*parser.regex));
    if (parser.regex == NULL) {
        return NULL;
    }
    parser.regex->group_count = 1;
    read_flags(&parser);
    rx_node *root = parse_alternatives(&parser);
    if (root != NULL && rx_more(&parser)) {
        rx_refuse(&parser, "a group ends that did not begin");
    } else if (root != NULL && parser.problem == NULL) {
        emit_program(&parser, root);
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
