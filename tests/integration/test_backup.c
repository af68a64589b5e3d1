/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a store: hot, complete or absent, sealed anew, and what they hold is what was there. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "harness.h"

static fhirstore_key_options to_key(const uint8_t *key)
{
    fhirstore_key_options options = FHIRSTORE_KEY_OPTIONS_INIT;
    options.key = key;
    options.key_len = KEY_BYTES;
    return options;
}

static fhirstore_open_options with_key(const uint8_t *key)
{
    fhirstore_open_options options = open_options();
    options.flags = key == NULL ? FHIRSTORE_OPEN_PLAINTEXT : 0;
    options.key = key;
    options.key_len = key == NULL ? 0 : KEY_BYTES;
    return options;
}

static fhirstore_status copy_to(const char *path, const uint8_t *key, fhirstore_error **error)
{
    fhirstore_key_options slot = to_key(key);
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    options.key = key == NULL ? NULL : &slot;
    options.flags = key == NULL ? FHIRSTORE_BACKUP_PLAINTEXT : 0;
    return fhirstore_backup(store, path, strlen(path), &options, error);
}

static void fill(int count)
{
    for (int i = 0; i < count; i++) {
        char body[200];
        char id[16];
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"name\":[{\"family\":"
                       "\"Quetzalcoatl\",\"given\":[\"g%d\"]}]}",
                       id, i);
        expect_status(update("Patient", id, body), FHIRSTORE_CREATED);
    }
}

/* Swap what the harness asks for another store. */
static void visit(fhirstore *other, fhirstore **kept, fhirstore_session **kept_session)
{
    *kept = store;
    *kept_session = session;
    store = other;
    session = must_enter(other, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
}

static void leave(fhirstore *kept, fhirstore_session *kept_session)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    store = kept;
    session = kept_session;
}

static int strays(void)
{
    int count = 0;
    DIR *listed = opendir(folder);
    for (const struct dirent *entry; (entry = readdir(listed)) != NULL;) {
        count += strstr(entry->d_name, ".new-") != NULL;
    }
    (void)closedir(listed);
    return count;
}

static bool file_holds(const char *path, const char *text)
{
    size_t len;
    char *bytes = load_file(path, &len);
    bool found = memmem(bytes, len, text, strlen(text)) != NULL;
    free(bytes);
    return found;
}

static char *uuid_of(const char *path)
{
    size_t len;
    char *bytes = load_file(path, &len);
    char *uuid = malloc(16);
    memcpy(uuid, bytes + 32, 16);
    free(bytes);
    return uuid;
}

START_TEST(a_copy_holds_everything_under_new_keys)
{
    const char *copy = in_folder("copy");
    fhirstore *kept;
    fhirstore_session *kept_session;
    fill(200);
    expect_status(update("Patient", "p1", "{\"resourceType\":\"Patient\",\"id\":\"p1\"}"),
                  FHIRSTORE_OK);
    expect_status(delete_one("Patient", "p2"), FHIRSTORE_NO_CONTENT);
    ck_assert_int_eq(copy_to(copy, another_key, NULL), FHIRSTORE_OK);
    char *before = strdup(state_of_store());
    const fhirstore_open_options options = with_key(another_key);
    visit(must_open(copy, &options), &kept, &kept_session);
    ck_assert_int_eq(count_of("Patient", "family=quetz"), 198);
    expect_status(vread("Patient", "p1", 1), FHIRSTORE_OK);
    expect_status(read_one("Patient", "p2"), FHIRSTORE_ERR_DELETED);
    ck_assert_str_eq(before, state_of_store());
    expect_sound(store);
    /* It is a store like any other. */
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    expect_sound(store);
    leave(kept, kept_session);
    free(before);
    fhirstore_close(store);
    store = NULL;
    char *one = uuid_of(store_path);
    char *two = uuid_of(copy);
    ck_assert_mem_ne(one, two, 16);
    ck_assert(!file_holds(copy, "Quetzalcoatl"));
    free(one);
    free(two);
    ck_assert_int_eq(strays(), 0);
}
END_TEST

START_TEST(the_journal_goes_along)
{
    const char *copy = in_folder("copy");
    const char *plain = in_folder("plain");
    const char *again = in_folder("again");
    fhirstore *kept;
    fhirstore_session *kept_session;
    fhirstore_buf report = {0};
    fill(20);
    ck_assert_int_eq(copy_to(copy, another_key, NULL), FHIRSTORE_OK);
    fhirstore_open_options options = with_key(another_key);
    visit(must_open(copy, &options), &kept, &kept_session);
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(report.ptr, "\"faults\":[]"));
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(report.ptr, "\"faults\":[]"));
    ck_assert_int_eq(copy_to(plain, NULL, NULL), FHIRSTORE_OK);
    leave(kept, kept_session);
    options = with_key(NULL);
    options.journal = FHIRSTORE_JOURNAL_BATCHED;
    visit(must_open(plain, &options), &kept, &kept_session);
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(report.ptr, "\"faults\":[]"));
    ck_assert_int_eq(copy_to(again, the_key, NULL), FHIRSTORE_OK);
    leave(kept, kept_session);
    options = with_key(the_key);
    visit(must_open(again, &options), &kept, &kept_session);
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(report.ptr, "\"faults\":[]"));
    leave(kept, kept_session);
    fhirstore_buf_clear(&report);
}
END_TEST

