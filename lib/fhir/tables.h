/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of the tables that tools/gen-fhir writes. Everything is an index or an offset, so that
 * the tables need no relocation: 0xffff means "none", text 0 is the empty one, texts are sorted
 * by bytes so that comparing indexes compares texts. Fields are ordered as the generator writes.
 */
#ifndef FHS_FHIR_TABLES_H
#define FHS_FHIR_TABLES_H

#include "fhir/fhir.h"

#define FHS_FHIR_NONE UINT16_MAX

typedef struct fhs_fhir_type_row {
    uint32_t slots; /* its perfect hash: 1 << slot_bits entries of property_slots from here */
    uint16_t seed;
    uint16_t name;
    uint16_t parent;
    uint16_t elements; /* first of element_count */
    uint16_t element_count;
    uint16_t params; /* first in param_lists: own_params sorted by code, then inherited ones */
    uint16_t own_params;
    uint16_t param_count;
    uint8_t slot_bits;
    uint8_t kind;
    uint8_t abstract;
    uint8_t required; /* how many of its elements, inherited ones included, are required */
} fhs_fhir_type_row;

typedef struct fhs_fhir_element_row {
    uint16_t name; /* offset in member_pool */
    uint16_t max;
    uint16_t types; /* first in type_lists */
    uint16_t binding;
    uint8_t name_len;
    uint8_t flags;
    uint8_t min;
    uint8_t type_count;
} fhs_fhir_element_row;

/* A JSON member. One whose type is none is the bare name of a choice: an element, no member. */
typedef struct fhs_fhir_property_row {
    uint16_t name; /* offset in member_pool */
    fhs_type owner;
    fhs_type type;
    uint8_t name_len;
    uint8_t element;
    uint8_t flags;
} fhs_fhir_property_row;

typedef struct fhs_fhir_param_row {
    uint16_t code;
    uint16_t url;
    uint16_t expression;
    uint16_t bases;   /* first in type_lists */
    uint16_t targets; /* first in type_lists */
    uint16_t components;
    uint8_t base_count;
    uint8_t target_count;
    uint8_t component_count;
    uint8_t type;
} fhs_fhir_param_row;

typedef struct fhs_fhir_binding_row {
    uint16_t value_set;
    uint16_t codes; /* first in binding_codes, sorted */
    uint16_t code_count;
    uint16_t systems; /* first in binding_systems, beside the codes; none: the single system */
    uint16_t system;
    uint8_t open; /* there are codes that are not listed */
} fhs_fhir_binding_row;

/* Sorted by compartment, then type. */
typedef struct fhs_fhir_compartment_row {
    fhs_type type;
    uint16_t codes; /* first in compartment_codes */
    uint8_t compartment;
    uint8_t code_count;
} fhs_fhir_compartment_row;

/* Sorted by type; what the type itself demands stands before what its elements demand. */
typedef struct fhs_fhir_invariant_row {
    fhs_type type;
    uint16_t key;
    uint16_t expression;
    uint16_t human;
    uint8_t element; /* of the type, or FHS_FHIR_NO_ELEMENT */
    uint8_t warning; /* no error */
} fhs_fhir_invariant_row;

#define FHS_FHIR_NO_ELEMENT UINT8_MAX

/* What an element of type Reference may point to, sorted by element. One without a row: anything.
 */
typedef struct fhs_fhir_target_row {
    uint16_t element; /* index in elements */
    uint16_t types;   /* first in type_lists */
    uint8_t count;
} fhs_fhir_target_row;

/* Parameters beside those of the tables (overlay.c). Their numbers begin at param_count. */
typedef struct fhs_fhir_extra {
    const fhs_fhir *base;
    size_t count;
    const fhs_sparam_def *defs;
    /* By type: all parameters that apply, those of the tables first; NULL: only those. */
    const fhs_sparam *const *lists;
    const uint16_t *list_counts;
} fhs_fhir_extra;

struct fhs_fhir {
    fhs_fhir_version version;
    fhs_str name;
    fhs_str number;
    uint16_t type_count;
    uint16_t param_count;
    uint16_t system_count;
    uint16_t binding_count;
    uint16_t compartment_count;
    uint16_t invariant_count;
    uint16_t target_count;
    uint16_t code_system_count;
    uint16_t value_set_count;
    uint8_t type_slot_bits;
    const char *member_pool;
    const char *text_pool;
    const uint32_t *text_at;
    const uint16_t *text_len;
    const fhs_fhir_type_row *types; /* sorted by name */
    const uint16_t *type_slots;     /* open addressing by name */
    const fhs_fhir_element_row *elements;
    const fhs_fhir_property_row *properties;
    const uint16_t *property_slots;
    const fhs_type *type_lists;
    const fhs_fhir_param_row *params; /* sorted by URL */
    const fhs_sparam *param_lists;
    const fhs_sparam_component *components;
    const fhs_fhir_compartment_row *compartments;
    const fhs_str *compartment_codes;
    const fhs_fhir_binding_row *bindings;
    const uint16_t *binding_codes;
    const uint16_t *binding_systems;
    const fhs_fhir_invariant_row *invariants;
    const fhs_fhir_target_row *targets;
    const uint16_t *systems; /* case-sensitive code systems, sorted */
    /*
     * Code systems, then value sets, each sorted by url, as compressed JSON: symbols of twelve
     * bits, two in three bytes. One below 256 is a byte, one above stands for a pair of others.
     */
    const uint16_t *term_pairs;
    const uint32_t *term_at; /* first symbol of each, and the end of the last */
    const uint8_t *term_bytes;
    const fhs_fhir_extra *extra; /* NULL in the tables */
};

extern const fhs_fhir fhs_fhir_r4;
extern const fhs_fhir fhs_fhir_r4b;
extern const fhs_fhir fhs_fhir_r5;

static inline fhs_str fhs_fhir_text(const fhs_fhir *fhir, uint16_t index)
{
    return fhs_str_of(fhir->text_pool + fhir->text_at[index], fhir->text_len[index]);
}

/* Where @a text stands among @a count sorted text indexes; @a count when absent. */
size_t fhs_fhir_text_find(const fhs_fhir *fhir, const uint16_t *indexes, size_t count,
                          fhs_str text);

#endif
