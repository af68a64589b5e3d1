/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs patch cases that do not ship with the project. usage: patch FILE...
 * FILE.json: an array of {doc, patch, expected or error}, JSON Patch.
 * FILE.ndjson: {name, input, diff, output or error} a line, FHIRPath Patch; what the case says of
 * "both" ways is asked of the difference between input and output as well.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "patch/patch.h"
#include "json/cursor.h"

static unsigned passed;
static unsigned failed;

static char *load_text(const char *path, size_t *len_out)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        long len = ftell(file);
        rewind(file);
        text = len < 0 ? NULL : malloc((size_t)len + 1);
        *len_out = text == NULL ? 0 : fread(text, 1, (size_t)len, file);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}

/* White space between two tags, as it stands in JSON. */
static size_t blanks_at(fhs_str text, size_t at)
{
    size_t start = at;
    while (at < text.len) {
        bool is_escape = text.ptr[at] == '\\' && at + 1 < text.len &&
                         (text.ptr[at + 1] == 'n' || text.ptr[at + 1] == 'r' ||
                          text.ptr[at + 1] == 't');
        if (!is_escape && text.ptr[at] != ' ') {
            break;
        }
        at += 1 + is_escape;
    }
    return at < text.len && text.ptr[at] == '<' ? at - start : 0;
}

/* The suite's narratives are the same but for white space between tags. */
static fhs_str without_blanks(fhs_arena *arena, fhs_str text)
{
    size_t len = 0;
    char *out = fhs_arena_alloc(arena, text.len + 1);
    for (size_t i = 0; out != NULL && i < text.len; i++) {
        out[len++] = text.ptr[i];
        if (text.ptr[i] == '>') {
            i += blanks_at(text, i + 1);
        }
    }
    return fhs_str_of(out, out == NULL ? 0 : len);
}

static bool same_json(fhs_arena *arena, fhs_str a, fhs_str b)
{
    a = without_blanks(arena, a);
    b = without_blanks(arena, b);
    const fhs_json *first;
    const fhs_json *second;
    return fhs_json_read(arena, a, NULL, &first, NULL) == FHIRSTORE_OK &&
           fhs_json_read(arena, b, NULL, &second, NULL) == FHIRSTORE_OK &&
           fhs_json_equal(first, second);
}

/* @a want.ptr NULL: the patch is to fail. */
static void run_case(fhs_patch_kind kind, fhs_str name, fhs_str doc, fhs_str text, fhs_str want)
{
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_arena arena;
    fhs_patch patch;
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_patch_read(&arena, kind, text, &patch, &err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_patch_apply(&arena, fhir, &patch, doc, &out, &err);
    }
    bool ok = want.ptr == NULL
                  ? status < FHIRSTORE_OK
                  : status >= FHIRSTORE_OK && same_json(&arena, fhs_buf_str(&out), want);
    passed += ok;
    failed += !ok;
    if (!ok) {
        printf("FAILED %.*s: %s %s\n  got    %.*s\n  wanted %.*s\n", FHS_STR_ARG(name),
               fhs_status_name(status), err == NULL ? "" : fhs_error_message(err),
               FHS_STR_ARG(fhs_buf_str(&out)), FHS_STR_ARG(want));
    }
    fhs_error_free(err);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
}

/* The raw members of one case. */
typedef struct raw_case {
    fhs_str name;
    fhs_str doc;
    fhs_str patch;
    fhs_str want;
} raw_case;

static bool read_case(fhs_str text, raw_case *out)
{
    fhs_json_cursor cursor;
    fhs_str name;
    fhs_str value;
    *out = (raw_case){.name = FHS_STR_NONE};
    if (fhs_json_cursor_open(text, 0, &cursor, NULL) < FHIRSTORE_OK) {
        return false;
    }
    while (fhs_json_cursor_next(&cursor, &name, &value, NULL, NULL) == FHIRSTORE_OK) {
        if (fhs_str_eq(name, FHS_LIT("doc")) || fhs_str_eq(name, FHS_LIT("input"))) {
            out->doc = value;
        } else if (fhs_str_eq(name, FHS_LIT("patch")) || fhs_str_eq(name, FHS_LIT("diff"))) {
            out->patch = value;
        } else if (fhs_str_eq(name, FHS_LIT("expected")) || fhs_str_eq(name, FHS_LIT("output"))) {
            out->want = value;
        } else if (fhs_str_eq(name, FHS_LIT("comment")) || fhs_str_eq(name, FHS_LIT("name"))) {
            out->name = value;
        } else if (fhs_str_eq(name, FHS_LIT("error"))) {
            out->want = FHS_STR_NONE;
        }
    }
    return out->doc.ptr != NULL && out->patch.ptr != NULL;
}

/* Cases that test and expect nothing leave the document as it is. */
static void run_json_cases(fhs_str text)
{
    fhs_json_cursor cursor;
    fhs_str unused;
    fhs_str value;
    raw_case one;
    if (fhs_json_cursor_open(text, 0, &cursor, NULL) < FHIRSTORE_OK) {
        failed++;
        return;
    }
    while (fhs_json_cursor_next(&cursor, &unused, &value, NULL, NULL) == FHIRSTORE_OK) {
        bool fails = fhs_str_find(value, FHS_LIT("\"error\"")) < value.len;
        if (read_case(value, &one)) {
            run_case(FHS_PATCH_JSON, one.name, one.doc, one.patch,
                     fails                  ? FHS_STR_NONE
                     : one.want.ptr == NULL ? one.doc
                                            : one.want);
        }
    }
}

static void run_difference(const raw_case *one)
{
    fhs_arena arena;
    fhs_buf patch = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    (void)fhs_patch_diff(&arena, fhs_fhir_get(FHS_FHIR_R4), one->doc, one->want, &patch, NULL);
    run_case(FHS_PATCH_FHIRPATH, one->name, one->doc, fhs_buf_str(&patch), one->want);
    fhs_buf_clear(&patch);
    fhs_arena_clear(&arena);
}

static void run_fhirpath_cases(fhs_str text)
{
    while (text.len > 0) {
        fhs_str line = text;
        fhs_str rest = FHS_STR_NONE;
        raw_case one;
        (void)fhs_str_split(text, '\n', &line, &rest);
        if (read_case(line, &one)) {
            run_case(FHS_PATCH_FHIRPATH, one.name, one.doc, one.patch, one.want);
            if (one.want.ptr != NULL) {
                run_difference(&one);
            }
        }
        text = rest;
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t len = 0;
        char *text = load_text(argv[i], &len);
        if (text == NULL) {
            fprintf(stderr, "patch: cannot read %s\n", argv[i]);
            return 2;
        }
        fhs_str all = fhs_str_of(text, len);
        if (fhs_str_ends_with(fhs_str_from_cstr(argv[i]), FHS_LIT(".ndjson"))) {
            run_fhirpath_cases(all);
        } else {
            run_json_cases(all);
        }
        free(text);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0 ? 1 : 0;
}
