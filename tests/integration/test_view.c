/* SPDX-License-Identifier: Apache-2.0 */
/* _summary, _elements, _pretty and _format, on whatever is asked for. */
#include <stdio.h>

#include "harness.h"

#define PATIENT                                                                                    \
    "{\"resourceType\":\"Patient\",\"id\":\"a\",\"text\":{\"status\":\"generated\",\"div\":\"<"    \
    "div "                                                                                         \
    "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">A</div>\"},\"active\":true,\"name\":[{\"family\":" \
    "\"Curie\"}],\"photo\":[{\"title\":\"x\"}],\"birthDate\":\"1867-11-07\"}"

static void put_patient(void)
{
    expect_http(ask("PUT", "Patient/a", NULL, PATIENT), 201);
}

static void expect_within(const reply *answer, const char *text)
{
    ck_assert_msg(strstr(answer->body, text) != NULL, "no %s in %s", text, answer->body);
}

static void expect_without(const reply *answer, const char *text)
{
    ck_assert_msg(strstr(answer->body, text) == NULL, "%s in %s", text, answer->body);
}

START_TEST(reads_give_the_parts_that_are_asked_for)
{
    static const char *const paths[] = {"Patient/a", "Patient/a/_history/1"};
    char url[96];
    put_patient();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        (void)snprintf(url, sizeof url, "%s?_summary=true", paths[i]);
        reply answer = ask("GET", url, NULL, NULL);
        expect_http(answer, 200);
        expect_within(&answer, "Curie");
        expect_within(&answer, "SUBSETTED");
        expect_without(&answer, "photo");
        expect_without(&answer, "<div");
        (void)snprintf(url, sizeof url, "%s?_elements=birthDate", paths[i]);
        answer = ask("GET", url, NULL, NULL);
        expect_text(answer, "birthDate", "1867-11-07");
        expect_without(&answer, "Curie");
        (void)snprintf(url, sizeof url, "%s?_summary=text", paths[i]);
        answer = ask("GET", url, NULL, NULL);
        expect_within(&answer, "<div");
        expect_without(&answer, "Curie");
        (void)snprintf(url, sizeof url, "%s?_summary=data", paths[i]);
        answer = ask("GET", url, NULL, NULL);
        expect_within(&answer, "photo");
        expect_without(&answer, "<div");
        (void)snprintf(url, sizeof url, "%s?_summary=false", paths[i]);
        answer = ask("GET", url, NULL, NULL);
        expect_within(&answer, "<div");
        expect_without(&answer, "SUBSETTED");
    }
}
END_TEST

START_TEST(histories_give_the_parts_that_are_asked_for)
{
    put_patient();
    reply answer = ask("GET", "Patient/a/_history?_elements=birthDate&_count=1", NULL, NULL);
    expect_http(answer, 200);
    expect_within(&answer, "1867-11-07");
    expect_within(&answer, "SUBSETTED");
    expect_without(&answer, "Curie");
    expect_within(&answer, "_elements=birthDate");
    answer = ask("GET", "_history?_summary=text", NULL, NULL);
    expect_within(&answer, "<div");
    expect_without(&answer, "Curie");
}
END_TEST

START_TEST(parts_that_make_no_sense_are_refused)
{
    static const struct {
        const char *url, *says;
    } cases[] = {
        {"Patient/a?_summary=yes", "'_summary' expects"},
        {"Patient/a?_summary=count", "'_summary' expects true, text, data or false"},
        {"Patient/a?_summary=text&_elements=name", "_summary and _elements exclude each other"},
        {"Patient/a/_history?_summary=yes", "'_summary' expects"},
    };
    put_patient();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply answer = ask("GET", cases[i].url, NULL, NULL);
        expect_http(answer, 400);
        expect_text(answer, "resourceType", "OperationOutcome");
        expect_within(&answer, cases[i].says);
    }
}
END_TEST

