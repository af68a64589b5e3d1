/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An hour with a wearable: its messages become Observations, and what was measured of the patient
 * that day is printed. usage: 05_devices STORE DEVICE-MAPPING FHIR-MAPPING
 */
#include <stdlib.h>

#include "store.h"

#define MINUTES     60
#define EVENTS      (MINUTES + 3)
#define MESSAGE_MAX 1024
#define ROW_MAX     256

/* ---- the device ---- */

/* What the band sends each minute: twelve heart rates and the steps since the last message. */
static void write_minute(int minute, char out[MESSAGE_MAX])
{
    int walks = minute >= 20 && minute < 35;
    int len = snprintf(out, MESSAGE_MAX,
                       "{\"device\":\"band-7\",\"wearer\":\"wearer-1\",\"minute\":"
                       "\"2024-03-01T13:%02d:00Z\",\"steps\":%d,\"heartRates\":[",
                       minute, walks ? 90 + minute % 7 : minute % 4);
    for (int i = 0; i < 12; i++) {
        int bpm = (walks ? 96 : 64) + (minute * 5 + i * 3) % 9;
        len += snprintf(out + len, (size_t)(MESSAGE_MAX - len),
                        "%s{\"at\":\"2024-03-01T13:%02d:%02dZ\",\"bpm\":%d}", i > 0 ? "," : "",
                        minute, i * 5, bpm);
    }
    snprintf(out + len, (size_t)(MESSAGE_MAX - len), "]}");
}

/* All messages of the hour: the minutes, two readings of a cuff, and last night. */
static void write_hour(char out[EVENTS][MESSAGE_MAX])
{
    for (int i = 0; i < MINUTES; i++) {
        write_minute(i, out[i]);
    }
    snprintf(out[MINUTES], MESSAGE_MAX,
             "{\"device\":\"cuff-2\",\"wearer\":\"wearer-1\","
             "\"cuff\":{\"seconds\":1709298300,\"kpa\":[16.1,10.5]}}");
    snprintf(out[MINUTES + 1], MESSAGE_MAX,
             "{\"device\":\"cuff-2\",\"wearer\":\"wearer-1\","
             "\"cuff\":{\"seconds\":1709300400,\"kpa\":[17.9,11.2]}}");
    snprintf(out[MINUTES + 2], MESSAGE_MAX,
             "{\"device\":\"band-7\",\"wearer\":\"wearer-1\",\"sleep\":["
             "{\"from\":\"2024-03-01T00:10:00Z\",\"stage\":\"light\",\"minutes\":40},"
             "{\"from\":\"2024-03-01T00:50:00Z\",\"stage\":\"deep\",\"minutes\":95},"
             "{\"from\":\"2024-03-01T02:25:00Z\",\"stage\":\"light\",\"minutes\":215}]}");
}

/* ---- into the store ---- */

/* The mapping in a file; NULL: each of its faults is printed. */
static fhirstore_iot_mapping *load_mapping(const char *path, int32_t kind)
{
    static char text[64 * 1024];
    fhirstore_iot_mapping *mapping = NULL;
    fhirstore_buf faults = {0};
    FILE *file = fopen(path, "rb");
    size_t len = file == NULL ? 0 : fread(text, 1, sizeof(text), file);
    if (file != NULL) {
        fclose(file);
    }
    if (fhirstore_iot_mapping_load(kind, text, len, 0, &mapping, &faults, NULL) < FHIRSTORE_OK) {
        fprintf(stderr, "%s:\n%.*s", path, (int)faults.len, faults.len > 0 ? faults.ptr : "");
    }
    fhirstore_buf_clear(&faults);
    return mapping;
}

static int ingest_hour(fhirstore_session *session, const fhirstore_iot_mapping *device,
                       const fhirstore_iot_mapping *fhir)
{
    static char messages[EVENTS][MESSAGE_MAX];
    fhirstore_iot_event events[EVENTS] = {{0}};
    fhirstore_iot_options how = FHIRSTORE_IOT_OPTIONS_INIT;
    fhirstore_iot_totals totals = FHIRSTORE_IOT_TOTALS_INIT;
    fhirstore_buf report = {0};
    fhirstore_error *error;
    how.identity = FHIRSTORE_IOT_CREATE; /* the Patient and the Devices too, where they are new */
    write_hour(messages);
    for (int i = 0; i < EVENTS; i++) {
        events[i].body = messages[i];
        events[i].body_len = strlen(messages[i]);
    }
    if (fhirstore_iot_ingest_events(session, device, fhir, &how, events, EVENTS, &report, &totals,
                                    &error) < FHIRSTORE_OK) {
        return failed("ingest", error);
    }
    printf("%d messages, %d measurements: %d Observations created, %d updated, %d unchanged\n",
           (int)totals.messages, (int)totals.measurements, (int)totals.created, (int)totals.updated,
           (int)totals.unchanged);
    if (totals.failed > 0 || totals.faults > 0) {
        fprintf(stderr, "%.*s", (int)report.len, report.ptr); /* each of them, with its reason */
    }
    fhirstore_buf_clear(&report);
    return totals.failed == 0 && totals.faults == 0 ? 0 : 1;
}

/* ---- the patient's day ---- */

/* Rows of one code as they come in: "time,value,unit,code,reference". */
typedef struct day {
    char row[ROW_MAX];
    size_t row_len;
    int rows;
    const char *title; /* each value is printed; NULL: they are summed up by quarter of an hour */
    char quarter[20];
    double sum, least, most;
    int count;
    double total;
} day;

