/* SPDX-License-Identifier: Apache-2.0 */
/* What goes for good: hard deletion, old versions, types of which none are kept. */
#include <stdio.h>

#include "harness.h"

#define BASE INT64_C(1700000000)

static void at(int64_t seconds)
{
    clock_us = (BASE + seconds) * SECOND;
}

static void put_word(const char *id, const char *word)
{
    char body[256];
    (void)snprintf(body, sizeof body,
                   "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"name\":[{\"family\":\"%s\"}]}",
                   id, word);
    ck_assert_int_ge(update("Patient", id, body).status, FHIRSTORE_OK);
}

static void write_index(void)
{
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
}

/* Patient/a: Apple, Pear, deleted, Plum; Patient/b: Apple; Observation/o is about Patient/a. */
static void fill(void)
{
    at(0);
    put_word("a", "Apple");
    at(1);
    put_word("a", "Pear");
    at(2);
    put_word("b", "Apple");
    expect_status(update("Observation", "o",
                         "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\","
                         "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/a\"}}"),
                  FHIRSTORE_CREATED);
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    at(3);
    put_word("a", "Plum");
    at(10);
}

static int total_of(const char *url)
{
    reply page = ask("GET", url, NULL, NULL);
    expect_http(page, 200);
    return atoi(text_at(&page, "total"));
}

static void expect_gone(void)
{
    expect_http(ask("GET", "Patient/a", NULL, NULL), 404);
    expect_http(ask("GET", "Patient/a/_history", NULL, NULL), 404);
    for (int version = 1; version <= 5; version++) {
        expect_status(vread("Patient", "a", version), FHIRSTORE_ERR_NOT_FOUND);
    }
    ck_assert_int_eq(total_of("_history?_count=0"), 2);
    ck_assert_int_eq(total_of("Patient/_history?_summary=count"), 1);
    ck_assert_int_eq(count_of("Patient", ""), 1);
    ck_assert_int_eq(count_of("Patient", "_content=plum OR pear"), 0);
    ck_assert_int_eq(count_of("Patient", "_content=apple"), 1);
    ck_assert_int_eq(count_of("Patient", "name=plum"), 0);
    /* Who referred to it still does. */
    ck_assert_int_eq(count_of("Observation", "subject=Patient/a"), 1);
    ck_assert_int_eq(count_of("Observation", "subject:Patient.name=plum"), 0);
    expect_text(read_one("Observation", "o"), "subject.reference", "Patient/a");
    expect_sound(store);
}

START_TEST(a_hard_deletion_leaves_nothing)
{
    fill();
    if (_i > 0) {
        write_index();
    }
    reply answer = ask("DELETE", "Patient/a?_hardDelete=true", NULL, NULL);
    expect_http(answer, 204);
    ck_assert_ptr_null(header_of(&answer, "ETag"));
    expect_gone();
    write_index();
    expect_gone();
    expect_http(ask("DELETE", "Patient/a?_hardDelete=true", NULL, NULL), 204);
    reopen_store();
    put_word("a", "Quince"); /* as if it had never been there */
    reply read = read_one("Patient", "a");
    expect_text(read, "meta.versionId", "1");
    reply newest = ask("GET", "_history?_count=1", NULL, NULL);
    expect_text(newest, "entry.0.resource.id", "a");
    expect_text(newest, "entry.0.response.status", "201");
    expect_sound(store);
}
END_TEST

START_TEST(the_newest_version_may_go)
{
    fill();
    reply last = read_one("Patient", "a");
    char before[64];
    (void)snprintf(before, sizeof before, "%s", text_at(&last, "meta.lastUpdated"));
    expect_http(ask("DELETE", "Patient/a?_hardDelete=true", NULL, NULL), 204);
    at(0); /* stamps do not fall behind what is gone, also after opening again */
    reopen_store();
    put_word("c", "Fig");
    reply stored = read_one("Patient", "c");
    ck_assert_int_gt(strcmp(text_at(&stored, "meta.lastUpdated"), before), 0);
    ck_assert_int_eq(total_of("_history?_count=0"), 3);
    expect_sound(store);
}
END_TEST

START_TEST(a_deleted_resource_can_go_as_well)
{
    fill();
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    expect_http(ask("GET", "Patient/a", NULL, NULL), 410);
    fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
    fhirstore_response *response;
    fhirstore_error *error;
    options.flags = FHIRSTORE_WRITE_HARD;
    fhirstore_status status = fhirstore_delete(session, FHIRSTORE_LIT("Patient"),
                                               FHIRSTORE_LIT("a"), &options, &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_NO_CONTENT);
    expect_gone();
}
END_TEST

