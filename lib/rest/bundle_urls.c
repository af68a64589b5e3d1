/* SPDX-License-Identifier: Apache-2.0 */
/* fullUrls: what they may be, and criteria that name other entries by them. */
#include "query/query.h"
#include "rest/bundle.h"

fhirstore_status fhs_bundle_check_url(fhs_str full_url, fhirstore_error **err)
{
    return fhs_str_find(full_url, FHS_LIT("/_history/")) < full_url.len
               ? fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "a fullUrl cannot be that of a version")
               : FHIRSTORE_OK;
}

/* ---- criteria that name them ---- */

/* The next piece without a separator, and the separator behind it. False: no more. */
static bool next_criteria_piece(fhs_str *rest, fhs_str *piece_out, fhs_str *separator_out)
{
    size_t at = 0;
    if (rest->len == 0) {
        return false;
    }
    while (at < rest->len && rest->ptr[at] != '&' && rest->ptr[at] != '=' && rest->ptr[at] != ',') {
        at++;
    }
    *piece_out = fhs_str_of(rest->ptr, at);
    *separator_out = fhs_str_of(rest->ptr + at, at < rest->len ? 1 : 0);
    *rest = fhs_str_from(*rest, at + separator_out->len);
    return true;
}

/* What the piece names among @a links; a piece without a colon names no entry. */
static fhs_str find_named_entry(fhs_arena *arena, const fhs_links *links, fhs_str piece)
{
    bool may_name = fhs_str_find_char(piece, ':', 0) < piece.len ||
                    fhs_str_find_char(piece, '%', 0) < piece.len;
    fhs_str url = may_name ? fhs_url_decode(arena, piece, true) : FHS_STR_NONE;
    return url.len > 0 ? fhs_links_find(links, url) : FHS_STR_NONE;
}

fhs_str fhs_bundle_link_query(fhs_arena *arena, const fhs_links *links, fhs_str query)
{
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_str rest = query;
    fhs_str piece;
    fhs_str separator;
    bool is_changed = false;
    while (next_criteria_piece(&rest, &piece, &separator)) {
        fhs_str to = find_named_entry(arena, links, piece);
        if (to.ptr != NULL) {
            is_changed = true;
            fhs_url_encode(&out, to);
        } else {
            fhs_buf_add_str(&out, piece);
        }
        fhs_buf_add_str(&out, separator);
    }
    if (is_changed) {
        query = fhs_buf_status(&out) < FHIRSTORE_OK ? FHS_STR_NONE
                                                    : fhs_arena_dup(arena, fhs_buf_str(&out));
    }
    fhs_buf_clear(&out);
    return query;
}

size_t fhs_bundle_awaited(fhs_arena *arena, const fhs_bundle *bundle, fhs_str query)
{
    fhs_str piece;
    fhs_str separator;
    while (next_criteria_piece(&query, &piece, &separator)) {
        fhs_str number = find_named_entry(arena, bundle->awaited, piece);
        uint64_t index;
        if (number.ptr != NULL && fhs_str_to_u64(number, SIZE_MAX, &index) &&
            bundle->items[index].resolution != FHS_RESOLVED) {
            return (size_t)index;
        }
    }
    return SIZE_MAX;
}
