/* SPDX-License-Identifier: Apache-2.0 */
/* An expression of a mapping in either language, and the two ways in which mappings use one. */
#ifndef FHS_EXPRESSION_EXPRESSION_H
#define FHS_EXPRESSION_EXPRESSION_H

#include "expression/jmespath.h"
#include "expression/jsonpath.h"
#include "expression/value.h"

typedef enum fhs_expression_language {
    FHS_EXPRESSION_JSONPATH,
    FHS_EXPRESSION_JMESPATH,
} fhs_expression_language;

/* Compiled and immutable. An expression that a template does not define is a NULL pointer. */
typedef struct fhs_expression fhs_expression;

/* "JsonPath" or "JmesPath", whatever the case of the letters. */
bool fhs_expression_language_find(fhs_str name, fhs_expression_language *language_out);

/* As fhs_jsonpath_compile() and fhs_jmespath_compile(). */
fhirstore_status fhs_expression_compile(fhs_arena *arena, fhs_expression_language language,
                                        fhs_str text, const fhs_expression **expression_out,
                                        fhirstore_error **err);
/* The text it was compiled from. */
fhs_str fhs_expression_text(const fhs_expression *expression);

/*
 * The matches of a type match: each node that a JSONPath selects; each element of a JMESPath
 * projection; any other JMESPath value once, unless it is null.
 */
fhirstore_status fhs_expression_select(const fhs_expression *expression, fhs_expression_run *run,
                                       const fhs_json *root, fhs_expression_nodes *nodes_out,
                                       fhirstore_error **err);
/*
 * The one value that an expression stands for; NULL when it finds none. Two or more nodes of a
 * path, or elements of a projection, are ERR_EXPRESSION_DATA; a projection with one element is
 * an array of one.
 */
fhirstore_status fhs_expression_find(const fhs_expression *expression, fhs_expression_run *run,
                                     const fhs_json *root, const fhs_json **value_out,
                                     fhirstore_error **err);

/* fhs_jsonpath_explain() or fhs_jmespath_explain(). */
bool fhs_expression_explain_select(const fhs_expression *expression, fhs_expression_run *run,
                                   const fhs_json *root, fhs_buf *out);

/*
 * @a root, an object, with a last member "matchedToken" (in the place of one that it has). Its
 * members are not copied deeply. NULL: out of memory.
 */
const fhs_json *fhs_expression_with_match(fhs_arena *arena, const fhs_json *root,
                                          const fhs_json *match);

#endif
