/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of strings. Positions and lengths count characters (code points), never bytes. */
#include "base/limits.h"
#include "base/utf8.h"
#include "fhirpath/functions.h"
#include "fhirpath/regex_internal.h"

static uint32_t char_count(fhs_str text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    }
    return count;
}

/* The byte where character @a index begins; text.len when it is past the end. */
static size_t char_offset(fhs_str text, uint64_t index)
{
    size_t at = 0;
    while (index > 0 && at < text.len) {
        fhs_utf8_next(text, &at);
        index--;
    }
    return at;
}

/* The input and the string that argument @a which gives. */
static fhirstore_status two_strings(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_scope *scope, uint32_t base, fhs_str *input,
                                    fhs_str *arg, bool *found)
{
    bool given = false;
    FHS_TRY(fhs_fp_single_string(run, op, base, input, found));
    FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, arg, &given));
    *found = *found && given;
    return *found ? fhs_fp_work(run, 1 + input->len / 64) : FHIRSTORE_OK;
}

static size_t find_last(fhs_str text, fhs_str needle)
{
    for (size_t at = text.len + 1; at > needle.len; at--) {
        size_t from = at - 1 - needle.len;
        if (needle.len == 0 || memcmp(text.ptr + from, needle.ptr, needle.len) == 0) {
            return from;
        }
    }
    return text.len + 1;
}

