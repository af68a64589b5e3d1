/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST entry: whole transactions, single durable writes beside bare SQLite that writes the same
 * rows, and what a request costs more than the typed call. Encrypted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define CREATES 2000
#define CALLS   200000
#define CACHE   64

/* Of this thread alone: others may share the machine, and this work waits for nobody. */
static double cpu_now(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static fhirstore_response *must_ask(bench_store *opened, const char *method, const char *url,
                                    const char *body, size_t len)
{
    fhirstore_response *response = NULL;
    if (fhirstore_request(opened->session, method, strlen(method), url, strlen(url), NULL, 0, body,
                          len, &response, NULL) < FHIRSTORE_OK ||
        fhirstore_response_http(response) >= 300) {
        bench_die(method, fhirstore_response_body(response, NULL));
    }
    return response;
}

/* ---- transactions ---- */

static size_t count_entries(const char *text)
{
    size_t count = 0;
    for (const char *at = strstr(text, "\"request\""); at != NULL;
         at = strstr(at + 1, "\"request\"")) {
        count++;
    }
    return count;
}

/* Transactions among the documents, and the entries that they hold. */
static size_t pick_transactions(const bench_data *data, bench_data *out)
{
    size_t entries = 0;
    *out = (bench_data){0};
    out->texts = calloc(data->count, sizeof *out->texts);
    out->lengths = calloc(data->count, sizeof *out->lengths);
    for (size_t i = 0; i < data->count; i++) {
        if (strstr(data->texts[i], "\"transaction\"") != NULL) {
            out->texts[out->count] = data->texts[i];
            out->lengths[out->count++] = data->lengths[i];
            out->bytes += data->lengths[i];
            entries += count_entries(data->texts[i]);
        }
    }
    return entries;
}

static double time_transactions(const bench_data *data, const char *path, const char *prefer)
{
    bench_store opened;
    const fhirstore_header header = {"Prefer", 6, prefer, strlen(prefer)};
    bench_remove(path);
    bench_open(path, true, CACHE, &opened);
    double begin = cpu_now();
    for (size_t i = 0; i < data->count; i++) {
        fhirstore_response *response = NULL;
        if (fhirstore_request(opened.session, "POST", 4, "", 0, &header, 1, data->texts[i],
                              data->lengths[i], &response, NULL) < FHIRSTORE_OK ||
            fhirstore_response_http(response) != 200) {
            bench_die("transaction", fhirstore_response_body(response, NULL));
        }
        fhirstore_response_free(response);
    }
    double taken = cpu_now() - begin;
    bench_close(&opened);
    bench_remove(path);
    return taken;
}

static void measure_transactions(const bench_options *options, const bench_data *data,
                                 const char *path)
{
    char figure[128];
    bench_data chosen;
    bench_series whole = {0};
    bench_series minimal = {0};
    const size_t entries = pick_transactions(data, &chosen);
    if (entries == 0) {
        return;
    }
    (void)time_transactions(&chosen, path, "return=representation");
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&whole, time_transactions(&chosen, path, "return=representation"));
        bench_add(&minimal, time_transactions(&chosen, path, "return=minimal"));
    }
    (void)snprintf(figure, sizeof figure, "%.0f entries/s",
                   (double)entries / bench_median(&minimal));
    bench_row("transactions, return=minimal, thousands of entries/s", figure,
              (double)entries / bench_median(&minimal) / 1000, "at least 10");
    (void)snprintf(figure, sizeof figure, "%.0f entries/s", (double)entries / bench_median(&whole));
    bench_row("transactions, return=representation, thousands", figure,
              (double)entries / bench_median(&whole) / 1000, "at least 10");
    free(chosen.texts);
    free(chosen.lengths);
}

/* ---- single durable creates ---- */

static size_t make_observation(int number, char *out, size_t room)
{
    return (size_t)snprintf(
        out, room,
        "{\"resourceType\":\"Observation\",\"status\":\"final\",\"category\":[{\"coding\":[{"
        "\"system\":\"http://terminology.hl7.org/CodeSystem/observation-category\",\"code\":"
        "\"vital-signs\",\"display\":\"vital-signs\"}]}],\"code\":{\"coding\":[{\"system\":"
        "\"http://loinc.org\",\"code\":\"8302-2\",\"display\":\"Body Height\"}],\"text\":"
        "\"Body Height\"},\"subject\":{\"reference\":\"Patient/p%d\"},\"encounter\":{\"reference\":"
        "\"Encounter/e%d\"},\"effectiveDateTime\":\"20%02d-03-%02dT08:15:30+02:00\",\"issued\":"
        "\"2020-03-01T08:15:30.123+02:00\",\"valueQuantity\":{\"value\":%d.5,\"unit\":\"cm\","
        "\"system\":\"http://unitsofmeasure.org\",\"code\":\"cm\"}}",
        number % 50, number % 500, 10 + number % 10, 1 + number % 28, 100 + number % 90);
}

