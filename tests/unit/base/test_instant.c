/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <inttypes.h>

#include "base/compiler.h"
#include "base/instant.h"

#define DATE     FHS_DATE_FORM_DATE
#define DATETIME FHS_DATE_FORM_DATETIME
#define INSTANT  FHS_DATE_FORM_INSTANT
#define SEARCH   FHS_DATE_FORM_SEARCH
#define FHIRPATH FHS_DATE_FORM_FHIRPATH
#define ALL      (DATE | DATETIME | INSTANT | SEARCH | FHIRPATH)

/* The forms that accept the text: each is tried alone. */
static const struct form_row {
    const char *text;
    unsigned accepted;
} form_rows[] = {
    {"2013", DATE | DATETIME | SEARCH | FHIRPATH},
    {"2013-01", DATE | DATETIME | SEARCH | FHIRPATH},
    {"2013-01-14", DATE | DATETIME | SEARCH | FHIRPATH},
    {"2013-01-14T10", FHIRPATH},
    {"2013-01-14T10:00", SEARCH | FHIRPATH},
    {"2013-01-14T10:00Z", SEARCH | FHIRPATH},
    {"2013-01-14T10:00:00", SEARCH | FHIRPATH},
    {"2013-01-14T10:00:00Z", DATETIME | INSTANT | SEARCH | FHIRPATH},
    {"2013-01-14T10:00:00+02:00", DATETIME | INSTANT | SEARCH | FHIRPATH},
    {"2013-01-14T10:00:00.5", SEARCH | FHIRPATH},
    {"2013-01-14T10:00:00.123456789012Z", DATETIME | INSTANT | SEARCH | FHIRPATH},
    {"2016-12-31T23:59:60Z", DATETIME | INSTANT | SEARCH | FHIRPATH},
    {"2013-01-14T23:59:59+14:00", DATETIME | INSTANT | SEARCH | FHIRPATH},
    {"2013-01-14T23:59:59-14:00", DATETIME | INSTANT | SEARCH | FHIRPATH},
    {"2013-01-14T23:59:59-00:00", DATETIME | INSTANT | SEARCH | FHIRPATH},
    {"0001-01-01", DATE | DATETIME | SEARCH | FHIRPATH},
    {"9999-12-31", DATE | DATETIME | SEARCH | FHIRPATH},
    {"2000-02-29", DATE | DATETIME | SEARCH | FHIRPATH},
    {"2024-02-29", DATE | DATETIME | SEARCH | FHIRPATH},
    {"1900-02-29", 0},
    {"2023-02-29", 0},
    {"1973-02-30", 0},
    {"2013-04-31", 0},
    {"2013-00", 0},
    {"2013-13", 0},
    {"2013-01-00", 0},
    {"2013-01-32", 0},
    {"0000", 0},
    {"0000-01-01", 0},
    {"2013-1", 0},
    {"2013-01-1", 0},
    {"13", 0},
    {"20131", 0},
    {"2013-", 0},
    {"2013-01-", 0},
    {"2013-01-14T", 0},
    {"2013-01-14 10:00:00Z", 0},
    {"2013-01-14t10:00:00Z", 0},
    {"2013-01-14T10:00:00z", 0},
    {"2013-01-14T24:00:00Z", 0},
    {"2013-01-14T10:60:00Z", 0},
    {"2013-01-14T10:00:61Z", 0},
    {"2013-01-14T10:00:00.Z", 0},
    {"2013-01-14T10:00:00,5Z", 0},
    {"2013-01-14T10:00:00+14:01", 0},
    {"2013-01-14T10:00:00+15:00", 0},
    {"2013-01-14T10:00:00+02", 0},
    {"2013-01-14T10:00:00+02:60", 0},
    {"2013-01-14T10:00:00+0200", 0},
    {"2013-01-14T10:00:00ZZ", 0},
    {"2013-01-14T10:00:00Z ", 0},
    {"2013-01-14T10:00:", 0},
    {"2013-01-14T10:", 0},
    {"-2013", 0},
    {"+2013", 0},
    {"2o13", 0},
    {"", 0},
    {" 2013", 0},
};

START_TEST(each_form_takes_what_it_should)
{
    const struct form_row *row = &form_rows[_i];
    fhs_date date;
    for (unsigned form = 1; form < ALL; form <<= 1) {
        bool accepted = fhs_date_parse(fhs_str_from_cstr(row->text), form, &date);
        ck_assert_msg(accepted == ((row->accepted & form) != 0), "\"%s\" as %u", row->text, form);
    }
    bool accepted = fhs_date_parse(fhs_str_from_cstr(row->text), ALL, &date);
    ck_assert_msg(accepted == (row->accepted != 0), "\"%s\"", row->text);
}
END_TEST

