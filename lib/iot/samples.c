/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/samples.h"

#include "base/decimal.h"
#include "fhir/reference.h"
#include "interact/find.h"
#include "iot/identity.h"
#include "iot/sampled.h"

#define SAMPLE_TICKS_PER_MS INT64_C(10000)

typedef struct samples_work {
    const fhs_iot_samples_query *query;
    bool any_system;
    fhs_str system;
    fhs_str code;
    fhs_arena arena; /* of the Observation at work */
    fhs_str id;      /* of it */
    fhs_buf *out;
    int64_t count;
} samples_work;

/* ---- rows ---- */

/* A field of CSV: quoted where it has to be. */
static void write_csv_field(fhs_buf *out, fhs_str text)
{
    bool is_plain = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        is_plain = is_plain && c != ',' && c != '"' && c != '\n' && c != '\r';
    }
    if (is_plain) {
        fhs_buf_add_str(out, text);
        return;
    }
    fhs_buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') {
            fhs_buf_add_char(out, '"');
        }
        fhs_buf_add_char(out, text.ptr[i]);
    }
    fhs_buf_add_char(out, '"');
}

static void write_csv_row(samples_work *work, int64_t time, fhs_str value, fhs_str unit)
{
    fhs_buf *out = work->out;
    fhs_iot_time_write(time, out);
    fhs_buf_add_char(out, ',');
    write_csv_field(out, value);
    fhs_buf_add_char(out, ',');
    write_csv_field(out, unit);
    fhs_buf_add_char(out, ',');
    write_csv_field(out, work->code);
    fhs_buf_add_cstr(out, ",Observation/");
    fhs_buf_add_str(out, work->id);
    fhs_buf_add_cstr(out, "\r\n");
}

/* @a is_number: @a value is a JSON number. */
static fhirstore_status write_sample_row(samples_work *work, int64_t time, fhs_str value,
                                         bool is_number, fhs_str unit)
{
    fhs_buf *out = work->out;
    if (time < work->query->from || time >= work->query->to) {
        return FHIRSTORE_OK;
    }
    work->count++;
    if (work->query->is_csv) {
        write_csv_row(work, time, value, unit);
        return fhs_buf_status(out);
    }
    fhs_buf_add_cstr(out, "{\"time\":\"");
    fhs_iot_time_write(time, out);
    fhs_buf_add_cstr(out, "\",\"value\":");
    if (is_number) {
        fhs_buf_add_str(out, value);
    } else {
        fhs_json_write_string(out, value);
    }
    if (unit.len > 0) {
        fhs_buf_add_cstr(out, ",\"unit\":");
        fhs_json_write_string(out, unit);
    }
    fhs_buf_add_cstr(out, ",\"code\":");
    fhs_json_write_string(out, work->code);
    fhs_buf_add_cstr(out, ",\"reference\":\"Observation/");
    fhs_buf_add_str(out, work->id);
    fhs_buf_add_cstr(out, "\"}\n");
    return fhs_buf_status(out);
}

/* ---- values ---- */

static fhs_str unit_of(const fhs_json *quantity)
{
    fhs_str unit = FHS_STR_NONE;
    if (!fhs_json_get_string(quantity, FHS_LIT("unit"), &unit)) {
        (void)fhs_json_get_string(quantity, FHS_LIT("code"), &unit);
    }
    return unit;
}

static bool decimal_member(const fhs_json *object, fhs_str name, fhs_decimal *out)
{
    const fhs_json *value = fhs_json_get(object, name);
    return fhs_json_is(value, FHS_JSON_NUMBER) && fhs_decimal_parse(value->text, out);
}

/* A sample stands for origin + factor × what is written; mostly that is what is written. */
static fhs_str scale_text(samples_work *work, const fhs_json *sampled, fhs_str text)
{
    fhs_decimal value;
    fhs_decimal factor;
    fhs_decimal origin;
    fhs_buf out = FHS_BUF_INIT(256);
    bool has_factor = decimal_member(sampled, FHS_LIT("factor"), &factor);
    bool has_origin = decimal_member(fhs_json_get(sampled, FHS_LIT("origin")), FHS_LIT("value"),
                                     &origin) &&
                      !fhs_decimal_is_zero(&origin);
    if ((!has_factor && !has_origin) || !fhs_decimal_parse(text, &value) ||
        (has_factor && !fhs_decimal_mul(&value, &factor, &value)) ||
        (has_origin && !fhs_decimal_add(&value, &origin, &value))) {
        return text;
    }
    fhs_decimal_write(&value, &out);
    fhs_str scaled = fhs_arena_dup(&work->arena, fhs_buf_str(&out));
    fhs_buf_clear(&out);
    return scaled.ptr == NULL ? text : scaled;
}

static bool period_ticks(const fhs_json *sampled, int64_t *out)
{
    const fhs_decimal scale = fhs_decimal_from_i64(SAMPLE_TICKS_PER_MS);
    fhs_decimal period;
    return decimal_member(sampled, FHS_LIT("period"), &period) &&
           fhs_decimal_mul(&period, &scale, &period) &&
           fhs_decimal_round(&period, 0, FHS_ROUND_DOWN, &period) &&
           fhs_decimal_to_i64(&period, out) && *out > 0;
}

