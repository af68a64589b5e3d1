/* SPDX-License-Identifier: Apache-2.0 */
/* One expression on one text, for the programs of this folder. */
#ifndef FHS_TEST_IOT_EVALUATE_H
#define FHS_TEST_IOT_EVALUATE_H

#include "base/limits.h"
#include "expression/expression.h"
#include "suite.h"

typedef struct outcome {
    fhs_arena arena;
    fhirstore_error *err;
    fhs_expression_nodes nodes;
    const fhs_expression *expression;
    const fhs_json *root;
    fhs_expression_run run;
} outcome;

/* Read, compile and select; clear the outcome afterwards. */
static inline fhirstore_status evaluate_text(fhs_expression_language language, fhs_str expression,
                                             fhs_str json, outcome *out)
{
    *out = (outcome){.err = NULL};
    fhs_arena_init(&out->arena, FHS_LIMIT_IOT_BYTES);
    fhs_expression_run_init(&out->run, &out->arena);
    fhirstore_status status = fhs_json_read(&out->arena, json, NULL, &out->root, &out->err);
    if (status == FHIRSTORE_OK) {
        status = fhs_expression_compile(&out->arena, language, expression, &out->expression,
                                        &out->err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_expression_select(out->expression, &out->run, out->root, &out->nodes,
                                       &out->err);
    }
    return status;
}

static inline void outcome_clear(outcome *out)
{
    fhs_error_free(out->err);
    fhs_arena_clear(&out->arena);
}

#endif
