/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FHIRPath: compile an expression once, evaluate it many times on trees of lib/json.
 *
 * A compiled expression is immutable and may be shared by threads. A run holds the memory of one
 * evaluation at a time and belongs to one thread; results live until its next evaluation.
 */
#ifndef FHS_FHIRPATH_FHIRPATH_H
#define FHS_FHIRPATH_FHIRPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/str.h"
#include "fhir/fhir.h"
#include "json/json.h"

/* ---- items ---- */

typedef enum fhs_fp_item_kind {
    FHS_ITEM_NODE, /* an element, or a resource */
    FHS_ITEM_BOOLEAN,
    FHS_ITEM_INTEGER, /* 32 bits */
    FHS_ITEM_LONG,
    FHS_ITEM_DECIMAL,
    FHS_ITEM_STRING,
    FHS_ITEM_DATE,
    FHS_ITEM_DATETIME,
    FHS_ITEM_TIME, /* year, month and day are 0 */
    FHS_ITEM_QUANTITY,
    FHS_ITEM_TYPE, /* what type() gives */
} fhs_fp_item_kind;

typedef struct fhs_fp_quantity {
    fhs_decimal value;
    fhs_str unit;    /* UCUM code, calendar word ("day", "days") or whatever the resource says */
    bool calendar;   /* the unit is a calendar word */
    bool is_literal; /* the unit is no UCUM code: it compares by its text only */
} fhs_fp_quantity;

typedef struct fhs_fp_type_info {
    fhs_str space; /* "System" or "FHIR" */
    fhs_str name;
} fhs_fp_type_info;

/* One item of a collection. Everything it points to is borrowed. */
typedef struct fhs_fp_item {
    uint8_t kind; /* fhs_fp_item_kind */
    bool boolean;
    fhs_type type; /* NODE: its FHIR type, FHS_TYPE_NONE when the definitions do not know it */
    union {
        struct {
            const fhs_json *json;    /* NULL where a primitive has only id or extensions */
            const fhs_json *sibling; /* the "_name" object of a primitive, or NULL */
        } node;
        int64_t integer; /* INTEGER, LONG */
        fhs_str text;
        const fhs_decimal *decimal;
        const fhs_date *date; /* DATE, DATETIME, TIME */
        const fhs_fp_quantity *quantity;
        const fhs_fp_type_info *info;
    };
} fhs_fp_item;

/* ---- compiling ---- */

typedef struct fhs_fhirpath fhs_fhirpath; /* a compiled expression */

typedef struct fhs_fhirpath_options {
    const fhs_fhir *fhir;  /* whose types; required */
    fhs_type context_type; /* what it will be evaluated on; FHS_TYPE_NONE: anything */
    bool
        strict; /* unknown elements, and order-dependent functions on unordered input, are errors */
} fhs_fhirpath_options;

/*
 * Compile @a text (copied). ERR_FHIRPATH_SYNTAX, ERR_FHIRPATH_SEMANTIC (unknown function, wrong
 * arguments, unknown element …), both with offset; ERR_LIMIT; ERR_NO_MEMORY. *out is NULL on
 * failure.
 */
fhirstore_status fhs_fhirpath_compile(const fhs_fhirpath_options *options, fhs_str text,
                                      fhs_fhirpath **out, fhirstore_error **err);
void fhs_fhirpath_free(fhs_fhirpath *path);

/* ---- evaluating ---- */

typedef enum fhs_fp_answer {
    FHS_ANSWER_NO,
    FHS_ANSWER_YES,
    FHS_ANSWER_UNKNOWN, /* gives an empty result, or an error where the specification wants one */
} fhs_fp_answer;

/*
 * What the engine cannot know by itself. Any member may be NULL. A failure is returned unchanged.
 * Trees handed in stay valid until the evaluation's results are no longer used.
 */
