/* SPDX-License-Identifier: Apache-2.0 */
/* Who brings the full-text index up to date: maintenance, and searches that will need it. */
#ifndef FHS_INTERACT_WORDS_H
#define FHS_INTERACT_WORDS_H

#include "interact/core.h"

/* How many changes the index does not have; @a conn is a reader. */
fhirstore_status fhs_words_behind(fhs_conn *conn, int64_t cap, int64_t *count_out,
                                  fhirstore_error **err);
/* One transaction of at most @a most changes; fewer done: the index is up to date. */
fhirstore_status fhs_words_step(fhs_core *core, uint32_t most, uint32_t *count_out,
                                fhirstore_error **err);
/*
 * Before a search for @a query on the call's reader, outside a transaction: if it looks as though
 * it asked for words, and much is missing in the index, bring it up to date, for as long as a
 * search may take. Where that cannot be done the search will look at what is missing itself, and
 * nothing has failed.
 */
fhirstore_status fhs_words_prepare(const fhs_call *call, fhs_str query, fhirstore_error **err);

/* Rewrite the index where removed words are still in its pages. */
fhirstore_status fhs_words_tidy(fhs_core *core, fhirstore_error **err);

#endif
