/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON in (RFC 8259), as an immutable tree whose strings and numbers are slices of the text.
 *
 * The tree lives in an arena and borrows the text: both must outlive it. Numbers keep their lexeme
 * and are never converted. Refused: anything RFC 8259 does not allow, invalid UTF-8, a byte-order
 * mark, "\u0000", lone surrogates, duplicate member names, and what exceeds the limits.
 */
#ifndef FHS_JSON_JSON_H
#define FHS_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

typedef enum fhs_json_type {
    FHS_JSON_NULL,
    FHS_JSON_FALSE,
    FHS_JSON_TRUE,
    FHS_JSON_NUMBER,
    FHS_JSON_STRING,
    FHS_JSON_ARRAY,
    FHS_JSON_OBJECT,
} fhs_json_type;

typedef struct fhs_json fhs_json;
typedef struct fhs_json_member fhs_json_member;

/* One value. Plain data: walk it directly. */
struct fhs_json {
    uint8_t type;   /* fhs_json_type */
    uint32_t count; /* array: items; object: members */
    uint32_t begin; /* byte offset of the value in the text */
    uint32_t end;   /* byte offset behind it: [begin, end) is the value as it was written */
    union {
        fhs_str text;                   /* string: decoded content; number: its lexeme */
        const fhs_json *items;          /* array */
        const fhs_json_member *members; /* object, in the order they were written */
    };
};

struct fhs_json_member {
    fhs_str name; /* decoded */
    fhs_json value;
};

typedef struct fhs_json_limits {
    size_t max_bytes;   /* 0: FHS_LIMIT_JSON_BYTES */
    uint32_t max_depth; /* 0: FHS_LIMIT_JSON_DEPTH; never more than 1000 */
    /* Of members of the same name the last one stays, where a few are repeated. Else refused. */
    bool last_wins;
} fhs_json_limits;

/*
 * Read one JSON value that fills the whole of @a text (white space around it allowed).
 * limits NULL: the defaults. On failure *root_out is NULL and the error holds byte offset, line and
 * column: ERR_JSON, ERR_JSON_UTF8, ERR_JSON_DEPTH, ERR_JSON_SIZE, ERR_JSON_DUPLICATE,
 * ERR_JSON_STRING, ERR_NO_MEMORY (also when the arena's budget ends).
 */
fhirstore_status fhs_json_read(fhs_arena *arena, fhs_str text, const fhs_json_limits *limits,
                               const fhs_json **root_out, fhirstore_error **err);

/*
 * Reading what is too large for a tree: the items of each long array of objects right below the
 * root are handed out one by one, as soon as they are read, and forgotten; the array then has its
 * count but no items. Arrays whose name begins with "_" stay whole.
 */
typedef struct fhs_json_pieces {
    /* @a index counts from 0. An error from it ends the reading. */
    fhirstore_status (*item)(void *ctx, fhs_str member, uint32_t index, const fhs_json *item);
    void *ctx;
} fhs_json_pieces;

/* Arrays whose text is longer than this are handed out. */
#define FHS_JSON_PIECES_BYTES ((uint32_t)64 * 1024)

fhirstore_status fhs_json_read_pieces(fhs_arena *arena, fhs_str text, const fhs_json_limits *limits,
                                      const fhs_json_pieces *pieces, const fhs_json **root_out,
                                      fhirstore_error **err);

/* The member called @a name of an object, or NULL. Names compare exactly. */
const fhs_json *fhs_json_get(const fhs_json *object, fhs_str name);
/* The same where a string is wanted: false unless it is there and is a string. */
bool fhs_json_get_string(const fhs_json *object, fhs_str name, fhs_str *out);
/* The first object of a list whose member @a name is the string @a value, or NULL. */
const fhs_json *fhs_json_find(const fhs_json *list, fhs_str name, fhs_str value);

static inline bool fhs_json_is(const fhs_json *value, fhs_json_type type)
{
    return value != NULL && value->type == type;
}

/* Whether the items of an array were handed out. */
static inline bool fhs_json_is_handed_out(const fhs_json *array)
{
    return array->type == FHS_JSON_ARRAY && array->count > 0 && array->items == NULL;
}

/* Told how far a text has been gone through in this pass; an error from it ends the pass. */
typedef struct fhs_json_watch {
    fhirstore_status (*passed)(void *ctx, size_t offset);
    void *ctx;
} fhs_json_watch;

static inline fhirstore_status fhs_json_tell(const fhs_json_watch *watch, size_t offset)
{
    return watch == NULL ? FHIRSTORE_OK : watch->passed(watch->ctx, offset);
}

/* Line and column (from 1, in bytes) of a byte offset in @a text. */
void fhs_json_position(fhs_str text, size_t offset, uint32_t *line_out, uint32_t *column_out);

/* ---- writing ---- */

/* Append @a text as a JSON string with its quotes. */
void fhs_json_write_string(fhs_buf *out, fhs_str text);
/* Append the value as written in @a source, the text it was read from, without white space. */
void fhs_json_write_compact(fhs_buf *out, fhs_str source, const fhs_json *value);
/* Append it indented by two blanks a level, numbers and strings as written. */
void fhs_json_write_pretty(fhs_buf *out, fhs_str source, const fhs_json *value);
/*
 * Whether two values are equal as JSON: member order and white space do not matter, strings
 * compare decoded, numbers by their text.
 */
bool fhs_json_equal(const fhs_json *a, const fhs_json *b);
/* The same of two objects, without the members called one of @a names, wherever they are. */
bool fhs_json_equal_but(const fhs_json *a, const fhs_json *b, const fhs_str *names,
                        size_t name_count);

/* A text and the root of what was read from it, perhaps in pieces. */
typedef struct fhs_json_text {
    fhs_str text;
    const fhs_json *root;
    const fhs_json_watch *watch; /* or NULL */
} fhs_json_text;

/*
 * Call @a visit with each item of an array that was handed out. The arena is taken back to where it
 * stood after each item for which *keep is left false.
 */
fhirstore_status
fhs_json_each_item(fhs_arena *arena, const fhs_json_text *of, const fhs_json *array,
                   fhirstore_status (*visit)(void *ctx, const fhs_json *item, bool *keep),
                   void *ctx, fhirstore_error **err);
/* fhs_json_equal_but() of two texts that were read in pieces. */
fhirstore_status fhs_json_equal_texts(fhs_arena *arena, const fhs_json_text *a,
                                      const fhs_json_text *b, const fhs_str *names,
                                      size_t name_count, bool *equal_out, fhirstore_error **err);

/* ---- editing at the top of an object ---- */

/* Replace (or add, or with value.ptr NULL remove) one member; the value is JSON text. */
typedef struct fhs_json_edit {
    fhs_str name;
    fhs_str value;
} fhs_json_edit;

/*
 * Write object @a value compactly with @a edits applied: members keep their place and text,
 * replaced ones stay where they were, new ones go behind "resourceType" (else to the front) in the
 * order given.
 */
void fhs_json_write_edited(fhs_buf *out, fhs_str source, const fhs_json *value,
                           const fhs_json_edit *edits, size_t edit_count);
/* The same of a root, telling how far it is; what the watch answers does not matter. */
void fhs_json_write_edited_text(fhs_buf *out, const fhs_json_text *text, const fhs_json_edit *edits,
                                size_t edit_count);

#endif
