/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key hunt. A child opens a store with a key of each kind, works with it, changes its data key
 * and closes it, wiping its own copy of what it was given as soon as the store is open. This
 * process takes the keys out of the file and looks for them, and for all that is derived from them,
 * in the child's memory: while the store is open in what a core dump would hold of it, and after it
 * is closed in all of it.
 */
#include <sodium.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "hunter.h"

enum {
    SECRET = 32,
    COPY = 4096,
    SLOTS_AT = 640,
    SLOT = 128,
    SLOT_COUNT = 24,
    UUID_AT = 32,
    KEYS_IN_USE = 6, /* data key, and those of pages, log, header, sums and links */
};

/* ---- the child: "self live KIND PATH" ---- */

static uint8_t held[SECRET];

static bool take_secret(void)
{
    size_t got = 0;
    while (got < sizeof held) {
        ssize_t more = read(STDIN_FILENO, held + got, sizeof held - got);
        if (more <= 0) {
            return false;
        }
        got += (size_t)more;
    }
    return true;
}

static fhirstore_status give_key(void *ctx, const char *id, size_t id_len, uint8_t key_out[SECRET])
{
    (void)ctx;
    (void)id;
    (void)id_len;
    memcpy(key_out, held, SECRET);
    return FHIRSTORE_OK;
}

static void open_by(const char *kind, const char *path)
{
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    if (strcmp(kind, "passphrase") == 0) {
        options.passphrase = (const char *)held;
        options.passphrase_len = SECRET;
    } else if (strcmp(kind, "recipient") == 0) {
        options.recipient_key = held;
        options.recipient_key_len = SECRET;
    } else if (strcmp(kind, "callback") == 0) {
        options.key_callback = give_key;
    } else {
        options.key = held;
        options.key_len = SECRET;
    }
    fhirstore_error *error = NULL;
    if (fhirstore_open(path, strlen(path), &options, &store, &error) != FHIRSTORE_OK) {
        (void)fprintf(stderr, "# %s: %s\n", kind, fhirstore_error_message(error));
        _exit(3);
    }
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/hunted");
    sodium_memzero(held, sizeof held);
}

static void work(void)
{
    for (int i = 0; i < 60; i++) {
        expect_status(
            create("Patient",
                   "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Quetzalcoatlus\"}]}"),
            FHIRSTORE_CREATED);
    }
    expect_http(ask("GET", "Patient?family=quetz&_count=5", NULL, NULL), 200); /* seals a link */
    expect_http(ask("GET", "Patient?_content=quetzalcoatlus&_count=5", NULL, NULL), 200);
    fhirstore_buf buf = {0};
    ck_assert_int_eq(fhirstore_anchor(store, &buf, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &buf, NULL), FHIRSTORE_OK);
    fhirstore_buf_clear(&buf);
    expect_sound(store);
    forget_replies();
}

static void renew(void)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    uint32_t slot = 0;
    if (!take_secret()) {
        _exit(4);
    }
    key.key = held;
    key.key_len = SECRET;
    ck_assert_int_eq(fhirstore_key_renew(store, &key, &slot, NULL), FHIRSTORE_OK);
    sodium_memzero(held, sizeof held);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_ge(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_OK);
    }
    work();
}

static void say(char what)
{
    char go = 0;
    if (write(STDOUT_FILENO, &what, 1) != 1 || read(STDIN_FILENO, &go, 1) != 1) {
        _exit(5);
    }
}

static const char *kind_here;
static const char *path_here;

START_TEST(live)
{
    static uint8_t *careless;
    ck_assert(sodium_init() >= 0 && take_secret());
    if (strcmp(kind_here, "careless") == 0) {
        careless = malloc(SECRET);
        memcpy(careless, held, SECRET);
    }
    open_by(kind_here, path_here);
    work();
    say('o');
    renew();
    say('r');
    fhirstore_session_close(session);
    fhirstore_close(store);
    say('c');
    free(careless);
}
END_TEST

/* What the harness asserts it asserts in a test only. */
static int run_child(const char *kind, const char *path)
{
    Suite *suite = suite_create("live");
    TCase *tcase = tcase_create("live");
    kind_here = kind;
    path_here = path;
    (void)unsetenv("CK_TAP_LOG_FILE_NAME"); /* stdout is a pipe to the parent */
    tcase_add_test(tcase, live);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    if (failed != 0) {
        TestResult **results = srunner_failures(runner);
        (void)fprintf(stderr, "# child: %s\n", tr_msg(results[0]));
    }
    srunner_free(runner);
    return failed;
}

