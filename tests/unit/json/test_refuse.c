/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader refuses, where it says so, and with which words. */
#include "suite.h"

#include <stdio.h>

#include "base/limits.h"
#include "guard.h"
#include "json/json.h"

static fhs_arena arena;
static guarded guard;

static void setup(void)
{
    fhs_arena_init(&arena, (size_t)256 << 20);
    guard = guard_open((size_t)8 << 20);
}

static void teardown(void)
{
    fhs_arena_clear(&arena);
    guard_close(&guard);
}

struct bad_row {
    const char *text;
    fhirstore_status status;
    uint64_t offset;
    uint32_t line, column;
    const char *message;
};

#define SYNTAX    FHIRSTORE_ERR_JSON
#define UTF8      FHIRSTORE_ERR_JSON_UTF8
#define STRING    FHIRSTORE_ERR_JSON_STRING
#define DUPLICATE FHIRSTORE_ERR_JSON_DUPLICATE
#define CONTROL   "JSON: a string holds a control character that is not escaped"
#define BAD_UTF8  "JSON: a string is not valid UTF-8"
#define SURROGATE "JSON: a string holds half of a surrogate pair"
#define REPEATED  "JSON: an object has two members of the same name"
#define OPEN      "JSON: expected '\"' at the end of a string, found the end of the text"
#define HEX       "JSON: expected four hexadecimal digits behind \"\\u\""
#define ESCAPE    "JSON: expected one of \" \\ / b f n r t u behind a backslash"
#define VALUE     "JSON: expected a value"
#define END       ", found the end of the text"

