/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extraction [--fhir R4|R4B|R5] --definitions: print the search parameters as extraction_npm.mjs
 * reads them, one line of JSON each.
 *
 * extraction [--fhir R4|R4B|R5] [--print] [--time] PATH…: extract the index entries of every
 * resource in the *.json files below each PATH (of a Bundle: the Bundle itself, and with --time its
 * entries).
 *
 * Prints "N files, N resources, N pairs, N entries, N failed" and the parameters that only the
 * FHIRPath engine can evaluate; with --print the lines of `fhirstore index`; with --time the mean
 * time of one extraction, parsing excluded. Exits 1 when something failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "folder.h"
#include "index/index.h"

#define TEXT_MAX   ((size_t)512 << 20)
#define ARENA_MAX  ((size_t)2048 << 20)
#define TIMED_RUNS 20

typedef struct extraction {
    const fhs_fhir *fhir;
    fhs_indexer *indexer;
    bool is_printing, is_timing, is_defining;
    unsigned long files, resources, pairs, entries, failed, timed, timed_entries;
    double seconds;
    unsigned char *seen; /* by parameter, of the resource at hand */
} extraction;

static double now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void report_failure(extraction *run, const char *file, fhirstore_error *err)
{
    printf("FAILED %s: %s\n", file, err == NULL ? "no reason given" : fhs_error_message(err));
    run->failed++;
}

static void count_entries(extraction *run, const fhs_entries *entries)
{
    memset(run->seen, 0, fhs_sparam_count(run->fhir));
    for (size_t i = 0; i < entries->count; i++) {
        fhs_sparam param = entries->items[i].param;
        if (param == FHS_SPARAM_NONE) {
            printf("FAILED: an entry without parameter\n");
            run->failed++;
        } else if (run->seen[param]++ == 0) {
            run->pairs++;
        }
        if (run->seen[param] == 255) {
            run->seen[param] = 1;
        }
    }
    run->entries += entries->count;
    run->resources++;
}

static void extract_once(extraction *run, const char *file, const fhs_json *resource)
{
    fhirstore_error *err = NULL;
    fhs_arena arena;
    fhs_entries entries = {NULL, 0, 0};
    fhs_arena_init(&arena, ARENA_MAX);
    if (fhs_index_extract(run->indexer, FHS_STR_NONE, resource, &arena, &entries, &err) !=
        FHIRSTORE_OK) {
        report_failure(run, file, err);
    } else {
        count_entries(run, &entries);
    }
    fhs_error_free(err);
    if (run->is_printing) {
        fhs_buf out = FHS_BUF_INIT(TEXT_MAX);
        if (fhs_index_write_ndjson(run->indexer, FHS_STR_NONE, resource, &out, NULL) ==
            FHIRSTORE_OK) {
            (void)fwrite(out.ptr, 1, out.len, stdout);
        }
        fhs_buf_clear(&out);
    }
    fhs_arena_clear(&arena);
}

static void time_resource(extraction *run, const fhs_json *resource, fhs_arena *arena)
{
    for (int i = 0; i <= TIMED_RUNS; i++) {
        fhs_entries entries = {NULL, 0, 0};
        fhs_arena_reset(arena);
        double from = now_seconds();
        (void)fhs_index_extract(run->indexer, FHS_STR_NONE, resource, arena, &entries, NULL);
        if (i > 0) { /* the first one warms */
            run->seconds += now_seconds() - from;
            run->timed_entries += entries.count;
            run->timed++;
        }
    }
}

static void time_entries(extraction *run, const fhs_json *bundle)
{
    fhs_arena arena;
    fhs_arena_init(&arena, ARENA_MAX);
    const fhs_json *entries = fhs_json_get(bundle, FHS_LIT("entry"));
    for (uint32_t i = 0; fhs_json_is(entries, FHS_JSON_ARRAY) && i < entries->count; i++) {
        const fhs_json *resource = fhs_json_is(&entries->items[i], FHS_JSON_OBJECT)
                                       ? fhs_json_get(&entries->items[i], FHS_LIT("resource"))
                                       : NULL;
        if (resource != NULL) {
            time_resource(run, resource, &arena);
        }
    }
    if (entries == NULL) {
        time_resource(run, bundle, &arena);
    }
    fhs_arena_clear(&arena);
}

static void visit_file(void *ctx, const char *file)
{
    extraction *run = ctx;
    fhs_arena arena;
    fhs_buf text = FHS_BUF_INIT(TEXT_MAX);
    fhirstore_error *err = NULL;
    const fhs_json *resource = NULL;
    fhs_arena_init(&arena, ARENA_MAX);
    if (!folder_read_file(file, &text) ||
        fhs_json_read(&arena, fhs_buf_str(&text), NULL, &resource, &err) != FHIRSTORE_OK) {
        report_failure(run, file, err);
    } else if (fhs_json_is(resource, FHS_JSON_OBJECT) &&
               fhs_json_get(resource, FHS_LIT("resourceType")) != NULL) {
        run->files++;
        extract_once(run, file, resource);
        if (run->is_timing) {
            time_entries(run, resource);
        }
    }
    fhs_error_free(err);
    fhs_arena_clear(&arena);
    fhs_buf_clear(&text);
}

