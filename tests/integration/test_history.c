/* SPDX-License-Identifier: Apache-2.0 */
/* history of an instance, a type, the store: order, periods, pages, deletions, totals. */
#include <stdio.h>

#include "harness.h"

#define BASE INT64_C(1700000000)

/* At BASE + @a seconds: "2023-11-14T22:13:20Z" and on. */
static void at(int64_t seconds)
{
    clock_us = (BASE + seconds) * SECOND;
}

static void put(const char *type, const char *id, const char *rest)
{
    char body[256];
    (void)snprintf(body, sizeof body, "{\"resourceType\":\"%s\",\"id\":\"%s\"%s}", type, id, rest);
    ck_assert_int_ge(update(type, id, body).status, FHIRSTORE_OK);
}

/* Patient/a: 1 at 0 s, 2 at 10 s, deleted at 20 s, back at 30 s; Patient/b: 1 at 15 s;
 * Organization/a: 1 at 25 s. */
static void fill(void)
{
    at(0);
    put("Patient", "a", ",\"active\":true");
    at(10);
    put("Patient", "a", ",\"active\":false");
    at(15);
    put("Patient", "b", "");
    at(20);
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    at(25);
    put("Organization", "a", ",\"name\":\"x\"");
    at(30);
    put("Patient", "a", ",\"gender\":\"male\"");
    at(100);
}

/* "Patient/a 4" of each entry, with blanks between. */
static const char *versions_of(const reply *page)
{
    static char texts[8][2048];
    static size_t next;
    char *text = texts[next++ % 8];
    int count = items_at(page, "entry");
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "entry.%d.fullUrl", i);
        const char *url = text_at(page, path);
        ck_assert_ptr_nonnull(url);
        ck_assert_int_eq(strncmp(url, "http://localhost/fhir/", 22), 0);
        (void)snprintf(path, sizeof path, "entry.%d.response.etag", i);
        const char *etag = text_at(page, path);
        ck_assert_ptr_nonnull(etag);
        (void)sprintf(text + strlen(text), "%s%s:%.*s", i == 0 ? "" : " ", url + 22,
                      (int)strlen(etag) - 4, etag + 3);
    }
    return text;
}

static const char *link_of(const reply *page, const char *relation)
{
    for (int i = 0; i < items_at(page, "link"); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "link.%d.relation", i);
        if (strcmp(text_at(page, path), relation) == 0) {
            (void)snprintf(path, sizeof path, "link.%d.url", i);
            return text_at(page, path);
        }
    }
    return NULL;
}

#define expect_versions(page, want)                   \
    do {                                              \
        reply page_ = (page);                         \
        expect_status(page_, FHIRSTORE_OK);           \
        expect_text(page_, "resourceType", "Bundle"); \
        expect_text(page_, "type", "history");        \
        ck_assert_str_eq(versions_of(&page_), want);  \
    } while (0)

START_TEST(newest_comes_first_at_every_level)
{
    fill();
    expect_versions(history("Patient", "a", ""), "Patient/a:4 Patient/a:3 Patient/a:2 Patient/a:1");
    expect_versions(history("Patient", "b", ""), "Patient/b:1");
    expect_versions(history("Patient", "", ""),
                    "Patient/a:4 Patient/a:3 Patient/b:1 Patient/a:2 Patient/a:1");
    expect_versions(history("Organization", "", ""), "Organization/a:1");
    expect_versions(history("", "", ""), "Patient/a:4 Organization/a:1 Patient/a:3 Patient/b:1 "
                                         "Patient/a:2 Patient/a:1");
    expect_versions(history("Encounter", "", ""), "");
}
END_TEST

