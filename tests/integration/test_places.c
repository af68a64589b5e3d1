/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a search looks: compartments, every type at once, forms; and what comes along with the
 * matches, as a client sees it.
 */
#include <stdio.h>

#include "harness.h"

static const char form[] = "Content-Type: application/x-www-form-urlencoded";

static const char *const ward[][3] = {
    {"Organization", "o", "{\"resourceType\":\"Organization\",\"id\":\"o\",\"name\":\"Ward\"}"},
    {"Patient", "1",
     "{\"resourceType\":\"Patient\",\"id\":\"1\",\"gender\":\"female\",\"managingOrganization\":{"
     "\"reference\":\"Organization/o\"},\"generalPractitioner\":[{\"reference\":\"Practitioner/"
     "d\"}]}"},
    {"Patient", "2",
     "{\"resourceType\":\"Patient\",\"id\":\"2\",\"gender\":\"male\",\"link\":[{"
     "\"other\":{\"reference\":\"Patient/1\"},\"type\":\"seealso\"}]}"},
    {"Practitioner", "d", "{\"resourceType\":\"Practitioner\",\"id\":\"d\"}"},
    {"Encounter", "e",
     "{\"resourceType\":\"Encounter\",\"id\":\"e\",\"status\":\"finished\","
     "\"class\":{\"code\":\"AMB\"},\"subject\":{\"reference\":\"Patient/1\"},"
     "\"participant\":[{\"individual\":{\"reference\":\"Practitioner/d\"}}]}"},
    {"Observation", "b1",
     "{\"resourceType\":\"Observation\",\"id\":\"b1\",\"status\":\"final\",\"code\":{\"coding\":[{"
     "\"system\":\"http://loinc.org\",\"code\":\"1-1\"}]},\"subject\":{\"reference\":"
     "\"Patient/1\"},\"encounter\":{\"reference\":\"Encounter/e\"},\"device\":{\"reference\":"
     "\"Device/v\"}}"},
    {"Observation", "b2",
     "{\"resourceType\":\"Observation\",\"id\":\"b2\",\"status\":\"final\",\"code\":{\"coding\":[{"
     "\"system\":\"http://loinc.org\",\"code\":\"2-2\"}]},\"subject\":{\"reference\":"
     "\"Patient/2\"},\"performer\":[{\"reference\":\"Patient/1\"},{\"reference\":"
     "\"RelatedPerson/r\"}]}"},
    {"Observation", "b3",
     "{\"resourceType\":\"Observation\",\"id\":\"b3\",\"status\":\"final\",\"code\":{\"coding\":[{"
     "\"system\":\"http://loinc.org\",\"code\":\"1-1\"}]},\"subject\":{\"reference\":"
     "\"Patient/2\"},\"performer\":[{\"reference\":\"Practitioner/d\"}]}"},
    {"Condition", "c",
     "{\"resourceType\":\"Condition\",\"id\":\"c\",\"subject\":{\"reference\":"
     "\"Patient/1\"},\"code\":{\"coding\":[{\"code\":\"1-1\"}]}}"},
    {"RelatedPerson", "r",
     "{\"resourceType\":\"RelatedPerson\",\"id\":\"r\",\"patient\":{"
     "\"reference\":\"Patient/1\"}}"},
    {"Device", "v",
     "{\"resourceType\":\"Device\",\"id\":\"v\",\"patient\":{\"reference\":"
     "\"Patient/2\"}}"},
};

static void setup_ward(void)
{
    setup_store();
    for (size_t i = 0; i < sizeof ward / sizeof *ward; i++) {
        expect_http(update(ward[i][0], ward[i][1], ward[i][2]), 201);
    }
}

