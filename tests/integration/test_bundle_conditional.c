/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditional entries of transactions and batches, conditional references, patches and reads among
 * the entries, and what the order of work means to each.
 */
#include <stdio.h>

#include "harness.h"

#define TRANSACTION(entries) \
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" entries "]}"
#define BATCH(entries) "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[" entries "]}"
#define PATIENT(more)  "{\"resourceType\":\"Patient\"" more "}"
#define TAG(tag)       ",\"identifier\":[{\"system\":\"urn:s\",\"value\":\"" tag "\"}]"
#define ENTRY(url, resource, request) \
    "{\"fullUrl\":\"" url "\",\"resource\":" resource ",\"request\":{" request "}}"
#define BARE(resource, request) "{\"resource\":" resource ",\"request\":{" request "}}"
#define ASK(request)            "{\"request\":{" request "}}"
#define POST_IF(criteria)       "\"method\":\"POST\",\"url\":\"Patient\",\"ifNoneExist\":\"" criteria "\""
#define METHOD(method, url)     "\"method\":\"" method "\",\"url\":\"" url "\""
#define OBSERVATION(subject)                                                              \
    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},\"" \
    "subject\":{\"reference\":\"" subject "\"}}"
#define POST_OBSERVATION METHOD("POST", "Observation")
/* [{"op":"add","path":"/active","value":true}] */
#define ACTIVATE                                                  \
    "{\"resourceType\":\"Binary\",\"contentType\":\"application/" \
    "json-patch+json\",\"data\":\"W3sib"                          \
    "3AiOiJhZGQiLCJwYXRoIjoiL2FjdGl2ZSIsInZhbHVlIjp0cnVlfV0=\"}"

static void put_two(void)
{
    expect_status(update("Patient", "a", PATIENT(",\"id\":\"a\"" TAG("one"))), FHIRSTORE_CREATED);
    expect_status(update("Patient", "b", PATIENT(",\"id\":\"b\"" TAG("two"))), FHIRSTORE_CREATED);
}

static reply run(const char *bundle)
{
    return ask("POST", "", NULL, bundle);
}

START_TEST(conditional_creates)
{
    put_two();
    /* clang-format off */
    reply answer = run(TRANSACTION(
        ENTRY("urn:uuid:1", PATIENT(TAG("one")), POST_IF("identifier=urn:s|one")) ","
        ENTRY("urn:uuid:2", PATIENT(TAG("new")), POST_IF("identifier=urn:s|new")) ","
        ENTRY("urn:uuid:3", PATIENT(TAG("new")), POST_IF("identifier=urn:s|new")) ","
        BARE(OBSERVATION("urn:uuid:1"), POST_OBSERVATION) ","
        BARE(OBSERVATION("urn:uuid:2"), POST_OBSERVATION) ","
        BARE(OBSERVATION("urn:uuid:3"), POST_OBSERVATION)));
    /* clang-format on */
    expect_http(answer, 200);
    expect_text(answer, "entry.0.response.status", "200 OK");
    expect_text(answer, "entry.0.response.location", "Patient/a/_history/1");
    expect_text(answer, "entry.0.response.etag", "W/\"1\"");
    expect_text(answer, "entry.1.response.status", "201 Created");
    expect_text(answer, "entry.2.response.status", "200 OK");
    expect_text(answer, "entry.2.response.location", text_at(&answer, "entry.1.response.location"));
    expect_text(answer, "entry.3.resource.subject.reference", "Patient/a");
    ck_assert_int_eq(count_of("Patient", ""), 3);
    ck_assert_int_eq(count_of("Observation", "patient.identifier=urn:s|new"), 2);
    expect_sound(store);
}
END_TEST

