/* SPDX-License-Identifier: Apache-2.0 */
/* $everything: what belongs, in pages, for whom. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "harness.h"

static const char *const stored[][2] = {
    {"Organization/o1", "{\"resourceType\":\"Organization\",\"id\":\"o1\",\"name\":\"Ward\"}"},
    {"Organization/o2", "{\"resourceType\":\"Organization\",\"id\":\"o2\",\"name\":\"Other\"}"},
    {"Practitioner/d1", "{\"resourceType\":\"Practitioner\",\"id\":\"d1\",\"qualification\":[{"
                        "\"code\":{\"text\":\"MD\"},\"issuer\":{\"reference\":\"Organization/o1\"}}"
                        "]}"},
    {"Patient/p1", "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"contact\":[{\"organization\":{"
                   "\"reference\":\"Organization\\/o2\"}}]}"},
    {"Patient/p2", "{\"resourceType\":\"Patient\",\"id\":\"p2\"}"},
    {"Medication/m1", "{\"resourceType\":\"Medication\",\"id\":\"m1\"}"},
    {"Binary/b1", "{\"resourceType\":\"Binary\",\"id\":\"b1\",\"contentType\":\"text/plain\","
                  "\"data\":\"YQ==\"}"},
    {"Encounter/e1", "{\"resourceType\":\"Encounter\",\"id\":\"e1\",\"status\":\"finished\","
                     "\"class\":{\"code\":\"AMB\"},\"subject\":{\"reference\":\"Patient/p1\"},"
                     "\"period\":{\"start\":\"2020-01-01\",\"end\":\"2020-01-02\"},"
                     "\"participant\":[{\"individual\":{\"reference\":\"Practitioner/d1\"}}]}"},
    {"Observation/a1", "{\"resourceType\":\"Observation\",\"id\":\"a1\",\"status\":\"final\","
                       "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p1\"},"
                       "\"encounter\":{\"reference\":\"Encounter/e1\"},"
                       "\"effectiveDateTime\":\"2020-01-01\",\"derivedFrom\":[{\"reference\":"
                       "\"Observation/z1\"}]}"},
    {"Observation/a2", "{\"resourceType\":\"Observation\",\"id\":\"a2\",\"status\":\"final\","
                       "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p1\"},"
                       "\"effectiveDateTime\":\"2021-06-01\"}"},
    {"Observation/a3", "{\"resourceType\":\"Observation\",\"id\":\"a3\",\"status\":\"final\","
                       "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p1\"}}"},
    {"Observation/z1", "{\"resourceType\":\"Observation\",\"id\":\"z1\",\"status\":\"final\","
                       "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p2\"}}"},
    {"MedicationRequest/r1",
     "{\"resourceType\":\"MedicationRequest\",\"id\":\"r1\",\"status\":\"active\",\"intent\":"
     "\"order\",\"subject\":{\"reference\":\"Patient/p1\"},\"medicationReference\":{\"reference\":"
     "\"Medication/m1\"}}"},
    {"DocumentReference/f1",
     "{\"resourceType\":\"DocumentReference\",\"id\":\"f1\",\"status\":\"current\",\"subject\":{"
     "\"reference\":\"Patient/p1\"},\"content\":[{\"attachment\":{\"url\":\"Binary/b1\"}}]}"},
    {"Group/g1", "{\"resourceType\":\"Group\",\"id\":\"g1\",\"type\":\"person\",\"actual\":true,"
                 "\"member\":[{\"entity\":{\"reference\":\"Patient/p2\"}}]}"},
    {"Group/g2", "{\"resourceType\":\"Group\",\"id\":\"g2\",\"type\":\"person\",\"actual\":true,"
                 "\"member\":[{\"entity\":{\"reference\":\"Patient/p1\"},\"inactive\":true},{"
                 "\"entity\":{\"reference\":\"Patient/p2\"}}]}"},
};

static void setup_people(void)
{
    setup_clocked_store();
    clock_us = INT64_C(1700000000000000);
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        expect_http(ask("PUT", stored[i][0], NULL, stored[i][1]), 201);
        clock_us += SECOND;
    }
}

static reply get(const char *url)
{
    return ask("GET", url, NULL, NULL);
}

/* "Type/id Type/id+": what a Bundle holds in its order, with a plus behind what is included. */
static const char *listed(const reply *answer)
{
    static char text[8][4096];
    static unsigned turn;
    char *out = text[turn++ % 8];
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < items_at(answer, "entry"); i++) {
        char type[64];
        char id[64];
        char mode[64];
        (void)snprintf(type, sizeof type, "entry.%d.resource.resourceType", i);
        (void)snprintf(id, sizeof id, "entry.%d.resource.id", i);
        (void)snprintf(mode, sizeof mode, "entry.%d.search.mode", i);
        len += (size_t)snprintf(out + len, sizeof text[0] - len, "%s%s/%s%s", i > 0 ? " " : "",
                                text_at(answer, type), text_at(answer, id),
                                strcmp(text_at(answer, mode), "include") == 0 ? "+" : "");
    }
    return out;
}

