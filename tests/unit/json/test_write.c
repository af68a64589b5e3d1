/* SPDX-License-Identifier: Apache-2.0 */
/* Writers, edits and equality. */
#include "suite.h"

#include "base/compiler.h"
#include "guard.h"
#include "json/json.h"

static fhs_arena arena;
static guarded guard;
static fhs_buf out;

static void setup(void)
{
    fhs_arena_init(&arena, (size_t)64 << 20);
    fhs_buf_init(&out, 1 << 20);
    guard = guard_open(1 << 20);
}

static void teardown(void)
{
    fhs_arena_clear(&arena);
    fhs_buf_clear(&out);
    guard_close(&guard);
}

static const fhs_json *read_text_at(fhs_str text)
{
    const fhs_json *root;
    ck_assert_int_eq(fhs_json_read(&arena, text, NULL, &root, NULL), FHIRSTORE_OK);
    return root;
}

struct format_row {
    const char *text;
    const char *compact;
    const char *pretty;
};

static const struct format_row formats[] = {
    {" 1.10 ", "1.10", "1.10"},
    {"\n\"a \\u00e9 \\/ \xC3\xA9\\\\\" ", "\"a \\u00e9 \\/ \xC3\xA9\\\\\"",
     "\"a \\u00e9 \\/ \xC3\xA9\\\\\""},
    {" null", "null", "null"},
    {"[ ]", "[]", "[]"},
    {" { \n } ", "{}", "{}"},
    {"[1,2]", "[1,2]", "[\n  1,\n  2\n]"},
    {"{\"a\":1}", "{\"a\":1}", "{\n  \"a\": 1\n}"},
    {"{ \"a\" : [ { } , [ ] , [ true ] ] , \"b , : \\\" c\" : -0.0e+1 }",
     "{\"a\":[{},[],[true]],\"b , : \\\" c\":-0.0e+1}",
     "{\n  \"a\": [\n    {},\n    [],\n    [\n      true\n    ]\n  ],\n  \"b , : \\\" c\": "
     "-0.0e+1\n}"},
    {"[\"\",\"\\\\\",\"\\\"\"]", "[\"\",\"\\\\\",\"\\\"\"]",
     "[\n  \"\",\n  \"\\\\\",\n  \"\\\"\"\n]"},
    {"[1\t,\r\n2]", "[1,2]", "[\n  1,\n  2\n]"},
};

START_TEST(only_white_space_changes)
{
    const struct format_row *row = &formats[_i];
    fhs_str text = guard_place(&guard, fhs_str_from_cstr(row->text));
    const fhs_json *root = read_text_at(text);
    fhs_json_write_compact(&out, text, root);
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(row->compact));
    fhs_buf_reset(&out);
    fhs_json_write_pretty(&out, text, root);
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(row->pretty));
}
END_TEST

START_TEST(parts_are_written_alone)
{
    fhs_str text = FHS_LIT("{ \"a\" : [ 1 , { \"b\" : 2 } ] , \"c\" : 3 }");
    const fhs_json *root = read_text_at(text);
    fhs_json_write_compact(&out, text, fhs_json_get(root, FHS_LIT("a")));
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("[1,{\"b\":2}]"));
    fhs_buf_reset(&out);
    fhs_json_write_pretty(&out, text, &fhs_json_get(root, FHS_LIT("a"))->items[1]);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("{\n  \"b\": 2\n}"));
}
END_TEST

START_TEST(a_full_buffer_says_so)
{
    fhs_str text = FHS_LIT("[ \"a long text that does not fit\" , 1 ]");
    const fhs_json *root = read_text_at(text);
    fhs_buf small = FHS_BUF_INIT(10);
    fhs_json_write_compact(&small, text, root);
    ck_assert_int_eq(fhs_buf_status(&small), FHIRSTORE_ERR_LIMIT);
    fhs_buf_reset(&small);
    fhs_json_write_pretty(&small, text, root);
    ck_assert_int_eq(fhs_buf_status(&small), FHIRSTORE_ERR_LIMIT);
    fhs_buf_clear(&small);
}
END_TEST

