/* SPDX-License-Identifier: Apache-2.0 */
/* Values from unit to unit: exact rationals, rounded once where a decimal cannot hold the result.
 */
#include "units/units_internal.h"

/* Digits carried while pi is multiplied in, so that the final rounding is the only visible one. */
#define WORKING_DIGITS 36
#define PI_DIGITS      "3.14159265358979323846264338327950288"

/* A value on its way: multiplied by numerator / denominator × pi^pi_power. */
typedef struct unit_ratio {
    fhs_decimal numerator;
    fhs_decimal denominator;
    int pi_power;
} unit_ratio;

/* Digits of the coefficient; 0 for zero. */
static int32_t significant_digits(const fhs_decimal *value)
{
    if (value->limb_count == 0) {
        return 0;
    }
    int32_t digits = ((int32_t)value->limb_count - 1) * 9;
    for (uint32_t top = value->limbs[value->limb_count - 1]; top != 0; top /= 10) {
        digits++;
    }
    return digits;
}

static bool round_significant(fhs_decimal *value, int32_t digits)
{
    int32_t excess = significant_digits(value) - digits;
    return excess <= 0 ||
           fhs_decimal_round(value, -(value->exponent + excess), FHS_ROUND_HALF_UP, value);
}

static bool is_power_of_ten_value(const fhs_decimal *value)
{
    return value->limb_count == 1 && value->limbs[0] == 1;
}

/*
 * a / b, exact if that takes no more than about FHS_UNIT_EXACT_DIGITS digits, else cut behind them;
 * cutting first does not change how fewer digits round half up.
 */
static bool divide_exactly(const fhs_decimal *a, const fhs_decimal *b, fhs_decimal *out,
                           bool *is_exact)
{
    fhs_decimal dividend = *a;
    fhs_decimal rest;
    int32_t magnitude_a = significant_digits(a) + a->exponent;
    int32_t magnitude_b = significant_digits(b) + b->exponent;
    int32_t shift = FHS_UNIT_EXACT_DIGITS - (magnitude_a - magnitude_b);
    dividend.exponent += shift;
    if (!fhs_decimal_divmod(&dividend, b, out, &rest)) {
        return false;
    }
    out->exponent -= shift;
    *is_exact = fhs_decimal_is_zero(&rest);
    return true;
}

static bool multiply_by_pi(fhs_decimal *value, int power)
{
    fhs_decimal pi;
    (void)fhs_decimal_parse(FHS_LIT(PI_DIGITS), &pi);
    if (!round_significant(value, WORKING_DIGITS)) {
        return false;
    }
    for (; power > 0; power--) {
        if (!fhs_decimal_mul(value, &pi, value) || !round_significant(value, WORKING_DIGITS)) {
            return false;
        }
    }
    for (; power < 0; power++) {
        bool is_exact;
        if (!divide_exactly(value, &pi, value, &is_exact) ||
            !round_significant(value, WORKING_DIGITS)) {
            return false;
        }
    }
    return true;
}

static fhirstore_status fail_digits(fhs_decimal *out, fhirstore_error **err)
{
    *out = fhs_decimal_from_i64(0);
    return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the converted value has too many digits");
}

static fhirstore_status apply_ratio(const fhs_decimal *value, const unit_ratio *ratio,
                                    fhs_decimal *out, fhirstore_error **err)
{
    fhs_decimal scaled;
    bool is_exact = true;
    bool fits = fhs_decimal_mul(value, &ratio->numerator, &scaled);
    if (fits && is_power_of_ten_value(&ratio->denominator)) {
        scaled.exponent -= ratio->denominator.exponent;
    } else if (fits && !fhs_decimal_is_zero(&scaled)) {
        fits = divide_exactly(&scaled, &ratio->denominator, &scaled, &is_exact);
    }
    if (fits && ratio->pi_power != 0 && !fhs_decimal_is_zero(&scaled)) {
        fits = multiply_by_pi(&scaled, ratio->pi_power);
        is_exact = false;
    }
    if (fits && !is_exact) {
        fits = round_significant(&scaled, FHS_UNIT_ROUNDED_DIGITS);
    }
    scaled = fhs_decimal_normalise(scaled);
    if (!fits || scaled.exponent > FHS_DECIMAL_EXPONENT_MAX ||
        scaled.exponent < -FHS_DECIMAL_EXPONENT_MAX) {
        return fail_digits(out, err);
    }
    *out = scaled;
    return FHIRSTORE_OK;
}

/* For linear units: the value without prefix, counted from the unit's absolute zero. */
static bool add_offset(const fhs_decimal *value, const fhs_unit *unit, fhs_decimal *out)
{
    *out = *value;
    if (unit->offset_atom == 0) {
        return true;
    }
    fhs_decimal offset = fhs_unit_offset(unit);
    out->exponent += unit->offset_prefix;
    return fhs_decimal_add(out, &offset, out);
}

static bool remove_offset(fhs_decimal *value, const fhs_unit *unit)
{
    if (unit->offset_atom == 0) {
        return true;
    }
    fhs_decimal offset = fhs_unit_offset(unit);
    if (!fhs_decimal_sub(value, &offset, value)) {
        return false;
    }
    value->exponent -= unit->offset_prefix;
    *value = fhs_decimal_normalise(*value);
    return true;
}

