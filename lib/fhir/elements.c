/* SPDX-License-Identifier: Apache-2.0 */
#include "base/compiler.h"
#include "fhir/hash.h"
#include "fhir/tables.h"

/*
 * Each type has a perfect hash over all its member names, inherited ones included, so a look-up is
 * one slot, one row and one comparison, found or not. The comparison reuses the words that were
 * loaded for the hash.
 */
static inline const fhs_fhir_property_row *find_property_row(const fhs_fhir *fhir, fhs_type type,
                                                             fhs_str name)
{
    const fhs_fhir_type_row *row = &fhir->types[type];
    fhs_fhir_ends ends = fhs_fhir_ends_of(name.ptr, name.len);
    size_t slot = fhs_fhir_slot(fhs_fhir_hash(ends, name.len), row->seed, row->slot_bits);
    uint16_t index = fhir->property_slots[row->slots + slot];
    if (FHS_UNLIKELY(index == FHS_FHIR_NONE)) {
        return NULL;
    }
    const fhs_fhir_property_row *found = &fhir->properties[index];
    if (FHS_UNLIKELY(found->name_len != name.len) ||
        FHS_UNLIKELY(!fhs_fhir_same(name.ptr, ends, fhir->member_pool + found->name, name.len))) {
        return NULL;
    }
    return found;
}

bool fhs_property_find(const fhs_fhir *fhir, fhs_type type, fhs_str name, fhs_property *out)
{
    const fhs_fhir_property_row *row = find_property_row(fhir, type, name);
    if (row == NULL || row->type == FHS_TYPE_NONE) {
        return false;
    }
    *out = (fhs_property){row->owner, row->element, row->type, row->flags};
    return true;
}

size_t fhs_element_count(const fhs_fhir *fhir, fhs_type type)
{
    return fhir->types[type].element_count;
}

size_t fhs_element_required_count(const fhs_fhir *fhir, fhs_type type)
{
    return fhir->types[type].required;
}

fhs_element fhs_element_at(const fhs_fhir *fhir, fhs_type type, size_t index)
{
    const fhs_fhir_element_row *row = &fhir->elements[fhir->types[type].elements + index];
    return (fhs_element){
        .name = fhs_str_of(fhir->member_pool + row->name, row->name_len),
        .flags = row->flags,
        .min = row->min,
        .max = row->max,
        .type_count = row->type_count,
        .types = fhir->type_lists + row->types,
        .binding = row->binding,
        .index = (uint16_t)index,
    };
}

bool fhs_element_find(const fhs_fhir *fhir, fhs_type type, fhs_str name, fhs_element *out,
                      fhs_type *owner_out)
{
    const fhs_fhir_property_row *row = find_property_row(fhir, type, name);
    /* "valueQuantity" is a member of the element "value", not an element. */
    if (row == NULL || ((row->flags & FHS_ELEMENT_CHOICE) != 0 && row->type != FHS_TYPE_NONE)) {
        return false;
    }
    *out = fhs_element_at(fhir, row->owner, row->element);
    if (owner_out != NULL) {
        *owner_out = row->owner;
    }
    return true;
}
