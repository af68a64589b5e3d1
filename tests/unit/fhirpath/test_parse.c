/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar: precedence, literals, places, and what is refused. */
#include "base/limits.h"
#include "fhirpath/ast.h"
#include "suite.h"

#define TREE_BYTES ((size_t)8 * 1024 * 1024)

static const fhs_fp_node *parse_ok(fhs_arena *arena, const char *text)
{
    const fhs_fp_node *root = NULL;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_fhirpath_parse(arena, fhs_str_from_cstr(text), &root, &err);
    ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", text,
                  err == NULL ? "" : fhs_error_message(err));
    ck_assert_ptr_nonnull(root);
    return root;
}

static void parse_fails(const char *text, uint64_t offset, const char *expected)
{
    fhs_arena arena;
    const fhs_fp_node *root = NULL;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, TREE_BYTES);
    fhirstore_status status = fhs_fhirpath_parse(&arena, fhs_str_from_cstr(text), &root, &err);
    ck_assert_msg(status == FHIRSTORE_ERR_FHIRPATH_SYNTAX, "%s: %d", text, status);
    ck_assert_ptr_null(root);
    ck_assert_msg(fhs_error_location(err).offset == offset, "%s: %s", text, fhs_error_message(err));
    ck_assert_msg(strstr(fhs_error_message(err), expected) != NULL, "%s: %s", text,
                  fhs_error_message(err));
    fhs_error_free(err);
    fhs_arena_clear(&arena);
}