/* "Type/id Type/id | Type/id": matches and includes of a Bundle. */
static const char *entries_of(const reply *page)
{
    static char text[4096];
    bool is_behind = false;
    text[0] = '\0';
    int count = items_at(page, "entry");
    for (int i = 0; i < count; i++) {
        char path[64];
        char type[64];
        (void)snprintf(path, sizeof path, "entry.%d.search.mode", i);
        bool is_match = strcmp(text_at(page, path), "match") == 0;
        (void)snprintf(path, sizeof path, "entry.%d.resource.resourceType", i);
        (void)snprintf(type, sizeof type, "%s", text_at(page, path));
        (void)snprintf(path, sizeof path, "entry.%d.resource.id", i);
        size_t at = strlen(text);
        (void)snprintf(text + at, sizeof text - at, "%s%s%s/%s", at > 0 ? " " : "",
                       !is_match && !is_behind ? "| " : "", type, text_at(page, path));
        is_behind = !is_match;
    }
    return text;
}

static void expect_entries(const char *method, const char *url, const char *body, const char *want)
{
    reply page = ask(method, url, body == NULL ? NULL : form, body);
    expect_http(page, 200);
    ck_assert_msg(strcmp(entries_of(&page), want) == 0, "%s %s: %s, not %s", method, url,
                  entries_of(&page), want);
}

/* ---- compartments ---- */

static const char *const compartments[][2] = {
    {"Patient/1/Observation", "Observation/b1 Observation/b2"},
    {"Patient/1/Observation?code=1-1", "Observation/b1"},
    {"Patient/1/Observation?code=http://loinc.org|2-2", "Observation/b2"},
    {"Patient/1/Observation?code:not=1-1", "Observation/b2"},
    {"Patient/1/Observation?_sort=-_id", "Observation/b2 Observation/b1"},
    {"Patient/1/Observation?_include=Observation:subject",
     "Observation/b1 Observation/b2 | Patient/1 Patient/2"},
    {"Patient/1/Condition", "Condition/c"},
    {"Patient/1/Patient", "Patient/1 Patient/2"},
    {"Patient/1/Patient?gender=male", "Patient/2"},
    {"Patient/2/Observation", "Observation/b2 Observation/b3"},
    {"Patient/none/Observation", ""},
    {"Patient/1/*?_type=Condition,RelatedPerson", "RelatedPerson/r Condition/c"},
    {"Patient/1/*?_type=Condition,Observation&code=1-1", "Observation/b1 Condition/c"},
    {"Patient/1/*?_type=Patient", "Patient/1 Patient/2"},
    {"Patient/1/*?_id=1,c", "Patient/1 Condition/c"},
    {"Encounter/e/Observation", "Observation/b1"},
    {"Encounter/e/*", "Encounter/e Observation/b1"},
    {"RelatedPerson/r/Observation", "Observation/b2"},
    {"RelatedPerson/r/*", "RelatedPerson/r Observation/b2"},
    {"Practitioner/d/Observation", "Observation/b3"},
    {"Practitioner/d/Encounter", "Encounter/e"},
    {"Practitioner/d/Patient", "Patient/1"},
    {"Device/v/Observation", "Observation/b1"},
    {"Device/v/*", "Device/v Observation/b1"},
};

START_TEST(each_compartment)
{
    expect_entries("GET", compartments[_i][0], NULL, compartments[_i][1]);
}
END_TEST

START_TEST(all_types_of_a_patient)
{
    reply page = ask("GET", "Patient/1/*?_total=accurate", NULL, NULL);
    expect_http(page, 200);
    expect_text(page, "total", "7");
    ck_assert_int_eq(items_at(&page, "entry"), 7);
    ck_assert(has_text(&page, "/Patient/1/*?_total=accurate\""));
    page = ask("GET", "Patient/1/%2A?_count=0", NULL, NULL);
    expect_text(page, "total", "7");
}
END_TEST

