/* SPDX-License-Identifier: Apache-2.0 */
/* Required bindings, where they are asked for. */
#include "validate.h"

#define AIS(rest)                                                               \
    "{\"resourceType\":\"AllergyIntolerance\",\"patient\":{\"display\":\"p\"}," \
    "\"clinicalStatus\":" rest "}"
#define SYSTEM "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
#define WRONG                                                                \
    "AllergyIntolerance.clinicalStatus: clinicalStatus must have a code of " \
    "http://hl7.org/fhir/ValueSet/allergyintolerance-clinical (code-invalid)"

static const validation_case bound_cases[] = {
    {"{\"resourceType\":\"Patient\",\"gender\":\"female\"}", ""},
    {"{\"resourceType\":\"Patient\",\"gender\":\"f\"}",
     "Patient.gender: gender must have a code of "
     "http://hl7.org/fhir/ValueSet/administrative-gender (code-invalid)"},
    {"{\"resourceType\":\"Patient\",\"_gender\":{\"extension\":[{\"url\":\"u\",\"valueCode\":\"f\""
     "}]}}",
     ""},
    {"{\"resourceType\":\"Patient\",\"maritalStatus\":{\"text\":\"any\"},\"language\":\"xx-any\"}",
     ""},
    {AIS("{\"coding\":[{\"system\":\"" SYSTEM "\",\"code\":\"active\"}]}"), ""},
    {AIS("{\"coding\":[{\"system\":\"http://e\",\"code\":\"x\"},{\"system\":\"" SYSTEM
         "\",\"code\":\"active\"}]}"),
     ""},
    {AIS("{\"extension\":[{\"url\":\"u\",\"valueCode\":\"unknown\"}]}"), ""},
    {AIS("{\"coding\":[{\"system\":\"" SYSTEM "\",\"code\":\"aktiv\"}]}"), WRONG},
    {AIS("{\"coding\":[{\"system\":\"http://e\",\"code\":\"active\"}]}"), WRONG},
    {AIS("{\"coding\":[{\"code\":\"active\"}]}"), WRONG},
    {AIS("{\"text\":\"active\"}"), WRONG},
    {"{\"resourceType\":\"DocumentReference\",\"status\":\"current\",\"content\":[{\"attachment\":{"
     "\"contentType\":\"text/plain\",\"size\":1}}]}",
     ""},
};

START_TEST(codes_are_in_their_value_sets)
{
    check_issues(FHS_FHIR_R4, FHS_VALIDATION_BINDINGS, bound_cases[_i].text, bound_cases[_i].want);
    check_r4(bound_cases[_i].text, "");
    check_issues(FHS_FHIR_R4, FHS_VALIDATION_OFF | FHS_VALIDATION_BINDINGS, bound_cases[_i].text,
                 "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("validation bindings");
    TCase *tcase = tcase_create("required");
    tcase_add_loop_test(tcase, codes_are_in_their_value_sets, 0, FHS_COUNT_OF(bound_cases));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
