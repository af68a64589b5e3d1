/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import: folders, files, ".gz". Plain documents are mapped and let go of as they are read, NDJSON
 * is read line by line, so memory does not grow with the data.
 */
/* For madvise(): posix_madvise() does not let go of pages in glibc. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "cli.h"

#define MAX_FOLDER_DEPTH 64
#define READ_STEP        (1u << 16)
/* Show progress this often, and only for what takes longer than this. */
#define PROGRESS_SECONDS 0.1
#define PROGRESS_AFTER   1.0
#define BAR_WIDTH        32

typedef struct import_run {
    const cli_options *options;
    fhirstore_import *import;
    char **files; /* owned */
    size_t file_count;
    size_t file_capacity;
    uint64_t bytes_total;  /* on disk */
    uint64_t bytes_before; /* of the files that are done */
    const char *map;       /* the file under way */
    size_t map_len;
    size_t let_go; /* bytes of it that were given back */
    double begun;
    double shown;
    bool shows_bar;
} import_run;

/* ---- which files ---- */

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t suffix_len = strlen(suffix);
    return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static bool is_ndjson(const char *name)
{
    return has_suffix(name, ".ndjson") || has_suffix(name, ".ndjson.gz") ||
           has_suffix(name, ".jsonl") || has_suffix(name, ".jsonl.gz");
}

static bool is_data_file(const char *name)
{
    return is_ndjson(name) || has_suffix(name, ".json") || has_suffix(name, ".json.gz");
}

static bool add_file(import_run *run, const char *path, const struct stat *info)
{
    if (run->file_count == run->file_capacity) {
        size_t capacity = run->file_capacity == 0 ? 64 : run->file_capacity * 2;
        char **files = realloc(run->files, capacity * sizeof *files);
        if (files == NULL) {
            return false;
        }
        run->files = files;
        run->file_capacity = capacity;
    }
    run->files[run->file_count] = strdup(path);
    run->bytes_total += (uint64_t)info->st_size;
    return run->files[run->file_count++] != NULL;
}

static bool collect(import_run *run, const char *path, int depth);

static bool collect_folder(import_run *run, const char *path, int depth)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    bool collected = count >= 0;
    if (!collected) {
        (void)cli_fail_text("%s: %s", path, strerror(errno));
        return false;
    }
    for (int i = 0; i < count; i++) {
        char below[4096];
        int len = snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        bool is_hidden = entries[i]->d_name[0] == '.';
        if (collected && !is_hidden && len > 0 && (size_t)len < sizeof below) {
            collected = collect(run, below, depth + 1);
        }
        free(entries[i]);
    }
    free(entries);
    return collected;
}

/* A file named on the command line is taken whatever it is called; in a folder the name decides. */
static bool collect(import_run *run, const char *path, int depth)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        (void)cli_fail_text("%s: %s", path, strerror(errno));
        return false;
    }
    if (S_ISDIR(info.st_mode)) {
        return depth >= MAX_FOLDER_DEPTH || collect_folder(run, path, depth);
    }
    if (depth > 0 && !is_data_file(path)) {
        return true;
    }
    return add_file(run, path, &info);
}

/* ---- what is told on the way ---- */

static void erase_bar(const import_run *run)
{
    if (run->shows_bar && run->shown > 0) {
        (void)fputs("\r\033[K", stderr);
    }
}

static void print_refusal(void *ctx, const char *name, uint64_t line, uint32_t entry,
                          const fhirstore_error *error)
{
    const import_run *run = ctx;
    fhirstore_issue issue = FHIRSTORE_ISSUE_INIT;
    fhirstore_location where = FHIRSTORE_LOCATION_INIT;
    erase_bar(run);
    (void)fhirstore_error_location(error, &where);
    (void)fprintf(stderr, "%s", name);
    if (line > 0) {
        (void)fprintf(stderr, ":%llu", (unsigned long long)line);
    } else if (where.line > 0) {
        (void)fprintf(stderr, ":%u", (unsigned)where.line);
    }
    if (where.line > 0 && where.column > 0) {
        (void)fprintf(stderr, ":%u", (unsigned)where.column);
    }
    if (entry > 0) {
        (void)fprintf(stderr, ": entry %u", (unsigned)entry);
    }
    (void)fprintf(stderr, ": %s", fhirstore_error_message(error));
    if (fhirstore_error_issue(error, 0, &issue) == FHIRSTORE_OK && issue.expression != NULL) {
        (void)fprintf(stderr, " (%s)", issue.expression);
    }
    (void)fputc('\n', stderr);
}

