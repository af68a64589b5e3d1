/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, quantities and positions. */
#include "index/index_internal.h"

/* Longest run of SampledData that is looked through, in samples. */
#define SAMPLES_MAX    1000000u
#define POSITION_SCALE 9

static bool read_decimal(const fhs_json *value, fhs_decimal *out)
{
    /* R5's integer64 is a JSON string. */
    return (fhs_json_is(value, FHS_JSON_NUMBER) || fhs_json_is(value, FHS_JSON_STRING)) &&
           fhs_decimal_parse(value->text, out);
}

static fhs_entry *add_point(fhs_convert *convert, fhs_row_kind kind, const fhs_decimal *number)
{
    fhs_entry *entry = fhs_convert_add(convert, kind);
    if (entry != NULL) {
        entry->low = *number;
        entry->high = *number;
    }
    return entry;
}

/* "<5" is everything below five: the interval (…, 5) without its end. */
static void apply_comparator(fhs_entry *entry, fhs_str comparator)
{
    if (comparator.len == 0 || (comparator.ptr[0] != '<' && comparator.ptr[0] != '>')) {
        return;
    }
    bool with_end = comparator.len == 2 && comparator.ptr[1] == '=';
    entry->is_interval = true;
    if (comparator.ptr[0] == '<') {
        entry->no_low = true;
        entry->open_high = !with_end;
    } else {
        entry->no_high = true;
        entry->open_low = !with_end;
    }
}

static void number_from_quantity(fhs_convert *convert, fhs_row_kind kind, const fhs_json *quantity)
{
    fhs_decimal number;
    if (!read_decimal(fhs_json_get(quantity, FHS_LIT("value")), &number)) {
        return;
    }
    fhs_entry *entry = add_point(convert, kind, &number);
    if (entry == NULL) {
        return;
    }
    apply_comparator(entry, fhs_member_text(quantity, FHS_LIT("comparator")));
    if (kind == FHS_ROW_QUANTITY) {
        entry->system = fhs_member_text(quantity, FHS_LIT("system"));
        entry->code = fhs_member_text(quantity, FHS_LIT("code"));
        entry->unit = fhs_member_text(quantity, FHS_LIT("unit"));
    }
}

static void take_unit(fhs_entry *entry, const fhs_json *quantity)
{
    if (quantity != NULL && entry->system.len + entry->code.len + entry->unit.len == 0) {
        entry->system = fhs_member_text(quantity, FHS_LIT("system"));
        entry->code = fhs_member_text(quantity, FHS_LIT("code"));
        entry->unit = fhs_member_text(quantity, FHS_LIT("unit"));
    }
}

static const fhs_json *object_member(const fhs_json *object, fhs_str name)
{
    const fhs_json *value = fhs_json_get(object, name);
    return fhs_json_is(value, FHS_JSON_OBJECT) ? value : NULL;
}

static void number_from_range(fhs_convert *convert, fhs_row_kind kind, const fhs_json *range)
{
    const fhs_json *low = object_member(range, FHS_LIT("low"));
    const fhs_json *high = object_member(range, FHS_LIT("high"));
    fhs_decimal low_value;
    fhs_decimal high_value;
    bool has_low = low != NULL && read_decimal(fhs_json_get(low, FHS_LIT("value")), &low_value);
    bool has_high = high != NULL && read_decimal(fhs_json_get(high, FHS_LIT("value")), &high_value);
    fhs_entry *entry = has_low || has_high ? fhs_convert_add(convert, kind) : NULL;
    if (entry == NULL) {
        return;
    }
    entry->is_interval = true;
    entry->no_low = !has_low;
    entry->no_high = !has_high;
    if (has_low) {
        entry->low = low_value;
    }
    if (has_high) {
        entry->high = high_value;
    }
    if (kind == FHS_ROW_QUANTITY) {
        take_unit(entry, low);
        take_unit(entry, high);
    }
}

/* The smallest and largest of the samples, as written; "L" and "U" stand for the limits. */
typedef struct sample_span {
    fhs_decimal low, high;
    bool is_set, has_below, has_above;
} sample_span;

static void add_sample(sample_span *span, fhs_str text)
{
    fhs_decimal sample;
    if (text.len == 1 && text.ptr[0] == 'L') {
        span->has_below = true;
    } else if (text.len == 1 && text.ptr[0] == 'U') {
        span->has_above = true;
    } else if (fhs_decimal_parse(text, &sample)) {
        if (!span->is_set || fhs_decimal_compare(&sample, &span->low) < 0) {
            span->low = sample;
        }
        if (!span->is_set || fhs_decimal_compare(&sample, &span->high) > 0) {
            span->high = sample;
        }
        span->is_set = true;
    }
}

static void read_samples(fhs_str data, sample_span *span)
{
    size_t at = 0;
    for (uint32_t count = 0; at < data.len && count < SAMPLES_MAX; count++) {
        size_t end = fhs_str_find_char(data, ' ', at);
        if (end > at) {
            add_sample(span, fhs_str_of(data.ptr + at, end - at));
        }
        at = end + 1;
    }
}

/* sample × factor + origin; a factor is 1 unless said. */
static bool scale_sample(const fhs_decimal *sample, const fhs_json *sampled,
                         const fhs_decimal *origin, fhs_decimal *out)
{
    fhs_decimal factor;
    fhs_decimal product = *sample;
    if (read_decimal(fhs_json_get(sampled, FHS_LIT("factor")), &factor) &&
        !fhs_decimal_mul(sample, &factor, &product)) {
        return false;
    }
    return fhs_decimal_add(&product, origin, out);
}

