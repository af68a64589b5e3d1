/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the CapabilityStatement. */
#ifndef FHS_REST_CAPABILITY_H
#define FHS_REST_CAPABILITY_H

#include "interact/core.h"

/* Append the operations of a type, or of the system (FHS_TYPE_NONE), if there are any. */
void fhs_capability_operations(fhs_core *core, fhs_type type, fhs_buf *out);

#endif
