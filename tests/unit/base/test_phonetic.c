/* SPDX-License-Identifier: Apache-2.0 */
/* Words, and names as they sound. */
#include "base/phonetic.h"
#include "base/words.h"
#include "suite.h"

static void ck_words(const char *text, const char *wanted)
{
    fhs_buf scratch = FHS_BUF_INIT(1 << 16);
    fhs_buf out = FHS_BUF_INIT(1 << 16);
    fhs_words_add(fhs_str_from_cstr(text), &scratch, &out);
    ck_assert_int_eq(fhs_buf_status(&out), FHIRSTORE_OK);
    ck_assert_str_eq(out.len == 0 ? "" : out.ptr, wanted);
    fhs_buf_clear(&scratch);
    fhs_buf_clear(&out);
}

START_TEST(words_are_folded_and_cut)
{
    ck_words("", "");
    ck_words(" -- & _ \xE2\x80\x94 ", "");
    ck_words("The Quick, brown-fox", " the quick brown fox");
    ck_words("8867-4 mm[Hg] a_b", " 8867 4 mm hg a b");
    ck_words("Z\xC3\xBCrich Stra\xC3\x9F"
             "e \xEF\xBC\xA1\xEF\xBC\x91",
             " zurich strasse a1");
    ck_words("\xC2\xABna\xC3\xAFve\xC2\xBB\xE2\x80\x9Cx\xE2\x80\x9D", " naive x");
    ck_words("\xE8\x82\xBA\xE7\x82\x8E"
             "ab\xE8\x82\xBA",
             " \xE8\x82\xBA \xE7\x82\x8E ab \xE8\x82\xBA");
    ck_words("\xCE\x9A\xCE\xB1\xCF\x81\xCE\xB4\xCE\xB9\xCE\xAC",
             " \xCE\xBA\xCE\xB1\xCF\x81\xCE\xB4\xCE\xB9\xCE\xB1");
    ck_words("\xF0\x9F\x98\x80smile", " smile");
}
END_TEST

START_TEST(long_words_are_cut)
{
    fhs_buf scratch = FHS_BUF_INIT(1 << 16);
    fhs_buf text = FHS_BUF_INIT(1 << 16);
    fhs_buf out = FHS_BUF_INIT(1 << 16);
    for (int i = 0; i < 100; i++) {
        fhs_buf_add_cstr(&text, "\xD0\xB0"
                                "b");
    }
    fhs_words_add(fhs_buf_str(&text), &scratch, &out);
    ck_assert_uint_le(out.len, FHS_WORD_BYTES + 1);
    ck_assert_uint_ge(out.len, FHS_WORD_BYTES - 1);
    fhs_buf_clear(&scratch);
    fhs_buf_clear(&text);
    fhs_buf_clear(&out);
}
END_TEST

START_TEST(words_are_taken_one_by_one)
{
    fhs_str rest = FHS_LIT("  ab c ");
    fhs_str word;
    ck_assert(fhs_words_next(&rest, &word));
    ck_assert(fhs_str_eq(word, FHS_LIT("ab")));
    ck_assert(fhs_words_next(&rest, &word));
    ck_assert(fhs_str_eq(word, FHS_LIT("c")));
    ck_assert(!fhs_words_next(&rest, &word));
    rest = FHS_STR_NONE;
    ck_assert(!fhs_words_next(&rest, &word));
}
END_TEST

START_TEST(a_full_buffer_is_told)
{
    fhs_buf scratch = FHS_BUF_INIT(4);
    fhs_buf out = FHS_BUF_INIT(1 << 16);
    fhs_words_add(FHS_LIT("a longer text"), &scratch, &out);
    ck_assert_int_ne(fhs_buf_status(&out), FHIRSTORE_OK);
    fhs_buf_clear(&scratch);
    fhs_buf_clear(&out);
}
END_TEST

