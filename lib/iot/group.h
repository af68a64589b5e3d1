/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the measurements of a batch to what becomes one Observation each. A bucket is what one
 * device sent of one type (patient, encounter and correlation the same); a group is what of it
 * falls into one period.
 */
#ifndef FHS_IOT_GROUP_H
#define FHS_IOT_GROUP_H

#include "iot/fhir_mapping.h"
#include "iot/measurement.h"

enum {
    /* As the original where the defaults differ (docs/iot.md, "Strictly as before"). */
    FHS_IOT_STRICT = 1,
    /* Identifiers of single readings tell fractions of a second. */
    FHS_IOT_FRACTION = 2,
};

typedef struct fhs_iot_bucket {
    const fhs_iot_measurement **items; /* by time, the one that counts most first */
    uint32_t count;
    uint32_t first; /* the first one's place in the batch */
} fhs_iot_bucket;

typedef struct fhs_iot_sample {
    int64_t time;
    fhs_str text;
} fhs_iot_sample;

/* The values of one name, by time, each time once. */
typedef struct fhs_iot_series {
    fhs_str name;
    fhs_iot_sample *samples;
    uint32_t count;
} fhs_iot_series;

typedef struct fhs_iot_group {
    const fhs_iot_measurement *first; /* whose ids and type are those of all */
    int64_t start;                    /* the boundary, both ends inclusive */
    int64_t end;
    fhs_str segment; /* of the identifier */
    fhs_iot_series *series;
    uint32_t series_count;
    uint32_t measurement_count;
} fhs_iot_group;

/* Buckets in the order in which they first appear. All live in @a arena. ERR_NO_MEMORY. */
fhirstore_status fhs_iot_buckets(fhs_arena *arena, const fhs_iot_measurement *const *list,
                                 size_t count, fhs_iot_bucket **buckets_out, size_t *count_out,
                                 fhirstore_error **err);

/*
 * Cut a bucket into groups by the template's interval, by time. A bucket without the correlation
 * id that the interval wants gives none, and *lacks_id_out. ERR_NO_MEMORY.
 */
fhirstore_status fhs_iot_groups(fhs_arena *arena, const fhs_iot_bucket *bucket,
                                const fhs_iot_fhir_template *template, unsigned flags,
                                fhs_iot_group **groups_out, size_t *count_out, bool *lacks_id_out,
                                fhirstore_error **err);

/* The series of this name, or NULL. Names are case-sensitive. */
const fhs_iot_series *fhs_iot_series_find(const fhs_iot_group *group, fhs_str name);

#endif
