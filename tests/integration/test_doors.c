/* SPDX-License-Identifier: Apache-2.0 */
/* What an authorizer hides is hidden behind every door; what an audit hook is told has happened. */
#include <stdio.h>

#include "harness.h"

#define MAX_EVENTS 4096

/* One event as it was told. */
typedef struct told {
    int32_t action;
    fhirstore_status outcome;
    int64_t count;
    int64_t version_after;
    char type[64];
    char id[64];
} told;

static told events[MAX_EVENTS];
static size_t event_count;
static size_t refuse_at; /* the hook refuses the event of this number, from 1; 0: none */
static const char *hidden = "Patient";
static size_t asked_for_hidden;

static fhirstore_status hide(void *ctx, const fhirstore_access_request *request,
                             fhirstore_access_decision *decision)
{
    (void)ctx;
    ck_assert_uint_eq(decision->struct_size, sizeof *decision);
    ck_assert_int_eq(decision->answer, FHIRSTORE_ACCESS_DENY);
    if (strcmp(request->type, hidden) == 0) {
        asked_for_hidden++;
        return FHIRSTORE_OK;
    }
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

static fhirstore_status take_event(void *ctx, const fhirstore_audit_event *event)
{
    (void)ctx;
    ck_assert_uint_lt(event_count, MAX_EVENTS);
    told *one = &events[event_count++];
    *one = (told){.action = event->action,
                  .outcome = event->outcome,
                  .count = event->count,
                  .version_after = event->version_after};
    (void)snprintf(one->type, sizeof one->type, "%s", event->type);
    (void)snprintf(one->id, sizeof one->id, "%s", event->id);
    return event_count == refuse_at ? FHIRSTORE_ERR_DENIED : FHIRSTORE_OK;
}

static void listen_to(fhirstore *which)
{
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .record = take_event};
    event_count = 0;
    refuse_at = 0;
    ck_assert_int_eq(fhirstore_set_audit_hook(which, &hook, NULL), FHIRSTORE_OK);
}

/* Patients and observations; the session sees the observations only. */
static void setup_hidden(void)
{
    const fhirstore_authorizer authorizer = {sizeof authorizer, 0, NULL, hide, NULL};
    setup_store();
    expect_status(update("Patient", "p1",
                         "{\"resourceType\":\"Patient\",\"id\":\"p1\","
                         "\"name\":[{\"family\":\"Muster\"}]}"),
                  FHIRSTORE_CREATED);
    expect_status(update("Observation", "o1",
                         "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\","
                         "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p1\"}}"),
                  FHIRSTORE_CREATED);
    expect_status(
        update("Encounter", "e1",
               "{\"resourceType\":\"Encounter\",\"id\":\"e1\",\"status\":\"finished\","
               "\"class\":{\"code\":\"AMB\"},\"subject\":{\"reference\":\"Patient/p1\"}}"),
        FHIRSTORE_CREATED);
    hidden = "Patient";
    asked_for_hidden = 0;
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    session = must_enter(store, 0, "Practitioner/limited");
}

START_TEST(a_system_search_skips_denied_types)
{
    expect_text(search_page("", "_id=p1"), "total", "0");
    expect_text(search_page("", "_type=Patient"), "total", "0");
    asked_for_hidden = 0;
    reply all = search_page("", "_lastUpdated=gt2000");
    ck_assert_uint_eq(asked_for_hidden, 1);
    expect_text(all, "total", "2");
    ck_assert(!has_text(&all, "Muster"));
    all = search_page("", "_type=Patient,Observation");
    expect_text(all, "total", "1");
    expect_text(all, "entry.0.resource.id", "o1");
    ck_assert_int_eq(count_of("", "_id=p1"), 0);
    ck_assert_int_eq(count_of("", "_id=o1"), 1);
    reply asked = ask("GET", "/?_id=p1", NULL, NULL);
    ck_assert(!has_text(&asked, "Muster"));
}
END_TEST

START_TEST(a_cursor_skips_denied_types)
{
    fhirstore_search *search;
    int found = 0;
    ck_assert_int_eq(fhirstore_search_open(session, NULL, 0, "", 0, &search, NULL), FHIRSTORE_OK);
    while (fhirstore_search_next(search, NULL) == FHIRSTORE_OK) {
        ck_assert_str_ne(fhirstore_search_type(search, NULL), "Patient");
        found++;
    }
    ck_assert_int_eq(found, 2);
    fhirstore_search_close(search);
}
END_TEST

