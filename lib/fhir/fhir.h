/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What FHIR itself says: types, elements, search parameters, compartments, for each version that
 * is built in. The tables under gen/ are static const, written by tools/gen-fhir from the official
 * packages; this header is the only way to read them. Nothing here allocates or fails, but for
 * fhs_fhir_extend(), which adds search parameters of a store.
 *
 * Types and parameters are small integers, dense from 0, valid for one fhs_fhir only. Backbone
 * elements are types of their own, named by their path ("Patient.contact").
 */
#ifndef FHS_FHIR_FHIR_H
#define FHS_FHIR_FHIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

typedef enum fhs_fhir_version {
    FHS_FHIR_R4 = 1,
    FHS_FHIR_R4B = 2,
    FHS_FHIR_R5 = 3,
} fhs_fhir_version;

/* One version's definitions. Immutable, static. */
typedef struct fhs_fhir fhs_fhir;

typedef uint16_t fhs_type;   /* index of a type */
typedef uint16_t fhs_sparam; /* index of a search parameter */
#define FHS_TYPE_NONE   UINT16_MAX
#define FHS_SPARAM_NONE UINT16_MAX

/* NULL when that version was left out of the build. */
const fhs_fhir *fhs_fhir_get(fhs_fhir_version version);
fhs_fhir_version fhs_fhir_version_of(const fhs_fhir *fhir);
fhs_str fhs_fhir_version_name(const fhs_fhir *fhir);   /* "R4" */
fhs_str fhs_fhir_version_number(const fhs_fhir *fhir); /* "4.0.1" */

/* ---- types ---- */

typedef enum fhs_type_kind {
    FHS_KIND_PRIMITIVE,
    FHS_KIND_COMPLEX,  /* data types, and Element, BackboneElement */
    FHS_KIND_BACKBONE, /* an element with children of its own */
    FHS_KIND_RESOURCE,
    FHS_KIND_LOGICAL, /* anything else the package defines */
} fhs_type_kind;

size_t fhs_type_count(const fhs_fhir *fhir);
/* FHS_TYPE_NONE when unknown. Names are case-sensitive. */
fhs_type fhs_type_find(const fhs_fhir *fhir, fhs_str name);
/* Empty for FHS_TYPE_NONE, which is also what a damaged store's numbers come to. */
fhs_str fhs_type_name(const fhs_fhir *fhir, fhs_type type);
fhs_type_kind fhs_type_get_kind(const fhs_fhir *fhir, fhs_type type);
bool fhs_type_is_abstract(const fhs_fhir *fhir, fhs_type type);
/* The parent ("DomainResource" of "Patient", "string" of "code"), or FHS_TYPE_NONE. */
fhs_type fhs_type_parent(const fhs_fhir *fhir, fhs_type type);
/* Whether @a type is @a ancestor or derives from it. */
bool fhs_type_is_a(const fhs_fhir *fhir, fhs_type type, fhs_type ancestor);
/* A resource type that can be stored: not abstract. */
bool fhs_type_is_resource(const fhs_fhir *fhir, fhs_type type);

/* ---- elements ---- */

enum {
    FHS_ELEMENT_CHOICE = 1, /* value[x] */
    FHS_ELEMENT_SUMMARY = 2,
    FHS_ELEMENT_MODIFIER = 4,
    FHS_ELEMENT_LIST = 8,      /* max is above 1: a JSON array */
    FHS_ELEMENT_REQUIRED = 16, /* min is at least 1 */
    FHS_ELEMENT_ATTRIBUTE =
        32, /* id, url of Extension, div of Narrative: a plain value, no "_" sibling for id/url */
};

/* An element as its type defines it ("value[x]" once, under the name "value"). Borrowed, static. */
typedef struct fhs_element {
    fhs_str name; /* without [x] */
    uint16_t flags;
    uint16_t min;
    uint16_t max; /* UINT16_MAX: * */
    uint16_t type_count;
    const fhs_type *types; /* allowed types; a backbone or content reference gives that one type */
    uint16_t binding;      /* required binding: index for fhs_binding_*, or UINT16_MAX */
    uint16_t index;        /* position among the elements of the type that defines it */
} fhs_element;