static const char *link_of(const reply *answer, const char *relation)
{
    for (int i = 0; i < items_at(answer, "link"); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "link.%d.relation", i);
        if (strcmp(text_at(answer, path), relation) == 0) {
            (void)snprintf(path, sizeof path, "link.%d.url", i);
            return text_at(answer, path);
        }
    }
    return NULL;
}

static void expect_listed(const char *url, const char *want)
{
    const reply answer = get(url);
    expect_http(answer, 200);
    ck_assert_str_eq(listed(&answer), want);
}

#define ALL_OF_P1                                                                           \
    "Patient/p1 Encounter/e1 Observation/a1 Observation/a2 Observation/a3 "                 \
    "MedicationRequest/r1 DocumentReference/f1 Group/g2 Organization/o1+ Organization/o2+ " \
    "Practitioner/d1+ Medication/m1+ Binary/b1+"

START_TEST(gives_all_that_belongs)
{
    const reply answer = get("Patient/p1/$everything");
    expect_http(answer, 200);
    expect_text(answer, "resourceType", "Bundle");
    expect_text(answer, "type", "searchset");
    expect_text(answer, "total", "8");
    ck_assert_str_eq(listed(&answer), ALL_OF_P1);
    ck_assert_ptr_null(link_of(&answer, "next"));
    ck_assert_ptr_nonnull(strstr(link_of(&answer, "self"), "/Patient/p1/$everything"));
    /* In a body, too. */
    const reply posted = ask("POST", "Patient/p1/$everything", NULL,
                             "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"_type\","
                             "\"valueCode\":\"Observation\"},{\"name\":\"_type\",\"valueCode\":"
                             "\"Organization\"}]}");
    expect_http(posted, 200);
    ck_assert_str_eq(listed(&posted), "Observation/a1 Observation/a2 Observation/a3 "
                                      "Organization/o1+ Organization/o2+");
    expect_http(ask("HEAD", "Patient/p1/$everything", NULL, NULL), 200);
}
END_TEST

START_TEST(narrows)
{
    expect_listed("Patient/p1/$everything?_type=Patient,Medication", "Patient/p1 Medication/m1+");
    expect_listed("Patient/p1/$everything?_type=Patient&_type=Practitioner",
                  "Patient/p1 Practitioner/d1+");
    expect_listed("Patient/p1/$everything?_type=ValueSet", "");
    /* What is not dated is of every time; what is dated must meet the range. */
    expect_listed("Patient/p1/$everything?start=2021&_type=Encounter,Observation",
                  "Observation/a2 Observation/a3");
    expect_listed("Patient/p1/$everything?end=2020-12-31&_type=Encounter,Observation,Practitioner",
                  "Encounter/e1 Observation/a1 Observation/a3 Practitioner/d1+");
    expect_listed("Patient/p1/$everything?start=2020-01-02&end=2020-01-02&_type=Encounter",
                  "Encounter/e1");
    /* The tenth was stored nine seconds later. */
    expect_listed("Patient/p1/$everything?_since=2023-11-14T22:13:28Z",
                  "Observation/a2 Observation/a3 MedicationRequest/r1 DocumentReference/f1 "
                  "Group/g2");
    expect_listed("Patient/p1/$everything?_since=2030-01-01T00:00:00Z", "");
}
END_TEST

START_TEST(gives_it_of_encounters_and_groups)
{
    expect_listed("Encounter/e1/$everything",
                  "Encounter/e1 Observation/a1 Organization/o1+ Organization/o2+ Practitioner/d1+ "
                  "Patient/p1+");
    expect_listed("Group/g1/$everything", "Patient/p2 Observation/z1 Group/g1 Group/g2");
    /* A member that is inactive is none. */
    expect_listed("Group/g2/$everything?_type=Patient", "Patient/p2");
    const reply all = get("Patient/$everything");
    expect_http(all, 200);
    expect_text(all, "total", "11");
    ck_assert_str_eq(listed(&all),
                     "Patient/p1 Patient/p2 Encounter/e1 Observation/z1 Observation/a1 "
                     "Observation/a2 Observation/a3 MedicationRequest/r1 DocumentReference/f1 "
                     "Group/g1 Group/g2 Organization/o1+ Organization/o2+ Practitioner/d1+ "
                     "Medication/m1+ Binary/b1+");
}
END_TEST

