/* SPDX-License-Identifier: Apache-2.0 */
/* What of a resource is text. */
#include "base/words.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "index/fulltext.h"

#define WORDS_MAX ((size_t)4 * FHS_LIMIT_RESOURCE_BYTES)

void fhs_words_init(fhs_words *words)
{
    fhs_buf_init(&words->narrative, WORDS_MAX);
    fhs_buf_init(&words->content, WORDS_MAX);
    fhs_buf_init(&words->scratch, WORDS_MAX);
}

void fhs_words_clear(fhs_words *words)
{
    fhs_buf_clear(&words->narrative);
    fhs_buf_clear(&words->content);
    fhs_buf_clear(&words->scratch);
}

void fhs_words_add_text(fhs_buf *out, fhs_buf *scratch, fhs_str text)
{
    fhs_buf_add_cstr(out, " " FHS_TEXT_MARK);
    fhs_words_add(text, scratch, out);
}

void fhs_words_add_type(fhs_buf *out, fhs_str type_name)
{
    fhs_buf_add_cstr(out, " " FHS_TEXT_MARK);
    for (size_t i = 0; i < type_name.len; i++) {
        fhs_buf_add_char(out, fhs_ascii_lower(type_name.ptr[i]));
    }
}

/* ---- markup ---- */

static const struct {
    fhs_str name;
    uint32_t code;
} entity_names[] = {
    {FHS_LIT_INIT("amp"), '&'},      {FHS_LIT_INIT("lt"), '<'},
    {FHS_LIT_INIT("gt"), '>'},       {FHS_LIT_INIT("quot"), '"'},
    {FHS_LIT_INIT("apos"), '\''},    {FHS_LIT_INIT("nbsp"), ' '},
    {FHS_LIT_INIT("Agrave"), 0xC0},  {FHS_LIT_INIT("Aacute"), 0xC1},
    {FHS_LIT_INIT("Acirc"), 0xC2},   {FHS_LIT_INIT("Atilde"), 0xC3},
    {FHS_LIT_INIT("Auml"), 0xC4},    {FHS_LIT_INIT("Aring"), 0xC5},
    {FHS_LIT_INIT("AElig"), 0xC6},   {FHS_LIT_INIT("Ccedil"), 0xC7},
    {FHS_LIT_INIT("Egrave"), 0xC8},  {FHS_LIT_INIT("Eacute"), 0xC9},
    {FHS_LIT_INIT("Ecirc"), 0xCA},   {FHS_LIT_INIT("Euml"), 0xCB},
    {FHS_LIT_INIT("Igrave"), 0xCC},  {FHS_LIT_INIT("Iacute"), 0xCD},
    {FHS_LIT_INIT("Icirc"), 0xCE},   {FHS_LIT_INIT("Iuml"), 0xCF},
    {FHS_LIT_INIT("ETH"), 0xD0},     {FHS_LIT_INIT("Ntilde"), 0xD1},
    {FHS_LIT_INIT("Ograve"), 0xD2},  {FHS_LIT_INIT("Oacute"), 0xD3},
    {FHS_LIT_INIT("Ocirc"), 0xD4},   {FHS_LIT_INIT("Otilde"), 0xD5},
    {FHS_LIT_INIT("Ouml"), 0xD6},    {FHS_LIT_INIT("Oslash"), 0xD8},
    {FHS_LIT_INIT("Ugrave"), 0xD9},  {FHS_LIT_INIT("Uacute"), 0xDA},
    {FHS_LIT_INIT("Ucirc"), 0xDB},   {FHS_LIT_INIT("Uuml"), 0xDC},
    {FHS_LIT_INIT("Yacute"), 0xDD},  {FHS_LIT_INIT("THORN"), 0xDE},
    {FHS_LIT_INIT("szlig"), 0xDF},   {FHS_LIT_INIT("agrave"), 0xE0},
    {FHS_LIT_INIT("aacute"), 0xE1},  {FHS_LIT_INIT("acirc"), 0xE2},
    {FHS_LIT_INIT("atilde"), 0xE3},  {FHS_LIT_INIT("auml"), 0xE4},
    {FHS_LIT_INIT("aring"), 0xE5},   {FHS_LIT_INIT("aelig"), 0xE6},
    {FHS_LIT_INIT("ccedil"), 0xE7},  {FHS_LIT_INIT("egrave"), 0xE8},
    {FHS_LIT_INIT("eacute"), 0xE9},  {FHS_LIT_INIT("ecirc"), 0xEA},
    {FHS_LIT_INIT("euml"), 0xEB},    {FHS_LIT_INIT("igrave"), 0xEC},
    {FHS_LIT_INIT("iacute"), 0xED},  {FHS_LIT_INIT("icirc"), 0xEE},
    {FHS_LIT_INIT("iuml"), 0xEF},    {FHS_LIT_INIT("eth"), 0xF0},
    {FHS_LIT_INIT("ntilde"), 0xF1},  {FHS_LIT_INIT("ograve"), 0xF2},
    {FHS_LIT_INIT("oacute"), 0xF3},  {FHS_LIT_INIT("ocirc"), 0xF4},
    {FHS_LIT_INIT("otilde"), 0xF5},  {FHS_LIT_INIT("ouml"), 0xF6},
    {FHS_LIT_INIT("oslash"), 0xF8},  {FHS_LIT_INIT("ugrave"), 0xF9},
    {FHS_LIT_INIT("uacute"), 0xFA},  {FHS_LIT_INIT("ucirc"), 0xFB},
    {FHS_LIT_INIT("uuml"), 0xFC},    {FHS_LIT_INIT("yacute"), 0xFD},
    {FHS_LIT_INIT("thorn"), 0xFE},   {FHS_LIT_INIT("yuml"), 0xFF},
    {FHS_LIT_INIT("OElig"), 0x152},  {FHS_LIT_INIT("oelig"), 0x153},
    {FHS_LIT_INIT("Scaron"), 0x160}, {FHS_LIT_INIT("scaron"), 0x161},
    {FHS_LIT_INIT("Yuml"), 0x178},   {FHS_LIT_INIT("micro"), 0xB5},
    {FHS_LIT_INIT("ordf"), 0xAA},    {FHS_LIT_INIT("ordm"), 0xBA},
    {FHS_LIT_INIT("alpha"), 0x3B1},  {FHS_LIT_INIT("beta"), 0x3B2},
    {FHS_LIT_INIT("gamma"), 0x3B3},  {FHS_LIT_INIT("delta"), 0x3B4},
    {FHS_LIT_INIT("shy"), 0xAD},
};

