/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of FHIRPath: names, literals with their escapes decoded, symbols. */
#include "fhirpath/lexer.h"

#include "base/utf8.h"

static bool is_ascii_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static char char_at(const fhs_fp_lexer *lexer, size_t at)
{
    return (char)(at < lexer->text.len ? lexer->text.ptr[at] : 0);
}

fhirstore_status fhs_fp_syntax_error(const fhs_fp_lexer *lexer, size_t offset, const char *expected,
                                     fhirstore_error **err)
{
    uint32_t line = 1;
    uint32_t column = 1;
    for (size_t i = 0; i < offset && i < lexer->text.len; i++) {
        if (lexer->text.ptr[i] == '\n') {
            line++;
            column = 1;
        } else {
            column++;
        }
    }
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_FHIRPATH_SYNTAX,
                                       "FHIRPath: expected %s at offset %zu", expected, offset);
    fhs_error_at(err, offset, line, column);
    return status;
}

/* Skip white space and comments. */
static fhirstore_status lex_blanks(fhs_fp_lexer *lexer, fhirstore_error **err)
{
    for (;;) {
        char c = char_at(lexer, lexer->at);
        if (lexer->at < lexer->text.len && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
            lexer->at++;
        } else if (c == '/' && char_at(lexer, lexer->at + 1) == '/') {
            while (lexer->at < lexer->text.len && lexer->text.ptr[lexer->at] != '\n' &&
                   lexer->text.ptr[lexer->at] != '\r') {
                lexer->at++;
            }
        } else if (c == '/' && char_at(lexer, lexer->at + 1) == '*') {
            fhs_str rest = fhs_str_from(lexer->text, lexer->at + 2);
            size_t end = fhs_str_find(rest, FHS_LIT("*/"));
            if (end > rest.len) {
                return fhs_fp_syntax_error(lexer, lexer->text.len, "\"*/\" to end the comment",
                                           err);
            }
            lexer->at += 2 + end + 2;
        } else {
            return FHIRSTORE_OK;
        }
    }
}

