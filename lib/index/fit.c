/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does an expression suit its parameter? It must compile, and where the trie can follow it, it must
 * lead somewhere on each base, and to some value that a parameter of its type can hold.
 */
#include <stdio.h>

#include "base/mem.h"
#include "fhirpath/fhirpath.h"
#include "index/compile.h"
#include "index/custom.h"

#define FIT_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define BIT(shape)    (UINT32_C(1) << (FHS_SHAPE_##shape))

#define PRIMITIVES \
    (BIT(BOOLEAN) | BIT(NUMBER) | BIT(STRING) | BIT(CODE) | BIT(URI) | BIT(DATE) | BIT(EXTENSION))

/* Shapes that each type of parameter takes something from; see convert.c. */
static const uint32_t fitting_shapes[] = {
    [FHS_SP_NUMBER] = BIT(NUMBER) | BIT(QUANTITY) | BIT(MONEY) | BIT(RANGE) | BIT(EXTENSION),
    [FHS_SP_DATE] = BIT(DATE) | BIT(STRING) | BIT(PERIOD) | BIT(TIMING) | BIT(EXTENSION),
    [FHS_SP_STRING] = PRIMITIVES | BIT(HUMAN_NAME) | BIT(ADDRESS) | BIT(CONCEPT) |
                      BIT(CODEABLE_REFERENCE) | BIT(CODING) | BIT(REFERENCE) | BIT(ANNOTATION) |
                      BIT(CONTACT) | BIT(IDENTIFIER) | BIT(ATTACHMENT) | BIT(NARRATIVE),
    [FHS_SP_TOKEN] = PRIMITIVES | BIT(CODING) | BIT(CONCEPT) | BIT(CODEABLE_REFERENCE) |
                     BIT(IDENTIFIER) | BIT(CONTACT) | BIT(QUANTITY) | BIT(REFERENCE),
    [FHS_SP_REFERENCE] = BIT(REFERENCE) | BIT(CODEABLE_REFERENCE) | BIT(ATTACHMENT) |
                         BIT(RESOURCE) | BIT(URI) | BIT(STRING) | BIT(EXTENSION),
    [FHS_SP_COMPOSITE] = UINT32_MAX,
    [FHS_SP_QUANTITY] = BIT(NUMBER) | BIT(QUANTITY) | BIT(MONEY) | BIT(RANGE) | BIT(SAMPLED) |
                        BIT(EXTENSION),
    [FHS_SP_URI] = BIT(URI) | BIT(STRING) | BIT(CODE) | BIT(ATTACHMENT) | BIT(REFERENCE) |
                   BIT(EXTENSION),
    [FHS_SP_SPECIAL] = UINT32_MAX,
};

typedef struct fitting {
    const fhs_fhir *fhir;
    const fhs_custom *custom;
    const uint8_t *shapes;
    fhs_arena scratch;
    fhirstore_error **err;
} fitting;

typedef enum fit_result {
    FIT_NOTHING,    /* leads nowhere */
    FIT_OTHER_TYPE, /* leads to values of other types only */
    FIT_OK,         /* or it cannot be told before it is evaluated */
    FIT_NO_MEMORY,
} fit_result;

/* ---- compiling ---- */

/* Tell what is wrong with an expression as a fault of the resource. */
static fhirstore_status refuse_expression(const fitting *fit, const char *element,
                                          fhirstore_status status, const fhirstore_error *reason)
{
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        return fhs_fail_memory(fit->err);
    }
    status = fhs_fail(fit->err, FHIRSTORE_ERR_INVARIANT, "%s: %s", element,
                      fhs_error_message(reason));
    fhs_error_expression(fit->err, fhs_str_from_cstr(element));
    fhs_error_code(fit->err, "invalid");
    return status;
}

static fhirstore_status compile_alone(const fitting *fit, const char *element, fhs_str text,
                                      fhs_type context)
{
    fhs_fhirpath_options options = {.fhir = fit->fhir, .context_type = context};
    fhs_fhirpath *path = NULL;
    fhirstore_error *reason = NULL;
    fhirstore_status status = fhs_fhirpath_compile(&options, text, &path, &reason);
    fhs_fhirpath_free(path);
    if (status != FHIRSTORE_OK) {
        status = refuse_expression(fit, element, status, reason);
    }
    fhs_error_free(reason);
    return status;
}

static fhirstore_status compile_every(const fitting *fit)
{
    char element[64];
    const fhs_custom *custom = fit->custom;
    fhirstore_status status = FHIRSTORE_OK;
    if (custom->def.expression.len > 0) {
        status = compile_alone(fit, "SearchParameter.expression", custom->def.expression,
                               FHS_TYPE_NONE);
    }
    for (size_t i = 0;
         i < custom->def.base_count && status == FHIRSTORE_OK && custom->def.expression.len > 0;
         i++) {
        if (!fhs_type_is_abstract(fit->fhir, custom->def.bases[i])) {
            status = compile_alone(fit, "SearchParameter.expression", custom->def.expression,
                                   custom->def.bases[i]);
        }
    }
    for (size_t i = 0; i < custom->def.component_count && status == FHIRSTORE_OK; i++) {
        (void)snprintf(element, sizeof element, "SearchParameter.component[%zu].expression", i);
        status = compile_alone(fit, element, custom->parts[i].expression, FHS_TYPE_NONE);
    }
    return status;
}

