/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which resources are there for a call that did not come to read them: those that are current and
 * that its principal may read. What is hidden, deleted or was never there is the same. Asking is
 * no reading: the authorizer decides about each type once, and nothing is recorded.
 */
#ifndef FHS_INTERACT_PRESENCE_H
#define FHS_INTERACT_PRESENCE_H

#include "interact/core.h"

typedef struct fhs_presence {
    fhs_call probe; /* reads, inside the call that asks */
} fhs_presence;

/* @a call has its connection, in a transaction. fhs_presence_end() in any case. */
void fhs_presence_begin(fhs_presence *presence, fhs_call *call);
void fhs_presence_end(fhs_presence *presence);

fhirstore_status fhs_presence_has(fhs_presence *presence, fhs_type type, fhs_str id, bool *yes_out,
                                  fhirstore_error **err);
/* Its text, appended to @a out, which stays empty where there is none. */
fhirstore_status fhs_presence_read(fhs_presence *presence, fhs_type type, fhs_str id, fhs_buf *out,
                                   fhirstore_error **err);

#endif
