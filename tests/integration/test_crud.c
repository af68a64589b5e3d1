/* SPDX-License-Identifier: Apache-2.0 */
/* create, read, vread, update, delete: versions, ids, conditions, the store's own fields. */
#include <stdio.h>

#include "harness.h"

#define PATIENT_A "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true}"
#define PATIENT_B "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":false}"

static bool is_uuid(const char *text)
{
    if (strlen(text) != 36) {
        return false;
    }
    for (size_t i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL) {
            return false;
        }
    }
    return text[14] == '4';
}

START_TEST(the_store_chooses_the_id_of_what_is_created)
{
    reply one = create("Patient", "{\"resourceType\":\"Patient\"}");
    reply two = create("Patient", "{\"resourceType\":\"Patient\",\"id\":\"mine\"}");
    expect_status(one, FHIRSTORE_CREATED);
    expect_http(one, 201);
    ck_assert_msg(is_uuid(id_of(&one)), "%s", id_of(&one));
    ck_assert_msg(is_uuid(id_of(&two)), "%s", id_of(&two));
    ck_assert_str_ne(id_of(&one), id_of(&two));
    expect_text(two, "id", id_of(&two));
    expect_status(read_one("Patient", "mine"), FHIRSTORE_ERR_NOT_FOUND);
    ck_assert_int_eq(fhirstore_response_version(one.response), 1);
    expect_text(one, "meta.versionId", "1");
    ck_assert_ptr_nonnull(text_at(&one, "meta.lastUpdated"));
    reply again = read_one("Patient", id_of(&one));
    expect_status(again, FHIRSTORE_OK);
    ck_assert_str_eq(again.body, one.body);
    expect_sound(store);
}
END_TEST

START_TEST(versions_count_one_two_three)
{
    reply first = update("Patient", "a", PATIENT_A);
    expect_status(first, FHIRSTORE_CREATED);
    reply second = update("Patient", "a", PATIENT_B);
    expect_status(second, FHIRSTORE_OK);
    expect_http(second, 200);
    reply third = update("Patient", "a", PATIENT_A);
    ck_assert_int_eq(fhirstore_response_version(first.response), 1);
    ck_assert_int_eq(fhirstore_response_version(second.response), 2);
    ck_assert_int_eq(fhirstore_response_version(third.response), 3);
    ck_assert_str_eq(vread("Patient", "a", 1).body, first.body);
    ck_assert_str_eq(vread("Patient", "a", 2).body, second.body);
    ck_assert_str_eq(vread("Patient", "a", 3).body, third.body);
    ck_assert_str_eq(read_one("Patient", "a").body, third.body);
    expect_text(second, "active", "false");
    reply none = vread("Patient", "a", 4);
    expect_refusal(&none, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL);
    none = vread("Patient", "a", 0);
    expect_refusal(&none, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL);
    none = vread("Patient", "a", INT64_MAX);
    expect_refusal(&none, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL);
    none = vread("Patient", "b", 1);
    expect_refusal(&none, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL);
    expect_sound(store);
}
END_TEST

/* Each of these says the same as the one before. */
START_TEST(an_unchanged_update_keeps_the_version)
{
    static const char *const same[] = {
        "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true,\"multipleBirthInteger\":1,"
        "\"name\":[{\"family\":\"X\",\"given\":[\"a\",\"b\"]}]}",
        "{\"active\":true,\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",\"b\"],"
        "\"family\":\"X\"}],\"multipleBirthInteger\":1,\"id\":\"a\"}",
        " { \"resourceType\" : \"Patient\" ,\n\t\"id\":\"a\", \"active\": true,\r\n"
        "\"multipleBirthInteger\":1,\"name\":[ {\"family\":\"\\u0058\",\"given\":[\"a\",\"b\"]}]}",
        "{\"resourceType\":\"Patient\",\"id\":\"a\",\"meta\":{\"versionId\":\"77\",\"lastUpdated\":"
        "\"2001-01-01T00:00:00Z\"},\"active\":true,\"multipleBirthInteger\":1,"
        "\"name\":[{\"family\":\"X\",\"given\":[\"a\",\"b\"]}]}",
    };
    reply first = update("Patient", "a", same[0]);
    expect_status(first, FHIRSTORE_CREATED);
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        reply again = update("Patient", "a", same[i]);
        expect_status(again, FHIRSTORE_OK);
        ck_assert_int_eq(fhirstore_response_version(again.response), 1);
        ck_assert_str_eq(again.body, first.body);
        ck_assert_int_eq(fhirstore_response_updated_us(again.response),
                         fhirstore_response_updated_us(first.response));
        ck_assert_str_eq(before, state_of_store());
    }
    ck_assert_str_eq(update("Patient", "a", first.body).body, first.body);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