START_TEST(a_chain_does_not_pass_through_a_denied_type)
{
    expect_text(search_page("Observation", "subject:Patient.family=Muster"), "total", "0");
    expect_text(search_page("Observation", "subject.family=Muster"), "total", "0");
    expect_text(search_page("Observation", "subject:Patient._id=p1"), "total", "0");
    expect_text(search_page("Observation", "subject=Patient/p1"), "total", "1");
    hidden = "Observation";
    expect_text(search_page("Patient", "family=Muster"), "total", "1");
    expect_text(search_page("Patient", "_has:Observation:subject:status=final"), "total", "0");
    expect_text(search_page("Patient", "_has:Encounter:subject:status=finished"), "total", "1");
}
END_TEST

START_TEST(a_system_history_skips_denied_types)
{
    reply all = history("", "", "");
    expect_status(all, FHIRSTORE_OK);
    expect_text(all, "total", "2");
    ck_assert_int_eq(items_at(&all, "entry"), 2);
    ck_assert(!has_text(&all, "Muster"));
    reply page = history("", "", "_count=1");
    expect_text(page, "total", "2");
    expect_text(page, "entry.0.resource.id", "e1");
    reply denied = history("Patient", "", "");
    expect_status(denied, FHIRSTORE_ERR_DENIED);
}
END_TEST

static fhirstore_status take_export(void *ctx, const char *type, const char *body, size_t body_len)
{
    (void)body;
    (void)body_len;
    ck_assert_str_ne(type, hidden);
    *(size_t *)ctx = event_count;
    return FHIRSTORE_OK;
}

START_TEST(an_export_skips_denied_types)
{
    int64_t count = 0;
    size_t told_before = 0;
    ck_assert_int_eq(fhirstore_export(session, NULL, take_export, &told_before, &count, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(count, 2);
    ck_assert_uint_eq(asked_for_hidden, 1);
}
END_TEST

START_TEST(an_export_is_recorded_before_it_leaves)
{
    int64_t count = 0;
    size_t told_before = 0;
    listen_to(store);
    ck_assert_int_eq(fhirstore_export(session, NULL, take_export, &told_before, &count, NULL),
                     FHIRSTORE_OK);
    ck_assert_uint_eq(told_before, 1);
    ck_assert_uint_eq(event_count, 2);
    ck_assert_int_eq(events[1].count, 2);
    event_count = 0;
    told_before = 0;
    refuse_at = 1;
    ck_assert_int_eq(fhirstore_export(session, NULL, take_export, &told_before, &count, NULL),
                     FHIRSTORE_ERR_AUDIT_REFUSED);
    ck_assert_uint_eq(told_before, 0);
    ck_assert_int_eq(count, 0);
}
END_TEST

/* ---- the audit record ---- */

#define ENTRY(id, status)                                                             \
    "{\"request\":{\"method\":\"PUT\",\"url\":\"Observation/" id "\"},\"resource\":{" \
    "\"resourceType\":\"Observation\",\"id\":\"" id "\",\"status\":\"final\"," status "}}"
#define GOOD "\"code\":{\"text\":\"x\"}"
#define BAD  "\"code\":7"
#define TRANSACTION(one, two) \
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" one "," two "]}"

static void setup_heard(void)
{
    setup_store();
    listen_to(store);
}

/* The events told, as "action id outcome" words. */
static const char *story(void)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < event_count && len < sizeof text - 128; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d:%s:%s", i == 0 ? "" : " ",
                                (int)events[i].action, events[i].id,
                                events[i].outcome >= FHIRSTORE_OK
                                    ? "ok"
                                    : fhirstore_status_name(events[i].outcome) + 4);
    }
    return text;
}

START_TEST(a_transaction_tells_its_entries_before_itself)
{
    reply done = ask("POST", "/", NULL, TRANSACTION(ENTRY("a", GOOD), ENTRY("b", GOOD)));
    expect_http(done, 200);
    ck_assert_str_eq(story(), "5:a:ok 5:b:ok 9::ok");
}
END_TEST

START_TEST(an_undone_transaction_tells_of_no_write)
{
    reply failed = ask("POST", "/", NULL, TRANSACTION(ENTRY("a", GOOD), ENTRY("b", BAD)));
    ck_assert_int_ge(failed.http, 400);
    ck_assert_uint_eq(event_count, 3);
    for (size_t i = 0; i < event_count; i++) {
        ck_assert_msg(events[i].outcome < FHIRSTORE_OK, "%s", story());
        ck_assert_int_eq(events[i].version_after, 0);
    }
    ck_assert_str_eq(events[0].id, "a");
    ck_assert_str_eq(events[1].id, "b");
}
END_TEST

