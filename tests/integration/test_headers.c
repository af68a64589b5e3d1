/* SPDX-License-Identifier: Apache-2.0 */
/* What request headers decide: conditions, media types, preferences, and the headers that answer.
 */
#include <stdio.h>

#include "harness.h"

#define PATIENT "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true}"
#define CHANGED "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":false}"

static void expect_header_is(const reply *answer, const char *name, const char *want)
{
    const char *got = header_of(answer, name);
    ck_assert_msg(want == NULL ? got == NULL : got != NULL && strcmp(got, want) == 0,
                  "%s is %s, wanted %s", name, got == NULL ? "(none)" : got,
                  want == NULL ? "(none)" : want);
}

START_TEST(if_match_star_wants_something_there)
{
    static const char star[] = "If-Match: *";
    static const char merge[] = "If-Match: *\nContent-Type: application/merge-patch+json";
    const char *before = state_of_store();
    reply answer = ask("PUT", "Patient/a", star, PATIENT);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("DELETE", "Patient/a", star, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("PUT", "Patient?identifier=x", star, "{\"resourceType\":\"Patient\"}");
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("DELETE", "Patient?identifier=x", star, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("DELETE", "Patient?identifier=x&_count=3", star, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("PATCH", "Patient/a", merge, "{\"active\":true}");
    expect_no_trace(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL, before);
    answer = ask(
        "POST", "", NULL,
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":" PATIENT
        ",\"request\":{\"method\":\"PUT\",\"url\":\"Patient/a\",\"ifMatch\":\"*\"}}]}");
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);

    expect_http(ask("PUT", "Patient/a", NULL, PATIENT), 201);
    expect_http(ask("PUT", "Patient/a", star, CHANGED), 200);
    expect_http(ask("PATCH", "Patient/a", merge, "{\"active\":true}"), 200);
    expect_http(ask("DELETE", "Patient/a", "If-Match:  * ", NULL), 204);
    before = state_of_store();
    answer = ask("PUT", "Patient/a", star, PATIENT); /* a deletion is nothing current */
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
}
END_TEST

START_TEST(the_typed_form_of_if_match_star)
{
    fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
    fhirstore_response *response;
    fhirstore_error *error;
    options.flags = FHIRSTORE_WRITE_IF_ANY;
    fhirstore_status status = fhirstore_update(session, FHIRSTORE_LIT("Patient"),
                                               FHIRSTORE_LIT("a"), FHIRSTORE_LIT(PATIENT), &options,
                                               &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_PRECONDITION);
    status = fhirstore_delete(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("a"), &options,
                              &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_PRECONDITION);
    options.flags = FHIRSTORE_WRITE_IF_ANY | FHIRSTORE_WRITE_IF_NONE;
    status = fhirstore_update(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("a"),
                              FHIRSTORE_LIT(PATIENT), &options, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_INVALID_ARG);
    expect_status(update("Patient", "a", PATIENT), FHIRSTORE_CREATED);
    options.flags = FHIRSTORE_WRITE_IF_ANY;
    status = fhirstore_update(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("a"),
                              FHIRSTORE_LIT(CHANGED), &options, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_OK);
}
END_TEST

START_TEST(what_is_accepted_is_weighed)
{
    static const struct {
        const char *accept;
        int http;
    } cases[] = {
        {"Accept: application/fhir+json; fhirVersion=4.0", 200},
        {"Accept: application/fhir+json; fhirVersion=4.0.1", 200},
        {"Accept: application/fhir+json; charset=UTF-8; fhirVersion=\"4.0\"", 200},
        {"Accept: application/fhir+json; fhirVersion=5.0", 406},
        {"Accept: application/fhir+json; fhirVersion=4", 200},
        {"Accept: application/fhir+json; fhirVersion=4.", 406},
        {"Accept: application/fhir+json; fhirVersion=4.3, */*", 200},
        {"Accept: application/fhir+json;q=0", 406},
        {"Accept: application/fhir+json;q=0.000, */*", 406},
        {"Accept: application/fhir+json;q=0, application/json", 200},
        {"Accept: application/fhir+json ; q = 0.001", 200},
        {"Accept: application/fhir+xml, application/fhir+json;q=0.1", 200},
        {"Accept: application/fhir+xml;q=1, text/*", 406},
        {"Accept: */*;q=0", 406},
        {"Accept:", 200},
        {"Accept: ,", 406},
        {"Accept: application/fhir+xml\nAccept: application/fhir+json", 200},
        {"Accept: application/fhir+xml\nAccept: text/html", 406},
    };
    expect_http(ask("PUT", "Patient/a", NULL, PATIENT), 201);
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reply answer = ask("GET", "Patient/a", cases[i].accept, NULL);
        ck_assert_msg(answer.http == cases[i].http, "%s: %d", cases[i].accept, (int)answer.http);
        if (cases[i].http == 406) {
            expect_no_trace(&answer, FHIRSTORE_ERR_NOT_ACCEPTABLE, "not-supported", NULL, before);
        }
    }
    expect_http(ask("GET", "Patient/a?_format=json", "Accept: text/html", NULL), 200);
    expect_http(ask("GET", "Patient/a?%5Fformat=xml", NULL, NULL), 406);
    expect_http(ask("GET", "Patient/a?_format=application/fhir%2Bjson;fhirVersion=5.0", NULL, NULL),
                406);
}
END_TEST

START_TEST(what_a_body_comes_as)
{
    static const struct {
        const char *type;
        int http;
    } cases[] = {
        {"Content-Type: application/fhir+json; fhirVersion=4.0", 201},
        {"Content-Type: application/fhir+json; charset=utf-8", 201},
        {"Content-Type: application/fhir+json; charset=\"UTF-8\"", 201},
        {"Content-Type: application/json", 201},
        {"Content-Type: text/json;charset=us-ascii", 201},
        {"Content-Type:", 201},
        {"Content-Type: application/fhir+json; fhirVersion=5.0", 415},
        {"Content-Type: application/fhir+json; charset=iso-8859-1", 415},
        {"Content-Type: application/json; charset=utf-16", 415},
        {"Content-Type: application/fhir+xml", 415},
        {"Content-Type: application/x-www-form-urlencoded", 415},
        {"Content-Type: application/fhir+jsonx", 415},
        {"Content-Type: ;", 415},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *before = state_of_store();
        reply answer = ask("POST", "Patient", cases[i].type, "{\"resourceType\":\"Patient\"}");
        ck_assert_msg(answer.http == cases[i].http, "%s: %d", cases[i].type, (int)answer.http);
        if (cases[i].http == 415) {
            expect_no_trace(&answer, FHIRSTORE_ERR_MEDIA_TYPE, "not-supported", NULL, before);
        }
    }
    expect_http(ask("PUT", "Patient/a", NULL, PATIENT), 201);
    expect_http(ask("PATCH", "Patient/a",
                    "Content-Type: application/json-patch+json; charset=latin1", "[]"),
                415);
}
END_TEST

START_TEST(preferences_are_read_as_they_are_written)
{
    static const struct {
        const char *prefer;
        const char *type; /* of the body; "": none */
    } cases[] = {
        {"Prefer: return=\"minimal\"", ""},
        {"Prefer: return = minimal", ""},
        {"Prefer: return=minimal\nPrefer: handling=strict", ""},
        {"Prefer: return=operationoutcome", "OperationOutcome"},
        {"Prefer: return=nothing", "Patient"},
        {"Prefer: return", "Patient"},
        {"Prefer: handling=lenient, wait=10, return=representation", "Patient"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reply answer = ask("POST", "Patient", cases[i].prefer, "{\"resourceType\":\"Patient\"}");
        expect_http(answer, 201);
        const char *type = answer.body_len == 0 ? "" : text_at(&answer, "resourceType");
        ck_assert_msg(strcmp(type, cases[i].type) == 0, "%s: %s", cases[i].prefer, type);
    }
    expect_http(ask("GET", "Patient?foo=1", "Prefer: handling=lenient", NULL), 200);
    expect_http(ask("GET", "Patient?foo=1", "Prefer: handling=strict", NULL), 400);
    expect_http(ask("GET", "Patient?foo=1", "Prefer: handling=strict, handling=lenient", NULL),
                200);
}
END_TEST

START_TEST(the_version_has_an_address_of_its_own)
{
    static const char first[] = "http://localhost/fhir/Patient/a/_history/1";
    reply answer = ask("PUT", "Patient/a", NULL, PATIENT);
    expect_header_is(&answer, "Location", first);
    expect_header_is(&answer, "Content-Location", first);
    answer = ask("PUT", "Patient/a", NULL, PATIENT); /* unchanged */
    expect_header_is(&answer, "Location", NULL);
    expect_header_is(&answer, "Content-Location", first);
    answer = ask("GET", "Patient/a", NULL, NULL);
    expect_header_is(&answer, "Content-Location", first);
    answer = ask("HEAD", "Patient/a", NULL, NULL);
    expect_header_is(&answer, "Content-Location", first);
    answer = ask("GET", "Patient/a/_history/1", NULL, NULL);
    expect_header_is(&answer, "Content-Location", first);
    answer = ask("GET", "Patient/a", "If-None-Match: W/\"1\"", NULL);
    ck_assert_int_eq(answer.http, 304);
    expect_header_is(&answer, "Content-Location", first);
    answer = ask("PUT", "Patient/a", "Prefer: return=minimal", CHANGED);
    expect_header_is(&answer, "Content-Location", NULL);
    answer = ask("PUT", "Patient/a", "Prefer: return=OperationOutcome", PATIENT);
    expect_header_is(&answer, "Content-Location", NULL);
    answer = ask("GET", "Patient", NULL, NULL);
    expect_header_is(&answer, "Content-Location", NULL);
    answer = ask("GET", "Patient/a/_history", NULL, NULL);
    expect_header_is(&answer, "Content-Location", NULL);
    answer = ask("DELETE", "Patient/a", NULL, NULL);
    expect_header_is(&answer, "Content-Location", NULL);
    answer = ask("GET", "Patient/a", NULL, NULL);
    ck_assert_int_eq(answer.http, 410);
    expect_header_is(&answer, "ETag", "W/\"4\"");
    expect_header_is(&answer, "Content-Location", NULL);
}
END_TEST

START_TEST(entries_of_a_batch_have_conditions_of_their_own)
{
    expect_http(ask("PUT", "Patient/a", NULL, PATIENT), 201);
    reply answer = ask(
        "POST", "", NULL,
        "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":["
        "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/a\",\"ifNoneMatch\":\"W/\\\"1\\\"\"}},"
        "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/a\",\"ifModifiedSince\":"
        "\"2100-01-01T00:00:00Z\"}},"
        "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/a\",\"ifModifiedSince\":"
        "\"Mon, 01 Jan 2100 00:00:00 GMT\"}},"
        "{\"request\":{\"method\":\"HEAD\",\"url\":\"Patient/a\"}},"
        "{\"resource\":" CHANGED
        ",\"request\":{\"method\":\"PUT\",\"url\":\"Patient/a\",\"ifMatch\":"
        "\"*\"}},"
        "{\"resource\":" PATIENT
        ",\"request\":{\"method\":\"PUT\",\"url\":\"Patient/a\",\"ifMatch\":"
        "\"1\"}},"
        "{\"resource\":" PATIENT ",\"request\":{\"method\":\"PUT\",\"url\":\"Patient/a\","
        "\"ifNoneMatch\":\"*\"}}]}");
    expect_http(answer, 200);
    expect_text(answer, "entry.0.response.status", "304 Not Modified");
    expect_text(answer, "entry.1.response.status", "304 Not Modified");
    expect_text(answer, "entry.2.response.status", "400");
    expect_text(answer, "entry.3.response.status", "200 OK");
    expect_nothing_at(answer, "entry.3.resource");
    expect_text(answer, "entry.4.response.status", "200 OK");
    expect_text(answer, "entry.5.response.status", "400");
    expect_text(answer, "entry.6.response.status", "412");
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("headers", setup_store, if_match_star_wants_something_there,
              the_typed_form_of_if_match_star, what_is_accepted_is_weighed, what_a_body_comes_as,
              preferences_are_read_as_they_are_written, the_version_has_an_address_of_its_own,
              entries_of_a_batch_have_conditions_of_their_own),
    };
    return run_groups("headers", groups, 1);
}
