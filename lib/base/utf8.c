/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

static bool is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

size_t fhs_utf8_sequence(const char *ptr, size_t left)
{
    const unsigned char *s = (const unsigned char *)ptr; /* RFC 3629, section 4 */
    unsigned char c = s[0];
    if (c < 0x80) {
        return 1;
    }
    if (c >= 0xC2 && c <= 0xDF) {
        return left >= 2 && is_tail(s[1]) ? 2 : 0;
    }
    if (c >= 0xE0 && c <= 0xEF) {
        if (left < 3 || !is_tail(s[1]) || !is_tail(s[2])) {
            return 0;
        }
        bool overlong = c == 0xE0 && s[1] < 0xA0;
        bool surrogate = c == 0xED && s[1] > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (left < 4 || !is_tail(s[1]) || !is_tail(s[2]) || !is_tail(s[3])) {
            return 0;
        }
        bool overlong = c == 0xF0 && s[1] < 0x90;
        bool too_large = c == 0xF4 && s[1] > 0x8F;
        return overlong || too_large ? 0 : 4;
    }
    return 0;
}

/* Whether eight bytes are all ASCII, without a branch a byte. */
static bool is_ascii8(const char *ptr)
{
    uint64_t word;
    memcpy(&word, ptr, sizeof word);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

size_t fhs_utf8_valid_prefix(fhs_str text)
{
    size_t at = 0;
    while (at < text.len) {
        if (text.len - at >= 8 && is_ascii8(text.ptr + at)) {
            at += 8;
            continue;
        }
        size_t length = fhs_utf8_sequence(text.ptr + at, text.len - at);
        if (length == 0) {
            return at;
        }
        at += length;
    }
    return at;
}

uint32_t fhs_utf8_next(fhs_str text, size_t *at)
{
    const unsigned char *s = (const unsigned char *)text.ptr + *at;
    if (s[0] < 0x80) {
        *at += 1;
        return s[0];
    }
    if (s[0] < 0xE0) {
        *at += 2;
        return (uint32_t)(s[0] & 0x1F) << 6 | (uint32_t)(s[1] & 0x3F);
    }
    if (s[0] < 0xF0) {
        *at += 3;
        return (uint32_t)(s[0] & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 |
               (uint32_t)(s[2] & 0x3F);
    }
    *at += 4;
    return (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3F) << 12 |
           (uint32_t)(s[2] & 0x3F) << 6 | (uint32_t)(s[3] & 0x3F);
}

size_t fhs_utf8_encode(uint32_t code, char out[FHS_UTF8_MAX])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}