/* Every page size gives the same, each once. */
START_TEST(comes_in_pages)
{
    static const char *const of[] = {"Patient/p1", "Patient", "Group/g1", "Encounter/e1"};
    char url[256];
    (void)snprintf(url, sizeof url, "%s/$everything", of[_i % 4]);
    const reply all = get(url);
    char whole[4096];
    (void)snprintf(whole, sizeof whole, "%s", listed(&all));
    for (int size = 1; size < 9; size++) {
        char pages[4096] = "";
        (void)snprintf(url, sizeof url, "%s/$everything?_count=%d", of[_i % 4], size);
        const char *next = url;
        int left = 30;
        for (; next != NULL && left > 0; left--) {
            const reply page = get(next);
            expect_http(page, 200);
            ck_assert_int_le(items_at(&page, "entry"), size);
            (void)strcat(strcat(pages, pages[0] == '\0' ? "" : " "), listed(&page));
            next = link_of(&page, "next");
        }
        ck_assert_int_gt(left, 0);
        ck_assert_str_eq(pages, whole);
    }
}
END_TEST

/* What comes while somebody reads pages is not shown twice, and hides nothing. */
START_TEST(pages_while_others_write)
{
    const reply first = get("Patient/p1/$everything?_count=3");
    expect_text(first, "total", "8");
    expect_http(ask("PUT", "Observation/n1", NULL,
                    "{\"resourceType\":\"Observation\",\"id\":\"n1\",\"status\":\"final\","
                    "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p1\"}}"),
                201);
    expect_http(ask("PUT", "Observation/a1", NULL,
                    "{\"resourceType\":\"Observation\",\"id\":\"a1\",\"status\":\"amended\","
                    "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p1\"}}"),
                200);
    expect_http(ask("DELETE", "Observation/a2", NULL, NULL), 204);
    const reply second = get(link_of(&first, "next"));
    expect_http(second, 200);
    expect_text(second, "total", "8");
    ck_assert_str_eq(listed(&second), "Observation/a3 MedicationRequest/r1 DocumentReference/f1");
    const reply third = get(link_of(&second, "next"));
    ck_assert_str_eq(listed(&third), "Group/g2 Observation/n1 Organization/o1+");
}
END_TEST

static atomic_bool writes_on;

/* New ones of the same patient and of another, and changes of what there is. */
static void *write_on(void *unused)
{
    fhirstore_session *own = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "writer");
    for (int i = 0; atomic_load(&writes_on) && i < 400; i++) {
        char url[64];
        char body[512];
        fhirstore_response *response = NULL;
        (void)snprintf(url, sizeof url, "Observation/w%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Observation\",\"id\":\"w%d\",\"status\":\"final\","
                       "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p%d\"},"
                       "\"performer\":[{\"reference\":\"Practitioner/d%d\"}]}",
                       i, 1 + i % 2, i % 5);
        (void)fhirstore_request(own, "PUT", 3, url, strlen(url), NULL, 0, body, strlen(body),
                                &response, NULL);
        fhirstore_response_free(response);
    }
    fhirstore_session_close(own);
    return unused;
}

START_TEST(pages_beside_a_writer)
{
    pthread_t writer;
    static const char *const unchanged[] = {
        "Patient/p1",           "Encounter/e1", "Observation/a1",   "Observation/a2",
        "MedicationRequest/r1", "Group/g2",     "Organization/o1+", "Binary/b1+"};
    atomic_store(&writes_on, true);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_on, NULL), 0);
    for (int turn = 0; turn < 5; turn++) {
        char pages[65536] = " ";
        const char *next = "Patient/p1/$everything?_count=2";
        for (int left = 400; next != NULL && left > 0; left--) {
            const reply page = get(next);
            expect_http(page, 200);
            ck_assert_uint_lt(strlen(pages) + 4096, sizeof pages);
            (void)strcat(strcat(pages, listed(&page)), " ");
            next = link_of(&page, "next");
        }
        ck_assert_ptr_null(next);
        for (size_t i = 0; i < sizeof unchanged / sizeof *unchanged; i++) {
            char word[64];
            (void)snprintf(word, sizeof word, " %s ", unchanged[i]);
            const char *first = strstr(pages, word);
            ck_assert_msg(first != NULL && strstr(first + 1, word) == NULL, "%s in %s", word,
                          pages);
        }
    }
    atomic_store(&writes_on, false);
    ck_assert_int_eq(pthread_join(writer, NULL), 0);
}
END_TEST