static void show_bar(import_run *run, uint64_t bytes_done)
{
    double now = cli_seconds();
    if (!run->shows_bar || now - run->begun < PROGRESS_AFTER * !run->options->progress ||
        now - run->shown < PROGRESS_SECONDS) {
        return;
    }
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    (void)fhirstore_import_get_totals(run->import, &totals);
    double share = run->bytes_total == 0 ? 1 : (double)bytes_done / (double)run->bytes_total;
    int filled = (int)((share > 1 ? 1 : share) * BAR_WIDTH);
    run->shown = now;
    (void)fprintf(stderr, "\r[%.*s%*s] %3.0f %%  %lld resources", filled,
                  "################################", BAR_WIDTH - filled, "", share * 100,
                  (long long)totals.resources);
    (void)fflush(stderr);
}

/* Told by the library: what lies before the offset will not be looked at again in this pass. */
static fhirstore_status on_progress(void *ctx, uint64_t offset, uint64_t total)
{
    import_run *run = ctx;
    (void)total;
    if (run->map != NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t upto = (size_t)offset / page * page;
        size_t from = upto > run->let_go ? run->let_go : 0; /* a new pass begins at the start */
        if (upto > from) {
            (void)madvise((void *)(uintptr_t)(run->map + from), upto - from, MADV_DONTNEED);
        }
        run->let_go = upto;
    }
    show_bar(run, run->bytes_before + offset);
    return FHIRSTORE_OK;
}

/* ---- one file ---- */

static bool add_text(import_run *run, const char *name, uint64_t line, const char *text, size_t len)
{
    fhirstore_error *error = NULL;
    if (fhirstore_import_add(run->import, name, line, text, len, &error) < FHIRSTORE_OK) {
        erase_bar(run);
        (void)cli_fail(error);
        return false;
    }
    return true;
}

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* A growing window over an NDJSON file. */
typedef struct line_reader {
    gzFile file;
    char *text; /* owned */
    size_t begin, end, capacity;
    bool at_end;
    bool failed;
} line_reader;

static void fill_window(line_reader *reader)
{
    if (reader->begin > 0) {
        memmove(reader->text, reader->text + reader->begin, reader->end - reader->begin);
        reader->end -= reader->begin;
        reader->begin = 0;
    }
    if (reader->capacity - reader->end < READ_STEP) {
        size_t capacity = reader->capacity == 0 ? 4 * READ_STEP : reader->capacity * 2;
        char *larger = realloc(reader->text, capacity);
        if (larger == NULL) {
            reader->failed = true;
            return;
        }
        reader->text = larger;
        reader->capacity = capacity;
    }
    int got = gzread(reader->file, reader->text + reader->end, READ_STEP);
    if (got <= 0) {
        int failure;
        (void)gzerror(reader->file, &failure);
        reader->at_end = true;
        reader->failed = got < 0 || failure == Z_BUF_ERROR;
        return;
    }
    reader->end += (size_t)got;
}

/* The next line without its newline; false at the end or when reading failed. */
static bool next_line(line_reader *reader, const char **line_out, size_t *len_out)
{
    size_t searched = 0;
    for (;;) {
        size_t held = reader->end - reader->begin;
        const char *newline = held > searched ? memchr(reader->text + reader->begin + searched,
                                                       '\n', held - searched)
                                              : NULL;
        if (newline != NULL) {
            *line_out = reader->text + reader->begin;
            *len_out = (size_t)(newline - *line_out);
            reader->begin += *len_out + 1;
            return true;
        }
        if (reader->failed) {
            return false;
        }
        if (reader->at_end) {
            *line_out = reader->text + reader->begin;
            *len_out = held;
            reader->begin = reader->end;
            return held > 0;
        }
        searched = held;
        fill_window(reader);
    }
}

static bool import_lines(import_run *run, const char *path)
{
    line_reader reader = {.file = gzopen(path, "rb")};
    uint64_t number = 0;
    const char *line;
    size_t len;
    bool fine = true;
    if (reader.file == NULL) {
        (void)cli_fail_text("%s: %s", path, strerror(errno));
        return false;
    }
    run->map = NULL;
    while (fine && next_line(&reader, &line, &len)) {
        number++;
        if (!is_blank(line, len)) {
            fine = add_text(run, path, number, line, len);
        }
        z_off_t at = gzoffset(reader.file);
        show_bar(run, run->bytes_before + (at > 0 ? (uint64_t)at : 0));
    }
    if (fine && reader.failed) {
        (void)cli_fail_text("%s: reading failed behind line %llu", path,
                            (unsigned long long)number);
        fine = false;
    }
    (void)gzclose(reader.file);
    free(reader.text);
    return fine;
}

static bool import_mapped(import_run *run, const char *path, size_t len)
{
    int file = open(path, O_RDONLY);
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_PRIVATE, file, 0);
    if (file >= 0) {
        (void)close(file);
    }
    if (map == MAP_FAILED) {
        (void)cli_fail_text("%s: %s", path, strerror(errno));
        return false;
    }
    run->map = map;
    run->map_len = len;
    run->let_go = 0;
    bool fine = add_text(run, path, 0, map, len);
    (void)munmap(map, len);
    run->map = NULL;
    return fine;
}

