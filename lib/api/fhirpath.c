/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/fhirpath.h"

#include <stddef.h>
#include <string.h>

#include "api/handle.h"
#include "base/mem.h"
#include "fhirpath/fhirpath.h"
#include "json/json.h"

#define FHS_KIND_FHIRPATH        0x46485336u
#define FHIRPATH_OPTIONS_V1_SIZE FHS_ABI_SIZE(fhirstore_fhirpath_options, reserved0)

FHS_ABI_HEAD(fhirstore_fhirpath_options);

struct fhirstore_fhirpath {
    uint32_t kind;
    const fhs_fhir *fhir;
    fhs_fhirpath *inner;
};

fhirstore_status fhirstore_fhirpath_options_init(fhirstore_fhirpath_options *options,
                                                 size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, FHIRPATH_OPTIONS_V1_SIZE);
}

static fhirstore_status compile_options(int32_t fhir_version, fhs_str type, uint32_t flags,
                                        fhs_fhirpath_options *out, fhirstore_error **err)
{
    if (fhir_version < 0 || fhir_version > FHIRSTORE_FHIR_R5 ||
        (flags & ~(uint32_t)FHIRSTORE_FHIRPATH_STRICT) != 0) {
        return fhs_api_invalid(err, "fhir_version or flags");
    }
    out->fhir = fhs_fhir_get(fhir_version == 0 ? FHS_FHIR_R4 : (fhs_fhir_version)fhir_version);
    if (out->fhir == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "that FHIR version is not built in");
    }
    out->strict = (flags & (uint32_t)FHIRSTORE_FHIRPATH_STRICT) != 0;
    out->context_type = type.len == 0 ? FHS_TYPE_NONE : fhs_type_find(out->fhir, type);
    if (type.len > 0 && out->context_type == FHS_TYPE_NONE) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_UNKNOWN_TYPE);
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhirstore_fhirpath_compile(int32_t fhir_version, const char *type, size_t type_len,
                                            const char *expression, size_t expression_len,
                                            uint32_t flags, fhirstore_fhirpath **path_out,
                                            fhirstore_error **err_out)
{
    fhs_str name;
    fhs_str text;
    fhs_fhirpath_options options = {0};
    fhs_api_begin(err_out);
    if (path_out == NULL) {
        return fhs_api_invalid(err_out, "path_out is NULL");
    }
    *path_out = NULL;
    if (!fhs_api_text(type, type_len, &name) || !fhs_api_text(expression, expression_len, &text)) {
        return fhs_api_invalid(err_out, "a NULL string with a length");
    }
    fhirstore_status status = compile_options(fhir_version, name, flags, &options, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhirstore_fhirpath *path = fhs_calloc(1, sizeof *path);
    status = path == NULL ? fhs_fail_memory(err_out)
                          : fhs_fhirpath_compile(&options, text, &path->inner, err_out);
    if (status < FHIRSTORE_OK) {
        fhs_free(path);
        return status;
    }
    path->kind = FHS_KIND_FHIRPATH;
    path->fhir = options.fhir;
    *path_out = path;
    return FHIRSTORE_OK;
}

void fhirstore_fhirpath_free(fhirstore_fhirpath *path)
{
    if (path != NULL && path->kind == FHS_KIND_FHIRPATH) {
        path->kind = 0;
        fhs_fhirpath_free(path->inner);
        fhs_free(path);
    }
}

/* One evaluation: what it was given, and where the trees it reads live. */
typedef struct evaluation {
    const fhirstore_fhirpath *path;
    fhirstore_session *session; /* entered, or NULL */
    fhs_arena arena;
    fhs_fhirpath_variable *variables;
    size_t variable_count;
} evaluation;

/* resolve(): what the session may read, or nothing. */
static fhirstore_status resolve_in_store(void *ctx, fhs_str reference,
                                         const fhs_json **resource_out, fhirstore_error **err)
{
    evaluation *work = ctx;
    const fhs_core *core = work->session->store->core;
    fhs_reference parsed;
    fhs_answer answer;
    *resource_out = NULL;
    if (!fhs_reference_parse(core->fhir, core->base_url, reference, &parsed) || !parsed.is_local) {
        return FHIRSTORE_OK;
    }
    fhs_answer_init(&answer);
    fhirstore_status status = fhs_interact_read(work->session->inner, parsed.type, parsed.id, NULL,
                                                &answer, NULL);
    if (status >= FHIRSTORE_OK) {
        fhs_str text = fhs_arena_dup(&work->arena, fhs_buf_str(&answer.body));
        status = text.ptr == NULL ? fhs_fail_memory(err)
                                  : fhs_json_read(&work->arena, text, NULL, resource_out, err);
    } else if (status != FHIRSTORE_ERR_NO_MEMORY) {
        status = FHIRSTORE_OK; /* not there, deleted, or not for this session: all alike */
    }
    fhs_answer_clear(&answer);
    return status;
}

static fhirstore_status take_variable(evaluation *work, const fhirstore_fhirpath_variable *given,
                                      fhs_fhirpath_variable *out, fhirstore_error **err)
{
    fhs_str value;
    int64_t number;
    fhs_decimal decimal;
    const fhs_json *json;
    fhs_fp_item *item = fhs_arena_calloc(&work->arena, 1, sizeof *item);
    if (!fhs_api_text(given->name, given->name_len, &out->name) ||
        !fhs_api_text(given->value, given->value_len, &value)) {
        return fhs_api_invalid(err, "a variable with a NULL string");
    }
    if (item == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = fhs_json_read(&work->arena, value, NULL, &json, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    out->items = item;
    out->count = 1;
    if (json->type == FHS_JSON_STRING) {
        *item = fhs_fp_item_of_string(json->text);
    } else if (json->type == FHS_JSON_TRUE || json->type == FHS_JSON_FALSE) {
        *item = fhs_fp_item_of_boolean(json->type == FHS_JSON_TRUE);
    } else if (json->type == FHS_JSON_OBJECT) {
        *item = fhs_fp_item_of_json(work->path->fhir, json, FHS_TYPE_NONE);
    } else if (json->type == FHS_JSON_NUMBER && fhs_decimal_parse(json->text, &decimal) &&
               fhs_decimal_to_i64(&decimal, &number)) {
        *item = fhs_fp_item_of_integer(number);
    } else {
        return fhs_api_invalid(err,
                               "a variable is a string, a boolean, a whole number or an object");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status take_variables(evaluation *work, const fhirstore_fhirpath_options *options,
                                       fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (options->flags != 0 || options->reserved0 != 0 ||
        (options->variables == NULL && options->variable_count > 0)) {
        return fhs_api_invalid(err, "options");
    }
    work->variables = fhs_arena_calloc(&work->arena, options->variable_count,
                                       sizeof *work->variables);
    if (work->variables == NULL) {
        return fhs_fail_memory(err);
    }
    work->variable_count = options->variable_count;
    for (size_t i = 0; status >= FHIRSTORE_OK && i < options->variable_count; i++) {
        status = take_variable(work, &options->variables[i], &work->variables[i], err);
    }
    return status;
}

static fhirstore_status evaluate(evaluation *work, const fhirstore_fhirpath_options *options,
                                 fhs_str body, fhs_buf *out, fhirstore_error **err)
{
    const fhs_json *root;
    const fhs_fp_item *items;
    size_t count;
    const fhs_fhirpath_hooks hooks = {.ctx = work,
                                      .resolve = work->session == NULL ? NULL : resolve_in_store};
    fhirstore_status status = take_variables(work, options, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_json_read(&work->arena, body, NULL, &root, err);
    }
    fhs_fhirpath_run *run = status < FHIRSTORE_OK ? NULL : fhs_fhirpath_run_new(0);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (run == NULL) {
        return fhs_fail_memory(err);
    }
    const fhs_fhirpath_input input = {.resource = root,
                                      .variables = work->variables,
                                      .variable_count = work->variable_count,
                                      .hooks = &hooks,
                                      .max_steps = options->max_steps,
                                      .max_results = options->max_results};
    status = fhs_fhirpath_evaluate(work->path->inner, run, &input, &items, &count, err);
    if (status >= FHIRSTORE_OK) {
        fhs_fhirpath_write_result(work->path->fhir, items, count, out);
        status = fhs_buf_status(out) < FHIRSTORE_OK ? fhs_fail_plain(err, fhs_buf_status(out))
                                                    : FHIRSTORE_OK;
    }
    fhs_fhirpath_run_free(run);
    return status;
}

fhirstore_status fhirstore_fhirpath_evaluate(const fhirstore_fhirpath *path, const char *body,
                                             size_t body_len,
                                             const fhirstore_fhirpath_options *options,
                                             fhirstore_buf *buf_out, fhirstore_error **err_out)
{
    static const fhirstore_fhirpath_options defaults = FHIRSTORE_FHIRPATH_OPTIONS_INIT;
    fhirstore_fhirpath_options known;
    fhs_str text;
    fhs_api_begin(err_out);
    if (path == NULL || path->kind != FHS_KIND_FHIRPATH || buf_out == NULL ||
        !fhs_api_text(body, body_len, &text)) {
        return fhs_api_invalid(err_out, "path, body or buf_out");
    }
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, FHIRPATH_OPTIONS_V1_SIZE,
                                           options == NULL ? &defaults : options, err_out);
    if (status >= FHIRSTORE_OK && known.session != NULL) {
        status = fhs_session_enter(known.session, err_out);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    evaluation work = {.path = path, .session = known.session};
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_arena_init(&work.arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    status = evaluate(&work, &known, text, &out, err_out);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&out, buf_out);
    }
    fhs_buf_clear(&out);
    fhs_arena_clear(&work.arena);
    if (known.session != NULL) {
        fhs_session_leave(known.session);
    }
    return status;
}
