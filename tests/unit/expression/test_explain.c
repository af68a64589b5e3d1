/* SPDX-License-Identifier: Apache-2.0 */
/* Why an expression finds nothing, in words. */
#include <string.h>

#include "evaluate.h"

static const struct {
    const char *path;
    const char *reason; /* NULL: it finds something, or it cannot be told */
} rows[] = {
    {"$.Body.hr", NULL},
    {"$", NULL},
    {"$.body.hr",
     "\"$\" finds an object, but \".body\" finds nothing there: no object there has such a member"},
    {"Body.data.hr", "\"Body.data\" finds an array, but \".hr\" finds nothing there: an array has "
                     "items, not members: put \"[*]\" before it"},
    {"$.Body.data[*].spo2.value", "\"$.Body.data[*]\" finds 2 values, but \".spo2\" finds nothing "
                                  "there: no object there has such a member"},
    {"$.Body.hr.value", "\"$.Body.hr\" finds a number, but \".value\" finds nothing there: only "
                        "objects have members"},
    {"$.Body[?(@.hr)]", "\"$.Body\" finds an object, but \"[?(@.hr)]\" finds nothing there: of an "
                        "object a filter sees the members as such, not what is in them: write "
                        "\"..\" before it"},
    {"$.Body.data[?(@.hr > 100)]", "\"$.Body.data\" finds an array, but \"[?(@.hr > 100)]\" finds "
                                   "nothing there: no item there passes the filter"},
    {"$.Body.data[2]", "\"$.Body.data\" finds an array, but \"[2]\" finds nothing there: no array "
                       "there is that long"},
    {"$.Body[*]", "\"$.Body\" finds an object, but \"[*]\" finds nothing there: an object has "
                  "members, not items: name one, or write \".*\""},
    {"$.Body.none[*]", "\"$.Body.none\" finds an array, but \"[*]\" finds nothing there: no array "
                       "there has items"},
    {"$.Body.data.*", "\"$.Body.data\" finds an array, but \".*\" finds nothing there: an array "
                      "has items, not members: write \"[*]\""},
    {"$..spo2",
     "\"$\" finds an object, but \"..spo2\" finds nothing there: no member at any depth has that "
     "name"},
    {"$..[?(@.spo2)]", "\"$\" finds an object, but \"..[?(@.spo2)]\" finds nothing there: nothing "
                       "at any depth passes the filter"},
    {"$['Body']['x y']", "\"$['Body']\" finds an object, but \"['x y']\" finds nothing there: no "
                         "object there has such a member"},
    {"$.Body.data[0].t[?(@.x)]", "\"$.Body.data[0].t\" finds a string, but \"[?(@.x)]\" finds "
                                 "nothing there: only arrays have items to test"},
    {"$.Body.data[-1]", NULL},
};

START_TEST(paths_are_explained)
{
    outcome out;
    fhs_buf text = FHS_BUF_INIT(1000);
    evaluate_text(FHS_EXPRESSION_JSONPATH, fhs_str_from_cstr(rows[_i].path),
                  FHS_LIT("{\"Body\":{\"hr\":78,\"none\":[],\"data\":[{\"hr\":1,\"t\":\"secret\"},"
                          "{\"hr\":2}]}}"),
                  &out);
    ck_assert_ptr_nonnull(out.expression);
    bool is_told = fhs_expression_explain_select(out.expression, &out.run, out.root, &text);
    ck_assert_int_eq(is_told, rows[_i].reason != NULL);
    ck_assert_str_eq(is_told ? text.ptr : "", is_told ? rows[_i].reason : "");
    fhs_buf_clear(&text);
    outcome_clear(&out);
}
END_TEST

static const struct {
    const char *expression;
    const char *reason;
} jmes_rows[] = {
    {"Body.hr", NULL},
    {"Body.data[]", NULL},
    {"Body.hr == `5`", NULL},
    {"body.data[]", "\"@\" gives an object, but \"body\" gives nothing of it"},
    {"Body.nope", "\"Body\" gives an object, but \".nope\" gives nothing of it"},
    {"Body.nope.deeper[?x].y", "\"Body\" gives an object, but \".nope\" gives nothing of it"},
    {"Body.data[?hr > `100`].t",
     "\"Body.data\" gives an array, but \"[?hr > `100`].t\" gives an empty array of it"},
    {"Body.data[].spo2",
     "\"Body.data\" gives an array, but \"[].spo2\" gives an empty array of it"},
    {"Body.data[5:]", "\"Body.data\" gives an array, but \"[5:]\" gives an empty array of it"},
    {"Body.data[7].t", "\"Body.data\" gives an array, but \"[7]\" gives nothing of it"},
    {"to_array(Body)[?nope] | [].hr",
     "\"to_array(Body)\" gives an array, but \"[?nope]\" gives an empty array of it"},
    {"Body.* | [?nope]", "\"Body.*\" gives an array, but \"| [?nope]\" gives an empty array of it"},
};

START_TEST(jmespath_is_explained)
{
    outcome out;
    fhs_buf text = FHS_BUF_INIT(1000);
    evaluate_text(
        FHS_EXPRESSION_JMESPATH, fhs_str_from_cstr(jmes_rows[_i].expression),
        FHS_LIT("{\"Body\":{\"hr\":78,\"data\":[{\"hr\":1,\"t\":\"secret\"},{\"hr\":2}]}}"), &out);
    ck_assert_ptr_nonnull(out.expression);
    bool is_told = fhs_expression_explain_select(out.expression, &out.run, out.root, &text);
    ck_assert_int_eq(is_told, jmes_rows[_i].reason != NULL);
    ck_assert_str_eq(is_told ? text.ptr : "", is_told ? jmes_rows[_i].reason : "");
    fhs_buf_clear(&text);
    outcome_clear(&out);
}
END_TEST

START_TEST(without_steps_nothing_is_told)
{
    outcome out;
    fhs_buf text = FHS_BUF_INIT(1000);
    evaluate_text(FHS_EXPRESSION_JMESPATH, FHS_LIT("a"), FHS_LIT("{}"), &out);
    out.run.steps_left = 0;
    ck_assert(!fhs_expression_explain_select(out.expression, &out.run, out.root, &text));
    outcome_clear(&out);
    evaluate_text(FHS_EXPRESSION_JSONPATH, FHS_LIT("$.a.b"), FHS_LIT("{}"), &out);
    out.run.steps_left = 0;
    ck_assert(!fhs_expression_explain_select(out.expression, &out.run, out.root, &text));
    ck_assert_uint_eq(text.len, 0);
    outcome_clear(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iot/explain");
    TCase *tests = tcase_create("explain");
    tcase_add_loop_test(tests, paths_are_explained, 0, (int)FHS_COUNT_OF(rows));
    tcase_add_loop_test(tests, jmespath_is_explained, 0, (int)FHS_COUNT_OF(jmes_rows));
    tcase_add_test(tests, without_steps_nothing_is_told);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
