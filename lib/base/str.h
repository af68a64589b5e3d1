/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed views of bytes: pointer and length, no NUL assumed, no ownership. */
#ifndef FHS_BASE_STR_H
#define FHS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct fhs_str {
    const char *ptr;
    size_t len;
} fhs_str;

#define FHS_LIT(s)      ((fhs_str){(s), sizeof(s) - 1})
/* For static tables, where a compound literal is not constant. */
#define FHS_LIT_INIT(s) {(s), sizeof(s) - 1}
#define FHS_STR_NONE    ((fhs_str){NULL, 0})
/* For printf-like formats: "%.*s". */
#define FHS_STR_ARG(s)  (int)(s).len, (s).ptr == NULL ? "" : (s).ptr

static inline fhs_str fhs_str_of(const char *ptr, size_t len)
{
    return (fhs_str){ptr, len};
}

static inline fhs_str fhs_str_from_cstr(const char *text)
{
    return (fhs_str){text, text == NULL ? 0 : strlen(text)};
}

static inline bool fhs_str_eq(fhs_str a, fhs_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool fhs_str_starts_with(fhs_str text, fhs_str prefix)
{
    return text.len >= prefix.len &&
           (prefix.len == 0 || memcmp(text.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool fhs_str_ends_with(fhs_str text, fhs_str suffix)
{
    return text.len >= suffix.len &&
           (suffix.len == 0 ||
            memcmp(text.ptr + (text.len - suffix.len), suffix.ptr, suffix.len) == 0);
}

/* The rest of @a text from @a from on; empty when @a from is past the end. */
static inline fhs_str fhs_str_from(fhs_str text, size_t from)
{
    if (from >= text.len) {
        return FHS_STR_NONE;
    }
    return (fhs_str){text.ptr + from, text.len - from};
}

/* Byte order; a prefix sorts before what it begins. */
int fhs_str_compare(fhs_str a, fhs_str b);
/* Equal but for ASCII case. */
bool fhs_str_eq_ascii_case(fhs_str a, fhs_str b);
/* Index of the first @a c at or after @a from, or text.len. */
size_t fhs_str_find_char(fhs_str text, char c, size_t from);
/* Index of the first @a needle, or text.len + 1 when absent. */
size_t fhs_str_find(fhs_str text, fhs_str needle);
/* Split at the first @a c: *head gets what is before, *tail what is after. False: no @a c. */
bool fhs_str_split(fhs_str text, char c, fhs_str *head, fhs_str *tail);
/* The next item of a list that @a c separates: *rest loses it. False: there is none. */
bool fhs_str_next(fhs_str *rest, char c, fhs_str *item);
/* Without leading and trailing ASCII white space. */
fhs_str fhs_str_trim(fhs_str text);
/* A decimal integer of digits only, within 0 … max. False: anything else. */
bool fhs_str_to_u64(fhs_str text, uint64_t max, uint64_t *out);
char fhs_ascii_lower(char c);

#endif
