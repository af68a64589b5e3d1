/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A principal within a restriction: what it may not see is as if it were not there, whichever way
 * it asks. Two patients, A and B, with observations of each; the principal sees those of A.
 */
#include <stdio.h>

#include "harness.h"

static fhirstore_session *within;

static fhirstore_session *enter_as(const char *claims)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *opened = NULL;
    fhirstore_error *error = NULL;
    options.claims = claims;
    options.claims_len = strlen(claims);
    fhirstore_status status = fhirstore_session_open(store, &options, &opened, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s",
                  error == NULL ? "" : fhirstore_error_message(error));
    return opened;
}

static void put(const char *type, const char *id, const char *members)
{
    char body[1024];
    (void)snprintf(body, sizeof body, "{\"resourceType\":\"%s\",\"id\":\"%s\"%s}", type, id,
                   members);
    const reply answer = update(type, id, body);
    ck_assert_msg(answer.status >= FHIRSTORE_OK, "%s", answer.body);
}

static void put_observation(const char *id, const char *patient, const char *code)
{
    char members[512];
    (void)snprintf(members, sizeof members,
                   ",\"status\":\"final\",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\","
                   "\"code\":\"%s\"}]},\"subject\":{\"reference\":\"Patient/%s\"},"
                   "\"effectiveDateTime\":\"2020-01-0%c\"",
                   code, patient, id[strlen(id) - 1]);
    put("Observation", id, members);
}

static void fill(void)
{
    put("Organization", "org", ",\"name\":\"Clinic\"");
    put("Patient", "A",
        ",\"name\":[{\"family\":\"Alder\"}],\"gender\":\"female\","
        "\"managingOrganization\":{\"reference\":\"Organization/org\"}");
    put("Patient", "B",
        ",\"name\":[{\"family\":\"Birch\"}],\"gender\":\"male\","
        "\"managingOrganization\":{\"reference\":\"Organization/org\"}");
    put_observation("a1", "A", "1111-1");
    put_observation("a2", "A", "2222-2");
    put_observation("b1", "B", "1111-1");
    put_observation("b2", "B", "3333-3");
}

static void set_up(void)
{
    fhirstore_error *error = NULL;
    setup_store();
    fill();
    ck_assert_int_eq(fhirstore_set_policy(store, NULL, 0, &error), FHIRSTORE_OK);
    within = enter_as("{\"id\":\"app\",\"scope\":\"patient/*.cruds patient/Organization.rs\","
                      "\"patient\":\"A\"}");
}

static void tear_down(void)
{
    fhirstore_session_close(within);
    teardown();
}

static reply get(const char *url)
{
    return ask_bytes(within, "GET", url, NULL, NULL, 0);
}

static reply send(const char *method, const char *url, const char *headers, const char *body)
{
    return ask_bytes(within, method, url, headers, body, body == NULL ? 0 : strlen(body));
}

static const struct {
    const char *url;
    int total;
    const char *seen, *hidden; /* texts in the answer */
} searches[] = {
    {"Observation?_total=accurate", 2, "\"a1\"", "\"b1\""},
    {"Observation?code=1111-1&_total=accurate", 1, "\"a1\"", "\"b1\""},
    {"Observation?code=3333-3&_total=accurate", 0, NULL, "\"b2\""},
    {"Observation?code:not=9999-9&_total=accurate", 2, "\"a1\"", "\"b1\""},
    {"Observation?_id=b1,b2&_total=accurate", 0, NULL, "\"b1\""},
    {"Observation?_id=a1,b1&_total=accurate", 1, "\"a1\"", "\"b1\""},
    {"Observation?subject=Patient/B&_total=accurate", 0, NULL, "\"b1\""},
    {"Observation?subject:Patient.name=Birch&_total=accurate", 0, NULL, "Birch\"}"},
    {"Observation?subject:Patient.name=Alder&_total=accurate", 2, "\"a2\"", "\"b1\""},
    {"Observation?_sort=-date&_total=accurate", 2, "\"a2\"", "\"b1\""},
    {"Observation?_summary=count", 2, NULL, "\"b1\""},
    {"Observation?_include=Observation:subject&_total=accurate", 2, "Alder", "Birch"},
    {"Patient?_total=accurate", 1, "Alder", "Birch"},
    {"Patient?_has:Observation:patient:code=3333-3&_total=accurate", 0, NULL, "Birch"},
    {"Patient?_has:Observation:patient:code=1111-1&_total=accurate", 1, "Alder", "Birch"},
    {"Patient?_revinclude=Observation:subject&_total=accurate", 1, "\"a1\"", "\"b1\""},
    {"Organization?_has:Patient:organization:name=Birch&_total=accurate", 0, NULL, "Clinic"},
    {"Organization?_revinclude=Patient:organization&_total=accurate", 1, "Alder", "Birch"},
    {"Patient/A/Observation?_total=accurate", 2, "\"a1\"", "\"b1\""},
    {"Patient/B/Observation?_total=accurate", 0, NULL, "\"b1\""},
    {"?_type=Patient,Observation&_total=accurate", 3, "Alder", "Birch"},
    {"?_lastUpdated=gt2000&_total=accurate", 4, "Alder", "Birch"},
};

