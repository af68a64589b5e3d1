/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk fails at any moment, fills up, or the process is killed, below the public calls: every
 * call that was answered with success is there afterwards, every other one wholly or not at all,
 * the file can be read, and verify finds nothing.
 *
 * Short form: some moments of each kind. FHIRSTORE_TEST_LONG=1: many more. FHS_TEST_SEED chooses
 * them; the seed of a run is printed.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "harness.h"

#define GENERATIONS 5
#define IMPORTED    12
#define CREATED_MAX 4096
/* Above what is stored in parts. */
#define LARGE_BYTES ((size_t)1200 * 1024)

/* ---- chance ---- */

static uint64_t dice;

static uint32_t throw_dice(uint32_t below)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((dice >> 33) % below);
}

static void take_seed(const char *what)
{
    const char *given = getenv("FHS_TEST_SEED");
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10)
                                  : (uint64_t)now.tv_nsec * 1000003u + (uint64_t)now.tv_sec;
    (void)fprintf(stderr, "# %s: FHS_TEST_SEED=%llu\n", what, (unsigned long long)seed);
    dice = seed;
}

static bool is_long(void)
{
    const char *value = getenv("FHIRSTORE_TEST_LONG");
    return value != NULL && value[0] != '\0' && value[0] != '0';
}

/* ---- what is done: each lane writes the generation's number in its own way ---- */

typedef enum lane {
    LANE_UPDATE,      /* Patient/a has the number */
    LANE_TRANSACTION, /* three of them have it, always the same */
    LANE_CREATE,      /* ids that the store makes */
    LANE_DELETE,      /* there in odd generations, gone in even ones */
    LANE_IMPORT,      /* a dozen new ones each time */
    LANE_LARGE,       /* a large one has it */
    LANE_COUNT,
} lane;

/* What was tried, and what was answered with success. */
typedef struct history_of {
    int tried;
    int done;
} history_of;

static history_of lanes[LANE_COUNT];
static char created[CREATED_MAX][40];
static int created_count;
static bool imported[CREATED_MAX];
static char *large_text;
static fhirstore_status first_failure;

static void forget_history(void)
{
    memset(lanes, 0, sizeof lanes);
    memset(imported, 0, sizeof imported);
    created_count = 0;
    first_failure = FHIRSTORE_OK;
}

static fhirstore_status note(fhirstore_status status)
{
    if (status < FHIRSTORE_OK && first_failure == FHIRSTORE_OK) {
        first_failure = status;
    }
    return status;
}

static fhirstore_status write_patient(const char *id, int number)
{
    char body[200];
    fhirstore_response *response = NULL;
    (void)snprintf(body, sizeof body,
                   "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"multipleBirthInteger\":%d,"
                   "\"name\":[{\"family\":\"g%d\"}]}",
                   id, number, number);
    fhirstore_status status = fhirstore_update(session, FHIRSTORE_LIT("Patient"), id, strlen(id),
                                               body, strlen(body), NULL, &response, NULL);
    fhirstore_response_free(response);
    return note(status);
}

/* A Bundle answers with an HTTP status. */
static fhirstore_status run_transaction(int number)
{
    char body[1000];
    size_t len = 0;
    fhirstore_response *response = NULL;
    len += (size_t)snprintf(body, sizeof body,
                            "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[");
    for (int i = 1; i <= 3; i++) {
        len += (size_t)snprintf(body + len, sizeof body - len,
                                "%s{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"t%d\","
                                "\"multipleBirthInteger\":%d},\"request\":{\"method\":\"PUT\","
                                "\"url\":\"Patient/t%d\"}}",
                                i == 1 ? "" : ",", i, number, i);
    }
    len += (size_t)snprintf(body + len, sizeof body - len, "]}");
    fhirstore_status status = fhirstore_request(session, FHIRSTORE_LIT("POST"), "", 0, NULL, 0,
                                                body, len, &response, NULL);
    if (status >= FHIRSTORE_OK && fhirstore_response_http(response) != 200) {
        status = FHIRSTORE_ERR_IO;
    }
    fhirstore_response_free(response);
    return note(status);
}

