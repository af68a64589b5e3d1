/* SPDX-License-Identifier: Apache-2.0 */
/* _query: searches that a host registers and clients call by name. */
#include <stdio.h>

#include "harness.h"

static const char *const people[] = {
    "{\"resourceType\":\"Patient\",\"id\":\"a\",\"gender\":\"female\",\"birthDate\":\"1970-05-01\","
    "\"name\":[{\"family\":\"Adams\"}]}",
    "{\"resourceType\":\"Patient\",\"id\":\"b\",\"gender\":\"male\",\"birthDate\":\"1980-05-01\","
    "\"name\":[{\"family\":\"Brown\"}]}",
    "{\"resourceType\":\"Patient\",\"id\":\"c\",\"gender\":\"female\",\"birthDate\":\"1990-05-01\","
    "\"name\":[{\"family\":\"Curie\"}]}",
};

static fhirstore_status give_name(const char *type, const char *name, const char *query)
{
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_query_register(store, type, strlen(type), name,
                                                       strlen(name), query, strlen(query), &error);
    ck_assert_int_eq(status < FHIRSTORE_OK, error != NULL);
    fhirstore_error_free(error);
    return status;
}

static void setup_people(void)
{
    setup_store();
    for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
        char url[32];
        (void)snprintf(url, sizeof url, "Patient/%c", (char)('a' + i));
        expect_http(ask("PUT", url, NULL, people[i]), 201);
    }
    ck_assert_int_eq(give_name("Patient", "born",
                               "birthdate=ge{since}&birthdate=lt{before=2000}&gender={gender?}"
                               "&_sort=-birthdate&_count=2"),
                     FHIRSTORE_OK);
}

/* The ids of a page, in order. */
static void expect_ids(const char *url, const char *want)
{
    char got[64] = "";
    reply answer = ask("GET", url, NULL, NULL);
    ck_assert_msg(answer.http == 200, "%s: %d %s", url, (int)answer.http, answer.body);
    const char *at = answer.body;
    while ((at = strstr(at, "\"fullUrl\":\"http://localhost/fhir/Patient/")) != NULL) {
        at += strlen("\"fullUrl\":\"http://localhost/fhir/Patient/");
        size_t len = strlen(got);
        (void)snprintf(got + len, sizeof got - len, "%.1s", at);
    }
    ck_assert_msg(strcmp(got, want) == 0, "%s: got %s, wanted %s in %s", url, got, want,
                  answer.body);
}

START_TEST(arguments_come_from_the_address)
{
    expect_ids("Patient?_query=born&since=1975", "cb");
    expect_ids("Patient?since=1975&_query=born&before=1985", "b");
    expect_ids("Patient?_query=born&since=1960&gender=female", "ca");
    expect_ids("Patient?_query=born&since=1960&family=adams", "a");
    expect_ids("Patient?_query=born&since=1960&_sort=birthdate&_count=3", "abc");
    expect_ids("Patient?_query=born&since=1960&gender=female,male&_count=3", "cba");
}
END_TEST

START_TEST(pages_keep_the_name_and_not_the_query)
{
    reply answer = ask("GET", "Patient?_query=born&since=1960", NULL, NULL);
    ck_assert_ptr_nonnull(strstr(answer.body, "Patient?_query=born&since=1960\""));
    ck_assert_ptr_null(strstr(answer.body, "ge1960"));
    const char *next = strstr(answer.body, "\"relation\":\"next\",\"url\":\"");
    ck_assert_ptr_nonnull(next);
    char url[2048];
    (void)snprintf(url, sizeof url, "%s", next + strlen("\"relation\":\"next\",\"url\":\""));
    *strchr(url, '"') = '\0';
    expect_ids(url, "a");
}
END_TEST

START_TEST(an_argument_is_a_value_and_nothing_else)
{
    /* The date is all of it. */
    expect_http(ask("GET", "Patient?_query=born&since=1960%26gender=male", NULL, NULL), 400);
    expect_ids("Patient?_query=born&since=1960,1985&_count=9", "cba");
}
END_TEST

