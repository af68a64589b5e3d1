/* SPDX-License-Identifier: Apache-2.0 */
/* Paths through resources: lists, choices, primitives with extensions, references, variables. */
#include "engine.h"

static const char patient[] =
    "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"active\":true,"
    "\"contained\":[{\"resourceType\":\"Organization\",\"id\":\"org\",\"name\":\"Ward\"}],"
    "\"managingOrganization\":{\"reference\":\"#org\"},"
    "\"name\":[{\"use\":\"official\",\"family\":\"Berg\",\"given\":[\"Ada\",null,\"B.\"],"
    "\"_given\":[null,{\"id\":\"g2\",\"extension\":[{\"url\":\"http://x/"
    "reason\",\"valueCode\":\"masked\"}]}]},"
    "{\"use\":\"usual\",\"given\":[\"Addy\"]}],"
    "\"birthDate\":\"1974-12-25\","
    "\"_birthDate\":{\"extension\":[{\"url\":\"http://x/"
    "time\",\"valueDateTime\":\"1974-12-25T14:35:45-05:00\"}]},"
    "\"_deceasedDateTime\":{\"extension\":[{\"url\":\"http://x/unknown\",\"valueBoolean\":true}]},"
    "\"multipleBirthInteger\":2,\"gender\":\"female\","
    "\"generalPractitioner\":[{\"reference\":\"Practitioner/7\"}],"
    "\"telecom\":[{\"system\":\"phone\",\"value\":\"1\",\"rank\":1},{\"system\":\"email\","
    "\"value\":\"a@b\"}]}";

static const char observation[] = "{\"resourceType\":\"Observation\",\"status\":\"final\","
                                  "\"issued\":\"2024-01-02T03:04:05.678Z\","
                                  "\"valueQuantity\":{\"value\":185.0,\"unit\":\"lbs\",\"system\":"
                                  "\"http://unitsofmeasure.org\",\"code\":\"[lb_av]\"},"
                                  "\"component\":[{\"valueInteger\":3},{\"valueString\":\"x\"},{"
                                  "\"valueRange\":{\"low\":{\"value\":1}}}]}";

START_TEST(paths_through_a_patient)
{
    static const test_row rows[] = {
        {"Patient.name.given", "string:Ada, string:, string:B., string:Addy"},
        {"name.given.where(hasValue())", "string:Ada, string:B., string:Addy"},
        {"name.given.extension('http://x/reason').value", "code:masked"},
        {"name.given.id", "string:g2"},
        {"name[1].given", "string:Addy"},
        {"Patient.birthDate", "date:@1974-12-25"},
        {"birthDate.extension.value", "dateTime:@1974-12-25T14:35:45-05:00"},
        {"birthDate.hasExtension('http://x/time')", "boolean:true"},
        {"birthDate.getValue() is System.Date", "boolean:true"},
        {"birthDate is FHIR.date", "boolean:true"},
        {"deceased.exists()", "boolean:true"},
        {"deceased.hasValue()", "boolean:false"},
        {"deceased is dateTime", "boolean:true"},
        {"deceased.extension.value", "boolean:true"},
        {"multipleBirth + 1", "integer:3"},
        {"multipleBirth.type().name", "string:integer"},
        {"gender.is(string) and gender.is(code)", "boolean:true"},
        {"gender.ofType(string)", ""},
        {"managingOrganization.resolve().name", "string:Ward"},
        {"contained.resolve()", ""},
        {"contained.ofType(Organization).id", "id:org"},
        {"Patient is DomainResource", "boolean:true"},
        {"Patient.type().namespace & '.' & Patient.type().name", "string:FHIR.Patient"},
        {"Observation.value", ""},
        {"%resource.id & %context.id & %rootResource.id", "string:p1p1p1"},
        {"telecom.where(system = 'phone').rank", "positiveInt:1"},
        {"telecom.select(system & ':' & value)", "string:phone:1, string:email:a@b"},
        {"name.exists(use = 'usual')", "boolean:true"},
        {"name.use.first()", "code:official"},
        {"name.given[0].pathname()", "string:Patient.name[0].given[0]"},
        {"birthDate.pathname(true)", "string:Patient.birthDate"},
        {"name.repeat(given).count()", "integer:4"},
        {"children().count() > 10", "boolean:true"},
        {"descendants().where($this is Extension).url",
         "uri:http://x/time, uri:http://x/unknown, uri:http://x/reason"},
        {"birthDate < today()", "boolean:true"},
        {"conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", "boolean:true"},
        {"name.select(defineVariable('n', given.first()).select(use & %n))",
         "string:officialAda, string:usualAddy"},
        {"Coding { system: 'urn:x', code: gender }.code", "code:female"},
    };
    test_engine engine;
    engine_init(&engine, patient);
    check_rows(&engine, rows, FHS_COUNT_OF(rows));
    engine_clear(&engine);
}
END_TEST

