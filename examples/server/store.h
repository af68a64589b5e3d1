/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include <fhirstore/fhirstore.h>

#include "config.h"

/* Open the store with its key and policy; NULL: what is wrong has been said on standard error. */
fhirstore *open_store(const web_config *config);
/* Index and journal what is due, a little at a time. */
void maintain_store(fhirstore *store);

#endif