START_TEST(by_condition_and_in_bundles)
{
    fill();
    expect_http(ask("DELETE", "Patient?name=plum&_hardDelete=true", NULL, NULL), 204);
    expect_gone();
    put_word("d", "Date");
    put_word("e", "Date");
    expect_http(ask("DELETE", "Patient?_hardDelete=true&name=date", NULL, NULL), 412);
    expect_http(ask("DELETE", "Patient?name=date&hardDelete=true&_count=5", NULL, NULL), 204);
    expect_http(ask("GET", "Patient/d", NULL, NULL), 404);
    expect_http(ask("GET", "Patient/e", NULL, NULL), 404);
    static const char *const types[] = {"batch", "transaction"};
    for (int i = 0; i < 2; i++) {
        char bundle[512];
        put_word("f", "Fig");
        put_word("g", "Grape");
        (void)snprintf(
            bundle, sizeof bundle,
            "{\"resourceType\":\"Bundle\",\"type\":\"%s\",\"entry\":["
            "{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/f?_hardDelete=true\"}},"
            "{\"request\":{\"method\":\"DELETE\",\"url\":"
            "\"Patient?name=grape&_hardDelete=true\"}}]}",
            types[i]);
        reply answer = ask("POST", "", NULL, bundle);
        expect_text(answer, "entry.0.response.status", "204 No Content");
        expect_text(answer, "entry.1.response.status", "204 No Content");
        expect_http(ask("GET", "Patient/f", NULL, NULL), 404);
        expect_http(ask("GET", "Patient/g", NULL, NULL), 404);
    }
    expect_sound(store);
}
END_TEST

