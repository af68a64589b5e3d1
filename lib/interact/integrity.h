/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Referential integrity, where the store is opened with it: what a transaction wrote refers to
 * nothing that is not there, and what it deleted is referred to by nothing that is left. Writes are
 * noted as they happen and looked at together before the transaction commits, so that resources may
 * come and go in any order within one.
 *
 * "There" is what the principal may read (presence.h): a target that is hidden is like one that is
 * absent. A referrer counts whether it may be seen or not, and no text tells which it is.
 */
#ifndef FHS_INTERACT_INTEGRITY_H
#define FHS_INTERACT_INTEGRITY_H

#include "interact/core.h"
#include "interact/write.h"

/*
 * A version of the resource was stored in the transaction of @a call. What it
 * replaces (@a old_body; empty: nothing, or it is large) has references that were accepted once:
 * they may stay, whoever changes the rest.
 */
fhirstore_status fhs_integrity_note(fhs_call *call, fhs_type type, fhs_str id, fhs_str old_body,
                                    fhirstore_error **err);
fhirstore_status fhs_integrity_note_deletion(fhs_call *call, fhs_type type, fhs_str id,
                                             fhirstore_error **err);
/* All that was noted: ERR_CONFLICT, with the entry it is about. For the outermost call. */
fhirstore_status fhs_integrity_settle(fhs_call *call, fhirstore_error **err);
void fhs_integrity_forget(fhs_call *call);

/* Would the deletion of what is there now be refused? OK where integrity is not asked for. */
fhirstore_status fhs_integrity_check_deletion(fhs_call *call, fhs_type type, fhs_str id,
                                              fhirstore_error **err);

/*
 * What a query says about _cascade: *query_out is the rest of it (in @a arena), *cascade_out
 * whether it says delete. ERR_QUERY: another value, or the store does not allow it.
 */
fhirstore_status fhs_integrity_take_cascade(const fhs_core *core, fhs_arena *arena, fhs_str query,
                                            fhs_str *query_out, bool *cascade_out,
                                            fhirstore_error **err);
/* Whether a deletion may take others along: ERR_QUERY where the store was not opened for it. */
fhirstore_status fhs_integrity_allows_cascade(const fhs_core *core, const fhs_condition *condition,
                                              fhirstore_error **err);
/*
 * The resource was just deleted: delete what refers to it, what refers to that, and so on, each as
 * a call of its own inside @a call. ERR_CONFLICT where one may not be deleted; ERR_LIMIT.
 */
fhirstore_status fhs_integrity_cascade(fhs_call *call, fhs_type type, fhs_str id,
                                       fhirstore_error **err);

#endif