static void quantity_from_sampled(fhs_convert *convert, const fhs_json *sampled)
{
    const fhs_json *origin = object_member(sampled, FHS_LIT("origin"));
    fhs_decimal zero;
    if (origin == NULL || !read_decimal(fhs_json_get(origin, FHS_LIT("value")), &zero)) {
        return;
    }
    sample_span span = {.is_set = false};
    read_samples(fhs_member_text(sampled, FHS_LIT("data")), &span);
    if (span.has_below && read_decimal(fhs_json_get(sampled, FHS_LIT("lowerLimit")), &span.low)) {
        span.high = span.is_set ? span.high : span.low;
        span.is_set = true;
    }
    if (span.has_above && read_decimal(fhs_json_get(sampled, FHS_LIT("upperLimit")), &span.high)) {
        span.low = span.is_set ? span.low : span.high;
        span.is_set = true;
    }
    fhs_decimal low;
    fhs_decimal high;
    if (!span.is_set || !scale_sample(&span.low, sampled, &zero, &low) ||
        !scale_sample(&span.high, sampled, &zero, &high)) {
        return;
    }
    fhs_entry *entry = fhs_convert_add(convert, FHS_ROW_QUANTITY);
    if (entry != NULL) {
        bool is_turned = fhs_decimal_compare(&low, &high) > 0; /* a negative factor */
        entry->low = is_turned ? high : low;
        entry->high = is_turned ? low : high;
        entry->is_interval = fhs_decimal_compare(&low, &high) != 0;
        take_unit(entry, origin);
    }
}

static void quantity_from_money(fhs_convert *convert, const fhs_json *money)
{
    fhs_decimal number;
    if (!read_decimal(fhs_json_get(money, FHS_LIT("value")), &number)) {
        return;
    }
    fhs_entry *entry = add_point(convert, FHS_ROW_QUANTITY, &number);
    fhs_str currency = fhs_member_text(money, FHS_LIT("currency"));
    if (entry != NULL && currency.len > 0) {
        entry->system = FHS_LIT("urn:iso:std:iso:4217");
        entry->code = currency;
    }
}

static void number_from_primitive(fhs_convert *convert, fhs_row_kind kind, const fhs_json *value)
{
    fhs_decimal number;
    if (read_decimal(value, &number)) {
        (void)add_point(convert, kind, &number);
    }
}

void fhs_convert_number(fhs_convert *convert, fhs_shape shape, const fhs_json *value)
{
    if (shape == FHS_SHAPE_NUMBER) {
        number_from_primitive(convert, FHS_ROW_NUMBER, value);
    } else if (value->type != FHS_JSON_OBJECT) {
        return;
    } else if (shape == FHS_SHAPE_QUANTITY || shape == FHS_SHAPE_MONEY) {
        number_from_quantity(convert, FHS_ROW_NUMBER, value);
    } else if (shape == FHS_SHAPE_RANGE) {
        number_from_range(convert, FHS_ROW_NUMBER, value);
    }
}

static void convert_as_written(fhs_convert *convert, fhs_shape shape, const fhs_json *value)
{
    if (shape == FHS_SHAPE_NUMBER) {
        number_from_primitive(convert, FHS_ROW_QUANTITY, value);
        return;
    }
    if (value->type != FHS_JSON_OBJECT) {
        return;
    }
    switch (shape) {
    case FHS_SHAPE_QUANTITY:
        number_from_quantity(convert, FHS_ROW_QUANTITY, value);
        break;
    case FHS_SHAPE_MONEY:
        quantity_from_money(convert, value);
        break;
    case FHS_SHAPE_RANGE:
        number_from_range(convert, FHS_ROW_QUANTITY, value);
        break;
    case FHS_SHAPE_SAMPLED:
        quantity_from_sampled(convert, value);
        break;
    default:
        break;
    }
}

void fhs_convert_quantity(fhs_convert *convert, fhs_shape shape, const fhs_json *value)
{
    size_t before = convert->out->count;
    convert_as_written(convert, shape, value);
    if (convert->out->count > before) {
        fhs_entry written = convert->out->items[before];
        fhs_convert_canonical(convert, &written);
    }
}

/* Degrees as an integer of 1e-9 degrees. */
static bool read_degrees(const fhs_json *value, int64_t max, int64_t *out)
{
    fhs_decimal degrees;
    fhs_decimal rounded;
    if (!read_decimal(value, &degrees) ||
        !fhs_decimal_round(&degrees, POSITION_SCALE, FHS_ROUND_HALF_UP, &rounded)) {
        return false;
    }
    rounded.exponent += POSITION_SCALE;
    return fhs_decimal_to_i64(&rounded, out) && *out >= -max * 1000000000 &&
           *out <= max * 1000000000;
}

void fhs_convert_position(fhs_convert *convert, const fhs_json *value)
{
    int64_t latitude = 0;
    int64_t longitude = 0;
    if (value->type != FHS_JSON_OBJECT ||
        !read_degrees(fhs_json_get(value, FHS_LIT("latitude")), 90, &latitude) ||
        !read_degrees(fhs_json_get(value, FHS_LIT("longitude")), 180, &longitude)) {
        return;
    }
    fhs_entry *entry = fhs_convert_add(convert, FHS_ROW_POSITION);
    if (entry != NULL) {
        entry->latitude = latitude;
        entry->longitude = longitude;
    }
}
