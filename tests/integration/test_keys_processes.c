/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several processes hold one store and change its keys: each sees what the others have done, no
 * slot is lost, none comes back, and all go on reading and writing.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define WORKERS 3
#define ROUNDS  25

/* In a child: its end is told to the parent by its exit status, which is the line. */
#define must(condition)        \
    do {                       \
        if (!(condition)) {    \
            fail_at(__LINE__); \
        }                      \
    } while (0)

static void fail_at(int line)
{
    (void)fprintf(stderr, "# a process failed at line %d\n", line);
    _exit(1);
}

static fhirstore_open_options shared_by(const uint8_t *key)
{
    fhirstore_open_options options = open_options();
    options.flags = FHIRSTORE_OPEN_MULTI_PROCESS;
    options.key = key;
    options.busy_timeout_ms = 60000;
    return options;
}

static fhirstore_status try_key(const uint8_t *key)
{
    const fhirstore_open_options options = shared_by(key);
    fhirstore *opened = NULL;
    fhirstore_status status = fhirstore_open(store_path, strlen(store_path), &options, &opened,
                                             NULL);
    fhirstore_close(opened);
    return status;
}

static void close_both(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static void open_shared(const uint8_t *key)
{
    const fhirstore_open_options options = shared_by(key);
    fhirstore_session_options entering = FHIRSTORE_SESSION_OPTIONS_INIT;
    entering.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    must(fhirstore_open(store_path, strlen(store_path), &options, &store, NULL) == FHIRSTORE_OK);
    must(fhirstore_session_open(store, &entering, &session, NULL) == FHIRSTORE_OK);
}

static void setup_closed_store(void)
{
    setup_store();
    close_both();
}

static void slot_key(int worker, int round, uint8_t *key)
{
    memset(key, 0x30 + worker, KEY_BYTES);
    key[0] = (uint8_t)round;
}

static fhirstore_key_options slot_for(const uint8_t *key, const char *label)
{
    fhirstore_key_options options = FHIRSTORE_KEY_OPTIONS_INIT;
    options.key = key;
    options.key_len = KEY_BYTES;
    options.label = label;
    options.label_len = strlen(label);
    return options;
}

static void must_write(void)
{
    fhirstore_response *response = NULL;
    must(fhirstore_create(session, FHIRSTORE_LIT("Patient"),
                          FHIRSTORE_LIT("{\"resourceType\":\"Patient\"}"), &response,
                          NULL) == FHIRSTORE_CREATED);
    fhirstore_response_free(response);
}

static int64_t must_count(void)
{
    int64_t count = -1;
    must(fhirstore_search_count(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""), &count,
                                NULL) == FHIRSTORE_OK);
    return count;
}

/* How often @a needle stands in the list of slots. */
static int slots_with(const char *needle)
{
    fhirstore_buf list = {0};
    int count = 0;
    must(fhirstore_key_list(store, &list, NULL) == FHIRSTORE_OK);
    for (const char *at = list.ptr; (at = strstr(at, needle)) != NULL; at++) {
        count++;
    }
    fhirstore_buf_clear(&list);
    return count;
}

/* ---- all at once ---- */

/* A slot of its own comes, is rotated and goes, and one stays at last. */
static void change_slots(int worker)
{
    char label[8];
    uint32_t slot = 0;
    uint8_t key[KEY_BYTES];
    (void)snprintf(label, sizeof label, "w%d", worker);
    open_shared(the_key);
    for (int round = 0; round < ROUNDS; round++) {
        slot_key(worker, round, key);
        const fhirstore_key_options added = slot_for(key, label);
        must(fhirstore_key_add(store, &added, &slot, NULL) == FHIRSTORE_OK);
        must(slots_with(label) == 1);
        must_write();
        slot_key(worker, round + 100, key);
        const fhirstore_key_options rotated = slot_for(key, "");
        must(fhirstore_key_rotate(store, slot, &rotated, &slot, NULL) == FHIRSTORE_OK);
        must(slots_with(label) == 1);
        must(must_count() > round);
        if (round + 1 < ROUNDS) {
            must(fhirstore_key_remove(store, slot, NULL) == FHIRSTORE_OK);
            must(slots_with(label) == 0);
        }
    }
    close_both();
    _exit(0);
}

static void expect_child(pid_t child)
{
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process ended with %d", status);
}

START_TEST(all_change_slots_at_once)
{
    pid_t children[WORKERS];
    uint8_t key[KEY_BYTES];
    for (int i = 0; i < WORKERS; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            change_slots(i);
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        expect_child(children[i]);
    }
    for (int i = 0; i < WORKERS; i++) {
        slot_key(i, ROUNDS - 1 + 100, key);
        ck_assert_int_eq(try_key(key), FHIRSTORE_OK);
        for (int round = 0; round < ROUNDS; round++) {
            slot_key(i, round, key);
            ck_assert_int_eq(try_key(key), FHIRSTORE_ERR_KEY_WRONG);
        }
    }
    open_shared(the_key);
    ck_assert_int_eq(slots_with("\"slot\":"), 1 + WORKERS);
    ck_assert_int_eq(must_count(), WORKERS * ROUNDS);
    expect_sound(store);
}
END_TEST

/* ---- step by step ---- */

