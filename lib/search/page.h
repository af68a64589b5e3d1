/* SPDX-License-Identifier: Apache-2.0 */
/* A page while it is being written: that of a search (bundle.c), or of everything (everything.c).
 */
#ifndef FHS_SEARCH_PAGE_H
#define FHS_SEARCH_PAGE_H

#include "search/include.h"

/* What one page turned out to be. */
typedef struct fhs_page {
    fhs_search *search;
    fhs_arena arena; /* reads one match for its parts */
    fhs_buf entries;
    fhs_buf first_key; /* of the first and the last match */
    fhs_buf last_key;
    fhs_buf next; /* "_page=…" of the next page; empty: this is the last */
    fhs_buf previous;
    fhs_buf last;
    fhs_buf related; /* "_page=…" of the page with the rest of what is included */
    fhs_gathering includes;
    int64_t count; /* matches */
    int64_t included;
    int64_t total; /* -1: not told */
} fhs_page;

void fhs_page_init(fhs_page *page, fhs_search *search);
void fhs_page_clear(fhs_page *page);
/* One entry more; a version of which a large body may be left where it is. */
fhirstore_status fhs_page_add(fhs_page *page, fhs_version *version, bool is_match);
/* The Bundle around the entries, with the links that were found. */
void fhs_page_write(fhs_page *page, fhs_str path, fhs_buf *out);

#endif
