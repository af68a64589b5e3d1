/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"
#include "base/limits.h"
#include "expression/expression.h"
#include "fhirstore/iot.h"

static void write_found_nodes(const fhs_expression_nodes *nodes, fhs_buf *out)
{
    fhs_buf_add_char(out, '[');
    for (uint32_t i = 0; i < nodes->count; i++) {
        if (i > 0) {
            fhs_buf_add_char(out, ',');
        }
        fhs_expression_write(out, nodes->items[i]);
    }
    fhs_buf_add_char(out, ']');
}

/* A budget that has ended is a limit here too: the JSON and the expression count. */
static fhirstore_status name_limit(const fhs_expression_run *run, fhirstore_status status,
                                   fhirstore_error **err)
{
    return status == FHIRSTORE_ERR_NO_MEMORY ? fhs_expression_no_memory(run, 0, err) : status;
}

static fhirstore_status evaluate_text(fhs_arena *arena, fhs_expression_language language,
                                      fhs_str expression, fhs_str json, fhs_buf *out,
                                      fhirstore_error **err)
{
    const fhs_expression *compiled = NULL;
    const fhs_json *root = NULL;
    fhs_expression_nodes nodes = {NULL, 0};
    fhs_expression_run run;
    fhs_expression_run_init(&run, arena);
    if (fhs_str_starts_with(json, FHS_LIT("\xEF\xBB\xBF"))) {
        json = fhs_str_from(json, 3);
    }
    fhirstore_status status = fhs_expression_compile(arena, language, expression, &compiled, err);
    if (status == FHIRSTORE_OK) {
        const fhs_json_limits limits = {.last_wins = true}; /* as of a message */
        status = fhs_json_read(arena, json, &limits, &root, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_expression_select(compiled, &run, root, &nodes, err);
    }
    if (status != FHIRSTORE_OK) {
        return name_limit(&run, status, err);
    }
    write_found_nodes(&nodes, out);
    status = fhs_buf_status(out);
    if (status == FHIRSTORE_ERR_LIMIT) {
        return fhs_fail(err, status, "the results are longer than %zu bytes (FHS_LIMIT_IOT_BYTES)",
                        FHS_LIMIT_IOT_BYTES);
    }
    return status == FHIRSTORE_OK ? status : fhs_fail_memory(err);
}

fhirstore_status fhirstore_iot_evaluate(int32_t language, const char *expression,
                                        size_t expression_len, const char *json, size_t json_len,
                                        fhirstore_buf *results_out, fhirstore_error **err_out)
{
    fhs_arena arena;
    fhs_str expression_text;
    fhs_str json_text;
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_IOT_BYTES);
    fhs_api_begin(err_out);
    if (results_out == NULL) {
        return fhs_api_invalid(err_out, "results_out is NULL");
    }
    fhirstore_buf_clear(results_out);
    if (!fhs_api_text(expression, expression_len, &expression_text) ||
        !fhs_api_text(json, json_len, &json_text)) {
        return fhs_api_invalid(err_out, "a NULL string with a length");
    }
    if (language != FHIRSTORE_IOT_JSON_PATH && language != FHIRSTORE_IOT_JMES_PATH) {
        return fhs_api_invalid(err_out, "language is neither JSONPath nor JMESPath");
    }
    fhs_arena_init(&arena, FHS_LIMIT_IOT_BYTES);
    fhirstore_status status = evaluate_text(
        &arena,
        language == FHIRSTORE_IOT_JMES_PATH ? FHS_EXPRESSION_JMESPATH : FHS_EXPRESSION_JSONPATH,
        expression_text, json_text, &out, err_out);
    if (status == FHIRSTORE_OK) {
        fhs_buf_give(&out, results_out);
    }
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
    return status;
}
