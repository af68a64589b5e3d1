/* SPDX-License-Identifier: Apache-2.0 */
/* Binary: what stands in one, and the resource by whose rights it is judged (binary.html). */
#ifndef FHS_INTERACT_BINARY_H
#define FHS_INTERACT_BINARY_H

#include "interact/core.h"

bool fhs_type_is_binary(const fhs_core *core, fhs_type type);

/* As it is written. */
typedef struct fhs_binary_parts {
    fhs_str content_type;
    fhs_str context; /* securityContext.reference */
    fhs_str data;    /* between its quotes, escapes and all */
} fhs_binary_parts;

/* Of a text that was checked: what cannot be read is not there. */
fhirstore_status fhs_binary_read(fhs_arena *arena, fhs_str body, fhs_binary_parts *out,
                                 fhirstore_error **err);

/*
 * Would the principal be given a resource if it asked to read it? Nothing of that is told or
 * recorded. Only ERR_NO_MEMORY fails. Uses the connection.
 */
fhirstore_status fhs_may_read(fhs_call *call, fhs_type type, fhs_str id, bool *yes_out,
                              fhirstore_error **err);
/*
 * A Binary with a securityContext that lies in the store may be seen where that may be read.
 * *told_out false: @a body is no such Binary, and nothing is said. Uses the connection, so views of
 * it are to be taken anew.
 */
fhirstore_status fhs_binary_judge(fhs_call *call, fhs_type type, fhs_str body, bool *told_out,
                                  bool *yes_out, fhirstore_error **err);
/* The same of a stored version, whose body may be left where it is. */
fhirstore_status fhs_binary_judge_version(fhs_call *call, fhs_type type, const fhs_version *version,
                                          bool *told_out, bool *yes_out, fhirstore_error **err);

#endif
