/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An anchor says how far a store had come: "database id:generation:sequence:link", the link in
 * hexadecimal; "-" for the id of a store that is not encrypted. Whoever keeps one elsewhere notices
 * an older copy of the store, and one whose history up to there is another.
 */
#ifndef FHS_INTERACT_ANCHOR_H
#define FHS_INTERACT_ANCHOR_H

#include "interact/core.h"

fhirstore_status fhs_core_anchor(fhs_core *core, fhs_buf *out, fhirstore_error **err);
/* ERR_OUTDATED: the store is older, or another; ERR_INVALID_ARG: @a text is no anchor. */
fhirstore_status fhs_core_check_anchor(fhs_core *core, fhs_str text, fhirstore_error **err);

#endif
