/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key changes, backup, migration and compaction on a disk that fails at any moment or fills up:
 * afterwards the store opens with the old key or the new one, is sound, and holds what it held; a
 * copy is there as a whole or not at all.
 *
 * Short form: some moments of each kind. FHIRSTORE_TEST_LONG=1: every one.
 */
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "harness.h"

#define PATIENTS 60

static bool is_long(void)
{
    const char *value = getenv("FHIRSTORE_TEST_LONG");
    return value != NULL && value[0] != '\0' && value[0] != '0';
}

static fhirstore_open_options with_key(const uint8_t *key)
{
    fhirstore_open_options options = open_options();
    options.flags = key == NULL ? FHIRSTORE_OPEN_PLAINTEXT : 0;
    options.key = key;
    options.key_len = key == NULL ? 0 : KEY_BYTES;
    return options;
}

static void close_everything(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static void remove_all(void)
{
    DIR *listed = opendir(folder);
    for (const struct dirent *entry; (entry = readdir(listed)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)unlink(in_folder(entry->d_name));
        }
    }
    (void)closedir(listed);
}

static void make_filled(const uint8_t *key)
{
    fhirstore_open_options options = with_key(key);
    options.flags |= FHIRSTORE_OPEN_CREATE;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    for (int i = 0; i < PATIENTS; i++) {
        expect_status(
            create("Patient", "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"q\"}]}"),
            FHIRSTORE_CREATED);
    }
    close_everything();
    forget_replies();
}

/* A torn copy of the header is damage that verify tells of; the next change of a key writes it. */
static void write_header(void)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    uint8_t third[KEY_BYTES] = {3};
    uint32_t slot = 0;
    key.key = third;
    key.key_len = KEY_BYTES;
    if (fhirstore_key_add(store, &key, &slot, NULL) == FHIRSTORE_OK) {
        ck_assert_int_eq(fhirstore_key_remove(store, slot, NULL), FHIRSTORE_OK);
    }
}

/* The status of opening with @a key; what opens is looked through. */
static fhirstore_status look(const char *path, const uint8_t *key)
{
    const fhirstore_open_options options = with_key(key);
    fhirstore_status status = fhirstore_open(path, strlen(path), &options, &store, NULL);
    if (status == FHIRSTORE_OK) {
        session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
        ck_assert_int_eq(count_of("Patient", "family=q"), PATIENTS);
        write_header();
        expect_sound(store);
        /* A renewal that was begun goes on. */
        ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
        expect_sound(store);
        close_everything();
    }
    return status;
}

/* ---- what is done ---- */

typedef fhirstore_status (*deed)(void);

static fhirstore_key_options to_other(void)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    key.key = another_key;
    key.key_len = KEY_BYTES;
    return key;
}

static fhirstore_status opened_for(fhirstore_status (*work)(void))
{
    const fhirstore_open_options options = with_key(the_key);
    fhirstore_status status = fhirstore_open(store_path, strlen(store_path), &options, &store,
                                             NULL);
    status = status == FHIRSTORE_OK ? work() : status;
    close_everything();
    return status;
}

static fhirstore_status rotate_open(void)
{
    const fhirstore_key_options key = to_other();
    return fhirstore_key_rotate(store, 0, &key, NULL, NULL);
}

static fhirstore_status rotate(void)
{
    return opened_for(rotate_open);
}

