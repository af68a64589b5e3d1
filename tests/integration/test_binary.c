/* SPDX-License-Identifier: Apache-2.0 */
/* Binary: content of any type in and out, byte for byte, and the rights that it goes by. */
#include <stdio.h>

#include "harness.h"

/* Every byte there is. */
static char all_bytes[256];

static void setup_bytes(void)
{
    setup_store();
    for (int i = 0; i < 256; i++) {
        all_bytes[i] = (char)(unsigned char)i;
    }
}

static reply send_content(const char *method, const char *url, const char *headers,
                          const char *bytes, size_t len)
{
    return ask_bytes(session, method, url, headers, bytes, len);
}

static void expect_content(const reply *answer, const char *type, const char *bytes, size_t len)
{
    ck_assert_int_eq(answer->http, 200);
    ck_assert_str_eq(header_of(answer, "Content-Type"), type);
    ck_assert_uint_eq(answer->body_len, len);
    ck_assert_int_eq(memcmp(answer->body, bytes, len), 0);
}

START_TEST(content_comes_back_as_it_was)
{
    static const char *const types[] = {"image/png", "text/plain; charset=iso-8859-1",
                                        "application/xml", "application/x-www-form-urlencoded",
                                        "application/json-patch+json"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char headers[128];
        char url[128];
        (void)snprintf(headers, sizeof headers, "Content-Type: %s", types[i]);
        reply answer = send_content("POST", "Binary", headers, all_bytes, sizeof all_bytes);
        expect_http(answer, 201);
        expect_text(answer, "resourceType", "Binary");
        expect_text(answer, "contentType", types[i]);
        (void)snprintf(url, sizeof url, "Binary/%s", id_of(&answer));
        reply read = ask("GET", url, "Accept: */*", NULL);
        expect_content(&read, types[i], all_bytes, sizeof all_bytes);
        ck_assert_str_eq(header_of(&read, "ETag"), "W/\"1\"");
        read = ask("HEAD", url, "Accept: */*", NULL);
        ck_assert_uint_eq(read.body_len, 0);
        ck_assert_str_eq(header_of(&read, "Content-Type"), types[i]);
        read = ask("GET", url, "Accept: application/fhir+json", NULL);
        expect_text(read, "resourceType", "Binary");
    }
    expect_sound(store);
}
END_TEST

START_TEST(lengths_of_every_remainder)
{
    for (size_t len = 0; len < 8; len++) {
        reply answer = send_content("PUT", "Binary/x", "Content-Type: a/b", all_bytes, len);
        ck_assert_int_eq(answer.http, len == 0 ? 201 : 200);
        reply read = ask("GET", "Binary/x", "Accept: a/b", NULL);
        expect_content(&read, "a/b", all_bytes, len);
    }
    expect_text(read_one("Binary", "x"), "meta.versionId", "8");
    reply old = ask("GET", "Binary/x/_history/3", "Accept: a/b", NULL);
    expect_content(&old, "a/b", all_bytes, 2);
    /* The same again makes no version. */
    expect_http(send_content("PUT", "Binary/x", "Content-Type: a/b", all_bytes, 7), 200);
    expect_text(read_one("Binary", "x"), "meta.versionId", "8");
}
END_TEST

