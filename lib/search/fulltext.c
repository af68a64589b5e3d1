/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words. What asks for them becomes a list of resources when the search is compiled: those that the
 * full-text index knows, without those that have changed since it was last written, and of these
 * the ones whose words of today match. So a search needs the index up to date for speed only.
 */
#include "index/fulltext.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/order.h"
#include "base/words.h"
#include "search/search_internal.h"
#include "storage/fulltext.h"

#define EXPRESSION_MAX ((size_t)1024 * 1024)

typedef struct word_entities {
    int64_t *items; /* ascending when it is done */
    size_t count;
    size_t capacity;
    struct word_entities *next; /* all lists of the search, to be freed with it */
} word_entities;

struct fhs_text_search {
    bool is_usable;        /* the index may be read */
    word_entities changed; /* entities that have changed since */
    word_entities *lists;
    fhs_words words;
    fhs_arena arena;
    fhs_buf texts; /* of one parameter's elements */
    fhs_buf expression;
};

/* ---- lists ---- */

static fhirstore_status list_entity(fhs_search *search, word_entities *list, fhs_entity entity)
{
    if (list->count == list->capacity) {
        size_t wanted = list->capacity == 0 ? 64 : list->capacity * 2;
        size_t bytes;
        int64_t *items = fhs_size_mul(wanted, sizeof *items, &bytes)
                             ? fhs_realloc(list->items, bytes)
                             : NULL;
        if (items == NULL) {
            return fhs_search_no_memory(search);
        }
        list->items = items;
        list->capacity = wanted;
    }
    list->items[list->count++] = entity;
    return FHIRSTORE_OK;
}

/* Ascending, each once. */
static void settle_list(word_entities *list)
{
    size_t kept = 0;
    bool is_sorted = true;
    for (size_t i = 1; i < list->count && is_sorted; i++) {
        is_sorted = list->items[i - 1] < list->items[i];
    }
    if (is_sorted) {
        return;
    }
    qsort(list->items, list->count, sizeof *list->items, fhs_compare_int64);
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || list->items[kept - 1] != list->items[i]) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

static fhirstore_status note_changed(void *ctx, int64_t seq, fhs_entity entity)
{
    fhs_search *search = ctx;
    (void)seq;
    return list_entity(search, &search->texts->changed, entity);
}

static fhirstore_status prepare_texts(fhs_search *search)
{
    int64_t seq = 0;
    if (search->texts != NULL) {
        return FHIRSTORE_OK;
    }
    fhs_text_search *texts = fhs_calloc(1, sizeof *texts);
    if (texts == NULL) {
        return fhs_search_no_memory(search);
    }
    search->texts = texts;
    fhs_words_init(&texts->words);
    fhs_arena_init(&texts->arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&texts->texts, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&texts->expression, EXPRESSION_MAX);
    fhirstore_status status = fhs_fulltext_stands(search->conn, &seq, &texts->is_usable,
                                                  search->err);
    if (status == FHIRSTORE_OK) {
        status = fhs_fulltext_changes(search->conn, seq, 0, note_changed, search, search->err);
    }
    settle_list(&texts->changed);
    return status;
}

void fhs_text_free(fhs_search *search)
{
    fhs_text_search *texts = search->texts;
    if (texts == NULL) {
        return;
    }
    while (texts->lists != NULL) {
        word_entities *list = texts->lists;
        texts->lists = list->next;
        fhs_free(list->items);
        fhs_free(list);
    }
    fhs_free(texts->changed.items);
    fhs_words_clear(&texts->words);
    fhs_arena_clear(&texts->arena);
    fhs_buf_clear(&texts->texts);
    fhs_buf_clear(&texts->expression);
    fhs_free(texts);
    search->texts = NULL;
}

/* ---- the index's own language ---- */

/* Which texts, and whether the answer only has to hold all matches. */
typedef struct word_scope {
    bool narrative_only;
    bool content_only;
    bool is_rough; /* NOT is left out: it may speak of other texts than the words do */
} word_scope;

/* Every resource has it. */
#define ANY_RESOURCE "content:\"" FHS_TEXT_MARK "\""