static const struct bad_row bad[] = {
    /* no value */
    {"", SYNTAX, 0, 1, 1, VALUE END},
    {" \n ", SYNTAX, 3, 2, 2, VALUE END},
    {"x", SYNTAX, 0, 1, 1, VALUE},
    {"\xEF\xBB\xBF{}", SYNTAX, 0, 1, 1, "JSON: the text begins with a byte-order mark"},
    {"\xFF\xFE{", UTF8, 0, 1, 1, "JSON: the text is not valid UTF-8"},
    {"[\xC3\xA9]", SYNTAX, 1, 1, 2, VALUE},
    {"\v1", SYNTAX, 0, 1, 1, VALUE},
    {"\xC2\xA0"
     "1",
     SYNTAX, 0, 1, 1, VALUE},
    {"'a'", SYNTAX, 0, 1, 1, VALUE},
    {"// c\n1", SYNTAX, 0, 1, 1, VALUE},
    /* literals */
    {"nul", SYNTAX, 0, 1, 1, VALUE},
    {"nulL", SYNTAX, 0, 1, 1, VALUE},
    {"True", SYNTAX, 0, 1, 1, VALUE},
    {"[fals]", SYNTAX, 1, 1, 2, VALUE},
    {"NaN", SYNTAX, 0, 1, 1, VALUE},
    {"Infinity", SYNTAX, 0, 1, 1, VALUE},
    {"truex", SYNTAX, 4, 1, 5, "JSON: expected the end of the text"},
    /* numbers */
    {"-", SYNTAX, 1, 1, 2, "JSON: expected a digit" END},
    {"-a", SYNTAX, 1, 1, 2, "JSON: expected a digit"},
    {"--1", SYNTAX, 1, 1, 2, "JSON: expected a digit"},
    {"+1", SYNTAX, 0, 1, 1, VALUE},
    {".5", SYNTAX, 0, 1, 1, VALUE},
    {"01", SYNTAX, 1, 1, 2, "JSON: expected no digit behind a leading zero"},
    {"-00.5", SYNTAX, 2, 1, 3, "JSON: expected no digit behind a leading zero"},
    {"1.", SYNTAX, 2, 1, 3, "JSON: expected a digit" END},
    {"[1.]", SYNTAX, 3, 1, 4, "JSON: expected a digit"},
    {"1.e5", SYNTAX, 2, 1, 3, "JSON: expected a digit"},
    {"1e", SYNTAX, 2, 1, 3, "JSON: expected a digit" END},
    {"1e+", SYNTAX, 3, 1, 4, "JSON: expected a digit" END},
    {"1e+-2", SYNTAX, 3, 1, 4, "JSON: expected a digit"},
    {"1e5.5", SYNTAX, 3, 1, 4, "JSON: expected the end of the text"},
    {"0x10", SYNTAX, 1, 1, 2, "JSON: expected the end of the text"},
    {"1 2", SYNTAX, 2, 1, 3, "JSON: expected the end of the text"},
    /* arrays */
    {"[", SYNTAX, 1, 1, 2, VALUE END},
    {"[1", SYNTAX, 2, 1, 3, "JSON: expected ',' or ']'" END},
    {"[1,", SYNTAX, 3, 1, 4, VALUE END},
    {"[1,]", SYNTAX, 3, 1, 4, VALUE},
    {"[,1]", SYNTAX, 1, 1, 2, VALUE},
    {"[1 2]", SYNTAX, 3, 1, 4, "JSON: expected ',' or ']'"},
    {"[1}", SYNTAX, 2, 1, 3, "JSON: expected ',' or ']'"},
    {"[}", SYNTAX, 1, 1, 2, VALUE},
    {"[[]", SYNTAX, 3, 1, 4, "JSON: expected ',' or ']'" END},
    {"]", SYNTAX, 0, 1, 1, VALUE},
    {"[]]", SYNTAX, 2, 1, 3, "JSON: expected the end of the text"},
    {"[\n1,\n2\n3]", SYNTAX, 7, 4, 1, "JSON: expected ',' or ']'"},
    /* objects */
    {"{", SYNTAX, 1, 1, 2, "JSON: expected a member name or '}'" END},
    {"{]", SYNTAX, 1, 1, 2, "JSON: expected a member name or '}'"},
    {"{a:1}", SYNTAX, 1, 1, 2, "JSON: expected a member name or '}'"},
    {"{1:1}", SYNTAX, 1, 1, 2, "JSON: expected a member name or '}'"},
    {"{\"a\"", SYNTAX, 4, 1, 5, "JSON: expected ':' behind a member name" END},
    {"{\"a\" 1}", SYNTAX, 5, 1, 6, "JSON: expected ':' behind a member name"},
    {"{\"a\":", SYNTAX, 5, 1, 6, VALUE END},
    {"{\"a\":}", SYNTAX, 5, 1, 6, VALUE},
    {"{\"a\"::1}", SYNTAX, 5, 1, 6, VALUE},
    {"{\"a\":1", SYNTAX, 6, 1, 7, "JSON: expected ',' or '}'" END},
    {"{\"a\":1,", SYNTAX, 7, 1, 8, "JSON: expected a member name" END},
    {"{\"a\":1,}", SYNTAX, 7, 1, 8, "JSON: expected a member name"},
    {"{\"a\":1 \"b\":2}", SYNTAX, 7, 1, 8, "JSON: expected ',' or '}'"},
    {"{\"a\":1]", SYNTAX, 6, 1, 7, "JSON: expected ',' or '}'"},
    {"{\"a\":[1}", SYNTAX, 7, 1, 8, "JSON: expected ',' or ']'"},
    {"{\"a\":{\"b\":1}", SYNTAX, 12, 1, 13, "JSON: expected ',' or '}'" END},
    {"{} {}", SYNTAX, 3, 1, 4, "JSON: expected the end of the text"},
    {"{\n  \"a\": 1,\n  \"b\" = 2\n}", SYNTAX, 18, 3, 7, "JSON: expected ':' behind a member name"},
    /* strings */
    {"\"", SYNTAX, 1, 1, 2, OPEN},
    {"\"abcdefghijkl", SYNTAX, 13, 1, 14, OPEN},
    {"\"a\\", SYNTAX, 3, 1, 4, OPEN},
    {"\"a\\\"", SYNTAX, 4, 1, 5, OPEN},
    {"\"\xC3\xA9", SYNTAX, 3, 1, 4, OPEN},
    {"{\"a", SYNTAX, 3, 1, 4, OPEN},
    {"\"a\nb\"", STRING, 2, 1, 3, CONTROL},
    {"\"a\tb\"", STRING, 2, 1, 3, CONTROL},
    {"\"12345678\x01\"", STRING, 9, 1, 10, CONTROL},
    {"\"\xC3\xA9\x1F\"", STRING, 3, 1, 4, CONTROL},
    {"{\"a\rb\":1}", STRING, 3, 1, 4, CONTROL},
    {"\"ab\\x\"", SYNTAX, 3, 1, 4, ESCAPE},
    {"\"\\'\"", SYNTAX, 1, 1, 2, ESCAPE},
    {"\"\\N\"", SYNTAX, 1, 1, 2, ESCAPE},
    {"\"\\u12\"", SYNTAX, 1, 1, 2, HEX},
    {"\"\\u12", SYNTAX, 1, 1, 2, HEX},
    {"\"\\u12G4\"", SYNTAX, 1, 1, 2, HEX},
    {"\"\\u 123\"", SYNTAX, 1, 1, 2, HEX},
    {"\"\\U0041\"", SYNTAX, 1, 1, 2, ESCAPE},
    {"\"x\\u0000y\"", STRING, 2, 1, 3, "JSON: a string holds \"\\u0000\""},
    {"\"\\ud800\"", STRING, 1, 1, 2, SURROGATE},
    {"\"\\udc00\"", STRING, 1, 1, 2, SURROGATE},
    {"\"\\udc00\\ud800\"", STRING, 1, 1, 2, SURROGATE},
    {"\"\\ud800\\ud800\"", STRING, 1, 1, 2, SURROGATE},
    {"\"\\ud800\\u0041\"", STRING, 1, 1, 2, SURROGATE},
    {"\"\\ud800\\n\"", STRING, 1, 1, 2, SURROGATE},
    {"\"\\ud83d\\ude0\"", STRING, 1, 1, 2, SURROGATE},
    {"\"\\ud83d\\ude00\\ud83d\"", STRING, 13, 1, 14, SURROGATE},
    /* UTF-8 */
    {"\"\x80\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xC3\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xC3", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xC0\x80\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xC1\xBF\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xE0\x80\x80\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xE2\x82\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xE2\x82", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xED\xA0\x80\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xF0\x80\x80\x80\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xF0\x9F\x98\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xF0\x9F\x98", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xF4\x90\x80\x80\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xF5\x80\x80\x80\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"\xFF\"", UTF8, 1, 1, 2, BAD_UTF8},
    {"\"12345678\xC3\xA9\xE9 \"", UTF8, 11, 1, 12, BAD_UTF8},
    {"{\"\xE9\":1}", UTF8, 2, 1, 3, BAD_UTF8},
    {"{}\xFF", UTF8, 2, 1, 3, "JSON: the text is not valid UTF-8"},
    /* repeated names */
    {"{\"a\":1,\"a\":1}", DUPLICATE, 7, 1, 8, REPEATED},
    {"{\"a\":1,\n \"b\":2,\n \"a\":3}", DUPLICATE, 17, 3, 2, REPEATED},
    {"{\"a\":1,\"\\u0061\":2}", DUPLICATE, 7, 1, 8, REPEATED},
    {"{\"\\u0061\":1,\"a\":2}", DUPLICATE, 12, 1, 13, REPEATED},
    {"{\"\":1,\"\":2}", DUPLICATE, 6, 1, 7, REPEATED},
    {"{\"abcdefghi\":1,\"abcdefghi\":2}", DUPLICATE, 15, 1, 16, REPEATED},
    {"{\"\\u00e9\":1,\"\xC3\xA9\":2}", DUPLICATE, 12, 1, 13, REPEATED},
    {"{\"o\":{\"x\":1,\"y\":{},\"x\":2}}", DUPLICATE, 19, 1, 20, REPEATED},
    {"{\"a\":{\"b\":1},\"a\":2}", DUPLICATE, 13, 1, 14, REPEATED},
    {"[{\"a\":1},{\"a\":1,\"a\":1}]", DUPLICATE, 16, 1, 17, REPEATED},
};

