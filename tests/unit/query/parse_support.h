/* SPDX-License-Identifier: Apache-2.0 */
/* A parser with an arena for one test. */
#ifndef FHS_TEST_PARSE_SUPPORT_H
#define FHS_TEST_PARSE_SUPPORT_H

#include "suite.h"

#include <stdio.h>

#include "query/query.h"

static fhs_arena arena;
static fhirstore_error *last_error;
static fhs_query_options options;

static void start_parsing(void)
{
    fhs_arena_init(&arena, (size_t)64 << 20);
    last_error = NULL;
    options = (fhs_query_options){.fhir = fhs_fhir_get(FHS_FHIR_R4),
                                  .base_url = FHS_LIT_INIT("http://example.org/fhir"),
                                  .now_us = INT64_C(1600000000000000)};
}

static void stop_parsing(void)
{
    fhs_error_free(last_error);
    fhs_arena_clear(&arena);
}

static inline fhirstore_status parse_status(const char *type, const char *text, fhs_query **out)
{
    fhs_type number = type == NULL ? FHS_TYPE_NONE
                                   : fhs_type_find(options.fhir, fhs_str_from_cstr(type));
    fhs_error_free(last_error);
    last_error = NULL;
    return fhs_query_parse(&arena, &options, number, fhs_str_from_cstr(text), out, &last_error);
}

static inline fhs_query *parse_ok(const char *type, const char *text)
{
    fhs_query *query = NULL;
    fhirstore_status status = parse_status(type, text, &query);
    ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", text, fhs_error_message(last_error));
    ck_assert_ptr_null(last_error);
    return query;
}

/* The only condition of a query. */
static inline const fhs_node *parse_one(const char *type, const char *text)
{
    fhs_query *query = parse_ok(type, text);
    ck_assert_uint_eq(query->root->child_count, 1);
    return query->root->children[0];
}

static inline const fhs_value *parse_value(const char *type, const char *text)
{
    const fhs_node *node = parse_one(type, text);
    ck_assert_uint_eq(node->value_count, 1);
    return &node->values[0];
}

#endif
