/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "base/str.h"

static const struct find_row {
    const char *text;
    const char *needle;
    size_t at; /* strlen(text) + 1: absent */
} find_rows[] = {
    {"abc", "c", 2}, {"abc", "", 0}, {"", "a", 1}, {"aab", "ab", 1}, {"abc", "abcd", 4},
};

START_TEST(find_gives_the_first_place)
{
    const struct find_row *row = &find_rows[_i];
    ck_assert_uint_eq(fhs_str_find(fhs_str_from_cstr(row->text), fhs_str_from_cstr(row->needle)),
                      row->at);
}
END_TEST

static const struct number_row {
    const char *text;
    uint64_t max;
    bool ok;
    uint64_t value;
} number_rows[] = {
    {"0", 10, true, 0},
    {"10", 10, true, 10},
    {"11", 10, false, 0},
    {"", 10, false, 0},
    {"-1", 10, false, 0},
    {"1x", 10, false, 0},
    {"5", 3, false, 0},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", UINT64_MAX, false, 0},
};

START_TEST(integers_stay_within_their_maximum)
{
    const struct number_row *row = &number_rows[_i];
    uint64_t value = 0;
    ck_assert_int_eq(fhs_str_to_u64(fhs_str_from_cstr(row->text), row->max, &value), row->ok);
    ck_assert_uint_eq(value, row->value);
}
END_TEST

START_TEST(split_and_trim)
{
    fhs_str head;
    fhs_str tail;
    ck_assert(fhs_str_split(FHS_LIT("a|b|c"), '|', &head, &tail));
    ck_assert_view_eq(head, FHS_LIT("a"));
    ck_assert_view_eq(tail, FHS_LIT("b|c"));
    ck_assert(!fhs_str_split(FHS_LIT("abc"), '|', &head, &tail));
    ck_assert_view_eq(fhs_str_trim(FHS_LIT(" \t x y\n")), FHS_LIT("x y"));
    ck_assert_view_eq(fhs_str_trim(FHS_LIT("  ")), FHS_LIT(""));
}
END_TEST

START_TEST(a_list_is_walked_item_by_item)
{
    fhs_str rest = FHS_LIT("a,,b,");
    fhs_str item;
    ck_assert(fhs_str_next(&rest, ',', &item));
    ck_assert_view_eq(item, FHS_LIT("a"));
    ck_assert(fhs_str_next(&rest, ',', &item));
    ck_assert_view_eq(item, FHS_LIT(""));
    ck_assert(fhs_str_next(&rest, ',', &item));
    ck_assert_view_eq(item, FHS_LIT("b"));
    ck_assert(!fhs_str_next(&rest, ',', &item)); /* what ends with its separator has ended */
    rest = FHS_STR_NONE;
    ck_assert(!fhs_str_next(&rest, ',', &item));
}
END_TEST

START_TEST(order_is_by_bytes_and_prefix_first)
{
    ck_assert_int_lt(fhs_str_compare(FHS_LIT("a"), FHS_LIT("ab")), 0);
    ck_assert_int_gt(fhs_str_compare(FHS_LIT("\xc3"), FHS_LIT("z")), 0);
    ck_assert_int_eq(fhs_str_compare(FHS_STR_NONE, FHS_LIT("")), 0);
    ck_assert(fhs_str_eq_ascii_case(FHS_LIT("AbC"), FHS_LIT("aBc")));
    ck_assert(!fhs_str_eq_ascii_case(FHS_LIT("AbC"), FHS_LIT("aBd")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/str");
    TCase *tests = tcase_create("str");
    tcase_add_loop_test(tests, find_gives_the_first_place, 0,
                        (int)(sizeof find_rows / sizeof find_rows[0]));
    tcase_add_loop_test(tests, integers_stay_within_their_maximum, 0,
                        (int)(sizeof number_rows / sizeof number_rows[0]));
    tcase_add_test(tests, split_and_trim);
    tcase_add_test(tests, a_list_is_walked_item_by_item);
    tcase_add_test(tests, order_is_by_bytes_and_prefix_first);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
