/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate [--bindings | --invariants] [--fhir R4|R4B|R5] FOLDER: check every *.json below the
 * folder that has a resourceType; with --invariants everything that $validate checks but for what
 * the store holds. Prints each refusal with its issues and "N passed, N failed".
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "folder.h"
#include "terminology/terminology.h"
#include "validation/validation.h"

typedef struct validation_run {
    const fhs_fhir *fhir;
    fhs_validation_mode mode;
    fhs_full_check full;
    bool is_full;
    bool has_warnings;
    unsigned passed;
    unsigned failed;
    fhs_buf text;
} validation_run;

static void print_refusal(const char *file, const fhirstore_error *err)
{
    (void)printf("%s: %s\n", file, fhs_status_name(fhs_error_status(err)));
    for (uint32_t i = 0; i < fhs_error_issue_count(err); i++) {
        fhirstore_issue issue;
        if (fhs_error_issue(err, i, &issue) &&
            (fhs_error_status(err) >= FHIRSTORE_OK || strcmp(issue.severity, "error") == 0)) {
            (void)printf("    %s: %s (%s)\n", issue.expression == NULL ? "" : issue.expression,
                         issue.text, issue.code);
        }
    }
}

/* Errors decide; warnings are printed where they are asked for. */
static fhirstore_status validate_all(const validation_run *run, const char *file,
                                     const fhs_json *root, fhirstore_error **err)
{
    fhs_type type;
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_validate_fully(run->fhir, &run->full, root, &type, err, &why);
    if (status < FHIRSTORE_OK && why != NULL) {
        fhs_error_free(*err);
        *err = why;
    } else if (status >= FHIRSTORE_OK && *err != NULL && run->has_warnings) {
        print_refusal(file, *err);
    }
    return status;
}

static void validate_file(void *ctx, const char *file)
{
    validation_run *run = ctx;
    fhs_arena arena;
    fhs_type type;
    const fhs_json *root = NULL;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, SIZE_MAX);
    fhs_buf_reset(&run->text);
    fhirstore_status status = FHIRSTORE_ERR_IO;
    if (folder_read_file(file, &run->text)) {
        status = fhs_json_read(&arena, fhs_buf_str(&run->text), NULL, &root, &err);
    }
    bool is_resource = fhs_json_is(root, FHS_JSON_OBJECT) &&
                       fhs_json_get(root, FHS_LIT("resourceType")) != NULL;
    if (status == FHIRSTORE_OK && is_resource) {
        status = run->is_full ? validate_all(run, file, root, &err)
                              : fhs_validate_resource(run->fhir, run->mode, root, &type, &err);
    }
    if (status != FHIRSTORE_OK) {
        print_refusal(file, err);
        run->failed++;
    } else if (is_resource) {
        run->passed++;
    }
    fhs_error_free(err);
    fhs_arena_clear(&arena);
}

static const fhs_fhir *find_version(const char *name)
{
    for (int version = FHS_FHIR_R4; version <= FHS_FHIR_R5; version++) {
        const fhs_fhir *fhir = fhs_fhir_get((fhs_fhir_version)version);
        if (fhir != NULL && fhs_str_eq(fhs_fhir_version_name(fhir), fhs_str_from_cstr(name))) {
            return fhir;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    validation_run run = {.fhir = fhs_fhir_get(FHS_FHIR_R4),
                          .mode = FHS_VALIDATION_ON,
                          .text = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES)};
    int at = 1;
    if (at < argc && strcmp(argv[at], "--bindings") == 0) {
        run.mode = FHS_VALIDATION_BINDINGS;
        at++;
    } else if (at < argc &&
               (strcmp(argv[at], "--invariants") == 0 || strcmp(argv[at], "--warnings") == 0)) {
        run.is_full = true;
        run.has_warnings = strcmp(argv[at], "--warnings") == 0;
        at++;
    }
    if (at + 1 < argc && strcmp(argv[at], "--fhir") == 0) {
        run.fhir = find_version(argv[at + 1]);
        at += 2;
    }
    if (at + 1 != argc || run.fhir == NULL) {
        (void)fprintf(
            stderr,
            "usage: validate [--bindings | --invariants | --warnings] [--fhir R4|R4B|R5] FOLDER\n");
        return 2;
    }
    fhs_terms *terms = NULL;
    (void)fhs_terms_new(run.fhir, NULL, &terms, NULL);
    run.full = (fhs_full_check){
        .invariants = fhs_invariants_new(run.fhir),
        .run = fhs_fhirpath_run_new(0),
        .terms = terms,
        .errors_only = !run.has_warnings,
    };
    bool is_read = folder_each_json(argv[at], validate_file, &run);
    (void)printf("%u passed, %u failed\n", run.passed, run.failed);
    fhs_buf_clear(&run.text);
    fhs_terms_free(terms);
    fhs_fhirpath_run_free(run.full.run);
    fhs_invariants_free(run.full.invariants);
    return is_read && run.failed == 0 && run.passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
