/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file access.h  May this principal do this?
 *
 * A store without an authorizer denies every session that was not opened with
 * FHIRSTORE_SESSION_ALLOW_EVERYTHING. An authorizer is asked for each interaction and type; whatever
 * it answers but FHIRSTORE_ACCESS_ALLOW, and any error, means deny.
 *
 * An interaction that passes through several types is asked for as a whole, and then once for each
 * type it meets, with the same action: search, history and export at system level, and in every
 * search each type that a chain or _has passes through or that is included. A denied type is then as if the store held
 * nothing of it: not found, not counted, not handed out.
 */
#ifndef FHIRSTORE_ACCESS_H
#define FHIRSTORE_ACCESS_H

#include "store.h"

FHIRSTORE_BEGIN_DECLS

/** What is about to be done. Numbers are permanent. @since 0.1 */
enum fhirstore_action {
    FHIRSTORE_ACTION_READ = 1,
    FHIRSTORE_ACTION_VREAD = 2,
    FHIRSTORE_ACTION_SEARCH = 3,
    FHIRSTORE_ACTION_CREATE = 4,
    FHIRSTORE_ACTION_UPDATE = 5,
    FHIRSTORE_ACTION_DELETE = 6,
    FHIRSTORE_ACTION_HISTORY = 7,
    FHIRSTORE_ACTION_CAPABILITIES = 8,
    FHIRSTORE_ACTION_TRANSACTION = 9, /**< The bundle as a whole; each entry is asked for besides. */
    FHIRSTORE_ACTION_BATCH = 10,      /**< As FHIRSTORE_ACTION_TRANSACTION. */
    FHIRSTORE_ACTION_IMPORT = 11,
    FHIRSTORE_ACTION_EXPORT = 12,
    FHIRSTORE_ACTION_PATCH = 13,      /**< The resource is read, changed and stored. */
    FHIRSTORE_ACTION_AUDIT = 14       /**< The journal is read or verified, or old records go. */
};

/** The answers of an authorizer. Anything else is a denial. @since 0.1 */
enum fhirstore_access_answer {
    FHIRSTORE_ACCESS_DENY = 0,
    FHIRSTORE_ACCESS_ALLOW = 1
};

/**
 * Who asks for what. All strings are borrowed for the call and have a NUL behind them; lengths are
 * the truth. What does not apply is "" with length 0.
 *
 * @since 0.1
 */
typedef struct fhirstore_access_request {
    uint32_t struct_size;
    int32_t action;            /**< FHIRSTORE_ACTION_*. */
    const char *principal;     /**< As given to fhirstore_session_open(). */
    size_t principal_len;
    const char *purpose;       /**< Purpose of use of the session. */
    size_t purpose_len;
    const char *type;          /**< Resource type; "" at system level. */
    size_t type_len;
    const char *id;            /**< Logical id where one is known. */
    size_t id_len;
    const char *query;         /**< The search part of the URL, for searches; in a compartment it
                                    begins with "_compartment=Patient/1". */
    size_t query_len;
} fhirstore_access_request;

/**
 * The authorizer's answer. Zeroed and set to deny before the call, so that what is not filled in
 * never allows anything. New fields are only added at the end and mean what they meant before
 * while they are zero; write only fields that lie within struct_size.
 *
 * @since 0.1
 */
typedef struct fhirstore_access_decision {
    uint32_t struct_size; /**< As the library has it. Do not change. */
    int32_t answer;       /**< FHIRSTORE_ACCESS_*. */
    uint64_t reserved[4]; /**< 0; anything else denies. */
} fhirstore_access_decision;

/**
 * Decide about @a request.
 *
 * @param         ctx       From fhirstore_authorizer.
 * @param         request   Borrowed for the call.
 * @param[in,out] decision  Denies until the authorizer says otherwise. Borrowed for the call.
 * @return FHIRSTORE_OK, or an error, which denies.
 * @par Threads  Called on the thread of the interaction, which may hold the write transaction:
 *      do not call into the same store.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_authorize_fn)(void *ctx,
                                                   const fhirstore_access_request *request,
                                                   fhirstore_access_decision *decision);

/** An authorization callback. Copied when it is registered. @since 0.1 */
typedef struct fhirstore_authorizer {
    uint32_t struct_size;              /**< sizeof(fhirstore_authorizer). */
    uint32_t flags;                    /**< Must be 0. */
    void *ctx;                         /**< First argument of the functions. */
    fhirstore_authorize_fn authorize;  /**< Must not be NULL. */
    void (*destroy)(void *ctx);        /**< NULL, or called exactly once, also when registration fails. */
} fhirstore_authorizer;

/**
 * Register the authorizer of @a store, in place of an earlier one.
 *
 * @param      store       The store.
 * @param      authorizer  Copied. NULL removes the authorizer: everything is denied again.
 * @param[out] err_out     NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_INVALID_ARG  No authorize function, or unknown flags.
 * @par Threads  Any thread; interactions already under way keep the one they began with.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_set_authorizer(fhirstore *store,
                                                        const fhirstore_authorizer *authorizer,
                                                        fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