static void write_phrase(const fhs_fulltext *phrase, const word_scope *scope, fhs_buf *out)
{
    fhs_buf_add_cstr(out, scope->narrative_only ? "narrative:"
                          : scope->content_only ? "content:"
                                                : "");
    /* Words are letters and digits: there is nothing that would end the quotes. */
    fhs_buf_add_char(out, '"');
    fhs_buf_add_str(out, fhs_str_from(phrase->words, 1));
    fhs_buf_add_cstr(out, phrase->is_prefix ? "\"*" : "\"");
}

static void write_terms(const fhs_fulltext *node, const word_scope *scope, fhs_buf *out);

/* "(a AND b) NOT (c OR d)". */
static void write_all(const fhs_fulltext *group, const word_scope *scope, fhs_buf *out)
{
    size_t written = 0;
    fhs_buf_add_cstr(out, "((");
    for (size_t i = 0; i < group->child_count; i++) {
        if (group->children[i]->kind != FHS_FULLTEXT_NOT) {
            fhs_buf_add_cstr(out, written++ > 0 ? " AND " : "");
            write_terms(group->children[i], scope, out);
        }
    }
    fhs_buf_add_cstr(out, written > 0 ? ")" : ANY_RESOURCE ")");
    written = 0;
    for (size_t i = 0; i < group->child_count && !scope->is_rough; i++) {
        if (group->children[i]->kind == FHS_FULLTEXT_NOT) {
            fhs_buf_add_cstr(out, written++ > 0 ? " OR " : " NOT (");
            write_terms(group->children[i]->children[0], scope, out);
        }
    }
    fhs_buf_add_cstr(out, written > 0 ? "))" : ")");
}

/* Depth is bounded where the tree is read. */
static void write_terms(const fhs_fulltext *node, const word_scope *scope, fhs_buf *out)
{
    switch ((fhs_fulltext_kind)node->kind) {
    case FHS_FULLTEXT_PHRASE:
        write_phrase(node, scope, out);
        break;
    case FHS_FULLTEXT_AND:
        write_all(node, scope, out);
        break;
    case FHS_FULLTEXT_NOT:
        fhs_buf_add_cstr(out, "(" ANY_RESOURCE);
        if (!scope->is_rough) {
            fhs_buf_add_cstr(out, " NOT ");
            write_terms(node->children[0], scope, out);
        }
        fhs_buf_add_char(out, ')');
        break;
    case FHS_FULLTEXT_OR:
        for (size_t i = 0; i < node->child_count; i++) {
            fhs_buf_add_cstr(out, i > 0 ? " OR " : "(");
            write_terms(node->children[i], scope, out);
        }
        fhs_buf_add_char(out, ')');
        break;
    }
}

/* ---- the same without the index ---- */

/* How often @a phrase stands in @a words, which are blank-separated. */
static size_t count_phrase(const fhs_fulltext *phrase, fhs_str words)
{
    size_t found = 0;
    fhs_str rest = words;
    fhs_str word;
    while (fhs_words_next(&rest, &word)) {
        fhs_str wanted = phrase->words;
        fhs_str here = fhs_str_from(words, (size_t)(word.ptr - words.ptr));
        fhs_str want;
        fhs_str have;
        bool fits = true;
        for (size_t i = 0; i < phrase->word_count && fits; i++) {
            bool is_last = i + 1 == phrase->word_count;
            fits = fhs_words_next(&wanted, &want) && fhs_words_next(&here, &have) &&
                   (phrase->is_prefix && is_last ? fhs_str_starts_with(have, want)
                                                 : fhs_str_eq(have, want));
        }
        found += fits ? 1 : 0;
    }
    return found;
}

static bool words_match(const fhs_fulltext *node, fhs_str narrative, fhs_str content)
{
    bool yes = node->kind == FHS_FULLTEXT_AND;
    switch ((fhs_fulltext_kind)node->kind) {
    case FHS_FULLTEXT_PHRASE:
        return count_phrase(node, narrative) + count_phrase(node, content) > 0;
    case FHS_FULLTEXT_NOT:
        return !words_match(node->children[0], narrative, content);
    case FHS_FULLTEXT_AND:
        for (size_t i = 0; i < node->child_count && yes; i++) {
            yes = words_match(node->children[i], narrative, content);
        }
        return yes;
    case FHS_FULLTEXT_OR:
        for (size_t i = 0; i < node->child_count && !yes; i++) {
            yes = words_match(node->children[i], narrative, content);
        }
        return yes;
    }
    return false;
}

