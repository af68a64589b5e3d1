/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <string.h>

#include "units/units.h"

static fhs_decimal dec(const char *text)
{
    fhs_decimal value;
    ck_assert_msg(fhs_decimal_parse(fhs_str_from_cstr(text), &value), "\"%s\"", text);
    return value;
}

static void assert_written(const fhs_decimal *value, const char *want, const char *label)
{
    fhs_buf out = FHS_BUF_INIT(4096);
    fhs_decimal_write(value, &out);
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&out), fhs_str_from_cstr(want)), "%s: got %s, wanted %s",
                  label, out.ptr, want);
    fhs_buf_clear(&out);
}

/* Facts: so much of the first unit is so much of the second, exactly. */
static const struct fact_row {
    const char *value;
    const char *from;
    const char *result;
    const char *to;
} fact_rows[] = {
    {"5", "g", "5000", "mg"},
    {"5.40", "g", "5400", "mg"},
    {"1", "[lb_av]", "453.59237", "g"},
    {"1", "[oz_av]", "28.349523125", "g"},
    {"1", "[stone_av]", "6.35029318", "kg"},
    {"1", "[oz_tr]", "31.1034768", "g"},
    {"1", "[gr]", "64.79891", "mg"},
    {"100", "mm[Hg]", "13332.2", "Pa"},
    {"1", "m[H2O]", "9806.65", "Pa"},
    {"1", "bar", "100", "kPa"},
    {"1", "atm", "101325", "Pa"},
    {"1", "[in_i]", "2.54", "cm"},
    {"1", "[ft_i]", "0.3048", "m"},
    {"1", "[mi_i]", "1.609344", "km"},
    {"1", "[nmi_i]", "1852", "m"},
    {"1200", "m", "3937", "[ft_us]"},
    {"1", "[gal_us]", "3.785411784", "L"},
    {"1", "[foz_us]", "29.5735295625", "mL"},
    {"1", "[gal_br]", "4.54609", "L"},
    {"1", "[pt_br]", "568.26125", "mL"},
    {"1", "[cup_us]", "236.5882365", "mL"},
    {"2", "[tbs_us]", "6", "[tsp_us]"},
    {"20", "[drp]", "1", "mL"},
    {"3", "[Ch]", "1", "mm"},
    {"1", "cal", "4.184", "J"},
    {"1", "[Cal]", "4.184", "kJ"},
    {"1", "wk", "7", "d"},
    {"1", "a", "12", "mo"},
    {"1", "a", "365.25", "d"},
    {"1", "d", "86400", "s"},
    {"60", "/min", "1", "Hz"},
    {"1", "%", "0.01", "1"},
    {"1", "%", "1", "10*-2"},
    {"7", "{score}", "7", "1"},
    {"7", "{score}", "7", "{points}"},
    {"1", "10*3/uL", "1", "10*9/L"},
    {"4.5", "10*6/uL", "4.5", "10^12/L"},
    {"1", "mg/dL", "10", "g/m3"},
    {"5.5", "mmol/L", "0.0055", "mol/L"},
    {"5.5", "mmol/L", "5.5", "mol/m3"},
    {"1", "mmol/mol", "0.001", "1"},
    {"1", "mol", "602214076000000000000000", "1"},
    {"1", "eq/L", "1", "mol/L"},
    {"60", "U", "1", "umol/s"},
    {"1", "kat", "60000000", "U"},
    {"1", "g%", "1", "g/dL"},
    {"25", "kg/m2", "2.5", "g/cm2"},
    {"1", "[iU]", "1", "[IU]"},
    {"1", "k[IU]/mL", "1000000", "[IU]/L"},
    {"1", "cm", "10000000", "nm"},
    {"1", "Ao", "0.1", "nm"},
    {"1", "dyn.s/cm5", "100000", "N.s/m5"},
    {"1", "[PRU]", "1", "mm[Hg].s/mL"},
    {"1", "KiBy", "8192", "bit"},
    {"1", "Ci", "37", "GBq"},
    {"1", "Gy", "100", "RAD"},
    {"1", "[MET]", "3.5", "mL/min/kg"},
    {"180", "deg", "1", "[pi].rad"},
    {"1", "circ", "360", "deg"},
    {"1", "deg", "3600", "''"},
    {"9", "deg", "10", "gon"},
    {"1", "sph", "4", "[pi].sr"},
    {"37", "Cel", "310.15", "K"},
    {"0", "K", "-273.15", "Cel"},
    {"98.6", "[degF]", "37", "Cel"},
    {"37.00", "Cel", "98.6", "[degF]"},
    {"32", "[degF]", "0", "Cel"},
    {"-40", "[degF]", "-40", "Cel"},
    {"-459.67", "[degF]", "0", "K"},
    {"491.67", "[degR]", "273.15", "K"},
    {"80", "[degRe]", "100", "Cel"},
    {"37000", "mCel", "37", "Cel"},
    {"37", "Cel", "37000", "mCel"},
    {"0", "m", "0", "km"},
    {"-1.5", "kg", "-1500", "g"},
    {"0.000001", "kg", "1", "mg"},
    {"123456789012345678901234567890.123456789", "mg", "123456789012345678901234567.890123456789",
     "g"},
    /* Thirds and pi are rounded to 30 digits. */
    {"1", "[degF]", "-17.222222222222222222222222222", "Cel"},
    {"1", "s", "0.0000115740740740740740740740740741", "d"},
    {"2", "mm", "6", "[Ch]"},
    {"1", "deg", "0.0174532925199432957692369076849", "rad"},
    {"1", "rad", "57.2957795130823208767981548141", "deg"},
    {"1", "[ft_us]", "0.304800609601219202438404876810", "m"},
};

