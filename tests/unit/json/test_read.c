/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader makes of valid text. */
#include "suite.h"

#include <stdio.h>

#include "base/limits.h"
#include "guard.h"
#include "json/json.h"

static fhs_arena arena;
static guarded guard;

static void setup(void)
{
    fhs_arena_init(&arena, (size_t)64 << 20);
    guard = guard_open((size_t)4 << 20);
}

static void teardown(void)
{
    fhs_arena_clear(&arena);
    guard_close(&guard);
}

/* Read @a text, placed before memory that may not be touched. */
static const fhs_json *read_good(fhs_str text)
{
    const fhs_json *root = NULL;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_json_read(&arena, guard_place(&guard, text), NULL, &root, &err);
    ck_assert_msg(status == FHIRSTORE_OK, "%.*s: %s", FHS_STR_ARG(text), fhs_error_message(err));
    ck_assert_ptr_null(err);
    ck_assert_ptr_nonnull(root);
    return root;
}

struct scalar_row {
    const char *text;
    fhs_json_type type;
    const char *content; /* NULL: none */
};

static const struct scalar_row scalars[] = {
    {"null", FHS_JSON_NULL, NULL},
    {"true", FHS_JSON_TRUE, NULL},
    {"false", FHS_JSON_FALSE, NULL},
    {"0", FHS_JSON_NUMBER, "0"},
    {"-0", FHS_JSON_NUMBER, "-0"},
    {"7", FHS_JSON_NUMBER, "7"},
    {"-10", FHS_JSON_NUMBER, "-10"},
    {"1.10", FHS_JSON_NUMBER, "1.10"},
    {"0.00", FHS_JSON_NUMBER, "0.00"},
    {"12345678901234567890.123456789012345678901234567890", FHS_JSON_NUMBER,
     "12345678901234567890.123456789012345678901234567890"},
    {"1e9", FHS_JSON_NUMBER, "1e9"},
    {"1E+09", FHS_JSON_NUMBER, "1E+09"},
    {"-0.5e-300", FHS_JSON_NUMBER, "-0.5e-300"},
    {"1e999999", FHS_JSON_NUMBER, "1e999999"},
    {"\"\"", FHS_JSON_STRING, ""},
    {"\"a\"", FHS_JSON_STRING, "a"},
    {"\"1234567\"", FHS_JSON_STRING, "1234567"},
    {"\"12345678\"", FHS_JSON_STRING, "12345678"},
    {"\"123456789\"", FHS_JSON_STRING, "123456789"},
    {"\"\x7F !#[]^~\"", FHS_JSON_STRING, "\x7F !#[]^~"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", FHS_JSON_STRING, "\"\\/\b\f\n\r\t"},
    {"\"\\u0001\\u007f\"", FHS_JSON_STRING, "\x01\x7F"},
    {"\"\\u00e9\\u00E9\"", FHS_JSON_STRING, "\xC3\xA9\xC3\xA9"},
    {"\"\\u20AC\\uffff\"", FHS_JSON_STRING, "\xE2\x82\xAC\xEF\xBF\xBF"},
    {"\"\\uD83D\\uDE00\"", FHS_JSON_STRING, "\xF0\x9F\x98\x80"},
    {"\"\\udbff\\udfff\"", FHS_JSON_STRING, "\xF4\x8F\xBF\xBF"},
    {"\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"", FHS_JSON_STRING,
     "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
    {"\"plain and \\\"quoted\\\" and \xC3\xA4 and \\u00e4, over and over\"", FHS_JSON_STRING,
     "plain and \"quoted\" and \xC3\xA4 and \xC3\xA4, over and over"},
    {"\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"", FHS_JSON_STRING,
     "\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"},
};

START_TEST(scalars_keep_their_text)
{
    const struct scalar_row *row = &scalars[_i];
    const fhs_json *value = read_good(fhs_str_from_cstr(row->text));
    ck_assert_int_eq(value->type, row->type);
    ck_assert_uint_eq(value->count, 0);
    ck_assert_uint_eq(value->begin, 0);
    ck_assert_uint_eq(value->end, strlen(row->text));
    ck_assert_view_eq(value->text, fhs_str_from_cstr(row->content));
}
END_TEST

START_TEST(white_space_may_stand_between_tokens)
{
    const fhs_json *root = read_good(
        FHS_LIT(" \t\r\n { \"a\" :\t[ 1 ,\n          2 ] , \"b\"\r:{ } , \"c\" : [ ] } \n"));
    ck_assert_int_eq(root->type, FHS_JSON_OBJECT);
    ck_assert_uint_eq(root->count, 3);
    ck_assert_uint_eq(fhs_json_get(root, FHS_LIT("a"))->count, 2);
    ck_assert_uint_eq(fhs_json_get(root, FHS_LIT("b"))->count, 0);
    ck_assert_uint_eq(fhs_json_get(root, FHS_LIT("c"))->count, 0);
}
END_TEST

START_TEST(a_tree_knows_names_order_and_places)
{
    fhs_str text = FHS_LIT("{\"z\":[true,{\"y\":-1.50}],\"\":\"s\",\"a\\u0062\":null}");
    const fhs_json *root = read_good(text);
    ck_assert_uint_eq(root->count, 3);
    ck_assert_uint_eq(root->begin, 0);
    ck_assert_uint_eq(root->end, text.len);
    ck_assert_view_eq(root->members[0].name, FHS_LIT("z"));
    ck_assert_view_eq(root->members[1].name, FHS_LIT(""));
    ck_assert_view_eq(root->members[2].name, FHS_LIT("ab"));
    const fhs_json *array = &root->members[0].value;
    ck_assert_int_eq(array->type, FHS_JSON_ARRAY);
    ck_assert_uint_eq(array->begin, 5);
    ck_assert_uint_eq(array->end, 23);
    ck_assert_int_eq(array->items[0].type, FHS_JSON_TRUE);
    const fhs_json *number = fhs_json_get(&array->items[1], FHS_LIT("y"));
    ck_assert_view_eq(number->text, FHS_LIT("-1.50"));
    ck_assert_uint_eq(number->begin, 16);
    ck_assert_uint_eq(number->end, 21);
}
END_TEST

START_TEST(members_are_found_by_their_exact_name)
{
    const fhs_json *root = read_good(FHS_LIT("{\"ab\":\"x\",\"abc\":1,\"Ab\":\"y\"}"));
    fhs_str text = FHS_STR_NONE;
    ck_assert(fhs_json_get_string(root, FHS_LIT("ab"), &text));
    ck_assert_view_eq(text, FHS_LIT("x"));
    ck_assert(fhs_json_get_string(root, FHS_LIT("Ab"), &text));
    ck_assert_view_eq(text, FHS_LIT("y"));
    ck_assert(!fhs_json_get_string(root, FHS_LIT("abc"), &text));
    ck_assert(!fhs_json_get_string(root, FHS_LIT("AB"), &text));
    ck_assert_ptr_null(fhs_json_get(root, FHS_LIT("a")));
    ck_assert_ptr_null(fhs_json_get(&root->members[0].value, FHS_LIT("a")));
    ck_assert_ptr_null(fhs_json_get(NULL, FHS_LIT("a")));
    ck_assert(!fhs_json_is(NULL, FHS_JSON_NULL));
    ck_assert(fhs_json_is(root, FHS_JSON_OBJECT));
}
END_TEST

START_TEST(an_item_is_found_by_one_of_its_members)
{
    const fhs_json *list = read_good(
        FHS_LIT("[1,{\"id\":2},{\"id\":\"a\",\"n\":1},{\"id\":\"b\"},{\"id\":\"a\",\"n\":2}]"));
    ck_assert_ptr_eq(fhs_json_find(list, FHS_LIT("id"), FHS_LIT("a")), &list->items[2]);
    ck_assert_ptr_eq(fhs_json_find(list, FHS_LIT("id"), FHS_LIT("b")), &list->items[3]);
    ck_assert_ptr_null(fhs_json_find(list, FHS_LIT("id"), FHS_LIT("2")));
    ck_assert_ptr_null(fhs_json_find(&list->items[2], FHS_LIT("id"), FHS_LIT("a")));
    ck_assert_ptr_null(fhs_json_find(NULL, FHS_LIT("id"), FHS_LIT("a")));
}
END_TEST

/* Strings that are cut at every distance from a word's border, with each kind of byte there. */
START_TEST(strings_of_every_length_are_read)
{
    static const char *const tails[] = {"", "\\n", "\xC3\xA9", "\\u00e9", "\xF0\x9F\x98\x80"};
    static const char *const contents[] = {"", "\n", "\xC3\xA9", "\xC3\xA9", "\xF0\x9F\x98\x80"};
    for (int len = 0; len < 40; len++) {
        for (size_t i = 0; i < FHS_COUNT_OF(tails); i++) {
            char text[128];
            char want[128];
            int n = snprintf(text, sizeof text, "\"%.*s%s%.*s\"", len,
                             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", tails[i],
                             len % 11, "0123456789012345");
            int m = snprintf(want, sizeof want, "%.*s%s%.*s", len,
                             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", contents[i],
                             len % 11, "0123456789012345");
            const fhs_json *value = read_good(fhs_str_of(text, (size_t)n));
            ck_assert_view_eq(value->text, fhs_str_of(want, (size_t)m));
        }
    }
}
END_TEST

START_TEST(the_depth_limit_is_reached_exactly)
{
    char text[2 * FHS_LIMIT_JSON_DEPTH];
    memset(text, '[', FHS_LIMIT_JSON_DEPTH);
    memset(text + FHS_LIMIT_JSON_DEPTH, ']', FHS_LIMIT_JSON_DEPTH);
    const fhs_json *value = read_good(fhs_str_of(text, sizeof text));
    for (uint32_t depth = 1; depth < FHS_LIMIT_JSON_DEPTH; depth++) {
        ck_assert_uint_eq(value->count, 1);
        value = &value->items[0];
    }
    ck_assert_uint_eq(value->count, 0);
}
END_TEST

START_TEST(siblings_do_not_count_as_depth)
{
    fhs_buf text = FHS_BUF_INIT(1 << 20);
    fhs_buf_add_cstr(&text, "[");
    for (int i = 0; i < 1000; i++) {
        fhs_buf_add_cstr(&text, i == 0 ? "{\"a\":[{}]}" : ",{\"a\":[{}]}");
    }
    fhs_buf_add_cstr(&text, "]");
    ck_assert_uint_eq(read_good(fhs_buf_str(&text))->count, 1000);
    fhs_buf_clear(&text);
}
END_TEST

START_TEST(large_objects_inside_large_objects_are_read)
{
    fhs_buf text = FHS_BUF_INIT(8 << 20);
    fhs_buf_add_char(&text, '{');
    for (int i = 0; i < 100; i++) {
        fhs_buf_addf(&text, "%s\"outer%d\":{", i == 0 ? "" : ",", i);
        for (int j = 0; j < 100; j++) {
            fhs_buf_addf(&text, "%s\"inner%d\":[%d]", j == 0 ? "" : ",", j, i * 100 + j);
        }
        fhs_buf_add_char(&text, '}');
    }
    fhs_buf_add_char(&text, '}');
    const fhs_json *root = read_good(fhs_buf_str(&text));
    ck_assert_uint_eq(root->count, 100);
    const fhs_json *item = fhs_json_get(fhs_json_get(root, FHS_LIT("outer42")), FHS_LIT("inner17"));
    ck_assert_view_eq(item->items[0].text, FHS_LIT("4217"));
    fhs_buf_clear(&text);
}
END_TEST

/* {"n0":0,"n1":1,…,"n0":0,…}: the first @a repeated names come twice. */
static void write_repeating(fhs_buf *out, unsigned count, unsigned repeated)
{
    fhs_buf_add_char(out, '{');
    for (unsigned i = 0; i < count + repeated; i++) {
        fhs_buf_addf(out, "%s\"n%u\":%u", i > 0 ? "," : "", i % count, i);
    }
    fhs_buf_add_cstr(out, ",\"in\":{\"x\":1,\"x\":2}}");
}

START_TEST(the_last_of_a_name_stays_where_it_may)
{
    static const struct {
        unsigned count, repeated;
        fhirstore_status status;
    } rows[] = {{1, 1, FHIRSTORE_OK},    {1, 31, FHIRSTORE_OK},
                {3, 2, FHIRSTORE_OK},    {20, 20, FHIRSTORE_OK},
                {31, 1, FHIRSTORE_OK},   {32, 1, FHIRSTORE_OK},
                {32, 32, FHIRSTORE_OK},  {40, 40, FHIRSTORE_OK},
                {100, 60, FHIRSTORE_OK}, {200, 90, FHIRSTORE_ERR_JSON_DUPLICATE}};
    const fhs_json_limits limits = {.last_wins = true};
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        const fhs_json *root = NULL;
        fhs_buf text = FHS_BUF_INIT(100000);
        fhs_arena own;
        fhs_arena_init(&own, 1000000);
        write_repeating(&text, rows[i].count, rows[i].repeated);
        ck_assert_int_eq(fhs_json_read(&own, fhs_buf_str(&text), NULL, &root, NULL),
                         FHIRSTORE_ERR_JSON_DUPLICATE);
        ck_assert_int_eq(fhs_json_read(&own, fhs_buf_str(&text), &limits, &root, NULL),
                         rows[i].status);
        for (unsigned n = 0; root != NULL && n < rows[i].count; n++) {
            char name[16];
            char value[16];
            unsigned last = n < rows[i].repeated % rows[i].count
                                ? rows[i].repeated / rows[i].count + 1
                                : rows[i].repeated / rows[i].count;
            (void)snprintf(name, sizeof name, "n%u", n);
            (void)snprintf(value, sizeof value, "%u", last * rows[i].count + n);
            ck_assert_uint_eq(root->count, rows[i].count + 1);
            ck_assert_view_eq(fhs_json_get(root, fhs_str_from_cstr(name))->text,
                              fhs_str_from_cstr(value));
        }
        if (root != NULL) {
            const fhs_json *inner = fhs_json_get(root, FHS_LIT("in"));
            ck_assert_uint_eq(inner->count, 1);
            ck_assert_view_eq(inner->members[0].value.text, FHS_LIT("2"));
        }
        fhs_buf_clear(&text);
        fhs_arena_clear(&own);
    }
}
END_TEST