START_TEST(a_search_finds_what_may_be_seen)
{
    const reply answer = get(searches[_i].url);
    expect_http(answer, 200);
    const char *total = text_at(&answer, "total");
    ck_assert_msg(total != NULL && atoi(total) == searches[_i].total, "%s: total %s: %s",
                  searches[_i].url, total == NULL ? "none" : total, answer.body);
    ck_assert_msg(searches[_i].seen == NULL || has_text(&answer, searches[_i].seen), "%s: %s",
                  searches[_i].url, answer.body);
    ck_assert_msg(!has_text(&answer, searches[_i].hidden), "%s: %s", searches[_i].url, answer.body);
}
END_TEST

static void expect_same(const reply *one, const reply *other)
{
    ck_assert_int_eq(one->http, other->http);
    ck_assert_msg(one->body_len == other->body_len &&
                      memcmp(one->body, other->body, one->body_len) == 0,
                  "told apart: %s\nand: %s", one->body, other->body);
}

#define OBSERVATION_OF_A(id)                                                                       \
    "{\"resourceType\":\"Observation\",\"id\":\"" id "\",\"status\":\"final\",\"code\":{\"text\":" \
    "\"x\"},\"subject\":{\"reference\":\"Patient/A\"}}"

/* Address what is hidden, then what is not there: nobody can tell one from the other. */
static const struct {
    const char *method, *hidden, *absent, *body;
} pairs[] = {
    {"GET", "Observation/b1", "Observation/xx", NULL},
    {"HEAD", "Observation/b1", "Observation/xx", NULL},
    {"GET", "Observation/b1/_history/1", "Observation/xx/_history/1", NULL},
    {"GET", "Patient/B", "Patient/X", NULL},
    {"GET", "Observation/b1/_history", "Observation/xx/_history", NULL},
    {"GET", "Observation/b1?_summary=true", "Observation/xx?_summary=true", NULL},
    {"DELETE", "Observation/b1", "Observation/xx", NULL},
    {"PUT", "Observation/b1", "Observation/xx", NULL},
    {"PATCH", "Observation/b1", "Observation/xx",
     "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"amended\"}]"},
};

START_TEST(hidden_and_absent_are_the_same)
{
    const char *before = strdup(state_of_store());
    reply hidden;
    reply absent;
    const char *headers = strcmp(pairs[_i].method, "PATCH") == 0
                              ? "Content-Type: application/json-patch+json"
                              : NULL;
    if (strcmp(pairs[_i].method, "PUT") == 0) {
        hidden = send("PUT", "Observation/b1", NULL, OBSERVATION_OF_A("b1"));
        absent = send("PUT", "Observation/xx", NULL, OBSERVATION_OF_A("xx"));
        ck_assert_int_eq(hidden.http, 403);
    } else {
        hidden = send(pairs[_i].method, pairs[_i].hidden, headers, pairs[_i].body);
        absent = send(pairs[_i].method, pairs[_i].absent, headers, pairs[_i].body);
    }
    expect_same(&hidden, &absent);
    ck_assert_str_eq(before, state_of_store());
    free((void *)(uintptr_t)before);
}
END_TEST

START_TEST(what_may_be_seen_is_read)
{
    const reply one = get("Observation/a1");
    expect_http(one, 200);
    expect_http(get("Observation/a1/_history/1"), 200);
    expect_http(get("Organization/org"), 200);
    expect_http(get("Practitioner/p"), 403);
}
END_TEST

