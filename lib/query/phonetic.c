/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters that find names as they sound: rows hold keys of words, so values become keys too. */
#include "base/phonetic.h"
#include "base/limits.h"
#include "base/words.h"
#include "query/query_internal.h"

/* A leaf of one key. */
static fhirstore_status add_key_leaf(fhs_query_parser *parser, const fhs_node *leaf, fhs_str key,
                                     fhs_node *all)
{
    fhs_node *node = NULL;
    fhirstore_status status = fhs_query_new_node(parser, FHS_NODE_LEAF, leaf->type, &node);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    *node = *leaf;
    node->modifier = FHS_MOD_EXACT;
    node->value_count = 1;
    node->values = fhs_arena_calloc(parser->arena, 1, sizeof *node->values);
    if (node->values == NULL) {
        return fhs_fail_memory(parser->err);
    }
    node->values[0].text = fhs_arena_dup(parser->arena, key);
    node->values[0].ref_type = FHS_TYPE_NONE;
    all->children[all->child_count++] = node;
    return node->values[0].text.ptr == NULL ? fhs_fail_memory(parser->err) : FHIRSTORE_OK;
}

/* All words of a value: a leaf each, under one AND. */
static fhirstore_status read_keys(fhs_query_parser *parser, const fhs_node *leaf, fhs_str keys,
                                  fhs_node *any)
{
    fhs_node *all = NULL;
    fhs_str key;
    size_t count = 0;
    for (fhs_str rest = keys; fhs_words_next(&rest, &key);) {
        count++;
    }
    if (count == 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "expects at least one word");
    }
    fhirstore_status status = fhs_query_new_node(parser, FHS_NODE_AND, leaf->type, &all);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    any->children[any->child_count++] = all;
    all->children = fhs_arena_calloc(parser->arena, count, sizeof(fhs_node *));
    if (all->children == NULL) {
        return fhs_fail_memory(parser->err);
    }
    while (status == FHIRSTORE_OK && fhs_words_next(&keys, &key)) {
        status = add_key_leaf(parser, leaf, key, all);
    }
    return status;
}

bool fhs_query_is_phonetic(fhs_query_parser *parser, const fhs_node *leaf)
{
    return leaf->kind == FHS_NODE_LEAF && leaf->param_type == FHS_SP_STRING &&
           leaf->modifier != FHS_MOD_MISSING &&
           fhs_sparam_is_phonetic(parser->options->fhir, leaf->param);
}

static bool asks_for_equals(const fhs_node *leaf)
{
    bool yes = leaf->modifier == FHS_MOD_NONE || leaf->modifier == FHS_MOD_COMPARE;
    for (size_t i = 0; i < leaf->value_count && yes; i++) {
        yes = leaf->values[i].compare == FHS_CMP_EQ;
    }
    return yes;
}

fhirstore_status fhs_query_phonetic(fhs_query_parser *parser, const fhs_node *leaf, fhs_node **out)
{
    fhs_buf scratch = FHS_BUF_INIT((size_t)16 * FHS_LIMIT_URL_BYTES);
    fhs_buf keys = FHS_BUF_INIT((size_t)16 * FHS_LIMIT_URL_BYTES);
    fhs_node *any = NULL;
    if (!asks_for_equals(leaf)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              "finds names as they sound; it takes :missing, in a filter eq or pr");
    }
    fhirstore_status status = fhs_query_new_node(parser, FHS_NODE_OR, leaf->type, &any);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    any->code = leaf->code;
    any->children = fhs_arena_calloc(parser->arena, leaf->value_count + 1, sizeof(fhs_node *));
    if (any->children == NULL) {
        return fhs_fail_memory(parser->err);
    }
    for (size_t i = 0; i < leaf->value_count && status == FHIRSTORE_OK; i++) {
        fhs_buf_reset(&keys);
        fhs_phonetic_add(leaf->values[i].text, &scratch, &keys);
        status = fhs_buf_status(&keys) == FHIRSTORE_OK
                     ? read_keys(parser, leaf, fhs_buf_str(&keys), any)
                     : fhs_fail_plain(parser->err, fhs_buf_status(&keys));
    }
    fhs_buf_clear(&scratch);
    fhs_buf_clear(&keys);
    *out = any;
    return status;
}
