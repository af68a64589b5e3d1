/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are built and edited. */
#include "suite.h"

#include "json/doc.h"

static fhs_doc *parse(const char *text)
{
    fhs_doc *doc = NULL;
    fhirstore_error *err = NULL;
    ck_assert_int_eq(fhs_doc_parse(fhs_str_from_cstr(text), NULL, &doc, &err), FHIRSTORE_OK);
    ck_assert_ptr_null(err);
    return doc;
}

static void check_text(const fhs_doc *doc, const char *want)
{
    fhs_buf out = FHS_BUF_INIT(1 << 20);
    ck_assert_int_eq(fhs_doc_write(doc, &out, NULL), FHIRSTORE_OK);
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(want));
    fhs_buf_clear(&out);
}

START_TEST(a_document_is_built)
{
    fhs_doc *doc = fhs_doc_new_object();
    ck_assert(fhs_doc_add_string(doc, FHS_LIT("resourceType"), FHS_LIT("Basic")));
    ck_assert(fhs_doc_add(doc, FHS_LIT("n"), fhs_doc_new_number(FHS_LIT("1.10"))));
    ck_assert(fhs_doc_add(doc, FHS_LIT("min"), fhs_doc_new_int(INT64_MIN)));
    ck_assert(fhs_doc_add(doc, FHS_LIT("yes"), fhs_doc_new_bool(true)));
    ck_assert(fhs_doc_add(doc, FHS_LIT("no"), fhs_doc_new_bool(false)));
    ck_assert(fhs_doc_add(doc, FHS_LIT("nothing"), fhs_doc_new_null()));
    fhs_doc *list = fhs_doc_add_array(doc, FHS_LIT("list"));
    ck_assert(fhs_doc_push(list, fhs_doc_new_string(FHS_LIT("a\"b\n"))));
    ck_assert(fhs_doc_add_string(fhs_doc_push_object(list), FHS_LIT("x"), FHS_LIT("y")));
    ck_assert_ptr_nonnull(fhs_doc_add_object(doc, FHS_LIT("")));
    check_text(doc,
               "{\"resourceType\":\"Basic\",\"n\":1.10,\"min\":-9223372036854775808,\"yes\":true,"
               "\"no\":false,\"nothing\":null,\"list\":[\"a\\\"b\\n\",{\"x\":\"y\"}],\"\":{}}");
    fhs_doc_free(doc);
}
END_TEST

START_TEST(what_was_not_made_fails_where_it_is_added)
{
    fhs_doc *doc = fhs_doc_new_object();
    ck_assert(!fhs_doc_add(doc, FHS_LIT("a"), NULL));
    ck_assert(!fhs_doc_add(NULL, FHS_LIT("a"), fhs_doc_new_null()));
    ck_assert(!fhs_doc_push(NULL, fhs_doc_new_null()));
    ck_assert_ptr_null(fhs_doc_add_object(NULL, FHS_LIT("a")));
    ck_assert_ptr_null(fhs_doc_push_object(NULL));
    ck_assert_ptr_null(fhs_doc_new_string(FHS_LIT("a\0b")));
    ck_assert(!fhs_doc_add(doc, FHS_LIT("a\0b"), fhs_doc_new_null()));
    check_text(doc, "{}");
    fhs_doc_free(doc);
    fhs_doc_free(NULL);
}
END_TEST

START_TEST(reading_keeps_text_and_order)
{
    const char *text = "{\"z\":1.10,\"a\":[0.00,-1e5,12345678901234567890],\"Z\":\"\xC3\xA9\\\\\","
                       "\"t\":[true,false,null,{},[]]}";
    fhs_doc *doc = parse(text);
    check_text(doc, text);
    ck_assert_view_eq(fhs_doc_text(fhs_doc_get(doc, FHS_LIT("z"))), FHS_LIT("1.10"));
    ck_assert_int_eq(fhs_doc_type(fhs_doc_get(doc, FHS_LIT("z"))), FHS_JSON_NUMBER);
    ck_assert_view_eq(fhs_doc_text(fhs_doc_get(doc, FHS_LIT("Z"))), FHS_LIT("\xC3\xA9\\"));
    fhs_doc_free(doc);
}
END_TEST

START_TEST(reading_is_as_strict_as_the_reader)
{
    fhs_doc *doc = NULL;
    fhirstore_error *err = NULL;
    ck_assert_int_eq(fhs_doc_parse(FHS_LIT("{\"a\":01}"), NULL, &doc, &err), FHIRSTORE_ERR_JSON);
    ck_assert_ptr_null(doc);
    ck_assert_uint_eq(fhs_error_location(err).offset, 6);
    fhs_error_free(err);
    ck_assert_int_eq(fhs_doc_parse(FHS_LIT("{\"a\":0,\"a\":0}"), NULL, &doc, NULL),
                     FHIRSTORE_ERR_JSON_DUPLICATE);
    fhs_json_limits limits = {.max_bytes = 4, .max_depth = 0};
    ck_assert_int_eq(fhs_doc_parse(FHS_LIT("[1,2]"), &limits, &doc, NULL), FHIRSTORE_ERR_JSON_SIZE);
}
END_TEST