/* ---- following ---- */

static fit_result of_ends(const fitting *fit, const fhs_cursors *ends, uint8_t kind)
{
    for (size_t i = 0; i < ends->count; i++) {
        if ((fitting_shapes[kind] >> fit->shapes[ends->items[i]->type] & 1) != 0) {
            return FIT_OK;
        }
    }
    return ends->count == 0 ? FIT_NOTHING : FIT_OTHER_TYPE;
}

static fit_result follow(fitting *fit, fhs_program *program, fhs_type type)
{
    const fhs_fp_node *expression = NULL;
    fhs_cursors focus = {NULL, 0, 0};
    fhs_cursors ends = {NULL, 0, 0};
    const fhs_sparam_def *def = &fit->custom->def;
    fhs_compiler compiler = {.fhir = fit->fhir,
                             .program = program,
                             .scratch = &fit->scratch,
                             .text = def->expression,
                             .is_positional = true};
    program->type = type;
    program->root = fhs_pnode_new(&program->arena, type, UINT16_MAX);
    if (program->root == NULL ||
        fhs_fhirpath_parse(&fit->scratch, def->expression, &expression, NULL) != FHIRSTORE_OK ||
        !fhs_cursors_add(&compiler, &focus, program->root)) {
        return FIT_NO_MEMORY;
    }
    if (fhs_is_condition(expression)) {
        return def->type == FHS_SP_TOKEN || def->type == FHS_SP_STRING ? FIT_OK : FIT_OTHER_TYPE;
    }
    switch (fhs_compile_path(&compiler, expression, &focus, program->root, &ends)) {
    case FHS_COMPILED:
        return of_ends(fit, &ends, def->type);
    case FHS_COMPILE_NO_MEMORY:
        return compiler.is_too_wide ? FIT_OK : FIT_NO_MEMORY;
    case FHS_NEEDS_ENGINE:
        break;
    }
    return FIT_OK;
}

static fit_result follow_from(fitting *fit, fhs_type type)
{
    fhs_program *program = fhs_calloc(1, sizeof *program);
    if (program == NULL) {
        return FIT_NO_MEMORY;
    }
    fhs_arena_init(&program->arena, FIT_BYTES_MAX);
    fit_result result = follow(fit, program, type);
    fhs_arena_reset(&fit->scratch);
    fhs_program_free(program);
    return result;
}

/* A base that is abstract suits when one of its types does. */
static fit_result fit_base(fitting *fit, fhs_type base)
{
    fit_result best = FIT_NOTHING;
    if (!fhs_type_is_abstract(fit->fhir, base)) {
        return follow_from(fit, base);
    }
    for (size_t i = 0; i < fhs_type_count(fit->fhir) && best < FIT_OK; i++) {
        if (fhs_type_is_resource(fit->fhir, (fhs_type)i) &&
            fhs_type_is_a(fit->fhir, (fhs_type)i, base)) {
            fit_result result = follow_from(fit, (fhs_type)i);
            best = result > best ? result : best;
        }
    }
    return best;
}

static fhirstore_status fit_bases(fitting *fit)
{
    const fhs_sparam_def *def = &fit->custom->def;
    for (size_t i = 0; i < def->base_count; i++) {
        fhs_str name = fhs_type_name(fit->fhir, def->bases[i]);
        fit_result result = fit_base(fit, def->bases[i]);
        if (result == FIT_NO_MEMORY) {
            return fhs_fail_memory(fit->err);
        }
        if (result == FIT_OK) {
            continue;
        }
        fhirstore_status status;
        if (result == FIT_NOTHING) {
            status = fhs_fail(fit->err, FHIRSTORE_ERR_INVARIANT,
                              "SearchParameter.expression finds nothing in %.*s, which is one of "
                              "its bases",
                              FHS_STR_ARG(name));
            fhs_error_expression(fit->err, FHS_LIT("SearchParameter.expression"));
        } else {
            fhs_str type = fhs_sparam_type_name((fhs_sparam_type)def->type);
            status = fhs_fail(fit->err, FHIRSTORE_ERR_INVARIANT,
                              "SearchParameter.type is %.*s, and nothing that the expression finds "
                              "in %.*s can be one",
                              FHS_STR_ARG(type), FHS_STR_ARG(name));
            fhs_error_expression(fit->err, FHS_LIT("SearchParameter.type"));
        }
        fhs_error_code(fit->err, "business-rule");
        return status;
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_custom_check_fit(const fhs_fhir *fhir, const fhs_custom *custom,
                                      fhirstore_error **err)
{
    fitting fit = {.fhir = fhir, .custom = custom, .err = err};
    fhirstore_status status = compile_every(&fit);
    if (status != FHIRSTORE_OK || !custom->is_active) {
        return status;
    }
    uint8_t *shapes = fhs_shapes_new(fhir);
    if (shapes == NULL) {
        return fhs_fail_memory(err);
    }
    fit.shapes = shapes;
    fhs_arena_init(&fit.scratch, FIT_BYTES_MAX);
    status = fit_bases(&fit);
    fhs_arena_clear(&fit.scratch);
    fhs_free(shapes);
    return status;
}
