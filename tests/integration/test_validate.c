/* SPDX-License-Identifier: Apache-2.0 */
/* $validate: what it says of a resource, in which words, for whom; and full validation on write. */
#include <stdio.h>

#include "harness.h"

#define DIV                                                                   \
    "\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www." \
    "w3.org/1999/xhtml\\\">x</div>\"}"
#define GOOD_PATIENT "{\"resourceType\":\"Patient\",\"id\":\"p\"," DIV "}"

static void setup_people(void)
{
    setup_store();
    expect_http(ask("PUT", "Patient/p", NULL, GOOD_PATIENT), 201);
    expect_http(
        ask("PUT", "Practitioner/d", NULL, "{\"resourceType\":\"Practitioner\",\"id\":\"d\"}"),
        201);
}

/* "severity code place: text", a line an issue. */
static const char *issues_of(const reply *answer)
{
    static char out[16384];
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < items_at(answer, "issue"); i++) {
        char path[4][64];
        const char *const parts[] = {"severity", "code", "expression.0", "diagnostics"};
        for (int p = 0; p < 4; p++) {
            (void)snprintf(path[p], sizeof path[p], "issue.%d.%s", i, parts[p]);
        }
        const char *place = text_at(answer, path[2]);
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%s %s %s: %s", i > 0 ? "\n" : "",
                                text_at(answer, path[0]), text_at(answer, path[1]),
                                place == NULL ? "-" : place, text_at(answer, path[3]));
    }
    return out;
}

#define ALL_OK "information informational -: All OK"
#define NO_NARRATIVE(type) \
    "warning invariant " type ": dom-6: A resource should have narrative for robust management"

