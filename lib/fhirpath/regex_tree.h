/* SPDX-License-Identifier: Apache-2.0 */
/* What a pattern becomes between its text (regex.c) and its program (regex_emit.c). */
#ifndef FHS_FHIRPATH_REGEX_TREE_H
#define FHS_FHIRPATH_REGEX_TREE_H

#include "fhirpath/regex_internal.h"

#define FHS_RX_REPEAT_MAX 1000u
#define FHS_RX_NO_MAX     UINT32_MAX

typedef enum fhs_rx_kind {
    FHS_RX_TREE_EMPTY,
    FHS_RX_TREE_INST,
    FHS_RX_TREE_CAT,
    FHS_RX_TREE_ALT,
    FHS_RX_TREE_REPEAT,
    FHS_RX_TREE_GROUP
} fhs_rx_kind;

typedef struct fhs_rx_node fhs_rx_node;
struct fhs_rx_node {
    fhs_rx_kind kind;
    fhs_regex_inst inst; /* INST; GROUP: x is its number, 0 when it does not capture */
    fhs_rx_node *left;
    fhs_rx_node *right;
    uint32_t min;
    uint32_t max;
    bool lazy;
};

typedef struct fhs_rx_parser {
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
} fhs_rx_parser;

/* Keep the first problem; always NULL. */
fhs_rx_node *fhs_rx_refuse(fhs_rx_parser *parser, const char *problem);
/* Zeroed, from the arena; NULL: no memory, and the parser knows. */
void *fhs_rx_alloc(fhs_rx_parser *parser, size_t count, size_t size);
/* Write parser->regex's program; false: refused or no memory. */
bool fhs_rx_emit(fhs_rx_parser *parser, const fhs_rx_node *node);

#endif