/* ---- while others work ---- */

static atomic_bool stop_working;
static atomic_int written;

static void *write_on(void *ctx)
{
    fhirstore_session *own = ctx;
    for (int i = 0; !atomic_load(&stop_working); i++) {
        char body[128];
        fhirstore_response *response = NULL;
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
                       "\"n%d\"}}",
                       i);
        ck_assert_int_eq(fhirstore_create(own, FHIRSTORE_LIT("Observation"), body, strlen(body),
                                          &response, NULL),
                         FHIRSTORE_CREATED);
        fhirstore_response_free(response);
        atomic_fetch_add(&written, 1);
    }
    return NULL;
}

static void *read_on(void *ctx)
{
    fhirstore_session *own = ctx;
    while (!atomic_load(&stop_working)) {
        fhirstore_response *response = NULL;
        ck_assert_int_eq(
            fhirstore_read(own, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("p7"), &response, NULL),
            FHIRSTORE_OK);
        fhirstore_response_free(response);
    }
    return NULL;
}

START_TEST(copies_while_others_read_and_write)
{
    pthread_t threads[2];
    fhirstore_session *own[2];
    fhirstore *kept;
    fhirstore_session *kept_session;
    fill(300);
    for (int i = 0; i < 2; i++) {
        own[i] = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "worker");
        ck_assert_int_eq(pthread_create(&threads[i], NULL, i == 0 ? write_on : read_on, own[i]), 0);
    }
    for (int round = 0; round < 5; round++) {
        char name[16];
        (void)snprintf(name, sizeof name, "copy%d", round);
        int least = atomic_load(&written);
        ck_assert_int_eq(copy_to(in_folder(name), another_key, NULL), FHIRSTORE_OK);
        int most = atomic_load(&written) + 1;
        const fhirstore_open_options options = with_key(another_key);
        visit(must_open(in_folder(name), &options), &kept, &kept_session);
        ck_assert_int_eq(count_of("Patient", ""), 300);
        int64_t found = count_of("Observation", "");
        ck_assert_int_ge(found, least);
        ck_assert_int_le(found, most);
        expect_sound(store);
        leave(kept, kept_session);
    }
    atomic_store(&stop_working, true);
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
        fhirstore_session_close(own[i]);
    }
    ck_assert_int_eq(count_of("Observation", ""), atomic_load(&written));
    expect_sound(store);
}
END_TEST

/* ---- refusals ---- */

static void expect_no_copy(fhirstore_status status, fhirstore_status want, const char *path)
{
    ck_assert_msg(status == want, "%s", fhirstore_status_name(status));
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(strays(), 0);
}

static fhirstore_status say_no(void *ctx, int64_t done, int64_t total)
{
    ck_assert_int_ge(done, 0);
    ck_assert_int_gt(total, 0);
    (*(int *)ctx)++;
    return FHIRSTORE_ERR_BUSY;
}

START_TEST(bad_copies_leave_nothing)
{
    const char *copy = in_folder("copy");
    const char *deep = in_folder("no/such/folder");
    fhirstore_key_options slot = to_key(another_key);
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    int asked = 0;
    fill(400);
    expect_no_copy(fhirstore_backup(store, copy, strlen(copy), NULL, NULL),
                   FHIRSTORE_ERR_KEY_MISSING, copy);
    options.key = &slot;
    options.flags = FHIRSTORE_BACKUP_PLAINTEXT;
    expect_no_copy(fhirstore_backup(store, copy, strlen(copy), &options, NULL),
                   FHIRSTORE_ERR_INVALID_ARG, copy);
    options.flags = 1024;
    expect_no_copy(fhirstore_backup(store, copy, strlen(copy), &options, NULL),
                   FHIRSTORE_ERR_INVALID_ARG, copy);
    options.flags = 0;
    slot.key_len = 31;
    expect_no_copy(fhirstore_backup(store, copy, strlen(copy), &options, NULL),
                   FHIRSTORE_ERR_INVALID_ARG, copy);
    slot.key_len = KEY_BYTES;
    expect_no_copy(fhirstore_backup(store, "", 0, &options, NULL), FHIRSTORE_ERR_INVALID_ARG, copy);
    expect_no_copy(fhirstore_backup(store, deep, strlen(deep), &options, NULL), FHIRSTORE_ERR_IO,
                   deep);
    options.progress = say_no;
    options.ctx = &asked;
    expect_no_copy(fhirstore_backup(store, copy, strlen(copy), &options, NULL),
                   FHIRSTORE_ERR_CANCELLED, copy);
    ck_assert_int_eq(asked, 1);
    options.progress = NULL;
    save_file(copy, "mine", 4);
    ck_assert_int_eq(fhirstore_backup(store, copy, strlen(copy), &options, NULL),
                     FHIRSTORE_ERR_EXISTS);
    ck_assert_uint_eq(file_size(copy), 4);
    ck_assert_int_eq(fhirstore_backup(store, store_path, strlen(store_path), &options, NULL),
                     FHIRSTORE_ERR_EXISTS);
    expect_sound(store);
}
END_TEST

