/* SPDX-License-Identifier: Apache-2.0 */
/* Which members may be where, and in what JSON. */
#include "validate.h"

#define URL  "http://e/x"
#define EXT  "{\"url\":\"" URL "\",\"valueBoolean\":true}"
#define EXTS "\"extension\":[" EXT "]"

static const validation_case whole_cases[] = {
    {"[]", ": a resource must be a JSON object (structure)"},
    {"\"Patient\"", ": a resource must be a JSON object (structure)"},
    {"{}", "resourceType: resourceType is missing (required)"},
    {"{\"resourceType\":7}", "resourceType: resourceType must be a string (structure)"},
    {"{\"resourceType\":\"patient\"}",
     "resourceType: resourceType is no resource type of R4 (value)"},
    {"{\"resourceType\":\"HumanName\"}",
     "resourceType: resourceType is no resource type of R4 (value)"},
    {"{\"resourceType\":\"Patient.contact\"}",
     "resourceType: resourceType is no resource type of R4 (value)"},
    {"{\"resourceType\":\"DomainResource\"}",
     "resourceType: resourceType is no resource type of R4 (value)"},
    {"{\"resourceType\":\"Patient\"}", ""},
    {"{\"id\":\"a\",\"resourceType\":\"Patient\"}", ""},
};

START_TEST(a_resource_says_what_it_is)
{
    check_r4(whole_cases[_i].text, whole_cases[_i].want);
}
END_TEST

static const validation_case patient_cases[] = {
    /* known members in the right JSON */
    {"\"name\":[{\"given\":[\"A\"]}],\"active\":true", ""},
    {"\"contact\":[{\"name\":{\"family\":\"F\"},\"telecom\":[{\"value\":\"1\"}]}]", ""},
    {"\"foo\":1", "Patient.foo: Patient has no element foo (structure)"},
    {"\"contact\":[{\"x\":1}]",
     "Patient.contact[0].x: Patient.contact has no element x (structure)"},
    {"\"name\":[{},{\"nam\":\"N\"}]",
     "Patient.name[0]: name must not be empty (structure)\n"
     "Patient.name[1].nam: HumanName has no element nam (structure)"},
    {"\"Ann Lee\":1", "Patient: Patient has no element (unnamed) (structure)"},
    {"\"\":1", "Patient: Patient has no element (unnamed) (structure)"},
    {"\"_\":1", "Patient: Patient has no element (unnamed) (structure)"},
    {"\"deceased\":true", "Patient.deceased: Patient has no element deceased (structure)"},
    {"\"deceasedString\":\"x\"",
     "Patient.deceasedString: Patient has no element deceasedString (structure)"},
    {"\"name\":{\"family\":\"F\"}", "Patient.name: name must be an array with items (structure)"},
    {"\"name\":\"F\"", "Patient.name: name must be an array with items (structure)"},
    {"\"name\":[]", "Patient.name: name must be an array with items (structure)"},
    {"\"name\":null", "Patient.name: name must be an array with items (structure)"},
    {"\"name\":[[]]", "Patient.name[0]: name must be an object (HumanName) (structure)"},
    {"\"name\":[\"F\"]", "Patient.name[0]: name must be an object (HumanName) (structure)"},
    {"\"name\":[null]", "Patient.name[0]: name must not hold null (structure)"},
    {"\"meta\":[{}]", "Patient.meta: meta must not be an array (structure)"},
    {"\"meta\":{}", "Patient.meta: meta must not be empty (structure)"},
    {"\"meta\":null", "Patient.meta: meta must not be null (structure)"},
    {"\"active\":null", "Patient.active: active must not be null (structure)"},
    {"\"active\":{}", "Patient.active: active is an object but must be true or false (structure)"},
    {"\"birthDate\":[\"2000\"]", "Patient.birthDate: birthDate must not be an array (structure)"},
    {"\"name\":[{\"resourceType\":\"HumanName\"}]",
     "Patient.name[0].resourceType: HumanName has no element resourceType (structure)"},
    /* choices */
    {"\"deceasedBoolean\":true,\"deceasedDateTime\":\"2020\"",
     "Patient.deceased: deceased[x] has more than one type (structure)"},
    {"\"deceasedBoolean\":true,\"_deceasedDateTime\":{" EXTS "}",
     "Patient.deceased: deceased[x] has more than one type (structure)"},
    {"\"deceasedBoolean\":true,\"multipleBirthInteger\":2", ""},
    {"\"_deceasedBoolean\":{" EXTS "},\"deceasedBoolean\":true", ""},
    {"\"deceasedBoolean\":1",
     "Patient.deceased: deceasedBoolean is a number but must be true or false (structure)"},
    /* required elements */
    {"\"link\":[{\"type\":\"refer\"}]",
     "Patient.link[0].other: Patient.link.other is required (required)"},
    {"\"link\":[{\"other\":{\"reference\":\"Patient/1\"},\"_type\":{" EXTS "}}]", ""},
    {"\"communication\":[{\"preferred\":true}]",
     "Patient.communication[0].language: Patient.communication.language is required (required)"},
    {"\"text\":{\"id\":\"1\"}", "Patient.text.status: Narrative.status is required (required)\n"
                                "Patient.text.div: Narrative.div is required (required)"},
};

