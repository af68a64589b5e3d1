/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/decimal.h"

static fhs_decimal dec(const char *text)
{
    fhs_decimal value;
    ck_assert_msg(fhs_decimal_parse(fhs_str_from_cstr(text), &value), "\"%s\" is refused", text);
    return value;
}

static void assert_written(const fhs_decimal *value, const char *want)
{
    fhs_buf out = FHS_BUF_INIT(4096);
    fhs_decimal_write(value, &out);
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(want));
    fhs_buf_clear(&out);
}

static const struct text_row {
    const char *text;
    const char *written; /* NULL: refused */
} text_rows[] = {
    {"0", "0"},
    {"-0", "0"},
    {"0.00", "0.00"},
    {"-0.0", "0.0"},
    {"1.10", "1.10"},
    {"-12.50", "-12.50"},
    {"100", "100"},
    {"1e2", "100"},
    {"1E+2", "100"},
    {"2e-3", "0.002"},
    {"1.5e3", "1500"},
    {"0.1234567890123456789", "0.1234567890123456789"},
    {"12345678901234567890", "12345678901234567890"},
    {"1e72", "1000000000000000000000000000000000000000000000000000000000000000000000000"},
    {"1e73", "1e73"},
    {"15e100", "15e100"},
    {"1e-100", "1e-100"},
    {"0e100", "0"},
    {"1e999999", "1e999999"},
    {"1e-999999", "1e-999999"},
    {"1e1000000", NULL},
    {"1e-1000000", NULL},
    {"1e99999999999999999999", NULL},
    {"0e99999999999999999999", NULL},
    /* 72 digits fit, 73 do not unless the last ones are zeros. */
    {"123456789012345678901234567890123456789012345678901234567890123456789012",
     "123456789012345678901234567890123456789012345678901234567890123456789012"},
    {"1234567890123456789012345678901234567890123456789012345678901234567890123", NULL},
    {"1234567890123456789012345678901234567890123456789012345678901234567890120",
     "1234567890123456789012345678901234567890123456789012345678901234567890120"},
    {"0.0000000000123456789012345678901234567890123456789012345678901234567890123456789012",
     "0.0000000000123456789012345678901234567890123456789012345678901234567890123456789012"},
    {"", NULL},
    {"-", NULL},
    {"+1", NULL},
    {"01", NULL},
    {"-01", NULL},
    {"00", NULL},
    {"1.", NULL},
    {".5", NULL},
    {"1e", NULL},
    {"1e+", NULL},
    {"1e1.5", NULL},
    {"1x", NULL},
    {" 1", NULL},
    {"1 ", NULL},
    {"0x1", NULL},
    {"NaN", NULL},
    {"1,5", NULL},
};

START_TEST(text_is_kept_or_refused)
{
    const struct text_row *row = &text_rows[_i];
    fhs_decimal value;
    bool parsed = fhs_decimal_parse(fhs_str_from_cstr(row->text), &value);
    ck_assert_msg(parsed == (row->written != NULL), "\"%s\"", row->text);
    if (parsed) {
        assert_written(&value, row->written);
    }
}
END_TEST

/* Operator (0 … 3: an fhs_rounding), operands, scale, result as Python writes it. */
static const struct case_row {
    char op;
    const char *a;
    const char *b;
    int32_t scale;
    const char *want; /* NULL: refused */
} case_rows[] = {
#include "decimal_cases.inc"
};

static bool run_case(const struct case_row *row, fhs_decimal *out)
{
    fhs_decimal a = dec(row->a);
    fhs_decimal b = dec(row->b);
    switch (row->op) {
    case '+':
        return fhs_decimal_add(&a, &b, out);
    case '-':
        return fhs_decimal_sub(&a, &b, out);
    case '*':
        return fhs_decimal_mul(&a, &b, out);
    case '/':
        return fhs_decimal_div(&a, &b, row->scale, out);
    default:
        return fhs_decimal_round(&a, row->scale, (fhs_rounding)(row->op - '0'), out);
    }
}

START_TEST(arithmetic_equals_python)
{
    const struct case_row *row = &case_rows[_i];
    fhs_decimal got;
    bool fits = run_case(row, &got);
    ck_assert_msg(fits == (row->want != NULL), "%s %c %s (%d)", row->a, row->op, row->b,
                  (int)row->scale);
    if (fits) {
        fhs_decimal want = dec(row->want);
        ck_assert_msg(fhs_decimal_compare(&got, &want) == 0, "%s %c %s (%d)", row->a, row->op,
                      row->b, (int)row->scale);
    }
}
END_TEST

