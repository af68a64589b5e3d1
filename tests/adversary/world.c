/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

static const char the_phrase[] = "correct horse battery staple";

world now;

static bytes load(const char *path)
{
    bytes out = {NULL, 0};
    if (access(path, F_OK) == 0) {
        out.data = (uint8_t *)load_file(path, &out.len);
    }
    return out;
}

bytes copy_of(bytes from)
{
    bytes out = {malloc(from.len + 1), from.len};
    ck_assert_ptr_nonnull(out.data);
    if (from.len > 0) {
        memcpy(out.data, from.data, from.len);
    }
    return out;
}

void resize(bytes *target, size_t len)
{
    target->data = realloc(target->data, len + 1);
    ck_assert_ptr_nonnull(target->data);
    if (len > target->len) {
        memset(target->data + target->len, 0, len - target->len);
    }
    target->len = len;
}

void put_bytes(bytes target, size_t at, bytes source, size_t from, size_t len)
{
    ck_assert_uint_le(at + len, target.len);
    ck_assert_uint_le(from + len, source.len);
    memmove(target.data + at, source.data + from, len);
}

size_t pages_in(bytes file)
{
    return (file.len - BLOCK_BYTES) / PAGE_BYTES;
}

size_t page_at(size_t page)
{
    return BLOCK_BYTES + (page - 1) * PAGE_BYTES;
}

size_t frames_in(bytes log)
{
    return log.len < LOG_HEADER ? 0 : (log.len - LOG_HEADER) / FRAME_BYTES;
}

size_t frame_at(size_t frame)
{
    return LOG_HEADER + frame * FRAME_BYTES;
}

void fix_checksum(bytes file, size_t copy)
{
    uint8_t *at = file.data + copy * COPY_BYTES;
    (void)crypto_generichash(at + 4032, 32, at, 4032, NULL, 0);
}

static uint64_t number_at(const uint8_t *at)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | at[i];
    }
    return value;
}

size_t copy_in_force(bytes file)
{
    return number_at(file.data + 48) > number_at(file.data + COPY_BYTES + 48) ? 0 : 1;
}

/* ---- making it ---- */

static fhirstore_open_options options_of(lock_kind kind, bool create)
{
    fhirstore_open_options options = open_options();
    options.flags = create ? FHIRSTORE_OPEN_CREATE : 0;
    options.wal_bytes = 65536; /* so that checkpoints come and go */
    if (kind != BY_KEY) {
        options.key = NULL;
        options.key_len = 0;
    }
    if (kind == IN_PLAIN) {
        options.flags |= FHIRSTORE_OPEN_PLAINTEXT;
    }
    if (kind == BY_PHRASE) {
        options.passphrase = the_phrase;
        options.passphrase_len = strlen(the_phrase);
        options.kdf_memory_kib = 8192;
        options.kdf_passes = 1;
    }
    return options;
}

static void fill(const char *prefix, int from, int to)
{
    for (int i = from; i < to; i++) {
        char id[32];
        char body[400];
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"name\":[{\"family\":\"%s%d\","
                       "\"given\":[\"Ada\"]}],\"birthDate\":\"19%02d-01-02\",\"text\":{\"status\":"
                       "\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">"
                       "note %d</div>\"}}",
                       id, prefix, i, i % 100, i);
        ck_assert_int_ge(update("Patient", id, body).status, FHIRSTORE_OK);
    }
    forget_replies();
}

static char *everything(fhirstore_status *status_out)
{
    reply answer = ask("GET", "_history?_count=1000", NULL, NULL);
    bool is_there = answer.status >= FHIRSTORE_OK && answer.http == 200;
    char *text = is_there ? strdup(answer.body) : NULL;
    *status_out = answer.status < FHIRSTORE_OK ? answer.status
                  : answer.http == 200         ? FHIRSTORE_OK
                                               : FHIRSTORE_ERR_TAMPERED;
    forget_replies();
    return text;
}

static moment capture(void)
{
    fhirstore_status status;
    char log[128];
    (void)snprintf(log, sizeof log, "%s-wal", store_path);
    moment out = {load(store_path), load(log), NULL};
    out.answer = session == NULL ? NULL : everything(&status);
    return out;
}

static void enter(lock_kind kind, bool create)
{
    fhirstore_open_options options = options_of(kind, create);
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "adversary");
}