START_TEST(members_are_as_the_type_says)
{
    check_patient(patient_cases[_i].text, patient_cases[_i].want);
}
END_TEST

static const validation_case sibling_cases[] = {
    {"\"_birthDate\":{" EXTS "}", ""},
    {"\"birthDate\":\"2000\",\"_birthDate\":{" EXTS "}", ""},
    {"\"birthDate\":\"2000\",\"_birthDate\":{\"id\":\"a\"}", ""},
    {"\"_birthDate\":{\"id\":\"a\"}",
     "Patient.birthDate: birthDate has neither a value nor an extension (structure)"},
    {"\"birthDate\":null,\"_birthDate\":{" EXTS "}",
     "Patient.birthDate: birthDate must not be null (structure)"},
    {"\"birthDate\":\"2000\",\"_birthDate\":{}",
     "Patient.birthDate: birthDate must not be empty (structure)"},
    {"\"_birthDate\":null",
     "Patient.birthDate: _birthDate must hold objects with id or extension (structure)"},
    {"\"_birthDate\":\"x\"",
     "Patient.birthDate: _birthDate must hold objects with id or extension (structure)"},
    {"\"_birthDate\":[{" EXTS "}]",
     "Patient.birthDate: _birthDate must hold objects with id or extension (structure)"},
    {"\"birthDate\":\"2000\",\"_birthDate\":{\"value\":\"2000\"}",
     "Patient.birthDate.value: date has no element value (structure)"},
    {"\"birthDate\":\"2000\",\"_birthDate\":{\"extension\":[{}]}",
     "Patient.birthDate.extension[0]: extension must not be empty (structure)"},
    {"\"_name\":[{" EXTS "}]", "Patient.name: Patient has no element _name (structure)"},
    {"\"_foo\":{}", "Patient.foo: Patient has no element _foo (structure)"},
    {"\"id\":\"a\",\"_id\":{" EXTS "}", "Patient.id: Patient has no element _id (structure)"},
    {"\"_resourceType\":{}",
     "Patient.resourceType: Patient has no element _resourceType (structure)"},
    {"\"name\":[{\"given\":[\"A\",null],\"_given\":[null,{" EXTS "}]}]", ""},
    {"\"name\":[{\"_given\":[{" EXTS "}]}]", ""},
    {"\"name\":[{\"given\":[\"A\",null]}]",
     "Patient.name[0].given[1]: given has null without _given beside it (structure)"},
    {"\"name\":[{\"given\":[null],\"_given\":[null]}]",
     "Patient.name[0].given[0]: given has null without _given beside it (structure)"},
    {"\"name\":[{\"_given\":[null,{" EXTS "}]}]",
     "Patient.name[0].given[0]: given has neither a value nor an extension (structure)"},
    {"\"name\":[{\"given\":[null],\"_given\":[{\"id\":\"a\"}]}]",
     "Patient.name[0].given[0]: given has neither a value nor an extension (structure)"},
    {"\"name\":[{\"given\":[\"A\"],\"_given\":[{" EXTS "},{" EXTS "}]}]",
     "Patient.name[0].given: given and _given differ in length (structure)"},
    {"\"name\":[{\"given\":[\"A\"],\"_given\":{" EXTS "}}]",
     "Patient.name[0].given: _given must be an array with items (structure)"},
    {"\"name\":[{\"given\":[\"A\"],\"_given\":[]}]",
     "Patient.name[0].given: _given must be an array with items (structure)"},
    {"\"name\":[{\"given\":[\"A\"],\"_given\":[7]}]",
     "Patient.name[0].given[0]: _given must hold objects with id or extension (structure)"},
    {"\"name\":[{\"given\":[],\"_given\":[{" EXTS "}]}]",
     "Patient.name[0].given: given must be an array with items (structure)\n"
     "Patient.name[0].given: given and _given differ in length (structure)"},
    {"\"text\":{\"status\":\"empty\",\"_div\":{" EXTS "}}",
     "Patient.text.div: Narrative has no element _div (structure)\n"
     "Patient.text.div: Narrative.div is required (required)"},
};