START_TEST(scales_follow_the_operands)
{
    fhs_decimal a = dec("1.10");
    fhs_decimal b = dec("2.5");
    fhs_decimal out;
    ck_assert(fhs_decimal_add(&a, &b, &out));
    assert_written(&out, "3.60");
    ck_assert(fhs_decimal_sub(&b, &b, &out));
    assert_written(&out, "0.0");
    ck_assert(fhs_decimal_mul(&a, &b, &out));
    assert_written(&out, "2.750");
    ck_assert(fhs_decimal_div(&a, &b, 4, &out));
    assert_written(&out, "0.4400");
    ck_assert(fhs_decimal_round(&b, 0, FHS_ROUND_HALF_UP, &out));
    assert_written(&out, "3");
    ck_assert(fhs_decimal_round(&b, 3, FHS_ROUND_DOWN, &out));
    assert_written(&out, "2.500");
    out = fhs_decimal_normalise(dec("1.500"));
    assert_written(&out, "1.5");
    out = fhs_decimal_normalise(dec("100.0"));
    assert_written(&out, "100");
    out = fhs_decimal_normalise(dec("0.000"));
    assert_written(&out, "0");
    out = fhs_decimal_normalise(dec("100"));
    ck_assert_int_eq(out.exponent, 0);
}
END_TEST

static const struct divmod_row {
    const char *a;
    const char *b;
    const char *quotient; /* NULL: refused */
    const char *remainder;
} divmod_rows[] = {
    {"7", "2", "3", "1"},
    {"-7", "2", "-3", "-1"},
    {"7", "-2", "-3", "1"},
    {"5.5", "0.7", "7", "0.6"},
    {"1", "3", "0", "1"},
    {"0", "3", "0", "0"},
    {"1", "0", NULL, NULL},
    {"1e50", "7", "14285714285714285714285714285714285714285714285714", "2"},
    {"1", "1e500", "0", "1"},
    {"1e500", "7", NULL, NULL},
    {"10", "2.50", "4", "0.00"},
    {"1e100", "1e30", "1e70", "0"},
};

START_TEST(integer_quotients_round_towards_zero)
{
    const struct divmod_row *row = &divmod_rows[_i];
    fhs_decimal a = dec(row->a);
    fhs_decimal b = dec(row->b);
    fhs_decimal quotient;
    fhs_decimal remainder;
    bool ok = fhs_decimal_divmod(&a, &b, &quotient, &remainder);
    ck_assert_int_eq(ok, row->quotient != NULL);
    if (ok) {
        fhs_decimal want = dec(row->quotient);
        ck_assert_int_eq(fhs_decimal_compare(&quotient, &want), 0);
        want = dec(row->remainder);
        ck_assert_int_eq(fhs_decimal_compare(&remainder, &want), 0);
    }
}
END_TEST

static const struct integer_row {
    const char *text;
    bool ok;
    int64_t value;
} integer_rows[] = {
    {"0", true, 0},
    {"0.000", true, 0},
    {"1.000", true, 1},
    {"1e3", true, 1000},
    {"-12", true, -12},
    {"1.5", false, 0},
    {"1e-30", false, 0},
    {"9223372036854775807", true, INT64_MAX},
    {"9223372036854775808", false, 0},
    {"-9223372036854775808", true, INT64_MIN},
    {"-9223372036854775809", false, 0},
    {"1e18", true, 1000000000000000000},
    {"1e19", false, 0},
    {"1e300", false, 0},
    {"0e300", true, 0},
};

START_TEST(integers_in_and_out)
{
    const struct integer_row *row = &integer_rows[_i];
    fhs_decimal value = dec(row->text);
    int64_t got = -1;
    ck_assert_int_eq(fhs_decimal_to_i64(&value, &got), row->ok);
    ck_assert_int_eq(got, row->value);
    if (row->ok) {
        fhs_decimal back = fhs_decimal_from_i64(row->value);
        ck_assert_int_eq(fhs_decimal_compare(&back, &value), 0);
    }
}
END_TEST

