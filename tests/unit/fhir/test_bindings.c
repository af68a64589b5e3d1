/* SPDX-License-Identifier: Apache-2.0 */
/* Required bindings, the systems that they imply, case-sensitive systems. */
#include "versions.h"

static uint16_t binding_of(const fhs_fhir *fhir, const char *type, const char *name)
{
    fhs_element element;
    ck_assert(
        fhs_element_find(fhir, find_type(fhir, type), fhs_str_from_cstr(name), &element, NULL));
    return element.binding;
}

static const struct code_row {
    const char *type;
    const char *element;
    const char *code;
    bool has;
    const char *system;
} code_rows[] = {
    {"Patient", "gender", "female", true, "http://hl7.org/fhir/administrative-gender"},
    {"Patient", "gender", "Female", false, ""},
    {"Patient", "gender", "", false, ""},
    {"Observation", "status", "final", true, "http://hl7.org/fhir/observation-status"},
    {"Observation", "status", "finally", false, ""},
    {"HumanName", "use", "official", true, "http://hl7.org/fhir/name-use"},
    /* Within another code in the hierarchy of its system. */
    {"Task", "status", "ready", true, "http://hl7.org/fhir/task-status"},
    /* Not enumerated here: any code. */
    {"Attachment", "contentType", "image/png", true, "urn:ietf:bcp:13"},
    {"Money", "currency", "EUR", true, "urn:iso:std:iso:4217"},
    /* Enumerated within UCUM. */
    {"Timing.repeat", "periodUnit", "wk", true, "http://unitsofmeasure.org"},
    {"Timing.repeat", "periodUnit", "fortnight", false, ""},
};

START_TEST(code_is_as_bound)
{
    const struct code_row *row = &code_rows[_i];
    for (size_t v = 0; v < VERSION_COUNT; v++) {
        const fhs_fhir *fhir = fhs_fhir_get(versions[v]);
        if (fhir == NULL) {
            continue;
        }
        uint16_t binding = binding_of(fhir, row->type, row->element);
        ck_assert_uint_ne(binding, UINT16_MAX);
        fhs_str code = fhs_str_from_cstr(row->code);
        ck_assert_int_eq(fhs_binding_has_code(fhir, binding, code), row->has);
        ck_assert_view_eq(fhs_binding_system(fhir, binding, code), fhs_str_from_cstr(row->system));
    }
}
END_TEST

START_TEST(weaker_bindings_are_not_listed)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    ck_assert_uint_eq(binding_of(fhir, "Patient", "maritalStatus"), UINT16_MAX);
    ck_assert_uint_eq(binding_of(fhir, "Observation", "code"), UINT16_MAX);
    ck_assert_view_eq(fhs_binding_value_set(fhir, binding_of(fhir, "Patient", "gender")),
                      FHS_LIT("http://hl7.org/fhir/ValueSet/administrative-gender"));
}
END_TEST

START_TEST(codes_of_several_systems_tell_theirs)
{
    VERSION_OR_RETURN(fhir, FHS_FHIR_R4);
    /* all-types: data types and resource types. */
    uint16_t binding = binding_of(fhir, "TriggerDefinition", "type");
    ck_assert_uint_ne(binding, UINT16_MAX);
    binding = binding_of(fhir, "ParameterDefinition", "type");
    ck_assert_view_eq(fhs_binding_system(fhir, binding, FHS_LIT("Patient")),
                      FHS_LIT("http://hl7.org/fhir/resource-types"));
    ck_assert_view_eq(fhs_binding_system(fhir, binding, FHS_LIT("HumanName")),
                      FHS_LIT("http://hl7.org/fhir/data-types"));
    ck_assert(!fhs_binding_has_code(fhir, binding, FHS_LIT("Nobody")));
}
END_TEST

START_TEST(case_sensitive_systems)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    ck_assert(fhs_system_is_case_sensitive(fhir, FHS_LIT("http://hl7.org/fhir/name-use")));
    ck_assert(fhs_system_is_case_sensitive(fhir, FHS_LIT("http://unitsofmeasure.org")));
    ck_assert(!fhs_system_is_case_sensitive(fhir, FHS_LIT("http://snomed.info/sct")));
    ck_assert(!fhs_system_is_case_sensitive(fhir, FHS_LIT("http://HL7.org/fhir/name-use")));
    ck_assert(!fhs_system_is_case_sensitive(fhir, FHS_STR_NONE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fhir bindings");
    TCase *tcase = tcase_create("bindings");
    tcase_add_loop_test(tcase, code_is_as_bound, 0, sizeof(code_rows) / sizeof(code_rows[0]));
    tcase_add_loop_test(tcase, weaker_bindings_are_not_listed, 0, VERSION_COUNT);
    tcase_add_test(tcase, codes_of_several_systems_tell_theirs);
    tcase_add_loop_test(tcase, case_sensitive_systems, 0, VERSION_COUNT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
