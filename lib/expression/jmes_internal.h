/* SPDX-License-Identifier: Apache-2.0 */
/* What a JMESPath expression is compiled to; shared by the jmes_*.c files. */
#ifndef FHS_EXPRESSION_JMES_INTERNAL_H
#define FHS_EXPRESSION_JMES_INTERNAL_H

#include "expression/jmespath.h"

/* ---- tokens ---- */

typedef enum fhs_jmes_token_kind {
    FHS_JMES_END,
    FHS_JMES_NAME,   /* foo */
    FHS_JMES_QUOTED, /* "foo" */
    FHS_JMES_NUMBER,
    FHS_JMES_VALUE, /* `…` or '…' */
    FHS_JMES_DOT,
    FHS_JMES_STAR,
    FHS_JMES_FLATTEN,     /* [] */
    FHS_JMES_OPEN_FILTER, /* [? */
    FHS_JMES_OPEN_BRACKET,
    FHS_JMES_CLOSE_BRACKET,
    FHS_JMES_OPEN_PAREN,
    FHS_JMES_CLOSE_PAREN,
    FHS_JMES_OPEN_BRACE,
    FHS_JMES_CLOSE_BRACE,
    FHS_JMES_COMMA,
    FHS_JMES_COLON,
    FHS_JMES_AT,
    FHS_JMES_AMPERSAND,
    FHS_JMES_NOT,
    FHS_JMES_AND,
    FHS_JMES_OR,
    FHS_JMES_PIPE,
    FHS_JMES_EQUAL,
    FHS_JMES_NOT_EQUAL,
    FHS_JMES_LESS,
    FHS_JMES_LESS_OR_EQUAL,
    FHS_JMES_GREATER,
    FHS_JMES_GREATER_OR_EQUAL,
    FHS_JMES_BAD, /* the lexer's problem says why */
} fhs_jmes_token_kind;

typedef struct fhs_jmes_token {
    fhs_jmes_token_kind kind;
    size_t at;
    fhs_str text;          /* NAME, QUOTED */
    int32_t number;        /* NUMBER */
    const fhs_json *value; /* VALUE */
} fhs_jmes_token;

typedef struct fhs_jmes_lexer {
    fhs_arena *arena;
    fhs_str text;
    size_t at;
    const char *problem; /* of a BAD token; NULL with it: out of memory */
} fhs_jmes_lexer;

void fhs_jmes_next_token(fhs_jmes_lexer *lexer, fhs_jmes_token *out);

/* ---- the tree ---- */

typedef enum fhs_jmes_kind {
    FHS_JMES_FIELD,
    FHS_JMES_INDEX,
    FHS_JMES_SLICE,
    FHS_JMES_CURRENT,
    FHS_JMES_LITERAL,
    FHS_JMES_REFERENCE,  /* &left */
    FHS_JMES_CALL,       /* parts: arguments */
    FHS_JMES_THEN,       /* left.right, left[right], left | right */
    FHS_JMES_OR_ELSE,    /* left || right */
    FHS_JMES_AND_THEN,   /* left && right */
    FHS_JMES_NEGATE,     /* !left */
    FHS_JMES_COMPARE,    /* left, right, comparison */
    FHS_JMES_LIST,       /* parts */
    FHS_JMES_HASH,       /* parts, each with its name */
    FHS_JMES_FLATTENED,  /* left */
    FHS_JMES_EACH_ITEM,  /* right of each item of left */
    FHS_JMES_EACH_VALUE, /* right of each member's value of left */
    FHS_JMES_EACH_WHERE, /* right of each item of left for which condition is true */
} fhs_jmes_kind;

typedef struct fhs_jmes_function fhs_jmes_function;
typedef struct fhs_jmes_node fhs_jmes_node;

struct fhs_jmes_node {
    fhs_jmes_kind kind;
    uint32_t depth; /* levels of nodes below and with this one */
    size_t at;      /* where it stands in the text */
    size_t split;   /* where what belongs to left ends and the rest begins; 0: not so */
    fhs_str name;   /* FIELD, CALL, a part of a HASH */
    union {
        int32_t index;
        struct {
            int32_t start, end, step;
            bool has_start, has_end;
        } slice;
        const fhs_json *literal;
        fhs_jmes_token_kind comparison;
        uint32_t part_count;
    };
    const fhs_jmes_function *function; /* CALL, once it is checked */
    fhs_jmes_node *left;
    fhs_jmes_node *right;
    fhs_jmes_node *condition;
    fhs_jmes_node *parts; /* the first of them */
    fhs_jmes_node *next;  /* the part behind this one */
    fhs_jmes_node *next_call;
};

struct fhs_jmespath {
    const fhs_jmes_node *root;
    fhs_str text;
    bool is_projection;
};

/* ---- evaluation ---- */

typedef struct fhs_jmes_run {
    fhs_expression_run *run;
    uint32_t depth; /* of values that are compared */
    fhirstore_error **err;
    fhirstore_status status;
} fhs_jmes_run;

