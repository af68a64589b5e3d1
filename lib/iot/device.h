/* SPDX-License-Identifier: Apache-2.0 */
/* A device mapping: templates that pick measurements out of messages. */
#ifndef FHS_IOT_DEVICE_H
#define FHS_IOT_DEVICE_H

#include "expression/expression.h"
#include "iot/document.h"

typedef enum fhs_iot_template_kind {
    FHS_IOT_JSON_PATH_CONTENT,
    FHS_IOT_HUB_CONTENT,
    FHS_IOT_CENTRAL_CONTENT,
    FHS_IOT_CALCULATED_CONTENT,
} fhs_iot_template_kind;

/* An expression and where it stands in the mapping; NULL: the template does not define it. */
typedef struct fhs_iot_slot {
    const fhs_expression *expression;
    uint32_t line;
    uint32_t column;
} fhs_iot_slot;

typedef struct fhs_iot_value_slot {
    fhs_str name;
    fhs_iot_slot slot;
    bool is_required;
    uint32_t line; /* of the entry in "values" */
    uint32_t column;
} fhs_iot_value_slot;

/* The fields of a template that are expressions, in the order in which they are extracted. */
enum {
    FHS_IOT_FIELD_MATCH,
    FHS_IOT_FIELD_DEVICE,
    FHS_IOT_FIELD_TIME,
    FHS_IOT_FIELD_CORRELATION,
    FHS_IOT_FIELD_PATIENT,
    FHS_IOT_FIELD_ENCOUNTER,
    FHS_IOT_FIELD_COUNT
};

typedef struct fhs_iot_template fhs_iot_template;

struct fhs_iot_template {
    fhs_iot_template_kind kind;
    int32_t index; /* in the mapping, faulty ones counted */
    uint32_t line; /* of its "template" */
    uint32_t column;
    fhs_str type;
    fhs_iot_slot fields[FHS_IOT_FIELD_COUNT];
    fhs_iot_slot second_time; /* tried where the first gives none */
    fhs_iot_value_slot *values;
    uint32_t value_count;
    fhs_iot_template *next;
};

typedef struct fhs_iot_device_mapping {
    fhs_iot_template *first;
    fhs_iot_template *last;
    uint32_t count;
} fhs_iot_device_mapping;

/*
 * Read what is sound in @a text; what is not becomes faults. Everything lives in @a arena.
 * ERR_NO_MEMORY only.
 */
fhirstore_status fhs_iot_device_load(fhs_arena *arena, fhs_str text, fhs_iot_faults *faults,
                                     fhs_iot_device_mapping *out, fhirstore_error **err);

#endif
