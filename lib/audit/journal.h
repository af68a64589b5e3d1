/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: every audit event, sealed, in blocks that are chained by a keyed hash and signed
 * from time to time. The chain runs over the sealed bytes, so it can be checked without reading
 * them.
 *
 * Three values beside the blocks make cutting visible: the head (the last record and its link,
 * under a keyed hash), the start (where retention has cut, and the link before it), and a mark that
 * says that records are waiting in memory, which a crash leaves behind as the trace of a gap.
 */
#ifndef FHS_AUDIT_JOURNAL_H
#define FHS_AUDIT_JOURNAL_H

#include "audit/block.h"
#include "keys/keys.h"
#include "storage/journal.h"

#define FHS_JOURNAL_KEY_BYTES 32u
/* A signature stands behind each so many records. */
#define FHS_JOURNAL_MARK_EVERY 1024

typedef struct fhs_journal fhs_journal;

/*
 * The secrets come from the store's keys; with NULL, of a store without any, from @a plain_key,
 * FHS_JOURNAL_KEY_BYTES long. They are kept in guarded memory.
 */
fhirstore_status fhs_journal_new(const fhs_keys *keys, const uint8_t *plain_key, fhs_journal **out,
                                 fhirstore_error **err);
void fhs_journal_free(fhs_journal *journal);

/* Append @a count records (see block.h) in the connection's write transaction. */
fhirstore_status fhs_journal_append(fhs_journal *journal, fhs_conn *conn, fhs_str records,
                                    int64_t count, int64_t time_us, fhirstore_error **err);
/*
 * What @a owner (16 characters of its own) records from @a time_us on may wait in its memory; 0: it
 * has nothing more to say. In a write transaction.
 */
fhirstore_status fhs_journal_set_waiting(fhs_conn *conn, fhs_str owner, int64_t time_us,
                                         fhirstore_error **err);
/* Keep the records from @a first on (or from the block that holds it). In a write transaction. */
fhirstore_status fhs_journal_retain(fhs_journal *journal, fhs_conn *conn, int64_t first,
                                    fhirstore_error **err);

/* A place in the journal: what was written up to it cannot be changed unseen by who keeps it. */
typedef struct fhs_journal_anchor {
    int64_t last; /* 0: the journal was empty */
    uint8_t link[FHS_JOURNAL_LINK_BYTES];
} fhs_journal_anchor;

fhirstore_status fhs_journal_get_anchor(fhs_conn *conn, fhs_journal_anchor *out,
                                        fhirstore_error **err);

/* One event with its number. False stops the reading. */
typedef bool (*fhs_journal_visit_fn)(void *ctx, int64_t number, const fhs_audit_event *event);

/* Read the events from number @a from on. ERR_TAMPERED where a block does not open. */
fhirstore_status fhs_journal_read(fhs_journal *journal, fhs_conn *conn, int64_t from,
                                  fhs_journal_visit_fn visit, void *ctx, fhirstore_error **err);

/* The same from number @a from back to the first. */
fhirstore_status fhs_journal_read_back(fhs_journal *journal, fhs_conn *conn, int64_t from,
                                       fhs_journal_visit_fn visit, void *ctx,
                                       fhirstore_error **err);

/* Something is wrong at record @a number (0: with the journal as a whole). */
typedef void (*fhs_journal_fault_fn)(void *ctx, int64_t number, const char *what);

typedef struct fhs_journal_report {
    int64_t first; /* records from … */
    int64_t last;  /* … to; 0: none */
    int64_t marks; /* signatures checked */
    int64_t faults;
    bool is_anchor_older; /* than the first record that retention has left */
    int64_t clock_back;   /* the first record that says the clock was set back before it; 0: none */
    int64_t waiting_since_us; /* records of that time on may be lost, or wait elsewhere; 0: none */
} fhs_journal_report;

/*
 * Check every block, link, signature, the head and the start, and @a anchor unless it is NULL. OK
 * whatever was found; faults are counted and told. What waits in the memory of @a self (an owner,
 * or empty) is not lost.
 */
fhirstore_status fhs_journal_verify(fhs_journal *journal, fhs_conn *conn,
                                    const fhs_journal_anchor *anchor, fhs_str self,
                                    fhs_journal_fault_fn tell, void *ctx, fhs_journal_report *out,
                                    fhirstore_error **err);

#endif
