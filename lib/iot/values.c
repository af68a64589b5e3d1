/* SPDX-License-Identifier: Apache-2.0 */
/* value[x] of Observations and their components. */
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "expression/value.h"
#include "iot/document.h"
#include "iot/observation.h"
#include "iot/sampled.h"
#include "units/units.h"

#define SIGNIFICANT_DIGITS 15

bool fhs_iot_build_fails(fhs_iot_builder *builder, const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(builder->why, sizeof builder->why, format, arguments);
    va_end(arguments);
    builder->kind = kind;
    return false;
}

static bool build_lacks_memory(fhs_iot_builder *builder)
{
    builder->kind = NULL;
    return false;
}

const char *fhs_iot_value_member(fhs_iot_value_type type)
{
    static const char *const names[] = {
        [FHS_IOT_VALUE_QUANTITY] = "valueQuantity",
        [FHS_IOT_VALUE_SAMPLED_DATA] = "valueSampledData",
        [FHS_IOT_VALUE_CODEABLE_CONCEPT] = "valueCodeableConcept",
        [FHS_IOT_VALUE_STRING] = "valueString",
        [FHS_IOT_VALUE_INTEGER] = "valueInteger",
        [FHS_IOT_VALUE_BOOLEAN] = "valueBoolean",
        [FHS_IOT_VALUE_DATE_TIME] = "valueDateTime",
        [FHS_IOT_VALUE_RANGE] = "valueRange",
        [FHS_IOT_VALUE_RATIO] = "valueRatio",
    };
    return names[type];
}

bool fhs_iot_value_occurs(const fhs_iot_builder *builder, const fhs_iot_value_spec *spec)
{
    const fhs_iot_group *group = builder->group;
    if (spec->name.len == 0) {
        return false;
    }
    switch (spec->type) {
    case FHS_IOT_VALUE_RANGE:
        return fhs_iot_series_find(group, spec->low_name) != NULL ||
               fhs_iot_series_find(group, spec->high_name) != NULL;
    case FHS_IOT_VALUE_RATIO:
        return fhs_iot_series_find(group, spec->low_name) != NULL &&
               fhs_iot_series_find(group, spec->high_name) != NULL;
    default:
        return fhs_iot_series_find(group, spec->name) != NULL;
    }
}

/* ---- numbers ---- */

/* The one value of a name: what is not a series holds exactly one. */
static bool only_value(fhs_iot_builder *builder, fhs_str name, fhs_str *out)
{
    const fhs_iot_series *series = fhs_iot_series_find(builder->group, name);
    const uint32_t count = series == NULL ? 0 : series->count;
    if (count != 1) {
        return fhs_iot_build_fails(builder, FHS_IOT_INVALID_QUANTITY,
                                   "Expected 1 value. Received %u.", count);
    }
    *out = series->samples[0].text;
    return true;
}

/* The UCUM code that the value at @a time came in; empty: no conversion. */
static fhs_str code_of_value(const fhs_iot_builder *builder, const fhs_iot_value_spec *spec,
                             int64_t time)
{
    const fhs_iot_series *series = fhs_iot_series_find(builder->group, spec->from_code_name);
    for (uint32_t i = 0; series != NULL && i < series->count; i++) {
        if (series->samples[i].time == time && !fhs_iot_is_blank(series->samples[i].text)) {
            return fhs_str_trim(series->samples[i].text);
        }
    }
    return spec->from_code;
}

/* Thirds and the like get as many digits as a measured value can mean. */
static void write_converted(fhs_decimal value, fhs_buf *out)
{
    int32_t digits = 0;
    value = fhs_decimal_normalise(value);
    fhs_decimal_write(&value, out);
    for (size_t i = 0; i < out->len; i++) {
        bool counts = out->ptr[i] >= (digits > 0 ? '0' : '1') && out->ptr[i] <= '9';
        digits += counts;
    }
    const int32_t scale = -value.exponent - (digits - SIGNIFICANT_DIGITS);
    if (digits > SIGNIFICANT_DIGITS && scale >= 0 &&
        fhs_decimal_round(&value, scale, FHS_ROUND_HALF_UP, &value)) {
        value = fhs_decimal_normalise(value);
        fhs_buf_reset(out);
        fhs_decimal_write(&value, out);
    }
}

static bool convert_number(fhs_iot_builder *builder, const fhs_iot_value_spec *spec, int64_t time,
                           const char *kind, fhs_str *number)
{
    const fhs_str from = code_of_value(builder, spec, time);
    fhs_decimal value;
    fhs_buf text = FHS_BUF_INIT(256);
    if (from.len == 0 || fhs_str_eq(from, spec->unit.code)) {
        return true;
    }
    if (!fhs_decimal_parse(*number, &value) ||
        fhs_unit_convert(&value, from, spec->unit.code, &value, NULL) < FHIRSTORE_OK) {
        return fhs_iot_build_fails(builder, kind,
                                   "the value's unit does not convert to the mapping's");
    }
    write_converted(value, &text);
    *number = fhs_buf_status(&text) < FHIRSTORE_OK
                  ? FHS_STR_NONE
                  : fhs_arena_dup(builder->arena, fhs_buf_str(&text));
    fhs_buf_clear(&text);
    return number->ptr != NULL || build_lacks_memory(builder);
}