START_TEST(entries_tell_what_was_done)
{
    fill();
    reply page = history("Patient", "a", "");
    expect_text(page, "total", "4");
    expect_text(page, "entry.0.request.method", "PUT");
    expect_text(page, "entry.0.request.url", "Patient/a");
    expect_text(page, "entry.0.response.lastModified", "2023-11-14T22:13:50.000Z");
    expect_text(page, "entry.0.resource.gender", "male");
    expect_text(page, "entry.1.request.method", "DELETE");
    expect_text(page, "entry.1.request.url", "Patient/a");
    expect_text(page, "entry.1.response.status", "204");
    expect_nothing_at(page, "entry.1.resource");
    expect_text(page, "entry.2.request.method", "PUT");
    expect_text(page, "entry.2.response.status", "200");
    expect_text(page, "entry.2.resource.meta.versionId", "2");
    expect_text(page, "entry.3.response.status", "201");
    reply made = create("Patient", "{\"resourceType\":\"Patient\"}");
    page = history("Patient", id_of(&made), "");
    expect_text(page, "entry.0.request.method", "POST");
    expect_text(page, "entry.0.request.url", "Patient");
    expect_text(page, "entry.0.response.status", "201");
}
END_TEST

START_TEST(since_leaves_out_what_is_older)
{
    fill();
    expect_versions(history("Patient", "a", "_since=2023-11-14T22:13:40Z"),
                    "Patient/a:4 Patient/a:3");
    expect_versions(history("Patient", "a", "_since=2023-11-14T22:13:40.000001Z"), "Patient/a:4");
    expect_versions(history("Patient", "a", "_since=2023-11-14T23:13:40%2B01:00"),
                    "Patient/a:4 Patient/a:3");
    expect_versions(history("", "", "_since=2023-11-14T22:13:45Z"), "Patient/a:4 Organization/a:1");
    expect_versions(history("", "", "_since=2024"), "");
    reply page = history("", "", "_since=2024");
    expect_text(page, "total", "0");
    expect_nothing_at(page, "entry");
    page = history("Patient", "", "_since=2023-11-14T22:13:35Z");
    expect_text(page, "total", "3");
}
END_TEST

START_TEST(at_tells_what_was_current_then)
{
    fill();
    expect_versions(history("Patient", "a", "_at=2023-11-14T22:13:25Z"), "Patient/a:1");
    expect_versions(history("Patient", "a", "_at=2023-11-14T22:13:35Z"), "Patient/a:2");
    expect_versions(history("Patient", "a", "_at=2023-11-14T22:13:45Z"), "Patient/a:3");
    expect_versions(history("Patient", "a", "_at=2023-11-14T22:13:59Z"), "Patient/a:4");
    expect_versions(history("Patient", "a", "_at=2023-11-14T22:13"),
                    "Patient/a:4 Patient/a:3 Patient/a:2 Patient/a:1");
    expect_versions(history("Patient", "", "_at=2023-11-14T22:13:36Z"), "Patient/b:1 Patient/a:2");
    expect_versions(history("Patient", "a", "_at=2022"), "");
    expect_versions(history("Patient", "a", "_at=2024"), "Patient/a:4");
}
END_TEST

START_TEST(before_leaves_out_what_is_newer)
{
    fill();
    expect_versions(history("Patient", "a", "_before=2023-11-14T22:13:40Z"),
                    "Patient/a:2 Patient/a:1");
    expect_versions(history("Patient", "a", "_before=2023-11-14T22:13:40.000001Z"),
                    "Patient/a:3 Patient/a:2 Patient/a:1");
    expect_versions(history("", "", "_since=2023-11-14T22:13:30Z&_before=2023-11-14T22:13:45Z"),
                    "Patient/a:3 Patient/b:1 Patient/a:2");
    expect_versions(history("Patient", "", "_before=2023"), "");
    reply page = history("Patient", "", "_before=2023-11-14T22:13:36Z&_count=1");
    expect_text(page, "total", "3");
    ck_assert_ptr_nonnull(strstr(link_of(&page, "self"), "_before=2023-11-14T22:13:36Z"));
    expect_http(ask("GET", link_of(&page, "next"), NULL, NULL), 200);

    const char *before = state_of_store();
    reply answer = ask("GET", "Patient/a/_history?_before=2023-11-14T22:15:01Z", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PARAM_VALUE, "invalid", NULL, before);
    ck_assert_int_eq(answer.http, 400);
    ck_assert(has_text(&answer, "not in the future"));
}
END_TEST