START_TEST(positions_count_lines_and_bytes)
{
    static const struct {
        size_t offset;
        uint32_t line, column;
    } rows[] = {{0, 1, 1}, {1, 1, 2}, {2, 2, 1}, {3, 3, 1}, {5, 3, 3}, {6, 3, 4}, {99, 3, 4}};
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        uint32_t line = 0;
        uint32_t column = 0;
        fhs_json_position(FHS_LIT("a\n\n\xC3\xA9z"), rows[i].offset, &line, &column);
        ck_assert_uint_eq(line, rows[i].line);
        ck_assert_uint_eq(column, rows[i].column);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json/read");
    TCase *tests = tcase_create("read");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, scalars_keep_their_text, 0, FHS_COUNT_OF(scalars));
    tcase_add_test(tests, white_space_may_stand_between_tokens);
    tcase_add_test(tests, a_tree_knows_names_order_and_places);
    tcase_add_test(tests, members_are_found_by_their_exact_name);
    tcase_add_test(tests, an_item_is_found_by_one_of_its_members);
    tcase_add_test(tests, strings_of_every_length_are_read);
    tcase_add_test(tests, the_depth_limit_is_reached_exactly);
    tcase_add_test(tests, siblings_do_not_count_as_depth);
    tcase_add_test(tests, large_objects_inside_large_objects_are_read);
    tcase_add_test(tests, the_last_of_a_name_stays_where_it_may);
    tcase_add_test(tests, positions_count_lines_and_bytes);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
