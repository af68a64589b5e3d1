/* SPDX-License-Identifier: Apache-2.0 */
/* Principals' documents, role documents and scopes: what is read, and what is refused where. */
#include "access/claims.h"
#include "access/rules.h"
#include "access/scope.h"
#include "suite.h"

static fhs_arena arena;
static fhirstore_error *err;

static void set_up(void)
{
    fhs_arena_init(&arena, (size_t)16 * 1024 * 1024);
    err = NULL;
}

static void tear_down(void)
{
    fhs_error_free(err);
    fhs_arena_clear(&arena);
}

static void ck_refused(fhirstore_status status, const char *words)
{
    ck_assert_int_eq(status, FHIRSTORE_ERR_POLICY);
    ck_assert_msg(strstr(fhs_error_message(err), words) != NULL, "\"%s\" lacks \"%s\"",
                  fhs_error_message(err), words);
}

START_TEST(a_principal_is_read_whole)
{
    fhs_claims claims;
    const fhs_str *values;
    ck_assert_int_eq(
        fhs_claims_read(&arena,
                        FHS_LIT("{\"id\":\"Practitioner/7\",\"fhirUser\":\"https://x/fhir/"
                                "Practitioner/7\",\"roles\":[\"a\",\"b\"],\"scope\":\"\","
                                "\"patient\":\"Patient/123\",\"purpose\":\"TREAT\","
                                "\"clearance\":[\"HIV\"],"
                                "\"attributes\":{\"org\":\"Organization/1\",\"ward\":[\"x\","
                                "\"y\"]}}"),
                        &claims, &err),
        FHIRSTORE_OK);
    ck_assert_view_eq(claims.fhir_user, FHS_LIT("Practitioner/7"));
    ck_assert_view_eq(claims.patient, FHS_LIT("123"));
    ck_assert_uint_eq(claims.role_count, 2);
    ck_assert_uint_eq(claims.clearance_count, 1);
    ck_assert(claims.has_scope);
    ck_assert_uint_eq(fhs_claims_values(&claims, FHS_LIT("ward"), &values), 2);
    ck_assert_view_eq(values[1], FHS_LIT("y"));
    ck_assert_uint_eq(fhs_claims_values(&claims, FHS_LIT("patient"), &values), 1);
    ck_assert_uint_eq(fhs_claims_values(&claims, FHS_LIT("nothing"), &values), 0);
}
END_TEST

static const struct {
    const char *text, *words;
} bad_claims[] = {
    {"[]", "line 1, column 1: expected an object"},
    {"{\"role\":[\"a\"]}", "column 9: expected only id, fhirUser, roles"},
    {"{\"roles\":\"a\"}", "an array of strings"},
    {"{\"roles\":[1]}", "a string"},
    {"{\"id\":7}", "a string"},
    {"{\n \"attributes\":{\"org\":{}}}", "line 2, column 22: expected a string or an array"},
    {"{\"attributes\":[]}", "an object of attributes"},
};

START_TEST(a_bad_principal_is_refused_with_its_place)
{
    fhs_claims claims;
    ck_refused(fhs_claims_read(&arena, fhs_str_from_cstr(bad_claims[_i].text), &claims, &err),
               bad_claims[_i].words);
}
END_TEST

static const struct {
    const char *text, *words;
} bad_rules[] = {
    {"{\"role\":{}}", "only roles, labels and sharedTypes"},
    {"{\"roles\":[]}", "an object of roles"},
    {"{\"roles\":{\"a\":[]}}", "a role: an object"},
    {"{\"roles\":{\"a\":{\"allows\":[]}}}", "only allow, deny, hide, keep and withinScopes"},
    {"{\"roles\":{\"a\":{\"allow\":{}}}}", "an array of rules"},
    {"{\"roles\":{\"a\":{\"allow\":[{}]}}}", "a rule with actions"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[]}]}}}", "an array of data actions"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"reed\"]}]}}}", "one of read, search"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"types\":[]}]}}}", "resource types"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"when\":\"\"}]}}}",
     "only actions, types and where"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"\"}]}}}", "a search"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"{x}=1\"}]}}}", "a search"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"a={x\"}]}}}", "a search"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"a=x}\"}]}}}", "a search"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"a={x{y}\"}]}}}",
     "a search"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"a={x&y}\"}]}}}",
     "a search"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"a={x=y}\"}]}}}",
     "a search"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"a={x,y}\"}]}}}",
     "a search"},
    {"{\"roles\":{\"a\":{\"allow\":[1]}}}", "a rule: an object"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":{}}]}}}", "an array of data actions"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[1]}]}}}", "one of read, search"},
    {"{\"roles\":{\"a\":{\"withinScopes\":1}}}", "true or false"},
    {"{\"labels\":[]}", "an object with controlled and breakGlass"},
    {"{\"labels\":{\"hidden\":[]}}", "only controlled and breakGlass"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"types\":[\"Pacient\"]}]}}}",
     "column 54: expected a resource type"},
    {"{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"types\":[\"HumanName\"]}]}}}",
     "a resource type"},
