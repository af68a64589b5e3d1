/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements that are hidden, or not to be changed. The clerk does not see a patient's birth date and
 * given names, nor an observation's value and status; it may not touch identifiers.
 */
#include <stdio.h>

#include "harness.h"

static fhirstore_session *clerk;

static const char policy[] =
    "{\"roles\":{\"clerk\":{\"allow\":[{\"actions\":[\"*\"]}],"
    "\"hide\":[{\"types\":[\"Patient\"],\"elements\":[\"birthDate\",\"name.given\",\"deceased\","
    "\"contact.telecom\",\"communication.language\"]},"
    "{\"types\":[\"Observation\"],\"elements\":[\"value[x]\",\"status\",\"meta.tag\",\"performer\"]"
    "},"
    "{\"types\":[\"MedicationRequest\"],\"elements\":[\"medication\"]}],"
    "\"keep\":[{\"elements\":[\"identifier\"]}]},"
    "\"plain\":{\"allow\":[{\"actions\":[\"*\"]}]}}}";

static fhirstore_session *enter_claims(const char *claims)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *opened = NULL;
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &opened, NULL), FHIRSTORE_OK);
    return opened;
}

#define PATIENT_A                                                                                  \
    "{\"resourceType\":\"Patient\",\"id\":\"A\",\"text\":{\"status\":\"generated\",\"div\":"       \
    "\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">born 1974-12-25</div>\"},"                  \
    "\"identifier\":[{\"system\":\"http://x\",\"value\":\"007\"}],\"active\":true,"                \
    "\"name\":[{\"family\":\"Alder\",\"given\":[\"Ada\"]},{\"given\":[\"Secret\"]}],"              \
    "\"birthDate\":\"1974-12-25\",\"_birthDate\":{\"id\":\"b\"},\"deceasedBoolean\":false,"        \
    "\"contact\":[{\"name\":{\"family\":\"Friend\"},\"telecom\":[{\"system\":\"phone\",\"value\":" \
    "\"555-0199\"}]}],\"communication\":[{\"language\":{\"text\":\"Klingon\"},\"preferred\":true}" \
    "]}"

#define OBSERVATION_A                                                                          \
    "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"meta\":{\"tag\":[{\"code\":\"t\"}]},"   \
    "\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"in\",\"birthDate\":\"1999-09-09\"," \
    "\"active\":true}],\"status\":\"final\",\"code\":{\"text\":\"x\"},"                        \
    "\"subject\":{\"reference\":\"Patient/A\"},\"performer\":[{\"reference\":\"Practitioner/"  \
    "p\"}],"                                                                                   \
    "\"valueQuantity\":{\"value\":6.2599,\"unit\":\"kg\"}}"

static void must_put(const char *type, const char *id, const char *body)
{
    const reply answer = update(type, id, body);
    ck_assert_msg(answer.status >= FHIRSTORE_OK, "%s", answer.body);
}

static void set_up_masks(void)
{
    fhirstore_error *error = NULL;
    setup_store();
    must_put("Patient", "A", PATIENT_A);
    must_put("Practitioner", "p", "{\"resourceType\":\"Practitioner\",\"id\":\"p\"}");
    must_put("Observation", "o1", OBSERVATION_A);
    must_put(
        "MedicationRequest", "m",
        "{\"resourceType\":\"MedicationRequest\",\"id\":\"m\",\"status\":\"active\",\"intent\":"
        "\"order\",\"medicationReference\":{\"reference\":\"Medication/x\"},\"subject\":"
        "{\"reference\":\"Patient/A\"}}");
    const fhirstore_status status = fhirstore_set_policy(store, policy, strlen(policy), &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s",
                  error == NULL ? "" : fhirstore_error_message(error));
    clerk = enter_claims("{\"id\":\"c\",\"roles\":[\"clerk\",\"plain\"]}");
}

static void tear_down_masks(void)
{
    fhirstore_session_close(clerk);
    teardown();
}

