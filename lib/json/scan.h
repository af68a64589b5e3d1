/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at eight bytes of text at once, without ever touching a byte past its end. Words are
 * little-endian on every machine: the first byte of the text is the lowest.
 */
#ifndef FHS_JSON_SCAN_H
#define FHS_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

#define FHS_JSON_ONES UINT64_C(0x0101010101010101)
#define FHS_JSON_HIGH UINT64_C(0x8080808080808080)

/* The eight bytes at @a p. */
static inline uint64_t load_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if !FHS_LITTLE_ENDIAN
    const unsigned char *bytes = (const unsigned char *)p;
    word = 0;
    for (unsigned i = 8; i > 0; i--) {
        word = word << 8 | bytes[i - 1];
    }
#endif
    return word;
}

/*
 * The high bit of each byte at which plain text of a string ends: quote, backslash, control
 * character, or not ASCII. Subtractions borrow only above such a byte, so the lowest bit is exact;
 * bits above it may be false. XOR with 2 brings the quote (0x22) next to the controls (0 … 0x1F).
 */
static inline uint64_t special_bytes(uint64_t word)
{
    uint64_t quote_or_control = (word ^ FHS_JSON_ONES * 0x02) - FHS_JSON_ONES * 0x21;
    uint64_t backslash = (word ^ FHS_JSON_ONES * '\\') - FHS_JSON_ONES;
    return (word | quote_or_control | backslash) & FHS_JSON_HIGH;
}

/* The same, but bytes that are not ASCII are plain text too. */
static inline uint64_t escapable_bytes(uint64_t word)
{
    uint64_t quote_or_control = (word ^ FHS_JSON_ONES * 0x02) - FHS_JSON_ONES * 0x21;
    uint64_t backslash = (word ^ FHS_JSON_ONES * '\\') - FHS_JSON_ONES;
    return (quote_or_control | backslash) & ~word & FHS_JSON_HIGH;
}

/* Index of the first byte whose high bit is set in @a mask, which is not 0. */
static inline size_t first_marked_byte(uint64_t mask)
{
    return FHS_CTZ64(mask) / 8;
}

static inline bool is_escapable(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* The first byte in [p, end) that is not plain ASCII text of a string, or end. */
static inline const char *skip_plain(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t mask = special_bytes(load_word(p));
        if (mask != 0) {
            return p + first_marked_byte(mask);
        }
        p += 8;
    }
    while (p < end && !is_escapable(*p) && (unsigned char)*p < 0x80) {
        p++;
    }
    return p;
}

/* The first quote, backslash or control character in [p, end), or end. */
static inline const char *skip_unescaped(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t mask = escapable_bytes(load_word(p));
        if (mask != 0) {
            return p + first_marked_byte(mask);
        }
        p += 8;
    }
    while (p < end && !is_escapable(*p)) {
        p++;
    }
    return p;
}

/* Behind the string whose opening quote is at @a p; the text is known to be valid. */
static inline const char *skip_json_string(const char *p, const char *end)
{
    p = skip_unescaped(p + 1, end);
    while (p < end && *p != '"') {
        p = skip_unescaped(p + (*p == '\\' ? 2 : 1), end);
    }
    return p < end ? p + 1 : end;
}

static inline bool is_json_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The first byte in [p, end) that is not white space, or end. */
static inline const char *skip_json_blanks(const char *p, const char *end)
{
    while (p < end && is_json_blank(*p)) {
        p++;
        while (end - p >= 8 && load_word(p) == FHS_JSON_ONES * ' ') {
            p += 8;
        }
    }
    return p;
}

#endif
