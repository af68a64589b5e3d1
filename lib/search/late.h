/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that the index does not have yet. While a new search parameter is being indexed, a search
 * that uses it extracts the rows of every resource that has not been reached, once, when it is
 * compiled. Conditions then see stored and late rows as one; indexes are not asked.
 */
#ifndef FHS_SEARCH_LATE_H
#define FHS_SEARCH_LATE_H

#include "search/search_internal.h"

/* If any of the test's parameters is late, have their rows at hand. */
fhirstore_status fhs_late_prepare(fhs_search *search, const fhs_node *node, fhs_test *test);
fhirstore_status fhs_late_prepare_param(fhs_search *search, fhs_type type, uint32_t number,
                                        fhs_str code, bool *late_out);
/* The late rows of @a entity; empty: none. */
fhs_str fhs_late_rows(const fhs_search *search, fhs_entity entity);
/* Call @a visit for each resource that refers to @a target by one of the test's parameters. */
fhirstore_status fhs_late_referring(const fhs_search *search, const fhs_test *test,
                                    fhs_entity target,
                                    fhirstore_status (*visit)(void *ctx, fhs_entity entity),
                                    void *ctx);
void fhs_late_free(fhs_late *late);

#endif
