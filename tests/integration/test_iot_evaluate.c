/* SPDX-License-Identifier: Apache-2.0 */
/* fhirstore_iot_evaluate(): both languages through the public door, and what it refuses. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fhirstore/fhirstore.h"
#include "harness.h"

#define MESSAGE "{\"a\":[{\"b\":1.50},{\"b\":\"x\"}],\"n\":null}"

static const struct {
    int32_t language;
    const char *expression;
    const char *json;
    fhirstore_status status;
    const char *found; /* or a part of the error's text */
} rows[] = {
    {FHIRSTORE_IOT_JSON_PATH, "$.a[*].b", MESSAGE, FHIRSTORE_OK, "[1.50,\"x\"]"},
    {FHIRSTORE_IOT_JSON_PATH, "$.none", MESSAGE, FHIRSTORE_OK, "[]"},
    {FHIRSTORE_IOT_JSON_PATH, "$.n", "\xEF\xBB\xBF" MESSAGE, FHIRSTORE_OK, "[null]"},
    {FHIRSTORE_IOT_JSON_PATH, "$.*", "{\"a\":1,\"b\":2,\"a\":3}", FHIRSTORE_OK, "[2,3]"},
    {FHIRSTORE_IOT_JMES_PATH, "a[].b", MESSAGE, FHIRSTORE_OK, "[1.50,\"x\"]"},
    {FHIRSTORE_IOT_JMES_PATH, "a", MESSAGE, FHIRSTORE_OK, "[[{\"b\":1.50},{\"b\":\"x\"}]]"},
    {FHIRSTORE_IOT_JMES_PATH, "divide(`1.0`, `0`)", "1", FHIRSTORE_OK, "[\"Infinity\"]"},
    {FHIRSTORE_IOT_JSON_PATH, "$.a[", MESSAGE, FHIRSTORE_ERR_EXPRESSION, "offset 4"},
    {FHIRSTORE_IOT_JMES_PATH, "a.", MESSAGE, FHIRSTORE_ERR_EXPRESSION, "offset 2"},
    {FHIRSTORE_IOT_JMES_PATH, "nope(@)", MESSAGE, FHIRSTORE_ERR_EXPRESSION, "no such function"},
    {FHIRSTORE_IOT_JMES_PATH, "sum(a)", MESSAGE, FHIRSTORE_ERR_EXPRESSION_DATA, "numbers"},
    {FHIRSTORE_IOT_JSON_PATH, "$.a[-1]", MESSAGE, FHIRSTORE_ERR_EXPRESSION_DATA, "negative"},
    {FHIRSTORE_IOT_JSON_PATH, "$", "{", FHIRSTORE_ERR_JSON, "JSON"},
    {FHIRSTORE_IOT_JMES_PATH,
     "@|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]"
     "|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]|[@,@]",
     "1", FHIRSTORE_ERR_LIMIT, "FHS_LIMIT_IOT_BYTES"},
    {0, "$", "1", FHIRSTORE_ERR_INVALID_ARG, "language"},
    {3, "$", "1", FHIRSTORE_ERR_INVALID_ARG, "language"},
};

START_TEST(rows_are_evaluated)
{
    fhirstore_buf found = {0};
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_iot_evaluate(rows[_i].language, rows[_i].expression,
                                                     strlen(rows[_i].expression), rows[_i].json,
                                                     strlen(rows[_i].json), &found, &error);
    ck_assert_msg(status == rows[_i].status, "%s: %s", rows[_i].expression,
                  fhirstore_status_name(status));
    ck_assert_int_eq(error != NULL, status < FHIRSTORE_OK);
    if (status == FHIRSTORE_OK) {
        ck_assert_uint_eq(found.len, strlen(rows[_i].found));
        ck_assert_int_eq(memcmp(found.ptr, rows[_i].found, found.len), 0);
    } else {
        ck_assert_ptr_null(found.ptr);
        ck_assert_ptr_nonnull(strstr(fhirstore_error_message(error), rows[_i].found));
    }
    fhirstore_error_free(error);
    fhirstore_buf_clear(&found);
}
END_TEST

START_TEST(arguments_are_checked)
{
    fhirstore_buf found = {0};
    ck_assert_int_eq(fhirstore_iot_evaluate(FHIRSTORE_IOT_JSON_PATH, NULL, 1, "1", 1, &found, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_iot_evaluate(FHIRSTORE_IOT_JSON_PATH, "$", 1, NULL, 1, &found, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_iot_evaluate(FHIRSTORE_IOT_JSON_PATH, "$", 1, "1", 1, NULL, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_iot_evaluate(FHIRSTORE_IOT_JSON_PATH, NULL, 0, "1", 1, &found, NULL),
                     FHIRSTORE_OK);
    ck_assert_uint_eq(found.len, 3);
    fhirstore_buf_clear(&found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("integration/iot evaluate");
    TCase *tests = tcase_create("evaluate");
    tcase_set_timeout(tests, 60); /* one result is as long as results may be */
    tcase_add_loop_test(tests, rows_are_evaluated, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(tests, arguments_are_checked);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
