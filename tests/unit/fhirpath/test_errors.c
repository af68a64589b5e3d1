/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong is said at the right stage and place, and nothing runs away. */
#include "base/limits.h"
#include "engine.h"

static const char patient[] =
    "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",\"b\"]},{\"given\":[\"c\"]}],"
    "\"contact\":[{\"name\":{\"family\":\"x\"}}]}";

START_TEST(semantic_errors)
{
    test_engine engine;
    engine_init(&engine, patient);
    check_fails(&engine, "name.nonsense()", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 5);
    check_fails(&engine, "name.where()", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 5);
    check_fails(&engine, "name.first(1)", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 5);
    check_fails(&engine, "name.ofType(1)", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 12);
    check_fails(&engine, "Patient.deceasedBoolean", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 8);
    check_fails(&engine, "name.startsWith('a')", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 5);
    check_fails(&engine, "iif('text', 1, 2)", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 4);
    check_fails(&engine, "1 = (@2015 + 1)", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 11);
    check_fails(&engine, "'a'.matches('(')", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 12);
    check_fails(&engine, "@2015-02-30", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 0);
    check_fails(&engine, "Nothing { a: 1 }", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 0);
    check_fails(&engine, "99999999999999999999", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 0);
    engine_clear(&engine);
}
END_TEST

START_TEST(strict_knows_the_elements)
{
    test_engine engine;
    engine_init(&engine, patient);
    check_eval(&engine, "name.nothing", "");
    check_eval(&engine, "Encounter.status", "");
    engine.strict = true;
    check_fails(&engine, "name.nothing", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 5);
    check_fails(&engine, "Encounter.status", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 0);
    check_fails(&engine, "name.where(nothing = 1)", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 11);
    check_fails(&engine, "contact.name.select(family.nothing)", FHIRSTORE_ERR_FHIRPATH_SEMANTIC,
                27);
    check_fails(&engine, "children().skip(1)", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 11);
    check_fails(&engine, "descendants()[0]", FHIRSTORE_ERR_FHIRPATH_SEMANTIC, 13);
    check_eval(&engine, "contact.name.family", "string:x");
    check_eval(&engine, "contained.anything", "");
    engine_clear(&engine);
}
END_TEST

START_TEST(run_time_errors)
{
    test_engine engine;
    engine_init(&engine, patient);
    check_fails(&engine, "1 + name.single().given", FHIRSTORE_ERR_FHIRPATH_EVAL, 9);
    check_fails(&engine, "-name", FHIRSTORE_ERR_FHIRPATH_EVAL, 1);
    check_fails(&engine, "(1 | 2).not()", FHIRSTORE_ERR_FHIRPATH_EVAL, 8);
    check_fails(&engine, "1 < 'a'", FHIRSTORE_ERR_FHIRPATH_EVAL, 2);
    check_fails(&engine, "'a' - 'b'", FHIRSTORE_ERR_FHIRPATH_EVAL, 4);
    check_fails(&engine, "name.given & 'x'", FHIRSTORE_ERR_FHIRPATH_EVAL, 5);
    check_fails(&engine, "name.as(HumanName)", FHIRSTORE_ERR_FHIRPATH_EVAL, 5);
    check_fails(&engine, "id is nothing1", FHIRSTORE_ERR_FHIRPATH_EVAL, 3);
    check_fails(&engine, "id.ofType(nothing1)", FHIRSTORE_ERR_FHIRPATH_EVAL, 10);
    check_fails(&engine, "(true | 'a').allTrue()", FHIRSTORE_ERR_FHIRPATH_EVAL, 13);
    check_fails(&engine, "@2015-01-01 + 1 'mo'", FHIRSTORE_ERR_FHIRPATH_EVAL, 12);
    check_fails(&engine, "@9999-01-01 + 1 year", FHIRSTORE_ERR_FHIRPATH_EVAL, 12);
    check_fails(&engine, "@T10:00:00Z", FHIRSTORE_ERR_FHIRPATH_EVAL, 0);
    check_fails(&engine, "$total", FHIRSTORE_ERR_FHIRPATH_EVAL, 0);
    check_fails(&engine, "'a'.matches('(' & '')", FHIRSTORE_ERR_FHIRPATH_EVAL, 16);
    check_fails(&engine, "conformsTo('http://nowhere')", FHIRSTORE_ERR_FHIRPATH_EVAL, 0);
    check_fails(&engine, "(1 | 'a').sort()", FHIRSTORE_ERR_FHIRPATH_EVAL, 10);
    engine_clear(&engine);
}
END_TEST

