/* SPDX-License-Identifier: Apache-2.0 */
#include "parse_support.h"

#include "base/instant.h"

START_TEST(tokens)
{
    static const struct {
        const char *text;
        bool has_system, has_code;
        const char *system, *code;
    } cases[] = {
        {"code=8867-4", false, true, "", "8867-4"},
        {"code=http://loinc.org|8867-4", true, true, "http://loinc.org", "8867-4"},
        {"code=http://loinc.org%7C8867-4", true, true, "http://loinc.org", "8867-4"},
        {"code=|8867-4", true, true, "", "8867-4"},
        {"code=http://loinc.org|", true, false, "http://loinc.org", ""},
        {"code=a\\|b|c\\,d", true, true, "a|b", "c,d"},
        {"code=a\\\\b", false, true, "", "a\\b"},
        {"code=a\\b", false, true, "", "a\\b"},
        {"code=s|c|d", true, true, "s", "c|d"},
    };
    const fhs_value *value = parse_value("Observation", cases[_i].text);
    ck_assert_int_eq(value->has_system, cases[_i].has_system);
    ck_assert_int_eq(value->has_code, cases[_i].has_code);
    ck_assert_view_eq(value->system, fhs_str_from_cstr(cases[_i].system));
    ck_assert_view_eq(value->code, fhs_str_from_cstr(cases[_i].code));
}
END_TEST

START_TEST(commas_are_alternatives)
{
    const fhs_node *node = parse_one("Patient", "family=a,,b\\,c,d");
    ck_assert_uint_eq(node->value_count, 3);
    ck_assert_view_eq(node->values[0].text, FHS_LIT("a"));
    ck_assert_view_eq(node->values[1].text, FHS_LIT("b,c"));
    ck_assert_view_eq(node->values[2].text, FHS_LIT("d"));
    ck_assert_uint_eq(parse_ok("Patient", "family=a&family=b")->root->child_count, 2);
}
END_TEST

START_TEST(dates)
{
    static const struct {
        const char *text, *lo, *hi;
        fhs_compare compare;
    } cases[] = {
        {"birthdate=1970", "1970-01-01T00:00:00Z", "1971-01-01T00:00:00Z", FHS_CMP_EQ},
        {"birthdate=ne1970-02", "1970-02-01T00:00:00Z", "1970-03-01T00:00:00Z", FHS_CMP_NE},
        {"birthdate=gt1972-02-29", "1972-02-29T00:00:00Z", "1972-03-01T00:00:00Z", FHS_CMP_GT},
        {"birthdate=lt2013-01-14T10:00", "2013-01-14T10:00:00Z", "2013-01-14T10:01:00Z",
         FHS_CMP_LT},
        {"birthdate=ge2013-01-14T10:00:00%2B02:00", "2013-01-14T08:00:00Z", "2013-01-14T08:00:01Z",
         FHS_CMP_GE},
        {"birthdate=le2013-01-14T10:00:00+02:00", "2013-01-14T08:00:00Z", "2013-01-14T08:00:01Z",
         FHS_CMP_LE},
        {"birthdate=sa2013-01-14T10:00:00.5Z", "2013-01-14T10:00:00.5Z", "2013-01-14T10:00:00.6Z",
         FHS_CMP_SA},
        {"birthdate=eb2013-01-14T10:00:00.5000001Z", "2013-01-14T10:00:00.5000001Z",
         "2013-01-14T10:00:00.5000002Z", FHS_CMP_EB},
    };
    fhs_date date;
    int64_t lo;
    int64_t hi;
    int64_t unused;
    const fhs_value *value = parse_value("Patient", cases[_i].text);
    ck_assert(fhs_date_parse(fhs_str_from_cstr(cases[_i].lo), FHS_DATE_FORM_SEARCH, &date));
    fhs_date_interval(&date, 0, &lo, &unused);
    ck_assert(fhs_date_parse(fhs_str_from_cstr(cases[_i].hi), FHS_DATE_FORM_SEARCH, &date));
    fhs_date_interval(&date, 0, &hi, &unused);
    ck_assert_int_eq(value->compare, cases[_i].compare);
    ck_assert_int_eq(value->lo, lo);
    ck_assert_int_eq(value->hi, hi - 1);
}
END_TEST

START_TEST(approximate_dates_widen_with_their_distance)
{
    const fhs_value *near_now = parse_value("Patient", "birthdate=ap2020-09-13");
    const fhs_value *long_ago = parse_value("Patient", "birthdate=ap1920-09-13");
    ck_assert_int_eq(near_now->compare, FHS_CMP_AP);
    ck_assert_int_gt(long_ago->hi - long_ago->lo, near_now->hi - near_now->lo);
}
END_TEST

static void assert_decimal(const fhs_decimal *got, const char *want)
{
    fhs_decimal decimal;
    ck_assert(fhs_decimal_parse(fhs_str_from_cstr(want), &decimal));
    ck_assert_int_eq(fhs_decimal_compare(got, &decimal), 0);
}

