/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of measurements into the store: one call, one transaction. What a group cannot get over
 * is its outcome; what the store cannot get over undoes the batch.
 */
#ifndef FHS_IOT_INGEST_H
#define FHS_IOT_INGEST_H

#include "interact/core.h"
#include "iot/observation.h"

typedef enum fhs_iot_identity_mode {
    FHS_IOT_LOOKUP,
    FHS_IOT_CREATE,
    FHS_IOT_LOOKUP_WITH_ENCOUNTER,
} fhs_iot_identity_mode;

typedef struct fhs_iot_ingesting {
    const fhs_iot_fhir_mapping *mapping;
    fhs_iot_identity_mode mode;
    fhs_str device_system; /* of Device identifiers; empty: any */
    fhs_str system;        /* of what the engine makes; empty: FHS_IOT_SYSTEM */
    unsigned flags;        /* FHS_IOT_STRICT … */
    int64_t now_us;        /* of "issued"; 0: the store's clock */
} fhs_iot_ingesting;

typedef enum fhs_iot_result {
    FHS_IOT_CREATED,
    FHS_IOT_UPDATED,
    FHS_IOT_UNCHANGED,
    FHS_IOT_FAILED,
} fhs_iot_result;

/* What became of a group, or of a bucket that gave none. */
typedef struct fhs_iot_outcome fhs_iot_outcome;

struct fhs_iot_outcome {
    fhs_iot_result result;
    fhs_str type;
    fhs_str device_id; /* as the measurements have it */
    bool has_period;
    int64_t start;
    int64_t end;
    uint32_t measurement_count;
    fhs_str id; /* of the Observation; empty where it failed */
    int64_t version;
    const char *kind; /* of failures */
    fhs_str why;
    fhs_str field;
    fhs_iot_outcome *next;
};

typedef struct fhs_iot_totals {
    int64_t created;
    int64_t updated;
    int64_t unchanged;
    int64_t failed;
} fhs_iot_totals;

/* What came of a batch. All lives in the arena that was given. */
typedef struct fhs_iot_ingested {
    fhs_iot_outcome *first; /* in the order of the groups */
    fhs_iot_outcome *last;
    fhs_iot_totals totals;
} fhs_iot_ingested;

/*
 * @a report gets a line each outcome, before the batch is committed: what cannot be told is not
 * stored either. NULL: none. ERR_DENIED where the session may do nothing at all; ERR_BUSY, ERR_FULL
 * … as any write; on failure nothing is stored.
 */
fhirstore_status fhs_iot_ingest(fhs_session *session, const fhs_iot_ingesting *how,
                                fhs_arena *arena, const fhs_iot_measurement *const *list,
                                size_t count, fhs_buf *report, fhs_iot_ingested *out,
                                fhirstore_error **err);

/* Append an outcome as a JSON object. */
void fhs_iot_outcome_write(const fhs_iot_outcome *outcome, fhs_buf *out);

#endif
