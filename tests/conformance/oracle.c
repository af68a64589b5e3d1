/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TEXT_MAX  ((size_t)512 << 20)
#define ARENA_MAX ((size_t)2048 << 20)
#define MAX_STEPS UINT64_C(10000000000) /* a union of 8,000 codes compares them all */
#define SHOWN_MAX 100
#define TEXTS_MAX 65536

/* Differences that are right, each with its reason. The walk finds more in all of them. */
static const struct {
    const char *resource; /* how the file's name begins */
    const char *param;
} justified[] = {
    /* A union drops 1.00 g beside 1.0 g; the index drops it too, when rows are made. */
    {"Observation-decimal.json", "combo-code-value-quantity"},
    {"Observation-decimal.json", "combo-value-quantity"},
    {"Observation-decimal.json", "component-value-quantity"},
    /* A union takes "> 60" and "60" for equal: equality of quantities knows no comparator. */
    {"Observation-f205.json", "combo-value-quantity"},
    {"Observation-f205.json", "component-value-quantity"},
    /* resolve() finds nothing behind an identifier; Reference.type says it is a Patient. */
    {"ImagingSelection-", "patient"},
};

/* One parameter's values of both sides, as sorted texts without repetition. */
typedef struct text_set {
    fhs_str items[TEXTS_MAX];
    size_t count;
} text_set;

static text_set walked_texts;
static text_set evaluated_texts;

static int compare_texts(const void *a, const void *b)
{
    return fhs_str_compare(*(const fhs_str *)a, *(const fhs_str *)b);
}

static void write_texts(const oracle *run, const fhs_entry *entry, fhs_buf *out)
{
    size_t count = entry->kind == FHS_ROW_COMPOSITE ? entry->part_count : 1;
    for (size_t i = 0; i < count; i++) {
        fhs_entry part = entry->kind == FHS_ROW_COMPOSITE ? entry->parts[i] : *entry;
        part.param = entry->param;
        if (part.kind == FHS_ROW_TOKEN && part.code.len > 0) {
            part.system = FHS_STR_NONE;
        }
        fhs_entry_write(run->fhir, &part, out);
        fhs_buf_add_cstr(out, part.is_canonical ? "~" : "");
    }
}

static void collect_texts(const oracle *run, const fhs_entries *entries, fhs_sparam param,
                          fhs_arena *arena, text_set *set)
{
    fhs_buf text = FHS_BUF_INIT(TEXT_MAX);
    set->count = 0;
    for (size_t i = 0; i < entries->count && set->count < TEXTS_MAX; i++) {
        if (entries->items[i].param != param) {
            continue;
        }
        fhs_buf_reset(&text);
        write_texts(run, &entries->items[i], &text);
        set->items[set->count++] = fhs_arena_dup(arena, fhs_buf_str(&text));
    }
    fhs_buf_clear(&text);
    if (set->count > 0) {
        qsort(set->items, set->count, sizeof *set->items, compare_texts);
    }
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (i == 0 || !fhs_str_eq(set->items[i], set->items[kept - 1])) {
            set->items[kept++] = set->items[i];
        }
    }
    set->count = kept;
}

static bool is_equal_set(const text_set *a, const text_set *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!fhs_str_eq(a->items[i], b->items[i])) {
            return false;
        }
    }
    return true;
}

static bool is_justified(const char *file, fhs_str code)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash == NULL ? file : slash + 1;
    for (size_t i = 0; i < FHS_COUNT_OF(justified); i++) {
        if (strncmp(name, justified[i].resource, strlen(justified[i].resource)) == 0 &&
            fhs_str_eq(code, fhs_str_from_cstr(justified[i].param))) {
            return true;
        }
    }
    return false;
}

/* Every text of @a part is in @a whole. */
static bool holds_all(const text_set *whole, const text_set *part)
{
    size_t at = 0;
    for (size_t i = 0; i < part->count; i++) {
        while (at < whole->count && fhs_str_compare(whole->items[at], part->items[i]) < 0) {
            at++;
        }
        if (at == whole->count || !fhs_str_eq(whole->items[at], part->items[i])) {
            return false;
        }
    }
    return true;
}

static void show_set(const char *name, const text_set *set)
{
    printf("  %s:", name);
    for (size_t i = 0; i < set->count && i < 8; i++) {
        printf(" %.*s", FHS_STR_ARG(set->items[i]));
    }
    printf("\n");
}

