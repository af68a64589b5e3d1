/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured of a patient, as (time, value) rows. */
#ifndef FHS_IOT_SAMPLES_H
#define FHS_IOT_SAMPLES_H

#include "interact/core.h"

typedef struct fhs_iot_samples_query {
    fhs_str patient; /* "id" or "Patient/id" */
    fhs_str code;    /* "system|code", "|code" or "code" */
    int64_t from;    /* ticks: [from, to) */
    int64_t to;
    bool is_csv;
} fhs_iot_samples_query;

/*
 * Append the rows to @a out (which may drain). ERR_DENIED, ERR_INVALID_ARG (no patient id, no
 * code), what @a out fails with.
 */
fhirstore_status fhs_iot_samples(fhs_session *session, const fhs_iot_samples_query *query,
                                 fhs_buf *out, int64_t *count_out, fhirstore_error **err);

#endif