/* The body of a current resource as JSON; *root_out NULL: it is deleted. */
static fhirstore_status read_whole(fhs_search *search, fhs_entity entity, const fhs_json **root_out)
{
    fhs_version version;
    *root_out = NULL;
    fhs_arena_reset(&search->texts->arena);
    fhirstore_status status = fhs_search_visit(search);
    if (status == FHIRSTORE_OK) {
        status = fhs_resource_read_entity(search->conn, entity, &version, search->err);
    }
    if (status != FHIRSTORE_OK || version.is_deleted) {
        return status;
    }
    return fhs_json_read(&search->texts->arena, version.body, NULL, root_out, search->err);
}

/* ---- _text and _content ---- */

/* Alternatives of one condition, as one tree. */
static fhirstore_status join_values(fhs_search *search, const fhs_node *node, fhs_fulltext *any)
{
    const fhs_fulltext **children = fhs_arena_calloc(&search->arena, node->value_count + 1,
                                                     sizeof *children);
    if (children == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < node->value_count; i++) {
        children[i] = node->values[i].fulltext;
    }
    *any = (fhs_fulltext){
        .kind = FHS_FULLTEXT_OR, .children = children, .child_count = node->value_count};
    return FHIRSTORE_OK;
}

static fhirstore_status list_indexed(fhs_search *search, word_entities *list)
{
    fhs_text_search *texts = search->texts;
    fhs_stmt *stmt = NULL;
    fhirstore_status status = fhs_buf_status(&texts->expression);
    if (status != FHIRSTORE_OK) {
        return fhs_fail_plain(search->err, status);
    }
    status = fhs_sql_words(search, fhs_buf_str(&texts->expression), &stmt);
    while (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, search->err);
        fhs_entity entity = status == FHIRSTORE_OK ? fhs_stmt_int(stmt, 0) : 0;
        if (status == FHIRSTORE_OK &&
            !fhs_has_number(texts->changed.items, texts->changed.count, entity)) {
            status = list_entity(search, list, entity);
        }
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* Of what has changed since, those that match now; with @a any NULL: all that are there. */
static fhirstore_status list_changed(fhs_search *search, const fhs_fulltext *any,
                                     const word_scope *scope, word_entities *list)
{
    fhs_text_search *texts = search->texts;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < texts->changed.count && status == FHIRSTORE_OK; i++) {
        fhs_entity entity = texts->changed.items[i];
        const fhs_json *root;
        bool yes = any == NULL;
        if (any != NULL) {
            status = read_whole(search, entity, &root);
            if (status == FHIRSTORE_OK && root != NULL) {
                status = fhs_words_take(&texts->words, root, search->err);
                yes = status == FHIRSTORE_OK &&
                      words_match(any, fhs_buf_str(&texts->words.narrative),
                                  scope->narrative_only ? FHS_STR_NONE
                                                        : fhs_buf_str(&texts->words.content));
            }
        }
        if (status == FHIRSTORE_OK && yes) {
            status = list_entity(search, list, entity);
        }
    }
    return status;
}

/* Begin the expression; a search of one type asks the index for no others. */
static void begin_expression(fhs_search *search, const fhs_node *node)
{
    fhs_buf *out = &search->texts->expression;
    fhs_buf_reset(out);
    if (node->type != FHS_TYPE_NONE) {
        fhs_buf_add_cstr(out, "content:\"");
        fhs_words_add_type(&search->texts->texts, fhs_type_name(search->env.fhir, node->type));
        fhs_buf_add_str(out, fhs_str_from(fhs_buf_str(&search->texts->texts), 1));
        fhs_buf_add_cstr(out, "\" AND ");
        fhs_buf_reset(&search->texts->texts);
    }
}

