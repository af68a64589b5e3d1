/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable run of bytes, created with a maximum. Appending never needs a check at each call:
 * the first failure sticks, later appends do nothing, and fhs_buf_status() tells at the end.
 */
#ifndef FHS_BASE_BUF_H
#define FHS_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"
#include "fhirstore/buf.h"
#include "fhirstore/status.h"

typedef struct fhs_buf {
    char *ptr; /* NUL-terminated whenever not NULL */
    size_t len;
    size_t capacity; /* bytes allocated, the NUL's place included */
    size_t max;
    fhirstore_status failed;
    /* Where the content goes when the maximum is reached; NULL: that is a failure. */
    fhirstore_status (*drain)(void *ctx, fhs_str bytes);
    void *drain_ctx;
} fhs_buf;

/* No allocation happens before the first append. */
#define FHS_BUF_INIT(max_bytes)                           \
    {                                                     \
        NULL, 0, 0, (max_bytes), FHIRSTORE_OK, NULL, NULL \
    }

void fhs_buf_init(fhs_buf *buf, size_t max_bytes);
/*
 * A buffer that passes its content on in portions of at most @a portion bytes; the last one goes
 * with fhs_buf_drain(). What a portion fails with sticks like any other failure.
 */
void fhs_buf_init_drain(fhs_buf *buf, size_t portion,
                        fhirstore_status (*drain)(void *ctx, fhs_str bytes), void *ctx);
void fhs_buf_drain(fhs_buf *buf);
void fhs_buf_clear(fhs_buf *buf);
/* Forget the content and any failure; keep the memory. */
void fhs_buf_reset(fhs_buf *buf);
/* Make room for @a more bytes; false once the buffer has failed. */
bool fhs_buf_reserve(fhs_buf *buf, size_t more);
void fhs_buf_add(fhs_buf *buf, const char *ptr, size_t len);
void fhs_buf_add_str(fhs_buf *buf, fhs_str text);
/* Append what @a tail has, its failure included; it is empty afterwards; the longer of the two is
 * not copied. */
void fhs_buf_add_buf(fhs_buf *buf, fhs_buf *tail);
void fhs_buf_add_cstr(fhs_buf *buf, const char *text);
void fhs_buf_add_char(fhs_buf *buf, char c);
void fhs_buf_add_u64(fhs_buf *buf, uint64_t value);
void fhs_buf_add_i64(fhs_buf *buf, int64_t value);
void fhs_buf_addf(fhs_buf *buf, const char *format, ...) FHS_PRINTF(2, 3);
/* OK, FHIRSTORE_ERR_NO_MEMORY, or FHIRSTORE_ERR_LIMIT when the maximum was reached. */
fhirstore_status fhs_buf_status(const fhs_buf *buf);
fhs_str fhs_buf_str(const fhs_buf *buf);
/* Hand the bytes to the public buffer (whose old content is released); @a buf is empty after. */
void fhs_buf_give(fhs_buf *buf, fhirstore_buf *out);

#endif
