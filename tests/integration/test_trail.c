/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as AuditEvents: what they say, who finds them how, and that nobody writes them. */
#include <stdio.h>

#include "harness.h"

#define PATIENT(id) "{\"resourceType\":\"Patient\",\"id\":\"" id "\"}"
#define OWN(id, recorded)                                                                 \
    "{\"resourceType\":\"AuditEvent\",\"id\":\"" id                                       \
    "\",\"type\":{\"system\":\"http://terminology.hl7.org/CodeSystem/audit-event-type\"," \
    "\"code\":\"rest\"},\"action\":\"R\",\"recorded\":\"" recorded                        \
    "\",\"agent\":[{\"requestor\":true,\"who\":{\"reference\":\"Practitioner/own\"}}],"   \
    "\"source\":{\"observer\":{\"display\":\"x\"}}}"

static const char policy[] =
    "{\"roles\":{\"auditor\":{\"allow\":[{\"actions\":[\"audit\"]}]},"
    "\"patch\":{\"allow\":[{\"actions\":[\"audit\"],\"types\":[\"AuditEvent\"],"
    "\"where\":\"action=R\"}]},"
    "\"reader\":{\"allow\":[{\"actions\":[\"read\",\"search\"]}]}}}";

static fhirstore_session *enter_as(const char *claims)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *opened = NULL;
    fhirstore_error *error = NULL;
    options.principal = "Practitioner/7";
    options.principal_len = 14;
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_set_policy(store, policy, sizeof policy - 1, &error), FHIRSTORE_OK);
    fhirstore_status status = fhirstore_session_open(store, &options, &opened, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s",
                  error == NULL ? "" : fhirstore_error_message(error));
    return opened;
}

static reply get_as(fhirstore_session *who, const char *url)
{
    return ask_bytes(who, "GET", url, NULL, NULL, 0);
}

static reply get(const char *url)
{
    return get_as(session, url);
}

/* Ids on a page, with blanks between. */
static const char *ids_on(const reply *page)
{
    static char ids[4096];
    char path[64];
    ids[0] = '\0';
    for (int i = 0; i < items_at(page, "entry"); i++) {
        (void)snprintf(path, sizeof path, "entry.%d.resource.id", i);
        const char *id = text_at(page, path);
        size_t at = strlen(ids);
        (void)snprintf(ids + at, sizeof ids - at, "%s%s", at > 0 ? " " : "", id == NULL ? "-" : id);
    }
    return ids;
}

static void expect_ids(const char *url, const char *want)
{
    const reply page = get(url);
    expect_http(page, 200);
    ck_assert_msg(strcmp(ids_on(&page), want) == 0, "%s: %s, wanted %s", url, ids_on(&page), want);
}

static void do_some_work(void)
{
    expect_status(update("Patient", "p", PATIENT("p")), FHIRSTORE_CREATED); /* 1 */
    expect_status(read_one("Patient", "p"), FHIRSTORE_OK);                  /* 2 */
    expect_status(read_one("Patient", "ghost"), FHIRSTORE_ERR_NOT_FOUND);   /* 3 */
    expect_status(search_page("Patient", "_id=p"), FHIRSTORE_OK);           /* 4 */
    expect_status(history("Patient", "p", ""), FHIRSTORE_OK);               /* 5 */
    expect_http(ask("PATCH", "Patient/p", "Content-Type: application/json-patch+json",
                    "[{\"op\":\"add\",\"path\":\"/active\",\"value\":false}]"),
                200);                                                /* 6 */
    expect_status(delete_one("Patient", "p"), FHIRSTORE_NO_CONTENT); /* 7 */
}

START_TEST(records_read_as_audit_events)
{
    do_some_work();
    reply event = get("AuditEvent/journal.1");
    expect_http(event, 200);
    expect_text(event, "resourceType", "AuditEvent");
    expect_text(event, "type.code", "rest");
    expect_text(event, "subtype.0.code", "update");
    expect_text(event, "action", "U");
    expect_text(event, "outcome", "0");
    expect_text(event, "agent.0.who.reference", "Practitioner/tester");
    expect_text(event, "meta.profile.0",
                "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
                "IHE.BasicAudit.PatientUpdate");
    expect_text(event, "entity.0.what.reference", "Patient/p/_history/1");
    expect_text(event, "entity.1.what.reference", "Patient/p");
    event = get("AuditEvent/journal.3");
    expect_text(event, "outcome", "4");
    expect_text(event, "outcomeDesc", "ERR_NOT_FOUND");
    expect_nothing_at(event, "meta.profile");
    event = get("AuditEvent/journal.4");
    expect_text(event, "subtype.0.code", "search");
    expect_text(event, "action", "E");
    /* http://localhost/fhir/Patient?_id=p */
    expect_text(event, "entity.0.query", "aHR0cDovL2xvY2FsaG9zdC9maGlyL1BhdGllbnQ/X2lkPXA=");
    expect_http(ask("GET", "AuditEvent/journal.1", "If-None-Match: W/\"1\"", NULL), 304);
    expect_http(get("AuditEvent/journal.1/_history/1"), 200);
    expect_http(get("AuditEvent/journal.1/_history/2"), 404);
    expect_http(get("AuditEvent/journal.99999"), 404);
    expect_http(get("AuditEvent/journal.99999999999999999999"), 404);
    expect_http(get("AuditEvent/journal.01"), 404);
}
END_TEST