START_TEST(operators_bind_as_the_grammar_says)
{
    fhs_arena arena;
    fhs_arena_init(&arena, TREE_BYTES);
    const fhs_fp_node *root = parse_ok(&arena, "a implies b or c and d in e = f < g | h is I");
    static const fhs_fp_op ops[] = {FHS_OP_IMPLIES, FHS_OP_OR,   FHS_OP_AND,  FHS_OP_IN,
                                    FHS_OP_EQUAL,   FHS_OP_LESS, FHS_OP_UNION};
    for (size_t i = 0; i < FHS_COUNT_OF(ops); i++) {
        ck_assert_int_eq(root->kind, FHS_FP_BINARY);
        ck_assert_int_eq(root->op, ops[i]);
        root = root->right;
    }
    ck_assert_int_eq(root->kind, FHS_FP_IS);
    ck_assert_view_eq(root->text, FHS_LIT("I"));
    root = parse_ok(&arena, "1 - 2 - -3 * 4");
    ck_assert_int_eq(root->op, FHS_OP_SUBTRACT);
    ck_assert_int_eq(root->left->op, FHS_OP_SUBTRACT);
    ck_assert_int_eq(root->right->op, FHS_OP_MULTIPLY);
    ck_assert_int_eq(root->right->left->kind, FHS_FP_POLARITY);
    root = parse_ok(&arena, "-1.toString()");
    ck_assert_int_eq(root->kind, FHS_FP_POLARITY);
    ck_assert_int_eq(root->left->kind, FHS_FP_FUNCTION);
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(literals_are_decoded)
{
    static const struct {
        const char *text;
        fhs_fp_kind kind;
        const char *value;
    } rows[] = {
        {"'a\\'b\\u0041\\uD83D\\uDD25\\n\\q'", FHS_FP_STRING, "a'bA\xF0\x9F\x94\xA5\nq"},
        {"\"x'y\"", FHS_FP_STRING, "x'y"},
        {"`a\\`b`", FHS_FP_MEMBER, "a`b"},
        {"007", FHS_FP_INTEGER, "007"},
        {"12L", FHS_FP_LONG, "12"},
        {"1.50", FHS_FP_DECIMAL, "1.50"},
        {"@2015-02", FHS_FP_DATE, "2015-02"},
        {"@2015T", FHS_FP_DATETIME, "2015T"},
        {"@2015-02-04T14:34:28.123+10:00", FHS_FP_DATETIME, "2015-02-04T14:34:28.123+10:00"},
        {"@T14:34", FHS_FP_TIME, "14:34"},
        {"10.1 'mg'", FHS_FP_QUANTITY, "10.1"},
        {"4 days", FHS_FP_QUANTITY, "4"},
        {"%`vs-x`", FHS_FP_EXTERNAL, "vs-x"},
        {"%'y z'", FHS_FP_EXTERNAL, "y z"},
        {"/* c */ $this // d", FHS_FP_THIS, "this"},
    };
    fhs_arena arena;
    fhs_arena_init(&arena, TREE_BYTES);
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        const fhs_fp_node *root = parse_ok(&arena, rows[i].text);
        ck_assert_int_eq(root->kind, rows[i].kind);
        ck_assert_view_eq(root->text, fhs_str_from_cstr(rows[i].value));
    }
    ck_assert_int_eq(parse_ok(&arena, "4 days")->flags, FHS_FP_CALENDAR);
    ck_assert_view_eq(parse_ok(&arena, "4 'd'")->unit, FHS_LIT("d"));
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(nodes_know_their_place)
{
    fhs_arena arena;
    fhs_arena_init(&arena, TREE_BYTES);
    const fhs_fp_node *root = parse_ok(&arena, " name.where(use = 'x')[0]");
    ck_assert_int_eq(root->kind, FHS_FP_INDEXER);
    ck_assert_uint_eq(root->begin, 1);
    ck_assert_uint_eq(root->end, 25);
    const fhs_fp_node *where = root->left;
    ck_assert_uint_eq(where->at, 6);
    ck_assert_uint_eq(where->end, 22);
    ck_assert_uint_eq(where->arg_count, 1);
    ck_assert_uint_eq(where->args[0]->at, 16);
    ck_assert_uint_eq(root->height, 4);
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(calls_and_selectors)
{
    fhs_arena arena;
    fhs_str space;
    fhs_str name;
    fhs_arena_init(&arena, TREE_BYTES);
    const fhs_fp_node *root = parse_ok(&arena, "sort(a desc, b asc, c)");
    ck_assert_uint_eq(root->arg_count, 3);
    ck_assert_int_eq(root->args[0]->flags, FHS_FP_DESCENDING);
    ck_assert_int_eq(root->args[1]->flags, 0);
    root = parse_ok(&arena, "ofType(FHIR.Patient)");
    ck_assert(fhs_fhirpath_type_specifier(root->args[0], &space, &name));
    ck_assert_view_eq(space, FHS_LIT("FHIR"));
    ck_assert_view_eq(name, FHS_LIT("Patient"));
    ck_assert(!fhs_fhirpath_type_specifier(parse_ok(&arena, "a.b.c"), &space, &name));
    root = parse_ok(&arena, "FHIR.Coding { system: 'x', code: a.b }");
    ck_assert_int_eq(root->kind, FHS_FP_INSTANCE);
    ck_assert_view_eq(root->unit, FHS_LIT("FHIR"));
    ck_assert_uint_eq(root->arg_count, 2);
    ck_assert_view_eq(root->args[1]->text, FHS_LIT("code"));
    ck_assert_uint_eq(parse_ok(&arena, "Period {:}")->arg_count, 0);
    /* Keywords are names where only a name can stand. */
    ck_assert_int_eq(parse_ok(&arena, "a.contains('x') and as.is(b)")->op, FHS_OP_AND);
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(errors_say_where_and_what)
{
    parse_fails("", 0, "an operand");
    parse_fails("2 + 2 /", 7, "an operand");
    parse_fails("a.", 2, "an element or function");
    parse_fails("a b", 2, "the end of the expression");
    parse_fails("(a", 2, "\")\"");
    parse_fails("a[1", 3, "\"]\"");
    parse_fails("f(a b)", 4, "\",\" or \")\"");
    parse_fails("a is", 4, "a type");
    parse_fails("'abc", 4, "closing quote");
    parse_fails("a /* b", 6, "end the comment");
    parse_fails("'\\uD83D'", 1, "Unicode escape");
    parse_fails("@20", 1, "a date");
    parse_fails("@Tx", 2, "a time");
    parse_fails("%1", 1, "a variable");
    parse_fails("$that", 0, "$this");
    parse_fails("a ? b", 2, "token");
    parse_fails("1 + and", 4, "an operand");
    parse_fails("Coding { a 1 }", 11, "\":\"");
}
END_TEST

static fhirstore_status parse_repeated(const char *head, const char *middle, const char *tail,
                                       size_t count)
{
    fhs_arena arena;
    fhs_buf buf = FHS_BUF_INIT(4 * FHS_LIMIT_EXPRESSION_BYTES);
    const fhs_fp_node *root = NULL;
    fhs_arena_init(&arena, 8 * TREE_BYTES);
    for (size_t i = 0; i < count; i++) {
        fhs_buf_add_cstr(&buf, head);
    }
    fhs_buf_add_cstr(&buf, middle);
    for (size_t i = 0; i < count; i++) {
        fhs_buf_add_cstr(&buf, tail);
    }
    fhirstore_status status = fhs_fhirpath_parse(&arena, fhs_buf_str(&buf), &root, NULL);
    fhs_buf_clear(&buf);
    fhs_arena_clear(&arena);
    return status;
}

START_TEST(limits_hold)
{
    ck_assert_int_eq(parse_repeated("(", "a", ")", FHS_LIMIT_EXPRESSION_DEPTH - 1), FHIRSTORE_OK);
    ck_assert_int_eq(parse_repeated("(", "a", ")", FHS_LIMIT_EXPRESSION_DEPTH),
                     FHIRSTORE_ERR_LIMIT);
    ck_assert_int_eq(parse_repeated("-", "1", "", 30000), FHIRSTORE_ERR_LIMIT);
    ck_assert_int_eq(parse_repeated("f(", "", ")", 30000), FHIRSTORE_ERR_LIMIT);
    ck_assert_int_eq(parse_repeated("", "a", ".b", FHS_LIMIT_EXPRESSION_CHAIN - 1), FHIRSTORE_OK);
    ck_assert_int_eq(parse_repeated("", "a", ".b", FHS_LIMIT_EXPRESSION_CHAIN),
                     FHIRSTORE_ERR_LIMIT);
    ck_assert_int_eq(parse_repeated("", "1", "+1", 20000), FHIRSTORE_ERR_LIMIT);
    ck_assert_int_eq(parse_repeated("", "a", " ", FHS_LIMIT_EXPRESSION_BYTES), FHIRSTORE_ERR_LIMIT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fhirpath_parse");
    TCase *tests = tcase_create("parse");
    tcase_add_test(tests, operators_bind_as_the_grammar_says);
    tcase_add_test(tests, literals_are_decoded);
    tcase_add_test(tests, nodes_know_their_place);
    tcase_add_test(tests, calls_and_selectors);
    tcase_add_test(tests, errors_say_where_and_what);
    tcase_add_test(tests, limits_hold);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
