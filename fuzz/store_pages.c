/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages with a valid key: what is inside them was made by somebody who has it. The input is edits
 * of a store with a few resources, a text index and a journal: page, what, offset (2 bytes),
 * length, byte. Changed pages are sealed again. Whatever they say, every call answers with a
 * status, verify does not find the store sound, and untouched it is sound.
 */
#include <string.h>

#include "interact/interact.h"
#include "own_folder.h"
#include "rest/rest.h"
#include "vfs/vfs_internal.h"

#define MAX_EDITS 32u
#define MAX_PAGES 512u
#define EDIT      6u

static const uint8_t raw_key[FHS_KEYS_KEY_BYTES] = {7, 7, 7};
static char path[sizeof folder];

typedef struct book {
    size_t size; /* of the file */
    uint8_t bytes[BLOCK_BYTES + MAX_PAGES * PAGE_BYTES];
} book;

static book good;
static uint8_t plain[MAX_PAGES][PAGE_BYTES];
static uint32_t page_count;
static fhs_vfs *sealer; /* another copy's, to seal with */

static fhirstore_status open_core(bool create, fhs_core **core, fhs_session **session)
{
    const fhs_core_options options = {
        .storage = {.path = fhs_str_from_cstr(path),
                    .key = raw_key,
                    .create = create,
                    .sync_normal = true,
                    .busy_timeout_ms = -1,
                    .new_fhir_version = FHS_FHIR_R4},
        .base_url = FHS_LIT("http://localhost/fhir"),
    };
    const fhs_session_options who = {.principal = FHS_LIT("fuzz"), .allow_everything = true};
    *core = NULL;
    *session = NULL;
    fhirstore_status status = fhs_core_open(&options, core, NULL);
    return status < FHIRSTORE_OK ? status : fhs_session_new(*core, &who, session, NULL);
}

static void close_core(fhs_core *core, fhs_session *session)
{
    fhs_session_drop(session);
    if (core != NULL) {
        fhs_core_close(core);
    }
}

static int32_t ask(fhs_session *session, const char *method, const char *url, const char *body)
{
    const fhs_request request = {.method = fhs_str_from_cstr(method),
                                 .url = fhs_str_from_cstr(url),
                                 .body = fhs_str_from_cstr(body)};
    fhs_answer answer;
    fhs_answer_init(&answer);
    const fhirstore_status status = fhs_request_run(session, &request, &answer, NULL);
    const int32_t http = status < FHIRSTORE_OK ? 0 : answer.http;
    FUZZ_LAW(status < FHIRSTORE_OK || (http >= 200 && http < 600));
    fhs_answer_clear(&answer);
    return http;
}

static const char patient[] =
    "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true,\"identifier\":[{\"system\":\"u\","
    "\"value\":\"7\"}],\"name\":[{\"family\":\"Abel\",\"given\":[\"Ada\"]}],\"birthDate\":"
    "\"1970-01-02\",\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/"
    "1999/xhtml\\\">some words</div>\"}}";

static void fill(fhs_session *session)
{
    static const char observation[] =
        "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"coding\":["
        "{\"system\":\"http://loinc.org\",\"code\":\"8867-4\"}]},\"subject\":{\"reference\":"
        "\"Patient/a\"},\"effectiveDateTime\":\"2020-05-06\",\"valueQuantity\":{\"value\":70,"
        "\"unit\":\"1/min\"}}";
    FUZZ_LAW(ask(session, "PUT", "Patient/a", "{\"resourceType\":\"Patient\",\"id\":\"a\"}") ==
             201);
    FUZZ_LAW(ask(session, "PUT", "Patient/a", patient) == 200);
    FUZZ_LAW(ask(session, "PUT", "Observation/o", observation) == 201);
    FUZZ_LAW(ask(session, "PUT", "Patient/b", "{\"resourceType\":\"Patient\",\"id\":\"b\"}") ==
             201);
    FUZZ_LAW(ask(session, "DELETE", "Patient/b", "") < 300);
}

static void save_book(const char *name, const book *bytes)
{
    FILE *file = fopen(name, "wb");
    FUZZ_LAW(file != NULL && fwrite(bytes->bytes, 1, bytes->size, file) == bytes->size);
    FUZZ_LAW(fclose(file) == 0);
}

/* A copy under another name is another store to SQLite, and stays open. */
static void open_sealer(void)
{
    char name[sizeof path + 8];
    const fhs_vfs_options options = {
        .credential = {.raw_key = raw_key, .raw_key_len = sizeof raw_key}};
    (void)snprintf(name, sizeof name, "%s-other", path);
    save_book(name, &good);
    FUZZ_LAW(fhs_vfs_open(name, &options, &sealer, NULL) == FHIRSTORE_OK);
    (void)unlink(name);
    for (uint32_t i = 0; i < page_count; i++) {
        FUZZ_LAW(fhs_vfs_open_page(sealer, i + 1, good.bytes + BLOCK_BYTES + (size_t)i * PAGE_BYTES,
                                   plain[i]));
    }
}

