/* SPDX-License-Identifier: Apache-2.0 */
/* Audit events as bytes: a block is one record behind the other. */
#ifndef FHS_AUDIT_BLOCK_H
#define FHS_AUDIT_BLOCK_H

#include "audit/audit.h"
#include "base/buf.h"

/* Append @a event, whole or not at all: OK, ERR_NO_MEMORY, ERR_LIMIT. */
fhirstore_status fhs_block_add(fhs_buf *block, const fhs_audit_event *event);
/* The same of one whose patients, and with @a is_sealed texts as well, are sealed (fields.h). */
fhirstore_status fhs_block_add_sealed(fhs_buf *block, const fhs_audit_event *event, bool is_sealed);
/* Whether the texts of the first record are. */
bool fhs_block_is_sealed(fhs_str block);
/*
 * Take the next event off the front of @a rest; its texts are views into the block. False: that is
 * no event (the block ends, or is not what fhs_block_add() wrote).
 */
bool fhs_block_next(fhs_str *rest, fhs_audit_event *event);

#endif