START_TEST(pretty_indents_every_answer)
{
    static const char *const urls[] = {"Patient/a?_pretty=true", "Patient?_pretty=true",
                                       "Patient/a/_history?_pretty=true", "metadata?_pretty=true",
                                       "Patient/ghost?_pretty=true"};
    put_patient();
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        reply answer = ask("GET", urls[i], NULL, NULL);
        ck_assert_msg(strncmp(answer.body, "{\n  \"resourceType\": \"", 20) == 0, "%s: %.40s",
                      urls[i], answer.body);
    }
    reply answer = ask("POST", "Patient/_search", NULL, "active=true&_pretty=true");
    ck_assert(strncmp(answer.body, "{\n  \"", 5) == 0);
    answer = ask("GET", "Patient/a?_pretty=false", NULL, NULL);
    ck_assert(strncmp(answer.body, "{\"", 2) == 0);
    answer = ask("PUT", "Patient/a?_pretty=true", NULL, PATIENT);
    ck_assert(strncmp(answer.body, "{\n", 2) == 0);
}
END_TEST

START_TEST(format_says_more_than_accept)
{
    put_patient();
    expect_http(ask("GET", "Patient/a?_format=json", "Accept: application/fhir+xml", NULL), 200);
    expect_http(ask("GET", "Patient/a?_format=application/fhir%2Bjson", NULL, NULL), 200);
    expect_http(ask("GET", "Patient/a?_format=application/fhir+json", NULL, NULL), 200);
    expect_http(ask("GET", "Patient/a?_format=xml", NULL, NULL), 406);
    expect_http(ask("GET", "Patient?_format=application/fhir%2Bxml", NULL, NULL), 406);
    expect_http(ask("GET", "Patient/a", "Accept: application/fhir+xml", NULL), 406);
    expect_http(ask("POST", "Patient/_search", NULL, "_format=xml"), 406);
    expect_http(ask("POST", "Patient/_search", NULL, "_format=json"), 200);
}
END_TEST

/* What cannot be left out without finding more is an error, however lenient a search is. */
START_TEST(what_is_wrong_in_a_condition_is_told)
{
    static const struct {
        const char *url, *says;
    } cases[] = {
        {"Patient?_filter=nonsense%20eq%201", "'_filter' at character 1: 'nonsense' is not known"},
        {"Patient?_filter=(active%20eq%20true", "'_filter' at character 16 expects )"},
        {"Patient?_filter=birthdate%20ge%201973-02-30", "'birthdate' expects a date that exists"},
        {"?_type=Patient&_filter=nonsense%20eq%201", "'nonsense' is not known for Patient"},
        {"Observation?subject:Patient._filter=nonsense%20eq%201", "'nonsense' is not known"},
        {"Patient?_list=$current-allergies", "'_list' expects the id of a List"},
        {"Patient?_in=Patient/1", "'_in' expects Group/id, CareTeam/id or List/id"},
        {"Patient?_query=nothing", "'_query' expects the name of a query"},
        {"Patient?_contained=perhaps", "'_contained' expects true, false or both"},
        {"Patient?_maxresults=x", "'_maxresults' expects a number"},
        {"Patient?_type=Observation", "'_type' expects"},
        {"Patient?family:of-type=a|b|c", "'family:of-type' has a modifier that does not apply"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply answer = ask("GET", cases[i].url, NULL, NULL);
        ck_assert_msg(answer.http == 400, "%s: %d", cases[i].url, (int)answer.http);
        expect_text(answer, "resourceType", "OperationOutcome");
        expect_within(&answer, cases[i].says);
    }
}
END_TEST

START_TEST(the_capability_statement_names_what_is_searched)
{
    reply answer = ask("GET", "metadata", NULL, NULL);
    expect_within(&answer, "\"name\":\"code-value-quantity\",\"definition\"");
    expect_within(&answer, "\"name\":\"near\",\"definition\"");
    expect_within(&answer, "\"name\":\"_language\",\"definition\"");
    expect_within(&answer, "{\"name\":\"_filter\",\"type\":\"special\"}");
    expect_within(&answer, "{\"name\":\"_list\",\"type\":\"reference\"}");
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("view", setup_store, reads_give_the_parts_that_are_asked_for,
              histories_give_the_parts_that_are_asked_for, parts_that_make_no_sense_are_refused,
              pretty_indents_every_answer, format_says_more_than_accept,
              what_is_wrong_in_a_condition_is_told,
              the_capability_statement_names_what_is_searched),
    };
    return run_groups("view", groups, 1);
}
