/* SPDX-License-Identifier: Apache-2.0 */
/* Journal records as people and programs read them. */
#ifndef FHS_AUDIT_WORDS_H
#define FHS_AUDIT_WORDS_H

#include "audit/audit.h"
#include "base/buf.h"

/* "read", "search" …; "" for an action that has no name. */
fhs_str fhs_audit_action_name(int32_t action);
/* Append one JSON object on one line. What does not apply is left out. */
void fhs_audit_write_json(int64_t number, const fhs_audit_event *event, fhs_buf *out);

#endif
