/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Patch and JSON Merge Patch: bytes that stay, places that are none, depth, size. */
#include "apply.h"

#define UNAPPLIED "ERR_PATCH: "
#define NO_PATCH  "ERR_PATCH_DOCUMENT: "

START_TEST(what_is_not_touched_keeps_its_bytes)
{
    static const patch_case cases[] = {
        {"{\"a\":1.10,\"b\":\"\\u0041\\/\",\"c\":[0.00,-0,1E+2]}",
         "[{\"op\":\"add\",\"path\":\"/d\",\"value\":1.0}]",
         "{\"a\":1.10,\"b\":\"\\u0041\\/\",\"c\":[0.00,-0,1E+2],\"d\":1.0}"},
        {"{ \"z\" : 1 , \"y\" : { \"x\" : 2 } }", "[{\"op\":\"remove\",\"path\":\"/z\"}]",
         "{\"y\":{\"x\":2}}"},
        {"{\"z\":1,\"a\":2}", "[{\"op\":\"replace\",\"path\":\"/z\",\"value\":3.50}]",
         "{\"z\":3.50,\"a\":2}"},
        {"[1,2,3]", "[{\"op\":\"move\",\"from\":\"/0\",\"path\":\"/2\"}]", "[2,3,1]"},
        {"{\"a\":[1.10]}",
         "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"},"
         "{\"op\":\"add\",\"path\":\"/b/-\",\"value\":2}]",
         "{\"a\":[1.10],\"b\":[1.10,2]}"},
        {"{\"a/b\":1,\"m~n\":2}",
         "[{\"op\":\"remove\",\"path\":\"/a~1b\"},"
         "{\"op\":\"replace\",\"path\":\"/m~0n\",\"value\":3}]",
         "{\"m~n\":3}"},
        {"{\"\":1}", "[{\"op\":\"replace\",\"path\":\"/\",\"value\":2}]", "{\"\":2}"},
        {"{\"a\":1}",
         "[{\"op\":\"add\",\"path\":\"\",\"value\":{\"b\":2}},"
         "{\"op\":\"add\",\"path\":\"/c\",\"value\":3}]",
         "{\"b\":2,\"c\":3}"},
        {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}"},
        {"{\"a\":1}", "[]", "{\"a\":1}"},
    };
    EXPECT_CASES(FHS_PATCH_JSON, cases);
}
END_TEST

START_TEST(tests_compare_by_value)
{
    static const patch_case cases[] = {
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1.0}]", "{\"a\":1}"},
        {"{\"a\":10}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1e1}]", "{\"a\":10}"},
        {"{\"a\":{\"x\":1,\"y\":[2]}}",
         "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"y\":[2],\"x\":1}}]",
         "{\"a\":{\"x\":1,\"y\":[2]}}"},
        {"{\"a\":\"\\u0041\"}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"A\"}]",
         "{\"a\":\"\\u0041\"}"},
        {"{\"a\":null}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}"},
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":\"1\"}]",
         UNAPPLIED "operation 1"},
        {"{\"a\":[1,2]}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":[2,1]}]", UNAPPLIED},
        {"{\"a\":{\"x\":1}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"x\":1,\"y\":1}}]",
         UNAPPLIED},
        {"{\"a\":true}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":false}]", UNAPPLIED},
        {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/b\",\"value\":1}]", UNAPPLIED},
    };
    EXPECT_CASES(FHS_PATCH_JSON, cases);
}
END_TEST

START_TEST(places_that_are_none)
{
    static const patch_case cases[] = {
        {"{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/-\"}]", UNAPPLIED},
        {"{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/1\"}]", UNAPPLIED},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":1}]", UNAPPLIED},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/01\",\"value\":1}]", UNAPPLIED},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/+0\",\"value\":1}]", UNAPPLIED},
        {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/99999999999999999999\",\"value\":1}]",
         UNAPPLIED},
        {"{\"a\":\"x\"}", "[{\"op\":\"add\",\"path\":\"/a/0\",\"value\":1}]", UNAPPLIED},
        {"{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"/b\",\"path\":\"/c\"}]", UNAPPLIED},
        {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b/c\",\"value\":1}]", UNAPPLIED},
        {"7", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":1}]", UNAPPLIED},
    };
    EXPECT_CASES(FHS_PATCH_JSON, cases);
}
END_TEST