static void check_bad(fhs_str text, const fhs_json_limits *limits, const struct bad_row *row)
{
    static const fhs_json dummy;
    const fhs_json *root = &dummy;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_json_read(&arena, guard_place(&guard, text), limits, &root, &err);
    ck_assert_msg(status == row->status, "%s: %s", fhs_status_name(status), fhs_error_message(err));
    ck_assert_ptr_null(root);
    ck_assert_int_eq(fhs_error_status(err), row->status);
    ck_assert_str_eq(fhs_error_message(err), row->message);
    fhirstore_location where = fhs_error_location(err);
    ck_assert_uint_eq(where.offset, row->offset);
    ck_assert_uint_eq(where.line, row->line);
    ck_assert_uint_eq(where.column, row->column);
    fhs_error_free(err);
    ck_assert_int_eq(fhs_json_read(&arena, text, limits, &root, NULL), row->status);
}

START_TEST(bad_text_is_refused_with_its_place)
{
    check_bad(fhs_str_from_cstr(bad[_i].text), NULL, &bad[_i]);
}
END_TEST

START_TEST(a_raw_nul_is_no_end)
{
    struct bad_row in_string = {NULL, STRING, 2, 1, 3, CONTROL};
    struct bad_row behind = {NULL, SYNTAX, 2, 1, 3, "JSON: expected the end of the text"};
    struct bad_row inside = {NULL, SYNTAX, 2, 1, 3, "JSON: expected ',' or ']'"};
    check_bad(FHS_LIT("\"a\0b\""), NULL, &in_string);
    check_bad(FHS_LIT("{}\0"), NULL, &behind);
    check_bad(FHS_LIT("[1\0]"), NULL, &inside);
}
END_TEST