/* ---- migration ---- */

static fhirstore_status migrate(const uint8_t *from, const uint8_t *to)
{
    const fhirstore_open_options opening = with_key(from);
    fhirstore_key_options slot = to_key(to);
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    options.key = to == NULL ? NULL : &slot;
    options.flags = to == NULL ? FHIRSTORE_BACKUP_PLAINTEXT : 0;
    return fhirstore_migrate(store_path, strlen(store_path), &opening, &options, NULL);
}

static void close_everything(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static void expect_opens(const uint8_t *key)
{
    const fhirstore_open_options options = with_key(key);
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    ck_assert_int_eq(count_of("Patient", "family=quetz"), 100);
    expect_sound(store);
    expect_status(create("Observation", "{\"resourceType\":\"Observation\",\"status\":\"final\","
                                        "\"code\":{\"text\":\"later\"}}"),
                  FHIRSTORE_CREATED);
    close_everything();
}

START_TEST(a_store_becomes_plain_and_sealed_again)
{
    fill(100);
    ck_assert_int_eq(migrate(the_key, NULL), FHIRSTORE_ERR_IN_USE);
    close_everything();
    ck_assert_int_eq(migrate(another_key, NULL), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(migrate(the_key, NULL), FHIRSTORE_OK);
    ck_assert(file_holds(store_path, "Quetzalcoatl"));
    expect_opens(NULL);
    ck_assert_int_eq(migrate(NULL, another_key), FHIRSTORE_OK);
    ck_assert(!file_holds(store_path, "Quetzalcoatl"));
    expect_opens(another_key);
    char *before = uuid_of(store_path);
    ck_assert_int_eq(migrate(another_key, the_key), FHIRSTORE_OK);
    char *after = uuid_of(store_path);
    ck_assert_mem_ne(before, after, 16);
    expect_opens(the_key);
    ck_assert_int_eq(migrate(another_key, the_key), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(strays(), 0);
    free(before);
    free(after);
}
END_TEST

/* ---- compaction ---- */

START_TEST(compaction_gives_pages_back)
{
    fill(300);
    for (int i = 0; i < 40; i++) {
        char id[16];
        size_t len = 200000;
        char *body = malloc(len + 200);
        (void)snprintf(id, sizeof id, "b%d", i);
        int head = sprintf(body,
                           "{\"resourceType\":\"Binary\",\"id\":\"%s\",\"contentType\":\"x/y\","
                           "\"data\":\"",
                           id);
        memset(body + head, 'A', len);
        (void)strcpy(body + head + len, "\"}");
        expect_status(update("Binary", id, body), FHIRSTORE_CREATED);
        free(body);
        forget_replies();
    }
    char *before = strdup(state_of_store());
    size_t size = file_size(store_path);
    ck_assert_int_eq(fhirstore_compact(store, NULL), FHIRSTORE_OK);
    ck_assert_str_eq(before, state_of_store());
    ck_assert_uint_lt(file_size(store_path), size + size / 50 + 9000000);
    expect_sound(store);
    free(before);
    close_everything();
    fhirstore_open_options options = with_key(the_key);
    options.flags = FHIRSTORE_OPEN_READ_ONLY;
    store = must_open(store_path, &options);
    ck_assert_int_eq(fhirstore_compact(store, NULL), FHIRSTORE_ERR_READ_ONLY);
    ck_assert_int_eq(copy_to(in_folder("copy"), another_key, NULL), FHIRSTORE_OK);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("copies", setup_store, a_copy_holds_everything_under_new_keys, the_journal_goes_along,
              copies_while_others_read_and_write, bad_copies_leave_nothing,
              a_store_becomes_plain_and_sealed_again, compaction_gives_pages_back),
    };
    return run_groups("backup", groups, sizeof groups / sizeof *groups);
}