START_TEST(doubles_are_the_nearest)
{
    static const char *const texts[] = {
        "0", "0.1", "-1.10", "1e23", "1e-5", "12345678901234567890.5", "4.9e-324", "1e22"};
    for (size_t i = 0; i < FHS_COUNT_OF(texts); i++) {
        fhs_decimal value = dec(texts[i]);
        ck_assert(fhs_decimal_to_double(&value) == strtod(texts[i], NULL));
    }
}
END_TEST

static const struct range_row {
    const char *value;
    const char *low;
    const char *high;
} range_rows[] = {
    {"100", "99.5", "100.5"},     {"100.00", "99.995", "100.005"}, {"1e2", "50", "150"},
    {"0", "-0.5", "0.5"},         {"0.00", "-0.005", "0.005"},     {"-5.4", "-5.45", "-5.35"},
    {"1e-3", "0.0005", "0.0015"},
};

START_TEST(precision_is_half_a_unit_to_each_side)
{
    const struct range_row *row = &range_rows[_i];
    fhs_decimal value = dec(row->value);
    fhs_decimal low;
    fhs_decimal high;
    ck_assert(fhs_decimal_precision_range(&value, &low, &high));
    assert_written(&low, row->low);
    assert_written(&high, row->high);
}
END_TEST

START_TEST(a_range_without_room_is_refused)
{
    fhs_decimal low;
    fhs_decimal high;
    fhs_decimal full = dec(
        "123456789012345678901234567890123456789012345678901234567890123456789012");
    ck_assert(!fhs_decimal_precision_range(&full, &low, &high));
    fhs_decimal finest = dec("1e-999999");
    ck_assert(!fhs_decimal_precision_range(&finest, &low, &high));
}
END_TEST

/* Ordered, so that every pair tells what compare and the keys must say. */
static const char *const ordered[] = {
    "-1e999999", "-1e200",    "-1e64",  "-1e63",  "-1e62",  "-9.9e61", "-1000",
    "-999.999",  "-100.5",    "-100",   "-1.51",  "-1.5",   "-1.1",    "-1.01",
    "-1",        "-0.99",     "-1e-61", "-1e-62", "-1e-63", "-1e-64",  "-1e-200",
    "0",         "1e-999999", "1e-200", "1e-64",  "1e-63",  "1e-62",   "0.0099",
    "0.01",      "0.1",       "0.99",   "1",      "1.01",   "1.1",     "1.5",
    "1.51",      "9",         "10",     "10.01",  "99.999", "100",     "100.5",
    "1000",      "1e61",      "1e62",   "1e63",   "1e64",   "1e200",   "10e999999",
};

static int sign_of(int value)
{
    return (value > 0) - (value < 0);
}

static int compare_keys(const fhs_decimal *a, const fhs_decimal *b)
{
    uint8_t key_a[FHS_DECIMAL_KEY_MAX];
    uint8_t key_b[FHS_DECIMAL_KEY_MAX];
    size_t len_a = fhs_decimal_sort_key(a, key_a);
    size_t len_b = fhs_decimal_sort_key(b, key_b);
    return sign_of(fhs_str_compare(fhs_str_of((const char *)key_a, len_a),
                                   fhs_str_of((const char *)key_b, len_b)));
}

START_TEST(keys_sort_as_numbers)
{
    for (size_t i = 0; i < FHS_COUNT_OF(ordered); i++) {
        fhs_decimal value = dec(ordered[i]);
        uint8_t key[FHS_DECIMAL_KEY_MAX];
        fhs_decimal back;
        ck_assert(fhs_decimal_from_sort_key(key, fhs_decimal_sort_key(&value, key), &back));
        ck_assert_int_eq(fhs_decimal_compare(&value, &back), 0);
        for (size_t k = 0; k < FHS_COUNT_OF(ordered); k++) {
            fhs_decimal a = dec(ordered[i]);
            fhs_decimal b = dec(ordered[k]);
            int want = (i > k) - (i < k);
            ck_assert_msg(fhs_decimal_compare(&a, &b) == want, "%s %s", ordered[i], ordered[k]);
            ck_assert_msg(compare_keys(&a, &b) == want, "keys of %s %s", ordered[i], ordered[k]);
        }
    }
}
END_TEST

