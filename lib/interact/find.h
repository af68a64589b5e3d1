/* SPDX-License-Identifier: Apache-2.0 */
/* Search as an interaction: a cursor that outlives the call it was opened in. */
#ifndef FHS_INTERACT_FIND_H
#define FHS_INTERACT_FIND_H

#include "interact/core.h"
#include "interact/place.h"
#include "search/search.h"

typedef struct fhs_search_cursor fhs_search_cursor;

/* What a search of the call may see. @a call must live as long as the search. */
fhs_search_env fhs_find_env(fhs_call *call, const fhs_params *params, bool ready_only);

/*
 * Open the search with what the call may see; at system level the query's types are narrowed to
 * it. @a env must live as long as the search.
 */
fhirstore_status fhs_find_open(fhs_call *call, const fhs_params *params, bool ready_only,
                               fhs_arena *arena, fhs_query *query, fhs_search_env *env,
                               fhs_search **out, fhirstore_error **err);

fhirstore_status fhs_find_parse(fhs_session *session, const fhs_params *params, fhs_arena *arena,
                                const fhs_place *place, fhs_str text, bool lenient, fhs_query **out,
                                fhirstore_error **err);

/* Every match of @a query, strictly understood. The cursor holds a connection until it is closed.
 */
fhirstore_status fhs_search_cursor_open(fhs_session *session, const fhs_place *place, fhs_str query,
                                        fhs_search_cursor **out, fhirstore_error **err);
/* OK, DONE or an error. What was handed out is audited when the cursor ends. */
fhirstore_status fhs_search_cursor_next(fhs_search_cursor *cursor, fhirstore_error **err);
/* The match under the cursor; borrowed until the next step. */
const fhs_version *fhs_search_cursor_match(const fhs_search_cursor *cursor);
fhs_str fhs_search_cursor_type(const fhs_search_cursor *cursor);
void fhs_search_cursor_close(fhs_search_cursor *cursor);

#endif
