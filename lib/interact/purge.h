/* SPDX-License-Identifier: Apache-2.0 */
/* Removing versions for good, inside the write transaction of a call. */
#ifndef FHS_INTERACT_PURGE_H
#define FHS_INTERACT_PURGE_H

#include "interact/core.h"

/*
 * Remove a resource with its history. @a current: its row list included, views copied out of the
 * connection. Asks for the right to delete besides; the call's own is that to delete for good.
 */
fhirstore_status fhs_purge_resource(fhs_call *call, const fhs_version *current,
                                    fhirstore_error **err);
/*
 * Take the words of a resource out of the full-text index: all of them, or those of a version that
 * is no longer current. The views of @a current live elsewhere than in the connection.
 */
fhirstore_status fhs_purge_words(fhs_call *call, const fhs_version *current, bool whole,
                                 fhirstore_error **err);
/*
 * Of a type without history: @a replaced is about to become an old version, and then has become
 * one. The first is called before the write, the second after it.
 */
fhirstore_status fhs_purge_forget_words(fhs_call *call, const fhs_version *replaced,
                                        fhirstore_error **err);
fhirstore_status fhs_purge_replaced(fhs_call *call, fhs_type type, const fhs_version *replaced,
                                    fhirstore_error **err);

/* Remove all versions of a resource but the current one. ERR_NOT_FOUND. */
fhirstore_status fhs_purge_history(fhs_call *call, fhs_type type, fhs_str id, int64_t *count_out,
                                   fhirstore_error **err);
/* The same as a call of its own: NO_CONTENT. */
fhirstore_status fhs_interact_purge_history(fhs_session *session, fhs_type type, fhs_str id,
                                            fhs_answer *answer, fhirstore_error **err);
/* That, inside the write transaction of a call for the resource's type. */
fhirstore_status fhs_interact_purge_history_in(fhs_call *call, fhs_str id, fhs_answer *answer,
                                               fhirstore_error **err);

#endif
