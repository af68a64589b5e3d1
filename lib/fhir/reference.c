/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/reference.h"

#include "base/limits.h"

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

bool fhs_id_is_valid(fhs_str text)
{
    if (text.len == 0 || text.len > FHS_LIMIT_ID_BYTES) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_id_char(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* "…/_history/v" at the end of @a text: cut off and kept as the version. */
static fhs_str cut_history(fhs_str text, fhs_str *version)
{
    static const fhs_str mark = FHS_LIT_INIT("/_history/");
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != '/') {
        at--;
    }
    fhs_str head = {text.ptr, at};
    if (at <= mark.len || !fhs_str_ends_with(head, mark)) {
        return text;
    }
    fhs_str tail = fhs_str_from(text, at);
    if (!fhs_id_is_valid(tail)) {
        return text;
    }
    *version = tail;
    return fhs_str_of(text.ptr, at - mark.len);
}

/* "canonical|version" */
static fhs_str cut_pipe(fhs_str text, fhs_str *version)
{
    size_t bar = fhs_str_find_char(text, '|', 0);
    if (bar >= text.len) {
        return text;
    }
    *version = fhs_str_from(text, bar + 1);
    return fhs_str_of(text.ptr, bar);
}

/* The part behind the base URL, or an empty view when @a text is not below it. */
static fhs_str below_base(fhs_str base_url, fhs_str text)
{
    while (base_url.len > 0 && base_url.ptr[base_url.len - 1] == '/') {
        base_url.len--;
    }
    if (base_url.len == 0 || text.len <= base_url.len + 1 || !fhs_str_starts_with(text, base_url) ||
        text.ptr[base_url.len] != '/') {
        return FHS_STR_NONE;
    }
    return fhs_str_from(text, base_url.len + 1);
}

/* Type/id[/_history/v] */
static bool parse_local(const fhs_fhir *fhir, fhs_str text, fhs_reference *out)
{
    fhs_str version = FHS_STR_NONE;
    fhs_str head = FHS_STR_NONE;
    fhs_str tail = FHS_STR_NONE;
    fhs_str rest = cut_history(text, &version);
    if (!fhs_str_split(rest, '/', &head, &tail) || !fhs_id_is_valid(tail)) {
        return false;
    }
    fhs_type type = fhs_type_find(fhir, head);
    if (type == FHS_TYPE_NONE || !fhs_type_is_resource(fhir, type)) {
        return false;
    }
    out->type = type;
    out->id = tail;
    out->version = version;
    out->is_local = true;
    return true;
}

bool fhs_reference_parse(const fhs_fhir *fhir, fhs_str base_url, fhs_str text, fhs_reference *out)
{
    *out = (fhs_reference){.type = FHS_TYPE_NONE};
    if (text.len == 0) {
        return false;
    }
    if (text.ptr[0] == '#') {
        out->url = text;
        out->is_fragment = true;
        return true;
    }
    fhs_str below = below_base(base_url, text);
    if (parse_local(fhir, below.len > 0 ? below : text, out)) {
        return true;
    }
    out->url = cut_history(cut_pipe(text, &out->version), &out->version);
    if (fhs_id_is_valid(out->url)) {
        out->id = out->url;
    }
    return true;
}
