/* SPDX-License-Identifier: Apache-2.0 */
/* Row lists as bytes: what goes in comes out, order and repetition, differences, hostile bytes. */
#include "random_rows.h"

#include "base/mem.h"
#include "storage/rows_internal.h"

static bool same_row(const fhs_row *a, const fhs_row *b)
{
    return a->kind == b->kind && a->param == b->param && a->a == b->a && a->b == b->b &&
           fhs_str_eq(a->text, b->text) && fhs_str_eq(a->extra, b->extra);
}

START_TEST(a_row_comes_out_as_it_went_in)
{
    dice d = dice_new("rows");
    fhs_buf list = FHS_BUF_INIT(1u << 20);
    for (int round = 0; round < 20000; round++) {
        fhs_row row = random_row(&d);
        if (dice_below(&d, 4) == 0) {
            row.param = (uint32_t)(dice_next(&d) >> dice_below(&d, 64));
            row.param = row.param == 0 ? 1 : row.param;
        }
        if (row.kind == FHS_ROW_TOKEN) {
            row.a = (int64_t)(dice_next(&d) >> (1 + dice_below(&d, 63)));
        }
        fhs_buf_reset(&list);
        fhs_row_encode(&list, &row);
        if (row.text.len > 0 && fhs_str_eq(row.text, row.extra)) {
            row.extra = FHS_STR_NONE;
        }
        fhs_row_cursor cursor = {fhs_buf_str(&list)};
        fhs_row out;
        fhs_str encoded;
        ck_assert_int_eq(fhs_row_next(&cursor, &out, &encoded), FHIRSTORE_OK);
        ck_assert(same_row(&row, &out));
        ck_assert_view_eq(encoded, fhs_buf_str(&list));
        ck_assert_int_eq(fhs_row_next(&cursor, &out, NULL), FHIRSTORE_DONE);
    }
    fhs_buf_clear(&list);
}
END_TEST

START_TEST(numbers_sort_as_bytes)
{
    dice d = dice_new("numbers");
    for (int round = 0; round < 100000; round++) {
        uint64_t a = dice_next(&d) >> dice_below(&d, 64);
        uint64_t b = dice_below(&d, 3) == 0 ? a + 1 : dice_next(&d) >> dice_below(&d, 64);
        char a_bytes[FHS_UVAR_MAX];
        char b_bytes[FHS_UVAR_MAX];
        fhs_str a_str = {a_bytes, fhs_uvar_write(a_bytes, a)};
        fhs_str b_str = {b_bytes, fhs_uvar_write(b_bytes, b)};
        int order = fhs_str_compare(a_str, b_str);
        ck_assert_int_eq((order > 0) - (order < 0), (a > b) - (a < b));
        a_str.len = fhs_i64_write(a_bytes, (int64_t)a);
        b_str.len = fhs_i64_write(b_bytes, (int64_t)b);
        order = fhs_str_compare(a_str, b_str);
        ck_assert_int_eq((order > 0) - (order < 0),
                         ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b));
    }
}
END_TEST

START_TEST(a_list_is_sorted_and_has_no_repetition)
{
    dice d = dice_new("lists");
    fhs_buf list = FHS_BUF_INIT(1u << 22);
    fhs_buf again = FHS_BUF_INIT(1u << 22);
    for (int round = 0; round < 3000; round++) {
        uint32_t count = dice_below(&d, round % 100 == 0 ? 2000 : 40);
        fhs_buf_reset(&list);
        fhs_buf_reset(&again);
        for (uint32_t i = 0; i < count; i++) {
            fhs_row row = random_row(&d);
            fhs_row_encode(&list, &row);
        }
        fhs_str before = fhs_buf_str(&list);
        fhs_buf_add_str(&again, before);
        fhs_buf_add_str(&again, before);
        ck_assert_int_eq(fhs_row_list_normalise(&list, NULL), FHIRSTORE_OK);
        ck_assert_int_eq(fhs_row_list_normalise(&again, NULL), FHIRSTORE_OK);
        ck_assert(fhs_row_list_is_sound(fhs_buf_str(&list)));
        ck_assert_view_eq(fhs_buf_str(&again), fhs_buf_str(&list));
    }
    fhs_buf_clear(&list);
    fhs_buf_clear(&again);
}
END_TEST

typedef struct difference {
    fhs_buf kept; /* the old list with the difference applied, in any order */
    fhs_str old_list;
    uint32_t added;
    uint32_t removed;
} difference;

