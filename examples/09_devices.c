/* SPDX-License-Identifier: Apache-2.0 */
/* A wearable's messages become Observations. usage: 09_devices STORE DEVICE-MAPPING FHIR-MAPPING */
#include "store.h"

/* A band's message and that of a cuff that knows kilopascals: any JSON, the mappings read it. */
static const char *const messages[] = {
    "{\"device\":\"band-7\",\"wearer\":\"wearer-1\",\"heartRates\":["
    "{\"at\":\"2024-03-01T13:00:00Z\",\"bpm\":61},{\"at\":\"2024-03-01T13:00:30Z\",\"bpm\":63}]}",
    "{\"device\":\"cuff-2\",\"wearer\":\"wearer-1\",\"cuff\":"
    "{\"seconds\":1709298300,\"kpa\":[16.1,10.5]}}"};

/* The mapping in a file; NULL: its first fault is printed. */
static fhirstore_iot_mapping *load_mapping(const char *path, int32_t kind)
{
    static char text[64 * 1024];
    fhirstore_iot_mapping *mapping;
    fhirstore_error *error;
    FILE *file = fopen(path, "rb");
    size_t len = file == NULL ? 0 : fread(text, 1, sizeof(text), file);
    if (file != NULL) {
        fclose(file);
    }
    if (fhirstore_iot_mapping_load(kind, text, len, 0, &mapping, NULL, &error) < FHIRSTORE_OK) {
        failed(path, error);
    }
    return mapping;
}

/* One call is one batch and one transaction; sent again, it changes nothing. */
static int ingest(fhirstore_session *session, const fhirstore_iot_mapping *device,
                  const fhirstore_iot_mapping *fhir)
{
    fhirstore_iot_event events[2] = {{0}};
    fhirstore_iot_options how = FHIRSTORE_IOT_OPTIONS_INIT;
    fhirstore_iot_totals totals = FHIRSTORE_IOT_TOTALS_INIT;
    fhirstore_buf report = {0};
    fhirstore_error *error;
    how.identity = FHIRSTORE_IOT_CREATE; /* the Patient and the Devices too, where they are new */
    for (size_t i = 0; i < 2; i++) {
        events[i].body = messages[i];
        events[i].body_len = strlen(messages[i]);
    }
    if (fhirstore_iot_ingest_events(session, device, fhir, &how, events, 2, &report, &totals,
                                    &error) < FHIRSTORE_OK) {
        return failed("ingest", error);
    }
    printf("%d messages: %d Observations created, %d unchanged\n", (int)totals.messages,
           (int)totals.created, (int)totals.unchanged);
    fprintf(stderr, "%s", totals.failed + totals.faults > 0 ? report.ptr : ""); /* the reasons */
    fhirstore_buf_clear(&report);
    return totals.failed + totals.faults > 0;
}

static fhirstore_status print_rows(void *ctx, const char *text, size_t len)
{
    return fwrite(text, 1, len, ctx) == len ? FHIRSTORE_OK : FHIRSTORE_ERR_IO;
}

/* What was measured of the wearer under a LOINC code, as rows of time and value. */
static int print_samples(fhirstore_session *session, const char *code)
{
    fhirstore_iot_samples_options which = FHIRSTORE_IOT_SAMPLES_OPTIONS_INIT;
    fhirstore_search *found;
    fhirstore_error *error;
    fhirstore_status status = fhirstore_search_open(
        session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("identifier=wearer-1"), &found, &error);
    if (status == FHIRSTORE_OK && fhirstore_search_next(found, &error) == FHIRSTORE_OK) {
        which.patient = fhirstore_search_id(found, &which.patient_len);
        which.code = code;
        which.code_len = strlen(code);
        which.format = FHIRSTORE_IOT_CSV;
        status = fhirstore_iot_samples(session, &which, print_rows, stdout, NULL, &error);
    }
    fhirstore_search_close(found);
    return error != NULL ? failed("samples", error) : 0;
}

int main(int argc, char **argv)
{
    fhirstore_iot_mapping *device = load_mapping(argc > 2 ? argv[2] : "", FHIRSTORE_IOT_DEVICE);
    fhirstore_iot_mapping *fhir = load_mapping(argc > 3 ? argv[3] : "", FHIRSTORE_IOT_FHIR);
    fhirstore *store = open_example(argc, argv, "devices.fhirstore");
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    int status = device == NULL || fhir == NULL || session == NULL ||
                 ingest(session, device, fhir) || ingest(session, device, fhir) ||
                 print_samples(session, "http://loinc.org|8867-4") ||
                 print_samples(session, "http://loinc.org|8480-6");
    fhirstore_session_close(session);
    fhirstore_close(store);
    fhirstore_iot_mapping_free(device);
    fhirstore_iot_mapping_free(fhir);
    return status;
}
