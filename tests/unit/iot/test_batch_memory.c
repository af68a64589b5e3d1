/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of loading, checking, ingesting and of samples fails once: it says so, nothing of
 * the batch is stored, and the next one works. */
#include "base/limits.h"
#include "base/mem.h"
#include "failing_alloc.h"
#include "interact/interact.h"
#include "iot/batch.h"
#include "iot/check.h"
#include "iot/samples.h"
#include "own_core.h"

static const char device_text[] =
    "{\"templateType\":\"CollectionContent\",\"template\":[{\"templateType\":\"CalculatedContent\","
    "\"template\":{\"typeName\":\"a\",\"typeMatchExpression\":\"$.Body[?(@v)]\","
    "\"deviceIdExpression\":\"$.matchedToken.d\",\"timestampExpression\":\"$.matchedToken.t\","
    "\"patientIdExpression\":\"$.matchedToken.p\",\"values\":[{\"valueName\":\"v\","
    "\"valueExpression\":{\"value\":\"multiply(matchedToken.v, "
    "`2`)\",\"language\":\"JmesPath\"}}]}}"
    "]}";
static const char faulty_text[] =
    "{\"templateType\":\"CollectionContent\",\"template\":[{\"templateType\":\"JsonPathContent\","
    "\"template\":{\"typeMatchExpression\":\"$[\",\"nope\":1}}]}";
static const char fhir_text[] =
    "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
    "\"template\":{\"typeName\":\"a\",\"periodInterval\":60,\"category\":[{\"text\":\"c\"}],"
    "\"codes\":[{\"code\":\"x\"}],\"value\":{\"valueType\":\"SampledData\",\"valueName\":\"v\","
    "\"defaultPeriod\":60000},\"components\":[{\"codes\":[{\"code\":\"y\"}],\"value\":{"
    "\"valueType\":\"SampledData\",\"valueName\":\"v\",\"defaultPeriod\":600000}}]}}]}";

static fhs_iot_mapping *device;
static fhs_iot_mapping *fhir;