START_TEST(numbers)
{
    static const struct {
        const char *text;
        fhs_compare compare;
        const char *number, *low, *high;
    } cases[] = {
        {"probability=100", FHS_CMP_EQ, "100", "99.5", "100.5"},
        {"probability=100.00", FHS_CMP_EQ, "100", "99.995", "100.005"},
        /* R4's own examples */
        {"probability=1e2", FHS_CMP_EQ, "100", "95", "105"},
        {"probability=1.0e2", FHS_CMP_EQ, "100", "95", "105"},
        {"probability=12e2", FHS_CMP_EQ, "1200", "1150", "1250"},
        {"probability=2e-3", FHS_CMP_EQ, "0.002", "0.0015", "0.0025"},
        {"probability=0e2", FHS_CMP_EQ, "0", "-50", "50"},
        {"probability=ne-0.5", FHS_CMP_NE, "-0.5", "-0.55", "-0.45"},
        {"probability=ap-20", FHS_CMP_AP, "-20", "-22", "-18"},
        {"probability=ap0", FHS_CMP_AP, "0", "0", "0"},
        {"probability=gt0.8", FHS_CMP_GT, "0.8", NULL, NULL},
        {"probability=eb5", FHS_CMP_EB, "5", NULL, NULL},
    };
    const fhs_value *value = parse_value("RiskAssessment", cases[_i].text);
    ck_assert_int_eq(value->compare, cases[_i].compare);
    assert_decimal(&value->number, cases[_i].number);
    if (cases[_i].low != NULL) {
        assert_decimal(&value->low, cases[_i].low);
        assert_decimal(&value->high, cases[_i].high);
    }
}
END_TEST

START_TEST(quantities)
{
    const fhs_value *value = parse_value("Observation",
                                         "value-quantity=le5.40e-3|http://unitsofmeasure.org|g");
    ck_assert_int_eq(value->compare, FHS_CMP_LE);
    assert_decimal(&value->number, "0.0054");
    ck_assert(value->has_system && value->has_code);
    ck_assert_view_eq(value->system, FHS_LIT("http://unitsofmeasure.org"));
    ck_assert_view_eq(value->code, FHS_LIT("g"));
    value = parse_value("Observation", "value-quantity=5.4|http://unitsofmeasure.org");
    ck_assert(value->has_system && !value->has_code);
    value = parse_value("Observation", "value-quantity=5.4||mg");
    ck_assert(!value->has_system && value->has_code);
    value = parse_value("Observation", "value-quantity=5.4");
    ck_assert(!value->has_system && !value->has_code);
}
END_TEST

START_TEST(references)
{
    static const struct {
        const char *text, *type, *id, *version;
        bool is_url;
    } cases[] = {
        {"subject=23", NULL, "23", "", false},
        {"subject=Patient/23", "Patient", "23", "", false},
        {"subject:Patient=23", "Patient", "23", "", false},
        {"subject:Patient=Patient/23", "Patient", "23", "", false},
        {"subject=Patient/23/_history/2", "Patient", "23", "2", false},
        {"subject=http://example.org/fhir/Patient/23", "Patient", "23", "", false},
        {"subject=http://other.org/fhir/Patient/23", NULL, "http://other.org/fhir/Patient/23", "",
         true},
        {"subject=urn:uuid:7e4a", NULL, "urn:uuid:7e4a", "", true},
        {"subject=http://other.org/x|1.0", NULL, "http://other.org/x", "1.0", true},
    };
    const fhs_value *value = parse_value("Observation", cases[_i].text);
    fhs_type type = cases[_i].type == NULL
                        ? FHS_TYPE_NONE
                        : fhs_type_find(options.fhir, fhs_str_from_cstr(cases[_i].type));
    ck_assert_uint_eq(value->ref_type, type);
    ck_assert_view_eq(value->ref_id, fhs_str_from_cstr(cases[_i].id));
    ck_assert_view_eq(value->ref_version, fhs_str_from_cstr(cases[_i].version));
    ck_assert_int_eq(value->is_url, cases[_i].is_url);
}
END_TEST

START_TEST(composites)
{
    const fhs_value *value = parse_value(
        "Observation", "code-value-quantity=http://loinc.org|8480-6$gt140||mm[Hg]");
    ck_assert_uint_eq(value->part_count, 2);
    ck_assert_view_eq(value->parts[0].code, FHS_LIT("8480-6"));
    ck_assert_int_eq(value->parts[1].compare, FHS_CMP_GT);
    ck_assert_view_eq(value->parts[1].code, FHS_LIT("mm[Hg]"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("query/value");
    TCase *tests = tcase_create("value");
    tcase_add_checked_fixture(tests, start_parsing, stop_parsing);
    tcase_add_loop_test(tests, tokens, 0, 9);
    tcase_add_test(tests, commas_are_alternatives);
    tcase_add_loop_test(tests, dates, 0, 8);
    tcase_add_test(tests, approximate_dates_widen_with_their_distance);
    tcase_add_loop_test(tests, numbers, 0, 12);
    tcase_add_test(tests, quantities);
    tcase_add_loop_test(tests, references, 0, 9);
    tcase_add_test(tests, composites);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
