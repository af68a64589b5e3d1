/* SPDX-License-Identifier: Apache-2.0 */
#include "campaign.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int64_t fixed_time;
const uint8_t spare_key[KEY_BYTES] = {0x44, 0x17, 0x99};

/* ---- the table ---- */

static size_t count_calls(const public_call *list)
{
    size_t count = 0;
    while (list[count].name != NULL) {
        count++;
    }
    return count;
}

size_t call_count(void)
{
    return count_calls(served_calls) + count_calls(store_calls);
}

const public_call *call_at(size_t index)
{
    const size_t served = count_calls(served_calls);
    return index < served ? &served_calls[index] : &store_calls[index - served];
}

bool is_call_wanted(const public_call *call)
{
    const char *wanted = getenv("FHS_FAULT_CALLS");
    return wanted == NULL || wanted[0] == '\0' || strstr(call->name, wanted) != NULL ||
           strstr(call->functions, wanted) != NULL;
}

bool is_campaign_long(void)
{
    const char *value = getenv("FHIRSTORE_TEST_LONG");
    return value != NULL && value[0] != '\0' && value[0] != '0';
}

void must_hold(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "# does not hold: %s\n", what);
        abort();
    }
}

static uint64_t campaign_dice;

void take_campaign_seed(const char *what)
{
    const char *given = getenv("FHS_TEST_SEED");
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10)
                                  : (uint64_t)now.tv_nsec * 1000003u + (uint64_t)now.tv_sec;
    (void)fprintf(stderr, "# %s: FHS_TEST_SEED=%llu\n", what, (unsigned long long)seed);
    campaign_dice = seed;
}

uint32_t throw_campaign_dice(uint32_t below)
{
    campaign_dice = campaign_dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((campaign_dice >> 33) % below);
}

/* ---- the store ---- */

static int64_t tell_time(void *ctx)
{
    return *(const int64_t *)ctx;
}

fhirstore_open_options fixed_options(void)
{
    fhirstore_open_options options = open_options();
    options.clock = tell_time;
    options.clock_ctx = &fixed_time;
    options.flags |= FHIRSTORE_OPEN_PATIENT_KEYS;
    options.cache_bytes = 1 << 20;
    return options;
}

fhirstore_status judge(fhirstore_status status, fhirstore_response *response)
{
    if (status >= FHIRSTORE_OK && fhirstore_response_http(response) >= 400) {
        size_t len;
        const char *body = fhirstore_response_body(response, &len);
        must_hold(strstr(body, "OperationOutcome") != NULL, "a failure is an outcome");
        switch (fhirstore_response_http(response)) {
        case 500:
            status = FHIRSTORE_ERR_NO_MEMORY;
            break;
        case 503:
            status = FHIRSTORE_ERR_BUSY;
            break;
        case 507:
            status = FHIRSTORE_ERR_FULL;
            break;
        default:
            status = FHIRSTORE_ERR_INTERNAL;
        }
    }
    fhirstore_response_free(response);
    return status;
}

fhirstore_status run_request(const char *method, const char *url, const char *body)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_request(session, method, strlen(method), url, strlen(url),
                                                NULL, 0, body, strlen(body), &response, &error);
    fhirstore_error_free(error);
    return judge(status, response);
}

fhirstore_status run_with_header(const char *method, const char *url, const char *name,
                                 const char *value, const char *body)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    const fhirstore_header header = {name, strlen(name), value, strlen(value)};
    fhirstore_status status = fhirstore_request(session, method, strlen(method), url, strlen(url),
                                                &header, 1, body, strlen(body), &response, &error);
    fhirstore_error_free(error);
    return judge(status, response);
}

void open_fixed(void)
{
    const fhirstore_open_options options = fixed_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
}

void close_fixed(void)
{
    forget_replies();
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static char *template_bytes;
static size_t template_len;

void restore_template(void)
{
    DIR *listed = opendir(folder);
    ck_assert_ptr_nonnull(listed);
    for (const struct dirent *entry; (entry = readdir(listed)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)unlink(in_folder(entry->d_name));
        }
    }
    (void)closedir(listed);
    save_file(store_path, template_bytes, template_len);
}