#define WHERE(types, text) \
    "{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"" text "\"" types "}]}}}"
    {WHERE(",\"types\":[\"Patient\"]", "organisation=1"),
     "column 53: expected a search of Patient: "},
    {WHERE(",\"types\":[\"Patient\",\"Observation\"]", "active={a}"), "a search of Observation"},
    {WHERE(",\"types\":[\"Patient\"]", "birthdate=zz"), "a search of Patient"},
    {WHERE(",\"types\":[\"Patient\"]", "name:wrong={a}"), "a search of Patient"},
    {WHERE(",\"types\":[\"Patient\"]", "name={a}&_sort=name"), "conditions only"},
    {WHERE(",\"types\":[\"Patient\"]", "_text={a}"), "conditions only"},
    {WHERE(",\"types\":[\"Patient\"]", "_count=5"), "conditions only"},
    {WHERE(",\"types\":[\"Patient\"]", "_elements=id"), "conditions only"},
    {WHERE(",\"types\":[\"Patient\"]", "_maxresults=5"), "conditions only"},
    {WHERE(",\"types\":[\"Patient\"]", "_total=accurate"), "conditions only"},
    {WHERE(",\"types\":[\"Patient\"]", "_summary=true"), "conditions only"},
    {WHERE(",\"types\":[\"Patient\"]", "_contained=true"), "conditions only"},
    {WHERE(",\"types\":[\"Patient\"]", "_compartment=Patient/"), "a compartment as"},
    {WHERE(",\"types\":[\"Patient\"]", "_compartment=Patient"), "a compartment as"},
    {WHERE(",\"types\":[\"Patient\"]", "_compartment=x&_compartment=Patient/{a}"),
     "a compartment as"},
    {WHERE(",\"types\":[\"Patient\"]", "_include=Patient:link"), "conditions only"},
    {WHERE(",\"types\":[\"Patient\"]", "_compartment=Nobody/{a}"), "a compartment as"},
    {WHERE("", "organisation={a}"), "a search of"},
#define MASK(kind, types, elements) \
    "{\"roles\":{\"a\":{\"" kind "\":[{" types "\"elements\":[" elements "]}]}}}"
    {MASK("hide", "", ""), "elements: paths"},
    {MASK("hide", "\"types\":[\"Patient\"],", "\"birthdate\""), "an element of the type"},
    {MASK("hide", "\"types\":[\"Patient\"],", "\"id\""), "other than id"},
    {MASK("hide", "\"types\":[\"Patient\"],", "\"meta\""), "of meta: profile"},
    {MASK("hide", "\"types\":[\"Patient\"],", "\"meta.versionId\""), "of meta: profile"},
    {MASK("hide", "\"types\":[\"Patient\"],", "\"birthDate.x\""), "elements of its own"},
    {MASK("hide", "\"types\":[\"Patient\"],", "\"contained.name\""), "elements of its own"},
    {MASK("hide", "\"types\":[\"Patient\"],", "\"name..given\""), "an element of the type"},
    {MASK("hide", "\"types\":[\"Patient\"],", "\"\""), "an element of the type"},
    {MASK("keep", "\"types\":[\"Patient\",\"Observation\"],", "\"birthDate\""),
     "an element of the type"},
    {MASK("keep", "", "\"nowhere\""), "an element"},
    {MASK("hide", "\"types\":[\"MedicationRequest\"],", "\"medicationReference\""),
     "all forms of a choice"},
    {"{\"roles\":{\"a\":{\"hide\":{}}}}", "an array of types and elements"},
    {"{\"roles\":{\"a\":{\"hide\":[1]}}}", "an object with types and elements"},
    {"{\"roles\":{\"a\":{\"hide\":[{\"element\":[]}]}}}", "only types and elements"},
};

