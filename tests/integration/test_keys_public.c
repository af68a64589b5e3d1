/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots through the public interface: every kind opens, and what is removed opens no more. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "harness.h"

static const uint8_t recipient_secret[KEY_BYTES] = {9, 8, 7, 6};

static fhirstore_status try_with(const fhirstore_open_options *options)
{
    fhirstore *opened = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_open(store_path, strlen(store_path), options, &opened,
                                             &error);
    ck_assert_int_eq(fhirstore_error_status(error), status);
    fhirstore_error_free(error);
    fhirstore_close(opened);
    return status;
}

static fhirstore_open_options no_key(void)
{
    fhirstore_open_options options = open_options();
    options.key = NULL;
    options.key_len = 0;
    options.flags &= ~(uint32_t)FHIRSTORE_OPEN_CREATE;
    return options;
}

static fhirstore_open_options by_phrase(const char *phrase)
{
    fhirstore_open_options options = no_key();
    options.passphrase = phrase;
    options.passphrase_len = strlen(phrase);
    return options;
}

static void close_everything(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static uint32_t must_add(const fhirstore_key_options *key)
{
    uint32_t slot = 0;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_key_add(store, key, &slot, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s", fhirstore_error_message(error));
    ck_assert_uint_gt(slot, 0);
    return slot;
}

/* A refusal with its text, and the list of slots is what it was. */
static void expect_refused(fhirstore_status status, fhirstore_error **told, fhirstore_status want,
                           const char *words)
{
    fhirstore_error *error = *told;
    ck_assert_int_eq(status, want);
    ck_assert_msg(strstr(fhirstore_error_message(error), words) != NULL, "%s",
                  fhirstore_error_message(error));
    fhirstore_error_free(error);
}

static char *slots_now(void)
{
    fhirstore_buf buf = {0};
    ck_assert_int_eq(fhirstore_key_list(store, &buf, NULL), FHIRSTORE_OK);
    char *text = strdup(buf.ptr);
    fhirstore_buf_clear(&buf);
    return text;
}

START_TEST(a_passphrase_is_added_and_rotated)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_open_options spoken = by_phrase("first words");
    fhirstore_open_options other = by_phrase("other words");
    uint32_t slot = 0;
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    key.passphrase = "first words";
    key.passphrase_len = 11;
    key.kdf_memory_kib = 1024;
    key.kdf_passes = 1;
    key.label = "desk";
    key.label_len = 4;
    slot = must_add(&key);
    key.passphrase = "other words";
    key.label_len = 0;
    ck_assert_int_eq(fhirstore_key_rotate(store, slot, &key, &slot, NULL), FHIRSTORE_OK);
    char *slots = slots_now();
    ck_assert_ptr_nonnull(strstr(slots, "\"label\":\"desk\",\"memoryKiB\":1024,\"passes\":1"));
    free(slots);
    close_everything();
    ck_assert_int_eq(try_with(&spoken), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_with(&other), FHIRSTORE_OK);
    store = must_open(store_path, &other);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    ck_assert_int_eq(count_of("Patient", ""), 1);
    ck_assert_int_eq(fhirstore_key_remove(store, 1, NULL), FHIRSTORE_OK);
    expect_sound(store);
    close_everything();
    fhirstore_open_options first = open_options();
    ck_assert_int_eq(try_with(&first), FHIRSTORE_ERR_KEY_WRONG);
}
END_TEST

START_TEST(a_recipient_opens_with_the_secret_key)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_open_options options = no_key();
    uint8_t public_key[KEY_BYTES];
    ck_assert_int_eq(fhirstore_key_public(recipient_secret, KEY_BYTES, public_key, NULL), 0);
    ck_assert_int_eq(fhirstore_key_public(recipient_secret, 31, public_key, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    key.recipient = public_key;
    key.recipient_len = KEY_BYTES;
    (void)must_add(&key);
    char *slots = slots_now();
    ck_assert_ptr_nonnull(strstr(slots, "\"type\":\"x25519\""));
    ck_assert_ptr_nonnull(strstr(slots, "\"publicKey\":\""));
    free(slots);
    close_everything();
    options.recipient_key = recipient_secret;
    options.recipient_key_len = KEY_BYTES;
    ck_assert_int_eq(try_with(&options), FHIRSTORE_OK);
    options.recipient_key = another_key;
    ck_assert_int_eq(try_with(&options), FHIRSTORE_ERR_KEY_WRONG);
    options.recipient_key_len = 31;
    ck_assert_int_eq(try_with(&options), FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

static fhirstore_status give_key(void *ctx, const char *key_id, size_t key_id_len, uint8_t *key_out)
{
    const char *known = ctx;
    if (known == NULL) {
        return FHIRSTORE_ERR_BUSY; /* the service cannot be reached */
    }
    if (strlen(known) != key_id_len || memcmp(known, key_id, key_id_len) != 0) {
        return FHIRSTORE_ERR_NOT_FOUND;
    }
    memset(key_out, 0x5A, KEY_BYTES);
    return FHIRSTORE_OK;
}

START_TEST(the_host_is_asked_for_a_key)
{
    char known[] = "alias/clinic";
    char unknown[] = "alias/other";
    fhirstore_open_options options = no_key();
    options.key_callback = give_key;
    options.key_callback_ctx = known;
    options.key_id = known;
    options.key_id_len = strlen(known);
    options.flags |= FHIRSTORE_OPEN_CREATE;
    store = must_open(store_path, &options);
    char *slots = slots_now();
    ck_assert_ptr_nonnull(strstr(slots, "\"keyId\":\"alias/clinic\""));
    free(slots);
    close_everything();
    options.flags = 0;
    options.key_id = NULL;
    options.key_id_len = 0;
    ck_assert_int_eq(try_with(&options), FHIRSTORE_OK);
    options.key_callback_ctx = unknown;
    ck_assert_int_eq(try_with(&options), FHIRSTORE_ERR_KEY_WRONG);
    options.key_callback_ctx = NULL;
    ck_assert_int_eq(try_with(&options), FHIRSTORE_ERR_CALLBACK);
}
END_TEST

START_TEST(bad_changes_are_refused_and_change_nothing)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    uint32_t slot = 7;
    char *before = slots_now();
    expect_refused(fhirstore_key_add(store, &key, &slot, &error), &error, FHIRSTORE_ERR_KEY_MISSING,
                   "key");
    ck_assert_uint_eq(slot, 0);
    ck_assert_int_eq(fhirstore_key_add(store, NULL, &slot, NULL), FHIRSTORE_ERR_INVALID_ARG);
    key.key = the_key;
    key.key_len = 31;
    expect_refused(fhirstore_key_add(store, &key, &slot, &error), &error, FHIRSTORE_ERR_INVALID_ARG,
                   "32 bytes");
    key.key_len = KEY_BYTES;
    key.passphrase = "too";
    key.passphrase_len = 3;
    expect_refused(fhirstore_key_add(store, &key, &slot, &error), &error, FHIRSTORE_ERR_INVALID_ARG,
                   "more than one");
    key.passphrase = NULL;
    key.passphrase_len = 0;
    key.label = "seventeen letters";
    key.label_len = 17;
    expect_refused(fhirstore_key_add(store, &key, &slot, &error), &error, FHIRSTORE_ERR_INVALID_ARG,
                   "at most 16");
    key.label_len = 0;
    key.flags = 1;
    expect_refused(fhirstore_key_add(store, &key, &slot, &error), &error, FHIRSTORE_ERR_INVALID_ARG,
                   "flags");
    key.flags = 0;
    expect_refused(fhirstore_key_rotate(store, 9, &key, &slot, &error), &error,
                   FHIRSTORE_ERR_NOT_FOUND, "no key slot");
    expect_refused(fhirstore_key_remove(store, 9, &error), &error, FHIRSTORE_ERR_NOT_FOUND,
                   "no key slot");
    expect_refused(fhirstore_key_remove(store, 1, &error), &error, FHIRSTORE_ERR_INVALID_ARG,
                   "last key slot");
    key.kdf_memory_kib = 1 << 21;
    key.key = NULL;
    key.key_len = 0;
    key.passphrase = "words";
    key.passphrase_len = 5;
    expect_refused(fhirstore_key_add(store, &key, &slot, &error), &error, FHIRSTORE_ERR_KDF_LIMIT,
                   "limit");
    char *after = slots_now();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}
END_TEST

START_TEST(read_only_and_plain_stores_have_no_changes)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    key.key = another_key;
    key.key_len = KEY_BYTES;
    close_everything();
    fhirstore_open_options options = open_options();
    options.flags = FHIRSTORE_OPEN_READ_ONLY;
    store = must_open(store_path, &options);
    ck_assert_int_eq(fhirstore_key_add(store, &key, NULL, NULL), FHIRSTORE_ERR_READ_ONLY);
    ck_assert_int_eq(fhirstore_key_remove(store, 1, NULL), FHIRSTORE_ERR_READ_ONLY);
    close_everything();
    fhirstore_open_options plain = no_key();
    plain.flags = FHIRSTORE_OPEN_PLAINTEXT | FHIRSTORE_OPEN_CREATE;
    store = must_open(in_folder("plain"), &plain);
    ck_assert_int_eq(fhirstore_key_add(store, &key, NULL, NULL), FHIRSTORE_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(fhirstore_key_rotate(store, 0, &key, NULL, NULL), FHIRSTORE_ERR_NOT_SUPPORTED);
}
END_TEST

/* ---- a new data key ---- */

/* Pages of the closed store by the epoch they are sealed in. */
static int pages_of_epoch(unsigned char epoch)
{
    size_t len;
    int count = 0;
    char *bytes = load_file(store_path, &len);
    for (size_t at = 8192; at + 4096 <= len; at += 4096) {
        count += (unsigned char)bytes[at + 4088] == epoch;
    }
    free(bytes);
    return count;
}

static void fill_patients(int count)
{
    for (int i = 0; i < count; i++) {
        char body[3200];
        int head = snprintf(
            body, sizeof body,
            "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"f%d\",\"text\":\"", i);
        memset(body + head, 'x', 3000);
        (void)strcpy(body + head + 3000, "\"}]}");
        expect_status(create("Patient", body), FHIRSTORE_CREATED);
    }
    forget_replies();
}

static fhirstore_status end_after_first(void *ctx, int64_t done, int64_t total)
{
    (void)total;
    return done > 0 && ++*(int *)ctx > 0 ? FHIRSTORE_ERR_CANCELLED : FHIRSTORE_OK;
}

START_TEST(a_new_data_key_takes_over)
{
    uint8_t public_key[KEY_BYTES];
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_maintain_options some = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    fhirstore_open_options first = open_options();
    fhirstore_open_options second = no_key();
    fhirstore_open_options third = no_key();
    int steps = 0;
    fill_patients(600);
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
    ck_assert_int_eq(fhirstore_key_public(recipient_secret, KEY_BYTES, public_key, NULL), 0);
    key.recipient = public_key;
    key.recipient_len = KEY_BYTES;
    (void)must_add(&key);
    key.recipient = NULL;
    key.recipient_len = 0;
    key.key = another_key;
    key.key_len = KEY_BYTES;
    ck_assert_int_eq(fhirstore_key_renew(store, &key, NULL, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_key_renew(store, &key, NULL, NULL), FHIRSTORE_ERR_BUSY);
    some.progress = end_after_first;
    some.ctx = &steps;
    ck_assert_int_eq(fhirstore_maintain(store, &some, NULL), FHIRSTORE_ERR_CANCELLED);
    ck_assert_int_eq(count_of("Patient", ""), 600);
    expect_sound(store);
    close_everything();
    /* Half way: the new key and the recipient open, the old one does not. */
    ck_assert_int_gt(pages_of_epoch(1), 0);
    ck_assert_int_gt(pages_of_epoch(2), 0);
    second.key = another_key;
    second.key_len = KEY_BYTES;
    third.recipient_key = recipient_secret;
    third.recipient_key_len = KEY_BYTES;
    first.flags = 0;
    ck_assert_int_eq(try_with(&first), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_with(&third), FHIRSTORE_OK);
    store = must_open(store_path, &second);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    fill_patients(10);
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
    ck_assert_int_eq(count_of("Patient", ""), 610);
    expect_sound(store);
    fhirstore_buf report = {0};
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(report.ptr, "\"faults\":[]"));
    fhirstore_buf_clear(&report);
    ck_assert_int_eq(fhirstore_key_renew(store, &key, NULL, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
    close_everything();
    ck_assert_int_eq(pages_of_epoch(1), 0);
    ck_assert_int_eq(pages_of_epoch(2), 0);
    ck_assert_int_gt(pages_of_epoch(3), 100);
    ck_assert_int_eq(try_with(&third), FHIRSTORE_OK);
}
END_TEST

/* The log still has pages of the old key then, and who was suspended has the file alone again. */
START_TEST(one_call_ends_a_renewal)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    key.key = another_key;
    key.key_len = KEY_BYTES;
    fill_patients(20);
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
    for (int i = 0; i < 2; i++) {
        fill_patients(20);
        ck_assert_int_eq(fhirstore_key_renew(store, &key, NULL, NULL), FHIRSTORE_OK);
        ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
        ck_assert_int_eq(pages_of_epoch((unsigned char)(i + 1)), 0);
        ck_assert_int_gt(pages_of_epoch((unsigned char)(i + 2)), 0);
        ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    }
    expect_sound(store);
}
END_TEST

static atomic_bool stop_reading;

static void *read_all_the_while(void *ctx)
{
    fhirstore_session *own = ctx;
    int64_t failures = 0;
    while (!atomic_load(&stop_reading)) {
        fhirstore_search *search = NULL;
        fhirstore_status status = fhirstore_search_open(own, FHIRSTORE_LIT("Patient"), "", 0,
                                                        &search, NULL);
        int count = 0;
        while (status == FHIRSTORE_OK && (status = fhirstore_search_next(search, NULL)) == 0) {
            count++;
        }
        failures += status != FHIRSTORE_DONE || count < 500;
        fhirstore_search_close(search);
    }
    return (void *)(intptr_t)failures;
}

START_TEST(reads_work_while_pages_are_sealed_anew)
{
    pthread_t threads[3];
    fhirstore_session *own[3];
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_open_options options = open_options();
    close_everything();
    options.cache_bytes = 65536;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    fill_patients(500);
    for (int i = 0; i < 3; i++) {
        own[i] = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "reader");
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_all_the_while, own[i]), 0);
    }
    key.key = another_key;
    key.key_len = KEY_BYTES;
    for (int round = 0; round < 4; round++) {
        ck_assert_int_eq(fhirstore_key_renew(store, &key, NULL, NULL), FHIRSTORE_OK);
        fhirstore_status status = FHIRSTORE_OK;
        while ((status = fhirstore_maintain(store, NULL, NULL)) == FHIRSTORE_OK) {
            fill_patients(1);
        }
        ck_assert_int_eq(status, FHIRSTORE_DONE);
    }
    atomic_store(&stop_reading, true);
    for (int i = 0; i < 3; i++) {
        void *failures;
        (void)pthread_join(threads[i], &failures);
        ck_assert_int_eq((intptr_t)failures, 0);
        fhirstore_session_close(own[i]);
    }
    expect_sound(store);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("slots", setup_store, a_passphrase_is_added_and_rotated,
              a_recipient_opens_with_the_secret_key, bad_changes_are_refused_and_change_nothing,
              read_only_and_plain_stores_have_no_changes, a_new_data_key_takes_over,
              one_call_ends_a_renewal, reads_work_while_pages_are_sealed_anew),
        GROUP("host", setup_folder, the_host_is_asked_for_a_key),
    };
    return run_groups("keys_public", groups, sizeof groups / sizeof *groups);
}
