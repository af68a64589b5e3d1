/* SPDX-License-Identifier: Apache-2.0 */
#include "json/cursor.h"

#include "json/json.h"
#include "json/scan.h"

static fhirstore_status fail_at(const fhs_json_cursor *cursor, const char *wanted,
                                fhirstore_error **err)
{
    uint32_t line;
    uint32_t column;
    fhs_json_position(cursor->text, cursor->at, &line, &column);
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_JSON, "expected %s", wanted);
    fhs_error_at(err, cursor->at, line, column);
    return status;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_blanks(fhs_json_cursor *cursor)
{
    while (cursor->at < cursor->text.len && is_blank(cursor->text.ptr[cursor->at])) {
        cursor->at++;
    }
}

static char peek(const fhs_json_cursor *cursor)
{
    return cursor->at < cursor->text.len ? cursor->text.ptr[cursor->at] : '\0';
}

/* Move behind the string that begins here; false when it does not end. */
static bool skip_string(fhs_json_cursor *cursor)
{
    size_t at = cursor->at + 1;
    for (;;) {
        at = fhs_str_find_char(cursor->text, '"', at);
        if (at >= cursor->text.len) {
            return false;
        }
        size_t slashes = 0;
        while (cursor->text.ptr[at - 1 - slashes] == '\\') {
            slashes++;
        }
        at++;
        if (slashes % 2 == 0) {
            cursor->at = at;
            return true;
        }
    }
}

/* Move behind the container that begins here, by counting brackets outside of strings. */
static bool skip_container(fhs_json_cursor *cursor)
{
    const char *text = cursor->text.ptr;
    const char *end = text + cursor->text.len;
    const char *p = text + cursor->at;
    size_t depth = 0;
    while (p < end) {
        if (*p == '"') {
            const char *behind = skip_json_string(p, end);
            if (FHS_UNLIKELY(behind == end)) {
                /* It may not end at all. */
                cursor->at = (size_t)(p - text);
                if (!skip_string(cursor)) {
                    return false;
                }
                behind = text + cursor->at;
            }
            p = behind;
            continue;
        }
        if (is_json_blank(*p)) {
            p = skip_json_blanks(p, end);
            continue;
        }
        /* Both brackets of a kind differ in this bit only from the braces. */
        const char c = (char)(*p++ | 0x20);
        if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            cursor->at = (size_t)(p - text);
            return true;
        }
    }
    cursor->at = cursor->text.len;
    return false;
}

static bool skip_value(fhs_json_cursor *cursor)
{
    char c = peek(cursor);
    if (c == '"') {
        return skip_string(cursor);
    }
    if (c == '{' || c == '[') {
        return skip_container(cursor);
    }
    size_t begin = cursor->at;
    while (cursor->at < cursor->text.len) {
        c = cursor->text.ptr[cursor->at];
        if (c == ',' || c == '}' || c == ']' || is_blank(c)) {
            break;
        }
        cursor->at++;
    }
    return cursor->at > begin;
}

fhirstore_status fhs_json_cursor_open(fhs_str text, size_t offset, fhs_json_cursor *cursor,
                                      fhirstore_error **err)
{
    *cursor = (fhs_json_cursor){.text = text, .at = offset, .is_first = true};
    skip_blanks(cursor);
    if (peek(cursor) != '{' && peek(cursor) != '[') {
        return fail_at(cursor, "an object or an array", err);
    }
    cursor->is_object = peek(cursor) == '{';
    cursor->at++;
    return FHIRSTORE_OK;
}

static fhirstore_status next_name(fhs_json_cursor *cursor, fhs_str *name_out, fhirstore_error **err)
{
    size_t begin = cursor->at;
    if (peek(cursor) != '"' || !skip_string(cursor)) {
        cursor->at = begin;
        return fail_at(cursor, "a member name", err);
    }
    if (!fhs_json_plain_string(fhs_str_of(cursor->text.ptr + begin, cursor->at - begin),
                               name_out)) {
        cursor->at = begin;
        return fail_at(cursor, "a member name without escapes", err);
    }
    skip_blanks(cursor);
    if (peek(cursor) != ':') {
        return fail_at(cursor, "':'", err);
    }
    cursor->at++;
    skip_blanks(cursor);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_json_cursor_step(fhs_json_cursor *cursor, fhs_str *name_out,
                                      fhirstore_error **err)
{
    const char closing = cursor->is_object ? '}' : ']';
    if (cursor->is_done) {
        return FHIRSTORE_DONE;
    }
    skip_blanks(cursor);
    if (cursor->is_first && peek(cursor) == closing) {
        cursor->at++;
        cursor->is_done = true;
        return FHIRSTORE_DONE;
    }
    if (!cursor->is_first) {
        char c = peek(cursor);
        if (c != ',' && c != closing) {
            return fail_at(cursor, cursor->is_object ? "',' or '}'" : "',' or ']'", err);
        }
        cursor->at++;
        if (c == closing) {
            cursor->is_done = true;
            return FHIRSTORE_DONE;
        }
        skip_blanks(cursor);
    }
    cursor->is_first = false;
    return cursor->is_object ? next_name(cursor, name_out, err) : FHIRSTORE_OK;
}

fhirstore_status fhs_json_cursor_skip(fhs_json_cursor *cursor, fhs_str *value_out,
                                      fhirstore_error **err)
{
    size_t begin = cursor->at;
    if (!skip_value(cursor)) {
        cursor->at = begin;
        return fail_at(cursor, "a value that ends", err);
    }
    *value_out = fhs_str_of(cursor->text.ptr + begin, cursor->at - begin);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_json_cursor_next(fhs_json_cursor *cursor, fhs_str *name_out,
                                      fhs_str *value_out, size_t *offset_out, fhirstore_error **err)
{
    fhirstore_status status = fhs_json_cursor_step(cursor, name_out, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (offset_out != NULL) {
        *offset_out = cursor->at;
    }
    return fhs_json_cursor_skip(cursor, value_out, err);
}

bool fhs_json_plain_string(fhs_str value, fhs_str *out)
{
    if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"') {
        return false;
    }
    *out = fhs_str_of(value.ptr + 1, value.len - 2);
    return fhs_str_find_char(*out, '\\', 0) == out->len;
}
