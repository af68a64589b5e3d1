/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/hash.h"
#include "fhir/tables.h"

const fhs_fhir *fhs_fhir_get(fhs_fhir_version version)
{
    switch (version) {
    case FHS_FHIR_R4:
#ifdef FHS_FHIR_WITH_R4
        return &fhs_fhir_r4;
#else
        return NULL;
#endif
    case FHS_FHIR_R4B:
#ifdef FHS_FHIR_WITH_R4B
        return &fhs_fhir_r4b;
#else
        return NULL;
#endif
    case FHS_FHIR_R5:
#ifdef FHS_FHIR_WITH_R5
        return &fhs_fhir_r5;
#else
        return NULL;
#endif
    }
    return NULL;
}

fhs_fhir_version fhs_fhir_version_of(const fhs_fhir *fhir)
{
    return fhir->version;
}

fhs_str fhs_fhir_version_name(const fhs_fhir *fhir)
{
    return fhir->name;
}

fhs_str fhs_fhir_version_number(const fhs_fhir *fhir)
{
    return fhir->number;
}

size_t fhs_fhir_text_find(const fhs_fhir *fhir, const uint16_t *indexes, size_t count, fhs_str text)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = fhs_str_compare(fhs_fhir_text(fhir, indexes[middle]), text);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return count;
}

size_t fhs_type_count(const fhs_fhir *fhir)
{
    return fhir->type_count;
}

fhs_type fhs_type_find(const fhs_fhir *fhir, fhs_str name)
{
    size_t mask = ((size_t)1 << fhir->type_slot_bits) - 1;
    uint64_t hash = fhs_fhir_hash(fhs_fhir_ends_of(name.ptr, name.len), name.len);
    size_t slot = fhs_fhir_slot(hash, 0, fhir->type_slot_bits);
    while (fhir->type_slots[slot] != FHS_FHIR_NONE) {
        fhs_type type = fhir->type_slots[slot];
        if (fhs_str_eq(fhs_fhir_text(fhir, fhir->types[type].name), name)) {
            return type;
        }
        slot = (slot + 1) & mask;
    }
    return FHS_TYPE_NONE;
}

fhs_str fhs_type_name(const fhs_fhir *fhir, fhs_type type)
{
    return type < fhir->type_count ? fhs_fhir_text(fhir, fhir->types[type].name) : FHS_LIT("");
}

fhs_type_kind fhs_type_get_kind(const fhs_fhir *fhir, fhs_type type)
{
    return (fhs_type_kind)fhir->types[type].kind;
}

bool fhs_type_is_abstract(const fhs_fhir *fhir, fhs_type type)
{
    return fhir->types[type].abstract != 0;
}

fhs_type fhs_type_parent(const fhs_fhir *fhir, fhs_type type)
{
    return type < fhir->type_count ? fhir->types[type].parent : FHS_TYPE_NONE;
}

bool fhs_type_is_a(const fhs_fhir *fhir, fhs_type type, fhs_type ancestor)
{
    while (type != FHS_TYPE_NONE && type != ancestor) {
        type = fhir->types[type].parent;
    }
    return type != FHS_TYPE_NONE;
}

bool fhs_type_is_resource(const fhs_fhir *fhir, fhs_type type)
{
    return type < fhir->type_count && fhir->types[type].kind == FHS_KIND_RESOURCE &&
           fhir->types[type].abstract == 0;
}
