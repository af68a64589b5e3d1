/* SPDX-License-Identifier: Apache-2.0 */
/* Device messages through the public interface: mappings, identities, batches, samples. */
#include <stdio.h>

#include "harness.h"

#define DEVICE_TEXT                                                                          \
    "{\"templateType\":\"CollectionContent\",\"template\":[{\"templateType\":"               \
    "\"JsonPathContent\",\"template\":{\"typeName\":\"hr\",\"typeMatchExpression\":"         \
    "\"$..[?(@hr)]\",\"deviceIdExpression\":\"$.device\",\"patientIdExpression\":"           \
    "\"$.patient\",\"encounterIdExpression\":\"$.visit\",\"timestampExpression\":\"$.at\","  \
    "\"values\":[{\"valueName\":\"v\",\"valueExpression\":\"$.hr\",\"required\":true}]}},{"  \
    "\"templateType\":\"JsonPathContent\",\"template\":{\"typeName\":\"steps\","             \
    "\"typeMatchExpression\":\"$..[?(@steps)]\",\"deviceIdExpression\":\"$.device\","        \
    "\"timestampExpression\":\"$.at\",\"values\":[{\"valueName\":\"v\",\"valueExpression\":" \
    "\"$.count\",\"required\":true}]}}]}"
#define FHIR_TEXT                                                                             \
    "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\"," \
    "\"template\":{\"typeName\":\"HR\",\"codes\":[{\"code\":\"8867-4\",\"system\":"           \
    "\"http://loinc.org\"}],\"value\":{\"valueType\":\"Quantity\",\"valueName\":\"v\","       \
    "\"unit\":\"/min\"}}},{\"templateType\":\"CodeValueFhir\",\"template\":{\"typeName\":"    \
    "\"series\",\"periodInterval\":60,\"codes\":[{\"code\":\"S\",\"system\":"                 \
    "\"http://example.org\"}],\"value\":{\"valueType\":\"SampledData\",\"valueName\":\"v\","  \
    "\"unit\":\"x\",\"defaultPeriod\":60000}}}]}"

static fhirstore_iot_mapping *device;
static fhirstore_iot_mapping *fhir;
static fhirstore_buf report;
static fhirstore_iot_totals totals;

static fhirstore_iot_mapping *load(int32_t kind, const char *text)
{
    fhirstore_iot_mapping *mapping = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_iot_mapping_load(kind, text, strlen(text), 0, &mapping,
                                                         NULL, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s",
                  error == NULL ? "" : fhirstore_error_message(error));
    return mapping;
}

static void set_up(void)
{
    clock_us = INT64_C(1700000000) * SECOND;
    setup_clocked_store();
    device = load(FHIRSTORE_IOT_DEVICE, DEVICE_TEXT);
    fhir = load(FHIRSTORE_IOT_FHIR, FHIR_TEXT);
}

static void tear_down(void)
{
    fhirstore_buf_clear(&report);
    fhirstore_iot_mapping_free(device);
    fhirstore_iot_mapping_free(fhir);
    teardown();
}

static fhirstore_status ingest_as(fhirstore_session *who, int32_t identity, uint32_t flags,
                                  const char *lines, fhirstore_error **error)
{
    fhirstore_iot_options options = FHIRSTORE_IOT_OPTIONS_INIT;
    options.identity = identity;
    options.flags = flags;
    totals = (fhirstore_iot_totals)FHIRSTORE_IOT_TOTALS_INIT;
    return fhirstore_iot_ingest(who, fhir, &options, lines, strlen(lines), &report, &totals, error);
}

static void ingest(int32_t identity, const char *lines)
{
    fhirstore_error *error = NULL;
    fhirstore_status status = ingest_as(session, identity, 0, lines, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s",
                  error == NULL ? "" : fhirstore_error_message(error));
}

#define expect_in_report(needle)                                                                   \
    ck_assert_msg(report.ptr != NULL && strstr(report.ptr, needle) != NULL, "no %s in %s", needle, \
                  report.ptr == NULL ? "(nothing)" : report.ptr)

#define LINE(type, more)                                                                  \
    "{\"type\":\"" type "\",\"occurrenceTimeUtc\":\"2024-01-01T10:00:00Z\",\"deviceId\":" \
    "\"deviceId\",\"properties\":[{\"name\":\"v\",\"value\":\"70\"}]" more "}\n"

#define AT(time, value)                                                                \
    "{\"type\":\"series\",\"occurrenceTimeUtc\":\"2024-01-01T" time "\",\"deviceId\":" \
    "\"deviceId\",\"properties\":[{\"name\":\"v\",\"value\":\"" value "\"}]}\n"

/* ---- mappings ---- */

