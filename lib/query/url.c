/* SPDX-License-Identifier: Apache-2.0 */
#include "query/query.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = fhs_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool needs_decoding(fhs_str text, bool plus)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' || (plus && text.ptr[i] == '+')) {
            return true;
        }
    }
    return false;
}

fhs_str fhs_url_decode(fhs_arena *arena, fhs_str text, bool plus)
{
    if (text.len == 0) {
        return FHS_LIT("");
    }
    if (!needs_decoding(text, plus)) {
        return text;
    }
    char *out = fhs_arena_alloc(arena, text.len);
    size_t len = 0;
    if (out == NULL) {
        return FHS_STR_NONE;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.ptr[i + 1]) : -1;
            int low = text.len - i > 2 ? hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return FHS_STR_NONE;
            }
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[len++] = c;
    }
    return fhs_str_of(out, len);
}

/* What RFC 3986 lets stand in a query, apart from what separates parameters and the quote. */
static bool is_unescaped(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~!$()*,;:@/?", c) != NULL);
}

void fhs_url_encode(fhs_buf *out, fhs_str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (is_unescaped(text.ptr[i])) {
            fhs_buf_add_char(out, text.ptr[i]);
        } else {
            const char code[3] = {'%', digits[c >> 4], digits[c & 15]};
            fhs_buf_add(out, code, sizeof(code));
        }
    }
}
