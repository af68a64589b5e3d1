/* SPDX-License-Identifier: Apache-2.0 */
/* The value objects of FHIR mappings. Members that they do not know are ignored, as ever. */
#include "base/decimal.h"
#include "iot/fhir_reader.h"
#include "units/units.h"

#define TICKS_PER_MS 10000

static const struct {
    fhs_str name;
    fhs_iot_value_type type;
    bool is_extra;
} value_types[] = {
    {FHS_LIT_INIT("Quantity"), FHS_IOT_VALUE_QUANTITY, false},
    {FHS_LIT_INIT("SampledData"), FHS_IOT_VALUE_SAMPLED_DATA, false},
    {FHS_LIT_INIT("CodeableConcept"), FHS_IOT_VALUE_CODEABLE_CONCEPT, false},
    {FHS_LIT_INIT("String"), FHS_IOT_VALUE_STRING, false},
    {FHS_LIT_INIT("Integer"), FHS_IOT_VALUE_INTEGER, true},
    {FHS_LIT_INIT("Boolean"), FHS_IOT_VALUE_BOOLEAN, true},
    {FHS_LIT_INIT("DateTime"), FHS_IOT_VALUE_DATE_TIME, true},
    {FHS_LIT_INIT("Range"), FHS_IOT_VALUE_RANGE, true},
    {FHS_LIT_INIT("Ratio"), FHS_IOT_VALUE_RATIO, true},
};

static bool find_value_type(fhs_iot_fhir_reader *reader, const fhs_json *object,
                            fhs_iot_value_type *out)
{
    const fhs_json *value = fhs_json_get(object, FHS_LIT("valueType"));
    fhs_str name;
    value = value == NULL ? fhs_json_get(object, FHS_LIT("ValueType")) : value;
    if (!fhs_iot_scalar_text(value, &name)) {
        fhs_iot_reader_missing(reader, object, "ValueType");
        return false;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(value_types); i++) {
        bool is_known = !value_types[i].is_extra || !(reader->flags & FHS_IOT_MAPPING_STRICT);
        if (is_known && fhs_str_eq_ascii_case(name, value_types[i].name)) {
            *out = value_types[i].type;
            return true;
        }
    }
    fhs_iot_reader_fault(reader, value, "Unexpected value type: '%.*s'.", FHS_STR_ARG(name));
    return false;
}

static void read_unit(fhs_iot_fhir_reader *reader, const fhs_json *object, fhs_iot_unit *out)
{
    fhs_iot_reader_text(reader, object, "unit", &out->unit);
    fhs_iot_reader_text(reader, object, "code", &out->code);
    fhs_iot_reader_text(reader, object, "system", &out->system);
}

/* Milliseconds, above 0: slots of no length would never reach the end. */
static void read_sample_period(fhs_iot_fhir_reader *reader, const fhs_json *object,
                               fhs_iot_value_spec *out)
{
    const fhs_json *value = fhs_iot_member(object, FHS_LIT("defaultPeriod"));
    const fhs_decimal scale = fhs_decimal_from_i64(TICKS_PER_MS);
    fhs_decimal period;
    fhs_decimal ticks;
    if (value == NULL || value->type == FHS_JSON_NULL) {
        fhs_iot_reader_missing(reader, object, "DefaultPeriod");
        return;
    }
    if (!fhs_iot_scalar_text(value, &out->period) || !fhs_decimal_parse(out->period, &period) ||
        period.negative || !fhs_decimal_mul(&period, &scale, &ticks) ||
        !fhs_decimal_round(&ticks, 0, FHS_ROUND_DOWN, &ticks) ||
        !fhs_decimal_to_i64(&ticks, &out->period_ticks) || out->period_ticks < 1) {
        fhs_iot_reader_fault(reader, value, "'DefaultPeriod' is a number of milliseconds above 0");
        out->period_ticks = 1;
    }
}

/* Values that come in another unit than they are stored in. */
static void read_conversion(fhs_iot_fhir_reader *reader, const fhs_json *object,
                            fhs_iot_value_spec *out)
{
    if (reader->flags & FHS_IOT_MAPPING_STRICT) {
        return;
    }
    fhs_iot_reader_text(reader, object, "fromCode", &out->from_code);
    fhs_iot_reader_text(reader, object, "fromCodeName", &out->from_code_name);
    if (out->from_code.len == 0 && out->from_code_name.len == 0) {
        return;
    }
    if (out->unit.code.len == 0) {
        fhs_iot_reader_fault(reader, object,
                             "a conversion needs a 'code', the UCUM code to convert to");
    } else if (out->from_code.len > 0 && !fhs_unit_commensurable(out->from_code, out->unit.code)) {
        fhs_iot_reader_fault(
            reader, object,
            "'FromCode' and 'Code' are not UCUM codes of the same kind of quantity");
    }
}

static void read_ends(fhs_iot_fhir_reader *reader, const fhs_json *object, fhs_iot_value_spec *out)
{
    if (out->type == FHS_IOT_VALUE_RANGE) {
        fhs_iot_reader_text(reader, object, "lowName", &out->low_name);
        fhs_iot_reader_text(reader, object, "highName", &out->high_name);
        if (out->low_name.len == 0 && out->high_name.len == 0) {
            fhs_iot_reader_fault(reader, object, "a Range needs a 'lowName' or a 'highName'");
        }
        return;
    }
    fhs_iot_reader_text(reader, object, "numeratorName", &out->low_name);
    fhs_iot_reader_text(reader, object, "denominatorName", &out->high_name);
    fhs_iot_reader_text(reader, object, "denominatorUnit", &out->high_unit.unit);
    fhs_iot_reader_text(reader, object, "denominatorCode", &out->high_unit.code);
    fhs_iot_reader_text(reader, object, "denominatorSystem", &out->high_unit.system);
    if (out->low_name.len == 0 || out->high_name.len == 0) {
        fhs_iot_reader_fault(reader, object,
                             "a Ratio needs a 'numeratorName' and a 'denominatorName'");
    }
}

void fhs_iot_reader_value(fhs_iot_fhir_reader *reader, const fhs_json *object,
                          fhs_iot_value_spec *out)
{
    *out = (fhs_iot_value_spec){.type = FHS_IOT_VALUE_STRING};
    if (!fhs_json_is(object, FHS_JSON_OBJECT)) {
        fhs_iot_reader_fault(reader, object, "Expected an object as value");
        return;
    }
    fhs_iot_reader_text(reader, object, "valueName", &out->name);
    if (!find_value_type(reader, object, &out->type)) {
        return;
    }
    switch (out->type) {
    case FHS_IOT_VALUE_QUANTITY:
        read_unit(reader, object, &out->unit);
        read_conversion(reader, object, out);
        break;
    case FHS_IOT_VALUE_SAMPLED_DATA:
        read_unit(reader, object, &out->unit);
        read_conversion(reader, object, out);
        read_sample_period(reader, object, out);
        break;
    case FHS_IOT_VALUE_CODEABLE_CONCEPT:
        fhs_iot_reader_text(reader, object, "text", &out->concept.text);
        fhs_iot_reader_codes(reader, object, true, true, &out->concept);
        if (out->concept.text.len == 0 && out->concept.count == 0) {
            fhs_iot_reader_fault(reader, object, "a CodeableConcept needs a 'text' or a code");
        }
        break;
    case FHS_IOT_VALUE_RANGE:
    case FHS_IOT_VALUE_RATIO:
        read_unit(reader, object, &out->unit);
        read_conversion(reader, object, out);
        read_ends(reader, object, out);
        break;
    default:
        break;
    }
}
