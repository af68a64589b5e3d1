/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of patients, in stores that were created with them. Every Patient that is stored or
 * referenced gets a random key, wrapped, in a row of patient_key; bodies that belong to patients
 * are sealed with theirs before they come into any table. Once the row is gone, nothing that was
 * sealed with the key can be read any more, in the store or in copies that were made without keys.
 *
 *     body  01  n (1)  n * entity (8)  box                     n = 1: under the patient's key
 *                                      n * box of K  box       n > 1: K, which each of them opens
 *
 * A box is nonce (24), tag (16), ciphertext (keys/box.h). JSON never begins with 01. A body of more
 * than FHS_LIMIT_BODY_PATIENTS patients stays as it is.
 */
#ifndef FHS_STORAGE_PATIENT_H
#define FHS_STORAGE_PATIENT_H

#include "storage/storage.h"

/* One version's body that is sealed for a patient. */
typedef struct fhs_patient_body {
    fhs_entity entity;
    int64_t seq;
    int64_t version;
    bool is_current;
    bool is_shared; /* with a patient who is still there */
} fhs_patient_body;

/* Call @a visit for each, until one is not OK. The connection must not be used for other bodies. */
fhirstore_status fhs_patient_each_body(fhs_conn *conn, fhs_entity patient,
                                       fhirstore_status (*visit)(void *ctx,
                                                                 const fhs_patient_body *body),
                                       void *ctx, fhirstore_error **err);
/*
 * Destroy the key, in the write transaction of @a conn; what is still sealed for others is theirs
 * alone. Names that nobody refers to any more go as well; *stays_out: somebody still refers to the
 * patient, so the name stays, with a new key.
 */
fhirstore_status fhs_patient_destroy(fhs_conn *conn, fhs_entity patient, bool *stays_out,
                                     fhirstore_error **err);

/* The key of a patient, by number. *found_out false: there is none. Wipe it after use. */
fhirstore_status fhs_patient_key(fhs_conn *conn, fhs_entity patient, uint8_t key_out[32],
                                 bool *found_out, fhirstore_error **err);
/* The number of a Patient that is stored or referenced; 0: there is none. */
fhirstore_status fhs_patient_find(fhs_conn *conn, fhs_str id, fhs_entity *out,
                                  fhirstore_error **err);
/* Whether the store of this connection has such keys. */
bool fhs_conn_has_patient_keys(const fhs_conn *conn);

/* Whether @a entity is a patient with a key. */
fhirstore_status fhs_patient_has_key(fhs_conn *conn, fhs_entity entity, bool *yes_out,
                                     fhirstore_error **err);
/* Which patients the body of @a seq is sealed for, FHS_LIMIT_BODY_PATIENTS at most. */
fhirstore_status fhs_patient_owners(fhs_conn *conn, int64_t seq, fhs_entity *out, size_t *count_out,
                                    fhirstore_error **err);

/* What a shred leaves to be done when it has committed; kept in the store. */
fhirstore_status fhs_patient_set_untidy(fhs_conn *conn, bool yes, fhirstore_error **err);
fhirstore_status fhs_patient_is_untidy(fhs_conn *conn, bool *yes_out, fhirstore_error **err);

#endif
