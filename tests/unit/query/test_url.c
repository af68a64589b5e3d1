/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "query/query.h"

static const struct {
    const char *text;
    bool plus;
    const char *want; /* NULL: refused */
} decode_cases[] = {
    {"", true, ""},         {"abc", true, "abc"},     {"a+b", true, "a b"},
    {"a+b", false, "a+b"},  {"a%20b", false, "a b"},  {"%C3%a4", true, "\xC3\xA4"},
    {"%2C%2c", true, ",,"}, {"100%25", true, "100%"}, {"%", true, NULL},
    {"%2", true, NULL},     {"a%2", true, NULL},      {"%G0", true, NULL},
    {"%0g", true, NULL},    {"%%41", true, NULL},
};

START_TEST(decodes)
{
    fhs_arena arena;
    fhs_arena_init(&arena, 1 << 20);
    fhs_str got = fhs_url_decode(&arena, fhs_str_from_cstr(decode_cases[_i].text),
                                 decode_cases[_i].plus);
    if (decode_cases[_i].want == NULL) {
        ck_assert_ptr_null(got.ptr);
    } else {
        ck_assert_ptr_nonnull(got.ptr);
        ck_assert_view_eq(got, fhs_str_from_cstr(decode_cases[_i].want));
    }
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(every_byte_survives_encoding)
{
    fhs_arena arena;
    fhs_buf out = FHS_BUF_INIT(1 << 16);
    char bytes[256];
    fhs_arena_init(&arena, 1 << 20);
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)(unsigned char)i;
    }
    fhs_url_encode(&out, fhs_str_of(bytes, sizeof(bytes)));
    ck_assert_uint_eq(fhs_str_find_char(fhs_buf_str(&out), '&', 0), out.len);
    ck_assert_uint_eq(fhs_str_find_char(fhs_buf_str(&out), '+', 0), out.len);
    ck_assert_uint_eq(fhs_str_find_char(fhs_buf_str(&out), '"', 0), out.len);
    fhs_str got = fhs_url_decode(&arena, fhs_buf_str(&out), true);
    ck_assert_view_eq(got, fhs_str_of(bytes, sizeof(bytes)));
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("query/url");
    TCase *tests = tcase_create("url");
    tcase_add_loop_test(tests, decodes, 0, (int)(sizeof(decode_cases) / sizeof(decode_cases[0])));
    tcase_add_test(tests, every_byte_survives_encoding);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
