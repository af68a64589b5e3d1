/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FHIR interactions. Each is one call from access check to audit record; typed functions, the
 * request entry and bundles (lib/rest), operations and imports all come through here.
 */
#ifndef FHS_INTERACT_INTERACT_H
#define FHS_INTERACT_INTERACT_H

#include "interact/core.h"
#include "interact/place.h"
#include "interact/write.h"
#include "search/search.h"

/* The type called @a name, or ERR_UNKNOWN_TYPE. */
fhirstore_status fhs_resource_type(const fhs_core *core, fhs_str name, fhs_type *out,
                                   fhirstore_error **err);

fhirstore_status fhs_interact_create(fhs_session *session, fhs_type type, fhs_str body,
                                     fhs_answer *answer, fhirstore_error **err);
/* When not to send what the client has already: NOT_MODIFIED. The first that is given counts. */
typedef struct fhs_unless {
    fhs_str tags;              /* If-None-Match as it came: "*" or a list of entity tags */
    int64_t version;           /* the version it has; 0: not given */
    int64_t modified_since_us; /* 0: not given */
} fhs_unless;

/* NULL knows nothing. Of @a version number and time count. */
bool fhs_unless_knows(const fhs_unless *unless, const fhs_version *version);

/* @a unless NULL: in any case. */
fhirstore_status fhs_interact_read(fhs_session *session, fhs_type type, fhs_str id,
                                   const fhs_unless *unless, fhs_answer *answer,
                                   fhirstore_error **err);
fhirstore_status fhs_interact_vread(fhs_session *session, fhs_type type, fhs_str id,
                                    int64_t version, fhs_answer *answer, fhirstore_error **err);
/*
 * The conditional ones: what @a criteria match decides, inside the transaction that writes.
 * ERR_MULTIPLE_MATCHES. Without any criteria: ERR_QUERY for create and update, else
 * ERR_PRECONDITION.
 */
fhirstore_status fhs_interact_create_where(fhs_session *session, fhs_type type, fhs_str criteria,
                                           fhs_str body, fhs_answer *answer, fhirstore_error **err);
fhirstore_status fhs_interact_update_where(fhs_session *session, fhs_type type, fhs_str criteria,
                                           fhs_str body, const fhs_condition *condition,
                                           fhs_answer *answer, fhirstore_error **err);
fhirstore_status fhs_interact_delete_where(fhs_session *session, fhs_type type, fhs_str criteria,
                                           const fhs_condition *condition, fhs_answer *answer,
                                           fhirstore_error **err);
fhirstore_status fhs_interact_update(fhs_session *session, fhs_type type, fhs_str id, fhs_str body,
                                     const fhs_condition *condition, fhs_answer *answer,
                                     fhirstore_error **err);
fhirstore_status fhs_interact_delete(fhs_session *session, fhs_type type, fhs_str id,
                                     const fhs_condition *condition, fhs_answer *answer,
                                     fhirstore_error **err);
/* @a id empty: of the type; @a type FHS_TYPE_NONE: of the store; @a lenient: unknown parameters are
 * passed over. */
fhirstore_status fhs_interact_history(fhs_session *session, fhs_type type, fhs_str id,
                                      fhs_str query, bool lenient, fhs_answer *answer,
                                      fhirstore_error **err);
/* One page as a searchset Bundle. */
fhirstore_status fhs_interact_search_bundle(fhs_session *session, const fhs_place *place,
                                            fhs_str query, bool lenient, bool ready_only,
                                            fhs_answer *answer, fhirstore_error **err);
/* Without the store's journal, which takes part in searches for AuditEvents (trail.h). */
fhirstore_status fhs_interact_search_stored(fhs_session *session, const fhs_place *place,
                                            fhs_str query, bool lenient, bool ready_only,
                                            fhs_answer *answer, fhirstore_error **err);
fhirstore_status fhs_interact_search_total(fhs_session *session, const fhs_place *place,
                                           fhs_str query, int64_t *count_out,
                                           fhirstore_error **err);
fhirstore_status fhs_interact_search_plan(fhs_session *session, const fhs_place *place,
                                          fhs_str query, fhs_buf *out, fhirstore_error **err);
/* The same inside the transaction of an enclosing call. */
fhirstore_status fhs_interact_create_in(fhs_call *outer, const fhs_prepared *prepared, fhs_str id,
                                        bool with_body, fhs_answer *answer, fhirstore_error **err);
fhirstore_status fhs_interact_update_in(fhs_call *outer, const fhs_prepared *prepared, fhs_str id,
                                        const fhs_condition *condition, bool with_body,
                                        fhs_answer *answer, fhirstore_error **err);
fhirstore_status fhs_interact_delete_in(fhs_call *outer, fhs_type type, fhs_str id,
                                        const fhs_condition *condition, fhs_answer *answer,
                                        fhirstore_error **err);
fhirstore_status fhs_interact_delete_where_in(fhs_call *outer, fhs_type type, fhs_str criteria,
                                              const fhs_condition *condition, fhs_answer *answer,
                                              fhirstore_error **err);
/* A conditional create that found its resource. */
fhirstore_status fhs_interact_found_in(fhs_call *outer, fhs_type type, fhs_str id, bool with_body,
                                       fhs_answer *answer, fhirstore_error **err);
/* One page, as the request entry has it. */
fhirstore_status fhs_interact_search_in(fhs_call *outer, const fhs_place *place, fhs_str query,
                                        bool lenient, fhs_answer *answer, fhirstore_error **err);
fhirstore_status fhs_interact_history_in(fhs_call *outer, fhs_type type, fhs_str id, fhs_str query,
                                         bool lenient, fhs_answer *answer, fhirstore_error **err);
/* @a version 0: the current one. */
fhirstore_status fhs_interact_read_in(fhs_call *outer, fhs_type type, fhs_str id, int64_t version,
                                      const fhs_unless *unless, fhs_answer *answer,
                                      fhirstore_error **err);

/* ---- the journal (FHIRSTORE_ACTION_AUDIT) ---- */

/*
 * Make anew what can be made of what is stored (areas "repaired"), and look again (area "left").
 * ERR_CORRUPT: findings are left, *left_out of them.
 */
fhirstore_status fhs_interact_repair(fhs_session *session, fhs_finding_fn report, void *ctx,
                                     int64_t *left_out, fhirstore_error **err);


/* Append at most @a max records as NDJSON; *next_out 0: there are no more. */
fhirstore_status fhs_interact_journal_read(fhs_session *session, int64_t from, int64_t max,
                                           fhs_buf *out, int64_t *next_out, fhirstore_error **err);
/* Append the report, also with ERR_TAMPERED. */
fhirstore_status fhs_interact_journal_verify(fhs_session *session, fhs_str anchor, fhs_buf *out,
                                             fhirstore_error **err);
fhirstore_status fhs_interact_journal_anchor(fhs_session *session, fhs_buf *out,
                                             fhirstore_error **err);
fhirstore_status fhs_interact_journal_retain(fhs_session *session, int64_t before_us,
                                             fhirstore_error **err);

#endif