static const struct {
    const char *method;
    const char *url;
    const char *body; /* NULL: none */
    const char *want;
} verdicts[] = {
    {"POST", "Patient/$validate", GOOD_PATIENT, ALL_OK},
    {"POST", "Patient/$validate", "{\"resourceType\":\"Patient\"}", NO_NARRATIVE("Patient")},
    {"POST", "Patient/$validate?mode=create", GOOD_PATIENT, ALL_OK},
    {"POST", "Patient/p/$validate?mode=update", GOOD_PATIENT, ALL_OK},
    {"POST", "Patient/new/$validate", GOOD_PATIENT, ALL_OK},
    {"POST", "Patient/new/$validate?mode=update", GOOD_PATIENT,
     "error value Patient.id: the id in the resource is not the one in the address"},
    {"POST", "Patient/$validate?mode=update", "{\"resourceType\":\"Patient\"," DIV "}",
     "error value Patient.id: an update needs the id in the resource"},
    {"GET", "Patient/p/$validate", NULL, ALL_OK},
    {"GET", "Patient/p/$validate?mode=delete", NULL, ALL_OK},
    {"POST", "Patient/p/$validate",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"mode\",\"valueCode\":\"delete\"}]"
     "}",
     ALL_OK},
    {"POST", "Patient/$validate",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"resource\","
     "\"resource\":" GOOD_PATIENT
     "},{\"name\":\"profile\",\"valueUri\":\"http://hl7.org/fhir/StructureDefinition/Patient\"}]}",
     ALL_OK},
    {"POST", "Patient/$validate?profile=http://example.org/p", GOOD_PATIENT,
     "warning not-supported -: the profile that was asked for is not known here: only what FHIR's "
     "own definitions say of the type was checked"},
    {"POST", "Patient/$validate?mode=profile&profile=http://hl7.org/fhir/StructureDefinition/Group",
     GOOD_PATIENT,
     "error invalid resourceType: the profile that was asked for is that of another type"},
    {"POST", "Patient/$validate", "{\"resourceType\":\"Group\",\"type\":\"person\"," DIV "}",
     "error required Group.actual: Group.actual is required\n"
     "error invalid resourceType: the resource is not of the type that the address names"},
    {"POST", "Patient/$validate", "{\"resourceType\":\"Nothing\"}",
     "error value resourceType: resourceType is no resource type of R4"},
    {"POST", "Patient/$validate",
     "{\"resourceType\":\"Patient\"," DIV ",\"gender\":\"f\",\"birthDate\":\"2020-13\",\"shoe\":1,"
     "\"contact\":[{\"gender\":\"male\"}]}",
     "error code-invalid Patient.gender: gender must have a code of "
     "http://hl7.org/fhir/ValueSet/administrative-gender\n"
     "error value Patient.birthDate: birthDate must be a date: YYYY, YYYY-MM or YYYY-MM-DD\n"
     "error structure Patient.shoe: Patient has no element shoe\n"
     "error invariant Patient.contact[0]: pat-1: SHALL at least contain a contact's details or a "
     "reference to an organization"},
    {"POST", "Patient/$validate",
     "{\"resourceType\":\"Patient\"," DIV ",\"generalPractitioner\":[{\"reference\":"
     "\"Practitioner/d\"},{\"reference\":\"Practitioner/e\"},{\"reference\":\"Patient/p\"},"
     "{\"reference\":\"http://elsewhere.org/fhir/Practitioner/x\"},{\"reference\":\"#c\"},"
     "{\"type\":\"Group\",\"display\":\"g\"}]}",
     "warning not-found Patient.generalPractitioner[1]: generalPractitioner refers to a resource "
     "that is not in the store\n"
     "error invalid Patient.generalPractitioner[2]: generalPractitioner must not refer to Patient\n"
     "error invariant Patient.generalPractitioner[4]: ref-1: SHALL have a contained resource if a "
     "local reference is provided\n"
     "error invalid Patient.generalPractitioner[5]: generalPractitioner must not refer to Group"},
    {"POST", "Patient/$validate",
     "{\"resourceType\":\"Patient\"," DIV ",\"meta\":{\"profile\":[\"http://hl7.org/fhir/"
     "StructureDefinition/Patient\",\"http://example.org/p\",\"http://hl7.org/fhir/"
     "StructureDefinition/Group\"]}}",
     "warning not-supported Patient.meta.profile[1]: the profile is not known here: whether the "
     "resource conforms to it was not checked\n"
     "error invalid Patient.meta.profile[2]: the resource claims to be of another type"},
    {"POST", "Bundle/$validate",
     "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"fullUrl\":"
     "\"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a\",\"resource\":{\"resourceType\":"
     "\"Patient\"," DIV
     ",\"generalPractitioner\":[{\"reference\":\"Practitioner/e\"}]},\"request\":{\"method\":"
     "\"POST\",\"url\":\"Patient\"}},{\"resource\":{\"resourceType\":\"Observation\"," DIV
     ",\"status\":\"final\",\"code\":{\"text\":\"x\"},\"performer\":[{\"reference\":"
     "\"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a\"}],\"device\":{\"reference\":"
     "\"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a\"}},\"request\":{\"method\":\"POST\",\"url\":"
     "\"Observation\"}}]}",
     "warning not-found Bundle.entry[0].resource.generalPractitioner[0]: generalPractitioner "
     "refers to a resource that is not in the store\n"
     "error invalid Bundle.entry[1].resource.device: device must not refer to Patient"},
    {"POST", "SearchParameter/$validate?mode=create",
     "{\"resourceType\":\"SearchParameter\"," DIV ",\"url\":\"http://e.org/sp\",\"name\":\"Sp\","
     "\"status\":\"active\",\"description\":\"d\",\"code\":\"sp\",\"base\":[\"Patient\"],\"type\":"
     "\"string\",\"expression\":\"Patient.name(\"}",
     NULL},
};

START_TEST(a_resource_gets_its_verdict)
{
    const char *before = state_of_store();
    const reply answer = ask(verdicts[_i].method, verdicts[_i].url, NULL, verdicts[_i].body);
    expect_http(answer, 200);
    expect_text(answer, "resourceType", "OperationOutcome");
    if (verdicts[_i].want != NULL) {
        ck_assert_str_eq(issues_of(&answer), verdicts[_i].want);
    } else {
        expect_text(answer, "issue.0.severity", "error");
    }
    ck_assert_str_eq(state_of_store(), before);
}
END_TEST

static const struct {
    const char *method;
    const char *url;
    const char *body;
    int http;
    const char *text; /* NULL: any */
} refusals[] = {
    {"GET", "Patient/$validate", NULL, 400, "operation parameter 'resource' is needed"},
    {"POST", "Patient/p/$validate?mode=update", NULL, 400,
     "operation parameter 'resource' is needed"},
    {"GET", "Patient/$validate?mode=delete", NULL, 400,
     "operation parameter 'mode' is delete: that goes with the address of a resource"},
    {"POST", "Patient/p/$validate?mode=delete", GOOD_PATIENT, 400,
     "operation parameter 'resource' does not go with a mode of delete"},
    {"POST", "Patient/$validate?mode=replace", GOOD_PATIENT, 400,
     "operation parameter 'mode' expects create, update, delete or profile"},
    {"POST", "Patient/$validate?mode=profile", GOOD_PATIENT, 400,
     "operation parameter 'profile' is needed by this mode"},
    {"POST", "Patient/$validate?deep=true", GOOD_PATIENT, 400, NULL},
    {"POST", "Patient/$validate", "{\"resourceType\":", 400, NULL},
    {"POST", "Patient/$validate", "[]", 400, NULL},
    {"GET", "Patient/none/$validate", NULL, 404, NULL},
    {"GET", "Patient/none/$validate?mode=delete", NULL, 404, NULL},
    {"GET", "$validate", NULL, 404, NULL},
};

