/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this room only. */
#ifndef FHS_TERMINOLOGY_TERMINOLOGY_INTERNAL_H
#define FHS_TERMINOLOGY_TERMINOLOGY_INTERNAL_H

#include "base/limits.h"
#include "terminology/terminology.h"

typedef struct fhs_loaded_system {
    struct fhs_loaded_system *next;
    fhs_str url;
    fhs_str version;               /* as it was asked for */
    const fhs_code_system *system; /* NULL: not known */
} fhs_loaded_system;

typedef struct fhs_loaded_set {
    struct fhs_loaded_set *next;
    fhs_str name;
    const fhs_json *json;
    struct fhs_set_draft *made[2]; /* its codes; the second: the active ones */
} fhs_loaded_set;

struct fhs_terms {
    const fhs_fhir *fhir;
    const fhs_terms_source *source;
    fhs_arena arena;
    fhs_arena scratch; /* for one match of a regular expression */
    fhs_loaded_system *systems;
    fhs_loaded_set *sets;
    const fhs_json *open[FHS_LIMIT_VALUE_SET_DEPTH]; /* value sets that are being expanded */
    uint32_t open_count;
    fhirstore_status failed; /* why the last allocation failed */
};

/* Zeroed memory from the arena; NULL: the error is set, and terms->failed. */
void *fhs_terms_alloc(fhs_terms *terms, size_t count, size_t size, fhirstore_error **err);
/* Double an array of the arena that is full; NULL: the error is set. */
void *fhs_terms_grow(fhs_terms *terms, void *items, size_t count, size_t *capacity, size_t size,
                     fhirstore_error **err);

/* A string member, or an empty view. */
fhs_str fhs_terms_text(const fhs_json *object, fhs_str name);
bool fhs_terms_flag(const fhs_json *object, fhs_str name);
/* How many items a member that should be an array has; 0 for anything else. */
uint32_t fhs_terms_items(const fhs_json *object, fhs_str name, const fhs_json **items_out);

/* Case of ASCII letters does not count. */
uint32_t fhs_terms_hash(fhs_str text, uint32_t seed);
/* A power of two that holds @a count entries well. */
uint32_t fhs_terms_slots(uint32_t count);

/* ---- load.c ---- */

/*
 * The resource that is active and newest among those with this url (and version, where that is not
 * empty), stored or of the definitions; *out NULL: none.
 */
fhirstore_status fhs_terms_find(fhs_terms *terms, fhs_terms_kind kind, fhs_str url, fhs_str version,
                                const fhs_json **out, fhirstore_error **err);
fhirstore_status fhs_terms_find_id(fhs_terms *terms, fhs_terms_kind kind, fhs_str id,
                                   const fhs_json **out, fhirstore_error **err);

/* ---- hierarchy.c ---- */

/* The text of a property's value; a Coding's code. False: it has none. */
bool fhs_property_text(const fhs_json *property, fhs_str *out);
fhirstore_status fhs_terms_link(fhs_terms *terms, fhs_code_system *system, fhirstore_error **err);
/* Mark @a from and everything above or below it: *marks_out has a byte for each concept. */
fhirstore_status fhs_terms_reach(fhs_terms *terms, const fhs_code_system *system, uint32_t from,
                                 bool upwards, uint8_t **marks_out, fhirstore_error **err);

/* ---- filter.c ---- */

/* Clear the marks of concepts that @a filter (of a ValueSet's include) leaves out. */
fhirstore_status fhs_terms_filter(fhs_terms *terms, const fhs_code_system *system,
                                  const fhs_json *filter, uint8_t *marks, fhirstore_error **err);

/* ---- set.c ---- */

/* A set that is being built. */
typedef struct fhs_set_draft {
    fhs_terms *terms;
    fhs_term *items;
    uint32_t count;
    size_t capacity;
    uint32_t *slots;
    uint32_t slot_count;
    fhs_str *wholes;
    uint32_t whole_count;
    size_t whole_capacity;
} fhs_set_draft;

/* Add a term, or put it in again where it was out. */
fhirstore_status fhs_set_add(fhs_set_draft *set, const fhs_term *term, fhirstore_error **err);
fhirstore_status fhs_set_add_whole(fhs_set_draft *set, fhs_str system, fhirstore_error **err);
fhs_term *fhs_set_find(const fhs_set_draft *set, const fhs_term *key);
fhirstore_status fhs_set_unite(fhs_set_draft *set, const fhs_set_draft *other,
                               fhirstore_error **err);
/* *out is what both have. */
fhirstore_status fhs_set_intersect(const fhs_set_draft *a, const fhs_set_draft *b,
                                   fhs_set_draft *out, fhirstore_error **err);
fhirstore_status fhs_set_subtract(fhs_set_draft *set, const fhs_set_draft *other,
                                  fhirstore_error **err);
fhirstore_status fhs_set_finish(fhs_set_draft *set, const fhs_code_set **out,
                                fhirstore_error **err);

#endif