/* The character that "#233", "#xE9" or "eacute" names; 0: none that is known. */
static uint32_t entity_code(fhs_str name)
{
    uint32_t code = 0;
    if (name.len > 1 && name.ptr[0] == '#') {
        bool is_hex = name.ptr[1] == 'x' || name.ptr[1] == 'X';
        for (size_t i = is_hex ? 2 : 1; i < name.len; i++) {
            char c = fhs_ascii_lower(name.ptr[i]);
            uint32_t digit = c >= '0' && c <= '9'             ? (uint32_t)(c - '0')
                             : is_hex && c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                                                              : 99;
            code = code * (is_hex ? 16u : 10u) + digit;
            if (digit == 99 || code > 0x10FFFF) {
                return 0;
            }
        }
        return code >= 0xD800 && code <= 0xDFFF ? 0 : code;
    }
    for (size_t i = 0; i < sizeof entity_names / sizeof entity_names[0]; i++) {
        if (fhs_str_eq(name, entity_names[i].name)) {
            return entity_names[i].code;
        }
    }
    return 0;
}

/* Elements that stand within a word as well as around one. */
static bool is_inline(fhs_str tag)
{
    static const fhs_str names[] = {
        FHS_LIT_INIT("a"),      FHS_LIT_INIT("abbr"), FHS_LIT_INIT("acronym"), FHS_LIT_INIT("b"),
        FHS_LIT_INIT("bdo"),    FHS_LIT_INIT("big"),  FHS_LIT_INIT("cite"),    FHS_LIT_INIT("code"),
        FHS_LIT_INIT("dfn"),    FHS_LIT_INIT("em"),   FHS_LIT_INIT("i"),       FHS_LIT_INIT("kbd"),
        FHS_LIT_INIT("samp"),   FHS_LIT_INIT("s"),    FHS_LIT_INIT("small"),   FHS_LIT_INIT("span"),
        FHS_LIT_INIT("strong"), FHS_LIT_INIT("sub"),  FHS_LIT_INIT("sup"),     FHS_LIT_INIT("tt"),
        FHS_LIT_INIT("u"),      FHS_LIT_INIT("var"),  FHS_LIT_INIT("del"),     FHS_LIT_INIT("ins"),
        FHS_LIT_INIT("font"),
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (fhs_str_eq_ascii_case(tag, names[i])) {
            return true;
        }
    }
    return false;
}