START_TEST(searches_find_records)
{
    do_some_work();
    expect_ids("AuditEvent?_sort=date&patient=p", "journal.1 journal.2 journal.4 journal.5 "
                                                  "journal.6 journal.7");
    expect_ids("AuditEvent?patient=Patient/p&action=U,D", "journal.7 journal.6 journal.1");
    expect_ids("AuditEvent?patient=http://localhost/fhir/Patient/p&action=C", "");
    expect_ids("AuditEvent?outcome=4&type=rest", "journal.3");
    expect_ids("AuditEvent?outcome:not=0", "journal.3");
    expect_ids("AuditEvent?entity=Patient/ghost", "journal.3");
    expect_ids("AuditEvent?_id=journal.2,journal.5&_sort=_lastUpdated", "journal.2 journal.5");
    expect_ids("AuditEvent?date=lt2000", "");
    expect_ids("AuditEvent?agent=Practitioner/tester&_sort=date&_count=2", "journal.1 journal.2");
    expect_ids("AuditEvent?agent=tester&subtype=read&entity=Patient/p", "journal.2");
    expect_ids("AuditEvent?agent:Practitioner=tester&subtype=patch", "journal.6");
    expect_ids("AuditEvent?agent:Device=tester&subtype=patch", "");
    expect_ids("Patient/p/AuditEvent?subtype=history-instance", "journal.5");
    expect_ids(
        "AuditEvent?type=http://terminology.hl7.org/CodeSystem/audit-event-type%7Crest&action=D",
        "journal.7");
    const reply count = get("AuditEvent?patient=p&_summary=count");
    expect_text(count, "total", "6");
    expect_nothing_at(count, "entry");
    const reply page = get("AuditEvent?patient=p&_count=1&_total=accurate");
    expect_text(page, "total", "6");
    expect_http(get("AuditEvent?date=yesterday"), 400);
    expect_http(get("AuditEvent?_count=x"), 400);
    /* What the journal cannot be asked for is said. */
    const reply other = get("AuditEvent?_sort=agent");
    expect_http(other, 200);
    ck_assert(has_text(&other, "journal was left out"));
    /* By all else that AuditEvents are searched by, records are judged as the resources they are.
     */
    expect_ids("AuditEvent?agent-role=x", "");
    expect_ids("AuditEvent?entity-type=http://terminology.hl7.org/CodeSystem/audit-entity-type%7C1"
               "&subtype=read",
               "journal.2");
    expect_ids("AuditEvent?agent:identifier=x", "");
    expect_ids("AuditEvent?date:missing=false&subtype=patch", "journal.6");
    expect_ids("AuditEvent?outcome:missing=true", "");
    expect_ids("AuditEvent?_profile=https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
               "IHE.BasicAudit.PatientDelete",
               "journal.7");
    expect_ids("AuditEvent?address=http://localhost/fhir&subtype=patch&_tag:not=x", "journal.6");
    const reply few = get("AuditEvent?entity-type=1&_summary=count");
    expect_text(few, "total", "6");
    expect_http(ask("GET", "AuditEvent?foo=1", "Prefer: handling=strict", NULL), 400);
}
END_TEST

/* From link to link, however the pages are cut, everything once and in order. */
static void walk(const char *first, int pages_max, char *out, size_t size)
{
    char url[2048];
    (void)snprintf(url, sizeof url, "%s", first);
    out[0] = '\0';
    for (int i = 0; i < pages_max; i++) {
        const reply page = get(url);
        expect_http(page, 200);
        size_t at = strlen(out);
        (void)snprintf(out + at, size - at, "%s%s", at > 0 ? " " : "", ids_on(&page));
        const char *next = NULL;
        for (int k = 0; k < items_at(&page, "link"); k++) {
            char path[64];
            (void)snprintf(path, sizeof path, "link.%d.relation", k);
            if (strcmp(text_at(&page, path), "next") == 0) {
                (void)snprintf(path, sizeof path, "link.%d.url", k);
                next = text_at(&page, path);
            }
        }
        if (next == NULL) {
            return;
        }
        (void)snprintf(url, sizeof url, "%s", next);
    }
    ck_abort_msg("the pages do not end");
}

