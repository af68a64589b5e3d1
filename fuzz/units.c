/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines: a unit, another unit, a number. Whatever they hold: one of three errors with a place in
 * the text, or units whose base form is stable and between which values go there and back.
 */
#include "units/units.h"
#include "law.h"

static bool is_unit_status(fhirstore_status status)
{
    return status == FHIRSTORE_OK || status == FHIRSTORE_ERR_UNIT ||
           status == FHIRSTORE_ERR_LIMIT || status == FHIRSTORE_ERR_UNIT_MISMATCH;
}

/* The canonical code names the same kind, is its own canonical code and is worth one. */
static void check_canonical(const fhs_unit *unit)
{
    fhs_buf code = FHS_BUF_INIT(4096);
    fhs_buf again = FHS_BUF_INIT(4096);
    fhs_unit base;
    const fhs_decimal one = fhs_decimal_from_i64(1);
    fhs_decimal worth;
    fhs_unit_write_canonical(unit, &code);
    FUZZ_LAW(fhs_unit_parse(fhs_buf_str(&code), &base, NULL) == FHIRSTORE_OK);
    FUZZ_LAW(fhs_unit_is_same_kind(unit, &base));
    FUZZ_LAW(fhs_unit_scale(&one, &base, &worth, NULL) == FHIRSTORE_OK);
    FUZZ_LAW(fhs_decimal_compare(&worth, &one) == 0);
    fhs_unit_write_canonical(&base, &again);
    FUZZ_LAW(fhs_str_eq(fhs_buf_str(&code), fhs_buf_str(&again)));
    fhs_buf_clear(&code);
    fhs_buf_clear(&again);
}

/* A unit divided by itself is a number, and exactly one of it. */
static void check_quotient(const fhs_unit *unit)
{
    fhs_unit ratio;
    fhs_buf code = FHS_BUF_INIT(4096);
    const fhs_decimal one = fhs_decimal_from_i64(1);
    fhs_decimal worth;
    fhirstore_status status = fhs_unit_combine(unit, unit, true, &ratio, NULL);
    FUZZ_LAW(is_unit_status(status));
    if (status == FHIRSTORE_OK) {
        fhs_unit_write_canonical(&ratio, &code);
        FUZZ_LAW(fhs_str_eq(fhs_buf_str(&code), FHS_LIT("1")));
        FUZZ_LAW(fhs_unit_scale(&one, &ratio, &worth, NULL) == FHIRSTORE_OK);
        FUZZ_LAW(fhs_decimal_compare(&worth, &one) == 0);
    }
    fhs_buf_clear(&code);
}

/* Conversion keeps sign and zero unless an offset is involved, and comes back nearly where it was.
 */
static void check_conversion(const fhs_decimal *value, const fhs_unit *a, const fhs_unit *b)
{
    fhs_decimal there;
    fhs_decimal back;
    fhirstore_status status = fhs_unit_rescale(value, a, b, &there, NULL);
    FUZZ_LAW(is_unit_status(status));
    FUZZ_LAW((status == FHIRSTORE_ERR_UNIT_MISMATCH) == !fhs_unit_is_same_kind(a, b));
    if (status != FHIRSTORE_OK || a->offset_atom != 0 || b->offset_atom != 0) {
        return;
    }
    FUZZ_LAW(fhs_decimal_is_zero(&there) == fhs_decimal_is_zero(value));
    FUZZ_LAW(there.negative == value->negative);
    if (fhs_unit_rescale(&there, b, a, &back, NULL) == FHIRSTORE_OK) {
        fhs_decimal off;
        fhs_decimal allowed = *value;
        allowed.exponent -= FHS_UNIT_ROUNDED_DIGITS - 3;
        allowed.negative = false;
        if (fhs_decimal_sub(&back, value, &off)) {
            off.negative = false;
            FUZZ_LAW(fhs_decimal_compare(&off, &allowed) <= 0);
        }
    }
}

static bool read_unit(fhs_str code, fhs_unit *out)
{
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_unit_parse(code, out, &err);
    FUZZ_LAW(is_unit_status(status) && status == fhs_unit_parse(code, out, NULL));
    FUZZ_LAW((err == NULL) == (status == FHIRSTORE_OK));
    FUZZ_LAW(err == NULL || fhs_error_location(err).offset <= code.len);
    fhs_error_free(err);
    return status == FHIRSTORE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_str first = fhs_str_of((const char *)data, size);
    fhs_str second = FHS_LIT("1");
    fhs_str number = FHS_STR_NONE;
    fhs_decimal value;
    fhs_unit a;
    fhs_unit b;
    if (fhs_str_split(first, '\n', &first, &second)) {
        (void)fhs_str_split(second, '\n', &second, &number);
    }
    if (!fhs_decimal_parse(fhs_str_trim(number), &value)) {
        value = fhs_decimal_from_i64(7);
    }
    (void)fhs_calendar_word_find(first);
    if (read_unit(first, &a)) {
        check_canonical(&a);
        check_quotient(&a);
        if (read_unit(second, &b)) {
            check_conversion(&value, &a, &b);
            FUZZ_LAW(fhs_unit_commensurable(first, second) == fhs_unit_is_same_kind(&a, &b));
        }
    }
    return 0;
}
