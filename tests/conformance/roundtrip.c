/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roundtrip FOLDER: read every *.json below the folder, write it compact and pretty, read both
 * again, and compare: same members in the same order, same strings, every number's text unchanged.
 * Prints each file that fails and "N passed, N failed".
 *
 * roundtrip --print FOLDER: instead print three lines a file, its path, and its text compact twice,
 * the second time made from the pretty form: for roundtrip.py, which compares them with Python's
 * reader.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"

#define MAX_FOLDERS 64

typedef struct roundtrip {
    bool print;
    unsigned passed;
    unsigned failed;
    fhs_buf text;
    fhs_buf compact;
    fhs_buf pretty;
    fhs_buf again;
} roundtrip;

static bool read_whole_file(const char *path, fhs_buf *out)
{
    char block[64 * 1024];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) {
        fhs_buf_add(out, block, got);
    }
    bool ok = ferror(file) == 0 && fhs_buf_status(out) == FHIRSTORE_OK;
    (void)fclose(file);
    return ok;
}

/* Same tree in the same order; recursion is as deep as the reader allowed. */
static bool is_same(const fhs_json *a, const fhs_json *b)
{
    bool same = a->type == b->type && a->count == b->count;
    if (a->type == FHS_JSON_STRING || a->type == FHS_JSON_NUMBER) {
        return same && fhs_str_eq(a->text, b->text);
    }
    for (uint32_t i = 0; same && i < a->count; i++) {
        if (a->type == FHS_JSON_ARRAY) {
            same = is_same(&a->items[i], &b->items[i]);
        } else {
            same = fhs_str_eq(a->members[i].name, b->members[i].name) &&
                   is_same(&a->members[i].value, &b->members[i].value);
        }
    }
    return same;
}

/* NULL when the text in run->text survives, else what is wrong with it. */
static const char *try_text(roundtrip *run, fhs_arena *arena, fhirstore_error **err)
{
    const fhs_json *first;
    const fhs_json *from_compact;
    const fhs_json *from_pretty;
    fhs_str text = fhs_buf_str(&run->text);
    if (fhs_json_read(arena, text, NULL, &first, err) != FHIRSTORE_OK) {
        return "is not read";
    }
    fhs_json_write_compact(&run->compact, text, first);
    fhs_json_write_pretty(&run->pretty, text, first);
    fhs_str compact = fhs_buf_str(&run->compact);
    fhs_str pretty = fhs_buf_str(&run->pretty);
    if (fhs_json_read(arena, compact, NULL, &from_compact, err) != FHIRSTORE_OK ||
        fhs_json_read(arena, pretty, NULL, &from_pretty, err) != FHIRSTORE_OK) {
        return "is not read again";
    }
    if (!is_same(first, from_compact) || !is_same(first, from_pretty) ||
        !fhs_json_equal(first, from_compact) || !fhs_json_equal(first, from_pretty)) {
        return "has changed";
    }
    fhs_json_write_compact(&run->again, pretty, from_pretty);
    if (!fhs_str_eq(compact, fhs_buf_str(&run->again))) {
        return "is written in two ways";
    }
    return NULL;
}

static void try_file(roundtrip *run, const char *path)
{
    fhs_arena arena;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, SIZE_MAX);
    fhs_buf_reset(&run->text);
    fhs_buf_reset(&run->compact);
    fhs_buf_reset(&run->pretty);
    fhs_buf_reset(&run->again);
    const char *problem = "cannot be opened";
    if (read_whole_file(path, &run->text)) {
        problem = try_text(run, &arena, &err);
    }
    if (problem != NULL) {
        run->failed++;
        (void)fprintf(stderr, "%s %s: %s at byte %llu\n", path, problem, fhs_error_message(err),
                      (unsigned long long)fhs_error_location(err).offset);
    } else {
        run->passed++;
        if (run->print) {
            (void)printf("%s\n%s\n%s\n", path, run->compact.ptr, run->again.ptr);
        }
    }
    fhs_error_free(err);
    fhs_arena_clear(&arena);
}

static void try_path(roundtrip *run, const char *path, unsigned folders_left);

static void try_folder(roundtrip *run, const char *path, unsigned folders_left)
{
    struct dirent **entries = NULL;
    int count = folders_left == 0 ? -1 : scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        (void)fprintf(stderr, "%s cannot be opened\n", path);
        run->failed++;
        return;
    }
    for (int i = 0; i < count; i++) {
        fhs_buf below = FHS_BUF_INIT(64 * 1024);
        if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0) {
            fhs_buf_addf(&below, "%s/%s", path, entries[i]->d_name);
            try_path(run, below.ptr, folders_left - 1);
        }
        fhs_buf_clear(&below);
        free(entries[i]);
    }
    free(entries);
}

static void try_path(roundtrip *run, const char *path, unsigned folders_left)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        try_folder(run, path, folders_left);
    } else if (fhs_str_ends_with(fhs_str_from_cstr(path), FHS_LIT(".json"))) {
        try_file(run, path);
    }
}

int main(int argc, char **argv)
{
    fhs_buf empty = FHS_BUF_INIT(2 * FHS_LIMIT_JSON_BYTES);
    roundtrip run = {.text = empty, .compact = empty, .pretty = empty, .again = empty};
    run.print = argc == 3 && strcmp(argv[1], "--print") == 0;
    if (argc != 2 && !run.print) {
        (void)fprintf(stderr, "usage: roundtrip [--print] FOLDER\n");
        return 2;
    }
    try_folder(&run, argv[argc - 1], MAX_FOLDERS);
    (void)fprintf(run.print ? stderr : stdout, "%u passed, %u failed\n", run.passed, run.failed);
    fhs_buf_clear(&run.text);
    fhs_buf_clear(&run.compact);
    fhs_buf_clear(&run.pretty);
    fhs_buf_clear(&run.again);
    return run.failed == 0 && run.passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