/* Each of these says something else than the one before. */
START_TEST(the_smallest_change_is_a_version)
{
    static const char *const different[] = {
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":"
        "\"x\"},\"valueQuantity\":{\"value\":1.0}}",
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":"
        "\"x\"},\"valueQuantity\":{\"value\":1.00}}",
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":"
        "\"x\"},\"valueQuantity\":{\"value\":1}}",
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":"
        "\"x\"},\"valueQuantity\":{\"value\":1e0}}",
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":"
        "\"x \"},\"valueQuantity\":{\"value\":1e0}}",
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"meta\":{\"tag\":[{\"code\":\"t\"}]},"
        "\"status\":\"final\",\"code\":{\"text\":\"x \"},\"valueQuantity\":{\"value\":1e0}}",
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"meta\":{\"tag\":[{\"code\":\"t\"},"
        "{\"code\":\"u\"}]},\"status\":\"final\",\"code\":{\"text\":\"x \"}}",
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"meta\":{\"tag\":[{\"code\":\"u\"},"
        "{\"code\":\"t\"}]},\"status\":\"final\",\"code\":{\"text\":\"x \"}}",
    };
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
        reply answer = update("Observation", "o", different[i]);
        expect_status(answer, i == 0 ? FHIRSTORE_CREATED : FHIRSTORE_OK);
        ck_assert_int_eq(fhirstore_response_version(answer.response), (int64_t)i + 1);
    }
    ck_assert(strstr(vread("Observation", "o", 2).body, "\"value\":1.00}") != NULL);
    expect_sound(store);
}
END_TEST

START_TEST(an_update_creates_what_is_not_there)
{
    reply answer = update("Patient", "A-b.9", "{\"resourceType\":\"Patient\",\"id\":\"A-b.9\"}");
    expect_status(answer, FHIRSTORE_CREATED);
    expect_http(answer, 201);
    ck_assert_str_eq(id_of(&answer), "A-b.9");
    expect_status(read_one("Patient", "a-b.9"), FHIRSTORE_ERR_NOT_FOUND);
    expect_status(read_one("Practitioner", "A-b.9"), FHIRSTORE_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_deleted_resource_goes_on_where_it_ended)
{
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    reply gone = delete_one("Patient", "a");
    expect_status(gone, FHIRSTORE_NO_CONTENT);
    expect_http(gone, 204);
    ck_assert_uint_eq(gone.body_len, 0);
    ck_assert_int_eq(fhirstore_response_version(gone.response), 2);
    reply answer = read_one("Patient", "a");
    expect_refusal(&answer, FHIRSTORE_ERR_DELETED, "deleted", NULL);
    ck_assert_int_eq(answer.http, 410);
    answer = vread("Patient", "a", 2);
    expect_refusal(&answer, FHIRSTORE_ERR_DELETED, "deleted", NULL);
    expect_status(vread("Patient", "a", 1), FHIRSTORE_OK);
    ck_assert_int_eq(count_of("Patient", ""), 0);
    reply back = update("Patient", "a", PATIENT_A);
    expect_status(back, FHIRSTORE_CREATED);
    expect_http(back, 201);
    ck_assert_int_eq(fhirstore_response_version(back.response), 3);
    expect_status(read_one("Patient", "a"), FHIRSTORE_OK);
    ck_assert_int_eq(count_of("Patient", "active=true"), 1);
    expect_sound(store);
}
END_TEST

START_TEST(deleting_what_is_not_there_is_no_failure)
{
    const char *before = state_of_store();
    reply answer = delete_one("Patient", "never");
    expect_status(answer, FHIRSTORE_NO_CONTENT);
    expect_http(answer, 204);
    ck_assert_str_eq(before, state_of_store());
    expect_status(read_one("Patient", "never"), FHIRSTORE_ERR_NOT_FOUND);
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    before = state_of_store();
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(unknown_and_deleted_are_told_apart)
{
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    /* Referenced, but never stored. */
    expect_status(
        update("Observation", "o",
               "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\","
               "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/ghost\"}}"),
        FHIRSTORE_CREATED);
    reply answer = read_one("Patient", "ghost");
    expect_refusal(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL);
    ck_assert_int_eq(ask("GET", "Patient/a", NULL, NULL).http, 410);
    ck_assert_int_eq(ask("GET", "Patient/ghost", NULL, NULL).http, 404);
    ck_assert_int_eq(ask("GET", "Patient/a/_history/1", NULL, NULL).http, 200);
    ck_assert_int_eq(ask("GET", "Patient/a/_history/2", NULL, NULL).http, 410);
    ck_assert_int_eq(ask("GET", "Patient/a/_history/3", NULL, NULL).http, 404);
}
END_TEST

START_TEST(a_condition_on_the_version_holds_or_refuses)
{
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    expect_status(update_if("Patient", "a", PATIENT_B, 1), FHIRSTORE_OK);
    const char *before = state_of_store();
    reply answer = update_if("Patient", "a", PATIENT_A, 1);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    ck_assert_int_eq(answer.http, 412);
    answer = delete_if("Patient", "a", 1);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = update_if("Patient", "a", PATIENT_A, 3);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = update_if("Patient", "new", "{\"resourceType\":\"Patient\",\"id\":\"new\"}", 1);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = delete_if("Patient", "new", 1);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = update_if("Patient", "a", PATIENT_A, -1);
    expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_ARG, "exception", NULL, before);
    expect_status(delete_if("Patient", "a", 2), FHIRSTORE_NO_CONTENT);
    before = state_of_store();
    answer = update_if("Patient", "a", PATIENT_A, 2);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = update_if("Patient", "a", PATIENT_A, 3);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
}
END_TEST

START_TEST(ids_are_what_fhir_calls_ids)
{
    static const char *const bad[] = {
        "a_b",
        "a b",
        "",
        "a/b",
        "\xc3\xa4",
        "a%20",
        "0123456789012345678901234567890123456789012345678901234567890123x",
    };
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char body[256];
        (void)snprintf(body, sizeof body, "{\"resourceType\":\"Patient\",\"id\":\"%s\"}", bad[i]);
        reply answer = update("Patient", bad[i], body);
        expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "value", NULL, before);
        ck_assert(strstr(text_at(&answer, "issue.0.expression.0"), ".id") != NULL);
        answer = update("Patient", bad[i], "{\"resourceType\":\"Patient\",\"id\":\"good\"}");
        expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "value", "Resource.id", before);
        answer = delete_one("Patient", bad[i]);
        expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "value", "Resource.id", before);
        answer = read_one("Patient", bad[i]);
        expect_no_trace(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL, before);
    }
    char longest[65];
    char body[128];
    memset(longest, 'z', 64);
    longest[64] = '\0';
    (void)snprintf(body, sizeof body, "{\"resourceType\":\"Patient\",\"id\":\"%s\"}", longest);
    reply answer = update("Patient", longest, body);
    expect_status(answer, FHIRSTORE_CREATED);
    ck_assert_str_eq(id_of(&answer), longest);
}
END_TEST

