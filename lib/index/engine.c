/* SPDX-License-Identifier: Apache-2.0 */
#include "index/engine.h"

#include "base/limits.h"
#include "base/mem.h"
#include "fhir/reference.h"
#include "fhirpath/fhirpath.h"

#define COMPONENTS_MAX      8u
#define PAIRINGS_MAX        4096u
#define VALUE_TEXT_MAX      ((size_t)16 * 1024 * 1024)
#define EXPRESSION_TEXT_MAX (2 * FHS_LIMIT_EXPRESSION_BYTES)

struct fhs_engine_param {
    fhs_sparam param;
    uint8_t kind; /* fhs_sparam_type */
    uint32_t component_count;
    fhs_fhirpath *expression;
    fhs_fhirpath *components[COMPONENTS_MAX];
    uint8_t component_kinds[COMPONENTS_MAX];
    fhs_sparam component_params[COMPONENTS_MAX];
};

static fhirstore_status compile_param_text(const fhs_fhir *fhir, fhs_type type, fhs_str text,
                                           fhs_fhirpath **out, fhirstore_error **err)
{
    fhs_buf changed = FHS_BUF_INIT(EXPRESSION_TEXT_MAX);
    fhs_fhirpath_options options = {.fhir = fhir, .context_type = type};
    fhirstore_status status = fhs_engine_expression(fhir, text, &changed, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_fhirpath_compile(&options, fhs_buf_str(&changed), out, err);
    }
    fhs_buf_clear(&changed);
    return status;
}

fhirstore_status fhs_engine_param_new(const fhs_fhir *fhir, fhs_type type, fhs_sparam param,
                                      fhs_engine_param **out, fhirstore_error **err)
{
    *out = NULL;
    fhs_sparam_def def = fhs_sparam_get(fhir, param);
    if (def.component_count > COMPONENTS_MAX) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "a composite has too many components");
    }
    fhs_engine_param *engine = fhs_calloc(1, sizeof *engine);
    if (engine == NULL) {
        return fhs_fail_memory(err);
    }
    engine->param = param;
    engine->kind = def.type;
    engine->component_count = def.component_count;
    fhirstore_status status = compile_param_text(fhir, type, def.expression, &engine->expression,
                                                 err);
    for (uint32_t i = 0; i < def.component_count && status == FHIRSTORE_OK; i++) {
        engine->component_params[i] = def.components[i].param;
        engine->component_kinds[i] = fhs_sparam_get(fhir, def.components[i].param).type;
        status = compile_param_text(fhir, FHS_TYPE_NONE, def.components[i].expression,
                                    &engine->components[i], err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_engine_param_free(engine);
        return status;
    }
    *out = engine;
    return FHIRSTORE_OK;
}

void fhs_engine_param_free(fhs_engine_param *engine)
{
    if (engine == NULL) {
        return;
    }
    fhs_fhirpath_free(engine->expression);
    for (uint32_t i = 0; i < engine->component_count; i++) {
        fhs_fhirpath_free(engine->components[i]);
    }
    fhs_free(engine);
}

/* Something of the type that "…/Type/id" names, so that `resolve() is Type` can be answered. */
static fhirstore_status resolve_by_text(void *ctx, fhs_str reference, const fhs_json **resource_out,
                                        fhirstore_error **err)
{
    const fhs_convert *convert = ctx;
    fhs_json text = {.type = FHS_JSON_STRING, .text = reference};
    fhs_json nothing = {.type = FHS_JSON_OBJECT};
    fhs_type type = fhs_reference_target(convert->fhir, &nothing, &text);
    if (type == FHS_TYPE_NONE) {
        return FHIRSTORE_OK;
    }
    fhs_json *stub = fhs_arena_calloc(convert->arena, 1, sizeof *stub);
    fhs_json_member *member = fhs_arena_calloc(convert->arena, 1, sizeof *member);
    if (stub == NULL || member == NULL) {
        return fhs_fail_memory(err);
    }
    member->name = FHS_LIT("resourceType");
    member->value.type = FHS_JSON_STRING;
    member->value.text = fhs_type_name(convert->fhir, type);
    stub->type = FHS_JSON_OBJECT;
    stub->count = 1;
    stub->members = member;
    *resource_out = stub;
    return FHIRSTORE_OK;
}

/* A value that is no element of the resource, as the element it would be. */
static void convert_system_value(fhs_convert *convert, uint8_t kind, const fhs_fp_item *item)
{
    static const fhs_str names[] = {
        [FHS_ITEM_BOOLEAN] = FHS_LIT_INIT("boolean"),
        [FHS_ITEM_INTEGER] = FHS_LIT_INIT("integer"),
        [FHS_ITEM_LONG] = FHS_LIT_INIT("integer"),
        [FHS_ITEM_DECIMAL] = FHS_LIT_INIT("decimal"),
        [FHS_ITEM_STRING] = FHS_LIT_INIT("string"),
        [FHS_ITEM_DATE] = FHS_LIT_INIT("date"),
        [FHS_ITEM_DATETIME] = FHS_LIT_INIT("dateTime"),
    };
    if (item->kind >= FHS_COUNT_OF(names) || names[item->kind].len == 0) {
        return;
    }
    fhs_buf text = FHS_BUF_INIT(VALUE_TEXT_MAX);
    (void)fhs_fp_item_write_text(convert->fhir, item, &text);
    fhs_str view = fhs_buf_str(&text);
    view = view.len > 0 && view.ptr[0] == '@' ? fhs_str_from(view, 1) : view;
    fhs_json *value = fhs_arena_calloc(convert->arena, 1, sizeof *value);
    fhs_str kept = fhs_arena_dup(convert->arena, view);
    convert->is_failed |= fhs_buf_status(&text) == FHIRSTORE_ERR_NO_MEMORY;
    fhs_buf_clear(&text);
    if (value == NULL || kept.ptr == NULL) {
        convert->is_failed = true;
        return;
    }
    value->type = item->kind == FHS_ITEM_BOOLEAN
                      ? (uint8_t)(item->boolean ? FHS_JSON_TRUE : FHS_JSON_FALSE)
                      : FHS_JSON_STRING;
    value->text = kept;
    fhs_convert_value(convert, kind, fhs_type_find(convert->fhir, names[item->kind]), UINT16_MAX,
                      value);
}