START_TEST(strings_are_escaped_where_they_must_be)
{
    fhs_json_write_string(&out, FHS_LIT("plain \xC3\xA9 / \"q\" \\ \b\f\n\r\t \x01\x1F\x7F"));
    ck_assert_view_eq(fhs_buf_str(&out),
                      FHS_LIT("\"plain \xC3\xA9 / \\\"q\\\" \\\\ \\b\\f\\n\\r\\t "
                              "\\u0001\\u001f\x7F\""));
    fhs_buf_reset(&out);
    fhs_json_write_string(&out, FHS_STR_NONE);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("\"\""));
}
END_TEST

START_TEST(every_character_survives_a_string)
{
    for (unsigned c = 1; c < 0x80; c++) {
        char text[12] = "0123456789a";
        text[c % 11] = (char)c;
        fhs_buf_reset(&out);
        fhs_json_write_string(&out, guard_place(&guard, fhs_str_of(text, 11)));
        ck_assert_view_eq(read_text_at(fhs_buf_str(&out))->text, fhs_str_of(text, 11));
    }
}
END_TEST

/* ---- edits ---- */

struct edit_row {
    const char *text;
    const char *edits[3][2]; /* name, value or NULL */
    size_t count;
    const char *want;
};

static const struct edit_row edits[] = {
    {"{ }", {{NULL, NULL}}, 0, "{}"},
    {"{ }", {{"a", "1"}, {"b", "[ 2 ]"}}, 2, "{\"a\":1,\"b\":[2]}"},
    {"{ }", {{"a", NULL}}, 1, "{}"},
    {"{\"a\": 1.10, \"b\": 2 }", {{NULL, NULL}}, 0, "{\"a\":1.10,\"b\":2}"},
    {"{\"a\":1,\"b\":2,\"c\":3}",
     {{"b", "{ \"x\" : \" \" }"}},
     1,
     "{\"a\":1,\"b\":{\"x\":\" \"},\"c\":3}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", {{"a", NULL}}, 1, "{\"b\":2,\"c\":3}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", {{"c", NULL}}, 1, "{\"a\":1,\"b\":2}"},
    {"{\"a\":1}", {{"a", NULL}}, 1, "{}"},
    {"{\"a\":1}", {{"a", NULL}, {"b", "2"}}, 2, "{\"b\":2}"},
    {"{\"a\":1}", {{"id", "\"x\""}}, 1, "{\"id\":\"x\",\"a\":1}"},
    {"{\"resourceType\":\"Patient\"}",
     {{"id", "\"x\""}, {"meta", "{}"}},
     2,
     "{\"resourceType\":\"Patient\",\"id\":\"x\",\"meta\":{}}"},
    {"{\"a\": 1, \"resourceType\" :\"Patient\", \"meta\" : 0, \"b\": 1}",
     {{"meta", "{\"v\":\"1\"}"}, {"id", "\"x\""}},
     2,
     "{\"a\":1,\"resourceType\":\"Patient\",\"id\":\"x\",\"meta\":{\"v\":\"1\"},\"b\":1}"},
    {"{\"resourceType\":\"A\",\"b\":1}",
     {{"resourceType", NULL}, {"x", "1"}},
     2,
     "{\"x\":1,\"b\":1}"},
    {"{\"resourceType\":\"A\",\"b\":1}",
     {{"resourceType", "\"B\""}, {"x", "1"}},
     2,
     "{\"resourceType\":\"B\",\"x\":1,\"b\":1}"},
    {"{ \"\\u0061\" : 1 , \"\\u0062\" : 2 }", {{"a", "3"}}, 1, "{\"\\u0061\":3,\"\\u0062\":2}"},
    {"{\"q\\\"\" : \" \\\" } , \" , \"z\" : [ ] }",
     {{"n\"", "0"}},
     1,
     "{\"n\\\"\":0,\"q\\\"\":\" \\\" } , \",\"z\":[]}"},
};

START_TEST(edits_touch_what_they_name)
{
    const struct edit_row *row = &edits[_i];
    fhs_json_edit list[3];
    for (size_t i = 0; i < row->count; i++) {
        list[i] = (fhs_json_edit){fhs_str_from_cstr(row->edits[i][0]),
                                  fhs_str_from_cstr(row->edits[i][1])};
    }
    fhs_str text = guard_place(&guard, fhs_str_from_cstr(row->text));
    fhs_json_write_edited(&out, text, read_text_at(text), list, row->count);
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(row->want));
    (void)read_text_at(fhs_buf_str(&out));
}
END_TEST