static bool number_of(fhs_iot_builder *builder, fhs_str text, const char *kind, fhs_str *out)
{
    const bool with_exponent = (builder->flags & FHS_IOT_STRICT) == 0;
    if (!fhs_iot_decimal_text(builder->arena, text, with_exponent, out)) {
        return fhs_iot_build_fails(builder, kind, "the value is not a decimal number");
    }
    return out->ptr != NULL || build_lacks_memory(builder);
}

static void add_quantity_text(fhs_buf *out, const char *name, fhs_str text)
{
    if (text.len > 0) {
        if (out->len > 0 && out->ptr[out->len - 1] != '{') {
            fhs_buf_add_char(out, ',');
        }
        fhs_buf_add_char(out, '"');
        fhs_buf_add_cstr(out, name);
        fhs_buf_add_cstr(out, "\":");
        fhs_json_write_string(out, text);
    }
}

/* {"value": …, "unit": …}: of the one value of @a name. */
static bool write_quantity_value(fhs_iot_builder *builder, const fhs_iot_value_spec *spec,
                                 fhs_str name, const fhs_iot_unit *unit, fhs_buf *out)
{
    fhs_str text;
    fhs_str number;
    if (!only_value(builder, name, &text) ||
        !number_of(builder, text, FHS_IOT_INVALID_QUANTITY, &number)) {
        return false;
    }
    const int64_t time = fhs_iot_series_find(builder->group, name)->samples[0].time;
    if (unit == &spec->unit &&
        !convert_number(builder, spec, time, FHS_IOT_INVALID_QUANTITY, &number)) {
        return false;
    }
    fhs_buf_add_cstr(out, "{\"value\":");
    fhs_buf_add_str(out, number);
    add_quantity_text(out, "unit", unit->unit);
    add_quantity_text(out, "system", unit->system);
    add_quantity_text(out, "code", unit->code);
    fhs_buf_add_char(out, '}');
    return true;
}

static bool write_ends(fhs_iot_builder *builder, const fhs_iot_value_spec *spec, const char *low,
                       const char *high, const fhs_iot_unit *high_unit, fhs_buf *out)
{
    const bool has_low = fhs_iot_series_find(builder->group, spec->low_name) != NULL;
    const bool has_high = fhs_iot_series_find(builder->group, spec->high_name) != NULL;
    fhs_buf_add_char(out, '{');
    if (has_low) {
        fhs_buf_addf(out, "\"%s\":", low);
        if (!write_quantity_value(builder, spec, spec->low_name, &spec->unit, out)) {
            return false;
        }
    }
    if (has_high) {
        fhs_buf_addf(out, "%s\"%s\":", has_low ? "," : "", high);
        if (!write_quantity_value(builder, spec, spec->high_name, high_unit, out)) {
            return false;
        }
    }
    fhs_buf_add_char(out, '}');
    return true;
}

/* ---- texts ---- */

static bool write_string_value(fhs_iot_builder *builder, fhs_str text, fhs_buf *out)
{
    if (fhs_iot_is_blank(text)) {
        return fhs_iot_build_fails(builder, FHS_IOT_INVALID_VALUE, "the string is empty");
    }
    fhs_json_write_string(out, text);
    return true;
}

static bool write_integer_value(fhs_iot_builder *builder, fhs_str text, fhs_buf *out)
{
    fhs_str number;
    fhs_decimal value;
    int64_t whole;
    if (!number_of(builder, text, FHS_IOT_INVALID_VALUE, &number)) {
        return false;
    }
    if (!fhs_decimal_parse(number, &value) || !fhs_decimal_to_i64(&value, &whole) ||
        whole < INT32_MIN || whole > INT32_MAX) {
        return fhs_iot_build_fails(builder, FHS_IOT_INVALID_VALUE,
                                   "the value is not an integer of 32 bits");
    }
    fhs_buf_add_i64(out, whole);
    return true;
}

static bool write_boolean_value(fhs_iot_builder *builder, fhs_str text, fhs_buf *out)
{
    text = fhs_str_trim(text);
    bool yes = fhs_str_eq_ascii_case(text, FHS_LIT("true")) || fhs_str_eq(text, FHS_LIT("1"));
    bool no = fhs_str_eq_ascii_case(text, FHS_LIT("false")) || fhs_str_eq(text, FHS_LIT("0"));
    if (!yes && !no) {
        return fhs_iot_build_fails(builder, FHS_IOT_INVALID_VALUE,
                                   "the value is not true or false (or 1 or 0)");
    }
    fhs_buf_add_cstr(out, yes ? "true" : "false");
    return true;
}

