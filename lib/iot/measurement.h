/* SPDX-License-Identifier: Apache-2.0 */
/* What a device mapping makes of a message: one reading of one device at one time. */
#ifndef FHS_IOT_MEASUREMENT_H
#define FHS_IOT_MEASUREMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/str.h"

/* No ingestion time: loses against any. */
#define FHS_IOT_NO_TIME FHS_TICK_MIN

typedef struct fhs_iot_property {
    fhs_str name;
    fhs_str value;
} fhs_iot_property;

typedef struct fhs_iot_measurement fhs_iot_measurement;

/* All texts are borrowed. An id that is absent has ptr NULL. */
struct fhs_iot_measurement {
    fhs_str type;
    int64_t time;     /* ticks */
    int64_t ingested; /* ticks, or FHS_IOT_NO_TIME */
    fhs_str device_id;
    fhs_str patient_id;
    fhs_str encounter_id;
    fhs_str correlation_id;
    const fhs_iot_property *properties; /* in the template's order; names may repeat */
    uint32_t property_count;
    int32_t template_index; /* of the device mapping; -1: not known */
    int64_t message_index;  /* of the batch; -1: not known */
};

/* "2019-02-01T22:46:01.8750000Z": always seven digits, as mappings' users know it. */
#define FHS_IOT_TIME_LEN 28u
void fhs_iot_time_format(int64_t ticks, char out[FHS_IOT_TIME_LEN + 1]);
void fhs_iot_time_write(int64_t ticks, fhs_buf *out);

/* Append it as a JSON object; absent ids are left out. */
void fhs_iot_measurement_write(const fhs_iot_measurement *measurement, fhs_buf *out);
/*
 * Read what fhs_iot_measurement_write() wrote, or the same with names in Pascal case; texts are
 * copied into @a arena. ERR_JSON…, ERR_INVALID_ARG (what is not a measurement), ERR_NO_MEMORY.
 */
fhirstore_status fhs_iot_measurement_read(fhs_arena *arena, fhs_str text, fhs_iot_measurement *out,
                                          fhirstore_error **err);

#endif