static fhirstore_status create_one(int number)
{
    char body[200];
    fhirstore_response *response = NULL;
    (void)snprintf(
        body, sizeof body,
        "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"c\"},"
        "\"valueInteger\":%d}",
        number);
    fhirstore_status status = fhirstore_create(session, FHIRSTORE_LIT("Observation"), body,
                                               strlen(body), &response, NULL);
    if (status >= FHIRSTORE_OK) {
        size_t len;
        const char *id = fhirstore_response_id(response, &len);
        ck_assert_int_lt(created_count, CREATED_MAX);
        (void)snprintf(created[created_count++], sizeof created[0], "%.*s", (int)len, id);
    }
    fhirstore_response_free(response);
    return note(status);
}

static fhirstore_status come_and_go(int number)
{
    if (number % 2 == 1) {
        return write_patient("d", number);
    }
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_delete(session, FHIRSTORE_LIT("Patient"),
                                               FHIRSTORE_LIT("d"), NULL, &response, NULL);
    fhirstore_response_free(response);
    return note(status);
}

static fhirstore_status import_some(int number)
{
    fhirstore_import *import = NULL;
    fhirstore_status status = fhirstore_import_open(session, NULL, &import, NULL);
    for (int i = 0; i < IMPORTED && status >= FHIRSTORE_OK; i++) {
        char line[200];
        (void)snprintf(line, sizeof line,
                       "{\"resourceType\":\"Encounter\",\"id\":\"i%d-%d\",\"status\":\"finished\","
                       "\"class\":{\"code\":\"AMB\"},\"subject\":{\"reference\":\"Patient/a\"}}",
                       number, i);
        status = fhirstore_import_add(import, "lines", (uint64_t)i + 1, line, strlen(line), NULL);
    }
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_finish(import, &totals, NULL);
        /* A document that could not be read for the disk's sake ends the import; none is refused.
         */
        ck_assert_int_eq(totals.failed, 0);
    }
    fhirstore_import_close(import);
    return note(status);
}

static size_t make_large(int number)
{
    large_text = realloc(large_text, LARGE_BYTES + 1000);
    ck_assert_ptr_nonnull(large_text);
    size_t len = (size_t)sprintf(
        large_text,
        "{\"resourceType\":\"Bundle\",\"id\":\"f\",\"type\":\"collection\","
        "\"timestamp\":\"2020-01-01T00:00:%02dZ\",\"entry\":[",
        number % 60);
    for (int i = 0; len < LARGE_BYTES; i++) {
        len += (size_t)sprintf(large_text + len, "%s{\"fullUrl\":\"http://x.org/%d/%d\"}",
                               i == 0 ? "" : ",", number, i);
    }
    return len + (size_t)sprintf(large_text + len, "]}");
}

static fhirstore_status write_large(int number)
{
    fhirstore_response *response = NULL;
    size_t len = make_large(number);
    fhirstore_status status = fhirstore_update(session, FHIRSTORE_LIT("Bundle"), FHIRSTORE_LIT("f"),
                                               large_text, len, NULL, &response, NULL);
    fhirstore_response_free(response);
    return note(status);
}

/* What is found is right, or the search says that it failed. */
static void search_some(void)
{
    fhirstore_search *search = NULL;
    const char *query = "subject=Patient/a";
    int64_t count = -1;
    fhirstore_status status = fhirstore_search_open(session, FHIRSTORE_LIT("Encounter"), query,
                                                    strlen(query), &search, NULL);
    if (status >= FHIRSTORE_OK) {
        for (count = 0; (status = fhirstore_search_next(search, NULL)) == FHIRSTORE_OK; count++) {
        }
    }
    fhirstore_search_close(search);
    if (note(status) >= FHIRSTORE_OK) {
        int64_t least = 0;
        for (int i = 0; i <= lanes[LANE_IMPORT].tried; i++) {
            least += imported[i] ? IMPORTED : 0;
        }
        ck_assert_int_ge(count, least);
        ck_assert_int_le(count, (int64_t)lanes[LANE_IMPORT].tried * IMPORTED);
    }
}

static fhirstore_status write_lane(lane which, int number)
{
    switch (which) {
    case LANE_UPDATE:
        return write_patient("a", number);
    case LANE_TRANSACTION:
        return run_transaction(number);
    case LANE_CREATE:
        return create_one(number);
    case LANE_DELETE:
        return come_and_go(number);
    case LANE_IMPORT:
        return import_some(number);
    default:
        return write_large(number);
    }
}

