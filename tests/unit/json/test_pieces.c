/* SPDX-License-Identifier: Apache-2.0 */
/* Reading in pieces: what is handed out and what is left say the same as one tree. */
#include "suite.h"

#include <stdio.h>

#include "json/json.h"

#define TEXT_MAX ((size_t)8 << 20)

static fhs_arena arena;
static fhs_buf text;

static void setup(void)
{
    fhs_arena_init(&arena, (size_t)64 << 20);
    fhs_buf_init(&text, TEXT_MAX);
}

static void teardown(void)
{
    fhs_arena_clear(&arena);
    fhs_buf_clear(&text);
}

/* What was handed out, held against a tree of the whole. */
typedef struct seen_items {
    const fhs_json *whole;
    uint32_t count;
    size_t last_end;
    uint32_t stop_at; /* 0: never */
} seen_items;

static fhirstore_status compare_item(void *ctx, fhs_str member, uint32_t index,
                                     const fhs_json *item)
{
    seen_items *seen = ctx;
    const fhs_json *array = fhs_json_get(seen->whole, member);
    ck_assert_ptr_nonnull(array);
    ck_assert_uint_eq(index, seen->count % array->count);
    ck_assert(fhs_json_equal(item, &array->items[index]));
    ck_assert_uint_eq(item->begin, array->items[index].begin);
    ck_assert_uint_eq(item->end, array->items[index].end);
    ck_assert_uint_gt(item->end, seen->last_end);
    seen->last_end = item->end;
    seen->count++;
    return seen->count == seen->stop_at ? FHIRSTORE_ERR_CANCELLED : FHIRSTORE_OK;
}

/* @a count copies of @a item with its number in place of "#". */
static void add_items(const char *item, size_t count)
{
    const fhs_str pattern = fhs_str_from_cstr(item);
    for (size_t i = 0; i < count; i++) {
        fhs_buf_add_cstr(&text, i == 0 ? "" : " , ");
        for (size_t k = 0; k < pattern.len; k++) {
            if (pattern.ptr[k] == '#') {
                fhs_buf_add_u64(&text, i);
            } else {
                fhs_buf_add_char(&text, pattern.ptr[k]);
            }
        }
    }
}

static const char *const object_item = "{\"n\":#,\"t\":[{\"a\":\"\\u00e9\"},null],\"s\":\"x\\ny\"}";

static const fhs_json *read_whole(void)
{
    const fhs_json *root;
    ck_assert_int_eq(fhs_json_read(&arena, fhs_buf_str(&text), NULL, &root, NULL), FHIRSTORE_OK);
    return root;
}

static const fhs_json *read_in_pieces(seen_items *seen)
{
    const fhs_json *root;
    const fhs_json_pieces pieces = {compare_item, seen};
    seen->whole = read_whole();
    ck_assert_int_eq(fhs_json_read_pieces(&arena, fhs_buf_str(&text), NULL, &pieces, &root, NULL),
                     FHIRSTORE_OK);
    return root;
}

START_TEST(long_arrays_are_handed_out)
{
    seen_items seen = {0};
    fhs_buf_add_cstr(&text, "{\"k\":\"v\",\"short\":[{\"a\":1}],\"long\":[");
    add_items(object_item, 20000);
    fhs_buf_add_cstr(&text, "],\"b\":{\"inner\":[");
    add_items(object_item, 5000);
    fhs_buf_add_cstr(&text, "]},\"more\":[");
    add_items(object_item, 10000);
    fhs_buf_add_cstr(&text, "],\"_long\":[");
    add_items(object_item, 5000);
    fhs_buf_add_cstr(&text, "],\"numbers\":[");
    add_items("#", 50000);
    fhs_buf_add_cstr(&text, "],\"end\":[]}");
    const fhs_json *root = read_in_pieces(&seen);
    ck_assert_uint_eq(seen.count, 30000);
    ck_assert_uint_eq(root->count, 8);
    for (uint32_t i = 0; i < root->count; i++) {
        const fhs_json_member *rest = &root->members[i];
        const fhs_json_member *whole = &seen.whole->members[i];
        bool is_out = fhs_str_eq(rest->name, FHS_LIT("long")) ||
                      fhs_str_eq(rest->name, FHS_LIT("more"));
        ck_assert(fhs_str_eq(rest->name, whole->name));
        ck_assert_uint_eq(rest->value.begin, whole->value.begin);
        ck_assert_uint_eq(rest->value.end, whole->value.end);
        ck_assert_uint_eq(rest->value.count, whole->value.count);
        ck_assert_int_eq(fhs_json_is_handed_out(&rest->value), is_out);
        ck_assert(is_out || fhs_json_equal(&rest->value, &whole->value));
    }
}
END_TEST

