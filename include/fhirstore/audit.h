/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file audit.h  What was done: a hook that nothing can walk around.
 *
 * The hook has two phases. Before an interaction that access control has granted, it may refuse:
 * then nothing is done. After it, granted or denied, the hook is told how it ended, before the
 * answer is handed out; for writes inside the transaction, so that an error from the hook undoes the
 * write. What is denied, or refused before it begins, is told in the second phase alone.
 *
 * An error from the hook fails closed: FHIRSTORE_ERR_AUDIT_REFUSED, and nothing has changed. A store
 * opened with FHIRSTORE_OPEN_AUDIT_BEST_EFFORT goes on instead, and the failure becomes a record of
 * the journal (journal.h) with FHIRSTORE_AUDIT_HOOK_FAILED.
 *
 * The entries of a transaction Bundle and the resources of an import are interactions of their own.
 * Their events wait until the transaction is about to be committed and are then told in order,
 * before that of the Bundle or import; if it is rolled back, each is told with the reason as its
 * outcome. If the hook refuses one, or the commit itself fails, all of them are told once more, as
 * failed. A document that an import refuses is told as a failed import.
 *
 * Search cursors and exports are told of page by page: before the first of each 1,000 resources is
 * handed out, and at the end; `count` is how many were handed out before the event, and `resources`
 * names those since the event before.
 *
 * A session that is refused when it is opened is told, with action 0, under the principal given.
 *
 * What is refused before its interaction begins (an unknown type, an address or header that makes no
 * sense) is told as well; the action is then 0 where it is not known.
 */
#ifndef FHIRSTORE_AUDIT_H
#define FHIRSTORE_AUDIT_H

#include "access.h"

FHIRSTORE_BEGIN_DECLS

/** Phases, for fhirstore_audit_event.phase. @since 0.1 */
enum fhirstore_audit_phase {
    FHIRSTORE_AUDIT_BEFORE = 1, /**< It may still be refused; nothing has been done. */
    FHIRSTORE_AUDIT_AFTER = 2   /**< This is how it ended. */
};

/** Bits of fhirstore_audit_event.flags; more may be added. @since 0.1 */
enum fhirstore_audit_flag {
    FHIRSTORE_AUDIT_MORE_RESOURCES = 1,   /**< There were more resources than `resources` names. */
    FHIRSTORE_AUDIT_MORE_PATIENTS = 2,    /**< There may be more patients than `patients` names. */
    FHIRSTORE_AUDIT_MORE_RESTRICTION = 4, /**< The restriction is cut off. */
    FHIRSTORE_AUDIT_HOOK_FAILED = 8,      /**< In the journal alone: the hook failed here, and the
                                               interaction went on. */
    FHIRSTORE_AUDIT_CLOCK_BACK = 16       /**< The clock stood more than ten seconds before the last
                                               event's time; `time_us` is that time. */
};

/**
 * What happened. Strings are borrowed for the call, have a NUL behind them, and never hold resource
 * content; what does not apply is "" with length 0, or 0.
 *
 * @since 0.1
 */
typedef struct fhirstore_audit_event {
    uint32_t struct_size; /**< As the library has it. */
    int32_t action;           /**< FHIRSTORE_ACTION_*. */
    fhirstore_status outcome; /**< How it ended, or is about to: FHIRSTORE_OK, FHIRSTORE_ERR_DENIED … */
    int32_t reserved0; /**< 0. */
    int64_t time_us;          /**< Microseconds since 1970, UTC. With a journal it never runs backwards. */
    int64_t duration_us;      /**< From the call's beginning to this event. */
    int64_t version_before;   /**< Version replaced or deleted; 0: none. */
    int64_t version_after;    /**< Version written or read; 0: none. */
    int64_t count;            /**< Resources handed out (search with what it includes, history). */
    int64_t total;            /**< Matches of a search where they were counted, else -1. */
    const char *principal; /**< As given to fhirstore_session_open(). "" where there is none, as for all strings here. */
    size_t principal_len; /**< Bytes. */
    const char *purpose; /**< Purpose of use of the session. */
    size_t purpose_len; /**< Bytes. */
    const char *request_id; /**< Of the session. */
    size_t request_id_len; /**< Bytes. */
    const char *type; /**< Resource type; "" at system level. */
    size_t type_len; /**< Bytes. */
    const char *id; /**< Logical id where one is known. */
    size_t id_len; /**< Bytes. */
    const char *query;        /**< The search part of the URL, behind "_compartment=Patient/1" in a
                                   compartment. It may identify a patient. */
    size_t query_len; /**< Bytes. */
    int32_t phase;            /**< FHIRSTORE_AUDIT_BEFORE or FHIRSTORE_AUDIT_AFTER. */
    uint32_t flags;           /**< FHIRSTORE_AUDIT_MORE_RESOURCES … */
    uint32_t entry;           /**< Of the transaction Bundle that it was part of, from 1; 0: of none. */
    uint32_t reserved1; /**< 0. */
    const char *patients;     /**< Ids of the patients in whose compartments the resources are that
                                   were written (before and after), read or found; with blanks
                                   between. */
    size_t patients_len; /**< Bytes. */
    const char *resources;    /**< What was touched beside type and id: "Patient/1 Group/2". */
    size_t resources_len; /**< Bytes. */
    const char *restriction;  /**< What was granted, where it was less than all: "Patient?active=true
                                   !Patient?_security=R": searches of which one must fit, and, with
                                   a '!', none may; "!Patient.birthDate" for an element that is
                                   hidden, "=Patient.identifier" for one that is kept. Blanks and
                                   '%' within searches are percent-encoded. */
    size_t restriction_len; /**< Bytes. */
} fhirstore_audit_event;

/**
 * Be told of @a event, in one of the phases.
 *
 * @param ctx    From fhirstore_audit_hook.
 * @param event  Borrowed for the call. New fields are only added at the end: read those that lie
 *               within struct_size.
 * @return FHIRSTORE_OK, or an error: then the interaction is refused or undone and answers
 *         FHIRSTORE_ERR_AUDIT_REFUSED, and `record` is called (once more) with that outcome (whose
 *         answer no longer matters). With FHIRSTORE_OPEN_AUDIT_BEST_EFFORT it goes on.
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
    fhirstore_audit_fn record;  /**< The second phase. Must not be NULL. */
    void (*destroy)(void *ctx); /**< NULL, or called exactly once, also when registration fails. */
    fhirstore_audit_fn before;  /**< The first phase: may refuse. Once for an interaction, and again
                                     when a condition has found the resource that it is about. NULL:
                                     nobody is asked. */
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
