/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file resource.h  Create, read, update, patch, delete, history.
 *
 * Resources go in and come out as UTF-8 JSON. Numbers, strings and member order are kept as they
 * were written; the store owns `id`, `meta.versionId` and `meta.lastUpdated`.
 *
 * Every function here writes *response_out and *err_out: one of them is set, the other NULL.
 */
#ifndef FHIRSTORE_RESOURCE_H
#define FHIRSTORE_RESOURCE_H

#include "session.h"

FHIRSTORE_BEGIN_DECLS

/** The answer to an interaction. Immutable; may be passed between threads. @since 0.1 */
typedef struct fhirstore_response fhirstore_response;

/**
 * Release @a response. NULL is a no-op.
 *
 * @param response  The response; not used afterwards.
 * @par Threads  Any thread, once.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_response_free(fhirstore_response *response);

/**
 * The HTTP status a FHIR server would answer: 200, 201, 204 …
 *
 * @param response  NULL gives 0.
 * @par Threads  Any thread; the response may be shared.
 * @since 0.1
 */
FHIRSTORE_API int32_t fhirstore_response_http(const fhirstore_response *response);

/**
 * The body: a resource, a Bundle, or an OperationOutcome; "" where there is none.
 *
 * @param      response  The response.
 * @param[out] len_out   Bytes.
 * @return UTF-8 JSON, borrowed until the response is freed.
 * @par Threads  Any thread; the response may be shared.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_response_body(const fhirstore_response *response,
                                                  size_t *len_out);

/**
 * The logical id that the interaction was about, "" where there is none.
 *
 * @param      response  The response.
 * @param[out] len_out   Bytes.
 * @return Borrowed until the response is freed.
 * @par Threads  Any thread; the response may be shared.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_response_id(const fhirstore_response *response,
                                                size_t *len_out);

/**
 * The version read or written: 1, 2, 3 …; 0 where there is none.
 *
 * @param response  NULL gives 0.
 * @par Threads  Any thread; the response may be shared.
 * @since 0.1
 */
FHIRSTORE_API int64_t fhirstore_response_version(const fhirstore_response *response);

/**
 * When that version was stored, microseconds since 1970 UTC; 0 where there is none.
 *
 * @param response  NULL gives 0.
 * @par Threads  Any thread; the response may be shared.
 * @since 0.1
 */
FHIRSTORE_API int64_t fhirstore_response_updated_us(const fhirstore_response *response);

/**
 * How many headers the response has.
 *
 * @param response  NULL gives 0.
 * @par Threads  Any thread; the response may be shared.
 * @since 0.1
 */
FHIRSTORE_API uint32_t fhirstore_response_header_count(const fhirstore_response *response);

