/* SPDX-License-Identifier: Apache-2.0 */
/* What a JSONPath is compiled to; shared by path_parse.c, path_select.c and path_compare.c. */
#ifndef FHS_EXPRESSION_PATH_INTERNAL_H
#define FHS_EXPRESSION_PATH_INTERNAL_H

#include "expression/jsonpath.h"
#include "fhirpath/regex.h"

typedef enum fhs_path_kind {
    FHS_PATH_ROOT,        /* "$" in a filter */
    FHS_PATH_FIELDS,      /* .name ['name'] ['a','b'] */
    FHS_PATH_ALL_FIELDS,  /* .* */
    FHS_PATH_SCAN_FIELDS, /* ..name ..['a','b'] */
    FHS_PATH_SCAN_ALL,    /* ..* */
    FHS_PATH_INDEXES,     /* [1] [1,2] */
    FHS_PATH_ALL_ITEMS,   /* [*] */
    FHS_PATH_SLICE,       /* [1:2:3] */
    FHS_PATH_FILTER,      /* [?(…)] */
    FHS_PATH_SCAN_FILTER, /* ..[?(…)] */
} fhs_path_kind;

typedef struct fhs_path_step fhs_path_step;
typedef struct fhs_path_filter fhs_path_filter;

struct fhs_path_step {
    fhs_path_kind kind;
    uint32_t count; /* of names or indexes */
    union {
        const fhs_str *names;
        const int32_t *indexes;
        const fhs_path_filter *filter;
        struct {
            int32_t start, end, step;
            bool has_start, has_end;
        } slice;
    };
    bool only_objects; /* FILTER, SCAN_FILTER: nothing but an object can pass */
    size_t end;        /* where it ends in the text */
    const fhs_path_step *next;
};

typedef enum fhs_path_operator {
    FHS_PATH_EXISTS,
    FHS_PATH_EQUAL,
    FHS_PATH_NOT_EQUAL,
    FHS_PATH_SAME, /* === */
    FHS_PATH_NOT_SAME,
    FHS_PATH_LESS,
    FHS_PATH_LESS_OR_EQUAL,
    FHS_PATH_GREATER,
    FHS_PATH_GREATER_OR_EQUAL,
    FHS_PATH_MATCHES, /* =~ */
    FHS_PATH_AND,
    FHS_PATH_OR,
} fhs_path_operator;

/* One side of a comparison: a path from the tested token, or a value. */
typedef struct fhs_path_side {
    const fhs_json *literal; /* NULL: it is a path */
    const fhs_path_step *steps;
} fhs_path_side;

struct fhs_path_filter {
    fhs_path_operator op;
    fhs_path_side left;
    fhs_path_side right;
    const fhs_regex *regex;       /* MATCHES with a pattern that is written down */
    const fhs_path_filter *first; /* AND, OR: their terms */
    const fhs_path_filter *next;  /* the term behind this one */
    bool only_objects;            /* the same of a single term */
};

struct fhs_jsonpath {
    const fhs_path_step *steps;
    fhs_str text;
    size_t from; /* where the first step begins in it */
};

/*
 * What a step hands to the next: a value, or a member as such, which is neither an object nor an
 * array but has its value as only child.
 */
typedef struct fhs_path_token {
    const fhs_json *value;
    bool is_member;
} fhs_path_token;

/* fhs_jsonpath_select() with the steps before @a end only. */
fhirstore_status fhs_path_select_before(const fhs_jsonpath *path, const fhs_path_step *end,
                                        fhs_expression_run *run, const fhs_json *root, uint32_t max,
                                        fhs_expression_nodes *nodes_out, fhirstore_error **err);

/* "/pattern/flags"; NULL with *problem_out set, or with it NULL for want of memory. */
const fhs_regex *fhs_path_regex(fhs_arena *arena, fhs_str text, const char **problem_out);

/* Whether two values compare as @a op, which is neither EXISTS nor MATCHES, says. */
fhirstore_status fhs_path_compare(fhs_path_operator op, fhs_path_token left, fhs_path_token right,
                                  bool *holds_out, fhirstore_error **err);

#endif
