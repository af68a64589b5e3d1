/* SPDX-License-Identifier: Apache-2.0 */
/* _contained and _containedType: what a page shows, in which pages, and to whom. */
#include <stdio.h>

#include "harness.h"

#define ORDER                                                                                     \
    "{\"resourceType\":\"MedicationRequest\",\"id\":\"%s\",\"status\":\"active\",\"intent\":"     \
    "\"order\","                                                                                  \
    "\"subject\":{\"reference\":\"Patient/"                                                       \
    "p\"},\"contained\":[{\"resourceType\":\"Medication\",\"id\":"                                \
    "\"first\",\"code\":{\"coding\":[{\"system\":\"urn:rx\",\"code\":\"%s\"}]},\"status\":"       \
    "\"active\"},"                                                                                \
    "{\"resourceType\":\"Medication\",\"id\":\"second\",\"code\":{\"coding\":[{\"system\":\"urn:" \
    "rx\","                                                                                       \
    "\"code\":\"b\"}]}}],\"medicationReference\":{\"reference\":\"#first\"}}"

static void put_orders(void)
{
    char body[1024];
    char url[64];
    for (int i = 0; i < 5; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "m%d", i);
        (void)snprintf(url, sizeof url, "MedicationRequest/%s", id);
        (void)snprintf(body, sizeof body, ORDER, id, i % 2 == 0 ? "a" : "c");
        expect_http(ask("PUT", url, NULL, body), 201);
    }
    expect_http(ask("PUT", "Medication/alone", NULL,
                    "{\"resourceType\":\"Medication\",\"id\":\"alone\",\"code\":{\"coding\":"
                    "[{\"system\":\"urn:rx\",\"code\":\"a\"}]}}"),
                201);
}

static void setup_orders(void)
{
    setup_store();
    put_orders();
}

static int times_in(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
        count++;
    }
    return count;
}

START_TEST(containers_are_shown_whole)
{
    reply answer = ask("GET", "Medication?code=a&_contained=true", NULL, NULL);
    expect_http(answer, 200);
    expect_text(answer, "total", "3");
    ck_assert_int_eq(
        times_in(answer.body, "\"fullUrl\":\"http://localhost/fhir/MedicationRequest/"), 3);
    ck_assert_ptr_nonnull(strstr(answer.body, "Medication?code=a&_contained=true\""));
    answer = ask("GET", "Medication?code=a&_contained=both", NULL, NULL);
    expect_text(answer, "total", "4");
    answer = ask("GET", "Medication?code=a", NULL, NULL);
    expect_text(answer, "total", "1");
    ck_assert_ptr_null(strstr(answer.body, "MedicationRequest"));
}
END_TEST

START_TEST(what_is_contained_is_shown_alone)
{
    reply answer = ask("GET", "Medication?code=a&_contained=true&_containedType=contained", NULL,
                       NULL);
    expect_http(answer, 200);
    expect_text(answer, "entry.0.fullUrl", "http://localhost/fhir/MedicationRequest/m0#first");
    expect_text(answer, "entry.0.resource.resourceType", "Medication");
    expect_text(answer, "entry.0.resource.id", "first");
    expect_text(answer, "entry.0.search.mode", "match");
    ck_assert_int_eq(times_in(answer.body, "\"fullUrl\""), 3);
    ck_assert_ptr_null(strstr(answer.body, "\"total\""));
    ck_assert_ptr_null(strstr(answer.body, "medicationReference"));
    answer = ask("GET", "Medication?code=a,b&_contained=both&_containedType=contained", NULL, NULL);
    ck_assert_int_eq(times_in(answer.body, "#first\""), 3);
    ck_assert_int_eq(times_in(answer.body, "#second\""), 5);
    ck_assert_int_eq(times_in(answer.body, "Medication/alone\""), 1);
    answer = ask("GET",
                 "Medication?code=a&_contained=true&_containedType=contained&_elements=status",
                 NULL, NULL);
    ck_assert_int_eq(times_in(answer.body, "SUBSETTED"), 3);
    ck_assert_ptr_null(strstr(answer.body, "urn:rx"));
}
END_TEST

START_TEST(pages_hold_every_container_once)
{
    char url[2048] = "Medication?code=b&_contained=true&_containedType=contained&_count=2";
    int seen = 0;
    int pages = 0;
    while (url[0] != '\0' && pages < 9) {
        reply answer = ask("GET", url, NULL, NULL);
        expect_http(answer, 200);
        seen += times_in(answer.body, "#second\"");
        pages++;
        const char *next = strstr(answer.body, "\"relation\":\"next\",\"url\":\"");
        (void)snprintf(url, sizeof url, "%s",
                       next == NULL ? "" : next + strlen("\"relation\":\"next\",\"url\":\""));
        if (next != NULL) {
            *strchr(url, '"') = '\0';
        }
    }
    ck_assert_int_eq(seen, 5);
    ck_assert_int_eq(pages, 3);
}
END_TEST

static fhirstore_status hide_orders(void *ctx, const fhirstore_access_request *request,
                                    fhirstore_access_decision *decision)
{
    (void)ctx;
    bool is_order = request->type_len == 17 && memcmp(request->type, "MedicationRequest", 17) == 0;
    decision->answer = is_order ? FHIRSTORE_ACCESS_DENY : FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

START_TEST(what_may_not_be_seen_contains_nothing)
{
    const fhirstore_authorizer guard = {.struct_size = sizeof guard, .authorize = hide_orders};
    ck_assert_int_eq(fhirstore_set_authorizer(store, &guard, NULL), FHIRSTORE_OK);
    fhirstore_session *other = must_enter(store, 0, "somebody");
    reply answer = ask_bytes(other, "GET", "Medication?code=a&_contained=both", NULL, NULL, 0);
    expect_http(answer, 200);
    expect_text(answer, "total", "1");
    answer = ask_bytes(other, "GET", "Medication?code=a&_contained=true&_containedType=contained",
                       NULL, NULL, 0);
    expect_http(answer, 200);
    ck_assert_ptr_null(strstr(answer.body, "MedicationRequest"));
    fhirstore_session_close(other);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("contained", setup_orders, containers_are_shown_whole,
              what_is_contained_is_shown_alone, pages_hold_every_container_once,
              what_may_not_be_seen_contains_nothing),
    };
    return run_groups("contained", groups, 1);
}
