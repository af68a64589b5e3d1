/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fhirpath DIR [--fhir R4|R4B|R5] [--allow N]: run a folder of FHIRPath cases,
 * fhirpath_cases.ndjson with the resources under inputs/. Prints each case that fails, and "N
 * passed, N failed" at the end. The version is that of the flag, else the folder's name says it
 * (r4, r4b, r5). Exits 0 when all pass (or all but N), 1 when some fail, 2 when the folder cannot
 * be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fhirpath/fhirpath.h"

#define MAX_FILE_BYTES ((size_t)64 * 1024 * 1024)

typedef struct case_run {
    const char *folder;
    const fhs_fhir *fhir;
    fhs_fhirpath_run *run;
    fhs_arena case_arena;
    fhs_arena input_arena;
    char *input_text; /* of the last input read */
    char input_name[256];
    const fhs_json *input;
    unsigned passed;
    unsigned failed;
} case_run;

static bool read_file(const char *path, char **text_out, size_t *len_out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    char *text = fhs_alloc(MAX_FILE_BYTES);
    size_t len = text == NULL ? 0 : fread(text, 1, MAX_FILE_BYTES, file);
    fclose(file);
    *text_out = text;
    *len_out = len;
    return text != NULL;
}

static fhs_str string_of(const fhs_json *object, const char *name)
{
    fhs_str text = FHS_STR_NONE;
    fhs_json_get_string(object, fhs_str_from_cstr(name), &text);
    return text;
}

/* The input of a case, kept for the cases that follow. NULL: it has none. */
static bool load_input(case_run *cases, fhs_str name, const fhs_json **out)
{
    *out = NULL;
    if (name.len == 0) {
        return true;
    }
    if (!fhs_str_eq(name, fhs_str_from_cstr(cases->input_name))) {
        char path[1024];
        size_t len = 0;
        snprintf(path, sizeof(path), "%s/inputs/%.*s", cases->folder, FHS_STR_ARG(name));
        snprintf(cases->input_name, sizeof(cases->input_name), "%.*s", FHS_STR_ARG(name));
        fhs_arena_reset(&cases->input_arena);
        fhs_free(cases->input_text);
        cases->input_text = NULL;
        cases->input = NULL;
        if (read_file(path, &cases->input_text, &len)) {
            fhs_json_read(&cases->input_arena, fhs_str_of(cases->input_text, len), NULL,
                          &cases->input, NULL);
        }
    }
    *out = cases->input;
    return cases->input != NULL;
}

/* ---- comparing ---- */

static bool same_value(fhs_str want, fhs_str got)
{
    fhs_decimal a;
    fhs_decimal b;
    if (fhs_str_eq(want, got)) {
        return true;
    }
    /* Numbers by value: the number of zeros behind the point is the engine's choice. */
    size_t unit_a = fhs_str_find_char(want, ' ', 0);
    size_t unit_b = fhs_str_find_char(got, ' ', 0);
    return fhs_decimal_parse(fhs_str_of(want.ptr, unit_a), &a) &&
           fhs_decimal_parse(fhs_str_of(got.ptr, unit_b), &b) && fhs_decimal_compare(&a, &b) == 0 &&
           fhs_str_eq(fhs_str_from(want, unit_a), fhs_str_from(got, unit_b));
}

static bool output_matches(const case_run *cases, const fhs_json *output, const fhs_fp_item *item)
{
    fhs_str type = string_of(output, "type");
    const fhs_json *value = fhs_json_get(output, FHS_LIT("value"));
    if (type.len > 0 && !fhs_str_eq(type, fhs_fp_item_type(cases->fhir, item))) {
        return false;
    }
    if (!fhs_json_is(value, FHS_JSON_STRING)) {
        return true;
    }
    fhs_buf text = FHS_BUF_INIT(MAX_FILE_BYTES);
    fhs_fp_item_write_text(cases->fhir, item, &text);
    bool same = same_value(value->text, fhs_buf_str(&text));
    fhs_buf_clear(&text);
    return same;
}