/* One argument of a function: a value, or what an expression says of other values. */
typedef struct fhs_jmes_argument {
    const fhs_json *value;
    const fhs_jmes_node *reference;
} fhs_jmes_argument;

/* Types of arguments, or'ed. */
enum {
    FHS_JMES_TYPE_NULL = 1,
    FHS_JMES_TYPE_BOOLEAN = 2,
    FHS_JMES_TYPE_NUMBER = 4,
    FHS_JMES_TYPE_STRING = 8,
    FHS_JMES_TYPE_ARRAY = 16,
    FHS_JMES_TYPE_OBJECT = 32,
    FHS_JMES_TYPE_ANY = 63,
    FHS_JMES_TYPE_REFERENCE = 64,
    /* Arrays of only numbers, only strings; not with ARRAY. */
    FHS_JMES_TYPE_NUMBERS = 128,
    FHS_JMES_TYPE_STRINGS = 256,
};

#define FHS_JMES_ARGUMENTS_MAX 3u

/* NULL: failed, run->status says why. @a call is where the function stands. */
typedef const fhs_json *(*fhs_jmes_body)(fhs_jmes_run *run, const fhs_jmes_node *call,
                                         const fhs_jmes_argument *arguments, uint32_t count);

struct fhs_jmes_function {
    const char *name;
    uint32_t count;
    bool variadic; /* the last one may be repeated */
    uint16_t types[FHS_JMES_ARGUMENTS_MAX];
    fhs_jmes_body body;
};

/* NULL: there is none of this name. */
const fhs_jmes_function *fhs_jmes_function_find(fhs_str name);

/* NULL: failed. Nothing is JSON null. */
const fhs_json *fhs_jmes_eval(fhs_jmes_run *run, const fhs_jmes_node *node,
                              const fhs_json *current);
const fhs_json *fhs_jmes_call(fhs_jmes_run *run, const fhs_jmes_node *call,
                              const fhs_json *current);

/* JSON null, true and false. */
const fhs_json *fhs_jmes_null(void);
const fhs_json *fhs_jmes_boolean(bool value);
/* False, with the limit as reason, when no steps are left. */
bool fhs_jmes_spend(fhs_jmes_run *run, uint64_t steps);
/* @a value, or the failure for want of memory. */
const fhs_json *fhs_jmes_made(fhs_jmes_run *run, const fhs_json *value);
/* Memory of the run; NULL: failed. */
void *fhs_jmes_alloc(fhs_jmes_run *run, size_t size);
/* Room for @a count items; NULL: failed. */
fhs_json *fhs_jmes_items(fhs_jmes_run *run, uint64_t count);
const fhs_json *fhs_jmes_array(fhs_jmes_run *run, const fhs_json *items, uint32_t count);
const fhs_json *fhs_jmes_object(fhs_jmes_run *run, const fhs_json_member *members, uint32_t count);
/* Always NULL: the call has no result for these arguments. */
const fhs_json *fhs_jmes_refuse(fhs_jmes_run *run, const fhs_jmes_node *call, const char *problem);
/* As JSON: order of members does not matter, 1 equals 1.0. False also when it fails. */
bool fhs_jmes_equal(fhs_jmes_run *run, const fhs_json *a, const fhs_json *b);
/* -1, 0, 1 of two numbers. */
int fhs_jmes_compare_numbers(const fhs_json *a, const fhs_json *b);

/* jmes_sort.c, jmes_arith.c: bodies of functions. */
#define FHS_JMES_BODY(name)                                            \
    const fhs_json *name(fhs_jmes_run *run, const fhs_jmes_node *call, \
                         const fhs_jmes_argument *arguments, uint32_t count)
FHS_JMES_BODY(fhs_jmes_sort);
FHS_JMES_BODY(fhs_jmes_sort_by);
FHS_JMES_BODY(fhs_jmes_max);
FHS_JMES_BODY(fhs_jmes_min);
FHS_JMES_BODY(fhs_jmes_max_by);
FHS_JMES_BODY(fhs_jmes_min_by);
FHS_JMES_BODY(fhs_jmes_abs);
FHS_JMES_BODY(fhs_jmes_avg);
FHS_JMES_BODY(fhs_jmes_ceil);
FHS_JMES_BODY(fhs_jmes_floor);
FHS_JMES_BODY(fhs_jmes_sum);
FHS_JMES_BODY(fhs_jmes_add);
FHS_JMES_BODY(fhs_jmes_subtract);
FHS_JMES_BODY(fhs_jmes_multiply);
FHS_JMES_BODY(fhs_jmes_divide);
FHS_JMES_BODY(fhs_jmes_pow);
FHS_JMES_BODY(fhs_jmes_insert_string);
FHS_JMES_BODY(fhs_jmes_from_unix);
FHS_JMES_BODY(fhs_jmes_from_unix_ms);

#endif