/* No beginning of a text is a text, wherever it is cut, and none is read past its end. */
START_TEST(every_prefix_is_refused)
{
    fhs_str text = FHS_LIT(
        "{\"a\":[true,false,null,-1.5e+3,\"x\\u00e9\\ud83d\\ude00\\n\"],"
        "\"\xC3\xA9\xE2\x82\xAC\":{\"b\" : [ ] },\"long name here\":\"long text here\"}");
    const fhs_json *root;
    ck_assert_int_eq(fhs_json_read(&arena, guard_place(&guard, text), NULL, &root, NULL), 0);
    for (size_t len = 0; len < text.len; len++) {
        fhirstore_error *err = NULL;
        fhs_str prefix = guard_place(&guard, fhs_str_of(text.ptr, len));
        fhirstore_status status = fhs_json_read(&arena, prefix, NULL, &root, &err);
        ck_assert(status == SYNTAX || status == UTF8 || status == STRING);
        ck_assert_uint_le(fhs_error_location(err).offset, len);
        fhs_error_free(err);
    }
}
END_TEST

START_TEST(one_level_too_deep_is_refused)
{
    char text[FHS_LIMIT_JSON_DEPTH + 1];
    memset(text, '[', sizeof text);
    struct bad_row row = {
        NULL, FHIRSTORE_ERR_JSON_DEPTH, FHS_LIMIT_JSON_DEPTH,
        1,    FHS_LIMIT_JSON_DEPTH + 1, "JSON is nested deeper than 200 levels (limit JSON_DEPTH)"};
    check_bad(fhs_str_of(text, sizeof text), NULL, &row);

    struct bad_row three = {NULL, FHIRSTORE_ERR_JSON_DEPTH,
                            10,   1,
                            11,   "JSON is nested deeper than 2 levels (limit JSON_DEPTH)"};
    fhs_json_limits limits = {.max_bytes = 0, .max_depth = 2};
    check_bad(FHS_LIT("{\"a\":[1,2,[]]}"), &limits, &three);
}
END_TEST

