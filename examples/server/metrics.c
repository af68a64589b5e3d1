/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const kinds[] = {"read",   "search",    "history",  "write",
                                    "bundle", "operation", "metadata", "other"};
static const unsigned statuses[] = {200, 201, 204, 304, 400, 401, 403, 404, 405,
                                    406, 408, 409, 410, 412, 413, 414, 415, 417,
                                    421, 422, 429, 431, 500, 501, 503, 505, 0};
static const double buckets[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5};

#define KINDS    (sizeof kinds / sizeof *kinds)
#define STATUSES (sizeof statuses / sizeof *statuses)
#define BUCKETS  (sizeof buckets / sizeof *buckets)

typedef struct timing_row {
    atomic_ullong within[BUCKETS + 1]; /* each for itself; the page adds them up */
    atomic_ullong sum_us;
} timing_row;

struct web_metrics {
    time_t started;
    atomic_uint at_work;
    atomic_ullong requests[KINDS][STATUSES];
    timing_row timings[KINDS];
    atomic_ullong bytes_in;
    atomic_ullong bytes_out;
    atomic_ullong refused_tokens;
    atomic_ullong answered;
};

web_metrics *metrics_new(void)
{
    web_metrics *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->started = time(NULL);
    }
    return made;
}

void metrics_free(web_metrics *metrics)
{
    free(metrics);
}

void metrics_begin(web_metrics *metrics)
{
    (void)atomic_fetch_add_explicit(&metrics->at_work, 1, memory_order_relaxed);
}

static void count(atomic_ullong *what, unsigned long long more)
{
    (void)atomic_fetch_add_explicit(what, more, memory_order_relaxed);
}

static unsigned long long read_count(const atomic_ullong *what)
{
    return atomic_load_explicit((atomic_ullong *)(uintptr_t)what, memory_order_relaxed);
}

static size_t kind_of(const char *kind)
{
    size_t i = 0;
    while (i < KINDS - 1 && strcmp(kinds[i], kind) != 0) {
        i++;
    }
    return i;
}

void metrics_end(web_metrics *metrics, const char *kind, unsigned status, uint64_t us,
                 size_t bytes_in, size_t bytes_out)
{
    size_t row = kind_of(kind);
    size_t column = 0;
    size_t bucket = 0;
    while (column < STATUSES - 1 && statuses[column] != status) {
        column++;
    }
    while (bucket < BUCKETS && (double)us / 1e6 > buckets[bucket]) {
        bucket++;
    }
    count(&metrics->requests[row][column], 1);
    count(&metrics->timings[row].within[bucket], 1);
    count(&metrics->timings[row].sum_us, us);
    count(&metrics->bytes_in, bytes_in);
    count(&metrics->bytes_out, bytes_out);
    count(&metrics->answered, 1);
    (void)atomic_fetch_sub_explicit(&metrics->at_work, 1, memory_order_relaxed);
}

unsigned long long metrics_answered(const web_metrics *metrics)
{
    return read_count(&metrics->answered);
}

void metrics_token_refused(web_metrics *metrics)
{
    count(&metrics->refused_tokens, 1);
}

unsigned metrics_at_work(const web_metrics *metrics)
{
    return atomic_load(&metrics->at_work);
}

/* ---- the page ---- */

static void write_requests(FILE *out, const web_metrics *metrics)
{
    (void)fputs("# HELP fhirstore_http_requests_total Requests answered.\n"
                "# TYPE fhirstore_http_requests_total counter\n",
                out);
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t s = 0; s < STATUSES; s++) {
            unsigned long long n = read_count(&metrics->requests[k][s]);
            if (n > 0 && statuses[s] == 0) {
                (void)fprintf(out,
                              "fhirstore_http_requests_total{kind=\"%s\",status=\"other\"} %llu\n",
                              kinds[k], n);
            } else if (n > 0) {
                (void)fprintf(out,
                              "fhirstore_http_requests_total{kind=\"%s\",status=\"%u\"} %llu\n",
                              kinds[k], statuses[s], n);
            }
        }
    }
}

static void write_timing(FILE *out, const char *kind, const timing_row *timing)
{
    static const char name[] = "fhirstore_http_request_duration_seconds";
    unsigned long long sum = 0;
    for (size_t b = 0; b < BUCKETS; b++) {
        sum += read_count(&timing->within[b]);
        (void)fprintf(out, "%s_bucket{kind=\"%s\",le=\"%g\"} %llu\n", name, kind, buckets[b], sum);
    }
    sum += read_count(&timing->within[BUCKETS]);
    (void)fprintf(out, "%s_bucket{kind=\"%s\",le=\"+Inf\"} %llu\n", name, kind, sum);
    (void)fprintf(out, "%s_sum{kind=\"%s\"} %.6f\n", name, kind,
                  (double)read_count(&timing->sum_us) / 1e6);
    (void)fprintf(out, "%s_count{kind=\"%s\"} %llu\n", name, kind, sum);
}

static void write_one(FILE *out, const char *name, const char *kind, const char *help, double value)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, kind, name,
                  value);
}

static double resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%*u %lu", &pages) != 1) {
        pages = 0;
    }
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double file_bytes(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 ? (double)facts.st_size : 0;
}

char *metrics_page(const web_metrics *metrics, const char *store_path, size_t *len_out)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len_out);
    if (out == NULL) {
        return NULL;
    }
    write_requests(out, metrics);
    (void)fputs(
        "# HELP fhirstore_http_request_duration_seconds Time from the request to its answer.\n"
        "# TYPE fhirstore_http_request_duration_seconds histogram\n",
        out);
    for (size_t k = 0; k < KINDS; k++) {
        write_timing(out, kinds[k], &metrics->timings[k]);
    }
    write_one(out, "fhirstore_http_requests_in_flight", "gauge", "Requests being answered.",
              metrics_at_work(metrics));
    write_one(out, "fhirstore_http_request_bytes_total", "counter", "Bytes of request bodies.",
              (double)read_count(&metrics->bytes_in));
    write_one(out, "fhirstore_http_response_bytes_total", "counter", "Bytes of answers.",
              (double)read_count(&metrics->bytes_out));
    write_one(out, "fhirstore_http_refused_tokens_total", "counter", "Bearer tokens refused.",
              (double)read_count(&metrics->refused_tokens));
    write_one(out, "fhirstore_store_bytes", "gauge", "Size of the store's file.",
              file_bytes(store_path));
    write_one(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    write_one(out, "process_start_time_seconds", "gauge", "When the process started.",
              (double)metrics->started);
    return fclose(out) == 0 ? text : NULL;
}
