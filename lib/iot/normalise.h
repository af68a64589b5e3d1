/* SPDX-License-Identifier: Apache-2.0 */
/* From a message to measurements. */
#ifndef FHS_IOT_NORMALISE_H
#define FHS_IOT_NORMALISE_H

#include "iot/device.h"
#include "iot/measurement.h"

/* How, and for whom: the same for many messages. */
typedef struct fhs_iot_normaliser {
    const fhs_iot_device_mapping *mapping;
    unsigned flags;         /* of fhs_expression_to_text() */
    fhs_arena *scratch;     /* forgotten with each message; budget FHS_LIMIT_IOT_BYTES */
    fhs_iot_faults *faults; /* in an arena of their own */
    /* Told of each measurement, whose texts live until the next message. */
    fhirstore_status (*emit)(void *ctx, const fhs_iot_measurement *measurement);
    void *ctx;
    int64_t message_count; /* messages seen; the number of the next one */
    int64_t measurement_count;
    int64_t fault_count;
    int64_t dropped_count; /* messages without measurements and without fault */
} fhs_iot_normaliser;

/*
 * Normalise one message: any JSON object. A fault ends the message; what it gave before stays.
 * @a ingested: when the message arrived, or FHS_IOT_NO_TIME. Fails only with what @a emit fails
 * with, and ERR_NO_MEMORY.
 */
fhirstore_status fhs_iot_normalise(fhs_iot_normaliser *normaliser, fhs_str message,
                                   int64_t ingested, fhirstore_error **err);

/* An event as brokers hand it out. */
typedef struct fhs_iot_event {
    fhs_str body;              /* one JSON value; what follows it is ignored; empty: null */
    fhs_str properties;        /* a JSON object; empty: {} */
    fhs_str system_properties; /* the same */
    int64_t enqueued;          /* ticks, or FHS_IOT_NO_TIME */
} fhs_iot_event;

/* The same of the message {"Body": …, "Properties": …, "SystemProperties": …}. */
fhirstore_status fhs_iot_normalise_event(fhs_iot_normaliser *normaliser, const fhs_iot_event *event,
                                         fhirstore_error **err);

#endif