START_TEST(what_is_wrong_with_a_call_is_told)
{
    static const struct {
        const char *url, *says;
    } cases[] = {
        {"Patient?_query=nothing", "'_query' expects the name of a query"},
        {"Observation?_query=born&since=1", "'_query' expects the name of a query"},
        {"Patient?_query=born", "'since' is missing; the named query expects it"},
        {"Patient?_query=born&since=1973-02-30", "'birthdate' expects a date"},
        {"Patient?_query=born&since=1960&since=1970", "'since' is an argument of the named query"},
        {"Patient?_query=born&_query=born&since=1960", "'_query' is given twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply answer = ask("GET", cases[i].url, NULL, NULL);
        ck_assert_msg(answer.http == 400, "%s: %d", cases[i].url, (int)answer.http);
        ck_assert_msg(strstr(answer.body, cases[i].says) != NULL, "%s: %s", cases[i].url,
                      answer.body);
    }
}
END_TEST

START_TEST(what_is_wrong_with_a_query_is_told)
{
    static const struct {
        const char *type, *name, *query;
        fhirstore_status status;
    } cases[] = {
        {"Patient", "born", "gender=male", FHIRSTORE_ERR_EXISTS},
        {"Patient", "", "gender=male", FHIRSTORE_ERR_QUERY},
        {"Patient", "two words", "gender=male", FHIRSTORE_ERR_QUERY},
        {"Patient", "x", "gender={}", FHIRSTORE_ERR_QUERY},
        {"Patient", "x", "gender={a", FHIRSTORE_ERR_QUERY},
        {"Patient", "x", "gender=a}", FHIRSTORE_ERR_QUERY},
        {"Patient", "x", "gender={{a}}", FHIRSTORE_ERR_QUERY},
        {"Patient", "x", "gender={9}", FHIRSTORE_ERR_QUERY},
        {"Patient", "x", "{a}=male", FHIRSTORE_ERR_QUERY},
        {"Patient", "x", "_query=born", FHIRSTORE_ERR_QUERY},
        {"Patient", "x", "nonsense=1", FHIRSTORE_ERR_UNKNOWN_PARAM},
        {"Patient", "x", "birthdate=1973-02-30", FHIRSTORE_ERR_PARAM_VALUE},
        {"Nonsense", "x", "a=b", FHIRSTORE_ERR_UNKNOWN_TYPE},
        {"Observation", "born", "date={at}", FHIRSTORE_OK},
        {"", "born", "_lastUpdated=ge{since}", FHIRSTORE_OK},
        {"", "born", "_lastUpdated=ge{since}", FHIRSTORE_ERR_EXISTS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fhirstore_status status = give_name(cases[i].type, cases[i].name, cases[i].query);
        ck_assert_msg(status == cases[i].status, "%s: %s", cases[i].query,
                      fhirstore_status_name(status));
    }
    expect_ids("?_query=born&since=2000&_type=Patient", "abc");
    ck_assert_int_eq(fhirstore_query_register(NULL, NULL, 0, "a", 1, "b=c", 3, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_query_register(store, NULL, 1, "a", 1, "b=c", 3, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

START_TEST(there_may_be_a_thousand)
{
    char name[16];
    for (int i = 0; i < 999; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        ck_assert_int_eq(give_name("Patient", name, "gender={g}"), FHIRSTORE_OK);
    }
    ck_assert_int_eq(give_name("Patient", "more", "gender={g}"), FHIRSTORE_ERR_LIMIT);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("named", setup_people, arguments_come_from_the_address,
              pages_keep_the_name_and_not_the_query, an_argument_is_a_value_and_nothing_else,
              what_is_wrong_with_a_call_is_told, what_is_wrong_with_a_query_is_told,
              there_may_be_a_thousand),
    };
    return run_groups("named", groups, 1);
}
