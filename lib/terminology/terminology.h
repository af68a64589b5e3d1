/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code systems and value sets: which codes there are, what is below what, which codes a value set
 * holds.
 *
 * Resources come from the store, through the caller's fhs_terms_source (which shows only what the
 * principal may see), and from FHIR's own definitions. A fhs_terms is the work of one question or
 * one search: what was read is kept until it ends, in one arena with a budget. One thread.
 *
 * Failures are ERR_CODE_SYSTEM and ERR_VALUE_SET (not known, or not to be used for this),
 * ERR_LIMIT and ERR_NO_MEMORY, and whatever the source fails with. Messages name no url and no
 * code. ERR_NOT_FOUND: the value set or code system that was asked for is not known.
 */
#ifndef FHS_TERMINOLOGY_TERMINOLOGY_H
#define FHS_TERMINOLOGY_TERMINOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "fhir/fhir.h"
#include "json/json.h"

typedef enum fhs_terms_kind {
    FHS_TERMS_CODE_SYSTEM,
    FHS_TERMS_VALUE_SET,
} fhs_terms_kind;

/* Take one stored resource; OK to be shown the next. The body is borrowed for the call. */
typedef fhirstore_status (*fhs_terms_take_fn)(void *taker, fhs_str body, int64_t updated_us,
                                              fhirstore_error **err);

/* Where stored resources come from. */
typedef struct fhs_terms_source {
    void *ctx;
    /* Show every resource of the kind that has this url. */
    fhirstore_status (*by_url)(void *ctx, fhs_terms_kind kind, fhs_str url, fhs_terms_take_fn take,
                               void *taker, fhirstore_error **err);
    /* Show the one that has this id, if there is one. */
    fhirstore_status (*by_id)(void *ctx, fhs_terms_kind kind, fhs_str id, fhs_terms_take_fn take,
                              void *taker, fhirstore_error **err);
    /* Show all of the kind. */
    fhirstore_status (*each)(void *ctx, fhs_terms_kind kind, fhs_terms_take_fn take, void *taker,
                             fhirstore_error **err);
} fhs_terms_source;

typedef struct fhs_terms fhs_terms;

/* @a source NULL: FHIR's own definitions only. Both are borrowed. */
fhirstore_status fhs_terms_new(const fhs_fhir *fhir, const fhs_terms_source *source,
                               fhs_terms **out, fhirstore_error **err);
void fhs_terms_free(fhs_terms *terms);

/* ---- code systems ---- */

typedef enum fhs_terms_content {
    FHS_CONTENT_COMPLETE,
    FHS_CONTENT_FRAGMENT,
    FHS_CONTENT_EXAMPLE,
    FHS_CONTENT_NOT_PRESENT,
} fhs_terms_content;

#define FHS_CONCEPT_NONE UINT32_MAX

typedef struct fhs_concept {
    fhs_str code;
    fhs_str display;
    const fhs_json *json; /* as the resource has it: designations, properties, definition */
    uint32_t parent;      /* the concept it is nested in, or FHS_CONCEPT_NONE */
    bool is_inactive;
    bool is_abstract; /* for grouping, not to be chosen */
} fhs_concept;

typedef struct fhs_code_system {
    fhs_str url;
    fhs_str version;
    fhs_str name; /* title, name or url */
    fhs_terms_content content;
    bool is_case_sensitive;
    bool has_subsumption; /* its hierarchy says what is a kind of what */
    const fhs_json *json;
    const fhs_concept *concepts; /* parents before what is nested in them */
    uint32_t count;
    /* by concept: where its parents and children begin in @a links, count + 1 of each */
    const uint32_t *parents_at;
    const uint32_t *children_at;
    const uint32_t *parents;
    const uint32_t *children;
    const uint32_t *slots; /* by folded code; a power of two */
    uint32_t slot_mask;
} fhs_code_system;

/*
 * The code system at @a url, of @a version where that is not empty: the stored one that is active
 * and newest, else that of the definitions. *out NULL: not known.
 */
