/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluations a second of everyday FHIRPath: bench_fhirpath EXPRESSIONS PATIENTS OBSERVATIONS. Each
 * line of EXPRESSIONS is a type, a tab, and an expression; the resources are NDJSON, of which the
 * first hundred are used. Prints one number, which bench/fhirpath.mjs prints for HL7's engine too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "fhirpath/fhirpath.h"
#include "json/json.h"

#define RESOURCES   100
#define EXPRESSIONS 64
#define ROUNDS      200

typedef struct resource_set {
    const fhs_json *roots[RESOURCES];
    size_t count;
} resource_set;

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_fhirpath: %s\n", what);
    exit(1);
}

static void load(fhs_arena *arena, const char *path, resource_set *out)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path);
    }
    while (out->count < RESOURCES && (len = getline(&line, &capacity, file)) > 0) {
        fhs_str text = fhs_arena_dup(arena, fhs_str_of(line, (size_t)len));
        if (text.ptr == NULL ||
            fhs_json_read(arena, text, NULL, &out->roots[out->count++], NULL) < FHIRSTORE_OK) {
            fail("a line is not JSON");
        }
    }
    free(line);
    (void)fclose(file);
}

static double seconds(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t evaluate_all(const fhs_fhirpath *path, fhs_fhirpath_run *run, const resource_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const fhs_fp_item *items;
        size_t count;
        const fhs_fhirpath_input input = {.resource = set->roots[i]};
        if (fhs_fhirpath_evaluate(path, run, &input, &items, &count, NULL) < FHIRSTORE_OK) {
            fail("an evaluation failed");
        }
    }
    return set->count;
}

int main(int argc, char **argv)
{
    fhs_arena arena;
    resource_set sets[2] = {{.count = 0}, {.count = 0}};
    fhs_fhirpath *paths[EXPRESSIONS];
    size_t which[EXPRESSIONS];
    size_t count = 0;
    size_t done = 0;
    char line[1024];
    if (argc != 4) {
        fail("usage: bench_fhirpath EXPRESSIONS PATIENTS OBSERVATIONS");
    }
    fhs_arena_init(&arena, (size_t)1 << 30);
    load(&arena, argv[2], &sets[0]);
    load(&arena, argv[3], &sets[1]);
    FILE *file = fopen(argv[1], "rb");
    if (file == NULL) {
        fail(argv[1]);
    }
    while (count < EXPRESSIONS && fgets(line, sizeof line, file) != NULL) {
        char *tab = strchr(line, '\t');
        line[strcspn(line, "\n")] = '\0';
        if (tab == NULL) {
            fail("a line without a tab");
        }
        const fhs_fhirpath_options options = {.fhir = fhs_fhir_get(FHS_FHIR_R4),
                                              .context_type = FHS_TYPE_NONE};
        which[count] = line[0] == 'P' ? 0 : 1;
        if (fhs_fhirpath_compile(&options, fhs_str_from_cstr(tab + 1), &paths[count], NULL) <
            FHIRSTORE_OK) {
            fail(tab + 1);
        }
        count++;
    }
    (void)fclose(file);
    fhs_fhirpath_run *run = fhs_fhirpath_run_new(0);
    double begin = seconds();
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            done += evaluate_all(paths[i], run, &sets[which[i]]);
        }
    }
    (void)printf("%.0f\n", (double)done / (seconds() - begin));
    for (size_t i = 0; i < count; i++) {
        fhs_fhirpath_free(paths[i]);
    }
    fhs_fhirpath_run_free(run);
    fhs_arena_clear(&arena);
    return 0;
}
