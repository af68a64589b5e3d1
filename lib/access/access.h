/* SPDX-License-Identifier: Apache-2.0 */
/* May this principal do this? Anything but a clear yes is no. */
#ifndef FHS_ACCESS_ACCESS_H
#define FHS_ACCESS_ACCESS_H

#include "base/arena.h"
#include "base/error.h"
#include "fhirstore/access.h"

/* Who a session works for. Strings end in NUL and live as long as the session. */
typedef struct fhs_principal {
    fhs_str name;
    fhs_str purpose;
    fhs_str request_id;
    bool allow_everything; /* asked for by name when the session was opened */
} fhs_principal;

/* What is about to be done; views need no NUL. */
typedef struct fhs_access_ask {
    int32_t action; /* FHIRSTORE_ACTION_* */
    fhs_str type;   /* "" at system level */
    fhs_str id;
    fhs_str query;
} fhs_access_ask;

/*
 * OK, ERR_DENIED, or ERR_NO_POLICY when there is neither an authorizer (NULL) nor the permission
 * for everything. The arena holds the NUL-terminated copies that the callback sees.
 */
fhirstore_status fhs_access_check(const fhirstore_authorizer *authorizer,
                                  const fhs_principal *principal, const fhs_access_ask *ask,
                                  fhs_arena *arena, fhirstore_error **err);

#endif