fhirstore_status fhs_terms_code_system(fhs_terms *terms, fhs_str url, fhs_str version,
                                       const fhs_code_system **out, fhirstore_error **err);
/* That of a resource at hand, which the caller keeps until the terms end. */
fhirstore_status fhs_terms_read_code_system(fhs_terms *terms, const fhs_json *resource,
                                            const fhs_code_system **out, fhirstore_error **err);
/* The concept, or FHS_CONCEPT_NONE. Case counts where the code system says so. */
uint32_t fhs_code_system_find(const fhs_code_system *system, fhs_str code);
/* What a CodeSystem says about case; what is said more weightily has the higher number. */
typedef enum fhs_terms_case {
    FHS_CASE_NOT_SAID,
    FHS_CASE_COUNTS_NOT,
    FHS_CASE_COUNTS,
} fhs_terms_case;
/* @a said_out: fhs_terms_case. Reads no concepts. */
fhirstore_status fhs_terms_read_case(fhs_str body, uint8_t *said_out, fhirstore_error **err);

typedef enum fhs_subsumption {
    FHS_SUBSUMES_NOT,
    FHS_SUBSUMES,
    FHS_SUBSUMED_BY,
    FHS_SUBSUMES_BOTH, /* they are the same */
} fhs_subsumption;

/* How @a a relates to @a b. */
fhirstore_status fhs_terms_subsumes(fhs_terms *terms, const fhs_code_system *system, uint32_t a,
                                    uint32_t b, fhs_subsumption *out, fhirstore_error **err);

/* ---- sets of codes ---- */

typedef struct fhs_term {
    fhs_str system;
    fhs_str version; /* of the code system, where a value set or the code system says so */
    fhs_str code;
    fhs_str display;
    const fhs_code_system *of; /* NULL: its code system is not at hand */
    uint32_t concept;          /* in it */
    const fhs_json *json;      /* where a value set names it: designations; may be NULL */
    bool is_case_sensitive;
    bool is_out; /* not in the set, though the whole of its code system is */
} fhs_term;

/* Codes, and code systems of which every code belongs though they are not listed here. */
typedef struct fhs_code_set {
    const fhs_term *terms;
    uint32_t count; /* those that are out included */
    const uint32_t *slots;
    uint32_t slot_count;
    const fhs_str *wholes;
    uint32_t whole_count;
} fhs_code_set;

/* How a value set or code is asked for. */
typedef struct fhs_terms_ask {
    bool active_only;
    bool is_listing; /* every code must be listed: a set with wholes is an error */
} fhs_terms_ask;

/*
 * The value set that @a name means: "url", "url|version", or @a is_id: the id of a stored one.
 * ERR_NOT_FOUND when it is not known.
 */
fhirstore_status fhs_terms_value_set(fhs_terms *terms, fhs_str name, bool is_id,
                                     const fhs_json **out, fhirstore_error **err);
/* The codes of a ValueSet resource, which the caller keeps until the terms end. */
fhirstore_status fhs_terms_expand(fhs_terms *terms, const fhs_json *value_set,
                                  const fhs_terms_ask *ask, const fhs_code_set **out,
                                  fhirstore_error **err);
/* Whether the set has the code; *term_out (may be NULL): its entry, where it is listed. */
bool fhs_code_set_has(const fhs_code_set *set, fhs_str system, fhs_str code,
                      const fhs_term **term_out);

/*
 * The code and what is below it (a kind of it), or above it. @a system empty: in every code system
 * that has the code. A code that a complete code system does not have is alone in its set.
 * ERR_NOT_FOUND: no such code system; ERR_CODE_SYSTEM: it does not say what is below what.
 */
fhirstore_status fhs_terms_kin(fhs_terms *terms, fhs_str system, fhs_str code, bool is_above,
                               const fhs_code_set **out, fhirstore_error **err);

/* ---- JSON at hand ---- */

/* Keep a copy of the text of a resource until the terms end, and read it. */
fhirstore_status fhs_terms_read(fhs_terms *terms, fhs_str text, const fhs_json **out,
                                fhirstore_error **err);
fhs_arena *fhs_terms_arena(fhs_terms *terms);

#endif
