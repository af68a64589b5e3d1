/* SPDX-License-Identifier: Apache-2.0 */
/* JMESPath: text becomes tokens. */
#include <string.h>

#include "base/utf8.h"
#include "expression/jmes_internal.h"
#include "expression/number.h"

static bool is_jmes_name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static char jmes_char_at(const fhs_jmes_lexer *lexer, size_t at)
{
    return (char)(at < lexer->text.len ? lexer->text.ptr[at] : '\0');
}

static void bad_jmes_token(fhs_jmes_lexer *lexer, fhs_jmes_token *out, const char *problem)
{
    out->kind = FHS_JMES_BAD;
    lexer->problem = problem;
}

/* What stands between two @a quote, which a backslash keeps from ending it. */
static bool take_delimited(fhs_jmes_lexer *lexer, char quote, fhs_jmes_token *out, fhs_str *content)
{
    size_t start = ++lexer->at;
    while (lexer->at < lexer->text.len && lexer->text.ptr[lexer->at] != quote) {
        lexer->at += lexer->text.ptr[lexer->at] == '\\' ? 2 : 1;
    }
    if (lexer->at >= lexer->text.len) {
        bad_jmes_token(lexer, out, "a quote has no end");
        return false;
    }
    *content = fhs_str_of(lexer->text.ptr + start, lexer->at - start);
    lexer->at++;
    return true;
}

/* A copy without the backslashes before @a quote. */
static fhs_str drop_escapes(fhs_arena *arena, fhs_str text, char quote)
{
    char *copy = fhs_arena_alloc(arena, text.len + 1);
    size_t len = 0;
    if (copy == NULL) {
        return FHS_STR_NONE;
    }
    for (size_t i = 0; i < text.len; i++) {
        char next = (char)(i + 1 < text.len ? text.ptr[i + 1] : '\0');
        if (text.ptr[i] == '\\' && next == quote) {
            i++;
        } else if (text.ptr[i] == '\\' && next == '\\') {
            copy[len++] = text.ptr[i++]; /* a pair: its second one escapes nothing */
        }
        copy[len++] = text.ptr[i];
    }
    return fhs_str_of(copy, len);
}

/* Read @a text as JSON; NULL with the token made bad. */
static const fhs_json *read_json(fhs_jmes_lexer *lexer, fhs_jmes_token *out, fhs_str text)
{
    const fhs_json *value = NULL;
    fhirstore_status status = text.ptr == NULL
                                  ? FHIRSTORE_ERR_NO_MEMORY
                                  : fhs_json_read(lexer->arena, text, NULL, &value, NULL);
    if (status != FHIRSTORE_OK) {
        bad_jmes_token(lexer, out,
                       status == FHIRSTORE_ERR_NO_MEMORY
                           ? NULL
                           : "what these quotes hold is not JSON (a plain text is written 'text')");
    }
    return value;
}

static void quoted_token(fhs_jmes_lexer *lexer, fhs_jmes_token *out)
{
    size_t start = lexer->at;
    fhs_str content;
    if (!take_delimited(lexer, '"', out, &content)) {
        return;
    }
    const fhs_json *value = read_json(lexer, out,
                                      fhs_str_of(lexer->text.ptr + start, lexer->at - start));
    if (value != NULL) {
        out->kind = FHS_JMES_QUOTED;
        out->text = value->text;
    }
}

static void value_token(fhs_jmes_lexer *lexer, fhs_jmes_token *out)
{
    fhs_str content;
    char quote = jmes_char_at(lexer, lexer->at);
    if (!take_delimited(lexer, quote, out, &content)) {
        return;
    }
    fhs_str text = drop_escapes(lexer->arena, content, quote);
    if (quote == '\'') {
        out->value = text.ptr == NULL ? NULL : fhs_expression_make_string(lexer->arena, text);
        if (out->value == NULL) {
            bad_jmes_token(lexer, out, NULL);
            return;
        }
    } else {
        out->value = read_json(lexer, out, text);
    }
    out->kind = out->value == NULL ? FHS_JMES_BAD : FHS_JMES_VALUE;
}

