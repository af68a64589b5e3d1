/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Referential integrity: what is written refers to what is there, what is deleted is referred to by
 * nothing, and _cascade takes along what refers to it.
 */
#include <pthread.h>
#include <stdio.h>

#include "harness.h"

#define OBSERVATION(id, subject)                     \
    "{\"resourceType\":\"Observation\",\"id\":\"" id \
    "\",\"status\":\"final\",\"code\":{\"text\":\""  \
    "x\"},\"subject\":{\"reference\":\"" subject "\"}}"
#define PATIENT(id) "{\"resourceType\":\"Patient\",\"id\":\"" id "\"}"
#define MISSING     "refers to a resource that is not in the store"
#define REFERRED    "other resources in the store refer to the resource"

static void open_with(int32_t integrity)
{
    fhirstore_open_options options = open_options();
    options.integrity = integrity;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "tester");
}

static void setup_on_write(void)
{
    setup_folder();
    open_with(FHIRSTORE_INTEGRITY_ON_WRITE);
}

static void setup_cascade(void)
{
    setup_folder();
    open_with(FHIRSTORE_INTEGRITY_CASCADE);
}

static void put(const char *url, const char *body)
{
    const reply answer = ask("PUT", url, NULL, body);
    ck_assert_msg(answer.http < 300, "%s: %s", url, answer.body);
}

/* 409, in these words, at this place, and nothing has changed. */
static void expect_conflict(const reply *answer, const char *text, const char *place,
                            const char *before)
{
    expect_http(*answer, 409);
    expect_text(*answer, "issue.0.code", "conflict");
    ck_assert_msg(has_text(answer, text), "%s", answer->body);
    if (place != NULL) {
        expect_text(*answer, "issue.0.expression.0", place);
    }
    ck_assert_str_eq(state_of_store(), before);
}

/* ---- targets ---- */

START_TEST(a_target_has_to_be_there)
{
    put("Patient/p", PATIENT("p"));
    const char *before = state_of_store();
    reply answer = ask("PUT", "Observation/o", NULL, OBSERVATION("o", "Patient/none"));
    expect_conflict(&answer, "subject " MISSING, "Observation.subject", before);
    answer = ask("POST", "Observation", NULL,
                 OBSERVATION("o", "http://localhost/fhir/Patient/none"));
    expect_conflict(&answer, MISSING, "Observation.subject", before);
    answer = create("Observation", OBSERVATION("o", "Patient/none/_history/1"));
    expect_status(answer, FHIRSTORE_ERR_CONFLICT);
    /* Also where no search parameter looks: in extensions, in what is contained. */
    answer = ask("POST", "Patient", NULL,
                 "{\"resourceType\":\"Patient\",\"extension\":[{\"url\":\"u\",\"valueReference\":{"
                 "\"reference\":\"Organization/none\"}}],\"contact\":[{\"organization\":{"
                 "\"reference\":\"Organization/none\"}}]}");
    expect_conflict(&answer, MISSING, "Patient.extension[0].value", before);
    expect_text(answer, "issue.1.expression.0", "Patient.contact[0].organization");
    answer = ask(
        "POST", "Patient", NULL,
        "{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Patient\",\"id\":"
        "\"c\",\"managingOrganization\":{\"reference\":\"Organization/none\"}}],\"link\":[{"
        "\"other\":{\"reference\":\"#c\"},\"type\":\"seealso\"}]}");
    expect_conflict(&answer, MISSING, "Patient.contained[0].managingOrganization", before);
    expect_http(ask("PATCH", "Patient/p", "Content-Type: application/merge-patch+json",
                    "{\"managingOrganization\":{\"reference\":\"Organization/none\"}}"),
                409);
    ck_assert_str_eq(state_of_store(), before);
    expect_sound(store);
}
END_TEST

START_TEST(what_is_no_local_reference_is_left_alone)
{
    put("Patient/p", PATIENT("p"));
    put("Observation/o", OBSERVATION("o", "Patient/p"));
    put("Observation/e", OBSERVATION("e", "http://elsewhere.org/fhir/Patient/none"));
    put("Observation/u", OBSERVATION("u", "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"));
    put("Patient/self", "{\"resourceType\":\"Patient\",\"id\":\"self\",\"link\":[{\"other\":{"
                        "\"reference\":\"Patient/self\"},\"type\":\"seealso\"}]}");
    put("Patient/i", "{\"resourceType\":\"Patient\",\"id\":\"i\",\"managingOrganization\":{"
                     "\"identifier\":{\"value\":\"1\"},\"display\":\"o\"}}");
    /* The resources of a document are its own. */
    put("Bundle/b", "{\"resourceType\":\"Bundle\",\"id\":\"b\",\"type\":\"collection\",\"entry\":[{"
                    "\"resource\":" OBSERVATION("x", "Patient/none") "}]}");
}
END_TEST

