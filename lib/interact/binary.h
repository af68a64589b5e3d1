/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary, the resource that is also its content: how bytes of any type become one and how they are
 * handed out again, and the resource by whose rights it is judged (binary.html).
 */
#ifndef FHS_INTERACT_BINARY_H
#define FHS_INTERACT_BINARY_H

#include "interact/headers.h"

bool fhs_type_is_binary(const fhs_core *core, fhs_type type);

/*
 * Whether the request's body is content and no resource: of a create or update of a Binary, with a
 * media type that is not FHIR's own. JSON that calls itself a Binary is the resource.
 */
bool fhs_binary_is_content(const fhs_core *core, const fhs_request *request, const fhs_route *route,
                           const fhs_request_headers *headers);
/* Append the Binary that @a content stands for. ERR_QUERY, ERR_LIMIT. */
fhirstore_status fhs_binary_wrap(const fhs_route *route, const fhs_request_headers *headers,
                                 fhs_str content, fhs_buf *out, fhirstore_error **err);
/*
 * The answer holds a Binary: hand out its content instead where the request wants that. Works in
 * place: the body is never there twice.
 */
fhirstore_status fhs_binary_unwrap(const fhs_core *core, const fhs_request *request,
                                   fhs_answer *answer, fhirstore_error **err);

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