/* Behind a tag or comment that begins at @a at; *is_gap_out: what stands around it is apart. */
static size_t skip_tag(fhs_str markup, size_t at, bool *is_gap_out)
{
    fhs_str rest = fhs_str_from(markup, at);
    *is_gap_out = false;
    if (fhs_str_starts_with(rest, FHS_LIT("<!--"))) {
        size_t end = fhs_str_find(rest, FHS_LIT("-->"));
        return end > rest.len ? markup.len : at + end + 3;
    }
    size_t from = rest.len > 1 && rest.ptr[1] == '/' ? 2 : 1;
    size_t to = from;
    while (to < rest.len && rest.ptr[to] != '>' && rest.ptr[to] != ' ' && rest.ptr[to] != '/' &&
           rest.ptr[to] != '\n' && rest.ptr[to] != '\t') {
        to++;
    }
    *is_gap_out = !is_inline(fhs_str_of(rest.ptr + from, to - from));
    char quote = 0;
    for (size_t i = to; i < rest.len; i++) {
        char c = rest.ptr[i];
        if (quote != 0) {
            quote = c == quote ? (char)0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            return at + i + 1;
        }
    }
    return markup.len;
}

/* Behind the entity at @a at, whose character is appended; what is none stays as it is written. */
static size_t take_entity(fhs_str markup, size_t at, fhs_buf *out)
{
    char utf8[FHS_UTF8_MAX];
    size_t end = at + 1;
    while (end < markup.len && end - at < 12 && markup.ptr[end] != ';') {
        end++;
    }
    uint32_t code = end < markup.len && markup.ptr[end] == ';'
                        ? entity_code(fhs_str_of(markup.ptr + at + 1, end - at - 1))
                        : 0;
    if (code == 0) {
        fhs_buf_add_char(out, ' ');
        return at + 1;
    }
    fhs_buf_add(out, utf8, fhs_utf8_encode(code, utf8));
    return end + 1;
}

void fhs_words_plain(fhs_str markup, fhs_buf *out)
{
    for (size_t at = 0; at < markup.len;) {
        size_t from = at;
        while (at < markup.len && markup.ptr[at] != '<' && markup.ptr[at] != '&') {
            at++;
        }
        fhs_buf_add(out, markup.ptr + from, at - from);
        if (at < markup.len && markup.ptr[at] == '<') {
            bool is_gap;
            at = skip_tag(markup, at, &is_gap);
            if (is_gap) {
                fhs_buf_add_char(out, ' ');
            }
        } else if (at < markup.len) {
            at = take_entity(markup, at, out);
        }
    }
}

/* ---- resources ---- */

typedef struct word_taker {
    fhs_words *words;
    fhs_buf plain; /* a narrative without its markup */
    unsigned depth;
} word_taker;

static bool is_date_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "1980-05…": dates have parameters of their own. */
static bool looks_like_date(fhs_str text)
{
    if (text.len < 7 || text.len > 40 || text.ptr[4] != '-' || !is_date_digit(text.ptr[5]) ||
        !is_date_digit(text.ptr[6])) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_date_digit(text.ptr[i]) && strchr("-:.+TZ", text.ptr[i]) == NULL) {
            return false;
        }
    }
    return is_date_digit(text.ptr[0]) && is_date_digit(text.ptr[1]) && is_date_digit(text.ptr[2]) &&
           is_date_digit(text.ptr[3]);
}

