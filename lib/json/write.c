/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing works on the text, not on the tree: what is valid stays as it was written and only white
 * space between tokens changes. So it needs no recursion, and numbers and strings cannot change.
 */
#include "json/json_internal.h"
#include "json/scan.h"

void fhs_json_write_string(fhs_buf *out, fhs_str text)
{
    static const char hex[] = "0123456789abcdef";
    const char *p = text.len == 0 ? "" : text.ptr;
    const char *end = p + text.len;
    fhs_buf_add_char(out, '"');
    while (p < end) {
        const char *q = skip_unescaped(p, end);
        fhs_buf_add(out, p, (size_t)(q - p));
        if (q == end) {
            break;
        }
        char escape[6] = {'\\', *q, '0', '0', hex[*q >> 4 & 1], hex[*q & 0xF]};
        const char *letter = *q == '\0' ? NULL : strchr("\bb\ff\nn\rr\tt", *q);
        if ((unsigned char)*q >= 0x20) {
            fhs_buf_add(out, escape, 2);
        } else if (letter != NULL) {
            escape[1] = letter[1];
            fhs_buf_add(out, escape, 2);
        } else {
            escape[1] = 'u';
            fhs_buf_add(out, escape, 6);
        }
        p = q + 1;
    }
    fhs_buf_add_char(out, '"');
}

/* Who watches is told about every so many bytes. */
#define WATCHED_STEP ((ptrdiff_t)64 * 1024)

/*
 * Append the valid JSON in [p, end), which may be a part of an object, without white space. A
 * watch is told where in @a text it stands, once in a while.
 */
static void add_compact_watched(fhs_buf *out, const char *p, const char *end, const char *text,
                                const fhs_json_watch *watch)
{
    const char *run = p;
    const char *told = p;
    const ptrdiff_t longest = watch == NULL ? PTRDIFF_MAX : WATCHED_STEP;
    if (!fhs_buf_reserve(out, 0)) {
        return;
    }
    while (p < end) {
        if (*p == '"') {
            p = skip_json_string(p, end);
        } else if (!is_json_blank(*p)) {
            p++;
        } else {
            fhs_buf_add(out, run, (size_t)(p - run));
            p = skip_json_blanks(p, end);
            run = p;
        }
        if (FHS_UNLIKELY(p - told > longest)) {
            fhs_buf_add(out, run, (size_t)(p - run));
            run = p;
            told = p;
            (void)fhs_json_tell(watch, (size_t)(p - text));
        }
    }
    fhs_buf_add(out, run, (size_t)(end - run));
}

static void add_compact(fhs_buf *out, const char *p, const char *end)
{
    add_compact_watched(out, p, end, NULL, NULL);
}

void fhs_json_write_compact(fhs_buf *out, fhs_str source, const fhs_json *value)
{
    add_compact(out, source.ptr + value->begin, source.ptr + value->end);
}

static void add_pretty_line(fhs_buf *out, uint32_t depth)
{
    static const char blanks[] = "                                ";
    size_t left = (size_t)depth * 2;
    fhs_buf_add_char(out, '\n');
    while (left > 0 && fhs_buf_status(out) == FHIRSTORE_OK) {
        size_t some = left < sizeof blanks - 1 ? left : sizeof blanks - 1;
        fhs_buf_add(out, blanks, some);
        left -= some;
    }
}

/* Append the token at @a p and the white space that belongs behind it; returns the place behind the
 * token. */
static const char *add_pretty_token(fhs_buf *out, const char *p, const char *end, uint32_t *depth)
{
    const char *next = *p == '"' ? skip_json_string(p, end) : p + 1;
    const char *after;
    switch (*p) {
    case '{':
    case '[':
        fhs_buf_add_char(out, *p);
        after = skip_json_blanks(next, end);
        if (after < end && (*after == '}' || *after == ']')) {
            fhs_buf_add_char(out, *after);
            return after + 1;
        }
        add_pretty_line(out, ++*depth);
        return next;
    case '}':
    case ']':
        add_pretty_line(out, --*depth);
        fhs_buf_add_char(out, *p);
        return next;
    case ',':
        fhs_buf_add_char(out, ',');
        add_pretty_line(out, *depth);
        return next;
    case ':':
        fhs_buf_add(out, ": ", 2);
        return next;
    default: /* a string, a number or a literal */
        while (*p != '"' && next < end && !is_json_blank(*next) && strchr(",]}", *next) == NULL) {
            next++;
        }
        fhs_buf_add(out, p, (size_t)(next - p));
        return next;
    }
}

void fhs_json_write_pretty(fhs_buf *out, fhs_str source, const fhs_json *value)
{
    const char *p = source.ptr + value->begin;
    const char *end = source.ptr + value->end;
    uint32_t depth = 0;
    while (p < end && fhs_buf_status(out) == FHIRSTORE_OK) {
        p = add_pretty_token(out, p, end, &depth);
        p = skip_json_blanks(p, end);
    }
}

/* ---- editing ---- */

static const fhs_json_edit *find_member_edit(const fhs_json_edit *edits, size_t count, fhs_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (fhs_str_eq(edits[i].name, name)) {
            return &edits[i];
        }
    }
    return NULL;
}

static void add_member_comma(fhs_buf *out, bool *is_first)
{
    if (!*is_first) {
        fhs_buf_add_char(out, ',');
    }
    *is_first = false;
}

static void add_new_members(fhs_buf *out, const fhs_json *object, const fhs_json_edit *edits,
                            size_t count, bool *is_first)
{
    for (size_t i = 0; i < count; i++) {
        if (edits[i].value.ptr != NULL && fhs_json_get(object, edits[i].name) == NULL) {
            add_member_comma(out, is_first);
            fhs_json_write_string(out, edits[i].name);
            fhs_buf_add_char(out, ':');
            add_compact(out, edits[i].value.ptr, edits[i].value.ptr + edits[i].value.len);
        }
    }
}

void fhs_json_write_edited(fhs_buf *out, fhs_str source, const fhs_json *value,
                           const fhs_json_edit *edits, size_t edit_count)
{
    const fhs_json_text text = {source, value, NULL};
    fhs_json_write_edited_text(out, &text, edits, edit_count);
}

void fhs_json_write_edited_text(fhs_buf *out, const fhs_json_text *text, const fhs_json_edit *edits,
                                size_t edit_count)
{
    const fhs_str source = text->text;
    const fhs_json *value = text->root;
    const fhs_str anchor = FHS_LIT("resourceType");
    bool is_first = true;
    fhs_buf_add_char(out, '{');
    if (fhs_json_get(value, anchor) == NULL) {
        add_new_members(out, value, edits, edit_count, &is_first);
    }
    for (uint32_t i = 0; i < value->count; i++) {
        const fhs_json_member *member = &value->members[i];
        const fhs_json_edit *edit = find_member_edit(edits, edit_count, member->name);
        const char *name = source.ptr +
                           fhs_json_name_offset(source, value->begin, value->members, i);
        if (edit == NULL) {
            add_member_comma(out, &is_first);
            add_compact_watched(out, name, source.ptr + member->value.end, source.ptr, text->watch);
        } else if (edit->value.ptr != NULL) {
            add_member_comma(out, &is_first);
            add_compact(out, name, skip_json_string(name, source.ptr + source.len));
            fhs_buf_add_char(out, ':');
            add_compact(out, edit->value.ptr, edit->value.ptr + edit->value.len);
        }
        if (fhs_str_eq(member->name, anchor)) {
            add_new_members(out, value, edits, edit_count, &is_first);
        }
    }
    fhs_buf_add_char(out, '}');
}
