/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs device mapping cases that do not ship with the project. usage: iot DIR
 * DIR/cases.json: {cases: [{id, stage, …}]}, files that they name are in DIR/files. Each failing
 * case is printed, then "N passed, N failed".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "iot/fhir_mapping.h"
#include "iot/normalise.h"

static fhs_str cases_text;
static const char *folder;
static unsigned passed;
static unsigned failed;
static char why_failed[4096];

#define FAIL_CASE(...) ((void)snprintf(why_failed, sizeof why_failed, __VA_ARGS__), false)

static fhs_str read_file(fhs_arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    fhs_str text = FHS_STR_NONE;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        long len = ftell(file);
        rewind(file);
        char *bytes = len < 0 ? NULL : fhs_arena_alloc(arena, (size_t)len + 1);
        text = fhs_str_of(bytes, bytes == NULL ? 0 : fread(bytes, 1, (size_t)len, file));
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}

/* The text that a case gives inline or by the name of a file. */
static fhs_str text_of(fhs_arena *arena, const fhs_json *source)
{
    char path[1024];
    fhs_str name;
    const fhs_json *inlined = fhs_json_get(source, FHS_LIT("inline"));
    if (inlined != NULL) {
        return fhs_str_of(cases_text.ptr + inlined->begin, inlined->end - inlined->begin);
    }
    if (!fhs_json_get_string(source, FHS_LIT("file"), &name)) {
        return FHS_STR_NONE;
    }
    (void)snprintf(path, sizeof path, "%s/files/%.*s", folder, FHS_STR_ARG(name));
    return read_file(arena, path);
}

static fhs_str wrapped(fhs_arena *arena, fhs_str text, const char *collection)
{
    fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    if (fhs_str_starts_with(text, FHS_LIT("\xEF\xBB\xBF"))) {
        text = fhs_str_from(text, 3);
    }
    fhs_buf_addf(&buf, "{\"templateType\":\"%s\",\"template\":[", collection);
    fhs_buf_add_str(&buf, text);
    fhs_buf_add_cstr(&buf, "]}");
    fhs_str out = fhs_arena_dup(arena, fhs_buf_str(&buf));
    fhs_buf_clear(&buf);
    return out;
}

/* ---- errors that a case wants ---- */

static bool any_fault_has(const fhs_iot_faults *faults, fhs_str needle)
{
    for (const fhs_iot_fault *fault = faults->first; fault != NULL; fault = fault->next) {
        if (fhs_str_find(fault->message, needle) <= fault->message.len) {
            return true;
        }
    }
    return false;
}

static bool faults_have_all(const fhs_iot_faults *faults, const fhs_json *wanted)
{
    const bool is_list = fhs_json_is(wanted, FHS_JSON_ARRAY);
    const uint32_t count = is_list ? wanted->count : fhs_json_is(wanted, FHS_JSON_STRING);
    for (uint32_t i = 0; i < count; i++) {
        const fhs_str needle = is_list ? wanted->items[i].text : wanted->text;
        if (!any_fault_has(faults, needle)) {
            return FAIL_CASE("no error tells of \"%.*s\"", FHS_STR_ARG(needle));
        }
    }
    return true;
}

/* ---- loading ---- */

static bool run_load(fhs_arena *arena, const fhs_json *item, bool is_fhir)
{
    fhs_iot_faults faults;
    fhs_iot_device_mapping device;
    fhs_iot_fhir_mapping fhir;
    const fhs_json *source = fhs_json_get(item, FHS_LIT("template"));
    const fhs_json *expect = fhs_json_get(item, FHS_LIT("expect"));
    fhs_str text = text_of(arena, source);
    if (fhs_json_is(fhs_json_get(source, FHS_LIT("wrapInCollection")), FHS_JSON_TRUE)) {
        text = wrapped(arena, text, is_fhir ? "CollectionFhir" : "CollectionContent");
    }
    fhs_iot_faults_init(&faults, arena);
    fhirstore_status status = is_fhir ? fhs_iot_fhir_load(arena, text, 0, &faults, &fhir, NULL)
                                      : fhs_iot_device_load(arena, text, &faults, &device, NULL);
    if (status < FHIRSTORE_OK) {
        return FAIL_CASE("status %d", status);
    }
    bool is_valid = fhs_json_is(fhs_json_get(expect, FHS_LIT("valid")), FHS_JSON_TRUE);
    if (is_valid != (faults.count == 0)) {
        return FAIL_CASE("%u errors, first: %.*s", faults.count,
                         FHS_STR_ARG(faults.first == NULL ? FHS_STR_NONE : faults.first->message));
    }
    return faults_have_all(&faults, fhs_json_get(expect, FHS_LIT("errorContains")));
}

/* ---- normalising ---- */

typedef struct expected_run {
    const fhs_json *list; /* measurements; NULL: none are looked at */
    const fhs_json *compare;
    uint32_t seen;
    bool ok;
} expected_run;