static bool has_blank(fhs_str text)
{
    return memchr(text.ptr, ' ', text.len) != NULL;
}

/* One that a machine follows, not one that a text mentions. */
static bool looks_like_address(fhs_str text)
{
    return !has_blank(text) && (fhs_str_find(text, FHS_LIT("://")) <= text.len ||
                                fhs_str_starts_with(text, FHS_LIT("urn:")));
}

bool fhs_words_are_in(fhs_str text)
{
    return text.len > 0 && !looks_like_date(text) && !looks_like_address(text);
}

/* Members whose strings are for machines whatever they look like. */
static bool is_for_machines(fhs_str name)
{
    static const fhs_str names[] = {FHS_LIT_INIT("resourceType"), FHS_LIT_INIT("id"),
                                    FHS_LIT_INIT("reference"),    FHS_LIT_INIT("data"),
                                    FHS_LIT_INIT("hash"),         FHS_LIT_INIT("versionId"),
                                    FHS_LIT_INIT("fhir_comments")};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (fhs_str_eq(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void take_words(word_taker *taker, fhs_str name, fhs_str text, fhs_buf *out)
{
    if (is_for_machines(name) || !fhs_words_are_in(text)) {
        return;
    }
    if (fhs_str_eq(name, FHS_LIT("div"))) {
        fhs_buf_reset(&taker->plain);
        fhs_words_plain(text, &taker->plain);
        text = fhs_buf_str(&taker->plain);
        if (fhs_buf_status(&taker->plain) != FHIRSTORE_OK) {
            out->failed = out->failed == FHIRSTORE_OK ? taker->plain.failed : out->failed;
            return;
        }
    }
    fhs_words_add_text(out, &taker->words->scratch, text);
}

static void walk_texts(word_taker *taker, fhs_str name, const fhs_json *value, fhs_buf *out)
{
    /* The reader has bounded the depth. */
    if (taker->depth > FHS_LIMIT_JSON_DEPTH) {
        return;
    }
    taker->depth++;
    if (value->type == FHS_JSON_STRING) {
        take_words(taker, name, value->text, out);
    } else if (value->type == FHS_JSON_ARRAY) {
        for (uint32_t i = 0; i < value->count; i++) {
            walk_texts(taker, name, &value->items[i], out);
        }
    } else if (value->type == FHS_JSON_OBJECT) {
        for (uint32_t i = 0; i < value->count; i++) {
            walk_texts(taker, value->members[i].name, &value->members[i].value, out);
        }
    }
    taker->depth--;
}

fhirstore_status fhs_words_take(fhs_words *words, const fhs_json *resource, fhirstore_error **err)
{
    word_taker taker = {.words = words, .plain = FHS_BUF_INIT(WORDS_MAX)};
    fhs_str type = FHS_STR_NONE;
    fhs_buf_reset(&words->narrative);
    fhs_buf_reset(&words->content);
    fhs_buf_add_cstr(&words->content, FHS_TEXT_MARK);
    (void)fhs_json_get_string(resource, FHS_LIT("resourceType"), &type);
    fhs_words_add_type(&words->content, type);
    for (uint32_t i = 0; resource->type == FHS_JSON_OBJECT && i < resource->count; i++) {
        const fhs_json_member *member = &resource->members[i];
        const fhs_json *div = fhs_str_eq(member->name, FHS_LIT("text")) &&
                                      member->value.type == FHS_JSON_OBJECT
                                  ? fhs_json_get(&member->value, FHS_LIT("div"))
                                  : NULL;
        if (div != NULL) {
            walk_texts(&taker, FHS_LIT("div"), div, &words->narrative);
        } else {
            walk_texts(&taker, member->name, &member->value, &words->content);
        }
    }
    fhirstore_status status = fhs_buf_status(&words->narrative);
    status = status == FHIRSTORE_OK ? fhs_buf_status(&words->content) : status;
    fhs_buf_clear(&taker.plain);
    return status == FHIRSTORE_OK ? FHIRSTORE_OK : fhs_fail_plain(err, status);
}
