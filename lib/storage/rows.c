/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/rows_internal.h"

#include <string.h>

#include "base/mem.h"
#include "storage/spans.h"

/* Set in the kind byte when texts carry their length, because one of them holds a NUL. */
#define COUNTED_TEXTS 0x80u
/* Numbers below are one byte; above, the lead byte says how many bytes follow. */
#define UVAR_LEAD 0xF0u
#define I64_BYTES 8u
/* Lists of up to this many rows are sorted without taking memory. */
#define SMALL_LIST 128u

/* Which fields a kind keeps. */
enum {
    KEEPS_A = 1,       /* as an unsigned number before the texts */
    KEEPS_A_AFTER = 2, /* … between text and extra */
    KEEPS_TEXT = 4,
    KEEPS_EXTRA = 8,
    KEEPS_RANGE = 16, /* a, and b as its distance from a */
    KEEPS_PAIR = 32,  /* a and b as signed numbers */
};

static const uint8_t row_fields[FHS_ROW_KIND_COUNT] = {
    [FHS_ROW_TOKEN] = KEEPS_TEXT | KEEPS_A_AFTER | KEEPS_EXTRA,
    [FHS_ROW_STRING] = KEEPS_TEXT | KEEPS_EXTRA,
    [FHS_ROW_DATE] = KEEPS_RANGE,
    [FHS_ROW_NUMBER] = KEEPS_TEXT | KEEPS_EXTRA,
    [FHS_ROW_QUANTITY] = KEEPS_A | KEEPS_TEXT | KEEPS_EXTRA,
    [FHS_ROW_REFERENCE] = KEEPS_A | KEEPS_EXTRA,
    [FHS_ROW_URI] = KEEPS_TEXT,
    [FHS_ROW_COMPOSITE] = KEEPS_TEXT,
    [FHS_ROW_POSITION] = KEEPS_PAIR,
};

size_t fhs_uvar_write(char *out, uint64_t value)
{
    if (value < UVAR_LEAD) {
        out[0] = (char)value;
        return 1;
    }
    unsigned bytes = 1;
    while (bytes < 8 && (value >> (8 * bytes)) != 0) {
        bytes++;
    }
    out[0] = (char)(UVAR_LEAD + bytes - 1);
    for (unsigned i = 0; i < bytes; i++) {
        out[1 + i] = (char)(value >> (8 * (bytes - 1 - i)));
    }
    return 1 + (size_t)bytes;
}

bool fhs_uvar_read(fhs_str *rest, uint64_t *value_out)
{
    if (rest->len == 0) {
        return false;
    }
    unsigned lead = (unsigned char)rest->ptr[0];
    if (lead < UVAR_LEAD) {
        *value_out = lead;
        rest->ptr++;
        rest->len--;
        return true;
    }
    unsigned bytes = lead - UVAR_LEAD + 1;
    if (bytes > 8 || rest->len < 1 + (size_t)bytes) {
        return false;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = (value << 8) | (unsigned char)rest->ptr[1 + i];
    }
    *value_out = value;
    rest->ptr += 1 + bytes;
    rest->len -= 1 + (size_t)bytes;
    return true;
}

size_t fhs_i64_write(char *out, int64_t value)
{
    uint64_t bits = (uint64_t)value ^ (UINT64_C(1) << 63);
    for (unsigned i = 0; i < I64_BYTES; i++) {
        out[i] = (char)(bits >> (56 - 8 * i));
    }
    return I64_BYTES;
}

bool fhs_i64_read(fhs_str *rest, int64_t *value_out)
{
    if (rest->len < I64_BYTES) {
        return false;
    }
    uint64_t bits = 0;
    for (unsigned i = 0; i < I64_BYTES; i++) {
        bits = (bits << 8) | (unsigned char)rest->ptr[i];
    }
    *value_out = (int64_t)(bits ^ (UINT64_C(1) << 63));
    rest->ptr += I64_BYTES;
    rest->len -= I64_BYTES;
    return true;
}

static size_t write_row_text(char *out, fhs_str text, bool counted)
{
    size_t at = counted ? fhs_uvar_write(out, text.len) : 0;
    if (text.len > 0) {
        memcpy(out + at, text.ptr, text.len);
        at += text.len;
    }
    if (!counted) {
        out[at++] = '\0';
    }
    return at;
}

static bool has_nul(fhs_str text)
{
    return text.len > 0 && memchr(text.ptr, 0, text.len) != NULL;
}

