/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file access.h  May this principal do this?
 *
 * A store without an authorizer denies every session that was not opened with
 * FHIRSTORE_SESSION_ALLOW_EVERYTHING. An authorizer is asked for each interaction and type; whatever
 * it answers but FHIRSTORE_ACCESS_ALLOW or FHIRSTORE_ACCESS_RESTRICT, and any error, means deny.
 *
 * A restriction is a search of the type. What does not fit it is as if it were not there: it is not
 * found, counted, included, passed through by a chain, read, or shown in a history, where each
 * version is judged by itself. A change must fit it before and after; within a restriction new ids
 * are the store's to choose, and an address that holds nothing gets the same answer as one that is
 * hidden.
 *
 * fhirstore_set_policy() registers a ready authorizer: roles from a document, and SMART scopes.
 *
 * An interaction that passes through several types is asked for as a whole, and then once for each
 * type it meets, with the same action: search, history and export at system level, and in every
 * search each type that a chain or _has passes through or that is included. A denied type is then as if the store held
 * nothing of it: not found, not counted, not handed out.
 */
#ifndef FHIRSTORE_ACCESS_H
#define FHIRSTORE_ACCESS_H

#include "buf.h"
#include "session.h"
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
    FHIRSTORE_ACTION_AUDIT = 14,      /**< The journal is read or verified, or old records go. */
    FHIRSTORE_ACTION_VALIDATE = 15,   /**< A resource is checked ($validate), nothing is stored. */
    FHIRSTORE_ACTION_EVERYTHING = 16, /**< $everything of one resource; each type it meets is asked for. */
    FHIRSTORE_ACTION_HARD_DELETE = 17, /**< A resource goes with its history. */
    FHIRSTORE_ACTION_REINDEX = 18,    /**< Index rows are made anew. */
    FHIRSTORE_ACTION_CONVERT = 19,    /**< Messages of devices and other formats become resources. */
    FHIRSTORE_ACTION_OPERATION = 20,  /**< An operation of the host; the query begins with its name. */
    FHIRSTORE_ACTION_SHRED = 21       /**< The key of a Patient is destroyed, and all of the compartment goes (shred.h). */
};

/** How far a decision reaches that is valid for a time. @since 0.1 */
enum fhirstore_access_reach {
    FHIRSTORE_ACCESS_QUESTION = 0, /**< The same action, type, id and query. */
    FHIRSTORE_ACCESS_TYPE = 1      /**< The same action and type, whichever id and query. */
};

/** The answers of an authorizer. Anything else is a denial. @since 0.1 */
enum fhirstore_access_answer {
    FHIRSTORE_ACCESS_DENY = 0,
    FHIRSTORE_ACCESS_ALLOW = 1,
    FHIRSTORE_ACCESS_RESTRICT = 2 /**< Within what fhirstore_access_restrict() was called with. */
};

/**
 * Who asks for what. All strings are borrowed for the call and have a NUL behind them; lengths are
 * the truth. What does not apply is "" with length 0.
 *
 * @since 0.1
 */
typedef struct fhirstore_access_request {
    uint32_t struct_size; /**< As the library has it. */
    int32_t action;            /**< FHIRSTORE_ACTION_*. */
    const char *principal;     /**< As given to fhirstore_session_open(). */
    size_t principal_len; /**< Bytes. */
    const char *purpose;       /**< Purpose of use of the session. */
    size_t purpose_len; /**< Bytes. */
    const char *type;          /**< Resource type; "" at system level. */
    size_t type_len; /**< Bytes. */
    const char *id;            /**< Logical id where one is known. */
    size_t id_len; /**< Bytes. */
    const char *query;         /**< The search part of the URL, for searches; in a compartment it
                                    begins with "_compartment=Patient/1". */
    size_t query_len; /**< Bytes. */
    const char *claims;        /**< The principal's document, as given to fhirstore_session_open(). */
    size_t claims_len; /**< Bytes. */
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
    void *grant;          /**< The library's. Do not touch. */
    uint64_t reserved[4]; /**< 0; anything else denies. */
} fhirstore_access_decision;

