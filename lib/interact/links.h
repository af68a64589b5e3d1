/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links of a transaction: where a resource's temporary address (its fullUrl) leads once the
 * store has given it an id, and the resource's text with those links rewritten.
 */
#ifndef FHS_INTERACT_LINKS_H
#define FHS_INTERACT_LINKS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "fhir/fhir.h"
#include "json/json.h"

typedef struct fhs_links fhs_links;

/* Memory comes from @a arena, which outlives the map. @a expected links fit without growing. */
fhirstore_status fhs_links_new(fhs_arena *arena, size_t expected, fhs_links **out,
                               fhirstore_error **err);
/* @a from leads to @a to ("Patient/1"); both are borrowed. ERR_BUNDLE when @a from is there
 * already. */
fhirstore_status fhs_links_add(fhs_links *links, fhs_str from, fhs_str to, fhirstore_error **err);
/* ptr NULL: no such link. */
fhs_str fhs_links_find(const fhs_links *links, fhs_str from);

/* A resource whose links are to be rewritten. */
typedef struct fhs_linked_text {
    fhs_type type;
    fhs_str text;
    const fhs_json *root; /* read from text */
    fhs_str full_url;     /* of its entry: relative references in it begin at the same server */
    /* Asked of a reference with a '?' that is no link: where it leads (ptr NULL: stays). May be
     * NULL. */
    fhirstore_status (*resolve)(void *ctx, fhs_str reference, fhs_str *to_out,
                                fhirstore_error **err);
    void *resolve_ctx;
    /* Not NULL: the tree, which lies in it, becomes that of the text written. */
    fhs_arena *arena;
} fhs_linked_text;

/*
 * Append the resource to @a out with every link of the map replaced that stands in a
 * Reference.reference, uri, url, oid or uuid, or in an href or src of a narrative; a "#fragment"
 * behind it stays. *changed_out false: nothing to replace, and @a out is untouched.
 */
fhirstore_status fhs_links_rewrite(const fhs_links *links, const fhs_fhir *fhir,
                                   const fhs_linked_text *resource, fhs_buf *out, bool *changed_out,
                                   fhirstore_error **err);

#endif