START_TEST(siblings_of_primitives)
{
    check_patient(sibling_cases[_i].text, sibling_cases[_i].want);
}
END_TEST

static const validation_case extension_cases[] = {
    {"\"extension\":[" EXT "]", ""},
    {"\"modifierExtension\":[" EXT "]", ""},
    {"\"extension\":[{\"url\":\"" URL "\"," EXTS "}]", ""},
    {"\"extension\":[{\"url\":\"" URL "\",\"_valueCode\":{" EXTS "}}]", ""},
    {"\"extension\":[{\"valueBoolean\":true}]",
     "Patient.extension[0].url: Extension.url is required (required)"},
    {"\"extension\":[{\"url\":\"" URL "\"}]",
     "Patient.extension[0]: an Extension has neither a value nor extensions (invalid)"},
    {"\"extension\":[{\"url\":\"" URL "\",\"valueBoolean\":true," EXTS "}]",
     "Patient.extension[0]: an Extension has either a value or extensions (invalid)"},
    {"\"extension\":[{\"url\":\"a b\",\"valueBoolean\":true}]",
     "Patient.extension[0].url: url must be a URI without white space (value)"},
    {"\"extension\":[{\"url\":\"" URL "\",\"valueQuantity\":{\"value\":\"1\"}}]",
     "Patient.extension[0].value.value: value is a string but must be a number (structure)"},
    {"\"extension\":[{\"url\":\"" URL "\",\"valuePatient\":{}}]",
     "Patient.extension[0].valuePatient: Extension has no element valuePatient (structure)\n"
     "Patient.extension[0]: an Extension has neither a value nor extensions (invalid)"},
    {"\"extension\":[{\"url\":\"" URL "\",\"_url\":{" EXTS "},\"valueBoolean\":true}]",
     "Patient.extension[0].url: Extension has no element _url (structure)"},
    {"\"birthDate\":\"2000\",\"_birthDate\":{\"extension\":[{\"url\":\"" URL "\"}]}",
     "Patient.birthDate.extension[0]: an Extension has neither a value nor extensions (invalid)"},
};

START_TEST(extensions_have_a_url_and_one_content)
{
    check_patient(extension_cases[_i].text, extension_cases[_i].want);
}
END_TEST