START_TEST(a_hook_that_refuses_an_entry_undoes_everything)
{
    refuse_at = 2;
    reply failed = ask("POST", "/", NULL, TRANSACTION(ENTRY("a", GOOD), ENTRY("b", GOOD)));
    ck_assert_int_ge(failed.http, 400);
    ck_assert_str_eq(story(), "5:a:ok 5:b:ok 5:a:AUDIT_REFUSED 5:b:AUDIT_REFUSED 9::AUDIT_REFUSED");
    expect_status(read_one("Observation", "a"), FHIRSTORE_ERR_NOT_FOUND);
}
END_TEST

static void import_text(fhirstore_import *import, const char *text)
{
    ck_assert_int_eq(fhirstore_import_add(import, "document", 0, text, strlen(text), NULL),
                     FHIRSTORE_OK);
}

START_TEST(an_import_tells_of_what_it_refuses)
{
    fhirstore_import *import;
    ck_assert_int_eq(fhirstore_import_open(session, NULL, &import, NULL), FHIRSTORE_OK);
    import_text(import, "{\"resourceType\":\"Patient\",\"id\":\"p\"}");
    ck_assert_uint_eq(event_count, 0); /* nothing is decided yet */
    import_text(import, TRANSACTION(ENTRY("a", GOOD), ENTRY("b", BAD)));
    ck_assert_uint_eq(event_count, 3);
    for (size_t i = 0; i < event_count; i++) {
        ck_assert_msg(events[i].outcome < FHIRSTORE_OK, "%s", story());
    }
    ck_assert_str_eq(events[0].id, "a");
    ck_assert_str_eq(events[1].id, "b");
    ck_assert_int_eq(events[2].action, FHIRSTORE_ACTION_IMPORT);
    event_count = 0;
    import_text(import, "{\"resourceType\":\"Patient\",\"id\":7}");
    ck_assert_uint_eq(event_count, 1);
    ck_assert_int_eq(events[0].action, FHIRSTORE_ACTION_IMPORT);
    event_count = 0;
    ck_assert_int_eq(fhirstore_import_finish(import, NULL, NULL), FHIRSTORE_OK);
    fhirstore_import_close(import);
    ck_assert_str_eq(story(), "5:p:ok 11::ok");
}
END_TEST

START_TEST(refusals_before_a_call_are_recorded)
{
    (void)read_one("Nothing", "a");
    ck_assert_str_eq(story(), "1:a:UNKNOWN_TYPE");
    event_count = 0;
    (void)vread("Patient", "a", 0);
    ck_assert_str_eq(story(), "2:a:NOT_FOUND");
    event_count = 0;
    (void)ask("GET", "/Nothing/a", NULL, NULL);
    ck_assert_uint_eq(event_count, 1);
    ck_assert_int_eq(events[0].outcome, FHIRSTORE_ERR_UNKNOWN_TYPE);
    event_count = 0;
    (void)ask("PUT", "/Patient/a", "If-Match: x", "{}");
    ck_assert_uint_eq(event_count, 1);
    ck_assert_int_eq(events[0].action, FHIRSTORE_ACTION_UPDATE);
    event_count = 0;
    (void)search_page("Nothing", "");
    ck_assert_uint_eq(event_count, 1);
    ck_assert_int_eq(events[0].action, FHIRSTORE_ACTION_SEARCH);
}
END_TEST

/* A cursor asks and tells in memory of its own: other calls of its session come in between. */
START_TEST(a_cursor_lives_beside_other_calls)
{
    fhirstore_search *search;
    for (int i = 0; i < 3; i++) {
        expect_status(create("Patient", "{\"resourceType\":\"Patient\",\"active\":true}"),
                      FHIRSTORE_CREATED);
    }
    event_count = 0;
    ck_assert_int_eq(fhirstore_search_open(session, "Patient", 7, "active=true", 11, &search, NULL),
                     FHIRSTORE_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_OK);
        expect_status(read_one("Patient", "none"), FHIRSTORE_ERR_NOT_FOUND);
    }
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_DONE);
    fhirstore_search_close(search);
    ck_assert_uint_eq(event_count, 5);
    ck_assert_int_eq(events[0].count, 0);
    ck_assert_int_eq(events[4].count, 3);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("hidden types", setup_hidden, a_system_search_skips_denied_types,
              a_cursor_skips_denied_types, a_chain_does_not_pass_through_a_denied_type,
              a_system_history_skips_denied_types, an_export_skips_denied_types,
              an_export_is_recorded_before_it_leaves),
        GROUP("audit", setup_heard, a_transaction_tells_its_entries_before_itself,
              an_undone_transaction_tells_of_no_write,
              a_hook_that_refuses_an_entry_undoes_everything, an_import_tells_of_what_it_refuses,
              refusals_before_a_call_are_recorded, a_cursor_lives_beside_other_calls),
    };
    return run_groups("doors", groups, sizeof groups / sizeof *groups);
}
