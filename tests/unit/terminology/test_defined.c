/* SPDX-License-Identifier: Apache-2.0 */
/* FHIR's own code systems and value sets: all can be read, and what is in them. */
#include "world.h"

static const fhs_fhir_version versions[] = {FHS_FHIR_R4, FHS_FHIR_R4B, FHS_FHIR_R5};

static fhs_str url_of(const fhs_fhir *fhir, fhs_defined_kind kind, size_t index, fhs_buf *text)
{
    static const fhs_str begin = FHS_LIT_INIT("{\"url\":\"");
    fhs_buf_reset(text);
    fhs_defined_write(fhir, kind, index, text);
    ck_assert_int_eq(fhs_buf_status(text), FHIRSTORE_OK);
    ck_assert(fhs_str_starts_with(fhs_buf_str(text), begin));
    fhs_str rest = fhs_str_from(fhs_buf_str(text), begin.len);
    return fhs_str_of(rest.ptr, fhs_str_find_char(rest, '"', 0));
}

START_TEST(all_are_found_and_read)
{
    const fhs_fhir *fhir = fhs_fhir_get(versions[_i]);
    fhs_buf text = FHS_BUF_INIT((size_t)1 << 24);
    for (int kind = FHS_DEFINED_CODE_SYSTEM; fhir != NULL && kind <= FHS_DEFINED_VALUE_SET;
         kind++) {
        size_t count = fhs_defined_count(fhir, (fhs_defined_kind)kind);
        ck_assert_uint_gt(count, 400);
        for (size_t i = 0; i < count; i++) {
            fhs_str url = url_of(fhir, (fhs_defined_kind)kind, i, &text);
            ck_assert_uint_eq(fhs_defined_find(fhir, (fhs_defined_kind)kind, url), i);
            fhs_str shorter = fhs_str_of(url.ptr, url.len - 1);
            ck_assert_uint_ne(fhs_defined_find(fhir, (fhs_defined_kind)kind, shorter), i);
        }
        ck_assert_uint_eq(fhs_defined_find(fhir, (fhs_defined_kind)kind, FHS_STR_NONE), count);
        ck_assert_uint_eq(fhs_defined_find(fhir, (fhs_defined_kind)kind, FHS_LIT("zzz")), count);
    }
    fhs_buf_clear(&text);
}
END_TEST

/* Those of FHIR itself expand; others may draw on what is not here, and say so. */
START_TEST(value_sets_expand)
{
    const fhs_fhir *fhir = fhs_fhir_get(versions[_i]);
    fhs_buf text = FHS_BUF_INIT((size_t)1 << 24);
    size_t good = 0;
    size_t count = fhir == NULL ? 0 : fhs_defined_count(fhir, FHS_DEFINED_VALUE_SET);
    for (size_t i = 0; i < count; i++) {
        fhs_terms *terms = NULL;
        const fhs_json *json = NULL;
        const fhs_code_set *set = NULL;
        const fhs_terms_ask ask = {false, false};
        fhs_str url = url_of(fhir, FHS_DEFINED_VALUE_SET, i, &text);
        ck_assert_int_eq(fhs_terms_new(fhir, NULL, &terms, NULL), FHIRSTORE_OK);
        ck_assert_int_eq(fhs_terms_value_set(terms, url, false, &json, NULL), FHIRSTORE_OK);
        fhirstore_status status = fhs_terms_expand(terms, json, &ask, &set, NULL);
        ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_VALUE_SET, "%.*s: %s",
                      FHS_STR_ARG(url), fhs_status_name(status));
        bool has_any = status == FHIRSTORE_OK && set->count + set->whole_count > 0;
        good += has_any ? 1 : 0;
        ck_assert_msg(has_any ||
                          !fhs_str_starts_with(url, FHS_LIT("http://hl7.org/fhir/ValueSet/"
                                                            "a")) ||
                          status == FHIRSTORE_ERR_VALUE_SET,
                      "%.*s is empty", FHS_STR_ARG(url));
        fhs_terms_free(terms);
    }
    ck_assert_msg(good * 10 >= count * 8, "%zu of %zu", good, count);
    fhs_buf_clear(&text);
}
END_TEST

static const struct {
    const char *url;
    fhs_fhir_version version;
    const char *code;
    uint32_t count;
    const char *display;
} facts[] = {
    {"http://hl7.org/fhir/administrative-gender", FHS_FHIR_R4, "other", 4, "Other"},
    {"http://hl7.org/fhir/administrative-gender", FHS_FHIR_R5, "unknown", 4, "Unknown"},
    {"http://terminology.hl7.org/CodeSystem/v3-ActCode", FHS_FHIR_R4, "IMP", 1116, ""},
    {"http://dicom.nema.org/resources/ontology/DCM", FHS_FHIR_R4, "CT", 3156, ""},
    {"http://hl7.org/fhir/observation-status", FHS_FHIR_R4B, "final", 8, "Final"},
};

START_TEST(known_facts)
{
    fhs_terms *terms = NULL;
    const fhs_code_system *system = NULL;
    ck_assert_int_eq(fhs_terms_new(fhs_fhir_get(facts[_i].version), NULL, &terms, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(
        fhs_terms_code_system(terms, fhs_str_from_cstr(facts[_i].url), FHS_STR_NONE, &system, NULL),
        FHIRSTORE_OK);
    ck_assert_ptr_nonnull(system);
    ck_assert_uint_eq(system->count, facts[_i].count);
    uint32_t number = fhs_code_system_find(system, fhs_str_from_cstr(facts[_i].code));
    ck_assert_uint_ne(number, FHS_CONCEPT_NONE);
    ck_assert_view_eq(system->concepts[number].display, fhs_str_from_cstr(facts[_i].display));
    fhs_terms_free(terms);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terminology/defined");
    TCase *tests = tcase_create("defined");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, all_are_found_and_read, 0, 3);
    tcase_add_loop_test(tests, value_sets_expand, 0, 3);
    tcase_add_loop_test(tests, known_facts, 0, (int)(sizeof facts / sizeof *facts));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