static void leave(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static moment capture_closed(lock_kind kind)
{
    fhirstore_status status;
    leave();
    moment out = capture();
    enter(kind, false);
    out.answer = everything(&status);
    ck_assert_int_eq(status, FHIRSTORE_OK);
    return out;
}

static void remove_store(void)
{
    char log[128];
    (void)snprintf(log, sizeof log, "%s-wal", store_path);
    leave();
    (void)unlink(store_path);
    (void)unlink(log);
}

static void make_others(void)
{
    enter(BY_KEY, true);
    fill("Other", 0, 20);
    now.other = capture_closed(BY_KEY);
    fill("Elsewhere", 0, 20);
    now.other_running = capture();
    remove_store();
    enter(IN_PLAIN, true);
    fill("Plain", 0, 5);
    now.plain = capture_closed(IN_PLAIN);
    remove_store();
    enter(BY_PHRASE, true);
    fill("Phrase", 0, 5);
    now.phrase = capture_closed(BY_PHRASE);
    remove_store();
}

void make_world(void)
{
    fhirstore_buf anchor = {0};
    setup_folder();
    enter(BY_KEY, true);
    fill("Alder", 0, 30);
    now.older = capture_closed(BY_KEY);
    fill("Birch", 5, 12);
    now.earlier = capture();
    fill("Cedar", 0, 40);
    ck_assert_int_eq(fhirstore_anchor(store, &anchor, NULL), FHIRSTORE_OK);
    now.anchor = strdup(anchor.ptr);
    fhirstore_buf_clear(&anchor);
    now.closed = capture_closed(BY_KEY);
    fill("Dogwood", 10, 14);
    now.crashed = capture();
    remove_store();
    make_others();
    ck_assert_uint_gt(frames_in(now.crashed.log), 4);
}

static void free_moment(moment *which)
{
    free(which->file.data);
    free(which->log.data);
    free(which->answer);
}

void free_world(void)
{
    moment *const all[] = {&now.older, &now.closed,        &now.earlier, &now.crashed,
                           &now.other, &now.other_running, &now.plain,   &now.phrase};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free_moment(all[i]);
    }
    free(now.anchor);
    teardown();
}

/* ---- looking at it ---- */

static void note_said(void *ctx, const char *area, const char *text)
{
    sight *seen = ctx;
    seen->notices += strcmp(area, "notice") == 0 ? 1 : 0;
    if (seen->said[0] == '\0') {
        (void)snprintf(seen->said, sizeof seen->said, "%s: %s", area, text);
    }
}

sight look_at(bytes file, bytes log, lock_kind kind, const char *anchor)
{
    sight seen = {.read = FHIRSTORE_ERR_NOT_FOUND};
    char log_path[128];
    fhirstore_error *error = NULL;
    fhirstore_open_options options = options_of(kind, false);
    options.anchor = anchor;
    options.anchor_len = anchor == NULL ? 0 : strlen(anchor);
    (void)snprintf(log_path, sizeof log_path, "%s-wal", store_path);
    save_file(store_path, file.data, file.len);
    (void)unlink(log_path);
    if (log.len > 0) {
        save_file(log_path, log.data, log.len);
    }
    seen.opened = fhirstore_open(store_path, strlen(store_path), &options, &store, &error);
    if (seen.opened < FHIRSTORE_OK) {
        (void)snprintf(seen.said, sizeof seen.said, "%s", fhirstore_error_message(error));
        fhirstore_error_free(error);
        return seen;
    }
    seen.verified = fhirstore_verify(store, note_said, &seen, &seen.findings, &error);
    fhirstore_error_free(error);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "adversary");
    seen.answer = everything(&seen.read);
    leave();
    return seen;
}

/* ---- chance ---- */

bool is_long_run(void)
{
    const char *value = getenv("FHIRSTORE_TEST_LONG");
    return value != NULL && value[0] != '\0' && value[0] != '0';
}

static uint64_t chance;

uint64_t seed_of_run(void)
{
    const char *given = getenv("FHS_TEST_SEED");
    uint64_t seed = given == NULL ? 20241107u : strtoull(given, NULL, 0);
    chance = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15);
    return seed;
}

uint32_t pick(uint32_t below)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)((chance >> 20) % below);
}