static const struct {
    int32_t kind;
    const char *text;
    const char *fault; /* in its report */
} bad_mappings[] = {
    {FHIRSTORE_IOT_DEVICE, "", "is not JSON"},
    {FHIRSTORE_IOT_DEVICE, "{", "is not JSON"},
    {FHIRSTORE_IOT_DEVICE, "[]", "Expected an object"},
    {FHIRSTORE_IOT_DEVICE, "{\"templateType\":\"CollectionFhir\",\"template\":[]}",
     "Expected TemplateType value CollectionContentTemplate, actual CollectionFhir"},
    {FHIRSTORE_IOT_DEVICE, "{\"templateType\":\"CollectionContent\",\"template\":{}}",
     "Expected an array for the template property value"},
    {FHIRSTORE_IOT_DEVICE, "{\"templateType\":\"CollectionContent\",\"template\":[1]}",
     "\"template\":0"},
    {FHIRSTORE_IOT_DEVICE,
     "{\"templateType\":\"CollectionContent\",\n\"template\":[{\"templateType\":\"X\","
     "\"template\":{}}]}",
     "No match found for template type X\",\"template\":0,\"line\":2"},
    {FHIRSTORE_IOT_DEVICE,
     "{\"templateType\":\"CollectionContent\",\"template\":[{\"templateType\":\"JsonPathContent\","
     "\"template\":{\"typeName\":\"a\",\"typeMatchExpression\":\"$..[?(@a\","
     "\"deviceIdExpression\":\"$.d\",\"timestampExpression\":\"$.t\"}}]}",
     "\"kind\":\"TemplateExpression\""},
    {FHIRSTORE_IOT_DEVICE,
     "{\"templateType\":\"CollectionContent\",\"template\":[{\"templateType\":"
     "\"CalculatedContent\",\"template\":{\"typeName\":\"a\",\"typeMatchExpression\":{\"value\":"
     "\"nope(@)\",\"language\":\"JmesPath\"},\"deviceIdExpression\":\"$.d\","
     "\"timestampExpression\":\"$.t\"}}]}",
     "\"kind\":\"TemplateExpression\""},
    {FHIRSTORE_IOT_FHIR,
     "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
     "\"template\":{\"typeName\":\" \",\"codes\":[]}}]}",
     "'TypeName' is blank"},
    {FHIRSTORE_IOT_FHIR,
     "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
     "\"template\":{\"typeName\":\"a\",\"codes\":[],\"periodInterval\":30}}]}",
     "'PeriodInterval' is 0"},
    {FHIRSTORE_IOT_FHIR,
     "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
     "\"template\":{\"typeName\":\"a\",\"codes\":[],\"value\":{\"valueType\":\"SampledData\","
     "\"valueName\":\"v\",\"defaultPeriod\":0}}}]}",
     "'DefaultPeriod' is a number of milliseconds above 0"},
    {FHIRSTORE_IOT_FHIR,
     "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
     "\"template\":{\"typeName\":\"a\",\"codes\":[],\"value\":{\"valueType\":\"Colour\"}}}]}",
     "Unexpected value type: 'Colour'."},
    {FHIRSTORE_IOT_FHIR,
     "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
     "\"template\":{\"typeName\":\"a\",\"codes\":[],\"components\":[{\"codes\":[]}]}}]}",
     "Required property 'Value' not found in JSON."},
    {FHIRSTORE_IOT_FHIR,
     "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
     "\"template\":{\"typeName\":\"a\",\"codes\":[],\"colour\":1}}]}",
     "Could not find member 'colour'"},
    {FHIRSTORE_IOT_FHIR,
     "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
     "\"template\":{\"typeName\":\"a\",\"codes\":[],\"value\":{\"valueType\":\"Quantity\","
     "\"valueName\":\"v\",\"code\":\"kg\",\"fromCode\":\"Cel\"}}}]}",
     "not UCUM codes of the same kind"},
};

START_TEST(a_mapping_with_faults_does_not_load)
{
    fhirstore_iot_mapping *mapping = NULL;
    fhirstore_error *error = NULL;
    const char *text = bad_mappings[_i].text;
    fhirstore_status status = fhirstore_iot_mapping_load(bad_mappings[_i].kind, text, strlen(text),
                                                         0, &mapping, &report, &error);
    ck_assert_int_eq(status, FHIRSTORE_ERR_IOT_MAPPING);
    ck_assert_ptr_null(mapping);
    ck_assert_ptr_nonnull(error);
    expect_in_report(bad_mappings[_i].fault);
    fhirstore_error_free(error);
}
END_TEST

START_TEST(what_is_sound_of_a_mapping_can_be_kept)
{
    static const char text[] =
        "\xEF\xBB\xBF// with a mark, comments and commas\n{\"TEMPLATETYPE\":\"collectioncontent\","
        "\"template\":[{\"templateType\":\"JsonPathContent\",\"template\":{}},/* none */"
        "{\"templateType\":\"JsonPathContent\",\"template\":{\"TypeName\":\"a\","
        "\"typeMatchExpression\":\"$..[?(@a)]\",\"deviceIdExpression\":\"$.d\","
        "\"timestampExpression\":\"$.t\",}},]}";
    fhirstore_iot_mapping *mapping = NULL;
    fhirstore_buf out = {0};
    ck_assert_int_eq(fhirstore_iot_mapping_load(FHIRSTORE_IOT_DEVICE, text, strlen(text),
                                                FHIRSTORE_IOT_PARTIAL, &mapping, &report, NULL),
                     FHIRSTORE_OK);
    expect_in_report("Required property 'TypeMatchExpression' not found in JSON.");
    static const char message[] = "{\"a\":1,\"d\":\"x\",\"t\":\"2024-01-01\"}";
    ck_assert_int_eq(
        fhirstore_iot_normalise(mapping, message, strlen(message), 0, &out, NULL, NULL),
        FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"deviceId\":\"x\",\"properties\":[]"));
    fhirstore_buf_clear(&out);
    fhirstore_iot_mapping_free(mapping);
    ck_assert_int_eq(fhirstore_iot_mapping_load(FHIRSTORE_IOT_DEVICE, "{}", 2,
                                                FHIRSTORE_IOT_PARTIAL, &mapping, NULL, NULL),
                     FHIRSTORE_ERR_IOT_MAPPING);
}
END_TEST

