/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping of either kind, as the host holds it. */
#ifndef FHS_IOT_MAPPING_H
#define FHS_IOT_MAPPING_H

#include "iot/device.h"
#include "iot/fhir_mapping.h"

typedef struct fhs_iot_mapping {
    fhs_arena arena;
    bool is_fhir;
    fhs_iot_faults faults;
    fhs_iot_device_mapping device;
    fhs_iot_fhir_mapping fhir;
} fhs_iot_mapping;

/*
 * Load a mapping with what is sound in it; its faults tell the rest. @a flags are those of
 * fhs_iot_fhir_load(). ERR_NO_MEMORY only.
 */
fhirstore_status fhs_iot_mapping_new(bool is_fhir, fhs_str text, unsigned flags,
                                     fhs_iot_mapping **out, fhirstore_error **err);
void fhs_iot_mapping_free(fhs_iot_mapping *mapping);
/* The faults as one error: ERR_IOT_MAPPING with an issue each. */
fhirstore_status fhs_iot_mapping_fail(const fhs_iot_mapping *mapping, fhirstore_error **err);

#endif
