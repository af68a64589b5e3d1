/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of a write that integrity looks at fails once: nothing is stored then. */
#include "failing_request.h"

static int32_t tell(const char *method, const char *url, const char *body)
{
    return send_failing(method, url, body, 0).http;
}

static void open_store(void)
{
    fhs_core_options options = new_core_options();
    options.validation = FHS_VALIDATION_FULL;
    options.integrity = FHS_INTEGRITY_CASCADE;
    open_core(&options);
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
        const sent answer = send_failing(row->method, row->url, row->body, n);
        const int32_t http = answer.http;
        has_failed = answer.has_failed;
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
    tcase_add_checked_fixture(tests, open_store, close_core);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, (int)(sizeof writes / sizeof *writes));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
