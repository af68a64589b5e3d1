/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_CAPACITY 64u

void fhs_buf_init(fhs_buf *buf, size_t max_bytes)
{
    *buf = (fhs_buf)FHS_BUF_INIT(max_bytes);
}

void fhs_buf_init_drain(fhs_buf *buf, size_t portion,
                        fhirstore_status (*drain)(void *ctx, fhs_str bytes), void *ctx)
{
    fhs_buf_init(buf, portion);
    buf->drain = drain;
    buf->drain_ctx = ctx;
}

void fhs_buf_drain(fhs_buf *buf)
{
    if (buf->failed == FHIRSTORE_OK && buf->len > 0) {
        fhirstore_status status = buf->drain(buf->drain_ctx, fhs_buf_str(buf));
        fhs_buf_reset(buf);
        buf->failed = status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
    }
}

void fhs_buf_clear(fhs_buf *buf)
{
    fhs_free(buf->ptr);
    fhs_buf_init(buf, buf->max);
}

void fhs_buf_reset(fhs_buf *buf)
{
    buf->len = 0;
    buf->failed = FHIRSTORE_OK;
    if (buf->ptr != NULL) {
        buf->ptr[0] = '\0';
    }
}

static bool grow(fhs_buf *buf, size_t needed)
{
    size_t capacity = buf->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : buf->capacity;
    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    }
    char *ptr = fhs_realloc(buf->ptr, capacity);
    if (ptr == NULL) {
        buf->failed = FHIRSTORE_ERR_NO_MEMORY;
        return false;
    }
    buf->ptr = ptr;
    buf->capacity = capacity;
    return true;
}

/* @a more would go beyond the maximum. */
static bool make_way(fhs_buf *buf, size_t more)
{
    if (buf->drain == NULL || more > buf->max) {
        buf->failed = FHIRSTORE_ERR_LIMIT;
    } else {
        fhs_buf_drain(buf);
    }
    return buf->failed == FHIRSTORE_OK;
}

bool fhs_buf_reserve(fhs_buf *buf, size_t more)
{
    if (buf->failed != FHIRSTORE_OK) {
        return false;
    }
    if ((more > buf->max || buf->len > buf->max - more) && !make_way(buf, more)) {
        return false;
    }
    size_t needed = buf->len + more + 1;
    return needed <= buf->capacity || grow(buf, needed);
}

void fhs_buf_add(fhs_buf *buf, const char *ptr, size_t len)
{
    while (FHS_UNLIKELY(len > buf->max - buf->len) && buf->drain != NULL &&
           buf->failed == FHIRSTORE_OK) {
        size_t some = buf->max - buf->len;
        fhs_buf_add(buf, ptr, some);
        fhs_buf_drain(buf);
        ptr += some;
        len -= some;
    }
    if (!fhs_buf_reserve(buf, len)) {
        return;
    }
    if (len > 0) {
        memcpy(buf->ptr + buf->len, ptr, len);
        buf->len += len;
    }
    buf->ptr[buf->len] = '\0';
}

void fhs_buf_add_str(fhs_buf *buf, fhs_str text)
{
    fhs_buf_add(buf, text.ptr, text.len);
}

void fhs_buf_add_buf(fhs_buf *buf, fhs_buf *tail)
{
    const size_t head = buf->len;
    if (buf->failed == FHIRSTORE_OK) {
        buf->failed = tail->failed;
    }
    if (head >= tail->len || buf->drain != NULL || tail->len > buf->max - head ||
        head > tail->max - tail->len) {
        fhs_buf_add_str(buf, fhs_buf_str(tail));
    } else if (fhs_buf_reserve(buf, 0) && fhs_buf_reserve(tail, head)) {
        memmove(tail->ptr + head, tail->ptr, tail->len + 1);
        memcpy(tail->ptr, buf->ptr, head);
        char *ptr = buf->ptr;
        size_t capacity = buf->capacity;
        buf->ptr = tail->ptr;
        buf->capacity = tail->capacity;
        buf->len = head + tail->len;
        tail->ptr = ptr;
        tail->capacity = capacity;
    } else if (buf->failed == FHIRSTORE_OK) {
        buf->failed = FHIRSTORE_ERR_NO_MEMORY;
    }
    fhs_buf_clear(tail);
}

void fhs_buf_add_cstr(fhs_buf *buf, const char *text)
{
    fhs_buf_add(buf, text, strlen(text));
}

void fhs_buf_add_char(fhs_buf *buf, char c)
{
    fhs_buf_add(buf, &c, 1);
}

void fhs_buf_add_u64(fhs_buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    fhs_buf_add(buf, digits + at, sizeof digits - at);
}

void fhs_buf_add_i64(fhs_buf *buf, int64_t value)
{
    if (value < 0) {
        fhs_buf_add_char(buf, '-');
        fhs_buf_add_u64(buf, (uint64_t) - (value + 1) + 1);
    } else {
        fhs_buf_add_u64(buf, (uint64_t)value);
    }
}

void fhs_buf_addf(fhs_buf *buf, const char *format, ...)
{
    char local[512];
    va_list args;
    va_start(args, format);
    int needed = vsnprintf(local, sizeof local, format, args);
    va_end(args);
    if (needed < 0) {
        buf->failed = FHIRSTORE_ERR_INTERNAL;
    } else if ((size_t)needed < sizeof local) {
        fhs_buf_add(buf, local, (size_t)needed);
    } else if (fhs_buf_reserve(buf, (size_t)needed)) {
        va_start(args, format);
        (void)vsnprintf(buf->ptr + buf->len, (size_t)needed + 1, format, args);
        va_end(args);
        buf->len += (size_t)needed;
    }
}

fhirstore_status fhs_buf_status(const fhs_buf *buf)
{
    return buf->failed;
}

fhs_str fhs_buf_str(const fhs_buf *buf)
{
    return (fhs_str){buf->ptr == NULL ? "" : buf->ptr, buf->len};
}

void fhs_buf_give(fhs_buf *buf, fhirstore_buf *out)
{
    fhs_free(out->ptr);
    out->ptr = buf->ptr;
    out->len = buf->len;
    out->reserved = buf->capacity;
    fhs_buf_init(buf, buf->max);
}