static const char *const bad[][3] = {
    {"Patient/p1/$everything?_count=x", "'_count'", "400"},
    {"Patient/p1/$everything?_count=-1", "'_count'", "400"},
    {"Patient/p1/$everything?_count=10001", "'_count'", "400"},
    {"Patient/p1/$everything?_count=1&_count=2", "'_count'", "400"},
    {"Patient/p1/$everything?start=yesterday", "'start'", "400"},
    {"Patient/p1/$everything?start=2020-02-30", "'start'", "400"},
    {"Patient/p1/$everything?end=", "'end'", "400"},
    {"Patient/p1/$everything?start=2021&end=2020", "'end'", "400"},
    {"Patient/p1/$everything?start=2021&start=2020", "'start'", "400"},
    {"Patient/p1/$everything?_since=now", "'_since'", "400"},
    {"Patient/p1/$everything?_type=Patent", "'_type'", "400"},
    {"Patient/p1/$everything?_type=", "'_type'", "400"},
    {"Patient/p1/$everything?_type=Resource", "'_type'", "400"},
    {"Patient/p1/$everything?code=x", "'code'", "400"},
    {"Patient/p1/$everything?_page=AAAA", "'_page'", "400"},
    {"Encounter/e1/$everything?start=2020", "'start'", "400"},
    {"Patient/p9/$everything", "not found", "404"},
    {"Patient/$nothing", "no such operation", "404"},
    {"$everything", "Patient/[id]/$everything", "404"},
    {"Encounter/$everything", "no such operation", "404"},
    {"Observation/a1/$everything", "no such operation", "404"},
};

START_TEST(refuses)
{
    const char *before = state_of_store();
    const reply answer = get(bad[_i][0]);
    ck_assert_msg(answer.http == atoi(bad[_i][2]), "%s: %d %s", bad[_i][0], (int)answer.http,
                  answer.body);
    ck_assert_msg(has_text(&answer, bad[_i][1]), "%s: %s", bad[_i][0], answer.body);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(refuses_what_is_gone)
{
    expect_http(ask("DELETE", "Patient/p2", NULL, NULL), 204);
    expect_http(get("Patient/p2/$everything"), 410);
    const reply put = ask("PUT", "Patient/p1/$everything", NULL, "{}");
    expect_http(put, 405);
    ck_assert_str_eq(header_of(&put, "Allow"), "GET, HEAD, POST");
}
END_TEST

/* ---- who ---- */

static reply ask_as(const char *claims, const char *url)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *with = NULL;
    options.principal = "tester";
    options.principal_len = 6;
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &with, NULL), FHIRSTORE_OK);
    const reply answer = ask_bytes(with, "GET", url, NULL, NULL, 0);
    fhirstore_session_close(with);
    return answer;
}

static const char nurse_policy[] =
    "{\"roles\":{\"nurse\":{\"allow\":[{\"actions\":[\"everything\"],\"types\":[\"Patient\","
    "\"Encounter\",\"Practitioner\",\"List\"]},{\"actions\":[\"everything\"],\"types\":["
    "\"Observation\"],"
    "\"where\":\"_id=a2,a3\"}]},\"reader\":{\"allow\":[{\"actions\":[\"read\",\"search\"]}]},"
    "\"one\":{\"allow\":[{\"actions\":[\"everything\"],\"where\":\"_compartment=Patient/{patient}\""
    ",\"types\":[\"Patient\",\"Observation\"]}]}}}";