START_TEST(each_version_of_a_history_is_judged)
{
    put_observation("b1", "A", "1111-1");
    put_observation("b1", "A", "4444-4");
    put_observation("b1", "B", "4444-4");
    const reply own = get("Observation/b1/_history");
    expect_http(own, 200);
    ck_assert_str_eq(text_at(&own, "total"), "2");
    ck_assert_int_eq(items_at(&own, "entry"), 2);
    ck_assert(!has_text(&own, "Patient/B"));
    expect_http(get("Observation/b1/_history/2"), 200);
    expect_http(get("Observation/b1/_history/1"), 404);
    expect_http(get("Observation/b1/_history/4"), 404);
    expect_http(get("Observation/b1"), 404);
    const reply all = get("Observation/_history");
    ck_assert_str_eq(text_at(&all, "total"), "4");
    const reply system = get("_history");
    ck_assert(!has_text(&system, "Patient/B"));
    ck_assert(!has_text(&system, "Birch"));
}
END_TEST

START_TEST(a_change_must_fit_before_and_after)
{
    static const char of_a[] =
        "{\"resourceType\":\"Observation\",\"id\":\"a1\",\"status\":\"final\","
        "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/A\"}}";
    static const char of_b[] =
        "{\"resourceType\":\"Observation\",\"id\":\"a1\",\"status\":\"final\","
        "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/B\"}}";
    static const char fresh_a[] = "{\"resourceType\":\"Observation\",\"status\":\"final\","
                                  "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":"
                                  "\"Patient/A\"}}";
    static const char fresh_b[] = "{\"resourceType\":\"Observation\",\"status\":\"final\","
                                  "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":"
                                  "\"Patient/B\"}}";
    expect_http(send("PUT", "Observation/a1", NULL, of_a), 200);
    expect_http(send("PUT", "Observation/a1", NULL, of_b), 403);
    expect_http(send("POST", "Observation", NULL, fresh_a), 201);
    expect_http(send("POST", "Observation", NULL, fresh_b), 403);
    expect_http(send("DELETE", "Observation/a2", NULL, NULL), 204);
    ck_assert_int_eq(count_of("Observation", "subject=Patient/A"), 2);
    ck_assert_int_eq(count_of("Observation", "subject=Patient/B"), 2);
    expect_sound(store);
}
END_TEST

