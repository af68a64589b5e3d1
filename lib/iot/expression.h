/* SPDX-License-Identifier: Apache-2.0 */
/* An expression of a mapping in either language, and the two ways in which mappings use one. */
#ifndef FHS_IOT_EXPRESSION_H
#define FHS_IOT_EXPRESSION_H

#include "iot/jmespath.h"
#include "iot/jsonpath.h"
#include "iot/value.h"

typedef enum fhs_iot_language {
    FHS_IOT_JSONPATH,
    FHS_IOT_JMESPATH,
} fhs_iot_language;

/* Compiled and immutable. An expression that a template does not define is a NULL pointer. */
typedef struct fhs_iot_expression fhs_iot_expression;

/* "JsonPath" or "JmesPath", whatever the case of the letters. */
bool fhs_iot_language_find(fhs_str name, fhs_iot_language *language_out);

/* As fhs_jsonpath_compile() and fhs_jmespath_compile(). */
fhirstore_status fhs_iot_compile(fhs_arena *arena, fhs_iot_language language, fhs_str text,
                                 const fhs_iot_expression **expression_out, fhirstore_error **err);
/* The text it was compiled from. */
fhs_str fhs_iot_expression_text(const fhs_iot_expression *expression);

/*
 * The matches of a type match: each node that a JSONPath selects; each element of a JMESPath
 * projection; any other JMESPath value once, unless it is null.
 */
fhirstore_status fhs_iot_select(const fhs_iot_expression *expression, fhs_iot_run *run,
                                const fhs_json *root, fhs_iot_nodes *nodes_out,
                                fhirstore_error **err);
/*
 * The one value that an expression stands for; NULL when it finds none. Two or more nodes of a
 * path, or elements of a projection, are ERR_EXPRESSION_DATA; a projection with one element is
 * an array of one.
 */
fhirstore_status fhs_iot_find(const fhs_iot_expression *expression, fhs_iot_run *run,
                              const fhs_json *root, const fhs_json **value_out,
                              fhirstore_error **err);

/* fhs_jsonpath_explain() or fhs_jmespath_explain(). */
bool fhs_iot_explain_select(const fhs_iot_expression *expression, fhs_iot_run *run,
                            const fhs_json *root, fhs_buf *out);

/*
 * @a root, an object, with a last member "matchedToken" (in the place of one that it has). Its
 * members are not copied deeply. NULL: out of memory.
 */
const fhs_json *fhs_iot_with_match(fhs_arena *arena, const fhs_json *root, const fhs_json *match);

#endif