static void set_up(void)
{
    const fhs_core_options options = new_core_options();
    open_core(&options);
    ck_assert_int_eq(fhs_iot_mapping_new(false, FHS_LIT(device_text), 0, &device, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_iot_mapping_new(true, FHS_LIT(fhir_text), 0, &fhir, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(device->faults.count + fhir->faults.count, 0);
}

static void tear_down(void)
{
    fhs_iot_mapping_free(device);
    fhs_iot_mapping_free(fhir);
    close_core();
}

START_TEST(loading_fails_or_tells_every_fault)
{
    static const struct {
        bool is_fhir;
        fhs_str text;
        uint32_t faults;
    } texts[] = {
        {false, FHS_LIT_INIT(device_text), 0},
        {false, FHS_LIT_INIT(faulty_text), 5},
        {true, FHS_LIT_INIT(fhir_text), 0},
    };
    fhirstore_status status = FHIRSTORE_ERR_NO_MEMORY;
    for (int64_t at = 1; status == FHIRSTORE_ERR_NO_MEMORY; at++) {
        fhs_iot_mapping *mapping = NULL;
        fhirstore_error *err = NULL;
        left_until_failure = at;
        status = fhs_iot_mapping_new(texts[_i].is_fhir, texts[_i].text, 0, &mapping, &err);
        left_until_failure = 0;
        ck_assert((mapping == NULL) == (status < FHIRSTORE_OK));
        ck_assert((err != NULL) == (status < FHIRSTORE_OK));
        ck_assert_int_lt(at, 1000);
        if (status == FHIRSTORE_OK) {
            ck_assert_uint_eq(mapping->faults.count, texts[_i].faults);
        }
        fhs_error_free(err);
        fhs_iot_mapping_free(mapping);
    }
    ck_assert_int_eq(status, FHIRSTORE_OK);
}
END_TEST

static int64_t count_of(const char *type)
{
    int64_t count = -1;
    const fhs_place place = {.type = fhs_type_find(core->fhir, fhs_str_from_cstr(type))};
    ck_assert_int_eq(fhs_interact_search_total(session, &place, FHS_STR_NONE, &count, NULL),
                     FHIRSTORE_OK);
    return count;
}

/* Ingest with each allocation failing in turn; the result of the run that went through. */
static fhs_iot_batch_totals ingest_until_it_works(const char *body, int64_t observations)
{
    const fhs_iot_event events[] = {{.body = fhs_str_from_cstr(body), .enqueued = FHS_IOT_NO_TIME}};
    const fhs_iot_ingesting how = {.mapping = &fhir->fhir, .mode = FHS_IOT_CREATE, .now_us = 1};
    const fhs_iot_batch batch = {.how = &how, .device = device, .events = events, .event_count = 1};
    fhs_iot_batch_totals totals = {.messages = 0};
    bool has_failed = true;
    for (int64_t at = 1; has_failed; at++) {
        fhs_buf report = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
        fhirstore_error *err = NULL;
        left_until_failure = at;
        fhirstore_status status = fhs_iot_batch_ingest(session, &batch, &report, &totals, &err);
        has_failed = left_until_failure == 0;
        left_until_failure = 0;
        ck_assert((err != NULL) == (status < FHIRSTORE_OK));
        ck_assert_int_lt(at, 20000);
        fhs_error_free(err);
        fhs_buf_clear(&report);
        if (status >= FHIRSTORE_OK) {
            break;
        }
        ck_assert_int_eq(status, FHIRSTORE_ERR_NO_MEMORY);
        ck_assert_int_eq(count_of("Observation"), observations);
    }
    return totals;
}

START_TEST(a_batch_is_stored_or_leaves_nothing)
{
    fhs_iot_batch_totals totals = ingest_until_it_works(
        "[{\"d\":\"d\",\"p\":\"p\",\"t\":\"2024-01-01T10:00:00Z\",\"v\":1},{\"d\":\"d\",\"p\":"
        "\"p\","
        "\"t\":\"2024-01-01T12:00:00Z\",\"v\":2}]",
        0);
    ck_assert_int_eq(totals.groups.failed, 0);
    ck_assert_int_eq(count_of("Observation"), 2);
    ck_assert_int_eq(count_of("Patient") + count_of("Device"), 2);
    totals = ingest_until_it_works(
        "[{\"d\":\"d\",\"p\":\"p\",\"t\":\"2024-01-01T10:30:00Z\",\"v\":3}]", 2);
    ck_assert_int_eq(totals.groups.failed, 0);
    ck_assert_int_eq(count_of("Observation"), 2);
}
END_TEST

START_TEST(a_check_and_samples_say_so)
{
    static const char messages[] = "{\"Body\":[{\"d\":\"d\",\"t\":\"2024-01-01T10:00:00Z\",\"v\":1}"
                                   "]}\n{\"Body\":[{\"V\":1}]}\n";
    const fhs_iot_samples_query query = {
        .patient = FHS_LIT("148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"),
        .code = FHS_LIT("x"),
        .from = FHS_TICK_MIN,
        .to = FHS_TICK_MAX};
    (void)ingest_until_it_works(
        "[{\"d\":\"d\",\"p\":\"p\",\"t\":\"2024-01-01T10:00:00Z\",\"v\":1}]", 0);
    fhirstore_status status = FHIRSTORE_ERR_NO_MEMORY;
    for (int64_t at = 1; status == FHIRSTORE_ERR_NO_MEMORY; at++) {
        fhs_arena arena;
        fhs_iot_faults faults;
        fhs_buf rows = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
        int64_t count;
        fhs_arena_init(&arena, SIZE_MAX);
        fhs_iot_faults_init(&faults, &arena);
        const fhs_iot_checking checking = {
            .device = &device->device, .fhir = &fhir->fhir, .faults = &faults};
        left_until_failure = at;
        status = fhs_iot_check(&checking, FHS_LIT(messages), NULL);
        if (status >= FHIRSTORE_OK) {
            status = fhs_iot_samples(session, &query, &rows, &count, NULL);
        }
        left_until_failure = 0;
        ck_assert_int_lt(at, 20000);
        fhs_buf_clear(&rows);
        fhs_arena_clear(&arena);
    }
    ck_assert_int_eq(status, FHIRSTORE_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("iot/batch_memory");
    TCase *tests = tcase_create("memory");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, loading_fails_or_tells_every_fault, 0, 3);
    tcase_add_test(tests, a_batch_is_stored_or_leaves_nothing);
    tcase_add_test(tests, a_check_and_samples_say_so);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
