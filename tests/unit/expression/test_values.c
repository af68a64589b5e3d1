/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of values: texts, times, and the one value that an expression stands for. */
#include <math.h>
#include <string.h>

#include "base/instant.h"
#include "evaluate.h"
#include "expression/number.h"

static const struct {
    const char *json;
    const char *text;    /* NULL: refused */
    const char *lexical; /* NULL: the same */
} texts[] = {
    {"\" 5 \"", " 5 ", NULL},
    {"\"\"", "", NULL},
    {"true", "True", NULL},
    {"false", "False", NULL},
    {"0", "0", NULL},
    {"-0", "0", NULL},
    {"-7", "-7", NULL},
    {"9223372036854775807", "9223372036854775807", NULL},
    {"-9223372036854775808", "-9223372036854775808", NULL},
    {"9223372036854775808", NULL, NULL},
    {"78.0", "78", "78.0"},
    {"98.60", "98.6", "98.60"},
    {"-0.0", "-0", "-0.0"},
    {"0.1", "0.1", NULL},
    {"1.9811999999999999", "1.9811999999999999", NULL},
    {"0.30000000000000004", "0.30000000000000004", NULL},
    {"0.1000000000000000055511151231257827", "0.1", "0.1000000000000000055511151231257827"},
    {"1e-4", "0.0001", "1e-4"},
    {"0.0001", "0.0001", NULL},
    {"0.00001", "1E-05", "0.00001"},
    {"1.5e-5", "1.5E-05", "1.5e-5"},
    {"1e14", "100000000000000", "1e14"},
    {"123456789012345.0", "123456789012345", "123456789012345.0"},
    {"1e15", "1E+15", "1e15"},
    {"1.25e+20", "1.25E+20", "1.25e+20"},
    {"1e100", "1E+100", "1e100"},
    {"1.7976931348623157e308", "1.7976931348623157E+308", "1.7976931348623157e308"},
    {"5e-324", "5E-324", "5e-324"},
    {"1e400", "Infinity", "1e400"},
    {"1e-400", "0", "1e-400"},
    {"[]", NULL, NULL},
    {"{}", NULL, NULL},
};

