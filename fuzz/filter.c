/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a _filter, for some type: an error that tells a place, or a tree of bounded size and
 * depth whose self text parses to itself.
 */
#include "base/limits.h"
#include "law.h"
#include "query/query.h"

#define MAX_TREE ((size_t)64 << 20)
/* A filter, with the links of chains and what stands in brackets between. */
#define MAX_DEPTH (FHS_LIMIT_FILTER_DEPTH + 3u * FHS_LIMIT_CHAIN_DEPTH + 4u)

static size_t count_nodes(const fhs_node *node, unsigned depth)
{
    size_t count = 1;
    FUZZ_LAW(depth <= MAX_DEPTH);
    FUZZ_LAW(node->kind != FHS_NODE_NOT || node->child_count == 1);
    FUZZ_LAW((node->kind != FHS_NODE_AND && node->kind != FHS_NODE_OR) || node->child_count > 0);
    FUZZ_LAW(node->kind != FHS_NODE_LEAF || node->modifier == FHS_MOD_MISSING ||
             node->value_count > 0);
    FUZZ_LAW((node->kind != FHS_NODE_CHAIN && node->kind != FHS_NODE_HAS) ||
             (node->target != FHS_TYPE_NONE && node->child_count == 1));
    for (size_t i = 0; i < node->child_count; i++) {
        count += count_nodes(node->children[i], depth + 1);
    }
    return count;
}

/* "_filter=" and the input, encoded. */
static fhs_str whole_query(fhs_str filter, fhs_buf *out)
{
    fhs_buf_add_cstr(out, "_filter=");
    fhs_url_encode(out, filter);
    return fhs_buf_str(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"Patient", "Observation", "Encounter", ""};
    fhs_arena arena;
    fhs_query *query = NULL;
    fhs_query *again = NULL;
    fhirstore_error *err = NULL;
    fhs_buf text = FHS_BUF_INIT(4 * FHS_LIMIT_URL_BYTES);
    if (size == 0) {
        return 0;
    }
    const fhs_query_options options = {.fhir = fhs_fhir_get(FHS_FHIR_R4),
                                       .base_url = FHS_LIT_INIT("http://example.org/fhir"),
                                       .now_us = INT64_C(1600000000000000)};
    const char *name = types[data[0] % (sizeof(types) / sizeof(*types))];
    fhs_type type = name[0] == '\0' ? FHS_TYPE_NONE
                                    : fhs_type_find(options.fhir, fhs_str_from_cstr(name));
    fhs_arena_init(&arena, MAX_TREE);
    fhs_str whole = whole_query(fhs_str_of((const char *)data + 1, size - 1), &text);
    fhirstore_status status = fhs_query_parse(&arena, &options, type, whole, &query, &err);
    if (status == FHIRSTORE_OK) {
        FUZZ_LAW(query != NULL && err == NULL);
        FUZZ_LAW(count_nodes(query->root, 0) <= FHS_LIMIT_QUERY_NODES + 1u);
        status = fhs_query_parse(&arena, &options, type, query->self, &again, NULL);
        FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY ||
                 query->self.len > FHS_LIMIT_URL_BYTES);
        FUZZ_LAW(again == NULL || fhs_str_eq(again->self, query->self));
    } else {
        FUZZ_LAW(query == NULL && fhs_error_status(err) == status && status < 0);
    }
    fhs_error_free(err);
    fhs_buf_clear(&text);
    fhs_arena_clear(&arena);
    return 0;
}
