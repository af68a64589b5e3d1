/* SPDX-License-Identifier: Apache-2.0 */
/* transaction and batch: order, links, all or nothing, each for itself. */
#include <stdio.h>

#include "harness.h"

#define BUNDLE(type, entries) \
    "{\"resourceType\":\"Bundle\",\"type\":\"" type "\",\"entry\":[" entries "]}"
#define REQUEST(method, url) "\"request\":{\"method\":\"" method "\",\"url\":\"" url "\"}"
#define PUT_PATIENT(id)                                        \
    "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"" id \
    "\"}," REQUEST("PUT", "Patient/" id) "}"
#define URN(n) "urn:uuid:00000000-0000-4000-8000-00000000000" n

static reply run(const char *bundle)
{
    return ask("POST", "", NULL, bundle);
}

START_TEST(links_are_rewritten_where_links_stand)
{
    /* clang-format off */
    reply answer = run(BUNDLE("transaction",
        "{\"fullUrl\":\"" URN("1")
        "\",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"mine\","
        "\"name\":[{\"family\":\"" URN("1") "\"}],\"identifier\":[{\"system\":\"" URN("1") "\","
        "\"value\":\"" URN("1") "\"}],\"generalPractitioner\":[{\"reference\":\"" URN("2") "\","
        "\"display\":\"" URN("2") "\",\"identifier\":{\"value\":\"" URN("2") "\"}}],"
        "\"extension\":[{\"url\":\"http://e\",\"valueReference\":{\"reference\":\"" URN("2")
        "\"}},"
        "{\"url\":\"http://f\",\"valueUri\":\"" URN("2") "\"},"
        "{\"url\":\"http://g\",\"valueUrl\":\"" URN("2") "\"},"
        "{\"url\":\"http://h\",\"valueCanonical\":\"" URN("2") "\"},"
        "{\"url\":\"http://i\",\"valueString\":\"" URN("2") "\"},"
        "{\"url\":\"http://j\",\"valueUuid\":\"" URN("2") "\"},"
        "{\"url\":\"http://k\",\"valueMarkdown\":\"" URN("2") "\"}],"
        "\"contained\":[{\"resourceType\":\"Organization\",\"id\":\"o\",\"name\":\"" URN("2")
        "\"," "\"partOf\":{\"reference\":\"" URN("2") "\"}}]},"
        REQUEST("POST", "Patient") "},"
        "{\"fullUrl\":\"" URN("2")
        "\",\"resource\":{\"resourceType\":\"Practitioner\",\"id\":\"p\"},"
        REQUEST("PUT", "Practitioner/p") "},"
        "{\"fullUrl\":\"" URN("3") "\",\"resource\":{\"resourceType\":\"Observation\",\"status\":"
        "\"final\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"" URN("1") "\"},"
        "\"derivedFrom\":[{\"reference\":\"" URN("9") "\"}]},"
        REQUEST("POST", "Observation") "}"));
    /* clang-format on */
    expect_http(answer, 200);
    expect_text(answer, "type", "transaction-response");
    ck_assert_int_eq(items_at(&answer, "entry"), 3);
    expect_text(answer, "entry.0.response.status", "201 Created");
    expect_text(answer, "entry.0.response.etag", "W/\"1\"");
    reply found = search_page("Patient", "");
    expect_text(found, "total", "1");
    const char *id = text_at(&found, "entry.0.resource.id");
    ck_assert_uint_eq(strlen(id), 36);
    char location[128];
    (void)snprintf(location, sizeof location, "Patient/%s/_history/1", id);
    expect_text(answer, "entry.0.response.location", location);
    reply patient = read_one("Patient", id);
    expect_text(patient, "generalPractitioner.0.reference", "Practitioner/p");
    expect_text(patient, "generalPractitioner.0.display", URN("2"));
    expect_text(patient, "generalPractitioner.0.identifier.value", URN("2"));
    expect_text(patient, "name.0.family", URN("1"));
    expect_text(patient, "identifier.0.value", URN("1"));
    expect_text(patient, "extension.0.valueReference.reference", "Practitioner/p");
    expect_text(patient, "extension.1.valueUri", "Practitioner/p");
    expect_text(patient, "extension.2.valueUrl", "Practitioner/p");
    expect_text(patient, "extension.3.valueCanonical", URN("2"));
    expect_text(patient, "extension.4.valueString", URN("2"));
    expect_text(patient, "extension.5.valueUuid", "Practitioner/p");
    expect_text(patient, "extension.6.valueMarkdown", URN("2"));
    expect_text(patient, "contained.0.name", URN("2"));
    expect_text(patient, "contained.0.partOf.reference", "Practitioner/p");
    (void)snprintf(location, sizeof location, "subject=Patient/%s", id);
    ck_assert_int_eq(count_of("Observation", location), 1);
    /* Nobody has said where this one leads. */
    ck_assert(has_text(&(reply){.body = search_page("Observation", "").body}, URN("9")));
    ck_assert_int_eq(count_of("Patient", "general-practitioner=Practitioner/p"), 1);
    expect_sound(store);
}
END_TEST

