/* SPDX-License-Identifier: Apache-2.0 */
/* A store that lets go of its file, and takes it up again when it is asked something. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define CHILD_FINE   40
#define CHILD_IN_USE 41

/* In a process of its own: write one more patient. No test runs here. */
static int write_as_another(const char *path)
{
    const fhirstore_open_options options = open_options();
    fhirstore *other = NULL;
    fhirstore_session *own = NULL;
    fhirstore_response *response = NULL;
    fhirstore_session_options entering = FHIRSTORE_SESSION_OPTIONS_INIT;
    entering.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    fhirstore_status status = fhirstore_open(path, strlen(path), &options, &other, NULL);
    if (status == FHIRSTORE_ERR_IN_USE) {
        return CHILD_IN_USE;
    }
    if (status == FHIRSTORE_OK) {
        status = fhirstore_session_open(other, &entering, &own, NULL);
    }
    if (status == FHIRSTORE_OK) {
        status = fhirstore_create(own, FHIRSTORE_LIT("Patient"),
                                  FHIRSTORE_LIT("{\"resourceType\":\"Patient\"}"), &response, NULL);
    }
    if (status == FHIRSTORE_CREATED) {
        static const char parameter[] =
            "{\"resourceType\":\"SearchParameter\",\"id\":\"nick\",\"url\":\"http://x.org/nick\","
            "\"name\":\"nick\",\"status\":\"active\",\"description\":\"d\",\"code\":\"nick\","
            "\"base\":[\"Patient\"],\"type\":\"string\",\"expression\":\"Patient.name.given\"}";
        fhirstore_response_free(response);
        response = NULL;
        status = fhirstore_update(own, FHIRSTORE_LIT("SearchParameter"), FHIRSTORE_LIT("nick"),
                                  parameter, strlen(parameter), NULL, &response, NULL);
    }
    fhirstore_response_free(response);
    fhirstore_session_close(own);
    fhirstore_close(other);
    return status >= FHIRSTORE_OK ? CHILD_FINE : 1;
}

static bool wal_is_there(void)
{
    char wal[128];
    (void)snprintf(wal, sizeof wal, "%s-wal", store_path);
    return access(wal, F_OK) == 0;
}

START_TEST(leaves_no_lock_and_sees_what_others_wrote)
{
    expect_status(
        create("Patient", "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"Zed\"]}]}"),
        FHIRSTORE_CREATED);
    ck_assert_int_eq(run_self("write", store_path), CHILD_IN_USE);
    ck_assert(wal_is_there());
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    ck_assert(!wal_is_there());
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(run_self("write", store_path), CHILD_FINE);
    ck_assert_int_eq(count_of("Patient", ""), 2);
    ck_assert_int_eq(count_of("Patient", "nick=zed"), 1);
    ck_assert_int_eq(run_self("write", store_path), CHILD_IN_USE);
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    ck_assert_int_eq(count_of("Patient", ""), 4);
    expect_sound(store);
    fhirstore_buf report = {0};
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(report.ptr, "\"faults\":[]"));
    fhirstore_buf_clear(&report);
}
END_TEST

START_TEST(closing_a_suspended_store_takes_nothing_up)
{
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(unlink(store_path), 0);
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
    ck_assert_int_ne(access(store_path, F_OK), 0);
}
END_TEST

START_TEST(a_store_at_work_is_not_suspended)
{
    fhirstore_search *search = NULL;
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    ck_assert_int_eq(fhirstore_search_open(session, FHIRSTORE_LIT("Patient"), "", 0, &search, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_ERR_BUSY);
    ck_assert_int_eq(fhirstore_store_trim(store, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_DONE);
    fhirstore_search_close(search);
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_suspend(NULL, NULL), FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

START_TEST(another_file_in_its_place_is_refused)
{
    size_t len;
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_backup_options copy = FHIRSTORE_BACKUP_OPTIONS_INIT;
    key.key = the_key;
    key.key_len = KEY_BYTES;
    copy.key = &key;
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    const char *path = in_folder("copy");
    ck_assert_int_eq(fhirstore_backup(store, path, strlen(path), &copy, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    char *own = load_file(store_path, &len);
    ck_assert_int_eq(rename(path, store_path), 0);
    fhirstore_buf buf = {0};
    ck_assert_int_eq(fhirstore_stats(store, &buf, NULL), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(unlink(store_path), 0);
    ck_assert_int_eq(fhirstore_stats(store, &buf, NULL), FHIRSTORE_ERR_NOT_FOUND);
    save_file(store_path, own, len);
    ck_assert_int_eq(fhirstore_stats(store, &buf, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    /* Changes of keys, copies and verification take it up as well. */
    key.key = another_key;
    ck_assert_int_eq(fhirstore_key_add(store, &key, NULL, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_backup(store, path, strlen(path), &copy, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    expect_sound(store);
    fhirstore_buf_clear(&buf);
    free(own);
}
END_TEST

START_TEST(a_plain_store_is_suspended_too)
{
    fhirstore_open_options options = open_options();
    options.flags = FHIRSTORE_OPEN_CREATE | FHIRSTORE_OPEN_PLAINTEXT;
    options.key = NULL;
    options.key_len = 0;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    ck_assert(!wal_is_there());
    ck_assert_int_eq(fhirstore_store_trim(store, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(count_of("Patient", ""), 1);
    ck_assert_int_eq(fhirstore_store_trim(store, NULL), FHIRSTORE_OK);
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    expect_sound(store);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "write") == 0) {
        return write_as_another(argv[2]);
    }
    const test_group groups[] = {
        GROUP("sealed", setup_store, leaves_no_lock_and_sees_what_others_wrote,
              closing_a_suspended_store_takes_nothing_up, a_store_at_work_is_not_suspended,
              another_file_in_its_place_is_refused),
        GROUP("plain", setup_folder, a_plain_store_is_suspended_too),
    };
    return run_groups("suspend", groups, sizeof groups / sizeof *groups);
}