static void write_generation(int number)
{
    ck_assert_int_lt(number, CREATED_MAX);
    for (int i = 0; i < LANE_COUNT; i++) {
        lanes[i].tried = number;
        if (write_lane((lane)i, number) >= FHIRSTORE_OK) {
            lanes[i].done = number;
            imported[number] = imported[number] || i == LANE_IMPORT;
        }
    }
    search_some();
}

/* ---- what is left ---- */

/* -1: not there */
static int number_of(const char *id)
{
    reply answer = read_one("Patient", id);
    if (answer.status < FHIRSTORE_OK) {
        ck_assert(answer.status == FHIRSTORE_ERR_NOT_FOUND ||
                  answer.status == FHIRSTORE_ERR_DELETED);
        return -1;
    }
    return atoi(text_at(&answer, "multipleBirthInteger"));
}

/* A failed call may have been committed all the same; a later one has the last word. */
static void expect_number(lane which, int number, const char *what)
{
    ck_assert_msg(number >= lanes[which].done && number <= lanes[which].tried,
                  "%s is of generation %d, done %d, tried %d", what, number, lanes[which].done,
                  lanes[which].tried);
}

static void expect_lanes(void)
{
    int number = number_of("a");
    expect_number(LANE_UPDATE, number < 0 ? 0 : number, "Patient/a");
    number = number_of("t1");
    expect_number(LANE_TRANSACTION, number < 0 ? 0 : number, "Patient/t1");
    ck_assert_int_eq(number_of("t2"), number);
    ck_assert_int_eq(number_of("t3"), number);
    for (int i = 0; i < created_count; i++) {
        expect_status(read_one("Observation", created[i]), FHIRSTORE_OK);
    }
    int64_t observations = count_of("Observation", "");
    ck_assert_int_ge(observations, created_count);
    ck_assert_int_le(observations, lanes[LANE_CREATE].tried);
    number = number_of("d");
    if (lanes[LANE_DELETE].done == lanes[LANE_DELETE].tried && lanes[LANE_DELETE].done > 0) {
        ck_assert_int_eq(number, lanes[LANE_DELETE].done % 2 == 1 ? lanes[LANE_DELETE].done : -1);
    }
    for (int i = 1; i <= lanes[LANE_IMPORT].tried; i++) {
        char query[64];
        (void)snprintf(query, sizeof query, "_id=i%d-0,i%d-%d", i, i, IMPORTED - 1);
        int64_t found = count_of("Encounter", query);
        ck_assert_msg(found == 2 || (found == 0 && !imported[i]), "import %d", i);
    }
    reply large = read_one("Bundle", "f");
    if (lanes[LANE_LARGE].done > 0 || large.status >= FHIRSTORE_OK) {
        expect_status(large, FHIRSTORE_OK);
        const char *url = strstr(large.body, "http://x.org/");
        ck_assert_ptr_nonnull(url);
        expect_number(LANE_LARGE, atoi(url + strlen("http://x.org/")), "Bundle/f");
        ck_assert_uint_ge(large.body_len, LARGE_BYTES);
    }
    forget_replies();
}

static void close_all(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

/* Open what is left, look at it, and go on with it. */
static void expect_left(void)
{
    const fhirstore_open_options options = open_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/tester");
    expect_sound(store);
    expect_lanes();
    first_failure = FHIRSTORE_OK;
    write_generation(lanes[0].tried + 1);
    ck_assert_msg(first_failure == FHIRSTORE_OK, "%s", fhirstore_status_name(first_failure));
    expect_lanes();
    expect_sound(store);
    close_all();
}

/* ---- faults ---- */

static bool is_disk_status(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_IO || status == FHIRSTORE_ERR_FULL ||
           status == FHIRSTORE_ERR_BUSY || status == FHIRSTORE_ERR_IN_USE ||
           status == FHIRSTORE_ERR_NO_MEMORY || status == FHIRSTORE_ERR_CORRUPT ||
           status == FHIRSTORE_ERR_TAMPERED || status == FHIRSTORE_ERR_NOT_A_STORE ||
           status == FHIRSTORE_ERR_TRUNCATED || status == FHIRSTORE_ERR_READ_ONLY ||
           status == FHIRSTORE_ERR_NOT_FOUND || status == FHIRSTORE_ERR_FATAL;
}

static void remove_store(void)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char path[128];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        (void)snprintf(path, sizeof path, "%s%s", store_path, endings[i]);
        (void)unlink(path);
    }
}

