/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSONPath as Json.NET 13 reads it, which is not RFC 9535: device mappings in the field are
 * written for it. README.md lists what is particular.
 */
#ifndef FHS_EXPRESSION_JSONPATH_H
#define FHS_EXPRESSION_JSONPATH_H

#include "expression/value.h"

/* A compiled path: immutable, shared by threads, lives in the arena it was compiled in. */
typedef struct fhs_jsonpath fhs_jsonpath;

/*
 * Compile @a text, which is copied. ERR_EXPRESSION with the byte offset of the fault,
 * ERR_LIMIT (FHS_LIMIT_EXPRESSION_BYTES, …_CHAIN, …_DEPTH), ERR_NO_MEMORY.
 */
fhirstore_status fhs_jsonpath_compile(fhs_arena *arena, fhs_str text, const fhs_jsonpath **path_out,
                                      fhirstore_error **err);

/*
 * What @a path selects of @a root, in document order. @a max ends the search after that many
 * nodes; 0: all. A member that a filter selected as such (a "property" in Json.NET) stands there
 * with its value. On failure *nodes_out is empty: ERR_EXPRESSION_DATA (a negative index on an
 * array, step 0, a comparison whose text does not convert), ERR_LIMIT (FHS_LIMIT_IOT_STEPS,
 * FHS_LIMIT_IOT_NODES), ERR_NO_MEMORY.
 */
fhirstore_status fhs_jsonpath_select(const fhs_jsonpath *path, fhs_expression_run *run,
                                     const fhs_json *root, uint32_t max,
                                     fhs_expression_nodes *nodes_out, fhirstore_error **err);

/*
 * Why @a path selects nothing of @a root, in words: how far it comes, and what the next step wants
 * there. Appends a sentence without full stop, which names parts of the path and types of the data,
 * never its content. False, with nothing appended: it does select something, or cannot be told.
 */
bool fhs_jsonpath_explain(const fhs_jsonpath *path, fhs_expression_run *run, const fhs_json *root,
                          fhs_buf *out);

#endif