START_TEST(oldest_first_when_asked)
{
    fill();
    expect_versions(history("Patient", "a", "_sort=_lastUpdated"),
                    "Patient/a:1 Patient/a:2 Patient/a:3 Patient/a:4");
    expect_versions(history("Patient", "", "_sort=_lastUpdated"),
                    "Patient/a:1 Patient/a:2 Patient/b:1 Patient/a:3 Patient/a:4");
    expect_versions(history("", "", "_sort=_lastUpdated&_since=2023-11-14T22:13:40Z"),
                    "Patient/a:3 Organization/a:1 Patient/a:4");
    expect_versions(history("Patient", "a", "_sort=_lastUpdated&_at=2023-11-14T22:13:35Z"),
                    "Patient/a:2");
    expect_versions(history("Patient", "a", "_sort=-_lastUpdated&_count=2"),
                    "Patient/a:4 Patient/a:3");
    expect_versions(history("Patient", "a", "_sort=none&_count=1"), "Patient/a:4");
    static const char *const wrong[] = {"_sort=", "_sort=name", "_sort=_lastUpdated,_id",
                                        "_sort=lastUpdated"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        reply answer = history("Patient", "a", wrong[i]);
        expect_refusal(&answer, FHIRSTORE_ERR_PARAM_VALUE, "invalid", NULL);
        ck_assert_int_eq(answer.http, 400);
    }
}
END_TEST

/* Follow the links from @a query on; what is on the pages, with bars between. */
static const char *walk(const char *type, const char *id, const char *query)
{
    static char seen[2048];
    char next[600];
    seen[0] = '\0';
    (void)snprintf(next, sizeof next, "%s", query);
    for (int pages = 0; pages < 20; pages++) {
        reply page = history(type, id, next);
        expect_status(page, FHIRSTORE_OK);
        (void)strcat(strcat(seen, versions_of(&page)), "|");
        const char *link = link_of(&page, "next");
        if (link == NULL) {
            return seen;
        }
        (void)snprintf(next, sizeof next, "%s", strchr(link, '?') + 1);
        at(100 + pages);
        put("Patient", "a", pages % 2 == 0 ? ",\"active\":true" : "");
    }
    return "endless";
}

START_TEST(pages_stay_what_they_were_in_either_order)
{
    fill();
    ck_assert_str_eq(walk("Patient", "a", "_sort=_lastUpdated&_count=1"),
                     "Patient/a:1|Patient/a:2|Patient/a:3|Patient/a:4|");
    ck_assert_str_eq(walk("Patient", "", "_sort=_lastUpdated&_count=3"),
                     "Patient/a:1 Patient/a:2 Patient/b:1|Patient/a:3 Patient/a:4 Patient/a:5|"
                     "Patient/a:6 Patient/a:7|");
    ck_assert_str_eq(walk("", "", "_sort=_lastUpdated&_count=20&_before=2023-11-14T22:13:46Z"),
                     "Patient/a:1 Patient/a:2 Patient/b:1 Patient/a:3 Organization/a:1|");
    ck_assert_str_eq(walk("Patient", "a", "_count=4&_before=2023-11-14T22:14:00Z"),
                     "Patient/a:4 Patient/a:3 Patient/a:2 Patient/a:1|");
}
END_TEST