static void key_of(const char *text, fhs_buf *out)
{
    fhs_buf scratch = FHS_BUF_INIT(1 << 16);
    fhs_phonetic_add(fhs_str_from_cstr(text), &scratch, out);
    ck_assert_int_eq(fhs_buf_status(out), FHIRSTORE_OK);
    fhs_buf_clear(&scratch);
}

static bool sound_alike(const char *a, const char *b)
{
    fhs_buf x = FHS_BUF_INIT(1 << 16);
    fhs_buf y = FHS_BUF_INIT(1 << 16);
    key_of(a, &x);
    key_of(b, &y);
    bool yes = fhs_str_eq(fhs_buf_str(&x), fhs_buf_str(&y));
    fhs_buf_clear(&x);
    fhs_buf_clear(&y);
    return yes;
}

START_TEST(spellings_of_a_name_sound_alike)
{
    static const char *const pairs[][2] = {
        {"Meyer", "Maier"},           {"Meyer", "Mayr"},         {"Smith", "Schmidt"},
        {"Smith", "Smyth"},           {"Stephen", "Steven"},     {"Stephen", "Stefan"},
        {"Philip", "Filip"},          {"Catherine", "Kathryn"},  {"Thompson", "Thomson"},
        {"M\xC3\xBCller", "Mueller"}, {"Matthias", "Mathias"},   {"Wright", "Rite"},
        {"Alexander", "Aleksander"},  {"Viktor", "Wiktor"},      {"Braun", "Brown"},
        {"O'Neil", "ONeill"},         {"MacDonald", "McDonald"}, {"Jan", "Ian"},
        {"Nowak", "Novak"},           {"Knut", "Nut"},           {"Doherty", "Dougherty"},
        {"Gro\xC3\x9F", "Gross"},     {"Christian", "Kristian"}, {"Tschaikowski", "Chaikovsky"},
        {"Philipp", "Phillip"},       {"Pfeifer", "Feiffer"},    {"Celine", "Selin"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        ck_assert_msg(sound_alike(pairs[i][0], pairs[i][1]), "%s, %s", pairs[i][0], pairs[i][1]);
    }
}
END_TEST

START_TEST(other_names_do_not)
{
    static const char *const pairs[][2] = {
        {"Meyer", "Weber"}, {"Smith", "Jones"},  {"Anna", "Hanna"}, {"Peter", "Paul"},
        {"Braun", "Bauer"}, {"Miller", "Milne"}, {"Lee", "Lo Mo"},  {"7", "8"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        ck_assert_msg(!sound_alike(pairs[i][0], pairs[i][1]), "%s, %s", pairs[i][0], pairs[i][1]);
    }
}
END_TEST

START_TEST(keys_are_as_told)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"Schmidt", " smt"},
        {"Anna Lee", " an l"},
        {"Hall-Berry", " hl pr"},
        {"Xavier", " sfr"},
        {"Max", " mks"},
        {"Wu", " f"},
        {"Yuri", " jr"},
        {"Hugh", " h"},
        {"Leigh", " l"},
        {"Lilly", " ll"},
        {"W", " w"},
        {"h", " h"},
        {"R2D2", " r2t2"},
        {"Ghali", " kl"},
        {"Wren", " rn"},
        {"\xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD", " \xD0\xB8\xD0\xB2\xD0\xB0\xD0\xBD"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fhs_buf out = FHS_BUF_INIT(1 << 16);
        key_of(rows[i][0], &out);
        ck_assert_str_eq(out.len == 0 ? "" : out.ptr, rows[i][1]);
        fhs_buf_clear(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/words");
    TCase *tests = tcase_create("words");
    tcase_add_test(tests, words_are_folded_and_cut);
    tcase_add_test(tests, long_words_are_cut);
    tcase_add_test(tests, words_are_taken_one_by_one);
    tcase_add_test(tests, a_full_buffer_is_told);
    tcase_add_test(tests, spellings_of_a_name_sound_alike);
    tcase_add_test(tests, other_names_do_not);
    tcase_add_test(tests, keys_are_as_told);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