static int to_child[2];
static int to_parent[2];

static void say(const int *pipe_ends)
{
    must(write(pipe_ends[1], "x", 1) == 1);
}

static void wait_for(const int *pipe_ends)
{
    char byte;
    must(read(pipe_ends[0], &byte, 1) == 1);
}

static pid_t start(void (*work)(void))
{
    must(pipe(to_child) == 0 && pipe(to_parent) == 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        work();
        _exit(0);
    }
    return child;
}

/* The other one takes away the slot that this one came in by. */
static void lose_the_slot(void)
{
    fhirstore_buf anchor = {0};
    const fhirstore_key_options later = slot_for((const uint8_t *)"0123456789abcdef0123456789abcde",
                                                 "later");
    open_shared(the_key);
    must_write();
    must(slots_with("\"opened\":true") == 1);
    say(to_parent);
    wait_for(to_child);
    must(slots_with("theirs") == 1 && slots_with("\"slot\":1,") == 0);
    must(slots_with("\"opened\":true") == 0);
    must_write();
    must(must_count() == 3);
    must(fhirstore_key_rotate(store, 0, &later, NULL, NULL) == FHIRSTORE_ERR_NOT_FOUND);
    must(fhirstore_key_add(store, &later, NULL, NULL) == FHIRSTORE_OK);
    must(fhirstore_anchor(store, &anchor, NULL) == FHIRSTORE_OK);
    must(fhirstore_anchor_check(store, anchor.ptr, anchor.len, NULL) == FHIRSTORE_OK);
    fhirstore_buf_clear(&anchor);
    say(to_parent);
    wait_for(to_child);
    close_both();
}

START_TEST(a_slot_taken_away_stays_away)
{
    const fhirstore_key_options theirs = slot_for(another_key, "theirs");
    fhirstore_buf anchor = {0};
    pid_t child = start(lose_the_slot);
    wait_for(to_parent);
    open_shared(the_key);
    ck_assert_int_eq(fhirstore_key_rotate(store, 0, &theirs, NULL, NULL), FHIRSTORE_OK);
    must_write();
    say(to_child);
    wait_for(to_parent);
    ck_assert_int_eq(slots_with("later"), 1);
    ck_assert_int_eq(slots_with("theirs"), 1);
    ck_assert_int_eq(slots_with("\"slot\":"), 2);
    /* What the other process has raised is known here. */
    ck_assert_int_eq(fhirstore_anchor(store, &anchor, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_anchor_check(store, anchor.ptr, anchor.len, NULL), FHIRSTORE_OK);
    fhirstore_buf_clear(&anchor);
    must_write();
    expect_sound(store);
    say(to_child);
    expect_child(child);
    close_both();
    ck_assert_int_eq(try_key(the_key), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_key(another_key), FHIRSTORE_OK);
    open_shared(another_key);
    ck_assert_int_eq(must_count(), 4);
    expect_sound(store);
}
END_TEST

/* ---- a new data key ---- */

static void hold_shared(void)
{
    open_shared(the_key);
    must_write();
    say(to_parent);
    wait_for(to_child);
    must(fhirstore_suspend(store, NULL) == FHIRSTORE_OK);
    say(to_parent);
    wait_for(to_child);
    int64_t count = 0;
    must(fhirstore_search_count(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""), &count,
                                NULL) == FHIRSTORE_ERR_KEY_WRONG);
    close_both();
}

/* It needs the store alone; who had it before and comes back is told so, and changes nothing. */
START_TEST(a_new_data_key_needs_the_store_alone)
{
    const fhirstore_key_options fresh = slot_for(another_key, "fresh");
    fhirstore_open_options alone = shared_by(the_key);
    fhirstore *opened = NULL;
    alone.flags = 0;
    alone.busy_timeout_ms = 0;
    pid_t child = start(hold_shared);
    wait_for(to_parent);
    open_shared(the_key);
    ck_assert_int_eq(fhirstore_key_renew(store, &fresh, NULL, NULL), FHIRSTORE_ERR_NOT_SUPPORTED);
    ck_assert_int_eq(slots_with("fresh"), 0);
    close_both();
    ck_assert_int_eq(fhirstore_open(store_path, strlen(store_path), &alone, &opened, NULL),
                     FHIRSTORE_ERR_IN_USE);
    say(to_child);
    wait_for(to_parent);
    store = must_open(store_path, &alone);
    ck_assert_int_eq(fhirstore_key_renew(store, &fresh, NULL, NULL), FHIRSTORE_OK);
    fhirstore_close(store);
    store = NULL;
    say(to_child);
    expect_child(child);
    /* With pages of both keys it serves several, and is finished by one alone. */
    open_shared(another_key);
    must_write();
    ck_assert_int_eq(must_count(), 2);
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_OK);
    expect_sound(store);
    close_both();
    alone.key = another_key;
    store = must_open(store_path, &alone);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
    ck_assert_int_eq(must_count(), 2);
    expect_sound(store);
}
END_TEST

int main(void)
{
    const test_group groups[] = {GROUP("processes", setup_closed_store, all_change_slots_at_once,
                                       a_slot_taken_away_stays_away,
                                       a_new_data_key_needs_the_store_alone)};
    return run_groups("keys_processes", groups, 1);
}