START_TEST(who_asks_for_the_resource_gets_it)
{
    static const struct {
        const char *accept; /* NULL: none */
        const char *url;
        bool content;
    } cases[] = {
        {NULL, "Binary/x", true},
        {NULL, "Binary/x?_format=json", false},
        {"Accept: application/fhir+json", "Binary/x", false},
        {"Accept: application/json", "Binary/x", false},
        {"Accept: application/fhir+json, */*;q=0.5", "Binary/x", false},
        {"Accept: image/png;q=0.5, application/fhir+json", "Binary/x", false},
        {"Accept: image/png, application/fhir+json;q=0.5", "Binary/x", true},
        {"Accept: image/png", "Binary/x", true},
        {"Accept: image/*", "Binary/x", true},
        {"Accept: text/html, */*;q=0.1", "Binary/x", true},
        {"Accept: image/png", "Binary/x?_format=json", false},
        {"Accept: image/png", "Binary/x?_elements=contentType", false},
        {"Accept: image/png", "Binary/x?_pretty=true", true},
        {"Accept: application/json", "Binary/j", true},
        {"Accept: application/fhir+json", "Binary/j", false},
    };
    expect_http(send_content("PUT", "Binary/x", "Content-Type: image/png", all_bytes, 100), 201);
    expect_http(send_content("PUT", "Binary/j", "Content-Type: application/json", "{\"a\":1}", 7),
                201);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reply answer = ask("GET", cases[i].url, cases[i].accept, NULL);
        const bool is_content = strncmp(header_of(&answer, "Content-Type"), "application/fhir+json",
                                        21) != 0;
        ck_assert_msg(answer.http == 200 && is_content == cases[i].content, "%s of %s",
                      cases[i].accept == NULL ? "(none)" : cases[i].accept, cases[i].url);
    }
    reply found = ask("GET", "Binary?_id=x", "Accept: image/png", NULL);
    ck_assert_int_eq(found.http, 406); /* a Bundle is none */
    reply missing = ask("GET", "Binary/ghost", "Accept: image/png", NULL);
    expect_refusal(&missing, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL);
    ck_assert_str_eq(header_of(&missing, "Content-Type"), "application/fhir+json; charset=utf-8");
}
END_TEST

START_TEST(json_may_be_both)
{
    static const char resource[] = "{\"resourceType\":\"Binary\",\"id\":\"b\",\"contentType\":"
                                   "\"text/plain\",\"data\":\"aGk=\"}";
    static const char patient[] = "{\"resourceType\":\"Patient\"}";
    expect_http(ask("PUT", "Binary/b", "Content-Type: application/json", resource), 200 + 1);
    reply read = ask("GET", "Binary/b", "Accept: text/plain", NULL);
    expect_content(&read, "text/plain", "hi", 2);
    expect_http(ask("PUT", "Binary/c", "Content-Type: application/json", patient), 201);
    read = ask("GET", "Binary/c", "Accept: application/json", NULL);
    expect_content(&read, "application/json", patient, strlen(patient));
    const char *before = state_of_store();
    reply answer = ask("PUT", "Binary/d", "Content-Type: application/fhir+json", patient);
    expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "invalid", "resourceType", before);
    answer = ask("POST", "Binary", "Content-Type: application/fhir+xml", "<Binary/>");
    expect_no_trace(&answer, FHIRSTORE_ERR_MEDIA_TYPE, "not-supported", NULL, before);
    answer = ask("POST", "Patient", "Content-Type: image/png", "x");
    expect_no_trace(&answer, FHIRSTORE_ERR_MEDIA_TYPE, "not-supported", NULL, before);
    answer = ask("POST", "Binary", "Content-Type: image/png\nX-Security-Context: nobody", "x");
    expect_no_trace(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL, before);
    answer = ask("POST", "Binary", "Content-Type: image/png\nIf-Match: 1", "x");
    expect_no_trace(&answer, FHIRSTORE_ERR_QUERY, "invalid", NULL, before);
    answer = ask("PUT", "Binary/b", "Content-Type: image/png\nIf-Match: W/\"7\"", "x");
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
}
END_TEST

START_TEST(escapes_in_what_is_stored)
{
    expect_http(ask("PUT", "Binary/e", NULL,
                    "{\"resourceType\":\"Binary\",\"id\":\"e\",\"contentType\":\"a\\/b\","
                    "\"data\":\"\\/\\/\\u002F\\/\"}"),
                201);
    reply read = ask("GET", "Binary/e", "Accept: a/b", NULL);
    expect_content(&read, "a/b", "\xff\xff\xff", 3);
}
END_TEST

