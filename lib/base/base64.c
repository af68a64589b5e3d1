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

/* A group of four characters as it comes in. */
typedef struct base64_group {
    uint32_t bits;
    unsigned count;   /* characters, padding included */
    unsigned padding; /* of the whole text: nothing comes behind it */
} base64_group;

/*
 * One character more. *bytes_out: how many bytes at @a out it has completed. False: it does not
 * belong there.
 */
static bool take_character(base64_group *group, char c, char out[3], unsigned *bytes_out)
{
    *bytes_out = 0;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        return true;
    }
    int value = c == '=' ? 0 : sextet_of(c);
    group->padding += c == '=';
    if (value < 0 || (group->padding > 0 && c != '=') || group->padding > 2) {
        return false;
    }
    group->bits = group->bits << 6 | (uint32_t)value;
    if (++group->count < 4) {
        return true;
    }
    *bytes_out = 3 - group->padding;
    for (unsigned k = 0; k < *bytes_out; k++) {
        out[k] = (char)(unsigned char)(group->bits >> (16 - 8 * k));
    }
    bool is_clean = group->padding == 0 || (group->bits & ((1u << (8 * group->padding)) - 1u)) == 0;
    group->bits = 0;
    group->count = 0;
    return is_clean;
}

bool fhs_base64_decode(fhs_str text, fhs_buf *out)
{
    base64_group group = {0};
    char bytes[3];
    unsigned count;
    for (size_t i = 0; i < text.len; i++) {
        if (!take_character(&group, text.ptr[i], bytes, &count)) {
            return false;
        }
        fhs_buf_add(out, bytes, count);
    }
    return group.count == 0;
}

static int escape_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The character that the escape at *at stands for, *at on its last one; 0: none of base64's. */
static char unescape(const char *text, size_t len, size_t *at)
{
    int value = 0;
    size_t i = ++*at;
    if (i >= len) {
        return '\0';
    }
    if (text[i] != 'u') {
        return text[i] == '/'                                       ? '/'
               : text[i] == 'n' || text[i] == 'r' || text[i] == 't' ? ' '
                                                                    : '\0';
    }
    for (size_t k = 1; k <= 4; k++) {
        int digit = i + k < len ? escape_digit(text[i + k]) : -1;
        if (digit < 0) {
            return '\0';
        }
        value = value * 16 + digit;
    }
    *at = i + 4;
    return value < 0x80 ? (char)value : '\0';
}

bool fhs_base64_decode_in_place(char *text, size_t len, size_t *len_out)
{
    base64_group group = {0};
    char bytes[3];
    unsigned count;
    size_t end = 0;
    *len_out = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i] == '\\' ? unescape(text, len, &i) : text[i];
        if (!take_character(&group, c, bytes, &count)) {
            return false;
        }
        for (unsigned k = 0; k < count; k++) {
            text[end++] = bytes[k];
        }
    }
    *len_out = end;
    return group.count == 0;
}

void fhs_base64_encode(fhs_str bytes, fhs_buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char group[4];
    for (size_t i = 0; i < bytes.len; i += 3) {
        const size_t left = bytes.len - i;
        uint32_t bits = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
        bits |= left > 1 ? (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)(unsigned char)bytes.ptr[i + 2] : 0;
        group[0] = digits[bits >> 18];
        group[1] = digits[bits >> 12 & 63];
        group[2] = left > 1 ? digits[bits >> 6 & 63] : '=';
        group[3] = left > 2 ? digits[bits & 63] : '=';
        fhs_buf_add(out, group, sizeof group);
    }
}
