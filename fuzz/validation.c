/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the JSON: a verdict that says where, repeats nothing, and agrees between the modes. */
#include "validation/validation.h"
#include "base/limits.h"
#include "law.h"

#define MAX_TREE ((size_t)64 << 20)

/* Places are made of element names: nothing of the input can show. */
static void check_expression(const char *expression)
{
    for (const char *at = expression; *at != '\0'; at++) {
        char lower = fhs_ascii_lower(*at);
        FUZZ_LAW((lower >= 'a' && lower <= 'z') || (*at >= '0' && *at <= '9') || *at == '.' ||
                 *at == '[' || *at == ']');
    }
}

static void check_issues(fhirstore_status status, const fhirstore_error *err)
{
    uint32_t count = fhs_error_issue_count(err);
    FUZZ_LAW((status == FHIRSTORE_OK) == (err == NULL));
    FUZZ_LAW(fhs_error_status(err) == status && count <= FHS_LIMIT_ISSUES);
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_INVALID_RESOURCE);
    for (uint32_t i = 0; i < count; i++) {
        fhirstore_issue issue;
        FUZZ_LAW(fhs_error_issue(err, i, &issue) && *issue.text != '\0');
        if (issue.expression != NULL) {
            check_expression(issue.expression);
        }
    }
}

/* True when @a root passes. */
static bool check_mode(const fhs_fhir *fhir, unsigned mode, const fhs_json *root)
{
    fhs_type type;
    fhs_type again;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_validate_resource(fhir, (fhs_validation_mode)mode, root, &type,
                                                    &err);
    check_issues(status, err);
    FUZZ_LAW(fhs_validate_resource(fhir, (fhs_validation_mode)mode, root, &again, NULL) == status);
    FUZZ_LAW(type == again);
    FUZZ_LAW(status != FHIRSTORE_OK || fhs_type_is_resource(fhir, type));
    fhs_error_free(err);
    return status == FHIRSTORE_OK;
}

static void check_version(const fhs_fhir *fhir, const fhs_json *root)
{
    bool with_bindings = check_mode(fhir, FHS_VALIDATION_BINDINGS, root);
    bool strict = check_mode(fhir, FHS_VALIDATION_ON, root);
    bool lenient = check_mode(fhir, FHS_VALIDATION_LENIENT, root);
    bool off = check_mode(fhir, FHS_VALIDATION_OFF, root);
    FUZZ_LAW(strict || !with_bindings);
    FUZZ_LAW(lenient || !strict);
    FUZZ_LAW(off || !lenient);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_arena arena;
    const fhs_json *root;
    const fhs_json_limits limits = {.max_depth = 1000};
    fhs_str text = fhs_str_of((const char *)data, size);
    fhs_arena_init(&arena, MAX_TREE);
    if (fhs_json_read(&arena, text, &limits, &root, NULL) == FHIRSTORE_OK) {
        for (int version = FHS_FHIR_R4; version <= FHS_FHIR_R5; version++) {
            const fhs_fhir *fhir = fhs_fhir_get((fhs_fhir_version)version);
            if (fhir != NULL) {
                check_version(fhir, root);
            }
        }
    }
    fhs_arena_clear(&arena);
    return 0;
}
