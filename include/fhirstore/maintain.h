/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file maintain.h  Work that a store has left to do: indexing for new search parameters.
 *
 * An active SearchParameter resource is a search parameter from the moment it is stored. What is
 * written from then on is indexed at once; resources from before are indexed by
 * fhirstore_maintain(), in short transactions between which others write. Until that is done,
 * searches by the parameter look at every resource: slow, but never less than right. See
 * docs/custom-search-parameters.md.
 *
 * The full-text index (_text, _content, :text) is brought up to date last. Searches do that too when
 * much is missing; after a large import it is better done here.
 *
 * After fhirstore_key_renew() the pages of the file are sealed with the new data key here; then the
 * progress is told in pages.
 */
#ifndef FHIRSTORE_MAINTAIN_H
#define FHIRSTORE_MAINTAIN_H

#include "session.h"

FHIRSTORE_BEGIN_DECLS

/**
 * Called after each transaction of fhirstore_maintain(), with no lock held.
 *
 * @param ctx    fhirstore_maintain_options.ctx.
 * @param done   Resources that this call has walked over; where no search parameter is being
 *               indexed, changes that it has taken into the full-text index.
 * @param total  Resources that there were to walk when it began; an estimate when others write.
 * @return FHIRSTORE_OK to go on; anything else ends the call with FHIRSTORE_ERR_CANCELLED, and what
 *         was done stays done.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_maintain_progress_fn)(void *ctx, int64_t done, int64_t total);

/**
 * How much to do. Zero means the default; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_maintain_options {
    uint32_t struct_size;  /**< Set by the initialiser. */
    uint32_t flags;        /**< Must be 0. */
    fhirstore_maintain_progress_fn progress; /**< NULL: nobody is told. */
    void *ctx;             /**< First argument of progress. */
    int64_t max_resources; /**< End after so many. 0: no limit. */
    uint32_t max_ms;       /**< End after about so many milliseconds. 0: no limit. */
    uint32_t per_commit;   /**< Resources in one transaction. 0: 500. */
} fhirstore_maintain_options;

/** Static initialiser for C. Bindings call fhirstore_maintain_options_init(). */
#define FHIRSTORE_MAINTAIN_OPTIONS_INIT \
    {                                   \
        sizeof(fhirstore_maintain_options), 0, NULL, NULL, 0, 0, 0 \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_maintain_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_maintain_options_init(fhirstore_maintain_options *options,
                                                               size_t struct_size);

/**
 * Do what is left to do. May be ended at any time, by its budget, the callback or a power cut: the
 * next call goes on where the last transaction stood.
 *
 * @param      store    The store.
 * @param      options  Copied. NULL: everything, without progress.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller: fhirstore_error_free().
 * @retval FHIRSTORE_DONE           Nothing is left to do.
 * @retval FHIRSTORE_OK             The budget is used up; there is more to do.
 * @retval FHIRSTORE_ERR_CANCELLED  The callback wanted no more.
 * @retval FHIRSTORE_ERR_READ_ONLY  The store is open for reading.
 * @retval FHIRSTORE_ERR_BUSY       Another writer kept the store longer than the busy timeout.
 * @par Threads  Any thread; takes its turn with other writers for each transaction, does not block
 *      readers.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_maintain(fhirstore *store,
                                                  const fhirstore_maintain_options *options,
                                                  fhirstore_error **err_out);

/**
 * Verify the store, make anew what can be made of what is stored, and verify once more. Mended are the
 * spare copy of the header, index rows and their lists (by extraction from the bodies), lists of
 * resources and versions, names and the next number, the full-text index, SQLite's own indexes, and
 * tables of these that are missing. Bodies, the change log, the chain over it, the journal and pages
 * that do not authenticate cannot be had from anywhere else: they stay as they are.
 *
 * What is mended inside the database is one transaction, which is recorded in the journal like any
 * other write (action "reindex", query "repair"): a power cut leaves what was there before. Header
 * copies are written one at a time. Searches of other threads go on; a large store is written
 * through the log as a whole.
 *
 * @param      session   Needs FHIRSTORE_ACTION_REINDEX on the system.
 * @param      report    Called on this thread for each finding, with the area that fhirstore_verify()
 *                       has; then with area "repaired" for each thing that was made anew, and with
 *                       "left" for each finding that is there afterwards. NULL: nobody is told.
 * @param      ctx       First argument of @a report.
 * @param[out] left_out  How many findings are left. NULL: not wanted.
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller: fhirstore_error_free().
 * @retval FHIRSTORE_OK                 The store is sound.
 * @retval FHIRSTORE_ERR_CORRUPT        Findings are left; what could be mended is.
 * @retval FHIRSTORE_ERR_DENIED         The session may not; nothing was changed, as with each of the following.
 * @retval FHIRSTORE_ERR_READ_ONLY      The store is open for reading.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  Several processes may have the store open.
 * @retval FHIRSTORE_ERR_AUDIT_REFUSED  The audit hook refused.
 * @retval FHIRSTORE_ERR_BUSY           Another writer kept the store longer than the busy timeout.
 * @par Threads  The session's; takes its turn with other writers.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_repair(fhirstore_session *session,
                                                fhirstore_finding_fn report, void *ctx,
                                                int64_t *left_out, fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
