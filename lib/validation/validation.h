/* SPDX-License-Identifier: Apache-2.0 */
/* Is this JSON a resource that FHIR's definitions allow? Structure now; bindings and invariants on top later. */
#ifndef FHS_VALIDATION_VALIDATION_H
#define FHS_VALIDATION_VALIDATION_H

#include "base/error.h"
#include "fhir/fhir.h"
#include "json/json.h"

/* Numbers as in the public enum fhirstore_validation. */
typedef enum fhs_validation_mode {
    FHS_VALIDATION_ON = 0,
    FHS_VALIDATION_LENIENT = 1, /* unknown elements and missing required ones pass */
    FHS_VALIDATION_OFF = 2,     /* only: an object with a known resourceType */
} fhs_validation_mode;

/*
 * Check one resource and tell its type. ERR_INVALID_RESOURCE with one issue a fault, each with the
 * FHIRPath of the element ("Patient.name[0].given"), up to FHS_LIMIT_ISSUES; texts name elements and
 * types, never values. ERR_UNKNOWN_TYPE has issue code "invalid" here: the resourceType is not one.
 */
fhirstore_status fhs_validate_resource(const fhs_fhir *fhir, fhs_validation_mode mode,
                                       const fhs_json *root, fhs_type *type_out,
                                       fhirstore_error **err);

/* A logical id: 1 to 64 characters of A-Z a-z 0-9 - . */
bool fhs_id_is_valid(fhs_str id);

#endif