START_TEST(parts_are_as_written)
{
    fhs_date date;
    ck_assert(fhs_date_parse(FHS_LIT("2013-01-14T10:11:12.5000001999-03:30"), DATETIME, &date));
    ck_assert_int_eq(date.year, 2013);
    ck_assert_uint_eq(date.month, 1);
    ck_assert_uint_eq(date.day, 14);
    ck_assert_uint_eq(date.hour, 10);
    ck_assert_uint_eq(date.minute, 11);
    ck_assert_uint_eq(date.second, 12);
    ck_assert_uint_eq(date.precision, FHS_DATE_FRACTION);
    ck_assert_uint_eq(date.fraction_digits, 10);
    ck_assert_int_eq(date.fraction_ticks, 5000001);
    ck_assert(date.has_zone);
    ck_assert_int_eq(date.zone_minutes, -210);
    ck_assert(fhs_date_parse(FHS_LIT("2013-07"), DATE, &date));
    ck_assert_uint_eq(date.precision, FHS_DATE_MONTH);
    ck_assert_uint_eq(date.day, 0);
    ck_assert(!date.has_zone);
}
END_TEST

/* Bounds as instants with seven digits, written with Python's datetime. */
static const struct interval_row {
    const char *text;
    int zone;
    int64_t lo;
    int64_t hi;
} interval_rows[] = {
    {"1970", 0, INT64_C(621355968000000000), INT64_C(621671327999999999)},
    {"1972", 0, INT64_C(621986688000000000), INT64_C(622302911999999999)},
    {"2024-02", 0, INT64_C(638423424000000000), INT64_C(638448479999999999)},
    {"2023-02", 0, INT64_C(638108064000000000), INT64_C(638132255999999999)},
    {"2013-01-14", 0, INT64_C(634937184000000000), INT64_C(634938047999999999)},
    {"2013-01-14", 60, INT64_C(634937148000000000), INT64_C(634938011999999999)},
    {"2013-01-14T10", 0, INT64_C(634937544000000000), INT64_C(634937579999999999)},
    {"2013-01-14T10:00", 0, INT64_C(634937544000000000), INT64_C(634937544599999999)},
    {"2013-01-14T10:00Z", -300, INT64_C(634937544000000000), INT64_C(634937544599999999)},
    {"2013-01-14T10:00:00", -300, INT64_C(634937724000000000), INT64_C(634937724009999999)},
    {"2013-01-14T10:00:00+02:00", 0, INT64_C(634937472000000000), INT64_C(634937472009999999)},
    {"2013-01-14T10:00:00.5Z", 0, INT64_C(634937544005000000), INT64_C(634937544005999999)},
    {"2013-01-14T10:00:00.500Z", 0, INT64_C(634937544005000000), INT64_C(634937544005009999)},
    {"2013-01-14T10:00:00.5000001Z", 0, INT64_C(634937544005000001), INT64_C(634937544005000001)},
    {"2013-01-14T10:00:00.50000019Z", 0, INT64_C(634937544005000001), INT64_C(634937544005000001)},
    {"2016-12-31T23:59:60Z", 0, INT64_C(636188256000000000), INT64_C(636188256009999999)},
    {"0001", 0, 0, INT64_C(315359999999999)},
    {"0001-01-01T00:00:00+14:00", 0, INT64_C(-504000000000), INT64_C(-503990000001)},
    {"9999", 0, INT64_C(3155063616000000000), INT64_C(3155378975999999999)},
    {"9999-12-31T23:59:60-14:00", 0, INT64_C(3155379480000000000), INT64_C(3155379480009999999)},
};

START_TEST(intervals_have_their_width)
{
    const struct interval_row *row = &interval_rows[_i];
    fhs_date date;
    int64_t lo;
    int64_t hi;
    ck_assert(fhs_date_parse(fhs_str_from_cstr(row->text), ALL, &date));
    fhs_date_interval(&date, row->zone, &lo, &hi);
    ck_assert_msg(lo == row->lo && hi == row->hi, "%s: %" PRId64 " … %" PRId64, row->text, lo, hi);
}
END_TEST

START_TEST(every_day_goes_there_and_back)
{
    int64_t want = 0;
    for (int32_t year = 1; year <= 9999; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            unsigned days = fhs_days_in_month(year, month);
            ck_assert_int_eq(fhs_days_from_civil(year, month, 1), want);
            ck_assert_int_eq(fhs_days_from_civil(year, month, days), want + days - 1);
            int32_t y;
            unsigned m;
            unsigned d;
            fhs_civil_from_days(want + days - 1, &y, &m, &d);
            ck_assert(y == year && m == month && d == days);
            fhs_civil_from_days(want, &y, &m, &d);
            ck_assert(y == year && m == month && d == 1);
            want += days;
        }
    }
    ck_assert_int_eq(want, 3652059);
    ck_assert_int_eq(fhs_days_from_civil(1970, 1, 1), 719162);
    ck_assert_int_eq(fhs_days_from_civil(0, 12, 31), -1);
}
END_TEST

