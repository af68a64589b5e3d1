/* SPDX-License-Identifier: Apache-2.0 */
/* What a resource gives under a parameter, in the text form of `fhirstore index`. */
#ifndef FHS_TEST_EXTRACTS_H
#define FHS_TEST_EXTRACTS_H

#include "index/index.h"
#include "suite.h"

#define EXTRACTS_MAX ((size_t)16 << 20)
#define TEST_BASE    FHS_LIT("https://example.org/fhir")

/* The "values" of @a param's line as JSON text, "" when there is no line. */
static inline void extract_values(fhs_fhir_version version, const char *resource, const char *param,
                                  fhs_buf *values_out)
{
    fhs_arena arena;
    fhs_indexer *indexer = NULL;
    const fhs_json *root = NULL;
    fhs_buf lines = FHS_BUF_INIT(EXTRACTS_MAX);
    fhs_arena_init(&arena, EXTRACTS_MAX);
    ck_assert_int_eq(fhs_indexer_new(fhs_fhir_get(version), &indexer, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_json_read(&arena, fhs_str_from_cstr(resource), NULL, &root, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_index_write_ndjson(indexer, TEST_BASE, root, &lines, NULL), FHIRSTORE_OK);
    fhs_str rest = fhs_buf_str(&lines);
    fhs_str line;
    while (fhs_str_split(rest, '\n', &line, &rest)) {
        const fhs_json *shown = NULL;
        fhs_str code = FHS_STR_NONE;
        ck_assert_int_eq(fhs_json_read(&arena, line, NULL, &shown, NULL), FHIRSTORE_OK);
        ck_assert(fhs_json_get_string(shown, FHS_LIT("param"), &code));
        if (fhs_str_eq(code, fhs_str_from_cstr(param))) {
            fhs_json_write_compact(values_out, line, fhs_json_get(shown, FHS_LIT("values")));
        }
    }
    fhs_buf_clear(&lines);
    fhs_arena_clear(&arena);
    fhs_indexer_free(indexer);
}

#define ck_assert_extracts_in(version, resource, param, want)              \
    do {                                                                   \
        fhs_buf values_ = FHS_BUF_INIT(EXTRACTS_MAX);                      \
        extract_values(version, resource, param, &values_);                \
        ck_assert_view_eq(fhs_buf_str(&values_), fhs_str_from_cstr(want)); \
        fhs_buf_clear(&values_);                                           \
    } while (0)

#define ck_assert_extracts(resource, param, want) \
    ck_assert_extracts_in(FHS_FHIR_R4, resource, param, want)

#endif