static void number_token(fhs_jmes_lexer *lexer, fhs_jmes_token *out)
{
    size_t start = lexer->at++;
    int64_t number = 0;
    while (jmes_char_at(lexer, lexer->at) >= '0' && jmes_char_at(lexer, lexer->at) <= '9') {
        lexer->at++;
    }
    out->kind = FHS_JMES_NUMBER;
    if (!fhs_expression_read_integer(fhs_str_of(lexer->text.ptr + start, lexer->at - start),
                                     &number) ||
        number < INT32_MIN || number > INT32_MAX) {
        bad_jmes_token(lexer, out, "this is no index");
        return;
    }
    out->number = (int32_t)number;
}

static void symbol_token(fhs_jmes_lexer *lexer, fhs_jmes_token *out)
{
    /* Longer ones first. */
    static const struct {
        const char *text;
        fhs_jmes_token_kind kind;
    } symbols[] = {
        {"[]", FHS_JMES_FLATTEN},
        {"[?", FHS_JMES_OPEN_FILTER},
        {"&&", FHS_JMES_AND},
        {"||", FHS_JMES_OR},
        {"==", FHS_JMES_EQUAL},
        {"!=", FHS_JMES_NOT_EQUAL},
        {"<=", FHS_JMES_LESS_OR_EQUAL},
        {">=", FHS_JMES_GREATER_OR_EQUAL},
        {"<", FHS_JMES_LESS},
        {">", FHS_JMES_GREATER},
        {".", FHS_JMES_DOT},
        {"*", FHS_JMES_STAR},
        {"[", FHS_JMES_OPEN_BRACKET},
        {"]", FHS_JMES_CLOSE_BRACKET},
        {"(", FHS_JMES_OPEN_PAREN},
        {")", FHS_JMES_CLOSE_PAREN},
        {"{", FHS_JMES_OPEN_BRACE},
        {"}", FHS_JMES_CLOSE_BRACE},
        {",", FHS_JMES_COMMA},
        {":", FHS_JMES_COLON},
        {"@", FHS_JMES_AT},
        {"&", FHS_JMES_AMPERSAND},
        {"!", FHS_JMES_NOT},
        {"|", FHS_JMES_PIPE},
    };
    fhs_str rest = fhs_str_from(lexer->text, lexer->at);
    for (size_t i = 0; i < FHS_COUNT_OF(symbols); i++) {
        if (fhs_str_starts_with(rest, fhs_str_from_cstr(symbols[i].text))) {
            lexer->at += strlen(symbols[i].text);
            out->kind = symbols[i].kind;
            return;
        }
    }
    bad_jmes_token(lexer, out, "this character has no meaning here");
}

void fhs_jmes_next_token(fhs_jmes_lexer *lexer, fhs_jmes_token *out)
{
    while (lexer->at < lexer->text.len && jmes_char_at(lexer, lexer->at) != '\0' &&
           strchr(" \t\r\n", jmes_char_at(lexer, lexer->at)) != NULL) {
        lexer->at++;
    }
    char c = jmes_char_at(lexer, lexer->at);
    *out = (fhs_jmes_token){.kind = FHS_JMES_END, .at = lexer->at};
    if (lexer->at >= lexer->text.len) {
        return;
    }
    if (is_jmes_name_char(c, true)) {
        while (is_jmes_name_char(jmes_char_at(lexer, lexer->at), false)) {
            lexer->at++;
        }
        out->kind = FHS_JMES_NAME;
        out->text = fhs_str_of(lexer->text.ptr + out->at, lexer->at - out->at);
    } else if (c == '"') {
        quoted_token(lexer, out);
    } else if (c == '`' || c == '\'') {
        value_token(lexer, out);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        number_token(lexer, out);
    } else {
        symbol_token(lexer, out);
    }
}
