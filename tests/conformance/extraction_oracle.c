/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extraction_oracle [--fhir R4|R4B|R5] PATH…: compare extraction with our own FHIRPath engine
 * (oracle.h) on every resource below each PATH. Prints each difference and how many there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "oracle.h"

#define TEXT_MAX  ((size_t)512 << 20)
#define ARENA_MAX ((size_t)2048 << 20)

static void compare_file(void *ctx, const char *file)
{
    oracle *run = ctx;
    fhs_arena arena;
    fhs_buf text = FHS_BUF_INIT(TEXT_MAX);
    const fhs_json *resource = NULL;
    fhs_arena_init(&arena, ARENA_MAX);
    if (!folder_read_file(file, &text) ||
        fhs_json_read(&arena, fhs_buf_str(&text), NULL, &resource, NULL) != FHIRSTORE_OK) {
        printf("FAILED %s cannot be read\n", file);
        run->failed++;
    } else if (fhs_json_is(resource, FHS_JSON_OBJECT) &&
               fhs_json_get(resource, FHS_LIT("resourceType")) != NULL) {
        run->files++;
        oracle_compare(run, file, resource);
    }
    fhs_arena_clear(&arena);
    fhs_buf_clear(&text);
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
    oracle run;
    fhs_fhir_version version = FHS_FHIR_R4;
    int at = 1;
    if (argc > 2 && strcmp(argv[1], "--fhir") == 0) {
        version = version_of(argv[2]);
        at = 3;
    }
    if (at >= argc || !oracle_begin(&run, fhs_fhir_get(version))) {
        fprintf(stderr, "usage: extraction_oracle [--fhir R4|R4B|R5] PATH...\n");
        return 2;
    }
    for (; at < argc; at++) {
        if (!folder_each_json(argv[at], compare_file, &run)) {
            printf("FAILED %s cannot be read\n", argv[at]);
            run.failed++;
        }
    }
    printf("%lu files, %lu pairs, %lu differ, %lu differ for a listed reason, %lu failed\n",
           run.files, run.pairs, run.differ, run.justified, run.failed);
    oracle_end(&run);
    return run.differ + run.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