START_TEST(entries_may_refer_to_each_other_in_a_circle)
{
    /* clang-format off */
    expect_http(run(BUNDLE( "transaction",
        "{\"fullUrl\":\"" URN("1") "\",\"resource\":{\"resourceType\":"
        "\"Organization\",\"name\":\"a\",\"partOf\":{\"reference\":\"" URN("2") "\"}},"
        REQUEST("POST", "Organization") "},"
        "{\"fullUrl\":\"" URN("2")
        "\",\"resource\":{\"resourceType\":\"Organization\",\"name\":\"b\","
        "\"partOf\":{\"reference\":\"" URN("1") "\"}},"
        REQUEST("POST", "Organization") "}")), 200);
    /* clang-format on */
    reply all = search_page("Organization", "_sort=name");
    char query[128];
    (void)snprintf(query, sizeof query, "partof=%s&name=b", text_at(&all, "entry.0.resource.id"));
    ck_assert_int_eq(count_of("Organization", query), 1);
    (void)snprintf(query, sizeof query, "partof=%s&name=a", text_at(&all, "entry.1.resource.id"));
    ck_assert_int_eq(count_of("Organization", query), 1);
}
END_TEST

START_TEST(relative_references_follow_their_server)
{
    expect_http(
        run(BUNDLE(
            "transaction",
            "{\"fullUrl\":\"http://old.example/fhir/Patient/77\",\"resource\":"
            "{\"resourceType\":\"Patient\",\"id\":\"77\"}," REQUEST(
                "POST",
                "Patient") "},{\"fullUrl\":\"http://old.example/fhir/Observation/1\",\"resource\":"
                           "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{"
                           "\"text\":"
                           "\"x\"},\"subject\":{\"reference\":\"Patient/77\"},\"focus\":[{"
                           "\"reference\":\"http://old.example/fhir/Patient/77\"},{\"reference\":"
                           "\"Patient/78\"}]}," REQUEST("POST", "Observation") "}")),
        200);
    reply patient = search_page("Patient", "");
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "Patient/%s", text_at(&patient, "entry.0.resource.id"));
    reply found = search_page("Observation", "");
    expect_text(found, "entry.0.resource.subject.reference", wanted);
    expect_text(found, "entry.0.resource.focus.0.reference", wanted);
    expect_text(found, "entry.0.resource.focus.1.reference", "Patient/78");
}
END_TEST

