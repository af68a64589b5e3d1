/* SPDX-License-Identifier: Apache-2.0 */
/* X-Provenance: what a client says of its write is stored with it. */
#ifndef FHS_INTERACT_PROVENANCE_H
#define FHS_INTERACT_PROVENANCE_H

#include "interact/core.h"

/* The call, perhaps inside another one, has ended well: if it wrote a version, the outermost one
 * keeps that in mind. */
fhirstore_status fhs_provenance_note(fhs_call *call, fhirstore_error **err);
/*
 * Store the Provenance that the session holds for the outermost @a call, its targets the versions
 * that were noted, in the same transaction and as a call of its own.
 */
fhirstore_status fhs_provenance_store(fhs_call *call, fhirstore_error **err);

#endif