START_TEST(stored_events_and_records_are_one_list)
{
    static const char want[] = "old1 old2 journal.1 own0 own1 own2 own3 journal.2 new1 new2";
    char got[1024];
    char body[1024];
    clock_us = INT64_C(1600000000) * SECOND; /* 2020-09-13T12:26:40Z */
    expect_status(update("Patient", "p", PATIENT("p")), FHIRSTORE_CREATED); /* journal.1 */
    static const char *const stored[][2] = {
        {"new2", "2022-01-01T00:00:00Z"}, {"old2", "2001-01-01T00:00:00Z"},
        {"old1", "2000-01-01T00:00:00Z"}, {"own3", "2020-10-01T00:00:00Z"},
        {"own0", "2020-10-01T00:00:00Z"}, {"own1", "2020-10-01T00:00:00Z"},
        {"own2", "2020-10-01T00:00:00Z"}, {"new1", "2021-12-31T23:59:59.123456+01:00"}};
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        (void)snprintf(body, sizeof body, OWN("%s", "%s"), stored[i][0], stored[i][1]);
        expect_status(update("AuditEvent", stored[i][0], body), FHIRSTORE_CREATED);
    }
    clock_us = INT64_C(1605000000) * SECOND;
    expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
    for (int size = 1; size <= 11; size++) {
        char url[128];
        (void)snprintf(url, sizeof url,
                       "AuditEvent?_sort=date&_count=%d&_id=journal.1,journal.10,"
                       "old1,old2,own0,own1,own2,own3,new1,new2",
                       size);
        walk(url, 20, got, sizeof got);
        char *ten = strstr(got, "journal.10");
        ck_assert_ptr_nonnull(ten);
        memmove(ten + 8, "2", 1);
        memmove(ten + 9, ten + 10, strlen(ten + 10) + 1);
        ck_assert_str_eq(got, want);
        forget_replies();
        (void)snprintf(url, sizeof url, "AuditEvent?_count=%d&_id=own0,journal.1,old2,journal.10",
                       size);
        walk(url, 20, got, sizeof got);
        ck_assert_str_eq(got, "journal.10 own0 journal.1 old2");
        forget_replies();
    }
    expect_http(get("AuditEvent?_sort=date&_page=nonsense"), 400);
}
END_TEST

START_TEST(only_auditors_see_records)
{
    do_some_work();
    expect_status(update("AuditEvent", "own", OWN("own", "2020-01-01T00:00:00Z")),
                  FHIRSTORE_CREATED);
    fhirstore_session *auditor = enter_as("{\"roles\":[\"auditor\"]}");
    fhirstore_session *reader = enter_as("{\"roles\":[\"reader\"]}");
    fhirstore_session *both = enter_as("{\"roles\":[\"reader\",\"auditor\"]}");
    fhirstore_session *nobody = enter_as("{\"roles\":[]}");
    expect_http(get_as(auditor, "AuditEvent/journal.1"), 200);
    expect_http(get_as(auditor, "AuditEvent/own"), 403);
    expect_http(get_as(auditor, "Patient/p"), 403);
    reply page = get_as(auditor, "AuditEvent?_id=own,journal.1");
    ck_assert_str_eq(ids_on(&page), "journal.1");
    page = get_as(both, "AuditEvent?_id=own,journal.1");
    ck_assert_str_eq(ids_on(&page), "journal.1 own");
    /* For others there is nothing, as with any id that is not there. */
    page = get_as(reader, "AuditEvent?_id=own,journal.1");
    ck_assert_str_eq(ids_on(&page), "own");
    const reply hidden = get_as(reader, "AuditEvent/journal.1");
    const reply absent = get_as(reader, "AuditEvent/absent");
    expect_http(hidden, 404);
    ck_assert_str_eq(hidden.body, absent.body);
    expect_http(get_as(nobody, "AuditEvent/journal.1"), 403);
    expect_http(get_as(nobody, "AuditEvent"), 403);
    /* A part of the journal is not given out: who may see a part of AuditEvents sees none of it. */
    fhirstore_session *part = enter_as("{\"roles\":[\"patch\"]}");
    fhirstore_buf records = {0};
    int64_t next;
    expect_http(get_as(part, "AuditEvent/journal.1"), 403);
    expect_http(get_as(part, "AuditEvent"), 403);
    ck_assert_int_eq(fhirstore_journal_read(part, 1, 1, &records, &next, NULL),
                     FHIRSTORE_ERR_DENIED);
    ck_assert_int_eq(fhirstore_journal_retain(part, 1, NULL), FHIRSTORE_ERR_DENIED);
    fhirstore_buf_clear(&records);
    fhirstore_session_close(part);
    /* Looking is recorded. */
    page = get("AuditEvent?agent=Practitioner/7&type=110101&_sort=date");
    ck_assert_int_eq(items_at(&page, "entry"), 5);
    expect_text(page, "entry.0.resource.entity.0.what.reference", "AuditEvent/journal.1");
    /* A link of one is no use to another. */
    page = get_as(auditor, "AuditEvent?_count=1");
    expect_text(page, "link.1.relation", "next");
    expect_http(get(text_at(&page, "link.1.url")), 400);
    expect_http(get_as(auditor, text_at(&page, "link.1.url")), 200);
    fhirstore_session_close(auditor);
    fhirstore_session_close(reader);
    fhirstore_session_close(both);
    fhirstore_session_close(nobody);
}
END_TEST