START_TEST(a_transaction_is_undone_by_one_hidden_entry)
{
    static const char bundle[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
        "{\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
        "\"x\"},\"subject\":{\"reference\":\"Patient/"
        "A\"}},\"request\":{\"method\":\"POST\",\"url\":"
        "\"Observation\"}},"
        "{\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
        "\"x\"},\"subject\":{\"reference\":\"Patient/"
        "B\"}},\"request\":{\"method\":\"POST\",\"url\":"
        "\"Observation\"}}]}";
    const char *before = strdup(state_of_store());
    const reply answer = send("POST", "", NULL, bundle);
    expect_http(answer, 403);
    ck_assert_str_eq(before, state_of_store());
    free((void *)(uintptr_t)before);
}
END_TEST

START_TEST(a_conditional_create_passes_over_the_hidden)
{
    static const char fresh[] = "{\"resourceType\":\"Observation\",\"status\":\"final\","
                                "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":"
                                "\"3333-3\"}]},\"subject\":{\"reference\":\"Patient/A\"}}";
    const reply answer = send("POST", "Observation", "If-None-Exist: code=3333-3", fresh);
    expect_http(answer, 201);
    ck_assert_int_eq(count_of("Observation", "code=3333-3"), 2);
    expect_http(send("DELETE", "Observation?_id=b1", NULL, NULL), 204);
    expect_http(read_one("Observation", "b1"), 200);
}
END_TEST

START_TEST(page_links_are_no_way_round)
{
    const reply theirs = ask("GET", "Observation?_count=1", NULL, NULL);
    const char *url = text_at(&theirs, "link.2.url");
    ck_assert_ptr_nonnull(url);
    const char *query = strstr(url, "Observation?");
    ck_assert_ptr_nonnull(query);
    const reply answer = get(query);
    expect_http(answer, 400);
    ck_assert(!has_text(&answer, "\"b1\""));
}
END_TEST

START_TEST(labels_hide_unless_the_glass_is_broken)
{
    static const char policy[] = "{\"roles\":{\"nurse\":{\"allow\":[{\"actions\":[\"*\"]}]}},"
                                 "\"labels\":{\"controlled\":[\"R\"],\"breakGlass\":[\"BTG\"]}}";
    put("Patient", "C",
        ",\"meta\":{\"security\":[{\"code\":\"R\"}]},\"name\":[{\"family\":"
        "\"Cedar\"}]");
    ck_assert_int_eq(fhirstore_set_policy(store, policy, strlen(policy), NULL), FHIRSTORE_OK);
    static const struct {
        const char *claims;
        int http;
    } cases[] = {
        {"{\"id\":\"n\",\"roles\":[\"nurse\"]}", 404},
        {"{\"id\":\"n\",\"roles\":[\"nurse\"],\"clearance\":[\"R\"]}", 200},
        {"{\"id\":\"n\",\"roles\":[\"nurse\"],\"purpose\":\"BTG\"}", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fhirstore_session *as = enter_as(cases[i].claims);
        expect_http(ask_bytes(as, "GET", "Patient/C", NULL, NULL, 0), cases[i].http);
        expect_http(ask_bytes(as, "GET", "Patient/A", NULL, NULL, 0), 200);
        fhirstore_session_close(as);
    }
}
END_TEST

START_TEST(rules_fill_in_who_asks)
{
    static const char policy[] = "{\"roles\":{\"ward\":{\"allow\":[{\"actions\":[\"read\","
                                 "\"search\"],\"types\":[\"Patient\"],"
                                 "\"where\":\"gender={sex}\"}]}}}";
    ck_assert_int_eq(fhirstore_set_policy(store, policy, strlen(policy), NULL), FHIRSTORE_OK);
    fhirstore_session *as = enter_as("{\"id\":\"n\",\"roles\":[\"ward\"],\"attributes\":{\"sex\":"
                                     "\"male\"}}");
    expect_http(ask_bytes(as, "GET", "Patient/A", NULL, NULL, 0), 404);
    expect_http(ask_bytes(as, "GET", "Patient/B", NULL, NULL, 0), 200);
    expect_http(ask_bytes(as, "GET", "Observation/b1", NULL, NULL, 0), 403);
    fhirstore_session_close(as);
}
END_TEST

/* What a search of a type cannot be denies; it never allows more. */
static fhirstore_status restrict_badly(void *ctx, const fhirstore_access_request *request,
                                       fhirstore_access_decision *decision)
{
    const char *search = ctx;
    decision->answer = FHIRSTORE_ACCESS_RESTRICT;
    return request->type_len == 0 ? FHIRSTORE_OK
                                  : fhirstore_access_restrict(decision, search, strlen(search));
}

START_TEST(a_bad_restriction_denies)
{
    static char bad[][32] = {"nothing=1",
                             "gender=male&_sort=name",
                             "gender=male&_count=5",
                             "birthdate=zz",
                             "_compartment=Nobody/1",
                             "_compartment=Patient/",
                             "_include=Patient:link",
                             "_text=x",
                             "gender=%zz",
                             "_page=abc",
                             "_contained=true"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const fhirstore_authorizer authorizer = {
            .struct_size = sizeof authorizer, .ctx = bad[i], .authorize = restrict_badly};
        ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
        const reply one = get("Patient/A");
        ck_assert_msg(one.http == 403 || one.http == 404, "%s: %d", bad[i], one.http);
        const reply page = get("Patient?gender=female");
        ck_assert_msg(page.http == 403, "%s: %d %s", bad[i], page.http, page.body);
    }
}
END_TEST

/*
 * Non-interference: whatever may not be seen changes no byte of any answer. Each round changes
 * something hidden and compares all answers, times and page links aside.
 */
static const char *const questions[] = {
    "Observation?_total=accurate&_sort=date",
    "Observation?_sort=-code,_id&_count=1",
    "Observation?subject:Patient.name:contains=r&_total=accurate",
    "Observation?_include=Observation:subject&_include:iterate=Patient:organization",
    "Patient?_has:Observation:patient:code=1111-1&_total=accurate",
    "Patient?_revinclude=Observation:subject&_total=accurate",
    "Organization?_revinclude=Patient:organization",
    "Patient/A/*?_total=accurate",
    "?_type=Patient,Observation&_sort=_id&_total=accurate",
    "Patient?_summary=count",
    "Patient?_filter=name sw \"a\" or name sw \"b\"",
    "Observation/_history?_count=3",
    "Patient/B",
    "Patient/B/_history/1",
};

static char *answers_of(void)
{
    size_t len = 1;
    char *all = calloc(1, 1);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const reply answer = get(questions[i]);
        const char *entries = strstr(answer.body, "\"entry\"");
        const char *total = strstr(answer.body, "\"total\"");
        /* Links hold sealed bytes that are never twice the same. */
        const char *text = entries == NULL ? "" : entries;
        char head[160];
        (void)snprintf(head, sizeof head, "%s: %d %.12s ", questions[i], answer.http,
                       total == NULL ? "" : total);
        all = realloc(all, len + strlen(head) + strlen(text) + 1);
        strcat(strcat(all, head), text);
        len += strlen(head) + strlen(text) + 1;
    }
    return all;
}

START_TEST(what_is_hidden_changes_no_answer)
{
    char *before = answers_of();
    for (int round = 0; round < 12; round++) {
        char id[16];
        (void)snprintf(id, sizeof id, "h%d-1", round);
        switch (round % 4) {
        case 0:
            put_observation(id, "B", round % 3 == 0 ? "1111-1" : "2222-2");
            break;
        case 1:
            put("Patient", id,
                ",\"name\":[{\"family\":\"Aspen\"}],\"managingOrganization\":{"
                "\"reference\":\"Organization/org\"}");
            break;
        case 2:
            (void)delete_one("Observation", "b1");
            break;
        default:
            put("Patient", "B",
                round % 2 == 0 ? ",\"gender\":\"male\"" : ",\"name\":[{\"family\":\"Alder\"}]");
        }
        char *after = answers_of();
        ck_assert_msg(strcmp(before, after) == 0, "round %d:\n%s\n%s", round, before, after);
        free(after);
        forget_replies();
    }
    free(before);
}
END_TEST

static const char *told_of(fhirstore_session *who, int32_t action, const char *type, const char *id)
{
    static char text[4096];
    fhirstore_buf json = {0};
    fhirstore_error *error = NULL;
    const fhirstore_status status = fhirstore_access_explain(who, action, type, strlen(type), id,
                                                             strlen(id), &json, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s",
                  error == NULL ? "" : fhirstore_error_message(error));
    (void)snprintf(text, sizeof text, "%.*s", (int)json.len, json.ptr);
    fhirstore_buf_clear(&json);
    return text;
}

START_TEST(rights_are_explained)
{
    static const char policy[] =
        "{\"roles\":{\"ward\":{\"allow\":[{\"actions\":[\"*\"]}],\"hide\":[{\"types\":[\"Patient\"]"
        ","
        "\"elements\":[\"birthDate\"]}]},\"own\":{\"allow\":[{\"actions\":[\"read\"]},{\"actions\":"
        "["
        "\"read\"],\"types\":[\"Patient\"],\"where\":\"gender={sex}\"}]},"
        "\"no\":{\"deny\":[{\"actions\":[\"read\"],\"types\":[\"Device\"]},{\"actions\":[\"read\"],"
        "\"types\":[\"Patient\"],\"where\":\"name=Birch\"}]}},"
        "\"labels\":{\"controlled\":[\"R\"]}}";
    fhirstore_buf json = {0};
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *nobody = NULL;
    ck_assert_ptr_nonnull(
        strstr(told_of(within, FHIRSTORE_ACTION_READ, "Observation", "a1"), "\"visible\":true"));
    ck_assert_ptr_nonnull(
        strstr(told_of(within, FHIRSTORE_ACTION_READ, "Observation", "b1"), "\"visible\":false"));
    ck_assert_ptr_nonnull(strstr(told_of(within, FHIRSTORE_ACTION_READ, "Practitioner", ""),
                                 "\"allowed\":false,\"rule\":\"no scope allows it\""));
    ck_assert_int_eq(fhirstore_set_policy(store, policy, strlen(policy), NULL), FHIRSTORE_OK);
    fhirstore_session *nurse = enter_as("{\"id\":\"n\",\"roles\":[\"ward\",\"no\"],\"scope\":"
                                        "\"user/*.rs\"}");
    const char *told = told_of(nurse, FHIRSTORE_ACTION_READ, "Device", "");
    ck_assert_msg(strstr(told, "\"allowed\":false,\"rule\":\"role no, deny rule 1\"") != NULL, "%s",
                  told);
    told = told_of(nurse, FHIRSTORE_ACTION_READ, "Patient", "B");
    ck_assert_msg(strstr(told,
                         "\"rule\":\"role ward, allow rule 1, and scope user/*.rs\",\"except\":[{"
                         "\"search\":\"name=Birch\",\"rule\":\"role no, deny rule 2\"},{"
                         "\"search\":\"_security=R\",\"rule\":\"security label R\"}],\"hide\":["
                         "\"birthDate\"],\"visible\":false}") != NULL,
                  "%s", told);
    told = told_of(nurse, FHIRSTORE_ACTION_CREATE, "Patient", "");
    ck_assert_msg(strstr(told, "\"allowed\":false,\"rule\":\"no scope allows it\"") != NULL, "%s",
                  told);
    fhirstore_session_close(nurse);
    ck_assert_int_eq(fhirstore_access_introspect(session, "Patient", 7, &json, NULL), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(memmem(json.ptr, json.len, "\"everything\"", 12));
    fhirstore_buf_clear(&json);
    ck_assert_int_eq(fhirstore_access_introspect(session, "Nothing", 7, &json, NULL),
                     FHIRSTORE_ERR_UNKNOWN_TYPE);
    ck_assert_int_eq(fhirstore_access_explain(session, 99, "", 0, "", 0, &json, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_access_explain(session, 1, "", 0, "a", 1, &json, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    /* Somebody without any policy. */
    ck_assert_int_eq(fhirstore_set_authorizer(store, NULL, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &nobody, NULL), FHIRSTORE_OK);
    told = told_of(nobody, FHIRSTORE_ACTION_READ, "Patient", "A");
    ck_assert_msg(
        strstr(told, "\"decidedBy\":\"none\",\"allowed\":false,\"rule\":\"there is no policy\"") !=
            NULL,
        "%s", told);
    fhirstore_session_close(nobody);
}
END_TEST

START_TEST(bad_claims_open_no_session)
{
    static const char *const bad[] = {
        "[]", "{\"role\":[]}", "{\"scope\":\"patient/Observation.sr\"}", "{", "{\"roles\":\"x\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
        fhirstore_session *opened = NULL;
        options.claims = bad[i];
        options.claims_len = strlen(bad[i]);
        ck_assert_int_lt(fhirstore_session_open(store, &options, &opened, NULL), 0);
        ck_assert_ptr_null(opened);
    }
    ck_assert_int_eq(fhirstore_set_policy(store, "{\"roles\":[]}", 12, NULL), FHIRSTORE_ERR_POLICY);
    expect_http(get("Patient/A"), 200);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("restrict");
    TCase *tests = tcase_create("restrict");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_search_finds_what_may_be_seen, 0,
                        (int)(sizeof searches / sizeof *searches));
    tcase_add_loop_test(tests, hidden_and_absent_are_the_same, 0,
                        (int)(sizeof pairs / sizeof *pairs));
    tcase_add_test(tests, what_may_be_seen_is_read);
    tcase_add_test(tests, each_version_of_a_history_is_judged);
    tcase_add_test(tests, a_change_must_fit_before_and_after);
    tcase_add_test(tests, a_transaction_is_undone_by_one_hidden_entry);
    tcase_add_test(tests, a_conditional_create_passes_over_the_hidden);
    tcase_add_test(tests, page_links_are_no_way_round);
    tcase_add_test(tests, labels_hide_unless_the_glass_is_broken);
    tcase_add_test(tests, rules_fill_in_who_asks);
    tcase_add_test(tests, a_bad_restriction_denies);
    tcase_add_test(tests, what_is_hidden_changes_no_answer);
    tcase_add_test(tests, rights_are_explained);
    tcase_add_test(tests, bad_claims_open_no_session);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
