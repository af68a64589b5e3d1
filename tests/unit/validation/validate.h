/* SPDX-License-Identifier: Apache-2.0 */
/* One text in, the issues out, one a line: "expression: text (code)". */
#ifndef FHS_TEST_VALIDATE_H
#define FHS_TEST_VALIDATE_H

#include <stdio.h>

#include "suite.h"

#include "base/limits.h"
#include "validation/validation.h"

static inline void list_issues(const fhirstore_error *err, fhs_buf *out)
{
    for (uint32_t i = 0; i < fhs_error_issue_count(err); i++) {
        fhirstore_issue issue;
        ck_assert(fhs_error_issue(err, i, &issue));
        fhs_buf_addf(out, "%s%s: %s (%s)", i == 0 ? "" : "\n",
                     issue.expression == NULL ? "" : issue.expression, issue.text, issue.code);
    }
}

/* Validate @a text and compare all issues with @a want, "" for none. */
static inline void check_issues(fhs_fhir_version version, unsigned mode, const char *text,
                                const char *want)
{
    fhs_arena arena;
    fhs_type type;
    const fhs_json *root;
    fhirstore_error *err = NULL;
    fhs_buf got = FHS_BUF_INIT(1 << 20);
    const fhs_fhir *fhir = fhs_fhir_get(version);
    if (fhir == NULL) {
        return;
    }
    fhs_arena_init(&arena, SIZE_MAX);
    ck_assert_msg(fhs_json_read(&arena, fhs_str_from_cstr(text), NULL, &root, NULL) == FHIRSTORE_OK,
                  "not JSON: %s", text);
    fhirstore_status status = fhs_validate_resource(fhir, (fhs_validation_mode)mode, root, &type,
                                                    &err);
    list_issues(err, &got);
    ck_assert_msg(strcmp(got.ptr == NULL ? "" : got.ptr, want) == 0, "%s\ngot    %s\nwanted %s",
                  text, got.ptr == NULL ? "" : got.ptr, want);
    ck_assert_int_eq(status, *want == '\0' ? FHIRSTORE_OK : FHIRSTORE_ERR_INVALID_RESOURCE);
    /* Without a place for the reason the verdict is the same. */
    ck_assert_int_eq(fhs_validate_resource(fhir, (fhs_validation_mode)mode, root, &type, NULL),
                     status);
    fhs_error_free(err);
    fhs_buf_clear(&got);
    fhs_arena_clear(&arena);
}

static inline void check_r4(const char *text, const char *want)
{
    check_issues(FHS_FHIR_R4, FHS_VALIDATION_ON, text, want);
}

/* The members of a Patient. */
static inline void check_patient(const char *members, const char *want)
{
    char text[4096];
    (void)snprintf(text, sizeof text, "{\"resourceType\":\"Patient\",%s}", members);
    check_r4(text, want);
}

typedef struct validation_case {
    const char *text;
    const char *want;
} validation_case;

#endif