START_TEST(conditional_updates_and_deletes)
{
    put_two();
    /* clang-format off */
    reply answer = run(TRANSACTION(
        ENTRY("urn:uuid:1", PATIENT(TAG("one") ",\"active\":true"),
              METHOD("PUT", "Patient?identifier=urn:s|one")) ","
        ENTRY("urn:uuid:2", PATIENT(TAG("new")), METHOD("PUT", "Patient?identifier=urn:s|new")) ","
        ENTRY("urn:uuid:3", PATIENT(",\"id\":\"chosen\"" TAG("chosen")),
              METHOD("PUT", "Patient?identifier=urn:s|chosen")) ","
        BARE(OBSERVATION("urn:uuid:1"), POST_OBSERVATION) ","
        BARE(OBSERVATION("urn:uuid:3"), POST_OBSERVATION) ","
        ASK(METHOD("DELETE", "Patient?identifier=urn:s|two")) ","
        ASK(METHOD("DELETE", "Patient?identifier=urn:s|none"))));
    /* clang-format on */
    expect_http(answer, 200);
    expect_text(answer, "entry.0.response.status", "200 OK");
    expect_text(answer, "entry.0.response.location", "Patient/a/_history/2");
    expect_text(answer, "entry.1.response.status", "201 Created");
    expect_text(answer, "entry.2.response.location", "Patient/chosen/_history/1");
    expect_text(answer, "entry.3.resource.subject.reference", "Patient/a");
    expect_text(answer, "entry.4.resource.subject.reference", "Patient/chosen");
    expect_text(answer, "entry.5.response.status", "204 No Content");
    expect_text(answer, "entry.6.response.status", "204 No Content");
    expect_status(read_one("Patient", "b"), FHIRSTORE_ERR_DELETED);
    ck_assert_int_eq(count_of("Patient", ""), 3);
    expect_sound(store);
}
END_TEST

START_TEST(conditional_references)
{
    put_two();
    reply answer = run(
        TRANSACTION(BARE(OBSERVATION("Patient?identifier=urn:s|one"), POST_OBSERVATION) "," BARE(
            "{\"resourceType\":\"List\",\"status\":\"current\",\"mode\":\"working\",\"entry\":[{"
            "\"item\":{\"reference\":\"Patient?identifier=urn:s|one\"}},{\"item\":{\"reference\":"
            "\"Patient?identifier=urn:s|two\"}},{\"item\":{\"reference\":"
            "\"Patient?identifier=urn:s|new\"}}],\"extension\":[{\"url\":\"http://x\","
            "\"valueUri\":\"Patient?identifier=urn:s|one\"},{\"url\":\"http://y\","
            "\"valueReference\":{\"reference\":\"Patient?identifier=urn:s|two\"}}]}",
            METHOD("POST", "List")) "," BARE(PATIENT(TAG("new")),
                                             POST_IF("identifier=urn:s|new"))));
    expect_http(answer, 200);
    expect_text(answer, "entry.0.resource.subject.reference", "Patient/a");
    expect_text(answer, "entry.1.resource.entry.0.item.reference", "Patient/a");
    expect_text(answer, "entry.1.resource.entry.1.item.reference", "Patient/b");
    expect_text(answer, "entry.1.resource.extension.0.valueUri", "Patient?identifier=urn:s|one");
    expect_text(answer, "entry.1.resource.extension.1.valueReference.reference", "Patient/b");
    /* An entry of the same condition is what the reference means. */
    char want[96];
    (void)snprintf(want, sizeof want, "Patient/%s", text_at(&answer, "entry.2.resource.id"));
    expect_text(answer, "entry.1.resource.entry.2.item.reference", want);
    ck_assert_int_eq(count_of("Observation", "subject=Patient/a"), 1);
}
END_TEST

