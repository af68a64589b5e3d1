/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the audit journal: blocks of sealed records, each with the link that chains it to
 * the block before, and signatures over links. What the bytes mean is the room audit's business.
 */
#ifndef FHS_STORAGE_JOURNAL_H
#define FHS_STORAGE_JOURNAL_H

#include "storage/storage.h"

#define FHS_JOURNAL_LINK_BYTES 32u

/* Records @a first … first + count - 1. Views are borrowed until the next step. */
typedef struct fhs_journal_block {
    int64_t first;
    int64_t count;
    int64_t time_us; /* of its last record */
    fhs_str sealed;
    fhs_str link;
} fhs_journal_block;

typedef struct fhs_journal_mark {
    int64_t last; /* the record behind which it stands */
    fhs_str link;
    fhs_str signature;
} fhs_journal_mark;

/* Writer only, inside its transaction. */
fhirstore_status fhs_journal_add(fhs_conn *conn, const fhs_journal_block *block,
                                 fhirstore_error **err);
fhirstore_status fhs_journal_add_mark(fhs_conn *conn, const fhs_journal_mark *mark,
                                      fhirstore_error **err);
/* Remove the blocks that end before @a first, and marks with them. */
fhirstore_status fhs_journal_drop(fhs_conn *conn, int64_t first, fhirstore_error **err);
/*
 * The last block's head and link (copied to @a link; zeros where it is none, which verification tells);
 * *found_out false: the journal is empty.
 */
fhirstore_status fhs_journal_last(fhs_conn *conn, fhs_journal_block *out,
                                  uint8_t link[FHS_JOURNAL_LINK_BYTES], bool *found_out,
                                  fhirstore_error **err);
/* Visit the blocks that hold record @a from or later ones, in order, until one is not OK. */
fhirstore_status fhs_journal_each(fhs_conn *conn, int64_t from,
                                  fhirstore_status (*visit)(void *ctx,
                                                            const fhs_journal_block *block),
                                  void *ctx, fhirstore_error **err);
/* Those that hold record @a to or earlier ones, the last first. */
fhirstore_status fhs_journal_each_back(fhs_conn *conn, int64_t to,
                                       fhirstore_status (*visit)(void *ctx,
                                                                 const fhs_journal_block *block),
                                       void *ctx, fhirstore_error **err);
/*
 * The first block whose last record is not from before @a time_us; times rise. Without its bytes;
 * count 0: there is none.
 */
fhirstore_status fhs_journal_find_time(fhs_conn *conn, int64_t time_us, fhs_journal_block *out,
                                       fhirstore_error **err);
/* The same for marks. */
fhirstore_status fhs_journal_each_mark(fhs_conn *conn,
                                       fhirstore_status (*visit)(void *ctx,
                                                                 const fhs_journal_mark *mark),
                                       void *ctx, fhirstore_error **err);

#endif
