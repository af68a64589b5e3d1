/* SPDX-License-Identifier: Apache-2.0 */
/* X-Provenance: what a client says of its write is stored with it. */
#ifndef FHS_INTERACT_PROVENANCE_H
#define FHS_INTERACT_PROVENANCE_H

#include "interact/core.h"

/*
 * The call wrote a version: store the Provenance that its session holds for it, with that version
 * as its target, in the same transaction and as a call of its own.
 */
fhirstore_status fhs_provenance_store(fhs_call *call, fhirstore_error **err);

#endif
