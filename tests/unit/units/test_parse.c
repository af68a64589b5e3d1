/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <string.h>

#include "base/limits.h"
#include "units/units.h"

/* Codes and their base units. */
static const struct kind_row {
    const char *code;
    const char *canonical;
} kind_rows[] = {
    {"1", "1"},
    {"g", "g"},
    {"mg", "g"},
    {"kg", "g"},
    {"m", "m"},
    {"mm", "m"},
    {"dam", "m"},
    {"cd", "cd"},
    {"mcd", "cd"},
    {"min", "s"},
    {"Pa", "g.m-1.s-2"},
    {"hPa", "g.m-1.s-2"},
    {"mm[Hg]", "g.m-1.s-2"},
    {"cm[H2O]", "g.m-1.s-2"},
    {"dar", "m2"},
    {"har", "m2"},
    {"mol", "1"},
    {"mmol/L", "m-3"},
    {"mmol/l", "m-3"},
    {"umol/mL/min", "m-3.s-1"},
    {"mg/dL", "g.m-3"},
    {"kg/m2", "g.m-2"},
    {"kg.m-2", "g.m-2"},
    {"kg.m+2", "g.m2"},
    {"kg/(m.s2)", "g.m-1.s-2"},
    {"kg/(m/s2)", "g.m-1.s2"},
    {"kg/((m.s)/(s.m2))", "g.m"},
    {"/min", "s-1"},
    {"/min/m2", "m-2.s-1"},
    {"Hz", "s-1"},
    {"10*3/uL", "m-3"},
    {"10^3/uL", "m-3"},
    {"10*", "1"},
    {"10*-6", "1"},
    {"%", "1"},
    {"%{vol}", "1"},
    {"{score}", "1"},
    {"{}", "1"},
    {"{Breaths Per Minute}", "1"},
    {"{beats}/min", "s-1"},
    {"/{HPF}", "1"},
    {"mg{creat}/dL{plasma}", "g.m-3"},
    {"g/(24.h)", "g.s-1"},
    {"/100{WBC}", "1"},
    {"100.m", "m"},
    {"m/s/s", "m.s-2"},
    {"m/s.s", "m"},
    {"m0", "1"},
    {"m.m-1", "1"},
    {"[IU]", "[IU]"},
    {"[iU]/L", "m-3.[IU]"},
    {"k[IU]/mL", "m-3.[IU]"},
    {"[IU]/[IU]", "1"},
    {"[arb'U]/mL", "m-3.[arb'U]"},
    {"[CFU]/mL", "m-3.[CFU]"},
    {"[CFU].[IU]2", "[CFU].[IU]2"},
    {"[IU]2.[CFU]", "[CFU].[IU]2"},
    {"deg", "rad"},
    {"'", "rad"},
    {"''", "rad"},
    {"Cel", "K"},
    {"mCel", "K"},
    {"[degF]", "K"},
    {"[degF]{oral}", "K"},
    {"(Cel)", "K"},
    {"[in_i'Hg]", "g.m-1.s-2"},
    {"[Amb'a'1'U]", "[Amb'a'1'U]"},
    {"cal_[15]", "g.m2.s-2"},
    {"kcal_th", "g.m2.s-2"},
    {"KiBy", "1"},
    {"Mibit", "1"},
    {"V", "C-1.g.m2.s-2"},
    {"lx", "cd.m-2.rad2"},
    {"J/(kg.K)", "K-1.m2.s-2"},
    {"pH", "C-2.g.m2"}, /* picohenry: the unit of acidity is [pH] */
    {"dyn.s/cm5", "g.m-4.s-1"},
    {"mL/min/{1.73_m2}", "m3.s-1"},
    {"g%", "g.m-3"},
    {"m[Hg]", "g.m-1.s-2"},
    {"[drp]", "m3"},
};

START_TEST(codes_have_their_base_units)
{
    const struct kind_row *row = &kind_rows[_i];
    fhs_unit unit;
    fhs_buf out = FHS_BUF_INIT(200);
    fhirstore_status status = fhs_unit_parse(fhs_str_from_cstr(row->code), &unit, NULL);
    ck_assert_msg(status == FHIRSTORE_OK, "\"%s\" is refused", row->code);
    fhs_unit_write_canonical(&unit, &out);
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(row->canonical));
    fhs_unit again;
    ck_assert_int_eq(fhs_unit_parse(fhs_buf_str(&out), &again, NULL), FHIRSTORE_OK);
    ck_assert(fhs_unit_is_same_kind(&unit, &again));
    fhs_buf_clear(&out);
}
END_TEST

