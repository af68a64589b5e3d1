/* SPDX-License-Identifier: Apache-2.0 */
/* Is this JSON a resource that FHIR's definitions allow? Structure, and bindings where asked for.
 */
#ifndef FHS_VALIDATION_VALIDATION_H
#define FHS_VALIDATION_VALIDATION_H

#include "base/error.h"
#include "fhir/fhir.h"
#include "fhir/reference.h" /* fhs_id_is_valid() */
#include "fhirpath/fhirpath.h"
#include "json/json.h"

/* The first three have numbers as in the public enum fhirstore_validation. */
typedef enum fhs_validation_mode {
    FHS_VALIDATION_ON = 0,
    FHS_VALIDATION_LENIENT = 1, /* unknown elements and missing required ones pass */
    FHS_VALIDATION_OFF = 2,     /* only: an object with a known resourceType */
    /* Or'ed to ON or LENIENT: codes must be in the value sets of required bindings too. */
    FHS_VALIDATION_BINDINGS = 16,
    /* Everything that fhs_validate_fully() looks at. */
    FHS_VALIDATION_FULL = 32,
} fhs_validation_mode;

/*
 * Check one resource and tell its type (FHS_TYPE_NONE when it has none). ERR_INVALID_RESOURCE with
 * one issue a fault, each with an issue type (structure, required, value, invalid) and the FHIRPath
 * of the element ("Patient.name[0].given[1]"), up to FHS_LIMIT_ISSUES; texts name elements and
 * types, never values. A resourceType that is missing or unknown is a fault at "resourceType".
 * The tree must come from fhs_json_read(). Allocates nothing unless there is a fault.
 */
fhirstore_status fhs_validate_resource(const fhs_fhir *fhir, fhs_validation_mode mode,
                                       const fhs_json *root, fhs_type *type_out,
                                       fhirstore_error **err);

/*
 * The same for a resource of @a type that is read in pieces (fhs_json_read_pieces()): first each
 * item that is handed out, then the rest. @a err gathers the faults of all, and decides what the
 * rest answers.
 */
void fhs_validate_item(const fhs_fhir *fhir, fhs_validation_mode mode, fhs_type type,
                       fhs_str member, uint32_t index, const fhs_json *item, fhirstore_error **err);
fhirstore_status fhs_validate_rest(const fhs_fhir *fhir, fhs_validation_mode mode,
                                   const fhs_json *root, fhs_type *type_out, fhirstore_error **err);

/* ---- with invariants and references ---- */

/* Invariants of one version, each compiled when it is first needed. Shared by threads. */
typedef struct fhs_invariants fhs_invariants;

/* NULL: no memory. */
fhs_invariants *fhs_invariants_new(const fhs_fhir *fhir);
void fhs_invariants_free(fhs_invariants *invariants);
/* The program of invariant @a index, borrowed. ERR_NO_MEMORY, or why it does not compile. */
fhirstore_status fhs_invariants_get(fhs_invariants *invariants, size_t index,
                                    const fhs_fhirpath **out, fhirstore_error **err);

/* member_of and subsumes of fhs_fhirpath_hooks; @a ctx: a fhs_terms. */
fhirstore_status fhs_validation_member_of(void *ctx, fhs_str value_set, fhs_str system,
                                          fhs_str code, fhs_fp_answer *answer_out,
                                          fhirstore_error **err);
fhirstore_status fhs_validation_subsumes(void *ctx, fhs_str system, fhs_str a, fhs_str b,
                                         fhs_fp_answer *answer_out, fhirstore_error **err);

typedef struct fhs_full_check {
    fhs_invariants *invariants; /* these two: not of fhs_validate_references() */
    fhs_fhirpath_run *run;
    /* The resource that a reference means, for resolve(); NULL: nobody knows. */
    fhirstore_status (*resolve)(void *ctx, fhs_str reference, const fhs_json **resource_out,
                                fhirstore_error **err);
    struct fhs_terms *terms;      /* for memberOf(); NULL: none */
    int64_t (*now_us)(void *ctx); /* NULL: the system's */
    fhs_str base_url;             /* below it references are local */
    uint64_t max_steps;           /* of all invariants; 0: as the limits say */
    bool errors_only;             /* what is no error is not looked for */
    /* Whether a resource is there; NULL: nobody knows. One that is not: @a if_missing. */
    fhirstore_status (*exists)(void *ctx, fhs_type type, fhs_str id, bool *yes_out,
                               fhirstore_error **err);
    void *ctx; /* of the three */
    fhs_severity if_missing;
} fhs_full_check;

/*
 * What a profile's url means for a resource of @a type: one of FHIR's own definitions that holds
 * for it (nothing is to be done), one that does not, or a profile that is not known here.
 */
typedef enum fhs_profile_fit {
    FHS_PROFILE_HOLDS,
    FHS_PROFILE_OF_OTHER_TYPE,
    FHS_PROFILE_UNKNOWN,
} fhs_profile_fit;

fhs_profile_fit fhs_validation_profile(const fhs_fhir *fhir, fhs_type type, fhs_str url);

/*
 * Check everything that is known of a resource: structure, required bindings, invariants and what
 * its references point to. *report_out, NULL at first, gets an issue for each thing worth saying,
 * warnings too, and a last one where there is no room for all. OK: no errors among them.
 * ERR_INVALID_RESOURCE: there are. Anything else hindered the check, and *err says why.
 */
fhirstore_status fhs_validate_fully(const fhs_fhir *fhir, const fhs_full_check *full,
                                    const fhs_json *root, fhs_type *type_out,
                                    fhirstore_error **report_out, fhirstore_error **err);

/*
 * Only: is everything there that the resource, and what it contains, refers to locally? What is not
 * is an issue of *report_out (full->if_missing). What else is wrong with it is passed over.
 */
fhirstore_status fhs_validate_references(const fhs_fhir *fhir, const fhs_full_check *full,
                                         const fhs_json *root, fhirstore_error **report_out,
                                         fhirstore_error **err);

#endif