/**
 * Read header number @a index (ETag, Last-Modified, Location, Content-Type …).
 *
 * @param      response   The response.
 * @param      index      From 0.
 * @param[out] name_out   Borrowed until the response is freed; NULL on failure.
 * @param[out] value_out  Borrowed until the response is freed; NULL on failure.
 * @retval FHIRSTORE_ERR_NOT_FOUND  There is no such header.
 * @par Threads  Any thread; the response may be shared.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_response_header(const fhirstore_response *response,
                                                         uint32_t index, const char **name_out,
                                                         const char **value_out);

/**
 * Store a new resource under an id that the store chooses (a UUID).
 *
 * @param      session       The session.
 * @param      type          Resource type: "Patient".
 * @param      type_len      Bytes.
 * @param      body          The resource as JSON; an `id` in it is replaced. Copied.
 * @param      body_len      Bytes.
 * @param[out] response_out  201 with the stored resource. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_CREATED               Stored.
 * @retval FHIRSTORE_ERR_JSON              Not JSON (also the other ERR_JSON_…), with position.
 * @retval FHIRSTORE_ERR_INVALID_RESOURCE  Not a valid resource; each issue has its FHIRPath.
 * @retval FHIRSTORE_ERR_UNKNOWN_TYPE      No such resource type.
 * @retval FHIRSTORE_ERR_DENIED            The authorizer said no.
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  http.html#create
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_create(fhirstore_session *session, const char *type,
                                                size_t type_len, const char *body, size_t body_len,
                                                fhirstore_response **response_out,
                                                fhirstore_error **err_out);

/**
 * Store a new resource, unless one matches already (conditional create).
 *
 * The search runs in the transaction that writes, so two that ask for the same never both create.
 *
 * @param      session       The session. It needs the right to search the type as well.
 * @param      type          Resource type: "Patient".
 * @param      type_len      Bytes.
 * @param      criteria      Search parameters, as If-None-Exist has them: "identifier=http://a|1". Always
 *                           understood strictly.
 * @param      criteria_len  Bytes.
 * @param      body          The resource as JSON; an `id` in it is replaced. Copied.
 * @param      body_len      Bytes.
 * @param[out] response_out  201 with the stored resource, or 200 with the one that matches. Owned by the
 *                           caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_CREATED               Nothing matched; stored.
 * @retval FHIRSTORE_OK                    One matches; nothing was written.
 * @retval FHIRSTORE_ERR_MULTIPLE_MATCHES  Several match.
 * @retval FHIRSTORE_ERR_QUERY             The criteria are empty, or shape a result (`_sort`, `_count` …).
 * @retval FHIRSTORE_ERR_UNKNOWN_PARAM     They hold an unknown parameter.
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  http.html#ccreate
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_create_if_none(
    fhirstore_session *session, const char *type, size_t type_len, const char *criteria,
    size_t criteria_len, const char *body, size_t body_len, fhirstore_response **response_out,
    fhirstore_error **err_out);

/**
 * Read the current version.
 *
 * @param      session       The session.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      id            Logical id.
 * @param      id_len        Bytes.
 * @param[out] response_out  200 with the resource. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_FOUND  Never stored.
 * @retval FHIRSTORE_ERR_DELETED    Deleted; older versions can still be read.
 * @par Threads  One at a time a session; does not block.
 * @par FHIR  http.html#read
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_read(fhirstore_session *session, const char *type,
                                              size_t type_len, const char *id, size_t id_len,
                                              fhirstore_response **response_out,
                                              fhirstore_error **err_out);

/** What a client has already. Zero means not given; new fields are only added at the end. @since 0.1 */
typedef struct fhirstore_read_options {
    uint32_t struct_size;      /**< Set by the initialiser. */
    uint32_t flags;            /**< Must be 0. */
    int64_t if_none_version;   /**< The version it has (If-None-Match). 0: not given. */
    int64_t if_modified_since; /**< Microseconds since 1970, compared in whole seconds; does not count where
                                    if_none_version is given. 0: not given. */
} fhirstore_read_options;

/** Static initialiser for C. Bindings call fhirstore_read_options_init(). */
#define FHIRSTORE_READ_OPTIONS_INIT             \
    {                                           \
        sizeof(fhirstore_read_options), 0, 0, 0 \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_read_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_read_options_init(fhirstore_read_options *options,
                                                           size_t struct_size);

/**
 * Read the current version, unless the client has it already (conditional read).
 *
 * @param      session       The session.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      id            Logical id.
 * @param      id_len        Bytes.
 * @param      options       Copied. NULL: read in any case.
 * @param[out] response_out  200 with the resource, or 304 without. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_NOT_MODIFIED   The client has it.
 * @retval FHIRSTORE_ERR_NOT_FOUND  Never stored.
 * @retval FHIRSTORE_ERR_DELETED    Deleted; older versions can still be read.
 * @par Threads  One at a time a session; does not block.
 * @par FHIR  http.html#cread
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_read_if(fhirstore_session *session, const char *type,
                                                 size_t type_len, const char *id, size_t id_len,
                                                 const fhirstore_read_options *options,
                                                 fhirstore_response **response_out,
                                                 fhirstore_error **err_out);

/**
 * Read one version.
 *
 * @param      session       The session.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      id            Logical id.
 * @param      id_len        Bytes.
 * @param      version       1, 2, 3 …
 * @param[out] response_out  200 with that version. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_FOUND  No such resource or version.
 * @retval FHIRSTORE_ERR_DELETED    That version is the deletion.
 * @par Threads  One at a time a session; does not block.
 * @par FHIR  http.html#vread
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_vread(fhirstore_session *session, const char *type,
                                               size_t type_len, const char *id, size_t id_len,
                                               int64_t version, fhirstore_response **response_out,
                                               fhirstore_error **err_out);

/** Flags for fhirstore_write_options.flags. @since 0.1 */
enum fhirstore_write_flag {
    FHIRSTORE_WRITE_IF_NONE = 1, /**< Only if nothing current is there, as If-None-Match: * says. For updates. */
    FHIRSTORE_WRITE_IF_ANY = 2,  /**< Only if something current is there, as If-Match: * says. */
    FHIRSTORE_WRITE_HARD = 4,    /**< The history goes as well. For deletions; needs the right to FHIRSTORE_ACTION_HARD_DELETE and to delete. */
    FHIRSTORE_WRITE_CASCADE = 8  /**< What refers to the resource is deleted as well, and what refers to that, each as a deletion of its own. For deletions in a store opened with FHIRSTORE_INTEGRITY_CASCADE; not with FHIRSTORE_WRITE_HARD. */
};

/**
 * On what condition to write. Zero means the default; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_write_options {
    uint32_t struct_size; /**< Set by the initialiser. */
    uint32_t flags;       /**< FHIRSTORE_WRITE_*. Unknown bits are refused. */
    int64_t if_version;   /**< The version that must be the current one (If-Match). 0: any, or none. */
} fhirstore_write_options;