START_TEST(scalars_have_a_text)
{
    fhs_arena arena;
    const fhs_json *value = NULL;
    fhs_str text;
    fhs_arena_init(&arena, FHS_LIMIT_IOT_BYTES);
    ck_assert_int_eq(fhs_json_read(&arena, fhs_str_from_cstr(texts[_i].json), NULL, &value, NULL),
                     FHIRSTORE_OK);
    fhs_expression_conversion conversion = fhs_expression_to_text(&arena, value, 0, &text);
    ck_assert_int_eq(conversion,
                     texts[_i].text == NULL ? FHS_EXPRESSION_REFUSED : FHS_EXPRESSION_CONVERTED);
    ck_assert_view_eq(text, fhs_str_from_cstr(texts[_i].text));
    fhs_expression_to_text(&arena, value, FHS_EXPRESSION_LEXICAL, &text);
    ck_assert_view_eq(
        text, fhs_str_from_cstr(texts[_i].lexical == NULL ? texts[_i].text : texts[_i].lexical));
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(null_is_absent)
{
    fhs_arena arena;
    const fhs_json *value = NULL;
    fhs_str text;
    int64_t ticks;
    fhs_arena_init(&arena, FHS_LIMIT_IOT_BYTES);
    fhs_json_read(&arena, FHS_LIT("null"), NULL, &value, NULL);
    ck_assert_int_eq(fhs_expression_to_text(&arena, value, 0, &text), FHS_EXPRESSION_ABSENT);
    ck_assert_int_eq(fhs_expression_to_text(&arena, NULL, 0, &text), FHS_EXPRESSION_ABSENT);
    ck_assert_int_eq(fhs_expression_to_ticks(value, &ticks), FHS_EXPRESSION_ABSENT);
    ck_assert_int_eq(fhs_expression_to_ticks(NULL, &ticks), FHS_EXPRESSION_ABSENT);
    fhs_json_read(&arena, FHS_LIT("1600000000"), NULL, &value, NULL);
    ck_assert_int_eq(fhs_expression_to_ticks(value, &ticks), FHS_EXPRESSION_REFUSED);
    fhs_arena_clear(&arena);
}
END_TEST

/* Doubles of all sizes come back from their text. */
START_TEST(doubles_survive_their_text)
{
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        double number;
        double back;
        char text[FHS_EXPRESSION_NUMBER_MAX];
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        uint64_t bits = i % 3 == 0 ? (seed & 0x800FFFFFFFFFFFFFu) | UINT64_C(0x3FF) << 52 : seed;
        memcpy(&number, &bits, sizeof number);
        if (isnan(number) || isinf(number)) {
            continue;
        }
        size_t len = fhs_expression_format_double(number, text);
        ck_assert(fhs_expression_read_double(fhs_str_of(text, len), &back));
        ck_assert_msg(memcmp(&back, &number, sizeof back) == 0, "%s is not %.17g", text, number);
        char again[FHS_EXPRESSION_NUMBER_MAX];
        fhs_expression_format_lexeme(fhs_str_of(text, len), again);
        ck_assert_str_eq(again, text);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *instant; /* NULL: refused */
} times[] = {
    {"2021-07-13T17:29:01Z", "2021-07-13T17:29:01Z"},
    {"2021-07-13t17:29:01z", "2021-07-13T17:29:01Z"},
    {"2021-07-13T17:29:01", "2021-07-13T17:29:01Z"},
    {"2021-07-13T17:29", "2021-07-13T17:29:00Z"},
    {"2021-07-13T17:29:01.8750000Z", "2021-07-13T17:29:01.875Z"},
    {"2021-07-13T17:29:01.12345678Z", "2021-07-13T17:29:01.1234567Z"},
    {"2021-07-13T17:29:01+02", "2021-07-13T15:29:01Z"},
    {"2021-07-13T17:29:01+0230", "2021-07-13T14:59:01Z"},
    {"2021-07-13T17:29:01-02:30", "2021-07-13T19:59:01Z"},
    {"2021-07-13T24:00:00Z", "2021-07-14T00:00:00Z"},
    {"2021-07-13T24:46:01Z", NULL},
    {"2021-07-13", "2021-07-13T00:00:00Z"},
    {"2021-07-13 17:29", "2021-07-13T17:29:00Z"},
    {"2021-07-13 17:29:01.5", "2021-07-13T17:29:01.5Z"},
    {"2021-07-13 17:29:01 +02:00", "2021-07-13T15:29:01Z"},
    {"07/13/2021", "2021-07-13T00:00:00Z"},
    {"7/3/2021", "2021-07-03T00:00:00Z"},
    {"07/13/2021 17:29", "2021-07-13T17:29:00Z"},
    {"07/13/2021 17:29:01", "2021-07-13T17:29:01Z"},
    {"Tue, 13 Jul 2021 17:29:01 GMT", "2021-07-13T17:29:01Z"},
    {" 2021-07-13T17:29:01Z ", "2021-07-13T17:29:01Z"},
    {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
    {"0001-01-01T00:00:00+01:00", NULL},
    {"9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"},
    {"9999-12-31T23:59:59-01:00", NULL},
    {"9999-12-31T24:00:00Z", NULL},
    {"2020-02-29T00:00:00Z", "2020-02-29T00:00:00Z"},
    {"2021-02-29T00:00:00Z", NULL},
    {"2021-13-01T00:00:00Z", NULL},
    {"2021-07-13T17:60:00Z", NULL},
    {"2021-07-13T17:29:60Z", NULL},
    {"2021-07-13T25:00:00Z", NULL},
    {"2021-07-13T17:29:01.Z", NULL},
    {"2021-07-13T17:29:01+15:00", NULL},
    {"2021-07-13T17:29:01+02:60", NULL},
    {"2021-07-13T17:29:01+2", NULL},
    {"2021-07-13T17:29:01Z!", NULL},
    {"2021-07-13T", NULL},
    {"2021-07", NULL},
    {"20210713", NULL},
    {"13/07/2021", NULL},
    {"1600000000", NULL},
    {"", NULL},
    {"yesterday", NULL},
};

START_TEST(times_are_read)
{
    fhs_arena arena;
    int64_t ticks = -1;
    fhs_arena_init(&arena, FHS_LIMIT_IOT_BYTES);
    bool known = fhs_expression_parse_time(fhs_str_from_cstr(times[_i].text), &ticks);
    ck_assert_msg(known == (times[_i].instant != NULL), "\"%s\"", times[_i].text);
    if (known) {
        const fhs_json *made = fhs_expression_make_date(&arena, ticks);
        ck_assert_view_eq(made->text, fhs_str_from_cstr(times[_i].instant));
        ck_assert_int_eq(fhs_expression_kind_of(made), FHS_EXPRESSION_DATE);
    } else {
        ck_assert_int_eq(ticks, 0);
    }
    fhs_arena_clear(&arena);
}
END_TEST

static const struct {
    fhs_expression_language language;
    const char *expression;
    const char *value; /* NULL: none */
    bool fails;
} finds[] = {
    {FHS_EXPRESSION_JSONPATH, "$.a", "1", false},
    {FHS_EXPRESSION_JSONPATH, "$.none", NULL, false},
    {FHS_EXPRESSION_JSONPATH, "$.n", "null", false},
    {FHS_EXPRESSION_JSONPATH, "$.list[*]", NULL, true},
    {FHS_EXPRESSION_JSONPATH, "$.list[1:]", "2", false},
    {FHS_EXPRESSION_JSONPATH, "$.list", "[1,2]", false},
    {FHS_EXPRESSION_JSONPATH, "$.list[-1]", NULL, true},
    {FHS_EXPRESSION_JMESPATH, "a", "1", false},
    {FHS_EXPRESSION_JMESPATH, "none", NULL, false},
    {FHS_EXPRESSION_JMESPATH, "n", NULL, false},
    {FHS_EXPRESSION_JMESPATH, "list[*]", NULL, true},
    {FHS_EXPRESSION_JMESPATH, "list[1:]", "[2]", false},
    {FHS_EXPRESSION_JMESPATH, "list[?@ > `5`]", NULL, false},
    {FHS_EXPRESSION_JMESPATH, "list", "[1,2]", false},
    {FHS_EXPRESSION_JMESPATH, "add(a, n)", NULL, true},
};

START_TEST(one_value_is_found)
{
    outcome out;
    const fhs_json *value = NULL;
    fhs_buf text = FHS_BUF_INIT(1000);
    evaluate_text(finds[_i].language, fhs_str_from_cstr(finds[_i].expression),
                  FHS_LIT("{\"a\":1,\"n\":null,\"list\":[1,2]}"), &out);
    ck_assert_ptr_nonnull(out.expression);
    fhirstore_status status = fhs_expression_find(out.expression, &out.run, out.root, &value,
                                                  &out.err);
    ck_assert_int_eq(status, finds[_i].fails ? FHIRSTORE_ERR_EXPRESSION_DATA : FHIRSTORE_OK);
    ck_assert_int_eq(value == NULL, finds[_i].value == NULL);
    if (value != NULL) {
        fhs_expression_write(&text, value);
        ck_assert_str_eq(text.ptr, finds[_i].value);
    }
    fhs_buf_clear(&text);
    outcome_clear(&out);
}
END_TEST

START_TEST(the_match_is_the_last_member)
{
    outcome out;
    fhs_buf text = FHS_BUF_INIT(1000);
    evaluate_text(FHS_EXPRESSION_JSONPATH, FHS_LIT("$.a[0]"),
                  FHS_LIT("{\"a\":[5],\"matchedToken\":1,\"b\":2}"), &out);
    ck_assert_uint_eq(out.nodes.count, 1);
    const fhs_json *scope = fhs_expression_with_match(&out.arena, out.root, out.nodes.items[0]);
    fhs_expression_write(&text, scope);
    ck_assert_str_eq(text.ptr, "{\"a\":[5],\"matchedToken\":5,\"b\":2}");
    fhs_buf_clear(&text);
    outcome_clear(&out);
    evaluate_text(FHS_EXPRESSION_JMESPATH, FHS_LIT("@"), FHS_LIT("{\"a\":{}}"), &out);
    scope = fhs_expression_with_match(&out.arena, out.root, out.nodes.items[0]);
    fhs_expression_write(&text, scope);
    ck_assert_str_eq(text.ptr, "{\"a\":{},\"matchedToken\":{\"a\":{}}}");
    fhs_buf_clear(&text);
    outcome_clear(&out);
}
END_TEST

START_TEST(languages_have_names)
{
    fhs_expression_language language;
    ck_assert(fhs_expression_language_find(FHS_LIT("jsonpath"), &language));
    ck_assert_int_eq(language, FHS_EXPRESSION_JSONPATH);
    ck_assert(fhs_expression_language_find(FHS_LIT("JMESPath"), &language));
    ck_assert_int_eq(language, FHS_EXPRESSION_JMESPATH);
    ck_assert(!fhs_expression_language_find(FHS_LIT("XPath"), &language));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iot/values");
    TCase *tests = tcase_create("values");
    tcase_add_loop_test(tests, scalars_have_a_text, 0, (int)FHS_COUNT_OF(texts));
    tcase_add_test(tests, null_is_absent);
    tcase_add_test(tests, doubles_survive_their_text);
    tcase_add_loop_test(tests, times_are_read, 0, (int)FHS_COUNT_OF(times));
    tcase_add_loop_test(tests, one_value_is_found, 0, (int)FHS_COUNT_OF(finds));
    tcase_add_test(tests, the_match_is_the_last_member);
    tcase_add_test(tests, languages_have_names);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