void fhs_row_encode(fhs_buf *list, const fhs_row *row)
{
    if (row->kind == 0 || row->kind >= FHS_ROW_KIND_COUNT) {
        list->failed = FHIRSTORE_ERR_INTERNAL;
        return;
    }
    unsigned fields = row_fields[row->kind];
    fhs_str text = (fields & KEEPS_TEXT) != 0 ? row->text : FHS_STR_NONE;
    fhs_str extra = (fields & KEEPS_EXTRA) != 0 ? row->extra : FHS_STR_NONE;
    if ((fields & KEEPS_TEXT) != 0 && fhs_str_eq(text, extra)) {
        /* The same said twice would be a second row of the list for one row of the table. */
        extra = FHS_STR_NONE;
    }
    size_t room;
    if (!fhs_size_add(text.len, extra.len, &room) || !fhs_size_add(room, 64, &room)) {
        list->failed = FHIRSTORE_ERR_LIMIT;
        return;
    }
    if (!fhs_buf_reserve(list, room)) {
        return;
    }
    bool counted = has_nul(text) || has_nul(extra);
    char *out = list->ptr + list->len;
    size_t at = 0;
    out[at++] = (char)(row->kind | (counted ? COUNTED_TEXTS : 0u));
    at += fhs_uvar_write(out + at, row->param);
    if ((fields & KEEPS_A) != 0) {
        at += fhs_uvar_write(out + at, (uint64_t)row->a);
    }
    if ((fields & KEEPS_RANGE) != 0) {
        at += fhs_i64_write(out + at, row->a);
        at += fhs_uvar_write(out + at, (uint64_t)row->b - (uint64_t)row->a);
    }
    if ((fields & KEEPS_PAIR) != 0) {
        at += fhs_i64_write(out + at, row->a);
        at += fhs_i64_write(out + at, row->b);
    }
    if ((fields & KEEPS_TEXT) != 0) {
        at += write_row_text(out + at, text, counted);
    }
    if ((fields & KEEPS_A_AFTER) != 0) {
        at += fhs_uvar_write(out + at, (uint64_t)row->a);
    }
    if ((fields & KEEPS_EXTRA) != 0) {
        at += write_row_text(out + at, extra, counted);
    }
    list->len += at;
    list->ptr[list->len] = '\0';
}

static bool read_row_text(fhs_str *rest, bool counted, fhs_str *text_out)
{
    uint64_t len;
    if (counted) {
        if (!fhs_uvar_read(rest, &len) || len > rest->len) {
            return false;
        }
        *text_out = (fhs_str){rest->ptr, (size_t)len};
    } else {
        const char *end = rest->len == 0 ? NULL : memchr(rest->ptr, 0, rest->len);
        if (end == NULL) {
            return false;
        }
        len = (uint64_t)(end - rest->ptr);
        *text_out = (fhs_str){rest->ptr, (size_t)len};
        len++;
    }
    rest->ptr += len;
    rest->len -= (size_t)len;
    return true;
}

static bool read_row_number(fhs_str *rest, int64_t *value_out)
{
    uint64_t value;
    if (!fhs_uvar_read(rest, &value)) {
        return false;
    }
    *value_out = (int64_t)value;
    return true;
}

static bool read_row_range(fhs_str *rest, fhs_row *row)
{
    uint64_t width;
    if (!fhs_i64_read(rest, &row->a) || !fhs_uvar_read(rest, &width)) {
        return false;
    }
    row->b = (int64_t)((uint64_t)row->a + width);
    return true;
}

bool fhs_row_decode(fhs_str *rest, fhs_row *row_out)
{
    if (rest->len == 0) {
        return false;
    }
    unsigned lead = (unsigned char)rest->ptr[0];
    unsigned kind = lead & ~COUNTED_TEXTS;
    bool counted = (lead & COUNTED_TEXTS) != 0;
    uint64_t param;
    rest->ptr++;
    rest->len--;
    if (kind == 0 || kind >= FHS_ROW_KIND_COUNT || !fhs_uvar_read(rest, &param) ||
        param > UINT32_MAX) {
        return false;
    }
    *row_out = (fhs_row){.kind = (uint8_t)kind, .param = (uint32_t)param};
    unsigned fields = row_fields[kind];
    if ((fields & KEEPS_A) != 0 && !read_row_number(rest, &row_out->a)) {
        return false;
    }
    if ((fields & KEEPS_RANGE) != 0 && !read_row_range(rest, row_out)) {
        return false;
    }
    if ((fields & KEEPS_PAIR) != 0 &&
        (!fhs_i64_read(rest, &row_out->a) || !fhs_i64_read(rest, &row_out->b))) {
        return false;
    }
    if ((fields & KEEPS_TEXT) != 0 && !read_row_text(rest, counted, &row_out->text)) {
        return false;
    }
    if ((fields & KEEPS_A_AFTER) != 0 && !read_row_number(rest, &row_out->a)) {
        return false;
    }
    return (fields & KEEPS_EXTRA) == 0 || read_row_text(rest, counted, &row_out->extra);
}

fhirstore_status fhs_row_next(fhs_row_cursor *cursor, fhs_row *row_out, fhs_str *encoded_out)
{
    if (cursor->rest.len == 0) {
        return FHIRSTORE_DONE;
    }
    const char *start = cursor->rest.ptr;
    if (!fhs_row_decode(&cursor->rest, row_out)) {
        return FHIRSTORE_ERR_CORRUPT;
    }
    if (encoded_out != NULL) {
        *encoded_out = (fhs_str){start, (size_t)(cursor->rest.ptr - start)};
    }
    return FHIRSTORE_OK;
}