START_TEST(pages_of_a_compartment)
{
    char link[1024];
    int seen = 0;
    const char *base = "Patient/1/*?";
    reply page = ask("GET", "Patient/1/*?_count=3", NULL, NULL);
    for (;;) {
        seen += items_at(&page, "entry");
        const char *next = NULL;
        for (int i = 0; i < items_at(&page, "link"); i++) {
            char path[64];
            (void)snprintf(path, sizeof path, "link.%d.relation", i);
            bool is_next = strcmp(text_at(&page, path), "next") == 0;
            (void)snprintf(path, sizeof path, "link.%d.url", i);
            ck_assert_ptr_nonnull(strstr(text_at(&page, path), base));
            next = is_next ? text_at(&page, path) : next;
        }
        if (next == NULL) {
            break;
        }
        (void)snprintf(link, sizeof link, "%s", strstr(next, "Patient/1/"));
        /* The link is for this compartment only. */
        link[8] = '2';
        expect_http(ask("GET", link, NULL, NULL), 400);
        link[8] = '1';
        page = ask("GET", link, NULL, NULL);
        expect_http(page, 200);
    }
    ck_assert_int_eq(seen, 7);
}
END_TEST

START_TEST(compartments_by_form)
{
    expect_entries("POST", "Patient/1/Observation/_search", "code=1-1", "Observation/b1");
    expect_entries("POST", "Patient/1/Observation/_search?code=1-1", "_id=b1,b2", "Observation/b1");
    expect_entries("POST", "Patient/1/_search", "_id=c", "Condition/c");
    expect_entries("POST", "Patient/1/*/_search", "_type=Condition", "Condition/c");
}
END_TEST

static const struct {
    const char *method;
    const char *url;
    int http;
    const char *says;
} refused[] = {
    {"GET", "Organization/o/Patient", 404, "have compartments"},
    {"GET", "Patient/1/Nonsense", 404, NULL},
    {"GET", "Patient/1/Organization", 400, "holds no resources of type Organization"},
    {"GET", "Encounter/e/Patient", 400, "the Encounter compartment"},
    {"GET", "Patient/1/*?_type=Organization", 400, "'_type' expects types"},
    {"GET", "Patient/b%20d/Observation", 404, NULL},
    {"GET", "Patient/1/Observation/x", 404, NULL},
    {"POST", "Patient/1/Observation", 405, NULL},
    {"PUT", "Patient/1/Observation", 405, NULL},
    {"GET", "Patient/1/_search", 405, NULL},
    {"GET", "Patient/1/Observation?code:exact=1", 400, "'code:exact'"},
    {"GET", "?_type=Nonsense", 400, "'_type' expects resource types"},
    {"GET", "?_type=Patient,Observation&_include:x=Patient:link", 400, "'_include:x'"},
};

START_TEST(what_has_no_compartment)
{
    reply answer = ask(refused[_i].method, refused[_i].url, NULL, NULL);
    expect_http(answer, refused[_i].http);
    expect_text(answer, "resourceType", "OperationOutcome");
    if (refused[_i].says != NULL) {
        ck_assert_msg(has_text(&answer, refused[_i].says), "%s", answer.body);
    }
}
END_TEST