static bool read_hex4(const fhs_fp_lexer *lexer, size_t at, uint32_t *out)
{
    uint32_t code = 0;
    for (size_t i = 0; i < 4; i++) {
        char c = char_at(lexer, at + i);
        uint32_t digit = 0;
        if (is_ascii_digit(c)) {
            digit = (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (uint32_t)(c - 'a') + 10;
        } else if (c >= 'A' && c <= 'F') {
            digit = (uint32_t)(c - 'A') + 10;
        } else {
            return false;
        }
        code = code * 16 + digit;
    }
    *out = code;
    return true;
}

/* A \u escape whose "u" stands at @a *at; surrogates must come in pairs. */
static bool decode_unicode(const fhs_fp_lexer *lexer, size_t *at, uint32_t *code_out)
{
    uint32_t code = 0;
    size_t next = *at + 5;
    if (!read_hex4(lexer, *at + 1, &code) || code == 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
        return false;
    }
    if (code >= 0xD800 && code <= 0xDBFF) {
        uint32_t low = 0;
        if (char_at(lexer, next) != '\\' || char_at(lexer, next + 1) != 'u' ||
            !read_hex4(lexer, next + 2, &low) || low < 0xDC00 || low > 0xDFFF) {
            return false;
        }
        next += 6;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *at = next;
    *code_out = code;
    return true;
}

/* The escape behind a backslash at *at - 1; unknown ones stand for the character itself. */
static bool decode_escape(const fhs_fp_lexer *lexer, size_t *at, char *out, size_t *len)
{
    char c = char_at(lexer, *at);
    uint32_t code = 0;
    if (c == 'u' && decode_unicode(lexer, at, &code)) {
        *len += fhs_utf8_encode(code, out + *len);
        return true;
    }
    /* Four digits that are no character (a lone surrogate, zero) cannot be taken literally. */
    if (c == 'u' && read_hex4(lexer, *at + 1, &code)) {
        return false;
    }
    static const char from[] = "rntf";
    static const char to[] = "\r\n\t\f";
    const char *known = c == '\0' ? NULL : strchr(from, c);
    out[(*len)++] = (char)(known != NULL ? to[known - from] : c);
    (*at)++;
    return true;
}

/* A string or delimited identifier: from the opening @a quote to the closing one. */
static fhirstore_status lex_quoted(fhs_fp_lexer *lexer, char quote, fhirstore_error **err)
{
    size_t from = lexer->at + 1;
    size_t end = from;
    bool escaped = false;
    while (end < lexer->text.len && lexer->text.ptr[end] != quote) {
        if (lexer->text.ptr[end] == '\\') {
            escaped = true;
            end++;
        }
        end++;
    }
    if (end >= lexer->text.len) {
        return fhs_fp_syntax_error(
            lexer, lexer->text.len,
            quote == '`' ? "a closing quote for the name" : "a closing quote for the string", err);
    }
    lexer->token.text = fhs_str_of(lexer->text.ptr + from, end - from);
    lexer->at = end + 1;
    if (!escaped) {
        return FHIRSTORE_OK;
    }
    char *out = fhs_arena_alloc(lexer->arena, end - from + 1);
    if (out == NULL) {
        return fhs_fail_memory(err);
    }
    size_t len = 0;
    for (size_t at = from; at < end;) {
        if (lexer->text.ptr[at] != '\\') {
            out[len++] = lexer->text.ptr[at++];
            continue;
        }
        at++;
        if (!decode_escape(lexer, &at, out, &len)) {
            return fhs_fp_syntax_error(lexer, at - 1, "a valid Unicode escape", err);
        }
    }
    out[len] = '\0';
    lexer->token.text = fhs_str_of(out, len);
    return FHIRSTORE_OK;
}

static void lex_number(fhs_fp_lexer *lexer)
{
    size_t at = lexer->at;
    while (is_ascii_digit(char_at(lexer, at))) {
        at++;
    }
    lexer->token.kind = FHS_TOKEN_INTEGER;
    if (char_at(lexer, at) == '.' && is_ascii_digit(char_at(lexer, at + 1))) {
        lexer->token.kind = FHS_TOKEN_DECIMAL;
        at++;
        while (is_ascii_digit(char_at(lexer, at))) {
            at++;
        }
    }
    lexer->token.text = fhs_str_of(lexer->text.ptr + lexer->at, at - lexer->at);
    if (lexer->token.kind == FHS_TOKEN_INTEGER && char_at(lexer, at) == 'L' &&
        !is_name_start(char_at(lexer, at + 1)) && !is_ascii_digit(char_at(lexer, at + 1))) {
        lexer->token.kind = FHS_TOKEN_LONG;
        at++;
    }
    lexer->at = at;
}

/* Two digits at @a at, led by @a lead unless that is NUL. */
static bool two_digits(const fhs_fp_lexer *lexer, size_t at, char lead)
{
    if (lead != '\0') {
        if (char_at(lexer, at) != lead) {
            return false;
        }
        at++;
    }
    return is_ascii_digit(char_at(lexer, at)) && is_ascii_digit(char_at(lexer, at + 1));
}

/* hh[:mm[:ss[.f…]]][zone]; returns where it ends, @a at itself when there is none. */
static size_t lex_time(const fhs_fp_lexer *lexer, size_t at)
{
    if (!two_digits(lexer, at, '\0')) {
        return at;
    }
    at += 2;
    if (two_digits(lexer, at, ':')) {
        at += 3;
        if (two_digits(lexer, at, ':')) {
            at += 3;
            if (char_at(lexer, at) == '.' && is_ascii_digit(char_at(lexer, at + 1))) {
                at++;
                while (is_ascii_digit(char_at(lexer, at))) {
                    at++;
                }
            }
        }
    }
    char c = char_at(lexer, at);
    if (c == 'Z') {
        return at + 1;
    }
    if ((c == '+' || c == '-') && two_digits(lexer, at + 1, '\0') &&
        two_digits(lexer, at + 3, ':')) {
        return at + 6;
    }
    return at;
}

static fhirstore_status lex_date(fhs_fp_lexer *lexer, fhirstore_error **err)
{
    size_t from = lexer->at + 1;
    size_t at = from;
    if (char_at(lexer, at) == 'T') {
        size_t end = lex_time(lexer, at + 1);
        if (end == at + 1) {
            return fhs_fp_syntax_error(lexer, end, "a time of day (hh:mm:ss)", err);
        }
        lexer->token.kind = FHS_TOKEN_TIME;
        lexer->token.text = fhs_str_of(lexer->text.ptr + at + 1, end - at - 1);
        lexer->at = end;
        return FHIRSTORE_OK;
    }
    if (!two_digits(lexer, at, '\0') || !two_digits(lexer, at + 2, '\0')) {
        return fhs_fp_syntax_error(lexer, at, "a date (YYYY-MM-DD) or a time (Thh:mm:ss)", err);
    }
    at += 4;
    if (two_digits(lexer, at, '-')) {
        at += 3;
        if (two_digits(lexer, at, '-')) {
            at += 3;
        }
    }
    lexer->token.kind = FHS_TOKEN_DATE;
    if (char_at(lexer, at) == 'T') {
        lexer->token.kind = FHS_TOKEN_DATETIME;
        at = lex_time(lexer, at + 1);
    }
    lexer->token.text = fhs_str_of(lexer->text.ptr + from, at - from);
    lexer->at = at;
    return FHIRSTORE_OK;
}

static void lex_name(fhs_fp_lexer *lexer)
{
    size_t from = lexer->at;
    while (is_name_start(char_at(lexer, lexer->at)) || is_ascii_digit(char_at(lexer, lexer->at))) {
        lexer->at++;
    }
    lexer->token.text = fhs_str_of(lexer->text.ptr + from, lexer->at - from);
}

static fhirstore_status lex_symbol(fhs_fp_lexer *lexer, fhirstore_error **err)
{
    char c = char_at(lexer, lexer->at);
    char next = char_at(lexer, lexer->at + 1);
    size_t len = 1;
    if (((c == '<' || c == '>' || c == '!') && next == '=') || (c == '!' && next == '~')) {
        len = 2;
    } else if (c == '\0' || strchr(".,()[]{}|+-*/&=~<>%:", c) == NULL) {
        return fhs_fp_syntax_error(lexer, lexer->at, "a FHIRPath token", err);
    }
    lexer->token.kind = FHS_TOKEN_SYMBOL;
    lexer->token.text = fhs_str_of(lexer->text.ptr + lexer->at, len);
    lexer->at += len;
    return FHIRSTORE_OK;
}

/* The token that begins at lexer->at. */
static fhirstore_status lex_token(fhs_fp_lexer *lexer, fhirstore_error **err)
{
    char c = char_at(lexer, lexer->at);
    if (is_name_start(c)) {
        lexer->token.kind = FHS_TOKEN_NAME;
        lex_name(lexer);
        return FHIRSTORE_OK;
    }
    if (is_ascii_digit(c)) {
        lex_number(lexer);
        return FHIRSTORE_OK;
    }
    /* FHIR's own definitions write strings in double quotes too (eld-11 of R5). */
    if (c == '\'' || c == '"') {
        lexer->token.kind = FHS_TOKEN_STRING;
        return lex_quoted(lexer, c, err);
    }
    if (c == '`') {
        lexer->token.kind = FHS_TOKEN_DELIMITED;
        return lex_quoted(lexer, c, err);
    }
    if (c == '@') {
        return lex_date(lexer, err);
    }
    if (c == '$' && is_name_start(char_at(lexer, lexer->at + 1))) {
        lexer->token.kind = FHS_TOKEN_SPECIAL;
        lexer->at++;
        lex_name(lexer);
        return FHIRSTORE_OK;
    }
    return lex_symbol(lexer, err);
}

fhirstore_status fhs_fp_next(fhs_fp_lexer *lexer, fhirstore_error **err)
{
    lexer->last_end = lexer->token.end;
    fhirstore_status status = lex_blanks(lexer, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    lexer->token = (fhs_fp_token){FHS_TOKEN_END, (uint32_t)lexer->at, (uint32_t)lexer->at,
                                  FHS_STR_NONE};
    if (lexer->at < lexer->text.len) {
        status = lex_token(lexer, err);
        lexer->token.end = (uint32_t)lexer->at;
    }
    return status;
}
