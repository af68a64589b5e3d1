/* SPDX-License-Identifier: Apache-2.0 */
/* Microseconds to extract all search parameters of a resource, on average: bench_extract BUNDLE… */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "index/index.h"

#define ROUNDS 5

static double seconds(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_extract: %s\n", what);
    exit(1);
}

static const fhs_json *load(fhs_arena *arena, const char *path)
{
    fhs_buf text = FHS_BUF_INIT((size_t)1 << 30);
    char part[1 << 16];
    size_t got;
    const fhs_json *root = NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path);
    }
    while ((got = fread(part, 1, sizeof part, file)) > 0) {
        fhs_buf_add(&text, part, got);
    }
    (void)fclose(file);
    fhs_str kept = fhs_arena_dup(arena, fhs_buf_str(&text));
    fhs_buf_clear(&text);
    if (kept.ptr == NULL || fhs_json_read(arena, kept, NULL, &root, NULL) < FHIRSTORE_OK) {
        fail(path);
    }
    return root;
}

/* The seconds that all resources of one Bundle take; their number is added to @a count. */
static double extract_bundle(fhs_indexer *indexer, fhs_arena *arena, const fhs_json *bundle,
                             size_t *count)
{
    const fhs_json *entries = fhs_json_get(bundle, FHS_LIT("entry"));
    double begin = seconds();
    for (uint32_t i = 0; entries != NULL && i < entries->count; i++) {
        const fhs_json *resource = fhs_json_get(&entries->items[i], FHS_LIT("resource"));
        fhs_entries found = {0};
        fhs_arena_reset(arena);
        if (fhs_index_extract(indexer, FHS_LIT("http://localhost/fhir"), resource, arena, &found,
                              NULL) < FHIRSTORE_OK) {
            fail("extraction failed");
        }
        ++*count;
    }
    return seconds() - begin;
}

int main(int argc, char **argv)
{
    fhs_indexer *indexer;
    fhs_arena arena;
    double taken = 0;
    size_t count = 0;
    fhs_arena_init(&arena, (size_t)1 << 30);
    if (argc < 2 || fhs_indexer_new(fhs_fhir_get(FHS_FHIR_R4), &indexer, NULL) < FHIRSTORE_OK) {
        fail("usage: bench_extract BUNDLE…");
    }
    for (int i = 1; i < argc; i++) {
        fhs_arena trees;
        fhs_arena_init(&trees, (size_t)1 << 30);
        const fhs_json *bundle = load(&trees, argv[i]);
        for (int round = 0; round <= ROUNDS; round++) {
            size_t seen = 0;
            double once = extract_bundle(indexer, &arena, bundle, &seen);
            if (round > 0) { /* the first one compiles */
                taken += once;
                count += seen;
            }
        }
        fhs_arena_clear(&trees);
    }
    (void)printf("%.2f\n", count == 0 ? 0 : taken / (double)count * 1e6);
    fhs_indexer_free(indexer);
    fhs_arena_clear(&arena);
    return 0;
}