/**
 * Within an authorizer: what the principal may see or change of the type that is asked for. Called
 * several times, the searches are alternatives. Counts only with FHIRSTORE_ACCESS_RESTRICT.
 *
 * @param[in,out] decision    As handed to the authorizer.
 * @param         search      Search parameters as behind the '?' of a URL: "organization=1&active=true".
 *                            Besides those of the type "_compartment=Patient/1". Copied.
 * @param         search_len  Bytes.
 * @retval FHIRSTORE_ERR_INVALID_ARG  No decision under way, or an empty search.
 * @retval FHIRSTORE_ERR_LIMIT        Too many alternatives: what was given before stands.
 * @par Threads  That of the authorizer's call.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_access_restrict(fhirstore_access_decision *decision,
                                                         const char *search, size_t search_len);

/**
 * Within an authorizer: what is hidden all the same. Counts with FHIRSTORE_ACCESS_ALLOW as with
 * FHIRSTORE_ACCESS_RESTRICT.
 *
 * @param[in,out] decision    As handed to the authorizer.
 * @param         search      As for fhirstore_access_restrict().
 * @param         search_len  Bytes.
 * @retval FHIRSTORE_ERR_INVALID_ARG  No decision under way, or an empty search.
 * @retval FHIRSTORE_ERR_LIMIT        Too many of them: the decision denies.
 * @par Threads  That of the authorizer's call.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_access_except(fhirstore_access_decision *decision,
                                                       const char *search, size_t search_len);

/**
 * Within an authorizer: an element of the type that the principal does not see, whichever resource
 * it is in. It is left out of every answer to the interaction; where the type requires it, it says
 * that it is masked (data-absent-reason). With anything hidden the narrative (`text`) is hidden as
 * well, and what is handed out carries the tag SUBSETTED. Searches, sorts, chains and includes by a
 * parameter that reads the element are refused with FHIRSTORE_ERR_DENIED. A change keeps what is
 * hidden as it is stored; one that sets it, or that would take it along, is refused. Hide for each
 * action that an element is to be hidden in: the answer of an update is masked by the decision about
 * the update.
 *
 * @param[in,out] decision     As handed to the authorizer.
 * @param         element      Its path in the type: "birthDate", "name.given", "value[x]",
 *                             "valueQuantity", "meta.tag". id and the store's own part of meta
 *                             cannot be hidden. A path that the type does not have denies. Copied.
 * @param         element_len  Bytes.
 * @retval FHIRSTORE_ERR_INVALID_ARG  No decision under way, or an empty path: the decision denies.
 * @retval FHIRSTORE_ERR_LIMIT        Too many of them: the decision denies.
 * @par Threads  That of the authorizer's call.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_access_hide(fhirstore_access_decision *decision,
                                                     const char *element, size_t element_len);

/**
 * Within an authorizer: an element that the principal may see but not change: a create that sets it
 * and a change that touches it are FHIRSTORE_ERR_DENIED. In a list the place counts as well.
 *
 * @param[in,out] decision     As handed to the authorizer.
 * @param         element      As for fhirstore_access_hide().
 * @param         element_len  Bytes.
 * @retval FHIRSTORE_ERR_INVALID_ARG  No decision under way, or an empty path: the decision denies.
 * @retval FHIRSTORE_ERR_LIMIT        Too many of them: the decision denies.
 * @par Threads  That of the authorizer's call.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_access_keep(fhirstore_access_decision *decision,
                                                     const char *element, size_t element_len);

/**
 * Within an authorizer: the decision, whatever it is, may be given again without asking, in the same
 * session, for a time of the store's clock. It ends before where the authorizer or the policy is
 * replaced, the session ends, or the clock is set back. Not called, or with 0: each question is
 * asked. A session keeps 64 decisions; the one that was used longest ago goes first.
 *
 * @param[in,out] decision  As handed to the authorizer.
 * @param         ms        Milliseconds.
 * @param         reach     FHIRSTORE_ACCESS_QUESTION or FHIRSTORE_ACCESS_TYPE.
 * @retval FHIRSTORE_ERR_INVALID_ARG  No decision under way, or a reach that is none.
 * @par Threads  That of the authorizer's call.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_access_valid(fhirstore_access_decision *decision,
                                                      uint32_t ms, int32_t reach);

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

/**
 * Decide by a role document and SMART scopes: docs/access.md describes both. What the principal may
 * comes from its session's document (fhirstore_session_options.claims): several roles unite, scopes
 * and roles intersect, and what is denied anywhere is denied. Takes the place of an authorizer.
 *
 * @param      store         The store.
 * @param      document      The role document as JSON. Copied. NULL: the seven roles that come with
 *                           the library (fhirstore_default_policy()).
 * @param      document_len  Bytes.
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_POLICY  Not a role document, or an empty one: the error has line and column.
 *                               The earlier authorizer stays. Also the ERR_JSON_… for what is not JSON.
 * @par Threads  Any thread; interactions already under way keep the one they began with.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_set_policy(fhirstore *store, const char *document,
                                                    size_t document_len,
                                                    fhirstore_error **err_out);

/**
 * The role document that comes with the library: globalReader, globalExporter, globalConverter,
 * globalImporter, globalWriter, globalAdmin, smartUser.
 *
 * @return JSON; static, ends in NUL.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_default_policy(void);

/**
 * What a session may do: by role, scope, policy and purpose, for each resource type.
 *
 * The JSON holds `decidedBy` ("policy", "host": an authorizer of the host's, "everything", "none"),
 * `principal`, `purpose`, `roles`, the `scopes` in force and the `patient` in context; under `system`
 * and under `types` by the type's name an array of {`actions`, `rule`, `within`, `except`, `hide`,
 * `keep`}. `within` and `except` are {`search`, `rule`}; what is not granted is not there. A scope
 * that is none opens no session (fhirstore_session_open()), which says why. A host's authorizer is
 * asked for each action and type.
 *
 * @param      session   The session.
 * @param      type      One resource type. NULL or "": all of them.
 * @param      type_len  Bytes.
 * @param[out] buf_out   The JSON; owned by the caller: fhirstore_buf_clear().
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_UNKNOWN_TYPE     No such resource type.
 * @retval FHIRSTORE_ERR_SESSION_EXPIRED  The session is over.
 * @par Threads  That of the session.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_access_introspect(fhirstore_session *session,
                                                           const char *type, size_t type_len,
                                                           fhirstore_buf *buf_out,
                                                           fhirstore_error **err_out);

/**
 * Which rule decides about one question: the role and its rule, the scope, the label, or that there
 * is none. Where several contradict, a denial decides.
 *
 * The JSON holds `action`, `type`, `id`, `decidedBy`, `allowed`, `rule`, and what is granted as in
 * fhirstore_access_introspect(). With an id and where the action is allowed `visible` tells whether
 * the session sees that resource: what is hidden and what is not there are both false, and the
 * question is recorded as the action would be.
 *
 * @param      session   The session.
 * @param      action    FHIRSTORE_ACTION_*.
 * @param      type      Resource type. NULL or "": system level.
 * @param      type_len  Bytes.
 * @param      id        Logical id. NULL or "": none.
 * @param      id_len    Bytes.
 * @param[out] buf_out   The JSON; owned by the caller: fhirstore_buf_clear().
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_INVALID_ARG      No such action, or an id without a type.
 * @retval FHIRSTORE_ERR_UNKNOWN_TYPE     No such resource type.
 * @retval FHIRSTORE_ERR_SESSION_EXPIRED  The session is over.
 * @par Threads  That of the session.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_access_explain(fhirstore_session *session,
                                                        int32_t action, const char *type,
                                                        size_t type_len, const char *id,
                                                        size_t id_len, fhirstore_buf *buf_out,
                                                        fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