START_TEST(strict_mappings_know_nothing_beyond_the_original)
{
    static const char *const texts[] = {
        "\"effective\":\"dateTime\"", "\"profile\":\"http://example.org/p\"",
        "\"method\":{\"text\":\"m\"}", "\"value\":{\"valueType\":\"Integer\",\"valueName\":\"v\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[512];
        fhirstore_iot_mapping *mapping = NULL;
        (void)snprintf(text, sizeof text,
                       "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":"
                       "\"CodeValueFhir\",\"template\":{\"typeName\":\"a\",\"codes\":[],%s}}]}",
                       texts[i]);
        fhirstore_iot_mapping_free(load(FHIRSTORE_IOT_FHIR, text));
        ck_assert_int_eq(fhirstore_iot_mapping_load(FHIRSTORE_IOT_FHIR, text, strlen(text),
                                                    FHIRSTORE_IOT_STRICT, &mapping, NULL, NULL),
                         FHIRSTORE_ERR_IOT_MAPPING);
    }
}
END_TEST

START_TEST(arguments_that_cannot_be_are_refused)
{
    fhirstore_iot_mapping *mapping = NULL;
    fhirstore_buf out = {0};
    fhirstore_iot_options options = FHIRSTORE_IOT_OPTIONS_INIT;
    fhirstore_iot_samples_options samples = FHIRSTORE_IOT_SAMPLES_OPTIONS_INIT;
    fhirstore_iot_totals none = {0};
    const fhirstore_status bad = FHIRSTORE_ERR_INVALID_ARG;
    ck_assert_int_eq(fhirstore_iot_mapping_load(3, "{}", 2, 0, &mapping, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_mapping_load(1, "{}", 2, 64, &mapping, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_mapping_load(1, NULL, 2, 0, &mapping, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_mapping_load(1, "{}", 2, 0, NULL, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_normalise(NULL, "{}", 2, 0, &out, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_normalise(fhir, "{}", 2, 0, &out, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_normalise(device, "{}", 2, 1, &out, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_normalise(device, "{}", 2, 0, NULL, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_normalise_event(device, NULL, 0, &out, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_mapping_check(fhir, NULL, NULL, 0, 0, &out, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_mapping_check(device, device, NULL, 0, 0, &out, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_ingest(session, device, NULL, "", 0, NULL, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_ingest(NULL, fhir, NULL, "", 0, NULL, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_ingest(session, fhir, NULL, "", 0, NULL, &none, NULL),
                     FHIRSTORE_ERR_ABI);
    options.identity = 7;
    ck_assert_int_eq(fhirstore_iot_ingest(session, fhir, &options, "", 0, NULL, NULL, NULL), bad);
    options.identity = 0;
    options.flags = FHIRSTORE_IOT_PARTIAL;
    ck_assert_int_eq(fhirstore_iot_ingest(session, fhir, &options, "", 0, NULL, NULL, NULL), bad);
    ck_assert_int_eq(
        fhirstore_iot_ingest_events(session, device, fhir, NULL, NULL, 1, NULL, NULL, NULL), bad);
    ck_assert_int_eq(fhirstore_iot_samples(session, &samples, NULL, NULL, NULL, NULL), bad);
    fhirstore_buf_clear(&out);
}
END_TEST

/* ---- messages ---- */

START_TEST(a_fault_ends_its_message_and_keeps_what_was_measured)
{
    static const char message[] =
        "{\"hr\":70,\"steps\":1,\"device\":\"d\",\"at\":\"2024-01-01T10:00:00+02:00\"}";
    fhirstore_buf out = {0};
    ck_assert_int_eq(
        fhirstore_iot_normalise(device, message, strlen(message), 0, &out, &report, NULL),
        FHIRSTORE_OK);
    ck_assert_str_eq(out.ptr,
                     "{\"type\":\"hr\",\"occurrenceTimeUtc\":\"2024-01-01T08:00:00.0000000Z\""
                     ",\"deviceId\":\"d\",\"properties\":[{\"name\":\"v\",\"value\":\"70\"}]}\n");
    expect_in_report("\"kind\":\"IncompatibleData\"");
    expect_in_report("Unable to extract required value for [v]");
    expect_in_report("\"template\":1,\"type\":\"steps\",\"match\":0,\"field\":\"v\",\"line\":1");
    fhirstore_buf_clear(&out);
}
END_TEST

static const struct {
    const char *body;
    const char *measured; /* in the measurements; NULL: there are none */
    const char *fault;    /* in the faults; NULL: none */
} bodies[] = {
    {"", NULL, NULL},
    {"null", NULL, NULL},
    {"\xEF\xBB\xBF[{\"hr\":1.50,\"device\":\"d\",\"at\":\"2024-01-01\"}]", "\"value\":\"1.5\"",
     NULL},
    {"[{\"hr\":1,\"device\":\"d\",\"at\":\"2024-01-01\"}]} and more", "\"value\":\"1\"", NULL},
    {"[{\"hr\":1,\"device\":\"d\",\"at\":\"2024-01-01T24:00:01Z\"}]", NULL,
     "[TimestampExpression]"},
    {"[{\"hr\":1,\"device\":\" \",\"at\":\"2024-01-01\"}]", NULL, "[DeviceIdExpression]"},
    {"[{\"hr\":{},\"device\":\"d\",\"at\":\"2024-01-01\"}]", NULL, "[v]"},
    {"[{\"hr\":1", NULL, "InvalidDataFormat"},
    {"\"a", NULL, "InvalidDataFormat"},
    {"[{\"hr\":1,\"hr\":2,\"device\":\"d\",\"at\":\"2024-01-01\"}]", "\"value\":\"2\"", NULL},
    {"nonsense", NULL, "InvalidDataFormat"},
};

START_TEST(an_event_is_put_into_its_envelope)
{
    const fhirstore_iot_event event = {.body = bodies[_i].body,
                                       .body_len = strlen(bodies[_i].body)};
    fhirstore_buf out = {0};
    ck_assert_int_eq(fhirstore_iot_normalise_event(device, &event, 0, &out, &report, NULL),
                     FHIRSTORE_OK);
    if (bodies[_i].measured == NULL) {
        ck_assert_uint_eq(out.len, 0);
    } else {
        ck_assert_ptr_nonnull(strstr(out.ptr, bodies[_i].measured));
    }
    if (bodies[_i].fault == NULL) {
        ck_assert_uint_eq(report.len, 0);
    } else {
        expect_in_report(bodies[_i].fault);
    }
    fhirstore_buf_clear(&out);
}
END_TEST

START_TEST(a_check_says_what_does_not_fit)
{
    static const char messages[] = "{\"HR\":1,\"device\":\"d\",\"at\":\"2024-01-01\"}\n"
                                   "{\"hr\":1,\"device\":\"d\",\"at\":\"2024-01-01\"}\n"
                                   "{\"hr\":\"x\",\"device\":\"d\",\"at\":\"2024-01-01\"}\n"
                                   "{\"hr\":\"y\",\"device\":\"d\",\"at\":\"2024-01-01\"}\n";
    const char *before = state_of_store();
    ck_assert_int_eq(
        fhirstore_iot_mapping_check(device, fhir, messages, strlen(messages), 0, &report, NULL),
        FHIRSTORE_OK);
    expect_in_report("No matching Fhir Template exists for Device Mapping [steps]");
    expect_in_report("the expression asks for \\\"hr\\\", the message has \\\"HR\\\"");
    expect_in_report("\"kind\":\"InvalidQuantityFhirValue\"");
    expect_in_report("\"count\":2");
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

/* ---- identities ---- */

static void put(const char *type, const char *id, const char *members)
{
    char body[512];
    (void)snprintf(body, sizeof body, "{\"resourceType\":\"%s\",\"id\":\"%s\"%s}", type, id,
                   members);
    const reply answer = update(type, id, body);
    ck_assert_msg(answer.status >= FHIRSTORE_OK, "%s", answer.body);
}

#define DEVICE_ID  ",\"identifier\":[{\"value\":\"deviceId\"}]"
#define OF_PATIENT ",\"patient\":{\"reference\":\"Patient/p\"}"

static const struct {
    int32_t identity;
    uint32_t flags;
    const char *device;  /* members of Device/d; NULL: there is none */
    const char *line;    /* members of the measurement */
    const char *outcome; /* in the report */
    int created;         /* Observations */
} identities[] = {
    {0, 0, NULL, "", "FhirResourceNotFound(Device)", 0},
    {0, 0, DEVICE_ID, "", "FhirResourceNotFound(Patient)", 0},
    {0, 0, DEVICE_ID ",\"patient\":{\"reference\":\"Patient/p/_history/1\"}", "",
     "FhirResourceNotFound(Patient)", 0},
    {0, 0, DEVICE_ID OF_PATIENT, "", "created", 1},
    {0, 0, DEVICE_ID OF_PATIENT, ",\"patientId\":\"somebody else\"", "created", 1},
    {0, 0, DEVICE_ID OF_PATIENT, ",\"encounterId\":\"visit\"", "created", 1},
    {0, 0, DEVICE_ID OF_PATIENT, ",\"encounterId\":\"no visit\"", "FhirResourceNotFound(Encounter)",
     0},
    {2, 0, DEVICE_ID OF_PATIENT, ",\"encounterId\":\"visit\"", "created", 1},
    {2, 0, DEVICE_ID OF_PATIENT, "", "ResourceIdentityNotDefined(Encounter)", 0},
    {1, 0, NULL, "", "ResourceIdentityNotDefined(Patient)", 0},
    {1, 0, NULL, ",\"patientId\":\"patientId\"", "created", 1},
    {1, 0, DEVICE_ID, ",\"patientId\":\"mine\"", "created", 1},
    {1, 0, DEVICE_ID OF_PATIENT, ",\"patientId\":\"mine\"", "created", 1},
    {1, 0, DEVICE_ID OF_PATIENT, "", "created", 1},
    {1, 0, DEVICE_ID OF_PATIENT, ",\"patientId\":\"somebody else\"", "PatientDeviceMismatch", 0},
    {1, FHIRSTORE_IOT_STRICT, DEVICE_ID OF_PATIENT, ",\"patientId\":\"somebody else\"", "created",
     1},
    {1, 0, DEVICE_ID ",\"patient\":{\"reference\":\"http://elsewhere/Patient/p\"}",
     ",\"patientId\":\"mine\"", "PatientDeviceMismatch", 0},
};

START_TEST(ids_become_resources)
{
    char line[512];
    put("Patient", "p", ",\"identifier\":[{\"value\":\"mine\"}]");
    put("Encounter", "e",
        ",\"identifier\":[{\"value\":\"visit\"}],\"status\":\"in-progress\",\"class\":{\"code\":"
        "\"HH\"}");
    if (identities[_i].device != NULL) {
        put("Device", "d", identities[_i].device);
    }
    (void)snprintf(line, sizeof line, LINE("hr", "%s"), identities[_i].line);
    ck_assert_int_eq(ingest_as(session, identities[_i].identity, identities[_i].flags, line, NULL),
                     FHIRSTORE_OK);
    expect_in_report(identities[_i].outcome);
    ck_assert_int_eq(totals.created, identities[_i].created);
    ck_assert_int_eq(totals.failed, 1 - identities[_i].created);
    ck_assert_int_eq(count_of("Observation", ""), identities[_i].created);
}
END_TEST

START_TEST(what_is_created_has_the_ids_of_old)
{
    fhirstore_iot_options options = FHIRSTORE_IOT_OPTIONS_INIT;
    static const char line[] = LINE("hr", ",\"patientId\":\"patientId\"");
    options.identity = FHIRSTORE_IOT_CREATE;
    options.device_system = "mySystem";
    options.device_system_len = 8;
    ck_assert_int_eq(
        fhirstore_iot_ingest(session, fhir, &options, line, strlen(line), NULL, NULL, NULL),
        FHIRSTORE_OK);
    const reply patient = read_one(
        "Patient", "bf7c741785b9bbaa3e63dd3637c0acb9caa211351ff2ca17d9474c20c1cdb683");
    const reply made = read_one("Device",
                                "fd6eb28968a94406c73e4c3b6f05a142f71e3a1a27f3cf9435019cae48069afa");
    expect_text(patient, "identifier.0.value", "patientId");
    expect_text(made, "identifier.0.system", "mySystem");
    expect_text(made, "patient.reference",
                "Patient/bf7c741785b9bbaa3e63dd3637c0acb9caa211351ff2ca17d9474c20c1cdb683");
}
END_TEST

START_TEST(two_devices_of_one_identifier_are_too_many)
{
    put("Patient", "p", "");
    put("Device", "d1", DEVICE_ID OF_PATIENT);
    put("Device", "d2", DEVICE_ID OF_PATIENT);
    ingest(FHIRSTORE_IOT_LOOKUP, LINE("hr", ""));
    expect_in_report("MultipleResourceFound");
    ck_assert_int_eq(count_of("Observation", ""), 0);
}
END_TEST

/* ---- batches ---- */

static void seed(void)
{
    put("Patient", "p", "");
    put("Device", "d", DEVICE_ID OF_PATIENT);
}

START_TEST(the_same_again_writes_nothing)
{
    seed();
    ingest(FHIRSTORE_IOT_LOOKUP, LINE("hr", "") LINE("series", ""));
    ck_assert_int_eq(totals.created, 2);
    const char *before = state_of_store();
    clock_us += 5 * SECOND;
    ingest(FHIRSTORE_IOT_LOOKUP, LINE("hr", "") LINE("series", ""));
    ck_assert_int_eq(totals.unchanged, 2);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(a_group_that_fails_does_not_stop_the_others)
{
    seed();
    ingest(FHIRSTORE_IOT_LOOKUP, LINE("unknown", "") "not a measurement\n" LINE("hr", "")
                                     LINE("series", ",\"patientId\":7"));
    ck_assert_int_eq(totals.messages, 4);
    ck_assert_int_eq(totals.faults, 2);
    ck_assert_int_eq(totals.created, 1);
    ck_assert_int_eq(totals.failed, 1);
    expect_in_report("\"kind\":\"TemplateNotFound\"");
    expect_in_report("line 2");
    expect_in_report("line 4: a measurement needs strings as ids");
    expect_in_report("\"group\":\"created\"");
}
END_TEST

START_TEST(stores_of_r5_take_no_measurements)
{
    fhirstore_open_options options = open_options();
    options.fhir_version = FHIRSTORE_FHIR_R5;
    fhirstore *other = must_open(in_folder("r5"), &options);
    fhirstore_session *within = must_enter(other, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "tester");
    ck_assert_int_eq(ingest_as(within, 0, 0, LINE("hr", ""), NULL), FHIRSTORE_ERR_NOT_SUPPORTED);
    fhirstore_session_close(within);
    fhirstore_close(other);
}
END_TEST

START_TEST(the_later_arrival_counts)
{
    static const char lines[] =
        "{\"type\":\"hr\",\"occurrenceTimeUtc\":\"2024-01-01T10:00:00Z\",\"ingestionTimeUtc\":"
        "\"2024-01-01T11:00:01Z\",\"deviceId\":\"deviceId\",\"properties\":[{\"name\":\"v\","
        "\"value\":\"2\"}]}\n"
        "{\"Type\":\"hr\",\"OccurrenceTimeUtc\":\"2024-01-01T10:00:00Z\",\"IngestionTimeUtc\":"
        "\"2024-01-01T11:00:00Z\",\"DeviceId\":\"deviceId\",\"Properties\":[{\"Name\":\"v\","
        "\"Value\":\"1\"}]}\n";
    seed();
    ingest(FHIRSTORE_IOT_LOOKUP, lines);
    ck_assert_int_eq(totals.created, 1);
    expect_text(search_page("Observation", ""), "entry.0.resource.valueQuantity.value", "2");
}
END_TEST

START_TEST(fractions_of_a_second_may_tell_readings_apart)
{
    static const char lines[] =
        "{\"type\":\"hr\",\"occurrenceTimeUtc\":\"2024-01-01T10:00:00.1Z\",\"deviceId\":"
        "\"deviceId\",\"properties\":[{\"name\":\"v\",\"value\":\"1\"}]}\n"
        "{\"type\":\"hr\",\"occurrenceTimeUtc\":\"2024-01-01T10:00:00.2Z\",\"deviceId\":"
        "\"deviceId\",\"properties\":[{\"name\":\"v\",\"value\":\"2\"}]}\n";
    seed();
    ck_assert_int_eq(ingest_as(session, 0, FHIRSTORE_IOT_FRACTION, lines, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(totals.created, 2);
    ck_assert_int_eq(ingest_as(session, 0, 0, lines, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(totals.created, 1);
    ck_assert_int_eq(totals.updated, 1);
}
END_TEST

START_TEST(a_changed_identifier_does_not_cost_what_is_stored)
{
    char body[4096];
    seed();
    ingest(FHIRSTORE_IOT_LOOKUP, AT("10:00:00Z", "1"));
    const reply found = search_page("Observation", "");
    const char *id = text_at(&found, "entry.0.resource.id");
    const reply old = read_one("Observation", id);
    const char *place = strstr(old.body, "\"identifier\":[{");
    (void)snprintf(body, sizeof body, "%.*s\"identifier\":[{\"use\":\"old\",%s",
                   (int)(place - old.body), old.body, place + strlen("\"identifier\":[{"));
    expect_status(update("Observation", id, body), FHIRSTORE_OK);
    ingest(FHIRSTORE_IOT_LOOKUP, AT("10:01:00Z", "2"));
    ck_assert_int_eq(totals.updated, 1);
    const reply merged = read_one("Observation", id);
    ck_assert(has_text(&merged, "\"data\":\"1 2 E "));
}
END_TEST

START_TEST(strict_samples_are_any_text_and_stay_text)
{
    static const char line[] = AT("10:00:00Z", "a\\\",\\\"status\\\":\\\"x");
    seed();
    ck_assert_int_eq(ingest_as(session, 0, 0, line, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(totals.failed, 1);
    ck_assert_int_eq(ingest_as(session, 0, FHIRSTORE_IOT_STRICT, line, NULL), FHIRSTORE_OK);
    const reply found = search_page("Observation", "");
    if (totals.created == 1) {
        expect_text(found, "entry.0.resource.status", "final");
    }
    ck_assert_int_eq(totals.created + totals.failed, 1);
}
END_TEST

START_TEST(two_observations_of_one_identifier_are_too_many)
{
    seed();
    ingest(FHIRSTORE_IOT_LOOKUP, LINE("hr", ""));
    const reply found = search_page("Observation", "");
    char body[4096];
    const char *resource = strstr(found.body, "\"identifier\":");
    (void)snprintf(body, sizeof body, "{\"resourceType\":\"Observation\",\"id\":\"copy\",%.*s",
                   (int)(strstr(resource, ",\"search\"") - resource), resource);
    expect_status(update("Observation", "copy", body), FHIRSTORE_CREATED);
    ingest(FHIRSTORE_IOT_LOOKUP, LINE("hr", ""));
    expect_in_report("MultipleResourceFound");
}
END_TEST

START_TEST(events_are_normalised_and_stored_at_once)
{
    static const char good[] =
        "[{\"hr\":70,\"device\":\"deviceId\",\"at\":\"2024-01-01T10:00:00Z\"}]";
    const fhirstore_iot_event events[] = {
        {.body = good, .body_len = strlen(good), .enqueued_us = clock_us},
        {.body = "[", .body_len = 1},
        {.body = "{}", .body_len = 2},
    };
    seed();
    totals = (fhirstore_iot_totals)FHIRSTORE_IOT_TOTALS_INIT;
    ck_assert_int_eq(
        fhirstore_iot_ingest_events(session, device, fhir, NULL, events, 3, &report, &totals, NULL),
        FHIRSTORE_OK);
    ck_assert_int_eq(totals.messages, 3);
    ck_assert_int_eq(totals.faults, 1);
    ck_assert_int_eq(totals.dropped, 1);
    ck_assert_int_eq(totals.created, 1);
    expect_in_report("{\"message\":0,\"measurements\":1}");
    expect_in_report("{\"message\":1,\"measurements\":0,\"fault\":{");
    expect_in_report("{\"message\":2,\"measurements\":0}");
    expect_text(search_page("Observation", ""), "entry.0.resource.issued",
                "2023-11-14T22:13:20.000Z");
}
END_TEST

/* ---- rights ---- */

static fhirstore_session *enter_as(const char *claims)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *opened = NULL;
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_set_policy(store, NULL, 0, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &opened, NULL), FHIRSTORE_OK);
    return opened;
}

static const struct {
    const char *claims;
    const char *outcome;
    int created;
} principals[] = {
    {"{\"id\":\"a\",\"scope\":\"system/Device.rs system/Patient.rs system/Observation.cruds\"}",
     "\"group\":\"created\"", 1},
    /* May not write Observations. */
    {"{\"id\":\"a\",\"scope\":\"system/Device.rs system/Patient.rs system/Observation.rs\"}",
     "\"kind\":\"StoreRefused\"", 0},
    /* May not read Devices. */
    {"{\"id\":\"a\",\"scope\":\"system/Patient.rs system/Observation.cruds\"}",
     "FhirResourceNotFound(Device)", 0},
    /* May not read Patients. */
    {"{\"id\":\"a\",\"scope\":\"system/Device.rs system/Observation.cruds\"}",
     "FhirResourceNotFound(Patient)", 0},
    /* Is bound to another patient. */
    {"{\"id\":\"a\",\"scope\":\"system/Device.rs patient/Patient.rs patient/Observation.cruds\","
     "\"patient\":\"q\"}",
     "FhirResourceNotFound(Patient)", 0},
};

START_TEST(a_principal_writes_what_it_may)
{
    seed();
    put("Patient", "q", "");
    const char *before = state_of_store();
    fhirstore_session *within = enter_as(principals[_i].claims);
    fhirstore_error *error = NULL;
    fhirstore_status status = ingest_as(within, 0, 0, LINE("hr", ""), &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s",
                  error == NULL ? "" : fhirstore_error_message(error));
    expect_in_report(principals[_i].outcome);
    ck_assert_int_eq(totals.created, principals[_i].created);
    if (principals[_i].created == 0) {
        ck_assert_str_eq(before, state_of_store());
    }
    fhirstore_session_close(within);
}
END_TEST

START_TEST(a_role_needs_the_right_to_convert)
{
    static const char *const actions[] = {"\"read\",\"search\",\"create\",\"update\"",
                                          "\"read\",\"search\",\"create\",\"update\",\"convert\""};
    seed();
    for (int i = 0; i < 2; i++) {
        char policy[256];
        const char *before = state_of_store();
        fhirstore_session *within = enter_as("{\"id\":\"a\",\"roles\":[\"r\"]}");
        (void)snprintf(policy, sizeof policy,
                       "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[%s]}]}}}", actions[i]);
        ck_assert_int_eq(fhirstore_set_policy(store, policy, strlen(policy), NULL), FHIRSTORE_OK);
        const fhirstore_status status = ingest_as(within, 0, 0, LINE("hr", ""), NULL);
        ck_assert_int_eq(status, i == 0 ? FHIRSTORE_ERR_DENIED : FHIRSTORE_OK);
        ck_assert(i == 1 || strcmp(before, state_of_store()) == 0);
        fhirstore_session_close(within);
    }
}
END_TEST

START_TEST(who_may_only_create_changes_nothing)
{
    seed();
    fhirstore_session *within = enter_as(
        "{\"id\":\"a\",\"scope\":\"system/Device.rs system/Patient.rs system/Observation.c\"}");
    ck_assert_int_eq(ingest_as(within, 0, 0, LINE("series", ""), NULL), FHIRSTORE_OK);
    ck_assert_int_eq(totals.created, 1);
    const char *before = state_of_store();
    ck_assert_int_eq(ingest_as(within, 0, 0, AT("10:05:00Z", "2"), NULL), FHIRSTORE_OK);
    ck_assert_int_eq(totals.failed, 1);
    expect_in_report("\"kind\":\"StoreRefused\"");
    ck_assert_str_eq(before, state_of_store());
    fhirstore_session_close(within);
}
END_TEST

START_TEST(nothing_is_created_in_the_place_of_what_is_hidden)
{
    seed();
    const char *before = state_of_store();
    fhirstore_session *within = enter_as(
        "{\"id\":\"a\",\"scope\":\"system/Device.cruds system/Observation.cruds\"}");
    ck_assert_int_eq(
        ingest_as(within, FHIRSTORE_IOT_CREATE, 0, LINE("hr", ",\"patientId\":\"n\""), NULL),
        FHIRSTORE_OK);
    ck_assert_int_eq(totals.failed, 1);
    ck_assert_str_eq(before, state_of_store());
    fhirstore_session_close(within);
}
END_TEST

/* ---- samples ---- */

static char rows[4096];

static fhirstore_status take_rows(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    (void)snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "%.*s", (int)len, text);
    return FHIRSTORE_OK;
}

static fhirstore_status refuse_rows(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    (void)text;
    (void)len;
    return FHIRSTORE_ERR_CALLBACK;
}

static fhirstore_iot_samples_options which(const char *patient, const char *code, int32_t format)
{
    fhirstore_iot_samples_options options = FHIRSTORE_IOT_SAMPLES_OPTIONS_INIT;
    options.patient = patient;
    options.patient_len = strlen(patient);
    options.code = code;
    options.code_len = strlen(code);
    options.format = format;
    rows[0] = '\0';
    return options;
}

START_TEST(samples_come_out_as_rows)
{
    int64_t count = 0;
    seed();
    ingest(FHIRSTORE_IOT_LOOKUP, AT("10:00:00Z", "1") AT("10:02:30Z", "2.50") AT("11:59:59Z", "U"));
    fhirstore_iot_samples_options options = which("p", "http://example.org|S", FHIRSTORE_IOT_CSV);
    ck_assert_int_eq(fhirstore_iot_samples(session, &options, take_rows, NULL, &count, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(count, 3);
    ck_assert_ptr_eq(strstr(rows, "time,value,unit,code,reference\r\n"), rows);
    ck_assert_ptr_nonnull(strstr(rows, "2024-01-01T10:02:00.0000000Z,2.50,x,S,Observation/"));
    ck_assert_ptr_nonnull(strstr(rows, "2024-01-01T11:59:00.0000000Z,U,x,S,Observation/"));
    options = which("Patient/p", "S", FHIRSTORE_IOT_NDJSON);
    options.from_us = INT64_C(1704103260) * SECOND; /* 10:01 */
    options.to_us = INT64_C(1704103380) * SECOND;   /* 10:03 */
    ck_assert_int_eq(fhirstore_iot_samples(session, &options, take_rows, NULL, &count, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(count, 1);
    ck_assert_ptr_eq(strstr(rows,
                            "{\"time\":\"2024-01-01T10:02:00.0000000Z\",\"value\":2.50,\"unit\":"
                            "\"x\",\"code\":\"S\",\"reference\":\"Observation/"),
                     rows);
    options = which("p", "|S", FHIRSTORE_IOT_NDJSON);
    ck_assert_int_eq(fhirstore_iot_samples(session, &options, take_rows, NULL, &count, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(count, 0);
    options = which("p", "S", FHIRSTORE_IOT_NDJSON);
    ck_assert_int_eq(fhirstore_iot_samples(session, &options, refuse_rows, NULL, NULL, NULL),
                     FHIRSTORE_ERR_CALLBACK);
    options = which("p/q", "S", FHIRSTORE_IOT_NDJSON);
    ck_assert_int_eq(fhirstore_iot_samples(session, &options, take_rows, NULL, NULL, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    options = which("p", "", FHIRSTORE_IOT_NDJSON);
    ck_assert_int_eq(fhirstore_iot_samples(session, &options, take_rows, NULL, NULL, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

START_TEST(samples_of_others_are_not_there)
{
    int64_t count = -1;
    seed();
    put("Patient", "q", "");
    ingest(FHIRSTORE_IOT_LOOKUP, AT("10:00:00Z", "1"));
    fhirstore_session *within = enter_as(
        "{\"id\":\"a\",\"scope\":\"patient/*.rs\",\"patient\":\"q\"}");
    const fhirstore_iot_samples_options options = which("p", "S", FHIRSTORE_IOT_NDJSON);
    ck_assert_int_eq(fhirstore_iot_samples(within, &options, take_rows, NULL, &count, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(count, 0);
    ck_assert_str_eq(rows, "");
    fhirstore_session_close(within);
}
END_TEST

/* ---- audit ---- */

static int heard[32];
static int heard_count;
static fhirstore_status hook_answer;

static fhirstore_status hear(void *ctx, const fhirstore_audit_event *event)
{
    (void)ctx;
    if (heard_count < 32) {
        heard[heard_count++] = event->action;
    }
    return event->action == FHIRSTORE_ACTION_CREATE ? hook_answer : FHIRSTORE_OK;
}

static bool was_heard(int action)
{
    for (int i = 0; i < heard_count; i++) {
        if (heard[i] == action) {
            return true;
        }
    }
    return false;
}

START_TEST(each_group_is_recorded_and_a_refusal_undoes_the_batch)
{
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .record = hear};
    seed();
    heard_count = 0;
    hook_answer = FHIRSTORE_OK;
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    ingest(FHIRSTORE_IOT_LOOKUP, LINE("hr", ""));
    ck_assert(was_heard(FHIRSTORE_ACTION_SEARCH));
    ck_assert(was_heard(FHIRSTORE_ACTION_CREATE));
    ck_assert(was_heard(FHIRSTORE_ACTION_CONVERT));
    const char *before = state_of_store();
    hook_answer = FHIRSTORE_ERR_CALLBACK;
    ck_assert_int_eq(ingest_as(session, 0, 0, LINE("series", ""), NULL),
                     FHIRSTORE_ERR_AUDIT_REFUSED);
    ck_assert_int_eq(totals.created, 0);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

static void add_loop(TCase *tcase, const TTest *tested, size_t count)
{
    tcase_add_loop_test(tcase, tested, 0, (int)count);
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    Suite *suite = suite_create("iot");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    add_loop(tcase, a_mapping_with_faults_does_not_load,
             sizeof bad_mappings / sizeof *bad_mappings);
    tcase_add_test(tcase, what_is_sound_of_a_mapping_can_be_kept);
    tcase_add_test(tcase, strict_mappings_know_nothing_beyond_the_original);
    tcase_add_test(tcase, arguments_that_cannot_be_are_refused);
    tcase_add_test(tcase, a_fault_ends_its_message_and_keeps_what_was_measured);
    add_loop(tcase, an_event_is_put_into_its_envelope, sizeof bodies / sizeof *bodies);
    tcase_add_test(tcase, a_check_says_what_does_not_fit);
    add_loop(tcase, ids_become_resources, sizeof identities / sizeof *identities);
    tcase_add_test(tcase, what_is_created_has_the_ids_of_old);
    tcase_add_test(tcase, two_devices_of_one_identifier_are_too_many);
    tcase_add_test(tcase, the_same_again_writes_nothing);
    tcase_add_test(tcase, a_group_that_fails_does_not_stop_the_others);
    tcase_add_test(tcase, stores_of_r5_take_no_measurements);
    tcase_add_test(tcase, the_later_arrival_counts);
    tcase_add_test(tcase, fractions_of_a_second_may_tell_readings_apart);
    tcase_add_test(tcase, a_changed_identifier_does_not_cost_what_is_stored);
    tcase_add_test(tcase, strict_samples_are_any_text_and_stay_text);
    tcase_add_test(tcase, two_observations_of_one_identifier_are_too_many);
    tcase_add_test(tcase, events_are_normalised_and_stored_at_once);
    add_loop(tcase, a_principal_writes_what_it_may, sizeof principals / sizeof *principals);
    tcase_add_test(tcase, who_may_only_create_changes_nothing);
    tcase_add_test(tcase, a_role_needs_the_right_to_convert);
    tcase_add_test(tcase, nothing_is_created_in_the_place_of_what_is_hidden);
    tcase_add_test(tcase, samples_come_out_as_rows);
    tcase_add_test(tcase, samples_of_others_are_not_there);
    tcase_add_test(tcase, each_group_is_recorded_and_a_refusal_undoes_the_batch);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