static const struct refused_row {
    const char *code;
    fhirstore_status status;
    uint64_t offset;
} refused_rows[] = {
    {"", FHIRSTORE_ERR_UNIT, 0},
    {"/", FHIRSTORE_ERR_UNIT, 1},
    {"//m", FHIRSTORE_ERR_UNIT, 1},
    {".m", FHIRSTORE_ERR_UNIT, 0},
    {"m.", FHIRSTORE_ERR_UNIT, 2},
    {"m/", FHIRSTORE_ERR_UNIT, 2},
    {"m..s", FHIRSTORE_ERR_UNIT, 2},
    {"m s", FHIRSTORE_ERR_UNIT, 0},
    {" m", FHIRSTORE_ERR_UNIT, 0},
    {"mmHg", FHIRSTORE_ERR_UNIT, 0},
    {"bpm", FHIRSTORE_ERR_UNIT, 0},
    {"KG", FHIRSTORE_ERR_UNIT, 0},
    {"ML", FHIRSTORE_OK, 0}, /* megalitre */
    {"MG", FHIRSTORE_OK, 0}, /* megagauss */
    {"xyz", FHIRSTORE_ERR_UNIT, 0},
    {"kmin", FHIRSTORE_ERR_UNIT, 0},
    {"k[in_i]", FHIRSTORE_ERR_UNIT, 0},
    {"kkg", FHIRSTORE_ERR_UNIT, 0},
    {"k", FHIRSTORE_ERR_UNIT, 0},
    {"da", FHIRSTORE_ERR_UNIT, 0},
    {"m+", FHIRSTORE_ERR_UNIT, 2},
    {"m-", FHIRSTORE_ERR_UNIT, 2},
    {"m^2", FHIRSTORE_ERR_UNIT, 0},
    {"m2m", FHIRSTORE_ERR_UNIT, 2},
    {"2m", FHIRSTORE_ERR_UNIT, 1},
    {"0", FHIRSTORE_ERR_UNIT, 1},
    {"0.5.m", FHIRSTORE_ERR_UNIT, 1},
    {"m100", FHIRSTORE_ERR_LIMIT, 0},
    {"m60.m60", FHIRSTORE_ERR_LIMIT, 0},
    {"10*100", FHIRSTORE_ERR_LIMIT, 0},
    {"1234567890123456789", FHIRSTORE_ERR_LIMIT, 0},
    {"(m", FHIRSTORE_ERR_UNIT, 2},
    {"m)", FHIRSTORE_ERR_UNIT, 1},
    {"()", FHIRSTORE_ERR_UNIT, 1},
    {"(m)2", FHIRSTORE_ERR_UNIT, 3},
    {"{a", FHIRSTORE_ERR_UNIT, 2},
    {"a}", FHIRSTORE_ERR_UNIT, 1},
    {"{a{b}}", FHIRSTORE_ERR_UNIT, 2},
    {"{a}{b}", FHIRSTORE_ERR_UNIT, 3},
    {"{a}m", FHIRSTORE_ERR_UNIT, 3},
    {"{a\n}", FHIRSTORE_ERR_UNIT, 2},
    {"[IU", FHIRSTORE_ERR_UNIT, 0},
    {"IU]", FHIRSTORE_ERR_UNIT, 0},
    {"[]", FHIRSTORE_ERR_UNIT, 0},
    {"\xc2\xb5g", FHIRSTORE_ERR_UNIT, 0},
    {"[pH]", FHIRSTORE_ERR_UNIT, 0},
    {"B", FHIRSTORE_ERR_UNIT, 0},
    {"dB", FHIRSTORE_ERR_UNIT, 0},
    {"B[10.nV]", FHIRSTORE_ERR_UNIT, 0},
    {"Np", FHIRSTORE_ERR_UNIT, 0},
    {"[p'diop]", FHIRSTORE_ERR_UNIT, 0},
    {"%[slope]", FHIRSTORE_ERR_UNIT, 0},
    {"[hp'_X]", FHIRSTORE_ERR_UNIT, 0},
    {"[m/s2/Hz^0.5]", FHIRSTORE_ERR_UNIT, 0},
    {"bit_s", FHIRSTORE_ERR_UNIT, 0},
    {"Cel2", FHIRSTORE_ERR_UNIT, 4},
    {"/Cel", FHIRSTORE_ERR_UNIT, 4},
    {"W/Cel", FHIRSTORE_ERR_UNIT, 5},
    {"Cel/min", FHIRSTORE_ERR_UNIT, 3},
    {"Cel.1", FHIRSTORE_ERR_UNIT, 3},
    {"[degF].m", FHIRSTORE_ERR_UNIT, 6},
    {"(Cel).m", FHIRSTORE_ERR_UNIT, 5},
    {"(Cel/m)", FHIRSTORE_ERR_UNIT, 4},
    {"[CFU].[IU].[PFU].[FFU].[PNU]", FHIRSTORE_ERR_LIMIT, 0},
    {"mol60", FHIRSTORE_ERR_LIMIT, 0},
};

