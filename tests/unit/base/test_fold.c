/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "base/compiler.h"
#include "base/fold.h"
#include "base/utf8.h"

static const struct fold_row {
    const char *label;
    const char *text;
    const char *folded;
} fold_rows[] = {
    {"nothing", "", ""},
    {"case", "McDonald", "mcdonald"},
    {"all of ASCII but white space", "!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~",
     "!\"#$%&'()*+,-./09:;<=>?@az[\\]^_`az{|}~"},
    {"white space", " \t Mary \r\n  Ann\v\f ", "mary ann"},
    {"only white space", " \t\n", ""},
    {"white space of all kinds", "\u00a0a\u2003\u3000 \u2028b\u00a0", "a b"},
    {"blank between ASCII and not", "\u00c9 a \u00c9", "e a e"},
    {"accents", "Ren\u00e9e M\u00fcller \u00c5ngstr\u00f6m \u00d1o\u00f1o",
     "renee muller angstrom nono"},
    {"accents apart", "Rene\u0301e Mu\u0308ller", "renee muller"},
    {"several accents", "\u1ea4n Vi\u1ec7t \u1ed8\u0323", "an viet o"},
    {"sharp s", "Stra\u00dfe STRA\u1e9eE", "strasse strasse"},
    {"ligatures", "\ufb01n \ufb03 \u00c6sir \u0152uvre", "fin ffi aesir oeuvre"},
    {"strokes", "\u0141\u00f3d\u017a \u00d8rsted \u0110or\u0111e \u0126al",
     "lodz orsted dorde hal"},
    {"Turkish", "I\u0130\u0131i", "iiii"},
    {"Greek",
     "\u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3 "
     "\u1f48\u03b4\u03c5\u03c3\u03c3\u03b5\u03cd\u03c2",
     "\u03bf\u03b4\u03c5\u03c3\u03c3\u03b5\u03c5\u03c3 "
     "\u03bf\u03b4\u03c5\u03c3\u03c3\u03b5\u03c5\u03c3"},
    {"Cyrillic", "\u0419\u041e\u0416 \u0401\u043b\u043a\u0430",
     "\u0438\u043e\u0436 \u0435\u043b\u043a\u0430"},
    {"Hebrew points", "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "\u05e9\u05dc\u05d5\u05dd"},
    {"Arabic vowels", "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f",
     "\u0645\u062d\u0645\u062f"},
    {"Devanagari vowel signs stay", "\u0939\u093f\u0902\u0926\u0940",
     "\u0939\u093f\u0902\u0926\u0940"},
    {"kana voicing marks stay", "\u304c \u304b\u3099", "\u304b\u3099 \u304b\u3099"},
    {"halfwidth and fullwidth", "\uff21\uff42\uff11\uff76\uff9e", "ab1\u30ab\u3099"},
    {"compatibility", "\u00bd \u2462 \u2122 x\u00b2", "1\u20442 3 tm x2"},
    {"CJK", "\u91d1\u592a\u90ce \uf90a", "\u91d1\u592a\u90ce \u91d1"},
    {"Hangul stays whole", "\uae40\ucca0\uc218", "\uae40\ucca0\uc218"},
    {"Hangul apart", "\u1100\u1175\u11b7\u110e\u1165\u11af\u1109\u116e", "\uae40\ucca0\uc218"},
    {"Hangul, tail behind a syllable", "\uae30\u11b7", "\uae40"},
    {"Hangul, not across a blank", "\u1100 \u1175", "\u1100 \u1175"},
    {"invisible characters", "co\u00adop\u200b\u2060er\ufe0f\ufeff", "cooper"},
    {"tags and far selectors", "a\U000e0061\U000e0100b", "ab"},
    {"spacing accents stay", "O\u00b4Neil \u00a8", "o\u00b4neil \u00a8"},
    {"quotation marks stay", "O\u2019Neil", "o\u2019neil"},
    {"above the tables", "\U000303a1\U0010fffd", "\U000303a1\U0010fffd"},
    {"mathematical letters", "\U0001d400\U0001d7ff", "a9"},
    {"Deseret", "\U00010400", "\U00010428"},
    {"a long one", "\ufdfa",
     "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 "
     "\u0648\u0633\u0644\u0645"},
    {"accent alone", "\u0301", ""},
    {"accent between blanks", "a \u0301 b", "a b"},
};

START_TEST(text_is_folded)
{
    const struct fold_row *row = &fold_rows[_i];
    fhs_buf once = FHS_BUF_INIT(1000);
    fhs_buf twice = FHS_BUF_INIT(1000);
    fhs_fold(fhs_str_from_cstr(row->text), &once);
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&once), fhs_str_from_cstr(row->folded)),
                  "%s: got \"%s\", wanted \"%s\"", row->label, once.ptr, row->folded);
    fhs_fold(fhs_buf_str(&once), &twice);
    ck_assert_view_eq(fhs_buf_str(&twice), fhs_buf_str(&once));
    fhs_buf_clear(&once);
    fhs_buf_clear(&twice);
}
END_TEST

