/* SPDX-License-Identifier: Apache-2.0 */
/* Composite keys: components come back, equal leading ones are a prefix, the last one sorts. */
#include "index/index.h"
#include "suite.h"

#define KEY_MAX ((size_t)1 << 16)

static fhs_str number_key(const char *text, uint8_t out[FHS_DECIMAL_KEY_MAX])
{
    fhs_decimal number;
    ck_assert(fhs_decimal_parse(fhs_str_from_cstr(text), &number));
    return fhs_str_of((const char *)out, fhs_decimal_sort_key(&number, out));
}

START_TEST(components_come_back)
{
    fhs_buf key = FHS_BUF_INIT(KEY_MAX);
    fhs_buf scratch = FHS_BUF_INIT(KEY_MAX);
    fhs_row row;
    fhs_composite_add_token(&key, -7, FHS_LIT("code"));
    fhs_composite_add_quantity(&key, INT64_MAX, FHS_LIT("a\0b"), FHS_STR_NONE);
    fhs_composite_add_date(&key, INT64_MIN, 5);
    fhs_composite_add_string(&key, FHS_LIT(""));
    fhs_composite_add_number(&key, FHS_LIT("\0"), FHS_LIT("\xFF\0\xFF"));
    fhs_composite_add_reference(&key, 42);
    fhs_composite_add_uri(&key, FHS_LIT("http://x"));
    fhs_str rest = fhs_buf_str(&key);
    ck_assert(fhs_composite_next(&rest, &scratch, &row));
    ck_assert_int_eq(row.kind, FHS_ROW_TOKEN);
    ck_assert_int_eq(row.a, -7);
    ck_assert_view_eq(row.text, FHS_LIT("code"));
    ck_assert(fhs_composite_next(&rest, &scratch, &row));
    ck_assert_int_eq(row.kind, FHS_ROW_QUANTITY);
    ck_assert_int_eq(row.a, INT64_MAX);
    ck_assert_view_eq(row.text, FHS_LIT("a\0b"));
    ck_assert_uint_eq(row.extra.len, 0);
    ck_assert(fhs_composite_next(&rest, &scratch, &row));
    ck_assert(row.kind == FHS_ROW_DATE && row.a == INT64_MIN && row.b == 5);
    ck_assert(fhs_composite_next(&rest, &scratch, &row));
    ck_assert(row.kind == FHS_ROW_STRING && row.text.len == 0);
    ck_assert(fhs_composite_next(&rest, &scratch, &row));
    ck_assert_view_eq(row.text, FHS_LIT("\0"));
    ck_assert_view_eq(row.extra, FHS_LIT("\xFF\0\xFF"));
    ck_assert(fhs_composite_next(&rest, &scratch, &row));
    ck_assert(row.kind == FHS_ROW_REFERENCE && row.a == 42);
    ck_assert(fhs_composite_next(&rest, &scratch, &row));
    ck_assert_view_eq(row.text, FHS_LIT("http://x"));
    ck_assert(!fhs_composite_next(&rest, &scratch, &row));
    fhs_buf_clear(&key);
    fhs_buf_clear(&scratch);
}
END_TEST

START_TEST(broken_keys_are_refused)
{
    fhs_buf key = FHS_BUF_INIT(KEY_MAX);
    fhs_buf scratch = FHS_BUF_INIT(KEY_MAX);
    fhs_row row;
    fhs_composite_add_quantity(&key, 1, FHS_LIT("abc"), FHS_LIT("def"));
    for (size_t len = 0; len < key.len; len++) {
        fhs_str rest = fhs_str_of(key.ptr, len);
        ck_assert(!fhs_composite_next(&rest, &scratch, &row));
    }
    fhs_str unknown = FHS_LIT("\x63zzzzzzzzzzzzzzzz");
    ck_assert(!fhs_composite_next(&unknown, &scratch, &row));
    fhs_buf_clear(&key);
    fhs_buf_clear(&scratch);
}
END_TEST

START_TEST(codes_as_written_stand_behind)
{
    fhs_buf key = FHS_BUF_INIT(KEY_MAX);
    fhs_buf scratch = FHS_BUF_INIT(KEY_MAX);
    fhs_row row;
    fhs_str code;
    fhs_composite_add_token(&key, 1, FHS_LIT("bp"));
    fhs_composite_add_token(&key, 2, FHS_LIT("low"));
    fhs_str none = fhs_str_from(fhs_buf_str(&key), key.len);
    ck_assert(!fhs_composite_next_written(&none, &scratch, &code));
    fhs_composite_add_written(&key, true, FHS_LIT("BP"));
    fhs_composite_add_written(&key, false, FHS_LIT("a\0B"));
    for (size_t len = 0; len <= key.len; len++) {
        fhs_str rest = fhs_str_of(key.ptr, len);
        bool is_whole = fhs_composite_next(&rest, &scratch, &row) &&
                        fhs_composite_next(&rest, &scratch, &row) &&
                        !fhs_composite_next(&rest, &scratch, &row) &&
                        fhs_composite_next_written(&rest, &scratch, &code) &&
                        fhs_str_eq(code, FHS_LIT("BP")) &&
                        fhs_composite_next_written(&rest, &scratch, &code) &&
                        fhs_str_eq(code, FHS_LIT("a\0B")) &&
                        !fhs_composite_next_written(&rest, &scratch, &code);
        ck_assert(is_whole == (len == key.len));
    }
    fhs_buf_clear(&key);
    fhs_buf_clear(&scratch);
}
END_TEST

