/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file operation.h  Operations of the host, called by clients as `$name`.
 *
 * An operation goes the way of every interaction: the authorizer is asked, the audit hook and the
 * journal are told, GET and POST, batches and transactions reach it as they reach the built-in ones,
 * and the CapabilityStatement lists it.
 */
#ifndef FHIRSTORE_OPERATION_H
#define FHIRSTORE_OPERATION_H

#include "store.h"

FHIRSTORE_BEGIN_DECLS

/** Where an operation is called; any of them together. @since 0.1 */
enum fhirstore_operation_level {
    FHIRSTORE_OPERATION_ON_TYPE = 1,     /**< `Patient/$name` */
    FHIRSTORE_OPERATION_ON_INSTANCE = 2, /**< `Patient/1/$name` */
    FHIRSTORE_OPERATION_ON_SYSTEM = 4    /**< `$name` */
};

/** Flags of an operation. @since 0.1 */
enum fhirstore_operation_flag {
    /** It changes something, here or elsewhere: POST alone reaches it, and a read-only store refuses it. */
    FHIRSTORE_OPERATION_CHANGES = 1
};

/**
 * One call of an operation. All strings are borrowed for the call and have a NUL behind them;
 * lengths are the truth. What does not apply is "" with length 0.
 *
 * @since 0.1
 */
typedef struct fhirstore_operation_request {
    uint32_t struct_size; /**< As the library has it. */
    int32_t level;              /**< FHIRSTORE_OPERATION_ON_*: one of them. */
    const char *name;           /**< Without the `$`. */
    size_t name_len; /**< Bytes. */
    const char *type;           /**< Resource type; "" at system level. */
    size_t type_len; /**< Bytes. */
    const char *id;             /**< Of the resource, at instance level. */
    size_t id_len; /**< Bytes. */
    const char *parameters;     /**< A Parameters resource: those of the body, and before them those of
                                     the address, as `valueString`. A body that is another resource is the
                                     parameter `resource`. */
    size_t parameters_len; /**< Bytes. */
    const char *resource;       /**< At instance level the resource, as the principal may see it. */
    size_t resource_len; /**< Bytes. */
    const char *principal;      /**< As given to fhirstore_session_open(). */
    size_t principal_len; /**< Bytes. */
    const char *purpose;        /**< Purpose of use of the session. */
    size_t purpose_len; /**< Bytes. */
    const char *claims;         /**< The principal's document. */
    size_t claims_len; /**< Bytes. */
} fhirstore_operation_request;

/** Where the answer goes. The library's, for one call. @since 0.1 */
typedef struct fhirstore_operation_reply fhirstore_operation_reply;

/**
 * Answer: at most once, from within the operation. Without it the answer is 204 without a body.
 *
 * @param[in,out] reply         As handed to the operation.
 * @param         http          200 to 299, or 400 to 599 with an OperationOutcome.
 * @param         resource      A resource as JSON. Copied. It is sent as it is, and not stored.
 * @param         resource_len  Bytes; 0: no body.
 * @retval FHIRSTORE_ERR_INVALID_ARG  No reply, another answer before, another status, or a refusal
 *         without a body.
 * @par Threads  That of the operation's call.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_operation_answer(fhirstore_operation_reply *reply, int32_t http,
                                                          const char *resource, size_t resource_len);

/**
 * Carry out an operation.
 *
 * The store holds no lock meanwhile, so the operation may work on the same store with a session of its
 * own (never with the one that the call came through). As an entry of a transaction it runs inside of
 * that: it may read, but what it writes waits for the writer and fails (FHIRSTORE_ERR_BUSY).
 *
 * @param         ctx      From fhirstore_operation.
 * @param         request  Borrowed for the call.
 * @param[in,out] reply    For fhirstore_operation_answer(). Borrowed for the call.
 * @return FHIRSTORE_OK. An error, or an answer that is no resource, becomes 500
 *         (FHIRSTORE_ERR_OPERATION), and nothing of the answer is sent.
 * @par Threads  Called on the thread of the interaction; several threads at once.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_operation_fn)(void *ctx,
                                                   const fhirstore_operation_request *request,
                                                   fhirstore_operation_reply *reply);

/** An operation of the host. Copied, with its texts, when it is registered. @since 0.1 */
typedef struct fhirstore_operation {
    uint32_t struct_size;       /**< sizeof(fhirstore_operation). */
    uint32_t flags;             /**< FHIRSTORE_OPERATION_CHANGES, or 0. */
    const char *name;           /**< Without the `$`: letters, digits, '-' and '_', a letter first. */
    size_t name_len; /**< Bytes. */
    const char *type;           /**< Resource type; length 0: any, and the store. */
    size_t type_len; /**< Bytes. */
    uint32_t levels;            /**< FHIRSTORE_OPERATION_ON_*; ON_SYSTEM without a type only. */
    int32_t action;             /**< FHIRSTORE_ACTION_* that the authorizer is asked for; 0:
                                     FHIRSTORE_ACTION_OPERATION. */
    const char *definition;     /**< Canonical URL for the CapabilityStatement; length 0: made up. */
    size_t definition_len; /**< Bytes. */
    void *ctx;                  /**< First argument of the functions. */
    fhirstore_operation_fn run; /**< Must not be NULL. */
    void (*destroy)(void *ctx); /**< NULL, or called exactly once: when the store is closed, or when
                                     registration fails. */
} fhirstore_operation;

/**
 * Let clients call an operation of the host, as long as the store is open; it is not stored.
 *
 * The authorizer is asked for the operation's action with its type and id, and a query that begins with
 * `$name`. Without an answer that allows it nobody calls it: role documents grant `operation`, SMART scopes
 * do not. A restriction holds for the resource at instance level; at other levels it denies, since nothing
 * here can hold the operation to it.
 *
 * @param      store      The store.
 * @param      operation  Copied.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_INVALID_ARG   No run function, a malformed name, unknown flags, levels or action.
 * @retval FHIRSTORE_ERR_EXISTS        There is an operation of this name at one of the levels and types.
 * @retval FHIRSTORE_ERR_UNKNOWN_TYPE  No such resource type.
 * @retval FHIRSTORE_ERR_LIMIT         There are 256 of them, or a text is too long.
 * @par Threads  Any thread.
 * @par FHIR  operations.html
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_operation_register(fhirstore *store,
                                                            const fhirstore_operation *operation,
                                                            fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
