/* SPDX-License-Identifier: Apache-2.0 */
/* Observation/$lastn and Observation/$stats. */
#include <stdio.h>

#include "harness.h"

#define LAB "\"category\":[{\"coding\":[{\"code\":\"lab\"}]}],"

static void put_observation(const char *id, const char *patient, const char *code, const char *time,
                            const char *rest)
{
    char body[2048];
    char url[64];
    char effective[64] = "";
    if (time != NULL) {
        (void)snprintf(effective, sizeof effective, "\"effectiveDateTime\":\"%s\",", time);
    }
    (void)snprintf(url, sizeof url, "Observation/%s", id);
    (void)snprintf(body, sizeof body,
                   "{\"resourceType\":\"Observation\",\"id\":\"%s\",\"status\":\"final\"," LAB
                   "\"code\":{%s},%s\"subject\":{\"reference\":\"Patient/%s\"}%s}",
                   id, code, effective, patient, rest);
    expect_http(ask("PUT", url, NULL, body), 201);
}

#define CODING(code) "\"coding\":[{\"system\":\"http://acme.org/c\",\"code\":\"" code "\"}]"
#define VALUE(value, unit)                                               \
    ",\"valueQuantity\":{\"value\":" value ",\"unit\":\"U\",\"system\":" \
    "\"http://unitsofmeasure.org\",\"code\":\"" unit "\"}"

static void setup_measured(void)
{
    setup_clocked_store();
    clock_us = INT64_C(1700000000000000); /* 2023-11-14T22:13:20Z */
    put_observation("a1", "p", CODING("a"), "2020-01-01", VALUE("1.0", "kg"));
    put_observation("a2", "p", CODING("a"), "2020-01-02", VALUE("2000", "g"));
    put_observation("a3", "p", CODING("a"), "2020-01-03", VALUE("6.00", "kg"));
    put_observation("a4", "p", CODING("a"), "2020-01-03", VALUE("3", "cm"));
    put_observation("b1", "p",
                    "\"coding\":[{\"system\":\"http://acme.org/c\",\"code\":\"b\"},{\"system\":"
                    "\"http://acme.org/d\",\"code\":\"x\"}]",
                    "2021-01-01", "");
    put_observation("b2", "p", "\"coding\":[{\"system\":\"http://acme.org/d\",\"code\":\"x\"}]",
                    "2021-01-02", "");
    put_observation("t1", "p", "\"text\":\"Text\"", "2019-01-01", "");
    put_observation("t2", "p", "\"text\":\"text\"", NULL, "");
    put_observation("o1", "q", CODING("a"), "2022-01-01", VALUE("9", "kg"));
}

static reply get(const char *url)
{
    return ask("GET", url, NULL, NULL);
}

static const char *ids_of(const reply *answer)
{
    static char text[4][1024];
    static unsigned turn;
    char *out = text[turn++ % 4];
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < items_at(answer, "entry"); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "entry.%d.resource.id", i);
        len += (size_t)snprintf(out + len, sizeof text[0] - len, "%s%s", i > 0 ? " " : "",
                                text_at(answer, path));
    }
    return out;
}

static void expect_ids(const char *url, const char *want)
{
    const reply answer = get(url);
    expect_http(answer, 200);
    ck_assert_msg(strcmp(ids_of(&answer), want) == 0, "%s: %s, wanted %s", url, ids_of(&answer),
                  want);
}

START_TEST(gives_the_last)
{
    /* a3 and a4 are equally late; b1 and b2 mean the same by one of their codes. */
    expect_ids("Observation/$lastn?patient=p&category=lab", "b2 a3 a4 t1 t2");
    expect_ids("Observation/$lastn?patient=p&category=lab&max=2", "b2 b1 a3 a4 t1 t2");
    expect_ids("Observation/$lastn?patient=p&category=lab&max=3", "b2 b1 a3 a4 a2 t1 t2");
    expect_ids("Observation/$lastn?subject=Patient/p&code=http://acme.org/c|a&max=10",
               "a3 a4 a2 a1");
    expect_ids("Observation/$lastn?patient=p&code=a&date=le2020-01-02", "a2");
    expect_ids("Observation/$lastn?patient:Patient=p&code-value-quantity=http://acme.org/c|a$lt2",
               "a1");
    expect_ids("Observation/$lastn?patient=p,q&code=a", "o1");
    expect_ids("Observation/$lastn?patient=none&code=a", "");
    const reply posted = ask(
        "POST", "Observation/$lastn", NULL,
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"patient\","
        "\"valueString\":\"p\"},{\"name\":\"code\",\"valueString\":\"a\"},{"
        "\"name\":\"max\",\"valuePositiveInt\":3}]}");
    expect_http(posted, 200);
    ck_assert_str_eq(ids_of(&posted), "a3 a4 a2");
    expect_text(posted, "total", "3");
    expect_text(posted, "entry.0.search.mode", "match");
    const reply parts = get("Observation/$lastn?patient=p&code=a&_elements=code");
    expect_nothing_at(parts, "entry.0.resource.valueQuantity");
}
END_TEST

