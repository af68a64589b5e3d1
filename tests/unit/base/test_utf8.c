/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "base/utf8.h"

static const struct valid_row {
    const char *label;
    fhs_str text;
    size_t valid;
} valid_rows[] = {
    {"ascii", FHS_LIT_INIT("plain text of more than eight"), 29},
    {"two, three, four bytes", FHS_LIT_INIT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 9},
    {"lone tail", FHS_LIT_INIT("a\x80"), 1},
    {"overlong slash", FHS_LIT_INIT("\xc0\xaf"), 0},
    {"overlong in three", FHS_LIT_INIT("\xe0\x80\x80"), 0},
    {"surrogate", FHS_LIT_INIT("ab\xed\xa0\x80"), 2},
    {"past the last code point", FHS_LIT_INIT("\xf4\x90\x80\x80"), 0},
    {"cut short", FHS_LIT_INIT("\xe2\x82"), 0},
    {"after eight", FHS_LIT_INIT("12345678\xff"), 8},
};

START_TEST(validity_ends_where_it_should)
{
    ck_assert_msg(fhs_utf8_valid_prefix(valid_rows[_i].text) == valid_rows[_i].valid, "%s",
                  valid_rows[_i].label);
}
END_TEST

START_TEST(every_code_point_comes_back)
{
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        if (code >= 0xD800 && code <= 0xDFFF) {
            continue;
        }
        char bytes[FHS_UTF8_MAX];
        size_t at = 0;
        fhs_str text = {bytes, fhs_utf8_encode(code, bytes)};
        ck_assert_uint_eq(fhs_utf8_valid_prefix(text), text.len);
        ck_assert_uint_eq(fhs_utf8_next(text, &at), code);
        ck_assert_uint_eq(at, text.len);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/utf8");
    TCase *tests = tcase_create("utf8");
    tcase_add_loop_test(tests, validity_ends_where_it_should, 0,
                        (int)(sizeof valid_rows / sizeof valid_rows[0]));
    tcase_add_test(tests, every_code_point_comes_back);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
