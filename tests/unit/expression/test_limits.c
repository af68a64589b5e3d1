/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions that run away end in a limit that has a name; all faults of one are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate.h"

/* @a before, @a part so many times, @a after; to be freed. */
static char *repeat_text(const char *before, const char *part, size_t count, const char *after)
{
    size_t len = strlen(part);
    char *text = malloc(strlen(before) + len * count + strlen(after) + 1);
    ck_assert_ptr_nonnull(text);
    char *at = text + strlen(before);
    memcpy(text, before, strlen(before));
    for (size_t i = 0; i < count; i++, at += len) {
        memcpy(at, part, len);
    }
    memcpy(at, after, strlen(after) + 1);
    return text;
}

static void expect_limit(fhs_expression_language language, char *expression, const char *json,
                         const char *limit)
{
    outcome out;
    fhirstore_status status = evaluate_text(language, fhs_str_from_cstr(expression),
                                            fhs_str_from_cstr(json), &out);
    ck_assert_msg(status == FHIRSTORE_ERR_LIMIT, "%s of %.60s", fhs_status_name(status),
                  expression);
    ck_assert_msg(strstr(fhs_error_message(out.err), limit) != NULL, "%s",
                  fhs_error_message(out.err));
    ck_assert_uint_eq(out.nodes.count, 0);
    outcome_clear(&out);
    free(expression);
}

START_TEST(paths_are_bounded)
{
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$", ".a", 40000, ""), "{}",
                 "FHS_LIMIT_EXPRESSION_BYTES");
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$", ".a", 600, ""), "{}",
                 "FHS_LIMIT_EXPRESSION_CHAIN");
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$[1", ",1", 600, "]"), "{}",
                 "FHS_LIMIT_EXPRESSION_CHAIN");
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$['a'", ",'a'", 600, "]"), "{}",
                 "FHS_LIMIT_EXPRESSION_CHAIN");
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$[?(true", "||true", 600, ")]"), "{}",
                 "FHS_LIMIT_EXPRESSION_CHAIN");
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$", "[?(@", 200, ""), "{}",
                 "FHS_LIMIT_EXPRESSION_DEPTH");
    char *deep = repeat_text("", "[", 190, "1");
    char *nested = repeat_text(deep, "]", 190, "");
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$", "..*", 12, ".zz"), nested,
                 "FHS_LIMIT_IOT_STEPS");
    free(deep);
    free(nested);
    char *wide = repeat_text("[0", ",0", 3000, "]");
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$[?($[?(@ == 5)", "]", 1, " == 3)]"), wide,
                 "FHS_LIMIT_IOT_STEPS");
    free(wide);
}
END_TEST

START_TEST(jmespath_is_bounded)
{
    expect_limit(FHS_EXPRESSION_JMESPATH, repeat_text("a", ".a", 40000, ""), "{}",
                 "FHS_LIMIT_EXPRESSION_BYTES");
    expect_limit(FHS_EXPRESSION_JMESPATH, repeat_text("a", ".a", 600, ""), "{}",
                 "FHS_LIMIT_EXPRESSION_CHAIN");
    expect_limit(FHS_EXPRESSION_JMESPATH, repeat_text("", "(", 200, "a"), "{}",
                 "FHS_LIMIT_EXPRESSION_DEPTH");
    expect_limit(FHS_EXPRESSION_JMESPATH, repeat_text("", "!", 200, "a"), "{}",
                 "FHS_LIMIT_EXPRESSION_DEPTH");
    /* Each pipe doubles what follows. */
    expect_limit(FHS_EXPRESSION_JMESPATH, repeat_text("[@]", " | [@, @][]", 40, ""), "1",
                 "FHS_LIMIT_IOT_BYTES");
    expect_limit(FHS_EXPRESSION_JMESPATH, repeat_text("@", " | [@, @]", 30, " | @ == @"), "1",
                 "FHS_LIMIT_IOT_STEPS");
    expect_limit(FHS_EXPRESSION_JMESPATH,
                 repeat_text("'abcdefghijklmnop'", " | join(@, [@, @, @])", 20, ""), "1", "bytes");
    expect_limit(FHS_EXPRESSION_JMESPATH, repeat_text("@", " | [@, @]", 30, " | to_string(@)"), "1",
                 "bytes");
}
END_TEST

