/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FHIRPath expression as a tree: the full grammar (Normative Release 1 and what the current
 * specification adds: Long, sort directions, instance selectors). Nothing is looked up here: names
 * of elements, functions and types are as written. Plain data in an arena; walk it directly.
 *
 * The evaluator compiles this tree, and so does the index room for search parameters.
 */
#ifndef FHS_FHIRPATH_AST_H
#define FHS_FHIRPATH_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

typedef enum fhs_fp_kind {
    /* Literals. `text` is the value without quotes or "@", escapes decoded. */
    FHS_FP_EMPTY,    /* { } */
    FHS_FP_BOOLEAN,  /* text: "true" or "false" */
    FHS_FP_STRING,   /* text: content */
    FHS_FP_INTEGER,  /* text: digits */
    FHS_FP_LONG,     /* text: digits, without the L */
    FHS_FP_DECIMAL,  /* text: digits "." digits */
    FHS_FP_DATE,     /* text: "2015-02-04" */
    FHS_FP_DATETIME, /* text: "2015-02-04T14:34:28+10:00", at least the T */
    FHS_FP_TIME,     /* text: "14:34:28" (without the T); a zone behind it fails when evaluated */
    FHS_FP_QUANTITY, /* text: the number; unit: UCUM code or calendar word; see FHS_FP_CALENDAR */

    /* Terms and path steps. `left` is the input of a step, NULL where a path begins. */
    FHS_FP_EXTERNAL, /* %name; text: name */
    FHS_FP_THIS,     /* $this */
    FHS_FP_INDEX,    /* $index */
    FHS_FP_TOTAL,    /* $total */
    FHS_FP_MEMBER,   /* text: name of an element, or of a type where a path begins */
    FHS_FP_FUNCTION, /* text: name; args */
    FHS_FP_INDEXER,  /* left [ right ] */

    /* Operators. */
    FHS_FP_POLARITY, /* op: FHS_OP_ADD or FHS_OP_SUBTRACT; left */
    FHS_FP_BINARY,   /* op; left, right */
    FHS_FP_IS,       /* left is type; text: name of the type, unit: namespace or empty */
    FHS_FP_AS,       /* left as type */

    /* Instance selector: Coding { system: 'x', code: 'y' }. */
    FHS_FP_INSTANCE, /* text, unit: type and namespace; args: FHS_FP_ELEMENT nodes */
    FHS_FP_ELEMENT,  /* text: name; left: value */
} fhs_fp_kind;

typedef enum fhs_fp_op {
    FHS_OP_NONE,
    FHS_OP_IMPLIES,
    FHS_OP_OR,
    FHS_OP_XOR,
    FHS_OP_AND,
    FHS_OP_IN,
    FHS_OP_CONTAINS,
    FHS_OP_EQUAL,
    FHS_OP_EQUIVALENT,
    FHS_OP_NOT_EQUAL,
    FHS_OP_NOT_EQUIVALENT,
    FHS_OP_LESS_EQUAL,
    FHS_OP_LESS,
    FHS_OP_GREATER,
    FHS_OP_GREATER_EQUAL,
    FHS_OP_UNION,
    FHS_OP_ADD,
    FHS_OP_SUBTRACT,
    FHS_OP_CONCATENATE,
    FHS_OP_MULTIPLY,
    FHS_OP_DIVIDE,
    FHS_OP_DIV,
    FHS_OP_MOD,
} fhs_fp_op;

enum {
    FHS_FP_CALENDAR = 1,   /* QUANTITY: the unit is a calendar word (days), not a quoted code */
    FHS_FP_DESCENDING = 2, /* argument of sort(): "desc" stands behind it */
    FHS_FP_DELIMITED =
        4, /* MEMBER, FUNCTION, EXTERNAL: the name was written in quotes or backticks */
};

typedef struct fhs_fp_node fhs_fp_node;
struct fhs_fp_node {
    uint8_t kind; /* fhs_fp_kind */
    uint8_t op;   /* fhs_fp_op */
    uint16_t flags;
    uint32_t begin; /* [begin, end): bytes of the whole subexpression in the text */
    uint32_t end;
    uint32_t at;     /* where its own name, operator or literal stands: errors point here */
    uint32_t height; /* levels of nodes below and including this one */
    uint32_t arg_count;
    fhs_str text;
    fhs_str unit;
    const fhs_fp_node *left;
    const fhs_fp_node *right;
    const fhs_fp_node *const *args;
};

/*
 * Parse one expression that fills @a text (white space and comments allowed around it). The tree
 * lives in @a arena and may borrow from @a text. Errors: ERR_FHIRPATH_SYNTAX with offset, line and
 * column and what was expected; ERR_LIMIT for length (FHS_LIMIT_EXPRESSION_BYTES), nesting
 * (FHS_LIMIT_EXPRESSION_DEPTH) or chains of operators (FHS_LIMIT_EXPRESSION_CHAIN);
 * ERR_NO_MEMORY. *root_out is NULL on failure.
 */
fhirstore_status fhs_fhirpath_parse(fhs_arena *arena, fhs_str text, const fhs_fp_node **root_out,
                                    fhirstore_error **err);

/*
 * Read a tree as a type specifier, as in ofType(FHIR.Patient): false unless it is one or two plain
 * names. @a space_out is empty when no namespace was written.
 */
bool fhs_fhirpath_type_specifier(const fhs_fp_node *node, fhs_str *space_out, fhs_str *name_out);

#endif