typedef struct fhs_fhirpath_hooks {
    void *ctx;
    /*
     * The resource behind a reference that is neither contained nor in the Bundle at hand;
     * *resource_out stays NULL when there is none.
     */
    fhirstore_status (*resolve)(void *ctx, fhs_str reference, const fhs_json **resource_out,
                                fhirstore_error **err);
    /* Whether a code is in a value set; @a system may be empty. */
    fhirstore_status (*member_of)(void *ctx, fhs_str value_set, fhs_str system, fhs_str code,
                                  fhs_fp_answer *answer_out, fhirstore_error **err);
    /* Whether code @a a of @a system subsumes @a b. */
    fhirstore_status (*subsumes)(void *ctx, fhs_str system, fhs_str a, fhs_str b,
                                 fhs_fp_answer *answer_out, fhirstore_error **err);
    /* Whether an element conforms to a profile that is no base definition. */
    fhirstore_status (*conforms_to)(void *ctx, fhs_str profile, const fhs_fp_item *item,
                                    fhs_fp_answer *answer_out, fhirstore_error **err);
    void (*trace)(void *ctx, fhs_str name, const fhs_fp_item *items, size_t count);
    /* Microseconds since 1970; NULL: the system's clock. Asked once an evaluation at most. */
    int64_t (*now_us)(void *ctx);
} fhs_fhirpath_hooks;

typedef struct fhs_fhirpath_variable {
    fhs_str name; /* without "%" */
    const fhs_fp_item *items;
    size_t count;
} fhs_fhirpath_variable;

typedef struct fhs_fhirpath_input {
    const fhs_json *resource;   /* %resource; may be NULL */
    const fhs_json *root;       /* %rootResource; NULL: the same */
    const fhs_fp_item *context; /* %context; NULL: the resource */
    const fhs_fhirpath_variable *variables;
    size_t variable_count;
    const fhs_fhirpath_hooks *hooks; /* may be NULL */
    uint64_t max_steps;              /* 0: FHS_LIMIT_FHIRPATH_STEPS */
    uint32_t max_results;            /* 0: FHS_LIMIT_FHIRPATH_RESULTS */
} fhs_fhirpath_input;

typedef struct fhs_fhirpath_run fhs_fhirpath_run;

/* NULL: no memory. @a max_bytes bounds what one evaluation may take, 0: 64 MiB. */
fhs_fhirpath_run *fhs_fhirpath_run_new(size_t max_bytes);
void fhs_fhirpath_run_free(fhs_fhirpath_run *run);

/*
 * Evaluate. The items are borrowed until the next evaluation of @a run or its end.
 * ERR_FHIRPATH_EVAL with the offset in the expression, ERR_LIMIT, ERR_NO_MEMORY, or what a hook
 * said.
 */
fhirstore_status fhs_fhirpath_evaluate(const fhs_fhirpath *path, fhs_fhirpath_run *run,
                                       const fhs_fhirpath_input *input,
                                       const fhs_fp_item **items_out, size_t *count_out,
                                       fhirstore_error **err);

/* Steps that the last evaluation of @a run did not use of those it was given. */
uint64_t fhs_fhirpath_steps_left(const fhs_fhirpath_run *run);

/* ---- items in and out ---- */

/* A resource, or an element of type @a type (FHS_TYPE_NONE: ask its resourceType). */
fhs_fp_item fhs_fp_item_of_json(const fhs_fhir *fhir, const fhs_json *json, fhs_type type);
fhs_fp_item fhs_fp_item_of_string(fhs_str text);
fhs_fp_item fhs_fp_item_of_boolean(bool value);
fhs_fp_item fhs_fp_item_of_integer(int64_t value);

/* The item's type as results name it: "string", "HumanName", "Quantity"; System types in FHIR's
 * words. */
fhs_str fhs_fp_item_type(const fhs_fhir *fhir, const fhs_fp_item *item);
/*
 * A primitive or System value as FHIRPath writes it ("@1974-12-25", "1 'mg'", "true"); false for
 * anything else and for primitives without a value.
 */
bool fhs_fp_item_write_text(const fhs_fhir *fhir, const fhs_fp_item *item, fhs_buf *out);
/*
 * Append [{"type":"string","value":"…"},…]. Values are strings as fhs_fp_item_write_text() gives
 * them; elements with children are JSON objects; a primitive without a value has "value" null.
 */
void fhs_fhirpath_write_result(const fhs_fhir *fhir, const fhs_fp_item *items, size_t count,
                               fhs_buf *out);

#endif
