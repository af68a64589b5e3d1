/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static int sextet_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool fhs_base64_decode(fhs_str text, fhs_buf *out)
{
    uint32_t bits = 0;
    unsigned count = 0; /* characters of the group at hand, padding included */
    unsigned padding = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            continue;
        }
        int value = c == '=' ? 0 : sextet_of(c);
        padding += c == '=';
        if (value < 0 || (padding > 0 && c != '=') || padding > 2) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        if (++count < 4) {
            continue;
        }
        for (unsigned k = 0; k < 3 - padding; k++) {
            fhs_buf_add_char(out, (char)(unsigned char)(bits >> (16 - 8 * k)));
        }
        if (padding > 0 && (bits & ((1u << (8 * padding)) - 1u)) != 0) {
            return false;
        }
        bits = 0;
        count = 0;
    }
    return count == 0;
}