static double time_creates(const char *path, bool encrypted)
{
    bench_store opened;
    char body[2048];
    bench_remove(path);
    bench_open(path, encrypted, CACHE, &opened);
    double begin = bench_now();
    for (int i = 0; i < CREATES; i++) {
        size_t len = make_observation(i, body, sizeof body);
        fhirstore_response_free(must_ask(&opened, "POST", "Observation", body, len));
    }
    double taken = bench_now() - begin;
    bench_close(&opened);
    return taken;
}

static void measure_creates(const bench_options *options, const char *path)
{
    char figure[128];
    char bare_path[4096];
    bench_series ours = {0};
    bench_series bare = {0};
    bench_path(options, "bare.db", bare_path);
    bench_durable = true;
    bench_per_commit = 1;
    (void)time_creates(path, false);
    ceiling *rows = ceiling_load(path);
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&ours, time_creates(path, true));
        bench_remove(bare_path);
        bench_add(&bare, ceiling_write(rows, bare_path, true, CACHE));
    }
    bench_remove(bare_path);
    bench_remove(path);
    (void)snprintf(figure, sizeof figure, "%.0f to %.0f creates/s", CREATES / bench_median(&ours),
                   CREATES / bench_median(&bare));
    bench_row("durable creates, to bare SQLite writing the same rows", figure,
              bench_median(&bare) / bench_median(&ours), "at least 0.5");
    ceiling_free(rows);
    bench_durable = false;
    bench_per_commit = 1000;
}

/* ---- the request entry ---- */

static double time_requests(bench_store *opened, const char *url)
{
    static const fhirstore_header headers[] = {
        {"Accept", 6, "application/fhir+json", 21},
        {"Prefer", 6, "return=representation", 21},
    };
    double begin = cpu_now();
    for (int i = 0; i < CALLS; i++) {
        fhirstore_response *response = NULL;
        if (fhirstore_request(opened->session, "GET", 3, url, strlen(url), headers, 2, NULL, 0,
                              &response, NULL) < FHIRSTORE_OK) {
            bench_die("request", "failed");
        }
        fhirstore_response_free(response);
    }
    return cpu_now() - begin;
}

static double time_typed(bench_store *opened, const char *id)
{
    double begin = cpu_now();
    for (int i = 0; i < CALLS; i++) {
        fhirstore_response *response = NULL;
        if (fhirstore_read(opened->session, "Observation", 11, id, strlen(id), &response, NULL) <
            FHIRSTORE_OK) {
            bench_die("read", "failed");
        }
        fhirstore_response_free(response);
    }
    return cpu_now() - begin;
}

static void measure_entry(const bench_options *options, const char *path)
{
    char body[2048];
    char figure[128];
    char id[65];
    char url[128];
    bench_store opened;
    bench_series requests = {0};
    bench_series typed = {0};
    bench_remove(path);
    bench_open(path, true, CACHE, &opened);
    size_t len = make_observation(1, body, sizeof body);
    fhirstore_response *stored = must_ask(&opened, "POST", "Observation", body, len);
    (void)snprintf(id, sizeof id, "%s", fhirstore_response_id(stored, NULL));
    (void)snprintf(url, sizeof url, "Observation/%s", id);
    fhirstore_response_free(stored);
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&typed, time_typed(&opened, id));
        bench_add(&requests, time_requests(&opened, url));
    }
    double more = (bench_median(&requests) - bench_median(&typed)) / CALLS * 1e6;
    (void)snprintf(figure, sizeof figure, "%.2f us to %.2f us",
                   bench_median(&requests) / CALLS * 1e6, bench_median(&typed) / CALLS * 1e6);
    bench_row("a GET through the request entry, more than a read, us", figure, more, "under 5");
    bench_close(&opened);
    bench_remove(path);
}

int main(int argc, char **argv)
{
    char path[4096];
    bench_data data;
    bench_options options = {.rounds = 3};
    if (argc < 4) {
        (void)fprintf(stderr, "usage: bench_requests DATA-FOLDER ROUNDS STORE-FOLDER\n");
        return 2;
    }
    options.data = argv[1];
    options.rounds = atoi(argv[2]);
    options.folder = argv[3];
    bench_load(options.data, &data);
    bench_path(&options, "requests.db", path);
    bench_journal = FHIRSTORE_JOURNAL_DEFAULT; /* as a store is opened */
    measure_transactions(&options, &data, path);
    measure_creates(&options, path);
    measure_entry(&options, path);
    return 0;
}
