/* SPDX-License-Identifier: Apache-2.0 */
/* export: NDJSON, one file a type. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

#define MAX_TYPES 256

/* Files that were opened so far, by the type they hold. */
typedef struct export_files {
    const char *folder;
    struct {
        char type[65];
        FILE *file;
        int64_t count;
    } types[MAX_TYPES];
    size_t count;
    bool failed; /* the reason is on stderr */
} export_files;

/* Tell the first failure; those that follow from it say nothing new. */
static FILE *refuse(export_files *files, const char *path, const char *reason)
{
    if (!files->failed) {
        (void)cli_fail_text("%s: %s", path, reason);
    }
    files->failed = true;
    return NULL;
}

static FILE *file_for(export_files *files, const char *type, int64_t **count_out)
{
    for (size_t i = files->count; i > 0; i--) {
        if (strcmp(files->types[i - 1].type, type) == 0) {
            *count_out = &files->types[i - 1].count;
            return files->types[i - 1].file;
        }
    }
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s.ndjson", files->folder, type);
    if (files->count == MAX_TYPES || len < 0 || (size_t)len >= sizeof path ||
        strlen(type) >= sizeof files->types[0].type) {
        return refuse(files, files->folder, "too many types, or names too long");
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return refuse(files, path, strerror(errno));
    }
    (void)strcpy(files->types[files->count].type, type);
    files->types[files->count].file = file;
    *count_out = &files->types[files->count].count;
    files->count++;
    return file;
}

static fhirstore_status take_resource(void *ctx, const char *type, const char *body,
                                      size_t body_len)
{
    export_files *files = ctx;
    int64_t *count;
    FILE *file = file_for(files, type, &count);
    if (file == NULL) {
        return FHIRSTORE_ERR_CALLBACK;
    }
    if (fwrite(body, 1, body_len, file) != body_len || fputc('\n', file) == EOF) {
        (void)refuse(files, files->folder, strerror(errno));
        return FHIRSTORE_ERR_CALLBACK;
    }
    ++*count;
    return FHIRSTORE_OK;
}

static void close_files(export_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        if (fclose(files->types[i].file) != 0) {
            (void)refuse(files, files->folder, strerror(errno));
        }
    }
}

/* The folder, made where there is none. */
static bool make_folder(const char *path)
{
    struct stat info;
    if (mkdir(path, 0700) == 0) {
        return true;
    }
    int failure = errno;
    if (failure == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return true;
    }
    (void)cli_fail_text("%s: %s", path,
                        failure == EEXIST ? "is a file, not a folder" : strerror(failure));
    return false;
}

static bool parse_since(const char *text, int64_t *since_us)
{
    *since_us = 0;
    return text == NULL || cli_instant(text, since_us);
}

/* One type after the other, or all at once. */
static fhirstore_status export_types(const cli_options *options, fhirstore_session *session,
                                     int64_t since_us, export_files *files, fhirstore_error **err)
{
    fhirstore_export_options what = FHIRSTORE_EXPORT_OPTIONS_INIT;
    what.since_us = since_us;
    what.type = options->type;
    if (what.type == NULL) {
        return fhirstore_export(session, &what, take_resource, files, NULL, err);
    }
    for (;;) {
        what.type_len = strcspn(what.type, ",");
        fhirstore_status status = fhirstore_export(session, &what, take_resource, files, NULL, err);
        if (status < FHIRSTORE_OK || what.type[what.type_len] == '\0') {
            return status;
        }
        what.type += what.type_len + 1;
    }
}

static void print_counts(const cli_options *options, const export_files *files)
{
    int64_t total = 0;
    for (size_t i = 0; i < files->count; i++) {
        total += files->types[i].count;
    }
    if (!options->json) {
        (void)printf("%lld resource%s of %zu type%s exported to %s\n", (long long)total,
                     cli_plural(total), files->count, cli_plural((int64_t)files->count),
                     files->folder);
        return;
    }
    (void)printf("{\"resources\":%lld,\"types\":{", (long long)total);
    for (size_t i = 0; i < files->count; i++) {
        (void)printf("%s\"%s\":%lld", i == 0 ? "" : ",", files->types[i].type,
                     (long long)files->types[i].count);
    }
    (void)printf("}}\n");
}

int cli_export(const cli_options *options)
{
    static export_files files;
    cli_store opened;
    int64_t since_us;
    fhirstore_error *error = NULL;
    files.folder = options->arguments[1];
    if (!parse_since(options->since, &since_us)) {
        return cli_usage("--since takes a date or an instant (2024-01-31T12:00:00Z), not \"%s\"",
                         options->since);
    }
    if (!make_folder(files.folder) || !cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    fhirstore_status status = export_types(options, opened.session, since_us, &files, &error);
    cli_close(&opened);
    close_files(&files);
    if (files.failed) {
        fhirstore_error_free(error);
        return EXIT_FAILED;
    }
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    print_counts(options, &files);
    return EXIT_FINE;
}
