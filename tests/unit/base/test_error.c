/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "base/error.h"
#include "base/limits.h"

START_TEST(an_error_writes_itself_as_an_outcome)
{
    fhirstore_error *err = NULL;
    fhs_buf out = FHS_BUF_INIT(10000);
    ck_assert_int_eq(fhs_fail(&err, FHIRSTORE_ERR_JSON, "expected %s", "a \"name\""),
                     FHIRSTORE_ERR_JSON);
    fhs_error_at(&err, 12, 2, 3);
    fhs_error_expression(&err, FHS_LIT("Patient.name"));
    ck_assert(
        fhs_error_add_issue(&err, FHS_SEVERITY_WARNING, "code-invalid", FHS_STR_NONE, "more"));
    fhs_error_write_outcome(err, &out);
    ck_assert_view_eq(
        fhs_buf_str(&out),
        FHS_LIT("{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
                "\"code\":\"invalid\",\"details\":{\"coding\":[{\"system\":"
                "\"urn:libfhirstore:status\",\"code\":\"ERR_JSON\"}]},"
                "\"diagnostics\":\"expected a \\\"name\\\"\",\"location\":["
                "\"line 2, column 3, byte 12\"],\"expression\":[\"Patient.name\"]},{\"severity\":"
                "\"warning\",\"code\":\"code-invalid\",\"diagnostics\":\"more\"}]}"));
    fhs_buf_clear(&out);
    fhs_error_free(err);
}
END_TEST

START_TEST(out_of_memory_needs_no_memory)
{
    fhirstore_error *err = NULL;
    ck_assert_int_eq(fhs_fail_memory(&err), FHIRSTORE_ERR_NO_MEMORY);
    ck_assert_str_eq(fhs_error_message(err), "out of memory");
    ck_assert(!fhs_error_add_issue(&err, FHS_SEVERITY_ERROR, NULL, FHS_STR_NONE, "x"));
    fhs_error_free(err);
    ck_assert_int_eq(fhs_fail(NULL, FHIRSTORE_ERR_BUSY, "no one listens"), FHIRSTORE_ERR_BUSY);
}
END_TEST

START_TEST(issues_are_limited)
{
    fhirstore_error *err = NULL;
    (void)fhs_fail_plain(&err, FHIRSTORE_ERR_INVALID_RESOURCE);
    while (fhs_error_add_issue(&err, FHS_SEVERITY_ERROR, NULL, FHS_LIT("X"), "more")) {
    }
    ck_assert_uint_eq(fhs_error_issue_count(err), FHS_LIMIT_ISSUES);
    fhs_error_free(err);
}
END_TEST

START_TEST(every_status_has_a_name_and_an_http_status)
{
    ck_assert_str_eq(fhs_status_name(FHIRSTORE_ERR_DELETED), "ERR_DELETED");
    ck_assert_int_eq(fhs_status_http(FHIRSTORE_ERR_DELETED), 410);
    ck_assert_str_eq(fhs_status_name(12345), "UNKNOWN");
    ck_assert_int_eq(fhs_status_http(12345), 500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/error");
    TCase *tests = tcase_create("error");
    tcase_add_test(tests, an_error_writes_itself_as_an_outcome);
    tcase_add_test(tests, out_of_memory_needs_no_memory);
    tcase_add_test(tests, issues_are_limited);
    tcase_add_test(tests, every_status_has_a_name_and_an_http_status);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
