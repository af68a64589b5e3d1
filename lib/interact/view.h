/* SPDX-License-Identifier: Apache-2.0 */
/* What an address says of how its answer looks, whatever the interaction. */
#ifndef FHS_INTERACT_VIEW_H
#define FHS_INTERACT_VIEW_H

#include "interact/core.h"
#include "query/query.h"

typedef struct fhs_view {
    const fhs_query *parts; /* _summary or _elements of a resource; NULL: all of it */
    bool is_pretty;
} fhs_view;

/*
 * Read _summary, _elements and _pretty from the query of an address; what else it holds is not
 * looked at. @a arena keeps the view. ERR_PARAM_VALUE, ERR_QUERY.
 */
fhirstore_status fhs_view_parse(const fhs_core *core, fhs_arena *arena, fhs_str query,
                                fhs_view *out, fhirstore_error **err);
/* Append what @a view asks for of a resource; all of it where it asks for nothing. */
fhirstore_status fhs_view_write(const fhs_core *core, const fhs_view *view, fhs_str body,
                                fhs_buf *out, fhirstore_error **err);
/* Put the parts that @a view asks for in the place of the resource in @a body. */
fhirstore_status fhs_view_cut(const fhs_core *core, const fhs_view *view, fhs_buf *body,
                              fhirstore_error **err);
/* Whether the query holds _pretty=true. */
bool fhs_view_is_pretty(fhs_arena *arena, fhs_str query);
/* Write the JSON in @a body indented. */
fhirstore_status fhs_view_indent(fhs_buf *body, fhirstore_error **err);

#endif
