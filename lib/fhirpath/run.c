/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: one evaluation's stack of items, arena, limits and error. Collections are ranges of the
 * stack; what is pushed here is what operators and functions make.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "fhirpath/internal.h"

/* ---- errors and limits ---- */

static void point_at(fhs_fhirpath_run *run, uint32_t offset)
{
    uint32_t line = 0;
    uint32_t column = 0;
    fhs_json_position(run->path->text, offset, &line, &column);
    fhs_error_at(run->err, offset, line, column);
}

fhirstore_status fhs_fp_fail(fhs_fhirpath_run *run, const fhs_fp_step *op, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fhirstore_status status = fhs_fail(run->err, FHIRSTORE_ERR_FHIRPATH_EVAL,
                                       "FHIRPath: %s at offset %u", text, op->at);
    point_at(run, op->at);
    return status;
}

fhirstore_status fhs_fp_limit(fhs_fhirpath_run *run, const char *name)
{
    return fhs_fail(run->err, FHIRSTORE_ERR_LIMIT, "FHIRPath: the evaluation exceeds %s", name);
}

fhirstore_status fhs_fp_memory(fhs_fhirpath_run *run)
{
    /* The arena refuses when its budget ends as well as when the heap does. */
    if (run->arena.budget < run->arena.max / 2) {
        return fhs_fp_limit(run, "FHS_LIMIT_FHIRPATH_BYTES");
    }
    return fhs_fail_memory(run->err);
}

fhirstore_status fhs_fp_work(fhs_fhirpath_run *run, uint64_t steps)
{
    if (FHS_UNLIKELY(run->steps_left < steps)) {
        run->steps_left = 0;
        return fhs_fp_limit(run, "FHS_LIMIT_FHIRPATH_STEPS");
    }
    run->steps_left -= steps;
    return FHIRSTORE_OK;
}

uint64_t fhs_fhirpath_steps_left(const fhs_fhirpath_run *run)
{
    return run->steps_left;
}

/* ---- the stack ---- */

fhirstore_status fhs_fp_grow(fhs_fhirpath_run *run)
{
    if (run->top >= run->max_results) {
        return fhs_fp_limit(run, "FHS_LIMIT_FHIRPATH_RESULTS");
    }
    uint32_t capacity = run->capacity == 0 ? 64 : run->capacity * 2;
    if (capacity > run->max_results) {
        capacity = run->max_results;
    }
    fhs_fp_item *stack = fhs_realloc(run->stack, (size_t)capacity * sizeof(*stack));
    if (stack == NULL) {
        return fhs_fail_memory(run->err);
    }
    run->stack = stack;
    run->allocated = capacity;
    run->capacity = capacity;
    return FHIRSTORE_OK;
}

void fhs_fp_drop(fhs_fhirpath_run *run, uint32_t from, uint32_t to)
{
    if (from < to && run->top > to) {
        memmove(run->stack + from, run->stack + to, (run->top - to) * sizeof(*run->stack));
    }
    run->top -= to - from;
}

fhirstore_status fhs_fp_push_boolean(fhs_fhirpath_run *run, bool value)
{
    fhs_fp_item item = fhs_fp_item_of_boolean(value);
    return fhs_fp_push(run, &item);
}

fhirstore_status fhs_fp_push_integer(fhs_fhirpath_run *run, int64_t value)
{
    fhs_fp_item item = fhs_fp_item_of_integer(value);
    return fhs_fp_push(run, &item);
}

fhirstore_status fhs_fp_push_long(fhs_fhirpath_run *run, int64_t value)
{
    fhs_fp_item item = {.kind = FHS_ITEM_LONG, .type = FHS_TYPE_NONE, .integer = value};
    return fhs_fp_push(run, &item);
}

fhirstore_status fhs_fp_push_string(fhs_fhirpath_run *run, fhs_str text)
{
    fhs_fp_item item = fhs_fp_item_of_string(text);
    return fhs_fp_push(run, &item);
}

fhirstore_status fhs_fp_push_decimal(fhs_fhirpath_run *run, const fhs_decimal *value)
{
    fhs_decimal *copy = fhs_arena_alloc(&run->arena, sizeof(*copy));
    if (copy == NULL) {
        return fhs_fp_memory(run);
    }
    *copy = *value;
    fhs_fp_item item = {.kind = FHS_ITEM_DECIMAL, .type = FHS_TYPE_NONE, .decimal = copy};
    return fhs_fp_push(run, &item);
}

