/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file audit.h  What was done: a hook that nothing can walk around.
 *
 * The hook is called for each interaction, granted or denied, before its answer is handed out; for
 * writes inside the transaction, so that an error from the hook undoes the write.
 *
 * The entries of a transaction Bundle and the resources of an import are interactions of their own.
 * Their events wait until the transaction is about to be committed and are then told in order,
 * before that of the Bundle or import; if it is rolled back, each is told with the reason as its
 * outcome. If the hook refuses one, or the commit itself fails, all of them are told once more, as
 * failed. A document that an import refuses is told as a failed import.
 *
 * Search cursors and exports are told of page by page: before the first of each 1,000 resources is
 * handed out, and at the end; `count` is how many were handed out before the event.
 *
 * What is refused before its interaction begins (an unknown type, an address or header that makes no
 * sense) is told as well; the action is then 0 where it is not known.
 */
#ifndef FHIRSTORE_AUDIT_H
#define FHIRSTORE_AUDIT_H

#include "access.h"

FHIRSTORE_BEGIN_DECLS

/**
 * What happened. Strings are borrowed for the call, have a NUL behind them, and never hold resource
 * content; what does not apply is "" with length 0, or 0.
 *
 * @since 0.1
 */
typedef struct fhirstore_audit_event {
    uint32_t struct_size;
    int32_t action;           /**< FHIRSTORE_ACTION_*. */
    fhirstore_status outcome; /**< How it ended, or is about to: FHIRSTORE_OK, FHIRSTORE_ERR_DENIED … */
    int32_t reserved0;
    int64_t time_us;          /**< Microseconds since 1970, UTC. */
    int64_t duration_us;      /**< From the call's beginning to this event. */
    int64_t version_before;   /**< Version replaced or deleted; 0: none. */
    int64_t version_after;    /**< Version written or read; 0: none. */
    int64_t count;            /**< Resources handed out (search with what it includes, history). */
    int64_t total;            /**< Matches of a search where they were counted, else -1. */
    const char *principal;
    size_t principal_len;
    const char *purpose;
    size_t purpose_len;
    const char *request_id;
    size_t request_id_len;
    const char *type;
    size_t type_len;
    const char *id;
    size_t id_len;
    const char *query;        /**< The search part of the URL, behind "_compartment=Patient/1" in a
                                   compartment. It may identify a patient. */
    size_t query_len;
} fhirstore_audit_event;

/**
 * Record @a event.
 *
 * @param ctx    From fhirstore_audit_hook.
 * @param event  Borrowed for the call.
 * @return FHIRSTORE_OK, or an error: then the interaction is undone and answers
 *         FHIRSTORE_ERR_AUDIT_REFUSED, and the hook is called once more with that outcome (whose
 *         answer no longer matters).
 * @par Threads  On the thread of the interaction, which may hold the write transaction: do not call
 *      into the same store.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_audit_fn)(void *ctx, const fhirstore_audit_event *event);

/** An audit hook. Copied when it is registered. @since 0.1 */
typedef struct fhirstore_audit_hook {
    uint32_t struct_size;       /**< sizeof(fhirstore_audit_hook). */
    uint32_t flags;             /**< Must be 0. */
    void *ctx;                  /**< First argument of the functions. */
    fhirstore_audit_fn record;  /**< Must not be NULL. */
    void (*destroy)(void *ctx); /**< NULL, or called exactly once, also when registration fails. */
} fhirstore_audit_hook;

/**
 * Register the audit hook of @a store, in place of an earlier one.
 *
 * @param      store    The store.
 * @param      hook     Copied. NULL removes the hook.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_INVALID_ARG  No record function, or unknown flags.
 * @par Threads  Any thread; interactions already under way keep the one they began with.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_set_audit_hook(fhirstore *store,
                                                        const fhirstore_audit_hook *hook,
                                                        fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