START_TEST(what_is_no_patch)
{
    static const patch_case cases[] = {
        {"{}", "7", NO_PATCH},
        {"{}", "{\"op\":\"remove\",\"path\":\"/a\"}", NO_PATCH},
        {"{}", "[7]", NO_PATCH "operation 1"},
        {"{}", "[{}]", NO_PATCH},
        {"{}", "[{\"op\":7,\"path\":\"\"}]", NO_PATCH},
        {"{}", "[{\"op\":\"Remove\",\"path\":\"/a\"}]", NO_PATCH},
        {"{}", "[{\"op\":\"remove\"}]", NO_PATCH},
        {"{}", "[{\"op\":\"remove\",\"path\":7}]", NO_PATCH},
        {"{}", "[{\"op\":\"remove\",\"path\":\"/a~2\"}]", NO_PATCH},
        {"{}", "[{\"op\":\"remove\",\"path\":\"/a~\"}]", NO_PATCH},
        {"{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", NO_PATCH},
        {"{}", "[{\"op\":\"copy\",\"path\":\"/a\"}]", NO_PATCH},
        {"{}", "[{\"op\":\"copy\",\"path\":\"/a\",\"from\":\"b\"}]", NO_PATCH},
        {"{}", "[{\"op\":\"move\",\"path\":\"/a/b\",\"from\":\"/a\"}]", NO_PATCH},
        {"{}", "[{\"op\":\"add\",\"op\":\"add\",\"path\":\"/a\",\"value\":1}]",
         "ERR_JSON_DUPLICATE"},
        /* Nothing is applied where a later operation is none. */
        {"{}", "[{\"op\":\"remove\",\"path\":\"/a\"},{\"op\":\"burn\",\"path\":\"/a\"}]",
         NO_PATCH "operation 2"},
    };
    EXPECT_CASES(FHS_PATCH_JSON, cases);
}
END_TEST

/* Each copy of the whole into itself goes one level deeper and doubles it. */
START_TEST(a_patch_cannot_nest_or_grow_without_end)
{
    static char patch[64 * 1024];
    size_t len = 0;
    len += (size_t)snprintf(patch + len, sizeof patch - len, "[");
    for (int i = 0; i < 300; i++) {
        len += (size_t)snprintf(patch + len, sizeof patch - len,
                                "%s{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a%d\"},"
                                "{\"op\":\"remove\",\"path\":\"/a%d\"},"
                                "{\"op\":\"add\",\"path\":\"\",\"value\":{\"x\":1}}",
                                i == 0 ? "" : ",", i, i);
    }
    (void)snprintf(patch + len, sizeof patch - len, "]");
    ck_assert_str_eq(apply(FHS_PATCH_JSON, "{}", patch), "{\"x\":1}");
    len = (size_t)snprintf(patch, sizeof patch, "[");
    for (int i = 0; i < 300; i++) {
        len += (size_t)snprintf(patch + len, sizeof patch - len,
                                "%s{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"},"
                                "{\"op\":\"add\",\"path\":\"/a\",\"value\":{}},"
                                "{\"op\":\"move\",\"from\":\"/b\",\"path\":\"/a/a\"}",
                                i == 0 ? "" : ",");
    }
    (void)snprintf(patch + len, sizeof patch - len, "]");
    const char *said = apply(FHS_PATCH_JSON, "{\"a\":{}}", patch);
    ck_assert_msg(strstr(said, "FHS_LIMIT_JSON_DEPTH") != NULL, "%s", said);
    len = (size_t)snprintf(patch, sizeof patch, "[");
    for (int i = 0; i < 40; i++) {
        len += (size_t)snprintf(patch + len, sizeof patch - len,
                                "%s{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"},"
                                "{\"op\":\"move\",\"from\":\"/b\",\"path\":\"/a/-\"},"
                                "{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/-\"}",
                                i == 0 ? "" : ",");
    }
    (void)snprintf(patch + len, sizeof patch - len, "]");
    said = apply(FHS_PATCH_JSON, "{\"a\":[1]}", patch);
    ck_assert_msg(strstr(said, "FHS_LIMIT_PATCH_NODES") != NULL, "%.200s", said);
}
END_TEST

/* RFC 7396, appendix A, and what it leaves as it was. */
START_TEST(merge_patches)
{
    static const patch_case cases[] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
        {"{\"z\":1.10,\"a\":{\"x\":\"\\/\",\"y\":0.00}}", "{\"a\":{\"y\":5.0}}",
         "{\"z\":1.10,\"a\":{\"x\":\"\\/\",\"y\":5.0}}"},
        {"{}", "{", "ERR_JSON"},
    };
    EXPECT_CASES(FHS_PATCH_MERGE, cases);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("patch/json");
    TCase *tests = tcase_create("json");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_not_touched_keeps_its_bytes);
    tcase_add_test(tests, tests_compare_by_value);
    tcase_add_test(tests, places_that_are_none);
    tcase_add_test(tests, what_is_no_patch);
    tcase_add_test(tests, a_patch_cannot_nest_or_grow_without_end);
    tcase_add_test(tests, merge_patches);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