static fhirstore_status write_samples(samples_work *work, const fhs_json *sampled, int64_t start,
                                      fhirstore_error **err)
{
    fhs_str data = FHS_STR_NONE;
    fhs_iot_sample *samples;
    size_t count;
    int64_t period;
    const fhs_json *dimensions = fhs_json_get(sampled, FHS_LIT("dimensions"));
    const fhs_str unit = unit_of(fhs_json_get(sampled, FHS_LIT("origin")));
    if (!fhs_json_get_string(sampled, FHS_LIT("data"), &data) || !period_ticks(sampled, &period) ||
        !fhs_json_is(dimensions, FHS_JSON_NUMBER) || !fhs_str_eq(dimensions->text, FHS_LIT("1"))) {
        return FHIRSTORE_OK; /* several values at a time are no rows of one value */
    }
    fhirstore_status status = fhs_iot_samples_decode(&work->arena, data, start, period, &samples,
                                                     &count, err);
    for (size_t i = 0; status >= FHIRSTORE_OK && i < count; i++) {
        fhs_decimal number;
        fhs_str text = scale_text(work, sampled, samples[i].text);
        status = write_sample_row(work, samples[i].time, text, fhs_decimal_parse(text, &number),
                                  unit);
    }
    return status;
}

/* The text of a concept, or its first code. */
static fhs_str text_of_concept(const fhs_json *concept)
{
    fhs_str text = FHS_STR_NONE;
    const fhs_json *codings = fhs_json_get(concept, FHS_LIT("coding"));
    if (!fhs_json_get_string(concept, FHS_LIT("text"), &text) &&
        fhs_json_is(codings, FHS_JSON_ARRAY) && codings->count > 0) {
        (void)fhs_json_get_string(&codings->items[0], FHS_LIT("code"), &text);
    }
    return text;
}

static fhirstore_status write_plain(samples_work *work, const fhs_json *holder, int64_t start)
{
    static const fhs_str texts[] = {FHS_LIT_INIT("valueString"), FHS_LIT_INIT("valueDateTime")};
    const fhs_json *quantity = fhs_json_get(holder, FHS_LIT("valueQuantity"));
    const fhs_json *number = fhs_json_get(quantity, FHS_LIT("value"));
    const fhs_json *whole = fhs_json_get(holder, FHS_LIT("valueInteger"));
    const fhs_json *truth = fhs_json_get(holder, FHS_LIT("valueBoolean"));
    const fhs_json *concept = fhs_json_get(holder, FHS_LIT("valueCodeableConcept"));
    fhs_str text;
    if (fhs_json_is(number, FHS_JSON_NUMBER)) {
        return write_sample_row(work, start, number->text, true, unit_of(quantity));
    }
    if (fhs_json_is(whole, FHS_JSON_NUMBER)) {
        return write_sample_row(work, start, whole->text, true, FHS_STR_NONE);
    }
    if (truth != NULL) {
        fhs_str word = truth->type == FHS_JSON_TRUE ? FHS_LIT("true") : FHS_LIT("false");
        return write_sample_row(work, start, word, true, FHS_STR_NONE);
    }
    for (size_t i = 0; i < FHS_COUNT_OF(texts); i++) {
        if (fhs_json_get_string(holder, texts[i], &text)) {
            return write_sample_row(work, start, text, false, FHS_STR_NONE);
        }
    }
    text = text_of_concept(concept);
    return text.len > 0 ? write_sample_row(work, start, text, false, FHS_STR_NONE) : FHIRSTORE_OK;
}

static fhirstore_status write_holder(samples_work *work, const fhs_json *holder, int64_t start,
                                     fhirstore_error **err)
{
    const fhs_json *sampled = fhs_json_get(holder, FHS_LIT("valueSampledData"));
    fhirstore_status status = sampled != NULL ? write_samples(work, sampled, start, err)
                                              : write_plain(work, holder, start);
    if (status < FHIRSTORE_OK && err != NULL && *err == NULL) {
        (void)fhs_fail_plain(err, status);
    }
    return status;
}

/* ---- Observations ---- */

static bool is_of_code(const samples_work *work, const fhs_json *holder)
{
    const fhs_json *codings = fhs_json_get(fhs_json_get(holder, FHS_LIT("code")),
                                           FHS_LIT("coding"));
    for (uint32_t i = 0; fhs_json_is(codings, FHS_JSON_ARRAY) && i < codings->count; i++) {
        fhs_str system = FHS_STR_NONE;
        fhs_str code = FHS_STR_NONE;
        (void)fhs_json_get_string(&codings->items[i], FHS_LIT("system"), &system);
        (void)fhs_json_get_string(&codings->items[i], FHS_LIT("code"), &code);
        if (fhs_str_eq(code, work->code) &&
            (work->any_system || fhs_str_eq(system, work->system))) {
            return true;
        }
    }
    return false;
}

