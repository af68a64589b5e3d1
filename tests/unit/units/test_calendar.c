/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "units/units.h"

static const struct word_row {
    const char *word;
    const char *code;
    bool is_definite;
    int32_t months;
    int64_t milliseconds;
} word_rows[] = {
    {"year", "a", false, 12, 0},         {"years", "a", false, 12, 0},
    {"month", "mo", false, 1, 0},        {"months", "mo", false, 1, 0},
    {"week", "wk", false, 0, 604800000}, {"weeks", "wk", false, 0, 604800000},
    {"day", "d", false, 0, 86400000},    {"days", "d", false, 0, 86400000},
    {"hour", "h", false, 0, 3600000},    {"hours", "h", false, 0, 3600000},
    {"minute", "min", false, 0, 60000},  {"minutes", "min", false, 0, 60000},
    {"second", "s", true, 0, 1000},      {"seconds", "s", true, 0, 1000},
    {"millisecond", "ms", true, 0, 1},   {"milliseconds", "ms", true, 0, 1},
};

START_TEST(words_have_their_units)
{
    const struct word_row *row = &word_rows[_i];
    const fhs_calendar_word *word = fhs_calendar_word_find(fhs_str_from_cstr(row->word));
    ck_assert_ptr_nonnull(word);
    ck_assert_view_eq(word->code, fhs_str_from_cstr(row->code));
    ck_assert_int_eq(word->is_definite, row->is_definite);
    ck_assert_int_eq(word->months, row->months);
    ck_assert_int_eq(word->milliseconds, row->milliseconds);
    fhs_unit unit;
    ck_assert_int_eq(fhs_unit_parse(word->code, &unit, NULL), FHIRSTORE_OK);
}
END_TEST

START_TEST(other_words_have_none)
{
    static const char *const words[] = {"", "Year", "yearss", "decade", "a", "s", "min", "yea"};
    for (size_t i = 0; i < FHS_COUNT_OF(words); i++) {
        ck_assert_ptr_null(fhs_calendar_word_find(fhs_str_from_cstr(words[i])));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("units/calendar");
    TCase *tests = tcase_create("calendar");
    tcase_add_loop_test(tests, words_have_their_units, 0, (int)FHS_COUNT_OF(word_rows));
    tcase_add_test(tests, other_words_have_none);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
