/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UCUM, the case-sensitive codes of http://unitsofmeasure.org: what a unit is worth in base units,
 * whether two units measure the same thing, and exact conversion of values.
 *
 * Factors are exact rationals; powers of the number pi are kept apart from them. A converted value
 * is exact whenever it has at most FHS_UNIT_EXACT_DIGITS significant digits; otherwise (thirds and
 * the like, and whatever pi remains in) it is rounded half up to FHS_UNIT_ROUNDED_DIGITS, before
 * an offset is taken off. The same quantity in different units therefore has one canonical value.
 *
 * Statuses: FHIRSTORE_ERR_UNIT, the code is not UCUM, or is a unit without conversion (pH as [pH],
 * bel, neper, prism diopter …); FHIRSTORE_ERR_UNIT_MISMATCH, the units measure different things;
 * FHIRSTORE_ERR_LIMIT, too long, too deep, too many digits. Callers that search fall back to
 * literal comparison of unit and value on all three. With a NULL @a err nothing is allocated.
 */
#ifndef FHS_UNITS_UNITS_H
#define FHS_UNITS_UNITS_H

#include "base/decimal.h"
#include "base/error.h"

#define FHS_UNIT_BASES          7u /* C K cd g m rad s, in this order */
#define FHS_UNIT_ARBITRARY_MAX  4u
#define FHS_UNIT_EXACT_DIGITS   60
#define FHS_UNIT_ROUNDED_DIGITS 30

/*
 * A parsed unit: one of it is numerator/denominator × pi^pi_power × the product of the base units
 * and arbitrary units with their powers. Linear units with an offset (Cel, [degF], [degRe]) stand
 * alone.
 */
typedef struct fhs_unit {
    fhs_decimal numerator;
    fhs_decimal denominator;
    int8_t powers[FHS_UNIT_BASES];
    int8_t pi_power;
    /* [IU], [CFU] … are dimensions of their own: number in the table and power, sorted, no zeros.
     */
    uint8_t arbitrary_count;
    uint8_t arbitrary[FHS_UNIT_ARBITRARY_MAX];
    int8_t arbitrary_powers[FHS_UNIT_ARBITRARY_MAX];
    uint16_t offset_atom; /* 0: none; else the table row of the linear unit, plus one */
    int8_t offset_prefix; /* its prefix as a power of ten */
} fhs_unit;

/* Parse a code. On failure @a out is the unit 1. */
fhirstore_status fhs_unit_parse(fhs_str code, fhs_unit *out, fhirstore_error **err);
/* Do they measure the same thing, so that values can be converted? */
bool fhs_unit_is_same_kind(const fhs_unit *a, const fhs_unit *b);
/* The unit a × b or, with @a divide, a / b. */
fhirstore_status fhs_unit_combine(const fhs_unit *a, const fhs_unit *b, bool divide, fhs_unit *out,
                                  fhirstore_error **err);
/* Append the base units as a code: "g.m-3", "m-3.[IU]", "1". The same for all units of a kind. */
void fhs_unit_write_canonical(const fhs_unit *unit, fhs_buf *out);

/* @a value in base units. @a value_out may be @a value. */
fhirstore_status fhs_unit_scale(const fhs_decimal *value, const fhs_unit *unit,
                                fhs_decimal *value_out, fhirstore_error **err);
/* @a value of @a from in @a to. @a value_out may be @a value. */
fhirstore_status fhs_unit_rescale(const fhs_decimal *value, const fhs_unit *from,
                                  const fhs_unit *to, fhs_decimal *value_out,
                                  fhirstore_error **err);

/* The same by codes. Equal codes always convert, known or not. */
fhirstore_status fhs_unit_to_canonical(const fhs_decimal *value, fhs_str code,
                                       fhs_decimal *value_out, fhs_buf *canonical_code_out,
                                       fhirstore_error **err);
fhirstore_status fhs_unit_convert(const fhs_decimal *value, fhs_str from, fhs_str to,
                                  fhs_decimal *value_out, fhirstore_error **err);
bool fhs_unit_commensurable(fhs_str a, fhs_str b);
/* Product or quotient of two quantities; value and code come out in base units. */
fhirstore_status fhs_unit_multiply(const fhs_decimal *a, fhs_str unit_a, const fhs_decimal *b,
                                   fhs_str unit_b, bool divide, fhs_decimal *value_out,
                                   fhs_buf *code_out, fhirstore_error **err);

/*
 * FHIRPath's words for durations. Only seconds and milliseconds are the same as their UCUM unit
 * (1 second = 1 's'); the longer ones are calendar durations, which are equivalent (~) but not
 * equal to the definite duration of the UCUM unit (1 year ~ 1 'a'). Among themselves months and
 * milliseconds count: 12 months are 1 year, 7 days 1 week; in comparisons across, a month is 30
 * days and a year 365.
 */
typedef struct fhs_calendar_word {
    fhs_str singular;
    fhs_str plural;
    fhs_str code; /* UCUM */
    bool is_definite;
    int32_t months;       /* 12 or 1, else 0 */
    int64_t milliseconds; /* 0 for months and years */
} fhs_calendar_word;
/* NULL when it is none of them. Case matters, as in FHIRPath. */
const fhs_calendar_word *fhs_calendar_word_find(fhs_str word);

#endif
