/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the full-text index. It holds every resource as it was when the change sequence
 * stood at a certain number, and is brought up from there by whoever needs it (index/fulltext.h).
 * It keeps no texts: what is taken out must be given again, word for word, so the version that is
 * in it must still be in the history.
 */
#ifndef FHS_STORAGE_FULLTEXT_H
#define FHS_STORAGE_FULLTEXT_H

#include "storage/storage.h"

/*
 * The sequence up to which changes are in the index, 0 at the beginning, and with @a meaning what
 * its words mean (a number that the caller gave; 0 at the beginning).
 */
fhirstore_status fhs_fulltext_state(fhs_conn *conn, int64_t *seq_out, int64_t *meaning_out,
                                    fhirstore_error **err);
/* How many changes are behind sequence @a seq, at most @a cap of them counted. */
fhirstore_status fhs_fulltext_behind(fhs_conn *conn, int64_t seq, int64_t cap, int64_t *count_out,
                                     fhirstore_error **err);
/*
 * Call @a visit for changes behind @a after, oldest first, at most @a limit (0: all), until it does
 * not answer OK.
 */
fhirstore_status fhs_fulltext_changes(fhs_conn *conn, int64_t after, int64_t limit,
                                      fhirstore_status (*visit)(void *ctx, int64_t seq,
                                                                fhs_entity entity),
                                      void *ctx, fhirstore_error **err);
/*
 * Append the body that @a entity, which has changed since, had when the sequence stood at @a seq;
 * *found_out false: it was not there, or deleted.
 */
fhirstore_status fhs_fulltext_body_at(fhs_conn *conn, fhs_entity entity, int64_t seq, fhs_buf *out,
                                      bool *found_out, fhirstore_error **err);

/* Writer, inside a transaction; entities best in ascending order. */
fhirstore_status fhs_fulltext_add(fhs_conn *conn, fhs_entity entity, fhs_str narrative,
                                  fhs_str content, fhirstore_error **err);
/* The words must be those that were added. */
fhirstore_status fhs_fulltext_remove(fhs_conn *conn, fhs_entity entity, fhs_str narrative,
                                     fhs_str content, fhirstore_error **err);
fhirstore_status fhs_fulltext_set_state(fhs_conn *conn, int64_t seq, int64_t meaning,
                                        fhirstore_error **err);
/* Empty the index. */
fhirstore_status fhs_fulltext_clear(fhs_conn *conn, fhirstore_error **err);
/* Merge it into one piece: nothing that was removed is left in the file's index pages. */
fhirstore_status fhs_fulltext_optimize(fhs_conn *conn, fhirstore_error **err);
/*
 * Words were taken out that must not stay in the file's pages: optimise a small index now; for a
 * large one note it, for fhs_fulltext_tidy().
 */
fhirstore_status fhs_fulltext_scrub(fhs_conn *conn, fhirstore_error **err);
/* Optimise where that was noted; *done_out. */
fhirstore_status fhs_fulltext_tidy(fhs_conn *conn, bool *done_out, fhirstore_error **err);
/* Whether it was noted. */
fhirstore_status fhs_fulltext_is_untidy(fhs_conn *conn, bool *yes_out, fhirstore_error **err);
/* Let SQLite check its structure (writer); *sound_out false: it is damaged. */
fhirstore_status fhs_fulltext_check(fhs_conn *conn, bool *sound_out, fhirstore_error **err);

/*
 * Call @a visit for every word in it, with the resource, the column and the place within, until it
 * does not answer OK. Works with a reader.
 */
fhirstore_status fhs_fulltext_each_word(fhs_conn *conn,
                                        fhirstore_status (*visit)(void *ctx, fhs_str word,
                                                                  fhs_entity entity,
                                                                  bool is_narrative, int64_t place),
                                        void *ctx, fhirstore_error **err);
/* Call @a visit for every resource there ever was, with the sequence of its newest version. */
fhirstore_status fhs_fulltext_each_resource(fhs_conn *conn,
                                            fhirstore_status (*visit)(void *ctx, fhs_entity entity,
                                                                      int64_t seq),
                                            void *ctx, fhirstore_error **err);

#endif