static const validation_case nested_cases[] = {
    {"{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Group\",\"id\":\"g\","
     "\"type\":\"person\",\"actual\":true}]}",
     ""},
    {"{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Group\",\"id\":\"g\"}]}",
     "Patient.contained[0].type: Group.type is required (required)\n"
     "Patient.contained[0].actual: Group.actual is required (required)"},
    {"{\"resourceType\":\"Patient\",\"contained\":[{\"id\":\"g\"}]}",
     "Patient.contained[0].resourceType: resourceType is missing (required)"},
    {"{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Resource\"}]}",
     "Patient.contained[0].resourceType: resourceType is no resource type of R4 (value)"},
    {"{\"resourceType\":\"Patient\",\"contained\":[\"x\"]}",
     "Patient.contained[0]: contained must be an object (Resource) (structure)"},
    {"{\"resourceType\":\"Patient\",\"contained\":{\"resourceType\":\"Patient\"}}",
     "Patient.contained: contained must be an array with items (structure)"},
    {"{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Patient\",\"contained\":["
     "{\"resourceType\":\"Patient\"}]}]}",
     "Patient.contained[0]: what is contained must not contain resources (structure)"},
    {"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":{"
     "\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Patient\"}]}}]}",
     ""},
    {"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"fullUrl\":\"urn:x\"},"
     "{\"resource\":{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"\"]}]}}]}",
     "Bundle.entry[1].resource.name[0].given[0]: given must be a string: not empty, no control "
     "characters, at most 1 MB (value)"},
    {"{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"p\",\"part\":[{\"name\":\"q\","
     "\"resource\":{\"resourceType\":\"Patient\",\"x\":1}}]}]}",
     "Parameters.parameter[0].part[0].resource.x: Patient has no element x (structure)"},
    {"{\"resourceType\":\"Questionnaire\",\"status\":\"draft\",\"item\":[{\"linkId\":\"1\","
     "\"type\":\"group\",\"item\":[{\"linkId\":\"2\"}]}]}",
     "Questionnaire.item[0].item[0].type: Questionnaire.item.type is required (required)"},
    {"{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"t\"},"
     "\"component\":[{\"code\":{\"text\":\"t\"},\"valueQuantity\":{\"value\":1,\"unit\":5}}]}",
     "Observation.component[0].value.unit: unit is a number but must be a string: not empty, no "
     "control characters, at most 1 MB (structure)"},
    {"{\"resourceType\":\"MedicationRequest\",\"status\":\"draft\",\"intent\":\"order\","
     "\"subject\":{\"display\":\"d\"}}",
     "MedicationRequest.medication: MedicationRequest.medication[x] is required (required)"},
    {"{\"resourceType\":\"MedicationRequest\",\"status\":\"draft\",\"intent\":\"order\","
     "\"subject\":{\"display\":\"d\"},\"medicationReference\":{\"display\":\"m\"}}",
     ""},
};

START_TEST(resources_in_resources)
{
    check_r4(nested_cases[_i].text, nested_cases[_i].want);
}
END_TEST

START_TEST(each_version_has_its_own_types)
{
    check_issues(FHS_FHIR_R5, FHS_VALIDATION_ON,
                 "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"resource\":{"
                 "\"resourceType\":\"Patient\"}}]}",
                 "");
    check_issues(FHS_FHIR_R5, FHS_VALIDATION_ON, "{\"resourceType\":\"Media\"}",
                 "resourceType: resourceType is no resource type of R5 (value)");
}
END_TEST

static const validation_case lenient_cases[] = {
    {"{\"resourceType\":\"Patient\",\"foo\":{\"bar\":[]},\"_foo\":7,\"Ann Lee\":{}}", ""},
    {"{\"resourceType\":\"Observation\"}", ""},
    {"{\"resourceType\":\"Patient\",\"extension\":[{\"url\":\"u\",\"valueNew\":1}]}", ""},
    {"{\"resourceType\":\"Patient\",\"extension\":[{\"valueCode\":\"a\",\"extension\":[" EXT "]}]}",
     "Patient.extension[0]: an Extension has either a value or extensions (invalid)"},
    {"{\"resourceType\":\"Patient\",\"name\":{}}",
     "Patient.name: name must be an array with items (structure)"},
    {"{\"resourceType\":\"Patient\",\"birthDate\":\"today\"}",
     "Patient.birthDate: birthDate must be a date: YYYY, YYYY-MM or YYYY-MM-DD (value)"},
    {"{\"resourceType\":\"Patiens\"}",
     "resourceType: resourceType is no resource type of R4 (value)"},
};

START_TEST(lenient_lets_the_unknown_and_the_missing_pass)
{
    check_issues(FHS_FHIR_R4, FHS_VALIDATION_LENIENT, lenient_cases[_i].text,
                 lenient_cases[_i].want);
}
END_TEST

START_TEST(off_wants_a_type_only)
{
    check_issues(FHS_FHIR_R4, FHS_VALIDATION_OFF,
                 "{\"resourceType\":\"Patient\",\"name\":7,\"x\":null}", "");
    check_issues(FHS_FHIR_R4, FHS_VALIDATION_OFF, "{}",
                 "resourceType: resourceType is missing (required)");
    check_issues(FHS_FHIR_R4, FHS_VALIDATION_OFF, "7",
                 ": a resource must be a JSON object (structure)");
}
END_TEST

START_TEST(the_type_is_told_even_when_there_are_faults)
{
    fhs_arena arena;
    fhs_type type;
    const fhs_json *root;
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_arena_init(&arena, SIZE_MAX);
    ck_assert_int_eq(
        fhs_json_read(&arena, FHS_LIT("{\"resourceType\":\"Patient\",\"x\":1}"), NULL, &root, NULL),
        FHIRSTORE_OK);
    ck_assert_int_eq(fhs_validate_resource(fhir, FHS_VALIDATION_ON, root, &type, NULL),
                     FHIRSTORE_ERR_INVALID_RESOURCE);
    ck_assert_uint_eq(type, fhs_type_find(fhir, FHS_LIT("Patient")));
    fhs_arena_clear(&arena);
}
END_TEST

/* Read @a text with all the depth there is, validate it and count the issues. */
static uint32_t count_issues(fhs_str text, fhs_str last_text)
{
    fhs_arena arena;
    fhs_type type;
    const fhs_json *root;
    fhirstore_issue issue;
    fhirstore_error *err = NULL;
    const fhs_json_limits limits = {.max_depth = 1000};
    fhs_arena_init(&arena, SIZE_MAX);
    ck_assert_int_eq(fhs_json_read(&arena, text, &limits, &root, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(
        fhs_validate_resource(fhs_fhir_get(FHS_FHIR_R4), FHS_VALIDATION_ON, root, &type, &err),
        FHIRSTORE_ERR_INVALID_RESOURCE);
    uint32_t count = fhs_error_issue_count(err);
    ck_assert(fhs_error_issue(err, count - 1, &issue));
    ck_assert_view_eq(fhs_str_from_cstr(issue.text), last_text);
    fhs_error_free(err);
    fhs_arena_clear(&arena);
    return count;
}

START_TEST(faults_end_at_the_limit)
{
    fhs_buf text = FHS_BUF_INIT(1 << 20);
    fhs_buf_add_cstr(&text, "{\"resourceType\":\"Patient\"");
    for (int i = 0; i < 1000; i++) {
        fhs_buf_addf(&text, ",\"x%d\":0", i);
    }
    fhs_buf_add_char(&text, '}');
    ck_assert_uint_eq(count_issues(fhs_buf_str(&text), FHS_LIT("Patient has no element x63")),
                      FHS_LIMIT_ISSUES);
    fhs_buf_clear(&text);
}
END_TEST

START_TEST(depth_ends_at_the_limit)
{
    fhs_buf text = FHS_BUF_INIT(1 << 20);
    fhs_buf_add_cstr(&text, "{\"resourceType\":\"Patient\"");
    for (int i = 0; i < 300; i++) {
        fhs_buf_add_cstr(&text, ",\"extension\":[{\"url\":\"u\"");
    }
    for (int i = 0; i < 300; i++) {
        fhs_buf_add_cstr(&text, "}]");
    }
    fhs_buf_add_char(&text, '}');
    ck_assert_uint_eq(
        count_issues(fhs_buf_str(&text), FHS_LIT("the resource is nested too deeply")), 1);
    fhs_buf_clear(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("validation structure");
    TCase *tcase = tcase_create("rules");
    tcase_add_loop_test(tcase, a_resource_says_what_it_is, 0, FHS_COUNT_OF(whole_cases));
    tcase_add_loop_test(tcase, members_are_as_the_type_says, 0, FHS_COUNT_OF(patient_cases));
    tcase_add_loop_test(tcase, siblings_of_primitives, 0, FHS_COUNT_OF(sibling_cases));
    tcase_add_loop_test(tcase, extensions_have_a_url_and_one_content, 0,
                        FHS_COUNT_OF(extension_cases));
    tcase_add_loop_test(tcase, resources_in_resources, 0, FHS_COUNT_OF(nested_cases));
    tcase_add_test(tcase, each_version_has_its_own_types);
    tcase_add_loop_test(tcase, lenient_lets_the_unknown_and_the_missing_pass, 0,
                        FHS_COUNT_OF(lenient_cases));
    tcase_add_test(tcase, off_wants_a_type_only);
    tcase_add_test(tcase, the_type_is_told_even_when_there_are_faults);
    tcase_add_test(tcase, faults_end_at_the_limit);
    tcase_add_test(tcase, depth_ends_at_the_limit);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
