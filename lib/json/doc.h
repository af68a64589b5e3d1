/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents that the library builds or edits itself: outcomes, capability statements, mapping
 * templates, patches. A node is either a root, owned by whoever made it, or part of one and owned
 * by its parent. Numbers are kept as text. What is only read should be an fhs_json tree instead.
 *
 * Functions that take a child own it from then on, also when they fail, and accept NULL for "could
 * not be made": so a document is built in one condition, and false means out of memory.
 */
#ifndef FHS_JSON_DOC_H
#define FHS_JSON_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "json/json.h"

typedef struct fhs_doc fhs_doc;

/* New roots, owned; NULL: out of memory (or a string that holds a NUL byte). */
fhs_doc *fhs_doc_new_object(void);
fhs_doc *fhs_doc_new_array(void);
fhs_doc *fhs_doc_new_string(fhs_str text);
/* @a lexeme is a valid JSON number and is written as it stands. */
fhs_doc *fhs_doc_new_number(fhs_str lexeme);
fhs_doc *fhs_doc_new_int(int64_t value);
fhs_doc *fhs_doc_new_bool(bool value);
fhs_doc *fhs_doc_new_null(void);
/* Release a root and all its parts; NULL is fine. */
void fhs_doc_free(fhs_doc *root);

/* A root like @a node with all its parts; NULL: out of memory, or nested deeper than 1000 levels.
 */
fhs_doc *fhs_doc_copy(const fhs_doc *node);
/* The same of a tree that was read. */
fhs_doc *fhs_doc_from_json(const fhs_json *value);
/* Read text with fhs_json_read(): its limits and its errors. */
fhirstore_status fhs_doc_parse(fhs_str text, const fhs_json_limits *limits, fhs_doc **root_out,
                               fhirstore_error **err);
/* Append @a node compactly. ERR_JSON_DEPTH below 1000 levels, else what the buffer says. */
fhirstore_status fhs_doc_write(const fhs_doc *node, fhs_buf *out, fhirstore_error **err);
/* Whether @a node has at most @a depth levels of containers. Editing may nest deeper than reading.
 */
bool fhs_doc_is_within_depth(const fhs_doc *node, uint32_t depth);

/* ---- asking; what is returned is borrowed until its parent changes ---- */

fhs_json_type fhs_doc_type(const fhs_doc *node);
/* Content of a string, text of a number; else FHS_STR_NONE. */
fhs_str fhs_doc_text(const fhs_doc *node);
/* Name of an object's member; FHS_STR_NONE for all others. */
fhs_str fhs_doc_name(const fhs_doc *node);
/* Items or members; counts them each time. */
size_t fhs_doc_count(const fhs_doc *node);
/* The member with exactly this name, or NULL (also when @a object is NULL or no object). */
fhs_doc *fhs_doc_get(const fhs_doc *object, fhs_str name);
/* The item or member at @a index, or NULL. */
fhs_doc *fhs_doc_at(const fhs_doc *container, size_t index);
/* To walk a container: the first part, and the one behind; NULL at the end. */
fhs_doc *fhs_doc_first(const fhs_doc *container);
fhs_doc *fhs_doc_next(const fhs_doc *part);

/* ---- building ---- */

/* Add a member behind the others; the object must not have the name yet. */
bool fhs_doc_add(fhs_doc *object, fhs_str name, fhs_doc *child);
bool fhs_doc_add_string(fhs_doc *object, fhs_str name, fhs_str text);
/* Add an item behind the others. */
bool fhs_doc_push(fhs_doc *array, fhs_doc *child);
/* Add an empty container and return it, borrowed; NULL: out of memory, or the parent is NULL. */
fhs_doc *fhs_doc_add_object(fhs_doc *object, fhs_str name);
fhs_doc *fhs_doc_add_array(fhs_doc *object, fhs_str name);
fhs_doc *fhs_doc_push_object(fhs_doc *array);

/* ---- editing ---- */

/* Replace the member of this name where it stands, or add it. */
bool fhs_doc_set(fhs_doc *object, fhs_str name, fhs_doc *child);
/* Put @a child before the item at @a index; at the count: behind the last. False also for a greater
 * index. */
bool fhs_doc_insert(fhs_doc *array, size_t index, fhs_doc *child);
/* Put @a child, under the old one's name, in the place of @a part, which is released. */
bool fhs_doc_replace(fhs_doc *container, fhs_doc *part, fhs_doc *child);
/* Take @a part out of its container; it is a root from then on, owned by the caller. */
fhs_doc *fhs_doc_detach(fhs_doc *container, fhs_doc *part);
/* Take it out and release it. */
void fhs_doc_remove(fhs_doc *container, fhs_doc *part);

#endif
