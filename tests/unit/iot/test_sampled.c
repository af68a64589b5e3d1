/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of SampledData: slots, gaps, both ends, and back. */
#include <stdio.h>

#include "base/limits.h"
#include "iot/observation.h"
#include "iot/sampled.h"
#include "suite.h"

#define MS INT64_C(10000)

/* Samples at "ms:text ms:text …". */
static size_t read_samples(fhs_arena *arena, const char *text, fhs_iot_sample *out)
{
    size_t count = 0;
    for (const char *at = text; *at != '\0';) {
        char *behind;
        out[count].time = strtoll(at, &behind, 10) * MS;
        size_t len = strcspn(behind + 1, " ");
        out[count++].text = fhs_arena_dup(arena, fhs_str_of(behind + 1, len));
        at = behind + 1 + len;
        at += *at == ' ';
    }
    return count;
}

static const struct {
    const char *samples;
    int64_t start, end, period; /* milliseconds */
    const char *data;
} codings[] = {
    {"0:7", 0, 0, 1000, "7"},
    {"", 0, 0, 1000, "E"},
    {"0:0 60000:1 120000:2", 0, 179999, 60000, "0 1 2"},
    {"0:0 60000:1 120000:2", 0, 180000, 60000, "0 1 2 E"},
    {"0:1 2000:3", 0, 2999, 1000, "1 E 3"},
    {"999:1 1000:2 1999:3", 0, 1999, 1000, "1 3"},
    {"-1:9 0:1 1000:2", 0, 999, 1000, "1"},
    {"0:1 500:2 1000:3 1500:4", 0, 1500, 1000, "2 4"},
    {"-3000:1 -1000:2", -3000, -1000, 1000, "1 E 2"},
};

START_TEST(samples_become_tokens_and_come_back)
{
    fhs_arena arena;
    fhs_iot_sample samples[16];
    fhs_iot_sample *back;
    size_t count;
    fhs_buf data = FHS_BUF_INIT(1024);
    fhs_buf again = FHS_BUF_INIT(1024);
    const int64_t start = codings[_i].start * MS;
    const int64_t end = codings[_i].end * MS;
    const int64_t period = codings[_i].period * MS;
    fhs_arena_init(&arena, SIZE_MAX);
    count = read_samples(&arena, codings[_i].samples, samples);
    fhs_iot_samples_encode(samples, count, start, end, period, &data);
    ck_assert_view_eq(fhs_buf_str(&data), fhs_str_from_cstr(codings[_i].data));
    ck_assert_int_eq(
        fhs_iot_samples_decode(&arena, fhs_buf_str(&data), start, period, &back, &count, NULL),
        FHIRSTORE_OK);
    fhs_iot_samples_encode(back, count, start, end, period, &again);
    ck_assert_view_eq(fhs_buf_str(&again), fhs_buf_str(&data));
    fhs_buf_clear(&data);
    fhs_buf_clear(&again);
    fhs_arena_clear(&arena);
}
END_TEST

static const struct {
    const char *older, *newer, *both;
} merges[] = {
    {"", "", ""},
    {"1:a 3:b", "2:c", "1:a 2:c 3:b"},
    {"1:a 3:b", "1:c 3:d", "1:c 3:d"},
    {"5:a", "1:b 9:c", "1:b 5:a 9:c"},
    {"1:a 2:b", "2:c 3:d", "1:a 2:c 3:d"},
};

START_TEST(of_two_at_one_time_the_newer_stays)
{
    fhs_arena arena;
    fhs_iot_sample older[8];
    fhs_iot_sample newer[8];
    fhs_iot_sample *both;
    size_t count;
    char text[256] = "";
    fhs_arena_init(&arena, SIZE_MAX);
    size_t older_count = read_samples(&arena, merges[_i].older, older);
    size_t newer_count = read_samples(&arena, merges[_i].newer, newer);
    ck_assert_int_eq(
        fhs_iot_samples_merge(&arena, older, older_count, newer, newer_count, &both, &count, NULL),
        FHIRSTORE_OK);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "%s%lld:%.*s", i > 0 ? " " : "",
                       (long long)(both[i].time / MS), FHS_STR_ARG(both[i].text));
    }
    ck_assert_str_eq(text, merges[_i].both);
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(slots_are_limited)
{
    ck_assert_uint_eq(fhs_iot_slot_count(0, (int64_t)FHS_LIMIT_IOT_SAMPLES - 1, 1),
                      FHS_LIMIT_IOT_SAMPLES);
    ck_assert_uint_eq(fhs_iot_slot_count(0, FHS_LIMIT_IOT_SAMPLES, 1), 0);
    ck_assert_uint_eq(fhs_iot_slot_count(INT64_MIN, INT64_MAX, 1), 0);
    ck_assert_uint_eq(fhs_iot_slot_count(5, 4, 1), 1);
}
END_TEST

static const struct {
    const char *text;
    const char *plain; /* NULL: it is no number */
} numbers[] = {
    {"1", "1"},       {" 78.50 ", "78.50"}, {"+5", "5"},
    {"-5", "-5"},     {"5-", "-5"},         {"1,234,567.8", "1234567.8"},
    {".5", "0.5"},    {"5.", "5"},          {"007", "7"},
    {"0.10", "0.10"}, {"1E-05", "0.00001"}, {"1e3", "1000"},
    {"", NULL},       {"-", NULL},          {"NaN", NULL},
    {"1 2", NULL},    {"1.2.3", NULL},      {",1", NULL},
    {"--1", NULL},    {"0x10", NULL},       {"Infinity", NULL},
    {"1e", NULL},     {"1e99999999", NULL}, {"1+", "1"},
};

START_TEST(numbers_are_what_devices_write)
{
    fhs_arena arena;
    fhs_str out;
    fhs_arena_init(&arena, SIZE_MAX);
    bool is_number = fhs_iot_decimal_text(&arena, fhs_str_from_cstr(numbers[_i].text), true, &out);
    ck_assert_msg(is_number == (numbers[_i].plain != NULL), "\"%s\"", numbers[_i].text);
    if (is_number) {
        ck_assert_view_eq(out, fhs_str_from_cstr(numbers[_i].plain));
    }
    if (strpbrk(numbers[_i].text, "eE") != NULL) {
        ck_assert(!fhs_iot_decimal_text(&arena, fhs_str_from_cstr(numbers[_i].text), false, &out));
    }
    fhs_arena_clear(&arena);
}
END_TEST

START_TEST(an_id_follows_from_its_identifier)
{
    char id[FHS_IOT_ID_LEN + 1];
    fhs_iot_id_of(FHS_LIT(FHS_IOT_SYSTEM),
                  FHS_LIT("patientId.deviceId.heartrate.20190101000000Z.20190101005959Z"), id);
    ck_assert_str_eq(id, "127aeff043da8c8e1f6d6f37bce384eb01aee4664f10f8ee565a2e7196bf889f");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iot/sampled");
    TCase *tests = tcase_create("sampled");
    tcase_add_loop_test(tests, samples_become_tokens_and_come_back, 0, (int)FHS_COUNT_OF(codings));
    tcase_add_loop_test(tests, of_two_at_one_time_the_newer_stays, 0, (int)FHS_COUNT_OF(merges));
    tcase_add_test(tests, slots_are_limited);
    tcase_add_loop_test(tests, numbers_are_what_devices_write, 0, (int)FHS_COUNT_OF(numbers));
    tcase_add_test(tests, an_id_follows_from_its_identifier);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
