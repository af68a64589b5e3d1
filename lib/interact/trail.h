/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's own journal as AuditEvents "journal.1", "journal.2" …: read and searched by those who
 * may look at the journal, together with the AuditEvents that clients have stored. Nobody writes
 * them.
 */
#ifndef FHS_INTERACT_TRAIL_H
#define FHS_INTERACT_TRAIL_H

#include "audit/as_fhir.h"
#include "interact/interact.h"

/* Whether the journal takes part in what this session reads there. Says nothing to anybody. */
bool fhs_trail_is_open(fhs_session *session, fhs_type type);
/* What else a call must be allowed that looks at the journal in whatever form: all AuditEvents. */
fhirstore_status fhs_trail_check(fhs_call *call, fhirstore_error **err);
/* Whether @a id is one of the journal's; only then, and where it is open, it is read there. */
bool fhs_trail_has_id(const fhs_core *core, fhs_type type, fhs_str id);
/* @a version 0: the current one, which is the only one. */
fhirstore_status fhs_trail_read(fhs_session *session, fhs_type type, fhs_str id, int64_t version,
                                const fhs_unless *unless, fhs_answer *answer,
                                fhirstore_error **err);
/* One page of both kinds as a searchset Bundle. */
fhirstore_status fhs_trail_search(fhs_session *session, const fhs_place *place, fhs_str query,
                                  bool lenient, bool ready_only, fhs_answer *answer,
                                  fhirstore_error **err);
/* ERR_METHOD for what would write one of the journal's. */
fhirstore_status fhs_trail_guard(const fhs_call *call, fhs_type type, fhs_str id,
                                 fhirstore_error **err);

/* ---- within the room ---- */

/* A call that looks at the journal in the form of AuditEvents: asked for as any look at it. */
fhirstore_status fhs_trail_call(fhs_call *call, fhs_type type, fhs_work_fn work, void *ctx,
                                fhirstore_error **err);
fhs_audit_style fhs_trail_style(const fhs_core *core);

#endif