START_TEST(a_million_brackets_are_refused_at_the_cap)
{
    size_t len = 1000000;
    char *text = malloc(len);
    ck_assert_ptr_nonnull(text);
    fhs_json_limits limits = {.max_bytes = 0, .max_depth = UINT32_MAX};
    for (size_t i = 0; i < len; i++) {
        text[i] = '[';
    }
    struct bad_row row = {NULL, FHIRSTORE_ERR_JSON_DEPTH,
                          1000, 1,
                          1001, "JSON is nested deeper than 1000 levels (limit JSON_DEPTH)"};
    check_bad(fhs_str_of(text, len), &limits, &row);
    free(text);
}
END_TEST

START_TEST(a_byte_too_many_is_refused)
{
    fhs_json_limits limits = {.max_bytes = 5, .max_depth = 0};
    const fhs_json *root;
    ck_assert_int_eq(fhs_json_read(&arena, FHS_LIT("[1,2]"), &limits, &root, NULL), FHIRSTORE_OK);
    struct bad_row row = {NULL, FHIRSTORE_ERR_JSON_SIZE,
                          5,    1,
                          1,    "JSON text is longer than 5 bytes (limit JSON_BYTES)"};
    check_bad(FHS_LIT("[1,2] "), &limits, &row);
#if SIZE_MAX > UINT32_MAX
    /* Offsets have 32 bits whatever the caller allows; the text is not touched. */
    fhs_json_limits none = {.max_bytes = SIZE_MAX, .max_depth = 0};
    fhs_str huge = fhs_str_of("[1]", (size_t)UINT32_MAX + 1);
    ck_assert_int_eq(fhs_json_read(&arena, huge, &none, &root, NULL), FHIRSTORE_ERR_JSON_SIZE);
    ck_assert_ptr_null(root);
#endif
}
END_TEST

/* Objects around the size from which names are checked all at once. */
START_TEST(repeated_names_are_found_in_objects_of_every_size)
{
    for (int count = 2; count < 80; count++) {
        for (int first = 0; first < count - 1; first += 1 + count / 7) {
            fhs_buf text = FHS_BUF_INIT(1 << 20);
            size_t want = 0;
            fhs_buf_add_cstr(&text, "[{ ");
            for (int i = 0; i < count; i++) {
                fhs_buf_add_cstr(&text, i == 0 ? "" : " , ");
                want = text.len;
                fhs_buf_addf(&text, i == count - 1 ? "\"n\\u0061me%d\"" : "\"name%d\"",
                             i == count - 1 ? first : i);
                fhs_buf_addf(&text, " : {\"name%d\":[{}]}", i);
            }
            fhs_buf_add_cstr(&text, "}]");
            struct bad_row row = {NULL, DUPLICATE, want, 1, (uint32_t)want + 1, REPEATED};
            check_bad(fhs_buf_str(&text), NULL, &row);
            fhs_buf_clear(&text);
        }
    }
}
END_TEST

static void fill_with_names(fhs_buf *text, int count)
{
    fhs_buf_add_char(text, '{');
    for (int i = 0; i < count; i++) {
        fhs_buf_addf(text, "%s\"%08x\":0", i == 0 ? "" : ",", (unsigned)i);
    }
    fhs_buf_add_char(text, '}');
}

