/* SPDX-License-Identifier: Apache-2.0 */
/* The query string: pairs, what to drop, the self text. */
#include "base/limits.h"
#include "base/utf8.h"
#include "query/query_internal.h"

void *fhs_query_push(fhs_query_parser *parser, fhs_query_list *list, size_t size)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        void *items = fhs_arena_calloc(parser->arena, capacity, size);
        if (items == NULL) {
            fhs_fail_memory(parser->err);
            return NULL;
        }
        if (list->count > 0) {
            memcpy(items, list->items, list->count * size);
        }
        list->items = items;
        list->capacity = capacity;
    }
    return (char *)list->items + size * list->count++;
}

void fhs_query_add_self(fhs_query_draft *draft, fhs_str name, fhs_str value)
{
    if (draft->is_hidden) {
        return;
    }
    if (draft->self.len > 0) {
        fhs_buf_add_char(&draft->self, '&');
    }
    fhs_url_encode(&draft->self, name);
    fhs_buf_add_char(&draft->self, '=');
    fhs_url_encode(&draft->self, value);
}

fhirstore_status fhs_query_drop(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str name,
                                const char *reason)
{
    fhs_dropped *dropped = fhs_query_push(parser, &draft->dropped, sizeof(*dropped));
    if (dropped == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    /* The name goes into an outcome, so it takes the same form as in messages. */
    dropped->name = fhs_arena_dup(parser->arena,
                                  fhs_param_name_is_plain(name) ? name : FHS_LIT(""));
    dropped->reason = reason;
    return dropped->name.ptr == NULL ? fhs_fail_memory(parser->err) : FHIRSTORE_OK;
}

static void forget_unknown(fhs_query_parser *parser)
{
    if (parser->err != NULL) {
        fhs_error_free(*parser->err);
        *parser->err = NULL;
    }
}

/* A parameter that each of the types named by _type has: an OR over them. */
static fhirstore_status read_for_types(fhs_query_parser *parser, const fhs_query_draft *draft,
                                       fhs_str name, fhs_str value, fhs_node **out)
{
    const fhs_type *types = draft->types.items;
    fhirstore_status status = FHIRSTORE_OK;
    if (parser->nodes_left == 0) {
        return fhs_query_fail_nodes(parser);
    }
    parser->nodes_left--;
    fhs_node *any = fhs_node_group(parser->arena, FHS_NODE_OR, FHS_TYPE_NONE, draft->types.count);
    if (any == NULL) {
        return fhs_fail_memory(parser->err);
    }
    any->child_count = draft->types.count;
    for (size_t i = 0; i < draft->types.count && status == FHIRSTORE_OK; i++) {
        status = fhs_query_node(parser, types[i], name, value, &any->children[i]);
    }
    *out = any;
    return status;
}

static fhirstore_status read_pair_condition(fhs_query_parser *parser, const fhs_query_draft *draft,
                                            fhs_str name, fhs_str value, fhs_node **out)
{
    fhirstore_status status = fhs_query_node(parser, draft->query->type, name, value, out);
    if (status != FHIRSTORE_ERR_UNKNOWN_PARAM || !draft->types_are_named) {
        return status;
    }
    forget_unknown(parser);
    return read_for_types(parser, draft, name, value, out);
}

static fhirstore_status add_condition(fhs_query_parser *parser, fhs_query_draft *draft,
                                      fhs_str name, fhs_str value)
{
    fhs_node *node;
    bool lenient = parser->options->lenient;
    if (value.len == 0 && lenient) {
        return fhs_query_drop(parser, draft, name, "has no value");
    }
    fhirstore_status status = read_pair_condition(parser, draft, name, value, &node);
    /* Part of a condition cannot be left out. */
    if (status == FHIRSTORE_ERR_UNKNOWN_PARAM && lenient &&
        !fhs_str_ends_with(name, FHS_LIT("_filter"))) {
        forget_unknown(parser);
        return fhs_query_drop(parser, draft, name, "is not known here");
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_node **slot = fhs_query_push(parser, &draft->conditions, sizeof(fhs_node *));
    if (slot == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    *slot = node;
    fhs_query_add_self(draft, name, value);
    return FHIRSTORE_OK;
}

static bool is_clean(fhs_str text)
{
    return text.ptr != NULL && fhs_utf8_valid_prefix(text) == text.len &&
           fhs_str_find_char(text, '\0', 0) == text.len;
}

/* A parameter with its value, both decoded. */
static fhirstore_status add_param(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str name,
                                  fhs_str value)
{
    bool taken = false;
    parser->name = name;
    if (!is_clean(value)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_QUERY,
                              "has a bad percent-encoding, or text that is not UTF-8");
    }
    fhirstore_status status = fhs_query_result_param(parser, draft, name, value, &taken);
    if (!taken) {
        status = fhs_query_take_contained(parser, draft, name, value, &taken);
    }
    if (!taken && status == FHIRSTORE_OK) {
        status = fhs_query_take_include(parser, draft, name, value, &taken);
    }
    return taken ? status : add_condition(parser, draft, name, value);
}

static fhirstore_status add_pair(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str pair)
{
    fhs_str name;
    fhs_str value;
    bool taken = false;
    if (!fhs_str_split(pair, '=', &name, &value)) {
        name = pair;
        value = FHS_STR_NONE;
    }
    name = fhs_url_decode(parser->arena, name, true);
    value = fhs_url_decode(parser->arena, value, true);
    if (!is_clean(name)) {
        return fhs_fail(parser->err, FHIRSTORE_ERR_QUERY,
                        "the query holds a bad percent-encoding or text that is not UTF-8");
    }
    if (name.len == 0) {
        return fhs_fail(parser->err, FHIRSTORE_ERR_QUERY, "the query holds a value without a name");
    }
    parser->name = name;
    fhirstore_status status = FHIRSTORE_OK;
    if (is_clean(value)) {
        status = fhs_query_take_named(parser, draft, name, value, &taken);
    }
    return taken || status != FHIRSTORE_OK ? status : add_param(parser, draft, name, value);
}

/* What stands in a named query is for the host to have right: nothing of it is left out. */
static fhirstore_status expand_named(fhs_query_parser *parser, fhs_query_draft *draft)
{
    const fhs_query_options *options = parser->options;
    fhs_query_options strict = *options;
    strict.lenient = false;
    parser->options = &strict;
    fhirstore_status status = fhs_query_expand_named(parser, draft, add_param);
    parser->options = options;
    return status;
}

static fhirstore_status add_pairs(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str text)
{
    size_t pairs_left = FHS_LIMIT_QUERY_PARAMS;
    fhs_str pair;
    while (fhs_str_next(&text, '&', &pair)) {
        if (pair.len == 0) {
            continue;
        }
        if (pairs_left-- == 0) {
            return fhs_fail(parser->err, FHIRSTORE_ERR_LIMIT,
                            "a search takes at most %u parameters", FHS_LIMIT_QUERY_PARAMS);
        }
        fhirstore_status status = add_pair(parser, draft, pair);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* At system level the types come first, wherever they stand: others depend on them. */
static fhirstore_status read_named_types(fhs_query_parser *parser, fhs_query_draft *draft,
                                         fhs_str text)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_str pair;
    while (draft->query->type == FHS_TYPE_NONE && status == FHIRSTORE_OK &&
           fhs_str_next(&text, '&', &pair)) {
        fhs_str name;
        fhs_str value;
        if (fhs_str_split(pair, '=', &name, &value)) {
            name = fhs_url_decode(parser->arena, name, true);
            /* What depends on an argument of a named query is read with it. */
            if (name.ptr != NULL && fhs_str_eq(name, FHS_LIT("_type")) &&
                fhs_str_find_char(value, '{', 0) == value.len) {
                status = add_pair(parser, draft, pair);
            }
        }
    }
    draft->types_are_named = draft->types.count > 0;
    fhs_buf_reset(&draft->self);
    return status;
}

/* Move the lists into the query. */
static fhirstore_status finish_query(fhs_query_parser *parser, fhs_query_draft *draft)
{
    fhs_query *query = draft->query;
    fhirstore_status status = fhs_buf_status(&draft->self);
    if (status != FHIRSTORE_OK) {
        return fhs_fail_plain(parser->err, status);
    }
    if (draft->has_summary && draft->elements.count > 0) {
        return fhs_fail(parser->err, FHIRSTORE_ERR_QUERY,
                        "_summary and _elements exclude each other");
    }
    if (query->summary == FHS_SUMMARY_TEXT && draft->includes.count > 0) {
        return fhs_fail(parser->err, FHIRSTORE_ERR_QUERY,
                        "_summary=text and _include or _revinclude exclude each other");
    }
    if (parser->sorts_by_score && !parser->has_fulltext) {
        return fhs_fail(parser->err, FHIRSTORE_ERR_QUERY,
                        "parameter '_sort' expects a search for words (_text, _content) to sort it "
                        "by _score");
    }
    query->self = fhs_arena_dup(parser->arena, fhs_buf_str(&draft->self));
    fhs_node *root = fhs_arena_calloc(parser->arena, 1, sizeof(*root));
    if (root == NULL || query->self.ptr == NULL) {
        return fhs_fail_memory(parser->err);
    }
    root->kind = FHS_NODE_AND;
    root->type = query->type;
    root->param = FHS_SPARAM_NONE;
    root->target = FHS_TYPE_NONE;
    root->children = draft->conditions.items;
    root->child_count = draft->conditions.count;
    query->root = root;
    query->has_fulltext = parser->has_fulltext;
    query->named = draft->named == NULL ? FHS_STR_NONE : draft->named->text;
    query->sort = draft->sort.items;
    query->sort_count = draft->sort.count;
    query->types = draft->types.items;
    query->type_count = draft->types.count;
    query->includes = draft->includes.items;
    query->include_count = draft->includes.count;
    query->elements = draft->elements.items;
    query->element_count = draft->elements.count;
    query->dropped = draft->dropped.items;
    query->dropped_count = draft->dropped.count;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_query_parse(fhs_arena *arena, const fhs_query_options *options, fhs_type type,
                                 fhs_str text, fhs_query **out, fhirstore_error **err)
{
    fhs_query_parser parser = {.arena = arena,
                               .options = options,
                               .err = err,
                               .resource = fhs_type_find(options->fhir, FHS_LIT("Resource")),
                               .nodes_left = FHS_LIMIT_QUERY_NODES,
                               .values_left = FHS_LIMIT_QUERY_VALUES};
    fhs_query_draft draft = {.query = fhs_arena_calloc(arena, 1, sizeof(fhs_query)),
                             .self = FHS_BUF_INIT(4 * FHS_LIMIT_URL_BYTES)};
    *out = NULL;
    if (draft.query == NULL) {
        return fhs_fail_memory(err);
    }
    if (text.len > FHS_LIMIT_URL_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "a search takes at most %zu bytes of parameters",
                        FHS_LIMIT_URL_BYTES);
    }
    draft.query->type = type;
    draft.query->count = FHS_DEFAULT_PAGE_COUNT;
    fhirstore_status status = fhs_query_find_named(&parser, &draft, text);
    if (status == FHIRSTORE_OK) {
        status = read_named_types(&parser, &draft, text);
    }
    if (status == FHIRSTORE_OK && draft.named != NULL) {
        status = read_named_types(&parser, &draft, draft.named->text);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_query_take_focus(&parser, &draft);
    }
    if (status == FHIRSTORE_OK) {
        status = add_pairs(&parser, &draft, text);
    }
    if (status == FHIRSTORE_OK && draft.named != NULL) {
        status = expand_named(&parser, &draft);
    }
    if (status == FHIRSTORE_OK) {
        status = finish_query(&parser, &draft);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_query_finish_contained(&parser, draft.query);
    }
    fhs_buf_clear(&draft.self);
    if (status == FHIRSTORE_OK) {
        *out = draft.query;
    }
    return status;
}
