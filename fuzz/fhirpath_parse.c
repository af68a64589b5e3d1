/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the bytes: a syntax or limit error with a place inside the text, or a tree whose nodes
 * lie within their parents. What parses also compiles or is refused with a place.
 */
#include "base/limits.h"
#include "fhirpath/ast.h"
#include "fhirpath/fhirpath.h"
#include "law.h"

#define TREE_BYTES ((size_t)64 << 20)

static void check_node(const fhs_fp_node *node, uint32_t length, uint32_t height)
{
    FUZZ_LAW(node->begin <= node->end && node->end <= length && node->at <= length);
    FUZZ_LAW(node->height <= height && node->height >= 1);
    const fhs_fp_node *parts[] = {node->left, node->right};
    for (size_t i = 0; i < FHS_COUNT_OF(parts); i++) {
        if (parts[i] != NULL) {
            check_node(parts[i], length, node->height - 1);
        }
    }
    for (uint32_t i = 0; i < node->arg_count; i++) {
        FUZZ_LAW(node->args[i]->begin >= node->begin);
        check_node(node->args[i], length, node->height - 1);
    }
}

static void check_compile(fhs_str text, bool strict)
{
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_fhirpath *path = NULL;
    fhirstore_error *err = NULL;
    fhs_fhirpath_options options = {fhir, fhs_type_find(fhir, FHS_LIT("Patient")), strict};
    fhirstore_status status = fhs_fhirpath_compile(&options, text, &path, &err);
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_FHIRPATH_SEMANTIC);
    FUZZ_LAW((status == FHIRSTORE_OK) == (path != NULL));
    FUZZ_LAW(status == FHIRSTORE_OK || fhs_error_location(err).offset <= text.len);
    fhs_error_free(err);
    fhs_fhirpath_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_str text = {(const char *)data, size};
    fhs_arena arena;
    const fhs_fp_node *root = NULL;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, TREE_BYTES);
    fhirstore_status status = fhs_fhirpath_parse(&arena, text, &root, &err);
    FUZZ_LAW((status == FHIRSTORE_OK) == (root != NULL));
    if (root != NULL) {
        check_node(root, (uint32_t)size, FHS_LIMIT_EXPRESSION_CHAIN);
        check_compile(text, false);
        check_compile(text, true);
    } else {
        FUZZ_LAW(status == FHIRSTORE_ERR_FHIRPATH_SYNTAX || status == FHIRSTORE_ERR_LIMIT);
        FUZZ_LAW(fhs_error_location(err).offset <= size);
    }
    fhs_error_free(err);
    fhs_arena_clear(&arena);
    return 0;
}