static bool same_id(const fhs_json *wanted, fhs_str name, fhs_str got)
{
    const fhs_json *value = fhs_json_get(wanted, name);
    bool is_none = value == NULL || value->type == FHS_JSON_NULL;
    return is_none ? got.ptr == NULL : got.ptr != NULL && fhs_str_eq(value->text, got);
}

static bool same_number(fhs_str a, fhs_str b)
{
    char x[64];
    char y[64];
    (void)snprintf(x, sizeof x, "%.*s", FHS_STR_ARG(a));
    (void)snprintf(y, sizeof y, "%.*s", FHS_STR_ARG(b));
    return fabs(strtod(x, NULL) - strtod(y, NULL)) < 0.00005;
}

static bool same_properties(const fhs_json *wanted, const fhs_json *compare,
                            const fhs_iot_measurement *got)
{
    const fhs_json *list = fhs_json_get(wanted, FHS_LIT("properties"));
    if (list == NULL || list->count != got->property_count) {
        return false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        fhs_str name = FHS_STR_NONE;
        fhs_str value = FHS_STR_NONE;
        (void)fhs_json_get_string(&list->items[i], FHS_LIT("name"), &name);
        (void)fhs_json_get_string(&list->items[i], FHS_LIT("value"), &value);
        bool is_numeric = fhs_json_get(compare, name) != NULL;
        if (!fhs_str_eq(name, got->properties[i].name) ||
            (is_numeric ? !same_number(value, got->properties[i].value)
                        : !fhs_str_eq(value, got->properties[i].value))) {
            return false;
        }
    }
    return true;
}

static fhirstore_status compare_measurement(void *ctx, const fhs_iot_measurement *got)
{
    expected_run *run = ctx;
    char time[FHS_IOT_TIME_LEN + 1];
    const uint32_t index = run->seen++;
    if (run->list == NULL || index >= run->list->count) {
        run->ok = run->ok && run->list == NULL;
        return FHIRSTORE_OK;
    }
    const fhs_json *wanted = &run->list->items[index];
    fhs_iot_time_format(got->time, time);
    if (!same_id(wanted, FHS_LIT("type"), got->type) ||
        !same_id(wanted, FHS_LIT("deviceId"), got->device_id) ||
        !same_id(wanted, FHS_LIT("occurrenceTimeUtc"), fhs_str_from_cstr(time)) ||
        !same_id(wanted, FHS_LIT("patientId"), got->patient_id) ||
        !same_id(wanted, FHS_LIT("encounterId"), got->encounter_id) ||
        !same_id(wanted, FHS_LIT("correlationId"), got->correlation_id) ||
        !same_properties(wanted, run->compare, got)) {
        fhs_buf text = FHS_BUF_INIT(2048);
        fhs_iot_measurement_write(got, &text);
        run->ok = FAIL_CASE("measurement %u is %.*s", index, FHS_STR_ARG(fhs_buf_str(&text)));
        fhs_buf_clear(&text);
    }
    return FHIRSTORE_OK;
}

static bool run_normalise(fhs_arena *arena, const fhs_json *item)
{
    fhs_iot_faults faults;
    fhs_iot_faults told;
    fhs_iot_device_mapping mapping;
    fhs_arena scratch;
    const fhs_json *expect = fhs_json_get(item, FHS_LIT("expect"));
    const fhs_json *error = fhs_json_get(expect, FHS_LIT("error"));
    expected_run run = {.list = fhs_json_get(expect, FHS_LIT("measurements")),
                        .compare = fhs_json_get(item, FHS_LIT("compare")),
                        .ok = true};
    fhs_iot_faults_init(&faults, arena);
    fhs_iot_faults_init(&told, arena);
    fhs_arena_init(&scratch, FHS_LIMIT_IOT_BYTES);
    fhs_iot_normaliser normaliser = {.mapping = &mapping,
                                     .scratch = &scratch,
                                     .faults = &told,
                                     .emit = compare_measurement,
                                     .ctx = &run};
    fhs_str text = text_of(arena, fhs_json_get(item, FHS_LIT("template")));
    fhirstore_status status = fhs_iot_device_load(arena, text, &faults, &mapping, NULL);
    if (status >= FHIRSTORE_OK) {
        text = text_of(arena, fhs_json_get(item, FHS_LIT("message")));
        status = fhs_iot_normalise(&normaliser, text, FHS_IOT_NO_TIME, NULL);
    }
    fhs_arena_clear(&scratch);
    if (status < FHIRSTORE_OK) {
        return FAIL_CASE("status %d", status);
    }
    if (error != NULL) {
        bool is_it = told.first != NULL &&
                     fhs_str_eq(fhs_str_from_cstr(told.first->kind), error->text);
        return is_it ? faults_have_all(&told, fhs_json_get(item, FHS_LIT("errorContains")))
                     : FAIL_CASE("no such error");
    }
    if (told.first != NULL) {
        return FAIL_CASE("%s: %.*s", told.first->kind, FHS_STR_ARG(told.first->message));
    }
    if (run.ok && run.seen != run.list->count) {
        return FAIL_CASE("%u measurements, wanted %u", run.seen, run.list->count);
    }
    return run.ok;
}