START_TEST(body_and_address_agree_on_the_id)
{
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    const char *before = state_of_store();
    reply answer = update("Patient", "b", PATIENT_A);
    expect_no_trace(&answer, FHIRSTORE_ERR_ID_MISMATCH, "invalid", "Resource.id", before);
    ck_assert_int_eq(answer.http, 400);
    answer = update("Patient", "b", "{\"resourceType\":\"Patient\"}");
    expect_no_trace(&answer, FHIRSTORE_ERR_ID_MISMATCH, "invalid", "Resource.id", before);
    answer = ask("PUT", "Patient/b", NULL, PATIENT_A);
    expect_no_trace(&answer, FHIRSTORE_ERR_ID_MISMATCH, "invalid", "Resource.id", before);
    answer = update("Practitioner", "a", PATIENT_A);
    expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "invalid", "resourceType", before);
    answer = create("Practitioner", PATIENT_A);
    expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "invalid", "resourceType", before);
    answer = create("Nonsense", PATIENT_A);
    expect_no_trace(&answer, FHIRSTORE_ERR_UNKNOWN_TYPE, "not-supported", NULL, before);
    answer = create("DomainResource", PATIENT_A);
    expect_no_trace(&answer, FHIRSTORE_ERR_UNKNOWN_TYPE, "not-supported", NULL, before);
    answer = create("HumanName", PATIENT_A);
    expect_no_trace(&answer, FHIRSTORE_ERR_UNKNOWN_TYPE, "not-supported", NULL, before);
    answer = create("", PATIENT_A);
    expect_no_trace(&answer, FHIRSTORE_ERR_UNKNOWN_TYPE, "not-supported", NULL, before);
}
END_TEST

/* ---- the clock ---- */