START_TEST(deleted_is_not_there)
{
    put("Patient/p", PATIENT("p"));
    expect_http(ask("DELETE", "Patient/p", NULL, NULL), 204);
    const char *before = state_of_store();
    const reply answer = ask("PUT", "Observation/o", NULL, OBSERVATION("o", "Patient/p"));
    expect_conflict(&answer, MISSING, "Observation.subject", before);
}
END_TEST

/* ---- transactions ---- */

#define ENTRY(method, url, full, resource)                                                  \
    "{\"fullUrl\":\"" full "\",\"resource\":" resource ",\"request\":{\"method\":\"" method \
    "\",\"url\":\"" url "\"}}"
#define REMOVE(url) "{\"request\":{\"method\":\"DELETE\",\"url\":\"" url "\"}}"
#define TRANSACTION(entries) \
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" entries "]}"
#define UUID "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"

START_TEST(a_transaction_may_refer_to_what_it_creates_in_any_order)
{
    /* clang-format off */
    expect_http(ask("POST", "", NULL, TRANSACTION(
        ENTRY("PUT", "Observation/o", "http://localhost/fhir/Observation/o", OBSERVATION("o",
              "Patient/p")) ","
        ENTRY("POST", "Observation", "urn:uuid:3e2a7c94-1fbb-4b5e-9c2f-0a1d2b3c4d5e",
              OBSERVATION("x", UUID)) ","
        ENTRY("PUT", "Patient/p", "http://localhost/fhir/Patient/p", PATIENT("p")) ","
        ENTRY("POST", "Patient", UUID, "{\"resourceType\":\"Patient\"}"))), 200);
    /* clang-format on */
    ck_assert_int_eq(count_of("Observation", ""), 2);
    /* And take away what refers together with what is referred to, in any order. */
    expect_http(ask("POST", "", NULL, TRANSACTION(REMOVE("Patient/p") "," REMOVE("Observation/o"))),
                200);
    expect_sound(store);
}
END_TEST

START_TEST(a_transaction_that_leaves_something_dangling_is_refused_as_a_whole)
{
    put("Patient/p", PATIENT("p"));
    put("Patient/q", PATIENT("q"));
    put("Observation/o", OBSERVATION("o", "Patient/p"));
    const char *before = state_of_store();
    reply answer = ask(
        "POST", "", NULL,
        TRANSACTION(
            ENTRY("PUT", "Observation/n", "urn:uuid:3e2a7c94-1fbb-4b5e-9c2f-0a1d2b3c4d5e",
                  OBSERVATION(
                      "n", "Patient/q")) "," ENTRY("PUT", "Observation/m",
                                                   "urn:uuid:3e2a7c94-1fbb-4b5e-9c2f-0a1d2b3c4d5f",
                                                   OBSERVATION("m", "Patient/none"))));
    expect_conflict(&answer, MISSING, "Bundle.entry[1].resource.subject", before);
    answer = ask("POST", "", NULL, TRANSACTION(REMOVE("Patient/q") "," REMOVE("Patient/p")));
    expect_conflict(&answer, REFERRED, "Bundle.entry[1]", before);
    /* One that the transaction itself refers to, and removes. */
    answer = ask("POST", "", NULL,
                 TRANSACTION(REMOVE("Patient/q") "," ENTRY(
                     "PUT", "Observation/n", "urn:uuid:3e2a7c94-1fbb-4b5e-9c2f-0a1d2b3c4d5e",
                     OBSERVATION("n", "Patient/q"))));
    expect_conflict(&answer, REFERRED, "Bundle.entry[0]", before);
    /* The reference goes away with the same transaction. */
    /* clang-format off */
    expect_http(ask("POST", "", NULL, TRANSACTION(
        REMOVE("Patient/p") ","
        ENTRY("PUT", "Observation/o", "http://localhost/fhir/Observation/o", OBSERVATION("o",
              "Patient/q")))), 200);
    /* clang-format on */
    /* The entries of a batch stand for themselves. */
    answer = ask("POST", "", NULL,
                 "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[" REMOVE(
                     "Patient/q") "," REMOVE("Observation/o") "]}");
    expect_http(answer, 200);
    ck_assert_int_eq(strncmp(text_at(&answer, "entry.0.response.status"), "409", 3), 0);
    ck_assert_int_eq(strncmp(text_at(&answer, "entry.1.response.status"), "204", 3), 0);
}
END_TEST