static void add_spare_slot(void)
{
    fhirstore_key_options spare = FHIRSTORE_KEY_OPTIONS_INIT;
    uint32_t slot = 0;
    spare.key = spare_key;
    spare.key_len = KEY_BYTES;
    ck_assert_int_eq(fhirstore_key_add(store, &spare, &slot, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(slot, 2);
}

void setup_template(void)
{
    char body[512];
    fixed_time = INT64_C(1700000000) * SECOND;
    setup_folder();
    open_fixed();
    for (int i = 0; i < 8; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"gender\":\"male\",\"name\":[{"
                       "\"family\":\"Family%d\"}],\"birthDate\":\"19%d0-01-01\"}",
                       id, i, i + 1);
        expect_status(update("Patient", id, body), FHIRSTORE_CREATED);
        (void)snprintf(id, sizeof id, "o%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Observation\",\"id\":\"%s\",\"status\":\"final\","
                       "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p%d\"},"
                       "\"valueQuantity\":{\"value\":%d,\"unit\":\"kg\",\"code\":\"kg\","
                       "\"system\":\"http://unitsofmeasure.org\"}}",
                       id, i, i * 2);
        expect_status(update("Observation", id, body), FHIRSTORE_CREATED);
    }
    expect_status(update("SearchParameter", "born", PARAMETER("born", "date", "Patient.birthDate")),
                  FHIRSTORE_CREATED);
    add_spare_slot();
    close_fixed();
    template_bytes = load_file(store_path, &template_len);
    fixed_time += 100 * SECOND;
}

void teardown_template(void)
{
    free(template_bytes);
    template_bytes = NULL;
    teardown();
}

/* ---- what is left ---- */

/* What is stored, and who may open it. */
char *state_of_call(const public_call *call)
{
    const char *state = state_of_store();
    const char *counts = strrchr(state, '\n');
    fhirstore_buf slots = {0};
    fhirstore_status status = fhirstore_key_list(store, &slots, NULL);
    ck_assert(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NOT_SUPPORTED);
    const size_t history_len = (call->traits & CALL_MAKES_IDS) != 0 ? 0 : (size_t)(counts - state);
    counts = (call->traits & CALL_IN_STEPS) != 0 ? "" : counts;
    size_t size = history_len + strlen(counts) + slots.len + 2;
    char *all = malloc(size);
    ck_assert_ptr_nonnull(all);
    (void)snprintf(all, size, "%.*s%s\n%s", (int)history_len, state, counts,
                   slots.len == 0 ? "" : slots.ptr);
    fhirstore_buf_clear(&slots);
    return all;
}

void check_state(const public_call *call, const char *what, fhirstore_status status,
                 const char *before, const char *after)
{
    char *now = state_of_call(call);
    bool is_before = strcmp(now, before) == 0;
    bool is_after = strcmp(now, after) == 0;
    size_t same = 0;
    while (now[same] != '\0' && now[same] == after[same]) {
        same++;
    }
    ck_assert_msg(is_before || is_after,
                  "%s, %s (%s): neither before nor after:\n%.1000s\nafter:\n%.1000s", call->name,
                  what, fhirstore_status_name(status), now + same, after + same);
    ck_assert_msg(status < FHIRSTORE_OK || is_after, "%s, %s: %s, but not there", call->name, what,
                  fhirstore_status_name(status));
    free(now);
}

static fhirstore_status try_to_open(const char *path, const uint8_t *key, uint32_t flags)
{
    fhirstore_open_options options = fixed_options();
    options.flags = flags | (key == NULL ? (uint32_t)FHIRSTORE_OPEN_PLAINTEXT : 0u);
    options.key = key;
    options.key_len = key == NULL ? 0 : KEY_BYTES;
    fhirstore_status status = fhirstore_open(path, strlen(path), &options, &store, NULL);
    if (status == FHIRSTORE_OK) {
        session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    }
    return status;
}

/* The next change of a key writes what a failed write of the header has torn. */
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

static void expect_whole(void)
{
    expect_sound(store);
    close_fixed();
}

/* A copy is there as a whole, or not at all. */
static void check_copy(const char *name, const uint8_t *key, int64_t patients, bool must_be)
{
    const char *path = in_folder(name);
    if (access(path, F_OK) != 0) {
        ck_assert_msg(!must_be, "%s is not there", name);
        return;
    }
    fhirstore_status status = try_to_open(path, key, 0);
    if (status == FHIRSTORE_ERR_NOT_A_STORE && patients == 0) {
        /* A new file that has no tables yet, until somebody creates the store again. */
        status = try_to_open(path, key, FHIRSTORE_OPEN_CREATE);
    }
    ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", name, fhirstore_status_name(status));
    ck_assert_int_eq(count_of("Patient", ""), patients);
    expect_whole();
}

/* Under the key from before or that from after. */
static void open_left(const public_call *call, const char *what)
{
    fhirstore_status opened = try_to_open(store_path, the_key, 0);
    if (opened != FHIRSTORE_OK && call->key_after != NULL) {
        opened = try_to_open(store_path, call->key_after, 0);
    }
    if (opened != FHIRSTORE_OK && (call->traits & CALL_PLAIN_AFTER) != 0) {
        opened = try_to_open(store_path, NULL, 0);
    }
    ck_assert_msg(opened == FHIRSTORE_OK, "%s, %s: then opening: %s", call->name, what,
                  fhirstore_status_name(opened));
}

char *state_left(const public_call *call)
{
    open_left(call, "all went well");
    char *state = state_of_call(call);
    close_fixed();
    return state;
}

void check_left(const public_call *call, const char *what, fhirstore_status status,
                const char *before, const char *after, bool mends)
{
    open_left(call, what);
    check_state(call, what, status, before, after);
    if (mends) {
        write_header();
        close_fixed();
        open_left(call, what); /* who found the torn copy goes on telling of it */
        expect_sound(store);
        /* A renewal that was begun goes on. */
        ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
    }
    expect_whole();
    check_copy("copy", another_key, 8, status >= FHIRSTORE_OK && strcmp(call->name, "backup") == 0);
    check_copy("plain", NULL, 8, status >= FHIRSTORE_OK && strcmp(call->name, "plain backup") == 0);
    check_copy("fresh", another_key, 0,
               status >= FHIRSTORE_OK && strcmp(call->name, "new store") == 0);
}