static bool import_file(import_run *run, const char *path)
{
    struct stat info;
    size_t len;
    if (is_ndjson(path)) {
        return import_lines(run, path);
    }
    bool is_plain = !has_suffix(path, ".gz") && stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
                    info.st_size > 0;
    if (is_plain) {
        return import_mapped(run, path, (size_t)info.st_size);
    }
    run->map = NULL;
    char *text = cli_read_file(path, &len);
    bool fine = text != NULL && add_text(run, path, 0, text, len);
    free(text);
    return fine;
}

/* ---- the whole ---- */

static bool import_files(import_run *run)
{
    for (size_t i = 0; i < run->file_count; i++) {
        struct stat info;
        if (!import_file(run, run->files[i])) {
            return false;
        }
        run->bytes_before += stat(run->files[i], &info) == 0 ? (uint64_t)info.st_size : 0;
        show_bar(run, run->bytes_before);
    }
    return true;
}

static void print_size(int64_t bytes)
{
    if (bytes < 1000) {
        (void)printf("%lld byte%s", (long long)bytes, cli_plural(bytes));
    } else if (bytes < 1000000) {
        (void)printf("%.1f kB", (double)bytes / 1e3);
    } else {
        (void)printf("%.1f MB", (double)bytes / 1e6);
    }
}

static void print_totals(const import_run *run, const fhirstore_import_totals *totals)
{
    double taken = cli_seconds() - run->begun;
    if (run->options->json) {
        (void)printf("{\"files\":%zu,\"documents\":%lld,\"resources\":%lld,\"unchanged\":%lld,"
                     "\"failed\":%lld,\"bytes\":%lld,\"seconds\":%.3f}\n",
                     run->file_count, (long long)totals->documents, (long long)totals->resources,
                     (long long)totals->unchanged, (long long)totals->failed,
                     (long long)totals->bytes, taken);
        return;
    }
    (void)printf("%lld resource%s stored, %lld unchanged, %lld refused, from %zu file%s and "
                 "%lld document%s (",
                 (long long)totals->resources, cli_plural(totals->resources),
                 (long long)totals->unchanged, (long long)totals->failed, run->file_count,
                 cli_plural((int64_t)run->file_count), (long long)totals->documents,
                 cli_plural(totals->documents));
    print_size(totals->bytes);
    (void)fputs(taken < 0.01 ? ") in less than 0.01 s" : ")", stdout);
    if (taken >= 0.01) {
        (void)printf(" in %.2f s", taken);
    }
    if (totals->resources > 0 && taken > 0) {
        (void)printf(": %.0f resources/s", (double)totals->resources / taken);
    }
    (void)putchar('\n');
}

static int run_import(import_run *run, fhirstore_session *session)
{
    fhirstore_error *error = NULL;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    fhirstore_import_options how = FHIRSTORE_IMPORT_OPTIONS_INIT;
    how.per_commit = run->options->per_commit;
    how.refused = print_refusal;
    how.progress = on_progress;
    how.ctx = run;
    if (fhirstore_import_open(session, &how, &run->import, &error) < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    run->begun = cli_seconds();
    bool fine = import_files(run);
    erase_bar(run);
    if (fine && fhirstore_import_finish(run->import, &totals, &error) < FHIRSTORE_OK) {
        (void)cli_fail(error);
        fine = false;
    }
    fhirstore_import_close(run->import);
    if (!fine) {
        return EXIT_FAILED;
    }
    print_totals(run, &totals);
    bool nothing_went_in = totals.resources == 0 && totals.unchanged == 0 && totals.failed > 0;
    return nothing_went_in ? cli_fail_text("nothing could be imported") : EXIT_FINE;
}

int cli_import(const cli_options *options)
{
    import_run run = {.options = options, .shows_bar = options->progress || isatty(STDERR_FILENO)};
    cli_store opened;
    int exit_status = EXIT_FINE;
    for (int i = 1; exit_status == EXIT_FINE && i < options->argument_count; i++) {
        exit_status = collect(&run, options->arguments[i], 0) ? EXIT_FINE : EXIT_FAILED;
    }
    if (exit_status == EXIT_FINE && run.file_count == 0) {
        exit_status = cli_fail_text("%s: no file to import was found (*.json, *.ndjson, *.jsonl, "
                                    "each also with .gz)",
                                    options->arguments[1]);
    }
    if (exit_status == EXIT_FINE && cli_open(options, 0, &opened)) {
        exit_status = run_import(&run, opened.session);
        cli_close(&opened);
    } else {
        exit_status = EXIT_FAILED;
    }
    for (size_t i = 0; i < run.file_count; i++) {
        free(run.files[i]);
    }
    free(run.files);
    return exit_status;
}