START_TEST(roots_without_members_stay_whole)
{
    seen_items seen = {0};
    fhs_buf_add_cstr(&text, "[[");
    add_items(object_item, 5000);
    fhs_buf_add_cstr(&text, "]]");
    const fhs_json *root = read_in_pieces(&seen);
    ck_assert(fhs_json_equal(root, seen.whole));
    ck_assert_uint_eq(seen.count, 0);
}
END_TEST

START_TEST(items_of_other_kinds_are_handed_out_behind_an_object)
{
    seen_items seen = {0};
    fhs_buf_add_cstr(&text, "{\"a\":[");
    add_items(object_item, 3000);
    fhs_buf_add_cstr(&text, ",null,7,\"x\",[],[1],{}],\"z\":1}");
    const fhs_json *root = read_in_pieces(&seen);
    ck_assert_uint_eq(seen.count, 3006);
    ck_assert_uint_eq(root->members[0].value.count, 3006);
    ck_assert(fhs_json_is(fhs_json_get(root, FHS_LIT("z")), FHS_JSON_NUMBER));
}
END_TEST

START_TEST(memory_stays_that_of_an_item)
{
    fhs_arena small;
    const fhs_json *root;
    seen_items seen = {0};
    const fhs_json_pieces pieces = {compare_item, &seen};
    fhs_buf_add_cstr(&text, "{\"a\":[");
    add_items(object_item, 60000);
    fhs_buf_add_cstr(&text, "]}");
    seen.whole = read_whole();
    fhs_arena_init(&small, (size_t)1 << 20);
    ck_assert_int_eq(fhs_json_read_pieces(&small, fhs_buf_str(&text), NULL, &pieces, &root, NULL),
                     FHIRSTORE_OK);
    ck_assert_uint_eq(seen.count, 60000);
    ck_assert_int_eq(fhs_json_read(&small, fhs_buf_str(&text), NULL, &root, NULL),
                     FHIRSTORE_ERR_NO_MEMORY);
    fhs_arena_clear(&small);
}
END_TEST

static fhirstore_status ignore_item(void *ctx, fhs_str member, uint32_t index, const fhs_json *item)
{
    (void)ctx;
    (void)member;
    (void)index;
    (void)item;
    return FHIRSTORE_OK;
}

static void expect_same_error(fhs_str given)
{
    const fhs_json_pieces pieces = {ignore_item, NULL};
    const fhs_json *root;
    fhirstore_error *one = NULL;
    fhirstore_error *two = NULL;
    fhirstore_status whole = fhs_json_read(&arena, given, NULL, &root, &one);
    ck_assert_int_eq(fhs_json_read_pieces(&arena, given, NULL, &pieces, &root, &two), whole);
    if (whole < FHIRSTORE_OK) {
        ck_assert_str_eq(fhs_error_message(one), fhs_error_message(two));
        ck_assert_uint_eq(fhs_error_location(one).offset, fhs_error_location(two).offset);
    }
    fhs_error_free(one);
    fhs_error_free(two);
}

