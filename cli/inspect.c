/* SPDX-License-Identifier: Apache-2.0 */
/* init, stats, verify, index, fhirpath: what an operator asks of a store or a resource.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json/json.h"

int cli_init(const cli_options *options)
{
    cli_store opened;
    FILE *existing = fopen(options->arguments[0], "rb");
    if (existing != NULL) {
        (void)fclose(existing);
        return cli_fail_text("%s: there is a file of this name already", options->arguments[0]);
    }
    uint32_t flags = FHIRSTORE_OPEN_CREATE;
    flags |= options->patient_keys ? (uint32_t)FHIRSTORE_OPEN_PATIENT_KEYS : 0;
    if (!cli_open(options, flags, &opened)) {
        return EXIT_FAILED;
    }
    const char *const versions[] = {"?", "R4", "R4B", "R5"};
    const char *version = versions[fhirstore_fhir_version(opened.store)];
    cli_close(&opened);
    const char *kind = options->plaintext ? "a plain" : "an encrypted";
    if (options->json) {
        (void)printf("{\"created\":true,\"fhir\":\"%s\",\"encrypted\":%s}\n", version,
                     options->plaintext ? "false" : "true");
    } else {
        (void)printf("created %s store for FHIR %s\n", kind, version);
    }
    return EXIT_FINE;
}

/* A JSON object of numbers, strings and objects, a line a member. It comes from the library. */
static void print_object(const char *json)
{
    int depth = 0;
    bool in_string = false;
    for (const char *c = json; *c != '\0'; c++) {
        if (*c == '"') {
            in_string = !in_string;
        } else if (in_string) {
            (void)putchar(*c);
        } else if (*c == '{') {
            depth++;
            (void)printf("%s%*s", depth > 1 ? "\n" : "", (depth - 1) * 2, "");
        } else if (*c == ',') {
            (void)printf("\n%*s", (depth - 1) * 2, "");
        } else if (*c == '}') {
            depth--;
        } else if (*c == ':') {
            (void)fputs(c[1] == '{' ? ":" : ": ", stdout);
        } else {
            (void)putchar(*c);
        }
    }
    (void)putchar('\n');
}