/* ---- this process ---- */

typedef struct tame {
    pid_t pid;
    int to;
    int from;
} tame;

static tame start_child(const char *kind, const uint8_t *secret)
{
    int to[2];
    int from[2];
    ck_assert_int_eq(pipe(to), 0);
    ck_assert_int_eq(pipe(from), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(to[0], STDIN_FILENO);
        (void)dup2(from[1], STDOUT_FILENO);
        (void)close(to[1]);
        (void)close(from[0]);
        (void)execl("/proc/self/exe", "self", "live", kind, store_path, (char *)NULL);
        _exit(127);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    ck_assert_int_eq(write(to[1], secret, SECRET), SECRET);
    return (tame){child, to[1], from[0]};
}

static void wait_for(const tame *child, char wanted)
{
    char said = 0;
    ck_assert_msg(read(child->from, &said, 1) == 1 && said == wanted,
                  "the child did not get to '%c'", wanted);
}

static void let_go(const tame *child)
{
    ck_assert_int_eq(write(child->to, "g", 1), 1);
}

static void derive(const char *name, const char context[8], uint64_t number, const uint8_t *from,
                   uint8_t *out)
{
    uint8_t key[SECRET];
    (void)crypto_kdf_derive_from_key(key, SECRET, number, context, from);
    hunt_for(name, key, SECRET, false);
    if (out != NULL) {
        memcpy(out, key, SECRET);
    }
}

static void hunt_for_journal(const uint8_t *key)
{
    uint8_t seed[SECRET];
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
    derive("the journal's sealing key", "journal ", 1, key, NULL);
    derive("the journal's chain key", "journal ", 2, key, NULL);
    derive("the journal's seed", "journal ", 3, key, seed);
    (void)crypto_sign_seed_keypair(public_key, secret_key, seed);
    hunt_for("the journal's signing key", secret_key, SECRET, false);
}

/* The data key and all that is made of it. */
static void hunt_for_data_key(const uint8_t *key)
{
    static const char contexts[][9] = {"fhirpage", "fhirwal_", "fhirhead", "fhirsums",
                                       "fhirtokn", "fhirjrnl", "fhirepch"};
    uint8_t journal[SECRET];
    hunt_for("the data key", key, SECRET, false);
    for (size_t i = 0; i < sizeof contexts / sizeof contexts[0]; i++) {
        derive(contexts[i], contexts[i], 1, key, NULL);
    }
    derive("the journal's key", "journal ", 0, key, journal);
    hunt_for_journal(journal);
}

/* All slots of both header copies that @a kek opens. */
static int take_data_keys(const uint8_t *kek)
{
    static uint8_t known[8][SECRET];
    static int known_count;
    size_t len;
    int found = 0;
    uint8_t *bytes = (uint8_t *)load_file(store_path, &len);
    for (int i = 0; i < 2 * SLOT_COUNT; i++) {
        const uint8_t *copy = bytes + i / SLOT_COUNT * COPY;
        const uint8_t *slot = copy + SLOTS_AT + i % SLOT_COUNT * SLOT;
        uint8_t aad[16 + 48];
        uint8_t key[SECRET];
        memcpy(aad, copy + UUID_AT, 16);
        memcpy(aad + 16, slot, 48);
        if (slot[0] == 0 ||
            crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
                key, NULL, slot + 72, SECRET, slot + 104, aad, sizeof aad, slot + 48, kek) != 0) {
            continue;
        }
        found++;
        bool is_known = false;
        for (int k = 0; k < known_count; k++) {
            is_known = is_known || memcmp(known[k], key, SECRET) == 0;
        }
        if (!is_known && known_count < 8) {
            memcpy(known[known_count++], key, SECRET);
            hunt_for_data_key(key);
        }
    }
    free(bytes);
    return found;
}