START_TEST(deletes_come_first_then_creates_updates_reads)
{
    expect_status(update("Patient", "gone", "{\"resourceType\":\"Patient\",\"id\":\"gone\"}"),
                  FHIRSTORE_CREATED);
    reply answer = run(
        BUNDLE("transaction",
               "{" REQUEST("GET", "Patient/new") "}," PUT_PATIENT(
                   "new") ","
                          "{\"resource\":{\"resourceType\":\"Patient\"}," REQUEST(
                              "POST", "Patient") "},{" REQUEST("DELETE", "Patient/gone") "}"));
    expect_http(answer, 200);
    expect_text(answer, "entry.0.resource.id", "new");
    expect_text(answer, "entry.0.response.status", "200 OK");
    expect_text(answer, "entry.1.response.status", "201 Created");
    expect_text(answer, "entry.2.response.status", "201 Created");
    expect_text(answer, "entry.3.response.status", "204 No Content");
    expect_text(answer, "entry.3.response.etag", "W/\"2\"");
    reply all = history("", "", "");
    expect_text(all, "entry.0.request.method", "PUT");
    expect_text(all, "entry.1.request.method", "POST");
    expect_text(all, "entry.2.request.method", "DELETE");
    expect_text(all, "total", "4");
}
END_TEST

START_TEST(one_bad_entry_undoes_all_and_is_named)
{
    static const struct {
        const char *entry;
        fhirstore_status status;
        const char *code;
        const char *expression;
    } cases[] = {
        {"{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"c\",\"active\":\"yes\"}," REQUEST(
             "PUT", "Patient/c") "}",
         FHIRSTORE_ERR_INVALID_RESOURCE, NULL, "Bundle.entry[1].resource.active"},
        {"{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"d\"}," REQUEST("PUT",
                                                                              "Patient/c") "}",
         FHIRSTORE_ERR_ID_MISMATCH, "invalid", "Bundle.entry[1].resource.id"},
        {"{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"c\",\"x\":01}," REQUEST(
             "PUT", "Patient/c") "}",
         FHIRSTORE_ERR_JSON, "invalid", "Bundle.entry[1]"},
        {"{\"resource\":{\"resourceType\":\"Group\",\"id\":\"c\"}," REQUEST("PUT", "Patient/c") "}",
         FHIRSTORE_ERR_INVALID_RESOURCE, NULL, NULL},
        {"{" REQUEST("PUT", "Patient/c") "}", FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[1]"},
        {"{\"resource\":{\"resourceType\":\"Patient\"}}", FHIRSTORE_ERR_BUNDLE, "invalid",
         "Bundle.entry[1]"},
        {"{\"resource\":{\"resourceType\":\"Patient\"},\"request\":{\"method\":\"POST\"}}",
         FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[1]"},
        {"{" REQUEST("GET", "Patient/ghost") "}", FHIRSTORE_ERR_NOT_FOUND, "not-found",
         "Bundle.entry[1]"},
        {"{" REQUEST("GET", "Nonsense/1") "}", FHIRSTORE_ERR_UNKNOWN_TYPE, "not-supported",
         "Bundle.entry[1]"},
        {"{" REQUEST("PATCH", "Patient/a") "}", FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[1]"},
        {"{\"resource\":" BUNDLE("batch", "") "," REQUEST("POST", "") "}", FHIRSTORE_ERR_BUNDLE,
         "invalid", "Bundle.entry[1]"},
        {"{" REQUEST("GET", "metadata?mode=nonsense") "}", FHIRSTORE_ERR_PARAM_VALUE, "invalid",
         "Bundle.entry[1]"},
        {"{" REQUEST("GET", "Patient/ghost/_history") "}", FHIRSTORE_ERR_NOT_FOUND, "not-found",
         "Bundle.entry[1]"},
        {"{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true},\"request\":"
         "{\"method\":\"PUT\",\"url\":\"Patient/a\",\"ifMatch\":\"W/\\\"7\\\"\"}}",
         FHIRSTORE_ERR_PRECONDITION, "conflict", "Bundle.entry[1]"},
        {"{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true},\"request\":"
         "{\"method\":\"PUT\",\"url\":\"Patient/a\",\"ifMatch\":\"7\"}}",
         FHIRSTORE_ERR_QUERY, "invalid", "Bundle.entry[1]"},
        {"{\"resource\":{\"resourceType\":\"Patient\"},\"request\":{\"method\":\"POST\",\"url\":"
         "\"Patient\",\"ifNoneExist\":\"nonsense=1\"}}",
         FHIRSTORE_ERR_UNKNOWN_PARAM, "not-supported", "Bundle.entry[1]"},
        {PUT_PATIENT("b"), FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[1]"},
        {"{" REQUEST("DELETE", "Patient/b") "}", FHIRSTORE_ERR_BUNDLE, "invalid",
         "Bundle.entry[1]"},
        {"7", FHIRSTORE_ERR_JSON, "invalid", "Bundle.entry[1]"},
        {"[]", FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[1]"},
        {"{\"request\":[]}", FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[1]"},
        {"{\"fullUrl\":7}", FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[1]"},
        {"{\"nonsense\":7}", FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[1]"},
        {"{\"request\":{},\"request\":{}}", FHIRSTORE_ERR_JSON_DUPLICATE, "invalid",
         "Bundle.entry[1]"},
        {"{\"search\":{\"mode\":tru}}", FHIRSTORE_ERR_JSON, "invalid", "Bundle.entry[1]"},
        {"{\"fullUrl\":\"\\ud800\"}", FHIRSTORE_ERR_JSON_STRING, "invalid", "Bundle.entry[1]"},
    };
    expect_status(update("Patient", "a", "{\"resourceType\":\"Patient\",\"id\":\"a\"}"),
                  FHIRSTORE_CREATED);
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bundle[2048];
        (void)snprintf(
            bundle, sizeof bundle,
            "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" PUT_PATIENT(
                "b") ",%s," PUT_PATIENT("e") "]}",
            cases[i].entry);
        reply answer = run(bundle);
        ck_assert_msg(answer.http == fhirstore_status_http(cases[i].status), "%s: HTTP %d: %s",
                      cases[i].entry, (int)answer.http, answer.body);
        expect_no_trace(&answer, cases[i].status,
                        cases[i].code == NULL ? text_at(&answer, "issue.0.code") : cases[i].code,
                        cases[i].expression, before);
        ck_assert_ptr_nonnull(strstr(text_at(&answer, "issue.0.expression.0"), "Bundle.entry[1]"));
    }
    expect_sound(store);
}
END_TEST

START_TEST(positions_are_those_of_the_bundle)
{
    reply answer = run("{\n\"resourceType\":\"Bundle\",\n\"type\":\"transaction\",\n\"entry\":[\n"
                       "{\"resource\":{\"resourceType\":\"Patient\",\n  \"active\": troo}," REQUEST(
                           "POST", "Patient") "}]}");
    expect_refusal(&answer, FHIRSTORE_ERR_JSON, "invalid", "Bundle.entry[0]");
    const char *where = text_at(&answer, "issue.0.location.0");
    ck_assert_msg(where != NULL && strncmp(where, "line 6, column 1", 16) == 0, "%s", where);
    answer = run("{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\n\"entry\":[{]}");
    expect_refusal(&answer, FHIRSTORE_ERR_JSON, "invalid", "Bundle.entry[0]");
    where = text_at(&answer, "issue.0.location.0");
    ck_assert_msg(where != NULL && strncmp(where, "line 2, column 11", 17) == 0, "%s", where);
}
END_TEST

START_TEST(what_is_no_bundle_to_execute)
{
    static const struct {
        const char *body;
        fhirstore_status status;
        const char *code;
    } cases[] = {
        {"", FHIRSTORE_ERR_JSON, "invalid"},
        {"{", FHIRSTORE_ERR_JSON, "invalid"},
        {"[]", FHIRSTORE_ERR_BUNDLE, "invalid"},
        {"{}", FHIRSTORE_ERR_BUNDLE, "invalid"},
        {"7", FHIRSTORE_ERR_JSON, "invalid"},
        {"{\"resourceType\":\"Patient\"}", FHIRSTORE_ERR_BUNDLE, "invalid"},
        {"{\"resourceType\":\"Bundle\"}", FHIRSTORE_ERR_BUNDLE, "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"collection\"}", FHIRSTORE_ERR_BUNDLE, "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":7}", FHIRSTORE_ERR_BUNDLE, "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":{}}",
         FHIRSTORE_ERR_BUNDLE, "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[]} x",
         FHIRSTORE_ERR_JSON, "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[],\"entry\":[]}",
         FHIRSTORE_ERR_JSON_DUPLICATE, "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[],}", FHIRSTORE_ERR_JSON,
         "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" PUT_PATIENT("x") ",]}",
         FHIRSTORE_ERR_JSON, "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"total\":01}", FHIRSTORE_ERR_JSON,
         "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"nonsense\":1}",
         FHIRSTORE_ERR_BUNDLE, "invalid"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"id\":\"\xff\"}",
         FHIRSTORE_ERR_JSON_UTF8, "invalid"},
        {BUNDLE(
             "transaction",
             "{\"fullUrl\":\"" URN("1") "\",\"resource\":{\"resourceType\":\"Patient\"}," REQUEST(
                 "POST",
                 "Patient") "},{\"fullUrl\":\"" URN("1") "\",\"resource\":"
                                                         "{\"resourceType\":\"Patient\"}," REQUEST(
                                                             "POST", "Patient") "}"),
         FHIRSTORE_ERR_BUNDLE, "invalid"},
    };
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reply answer = run(cases[i].body);
        ck_assert_msg(answer.http == fhirstore_status_http(cases[i].status), "%s: HTTP %d: %s",
                      cases[i].body, (int)answer.http, answer.body);
        expect_no_trace(&answer, cases[i].status, cases[i].code, NULL, before);
    }
}
END_TEST

START_TEST(empty_bundles_are_answered)
{
    reply answer = run("{\"resourceType\":\"Bundle\",\"type\":\"transaction\"}");
    expect_http(answer, 200);
    expect_text(answer, "type", "transaction-response");
    expect_nothing_at(answer, "entry");
    answer = run(BUNDLE("transaction", ""));
    expect_http(answer, 200);
    answer = run(BUNDLE("batch", ""));
    expect_http(answer, 200);
    expect_text(answer, "type", "batch-response");
    expect_nothing_at(answer, "entry");
}
END_TEST

START_TEST(slashes_may_be_escaped)
{
    reply answer = run(BUNDLE(
        "transaction", "{\"fullUrl\":\"http:\\/\\/x\\/Patient\\/1\",\"resource\":{"
                       "\"resourceType\":\"Patient\",\"id\":\"esc\"},\"request\":{\"method\":"
                       "\"P\\u0055T\",\"url\":\"Patient\\/esc\"}}"));
    expect_http(answer, 200);
    expect_status(read_one("Patient", "esc"), FHIRSTORE_OK);
}
END_TEST

START_TEST(an_unchanged_entry_keeps_its_version)
{
    const char *bundle = BUNDLE("transaction", PUT_PATIENT("a") "," PUT_PATIENT("b"));
    expect_http(run(bundle), 200);
    const char *before = state_of_store();
    reply answer = run(bundle);
    expect_http(answer, 200);
    expect_text(answer, "entry.0.response.status", "200 OK");
    expect_text(answer, "entry.0.response.etag", "W/\"1\"");
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(prefer_speaks_for_every_entry)
{
    reply answer = run(BUNDLE("transaction", PUT_PATIENT("a")));
    expect_text(answer, "entry.0.resource.id", "a");
    answer = ask("POST", "", "Prefer: return=minimal", BUNDLE("transaction", PUT_PATIENT("b")));
    expect_nothing_at(answer, "entry.0.resource");
    expect_text(answer, "entry.0.response.status", "201 Created");
    answer = ask("POST", "", "Prefer: return=OperationOutcome",
                 BUNDLE("transaction", PUT_PATIENT("c") ",{" REQUEST("GET", "Patient/a") "}"));
    expect_nothing_at(answer, "entry.0.resource");
    expect_text(answer, "entry.0.response.outcome.resourceType", "OperationOutcome");
    expect_text(answer, "entry.1.resource.id", "a");
    answer = ask("POST", "", "Prefer: return=minimal", BUNDLE("batch", PUT_PATIENT("d")));
    expect_nothing_at(answer, "entry.0.resource");
    answer = ask("POST", "", "Prefer: return=OperationOutcome", BUNDLE("batch", PUT_PATIENT("e")));
    expect_nothing_at(answer, "entry.0.resource");
    expect_text(answer, "entry.0.response.outcome.issue.0.severity", "information");
    answer = ask("POST", "", "Prefer: handling=strict",
                 BUNDLE("batch", "{" REQUEST("GET", "Patient?foo=1") "}"));
    expect_text(answer, "entry.0.response.status", "400");
    answer = run(BUNDLE("batch", "{" REQUEST("GET", "Patient?foo=1") "}"));
    expect_text(answer, "entry.0.response.status", "200 OK");
}
END_TEST

START_TEST(conditions_hold_inside_a_transaction)
{
    expect_http(run(BUNDLE("transaction", PUT_PATIENT("a"))), 200);
    expect_http(
        run(BUNDLE("transaction",
                   "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true},"
                   "\"request\":{\"method\":\"PUT\",\"url\":\"Patient/a\",\"ifMatch\":"
                   "\"W/\\\"1\\\"\"}}")),
        200);
    const char *before = state_of_store();
    reply answer = run(BUNDLE("transaction",
                              "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"a\"},"
                              "\"request\":{\"method\":\"PUT\",\"url\":\"Patient/a\","
                              "\"ifNoneMatch\":\"*\"}}"));
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", "Bundle.entry[0]", before);
    answer = run(BUNDLE("transaction", "{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/a\","
                                       "\"ifMatch\":\"W/\\\"1\\\"\"}}"));
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", "Bundle.entry[0]", before);
    answer = run(BUNDLE("transaction", "{" REQUEST("GET", "Patient/a/_history/1") "}"));
    expect_text(answer, "entry.0.resource.meta.versionId", "1");
}
END_TEST

START_TEST(batch_entries_stand_for_themselves)
{
    /* clang-format off */
    reply answer = run(BUNDLE( "batch",
        PUT_PATIENT("a") ","
        "{\"resource\":{\"resourceType\":\"Patient\",\"active\":7},"
        REQUEST("POST", "Patient") "},"
        "{" REQUEST("GET", "Patient/a") "},"
        "{" REQUEST("GET", "Patient/ghost") "},"
        "{\"resource\":{\"resourceType\":\"Patient\",},"
        REQUEST("POST", "Patient") "},"
        "{" REQUEST("GET", "Patient?_id=a") "}" ","
        "{" REQUEST("GET", "metadata") "},"
        "{" REQUEST("DELETE", "Patient/a") "},"
        "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/a/_history/1\",\"ifNoneMatch\":"
        "\"W/\\\"1\\\"\"}},"
        "{" REQUEST("BREW", "Patient/a") "},"
        "{\"resource\":{\"resourceType\":\"Patient\"}},"
        PUT_PATIENT("z")));
    /* clang-format on */
    expect_http(answer, 200);
    expect_text(answer, "type", "batch-response");
    ck_assert_int_eq(items_at(&answer, "entry"), 12);
    static const char *const statuses[] = {"201 Created", "400",    "200 OK", "404",
                                           "400",         "200 OK", "200 OK", "204 No Content",
                                           "200 OK",      "405",    "400",    "201 Created"};
    for (int i = 0; i < 12; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "entry.%d.response.status", i);
        const char *status = text_at(&answer, path);
        ck_assert_msg(status != NULL && strcmp(status, statuses[i]) == 0, "%d: %s", i, status);
        (void)snprintf(path, sizeof path, "entry.%d.response.outcome.resourceType", i);
        if (statuses[i][0] == '4') {
            expect_text(answer, path, "OperationOutcome");
        } else {
            expect_nothing_at(answer, path);
        }
    }
    expect_text(answer, "entry.1.response.outcome.issue.0.expression.0", "Patient.active");
    expect_text(answer, "entry.2.resource.id", "a");
    expect_text(answer, "entry.5.resource.total", "1");
    expect_text(answer, "entry.6.resource.resourceType", "CapabilityStatement");
    expect_status(read_one("Patient", "a"), FHIRSTORE_ERR_DELETED);
    expect_status(read_one("Patient", "z"), FHIRSTORE_OK);
    expect_sound(store);
}
END_TEST

START_TEST(batches_in_batches_are_refused)
{
    /* As deep as memory would go, if anybody followed. */
    enum {
        DEPTH = 3000
    };
    static const char head[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{" REQUEST(
            "POST", "/") ",\"resource\":";
    char *text = malloc(DEPTH * (sizeof head + 3) + 64);
    ck_assert_ptr_nonnull(text);
    text[0] = '\0';
    char *end = text;
    for (int i = 0; i < DEPTH; i++) {
        memcpy(end, head, sizeof head - 1);
        end += sizeof head - 1;
    }
    memcpy(end, "{}", 2);
    end += 2;
    for (int i = 0; i < DEPTH; i++) {
        memcpy(end, "}]}", 3);
        end += 3;
    }
    *end = '\0';
    const char *before = state_of_store();
    reply answer = run(text);
    expect_http(answer, 200);
    expect_text(answer, "entry.0.response.status", "400");
    ck_assert_str_eq(before, state_of_store());
    free(text);
}
END_TEST

START_TEST(a_large_transaction_goes_in_whole)
{
    enum {
        ENTRIES = 3000
    };
    char *text = malloc((size_t)ENTRIES * 320 + 128);
    ck_assert_ptr_nonnull(text);
    char *end = text + sprintf(text,
                               "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":"
                               "[{\"fullUrl\":\"urn:uuid:p\",\"resource\":{\"resourceType\":"
                               "\"Patient\"}," REQUEST("POST", "Patient") "}");
    for (int i = 0; i < ENTRIES; i++) {
        end += sprintf(
            end,
            ",{\"fullUrl\":\"urn:uuid:%d\",\"resource\":{\"resourceType\":\"Observation\","
            "\"status\":\"final\",\"code\":{\"text\":\"x\"},\"valueInteger\":%d,\"subject\":"
            "{\"reference\":\"urn:uuid:p\"},\"derivedFrom\":[{\"reference\":"
            "\"urn:uuid:%d\"}]}," REQUEST("POST", "Observation") "}",
            i, i, (i + 7) % ENTRIES);
    }
    (void)strcpy(end, "]}");
    reply answer = ask("POST", "", "Prefer: return=minimal", text);
    expect_http(answer, 200);
    ck_assert_int_eq(items_at(&answer, "entry"), ENTRIES + 1);
    reply patient = search_page("Patient", "");
    char query[128];
    (void)snprintf(query, sizeof query, "subject=%s", text_at(&patient, "entry.0.resource.id"));
    ck_assert_int_eq(count_of("Observation", query), ENTRIES);
    ck_assert_int_eq(count_of("Observation", "derived-from:missing=false"), ENTRIES);
    ck_assert_int_eq(count_of("Observation", "derived-from:Observation.status=final"), ENTRIES);
    free(text);
    expect_sound(store);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("bundle", setup_store, links_are_rewritten_where_links_stand,
              entries_may_refer_to_each_other_in_a_circle, relative_references_follow_their_server,
              deletes_come_first_then_creates_updates_reads, one_bad_entry_undoes_all_and_is_named,
              positions_are_those_of_the_bundle, what_is_no_bundle_to_execute,
              empty_bundles_are_answered, slashes_may_be_escaped,
              an_unchanged_entry_keeps_its_version, prefer_speaks_for_every_entry,
              conditions_hold_inside_a_transaction, batch_entries_stand_for_themselves,
              batches_in_batches_are_refused, a_large_transaction_goes_in_whole),
    };
    return run_groups("bundle", groups, 1);
}