static const fhs_engine_param *engine_of(oracle *run, fhs_type type, fhs_sparam param)
{
    size_t at = (size_t)type * fhs_sparam_count(run->fhir) + param;
    if (run->params[at] == NULL) {
        fhirstore_error *err = NULL;
        if (fhs_engine_param_new(run->fhir, type, param, &run->params[at], &err) != FHIRSTORE_OK) {
            fhs_str code = fhs_sparam_get(run->fhir, param).code;
            printf("FAILED %.*s: %s\n", FHS_STR_ARG(code), fhs_error_message(err));
            run->failed++;
        }
        fhs_error_free(err);
    }
    return run->params[at];
}

static void compare_param(oracle *run, const char *file, fhs_type type, fhs_sparam param,
                          const fhs_json *resource, const fhs_entries *walked)
{
    fhs_arena arena;
    fhs_entries evaluated = {NULL, 0, 0};
    fhirstore_error *err = NULL;
    const fhs_engine_param *engine = engine_of(run, type, param);
    if (engine == NULL) {
        return;
    }
    fhs_arena_init(&arena, ARENA_MAX);
    fhs_convert convert = {.fhir = run->fhir,
                           .units = run->units,
                           .shapes = run->shapes,
                           .arena = &arena,
                           .out = &evaluated};
    fhs_str code = fhs_sparam_get(run->fhir, param).code;
    if (fhs_engine_extract(engine, &convert, resource, MAX_STEPS, &err) != FHIRSTORE_OK) {
        printf("FAILED %s %.*s: %s\n", file, FHS_STR_ARG(code), fhs_error_message(err));
        run->failed++;
    } else {
        collect_texts(run, walked, param, &arena, &walked_texts);
        collect_texts(run, &evaluated, param, &arena, &evaluated_texts);
        run->pairs += walked_texts.count + evaluated_texts.count > 0 ? 1 : 0;
        if (run->reached != NULL && walked_texts.count > 0) {
            run->reached[param] = 1;
        }
        bool is_equal = is_equal_set(&walked_texts, &evaluated_texts);
        if (!is_equal && is_justified(file, code) && holds_all(&walked_texts, &evaluated_texts)) {
            run->justified++;
        } else if (!is_equal && ++run->differ <= SHOWN_MAX) {
            printf("%s %.*s\n", file, FHS_STR_ARG(code));
            show_set("walked", &walked_texts);
            show_set("evaluated", &evaluated_texts);
        }
    }
    fhs_error_free(err);
    fhs_arena_clear(&arena);
}

/* The resource table answers these. */
bool oracle_is_compared(const fhs_sparam_def *def)
{
    return def->expression.len > 0 && !fhs_str_eq(def->code, FHS_LIT("_id")) &&
           !fhs_str_eq(def->code, FHS_LIT("_lastUpdated")) &&
           !fhs_str_eq(def->code, FHS_LIT("_in"));
}

void oracle_compare(oracle *run, const char *name, const fhs_json *resource)
{
    fhs_arena arena;
    fhs_entries walked = {NULL, 0, 0};
    fhs_str type_name = FHS_STR_NONE;
    const fhs_sparam *list = NULL;
    (void)fhs_json_get_string(resource, FHS_LIT("resourceType"), &type_name);
    fhs_type type = fhs_type_find(run->fhir, type_name);
    fhs_arena_init(&arena, ARENA_MAX);
    if (fhs_index_extract(run->indexer, FHS_STR_NONE, resource, &arena, &walked, NULL) !=
        FHIRSTORE_OK) {
        printf("FAILED %s\n", name);
        run->failed++;
    } else {
        size_t count = fhs_sparam_list(run->fhir, type, &list);
        for (size_t i = 0; i < count; i++) {
            fhs_sparam_def def = fhs_sparam_get(run->fhir, list[i]);
            if (oracle_is_compared(&def)) {
                compare_param(run, name, type, list[i], resource, &walked);
            }
        }
    }
    fhs_arena_clear(&arena);
}

bool oracle_begin(oracle *run, const fhs_fhir *fhir)
{
    *run = (oracle){.fhir = fhir};
    if (fhir == NULL) {
        return false;
    }
    run->shapes = fhs_shapes_new(run->fhir);
    run->units = fhs_unit_cache_new();
    run->params = fhs_calloc(fhs_type_count(run->fhir) * fhs_sparam_count(run->fhir),
                             sizeof *run->params);
    return run->shapes != NULL && run->units != NULL && run->params != NULL &&
           fhs_indexer_new(run->fhir, &run->indexer, NULL) == FHIRSTORE_OK;
}

void oracle_end(oracle *run)
{
    size_t count = fhs_type_count(run->fhir) * fhs_sparam_count(run->fhir);
    for (size_t i = 0; i < count; i++) {
        fhs_engine_param_free(run->params[i]);
    }
    fhs_free(run->params);
    fhs_free(run->shapes);
    fhs_unit_cache_free(run->units);
    fhs_indexer_free(run->indexer);
}