START_TEST(what_fails_names_its_entry_and_undoes_all)
{
    static const struct {
        const char *entry;
        fhirstore_status status;
    } cases[] = {
        {BARE(OBSERVATION("Patient?identifier=urn:s|none"), POST_OBSERVATION),
         FHIRSTORE_ERR_BUNDLE},
        {BARE(OBSERVATION("Patient?identifier=urn:s|one,urn:s|two"), POST_OBSERVATION),
         FHIRSTORE_ERR_BUNDLE},
        {BARE(OBSERVATION("Patient?nonsense=1"), POST_OBSERVATION), FHIRSTORE_ERR_UNKNOWN_PARAM},
        {BARE(OBSERVATION("Patient?"), POST_OBSERVATION), FHIRSTORE_ERR_QUERY},
        {BARE(PATIENT(""), POST_IF("identifier=urn:s|one,urn:s|two")),
         FHIRSTORE_ERR_MULTIPLE_MATCHES},
        {BARE(PATIENT(""), POST_IF("")), FHIRSTORE_ERR_QUERY},
        {BARE(PATIENT(""), METHOD("PUT", "Patient")), FHIRSTORE_ERR_QUERY},
        {BARE(PATIENT(""), METHOD("PUT", "Patient?identifier=urn:s|one,urn:s|two")),
         FHIRSTORE_ERR_MULTIPLE_MATCHES},
        {BARE(PATIENT(",\"id\":\"b\""), METHOD("PUT", "Patient?identifier=urn:s|one")),
         FHIRSTORE_ERR_ID_MISMATCH},
        {BARE(PATIENT(",\"id\":\"b\""), METHOD("PUT", "Patient?identifier=urn:s|none")),
         FHIRSTORE_ERR_CONFLICT},
        {BARE(PATIENT(""),
              METHOD("PUT", "Patient?identifier=urn:s|none") ",\"ifMatch\":\"W/\\\"1\\\"\""),
         FHIRSTORE_ERR_PRECONDITION},
        {BARE(PATIENT(""),
              METHOD("PUT", "Patient?identifier=urn:s|one") ",\"ifMatch\":\"W/\\\"9\\\"\""),
         FHIRSTORE_ERR_PRECONDITION},
        {BARE(PATIENT(""), METHOD("PUT", "Patient?identifier=urn:s|one") ",\"ifNoneMatch\":\"*\""),
         FHIRSTORE_ERR_PRECONDITION},
        {ASK(METHOD("DELETE", "Patient")), FHIRSTORE_ERR_PRECONDITION},
        {ASK(METHOD("DELETE", "Patient?identifier=urn:s|one,urn:s|two")),
         FHIRSTORE_ERR_MULTIPLE_MATCHES},
        {ASK(METHOD("DELETE", "Patient/a") ",\"ifMatch\":\"W/\\\"9\\\"\""),
         FHIRSTORE_ERR_PRECONDITION},
        {BARE(ACTIVATE, METHOD("PATCH", "Patient?identifier=urn:s|none")), FHIRSTORE_ERR_NOT_FOUND},
        {BARE(ACTIVATE, METHOD("PATCH", "Patient?identifier=urn:s|one,urn:s|two")),
         FHIRSTORE_ERR_MULTIPLE_MATCHES},
        {BARE(ACTIVATE, METHOD("PATCH", "Patient")), FHIRSTORE_ERR_PRECONDITION},
        {BARE(ACTIVATE, METHOD("PATCH", "Patient/ghost")), FHIRSTORE_ERR_NOT_FOUND},
        {BARE(ACTIVATE, METHOD("PATCH", "Observation/ghost")), FHIRSTORE_ERR_NOT_FOUND},
        {BARE(PATIENT(""), METHOD("PATCH", "Patient/a")), FHIRSTORE_ERR_PATCH_DOCUMENT},
        {BARE("{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"operation\"}]}",
              METHOD("PATCH", "Patient/a")),
         FHIRSTORE_ERR_PATCH_DOCUMENT},
        {ASK(METHOD("GET", "Patient?identifier=%zz")), FHIRSTORE_ERR_QUERY},
        {ENTRY("http://x/Patient/1/_history/1", PATIENT(""), METHOD("POST", "Patient")),
         FHIRSTORE_ERR_BUNDLE},
        {ENTRY("urn:uuid:1", PATIENT(""), METHOD("POST", "Patient")) "," ENTRY(
             "urn:uuid:1", PATIENT(""), POST_IF("identifier=urn:s|z")),
         FHIRSTORE_ERR_BUNDLE},
        /* The same resource twice, however it is named. */
        {BARE(ACTIVATE, METHOD("PATCH", "Patient/a")) "," BARE(PATIENT(",\"id\":\"a\""),
                                                               METHOD("PUT", "Patient/a")),
         FHIRSTORE_ERR_BUNDLE},
        {BARE(PATIENT(TAG("one")),
              METHOD("PUT", "Patient?identifier=urn:s|one")) "," ASK(METHOD("DELETE", "Patient/a")),
         FHIRSTORE_ERR_BUNDLE},
        {BARE(PATIENT(TAG("z")), METHOD("PUT", "Patient?identifier=urn:s|z")) "," BARE(
             PATIENT(TAG("z")), METHOD("PUT", "Patient?identifier=urn:s|z")),
         FHIRSTORE_ERR_BUNDLE},
        {ASK(METHOD("DELETE", "Patient?identifier=urn:s|one")) "," BARE(
             PATIENT(TAG("one")), POST_IF("identifier=urn:s|one")),
         FHIRSTORE_ERR_BUNDLE},
    };
    put_two();
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bundle[2048];
        (void)snprintf(bundle, sizeof bundle, TRANSACTION("%s,%s"),
                       BARE(PATIENT(""), METHOD("POST", "Patient")), cases[i].entry);
        reply answer = run(bundle);
        ck_assert_msg(answer.http == fhirstore_status_http(cases[i].status), "%s: HTTP %d: %s",
                      cases[i].entry, (int)answer.http, answer.body);
        expect_no_trace(&answer, cases[i].status, text_at(&answer, "issue.0.code"), NULL, before);
        const char *where = text_at(&answer, "issue.0.expression.0");
        ck_assert_msg(where != NULL && (strncmp(where, "Bundle.entry[1]", 15) == 0 ||
                                        strncmp(where, "Bundle.entry[2]", 15) == 0),
                      "%s: %s", cases[i].entry, answer.body);
    }
    expect_sound(store);
}
END_TEST