START_TEST(an_object_inside_a_text_is_edited_alone)
{
    fhs_str text = FHS_LIT("[ 0 , { \"a\" : 1 , \"b\" : 2 } , 3 ]");
    fhs_json_edit edit = {FHS_LIT("a"), FHS_STR_NONE};
    fhs_json_write_edited(&out, text, &read_text_at(text)->items[1], &edit, 1);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("{\"b\":2}"));
}
END_TEST

/* ---- equality ---- */

static const struct {
    const char *a, *b;
    bool equal;
} pairs[] = {
    {"1", "1", true},
    {"1.10", "1.1", false},
    {"1", "\"1\"", false},
    {"1e1", "1E1", false},
    {"true", "true", true},
    {"true", "false", false},
    {"null", "null", true},
    {"null", "{}", false},
    {"[]", "{}", false},
    {"\"\\u0061\"", "\"a\"", true},
    {"\"a\"", "\"A\"", false},
    {"[1,2]", "[ 1, 2 ]", true},
    {"[1,2]", "[2,1]", false},
    {"[1,2]", "[1]", false},
    {"{\"a\":1,\"b\":2}", "{ \"b\":2, \"a\":1 }", true},
    {"{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", false},
    {"{\"a\":1}", "{\"b\":1}", false},
    {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
    {"{\"a\":{\"b\":[{\"c\":1,\"d\":null}]}}", "{\"\\u0061\":{\"b\":[{\"d\":null,\"c\":1}]}}",
     true},
    {"{\"a\":{\"b\":[{\"c\":1,\"d\":null}]}}", "{\"a\":{\"b\":[{\"d\":null,\"c\":2}]}}", false},
};

START_TEST(equality_is_that_of_json)
{
    const fhs_json *a = read_text_at(fhs_str_from_cstr(pairs[_i].a));
    const fhs_json *b = read_text_at(fhs_str_from_cstr(pairs[_i].b));
    ck_assert(fhs_json_equal(a, b) == pairs[_i].equal);
    ck_assert(fhs_json_equal(b, a) == pairs[_i].equal);
    ck_assert(fhs_json_equal(a, a));
}
END_TEST

static fhs_str many_members(fhs_buf *text, int count, bool reversed, int last)
{
    fhs_buf_add_char(text, '{');
    for (int i = 0; i < count; i++) {
        int n = reversed ? count - 1 - i : i;
        fhs_buf_addf(text, "%s\"m%d\":%d", i == 0 ? "" : ",", n, n == 0 ? last : n);
    }
    fhs_buf_add_char(text, '}');
    return fhs_buf_str(text);
}

START_TEST(large_objects_compare_in_any_order)
{
    for (int count = 30; count < 100000; count = count * 4 + 1) {
        fhs_buf texts[3] = {FHS_BUF_INIT(8 << 20), FHS_BUF_INIT(8 << 20), FHS_BUF_INIT(8 << 20)};
        const fhs_json *a = read_text_at(many_members(&texts[0], count, false, 7));
        const fhs_json *b = read_text_at(many_members(&texts[1], count, true, 7));
        const fhs_json *c = read_text_at(many_members(&texts[2], count, true, 8));
        ck_assert(fhs_json_equal(a, b));
        ck_assert(!fhs_json_equal(a, c));
        for (int i = 0; i < 3; i++) {
            fhs_buf_clear(&texts[i]);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json/write");
    TCase *tests = tcase_create("write");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, only_white_space_changes, 0, FHS_COUNT_OF(formats));
    tcase_add_test(tests, parts_are_written_alone);
    tcase_add_test(tests, a_full_buffer_says_so);
    tcase_add_test(tests, strings_are_escaped_where_they_must_be);
    tcase_add_test(tests, every_character_survives_a_string);
    tcase_add_loop_test(tests, edits_touch_what_they_name, 0, FHS_COUNT_OF(edits));
    tcase_add_test(tests, an_object_inside_a_text_is_edited_alone);
    tcase_add_loop_test(tests, equality_is_that_of_json, 0, FHS_COUNT_OF(pairs));
    tcase_add_test(tests, large_objects_compare_in_any_order);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
