/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page before a page. Its end is known, its beginning is not: the search is run backwards for
 * one page's worth, and then forwards from there like any other page, up to where the way back
 * began.
 */
#include "search/search_internal.h"

static fhirstore_status note_key(fhs_search *search, fhs_buf *place)
{
    fhs_buf_reset(place);
    fhs_buf_add_str(place, fhs_buf_str(&search->key));
    return fhs_buf_status(place) == FHIRSTORE_OK ? FHIRSTORE_OK : fhs_search_no_memory(search);
}

/* Where nothing lies before, this is the first page. */
fhirstore_status fhs_search_step_back(fhs_search *search)
{
    const uint64_t size = search->token.size;
    uint64_t passed = 0;
    fhirstore_status status = FHIRSTORE_OK;
    search->is_down = true;
    while (status == FHIRSTORE_OK && passed <= size) {
        status = fhs_search_step(search);
        if (status == FHIRSTORE_OK && passed == 0) {
            status = note_key(search, &search->until);
        }
        if (status == FHIRSTORE_OK && passed++ == size) {
            status = note_key(search, &search->after);
        }
    }
    search->is_down = false;
    fhs_search_rewind(search);
    search->failed = FHIRSTORE_OK;
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}