/* The nth figure of the mth code. */
static const char *figure(const reply *answer, int code, int n, const char *what)
{
    char path[128];
    (void)snprintf(path, sizeof path, "parameter.%d.resource.component.%d.valueQuantity.%s", code,
                   n, what);
    const char *text = text_at(answer, path);
    return text == NULL ? "(none)" : text;
}

#define STATS "Observation/$stats?subject=Patient/p&system=http://acme.org/c&code=a"

START_TEST(calculates)
{
    const reply answer = get(STATS
                             "&statistic=average,maximum,minimum,count,total-count,median,sum,"
                             "variance&statistic=std-dev");
    expect_http(answer, 200);
    expect_text(answer, "parameter.0.name", "statistics");
    expect_text(answer, "parameter.0.resource.resourceType", "Observation");
    expect_text(answer, "parameter.0.resource.status", "final");
    expect_text(answer, "parameter.0.resource.subject.reference", "Patient/p");
    expect_text(answer, "parameter.0.resource.effectivePeriod.start", "2020-01-01T00:00:00.000Z");
    expect_text(answer, "parameter.0.resource.component.0.code.coding.0.code", "average");
    ck_assert_str_eq(figure(&answer, 0, 0, "value"), "3");
    ck_assert_str_eq(figure(&answer, 0, 0, "code"), "kg");
    ck_assert(has_text(&answer, "\"value\":6.00,")); /* as it was written */
    ck_assert(has_text(&answer, "\"value\":1.0,"));
    ck_assert_str_eq(figure(&answer, 0, 3, "value"), "3");
    ck_assert_str_eq(figure(&answer, 0, 4, "value"), "4"); /* centimetres count, no more */
    ck_assert_str_eq(figure(&answer, 0, 5, "value"), "2");
    ck_assert_str_eq(figure(&answer, 0, 6, "value"), "2.64575131106"); /* std-dev: √7 */
    ck_assert_str_eq(figure(&answer, 0, 7, "value"), "9");
    ck_assert_str_eq(figure(&answer, 0, 8, "value"), "7");
    ck_assert_str_eq(figure(&answer, 0, 8, "code"), "(kg)2");
}
END_TEST

START_TEST(calculates_the_rest)
{
    const reply answer = get(STATS "&statistic=20-percent,80-percent,4-lower,4-upper,4-dev,5-1,5-2,"
                                   "5-3,5-4,skew,kurtosis,regression");
    static const char *const want[] = {"1.4", "4.4", "1.5", "4",   "1.25",
                                       "1.4", "1.8", "2.8", "4.4", "0.595170064139",
                                       "1.5", "2.5", "0.5"};
    expect_http(answer, 200);
    for (int i = 0; i < 13; i++) {
        ck_assert_msg(strcmp(figure(&answer, 0, i, "value"), want[i]) == 0, "%d: %s", i,
                      figure(&answer, 0, i, "value"));
    }
    ck_assert_str_eq(figure(&answer, 0, 11, "code"), "(kg)/d");
    /* Of one value there is no spread, of none nothing. */
    const reply one = get(STATS "&statistic=std-dev,average&end=2020-01-01");
    ck_assert_str_eq(figure(&one, 0, 0, "value"), "1");
    expect_text(one, "parameter.0.resource.component.1.dataAbsentReason.coding.0.code",
                "not-applicable");
    const reply none = get(STATS "&statistic=count,minimum&duration=24");
    expect_text(none, "parameter.0.resource.effectivePeriod.start", "2023-11-13T22:13:20.000Z");
    ck_assert_str_eq(figure(&none, 0, 1, "value"), "0");
    expect_text(none, "parameter.0.resource.component.0.dataAbsentReason.coding.0.code",
                "not-applicable");
}
END_TEST

