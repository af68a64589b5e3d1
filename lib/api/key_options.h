/* SPDX-License-Identifier: Apache-2.0 */
/* What a new key slot is made for, in the words of the rooms below. */
#ifndef FHS_API_KEY_OPTIONS_H
#define FHS_API_KEY_OPTIONS_H

#include "fhirstore/keys.h"
#include "keys/keys.h"

typedef struct fhs_new_key {
    fhs_credential credential;
    fhs_key_cost cost;
    fhs_str label;
} fhs_new_key;

/* Borrows what @a options point to. ERR_INVALID_ARG and ERR_ABI. */
fhirstore_status fhs_read_key_options(const fhirstore_key_options *options, fhs_new_key *out,
                                      fhirstore_error **err);

#endif