/* ---- deletions ---- */

START_TEST(what_is_referred_to_stays)
{
    put("Patient/p", PATIENT("p"));
    put("Observation/o", OBSERVATION("o", "Patient/p"));
    const char *before = state_of_store();
    reply answer = ask("DELETE", "Patient/p", NULL, NULL);
    expect_conflict(&answer, REFERRED, NULL, before);
    answer = ask("DELETE", "Patient?_id=p", NULL, NULL);
    expect_conflict(&answer, REFERRED, NULL, before);
    answer = ask("DELETE", "Patient/p?_hardDelete=true", NULL, NULL);
    expect_conflict(&answer, REFERRED, NULL, before);
    answer = delete_one("Patient", "p");
    expect_status(answer, FHIRSTORE_ERR_CONFLICT);
    answer = ask("GET", "Patient/p/$validate?mode=delete", NULL, NULL);
    expect_http(answer, 200);
    expect_text(answer, "issue.0.code", "conflict");
    answer = ask("DELETE", "Patient/p?_cascade=delete", NULL, NULL);
    expect_http(answer, 400);
    ck_assert_str_eq(state_of_store(), before);
    expect_http(ask("DELETE", "Observation/o", NULL, NULL), 204);
    expect_http(ask("DELETE", "Patient/p", NULL, NULL), 204);
    expect_http(ask("DELETE", "Patient/p", NULL, NULL), 204);
}
END_TEST

START_TEST(a_store_without_it_does_not_look)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    open_with(FHIRSTORE_INTEGRITY_OFF);
    put("Observation/o", OBSERVATION("o", "Patient/none"));
    put("Patient/p", PATIENT("p"));
    put("Observation/o", OBSERVATION("o", "Patient/p"));
    expect_http(ask("DELETE", "Patient/p?_cascade=delete", NULL, NULL), 400);
    expect_http(ask("DELETE", "Patient/p", NULL, NULL), 204);
}
END_TEST

START_TEST(a_cascade_takes_along_what_refers)
{
    put("Patient/p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}");
    put("Patient/q", "{\"resourceType\":\"Patient\",\"id\":\"q\",\"link\":[{\"other\":{"
                     "\"reference\":\"Patient/p\"},\"type\":\"seealso\"}]}");
    put("Patient/p", "{\"resourceType\":\"Patient\",\"id\":\"p\",\"link\":[{\"other\":{"
                     "\"reference\":\"Patient/q\"},\"type\":\"seealso\"}]}");
    put("Observation/o", OBSERVATION("o", "Patient/q"));
    put("Observation/m",
        "{\"resourceType\":\"Observation\",\"id\":\"m\",\"status\":\"final\",\"code\":{\"text\":"
        "\"x\"},\"hasMember\":[{\"reference\":\"Observation/o\"}]}");
    put("Patient/apart", PATIENT("apart"));
    put("Observation/n", OBSERVATION("n", "Patient/apart"));
    const char *before = state_of_store();
    expect_http(ask("DELETE", "Patient/p?_cascade=remove", NULL, NULL), 400);
    expect_http(ask("DELETE", "Patient/p?_cascade=delete&_hardDelete=true", NULL, NULL), 400);
    expect_http(ask("DELETE", "Patient/p", NULL, NULL), 409);
    ck_assert_str_eq(state_of_store(), before);
    expect_http(ask("DELETE", "Patient/p?_cascade=delete", NULL, NULL), 204);
    ck_assert_int_eq(count_of("Patient", ""), 1);
    ck_assert_int_eq(count_of("Observation", ""), 1);
    expect_http(ask("GET", "Observation/m", NULL, NULL), 410);
    /* With the typed call, by a condition, and in a transaction. */
    fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    put("Patient/typed", PATIENT("typed"));
    put("Observation/t", OBSERVATION("t", "Patient/typed"));
    options.flags = FHIRSTORE_WRITE_CASCADE | FHIRSTORE_WRITE_HARD;
    ck_assert_int_eq(
        fhirstore_delete(session, "Patient", 7, "typed", 5, &options, &response, &error),
        FHIRSTORE_ERR_QUERY);
    fhirstore_error_free(error);
    options.flags = FHIRSTORE_WRITE_CASCADE;
    ck_assert_int_eq(fhirstore_delete(session, "Patient", 7, "typed", 5, &options, &response, NULL),
                     FHIRSTORE_NO_CONTENT);
    fhirstore_response_free(response);
    expect_http(ask("GET", "Observation/t", NULL, NULL), 410);
    put("Observation/o", OBSERVATION("o", "Patient/apart"));
    expect_http(ask("DELETE", "Patient?_id=apart&_cascade=delete", NULL, NULL), 204);
    ck_assert_int_eq(count_of("Observation", ""), 0);
    put("Patient/p", PATIENT("p"));
    put("Observation/o", OBSERVATION("o", "Patient/p"));
    expect_http(ask("POST", "", NULL, TRANSACTION(REMOVE("Patient/p?_cascade=delete"))), 200);
    ck_assert_int_eq(count_of("Observation", ""), 0);
    put("Patient/p", PATIENT("p"));
    put("Observation/o", OBSERVATION("o", "Patient/p"));
    expect_http(ask("POST", "", NULL, TRANSACTION(REMOVE("Patient?_id=p&_cascade=delete"))), 200);
    ck_assert_int_eq(count_of("Observation", ""), 0);
    expect_sound(store);
}
END_TEST