START_TEST(what_is_refused_leaves_all)
{
    fill();
    const char *before = state_of_store();
    reply answer = ask("DELETE", "Patient/a?_hardDelete=yes", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PARAM_VALUE, "invalid", NULL, before);
    answer = ask("DELETE", "Patient/a?_hardDelete", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PARAM_VALUE, "invalid", NULL, before);
    answer = ask("DELETE", "Patient/a?_hardDelete=true", "If-Match: W/\"1\"", NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("DELETE", "Patient?_hardDelete=true", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_PRECONDITION, "conflict", NULL, before);
    answer = ask("POST", "", NULL,
                 "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
                 "{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/a?_hardDelete=true\"}},"
                 "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/a\"}}]}");
    expect_no_trace(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL, before);
    expect_sound(store);
    expect_http(ask("DELETE", "Patient/a?_hardDelete=true", "If-Match: W/\"4\"", NULL), 204);
    expect_gone();
}
END_TEST

/* ---- old versions alone ---- */

static reply purge_history(const char *type, const char *id)
{
    fhirstore_response *response;
    fhirstore_error *error;
    fhirstore_status status = fhirstore_purge_history(session, type, strlen(type), id, strlen(id),
                                                      &response, &error);
    return take_reply(status, response, error);
}

START_TEST(old_versions_can_go_alone)
{
    fill();
    if (_i == 1) {
        write_index();
    } else if (_i == 2) {
        /* An old version is the one in the index. */
        write_index();
        put_word("a", "Medlar");
    }
    const int version = _i == 2 ? 5 : 4;
    expect_status(purge_history("Patient", "a"), FHIRSTORE_NO_CONTENT);
    expect_sound(store);
    for (int v = 1; v < version; v++) {
        expect_status(vread("Patient", "a", v), FHIRSTORE_ERR_NOT_FOUND);
    }
    expect_status(vread("Patient", "a", version), FHIRSTORE_OK);
    ck_assert_int_eq(total_of("Patient/a/_history"), 1);
    ck_assert_int_eq(total_of("_history?_at=2023-11-14T22:13:21Z&_count=0"), 0);
    ck_assert_int_eq(count_of("Patient", "_content=pear"), 0);
    ck_assert_int_eq(count_of("Patient", _i == 2 ? "_content=plum" : "_content=medlar"), 0);
    ck_assert_int_eq(count_of("Patient", _i == 2 ? "_content=medlar" : "_content=plum"), 1);
    write_index();
    expect_sound(store);
    ck_assert_int_eq(count_of("Patient", _i == 2 ? "_content=medlar" : "_content=plum"), 1);
    put_word("a", "Cherry"); /* numbers go on */
    expect_text(read_one("Patient", "a"), "meta.versionId", version == 5 ? "6" : "5");
    ck_assert_int_eq(total_of("Patient/a/_history"), 2);
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    expect_status(purge_history("Patient", "a"), FHIRSTORE_NO_CONTENT);
    ck_assert_int_eq(total_of("Patient/a/_history"), 1); /* the deletion */
    expect_http(ask("GET", "Patient/a", NULL, NULL), 410);
    const char *before = state_of_store();
    expect_status(purge_history("Patient", "a"), FHIRSTORE_NO_CONTENT);
    reply answer = purge_history("Patient", "ghost");
    expect_no_trace(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL, before);
    expect_sound(store);
}
END_TEST

START_TEST(the_operation_does_the_same)
{
    fill();
    const char *before = state_of_store();
    reply answer = ask("GET", "Patient/a/$purge-history", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_METHOD, "not-supported", NULL, before);
    answer = ask("POST", "Patient/ghost/$purge-history", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL, before);
    answer = ask("POST", "Patient/$purge-history", NULL, NULL);
    expect_no_trace(&answer, FHIRSTORE_ERR_NOT_FOUND, "not-found", NULL, before);
    answer = ask("POST", "Patient/a/$purge-history", NULL, NULL);
    expect_http(answer, 204);
    ck_assert_uint_eq(answer.body_len, 0);
    ck_assert_int_eq(total_of("Patient/a/_history"), 1);
    expect_text(read_one("Patient", "a"), "meta.versionId", "4");
    expect_sound(store);
}
END_TEST

START_TEST(null_arguments_are_refused)
{
    fhirstore_response *response = NULL;
    ck_assert_int_eq(fhirstore_purge_history(NULL, "Patient", 7, "a", 1, &response, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_purge_history(session, NULL, 7, "a", 1, &response, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_purge_history(session, "Patient", 7, "a", 1, NULL, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    expect_status(purge_history("Nonsense", "a"), FHIRSTORE_ERR_UNKNOWN_TYPE);
}
END_TEST

/* ---- rights and records ---- */

static int32_t denied_action;

static fhirstore_status deny_one(void *ctx, const fhirstore_access_request *request,
                                 fhirstore_access_decision *decision)
{
    (void)ctx;
    decision->answer = request->action == denied_action ? FHIRSTORE_ACCESS_DENY
                                                        : FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

START_TEST(it_takes_both_rights)
{
    static const fhirstore_authorizer authorizer = {sizeof authorizer, 0, NULL, deny_one, NULL};
    static const int32_t needed[] = {FHIRSTORE_ACTION_HARD_DELETE, FHIRSTORE_ACTION_DELETE};
    fhirstore_session *mine = session;
    fill();
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    for (int i = 0; i < 2; i++) {
        const char *before = state_of_store();
        denied_action = needed[i];
        session = must_enter(store, 0, "Practitioner/1");
        reply answer = ask("DELETE", "Patient/a?_hardDelete=true", NULL, NULL);
        reply purged = purge_history("Patient", "a");
        fhirstore_session_close(session);
        session = mine;
        expect_no_trace(&answer, FHIRSTORE_ERR_DENIED, "forbidden", NULL, before);
        expect_no_trace(&purged, FHIRSTORE_ERR_DENIED, "forbidden", NULL, before);
    }
}
END_TEST

static int told_count;
static int64_t told_version;

static fhirstore_status take_event(void *ctx, const fhirstore_audit_event *event)
{
    (void)ctx;
    if (event->action == FHIRSTORE_ACTION_HARD_DELETE && event->outcome >= FHIRSTORE_OK &&
        strcmp(event->id, "a") == 0) {
        told_count++;
        told_version = event->version_before;
    }
    return FHIRSTORE_OK;
}

START_TEST(the_record_of_it_stays)
{
    static const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .record = take_event};
    fill();
    told_count = 0;
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    expect_http(ask("DELETE", "Patient/a?_hardDelete=true", NULL, NULL), 204);
    ck_assert_int_eq(told_count, 1);
    ck_assert_int_eq(told_version, 4);
    fhirstore_buf lines = {0};
    int64_t next = 0;
    ck_assert_int_ge(fhirstore_journal_read(session, 0, 1000, &lines, &next, NULL), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(lines.ptr, "\"action\":\"hardDelete\""));
    fhirstore_buf_clear(&lines);
}
END_TEST

/* ---- types without history ---- */

static void open_without_history(const char *types)
{
    fhirstore_open_options options = open_options();
    options.no_history = types;
    options.no_history_len = types == NULL ? 0 : strlen(types);
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "test");
}

static void close_all(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

START_TEST(types_of_which_the_current_version_alone_is_kept)
{
    open_without_history("Patient, Device");
    put_word("a", "Apple");
    if (_i > 0) {
        write_index();
    }
    put_word("a", "Pear");
    expect_sound(store);
    expect_status(vread("Patient", "a", 1), FHIRSTORE_ERR_NOT_FOUND);
    expect_status(vread("Patient", "a", 2), FHIRSTORE_OK);
    ck_assert_int_eq(total_of("Patient/a/_history"), 1);
    ck_assert_int_eq(count_of("Patient", "_content=apple"), 0);
    ck_assert_int_eq(count_of("Patient", "_content=pear"), 1);
    ck_assert_int_eq(count_of("Patient", "name=pear"), 1);
    write_index();
    expect_sound(store);
    expect_http(ask("DELETE", "Patient/a", NULL, NULL), 204);
    expect_http(ask("GET", "Patient/a", NULL, NULL), 410);
    ck_assert_int_eq(total_of("Patient/a/_history"), 1);
    put_word("a", "Plum");
    expect_text(read_one("Patient", "a"), "meta.versionId", "4");
    ck_assert_int_eq(total_of("Patient/a/_history"), 1);
    expect_sound(store);
    close_all();

    open_without_history(NULL); /* the store remembers */
    put_word("a", "Cherry");
    ck_assert_int_eq(total_of("Patient/a/_history"), 1);
    close_all();
    open_without_history("");
    put_word("a", "Fig");
    put_word("a", "Date");
    ck_assert_int_eq(total_of("Patient/a/_history"), 3);
    close_all();
    open_without_history("Patient"); /* what was kept meanwhile goes with the next write */
    ck_assert_int_eq(total_of("Patient/a/_history"), 3);
    put_word("a", "Grape");
    ck_assert_int_eq(total_of("Patient/a/_history"), 1);
    expect_sound(store);
}
END_TEST

START_TEST(a_list_of_no_types_is_refused)
{
    static const char *const lists[] = {"Nonsense", "Patient,,Device", "Patient;Device", ",",
                                        "HumanName"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        fhirstore_open_options options = open_options();
        fhirstore *opened = NULL;
        options.no_history = lists[i];
        options.no_history_len = strlen(lists[i]);
        ck_assert_int_eq(fhirstore_open(store_path, strlen(store_path), &options, &opened, NULL),
                         FHIRSTORE_ERR_INVALID_ARG);
        ck_assert_ptr_null(opened);
    }
}
END_TEST

/* ---- the file itself ---- */

static bool file_has(const char *needle)
{
    size_t len;
    char *bytes = load_file(store_path, &len);
    bool found = memmem(bytes, len, needle, strlen(needle)) != NULL;
    free(bytes);
    return found;
}

START_TEST(not_even_the_file_has_it)
{
    fhirstore_open_options options = open_options();
    options.key = NULL;
    options.key_len = 0;
    options.flags |= FHIRSTORE_OPEN_PLAINTEXT;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "test");
    put_word("a", "Rambutan");
    put_word("a", "Persimmon");
    put_word("b", "Loquat");
    write_index();
    put_word("a", "Tamarillo");
    close_all();
    ck_assert(file_has("Rambutan") && file_has("persimmon") && file_has("Tamarillo"));

    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "test");
    expect_http(ask("DELETE", "Patient/a?_hardDelete=true", NULL, NULL), 204);
    close_all();
    static const char *const words[] = {"Rambutan",  "rambutan",  "Persimmon",
                                        "persimmon", "Tamarillo", "tamarillo"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        ck_assert_msg(!file_has(words[i]), "%s", words[i]);
    }
    ck_assert(file_has("Loquat"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("purge");
    TCase *hard = tcase_create("hard");
    TCase *bare = tcase_create("bare");
    tcase_add_checked_fixture(hard, setup_clocked_store, teardown);
    tcase_add_loop_test(hard, a_hard_deletion_leaves_nothing, 0, 2);
    tcase_add_test(hard, the_newest_version_may_go);
    tcase_add_test(hard, a_deleted_resource_can_go_as_well);
    tcase_add_test(hard, by_condition_and_in_bundles);
    tcase_add_test(hard, what_is_refused_leaves_all);
    tcase_add_loop_test(hard, old_versions_can_go_alone, 0, 3);
    tcase_add_test(hard, the_operation_does_the_same);
    tcase_add_test(hard, null_arguments_are_refused);
    tcase_add_test(hard, it_takes_both_rights);
    tcase_add_test(hard, the_record_of_it_stays);
    suite_add_tcase(suite, hard);
    tcase_add_checked_fixture(bare, setup_folder, teardown);
    tcase_add_loop_test(bare, types_of_which_the_current_version_alone_is_kept, 0, 2);
    tcase_add_test(bare, a_list_of_no_types_is_refused);
    tcase_add_test(bare, not_even_the_file_has_it);
    suite_add_tcase(suite, bare);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
