/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's own journal at work. Records of a write go into its transaction. Those of reads, and
 * of what was refused, wait in memory until there are many, the oldest is a second old, or the next
 * write takes them along; in strict mode each is on disk before its answer is given.
 */
#ifndef FHS_INTERACT_LEDGER_H
#define FHS_INTERACT_LEDGER_H

#include "audit/journal.h"
#include "interact/core.h"

/* Begin to keep a journal for @a core, unless @a mode (FHIRSTORE_JOURNAL_*) says not to. */
fhirstore_status fhs_ledger_open(fhs_core *core, int32_t mode, fhirstore_error **err);
/* The key of the journal in a store that is not encrypted; *found_out false: it has none. */
fhirstore_status fhs_ledger_plain_key(fhs_core *core, uint8_t key_out[FHS_JOURNAL_KEY_BYTES],
                                      bool *found_out, fhirstore_error **err);
/* Everything that waits is written, and nothing is said to wait any more. */
fhirstore_status fhs_ledger_rest(fhs_core *core, fhirstore_error **err);
/* Everything that waits is written. */
void fhs_ledger_close(fhs_core *core);
fhs_journal *fhs_ledger_journal(const fhs_ledger *ledger);
fhs_str fhs_ledger_owner(const fhs_ledger *ledger);

/* The time of an event: never before that of the last one, which is noted where it matters. */
void fhs_ledger_stamp(const fhs_core *core, fhs_audit_event *event);
/* One event. In strict mode an error says that it could not be kept: nothing may be answered. */
fhirstore_status fhs_ledger_note(fhs_call *call, const fhs_audit_event *event,
                                 fhirstore_error **err);
/* Before the commit of @a root: what waits and what it has noted goes into its transaction. */
fhirstore_status fhs_ledger_settle(fhs_call *root, fhirstore_error **err);
/* Whether that transaction was committed. */
void fhs_ledger_settled(fhs_call *root, bool is_committed);
/* @a root was rolled back: what it noted did not happen. */
void fhs_ledger_forget(fhs_call *root);
/* Write what waits, in a transaction of its own. */
fhirstore_status fhs_ledger_flush(fhs_core *core, fhirstore_error **err);

#endif
