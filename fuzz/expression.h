/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds of both expression languages. The input's first line is an expression, the rest the
 * JSON that it is evaluated on; a message of a device where there is none.
 */
#ifndef FHS_FUZZ_EXPRESSION_H
#define FHS_FUZZ_EXPRESSION_H

#include <string.h>

#include "base/utf8.h"
#include "expression/expression.h"
#include "law.h"

#define MAX_RESULT ((size_t)1 << 20)
#define MAX_STEPS  100000u

static const char sample_message[] =
    "{\"Body\":{\"deviceId\":\"d1\",\"time\":\"2021-07-13T17:29:01.5+02:00\",\"hr\":78,\"list\":"
    "[{\"sys\":\"120\",\"n\":1.50},{\"sys\":\"80\",\"n\":-3},[1,2,[3]],null,true]},\"Properties\":"
    "{},\"SystemProperties\":{\"iothub-connection-device-id\":\"x y\"},\"s\":\"h\\u00e9\\ud83d"
    "\\ude00\",\"big\":99999999999999999999}";

/* What mappings do with a value; its text is JSON again. */
static void use_value(fhs_arena *arena, const fhs_json *value)
{
    fhs_buf text = FHS_BUF_INIT(MAX_RESULT);
    const fhs_json *again = NULL;
    fhs_str converted;
    int64_t ticks;
    fhs_expression_write(&text, value);
    if (fhs_buf_status(&text) == FHIRSTORE_OK) {
        fhirstore_status status = fhs_json_read(arena, fhs_buf_str(&text), NULL, &again, NULL);
        FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY ||
                 status == FHIRSTORE_ERR_JSON_DEPTH);
        FUZZ_LAW(again == NULL || again->type == value->type || value->type == FHS_JSON_NUMBER);
    }
    fhs_expression_conversion conversion = fhs_expression_to_text(arena, value, 0, &converted);
    FUZZ_LAW((conversion == FHS_EXPRESSION_CONVERTED) ==
                 (converted.ptr != NULL || converted.len > 0) ||
             value->type == FHS_JSON_STRING);
    conversion = fhs_expression_to_ticks(value, &ticks);
    FUZZ_LAW(conversion == FHS_EXPRESSION_CONVERTED || ticks == 0);
    FUZZ_LAW(fhs_expression_kind_of(value) != FHS_EXPRESSION_DATE ||
             conversion == FHS_EXPRESSION_CONVERTED);
    fhs_buf_clear(&text);
}

static void evaluate_on(fhs_arena *arena, const fhs_expression *expression, const fhs_json *root)
{
    fhs_expression_nodes first = {NULL, 0};
    fhs_expression_nodes second = {NULL, 0};
    const fhs_json *found = NULL;
    fhirstore_error *err = NULL;
    fhs_expression_run run;
    fhs_expression_run_init(&run, arena);
    run.steps_left = MAX_STEPS;
    fhirstore_status status = fhs_expression_select(expression, &run, root, &first, &err);
    FUZZ_LAW((err != NULL) == (status < FHIRSTORE_OK));
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_EXPRESSION_DATA ||
             status == FHIRSTORE_ERR_LIMIT || status == FHIRSTORE_ERR_NO_MEMORY);
    FUZZ_LAW(status == FHIRSTORE_OK || first.count == 0);
    fhs_error_free(err);
    run.steps_left = MAX_STEPS;
    fhirstore_status again = fhs_expression_select(expression, &run, root, &second, NULL);
    FUZZ_LAW(again == FHIRSTORE_ERR_NO_MEMORY || (again == status && first.count == second.count));
    for (uint32_t i = 0; i < first.count && i < 16; i++) {
        use_value(arena, first.items[i]);
    }
    run.steps_left = MAX_STEPS;
    fhs_buf reason = FHS_BUF_INIT(MAX_RESULT);
    bool is_told = fhs_expression_explain_select(expression, &run, root, &reason);
    FUZZ_LAW(is_told == (reason.len > 0));
    FUZZ_LAW(fhs_utf8_valid_prefix(fhs_buf_str(&reason)) == reason.len);
    fhs_buf_clear(&reason);
    run.steps_left = MAX_STEPS;
    again = fhs_expression_find(expression, &run, root, &found, NULL);
    FUZZ_LAW(found == NULL || again == FHIRSTORE_OK);
}

static int check_expression(fhs_expression_language language, const uint8_t *data, size_t size)
{
    fhs_arena arena;
    const fhs_expression *expression = NULL;
    const fhs_json *root = NULL;
    fhirstore_error *err = NULL;
    fhs_str text = fhs_str_of((const char *)data, size);
    size_t line = fhs_str_find_char(text, '\n', 0);
    fhs_str json = line < size ? fhs_str_from(text, line + 1) : FHS_STR_NONE;
    text.len = line;
    fhs_arena_init(&arena, (size_t)64 << 20);
    fhirstore_status status = fhs_expression_compile(&arena, language, text, &expression, &err);
    FUZZ_LAW((expression == NULL) == (status < FHIRSTORE_OK));
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_EXPRESSION ||
             status == FHIRSTORE_ERR_LIMIT || status == FHIRSTORE_ERR_NO_MEMORY);
    FUZZ_LAW(status != FHIRSTORE_ERR_EXPRESSION || fhs_error_location(err).offset <= text.len);
    fhs_error_free(err);
    if (expression != NULL &&
        (fhs_json_read(&arena, json, NULL, &root, NULL) == FHIRSTORE_OK ||
         fhs_json_read(&arena, FHS_LIT(sample_message), NULL, &root, NULL) == FHIRSTORE_OK)) {
        evaluate_on(&arena, expression, root);
    }
    fhs_arena_clear(&arena);
    return 0;
}

#endif
