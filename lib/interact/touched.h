/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call has touched, for its record: the resources that were handed out or written, and the
 * patients in whose compartments they are. Nothing is gathered where nobody listens.
 *
 * How much is named has limits (FHS_LIMIT_AUDIT_RESOURCES, FHS_LIMIT_AUDIT_PATIENTS); what goes
 * beyond them sets a flag.
 */
#ifndef FHS_INTERACT_TOUCHED_H
#define FHS_INTERACT_TOUCHED_H

#include "interact/core.h"

/*
 * A resource is handed out, one of maybe many: its name is noted, and its patients are looked up by
 * fhs_touched_settle(). Leaves the connection alone.
 */
void fhs_touch(fhs_call *call, const fhs_version *version);
/*
 * The same for a version out of a history, which is looked at on the spot where it is not the
 * current one: its row list is made anew from its body. Leaves lent views alone.
 */
fhirstore_status fhs_touch_version(fhs_call *call, const fhs_version *version,
                                   fhirstore_error **err);
/*
 * The state of the resource that the call is about: its patients are looked up at once, which
 * leaves lent views alone. @a rows: its row list; @a body: its text, or empty where it is not at
 * hand.
 */
fhirstore_status fhs_touch_state(fhs_call *call, fhs_type type, fhs_entity entity, fhs_str id,
                                 fhs_str rows, fhs_str body, fhirstore_error **err);
/* The same for a current version that is lent out. */
fhirstore_status fhs_touch_current(fhs_call *call, fhs_type type, const fhs_version *version,
                                   fhirstore_error **err);
/* The same from the body alone, for one that is not current. Inside a transaction. */
fhirstore_status fhs_touch_body(fhs_call *call, fhs_type type, const fhs_version *version,
                                fhirstore_error **err);
/* Look up what is still to be looked up, in the connection's snapshot. Ends what it has lent. */
fhirstore_status fhs_touched_settle(fhs_call *call, fhirstore_error **err);
/* What was touched until now, into @a event; views into the call. */
void fhs_touched_tell(const fhs_call *call, fhs_audit_event *event);
/* Begin anew: the next page. */
void fhs_touched_forget(fhs_call *call);
void fhs_touched_drop(fhs_call *call);
/* What a session keeps of it between calls. NULL is a no-op. */
void fhs_touched_free(fhs_touched *touched);

#endif
