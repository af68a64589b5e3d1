/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that read a _filter share. */
#ifndef FHS_QUERY_FILTER_H
#define FHS_QUERY_FILTER_H

#include "query/query_internal.h"

/* A _filter that is being read. */
struct fhs_filter {
    fhs_query_parser *parser;
    fhs_str text;
    size_t at;       /* where the reading stands */
    size_t mark;     /* where that begins which a message would speak of */
    unsigned depth;  /* parentheses and brackets that are open */
    unsigned height; /* of the node just read */
};

typedef enum fhs_filter_op {
    FHS_OP_EQ, /* the first ones in the order of fhs_compare */
    FHS_OP_NE,
    FHS_OP_GT,
    FHS_OP_LT,
    FHS_OP_GE,
    FHS_OP_LE,
    FHS_OP_SA,
    FHS_OP_EB,
    FHS_OP_AP,
    FHS_OP_CO,
    FHS_OP_SW,
    FHS_OP_EW,
    FHS_OP_PR,
    FHS_OP_PO,
    FHS_OP_SS,
    FHS_OP_SB,
    FHS_OP_IN,
    FHS_OP_NI,
    FHS_OP_RE,
    FHS_OP_COUNT,
} fhs_filter_op;

/* Fail with what was expected at the mark. */
fhirstore_status fhs_filter_expects(fhs_filter *filter, const char *what);
/* Take " op value". */
fhirstore_status fhs_filter_take_test(fhs_filter *filter, fhs_filter_op *op_out,
                                      fhs_str *value_out);
/* Take a name: letters, digits, '_', '-' and ':'. */
fhs_str fhs_filter_take_name(fhs_filter *filter);
void fhs_filter_skip_blanks(fhs_filter *filter);
/* Take @a c if it comes next. */
bool fhs_filter_take(fhs_filter *filter, char c);
/* Take the word @a word if it comes next and ends there. */
bool fhs_filter_take_word(fhs_filter *filter, const char *word);

/* Whether @a code is a parameter of @a type; ERR_UNKNOWN_PARAM, ERR_MODIFIER. */
fhirstore_status fhs_filter_knows(fhs_query_parser *parser, fhs_type type, fhs_str code);
/* The node of "code op value", of a parameter that is known. */
fhirstore_status fhs_filter_leaf(fhs_query_parser *parser, fhs_type type, fhs_str code,
                                 fhs_filter_op op, fhs_str value, fhs_node **out);
/*
 * A composite by its components: "code[a eq x].b gt 5". The filter stands behind the '['.
 * *taken_out false: @a code is no composite, and nothing was read.
 */
fhirstore_status fhs_filter_composite(fhs_filter *filter, fhs_type type, fhs_str code,
                                      bool *taken_out, fhs_node **out);
/* A value as the parameters of a URL have it: what separates there is escaped. */
fhirstore_status fhs_filter_escape(fhs_query_parser *parser, fhs_sparam_type type,
                                   const char *prefix, fhs_str value, fhs_str *out);

#endif