/* One JSON member that a type allows: "valueQuantity" → element value, type Quantity. */
typedef struct fhs_property {
    fhs_type owner;   /* the type that defines the element: @a type itself or an ancestor */
    uint16_t element; /* for fhs_element_at(owner) */
    fhs_type type;    /* what the value is; Resource (abstract) for contained and the like */
    uint16_t flags;   /* of the element */
} fhs_property;

/*
 * Find the JSON member @a name ("_birthDate" is asked for as "birthDate") in @a type or its
 * ancestors. False when there is none. This is the hot path of validation and extraction.
 */
bool fhs_property_find(const fhs_fhir *fhir, fhs_type type, fhs_str name, fhs_property *out);
/* Elements that @a type itself defines (not its ancestors'). */
size_t fhs_element_count(const fhs_fhir *fhir, fhs_type type);
/* How many elements of @a type, its ancestors' included, have FHS_ELEMENT_REQUIRED. */
size_t fhs_element_required_count(const fhs_fhir *fhir, fhs_type type);
fhs_element fhs_element_at(const fhs_fhir *fhir, fhs_type type, size_t index);
/* The element called @a name ("value" for value[x]) in @a type or an ancestor; *owner_out may be
 * NULL. */
bool fhs_element_find(const fhs_fhir *fhir, fhs_type type, fhs_str name, fhs_element *out,
                      fhs_type *owner_out);

/* ---- required bindings ---- */

/* Whether @a code is in the value set of the binding. True also where its codes are not enumerated
 * here. */
bool fhs_binding_has_code(const fhs_fhir *fhir, uint16_t binding, fhs_str code);
/* The system the binding implies for @a code, or an empty view when it is not known or not one. */
fhs_str fhs_binding_system(const fhs_fhir *fhir, uint16_t binding, fhs_str code);
fhs_str fhs_binding_value_set(const fhs_fhir *fhir, uint16_t binding);

/* ---- invariants ---- */

typedef struct fhs_invariant {
    fhs_str key;        /* "pat-1" */
    fhs_str expression; /* FHIRPath, true where the context satisfies it; never empty */
    fhs_str human;      /* what it demands, in English */
    bool is_warning;    /* not an error */
} fhs_invariant;

#define FHS_ELEMENT_NONE SIZE_MAX

size_t fhs_invariant_count(const fhs_fhir *fhir);
fhs_invariant fhs_invariant_at(const fhs_fhir *fhir, size_t index);
/*
 * How many invariants @a type states for its values (FHS_ELEMENT_NONE), or for those of its element
 * @a element beyond what their own type states; what ancestors state is not among them. They are
 * @a first_out and those behind it. What the walk over the structure sees is left out.
 */
size_t fhs_invariants_of(const fhs_fhir *fhir, fhs_type type, size_t element, size_t *first_out);

/* The resource types that references of an element may point to, sorted; 0: any. */
size_t fhs_element_targets(const fhs_fhir *fhir, fhs_type owner, size_t element,
                           const fhs_type **types_out);

/* Whether the definitions say that codes of @a system are case-sensitive. */
bool fhs_system_is_case_sensitive(const fhs_fhir *fhir, fhs_str system);

/* ---- code systems and value sets ---- */

typedef enum fhs_defined_kind {
    FHS_DEFINED_CODE_SYSTEM,
    FHS_DEFINED_VALUE_SET,
} fhs_defined_kind;

size_t fhs_defined_count(const fhs_fhir *fhir, fhs_defined_kind kind);
/* The one with this url (without "|version"), or fhs_defined_count(). */
size_t fhs_defined_find(const fhs_fhir *fhir, fhs_defined_kind kind, fhs_str url);
/*
 * Append it as JSON: url, version, content, caseSensitive, hierarchyMeaning and concepts of a code
 * system, url, version and compose of a value set. Displays are there for FHIR's own code systems.
 */
void fhs_defined_write(const fhs_fhir *fhir, fhs_defined_kind kind, size_t index, fhs_buf *out);

