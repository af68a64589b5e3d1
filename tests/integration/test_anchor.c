/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors: what is older than one, or has another history, is refused. And the size of the log. */
#include <stdio.h>
#include <unistd.h>

#include "harness.h"

static char *anchor_now(void)
{
    fhirstore_buf buf = {0};
    ck_assert_int_eq(fhirstore_anchor(store, &buf, NULL), FHIRSTORE_OK);
    char *text = strdup(buf.ptr);
    fhirstore_buf_clear(&buf);
    return text;
}

static void write_patient(const char *id)
{
    char body[100];
    (void)snprintf(body, sizeof body, "{\"resourceType\":\"Patient\",\"id\":\"%s\"}", id);
    expect_status(update("Patient", id, body), FHIRSTORE_CREATED);
}

static void close_everything(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static fhirstore_status open_with(const char *anchor)
{
    fhirstore_open_options options = open_options();
    fhirstore *opened = NULL;
    options.anchor = anchor;
    options.anchor_len = strlen(anchor);
    fhirstore_status status = fhirstore_open(store_path, strlen(store_path), &options, &opened,
                                             NULL);
    fhirstore_close(opened);
    return status;
}

static void open_again(void)
{
    const fhirstore_open_options options = open_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
}

START_TEST(an_older_copy_is_refused)
{
    size_t len;
    char *empty = anchor_now();
    write_patient("a");
    char *first = anchor_now();
    ck_assert_str_ne(empty, first);
    close_everything();
    char *older = load_file(store_path, &len);
    open_again();
    write_patient("b");
    char *second = anchor_now();
    close_everything();
    ck_assert_int_eq(open_with(empty), FHIRSTORE_OK);
    ck_assert_int_eq(open_with(first), FHIRSTORE_OK);
    ck_assert_int_eq(open_with(second), FHIRSTORE_OK);
    save_file(store_path, older, len);
    ck_assert_int_eq(open_with(first), FHIRSTORE_OK);
    ck_assert_int_eq(open_with(second), FHIRSTORE_ERR_OUTDATED);
    /* It catches up, in generations and in changes, but its history is another. */
    open_again();
    write_patient("c");
    write_patient("d");
    ck_assert_int_eq(fhirstore_anchor_check(store, first, strlen(first), NULL), FHIRSTORE_OK);
    fhirstore_error *error = NULL;
    ck_assert_int_eq(fhirstore_anchor_check(store, second, strlen(second), &error),
                     FHIRSTORE_ERR_OUTDATED);
    ck_assert_ptr_nonnull(strstr(fhirstore_error_message(error), "another"));
    fhirstore_error_free(error);
    expect_sound(store);
    free(empty);
    free(first);
    free(second);
    free(older);
}
END_TEST

START_TEST(purged_history_keeps_the_chain)
{
    write_patient("a");
    expect_status(
        update("Patient", "a", "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true}"),
        FHIRSTORE_OK);
    write_patient("b");
    char *before = anchor_now();
    expect_http(ask("POST", "Patient/a/$purge-history", NULL, NULL), 204);
    ck_assert_int_eq(fhirstore_anchor_check(store, before, strlen(before), NULL), FHIRSTORE_OK);
    expect_sound(store);
    write_patient("c");
    expect_sound(store);
    free(before);
}
END_TEST

START_TEST(what_is_no_anchor_is_refused)
{
    static const char *const bad[] = {"x",      "::",       "a:b:c:d",
                                      "-:1:1:", "-:1:1:zz", "0:99999999999999999999:1:00"};
    write_patient("a");
    char *good = anchor_now();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(fhirstore_anchor_check(store, bad[i], strlen(bad[i]), NULL),
                         FHIRSTORE_ERR_INVALID_ARG);
    }
    ck_assert_int_eq(fhirstore_anchor_check(store, NULL, 3, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_anchor(store, NULL, NULL), FHIRSTORE_ERR_INVALID_ARG);
    good[0] = good[0] == 'a' ? 'b' : 'a'; /* another store's */
    ck_assert_int_eq(fhirstore_anchor_check(store, good, strlen(good), NULL),
                     FHIRSTORE_ERR_OUTDATED);
    free(good);
}
END_TEST

START_TEST(the_log_is_kept_short)
{
    char wal[128];
    fhirstore_open_options options = open_options();
    (void)snprintf(wal, sizeof wal, "%s-wal", store_path);
    close_everything();
    options.wal_bytes = 65535;
    ck_assert_int_eq(fhirstore_open(store_path, strlen(store_path), &options, &store, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    options.wal_bytes = 262144;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    size_t largest = 0;
    for (int i = 0; i < 300; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "p%d", i);
        write_patient(id);
        largest = file_size(wal) > largest ? file_size(wal) : largest;
    }
    ck_assert_uint_lt(largest, 2 * 262144);
    expect_sound(store);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("anchors", setup_store, an_older_copy_is_refused, purged_history_keeps_the_chain,
              what_is_no_anchor_is_refused, the_log_is_kept_short),
    };
    return run_groups("anchor", groups, sizeof groups / sizeof *groups);
}