START_TEST(what_cannot_be_answered_is_refused)
{
    const char *before = state_of_store();
    const reply answer = ask(refusals[_i].method, refusals[_i].url, NULL, refusals[_i].body);
    expect_http(answer, refusals[_i].http);
    if (refusals[_i].text != NULL) {
        expect_text(answer, "issue.0.diagnostics", refusals[_i].text);
    }
    ck_assert_str_eq(state_of_store(), before);
}
END_TEST

START_TEST(many_issues_end_in_a_note)
{
    static char body[32768];
    size_t len = (size_t)snprintf(body, sizeof body, "{\"resourceType\":\"Patient\",\"contact\":[");
    for (int i = 0; i < 100; i++) {
        len += (size_t)snprintf(body + len, sizeof body - len, "%s{\"gender\":\"x\"}",
                                i > 0 ? "," : "");
    }
    (void)snprintf(body + len, sizeof body - len, "]}");
    const reply answer = ask("POST", "Patient/$validate", NULL, body);
    ck_assert_int_eq(items_at(&answer, "issue"), 64);
    expect_text(answer, "issue.63.severity", "information");
    expect_text(answer, "issue.63.diagnostics", "there are more issues than are listed");
}
END_TEST

START_TEST(warnings_leave_room_for_errors)
{
    static char body[65536];
    size_t len = (size_t)snprintf(
        body, sizeof body, "{\"resourceType\":\"Patient\"," DIV ",\"generalPractitioner\":[");
    for (int i = 0; i < 100; i++) {
        len += (size_t)snprintf(body + len, sizeof body - len,
                                "%s{\"reference\":\"Practitioner/none%d\"}", i > 0 ? "," : "", i);
    }
    (void)snprintf(body + len, sizeof body - len, "],\"shoe\":1}");
    const reply answer = ask("POST", "Patient/$validate", NULL, body);
    ck_assert(has_text(&answer, "Patient has no element shoe"));
    ck_assert(has_text(&answer, "there are more issues than are listed"));
}
END_TEST

START_TEST(one_who_may_not_is_told_so)
{
    fhirstore_error *error = NULL;
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *reader = NULL;
    static const char claims[] =
        "{\"id\":\"app\",\"scope\":\"patient/Patient.rs\",\"patient\":\"p\"}";
    ck_assert_int_eq(fhirstore_set_policy(store, NULL, 0, &error), FHIRSTORE_OK);
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &reader, &error), FHIRSTORE_OK);
    const reply answer = ask_bytes(reader, "POST", "Patient/$validate?mode=create", NULL,
                                   GOOD_PATIENT, strlen(GOOD_PATIENT));
    expect_http(answer, 403);
    fhirstore_session_close(reader);
}
END_TEST