START_TEST(a_document_is_walked)
{
    fhs_doc *doc = parse("{\"a\":1,\"A\":2,\"list\":[10,20,30]}");
    ck_assert_uint_eq(fhs_doc_count(doc), 3);
    ck_assert_view_eq(fhs_doc_name(fhs_doc_at(doc, 1)), FHS_LIT("A"));
    ck_assert_view_eq(fhs_doc_text(fhs_doc_get(doc, FHS_LIT("A"))), FHS_LIT("2"));
    ck_assert_ptr_null(fhs_doc_get(doc, FHS_LIT("LIST")));
    ck_assert_ptr_null(fhs_doc_get(NULL, FHS_LIT("a")));
    fhs_doc *list = fhs_doc_get(doc, FHS_LIT("list"));
    ck_assert_ptr_null(fhs_doc_get(list, FHS_LIT("a")));
    ck_assert_int_eq(fhs_doc_type(list), FHS_JSON_ARRAY);
    ck_assert_view_eq(fhs_doc_text(fhs_doc_at(list, 2)), FHS_LIT("30"));
    ck_assert_ptr_null(fhs_doc_at(list, 3));
    ck_assert_ptr_eq(fhs_doc_next(fhs_doc_first(list)), fhs_doc_at(list, 1));
    ck_assert_ptr_null(fhs_doc_name(fhs_doc_first(list)).ptr);
    ck_assert_ptr_null(fhs_doc_first(fhs_doc_first(list)));
    fhs_doc_free(doc);
}
END_TEST

START_TEST(items_are_inserted_everywhere)
{
    fhs_doc *list = fhs_doc_new_array();
    ck_assert(!fhs_doc_insert(list, 1, fhs_doc_new_int(0)));
    ck_assert(fhs_doc_insert(list, 0, fhs_doc_new_int(2)));
    ck_assert(fhs_doc_insert(list, 0, fhs_doc_new_int(0)));
    ck_assert(fhs_doc_insert(list, 1, fhs_doc_new_int(1)));
    ck_assert(fhs_doc_insert(list, 3, fhs_doc_new_int(3)));
    ck_assert(!fhs_doc_insert(list, 5, fhs_doc_new_int(9)));
    ck_assert(!fhs_doc_insert(list, 0, NULL));
    check_text(list, "[0,1,2,3]");
    ck_assert(fhs_doc_push(list, fhs_doc_new_int(4)));
    check_text(list, "[0,1,2,3,4]");
    fhs_doc_free(list);
}
END_TEST

START_TEST(members_are_set_in_their_place)
{
    fhs_doc *doc = parse("{\"a\":1,\"b\":2,\"c\":3}");
    ck_assert(fhs_doc_set(doc, FHS_LIT("a"), fhs_doc_new_string(FHS_LIT("x"))));
    ck_assert(fhs_doc_set(doc, FHS_LIT("c"), fhs_doc_new_array()));
    ck_assert(fhs_doc_set(doc, FHS_LIT("b"), parse("{\"deep\":[1]}")));
    ck_assert(fhs_doc_set(doc, FHS_LIT("B"), fhs_doc_new_null()));
    ck_assert(!fhs_doc_set(doc, FHS_LIT("a"), NULL));
    check_text(doc, "{\"a\":\"x\",\"b\":{\"deep\":[1]},\"c\":[],\"B\":null}");
    ck_assert(fhs_doc_add(doc, FHS_LIT("d"), fhs_doc_new_int(4)));
    check_text(doc, "{\"a\":\"x\",\"b\":{\"deep\":[1]},\"c\":[],\"B\":null,\"d\":4}");
    fhs_doc_free(doc);
}
END_TEST

START_TEST(items_are_replaced_in_their_place)
{
    for (size_t count = 1; count < 4; count++) {
        for (size_t i = 0; i < count; i++) {
            fhs_doc *list = parse(count == 1 ? "[0]" : count == 2 ? "[0,1]" : "[0,1,2]");
            ck_assert(fhs_doc_replace(list, fhs_doc_at(list, i), fhs_doc_new_int(9)));
            ck_assert(fhs_doc_push(list, fhs_doc_new_int(8)));
            ck_assert_uint_eq(fhs_doc_count(list), count + 1);
            ck_assert_view_eq(fhs_doc_text(fhs_doc_at(list, i)), FHS_LIT("9"));
            ck_assert_view_eq(fhs_doc_text(fhs_doc_at(list, count)), FHS_LIT("8"));
            fhs_doc_free(list);
        }
    }
}
END_TEST

