/* SPDX-License-Identifier: Apache-2.0 */
/* The request entry: routes, methods, headers, and the answers of a FHIR server. */
#include <stdio.h>

#include "harness.h"

#define PATIENT_A "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true}"

static void put_a(void)
{
    expect_http(ask("PUT", "Patient/a", NULL, PATIENT_A), 201);
}

/* @a want NULL: there must be no such header. */
static void check_header(const reply *answer, const char *name, const char *want)
{
    const char *got = header_of(answer, name);
    bool fits = want == NULL || got == NULL ? got == want : strcmp(got, want) == 0;
    ck_assert_msg(fits, "%s is %s, wanted %s", name, got == NULL ? "(none)" : got,
                  want == NULL ? "(none)" : want);
}
#define expect_header(answer, name, want) check_header(&(answer), name, want)
#define NONE                              NULL

START_TEST(create_and_update_tell_where_and_which)
{
    clock_us = INT64_C(1700000000654321);
    reply answer = ask("POST", "Patient", NULL, "{\"resourceType\":\"Patient\"}");
    expect_status(answer, FHIRSTORE_OK);
    expect_http(answer, 201);
    char location[160];
    (void)snprintf(location, sizeof location, "http://localhost/fhir/Patient/%s/_history/1",
                   id_of(&answer));
    expect_header(answer, "Location", location);
    expect_header(answer, "ETag", "W/\"1\"");
    expect_header(answer, "Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT");
    expect_header(answer, "Content-Type", "application/fhir+json; charset=utf-8");
    expect_text(answer, "resourceType", "Patient");
    put_a();
    answer = ask("PUT", "Patient/a", NULL, "{\"resourceType\":\"Patient\",\"id\":\"a\"}");
    expect_http(answer, 200);
    expect_header(answer, "ETag", "W/\"2\"");
    expect_header(answer, "Location", "http://localhost/fhir/Patient/a/_history/2");
    answer = ask("PUT", "Patient/a", NULL, "{\"resourceType\":\"Patient\",\"id\":\"a\"}");
    expect_http(answer, 200);
    expect_header(answer, "ETag", "W/\"2\"");
    expect_header(answer, "Location", NONE);
}
END_TEST

START_TEST(read_tells_version_and_time)
{
    put_a();
    reply answer = ask("GET", "Patient/a", NULL, NULL);
    expect_http(answer, 200);
    expect_header(answer, "ETag", "W/\"1\"");
    expect_header(answer, "Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT");
    expect_header(answer, "Location", NONE);
    answer = ask("GET", "Patient/a/_history/1", NULL, NULL);
    expect_http(answer, 200);
    expect_header(answer, "ETag", "W/\"1\"");
    answer = ask("DELETE", "Patient/a", NULL, NULL);
    expect_http(answer, 204);
    ck_assert_uint_eq(answer.body_len, 0);
    expect_header(answer, "ETag", "W/\"2\"");
    expect_header(answer, "Content-Type", NONE);
    answer = ask("GET", "Patient/a", NULL, NULL);
    expect_http(answer, 410);
    expect_header(answer, "ETag", "W/\"2\"");
    expect_text(answer, "resourceType", "OperationOutcome");
    expect_text(answer, "issue.0.code", "deleted");
}
END_TEST

START_TEST(head_is_get_without_its_body)
{
    put_a();
    static const char *const urls[] = {"Patient/a", "Patient/a/_history/1", "Patient?active=true",
                                       "metadata",  "Patient/ghost",        "Nonsense/1"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        reply get = ask("GET", urls[i], NULL, NULL);
        reply head = ask("HEAD", urls[i], NULL, NULL);
        ck_assert_int_eq(get.http, head.http);
        ck_assert_uint_gt(get.body_len, 0);
        ck_assert_uint_eq(head.body_len, 0);
        expect_header(head, "Content-Type", "application/fhir+json; charset=utf-8");
        expect_header(head, "ETag", header_of(&get, "ETag"));
        expect_header(head, "Last-Modified", header_of(&get, "Last-Modified"));
    }
}
END_TEST

