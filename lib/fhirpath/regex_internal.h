/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FHS_FHIRPATH_REGEX_INTERNAL_H
#define FHS_FHIRPATH_REGEX_INTERNAL_H

#include "fhirpath/regex.h"

typedef enum fhs_regex_code {
    FHS_RX_CHAR,
    FHS_RX_ANY,
    FHS_RX_CLASS,
    FHS_RX_SPLIT, /* first x, then y */
    FHS_RX_JUMP,
    FHS_RX_SAVE,
    FHS_RX_TEXT_BEGIN,
    FHS_RX_TEXT_END,
    FHS_RX_TEXT_END_BREAK, /* the end, or before a line break that ends the text */
    FHS_RX_LINE_BEGIN,
    FHS_RX_LINE_END,
    FHS_RX_WORD_EDGE,
    FHS_RX_NOT_WORD_EDGE,
    FHS_RX_MATCH,
} fhs_regex_code;

typedef struct fhs_regex_range {
    uint32_t low;
    uint32_t high;
} fhs_regex_range;

typedef struct fhs_regex_class {
    const fhs_regex_range *ranges;
    uint32_t count;
    bool negated;
} fhs_regex_class;

typedef struct fhs_regex_inst {
    uint8_t code;
    uint32_t x; /* character, target, slot or class */
    uint32_t y;
} fhs_regex_inst;

struct fhs_regex {
    fhs_regex_inst *insts;
    uint32_t inst_count;
    fhs_regex_class *classes;
    uint32_t class_count;
    uint32_t group_count;
    fhs_str names[FHS_REGEX_GROUPS];
    bool ignore_case;
};

/* Simple one-to-one case mapping, without any locale (case.c). */
uint32_t fhs_fp_lower(uint32_t code);
uint32_t fhs_fp_upper(uint32_t code);

#endif
