/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases of one expression language from a table: test_table jsonpath|jmespath FILE. The file has
 * named "data" and "cases": an expression, the data it is evaluated "on", and what it "finds" (the
 * nodes in order; or their "count"), or that it "fails" when it is loaded (with the offset "at"
 * which) or when it is run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "expression/expression.h"

typedef struct table {
    fhs_arena arena;
    const fhs_json *root;
    fhs_expression_language language;
    unsigned count;
    unsigned failed;
} table;

static char *read_whole(const char *path, size_t *len_out)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(1 << 20);
    *len_out = file == NULL || text == NULL ? 0 : fread(text, 1, 1 << 20, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}

static fhs_str string_of(const fhs_json *object, const char *name)
{
    fhs_str text = FHS_STR_NONE;
    fhs_json_get_string(object, fhs_str_from_cstr(name), &text);
    return text;
}

static bool number_is(const fhs_json *one, const char *name, uint64_t got)
{
    int64_t want = 0;
    const fhs_json *value = fhs_json_get(one, fhs_str_from_cstr(name));
    return value == NULL || (fhs_expression_integer(value, &want) && (uint64_t)want == got);
}

static bool finds_nodes(const fhs_json *one, const fhs_expression_nodes *nodes, fhs_buf *got)
{
    const fhs_json *finds = fhs_json_get(one, FHS_LIT("finds"));
    fhs_buf want = FHS_BUF_INIT(1 << 20);
    fhs_buf_add_char(got, '[');
    for (uint32_t i = 0; i < nodes->count; i++) {
        if (i > 0) {
            fhs_buf_add_char(got, ',');
        }
        fhs_expression_write(got, nodes->items[i]);
    }
    fhs_buf_add_char(got, ']');
    if (finds != NULL) {
        fhs_expression_write(&want, finds);
    }
    bool same = finds == NULL ? number_is(one, "count", nodes->count)
                              : fhs_str_eq(fhs_buf_str(got), fhs_buf_str(&want));
    fhs_buf_clear(&want);
    return same;
}

static void run_row(table *all, const fhs_json *one)
{
    fhs_str text = string_of(one, "expression");
    fhs_str fails = string_of(one, "fails");
    const fhs_json *data = fhs_json_get(fhs_json_get(all->root, FHS_LIT("data")),
                                        string_of(one, "on"));
    fhs_arena_mark mark = fhs_arena_here(&all->arena);
    const fhs_expression *expression = NULL;
    fhs_expression_nodes nodes = {NULL, 0};
    fhirstore_error *err = NULL;
    fhs_buf got = FHS_BUF_INIT(1 << 20);
    fhs_expression_run run;
    bool ok;
    fhs_expression_run_init(&run, &all->arena);
    fhirstore_status status = fhs_expression_compile(&all->arena, all->language, text, &expression,
                                                     &err);
    if (fhs_str_eq(fails, FHS_LIT("load"))) {
        ok = status == FHIRSTORE_ERR_EXPRESSION &&
             number_is(one, "at", fhs_error_location(err).offset);
    } else {
        status = status == FHIRSTORE_OK && data != NULL
                     ? fhs_expression_select(expression, &run, data, &nodes, &err)
                     : status;
        ok = fails.len > 0
                 ? status == FHIRSTORE_ERR_EXPRESSION_DATA
                 : status == FHIRSTORE_OK && data != NULL && finds_nodes(one, &nodes, &got);
    }
    printf("%s %u - %.*s\n", ok ? "ok" : "not ok", ++all->count, FHS_STR_ARG(text));
    if (!ok) {
        printf("# got %s%s\n", got.ptr == NULL ? "" : got.ptr,
               err == NULL ? "" : fhs_error_message(err));
        if (err != NULL) {
            printf("# at %u\n", (unsigned)fhs_error_location(err).offset);
        }
    }
    all->failed += !ok;
    fhs_error_free(err);
    fhs_buf_clear(&got);
    fhs_arena_rewind(&all->arena, mark);
}

int main(int argc, char **argv)
{
    table all = {.count = 0};
    size_t len = 0;
    fhirstore_error *err = NULL;
    if (argc != 3 || !fhs_expression_language_find(fhs_str_from_cstr(argv[1]), &all.language)) {
        fprintf(stderr, "usage: test_table jsonpath|jmespath FILE\n");
        return EXIT_FAILURE;
    }
    char *text = read_whole(argv[2], &len);
    fhs_arena_init(&all.arena, FHS_LIMIT_IOT_BYTES);
    if (fhs_json_read(&all.arena, fhs_str_of(text, len), NULL, &all.root, &err) != FHIRSTORE_OK) {
        fprintf(stderr, "%s\n", fhs_error_message(err));
        return EXIT_FAILURE;
    }
    const fhs_json *cases = fhs_json_get(all.root, FHS_LIT("cases"));
    for (uint32_t i = 0; i < cases->count; i++) {
        run_row(&all, &cases->items[i]);
    }
    printf("1..%u\n", all.count);
    fhs_arena_clear(&all.arena);
    free(text);
    return all.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