static void run_generations(void)
{
    fhirstore_open_options options = open_options();
    fhirstore_session_options entering = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.cache_bytes = 256 * 1024;
    entering.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    forget_history();
    if (note(fhirstore_open(store_path, strlen(store_path), &options, &store, NULL)) ==
            FHIRSTORE_OK &&
        note(fhirstore_session_open(store, &entering, &session, NULL)) == FHIRSTORE_OK) {
        for (int i = 1; i <= GENERATIONS; i++) {
            write_generation(i);
        }
    }
    close_all();
}

/* Found before the real one, as long as it is registered. */
static fault_vfs *put_below(void)
{
    fault_vfs *fault = fault_vfs_new("unix-excl", "unix-excl");
    ck_assert_ptr_nonnull(fault);
    return fault;
}

static const struct {
    const char *name;
    unsigned ops;
    bool for_ever;
    bool tears;
} kinds[] = {
    {"a write fails", FAULT_WRITE | FAULT_TRUNCATE, false, false},
    {"a write is torn", FAULT_WRITE, false, true},
    {"writes fail from then on", FAULT_WRITE | FAULT_TRUNCATE, true, false},
    {"a sync fails", FAULT_SYNC, false, false},
    {"syncs fail from then on", FAULT_SYNC, true, false},
    {"a read fails", FAULT_READ, false, false},
    {"anything fails", FAULT_ANY, false, false},
    {"everything fails from then on", FAULT_ANY, true, false},
};

START_TEST(the_disk_fails)
{
    const uint64_t probes = is_long() ? 150 : 5;
    take_seed(kinds[_i].name);
    fault_vfs *fault = put_below();
    fault_vfs_count(fault, kinds[_i].ops);
    run_generations();
    ck_assert_int_eq(first_failure, FHIRSTORE_OK);
    const uint64_t total = fault_vfs_seen(fault);
    remove_store();
    for (uint64_t i = 0; i < probes; i++) {
        const uint64_t stride = total / probes + 1;
        const uint64_t k = 1 + i * stride + throw_dice((uint32_t)stride);
        fault_vfs_tear(fault, kinds[_i].tears);
        fault_vfs_arm(fault, kinds[_i].ops, k, kinds[_i].for_ever);
        run_generations();
        fault_vfs_disarm(fault);
        fault_vfs_tear(fault, false);
        ck_assert_msg(first_failure == FHIRSTORE_OK || is_disk_status(first_failure),
                      "operation %llu of %llu: %s", (unsigned long long)k,
                      (unsigned long long)total, fhirstore_status_name(first_failure));
        expect_left();
        remove_store();
    }
    fault_vfs_free(fault);
}
END_TEST

START_TEST(the_disk_is_full)
{
    int was_full = 0;
    take_seed("full");
    fault_vfs *fault = put_below();
    const uint32_t step = is_long() ? 40000 : 1500000;
    for (uint64_t room = throw_dice(step); room < 8000000; room += 1 + throw_dice(step)) {
        fault_vfs_limit_space(fault, room);
        run_generations();
        fault_vfs_limit_space(fault, UINT64_MAX);
        ck_assert_msg(first_failure == FHIRSTORE_OK || is_disk_status(first_failure), "%s",
                      fhirstore_status_name(first_failure));
        was_full += first_failure == FHIRSTORE_ERR_FULL;
        expect_left();
        remove_store();
    }
    ck_assert_int_gt(was_full, 1);
    fault_vfs_free(fault);
}
END_TEST