START_TEST(patches_among_the_entries)
{
    put_two();
    /* clang-format off */
    reply answer = run(TRANSACTION(
        BARE(ACTIVATE, METHOD("PATCH", "Patient/a")) ","
        BARE("{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"operation\",\"part\":[{"
             "\"name\":\"type\",\"valueCode\":\"add\"},"
             "{\"name\":\"path\",\"valueString\":\"Patient\"},"
             "{\"name\":\"name\",\"valueString\":\"managingOrganization\"},{\"name\":\"value\","
             "\"valueReference\":{\"reference\":\"urn:uuid:org\"}}]}]}",
             METHOD("PATCH", "Patient?identifier=urn:s|two")) ","
        ENTRY("urn:uuid:org", "{\"resourceType\":\"Organization\",\"name\":\"O\"}",
              METHOD("POST", "Organization")) ","
        ASK(METHOD("GET", "Patient/a"))));
    /* clang-format on */
    expect_http(answer, 200);
    expect_text(answer, "entry.0.resource.active", "true");
    expect_text(answer, "entry.0.response.etag", "W/\"2\"");
    char want[96];
    (void)snprintf(want, sizeof want, "Organization/%s", text_at(&answer, "entry.2.resource.id"));
    expect_text(answer, "entry.1.resource.managingOrganization.reference", want);
    /* Reads come last, wherever they stand. */
    expect_text(answer, "entry.3.resource.meta.versionId", "2");
    expect_sound(store);
}
END_TEST

START_TEST(reads_and_searches_among_the_entries)
{
    put_two();
    /* clang-format off */
    reply answer = run(TRANSACTION(
        ASK(METHOD("GET", "Patient?identifier=urn:s|new")) ","
        ASK(METHOD("GET", "Patient/a") ",\"ifNoneMatch\":\"W/\\\"1\\\"\"") ","
        ASK(METHOD("HEAD", "Patient/a")) ","
        BARE(PATIENT(TAG("new")), METHOD("POST", "Patient")) ","
        ASK(METHOD("GET", "Patient/a") ",\"ifModifiedSince\":\"2099-01-01T00:00:00Z\"")));
    /* clang-format on */
    expect_http(answer, 200);
    expect_text(answer, "entry.0.resource.type", "searchset");
    expect_text(answer, "entry.0.resource.entry.0.resource.identifier.0.value", "new");
    expect_text(answer, "entry.1.response.status", "304 Not Modified");
    expect_nothing_at(answer, "entry.1.resource");
    expect_text(answer, "entry.2.response.status", "200 OK");
    expect_nothing_at(answer, "entry.2.resource");
    expect_text(answer, "entry.4.response.status", "304 Not Modified");
}
END_TEST