/** Static initialiser for C. Bindings call fhirstore_write_options_init(). */
#define FHIRSTORE_WRITE_OPTIONS_INIT          \
    {                                         \
        sizeof(fhirstore_write_options), 0, 0 \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_write_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_write_options_init(fhirstore_write_options *options,
                                                            size_t struct_size);

/**
 * Replace a resource, or create it under this id.
 *
 * An update whose JSON equals the stored one apart from member order and the store's own fields
 * keeps the version.
 *
 * @param      session       The session.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      id            Logical id: 1 to 64 of A-Z a-z 0-9 - .
 * @param      id_len        Bytes.
 * @param      body          The resource as JSON, with the same `id`. Copied.
 * @param      body_len      Bytes.
 * @param      options       Copied. NULL: without condition.
 * @param[out] response_out  200, or 201 when it was created. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_CREATED               There was none (or it was deleted) under this id.
 * @retval FHIRSTORE_ERR_PRECONDITION      The current version is not options.if_version, or there is one
 *                                         in spite of FHIRSTORE_WRITE_IF_NONE.
 * @retval FHIRSTORE_ERR_ID_MISMATCH       The `id` in the body is another one or missing.
 * @retval FHIRSTORE_ERR_INVALID_RESOURCE  As for fhirstore_create().
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  http.html#update
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_update(fhirstore_session *session, const char *type,
                                                size_t type_len, const char *id, size_t id_len,
                                                const char *body, size_t body_len,
                                                const fhirstore_write_options *options,
                                                fhirstore_response **response_out,
                                                fhirstore_error **err_out);

/**
 * Replace the resource that matches, or create one where none does (conditional update).
 *
 * A body without `id` goes to the resource that matches, or gets an id of the store's. A body with one
 * must be of the resource that matches; where nothing does, it is created under that id.
 *
 * @param      session       The session. It needs the right to search the type as well.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      criteria      Search parameters: "identifier=http://a|1". Always understood strictly.
 * @param      criteria_len  Bytes.
 * @param      body          The resource as JSON. Copied.
 * @param      body_len      Bytes.
 * @param      options       Copied. NULL: without further condition.
 * @param[out] response_out  200, or 201 when it was created. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_CREATED               Nothing matched; stored.
 * @retval FHIRSTORE_ERR_MULTIPLE_MATCHES  Several match.
 * @retval FHIRSTORE_ERR_ID_MISMATCH       The `id` in the body is not that of the resource that matches.
 * @retval FHIRSTORE_ERR_CONFLICT          Nothing matches, but there is a resource with the body's `id`.
 * @retval FHIRSTORE_ERR_PRECONDITION      As for fhirstore_update().
 * @retval FHIRSTORE_ERR_QUERY             The criteria are empty, or shape a result (`_sort`, `_count` …).
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  http.html#cond-update
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_update_where(
    fhirstore_session *session, const char *type, size_t type_len, const char *criteria,
    size_t criteria_len, const char *body, size_t body_len, const fhirstore_write_options *options,
    fhirstore_response **response_out, fhirstore_error **err_out);

/**
 * Delete a resource. Its history stays, unless FHIRSTORE_WRITE_HARD is set.
 *
 * With that, no version is left, deletions included, nor index rows, nor words in the full-text index:
 * a read finds nothing (not found, where a deletion says deleted), references to it lead nowhere, and
 * what is stored under its id later begins with version 1. The journal keeps its records.
 *
 * @param      session       The session.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      id            Logical id.
 * @param      id_len        Bytes.
 * @param      options       Copied. NULL: without condition. It takes
 *                           FHIRSTORE_WRITE_IF_ANY, FHIRSTORE_WRITE_HARD and FHIRSTORE_WRITE_CASCADE.
 * @param[out] response_out  204. Also for a resource that is deleted already or never was. Owned by the caller.
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_NO_CONTENT        Gone.
 * @retval FHIRSTORE_ERR_CONFLICT      Others refer to it, in a store with referential integrity.
 * @retval FHIRSTORE_ERR_QUERY         FHIRSTORE_WRITE_CASCADE, and the store was not opened for it.
 * @retval FHIRSTORE_ERR_PRECONDITION  The current version is not options.if_version.
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  http.html#delete
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_delete(fhirstore_session *session, const char *type,
                                                size_t type_len, const char *id, size_t id_len,
                                                const fhirstore_write_options *options,
                                                fhirstore_response **response_out,
                                                fhirstore_error **err_out);

/**
 * Delete what matches (conditional delete).
 *
 * One resource, unless `_count=N` stands among the criteria: then up to N of those that match, N from 1 to
 * 100. What is left shows in a search; asking again deletes the next N.
 *
 * @param      session       The session. It needs the right to search the type as well.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      criteria      Search parameters: "identifier=http://a|1". Always understood strictly.
 * @param      criteria_len  Bytes.
 * @param      options       Copied. NULL: without further condition. It takes
 *                           FHIRSTORE_WRITE_IF_ANY, FHIRSTORE_WRITE_HARD and FHIRSTORE_WRITE_CASCADE, and if_version not
 *                           together with `_count`.
 * @param[out] response_out  204, also where nothing matches. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_NO_CONTENT            Gone.
 * @retval FHIRSTORE_ERR_MULTIPLE_MATCHES  Several match, and `_count` is not given.
 * @retval FHIRSTORE_ERR_PRECONDITION      The criteria are empty, or the version is not options.if_version.
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  http.html#3.1.0.7.1
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_delete_where(
    fhirstore_session *session, const char *type, size_t type_len, const char *criteria,
    size_t criteria_len, const fhirstore_write_options *options,
    fhirstore_response **response_out, fhirstore_error **err_out);

/**
 * Remove all versions of a resource but the current one, which may be its deletion.
 *
 * Versions are read no more (not found), histories begin with the current one, and words of old
 * versions leave the full-text index. Version numbers go on.
 *
 * @param      session       The session. It needs the right to FHIRSTORE_ACTION_HARD_DELETE and to delete.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      id            Logical id.
 * @param      id_len        Bytes.
 * @param[out] response_out  204. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_NO_CONTENT     Gone.
 * @retval FHIRSTORE_ERR_NOT_FOUND  Never stored.
 * @retval FHIRSTORE_ERR_DENIED     The authorizer said no.
 * @par Threads  One at a time a session; waits for other writers.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_purge_history(fhirstore_session *session, const char *type,
                                                       size_t type_len, const char *id,
                                                       size_t id_len,
                                                       fhirstore_response **response_out,
                                                       fhirstore_error **err_out);

/** The forms of a patch. Numbers are permanent. @since 0.1 */
enum fhirstore_patch_kind {
    FHIRSTORE_PATCH_JSON = 1,    /**< JSON Patch, RFC 6902 (application/json-patch+json). */
    FHIRSTORE_PATCH_MERGE = 2,   /**< JSON Merge Patch, RFC 7396 (application/merge-patch+json). */
    FHIRSTORE_PATCH_FHIRPATH = 3 /**< FHIRPath Patch: a Parameters resource (application/fhir+json). */
};

/**
 * Change a resource by a patch.
 *
 * The patch is applied to the current version and what comes of it stored, in one transaction. What
 * the patch does not touch keeps its bytes: decimals, member order, text. A patch that changes
 * nothing makes no version. The id and the type of a resource cannot be patched; changes of
 * `meta.versionId` and `meta.lastUpdated` are passed over.
 *
 * @param      session       The session.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      id            Logical id.
 * @param      id_len        Bytes.
 * @param      kind          FHIRSTORE_PATCH_*.
 * @param      patch         The patch. Copied.
 * @param      patch_len     Bytes.
 * @param      options       Copied. NULL: without condition. It takes
 *                           FHIRSTORE_WRITE_IF_ANY.
 * @param[out] response_out  200 with the resource. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_PATCH_DOCUMENT  Not a patch of this kind: the operation and its position are told.
 * @retval FHIRSTORE_ERR_PATCH           It cannot be applied (also: a `test` found something else), or the
 *                                       resource would not be valid afterwards. Nothing is changed.
 * @retval FHIRSTORE_ERR_NOT_FOUND       Never stored.
 * @retval FHIRSTORE_ERR_DELETED         Deleted.
 * @retval FHIRSTORE_ERR_PRECONDITION    The current version is not options.if_version.
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  http.html#patch
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_patch(fhirstore_session *session, const char *type,
                                               size_t type_len, const char *id, size_t id_len,
                                               int32_t kind, const char *patch, size_t patch_len,
                                               const fhirstore_write_options *options,
                                               fhirstore_response **response_out,
                                               fhirstore_error **err_out);

/**
 * Change the resource that matches by a patch (conditional patch).
 *
 * @param      session       The session. It needs the right to search the type as well.
 * @param      type          Resource type.
 * @param      type_len      Bytes.
 * @param      criteria      Search parameters: "identifier=http://a|1". Always understood strictly.
 * @param      criteria_len  Bytes.
 * @param      kind          FHIRSTORE_PATCH_*.
 * @param      patch         The patch. Copied.
 * @param      patch_len     Bytes.
 * @param      options       Copied. NULL: without further condition. It takes
 *                           FHIRSTORE_WRITE_IF_ANY.
 * @param[out] response_out  200 with the resource. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_FOUND         Nothing matches.
 * @retval FHIRSTORE_ERR_MULTIPLE_MATCHES  Several match.
 * @retval FHIRSTORE_ERR_PRECONDITION      The criteria are empty, or the version is not options.if_version.
 * @retval FHIRSTORE_ERR_PATCH             As for fhirstore_patch(), and likewise the others.
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  http.html#patch
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_patch_where(
    fhirstore_session *session, const char *type, size_t type_len, const char *criteria,
    size_t criteria_len, int32_t kind, const char *patch, size_t patch_len,
    const fhirstore_write_options *options, fhirstore_response **response_out,
    fhirstore_error **err_out);

/**
 * One page of history, newest first, as a Bundle of type history.
 *
 * @param      session       The session.
 * @param      type          Resource type; length 0: of the whole store.
 * @param      type_len      Bytes.
 * @param      id            Logical id; length 0: of the whole type.
 * @param      id_len        Bytes.
 * @param      query         "_count=…&_since=…&_at=…", or the query of a next link. May be empty.
 * @param      query_len     Bytes.
 * @param[out] response_out  200 with the Bundle. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_FOUND    There never was such a resource.
 * @retval FHIRSTORE_ERR_PARAM_VALUE  A parameter's value is malformed.
 * @par Threads  One at a time a session; does not block.
 * @par FHIR  http.html#history
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_history(fhirstore_session *session, const char *type,
                                                 size_t type_len, const char *id, size_t id_len,
                                                 const char *query, size_t query_len,
                                                 fhirstore_response **response_out,
                                                 fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
