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

/** An import under way. One thread at a time. @since 0.1 */
typedef struct fhirstore_import fhirstore_import;

/**
 * What an import has done so far. The caller sets @a struct_size; new fields are only added at the
 * end.
 *
 * @since 0.1
 */
typedef struct fhirstore_import_totals {
    uint32_t struct_size; /**< sizeof(fhirstore_import_totals), set by the caller: nothing behind it is written. */
    uint32_t reserved0;   /**< 0. */
    int64_t documents;    /**< Documents and lines seen. */
    int64_t resources;    /**< Resources stored, new or changed, and those a Bundle deleted. */
    int64_t unchanged;    /**< Resources that were there already, equal, or gone already. */
    int64_t failed;       /**< Resources, lines or transactions refused. */
    int64_t bytes;        /**< Bytes read. */
} fhirstore_import_totals;

/** Static initialiser for C: the size, and all else zero. */
#define FHIRSTORE_IMPORT_TOTALS_INIT                    \
    {                                                   \
        sizeof(fhirstore_import_totals), 0, 0, 0, 0, 0, 0 \
    }

/**
 * Told about each document, line or entry that was refused.
 *
 * @param ctx   fhirstore_import_options.ctx.
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
 * @param ctx     fhirstore_import_options.ctx.
 * @param offset  Bytes read of the document.
 * @param total   Bytes it has.
 * @return FHIRSTORE_OK to go on, anything else cancels: the document's transaction is rolled back.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_import_progress_fn)(void *ctx, uint64_t offset,
                                                         uint64_t total);

/**
 * How to import. Zero means the default; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_import_options {
    uint32_t struct_size; /**< Set by the initialiser. */
    uint32_t flags;       /**< Must be 0. */
    fhirstore_import_refused_fn refused;   /**< NULL, or called for each refusal, on this thread. */
    fhirstore_import_progress_fn progress; /**< NULL, or called while a document is read. */
    void *ctx;            /**< First argument of both. */
    uint32_t per_commit;  /**< Resources a transaction outside of transaction Bundles. 0: 1000. */
    uint32_t reserved0;   /**< Must be 0. */
} fhirstore_import_options;

/** Static initialiser for C. Bindings call fhirstore_import_options_init(). */
#define FHIRSTORE_IMPORT_OPTIONS_INIT                          \
    {                                                          \
        sizeof(fhirstore_import_options), 0, NULL, NULL, NULL, 0, 0 \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_import_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_import_options_init(fhirstore_import_options *options,
                                                             size_t struct_size);

/**
 * Begin an import.
 *
 * From the first resource after a commit to the next commit the import holds the store's only
 * writer, also between calls of fhirstore_import_add(): other writers wait, and answer
 * FHIRSTORE_ERR_BUSY after the busy timeout. Whoever pauses between documents calls
 * fhirstore_import_flush() before the pause.
 *
 * @param      session     The session; must stay open.
 * @param      options     Copied. NULL: the defaults.
 * @param[out] import_out  Owned by the caller: fhirstore_import_close(). NULL on failure.
 * @param[out] err_out     NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_DENIED  The session may not import.
 * @par Threads  One at a time a session; does not block.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_import_open(fhirstore_session *session,
                                                     const fhirstore_import_options *options,
                                                     fhirstore_import **import_out,
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
 * @par Threads  One at a time an import and its session; waits for other writers, and may come back
 *      with the writer still held: see fhirstore_import_open().
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_import_add(fhirstore_import *import, const char *name,
                                                    uint64_t line, const char *text,
                                                    size_t text_len, fhirstore_error **err_out);

/**
 * Commit what is pending now, and let other writers have their turn until the next document.
 *
 * @param      import   The import; goes on as before.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @return FHIRSTORE_OK, also when nothing was pending; else what was pending is rolled back.
 * @par Threads  One at a time an import and its session.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_import_flush(fhirstore_import *import,
                                                      fhirstore_error **err_out);

/**
 * Read the totals so far.
 *
 * @param         import      The import.
 * @param[in,out] totals_out  Its struct_size is read, the rest filled; zero on failure.
 * @retval FHIRSTORE_ERR_ABI     totals_out->struct_size is 0 or none that ever was; nothing is written.
 * @retval FHIRSTORE_ERR_CLOSED  The store was closed.
 * @par Threads  One at a time an import.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_import_get_totals(const fhirstore_import *import,
                                                           fhirstore_import_totals *totals_out);

/**
 * Commit what is pending and read the final totals.
 *
 * @param         import      The import; still to be closed.
 * @param[in,out] totals_out  NULL, or the totals: its struct_size is read, the rest filled.
 * @param[out]    err_out     NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_ABI  totals_out->struct_size is 0 or none that ever was; nothing is done.
 * @par Threads  One at a time an import and its session.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_import_finish(fhirstore_import *import,
                                                       fhirstore_import_totals *totals_out,
                                                       fhirstore_error **err_out);

/**
 * Close the import; what was not committed is rolled back. NULL is a no-op.
 *
 * @param import  The import; not used afterwards.
 * @par Threads  Any thread, once; also while another closes the store.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_import_close(fhirstore_import *import);

/**
 * Receives one resource of an export.
 *
 * @param ctx       As given to fhirstore_export().
 * @param type      Resource type, ends in NUL. Borrowed for the call.
 * @param body      The resource as JSON. Borrowed for the call.
 * @param body_len  Bytes.
 * @return FHIRSTORE_OK to go on; anything else ends the export with that status.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_export_fn)(void *ctx, const char *type, const char *body,
                                                size_t body_len);

/**
 * What to export. Zero means the default; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_export_options {
    uint32_t struct_size; /**< Set by the initialiser. */
    uint32_t flags;       /**< Must be 0. */
    const char *type;     /**< Resource type. Copied. NULL: all. */
    size_t type_len;      /**< Bytes. */
    int64_t since_us;     /**< Only versions stored at or after this, microseconds since 1970. 0: all. */
} fhirstore_export_options;

/** Static initialiser for C. Bindings call fhirstore_export_options_init(). */
#define FHIRSTORE_EXPORT_OPTIONS_INIT                    \
    {                                                    \
        sizeof(fhirstore_export_options), 0, NULL, 0, 0 \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_export_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_export_options_init(fhirstore_export_options *options,
                                                             size_t struct_size);

/**
 * Hand out every current resource, one at a time, in the order of storage within a snapshot.
 *
 * @param      session    The session.
 * @param      options    Copied. NULL: everything.
 * @param      take       Called for each resource on this thread; its strings are borrowed for the call.
 * @param      ctx        First argument of @a take.
 * @param[out] count_out  NULL, or how many were handed out.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_UNKNOWN_TYPE  No such resource type.
 * @retval FHIRSTORE_ERR_DENIED        The session may not export.
 * @retval FHIRSTORE_ERR_AUDIT_REFUSED The audit hook refused the next page of 1,000 resources.
 * @par Threads  One at a time a session; long; does not block writers.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_export(fhirstore_session *session,
                                                const fhirstore_export_options *options,
                                                fhirstore_export_fn take, void *ctx,
                                                int64_t *count_out, fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
