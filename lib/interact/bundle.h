/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Bundle taken apart: its type, and its entries as slices of the text, found without building a
 * tree of the whole. What an entry holds is read strictly when its turn comes.
 */
#ifndef FHS_INTERACT_BUNDLE_H
#define FHS_INTERACT_BUNDLE_H

#include "base/arena.h"
#include "base/random.h"
#include "interact/core.h"
#include "interact/links.h"
#include "interact/route.h"

typedef struct fhs_bundle_entry {
    fhs_str text;     /* the entry */
    fhs_str resource; /* ptr NULL: none */
    size_t resource_offset;
    fhs_str full_url;
    fhs_str method; /* of request; empty: there is no request */
    fhs_str url;
    fhs_str if_match, if_none_match, if_none_exist; /* as written in request */
    fhs_route route;                                /* once fhs_bundle_route() was called */
    fhs_str id;                                     /* under which the resource will be stored */
} fhs_bundle_entry;

typedef struct fhs_bundle {
    fhs_str text;
    fhs_str type; /* "transaction" … */
    fhs_bundle_entry *entries;
    size_t count;
} fhs_bundle;

/* Whether @a text is an object that calls itself a Bundle, and of which type; no error otherwise.
 */
bool fhs_bundle_sniff(fhs_str text, fhs_str *type_out);

/* Find the entries of the Bundle in @a text; all memory from @a arena. ERR_JSON, ERR_BUNDLE. */
fhirstore_status fhs_bundle_scan(fhs_arena *arena, fhs_str text, fhs_bundle *out,
                                 fhirstore_error **err);

/*
 * Give every entry its route and every POST an id, and collect where the fullUrls lead. The error
 * names the entry.
 */
fhirstore_status fhs_bundle_plan(const fhs_core *core, fhs_arena *arena, fhs_bundle *bundle,
                                 fhs_links **links_out, fhirstore_error **err);

/*
 * Execute a planned transaction inside @a outer's write transaction. @a responses (may be NULL)
 * receives the entries of the response Bundle, comma-separated. @a stored_out counts new versions,
 * @a unchanged_out updates that changed nothing. Forgets the session's arena at each entry.
 * @a progress (may be NULL) is told the offset that is read so far; an error from it stops.
 */
typedef fhirstore_status (*fhs_bundle_progress_fn)(void *ctx, size_t offset);
fhirstore_status fhs_bundle_execute(fhs_call *outer, const fhs_bundle *bundle,
                                    const fhs_links *links, fhs_buf *responses, int64_t *stored_out,
                                    int64_t *unchanged_out, fhs_bundle_progress_fn progress,
                                    void *ctx, fhirstore_error **err);

#endif
