/* SPDX-License-Identifier: Apache-2.0 */
/* The algebra of parsed units: products, kinds and the canonical code. */
#include <string.h>

#include "units/units_internal.h"

static bool add_power(int8_t *power, int more)
{
    int sum = *power + more;
    if (sum < -FHS_UNIT_POWER_MAX || sum > FHS_UNIT_POWER_MAX) {
        return false;
    }
    *power = (int8_t)sum;
    return true;
}

static bool is_power_of_ten(const fhs_decimal *value)
{
    return value->limb_count == 1 && value->limbs[0] == 1;
}

/* value × factor^times, times >= 0. */
static bool multiply_power(fhs_decimal *value, const fhs_decimal *factor, int times)
{
    if (is_power_of_ten(factor)) {
        fhs_decimal ten = *factor;
        ten.exponent *= times;
        return fhs_decimal_mul(value, &ten, value);
    }
    for (int i = 0; i < times; i++) {
        if (!fhs_decimal_mul(value, factor, value)) {
            return false;
        }
    }
    return true;
}

/* Keep the list of arbitrary units sorted and free of zero powers. */
static bool apply_arbitrary(fhs_unit *unit, uint8_t number, int power)
{
    size_t at = 0;
    while (at < unit->arbitrary_count && unit->arbitrary[at] < number) {
        at++;
    }
    size_t rest = unit->arbitrary_count - at;
    if (rest > 0 && unit->arbitrary[at] == number) {
        if (!add_power(&unit->arbitrary_powers[at], power)) {
            return false;
        }
        if (unit->arbitrary_powers[at] == 0) {
            memmove(unit->arbitrary + at, unit->arbitrary + at + 1, rest - 1);
            memmove(unit->arbitrary_powers + at, unit->arbitrary_powers + at + 1, rest - 1);
            unit->arbitrary_count--;
        }
        return true;
    }
    if (power == 0) {
        return true;
    }
    if (unit->arbitrary_count == FHS_UNIT_ARBITRARY_MAX) {
        return false;
    }
    memmove(unit->arbitrary + at + 1, unit->arbitrary + at, rest);
    memmove(unit->arbitrary_powers + at + 1, unit->arbitrary_powers + at, rest);
    unit->arbitrary[at] = number;
    unit->arbitrary_powers[at] = (int8_t)power;
    unit->arbitrary_count++;
    return true;
}

bool fhs_unit_apply(fhs_unit *unit, const fhs_unit *factor, int power)
{
    const fhs_decimal *up = power < 0 ? &factor->denominator : &factor->numerator;
    const fhs_decimal *down = power < 0 ? &factor->numerator : &factor->denominator;
    int times = power < 0 ? -power : power;
    if (!multiply_power(&unit->numerator, up, times) ||
        !multiply_power(&unit->denominator, down, times) ||
        !add_power(&unit->pi_power, factor->pi_power * power)) {
        return false;
    }
    for (size_t i = 0; i < FHS_UNIT_BASES; i++) {
        if (!add_power(&unit->powers[i], factor->powers[i] * power)) {
            return false;
        }
    }
    for (size_t i = 0; i < factor->arbitrary_count; i++) {
        if (!apply_arbitrary(unit, factor->arbitrary[i], factor->arbitrary_powers[i] * power)) {
            return false;
        }
    }
    return true;
}

void fhs_unit_cancel(fhs_unit *unit)
{
    fhs_decimal *n = &unit->numerator;
    fhs_decimal *d = &unit->denominator;
    int32_t exponent = n->exponent - d->exponent;
    if (n->limb_count == d->limb_count &&
        memcmp(n->limbs, d->limbs, n->limb_count * sizeof n->limbs[0]) == 0) {
        *n = fhs_decimal_from_i64(1);
        *d = *n;
        n->exponent = exponent;
    } else if (is_power_of_ten(d)) {
        d->exponent = 0;
        n->exponent = exponent;
    }
}

bool fhs_unit_is_same_kind(const fhs_unit *a, const fhs_unit *b)
{
    return memcmp(a->powers, b->powers, sizeof a->powers) == 0 &&
           a->arbitrary_count == b->arbitrary_count &&
           memcmp(a->arbitrary, b->arbitrary, a->arbitrary_count) == 0 &&
           memcmp(a->arbitrary_powers, b->arbitrary_powers, a->arbitrary_count) == 0;
}

fhirstore_status fhs_unit_combine(const fhs_unit *a, const fhs_unit *b, bool divide, fhs_unit *out,
                                  fhirstore_error **err)
{
    fhs_unit product = *a;
    fhs_unit_set_one(out);
    if (a->offset_atom != 0 || b->offset_atom != 0) {
        return fhs_fail(err, FHIRSTORE_ERR_UNIT, "a unit with an offset stands only alone");
    }
    if (!fhs_unit_apply(&product, b, divide ? -1 : 1)) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the unit is too complex");
    }
    fhs_unit_cancel(&product);
    *out = product;
    return FHIRSTORE_OK;
}

static void write_power(fhs_buf *out, fhs_str code, int power, bool *is_first)
{
    if (power == 0) {
        return;
    }
    if (!*is_first) {
        fhs_buf_add_char(out, '.');
    }
    *is_first = false;
    fhs_buf_add_str(out, code);
    if (power != 1) {
        fhs_buf_add_i64(out, power);
    }
}

void fhs_unit_write_canonical(const fhs_unit *unit, fhs_buf *out)
{
    static const char *const bases[FHS_UNIT_BASES] = {"C", "K", "cd", "g", "m", "rad", "s"};
    bool is_first = true;
    for (size_t i = 0; i < FHS_UNIT_BASES; i++) {
        write_power(out, fhs_str_from_cstr(bases[i]), unit->powers[i], &is_first);
    }
    for (size_t i = 0; i < unit->arbitrary_count; i++) {
        write_power(out, fhs_unit_arbitrary_code(unit->arbitrary[i]), unit->arbitrary_powers[i],
                    &is_first);
    }
    if (is_first) {
        fhs_buf_add_char(out, '1');
    }
}
