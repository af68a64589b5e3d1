/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is refused: each row is a request with the status, the issue code and the place it is
 * answered with, and every byte of every table is the same before and after it. The store is a
 * plain one that other processes may open, so that the test can read its tables beside the library.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "harness.h"

/* ---- the whole of the file's tables ---- */

typedef struct dump {
    char *text;
    size_t len;
    size_t room;
} dump;

static void add_bytes(dump *out, const void *bytes, size_t len)
{
    if (out->len + len + 1 > out->room) {
        out->room = (out->room + len) * 2 + 4096;
        out->text = realloc(out->text, out->room);
        ck_assert_ptr_nonnull(out->text);
    }
    memcpy(out->text + out->len, bytes, len);
    out->len += len;
}

static void add_table(sqlite3 *db, const char *name, dump *out)
{
    char sql[256];
    sqlite3_stmt *stmt;
    (void)snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", name);
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    add_bytes(out, name, strlen(name));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            char head[32];
            int type = sqlite3_column_type(stmt, i);
            const void *bytes = sqlite3_column_blob(stmt, i);
            int len = sqlite3_column_bytes(stmt, i);
            int head_len = snprintf(head, sizeof head, "|%d:%d:", type, len);
            add_bytes(out, head, (size_t)head_len);
            if (len > 0) {
                add_bytes(out, bytes, (size_t)len);
            }
        }
        add_bytes(out, "\n", 1);
    }
    ck_assert_int_eq(sqlite3_finalize(stmt), SQLITE_OK);
}

static dump dump_store(void)
{
    dump out = {NULL, 0, 0};
    sqlite3 *db;
    sqlite3_stmt *stmt;
    ck_assert_int_eq(sqlite3_open_v2(store_path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT name FROM sqlite_schema WHERE type='table' AND "
                                        "sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        add_table(db, (const char *)sqlite3_column_text(stmt, 0), &out);
    }
    (void)sqlite3_finalize(stmt);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    ck_assert_uint_gt(out.len, 4096);
    return out;
}

static void expect_same(const dump *before, const char *label)
{
    dump after = dump_store();
    ck_assert_msg(before->len == after.len && memcmp(before->text, after.text, after.len) == 0,
                  "the store has changed: %s", label);
    free(after.text);
}

/* ---- the store of the rows ---- */

static void put(const char *url, const char *body)
{
    reply answer = ask("PUT", url, NULL, body);
    ck_assert_msg(answer.http < 300, "%s: %s", url, answer.body);
}

static void setup_plain(void)
{
    setup_folder();
    fhirstore_open_options options = open_options();
    options.key = NULL;
    options.key_len = 0;
    options.flags |= FHIRSTORE_OPEN_PLAINTEXT | FHIRSTORE_OPEN_MULTI_PROCESS;
    options.busy_timeout_ms = -1;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "test");
    put("Patient/a", "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true,\"identifier\":[{"
                     "\"system\":\"urn:s\",\"value\":\"one\"}]}");
    put("Patient/a", "{\"resourceType\":\"Patient\",\"id\":\"a\",\"identifier\":[{"
                     "\"system\":\"urn:s\",\"value\":\"one\"}]}");
    put("Patient/b", "{\"resourceType\":\"Patient\",\"id\":\"b\",\"identifier\":[{"
                     "\"system\":\"urn:s\",\"value\":\"two\"},{\"value\":\"both\"}]}");
    put("Patient/c", "{\"resourceType\":\"Patient\",\"id\":\"c\",\"identifier\":[{"
                     "\"value\":\"both\"}]}");
    put("Patient/gone", "{\"resourceType\":\"Patient\",\"id\":\"gone\"}");
    expect_http(ask("DELETE", "Patient/gone", NULL, NULL), 204);
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
}

/* ---- the rows ---- */

typedef struct row {
    const char *method;
    const char *url;
    const char *headers; /* NULL: none */
    const char *body;    /* single quotes stand for double ones; NULL: none */
    int http;
    const char *code;
    const char *place; /* expression of the first issue; NULL: any */
} row;