static void leave(void)
{
    fhs_vfs_close(sealer);
}

static void make_good(void)
{
    fhs_core *core;
    fhs_session *session;
    if (good.size > 0) {
        return;
    }
    make_folder();
    (void)snprintf(path, sizeof path, "%.4000s/store", folder);
    FUZZ_LAW(open_core(true, &core, &session) >= FHIRSTORE_OK);
    fill(session);
    close_core(core, session);
    FILE *file = fopen(path, "rb");
    FUZZ_LAW(file != NULL);
    good.size = fread(good.bytes, 1, sizeof good.bytes, file);
    (void)fclose(file);
    FUZZ_LAW(good.size < sizeof good.bytes && good.size % PAGE_BYTES == 0);
    page_count = (uint32_t)((good.size - BLOCK_BYTES) / PAGE_BYTES);
    open_sealer();
    FUZZ_LAW(atexit(leave) == 0);
}

static void edit_page(uint8_t pages[][PAGE_BYTES], const uint8_t *edit)
{
    uint8_t *page = pages[edit[0] % page_count];
    const size_t at = ((size_t)edit[2] << 8 | edit[3]) % BODY_BYTES;
    const size_t room = BODY_BYTES - at;
    const size_t length = edit[4] < room ? edit[4] : room;
    switch (edit[1] % 5) {
    case 0:
        page[at] = edit[5];
        break;
    case 1:
        page[at] ^= (uint8_t)(1u << edit[5] % 8);
        break;
    case 2:
        memset(page + at, edit[5], length);
        break;
    case 3: /* what stands further in front */
        memmove(page + at, page + at * edit[5] / 256, length);
        break;
    default:
        memcpy(page, plain[edit[5] % page_count], BODY_BYTES);
        break;
    }
}

static bool make_victim(const uint8_t *data, size_t size)
{
    static uint8_t pages[MAX_PAGES][PAGE_BYTES];
    static book victim;
    bool is_changed = false;
    memcpy(pages, plain, (size_t)page_count * PAGE_BYTES);
    victim.size = good.size;
    memcpy(victim.bytes, good.bytes, good.size);
    for (size_t i = 0; i < MAX_EDITS && (i + 1) * EDIT <= size; i++) {
        edit_page(pages, data + i * EDIT);
    }
    for (uint32_t i = 0; i < page_count; i++) {
        if (memcmp(pages[i], plain[i], PAGE_BYTES) != 0) {
            is_changed = true;
            fhs_vfs_seal_page(sealer, i + 1, false, pages[i],
                              victim.bytes + BLOCK_BYTES + (size_t)i * PAGE_BYTES);
        }
    }
    save_book(path, &victim);
    return is_changed;
}

static void use_store(fhs_session *session)
{
    static const struct {
        const char *method;
        const char *url;
        const char *body;
    } calls[] = {
        {"GET", "Patient/a", ""},
        {"GET", "Patient/a/_history", ""},
        {"GET", "Patient/b", ""},
        {"GET", "_history", ""},
        {"GET", "Patient?name=abel&birthdate=1970&_sort=-_lastUpdated", ""},
        {"GET", "Patient?identifier=u|7&_revinclude=Observation:subject", ""},
        {"GET", "Patient?_text=words", ""},
        {"GET", "Observation?code=8867-4&subject.name=Abel&_include=*", ""},
        {"GET", "Observation?value-quantity=gt60&date=2020", ""},
        {"GET", "Patient/a/$everything", ""},
        {"GET", "AuditEvent", ""},
        {"PUT", "Patient/a", "{\"resourceType\":\"Patient\",\"id\":\"a\",\"gender\":\"male\"}"},
        {"PUT", "Patient/a", patient},
        {"DELETE", "Observation/o", ""},
        {"POST", "$reindex", ""},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(calls); i++) {
        (void)ask(session, calls[i].method, calls[i].url, calls[i].body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_core *core = NULL;
    fhs_session *session = NULL;
    fhirstore_error *err = NULL;
    int64_t findings = 0;
    make_good();
    const bool is_changed = make_victim(data, size);
    fhirstore_status status = open_core(false, &core, &session);
    FUZZ_LAW(status >= FHIRSTORE_OK || is_changed);
    if (status >= FHIRSTORE_OK) {
        status = fhs_core_verify(core, NULL, NULL, &findings, &err);
        FUZZ_LAW((status < FHIRSTORE_OK) == (err != NULL));
        FUZZ_LAW(err == NULL || fhs_error_message(err)[0] != '\0');
        FUZZ_LAW(is_changed ? status < FHIRSTORE_OK || findings > 0
                            : status >= FHIRSTORE_OK && findings == 0);
        fhs_error_free(err);
        use_store(session);
    }
    close_core(core, session);
    (void)unlink(path);
    char log_name[sizeof path + 8];
    (void)snprintf(log_name, sizeof log_name, "%s-wal", path);
    (void)unlink(log_name);
    return 0;
}