static const struct instant_row {
    int64_t us;
    const char *text;
} instant_rows[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1, "1970-01-01T00:00:00.000001Z"},
    {-1, "1969-12-31T23:59:59.999999Z"},
    {INT64_C(1704164645678901), "2024-01-02T03:04:05.678901Z"},
    {INT64_C(1704164645678000), "2024-01-02T03:04:05.678Z"},
    {INT64_C(1709164799999000), "2024-02-28T23:59:59.999Z"},
    {INT64_C(1709164800000000), "2024-02-29T00:00:00.000Z"},
    {INT64_C(-62135596800000000), "0001-01-01T00:00:00.000Z"},
    {INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
    {INT64_MAX, "9999-12-31T23:59:59.999999Z"},
    {INT64_MIN, "0001-01-01T00:00:00.000Z"},
};

START_TEST(instants_are_written_and_read)
{
    const struct instant_row *row = &instant_rows[_i];
    char text[FHS_INSTANT_MAX];
    size_t len = fhs_instant_format(row->us, text);
    ck_assert_view_eq(fhs_str_of(text, len), fhs_str_from_cstr(row->text));
    ck_assert_int_eq(text[len], '\0');
    fhs_buf out = FHS_BUF_INIT(100);
    fhs_instant_write(row->us, &out);
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(row->text));
    fhs_buf_clear(&out);
    if (row->us != INT64_MAX && row->us != INT64_MIN) {
        fhs_date date;
        int64_t lo;
        int64_t hi;
        ck_assert(fhs_date_parse(fhs_str_of(text, len), INSTANT, &date));
        fhs_date_interval(&date, 0, &lo, &hi);
        ck_assert_int_eq(fhs_ticks_to_us(lo), row->us);
        ck_assert_int_eq(fhs_ticks_from_us(row->us), lo);
    }
}
END_TEST

START_TEST(ticks_and_microseconds_meet_their_edges)
{
    ck_assert_int_eq(fhs_ticks_from_us(0), FHS_TICKS_AT_EPOCH);
    ck_assert_int_eq(fhs_ticks_from_us(INT64_MAX), FHS_TICK_MAX);
    ck_assert_int_eq(fhs_ticks_from_us(INT64_MIN), FHS_TICK_MIN);
    ck_assert_int_eq(fhs_ticks_to_us(FHS_TICKS_AT_EPOCH + 9), 0);
    ck_assert_int_eq(fhs_ticks_to_us(FHS_TICKS_AT_EPOCH - 1), -1);
    ck_assert_int_eq(fhs_ticks_to_us(-1), INT64_C(-62135596800000001));
    ck_assert_int_lt(fhs_ticks_to_us(FHS_TICK_MIN), fhs_ticks_to_us(FHS_TICK_MAX));
}
END_TEST

static const struct http_row {
    const char *text;
    bool ok;
    int64_t seconds;
} http_rows[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777},
    {"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
    {"Wed, 31 Dec 1969 23:59:59 GMT", true, -1},
    {"Thu, 29 Feb 2024 12:00:00 GMT", true, 1709208000},
    {"Fri, 31 Dec 9999 23:59:59 GMT", true, INT64_C(253402300799)},
    {"Mon, 06 Nov 1994 08:49:37 GMT", false, 0},
    {"Wed, 29 Feb 2023 12:00:00 GMT", false, 0},
    {"Sun, 06 Nov 1994 24:49:37 GMT", false, 0},
    {"Sun, 06 Nov 1994 08:49:37 UTC", false, 0},
    {"Sun, 06 nov 1994 08:49:37 GMT", false, 0},
    {"Sunday, 06-Nov-94 08:49:37 GMT", false, 0},
    {"Sun Nov  6 08:49:37 1994", false, 0},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", false, 0},
    {"Sun, 00 Nov 1994 08:49:37 GMT", false, 0},
    {"Sun", false, 0},
    {"", false, 0},
};

START_TEST(http_dates_are_strict)
{
    const struct http_row *row = &http_rows[_i];
    int64_t us = 1;
    ck_assert_msg(fhs_http_date_parse(fhs_str_from_cstr(row->text), &us) == row->ok, "%s",
                  row->text);
    ck_assert_int_eq(us, row->seconds * 1000000);
    if (row->ok) {
        fhs_buf out = FHS_BUF_INIT(100);
        fhs_http_date_write(us, &out);
        ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(row->text));
        fhs_buf_clear(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/instant");
    TCase *tests = tcase_create("instant");
    tcase_add_loop_test(tests, each_form_takes_what_it_should, 0, (int)FHS_COUNT_OF(form_rows));
    tcase_add_loop_test(tests, intervals_have_their_width, 0, (int)FHS_COUNT_OF(interval_rows));
    tcase_add_loop_test(tests, instants_are_written_and_read, 0, (int)FHS_COUNT_OF(instant_rows));
    tcase_add_loop_test(tests, http_dates_are_strict, 0, (int)FHS_COUNT_OF(http_rows));
    tcase_add_test(tests, parts_are_as_written);
    tcase_add_test(tests, every_day_goes_there_and_back);
    tcase_add_test(tests, ticks_and_microseconds_meet_their_edges);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
