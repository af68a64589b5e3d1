/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of this folder share: one patch applied to one text. */
#ifndef FHS_TEST_PATCH_APPLY_H
#define FHS_TEST_PATCH_APPLY_H

#include <stdio.h>

#include "base/limits.h"
#include "patch/patch.h"
#include "suite.h"

/* What came of it: the text, or "status: message". Borrowed until the next call. */
static inline const char *apply(fhs_patch_kind kind, const char *text, const char *patch)
{
    static char said[64 * 1024];
    fhs_arena arena;
    fhs_patch read;
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_patch_read(&arena, kind, fhs_str_from_cstr(patch), &read, &err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_patch_apply(&arena, fhs_fhir_get(FHS_FHIR_R4), &read, fhs_str_from_cstr(text),
                                 &out, &err);
    }
    if (status < FHIRSTORE_OK) {
        ck_assert_ptr_nonnull(err);
        (void)snprintf(said, sizeof said, "%s: %s", fhs_status_name(status),
                       fhs_error_message(err));
    } else {
        ck_assert_ptr_null(err);
        (void)snprintf(said, sizeof said, "%s", out.ptr);
    }
    fhs_error_free(err);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
    return said;
}

typedef struct patch_case {
    const char *text;
    const char *patch;
    const char *want;
} patch_case;

/* @a want of a refusal: the beginning is enough. */
static inline void expect_cases(fhs_patch_kind kind, const patch_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = apply(kind, cases[i].text, cases[i].patch);
        bool is_refusal = strncmp(cases[i].want, "ERR_", 4) == 0;
        bool fits = is_refusal ? strncmp(got, cases[i].want, strlen(cases[i].want)) == 0
                               : strcmp(got, cases[i].want) == 0;
        ck_assert_msg(fits, "%s with %s\n  is     %s\n  wanted %s", cases[i].text, cases[i].patch,
                      got, cases[i].want);
    }
}

#define EXPECT_CASES(kind, cases) expect_cases(kind, cases, sizeof(cases) / sizeof *(cases))

#endif