/* An authorizer that lets validate, see and, but for one principal, change Patients. */
static fhirstore_status allow_some(void *ctx, const fhirstore_access_request *request,
                                   fhirstore_access_decision *decision)
{
    (void)ctx;
    bool is_change = request->action == FHIRSTORE_ACTION_CREATE ||
                     request->action == FHIRSTORE_ACTION_DELETE;
    bool is_hidden = strcmp(request->type, "Practitioner") == 0 &&
                     request->action != FHIRSTORE_ACTION_VALIDATE;
    decision->answer = is_change || is_hidden ? FHIRSTORE_ACCESS_DENY : FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

START_TEST(the_mode_asks_what_the_interaction_would)
{
    fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer, .authorize = allow_some};
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    fhirstore_session *other = must_enter(store, 0, "other");
    reply answer = ask_bytes(other, "POST", "Patient/$validate?mode=create", NULL, GOOD_PATIENT,
                             strlen(GOOD_PATIENT));
    expect_http(answer, 200);
    expect_text(answer, "issue.0.code", "forbidden");
    answer = ask_bytes(other, "POST", "Patient/p/$validate?mode=update", NULL, GOOD_PATIENT,
                       strlen(GOOD_PATIENT));
    ck_assert_str_eq(issues_of(&answer), ALL_OK);
    answer = ask_bytes(other, "GET", "Patient/p/$validate?mode=delete", NULL, NULL, 0);
    expect_text(answer, "issue.0.code", "forbidden");
    /* What is hidden is answered as what is absent. */
    static const char to_hidden[] =
        "{\"resourceType\":\"Patient\"," DIV
        ",\"generalPractitioner\":[{\"reference\":\"Practitioner/d\"}]}";
    static const char to_absent[] =
        "{\"resourceType\":\"Patient\"," DIV
        ",\"generalPractitioner\":[{\"reference\":\"Practitioner/e\"}]}";
    const reply hidden = ask_bytes(other, "POST", "Patient/$validate", NULL, to_hidden,
                                   strlen(to_hidden));
    const reply absent = ask_bytes(other, "POST", "Patient/$validate", NULL, to_absent,
                                   strlen(to_absent));
    ck_assert_str_eq(hidden.body, absent.body);
    expect_text(hidden, "issue.0.code", "not-found");
    fhirstore_session_close(other);
}
END_TEST

/* ---- on write ---- */

static void setup_full(void)
{
    setup_folder();
    fhirstore_open_options options = open_options();
    options.validation = FHIRSTORE_VALIDATION_FULL;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "tester");
}

START_TEST(full_validation_refuses_errors_and_lets_warnings_pass)
{
    expect_http(ask("PUT", "Patient/p", NULL, "{\"resourceType\":\"Patient\",\"id\":\"p\"}"), 201);
    const char *before = state_of_store();
    reply answer = ask("PUT", "Patient/p", NULL,
                       "{\"resourceType\":\"Patient\",\"id\":\"p\",\"contact\":[{\"gender\":"
                       "\"male\"}]}");
    expect_http(answer, 400);
    expect_text(answer, "issue.0.code", "invariant");
    expect_text(answer, "issue.0.expression.0", "Patient.contact[0]");
    answer = ask("POST", "Patient", NULL, "{\"resourceType\":\"Patient\",\"gender\":\"f\"}");
    expect_http(answer, 400);
    expect_text(answer, "issue.0.code", "code-invalid");
    answer = ask("PATCH", "Patient/p", "Content-Type: application/json-patch+json",
                 "[{\"op\":\"add\",\"path\":\"/contact\",\"value\":[{\"gender\":\"male\"}]}]");
    expect_http(answer, 422);
    answer = ask("POST", "", NULL,
                 "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":{"
                 "\"resourceType\":\"Patient\",\"generalPractitioner\":[{\"reference\":"
                 "\"Patient/p\"}]},\"request\":{\"method\":\"POST\",\"url\":\"Patient\"}}]}");
    expect_http(answer, 400);
    expect_text(answer, "issue.0.expression.0", "Bundle.entry[0].resource.generalPractitioner[0]");
    ck_assert_str_eq(state_of_store(), before);
    /* What is not in the store is no fault of the resource. */
    expect_http(ask("POST", "Patient", NULL,
                    "{\"resourceType\":\"Patient\",\"managingOrganization\":{\"reference\":"
                    "\"Organization/none\"}}"),
                201);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    Suite *suite = suite_create("validate");
    TCase *verdict_case = tcase_create("verdicts");
    tcase_add_checked_fixture(verdict_case, setup_people, teardown);
    tcase_add_loop_test(verdict_case, a_resource_gets_its_verdict, 0,
                        (int)(sizeof verdicts / sizeof *verdicts));
    tcase_add_loop_test(verdict_case, what_cannot_be_answered_is_refused, 0,
                        (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(verdict_case, many_issues_end_in_a_note);
    tcase_add_test(verdict_case, warnings_leave_room_for_errors);
    tcase_add_test(verdict_case, one_who_may_not_is_told_so);
    tcase_add_test(verdict_case, the_mode_asks_what_the_interaction_would);
    suite_add_tcase(suite, verdict_case);
    TCase *write_case = tcase_create("on write");
    tcase_add_checked_fixture(write_case, setup_full, teardown);
    tcase_add_test(write_case, full_validation_refuses_errors_and_lets_warnings_pass);
    suite_add_tcase(suite, write_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
