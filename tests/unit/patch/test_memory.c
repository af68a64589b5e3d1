/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of a patch fails once: it says so, and without failures the outcome is the same.
 */
#include "apply.h"

#include "base/mem.h"

static int64_t left_until_failure; /* 0: never */

static bool must_fail(void)
{
    return left_until_failure > 0 && --left_until_failure == 0;
}

void *__real_fhs_alloc(size_t size);
void *__real_fhs_calloc(size_t count, size_t size);
void *__real_fhs_realloc(void *ptr, size_t size);
void *__wrap_fhs_alloc(size_t size);
void *__wrap_fhs_calloc(size_t count, size_t size);
void *__wrap_fhs_realloc(void *ptr, size_t size);

void *__wrap_fhs_alloc(size_t size)
{
    return must_fail() ? NULL : __real_fhs_alloc(size);
}

void *__wrap_fhs_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_fhs_calloc(count, size);
}

void *__wrap_fhs_realloc(void *ptr, size_t size)
{
    return must_fail() ? NULL : __real_fhs_realloc(ptr, size);
}

#define BEFORE                                                                             \
    "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",\"b\"]},{\"text\":\"x\"}]," \
    "\"birthDate\":\"2000\",\"contact\":[{\"gender\":\"male\"}]}"
#define AFTER                                                                                      \
    "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"x\"},{\"given\":[\"b\",\"c\"]}],"         \
    "\"birthDate\":\"2001\",\"deceasedBoolean\":true,\"contact\":[{\"gender\":\"male\",\"name\":{" \
    "\"text\":\"n\"}},{\"gender\":\"female\"}]}"

static fhirstore_status patch_once(fhs_patch_kind kind, fhs_str patch, bool *is_error)
{
    fhs_arena arena;
    fhs_patch read;
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_patch_read(&arena, kind, patch, &read, &err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_patch_apply(&arena, fhs_fhir_get(FHS_FHIR_R4), &read, FHS_LIT(BEFORE), &out,
                                 &err);
    }
    *is_error = err != NULL;
    fhs_error_free(err);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
    return status;
}

static void fail_each(fhs_patch_kind kind, fhs_str patch)
{
    fhirstore_status status = FHIRSTORE_ERR_NO_MEMORY;
    for (int64_t at = 1; status < FHIRSTORE_OK; at++) {
        bool is_error;
        left_until_failure = at;
        status = patch_once(kind, patch, &is_error);
        left_until_failure = 0;
        ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY, "%d: %s",
                      (int)at, fhs_status_name(status));
        ck_assert(is_error == (status < FHIRSTORE_OK));
        ck_assert_int_lt(at, 100000);
    }
}

START_TEST(patches)
{
    fail_each(
        FHS_PATCH_JSON,
        FHS_LIT("[{\"op\":\"copy\",\"from\":\"/name\",\"path\":\"/name/0/x\"},{\"op\":\"move\","
                "\"from\":\"/name/1\",\"path\":\"/name/0\"},{\"op\":\"test\",\"path\":\"/contact\","
                "\"value\":[{\"gender\":\"male\"}]},{\"op\":\"remove\",\"path\":\"/birthDate\"}]"));
    fail_each(FHS_PATCH_MERGE,
              FHS_LIT("{\"name\":null,\"contact\":[],\"maritalStatus\":{\"text\":\"m\"}}"));
    fail_each(
        FHS_PATCH_FHIRPATH,
        FHS_LIT("{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"operation\",\"part\":"
                "[{\"name\":\"type\",\"valueCode\":\"add\"},{\"name\":\"path\",\"valueString\":"
                "\"Patient.name.where(text='x')\"},{\"name\":\"name\",\"valueString\":\"given\"},"
                "{\"name\":\"value\",\"valueString\":\"g\"}]},{\"name\":\"operation\",\"part\":[{"
                "\"name\":\"type\",\"valueCode\":\"add\"},{\"name\":\"path\",\"valueString\":"
                "\"Patient.birthDate\"},{\"name\":\"name\",\"valueString\":\"id\"},{\"name\":"
                "\"value\",\"valueString\":\"i\"}]},{\"name\":\"operation\",\"part\":[{\"name\":"
                "\"type\",\"valueCode\":\"delete\"},{\"name\":\"path\",\"valueString\":"
                "\"Patient.name[0].given[0]\"}]}]}"));
}
END_TEST

START_TEST(differences)
{
    fhirstore_status status = FHIRSTORE_ERR_NO_MEMORY;
    for (int64_t at = 1; status < FHIRSTORE_OK; at++) {
        fhs_arena arena;
        fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
        fhirstore_error *err = NULL;
        fhs_arena_init(&arena, FHS_LIMIT_RESOURCE_BYTES);
        left_until_failure = at;
        status = fhs_patch_diff(&arena, fhs_fhir_get(FHS_FHIR_R4), FHS_LIT(BEFORE), FHS_LIT(AFTER),
                                &out, &err);
        left_until_failure = 0;
        ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY, "%d: %s",
                      (int)at, fhs_status_name(status));
        ck_assert((err != NULL) == (status < FHIRSTORE_OK));
        if (status == FHIRSTORE_OK) {
            const char *got = apply(FHS_PATCH_FHIRPATH, BEFORE, out.ptr);
            ck_assert_ptr_nonnull(strstr(got, "\"deceasedBoolean\":true"));
            ck_assert_ptr_nonnull(strstr(got, "{\"gender\":\"female\"}"));
        }
        fhs_error_free(err);
        fhs_buf_clear(&out);
        fhs_arena_clear(&arena);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("patch/memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, patches);
    tcase_add_test(tests, differences);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