typedef struct fallback_list {
    const extraction *run;
    fhs_type type;
    unsigned long count;
} fallback_list;

static void show_fallback(void *ctx, fhs_sparam param)
{
    fallback_list *list = ctx;
    fhs_str name = fhs_type_name(list->run->fhir, list->type);
    fhs_str code = fhs_sparam_get(list->run->fhir, param).code;
    printf("by the engine: %.*s %.*s\n", FHS_STR_ARG(name), FHS_STR_ARG(code));
    list->count++;
}

static void show_fallbacks(extraction *run)
{
    fallback_list list = {.run = run};
    for (size_t i = 0; i < fhs_type_count(run->fhir); i++) {
        list.type = (fhs_type)i;
        if (fhs_type_is_resource(run->fhir, list.type) &&
            fhs_indexer_fallbacks(run->indexer, list.type, show_fallback, &list, NULL) !=
                FHIRSTORE_OK) {
            run->failed++;
        }
    }
    printf("%lu parameters by the engine\n", list.count);
}

static void write_member(fhs_buf *out, const char *name, fhs_str text)
{
    fhs_buf_addf(out, "\"%s\":", name);
    fhs_json_write_string(out, text);
    fhs_buf_add_char(out, ',');
}

static void write_definition(const fhs_fhir *fhir, fhs_sparam_def def, fhs_buf *out)
{
    fhs_buf_add_char(out, '{');
    write_member(out, "url", def.url);
    write_member(out, "code", def.code);
    write_member(out, "type", fhs_sparam_type_name((fhs_sparam_type)def.type));
    write_member(out, "expression", def.expression);
    fhs_buf_add_cstr(out, "\"component\":[");
    for (uint16_t i = 0; i < def.component_count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? "{" : ",{");
        fhs_sparam_def part = fhs_sparam_get(fhir, def.components[i].param);
        write_member(out, "type", fhs_sparam_type_name((fhs_sparam_type)part.type));
        fhs_buf_add_cstr(out, "\"expression\":");
        fhs_json_write_string(out, def.components[i].expression);
        fhs_buf_add_char(out, '}');
    }
    fhs_buf_add_cstr(out, "],\"base\":[");
    for (uint16_t i = 0; i < def.base_count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? "" : ",");
        fhs_json_write_string(out, fhs_type_name(fhir, def.bases[i]));
    }
    fhs_buf_add_cstr(out, "]}\n");
}

static int print_definitions(const fhs_fhir *fhir)
{
    fhs_buf out = FHS_BUF_INIT(TEXT_MAX);
    for (size_t i = 0; i < fhs_sparam_count(fhir); i++) {
        write_definition(fhir, fhs_sparam_get(fhir, (fhs_sparam)i), &out);
    }
    bool is_good = fwrite(out.ptr, 1, out.len, stdout) == out.len;
    fhs_buf_clear(&out);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static fhs_fhir_version version_of(const char *name)
{
    if (strcmp(name, "R4B") == 0) {
        return FHS_FHIR_R4B;
    }
    return strcmp(name, "R5") == 0 ? FHS_FHIR_R5 : FHS_FHIR_R4;
}

int main(int argc, char **argv)
{
    extraction run = {.fhir = fhs_fhir_get(FHS_FHIR_R4)};
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--print") == 0) {
            run.is_printing = true;
        } else if (strcmp(argv[at], "--time") == 0) {
            run.is_timing = true;
        } else if (strcmp(argv[at], "--definitions") == 0) {
            run.is_defining = true;
        } else if (strcmp(argv[at], "--fhir") == 0 && at + 1 < argc) {
            run.fhir = fhs_fhir_get(version_of(argv[++at]));
        }
    }
    if (run.is_defining && run.fhir != NULL) {
        return print_definitions(run.fhir);
    }
    if (at == argc || run.fhir == NULL) {
        fprintf(stderr, "usage: extraction [--fhir R4|R4B|R5] [--print] [--time] PATH...\n"
                        "       extraction [--fhir R4|R4B|R5] --definitions\n");
        return 2;
    }
    run.seen = fhs_calloc(fhs_sparam_count(run.fhir) + 1, 1);
    if (run.seen == NULL || fhs_indexer_new(run.fhir, &run.indexer, NULL) != FHIRSTORE_OK) {
        return EXIT_FAILURE;
    }
    for (; at < argc; at++) {
        if (!folder_each_json(argv[at], visit_file, &run)) {
            printf("FAILED %s cannot be read\n", argv[at]);
            run.failed++;
        }
    }
    if (!run.is_printing) {
        show_fallbacks(&run);
        printf("%lu files, %lu resources, %lu pairs, %lu entries, %lu failed\n", run.files,
               run.resources, run.pairs, run.entries, run.failed);
    }
    if (run.timed > 0) {
        printf("%.2f us and %.1f entries a resource, %lu extractions\n",
               run.seconds * 1e6 / (double)run.timed, (double)run.timed_entries / (double)run.timed,
               run.timed);
    }
    fhs_indexer_free(run.indexer);
    fhs_free(run.seen);
    return run.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