/* All outputs in order, or where @a ordered is false each by any item of its own. */
static bool outputs_match(const case_run *cases, const fhs_json *outputs, const fhs_fp_item *items,
                          size_t count, bool ordered)
{
    bool used[256] = {false};
    if (outputs->count != count || count > FHS_COUNT_OF(used)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t j = ordered ? i : 0; j < (ordered ? i + 1 : count) && !found; j++) {
            if (!used[j] && output_matches(cases, &outputs->items[i], &items[j])) {
                used[j] = true;
                found = true;
            }
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static void report(case_run *cases, const fhs_json *one, const char *what, fhs_str detail)
{
    cases->failed++;
    printf("FAIL %.*s/%.*s: %.*s\n    %s%s%.*s\n", FHS_STR_ARG(string_of(one, "group")),
           FHS_STR_ARG(string_of(one, "name")), FHS_STR_ARG(string_of(one, "expression")), what,
           detail.len > 0 ? ": " : "", FHS_STR_ARG(detail));
}

/* A case that must fail: at the stage that it names. */
static void judge_failure(case_run *cases, const fhs_json *one, fhs_str stage,
                          fhirstore_status compiled, fhirstore_status evaluated,
                          const fhirstore_error *error)
{
    fhirstore_status status = compiled != FHIRSTORE_OK ? compiled : evaluated;
    fhirstore_status wanted = fhs_str_eq(stage, FHS_LIT("syntax")) ? FHIRSTORE_ERR_FHIRPATH_SYNTAX
                              : fhs_str_eq(stage, FHS_LIT("semantic"))
                                  ? FHIRSTORE_ERR_FHIRPATH_SEMANTIC
                                  : FHIRSTORE_ERR_FHIRPATH_EVAL;
    if (status == wanted) {
        cases->passed++;
    } else if (status == FHIRSTORE_OK) {
        report(cases, one, "should have failed", stage);
    } else {
        report(cases, one, "failed at another stage", fhs_str_from_cstr(fhs_error_message(error)));
    }
}

static void judge_result(case_run *cases, const fhs_json *one, const fhs_fp_item *items,
                         size_t count)
{
    const fhs_json *outputs = fhs_json_get(one, FHS_LIT("outputs"));
    fhs_fp_item predicate;
    if (fhs_json_is(fhs_json_get(one, FHS_LIT("predicate")), FHS_JSON_TRUE)) {
        /* As an invariant would be read: one item that is no Boolean is true, none is false. */
        bool is_boolean = count == 1 && items[0].kind == FHS_ITEM_BOOLEAN;
        predicate = fhs_fp_item_of_boolean(is_boolean ? items[0].boolean : count > 0);
        items = &predicate;
        count = 1;
    }
    bool ordered = !fhs_json_is(fhs_json_get(one, FHS_LIT("ordered")), FHS_JSON_FALSE);
    if (outputs_match(cases, outputs, items, count, ordered)) {
        cases->passed++;
        return;
    }
    fhs_buf got = FHS_BUF_INIT(MAX_FILE_BYTES);
    fhs_fhirpath_write_result(cases->fhir, items, count, &got);
    report(cases, one, "got", fhs_buf_str(&got));
    fhs_buf_clear(&got);
}

static void run_case(case_run *cases, const fhs_json *one)
{
    const fhs_json *resource = NULL;
    if (!load_input(cases, string_of(one, "input"), &resource)) {
        report(cases, one, "the input cannot be read", FHS_STR_NONE);
        return;
    }
    fhs_fhirpath_options options = {.fhir = cases->fhir, .context_type = FHS_TYPE_NONE};
    if (resource != NULL) {
        options.context_type = fhs_type_find(cases->fhir, string_of(resource, "resourceType"));
    }
    options.strict = fhs_str_eq(string_of(one, "mode"), FHS_LIT("strict"));
    fhs_fhirpath *path = NULL;
    fhirstore_error *error = NULL;
    const fhs_fp_item *items = NULL;
    size_t count = 0;
    fhs_fhirpath_input input = {.resource = resource};
    fhirstore_status compiled = fhs_fhirpath_compile(&options, string_of(one, "expression"), &path,
                                                     &error);
    fhirstore_status evaluated = FHIRSTORE_OK;
    if (compiled == FHIRSTORE_OK) {
        evaluated = fhs_fhirpath_evaluate(path, cases->run, &input, &items, &count, &error);
    }
    fhs_str stage = string_of(one, "invalid");
    if (stage.len > 0) {
        judge_failure(cases, one, stage, compiled, evaluated, error);
    } else if (error != NULL) {
        report(cases, one, "failed", fhs_str_from_cstr(fhs_error_message(error)));
    } else {
        judge_result(cases, one, items, count);
    }
    fhs_error_free(error);
    fhs_fhirpath_free(path);
}

static bool run_cases(case_run *cases)
{
    char path[1024];
    char *text = NULL;
    size_t len = 0;
    snprintf(path, sizeof(path), "%s/fhirpath_cases.ndjson", cases->folder);
    if (!read_file(path, &text, &len)) {
        fprintf(stderr, "fhirpath: %s cannot be read\n", path);
        return false;
    }
    fhs_str rest = fhs_str_of(text, len);
    while (rest.len > 0) {
        fhs_str line = rest;
        fhs_str tail = FHS_STR_NONE;
        fhs_str_split(rest, '\n', &line, &tail);
        rest = tail;
        line = fhs_str_trim(line);
        const fhs_json *one = NULL;
        fhs_arena_reset(&cases->case_arena);
        if (line.len == 0) {
            continue;
        }
        if (fhs_json_read(&cases->case_arena, line, NULL, &one, NULL) != FHIRSTORE_OK) {
            fprintf(stderr, "fhirpath: a line of %s is not JSON\n", path);
            fhs_free(text);
            return false;
        }
        run_case(cases, one);
    }
    fhs_free(text);
    return true;
}

static const fhs_fhir *version_of(fhs_str name)
{
    while (name.len > 0 && name.ptr[name.len - 1] == '/') {
        name.len--;
    }
    for (size_t i = name.len; i > 0; i--) {
        if (name.ptr[i - 1] == '/') {
            name = fhs_str_from(name, i);
            break;
        }
    }
    if (fhs_str_eq_ascii_case(name, FHS_LIT("R5"))) {
        return fhs_fhir_get(FHS_FHIR_R5);
    }
    return fhs_fhir_get(fhs_str_eq_ascii_case(name, FHS_LIT("R4B")) ? FHS_FHIR_R4B : FHS_FHIR_R4);
}

/* The value behind a flag, or NULL. */
static const char *flag_value(int argc, char **argv, const char *flag)
{
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], flag) == 0) {
            return argv[i + 1];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc % 2 != 0) {
        fprintf(stderr, "usage: fhirpath DIR [--fhir R4|R4B|R5] [--allow N]\n");
        return 2;
    }
    const char *version = flag_value(argc, argv, "--fhir");
    const char *allow = flag_value(argc, argv, "--allow");
    unsigned long allowed = allow == NULL ? 0 : strtoul(allow, NULL, 10);
    case_run cases = {.folder = argv[1]};
    cases.fhir = version_of(fhs_str_from_cstr(version != NULL ? version : argv[1]));
    cases.run = fhs_fhirpath_run_new(0);
    if (cases.fhir == NULL || cases.run == NULL) {
        fprintf(stderr, "fhirpath: this FHIR version is not built in\n");
        fhs_fhirpath_run_free(cases.run);
        return 2;
    }
    fhs_arena_init(&cases.case_arena, MAX_FILE_BYTES);
    fhs_arena_init(&cases.input_arena, 4 * MAX_FILE_BYTES);
    bool done = run_cases(&cases);
    printf("%u passed, %u failed\n", cases.passed, cases.failed);
    fhs_fhirpath_run_free(cases.run);
    fhs_arena_clear(&cases.case_arena);
    fhs_arena_clear(&cases.input_arena);
    fhs_free(cases.input_text);
    return !done ? 2 : cases.failed <= allowed ? 0 : 1;
}
