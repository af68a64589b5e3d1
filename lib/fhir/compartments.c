/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/tables.h"

fhs_str fhs_compartment_name(fhs_compartment compartment)
{
    static const fhs_str names[FHS_COMPARTMENT_COUNT] = {
        [FHS_COMPARTMENT_PATIENT] = FHS_LIT_INIT("Patient"),
        [FHS_COMPARTMENT_ENCOUNTER] = FHS_LIT_INIT("Encounter"),
        [FHS_COMPARTMENT_RELATED_PERSON] = FHS_LIT_INIT("RelatedPerson"),
        [FHS_COMPARTMENT_PRACTITIONER] = FHS_LIT_INIT("Practitioner"),
        [FHS_COMPARTMENT_DEVICE] = FHS_LIT_INIT("Device"),
    };
    return names[compartment];
}

bool fhs_compartment_find(fhs_str name, fhs_compartment *out)
{
    for (unsigned i = 0; i < FHS_COMPARTMENT_COUNT; i++) {
        if (fhs_str_eq(name, fhs_compartment_name((fhs_compartment)i))) {
            *out = (fhs_compartment)i;
            return true;
        }
    }
    return false;
}

static uint32_t compartment_key(unsigned compartment, fhs_type type)
{
    return (uint32_t)compartment << 16 | type;
}

size_t fhs_compartment_params(const fhs_fhir *fhir, fhs_compartment compartment, fhs_type type,
                              const fhs_str **codes_out)
{
    uint32_t key = compartment_key((unsigned)compartment, type);
    size_t low = 0;
    size_t high = fhir->compartment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const fhs_fhir_compartment_row *row = &fhir->compartments[middle];
        uint32_t found = compartment_key(row->compartment, row->type);
        if (found == key) {
            *codes_out = fhir->compartment_codes + row->codes;
            return row->code_count;
        }
        if (found < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *codes_out = NULL;
    return 0;
}
