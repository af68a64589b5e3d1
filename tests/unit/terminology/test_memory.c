/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation fails once: it is told, nothing is lost, and the next question is answered. */
#include "world.h"

#include "base/mem.h"
#include "failing_alloc.h"

static fhirstore_status ask_expansion(fhs_terms *terms, fhirstore_error **err)
{
    const fhs_code_set *set = NULL;
    return expand_text(
        terms,
        "{\"compose\":{\"include\":[{\"system\":\"" SYS "\",\"filter\":[{"
        "\"property\":\"code\",\"op\":\"regex\",\"value\":\"[a-z]+\"}]},{\"valueSet\":"
        "[\"http://terminology.hl7.org/ValueSet/v3-ActCode\"]}],\"exclude\":[{"
        "\"valueSet\":[\"urn:vs\"]}]}}",
        true, &set, err);
}

static fhirstore_status ask_kin(fhs_terms *terms, fhirstore_error **err)
{
    const fhs_code_set *set = NULL;
    return fhs_terms_kin(terms, FHS_STR_NONE, FHS_LIT("b"), false, &set, err);
}

static fhirstore_status (*const questions[])(fhs_terms *, fhirstore_error **) = {ask_expansion,
                                                                                 ask_kin};

START_TEST(every_allocation_may_fail)
{
    int64_t n = 1;
    bool has_failed = true;
    for (; has_failed; n++) {
        fhs_terms *terms = NULL;
        fhirstore_error *err = NULL;
        left_until_failure = n;
        fhirstore_status status = fhs_terms_new(fhs_fhir_get(FHS_FHIR_R4), &source, &terms, &err);
        if (status == FHIRSTORE_OK) {
            status = questions[_i](terms, &err);
        }
        has_failed = left_until_failure == 0;
        left_until_failure = 0;
        ck_assert_msg(status == (has_failed ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_OK), "%d: %s",
                      (int)n, fhs_status_name(status));
        fhs_error_free(err);
        fhs_terms_free(terms);
    }
    ck_assert_int_gt(n, 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terminology/memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