fhirstore_status fhs_fp_push_date(fhs_fhirpath_run *run, fhs_fp_item_kind kind,
                                  const fhs_date *value)
{
    fhs_date *copy = fhs_arena_alloc(&run->arena, sizeof(*copy));
    if (copy == NULL) {
        return fhs_fp_memory(run);
    }
    *copy = *value;
    fhs_fp_item item = {.kind = (uint8_t)kind, .type = FHS_TYPE_NONE, .date = copy};
    return fhs_fp_push(run, &item);
}

fhirstore_status fhs_fp_push_quantity(fhs_fhirpath_run *run, const fhs_fp_quantity *value)
{
    fhs_fp_quantity *copy = fhs_arena_alloc(&run->arena, sizeof(*copy));
    if (copy == NULL) {
        return fhs_fp_memory(run);
    }
    *copy = *value;
    fhs_fp_item item = {.kind = FHS_ITEM_QUANTITY, .type = FHS_TYPE_NONE, .quantity = copy};
    return fhs_fp_push(run, &item);
}

fhirstore_status fhs_fp_push_buf(fhs_fhirpath_run *run, fhs_buf *buf)
{
    fhirstore_status status = fhs_buf_status(buf);
    if (status == FHIRSTORE_ERR_LIMIT) {
        fhs_buf_clear(buf);
        return fhs_fp_limit(run, "FHS_LIMIT_FHIRPATH_BYTES");
    }
    fhs_str copy = FHS_LIT("");
    if (status == FHIRSTORE_OK && buf->len > 0) {
        copy = fhs_arena_dup(&run->arena, fhs_buf_str(buf));
    }
    fhs_buf_clear(buf);
    if (status != FHIRSTORE_OK || copy.ptr == NULL) {
        return fhs_fp_memory(run);
    }
    return fhs_fp_push_string(run, copy);
}

fhs_fp_scope fhs_fp_scope_of(const fhs_fp_scope *outer, const fhs_fp_item *item, int64_t index)
{
    fhs_fp_scope scope = *outer;
    scope.many = NULL;
    scope.self = *item;
    scope.has_self = true;
    scope.index = index;
    return scope;
}

/* ---- runs ---- */

fhs_fhirpath_run *fhs_fhirpath_run_new(size_t max_bytes)
{
    fhs_fhirpath_run *run = fhs_calloc(1, sizeof(*run));
    if (run != NULL) {
        fhs_arena_init(&run->arena, max_bytes == 0 ? FHS_LIMIT_FHIRPATH_BYTES : max_bytes);
    }
    return run;
}

void fhs_fhirpath_run_free(fhs_fhirpath_run *run)
{
    if (run == NULL) {
        return;
    }
    fhs_arena_clear(&run->arena);
    fhs_free(run->stack);
    for (size_t i = 0; i < FHS_COUNT_OF(run->systems); i++) {
        fhs_free(run->systems[i]);
    }
    fhs_free(run);
}

static void run_begin(fhs_fhirpath_run *run, const fhs_fhirpath *path,
                      const fhs_fhirpath_input *input, fhirstore_error **err)
{
    fhs_arena_reset(&run->arena);
    run->top = 0;
    run->max_results = input->max_results == 0 ? FHS_LIMIT_FHIRPATH_RESULTS : input->max_results;
    run->capacity = run->allocated < run->max_results ? run->allocated : run->max_results;
    run->steps_left = input->max_steps == 0 ? FHS_LIMIT_FHIRPATH_STEPS : input->max_steps;
    run->path = path;
    run->fhir = path->fhir;
    run->input = input;
    run->root = input->root == NULL ? input->resource : input->root;
    run->err = err;
    run->has_now = false;
    run->defined_count = 0;
    run->has_context = input->context != NULL || input->resource != NULL;
    if (input->context != NULL) {
        run->context = *input->context;
    } else if (input->resource != NULL) {
        run->context = fhs_fp_make_node(run->fhir, input->resource, NULL, FHS_TYPE_NONE);
    }
}

fhirstore_status fhs_fhirpath_evaluate(const fhs_fhirpath *path, fhs_fhirpath_run *run,
                                       const fhs_fhirpath_input *input,
                                       const fhs_fp_item **items_out, size_t *count_out,
                                       fhirstore_error **err)
{
    *items_out = NULL;
    *count_out = 0;
    run_begin(run, path, input, err);
    FHS_TRY(fhs_fp_systems_ready(run));
    fhs_fp_scope scope = {.self = run->context, .has_self = run->has_context};
    FHS_TRY(fhs_fp_eval(run, path->root, &scope, FHS_FP_ALL));
    *items_out = run->stack;
    *count_out = run->top;
    return FHIRSTORE_OK;
}