static void make_key(fhs_buf *key, const char *code, int64_t unit, const char *number)
{
    uint8_t bytes[FHS_DECIMAL_KEY_MAX];
    fhs_buf_reset(key);
    fhs_composite_add_token(key, 3, fhs_str_from_cstr(code));
    fhs_composite_add_quantity(key, unit, number_key(number, bytes), FHS_STR_NONE);
}

START_TEST(keys_sort_like_their_components)
{
    static const struct {
        const char *code;
        int64_t unit;
        const char *number;
    } sorted[] = {
        {"a", 1, "5"},     {"ab", -1, "9"},  {"ab", 1, "-10"},    {"ab", 1, "-9.5"},
        {"ab", 1, "-9"},   {"ab", 1, "0"},   {"ab", 1, "0.0001"}, {"ab", 1, "5"},
        {"ab", 1, "5.01"}, {"ab", 1, "50"},  {"ab", 1, "50.1"},   {"ab", 1, "1e70"},
        {"ab", 2, "1"},    {"abc", 1, "-1"}, {"b", 1, "0"},
    };
    fhs_buf a = FHS_BUF_INIT(KEY_MAX);
    fhs_buf b = FHS_BUF_INIT(KEY_MAX);
    for (size_t i = 0; i + 1 < FHS_COUNT_OF(sorted); i++) {
        make_key(&a, sorted[i].code, sorted[i].unit, sorted[i].number);
        make_key(&b, sorted[i + 1].code, sorted[i + 1].unit, sorted[i + 1].number);
        ck_assert_msg(fhs_str_compare(fhs_buf_str(&a), fhs_buf_str(&b)) < 0, "at %zu", i);
    }
    fhs_buf_clear(&a);
    fhs_buf_clear(&b);
}
END_TEST

static fhs_entry point(const char *number)
{
    fhs_entry entry = {.kind = FHS_ROW_NUMBER};
    ck_assert(fhs_decimal_parse(fhs_str_from_cstr(number), &entry.low));
    entry.high = entry.low;
    return entry;
}

static fhs_str low_of(const fhs_interval_key *key)
{
    return fhs_str_of((const char *)key->low, key->low_len);
}

static fhs_str high_of(const fhs_interval_key *key)
{
    return fhs_str_of((const char *)key->high, key->high_len);
}

/* An excluded end lies strictly between its number and every other number. */
START_TEST(excluded_ends)
{
    static const char *const numbers[] = {"-1e70",  "-100", "-5.0001", "-5",     "-4.9999",
                                          "-1e-70", "0",    "1e-70",   "4.9999", "5",
                                          "5.0001", "50",   "100",     "1e70"};
    for (size_t i = 0; i < FHS_COUNT_OF(numbers); i++) {
        fhs_interval_key open;
        fhs_entry entry = point(numbers[i]);
        entry.is_interval = true;
        entry.open_low = true;
        entry.open_high = true;
        fhs_entry_interval(&entry, &open);
        for (size_t k = 0; k < FHS_COUNT_OF(numbers); k++) {
            fhs_interval_key other;
            fhs_entry number = point(numbers[k]);
            fhs_entry_interval(&number, &other);
            ck_assert_uint_eq(other.high_len, 0);
            int above = fhs_str_compare(low_of(&open), low_of(&other));
            int below = fhs_str_compare(high_of(&open), low_of(&other));
            ck_assert_msg(k <= i ? above > 0 : above < 0, "above %s at %s", numbers[i], numbers[k]);
            ck_assert_msg(k < i ? below > 0 : below < 0, "below %s at %s", numbers[i], numbers[k]);
        }
    }
}
END_TEST

START_TEST(missing_ends)
{
    fhs_interval_key all;
    fhs_entry entry = {
        .kind = FHS_ROW_NUMBER, .is_interval = true, .no_low = true, .no_high = true};
    fhs_entry_interval(&entry, &all);
    ck_assert_uint_eq(all.low_len, 0);
    fhs_interval_key other;
    fhs_entry number = point("9e70");
    fhs_entry_interval(&number, &other);
    ck_assert_int_gt(fhs_str_compare(high_of(&all), low_of(&other)), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index_composite");
    TCase *tests = tcase_create("keys");
    tcase_add_test(tests, components_come_back);
    tcase_add_test(tests, broken_keys_are_refused);
    tcase_add_test(tests, codes_as_written_stand_behind);
    tcase_add_test(tests, keys_sort_like_their_components);
    tcase_add_test(tests, excluded_ends);
    tcase_add_test(tests, missing_ends);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
