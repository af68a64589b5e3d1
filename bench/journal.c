/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit journal costs: the same work with it and without, in alternating rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define READS   200000
#define RECORDS 1000000

static double time_import(const bench_data *data, const char *path, int32_t journal)
{
    bench_store opened;
    bench_remove(path);
    bench_journal = journal;
    bench_open(path, true, 64, &opened);
    double begin = bench_now();
    (void)bench_import(&opened, data);
    double taken = bench_now() - begin;
    bench_close(&opened);
    return taken;
}

static fhirstore_status take_first(void *ctx, const char *type, const char *body, size_t body_len)
{
    char(*found)[65] = ctx;
    const char *at = strstr(body, "\"id\":\"");
    (void)body_len;
    (void)snprintf(found[0], 65, "%s", type);
    (void)snprintf(found[1], 65, "%.*s", (int)strcspn(at + 6, "\""), at + 6);
    return FHIRSTORE_ERR_CALLBACK;
}

static double time_reads(bench_store *opened, char found[2][65], int count)
{
    double begin = bench_now();
    for (int i = 0; i < count; i++) {
        fhirstore_response *response = NULL;
        if (fhirstore_read(opened->session, found[0], strlen(found[0]), found[1], strlen(found[1]),
                           &response, NULL) < FHIRSTORE_OK) {
            bench_die("read", "failed");
        }
        fhirstore_response_free(response);
    }
    return bench_now() - begin;
}

static void measure_import(const bench_options *options, const bench_data *data, const char *path)
{
    char figure[128];
    bench_series with = {0};
    bench_series without = {0};
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&without, time_import(data, path, FHIRSTORE_JOURNAL_OFF));
        bench_add(&with, time_import(data, path, FHIRSTORE_JOURNAL_BATCHED));
    }
    (void)snprintf(figure, sizeof figure, "%.2f s to %.2f s", bench_median(&without),
                   bench_median(&with));
    bench_row("import, journal on to off", figure, bench_median(&without) / bench_median(&with),
              "at least 0.85");
}

static void measure_reads(const bench_options *options, const char *path)
{
    char figure[128];
    char found[2][65];
    int64_t count;
    bench_store with;
    bench_store without;
    bench_series ours = {0};
    bench_series floor = {0};
    char beside[4096];
    bench_path(options, "unrecorded.db", beside);
    bench_journal = FHIRSTORE_JOURNAL_BATCHED;
    bench_open(path, true, 64, &with);
    (void)fhirstore_export(with.session, NULL, take_first, found, &count, NULL);
    bench_journal = FHIRSTORE_JOURNAL_OFF;
    bench_open(beside, true, 64, &without);
    fhirstore_response *response = NULL;
    if (fhirstore_read(with.session, found[0], strlen(found[0]), found[1], strlen(found[1]),
                       &response, NULL) < FHIRSTORE_OK) {
        bench_die("read", "failed");
    }
    size_t len;
    const char *body = fhirstore_response_body(response, &len);
    fhirstore_response *stored = NULL;
    if (fhirstore_update(without.session, found[0], strlen(found[0]), found[1], strlen(found[1]),
                         body, len, NULL, &stored, NULL) < FHIRSTORE_OK) {
        bench_die("update", "failed");
    }
    fhirstore_response_free(stored);
    fhirstore_response_free(response);
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&floor, time_reads(&without, found, READS));
        bench_add(&ours, time_reads(&with, found, READS));
    }
    (void)snprintf(figure, sizeof figure, "%.0f reads/s recorded", READS / bench_median(&ours));
    bench_row("reads, journal on to off", figure, bench_median(&floor) / bench_median(&ours),
              "at least 0.5");
    (void)time_reads(&with, found, RECORDS);
    fhirstore_buf report = {0};
    double begin = bench_now();
    if (fhirstore_journal_verify(with.session, NULL, 0, &report, NULL) < FHIRSTORE_OK) {
        bench_die("journal", "is not sound");
    }
    (void)snprintf(figure, sizeof figure, "%.2f s", bench_now() - begin);
    fhirstore_buf_clear(&report);
    (void)printf("%-58s %-34s         (%s)\n", "verify a journal of more than a million records",
                 figure, "under 3 s");
    bench_close(&with);
    bench_close(&without);
    bench_remove(beside);
}

int main(int argc, char **argv)
{
    char path[4096];
    bench_data data;
    bench_options options = {.rounds = 3};
    if (argc < 4) {
        (void)fprintf(stderr, "usage: bench_journal DATA-FOLDER ROUNDS STORE-FOLDER\n");
        return 2;
    }
    options.data = argv[1];
    options.rounds = atoi(argv[2]);
    options.folder = argv[3];
    bench_load(options.data, &data);
    bench_path(&options, "recorded.db", path);
    measure_import(&options, &data, path);
    measure_reads(&options, path);
    bench_remove(path);
    return 0;
}