static reply get(const char *url)
{
    return ask_bytes(clerk, "GET", url, NULL, NULL, 0);
}

static reply send(const char *method, const char *url, const char *headers, const char *body)
{
    return ask_bytes(clerk, method, url, headers, body, body == NULL ? 0 : strlen(body));
}

static const char *const secrets[] = {
    "1974-",       "Ada",        "Secret", "deceasedBoolean",
    "555-0199",    "Klingon",    "<div",   "6.2599",
    "final",       "1999-09-09", "\"t\"",  "[{\"reference\":\"Practitioner/p\"",
    "Medication/x"};

static void expect_no_secret(const reply *answer)
{
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        ck_assert_msg(!has_text(answer, secrets[i]), "%s in %s", secrets[i], answer->body);
    }
}

static const struct {
    const char *url, *there;
} ways[] = {
    {"Patient/A", "Alder"},
    {"Patient/A/_history/1", "Alder"},
    {"Patient/A/_history", "Alder"},
    {"Patient/_history", "Alder"},
    {"_history", "Alder"},
    {"Patient?_id=A", "Alder"},
    {"Patient?_id=A&_elements=birthDate,name", "Alder"},
    {"Patient/A?_elements=birthDate,name", "Alder"},
    {"Patient?_id=A&_summary=true", "Alder"},
    {"Patient/A/_history?_elements=birthDate,name", "Alder"},
    {"Observation?_id=o1&_include=Observation:subject", "Alder"},
    {"Patient?_id=A&_revinclude=Observation:subject", "Observation"},
    {"Observation/o1", "\"active\":true"},
    {"Observation?_id=o1", "\"active\":true"},
    {"Patient?active=true&_contained=true", "\"active\":true"},
    {"Patient?active=true&_contained=true&_containedType=contained", "\"active\":true"},
    {"Patient?active=true&_contained=both", "Alder"},
    {"?_type=Patient,Observation", "Alder"},
    {"Patient/A/*", "Alder"},
    {"Patient/A/Observation", "\"o1\""},
    {"MedicationRequest/m", "\"order\""},
    {"Observation?_include=*", "Alder"},
    {"Practitioner?_revinclude=*", "Practitioner"},
};

START_TEST(nothing_hidden_is_handed_out)
{
    const reply answer = get(ways[_i].url);
    expect_http(answer, 200);
    ck_assert_msg(has_text(&answer, ways[_i].there), "%s: %s", ways[_i].url, answer.body);
    expect_no_secret(&answer);
    ck_assert_msg(has_text(&answer, "SUBSETTED") || strncmp(ways[_i].url, "Pract", 5) == 0,
                  "%s: %s", ways[_i].url, answer.body);
}
END_TEST

START_TEST(what_must_be_there_is_masked)
{
    const reply one = get("Observation/o1");
    expect_text(one, "_status.extension.0.valueCode", "masked");
    expect_nothing_at(one, "status");
    expect_nothing_at(one, "valueQuantity.value");
    const reply patient = get("Patient/A");
    expect_text(patient, "communication.0.language.extension.0.valueCode", "masked");
    expect_text(patient, "communication.0.preferred", "true");
    ck_assert_int_eq(items_at(&patient, "name"), 1);
    const reply medication = get("MedicationRequest/m");
    expect_text(medication, "medicationCodeableConcept.extension.0.valueCode", "masked");
}
END_TEST

START_TEST(cursor_and_export_are_masked)
{
    fhirstore_search *search = NULL;
    size_t len;
    ck_assert_int_eq(
        fhirstore_search_open(clerk, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""), &search, NULL),
        FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_OK);
    const char *body = fhirstore_search_body(search, &len);
    ck_assert_ptr_nonnull(memmem(body, len, "Alder", 5));
    ck_assert_ptr_null(memmem(body, len, "1974-", 4));
    fhirstore_search_close(search);
}
END_TEST

