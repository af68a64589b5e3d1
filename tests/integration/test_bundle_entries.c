/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of Bundles that are more than reads and writes: histories, operations, provenance,
 * criteria that name other entries. */
#include <stdio.h>

#include "harness.h"

static char bundle_text[32768];

static void begin(const char *type)
{
    (void)snprintf(bundle_text, sizeof bundle_text,
                   "{\"resourceType\":\"Bundle\",\"type\":\"%s\",\"entry\":[", type);
}

/* Single quotes stand for double ones. @a resource and @a more may be "". */
static void entry(const char *full_url, const char *resource, const char *method, const char *url,
                  const char *more)
{
    char *at = bundle_text + strlen(bundle_text);
    size_t room = sizeof bundle_text - strlen(bundle_text);
    int len = snprintf(at, room, "%s{", at[-1] == '[' ? "" : ",");
    if (full_url[0] != '\0') {
        len += snprintf(at + len, room - (size_t)len, "'fullUrl':'%s',", full_url);
    }
    if (resource[0] != '\0') {
        len += snprintf(at + len, room - (size_t)len, "'resource':%s,", resource);
    }
    (void)snprintf(at + len, room - (size_t)len, "'request':{'method':'%s','url':'%s'%s}}", method,
                   url, more);
    for (; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
}

static reply send_with(const char *headers)
{
    (void)strcat(bundle_text, "]}");
    return ask("POST", "", headers, bundle_text);
}

static reply send_bundle(void)
{
    return send_with(NULL);
}

static void fill(void)
{
    expect_http(ask("PUT", "Patient/a", NULL,
                    "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true}"),
                201);
    expect_http(
        ask("PUT", "Patient/a", NULL,
            "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":false,\"gender\":\"male\"}"),
        200);
}

START_TEST(histories)
{
    static const char *const types[] = {"batch", "transaction"};
    fill();
    for (int i = 0; i < 2; i++) {
        begin(types[i]);
        entry("", "", "GET", "Patient/a/_history?_count=1", "");
        entry("", "", "GET", "Patient/_history", "");
        entry("", "", "GET", "_history?_count=0", "");
        entry("", "", "HEAD", "Patient/a/_history", "");
        entry("", "{'resourceType':'Patient','id':'b'}", "PUT", "Patient/b", "");
        reply answer = send_bundle();
        expect_http(answer, 200);
        expect_text(answer, "entry.0.resource.type", "history");
        expect_text(answer, "entry.0.resource.total", "2");
        ck_assert_int_eq(items_at(&answer, "entry.0.resource.entry"), 1);
        expect_text(answer, "entry.0.response.status", "200 OK");
        /* Of a transaction the state after it, of a batch that of the entry's turn. */
        expect_text(answer, "entry.1.resource.total", i == 0 ? "2" : "3");
        expect_text(answer, "entry.2.resource.total", i == 0 ? "2" : "3");
        expect_nothing_at(answer, "entry.3.resource");
        expect_text(answer, "entry.3.response.status", "200 OK");
    }
    const char *before = state_of_store();
    begin("transaction");
    entry("", "{'resourceType':'Patient','id':'c'}", "PUT", "Patient/c", "");
    entry("", "", "GET", "Patient/_history?_sort=bad", "");
    reply answer = send_bundle();
    expect_no_trace(&answer, FHIRSTORE_ERR_PARAM_VALUE, "invalid", "Bundle.entry[1]", before);
}
END_TEST

START_TEST(operations)
{
    fill();
    begin("transaction");
    entry("", "", "GET", "Patient/a/$diff?fromVersion=1&toVersion=2", "");
    entry("",
          "{'resourceType':'Parameters','parameter':[{'name':'meta','valueMeta':{'tag':[{"
          "'code':'t'}]}}]}",
          "POST", "Patient/a/$meta-add", "");
    entry("", "", "POST", "Patient/a/$purge-history", "");
    entry("", "", "GET", "Patient/a", "");
    reply answer = send_bundle();
    expect_http(answer, 404); /* nothing is left that the difference could be made from */
    expect_text(read_one("Patient", "a"), "meta.versionId", "2");

    begin("transaction");
    entry("",
          "{'resourceType':'Parameters','parameter':[{'name':'meta','valueMeta':{'tag':[{"
          "'code':'t'}]}}]}",
          "POST", "Patient/a/$meta-add", "");
    entry("", "", "GET", "Patient/a/$diff?fromVersion=1&toVersion=2", "");
    entry("", "", "GET", "Patient/a", "");
    answer = send_bundle();
    expect_http(answer, 200);
    expect_text(answer, "entry.0.resource.resourceType", "Parameters");
    expect_text(answer, "entry.1.resource.resourceType", "Parameters");
    expect_text(answer, "entry.2.resource.meta.tag.0.code", "t");
    expect_text(answer, "entry.2.response.status", "200 OK");

    const char *before = state_of_store();
    begin("transaction");
    entry("", "", "POST", "Patient/a/$purge-history", "");
    entry("", "", "GET", "Patient/a/$nonsense", "");
    answer = send_bundle();
    expect_no_trace(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", "Bundle.entry[1]", before);
    begin("transaction");
    entry("", "", "GET", "Patient/a/$purge-history", "");
    answer = send_bundle();
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", "Bundle.entry[0]", before);
    begin("batch");
    entry("", "", "GET", "Patient/a/$purge-history", "");
    entry("", "", "POST", "Patient/a/$purge-history", "");
    answer = send_bundle();
    expect_text(answer, "entry.0.response.status", "405");
    expect_text(answer, "entry.1.response.status", "204 No Content");
    expect_text(history("Patient", "a", ""), "total", "1");
    expect_sound(store);
}
END_TEST

START_TEST(capabilities)
{
    static const char *const types[] = {"batch", "transaction"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        begin(types[i]);
        entry("", "{'resourceType':'Patient'}", "POST", "Patient", "");
        entry("", "", "GET", "metadata", "");
        entry("", "", "GET", "metadata?mode=terminology", "");
        reply answer = send_bundle();
        expect_http(answer, 200);
        expect_text(answer, "entry.1.response.status", "200 OK");
        expect_text(answer, "entry.1.resource.resourceType", "CapabilityStatement");
        expect_text(answer, "entry.2.resource.resourceType", "TerminologyCapabilities");
        reply alone = ask("GET", "metadata", NULL, NULL);
        expect_text(answer, "entry.1.resource.date", text_at(&alone, "date"));
    }
    expect_sound(store);
}
END_TEST

START_TEST(what_is_read_may_be_a_part)
{
    fill();
    begin("transaction");
    entry("", "", "GET", "Patient/a?_elements=id", "");
    entry("", "", "GET", "Patient/a/_history/1?_summary=data", "");
    reply answer = send_bundle();
    expect_http(answer, 200);
    expect_nothing_at(answer, "entry.0.resource.gender");
    expect_text(answer, "entry.0.resource.meta.tag.0.code", "SUBSETTED");
    expect_text(answer, "entry.1.resource.active", "true");
    begin("transaction");
    entry("", "", "GET", "Patient?nonsense=1", "");
    expect_http(send_bundle(), 200);
    begin("transaction");
    entry("", "", "GET", "Patient?nonsense=1", "");
    expect_http(send_with("Prefer: handling=strict"), 400);
    begin("transaction");
    entry("", "", "GET", "Patient/a", ",'ifModifiedSince':'yesterday'");
    answer = send_bundle();
    expect_refusal(&answer, FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[0]");
}
END_TEST

/* ---- X-Provenance ---- */

#define SAID                                                                                \
    "X-Provenance: {\"resourceType\":\"Provenance\",\"recorded\":\"2020-01-01T00:00:00Z\"," \
    "\"agent\":[{\"who\":{\"display\":\"me\"}}]}"

START_TEST(one_provenance_tells_of_a_transaction)
{
    fill();
    expect_status(update("Patient", "gone", "{\"resourceType\":\"Patient\",\"id\":\"gone\"}"),
                  FHIRSTORE_CREATED);
    begin("transaction");
    entry("", "", "DELETE", "Patient/gone", "");
    entry("", "{'resourceType':'Patient','id':'a','active':true}", "PUT", "Patient/a", "");
    entry("", "{'resourceType':'Patient','id':'b'}", "PUT", "Patient/b", "");
    entry("", "", "GET", "Patient/a", "");
    reply answer = send_with(SAID);
    expect_http(answer, 200);
    ck_assert_int_eq(items_at(&answer, "entry"), 4);
    reply found = search_page("Provenance", "");
    expect_text(found, "total", "1");
    ck_assert_int_eq(items_at(&found, "entry.0.resource.target"), 3);
    expect_text(found, "entry.0.resource.target.0.reference", "Patient/gone/_history/2");
    expect_text(found, "entry.0.resource.target.1.reference", "Patient/a/_history/3");
    expect_text(found, "entry.0.resource.target.2.reference", "Patient/b/_history/1");
    ck_assert_int_eq(count_of("Provenance", "target=Patient/a/_history/3"), 1);

    begin("transaction"); /* nothing is written: there is nothing to tell of */
    entry("", "{'resourceType':'Patient','id':'a','active':true}", "PUT", "Patient/a", "");
    entry("", "", "GET", "Patient/a", "");
    expect_http(send_with(SAID), 200);
    ck_assert_int_eq(count_of("Provenance", ""), 1);

    const char *before = state_of_store();
    begin("transaction");
    entry("", "{'resourceType':'Patient','id':'c'}", "PUT", "Patient/c", "");
    answer = send_with("X-Provenance: {\"resourceType\":\"Provenance\"}");
    expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "required", NULL, before);
    begin("transaction");
    entry("", "{'resourceType':'Patient','id':'c'}", "PUT", "Patient/c", "");
    entry("", "", "GET", "Patient/ghost", "");
    answer = send_with(SAID);
    expect_no_trace(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", "Bundle.entry[1]", before);
    expect_sound(store);
}
END_TEST

START_TEST(entries_of_a_batch_have_a_provenance_each)
{
    fill();
    begin("batch");
    entry("", "{'resourceType':'Patient','id':'b'}", "PUT", "Patient/b", "");
    entry("", "{'resourceType':'Patient','id':'x'}", "PUT", "Patient/y", "");
    entry("", "", "GET", "Patient/a", "");
    entry("", "{'resourceType':'Patient','id':'c'}", "PUT", "Patient/c", "");
    reply answer = send_with(SAID);
    expect_text(answer, "entry.0.response.status", "201 Created");
    expect_text(answer, "entry.1.response.status", "400");
    expect_text(answer, "entry.2.response.status", "200 OK");
    ck_assert_int_eq(count_of("Provenance", ""), 2);
    ck_assert_int_eq(count_of("Provenance", "target=Patient/b"), 1);
    ck_assert_int_eq(count_of("Provenance", "target=Patient/c"), 1);
    expect_http(ask("POST", "Patient", NULL, "{\"resourceType\":\"Patient\"}"), 201);
    ck_assert_int_eq(count_of("Provenance", ""), 2);
}
END_TEST

START_TEST(a_deletion_of_several_is_told_of_as_well)
{
    fill();
    expect_status(update("Patient", "b", "{\"resourceType\":\"Patient\",\"id\":\"b\"}"),
                  FHIRSTORE_CREATED);
    expect_http(ask("DELETE", "Patient?_id=a,b&_count=5", SAID, NULL), 204);
    reply found = search_page("Provenance", "");
    ck_assert_int_eq(items_at(&found, "entry.0.resource.target"), 2);
}
END_TEST

/* ---- criteria that name entries ---- */

#define OBSERVATION                                                                  \
    "{'resourceType':'Observation','status':'final','code':{'text':'x'},'subject':{" \
    "'reference':'urn:uuid:p'}}"

START_TEST(criteria_may_name_entries)
{
    for (int round = 0; round < 2; round++) {
        begin("transaction");
        /* It waits for the one behind it. */
        entry("urn:uuid:o", OBSERVATION, "POST", "Observation",
              ",'ifNoneExist':'subject=urn:uuid:p&status=final'");
        entry("urn:uuid:p", "{'resourceType':'Patient','identifier':[{'value':'v'}]}", "POST",
              "Patient", ",'ifNoneExist':'identifier=v'");
        entry("", "", "GET", "Observation?subject=urn%3Auuid%3Ap&_summary=count", "");
        entry("", "", "GET", "Observation?subject=Patient/other,urn:uuid:p", "");
        reply answer = send_bundle();
        expect_http(answer, 200);
        const char *status = round == 0 ? "201 Created" : "200 OK";
        expect_text(answer, "entry.0.response.status", status);
        expect_text(answer, "entry.1.response.status", status);
        expect_text(answer, "entry.2.resource.total", "1");
        ck_assert_int_eq(items_at(&answer, "entry.3.resource.entry"), 1);
        char want[96];
        (void)snprintf(want, sizeof want, "Patient/%s", text_at(&answer, "entry.1.resource.id"));
        expect_text(answer, "entry.0.resource.subject.reference", want);
    }
    ck_assert_int_eq(count_of("Patient", ""), 1);
    ck_assert_int_eq(count_of("Observation", ""), 1);
    begin("transaction"); /* a conditional deletion looks again when its turn comes */
    entry("urn:uuid:p", "{'resourceType':'Patient','identifier':[{'value':'v'}]}", "PUT",
          "Patient?identifier=v", "");
    entry("", "", "DELETE", "Observation?subject=urn:uuid:p", "");
    reply answer = send_bundle();
    expect_http(answer, 200);
    ck_assert_int_eq(count_of("Observation", ""), 0);
}
END_TEST

START_TEST(a_circle_of_conditions_is_refused)
{
    const char *before = state_of_store();
    begin("transaction");
    entry("", "{'resourceType':'Patient'}", "POST", "Patient", "");
    entry("urn:uuid:1", OBSERVATION, "POST", "Observation",
          ",'ifNoneExist':'derived-from=urn:uuid:2'");
    entry("urn:uuid:2", OBSERVATION, "POST", "Observation",
          ",'ifNoneExist':'derived-from=urn:uuid:3'");
    entry("urn:uuid:3", OBSERVATION, "PUT", "Observation?derived-from=urn:uuid:1", "");
    reply answer = send_bundle();
    expect_no_trace(&answer, FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[3]", before);
    ck_assert(has_text(&answer, "in a circle"));
    begin("transaction");
    entry("urn:uuid:1", OBSERVATION, "POST", "Observation",
          ",'ifNoneExist':'derived-from=urn:uuid:1'");
    answer = send_bundle();
    expect_no_trace(&answer, FHIRSTORE_ERR_BUNDLE, "invalid", "Bundle.entry[0]", before);
    /* References may go round. */
    begin("transaction");
    entry("urn:uuid:p",
          "{'resourceType':'Patient','link':[{'other':{'reference':'urn:uuid:q'},"
          "'type':'seealso'}]}",
          "POST", "Patient", "");
    entry("urn:uuid:q",
          "{'resourceType':'Patient','link':[{'other':{'reference':'urn:uuid:p'},"
          "'type':'seealso'}]}",
          "POST", "Patient", "");
    expect_http(send_bundle(), 200);
    ck_assert_int_eq(count_of("Patient", "link:Patient.link:missing=false"), 2);
}
END_TEST

START_TEST(a_long_chain_of_conditions_is_refused)
{
    static const int lengths[] = {32, 40};
    for (int k = 0; k < 2; k++) {
        const char *before = state_of_store();
        begin("transaction");
        for (int i = 0; i < lengths[k]; i++) {
            char url[32];
            char more[64];
            (void)snprintf(url, sizeof url, "urn:uuid:%d", i);
            (void)snprintf(more, sizeof more, ",'ifNoneExist':'derived-from=urn:uuid:%d'", i + 1);
            entry(url, "{'resourceType':'Observation','status':'final','code':{'text':'x'}}",
                  "POST", "Observation", more);
        }
        reply answer = send_bundle();
        if (k == 0) {
            expect_http(answer, 200);
        } else {
            expect_no_trace(&answer, FHIRSTORE_ERR_LIMIT, "too-costly", NULL, before);
        }
    }
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("entries", setup_store, histories, operations, capabilities,
              what_is_read_may_be_a_part, one_provenance_tells_of_a_transaction,
              entries_of_a_batch_have_a_provenance_each, a_deletion_of_several_is_told_of_as_well,
              criteria_may_name_entries, a_circle_of_conditions_is_refused,
              a_long_chain_of_conditions_is_refused),
    };
    return run_groups("bundle entries", groups, 1);
}