START_TEST(what_is_no_unit_is_refused)
{
    const struct refused_row *row = &refused_rows[_i];
    fhs_unit unit;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_unit_parse(fhs_str_from_cstr(row->code), &unit, &err);
    ck_assert_msg(status == row->status, "\"%s\": %d", row->code, (int)status);
    ck_assert_int_eq(fhs_unit_parse(fhs_str_from_cstr(row->code), &unit, NULL), row->status);
    if (status == FHIRSTORE_ERR_UNIT) {
        ck_assert_msg(fhs_error_location(err).offset == row->offset, "\"%s\" at %d", row->code,
                      (int)fhs_error_location(err).offset);
    }
    if (status != FHIRSTORE_OK) {
        fhs_unit one;
        ck_assert_int_eq(fhs_unit_parse(FHS_LIT("1"), &one, NULL), FHIRSTORE_OK);
        ck_assert(fhs_unit_is_same_kind(&unit, &one));
        ck_assert_ptr_nonnull(err);
    }
    fhs_error_free(err);
}
END_TEST

START_TEST(length_and_depth_are_limited)
{
    char code[FHS_LIMIT_UNIT_BYTES + 2];
    fhs_unit unit;
    memset(code, 'a', sizeof code);
    code[0] = '{';
    code[FHS_LIMIT_UNIT_BYTES - 1] = '}';
    ck_assert_int_eq(fhs_unit_parse(fhs_str_of(code, FHS_LIMIT_UNIT_BYTES), &unit, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_unit_parse(fhs_str_of(code, FHS_LIMIT_UNIT_BYTES + 1), &unit, NULL),
                     FHIRSTORE_ERR_LIMIT);
    for (unsigned depth = FHS_LIMIT_UNIT_DEPTH; depth <= FHS_LIMIT_UNIT_DEPTH + 1; depth++) {
        memset(code, '(', depth);
        code[depth] = 'm';
        memset(code + depth + 1, ')', depth);
        ck_assert_int_eq(fhs_unit_parse(fhs_str_of(code, 2 * (size_t)depth + 1), &unit, NULL),
                         depth <= FHS_LIMIT_UNIT_DEPTH ? FHIRSTORE_OK : FHIRSTORE_ERR_LIMIT);
    }
}
END_TEST

static const struct same_row {
    const char *a;
    const char *b;
    bool same;
} same_rows[] = {
    {"g", "mg", true},
    {"g", "m", false},
    {"/min", "Hz", true},
    {"%", "10*-2", true},
    {"{score}", "1", true},
    {"10*3/uL", "10*9/L", true},
    {"Cel", "[degF]", true},
    {"Cel", "K", true},
    {"[IU]", "[iU]", true},
    {"[IU]", "1", false},
    {"[IU]", "[arb'U]", false},
    {"[IU]/L", "k[IU]/mL", true},
    {"mmol/L", "mg/dL", false},
    {"deg", "rad", true},
    {"rad", "1", false},
    {"kg/m2", "g/cm2", true},
    {"nonsense", "nonsense", true},
    {"nonsense", "g", false},
    {"[pH]", "[pH]", true},
    {"[pH]", "1", false},
};

START_TEST(kinds_are_told_apart)
{
    const struct same_row *row = &same_rows[_i];
    fhs_str a = fhs_str_from_cstr(row->a);
    fhs_str b = fhs_str_from_cstr(row->b);
    ck_assert_msg(fhs_unit_commensurable(a, b) == row->same, "%s %s", row->a, row->b);
    ck_assert_msg(fhs_unit_commensurable(b, a) == row->same, "%s %s", row->b, row->a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("units/parse");
    TCase *tests = tcase_create("parse");
    tcase_add_loop_test(tests, codes_have_their_base_units, 0, (int)FHS_COUNT_OF(kind_rows));
    tcase_add_loop_test(tests, what_is_no_unit_is_refused, 0, (int)FHS_COUNT_OF(refused_rows));
    tcase_add_loop_test(tests, kinds_are_told_apart, 0, (int)FHS_COUNT_OF(same_rows));
    tcase_add_test(tests, length_and_depth_are_limited);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