START_TEST(stamps_never_fall_back_and_have_microseconds)
{
    clock_us = INT64_C(1700000000123456);
    reply one = create("Patient", "{\"resourceType\":\"Patient\"}");
    ck_assert_int_eq(fhirstore_response_updated_us(one.response), clock_us);
    expect_text(one, "meta.lastUpdated", "2023-11-14T22:13:20.123456Z");
    clock_us -= 3600 * SECOND;
    reply two = create("Patient", "{\"resourceType\":\"Patient\"}");
    reply three = create("Patient", "{\"resourceType\":\"Patient\"}");
    ck_assert_int_gt(fhirstore_response_updated_us(two.response),
                     fhirstore_response_updated_us(one.response));
    ck_assert_int_gt(fhirstore_response_updated_us(three.response),
                     fhirstore_response_updated_us(two.response));
    ck_assert_int_lt(fhirstore_response_updated_us(three.response),
                     fhirstore_response_updated_us(one.response) + SECOND);
    clock_us = INT64_C(1700000100000000);
    reply later = create("Patient", "{\"resourceType\":\"Patient\"}");
    ck_assert_int_eq(fhirstore_response_updated_us(later.response), clock_us);
    expect_text(later, "meta.lastUpdated", "2023-11-14T22:15:00.000Z");
}
END_TEST

START_TEST(stamps_go_on_after_reopening_with_an_older_clock)
{
    reply one = create("Patient", "{\"resourceType\":\"Patient\"}");
    int64_t before = fhirstore_response_updated_us(one.response);
    fhirstore_session_close(session);
    fhirstore_close(store);
    fhirstore_open_options options = open_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    /* The system's clock is ahead of the test's: fine. */
    reply two = create("Patient", "{\"resourceType\":\"Patient\"}");
    ck_assert_int_gt(fhirstore_response_updated_us(two.response), before);
    expect_text(read_one("Patient", id_of(&two)), "meta.versionId", "1");
}
END_TEST

START_TEST(what_was_written_is_there_after_reopening)
{
    char *bodies[20];
    char ids[20][40];
    for (int i = 0; i < 20; i++) {
        reply answer = create("Patient", "{\"resourceType\":\"Patient\",\"active\":true}");
        (void)snprintf(ids[i], sizeof ids[i], "%s", id_of(&answer));
        bodies[i] = strdup(answer.body);
    }
    reopen_store();
    for (int i = 0; i < 20; i++) {
        ck_assert_str_eq(read_one("Patient", ids[i]).body, bodies[i]);
        free(bodies[i]);
    }
    ck_assert_int_eq(count_of("Patient", "active=true"), 20);
    expect_sound(store);
}
END_TEST

START_TEST(null_arguments_are_refused)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    ck_assert_int_eq(fhirstore_read(session, "Patient", 7, "a", 1, NULL, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_read(NULL, "Patient", 7, "a", 1, &response, &error),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_ptr_null(response);
    ck_assert_ptr_nonnull(error);
    fhirstore_error_free(error);
    ck_assert_int_eq(fhirstore_read(session, NULL, 7, "a", 1, &response, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_read(session, "Patient", 7, NULL, 1, &response, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_create(session, "Patient", 7, NULL, 3, &response, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_create(session, "Patient", 7, NULL, 0, &response, NULL),
                     FHIRSTORE_ERR_JSON);
    /* Without a place for the reason nothing leaks and nothing crashes. */
    ck_assert_int_eq(fhirstore_create(session, "Patient", 7, "{", 1, &response, NULL),
                     FHIRSTORE_ERR_JSON);
    ck_assert_int_eq(fhirstore_create(session, "Patient", 7, "{}", 2, &response, NULL),
                     FHIRSTORE_ERR_INVALID_RESOURCE);
    ck_assert_int_eq(fhirstore_history(session, "", 0, "a", 1, "", 0, &response, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("crud", setup_store, the_store_chooses_the_id_of_what_is_created,
              versions_count_one_two_three, an_unchanged_update_keeps_the_version,
              the_smallest_change_is_a_version, an_update_creates_what_is_not_there,
              a_deleted_resource_goes_on_where_it_ended, deleting_what_is_not_there_is_no_failure,
              unknown_and_deleted_are_told_apart, a_condition_on_the_version_holds_or_refuses,
              ids_are_what_fhir_calls_ids, body_and_address_agree_on_the_id,
              what_was_written_is_there_after_reopening, null_arguments_are_refused),
        GROUP("clock", setup_clocked_store, stamps_never_fall_back_and_have_microseconds,
              stamps_go_on_after_reopening_with_an_older_clock),
    };
    return run_groups("crud", groups, sizeof groups / sizeof groups[0]);
}
