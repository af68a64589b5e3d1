/* SPDX-License-Identifier: Apache-2.0 */
/* What the host calls: texts in, NDJSON out. */
#ifndef FHS_IOT_BATCH_H
#define FHS_IOT_BATCH_H

#include "iot/ingest.h"
#include "iot/mapping.h"
#include "iot/normalise.h"

/* A message or, where @a event is not NULL, an event: measurements and faults as NDJSON. */
fhirstore_status fhs_iot_batch_normalise(const fhs_iot_mapping *mapping, fhs_str message,
                                         const fhs_iot_event *event, unsigned text_flags,
                                         fhs_buf *measurements, fhs_buf *faults,
                                         fhirstore_error **err);

typedef struct fhs_iot_batch_totals {
    int64_t messages;
    int64_t dropped;
    int64_t faults;
    int64_t measurements;
    fhs_iot_totals groups;
} fhs_iot_batch_totals;

/* What a batch is made of: events, or lines that are measurements. */
typedef struct fhs_iot_batch {
    const fhs_iot_ingesting *how;
    const fhs_iot_mapping *device; /* of events */
    unsigned text_flags;
    const fhs_iot_event *events;
    size_t event_count;
    fhs_str lines;
} fhs_iot_batch;

/* Append the report (NULL: none). On failure nothing is stored, and the report is of no use. */
fhirstore_status fhs_iot_batch_ingest(fhs_session *session, const fhs_iot_batch *batch,
                                      fhs_buf *report, fhs_iot_batch_totals *totals,
                                      fhirstore_error **err);

#endif
