/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file journal.h  The store's own record of every access, which shows tampering.
 *
 * An encrypted store keeps a journal unless it is opened with FHIRSTORE_JOURNAL_OFF. Each event that
 * the audit hook is told of (audit.h) becomes a record, numbered from 1. Records of writes are part
 * of their transaction. Those of reads and of refusals wait in memory until there are 1,024, the
 * oldest is a second old at the next call, or a write takes them along; with
 * FHIRSTORE_JOURNAL_STRICT each is on disk before its answer is given. A mark in the file shows
 * after a crash that some may be lost, and since when.
 *
 * Records are sealed, chained by a keyed hash over the sealed bytes, and signed (Ed25519) after each
 * 1,024. Whoever may read the journal needs FHIRSTORE_ACTION_AUDIT; looking at it is recorded too.
 * A store opened for reading only keeps none: the hook alone is told.
 */
#ifndef FHIRSTORE_JOURNAL_H
#define FHIRSTORE_JOURNAL_H

#include "session.h"

FHIRSTORE_BEGIN_DECLS

/**
 * Read records as NDJSON, one a line: {"record":1,"time":"…","action":"read","outcome":"OK",
 * "principal":"…","type":"Patient","id":"…", …}. What does not apply is left out.
 *
 * @param      session   Needs FHIRSTORE_ACTION_AUDIT.
 * @param      from      The first record wanted; 0 or 1: from the beginning.
 * @param      max       At most so many records. Above 0.
 * @param[out] buf_out   Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] next_out  Where to go on; 0: there are no more.
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store keeps no journal.
 * @retval FHIRSTORE_ERR_DENIED         The session may not.
 * @retval FHIRSTORE_ERR_TAMPERED       A record does not open: see fhirstore_journal_verify().
 * @par Threads  The session's.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_journal_read(fhirstore_session *session, int64_t from,
                                                      int64_t max, fhirstore_buf *buf_out,
                                                      int64_t *next_out,
                                                      fhirstore_error **err_out);

/**
 * Check the whole journal: every record, link and signature, its beginning and its end. The report
 * is a JSON object: {"sound":true,"first":1,"last":300,"signatures":0,"faultCount":0,"faults":[
 * {"record":101,"what":"…"}],"anchorIsOlder":true,"clockSetBackAt":90,"readsMayBeMissingSince":
 * "…"}. The last three are no faults and are there where they apply: retention has removed the
 * record of the anchor, so that nothing could be compared; the first record before which the clock
 * was set back; since when a crash may have lost records of reads.
 *
 * @param      session     Needs FHIRSTORE_ACTION_AUDIT.
 * @param      anchor      What fhirstore_journal_anchor() gave earlier, kept elsewhere: a journal
 *                         that was rewritten or is an older copy shows against it. May be empty.
 * @param      anchor_len  Bytes.
 * @param[out] buf_out     The report, also with FHIRSTORE_ERR_TAMPERED. Owned by the caller.
 * @param[out] err_out     NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_TAMPERED       Faults were found; the report names them.
 * @retval FHIRSTORE_ERR_INVALID_ARG    That is no anchor.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store keeps no journal.
 * @retval FHIRSTORE_ERR_DENIED         The session may not.
 * @par Threads  The session's.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_journal_verify(fhirstore_session *session,
                                                        const char *anchor, size_t anchor_len,
                                                        fhirstore_buf *buf_out,
                                                        fhirstore_error **err_out);

/**
 * The journal's present end as a line of text, to be kept where nobody who could change the store
 * can change it.
 *
 * @param      session  Needs FHIRSTORE_ACTION_AUDIT.
 * @param[out] buf_out  Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store keeps no journal.
 * @retval FHIRSTORE_ERR_DENIED         The session may not.
 * @par Threads  The session's.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_journal_anchor(fhirstore_session *session,
                                                        fhirstore_buf *buf_out,
                                                        fhirstore_error **err_out);

/**
 * Remove records from before a time; those that share a block with younger ones stay. The chain of
 * what stays can be verified as before, and the removal is recorded.
 *
 * @param      session    Needs FHIRSTORE_ACTION_AUDIT.
 * @param      before_us  Microseconds since 1970, UTC.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store keeps no journal.
 * @retval FHIRSTORE_ERR_DENIED         The session may not.
 * @par Threads  The session's; waits for the writer.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_journal_retain(fhirstore_session *session,
                                                        int64_t before_us,
                                                        fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
