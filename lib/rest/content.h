/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Binary is also its content: how bytes of any type become one, and how they are handed out
 * again (binary.html).
 */
#ifndef FHS_REST_CONTENT_H
#define FHS_REST_CONTENT_H

#include "interact/binary.h"
#include "rest/headers.h"

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

#endif
