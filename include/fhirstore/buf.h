/* SPDX-License-Identifier: Apache-2.0 */
/** @file buf.h  An owned run of bytes that the library hands to the caller. */
#ifndef FHIRSTORE_BUF_H
#define FHIRSTORE_BUF_H

#include <stddef.h>

#include "platform.h"

FHIRSTORE_BEGIN_DECLS

/**
 * Bytes owned by the caller's struct. Start with all zero; release with fhirstore_buf_clear().
 * A NUL follows the last byte for C's convenience; @a len is the truth.
 *
 * @since 0.1
 */
typedef struct fhirstore_buf {
    char *ptr;       /**< NULL when empty and never filled. */
    size_t len;      /**< Bytes in use. */
    size_t reserved; /**< The library's own; leave alone. */
} fhirstore_buf;

/**
 * Release the bytes of @a buf and set it to all zero. NULL is a no-op.
 *
 * @param buf  The buffer; may be all zero.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_buf_clear(fhirstore_buf *buf);

FHIRSTORE_END_DECLS

#endif
