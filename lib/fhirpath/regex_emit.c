/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a pattern becomes a program for the machine in regex_match.c. */
#include "fhirpath/regex_tree.h"

#define MAX_REGEX_INSTS 20000u

static bool emit_node(fhs_rx_parser *parser, const fhs_rx_node *node);

static bool emit(fhs_rx_parser *parser, fhs_regex_code code, uint32_t x, uint32_t y)
{
    fhs_regex *regex = parser->regex;
    if (regex->inst_count == MAX_REGEX_INSTS) {
        fhs_rx_refuse(parser, "the pattern is too large");
        return false;
    }
    /* Grown by doubling inside the arena: sizes 64, 128, … */
    if ((regex->inst_count & (regex->inst_count - 1)) == 0 &&
        (regex->inst_count == 0 || regex->inst_count >= 64)) {
        uint32_t capacity = regex->inst_count == 0 ? 64 : regex->inst_count * 2;
        fhs_regex_inst *insts = fhs_rx_alloc(parser, capacity, sizeof(*insts));
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
static void set_split(fhs_rx_parser *parser, uint32_t at, uint32_t body, uint32_t out, bool lazy)
{
    parser->regex->insts[at].x = lazy ? out : body;
    parser->regex->insts[at].y = lazy ? body : out;
}

static bool emit_star(fhs_rx_parser *parser, const fhs_rx_node *node)
{
    uint32_t split = parser->regex->inst_count;
    if (!emit(parser, FHS_RX_SPLIT, 0, 0) || !emit_node(parser, node->left) ||
        !emit(parser, FHS_RX_JUMP, split, 0)) {
        return false;
    }
    set_split(parser, split, split + 1, parser->regex->inst_count, node->lazy);
    return true;
}

static bool emit_repeat(fhs_rx_parser *parser, const fhs_rx_node *node)
{
    for (uint32_t i = 0; i < node->min; i++) {
        if (!emit_node(parser, node->left)) {
            return false;
        }
    }
    if (node->max == FHS_RX_NO_MAX) {
        return emit_star(parser, node);
    }
    /* x{0,3} is (x(x(x)?)?)?: all ways out lead behind the last. */
    uint32_t splits[FHS_RX_REPEAT_MAX];
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
static bool emit_chain(fhs_rx_parser *parser, const fhs_rx_node *node)
{
    uint32_t length = 0;
    for (const fhs_rx_node *at = node; at->kind == FHS_RX_TREE_CAT; at = at->left) {
        length++;
    }
    const fhs_rx_node **links = fhs_rx_alloc(parser, length + 1, sizeof(const fhs_rx_node *));
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

static bool emit_alternatives(fhs_rx_parser *parser, const fhs_rx_node *node)
{
    uint32_t length = 1;
    const fhs_rx_node *first = node;
    for (; first->kind == FHS_RX_TREE_ALT; first = first->left) {
        length++;
    }
    const fhs_rx_node **links = fhs_rx_alloc(parser, length, sizeof(const fhs_rx_node *));
    uint32_t *jumps = fhs_rx_alloc(parser, length, sizeof(*jumps));
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

static bool emit_node(fhs_rx_parser *parser, const fhs_rx_node *node)
{
    if (++parser->emitted > 10 * MAX_REGEX_INSTS) {
        fhs_rx_refuse(parser, "the pattern is too large");
        return false;
    }
    switch (node->kind) {
    case FHS_RX_TREE_EMPTY:
        return true;
    case FHS_RX_TREE_INST:
        return emit(parser, node->inst.code, node->inst.x, 0);
    case FHS_RX_TREE_CAT:
        return emit_chain(parser, node);
    case FHS_RX_TREE_ALT:
        return emit_alternatives(parser, node);
    case FHS_RX_TREE_REPEAT:
        return emit_repeat(parser, node);
    case FHS_RX_TREE_GROUP:
        if (node->inst.x == 0) {
            return emit_node(parser, node->left);
        }
        return emit(parser, FHS_RX_SAVE, 2 * node->inst.x, 0) && emit_node(parser, node->left) &&
               emit(parser, FHS_RX_SAVE, 2 * node->inst.x + 1, 0);
    }
    return false;
}

bool fhs_rx_emit(fhs_rx_parser *parser, const fhs_rx_node *node)
{
    bool whole = (parser->flags & FHS_REGEX_WHOLE) != 0;
    return (!whole || emit(parser, FHS_RX_TEXT_BEGIN, 0, 0)) && emit(parser, FHS_RX_SAVE, 0, 0) &&
           emit_node(parser, node) && emit(parser, FHS_RX_SAVE, 1, 0) &&
           (!whole || emit(parser, FHS_RX_TEXT_END, 0, 0)) && emit(parser, FHS_RX_MATCH, 0, 0);
}
