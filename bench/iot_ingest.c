/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measurements ingested a second of the processor: bench_iot_ingest STORE-FOLDER [SECONDS]. Into an
 * encrypted store with its journal, in batches of 300 of ten devices: single readings, an
 * Observation each; the same merged into hours; and messages that are normalised first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define BATCH   300
#define DEVICES 10

static const char device_text[] =
    "{\"templateType\":\"CollectionContent\",\"template\":[{\"templateType\":\"JsonPathContent\","
    "\"template\":{\"typeName\":\"hr\",\"typeMatchExpression\":\"$.Body[?(@hr)]\","
    "\"deviceIdExpression\":\"$.d\",\"patientIdExpression\":\"$.p\",\"timestampExpression\":\"$."
    "t\","
    "\"values\":[{\"valueName\":\"v\",\"valueExpression\":\"$.hr\",\"required\":true}]}}]}";

static const char fhir_text[] =
    "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
    "\"template\":{\"typeName\":\"%s\",\"periodInterval\":%d,\"codes\":[{\"code\":\"8867-4\","
    "\"system\":\"http://loinc.org\",\"display\":\"Heart rate\"}],\"value\":{\"valueType\":\"%s\","
    "\"valueName\":\"v\",\"unit\":\"/min\",\"code\":\"/min\",\"system\":"
    "\"http://unitsofmeasure.org\",\"defaultPeriod\":1000}}}]}";

static double processor_seconds(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static fhirstore_iot_mapping *load(int32_t kind, const char *text)
{
    fhirstore_iot_mapping *mapping;
    if (fhirstore_iot_mapping_load(kind, text, strlen(text), 0, &mapping, NULL, NULL) <
        FHIRSTORE_OK) {
        bench_die("mapping", "does not load");
    }
    return mapping;
}

static fhirstore_iot_mapping *load_fhir(const char *type, int interval, const char *value_type)
{
    char text[1024];
    (void)snprintf(text, sizeof text, fhir_text, type, interval, value_type);
    return load(FHIRSTORE_IOT_FHIR, text);
}

/* When reading @a number was taken: each device has one a second. */
static int write_time(char *out, size_t room, int64_t number)
{
    const int64_t second = number / DEVICES;
    return snprintf(out, room, "2024-%02d-%02dT%02d:%02d:%02dZ", 1 + (int)(second / 2419200 % 12),
                    1 + (int)(second / 86400 % 28), (int)(second / 3600 % 24),
                    (int)(second / 60 % 60), (int)(second % 60));
}

static size_t write_batch(char *out, size_t room, const char *type, int64_t first)
{
    size_t len = 0;
    for (int64_t i = first; i < first + BATCH; i++) {
        char time[32];
        (void)write_time(time, sizeof time, i);
        len += (size_t)snprintf(
            out + len, room - len,
            "{\"type\":\"%s\",\"occurrenceTimeUtc\":\"%s\",\"deviceId\":\"d%d\","
            "\"patientId\":\"p%d\",\"properties\":[{\"name\":\"v\",\"value\":"
            "\"%d\"}]}\n",
            type, time, (int)(i % DEVICES), (int)(i % DEVICES), 60 + (int)(i % 40));
    }
    return len;
}

static void check_totals(fhirstore_status status, const fhirstore_iot_totals *totals)
{
    if (status < FHIRSTORE_OK || totals->measurements != BATCH || totals->failed > 0) {
        bench_die("ingest", "failed");
    }
}

/* Measurements a second. */
static double ingest_type(fhirstore_session *session, const char *type, int interval,
                          const char *value_type, double seconds)
{
    static char batch[BATCH * 256];
    fhirstore_iot_mapping *fhir = load_fhir(type, interval, value_type);
    fhirstore_iot_options how = FHIRSTORE_IOT_OPTIONS_INIT;
    how.identity = FHIRSTORE_IOT_CREATE;
    int64_t count = 0;
    double taken = 0;
    while (taken < seconds) {
        size_t len = write_batch(batch, sizeof batch, type, count);
        fhirstore_iot_totals totals = FHIRSTORE_IOT_TOTALS_INIT;
        double began = processor_seconds();
        fhirstore_status status = fhirstore_iot_ingest(session, fhir, &how, batch, len, NULL,
                                                       &totals, NULL);
        taken += processor_seconds() - began;
        check_totals(status, &totals);
        count += BATCH;
    }
    fhirstore_iot_mapping_free(fhir);
    return (double)count / taken;
}

static double ingest_events(fhirstore_session *session, double seconds)
{
    static char bodies[BATCH][128];
    fhirstore_iot_event events[BATCH] = {{0}};
    fhirstore_iot_mapping *device = load(FHIRSTORE_IOT_DEVICE, device_text);
    fhirstore_iot_mapping *fhir = load_fhir("hr", 0, "Quantity");
    fhirstore_iot_options how = FHIRSTORE_IOT_OPTIONS_INIT;
    how.identity = FHIRSTORE_IOT_CREATE;
    int64_t count = 0;
    double taken = 0;
    while (taken < seconds) {
        for (int i = 0; i < BATCH; i++) {
            char time[32];
            (void)write_time(time, sizeof time, count + i);
            int len = snprintf(bodies[i], sizeof bodies[i],
                               "[{\"hr\":%d,\"d\":\"d%d\",\"p\":\"p%d\",\"t\":\"%s\"}]",
                               60 + i % 40, i % DEVICES, i % DEVICES, time);
            events[i].body = bodies[i];
            events[i].body_len = (size_t)len;
        }
        fhirstore_iot_totals totals = FHIRSTORE_IOT_TOTALS_INIT;
        double began = processor_seconds();
        fhirstore_status status = fhirstore_iot_ingest_events(session, device, fhir, &how, events,
                                                              BATCH, NULL, &totals, NULL);
        taken += processor_seconds() - began;
        check_totals(status, &totals);
        count += BATCH;
    }
    fhirstore_iot_mapping_free(device);
    fhirstore_iot_mapping_free(fhir);
    return (double)count / taken;
}

static void print_rate(const char *what, double rate)
{
    char figure[64];
    (void)snprintf(figure, sizeof figure, "%.0f measurements/s", rate);
    (void)printf("%-58s %-34s         (%s)\n", what, figure, "at least 8,000");
}

/* Each row into a store of its own. */
static void measure(const bench_options *options, int row, double seconds)
{
    char path[4096];
    bench_store opened;
    bench_path(options, "iot.db", path);
    bench_remove(path);
    bench_open(path, true, 64, &opened);
    if (row == 0) {
        print_rate("ingest, one Observation a measurement",
                   ingest_type(opened.session, "single", 0, "Quantity", seconds));
    } else if (row == 1) {
        print_rate("ingest, samples merged into hours",
                   ingest_type(opened.session, "hourly", 60, "SampledData", seconds));
    } else {
        print_rate("ingest, messages to Observations", ingest_events(opened.session, seconds));
    }
    bench_close(&opened);
    bench_remove(path);
}

int main(int argc, char **argv)
{
    bench_options options = {.rounds = 1};
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_iot_ingest STORE-FOLDER [SECONDS]\n");
        return 2;
    }
    options.folder = argv[1];
    bench_journal = FHIRSTORE_JOURNAL_BATCHED;
    for (int row = 0; row < 3; row++) {
        measure(&options, row, argc > 2 ? atof(argv[2]) : 2);
    }
    return 0;
}