static fhirstore_status note_difference(void *ctx, fhs_str encoded, const fhs_row *row, bool added)
{
    (void)row;
    difference *diff = ctx;
    if (added) {
        diff->added++;
        fhs_buf_add_str(&diff->kept, encoded);
    } else {
        diff->removed++;
    }
    return FHIRSTORE_OK;
}

static uint32_t rows_in(fhs_str list)
{
    fhs_row_cursor cursor = {list};
    fhs_row row;
    uint32_t count = 0;
    while (fhs_row_next(&cursor, &row, NULL) == FHIRSTORE_OK) {
        count++;
    }
    return count;
}

START_TEST(the_difference_leads_from_old_to_new)
{
    dice d = dice_new("differences");
    fhs_buf old_list = FHS_BUF_INIT(1u << 20);
    fhs_buf new_list = FHS_BUF_INIT(1u << 20);
    for (int round = 0; round < 5000; round++) {
        random_list(&d, 30, &old_list);
        random_list(&d, 30, &new_list);
        difference diff = {.kept = FHS_BUF_INIT(1u << 20)};
        ck_assert_int_eq(fhs_row_list_diff(fhs_buf_str(&old_list), fhs_buf_str(&new_list),
                                           note_difference, &diff),
                         FHIRSTORE_OK);
        /* What both have and what was added make the new list. */
        uint32_t both = rows_in(fhs_buf_str(&old_list)) - diff.removed;
        ck_assert_uint_eq(both + diff.added, rows_in(fhs_buf_str(&new_list)));
        fhs_buf_add_str(&diff.kept, fhs_buf_str(&new_list));
        ck_assert_int_eq(fhs_row_list_normalise(&diff.kept, NULL), FHIRSTORE_OK);
        ck_assert_view_eq(fhs_buf_str(&diff.kept), fhs_buf_str(&new_list));
        fhs_buf_clear(&diff.kept);
    }
    fhs_buf_clear(&old_list);
    fhs_buf_clear(&new_list);
}
END_TEST

START_TEST(any_bytes_are_rows_or_refused)
{
    dice d = dice_new("hostile");
    fhs_buf list = FHS_BUF_INIT(1u << 20);
    for (int round = 0; round < 50000; round++) {
        random_list(&d, 6, &list);
        size_t len = list.len;
        /* A block of exactly this size, so that a sanitizer sees a read past its end. */
        char *bytes = fhs_alloc(len);
        ck_assert_ptr_nonnull(bytes);
        if (len > 0) {
            memcpy(bytes, list.ptr, len);
            for (uint32_t i = dice_below(&d, 4); i > 0; i--) {
                bytes[dice_below(&d, (uint32_t)len)] = (char)dice_next(&d);
            }
            len -= dice_below(&d, (uint32_t)len + 1) / 4;
        }
        fhs_row_cursor cursor = {{bytes, len}};
        fhs_row row;
        fhirstore_status status;
        while ((status = fhs_row_next(&cursor, &row, NULL)) == FHIRSTORE_OK) {
            ck_assert(row.kind > 0 && row.kind < FHS_ROW_KIND_COUNT);
        }
        ck_assert(status == FHIRSTORE_DONE || status == FHIRSTORE_ERR_CORRUPT);
        (void)fhs_row_list_is_sound((fhs_str){bytes, len});
        fhs_free(bytes);
    }
    fhs_buf_clear(&list);
}
END_TEST

START_TEST(a_broken_list_is_an_error)
{
    fhs_buf list = FHS_BUF_INIT(100);
    fhirstore_error *err = NULL;
    fhs_buf_add(&list, "\x02\x01name", 6);
    ck_assert_int_eq(fhs_row_list_normalise(&list, &err), FHIRSTORE_ERR_CORRUPT);
    fhs_error_free(err);
    fhs_buf_clear(&list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage_rows");
    TCase *cases = tcase_create("rows");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_row_comes_out_as_it_went_in);
    tcase_add_test(cases, numbers_sort_as_bytes);
    tcase_add_test(cases, a_list_is_sorted_and_has_no_repetition);
    tcase_add_test(cases, the_difference_leads_from_old_to_new);
    tcase_add_test(cases, any_bytes_are_rows_or_refused);
    tcase_add_test(cases, a_broken_list_is_an_error);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
