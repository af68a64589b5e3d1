/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants, and what references may point to. */
#include "fhir/tables.h"

size_t fhs_invariant_count(const fhs_fhir *fhir)
{
    return fhir->invariant_count;
}

fhs_invariant fhs_invariant_at(const fhs_fhir *fhir, size_t index)
{
    const fhs_fhir_invariant_row *row = &fhir->invariants[index];
    return (fhs_invariant){
        .key = fhs_fhir_text(fhir, row->key),
        .expression = fhs_fhir_text(fhir, row->expression),
        .human = fhs_fhir_text(fhir, row->human),
        .is_warning = row->warning != 0,
    };
}

/* Rows are in this order; the type itself comes before its elements. */
static uint32_t order_of_row(fhs_type type, size_t element)
{
    return (uint32_t)type << 16 | (element == FHS_ELEMENT_NONE ? 0 : (uint32_t)element + 1);
}

static uint32_t invariant_order(const fhs_fhir_invariant_row *row)
{
    return order_of_row(row->type,
                        row->element == FHS_FHIR_NO_ELEMENT ? FHS_ELEMENT_NONE : row->element);
}

size_t fhs_invariants_of(const fhs_fhir *fhir, fhs_type type, size_t element, size_t *first_out)
{
    const uint32_t wanted = order_of_row(type, element);
    size_t low = 0;
    size_t high = fhir->invariant_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (invariant_order(&fhir->invariants[middle]) < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *first_out = low;
    while (high < fhir->invariant_count && invariant_order(&fhir->invariants[high]) == wanted) {
        high++;
    }
    return high - low;
}

size_t fhs_element_targets(const fhs_fhir *fhir, fhs_type owner, size_t element,
                           const fhs_type **types_out)
{
    const size_t wanted = fhir->types[owner].elements + element;
    size_t low = 0;
    size_t high = fhir->target_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fhir->targets[middle].element < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == fhir->target_count || fhir->targets[low].element != wanted) {
        *types_out = NULL;
        return 0;
    }
    *types_out = fhir->type_lists + fhir->targets[low].types;
    return fhir->targets[low].count;
}