START_TEST(compartments_of_the_typed_calls)
{
    ck_assert_int_eq(count_of("Patient/1/Observation", ""), 2);
    ck_assert_int_eq(count_of("Patient/1/*", ""), 7);
    ck_assert_int_eq(count_of("Patient/1/*", "_type=Observation&code=1-1"), 1);
    reply page = search_page("Patient/1/Observation", "code=1-1");
    ck_assert_str_eq(entries_of(&page), "Observation/b1");
    fhirstore_search *cursor;
    ck_assert_int_eq(
        fhirstore_search_open(session, "Patient/1/*", 11, "_sort=-_id", 10, &cursor, NULL),
        FHIRSTORE_OK);
    int count = 0;
    while (fhirstore_search_next(cursor, NULL) == FHIRSTORE_OK) {
        count++;
    }
    ck_assert_int_eq(count, 7);
    fhirstore_search_close(cursor);
    reply answer = search_page("Patient/1/Organization", "");
    expect_refusal(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL);
    answer = search_page("Patient/1", "");
    expect_status(answer, FHIRSTORE_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_condition_includes_nothing)
{
    reply answer = ask("DELETE", "Patient?gender=male&_include=Patient:link", NULL, NULL);
    expect_http(answer, 400);
    expect_http(read_one("Patient", "2"), 200);
}
END_TEST

START_TEST(a_compartment_in_a_batch)
{
    reply answer = ask("POST", "", NULL,
                       "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{"
                       "\"method\":\"GET\",\"url\":\"Patient/1/Observation?code=1-1\"}}]}");
    expect_http(answer, 200);
    expect_text(answer, "entry.0.resource.entry.0.resource.id", "b1");
}
END_TEST

/* ---- who may see it, and who is told ---- */

typedef struct watcher {
    const char *hidden;
    char asked[4096];
    char told[4096];
} watcher;

static watcher eye;

static fhirstore_status decide(void *ctx, const fhirstore_access_request *request,
                               fhirstore_access_decision *decision)
{
    watcher *self = ctx;
    size_t at = strlen(self->asked);
    (void)snprintf(self->asked + at, sizeof self->asked - at, "%s?%s;", request->type,
                   request->query);
    decision->answer = self->hidden == NULL || strcmp(request->type, self->hidden) != 0
                           ? FHIRSTORE_ACCESS_ALLOW
                           : FHIRSTORE_ACCESS_DENY;
    return FHIRSTORE_OK;
}

static fhirstore_status record(void *ctx, const fhirstore_audit_event *event)
{
    watcher *self = ctx;
    size_t at = strlen(self->told);
    (void)snprintf(self->told + at, sizeof self->told - at, "%s?%s %d;", event->type, event->query,
                   (int)event->count);
    return FHIRSTORE_OK;
}

static void watch(const char *hidden)
{
    eye = (watcher){.hidden = hidden};
    const fhirstore_authorizer authorizer = {
        .struct_size = sizeof authorizer, .ctx = &eye, .authorize = decide};
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .ctx = &eye, .record = record};
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    session = must_enter(store, 0, "Practitioner/7");
}

START_TEST(hidden_types_are_in_no_compartment)
{
    watch("Observation");
    reply page = ask("GET", "Patient/1/*?_total=accurate", NULL, NULL);
    expect_text(page, "total", "5");
    ck_assert(!has_text(&page, "Observation"));
    ck_assert_ptr_nonnull(strstr(eye.asked, "?_compartment=Patient/1&_total=accurate;"));
    ck_assert_str_eq(eye.told, "?_compartment=Patient/1&_total=accurate 5;");
    expect_http(ask("GET", "Patient/1/Observation", NULL, NULL), 403);
    expect_entries("GET", "Patient/1/*?_type=Condition,Observation&code=1-1", NULL, "Condition/c");
    ck_assert_int_eq(count_of("Patient/1/*", "_type=Condition,Observation&code=1-1"), 1);
    ck_assert_int_eq(count_of("", "_type=Condition,Observation&code=1-1"), 1);
}
END_TEST

START_TEST(a_compartment_of_one_who_is_hidden)
{
    watch("Patient");
    expect_entries("GET", "Patient/1/Condition", NULL, "Condition/c");
    reply page = ask("GET", "Patient/1/*", NULL, NULL);
    ck_assert_int_eq(items_at(&page, "entry"), 5);
    ck_assert(!has_text(&page, "\"resourceType\":\"Patient\""));
}
END_TEST

START_TEST(includes_are_asked_for_and_told_of)
{
    watch("Organization");
    expect_entries("GET", "Patient?_id=1&_include=*&_revinclude=Observation:subject", NULL,
                   "Patient/1 | Practitioner/d Observation/b1");
    ck_assert_str_eq(eye.told, "Patient?_id=1&_include=*&_revinclude=Observation:subject 3;");
    ck_assert_ptr_nonnull(strstr(eye.asked, "Organization?"));
    ck_assert_ptr_nonnull(strstr(eye.asked, "Practitioner?"));
}
END_TEST

/* What a patient's own scope lets through: of the types named the patient's compartment, and what
 * belongs to no patient's. */
