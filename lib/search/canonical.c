/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains and _has through canonical references ("http://x/Questionnaire/1|2"), which name a
 * resource by its url, and its version where they have one. Rows hold them as references to the
 * url, so what the far end's resources are called is looked up when the search is compiled: a chain
 * becomes one to those urls besides, and _has the list of resources that are referred to. Resources
 * that have urls are definitions, and few.
 */
#include "search/late.h"
#include "search/search_internal.h"

/* Above this many definitions at one end it is too costly, and never less than what there is. */
#define CANONICAL_MAX   ((size_t)20000)
#define CANONICAL_LEVEL (FHS_LOADER_DEPTH - 4)

static fhirstore_status find_url_param(fhs_search *search, fhs_type type, fhs_str code,
                                       fhs_sparam_type kind, uint32_t *out)
{
    const fhs_search_env *env = &search->env;
    fhs_sparam param = fhs_sparam_find(env->fhir, type, code);
    *out = 0;
    if (param == FHS_SPARAM_NONE || fhs_sparam_get(env->fhir, param).type != kind) {
        return FHIRSTORE_OK;
    }
    return fhs_catalog_param(env->catalog, search->conn, type, param, out, search->err);
}

fhirstore_status fhs_url_params_find(fhs_search *search, fhs_type type, fhs_url_params *out)
{
    *out = (fhs_url_params){0, 0};
    fhirstore_status status = find_url_param(search, type, FHS_LIT("url"), FHS_SP_URI, &out->url);
    return status == FHIRSTORE_OK && out->url != 0
               ? find_url_param(search, type, FHS_LIT("version"), FHS_SP_TOKEN, &out->version)
               : status;
}

/* What a resource is called: the number of its url (0: none, or nobody refers to it), its version.
 */
static fhirstore_status find_called(fhs_search *search, const fhs_url_params *params,
                                    fhs_entity entity, fhs_entity *url_out, fhs_str *version_out)
{
    fhs_candidate candidate = {.entity = entity};
    fhs_str url = FHS_STR_NONE;
    fhs_row row;
    *version_out = FHS_STR_NONE;
    *url_out = 0;
    fhirstore_status status = fhs_candidate_rows(search, &candidate, CANONICAL_LEVEL);
    fhs_row_cursor cursor = {candidate.rows};
    while (status == FHIRSTORE_OK) {
        status = fhs_row_next(&cursor, &row, NULL);
        if (status == FHIRSTORE_OK && row.kind == FHS_ROW_URI && row.param == params->url) {
            url = fhs_arena_dup(&search->arena, row.text);
        }
        if (status == FHIRSTORE_OK && row.kind == FHS_ROW_TOKEN && params->version != 0 &&
            row.param == params->version) {
            *version_out = fhs_arena_dup(&search->arena, row.extra.len > 0 ? row.extra : row.text);
        }
    }
    if (status != FHIRSTORE_DONE || url.len == 0) {
        return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
    }
    return fhs_entity_find(search->conn, 0, url, url_out, search->err);
}

static fhirstore_status too_many_called(fhs_search *search)
{
    return fhs_fail(search->err, FHIRSTORE_ERR_TOO_COSTLY,
                    "a chain through canonical references meets more than %u resources",
                    (unsigned)CANONICAL_MAX);
}

/* ---- chains ---- */

