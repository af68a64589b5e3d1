/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants: compiled once, evaluated where they stand. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "base/mem.h"
#include "validation/validation_internal.h"

struct fhs_invariants {
    const fhs_fhir *fhir;
    size_t count;
    pthread_mutex_t lock;               /* of those who compile */
    _Atomic(fhs_fhirpath *) programs[]; /* NULL: not asked for yet */
};

fhs_invariants *fhs_invariants_new(const fhs_fhir *fhir)
{
    size_t count = fhs_invariant_count(fhir);
    fhs_invariants *made = fhs_calloc(1, sizeof *made + count * sizeof made->programs[0]);
    if (made == NULL || pthread_mutex_init(&made->lock, NULL) != 0) {
        fhs_free(made);
        return NULL;
    }
    made->fhir = fhir;
    made->count = count;
    for (size_t i = 0; i < count; i++) {
        atomic_init(&made->programs[i], NULL);
    }
    return made;
}

void fhs_invariants_free(fhs_invariants *invariants)
{
    if (invariants == NULL) {
        return;
    }
    for (size_t i = 0; i < invariants->count; i++) {
        fhs_fhirpath_free(atomic_load(&invariants->programs[i]));
    }
    (void)pthread_mutex_destroy(&invariants->lock);
    fhs_free(invariants);
}

fhirstore_status fhs_invariants_get(fhs_invariants *invariants, size_t index,
                                    const fhs_fhirpath **out, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_fhirpath *program = atomic_load_explicit(&invariants->programs[index],
                                                 memory_order_acquire);
    if (program == NULL) {
        const fhs_fhirpath_options options = {.fhir = invariants->fhir,
                                              .context_type = FHS_TYPE_NONE};
        (void)pthread_mutex_lock(&invariants->lock);
        program = atomic_load_explicit(&invariants->programs[index], memory_order_acquire);
        if (program == NULL) {
            status = fhs_fhirpath_compile(
                &options, fhs_invariant_at(invariants->fhir, index).expression, &program, err);
            atomic_store_explicit(&invariants->programs[index], program, memory_order_release);
        }
        (void)pthread_mutex_unlock(&invariants->lock);
    }
    *out = program;
    return status;
}

void fhs_check_hindered(fhs_check *check, fhirstore_status status)
{
    check->status = status;
    check->is_full = true;
}

/* As HL7's own validator reads results: true, or something that is not a truth value. */
static bool is_satisfied(const fhs_fp_item *items, size_t count)
{
    const fhs_fp_item *item = items;
    if (count != 1) {
        return count > 1;
    }
    if (item->kind == FHS_ITEM_BOOLEAN) {
        return item->boolean;
    }
    return item->kind != FHS_ITEM_NODE || item->node.json == NULL ||
           item->node.json->type != FHS_JSON_FALSE;
}

/* What stopped an evaluation: the resource, or something that has nothing to do with it? */
static bool is_about_resource(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_FHIRPATH_EVAL || status == FHIRSTORE_ERR_LIMIT;
}

/* The invariant on @a item; counts what it took. */
static fhirstore_status run_invariant(fhs_check *check, size_t index, const fhs_fp_item *item,
                                      bool *satisfied_out, fhirstore_error **why)
{
    fhs_full_state *state = check->state;
    const uint64_t most = FHS_LIMIT_FHIRPATH_STEPS;
    const fhs_fhirpath_input input = {
        .resource = state->resource,
        .root = state->root,
        .context = item,
        .hooks = &state->hooks,
        .max_steps = state->steps < most ? state->steps : most,
    };
    const fhs_fhirpath *program = NULL;
    const fhs_fp_item *items = NULL;
    size_t count = 0;
    fhirstore_status status = fhs_invariants_get(check->full->invariants, index, &program, why);
    if (status >= FHIRSTORE_OK) {
        status = fhs_fhirpath_evaluate(program, check->full->run, &input, &items, &count, why);
        state->steps -= input.max_steps - fhs_fhirpath_steps_left(check->full->run);
    }
    *satisfied_out = status >= FHIRSTORE_OK && is_satisfied(items, count);
    return status;
}

/* What has nothing to do with the resource: the reason is the check's. */
static void give_up(fhs_check *check, fhirstore_status status, fhirstore_error *why)
{
    fhs_check_hindered(check, status);
    if (check->state->err != NULL) {
        fhs_error_free(*check->state->err);
        *check->state->err = why;
    } else {
        fhs_error_free(why);
    }
}

