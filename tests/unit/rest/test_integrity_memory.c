/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of a write that integrity looks at fails once: nothing is stored then. */
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "failing_alloc.h"
#include "rest/rest.h"
#include "suite.h"

static char folder[64];
static char path[96];
static fhs_core *core;
static fhs_session *session;

static int32_t send_request(const char *method, const char *url, const char *body, int64_t fail_at,
                            bool *has_failed_out)
{
    fhs_answer answer;
    fhirstore_error *err = NULL;
    const fhs_request request = {.method = fhs_str_from_cstr(method),
                                 .url = fhs_str_from_cstr(url),
                                 .body = fhs_str_from_cstr(body)};
    fhs_answer_init(&answer);
    left_until_failure = fail_at;
    fhirstore_status status = fhs_request_run(session, &request, &answer, &err);
    *has_failed_out = fail_at > 0 && left_until_failure == 0;
    left_until_failure = 0;
    int32_t http = status < FHIRSTORE_OK ? fhs_status_http(status) : answer.http;
    fhs_error_free(err);
    fhs_answer_clear(&answer);
    return http;
}

static int32_t tell(const char *method, const char *url, const char *body)
{
    bool ignored;
    return send_request(method, url, body, 0, &ignored);
}

static void open_store(void)
{
    const fhs_session_options who = {.principal = FHS_LIT("tester"), .allow_everything = true};
    (void)snprintf(folder, sizeof folder, "/tmp/fhs-integrity-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/store", folder);
    const fhs_core_options options = {
        .storage = {.path = fhs_str_from_cstr(path),
                    .create = true,
                    .plaintext = true,
                    .sync_normal = true,
                    .new_fhir_version = FHS_FHIR_R4},
        .base_url = FHS_LIT("http://here/fhir"),
        .validation = FHS_VALIDATION_FULL,
        .integrity = FHS_INTEGRITY_CASCADE,
    };
    ck_assert_int_eq(fhs_core_open(&options, &core, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_session_new(core, &who, &session, NULL), FHIRSTORE_OK);
}

static void close_store(void)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char name[128];
    fhs_session_drop(session);
    fhs_core_close(core);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
}

#define OBSERVATION                                                                           \
    "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":" \
    "\"x\"},"                                                                                 \
    "\"subject\":{\"reference\":\"Patient/p\"}}"

static const struct write_case {
    const char *method;
    const char *url;
    const char *body;
    int32_t done; /* what it answers in the end */
    const char *gone;
} writes[] = {
    {"PUT", "Observation/o", OBSERVATION, 201, NULL},
    {"PUT", "Observation/o",
     "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\",\"code\":{\"text\":\"x\"}"
     ","
     "\"subject\":{\"reference\":\"Patient/none\"}}",
     409, NULL},
    {"DELETE", "Patient/p", "", 409, NULL},
    {"DELETE", "Patient/p?_cascade=delete", "", 204, "Observation/o"},
};

START_TEST(every_allocation_may_fail)
{
    const struct write_case *row = &writes[_i];
    bool has_failed = true;
    int64_t n = 1;
    ck_assert_int_eq(tell("PUT", "Patient/p", "{\"resourceType\":\"Patient\",\"id\":\"p\"}"), 201);
    if (_i >= 2) {
        ck_assert_int_eq(tell("PUT", "Observation/o", OBSERVATION), 201);
    }
    for (; has_failed; n++) {
        int32_t http = send_request(row->method, row->url, row->body, n, &has_failed);
        if (has_failed && http == row->done && http < 300) {
            break; /* what failed was only kept for later */
        }
        if (!has_failed) {
            ck_assert_int_eq(http, row->done);
            break;
        }
        ck_assert_int_ge(http, 400);
        ck_assert_int_eq(tell("GET", "Patient/p", ""), 200);
        ck_assert_int_eq(tell("GET", "Observation/o", ""), _i >= 2 ? 200 : 404);
        ck_assert_int_lt(n, 20000);
    }
    ck_assert_int_gt(n, 4);
    if (row->gone != NULL) {
        ck_assert_int_eq(tell("GET", row->gone, ""), 410);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interact/integrity_memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, open_store, close_store);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, (int)(sizeof writes / sizeof *writes));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
