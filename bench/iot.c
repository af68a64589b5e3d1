/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device messages normalised a second of the processor: bench_iot [SECONDS]. A message of a
 * kilobyte, in the envelope of a broker, against ten templates in both languages, of which four
 * match.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "iot/normalise.h"

#define PATH_TEMPLATE(type, field)                                                          \
    "{\"templateType\":\"CalculatedContent\",\"template\":{\"typeName\":\"" type "\","      \
    "\"typeMatchExpression\":\"$..[?(@." field ")]\",\"deviceIdExpression\":"               \
    "\"$.Body.deviceId\",\"timestampExpression\":\"$.matchedToken.time\",\"values\":[{"     \
    "\"required\":\"true\",\"valueName\":\"v\",\"valueExpression\":\"$.matchedToken." field \
    "\"}]}}"
#define JMES_TEMPLATE(type, field)                                                     \
    "{\"templateType\":\"CalculatedContent\",\"template\":{\"typeName\":\"" type "\"," \
    "\"defaultExpressionLanguage\":\"JmesPath\",\"typeMatchExpression\":"              \
    "\"Body.readings[?" field "]\",\"deviceIdExpression\":\"Body.deviceId\","          \
    "\"timestampExpression\":\"matchedToken.time\",\"values\":[{\"required\":true,"    \
    "\"valueName\":\"v\",\"valueExpression\":\"multiply(matchedToken." field ", `0.5`)\"}]}}"
#define HUB_TEMPLATE(type, field)                                                         \
    "{\"templateType\":\"IotJsonPathContent\",\"template\":{\"typeName\":\"" type "\","   \
    "\"typeMatchExpression\":\"$..[?(@Body." field ")]\",\"values\":[{\"required\":true," \
    "\"valueName\":\"v\",\"valueExpression\":\"$.Body." field "\"}]}}"

static const char mapping_text[] =
    "{\"templateType\":\"CollectionContent\",\"template\":[" PATH_TEMPLATE("heartrate", "heartRate") "," PATH_TEMPLATE("steps", "steps") "," PATH_TEMPLATE("spo2", "spo2") "," PATH_TEMPLATE(
        "weight",
        "weight") "," PATH_TEMPLATE("glucose",
                                    "glucose") "," JMES_TEMPLATE("bp",
                                                                 "systolic") "," JMES_TEMPLATE("tem"
                                                                                               "per"
                                                                                               "atu"
                                                                                               "re",
                                                                                               "tem"
                                                                                               "per"
                                                                                               "atu"
                                                                                               "re") "," JMES_TEMPLATE("sleep",
                                                                                                                       "slee"
                                                                                                                       "p") "," HUB_TEMPLATE("battery",
                                                                                                                                             "battery") "," HUB_TEMPLATE("fall",
                                                                                                                                                                         "fall") "]}";

static const char message_text[] =
    "{\"Body\":{\"deviceId\":\"d-0001\",\"battery\":87,\"firmware\":{\"version\":\"4.11.2\","
    "\"channel\":\"stable\",\"flags\":[\"a\",\"b\",\"c\"]},\"readings\":[{\"time\":"
    "\"2021-07-13T17:29:01.125Z\",\"heartRate\":78,\"quality\":0.98,\"source\":\"wrist\"},{"
    "\"time\":\"2021-07-13T17:29:02.250Z\",\"steps\":14,\"cadence\":96.5,\"source\":\"wrist\"},{"
    "\"time\":\"2021-07-13T17:29:03.000Z\",\"systolic\":121,\"diastolic\":79,\"map\":93.2,"
    "\"source\":\"cuff\",\"comment\":\"seated, left arm, after five minutes of rest\"}],"
    "\"location\":{\"kind\":\"home\",\"room\":\"living room\",\"floor\":1},\"notes\":["
    "\"calibrated 2021-07-01\",\"strap replaced\",\"nothing else to report for this device, worn "
    "day and night, charged on Sundays, next service in spring\"]},"
    "\"Properties\":{\"iothub-creation-time-utc\":\"2021-07-13T17:29:05.000Z\",\"content-type\":"
    "\"application/json\",\"correlation\":\"7a1d8c52-6c2a-4a63-9e1b-5cb1a2b8a111\"},"
    "\"SystemProperties\":{\"iothub-connection-device-id\":\"d-0001\",\"iothub-enqueuedtime\":"
    "\"2021-07-13T17:29:05.512Z\",\"iothub-connection-auth-method\":\"x509\",\"x-opt-offset\":"
    "\"4294967296\",\"x-opt-sequence-number\":1234567}}";

static double now_seconds(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static fhirstore_status count_one(void *ctx, const fhs_iot_measurement *measurement)
{
    (void)measurement;
    ++*(int64_t *)ctx;
    return FHIRSTORE_OK;
}

int main(int argc, char **argv)
{
    fhs_arena arena;
    fhs_arena scratch;
    fhs_iot_faults faults;
    fhs_iot_device_mapping mapping;
    fhirstore_error *err = NULL;
    int64_t count = 0;
    double wanted = argc > 1 ? atof(argv[1]) : 2;
    fhs_arena_init(&arena, SIZE_MAX);
    fhs_arena_init(&scratch, FHS_LIMIT_IOT_BYTES);
    fhs_iot_faults_init(&faults, &arena);
    if (fhs_iot_device_load(&arena, FHS_LIT(mapping_text), &faults, &mapping, &err) !=
            FHIRSTORE_OK ||
        faults.count > 0) {
        (void)fprintf(stderr, "bench_iot: the mapping does not load\n");
        return 1;
    }
    fhs_iot_normaliser normaliser = {.mapping = &mapping,
                                     .scratch = &scratch,
                                     .faults = &faults,
                                     .emit = count_one,
                                     .ctx = &count};
    double began = now_seconds();
    while (now_seconds() - began < wanted) {
        for (int i = 0; i < 100; i++) {
            if (fhs_iot_normalise(&normaliser, FHS_LIT(message_text), 0, &err) != FHIRSTORE_OK) {
                return 1;
            }
        }
    }
    if (faults.count > 0 || count != normaliser.message_count * 4) {
        (void)fprintf(stderr, "bench_iot: %d faults, %d measurements of %d messages\n",
                      (int)faults.count, (int)count, (int)normaliser.message_count);
        return 1;
    }
    (void)printf("%.0f\n", (double)normaliser.message_count / (now_seconds() - began));
    fhs_arena_clear(&scratch);
    fhs_arena_clear(&arena);
    return 0;
}
