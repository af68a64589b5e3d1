/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as they come: a line with method and URL, lines of headers, an empty line, the body
 * (Bundles among them). Whatever the bytes, there is an answer: a FHIR status, a body that is JSON,
 * an OperationOutcome where it is a refusal; and a refused write leaves the store as it was.
 */
#include <stdlib.h>
#include <unistd.h>

#include "interact/interact.h"
#include "law.h"

#define MAX_HEADERS 12u
#define MAX_STORED  20000 /* changes, before the store is made anew */

static char folder[] = "/tmp/fhs-fuzz-request-XXXXXX";
static char path[64];
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
        char name[96];
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
}

static void leave(void)
{
    remove_store();
    (void)rmdir(folder);
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

static void enter(void)
{
    if (path[0] == '\0') {
        FUZZ_LAW(mkdtemp(folder) != NULL);
        (void)snprintf(path, sizeof path, "%s/store", folder);
        (void)atexit(leave);
    }
    if (core != NULL && changes > MAX_STORED) {
        remove_store();
    }
    if (core == NULL) {
        open_store();
    }
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

static fhs_str cut_line(fhs_str *text)
{
    fhs_str line = *text;
    fhs_str rest = FHS_STR_NONE;
    (void)fhs_str_split(*text, '\n', &line, &rest);
    *text = rest;
    return line;
}

static void check_answer(const fhs_answer *answer, int64_t before)
{
    fhs_arena arena;
    const fhs_json *root;
    const fhs_str body = fhs_buf_str(&answer->body);
    FUZZ_LAW(answer->http >= 200 && answer->http < 600);
    FUZZ_LAW(answer->http < 400 || answer->is_outcome);
    FUZZ_LAW(answer->http < 400 || last_change() == before);
    if (body.len > 0) {
        fhs_arena_init(&arena, SIZE_MAX);
        FUZZ_LAW(fhs_json_read(&arena, body, NULL, &root, NULL) == FHIRSTORE_OK);
        fhs_arena_clear(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_header headers[MAX_HEADERS];
    fhs_answer answer;
    fhs_str text = fhs_str_of((const char *)data, size);
    fhs_request request = {.headers = headers};
    enter();
    fhs_str line = cut_line(&text);
    request.method = line;
    (void)fhs_str_split(line, ' ', &request.method, &request.url);
    while (text.len > 0 && request.header_count < MAX_HEADERS) {
        line = cut_line(&text);
        fhs_header *header = &headers[request.header_count];
        if (line.len == 0) {
            break;
        }
        *header = (fhs_header){line, FHS_LIT("")};
        (void)fhs_str_split(line, ':', &header->name, &header->value);
        request.header_count++;
    }
    request.body = text.ptr == NULL ? FHS_LIT("") : text;
    const int64_t before = last_change();
    fhs_answer_init(&answer);
    FUZZ_LAW(fhs_request_run(session, &request, &answer, NULL) >= FHIRSTORE_OK);
    check_answer(&answer, before);
    fhs_answer_clear(&answer);
    changes = last_change();
    return 0;
}
