/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file shred.h  The end of one patient in a store with keys of patients.
 *
 * In a store that was created with FHIRSTORE_OPEN_PATIENT_KEYS every Patient has a data key of its
 * own, and the bodies of what is in that patient's compartment, old versions included, are sealed
 * with it, inside the encryption of the store. The keys are in one table, wrapped; copies can be
 * made without it (FHIRSTORE_BACKUP_WITHOUT_PATIENT_KEYS). Destroying a key makes unreadable what
 * was sealed with it, also in those copies. docs/shredding.md says whose is what, and what stays.
 */
#ifndef FHIRSTORE_SHRED_H
#define FHIRSTORE_SHRED_H

#include "buf.h"
#include "session.h"

FHIRSTORE_BEGIN_DECLS

/** Flags for fhirstore_shred_patient(). @since 0.1 */
enum fhirstore_shred_flag {
    FHIRSTORE_SHRED_LATER = 1 /**< Leave it to fhirstore_maintain() to write the file anew: for several patients, one after the other. */
};

/**
 * Destroy the key of a patient and remove what belongs to that patient alone: every version of
 * every resource, their index rows, their words and their names. What the audit journal says about
 * them cannot be read any more. The chains over changes and journal go on to verify.
 *
 * All of it is one transaction. Then the file is written anew and the log is emptied, because rows
 * that moved have left their bytes between others; that takes as long as fhirstore_compact() does,
 * and is done by fhirstore_maintain() where it could not be done here.
 *
 * Resources that belong to other patients as well stay, and so do those beyond any compartment
 * that refer to the patient: the answer names them. The audit hook is told the patient's id; the
 * journal keeps a keyed digest of it.
 *
 * @param      session  The session. It needs the right to FHIRSTORE_ACTION_SHRED for the Patient.
 * @param      id       Logical id of the Patient, which may be deleted, or never have been stored.
 * @param      id_len   Bytes.
 * @param      flags    FHIRSTORE_SHRED_*. Unknown bits are refused.
 * @param[out] buf_out  A JSON object: "resources" that went, their "versions", "stillNamedBy" (a
 *                      list of "Type/id", the first 1000), "tidy" (whether the file was written
 *                      anew). Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 *                      NULL: not wanted.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller: fhirstore_error_free().
 * @retval FHIRSTORE_ERR_NOT_FOUND      There is no such patient, or no longer.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store was created without keys of patients.
 * @retval FHIRSTORE_ERR_DENIED         The authorizer said no.
 * @retval FHIRSTORE_ERR_READ_ONLY      The store is open for reading.
 * @par Threads  One at a time a session; waits for other writers; long.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_shred_patient(fhirstore_session *session, const char *id,
                                                       size_t id_len, uint32_t flags,
                                                       fhirstore_buf *buf_out,
                                                       fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