START_TEST(includes_its_sources)
{
    const reply answer = ask(
        "POST", "Observation/$stats", NULL,
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"subject\",\"valueUri\":"
        "\"Patient/p\"},{\"name\":\"coding\",\"valueCoding\":{\"system\":\"http://acme.org/c\","
        "\"code\":\"a\"}},{\"name\":\"statistic\",\"valueCode\":\"count\"},{\"name\":\"period\","
        "\"valuePeriod\":{\"start\":\"2020-01-02\",\"end\":\"2020-01-03\"}},{\"name\":\"include\","
        "\"valueBoolean\":true},{\"name\":\"limit\",\"valuePositiveInt\":1}]}");
    expect_http(answer, 200);
    ck_assert_str_eq(figure(&answer, 0, 0, "value"), "2");
    expect_text(answer, "parameter.1.name", "source");
    expect_text(answer, "parameter.1.resource.id", "a3");
    expect_nothing_at(answer, "parameter.2");
    const reply all = get(STATS "&coding=http://acme.org/c|b&statistic=count&include=true");
    ck_assert_int_eq(items_at(&all, "parameter"), 5);
}
END_TEST

/* A panel's figures are those of its components and members. */
START_TEST(looks_into_panels)
{
    put_observation("m1", "p", CODING("m"), "2020-02-01", VALUE("70", "/min"));
    put_observation(
        "n1", "p", CODING("panel"), "2020-02-01",
        ",\"component\":[{\"code\":{" CODING("sys") "}" VALUE(
            "120",
            "mm[Hg]") "},{\"code\":{" CODING("dia") "}" VALUE("80",
                                                              "mm[Hg]") "}],\"hasMember\":[{"
                                                                        "\"reference\":"
                                                                        "\"Observation/m1\"}]");
    put_observation("n2", "p", CODING("panel"), "2020-02-02",
                    ",\"component\":[{\"code\":{" CODING("sys") "}" VALUE("130", "mm[Hg]") "}]");
    reply answer = get("Observation/$stats?subject=Patient/p&coding=http://acme.org/c|panel&"
                       "statistic=average,count");
    expect_http(answer, 200);
    ck_assert_int_eq(items_at(&answer, "parameter"), 3);
    expect_text(answer, "parameter.0.resource.code.coding.0.code", "sys");
    ck_assert_str_eq(figure(&answer, 0, 0, "value"), "125");
    expect_text(answer, "parameter.1.resource.code.coding.0.code", "dia");
    ck_assert_str_eq(figure(&answer, 2, 0, "value"), "70");
    answer = get("Observation/$stats?subject=Patient/p&coding=http://acme.org/c|sys&"
                 "statistic=maximum");
    ck_assert_int_eq(items_at(&answer, "parameter"), 1);
    ck_assert_str_eq(figure(&answer, 0, 0, "value"), "130");
}
END_TEST

START_TEST(leaves_out_what_does_not_count)
{
    put_observation("e1", "p", CODING("a"), "2020-01-03", VALUE("100", "kg"));
    expect_http(ask("PATCH", "Observation/e1", "Content-Type: application/json-patch+json",
                    "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"entered-in-error\"}]"),
                200);
    put_observation("e2", "p", CODING("a"), "2020-01-03",
                    ",\"valueQuantity\":{\"value\":50,\"comparator\":\"<\",\"system\":"
                    "\"http://unitsofmeasure.org\",\"code\":\"kg\"}");
    put_observation("e3", "p", CODING("a"), "2020-01-03",
                    VALUE("70", "kg") ",\"modifierExtension\":[{\"url\":\"http://acme.org/not\","
                                      "\"valueBoolean\":true}]");
    const reply answer = get(STATS "&statistic=maximum,count,total-count");
    expect_http(answer, 200);
    ck_assert_str_eq(figure(&answer, 0, 0, "value"), "6");
    ck_assert_str_eq(figure(&answer, 0, 1, "value"), "3");
    ck_assert_str_eq(figure(&answer, 0, 2, "value"), "6");
}
END_TEST

