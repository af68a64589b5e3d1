/* SPDX-License-Identifier: Apache-2.0 */
/* The query tree in this store's numbers. */
#include "search/late.h"
#include "search/search_internal.h"

fhirstore_status fhs_search_no_memory(fhs_search *search)
{
    return fhs_fail_memory(search->err);
}

void *fhs_search_grow(fhs_search *search, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    size_t wanted = *capacity == 0 ? 4 : *capacity * 2;
    void *grown = fhs_arena_calloc(&search->arena, wanted, size);
    if (grown == NULL) {
        (void)fhs_search_no_memory(search);
        return NULL;
    }
    if (count > 0) {
        memcpy(grown, items, count * size);
    }
    *capacity = wanted;
    return grown;
}

fhs_test *fhs_test_new(fhs_search *search, uint8_t kind, const fhs_node *node)
{
    fhs_test *test = fhs_arena_calloc(&search->arena, 1, sizeof(*test));
    fhs_memo *memo = fhs_arena_calloc(&search->arena, 1, sizeof(*memo));
    if (test == NULL || memo == NULL) {
        (void)fhs_search_no_memory(search);
        return NULL;
    }
    test->memo = memo;
    test->kind = kind;
    test->node = node;
    return test;
}

/* ---- code systems ---- */

fhirstore_status fhs_system_is_exact(fhs_search *search, int64_t system, bool *exact_out)
{
    *exact_out = false;
    if (system == 0) {
        return FHIRSTORE_OK;
    }
    for (size_t i = 0; i < search->case_count; i++) {
        if (search->cases[i].number == system) {
            *exact_out = search->cases[i].is_sensitive;
            return FHIRSTORE_OK;
        }
    }
    fhs_buf_reset(&search->scratch);
    fhirstore_status status = fhs_uri_text(search->conn, system, &search->scratch, search->err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_search_case_of(search, fhs_buf_str(&search->scratch), exact_out);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_system_case *cases = fhs_search_grow(search, search->cases, search->case_count,
                                             &search->case_capacity, sizeof *cases);
    if (cases == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    search->cases = cases;
    cases[search->case_count++] = (fhs_system_case){system, *exact_out};
    return FHIRSTORE_OK;
}

/* ---- leaves ---- */

/* The parameter's numbers: one, or at system level one for each type. */
static fhirstore_status find_params(fhs_search *search, const fhs_node *node, fhs_test *test)
{
    size_t count = node->type != FHS_TYPE_NONE ? 1 : search->type_count;
    uint32_t *params = fhs_arena_calloc(&search->arena, count, sizeof(*params));
    if (params == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t number = 0;
        fhs_type type = node->type != FHS_TYPE_NONE
                            ? node->type
                            : fhs_catalog_type_back(search->env.catalog, search->types[i]);
        fhirstore_status status = fhs_catalog_param(search->env.catalog, search->conn, type,
                                                    node->param, &number, search->err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        size_t at = test->param_count;
        if (number == 0) {
            continue;
        }
        for (; at > 0 && params[at - 1] > number; at--) {
            params[at] = params[at - 1];
        }
        params[at] = number;
        test->param_count++;
    }
    test->params = params;
    return fhs_late_prepare(search, node, test);
}

static fhirstore_status negate(fhs_search *search, fhs_test *test, fhs_test **out)
{
    fhs_test *outer = fhs_test_new(search, FHS_TEST_NOT, test->node);
    fhs_test **child = fhs_arena_alloc(&search->arena, sizeof(fhs_test *));
    if (outer == NULL || child == NULL) {
        return fhs_search_no_memory(search);
    }
    *child = test;
    outer->children = child;
    outer->child_count = 1;
    outer->type = test->type;
    *out = outer;
    return FHIRSTORE_OK;
}

static fhirstore_status compile_leaf(fhs_search *search, const fhs_node *node, fhs_test *test,
                                     fhs_test **out)
{
    if (node->is_place && fhs_search_is_hidden(search, node->type, node->param)) {
        test->kind = FHS_TEST_FALSE;
        *out = test;
        return FHIRSTORE_OK;
    }
    if (fhs_leaf_is_textual(node)) {
        *out = test;
        return fhs_text_compile_leaf(search, node, test);
    }
    fhirstore_status status = find_params(search, node, test);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    test->row_kind = node->modifier == FHS_MOD_IDENTIFIER ? (uint8_t)FHS_ROW_TOKEN
                                                          : fhs_row_kind_of(node->param_type);
    *out = test;
    if (node->modifier == FHS_MOD_MISSING) {
        test->kind = FHS_TEST_PRESENT;
        return node->missing ? negate(search, test, out) : FHIRSTORE_OK;
    }
    test->kind = FHS_TEST_ROW;
    /* A value set that is not known is a fault also where there is nothing to find. */
    if (test->param_count > 0 || node->modifier != FHS_MOD_NONE) {
        status = fhs_resolve_values(search, node, test);
    }
    if (test->match_count == 0 || test->param_count == 0) {
        test->kind = FHS_TEST_FALSE;
    }
    return status;
}

static fhirstore_status add_entity(fhs_search *search, int32_t type, fhs_str id, int64_t *items,
                                   fhs_test *test)
{
    fhs_entity entity;
    fhirstore_status status = fhs_entity_find(search->conn, type, id, &entity, search->err);
    if (status != FHIRSTORE_OK || entity == 0 ||
        fhs_has_number(items, test->entity_count, entity)) {
        return status;
    }
    size_t at = test->entity_count++;
    for (; at > 0 && items[at - 1] > entity; at--) {
        items[at] = items[at - 1];
    }
    items[at] = entity;
    return FHIRSTORE_OK;
}

static fhirstore_status compile_id(fhs_search *search, const fhs_node *node, fhs_test *test)
{
    size_t type_count = node->type != FHS_TYPE_NONE ? 1 : search->type_count;
    if (node->modifier == FHS_MOD_MISSING) {
        test->kind = node->missing ? FHS_TEST_FALSE : FHS_TEST_TRUE;
        return FHIRSTORE_OK;
    }
    test->kind = FHS_TEST_ENTITY;
    int64_t *items = fhs_arena_calloc(&search->arena, node->value_count * type_count + 1,
                                      sizeof(*items));
    if (items == NULL) {
        return fhs_search_no_memory(search);
    }
    test->entities = items;
    for (size_t t = 0; t < type_count; t++) {
        int32_t type = node->type != FHS_TYPE_NONE
                           ? fhs_catalog_type(search->env.catalog, node->type)
                           : search->types[t];
        for (size_t i = 0; type != 0 && i < node->value_count; i++) {
            fhirstore_status status = add_entity(search, type, node->values[i].text, items, test);
            if (status != FHIRSTORE_OK) {
                return status;
            }
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status compile_updated(fhs_search *search, const fhs_node *node, fhs_test *test)
{
    if (node->modifier == FHS_MOD_MISSING) {
        test->kind = node->missing ? FHS_TEST_FALSE : FHS_TEST_TRUE;
        return FHIRSTORE_OK;
    }
    test->kind = FHS_TEST_UPDATED;
    fhs_match *matches = fhs_arena_calloc(&search->arena, node->value_count, sizeof(*matches));
    if (matches == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < node->value_count; i++) {
        matches[i].kind = FHS_ROW_DATE;
        matches[i].compare = (uint8_t)node->values[i].compare;
        matches[i].lo = node->values[i].lo;
        matches[i].hi = node->values[i].hi;
    }
    test->matches = matches;
    test->match_count = node->value_count;
    return FHIRSTORE_OK;
}

/* ---- inner nodes ---- */

static fhirstore_status compile_node(fhs_search *search, const fhs_node *node, bool is_restriction,
                                     size_t depth, fhs_test **out);

static fhirstore_status compile_restriction(fhs_search *search, const fhs_node *node, size_t depth,
                                            fhs_test **out);

/*
 * At system level an OR may speak of one type in each child: of those that are not searched, maybe
 * because they may not be seen, nothing is found.
 */
static bool is_of_other_type(const fhs_search *search, const fhs_node *parent, const fhs_node *node)
{
    if (search->query->type != FHS_TYPE_NONE || parent->kind != FHS_NODE_OR ||
        parent->type != FHS_TYPE_NONE || node->type == FHS_TYPE_NONE) {
        return false;
    }
    int32_t type = fhs_catalog_type(search->env.catalog, node->type);
    for (size_t i = 0; i < search->type_count; i++) {
        if (search->types[i] == type) {
            return false;
        }
    }
    return true;
}

static fhirstore_status compile_children(fhs_search *search, const fhs_node *node,
                                         bool is_restriction, size_t depth, fhs_test *test)
{
    test->children = fhs_arena_calloc(&search->arena, node->child_count + 1, sizeof(fhs_test *));
    if (test->children == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        if (is_of_other_type(search, node, node->children[i])) {
            continue;
        }
        fhirstore_status status = compile_node(search, node->children[i], is_restriction, depth + 1,
                                               &test->children[test->child_count++]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* A chain passes only through resources that may be seen. A restriction itself is not restricted.
 */
static fhirstore_status restrict_link(fhs_search *search, const fhs_node *node, bool is_restriction,
                                      size_t depth, fhs_test *test)
{
    if (is_restriction || search->env.restriction_of == NULL) {
        return FHIRSTORE_OK;
    }
    const fhs_node *restriction = search->env.restriction_of(search->env.restriction_ctx,
                                                             node->target);
    if (restriction == NULL) {
        test->kind = FHS_TEST_FALSE;
        return FHIRSTORE_OK;
    }
    fhs_test *both = fhs_test_new(search, FHS_TEST_AND, NULL);
    fhs_test **pair = fhs_arena_calloc(&search->arena, 2, sizeof(fhs_test *));
    if (both == NULL || pair == NULL) {
        return fhs_search_no_memory(search);
    }
    pair[0] = test->children[0];
    both->children = pair;
    both->child_count = 2;
    test->children[0] = both;
    return compile_restriction(search, restriction, depth + 1, &pair[1]);
}

static fhirstore_status compile_link(fhs_search *search, const fhs_node *node, bool is_restriction,
                                     size_t depth, fhs_test *test)
{
    fhs_node of_param = *node;
    /* The parameter of _has belongs to the type that refers. */
    of_param.type = node->kind == FHS_NODE_HAS ? node->target : node->type;
    test->kind = node->kind == FHS_NODE_HAS ? FHS_TEST_HAS : FHS_TEST_CHAIN;
    test->row_kind = FHS_ROW_REFERENCE;
    test->target = fhs_catalog_type(search->env.catalog, node->target);
    fhirstore_status status = find_params(search, &of_param, test);
    if (status == FHIRSTORE_OK) {
        status = compile_children(search, node, is_restriction, depth, test);
    }
    if (status == FHIRSTORE_OK) {
        status = restrict_link(search, node, is_restriction, depth, test);
    }
    if (test->target == 0 || test->param_count == 0) {
        test->kind = FHS_TEST_FALSE;
    }
    return status;
}

/* The conditions once for what is contained, and once for the resource itself. */
static fhirstore_status compile_contained(fhs_search *search, const fhs_node *node,
                                          bool is_restriction, size_t depth, fhs_test *test)
{
    fhirstore_status status = fhs_contained_prepare(search);
    test->kind = FHS_TEST_CONTAINED;
    test->target = fhs_catalog_type(search->env.catalog, node->target);
    test->children = fhs_arena_calloc(&search->arena, 2, sizeof(fhs_test *));
    search->contained = test;
    if (test->children == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < node->child_count && status == FHIRSTORE_OK; i++) {
        search->is_containing = i == 0;
        status = compile_node(search, node->children[i], is_restriction, depth + 1,
                              &test->children[test->child_count++]);
        search->is_containing = false;
    }
    if (test->target == 0) {
        test->kind = FHS_TEST_FALSE;
    }
    return status;
}

static fhirstore_status compile_node(fhs_search *search, const fhs_node *node, bool is_restriction,
                                     size_t depth, fhs_test **out)
{
    if (depth > FHS_TEST_DEPTH) {
        return fhs_fail(search->err, FHIRSTORE_ERR_LIMIT, "the search is nested too deeply");
    }
    fhs_test *test = fhs_test_new(search, FHS_TEST_TRUE, node);
    if (test == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    *out = test;
    fhirstore_status status;
    if (node->type != FHS_TYPE_NONE) {
        test->type = fhs_catalog_type(search->env.catalog, node->type);
        if (test->type == 0) {
            test->kind = FHS_TEST_FALSE;
            return FHIRSTORE_OK;
        }
    }
    switch (node->kind) {
    case FHS_NODE_AND:
        test->kind = FHS_TEST_AND;
        return compile_children(search, node, is_restriction, depth, test);
    case FHS_NODE_OR:
        test->kind = FHS_TEST_OR;
        return compile_children(search, node, is_restriction, depth, test);
    case FHS_NODE_NOT:
        test->kind = FHS_TEST_NOT;
        return compile_children(search, node, is_restriction, depth, test);
    case FHS_NODE_LEAF:
        return compile_leaf(search, node, test, out);
    case FHS_NODE_CHAIN:
    case FHS_NODE_HAS:
        status = compile_link(search, node, is_restriction, depth, test);
        return status == FHIRSTORE_OK ? fhs_canonical_link(search, node, test, out) : status;
    case FHS_NODE_ID:
        return compile_id(search, node, test);
    case FHS_NODE_UPDATED:
        return compile_updated(search, node, test);
    case FHS_NODE_MEMBER:
        return fhs_resolve_members(search, node, test);
    case FHS_NODE_CONTAINED:
        return compile_contained(search, node, is_restriction, depth, test);
    case FHS_NODE_FULLTEXT:
        return fhs_text_compile(search, node, test);
    case FHS_NODE_TRUE:
        break;
    }
    return FHIRSTORE_OK;
}

/*
 * A restriction looks at everything, also where it follows references itself, and asks the value
 * sets of its maker's choice, whoever may see them.
 */
static fhirstore_status compile_restriction(fhs_search *search, const fhs_node *node, size_t depth,
                                            fhs_test **out)
{
    fhs_terms *terms = search->terms;
    search->terms = NULL;
    search->restricting++;
    fhirstore_status status = compile_node(search, node, true, depth, out);
    search->restricting--;
    fhs_terms_free(search->terms);
    search->terms = terms;
    fhs_stored_terms_init(&search->stored, search->conn, &search->env, search->restricting > 0);
    return status;
}

fhirstore_status fhs_compile_restriction(fhs_search *search, fhs_type type, const fhs_test **out)
{
    static const fhs_test nothing = {.kind = FHS_TEST_FALSE};
    fhs_test *test = NULL;
    *out = NULL;
    if (search->restricting > 0 || search->env.restriction_of == NULL) {
        return FHIRSTORE_OK;
    }
    const fhs_node *node = search->env.restriction_of(search->env.restriction_ctx, type);
    if (node == NULL) {
        *out = &nothing;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = compile_restriction(search, node, 0, &test);
    *out = test;
    return status;
}

/* ---- the whole ---- */

static fhirstore_status find_types(fhs_search *search)
{
    const fhs_query *query = search->query;
    const fhs_fhir *fhir = search->env.fhir;
    size_t max = query->type_count > 0 ? query->type_count : fhs_type_count(fhir);
    if (query->type != FHS_TYPE_NONE) {
        search->type = fhs_catalog_type(search->env.catalog, query->type);
        search->is_empty = search->type == 0;
        max = 1;
    }
    search->types = fhs_arena_calloc(&search->arena, max, sizeof(*search->types));
    if (search->types == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < max; i++) {
        fhs_type type = query->type != FHS_TYPE_NONE ? query->type
                        : query->type_count > 0      ? query->types[i]
                                                     : (fhs_type)i;
        int32_t number = fhs_type_is_resource(fhir, type)
                             ? fhs_catalog_type(search->env.catalog, type)
                             : 0;
        if (number != 0) {
            search->types[search->type_count++] = number;
        }
    }
    search->is_empty = search->type_count == 0;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_search_compile(fhs_search *search)
{
    fhs_test *root = fhs_test_new(search, FHS_TEST_AND, NULL);
    fhirstore_status status = root == NULL ? FHIRSTORE_ERR_NO_MEMORY : find_types(search);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    search->root = root;
    root->children = fhs_arena_calloc(&search->arena, 2, sizeof(fhs_test *));
    if (root->children == NULL) {
        return fhs_search_no_memory(search);
    }
    status = fhs_search_check_hidden(search);
    if (status == FHIRSTORE_OK) {
        status = compile_node(search, search->query->root, false, 0,
                              &root->children[root->child_count++]);
    }
    if (status == FHIRSTORE_OK && search->env.restriction != NULL &&
        !fhs_restriction_is_implied(search, search->env.restriction)) {
        status = compile_restriction(search, search->env.restriction, 0,
                                     &root->children[root->child_count++]);
    }
    fhs_terms_free(search->terms);
    search->terms = NULL;
    return status;
}
