/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text readers of base on whatever bytes. Lines: a number, another number, a date, text. What
 * is accepted comes back the same; sums, keys and intervals keep their order; folding is
 * idempotent.
 */
#include <string.h>

#include "base/decimal.h"
#include "base/fold.h"
#include "base/instant.h"
#include "base/phonetic.h"
#include "base/utf8.h"
#include "base/words.h"
#include "law.h"

#define MAX_OUT ((size_t)16 << 20)

static void check_number(const fhs_decimal *value)
{
    fhs_buf out = FHS_BUF_INIT(MAX_OUT);
    uint8_t key[FHS_DECIMAL_KEY_MAX];
    fhs_decimal back;
    fhs_decimal low;
    fhs_decimal high;
    fhs_decimal_write(value, &out);
    FUZZ_LAW(fhs_decimal_parse(fhs_buf_str(&out), &back));
    FUZZ_LAW(fhs_decimal_compare(value, &back) == 0);
    size_t len = fhs_decimal_sort_key(value, key);
    FUZZ_LAW(len <= FHS_DECIMAL_KEY_MAX && fhs_decimal_from_sort_key(key, len, &back));
    FUZZ_LAW(fhs_decimal_compare(value, &back) == 0);
    if (fhs_decimal_precision_range(value, &low, &high)) {
        FUZZ_LAW(fhs_decimal_compare(&low, value) < 0 && fhs_decimal_compare(value, &high) < 0);
    }
    (void)fhs_decimal_to_double(value);
    fhs_buf_clear(&out);
}

static void check_key(fhs_str bytes)
{
    fhs_decimal value;
    uint8_t key[FHS_DECIMAL_KEY_MAX];
    if (fhs_decimal_from_sort_key((const uint8_t *)bytes.ptr, bytes.len, &value)) {
        FUZZ_LAW(fhs_decimal_sort_key(&value, key) == bytes.len);
        FUZZ_LAW(memcmp(key, bytes.ptr, bytes.len) == 0);
    }
}

static void check_numbers(const fhs_decimal *a, const fhs_decimal *b)
{
    fhs_decimal sum;
    fhs_decimal back;
    fhs_decimal quotient;
    fhs_decimal rest;
    int order = fhs_decimal_compare(a, b);
    FUZZ_LAW(order == -fhs_decimal_compare(b, a));
    if (fhs_decimal_add(a, b, &sum) && fhs_decimal_sub(&sum, b, &back)) {
        FUZZ_LAW(fhs_decimal_compare(a, &back) == 0);
    }
    if (fhs_decimal_divmod(a, b, &quotient, &rest) && fhs_decimal_mul(&quotient, b, &back) &&
        fhs_decimal_add(&back, &rest, &sum)) {
        FUZZ_LAW(fhs_decimal_compare(a, &sum) == 0);
    }
    if (fhs_decimal_mul(a, b, &sum) && !fhs_decimal_is_zero(b) && a->exponent >= -100 &&
        fhs_decimal_div(&sum, b, 100, &back)) {
        FUZZ_LAW(fhs_decimal_compare(a, &back) == 0);
    }
}

static void check_date(fhs_str text)
{
    fhs_date date;
    int64_t lo;
    int64_t hi;
    int64_t us;
    for (unsigned form = FHS_DATE_FORM_DATE; form <= FHS_DATE_FORM_FHIRPATH; form <<= 1) {
        if (fhs_date_parse(text, form, &date)) {
            fhs_date_interval(&date, -5 * 60, &lo, &hi);
            FUZZ_LAW(lo <= hi && fhs_ticks_to_us(lo) <= fhs_ticks_to_us(hi));
            FUZZ_LAW(date.year >= 1 && date.year <= 9999);
        }
    }
    if (fhs_http_date_parse(text, &us)) {
        fhs_buf out = FHS_BUF_INIT(100);
        int64_t again;
        fhs_http_date_write(us, &out);
        FUZZ_LAW(fhs_http_date_parse(fhs_buf_str(&out), &again) && again == us);
        fhs_buf_clear(&out);
    }
}

/* Words are of bounded length, without a byte that would end them, and cut the same again. */
static void check_words(fhs_str text)
{
    fhs_buf scratch = FHS_BUF_INIT(MAX_OUT);
    fhs_buf once = FHS_BUF_INIT(MAX_OUT);
    fhs_buf twice = FHS_BUF_INIT(MAX_OUT);
    fhs_str word;
    size_t count = 0;
    text.len = fhs_utf8_valid_prefix(text);
    fhs_words_add(text, &scratch, &once);
    fhs_words_add(fhs_buf_str(&once), &scratch, &twice);
    FUZZ_LAW(fhs_str_eq(fhs_buf_str(&once), fhs_buf_str(&twice)));
    for (fhs_str rest = fhs_buf_str(&once); fhs_words_next(&rest, &word);) {
        FUZZ_LAW(word.len <= FHS_WORD_BYTES && fhs_utf8_valid_prefix(word) == word.len);
        count++;
    }
    fhs_buf_reset(&once);
    fhs_phonetic_add(text, &scratch, &once);
    for (fhs_str rest = fhs_buf_str(&once); fhs_words_next(&rest, &word);) {
        FUZZ_LAW(fhs_utf8_valid_prefix(word) == word.len);
        FUZZ_LAW(count > 0);
    }
    FUZZ_LAW(fhs_buf_status(&once) == FHIRSTORE_OK);
    fhs_buf_clear(&scratch);
    fhs_buf_clear(&once);
    fhs_buf_clear(&twice);
}

static void check_fold(fhs_str text)
{
    fhs_buf once = FHS_BUF_INIT(MAX_OUT);
    fhs_buf twice = FHS_BUF_INIT(MAX_OUT);
    text.len = fhs_utf8_valid_prefix(text);
    fhs_fold(text, &once);
    fhs_fold(fhs_buf_str(&once), &twice);
    FUZZ_LAW(fhs_str_eq(fhs_buf_str(&once), fhs_buf_str(&twice)));
    FUZZ_LAW(fhs_utf8_valid_prefix(fhs_buf_str(&once)) == once.len);
    fhs_buf_reset(&twice);
    fhs_fold_ascii(text, &twice);
    FUZZ_LAW(twice.len == text.len);
    fhs_buf_clear(&once);
    fhs_buf_clear(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_str rest = fhs_str_of((const char *)data, size);
    fhs_str lines[3] = {FHS_STR_NONE, FHS_STR_NONE, FHS_STR_NONE};
    fhs_decimal a;
    fhs_decimal b;
    for (size_t i = 0; i < 3 && fhs_str_split(rest, '\n', &lines[i], &rest); i++) {
    }
    bool has_a = fhs_decimal_parse(lines[0], &a);
    bool has_b = fhs_decimal_parse(lines[1], &b);
    if (has_a) {
        check_number(&a);
    }
    if (has_a && has_b) {
        check_numbers(&a, &b);
    }
    check_date(lines[2]);
    check_key(rest);
    check_fold(rest);
    check_words(rest);
    return 0;
}