static const char *const bad[][2] = {
    {"Observation/$lastn", "'patient'"},
    {"Observation/$lastn?code=a", "'patient'"},
    {"Observation/$lastn?patient=p", "'category'"},
    {"Observation/$lastn?patient=p&code=a&max=0", "'max'"},
    {"Observation/$lastn?patient=p&code=a&max=-1", "'max'"},
    {"Observation/$lastn?patient=p&code=a&max=two", "'max'"},
    {"Observation/$lastn?patient=p&code=a&max=1&max=2", "'max'"},
    {"Observation/$lastn?patient=p&code=a&_sort=date", "'_sort'"},
    {"Observation/$lastn?patient=p&code=a&_count=1", "'_count'"},
    {"Observation/$lastn?patient=p&code=a&_include=*", "'_include'"},
    {"Observation/$lastn?patient=p&code=a&colour=x", "'colour'"},
    {"Observation/$lastn?patient=p&code=a&date=x", "'date'"},
    {"Observation/$stats?system=s&code=a&statistic=count", "'subject'"},
    {"Observation/$stats?subject=&system=s&code=a&statistic=count", "'subject'"},
    {"Observation/$stats?subject=http://other.org/Patient/p&system=s&code=a&statistic=count",
     "'subject'"},
    {"Observation/$stats?subject=Patient/p&statistic=count", "'code'"},
    {"Observation/$stats?subject=Patient/p&code=a&statistic=count", "'system'"},
    {"Observation/$stats?subject=Patient/p&coding=a&statistic=count", "'coding'"},
    {STATS, "'statistic'"},
    {STATS "&statistic=mode", "'statistic'"},
    {STATS "&statistic=count&duration=0", "'duration'"},
    {STATS "&statistic=count&duration=-1", "'duration'"},
    {STATS "&statistic=count&duration=1e300", "'duration'"},
    {STATS "&statistic=count&duration=1&start=2020", "'period'"},
    {STATS "&statistic=count&start=2021&end=2020", "'start'"},
    {STATS "&statistic=count&period=2020", "'period'"},
    {STATS "&statistic=count&include=maybe", "'include'"},
    {STATS "&statistic=count&include=true&limit=0", "'limit'"},
    {STATS "&statistic=count&system=x", "'system'"},
    {STATS "&statistic=count&x=1", "'x'"},
};

START_TEST(refuses)
{
    const char *before = state_of_store();
    const reply answer = get(bad[_i][0]);
    ck_assert_msg(answer.http == 400, "%s: %d %s", bad[_i][0], (int)answer.http, answer.body);
    ck_assert_msg(has_text(&answer, bad[_i][1]), "%s: %s", bad[_i][0], answer.body);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

static reply ask_as(const char *url)
{
    static const char claims[] = "{\"roles\":[\"some\"]}";
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *with = NULL;
    options.principal = "tester";
    options.principal_len = 6;
    options.claims = claims;
    options.claims_len = sizeof claims - 1;
    ck_assert_int_eq(fhirstore_session_open(store, &options, &with, NULL), FHIRSTORE_OK);
    const reply answer = ask_bytes(with, "GET", url, NULL, NULL, 0);
    fhirstore_session_close(with);
    return answer;
}

START_TEST(tells_nothing_of_what_is_hidden)
{
    static const char policy[] =
        "{\"roles\":{\"some\":{\"allow\":[{\"actions\":[\"search\"],\"types\":[\"Observation\"],"
        "\"where\":\"date=lt2020-01-03\"}]}}}";
    static const char *const urls[] = {"Observation/$lastn?patient=p&category=lab&max=2", STATS
                                       "&statistic=average,maximum,count,total-count&include=true"};
    char before[2][8192];
    ck_assert_int_eq(fhirstore_set_policy(store, policy, sizeof policy - 1, NULL), FHIRSTORE_OK);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(before[i], sizeof before[i], "%s", ask_as(urls[i]).body);
    }
    const reply last = ask_as(urls[0]);
    ck_assert_str_eq(ids_of(&last), "a2 a1 t1");
    const reply stats = ask_as(urls[1]);
    ck_assert_str_eq(figure(&stats, 0, 2, "value"), "2");
    ck_assert_str_eq(figure(&stats, 0, 1, "value"), "2000");
    expect_http(ask("DELETE", "Observation/a3", NULL, NULL), 204);
    put_observation("x1", "p", CODING("a"), "2024-01-01", VALUE("77", "kg"));
    put_observation("x2", "p",
                    "\"coding\":[{\"system\":\"http://acme.org/c\",\"code\":\"a\"},{\"system\":"
                    "\"http://acme.org/c\",\"code\":\"b\"}]",
                    "2024-01-01", "");
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(before[i], ask_as(urls[i]).body);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("operations_observation");
    TCase *tests = tcase_create("observation");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup_measured, teardown);
    tcase_add_test(tests, gives_the_last);
    tcase_add_test(tests, calculates);
    tcase_add_test(tests, calculates_the_rest);
    tcase_add_test(tests, includes_its_sources);
    tcase_add_test(tests, looks_into_panels);
    tcase_add_test(tests, leaves_out_what_does_not_count);
    tcase_add_loop_test(tests, refuses, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tests, tells_nothing_of_what_is_hidden);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
