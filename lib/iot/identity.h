/* SPDX-License-Identifier: Apache-2.0 */
/* From the ids of measurements to resources of the store. */
#ifndef FHS_IOT_IDENTITY_H
#define FHS_IOT_IDENTITY_H

#include "iot/ingest.h"
#include "iot/map.h"

/* What a bucket is about, or why that cannot be told. */
typedef struct fhs_iot_identity {
    fhs_str patient_id; /* logical ids */
    fhs_str device_id;
    fhs_str encounter_id; /* empty: none */
    const char *kind;     /* NULL: it is known */
    bool is_refused;      /* it may be there: nothing is to be created in its place */
    fhs_str why;
} fhs_iot_identity;

/* One batch at work. */
typedef struct fhs_iot_resolver {
    fhs_call *call; /* of the batch, in its write transaction */
    const fhs_iot_ingesting *how;
    fhs_arena *arena;
    fhs_iot_map known; /* fhs_iot_identity by all ids of a bucket */
} fhs_iot_resolver;

void fhs_iot_resolver_init(fhs_iot_resolver *resolver, fhs_call *call, const fhs_iot_ingesting *how,
                           fhs_arena *arena);
/*
 * Resolve the ids of @a measurement; in mode Create also by creating resources. *out lives in the
 * arena. Fails only with what ends the batch (fhs_iot_ends_batch()).
 */
fhirstore_status fhs_iot_resolve(fhs_iot_resolver *resolver, const fhs_iot_measurement *measurement,
                                 const fhs_iot_identity **out, fhirstore_error **err);

/* ---- shared with ingest.c ---- */

/* What the store itself cannot get over. */
bool fhs_iot_ends_batch(fhirstore_status status);
/* Append a token search value: "system|value" (system empty: any), escaped for an address. */
void fhs_iot_token_write(fhs_str system, fhs_str value, fhs_buf *out);
/*
 * The body of a current resource, as the session may see it, in its arena. @a call is about the
 * resource, or has found it. ERR_NOT_FOUND.
 */
fhirstore_status fhs_iot_read_body(fhs_call *call, fhs_type type, fhs_str id, fhs_str *text_out,
                                   const fhs_json **root_out, fhirstore_error **err);
/*
 * Write a resource under @a id inside a savepoint: created where nothing @a was_stored. A refusal
 * that does not end the batch leaves no trace.
 */
fhirstore_status fhs_iot_put(fhs_call *call, fhs_type type, fhs_str id, bool was_stored,
                             fhs_str text, int64_t *version_out, fhirstore_error **err);
/* What is stored under the id: *ever_out, at any time; *now_out, as a current resource. */
fhirstore_status fhs_iot_look_for_id(fhs_call *call, fhs_type type, fhs_str id, bool *ever_out,
                                     bool *now_out, fhirstore_error **err);
/* The type of this name. */
fhs_type fhs_iot_type(const fhs_call *call, const char *name);

#endif
