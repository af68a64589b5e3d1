/* SPDX-License-Identifier: Apache-2.0 */
/* What a custom parameter's expression must pass, every standard one passes. */
#include <stdio.h>

#include "base/arena.h"
#include "index/custom.h"
#include "suite.h"

static const struct {
    fhs_fhir_version version;
    /* R5: two look for a canonical among the values of an Observation, which has none, and two name
     * a base that lacks the element. */
    size_t refused;
} versions[] = {{FHS_FHIR_R4, 0}, {FHS_FHIR_R4B, 0}, {FHS_FHIR_R5, 4}};

START_TEST(every_standard_parameter_fits)
{
    const fhs_fhir *fhir = fhs_fhir_get(versions[_i].version);
    size_t refused = 0;
    for (size_t i = 0; fhir != NULL && i < fhs_sparam_count(fhir); i++) {
        fhs_sparam_component parts[8];
        fhirstore_error *error = NULL;
        fhs_custom custom = {.def = fhs_sparam_get(fhir, (fhs_sparam)i), .is_active = true};
        if (custom.def.expression.len == 0 || custom.def.type == FHS_SP_SPECIAL) {
            continue;
        }
        ck_assert_uint_le(custom.def.component_count, 8);
        for (size_t p = 0; p < custom.def.component_count; p++) {
            parts[p] = custom.def.components[p];
        }
        custom.parts = parts;
        if (fhs_custom_check_fit(fhir, &custom, &error) != FHIRSTORE_OK) {
            printf("# %.*s: %s\n", FHS_STR_ARG(custom.def.url), fhs_error_message(error));
            refused++;
        }
        fhs_error_free(error);
    }
    ck_assert_uint_eq(refused, fhir == NULL ? 0 : versions[_i].refused);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("custom parameters");
    TCase *fit = tcase_create("fit");
    tcase_set_timeout(fit, 60);
    tcase_add_loop_test(fit, every_standard_parameter_fits, 0, 3);
    suite_add_tcase(suite, fit);
    return run_suite(suite);
}