static fhirstore_status make_list(fhs_search *search, const fhs_node *node, const fhs_fulltext *any,
                                  const word_scope *scope, fhs_test *test)
{
    fhirstore_status status = prepare_texts(search);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_text_search *texts = search->texts;
    word_entities *list = fhs_calloc(1, sizeof *list);
    if (list == NULL) {
        return fhs_search_no_memory(search);
    }
    list->next = texts->lists;
    texts->lists = list;
    if (texts->is_usable) {
        begin_expression(search, node);
        write_terms(any, scope, &texts->expression);
        status = list_indexed(search, list);
    }
    if (status == FHIRSTORE_OK) {
        status = list_changed(search, scope->is_rough ? NULL : any, scope, list);
    }
    settle_list(list);
    test->kind = FHS_TEST_ENTITY;
    test->entities = list->items;
    test->entity_count = list->count;
    return status;
}

/* A narrative begins with the mark. */
static fhirstore_status compile_missing(fhs_search *search, const fhs_node *node, fhs_test *test)
{
    static const fhs_fulltext mark = {
        .kind = FHS_FULLTEXT_PHRASE, .words = FHS_LIT_INIT(" " FHS_TEXT_MARK), .word_count = 1};
    static const fhs_fulltext *const marks[] = {&mark};
    const fhs_fulltext none = {.kind = FHS_FULLTEXT_NOT,
                               .children = (const fhs_fulltext **)(uintptr_t)marks,
                               .child_count = 1};
    const word_scope scope = {.narrative_only = true};
    if (!node->is_narrative) {
        test->kind = node->missing ? FHS_TEST_FALSE : FHS_TEST_TRUE;
        return FHIRSTORE_OK;
    }
    return make_list(search, node, node->missing ? &none : &mark, &scope, test);
}

fhirstore_status fhs_text_compile(fhs_search *search, const fhs_node *node, fhs_test *test)
{
    fhs_fulltext any;
    const word_scope scope = {.narrative_only = node->is_narrative};
    if (node->modifier == FHS_MOD_MISSING) {
        return compile_missing(search, node, test);
    }
    fhirstore_status status = join_values(search, node, &any);
    return status == FHIRSTORE_OK ? make_list(search, node, &any, &scope, test) : status;
}

/* ---- how well they fit ---- */

/* As in BM25: how soon more of the same counts less, and how much the length counts. */
#define SCORE_TURN   1.2
#define SCORE_LENGTH 0.75
/* Words of a resource of middle length. */
#define SCORE_WORDS 100.0
#define SCORE_ONE   1e6

/* What has been found of the phrases of a query in one resource. */
typedef struct score_sum {
    const fhs_words *words;
    double sum;
    size_t count;
    size_t narrative_words;
    size_t content_words;
} score_sum;

static size_t count_tokens(fhs_str words)
{
    size_t count = 0;
    fhs_str word;
    while (fhs_words_next(&words, &word)) {
        count++;
    }
    return count;
}

/*
 * The part of BM25 that speaks of one resource. What it would say of how rare a word is comes from
 * all resources, also those that the principal may not see, and changes between two pages.
 */
static void score_terms(score_sum *score, const fhs_fulltext *node, bool narrative_only)
{
    if (node->kind != FHS_FULLTEXT_PHRASE) {
        for (size_t i = 0; i < node->child_count && node->kind != FHS_FULLTEXT_NOT; i++) {
            score_terms(score, node->children[i], narrative_only);
        }
        return;
    }
    size_t times = count_phrase(node, fhs_buf_str(&score->words->narrative));
    size_t length = score->narrative_words;
    if (!narrative_only) {
        times += count_phrase(node, fhs_buf_str(&score->words->content));
        length += score->content_words;
    }
    double weight = 1 - SCORE_LENGTH + SCORE_LENGTH * (double)length / SCORE_WORDS;
    score->sum += (double)times / ((double)times + SCORE_TURN * weight);
    score->count++;
}

/* What must not be, and what is asked of other resources, says nothing about this one. */
static void score_node(score_sum *score, const fhs_node *node)
{
    if (node->kind == FHS_NODE_AND || node->kind == FHS_NODE_OR) {
        for (size_t i = 0; i < node->child_count; i++) {
            score_node(score, node->children[i]);
        }
    } else if (node->kind == FHS_NODE_FULLTEXT || fhs_leaf_is_textual(node)) {
        for (size_t i = 0; i < node->value_count; i++) {
            score_terms(score, node->values[i].fulltext, node->is_narrative);
        }
    }
}