START_TEST(pages_follow_each_other)
{
    fill();
    char seen[512] = "";
    char query[512] = "_count=2";
    int pages = 0;
    for (;;) {
        reply page = history("", "", query);
        expect_status(page, FHIRSTORE_OK);
        expect_text(page, "total", "6");
        ck_assert_ptr_nonnull(link_of(&page, "self"));
        (void)strcat(seen, versions_of(&page));
        (void)strcat(seen, "|");
        pages++;
        if (pages == 1) {
            /* What is written meanwhile is in front of the pages that follow. */
            put("Patient", "late", "");
        }
        const char *next = link_of(&page, "next");
        if (next == NULL) {
            break;
        }
        reply followed = ask("GET", next, NULL, NULL);
        expect_http(followed, 200);
        (void)snprintf(query, sizeof query, "%s", strchr(next, '?') + 1);
        if (pages == 1) {
            continue;
        }
    }
    ck_assert_int_eq(pages, 3);
    ck_assert_str_eq(seen, "Patient/a:4 Organization/a:1|Patient/a:3 Patient/b:1|"
                           "Patient/a:2 Patient/a:1|");
}
END_TEST

START_TEST(page_links_serve_their_question_only)
{
    char next[512];
    char wrong[600];
    fill();
    reply page = history("Patient", "", "_count=1");
    const char *link = link_of(&page, "next");
    ck_assert_ptr_nonnull(link);
    ck_assert_ptr_null(strstr(link, "seq"));
    (void)snprintf(next, sizeof next, "%s", strchr(link, '?') + 1);
    const char *token = strstr(next, "_page=");
    ck_assert_ptr_nonnull(token);
    page = history("Patient", "", next);
    expect_versions(page, "Patient/a:3");
    ck_assert_str_eq(strchr(link_of(&page, "self"), '?') + 1, next);

    (void)snprintf(wrong, sizeof wrong, "_count=2&%s", token); /* another question */
    expect_status(history("Patient", "", wrong), FHIRSTORE_ERR_PAGE_TOKEN);
    expect_status(history("", "", next), FHIRSTORE_ERR_PAGE_TOKEN); /* another scope */
    expect_status(history("Patient", "a", next), FHIRSTORE_ERR_PAGE_TOKEN);
    for (const char *at_byte = token + 6; *at_byte != '\0'; at_byte++) { /* not ours */
        (void)snprintf(wrong, sizeof wrong, "%s", next);
        wrong[at_byte - next] = *at_byte == 'A' ? 'B' : 'A';
        reply answer = history("Patient", "", wrong);
        ck_assert_msg(answer.status == FHIRSTORE_ERR_PAGE_TOKEN || at_byte[1] == '\0', "at %d",
                      (int)(at_byte - next));
    }
    expect_status(history("Patient", "", "_count=1&_page=x"), FHIRSTORE_ERR_PAGE_TOKEN);
    expect_status(history("Patient", "", "_count=1&_page=..."), FHIRSTORE_ERR_PAGE_TOKEN);

    fhirstore_session *mine = session; /* somebody else's link */
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/other");
    expect_status(history("Patient", "", next), FHIRSTORE_ERR_PAGE_TOKEN);
    fhirstore_session_close(session);
    session = mine;
}
END_TEST

START_TEST(count_zero_tells_the_total_alone)
{
    fill();
    reply page = history("", "", "_count=0");
    expect_text(page, "total", "6");
    expect_nothing_at(page, "entry");
    page = history("", "", "_count=6");
    ck_assert_int_eq(items_at(&page, "entry"), 6);
    ck_assert_ptr_null(link_of(&page, "next"));
}
END_TEST

START_TEST(what_never_was_has_no_history)
{
    fill();
    reply answer = history("Patient", "ghost", "");
    expect_refusal(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL);
    ck_assert_int_eq(ask("GET", "Patient/ghost/_history", NULL, NULL).http, 404);
    expect_status(delete_one("Patient", "b"), FHIRSTORE_NO_CONTENT);
    expect_versions(history("Patient", "b", ""), "Patient/b:2 Patient/b:1");
    answer = history("Nonsense", "", "");
    expect_refusal(&answer, FHIRSTORE_ERR_UNKNOWN_TYPE, "not-supported", NULL);
}
END_TEST

