/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a _filter: names, operators, values. */
#include "base/limits.h"
#include "base/utf8.h"
#include "query/filter.h"

static const char op_names[FHS_OP_COUNT][3] = {
    "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "co",
    "sw", "ew", "pr", "po", "ss", "sb", "in", "ni", "re",
};

static bool is_filter_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == ':';
}

void fhs_filter_skip_blanks(fhs_filter *filter)
{
    while (filter->at < filter->text.len && is_filter_blank(filter->text.ptr[filter->at])) {
        filter->at++;
    }
}

bool fhs_filter_take(fhs_filter *filter, char c)
{
    if (filter->at == filter->text.len || filter->text.ptr[filter->at] != c) {
        return false;
    }
    filter->at++;
    return true;
}

bool fhs_filter_take_word(fhs_filter *filter, const char *word)
{
    fhs_str wanted = fhs_str_from_cstr(word);
    fhs_str rest = fhs_str_from(filter->text, filter->at);
    if (!fhs_str_starts_with(rest, wanted) ||
        (rest.len > wanted.len &&
         (is_name_char(rest.ptr[wanted.len]) || rest.ptr[wanted.len] == '.'))) {
        return false;
    }
    filter->at += wanted.len;
    return true;
}

fhs_str fhs_filter_take_name(fhs_filter *filter)
{
    const size_t from = filter->at;
    while (filter->at < filter->text.len && is_name_char(filter->text.ptr[filter->at])) {
        filter->at++;
    }
    return fhs_str_of(filter->text.ptr + from, filter->at - from);
}

/* ---- values ---- */

static int filter_hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four hexadecimal digits behind "\u". */
static bool take_quad(fhs_str text, size_t *at, uint32_t *out)
{
    *out = 0;
    if (text.len - *at < 4) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        int digit = filter_hex(text.ptr[*at + i]);
        if (digit < 0) {
            return false;
        }
        *out = *out * 16 + (uint32_t)digit;
    }
    *at += 4;
    return true;
}

/* "\u00fc", also in two halves. */
static bool take_point(fhs_str text, size_t *at, uint32_t *out)
{
    uint32_t low;
    if (!take_quad(text, at, out) || *out == 0 || (*out >= 0xDC00 && *out < 0xE000)) {
        return false;
    }
    if (*out < 0xD800 || *out >= 0xDC00) {
        return true;
    }
    if (text.len - *at < 2 || text.ptr[*at] != '\\' || text.ptr[*at + 1] != 'u') {
        return false;
    }
    *at += 2;
    if (!take_quad(text, at, &low) || low < 0xDC00 || low >= 0xE000) {
        return false;
    }
    *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

static bool take_escape(fhs_str text, size_t *at, char *out, size_t *len)
{
    static const char plain[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    if (*at == text.len) {
        return false;
    }
    char c = text.ptr[(*at)++];
    if (c == 'u') {
        uint32_t point;
        if (!take_point(text, at, &point)) {
            return false;
        }
        *len += fhs_utf8_encode(point, out + *len);
        return true;
    }
    for (size_t i = 0; i < sizeof plain - 1; i++) {
        if (c == plain[i]) {
            out[(*len)++] = meant[i];
            return true;
        }
    }
    return false;
}

/* A JSON string; the filter stands behind its opening quote. */
static fhirstore_status take_quoted(fhs_filter *filter, fhs_str *out)
{
    fhs_str text = filter->text;
    size_t at = filter->at;
    size_t len = 0;
    /* No escape is shorter than what it stands for. */
    char *bytes = fhs_arena_alloc(filter->parser->arena, text.len - at + 1);
    if (bytes == NULL) {
        return fhs_fail_memory(filter->parser->err);
    }
    while (at < text.len && text.ptr[at] != '"') {
        char c = text.ptr[at++];
        if ((unsigned char)c < 0x20 || (c == '\\' && !take_escape(text, &at, bytes, &len))) {
            filter->at = at - 1;
            return fhs_filter_expects(filter, "expects a string as JSON has it");
        }
        if (c != '\\') {
            bytes[len++] = c;
        }
    }
    if (at == text.len) {
        filter->at--;
        return fhs_filter_expects(filter, "has a string that does not end");
    }
    filter->at = at + 1;
    *out = fhs_str_of(bytes, len);
    return FHIRSTORE_OK;
}

/* A '+' of a zone that a client forgot to encode has become a blank. */
static bool has_lost_plus(const fhs_filter *filter, size_t from)
{
    fhs_str word = fhs_str_of(filter->text.ptr + from, filter->at - from);
    fhs_str rest = fhs_str_from(filter->text, filter->at);
    return word.len > 10 && word.ptr[10] == 'T' && rest.len >= 6 && rest.ptr[0] == ' ' &&
           rest.ptr[1] >= '0' && rest.ptr[1] <= '1' && rest.ptr[2] >= '0' && rest.ptr[2] <= '9' &&
           rest.ptr[3] == ':';
}

static void skip_word(fhs_filter *filter)
{
    while (filter->at < filter->text.len && !is_filter_blank(filter->text.ptr[filter->at]) &&
           filter->text.ptr[filter->at] != ')' && filter->text.ptr[filter->at] != ']') {
        filter->at++;
    }
}

static fhirstore_status take_value(fhs_filter *filter, fhs_str *out)
{
    const size_t from = filter->at;
    if (fhs_filter_take(filter, '"')) {
        return take_quoted(filter, out);
    }
    skip_word(filter);
    if (has_lost_plus(filter, from)) {
        filter->at++;
        skip_word(filter);
    }
    *out = fhs_str_of(filter->text.ptr + from, filter->at - from);
    return out->len > 0 ? FHIRSTORE_OK : fhs_filter_expects(filter, "expects a value");
}

fhirstore_status fhs_filter_take_test(fhs_filter *filter, fhs_filter_op *op_out, fhs_str *value_out)
{
    fhs_filter_skip_blanks(filter);
    const size_t from = filter->at;
    fhs_str word = fhs_filter_take_name(filter);
    for (size_t i = 0; i < FHS_OP_COUNT; i++) {
        if (fhs_str_eq(word, fhs_str_of(op_names[i], 2))) {
            *op_out = (fhs_filter_op)i;
            fhs_filter_skip_blanks(filter);
            return take_value(filter, value_out);
        }
    }
    filter->at = from;
    return fhs_filter_expects(filter, "expects an operator: eq, ne, co, sw, ew, gt, lt, ge, le, "
                                      "ap, sa, eb, pr, po, ss, sb, in, ni or re");
}

fhirstore_status fhs_filter_escape(fhs_query_parser *parser, fhs_sparam_type type,
                                   const char *prefix, fhs_str value, fhs_str *out)
{
    const bool is_plain = type == FHS_SP_STRING || type == FHS_SP_URI;
    fhs_buf text = FHS_BUF_INIT(2 * FHS_LIMIT_URL_BYTES + 16);
    fhs_buf_add_cstr(&text, prefix);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\\' || c == ',' || (is_plain && (c == '|' || c == '$'))) {
            fhs_buf_add_char(&text, '\\');
        }
        fhs_buf_add_char(&text, c);
    }
    fhirstore_status status = fhs_buf_status(&text);
    if (status == FHIRSTORE_OK) {
        *out = fhs_arena_dup(parser->arena, fhs_buf_str(&text));
        status = out->ptr == NULL ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_OK;
    }
    fhs_buf_clear(&text);
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(parser->err, status);
}