/* ---- JMESPath functions ---- */

static bool same_result(const fhs_json *expect, const fhs_json *got)
{
    const fhs_json *wanted = fhs_json_get(expect, FHS_LIT("result"));
    fhs_str type = FHS_STR_NONE;
    int64_t a;
    int64_t b;
    double x;
    double y;
    (void)fhs_json_get_string(expect, FHS_LIT("type"), &type);
    if (fhs_str_eq(type, FHS_LIT("integer"))) {
        return fhs_expression_integer(wanted, &a) && fhs_expression_integer(got, &b) && a == b;
    }
    if (fhs_str_eq(type, FHS_LIT("float"))) {
        return fhs_expression_kind_of(got) == FHS_EXPRESSION_DOUBLE &&
               fhs_expression_double(wanted, &x) && fhs_expression_double(got, &y) &&
               fabs(x - y) <= 0.001;
    }
    if (fhs_str_eq(type, FHS_LIT("date"))) {
        return fhs_expression_to_ticks(wanted, &a) == FHS_EXPRESSION_CONVERTED &&
               fhs_expression_to_ticks(got, &b) == FHS_EXPRESSION_CONVERTED && a == b;
    }
    return fhs_json_equal(wanted, got);
}

static bool run_jmespath(fhs_arena *arena, const fhs_json *item)
{
    const fhs_json *expect = fhs_json_get(item, FHS_LIT("expect"));
    const bool wants_error = fhs_json_get(expect, FHS_LIT("error")) != NULL;
    const fhs_json *data = fhs_json_get(item, FHS_LIT("data"));
    const fhs_jmespath *expression;
    fhs_jmespath_result result = {0};
    fhirstore_error *err = NULL;
    fhs_expression_run run;
    fhs_str text = FHS_STR_NONE;
    (void)fhs_json_get_string(item, FHS_LIT("expression"), &text);
    fhirstore_status status = fhs_jmespath_compile(arena, text, &expression, &err);
    if (status >= FHIRSTORE_OK) {
        fhs_expression_run_init(&run, arena);
        status = fhs_jmespath_evaluate(expression, &run, data, &result, &err);
    }
    bool ok = wants_error == (status < FHIRSTORE_OK);
    if (!ok) {
        (void)FAIL_CASE("status %d: %s", status, err == NULL ? "" : fhs_error_message(err));
    } else if (!wants_error && !same_result(expect, result.value)) {
        ok = FAIL_CASE("another result");
    }
    fhs_error_free(err);
    return ok;
}

static bool run_case(fhs_arena *arena, const fhs_json *item)
{
    fhs_str stage = FHS_STR_NONE;
    (void)fhs_json_get_string(item, FHS_LIT("stage"), &stage);
    if (fhs_str_eq(stage, FHS_LIT("normalize"))) {
        return run_normalise(arena, item);
    }
    if (fhs_str_eq(stage, FHS_LIT("load-device"))) {
        return run_load(arena, item, false);
    }
    if (fhs_str_eq(stage, FHS_LIT("load-fhir"))) {
        return run_load(arena, item, true);
    }
    return fhs_str_eq(stage, FHS_LIT("jmespath")) ? run_jmespath(arena, item)
                                                  : FAIL_CASE("unknown stage");
}

int main(int argc, char **argv)
{
    fhs_arena arena;
    fhs_arena work;
    const fhs_json *root = NULL;
    char path[1024];
    if (argc != 2) {
        (void)fprintf(stderr, "usage: iot DIR\n");
        return 2;
    }
    folder = argv[1];
    fhs_arena_init(&arena, SIZE_MAX);
    fhs_arena_init(&work, SIZE_MAX);
    (void)snprintf(path, sizeof path, "%s/cases.json", folder);
    cases_text = read_file(&arena, path);
    if (fhs_json_read(&arena, cases_text, NULL, &root, NULL) < FHIRSTORE_OK) {
        (void)fprintf(stderr, "iot: %s cannot be read\n", path);
        return 2;
    }
    const fhs_json *cases = fhs_json_get(root, FHS_LIT("cases"));
    for (uint32_t i = 0; cases != NULL && i < cases->count; i++) {
        fhs_str id = FHS_STR_NONE;
        fhs_arena_reset(&work);
        (void)fhs_json_get_string(&cases->items[i], FHS_LIT("id"), &id);
        why_failed[0] = '\0';
        if (run_case(&work, &cases->items[i])) {
            passed++;
        } else {
            failed++;
            (void)printf("FAILED %.*s: %s\n", FHS_STR_ARG(id), why_failed);
        }
    }
    (void)printf("%u passed, %u failed\n", passed, failed);
    fhs_arena_clear(&work);
    fhs_arena_clear(&arena);
    return failed > 0 || passed == 0;
}
