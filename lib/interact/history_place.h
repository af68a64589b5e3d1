/* SPDX-License-Identifier: Apache-2.0 */
/* Where the next page of a history begins: sealed, and of use for the same question only. */
#ifndef FHS_INTERACT_HISTORY_PLACE_H
#define FHS_INTERACT_HISTORY_PLACE_H

#include "interact/core.h"

typedef struct fhs_history_place {
    int64_t total;    /* of the first page */
    int64_t last_seq; /* of the last version that was told */
    int64_t top_seq;  /* the newest when the first page was made; 0: does not matter */
} fhs_history_place;

/* Append it as URL text, bound to the principal, what the call is about and @a query. */
fhirstore_status fhs_history_place_seal(const fhs_call *call, fhs_str query,
                                        const fhs_history_place *place, fhs_buf *out,
                                        fhirstore_error **err);
/* ERR_PAGE_TOKEN for anything that was not sealed for the same. */
fhirstore_status fhs_history_place_open(const fhs_call *call, fhs_str query, fhs_str text,
                                        fhs_history_place *out, fhirstore_error **err);

#endif
