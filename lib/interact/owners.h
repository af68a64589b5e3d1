/* SPDX-License-Identifier: Apache-2.0 */
/* Which patients a resource belongs to, in a store with keys of patients (storage/patient.h). */
#ifndef FHS_INTERACT_OWNERS_H
#define FHS_INTERACT_OWNERS_H

#include "interact/core.h"
#include "interact/write.h"

/* The parameters that place resources of a type in a patient's compartment, by their numbers. */
typedef struct fhs_patient_params {
    uint32_t numbers[16];
    size_t count;
} fhs_patient_params;

fhirstore_status fhs_patient_params_find(fhs_call *call, fhs_type type, fhs_patient_params *out,
                                         fhirstore_error **err);
bool fhs_patient_params_have(const fhs_patient_params *params, uint32_t number);

/*
 * One more than bodies may have: more than FHS_LIMIT_BODY_PATIENTS in the list means that there are
 * too many.
 */
typedef struct fhs_owners {
    fhs_entity items[FHS_LIMIT_BODY_PATIENTS + 1u];
    size_t count;
} fhs_owners;

/*
 * A Patient belongs to itself alone. Anything else to the patients in whose compartments it is, a
 * type that no compartment knows to all whom its references name, and a Binary to those of its
 * securityContext. @a rows: the row list. None in a store without such keys.
 */
fhirstore_status fhs_owners_find(fhs_call *call, const fhs_prepared *prepared, fhs_entity entity,
                                 fhs_str rows, fhs_owners *out, fhirstore_error **err);

#endif
