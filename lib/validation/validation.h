/* SPDX-License-Identifier: Apache-2.0 */
/* Is this JSON a resource that FHIR's definitions allow? Structure, and bindings where asked for.
 */
#ifndef FHS_VALIDATION_VALIDATION_H
#define FHS_VALIDATION_VALIDATION_H

#include "base/error.h"
#include "fhir/fhir.h"
#include "fhir/reference.h" /* fhs_id_is_valid() */
#include "json/json.h"

/* Numbers as in the public enum fhirstore_validation. */
typedef enum fhs_validation_mode {
    FHS_VALIDATION_ON = 0,
    FHS_VALIDATION_LENIENT = 1, /* unknown elements and missing required ones pass */
    FHS_VALIDATION_OFF = 2,     /* only: an object with a known resourceType */
    /* Or'ed to ON or LENIENT: codes must be in the value sets of required bindings too. */
    FHS_VALIDATION_BINDINGS = 16,
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

#endif
