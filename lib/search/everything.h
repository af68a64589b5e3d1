/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything about somebody, page by page: first the matches of a search (the members, all that
 * lies in a compartment), in entity order, then what they refer to outside of compartments, in
 * entity order too, each resource once.
 *
 * References are read from the texts of the members, so those that no search parameter knows count
 * as well, and are followed further from what they lead to. What belongs to another patient is
 * neither shown nor followed.
 */
#ifndef FHS_SEARCH_EVERYTHING_H
#define FHS_SEARCH_EVERYTHING_H

#include "search/search.h"

typedef struct fhs_everything {
    const fhs_type *types; /* what is shown; none: all types */
    size_t type_count;
    int64_t since_us;       /* shown is what changed later; INT64_MIN: all */
    const fhs_entity *home; /* patients that the members lead to and who belong to the result */
    size_t home_count;
    bool counts;      /* the total is always told, else only where the first page holds all */
    size_t max_bytes; /* of the entries of one page, but for the last of them */
} fhs_everything;

/*
 * Append one page. @a search: the members, without an order of their own; its count 0 means the
 * total alone. Its query's self, place and page make the links. ERR_TOO_COSTLY where more than
 * FHS_LIMIT_INCLUDE_WALK resources outside of compartments are referred to.
 */
fhirstore_status fhs_everything_write(fhs_search *search, const fhs_everything *ask, fhs_str path,
                                      fhs_buf *out, fhirstore_error **err);

#endif
