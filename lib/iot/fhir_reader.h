/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files that read FHIR mappings share. */
#ifndef FHS_IOT_FHIR_READER_H
#define FHS_IOT_FHIR_READER_H

#include "iot/fhir_mapping.h"

typedef struct fhs_iot_fhir_reader {
    const fhs_iot_document *document;
    fhs_iot_fhir_mapping *mapping;
    fhs_iot_fhir_template *now;
    unsigned flags;
} fhs_iot_fhir_reader;

/* Tell a fault of the template at work, at @a at. */
void fhs_iot_reader_fault(fhs_iot_fhir_reader *reader, const fhs_json *at, const char *format, ...)
    FHS_PRINTF(3, 4);
void fhs_iot_reader_missing(fhs_iot_fhir_reader *reader, const fhs_json *object, const char *name);
/* An optional scalar as text; a container is a fault. Blank texts count as left out. */
void fhs_iot_reader_text(fhs_iot_fhir_reader *reader, const fhs_json *object, const char *name,
                         fhs_str *out);
/* The list of codes that an object has as "codes". */
void fhs_iot_reader_codes(fhs_iot_fhir_reader *reader, const fhs_json *object, bool is_required,
                          bool is_lenient, fhs_iot_concept *out);
/* A value object. */
void fhs_iot_reader_value(fhs_iot_fhir_reader *reader, const fhs_json *object,
                          fhs_iot_value_spec *out);

#endif