FHS_FP_CALL(index_of)
{
    fhs_str text;
    fhs_str needle;
    bool found = false;
    FHS_TRY(two_strings(run, op, scope, base, &text, &needle, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    size_t at = fhs_str_find(text, needle);
    return fhs_fp_push_integer(run,
                               at > text.len ? -1 : (int64_t)char_count(fhs_str_of(text.ptr, at)));
}

FHS_FP_CALL(last_index_of)
{
    fhs_str text;
    fhs_str needle;
    bool found = false;
    FHS_TRY(two_strings(run, op, scope, base, &text, &needle, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    size_t at = find_last(text, needle);
    return fhs_fp_push_integer(run,
                               at > text.len ? -1 : (int64_t)char_count(fhs_str_of(text.ptr, at)));
}

FHS_FP_CALL(substring)
{
    fhs_str text;
    int64_t start = 0;
    int64_t length = INT64_MAX;
    bool found = false;
    bool given = false;
    bool limited = false;
    FHS_TRY(fhs_fp_single_string(run, op, base, &text, &found));
    FHS_TRY(fhs_fp_eval_integer(run, op->args[0], scope, &start, &given));
    if (op->arg_count > 1) {
        FHS_TRY(fhs_fp_eval_integer(run, op->args[1], scope, &length, &limited));
    }
    if (!found || !given || start < 0) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(fhs_fp_work(run, 1 + text.len / 64));
    size_t from = char_offset(text, (uint64_t)start);
    if (from >= text.len) {
        return FHIRSTORE_OK;
    }
    fhs_str rest = fhs_str_from(text, from);
    if (limited) {
        rest.len = length <= 0 ? 0 : char_offset(rest, (uint64_t)length);
    }
    return fhs_fp_push_string(run, rest);
}

FHS_FP_CALL(starts_with)
{
    fhs_str text;
    fhs_str prefix;
    bool found = false;
    FHS_TRY(two_strings(run, op, scope, base, &text, &prefix, &found));
    return found ? fhs_fp_push_boolean(run, fhs_str_starts_with(text, prefix)) : FHIRSTORE_OK;
}

FHS_FP_CALL(ends_with)
{
    fhs_str text;
    fhs_str suffix;
    bool found = false;
    FHS_TRY(two_strings(run, op, scope, base, &text, &suffix, &found));
    return found ? fhs_fp_push_boolean(run, fhs_str_ends_with(text, suffix)) : FHIRSTORE_OK;
}

FHS_FP_CALL(contains)
{
    fhs_str text;
    fhs_str part;
    bool found = false;
    FHS_TRY(two_strings(run, op, scope, base, &text, &part, &found));
    return found ? fhs_fp_push_boolean(run, fhs_str_find(text, part) <= text.len) : FHIRSTORE_OK;
}

static fhirstore_status change_case(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                    uint32_t (*change)(uint32_t))
{
    fhs_str text;
    bool found = false;
    FHS_TRY(fhs_fp_single_string(run, op, base, &text, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(fhs_fp_work(run, 1 + text.len / 8));
    fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
    for (size_t at = 0; at < text.len;) {
        char bytes[FHS_UTF8_MAX];
        size_t len = fhs_utf8_encode(change(fhs_utf8_next(text, &at)), bytes);
        fhs_buf_add(&buf, bytes, len);
    }
    return fhs_fp_push_buf(run, &buf);
}

FHS_FP_CALL(upper)
{
    (void)scope;
    return change_case(run, op, base, fhs_fp_upper);
}

FHS_FP_CALL(lower)
{
    (void)scope;
    return change_case(run, op, base, fhs_fp_lower);
}

/* Every character surrounded by @a with. */
static void surround(fhs_str text, fhs_str with, fhs_buf *out)
{
    fhs_buf_add_str(out, with);
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        fhs_utf8_next(text, &at);
        fhs_buf_add(out, text.ptr + from, at - from);
        fhs_buf_add_str(out, with);
    }
}

FHS_FP_CALL(replace)
{
    fhs_str text;
    fhs_str pattern;
    fhs_str with;
    bool found = false;
    bool given = false;
    FHS_TRY(two_strings(run, op, scope, base, &text, &pattern, &found));
    FHS_TRY(fhs_fp_eval_string(run, op->args[1], scope, &with, &given));
    if (!found || !given) {
        return FHIRSTORE_OK;
    }
    fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
    if (pattern.len == 0) {
        surround(text, with, &buf);
        return fhs_fp_push_buf(run, &buf);
    }
    while (text.len > 0) {
        size_t at = fhs_str_find(text, pattern);
        bool hit = at <= text.len;
        fhs_buf_add(&buf, text.ptr, hit ? at : text.len);
        if (hit) {
            fhs_buf_add_str(&buf, with);
        }
        text = fhs_str_from(text, hit ? at + pattern.len : text.len);
    }
    return fhs_fp_push_buf(run, &buf);
}

FHS_FP_CALL(length)
{
    (void)scope;
    fhs_str text;
    bool found = false;
    FHS_TRY(fhs_fp_single_string(run, op, base, &text, &found));
    return found ? fhs_fp_push_integer(run, char_count(text)) : FHIRSTORE_OK;
}

FHS_FP_CALL(to_chars)
{
    (void)scope;
    fhs_str text;
    bool found = false;
    FHS_TRY(fhs_fp_single_string(run, op, base, &text, &found));
    for (size_t at = 0; found && at < text.len;) {
        size_t from = at;
        fhs_utf8_next(text, &at);
        FHS_TRY(fhs_fp_push_string(run, fhs_str_of(text.ptr + from, at - from)));
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(trim)
{
    (void)scope;
    fhs_str text;
    bool found = false;
    FHS_TRY(fhs_fp_single_string(run, op, base, &text, &found));
    return found ? fhs_fp_push_string(run, fhs_str_trim(text)) : FHIRSTORE_OK;
}

FHS_FP_CALL(split)
{
    fhs_str text;
    fhs_str separator;
    bool found = false;
    FHS_TRY(two_strings(run, op, scope, base, &text, &separator, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    if (separator.len == 0) {
        return fhs_fp_push_string(run, text);
    }
    for (;;) {
        size_t at = fhs_str_find(text, separator);
        if (at > text.len) {
            return fhs_fp_push_string(run, text);
        }
        FHS_TRY(fhs_fp_push_string(run, fhs_str_of(text.ptr, at)));
        text = (fhs_str){text.ptr + at + separator.len, text.len - at - separator.len};
    }
}

FHS_FP_CALL(join)
{
    fhs_str separator = FHS_STR_NONE;
    bool found = true;
    if (run->top == base) {
        return FHIRSTORE_OK;
    }
    if (op->arg_count > 0) {
        FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &separator, &found));
    }
    fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
    bool first = true;
    for (uint32_t i = base; i < run->top; i++) {
        fhs_fp_item value;
        fhirstore_status status = fhs_fp_value(run, &run->stack[i], &value);
        if (status == FHIRSTORE_OK && value.kind == FHS_ITEM_NODE && value.node.json == NULL) {
            continue;
        }
        if (status == FHIRSTORE_OK && value.kind != FHS_ITEM_STRING) {
            status = fhs_fp_fail(run, op, "only strings can be joined");
        }
        if (status != FHIRSTORE_OK) {
            fhs_buf_clear(&buf);
            return status;
        }
        if (!first) {
            fhs_buf_add_str(&buf, separator);
        }
        first = false;
        fhs_buf_add_str(&buf, value.text);
    }
    run->top = base;
    return fhs_fp_push_buf(run, &buf);
}