START_TEST(batch_entries_may_be_conditional)
{
    put_two();
    /* clang-format off */
    reply answer = run(BATCH(
        BARE(PATIENT(TAG("one")), POST_IF("identifier=urn:s|one")) ","
        BARE(PATIENT(TAG("new")), POST_IF("identifier=urn:s|new")) ","
        BARE(PATIENT(TAG("two") ",\"active\":true"), METHOD("PUT",
              "Patient?identifier=urn:s|two")) ","
        BARE(PATIENT(""), POST_IF("")) ","
        BARE(ACTIVATE, METHOD("PATCH", "Patient?identifier=urn:s|one")) ","
        ASK(METHOD("DELETE", "Patient?identifier=urn:s|one,urn:s|two")) ","
        ASK(METHOD("GET", "Patient/a") ",\"ifModifiedSince\":\"2099-01-01T00:00:00Z\"") ","
        ASK(METHOD("GET", "Patient/a") ",\"ifNoneMatch\":\"W/\\\"2\\\"\"")));
    /* clang-format on */
    expect_http(answer, 200);
    static const char *const statuses[] = {
        "200 OK", "201 Created", "200 OK",           "400",
        "200 OK", "412",         "304 Not Modified", "304 Not Modified"};
    for (int i = 0; i < 8; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "entry.%d.response.status", i);
        const char *status = text_at(&answer, path);
        ck_assert_msg(status != NULL && strcmp(status, statuses[i]) == 0, "%d: %s: %s", i, status,
                      answer.body);
    }
    expect_text(answer, "entry.0.response.location", "Patient/a/_history/1");
    ck_assert_int_eq(count_of("Patient", ""), 3);
}
END_TEST

START_TEST(several_deletions_in_one_entry)
{
    put_two();
    reply answer = run(TRANSACTION(
        ASK(METHOD("DELETE", "Patient?identifier=urn:s|one,urn:s|two&_count=10")) "," BARE(
            PATIENT(TAG("one")), METHOD("POST", "Patient"))));
    expect_http(answer, 200);
    expect_text(answer, "entry.0.response.status", "204 No Content");
    ck_assert_int_eq(count_of("Patient", ""), 1);
    expect_sound(store);
}
END_TEST

/* ---- an import understands the same ---- */

START_TEST(an_import_resolves_conditions)
{
    static const char bundle[] = TRANSACTION(
        ENTRY("urn:uuid:1", PATIENT(TAG("one")), POST_IF("identifier=urn:s|one")) "," BARE(
            OBSERVATION("Patient?identifier=urn:s|two"),
            POST_OBSERVATION) "," BARE(OBSERVATION("urn:uuid:1"), POST_OBSERVATION));
    fhirstore_import *import = NULL;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    put_two();
    ck_assert_int_eq(fhirstore_import_open(session, NULL, &import, NULL), FHIRSTORE_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_ge(fhirstore_import_add(import, "test", 0, bundle, sizeof bundle - 1, NULL),
                         FHIRSTORE_OK);
    }
    ck_assert_int_ge(fhirstore_import_finish(import, &totals, NULL), FHIRSTORE_OK);
    fhirstore_import_close(import);
    ck_assert_int_eq(totals.failed, 0);
    ck_assert_int_eq(count_of("Patient", ""), 2);
    ck_assert_int_eq(count_of("Observation", "subject=Patient/a"), 2);
    ck_assert_int_eq(count_of("Observation", "subject=Patient/b"), 2);
    expect_sound(store);
}
END_TEST

/* ---- who may ---- */

static fhirstore_status no_searches(void *ctx, const fhirstore_access_request *request,
                                    fhirstore_access_decision *decision)
{
    (void)ctx;
    decision->answer = request->action == FHIRSTORE_ACTION_SEARCH ? FHIRSTORE_ACCESS_DENY
                                                                  : FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

START_TEST(a_reference_tells_nothing_to_who_may_not_search)
{
    const fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer,
                                             .authorize = no_searches};
    put_two();
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    session = must_enter(store, 0, "Practitioner/7");
    expect_http(
        run(TRANSACTION(BARE(OBSERVATION("Patient?identifier=urn:s|one"), POST_OBSERVATION))), 403);
    expect_http(
        run(TRANSACTION(BARE(OBSERVATION("Patient?identifier=urn:s|no"), POST_OBSERVATION))), 403);
    expect_http(run(TRANSACTION(BARE(PATIENT(""), POST_IF("identifier=urn:s|one")))), 403);
    expect_http(run(TRANSACTION(BARE(OBSERVATION("Patient/a"), POST_OBSERVATION))), 200);
}
END_TEST

/* ---- what is hidden ---- */

