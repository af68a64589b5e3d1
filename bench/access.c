/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restriction costs: the same selective searches by an operator, who may do everything, and
 * by a principal who is restricted to one patient's compartment, in alternating rounds. Each
 * patient of the data is asked about in turn, by a session of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define PATIENTS_MAX 64
#define SWEEPS       200

typedef struct bench_patients {
    char ids[PATIENTS_MAX][65];
    fhirstore_session *sessions[PATIENTS_MAX];
    size_t count;
} bench_patients;

static fhirstore_status note_patient(void *ctx, const char *type, const char *body, size_t body_len)
{
    bench_patients *patients = ctx;
    const char *at = strstr(body, "\"id\":\"");
    (void)type;
    (void)body_len;
    if (at == NULL || patients->count == PATIENTS_MAX) {
        return FHIRSTORE_ERR_CALLBACK;
    }
    (void)snprintf(patients->ids[patients->count++], 65, "%.*s", (int)strcspn(at + 6, "\""),
                   at + 6);
    return FHIRSTORE_OK;
}

static void enter_patients(bench_store *opened, bench_patients *patients)
{
    fhirstore_export_options options = FHIRSTORE_EXPORT_OPTIONS_INIT;
    int64_t count;
    options.type = "Patient";
    options.type_len = strlen(options.type);
    (void)fhirstore_export(opened->session, &options, note_patient, patients, &count, NULL);
    if (patients->count == 0 || fhirstore_set_policy(opened->store, NULL, 0, NULL) < FHIRSTORE_OK) {
        bench_die("access", "there are no patients, or no policy");
    }
    for (size_t i = 0; i < patients->count; i++) {
        char claims[256];
        fhirstore_session_options who = FHIRSTORE_SESSION_OPTIONS_INIT;
        (void)snprintf(claims, sizeof claims,
                       "{\"id\":\"app\",\"scope\":\"patient/*.rs\",\"patient\":\"%s\"}",
                       patients->ids[i]);
        who.claims = claims;
        who.claims_len = strlen(claims);
        if (fhirstore_session_open(opened->store, &who, &patients->sessions[i], NULL) <
            FHIRSTORE_OK) {
            bench_die("access", "a session does not open");
        }
    }
}

/* Each patient's search, over and over; the bytes of the answers in *size_out. */
static double time_searches(const bench_store *opened, const bench_patients *patients,
                            bool is_restricted, const char *type, const char *format,
                            size_t *size_out)
{
    *size_out = 0;
    double begin = bench_now();
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        for (size_t i = 0; i < patients->count; i++) {
            char query[256];
            size_t len;
            fhirstore_response *response = NULL;
            (void)snprintf(query, sizeof query, "%s%s%s", format, patients->ids[i],
                           strncmp(type, "Observation", 11) == 0 ? "&code=http://loinc.org|8302-2"
                                                                 : "");
            if (fhirstore_search_page(is_restricted ? patients->sessions[i] : opened->session, type,
                                      strlen(type), query, strlen(query), &response,
                                      NULL) < FHIRSTORE_OK) {
                bench_die(query, "failed");
            }
            (void)fhirstore_response_body(response, &len);
            *size_out += len;
            fhirstore_response_free(response);
        }
    }
    return bench_now() - begin;
}

static void measure_restriction(const bench_options *options, const bench_store *opened,
                                const bench_patients *patients, const char *type,
                                const char *format)
{
    char figure[128];
    char name[96];
    bench_series within = {0};
    bench_series whole = {0};
    size_t sizes[2] = {0, 0};
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&whole, time_searches(opened, patients, false, type, format, &sizes[0]));
        bench_add(&within, time_searches(opened, patients, true, type, format, &sizes[1]));
    }
    if (sizes[0] != sizes[1]) {
        bench_die(type, "the answers differ");
    }
    const double calls = SWEEPS * (double)patients->count / 1e6;
    (void)snprintf(figure, sizeof figure, "%.1f us to %.1f us", bench_median(&within) / calls,
                   bench_median(&whole) / calls);
    (void)snprintf(name, sizeof name, "%s?%s…, in a compartment to unrestricted", type, format);
    bench_row(name, figure, bench_median(&within) / bench_median(&whole), "at most 1.3");
}

int main(int argc, char **argv)
{
    char path[4096];
    bench_data data;
    bench_options options = {.rounds = 3};
    static bench_patients patients;
    bench_store opened;
    if (argc < 4) {
        (void)fprintf(stderr, "usage: bench_access DATA-FOLDER ROUNDS STORE-FOLDER\n");
        return 2;
    }
    options.data = argv[1];
    options.rounds = atoi(argv[2]);
    options.folder = argv[3];
    bench_load(options.data, &data);
    bench_path(&options, "restricted.db", path);
    bench_open(path, true, 64, &opened);
    (void)bench_import(&opened, &data);
    enter_patients(&opened, &patients);
    measure_restriction(&options, &opened, &patients, "Observation", "patient=Patient/");
    measure_restriction(&options, &opened, &patients, "Encounter", "subject=Patient/");
    measure_restriction(&options, &opened, &patients, "Condition", "patient=");
    measure_restriction(&options, &opened, &patients, "Patient", "_id=");
    for (size_t i = 0; i < patients.count; i++) {
        fhirstore_session_close(patients.sessions[i]);
    }
    bench_close(&opened);
    bench_remove(path);
    return 0;
}