static void print_quarter(day *of)
{
    if (of->count > 0) {
        printf("  heart rate   %s  %.0f to %.0f, on average %.0f /min\n", of->quarter, of->least,
               of->most, of->sum / of->count);
    }
    of->sum = 0;
    of->count = 0;
}

static void add_to_quarter(day *of, const char *time, double value)
{
    char quarter[20];
    snprintf(quarter, sizeof(quarter), "%.3s%02d", time + 11, atoi(time + 14) / 15 * 15);
    if (strcmp(quarter, of->quarter) != 0) {
        print_quarter(of);
        memcpy(of->quarter, quarter, sizeof(quarter));
    }
    of->least = of->count == 0 || value < of->least ? value : of->least;
    of->most = of->count == 0 || value > of->most ? value : of->most;
    of->sum += value;
    of->count++;
}

static void take_row(day *of)
{
    char *value = strchr(of->row, ',');
    char *unit = value == NULL ? NULL : strchr(value + 1, ',');
    char *end = unit == NULL ? NULL : strchr(unit + 1, ',');
    if (end == NULL || of->rows++ == 0) {
        return; /* the names of the columns */
    }
    *value++ = *unit++ = *end = '\0';
    of->total += atof(value);
    if (of->title == NULL) {
        add_to_quarter(of, of->row, atof(value));
    } else if (of->title[0] != '\0') {
        printf("  %s  %.5s  %s %s\n", of->title, of->row + 11, value, unit);
    }
}

static fhirstore_status take_text(void *ctx, const char *text, size_t len)
{
    day *of = ctx;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\n' && of->row_len < ROW_MAX - 1) {
            of->row[of->row_len++] = text[i];
        } else if (text[i] == '\n') {
            of->row[of->row_len] = '\0';
            take_row(of);
            of->row_len = 0;
        }
    }
    return FHIRSTORE_OK;
}

/* What was measured under a LOINC code on 1 March 2024, through take_row(). */
static int read_day(fhirstore_session *session, const char *patient, const char *code, day *of)
{
    fhirstore_iot_samples_options which = FHIRSTORE_IOT_SAMPLES_OPTIONS_INIT;
    fhirstore_error *error;
    which.patient = patient;
    which.patient_len = strlen(patient);
    which.code = code;
    which.code_len = strlen(code);
    which.from_us = INT64_C(1709251200000000);
    which.to_us = which.from_us + INT64_C(86400000000);
    which.format = FHIRSTORE_IOT_CSV;
    return fhirstore_iot_samples(session, &which, take_text, of, NULL, &error) < FHIRSTORE_OK
               ? failed("samples", error)
               : 0;
}

static int print_day(fhirstore_session *session, const char *patient)
{
    day heart = {.title = NULL};
    day steps = {.title = ""};
    day sleep = {.title = "asleep     "};
    day stage = {.title = "stage      "};
    day systolic = {.title = "systolic   "};
    day diastolic = {.title = "diastolic  "};
    printf("%s on 1 March 2024\n", patient);
    if (read_day(session, patient, "http://loinc.org|93832-4", &sleep) != 0 ||
        read_day(session, patient, "http://loinc.org|93831-6", &stage) != 0 ||
        read_day(session, patient, "http://loinc.org|8867-4", &heart) != 0) {
        return 1;
    }
    print_quarter(&heart);
    if (read_day(session, patient, "http://loinc.org|8480-6", &systolic) != 0 ||
        read_day(session, patient, "http://loinc.org|8462-4", &diastolic) != 0 ||
        read_day(session, patient, "http://loinc.org|55423-8", &steps) != 0) {
        return 1;
    }
    printf("  steps        %.0f in all\n  asleep       %.0f h %.0f min in all\n", steps.total,
           (double)((int)sleep.total / 60), (double)((int)sleep.total % 60));
    /* The names of the columns come first, so rows is one more than there are. */
    return heart.rows == MINUTES * 12 + 1 && systolic.rows == 3 && sleep.rows == 4 ? 0 : 1;
}

/* The Patient whom the wearable's messages name. */
static int find_patient(fhirstore_session *session, char out[100])
{
    static const char query[] = "identifier=wearer-1";
    fhirstore_search *found;
    fhirstore_error *error;
    size_t len;
    int status = 1;
    if (fhirstore_search_open(session, "Patient", 7, query, strlen(query), &found, &error) <
        FHIRSTORE_OK) {
        return failed("search", error);
    }
    if (fhirstore_search_next(found, NULL) == FHIRSTORE_OK) {
        const char *id = fhirstore_search_id(found, &len);
        snprintf(out, 100, "Patient/%.*s", (int)len, id);
        status = 0;
    }
    fhirstore_search_close(found);
    return status;
}

int main(int argc, char **argv)
{
    char patient[100];
    if (argc != 4) {
        fprintf(stderr, "usage: 05_devices STORE DEVICE-MAPPING FHIR-MAPPING\n");
        return 2;
    }
    fhirstore_iot_mapping *device = load_mapping(argv[2], FHIRSTORE_IOT_DEVICE);
    fhirstore_iot_mapping *fhir = load_mapping(argv[3], FHIRSTORE_IOT_FHIR);
    fhirstore *store = open_example(argc, argv, "devices.fhirstore");
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    int status = device == NULL || fhir == NULL || session == NULL ||
                 ingest_hour(session, device, fhir) != 0 ||
                 /* What is sent twice changes nothing. */
                 ingest_hour(session, device, fhir) != 0 || find_patient(session, patient) != 0 ||
                 print_day(session, patient) != 0;
    fhirstore_session_close(session);
    fhirstore_close(store);
    fhirstore_iot_mapping_free(device);
    fhirstore_iot_mapping_free(fhir);
    return status;
}