/* Cut off anywhere, or with a byte changed: the same error at the same place. */
START_TEST(what_is_wrong_is_the_same)
{
    static const char changes[] = "\"{}[],:x\\\x01\xff";
    fhs_buf_add_cstr(&text, "{\"k\":1,\"a\":[");
    add_items(object_item, 2500);
    fhs_buf_add_cstr(&text, "],\"b\":2}");
    for (size_t i = 0; i < 2000; i++) {
        const fhs_arena_mark mark = fhs_arena_here(&arena);
        const size_t at = i * 2654435761u % text.len;
        const char kept = text.ptr[at];
        if (i % 2 == 1) {
            text.ptr[at] = changes[i / 2 % (sizeof changes - 1)];
        }
        expect_same_error(fhs_str_of(text.ptr, i % 2 == 0 ? at : text.len));
        text.ptr[at] = kept;
        fhs_arena_rewind(&arena, mark);
    }
}
END_TEST

START_TEST(who_is_handed_items_may_end_it)
{
    const fhs_json *root;
    fhs_buf_add_cstr(&text, "{\"a\":[");
    add_items(object_item, 5000);
    fhs_buf_add_cstr(&text, "]}");
    seen_items seen = {.whole = read_whole(), .stop_at = 4000};
    const fhs_json_pieces pieces = {compare_item, &seen};
    ck_assert_int_eq(fhs_json_read_pieces(&arena, fhs_buf_str(&text), NULL, &pieces, &root, NULL),
                     FHIRSTORE_ERR_CANCELLED);
    ck_assert_ptr_null(root);
    ck_assert_uint_eq(seen.count, 4000);
}
END_TEST

/* ---- going through them again ---- */

static fhirstore_status count_odd(void *ctx, const fhs_json *item, bool *keep)
{
    uint32_t *count = ctx;
    *keep = ++*count % 2 == 1;
    ck_assert(fhs_json_is(item, FHS_JSON_OBJECT));
    return FHIRSTORE_OK;
}

typedef struct told_offsets {
    size_t last;
    size_t count;
} told_offsets;

static fhirstore_status note_offset(void *ctx, size_t offset)
{
    told_offsets *told = ctx;
    ck_assert_uint_ge(offset, told->last);
    told->last = offset;
    told->count++;
    return FHIRSTORE_OK;
}

START_TEST(items_are_gone_through_again)
{
    seen_items seen = {0};
    told_offsets told = {0, 0};
    const fhs_json_watch watch = {note_offset, &told};
    uint32_t count = 0;
    fhs_buf_add_cstr(&text, "{\"a\" : [ ");
    add_items(object_item, 5000);
    fhs_buf_add_cstr(&text, "] }");
    const fhs_json *root = read_in_pieces(&seen);
    const fhs_json_text whole = {fhs_buf_str(&text), root, &watch};
    ck_assert_int_eq(
        fhs_json_each_item(&arena, &whole, &root->members[0].value, count_odd, &count, NULL),
        FHIRSTORE_OK);
    ck_assert_uint_eq(count, 5000);
    ck_assert_uint_eq(told.count, 5000);
}
END_TEST

START_TEST(the_edited_text_is_the_same)
{
    static const fhs_json_edit edits[] = {{FHS_LIT_INIT("id"), FHS_LIT_INIT("\"new\"")},
                                          {FHS_LIT_INIT("meta"), FHS_LIT_INIT("{\"a\":1}")}};
    seen_items seen = {0};
    told_offsets told = {0, 0};
    const fhs_json_watch watch = {note_offset, &told};
    fhs_buf one = FHS_BUF_INIT(TEXT_MAX);
    fhs_buf two = FHS_BUF_INIT(TEXT_MAX);
    fhs_buf_add_cstr(&text, "{\"resourceType\" : \"Bundle\", \"id\": \"x\", \"entry\" : [ ");
    add_items(object_item, 9000);
    fhs_buf_add_cstr(&text, "], \"meta\" : {} }");
    const fhs_json *root = read_in_pieces(&seen);
    const fhs_json_text pieces = {fhs_buf_str(&text), root, &watch};
    fhs_json_write_edited(&one, fhs_buf_str(&text), seen.whole, edits, 2);
    fhs_json_write_edited_text(&two, &pieces, edits, 2);
    ck_assert(fhs_str_eq(fhs_buf_str(&one), fhs_buf_str(&two)));
    ck_assert_uint_gt(told.last + 70000, text.len);
    fhs_buf_clear(&one);
    fhs_buf_clear(&two);
}
END_TEST