START_TEST(what_the_client_has_is_not_sent_again)
{
    clock_us = INT64_C(1700000000654321);
    put_a();
    static const struct {
        const char *headers;
        int http;
    } cases[] = {
        {"If-None-Match: W/\"1\"", 304},
        {"if-none-match: \"1\"", 304},
        {"If-None-Match: *", 304},
        {"If-None-Match: W/\"2\"", 200},
        {"If-None-Match: nonsense", 200},
        {"If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT", 304},
        {"If-Modified-Since: Tue, 14 Nov 2023 22:13:19 GMT", 200},
        {"If-Modified-Since: Wed, 15 Nov 2023 22:13:20 GMT", 304},
        {"If-Modified-Since: whenever", 200},
        {"If-None-Match: W/\"2\"\nIf-Modified-Since: Wed, 15 Nov 2023 22:13:20 GMT", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reply answer = ask("GET", "Patient/a", cases[i].headers, NULL);
        ck_assert_msg(answer.http == cases[i].http, "%s: %d", cases[i].headers, (int)answer.http);
        ck_assert_int_eq(answer.body_len == 0, cases[i].http == 304);
        expect_header(answer, "ETag", "W/\"1\"");
    }
}
END_TEST

START_TEST(if_match_holds_or_refuses)
{
    put_a();
    static const char changed[] = "{\"resourceType\":\"Patient\",\"id\":\"a\"}";
    const char *before = state_of_store();
    reply answer = ask("PUT", "Patient/a", "If-Match: W/\"2\"", changed);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    ck_assert_int_eq(answer.http, 412);
    answer = ask("DELETE", "Patient/a", "If-Match: W/\"2\"", NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    static const char *const malformed[] = {
        "If-Match: 1",
        "If-Match: W/1",
        "If-Match: W/\"\"",
        "If-Match: W/\"x\"",
        "If-Match: W/\"0\"",
        "If-Match: W/\"-1\"",
        "If-Match: W/\"1\", W/\"2\"",
        "If-Match: W/\"99999999999999999999\"",
        "If-Match: \"",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        answer = ask("PUT", "Patient/a", malformed[i], changed);
        expect_no_trace(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL, before);
        ck_assert_int_eq(answer.http, 400);
    }
    expect_http(ask("PUT", "Patient/a", "If-Match: W/\"1\"", changed), 200);
    expect_http(ask("PUT", "Patient/a", "IF-MATCH:   \"2\"  ", PATIENT_A), 200);
    expect_http(ask("DELETE", "Patient/a", "If-Match: W/\"3\"", NULL), 204);
}
END_TEST

START_TEST(if_none_match_star_only_creates)
{
    static const char body[] = "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true}";
    expect_http(ask("PUT", "Patient/a", "If-None-Match: *", body), 201);
    const char *before = state_of_store();
    reply answer = ask("PUT", "Patient/a", "If-None-Match: *",
                       "{\"resourceType\":\"Patient\","
                       "\"id\":\"a\"}");
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("PUT", "Patient/a", "If-None-Match: W/\"7\"", body);
    expect_no_trace(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL, before);
    expect_http(ask("DELETE", "Patient/a", NULL, NULL), 204);
    expect_http(ask("PUT", "Patient/a", "If-None-Match: *", body), 201);
}
END_TEST

START_TEST(prefer_decides_what_comes_back)
{
    reply answer = ask("POST", "Patient", "Prefer: return=minimal",
                       "{\"resourceType\":\"Patient\"}");
    expect_http(answer, 201);
    ck_assert_uint_eq(answer.body_len, 0);
    ck_assert_ptr_nonnull(header_of(&answer, "Location"));
    expect_header(answer, "Content-Type", NONE);
    answer = ask("POST", "Patient", "Prefer: return=OperationOutcome",
                 "{\"resourceType\":\"Patient\"}");
    expect_http(answer, 201);
    expect_text(answer, "resourceType", "OperationOutcome");
    expect_text(answer, "issue.0.severity", "information");
    answer = ask("POST", "Patient", "Prefer: return=representation",
                 "{\"resourceType\":\"Patient\"}");
    expect_text(answer, "resourceType", "Patient");
    answer = ask("PUT", "Patient/a", "Prefer: handling=strict, return=minimal", PATIENT_A);
    expect_http(answer, 201);
    ck_assert_uint_eq(answer.body_len, 0);
    answer = ask("PUT", "Patient/a", "prefer: respond-async; RETURN=Minimal", PATIENT_A);
    expect_http(answer, 200);
    ck_assert_uint_eq(answer.body_len, 0);
    answer = ask("GET", "Patient/a", "Prefer: return=minimal", NULL);
    expect_text(answer, "id", "a");
}
END_TEST

#define PROVENANCE                                                                               \
    "X-Provenance: {\"resourceType\":\"Provenance\",\"target\":[{\"reference\":\"Patient/x\"}]," \
    "\"recorded\":\"2020-01-01T00:00:00Z\",\"agent\":[{\"who\":{\"display\":\"me\"}}]}"

START_TEST(what_is_said_of_a_write_is_stored_with_it)
{
    reply answer = ask("POST", "Patient", PROVENANCE, "{\"resourceType\":\"Patient\"}");
    expect_http(answer, 201);
    char want[96];
    (void)snprintf(want, sizeof want, "Patient/%s/_history/1", id_of(&answer));
    reply found = ask("GET", "Provenance", NULL, NULL);
    expect_text(found, "entry.0.resource.target.0.reference", want);
    expect_text(found, "entry.0.resource.agent.0.who.display", "me");
    ck_assert_int_eq(items_at(&found, "entry.0.resource.target"), 1);
    expect_http(ask("PUT", "Patient/a", PROVENANCE, PATIENT_A), 201);
    ck_assert_int_eq(count_of("Provenance", "target=Patient/a"), 1);
    /* Nothing was written: nothing is to be said of it. */
    expect_http(ask("PUT", "Patient/a", PROVENANCE, PATIENT_A), 200);
    ck_assert_int_eq(count_of("Provenance", "target=Patient/a"), 1);
    expect_http(ask("PATCH", "Patient/a", PROVENANCE "\nContent-Type: application/merge-patch+json",
                    "{\"active\":false}"),
                200);
    expect_http(ask("DELETE", "Patient/a", PROVENANCE, NULL), 204);
    ck_assert_int_eq(count_of("Provenance", "target=Patient/a"), 3);
    expect_sound(store);
}
END_TEST

START_TEST(a_bad_provenance_undoes_the_write)
{
    static const struct {
        const char *header;
        const char *method;
        const char *url;
    } cases[] = {
        {"X-Provenance: {\"resourceType\":\"Provenance\"}", "PUT", "Patient/a"},
        {"X-Provenance: {\"resourceType\":\"Patient\"}", "PUT", "Patient/a"},
        {"X-Provenance: {", "PUT", "Patient/a"},
        {"X-Provenance: 7", "PUT", "Patient/a"},
        {"X-Provenance:", "PUT", "Patient/a"},
        {PROVENANCE, "GET", "Patient/a"},
        {PROVENANCE, "POST", ""},
    };
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply answer = ask(cases[i].method, cases[i].url, cases[i].header, PATIENT_A);
        ck_assert_msg(answer.http == 400, "%s: HTTP %d: %s", cases[i].header, (int)answer.http,
                      answer.body);
        expect_text(answer, "resourceType", "OperationOutcome");
        ck_assert_str_eq(before, state_of_store());
    }
}
END_TEST

START_TEST(a_deletion_tells_its_outcome_when_asked)
{
    put_a();
    reply answer = ask("DELETE", "Patient/a", "Prefer: return=OperationOutcome", NULL);
    expect_http(answer, 200);
    expect_text(answer, "resourceType", "OperationOutcome");
    expect_http(ask("DELETE", "Patient/a", "Prefer: return=minimal", NULL), 204);
}
END_TEST

START_TEST(unknown_search_parameters_are_left_out_or_refused)
{
    put_a();
    reply answer = ask("GET", "Patient?active=true&foo=1", NULL, NULL);
    expect_http(answer, 200);
    expect_text(answer, "total", "1");
    ck_assert_int_eq(items_at(&answer, "entry"), 2);
    expect_text(answer, "entry.1.search.mode", "outcome");
    expect_text(answer, "entry.1.resource.resourceType", "OperationOutcome");
    ck_assert(strstr(text_at(&answer, "entry.1.resource.issue.0.diagnostics"), "foo") != NULL);
    ck_assert_ptr_null(strstr(text_at(&answer, "link.0.url"), "foo"));
    ck_assert_ptr_nonnull(strstr(text_at(&answer, "link.0.url"), "active=true"));
    answer = ask("GET", "Patient?active=true&foo=1", "Prefer: handling=strict", NULL);
    expect_refusal(&answer, FHIRSTORE_ERR_UNKNOWN_PARAM, "not-supported", NULL);
    ck_assert(has_text(&answer, "foo"));
    answer = ask("GET", "Patient?active=true&foo=1", "Prefer: handling=lenient", NULL);
    expect_http(answer, 200);
    answer = ask("POST", "Patient/_search", "Prefer: handling=strict", "foo=1");
    expect_refusal(&answer, FHIRSTORE_ERR_UNKNOWN_PARAM, "not-supported", NULL);
    answer = search_page("Patient", "foo=1");
    expect_refusal(&answer, FHIRSTORE_ERR_UNKNOWN_PARAM, "not-supported", NULL);
    answer = ask("GET", "Patient?birthdate=nonsense", NULL, NULL);
    expect_refusal(&answer, FHIRSTORE_ERR_PARAM_VALUE, "invalid", NULL);
}
END_TEST

START_TEST(searches_by_form)
{
    put_a();
    reply answer = ask("POST", "Patient/_search", "Content-Type: application/x-www-form-urlencoded",
                       "active=true");
    expect_http(answer, 200);
    expect_text(answer, "total", "1");
    answer = ask("POST", "Patient/_search?active=true", NULL, "_id=b");
    expect_text(answer, "total", "0");
    answer = ask("POST", "_search", NULL, "_type=Patient&_id=a");
    expect_http(answer, 200);
    expect_text(answer, "total", "1");
    answer = ask("POST", "Patient/_search", "Content-Type: application/json", "{}");
    expect_refusal(&answer, FHIRSTORE_ERR_MEDIA_TYPE, "not-supported", NULL);
    answer = ask("GET", "Patient/_search?active=true", NULL, NULL);
    expect_text(answer, "total", "1");
}
END_TEST

START_TEST(formats_other_than_json_are_refused)
{
    put_a();
    const char *before = state_of_store();
    static const char *const accepted[] = {
        "Accept: application/fhir+json",
        "Accept: application/json",
        "Accept: */*",
        "Accept: application/*",
        "Accept: text/html, application/fhir+json;q=0.9",
        "Accept: APPLICATION/FHIR+JSON; fhirVersion=4.0",
        "Accept: json",
    };
    static const char *const refused[] = {"Accept: application/fhir+xml", "Accept: text/html",
                                          "Accept: application/fhir+turtle"};
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        expect_http(ask("GET", "Patient/a", accepted[i], NULL), 200);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        reply answer = ask("GET", "Patient/a", refused[i], NULL);
        expect_no_trace(&answer, FHIRSTORE_ERR_NOT_ACCEPTABLE, "not-supported", NULL, before);
        ck_assert_int_eq(answer.http, 406);
    }
    reply answer = ask("POST", "Patient", "Content-Type: application/fhir+xml", "<Patient/>");
    expect_no_trace(&answer, FHIRSTORE_ERR_MEDIA_TYPE, "not-supported", NULL, before);
    ck_assert_int_eq(answer.http, 415);
    answer = ask("PUT", "Patient/a", "Content-Type: text/plain", PATIENT_A);
    expect_no_trace(&answer, FHIRSTORE_ERR_MEDIA_TYPE, "not-supported", NULL, before);
    answer = ask("POST", "", "Content-Type: application/xml", "<Bundle/>");
    expect_no_trace(&answer, FHIRSTORE_ERR_MEDIA_TYPE, "not-supported", NULL, before);
    expect_http(ask("PUT", "Patient/a", "Content-Type: application/json; charset=utf-8", PATIENT_A),
                200);
    static const char *const formats[] = {"Patient/a?_format=xml",
                                          "Patient/a?_format=application/fhir%2Bxml",
                                          "Patient?_format=ttl", "metadata?_format=html"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        answer = ask("GET", formats[i], NULL, NULL);
        expect_no_trace(&answer, FHIRSTORE_ERR_NOT_ACCEPTABLE, "not-supported", NULL, before);
    }
    expect_http(ask("GET", "Patient/a?_format=json", NULL, NULL), 200);
    expect_http(ask("GET", "Patient/a?_format=application/fhir%2Bjson", NULL, NULL), 200);
    expect_http(ask("GET", "Patient/a?_format=application/fhir+json", NULL, NULL), 200);
    expect_http(ask("GET", "Patient?_format=json&active=true", NULL, NULL), 200);
}
END_TEST

