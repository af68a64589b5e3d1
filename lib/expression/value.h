/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two expression languages work on and what a mapping makes of their results.
 *
 * A value is an fhs_json: either part of the message as it was read, or one that an expression
 * made, in the arena of the run. Made values have no place in a text (begin is
 * FHS_EXPRESSION_MADE), so they are written with fhs_expression_write(), never with
 * fhs_json_write_compact().
 *
 * Numbers keep their lexeme and have two kinds, as mappings written for .NET expect: without ".",
 * "e" and "E" an integer, else a double. "1" and "1.0" differ for arithmetic, not for comparison.
 */
#ifndef FHS_EXPRESSION_VALUE_H
#define FHS_EXPRESSION_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/str.h"
#include "json/json.h"

/* fhs_json.begin of a value that an expression made. */
#define FHS_EXPRESSION_MADE UINT32_MAX

typedef enum fhs_expression_kind {
    FHS_EXPRESSION_NULL,
    FHS_EXPRESSION_BOOLEAN,
    FHS_EXPRESSION_INTEGER,     /* fits int64 */
    FHS_EXPRESSION_BIG_INTEGER, /* does not */
    FHS_EXPRESSION_DOUBLE,
    FHS_EXPRESSION_STRING,
    FHS_EXPRESSION_DATE, /* from fromUnixTimestamp(); an fhs_json string of the form
                          * 2021-07-07T17:00:00Z
                          */
    FHS_EXPRESSION_ARRAY,
    FHS_EXPRESSION_OBJECT,
} fhs_expression_kind;

/*
 * The evaluation of any number of expressions on one message: where made values live and how much
 * work is left. It is used by one thread at a time; everything in it lives as long as the arena.
 */
typedef struct fhs_expression_run {
    fhs_arena *arena;
    uint64_t steps_left;
} fhs_expression_run;

/* A run with FHS_LIMIT_IOT_STEPS steps. The arena's budget should be FHS_LIMIT_IOT_BYTES. */
void fhs_expression_run_init(fhs_expression_run *run, fhs_arena *arena);

/*
 * What failing to allocate @a size bytes means: ERR_LIMIT with FHS_LIMIT_IOT_BYTES where the
 * arena's budget has come to its end, else ERR_NO_MEMORY.
 */
fhirstore_status fhs_expression_no_memory(const fhs_expression_run *run, size_t size,
                                          fhirstore_error **err);

/* Where an expression stops being text (valid UTF-8 without NUL), or its length. */
size_t fhs_expression_text_prefix(fhs_str text);

/* What looking through so many members or bytes costs, beside the step that does it. */
#define FHS_EXPRESSION_MEMBERS_COST(count) ((uint64_t)(count) >> 4)
#define FHS_EXPRESSION_BYTES_COST(len)     ((uint64_t)(len) >> 6)

/* Values in the order in which they were found; the same value may stand there twice. */
typedef struct fhs_expression_nodes {
    const fhs_json **items;
    uint32_t count;
} fhs_expression_nodes;

/* "an array": its type in words. */
const char *fhs_expression_type_words(const fhs_json *value);
fhs_expression_kind fhs_expression_kind_of(const fhs_json *value);
/* The number as an integer: false unless its kind is INTEGER. */
bool fhs_expression_integer(const fhs_json *value, int64_t *out);
/* The number as a double, of any numeric kind; false for everything else. */
bool fhs_expression_double(const fhs_json *value, double *out);

/* ---- made values: NULL means out of memory ---- */

const fhs_json *fhs_expression_make_integer(fhs_arena *arena, int64_t number);
/* Infinities and not-a-number have the lexemes "Infinity", "-Infinity" and "NaN". */
const fhs_json *fhs_expression_make_double(fhs_arena *arena, double number);
/* @a text is borrowed. */
const fhs_json *fhs_expression_make_string(fhs_arena *arena, fhs_str text);
const fhs_json *fhs_expression_make_date(fhs_arena *arena, int64_t ticks);
/* The same from its text, which is borrowed. */
const fhs_json *fhs_expression_make_instant(fhs_arena *arena, fhs_str text);

/* How deeply a value may nest: what a message may have, and what expressions put around it. */
#define FHS_EXPRESSION_DEPTH_MAX 512u

/* Append @a value as JSON without white space, numbers by their lexeme, members in order;
 * ERR_LIMIT in the buffer below FHS_EXPRESSION_DEPTH_MAX levels. */
void fhs_expression_write(fhs_buf *out, const fhs_json *value);

/* ---- what a mapping makes of a value ---- */

typedef enum fhs_expression_conversion {
    FHS_EXPRESSION_CONVERTED,
    FHS_EXPRESSION_ABSENT,  /* NULL or JSON null */
    FHS_EXPRESSION_REFUSED, /* a container, an integer beyond int64, no time */
    FHS_EXPRESSION_CONVERSION_NO_MEMORY,
} fhs_expression_conversion;

enum {
    /* Numbers keep the digits with which they were sent ("98.60"), instead of being re-written. */
    FHS_EXPRESSION_LEXICAL = 1,
};

/*
 * The text of a property: strings as they are, "True" and "False", integers in digits, doubles with
 * the fewest digits that say which double it is (78.0 → 78, 1e-5 → 1E-05, 1e15 → 1E+15).
 * *text_out borrows from the value or lives in the arena.
 */
fhs_expression_conversion fhs_expression_to_text(fhs_arena *arena, const fhs_json *value,
                                                 unsigned flags, fhs_str *text_out);
/*
 * The instant that a string says, in ticks (base/instant.h): ISO 8601, "yyyy-MM-dd[
 * HH:mm[:ss[.f]]]" with or without zone, RFC 1123, "MM/dd/yyyy[ HH:mm[:ss]]". Without zone it is
 * UTC.
 */
fhs_expression_conversion fhs_expression_to_ticks(const fhs_json *value, int64_t *ticks_out);
/* The same of a text. */
bool fhs_expression_parse_time(fhs_str text, int64_t *ticks_out);

#endif
