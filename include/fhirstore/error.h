/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file error.h  Why a call failed.
 *
 * Functions return a fhirstore_status and, where they take an `err_out`, give the reason as an
 * object that the caller owns. No message ever carries resource content.
 */
#ifndef FHIRSTORE_ERROR_H
#define FHIRSTORE_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "platform.h"
#include "status.h"

FHIRSTORE_BEGIN_DECLS

/** A reason. Immutable; may be passed between threads. Released by fhirstore_error_free(). @since 0.1 */
typedef struct fhirstore_error fhirstore_error;

/**
 * What one issue of an error says, as the parts of OperationOutcome.issue. The caller sets
 * @a struct_size; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_issue {
    uint32_t struct_size;   /**< sizeof(fhirstore_issue), set by the caller: nothing behind it is written. */
    uint32_t reserved0;     /**< 0. */
    const char *severity;   /**< fatal, error, warning or information. Borrowed until the error is freed. */
    const char *code;       /**< FHIR issue type. Borrowed until the error is freed. */
    const char *text;       /**< One English line. Borrowed until the error is freed. */
    const char *expression; /**< FHIRPath of the element, or NULL. Borrowed until the error is freed. */
} fhirstore_issue;

/** Static initialiser for C: the size, and all else zero. */
#define FHIRSTORE_ISSUE_INIT                             \
    {                                                    \
        sizeof(fhirstore_issue), 0, NULL, NULL, NULL, NULL \
    }

/**
 * Where in the input an error was found. Members are 0 where they do not apply. The caller sets
 * @a struct_size; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_location {
    uint32_t struct_size; /**< sizeof(fhirstore_location), set by the caller: nothing behind it is written. */
    uint32_t line;        /**< From 1; 0: no position is known. */
    uint64_t offset;      /**< Bytes from the start of the text. */
    uint32_t column;      /**< In bytes from 1. */
    uint32_t entry;       /**< Bundle entry, from 1. */
} fhirstore_location;

/** Static initialiser for C: the size, and all else zero. */
#define FHIRSTORE_LOCATION_INIT             \
    {                                       \
        sizeof(fhirstore_location), 0, 0, 0, 0 \
    }

/**
 * Name a status: "ERR_NOT_FOUND" for FHIRSTORE_ERR_NOT_FOUND.
 *
 * @param status  Any number.
 * @return Static text; "UNKNOWN" for a number that is not in the table.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_status_name(fhirstore_status status);

/**
 * Map a status to the HTTP status of a FHIR server.
 *
 * @param status  Any number.
 * @return 200 … 507; 500 for an unknown number.
 * @par Threads  Any thread.
 * @par FHIR  http.html, "Summary"
 * @since 0.1
 */
FHIRSTORE_API int32_t fhirstore_status_http(fhirstore_status status);

/**
 * Tell whether a handle that answered @a status accepts nothing but its close.
 *
 * @param status  Any number.
 * @return 1 or 0.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API int32_t fhirstore_status_is_fatal(fhirstore_status status);

/**
 * Release @a error. NULL is a no-op.
 *
 * @param error  The error; not used afterwards.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_error_free(fhirstore_error *error);

/**
 * The status that came with @a error.
 *
 * @param error  NULL counts as success.
 * @par Threads  Any thread; the error may be shared.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_error_status(const fhirstore_error *error);

/**
 * The reason in one English line, free of resource content.
 *
 * @param error  NULL gives "".
 * @return Borrowed until the error is freed.
 * @par Threads  Any thread; the error may be shared.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_error_message(const fhirstore_error *error);

/**
 * The position in the input that the error speaks of.
 *
 * @param         error         NULL gives all zero.
 * @param[in,out] location_out  Its struct_size is read, the rest filled; zero where nothing is known.
 * @retval FHIRSTORE_ERR_ABI  location_out->struct_size is 0 or none that ever was; nothing is written.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_error_location(const fhirstore_error *error,
                                                        fhirstore_location *location_out);

/**
 * The number underneath: an SQLite extended result code or an errno. 0 if there is none.
 *
 * @param error  NULL gives 0.
 * @par Threads  Any thread; the error may be shared.
 * @since 0.1
 */
FHIRSTORE_API int32_t fhirstore_error_cause(const fhirstore_error *error);

/**
 * How many issues the error holds; at least 1 for an error that is not NULL.
 *
 * @param error  NULL gives 0.
 * @par Threads  Any thread; the error may be shared.
 * @since 0.1
 */
FHIRSTORE_API uint32_t fhirstore_error_issue_count(const fhirstore_error *error);

/**
 * Read issue number @a index.
 *
 * @param         error      The error.
 * @param         index      From 0.
 * @param[in,out] issue_out  Its struct_size is read, the rest filled: strings are borrowed until the
 *                           error is freed; all NULL where there is no such issue.
 * @retval FHIRSTORE_ERR_NOT_FOUND  There is no such issue.
 * @retval FHIRSTORE_ERR_ABI        issue_out->struct_size is 0 or none that ever was; nothing is written.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_error_issue(const fhirstore_error *error, uint32_t index,
                                                     fhirstore_issue *issue_out);

/**
 * Write @a error as an OperationOutcome resource (JSON).
 *
 * The first issue names the status in details.coding, system "urn:libfhirstore:status".
 *
 * @param         error    The error; NULL writes an informational outcome.
 * @param[in,out] buf_out  Owned by the caller: fhirstore_buf_clear(). Its old content is replaced.
 * @retval FHIRSTORE_ERR_NO_MEMORY  The text could not be built.
 * @par Threads  Any thread; the error may be shared.
 * @par FHIR  OperationOutcome
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_error_outcome(const fhirstore_error *error,
                                                       fhirstore_buf *buf_out);

FHIRSTORE_END_DECLS

#endif