START_TEST(nobody_writes_records)
{
    static const char body[] = OWN("journal.1", "2020-01-01T00:00:00Z");
    char bundle[2048];
    do_some_work();
    const char *before = state_of_store();
    reply answer = ask("PUT", "AuditEvent/journal.1", NULL, body);
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", NULL, before);
    ck_assert_str_eq(header_of(&answer, "Allow"), "GET, HEAD");
    answer = ask("PUT", "AuditEvent/journal.1", NULL, "{\"resourceType\":\"AuditEvent\"}");
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", NULL, before);
    answer = ask("DELETE", "AuditEvent/journal.1?_hardDelete=true", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", NULL, before);
    answer = ask("DELETE", "AuditEvent/journal.1", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", NULL, before);
    answer = ask("DELETE", "AuditEvent/journal.77777", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", NULL, before);
    answer = ask("PATCH", "AuditEvent/journal.1", "Content-Type: application/json-patch+json",
                 "[{\"op\":\"replace\",\"path\":\"/action\",\"value\":\"C\"}]");
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", NULL, before);
    answer = ask("PUT", "AuditEvent?_id=none", NULL, body);
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", NULL, before);
    (void)snprintf(
        bundle, sizeof bundle,
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":" PATIENT(
            "new") ",\"request\":{\"method\":\"PUT\",\"url\":\"Patient/new\"}},"
                   "{\"resource\":%s,\"request\":{\"method\":\"PUT\",\"url\":"
                   "\"AuditEvent/journal.1\"}}]}",
        body);
    answer = ask("POST", "", NULL, bundle);
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", NULL, before);
    fhirstore_import *import = NULL;
    fhirstore_import_totals totals = {.struct_size = sizeof totals};
    ck_assert_int_eq(fhirstore_import_open(session, NULL, &import, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_import_add(import, "x", 1, body, sizeof body - 1, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_import_finish(import, &totals, NULL), FHIRSTORE_OK);
    fhirstore_import_close(import);
    ck_assert_int_eq((int)totals.failed, 1);
    /* A resource without an id of its own is a resource like others. */
    answer = create("AuditEvent", body);
    expect_status(answer, FHIRSTORE_CREATED);
    ck_assert_ptr_null(strstr(id_of(&answer), "journal"));
}
END_TEST

/* Each AuditEvent is one that a store of its version takes when it checks what it is given. */
static void check_events_of(int32_t version, const char *name)
{
    char url[64];
    fhirstore_open_options options = open_options();
    options.fhir_version = version;
    store = must_open(in_folder(name), &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/tester");
    do_some_work();
    expect_http(get("metadata"), 200);
    expect_http(ask("POST", "", NULL,
                    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[]}"),
                200);
    expect_http(get("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender"),
                200);
    expect_status(search_page("", "_type=Patient"), FHIRSTORE_OK);
    (void)get("AuditEvent?_count=0");
    const reply all = get("AuditEvent?_summary=count");
    int events = 0;
    for (int i = 1; i <= atoi(text_at(&all, "total")); i++) {
        (void)snprintf(url, sizeof url, "AuditEvent/journal.%d", i);
        const reply event = get(url);
        expect_http(event, 200);
        const reply stored = create("AuditEvent", event.body);
        ck_assert_msg(stored.status == FHIRSTORE_CREATED, "%s\n%s", stored.body, event.body);
        events++;
    }
    ck_assert_int_gt(events, 10);
    fhirstore_session_close(session);
    fhirstore_close(store);
    forget_replies();
}

START_TEST(they_are_valid_in_each_version)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    check_events_of(FHIRSTORE_FHIR_R4, "r4");
    check_events_of(FHIRSTORE_FHIR_R4B, "r4b");
    check_events_of(FHIRSTORE_FHIR_R5, "r5");
    fhirstore_open_options options = open_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("trail", setup_store, records_read_as_audit_events, searches_find_records,
              only_auditors_see_records, nobody_writes_records, they_are_valid_in_each_version),
        GROUP("order", setup_clocked_store, stored_events_and_records_are_one_list),
    };
    return run_groups("trail", groups, sizeof groups / sizeof groups[0]);
}
