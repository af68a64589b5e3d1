/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The composite key. Each component is its kind, then its value: integers as eight bytes, most
 * significant first, with the sign turned so that bytes sort like numbers; texts with 0x00 written
 * as 0x00 0xFF and closed by 0x00 0x00, so that they sort like texts and never run into what
 * follows.
 */
#include "index/index.h"

/* No kind of row: what follows are codes as written. */
#define WRITTEN_MARK '\0'

static void add_kind(fhs_buf *key, fhs_row_kind kind)
{
    fhs_buf_add_char(key, (char)kind);
}

static void add_integer(fhs_buf *key, int64_t value)
{
    uint64_t turned = (uint64_t)value ^ (UINT64_C(1) << 63);
    char bytes[8];
    for (int i = 7; i >= 0; i--) {
        bytes[i] = (char)(unsigned char)(turned & 0xFF);
        turned >>= 8;
    }
    fhs_buf_add(key, bytes, sizeof bytes);
}

static void add_closed(fhs_buf *key, fhs_str text)
{
    size_t from = 0;
    while (from < text.len) {
        size_t zero = fhs_str_find_char(text, '\0', from);
        fhs_buf_add(key, text.ptr + from, zero - from);
        if (zero < text.len) {
            fhs_buf_add(key, "\x00\xFF", 2);
        }
        from = zero + 1;
    }
    fhs_buf_add(key, "\x00\x00", 2);
}

void fhs_composite_add_token(fhs_buf *key, int64_t system, fhs_str folded_code)
{
    add_kind(key, FHS_ROW_TOKEN);
    add_closed(key, folded_code);
    add_integer(key, system);
}

void fhs_composite_add_string(fhs_buf *key, fhs_str folded)
{
    add_kind(key, FHS_ROW_STRING);
    add_closed(key, folded);
}

void fhs_composite_add_uri(fhs_buf *key, fhs_str uri)
{
    add_kind(key, FHS_ROW_URI);
    add_closed(key, uri);
}

void fhs_composite_add_date(fhs_buf *key, int64_t lo, int64_t hi)
{
    add_kind(key, FHS_ROW_DATE);
    add_integer(key, lo);
    add_integer(key, hi);
}

void fhs_composite_add_number(fhs_buf *key, fhs_str low_key, fhs_str high_key)
{
    add_kind(key, FHS_ROW_NUMBER);
    add_closed(key, low_key);
    add_closed(key, high_key);
}

void fhs_composite_add_quantity(fhs_buf *key, int64_t unit, fhs_str low_key, fhs_str high_key)
{
    add_kind(key, FHS_ROW_QUANTITY);
    add_integer(key, unit);
    add_closed(key, low_key);
    add_closed(key, high_key);
}

void fhs_composite_add_reference(fhs_buf *key, int64_t entity)
{
    add_kind(key, FHS_ROW_REFERENCE);
    add_integer(key, entity);
}

void fhs_composite_add_written(fhs_buf *key, bool is_first, fhs_str code)
{
    if (is_first) {
        fhs_buf_add_char(key, WRITTEN_MARK);
    }
    add_closed(key, code);
}

static bool take_integer(fhs_str *rest, int64_t *out)
{
    if (rest->len < 8) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++) {
        value = value << 8 | (unsigned char)rest->ptr[i];
    }
    value ^= UINT64_C(1) << 63;
    memcpy(out, &value, sizeof value);
    *rest = fhs_str_from(*rest, 8);
    return true;
}

/* Appends to @a scratch; *at and *len say where. Views are made when all of it is there. */
static bool take_closed(fhs_str *rest, fhs_buf *scratch, size_t *at, size_t *len)
{
    *at = scratch->len;
    size_t from = 0;
    for (;;) {
        size_t zero = fhs_str_find_char(*rest, '\0', from);
        if (zero + 1 >= rest->len) {
            return false;
        }
        fhs_buf_add(scratch, rest->ptr + from, zero - from);
        from = zero + 2;
        if (rest->ptr[zero + 1] == '\0') {
            break;
        }
        fhs_buf_add_char(scratch, '\0');
    }
    *len = scratch->len - *at;
    *rest = fhs_str_from(*rest, from);
    return fhs_buf_status(scratch) == FHIRSTORE_OK;
}

bool fhs_composite_next(fhs_str *rest, fhs_buf *scratch, fhs_row *out)
{
    size_t text_at = 0;
    size_t text_len = 0;
    size_t extra_at = 0;
    size_t extra_len = 0;
    if (rest->len == 0 || rest->ptr[0] == WRITTEN_MARK) {
        return false;
    }
    *out = (fhs_row){.kind = (uint8_t)rest->ptr[0]};
    *rest = fhs_str_from(*rest, 1);
    fhs_buf_reset(scratch);
    bool is_good = false;
    switch (out->kind) {
    case FHS_ROW_TOKEN:
        is_good = take_closed(rest, scratch, &text_at, &text_len) && take_integer(rest, &out->a);
        break;
    case FHS_ROW_STRING:
    case FHS_ROW_URI:
        is_good = take_closed(rest, scratch, &text_at, &text_len);
        break;
    case FHS_ROW_DATE:
        is_good = take_integer(rest, &out->a) && take_integer(rest, &out->b);
        break;
    case FHS_ROW_QUANTITY:
    case FHS_ROW_NUMBER:
        is_good = (out->kind == FHS_ROW_NUMBER || take_integer(rest, &out->a)) &&
                  take_closed(rest, scratch, &text_at, &text_len) &&
                  take_closed(rest, scratch, &extra_at, &extra_len);
        break;
    case FHS_ROW_REFERENCE:
        is_good = take_integer(rest, &out->a);
        break;
    default:
        break;
    }
    if (is_good && text_len > 0) {
        out->text = fhs_str_of(scratch->ptr + text_at, text_len);
    }
    if (is_good && extra_len > 0) {
        out->extra = fhs_str_of(scratch->ptr + extra_at, extra_len);
    }
    return is_good;
}

bool fhs_composite_next_written(fhs_str *rest, fhs_buf *scratch, fhs_str *code_out)
{
    size_t at;
    size_t len;
    if (rest->len > 0 && rest->ptr[0] == WRITTEN_MARK) {
        *rest = fhs_str_from(*rest, 1);
    }
    fhs_buf_reset(scratch);
    if (rest->len == 0 || !take_closed(rest, scratch, &at, &len)) {
        return false;
    }
    *code_out = len == 0 ? FHS_STR_NONE : fhs_str_of(scratch->ptr + at, len);
    return true;
}
