/* SPDX-License-Identifier: Apache-2.0 */
/* encode(), decode(), escape(), unescape(). */
#include "base/limits.h"
#include "base/utf8.h"
#include "fhirpath/functions.h"

static const char base64_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char base64_char(unsigned value, bool url)
{
    if (url && value >= 62) {
        return value == 62 ? (char)'-' : (char)'_';
    }
    return base64_chars[value & 63];
}

static void write_base64(fhs_str text, bool url, fhs_buf *out)
{
    for (size_t i = 0; i < text.len; i += 3) {
        unsigned left = text.len - i < 3 ? (unsigned)(text.len - i) : 3;
        unsigned bits = 0;
        for (unsigned j = 0; j < 3; j++) {
            bits = bits << 8 | (j < left ? (unsigned char)text.ptr[i + j] : 0u);
        }
        for (unsigned j = 0; j < 4; j++) {
            fhs_buf_add_char(out,
                             (char)(j <= left ? base64_char(bits >> (18 - 6 * j) & 63, url) : '='));
        }
    }
}

static int base64_value(char c, bool url)
{
    for (unsigned i = 0; i < 64; i++) {
        if (base64_char(i, url) == c) {
            return (int)i;
        }
    }
    return -1;
}

static bool read_base64(fhs_str text, bool url, fhs_buf *out)
{
    while (text.len > 0 && text.ptr[text.len - 1] == '=') {
        text.len--;
    }
    unsigned bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.ptr[i], url);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (unsigned)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            fhs_buf_add_char(out, (char)(unsigned char)(bits >> count & 0xFF));
        }
    }
    return count < 6;
}

static void write_hex(fhs_str text, fhs_buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned byte = (unsigned char)text.ptr[i];
        fhs_buf_add_char(out, "0123456789abcdef"[byte >> 4]);
        fhs_buf_add_char(out, "0123456789abcdef"[byte & 15]);
    }
}

static int hex_value(char c)
{
    c = fhs_ascii_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex_bytes(fhs_str text, fhs_buf *out)
{
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        int high = hex_value(text.ptr[i]);
        int low = hex_value(text.ptr[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        fhs_buf_add_char(out, (char)(unsigned char)(high * 16 + low));
    }
    return text.len % 2 == 0;
}

static void write_ascii(fhs_str text, fhs_buf *out)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t code = fhs_utf8_next(text, &at);
        fhs_buf_add_char(out, (char)(code < 128 ? code : '?'));
    }
}

static bool encode_text(fhs_str text, fhs_str format, fhs_buf *out)
{
    if (fhs_str_eq(format, FHS_LIT("hex"))) {
        write_hex(text, out);
    } else if (fhs_str_eq(format, FHS_LIT("base64"))) {
        write_base64(text, false, out);
    } else if (fhs_str_eq(format, FHS_LIT("urlbase64"))) {
        write_base64(text, true, out);
    } else if (fhs_str_eq(format, FHS_LIT("ascii"))) {
        write_ascii(text, out);
    } else {
        return false;
    }
    return true;
}

static bool decode_text(fhs_str text, fhs_str format, fhs_buf *out)
{
    bool known = fhs_str_eq(format, FHS_LIT("hex"))         ? read_hex_bytes(text, out)
                 : fhs_str_eq(format, FHS_LIT("base64"))    ? read_base64(text, false, out)
                 : fhs_str_eq(format, FHS_LIT("urlbase64")) ? read_base64(text, true, out)
                                                            : false;
    fhs_str bytes = fhs_buf_str(out);
    return known && fhs_utf8_valid_prefix(bytes) == bytes.len;
}

/* ---- html and json ---- */

static const struct {
    const char *name;
    char c;
} entities[] = {{"&amp;", '&'},  {"&lt;", '<'},   {"&gt;", '>'},
                {"&quot;", '"'}, {"&#39;", '\''}, {"&apos;", '\''}};

static void escape_html(fhs_str text, fhs_buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        const char *entity = NULL;
        for (size_t j = 0; j < FHS_COUNT_OF(entities) && entity == NULL; j++) {
            entity = text.ptr[i] == entities[j].c ? entities[j].name : NULL;
        }
        if (entity != NULL) {
            fhs_buf_add_cstr(out, entity);
        } else {
            fhs_buf_add_char(out, text.ptr[i]);
        }
    }
}

/* &#8364; or &#x20AC;: 0 when it is none, else its length. */
static size_t numeric_entity(fhs_str rest, fhs_buf *out)
{
    if (rest.len < 4 || rest.ptr[1] != '#') {
        return 0;
    }
    bool hex = rest.ptr[2] == 'x' || rest.ptr[2] == 'X';
    size_t at = hex ? 3 : 2;
    uint32_t code = 0;
    size_t digits = 0;
    for (; at < rest.len && hex_value(rest.ptr[at]) >= 0 && digits < 7; at++, digits++) {
        uint32_t digit = (uint32_t)hex_value(rest.ptr[at]);
        if (!hex && digit > 9) {
            return 0;
        }
        code = code * (hex ? 16 : 10) + digit;
    }
    if (digits == 0 || at >= rest.len || rest.ptr[at] != ';' || code == 0 || code > 0x10FFFF ||
        (code >= 0xD800 && code <= 0xDFFF)) {
        return 0;
    }
    char bytes[FHS_UTF8_MAX];
    fhs_buf_add(out, bytes, fhs_utf8_encode(code, bytes));
    return at + 1;
}