START_TEST(eight_megabytes)
{
    const size_t len = (size_t)8 << 20;
    char *bytes = malloc(len);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(unsigned char)(i * 2654435761u >> 13);
    }
    expect_http(send_content("PUT", "Binary/big", "Content-Type: video/mp4\nPrefer: return=minimal",
                             bytes, len),
                201);
    reply read = ask("GET", "Binary/big", "Accept: video/mp4", NULL);
    expect_content(&read, "video/mp4", bytes, len);
    bytes[len / 2] ^= 1;
    expect_http(send_content("PUT", "Binary/big", "Content-Type: video/mp4", bytes, len), 200);
    read = ask("GET", "Binary/big", "Accept: video/mp4", NULL);
    expect_content(&read, "video/mp4", bytes, len);
    read = ask("GET", "Binary/big/_history/1", "Accept: video/mp4", NULL);
    ck_assert_int_ne(memcmp(read.body, bytes, len), 0);
    free(bytes);
    expect_sound(store);
}
END_TEST

/* ---- the security context ---- */

static const char *visible; /* of patients, the one that may be seen; NULL: none */

static fhirstore_status by_patient(void *ctx, const fhirstore_access_request *request,
                                   fhirstore_access_decision *decision)
{
    (void)ctx;
    if (strcmp(request->type, "Patient") == 0 &&
        (visible == NULL || strcmp(request->id, visible) != 0)) {
        return FHIRSTORE_OK;
    }
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

static void enter_as_limited(void)
{
    static const fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer,
                                                    .authorize = by_patient};
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    session = must_enter(store, 0, "Practitioner/1");
}

START_TEST(content_goes_by_the_rights_to_its_context)
{
    expect_http(ask("PUT", "Patient/1", NULL, "{\"resourceType\":\"Patient\",\"id\":\"1\"}"), 201);
    expect_http(send_content("PUT", "Binary/x",
                             "Content-Type: image/png\nX-Security-Context: Patient/1", all_bytes,
                             9),
                201);
    expect_http(ask("PUT", "Binary/y", NULL,
                    "{\"resourceType\":\"Binary\",\"id\":\"y\",\"contentType\":\"a/b\","
                    "\"security\\u0043ontext\":{\"refer\\u0065nce\":\"Patient\\/1\"}}"),
                201);
    expect_http(send_content("PUT", "Binary/free", "Content-Type: image/png", all_bytes, 9), 201);
    reply read = ask("GET", "Binary/x", "Accept: image/png", NULL);
    expect_content(&read, "image/png", all_bytes, 9);
    ck_assert_str_eq(header_of(&read, "X-Security-Context"), "Patient/1");
    expect_text(read_one("Binary", "x"), "securityContext.reference", "Patient/1");

    enter_as_limited();
    static const char *const addresses[] = {"Binary/x", "Binary/x/_history/1", "Binary/y"};
    for (int round = 0; round < 2; round++) {
        visible = round == 0 ? NULL : "1";
        for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
            expect_http(ask("GET", addresses[i], "Accept: */*", NULL), round == 0 ? 404 : 200);
            expect_http(ask("GET", addresses[i], NULL, NULL), round == 0 ? 404 : 200);
        }
        expect_http(ask("GET", "Binary/free", "Accept: */*", NULL), 200);
        reply page = ask("GET", "Binary/_history", NULL, NULL);
        ck_assert_int_eq(items_at(&page, "entry"), round == 0 ? 1 : 3);
    }
    visible = NULL;
    expect_http(send_content("PUT", "Binary/x", "Content-Type: image/png", all_bytes, 3), 403);
    expect_http(ask("DELETE", "Binary/x", NULL, NULL), 204); /* as if it were not there */
    visible = "1";
    read = ask("GET", "Binary/x", "Accept: image/png", NULL);
    expect_content(&read, "image/png", all_bytes, 9);
    expect_http(ask("DELETE", "Binary/x", NULL, NULL), 204);
    expect_http(ask("GET", "Binary/x", NULL, NULL), 410);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("binary", setup_bytes, content_comes_back_as_it_was, lengths_of_every_remainder,
              who_asks_for_the_resource_gets_it, json_may_be_both, escapes_in_what_is_stored,
              eight_megabytes, content_goes_by_the_rights_to_its_context),
    };
    return run_groups("binary", groups, 1);
}
