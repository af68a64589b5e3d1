/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this room share: evaluate an expression and compare it with a short text. */
#ifndef FHS_TEST_ENGINE_H
#define FHS_TEST_ENGINE_H

#include <stdio.h>
#include <string.h>

#include "fhirpath/fhirpath.h"
#include "suite.h"

#define MAX_TEST_TEXT ((size_t)16 * 1024 * 1024)

typedef struct test_engine {
    const fhs_fhir *fhir;
    fhs_arena arena;
    fhs_fhirpath_run *run;
    const fhs_json *resource;
    fhs_fhirpath_hooks hooks;
    const fhs_fhirpath_variable *variables;
    size_t variable_count;
    bool strict;
    fhirstore_error *error; /* of the last evaluation */
} test_engine;

/* 2024-05-17T10:20:30.456Z */
static inline int64_t test_now(void *ctx)
{
    (void)ctx;
    return INT64_C(1715941230456000);
}

static inline void engine_init(test_engine *engine, const char *resource)
{
    memset(engine, 0, sizeof(*engine));
    engine->fhir = fhs_fhir_get(FHS_FHIR_R4);
    engine->run = fhs_fhirpath_run_new(0);
    engine->hooks.now_us = test_now;
    fhs_arena_init(&engine->arena, MAX_TEST_TEXT);
    ck_assert_ptr_nonnull(engine->fhir);
    ck_assert_ptr_nonnull(engine->run);
    if (resource != NULL) {
        ck_assert_int_eq(fhs_json_read(&engine->arena, fhs_str_from_cstr(resource), NULL,
                                       &engine->resource, NULL),
                         FHIRSTORE_OK);
    }
}

static inline void engine_clear(test_engine *engine)
{
    fhs_fhirpath_run_free(engine->run);
    fhs_arena_clear(&engine->arena);
    fhs_error_free(engine->error);
}

/* Compile with the resource's type and evaluate; "type:value, type:value" is appended to @a out. */
static inline fhirstore_status engine_eval(test_engine *engine, const char *expression,
                                           fhs_buf *out)
{
    fhs_str type = FHS_STR_NONE;
    fhs_fhirpath *path = NULL;
    const fhs_fp_item *items = NULL;
    size_t count = 0;
    fhs_fhirpath_options options = {engine->fhir, FHS_TYPE_NONE, engine->strict};
    if (engine->resource != NULL &&
        fhs_json_get_string(engine->resource, FHS_LIT("resourceType"), &type)) {
        options.context_type = fhs_type_find(engine->fhir, type);
    }
    fhs_error_free(engine->error);
    engine->error = NULL;
    fhirstore_status status = fhs_fhirpath_compile(&options, fhs_str_from_cstr(expression), &path,
                                                   &engine->error);
    if (status != FHIRSTORE_OK) {
        ck_assert_ptr_null(path);
        return status;
    }
    fhs_fhirpath_input input = {.resource = engine->resource,
                                .hooks = &engine->hooks,
                                .variables = engine->variables,
                                .variable_count = engine->variable_count};
    status = fhs_fhirpath_evaluate(path, engine->run, &input, &items, &count, &engine->error);
    for (size_t i = 0; i < count; i++) {
        fhs_str name = fhs_fp_item_type(engine->fhir, &items[i]);
        fhs_buf_addf(out, "%s%.*s:", i == 0 ? "" : ", ", FHS_STR_ARG(name));
        fhs_fp_item_write_text(engine->fhir, &items[i], out);
    }
    fhs_fhirpath_free(path);
    return status;
}

static inline void check_eval(test_engine *engine, const char *expression, const char *want)
{
    fhs_buf got = FHS_BUF_INIT(MAX_TEST_TEXT);
    fhirstore_status status = engine_eval(engine, expression, &got);
    ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", expression,
                  engine->error == NULL ? "" : fhs_error_message(engine->error));
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&got), fhs_str_from_cstr(want)),
                  "%s: got \"%.*s\", wanted \"%s\"", expression, FHS_STR_ARG(fhs_buf_str(&got)),
                  want);
    fhs_buf_clear(&got);
}

/* It must fail with @a want at byte @a offset. */
static inline void check_fails(test_engine *engine, const char *expression, fhirstore_status want,
                               uint64_t offset)
{
    fhs_buf got = FHS_BUF_INIT(MAX_TEST_TEXT);
    fhirstore_status status = engine_eval(engine, expression, &got);
    ck_assert_msg(status == want, "%s: status %d, wanted %d", expression, status, want);
    ck_assert_msg(fhs_error_location(engine->error).offset == offset,
                  "%s: offset %llu, wanted %llu: %s", expression,
                  (unsigned long long)fhs_error_location(engine->error).offset,
                  (unsigned long long)offset, fhs_error_message(engine->error));
    fhs_buf_clear(&got);
}

typedef struct test_row {
    const char *expression;
    const char *want;
} test_row;

static inline void check_rows(test_engine *engine, const test_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_eval(engine, rows[i].expression, rows[i].want);
    }
}

#endif
