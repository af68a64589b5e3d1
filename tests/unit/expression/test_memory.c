/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of a compilation and an evaluation fails once: it says so, and nothing is lost.
 */
#include <stdio.h>

#include "evaluate.h"
#include "failing_alloc.h"

static const struct {
    fhs_expression_language language;
    const char *expression;
} expressions[] = {
    {FHS_EXPRESSION_JSONPATH, "$..[?(@.sys == '120' && @.t =~ /^2/i || $.x > @.n)]['sys','t']"},
    {FHS_EXPRESSION_JSONPATH, "$.list[*]..*"},
    {FHS_EXPRESSION_JSONPATH, "$.list[?(@.t =~ $.pattern)]"},
    {FHS_EXPRESSION_JMESPATH,
     "list[?sys == '120'].{a: sys, b: multiply(n, `2.5`)} | sort_by(@, &b)"},
    {FHS_EXPRESSION_JMESPATH,
     "[join('-', list[].sys), to_string(list), reverse(keys(@)), merge(@, {z: x})]"},
    {FHS_EXPRESSION_JMESPATH,
     "[insertString(pattern, 'x', `1`), fromUnixTimestamp(x), not_null(a, b, c, x)]"},
    {FHS_EXPRESSION_JMESPATH, "nope(@)"},
};

START_TEST(each_allocation_fails_once)
{
    static const char json[] =
        "{\"x\":5,\"pattern\":\"/^20/\",\"list\":[{\"sys\":\"120\",\"t\":\"2021\","
        "\"n\":1},{\"sys\":\"122\",\"t\":\"1999\",\"n\":7}]}";
    fhirstore_status status = FHIRSTORE_ERR_NO_MEMORY;
    int64_t at = 1;
    for (; status == FHIRSTORE_ERR_NO_MEMORY; at++) {
        outcome out;
        left_until_failure = at;
        status = evaluate_text(expressions[_i].language,
                               fhs_str_from_cstr(expressions[_i].expression), FHS_LIT(json), &out);
        left_until_failure = 0;
        ck_assert((out.err != NULL) == (status < FHIRSTORE_OK));
        ck_assert_int_lt(at, 1000);
        outcome_clear(&out);
    }
    ck_assert_int_gt(at, 2);
    ck_assert_int_eq(status, _i == 6 ? FHIRSTORE_ERR_EXPRESSION : FHIRSTORE_OK);
}
END_TEST

/* The arena's budget ends at each size: the same. */
START_TEST(each_budget_is_enough_or_told)
{
    static const char json[] =
        "{\"x\":5,\"pattern\":\"/^20/\",\"list\":[{\"sys\":\"120\",\"t\":\"2021\","
        "\"n\":1},{\"sys\":\"122\",\"t\":\"1999\",\"n\":7}]}";
    fhirstore_status status = FHIRSTORE_ERR_NO_MEMORY;
    for (size_t budget = 16; status == FHIRSTORE_ERR_NO_MEMORY || status == FHIRSTORE_ERR_LIMIT;
         budget += 16) {
        outcome out = {.err = NULL};
        fhs_arena_init(&out.arena, budget);
        fhs_expression_run_init(&out.run, &out.arena);
        status = fhs_json_read(&out.arena, FHS_LIT(json), NULL, &out.root, &out.err);
        if (status == FHIRSTORE_OK) {
            status = fhs_expression_compile(&out.arena, expressions[_i].language,
                                            fhs_str_from_cstr(expressions[_i].expression),
                                            &out.expression, &out.err);
        }
        if (status == FHIRSTORE_OK) {
            status = fhs_expression_select(out.expression, &out.run, out.root, &out.nodes,
                                           &out.err);
        }
        ck_assert((out.err != NULL) == (status < FHIRSTORE_OK));
        ck_assert_uint_lt(budget, 1 << 20);
        outcome_clear(&out);
    }
    ck_assert_int_eq(status, _i == 6 ? FHIRSTORE_ERR_EXPRESSION : FHIRSTORE_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iot/memory");
    TCase *tests = tcase_create("memory");
    tcase_add_loop_test(tests, each_allocation_fails_once, 0, (int)FHS_COUNT_OF(expressions));
    tcase_add_loop_test(tests, each_budget_is_enough_or_told, 0, (int)FHS_COUNT_OF(expressions));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