static fhirstore_status renew_open(void)
{
    const fhirstore_key_options key = to_other();
    fhirstore_status status = fhirstore_key_renew(store, &key, NULL, NULL);
    status = status == FHIRSTORE_OK ? fhirstore_maintain(store, NULL, NULL) : status;
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status renew(void)
{
    return opened_for(renew_open);
}

static fhirstore_status backup_open(void)
{
    const fhirstore_key_options key = to_other();
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    const char *copy = in_folder("copy");
    options.key = &key;
    return fhirstore_backup(store, copy, strlen(copy), &options, NULL);
}

static fhirstore_status backup(void)
{
    return opened_for(backup_open);
}

static fhirstore_status compact_open(void)
{
    return fhirstore_compact(store, NULL);
}

static fhirstore_status compact(void)
{
    return opened_for(compact_open);
}

static fhirstore_status migrate_from(const uint8_t *from, const uint8_t *to)
{
    const fhirstore_open_options opening = with_key(from);
    const fhirstore_key_options key = to_other();
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    options.key = to == NULL ? NULL : &key;
    options.flags = to == NULL ? FHIRSTORE_BACKUP_PLAINTEXT : 0;
    return fhirstore_migrate(store_path, strlen(store_path), &opening, &options, NULL);
}

static fhirstore_status seal(void)
{
    return migrate_from(NULL, another_key);
}

static fhirstore_status unseal(void)
{
    return migrate_from(the_key, NULL);
}

static const struct {
    const char *name;
    deed run;
    const uint8_t *before; /* the key that opens the store before, and after it succeeded */
    const uint8_t *after;
} deeds[] = {
    {"rotate", rotate, the_key, another_key}, {"renew", renew, the_key, another_key},
    {"backup", backup, the_key, the_key},     {"compact", compact, the_key, the_key},
    {"seal", seal, NULL, another_key},        {"unseal", unseal, the_key, NULL},
};

/* The store is that from before or that from after, and a copy is whole. */
static void expect_left(int which, fhirstore_status status)
{
    fhirstore_status before = look(store_path, deeds[which].before);
    fhirstore_status after = look(store_path, deeds[which].after);
    ck_assert_msg(before == FHIRSTORE_OK || after == FHIRSTORE_OK, "%s gave %s: %s and %s",
                  deeds[which].name, fhirstore_status_name(status), fhirstore_status_name(before),
                  fhirstore_status_name(after));
    if (status == FHIRSTORE_OK) {
        ck_assert_int_eq(after, FHIRSTORE_OK);
    }
    if (access(in_folder("copy"), F_OK) == 0) {
        ck_assert_int_eq(look(in_folder("copy"), another_key), FHIRSTORE_OK);
    } else {
        ck_assert(status != FHIRSTORE_OK || deeds[which].run != backup);
    }
}

START_TEST(the_disk_fails_under_it)
{
    static const unsigned kinds[] = {FAULT_WRITE | FAULT_TRUNCATE, FAULT_SYNC, FAULT_READ,
                                     FAULT_ANY};
    const uint64_t probes = is_long() ? 400 : 8;
    fault_vfs *fault = fault_vfs_new("unix-excl", "unix-excl");
    ck_assert_ptr_nonnull(fault);
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        make_filled(deeds[_i].before);
        fault_vfs_count(fault, kinds[kind]);
        ck_assert_msg(deeds[_i].run() == FHIRSTORE_OK, "%s", deeds[_i].name);
        const uint64_t total = fault_vfs_seen(fault);
        fault_vfs_disarm(fault);
        expect_left(_i, FHIRSTORE_OK);
        const uint64_t step = total / probes + 1;
        for (uint64_t k = 1; k <= total; k += step) {
            remove_all();
            make_filled(deeds[_i].before);
            fault_vfs_tear(fault, k % 2 == 0);
            fault_vfs_arm(fault, kinds[kind], k, k % 3 == 0);
            fhirstore_status status = deeds[_i].run();
            fault_vfs_disarm(fault);
            fault_vfs_tear(fault, false);
            expect_left(_i, status);
        }
        remove_all();
    }
    fault_vfs_free(fault);
}
END_TEST

START_TEST(the_disk_fills_up_under_it)
{
    const uint64_t step = is_long() ? 4096 : 150000;
    int was_full = 0;
    fault_vfs *fault = fault_vfs_new("unix-excl", "unix-excl");
    ck_assert_ptr_nonnull(fault);
    for (uint64_t room = 2000; room < 1000000; room += step) {
        make_filled(deeds[_i].before);
        fault_vfs_limit_space(fault, room);
        fhirstore_status status = deeds[_i].run();
        fault_vfs_limit_space(fault, UINT64_MAX);
        was_full += status == FHIRSTORE_ERR_FULL;
        expect_left(_i, status);
        remove_all();
    }
    /* A rotation writes over what is there and needs no room. */
    ck_assert(was_full > 0 || deeds[_i].run == rotate || deeds[_i].run == renew);
    fault_vfs_free(fault);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copy");
    TCase *tests = tcase_create("copy");
    const int count = (int)(sizeof deeds / sizeof *deeds);
    tcase_add_checked_fixture(tests, setup_folder, teardown);
    tcase_set_timeout(tests, is_long() ? 3600 : 240);
    tcase_add_loop_test(tests, the_disk_fails_under_it, 0, count);
    tcase_add_loop_test(tests, the_disk_fills_up_under_it, 0, count);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
