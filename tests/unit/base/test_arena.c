/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

START_TEST(blocks_do_not_overlap)
{
    fhs_arena arena;
    unsigned char *parts[200];
    fhs_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < 200; i++) {
        parts[i] = fhs_arena_alloc(&arena, i + 1);
        ck_assert_ptr_nonnull(parts[i]);
        ck_assert_uint_eq((uintptr_t)parts[i] % 16, 0);
        memset(parts[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < 200; i++) {
        ck_assert_uint_eq(parts[i][0], i);
        ck_assert_uint_eq(parts[i][i], i);
    }
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(the_budget_ends_and_reset_gives_it_back)
{
    fhs_arena arena;
    fhs_arena_init(&arena, 100 * 1024);
    ck_assert_ptr_nonnull(fhs_arena_alloc(&arena, 60 * 1024));
    ck_assert_ptr_null(fhs_arena_alloc(&arena, 60 * 1024));
    ck_assert_ptr_null(fhs_arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(fhs_arena_calloc(&arena, SIZE_MAX / 2, 3));
    fhs_arena_reset(&arena);
    ck_assert_ptr_nonnull(fhs_arena_alloc(&arena, 60 * 1024));
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(nothing_is_not_a_failure)
{
    fhs_arena arena;
    fhs_arena_init(&arena, 1024);
    ck_assert_ptr_nonnull(fhs_arena_alloc(&arena, 0));
    ck_assert_ptr_nonnull(fhs_arena_calloc(&arena, 0, 8));
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(copies_end_in_nul)
{
    fhs_arena arena;
    fhs_arena_init(&arena, 100 * 1024);
    fhs_str copy = fhs_arena_dup(&arena, FHS_LIT("abc"));
    ck_assert_view_eq(copy, FHS_LIT("abc"));
    ck_assert_int_eq(copy.ptr[3], 0);
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(a_list_is_copied_whole_or_not_at_all)
{
    const fhs_str items[] = {FHS_LIT("abc"), FHS_LIT("")};
    const fhs_str *copies = NULL;
    fhs_arena arena;
    fhs_arena_init(&arena, 100 * 1024);
    ck_assert(fhs_arena_dup_list(&arena, items, 2, &copies));
    ck_assert_view_eq(copies[0], FHS_LIT("abc"));
    ck_assert_view_eq(copies[1], FHS_LIT(""));
    ck_assert_ptr_ne(copies[0].ptr, items[0].ptr);
    ck_assert(fhs_arena_dup_list(&arena, NULL, 0, &copies));
    fhs_arena_clear(&arena);
    fhs_arena_init(&arena, 1);
    ck_assert(!fhs_arena_dup_list(&arena, items, 2, &copies));
    fhs_arena_clear(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/arena");
    TCase *tests = tcase_create("arena");
    tcase_add_test(tests, blocks_do_not_overlap);
    tcase_add_test(tests, the_budget_ends_and_reset_gives_it_back);
    tcase_add_test(tests, nothing_is_not_a_failure);
    tcase_add_test(tests, copies_end_in_nul);
    tcase_add_test(tests, a_list_is_copied_whole_or_not_at_all);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