#define NEW_PATIENT "{'resourceType':'Patient'}"
#define PATIENT(id) "{'resourceType':'Patient','id':'" id "'}"
#define JSON_PATCH  "Content-Type: application/json-patch+json"
#define MERGE_PATCH "Content-Type: application/merge-patch+json"
#define FHIR_PATCH  "Content-Type: application/fhir+json"

static const row request_rows[] = {
    /* the conditional table */
    {"POST", "Patient", "If-None-Exist: identifier=both", NEW_PATIENT, 412, "multiple-matches", 0},
    {"POST", "Patient", "If-None-Exist:", NEW_PATIENT, 400, "invalid", NULL},
    {"POST", "Patient", "If-None-Exist: identifier=", NEW_PATIENT, 400, "invalid", NULL},
    {"POST", "Patient", "If-None-Exist: nonsense=1", NEW_PATIENT, 400, "not-supported", NULL},
    {"POST", "Patient", "If-None-Exist: identifier=one&_count=1", NEW_PATIENT, 400, "invalid", 0},
    {"PUT", "Patient?identifier=both", NULL, NEW_PATIENT, 412, "multiple-matches", NULL},
    {"PUT", "Patient?identifier=one", NULL, PATIENT("other"), 400, "invalid", "Resource.id"},
    {"PUT", "Patient?identifier=none", NULL, PATIENT("a"), 409, "conflict", NULL},
    {"PUT", "Patient", NULL, NEW_PATIENT, 400, "invalid", NULL},
    {"PUT", "Patient?", NULL, NEW_PATIENT, 400, "invalid", NULL},
    {"PATCH", "Patient?identifier=none", MERGE_PATCH, "{'active':true}", 404, "not-found", NULL},
    {"PATCH", "Patient?identifier=both", MERGE_PATCH, "{'active':true}", 412, "multiple-matches",
     0},
    {"PATCH", "Patient", MERGE_PATCH, "{'active':true}", 412, "conflict", NULL},
    {"DELETE", "Patient?identifier=both", NULL, NULL, 412, "multiple-matches", NULL},
    {"DELETE", "Patient", NULL, NULL, 412, "conflict", NULL},
    {"DELETE", "Patient?_count=5", NULL, NULL, 412, "conflict", NULL},
    {"DELETE", "Patient?identifier=both&_count=0", NULL, NULL, 400, "invalid", NULL},
    {"DELETE", "Patient?identifier=both&_count=101", NULL, NULL, 400, "invalid", NULL},
    {"DELETE", "Patient?identifier=both&_count=x", NULL, NULL, 400, "invalid", NULL},
    {"DELETE", "Patient?nonsense=1", NULL, NULL, 400, "not-supported", NULL},
    /* tags */
    {"PUT", "Patient/a", "If-Match: W/\"1\"", PATIENT("a"), 412, "conflict", NULL},
    {"PUT", "Patient/a", "If-Match: 2", PATIENT("a"), 400, "invalid", NULL},
    {"PUT", "Patient/a", "If-Match: W/2", PATIENT("a"), 400, "invalid", NULL},
    {"PUT", "Patient/a", "If-Match: \"2", PATIENT("a"), 400, "invalid", NULL},
    {"PUT", "Patient/a", "If-Match: W/\"two\"", PATIENT("a"), 400, "invalid", NULL},
    {"PUT", "Patient/a", "If-Match: w/\"2\"", PATIENT("a"), 400, "invalid", NULL},
    {"PUT", "Patient/a", "If-Match: **", PATIENT("a"), 400, "invalid", NULL},
    {"PUT", "Patient/a", "If-Match:", PATIENT("a"), 400, "invalid", NULL},
    {"PUT", "Patient/new", "If-Match: *", PATIENT("new"), 412, "conflict", NULL},
    {"PUT", "Patient/gone", "If-Match: *", PATIENT("gone"), 412, "conflict", NULL},
    {"PUT", "Patient/a", "If-None-Match: *", PATIENT("a"), 412, "conflict", NULL},
    {"PUT", "Patient/a", "If-None-Match: W/\"1\"", PATIENT("a"), 400, "invalid", NULL},
    {"DELETE", "Patient/a", "If-Match: W/\"1\"", NULL, 412, "conflict", NULL},
    {"DELETE", "Patient/a", "If-Match: one", NULL, 400, "invalid", NULL},
    {"PATCH", "Patient/a", "If-Match: W/\"1\"\n" MERGE_PATCH, "{'active':true}", 412, "conflict",
     0},
    {"DELETE", "Patient/a?_hardDelete=maybe", NULL, NULL, 400, "invalid", NULL},
    /* bodies */
    {"POST", "Patient", NULL, "", 400, "invalid", NULL},
    {"POST", "Patient", NULL, "{'resourceType':'Patient'", 400, "invalid", NULL},
    {"POST", "Patient", NULL, "{'resourceType':'Patient'}}", 400, "invalid", NULL},
    {"POST", "Patient", NULL, "[]", 400, "structure", NULL},
    {"POST", "Patient", NULL, "{'resourceType':'Patient','id':'x','id':'y'}", 400, "invalid", NULL},
    {"POST", "Patient", NULL, "{'resourceType':'Practitioner'}", 400, "invalid", "resourceType"},
    {"POST", "Patient", NULL, "{'resourceType':'Patient','nonsense':1}", 400, NULL, NULL},
    {"POST", "Patient", NULL, "{'resourceType':'Patient','active':'yes'}", 400, NULL, NULL},
    {"POST", "Patient", NULL, "{'resourceType':'Patient','birthDate':'1980-13-01'}", 400, NULL, 0},
    {"POST", "Observation", NULL, "{'resourceType':'Observation'}", 400, "required", NULL},
    {"PUT", "Patient/a", NULL, NEW_PATIENT, 400, "invalid", "Resource.id"},
    {"PUT", "Patient/a", NULL, PATIENT("b"), 400, "invalid", "Resource.id"},
    {"PUT", "Patient/a_b", NULL, PATIENT("a_b"), 400, "value", NULL},
    {"PUT", "Patient/a", "X-Provenance: {}", PATIENT("a"), 400, NULL, NULL},
    {"PUT", "Patient/a", "X-Provenance: nothing", PATIENT("a"), 400, "invalid", NULL},
    {"GET", "Patient/a", "X-Provenance: {}", NULL, 400, "invalid", NULL},
    /* patches */
    {"PATCH", "Patient/a", JSON_PATCH, "[{'op':'replace','path':'/id','value':'z'}]", 422, 0, NULL},
    {"PATCH", "Patient/a", JSON_PATCH, "[{'op':'remove','path':'/id'}]", 422, NULL, NULL},
    {"PATCH", "Patient/a", JSON_PATCH, "[{'op':'replace','path':'/resourceType','value':'Group'}]",
     422, NULL, NULL},
    {"PATCH", "Patient/a", JSON_PATCH, "[{'op':'add','path':'/nonsense','value':1}]", 422, 0, NULL},
    {"PATCH", "Patient/a", JSON_PATCH, "[{'op':'test','path':'/active','value':true}]", 422, 0, 0},
    {"PATCH", "Patient/a", JSON_PATCH, "[{'op':'remove','path':'/nowhere'}]", 422, NULL, NULL},
    {"PATCH", "Patient/a", JSON_PATCH, "[{'op':'burn','path':'/active'}]", 400, NULL, NULL},
    {"PATCH", "Patient/a", JSON_PATCH, "{'op':'remove'}", 400, NULL, NULL},
    {"PATCH", "Patient/a", JSON_PATCH, "[", 400, NULL, NULL},
    {"PATCH", "Patient/a", MERGE_PATCH, "{'resourceType':null}", 422, NULL, NULL},
    {"PATCH", "Patient/a", MERGE_PATCH, "{'id':'z'}", 422, NULL, NULL},
    {"PATCH", "Patient/a", MERGE_PATCH, "{'active':'no'}", 422, NULL, NULL},
    {"PATCH", "Patient/a", FHIR_PATCH, NEW_PATIENT, 400, NULL, NULL},
    {"PATCH", "Patient/a", FHIR_PATCH,
     "{'resourceType':'Parameters','parameter':[{'name':'operation','part':[{'name':'type',"
     "'valueCode':'delete'},{'name':'path','valueString':'Patient.id'}]}]}",
     422, NULL, NULL},
    {"PATCH", "Patient/gone", MERGE_PATCH, "{'active':true}", 410, "deleted", NULL},
    {"PATCH", "Patient/ghost", MERGE_PATCH, "{'active':true}", 404, "not-found", NULL},
    /* media types */
    {"POST", "Patient", "Content-Type: application/fhir+xml", "<Patient/>", 415, "not-supported",
     0},
    {"POST", "Patient", "Content-Type: application/fhir+json; fhirVersion=5.0", NEW_PATIENT, 415,
     "not-supported", NULL},
    {"PATCH", "Patient/a", "Content-Type: text/plain", "active", 415, "not-supported", NULL},
    {"POST", "Patient/_search", "Content-Type: application/json", "{}", 415, "not-supported", NULL},
    {"POST", "Binary", "Content-Type: application/fhir+xml", "<Binary/>", 415, "not-supported", 0},
    {"GET", "Patient/a", "Accept: application/fhir+xml", NULL, 406, "not-supported", NULL},
    {"GET", "Patient/a?_format=xml", NULL, NULL, 406, "not-supported", NULL},
    {"POST", "Patient?_format=text/turtle", NULL, NEW_PATIENT, 406, "not-supported", NULL},
    /* addresses */
    {"GET", "Patient/ghost", NULL, NULL, 404, "not-found", NULL},
    {"GET", "Patient/gone", NULL, NULL, 410, "deleted", NULL},
    {"GET", "Patient/gone/_history/2", NULL, NULL, 410, "deleted", NULL},
    {"GET", "Patient/a/_history/9", NULL, NULL, 404, "not-found", NULL},
    {"GET", "Patient/a/_history/x", NULL, NULL, 404, "not-found", NULL},
    {"GET", "Patient/ghost/_history", NULL, NULL, 404, "not-found", NULL},
    {"GET", "Nonsense", NULL, NULL, 404, "not-supported", NULL},
    {"POST", "Nonsense", NULL, "{'resourceType':'Nonsense'}", 404, "not-supported", NULL},
    {"PUT", "HumanName/1", NULL, "{}", 404, "not-supported", NULL},
    {"GET", "Patient/a/b/c/d/e/f", NULL, NULL, 404, "not-found", NULL},
    {"POST", "Patient/a/$nonsense", NULL, NULL, 404, "not-found", NULL},
    {"GET", "Patient/a/_nonsense", NULL, NULL, 404, "not-found", NULL},
    {"POST", "Patient/a", NULL, PATIENT("a"), 405, "not-supported", NULL},
    {"PUT", "", NULL, "{}", 405, "not-supported", NULL},
    {"DELETE", "metadata", NULL, NULL, 405, "not-supported", NULL},
    {"DELETE", "Patient/a/_history/1", NULL, NULL, 405, "not-supported", NULL},
    {"POST", "Patient/_history", NULL, "{}", 405, "not-supported", NULL},
    {"BREW", "Patient/a", NULL, NULL, 405, "not-supported", NULL},
    {"GET", "Patient/a/$purge-history", NULL, NULL, 405, "not-supported", NULL},
    /* histories and searches */
    {"GET", "Patient/a/_history?_before=2999-01-01", NULL, NULL, 400, "invalid", NULL},
    {"GET", "Patient/a/_history?_sort=name", NULL, NULL, 400, "invalid", NULL},
    {"GET", "_history?_count=-1", NULL, NULL, 400, "invalid", NULL},
    {"GET", "_history?nonsense=1", "Prefer: handling=strict", NULL, 400, "not-supported", NULL},
    {"GET", "Patient?nonsense=1", "Prefer: handling=strict", NULL, 400, "not-supported", NULL},
    {"GET", "Patient?birthdate=yesterday", NULL, NULL, 400, "invalid", NULL},
    {"GET", "Patient?_summary=true&_elements=id", NULL, NULL, 400, "invalid", NULL},
};

