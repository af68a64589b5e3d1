/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a patient: key, resources, history, words, and what the journal could tell. */
#ifndef FHS_INTERACT_SHRED_H
#define FHS_INTERACT_SHRED_H

#include "interact/core.h"

/*
 * Destroy the key of a patient and remove all that is in that compartment alone. *@a report gets a
 * JSON object. @a later: the file is put in order by maintenance, not here.
 * ERR_NOT_FOUND, ERR_NOT_SUPPORTED, ERR_DENIED.
 */
fhirstore_status fhs_interact_shred(fhs_session *session, fhs_str id, bool later, fhs_buf *report,
                                    fhirstore_error **err);
/*
 * What a shred has committed and not yet done: the file is written anew, so that nothing is left in
 * the space between rows. *done_out false: a reader still keeps the log, maintenance goes on.
 */
fhirstore_status fhs_shred_tidy(fhs_core *core, bool *done_out, fhirstore_error **err);

#endif
