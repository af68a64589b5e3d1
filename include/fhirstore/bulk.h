/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bulk.h  Many resources in, many resources out.
 *
 * An import takes documents one after the other, keeps going when one is bad, and commits as it goes.
 * Transaction and batch Bundles are executed (each transaction whole or not at all); document, message
 * and collection Bundles are stored as resources; searchset and history Bundles are unpacked; single
 * resources keep their ids.
 */
#ifndef FHIRSTORE_BULK_H
#define FHIRSTORE_BULK_H

#include "resource.h"

FHIRSTORE_BEGIN_DECLS

/** An import under way. One thread at a time. */
typedef struct fhirstore_import fhirstore_import;

/** What an import has done so far. @since 0.1 */
typedef struct fhirstore_import_totals {
    int64_t documents; /**< Documents and lines seen. */
    int64_t resources; /**< Resources stored, new or changed. */
    int64_t unchanged; /**< Resources that were there already, equal. */
    int64_t failed;    /**< Resources, lines or transactions refused. */
    int64_t bytes;     /**< Bytes read. */
} fhirstore_import_totals;

/**
 * Told about each document, line or entry that was refused.
 *
 * @param ctx   From fhirstore_import_open().
 * @param name  What was given to fhirstore_import_add(). Borrowed for the call.
 * @param line  Line in it, from 1, where one is known; else 0.
 * @param entry Bundle entry, from 1; else 0.
 * @param error The reason. Borrowed for the call.
 * @since 0.1
 */
typedef void (*fhirstore_import_refused_fn)(void *ctx, const char *name, uint64_t line,
                                            uint32_t entry, const fhirstore_error *error);

/**
 * Told from time to time how far a document is read; what lies before @a offset is not needed again
 * in this pass.
 *
 * @return FHIRSTORE_OK to go on, anything else cancels: the document's transaction is rolled back.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_import_progress_fn)(void *ctx, uint64_t offset,
                                                         uint64_t total);

/**
 * Begin an import.
 *
 * @param      session        The session; must stay open.
 * @param      per_commit     Resources a transaction outside of transaction Bundles. 0: 1000.
 * @param      refused        NULL, or called for each refusal on this thread.
 * @param      progress       NULL, or called while a document is read.
 * @param      ctx            First argument of both.
 * @param[out] import_out     Owned by the caller: fhirstore_import_close(). NULL on failure.
 * @param[out] err_out        NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_DENIED  The session may not import.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_import_open(fhirstore_session *session,
                                                     uint32_t per_commit,
                                                     fhirstore_import_refused_fn refused,
                                                     fhirstore_import_progress_fn progress,
                                                     void *ctx, fhirstore_import **import_out,
                                                     fhirstore_error **err_out);

/**
 * Import one JSON document: a Bundle or a resource.
 *
 * A refused document is reported to the callback, counted, and is not an error of this call.
 *
 * @param      import    The import.
 * @param      name      Names the document in reports. Borrowed for the call, NUL-terminated.
 * @param      line      Line of its beginning in its file (NDJSON), from 1; 0: unknown.
 * @param      text      The document. Borrowed for the call.
 * @param      text_len  Bytes.
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller.
 * @return FHIRSTORE_OK, or what stops the whole import (disk full, closed store …).
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_import_add(fhirstore_import *import, const char *name,
                                                    uint64_t line, const char *text,
                                                    size_t text_len, fhirstore_error **err_out);

/** Read the totals so far. @since 0.1 */
FHIRSTORE_API fhirstore_status fhirstore_import_get_totals(const fhirstore_import *import,
                                                           fhirstore_import_totals *totals_out);

/**
 * Commit what is pending and read the final totals.
 *
 * @param      import      The import; still to be closed.
 * @param[out] totals_out  NULL, or the totals.
 * @param[out] err_out     NULL, or where to put the reason; owned by the caller.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_import_finish(fhirstore_import *import,
                                                       fhirstore_import_totals *totals_out,
                                                       fhirstore_error **err_out);

/** Close the import; what was not finished since the last commit is rolled back. NULL is a no-op. @since 0.1 */
FHIRSTORE_API void fhirstore_import_close(fhirstore_import *import);

/** Receives one resource of an export; returning anything but FHIRSTORE_OK ends it with that status. */
typedef fhirstore_status (*fhirstore_export_fn)(void *ctx, const char *type, const char *body,
                                                size_t body_len);

/**
 * Hand out every current resource, one at a time, in the order of storage within a snapshot.
 *
 * @param      session    The session.
 * @param      type       Resource type; length 0: all.
 * @param      type_len   Bytes.
 * @param      since_us   Only versions stored at or after this (microseconds since 1970); 0: all.
 * @param      take       Called for each resource on this thread; its strings are borrowed for the call.
 * @param      ctx        First argument of @a take.
 * @param[out] count_out  How many were handed out.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_export(fhirstore_session *session, const char *type,
                                                size_t type_len, int64_t since_us,
                                                fhirstore_export_fn take, void *ctx,
                                                int64_t *count_out, fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
