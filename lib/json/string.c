/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that are not plain ASCII: checked first, then decoded once into exactly fitting memory.
 */
#include "base/utf8.h"
#include "json/json_internal.h"
#include "json/scan.h"

static const char *refuse_string(fhs_json_fault *fault, fhirstore_status status, const char *at,
                                 const char *problem)
{
    *fault = (fhs_json_fault){status, at, NULL, problem};
    return NULL;
}

const char *fhs_json_refuse_string(fhs_json_fault *fault, const char *p, const char *end)
{
    if (p >= end) {
        *fault = (fhs_json_fault){FHIRSTORE_ERR_JSON, end, "'\"' at the end of a string", NULL};
        return NULL;
    }
    return refuse_string(fault, FHIRSTORE_ERR_JSON_STRING, p,
                         "a string holds a control character that is not escaped");
}

static int json_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number in the four hexadecimal digits at @a p, or -1. */
static int32_t read_json_hex4(const char *p, const char *end)
{
    int32_t code = 0;
    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = json_hex_digit(p[i]);
        if (digit < 0) {
            return -1;
        }
        code = code << 4 | digit;
    }
    return code;
}

/*
 * Read the escape whose backslash is at @a p: *code_out gets the code point. Returns the place
 * behind it, or NULL with @a fault set.
 */
static const char *read_unicode_escape(const char *p, const char *end, uint32_t *code_out,
                                       fhs_json_fault *fault)
{
    int32_t code = read_json_hex4(p + 2, end);
    if (code < 0) {
        *fault = (fhs_json_fault){FHIRSTORE_ERR_JSON, p, "four hexadecimal digits behind \"\\u\"",
                                  NULL};
        return NULL;
    }
    if (code == 0) {
        return refuse_string(fault, FHIRSTORE_ERR_JSON_STRING, p, "a string holds \"\\u0000\"");
    }
    if (code < 0xD800 || code > 0xDFFF) {
        *code_out = (uint32_t)code;
        return p + 6;
    }
    int32_t low = end - p >= 12 && p[6] == '\\' && p[7] == 'u' ? read_json_hex4(p + 8, end) : -1;
    if (code > 0xDBFF || low < 0xDC00 || low > 0xDFFF) {
        return refuse_string(fault, FHIRSTORE_ERR_JSON_STRING, p,
                             "a string holds half of a surrogate pair");
    }
    *code_out = 0x10000 + ((uint32_t)(code - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
    return p + 12;
}

static const char *read_json_escape(const char *p, const char *end, uint32_t *code_out,
                                    fhs_json_fault *fault)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (end - p < 2) {
        return fhs_json_refuse_string(fault, end, end);
    }
    if (p[1] == 'u') {
        return read_unicode_escape(p, end, code_out, fault);
    }
    for (size_t i = 0; i < sizeof letters - 1; i++) {
        if (p[1] == letters[i]) {
            *code_out = (uint32_t)meanings[i];
            return p + 2;
        }
    }
    *fault = (fhs_json_fault){FHIRSTORE_ERR_JSON, p,
                              "one of \" \\ / b f n r t u behind a backslash", NULL};
    return NULL;
}

static size_t utf8_length_of(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/* Copy [p, end), which is known to be valid, to @a out with its escapes resolved. */
static void decode_string(const char *p, const char *end, char *out)
{
    fhs_json_fault ignored;
    uint32_t code = 0;
    while (p < end) {
        const char *run_end = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((run_end == NULL ? end : run_end) - p);
        memcpy(out, p, run);
        out += run;
        if (run_end == NULL) {
            return;
        }
        p = read_json_escape(run_end, end, &code, &ignored);
        out += fhs_utf8_encode(code, out);
    }
}

const char *fhs_json_read_string_rest(fhs_arena *arena, const char *start, const char *p,
                                      const char *end, fhs_str *out, fhs_json_fault *fault)
{
    size_t saved = 0; /* bytes by which the content is shorter than what was written */
    for (; p < end && *p != '"'; p = skip_plain(p, end)) {
        if (*p == '\\') {
            uint32_t code = 0;
            const char *next = read_json_escape(p, end, &code, fault);
            if (next == NULL) {
                return NULL;
            }
            saved += (size_t)(next - p) - utf8_length_of(code);
            p = next;
        } else if ((unsigned char)*p >= 0x80) {
            size_t length = fhs_utf8_sequence(p, (size_t)(end - p));
            if (length == 0) {
                return refuse_string(fault, FHIRSTORE_ERR_JSON_UTF8, p,
                                     "a string is not valid UTF-8");
            }
            p += length;
        } else {
            return fhs_json_refuse_string(fault, p, end);
        }
    }
    if (p >= end) {
        return fhs_json_refuse_string(fault, end, end);
    }
    size_t written = (size_t)(p - start);
    *out = fhs_str_of(start, written - saved);
    if (saved > 0) {
        char *decoded = fhs_arena_alloc(arena, out->len);
        if (decoded == NULL) {
            return refuse_string(fault, FHIRSTORE_ERR_NO_MEMORY, p, NULL);
        }
        decode_string(start, p, decoded);
        out->ptr = decoded;
    }
    return p + 1;
}