static bool write_time_value(fhs_iot_builder *builder, fhs_str text, fhs_buf *out)
{
    int64_t ticks;
    if (!fhs_expression_parse_time(fhs_str_trim(text), &ticks)) {
        return fhs_iot_build_fails(builder, FHS_IOT_INVALID_VALUE, "the value is not a time");
    }
    fhs_buf_add_char(out, '"');
    fhs_iot_time_write(ticks, out);
    fhs_buf_add_char(out, '"');
    return true;
}

static bool write_single(fhs_iot_builder *builder, const fhs_iot_value_spec *spec, fhs_buf *out)
{
    fhs_str text;
    if (!only_value(builder, spec->name, &text)) {
        return false;
    }
    switch (spec->type) {
    case FHS_IOT_VALUE_INTEGER:
        return write_integer_value(builder, text, out);
    case FHS_IOT_VALUE_BOOLEAN:
        return write_boolean_value(builder, text, out);
    case FHS_IOT_VALUE_DATE_TIME:
        return write_time_value(builder, text, out);
    default:
        return write_string_value(builder, text, out);
    }
}

/* ---- SampledData ---- */

static bool is_code_of_samples(fhs_str text)
{
    return text.len == 1 && (text.ptr[0] == 'E' || text.ptr[0] == 'U' || text.ptr[0] == 'L');
}

bool fhs_iot_series_prepare(fhs_iot_builder *builder, const fhs_iot_value_spec *spec,
                            const fhs_iot_series *series, fhs_iot_sample **out)
{
    fhs_iot_sample *samples = fhs_arena_calloc(builder->arena, (size_t)series->count + 1,
                                               sizeof *samples);
    *out = samples;
    if (samples == NULL) {
        return build_lacks_memory(builder);
    }
    for (uint32_t i = 0; i < series->count; i++) {
        samples[i] = series->samples[i];
        fhs_str text = fhs_str_trim(samples[i].text);
        if ((builder->flags & FHS_IOT_STRICT) != 0 || is_code_of_samples(text)) {
            continue;
        }
        if (!number_of(builder, text, FHS_IOT_INVALID_SAMPLED_DATA, &samples[i].text) ||
            !convert_number(builder, spec, samples[i].time, FHS_IOT_INVALID_SAMPLED_DATA,
                            &samples[i].text)) {
            return false;
        }
    }
    return true;
}

bool fhs_iot_slots_fit(fhs_iot_builder *builder, int64_t start, int64_t end, int64_t period)
{
    return fhs_iot_slot_count(start, end, period) > 0 ||
           fhs_iot_build_fails(builder, FHS_IOT_LIMIT_REACHED,
                               "the period has more samples than FHS_LIMIT_IOT_SAMPLES");
}

static bool write_sampled_data(fhs_iot_builder *builder, const fhs_iot_value_spec *spec,
                               int64_t start, int64_t end, fhs_buf *out)
{
    const fhs_iot_series *series = fhs_iot_series_find(builder->group, spec->name);
    fhs_iot_sample *samples;
    if (!fhs_iot_slots_fit(builder, start, end, spec->period_ticks) ||
        !fhs_iot_series_prepare(builder, spec, series, &samples)) {
        return false;
    }
    fhs_buf data = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_iot_samples_encode(samples, series->count, start, end, spec->period_ticks, &data);
    const bool ok = fhs_buf_status(&data) == FHIRSTORE_OK;
    fhs_buf_add_cstr(out, "{\"origin\":{\"value\":0");
    add_quantity_text(out, "unit", spec->unit.unit);
    fhs_buf_add_cstr(out, "},\"period\":");
    fhs_buf_add_str(out, spec->period);
    fhs_buf_add_cstr(out, ",\"dimensions\":1,\"data\":");
    fhs_json_write_string(out, fhs_buf_str(&data)); /* strictly, a sample is any text */
    fhs_buf_add_char(out, '}');
    fhs_buf_clear(&data);
    return ok || build_lacks_memory(builder);
}

bool fhs_iot_value_write(fhs_iot_builder *builder, const fhs_iot_value_spec *spec, int64_t start,
                         int64_t end, fhs_buf *out)
{
    builder->field = spec->name;
    switch (spec->type) {
    case FHS_IOT_VALUE_QUANTITY:
        return write_quantity_value(builder, spec, spec->name, &spec->unit, out);
    case FHS_IOT_VALUE_SAMPLED_DATA:
        return write_sampled_data(builder, spec, start, end, out);
    case FHS_IOT_VALUE_CODEABLE_CONCEPT:
        fhs_iot_concept_write(builder, &spec->concept, spec->concept.text, FHS_STR_NONE, out);
        return true;
    case FHS_IOT_VALUE_RANGE:
        return write_ends(builder, spec, "low", "high", &spec->unit, out);
    case FHS_IOT_VALUE_RATIO:
        return write_ends(builder, spec, "numerator", "denominator", &spec->high_unit, out);
    default:
        return write_single(builder, spec, out);
    }
}