/* ---- search parameters ---- */

typedef enum fhs_sparam_type {
    FHS_SP_NUMBER,
    FHS_SP_DATE,
    FHS_SP_STRING,
    FHS_SP_TOKEN,
    FHS_SP_REFERENCE,
    FHS_SP_COMPOSITE,
    FHS_SP_QUANTITY,
    FHS_SP_URI,
    FHS_SP_SPECIAL,
} fhs_sparam_type;

typedef struct fhs_sparam_component {
    fhs_sparam param;   /* the component's definition */
    fhs_str expression; /* relative to the composite's expression */
} fhs_sparam_component;

typedef struct fhs_sparam_def {
    fhs_str code;
    fhs_str url;
    fhs_str expression; /* FHIRPath as published (mended where the tables say so); empty: none */
    uint8_t type;       /* fhs_sparam_type */
    uint16_t base_count;
    const fhs_type *bases; /* resource types, "Resource" and "DomainResource" included */
    uint16_t target_count;
    const fhs_type *targets; /* reference: allowed target types */
    uint16_t component_count;
    const fhs_sparam_component *components;
} fhs_sparam_def;

/* Of FHIR's own parameters; numbers from there on are those of fhs_fhir_extend(). */
size_t fhs_sparam_count(const fhs_fhir *fhir);
fhs_sparam_def fhs_sparam_get(const fhs_fhir *fhir, fhs_sparam param);
/* The parameter @a code of resource type @a type, those of its ancestors (_id, _text …) included.
 */
fhs_sparam fhs_sparam_find(const fhs_fhir *fhir, fhs_type type, fhs_str code);
fhs_sparam fhs_sparam_find_url(const fhs_fhir *fhir, fhs_str url);
/* All parameters that apply to @a type: its own, then its ancestors'. Returns how many there are.
 */
size_t fhs_sparam_list(const fhs_fhir *fhir, fhs_type type, const fhs_sparam **list_out);
fhs_str fhs_sparam_type_name(fhs_sparam_type type); /* "token" */
/* Whether it finds names by what they sound like: a string parameter called "phonetic". */
bool fhs_sparam_is_phonetic(const fhs_fhir *fhir, fhs_sparam param);

/*
 * The same definitions with @a count parameters more (borrowed), numbered from fhs_sparam_count()
 * on in the order given. Where codes are equal FHIR's own parameter is found. Everything is taken
 * from @a arena and lives as long; types and FHIR's own parameters keep their numbers. NULL: no
 * memory, or more parameters than there are numbers.
 */
const fhs_fhir *fhs_fhir_extend(const fhs_fhir *base, fhs_arena *arena, const fhs_sparam_def *defs,
                                size_t count);
/* Whether parameters beside FHIR's own apply to @a type. */
bool fhs_sparam_has_extra(const fhs_fhir *fhir, fhs_type type);
/* Whether a reference parameter may point at @a type; one that names no types may point anywhere.
 */
bool fhs_sparam_may_target(const fhs_fhir *fhir, const fhs_sparam_def *def, fhs_type type);
/* How many were given to fhs_fhir_extend(). */
size_t fhs_sparam_extra_count(const fhs_fhir *fhir);

/* ---- compartments ---- */

typedef enum fhs_compartment {
    FHS_COMPARTMENT_PATIENT,
    FHS_COMPARTMENT_ENCOUNTER,
    FHS_COMPARTMENT_RELATED_PERSON,
    FHS_COMPARTMENT_PRACTITIONER,
    FHS_COMPARTMENT_DEVICE,
    FHS_COMPARTMENT_COUNT,
} fhs_compartment;

fhs_str fhs_compartment_name(fhs_compartment compartment); /* "Patient" */
/* False: no compartment has that name. */
bool fhs_compartment_find(fhs_str name, fhs_compartment *out);
/* Codes of the parameters that place a resource of @a type in the compartment; 0: never in it. */
size_t fhs_compartment_params(const fhs_fhir *fhir, fhs_compartment compartment, fhs_type type,
                              const fhs_str **codes_out);

#endif