/* What looks through long texts and many members counts more than one step. */
START_TEST(long_values_cost_more)
{
    char *many = repeat_text("{\"a\":[0", ",0", 20000, "]");
    char *members = malloc(2000000);
    char *text = repeat_text("{\"big\":\"", "x", 1000000, "\",\"a\":[0");
    char *numbers = repeat_text(text, ",0", 20000, "]}");
    size_t len = strlen(many);
    ck_assert_ptr_nonnull(members);
    memcpy(members, many, len);
    for (int i = 0; i < 50000; i++) {
        len += (size_t)sprintf(members + len, ",\"m%d\":0", i);
    }
    memcpy(members + len, "}", 2);
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$.a[?($.zz)]", "", 0, ""), members,
                 "FHS_LIMIT_IOT_STEPS");
    expect_limit(FHS_EXPRESSION_JSONPATH, repeat_text("$.a[?($.big == $.big)]", "", 0, ""), numbers,
                 "FHS_LIMIT_IOT_STEPS");
    expect_limit(FHS_EXPRESSION_JMESPATH,
                 repeat_text("big | [@]", " | [@, @][]", 12, " | sort(@) | length(@)"), numbers,
                 "FHS_LIMIT_IOT_STEPS");
    expect_limit(FHS_EXPRESSION_JMESPATH,
                 repeat_text("big | [@]", " | [@, @][]", 12, " | map(&reverse(@), @)"), numbers,
                 "FHS_LIMIT_IOT");
    free(many);
    free(members);
    free(text);
    free(numbers);
}
END_TEST

START_TEST(steps_are_shared_by_a_message)
{
    outcome out;
    fhs_expression_nodes nodes;
    ck_assert_int_eq(evaluate_text(FHS_EXPRESSION_JSONPATH, FHS_LIT("$.a.b"),
                                   FHS_LIT("{\"a\":{\"b\":1}}"), &out),
                     FHIRSTORE_OK);
    uint64_t cost = FHS_LIMIT_IOT_STEPS - out.run.steps_left;
    ck_assert_uint_gt(cost, 0);
    out.run.steps_left = cost;
    ck_assert_int_eq(fhs_expression_select(out.expression, &out.run, out.root, &nodes, &out.err),
                     FHIRSTORE_OK);
    ck_assert_uint_eq(out.run.steps_left, 0);
    ck_assert_int_eq(fhs_expression_select(out.expression, &out.run, out.root, &nodes, &out.err),
                     FHIRSTORE_ERR_LIMIT);
    outcome_clear(&out);
}
END_TEST

START_TEST(every_wrong_call_is_told)
{
    outcome out;
    ck_assert_int_eq(evaluate_text(FHS_EXPRESSION_JMESPATH,
                                   FHS_LIT("[nope(@), add(`1`), sort_by(@, a), length(@), none()]"),
                                   FHS_LIT("{}"), &out),
                     FHIRSTORE_ERR_EXPRESSION);
    ck_assert_uint_eq(fhs_error_location(out.err).offset, 1);
    ck_assert_uint_eq(fhs_error_issue_count(out.err), 4);
    fhirstore_issue issue;
    ck_assert(fhs_error_issue(out.err, 3, &issue));
    ck_assert_ptr_nonnull(strstr(issue.text, "none() at offset 46"));
    outcome_clear(&out);
}
END_TEST

START_TEST(expressions_are_text)
{
    static const fhs_str texts[] = {FHS_LIT_INIT("'a\xFF'"), FHS_LIT_INIT("'a\0'")};
    for (size_t i = 0; i < 2 * FHS_COUNT_OF(texts); i++) {
        outcome out;
        ck_assert_int_eq(
            evaluate_text(i % 2 == 0 ? FHS_EXPRESSION_JSONPATH : FHS_EXPRESSION_JMESPATH,
                          texts[i / 2], FHS_LIT("{}"), &out),
            FHIRSTORE_ERR_EXPRESSION);
        ck_assert_uint_eq(fhs_error_location(out.err).offset, 2);
        outcome_clear(&out);
    }
}
END_TEST

START_TEST(errors_hold_no_data)
{
    outcome out;
    ck_assert_int_eq(evaluate_text(FHS_EXPRESSION_JMESPATH, FHS_LIT("add(name, `1`)"),
                                   FHS_LIT("{\"name\":\"Secret\"}"), &out),
                     FHIRSTORE_ERR_EXPRESSION_DATA);
    ck_assert_str_eq(fhs_error_message(out.err), "add() at offset 0 wants a number as argument 1");
    outcome_clear(&out);
    ck_assert_int_eq(evaluate_text(FHS_EXPRESSION_JSONPATH, FHS_LIT("$[?(@.name > 5)]"),
                                   FHS_LIT("[{\"name\":\"Secret\"}]"), &out),
                     FHIRSTORE_ERR_EXPRESSION_DATA);
    ck_assert_ptr_null(strstr(fhs_error_message(out.err), "Secret"));
    outcome_clear(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iot/limits");
    TCase *tests = tcase_create("limits");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, paths_are_bounded);
    tcase_add_test(tests, jmespath_is_bounded);
    tcase_add_test(tests, long_values_cost_more);
    tcase_add_test(tests, steps_are_shared_by_a_message);
    tcase_add_test(tests, every_wrong_call_is_told);
    tcase_add_test(tests, expressions_are_text);
    tcase_add_test(tests, errors_hold_no_data);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
