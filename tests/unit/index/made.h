/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources made from the definitions: every element is there, down to some depth, and a number
 * chooses among the alternatives (types of a choice, targets of references, codes). Together the
 * numbers reach what no published example does.
 */
#ifndef FHS_TEST_MADE_H
#define FHS_TEST_MADE_H

#include "fhir/fhir.h"
#include "json/json.h"

/* Fewer leave parameters without a value. */
#define MADE_VARIANTS 40u

/* Append a resource of @a type as JSON. */
void made_resource(const fhs_fhir *fhir, fhs_type type, uint32_t variant, fhs_buf *out);

#endif