int cli_stats(const cli_options *options)
{
    cli_store opened;
    fhirstore_buf stats = {0};
    fhirstore_error *error = NULL;
    if (!cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_stats(opened.store, &stats, &error);
    cli_close(&opened);
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    if (options->json) {
        (void)cli_write(stats.ptr, stats.len, true);
    } else {
        print_object(stats.ptr);
    }
    fhirstore_buf_clear(&stats);
    return EXIT_FINE;
}

typedef struct finding_printer {
    bool json;
    int64_t told;
} finding_printer;

static void print_finding(void *ctx, const char *area, const char *text)
{
    finding_printer *printer = ctx;
    if (printer->json) {
        fhs_buf line = FHS_BUF_INIT(SIZE_MAX / 2);
        fhs_buf_add_cstr(&line, printer->told > 0 ? "," : "");
        fhs_buf_add_cstr(&line, "{\"area\":");
        fhs_json_write_string(&line, fhs_str_from_cstr(area));
        fhs_buf_add_cstr(&line, ",\"finding\":");
        fhs_json_write_string(&line, fhs_str_from_cstr(text));
        fhs_buf_add_cstr(&line, "}");
        (void)cli_write(line.ptr, line.len, false);
        fhs_buf_clear(&line);
    } else {
        (void)printf("%s: %s\n", strcmp(area, "notice") == 0 ? "warning" : area, text);
    }
    printer->told++;
}

/* The store against what was kept of it elsewhere. False: the reason is on stderr. */
static bool check_anchor(const cli_options *options, const cli_store *opened)
{
    size_t len;
    fhirstore_error *error = NULL;
    char *anchor = cli_read_file(options->anchor, &len);
    if (anchor == NULL) {
        return false;
    }
    fhirstore_status status = fhirstore_anchor_check(opened->store, anchor, len, &error);
    free(anchor);
    return status >= FHIRSTORE_OK || cli_fail(error) == EXIT_FINE;
}

int cli_anchor(const cli_options *options)
{
    cli_store opened;
    fhirstore_buf anchor = {0};
    fhirstore_error *error = NULL;
    if (!cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_anchor(opened.store, &anchor, &error);
    cli_close(&opened);
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    (void)cli_write(anchor.ptr, anchor.len, true);
    fhirstore_buf_clear(&anchor);
    return EXIT_FINE;
}

/* Repair tells of the findings, what was made anew, and what is left. */
static fhirstore_status examine(const cli_options *options, const cli_store *opened,
                                finding_printer *printer, int64_t *findings_out,
                                fhirstore_error **error)
{
    return options->repair
               ? fhirstore_repair(opened->session, print_finding, printer, findings_out, error)
               : fhirstore_verify(opened->store, print_finding, printer, findings_out, error);
}

static int print_verdict(const cli_options *options, int64_t findings, double seconds)
{
    if (options->json) {
        (void)printf("],\"findings\":%lld}\n", (long long)findings);
    } else if (findings == 0) {
        (void)printf("sound: every page authenticates, the tables agree, and every index row is "
                     "what its resource says (%.2f s)\n",
                     seconds);
    } else {
        (void)printf("damaged: %lld finding%s%s (%.2f s)\n", (long long)findings,
                     cli_plural(findings), options->repair ? " left" : "", seconds);
    }
    if (findings == 0) {
        return EXIT_FINE;
    }
    return cli_fail_text(options->repair ? "what is left cannot be mended from what is stored"
                                         : "the store is damaged");
}

int cli_verify(const cli_options *options)
{
    cli_store opened;
    int64_t findings;
    finding_printer printer = {options->json, 0};
    fhirstore_error *error = NULL;
    if (!cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    if (options->anchor != NULL && !check_anchor(options, &opened)) {
        cli_close(&opened);
        return EXIT_FAILED;
    }
    double begin = cli_seconds();
    (void)fputs(options->json ? "{\"list\":[" : "", stdout);
    fhirstore_status status = examine(options, &opened, &printer, &findings, &error);
    double taken = cli_seconds() - begin;
    cli_close(&opened);
    if (status < FHIRSTORE_OK && findings == 0) {
        return cli_fail(error);
    }
    fhirstore_error_free(error);
    return print_verdict(options, findings, taken);
}

/* @a line: of an NDJSON file, or 0. */
static int tell_bad_input(const char *path, uint64_t line, fhirstore_error *error)
{
    fhirstore_location where = FHIRSTORE_LOCATION_INIT;
    (void)fhirstore_error_location(error, &where);
    unsigned long long at = line > 0 ? line : where.line;
    if (at == 0) {
        return cli_fail_as(error, "%s: %s", path, fhirstore_error_message(error));
    }
    if (where.line == 0) {
        return cli_fail_as(error, "%s:%llu: %s", path, at, fhirstore_error_message(error));
    }
    return cli_fail_as(error, "%s:%llu:%u: %s", path, at, (unsigned)where.column,
                       fhirstore_error_message(error));
}

static int index_text(const cli_options *options, const char *path, uint64_t line, const char *text,
                      size_t len)
{
    fhirstore_buf lines = {0};
    fhirstore_error *error = NULL;
    int32_t version = options->fhir == NULL ? FHIRSTORE_FHIR_R4 : cli_fhir_version(options->fhir);
    const char *base_url = options->base_url == NULL ? "" : options->base_url;
    if (fhirstore_index_preview(version, base_url, strlen(base_url), text, len, &lines, &error) <
        FHIRSTORE_OK) {
        return tell_bad_input(path, line, error);
    }
    (void)cli_write(lines.ptr, lines.len, false);
    fhirstore_buf_clear(&lines);
    return EXIT_FINE;
}

static int index_lines(const cli_options *options, const char *path, const char *text, size_t len)
{
    int exit_status = EXIT_FINE;
    uint64_t line = 0;
    const char *end = text + len;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = newline == NULL ? end : newline;
        line++;
        if (line_end - text > 1 &&
            index_text(options, path, line, text, (size_t)(line_end - text)) != EXIT_FINE) {
            exit_status = EXIT_FAILED;
        }
        text = line_end + 1;
    }
    return exit_status;
}

int cli_index(const cli_options *options)
{
    int exit_status = EXIT_FINE;
    for (int i = 0; i < options->argument_count; i++) {
        size_t len;
        const char *path = options->arguments[i];
        char *text = cli_read_file(path, &len);
        bool is_lines = strstr(path, ".ndjson") != NULL;
        if (text == NULL || (is_lines ? index_lines(options, path, text, len)
                                      : index_text(options, path, 0, text, len)) != EXIT_FINE) {
            exit_status = EXIT_FAILED;
        }
        free(text);
    }
    return exit_status;
}

int cli_fhirpath(const cli_options *options)
{
    size_t len;
    fhirstore_fhirpath *path = NULL;
    fhirstore_buf result = {0};
    fhirstore_error *error = NULL;
    const char *expression = options->arguments[0];
    int32_t version = options->fhir == NULL ? FHIRSTORE_FHIR_R4 : cli_fhir_version(options->fhir);
    char *text = cli_read_file(options->arguments[1], &len);
    if (text == NULL) {
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_fhirpath_compile(version, NULL, 0, expression,
                                                         strlen(expression), 0, &path, &error);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_fhirpath_evaluate(path, text, len, NULL, &result, &error);
    }
    if (status >= FHIRSTORE_OK) {
        (void)cli_write(result.ptr, result.len, true);
    }
    fhirstore_buf_clear(&result);
    fhirstore_fhirpath_free(path);
    free(text);
    return status < FHIRSTORE_OK ? cli_fail(error) : EXIT_FINE;
}