/* ---- who may ---- */

static fhirstore_session *enter_as(const char *claims)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *opened = NULL;
    ck_assert_int_eq(fhirstore_set_policy(store, NULL, 0, NULL), FHIRSTORE_OK);
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &opened, NULL), FHIRSTORE_OK);
    return opened;
}

static reply send(fhirstore_session *with, const char *method, const char *url, const char *body)
{
    return ask_bytes(with, method, url, NULL, body, body == NULL ? 0 : strlen(body));
}

START_TEST(what_is_hidden_is_answered_as_what_is_absent)
{
    put("Patient/A", PATIENT("A"));
    put("Patient/B", PATIENT("B"));
    put("Organization/o", "{\"resourceType\":\"Organization\",\"id\":\"o\"}");
    fhirstore_session *within = enter_as(
        "{\"id\":\"app\",\"scope\":\"patient/*.cruds\",\"patient\":\"A\"}");
    const char *before = state_of_store();
    static const char format[] = "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{"
                                 "\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/A\"},"
                                 "\"performer\":[{\"reference\":\"%s\"}]}";
    static const char *const pairs[][2] = {{"Patient/B", "Patient/none"},
                                           {"Organization/o", "Organization/none"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char body[512];
        (void)snprintf(body, sizeof body, format, pairs[i][0]);
        const reply hidden = send(within, "POST", "Observation", body);
        (void)snprintf(body, sizeof body, format, pairs[i][1]);
        const reply absent = send(within, "POST", "Observation", body);
        expect_http(hidden, 409);
        ck_assert_str_eq(hidden.body, absent.body);
    }
    ck_assert_str_eq(state_of_store(), before);
    expect_http(send(within, "POST", "Observation", OBSERVATION("x", "Patient/A")), 201);
    fhirstore_session_close(within);
}
END_TEST

START_TEST(a_reference_that_is_there_already_may_stay)
{
    put("Patient/A", PATIENT("A"));
    put("Patient/B", PATIENT("B"));
    put("Observation/o", "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\","
                         "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/A\"},"
                         "\"performer\":[{\"reference\":\"Patient/B\"}]}");
    fhirstore_session *within = enter_as(
        "{\"id\":\"app\",\"scope\":\"patient/*.cruds\",\"patient\":\"A\"}");
    /* B is hidden; who changes the rest may leave it, but not bring it in elsewhere. */
    static const char format[] = "{\"resourceType\":\"Observation\",\"id\":\"%s\",\"status\":"
                                 "\"amended\",\"code\":{\"text\":\"y\"},\"subject\":{\"reference\":"
                                 "\"Patient/A\"},\"performer\":[{\"reference\":\"Patient/B\"}]}";
    char body[512];
    (void)snprintf(body, sizeof body, format, "o");
    expect_http(send(within, "PUT", "Observation/o", body), 200);
    (void)snprintf(body, sizeof body, format, "n");
    expect_http(send(within, "POST", "Observation", body), 409);
    fhirstore_session_close(within);
    /* What dangled before integrity was asked for may dangle on. */
    fhirstore_session_close(session);
    fhirstore_close(store);
    open_with(FHIRSTORE_INTEGRITY_OFF);
    put("Observation/d", OBSERVATION("d", "Patient/none"));
    fhirstore_session_close(session);
    fhirstore_close(store);
    open_with(FHIRSTORE_INTEGRITY_ON_WRITE);
    expect_http(ask("PATCH", "Observation/d", "Content-Type: application/merge-patch+json",
                    "{\"status\":\"amended\"}"),
                200);
    expect_http(ask("PATCH", "Observation/d", "Content-Type: application/merge-patch+json",
                    "{\"subject\":{\"reference\":\"Patient/other\"}}"),
                409);
}
END_TEST

START_TEST(a_hidden_referrer_is_told_like_any_other)
{
    put("Patient/A", PATIENT("A"));
    put("Patient/B", PATIENT("B"));
    put("Observation/o", OBSERVATION("o", "Patient/A"));
    put("Observation/s",
        "{\"resourceType\":\"Observation\",\"id\":\"s\",\"status\":\"final\",\"code\":{\"text\":"
        "\"secret\"},\"subject\":{\"reference\":\"Patient/B\"},\"hasMember\":[{\"reference\":"
        "\"Observation/o\"}]}");
    fhirstore_session *within = enter_as(
        "{\"id\":\"app\",\"scope\":\"patient/*.cruds\",\"patient\":\"A\"}");
    const char *before = state_of_store();
    const reply hidden = send(within, "DELETE", "Observation/o", NULL);
    expect_http(hidden, 409);
    const reply seen = send(within, "DELETE", "Patient/A", NULL);
    ck_assert_str_eq(hidden.body, seen.body);
    /* It cannot be taken along either, and says no more. */
    const reply along = send(within, "DELETE", "Observation/o?_cascade=delete", NULL);
    expect_http(along, 409);
    ck_assert_str_eq(along.body, hidden.body);
    ck_assert_str_eq(state_of_store(), before);
    fhirstore_session_close(within);
}
END_TEST

/* ---- recorded ---- */

static char heard[1024];

static fhirstore_status hear(void *ctx, const fhirstore_audit_event *event)
{
    size_t at = strlen(heard);
    (void)ctx;
    if (event->action == FHIRSTORE_ACTION_DELETE) {
        (void)snprintf(heard + at, sizeof heard - at, "%s/%s:%s ", event->type, event->id,
                       event->outcome < FHIRSTORE_OK ? "no" : "yes");
    }
    return FHIRSTORE_OK;
}

START_TEST(each_deletion_of_a_cascade_is_recorded)
{
    put("Patient/p", PATIENT("p"));
    put("Observation/o", OBSERVATION("o", "Patient/p"));
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .record = hear};
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    heard[0] = '\0';
    expect_http(ask("DELETE", "Patient/p?_cascade=delete", NULL, NULL), 204);
    ck_assert_str_eq(heard, "Observation/o:yes Patient/p:yes ");
}
END_TEST

