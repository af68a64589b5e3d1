/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JMESPath with its 26 standard functions and eight for device data: add, subtract, multiply,
 * divide, pow, insertString, fromUnixTimestamp, fromUnixTimestampMs.
 */
#ifndef FHS_EXPRESSION_JMESPATH_H
#define FHS_EXPRESSION_JMESPATH_H

#include "expression/value.h"

/* A compiled expression: immutable, shared by threads, lives in the arena it was compiled in. */
typedef struct fhs_jmespath fhs_jmespath;

/*
 * Compile @a text, which is copied. ERR_EXPRESSION with the byte offset of the first fault: what
 * does not parse, and then, each as an issue of the error, every unknown function and every call
 * with the wrong number of arguments. ERR_LIMIT (FHS_LIMIT_EXPRESSION_BYTES, …_DEPTH),
 * ERR_NO_MEMORY.
 */
fhirstore_status fhs_jmespath_compile(fhs_arena *arena, fhs_str text,
                                      const fhs_jmespath **expression_out, fhirstore_error **err);

typedef struct fhs_jmespath_result {
    const fhs_json *value; /* never NULL: nothing is JSON null */
    /* The outermost step is a projection, so value is an array of results, not one result. */
    bool is_projection;
} fhs_jmespath_result;

/*
 * ERR_EXPRESSION_DATA (an argument of the wrong type, a function that has no result for its
 * arguments), ERR_LIMIT (FHS_LIMIT_IOT_STEPS), ERR_NO_MEMORY.
 */
fhirstore_status fhs_jmespath_evaluate(const fhs_jmespath *expression, fhs_expression_run *run,
                                       const fhs_json *root, fhs_jmespath_result *result_out,
                                       fhirstore_error **err);

/* As fhs_jsonpath_explain(), for a result that is null or empty. */
bool fhs_jmespath_explain(const fhs_jmespath *expression, fhs_expression_run *run,
                          const fhs_json *root, fhs_buf *out);

#endif