static const char *const confined[][2] = {
    {"Observation?_include=*&_include:iterate=*",
     "Observation/b1 Observation/b2 | Patient/1 Patient/2 Device/v"},
    {"Patient?_revinclude=*&_include=*",
     "Patient/1 Patient/2 | Device/v Observation/b1 Observation/b2"},
    {"Patient/1/*", "Patient/1 Patient/2 Observation/b1 Observation/b2"},
    {"Patient/2/*", "Patient/2 Observation/b2"},
    {"Patient/2/Observation", "Observation/b2"},
    {"Practitioner/d/Observation", ""},
    {"?_type=Condition,Observation&code=1-1", "Observation/b1"},
    {"?_sort=-_lastUpdated&_id=1,b1,b3,c", "Observation/b1 Patient/1"},
};

START_TEST(a_scope_confines_what_is_included)
{
    static const char claims[] =
        "{\"id\":\"Patient/1\",\"scope\":\"patient/Observation.rs patient/Patient.rs "
        "patient/Device.rs\",\"patient\":\"1\"}";
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.claims = claims;
    options.claims_len = sizeof claims - 1;
    ck_assert_int_eq(fhirstore_set_policy(store, NULL, 0, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    session = NULL;
    ck_assert_int_eq(fhirstore_session_open(store, &options, &session, NULL), FHIRSTORE_OK);
    for (size_t i = 0; i < sizeof confined / sizeof *confined; i++) {
        expect_entries("GET", confined[i][0], NULL, confined[i][1]);
    }
}
END_TEST

START_TEST(a_session_may_want_few_includes)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    options.search_includes = 2;
    fhirstore_session_close(session);
    session = NULL;
    ck_assert_int_eq(fhirstore_session_open(store, &options, &session, NULL), FHIRSTORE_OK);
    int seen = 0;
    char url[1024] = "Patient?_id=1&_revinclude=*";
    for (int pages = 0; url[0] != '\0'; pages++) {
        reply page = ask("GET", url, NULL, NULL);
        expect_http(page, 200);
        ck_assert_int_lt(pages, 10);
        url[0] = '\0';
        for (int i = 0; i < items_at(&page, "entry"); i++) {
            char path[64];
            (void)snprintf(path, sizeof path, "entry.%d.search.mode", i);
            seen += strcmp(text_at(&page, path), "include") == 0;
        }
        for (int i = 0; i < items_at(&page, "link"); i++) {
            char path[64];
            (void)snprintf(path, sizeof path, "link.%d.relation", i);
            bool is_rest = strcmp(text_at(&page, path), "related") == 0;
            (void)snprintf(path, sizeof path, "link.%d.url", i);
            if (is_rest) {
                (void)snprintf(url, sizeof url, "%s", text_at(&page, path));
            }
        }
        ck_assert_int_eq(has_text(&page, "FHS_LIMIT_PAGE_INCLUDES"), url[0] != '\0');
    }
    ck_assert_int_eq(seen, 6);
}
END_TEST

/* ---- every type at once, and forms ---- */

static const char *const systems[][4] = {
    {"GET", "?_type=Patient,Practitioner", NULL, "Practitioner/d Patient/1 Patient/2"},
    {"GET", "/?_type=Patient&_id=1", NULL, "Patient/1"},
    {"GET", "?_id=1,b1", NULL, "Patient/1 Observation/b1"},
    {"GET", "?_type=Patient,Practitioner&_sort=-_lastUpdated", NULL,
     "Practitioner/d Patient/2 Patient/1"},
    {"GET", "?_type=Patient,Practitioner&_sort=_lastUpdated&_count=2", NULL, "Patient/1 Patient/2"},
    {"GET", "?_type=Condition,Observation&code=1-1", NULL,
     "Observation/b1 Observation/b3 Condition/c"},
    {"GET", "?code=1-1&_type=Condition,Observation&subject=Patient/1", NULL,
     "Observation/b1 Condition/c"},
    {"GET", "?_type=Condition,Observation&patient.gender=female", NULL,
     "Observation/b1 Condition/c"},
    {"GET", "?_type=Patient&gender=male", NULL, "Patient/2"},
    {"GET", "?_type=Patient&gender:not=male", NULL, "Patient/1"},
    {"GET", "?_type=Patient&_id=1&_include=Patient:organization", NULL,
     "Patient/1 | Organization/o"},
    {"GET", "?_type=Patient&_revinclude=Condition:patient&_count=1", NULL,
     "Patient/1 | Condition/c"},
    {"POST", "_search", "_type=Patient&_id=1", "Patient/1"},
    {"POST", "_search?_type=Patient", "_id=1%2C2&gender=male", "Patient/2"},
    {"POST", "Patient/_search", "gender=male", "Patient/2"},
    {"POST", "Patient/_search?gender=male", "", "Patient/2"},
    {"POST", "Patient/_search?gender=male", "_id=1", ""},
    {"POST", "Patient/_search", "_id=1&_include=Patient%3Aorganization",
     "Patient/1 | Organization/o"},
};

START_TEST(every_type_and_every_form)
{
    expect_entries(systems[_i][0], systems[_i][1], systems[_i][2], systems[_i][3]);
}
END_TEST

START_TEST(forms_have_their_content_type)
{
    static const char *const urls[] = {"_search", "Patient/_search", "Patient/1/Condition/_search",
                                       "Patient/1/_search"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        expect_http(ask("POST", urls[i], "Content-Type: application/fhir+json", "_id=1"), 415);
        expect_http(ask("POST", urls[i], "Content-Type: application/x-www-form-urlencodedx", ""),
                    415);
        expect_http(ask("POST", urls[i],
                        "Content-Type: Application/X-WWW-Form-Urlencoded; charset=UTF-8", "_id=1"),
                    200);
        expect_http(ask("POST", urls[i], form, "_id=1&_format=xml"), 406);
        expect_http(ask("POST", urls[i], form, "_id=%ff"), 400);
    }
}
END_TEST

START_TEST(types_that_do_not_share_a_parameter)
{
    reply answer = ask("GET", "?_type=Patient,Observation&gender=male", "Prefer: handling=strict",
                       NULL);
    expect_http(answer, 400);
    ck_assert(has_text(&answer, "'gender' is not known for Observation"));
    answer = ask("GET", "?_type=Patient,Observation&gender=male&_id=1", NULL, NULL);
    expect_http(answer, 200);
    ck_assert(has_text(&answer, "'gender' is not known"));
}
END_TEST

START_TEST(the_capability_statement_says_so)
{
    reply answer = ask("GET", "metadata", NULL, NULL);
    expect_http(answer, 200);
    ck_assert(has_text(&answer, "\"compartment\":[\"http://hl7.org/fhir/CompartmentDefinition/"
                                "patient\""));
    ck_assert(has_text(&answer, "\"Patient:organization\""));
    ck_assert(has_text(&answer, "\"Observation:subject\""));
}
END_TEST

int main(void)
{
    SRunner *runner;
    Suite *suite = suite_create("places");
    TCase *tests = tcase_create("places");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup_ward, teardown);
    tcase_add_loop_test(tests, each_compartment, 0,
                        (int)(sizeof compartments / sizeof *compartments));
    tcase_add_test(tests, all_types_of_a_patient);
    tcase_add_test(tests, pages_of_a_compartment);
    tcase_add_test(tests, compartments_by_form);
    tcase_add_loop_test(tests, what_has_no_compartment, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, compartments_of_the_typed_calls);
    tcase_add_test(tests, a_condition_includes_nothing);
    tcase_add_test(tests, a_compartment_in_a_batch);
    tcase_add_test(tests, hidden_types_are_in_no_compartment);
    tcase_add_test(tests, a_compartment_of_one_who_is_hidden);
    tcase_add_test(tests, a_scope_confines_what_is_included);
    tcase_add_test(tests, a_session_may_want_few_includes);
    tcase_add_test(tests, includes_are_asked_for_and_told_of);
    tcase_add_loop_test(tests, every_type_and_every_form, 0,
                        (int)(sizeof systems / sizeof *systems));
    tcase_add_test(tests, forms_have_their_content_type);
    tcase_add_test(tests, types_that_do_not_share_a_parameter);
    tcase_add_test(tests, the_capability_statement_says_so);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