static bool count_rows(fhs_str list, size_t *count_out)
{
    fhs_row row;
    size_t count = 0;
    while (list.len > 0) {
        if (!fhs_row_decode(&list, &row)) {
            return false;
        }
        count++;
    }
    *count_out = count;
    return true;
}

/* Write the rows in the order of @a spans, without repetitions, over the list. */
static fhirstore_status rewrite_list(fhs_buf *list, const fhs_span *spans, size_t count)
{
    fhs_buf sorted;
    fhs_buf_init(&sorted, list->max);
    if (!fhs_buf_reserve(&sorted, list->len)) {
        return fhs_buf_status(&sorted);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || fhs_span_compare(list->ptr, &spans[i - 1], &spans[i]) != 0) {
            fhs_buf_add(&sorted, list->ptr + spans[i].at, spans[i].len);
        }
    }
    memcpy(list->ptr, sorted.ptr, sorted.len);
    list->len = sorted.len;
    list->ptr[list->len] = '\0';
    fhs_buf_clear(&sorted);
    return FHIRSTORE_OK;
}

static fhirstore_status sort_list(fhs_buf *list, fhs_span *spans, size_t count)
{
    fhs_str rest = fhs_buf_str(list);
    fhs_row row;
    bool is_ascending = true;
    for (size_t i = 0; i < count; i++) {
        size_t at = (size_t)(rest.ptr - list->ptr);
        (void)fhs_row_decode(&rest, &row);
        spans[i] = fhs_span_make(list->ptr, at, (size_t)(rest.ptr - list->ptr) - at);
        is_ascending = is_ascending &&
                       (i == 0 || fhs_span_compare(list->ptr, &spans[i - 1], &spans[i]) < 0);
    }
    if (is_ascending) {
        return FHIRSTORE_OK;
    }
    fhs_span_sort(list->ptr, spans, spans + count, count);
    return rewrite_list(list, spans, count);
}

fhirstore_status fhs_row_list_normalise(fhs_buf *list, fhirstore_error **err)
{
    fhs_span small[2 * SMALL_LIST];
    size_t count = 0;
    if (fhs_buf_status(list) != FHIRSTORE_OK) {
        return fhs_fail_plain(err, fhs_buf_status(list));
    }
    if (list->len > INT32_MAX) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the index rows of one resource exceed 2 GiB");
    }
    if (!count_rows(fhs_buf_str(list), &count)) {
        return fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "a list of index rows is malformed");
    }
    fhs_span *spans = small;
    if (count > SMALL_LIST) {
        spans = fhs_calloc(2 * count, sizeof *spans);
        if (spans == NULL) {
            return fhs_fail_memory(err);
        }
    }
    fhirstore_status status = sort_list(list, spans, count);
    if (spans != small) {
        fhs_free(spans);
    }
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(err, status);
}

bool fhs_row_list_is_sound(fhs_str list)
{
    fhs_row_cursor cursor = {list};
    fhs_row row;
    fhs_str before = FHS_STR_NONE;
    fhs_str encoded = FHS_STR_NONE;
    fhirstore_status status;
    while ((status = fhs_row_next(&cursor, &row, &encoded)) == FHIRSTORE_OK) {
        if (before.len > 0 && fhs_str_compare(before, encoded) >= 0) {
            return false;
        }
        before = encoded;
    }
    return status == FHIRSTORE_DONE;
}

fhirstore_status fhs_row_list_diff(fhs_str old_list, fhs_str new_list,
                                   fhirstore_status (*visit)(void *ctx, fhs_str encoded,
                                                             const fhs_row *row, bool added),
                                   void *ctx)
{
    fhs_row_cursor old_cursor = {old_list};
    fhs_row_cursor new_cursor = {new_list};
    fhs_row old_row;
    fhs_row new_row;
    fhs_str old_bytes = FHS_STR_NONE;
    fhs_str new_bytes = FHS_STR_NONE;
    fhirstore_status old_status = fhs_row_next(&old_cursor, &old_row, &old_bytes);
    fhirstore_status new_status = fhs_row_next(&new_cursor, &new_row, &new_bytes);
    fhirstore_status status = FHIRSTORE_OK;
    while (status == FHIRSTORE_OK && (old_status == FHIRSTORE_OK || new_status == FHIRSTORE_OK)) {
        if (old_status < 0 || new_status < 0) {
            break;
        }
        int order = old_status == FHIRSTORE_DONE   ? 1
                    : new_status == FHIRSTORE_DONE ? -1
                                                   : fhs_str_compare(old_bytes, new_bytes);
        if (order < 0) {
            status = visit(ctx, old_bytes, &old_row, false);
        } else if (order > 0) {
            status = visit(ctx, new_bytes, &new_row, true);
        }
        if (order <= 0) {
            old_status = fhs_row_next(&old_cursor, &old_row, &old_bytes);
        }
        if (order >= 0) {
            new_status = fhs_row_next(&new_cursor, &new_row, &new_bytes);
        }
    }
    if (status == FHIRSTORE_OK && (old_status < 0 || new_status < 0)) {
        return FHIRSTORE_ERR_CORRUPT;
    }
    return status;
}
