/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

int fhs_str_compare(fhs_str a, fhs_str b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared == 0 ? 0 : memcmp(a.ptr, b.ptr, shared);
    if (order != 0) {
        return order;
    }
    return a.len < b.len ? -1 : a.len > b.len ? 1 : 0;
}

char fhs_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool fhs_str_eq_ascii_case(fhs_str a, fhs_str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (fhs_ascii_lower(a.ptr[i]) != fhs_ascii_lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

size_t fhs_str_find_char(fhs_str text, char c, size_t from)
{
    if (from >= text.len) {
        return text.len;
    }
    const char *hit = memchr(text.ptr + from, c, text.len - from);
    return hit == NULL ? text.len : (size_t)(hit - text.ptr);
}

size_t fhs_str_find(fhs_str text, fhs_str needle)
{
    if (needle.len == 0) {
        return 0;
    }
    for (size_t at = 0; needle.len <= text.len - at;) {
        at = fhs_str_find_char(text, needle.ptr[0], at);
        if (at == text.len || needle.len > text.len - at) {
            break;
        }
        if (memcmp(text.ptr + at, needle.ptr, needle.len) == 0) {
            return at;
        }
        at++;
    }
    return text.len + 1;
}

bool fhs_str_split(fhs_str text, char c, fhs_str *head, fhs_str *tail)
{
    size_t at = fhs_str_find_char(text, c, 0);
    if (at == text.len) {
        return false;
    }
    *head = fhs_str_of(text.ptr, at);
    *tail = fhs_str_of(text.ptr + at + 1, text.len - at - 1);
    return true;
}

bool fhs_str_next(fhs_str *rest, char c, fhs_str *item)
{
    fhs_str tail = FHS_STR_NONE;
    if (rest->len == 0) {
        return false;
    }
    *item = *rest;
    (void)fhs_str_split(*rest, c, item, &tail);
    *rest = tail;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

fhs_str fhs_str_trim(fhs_str text)
{
    while (text.len > 0 && is_space(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

bool fhs_str_to_u64(fhs_str text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (value > (max - digit) / 10 || digit > max) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}
