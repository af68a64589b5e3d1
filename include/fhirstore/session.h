/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file session.h  Who is asking: the only door to the resources.
 */
#ifndef FHIRSTORE_SESSION_H
#define FHIRSTORE_SESSION_H

#include "store.h"

FHIRSTORE_BEGIN_DECLS

/** A principal at work on a store. One thread at a time; may move between threads. @since 0.1 */
typedef struct fhirstore_session fhirstore_session;

/** Flags for fhirstore_session_options.flags. @since 0.1 */
enum fhirstore_session_flag {
    FHIRSTORE_SESSION_ALLOW_EVERYTHING = 1, /**< Skip the authorizer: for local operators and tests. */
    FHIRSTORE_SESSION_READY_ONLY = 2        /**< A search by a parameter that is still being indexed is FHIRSTORE_ERR_NOT_READY, in place of slow. */
};

/**
 * Who opens the session. Zero means the default; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_session_options {
    uint32_t struct_size;   /**< Set by the initialiser. */
    uint32_t flags;         /**< FHIRSTORE_SESSION_*. Unknown bits are refused. */
    const char *principal;  /**< Who: "Practitioner/7", a subject of a token. Copied. NULL: "". */
    size_t principal_len; /**< Bytes. */
    const char *purpose;    /**< Purpose of use: "TREAT". Copied. NULL: "". */
    size_t purpose_len; /**< Bytes. */
    const char *request_id; /**< For the audit records of this session. Copied. NULL: "". */
    size_t request_id_len; /**< Bytes. */
    uint32_t search_ms;        /**< What a page, a count or one step of a cursor may take, in milliseconds of the store's clock, before FHIRSTORE_ERR_TIMEOUT. 0: any time. */
    uint32_t reserved0;        /**< Must be 0. */
    uint64_t search_resources; /**< Resources that one search may look at before FHIRSTORE_ERR_TOO_COSTLY. 0: 100 million, or any number where the session may do everything. */
    const char *claims;     /**< The principal's document as JSON (docs/access.md): roles, SMART scopes, patient in context, attributes. Copied. NULL: none. */
    size_t claims_len; /**< Bytes. */
    uint32_t search_includes;  /**< Resources that `_include` and `_revinclude` add to a page at most; the page then has a link to the rest. 0, or more than that: 10,000. */
    uint32_t reserved1;        /**< Must be 0. */
    const char *link_base;  /**< What Location headers, fullUrl and links begin with in this session's answers: the address at which its clients reach the store. An absolute http or https URL. Copied. NULL: the store's base URL. */
    size_t link_base_len; /**< Bytes. */
    int64_t expires_us;        /**< When the session ends, in microseconds since 1970 of the store's clock (a token's "exp" times a million): from then on it answers FHIRSTORE_ERR_SESSION_EXPIRED. 0: never. */
} fhirstore_session_options;

/** Static initialiser for C. Bindings call fhirstore_session_options_init(). */
#define FHIRSTORE_SESSION_OPTIONS_INIT                                                             \
    {                                                                                              \
        sizeof(fhirstore_session_options), 0, NULL, 0, NULL, 0, NULL, 0, 0, 0, 0, NULL, 0, 0, 0,   \
            NULL, 0, 0                                                                             \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_session_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_session_options_init(fhirstore_session_options *options,
                                                              size_t struct_size);

/**
 * Open a session.
 *
 * @param      store        The store; must stay open while the session is used.
 * @param      options      Copied. NULL: an anonymous session, which the authorizer decides about.
 * @param[out] session_out  Owned by the caller: fhirstore_session_close(). NULL on failure.
 * @param[out] err_out      NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_INVALID_ARG  Unknown flags, or a negative expires_us.
 * @retval FHIRSTORE_ERR_SESSION_EXPIRED  expires_us has passed already.
 * @retval FHIRSTORE_ERR_POLICY       The claims are no principal's document, or hold a scope that is
 *                                    none. Also the ERR_JSON_… for what is not JSON.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_session_open(fhirstore *store,
                                                      const fhirstore_session_options *options,
                                                      fhirstore_session **session_out,
                                                      fhirstore_error **err_out);

/**
 * Stop what the session does: its call that is under way, and each of its cursors at its next step,
 * answers FHIRSTORE_ERR_CANCELLED, and a write leaves nothing behind. What begins afterwards is not
 * affected. NULL is a no-op.
 *
 * @param session  The session; must not be closed meanwhile.
 * @par Threads  Any thread, also while another is inside a call of the session; does not block.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_session_cancel(fhirstore_session *session);

/**
 * End @a session for good, as when its token is taken back: each call of it answers
 * FHIRSTORE_ERR_SESSION_EXPIRED (401) and nothing else, and so do the call that is under way, the
 * next step of each of its cursors, and its imports, of which nothing that was not committed stays.
 * A session whose expires_us has passed is at the same point. What is left is to close it.
 * Each refusal is recorded. NULL is a no-op.
 *
 * @param session  The session; must not be closed meanwhile.
 * @par Threads  Any thread, also while another is inside a call of the session; does not block.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_session_revoke(fhirstore_session *session);

/**
 * Close @a session. NULL is a no-op.
 *
 * @param session  The session; not used afterwards.
 * @par Threads  Any thread, once; also while another closes the store.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_session_close(fhirstore_session *session);

FHIRSTORE_END_DECLS

#endif
