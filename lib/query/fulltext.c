/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person types to find words, as a tree:
 *
 *   any   := all { OR all }
 *   all   := one { [AND] one }
 *   one   := NOT one | '(' any ')' | '"' words '"' ['*'] | word ['*']
 *
 * The operators are known in any case. Words are cut and folded here, so that nothing of what was
 * typed goes further than that.
 */
#include "base/limits.h"
#include "base/words.h"
#include "query/query_internal.h"

typedef enum term_kind {
    TERM_END,
    TERM_WORD,
    TERM_PHRASE,
    TERM_OPEN,
    TERM_CLOSE,
    TERM_AND,
    TERM_OR,
    TERM_NOT,
} term_kind;

typedef struct term {
    uint8_t kind;
    bool is_prefix;
    fhs_str text;
} term;

typedef struct term_reader {
    fhs_query_parser *parser;
    fhs_str rest;
    term next;
    unsigned depth;
    size_t words_left;
    fhs_buf scratch;
    fhs_buf words;
} term_reader;

static fhirstore_status bad_terms(term_reader *reader, const char *what)
{
    return fhs_query_fail(reader->parser, FHIRSTORE_ERR_PARAM_VALUE, what);
}

static bool ends_word(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '(' || c == ')' || c == '"';
}

static fhirstore_status take_phrase(term_reader *reader)
{
    size_t end = fhs_str_find_char(reader->rest, '"', 1);
    if (end >= reader->rest.len) {
        return bad_terms(reader, "expects a second '\"' where a phrase ends");
    }
    reader->next.kind = TERM_PHRASE;
    reader->next.text = fhs_str_of(reader->rest.ptr + 1, end - 1);
    reader->rest = fhs_str_from(reader->rest, end + 1);
    if (reader->rest.len > 0 && reader->rest.ptr[0] == '*') {
        reader->next.is_prefix = true;
        reader->rest = fhs_str_from(reader->rest, 1);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status take_word(term_reader *reader)
{
    static const struct {
        fhs_str name;
        uint8_t kind;
    } operators[] = {{FHS_LIT_INIT("and"), TERM_AND},
                     {FHS_LIT_INIT("or"), TERM_OR},
                     {FHS_LIT_INIT("not"), TERM_NOT}};
    size_t len = 0;
    while (len < reader->rest.len && !ends_word(reader->rest.ptr[len])) {
        len++;
    }
    fhs_str word = fhs_str_of(reader->rest.ptr, len);
    reader->rest = fhs_str_from(reader->rest, len);
    reader->next.kind = TERM_WORD;
    for (size_t i = 0; i < FHS_COUNT_OF(operators); i++) {
        if (fhs_str_eq_ascii_case(word, operators[i].name)) {
            reader->next.kind = operators[i].kind;
            return FHIRSTORE_OK;
        }
    }
    if (word.ptr[len - 1] == '*') {
        reader->next.is_prefix = true;
        word.len--;
    }
    reader->next.text = word;
    return word.len == 0 || fhs_str_find_char(word, '*', 0) < word.len
               ? bad_terms(reader, "expects '*' only behind the beginning of a word")
               : FHIRSTORE_OK;
}

static fhirstore_status take_term(term_reader *reader)
{
    reader->rest = fhs_str_trim(reader->rest);
    reader->next = (term){.kind = TERM_END};
    if (reader->rest.len == 0) {
        return FHIRSTORE_OK;
    }
    char c = reader->rest.ptr[0];
    if (c == '"') {
        return take_phrase(reader);
    }
    if (c == '(' || c == ')') {
        reader->next.kind = c == '(' ? TERM_OPEN : TERM_CLOSE;
        reader->rest = fhs_str_from(reader->rest, 1);
        return FHIRSTORE_OK;
    }
    return take_word(reader);
}

/* ---- the tree ---- */

static fhirstore_status new_fulltext(term_reader *reader, fhs_fulltext_kind kind,
                                     fhs_fulltext **out)
{
    *out = fhs_arena_calloc(reader->parser->arena, 1, sizeof **out);
    if (*out == NULL) {
        return fhs_fail_memory(reader->parser->err);
    }
    (*out)->kind = (uint8_t)kind;
    return FHIRSTORE_OK;
}

/* Append a child; groups grow by doubling. */
static fhirstore_status add_operand(term_reader *reader, fhs_fulltext *group, fhs_fulltext *child)
{
    if ((group->child_count & (group->child_count - 1)) == 0) {
        size_t capacity = group->child_count == 0 ? 1 : group->child_count * 2;
        const fhs_fulltext **children = fhs_arena_calloc(reader->parser->arena, capacity,
                                                         sizeof *children);
        if (children == NULL) {
            return fhs_fail_memory(reader->parser->err);
        }
        for (size_t i = 0; i < group->child_count; i++) {
            children[i] = group->children[i];
        }
        group->children = children;
    }
    group->children[group->child_count++] = child;
    return FHIRSTORE_OK;
}

/* *out NULL: there is no word in it (a dash, an ampersand). */
static fhirstore_status make_phrase(term_reader *reader, fhs_str text, bool is_prefix,
                                    fhs_fulltext **out)
{
    *out = NULL;
    fhs_buf_reset(&reader->words);
    fhs_words_add(text, &reader->scratch, &reader->words);
    if (fhs_buf_status(&reader->words) != FHIRSTORE_OK) {
        return fhs_fail_plain(reader->parser->err, fhs_buf_status(&reader->words));
    }
    if (reader->words.len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_fulltext *phrase;
    fhs_str rest = fhs_buf_str(&reader->words);
    fhs_str word;
    fhirstore_status status = new_fulltext(reader, FHS_FULLTEXT_PHRASE, &phrase);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    while (fhs_words_next(&rest, &word)) {
        if (reader->words_left == 0) {
            return fhs_query_fail_limit(reader->parser, FHS_LIMIT_TEXT_WORDS,
                                        "words (FHS_LIMIT_TEXT_WORDS)");
        }
        reader->words_left--;
        phrase->word_count++;
    }
    phrase->is_prefix = is_prefix;
    phrase->words = fhs_arena_dup(reader->parser->arena, fhs_buf_str(&reader->words));
    *out = phrase;
    return phrase->words.ptr == NULL ? fhs_fail_memory(reader->parser->err) : FHIRSTORE_OK;
}

static fhirstore_status read_any(term_reader *reader, fhs_fulltext **out);

/* *out NULL: punctuation only, which stands for nothing. */
static fhirstore_status read_one(term_reader *reader, fhs_fulltext **out)
{
    fhs_fulltext *inner = NULL;
    fhirstore_status status;
    bool is_not = false;
    *out = NULL;
    while (reader->next.kind == TERM_NOT) {
        is_not = !is_not;
        status = take_term(reader);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    term here = reader->next;
    if (here.kind != TERM_OPEN && here.kind != TERM_WORD && here.kind != TERM_PHRASE) {
        return bad_terms(reader, here.kind == TERM_CLOSE
                                     ? "expects a word before ')'"
                                     : "expects a word on both sides of AND, OR and NOT");
    }
    status = take_term(reader);
    if (status == FHIRSTORE_OK && here.kind == TERM_OPEN) {
        status = read_any(reader, &inner);
        if (status == FHIRSTORE_OK && reader->next.kind != TERM_CLOSE) {
            status = bad_terms(reader, "expects a ')' for each '('");
        }
        if (status == FHIRSTORE_OK) {
            status = take_term(reader);
        }
    } else if (status == FHIRSTORE_OK) {
        status = make_phrase(reader, here.text, here.is_prefix, &inner);
    }
    if (status != FHIRSTORE_OK || inner == NULL || !is_not) {
        *out = inner;
        return status;
    }
    status = new_fulltext(reader, FHS_FULLTEXT_NOT, out);
    return status == FHIRSTORE_OK ? add_operand(reader, *out, inner) : status;
}

/* A group of one is that one, of none nothing. */
static fhs_fulltext *unwrap(fhs_fulltext *group)
{
    return group->child_count == 0   ? NULL
           : group->child_count == 1 ? (fhs_fulltext *)(uintptr_t)group->children[0]
                                     : group;
}

static fhirstore_status read_all(term_reader *reader, fhs_fulltext **out)
{
    fhs_fulltext *group;
    fhirstore_status status = new_fulltext(reader, FHS_FULLTEXT_AND, &group);
    bool more = true;
    while (status == FHIRSTORE_OK && more) {
        fhs_fulltext *one;
        status = read_one(reader, &one);
        if (status == FHIRSTORE_OK && one != NULL) {
            status = add_operand(reader, group, one);
        }
        more = reader->next.kind != TERM_END && reader->next.kind != TERM_CLOSE &&
               reader->next.kind != TERM_OR;
        if (status == FHIRSTORE_OK && reader->next.kind == TERM_AND) {
            status = take_term(reader);
        }
    }
    *out = status == FHIRSTORE_OK ? unwrap(group) : NULL;
    return status;
}

static fhirstore_status read_any(term_reader *reader, fhs_fulltext **out)
{
    fhs_fulltext *group;
    bool more = true;
    *out = NULL;
    if (reader->depth == FHS_LIMIT_TEXT_DEPTH) {
        return fhs_query_fail_limit(reader->parser, FHS_LIMIT_TEXT_DEPTH,
                                    "levels of parentheses (FHS_LIMIT_TEXT_DEPTH)");
    }
    reader->depth++;
    fhirstore_status status = new_fulltext(reader, FHS_FULLTEXT_OR, &group);
    while (status == FHIRSTORE_OK && more) {
        fhs_fulltext *all;
        status = read_all(reader, &all);
        if (status == FHIRSTORE_OK && all != NULL) {
            status = add_operand(reader, group, all);
        }
        more = reader->next.kind == TERM_OR;
        if (status == FHIRSTORE_OK && more) {
            status = take_term(reader);
        }
    }
    reader->depth--;
    *out = status == FHIRSTORE_OK ? unwrap(group) : NULL;
    return status;
}

static fhirstore_status read_terms(term_reader *reader, fhs_fulltext **out)
{
    fhirstore_status status = take_term(reader);
    if (status == FHIRSTORE_OK && reader->next.kind == TERM_END) {
        return FHIRSTORE_OK;
    }
    if (status == FHIRSTORE_OK) {
        status = read_any(reader, out);
    }
    return status == FHIRSTORE_OK && reader->next.kind != TERM_END
               ? bad_terms(reader, "expects a '(' for each ')'")
               : status;
}

fhirstore_status fhs_query_fulltext(fhs_query_parser *parser, fhs_str text, bool is_plain,
                                    const fhs_fulltext **out)
{
    term_reader reader = {.parser = parser,
                          .rest = text,
                          .words_left = FHS_LIMIT_TEXT_WORDS,
                          .scratch = FHS_BUF_INIT((size_t)16 * FHS_LIMIT_URL_BYTES),
                          .words = FHS_BUF_INIT((size_t)16 * FHS_LIMIT_URL_BYTES)};
    fhs_fulltext *tree = NULL;
    fhirstore_status status = is_plain ? make_phrase(&reader, text, true, &tree)
                                       : read_terms(&reader, &tree);
    if (status == FHIRSTORE_OK && tree == NULL) {
        status = bad_terms(&reader, "expects at least one word");
    }
    fhs_buf_clear(&reader.scratch);
    fhs_buf_clear(&reader.words);
    *out = tree;
    return status;
}

/* ---- conditions ---- */

bool fhs_leaf_is_textual(const fhs_node *leaf)
{
    return leaf->kind == FHS_NODE_LEAF &&
           (leaf->modifier == FHS_MOD_TEXT || leaf->modifier == FHS_MOD_TEXT_ADVANCED ||
            (leaf->modifier == FHS_MOD_CODE_TEXT && leaf->param_type == FHS_SP_REFERENCE));
}

bool fhs_query_is_words(fhs_str code)
{
    return fhs_str_eq(code, FHS_LIT("_text")) || fhs_str_eq(code, FHS_LIT("_content"));
}

fhirstore_status fhs_query_words_leaf(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                      fhs_str value, fhs_node **out)
{
    fhs_str code;
    fhs_str modifier;
    bool has_modifier = fhs_str_split(name, ':', &code, &modifier);
    if (has_modifier && !fhs_str_eq(modifier, FHS_LIT("missing"))) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              "has a modifier that does not apply; it takes :missing");
    }
    fhirstore_status status = fhs_query_new_node(parser, FHS_NODE_FULLTEXT, type, out);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_node *node = *out;
    node->code = has_modifier ? code : name;
    node->param_type = FHS_SP_STRING;
    node->is_narrative = fhs_str_eq(node->code, FHS_LIT("_text"));
    node->modifier = has_modifier ? FHS_MOD_MISSING : FHS_MOD_NONE;
    parser->has_fulltext = true;
    return fhs_query_values(parser, node, value);
}
