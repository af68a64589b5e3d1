/* SPDX-License-Identifier: Apache-2.0 */
/* What a session may do, and which rule says so, as JSON. */
#ifndef FHS_INTERACT_EXPLAIN_H
#define FHS_INTERACT_EXPLAIN_H

#include "interact/core.h"

/* Everything that is granted, at system level and for @a type, or FHS_TYPE_NONE: for each. */
fhirstore_status fhs_interact_introspect(fhs_session *session, fhs_type type, fhs_buf *out,
                                         fhirstore_error **err);
/*
 * The decision about one question, with the rule behind it; with an id whether that resource is
 * seen, which is recorded as the action is.
 */
fhirstore_status fhs_interact_explain(fhs_session *session, int32_t action, fhs_type type,
                                      fhs_str id, fhs_buf *out, fhirstore_error **err);

#endif
