/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation fails, ours, SQLite's and libsodium's, once or from then on, in every public
 * function: the answer is that memory is short (or all went well), nothing leaks, and the store is
 * as it was before or as it should be after.
 *
 * Short form: some allocations of each call, which FHS_TEST_SEED chooses. FHIRSTORE_TEST_LONG=1:
 * all of them. ./dev fault runs either.
 */
#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/mman.h>

#include "campaign.h"
#include "failing_malloc.h"

#define SAMPLES 10

/* ---- allocations of others that fail ---- */

static sqlite3_mem_methods real_methods;

static void *failing_malloc(int size)
{
    return must_fail() ? NULL : real_methods.xMalloc(size);
}

static void *failing_realloc(void *ptr, int size)
{
    return must_fail() ? NULL : real_methods.xRealloc(ptr, size);
}

static void *failing_node(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__real_sodium_malloc(size_t size);
void *__wrap_sodium_malloc(size_t size);
int __real_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *words,
                         unsigned long long words_len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int algorithm);
int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *words,
                         unsigned long long words_len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int algorithm);
void *__real_mmap(void *at, size_t size, int access, int flags, int file, off_t offset);
void *__wrap_mmap(void *at, size_t size, int access, int flags, int file, off_t offset);

void *__wrap_sodium_malloc(size_t size)
{
    return must_fail() ? NULL : __real_sodium_malloc(size);
}

int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *words,
                         unsigned long long words_len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int algorithm)
{
    if (must_fail()) {
        errno = ENOMEM;
        return -1;
    }
    return __real_crypto_pwhash(out, out_len, words, words_len, salt, passes, memory, algorithm);
}

void *__wrap_mmap(void *at, size_t size, int access, int flags, int file, off_t offset)
{
    return must_fail() ? MAP_FAILED : __real_mmap(at, size, access, flags, file, offset);
}

/* ---- the loop ---- */

static bool is_expected(const public_call *call, fhirstore_status status)
{
    return status >= FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY ||
           (status == FHIRSTORE_ERR_DENIED && (call->traits & CALL_MAY_DENY) != 0);
}

static fhirstore_status run_failing(const public_call *call, uint64_t k, bool for_ever,
                                    const char *what)
{
    (for_ever ? arm_for_ever : arm)(k);
    fhirstore_status status = call->run();
    disarm();
    ck_assert_msg(is_expected(call, status), "%s, %s: %s", call->name, what,
                  fhirstore_status_name(status));
    return status;
}

/* The handle goes on working. */
static void fail_and_go_on(const public_call *call, uint64_t k, bool for_ever, const char *what,
                           const char *before, const char *after)
{
    restore_template();
    open_fixed();
    fhirstore_status status = run_failing(call, k, for_ever, what);
    if (session != NULL && (call->traits & CALL_NEW_STORE) == 0) {
        check_state(call, what, status, before, after);
        if ((call->traits & CALL_ONCE) == 0) {
            status = call->run();
            ck_assert_msg(status >= FHIRSTORE_OK, "%s does not work after %s: %s", call->name, what,
                          fhirstore_status_name(status));
        }
    }
    close_fixed();
}

static int fail_one(const public_call *call, uint64_t k, bool for_ever, bool goes_on,
                    const char *before, const char *after)
{
    char what[64];
    (void)snprintf(what, sizeof what, "allocation %llu%s", (unsigned long long)k,
                   for_ever ? " and on" : "");
    if (goes_on) {
        fail_and_go_on(call, k, for_ever, what, before, after);
    }
    restore_template();
    open_fixed();
    fhirstore_status status = run_failing(call, k, for_ever, what);
    close_fixed();
    check_left(call, what, status, before, after, false);
    return status < FHIRSTORE_OK;
}

/* How many allocations there are (slots of raw keys take none); what is stored before and after. */
static uint64_t learn_allocations(const public_call *call, char **before_out, char **after_out)
{
    restore_template();
    open_fixed();
    *before_out = state_of_call(call);
    close_fixed();
    /* From the beginning once more: looking is recorded as well, and takes its time. */
    restore_template();
    open_fixed();
    arm(0);
    fhirstore_status status = call->run();
    disarm();
    ck_assert_msg(status >= FHIRSTORE_OK, "%s: %s", call->name, fhirstore_status_name(status));
    const uint64_t total = seen;
    close_fixed();
    *after_out = state_left(call);
    return total;
}