fhirstore_status fhs_unit_scale(const fhs_decimal *value, const fhs_unit *unit,
                                fhs_decimal *value_out, fhirstore_error **err)
{
    unit_ratio ratio = {unit->numerator, unit->denominator, unit->pi_power};
    fhs_decimal absolute;
    if (!add_offset(value, unit, &absolute)) {
        return fail_digits(value_out, err);
    }
    return apply_ratio(&absolute, &ratio, value_out, err);
}

/* from / to as one ratio. */
static bool ratio_between(const fhs_unit *from, const fhs_unit *to, unit_ratio *out)
{
    out->pi_power = from->pi_power - to->pi_power;
    return fhs_decimal_mul(&from->numerator, &to->denominator, &out->numerator) &&
           fhs_decimal_mul(&from->denominator, &to->numerator, &out->denominator);
}

fhirstore_status fhs_unit_rescale(const fhs_decimal *value, const fhs_unit *from,
                                  const fhs_unit *to, fhs_decimal *value_out, fhirstore_error **err)
{
    unit_ratio ratio;
    fhs_decimal absolute;
    if (!fhs_unit_is_same_kind(from, to)) {
        *value_out = fhs_decimal_from_i64(0);
        return fhs_fail(err, FHIRSTORE_ERR_UNIT_MISMATCH, "the units measure different things");
    }
    if (!add_offset(value, from, &absolute) || !ratio_between(from, to, &ratio)) {
        return fail_digits(value_out, err);
    }
    fhirstore_status status = apply_ratio(&absolute, &ratio, value_out, err);
    if (status == FHIRSTORE_OK && !remove_offset(value_out, to)) {
        return fail_digits(value_out, err);
    }
    return status;
}

fhirstore_status fhs_unit_to_canonical(const fhs_decimal *value, fhs_str code,
                                       fhs_decimal *value_out, fhs_buf *canonical_code_out,
                                       fhirstore_error **err)
{
    fhs_unit unit;
    fhirstore_status status = fhs_unit_parse(code, &unit, err);
    if (status != FHIRSTORE_OK) {
        *value_out = fhs_decimal_from_i64(0);
        return status;
    }
    status = fhs_unit_scale(value, &unit, value_out, err);
    if (status == FHIRSTORE_OK) {
        fhs_unit_write_canonical(&unit, canonical_code_out);
    }
    return status;
}

fhirstore_status fhs_unit_convert(const fhs_decimal *value, fhs_str from, fhs_str to,
                                  fhs_decimal *value_out, fhirstore_error **err)
{
    fhs_unit from_unit;
    fhs_unit to_unit;
    if (fhs_str_eq(from, to)) {
        *value_out = *value;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_unit_parse(from, &from_unit, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_unit_parse(to, &to_unit, err);
    }
    if (status != FHIRSTORE_OK) {
        *value_out = fhs_decimal_from_i64(0);
        return status;
    }
    return fhs_unit_rescale(value, &from_unit, &to_unit, value_out, err);
}

bool fhs_unit_commensurable(fhs_str a, fhs_str b)
{
    fhs_unit unit_a;
    fhs_unit unit_b;
    return fhs_str_eq(a, b) || (fhs_unit_parse(a, &unit_a, NULL) == FHIRSTORE_OK &&
                                fhs_unit_parse(b, &unit_b, NULL) == FHIRSTORE_OK &&
                                fhs_unit_is_same_kind(&unit_a, &unit_b));
}

/* The value of the product before its unit: a × b, or a × (1/b) as a ratio. */
static fhirstore_status multiply_values(const fhs_decimal *a, const fhs_decimal *b, bool divide,
                                        const fhs_unit *unit, fhs_decimal *out,
                                        fhirstore_error **err)
{
    unit_ratio ratio = {unit->numerator, unit->denominator, unit->pi_power};
    fhs_decimal *side = divide ? &ratio.denominator : &ratio.numerator;
    if (divide && fhs_decimal_is_zero(b)) {
        *out = fhs_decimal_from_i64(0);
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "division by zero");
    }
    if (!fhs_decimal_mul(side, b, side)) {
        return fail_digits(out, err);
    }
    return apply_ratio(a, &ratio, out, err);
}

fhirstore_status fhs_unit_multiply(const fhs_decimal *a, fhs_str unit_a, const fhs_decimal *b,
                                   fhs_str unit_b, bool divide, fhs_decimal *value_out,
                                   fhs_buf *code_out, fhirstore_error **err)
{
    fhs_unit first;
    fhs_unit second;
    fhs_unit product;
    fhirstore_status status = fhs_unit_parse(unit_a, &first, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_unit_parse(unit_b, &second, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_unit_combine(&first, &second, divide, &product, err);
    }
    if (status != FHIRSTORE_OK) {
        *value_out = fhs_decimal_from_i64(0);
        return status;
    }
    status = multiply_values(a, b, divide, &product, value_out, err);
    if (status == FHIRSTORE_OK) {
        fhs_unit_write_canonical(&product, code_out);
    }
    return status;
}