#define ENTRY(resource, method, url) \
    "{'resource':" resource ",'request':{'method':'" method "','url':'" url "'}}"
#define ASK(method, url)     "{'request':{'method':'" method "','url':'" url "'}}"
#define TRANSACTION(entries) "{'resourceType':'Bundle','type':'transaction','entry':[" entries "]}"
/* A good entry first, whose traces must go, then the one that fails. */
#define AFTER_GOOD(entry) TRANSACTION(ENTRY(NEW_PATIENT, "POST", "Patient") "," entry)

static const row bundle_rows[] = {
    {"POST", "", NULL, "{'resourceType':'Bundle'}", 400, "invalid", "Bundle.type"},
    {"POST", "", NULL, "{'resourceType':'Bundle','type':'nonsense'}", 400, "invalid",
     "Bundle.type"},
    {"POST", "", NULL, "{'resourceType':'Bundle','type':'collection'}", 400, "invalid", 0},
    {"POST", "", NULL, "{'resourceType':'Patient'}", 400, NULL, NULL},
    {"POST", "", NULL, "[]", 400, NULL, NULL},
    {"POST", "", NULL, "", 400, NULL, NULL},
    {"POST", "", NULL, "{'resourceType':'Bundle','type':'transaction','entry':{}}", 400, 0, NULL},
    {"POST", "", NULL, TRANSACTION("7"), 400, NULL, "Bundle.entry[0]"},
    {"POST", "", NULL, AFTER_GOOD("{}"), 400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD("{'resource':" NEW_PATIENT "}"), 400, 0, "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ASK("POST", "Patient")), 400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ENTRY("7", "POST", "Patient")), 400, NULL, "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ENTRY(NEW_PATIENT, "BREW", "Patient")), 405, 0,
     "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ENTRY(NEW_PATIENT, "POST", "Nonsense")), 404, 0,
     "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ENTRY(PATIENT("b"), "PUT", "Patient/a")), 400, NULL,
     "Bundle.entry[1].resource.id"},
    {"POST", "", NULL,
     AFTER_GOOD(ENTRY("{'resourceType':'Patient','nonsense':1}", "POST", "Patient")), 400, NULL,
     NULL},
    {"POST", "", NULL, AFTER_GOOD(ASK("GET", "Patient/ghost")), 404, "not-found",
     "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ASK("GET", "Patient/gone")), 410, "deleted", "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ASK("GET", "Patient/a/_history?_sort=x")), 400, "invalid",
     "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ASK("GET", "Patient/a/$nonsense")), 404, 0, "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ASK("DELETE", "Patient?identifier=both")), 412,
     "multiple-matches", "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ASK("DELETE", "Patient")), 412, "conflict", "Bundle.entry[1]"},
    {"POST", "", NULL,
     TRANSACTION(
         ENTRY(PATIENT("n"), "PUT", "Patient/n") "," ENTRY(PATIENT("n"), "PUT", "Patient/n")),
     400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     TRANSACTION(ENTRY(PATIENT("a"), "PUT", "Patient/a") "," ASK("DELETE", "Patient/a")), 400,
     "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     TRANSACTION(ENTRY(PATIENT("a"), "PUT", "Patient/a") "," ENTRY(NEW_PATIENT, "PUT",
                                                                   "Patient?identifier=one")),
     400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     TRANSACTION("{'fullUrl':'urn:uuid:1','resource':" NEW_PATIENT
                 ",'request':{'method':'POST','url':'Patient'}},{'fullUrl':'urn:uuid:1',"
                 "'resource':" NEW_PATIENT ",'request':{'method':'POST','url':'Patient'}}"),
     400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD("{'fullUrl':'http://x/Patient/1/_history/2','resource':" NEW_PATIENT
                ",'request':{'method':'POST','url':'Patient'}}"),
     400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD("{'resource':" NEW_PATIENT ",'request':{'method':'POST','url':'Patient',"
                "'ifNoneExist':'identifier=both'}}"),
     412, "multiple-matches", "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD("{'resource':" PATIENT("a") ",'request':{'method':'PUT','url':'Patient/a',"
                                            "'ifMatch':'W/\\'1\\''}}"),
     412, "conflict", "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD("{'resource':" PATIENT("a") ",'request':{'method':'PUT','url':'Patient/a',"
                                            "'ifMatch':'2'}}"),
     400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD("{'request':{'method':'GET','url':'Patient/a','ifModifiedSince':'once'}}"), 400,
     "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD(ENTRY("{'resourceType':'Patient','managingOrganization':{'reference':"
                      "'Organization?name=none'}}",
                      "POST", "Patient")),
     400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD(ENTRY("{'resourceType':'Patient','link':[{'other':{'reference':"
                      "'Patient?identifier=both'},'type':'seealso'}]}",
                      "POST", "Patient")),
     400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD("{'fullUrl':'urn:uuid:1','resource':" NEW_PATIENT
                ",'request':{'method':'POST','url':'Patient','ifNoneExist':'link=urn:uuid:1'}}"),
     400, "invalid", "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD(ENTRY("{'resourceType':'Binary','contentType':'application/json-patch+json',"
                      "'data':'W10'}",
                      "PATCH", "Patient/a")),
     400, NULL, "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD(ENTRY("{'resourceType':'Binary','contentType':'image/png','data':'W10='}", "PATCH",
                      "Patient/a")),
     415, NULL, "Bundle.entry[1]"},
    {"POST", "", NULL,
     AFTER_GOOD(ENTRY("{'resourceType':'Parameters','parameter':[{'name':'operation','part':[{"
                      "'name':'type','valueCode':'delete'},{'name':'path','valueString':"
                      "'Patient.id'}]}]}",
                      "PATCH", "Patient/a")),
     422, NULL, NULL},
    {"POST", "", NULL, AFTER_GOOD(ENTRY(TRANSACTION(""), "POST", "")), 400, NULL,
     "Bundle.entry[1]"},
    {"POST", "", NULL, AFTER_GOOD(ENTRY(TRANSACTION(""), "POST", "/")), 501, NULL,
     "Bundle.entry[1]"},
    {"POST", "", "X-Provenance: {}", AFTER_GOOD(ENTRY(PATIENT("n"), "PUT", "Patient/n")), 400, 0,
     NULL},
    {"POST", "", "Content-Type: application/fhir+xml", "<Bundle/>", 415, "not-supported", NULL},
    {"POST", "", "Accept: text/html", TRANSACTION(""), 406, "not-supported", NULL},
};