START_TEST(malformed_parameters_are_named)
{
    static const char *const queries[] = {
        "_count=x",         "_count=-1", "_count=99999999999999999999",
        "_since=yesterday", "_since=",   "_at=2023-13-01",
    };
    fill();
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        reply answer = history("Patient", "a", queries[i]);
        expect_refusal(&answer, FHIRSTORE_ERR_PARAM_VALUE, "invalid", NULL);
        ck_assert_int_eq(answer.http, 400);
        ck_assert(strncmp(text_at(&answer, "issue.0.diagnostics"), queries[i],
                          strcspn(queries[i], "=")) == 0);
    }
    reply answer = history("Patient", "a", "_foo=1");
    expect_refusal(&answer, FHIRSTORE_ERR_UNKNOWN_PARAM, "not-supported", NULL);
    answer = history("Patient", "a", "_count");
    expect_refusal(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL);
    answer = history("Patient", "a", "_since=%zz");
    expect_refusal(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL);
}
END_TEST

START_TEST(the_request_entry_serves_the_same)
{
    fill();
    expect_versions(ask("GET", "Patient/a/_history?_count=1", NULL, NULL), "Patient/a:4");
    expect_versions(ask("GET", "Patient/_history?_count=2", NULL, NULL), "Patient/a:4 Patient/a:3");
    expect_versions(ask("GET", "_history?_count=2", NULL, NULL), "Patient/a:4 Organization/a:1");
    expect_versions(ask("GET", "/Patient/a/_history?_count=1&_format=json", NULL, NULL),
                    "Patient/a:4");
}
END_TEST

START_TEST(unknown_parameters_are_passed_over_by_the_lenient)
{
    fill();
    reply lenient = ask("GET", "Patient/a/_history?nonsense=1&_count=2", NULL, NULL);
    expect_http(lenient, 200);
    expect_text(lenient, "entry.0.response.etag", "W/\"4\"");
    ck_assert_ptr_null(strstr(lenient.body, "nonsense"));
    expect_http(ask("GET", "Patient/a/_history?nonsense=1", "Prefer: handling=strict", NULL), 400);
    expect_http(ask("GET", "Patient/a/_history?nonsense=1&_count=x", NULL, NULL), 400);
}
END_TEST

START_TEST(a_thousand_versions_page_by_page)
{
    char body[128];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"a\",\"multipleBirthInteger\":%d}",
                       i);
        fhirstore_response *response;
        ck_assert_int_ge(fhirstore_update(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("a"),
                                          body, strlen(body), 0, &response, NULL),
                         FHIRSTORE_OK);
        fhirstore_response_free(response);
    }
    char query[512] = "_count=97";
    int expected = 1000;
    for (;;) {
        reply page = history("Patient", "a", query);
        expect_text(page, "total", "1000");
        int count = items_at(&page, "entry");
        for (int i = 0; i < count; i++) {
            char path[64];
            char version[16];
            (void)snprintf(path, sizeof path, "entry.%d.resource.meta.versionId", i);
            (void)snprintf(version, sizeof version, "%d", expected--);
            expect_text(page, path, version);
        }
        const char *next = link_of(&page, "next");
        if (next == NULL) {
            break;
        }
        (void)snprintf(query, sizeof query, "%s", strchr(next, '?') + 1);
    }
    ck_assert_int_eq(expected, 0);
    expect_sound(store);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("history", setup_clocked_store, newest_comes_first_at_every_level,
              entries_tell_what_was_done, since_leaves_out_what_is_older,
              at_tells_what_was_current_then, before_leaves_out_what_is_newer,
              oldest_first_when_asked, pages_stay_what_they_were_in_either_order,
              pages_follow_each_other, page_links_serve_their_question_only,
              count_zero_tells_the_total_alone, what_never_was_has_no_history,
              malformed_parameters_are_named, the_request_entry_serves_the_same,
              unknown_parameters_are_passed_over_by_the_lenient, a_thousand_versions_page_by_page),
    };
    return run_groups("history", groups, 1);
}
