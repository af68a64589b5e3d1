/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast JSON is read into trees and written back: bench_json FILE…, in MB/s of text. Resources
 * of Bundles are read one by one, compact, as the write path meets them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"

#define ROUNDS 20

typedef struct span {
    size_t begin;
    size_t len;
} span;

typedef struct workload {
    fhs_buf text;
    span *spans;
    size_t count;
    size_t capacity;
} workload;

static bool add_span(workload *work, size_t begin)
{
    if (work->count == work->capacity) {
        size_t capacity = work->capacity == 0 ? 1024 : work->capacity * 2;
        span *spans = fhs_realloc(work->spans, capacity * sizeof *spans);
        if (spans == NULL) {
            return false;
        }
        work->spans = spans;
        work->capacity = capacity;
    }
    work->spans[work->count++] = (span){begin, work->text.len - begin};
    return true;
}

static bool add_resource(workload *work, fhs_str source, const fhs_json *resource)
{
    size_t begin = work->text.len;
    fhs_json_write_compact(&work->text, source, resource);
    return fhs_buf_status(&work->text) == FHIRSTORE_OK && add_span(work, begin);
}

/* Add the resources of a Bundle, or what else the text is as a whole. */
static bool add_text(workload *work, fhs_str source)
{
    fhs_arena arena;
    const fhs_json *root;
    fhs_arena_init(&arena, SIZE_MAX);
    bool ok = fhs_json_read(&arena, source, NULL, &root, NULL) == FHIRSTORE_OK;
    const fhs_json *entries = fhs_json_get(root, FHS_LIT("entry"));
    if (ok && !fhs_json_is(entries, FHS_JSON_ARRAY)) {
        ok = add_resource(work, source, root);
    }
    for (uint32_t i = 0; ok && fhs_json_is(entries, FHS_JSON_ARRAY) && i < entries->count; i++) {
        const fhs_json *resource = fhs_json_get(&entries->items[i], FHS_LIT("resource"));
        ok = resource == NULL || add_resource(work, source, resource);
    }
    fhs_arena_clear(&arena);
    return ok;
}

static bool add_file(workload *work, const char *path)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    char block[64 * 1024];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) {
        fhs_buf_add(&text, block, got);
    }
    bool ok = ferror(file) == 0 && fhs_buf_status(&text) == FHIRSTORE_OK;
    (void)fclose(file);
    ok = ok && add_text(work, fhs_buf_str(&text));
    fhs_buf_clear(&text);
    return ok;
}

typedef enum task {
    TASK_READ,
    TASK_COMPACT,
    TASK_PRETTY,
} task;

/* One pass over all resources; the time that counts, in microseconds. */
static int64_t run_pass(const workload *work, task what)
{
    fhs_arena arena;
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    int64_t total = 0;
    fhs_arena_init(&arena, SIZE_MAX);
    int64_t before = fhs_clock_monotonic_us();
    for (size_t i = 0; i < work->count; i++) {
        fhs_str text = fhs_str_of(work->text.ptr + work->spans[i].begin, work->spans[i].len);
        const fhs_json *root;
        if (fhs_json_read(&arena, text, NULL, &root, NULL) != FHIRSTORE_OK) {
            abort();
        }
        fhs_buf_reset(&out);
        if (what == TASK_COMPACT) {
            fhs_json_write_compact(&out, text, root);
        } else if (what == TASK_PRETTY) {
            fhs_json_write_pretty(&out, text, root);
        }
        fhs_arena_reset(&arena);
    }
    total += fhs_clock_monotonic_us() - before;
    fhs_arena_clear(&arena);
    fhs_buf_clear(&out);
    return total;
}

static int64_t best_time(const workload *work, task what)
{
    int64_t best = run_pass(work, what);
    for (int i = 1; i < ROUNDS; i++) {
        int64_t time = run_pass(work, what);
        best = time < best ? time : best;
    }
    return best > 0 ? best : 1;
}

int main(int argc, char **argv)
{
    workload work = {.text = FHS_BUF_INIT(SIZE_MAX)};
    bool ok = argc > 1;
    for (int i = 1; ok && i < argc; i++) {
        ok = add_file(&work, argv[i]);
    }
    if (!ok || work.count == 0) {
        (void)fprintf(stderr, "usage: bench_json FILE...\n");
        return 2;
    }
    int64_t read_us = best_time(&work, TASK_READ);
    int64_t compact_us = best_time(&work, TASK_COMPACT) - read_us;
    int64_t pretty_us = best_time(&work, TASK_PRETTY) - read_us;
    double bytes = (double)work.text.len;
    (void)printf("%zu resources, %zu bytes compact\n", work.count, work.text.len);
    (void)printf("read     %6.0f MB/s\n", bytes / (double)read_us);
    (void)printf("compact  %6.0f MB/s\n", bytes / (double)(compact_us > 0 ? compact_us : 1));
    (void)printf("pretty   %6.0f MB/s\n", bytes / (double)(pretty_us > 0 ? pretty_us : 1));
    fhs_buf_clear(&work.text);
    fhs_free(work.spans);
    return 0;
}