static void unescape_html(fhs_str text, fhs_buf *out)
{
    for (size_t i = 0; i < text.len;) {
        fhs_str rest = fhs_str_from(text, i);
        size_t used = 0;
        for (size_t j = 0; j < FHS_COUNT_OF(entities) && used == 0 && rest.ptr[0] == '&'; j++) {
            fhs_str name = fhs_str_from_cstr(entities[j].name);
            if (fhs_str_starts_with(rest, name)) {
                fhs_buf_add_char(out, entities[j].c);
                used = name.len;
            }
        }
        if (used == 0 && rest.ptr[0] == '&') {
            used = numeric_entity(rest, out);
        }
        if (used == 0) {
            fhs_buf_add_char(out, rest.ptr[0]);
            used = 1;
        }
        i += used;
    }
}

static void escape_json(fhs_str text, fhs_buf *out)
{
    fhs_buf quoted = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
    fhs_json_write_string(&quoted, text);
    if (quoted.len >= 2) {
        fhs_buf_add(out, quoted.ptr + 1, quoted.len - 2);
    }
    fhs_buf_clear(&quoted);
}

/* What is malformed stays as it is. */
static size_t unescape_one(fhs_str rest, fhs_buf *out)
{
    static const char from[] = "nrtbf";
    static const char to[] = "\n\r\t\b\f";
    char c = (char)(rest.len > 1 ? rest.ptr[1] : 0);
    const char *known = c == '\0' ? NULL : strchr(from, c);
    if (known != NULL) {
        fhs_buf_add_char(out, to[known - from]);
        return 2;
    }
    if (c == '"' || c == '\\' || c == '/') {
        fhs_buf_add_char(out, c);
        return 2;
    }
    uint32_t code = 0;
    for (size_t i = 2; c == 'u' && i < 6; i++) {
        int digit = i < rest.len ? hex_value(rest.ptr[i]) : -1;
        if (digit < 0) {
            return 0;
        }
        code = code * 16 + (uint32_t)digit;
    }
    if (c != 'u' || code == 0 || (code >= 0xD800 && code <= 0xDFFF)) {
        return 0;
    }
    char bytes[FHS_UTF8_MAX];
    fhs_buf_add(out, bytes, fhs_utf8_encode(code, bytes));
    return 6;
}

static void unescape_json(fhs_str text, fhs_buf *out)
{
    for (size_t i = 0; i < text.len;) {
        size_t used = text.ptr[i] == '\\' ? unescape_one(fhs_str_from(text, i), out) : 0;
        if (used == 0) {
            fhs_buf_add_char(out, text.ptr[i]);
            used = 1;
        }
        i += used;
    }
}

static bool escape_text(fhs_str text, fhs_str target, fhs_buf *out)
{
    if (fhs_str_eq(target, FHS_LIT("html"))) {
        escape_html(text, out);
        return true;
    }
    if (fhs_str_eq(target, FHS_LIT("json"))) {
        escape_json(text, out);
        return true;
    }
    return false;
}

static bool unescape_text(fhs_str text, fhs_str target, fhs_buf *out)
{
    if (fhs_str_eq(target, FHS_LIT("html"))) {
        unescape_html(text, out);
        return true;
    }
    if (fhs_str_eq(target, FHS_LIT("json"))) {
        unescape_json(text, out);
        return true;
    }
    return false;
}

static fhirstore_status transform(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                  const fhs_fp_scope *scope, uint32_t base,
                                  bool (*how)(fhs_str, fhs_str, fhs_buf *))
{
    fhs_str text;
    fhs_str format;
    bool found = false;
    bool given = false;
    FHS_TRY(fhs_fp_single_string(run, op, base, &text, &found));
    FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &format, &given));
    if (!found || !given) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(fhs_fp_work(run, 1 + text.len / 16));
    fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
    if (!how(text, format, &buf)) {
        fhs_buf_clear(&buf);
        return FHIRSTORE_OK;
    }
    return fhs_fp_push_buf(run, &buf);
}

FHS_FP_CALL(encode)
{
    return transform(run, op, scope, base, encode_text);
}

FHS_FP_CALL(decode)
{
    return transform(run, op, scope, base, decode_text);
}

FHS_FP_CALL(escape)
{
    return transform(run, op, scope, base, escape_text);
}

FHS_FP_CALL(unescape)
{
    return transform(run, op, scope, base, unescape_text);
}
