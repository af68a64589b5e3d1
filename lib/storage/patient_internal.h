/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of patients, as the other files of this room use them. */
#ifndef FHS_STORAGE_PATIENT_INTERNAL_H
#define FHS_STORAGE_PATIENT_INTERNAL_H

#include "storage/patient.h"
#include "storage/storage_internal.h"

/* The body as a whole; parts count from 0. */
#define FHS_BODY_WHOLE (-1)

/* The tables, in the transaction that creates the store. */
fhirstore_status fhs_patient_create(fhs_conn *conn, fhirstore_error **err);
/* Find out whether the store has them, and what unwraps its keys. */
fhirstore_status fhs_patient_open(fhs_storage *storage, fhs_conn *conn, fhirstore_error **err);
void fhs_patient_close(fhs_storage *storage);

/* A new entity of @a type: a Patient gets its key. */
fhirstore_status fhs_patient_meet(fhs_conn *conn, int32_t type, fhs_entity entity,
                                  fhirstore_error **err);
/* Forget the keys that the connection remembers; with @a names, those of entities too. */
void fhs_patient_forget(fhs_conn *conn);
/* Another connection has removed names: forget what may be outdated. */
void fhs_patient_catch_up(fhs_conn *conn);

static inline bool fhs_body_is_sealed(fhs_str body)
{
    return body.len > 0 && body.ptr[0] == 1;
}
/* Append @a plain to @a out, sealed for those patients; there is at least one. */
fhirstore_status fhs_body_seal(fhs_conn *conn, int64_t seq, int64_t part, const fhs_write *write,
                               fhs_str plain, fhs_buf *out, fhirstore_error **err);
/* Append what was sealed. ERR_SHREDDED: no key opens it. */
fhirstore_status fhs_body_unseal(fhs_conn *conn, int64_t seq, int64_t part, fhs_str sealed,
                                 fhs_buf *out, fhirstore_error **err);
/* Put the plain body of a version that was just filled in place of the sealed one. */
fhirstore_status fhs_body_open(fhs_conn *conn, fhs_version *version, fhs_buf *keep,
                               fhirstore_error **err);
/* Whether this write's body is sealed. */
bool fhs_write_is_sealed(const fhs_conn *conn, const fhs_write *write);

#endif