START_TEST(addresses_and_methods_that_do_not_fit)
{
    put_a();
    static const struct {
        const char *method;
        const char *url;
        int http;
    } cases[] = {
        {"GET", "Nonsense/1", 404},
        {"GET", "Nonsense", 404},
        {"GET", "Patient/a/b", 404},
        {"GET", "Patient/a/_history/1/x", 404},
        {"GET", "Patient//a", 404},
        {"GET", "_nonsense", 404},
        {"GET", "metadata/x", 404},
        {"GET", "Patient/_nonsense", 404},
        {"GET", "Patient/a/_history/x", 404},
        {"GET", "Patient/a/_history/0", 404},
        {"GET", "Patient/a/_history/-1", 404},
        {"POST", "Patient/a", 405},
        {"PUT", "Patient", 400},
        {"DELETE", "Patient", 412},
        {"PUT", "Patient/a/_history/1", 405},
        {"DELETE", "Patient/a/_history/1", 405},
        {"POST", "_history", 405},
        {"PUT", "", 405},
        {"DELETE", "", 405},
        {"POST", "metadata", 405},
        {"GET", "_search", 405},
        {"BREW", "Patient/a", 405},
        {"", "Patient/a", 405},
        {"get", "Patient/a", 405},
        {"PUT", "Patient/_search", 405},
        {"GET", "http://elsewhere/fhir/Patient/a", 404},
        {"GET", "http://localhost/fhirx/Patient/a", 404},
    };
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reply answer = ask(cases[i].method, cases[i].url, NULL, NULL);
        ck_assert_msg(answer.http == cases[i].http, "%s %s: %d", cases[i].method, cases[i].url,
                      (int)answer.http);
        expect_text(answer, "resourceType", "OperationOutcome");
        expect_text(answer, "issue.0.severity", "error");
    }
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(a_refused_method_is_answered_with_the_allowed_ones)
{
    static const struct {
        const char *method;
        const char *url;
        const char *first; /* of what is allowed */
        const char *not_allowed;
    } cases[] = {
        {"POST", "Patient/a", "GET, HEAD, PUT", "POST"},
        {"BREW", "Patient/a", "GET, HEAD, PUT", "POST"},
        {"BREW", "Patient", "GET, HEAD, POST, PUT", "BREW"},
        {"PUT", "Patient/a/_history/1", "GET, HEAD", "PUT"},
        {"POST", "metadata", "GET, HEAD", "POST"},
        {"GET", "_search", "POST", "GET"},
        {"DELETE", "", "GET, HEAD, POST", "DELETE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reply answer = ask(cases[i].method, cases[i].url, NULL, NULL);
        const char *allow = header_of(&answer, "Allow");
        ck_assert_int_eq(answer.http, 405);
        ck_assert_ptr_nonnull(allow);
        ck_assert_msg(strncmp(allow, cases[i].first, strlen(cases[i].first)) == 0, "%s: %s",
                      cases[i].url, allow);
        ck_assert_msg(strstr(allow, cases[i].not_allowed) == NULL, "%s: %s", cases[i].url, allow);
    }
    reply answer = ask("GET", "Patient/a", NULL, NULL);
    ck_assert_ptr_null(header_of(&answer, "Allow"));
}
END_TEST

START_TEST(addresses_below_the_base_are_understood)
{
    put_a();
    static const char *const urls[] = {"Patient/a", "/Patient/a", "http://localhost/fhir/Patient/a",
                                       "http://localhost/fhir/Patient/a?_pretty=true"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        expect_http(ask("GET", urls[i], NULL, NULL), 200);
    }
    expect_http(ask("GET", "http://localhost/fhir/metadata", NULL, NULL), 200);
    expect_text(ask("GET", "http://localhost/fhir?_type=Patient", NULL, NULL), "type", "searchset");
    expect_text(ask("GET", "http://localhost/fhir/?_type=Patient", NULL, NULL), "type",
                "searchset");
    expect_text(ask("GET", "", NULL, NULL), "type", "searchset");
    expect_text(ask("GET", "/", NULL, NULL), "type", "searchset");
}
END_TEST

START_TEST(a_store_has_the_base_url_it_is_given)
{
    fhirstore_open_options options = open_options();
    options.base_url = "https://clinic.example/r4/";
    options.base_url_len = strlen(options.base_url);
    fhirstore_session_close(session);
    fhirstore_close(store);
    /* Once created, a store has no other. */
    fhirstore_error *error = NULL;
    ck_assert_int_eq(fhirstore_open(store_path, strlen(store_path), &options, &store, &error),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_ptr_nonnull(strstr(fhirstore_error_message(error), "base_url"));
    fhirstore_error_free(error);
    store = must_open(in_folder("clinic"), &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    reply answer = ask("PUT", "https://clinic.example/r4/Patient/a", NULL, PATIENT_A);
    expect_http(answer, 201);
    expect_header(answer, "Location", "https://clinic.example/r4/Patient/a/_history/1");
    expect_http(ask("GET", "http://localhost/fhir/Patient/a", NULL, NULL), 404);
    /* References below it are relative ones. */
    expect_http(ask("PUT", "Observation/o", NULL,
                    "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":"
                    "{\"text\":\"x\"},\"subject\":{\"reference\":"
                    "\"https://clinic.example/r4/Patient/a\"}}"),
                201);
    ck_assert_int_eq(count_of("Observation", "subject=Patient/a"), 1);
    ck_assert_int_eq(count_of("Observation", "subject=https://clinic.example/r4/Patient/a"), 1);
    answer = ask("GET", "Observation?subject=Patient/a", NULL, NULL);
    expect_text(answer, "entry.0.fullUrl", "https://clinic.example/r4/Observation/o");
    ck_assert(has_text(&answer, "\"reference\":\"https://clinic.example/r4/Patient/a\""));
}
END_TEST

START_TEST(a_session_is_told_where_its_clients_find_the_store)
{
    fhirstore_session *inside = session;
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    options.link_base = "https://public.example:8443/r4/";
    options.link_base_len = strlen(options.link_base);
    put_a();
    ck_assert_int_eq(fhirstore_session_open(store, &options, &session, &error), FHIRSTORE_OK);
    reply answer = ask("PUT", "Patient/b", NULL, "{\"resourceType\":\"Patient\",\"id\":\"b\"}");
    expect_header(answer, "Location", "https://public.example:8443/r4/Patient/b/_history/1");
    answer = ask("GET", "Patient?_count=1", NULL, NULL);
    expect_text(answer, "entry.0.fullUrl", "https://public.example:8443/r4/Patient/a");
    expect_text(answer, "link.0.url", "https://public.example:8443/r4/Patient?_count=1");
    expect_text(answer, "link.2.relation", "next");
    answer = ask("GET", text_at(&answer, "link.2.url"), NULL, NULL);
    expect_text(answer, "entry.0.fullUrl", "https://public.example:8443/r4/Patient/b");
    answer = ask("GET", "Patient/a/_history", NULL, NULL);
    expect_text(answer, "entry.0.fullUrl", "https://public.example:8443/r4/Patient/a");
    expect_text(answer, "link.0.url",
                "https://public.example:8443/r4/Patient/a/_history?_count=100");
    /* What its clients call by that address is found. */
    expect_status(update("Observation", "o",
                         "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\","
                         "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/a\"}}"),
                  FHIRSTORE_CREATED);
    expect_text(
        ask("GET", "Observation?subject=https://public.example:8443/r4/Patient/a", NULL, NULL),
        "entry.0.resource.id", "o");
    expect_text(ask("GET", "Observation?subject=http://localhost/fhir/Patient/a", NULL, NULL),
                "entry.0.resource.id", "o");
    fhirstore_session_close(session);
    session = inside;
    expect_text(ask("GET", "Patient/a/_history", NULL, NULL), "entry.0.fullUrl",
                "http://localhost/fhir/Patient/a");
    static const char *const refused[] = {"public.example", "ftp://x", "http://", "http://x/?a"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        fhirstore_session *none = NULL;
        options.link_base = refused[i];
        options.link_base_len = strlen(refused[i]);
        ck_assert_int_eq(fhirstore_session_open(store, &options, &none, &error),
                         FHIRSTORE_ERR_INVALID_ARG);
        ck_assert_ptr_nonnull(strstr(fhirstore_error_message(error), "link_base"));
        fhirstore_error_free(error);
    }
}
END_TEST

START_TEST(the_capability_statement_tells_what_is_there)
{
    reply answer = ask("GET", "metadata", NULL, NULL);
    expect_http(answer, 200);
    expect_text(answer, "resourceType", "CapabilityStatement");
    expect_text(answer, "fhirVersion", "4.0.1");
    expect_text(answer, "status", "active");
    expect_text(answer, "kind", "instance");
    expect_text(answer, "rest.0.mode", "server");
    ck_assert_int_gt(items_at(&answer, "rest.0.resource"), 140);
    expect_text(answer, "rest.0.resource.0.interaction.0.code", "read");
    /* It is a resource that the store itself takes. */
    reply kept = create("CapabilityStatement", answer.body);
    expect_status(kept, FHIRSTORE_CREATED);
}
END_TEST

START_TEST(an_endless_address_is_refused)
{
    size_t len = 70000;
    char *url = malloc(len + 16);
    ck_assert_ptr_nonnull(url);
    (void)strcpy(url, "Patient?name=");
    memset(url + 13, 'a', len);
    url[len] = '\0';
    reply answer = ask("GET", url, NULL, NULL);
    expect_refusal(&answer, FHIRSTORE_ERR_LIMIT, "too-costly", NULL);
    ck_assert_int_eq(answer.http, 413);
    ck_assert(has_text(&answer, "FHS_LIMIT_URL_BYTES"));
    free(url);
}
END_TEST

START_TEST(an_id_that_is_none_is_told)
{
    reply answer = ask("PUT", "Patient/a_b", NULL, "{\"resourceType\":\"Patient\"}");
    expect_refusal(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "value", "Resource.id");
    answer = ask("DELETE", "Patient/a_b", NULL, NULL);
    expect_refusal(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "value", "Resource.id");
    answer = ask("GET", "Patient/a_b", NULL, NULL);
    expect_refusal(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL);
}
END_TEST

START_TEST(null_arguments_of_a_request)
{
    fhirstore_response *response;
    fhirstore_header header = {NULL, 4, "x", 1};
    ck_assert_int_eq(
        fhirstore_request(session, "GET", 3, "metadata", 8, NULL, 1, NULL, 0, &response, NULL),
        FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(
        fhirstore_request(session, "GET", 3, "metadata", 8, &header, 1, NULL, 0, &response, NULL),
        FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(
        fhirstore_request(session, "GET", 3, "metadata", 8, NULL, 0, NULL, 9, &response, NULL),
        FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(
        fhirstore_request(session, NULL, 3, "metadata", 8, NULL, 0, NULL, 0, &response, NULL),
        FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(
        fhirstore_request(session, "GET", 3, "metadata", 8, NULL, 0, NULL, 0, NULL, NULL),
        FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_ptr_null(response);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("request", setup_clocked_store, create_and_update_tell_where_and_which,
              read_tells_version_and_time, head_is_get_without_its_body,
              what_the_client_has_is_not_sent_again, if_match_holds_or_refuses,
              if_none_match_star_only_creates, prefer_decides_what_comes_back,
              what_is_said_of_a_write_is_stored_with_it, a_bad_provenance_undoes_the_write,
              a_deletion_tells_its_outcome_when_asked,
              unknown_search_parameters_are_left_out_or_refused, searches_by_form,
              formats_other_than_json_are_refused, addresses_and_methods_that_do_not_fit,
              addresses_below_the_base_are_understood,
              a_refused_method_is_answered_with_the_allowed_ones,
              a_store_has_the_base_url_it_is_given,
              a_session_is_told_where_its_clients_find_the_store,
              the_capability_statement_tells_what_is_there, an_endless_address_is_refused,
              an_id_that_is_none_is_told, null_arguments_of_a_request),
    };
    return run_groups("request", groups, 1);
}
