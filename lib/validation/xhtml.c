/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Narrative in one pass: one div in the XHTML namespace, tags in balance, nothing that acts. It is
 * no XML parser; what it lets through is still escaped text to whoever shows it.
 */
#include "validation/validation_internal.h"

/* Deeper elements are counted, their names not compared. */
#define OPEN_NAMES_MAX 64u

typedef struct xhtml_scan {
    const char *at;
    const char *end;
    size_t depth;
    fhs_str open[OPEN_NAMES_MAX];
} xhtml_scan;

typedef struct xhtml_tag {
    fhs_str name;
    bool is_closing; /* </name> */
    bool is_empty;   /* <name/> */
    bool is_active;  /* has an attribute that acts */
    bool has_namespace;
} xhtml_tag;

static inline bool is_xml_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_name(char c)
{
    return is_xml_space(c) || c == '/' || c == '>' || c == '=' || c == '<' || c == '"' || c == '\'';
}

static void skip_space(xhtml_scan *scan)
{
    while (scan->at < scan->end && is_xml_space(*scan->at)) {
        scan->at++;
    }
}

static fhs_str take_name(xhtml_scan *scan)
{
    const char *begin = scan->at;
    while (scan->at < scan->end && !ends_name(*scan->at)) {
        scan->at++;
    }
    return fhs_str_of(begin, (size_t)(scan->at - begin));
}

static bool take_char(xhtml_scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c) {
        return false;
    }
    scan->at++;
    return true;
}

static bool take_text(xhtml_scan *scan, fhs_str text)
{
    if (!fhs_str_starts_with(fhs_str_of(scan->at, (size_t)(scan->end - scan->at)), text)) {
        return false;
    }
    scan->at += text.len;
    return true;
}

/* Move behind the next @a mark. */
static bool skip_past(xhtml_scan *scan, fhs_str mark)
{
    fhs_str rest = fhs_str_of(scan->at, (size_t)(scan->end - scan->at));
    size_t found = fhs_str_find(rest, mark);
    if (found > rest.len) {
        return false;
    }
    scan->at += found + mark.len;
    return true;
}

/* onclick="…", href="javascript:…" */
static bool is_active_attribute(fhs_str name, fhs_str value)
{
    static const fhs_str scheme = FHS_LIT_INIT("javascript:");
    if (name.len > 2 && fhs_str_eq_ascii_case(fhs_str_of(name.ptr, 2), FHS_LIT("on"))) {
        return true;
    }
    value = fhs_str_trim(value);
    return value.len >= scheme.len &&
           fhs_str_eq_ascii_case(fhs_str_of(value.ptr, scheme.len), scheme);
}

static bool take_attribute(xhtml_scan *scan, xhtml_tag *tag)
{
    fhs_str name = take_name(scan);
    skip_space(scan);
    if (name.len == 0 || !take_char(scan, '=')) {
        return false;
    }
    skip_space(scan);
    char quote = scan->at == scan->end ? '\0' : *scan->at;
    if (quote != '"' && quote != '\'') {
        return false;
    }
    const char *begin = ++scan->at;
    const char *close = memchr(begin, quote, (size_t)(scan->end - begin));
    if (close == NULL) {
        return false;
    }
    fhs_str value = fhs_str_of(begin, (size_t)(close - begin));
    scan->at = close + 1;
    tag->is_active |= is_active_attribute(name, value);
    tag->has_namespace |= fhs_str_eq(name, FHS_LIT("xmlns")) &&
                          fhs_str_eq(value, FHS_LIT("http://www.w3.org/1999/xhtml"));
    return true;
}

/* The rest of a tag, from behind its "<". */
static bool take_tag(xhtml_scan *scan, xhtml_tag *tag)
{
    *tag = (xhtml_tag){.is_closing = take_char(scan, '/')};
    tag->name = take_name(scan);
    if (tag->name.len == 0) {
        return false;
    }
    for (;;) {
        skip_space(scan);
        if (take_char(scan, '>')) {
            return true;
        }
        if (take_char(scan, '/')) {
            tag->is_empty = true;
            return !tag->is_closing && take_char(scan, '>');
        }
        if (tag->is_closing || !take_attribute(scan, tag)) {
            return false;
        }
    }
}

/* Elements that the specification keeps out of narratives. */
static bool is_refused_element(fhs_str name)
{
    static const fhs_str refused[] = {
        FHS_LIT_INIT("script"), FHS_LIT_INIT("head"),   FHS_LIT_INIT("body"),
        FHS_LIT_INIT("form"),   FHS_LIT_INIT("base"),   FHS_LIT_INIT("link"),
        FHS_LIT_INIT("frame"),  FHS_LIT_INIT("iframe"), FHS_LIT_INIT("frameset"),
        FHS_LIT_INIT("object"), FHS_LIT_INIT("embed"),  FHS_LIT_INIT("applet"),
    };
    if (name.len < 4 || name.len > 8) {
        return false;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(refused); i++) {
        if (fhs_str_eq_ascii_case(name, refused[i])) {
            return true;
        }
    }
    return false;
}

/* Count the tag in or out; false when it closes what is not open. */
static bool balance_tag(xhtml_scan *scan, const xhtml_tag *tag)
{
    if (tag->is_empty) {
        return true;
    }
    if (!tag->is_closing) {
        if (scan->depth < OPEN_NAMES_MAX) {
            scan->open[scan->depth] = tag->name;
        }
        scan->depth++;
        return true;
    }
    if (scan->depth == 0) {
        return false;
    }
    scan->depth--;
    return scan->depth >= OPEN_NAMES_MAX || fhs_str_eq(scan->open[scan->depth], tag->name);
}

static const char *first_fault(xhtml_scan *scan)
{
    xhtml_tag tag;
    if (!take_char(scan, '<') || !take_tag(scan, &tag) || tag.is_closing ||
        !fhs_str_eq(tag.name, FHS_LIT("div"))) {
        return "must begin with <div";
    }
    if (!tag.has_namespace) {
        return "must be in the namespace http://www.w3.org/1999/xhtml";
    }
    if (tag.is_active) {
        return "must not contain active content";
    }
    (void)balance_tag(scan, &tag);
    return NULL;
}

/* One tag, comment or section, from its "<". */
static const char *next_fault(xhtml_scan *scan)
{
    static const char broken[] = "is not well-formed";
    xhtml_tag tag;
    scan->at++;
    if (take_text(scan, FHS_LIT("!--"))) {
        return skip_past(scan, FHS_LIT("-->")) ? NULL : broken;
    }
    if (take_text(scan, FHS_LIT("![CDATA["))) {
        return skip_past(scan, FHS_LIT("]]>")) ? NULL : broken;
    }
    if (!take_tag(scan, &tag)) {
        return broken;
    }
    if (tag.is_active || is_refused_element(tag.name)) {
        return "must not contain active content, forms or frames";
    }
    return balance_tag(scan, &tag) ? NULL : "has tags that do not match";
}

const char *fhs_xhtml_fault(fhs_str text)
{
    xhtml_scan scan;
    scan.at = text.ptr;
    scan.end = text.ptr + text.len;
    scan.depth = 0;
    skip_space(&scan);
    const char *fault = first_fault(&scan);
    while (fault == NULL && scan.depth > 0) {
        const char *next = memchr(scan.at, '<', (size_t)(scan.end - scan.at));
        if (next == NULL) {
            return "has tags that are not closed";
        }
        scan.at = next;
        fault = next_fault(&scan);
    }
    if (fault == NULL) {
        skip_space(&scan);
        fault = scan.at < scan.end ? "must end with its </div>" : NULL;
    }
    return fault;
}
