/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the program, the run and its stack, and helpers. */
#ifndef FHS_FHIRPATH_INTERNAL_H
#define FHS_FHIRPATH_INTERNAL_H

#include "base/arena.h"
#include "fhirpath/ast.h"
#include "fhirpath/fhirpath.h"
#include "fhirpath/regex.h"

#define FHS_FP_ALL UINT32_MAX

/* System types that an item or a type specifier can have; NODE stands for none of them. */
typedef uint8_t fhs_fp_system; /* fhs_fp_item_kind */

typedef struct fhs_fp_step fhs_fp_step;
typedef struct fhs_fp_function fhs_fp_function;

/* A type specifier, looked up. A plain name may mean a type of both worlds ("Quantity"). */
typedef struct fhs_fp_type_spec {
    bool known;           /* something has this name */
    bool is_any;          /* System.Any */
    fhs_fp_system system; /* FHS_ITEM_NODE: no System type */
    fhs_type fhir;        /* FHS_TYPE_NONE: no FHIR type */
} fhs_fp_type_spec;

/* One node of the program. */
struct fhs_fp_step {
    uint8_t kind; /* fhs_fp_kind */
    uint8_t op;   /* fhs_fp_op */
    uint16_t flags;
    uint32_t at;
    uint32_t arg_count;
    bool is_type_name; /* MEMBER at the start of a path: may name the type of the focus */
    bool is_complex;   /* MEMBER: `property` is no primitive, so it has no sibling */
    fhs_str text;
    fhs_str unit;
    const fhs_fp_step *left;
    const fhs_fp_step *right;
    const fhs_fp_step *const *args;
    const fhs_fp_function *function;
    fhs_fp_type_spec spec; /* IS, AS, the type functions, INSTANCE, a MEMBER that may name a type */
    fhs_fp_item constant;
    const fhs_regex *regex; /* a pattern that is a literal, compiled */
    /* MEMBER: what it is in type `static_type`, when that is known and it is no choice. */
    fhs_type static_type;
    fhs_property property;
};

struct fhs_fhirpath {
    fhs_arena arena;
    const fhs_fhir *fhir;
    fhs_str text;
    const fhs_fp_step *root;
};

/* The surroundings of an expression: $this, $index, $total. */
typedef struct fhs_fp_scope {
    fhs_fp_item self;
    bool has_self;
    bool has_total;
    int64_t index;
    const fhs_fp_item *total; /* lives in the arena */
    uint32_t total_count;
    /* The value of a variable is seen from all of the input at once: then this replaces self. */
    const fhs_fp_item *many;
    uint32_t many_count;
} fhs_fp_scope;

typedef struct fhs_fp_defined {
    fhs_str name;
    const fhs_fp_item *items;
    uint32_t count;
} fhs_fp_defined;

/* More variables than this at one time are a limit error. */
#define FHS_FP_MAX_DEFINED 64u

struct fhs_fhirpath_run {
    fhs_arena arena;
    fhs_fp_item *stack;
    uint32_t top;
    uint32_t capacity; /* how far the stack may be used now: up to max_results */
    uint32_t allocated;
    uint32_t max_results;
    uint32_t limit; /* how many items the caller of the current function wants */
    uint64_t steps_left;
    const fhs_fhirpath *path;
    const fhs_fhir *fhir;
    const fhs_fhirpath_input *input;
    const fhs_json *root;
    fhs_fp_item context;
    bool has_context;
    bool has_now;
    int64_t now_us;
    fhirstore_error **err;
    fhs_fp_defined defined[FHS_FP_MAX_DEFINED];
    uint32_t defined_count;
    /* Which System type a FHIR type converts to, by version; built when first needed. */
    uint8_t *systems[FHS_FHIR_R5 + 1];
};

/* A function works on the items [base, top) of the stack and leaves its result there. */
typedef fhirstore_status (*fhs_fp_call)(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                        const fhs_fp_scope *scope, uint32_t base);

enum {
    FHS_FN_ORDER = 1,     /* depends on the order of its input */
    FHS_FN_TYPE = 2,      /* its argument is a type specifier */
    FHS_FN_STRING = 4,    /* its input is a string */
    FHS_FN_UNORDERED = 8, /* gives items in no order that could be relied on */
    FHS_FN_SAME = 16,     /* gives (some of) its input: the type stays */
    FHS_FN_SCOPED = 32,   /* its arguments see each item as $this */
    FHS_FN_NO_INPUT = 64, /* does not look at its input */
};