static void add_slot(const char *kind, const uint8_t *secret)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    uint8_t public_key[SECRET];
    uint32_t slot = 0;
    if (strcmp(kind, "passphrase") == 0) {
        key.passphrase = (const char *)secret;
        key.passphrase_len = SECRET;
        key.kdf_memory_kib = 1024;
        key.kdf_passes = 1;
    } else if (strcmp(kind, "recipient") == 0) {
        ck_assert_int_eq(fhirstore_key_public(secret, SECRET, public_key, NULL), FHIRSTORE_OK);
        key.recipient = public_key;
        key.recipient_len = SECRET;
    } else if (strcmp(kind, "callback") == 0) {
        key.callback = give_key;
        key.key_id = "hunted";
        key.key_id_len = 6;
        memcpy(held, secret, SECRET);
    } else {
        key.key = secret;
        key.key_len = SECRET;
    }
    ck_assert_int_eq(fhirstore_key_add(store, &key, &slot, NULL), FHIRSTORE_OK);
}

/* What Argon2id makes of the passphrase, with the salt of its slot. */
static void hunt_for_derived(const uint8_t *secret)
{
    size_t len;
    uint8_t *bytes = (uint8_t *)load_file(store_path, &len);
    for (int i = 0; i < SLOT_COUNT; i++) {
        const uint8_t *slot = bytes + SLOTS_AT + i * SLOT;
        uint8_t kek[SECRET];
        if (slot[0] == 2) {
            ck_assert_int_eq(crypto_pwhash(kek, SECRET, (const char *)secret, SECRET, slot + 16, 1,
                                           1024 * 1024, crypto_pwhash_ALG_ARGON2ID13),
                             0);
            hunt_for("the key made of the passphrase", kek, SECRET, false);
        }
    }
    free(bytes);
}

static void hunt_in(const tame *child, const char *when, bool dumped_only, size_t wanted)
{
    size_t bytes = 0;
    size_t hits = hunt_memory(child->pid, dumped_only, &bytes);
    (void)fprintf(stderr, "# %s: %zu hits in %zu KiB\n", when, hits, bytes / 1024);
    ck_assert_uint_gt(bytes, 100000);
    ck_assert_msg(wanted > 0 ? hits >= wanted : hits == 0, "%s: %zu hits", when, hits);
}

/* @a keeps: the child keeps a copy of what it was given, which is found. */
static void hunt_kind(const char *kind, size_t keeps)
{
    uint8_t secret[SECRET];
    uint8_t next[SECRET];
    ck_assert_int_ge(sodium_init(), 0);
    hunt_forget();
    randombytes_buf(secret, SECRET);
    randombytes_buf(next, SECRET);
    hunt_for("what the host gave", secret, SECRET, false);
    hunt_for("what the host gave then", next, SECRET, false);
    add_slot(kind, secret);
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
    ck_assert_int_gt(take_data_keys(the_key), 0);
    if (strcmp(kind, "passphrase") == 0) {
        hunt_for_derived(secret);
    }
    tame child = start_child(kind, secret);
    wait_for(&child, 'o');
    hunt_in(&child, "in a core dump, the store open", true, keeps);
    hunt_in(&child, "in guarded memory, the store open", false, KEYS_IN_USE);
    let_go(&child);
    ck_assert_int_eq(write(child.to, next, SECRET), SECRET);
    wait_for(&child, 'r');
    ck_assert_int_gt(take_data_keys(next), 0);
    hunt_in(&child, "in a core dump, with a new data key", true, keeps);
    let_go(&child);
    wait_for(&child, 'c');
    hunt_in(&child, "in all memory, the store closed", false, keeps);
    let_go(&child);
    int status = -1;
    ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
    ck_assert_int_eq(status, 0);
}

START_TEST(a_raw_key_is_nowhere)
{
    hunt_kind("raw", 0);
}
END_TEST

START_TEST(a_passphrase_is_nowhere)
{
    hunt_kind("passphrase", 0);
}
END_TEST

START_TEST(a_recipients_key_is_nowhere)
{
    hunt_kind("recipient", 0);
}
END_TEST

START_TEST(a_hosts_key_is_nowhere)
{
    hunt_kind("callback", 0);
}
END_TEST

/* The hunter finds what is there. */
START_TEST(what_a_host_keeps_is_found)
{
    hunt_kind("careless", 1);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "live") == 0) {
        return run_child(argv[2], argv[3]);
    }
    const test_group groups[] = {
        GROUP("memory", setup_store, a_raw_key_is_nowhere, a_passphrase_is_nowhere,
              a_recipients_key_is_nowhere, a_hosts_key_is_nowhere, what_a_host_keeps_is_found),
    };
    return run_groups("memory", groups, 1);
}
