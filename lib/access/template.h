/* SPDX-License-Identifier: Apache-2.0 */
/* "organization={org}&status=active" with the principal's values in place of the names. */
#ifndef FHS_ACCESS_TEMPLATE_H
#define FHS_ACCESS_TEMPLATE_H

#include "access/claims.h"

/*
 * Fill @a where in. An alternative with a name ("Organization/{org}") stands once for each value
 * the principal has; values are escaped, so that none can end its place. *filled_out false: the
 * principal has no value for a name, and the rule is not for it.
 */
fhirstore_status fhs_template_fill(fhs_arena *arena, fhs_str where, const fhs_claims *claims,
                                   fhs_str *out, bool *filled_out, fhirstore_error **err);
/* Append @a value as one value of a search parameter in a URL. */
void fhs_template_add_value(fhs_buf *out, fhs_str value);

#endif
