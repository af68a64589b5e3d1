/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record says of patients, in a store with keys of patients: sealed with those keys inside
 * the sealed block, so that it ends with them while the block, and the chain over it, stay.
 *
 * Each patient's id is under that patient's key. Id, query, resources and restriction are under a
 * key that is made of all of theirs: who of them goes takes these along. A record that names no
 * patient has keyed digests in place of what could still tell of one.
 */
#ifndef FHS_AUDIT_FIELDS_H
#define FHS_AUDIT_FIELDS_H

#include "audit/journal.h"

/* Append @a records to @a out as they are to be stored. Uses the connection. */
fhirstore_status fhs_fields_seal(const fhs_journal *journal, fhs_conn *conn, fhs_str records,
                                 fhs_buf *out, fhirstore_error **err);
/* The other way round; what no key opens is empty. */
fhirstore_status fhs_fields_open(fhs_conn *conn, fhs_str records, fhs_buf *out,
                                 fhirstore_error **err);

#endif