/* ---- at once ---- */

static void *delete_patient(void *ctx)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_session *own = ctx;
    fhirstore_status status = fhirstore_delete(own, "Patient", 7, "p", 1, NULL, &response, &error);
    fhirstore_response_free(response);
    fhirstore_error_free(error);
    return (void *)(intptr_t)status;
}

START_TEST(a_reference_and_a_deletion_at_once_never_both_win)
{
    for (int i = 0; i < 20; i++) {
        put("Patient/p", PATIENT("p"));
        fhirstore_session *own = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "other");
        pthread_t thread;
        void *result = NULL;
        ck_assert_int_eq(pthread_create(&thread, NULL, delete_patient, own), 0);
        const reply answer = ask("PUT", "Observation/o", NULL, OBSERVATION("o", "Patient/p"));
        ck_assert_int_eq(pthread_join(thread, &result), 0);
        const bool is_deleted = (intptr_t)result >= FHIRSTORE_OK;
        ck_assert_int_eq(answer.http < 300, !is_deleted);
        ck_assert_msg(answer.http < 300 || answer.http == 409, "%s", answer.body);
        expect_http(ask("DELETE", "Observation/o", NULL, NULL), 204);
        fhirstore_session_close(own);
        forget_replies();
    }
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("on write", setup_on_write, a_target_has_to_be_there,
              what_is_no_local_reference_is_left_alone, deleted_is_not_there,
              a_transaction_may_refer_to_what_it_creates_in_any_order,
              a_transaction_that_leaves_something_dangling_is_refused_as_a_whole,
              what_is_referred_to_stays, a_store_without_it_does_not_look,
              what_is_hidden_is_answered_as_what_is_absent,
              a_reference_that_is_there_already_may_stay,
              a_reference_and_a_deletion_at_once_never_both_win),
        GROUP("cascade", setup_cascade, a_cascade_takes_along_what_refers,
              a_hidden_referrer_is_told_like_any_other, each_deletion_of_a_cascade_is_recorded),
    };
    return run_groups("integrity", groups, sizeof groups / sizeof *groups);
}