static char *with_quotes(const char *text)
{
    char *copy = strdup(text);
    for (char *at = copy; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return copy;
}

static void check_row(const row *wanted, const dump *before)
{
    char label[512];
    char *body = wanted->body == NULL ? NULL : with_quotes(wanted->body);
    (void)snprintf(label, sizeof label, "%s %s [%s] %.300s", wanted->method, wanted->url,
                   wanted->headers == NULL ? "" : wanted->headers,
                   wanted->body == NULL ? "" : wanted->body);
    reply answer = ask(wanted->method, wanted->url, wanted->headers, body);
    free(body);
    ck_assert_msg(answer.http == wanted->http, "%s: %d: %s", label, (int)answer.http, answer.body);
    const char *type = text_at(&answer, "resourceType");
    const char *code = text_at(&answer, "issue.0.code");
    const char *place = text_at(&answer, "issue.0.expression.0");
    ck_assert_msg(type != NULL && strcmp(type, "OperationOutcome") == 0, "%s: %s", label,
                  answer.body);
    ck_assert_msg(code != NULL && (wanted->code == NULL || strcmp(code, wanted->code) == 0),
                  "%s: %s", label, answer.body);
    ck_assert_msg(wanted->place == NULL || (place != NULL && strcmp(place, wanted->place) == 0),
                  "%s: %s", label, answer.body);
    ck_assert_ptr_nonnull(text_at(&answer, "issue.0.diagnostics"));
    ck_assert_msg((header_of(&answer, "Allow") != NULL) == (wanted->http == 405), "%s: Allow",
                  label);
    expect_same(before, label);
    forget_replies();
}

START_TEST(requests)
{
    dump before = dump_store();
    for (size_t i = 0; i < sizeof request_rows / sizeof request_rows[0]; i++) {
        check_row(&request_rows[i], &before);
    }
    free(before.text);
    expect_sound(store);
}
END_TEST

START_TEST(bundles)
{
    dump before = dump_store();
    for (size_t i = 0; i < sizeof bundle_rows / sizeof bundle_rows[0]; i++) {
        check_row(&bundle_rows[i], &before);
    }
    free(before.text);
    expect_sound(store);
}
END_TEST

/* What depends on more than the request. */
START_TEST(sessions_and_stores)
{
    static const char body[] = "{\"resourceType\":\"Patient\",\"id\":\"a\",\"gender\":\"male\"}";
    dump before = dump_store();
    sqlite3 *other;
    ck_assert_int_eq(sqlite3_open(store_path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    reply answer = ask("PUT", "Patient/a", NULL, body);
    ck_assert_int_eq(answer.http, 503);
    expect_text(answer, "issue.0.code", "lock-error");
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    expect_same(&before, "busy");

    char *url = malloc(70000);
    memset(url, 'x', 70000);
    answer = ask_bytes(session, "GET", (memcpy(url, "Patient?_id=", 12), url[69999] = '\0', url),
                       NULL, NULL, 0);
    ck_assert_int_eq(answer.http, 413);
    expect_text(answer, "issue.0.code", "too-costly");
    free(url);
    expect_same(&before, "long address");

    fhirstore_session *mine = session;
    session = must_enter(store, 0, "Practitioner/nobody"); /* no policy: nothing is allowed */
    answer = ask("PUT", "Patient/a", NULL, body);
    ck_assert_int_eq(answer.http, 403);
    expect_text(answer, "issue.0.code", "forbidden");
    answer = ask("POST", "", NULL,
                 "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[]}");
    ck_assert_int_eq(answer.http, 403);
    expect_same(&before, "denied");
    fhirstore_session_revoke(session);
    answer = ask("PUT", "Patient/a", NULL, body);
    ck_assert_int_eq(answer.http, 401);
    expect_text(answer, "issue.0.code", "expired");
    expect_same(&before, "expired");
    fhirstore_session_close(session);
    session = mine;
    free(before.text);
}
END_TEST

/* The other way round: the dump does see what is not refused. */
START_TEST(a_change_shows)
{
    dump before = dump_store();
    expect_http(ask("PUT", "Patient/a", NULL,
                    "{\"resourceType\":\"Patient\",\"id\":\"a\",\"gender\":\"male\"}"),
                200);
    dump after = dump_store();
    ck_assert(before.len != after.len || memcmp(before.text, after.text, after.len) != 0);
    free(before.text);
    free(after.text);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("refusals", setup_plain, requests, bundles, sessions_and_stores, a_change_shows),
    };
    return run_groups("refusals", groups, 1);
}