static const fhs_json *read_ignoring(fhs_str of)
{
    const fhs_json_pieces pieces = {ignore_item, NULL};
    const fhs_json *root;
    ck_assert_int_eq(fhs_json_read_pieces(&arena, of, NULL, &pieces, &root, NULL), FHIRSTORE_OK);
    return root;
}

/* What differs, where, and in which spelling; equal ones first. */
static const struct {
    const char *head;
    const char *item;
    const char *tail;
    size_t count;
    bool is_equal;
} variants[] = {
    {"{\"a\":1,\"e\":[", "{\"n\":#,\"s\":\"x\"}", "],\"id\":\"one\"}", 6000, true},
    {"{\"id\":\"two\",\"e\" : [", "{ \"s\":\"\\u0078\", \"n\" : # }", "], \"a\" : 1}", 6000, true},
    {"{\"a\":1,\"e\":[", "{\"n\":#,\"s\":\"x\"}", "]}", 6000, true},
    {"{\"a\":2,\"e\":[", "{\"n\":#,\"s\":\"x\"}", "]}", 6000, false},
    {"{\"a\":1,\"e\":[", "{\"n\":#,\"s\":\"y\"}", "]}", 6000, false},
    {"{\"a\":1,\"e\":[", "{\"n\":#,\"s\":\"x\"}", "]}", 5999, false},
    {"{\"a\":1,\"e\":[", "{\"n\":#,\"s\":\"x\"}", ",{}]}", 5999, false},
    {"{\"a\":1,\"f\":[", "{\"n\":#,\"s\":\"x\"}", "]}", 6000, false},
    {"{\"a\":1,\"b\":1,\"e\":[", "{\"n\":#,\"s\":\"x\"}", "]}", 6000, false},
    {"{\"e\":[", "{\"n\":#,\"s\":\"x\"}", "]}", 6000, false},
    {"{\"a\":1,\"e\":{\"x\":[", "{\"n\":#,\"s\":\"x\"}", "]}}", 6000, false},
};

START_TEST(equality_is_that_of_trees)
{
    static const fhs_str left_out[] = {FHS_LIT_INIT("id")};
    fhs_buf first = FHS_BUF_INIT(TEXT_MAX);
    for (size_t i = 0; i < FHS_COUNT_OF(variants); i++) {
        bool equal = !variants[i].is_equal;
        fhs_buf_reset(&text);
        fhs_buf_add_cstr(&text, variants[i].head);
        add_items(variants[i].item, variants[i].count);
        fhs_buf_add_cstr(&text, variants[i].tail);
        if (i == 0) {
            fhs_buf_add_str(&first, fhs_buf_str(&text));
        }
        const fhs_json_text a = {fhs_buf_str(&first), read_ignoring(fhs_buf_str(&first)), NULL};
        const fhs_json_text b = {fhs_buf_str(&text), read_ignoring(fhs_buf_str(&text)), NULL};
        ck_assert_int_eq(fhs_json_equal_texts(&arena, &a, &b, left_out, 1, &equal, NULL),
                         FHIRSTORE_OK);
        ck_assert_msg(equal == variants[i].is_equal, "variant %zu", i);
        ck_assert_int_eq(fhs_json_equal_texts(&arena, &b, &a, left_out, 1, &equal, NULL),
                         FHIRSTORE_OK);
        ck_assert_msg(equal == variants[i].is_equal, "variant %zu, the other way", i);
    }
    fhs_buf_clear(&first);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_pieces");
    TCase *cases = tcase_create("pieces");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, long_arrays_are_handed_out);
    tcase_add_test(cases, roots_without_members_stay_whole);
    tcase_add_test(cases, items_of_other_kinds_are_handed_out_behind_an_object);
    tcase_add_test(cases, memory_stays_that_of_an_item);
    tcase_add_test(cases, what_is_wrong_is_the_same);
    tcase_add_test(cases, who_is_handed_items_may_end_it);
    tcase_add_test(cases, items_are_gone_through_again);
    tcase_add_test(cases, the_edited_text_is_the_same);
    tcase_add_test(cases, equality_is_that_of_trees);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
