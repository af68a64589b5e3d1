/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/measurement.h"

#include "base/limits.h"
#include "expression/value.h"
#include "iot/document.h"

static char *put_time_digits(char *at, unsigned width, uint32_t number)
{
    for (unsigned i = width; i > 0; i--) {
        at[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + width;
}

void fhs_iot_time_format(int64_t ticks, char out[FHS_IOT_TIME_LEN + 1])
{
    const int64_t day_ticks = INT64_C(86400) * FHS_TICKS_PER_SECOND;
    int64_t days = ticks / day_ticks;
    int64_t rest = ticks % day_ticks;
    int32_t year;
    unsigned month;
    unsigned day;
    if (rest < 0) {
        days--;
        rest += day_ticks;
    }
    fhs_civil_from_days(days, &year, &month, &day);
    uint32_t seconds = (uint32_t)(rest / FHS_TICKS_PER_SECOND);
    char *at = put_time_digits(out, 4, year < 0 ? 0 : (uint32_t)year % 10000);
    *at++ = '-';
    at = put_time_digits(at, 2, month);
    *at++ = '-';
    at = put_time_digits(at, 2, day);
    *at++ = 'T';
    at = put_time_digits(at, 2, seconds / 3600);
    *at++ = ':';
    at = put_time_digits(at, 2, seconds / 60 % 60);
    *at++ = ':';
    at = put_time_digits(at, 2, seconds % 60);
    *at++ = '.';
    at = put_time_digits(at, 7, (uint32_t)(rest % FHS_TICKS_PER_SECOND));
    *at++ = 'Z';
    *at = '\0';
}

void fhs_iot_time_write(int64_t ticks, fhs_buf *out)
{
    char text[FHS_IOT_TIME_LEN + 1];
    fhs_iot_time_format(ticks, text);
    fhs_buf_add(out, text, FHS_IOT_TIME_LEN);
}

static void write_id(fhs_buf *out, const char *name, fhs_str text)
{
    if (text.ptr != NULL) {
        fhs_buf_add_cstr(out, name);
        fhs_json_write_string(out, text);
    }
}

void fhs_iot_measurement_write(const fhs_iot_measurement *measurement, fhs_buf *out)
{
    fhs_buf_add_cstr(out, "{\"type\":");
    fhs_json_write_string(out, measurement->type);
    fhs_buf_add_cstr(out, ",\"occurrenceTimeUtc\":\"");
    fhs_iot_time_write(measurement->time, out);
    fhs_buf_add_char(out, '"');
    if (measurement->ingested != FHS_IOT_NO_TIME) {
        fhs_buf_add_cstr(out, ",\"ingestionTimeUtc\":\"");
        fhs_iot_time_write(measurement->ingested, out);
        fhs_buf_add_char(out, '"');
    }
    write_id(out, ",\"deviceId\":", measurement->device_id);
    write_id(out, ",\"patientId\":", measurement->patient_id);
    write_id(out, ",\"encounterId\":", measurement->encounter_id);
    write_id(out, ",\"correlationId\":", measurement->correlation_id);
    fhs_buf_add_cstr(out, ",\"properties\":[");
    for (uint32_t i = 0; i < measurement->property_count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? "{\"name\":" : ",{\"name\":");
        fhs_json_write_string(out, measurement->properties[i].name);
        fhs_buf_add_cstr(out, ",\"value\":");
        fhs_json_write_string(out, measurement->properties[i].value);
        fhs_buf_add_char(out, '}');
    }
    fhs_buf_add_cstr(out, "]}");
}

/* ---- and back ---- */

static fhirstore_status not_a_measurement(const char *expected, fhirstore_error **err)
{
    return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "a measurement needs %s", expected);
}

/* A member that is a string or absent (or null). */
static bool take_id_text(const fhs_json *object, fhs_str name, fhs_str *out)
{
    const fhs_json *value = fhs_iot_member(object, name);
    *out = FHS_STR_NONE;
    if (value == NULL || value->type == FHS_JSON_NULL) {
        return true;
    }
    *out = value->type == FHS_JSON_STRING ? value->text : FHS_STR_NONE;
    return value->type == FHS_JSON_STRING;
}

static bool take_time_member(const fhs_json *object, fhs_str name, int64_t *out)
{
    fhs_str text;
    *out = FHS_IOT_NO_TIME;
    return take_id_text(object, name, &text) &&
           (text.ptr == NULL || fhs_expression_parse_time(text, out));
}

static bool take_property(const fhs_json *item, fhs_iot_property *out)
{
    return fhs_json_is(item, FHS_JSON_OBJECT) && take_id_text(item, FHS_LIT("name"), &out->name) &&
           take_id_text(item, FHS_LIT("value"), &out->value) && out->name.ptr != NULL &&
           out->value.ptr != NULL;
}

static fhirstore_status take_properties(fhs_arena *arena, const fhs_json *list,
                                        fhs_iot_measurement *out, fhirstore_error **err)
{
    if (list == NULL || list->type == FHS_JSON_NULL) {
        return FHIRSTORE_OK;
    }
    if (list->type != FHS_JSON_ARRAY) {
        return not_a_measurement("an array of properties", err);
    }
    fhs_iot_property *properties = fhs_arena_calloc(arena, (size_t)list->count + 1,
                                                    sizeof *properties);
    if (properties == NULL) {
        return fhs_fail_memory(err);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (!take_property(&list->items[i], &properties[i])) {
            return not_a_measurement("properties with a name and a value, both strings", err);
        }
    }
    out->properties = properties;
    out->property_count = list->count;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_iot_measurement_read(fhs_arena *arena, fhs_str text, fhs_iot_measurement *out,
                                          fhirstore_error **err)
{
    const fhs_json *root;
    *out = (fhs_iot_measurement){.ingested = FHS_IOT_NO_TIME, .template_index = -1};
    out->message_index = -1;
    fhs_str copy = fhs_arena_dup(arena, text);
    if (copy.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = fhs_json_read(arena, copy, NULL, &root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!fhs_json_is(root, FHS_JSON_OBJECT)) {
        return not_a_measurement("to be an object", err);
    }
    if (!take_id_text(root, FHS_LIT("type"), &out->type) || out->type.len == 0) {
        return not_a_measurement("a type, a string", err);
    }
    if (!take_time_member(root, FHS_LIT("occurrenceTimeUtc"), &out->time) ||
        out->time == FHS_IOT_NO_TIME) {
        return not_a_measurement("an occurrenceTimeUtc, an ISO 8601 time", err);
    }
    if (!take_time_member(root, FHS_LIT("ingestionTimeUtc"), &out->ingested)) {
        return not_a_measurement("an ISO 8601 time as ingestionTimeUtc, if it has one", err);
    }
    if (!take_id_text(root, FHS_LIT("deviceId"), &out->device_id) ||
        fhs_iot_is_blank(out->device_id)) {
        return not_a_measurement("a deviceId, a string", err);
    }
    if (!take_id_text(root, FHS_LIT("patientId"), &out->patient_id) ||
        !take_id_text(root, FHS_LIT("encounterId"), &out->encounter_id) ||
        !take_id_text(root, FHS_LIT("correlationId"), &out->correlation_id)) {
        return not_a_measurement("strings as ids", err);
    }
    return take_properties(arena, fhs_iot_member(root, FHS_LIT("properties")), out, err);
}