START_TEST(each_allocation_may_fail)
{
    const public_call *call = call_at((size_t)_i);
    char *before = NULL;
    char *after = NULL;
    int refused = 0;
    int tries = 0;
    if (!is_call_wanted(call)) {
        return;
    }
    take_campaign_seed(call->name);
    const uint64_t total = learn_allocations(call, &before, &after);
    const uint64_t stride = is_campaign_long() ? 1 : total / SAMPLES + 1;
    for (uint64_t k = 1; k <= total; k += stride) {
        const uint64_t at = k + throw_campaign_dice((uint32_t)stride);
        const bool for_ever = tries % 2 == 1;
        refused += fail_one(call, at, for_ever, tries % 2 == 0 || is_campaign_long(), before,
                            after);
        if (is_campaign_long()) {
            refused += fail_one(call, at, !for_ever, true, before, after);
        }
        tries++;
    }
    ck_assert_msg(refused > 0 || tries == 0 || !is_campaign_long(), "%s never failed", call->name);
    free(before);
    free(after);
}
END_TEST

/* ---- the table ---- */

/* Public functions that stand in no row, and why. */
static const struct {
    const char *name;
    const char *reason;
} left_out[] = {
    {"*_options_init", "fills a struct of the caller's"},
    {"response_*", "looks at an answer"},
    {"error_*", "looks at an error"},
    {"status_*", "static texts and numbers"},
    {"search_body", "looks at a cursor"},
    {"search_id", "looks at a cursor"},
    {"search_type", "looks at a cursor"},
    {"search_version", "looks at a cursor"},
    {"session_cancel", "sets a flag"},
    {"session_revoke", "sets a flag"},
    {"import_get_totals", "copies numbers"},
    {"default_policy", "a static text"},
    {"open_notice", "a static text"},
    {"fhir_version", "a number"},
    {"version", "a static text"},
};

static bool is_left_out(const char *name)
{
    bool found = false;
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out && !found; i++) {
        const char *known = left_out[i].name;
        const size_t len = strlen(known);
        const size_t name_len = strlen(name);
        if (known[0] == '*') {
            found = name_len >= len - 1 && strcmp(name + name_len - (len - 1), known + 1) == 0;
        } else if (known[len - 1] == '*') {
            found = strncmp(name, known, len - 1) == 0;
        } else {
            found = strcmp(name, known) == 0;
        }
    }
    return found;
}

static bool is_in_table(const char *name)
{
    const size_t len = strlen(name);
    for (size_t i = 0; i < call_count(); i++) {
        const char *at = call_at(i)->functions;
        while ((at = strstr(at, name)) != NULL) {
            bool begins = at == call_at(i)->functions || at[-1] == ' ';
            if (begins && (at[len] == '\0' || at[len] == ' ')) {
                return true;
            }
            at++;
        }
    }
    return false;
}

START_TEST(every_public_function_is_in_the_table)
{
    char *map = load_file(EXPORTS, NULL);
    int functions = 0;
    const char *at = map;
    while ((at = strstr(at, "    fhirstore_")) != NULL) {
        char name[80];
        at += strlen("    fhirstore_");
        ck_assert_int_eq(sscanf(at, "%79[a-z0-9_]", name), 1);
        functions++;
        ck_assert_msg(is_in_table(name) || is_left_out(name),
                      "fhirstore_%s: no row in tests/fault/calls_*.c tries its failures", name);
    }
    ck_assert_int_gt(functions, 100);
    free(map);
}
END_TEST

int main(void)
{
    sqlite3_mem_methods methods;
    cJSON_Hooks hooks = {failing_node, free};
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    methods = real_methods;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    cJSON_InitHooks(&hooks);
    Suite *suite = suite_create("fault/memory");
    TCase *tests = tcase_create("memory");
    TCase *table = tcase_create("table");
    tcase_set_timeout(tests, is_campaign_long() ? 36000 : 120);
    tcase_add_checked_fixture(tests, setup_template, teardown_template);
    tcase_add_loop_test(tests, each_allocation_may_fail, 0, (int)call_count());
    tcase_add_test(table, every_public_function_is_in_the_table);
    suite_add_tcase(suite, table);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