START_TEST(texts_carry_no_content)
{
    test_engine engine;
    engine_init(&engine, patient);
    check_fails(&engine, "name.given.first() < 1", FHIRSTORE_ERR_FHIRPATH_EVAL, 19);
    ck_assert_str_eq(fhs_error_message(engine.error),
                     "FHIRPath: these types have no order at offset 19");
    engine_clear(&engine);
}
END_TEST

static fhirstore_status eval_status(test_engine *engine, const char *expression)
{
    fhs_buf out = FHS_BUF_INIT(MAX_TEST_TEXT);
    fhirstore_status status = engine_eval(engine, expression, &out);
    fhs_buf_clear(&out);
    return status;
}

START_TEST(runaways_end_in_a_limit)
{
    static const char *const rows[] = {
        "1.repeatAll($this)",
        "1.repeat($this + 1).count()",
        "'ab'.repeatAll($this & $this)",
        ("'aaaaaaaaaaaaaaaa'.select(defineVariable('a', $this & $this & $this & $this).select("
         "%a & %a & %a & %a & %a & %a & %a & %a).repeatAll($this & $this & $this & $this))"),
        "(1|2|3|4|5|6|7|8|9|10).repeatAll(combine($this).select($this).combine(1))",
    };
    test_engine engine;
    engine_init(&engine, patient);
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        ck_assert_msg(eval_status(&engine, rows[i]) == FHIRSTORE_ERR_LIMIT, "%s: %s", rows[i],
                      engine.error == NULL ? "no error" : fhs_error_message(engine.error));
    }
    /* The run is as good as new. */
    check_eval(&engine, "name.given.count()", "integer:3");
    engine_clear(&engine);
}
END_TEST

START_TEST(callers_can_lower_the_limits)
{
    test_engine engine;
    const fhs_fp_item *items = NULL;
    size_t count = 0;
    fhs_fhirpath *path = NULL;
    engine_init(&engine, patient);
    fhs_fhirpath_options options = {engine.fhir, FHS_TYPE_NONE, false};
    ck_assert_int_eq(
        fhs_fhirpath_compile(&options, FHS_LIT("name.given.select($this & 'x')"), &path, NULL),
        FHIRSTORE_OK);
    fhs_fhirpath_input input = {.resource = engine.resource, .max_steps = 5};
    ck_assert_int_eq(fhs_fhirpath_evaluate(path, engine.run, &input, &items, &count, NULL),
                     FHIRSTORE_ERR_LIMIT);
    input.max_steps = 0;
    input.max_results = 2;
    ck_assert_int_eq(fhs_fhirpath_evaluate(path, engine.run, &input, &items, &count, NULL),
                     FHIRSTORE_ERR_LIMIT);
    input.max_results = 0;
    ck_assert_int_eq(fhs_fhirpath_evaluate(path, engine.run, &input, &items, &count, NULL),
                     FHIRSTORE_OK);
    ck_assert_uint_eq(count, 3);
    fhs_fhirpath_free(path);
    engine_clear(&engine);
}
END_TEST

START_TEST(little_memory_is_an_error_not_a_crash)
{
    static const char *const rows[] = {
        "'a' & 'b'",
        "name.given.sort()",
        "'abc'.matches('a' & 'b')",
        "1.5 + 2.5",
        "now()",
        "(1 | 2).aggregate($total + $this, 0)",
        "Coding { code: 'x' }",
        "1.type()",
        "defineVariable('a', 1).select(%a)",
        "'a'.replaceMatches('b*', 'x')",
    };
    test_engine engine;
    engine_init(&engine, patient);
    for (size_t bytes = 1; bytes < 20000; bytes = bytes * 3 / 2 + 1) {
        fhs_fhirpath_run_free(engine.run);
        engine.run = fhs_fhirpath_run_new(bytes);
        ck_assert_ptr_nonnull(engine.run);
        for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
            fhirstore_status status = eval_status(&engine, rows[i]);
            ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_LIMIT ||
                              status == FHIRSTORE_ERR_NO_MEMORY,
                          "%s: %d", rows[i], status);
        }
    }
    engine_clear(&engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fhirpath_errors");
    TCase *tests = tcase_create("errors");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, semantic_errors);
    tcase_add_test(tests, strict_knows_the_elements);
    tcase_add_test(tests, run_time_errors);
    tcase_add_test(tests, texts_carry_no_content);
    tcase_add_test(tests, runaways_end_in_a_limit);
    tcase_add_test(tests, callers_can_lower_the_limits);
    tcase_add_test(tests, little_memory_is_an_error_not_a_crash);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