/* What cannot be recorded is not answered, where it is to be recorded first; else it waits. */
START_TEST(a_full_disk_refuses_reads_that_must_be_recorded)
{
    static const char body[] = "{\"resourceType\":\"Patient\",\"id\":\"p\"}";
    static const int32_t modes[] = {FHIRSTORE_JOURNAL_STRICT, FHIRSTORE_JOURNAL_BATCHED};
    fault_vfs *fault = put_below();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        fhirstore_open_options options = open_options();
        options.journal = modes[i];
        store = must_open(store_path, &options);
        session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/tester");
        expect_status(update("Patient", "p", body), FHIRSTORE_CREATED);
        expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
        fault_vfs_limit_space(fault, 0);
        const reply full = read_one("Patient", "p");
        const bool is_strict = modes[i] == FHIRSTORE_JOURNAL_STRICT;
        ck_assert_msg(full.status == (is_strict ? FHIRSTORE_ERR_FULL : FHIRSTORE_OK), "%s",
                      fhirstore_status_name(full.status));
        ck_assert(!is_strict || strstr(full.body, "\"Patient\"") == NULL);
        expect_http(ask("GET", "Patient?_id=p", NULL, NULL), is_strict ? 507 : 200);
        fault_vfs_limit_space(fault, UINT64_MAX);
        expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
        /* The attempts are on record as well, once there is room again. */
        fhirstore_buf records = {0};
        int64_t next;
        ck_assert_int_eq(fhirstore_journal_read(session, 1, 100, &records, &next, NULL),
                         FHIRSTORE_OK);
        ck_assert_ptr_nonnull(
            strstr(records.ptr, is_strict ? "\"outcome\":\"ERR_FULL\"" : "\"action\":\"search\""));
        fhirstore_buf_clear(&records);
        fhirstore_buf report = {0};
        ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL), FHIRSTORE_OK);
        fhirstore_buf_clear(&report);
        fhirstore_session_close(session);
        fhirstore_close(store);
        session = NULL;
        store = NULL;
        remove_store();
    }
    fault_vfs_free(fault);
}
END_TEST

/* ---- kill -9 ---- */

static void write_until_killed(int from, int tell)
{
    const fhirstore_open_options options = open_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/tester");
    created_count = 0;
    for (int number = from;; number++) {
        for (int i = 0; i < LANE_COUNT; i++) {
            const int trying[2] = {i, -number};
            const int doing[2] = {i, number};
            if (write(tell, trying, sizeof trying) != (ssize_t)sizeof trying ||
                write_lane((lane)i, number) < FHIRSTORE_OK ||
                write(tell, doing, sizeof doing) != (ssize_t)sizeof doing) {
                _exit(1);
            }
        }
    }
}

static void read_what_was_done(int from)
{
    int told[2];
    while (read(from, told, sizeof told) == (ssize_t)sizeof told) {
        if (told[1] < 0) {
            lanes[told[0]].tried = -told[1];
        } else {
            lanes[told[0]].done = told[1];
            imported[told[1]] = imported[told[1]] || told[0] == LANE_IMPORT;
        }
    }
}

START_TEST(the_process_is_killed)
{
    const int cycles = is_long() ? 150 : 8;
    int generations = 0;
    take_seed("kill");
    forget_history();
    for (int cycle = 0; cycle < cycles; cycle++) {
        int ends[2];
        int result;
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            (void)close(ends[0]);
            write_until_killed(lanes[0].tried + 1, ends[1]);
        }
        (void)close(ends[1]);
        struct timespec pause = {0, (long)(20 + throw_dice(200)) * 1000000};
        (void)nanosleep(&pause, NULL);
        (void)kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &result, 0), child);
        ck_assert_msg(WIFSIGNALED(result), "the child ended by itself: %d", result);
        read_what_was_done(ends[0]);
        (void)close(ends[0]);
        generations += lanes[0].done;
        created_count = 0; /* their ids died with the child; their number is known */
        for (int i = 0; i < LANE_COUNT; i++) {
            lanes[i].tried = lanes[i].tried < lanes[0].tried ? lanes[0].tried : lanes[i].tried;
        }
        expect_left();
        created_count = 0;
        if (cycle % 12 == 11) {
            remove_store(); /* before looking at it takes longer than writing */
            forget_history();
        }
    }
    ck_assert_int_gt(generations, 0);
    remove_store();
}
END_TEST

static void forget_large(void)
{
    free(large_text);
    large_text = NULL;
}

static void teardown_disk(void)
{
    forget_large();
    teardown();
}

int main(void)
{
    Suite *suite = suite_create("disk");
    TCase *tests = tcase_create("disk");
    tcase_add_checked_fixture(tests, setup_folder, teardown_disk);
    tcase_set_timeout(tests, is_long() ? 3600 : 240);
    tcase_add_loop_test(tests, the_disk_fails, 0, (int)(sizeof kinds / sizeof *kinds));
    tcase_add_test(tests, the_disk_is_full);
    tcase_add_test(tests, a_full_disk_refuses_reads_that_must_be_recorded);
    tcase_add_test(tests, the_process_is_killed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