static fhirstore_status look_for_secrets(void *ctx, const char *type, const char *json, size_t len)
{
    (void)type;
    ++*(int *)ctx;
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        ck_assert_msg(memmem(json, len, secrets[i], strlen(secrets[i])) == NULL, "%s in %.*s",
                      secrets[i], (int)len, json);
    }
    return FHIRSTORE_OK;
}

START_TEST(an_export_is_masked)
{
    int count = 0;
    ck_assert_int_eq(fhirstore_export(clerk, NULL, look_for_secrets, &count, NULL, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(count, 4);
}
END_TEST

static const char *const refused[] = {
    "Patient?birthdate=1974-12-25",
    "Patient?birthdate:missing=false",
    "Patient?given=Ada",
    "Patient?name=Ada",
    "Patient?phonetic=Ada",
    "Patient?death-date=2000",
    "Patient?deceased=true",
    "Patient?language=x",
    "Patient?_sort=birthdate",
    "Patient?_sort=family,-given",
    "Patient?_filter=birthdate gt 1970",
    "Patient?_filter=family eq x or (not (given eq Ada))",
    "Patient?_text=born",
    "Patient?_content=born",
    "Observation?subject:Patient.birthdate=1974-12-25",
    "Observation?patient.name=Ada",
    "Observation?_sort=subject:Patient.birthdate",
    "Observation?value-quantity=6.25",
    "Observation?code-value-quantity=x$6.25",
    "Observation?combo-value-quantity=6.25",
    "Observation?status=final",
    "Observation?_tag=t",
    "Observation?performer=Practitioner/p",
    "Observation?_include=Observation:performer",
    "Practitioner?_revinclude=Observation:performer",
    "Practitioner?_has:Observation:performer:code=x",
    "Practitioner?_has:Observation:performer:_tag=t",
    "Patient?_has:Observation:subject:status=final",
    "Patient?_has:Observation:subject:value-quantity=gt6",
    "?_type=Patient,Observation&_tag=t",
    "Patient?birthdate=1999-09-09&_contained=true",
};

START_TEST(no_search_looks_at_what_is_hidden)
{
    reply answer = get(refused[_i]);
    if (answer.http == 400) {
        ck_assert_msg(false, "%s: %s", refused[_i], answer.body);
    }
    ck_assert_msg(answer.http == 403, "%s: %d %s", refused[_i], answer.http, answer.body);
    expect_no_secret(&answer);
    answer = send("GET", refused[_i], "Prefer: handling=lenient", NULL);
    ck_assert_msg(answer.http == 403, "%s: %d %s", refused[_i], answer.http, answer.body);
}
END_TEST

static const char *const allowed[] = {
    "Patient?family=Alder",
    "Patient?active=true&_sort=family",
    "Patient?identifier=007",
    "Patient?gender:missing=true",
    "Observation?code:text=x",
    "Observation?subject:Patient.family=Alder",
    "Observation?subject=Patient/A&_sort=-date",
    "Patient?_has:Observation:subject:code:text=x",
    "Practitioner?_id=p",
    "Patient?telecom:missing=true",
};

START_TEST(other_searches_work)
{
    const reply answer = get(allowed[_i]);
    expect_http(answer, 200);
    ck_assert_msg(items_at(&answer, "entry") >= 1, "%s: %s", allowed[_i], answer.body);
}
END_TEST

/* What the clerk sends back as it was shown loses nothing. */
START_TEST(an_update_keeps_what_is_hidden)
{
    static const char *const addresses[] = {"Patient/A", "Observation/o1", "MedicationRequest/m"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        const reply before = ask("GET", addresses[i], NULL, NULL);
        const reply shown = get(addresses[i]);
        const reply answer = send("PUT", addresses[i], NULL, shown.body);
        expect_http(answer, 200);
        expect_no_secret(&answer);
        const reply after = ask("GET", addresses[i], NULL, NULL);
        ck_assert_str_eq(before.body, after.body);
    }
    const reply answer = send("PUT", "Patient/A", NULL,
                              "{\"resourceType\":\"Patient\",\"id\":\"A\",\"gender\":\"female\","
                              "\"identifier\":[{\"system\":\"http://x\",\"value\":\"007\"}],"
                              "\"name\":[{\"family\":\"Alder\"}],"
                              "\"contact\":[{\"name\":{\"family\":\"Friend\"}},"
                              "{\"name\":{\"family\":\"New\"}}],"
                              "\"communication\":[{\"language\":{\"extension\":[{\"url\":"
                              "\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\","
                              "\"valueCode\":\"masked\"}]},\"preferred\":true}]}");
    expect_http(answer, 200);
    expect_text(answer, "gender", "female");
    expect_no_secret(&answer);
    const reply whole = read_one("Patient", "A");
    expect_text(whole, "birthDate", "1974-12-25");
    expect_text(whole, "_birthDate.id", "b");
    expect_text(whole, "name.0.given.0", "Ada");
    expect_text(whole, "name.1.given.0", "Secret");
    expect_text(whole, "deceasedBoolean", "false");
    expect_text(whole, "contact.0.telecom.0.value", "555-0199");
    expect_text(whole, "contact.1.name.family", "New");
    expect_text(whole, "communication.0.language.text", "Klingon");
    ck_assert(has_text(&whole, "born 1974"));
    expect_nothing_at(whole, "active");
    ck_assert(!has_text(&whole, "SUBSETTED"));
    expect_sound(store);
}
END_TEST

#define IDENTIFIED "\"identifier\":[{\"system\":\"http://x\",\"value\":\"007\"}]"
#define SPOKEN                                                                               \
    "\"contact\":[{\"name\":{\"family\":\"Friend\"}}],\"communication\":[{\"language\":{"    \
    "\"extension\":["                                                                        \
    "{\"url\":\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\",\"valueCode\":" \
    "\"masked\"}]},\"preferred\":true}]"
#define OF_A(members) "{\"resourceType\":\"Patient\",\"id\":\"A\"" members "}"

static const struct {
    const char *body, *words;
} changes[] = {
    {OF_A("," IDENTIFIED "," SPOKEN
          ",\"name\":[{\"family\":\"Alder\"}],\"birthDate\":\"1974-12-25\""),
     "hidden"},
    {OF_A("," IDENTIFIED "," SPOKEN
          ",\"name\":[{\"family\":\"Alder\"}],\"birthDate\":\"1980-01-01\""),
     "hidden"},
    {OF_A("," IDENTIFIED "," SPOKEN ",\"name\":[{\"family\":\"Alder\",\"given\":[\"Ada\"]}]"),
     "hidden"},
    {OF_A("," IDENTIFIED "," SPOKEN ",\"name\":[{\"family\":\"Elder\"}]"), "list"},
    {OF_A("," IDENTIFIED "," SPOKEN), "list"},
    {OF_A("," IDENTIFIED "," SPOKEN ",\"name\":[{\"family\":\"Alder\"}],\"deceasedBoolean\":true"),
     "hidden"},
    {OF_A("," IDENTIFIED "," SPOKEN ",\"name\":[{\"family\":\"Alder\"}],\"text\":{\"status\":"
          "\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">x</div>\"}"),
     "hidden"},
    {OF_A("," SPOKEN ",\"name\":[{\"family\":\"Alder\"}]"), "read-only"},
    {OF_A(",\"identifier\":[{\"system\":\"http://x\",\"value\":\"008\"}]," SPOKEN
          ",\"name\":[{\"family\":\"Alder\"}]"),
     "read-only"},
};

START_TEST(a_change_of_what_is_not_theirs_is_refused)
{
    const char *before = strdup(state_of_store());
    const reply answer = send("PUT", "Patient/A", NULL, changes[_i].body);
    expect_http(answer, 403);
    expect_refusal(&answer, FHIRSTORE_ERR_DENIED, "forbidden", NULL);
    ck_assert_msg(has_text(&answer, changes[_i].words), "%s", answer.body);
    expect_no_secret(&answer);
    ck_assert_str_eq(before, state_of_store());
    free((void *)(uintptr_t)before);
}
END_TEST

static const struct {
    const char *patch;
    int http;
} patches[] = {
    {"[{\"op\":\"replace\",\"path\":\"/active\",\"value\":false}]", 200},
    {"[{\"op\":\"test\",\"path\":\"/birthDate\",\"value\":\"1974-12-25\"}]", 422},
    {"[{\"op\":\"remove\",\"path\":\"/birthDate\"}]", 422},
    {"[{\"op\":\"copy\",\"from\":\"/birthDate\",\"path\":\"/language\"}]", 422},
    {"[{\"op\":\"add\",\"path\":\"/birthDate\",\"value\":\"1974-12-25\"}]", 403},
    {"[{\"op\":\"add\",\"path\":\"/birthDate\",\"value\":\"1975-12-25\"}]", 403},
    {"[{\"op\":\"replace\",\"path\":\"/name/0/family\",\"value\":\"x\"}]", 403},
    {"[{\"op\":\"replace\",\"path\":\"/identifier/0/value\",\"value\":\"8\"}]", 403},
    {"[{\"op\":\"remove\",\"path\":\"/identifier\"}]", 403},
};

START_TEST(a_patch_sees_and_changes_no_more)
{
    const reply answer = send("PATCH", "Patient/A", "Content-Type: application/json-patch+json",
                              patches[_i].patch);
    expect_http(answer, patches[_i].http);
    expect_no_secret(&answer);
    const reply whole = read_one("Patient", "A");
    expect_text(whole, "birthDate", "1974-12-25");
    expect_text(whole, "name.1.given.0", "Secret");
    expect_text(whole, "identifier.0.value", "007");
    ck_assert(!has_text(&whole, "SUBSETTED"));
}
END_TEST

START_TEST(a_create_may_set_what_is_hidden_but_not_what_is_kept)
{
    const reply made = send("POST", "Patient", NULL,
                            "{\"resourceType\":\"Patient\",\"birthDate\":\"1974-01-01\"}");
    expect_http(made, 201);
    expect_no_secret(&made);
    const reply whole = read_one("Patient", id_of(&made));
    expect_text(whole, "birthDate", "1974-01-01");
    const reply kept = send("POST", "Patient", NULL,
                            "{\"resourceType\":\"Patient\"," IDENTIFIED "}");
    expect_http(kept, 403);
}
END_TEST

START_TEST(transactions_and_batches_are_masked)
{
    static const char bundle[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"%s\",\"entry\":["
        "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/A\"}},"
        "{\"request\":{\"method\":\"GET\",\"url\":\"Patient?_id=A\"}},"
        "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"n\",\"birthDate\":\"1974-02-02\"},"
        "\"request\":{\"method\":\"PUT\",\"url\":\"Patient/n\"}}]}";
    static const char *const types[] = {"batch", "transaction"};
    for (size_t i = 0; i < 2; i++) {
        char body[1024];
        (void)snprintf(body, sizeof body, bundle, types[i]);
        (void)delete_one("Patient", "n");
        const reply answer = send("POST", "", "Prefer: return=representation", body);
        expect_http(answer, 200);
        ck_assert(has_text(&answer, "Alder"));
        ck_assert(has_text(&answer, "\"n\""));
        expect_no_secret(&answer);
    }
}
END_TEST

/* A hidden value changes no byte of an answer. */
START_TEST(a_hidden_value_changes_no_answer)
{
    static const char *const bodies[] = {"Patient/A", "Patient?_id=A", "Patient?family=Alder",
                                         "Observation?_include=Observation:subject"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const reply before = get(bodies[i]);
        const reply hidden = ask(
            "PATCH", "Patient/A", "Content-Type: application/json-patch+json",
            "[{\"op\":\"replace\",\"path\":\"/birthDate\",\"value\":\"1950-01-01\"},"
            "{\"op\":\"remove\",\"path\":\"/deceasedBoolean\"},"
            "{\"op\":\"add\",\"path\":\"/name/1/given/1\",\"value\":\"More\"}]");
        expect_http(hidden, 200);
        const reply after = get(bodies[i]);
        const char *a = strstr(before.body, "\"identifier\"");
        const char *b = strstr(after.body, "\"identifier\"");
        ck_assert_ptr_nonnull(a);
        ck_assert_ptr_nonnull(b);
        ck_assert_msg(strcmp(a, b) == 0, "%s\n%s", a, b);
        must_put("Patient", "A", PATIENT_A);
    }
}
END_TEST

/* ---- the host's own authorizer ---- */

typedef struct host_mask {
    const char *hide, *keep;
} host_mask;

static fhirstore_status mask_all(void *ctx, const fhirstore_access_request *request,
                                 fhirstore_access_decision *decision)
{
    const host_mask *mask = ctx;
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    if (request->type_len == 0) {
        return FHIRSTORE_OK;
    }
    if (mask->hide != NULL) {
        (void)fhirstore_access_hide(decision, mask->hide, strlen(mask->hide));
    }
    if (mask->keep != NULL) {
        (void)fhirstore_access_keep(decision, mask->keep, strlen(mask->keep));
    }
    return FHIRSTORE_OK;
}

START_TEST(a_host_masks)
{
    static const struct {
        host_mask mask;
        int http;
    } cases[] = {
        {{"birthDate", NULL}, 200}, {{"birth", NULL}, 403},     {{"", NULL}, 403},
        {{"id", NULL}, 403},        {{NULL, "birthDate"}, 200}, {{NULL, "name.nothing"}, 403},
        {{"name", "name"}, 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer,
                                                 .ctx = (void *)(uintptr_t)&cases[i].mask,
                                                 .authorize = mask_all};
        ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
        const reply answer = get("Patient/A");
        ck_assert_msg(answer.http == cases[i].http, "%zu: %d %s", i, answer.http, answer.body);
        if (cases[i].http == 200 && cases[i].mask.hide != NULL) {
            expect_nothing_at(answer, cases[i].mask.hide);
            ck_assert(!has_text(&answer, "<div"));
        }
    }
    ck_assert_int_eq(fhirstore_access_hide(NULL, "a", 1), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_access_keep(NULL, "a", 1), FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

#define add_each(test, rows) tcase_add_loop_test(tests, test, 0, (int)(sizeof rows / sizeof *rows))

int main(void)
{
    Suite *suite = suite_create("masks");
    TCase *tests = tcase_create("masks");
    tcase_add_checked_fixture(tests, set_up_masks, tear_down_masks);
    tcase_set_timeout(tests, 120);
    add_each(nothing_hidden_is_handed_out, ways);
    tcase_add_test(tests, what_must_be_there_is_masked);
    tcase_add_test(tests, cursor_and_export_are_masked);
    tcase_add_test(tests, an_export_is_masked);
    add_each(no_search_looks_at_what_is_hidden, refused);
    add_each(other_searches_work, allowed);
    tcase_add_test(tests, an_update_keeps_what_is_hidden);
    add_each(a_change_of_what_is_not_theirs_is_refused, changes);
    add_each(a_patch_sees_and_changes_no_more, patches);
    tcase_add_test(tests, a_create_may_set_what_is_hidden_but_not_what_is_kept);
    tcase_add_test(tests, transactions_and_batches_are_masked);
    tcase_add_test(tests, a_hidden_value_changes_no_answer);
    tcase_add_test(tests, a_host_masks);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
