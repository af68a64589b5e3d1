/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs JMESPath's public compliance suite, which does not ship with the project.
 * usage: jmespath FOLDER, with files of [{given, cases: [{expression, result or error or bench}]}].
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "expression/expression.h"
#include "expression/number.h"
#include "folder.h"

static unsigned passed;
static unsigned failed;
static unsigned unjudged; /* benchmarks: they say no result, and some are not even valid */

/* As JSON, but that 1 equals 1.0. */
static bool same_value(const fhs_json *a, const fhs_json *b)
{
    double left = 0;
    double right = 0;
    if (a->type == FHS_JSON_NUMBER && b->type == FHS_JSON_NUMBER) {
        return fhs_expression_double(a, &left) && fhs_expression_double(b, &right) && left == right;
    }
    if (a->type != b->type || (a->type >= FHS_JSON_ARRAY && a->count != b->count)) {
        return false;
    }
    for (uint32_t i = 0; a->type >= FHS_JSON_ARRAY && i < a->count; i++) {
        const fhs_json *left_part = a->type == FHS_JSON_ARRAY ? &a->items[i] : &a->members[i].value;
        const fhs_json *right_part = a->type == FHS_JSON_ARRAY
                                         ? &b->items[i]
                                         : fhs_json_get(b, a->members[i].name);
        if (right_part == NULL || !same_value(left_part, right_part)) {
            return false;
        }
    }
    return a->type != FHS_JSON_STRING || fhs_str_eq(a->text, b->text);
}

static void run_case(fhs_arena *arena, const char *file, const fhs_json *given, const fhs_json *one)
{
    fhs_str text = FHS_STR_NONE;
    const fhs_json *want = fhs_json_get(one, FHS_LIT("result"));
    bool fails = fhs_json_get(one, FHS_LIT("error")) != NULL;
    const fhs_jmespath *expression = NULL;
    fhs_jmespath_result result = {NULL, false};
    fhirstore_error *err = NULL;
    fhs_expression_run run;
    fhs_arena_mark mark = fhs_arena_here(arena);
    fhs_expression_run_init(&run, arena);
    fhs_json_get_string(one, FHS_LIT("expression"), &text);
    fhirstore_status status = fhs_jmespath_compile(arena, text, &expression, &err);
    if (status == FHIRSTORE_OK) {
        status = fhs_jmespath_evaluate(expression, &run, given, &result, &err);
    }
    bool ok = fails ? status < FHIRSTORE_OK
                    : status == FHIRSTORE_OK && want != NULL && same_value(result.value, want);
    bool judged = fails || want != NULL;
    unjudged += !judged;
    passed += judged && ok;
    failed += judged && !ok;
    if (judged && !ok) {
        fhs_buf got = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
        fhs_buf wanted = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
        if (status == FHIRSTORE_OK) {
            fhs_expression_write(&got, result.value);
        }
        if (want != NULL) {
            fhs_expression_write(&wanted, want);
        }
        printf("FAILED %s: %.*s\n  got    %s%s\n  wanted %s\n", file, FHS_STR_ARG(text),
               got.ptr == NULL ? "" : got.ptr, err == NULL ? "" : fhs_error_message(err),
               fails ? "an error" : (wanted.ptr == NULL ? "no error" : wanted.ptr));
        fhs_buf_clear(&got);
        fhs_buf_clear(&wanted);
    }
    fhs_error_free(err);
    fhs_arena_rewind(arena, mark);
}

static void run_groups(fhs_arena *arena, const char *file, fhs_str text)
{
    const fhs_json *root = NULL;
    fhirstore_error *err = NULL;
    if (fhs_json_read(arena, text, NULL, &root, &err) != FHIRSTORE_OK ||
        root->type != FHS_JSON_ARRAY) {
        printf("FAILED %s: %s\n", file, err == NULL ? "no array" : fhs_error_message(err));
        fhs_error_free(err);
        failed++;
        return;
    }
    for (uint32_t i = 0; i < root->count; i++) {
        const fhs_json *given = fhs_json_get(&root->items[i], FHS_LIT("given"));
        const fhs_json *cases = fhs_json_get(&root->items[i], FHS_LIT("cases"));
        for (uint32_t k = 0; given != NULL && cases != NULL && k < cases->count; k++) {
            run_case(arena, file, given, &cases->items[k]);
        }
    }
}

static void take_file(void *ctx, const char *file)
{
    fhs_arena arena;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    (void)ctx;
    fhs_arena_init(&arena, FHS_LIMIT_IOT_BYTES);
    if (folder_read_file(file, &text)) {
        run_groups(&arena, file, fhs_buf_str(&text));
    } else {
        printf("FAILED %s: cannot be read\n", file);
        failed++;
    }
    fhs_buf_clear(&text);
    fhs_arena_clear(&arena);
}

int main(int argc, char **argv)
{
    if (argc != 2 || !folder_each_json(argv[1], take_file, NULL)) {
        fprintf(stderr, "usage: jmespath FOLDER\n");
        return EXIT_FAILURE;
    }
    (void)fprintf(stderr, "%u benchmarks ran that state no result\n", unjudged);
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
