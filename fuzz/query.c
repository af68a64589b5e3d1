/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a query string, for some type, strict and lenient: an error that shows no value, or
 * a tree of bounded size whose self text parses to itself.
 */
#include "query/query.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "law.h"

#define MAX_TREE ((size_t)64 << 20)

/* Words go into an expression of the index's own language: they must not be able to leave it. */
static void check_words(const fhs_fulltext *node, unsigned depth)
{
    FUZZ_LAW(depth <= 3 * FHS_LIMIT_TEXT_DEPTH + 2);
    FUZZ_LAW(node->kind != FHS_FULLTEXT_NOT || node->child_count == 1);
    FUZZ_LAW((node->kind == FHS_FULLTEXT_PHRASE) == (node->child_count == 0));
    FUZZ_LAW(node->kind != FHS_FULLTEXT_PHRASE ||
             (node->word_count > 0 && node->words.len > 1 && node->words.ptr[0] == ' '));
    for (size_t i = 0; i < node->words.len; i++) {
        char c = node->words.ptr[i];
        FUZZ_LAW(c == ' ' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                 (unsigned char)c >= 0x80);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        check_words(node->children[i], depth + 1);
    }
}

static size_t count_nodes(const fhs_node *node, unsigned depth)
{
    size_t count = 1;
    /* A _filter at the end of a chain. */
    FUZZ_LAW(depth <= FHS_LIMIT_FILTER_DEPTH + 3 * FHS_LIMIT_CHAIN_DEPTH + 4);
    FUZZ_LAW(node->kind != FHS_NODE_NOT || node->child_count == 1);
    FUZZ_LAW(node->kind != FHS_NODE_LEAF || node->modifier == FHS_MOD_MISSING ||
             node->value_count > 0);
    FUZZ_LAW((node->kind != FHS_NODE_CHAIN && node->kind != FHS_NODE_HAS) ||
             (node->target != FHS_TYPE_NONE && node->child_count == 1));
    for (size_t i = 0; i < node->value_count; i++) {
        FUZZ_LAW(fhs_utf8_valid_prefix(node->values[i].text) == node->values[i].text.len);
        FUZZ_LAW(node->kind != FHS_NODE_FULLTEXT || node->values[i].fulltext != NULL);
        if (node->values[i].fulltext != NULL) {
            check_words(node->values[i].fulltext, 0);
        }
    }
    for (size_t i = 0; i < node->child_count; i++) {
        count += count_nodes(node->children[i], depth + 1);
    }
    return count;
}

static void check_query(fhs_arena *arena, const fhs_query_options *options, fhs_type type,
                        const fhs_query *query)
{
    fhs_query *again = NULL;
    FUZZ_LAW(count_nodes(query->root, 0) <= FHS_LIMIT_QUERY_NODES + 1u);
    FUZZ_LAW(query->sort_count <= FHS_LIMIT_SORT_KEYS && query->count <= FHS_LIMIT_PAGE_COUNT);
    if (query->self.len > FHS_LIMIT_URL_BYTES) {
        return;
    }
    fhirstore_status status = fhs_query_parse(arena, options, type, query->self, &again, NULL);
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY);
    if (status == FHIRSTORE_OK) {
        FUZZ_LAW(fhs_str_eq(again->self, query->self));
        FUZZ_LAW(again->root->child_count == query->root->child_count);
        FUZZ_LAW(again->dropped_count == 0);
        FUZZ_LAW(again->include_count == query->include_count);
        FUZZ_LAW(fhs_str_eq(again->place, query->place));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"Patient", "Observation", "Location", "Provenance", ""};
    fhs_arena arena;
    fhs_query *query = NULL;
    fhirstore_error *err = NULL;
    if (size == 0) {
        return 0;
    }
    fhs_query_options options = {.fhir = fhs_fhir_get(FHS_FHIR_R4),
                                 .base_url = FHS_LIT_INIT("http://example.org/fhir"),
                                 .lenient = (data[0] & 1) != 0,
                                 .now_us = INT64_C(1600000000000000)};
    const fhs_focus focus = {.compartment = FHS_COMPARTMENT_PATIENT, .id = FHS_LIT_INIT("1")};
    options.focus = data[0] >= 0x80 ? &focus : NULL;
    const char *name = types[(data[0] >> 1) % (sizeof(types) / sizeof(*types))];
    fhs_type type = name[0] == '\0' ? FHS_TYPE_NONE
                                    : fhs_type_find(options.fhir, fhs_str_from_cstr(name));
    fhs_arena_init(&arena, MAX_TREE);
    fhs_str text = fhs_str_of((const char *)data + 1, size - 1);
    fhirstore_status status = fhs_query_parse(&arena, &options, type, text, &query, &err);
    if (status == FHIRSTORE_OK) {
        FUZZ_LAW(query != NULL && err == NULL);
        check_query(&arena, &options, type, query);
    } else {
        FUZZ_LAW(query == NULL && fhs_error_status(err) == status && status < 0);
    }
    fhs_error_free(err);
    fhs_arena_clear(&arena);
    return 0;
}