static fhirstore_status only_one(void *ctx, const fhirstore_access_request *request,
                                 fhirstore_access_decision *decision)
{
    (void)ctx;
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    if (strcmp(request->type, "Patient") == 0) {
        decision->answer = FHIRSTORE_ACCESS_RESTRICT;
        return fhirstore_access_restrict(decision, FHIRSTORE_LIT("identifier=urn:s|one,urn:s|new"));
    }
    return FHIRSTORE_OK;
}

static void see_only_one(void)
{
    const fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer,
                                             .authorize = only_one};
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    session = must_enter(store, 0, "Practitioner/7");
}

/* Two requests that differ in what is hidden and what is not there get one answer. */
static void expect_same_answer(const char *method, const char *hidden, const char *absent,
                               const char *headers, const char *body)
{
    reply first = ask(method, hidden, headers, body);
    reply second = ask(method, absent, headers, body);
    ck_assert_msg(first.http == second.http && strcmp(first.body, second.body) == 0,
                  "%s %s: %d %s\n%s: %d %s", method, hidden, (int)first.http, first.body, absent,
                  (int)second.http, second.body);
}

START_TEST(conditions_do_not_tell_what_is_hidden)
{
    put_two();
    see_only_one();
    expect_same_answer("DELETE", "Patient?identifier=urn:s|two", "Patient?identifier=urn:s|zzz",
                       NULL, NULL);
    expect_same_answer("PUT", "Patient?identifier=urn:s|two", "Patient?identifier=urn:s|zzz", NULL,
                       PATIENT(",\"id\":\"b\"" TAG("new")));
    expect_same_answer("PUT", "Patient?identifier=urn:s|two", "Patient?identifier=urn:s|zzz", NULL,
                       PATIENT(TAG("two")));
    expect_same_answer("PATCH", "Patient?identifier=urn:s|two", "Patient?identifier=urn:s|zzz",
                       "Content-Type: application/merge-patch+json", "{\"active\":true}");
    expect_same_answer("PATCH", "Patient/b", "Patient/zzz",
                       "Content-Type: application/merge-patch+json", "{\"active\":true}");
    expect_same_answer("GET", "$diff?from=Patient/a&to=Patient/b",
                       "$diff?from=Patient/a&to=Patient/zzz", NULL, NULL);
    reply hidden = run(
        TRANSACTION(BARE(OBSERVATION("Patient?identifier=urn:s|two"), POST_OBSERVATION)));
    reply absent = run(
        TRANSACTION(BARE(OBSERVATION("Patient?identifier=urn:s|zzz"), POST_OBSERVATION)));
    ck_assert_int_eq(hidden.http, 400);
    ck_assert_str_eq(hidden.body, absent.body);
    hidden = run(TRANSACTION(BARE(ACTIVATE, METHOD("PATCH", "Patient/b"))));
    absent = run(TRANSACTION(BARE(ACTIVATE, METHOD("PATCH", "Patient/zzz"))));
    ck_assert_int_eq(hidden.http, 404);
    ck_assert_str_eq(hidden.body, absent.body);
    /* A hidden match is none. */
    /* clang-format off */
    reply made = run(TRANSACTION(
        ENTRY("urn:uuid:1", PATIENT(TAG("new")), POST_IF("identifier=urn:s|two,urn:s|new")) ","
        BARE(OBSERVATION("urn:uuid:1"), POST_OBSERVATION)));
    /* clang-format on */
    expect_http(made, 200);
    expect_text(made, "entry.0.response.status", "201 Created");
    /* What a patch makes must be seen as well. */
    expect_http(ask("PATCH", "Patient/a", "Content-Type: application/merge-patch+json",
                    "{\"identifier\":null}"),
                403);
    fhirstore_session_close(session);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "tester");
    expect_text(read_one("Patient", "b"), "meta.versionId", "1");
    expect_text(read_one("Patient", "a"), "meta.versionId", "1");
    expect_sound(store);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("conditions", setup_store, conditional_creates, conditional_updates_and_deletes,
              conditional_references, what_fails_names_its_entry_and_undoes_all,
              several_deletions_in_one_entry),
        GROUP("entries", setup_store, patches_among_the_entries,
              reads_and_searches_among_the_entries, batch_entries_may_be_conditional,
              an_import_resolves_conditions, conditions_do_not_tell_what_is_hidden,
              a_reference_tells_nothing_to_who_may_not_search),
    };
    return run_groups("conditional entries", groups, sizeof groups / sizeof *groups);
}
