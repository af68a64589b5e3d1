/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation fails once while a type is compiled and a resource extracted: the answer is
 * ERR_NO_MEMORY, nothing leaks, and the next call with memory is right. Linked with --wrap for
 * malloc, calloc and realloc.
 */
#include "failing_malloc.h"
#include "index/index.h"
#include "suite.h"

#define TREE_MAX ((size_t)16 << 20)

static const char observation[] =
    "{\"resourceType\":\"Observation\",\"id\":\"o\",\"code\":{\"coding\":[{\"system\":\"s\","
    "\"code\":\"c\"}]},\"valueQuantity\":{\"value\":5,\"code\":\"mg\","
    "\"system\":\"http://unitsofmeasure.org\"},\"subject\":{\"reference\":\"Patient/1\"},"
    "\"component\":[{\"code\":{\"coding\":[{\"code\":\"a\"},{\"code\":\"b\"}]},"
    "\"valueQuantity\":{\"value\":1,\"unit\":\"x\"}}]}";

/* Everything from a new indexer to the lines; the lines' length through @a len_out. */
static fhirstore_status work_once(const fhs_json *resource, size_t *len_out)
{
    fhs_indexer *indexer = NULL;
    fhs_buf lines = FHS_BUF_INIT(TREE_MAX);
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_indexer_new(fhs_fhir_get(FHS_FHIR_R4), &indexer, &err);
    if (status == FHIRSTORE_OK) {
        status = fhs_index_write_ndjson(indexer, FHS_STR_NONE, resource, &lines, &err);
    }
    *len_out = lines.len;
    fhs_buf_clear(&lines);
    fhs_indexer_free(indexer);
    fhs_error_free(err);
    return status;
}

START_TEST(every_allocation_fails_once)
{
    fhs_arena arena;
    const fhs_json *root = NULL;
    size_t whole = 0;
    size_t len = 0;
    fhs_arena_init(&arena, TREE_MAX);
    ck_assert_int_eq(fhs_json_read(&arena, fhs_str_from_cstr(observation), NULL, &root, NULL),
                     FHIRSTORE_OK);
    arm(0);
    fhirstore_status status = work_once(root, &whole);
    disarm();
    uint64_t total = seen;
    ck_assert_int_eq(status, FHIRSTORE_OK);
    ck_assert_uint_gt(whole, 0);
    for (uint64_t kth = 1; kth <= total; kth++) {
        arm(kth);
        status = work_once(root, &len);
        disarm();
        ck_assert_msg(status == FHIRSTORE_ERR_NO_MEMORY, "allocation %u of %u: status %d",
                      (unsigned)kth, (unsigned)total, (int)status);
    }
    ck_assert_int_eq(work_once(root, &len), FHIRSTORE_OK);
    ck_assert_uint_eq(len, whole);
    fhs_arena_clear(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index_memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, every_allocation_fails_once);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
