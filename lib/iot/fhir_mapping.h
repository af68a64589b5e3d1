/* SPDX-License-Identifier: Apache-2.0 */
/* A FHIR mapping: what becomes of the measurements of each type. */
#ifndef FHS_IOT_FHIR_MAPPING_H
#define FHS_IOT_FHIR_MAPPING_H

#include "iot/document.h"

enum {
    /* Refuse what is beyond the original's mappings. */
    FHS_IOT_MAPPING_STRICT = 1,
};

typedef enum fhs_iot_value_type {
    FHS_IOT_VALUE_QUANTITY,
    FHS_IOT_VALUE_SAMPLED_DATA,
    FHS_IOT_VALUE_CODEABLE_CONCEPT,
    FHS_IOT_VALUE_STRING,
    /* Beyond the original. */
    FHS_IOT_VALUE_INTEGER,
    FHS_IOT_VALUE_BOOLEAN,
    FHS_IOT_VALUE_DATE_TIME,
    FHS_IOT_VALUE_RANGE,
    FHS_IOT_VALUE_RATIO,
} fhs_iot_value_type;

typedef struct fhs_iot_code {
    fhs_str code;
    fhs_str system;
    fhs_str display;
} fhs_iot_code;

typedef struct fhs_iot_concept {
    fhs_str text;
    const fhs_iot_code *codes;
    uint32_t count;
} fhs_iot_concept;

/* Of a Quantity; what the mapping leaves out is empty. */
typedef struct fhs_iot_unit {
    fhs_str unit;
    fhs_str code;
    fhs_str system;
} fhs_iot_unit;

typedef struct fhs_iot_value_spec {
    fhs_iot_value_type type;
    fhs_str name; /* empty: no value comes of it */
    fhs_iot_unit unit;
    fhs_str from_code;      /* UCUM code that values come in; empty: as the unit says */
    fhs_str from_code_name; /* the property that says it, where there is one */
    /* Range and Ratio: the properties that hold their ends. */
    fhs_str low_name;
    fhs_str high_name;
    fhs_iot_unit high_unit; /* of a Ratio's denominator */
    fhs_str period;         /* SampledData: milliseconds, as a JSON number */
    int64_t period_ticks;
    fhs_iot_concept concept;
} fhs_iot_value_spec;

typedef struct fhs_iot_component {
    fhs_iot_concept code;
    fhs_iot_value_spec value;
} fhs_iot_component;

/* periodInterval. */
enum {
    FHS_IOT_SINGLE = 0,
    FHS_IOT_HOURLY = 60,
    FHS_IOT_DAILY = 1440,
    FHS_IOT_CORRELATION = -1
};

typedef struct fhs_iot_fhir_template fhs_iot_fhir_template;

struct fhs_iot_fhir_template {
    int32_t index;
    uint32_t line;
    uint32_t column;
    fhs_str type;
    int32_t interval;
    const fhs_iot_concept *categories;
    uint32_t category_count;
    fhs_iot_concept code;
    bool has_value;
    fhs_iot_value_spec value;
    const fhs_iot_component *components;
    uint32_t component_count;
    /* Beyond the original. */
    bool is_date_time; /* effectiveDateTime */
    const fhs_str *profiles;
    uint32_t profile_count;
    const fhs_str *performers; /* references; "$patient": the one the Observation is about */
    uint32_t performer_count;
    bool has_body_site;
    fhs_iot_concept body_site;
    bool has_method;
    fhs_iot_concept method;
    fhs_iot_fhir_template *next;
};

typedef struct fhs_iot_fhir_mapping {
    fhs_iot_fhir_template *first;
    fhs_iot_fhir_template *last;
    uint32_t count;
} fhs_iot_fhir_mapping;

/* As fhs_iot_device_load(). */
fhirstore_status fhs_iot_fhir_load(fhs_arena *arena, fhs_str text, unsigned flags,
                                   fhs_iot_faults *faults, fhs_iot_fhir_mapping *out,
                                   fhirstore_error **err);
/* The template of a type, whatever the case of its letters; NULL: there is none. */
const fhs_iot_fhir_template *fhs_iot_fhir_find(const fhs_iot_fhir_mapping *mapping, fhs_str type);

#endif
