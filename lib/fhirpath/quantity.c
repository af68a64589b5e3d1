/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantities: UCUM units through the units room, calendar words among themselves. Both meet where
 * they mean the same (days and 'd'); years and months are equivalent to 'a' and 'mo' but not equal.
 */
#include "fhirpath/internal.h"
#include "units/units.h"

/* Digits behind the point that divisions are carried to. */
#define QUOTIENT_SCALE 28
#define MAX_UNIT_BYTES 256u

static const char *const calendar_codes[] = {"a", "mo", "wk", "d", "h", "min", "s", "ms"};
static const char *const calendar_names[][2] = {
    {"year", "years"},     {"month", "months"},
    {"week", "weeks"},     {"day", "days"},
    {"hour", "hours"},     {"minute", "minutes"},
    {"second", "seconds"}, {"millisecond", "milliseconds"},
};

int fhs_fp_calendar_unit(fhs_str word)
{
    for (size_t i = 0; i < FHS_COUNT_OF(calendar_names); i++) {
        if (fhs_str_eq(word, fhs_str_from_cstr(calendar_names[i][0])) ||
            fhs_str_eq(word, fhs_str_from_cstr(calendar_names[i][1]))) {
            return (int)i;
        }
    }
    return -1;
}

int fhs_fp_calendar_code(fhs_str code)
{
    for (size_t i = 0; i < FHS_COUNT_OF(calendar_codes); i++) {
        if (fhs_str_eq(code, fhs_str_from_cstr(calendar_codes[i]))) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_one(const fhs_fp_quantity *quantity)
{
    return !quantity->calendar && quantity->unit.len == 1 && quantity->unit.ptr[0] == '1';
}

static bool is_long_unit(int unit)
{
    return unit == FHS_CAL_YEAR || unit == FHS_CAL_MONTH;
}

/* Whether the two have the same unit, so that values say everything. Plurals do not matter. */
static bool same_unit(const fhs_fp_quantity *a, const fhs_fp_quantity *b)
{
    if (a->calendar != b->calendar) {
        return false;
    }
    return a->calendar ? fhs_fp_calendar_unit(a->unit) == fhs_fp_calendar_unit(b->unit)
                       : fhs_str_eq(a->unit, b->unit);
}

/* The unit as UCUM code: calendar words by their nearest one. */
static fhs_str ucum_code(const fhs_fp_quantity *quantity)
{
    int unit = quantity->calendar ? fhs_fp_calendar_unit(quantity->unit) : -1;
    return unit < 0 ? quantity->unit : fhs_str_from_cstr(calendar_codes[unit]);
}

/* ---- conversion ---- */

static bool divide_exact(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *out)
{
    if (!fhs_decimal_div(a, b, QUOTIENT_SCALE, out)) {
        return false;
    }
    *out = fhs_decimal_normalise(*out);
    return true;
}

/* value × to / from, whole numbers both. */
static bool scale_ratio(const fhs_decimal *value, int64_t from, int64_t to, fhs_decimal *out)
{
    fhs_decimal a = fhs_decimal_from_i64(from);
    fhs_decimal b = fhs_decimal_from_i64(to);
    fhs_decimal product;
    return from == to ? (*out = *value, true)
                      : fhs_decimal_mul(value, &a, &product) && divide_exact(&product, &b, out);
}

/* Between calendar words: 12 months a year, else by days of 30 and 365 to month and year. */
static bool calendar_rescale(const fhs_decimal *value, int from, int to, fhs_decimal *out)
{
    static const int64_t milliseconds[] = {
        INT64_C(365) * 86400000, INT64_C(30) * 86400000, INT64_C(7) * 86400000, INT64_C(86400000),
        INT64_C(3600000),        INT64_C(60000),         INT64_C(1000),         INT64_C(1)};
    if (is_long_unit(from) && is_long_unit(to)) {
        return scale_ratio(value, from == FHS_CAL_YEAR ? 12 : 1, to == FHS_CAL_YEAR ? 12 : 1, out);
    }
    return scale_ratio(value, milliseconds[from], milliseconds[to], out);
}

/* Units with an offset (Cel, [degF]) do not convert in FHIRPath. */
static bool ucum_rescale(const fhs_decimal *value, fhs_str from, fhs_str to, fhs_decimal *out)
{
    if (fhs_str_eq(from, to)) {
        *out = *value;
        return true;
    }
    fhs_unit a;
    fhs_unit b;
    return fhs_unit_parse(from, &a, NULL) == FHIRSTORE_OK &&
           fhs_unit_parse(to, &b, NULL) == FHIRSTORE_OK && a.offset_atom == 0 &&
           b.offset_atom == 0 && fhs_unit_is_same_kind(&a, &b) &&
           fhs_unit_rescale(value, &a, &b, out, NULL) == FHIRSTORE_OK;
}

/*
 * The value of @a from in the unit of @a to. @a exact: years and months of the calendar and of
 * UCUM are kept apart.
 */
static bool rescale(const fhs_fp_quantity *from, const fhs_fp_quantity *to, bool exact,
                    fhs_decimal *out)
{
    if (same_unit(from, to)) {
        *out = from->value;
        return true;
    }
    if (from->is_literal || to->is_literal) {
        return false;
    }
    int a = from->calendar ? fhs_fp_calendar_unit(from->unit) : fhs_fp_calendar_code(from->unit);
    int b = to->calendar ? fhs_fp_calendar_unit(to->unit) : fhs_fp_calendar_code(to->unit);
    if (from->calendar && to->calendar) {
        return calendar_rescale(&from->value, a, b, out);
    }
    if (from->calendar != to->calendar && exact && (is_long_unit(a) || is_long_unit(b))) {
        return false;
    }
    return ucum_rescale(&from->value, ucum_code(from), ucum_code(to), out);
}

/* Which of two commensurable units is the larger one. */
static bool is_coarser(const fhs_fp_quantity *a, const fhs_fp_quantity *b)
{
    fhs_fp_quantity one = *a;
    one.value = fhs_decimal_from_i64(1);
    fhs_decimal in_b;
    return rescale(&one, b, false, &in_b) && fhs_decimal_compare(&in_b, &one.value) >= 0;
}

/* ---- comparison ---- */

int fhs_fp_quantity_order(const fhs_fp_quantity *a, const fhs_fp_quantity *b, bool *known)
{
    /* In the finer unit, where the values are least likely to need rounding. */
    bool coarser = !same_unit(a, b) && is_coarser(a, b);
    fhs_decimal value;
    *known = coarser ? rescale(a, b, true, &value) : rescale(b, a, true, &value);
    if (!*known) {
        return 0;
    }
    return coarser ? fhs_decimal_compare(&value, &b->value)
                   : fhs_decimal_compare(&a->value, &value);
}

bool fhs_fp_quantity_comparable(const fhs_fp_quantity *a, const fhs_fp_quantity *b)
{
    fhs_decimal value;
    if (!a->calendar && !a->is_literal && same_unit(a, b)) {
        fhs_unit unit;
        return fhs_unit_parse(a->unit, &unit, NULL) == FHIRSTORE_OK;
    }
    return rescale(a, b, true, &value);
}

static int32_t digits_behind_point(const fhs_decimal *value)
{
    fhs_decimal normal = fhs_decimal_normalise(*value);
    return normal.exponent < 0 ? -normal.exponent : 0;
}

int fhs_fp_quantity_equivalent(const fhs_fp_quantity *a, const fhs_fp_quantity *b)
{
    fhs_decimal x = a->value;
    fhs_decimal y = b->value;
    bool possible = is_coarser(a, b) ? rescale(b, a, false, &y) : rescale(a, b, false, &x);
    if (!possible) {
        return -1;
    }
    int32_t scale_x = digits_behind_point(&x);
    int32_t scale_y = digits_behind_point(&y);
    int32_t scale = scale_x < scale_y ? scale_x : scale_y;
    return fhs_decimal_round(&x, scale, FHS_ROUND_HALF_UP, &x) &&
           fhs_decimal_round(&y, scale, FHS_ROUND_HALF_UP, &y) && fhs_decimal_compare(&x, &y) == 0;
}

/* ---- arithmetic ---- */

fhirstore_status fhs_fp_quantity_add(fhs_fhirpath_run *run, const fhs_fp_quantity *a,
                                     const fhs_fp_quantity *b, bool subtract, fhs_fp_quantity *out,
                                     bool *found)
{
    (void)run;
    *out = is_one(a) && !is_one(b) ? *b : *a;
    fhs_decimal value = b->value;
    bool plain = is_one(a) || is_one(b);
    /* Calendar months and years of different size are not added silently. */
    bool vague = a->calendar && b->calendar && !same_unit(a, b) &&
                 (is_long_unit(fhs_fp_calendar_unit(a->unit)) ||
                  is_long_unit(fhs_fp_calendar_unit(b->unit)));
    *found = !vague && (plain || rescale(b, a, true, &value)) &&
             (subtract ? fhs_decimal_sub(&a->value, &value, &out->value)
                       : fhs_decimal_add(&a->value, &value, &out->value));
    return FHIRSTORE_OK;
}

/* A unit as product of atoms with powers, as far as it is written that simply. */
typedef struct unit_product {
    fhs_str atoms[8];
    int powers[8];
    unsigned count;
} unit_product;

static bool add_atom(unit_product *product, fhs_str atom, int power)
{
    for (unsigned i = 0; i < product->count; i++) {
        if (fhs_str_eq(product->atoms[i], atom)) {
            product->powers[i] += power;
            return true;
        }
    }
    if (product->count == FHS_COUNT_OF(product->atoms)) {
        return false;
    }
    product->atoms[product->count] = atom;
    product->powers[product->count++] = power;
    return true;
}

/* One atom with its exponent, as in "cm2" or "s-1". */
static bool add_term(unit_product *product, fhs_str term, int sign)
{
    size_t len = term.len;
    while (len > 0 && term.ptr[len - 1] >= '0' && term.ptr[len - 1] <= '9') {
        len--;
    }
    int power = 0;
    for (size_t i = len; i < term.len && power < 100; i++) {
        power = power * 10 + (term.ptr[i] - '0');
    }
    power = len == term.len ? 1 : power;
    if (len > 0 && len < term.len && (term.ptr[len - 1] == '-' || term.ptr[len - 1] == '+')) {
        len--;
        power = term.ptr[len] == '-' ? -power : power;
    }
    /* Numbers, brackets and annotations are left to the units room. */
    if (len == 0 || power == 0 || power > 20) {
        return fhs_str_eq(term, FHS_LIT("1"));
    }
    for (size_t i = 0; i < len; i++) {
        if (strchr("(){}*^'", term.ptr[i]) != NULL) {
            return false;
        }
    }
    return add_atom(product, fhs_str_of(term.ptr, len), sign * power);
}

static bool add_unit(unit_product *product, fhs_str code, int sign)
{
    int term_sign = sign;
    size_t from = 0;
    if (code.len > 0 && code.ptr[0] == '/') {
        term_sign = -sign;
        from = 1;
    }
    for (size_t i = from; i <= code.len; i++) {
        if (i < code.len && code.ptr[i] != '.' && code.ptr[i] != '/') {
            continue;
        }
        if (!add_term(product, fhs_str_of(code.ptr + from, i - from), term_sign)) {
            return false;
        }
        if (i < code.len) {
            term_sign = code.ptr[i] == '/' ? -sign : sign;
        }
        from = i + 1;
    }
    return true;
}

static void write_product(const unit_product *product, fhs_buf *out)
{
    for (int sign = 1; sign >= -1; sign -= 2) {
        for (unsigned i = 0; i < product->count; i++) {
            int power = product->powers[i] * sign;
            if (power <= 0) {
                continue;
            }
            if (sign < 0) {
                fhs_buf_add_char(out, '/');
            } else if (out->len > 0) {
                fhs_buf_add_char(out, '.');
            }
            fhs_buf_add_str(out, product->atoms[i]);
            if (power > 1) {
                fhs_buf_add_i64(out, power);
            }
        }
    }
    if (out->len == 0) {
        fhs_buf_add_char(out, '1');
    }
}

static fhirstore_status keep_unit(fhs_fhirpath_run *run, fhs_buf *buf, fhs_str *out)
{
    fhs_str copy = fhs_arena_dup(&run->arena, fhs_buf_str(buf));
    bool failed = fhs_buf_status(buf) != FHIRSTORE_OK || copy.ptr == NULL;
    fhs_buf_clear(buf);
    *out = copy;
    return failed ? fhs_fp_memory(run) : FHIRSTORE_OK;
}

/* Two units of the same kind under different names (cm × m) are better said in one. */
static bool same_dimension(fhs_str a, fhs_str b)
{
    return !fhs_str_eq(a, b) && fhs_unit_commensurable(a, b);
}

fhirstore_status fhs_fp_quantity_multiply(fhs_fhirpath_run *run, const fhs_fp_quantity *a,
                                          const fhs_fp_quantity *b, bool divide,
                                          fhs_fp_quantity *out, bool *found)
{
    *found = false;
    *out = (fhs_fp_quantity){.unit = a->unit, .calendar = a->calendar};
    bool zero = divide && fhs_decimal_is_zero(&b->value);
    if (zero || (a->calendar && !is_one(b)) || (b->calendar && (!is_one(a) || divide))) {
        return FHIRSTORE_OK;
    }
    if (same_dimension(a->unit, b->unit)) {
        fhs_buf code = FHS_BUF_INIT(MAX_UNIT_BYTES);
        *found = fhs_unit_multiply(&a->value, a->unit, &b->value, b->unit, divide, &out->value,
                                   &code, NULL) == FHIRSTORE_OK;
        return keep_unit(run, &code, &out->unit);
    }
    *found = divide ? divide_exact(&a->value, &b->value, &out->value)
                    : fhs_decimal_mul(&a->value, &b->value, &out->value);
    if (!*found || is_one(b)) {
        return FHIRSTORE_OK;
    }
    if (is_one(a) && !divide) {
        out->unit = b->unit;
        out->calendar = b->calendar;
        return FHIRSTORE_OK;
    }
    unit_product product = {.count = 0};
    fhs_buf code = FHS_BUF_INIT(MAX_UNIT_BYTES);
    fhs_unit unit;
    if (add_unit(&product, a->unit, 1) && add_unit(&product, b->unit, divide ? -1 : 1)) {
        write_product(&product, &code);
        *found = fhs_unit_parse(fhs_buf_str(&code), &unit, NULL) == FHIRSTORE_OK;
    } else {
        *found = fhs_unit_multiply(&a->value, a->unit, &b->value, b->unit, divide, &out->value,
                                   &code, NULL) == FHIRSTORE_OK;
    }
    return keep_unit(run, &code, &out->unit);
}

/* ---- toQuantity(unit) ---- */

bool fhs_fp_quantity_convert(const fhs_fp_quantity *value, fhs_str unit, fhs_fp_quantity *out)
{
    fhs_fp_quantity target = {.unit = unit};
    int word = fhs_fp_calendar_unit(unit);
    int code = fhs_fp_calendar_code(unit);
    target.calendar = word >= 0;
    *out = target;
    if (is_one(value)) {
        out->value = value->value;
        return true;
    }
    if (value->calendar && !target.calendar && code >= 0) {
        /* Within the calendar to the matching word, then the same number of the code. */
        return calendar_rescale(&value->value, fhs_fp_calendar_unit(value->unit), code,
                                &out->value);
    }
    if (!value->calendar && target.calendar) {
        target.calendar = false;
        target.unit = fhs_str_from_cstr(calendar_codes[word]);
    }
    return rescale(value, &target, false, &out->value);
}
