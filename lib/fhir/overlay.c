/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions with search parameters beside FHIR's own: a copy of the table's head, and lists. */
#include "fhir/tables.h"

bool fhs_sparam_has_extra(const fhs_fhir *fhir, fhs_type type)
{
    return fhir->extra != NULL && type < fhir->type_count && fhir->extra->lists[type] != NULL;
}

size_t fhs_sparam_extra_count(const fhs_fhir *fhir)
{
    return fhir->extra == NULL ? 0 : fhir->extra->count;
}

static bool applies_to(const fhs_fhir *fhir, const fhs_sparam_def *def, fhs_type type)
{
    for (size_t i = 0; i < def->base_count; i++) {
        if (fhs_type_is_a(fhir, type, def->bases[i])) {
            return true;
        }
    }
    return false;
}

/* The parameters of one resource type; *list_out stays NULL when no extra one applies. */
static bool list_all(const fhs_fhir *base, fhs_arena *arena, const fhs_sparam_def *defs,
                     size_t count, fhs_type type, const fhs_sparam **list_out, uint16_t *count_out)
{
    const fhs_sparam *own;
    size_t own_count = fhs_sparam_list(base, type, &own);
    size_t more = 0;
    for (size_t i = 0; i < count; i++) {
        more += applies_to(base, &defs[i], type) ? 1 : 0;
    }
    if (more == 0) {
        return true;
    }
    fhs_sparam *list = fhs_arena_alloc(arena, (own_count + more) * sizeof *list);
    if (list == NULL) {
        return false;
    }
    if (own_count > 0) {
        memcpy(list, own, own_count * sizeof *list);
    }
    size_t at = own_count;
    for (size_t i = 0; i < count; i++) {
        if (applies_to(base, &defs[i], type)) {
            list[at++] = (fhs_sparam)(base->param_count + i);
        }
    }
    *list_out = list;
    *count_out = (uint16_t)at;
    return true;
}

const fhs_fhir *fhs_fhir_extend(const fhs_fhir *base, fhs_arena *arena, const fhs_sparam_def *defs,
                                size_t count)
{
    if (count >= (size_t)FHS_SPARAM_NONE - base->param_count) {
        return NULL;
    }
    fhs_fhir *fhir = fhs_arena_alloc(arena, sizeof *fhir);
    fhs_fhir_extra *extra = fhs_arena_alloc(arena, sizeof *extra);
    const fhs_sparam **lists = fhs_arena_calloc(arena, base->type_count, sizeof *lists);
    uint16_t *counts = fhs_arena_calloc(arena, base->type_count, sizeof *counts);
    if (fhir == NULL || extra == NULL || lists == NULL || counts == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < base->type_count; i++) {
        if (base->types[i].kind == FHS_KIND_RESOURCE &&
            !list_all(base, arena, defs, count, (fhs_type)i, &lists[i], &counts[i])) {
            return NULL;
        }
    }
    *extra = (fhs_fhir_extra){base, count, defs, lists, counts};
    *fhir = *base;
    fhir->extra = extra;
    return fhir;
}