static void convert_items(fhs_convert *convert, uint8_t kind, const fhs_fp_item *items,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind != FHS_ITEM_NODE) {
            convert_system_value(convert, kind, &items[i]);
        } else if (items[i].node.json != NULL && items[i].type != FHS_TYPE_NONE) {
            fhs_convert_value(convert, kind, items[i].type, UINT16_MAX, items[i].node.json);
        }
    }
}

typedef struct engine_work {
    const fhs_engine_param *engine;
    fhs_convert *convert;
    const fhs_json *resource;
    uint64_t max_steps;
    fhs_fhirpath_run *run;       /* of the expression itself */
    fhs_fhirpath_run *inner_run; /* of components, while the roots are still in use */
    fhirstore_error **err;
} engine_work;

static fhirstore_status evaluate_param(const engine_work *work, const fhs_fhirpath *path,
                                       fhs_fhirpath_run *run, const fhs_fp_item *context,
                                       const fhs_fp_item **items_out, size_t *count_out)
{
    fhs_fhirpath_hooks hooks = {.ctx = work->convert, .resolve = resolve_by_text};
    fhs_fhirpath_input input = {.resource = work->resource,
                                .context = context,
                                .hooks = &hooks,
                                .max_steps = work->max_steps};
    return fhs_fhirpath_evaluate(path, run, &input, items_out, count_out, work->err);
}

static void add_pairing(const engine_work *work, const fhs_entries *found, size_t number)
{
    uint32_t count = work->engine->component_count;
    fhs_convert *convert = work->convert;
    fhs_entry *parts = fhs_arena_alloc(convert->arena, count * sizeof *parts);
    fhs_entry *entry = parts == NULL ? NULL : fhs_convert_add(convert, FHS_ROW_COMPOSITE);
    if (entry == NULL) {
        convert->is_failed = true;
        return;
    }
    for (uint32_t i = count; i-- > 0;) {
        parts[i] = found[i].items[number % found[i].count];
        parts[i].param = work->engine->component_params[i];
        number /= found[i].count;
    }
    entry->parts = parts;
    entry->part_count = count;
}

/* Composites are for single values: pairs of an identifier's type and value stay out. */
static void drop_composites(fhs_entries *entries)
{
    size_t kept = 0;
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->items[i].kind != FHS_ROW_COMPOSITE) {
            entries->items[kept++] = entries->items[i];
        }
    }
    entries->count = kept;
}

static fhirstore_status extract_root(const engine_work *work, const fhs_fp_item *root)
{
    fhs_entries found[COMPONENTS_MAX] = {{NULL, 0, 0}};
    fhs_entries *out = work->convert->out;
    size_t pairings = 1;
    for (uint32_t i = 0; i < work->engine->component_count; i++) {
        const fhs_fp_item *items = NULL;
        size_t count = 0;
        fhirstore_status status = evaluate_param(work, work->engine->components[i], work->inner_run,
                                                 root, &items, &count);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        work->convert->out = &found[i];
        convert_items(work->convert, work->engine->component_kinds[i], items, count);
        work->convert->out = out;
        drop_composites(&found[i]);
        pairings *= found[i].count;
        pairings = pairings > PAIRINGS_MAX ? PAIRINGS_MAX : pairings;
    }
    for (size_t i = 0; i < pairings; i++) {
        add_pairing(work, found, i);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status extract_all(const engine_work *work)
{
    const fhs_fp_item *items = NULL;
    size_t count = 0;
    fhirstore_status status = evaluate_param(work, work->engine->expression, work->run, NULL,
                                             &items, &count);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (work->engine->kind != FHS_SP_COMPOSITE) {
        convert_items(work->convert, work->engine->kind, items, count);
        return FHIRSTORE_OK;
    }
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        status = extract_root(work, &items[i]);
    }
    return status;
}

fhirstore_status fhs_engine_extract(const fhs_engine_param *engine, fhs_convert *convert,
                                    const fhs_json *resource, uint64_t max_steps,
                                    fhirstore_error **err)
{
    size_t before = convert->out->count;
    engine_work work = {.engine = engine,
                        .convert = convert,
                        .resource = resource,
                        .max_steps = max_steps,
                        .run = fhs_fhirpath_run_new(0),
                        .inner_run = fhs_fhirpath_run_new(0),
                        .err = err};
    fhirstore_status status = work.run == NULL || work.inner_run == NULL ? fhs_fail_memory(err)
                                                                         : extract_all(&work);
    fhs_fhirpath_run_free(work.run);
    fhs_fhirpath_run_free(work.inner_run);
    if (status != FHIRSTORE_OK) {
        convert->out->count = before;
        return status;
    }
    for (size_t i = before; i < convert->out->count; i++) {
        convert->out->items[i].param = engine->param;
    }
    return FHIRSTORE_OK;
}