static void evaluate_invariant(fhs_check *check, const fhs_place *at, size_t index,
                               const fhs_fp_item *item)
{
    const fhs_invariant invariant = fhs_invariant_at(check->fhir, index);
    const fhs_severity severity = invariant.is_warning ? FHS_SEVERITY_WARNING : FHS_SEVERITY_ERROR;
    fhirstore_error *why = NULL;
    bool is_good = false;
    if (invariant.is_warning && check->full->errors_only) {
        return;
    }
    fhirstore_status status = run_invariant(check, index, item, &is_good, &why);
    if (status < FHIRSTORE_OK && !is_about_resource(status)) {
        give_up(check, status, why);
        return;
    }
    fhs_error_free(why);
    if (check->state->steps == 0) {
        fhs_check_issue(check, at, FHS_SEVERITY_ERROR, "too-costly",
                        "the invariants exceed FHS_LIMIT_VALIDATION_STEPS: not all were looked at");
        check->is_full = true;
    } else if (!is_good) {
        fhs_check_issue(
            check, at, severity, "invariant", "%.*s%s: %.*s", FHS_STR_ARG(invariant.key),
            status < FHIRSTORE_OK ? " cannot be decided" : "", FHS_STR_ARG(invariant.human));
    }
}

static void evaluate_all(fhs_check *check, const fhs_place *at, fhs_type type, size_t element,
                         const fhs_fp_item *item)
{
    size_t first;
    size_t count = fhs_invariants_of(check->fhir, type, element, &first);
    for (size_t i = 0; i < count && !check->is_full; i++) {
        evaluate_invariant(check, at, first + i, item);
    }
}

/* ---- profiles ---- */

fhs_profile_fit fhs_validation_profile(const fhs_fhir *fhir, fhs_type type, fhs_str url)
{
    static const fhs_str base = FHS_LIT_INIT("http://hl7.org/fhir/StructureDefinition/");
    size_t bar = fhs_str_find_char(url, '|', 0);
    url.len = bar < url.len ? bar : url.len;
    if (!fhs_str_starts_with(url, base)) {
        return FHS_PROFILE_UNKNOWN;
    }
    fhs_type named = fhs_type_find(fhir, fhs_str_from(url, base.len));
    if (named == FHS_TYPE_NONE || fhs_type_get_kind(fhir, named) == FHS_KIND_BACKBONE) {
        return FHS_PROFILE_UNKNOWN;
    }
    return fhs_type_is_a(fhir, type, named) ? FHS_PROFILE_HOLDS : FHS_PROFILE_OF_OTHER_TYPE;
}

/* meta.profile, which promises more than is checked here. */
static void check_claim(fhs_check *check, const fhs_place *at, const fhs_json *value)
{
    const fhs_fhir *fhir = check->fhir;
    fhs_str name;
    if (!fhs_str_eq(at->name, FHS_LIT("profile")) || value->type != FHS_JSON_STRING ||
        at->property->owner != fhs_type_find(fhir, FHS_LIT("Meta")) ||
        !fhs_json_get_string(check->state->resource, FHS_LIT("resourceType"), &name)) {
        return;
    }
    switch (fhs_validation_profile(fhir, fhs_type_find(fhir, name), value->text)) {
    case FHS_PROFILE_HOLDS:
        return;
    case FHS_PROFILE_OF_OTHER_TYPE:
        fhs_check_issue(check, at, FHS_SEVERITY_ERROR, "invalid",
                        "the resource claims to be of another type");
        return;
    case FHS_PROFILE_UNKNOWN:
        fhs_check_issue(check, at, FHS_SEVERITY_WARNING, "not-supported",
                        "the profile is not known here: whether the resource conforms to it was "
                        "not checked");
        return;
    }
}

void fhs_check_full(fhs_check *check, const fhs_place *at, fhs_type type, const fhs_json *value)
{
    const fhs_fp_item item = {.kind = FHS_ITEM_NODE, .type = type, .node = {value, NULL}};
    if (check->is_full) {
        return;
    }
    if (type == check->reference) {
        fhs_check_reference(check, at, value);
    }
    if (check->is_presence_only) {
        return;
    }
    if (at->property != NULL) {
        check_claim(check, at, value);
        evaluate_all(check, at, at->property->owner, at->property->element, &item);
    }
    for (; type != FHS_TYPE_NONE; type = fhs_type_parent(check->fhir, type)) {
        evaluate_all(check, at, type, FHS_ELEMENT_NONE, &item);
    }
}
