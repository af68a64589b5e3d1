/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every parameter on resources made for it (made.h): the walk finds what the FHIRPath engine finds,
 * and no parameter stays without a value.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "made.h"
#include "oracle.h"
#include "suite.h"

#define MADE_MAX ((size_t)256 << 20)

/* R5 publishes these for elements that its types do not have (any more). */
static const char *const without_value[] = {
    "CareTeam date", "EvidenceVariable topic", "Observation component-value-canonical",
    "Observation value-canonical",
    /* A concept is compared with a string. */
    "Device serial-number",
    /* A special parameter whose GeoJSON is not looked into. */
    "Location contains"};

static bool has_no_value(const fhs_fhir *fhir, fhs_type type, fhs_str code)
{
    char name[128];
    fhs_str type_name = fhs_type_name(fhir, type);
    (void)snprintf(name, sizeof name, "%.*s %.*s", FHS_STR_ARG(type_name), FHS_STR_ARG(code));
    for (size_t i = 0; i < FHS_COUNT_OF(without_value); i++) {
        if (strcmp(name, without_value[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_variant(oracle *run, fhs_type type, uint32_t variant)
{
    char name[64];
    fhs_arena arena;
    const fhs_json *root = NULL;
    fhirstore_error *err = NULL;
    fhs_buf text = FHS_BUF_INIT(MADE_MAX);
    fhs_str type_name = fhs_type_name(run->fhir, type);
    fhs_arena_init(&arena, MADE_MAX);
    made_resource(run->fhir, type, variant, &text);
    ck_assert_msg(fhs_json_read(&arena, fhs_buf_str(&text), NULL, &root, &err) == FHIRSTORE_OK,
                  "%.*s %u is no JSON", FHS_STR_ARG(type_name), variant);
    (void)snprintf(name, sizeof name, "%.*s %u", FHS_STR_ARG(type_name), variant);
    oracle_compare(run, name, root);
    fhs_buf_clear(&text);
    fhs_arena_clear(&arena);
}

static unsigned count_unreached(const oracle *run, fhs_type type)
{
    const fhs_sparam *list = NULL;
    unsigned unreached = 0;
    size_t count = fhs_sparam_list(run->fhir, type, &list);
    for (size_t i = 0; i < count; i++) {
        fhs_sparam_def def = fhs_sparam_get(run->fhir, list[i]);
        if (oracle_is_compared(&def) && run->reached[list[i]] == 0 &&
            !has_no_value(run->fhir, type, def.code)) {
            fhs_str name = fhs_type_name(run->fhir, type);
            printf("no value: %.*s %.*s\n", FHS_STR_ARG(name), FHS_STR_ARG(def.code));
            unreached++;
        }
    }
    return unreached;
}

START_TEST(every_parameter_has_a_value)
{
    oracle run;
    unsigned unreached = 0;
    if (fhs_fhir_get((fhs_fhir_version)_i) == NULL) {
        return;
    }
    ck_assert(oracle_begin(&run, fhs_fhir_get((fhs_fhir_version)_i)));
    run.reached = fhs_calloc(fhs_sparam_count(run.fhir), 1);
    for (size_t i = 0; i < fhs_type_count(run.fhir); i++) {
        if (!fhs_type_is_resource(run.fhir, (fhs_type)i)) {
            continue;
        }
        memset(run.reached, 0, fhs_sparam_count(run.fhir));
        for (uint32_t variant = 0; variant < MADE_VARIANTS; variant++) {
            compare_variant(&run, (fhs_type)i, variant);
        }
        unreached += count_unreached(&run, (fhs_type)i);
    }
    ck_assert_uint_gt(run.pairs, 20000);
    ck_assert_uint_eq(run.differ, 0);
    ck_assert_uint_eq(run.failed, 0);
    ck_assert_uint_eq(unreached, 0);
    fhs_free(run.reached);
    oracle_end(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index_made");
    TCase *tests = tcase_create("made");
    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, every_parameter_has_a_value, FHS_FHIR_R4, FHS_FHIR_R5 + 1);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
