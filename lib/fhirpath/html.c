/* SPDX-License-Identifier: Apache-2.0 */
/*
 * htmlChecks(): whether a narrative keeps to the XHTML that FHIR allows: one well-formed div of
 * known elements and attributes, no scripts, no forms, no external styles.
 */
#include "fhirpath/functions.h"

#define MAX_HTML_DEPTH 100u

static const char *const html_elements[] = {
    "a",    "abbr",   "acronym", "b",        "big",     "blockquote", "br",         "caption",
    "cite", "code",   "col",     "colgroup", "dd",      "dfn",        "div",        "dl",
    "dt",   "em",     "h1",      "h2",       "h3",      "h4",         "h5",         "h6",
    "hr",   "i",      "img",     "li",       "map",     "area",       "ol",         "p",
    "pre",  "q",      "s",       "samp",     "small",   "span",       "strong",     "sub",
    "sup",  "table",  "tbody",   "td",       "tfoot",   "th",         "thead",      "tr",
    "tt",   "ul",     "var",     "u",        "kbd",     "del",        "ins",        "address",
    "bdo",  "center", "font",    "article",  "section", "figure",     "figcaption",
};

static const char *const html_attributes[] = {
    "abbr",       "accesskey",   "align",       "alt",        "axis",   "bgcolor", "border",
    "cellhalign", "cellpadding", "cellspacing", "cellvalign", "char",   "charoff", "charset",
    "cite",       "class",       "colspan",     "compact",    "coords", "dir",     "frame",
    "headers",    "height",      "href",        "hreflang",   "hspace", "id",      "lang",
    "longdesc",   "name",        "nowrap",      "rel",        "rev",    "rowspan", "rules",
    "scope",      "shape",       "span",        "src",        "start",  "style",   "summary",
    "tabindex",   "title",       "type",        "usemap",     "valign", "value",   "vlink",
    "vspace",     "width",       "xml:lang",    "xmlns",      "color",  "face",    "size",
};

typedef struct html_reader {
    fhs_str text;
    size_t at;
    fhs_str open[MAX_HTML_DEPTH];
    uint32_t depth;
    bool has_content; /* text that is no white space, or an image */
} html_reader;

static bool in_words(fhs_str name, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fhs_str_eq(name, fhs_str_from_cstr(words[i]))) {
            return true;
        }
    }
    return false;
}

static char html_peek(const html_reader *reader)
{
    return (char)(reader->at < reader->text.len ? reader->text.ptr[reader->at] : 0);
}

static bool html_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_html_blanks(html_reader *reader)
{
    while (html_blank(html_peek(reader))) {
        reader->at++;
    }
}

static fhs_str html_name(html_reader *reader)
{
    size_t from = reader->at;
    char c = html_peek(reader);
    while ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
           c == '-' || c == '_' || c == '.') {
        reader->at++;
        c = html_peek(reader);
    }
    return fhs_str_of(reader->text.ptr + from, reader->at - from);
}

static bool skip_to(html_reader *reader, const char *end)
{
    fhs_str rest = fhs_str_from(reader->text, reader->at);
    size_t at = fhs_str_find(rest, fhs_str_from_cstr(end));
    if (at > rest.len) {
        return false;
    }
    reader->at += at + strlen(end);
    return true;
}

static bool read_attributes(html_reader *reader)
{
    for (;;) {
        skip_html_blanks(reader);
        char c = html_peek(reader);
        if (c == '>' || c == '/') {
            return true;
        }
        fhs_str name = html_name(reader);
        if (!in_words(name, html_attributes, FHS_COUNT_OF(html_attributes)) &&
            !fhs_str_starts_with(name, FHS_LIT("xmlns:")) &&
            !fhs_str_starts_with(name, FHS_LIT("data-"))) {
            return false;
        }
        skip_html_blanks(reader);
        if (html_peek(reader) != '=') {
            return false;
        }
        reader->at++;
        skip_html_blanks(reader);
        const char quote[] = {html_peek(reader), '\0'};
        if (quote[0] != '"' && quote[0] != '\'') {
            return false;
        }
        reader->at++;
        if (!skip_to(reader, quote)) {
            return false;
        }
    }
}

static bool read_open_tag(html_reader *reader)
{
    fhs_str name = html_name(reader);
    if (!in_words(name, html_elements, FHS_COUNT_OF(html_elements)) || !read_attributes(reader) ||
        reader->depth == MAX_HTML_DEPTH ||
        (reader->depth == 0 && !fhs_str_eq(name, FHS_LIT("div")))) {
        return false;
    }
    reader->has_content = reader->has_content || fhs_str_eq(name, FHS_LIT("img"));
    if (html_peek(reader) == '/') {
        reader->at++;
    } else {
        reader->open[reader->depth++] = name;
    }
    return html_peek(reader) == '>' && ++reader->at > 0;
}

static bool read_tag(html_reader *reader)
{
    fhs_str rest = fhs_str_from(reader->text, reader->at);
    if (fhs_str_starts_with(rest, FHS_LIT("<!--"))) {
        return skip_to(reader, "-->");
    }
    reader->at++;
    if (html_peek(reader) != '/') {
        return read_open_tag(reader);
    }
    reader->at++;
    fhs_str name = html_name(reader);
    skip_html_blanks(reader);
    if (reader->depth == 0 || !fhs_str_eq(name, reader->open[reader->depth - 1]) ||
        html_peek(reader) != '>') {
        return false;
    }
    reader->depth--;
    reader->at++;
    return true;
}

static bool html_is_good(fhs_str text, bool *has_content)
{
    html_reader reader = {.text = text};
    skip_html_blanks(&reader);
    if (html_peek(&reader) != '<') {
        return false;
    }
    do {
        if (html_peek(&reader) == '<') {
            if (!read_tag(&reader)) {
                return false;
            }
        } else {
            reader.has_content = reader.has_content || !html_blank(html_peek(&reader));
            reader.at++;
        }
    } while (reader.depth > 0 && reader.at < text.len);
    skip_html_blanks(&reader);
    *has_content = reader.has_content;
    return reader.depth == 0 && reader.at == text.len;
}

static fhirstore_status check_html(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                   bool content)
{
    fhs_str text;
    bool found = false;
    FHS_TRY(fhs_fp_single_string(run, op, base, &text, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(fhs_fp_work(run, 1 + text.len / 8));
    bool has_content = false;
    bool good = html_is_good(text, &has_content);
    return fhs_fp_push_boolean(run, good && (has_content || !content));
}

FHS_FP_CALL(html_checks)
{
    (void)scope;
    return check_html(run, op, base, false);
}

FHS_FP_CALL(html_checks2)
{
    (void)scope;
    return check_html(run, op, base, true);
}