START_TEST(shows_what_may_be_seen)
{
    ck_assert_int_eq(fhirstore_set_policy(store, nurse_policy, sizeof nurse_policy - 1, NULL),
                     FHIRSTORE_OK);
    reply answer = ask_as("{\"roles\":[\"nurse\"]}", "Patient/p1/$everything");
    expect_http(answer, 200);
    expect_text(answer, "total", "4");
    ck_assert_str_eq(listed(&answer),
                     "Patient/p1 Encounter/e1 Observation/a2 Observation/a3 Practitioner/d1+");
    /* Reading and searching are other rights. */
    expect_http(ask_as("{\"roles\":[\"reader\"]}", "Patient/p1/$everything"), 403);
    answer = ask_as("{\"roles\":[\"one\"],\"patient\":\"p2\"}", "Patient/p1/$everything");
    const reply absent = ask_as("{\"roles\":[\"one\"],\"patient\":\"p2\"}",
                                "Patient/p9/$everything");
    expect_http(answer, 404);
    ck_assert_str_eq(answer.body, absent.body);
    answer = ask_as("{\"roles\":[\"one\"],\"patient\":\"p2\"}", "Patient/$everything");
    expect_http(answer, 200);
    ck_assert_str_eq(listed(&answer), "Patient/p2 Observation/z1");
    /* Scopes: search means everything, and types outside are named. */
    answer = ask_as("{\"scope\":\"patient/*.rs patient/Practitioner.rs\",\"patient\":\"p1\"}",
                    "Patient/p1/$everything");
    expect_http(answer, 200);
    ck_assert_str_eq(listed(&answer),
                     "Patient/p1 Encounter/e1 Observation/a1 Observation/a2 Observation/a3 "
                     "MedicationRequest/r1 DocumentReference/f1 Group/g2 Practitioner/d1+");
}
END_TEST

/* Whom a list is about tells whether it belongs here, not whether they are there. */
START_TEST(does_not_tell_who_is_there)
{
    static const char *const nurse = "{\"roles\":[\"nurse\"]}";
    char before[16384];
    expect_http(
        ask("PUT", "Group/gx", NULL,
            "{\"resourceType\":\"Group\",\"id\":\"gx\",\"type\":\"person\",\"actual\":true}"),
        201);
    for (int i = 1; i < 3; i++) {
        char url[32];
        char body[256];
        (void)snprintf(url, sizeof url, "List/l%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"List\",\"id\":\"l%d\",\"status\":\"current\",\"mode\":"
                       "\"working\",\"subject\":{\"reference\":\"%s\"}}",
                       i, i == 1 ? "Group/gx" : "Patient/gone");
        expect_http(ask("PUT", url, NULL, body), 201);
    }
    expect_http(
        ask("PUT", "Encounter/e1", NULL,
            "{\"resourceType\":\"Encounter\",\"id\":\"e1\",\"status\":\"finished\",\"class\":"
            "{\"code\":\"AMB\"},\"subject\":{\"reference\":\"Patient/p1\"},\"extension\":[{"
            "\"url\":\"http://acme.org/l\",\"valueReference\":{\"reference\":\"List/l1\"}},{"
            "\"url\":\"http://acme.org/l\",\"valueReference\":{\"reference\":\"List/l2\"}}]}"),
        200);
    ck_assert_int_eq(fhirstore_set_policy(store, nurse_policy, sizeof nurse_policy - 1, NULL),
                     FHIRSTORE_OK);
    const reply answer = ask_as(nurse, "Patient/p1/$everything");
    ck_assert_str_eq(listed(&answer),
                     "Patient/p1 Encounter/e1 Observation/a2 Observation/a3 List/l1+");
    (void)snprintf(before, sizeof before, "%s", answer.body);
    expect_http(ask("DELETE", "Group/gx", NULL, NULL), 204);
    ck_assert_str_eq(before, ask_as(nurse, "Patient/p1/$everything").body);
    expect_http(ask("PUT", "Patient/gone", NULL, "{\"resourceType\":\"Patient\",\"id\":\"gone\"}"),
                201);
    ck_assert_str_eq(before, ask_as(nurse, "Patient/p1/$everything").body);
}
END_TEST

/* A hidden element leads nowhere, and places nothing in a compartment. */
START_TEST(follows_what_may_be_seen)
{
    static const char policy[] =
        "{\"roles\":{\"clerk\":{\"allow\":[{\"actions\":[\"*\"]}],\"hide\":[{\"types\":["
        "\"Encounter\"],\"elements\":[\"participant\"]},{\"types\":[\"Observation\"],\"elements\":["
        "\"subject\",\"effective[x]\"]},{\"types\":[\"DocumentReference\"],\"elements\":["
        "\"content\"]}]}}}";
    ck_assert_int_eq(fhirstore_set_policy(store, policy, sizeof policy - 1, NULL), FHIRSTORE_OK);
    const reply answer = ask_as("{\"roles\":[\"clerk\"]}", "Patient/p1/$everything");
    expect_http(answer, 200);
    ck_assert_str_eq(listed(&answer),
                     "Patient/p1 Encounter/e1 MedicationRequest/r1 DocumentReference/f1 Group/g2 "
                     "Organization/o2+ Medication/m1+");
    ck_assert(!has_text(&answer, "\"participant\""));
    const reply all = ask_as("{\"roles\":[\"clerk\"]}", "Patient/$everything?_type=Observation");
    ck_assert_str_eq(listed(&all), "");
}
END_TEST