START_TEST(facts_hold)
{
    const struct fact_row *row = &fact_rows[_i];
    fhs_decimal value = dec(row->value);
    fhs_decimal out;
    fhirstore_status status = fhs_unit_convert(&value, fhs_str_from_cstr(row->from),
                                               fhs_str_from_cstr(row->to), &out, NULL);
    ck_assert_msg(status == FHIRSTORE_OK, "%s to %s: %d", row->from, row->to, (int)status);
    fhs_decimal want = dec(row->result);
    fhs_buf got = FHS_BUF_INIT(1000);
    fhs_decimal_write(&out, &got);
    ck_assert_msg(fhs_decimal_compare(&out, &want) == 0, "%s %s is %s %s, not %s", row->value,
                  row->from, got.ptr, row->to, row->result);
    fhs_buf_clear(&got);
}
END_TEST

START_TEST(equal_quantities_are_equal_in_base_units)
{
    const struct fact_row *row = &fact_rows[_i];
    fhs_buf code_a = FHS_BUF_INIT(100);
    fhs_buf code_b = FHS_BUF_INIT(100);
    fhs_decimal a = dec(row->value);
    fhs_decimal b = dec(row->result);
    ck_assert_int_eq(fhs_unit_to_canonical(&a, fhs_str_from_cstr(row->from), &a, &code_a, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_unit_to_canonical(&b, fhs_str_from_cstr(row->to), &b, &code_b, NULL),
                     FHIRSTORE_OK);
    ck_assert_view_eq(fhs_buf_str(&code_a), fhs_buf_str(&code_b));
    /* A rounded result is not the quantity itself any more. */
    if (strlen(row->result) < 30) {
        ck_assert_msg(fhs_decimal_compare(&a, &b) == 0, "%s %s", row->from, row->to);
    }
    fhs_buf_clear(&code_a);
    fhs_buf_clear(&code_b);
}
END_TEST

static const struct canonical_row {
    const char *value;
    const char *code;
    const char *result;
    const char *unit;
} canonical_rows[] = {
    {"5000", "mg", "5", "g"},
    {"72.50", "kg", "72500", "g"},
    {"120", "mm[Hg]", "15998640", "g.m-1.s-2"},
    {"5.5", "mmol/L", "3312177418000000000000000", "m-3"},
    {"98.6", "[degF]", "310.15", "K"},
    {"100", "%", "1", "1"},
    {"3", "{score}", "3", "1"},
    {"60", "/min", "1", "s-1"},
    {"10", "[IU]/mL", "10000000", "m-3.[IU]"},
    {"180", "deg", "3.14159265358979323846264338328", "rad"},
    {"1", "1/[pi]2", "0.10132118364233777144387946321", "1"},
    {"0", "deg", "0", "rad"},
};

START_TEST(values_in_base_units)
{
    const struct canonical_row *row = &canonical_rows[_i];
    fhs_buf code = FHS_BUF_INIT(100);
    fhs_decimal value = dec(row->value);
    ck_assert_int_eq(
        fhs_unit_to_canonical(&value, fhs_str_from_cstr(row->code), &value, &code, NULL),
        FHIRSTORE_OK);
    ck_assert_view_eq(fhs_buf_str(&code), fhs_str_from_cstr(row->unit));
    assert_written(&value, row->result, row->code);
    fhs_buf_clear(&code);
}
END_TEST

static const struct failure_row {
    const char *value;
    const char *from;
    const char *to;
    fhirstore_status status;
} failure_rows[] = {
    {"1", "g", "m", FHIRSTORE_ERR_UNIT_MISMATCH},
    {"1", "[IU]", "mg", FHIRSTORE_ERR_UNIT_MISMATCH},
    {"1", "[IU]", "1", FHIRSTORE_ERR_UNIT_MISMATCH},
    {"1", "mmol/L", "mg/dL", FHIRSTORE_ERR_UNIT_MISMATCH},
    {"1", "nonsense", "g", FHIRSTORE_ERR_UNIT},
    {"1", "g", "nonsense", FHIRSTORE_ERR_UNIT},
    {"7.4", "[pH]", "1", FHIRSTORE_ERR_UNIT},
    {"1e999990", "kg", "pg", FHIRSTORE_ERR_LIMIT},
    {"1e-999999", "Cel", "K", FHIRSTORE_ERR_LIMIT},
    {"123456789012345678901234567890123456789012345678901234567890123456789012", "[lb_av]", "g",
     FHIRSTORE_ERR_LIMIT},
};

START_TEST(failures_are_told_apart)
{
    const struct failure_row *row = &failure_rows[_i];
    fhs_decimal value = dec(row->value);
    fhirstore_error *err = NULL;
    fhs_decimal out = value;
    ck_assert_int_eq(fhs_unit_convert(&value, fhs_str_from_cstr(row->from),
                                      fhs_str_from_cstr(row->to), &out, &err),
                     row->status);
    ck_assert_int_eq(fhs_error_status(err), row->status);
    ck_assert(fhs_decimal_is_zero(&out));
    fhs_error_free(err);
}
END_TEST

START_TEST(equal_codes_convert_even_unknown_ones)
{
    fhs_decimal value = dec("7.40");
    fhs_decimal out;
    ck_assert_int_eq(fhs_unit_convert(&value, FHS_LIT("[pH]"), FHS_LIT("[pH]"), &out, NULL),
                     FHIRSTORE_OK);
    assert_written(&out, "7.40", "[pH]");
    ck_assert_int_eq(fhs_unit_convert(&value, FHS_LIT("??"), FHS_LIT("??"), &out, NULL),
                     FHIRSTORE_OK);
}
END_TEST

static const struct product_row {
    const char *a;
    const char *unit_a;
    char op;
    const char *b;
    const char *unit_b;
    const char *value; /* NULL: refused */
    const char *unit;
} product_rows[] = {
    {"2.0", "cm", '*', "2.0", "m", "0.04", "m2"},
    {"4.0", "g", '/', "2.0", "m", "2", "g.m-1"},
    {"1.0", "m", '/', "1.0", "m", "1", "1"},
    {"10", "km", '/', "2", "h", "1.38888888888888888888888888889", "m.s-1"},
    {"3", "[in_i]", '*', "1", "1", "0.0762", "m"},
    {"6", "[IU]", '/', "3", "mL", "2000000", "m-3.[IU]"},
    {"1", "circ", '/', "1", "[pi].rad", "2", "1"},
    {"1", "g", '/', "0", "m", NULL, NULL},
    {"1", "Cel", '*', "1", "m", NULL, NULL},
    {"1", "g", '*', "1", "nonsense", NULL, NULL},
};

START_TEST(quantities_multiply)
{
    const struct product_row *row = &product_rows[_i];
    fhs_decimal a = dec(row->a);
    fhs_decimal b = dec(row->b);
    fhs_buf code = FHS_BUF_INIT(100);
    fhirstore_status status = fhs_unit_multiply(&a, fhs_str_from_cstr(row->unit_a), &b,
                                                fhs_str_from_cstr(row->unit_b), row->op == '/', &a,
                                                &code, NULL);
    ck_assert_int_eq(status == FHIRSTORE_OK, row->value != NULL);
    if (row->value != NULL) {
        assert_written(&a, row->value, row->unit_a);
        ck_assert_view_eq(fhs_buf_str(&code), fhs_str_from_cstr(row->unit));
    }
    fhs_buf_clear(&code);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("units/convert");
    TCase *tests = tcase_create("convert");
    tcase_add_loop_test(tests, facts_hold, 0, (int)FHS_COUNT_OF(fact_rows));
    tcase_add_loop_test(tests, equal_quantities_are_equal_in_base_units, 0,
                        (int)FHS_COUNT_OF(fact_rows));
    tcase_add_loop_test(tests, values_in_base_units, 0, (int)FHS_COUNT_OF(canonical_rows));
    tcase_add_loop_test(tests, failures_are_told_apart, 0, (int)FHS_COUNT_OF(failure_rows));
    tcase_add_loop_test(tests, quantities_multiply, 0, (int)FHS_COUNT_OF(product_rows));
    tcase_add_test(tests, equal_codes_convert_even_unknown_ones);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
