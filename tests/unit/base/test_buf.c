/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "base/buf.h"

START_TEST(appends_make_one_text)
{
    fhs_buf buf = FHS_BUF_INIT(1000);
    fhs_buf_add_cstr(&buf, "n=");
    fhs_buf_add_u64(&buf, UINT64_MAX);
    fhs_buf_add_char(&buf, ' ');
    fhs_buf_add_i64(&buf, INT64_MIN);
    fhs_buf_addf(&buf, " %s%d", "x", 7);
    ck_assert_int_eq(fhs_buf_status(&buf), FHIRSTORE_OK);
    ck_assert_view_eq(fhs_buf_str(&buf), FHS_LIT("n=18446744073709551615 -9223372036854775808 x7"));
    fhs_buf_clear(&buf);
}
END_TEST

START_TEST(the_maximum_is_kept_and_sticks)
{
    fhs_buf buf = FHS_BUF_INIT(4);
    fhs_buf_add_cstr(&buf, "abcd");
    ck_assert_int_eq(fhs_buf_status(&buf), FHIRSTORE_OK);
    fhs_buf_add_char(&buf, 'e');
    ck_assert_int_eq(fhs_buf_status(&buf), FHIRSTORE_ERR_LIMIT);
    fhs_buf_add_str(&buf, FHS_LIT(""));
    ck_assert_view_eq(fhs_buf_str(&buf), FHS_LIT("abcd"));
    fhs_buf_reset(&buf);
    fhs_buf_add_cstr(&buf, "xy");
    ck_assert_view_eq(fhs_buf_str(&buf), FHS_LIT("xy"));
    ck_assert_int_eq(fhs_buf_status(&buf), FHIRSTORE_OK);
    fhs_buf_clear(&buf);
}
END_TEST

START_TEST(long_formats_are_whole)
{
    fhs_buf buf = FHS_BUF_INIT(4000);
    fhs_buf_addf(&buf, "%0999d", 5);
    ck_assert_uint_eq(buf.len, 999);
    ck_assert_int_eq(buf.ptr[998], '5');
    fhirstore_buf given = {0};
    fhs_buf_give(&buf, &given);
    ck_assert_uint_eq(given.len, 999);
    ck_assert_ptr_null(buf.ptr);
    free(given.ptr);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/buf");
    TCase *tests = tcase_create("buf");
    tcase_add_test(tests, appends_make_one_text);
    tcase_add_test(tests, the_maximum_is_kept_and_sticks);
    tcase_add_test(tests, long_formats_are_whole);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