START_TEST(parts_are_taken_out_and_moved)
{
    fhs_doc *doc = parse("{\"a\":[1,2,3],\"b\":{\"c\":4}}");
    fhs_doc *list = fhs_doc_get(doc, FHS_LIT("a"));
    fhs_doc_remove(list, fhs_doc_at(list, 1));
    check_text(doc, "{\"a\":[1,3],\"b\":{\"c\":4}}");
    fhs_doc *moved = fhs_doc_detach(doc, fhs_doc_get(doc, FHS_LIT("b")));
    ck_assert_ptr_null(fhs_doc_name(moved).ptr);
    ck_assert(fhs_doc_push(list, moved));
    check_text(doc, "{\"a\":[1,3,{\"c\":4}]}");
    fhs_doc_remove(list, fhs_doc_first(list));
    fhs_doc_remove(list, fhs_doc_at(list, 1));
    fhs_doc_remove(list, fhs_doc_first(list));
    check_text(doc, "{\"a\":[]}");
    ck_assert(fhs_doc_push(list, fhs_doc_new_int(5)));
    check_text(doc, "{\"a\":[5]}");
    fhs_doc_free(doc);
}
END_TEST

START_TEST(a_copy_stands_alone)
{
    fhs_doc *doc = parse("{\"a\":{\"b\":[1.0,\"x\"]}}");
    fhs_doc *copy = fhs_doc_copy(fhs_doc_get(doc, FHS_LIT("a")));
    ck_assert_ptr_null(fhs_doc_name(copy).ptr);
    fhs_doc_free(doc);
    check_text(copy, "{\"b\":[1.0,\"x\"]}");
    fhs_doc_free(copy);
}
END_TEST

/* Editing can nest without end; nothing may recurse as deep as that. */
START_TEST(endless_nesting_is_refused_where_it_would_recurse)
{
    fhs_doc *doc = fhs_doc_new_array();
    for (int i = 1; i < 1000; i++) {
        fhs_doc *outer = fhs_doc_new_array();
        ck_assert(fhs_doc_push(outer, doc));
        doc = outer;
    }
    ck_assert(fhs_doc_is_within_depth(doc, 1000));
    ck_assert(!fhs_doc_is_within_depth(doc, 999));
    fhs_doc *copy = fhs_doc_copy(doc);
    ck_assert_ptr_nonnull(copy);
    fhs_doc_free(copy);
    for (int i = 0; i < 1000000; i++) {
        fhs_doc *outer = fhs_doc_new_array();
        ck_assert(fhs_doc_push(outer, doc));
        doc = outer;
    }
    fhs_buf out = FHS_BUF_INIT(1 << 20);
    ck_assert_int_eq(fhs_doc_write(doc, &out, NULL), FHIRSTORE_ERR_JSON_DEPTH);
    ck_assert(!fhs_doc_is_within_depth(doc, UINT32_MAX));
    ck_assert_ptr_null(fhs_doc_copy(doc));
    fhs_buf_clear(&out);
    fhs_doc_free(doc);
}
END_TEST

START_TEST(a_full_buffer_says_so)
{
    fhs_doc *doc = parse("[\"a long text that does not fit\"]");
    fhs_buf small = FHS_BUF_INIT(10);
    fhirstore_error *err = NULL;
    ck_assert_int_eq(fhs_doc_write(doc, &small, &err), FHIRSTORE_ERR_LIMIT);
    ck_assert_int_eq(fhs_error_status(err), FHIRSTORE_ERR_LIMIT);
    fhs_error_free(err);
    fhs_buf_clear(&small);
    fhs_doc_free(doc);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json/doc");
    TCase *tests = tcase_create("doc");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_document_is_built);
    tcase_add_test(tests, what_was_not_made_fails_where_it_is_added);
    tcase_add_test(tests, reading_keeps_text_and_order);
    tcase_add_test(tests, reading_is_as_strict_as_the_reader);
    tcase_add_test(tests, a_document_is_walked);
    tcase_add_test(tests, items_are_inserted_everywhere);
    tcase_add_test(tests, members_are_set_in_their_place);
    tcase_add_test(tests, items_are_replaced_in_their_place);
    tcase_add_test(tests, parts_are_taken_out_and_moved);
    tcase_add_test(tests, a_copy_stands_alone);
    tcase_add_test(tests, endless_nesting_is_refused_where_it_would_recurse);
    tcase_add_test(tests, a_full_buffer_says_so);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