/* Comparing each pair of names would outlast the suite's time by far. */
START_TEST(many_names_take_linear_time)
{
    fhs_buf text = FHS_BUF_INIT(16 << 20);
    const fhs_json *root;
    fill_with_names(&text, 1000000);
    ck_assert_int_eq(fhs_json_read(&arena, fhs_buf_str(&text), NULL, &root, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(root->count, 1000000);
    fhs_buf_clear(&text);
}
END_TEST

START_TEST(the_budget_bounds_the_tree)
{
    fhs_buf text = FHS_BUF_INIT(8 << 20);
    fhs_buf_add_cstr(&text, "[0");
    for (int i = 1; i < 1000000; i++) {
        fhs_buf_add_cstr(&text, ",0");
    }
    fhs_buf_add_cstr(&text, "]");
    for (size_t budget = 0; budget < (size_t)40 << 20; budget = budget * 2 + 1000) {
        fhs_arena small;
        const fhs_json *root = NULL;
        fhirstore_error *err = NULL;
        fhs_arena_init(&small, budget);
        fhirstore_status status = fhs_json_read(&small, fhs_buf_str(&text), NULL, &root, &err);
        if (budget > 1000000 * sizeof(fhs_json) + (64 << 10)) {
            ck_assert_int_eq(status, FHIRSTORE_OK);
            ck_assert_uint_eq(root->count, 1000000);
        } else {
            ck_assert_int_eq(status, FHIRSTORE_ERR_NO_MEMORY);
            ck_assert_int_eq(fhs_error_status(err), FHIRSTORE_ERR_NO_MEMORY);
            ck_assert_ptr_null(root);
        }
        fhs_error_free(err);
        fhs_arena_clear(&small);
    }
    fhs_buf_clear(&text);
}
END_TEST

START_TEST(without_budget_nothing_is_read)
{
    static const char *const texts[] = {"0",       "[[]]",      "{\"a\":1}",
                                        "\"\\n\"", "[\"\\n\"]", "{\"\\n\":[]}"};
    for (size_t i = 0; i < FHS_COUNT_OF(texts); i++) {
        fhs_arena none;
        const fhs_json *root;
        fhs_arena_init(&none, 0);
        ck_assert_int_eq(fhs_json_read(&none, fhs_str_from_cstr(texts[i]), NULL, &root, NULL),
                         FHIRSTORE_ERR_NO_MEMORY);
        ck_assert_ptr_null(root);
        fhs_arena_clear(&none);
    }
}
END_TEST

START_TEST(texts_of_errors_hold_nothing_of_the_input)
{
    const fhs_json *root;
    fhirstore_error *err = NULL;
    fhs_buf outcome = FHS_BUF_INIT(1 << 16);
    ck_assert_int_eq(
        fhs_json_read(&arena, FHS_LIT("{\"Chalmers\":1,\"Chalmers\":Peter}"), NULL, &root, &err),
        DUPLICATE);
    fhs_error_write_outcome(err, &outcome);
    ck_assert_ptr_null(strstr(outcome.ptr, "Chalmers"));
    ck_assert_ptr_nonnull(strstr(outcome.ptr, "line 1, column 15, byte 14"));
    fhs_error_free(err);
    fhs_buf_clear(&outcome);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json/refuse");
    TCase *tests = tcase_create("refuse");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, bad_text_is_refused_with_its_place, 0, FHS_COUNT_OF(bad));
    tcase_add_test(tests, a_raw_nul_is_no_end);
    tcase_add_test(tests, every_prefix_is_refused);
    tcase_add_test(tests, one_level_too_deep_is_refused);
    tcase_add_test(tests, a_million_brackets_are_refused_at_the_cap);
    tcase_add_test(tests, a_byte_too_many_is_refused);
    tcase_add_test(tests, repeated_names_are_found_in_objects_of_every_size);
    tcase_add_test(tests, many_names_take_linear_time);
    tcase_add_test(tests, the_budget_bounds_the_tree);
    tcase_add_test(tests, without_budget_nothing_is_read);
    tcase_add_test(tests, texts_of_errors_hold_nothing_of_the_input);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
