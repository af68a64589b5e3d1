/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store to ask, made anew when it has grown; what changes it can be told. Included once by a
 * target.
 */
#ifndef FHS_FUZZ_FRESH_STORE_H
#define FHS_FUZZ_FRESH_STORE_H

#include "interact/interact.h"
#include "own_folder.h"

#ifndef MAX_STORED
#define MAX_STORED 20000 /* changes, before the store is made anew */
#endif

static char path[sizeof folder];
static fhs_core *core;
static fhs_session *session;
static int64_t changes;

static void remove_store(void)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    fhs_session_drop(session);
    fhs_core_close(core);
    session = NULL;
    core = NULL;
    for (size_t i = 0; i < FHS_COUNT_OF(endings); i++) {
        char name[sizeof path + 16];
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}


static void open_store(void)
{
    const fhs_core_options options = {
        .storage = {.path = fhs_str_from_cstr(path),
                    .create = true,
                    .plaintext = true,
                    .sync_normal = true,
                    .busy_timeout_ms = -1,
                    .new_fhir_version = FHS_FHIR_R4},
        .base_url = FHS_LIT("http://localhost/fhir"),
    };
    const fhs_session_options who = {.principal = FHS_LIT("fuzz"), .allow_everything = true};
    FUZZ_LAW(fhs_core_open(&options, &core, NULL) >= FHIRSTORE_OK);
    FUZZ_LAW(fhs_session_new(core, &who, &session, NULL) >= FHIRSTORE_OK);
}

/* Before each input. True: the store is new, and empty. */
static bool enter(void)
{
    bool is_new = false;
    if (path[0] == '\0') {
        make_folder();
        (void)snprintf(path, sizeof path, "%.4000s/store", folder);
        (void)atexit(remove_store);
    }
    if (core != NULL && changes > MAX_STORED) {
        remove_store();
    }
    if (core == NULL) {
        open_store();
        is_new = true;
    }
    return is_new;
}

static int64_t last_change(void)
{
    fhs_conn *conn = NULL;
    int64_t seq = -1;
    FUZZ_LAW(fhs_storage_reader(core->storage, &conn, NULL) >= FHIRSTORE_OK);
    FUZZ_LAW(fhs_conn_last_seq(conn, &seq, NULL) >= FHIRSTORE_OK);
    fhs_conn_release(conn);
    return seq;
}

/* An answer is an answer: a FHIR status, JSON unless it is content, and no trace of what was
 * refused. */
static inline void check_answer(const fhs_answer *answer, int64_t before)
{
    fhs_arena arena;
    const fhs_json *root;
    const fhs_str body = fhs_buf_str(&answer->body);
    FUZZ_LAW(answer->http >= 200 && answer->http < 600);
    FUZZ_LAW(answer->http < 400 || answer->is_outcome);
    FUZZ_LAW(answer->http < 400 || last_change() == before);
    if (body.len > 0 && !answer->is_content) {
        fhs_arena_init(&arena, SIZE_MAX);
        FUZZ_LAW(fhs_json_read(&arena, body, NULL, &root, NULL) == FHIRSTORE_OK);
        fhs_arena_clear(&arena);
    }
}

#endif