START_TEST(choices_and_quantities)
{
    static const test_row rows[] = {
        {"Observation.value.unit", "string:lbs"},
        {"value is Quantity", "boolean:true"},
        {"value.as(Period)", ""},
        {"(value as Quantity).code", "code:[lb_av]"},
        {"value = 185 '[lb_av]'", "boolean:true"},
        {"value > 80 'kg'", "boolean:true"},
        {"value", "Quantity:185.0 '[lb_av]'"},
        {"component.value.ofType(integer)", "integer:3"},
        {"component.value.ofType(string)", "string:x"},
        {"component.value.low.value", "decimal:1"},
        {"issued", "instant:@2024-01-02T03:04:05.678Z"},
        {"issued + 1 day", "dateTime:@2024-01-03T03:04:05.678Z"},
    };
    test_engine engine;
    engine_init(&engine, observation);
    check_rows(&engine, rows, FHS_COUNT_OF(rows));
    engine_clear(&engine);
}
END_TEST

START_TEST(references_inside_a_bundle)
{
    static const char bundle[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":["
        "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"a\"}},"
        "{\"fullUrl\":\"http://h/Patient/"
        "b\",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"b\"}},"
        "{\"resource\":{\"resourceType\":\"Encounter\",\"status\":\"planned\",\"class\":{},"
        "\"subject\":{\"reference\":\"urn:uuid:1\"},\"partOf\":{\"reference\":\"#x\"},"
        "\"contained\":[{\"resourceType\":\"Encounter\",\"id\":\"x\",\"status\":\"finished\","
        "\"class\":{},\"serviceProvider\":{\"reference\":\"#x\"}}]}},"
        "{\"resource\":{\"resourceType\":\"Encounter\",\"subject\":{\"reference\":\"Patient/"
        "b\"}}}]}";
    static const test_row rows[] = {
        {"Bundle.entry.resource.subject.resolve().id", "id:a, id:b"},
        {"entry.resource.partOf.resolve().status", "code:finished"},
        {"entry.resource.contained.serviceProvider.resolve().id", "id:x"},
        {"entry.resource.ofType(Patient).id", "id:a, id:b"},
        {"entry.resource.subject.where(resolve() is Patient).count()", "integer:2"},
        {"entry[1].resource.id.pathname()", "string:Bundle.entry[1].resource[0].id[0]"},
    };
    test_engine engine;
    engine_init(&engine, bundle);
    check_rows(&engine, rows, FHS_COUNT_OF(rows));
    engine_clear(&engine);
}
END_TEST

/* ---- hooks ---- */

static const fhs_json *practitioner;
static unsigned traced;

static fhirstore_status test_resolve(void *ctx, fhs_str reference, const fhs_json **out,
                                     fhirstore_error **err)
{
    (void)ctx;
    if (fhs_str_eq(reference, FHS_LIT("Practitioner/7"))) {
        *out = practitioner;
        return FHIRSTORE_OK;
    }
    return fhs_fail(err, FHIRSTORE_ERR_CALLBACK, "no");
}

static fhirstore_status test_member(void *ctx, fhs_str value_set, fhs_str system, fhs_str code,
                                    fhs_fp_answer *answer, fhirstore_error **err)
{
    (void)ctx;
    (void)system;
    (void)err;
    *answer = !fhs_str_eq(value_set, FHS_LIT("http://vs")) ? FHS_ANSWER_UNKNOWN
              : fhs_str_eq(code, FHS_LIT("female"))        ? FHS_ANSWER_YES
                                                           : FHS_ANSWER_NO;
    return FHIRSTORE_OK;
}

static void test_trace(void *ctx, fhs_str name, const fhs_fp_item *items, size_t count)
{
    (void)ctx;
    (void)items;
    ck_assert_view_eq(name, FHS_LIT("t"));
    traced += (unsigned)count;
}

START_TEST(the_host_answers)
{
    test_engine engine;
    engine_init(&engine, patient);
    ck_assert_int_eq(fhs_json_read(&engine.arena,
                                   FHS_LIT("{\"resourceType\":\"Practitioner\",\"id\":\"7\"}"),
                                   NULL, &practitioner, NULL),
                     FHIRSTORE_OK);
    check_eval(&engine, "generalPractitioner.resolve()", "");
    engine.hooks.resolve = test_resolve;
    engine.hooks.member_of = test_member;
    engine.hooks.trace = test_trace;
    check_eval(&engine, "generalPractitioner.resolve().id", "id:7");
    check_eval(&engine, "generalPractitioner.all(resolve() is Practitioner)", "boolean:true");
    check_eval(&engine, "gender.memberOf('http://vs')", "boolean:true");
    check_eval(&engine, "'x'.memberOf('http://vs')", "boolean:false");
    check_eval(&engine, "gender.memberOf('http://other')", "");
    traced = 0;
    check_eval(&engine, "name.trace('t').trace('t', given).count()", "integer:2");
    ck_assert_uint_eq(traced, 6);
    check_fails(&engine, "'Patient/1'.resolve()", FHIRSTORE_ERR_CALLBACK, 0);
    engine_clear(&engine);
}
END_TEST

START_TEST(variables_are_seen)
{
    fhs_fp_item items[] = {fhs_fp_item_of_string(FHS_LIT("a")), fhs_fp_item_of_integer(2)};
    fhs_fhirpath_variable variables[] = {{FHS_LIT("list"), items, 2}, {FHS_LIT("none"), NULL, 0}};
    test_engine engine;
    engine_init(&engine, patient);
    engine.variables = variables;
    engine.variable_count = 2;
    check_eval(&engine, "%list", "string:a, integer:2");
    check_eval(&engine, "%none.empty()", "boolean:true");
    check_fails(&engine, "1 = %other", FHIRSTORE_ERR_FHIRPATH_EVAL, 4);
    check_fails(&engine, "defineVariable('list')", FHIRSTORE_ERR_FHIRPATH_EVAL, 0);
    engine_clear(&engine);
}
END_TEST

START_TEST(results_are_written)
{
    test_engine engine;
    engine_init(&engine, patient);
    fhs_fhirpath_options options = {engine.fhir, FHS_TYPE_NONE, false};
    fhs_fhirpath_input input = {.resource = engine.resource};
    fhs_fhirpath *path = NULL;
    const fhs_fp_item *items = NULL;
    size_t count = 0;
    fhs_buf out = FHS_BUF_INIT(MAX_TEST_TEXT);
    ck_assert_int_eq(
        fhs_fhirpath_compile(
            &options, FHS_LIT("name.given | birthDate | telecom[1] | 'q\"' | 1 'mg'"), &path, NULL),
        FHIRSTORE_OK);
    ck_assert_int_eq(fhs_fhirpath_evaluate(path, engine.run, &input, &items, &count, NULL),
                     FHIRSTORE_OK);
    fhs_fhirpath_write_result(engine.fhir, items, count, &out);
    ck_assert_view_eq(
        fhs_buf_str(&out),
        FHS_LIT("[{\"type\":\"string\",\"value\":\"Ada\"},{\"type\":\"string\",\"value\":null},"
                "{\"type\":\"string\",\"value\":\"B.\"},{\"type\":\"string\",\"value\":\"Addy\"},"
                "{\"type\":\"date\",\"value\":\"@1974-12-25\"},{\"type\":\"ContactPoint\","
                "\"value\":{\"system\":\"email\",\"value\":\"a@b\"}},"
                "{\"type\":\"string\",\"value\":\"q\\\"\"},"
                "{\"type\":\"Quantity\",\"value\":\"1 'mg'\"}]"));
    fhs_buf_clear(&out);
    fhs_fhirpath_free(path);
    engine_clear(&engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fhirpath_resource");
    TCase *tests = tcase_create("resource");
    tcase_add_test(tests, paths_through_a_patient);
    tcase_add_test(tests, choices_and_quantities);
    tcase_add_test(tests, references_inside_a_bundle);
    tcase_add_test(tests, the_host_answers);
    tcase_add_test(tests, variables_are_seen);
    tcase_add_test(tests, results_are_written);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
