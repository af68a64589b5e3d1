/* SPDX-License-Identifier: Apache-2.0 */
/* $reindex: of the store, and as a preview of one resource. */
#include <stdio.h>

#include "harness.h"

static const char parameter[] =
    "{\"resourceType\":\"SearchParameter\",\"id\":\"nick\",\"url\":\"http://acme.org/sp/nick\","
    "\"name\":\"Nick\",\"status\":\"active\",\"description\":\"d\",\"code\":\"nick\",\"base\":["
    "\"Patient\"],\"type\":\"string\",\"expression\":\"Patient.name.where(use='nickname').given\"}";

static void setup_names(void)
{
    setup_store();
    for (int i = 0; i < 30; i++) {
        char url[64];
        char body[256];
        (void)snprintf(url, sizeof url, "Patient/p%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"birthDate\":\"1970-01-02\","
                       "\"name\":[{\"use\":\"nickname\",\"given\":[\"Nick%d\"]}]}",
                       i, i % 3);
        expect_http(ask("PUT", url, NULL, body), 201);
    }
    expect_http(ask("PUT", "SearchParameter/nick", NULL, parameter), 201);
}

static reply reindex(const char *query)
{
    char url[128];
    (void)snprintf(url, sizeof url, "$reindex%s", query);
    return ask("POST", url, NULL, NULL);
}

START_TEST(goes_on_where_it_ended)
{
    int turns = 0;
    reply answer;
    do {
        answer = ask("POST", "$reindex", NULL,
                     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"limit\","
                     "\"valueInteger\":10}]}");
        expect_http(answer, 200);
        expect_text(answer, "parameter.0.name", "finished");
        ck_assert_int_lt(++turns, 50);
        if (turns == 1) {
            expect_text(answer, "parameter.1.valueDecimal", "10");
            expect_text(answer, "parameter.2.valueDecimal", "20");
        }
        if (turns == 2) {
            reopen_store();
        }
    } while (strcmp(text_at(&answer, "parameter.0.valueBoolean"), "true") != 0);
    ck_assert_int_gt(turns, 2);
    expect_text(answer, "parameter.2.valueDecimal", "0");
    ck_assert_int_eq(count_of("Patient", "nick=nick1"), 10);
    expect_text(reindex("?seconds=60"), "parameter.0.valueBoolean", "true");
    expect_sound(store);
}
END_TEST

START_TEST(shows_what_an_index_would_hold)
{
    const reply answer = ask("GET", "Patient/p1/$reindex", NULL, NULL);
    expect_http(answer, 200);
    ck_assert(has_text(&answer, "{\"name\":\"birthdate\",\"valueString\":\"1970-01-02"));
    ck_assert(has_text(&answer, "{\"name\":\"nick\",\"valueString\":\"Nick1\"}"));
    expect_http(ask("GET", "Patient/z/$reindex", NULL, NULL), 404);
}
END_TEST

static reply ask_as(const char *role, const char *method, const char *url)
{
    char claims[64];
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *with = NULL;
    (void)snprintf(claims, sizeof claims, "{\"roles\":[\"%s\"]}", role);
    options.principal = "tester";
    options.principal_len = 6;
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &with, NULL), FHIRSTORE_OK);
    const reply answer = ask_bytes(with, method, url, NULL, NULL, 0);
    fhirstore_session_close(with);
    return answer;
}

START_TEST(takes_a_right)
{
    static const char policy[] =
        "{\"roles\":{\"keeper\":{\"allow\":[{\"actions\":[\"reindex\"]}]},\"reader\":{\"allow\":[{"
        "\"actions\":[\"read\"],\"types\":[\"Patient\"],\"where\":\"_id=p1\"}]}}}";
    ck_assert_int_eq(fhirstore_set_policy(store, policy, sizeof policy - 1, NULL), FHIRSTORE_OK);
    expect_http(ask_as("reader", "POST", "$reindex"), 403);
    expect_http(ask_as("keeper", "POST", "$reindex"), 200);
    expect_http(ask_as("keeper", "GET", "Patient/p1/$reindex"), 403);
    expect_http(ask_as("reader", "GET", "Patient/p1/$reindex"), 200);
    expect_http(ask_as("reader", "GET", "Patient/p2/$reindex"), 404);
}
END_TEST

START_TEST(refuses)
{
    static const char *const bad[] = {"?limit=0",    "?limit=x",         "?seconds=0",
                                      "?seconds=-1", "?limit=1&limit=2", "?what=1"};
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_http(reindex(bad[i]), 400);
    }
    const reply answer = ask("GET", "$reindex", NULL, NULL);
    expect_http(answer, 405);
    ck_assert_str_eq(header_of(&answer, "Allow"), "POST");
    expect_http(ask("POST", "Patient/$reindex", NULL, NULL), 404);
    const reply entry = ask("POST", "", NULL,
                            "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{"
                            "\"request\":{\"method\":\"POST\",\"url\":\"$reindex\"}}]}");
    ck_assert_int_ge(entry.http, 400);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

int main(void)
{
    const test_group groups[] = {GROUP("reindex", setup_names, goes_on_where_it_ended,
                                       shows_what_an_index_would_hold, takes_a_right, refuses)};
    return run_groups("operations_reindex", groups, 1);
}