START_TEST(folding_appends)
{
    fhs_buf out = FHS_BUF_INIT(100);
    fhs_buf_add_cstr(&out, "x ");
    fhs_fold(FHS_LIT("  A "), &out);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("x a"));
    fhs_fold(FHS_LIT("\u11b7"), &out);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("x a\u11b7"));
    fhs_buf_reset(&out);
    fhs_buf_add_cstr(&out, "\uae30");
    fhs_fold(FHS_LIT("\u11b7"), &out);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("\uae30\u11b7"));
    fhs_buf_clear(&out);
}
END_TEST

/* Neighbours matter only for white space and Hangul; both are put around each character. */
START_TEST(folding_is_idempotent_for_every_character)
{
    fhs_buf once = FHS_BUF_INIT(1000);
    fhs_buf twice = FHS_BUF_INIT(1000);
    for (uint32_t code = 1; code < 0x110000; code++) {
        if (code >= 0xD800 && code < 0xE000) {
            continue;
        }
        char text[3 * FHS_UTF8_MAX];
        size_t len = fhs_utf8_encode(code, text);
        len += fhs_utf8_encode(code % 2 == 0 ? 0x1161 : ' ', text + len);
        len += fhs_utf8_encode(code, text + len);
        fhs_buf_reset(&once);
        fhs_buf_reset(&twice);
        fhs_fold(fhs_str_of(text, len), &once);
        fhs_fold(fhs_buf_str(&once), &twice);
        ck_assert_msg(fhs_str_eq(fhs_buf_str(&once), fhs_buf_str(&twice)), "U+%04X",
                      (unsigned)code);
        ck_assert_uint_eq(fhs_utf8_valid_prefix(fhs_buf_str(&once)), once.len);
    }
    fhs_buf_clear(&once);
    fhs_buf_clear(&twice);
}
END_TEST

START_TEST(a_full_buffer_is_an_error)
{
    fhs_buf out = FHS_BUF_INIT(3);
    fhs_fold(FHS_LIT("abcd"), &out);
    ck_assert_int_eq(fhs_buf_status(&out), FHIRSTORE_ERR_LIMIT);
    fhs_buf_reset(&out);
    fhs_fold(FHS_LIT("\u00e4\u1100\u1161\u00e4"), &out);
    ck_assert_int_eq(fhs_buf_status(&out), FHIRSTORE_ERR_LIMIT);
    fhs_buf_clear(&out);
}
END_TEST

START_TEST(ascii_folding_leaves_the_rest)
{
    fhs_buf out = FHS_BUF_INIT(100);
    fhs_fold_ascii(FHS_LIT(" AZaz@[ \u00c4 "), &out);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT(" azaz@[ \u00c4 "));
    fhs_fold_ascii(FHS_STR_NONE, &out);
    fhs_fold_ascii(FHS_LIT("B"), &out);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT(" azaz@[ \u00c4 b"));
    fhs_buf_clear(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/fold");
    TCase *tests = tcase_create("fold");
    tcase_add_loop_test(tests, text_is_folded, 0, (int)FHS_COUNT_OF(fold_rows));
    tcase_add_test(tests, folding_appends);
    tcase_add_test(tests, folding_is_idempotent_for_every_character);
    tcase_add_test(tests, a_full_buffer_is_an_error);
    tcase_add_test(tests, ascii_folding_leaves_the_rest);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