struct fhs_fp_function {
    const char *name;
    fhs_fp_call call;
    uint8_t min_args;
    uint8_t max_args;
    uint8_t flags;
    uint8_t result;       /* static System type of the result; FHS_ITEM_NODE: unknown */
    uint32_t input_limit; /* how many items of the input it needs; 0: all */
};

/* functions.c: NULL when there is no such function. */
const fhs_fp_function *fhs_fp_function_find(fhs_str name);

/* ---- eval.c ---- */

#define FHS_TRY(call)                                \
    do {                                             \
        fhirstore_status status_ = (call);           \
        if (FHS_UNLIKELY(status_ != FHIRSTORE_OK)) { \
            return status_;                          \
        }                                            \
    } while (0)

/* Evaluate @a op; its items are pushed. At most @a limit of them are wanted. */
fhirstore_status fhs_fp_eval(fhs_fhirpath_run *run, const fhs_fp_step *op,
                             const fhs_fp_scope *scope, uint32_t limit);
/* The same as an expression of its own: variables that it defines end with it. */
fhirstore_status fhs_fp_eval_apart(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                   const fhs_fp_scope *scope, uint32_t limit);
/* Evaluate to one Boolean: 1, 0, or -1 for empty. Leaves nothing on the stack. */
fhirstore_status fhs_fp_eval_boolean(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, int *out);
/* Evaluate to at most one item (as System value); *found says whether there is one. */
fhirstore_status fhs_fp_eval_single(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_scope *scope, fhs_fp_item *out, bool *found);
/* The same for a string or an integer: anything else is an error. */
fhirstore_status fhs_fp_eval_string(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_scope *scope, fhs_str *out, bool *found);
fhirstore_status fhs_fp_eval_integer(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, int64_t *out, bool *found);

/* ERR_FHIRPATH_EVAL at @a op. */
fhirstore_status fhs_fp_fail(fhs_fhirpath_run *run, const fhs_fp_step *op, const char *format, ...)
    FHS_PRINTF(3, 4);
fhirstore_status fhs_fp_limit(fhs_fhirpath_run *run, const char *name);
fhirstore_status fhs_fp_memory(fhs_fhirpath_run *run);
/* Count @a steps of work against the limit. */
fhirstore_status fhs_fp_work(fhs_fhirpath_run *run, uint64_t steps);
fhirstore_status fhs_fp_grow(fhs_fhirpath_run *run);