/* References to the url: without a version, and with the one that the resource has. */
static fhirstore_status add_called(fhs_search *search, fhs_test *row, fhs_entity url,
                                   fhs_str version)
{
    fhs_match *matches = (fhs_match *)(uintptr_t)row->matches;
    int64_t *number = fhs_arena_alloc(&search->arena, sizeof *number);
    if (number == NULL) {
        return fhs_search_no_memory(search);
    }
    *number = url;
    fhs_match match = {.kind = FHS_ROW_REFERENCE,
                       .numbers = number,
                       .number_count = 1,
                       .has_version = true,
                       .version = FHS_LIT("")};
    matches[row->match_count++] = match;
    if (version.len > 0) {
        match.version = version;
        matches[row->match_count++] = match;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status chain_to_urls(fhs_search *search, const fhs_url_params *params,
                                      fhs_test *test, fhs_test *row)
{
    int64_t *items = NULL;
    size_t count = 0;
    bool fits = false;
    fhirstore_status status = fhs_collect_test(search, test->children[0], test->target,
                                               CANONICAL_MAX, &items, &count, &fits);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (!fits) {
        return too_many_called(search);
    }
    row->matches = fhs_arena_calloc(&search->arena, 2 * count + 1, sizeof(fhs_match));
    if (row->matches == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_entity url;
        fhs_str version;
        status = find_called(search, params, items[i], &url, &version);
        if (status == FHIRSTORE_OK && url != 0) {
            status = add_called(search, row, url, version);
        }
    }
    return status;
}

/* ---- _has ---- */

/* Whether what refers to the url with this version (or none) satisfies the inner condition. */
static fhirstore_status is_referred_to(fhs_search *search, const fhs_test *test, uint32_t param,
                                       fhs_entity url, fhs_str version, bool *yes_out)
{
    fhs_stmt *stmt = NULL;
    fhs_range range = {.shape = FHS_RANGE_REFERENCE_VERSION};
    fhs_arg_int(&range, param);
    fhs_arg_int(&range, url);
    range.args[range.arg_count++] = (fhs_arg){.kind = FHS_ARG_TEXT, .text = version};
    fhirstore_status status = fhs_sql_scan(search, &range, 0, &stmt);
    while (status == FHIRSTORE_OK && !*yes_out) {
        status = fhs_stmt_step(stmt, search->err);
        if (status == FHIRSTORE_OK) {
            fhs_candidate other = {.entity = fhs_stmt_int(stmt, 0), .known_type = test->target};
            status = fhs_search_visit(search);
            if (status == FHIRSTORE_OK) {
                status = fhs_test_candidate(search, test->children[0], &other, CANONICAL_LEVEL + 1,
                                            yes_out);
            }
        }
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* The same for what the index does not have yet. */
typedef struct late_caller {
    fhs_search *search;
    const fhs_test *test;
    fhs_entity url;
    fhs_str version;
    bool yes;
} late_caller;

static bool has_late_reference(const late_caller *caller, fhs_entity entity)
{
    fhs_row_cursor cursor = {fhs_late_rows(caller->search, entity)};
    fhs_row row;
    while (fhs_row_next(&cursor, &row, NULL) == FHIRSTORE_OK) {
        bool is_its = false;
        for (size_t p = 0; p < caller->test->param_count; p++) {
            is_its = is_its || caller->test->params[p] == row.param;
        }
        if (is_its && row.kind == FHS_ROW_REFERENCE && row.a == caller->url &&
            (row.extra.len == 0 || fhs_str_eq(row.extra, caller->version))) {
            return true;
        }
    }
    return false;
}

static fhirstore_status ask_late_caller(void *ctx, fhs_entity entity)
{
    late_caller *caller = ctx;
    fhs_candidate other = {.entity = entity, .known_type = caller->test->target};
    if (caller->yes || !has_late_reference(caller, entity)) {
        return FHIRSTORE_OK;
    }
    return fhs_test_candidate(caller->search, caller->test->children[0], &other,
                              CANONICAL_LEVEL + 1, &caller->yes);
}

static fhirstore_status is_called_for(fhs_search *search, const fhs_url_params *params,
                                      const fhs_test *test, fhs_entity entity, bool *yes_out)
{
    fhs_entity url;
    fhs_str version;
    *yes_out = false;
    fhirstore_status status = find_called(search, params, entity, &url, &version);
    for (size_t p = 0; url != 0 && p < test->param_count && status == FHIRSTORE_OK; p++) {
        status = is_referred_to(search, test, test->params[p], url, FHS_LIT(""), yes_out);
        if (status == FHIRSTORE_OK && !*yes_out && version.len > 0) {
            status = is_referred_to(search, test, test->params[p], url, version, yes_out);
        }
    }
    if (test->is_late && url != 0 && status == FHIRSTORE_OK && !*yes_out) {
        late_caller caller = {search, test, url, version, false};
        status = fhs_late_referring(search, test, url, ask_late_caller, &caller);
        *yes_out = caller.yes;
    }
    return status;
}

/* All definitions of the type, each asked who refers to it. */
static fhirstore_status list_called_for(fhs_search *search, const fhs_url_params *params,
                                        const fhs_test *test, int32_t type, fhs_test *list)
{
    fhs_stmt *stmt = NULL;
    size_t looked = 0;
    size_t capacity = 0;
    int64_t *items = NULL;
    fhs_range range = {.shape = FHS_RANGE_TYPE};
    fhs_arg_int(&range, type);
    fhirstore_status status = fhs_sql_scan(search, &range, 0, &stmt);
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, search->err)) == FHIRSTORE_OK) {
        bool yes = false;
        fhs_entity entity = fhs_stmt_int(stmt, 0);
        status = ++looked > CANONICAL_MAX ? too_many_called(search)
                                          : is_called_for(search, params, test, entity, &yes);
        if (status == FHIRSTORE_OK && yes) {
            items = fhs_search_grow(search, items, list->entity_count, &capacity, sizeof *items);
            if (items == NULL) {
                status = FHIRSTORE_ERR_NO_MEMORY;
                break;
            }
            items[list->entity_count++] = entity;
        }
    }
    fhs_stmt_give(stmt);
    list->entities = items;
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* ---- both ---- */

static fhs_test *either(fhs_search *search, fhs_test *link, fhs_test *other)
{
    fhs_test *any = fhs_test_new(search, FHS_TEST_OR, link->node);
    fhs_test **pair = fhs_arena_calloc(&search->arena, 2, sizeof(fhs_test *));
    if (any == NULL || pair == NULL) {
        return NULL;
    }
    pair[0] = link;
    pair[1] = other;
    any->type = link->type;
    any->children = pair;
    any->child_count = 2;
    return any;
}

fhirstore_status fhs_canonical_link(fhs_search *search, const fhs_node *node, fhs_test *link,
                                    fhs_test **out)
{
    const bool is_has = node->kind == FHS_NODE_HAS;
    /* Who is called by a url: the target of a chain, the candidates of _has. */
    const fhs_type called = is_has ? node->type : node->target;
    fhs_url_params params = {0, 0};
    *out = link;
    if (called == FHS_TYPE_NONE || link->kind == FHS_TEST_FALSE || search->is_containing) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_url_params_find(search, called, &params);
    if (status != FHIRSTORE_OK || params.url == 0) {
        return status;
    }
    fhs_test *other = fhs_test_new(search, is_has ? FHS_TEST_ENTITY : FHS_TEST_ROW, node);
    if (other == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    other->row_kind = FHS_ROW_REFERENCE;
    other->type = link->type;
    other->params = link->params;
    other->param_count = link->param_count;
    other->is_late = link->is_late;
    status = is_has ? list_called_for(search, &params, link, link->type, other)
                    : chain_to_urls(search, &params, link, other);
    if (status != FHIRSTORE_OK || other->match_count + other->entity_count == 0) {
        return status;
    }
    *out = either(search, link, other);
    return *out == NULL ? fhs_search_no_memory(search) : FHIRSTORE_OK;
}