START_TEST(bad_roles_are_refused_with_their_place)
{
    fhs_rules rules;
    ck_refused(fhs_rules_read(&arena, fhs_fhir_get(FHS_FHIR_R4),
                              fhs_str_from_cstr(bad_rules[_i].text), &rules, &err),
               bad_rules[_i].words);
    ck_assert_uint_gt(fhs_error_location(err).column, 1);
}
END_TEST

START_TEST(what_is_not_json_keeps_its_own_status)
{
    fhs_rules rules;
    ck_assert_int_eq(
        fhs_rules_read(&arena, fhs_fhir_get(FHS_FHIR_R4), FHS_LIT("{\"roles\":"), &rules, &err),
        FHIRSTORE_ERR_JSON);
}
END_TEST

START_TEST(good_rules_are_read)
{
    static const char *const good[] = {
        WHERE(",\"types\":[\"Patient\"]", "organization={org}&active=true"),
        WHERE(",\"types\":[\"Patient\"]", "birthdate=ge{year}&deceased={flag}"),
        WHERE(",\"types\":[\"Patient\"]", "_compartment=Patient/{patient}"),
        WHERE(",\"types\":[\"Observation\"]", "patient.organization={org}"),
        WHERE(",\"types\":[\"*\"]", "_tag=x"),
        WHERE("", "identifier={a}"),
        MASK("hide", "\"types\":[\"Patient\"],", "\"birthDate\",\"name.given\",\"meta.tag\""),
        MASK("hide", "\"types\":[\"Observation\"],", "\"value[x]\",\"value\",\"valueQuantity\""),
        MASK("hide", "\"types\":[\"Observation\"],", "\"status\",\"code.text\""),
        MASK("keep", "", "\"identifier\""),
    };
    for (size_t i = 0; i < FHS_COUNT_OF(good); i++) {
        fhs_rules rules;
        fhirstore_status status = fhs_rules_read(&arena, fhs_fhir_get(FHS_FHIR_R4),
                                                 fhs_str_from_cstr(good[i]), &rules, &err);
        ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", good[i],
                      err == NULL ? "" : fhs_error_message(err));
    }
}
END_TEST

START_TEST(the_default_roles_are_the_seven)
{
    static const char *const names[] = {"globalReader",   "globalExporter", "globalConverter",
                                        "globalImporter", "globalWriter",   "globalAdmin",
                                        "smartUser"};
    fhs_rules rules;
    ck_assert_int_eq(
        fhs_rules_read(&arena, fhs_fhir_get(FHS_FHIR_R4), fhs_rules_default(), &rules, &err),
        FHIRSTORE_OK);
    ck_assert_uint_eq(rules.role_count, FHS_COUNT_OF(names));
    for (size_t i = 0; i < FHS_COUNT_OF(names); i++) {
        ck_assert_ptr_nonnull(fhs_rules_role(&rules, fhs_str_from_cstr(names[i])));
    }
    const fhs_role *writer = fhs_rules_role(&rules, FHS_LIT("globalWriter"));
    ck_assert(!fhs_rule_covers(&writer->allow[0], FHS_DATA_HARD_DELETE, FHS_LIT("Patient")));
    ck_assert(fhs_rule_covers(&writer->allow[0], FHS_DATA_DELETE, FHS_LIT("Patient")));
}
END_TEST