static inline fhirstore_status fhs_fp_push(fhs_fhirpath_run *run, const fhs_fp_item *item)
{
    fhs_fp_item copy = *item; /* it may live on the stack, which may move */
    if (FHS_UNLIKELY(run->top == run->capacity)) {
        FHS_TRY(fhs_fp_grow(run));
    }
    run->stack[run->top++] = copy;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fp_push_boolean(fhs_fhirpath_run *run, bool value);
fhirstore_status fhs_fp_push_integer(fhs_fhirpath_run *run, int64_t value);
fhirstore_status fhs_fp_push_long(fhs_fhirpath_run *run, int64_t value);
fhirstore_status fhs_fp_push_string(fhs_fhirpath_run *run, fhs_str text);
fhirstore_status fhs_fp_push_decimal(fhs_fhirpath_run *run, const fhs_decimal *value);
fhirstore_status fhs_fp_push_date(fhs_fhirpath_run *run, fhs_fp_item_kind kind,
                                  const fhs_date *value);
fhirstore_status fhs_fp_push_quantity(fhs_fhirpath_run *run, const fhs_fp_quantity *value);
/* Push what @a buf holds as a string, and clear it. */
fhirstore_status fhs_fp_push_buf(fhs_fhirpath_run *run, fhs_buf *buf);
/* Drop the items [from, to) and close the gap. */
void fhs_fp_drop(fhs_fhirpath_run *run, uint32_t from, uint32_t to);
/* A scope for one item of an iteration. */
fhs_fp_scope fhs_fp_scope_of(const fhs_fp_scope *outer, const fhs_fp_item *item, int64_t index);

/*
 * The single input of a function, as System value where it has one: *found is false when the
 * input is empty; several items are an error. The input is taken off the stack.
 */
fhirstore_status fhs_fp_single(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                               fhs_fp_item *out, bool *found);
/* The same, which must be a string. */
fhirstore_status fhs_fp_single_string(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                      fhs_str *out, bool *found);

/* instance.c: build Type { element: value }. */
fhirstore_status fhs_fp_build_instance(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                       const fhs_fp_scope *scope);
/* ---- check.c ---- */

/* What is known of an expression before it is evaluated. */
typedef struct fhs_fp_static {
    fhs_type fhir;        /* FHS_TYPE_NONE: not known */
    fhs_fp_system system; /* FHS_ITEM_NODE: no System type, or not known */
    bool unordered;
} fhs_fp_static;

typedef struct fhs_fp_compiler {
    fhs_fhirpath *path;
    fhs_fhirpath_options options;
    fhirstore_error **err;
} fhs_fp_compiler;

/* ERR_FHIRPATH_SEMANTIC at @a node. */
fhirstore_status fhs_fp_refuse(const fhs_fp_compiler *compiler, const fhs_fp_node *node,
                               const char *format, ...) FHS_PRINTF(3, 4);
/* Look @a op->text up in what is known of the input, and say what comes out. */
fhirstore_status fhs_fp_check_member(const fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_fp_static *input, fhs_fp_step *op,
                                     fhs_fp_static *out);
fhirstore_status fhs_fp_check_function(const fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                       const fhs_fp_step *op, const fhs_fp_static *input,
                                       const fhs_fp_static *args, fhs_fp_static *out);
fhirstore_status fhs_fp_check_binary(const fhs_fp_compiler *compiler, const fhs_fp_node *node,
                                     const fhs_fp_static *left, const fhs_fp_static *right,
                                     fhs_fp_static *out);

/* ---- navigate.c ---- */

fhs_fp_item fhs_fp_make_node(const fhs_fhir *fhir, const fhs_json *json, const fhs_json *sibling,
                             fhs_type type);
/* Push the children called op->text of @a item, until @a limit items are above @a base. */
fhirstore_status fhs_fp_push_member(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_item *item, uint32_t base, uint32_t limit);
/* The same by name only. */
fhirstore_status fhs_fp_push_named(fhs_fhirpath_run *run, const fhs_fp_item *item, fhs_str name);
/* Push all children. */
fhirstore_status fhs_fp_push_children(fhs_fhirpath_run *run, const fhs_fp_item *item);

/* ---- value.c ---- */

/* Which System type nodes of FHIR type @a type convert to; FHS_ITEM_NODE: none. */
fhs_fp_system fhs_fp_system_of(const fhs_fhir *fhir, fhs_type type);
/* The table of that for all types. */
fhirstore_status fhs_fp_systems_ready(fhs_fhirpath_run *run);
/*
 * The System value of an item: primitives and Quantities are converted, the rest stays. A
 * primitive without value, or with one that is not of its type, stays a node.
 */
fhirstore_status fhs_fp_value(fhs_fhirpath_run *run, const fhs_fp_item *item, fhs_fp_item *out);
/* Whether the item is a primitive that has a value. */
bool fhs_fp_has_value(const fhs_fhirpath_run *run, const fhs_fp_item *item);
/* The text of a System value as toString() gives it; false for nodes. */
bool fhs_fp_write_value(const fhs_fp_item *value, fhs_buf *out);
/* A FHIR Quantity; false when it has no value. */
bool fhs_fp_quantity_of(const fhs_json *json, fhs_fp_quantity *out);

/* ---- compare.c ---- */

/* 1, 0, or -1 for empty. */
fhirstore_status fhs_fp_equal(fhs_fhirpath_run *run, const fhs_fp_item *a, const fhs_fp_item *b,
                              int *out);
fhirstore_status fhs_fp_equivalent(fhs_fhirpath_run *run, const fhs_fp_item *a,
                                   const fhs_fp_item *b, int *out);
/* Collections on the stack: [a, b) and [b, top). */
fhirstore_status fhs_fp_equal_ranges(fhs_fhirpath_run *run, uint32_t a, uint32_t b, int *out);
fhirstore_status fhs_fp_equivalent_ranges(fhs_fhirpath_run *run, uint32_t a, uint32_t b, int *out);
/* Order of two items: *out is -1, 0, 1; *known false gives empty. Types that do not compare fail.
 */
fhirstore_status fhs_fp_order(fhs_fhirpath_run *run, const fhs_fp_step *op, const fhs_fp_item *a,
                              const fhs_fp_item *b, int *out, bool *known);
/* Whether [from, to) holds an item equal to @a item. */
fhirstore_status fhs_fp_contains(fhs_fhirpath_run *run, uint32_t from, uint32_t to,
                                 const fhs_fp_item *item, bool *out);
/* Move the items from @a from on that are not yet in [base, …) down; drop the others. */
fhirstore_status fhs_fp_unite(fhs_fhirpath_run *run, uint32_t base, uint32_t from);

/* ---- math.c ---- */

fhirstore_status fhs_fp_arithmetic(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                   const fhs_fp_item *a, const fhs_fp_item *b);
fhirstore_status fhs_fp_negate(fhs_fhirpath_run *run, const fhs_fp_step *op, const fhs_fp_item *a);
/* An integer, long or decimal as decimal; false for anything else. */
bool fhs_fp_to_decimal(const fhs_fp_item *value, fhs_decimal *out);
/* The same for quantities, and numbers as quantities of unit 1. */
bool fhs_fp_to_quantity(const fhs_fp_item *value, fhs_fp_quantity *out);

/* ---- temporal.c ---- */

/* Parse the text of a date, dateTime or time, partial ones and those without zone included. */
bool fhs_fp_date_parse(fhs_str text, fhs_fp_item_kind kind, fhs_date *out);
/* As FHIRPath and FHIR write it, without "@". */
void fhs_fp_date_write(const fhs_date *date, fhs_fp_item_kind kind, fhs_buf *out);
/* Order of two: *known false where precisions or zones leave it open. */
int fhs_fp_date_order(const fhs_date *a, const fhs_date *b, bool *known);
/* Whether both have the same precision (seconds and fractions count as one). */
bool fhs_fp_date_same_precision(const fhs_date *a, const fhs_date *b);
fhirstore_status fhs_fp_date_add(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                 const fhs_fp_item *date, const fhs_fp_quantity *quantity,
                                 bool subtract);
fhirstore_status fhs_fp_now(fhs_fhirpath_run *run, fhs_date *out);

/* ---- quantity.c ---- */

/* Order of two quantities; *known false when their units cannot be compared. */
int fhs_fp_quantity_order(const fhs_fp_quantity *a, const fhs_fp_quantity *b, bool *known);
/* 1, 0, or -1: cannot be compared. */
int fhs_fp_quantity_equivalent(const fhs_fp_quantity *a, const fhs_fp_quantity *b);
bool fhs_fp_quantity_comparable(const fhs_fp_quantity *a, const fhs_fp_quantity *b);
/* False: empty. Units may be written into the arena. */
fhirstore_status fhs_fp_quantity_add(fhs_fhirpath_run *run, const fhs_fp_quantity *a,
                                     const fhs_fp_quantity *b, bool subtract, fhs_fp_quantity *out,
                                     bool *found);
fhirstore_status fhs_fp_quantity_multiply(fhs_fhirpath_run *run, const fhs_fp_quantity *a,
                                          const fhs_fp_quantity *b, bool divide,
                                          fhs_fp_quantity *out, bool *found);
bool fhs_fp_quantity_convert(const fhs_fp_quantity *value, fhs_str unit, fhs_fp_quantity *out);
/* Index of a calendar word (singular or plural) from year to millisecond, or -1. */
int fhs_fp_calendar_unit(fhs_str word);
/* The same for the UCUM codes of those units: "a", "mo", "wk" … */
int fhs_fp_calendar_code(fhs_str code);
enum {
    FHS_CAL_YEAR,
    FHS_CAL_MONTH,
    FHS_CAL_WEEK,
    FHS_CAL_DAY,
    FHS_CAL_HOUR,
    FHS_CAL_MINUTE,
    FHS_CAL_SECOND,
    FHS_CAL_MILLISECOND
};

/* ---- types.c ---- */

fhs_fp_type_spec fhs_fp_type_find(const fhs_fhir *fhir, fhs_str space, fhs_str name);
/* is: the type or one derived from it. */
bool fhs_fp_item_is(const fhs_fhirpath_run *run, const fhs_fp_item *item,
                    const fhs_fp_type_spec *spec);
/* as and ofType: the same, but a primitive must be of exactly this type. */
bool fhs_fp_item_as(const fhs_fhirpath_run *run, const fhs_fp_item *item,
                    const fhs_fp_type_spec *spec);

/* ---- functions, by file ---- */

#define FHS_FP_CALL(name)                                                           \
    fhirstore_status fhs_fp_fn_##name(fhs_fhirpath_run *run, const fhs_fp_step *op, \
                                      const fhs_fp_scope *scope, uint32_t base)

#endif