START_TEST(equal_values_share_a_key)
{
    static const char *const pairs[][2] = {{"1.10", "1.1"},  {"100", "1e2"},
                                           {"-5.00", "-5"},  {"0.00", "0e5"},
                                           {"120e-1", "12"}, {"10e999998", "1e999999"}};
    for (size_t i = 0; i < FHS_COUNT_OF(pairs); i++) {
        fhs_decimal a = dec(pairs[i][0]);
        fhs_decimal b = dec(pairs[i][1]);
        ck_assert_int_eq(fhs_decimal_compare(&a, &b), 0);
        ck_assert_int_eq(compare_keys(&a, &b), 0);
    }
}
END_TEST

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % bound;
}

/* Few different digits and exponents, so that common prefixes are frequent. */
static fhs_decimal random_decimal(void)
{
    char text[128];
    size_t len = 0;
    size_t digits = random_below(8) == 0 ? 1 + random_below(72) : 1 + random_below(4);
    if (random_below(2) == 0) {
        text[len++] = '-';
    }
    text[len++] = (char)('1' + random_below(2));
    while (--digits > 0) {
        text[len++] = "0159"[random_below(4)];
    }
    (void)snprintf(text + len, sizeof text - len, "e%d", (int)random_below(140) - 70);
    return dec(text);
}

START_TEST(random_keys_sort_and_return)
{
    for (int i = 0; i < 20000; i++) {
        fhs_decimal a = random_decimal();
        fhs_decimal b = random_decimal();
        ck_assert_int_eq(compare_keys(&a, &b), fhs_decimal_compare(&a, &b));
        uint8_t key[FHS_DECIMAL_KEY_MAX];
        fhs_decimal back;
        ck_assert(fhs_decimal_from_sort_key(key, fhs_decimal_sort_key(&a, key), &back));
        ck_assert_int_eq(fhs_decimal_compare(&a, &back), 0);
    }
}
END_TEST

START_TEST(bytes_that_are_no_key_are_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"", 0},
        {"\x80\x01", 2},
        {"\xc1", 1},
        {"\xc1\x00", 2},
        {"\xc1\x65", 2},
        {"\xc1\x05", 2},
        {"\xff\x00", 2},
        {"\x3e\xf4", 2},
        {"\xc1\x0c\x01", 3},
        {"\x81\x80\0\0\x0c", 5},
    };
    fhs_decimal out;
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        ck_assert_msg(!fhs_decimal_from_sort_key((const uint8_t *)rows[i].bytes, rows[i].len, &out),
                      "row %zu", i);
    }
}
END_TEST

START_TEST(inputs_may_be_the_output)
{
    fhs_decimal a = dec("12.5");
    ck_assert(fhs_decimal_add(&a, &a, &a));
    assert_written(&a, "25.0");
    ck_assert(fhs_decimal_mul(&a, &a, &a));
    assert_written(&a, "625.00");
    fhs_decimal b = dec("7");
    ck_assert(fhs_decimal_div(&a, &b, 2, &a));
    assert_written(&a, "89.29");
    ck_assert(fhs_decimal_divmod(&a, &b, &a, &b));
    assert_written(&a, "12");
    assert_written(&b, "5.29");
    ck_assert(fhs_decimal_precision_range(&b, &b, &a));
    assert_written(&b, "5.285");
    assert_written(&a, "5.295");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/decimal");
    TCase *tests = tcase_create("decimal");
    tcase_add_loop_test(tests, text_is_kept_or_refused, 0, (int)FHS_COUNT_OF(text_rows));
    tcase_add_loop_test(tests, integer_quotients_round_towards_zero, 0,
                        (int)FHS_COUNT_OF(divmod_rows));
    tcase_add_loop_test(tests, integers_in_and_out, 0, (int)FHS_COUNT_OF(integer_rows));
    tcase_add_loop_test(tests, precision_is_half_a_unit_to_each_side, 0,
                        (int)FHS_COUNT_OF(range_rows));
    tcase_add_loop_test(tests, arithmetic_equals_python, 0, (int)FHS_COUNT_OF(case_rows));
    tcase_add_test(tests, scales_follow_the_operands);
    tcase_add_test(tests, doubles_are_the_nearest);
    tcase_add_test(tests, a_range_without_room_is_refused);
    tcase_add_test(tests, keys_sort_as_numbers);
    tcase_add_test(tests, equal_values_share_a_key);
    tcase_add_test(tests, random_keys_sort_and_return);
    tcase_add_test(tests, bytes_that_are_no_key_are_refused);
    tcase_add_test(tests, inputs_may_be_the_output);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