START_TEST(scopes_of_both_versions)
{
    fhs_scopes scopes;
    ck_assert_int_eq(
        fhs_scopes_read(&arena,
                        FHS_LIT(" openid fhirUser launch/patient  patient/Observation.rs?"
                                "category=laboratory user/*.read system/Patient.cruds "
                                "patient/Encounter.* https://example.org/scope.x offline_access "
                                "system/ValueSet.rs?url=http://example.org/vs"),
                        &scopes, &err),
        FHIRSTORE_OK);
    ck_assert_uint_eq(scopes.count, 5);
    ck_assert_view_eq(scopes.items[4].params, FHS_LIT("url=http://example.org/vs"));
    ck_assert(scopes.fhir_user);
    ck_assert(scopes.launch_patient);
    ck_assert_int_eq(scopes.items[0].context, FHS_SCOPE_PATIENT);
    ck_assert_view_eq(scopes.items[0].type, FHS_LIT("Observation"));
    ck_assert_view_eq(scopes.items[0].params, FHS_LIT("category=laboratory"));
    ck_assert(!(scopes.items[0].actions & FHS_DATA_CREATE));
    ck_assert(scopes.items[0].actions & FHS_DATA_SEARCH);
    ck_assert(!(scopes.items[1].actions & FHS_DATA_DELETE));
    ck_assert(scopes.items[2].actions & FHS_DATA_DELETE);
    ck_assert(scopes.items[3].actions & FHS_DATA_UPDATE);
}
END_TEST

static const struct {
    const char *text, *words;
} bad_scopes[] = {
    {"openid patient/Observation.sr", "scope 2: behind the '.'"},
    {"patient/Observation.rr", "in that order, each once"},
    {"patient/Observation.", "no permission"},
    {"patient/Observation", "a '.' and a permission"},
    {"patient/.rs", "neither a type's name nor *"},
    {"patient/observation.rs", "neither a type's name nor *"},
    {"clinician/Observation.rs", "neither patient/, user/ nor system/"},
    {"Patient/Observation.rs", "neither patient/, user/ nor system/"},
    {"patient/Observation.read?category=x", "version 2"},
    {"patient/Observation.rs?", "no parameter behind it"},
    {"patient/Observation.rs?category", "name=value"},
    {"patient/Observation.rs?=x", "name=value"},
    {"patient/Observation.rs?category=", "name=value"},
    {"patient/Observation.rs?category=x&", "name=value"},
    {"patient/Pa{ient.rs", "neither a type's name nor *"},
    {"patient/Pa[ient.rs", "neither a type's name nor *"},
    {"patient/Pa-ient.rs", "neither a type's name nor *"},
    {"patient/Observation.rs?code:in=x", "no modifiers and no chains"},
    {"patient/Observation.rs?subject.name=x", "no modifiers and no chains"},
    {"user/Patient.delete", "behind the '.'"},
    /* One space, or several: nothing else separates (RFC 6749, 3.3). */
    {"user/Patient.rs\tuser/Device.rs", "scope 1: scopes are separated by spaces"},
    {"openid  user/Patient.rs?name=a\nsystem/*.cruds", "scope 2: scopes are separated by spaces"},
    {"user/Patient.rs \f", "scope 2: scopes are separated by spaces"},
    {"\vuser/Patient.rs", "scope 1: scopes are separated by spaces"},
    {"offline_access\r", "scope 1: scopes are separated by spaces"},
    {"user/Patient.rs?name=\x7f", "scope 1: scopes are separated by spaces"},
};

START_TEST(bad_scopes_are_refused_with_a_reason)
{
    fhs_scopes scopes;
    ck_refused(fhs_scopes_read(&arena, fhs_str_from_cstr(bad_scopes[_i].text), &scopes, &err),
               bad_scopes[_i].words);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_documents");
    TCase *tests = tcase_create("documents");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_principal_is_read_whole);
    tcase_add_loop_test(tests, a_bad_principal_is_refused_with_its_place, 0,
                        (int)FHS_COUNT_OF(bad_claims));
    tcase_add_loop_test(tests, bad_roles_are_refused_with_their_place, 0,
                        (int)FHS_COUNT_OF(bad_rules));
    tcase_add_test(tests, what_is_not_json_keeps_its_own_status);
    tcase_add_test(tests, good_rules_are_read);
    tcase_add_test(tests, the_default_roles_are_the_seven);
    tcase_add_test(tests, scopes_of_both_versions);
    tcase_add_loop_test(tests, bad_scopes_are_refused_with_a_reason, 0,
                        (int)FHS_COUNT_OF(bad_scopes));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