static bool start_of(const fhs_json *root, int64_t *out)
{
    static const fhs_str single[] = {FHS_LIT_INIT("effectiveDateTime"),
                                     FHS_LIT_INIT("effectiveInstant")};
    const fhs_json *period = fhs_json_get(root, FHS_LIT("effectivePeriod"));
    fhs_str text = FHS_STR_NONE;
    fhs_date date;
    int64_t hi;
    (void)fhs_json_get_string(period, FHS_LIT("start"), &text);
    for (size_t i = 0; text.len == 0 && i < FHS_COUNT_OF(single); i++) {
        (void)fhs_json_get_string(root, single[i], &text);
    }
    if (!fhs_date_parse(text, FHS_DATE_FORM_DATETIME | FHS_DATE_FORM_DATE, &date)) {
        return false;
    }
    fhs_date_interval(&date, 0, out, &hi);
    return true;
}

static fhirstore_status write_observation(samples_work *work, const fhs_version *version,
                                          fhirstore_error **err)
{
    const fhs_json *root;
    int64_t start;
    fhs_arena_reset(&work->arena);
    work->id = version->id;
    fhirstore_status status = fhs_json_read(&work->arena, version->body, NULL, &root, err);
    if (status < FHIRSTORE_OK || !start_of(root, &start)) {
        return status;
    }
    if (is_of_code(work, root)) {
        status = write_holder(work, root, start, err);
    }
    const fhs_json *components = fhs_json_get(root, FHS_LIT("component"));
    const uint32_t count = fhs_json_is(components, FHS_JSON_ARRAY) ? components->count : 0;
    for (uint32_t i = 0; status >= FHIRSTORE_OK && i < count; i++) {
        if (is_of_code(work, &components->items[i])) {
            status = write_holder(work, &components->items[i], start, err);
        }
    }
    return status;
}

/* ---- the search ---- */

static void add_time(fhs_buf *out, const char *prefix, int64_t ticks)
{
    fhs_buf_add_cstr(out, prefix);
    fhs_instant_write(fhs_ticks_to_us(ticks), out);
}

static fhirstore_status write_samples_search(const samples_work *work, fhs_buf *out,
                                             fhirstore_error **err)
{
    const fhs_iot_samples_query *query = work->query;
    fhs_str id = query->patient;
    if (fhs_str_starts_with(id, FHS_LIT("Patient/"))) {
        id = fhs_str_from(id, sizeof "Patient/" - 1);
    }
    if (!fhs_id_is_valid(id)) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "samples are of a patient: expected an id");
    }
    if (work->code.len == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "samples are of a code: expected one");
    }
    fhs_buf_add_cstr(out, "patient=");
    fhs_buf_add_str(out, id);
    fhs_buf_add_cstr(out, "&combo-code=");
    if (!work->any_system && work->system.len == 0) {
        fhs_buf_add_cstr(out, "%7C"); /* codes without a system */
    }
    fhs_iot_token_write(work->system, work->code, out);
    if (query->from > FHS_TICK_MIN) {
        add_time(out, "&date=ge", query->from);
    }
    if (query->to < FHS_TICK_MAX) {
        add_time(out, "&date=lt", query->to);
    }
    fhs_buf_add_cstr(out, "&_sort=date");
    fhirstore_status status = fhs_buf_status(out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

static fhirstore_status walk_matches(fhs_session *session, samples_work *work, fhs_str text,
                                     fhirstore_error **err)
{
    fhs_search_cursor *cursor;
    const fhs_place place = {.type = fhs_type_find(session->core->fhir, FHS_LIT("Observation"))};
    fhirstore_status status = fhs_search_cursor_open(session, &place, text, &cursor, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    while ((status = fhs_search_cursor_next(cursor, err)) == FHIRSTORE_OK) {
        const fhs_version *match = fhs_search_cursor_match(cursor);
        status = write_observation(work, match, err);
        if (status < FHIRSTORE_OK) {
            break;
        }
    }
    fhs_search_cursor_close(cursor);
    return status;
}

fhirstore_status fhs_iot_samples(fhs_session *session, const fhs_iot_samples_query *query,
                                 fhs_buf *out, int64_t *count_out, fhirstore_error **err)
{
    samples_work work = {.query = query, .out = out};
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    work.any_system = !fhs_str_split(query->code, '|', &work.system, &work.code);
    work.code = work.any_system ? query->code : work.code;
    work.system = work.any_system ? FHS_STR_NONE : work.system;
    *count_out = 0;
    fhirstore_status status = write_samples_search(&work, &text, err);
    if (status >= FHIRSTORE_OK) {
        fhs_arena_init(&work.arena, SIZE_MAX);
        if (query->is_csv) {
            fhs_buf_add_cstr(out, "time,value,unit,code,reference\r\n");
        }
        status = walk_matches(session, &work, fhs_buf_str(&text), err);
        fhs_arena_clear(&work.arena);
    }
    fhs_buf_clear(&text);
    *count_out = work.count;
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}
