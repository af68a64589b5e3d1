/* SPDX-License-Identifier: Apache-2.0 */
/* shred: the end of one patient, or of several. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json/json.h"

static const char prefix[] = "Patient/";

static void print_names(const char *json, const fhs_json *root)
{
    const fhs_json *names = fhs_json_get(root, FHS_LIT("stillNamedBy"));
    for (uint32_t i = 0; names != NULL && i < names->count; i++) {
        const fhs_json *item = &names->items[i];
        (void)printf("  still named by %.*s\n", (int)(item->end - item->begin) - 2,
                     json + item->begin + 1);
    }
}

static void print_shredded(const char *json, size_t len)
{
    fhs_arena arena;
    const fhs_json *root;
    fhs_arena_init(&arena, SIZE_MAX / 2);
    if (fhs_json_read(&arena, fhs_str_of(json, len), NULL, &root, NULL) >= FHIRSTORE_OK) {
        const fhs_json *resources = fhs_json_get(root, FHS_LIT("resources"));
        const fhs_json *versions = fhs_json_get(root, FHS_LIT("versions"));
        const fhs_json *tidy = fhs_json_get(root, FHS_LIT("tidy"));
        (void)printf("shredded: %.*s resources, %.*s versions%s\n",
                     (int)(resources->end - resources->begin), json + resources->begin,
                     (int)(versions->end - versions->begin), json + versions->begin,
                     json[tidy->begin] == 't' ? "" : "; the file is still to be written anew");
        print_names(json, root);
    }
    fhs_arena_clear(&arena);
}

static int shred_one(const cli_options *options, const cli_store *opened, const char *id,
                     bool later)
{
    fhirstore_error *error = NULL;
    fhirstore_buf report = {0};
    fhirstore_status status = fhirstore_shred_patient(opened->session, id, strlen(id),
                                                      later ? (uint32_t)FHIRSTORE_SHRED_LATER : 0,
                                                      &report, &error);
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    if (options->json) {
        (void)printf("%.*s\n", (int)report.len, report.ptr);
    } else {
        print_shredded(report.ptr, report.len);
    }
    fhirstore_buf_clear(&report);
    return EXIT_FINE;
}

/* The file is written anew once, after the last of them. */
int cli_shred(const cli_options *options)
{
    cli_store opened;
    int result = EXIT_FINE;
    for (int i = 1; i < options->argument_count; i++) {
        if (strncmp(options->arguments[i], prefix, strlen(prefix)) != 0) {
            return cli_usage("shred takes patients: Patient/id");
        }
    }
    if (!cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    for (int i = 1; i < options->argument_count && result == EXIT_FINE; i++) {
        bool later = options->later || i + 1 < options->argument_count;
        result = shred_one(options, &opened, options->arguments[i] + strlen(prefix), later);
    }
    cli_close(&opened);
    return result;
}