fhirstore_status fhs_text_score(fhs_search *search, fhs_entity entity, int64_t *score_out)
{
    const fhs_json *root = NULL;
    *score_out = -1;
    if (!search->query->has_fulltext) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = prepare_texts(search);
    if (status == FHIRSTORE_OK) {
        status = read_whole(search, entity, &root);
    }
    if (status != FHIRSTORE_OK || root == NULL) {
        return status;
    }
    status = fhs_words_take(&search->texts->words, root, search->err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    score_sum score = {
        .words = &search->texts->words,
        .narrative_words = count_tokens(fhs_buf_str(&search->texts->words.narrative)),
        .content_words = count_tokens(fhs_buf_str(&search->texts->words.content)),
    };
    score_node(&score, search->query->root);
    if (score.count > 0) {
        *score_out = (int64_t)(score.sum / (double)score.count * SCORE_ONE);
    }
    return FHIRSTORE_OK;
}

/* ---- texts of a parameter's elements ---- */

fhirstore_status fhs_text_compile_leaf(fhs_search *search, const fhs_node *node, fhs_test *test)
{
    fhs_fulltext *any = fhs_arena_calloc(&search->arena, 1, sizeof *any);
    fhs_test *pair = fhs_arena_calloc(&search->arena, 2, sizeof *pair);
    fhs_test **children = fhs_arena_calloc(&search->arena, 2, sizeof(fhs_test *));
    const word_scope scope = {.content_only = true, .is_rough = true};
    if (any == NULL || pair == NULL || children == NULL) {
        return fhs_search_no_memory(search);
    }
    fhirstore_status status = join_values(search, node, any);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    pair[0].node = node;
    pair[0].type = test->type;
    pair[1] = pair[0];
    pair[1].kind = FHS_TEST_TEXT;
    pair[1].fulltext = any;
    children[0] = &pair[0];
    children[1] = &pair[1];
    test->kind = FHS_TEST_AND;
    test->children = children;
    test->child_count = 2;
    return make_list(search, node, any, &scope, &pair[0]);
}

static void add_entry_texts(fhs_text_search *texts, const fhs_node *node, const fhs_entry *entry)
{
    bool has_text = node->param_type != FHS_SP_REFERENCE &&
                    (entry->kind == FHS_ROW_TOKEN || entry->kind == FHS_ROW_STRING);
    if (fhs_words_are_in(entry->display)) {
        fhs_words_add_text(&texts->texts, &texts->words.scratch, entry->display);
    }
    if (has_text && fhs_words_are_in(entry->text)) {
        fhs_words_add_text(&texts->texts, &texts->words.scratch, entry->text);
    }
}

fhirstore_status fhs_text_test(fhs_search *search, const fhs_test *test, fhs_entity entity,
                               bool *yes_out)
{
    fhs_text_search *texts = search->texts;
    const fhs_json *root;
    fhs_entries entries = {0};
    fhirstore_status status = read_whole(search, entity, &root);
    if (status != FHIRSTORE_OK || root == NULL) {
        return status;
    }
    if (search->env.indexer == NULL) {
        return fhs_fail(search->err, FHIRSTORE_ERR_INTERNAL, "texts are read without an indexer");
    }
    status = fhs_index_extract(search->env.indexer, search->env.base_url, root, &texts->arena,
                               &entries, search->err);
    fhs_buf_reset(&texts->texts);
    for (size_t i = 0; i < entries.count && status == FHIRSTORE_OK; i++) {
        if (entries.items[i].param == test->node->param) {
            add_entry_texts(texts, test->node, &entries.items[i]);
        }
    }
    if (status == FHIRSTORE_OK && fhs_buf_status(&texts->texts) != FHIRSTORE_OK) {
        status = fhs_fail_plain(search->err, fhs_buf_status(&texts->texts));
    }
    *yes_out = status == FHIRSTORE_OK && texts->texts.len > 0 &&
               words_match(test->fulltext, FHS_STR_NONE, fhs_buf_str(&texts->texts));
    return status;
}