/* What may not be seen can change as it likes: no byte of the answer does. */
START_TEST(tells_nothing_of_what_is_hidden)
{
    static const char *const nurse = "{\"roles\":[\"nurse\"]}";
    static const char *const urls[] = {"Patient/p1/$everything", "Patient/$everything",
                                       "Patient/p1/$everything?_count=100&start=2020"};
    char before[3][16384];
    ck_assert_int_eq(fhirstore_set_policy(store, nurse_policy, sizeof nurse_policy - 1, NULL),
                     FHIRSTORE_OK);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(before[i], sizeof before[i], "%s", ask_as(nurse, urls[i]).body);
    }
    expect_http(ask("DELETE", "Observation/a1", NULL, NULL), 204);
    expect_http(ask("DELETE", "MedicationRequest/r1", NULL, NULL), 204);
    expect_http(ask("DELETE", "Organization/o1", NULL, NULL), 204);
    expect_http(ask("PUT", "Observation/n1", NULL,
                    "{\"resourceType\":\"Observation\",\"id\":\"n1\",\"status\":\"final\","
                    "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p1\"},"
                    "\"performer\":[{\"reference\":\"Practitioner/d1\"}]}"),
                201);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(before[i], ask_as(nurse, urls[i]).body);
    }
}
END_TEST

START_TEST(binds_its_links)
{
    const reply first = get("Patient/p1/$everything?_count=3");
    const char *next = link_of(&first, "next");
    char other[1024];
    ck_assert_ptr_nonnull(next);
    expect_http(ask_as("{\"roles\":[\"globalAdmin\"]}", next), 403); /* there is no policy */
    ck_assert_int_eq(fhirstore_set_policy(store, NULL, 0, NULL), FHIRSTORE_OK);
    expect_http(ask_as("{\"roles\":[\"globalAdmin\"]}", next), 400);
    (void)snprintf(other, sizeof other, "Patient/p2/$everything%s", strchr(next, '?'));
    expect_http(get(other), 400);
    (void)snprintf(other, sizeof other, "Patient/p1/*%s", strchr(next, '?'));
    expect_http(get(other), 400);
}
END_TEST

/* ---- the record ---- */

static int events;
static char told[512];

static fhirstore_status note(void *ctx, const fhirstore_audit_event *event)
{
    (void)ctx;
    events++;
    (void)snprintf(told, sizeof told, "%d %.*s/%.*s %.*s %lld", (int)event->action,
                   (int)event->type_len, event->type, (int)event->id_len, event->id,
                   (int)event->query_len, event->query, (long long)event->count);
    return FHIRSTORE_OK;
}

START_TEST(is_recorded_as_one)
{
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .record = note};
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    expect_http(get("Patient/p1/$everything?_type=Observation"), 200);
    ck_assert_int_eq(events, 1);
    char want[64];
    (void)snprintf(want, sizeof want, "%d Patient/p1 _type=Observation 3",
                   FHIRSTORE_ACTION_EVERYTHING);
    ck_assert_str_eq(told, want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("operations_everything");
    TCase *tests = tcase_create("everything");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup_people, teardown);
    tcase_add_test(tests, gives_all_that_belongs);
    tcase_add_test(tests, narrows);
    tcase_add_test(tests, gives_it_of_encounters_and_groups);
    tcase_add_loop_test(tests, comes_in_pages, 0, 4);
    tcase_add_test(tests, pages_while_others_write);
    tcase_add_test(tests, pages_beside_a_writer);
    tcase_add_loop_test(tests, refuses, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tests, refuses_what_is_gone);
    tcase_add_test(tests, shows_what_may_be_seen);
    tcase_add_test(tests, does_not_tell_who_is_there);
    tcase_add_test(tests, follows_what_may_be_seen);
    tcase_add_test(tests, tells_nothing_of_what_is_hidden);
    tcase_add_test(tests, binds_its_links);
    tcase_add_test(tests, is_recorded_as_one);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
