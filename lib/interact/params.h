/* SPDX-License-Identifier: Apache-2.0 */
/* Search parameters of the store's own: which are in force, and what writing one means. */
#ifndef FHS_INTERACT_PARAMS_H
#define FHS_INTERACT_PARAMS_H

#include "interact/core.h"

fhirstore_status fhs_core_open_params(fhs_core *core, fhirstore_error **err);
/*
 * Those of the connection's snapshot, which its transaction must have open; fhs_params_drop() them.
 */
fhirstore_status fhs_core_take_params(fhs_core *core, fhs_conn *conn, bool is_writer,
                                      fhs_params **out, fhirstore_error **err);
/* What is committed now; @a params is held by the core from here on as well. */
void fhs_core_set_params(fhs_core *core, fhs_params *params);

/* Before anything is written: may the resource be stored (NULL: deleted)? OK for other types. */
fhirstore_status fhs_param_check(fhs_call *call, fhs_type type, fhs_str id,
                                 const fhs_json *resource, fhirstore_error **err);
/* It was written: the transaction goes on with the parameters that follow from it. */
fhirstore_status fhs_param_follow(fhs_call *call, fhs_type type, fhs_str id,
                                  const fhs_json *resource, fhirstore_error **err);

#endif
